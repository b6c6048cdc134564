//===- Region.cpp - RoiAlign, MaxUnpool, LRN, Hardmax, Det ----------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "../Checks.h"
#include "../Interpolation.h"
#include "../Window.h"
#include "Families.h"

using namespace mlir;
using namespace fovea::frontend;

//===----------------------------------------------------------------------===//
// RoiAlign
//===----------------------------------------------------------------------===//

namespace {

struct RoiAlign {
  NodeImporter &node;
  TensorBuilder &b;
  bool isMax, halfPixel;
  int64_t sampling;
  double scale;
  Value x, rois, batches;
  Type type, accType;
  SmallVector<Value> sizes, bins;

  explicit RoiAlign(NodeImporter &node)
      : node(node), b(node.b()), isMax(node.attrString("mode", "avg") == "max"),
        halfPixel(node.attrString("coordinate_transformation_mode",
                                  node.opset() < 16
                                      ? "output_half_pixel"
                                      : "half_pixel") == "half_pixel"),
        sampling(node.attrInt("sampling_ratio", 0)),
        scale(node.attrFloat("spatial_scale", 1)), x(node.input(0)),
        rois(node.input(1)), batches(node.input(2)) {}
  LogicalResult build();

private:
  Value corner(ScalarCode &s, Value n, int64_t i);
  Value sample(ScalarCode &s, Value batch, Value channel,
               ArrayRef<Value> position);
  Value element(ScalarCode &s, ValueRange at);
};

} // namespace

Value RoiAlign::corner(ScalarCode &s, Value n, int64_t i) {
  Value raw = s.convert(s.extract(rois, {n, s.index(i)}), accType);
  Value scaled = s.mul(raw, s.constant(accType, scale));
  return halfPixel ? s.sub(scaled, s.constant(accType, 0.5)) : scaled;
}

/// Bilinear value at (y, x); for max, the largest of the four weighted corners.
/// Zero where the position is outside by more than one element.
Value RoiAlign::sample(ScalarCode &s, Value batch, Value channel,
                       ArrayRef<Value> position) {
  Value zero = s.constant(accType, 0), one = s.constant(accType, 1);
  Value isInside = s.constant(b.getI1Type(), 1);
  Value low[2], high[2], share[2];
  for (size_t i = 0; i < 2; ++i) {
    Value size = sizes[2 + i], last = s.sub(size, s.index(1)), p = position[i];
    Value extent = s.convert(size, accType);
    isInside = s.both(
        isInside, s.both(s.le(s.constant(accType, -1), p), s.le(p, extent)));
    p = s.clamp(p, zero, s.convert(last, accType));
    low[i] = s.clamp(floorToIndex(s, p), s.index(0), last);
    high[i] = s.min(s.add(low[i], s.index(1)), last);
    share[i] = s.sub(p, s.convert(low[i], accType));
  }
  Value result;
  for (size_t k = 0; k < 4; ++k) {
    Value y = k & 2 ? high[0] : low[0], xAt = k & 1 ? high[1] : low[1];
    Value wy = k & 2 ? share[0] : s.sub(one, share[0]),
          wx = k & 1 ? share[1] : s.sub(one, share[1]);
    Value term =
        s.mul(s.mul(wy, wx),
              s.convert(s.extract(x, {batch, channel, y, xAt}), accType));
    result = !result ? term : isMax ? s.max(result, term) : s.add(result, term);
  }
  return s.select(isInside, result, zero);
}

