//===- VectorizeKernels.cpp - Tiles become vector operations --------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fovea/passes/Vectorize/Passes.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Tensor/Transforms/Transforms.h"
#include "mlir/Dialect/UB/IR/UBOps.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Dialect/Vector/Transforms/LoweringPatterns.h"
#include "mlir/Dialect/Vector/Transforms/VectorRewritePatterns.h"
#include "mlir/IR/Dominance.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Transforms/CSE.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "mlir/Transforms/LoopInvariantCodeMotionUtils.h"

using namespace mlir;

namespace fovea {
#define GEN_PASS_DEF_VECTORIZEKERNELS
#include "fovea/passes/Vectorize/Passes.h.inc"
} // namespace fovea

/// Whether windows over `operand` may lose loops: where an operand is larger
/// than what the loops read, its size would be taken for that of a loop.
static bool isReadWhole(linalg::GenericOp op, OpOperand &operand,
                        ArrayRef<int64_t> extents) {
  AffineMap map = op.getMatchingIndexingMap(&operand);
  if (map.isProjectedPermutation(/*allowZeroInResults=*/true))
    return true;
  SmallVector<int64_t> last;
  for (int64_t extent : extents) {
    if (ShapedType::isDynamic(extent))
      return false;
    last.push_back(extent - 1);
  }
  SmallVector<int64_t, 4> position = map.compose(last);
  return llvm::all_of(
      llvm::zip_equal(op.getShape(&operand), position),
      [](auto pair) { return std::get<0>(pair) == std::get<1>(pair) + 1; });
}

/// The loops of `op` that run once; the last of their vector's dimensions would
/// take each element for a vector of its own. A contraction keeps its sum,
/// which becomes a multiply-add by being one.
static SmallVector<unsigned> getUnitLoops(Operation *op) {
  SmallVector<unsigned> unit;
  auto generic = dyn_cast<linalg::GenericOp>(op);
  if (!generic)
    return unit;
  SmallVector<int64_t> extents = generic.getStaticLoopRanges();
  SmallVector<utils::IteratorType> kinds = generic.getIteratorTypesArray();
  for (OpOperand &operand : generic->getOpOperands())
    if (!isReadWhole(generic, operand, extents))
      return unit;
  bool isContraction = linalg::isaContractionOpInterface(generic);
  for (unsigned loop = 0; loop < extents.size(); ++loop)
    if (extents[loop] == 1 &&
        (linalg::isParallelIterator(kinds[loop]) || !isContraction))
      unit.push_back(loop);
  // A scalar operation is left alone: there is nothing to make a vector of.
  return unit.size() == extents.size() ? SmallVector<unsigned>() : unit;
}

static LogicalResult dropUnitLoops(func::FuncOp function) {
  MLIRContext *context = function.getContext();
  // Fills of tiles too: an accumulator keeps its unit dimension otherwise.
  IRRewriter rewriter(context);
  function.walk([&](linalg::FillOp fill) {
    rewriter.setInsertionPoint(fill);
    (void)linalg::generalizeNamedOp(rewriter, fill);
  });
  linalg::ControlDropUnitDims options;
  options.rankReductionStrategy =
      linalg::ControlDropUnitDims::RankReductionStrategy::ExtractInsertSlice;
  options.controlFn = getUnitLoops;
  RewritePatternSet patterns(context);
  linalg::populateFoldUnitExtentDimsPatterns(patterns, options);
  tensor::populateMergeConsecutiveInsertExtractSlicePatterns(patterns);
  return applyPatternsGreedily(function, std::move(patterns));
}

/// Whether a vector of the elements lies in memory as the elements do. A vector
/// of i1 is packed into bits, a buffer of i1 has a byte for each.
static bool hasVectorLayout(Value value) {
  Type element = getElementTypeOrSelf(value.getType());
  return !isa<RankedTensorType>(value.getType()) ||
         (element.isIntOrFloat() && element.getIntOrFloatBitWidth() % 8 == 0);
}

