//===- Band.h - Masks of the form lower <= j - i <= upper -------*- C++ -*-===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_DIALECTS_ATTN_MASKS_BAND_H
#define FOVEA_DIALECTS_ATTN_MASKS_BAND_H

#include "fovea/dialects/attn/Attn.h"

namespace fovea::attn {

/// Row i sees key j when `i + shift - left <= j <= i + shift + right`. A
/// negative left or right is no bound. Causal masks and sliding windows are
/// both of this form.
struct Band {
  int64_t left, right, offset;
  Alignment align;
  int64_t shift;

  std::optional<int64_t> staticShift(StaticExtents extents) const;
  std::optional<bool> visible(int64_t i, int64_t j,
                              StaticExtents extents) const;
  TileClass classify(StaticTile tile, StaticExtents extents) const;
  mlir::Value emit(mlir::OpBuilder &builder, mlir::Location loc,
                   const MaskPoint &point) const;
  MaskBounds bounds(mlir::OpBuilder &builder, mlir::Location loc,
                    const MaskTile &tile) const;
};

/// Bounds that say nothing: every key may be visible, none surely is.
MaskBounds unknownBounds(mlir::OpBuilder &builder, const MaskTile &tile);

/// The class of a tile, point by point.
TileClass classifyPoints(MaskInterface mask, StaticTile tile,
                         StaticExtents extents);

/// `value` of any integer type as an index.
mlir::Value toIndex(mlir::OpBuilder &builder, mlir::Location loc,
                    mlir::Value value);

/// Verifies that capture `position` (or none, for -1) is of integer type.
llvm::LogicalResult
verifyIntegerCapture(llvm::function_ref<mlir::InFlightDiagnostic()> emitError,
                     int64_t position, llvm::ArrayRef<mlir::Type> elementTypes);

/// The largest (or, for `minimum`, the smallest) of two indices.
mlir::OpFoldResult extremum(mlir::OpBuilder &builder, mlir::Location loc,
                            mlir::OpFoldResult a, mlir::OpFoldResult b,
                            bool minimum);

} // namespace fovea::attn

#endif // FOVEA_DIALECTS_ATTN_MASKS_BAND_H
