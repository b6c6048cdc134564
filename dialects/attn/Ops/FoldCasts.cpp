//===- FoldCasts.cpp - Operands of attention take static sizes ------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fovea/dialects/attn/Attn.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace fovea::attn;

namespace {
/// Reads through a tensor.cast that forgets static sizes. Upstream has this
/// pattern for every operation with destinations, but clones its regions, and
/// crashes on one that is empty: it never gets to see these operations, since
/// this one comes first and folds whatever it would.
template <typename OpTy> struct FoldCastOperands : OpRewritePattern<OpTy> {
  explicit FoldCastOperands(MLIRContext *context)
      : OpRewritePattern<OpTy>(context, /*benefit=*/2) {}

  LogicalResult matchAndRewrite(OpTy op,
                                PatternRewriter &rewriter) const override {
    if (!tensor::hasFoldableTensorCastOperand(op))
      return failure();
    auto dps = cast<DestinationStyleOpInterface>(op.getOperation());
    // Upstream overwrites the types of the results, which have to be there.
    SmallVector<Type> before(op->getResultTypes()), types = before;
    SmallVector<Value> operands =
        tensor::getUpdatedOperandsAfterCastOpFolding(dps, types);
    rewriter.modifyOpInPlace(op, [&] {
      op->setOperands(operands);
      for (auto [result, type] : llvm::zip_equal(op->getResults(), types))
        result.setType(type);
    });
    rewriter.setInsertionPointAfter(op);
    for (auto [result, type] : llvm::zip_equal(op->getResults(), before)) {
      if (result.getType() == type)
        continue;
      auto cast = tensor::CastOp::create(rewriter, op.getLoc(), type, result);
      rewriter.replaceAllUsesExcept(result, cast, cast);
    }
    return success();
  }
};
} // namespace

void AttentionOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                              MLIRContext *context) {
  patterns.add<FoldCastOperands<AttentionOp>>(context);
}

void OnlineOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                           MLIRContext *context) {
  patterns.add<FoldCastOperands<OnlineOp>>(context);
}
