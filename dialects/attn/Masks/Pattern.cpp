//===- Pattern.cpp - Mask given bit by bit --------------------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Band.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace fovea::attn;

LogicalResult PatternAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                  DenseIntElementsAttr bits) {
  if (bits.getType().getRank() != 2 || !bits.getElementType().isInteger(64))
    return emitError() << "'bits' is no matrix of i64 (pattern_c1)";
  return success();
}

/// The words of one row. A matrix whose words are all equal holds only one.
static uint64_t wordAt(DenseIntElementsAttr bits, int64_t i, int64_t word) {
  if (i >= bits.getType().getDimSize(0) || word >= bits.getType().getDimSize(1))
    return 0;
  int64_t at = bits.isSplat() ? 0 : i * bits.getType().getDimSize(1) + word;
  uint64_t value;
  memcpy(&value, bits.getRawData().data() + at * sizeof(value), sizeof(value));
  return value;
}

std::optional<bool> PatternAttr::visible(int64_t i, int64_t j,
                                         StaticExtents) const {
  return wordAt(getBits(), i, j / 64) >> (j % 64) & 1;
}

TileClass PatternAttr::classify(StaticTile t, StaticExtents) const {
  bool any = false, all = true;
  for (int64_t i = t.i0; i < t.i1; ++i)
    for (int64_t word = t.j0 / 64; word * 64 < t.j1; ++word) {
      uint64_t wanted = ~uint64_t(0);
      if (word * 64 < t.j0)
        wanted &= ~uint64_t(0) << (t.j0 - word * 64);
      if (t.j1 < word * 64 + 64)
        wanted &= ~(~uint64_t(0) << (t.j1 - word * 64));
      uint64_t found = wordAt(getBits(), i, word) & wanted;
      any |= found != 0;
      all &= found == wanted;
      if (any && !all)
        return TileClass::Partial;
    }
  return all ? TileClass::Full : TileClass::Empty;
}

Value PatternAttr::emit(OpBuilder &b, Location loc,
                        const MaskPoint &point) const {
  Value bits = arith::ConstantOp::create(b, loc, getBits());
  Value width = arith::ConstantIndexOp::create(b, loc, 64);
  Value word = tensor::ExtractOp::create(
      b, loc, bits,
      ValueRange{point.row, arith::DivUIOp::create(b, loc, point.key, width)});
  Value bit = arith::IndexCastOp::create(
      b, loc, b.getI64Type(), arith::RemUIOp::create(b, loc, point.key, width));
  return arith::TruncIOp::create(b, loc, b.getI1Type(),
                                 arith::ShRUIOp::create(b, loc, word, bit));
}

MaskBounds PatternAttr::bounds(OpBuilder &builder, Location,
                               const MaskTile &tile) const {
  return unknownBounds(builder, tile);
}
