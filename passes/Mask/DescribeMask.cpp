//===- DescribeMask.cpp - The simplest mask that shows given keys ---------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "MaskMatrix.h"

using namespace mlir;
using namespace fovea;
using attn::MaskInterface;

namespace {

/// The smallest band `low <= j - i <= high` around all visible keys.
struct BandAround {
  int64_t low = INT64_MAX, high = INT64_MIN;
  /// Of one row: the first and the last visible key, or -1.
  SmallVector<std::pair<int64_t, int64_t>> ends;

  BandAround(const MaskMatrix &matrix, int64_t firstKey = 0) {
    for (int64_t i = 0; i < matrix.rows; ++i) {
      int64_t first = -1, last = -1;
      for (int64_t j = firstKey; j < matrix.keys; ++j)
        if (matrix.get(i, j)) {
          first = first < 0 ? j : first;
          last = j;
        }
      ends.emplace_back(first, last);
      if (first < 0)
        continue;
      low = std::min(low, first - i);
      high = std::max(high, last - i);
    }
  }
  bool isEmpty() const { return low > high; }
  /// Null for a band that bounds nothing.
  MaskInterface toMask(MLIRContext *context, int64_t rows, int64_t keys,
                       bool isOneSided = false) const;
};

class Describer {
public:
  Describer(MLIRContext *context) : context(context) {}

  /// Null where nothing but a pattern fits. The mask of everything is
  /// #attn.segments<[0]>.
  MaskInterface describe(const MaskMatrix &matrix, unsigned depth);

private:
  bool matches(MaskInterface mask, const MaskMatrix &matrix);
  MaskInterface matchBand(const BandAround &band, const MaskMatrix &matrix,
                          function_ref<MaskInterface(MaskInterface)> combine);
  MaskInterface asPrefix(const MaskMatrix &matrix);
  MaskInterface asSegments(const MaskMatrix &matrix, const BandAround &band);
  MaskInterface asNeighborhood(const MaskMatrix &matrix);
  MaskInterface asProduct(const MaskMatrix &matrix, unsigned depth);
  MaskInterface asProduct(const MaskMatrix &matrix, int64_t inner,
                          unsigned depth);

  MLIRContext *context;
};

} // namespace

MaskInterface BandAround::toMask(MLIRContext *context, int64_t rows,
                                 int64_t keys, bool isOneSided) const {
  bool bounded = low > 1 - rows && !isOneSided, ahead = high < keys - 1;
  if (isEmpty() || (!bounded && !ahead))
    return {};
  // With the ends aligned, numbers do not depend on the sizes.
  int64_t end = keys - rows;
  bool atEnd = end != 0 && high == end;
  auto align = atEnd ? attn::Alignment::End : attn::Alignment::Start;
  int64_t base = atEnd ? end : 0;
  if (!bounded)
    return cast<MaskInterface>(
        attn::CausalAttr::get(context, high - base, align, -1));
  int64_t offset = 0;
  if (ahead && high < base)
    offset = high - base;
  if (low - base > offset)
    offset = low - base;
  return cast<MaskInterface>(attn::SlidingWindowAttr::get(
      context, base + offset - low, ahead ? high - base - offset : -1, offset,
      align, -1));
}

bool Describer::matches(MaskInterface mask, const MaskMatrix &matrix) {
  for (int64_t i = 0; i < matrix.rows; ++i)
    for (int64_t j = 0; j < matrix.keys; ++j)
      if (mask.visible(i, j, {matrix.rows, matrix.keys}) != matrix.get(i, j))
        return false;
  return true;
}

/// What `combine` makes of the band: without its lower bound if that fits, too.
MaskInterface
Describer::matchBand(const BandAround &band, const MaskMatrix &matrix,
                     function_ref<MaskInterface(MaskInterface)> combine) {
  for (bool isOneSided : {true, false}) {
    MaskInterface bounds =
        band.toMask(context, matrix.rows, matrix.keys, isOneSided);
    if (!bounds)
      continue;
    MaskInterface mask = combine(bounds);
    if (matches(mask, matrix))
      return mask;
  }
  return {};
}

/// Keys that all rows see, and a band behind them.
MaskInterface Describer::asPrefix(const MaskMatrix &matrix) {
  int64_t count = 0;
  auto isSeen = [&](int64_t key) {
    for (int64_t i = 0; i < matrix.rows; ++i)
      if (!matrix.get(i, key))
        return false;
    return true;
  };
  while (count < matrix.keys && isSeen(count))
    ++count;
  if (count == 0)
    return {};
  auto prefix = cast<MaskInterface>(attn::PrefixAttr::get(context, count));
  BandAround rest(matrix, count);
  if (rest.isEmpty())
    return prefix;
  return matchBand(rest, matrix, [&](MaskInterface band) {
    return cast<MaskInterface>(attn::OrAttr::get(context, {band, prefix}));
  });
}

