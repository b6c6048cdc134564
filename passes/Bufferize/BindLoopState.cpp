//===- BindLoopState.cpp - Loops keep their state in one buffer -----------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fovea/passes/Bufferize/Passes.h"

#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Bufferization/Transforms/OneShotAnalysis.h"
#include "mlir/Dialect/Bufferization/Transforms/OneShotModuleBufferize.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Interfaces/ValueBoundsOpInterface.h"

using namespace mlir;

namespace fovea {
#define GEN_PASS_DEF_BINDLOOPSTATE
#include "fovea/passes/Bufferize/Passes.h.inc"
} // namespace fovea

namespace {
/// One state of a loop, in the form that scf.for and scf.while share.
struct LoopState {
  Value init;
  BlockArgument current; // what the body reads
  OpOperand *next;       // what it yields
};
} // namespace

/// The tensors that `op` carries, if it is a loop.
static SmallVector<LoopState> carriedTensors(Operation *op) {
  SmallVector<LoopState> states;
  auto add = [&](Value init, BlockArgument current, OpOperand &next) {
    if (isa<RankedTensorType>(current.getType()) &&
        init.getType() == current.getType())
      states.push_back({init, current, &next});
  };
  if (auto loop = dyn_cast<scf::ForOp>(op)) {
    for (auto [init, current, next] :
         llvm::zip_equal(loop.getInits(), loop.getRegionIterArgs(),
                         loop.getBody()->getTerminator()->getOpOperands()))
      add(init, current, next);
  } else if (auto loop = dyn_cast<scf::WhileOp>(op)) {
    // Only what the condition passes on in its place stays in one buffer.
    for (auto [init, before, passed, current, next] :
         llvm::zip(loop.getInits(), loop.getBeforeArguments(),
                   loop.getConditionOp().getArgs(), loop.getAfterArguments(),
                   loop.getYieldOp()->getOpOperands()))
      if (passed == before)
        add(init, current, next);
  }
  return states;
}

/// The destination behind a result of a kernel, which has its size.
static Value sizeOrigin(Value value) {
  auto call = value.getDefiningOp<func::CallOp>();
  if (!call)
    return value;
  auto kernel = SymbolTable::lookupNearestSymbolFrom<func::FuncOp>(
      call, call.getCalleeAttr());
  if (!kernel || !kernel->hasAttr("fovea.kernel") ||
      call.getNumOperands() < call.getNumResults())
    return value;
  Value destination = call.getOperands().take_back(
      call.getNumResults())[cast<OpResult>(value).getResultNumber()];
  return destination.getType() == value.getType() ? destination : value;
}

/// Whether the state keeps the size that it starts with.
static bool keepsSize(const LoopState &state) {
  auto type = cast<RankedTensorType>(state.current.getType());
  Value init = sizeOrigin(state.init), next = sizeOrigin(state.next->get());
  for (int64_t dim = 0; dim < type.getRank(); ++dim) {
    if (!type.isDynamicDim(dim))
      continue;
    FailureOr<bool> equal =
        ValueBoundsConstraintSet::areEqual({init, dim}, {next, dim});
    if (failed(equal) || !*equal)
      return false;
  }
  return true;
}

/// Appends the operands of `op`'s yield that would get a buffer of their own. A
/// value that is another state of the loop is left alone: writing it would
/// overwrite what a later copy reads.
static void findUnbound(Operation *op,
                        const bufferization::OneShotAnalysisState &analysis,
                        SmallVectorImpl<LoopState> &unbound) {
  SmallVector<LoopState> states = carriedTensors(op);
  for (const LoopState &state : states) {
    Operation *def = state.next->get().getDefiningOp();
    if (!def || !op->isProperAncestor(def) || !keepsSize(state))
      continue;
    bool isState = llvm::any_of(states, [&](const LoopState &other) {
      return analysis.areEquivalentBufferizedValues(state.next->get(),
                                                    other.current);
    });
    if (!isState)
      unbound.push_back(state);
  }
}

namespace {
struct BindLoopState : fovea::impl::BindLoopStateBase<BindLoopState> {
  void runOnOperation() override {
    SmallVector<Operation *> loops;
    getOperation().walk([&](Operation *op) {
      if (!carriedTensors(op).empty())
        loops.push_back(op);
    });
    if (loops.empty())
      return markAllAnalysesPreserved();

    bufferization::OneShotBufferizationOptions options;
    options.bufferizeFunctionBoundaries = true;
    options.allowReturnAllocsFromLoops = true;
    bufferization::OneShotAnalysisState analysis(getOperation(), options);
    if (failed(bufferization::analyzeModuleOp(getOperation(), analysis)))
      return signalPassFailure();

    SmallVector<LoopState> unbound;
    for (Operation *loop : loops)
      findUnbound(loop, analysis, unbound);
    for (const LoopState &state : unbound) {
      Operation *yield = state.next->getOwner();
      OpBuilder builder(yield);
      auto bound = bufferization::MaterializeInDestinationOp::create(
          builder, yield->getLoc(), state.next->get(), state.current);
      state.next->set(bound.getResult());
    }
  }
};
} // namespace
