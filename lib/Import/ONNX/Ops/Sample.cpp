//===- Sample.cpp - GridSample, DeformConv and AffineGrid -----------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "../Checks.h"
#include "../Interpolation.h"
#include "../Window.h"
#include "Contraction.h"
#include "Families.h"

using namespace mlir;
using namespace fovea::frontend;

//===----------------------------------------------------------------------===//
// GridSample
//===----------------------------------------------------------------------===//

namespace {

enum class Padding { Zeros, Border, Reflection };
enum class Sampling { Nearest, Linear, Cubic };

struct GridSample {
  NodeImporter &node;
  TensorBuilder &b;
  Padding padding = Padding::Zeros;
  Sampling sampling = Sampling::Linear;
  bool alignCorners;
  Value x, grid;
  size_t spatial;
  SmallVector<Value> sizes; ///< Of x.
  Type coordinateType;

  explicit GridSample(NodeImporter &node)
      : node(node), b(node.b()),
        alignCorners(node.attrInt("align_corners", 0) != 0), x(node.input(0)),
        grid(node.input(1)), spatial(node.rank(0) - 2) {}
  LogicalResult read();
  Value build();

private:
  Value reflect(ScalarCode &s, Value position, Value size);
  Value coordinate(ScalarCode &s, ValueRange at, size_t axis);
  Value pixelIndex(ScalarCode &s, Value index, Value size);
  Value sample(ScalarCode &s, ValueRange at);
};

} // namespace

LogicalResult GridSample::read() {
  std::string mode = node.attrString("mode", "linear"),
              pad = node.attrString("padding_mode", "zeros");
  if (mode == "nearest")
    sampling = Sampling::Nearest;
  else if (mode == "cubic" || mode == "bicubic")
    sampling = Sampling::Cubic;
  else if (mode != "linear" && mode != "bilinear")
    return node.fail("unknown mode '" + Twine(mode) + "'");
  if (pad == "border")
    padding = Padding::Border;
  else if (pad == "reflection")
    padding = Padding::Reflection;
  else if (pad != "zeros")
    return node.fail("unknown padding_mode '" + Twine(pad) + "'");
  if (b.rank(x) < 3 || b.rank(grid) != b.rank(x))
    return node.fail(
        "input and grid need one rank, with at least one spatial dimension");
  if (failed(requireEqual(node, b.dim(grid, 0), b.dim(x, 0), "batch")) ||
      failed(requireEqual(node, b.dim(grid, b.rank(grid) - 1), b.attr(spatial),
                          "coordinates in the grid")))
    return failure();
  Dims result = b.shape(grid);
  result.pop_back();
  for (size_t i = 0; i < spatial; ++i)
    if (failed(requireElements(node, b.dim(x, 2 + i), result, "input")))
      return failure();
  sizes = ScalarCode(b).dims(x);
  coordinateType = accumulatorType(b.elementType(grid));
  return success();
}

/// Mirrors a position at the borders until it is between them.
Value GridSample::reflect(ScalarCode &s, Value position, Value size) {
  Type type = position.getType();
  Value zero = s.constant(type, 0), one = s.constant(type, 1),
        half = s.constant(type, 0.5);
  Value extent = s.convert(size, type);
  Value low = alignCorners ? zero : s.constant(type, -0.5);
  Value high = alignCorners ? s.sub(extent, one) : s.sub(extent, half);
  Value range = s.sub(high, low);
  Value distance = s.max(s.sub(low, position), s.sub(position, high));
  // Full ranges passed, and the rest.
  Value safe = s.select(s.lt(zero, range), range, one);
  Value turns = s.floor(s.div(distance, safe));
  Value rest =
      s.select(s.lt(zero, range), s.sub(distance, s.mul(turns, range)), zero);
  Value isEven = s.eq(
      s.sub(turns, s.mul(s.floor(s.mul(turns, half)), s.constant(type, 2))),
      zero);
  Value isBelow = s.lt(position, low);
  Value fromLow =
      b.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::eq, isBelow, isEven);
  Value mirrored = s.select(fromLow, s.add(low, rest), s.sub(high, rest));
  Value outside = s.either(isBelow, s.lt(high, position));
  return s.select(outside, mirrored, position);
}

