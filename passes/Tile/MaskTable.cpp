//===- MaskTable.cpp - Which tiles of keys a constant mask leaves ---------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "MaskTable.h"

#include <map>

using namespace mlir;
using namespace fovea;

namespace {
class Tabulator {
public:
  Tabulator(attn::MaskInterface mask, attn::StaticExtents extents, int64_t step)
      : table{step, {}, {}}, mask(mask), extents(extents) {}

  void addRows(int64_t begin, int64_t size);

  MaskTable table;

private:
  int32_t getPattern(const attn::StaticTile &tile);

  attn::MaskInterface mask;
  attn::StaticExtents extents;
  std::map<std::vector<uint64_t>, int32_t> patterns;
};
} // namespace

int32_t Tabulator::getPattern(const attn::StaticTile &tile) {
  std::vector<uint64_t> words(table.step, 0);
  for (int64_t j = tile.j0; j < tile.j1; ++j)
    for (int64_t i = tile.i0; i < tile.i1; ++i)
      words[j - tile.j0] |= uint64_t(*mask.visible(i, j, extents))
                            << (i - tile.i0);
  auto [entry, isNew] = patterns.try_emplace(std::move(words), patterns.size());
  if (isNew)
    table.words.push_back(entry->first);
  return entry->second;
}

void Tabulator::addRows(int64_t begin, int64_t size) {
  MaskTable::Tiles &tiles = table.rows.emplace_back();
  for (int64_t key = 0; key < extents.keys; key += table.step) {
    int64_t end = std::min(key + table.step, extents.keys);
    attn::StaticTile tile = {begin, begin + size, key, end};
    attn::TileClass kind = mask.classify(tile, extents);
    if (kind == attn::TileClass::Empty)
      continue;
    if (end - key < table.step)
      tiles.tail.push_back({int32_t(key), getPattern(tile)});
    else if (kind == attn::TileClass::Full)
      tiles.full.push_back({int32_t(key), 0});
    else
      tiles.partial.push_back({int32_t(key), getPattern(tile)});
  }
}

std::optional<MaskTable> fovea::tabulateMask(attn::MaskInterface mask,
                                             attn::StaticExtents extents,
                                             RowTiles tiles, int64_t step) {
  // Positions of bits in a word, and of keys in the table.
  constexpr int64_t maxRows = 64, maxKeys = 1 << 30;
  if (mask.isInterval() || ShapedType::isDynamic(extents.rows) ||
      ShapedType::isDynamic(extents.keys) || extents.rows == 0 ||
      extents.keys == 0 || extents.keys > maxKeys || tiles.size > maxRows ||
      !mask.visible(0, 0, extents))
    return std::nullopt;
  SmallVector<unsigned> captures;
  mask.appendCaptures(captures);
  if (!captures.empty())
    return std::nullopt;
  Tabulator tabulator(mask, extents, step);
  for (int64_t tile = 0; tile < tiles.count; ++tile)
    tabulator.addRows(tiles.begin + tile * tiles.size, tiles.size);
  return std::move(tabulator.table);
}