Value RoiAlign::element(ScalarCode &s, ValueRange at) {
  Value batch = s.wrapIndex(s.extract(batches, at[0]), sizes[0]);
  SmallVector<Value> start, bin, grid;
  for (int64_t i = 0; i < 2; ++i) {
    // Boxes are (x1, y1, x2, y2).
    Value from = corner(s, at[0], 1 - i),
          extent = s.sub(corner(s, at[0], 3 - i), from);
    if (!halfPixel)
      extent = s.max(extent, s.constant(accType, 1));
    start.push_back(from);
    bin.push_back(s.div(extent, s.convert(bins[i], accType)));
    Value adaptive = s.max(floorToIndex(s, s.ceil(bin[i])), s.index(0));
    grid.push_back(sampling > 0 ? s.index(sampling) : adaptive);
  }
  Value init =
      isMax ? s.limit(accType, /*largest=*/false) : s.constant(accType, 0);
  Value sum = s.forNest(grid, init, [&](ValueRange tap, ValueRange carried) {
    SmallVector<Value> position;
    for (size_t i = 0; i < 2; ++i) {
      Value offset = s.mul(s.convert(at[2 + i], accType), bin[i]);
      Value middle =
          s.add(s.convert(tap[i], accType), s.constant(accType, 0.5));
      Value inBin = s.div(s.mul(middle, bin[i]), s.convert(grid[i], accType));
      position.push_back(s.add(s.add(start[i], offset), inBin));
    }
    Value value = sample(s, batch, at[1], position);
    return ScalarCode::Values{isMax ? s.max(carried[0], value)
                                    : s.add(carried[0], value)};
  })[0];
  Value taps = s.mul(grid[0], grid[1]);
  if (isMax)
    sum = s.select(s.eq(taps, s.index(0)), s.constant(accType, 0), sum);
  else
    sum = s.div(sum, s.convert(s.max(taps, s.index(1)), accType));
  return s.convert(sum, type);
}

LogicalResult RoiAlign::build() {
  std::string mode = node.attrString("mode", "avg");
  if (mode != "avg" && mode != "max")
    return node.fail("unknown mode '" + Twine(mode) + "'");
  if (b.rank(x) != 4 || b.rank(rois) != 2 || b.rank(batches) != 1)
    return node.fail("the input needs rank 4, the regions rank 2, their batch "
                     "indices rank 1");
  if (failed(requireEqual(node, b.dim(rois, 0), b.dim(batches, 0),
                          "number of regions")) ||
      failed(requireEqual(node, b.dim(rois, 1), b.attr(4),
                          "coordinates of a region")))
    return failure();
  type = b.elementType(x);
  accType = accumulatorType(type);
  sizes = ScalarCode(b).dims(x);
  Dims shape = {b.dim(rois, 0), b.dim(x, 1)};
  for (StringRef name : {"output_height", "output_width"}) {
    int64_t size = node.attrInt(name, 1);
    if (size < 1)
      return node.fail("attribute '" + name + "' has to be positive");
    shape.push_back(b.attr(size));
    bins.push_back(b.index(size));
  }
  for (int64_t axis : {0, 2, 3})
    if (failed(requireElements(node, b.dim(x, axis), shape, "input")))
      return failure();
  return node.bindOutput(
      0, b.generate(shape, type, [&](TensorBuilder &inner, ValueRange at) {
        ScalarCode s(inner);
        return element(s, at);
      }));
}

static LogicalResult importRoiAlign(NodeImporter &node) {
  return RoiAlign(node).build();
}

//===----------------------------------------------------------------------===//
// MaxUnpool
//===----------------------------------------------------------------------===//

static LogicalResult importMaxUnpool(NodeImporter &node) {
  TensorBuilder &b = node.b();
  ScalarCode s(b);
  Value x = node.input(0), indices = node.input(1);
  std::optional<SmallVector<int64_t>> kernel = node.attrInts("kernel_shape");
  if (!kernel || b.rank(x) != static_cast<int64_t>(kernel->size()) + 2 ||
      b.rank(indices) != b.rank(x))
    return node.fail("kernel_shape does not fit the rank of the inputs");
  FailureOr<SmallVector<int64_t>> strides =
      readSteps(node, "strides", kernel->size());
  if (failed(strides))
    return failure();
  SmallVector<int64_t> pads = node.attrInts("pads").value_or(
      SmallVector<int64_t>(2 * kernel->size(), 0));
  if (pads.size() != 2 * kernel->size())
    return node.fail("pads need two values per spatial dimension");
  Dims inferred = {b.dim(x, 0), b.dim(x, 1)};
  for (size_t i = 0; i < kernel->size(); ++i) {
    int64_t extra =
        (*kernel)[i] - pads[i] - pads[i + kernel->size()] - (*strides)[i];
    inferred.push_back(
        b.add(b.mul(b.dim(x, 2 + i), b.attr((*strides)[i])), b.attr(extra)));
  }
  for (int64_t i = 0; i < b.rank(x); ++i)
    if (failed(requireEqual(node, b.dim(indices, i), b.dim(x, i), "indices")) ||
        failed(requireAtMost(node, b.attr(0), inferred[i], "output size")))
      return failure();
  // The indices count in the inferred output, flattened.
  OpFoldResult total = b.product(inferred);
  if (failed(requireElements(node, total, b.shape(x), "output")))
    return failure();
  Value limit = b.toValue(total);
  Value flat = s.forNest(s.dims(x), b.zeros({total}, b.elementType(x)),
                         [&](ValueRange at, ValueRange carried) {
                           Value target =
                               s.wrapIndex(s.extract(indices, at), limit);
                           return ScalarCode::Values{
                               s.insert(s.extract(x, at), carried[0], target)};
                         })[0];
  Value result = b.reshape(flat, inferred);
  if (!node.input(2))
    return node.bindOutput(0, result);
  std::optional<Dims> wanted = b.dimsFrom(node.input(2));
  if (!wanted || wanted->size() != inferred.size())
    return node.fail("output_shape needs one size per dimension");
  for (auto [size, have] : llvm::zip_equal(*wanted, inferred))
    if (failed(requireAtMost(node, have, size, "output_shape")))
      return failure();
  Value padded = b.insert(result, b.zeros(*wanted, b.elementType(x)),
                          Dims(inferred.size(), b.attr(0)));
  return node.bindOutput(0, padded);
}