/// Coordinate of output position `at` along a spatial axis of x, in elements.
Value GridSample::coordinate(ScalarCode &s, ValueRange at, size_t axis) {
  SmallVector<Value> entry = {at[0]};
  llvm::append_range(entry, at.drop_front(2));
  // The grid lists the coordinates of the last axis first.
  entry.push_back(s.index(spatial - 1 - axis));
  Value n = s.convert(s.extract(grid, entry), coordinateType);
  Type type = coordinateType;
  Value one = s.constant(type, 1), half = s.constant(type, 0.5),
        size = s.convert(sizes[2 + axis], type);
  Value position = alignCorners
                       ? s.mul(s.mul(s.add(n, one), half), s.sub(size, one))
                       : s.mul(s.sub(s.mul(s.add(n, one), size), one), half);
  if (sampling == Sampling::Nearest)
    position = b.createOrFold<math::RoundEvenOp>(position);
  if (padding == Padding::Border)
    return s.clamp(position, s.constant(type, 0), s.sub(size, one));
  if (padding == Padding::Reflection)
    return reflect(s, position, sizes[2 + axis]);
  return position;
}

/// The element that stands for position `index`, which may be outside.
Value GridSample::pixelIndex(ScalarCode &s, Value index, Value size) {
  if (padding == Padding::Reflection) {
    Value mirrored = reflect(s, s.convert(index, coordinateType), size);
    // Towards zero: the lower border may be at -0.5.
    Value zero = s.constant(coordinateType, 0);
    index = floorToIndex(s, s.max(mirrored, zero));
  }
  return s.clamp(index, s.index(0), s.sub(size, s.index(1)));
}

Value GridSample::sample(ScalarCode &s, ValueRange at) {
  Type type = b.elementType(x),
       accType = isa<FloatType>(type) ? accumulatorType(type) : coordinateType;
  int64_t taps = sampling == Sampling::Nearest  ? 1
                 : sampling == Sampling::Linear ? 2
                                                : 4;
  SmallVector<Value> coordinates, first, extents(spatial, s.index(taps));
  for (size_t i = 0; i < spatial; ++i) {
    coordinates.push_back(coordinate(s, at, i));
    first.push_back(
        s.sub(floorToIndex(s, coordinates[i]), s.index(taps == 4 ? 1 : 0)));
  }
  Value none = s.constant(accType, 0);
  auto step = [&](ValueRange tap, ValueRange carried) {
    Value weight = s.constant(accType, 1),
          isInside = s.constant(b.getI1Type(), 1);
    SmallVector<Value> source(at.take_front(2));
    for (size_t i = 0; i < spatial; ++i) {
      Value index = s.add(first[i], tap[i]), size = sizes[2 + i];
      if (taps > 1) {
        Value distance =
            s.sub(s.convert(index, coordinateType), coordinates[i]);
        Value own = taps == 2 ? linearWeight(s, distance)
                              : cubicWeight(s, distance, -0.75);
        weight = s.mul(weight, s.convert(own, accType));
      }
      if (padding == Padding::Zeros)
        isInside = s.both(isInside,
                          s.both(s.le(s.index(0), index), s.lt(index, size)));
      source.push_back(pixelIndex(s, index, size));
    }
    Value element = s.convert(s.extract(x, source), accType);
    Value term = s.select(isInside, s.mul(weight, element), none);
    return ScalarCode::Values{s.add(carried[0], term)};
  };
  return s.convert(s.forNest(extents, none, step)[0], type);
}

Value GridSample::build() {
  Dims shape = {b.dim(x, 0), b.dim(x, 1)};
  for (size_t i = 0; i < spatial; ++i)
    shape.push_back(b.dim(grid, 1 + i));
  return b.generate(shape, b.elementType(x),
                    [&](TensorBuilder &inner, ValueRange at) {
                      ScalarCode s(inner);
                      return sample(s, at);
                    });
}

static LogicalResult importGridSample(NodeImporter &node) {
  GridSample sample(node);
  if (failed(sample.read()))
    return failure();
  return node.bindOutput(0, sample.build());
}

//===----------------------------------------------------------------------===//
// DeformConv
//===----------------------------------------------------------------------===//

namespace {

/// Each tap is read, bilinearly, at its own offset; the rest is a convolution
/// over gathered windows.
struct DeformConv {
  NodeImporter &node;
  TensorBuilder &b;
  Value x, weight, offset, mask;
  Window window;
  int64_t groups, offsetGroups;

