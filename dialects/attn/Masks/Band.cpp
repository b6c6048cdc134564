//===- Band.cpp - Masks of the form lower <= j - i <= upper ---------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Band.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"

using namespace mlir;
using namespace fovea::attn;

Value fovea::attn::toIndex(OpBuilder &builder, Location loc, Value value) {
  if (value.getType().isIndex())
    return value;
  return arith::IndexCastOp::create(builder, loc, builder.getIndexType(),
                                    value);
}

LogicalResult
fovea::attn::verifyIntegerCapture(function_ref<InFlightDiagnostic()> emitError,
                                  int64_t position,
                                  ArrayRef<Type> elementTypes) {
  if (position == -1)
    return success();
  if (position < 0 || position >= static_cast<int64_t>(elementTypes.size()))
    return emitError() << "the mask reads capture " << position << " of "
                       << elementTypes.size() << " (attention_c11)";
  if (!isa<IntegerType, IndexType>(elementTypes[position]))
    return emitError() << "the mask reads capture " << position
                       << " as integers, but it holds "
                       << elementTypes[position] << " (attention_c11)";
  return success();
}

OpFoldResult fovea::attn::extremum(OpBuilder &builder, Location loc,
                                   OpFoldResult a, OpFoldResult b,
                                   bool minimum) {
  AffineMap map = AffineMap::getMultiDimIdentityMap(2, builder.getContext());
  if (minimum)
    return affine::makeComposedFoldedAffineMin(builder, loc, map, {a, b});
  return affine::makeComposedFoldedAffineMax(builder, loc, map, {a, b});
}

MaskBounds fovea::attn::unknownBounds(OpBuilder &builder,
                                      const MaskTile &tile) {
  OpFoldResult zero = builder.getIndexAttr(0);
  return {zero, tile.keys, zero, zero};
}

TileClass fovea::attn::classifyPoints(MaskInterface mask, StaticTile tile,
                                      StaticExtents extents) {
  bool any = false, all = true;
  for (int64_t i = tile.i0; i < tile.i1; ++i)
    for (int64_t j = tile.j0; j < tile.j1; ++j) {
      std::optional<bool> visible = mask.visible(i, j, extents);
      any |= visible.value_or(true);
      all &= visible.value_or(false);
      if (any && !all)
        return TileClass::Partial;
    }
  return all ? TileClass::Full : TileClass::Empty;
}

std::optional<int64_t> Band::staticShift(StaticExtents extents) const {
  if (shift >= 0)
    return std::nullopt;
  if (align == Alignment::Start)
    return offset;
  if (ShapedType::isDynamic(extents.rows) ||
      ShapedType::isDynamic(extents.keys))
    return std::nullopt;
  return offset + extents.keys - extents.rows;
}

std::optional<bool> Band::visible(int64_t i, int64_t j,
                                  StaticExtents extents) const {
  std::optional<int64_t> by = staticShift(extents);
  if (!by)
    return std::nullopt;
  return (left < 0 || j >= i + *by - left) &&
         (right < 0 || j <= i + *by + right);
}

TileClass Band::classify(StaticTile t, StaticExtents extents) const {
  std::optional<int64_t> by = staticShift(extents);
  if (!by || t.i0 >= t.i1 || t.j0 >= t.j1)
    return TileClass::Partial;
  int64_t first = t.i0 + *by, last = t.i1 - 1 + *by;
  if ((left >= 0 && t.j1 - 1 < first - left) ||
      (right >= 0 && t.j0 > last + right))
    return TileClass::Empty;
  if ((left < 0 || t.j0 >= last - left) &&
      (right < 0 || t.j1 - 1 <= first + right))
    return TileClass::Full;
  return TileClass::Partial;
}

/// shift as a value: offset + (keys - rows where the ends are aligned) +
/// capture.
static OpFoldResult emitShift(OpBuilder &builder, Location loc,
                              const Band &band, OpFoldResult rows,
                              OpFoldResult keys, Value capture) {
  AffineExpr a, b, c;
  bindSymbols(builder.getContext(), a, b, c);
  AffineExpr sum = builder.getAffineConstantExpr(band.offset);
  if (band.align == Alignment::End)
    sum = sum + a - b;
  OpFoldResult dynamic = builder.getIndexAttr(0);
  if (capture) {
    dynamic = toIndex(builder, loc, capture);
    sum = sum + c;
  }
  return affine::makeComposedFoldedAffineApply(
      builder, loc, AffineMap::get(0, 3, sum), {keys, rows, dynamic});
}

Value Band::emit(OpBuilder &builder, Location loc,
                 const MaskPoint &point) const {
  Value capture = shift >= 0 ? point.captures[shift] : Value();
  Value by = getValueOrCreateConstantIndexOp(
      builder, loc,
      emitShift(builder, loc, *this, point.rows, point.keys, capture));
  Value visible;
  auto bound = [&](int64_t distance, arith::CmpIPredicate predicate) {
    Value reach = arith::AddIOp::create(
        builder, loc, by,
        arith::ConstantIndexOp::create(builder, loc, distance));
    Value limit = arith::AddIOp::create(builder, loc, point.row, reach);
    Value inside =
        arith::CmpIOp::create(builder, loc, predicate, point.key, limit);
    visible =
        visible ? arith::AndIOp::create(builder, loc, visible, inside) : inside;
  };
  if (right >= 0)
    bound(right, arith::CmpIPredicate::sle);
  if (left >= 0)
    bound(-left, arith::CmpIPredicate::sge);
  return visible;
}

MaskBounds Band::bounds(OpBuilder &builder, Location loc,
                        const MaskTile &tile) const {
  Value capture;
  if (shift >= 0) {
    capture = tile.capture(shift);
    if (!capture)
      return unknownBounds(builder, tile);
  }
  OpFoldResult by =
      emitShift(builder, loc, *this, tile.rows, tile.keys, capture);
  AffineExpr row, size, s;
  bindSymbols(builder.getContext(), row, size, s);
  auto apply = [&](AffineExpr expr) {
    return affine::makeComposedFoldedAffineApply(
        builder, loc, AffineMap::get(0, 3, expr), {tile.row, tile.size, by});
  };
  MaskBounds result = {builder.getIndexAttr(0), tile.keys,
                       builder.getIndexAttr(0), tile.keys};
  if (left >= 0) {
    result.begin = apply(row + s - left);
    result.fullBegin = apply(row + size - 1 + s - left);
  }
  if (right >= 0) {
    result.end = apply(row + size + s + right);
    result.fullEnd = apply(row + s + right + 1);
  }
  return result;
}