//===----------------------------------------------------------------------===//
// LRN, Hardmax, Det
//===----------------------------------------------------------------------===//

/// y = x / (bias + alpha / size * sum of the squares of neighbouring channels)
/// ^ beta
static LogicalResult importLRN(NodeImporter &node) {
  TensorBuilder &b = node.b();
  Value x = node.input(0);
  int64_t size = node.attrInt("size", 0);
  if (size < 1 || b.rank(x) < 2)
    return node.fail(
        "size has to be positive, and the input needs a channel dimension");
  double alpha = node.attrFloat("alpha", 1e-4),
         beta = node.attrFloat("beta", 0.75), bias = node.attrFloat("bias", 1);
  Type type = b.elementType(x), accType = accumulatorType(type);
  Value channels = b.toValue(b.dim(x, 1)), taps = b.index(size);
  int64_t before = (size - 1) / 2;
  return node.bindOutput(
      0, b.generate(b.shape(x), type, [&](TensorBuilder &inner, ValueRange at) {
        ScalarCode s(inner);
        Value zero = s.constant(accType, 0);
        Value sum =
            s.forNest({taps}, zero, [&](ValueRange tap, ValueRange carried) {
              Value channel = s.sub(s.add(at[1], tap[0]), s.index(before));
              Value isInside =
                  s.both(s.le(s.index(0), channel), s.lt(channel, channels));
              SmallVector<Value> source(at);
              source[1] =
                  s.clamp(channel, s.index(0), s.sub(channels, s.index(1)));
              Value value = s.convert(s.extract(x, source), accType);
              return ScalarCode::Values{s.add(
                  carried[0], s.select(isInside, s.mul(value, value), zero))};
            })[0];
        Value base = s.add(s.constant(accType, bias),
                           s.mul(s.constant(accType, alpha / size), sum));
        Value power =
            inner.createOrFold<math::PowFOp>(base, s.constant(accType, beta));
        return s.convert(s.div(s.convert(s.extract(x, at), accType), power),
                         type);
      }));
}

