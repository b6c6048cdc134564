//===- Causal.cpp - Causal mask -------------------------------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Band.h"

using namespace mlir;
using namespace fovea::attn;

static Band bandOf(CausalAttr mask) {
  return {/*left=*/-1, /*right=*/0, mask.getOffset(), mask.getAlign(),
          mask.getShift()};
}

std::optional<bool> CausalAttr::visible(int64_t i, int64_t j,
                                        StaticExtents extents) const {
  return bandOf(*this).visible(i, j, extents);
}

TileClass CausalAttr::classify(StaticTile tile, StaticExtents extents) const {
  return bandOf(*this).classify(tile, extents);
}

Value CausalAttr::emit(OpBuilder &builder, Location loc,
                       const MaskPoint &point) const {
  return bandOf(*this).emit(builder, loc, point);
}

MaskBounds CausalAttr::bounds(OpBuilder &builder, Location loc,
                              const MaskTile &tile) const {
  return bandOf(*this).bounds(builder, loc, tile);
}

void CausalAttr::appendCaptures(SmallVectorImpl<unsigned> &captures) const {
  if (getShift() >= 0)
    captures.push_back(getShift());
}

LogicalResult
CausalAttr::verifyCaptures(function_ref<InFlightDiagnostic()> emitError,
                           ArrayRef<Type> elementTypes) const {
  return verifyIntegerCapture(emitError, getShift(), elementTypes);
}

MaskInterface CausalAttr::withCaptures(ArrayRef<unsigned> positions) const {
  int64_t shift = getShift() < 0 ? -1 : int64_t(positions[getShift()]);
  return get(getContext(), getOffset(), getAlign(), shift);
}

bool CausalAttr::isInterval() const { return true; }
