//===- FuseElementwise.cpp - Fuse chains of elementwise operations --------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fovea/passes/Fuse/Passes.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Linalg/Utils/Utils.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace fovea {
#define GEN_PASS_DEF_FUSEELEMENTWISE
#include "fovea/passes/Fuse/Passes.h.inc"
} // namespace fovea

using namespace mlir;

namespace {

/// More operands than this in one loop nest cost more in address arithmetic
/// and registers than a round trip through the cache saves.
constexpr int64_t kMaxOperands = 12;

/// Fusing copies both bodies, so that the time for a long chain is quadratic in
/// this; a body of so many operations is not bound by memory anyway.
constexpr size_t kMaxBody = 64;

bool allParallel(linalg::LinalgOp op) {
  return op.getNumParallelLoops() == op.getNumLoops();
}

/// The op yields its only tensor input: a transpose, broadcast or copy.
bool isCopy(linalg::GenericOp op) {
  return allParallel(op) && op.getNumDpsInputs() == 1 &&
         op->getNumResults() == 1 &&
         op.getBody()->getTerminator()->getOperand(0) ==
             op.getBody()->getArgument(0);
}

/// Whether `op` has products: it reads its inputs more than once per element.
bool isContractionLike(linalg::LinalgOp op) {
  return op.getNumReductionLoops() > 0 && op.getNumDpsInputs() > 1;
}

bool shouldFuse(OpOperand *operand) {
  auto producer = operand->get().getDefiningOp<linalg::GenericOp>();
  auto consumer = dyn_cast<linalg::GenericOp>(operand->getOwner());
  if (!producer || !consumer || !allParallel(producer))
    return false;
  if (isCopy(producer))
    return true;
  if (isContractionLike(consumer) || !operand->get().hasOneUse())
    return false;
  AffineMap map = consumer.getMatchingIndexingMap(operand);
  if (!map.isPermutation())
    return false;
  size_t body = producer.getBody()->getOperations().size() +
                consumer.getBody()->getOperations().size();
  return body <= kMaxBody &&
         producer->getNumOperands() + consumer->getNumOperands() <=
             kMaxOperands;
}

/// Fold a reshape into what follows a contraction elementwise, so that the
/// reshape comes last.
bool shouldSinkReshape(OpOperand *operand) {
  auto consumer = dyn_cast<linalg::GenericOp>(operand->getOwner());
  auto reshape = operand->get().getDefiningOp<tensor::ExpandShapeOp>();
  if (!consumer || !allParallel(consumer) || !reshape || !reshape->hasOneUse())
    return false;
  auto producer = reshape.getSrc().getDefiningOp<linalg::LinalgOp>();
  return producer && (isContractionLike(producer) || allParallel(producer)) &&
         !isa<linalg::TransposeOp, linalg::BroadcastOp>(producer);
}

/// A transpose or broadcast that an elementwise neighbour can absorb.
struct GeneralizeCopy : OpInterfaceRewritePattern<linalg::LinalgOp> {
  using OpInterfaceRewritePattern::OpInterfaceRewritePattern;

  LogicalResult matchAndRewrite(linalg::LinalgOp op,
                                PatternRewriter &rewriter) const override {
    if (!isa<linalg::TransposeOp, linalg::BroadcastOp>(op.getOperation()) ||
        !op.hasPureTensorSemantics())
      return failure();
    auto producer =
        op.getDpsInputOperand(0)->get().getDefiningOp<linalg::GenericOp>();
    bool intoProducer =
        producer && allParallel(producer) && producer->getResult(0).hasOneUse();
    bool intoUsers =
        !op->use_empty() && llvm::all_of(op->getUsers(), [](Operation *user) {
          return isa<linalg::GenericOp>(user);
        });
    if (!intoProducer && !intoUsers)
      return failure();
    return linalg::generalizeNamedOp(rewriter, op);
  }
};

class FuseElementwisePass
    : public fovea::impl::FuseElementwiseBase<FuseElementwisePass> {
public:
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<GeneralizeCopy>(&getContext());
    linalg::populateElementwiseOpsFusionPatterns(patterns, shouldFuse);
    linalg::populateFoldReshapeOpsByCollapsingPatterns(patterns,
                                                       shouldSinkReshape);
    linalg::populateEraseUnusedOperandsAndResultsPatterns(patterns);
    tensor::ExpandShapeOp::getCanonicalizationPatterns(patterns, &getContext());
    tensor::CollapseShapeOp::getCanonicalizationPatterns(patterns,
                                                         &getContext());
    // Not converging only means that something is left unfused.
    (void)applyPatternsGreedily(getOperation(), std::move(patterns));
  }
};

} // namespace
