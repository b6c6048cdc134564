//===- DFT.cpp - Discrete Fourier transform -------------------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "../ScalarCode.h"
#include "Families.h"
#include "RuntimeAxes.h"

#include <cmath>

using namespace mlir;
using namespace fovea::frontend;

namespace {

/// y = sum over n of x[n] * exp(-+ 2 pi i k n / N), as matrix products with
/// tables of cosines and sines. Quadratic in N, which is short in the models
/// that carry it, and runs at the speed of a matmul.
struct DFT {
  NodeImporter &node;
  TensorBuilder &b;
  bool inverse, oneSided;
  /// The signal as [outer, n], real and (may be null) imaginary part.
  Value real, imaginary;
  OpFoldResult outer, taps, length, bins;
  Type type, tableType;

  explicit DFT(NodeImporter &node)
      : node(node), b(node.b()), inverse(node.attrInt("inverse", 0) != 0),
        oneSided(node.attrInt("onesided", 0) != 0) {}
  LogicalResult build();

private:
  FailureOr<Value> transform(int64_t axis);
  LogicalResult readLength(OpFoldResult size);
  Value fitLength(Value signal, OpFoldResult size);
  Value table(bool sine, double sign);
  Value product(Value signal, Value table);
  FailureOr<Value> sum(Value a, Value b);
};

} // namespace

LogicalResult DFT::build() {
  int64_t rank = node.rank(0);
  int64_t parts = node.inputType(0).getShape().back();
  if (parts != 1 && parts != 2)
    return node.fail("the last dimension has to be 1 (real) or 2 (complex)");
  auto choose = [&](ArrayRef<int64_t> axes) -> FailureOr<Value> {
    if (axes.size() != 1)
      return node.fail("axis has to have one element");
    if (axes[0] == rank - 1)
      return node.fail("the last axis holds real and imaginary part and cannot "
                       "be transformed");
    return transform(axes[0]);
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
  length =
      inverse && oneSided ? b.mul(b.sub(size, b.attr(1)), b.attr(2)) : size;
  if (node.input(1)) {
    std::optional<Dims> given = b.dimsFrom(node.input(1));
    if (!given || given->size() != 1)
      return node.fail("dft_length has to have one element");
    length = given->front();
  }
  if (std::optional<int64_t> known = getConstantIntValue(length);
      known && *known < 1)
    return node.fail("dft_length = " + Twine(*known) + " has to be positive");
  OpFoldResult half = b.add(b.div(length, b.attr(2)), b.attr(1));
  bins = oneSided && !inverse ? half : length;
  // A one-sided spectrum has half of the bins, and the rest by symmetry.
  taps = oneSided && inverse ? half : length;
  return success();
}

/// Cuts or pads the last axis with zeros to `taps`.
Value DFT::fitLength(Value signal, OpFoldResult size) {
  OpFoldResult kept = b.min(size, taps);
  signal = b.sliceAxis(signal, 1, b.attr(0), kept);
  if (b.same(kept, taps))
    return signal;
  return b.pad(signal, {b.attr(0), b.attr(0)}, {b.attr(0), b.sub(taps, kept)},
               b.scalar(type, 0));
}

/// table[n, k] = weight(n) * sign * (cos | sin)(2 pi n k / N).
Value DFT::table(bool sine, double sign) {
  constexpr double tau = 6.283185307179586476925286766559;
  bool halved = inverse && oneSided;
  std::optional<int64_t> rows = getConstantIntValue(taps),
                         columns = getConstantIntValue(bins),
                         period = getConstantIntValue(length);
  // What a bin stands for: itself and, in a one-sided spectrum, its mirror
  // image.
  if (rows && columns && period && type.isF32()) {
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

Value DFT::product(Value signal, Value table) {
  AffineExpr m, k, n;
  bindDims(b.getContext(), m, k, n);
  auto map = [&](AffineExpr x, AffineExpr y) {
    return AffineMap::get(3, 0, {x, y}, b.getContext());
  };
  return b.contract({signal, table}, {map(m, n), map(n, k)}, map(m, k),
                    {outer, bins, taps});
}

FailureOr<Value> DFT::sum(Value x, Value y) {
  return b.elementwise({x, y}, type, [](TensorBuilder &inner, ValueRange args) {
    return inner.createOrFold<arith::AddFOp>(args[0], args[1]);
  });
}

FailureOr<Value> DFT::transform(int64_t axis) {
  Value x = node.input(0);
  int64_t rank = b.rank(x), parts = b.type(x).getShape().back();
  type = b.elementType(x);
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
  outer = b.product(outerShape);
  toLast.push_back(axis);
  auto part = [&](int64_t i) {
    Value slice =
        b.squeeze(b.sliceAxis(x, rank - 1, b.attr(i), b.attr(1)), {rank - 1});
    return fitLength(b.reshape(b.transpose(slice, toLast), {outer, size}),
                     size);
  };
  real = part(0);
  imaginary = parts == 2 ? part(1) : Value();

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
  SmallVector<int64_t> back = invertPermutationVector(toLast);
  auto restore = [&](Value values) {
    Dims shape = outerShape;
    shape.push_back(bins);
    return b.unsqueeze(b.transpose(b.reshape(values, shape), back), {rank - 1});
  };
  if (inverse && oneSided)
    return restore(*outReal);
  return b.concat({restore(*outReal), restore(*outImaginary)}, rank - 1);
}

static LogicalResult importDFT(NodeImporter &node) { return DFT(node).build(); }

void fovea::frontend::registerDFTOps(OpRegistry &registry) {
  registry.add("DFT", importDFT);
}
