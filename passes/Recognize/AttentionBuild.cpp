//===- AttentionBuild.cpp - From a match to attn.attention ----------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fovea/dialects/attn/Attn.h"
#include "fovea/passes/Recognize/AttentionMatch.h"
#include "fovea/passes/Recognize/SimplifyRegions.h"

#include "mlir/Analysis/TopologicalSortUtils.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace fovea;

namespace {

/// An operand as the operation will see it.
struct Operand {
  Value value;
  AffineMap map;
};

class AttentionBuilder {
public:
  AttentionBuilder(RewriterBase &rewriter, AttentionMatch &match)
      : rewriter(rewriter), match(match), space(match.space),
        loc(match.output.getLoc()) {}

  Operation *run();

private:
  void numberDims();
  OpFoldResult extent(unsigned dim);
  Operand makeOperand(const View &view);
  Operand makeCapture(const View &view);
  Value splitAxes(Value value, ArrayRef<AxisDims> axes);
  View repeated(const View &view);
  Value dropUnitAxes(Value value, ArrayRef<AxisDims> axes);
  Value spread(const View &view, SmallVectorImpl<AxisDims> &axes);
  void followResult();
  Value shapeResult(Value value, ArrayRef<AxisDims> axes, Type target);
  AffineMap mapOver(ArrayRef<unsigned> dims);
  Value emitIndex(OpBuilder &builder, Location loc, unsigned dim);
  Operand makeInit(ArrayRef<AxisDims> axes, Type elementType);
  attn::AttentionOp create(Operand query, Operand key, Operand value,
                           ArrayRef<Operand> inits);

  RewriterBase &rewriter;
  AttentionMatch &match;
  IterationSpace &space;
  Location loc;
  SmallVector<unsigned> order;
  SmallVector<Operand> captures;
};

} // namespace

/// Result dimensions of a reshape that splits or merges axes.
static SmallVector<ReassociationIndices> groupsOf(ArrayRef<AxisDims> axes) {
  SmallVector<ReassociationIndices> groups;
  int64_t next = 0;
  for (const AxisDims &axis : axes) {
    ReassociationIndices group;
    for (unsigned i = 0, e = std::max<unsigned>(axis.size(), 1); i < e; ++i)
      group.push_back(next++);
    groups.push_back(group);
  }
  return groups;
}

/// Groups that merge every axis of size one (an empty list) with a neighbour.
static SmallVector<ReassociationIndices> unitGroups(ArrayRef<AxisDims> axes) {
  SmallVector<ReassociationIndices> groups;
  ReassociationIndices pending;
  for (auto [position, axis] : llvm::enumerate(axes)) {
    if (axis.empty() && !groups.empty() && pending.empty()) {
      groups.back().push_back(position);
      continue;
    }
    pending.push_back(position);
    if (axis.empty())
      continue;
    groups.push_back(pending);
    pending.clear();
  }
  return groups;
}

void AttentionBuilder::numberDims() {
  // The order of the scores' axes, with the roles last; a dimension that fits
  // M but is a group of heads must come before M.
  auto add = [&](unsigned dim) {
    if (!llvm::is_contained(order, dim))
      order.push_back(dim);
  };
  SmallVector<unsigned> roles = {match.m, match.n, match.k1, match.k2};
  auto addAll = [&](ArrayRef<AxisDims> axes) {
    for (const AxisDims &axis : axes)
      for (unsigned dim : space.merged(axis))
        if (!llvm::is_contained(roles, dim))
          add(dim);
  };
  addAll(match.probTree.rootAxes());
  addAll(match.result.axes);
  addAll(match.query.axes);
  addAll(match.key.axes);
  addAll(match.value.axes);
  llvm::append_range(order, roles);
}

OpFoldResult AttentionBuilder::extent(unsigned dim) {
  if (space.size(dim).isStatic())
    return rewriter.getIndexAttr(space.size(dim).constant);
  if (space.isRepeated(dim))
    return space.size(dim).value;
  // Operands stay alive; other sources of the size may be what is replaced.
  for (const View *view : {&match.query, &match.key, &match.value})
    for (auto [axis, dims] : llvm::enumerate(view->axes))
      if (AxisDims merged = space.merged(dims);
          merged.size() == 1 && merged[0] == dim)
        return tensor::getMixedSize(rewriter, loc, view->value, axis);
  const DimSize &size = space.size(dim);
  if (size.value.getType().isIndex())
    return size.value;
  return tensor::getMixedSize(rewriter, loc, size.value, size.axis);
}

