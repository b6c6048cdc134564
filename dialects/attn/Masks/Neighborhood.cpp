//===- Neighborhood.cpp - Neighbourhood mask ------------------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Band.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"

using namespace mlir;
using namespace fovea::attn;

LogicalResult
NeighborhoodAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                         int64_t size, int64_t dilation) {
  if (size <= 0 || dilation <= 0)
    return emitError() << "'size' and 'dilation' have to be above 0 "
                          "(neighborhood_c1)";
  return success();
}

std::optional<bool> NeighborhoodAttr::visible(int64_t i, int64_t j,
                                              StaticExtents extents) const {
  if (ShapedType::isDynamic(extents.rows))
    return std::nullopt;
  int64_t step = getDilation(), shared = i % step;
  if (j % step != shared)
    return false;
  int64_t length = (extents.rows - 1 - shared) / step + 1;
  int64_t start = std::max<int64_t>(
      0, std::min(i / step - getSize() / 2, length - getSize()));
  return j / step >= start && j / step < start + getSize();
}

TileClass NeighborhoodAttr::classify(StaticTile tile,
                                     StaticExtents extents) const {
  return classifyPoints(*this, tile, extents);
}

Value NeighborhoodAttr::emit(OpBuilder &b, Location loc,
                             const MaskPoint &point) const {
  auto constant = [&](int64_t value) -> Value {
    return arith::ConstantIndexOp::create(b, loc, value);
  };
  Value step = constant(getDilation()), size = constant(getSize());
  Value one = constant(1);
  Value shared = arith::RemUIOp::create(b, loc, point.row, step);
  Value row = arith::DivUIOp::create(b, loc, point.row, step);
  Value key = arith::DivUIOp::create(b, loc, point.key, step);
  Value rows = getValueOrCreateConstantIndexOp(b, loc, point.rows);
  Value length = arith::SubIOp::create(b, loc, rows, one);
  length = arith::SubIOp::create(b, loc, length, shared);
  length = arith::DivUIOp::create(b, loc, length, step);
  length = arith::AddIOp::create(b, loc, length, one);
  Value first = arith::SubIOp::create(b, loc, row, constant(getSize() / 2));
  Value last = arith::SubIOp::create(b, loc, length, size);
  Value start = arith::MaxSIOp::create(
      b, loc, constant(0), arith::MinSIOp::create(b, loc, first, last));
  Value end = arith::AddIOp::create(b, loc, start, size);
  auto compare = [&](arith::CmpIPredicate predicate, Value x, Value y) {
    return arith::CmpIOp::create(b, loc, predicate, x, y).getResult();
  };
  Value visible = compare(arith::CmpIPredicate::eq, shared,
                          arith::RemUIOp::create(b, loc, point.key, step));
  visible = arith::AndIOp::create(
      b, loc, visible, compare(arith::CmpIPredicate::sge, key, start));
  return arith::AndIOp::create(b, loc, visible,
                               compare(arith::CmpIPredicate::slt, key, end));
}

MaskBounds NeighborhoodAttr::bounds(OpBuilder &builder, Location,
                                    const MaskTile &tile) const {
  return unknownBounds(builder, tile);
}
