//===- Padding.cpp - Padding mask -----------------------------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Band.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace fovea::attn;

LogicalResult PaddingAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                  int64_t begin, int64_t end) {
  if (begin < 0 && end < 0)
    return emitError() << "neither 'begin' nor 'end' names a capture "
                          "(padding_c1)";
  return success();
}

std::optional<bool> PaddingAttr::visible(int64_t, int64_t,
                                         StaticExtents) const {
  return std::nullopt;
}

TileClass PaddingAttr::classify(StaticTile, StaticExtents) const {
  return TileClass::Partial;
}

Value PaddingAttr::emit(OpBuilder &builder, Location loc,
                        const MaskPoint &point) const {
  Value visible;
  auto bound = [&](int64_t capture, arith::CmpIPredicate predicate) {
    Value limit = toIndex(builder, loc, point.captures[capture]);
    Value inside =
        arith::CmpIOp::create(builder, loc, predicate, point.key, limit);
    visible =
        visible ? arith::AndIOp::create(builder, loc, visible, inside) : inside;
  };
  if (getBegin() >= 0)
    bound(getBegin(), arith::CmpIPredicate::sge);
  if (getEnd() >= 0)
    bound(getEnd(), arith::CmpIPredicate::slt);
  return visible;
}

MaskBounds PaddingAttr::bounds(OpBuilder &builder, Location loc,
                               const MaskTile &tile) const {
  MaskBounds result = {builder.getIndexAttr(0), tile.keys,
                       builder.getIndexAttr(0), tile.keys};
  if (getBegin() >= 0) {
    Value begin = tile.capture(getBegin());
    if (!begin)
      return unknownBounds(builder, tile);
    result.begin = result.fullBegin = toIndex(builder, loc, begin);
  }
  if (getEnd() >= 0) {
    Value end = tile.capture(getEnd());
    if (!end)
      return unknownBounds(builder, tile);
    result.end = result.fullEnd = toIndex(builder, loc, end);
  }
  return result;
}

void PaddingAttr::appendCaptures(SmallVectorImpl<unsigned> &captures) const {
  if (getBegin() >= 0)
    captures.push_back(getBegin());
  if (getEnd() >= 0)
    captures.push_back(getEnd());
}

MaskInterface PaddingAttr::withCaptures(ArrayRef<unsigned> positions) const {
  return get(getContext(), getBegin() < 0 ? -1 : int64_t(positions[getBegin()]),
             getEnd() < 0 ? -1 : int64_t(positions[getEnd()]));
}

LogicalResult
PaddingAttr::verifyCaptures(function_ref<InFlightDiagnostic()> emitError,
                            ArrayRef<Type> elementTypes) const {
  if (failed(verifyIntegerCapture(emitError, getBegin(), elementTypes)))
    return failure();
  return verifyIntegerCapture(emitError, getEnd(), elementTypes);
}

bool PaddingAttr::isInterval() const { return true; }