static void vectorizeStructuredOps(func::FuncOp function, int64_t maxElements) {
  SmallVector<linalg::LinalgOp> ops;
  function.walk([&](linalg::LinalgOp op) {
    int64_t elements = 1;
    for (int64_t extent : op.getStaticLoopRanges()) {
      if (ShapedType::isDynamic(extent) || extent > maxElements)
        return;
      elements *= extent;
    }
    if (elements > 1 && elements <= maxElements &&
        llvm::all_of(op->getOperands(), hasVectorLayout))
      ops.push_back(op);
  });
  IRRewriter rewriter(function.getContext());
  for (linalg::LinalgOp op : ops) {
    rewriter.setInsertionPoint(op);
    FailureOr<linalg::VectorizationResult> result =
        linalg::vectorize(rewriter, op);
    // What has no vector form stays structured and becomes scalar loops.
    if (succeeded(result))
      rewriter.replaceOp(op, result->replacements);
  }
}

static LogicalResult foldTransfers(func::FuncOp function) {
  MLIRContext *context = function.getContext();
  RewritePatternSet patterns(context);
  vector::populateVectorReductionToContractPatterns(patterns);
  vector::populateVectorTransferPermutationMapLoweringPatterns(patterns);
  vector::populateFoldArithExtensionPatterns(patterns);
  vector::populateSinkVectorOpsPatterns(patterns);
  tensor::populateFoldTensorSubsetIntoVectorTransferPatterns(patterns);
  for (Dialect *dialect : context->getLoadedDialects())
    dialect->getCanonicalizationPatterns(patterns);
  for (RegisteredOperationName op : context->getRegisteredOperations())
    if (isa<scf::SCFDialect, tensor::TensorDialect, vector::VectorDialect>(
            op.getDialect()))
      op.getCanonicalizationPatterns(patterns, context);
  return applyPatternsGreedily(function, std::move(patterns));
}

/// Moves what does not change out of the loops, and what a loop updates in
/// place out of tensors into loop-carried vectors.
static void hoist(func::FuncOp function) {
  function.walk([](LoopLikeOpInterface loop) {
    moveLoopInvariantCode(
        loop.getLoopRegions(),
        [&](Value value, Region *) {
          return loop.isDefinedOutsideOfLoop(value);
        },
        [](Operation *op, Region *) {
          // A tensor that a loop fills anew each time must stay inside, or its
          // buffer would be shared by iterations, even parallel ones.
          return isMemoryEffectFree(op) && isSpeculatable(op) &&
                 llvm::none_of(op->getResultTypes(), llvm::IsaPred<TensorType>);
        },
        [&](Operation *op, Region *) { loop.moveOutOfLoop(op); });
  });
  IRRewriter rewriter(function.getContext());
  function.walk([&](LoopLikeOpInterface loop) {
    if (isa<scf::ForOp>(loop))
      (void)hoistLoopInvariantSubsets(rewriter, loop);
  });
}

namespace {
struct VectorizeKernels : fovea::impl::VectorizeKernelsBase<VectorizeKernels> {
  using VectorizeKernelsBase::VectorizeKernelsBase;
  void runOnOperation() override {
    func::FuncOp function = getOperation();
    if (!function->hasAttr("fovea.kernel") || function.isExternal())
      return;
    if (failed(dropUnitLoops(function)))
      return signalPassFailure();
    vectorizeStructuredOps(function, maxElements);
    if (failed(foldTransfers(function)))
      return signalPassFailure();
    IRRewriter rewriter(&getContext());
    DominanceInfo dominance(function);
    eliminateCommonSubExpressions(rewriter, dominance, function);
    hoist(function);
    if (failed(foldTransfers(function)))
      return signalPassFailure();
    DominanceInfo afterHoisting(function);
    eliminateCommonSubExpressions(rewriter, afterHoisting, function);
  }
};
} // namespace
