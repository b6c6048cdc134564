//===- AttentionMatch.cpp - Decomposed attention in dataflow --------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fovea/passes/Recognize/AttentionMatch.h"

#include "mlir/Analysis/SliceAnalysis.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace fovea;

/// `value` without the widening casts of a contraction's operands.
static Value skipExtension(Value value) {
  while (auto ext = value.getDefiningOp<arith::ExtFOp>())
    value = ext.getIn();
  return value;
}

/// Whether the body is c + a * b, with a and b possibly widened first.
static bool isMulAdd(Block *body) {
  if (body->getNumArguments() != 3)
    return false;
  Value yielded = body->getTerminator()->getOperand(0);
  auto add = yielded.getDefiningOp<arith::AddFOp>();
  if (!add)
    return false;
  for (bool swapped : {false, true}) {
    Value sum = swapped ? add.getRhs() : add.getLhs();
    auto mul =
        (swapped ? add.getLhs() : add.getRhs()).getDefiningOp<arith::MulFOp>();
    if (!mul || sum != body->getArgument(2))
      continue;
    Value a = skipExtension(mul.getLhs()), b = skipExtension(mul.getRhs());
    if ((a == body->getArgument(0) && b == body->getArgument(1)) ||
        (a == body->getArgument(1) && b == body->getArgument(0)))
      return true;
  }
  return false;
}

bool fovea::isZeroInitContraction(linalg::LinalgOp op) {
  if (!op.hasPureTensorSemantics() || op.getNumDpsInputs() != 2 ||
      op.getNumDpsInits() != 1 || op.getNumReductionLoops() == 0 ||
      op.getNumParallelLoops() + op.getNumReductionLoops() !=
          op.getNumLoops() ||
      !llvm::all_of(op.getIndexingMapsArray(),
                    [](AffineMap map) { return map.isProjectedPermutation(); }))
    return false;
  if (!isMulAdd(op.getBlock()))
    return false;
  TypedAttr init = splatConstant(op.getDpsInits()[0]);
  auto number = dyn_cast_or_null<FloatAttr>(init);
  return number && number.getValue().isZero();
}

/// The loops of a contraction as lists of iteration dimensions.
static SmallVector<AxisDims> readAxes(AffineMap map, ArrayRef<AxisDims> loops) {
  SmallVector<AxisDims> axes;
  for (AffineExpr expr : map.getResults())
    axes.push_back(loops[cast<AffineDimExpr>(expr).getPosition()]);
  return axes;
}

static AxisDims allLeaves(const IterationSpace &space,
                          ArrayRef<AxisDims> axes) {
  AxisDims all;
  for (const AxisDims &axis : axes)
    llvm::append_range(all, space.leaves(axis));
  return all;
}

/// A new dimension for loop `loop` of `op`, as large as the axis of an input
/// that it walks along.
static unsigned addLoopDim(IterationSpace &space, linalg::LinalgOp op,
                           unsigned loop) {
  OpOperand *best = nullptr;
  unsigned bestAxis = 0;
  for (OpOperand *input : op.getDpsInputOperands())
    for (auto [axis, expr] :
         llvm::enumerate(op.getMatchingIndexingMap(input).getResults()))
      if (cast<AffineDimExpr>(expr).getPosition() == loop) {
        bool isStatic =
            !cast<RankedTensorType>(input->get().getType()).isDynamicDim(axis);
        if (!best || isStatic)
          best = input, bestAxis = axis;
      }
  return space.addDim(best->get(), bestAxis);
}

