//===- DecomposeAggregates.cpp - Softmax as plain structured ops ----------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fovea/passes/Group/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;

namespace fovea {
#define GEN_PASS_DEF_DECOMPOSEAGGREGATES
#include "fovea/passes/Group/Passes.h.inc"
} // namespace fovea

/// Let the row maxima between `first` and `last` start at -inf. Upstream starts
/// them at NaN, the identity of maxnumf, which costs two more instructions per
/// element wherever a maximum is lowered to a comparison and a selection.
static void startMaximaAtInfinity(RewriterBase &rewriter, Block::iterator first,
                                  Block::iterator last) {
  for (Operation &op : llvm::make_range(first, last)) {
    auto fill = dyn_cast<linalg::FillOp>(op);
    APFloat value(0.0f);
    if (!fill || !matchPattern(fill.value(), m_ConstantFloat(&value)) ||
        !value.isNaN())
      continue;
    rewriter.setInsertionPoint(fill);
    Value infinity = arith::ConstantFloatOp::create(
        rewriter, fill.getLoc(), cast<FloatType>(fill.value().getType()),
        APFloat::getInf(value.getSemantics(), /*Negative=*/true));
    fill.getInputsMutable()[0].set(infinity);
  }
}

namespace {
struct DecomposeAggregates
    : fovea::impl::DecomposeAggregatesBase<DecomposeAggregates> {
  void runOnOperation() override {
    SmallVector<linalg::SoftmaxOp> ops;
    getOperation().walk([&](linalg::SoftmaxOp op) { ops.push_back(op); });
    IRRewriter rewriter(&getContext());
    for (linalg::SoftmaxOp op : ops) {
      rewriter.setInsertionPoint(op);
      Operation *before = op->getPrevNode();
      FailureOr<SmallVector<Value>> results = op.decomposeOperation(rewriter);
      if (failed(results)) {
        op.emitOpError("cannot be decomposed");
        return signalPassFailure();
      }
      Block::iterator first =
          before ? std::next(before->getIterator()) : op->getBlock()->begin();
      startMaximaAtInfinity(rewriter, first, op->getIterator());
      rewriter.replaceOp(op, *results);
    }
  }
};
} // namespace