  explicit DeformConv(NodeImporter &node)
      : node(node), b(node.b()), x(node.input(0)), weight(node.input(1)),
        offset(node.input(2)), mask(node.input(4)),
        groups(node.attrInt("group", 1)),
        offsetGroups(node.attrInt("offset_group", 1)) {}
  LogicalResult read();
  FailureOr<Value> build();

private:
  Value sampleWindows();
};

} // namespace

LogicalResult DeformConv::read() {
  if (b.rank(x) != 4 || b.rank(weight) != 4 || b.rank(offset) != 4 ||
      (mask && b.rank(mask) != 4))
    return node.fail("only two spatial dimensions are supported");
  FailureOr<Window> found =
      readWindow(node, {b.dim(weight, 2), b.dim(weight, 3)});
  if (failed(found))
    return failure();
  window = *found;
  if (groups < 1 || offsetGroups < 1)
    return node.fail("group and offset_group have to be positive");
  OpFoldResult taps = b.mul(b.product(window.kernel), b.attr(offsetGroups));
  if (failed(requireEqual(node, b.dim(x, 1),
                          b.mul(b.dim(weight, 1), b.attr(groups)),
                          "input channels")) ||
      failed(requireEqual(node, b.dim(offset, 1), b.mul(taps, b.attr(2)),
                          "offsets")) ||
      failed(requireEqual(node, b.dim(offset, 0), b.dim(x, 0), "batch")))
    return failure();
  for (size_t i = 0; i < 2; ++i)
    if (failed(requireEqual(node, b.dim(offset, 2 + i), window.output[i],
                            "offset positions")) ||
        failed(requireElements(node, window.input[i], window.output, "input")))
      return failure();
  if (mask &&
      (failed(requireEqual(node, b.dim(mask, 1), taps, "mask")) ||
       failed(requireEqual(node, b.dim(mask, 2), window.output[0], "mask")) ||
       failed(requireEqual(node, b.dim(mask, 3), window.output[1], "mask"))))
    return failure();
  std::optional<int64_t> channels = getConstantIntValue(b.dim(x, 1)),
                         features = getConstantIntValue(b.dim(weight, 0));
  if ((channels && *channels % offsetGroups != 0) ||
      (features && *features % groups != 0))
    return node.fail("group or offset_group does not divide the channels");
  return success();
}

/// columns[n, c, kh, kw, oh, ow]
Value DeformConv::sampleWindows() {
  ScalarCode outer(b);
  Type type = b.elementType(x), accType = accumulatorType(type);
  SmallVector<Value> sizes = outer.dims(x), kernel, padBegin;
  for (size_t i = 0; i < 2; ++i) {
    kernel.push_back(b.toValue(window.kernel[i]));
    padBegin.push_back(b.toValue(window.padBegin[i]));
  }
  Value perGroup = b.toValue(b.div(b.dim(x, 1), b.attr(offsetGroups)));
  Dims shape = {b.dim(x, 0), b.dim(x, 1)};
  llvm::append_range(shape, window.kernel);
  llvm::append_range(shape, window.output);
  return b.generate(shape, type, [&](TensorBuilder &inner, ValueRange at) {
    ScalarCode s(inner);
    Value tap =
        s.add(s.mul(s.add(s.mul(s.div(at[1], perGroup), kernel[0]), at[2]),
                    kernel[1]),
              at[3]);
    SmallVector<Value> position, first;
    for (size_t i = 0; i < 2; ++i) {
      Value start =
          s.sub(s.mul(at[4 + i], s.index(window.strides[i])), padBegin[i]);
      Value regular =
          s.add(start, s.mul(at[2 + i], s.index(window.dilations[i])));
      Value entry = s.add(s.add(tap, tap), s.index(i));
      Value shift =
          s.convert(s.extract(offset, {at[0], entry, at[4], at[5]}), accType);
      position.push_back(s.add(s.convert(regular, accType), shift));
      first.push_back(floorToIndex(s, position[i]));
    }
    Value none = s.constant(accType, 0), two = s.index(2);
    Value sum =
        s.forNest({two, two}, none, [&](ValueRange corner, ValueRange carried) {
          SmallVector<Value> source(at.take_front(2));
          Value weight = s.constant(accType, 1),
                isInside = s.constant(inner.getI1Type(), 1);
          for (size_t i = 0; i < 2; ++i) {
            Value index = s.add(first[i], corner[i]),
                  last = s.sub(sizes[2 + i], s.index(1));
            weight = s.mul(
                weight,
                linearWeight(s, s.sub(s.convert(index, accType), position[i])));
            isInside = s.both(
                isInside, s.both(s.le(s.index(0), index), s.le(index, last)));
            source.push_back(s.clamp(index, s.index(0), last));
          }
          Value term = s.mul(weight, s.convert(s.extract(x, source), accType));
          return ScalarCode::Values{
              s.add(carried[0], s.select(isInside, term, none))};
        })[0];
    if (mask)
      sum = s.mul(
          sum, s.convert(s.extract(mask, {at[0], tap, at[4], at[5]}), accType));
    return s.convert(sum, type);
  });
}