bool fovea::absorbScale(View &view, double &scale,
                        SmallVectorImpl<ScaleFactor> &factors) {
  auto op = view.value.getDefiningOp<linalg::LinalgOp>();
  if (!op || !isPointwise(op) || op.getNumDpsInputs() > 2)
    return false;
  Block *body = op.getBlock();
  Operation *last = body->getTerminator()->getOperand(0).getDefiningOp();
  if (!isa_and_nonnull<arith::MulFOp, arith::DivFOp>(last) ||
      last->getBlock() != body)
    return false;
  Operation &inner = *last;
  bool divides = isa<arith::DivFOp>(inner);
  for (unsigned side = 0; side < (divides ? 1 : 2); ++side) {
    auto scaled = dyn_cast<BlockArgument>(inner.getOperand(side));
    Value factor = inner.getOperand(1 - side);
    if (!scaled || scaled.getOwner() != body || scaled == factor)
      continue;
    OpOperand *input = op.getDpsInputOperand(scaled.getArgNumber());
    AffineMap map = op.getMatchingIndexingMap(input);
    if (map != op.getMatchingIndexingMap(op.getDpsInitOperand(0)))
      continue;
    FloatAttr constant;
    if (auto argument = dyn_cast<BlockArgument>(factor)) {
      OpOperand *other = op.getDpsInputOperand(argument.getArgNumber());
      auto type = cast<RankedTensorType>(other->get().getType());
      constant = dyn_cast_or_null<FloatAttr>(splatConstant(other->get()));
      if (!constant && (!type.hasStaticShape() || type.getNumElements() != 1))
        continue;
      if (!constant) {
        View one{other->get(), SmallVector<AxisDims>(type.getRank())};
        factors.push_back({one, divides});
      }
    } else if (!matchPattern(factor, m_Constant(&constant))) {
      continue;
    }
    if (constant) {
      double number = constant.getValueAsDouble();
      if (!std::isfinite(number) || number == 0.0)
        continue;
      scale = divides ? scale / number : scale * number;
    }
    view.value = input->get();
    return true;
  }
  return false;
}

/// Follow `view` to its source through views and scalar factors.
static void traceOperand(AttentionMatch &match, View &view) {
  for (;;) {
    match.space.traceToSource(view);
    View past = view;
    double scale = match.scale;
    SmallVector<ScaleFactor> factors = match.factors;
    if (!absorbScale(past, scale, factors))
      return;
    view = past;
    match.scale = scale;
    match.factors = factors;
  }
}

SmallVector<linalg::LinalgOp> fovea::contractionsBehind(Value value) {
  constexpr unsigned kMaxVisited = 256;
  llvm::SetVector<Value> seen;
  SmallVector<linalg::LinalgOp> result;
  seen.insert(value);
  for (unsigned i = 0; i < seen.size() && seen.size() < kMaxVisited; ++i) {
    Value current = seen[i];
    if (Value source = viewSource(current)) {
      seen.insert(source);
      continue;
    }
    auto op = current.getDefiningOp<linalg::LinalgOp>();
    if (!op)
      continue;
    if (isPointwise(op)) {
      for (OpOperand *input : op.getDpsInputOperands())
        seen.insert(input->get());
    } else if (isZeroInitContraction(op)) {
      result.push_back(op);
    }
  }
  return result;
}

/// Start from the output contraction: its loops are the first dimensions.
static bool matchOutput(AttentionMatch &match, OpOperand &operand) {
  linalg::LinalgOp op = match.output;
  if (op.getNumReductionLoops() != 1) {
    match.why = "the product with the values sums over several axes";
    return false;
  }
  OpOperand *other = op.getDpsInputOperand(1 - operand.getOperandNumber());
  AffineMap probMap = op.getMatchingIndexingMap(&operand);
  AffineMap valueMap = op.getMatchingIndexingMap(other);
  SmallVector<AxisDims> loops;
  for (unsigned loop = 0; loop < op.getNumLoops(); ++loop) {
    unsigned dim = addLoopDim(match.space, op, loop);
    loops.push_back({dim});
    bool inProb = probMap.isFunctionOfDim(loop);
    bool inValue = valueMap.isFunctionOfDim(loop);
    bool reduction =
        op.getIteratorTypesArray()[loop] == utils::IteratorType::reduction;
    if (reduction)
      match.k2 = dim;
    else if (!inProb)
      match.n = dim;
    if (!inProb || !inValue || reduction)
      match.space.protect(dim);
    if (reduction && !(inProb && inValue)) {
      match.why = "the product with the values does not pair them with keys";
      return false;
    }
  }
  if (match.n == ~0u) {
    match.why = "the values have no axis of their own";
    return false;
  }
  View prob{operand.get(), readAxes(probMap, loops)};
  match.value = {other->get(), readAxes(valueMap, loops)};
  match.result = {
      op->getResult(0),
      readAxes(op.getMatchingIndexingMap(op.getDpsInitOperand(0)), loops)};
  match.probTree.build(match.space, match.softmax->getResult(0), prob);
  match.why = match.probTree.failure();
  return match.why.empty();
}