AffineMap AttentionBuilder::mapOver(ArrayRef<unsigned> dims) {
  SmallVector<AffineExpr> exprs;
  for (unsigned dim : dims) {
    unsigned position = llvm::find(order, dim) - order.begin();
    exprs.push_back(rewriter.getAffineDimExpr(position));
  }
  return AffineMap::get(order.size(), 0, exprs, rewriter.getContext());
}

Value AttentionBuilder::splitAxes(Value value, ArrayRef<AxisDims> axes) {
  if (llvm::all_of(axes, [](const AxisDims &a) { return a.size() <= 1; }))
    return value;
  SmallVector<OpFoldResult> sizes;
  for (auto [position, axis] : llvm::enumerate(axes)) {
    if (axis.empty())
      sizes.push_back(rewriter.getIndexAttr(1));
    if (axis.size() == 1)
      sizes.push_back(tensor::getMixedSize(rewriter, loc, value, position));
    if (axis.size() > 1)
      for (unsigned dim : axis)
        sizes.push_back(extent(dim));
  }
  auto type = cast<RankedTensorType>(value.getType());
  auto [shape, dynamic] = decomposeMixedValues(sizes);
  return tensor::ExpandShapeOp::create(
      rewriter, loc, RankedTensorType::get(shape, type.getElementType()), value,
      groupsOf(axes), sizes);
}

Value AttentionBuilder::dropUnitAxes(Value value, ArrayRef<AxisDims> axes) {
  SmallVector<ReassociationIndices> groups = unitGroups(axes);
  if (groups.size() == axes.size())
    return value;
  return tensor::CollapseShapeOp::create(rewriter, loc, value, groups);
}

/// What the scores were repeated along at run time, the operands are instead.
View AttentionBuilder::repeated(const View &view) {
  View result = view;
  for (unsigned position : llvm::reverse(view.repeats))
    result.value = buildRepeat(rewriter, loc, result.value, view.axes,
                               space.repeat(position));
  result.repeats.clear();
  return result;
}

Operand AttentionBuilder::makeOperand(const View &original) {
  View view = repeated(original);
  SmallVector<AxisDims> axes;
  for (const AxisDims &axis : view.axes)
    axes.push_back(space.merged(axis));
  Value value = splitAxes(view.value, axes);
  SmallVector<AxisDims> single;
  SmallVector<unsigned> dims;
  for (const AxisDims &axis : axes) {
    if (axis.empty())
      single.push_back({});
    for (unsigned dim : axis) {
      single.push_back({dim});
      dims.push_back(dim);
    }
  }
  return {dropUnitAxes(value, single), mapOver(dims)};
}

/// A capture that reads only a part of a dimension which has to stay whole is
/// spread over all of it first: the score matrix of a decomposed position
/// bias [h, w] x [h', w'] is such a case.
Value AttentionBuilder::spread(const View &view,
                               SmallVectorImpl<AxisDims> &axes) {
  SmallVector<AxisDims> leaves;
  AxisDims wanted;
  for (const AxisDims &axis : view.axes) {
    leaves.push_back(space.leaves(axis));
    for (unsigned dim : leaves.back())
      if (!space.isPartOfWhole(dim))
        wanted.push_back(dim);
  }
  SmallVector<AxisDims> wholes;
  for (unsigned dim : wanted)
    wholes.push_back({dim});
  for (unsigned whole : {match.m, match.k2})
    for (const AxisDims &axis : leaves)
      if (llvm::any_of(axis,
                       [&](unsigned d) { return space.root(d) == whole; })) {
        wholes.push_back(space.leaves({whole}));
        llvm::append_range(wanted, wholes.back());
        break;
      }
  Value value = splitAxes(view.value, leaves);
  SmallVector<AffineExpr> read;
  auto readDim = [&](unsigned dim) {
    read.push_back(
        rewriter.getAffineDimExpr(llvm::find(wanted, dim) - wanted.begin()));
  };
  for (const AxisDims &axis : leaves) {
    if (axis.empty())
      read.push_back(rewriter.getAffineConstantExpr(0));
    for (unsigned dim : axis)
      readDim(dim);
  }
  SmallVector<OpFoldResult> sizes;
  for (unsigned dim : wanted)
    sizes.push_back(extent(dim));
  unsigned rank = wanted.size();
  Type elementType = getElementTypeOrSelf(value);
  Value empty = tensor::EmptyOp::create(rewriter, loc, sizes, elementType);
  SmallVector<AffineMap> maps = {
      AffineMap::get(rank, 0, read, rewriter.getContext()),
      rewriter.getMultiDimIdentityMap(rank)};
  SmallVector<utils::IteratorType> iterators(rank,
                                             utils::IteratorType::parallel);
  auto copy = linalg::GenericOp::create(
      rewriter, loc, empty.getType(), value, empty, maps, iterators,
      [](OpBuilder &b, Location l, ValueRange args) {
        linalg::YieldOp::create(b, l, args[0]);
      });
  Value result = copy.getResult(0);
  if (wholes.size() != wanted.size())
    result = tensor::CollapseShapeOp::create(rewriter, loc, result,
                                             groupsOf(wholes));
  for (const AxisDims &whole : wholes)
    axes.push_back(space.merged(whole));
  return result;
}

