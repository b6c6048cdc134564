//===- MaskTable.h - Which tiles of keys a constant mask leaves -*- C++ -*-===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_ANALYSIS_MASKTABLE_H
#define FOVEA_ANALYSIS_MASKTABLE_H

#include "fovea/dialects/attn/Attn.h"

#include <vector>

namespace fovea {

/// Where the rows lie that one parallel loop computes: `count` tiles of `size`
/// rows each from row `begin` on.
struct RowTiles {
  int64_t begin, count, size;
};

/// The tiles of keys that tiles of rows visit, and the bits of those that are
/// visible in part. Tiles that look the same share their bits. A tile begins
/// with a key that is visible, wherever that is, or ends with the last key.
struct MaskTable {
  /// One tile of keys that a tile of rows visits.
  struct Visit {
    int32_t key;
    /// A row of `words`.
    int32_t pattern;
  };
  /// What one tile of rows visits.
  struct Tiles {
    std::vector<Visit> full, partial;
  };

  /// The number of keys in a tile.
  int64_t step = 0;
  std::vector<Tiles> rows;
  /// Bit r of element [pattern][k] says whether row r of the tile sees key k.
  std::vector<std::vector<uint64_t>> words;
};

/// Whether a table serves a mask better than bounds of loops, and is possible:
/// the mask is no interval and reads no captures, and sizes are known.
bool canTabulate(attn::MaskInterface mask, attn::StaticExtents extents,
                 RowTiles tiles);

/// The table of a mask for tiles of `step` keys, at most as many as there are.
MaskTable tabulateMask(attn::MaskInterface mask, attn::StaticExtents extents,
                       RowTiles tiles, int64_t step);

/// The number of keys in a tile, a multiple of `grain` up to `most`, with which
/// the table is visited fastest.
int64_t chooseTileOfKeys(attn::MaskInterface mask, attn::StaticExtents extents,
                         RowTiles tiles, int64_t grain, int64_t most);

} // namespace fovea

#endif // FOVEA_ANALYSIS_MASKTABLE_H
