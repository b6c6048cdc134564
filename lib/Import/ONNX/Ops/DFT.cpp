//===- DFT.cpp - Discrete Fourier transform -------------------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "../Checks.h"
#include "../ScalarCode.h"
#include "../StoredTypes.h"
#include "../Types.h"
#include "Families.h"
#include "RuntimeAxes.h"

#include <cmath>

using namespace mlir;
using namespace fovea::frontend;

/// Larger tables are computed at run time.
static constexpr int64_t maxTableElements = 1 << 22;

namespace {

/// y = sum over n of x[n] * exp(-+ 2 pi i k n / N), as matrix products with
/// tables of cosines and sines. Quadratic in N, which is short in the models
/// that carry it, and runs at the speed of a matmul.
struct Transform {
  TensorBuilder &b;
  bool inverse, oneSided;
  Type type;
  /// Number of signals; N; how much of a signal is read, and how much comes
  /// out.
  OpFoldResult outer, length, taps, bins;

  void setLength(OpFoldResult n);
  /// Real and imaginary part (or null) of the signals as [outer, taps].
  FailureOr<std::pair<Value, Value>> apply(Value real, Value imaginary);

private:
  Value table(bool sine, double sign);
  Value product(Value signal, Value table);
  FailureOr<Value> sum(Value a, Value b);
};

} // namespace

void Transform::setLength(OpFoldResult n) {
  length = n;
  OpFoldResult half = b.add(b.div(n, b.attr(2)), b.attr(1));
  bins = oneSided && !inverse ? half : n;
  // A one-sided spectrum has half of the bins, and the rest by symmetry.
  taps = oneSided && inverse ? half : n;
}

/// table[n, k] = weight(n) * sign * (cos | sin)(2 pi n k / N).
Value Transform::table(bool sine, double sign) {
  constexpr double tau = 6.283185307179586476925286766559;
  bool halved = inverse && oneSided;
  std::optional<int64_t> rows = getConstantIntValue(taps),
                         columns = getConstantIntValue(bins),
                         period = getConstantIntValue(length);
  // What a bin stands for: itself and, in a one-sided spectrum, its mirror
  // image.
  if (rows && columns && period && type.isF32() &&
      *rows <= maxTableElements / std::max<int64_t>(*columns, 1) &&
      b.spend(*rows * *columns * 8)) {
    std::vector<float> data;
    for (int64_t n = 0; n < *rows; ++n) {
      double weight = sign * (inverse ? 1.0 / *period : 1.0);
      if (halved && n != 0 && 2 * n != *period)
        weight *= 2;
      for (int64_t k = 0; k < *columns; ++k) {
        double angle = tau * static_cast<double>((n * k) % *period) / *period;
        data.push_back(static_cast<float>(
            weight * (sine ? std::sin(angle) : std::cos(angle))));
      }
    }
    ArrayRef<char> bytes(reinterpret_cast<const char *>(data.data()),
                         data.size() * sizeof(float));
    return b.constant(RankedTensorType::get({*rows, *columns}, type), bytes);
  }
  Value n = b.toValue(length);
  return b.generate(
      {taps, bins}, type, [&](TensorBuilder &inner, ValueRange at) {
        ScalarCode s(inner);
        Type f64 = inner.getF64Type();
        Value turns = s.convert(s.rem(s.mul(at[0], at[1]), n), f64),
              period = s.convert(n, f64);
        Value angle = s.div(s.mul(turns, s.constant(f64, tau)), period);
        Value wave = sine ? inner.createOrFold<math::SinOp>(angle)
                          : inner.createOrFold<math::CosOp>(angle);
        Value weight = s.constant(f64, sign);
        if (inverse)
          weight = s.div(weight, period);
        if (halved) {
          Value own =
              s.either(s.eq(at[0], s.index(0)), s.eq(s.add(at[0], at[0]), n));
          weight = s.select(own, weight, s.add(weight, weight));
        }
        return s.convert(s.mul(weight, wave), type);
      });
}

Value Transform::product(Value signal, Value table) {
  AffineExpr m, k, n;
  bindDims(b.getContext(), m, k, n);
  auto map = [&](AffineExpr x, AffineExpr y) {
    return AffineMap::get(3, 0, {x, y}, b.getContext());
  };
  return b.contract({signal, table}, {map(m, n), map(n, k)}, map(m, k),
                    {outer, bins, taps});
}

