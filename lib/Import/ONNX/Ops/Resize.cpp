//===- Resize.cpp - Resize ------------------------------------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "../Checks.h"
#include "../Interpolation.h"
#include "Families.h"

using namespace mlir;
using namespace fovea::frontend;

namespace {

enum class Mode { Nearest, Linear, Cubic };

struct Resize {
  NodeImporter &node;
  TensorBuilder &b;
  Mode mode = Mode::Linear;
  std::string coordinates, nearest;
  bool antialias = false, excludeOutside = false;
  double cubicA = -0.75;
  /// Per axis of the input: output size and scale (f64); null scale where the
  /// axis keeps its size.
  Dims sizes;
  SmallVector<Value> scales, roiBegin, roiEnd;

  explicit Resize(NodeImporter &node) : node(node), b(node.b()) {}
  LogicalResult read();
  LogicalResult checkAxes();
  Value build();

private:
  LogicalResult readAxes(SmallVector<int64_t> &axes);
  LogicalResult readScales(ArrayRef<int64_t> axes,
                           std::optional<SmallVector<Value>> given);
  LogicalResult readOld();
  LogicalResult readSizes(ArrayRef<int64_t> axes);
  void keepAspectRatio(ArrayRef<int64_t> axes, bool larger);
  LogicalResult readRoi(ArrayRef<int64_t> axes);
  Value sourceCoordinate(ScalarCode &s, int64_t axis, Value out, Value inSize,
                         Value outSize);
  Value nearestPosition(ScalarCode &s, Value source);
  Value coefficient(ScalarCode &s, Value distance);
  Value resizeNearest(Value x);
  Value resizeAxis(Value x, int64_t axis);
  Value extrapolate(Value resized, Value x);
};

} // namespace

//===----------------------------------------------------------------------===//
// What the node asks for
//===----------------------------------------------------------------------===//

LogicalResult Resize::readAxes(SmallVector<int64_t> &axes) {
  int64_t rank = node.rank(0);
  axes = llvm::to_vector(llvm::seq<int64_t>(0, rank));
  if (std::optional<SmallVector<int64_t>> given = node.attrInts("axes")) {
    FailureOr<SmallVector<int64_t>> normalized =
        node.normalizeAxes(*given, rank);
    if (failed(normalized))
      return failure();
    axes = *normalized;
  }
  return success();
}

LogicalResult Resize::readScales(ArrayRef<int64_t> axes,
                                 std::optional<SmallVector<Value>> given) {
  ScalarCode s(b);
  Type f64 = b.getF64Type();
  if (!given || given->size() != axes.size())
    return node.fail("scales need one value per resized axis");
  for (auto [axis, scale] : llvm::zip_equal(axes, *given)) {
    FloatAttr constant;
    if (matchPattern(scale, m_Constant(&constant))) {
      double value = constant.getValueAsDouble();
      if (!(value > 0))
        return node.fail("scales have to be positive");
      if (value == 1.0)
        continue;
      scales[axis] = s.constant(f64, value);
      if (std::optional<int64_t> size = getConstantIntValue(sizes[axis])) {
        if (*size * value > 1e12)
          return node.fail("a scale makes the result too large");
        sizes[axis] = b.attr(static_cast<int64_t>(std::floor(*size * value)));
        continue;
      }
    }
    scales[axis] = s.convert(scale, f64);
    Value exact = s.mul(s.convert(b.toValue(sizes[axis]), f64), scales[axis]);
    sizes[axis] = b.toDim(s.max(s.toIndex(s.floor(exact)), s.index(0)));
  }
  return success();
}

/// One scale for all axes, the smallest or the largest of those asked for.
void Resize::keepAspectRatio(ArrayRef<int64_t> axes, bool larger) {
  ScalarCode s(b);
  Type f64 = b.getF64Type();
  Value common;
  for (int64_t axis : axes)
    common = !common  ? scales[axis]
             : larger ? s.max(common, scales[axis])
                      : s.min(common, scales[axis]);
  for (int64_t axis : axes) {
    scales[axis] = common;
    Value exact =
        s.mul(s.convert(b.toValue(b.dim(node.input(0), axis)), f64), common);
    sizes[axis] =
        b.toDim(s.toIndex(s.floor(s.add(exact, s.constant(f64, 0.5)))));
  }
}

