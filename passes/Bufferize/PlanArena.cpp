//===- PlanArena.cpp - One arena for all temporaries ----------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fovea/passes/Bufferize/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/Transforms/BufferViewFlowAnalysis.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace fovea {
#define GEN_PASS_DEF_PLANARENA
#include "fovea/passes/Bufferize/Passes.h.inc"
} // namespace fovea

/// Cache lines and the widest vectors are this large.
static constexpr int64_t alignment = 64;

/// Larger arenas are left to the allocator: the model cannot run anyway, and
/// offsets must not overflow.
static constexpr int64_t maxArenaBytes = int64_t(1) << 40;

namespace {
/// A buffer that is alive between two positions of the entry block, both
/// included.
struct Buffer {
  memref::AllocOp alloc;
  memref::DeallocOp dealloc;
  int64_t bytes;
  int64_t first;
  int64_t last;
  int64_t offset = 0;

  bool overlaps(const Buffer &other) const {
    return first <= other.last && other.first <= last;
  }
};
} // namespace

static std::optional<int64_t> sizeInBytes(MemRefType type) {
  if (!type.hasStaticShape() || !type.getLayout().isIdentity())
    return std::nullopt;
  int64_t bytes = type.getElementType().isIndex()
                      ? 8
                      : llvm::divideCeil(type.getElementTypeBitWidth(), 8);
  for (int64_t dim : type.getShape()) {
    if (dim != 0 && bytes > maxArenaBytes / dim)
      return std::nullopt;
    bytes *= dim;
  }
  return llvm::alignTo(std::max<int64_t>(bytes, 1), alignment);
}

/// Every buffer with a static size that is freed in the block that allocates
/// it. It is alive from there to the last use of whatever may alias it.
static SmallVector<Buffer> collectBuffers(func::FuncOp entry) {
  DenseMap<Operation *, int64_t> position;
  Block &block = entry.getBody().front();
  for (auto [i, op] : llvm::enumerate(block))
    position[&op] = i;
  BufferViewFlowAnalysis aliases(entry);
  auto lastUse = [&](memref::AllocOp alloc, memref::DeallocOp dealloc) {
    int64_t last = position[block.findAncestorOpInBlock(*alloc)];
    for (Value alias : aliases.resolve(alloc))
      for (Operation *user : alias.getUsers())
        if (user != dealloc)
          last = std::max(last, position[block.findAncestorOpInBlock(*user)]);
    return last;
  };
  SmallVector<Buffer> buffers;
  entry.walk([&](memref::AllocOp alloc) {
    std::optional<int64_t> bytes = sizeInBytes(alloc.getType());
    if (!bytes)
      return;
    for (Operation *user : alloc->getUsers()) {
      auto dealloc = dyn_cast<memref::DeallocOp>(user);
      if (!dealloc || dealloc->getBlock() != alloc->getBlock())
        continue;
      buffers.push_back({alloc, dealloc, *bytes,
                         position[block.findAncestorOpInBlock(*alloc)],
                         lastUse(alloc, dealloc)});
      return;
    }
  });
  return buffers;
}

/// The most bytes that are alive at one time: no plan is smaller.
static int64_t mostAlive(ArrayRef<Buffer> buffers) {
  int64_t most = 0;
  for (const Buffer &begin : buffers) {
    int64_t alive = 0;
    for (const Buffer &buffer : buffers)
      if (buffer.first <= begin.first && begin.first <= buffer.last)
        alive += buffer.bytes;
    most = std::max(most, alive);
  }
  return most;
}

/// Largest first, each into the lowest gap among those alive with it. Returns
/// the size of the arena.
static int64_t assignOffsets(MutableArrayRef<Buffer> buffers) {
  SmallVector<Buffer *> order;
  for (Buffer &buffer : buffers)
    order.push_back(&buffer);
  llvm::sort(order, [](const Buffer *a, const Buffer *b) {
    return std::make_pair(-a->bytes, a->first) <
           std::make_pair(-b->bytes, b->first);
  });
  // Kept sorted by offset.
  SmallVector<Buffer *> placed;
  int64_t size = 0;
  for (Buffer *buffer : order) {
    int64_t offset = 0;
    for (Buffer *other : placed) {
      if (!buffer->overlaps(*other))
        continue;
      if (other->offset - offset >= buffer->bytes)
        break;
      offset = std::max(offset, other->offset + other->bytes);
    }
    buffer->offset = offset;
    size = std::max(size, offset + buffer->bytes);
    placed.insert(llvm::upper_bound(placed, buffer,
                                    [](const Buffer *a, const Buffer *b) {
                                      return a->offset < b->offset;
                                    }),
                  buffer);
  }
  return size;
}

/// The declaration of the runtime's function that hands out the arena of the
/// current call.
static func::FuncOp getArenaFunction(func::FuncOp entry) {
  constexpr llvm::StringLiteral name = "fovea_rt_arena";
  auto module = entry->getParentOfType<ModuleOp>();
  if (auto function = module.lookupSymbol<func::FuncOp>(name))
    return function;
  OpBuilder builder = OpBuilder::atBlockBegin(module.getBody());
  auto type = builder.getFunctionType(
      builder.getI64Type(),
      MemRefType::get({ShapedType::kDynamic}, builder.getI8Type()));
  auto function =
      func::FuncOp::create(builder, builder.getUnknownLoc(), name, type);
  function.setPrivate();
  function->setAttr(LLVM::LLVMDialect::getEmitCWrapperAttrName(),
                    builder.getUnitAttr());
  return function;
}

static void rewrite(func::FuncOp entry, ArrayRef<Buffer> buffers,
                    int64_t size) {
  OpBuilder builder = OpBuilder::atBlockBegin(&entry.getBody().front());
  Location loc = entry.getLoc();
  Value bytes = arith::ConstantIntOp::create(builder, loc, size, 64);
  Value arena =
      func::CallOp::create(builder, loc, getArenaFunction(entry), bytes)
          .getResult(0);
  for (const Buffer &buffer : buffers) {
    memref::AllocOp alloc = buffer.alloc;
    builder.setInsertionPoint(alloc);
    Value offset =
        arith::ConstantIndexOp::create(builder, alloc.getLoc(), buffer.offset);
    Value view = memref::ViewOp::create(
        builder, alloc.getLoc(), alloc.getType(), arena, offset, ValueRange{});
    memref::DeallocOp dealloc = buffer.dealloc;
    dealloc.erase();
    alloc.replaceAllUsesWith(view);
    alloc.erase();
  }
}

namespace {
struct PlanArena : fovea::impl::PlanArenaBase<PlanArena> {
  void runOnOperation() override {
    for (auto entry :
         llvm::make_early_inc_range(getOperation().getOps<func::FuncOp>())) {
      if (!entry->hasAttr("fovea.entry") || entry.isExternal())
        continue;
      SmallVector<Buffer> buffers = collectBuffers(entry);
      for (const Buffer &buffer : buffers)
        bufferBytes += buffer.bytes;
      if (buffers.empty())
        continue;
      int64_t size = assignOffsets(buffers);
      int64_t alive = mostAlive(buffers);
      arenaBytes += size;
      aliveBytes += alive;
      entry->setAttr("fovea.arena",
                     DenseI64ArrayAttr::get(&getContext(), {size, alive}));
      rewrite(entry, buffers, size);
    }
  }
};
} // namespace
