//===- RecognizeSoftmax.cpp - Written-out softmax to linalg.softmax -------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fovea/passes/Recognize/Passes.h"

#include "fovea/Analysis/Remarks.h"
#include "fovea/passes/Recognize/ScalarTree.h"
#include "fovea/passes/Recognize/ViewTrace.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/PatternMatch.h"

namespace fovea {
#define GEN_PASS_DEF_RECOGNIZESOFTMAX
#include "fovea/passes/Recognize/Passes.h.inc"
} // namespace fovea

using namespace mlir;
using namespace fovea;

namespace {

class RecognizeSoftmaxPass
    : public fovea::impl::RecognizeSoftmaxBase<RecognizeSoftmaxPass> {
public:
  void runOnOperation() override;
};

/// The one operation in the body of an elementwise op whose operands are
/// exactly the inputs, in order; null otherwise.
template <typename InnerOp> linalg::LinalgOp getSingle(Value value) {
  auto op = value.getDefiningOp<linalg::LinalgOp>();
  if (!op || !isPointwise(op) ||
      !llvm::hasSingleElement(op.getBlock()->without_terminator()))
    return nullptr;
  Operation &inner = op.getBlock()->front();
  if (!isa<InnerOp>(inner) ||
      op.getBlock()->getTerminator()->getOperand(0) != inner.getResult(0) ||
      op.getNumDpsInputs() != static_cast<int64_t>(inner.getNumOperands()))
    return nullptr;
  for (auto [position, operand] : llvm::enumerate(inner.getOperands()))
    if (operand != op.getBlock()->getArgument(position))
      return nullptr;
  return op;
}

/// The views that an elementwise operation with the result `view` reads.
SmallVector<View> inputsOf(linalg::LinalgOp op, const View &view) {
  SmallVector<AxisDims> loops(op.getNumLoops());
  AffineMap out = op.getMatchingIndexingMap(op.getDpsInitOperand(0));
  for (auto [position, expr] : llvm::enumerate(out.getResults()))
    loops[cast<AffineDimExpr>(expr).getPosition()] = view.axes[position];
  SmallVector<View> inputs;
  for (OpOperand *input : op.getDpsInputOperands()) {
    inputs.push_back({input->get(), {}});
    for (AffineExpr expr : op.getMatchingIndexingMap(input).getResults()) {
      auto dim = dyn_cast<AffineDimExpr>(expr);
      inputs.back().axes.push_back(dim ? loops[dim.getPosition()] : AxisDims());
    }
  }
  return inputs;
}

/// The axis of `whole` over which `view` is the reduction of its value by
/// `Combiner`, starting from a value that `isNeutral` accepts.
template <typename... Combiner>
std::optional<unsigned>
reducedAxis(IterationSpace &space, View view, const View &whole,
            llvm::function_ref<bool(const APFloat &)> isNeutral) {
  space.traceToSource(view);
  auto op = view.value.getDefiningOp<linalg::LinalgOp>();
  if (!op || !view.repeats.empty() || op.getNumDpsInputs() != 1 ||
      op.getNumDpsInits() != 1 || op.getNumReductionLoops() != 1 ||
      op.getDpsInputOperand(0)->get() != whole.value ||
      !llvm::hasSingleElement(op.getBlock()->without_terminator()))
    return std::nullopt;
  Operation &inner = op.getBlock()->front();
  if (!isa<Combiner...>(inner) ||
      op.getBlock()->getTerminator()->getOperand(0) != inner.getResult(0) ||
      llvm::any_of(
          inner.getOperands(),
          [&](Value v) { return v.getParentBlock() != op.getBlock(); }) ||
      inner.getOperand(0) == inner.getOperand(1))
    return std::nullopt;
  auto init = dyn_cast_or_null<FloatAttr>(splatConstant(op.getDpsInits()[0]));
  AffineMap in = op.getMatchingIndexingMap(op.getDpsInputOperand(0));
  AffineMap out = op.getMatchingIndexingMap(op.getDpsInitOperand(0));
  if (!init || !isNeutral(init.getValue()) || !in.isPermutation() ||
      !out.isProjectedPermutation())
    return std::nullopt;
  std::optional<unsigned> axis;
  for (auto [position, expr] : llvm::enumerate(in.getResults())) {
    std::optional<unsigned> kept = out.getResultPosition(expr);
    if (!kept)
      axis = position;
    else if (space.leaves(view.axes[*kept]) !=
             space.leaves(whole.axes[position]))
      return std::nullopt;
  }
  return axis;
}

/// If `divide` is the last step of a softmax, its input and axis.
std::optional<std::pair<Value, unsigned>> matchSoftmax(Value divide) {
  linalg::LinalgOp divideOp = getSingle<arith::DivFOp>(divide);
  if (!divideOp)
    return std::nullopt;
  IterationSpace space;
  View result{divide, {}};
  int64_t rank = cast<RankedTensorType>(divide.getType()).getRank();
  for (int64_t axis = 0; axis < rank; ++axis)
    result.axes.push_back({space.addDim(divide, axis)});
  SmallVector<View> quotient = inputsOf(divideOp, result);
  linalg::LinalgOp expOp = getSingle<math::ExpOp>(quotient[0].value);
  if (!expOp)
    return std::nullopt;
  View difference = inputsOf(expOp, quotient[0])[0];
  linalg::LinalgOp subOp = getSingle<arith::SubFOp>(difference.value);
  if (!subOp)
    return std::nullopt;
  SmallVector<View> terms = inputsOf(subOp, difference);
  // linalg.softmax has its input and result in one layout.
  if (terms[0].axes != result.axes ||
      terms[0].value.getType() != divide.getType())
    return std::nullopt;
  std::optional<unsigned> sumAxis = reducedAxis<arith::AddFOp>(
      space, quotient[1], quotient[0],
      [](const APFloat &init) { return init.isZero(); });
  std::optional<unsigned> maxAxis =
      reducedAxis<arith::MaximumFOp, arith::MaxNumFOp>(
          space, terms[1], terms[0], [](const APFloat &init) {
            return init.isNegative() && (init.isInfinity() || init.isLargest());
          });
  if (!sumAxis || !maxAxis ||
      quotient[0].axes[*sumAxis] != result.axes[*maxAxis])
    return std::nullopt;
  return std::make_pair(terms[0].value, *maxAxis);
}

} // namespace

void RecognizeSoftmaxPass::runOnOperation() {
  SmallVector<linalg::LinalgOp> candidates;
  getOperation().walk([&](linalg::LinalgOp op) {
    if (op.hasPureTensorSemantics() && op->getNumResults() == 1 &&
        getSingle<arith::DivFOp>(op->getResult(0)))
      candidates.push_back(op);
  });
  IRRewriter rewriter(&getContext());
  for (linalg::LinalgOp op : candidates) {
    auto found = matchSoftmax(op->getResult(0));
    if (!found)
      continue;
    rewriter.setInsertionPoint(op);
    auto softmax = linalg::SoftmaxOp::create(
        rewriter, op.getLoc(), op->getResultTypes(), found->first,
        op.getDpsInits()[0], rewriter.getI64IntegerAttr(found->second));
    rewriter.replaceOp(op, softmax->getResults());
  }
}
