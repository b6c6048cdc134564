//===- Mask.h - What a mask is asked and what it answers --------*- C++ -*-===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_DIALECTS_ATTN_INTERFACES_MASK_H
#define FOVEA_DIALECTS_ATTN_INTERFACES_MASK_H

#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/OpDefinition.h"

#include <optional>

namespace fovea::attn {

/// What is known about a tile of rows and keys.
enum class TileClass { Empty, Partial, Full };

/// The extents of M and K2, or ShapedType::kDynamic.
struct StaticExtents {
  int64_t rows;
  int64_t keys;
};

/// Rows [i0, i1) and keys [j0, j1).
struct StaticTile {
  int64_t i0, i1, j0, j1;
};

/// One point of the iteration space while code for it is emitted.
struct MaskPoint {
  /// Positions along M and K2, of type index.
  mlir::Value row, key;
  /// The extents of M and K2.
  mlir::OpFoldResult rows, keys;
  /// The element of each capture at this point.
  llvm::ArrayRef<mlir::Value> captures;
};

/// A tile of rows while code around it is emitted.
struct MaskTile {
  /// The first row and the number of rows.
  mlir::OpFoldResult row, size;
  /// The extents of M and K2.
  mlir::OpFoldResult rows, keys;
  /// The element of a capture that is the same for all rows and keys of the
  /// tile, or null for a capture that is not.
  llvm::function_ref<mlir::Value(unsigned)> capture;
};

/// Keys outside [begin, end) are invisible to the whole tile; keys inside
/// [fullBegin, fullEnd) are visible to the whole tile.
struct MaskBounds {
  mlir::OpFoldResult begin, end, fullBegin, fullEnd;
};

} // namespace fovea::attn

#endif // FOVEA_DIALECTS_ATTN_INTERFACES_MASK_H