LogicalResult Resize::readSizes(ArrayRef<int64_t> axes) {
  ScalarCode s(b);
  Type f64 = b.getF64Type();
  std::optional<Dims> given = b.dimsFrom(node.input(3));
  if (!given || given->size() != axes.size())
    return node.fail("sizes need one value per resized axis");
  std::string policy = node.attrString("keep_aspect_ratio_policy", "stretch");
  for (auto [axis, size] : llvm::zip_equal(axes, *given)) {
    if (failed(requireAtMost(node, b.attr(0), size, "sizes")))
      return failure();
    OpFoldResult inSize = sizes[axis];
    sizes[axis] = size;
    if (policy == "stretch" && coordinates != "tf_crop_and_resize" &&
        b.same(inSize, size))
      continue;
    scales[axis] = s.div(s.convert(b.toValue(size), f64),
                         s.convert(b.toValue(inSize), f64));
  }
  if (policy == "not_larger" || policy == "not_smaller")
    keepAspectRatio(axes, policy == "not_smaller");
  else if (policy != "stretch")
    return node.fail("unknown keep_aspect_ratio_policy '" + Twine(policy) +
                     "'");
  return success();
}

LogicalResult Resize::readRoi(ArrayRef<int64_t> axes) {
  ScalarCode s(b);
  Type f64 = b.getF64Type();
  std::optional<SmallVector<Value>> roi =
      node.input(1) ? b.scalars(node.input(1), /*extract=*/true) : std::nullopt;
  if (!roi || roi->size() != 2 * axes.size())
    return node.fail(
        "tf_crop_and_resize needs a roi with two values per resized axis");
  roiBegin.assign(node.rank(0), s.constant(f64, 0));
  roiEnd.assign(node.rank(0), s.constant(f64, 1));
  for (auto [i, axis] : llvm::enumerate(axes)) {
    roiBegin[axis] = s.convert((*roi)[i], f64);
    roiEnd[axis] = s.convert((*roi)[i + axes.size()], f64);
    // A part of the axis can be cut out without a change of size.
    if (!scales[axis])
      scales[axis] = s.constant(f64, 1);
  }
  return success();
}

/// Upsample, and Resize in opset 10: scales in an attribute or in the second
/// input, and one way to sample.
LogicalResult Resize::readOld() {
  coordinates = "asymmetric";
  nearest = "floor";
  SmallVector<int64_t> axes;
  if (failed(readAxes(axes)))
    return failure();
  sizes = b.shape(node.input(0));
  scales.assign(sizes.size(), Value());
  if (node.input(1))
    return readScales(axes, b.scalars(node.input(1), /*extract=*/true));
  SmallVector<Value> given;
  for (double scale : node.attrFloats("scales").value_or(SmallVector<double>()))
    given.push_back(b.scalar(b.getF64Type(), scale));
  return readScales(axes, given);
}

