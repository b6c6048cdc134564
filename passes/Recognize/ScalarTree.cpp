//===- ScalarTree.cpp - Elementwise dataflow as a scalar function ---------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fovea/passes/Recognize/ScalarTree.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;
using namespace fovea;

bool fovea::isPointwise(linalg::LinalgOp op) {
  if (!op.hasPureTensorSemantics() || op->getNumResults() != 1 ||
      op.getNumParallelLoops() != op.getNumLoops() ||
      op.payloadUsesValueFromOperand(op.getDpsInitOperand(0)) ||
      !op.getMatchingIndexingMap(op.getDpsInitOperand(0)).isPermutation())
    return false;
  for (OpOperand *input : op.getDpsInputOperands()) {
    if (!isa<RankedTensorType>(input->get().getType()))
      return false;
    for (AffineExpr expr : op.getMatchingIndexingMap(input).getResults()) {
      auto constant = dyn_cast<AffineConstantExpr>(expr);
      if (!isa<AffineDimExpr>(expr) && !(constant && constant.getValue() == 0))
        return false;
    }
  }
  Block *body = op.getBlock();
  return llvm::all_of(body->without_terminator(), [&](Operation &inner) {
    // A value from outside is fine if it can be made again inside a region.
    auto isLocal = [&](Value operand) {
      return operand.getParentBlock() == body ||
             matchPattern(operand, m_Constant());
    };
    return inner.getNumRegions() == 0 && isMemoryEffectFree(&inner) &&
           llvm::all_of(inner.getOperands(), isLocal);
  });
}

TypedAttr fovea::splatConstant(Value value) {
  for (int steps = 0; steps < 16; ++steps) {
    if (Value source = viewSource(value)) {
      value = source;
      continue;
    }
    Operation *op = value.getDefiningOp();
    if (auto slice = dyn_cast_or_null<tensor::ExtractSliceOp>(op)) {
      value = slice.getSource();
      continue;
    }
    TypedAttr attr;
    if (auto fill = dyn_cast_or_null<linalg::FillOp>(op))
      return matchPattern(fill.getInputs()[0], m_Constant(&attr)) ? attr
                                                                  : nullptr;
    if (auto splat = dyn_cast_or_null<tensor::SplatOp>(op))
      return matchPattern(splat.getInput(), m_Constant(&attr)) ? attr : nullptr;
    DenseElementsAttr dense;
    if (!matchPattern(value, m_Constant(&dense)) || !dense.isSplat())
      return nullptr;
    return dyn_cast<TypedAttr>(dense.getSplatValue<Attribute>());
  }
  return nullptr;
}

unsigned ScalarTree::fail(const Twine &reason) {
  if (why.empty())
    why = reason.str();
  return ~0u;
}

unsigned ScalarTree::addNode(Node node) {
  nodes.push_back(std::move(node));
  return nodes.size() - 1;
}

bool ScalarTree::sameAxes(ArrayRef<AxisDims> a, ArrayRef<AxisDims> b) const {
  return llvm::equal(a, b, [&](const AxisDims &x, const AxisDims &y) {
    return space->leaves(x) == space->leaves(y);
  });
}

bool ScalarTree::reachesRoot(Value value) {
  if (value == rootView.value)
    return true;
  auto known = reaches.find(value);
  if (known != reaches.end())
    return known->second;
  bool result = false;
  if (Value source = viewSource(value)) {
    result = reachesRoot(source);
  } else if (auto op = value.getDefiningOp<linalg::LinalgOp>()) {
    if (isPointwise(op))
      for (OpOperand *input : op.getDpsInputOperands())
        result |= reachesRoot(input->get());
  }
  reaches[value] = result;
  return result;
}