FailureOr<Value> Transform::sum(Value x, Value y) {
  return b.elementwise({x, y}, type, [](TensorBuilder &inner, ValueRange args) {
    return inner.createOrFold<arith::AddFOp>(args[0], args[1]);
  });
}

FailureOr<std::pair<Value, Value>> Transform::apply(Value real,
                                                    Value imaginary) {
  // (a + ib)(cos -+ i sin), the upper sign being the forward transform.
  double sign = inverse ? -1 : 1;
  FailureOr<Value> outReal = product(real, table(/*sine=*/false, 1));
  FailureOr<Value> outImaginary = product(real, table(/*sine=*/true, -sign));
  if (imaginary) {
    outReal = sum(*outReal, product(imaginary, table(/*sine=*/true, sign)));
    if (succeeded(outReal))
      outImaginary =
          sum(*outImaginary, product(imaginary, table(/*sine=*/false, 1)));
  }
  if (failed(outReal) || failed(outImaginary))
    return failure();
  return std::make_pair(*outReal, *outImaginary);
}

/// One, for a real signal, or two: the size of the last dimension.
static FailureOr<int64_t> countParts(NodeImporter &node) {
  int64_t parts = node.rank(0) ? node.inputType(0).getShape().back() : 0;
  if (parts != 1 && parts != 2)
    return node.fail("the last dimension has to be 1 (real) or 2 (complex)");
  return parts;
}

//===----------------------------------------------------------------------===//
// DFT
//===----------------------------------------------------------------------===//

namespace {

struct DFT {
  NodeImporter &node;
  TensorBuilder &b;
  int64_t parts = 1;
  Transform transform;

  explicit DFT(NodeImporter &node)
      : node(node), b(node.b()), transform{b,
                                           node.attrInt("inverse", 0) != 0,
                                           node.attrInt("onesided", 0) != 0,
                                           b.elementType(node.input(0)),
                                           {},
                                           {},
                                           {},
                                           {}} {}
  LogicalResult build();

private:
  FailureOr<Value> along(int64_t axis);
  LogicalResult readLength(OpFoldResult size);
  Value fitLength(Value signal, OpFoldResult size);
};

} // namespace

LogicalResult DFT::build() {
  int64_t rank = node.rank(0);
  FailureOr<int64_t> found = countParts(node);
  if (failed(found))
    return failure();
  parts = *found;
  bool inverse = transform.inverse, oneSided = transform.oneSided;
  auto choose = [&](ArrayRef<int64_t> axes) -> FailureOr<Value> {
    if (axes.size() != 1)
      return node.fail("axis has to have one element");
    if (axes[0] == rank - 1)
      return node.fail("the last axis holds real and imaginary part and cannot "
                       "be transformed");
    return along(axes[0]);
  };
  if (node.input(2)) {
    // The last axis holds the parts; one bin alone is no spectrum of anything.
    uint64_t candidates = 0;
    for (int64_t axis = 0; axis < std::min<int64_t>(rank - 1, 63); ++axis)
      if (!inverse || !oneSided || node.input(1) ||
          node.inputType(0).getDimSize(axis) != 1)
        candidates |= uint64_t(1) << axis;
    return node.bindOutput(0, withAxes(node, 2, rank, choose, candidates));
  }
  FailureOr<int64_t> axis =
      node.attrAxis("axis", node.opset() < 20 ? 1 : -2, rank);
  return failed(axis) ? failure() : node.bindOutput(0, choose(*axis));
}

/// N, and how many bins (or samples) come out.
LogicalResult DFT::readLength(OpFoldResult size) {
  OpFoldResult length = transform.inverse && transform.oneSided
                            ? b.mul(b.sub(size, b.attr(1)), b.attr(2))
                            : size;
  if (node.input(1)) {
    std::optional<Dims> given = b.dimsFrom(node.input(1));
    if (!given || given->size() != 1)
      return node.fail("dft_length has to have one element");
    length = given->front();
  }
  if (std::optional<int64_t> known = getConstantIntValue(length);
      known && *known < 1)
    return node.fail("dft_length = " + Twine(*known) + " has to be positive");
  transform.setLength(length);
  return success();
}

