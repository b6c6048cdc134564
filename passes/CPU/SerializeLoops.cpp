//===- SerializeLoops.cpp - No team of threads for little work ------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fovea/passes/CPU/Passes.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/SCF/Transforms/Transforms.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;

namespace fovea {
#define GEN_PASS_DEF_SERIALIZELOOPS
#include "fovea/passes/CPU/Passes.h.inc"
} // namespace fovea

/// What counts as more than any limit.
static constexpr int64_t unknownWork = int64_t(1) << 40;

static int64_t multiply(int64_t a, int64_t b) {
  if (a == 0 || b == 0)
    return 0;
  return a >= unknownWork / b ? unknownWork : a * b;
}

static int64_t workOf(Region &region);

/// The number of times that the body of `op` runs, at most.
static int64_t tripCountOf(Operation *op) {
  if (auto loop = dyn_cast<scf::ForOp>(op)) {
    std::optional<APInt> count = loop.getStaticTripCount();
    return count ? count->getSExtValue() : unknownWork;
  }
  if (auto forall = dyn_cast<scf::ForallOp>(op)) {
    int64_t count = 1;
    for (auto [lower, upper, step] :
         llvm::zip_equal(forall.getMixedLowerBound(),
                         forall.getMixedUpperBound(), forall.getMixedStep())) {
      auto l = getConstantIntValue(lower), u = getConstantIntValue(upper),
           s = getConstantIntValue(step);
      if (!l || !u || !s || *s <= 0)
        return unknownWork;
      count = multiply(count, std::max<int64_t>(0, (*u - *l + *s - 1) / *s));
    }
    return count;
  }
  if (auto linalgOp = dyn_cast<linalg::LinalgOp>(op)) {
    int64_t count = 1;
    for (int64_t range : linalgOp.getStaticLoopRanges())
      count =
          ShapedType::isDynamic(range) ? unknownWork : multiply(count, range);
    return count;
  }
  return isa<scf::WhileOp>(op) ? unknownWork : 1;
}

static int64_t workOf(Operation *op) {
  if (op->getNumRegions() == 0)
    return 1;
  int64_t body = 0;
  for (Region &region : op->getRegions())
    body += workOf(region);
  return multiply(tripCountOf(op), body);
}

static int64_t workOf(Region &region) {
  int64_t work = 0;
  for (Operation &op : region.getOps())
    work = std::min(unknownWork, work + workOf(&op));
  return work;
}

namespace {
struct SerializeLoops : fovea::impl::SerializeLoopsBase<SerializeLoops> {
  using SerializeLoopsBase::SerializeLoopsBase;

  void runOnOperation() override {
    SmallVector<scf::ForallOp> sequential;
    getOperation().walk([&](scf::ForallOp loop) {
      if (loop.getNumResults() != 0)
        return;
      if (loop->getParentOfType<scf::ForallOp>() || workOf(loop) < minWork)
        sequential.push_back(loop);
    });
    IRRewriter rewriter(&getContext());
    for (scf::ForallOp loop : sequential) {
      rewriter.setInsertionPoint(loop);
      if (succeeded(scf::forallToForLoop(rewriter, loop)))
        ++numSerialized;
    }
  }
};
} // namespace