/// 1 at the first maximum along the axis, 0 elsewhere. Before opset 13 the
/// input counts as a matrix split at the axis.
static LogicalResult importHardmax(NodeImporter &node) {
  TensorBuilder &b = node.b();
  ScalarCode outer(b);
  Value x = node.input(0);
  FailureOr<int64_t> axis =
      node.attrAxis("axis", node.opset() < 13 ? 1 : -1, b.rank(x));
  if (failed(axis))
    return failure();
  Dims original = b.shape(x);
  if (node.opset() < 13) {
    ArrayRef<OpFoldResult> dims(original);
    x = b.reshape(x, {b.product(dims.take_front(*axis)),
                      b.product(dims.drop_front(*axis))});
    axis = 1;
  }
  Type type = b.elementType(x);
  Value size = b.toValue(b.dim(x, *axis));
  Dims rows = b.shape(x);
  rows.erase(rows.begin() + *axis);
  Value best = b.generate(
      rows, b.getI64Type(), [&](TensorBuilder &inner, ValueRange at) {
        ScalarCode s(inner);
        auto element = [&](Value i) {
          SmallVector<Value> position(at);
          position.insert(position.begin() + *axis, i);
          return s.extract(x, position);
        };
        Value found = s.forNest(
            {size}, s.index(0), [&](ValueRange i, ValueRange carried) {
              Value isLarger = s.lt(element(carried[0]), element(i[0]));
              return ScalarCode::Values{s.select(isLarger, i[0], carried[0])};
            })[0];
        return s.convert(found, inner.getI64Type());
      });
  Value result =
      b.generate(b.shape(x), type, [&](TensorBuilder &inner, ValueRange at) {
        ScalarCode s(inner);
        SmallVector<Value> row(at);
        row.erase(row.begin() + *axis);
        Value isBest = s.eq(s.toIndex(s.extract(best, row)), at[*axis]);
        return s.select(isBest, s.constant(type, 1), s.constant(type, 0));
      });
  return node.bindOutput(0, b.reshape(result, original));
}

/// Determinants by elimination with the largest pivot of each column.
static LogicalResult importDet(NodeImporter &node) {
  TensorBuilder &b = node.b();
  ScalarCode s(b);
  Value x = node.input(0);
  int64_t rank = b.rank(x);
  if (rank < 2)
    return node.fail("the input needs at least two dimensions");
  if (failed(requireEqual(node, b.dim(x, rank - 1), b.dim(x, rank - 2),
                          "rows and columns")))
    return failure();
  Type type = b.elementType(x), accType = accumulatorType(type);
  Dims outer = b.shape(x);
  OpFoldResult n = outer.back();
  outer.resize(rank - 2);
  OpFoldResult count = b.product(outer);
  Value matrices = b.reshape(x, {count, n, n});
  if (accType != type) {
    FailureOr<Value> wide = b.castTo(matrices, accType);
    if (failed(wide))
      return failure();
    matrices = *wide;
  }
  Value size = b.toValue(n), one = b.scalar(accType, 1);
  // determinants[m] is multiplied by one pivot per column.
  Value determinants = b.fill(one, {count});
  auto column = [&](ValueRange at, ValueRange carried) -> ScalarCode::Values {
    Value m = at[0], k = at[1], matrix = carried[0],
          zero = s.constant(accType, 0);
    Value below = s.sub(size, s.add(k, s.index(1)));
    Value pivotRow = s.forNest({below}, k, [&](ValueRange i, ValueRange best) {
      Value row = s.add(s.add(k, s.index(1)), i[0]);
      Value isLarger = s.lt(s.abs(s.extract(matrix, {m, best[0], k})),
                            s.abs(s.extract(matrix, {m, row, k})));
      return ScalarCode::Values{s.select(isLarger, row, best[0])};
    })[0];
    Value pivot = s.extract(matrix, {m, pivotRow, k});
    Value swapped =
        s.forNest({size}, matrix, [&](ValueRange j, ValueRange values) {
          Value upper = s.extract(values[0], {m, k, j[0]}),
                lower = s.extract(values[0], {m, pivotRow, j[0]});
          Value first = s.insert(lower, values[0], {m, k, j[0]});
          Value second = s.select(s.eq(pivotRow, k), lower, upper);
          return ScalarCode::Values{
              s.insert(second, first, {m, pivotRow, j[0]})};
        })[0];
    Value isZero = s.eq(pivot, zero);
    Value reduced =
        s.forNest({below, size}, swapped, [&](ValueRange p, ValueRange values) {
          // From the last column on, so that the factor in column k is read to
          // the end.
          Value row = s.add(s.add(k, s.index(1)), p[0]),
                j = s.sub(s.sub(size, s.index(1)), p[1]);
          Value factor = s.div(s.extract(values[0], {m, row, k}),
                               s.select(isZero, one, pivot));
          Value left = s.sub(s.extract(values[0], {m, row, j}),
                             s.mul(factor, s.extract(values[0], {m, k, j})));
          Value own = s.extract(values[0], {m, row, j});
          return ScalarCode::Values{s.insert(s.select(s.lt(k, j), left, own),
                                             values[0], {m, row, j})};
        })[0];
    Value factor = s.select(s.eq(pivotRow, k), pivot, s.sub(zero, pivot));
    Value product = s.mul(s.extract(carried[1], m), factor);
    return {reduced, s.insert(product, carried[1], m)};
  };
  determinants =
      s.forNest({b.toValue(count), size}, {matrices, determinants}, column)[1];
  FailureOr<Value> result = b.castTo(b.reshape(determinants, outer), type);
  return node.bindOutput(0, result);
}