/// Cuts or pads the last axis with zeros to `taps`.
Value DFT::fitLength(Value signal, OpFoldResult size) {
  OpFoldResult kept = b.min(size, transform.taps);
  signal = b.sliceAxis(signal, 1, b.attr(0), kept);
  if (b.same(kept, transform.taps))
    return signal;
  return b.pad(signal, {b.attr(0), b.attr(0)},
               {b.attr(0), b.sub(transform.taps, kept)},
               b.scalar(transform.type, 0));
}

FailureOr<Value> DFT::along(int64_t axis) {
  Value x = node.input(0);
  int64_t rank = b.rank(x);
  OpFoldResult size = b.dim(x, axis);
  if (failed(readLength(size)))
    return failure();
  // Transformed axis last; real and imaginary part apart.
  SmallVector<int64_t> toLast;
  Dims outerShape;
  for (int64_t i = 0; i < rank - 1; ++i)
    if (i != axis) {
      toLast.push_back(i);
      outerShape.push_back(b.dim(x, i));
    }
  transform.outer = b.product(outerShape);
  toLast.push_back(axis);
  auto part = [&](int64_t i) {
    Value slice =
        b.squeeze(b.sliceAxis(x, rank - 1, b.attr(i), b.attr(1)), {rank - 1});
    Value rows = b.reshape(b.transpose(slice, toLast), {transform.outer, size});
    return fitLength(rows, size);
  };
  auto result = transform.apply(part(0), parts == 2 ? part(1) : Value());
  if (failed(result))
    return failure();
  SmallVector<int64_t> back = invertPermutationVector(toLast);
  auto restore = [&](Value values) {
    Dims shape = outerShape;
    shape.push_back(transform.bins);
    return b.unsqueeze(b.transpose(b.reshape(values, shape), back), {rank - 1});
  };
  if (transform.inverse && transform.oneSided)
    return restore(result->first);
  return b.concat({restore(result->first), restore(result->second)}, rank - 1);
}

static LogicalResult importDFT(NodeImporter &node) { return DFT(node).build(); }

//===----------------------------------------------------------------------===//
// STFT
//===----------------------------------------------------------------------===//

/// Where an integer input has one element: that, checked to be positive.
static FailureOr<OpFoldResult> readPositive(NodeImporter &node, size_t i,
                                            StringRef name) {
  std::optional<Dims> given = node.b().dimsFrom(node.input(i));
  if (!given || given->size() != 1)
    return node.fail(name + " has to have one element");
  if (failed(requireAtMost(node, node.b().attr(1), given->front(), name)))
    return failure();
  return given->front();
}

static FailureOr<OpFoldResult> readFrameLength(NodeImporter &node) {
  TensorBuilder &b = node.b();
  if (node.input(2) && failed(requireRank(node, 2, 1)))
    return failure();
  if (!node.input(3)) {
    if (!node.input(2))
      return node.fail("window or frame_length is needed");
    return b.dim(node.input(2), 0);
  }
  FailureOr<OpFoldResult> length = readPositive(node, 3, "frame_length");
  if (succeeded(length) && node.input(2) &&
      failed(requireEqual(node, b.dim(node.input(2), 0), *length, "window")))
    return failure();
  return length;
}

/// The spectrum of each of the frames that a signal has one step after the
/// other, weighted by a window.
static LogicalResult importSTFT(NodeImporter &node) {
  TensorBuilder &b = node.b();
  Value x = node.input(0), window = node.input(2);
  if (failed(requireRank(node, 0, 3)))
    return failure();
  FailureOr<int64_t> parts = countParts(node);
  if (failed(parts))
    return failure();
  FailureOr<OpFoldResult> step = readPositive(node, 1, "frame_step"),
                          length = readFrameLength(node);
  OpFoldResult size = b.dim(x, 1);
  if (failed(step) || failed(length) ||
      failed(requireAtMost(node, *length, size, "a frame")))
    return failure();
  OpFoldResult batch = b.dim(x, 0);
  OpFoldResult frames = b.add(b.div(b.sub(size, *length), *step), b.attr(1));
  Transform transform{b,
                      /*inverse=*/false,
                      node.attrInt("onesided", 1) != 0,
                      b.elementType(x),
                      b.mul(batch, frames),
                      {},
                      {},
                      {}};
  transform.setLength(*length);
  Value hop = b.toValue(*step);
  auto part = [&](int64_t i) {
    Value rows = b.generate(
        {batch, frames, *length}, transform.type,
        [&](TensorBuilder &inner, ValueRange at) {
          ScalarCode s(inner);
          Value place = s.add(s.mul(at[1], hop), at[2]);
          Value sample = s.extract(x, {at[0], place, s.index(i)});
          return window ? s.mul(sample, s.extract(window, at[2])) : sample;
        });
    return b.reshape(rows, {transform.outer, *length});
  };
  auto result = transform.apply(part(0), *parts == 2 ? part(1) : Value());
  if (failed(result))
    return failure();
  auto restore = [&](Value values) {
    return b.reshape(values, {batch, frames, transform.bins, b.attr(1)});
  };
  return node.bindOutput(
      0, b.concat({restore(result->first), restore(result->second)}, 3));
}