/// The axis of the softmax must be the one that the output sums over.
static bool matchSoftmaxAxis(AttentionMatch &match) {
  const SmallVector<AxisDims> &axes = match.probTree.rootAxes();
  unsigned position = match.softmax.getDimension();
  AxisDims expected = match.space.leaves({match.k2});
  for (unsigned position : match.probTree.rootRepeats())
    for (const Repeat::Axis &repeated : match.space.repeat(position).axes)
      if (repeated.oneSize && llvm::is_contained(expected, repeated.dim)) {
        match.why = "the probabilities may be repeated along the keys";
        return false;
      }
  if (match.space.leaves(axes[position]) == expected)
    return true;
  AxisDims all = allLeaves(match.space, axes);
  match.why =
      llvm::any_of(expected,
                   [&](unsigned d) { return llvm::is_contained(all, d); })
          ? "the softmax normalises over another axis than the one "
            "that the product with the values sums over"
          : "the product with the values does not sum over an axis of "
            "the softmax";
  return false;
}

/// Find the roles of the operands of the score contraction.
static bool matchScores(AttentionMatch &match, linalg::LinalgOp op) {
  match.scores = op;
  View softmaxInput{match.softmax.getInput(), match.probTree.rootAxes(),
                    llvm::to_vector(match.probTree.rootRepeats())};
  match.scoreTree.build(match.space, op->getResult(0), softmaxInput);
  match.why = match.scoreTree.failure();
  if (!match.why.empty())
    return false;
  if (op.getNumReductionLoops() != 1) {
    match.why = "the scores are sums over several axes";
    return false;
  }
  SmallVector<AxisDims> loops(op.getNumLoops());
  AffineMap out = op.getMatchingIndexingMap(op.getDpsInitOperand(0));
  for (auto [axis, expr] : llvm::enumerate(out.getResults()))
    loops[cast<AffineDimExpr>(expr).getPosition()] =
        match.scoreTree.rootAxes()[axis];
  for (unsigned loop = 0; loop < op.getNumLoops(); ++loop)
    if (op.getIteratorTypesArray()[loop] == utils::IteratorType::reduction) {
      match.k1 = addLoopDim(match.space, op, loop);
      match.space.protect(match.k1);
      loops[loop] = {match.k1};
    }
  View sides[2];
  bool hasKeys[2];
  for (unsigned side : {0u, 1u}) {
    OpOperand *input = op.getDpsInputOperand(side);
    sides[side] = {input->get(),
                   readAxes(op.getMatchingIndexingMap(input), loops),
                   llvm::to_vector(match.scoreTree.rootRepeats())};
    // A product with a part of the keys' axis is a bias, not the scores.
    AxisDims dims = allLeaves(match.space, sides[side].axes);
    hasKeys[side] =
        llvm::all_of(match.space.leaves({match.k2}), [&](unsigned dim) {
          return llvm::is_contained(dims, dim);
        });
  }
  if (hasKeys[0] == hasKeys[1]) {
    match.why = hasKeys[0] ? "queries and keys share the axis of the softmax"
                           : "the scores do not depend on the axis of the "
                             "softmax";
    return false;
  }
  match.query = sides[hasKeys[0] ? 1 : 0];
  match.key = sides[hasKeys[0] ? 0 : 1];
  return true;
}

/// M is the axis of the scores next to the keys that neither keys nor values
/// have.
static bool matchRoles(AttentionMatch &match) {
  IterationSpace &space = match.space;
  AxisDims query = allLeaves(space, match.query.axes);
  AxisDims key = allLeaves(space, match.key.axes);
  AxisDims value = allLeaves(space, match.value.axes);
  AxisDims output = allLeaves(space, match.result.axes);
  for (unsigned dim : allLeaves(space, match.probTree.rootAxes()))
    if (llvm::is_contained(query, dim) && !llvm::is_contained(key, dim) &&
        !llvm::is_contained(value, dim) && llvm::is_contained(output, dim))
      match.m = space.root(dim);
  if (match.m == ~0u) {
    match.why = "no axis of the queries is theirs alone: each query has its "
                "own keys";
    return false;
  }
  space.protect(match.m);
  for (const View *view : {&match.query, &match.key, &match.value})
    if (!isa<FloatType>(getElementTypeOrSelf(view->value))) {
      match.why = "the operands are not floating-point tensors";
      return false;
    }
  return true;
}

/// Whether the axes can be written as a projected permutation.
static bool isRegular(const IterationSpace &space, const View &view) {
  AxisDims seen;
  for (const AxisDims &axis : view.axes)
    for (unsigned dim : space.merged(axis)) {
      if (space.isPartOfWhole(dim) || llvm::is_contained(seen, dim))
        return false;
      seen.push_back(dim);
    }
  return true;
}

