//===- SlidingWindow.cpp - Sliding window mask ----------------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Band.h"

using namespace mlir;
using namespace fovea::attn;

static Band bandOf(SlidingWindowAttr mask) {
  return {mask.getLeft(), mask.getRight(), mask.getOffset(), mask.getAlign(),
          mask.getShift()};
}

LogicalResult
SlidingWindowAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                          int64_t left, int64_t right, int64_t, Alignment,
                          int64_t) {
  if (left < 0 && right < 0)
    return emitError() << "neither 'left' nor 'right' bounds the window "
                          "(window_c1)";
  return success();
}

std::optional<bool> SlidingWindowAttr::visible(int64_t i, int64_t j,
                                               StaticExtents extents) const {
  return bandOf(*this).visible(i, j, extents);
}

TileClass SlidingWindowAttr::classify(StaticTile tile,
                                      StaticExtents extents) const {
  return bandOf(*this).classify(tile, extents);
}

Value SlidingWindowAttr::emit(OpBuilder &builder, Location loc,
                              const MaskPoint &point) const {
  return bandOf(*this).emit(builder, loc, point);
}

MaskBounds SlidingWindowAttr::bounds(OpBuilder &builder, Location loc,
                                     const MaskTile &tile) const {
  return bandOf(*this).bounds(builder, loc, tile);
}

void SlidingWindowAttr::appendCaptures(
    SmallVectorImpl<unsigned> &captures) const {
  if (getShift() >= 0)
    captures.push_back(getShift());
}

LogicalResult
SlidingWindowAttr::verifyCaptures(function_ref<InFlightDiagnostic()> emitError,
                                  ArrayRef<Type> elementTypes) const {
  return verifyIntegerCapture(emitError, getShift(), elementTypes);
}

MaskInterface
SlidingWindowAttr::withCaptures(ArrayRef<unsigned> positions) const {
  int64_t shift = getShift() < 0 ? -1 : int64_t(positions[getShift()]);
  return get(getContext(), getLeft(), getRight(), getOffset(), getAlign(),
             shift);
}

/// Between two bounds there are so few tiles that where they begin matters.
bool SlidingWindowAttr::isInterval() const {
  return getLeft() < 0 || getRight() < 0;
}