/// Pull the producer of a captured tensor into the region only if that reads
/// less: it has no input as large as its result.
bool ScalarTree::isWorthInlining(linalg::LinalgOp op) const {
  if (!isPointwise(op))
    return false;
  SmallVector<int64_t> extents = op.getStaticLoopRanges();
  bool usesIndex = op.hasIndexSemantics();
  if (op.getNumDpsInputs() == 0 && !usesIndex)
    return false;
  for (OpOperand *input : op.getDpsInputOperands()) {
    AffineMap map = op.getMatchingIndexingMap(input);
    bool broadcast = false;
    for (unsigned dim = 0; dim < op.getNumLoops(); ++dim)
      broadcast |= !map.isFunctionOfDim(dim) && extents[dim] != 1;
    if (!broadcast)
      return false;
  }
  return true;
}

unsigned ScalarTree::visitBody(linalg::LinalgOp op, const View &view) {
  Node node;
  node.kind = Node::Body;
  node.view = view;
  node.op = op;
  AffineMap out = op.getMatchingIndexingMap(op.getDpsInitOperand(0));
  node.loops.resize(op.getNumLoops());
  for (auto [position, expr] : llvm::enumerate(out.getResults()))
    node.loops[cast<AffineDimExpr>(expr).getPosition()] = view.axes[position];
  for (OpOperand *input : op.getDpsInputOperands()) {
    View inputView{input->get(), {}, view.repeats};
    for (AffineExpr expr : op.getMatchingIndexingMap(input).getResults()) {
      auto dim = dyn_cast<AffineDimExpr>(expr);
      inputView.axes.push_back(dim ? node.loops[dim.getPosition()]
                                   : AxisDims());
    }
    unsigned id = visit(inputView);
    if (id == ~0u)
      return ~0u;
    node.inputs.push_back(id);
  }
  return addNode(std::move(node));
}

unsigned ScalarTree::visitLeaf(View view) {
  Node node;
  node.kind = Node::Constant;
  node.constant = splatConstant(view.value);
  if (node.constant) {
    node.view = view;
    return addNode(std::move(node));
  }
  // Look through views first: the tensor before a broadcast is smaller, and
  // its producer may be worth inlining.
  space->traceToSource(view);
  if (auto op = view.value.getDefiningOp<linalg::LinalgOp>())
    if (isWorthInlining(op))
      return visitBody(op, view);
  node.kind = Node::Capture;
  node.view = view;
  for (auto [index, capture] : llvm::enumerate(captureViews))
    if (capture.value == view.value && capture.repeats == view.repeats &&
        sameAxes(capture.axes, view.axes)) {
      node.capture = index;
      return addNode(std::move(node));
    }
  node.capture = captureViews.size();
  captureViews.push_back(view);
  return addNode(std::move(node));
}

unsigned ScalarTree::visit(View view) {
  for (auto [id, node] : llvm::enumerate(nodes))
    if (node.view.value == view.value && node.view.repeats == view.repeats &&
        sameAxes(node.view.axes, view.axes))
      return id;
  if (view.value == rootView.value) {
    if (sawRoot && (rootView.repeats != view.repeats ||
                    !sameAxes(rootView.axes, view.axes)))
      return fail("the values are used in two different layouts");
    sawRoot = true;
    rootView.axes = view.axes;
    rootView.repeats = view.repeats;
    Node node;
    node.kind = Node::Root;
    node.view = view;
    return addNode(std::move(node));
  }
  if (!reachesRoot(view.value))
    return visitLeaf(view);
  path.insert(view.value.getDefiningOp());
  View source = view;
  if (isViewOfAnother(view.value)) {
    if (!space->stepToSource(source, /*required=*/true))
      return fail("a reshape cannot be followed");
    return visit(source);
  }
  return visitBody(view.value.getDefiningOp<linalg::LinalgOp>(), view);
}

void ScalarTree::build(IterationSpace &iterationSpace, Value root,
                       View result) {
  *this = ScalarTree();
  space = &iterationSpace;
  rootView.value = root;
  if (!reachesRoot(result.value)) {
    fail("no elementwise operations lead there");
    return;
  }
  resultNode = visit(result);
  space = nullptr;
}

