//===- Prefix.cpp - Prefix mask -------------------------------------------===//
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

LogicalResult PrefixAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                 int64_t count) {
  if (count < 0)
    return emitError() << "'count' is negative (prefix_c1)";
  return success();
}

std::optional<bool> PrefixAttr::visible(int64_t, int64_t j,
                                        StaticExtents) const {
  return j < getCount();
}

TileClass PrefixAttr::classify(StaticTile tile, StaticExtents) const {
  if (tile.j1 <= getCount())
    return TileClass::Full;
  return tile.j0 >= getCount() ? TileClass::Empty : TileClass::Partial;
}

Value PrefixAttr::emit(OpBuilder &builder, Location loc,
                       const MaskPoint &point) const {
  Value count = arith::ConstantIndexOp::create(builder, loc, getCount());
  return arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::slt,
                               point.key, count);
}

MaskBounds PrefixAttr::bounds(OpBuilder &builder, Location,
                              const MaskTile &) const {
  OpFoldResult zero = builder.getIndexAttr(0);
  OpFoldResult count = builder.getIndexAttr(getCount());
  return {zero, count, zero, count};
}

bool PrefixAttr::isInterval() const { return true; }