//===----------------------------------------------------------------------===//
// MaxRoiPool
//===----------------------------------------------------------------------===//

/// The largest element of each cell of a region, whose corners are rounded to
/// pixels; cells may overlap by one, and an empty one gives 0.
static LogicalResult importMaxRoiPool(NodeImporter &node) {
  TensorBuilder &b = node.b();
  Value x = node.input(0), regions = node.input(1);
  auto pooled = node.attrInts("pooled_shape");
  if (failed(requireRank(node, 0, 4)) || failed(requireRank(node, 1, 2)) ||
      failed(requireEqual(node, b.dim(regions, 1), b.attr(5),
                          "numbers of a region")))
    return failure();
  if (!pooled || pooled->size() != 2 || (*pooled)[0] < 1 || (*pooled)[1] < 1)
    return node.fail("pooled_shape needs two positive sizes");
  Type type = b.elementType(x), compute = accumulatorType(type);
  double scale = node.attrFloat("spatial_scale", 1);
  SmallVector<Value> sizes = ScalarCode(b).dims(x);
  Dims shape = {b.dim(regions, 0), b.dim(x, 1), b.attr((*pooled)[0]),
                b.attr((*pooled)[1])};
  if (failed(requireElements(node, b.dim(x, 0), shape, "the batch")))
    return failure();
  Value result =
      b.generate(shape, type, [&](TensorBuilder &inner, ValueRange at) {
        ScalarCode s(inner);
        Value zero = s.index(0), one = s.index(1),
              half = s.constant(compute, 0.5);
        auto corner = [&](int64_t i) {
          Value given =
              s.convert(s.extract(regions, {at[0], s.index(i)}), compute);
          Value scaled = s.mul(given, s.constant(compute, scale));
          return s.toIndex(s.floor(s.add(scaled, half)));
        };
        Value batch = s.wrapIndex(
            s.convert(s.extract(regions, {at[0], zero}), inner.getI64Type()),
            sizes[0]);
        SmallVector<Value> begins, extents;
        for (int64_t i = 0; i < 2; ++i) {
          Value from = corner(2 - i), to = corner(4 - i), limit = sizes[2 + i];
          Value size = s.max(s.add(s.sub(to, from), one), one),
                cells = s.index((*pooled)[i]), cell = at[2 + i];
          Value begin = s.floorDiv(s.mul(cell, size), cells),
                end = s.ceilDiv(s.mul(s.add(cell, one), size), cells);
          begin = s.clamp(s.add(begin, from), zero, limit);
          end = s.clamp(s.add(end, from), zero, limit);
          begins.push_back(begin);
          extents.push_back(s.max(s.sub(end, begin), zero));
        }
        Value none = s.limit(type, /*largest=*/false);
        Value largest =
            s.forNest(extents, none, [&](ValueRange pixel, ValueRange carried) {
              Value element =
                  s.extract(x, {batch, at[1], s.add(begins[0], pixel[0]),
                                s.add(begins[1], pixel[1])});
              return ScalarCode::Values{s.max(carried[0], element)};
            })[0];
        Value isEmpty = s.eq(s.mul(extents[0], extents[1]), zero);
        return s.select(isEmpty, s.constant(type, 0), largest);
      });
  return node.bindOutput(0, result, node.dtype(0));
}

void fovea::frontend::registerRegionOps(OpRegistry &registry) {
  registry.add("RoiAlign", importRoiAlign);
  registry.add("MaxUnpool", importMaxUnpool);
  registry.add("LRN", importLRN);
  registry.add("Hardmax", importHardmax);
  registry.add("Det", importDet);
  registry.add("MaxRoiPool", importMaxRoiPool);
}