LogicalResult Resize::read() {
  std::string name = node.attrString("mode", "nearest");
  if (name == "nearest")
    mode = Mode::Nearest;
  else if (name == "linear")
    mode = Mode::Linear;
  else if (name == "cubic")
    mode = Mode::Cubic;
  else
    return node.fail("unknown mode '" + Twine(name) + "'");
  if (node.node().op_type() == "Upsample" || node.opset() < 11)
    return readOld();
  coordinates = node.attrString("coordinate_transformation_mode", "half_pixel");
  static constexpr StringRef known[] = {
      "half_pixel",    "half_pixel_symmetric", "pytorch_half_pixel",
      "align_corners", "asymmetric",           "tf_crop_and_resize"};
  if (!llvm::is_contained(known, coordinates))
    return node.fail("coordinate_transformation_mode '" + Twine(coordinates) +
                     "' is not supported");
  nearest = node.attrString("nearest_mode", "round_prefer_floor");
  antialias = node.attrInt("antialias", 0) != 0;
  excludeOutside = node.attrInt("exclude_outside", 0) != 0;
  cubicA = node.attrFloat("cubic_coeff_a", -0.75);
  if (mode == Mode::Nearest && antialias)
    return node.fail("antialias needs mode linear or cubic");

  SmallVector<int64_t> axes;
  if (failed(readAxes(axes)))
    return failure();
  sizes = b.shape(node.input(0));
  scales.assign(sizes.size(), Value());
  // Exporters write an absent input as an empty tensor too.
  auto given = [&](size_t i) {
    return node.input(i) &&
           !(node.rank(i) == 1 && node.inputType(i).getDimSize(0) == 0);
  };
  if (given(2) == given(3))
    return node.fail("exactly one of scales and sizes is needed");
  if (failed(given(2) ? readScales(axes, b.scalars(node.input(2), true))
                      : readSizes(axes)))
    return failure();
  return coordinates == "tf_crop_and_resize" ? readRoi(axes) : success();
}

/// An axis without elements has nothing to sample.
LogicalResult Resize::checkAxes() {
  for (auto [axis, scale] : llvm::enumerate(scales))
    if (scale && failed(requireElements(node, b.dim(node.input(0), axis), sizes,
                                        "input")))
      return failure();
  return success();
}

//===----------------------------------------------------------------------===//
// Coordinates and weights
//===----------------------------------------------------------------------===//

/// The input coordinate (f64) that output position `out` takes its value from.
Value Resize::sourceCoordinate(ScalarCode &s, int64_t axis, Value out,
                               Value inSize, Value outSize) {
  Type f64 = b.getF64Type();
  Value zero = s.constant(f64, 0), half = s.constant(f64, 0.5),
        one = s.constant(f64, 1);
  Value x = s.convert(out, f64), in = s.convert(inSize, f64),
        scale = scales[axis];
  // The exact output size, which need not be an integer.
  Value exact = s.mul(scale, in);
  Value isOne = s.eq(exact, one);
  Value halfPixel = s.sub(s.div(s.add(x, half), scale), half);
  Value last = s.sub(in, one);
  if (coordinates == "asymmetric")
    return s.div(x, scale);
  if (coordinates == "align_corners")
    return s.select(isOne, zero, s.div(s.mul(x, last), s.sub(exact, one)));
  if (coordinates == "pytorch_half_pixel")
    return s.select(isOne, s.constant(f64, -0.5), halfPixel);
  if (coordinates == "half_pixel_symmetric") {
    Value adjustment = s.div(s.convert(outSize, f64), exact);
    Value offset = s.mul(s.mul(in, half), s.sub(one, adjustment));
    return s.add(offset, halfPixel);
  }
  if (coordinates == "tf_crop_and_resize") {
    Value extent = s.mul(s.sub(roiEnd[axis], roiBegin[axis]), last);
    Value inner = s.select(isOne, s.mul(extent, half),
                           s.div(s.mul(x, extent), s.sub(exact, one)));
    return s.add(inner, s.mul(roiBegin[axis], last));
  }
  return halfPixel;
}

Value Resize::nearestPosition(ScalarCode &s, Value source) {
  Value half = s.constant(source.getType(), 0.5);
  if (nearest == "floor")
    return s.floor(source);
  if (nearest == "ceil")
    return s.ceil(source);
  if (nearest == "round_prefer_ceil")
    return s.floor(s.add(source, half));
  return s.ceil(s.sub(source, half));
}

/// Weight of an input element at a distance from the source coordinate.
Value Resize::coefficient(ScalarCode &s, Value distance) {
  return mode == Mode::Linear ? linearWeight(s, distance)
                              : cubicWeight(s, distance, cubicA);
}