//===----------------------------------------------------------------------===//
// MelWeightMatrix
//===----------------------------------------------------------------------===//

/// Triangles over the bins of a spectrum, evenly spaced in mel.
static LogicalResult importMelWeightMatrix(NodeImporter &node) {
  TensorBuilder &b = node.b();
  ScalarCode s(b);
  Type f64 = b.getF64Type();
  FailureOr<OpFoldResult> bands = readPositive(node, 0, "num_mel_bins"),
                          length = readPositive(node, 1, "dft_length"),
                          rate = readPositive(node, 2, "sample_rate");
  if (failed(bands) || failed(length) || failed(rate))
    return failure();
  auto dtype = static_cast<int32_t>(
      node.attrInt("output_datatype", onnx::TensorProto::FLOAT));
  Type type = elementTypeFor(dtype, b.getContext());
  if (!type || isStoredType(dtype))
    return node.fail("the type " + dtypeName(dtype) + " is not supported");
  auto number = [&](double value) { return s.constant(f64, value); };
  // mel = 2595 log10(1 + hertz / 700)
  constexpr double melsPerLog = 2595 / 2.302585092994045684;
  auto edge = [&](size_t i) {
    Value hertz = s.convert(b.extractScalar(node.input(i)), f64);
    Value ratio = s.add(s.div(hertz, number(700)), number(1));
    return s.mul(b.createOrFold<math::LogOp>(ratio), number(melsPerLog));
  };
  Value low = edge(3), high = edge(4);
  Value count = s.convert(b.toValue(*bands), f64);
  Value step = s.div(s.sub(high, low), s.add(count, number(2)));
  Value scale = s.div(s.convert(b.toValue(b.add(*length, b.attr(1))), f64),
                      s.convert(b.toValue(*rate), f64));
  OpFoldResult bins = b.add(b.div(*length, b.attr(2)), b.attr(1));
  Value weights = b.generate(
      {bins, *bands}, type, [&](TensorBuilder &inner, ValueRange at) {
        ScalarCode s(inner);
        auto number = [&](double value) { return s.constant(f64, value); };
        // The bins of the left, middle and right corner.
        auto corner = [&](int64_t i) {
          Value band = s.convert(s.add(at[1], s.index(i)), f64);
          Value mel = s.add(s.mul(band, step), low);
          Value power =
              inner.createOrFold<math::ExpOp>(s.div(mel, number(melsPerLog)));
          Value hertz = s.mul(s.sub(power, number(1)), number(700));
          return s.floor(s.mul(hertz, scale));
        };
        Value left = corner(0), middle = corner(1), right = corner(2),
              bin = s.convert(at[0], f64);
        auto ramp = [&](Value from, Value to) {
          Value width = s.sub(to, from);
          Value isEmpty = s.eq(width, number(0));
          return s.div(s.sub(bin, from), s.select(isEmpty, number(1), width));
        };
        Value rising = s.both(s.le(left, bin), s.lt(bin, middle)),
              falling = s.both(s.lt(middle, bin), s.lt(bin, right));
        Value weight = s.select(
            s.eq(bin, middle), number(1),
            s.select(rising, ramp(left, middle),
                     s.select(falling, ramp(right, middle), number(0))));
        return inner.castScalar(weight, type);
      });
  return node.bindOutput(0, weights, dtype);
}

void fovea::frontend::registerDFTOps(OpRegistry &registry) {
  registry.add("DFT", importDFT);
  registry.add("STFT", importSTFT);
  registry.add("MelWeightMatrix", importMelWeightMatrix);
}
