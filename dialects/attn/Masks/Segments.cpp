//===- Segments.cpp - Mask of separate segments ---------------------------===//
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

LogicalResult SegmentsAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                   ArrayRef<int64_t> starts) {
  bool isIncreasing = !starts.empty() && starts.front() == 0;
  for (size_t s = 1; s < starts.size(); ++s)
    isIncreasing &= starts[s - 1] < starts[s];
  if (!isIncreasing)
    return emitError() << "'starts' does not begin with 0 and increase "
                          "(segments_c1)";
  return success();
}

static int64_t segmentOf(ArrayRef<int64_t> starts, int64_t position) {
  return llvm::upper_bound(starts, position) - starts.begin();
}

std::optional<bool> SegmentsAttr::visible(int64_t i, int64_t j,
                                          StaticExtents) const {
  return segmentOf(getStarts(), i) == segmentOf(getStarts(), j);
}

TileClass SegmentsAttr::classify(StaticTile t, StaticExtents) const {
  int64_t firstRow = segmentOf(getStarts(), t.i0);
  int64_t lastRow = segmentOf(getStarts(), t.i1 - 1);
  int64_t firstKey = segmentOf(getStarts(), t.j0);
  int64_t lastKey = segmentOf(getStarts(), t.j1 - 1);
  if (lastRow < firstKey || lastKey < firstRow)
    return TileClass::Empty;
  if (firstRow == lastRow && firstKey == lastKey)
    return TileClass::Full;
  return TileClass::Partial;
}

/// The number of the segment of a position, from a table up to the start of the
/// last segment.
static Value emitSegment(OpBuilder &builder, Location loc, Value table,
                         Value last, Value position) {
  Value at = arith::MinSIOp::create(builder, loc, position, last);
  return tensor::ExtractOp::create(builder, loc, table, at);
}

Value SegmentsAttr::emit(OpBuilder &builder, Location loc,
                         const MaskPoint &point) const {
  SmallVector<int32_t> numbers;
  for (int64_t p = 0; p <= getStarts().back(); ++p)
    numbers.push_back(segmentOf(getStarts(), p));
  auto type =
      RankedTensorType::get({int64_t(numbers.size())}, builder.getI32Type());
  Value table = arith::ConstantOp::create(
      builder, loc, type,
      DenseElementsAttr::get(type, ArrayRef<int32_t>(numbers)));
  Value last = arith::ConstantIndexOp::create(builder, loc, getStarts().back());
  return arith::CmpIOp::create(
      builder, loc, arith::CmpIPredicate::eq,
      emitSegment(builder, loc, table, last, point.row),
      emitSegment(builder, loc, table, last, point.key));
}

MaskBounds SegmentsAttr::bounds(OpBuilder &builder, Location,
                                const MaskTile &tile) const {
  return unknownBounds(builder, tile);
}