//===----------------------------------------------------------------------===//
// Code
//===----------------------------------------------------------------------===//

/// All axes at once: a gather.
Value Resize::resizeNearest(Value x) {
  SmallVector<Value> inSizes = ScalarCode(b).dims(x), outSizes;
  SmallVector<Value> tables(sizes.size());
  for (size_t axis = 0; axis < sizes.size(); ++axis) {
    outSizes.push_back(b.toValue(sizes[axis]));
    if (!scales[axis])
      continue;
    // The source positions of an axis are computed once.
    tables[axis] =
        b.generate({sizes[axis]}, b.getI64Type(),
                   [&](TensorBuilder &inner, ValueRange position) {
                     ScalarCode s(inner);
                     Value source = sourceCoordinate(
                         s, axis, position[0], inSizes[axis], outSizes[axis]);
                     Value index = s.toIndex(nearestPosition(s, source));
                     return s.convert(s.clamp(index, s.index(0),
                                              s.sub(inSizes[axis], s.index(1))),
                                      inner.getI64Type());
                   });
  }
  return b.generate(
      sizes, b.elementType(x), [&](TensorBuilder &inner, ValueRange position) {
        ScalarCode s(inner);
        SmallVector<Value> source(position);
        for (size_t axis = 0; axis < sizes.size(); ++axis)
          if (tables[axis])
            source[axis] = s.toIndex(s.extract(tables[axis], position[axis]));
        return s.extract(x, source);
      });
}

/// Interpolates along one axis: result[o] = sum over taps of weight[o, tap] *
/// x[position[o, tap]], with the two tables computed once.
Value Resize::resizeAxis(Value x, int64_t axis) {
  ScalarCode outer(b);
  Type f64 = b.getF64Type(), type = b.elementType(x),
       accType = isa<FloatType>(type) ? accumulatorType(type) : f64;
  Value inSize = b.toValue(b.dim(x, axis)), outSize = b.toValue(sizes[axis]);
  // Antialiasing widens the kernel where the axis shrinks.
  Value shrink = antialias ? outer.min(scales[axis], outer.constant(f64, 1))
                           : outer.constant(f64, 1);
  Value radius = outer.ceil(
      outer.div(outer.constant(f64, mode == Mode::Linear ? 1 : 2), shrink));
  Value first = outer.sub(outer.index(1), outer.toIndex(radius));
  OpFoldResult taps = b.toDim(outer.mul(outer.toIndex(radius), outer.index(2)));
  auto source = [&](ScalarCode &s, Value out) {
    return sourceCoordinate(s, axis, out, inSize, outSize);
  };
  auto position = [&](ScalarCode &s, Value out, Value tap) {
    return s.add(s.add(s.toIndex(s.floor(source(s, out))), first), tap);
  };
  Value raw = b.generate(
      {sizes[axis], taps}, f64, [&](TensorBuilder &inner, ValueRange at) {
        ScalarCode s(inner);
        Value p = position(s, at[0], at[1]);
        Value weight = coefficient(
            s, s.mul(s.sub(s.convert(p, f64), source(s, at[0])), shrink));
        if (!excludeOutside)
          return weight;
        Value isInside = s.both(s.le(s.index(0), p), s.lt(p, inSize));
        return s.select(isInside, weight, s.constant(f64, 0));
      });
  Value sums =
      b.reduce(raw, {1}, /*keepDims=*/false, b.scalar(f64, 0),
               [](TensorBuilder &inner, ValueRange args) {
                 return inner.createOrFold<arith::AddFOp>(args[0], args[1]);
               });
  Value weights = b.generate(
      {sizes[axis], taps}, accType, [&](TensorBuilder &inner, ValueRange at) {
        ScalarCode s(inner);
        Value weight = s.extract(raw, at);
        if (antialias || excludeOutside) {
          Value sum = s.extract(sums, at[0]);
          Value isZero = s.eq(sum, s.constant(f64, 0));
          weight = s.div(weight, s.select(isZero, s.constant(f64, 1), sum));
        }
        return s.convert(weight, accType);
      });
  Value positions =
      b.generate({sizes[axis], taps}, b.getI64Type(),
                 [&](TensorBuilder &inner, ValueRange at) {
                   ScalarCode s(inner);
                   Value p = s.clamp(position(s, at[0], at[1]), s.index(0),
                                     s.sub(inSize, s.index(1)));
                   return s.convert(p, inner.getI64Type());
                 });
  Dims shape = b.shape(x);
  shape[axis] = sizes[axis];
  Value tapCount = b.toValue(taps);
  return b.generate(shape, accType, [&](TensorBuilder &inner, ValueRange at) {
    ScalarCode s(inner);
    return s.forNest(
        {tapCount}, s.constant(accType, 0),
        [&](ValueRange tap, ValueRange carried) {
          SmallVector<Value> from(at);
          from[axis] = s.toIndex(s.extract(positions, {at[axis], tap[0]}));
          Value weight = s.extract(weights, {at[axis], tap[0]});
          Value element =
              s.convert(s.extract(x, from), accType, node.isUnsigned(0));
          return ScalarCode::Values{s.add(carried[0], s.mul(weight, element))};
        })[0];
  });
}

