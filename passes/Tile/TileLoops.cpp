//===- TileLoops.cpp - Loops over tiles of static size --------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "AttentionTile.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace fovea;

using TileBody = function_ref<SmallVector<Value>(OpBuilder &, OpFoldResult,
                                                 int64_t, ValueRange)>;

/// Steps of `step` from `begin` to `end`, which they divide.
static SmallVector<Value> forExact(OpBuilder &builder, Location loc,
                                   int64_t begin, int64_t end, int64_t step,
                                   ValueRange carried, TileBody body) {
  if (begin == end)
    return carried;
  if (begin + step == end)
    return body(builder, builder.getIndexAttr(begin), step, carried);
  auto index = [&](int64_t value) {
    return arith::ConstantIndexOp::create(builder, loc, value);
  };
  auto loop = scf::ForOp::create(
      builder, loc, index(begin), index(end), index(step), carried,
      [&](OpBuilder &b, Location l, Value iv, ValueRange args) {
        scf::YieldOp::create(b, l, body(b, iv, step, args));
      });
  return loop.getResults();
}

SmallVector<Value> fovea::forBalanced(OpBuilder &builder, Location loc,
                                      int64_t extent, int64_t step,
                                      ValueRange carried, TileBody body) {
  int64_t count = llvm::divideCeil(extent, step);
  int64_t low = extent / count, split = (extent - low * count) * (low + 1);
  SmallVector<Value> values =
      forExact(builder, loc, 0, split, low + 1, carried, body);
  return forExact(builder, loc, split, extent, low, values, body);
}

SmallVector<Value> fovea::forBlocks(OpBuilder &builder, Location loc,
                                    int64_t extent, int64_t step,
                                    ValueRange carried, TileBody body) {
  int64_t split = extent - extent % step;
  SmallVector<Value> values =
      forExact(builder, loc, 0, split, step, carried, body);
  return forExact(builder, loc, split, extent, extent - split, values, body);
}

/// Offsets and sizes by axis of `tensor` for the given ones by dimension.
static void getPosition(OpBuilder &builder, Location loc,
                        const DimTensor &tensor, ArrayRef<unsigned> dims,
                        ArrayRef<OpFoldResult> offsets, ArrayRef<int64_t> sizes,
                        SmallVectorImpl<OpFoldResult> &axisOffsets,
                        SmallVectorImpl<OpFoldResult> &axisSizes) {
  for (auto [axis, dim] : llvm::enumerate(tensor.dims)) {
    const unsigned *it = llvm::find(dims, dim);
    if (it == dims.end()) {
      axisOffsets.push_back(builder.getIndexAttr(0));
      axisSizes.push_back(
          tensor::getMixedSize(builder, loc, tensor.value, axis));
      continue;
    }
    axisOffsets.push_back(offsets[it - dims.begin()]);
    axisSizes.push_back(builder.getIndexAttr(sizes[it - dims.begin()]));
  }
}

DimTensor fovea::sliceDims(OpBuilder &builder, Location loc,
                           const DimTensor &tensor, ArrayRef<unsigned> dims,
                           ArrayRef<OpFoldResult> offsets,
                           ArrayRef<int64_t> sizes) {
  SmallVector<OpFoldResult> axisOffsets, axisSizes;
  getPosition(builder, loc, tensor, dims, offsets, sizes, axisOffsets,
              axisSizes);
  if (tensor.dims.empty())
    return tensor;
  SmallVector<OpFoldResult> strides(axisSizes.size(), builder.getIndexAttr(1));
  Value part = tensor::ExtractSliceOp::create(builder, loc, tensor.value,
                                              axisOffsets, axisSizes, strides);
  return {part, tensor.dims};
}

Value fovea::insertDims(OpBuilder &builder, Location loc, Value part,
                        const DimTensor &tensor, ArrayRef<unsigned> dims,
                        ArrayRef<OpFoldResult> offsets,
                        ArrayRef<int64_t> sizes) {
  SmallVector<OpFoldResult> axisOffsets, axisSizes;
  getPosition(builder, loc, tensor, dims, offsets, sizes, axisOffsets,
              axisSizes);
  SmallVector<OpFoldResult> strides(axisSizes.size(), builder.getIndexAttr(1));
  return tensor::InsertSliceOp::create(builder, loc, part, tensor.value,
                                       axisOffsets, axisSizes, strides);
}

Value fovea::emitBlockwise(
    OpBuilder &builder, Location loc, ArrayRef<unsigned> dims,
    ArrayRef<int64_t> extents, int64_t block, ArrayRef<DimTensor> inputs,
    DimTensor output,
    function_ref<Value(OpBuilder &, Location, ValueRange)> body) {
  return forBlocks(
      builder, loc, extents[0], block, output.value,
      [&](OpBuilder &b0, OpFoldResult i, int64_t si, ValueRange outer) {
        return forBlocks(
            b0, loc, extents[1], block, outer,
            [&](OpBuilder &b1, OpFoldResult j, int64_t sj,
                ValueRange inner) -> SmallVector<Value> {
              SmallVector<DimTensor> parts;
              for (const DimTensor &input : inputs)
                parts.push_back(
                    sliceDims(b1, loc, input, dims, {i, j}, {si, sj}));
              DimTensor whole = {inner[0], output.dims};
              DimTensor out = sliceDims(b1, loc, whole, dims, {i, j}, {si, sj});
              Value part = emitGeneric(b1, loc, dims, parts, out, body);
              return {insertDims(b1, loc, part, whole, dims, {i, j}, {si, sj})};
            });
      })[0];
}