bool ScalarTree::hasStaticIndices(const IterationSpace &space) const {
  auto isFixed = [&](ArrayRef<unsigned> dims) {
    return llvm::all_of(dims.drop_front(dims.empty() ? 0 : 1),
                        [&](unsigned d) { return space.size(d).isStatic(); });
  };
  for (const Node &node : nodes) {
    if (node.kind != Node::Body ||
        !const_cast<Node &>(node).op.hasIndexSemantics())
      continue;
    for (const AxisDims &loop : node.loops) {
      AxisDims dims = space.leaves(loop);
      if (!isFixed(dims))
        return false;
      for (unsigned dim : dims)
        if (space.isPartOfWhole(dim) &&
            !isFixed(space.leaves({space.root(dim)})))
          return false;
    }
  }
  return true;
}

/// Widen or narrow a floating-point element to `type`.
static Value castFloat(OpBuilder &builder, Location loc, Value value,
                       Type type) {
  unsigned from = value.getType().getIntOrFloatBitWidth();
  unsigned to = type.getIntOrFloatBitWidth();
  if (value.getType() == type)
    return value;
  if (from < to)
    return arith::ExtFOp::create(builder, loc, type, value);
  return arith::TruncFOp::create(builder, loc, type, value);
}

/// The index of a loop whose iterations are those of `dims`.
static Value emitIndex(OpBuilder &builder, Location loc,
                       const IterationSpace &space, ArrayRef<unsigned> dims,
                       ScalarTree::IndexFn index) {
  Value result;
  for (unsigned dim : dims) {
    Value position = index(builder, loc, dim);
    if (!result) {
      result = position;
      continue;
    }
    Value size =
        arith::ConstantIndexOp::create(builder, loc, space.size(dim).constant);
    result = arith::MulIOp::create(builder, loc, result, size);
    result = arith::AddIOp::create(builder, loc, result, position);
  }
  return result ? result : arith::ConstantIndexOp::create(builder, loc, 0);
}

Value ScalarTree::emit(OpBuilder &builder, Location loc,
                       const IterationSpace &space, Value root,
                       ValueRange elements, IndexFn index) const {
  SmallVector<Value> values(nodes.size());
  // Nodes are in dependency order: inputs are added before their users.
  for (auto [id, node] : llvm::enumerate(nodes)) {
    if (node.kind == Node::Root)
      values[id] =
          castFloat(builder, loc, root, getElementTypeOrSelf(node.view.value));
    if (node.kind == Node::Capture)
      values[id] = elements[node.capture];
    if (node.kind == Node::Constant)
      values[id] = arith::ConstantOp::create(builder, loc, node.constant);
    if (node.kind != Node::Body)
      continue;
    IRMapping mapping;
    Block *body = const_cast<Node &>(node).op.getBlock();
    for (auto [input, argument] : llvm::zip(node.inputs, body->getArguments()))
      mapping.map(argument, values[input]);
    for (Operation &inner : body->without_terminator()) {
      if (auto indexOp = dyn_cast<linalg::IndexOp>(inner)) {
        AxisDims dims = space.leaves(node.loops[indexOp.getDim()]);
        mapping.map(indexOp.getResult(),
                    emitIndex(builder, loc, space, dims, index));
        continue;
      }
      for (Value operand : inner.getOperands()) {
        Attribute attr;
        if (operand.getParentBlock() != body && !mapping.contains(operand) &&
            matchPattern(operand, m_Constant(&attr)))
          mapping.map(operand,
                      builder.clone(*operand.getDefiningOp())->getResult(0));
      }
      builder.clone(inner, mapping);
    }
    Value yielded = body->getTerminator()->getOperand(0);
    values[id] = mapping.lookupOrDefault(yielded);
    if (values[id] == yielded && matchPattern(yielded, m_Constant()))
      values[id] = builder.clone(*yielded.getDefiningOp())->getResult(0);
  }
  return castFloat(builder, loc, values[resultNode], root.getType());
}
