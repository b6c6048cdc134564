//===- Cost.cpp - Estimates for comparing schedules -----------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fovea/Schedule/Schedule.h"

#include "llvm/Support/MathExtras.h"

#include <algorithm>

using namespace mlir;
using namespace fovea;

/// The efficiency for `count` columns in panels of `width`: `full` in whole
/// panels, less in the narrower ones that the remainder is cut into.
static double averageOverPanels(int64_t count, int64_t width, double full,
                                double remainder) {
  if (ShapedType::isDynamic(count))
    return full;
  int64_t rest = count % width;
  return (static_cast<double>(count - rest) * full +
          static_cast<double>(rest) * remainder) /
         static_cast<double>(count);
}

double fovea::estimateEfficiency(RegisterTile tile, int64_t rows,
                                 int64_t columns, int64_t lanes) {
  int64_t usedRows =
      ShapedType::isDynamic(rows) ? tile.rows : std::min(rows, tile.rows);
  // Eight chains of multiply-adds hide their latency (two units, four cycles).
  double latency = std::min(1.0, usedRows * tile.vectors / 8.0);
  // Each vector of the panel comes from the second-level cache and serves one
  // multiply-add per row.
  double reuse = std::min(1.0, usedRows / 5.0);
  // Fewer, wider rows leave fewer broadcasts and row ends to handle.
  double width = tile.vectors >= 4 ? 1.0 : tile.vectors == 2 ? 0.96 : 0.8;
  return latency * reuse *
         averageOverPanels(columns, tile.vectors * lanes, width, 0.7);
}
