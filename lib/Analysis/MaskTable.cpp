//===- MaskTable.cpp - Which tiles of keys a constant mask leaves ---------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fovea/Analysis/MaskTable.h"

#include <map>

using namespace mlir;
using namespace fovea;

/// A word for each key: which rows of one tile see it.
using Columns = std::vector<uint64_t>;

static uint64_t allRows(int64_t size) {
  return size >= 64 ? ~uint64_t(0) : ~(~uint64_t(0) << size);
}

static Columns columnsOf(attn::MaskInterface mask, attn::StaticExtents extents,
                         int64_t begin, int64_t size) {
  // Most masks classify a tile faster than element by element.
  constexpr int64_t width = 64;
  Columns columns(extents.keys, 0);
  for (int64_t first = 0; first < extents.keys; first += width) {
    int64_t last = std::min(first + width, extents.keys);
    attn::TileClass kind =
        mask.classify({begin, begin + size, first, last}, extents);
    if (kind == attn::TileClass::Empty)
      continue;
    for (int64_t j = first; j < last; ++j) {
      if (kind == attn::TileClass::Full) {
        columns[j] = allRows(size);
        continue;
      }
      for (int64_t i = 0; i < size; ++i)
        columns[j] |= uint64_t(*mask.visible(begin + i, j, extents)) << i;
    }
  }
  return columns;
}

/// Covers the visible keys by tiles of `step`; calls `visit` with the first key
/// of each, the first that it is responsible for, and whether all rows see all.
static void coverKeys(const Columns &columns, int64_t size, int64_t step,
                      llvm::function_ref<void(int64_t, int64_t, bool)> visit) {
  int64_t numKeys = columns.size();
  for (int64_t key = 0; key < numKeys; ++key) {
    if (columns[key] == 0)
      continue;
    int64_t begin = std::min(key, numKeys - step);
    bool isFull = begin == key;
    for (int64_t j = key; isFull && j < begin + step; ++j)
      isFull = columns[j] == allRows(size);
    visit(begin, key, isFull);
    key = begin + step - 1;
  }
}

bool fovea::canTabulate(attn::MaskInterface mask, attn::StaticExtents extents,
                        RowTiles tiles) {
  // Rows are bits of a word. Twice this many words are looked at.
  constexpr int64_t maxRows = 64, maxElements = int64_t(1) << 28;
  if (!mask || mask.isInterval() || ShapedType::isDynamic(extents.rows) ||
      ShapedType::isDynamic(extents.keys) || extents.rows <= 0 ||
      extents.keys <= 0 || extents.rows > maxElements / extents.keys ||
      tiles.size > maxRows || !mask.visible(0, 0, extents))
    return false;
  SmallVector<unsigned> captures;
  mask.appendCaptures(captures);
  return captures.empty();
}

MaskTable fovea::tabulateMask(attn::MaskInterface mask,
                              attn::StaticExtents extents, RowTiles tiles,
                              int64_t step) {
  MaskTable table;
  table.step = std::min(step, extents.keys);
  std::map<Columns, int32_t> patterns;
  for (int64_t tile = 0; tile < tiles.count; ++tile) {
    int64_t row = tiles.begin + tile * tiles.size;
    Columns columns = columnsOf(mask, extents, row, tiles.size);
    MaskTable::Tiles &visits = table.rows.emplace_back();
    coverKeys(columns, tiles.size, table.step,
              [&](int64_t begin, int64_t first, bool isFull) {
                if (isFull)
                  return visits.full.push_back({int32_t(begin), 0});
                Columns words(columns.begin() + begin,
                              columns.begin() + begin + table.step);
                // Keys that the tile before has taken.
                std::fill(words.begin(), words.begin() + (first - begin), 0);
                auto [entry, isNew] =
                    patterns.try_emplace(std::move(words), patterns.size());
                if (isNew)
                  table.words.push_back(entry->first);
                visits.partial.push_back({int32_t(begin), entry->second});
              });
  }
  return table;
}

int64_t fovea::chooseTileOfKeys(attn::MaskInterface mask,
                                attn::StaticExtents extents, RowTiles tiles,
                                int64_t grain, int64_t most) {
  // What a tile costs besides its keys, in keys: the accumulator is scaled,
  // read and written once. And what testing bits adds to a key. Both were
  // measured.
  constexpr double perTile = 4.0, perMaskedKey = 0.1;
  SmallVector<double> costs;
  for (int64_t tile = 0; tile < tiles.count; ++tile) {
    Columns columns =
        columnsOf(mask, extents, tiles.begin + tile * tiles.size, tiles.size);
    size_t candidate = 0;
    for (int64_t step = 2 * grain; step <= most; step += grain, ++candidate) {
      if (costs.size() <= candidate)
        costs.push_back(0.0);
      int64_t width = std::min(step, extents.keys);
      coverKeys(columns, tiles.size, width, [&](int64_t, int64_t, bool isFull) {
        costs[candidate] +=
            perTile + width * (isFull ? 1.0 : 1.0 + perMaskedKey);
      });
    }
  }
  if (costs.empty())
    return most;
  // Of equal ones the largest, which has the fewest tiles.
  size_t best = costs.size() - 1;
  for (size_t candidate = costs.size(); candidate-- > 0;)
    if (costs[candidate] < costs[best])
      best = candidate;
  return grain * (best + 2);
}