FailureOr<Value> DeformConv::build() {
  OpFoldResult batch = b.dim(x, 0), group = b.attr(groups),
               features = b.div(b.dim(weight, 0), group);
  OpFoldResult depth = b.mul(b.dim(weight, 1), b.product(window.kernel)),
               positions = b.product(window.output);
  Value columns = b.reshape(sampleWindows(), {batch, group, depth, positions});
  Value matrix = b.reshape(weight, {group, features, depth});
  AffineExpr n, g, f, p, k;
  bindDims(b.getContext(), n, g, f, p, k);
  auto map = [&](ArrayRef<AffineExpr> exprs) {
    return AffineMap::get(5, 0, exprs, b.getContext());
  };
  Value sum =
      b.contract({matrix, columns}, {map({g, f, k}), map({n, g, k, p})},
                 map({n, g, f, p}), {batch, group, features, positions, depth});
  Value result = b.reshape(
      sum, {batch, b.dim(weight, 0), window.output[0], window.output[1]});
  return addChannelBias(node, result, node.input(3));
}

static LogicalResult importDeformConv(NodeImporter &node) {
  DeformConv conv(node);
  if (failed(conv.read()))
    return failure();
  return node.bindOutput(0, conv.build());
}

//===----------------------------------------------------------------------===//
// AffineGrid
//===----------------------------------------------------------------------===//

/// grid[n, position..., i] = theta[n, i, :] . (position in [-1, 1] from the
/// last axis to the first, 1)
static LogicalResult importAffineGrid(NodeImporter &node) {
  TensorBuilder &b = node.b();
  Value theta = node.input(0);
  std::optional<Dims> size = b.dimsFrom(node.input(1));
  if (!size || (size->size() != 4 && size->size() != 5))
    return node.fail("size has to have 4 or 5 elements");
  size_t spatial = size->size() - 2;
  if (failed(requireRank(node, 0, 3)) ||
      failed(requireEqual(node, b.dim(theta, 0), size->front(), "theta")) ||
      failed(requireEqual(node, b.dim(theta, 1), b.attr(spatial), "theta")) ||
      failed(requireEqual(node, b.dim(theta, 2), b.attr(spatial + 1), "theta")))
    return failure();
  bool alignCorners = node.attrInt("align_corners", 0) != 0;
  Type type = b.elementType(theta), accType = accumulatorType(type);
  Dims shape = *size;
  shape.erase(shape.begin() + 1);
  SmallVector<Value> extents;
  for (OpFoldResult extent : ArrayRef<OpFoldResult>(shape).drop_front())
    extents.push_back(b.toValue(extent));
  shape.push_back(b.attr(spatial));
  Value grid =
      b.generate(shape, type, [&](TensorBuilder &inner, ValueRange at) {
        ScalarCode s(inner);
        auto factor = [&](size_t j) {
          return s.convert(s.extract(theta, {at[0], at.back(), s.index(j)}),
                           accType);
        };
        Value sum = factor(spatial), one = s.constant(accType, 1);
        for (size_t j = 0; j < spatial; ++j) {
          Value count = extents[spatial - 1 - j],
                offset = s.constant(accType, 0);
          // Between the outermost pixels, or their outer edges.
          if (alignCorners)
            count = s.max(s.sub(count, s.index(1)), s.index(1));
          else
            offset = s.constant(accType, 0.5);
          Value pixel = s.add(s.convert(at[spatial - j], accType), offset);
          Value position =
              s.sub(s.div(s.add(pixel, pixel), s.convert(count, accType)), one);
          sum = s.add(sum, s.mul(factor(j), position));
        }
        return s.convert(sum, type);
      });
  return node.bindOutput(0, grid, node.dtype(0));
}

void fovea::frontend::registerSampleOps(OpRegistry &registry) {
  registry.add("GridSample", importGridSample);
  registry.add("DeformConv", importDeformConv);
  registry.add("AffineGrid", importAffineGrid);
}