/// Coordinates outside the input give extrapolation_value (tf_crop_and_resize).
Value Resize::extrapolate(Value resized, Value x) {
  SmallVector<Value> inSizes = ScalarCode(b).dims(x),
                     outSizes = ScalarCode(b).dims(resized);
  Type type = b.elementType(resized), f64 = b.getF64Type();
  Value outsideValue = b.scalar(type, node.attrFloat("extrapolation_value", 0));
  return b.generate(
      b.shape(resized), type, [&](TensorBuilder &inner, ValueRange at) {
        ScalarCode s(inner);
        Value outside = s.constant(inner.getI1Type(), 0);
        for (size_t axis = 0; axis < sizes.size(); ++axis) {
          if (!scales[axis])
            continue;
          Value source = sourceCoordinate(s, axis, at[axis], inSizes[axis],
                                          outSizes[axis]);
          Value last = s.convert(s.sub(inSizes[axis], s.index(1)), f64);
          outside = s.either(outside, s.either(s.lt(source, s.constant(f64, 0)),
                                               s.lt(last, source)));
        }
        return s.select(outside, outsideValue, s.extract(resized, at));
      });
}

Value Resize::build() {
  Value x = node.input(0), result = x;
  Type type = b.elementType(x);
  if (mode == Mode::Nearest) {
    result = resizeNearest(x);
  } else {
    for (size_t axis = 0; axis < sizes.size(); ++axis)
      if (scales[axis])
        result = resizeAxis(result, axis);
    if (b.elementType(result) != type) {
      Value wide = result;
      // Integers: towards zero, saturated.
      result = b.generate(
          b.shape(wide), type, [&](TensorBuilder &inner, ValueRange at) {
            ScalarCode s(inner);
            Value value = s.extract(wide, at);
            if (isa<IntegerType>(type)) {
              bool isUnsigned = node.isUnsigned(0);
              Value low = s.convert(s.limit(type, false, isUnsigned),
                                    value.getType(), isUnsigned);
              Value high = s.convert(s.limit(type, true, isUnsigned),
                                     value.getType(), isUnsigned);
              return s.convert(s.clamp(value, low, high), type, isUnsigned);
            }
            return s.convert(value, type);
          });
    }
  }
  return coordinates == "tf_crop_and_resize" ? extrapolate(result, x) : result;
}

static LogicalResult importResize(NodeImporter &node) {
  Resize resize(node);
  if (failed(resize.read()) || failed(resize.checkAxes()))
    return failure();
  return node.bindOutput(0, resize.build());
}

void fovea::frontend::registerResizeOps(OpRegistry &registry) {
  registry.add("Resize", importResize);
  registry.add("Upsample", importResize);
}
