//===- LowerReshapes.cpp - Expansions with several dynamic sizes ----------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fovea/passes/CPU/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/Builders.h"

using namespace mlir;

namespace fovea {
#define GEN_PASS_DEF_LOWERRESHAPES
#include "fovea/passes/CPU/Passes.h.inc"
} // namespace fovea

namespace {
struct LowerReshapes : public fovea::impl::LowerReshapesBase<LowerReshapes> {
  void runOnOperation() override;
};
} // namespace

/// Whether a dimension of the source becomes more than one of dynamic size.
static bool hasSeveralDynamicSizes(memref::ExpandShapeOp op) {
  MemRefType type = op.getResultType();
  return llvm::any_of(op.getReassociationIndices(), [&](auto &group) {
    return llvm::count_if(
               group, [&](int64_t dim) { return type.isDynamicDim(dim); }) > 1;
  });
}

/// The strides of the result: within a group, that of the source's dimension
/// times the sizes behind. What the type says is taken from there.
static SmallVector<OpFoldResult> expandStrides(OpBuilder &builder,
                                               memref::ExpandShapeOp op,
                                               ValueRange sourceStrides) {
  Location loc = op.getLoc();
  SmallVector<OpFoldResult> sizes = op.getMixedOutputShape();
  auto [known, offset] = op.getResultType().getStridesAndOffset();
  SmallVector<OpFoldResult> strides(sizes.size());
  for (auto [group, source] :
       llvm::zip(op.getReassociationIndices(), sourceStrides)) {
    Value stride = source;
    for (int64_t dim : llvm::reverse(group)) {
      strides[dim] = ShapedType::isDynamic(known[dim])
                         ? OpFoldResult(stride)
                         : builder.getIndexAttr(known[dim]);
      Value size = getValueOrCreateConstantIndexOp(builder, loc, sizes[dim]);
      stride = arith::MulIOp::create(builder, loc, stride, size);
    }
  }
  return strides;
}

static void lower(memref::ExpandShapeOp op) {
  OpBuilder builder(op);
  Location loc = op.getLoc();
  auto metadata =
      memref::ExtractStridedMetadataOp::create(builder, loc, op.getSrc());
  auto [known, knownOffset] = op.getResultType().getStridesAndOffset();
  OpFoldResult offset = ShapedType::isDynamic(knownOffset)
                            ? OpFoldResult(metadata.getOffset())
                            : builder.getIndexAttr(knownOffset);
  auto cast = memref::ReinterpretCastOp::create(
      builder, loc, op.getResultType(), metadata.getBaseBuffer(), offset,
      op.getMixedOutputShape(),
      expandStrides(builder, op, metadata.getStrides()));
  op.replaceAllUsesWith(cast.getResult());
  op.erase();
}

void LowerReshapes::runOnOperation() {
  SmallVector<memref::ExpandShapeOp> found;
  getOperation()->walk([&](memref::ExpandShapeOp op) {
    if (hasSeveralDynamicSizes(op))
      found.push_back(op);
  });
  llvm::for_each(found, lower);
}
