//===- GuardAllocations.cpp - Sizes at run time must not wrap around ------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fovea/passes/Bufferize/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;

namespace fovea {
#define GEN_PASS_DEF_GUARDALLOCATIONS
#include "fovea/passes/Bufferize/Passes.h.inc"
} // namespace fovea

/// More bytes than processors address; far from where int64_t wraps around.
static constexpr double maxBytes = 281474976710656.0;

/// The bytes of one element and all static dimensions.
static double staticBytes(MemRefType type) {
  double bytes = type.getElementType().isIntOrFloat()
                     ? type.getElementTypeBitWidth() / 8.0
                     : 8.0;
  for (int64_t size : type.getShape())
    if (!ShapedType::isDynamic(size))
      bytes *= static_cast<double>(size);
  return bytes;
}

static void guard(memref::AllocOp alloc) {
  ImplicitLocOpBuilder b(alloc.getLoc(), alloc);
  Type number = b.getF64Type(), integer = b.getI64Type();
  auto constant = [&](double value) {
    return arith::ConstantOp::create(b, b.getFloatAttr(number, value));
  };
  // A double holds any product, if not exactly. A negative size counts as
  // enormous, since it is converted as unsigned.
  Value bytes = constant(staticBytes(alloc.getType()));
  for (Value size : alloc.getDynamicSizes()) {
    Value count = arith::UIToFPOp::create(
        b, number, arith::IndexCastOp::create(b, integer, size));
    bytes = arith::MulFOp::create(b, bytes, count);
  }
  Value fits = arith::CmpFOp::create(b, arith::CmpFPredicate::OLT, bytes,
                                     constant(maxBytes));
  cf::AssertOp::create(b, fits,
                       "a tensor would have an absurd number of elements");
}

/// What follows the allocation in its block runs only where there is memory.
/// The runtime has noted the failure, and the call reports it.
static void skipWithoutMemory(memref::AllocOp alloc) {
  Block *block = alloc->getBlock();
  Operation *terminator = block->getTerminator();
  if (terminator->getNumOperands() != 0)
    return;
  ImplicitLocOpBuilder b(alloc.getLoc(), alloc->getContext());
  b.setInsertionPointAfter(alloc);
  Value address = memref::ExtractAlignedPointerAsIndexOp::create(b, alloc);
  Value zero = arith::ConstantIndexOp::create(b, 0);
  Value isThere =
      arith::CmpIOp::create(b, arith::CmpIPredicate::ne, address, zero);
  auto branch = scf::IfOp::create(b, isThere, /*withElseRegion=*/false);
  Block *body = branch.thenBlock();
  body->getOperations().splice(
      body->without_terminator().end(), block->getOperations(),
      std::next(branch->getIterator()), terminator->getIterator());
}

static bool isParallel(Operation *op) {
  return op->getParentOfType<scf::ForallOp>() ||
         op->getParentOfType<scf::ParallelOp>();
}

namespace {
struct GuardAllocations : fovea::impl::GuardAllocationsBase<GuardAllocations> {
  void runOnOperation() override {
    SmallVector<memref::AllocOp> all;
    getOperation()->walk([&](memref::AllocOp alloc) { all.push_back(alloc); });
    for (memref::AllocOp alloc : all) {
      // No way out of a parallel loop, whose sizes are parts of others anyway.
      if (isParallel(alloc))
        skipWithoutMemory(alloc);
      else if (!alloc.getDynamicSizes().empty())
        guard(alloc);
    }
  }
};
} // namespace
