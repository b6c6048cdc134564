//===- LowerVectors.cpp - Break vectors into rows -------------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fovea/passes/Vectorize/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/UB/IR/UBOps.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Dialect/Vector/Transforms/LoweringPatterns.h"
#include "mlir/Dialect/Vector/Transforms/VectorRewritePatterns.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;

namespace fovea {
#define GEN_PASS_DEF_LOWERVECTORS
#include "fovea/passes/Vectorize/Passes.h.inc"
} // namespace fovea

/// Lowers reductions across lanes to horizontal reductions of rows and the
/// others to operations between rows.
static LogicalResult lowerReductions(Operation *root) {
  SmallVector<Operation *> acrossLanes, acrossRows;
  root->walk([&](vector::MultiDimReductionOp op) {
    bool isInner = op.isReducedDim(op.getSourceVectorType().getRank() - 1);
    (isInner ? acrossLanes : acrossRows).push_back(op);
  });
  auto lower = [&](ArrayRef<Operation *> ops,
                   vector::VectorMultiReductionLowering kind) {
    if (ops.empty())
      return success();
    RewritePatternSet patterns(root->getContext());
    vector::populateVectorMultiReductionLoweringPatterns(patterns, kind);
    GreedyRewriteConfig config;
    config.setStrictness(GreedyRewriteStrictness::ExistingAndNewOps);
    return applyOpPatternsGreedily(ops, std::move(patterns), config);
  };
  if (failed(lower(acrossLanes,
                   vector::VectorMultiReductionLowering::InnerReduction)))
    return failure();
  return lower(acrossRows, vector::VectorMultiReductionLowering::InnerParallel);
}

namespace {
/// Lowers a maximum over the rows of a vector to comparisons and selections.
/// `x > acc ? x : acc` is one instruction on x86, and gives the number where x
/// is NaN; the intrinsic for maxnumf takes three, since it also has to give the
/// number where the accumulator is NaN, which only a NaN to start with makes
/// it.
struct LowerRowMaximum : OpRewritePattern<vector::MultiDimReductionOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(vector::MultiDimReductionOp op,
                                PatternRewriter &rewriter) const override {
    VectorType type = op.getSourceVectorType();
    if (op.getKind() != vector::CombiningKind::MAXNUMF || type.getRank() != 2 ||
        op.getReductionDims() != ArrayRef<int64_t>{0} || type.isScalable() ||
        !isa<VectorType>(op.getAcc().getType()))
      return failure();
    Value maximum = op.getAcc();
    for (int64_t row = 0; row < type.getDimSize(0); ++row) {
      Value x =
          vector::ExtractOp::create(rewriter, op.getLoc(), op.getSource(), row);
      Value isLarger = arith::CmpFOp::create(
          rewriter, op.getLoc(), arith::CmpFPredicate::OGT, x, maximum);
      maximum =
          arith::SelectOp::create(rewriter, op.getLoc(), isLarger, x, maximum);
    }
    rewriter.replaceOp(op, maximum);
    return success();
  }
};

/// Transposes up to 16 rows of whole vectors of 16 in blocks of 16 by 16, which
/// go through registers; element by element takes as long as a convolution.
struct TransposeInBlocks : OpRewritePattern<vector::TransposeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(vector::TransposeOp op,
                                PatternRewriter &rewriter) const override {
    constexpr int64_t block = 16;
    VectorType type = op.getSourceVectorType();
    if (type.getRank() != 2 || type.isScalable() ||
        op.getPermutation() != ArrayRef<int64_t>{1, 0} ||
        !type.getElementType().isIntOrFloat() ||
        type.getElementTypeBitWidth() != 32)
      return failure();
    int64_t rows = type.getDimSize(0), columns = type.getDimSize(1);
    if (rows < 4 || rows > block || columns % block != 0 ||
        (rows == block && columns == block))
      return failure();
    Location loc = op.getLoc();
    Type element = type.getElementType();
    const int64_t ones[] = {1, 1};
    Value result =
        ub::PoisonOp::create(rewriter, loc, op.getResultVectorType());
    for (int64_t begin = 0; begin < columns; begin += block) {
      Value part = vector::ExtractStridedSliceOp::create(
          rewriter, loc, op.getVector(), ArrayRef<int64_t>{0, begin},
          ArrayRef<int64_t>{rows, block}, ones);
      Value square = part;
      if (rows != block)
        square = vector::InsertStridedSliceOp::create(
            rewriter, loc, part,
            ub::PoisonOp::create(rewriter, loc,
                                 VectorType::get({block, block}, element)),
            ArrayRef<int64_t>{0, 0}, ones);
      Value turned = vector::TransposeOp::create(rewriter, loc, square,
                                                 ArrayRef<int64_t>{1, 0});
      if (rows != block)
        turned = vector::ExtractStridedSliceOp::create(
            rewriter, loc, turned, ArrayRef<int64_t>{0, 0},
            ArrayRef<int64_t>{block, rows}, ones);
      result = vector::InsertStridedSliceOp::create(
          rewriter, loc, turned, result, ArrayRef<int64_t>{begin, 0}, ones);
    }
    rewriter.replaceOp(op, result);
    return success();
  }
};

/// Widens the operands of a contraction of f16 or bf16 into f32. Upstream has
/// such contractions as outer products of a matrix product only; batches and
/// other forms take this way, which is tried last.
struct WidenContraction : OpRewritePattern<vector::ContractionOp> {
  WidenContraction(MLIRContext *context)
      : OpRewritePattern(context, /*benefit=*/0) {}
  LogicalResult matchAndRewrite(vector::ContractionOp op,
                                PatternRewriter &rewriter) const override {
    Type wide = getElementTypeOrSelf(op.getAccType());
    if (!isa<FloatType>(wide) || (op.getLhsType().getElementType() == wide &&
                                  op.getRhsType().getElementType() == wide))
      return failure();
    auto widen = [&](Value vector) -> Value {
      auto type = cast<VectorType>(vector.getType());
      if (type.getElementType() == wide)
        return vector;
      return arith::ExtFOp::create(rewriter, op.getLoc(), type.clone(wide),
                                   vector);
    };
    rewriter.modifyOpInPlace(op, [&] {
      op.getLhsMutable().assign(widen(op.getLhs()));
      op.getRhsMutable().assign(widen(op.getRhs()));
    });
    return success();
  }
};

struct LowerVectors : fovea::impl::LowerVectorsBase<LowerVectors> {
  void runOnOperation() override {
    MLIRContext *context = &getContext();
    RewritePatternSet patterns(context);
    vector::populateVectorContractLoweringPatterns(
        patterns, vector::VectorContractLowering::OuterProduct);
    vector::populateVectorOuterProductLoweringPatterns(patterns);
    patterns.add<LowerRowMaximum, WidenContraction>(context);
    vector::populateVectorTransferPermutationMapLoweringPatterns(patterns);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      return signalPassFailure();
    if (failed(lowerReductions(getOperation())))
      return signalPassFailure();
    RewritePatternSet rows(context);
    rows.add<TransposeInBlocks>(context, /*benefit=*/2);
    vector::populateVectorTransferLoweringPatterns(rows,
                                                   /*maxTransferRank=*/1);
    vector::populateVectorTransposeLoweringPatterns(
        rows, vector::VectorTransposeLowering::Shuffle16x16);
    if (failed(applyPatternsGreedily(getOperation(), std::move(rows))))
      return signalPassFailure();
  }
};
} // namespace