/// Whether no axis that is repeated at run time is merged with another one.
static bool isRepeatable(const IterationSpace &space, const View &view) {
  if (view.repeats.empty())
    return true;
  for (const AxisDims &axis : view.axes) {
    AxisDims dims = space.merged(axis);
    if (dims.size() > 1 &&
        llvm::any_of(dims, [&](unsigned dim) { return space.isRepeated(dim); }))
      return false;
  }
  return true;
}

/// Whether a tensor that the score region reads is computed from the scores. It
/// would keep the score matrix, and a comparison of the two could turn out
/// differently where the fused scores are rounded in another order.
static bool readsOwnScores(const AttentionMatch &match) {
  Operation *scores =
      const_cast<linalg::LinalgOp &>(match.scores).getOperation();
  BackwardSliceOptions options;
  options.inclusive = true;
  options.omitUsesFromAbove = false;
  options.filter = [&](Operation *op) {
    Operation *outer = scores->getBlock()->findAncestorOpInBlock(*op);
    return outer && !outer->isBeforeInBlock(scores);
  };
  llvm::SetVector<Operation *> slice;
  for (const View &view : match.scoreTree.captures())
    (void)getBackwardSlice(view.value, &slice, options);
  return slice.contains(scores);
}

/// Whether all operands fit one iteration space once every split is made.
static bool checkMatch(AttentionMatch &match) {
  const IterationSpace &space = match.space;
  for (const View *view :
       {&match.query, &match.key, &match.value, &match.result})
    if (!isRegular(space, *view)) {
      match.why = "reshapes of the scores cut through an axis of the operands";
      return false;
    } else if (!isRepeatable(space, *view)) {
      match.why = "an axis that may be repeated at run time is merged with "
                  "another one";
      return false;
    }
  if (readsOwnScores(match)) {
    match.why = "what changes the scores is computed from the scores";
    return false;
  }
  for (ScalarTree *tree : {&match.scoreTree, &match.probTree}) {
    if (!tree->hasStaticIndices(space)) {
      match.why = "positions depend on sizes that are known only at run time";
      return false;
    }
    for (const View &view : tree->captures()) {
      if (!isRepeatable(space, view)) {
        match.why = "an axis that may be repeated at run time is merged with "
                    "another one";
        return false;
      }
      AxisDims seen;
      for (unsigned dim : allLeaves(space, view.axes)) {
        if (llvm::is_contained(seen, dim)) {
          match.why = "a tensor is read along a diagonal";
          return false;
        }
        seen.push_back(dim);
      }
    }
  }
  return true;
}

bool fovea::canKeepProbabilities(const AttentionMatch &match) {
  if (!match.probTree.isIdentity() || !match.probTree.rootRepeats().empty())
    return false;
  AxisDims kept = allLeaves(match.space, match.probTree.rootAxes());
  for (unsigned dim : allLeaves(match.space, match.result.axes))
    if (!llvm::is_contained(kept, dim) && match.space.root(dim) != match.n)
      return false;
  Operation *softmax = match.softmax;
  BackwardSliceOptions options;
  options.inclusive = true;
  options.omitUsesFromAbove = false;
  options.filter = [&](Operation *op) {
    Operation *outer = softmax->getBlock()->findAncestorOpInBlock(*op);
    return outer && !outer->isBeforeInBlock(softmax);
  };
  llvm::SetVector<Operation *> slice;
  for (const View *view : {&match.query, &match.key, &match.value})
    (void)getBackwardSlice(view->value, &slice, options);
  for (const View &view : match.scoreTree.captures())
    (void)getBackwardSlice(view.value, &slice, options);
  return !slice.contains(softmax);
}

AttentionMatch fovea::matchAttention(linalg::SoftmaxOp softmax,
                                     OpOperand &operand) {
  AttentionMatch start;
  start.softmax = softmax;
  start.output = cast<linalg::LinalgOp>(operand.getOwner());
  if (!matchOutput(start, operand) || !matchSoftmaxAxis(start))
    return start;
  AttentionMatch best = start;
  best.why = "no product of queries and keys leads to the softmax";
  bool isFirst = true;
  for (linalg::LinalgOp scores : contractionsBehind(softmax.getInput())) {
    AttentionMatch match = start;
    if (matchScores(match, scores) && matchRoles(match)) {
      traceOperand(match, match.query);
      traceOperand(match, match.key);
      match.space.traceToSource(match.value);
      if (checkMatch(match))
        return match;
    }
    // The nearest one is what a reader would call the scores.
    if (isFirst)
      best.why = match.why;
    isFirst = false;
  }
  return best;
}
