//===- BindDestinations.cpp - Kernels write into their destinations -------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fovea/passes/Bufferize/Passes.h"

#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "mlir/Interfaces/LoopLikeInterface.h"

using namespace mlir;

namespace fovea {
#define GEN_PASS_DEF_BINDDESTINATIONS
#include "fovea/passes/Bufferize/Passes.h.inc"
} // namespace fovea

/// The tensor that `value` is an updated version of, as far up as it can be
/// followed: bufferization gives both one buffer.
static Value originOf(Value value) {
  while (Operation *op = value.getDefiningOp()) {
    auto result = cast<OpResult>(value);
    if (auto loop = dyn_cast<LoopLikeOpInterface>(op)) {
      OpOperand *init = loop.getTiedLoopInit(result);
      if (!init)
        return value;
      value = init->get();
    } else if (auto dps = dyn_cast<DestinationStyleOpInterface>(op)) {
      value = dps.getTiedOpOperand(result)->get();
    } else {
      return value;
    }
  }
  return value;
}

namespace {
struct BindDestinations : fovea::impl::BindDestinationsBase<BindDestinations> {
  void runOnOperation() override {
    func::FuncOp kernel = getOperation();
    if (!kernel->hasAttr("fovea.kernel") || kernel.isExternal())
      return;
    auto ret = cast<func::ReturnOp>(kernel.getBody().front().getTerminator());
    if (ret.getNumOperands() > kernel.getNumArguments()) {
      kernel.emitError("a kernel needs one destination for each result");
      return signalPassFailure();
    }
    OpBuilder builder(ret);
    auto destinations = kernel.getArguments().take_back(ret.getNumOperands());
    for (auto [operand, destination] :
         llvm::zip_equal(ret->getOpOperands(), destinations)) {
      if (operand.get().getType() != destination.getType() ||
          originOf(operand.get()) == destination)
        continue;
      auto bound = bufferization::MaterializeInDestinationOp::create(
          builder, ret.getLoc(), operand.get(), destination);
      operand.set(bound.getResult());
    }
  }
};
} // namespace
