//===- HoistScratch.cpp - Callers own the scratch of kernels --------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fovea/passes/Bufferize/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;

namespace fovea {
#define GEN_PASS_DEF_HOISTSCRATCH
#include "fovea/passes/Bufferize/Passes.h.inc"
} // namespace fovea

/// The deallocation of `alloc` in the same block, or null.
static memref::DeallocOp findDealloc(memref::AllocOp alloc) {
  for (Operation *user : alloc->getUsers())
    if (auto dealloc = dyn_cast<memref::DeallocOp>(user))
      if (dealloc->getBlock() == alloc->getBlock())
        return dealloc;
  return nullptr;
}

/// Turns the scratch buffers of `kernel` into arguments and returns their
/// types.
static SmallVector<MemRefType> takeScratch(func::FuncOp kernel) {
  SmallVector<MemRefType> types;
  for (auto alloc :
       llvm::make_early_inc_range(kernel.getBody().getOps<memref::AllocOp>())) {
    MemRefType type = alloc.getType();
    memref::DeallocOp dealloc = findDealloc(alloc);
    if (!type.hasStaticShape() || !type.getLayout().isIdentity() || !dealloc)
      continue;
    dealloc.erase();
    if (failed(kernel.insertArgument(kernel.getNumArguments(), type, {},
                                     alloc.getLoc())))
      continue;
    alloc.replaceAllUsesWith(kernel.getArguments().back());
    alloc.erase();
    types.push_back(type);
  }
  return types;
}

namespace {
struct HoistScratch : fovea::impl::HoistScratchBase<HoistScratch> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    DenseMap<StringAttr, SmallVector<MemRefType>> scratch;
    for (auto kernel : module.getOps<func::FuncOp>())
      if (kernel->hasAttr("fovea.kernel") && !kernel.isExternal())
        scratch[kernel.getSymNameAttr()] = takeScratch(kernel);
    module.walk([&](func::CallOp call) {
      auto it = scratch.find(call.getCalleeAttr().getAttr());
      if (it == scratch.end() || it->second.empty())
        return;
      OpBuilder builder(call);
      SmallVector<Value> buffers;
      for (MemRefType type : it->second)
        buffers.push_back(memref::AllocOp::create(
            builder, call.getLoc(), type, builder.getI64IntegerAttr(64)));
      call.getOperandsMutable().append(buffers);
      builder.setInsertionPointAfter(call);
      for (Value buffer : buffers)
        memref::DeallocOp::create(builder, call.getLoc(), buffer);
    });
  }
};
} // namespace