/// Cuts wherever no key is seen across, and a band inside of the segments.
MaskInterface Describer::asSegments(const MaskMatrix &matrix,
                                    const BandAround &band) {
  int64_t length = matrix.rows;
  std::vector<int64_t> crossing(length + 1, 0);
  for (int64_t i = 0; i < length; ++i) {
    auto [first, last] = band.ends[i];
    if (first < 0)
      continue;
    ++crossing[std::min(i, first) + 1];
    --crossing[std::max(i, last) + 1];
  }
  SmallVector<int64_t> starts{0};
  int64_t open = 0;
  for (int64_t p = 1; p < length; ++p)
    if ((open += crossing[p]) == 0)
      starts.push_back(p);
  if (starts.size() == 1)
    return {};
  auto segments = cast<MaskInterface>(attn::SegmentsAttr::get(context, starts));
  if (matches(segments, matrix))
    return segments;
  return matchBand(band, matrix, [&](MaskInterface inside) {
    return cast<MaskInterface>(attn::AndAttr::get(context, {segments, inside}));
  });
}

MaskInterface Describer::asNeighborhood(const MaskMatrix &matrix) {
  SmallVector<int64_t> keys;
  for (int64_t j = 0; j < matrix.keys; ++j)
    if (matrix.get(matrix.rows / 2, j))
      keys.push_back(j);
  if (keys.size() < 2)
    return {};
  auto mask = cast<MaskInterface>(
      attn::NeighborhoodAttr::get(context, keys.size(), keys[1] - keys[0]));
  return matches(mask, matrix) ? mask : MaskInterface();
}

/// A grid whose last axis has the length `inner`.
MaskInterface Describer::asProduct(const MaskMatrix &matrix, int64_t inner,
                                   unsigned depth) {
  int64_t outer = matrix.rows / inner;
  MaskMatrix along(outer, outer, false), across(inner, inner, false);
  auto addRow = [&](int64_t i) {
    MaskMatrix r(1, outer, false), c(1, inner, false);
    for (int64_t j = 0; j < matrix.keys; ++j)
      if (matrix.get(i, j)) {
        r.show(0, j / inner);
        c.show(0, j % inner);
        along.show(i / inner, j / inner);
        across.show(i % inner, j % inner);
      }
    return r.count() * c.count() == matrix.count(i);
  };
  // A few rows rule out most lengths.
  for (int64_t i : {int64_t(0), matrix.rows / 2, matrix.rows - 1})
    if (!addRow(i))
      return {};
  for (int64_t i = 0; i < matrix.rows; ++i)
    if (!addRow(i))
      return {};
  // The product shows every visible key; equally many means no others.
  if (along.count() * across.count() != matrix.count())
    return {};
  MaskInterface first = describe(along, depth + 1);
  MaskInterface last = first ? describe(across, depth + 1) : MaskInterface();
  if (!last)
    return {};
  SmallVector<int64_t> shape{outer};
  SmallVector<MaskInterface> masks{first};
  if (auto product = dyn_cast<attn::ProductAttr>(first)) {
    shape.assign(product.getShape().begin(), product.getShape().end());
    masks.assign(product.getMasks().begin(), product.getMasks().end());
  }
  shape.push_back(inner);
  masks.push_back(last);
  return cast<MaskInterface>(attn::ProductAttr::get(context, shape, masks));
}

MaskInterface Describer::asProduct(const MaskMatrix &matrix, unsigned depth) {
  constexpr unsigned maxAxes = 4;
  if (depth + 1 >= maxAxes)
    return {};
  // Several grids may fit; the one with the fewest axes is the model's.
  MaskInterface best;
  size_t fewest = SIZE_MAX;
  for (int64_t inner = 2; inner <= matrix.rows / 2 && fewest > 2; ++inner) {
    MaskInterface mask = matrix.rows % inner == 0
                             ? asProduct(matrix, inner, depth)
                             : MaskInterface();
    if (!mask || cast<attn::ProductAttr>(mask).getShape().size() >= fewest)
      continue;
    best = mask;
    fewest = cast<attn::ProductAttr>(mask).getShape().size();
  }
  return best;
}

MaskInterface Describer::describe(const MaskMatrix &matrix, unsigned depth) {
  if (matrix.isAllVisible())
    return cast<MaskInterface>(
        attn::SegmentsAttr::get(context, ArrayRef<int64_t>{0}));
  BandAround around(matrix);
  if (MaskInterface band = around.toMask(context, matrix.rows, matrix.keys))
    if (matches(band, matrix))
      return band;
  if (MaskInterface mask = asPrefix(matrix))
    return mask;
  if (matrix.rows != matrix.keys || around.isEmpty())
    return {};
  if (MaskInterface mask = asSegments(matrix, around))
    return mask;
  if (MaskInterface mask = asNeighborhood(matrix))
    return mask;
  return asProduct(matrix, depth);
}

MaskInterface fovea::describeMask(MLIRContext *context,
                                  const MaskMatrix &matrix) {
  if (matrix.isAllVisible())
    return {};
  if (MaskInterface mask = Describer(context).describe(matrix, 0))
    return mask;
  return cast<MaskInterface>(
      attn::PatternAttr::get(context, matrix.bits(context)));
}