Operand AttentionBuilder::makeCapture(const View &original) {
  View view = repeated(original);
  View whole = view;
  for (const AxisDims &axis : view.axes)
    if (llvm::any_of(space.merged(axis),
                     [&](unsigned d) { return space.isPartOfWhole(d); })) {
      whole.axes.clear();
      whole.value = spread(view, whole.axes);
      break;
    }
  SmallVector<AxisDims> axes;
  for (const AxisDims &axis : whole.axes)
    axes.push_back(space.merged(axis));
  Value value = splitAxes(whole.value, axes);
  SmallVector<AffineExpr> exprs;
  for (const AxisDims &axis : axes) {
    if (axis.empty())
      exprs.push_back(rewriter.getAffineConstantExpr(0));
    for (unsigned dim : axis)
      exprs.push_back(mapOver(dim).getResult(0));
  }
  return {value, AffineMap::get(order.size(), 0, exprs, rewriter.getContext())};
}

/// Continue past the transposes of the result, up to the last one: they become
/// its map. Reshapes after that cost nothing and stay.
void AttentionBuilder::followResult() {
  View view = match.result;
  IterationSpace trial = space;
  while (view.value.hasOneUse()) {
    Operation *user = *view.value.getUsers().begin();
    if (user->getBlock() != match.output->getBlock() ||
        !trial.stepToUser(view, user))
      return;
    bool isWhole = llvm::all_of(view.axes, [&](const AxisDims &axis) {
      return llvm::none_of(trial.merged(axis),
                           [&](unsigned d) { return trial.isPartOfWhole(d); });
    });
    if (isWhole && isa<linalg::LinalgOp>(user)) {
      match.result = view;
      space = trial;
    }
  }
}

Value AttentionBuilder::emitIndex(OpBuilder &builder, Location loc,
                                  unsigned dim) {
  if (!space.isPartOfWhole(dim)) {
    unsigned position = llvm::find(order, dim) - order.begin();
    return attn::IndexOp::create(builder, loc, position);
  }
  // One digit of the whole dimension's index; the sizes are static, see
  // ScalarTree.
  unsigned whole = space.root(dim);
  unsigned position = llvm::find(order, whole) - order.begin();
  Value index = attn::IndexOp::create(builder, loc, position);
  AxisDims parts = space.leaves({whole});
  int64_t inner = 1;
  for (unsigned part : llvm::reverse(parts)) {
    if (part == dim)
      break;
    inner *= space.size(part).constant;
  }
  Value divisor = arith::ConstantIndexOp::create(builder, loc, inner);
  index = arith::DivUIOp::create(builder, loc, index, divisor);
  if (dim == parts.front())
    return index;
  Value size =
      arith::ConstantIndexOp::create(builder, loc, space.size(dim).constant);
  return arith::RemUIOp::create(builder, loc, index, size);
}

