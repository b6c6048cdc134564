//===- CanonicalizeLayout.cpp - Order slices, reshapes, transposes --------===//
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
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Tensor/Transforms/Transforms.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace fovea {
#define GEN_PASS_DEF_CANONICALIZELAYOUT
#include "fovea/passes/Fuse/Passes.h.inc"
} // namespace fovea

using namespace mlir;

namespace {

/// slice(transpose(x)) -> transpose(slice(x)), where all users of the
/// transpose are slices.
struct SliceBeforeTranspose : OpRewritePattern<tensor::ExtractSliceOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(tensor::ExtractSliceOp slice,
                                PatternRewriter &rewriter) const override {
    auto transpose = slice.getSource().getDefiningOp<linalg::TransposeOp>();
    if (!transpose || !transpose.hasPureTensorSemantics() ||
        !llvm::all_of(transpose->getUsers(),
                      llvm::IsaPred<tensor::ExtractSliceOp>))
      return rewriter.notifyMatchFailure(slice, "no slice of a transpose");
    ArrayRef<int64_t> permutation = transpose.getPermutation();
    unsigned rank = permutation.size();
    SmallVector<int64_t> inverse = invertPermutationVector(permutation);
    auto offsets = slice.getMixedOffsets(), sizes = slice.getMixedSizes(),
         strides = slice.getMixedStrides();
    applyPermutationToVector(offsets, inverse);
    applyPermutationToVector(sizes, inverse);
    applyPermutationToVector(strides, inverse);

    // Positions of the axes that a rank-reducing slice keeps, in the order of
    // the source and in that of the result.
    llvm::SmallBitVector dropped = slice.getDroppedDims();
    SmallVector<int64_t> keptPosition(rank, -1), shape, newPermutation;
    for (unsigned axis = 0; axis < rank; ++axis) {
      if (dropped.test(inverse[axis]))
        continue;
      keptPosition[axis] = shape.size();
      shape.push_back(
          getConstantIntValue(sizes[axis]).value_or(ShapedType::kDynamic));
    }
    for (unsigned axis = 0; axis < rank; ++axis)
      if (!dropped.test(axis))
        newPermutation.push_back(keptPosition[permutation[axis]]);

    Location loc = slice.getLoc();
    auto type = RankedTensorType::get(shape, slice.getType().getElementType());
    Value result = tensor::ExtractSliceOp::create(
        rewriter, loc, type, transpose.getInput(), offsets, sizes, strides);
    if (!isIdentityPermutation(newPermutation)) {
      SmallVector<OpFoldResult> resultSizes;
      for (auto [axis, size] : llvm::enumerate(slice.getMixedSizes()))
        if (!dropped.test(axis))
          resultSizes.push_back(size);
      Value empty = tensor::EmptyOp::create(rewriter, loc, resultSizes,
                                            type.getElementType());
      result = linalg::TransposeOp::create(rewriter, loc, result, empty,
                                           newPermutation)
                   ->getResult(0);
    }
    if (result.getType() != slice.getType())
      result = tensor::CastOp::create(rewriter, loc, slice.getType(), result);
    rewriter.replaceOp(slice, result);
    return success();
  }
};

class CanonicalizeLayoutPass
    : public fovea::impl::CanonicalizeLayoutBase<CanonicalizeLayoutPass> {
public:
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<SliceBeforeTranspose>(&getContext());
    tensor::populateBubbleUpExtractSliceOpPatterns(patterns);
    tensor::populateReassociativeReshapeFoldingPatterns(patterns);
    tensor::CastOp::getCanonicalizationPatterns(patterns, &getContext());
    tensor::ExpandShapeOp::getCanonicalizationPatterns(patterns, &getContext());
    tensor::CollapseShapeOp::getCanonicalizationPatterns(patterns,
                                                         &getContext());
    tensor::ExtractSliceOp::getCanonicalizationPatterns(patterns,
                                                        &getContext());
    linalg::TransposeOp::getCanonicalizationPatterns(patterns, &getContext());
    // Not converging only means that some order was not reached.
    (void)applyPatternsGreedily(getOperation(), std::move(patterns));
  }
};

} // namespace
