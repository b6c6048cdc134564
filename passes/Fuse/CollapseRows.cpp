//===- CollapseRows.cpp - One loop over the rows of a contraction ---------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fovea/passes/Fuse/Passes.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;

namespace fovea {
#define GEN_PASS_DEF_COLLAPSEROWS
#include "fovea/passes/Fuse/Passes.h.inc"
} // namespace fovea

/// Runs of loops that follow each other in `operand` and in the result of a
/// contraction, and that its other operand does not have.
static SmallVector<ReassociationIndices> getRows(linalg::LinalgOp op) {
  SmallVector<ReassociationIndices> rows;
  if (!isa<linalg::GenericOp>(op) || !linalg::isaContractionOpInterface(op) ||
      !op.hasPureTensorSemantics())
    return rows;
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  for (unsigned operand : {0u, 1u}) {
    ReassociationIndices run;
    auto finish = [&] {
      if (run.size() > 1 && linalg::areDimSequencesPreserved(maps, run))
        rows.push_back(run);
      run.clear();
    };
    for (AffineExpr expr : maps[operand].getResults()) {
      auto dim = dyn_cast<AffineDimExpr>(expr);
      bool isRow = dim &&
                   !maps[1 - operand].isFunctionOfDim(dim.getPosition()) &&
                   maps[2].isFunctionOfDim(dim.getPosition());
      if (!isRow || (!run.empty() && run.back() + 1 != dim.getPosition()))
        finish();
      if (isRow)
        run.push_back(dim.getPosition());
    }
    finish();
  }
  return rows;
}

namespace {
struct CollapseRows : fovea::impl::CollapseRowsBase<CollapseRows> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    linalg::populateCollapseDimensions(patterns, getRows);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace
