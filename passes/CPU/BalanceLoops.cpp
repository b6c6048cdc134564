//===- BalanceLoops.cpp - Share ragged work between threads ---------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fovea/passes/CPU/Passes.h"

#include "mlir/Dialect/OpenMP/OpenMPDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace fovea {
#define GEN_PASS_DEF_BALANCELOOPS
#include "fovea/passes/CPU/Passes.h.inc"
} // namespace fovea

/// Whether a loop with loops inside has bounds that depend on the iteration.
static bool isRagged(omp::LoopNestOp nest) {
  SetVector<Value> dependent;
  for (Value iv : nest.getRegion().getArguments())
    dependent.insert(iv);
  for (unsigned i = 0; i < dependent.size(); ++i)
    for (Operation *user : dependent[i].getUsers()) {
      auto loop = dyn_cast<scf::ForOp>(user);
      if (!loop) {
        // Numbers only: what is read from a tensor at the iteration is data,
        // unless it is an element that is used as a number.
        if (user->getNumRegions() == 0)
          for (Value result : user->getResults())
            if (result.getType().isIntOrIndex())
              dependent.insert(result);
        continue;
      }
      bool isInnermost =
          loop.getBody()
              ->walk([](scf::ForOp) { return WalkResult::interrupt(); })
              .wasInterrupted() == false;
      bool isBound = dependent[i] == loop.getLowerBound() ||
                     dependent[i] == loop.getUpperBound();
      if (isBound && !isInnermost)
        return true;
    }
  return false;
}

namespace {
struct BalanceLoops : fovea::impl::BalanceLoopsBase<BalanceLoops> {
  void runOnOperation() override {
    getOperation()->walk([&](omp::WsloopOp loop) {
      auto nest = dyn_cast<omp::LoopNestOp>(loop.getWrappedLoop());
      if (!nest || loop.getScheduleKind() || !isRagged(nest))
        return;
      loop.setScheduleKind(omp::ClauseScheduleKind::Dynamic);
      ++numBalanced;
    });
  }
};
} // namespace