attn::AttentionOp AttentionBuilder::create(Operand query, Operand key,
                                           Operand value,
                                           ArrayRef<Operand> inits) {
  SmallVector<AffineMap> maps = {query.map, key.map, value.map};
  SmallVector<Value> captured;
  for (const Operand &capture : captures) {
    captured.push_back(capture.value);
    maps.push_back(capture.map);
  }
  SmallVector<Value> destinations;
  for (const Operand &init : inits) {
    destinations.push_back(init.value);
    maps.push_back(init.map);
  }
  attn::AttentionParams params;
  if (inits.size() > 1)
    params.kinds = {attn::ResultKind::Output, attn::ResultKind::Probabilities};
  params.scale = match.scale;
  params.emptyRow = attn::EmptyRow::NaN;
  unsigned numScore = match.scoreTree.captures().size();
  unsigned numFactors = match.factors.size();
  auto index = [&](OpBuilder &b, Location l, unsigned dim) {
    return emitIndex(b, l, dim);
  };
  auto score = [&](OpBuilder &b, Location l, Value s, ValueRange elements) {
    for (auto [position, factor] : llvm::enumerate(match.factors)) {
      Value by = elements[position];
      if (by.getType() != s.getType())
        by = arith::ExtFOp::create(b, l, s.getType(), by);
      s = factor.divides ? arith::DivFOp::create(b, l, s, by).getResult()
                         : arith::MulFOp::create(b, l, s, by).getResult();
    }
    return match.scoreTree.emit(b, l, space, s,
                                elements.slice(numFactors, numScore), index);
  };
  auto prob = [&](OpBuilder &b, Location l, Value p, ValueRange elements) {
    return match.probTree.emit(
        b, l, space, p, elements.drop_front(numFactors + numScore), index);
  };
  attn::RegionBuilderFn scoreFn = nullptr, probFn = nullptr;
  if (!match.scoreTree.isIdentity() || numFactors)
    scoreFn = score;
  if (!match.probTree.isIdentity())
    probFn = prob;
  return attn::AttentionOp::create(rewriter, loc, query.value, key.value,
                                   value.value, captured, destinations, maps,
                                   params, scoreFn, probFn);
}

/// Give one of the operation's results, whose axes are single dimensions, the
/// axes and the type of the value that it replaces.
Value AttentionBuilder::shapeResult(Value value, ArrayRef<AxisDims> axes,
                                    Type target) {
  SmallVector<AxisDims> all, merged;
  for (const AxisDims &axis : axes) {
    all.push_back(space.merged(axis));
    if (!all.back().empty())
      merged.push_back(all.back());
  }
  if (llvm::any_of(merged, [](const AxisDims &a) { return a.size() > 1; }))
    value =
        tensor::CollapseShapeOp::create(rewriter, loc, value, groupsOf(merged));
  if (merged.size() != axes.size())
    value = tensor::ExpandShapeOp::create(rewriter, loc, target, value,
                                          unitGroups(all));
  if (value.getType() != target)
    value = tensor::CastOp::create(rewriter, loc, target, value);
  return value;
}

/// A destination with one axis for each dimension in `axes`.
Operand AttentionBuilder::makeInit(ArrayRef<AxisDims> axes, Type elementType) {
  SmallVector<unsigned> dims;
  SmallVector<OpFoldResult> sizes;
  for (const AxisDims &axis : axes)
    for (unsigned dim : space.merged(axis)) {
      dims.push_back(dim);
      sizes.push_back(extent(dim));
    }
  return {tensor::EmptyOp::create(rewriter, loc, sizes, elementType),
          mapOver(dims)};
}

Operation *AttentionBuilder::run() {
  followResult();
  Operation *last = match.result.value.getDefiningOp();
  rewriter.setInsertionPoint(last);
  SmallVector<Location> locs = {match.output.getLoc(), match.softmax.getLoc(),
                                match.scores.getLoc()};
  loc = rewriter.getFusedLoc(locs);
  numberDims();
  for (const ScaleFactor &factor : match.factors)
    captures.push_back(makeCapture(factor.factor));
  for (const View &view : match.scoreTree.captures())
    captures.push_back(makeCapture(view));
  for (const View &view : match.probTree.captures())
    captures.push_back(makeCapture(view));
  Operand query = makeOperand(match.query);
  Operand key = makeOperand(match.key);
  Operand value = makeOperand(match.value);

  Value probabilities = match.softmax->getResult(0);
  SmallVector<Operand> inits = {
      makeInit(match.result.axes, getElementTypeOrSelf(match.result.value))};
  if (match.keepsProbabilities)
    inits.push_back(makeInit(match.probTree.rootAxes(),
                             getElementTypeOrSelf(probabilities)));
  attn::AttentionOp op = create(query, key, value, inits);
  simplifyRegions(op);
  Value output = moveProbBehindOutput(rewriter, op);
  rewriter.setInsertionPoint(last);
  rewriter.replaceAllUsesWith(
      match.result.value,
      shapeResult(output, match.result.axes, match.result.value.getType()));
  if (match.keepsProbabilities) {
    rewriter.replaceAllUsesWith(
        probabilities, shapeResult(op->getResult(1), match.probTree.rootAxes(),
                                   probabilities.getType()));
    // Other users of the probabilities may stand before the values.
    sortTopologically(op->getBlock());
  }
  return op;
}

Operation *fovea::buildAttention(RewriterBase &rewriter,
                                 AttentionMatch &match) {
  return AttentionBuilder(rewriter, match).run();
}
