//===- MaskTable.h - Which tiles of keys a constant mask leaves -*- C++ -*-===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_PASSES_TILE_MASKTABLE_H
#define FOVEA_PASSES_TILE_MASKTABLE_H

#include "fovea/dialects/attn/Attn.h"

namespace fovea {

/// The tiles of keys that tiles of rows visit, and the bits of those that are
/// visible in part. Tiles that look the same share their bits.
struct MaskTable {
  /// One tile of keys that a tile of rows visits.
  struct Visit {
    int32_t key;
    /// A row of `words`.
    int32_t pattern;
  };
  /// What one tile of rows visits. The tail are the keys after the last whole
  /// tile.
  struct Tiles {
    std::vector<Visit> full, partial, tail;
  };

  /// The number of keys in a tile.
  int64_t step;
  std::vector<Tiles> rows;
  /// Bit r of element [pattern][k] says whether row r of the tile sees key k.
  std::vector<std::vector<uint64_t>> words;
};

/// Where the rows lie that one parallel loop computes: `count` tiles of `size`
/// rows each from row `begin` on.
struct RowTiles {
  int64_t begin, count, size;
};

/// Tabulates `mask` if that is worth it and possible: it reads no captures and
/// is no interval that arithmetic describes as well.
std::optional<MaskTable> tabulateMask(attn::MaskInterface mask,
                                      attn::StaticExtents extents,
                                      RowTiles tiles, int64_t step);

} // namespace fovea

#endif // FOVEA_PASSES_TILE_MASKTABLE_H
