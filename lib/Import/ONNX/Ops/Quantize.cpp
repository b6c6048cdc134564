//===- Quantize.cpp - Quantized operators ---------------------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "../ScalarCode.h"
#include "../StoredTypes.h"
#include "../Types.h"
#include "Contraction.h"
#include "Families.h"

using namespace mlir;
using namespace fovea::frontend;

//===----------------------------------------------------------------------===//
// Scales and zero points
//===----------------------------------------------------------------------===//

/// Each element of `parameter` stands for `block` elements of x along `axis`;
/// its other sizes are those of x.
static FailureOr<Value> spreadBlocks(NodeImporter &node, Value parameter,
                                     Value x, int64_t axis, int64_t block) {
  TensorBuilder &b = node.b();
  Dims sizes = b.shape(x);
  for (int64_t i = 0; i < b.rank(x); ++i) {
    OpFoldResult size = b.dim(parameter, i);
    OpFoldResult wanted =
        i == axis ? b.divUp(sizes[i], b.attr(block)) : sizes[i];
    if (b.same(size, wanted))
      continue;
    auto known = getConstantIntValue(size), other = getConstantIntValue(wanted);
    if (known && other)
      return node.fail("dimension " + Twine(i) + " of scale or zero point is " +
                       Twine(*known) + ", and has to be " + Twine(*other));
    b.runtimeCheck(
        b.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::eq, b.toValue(size),
                                      b.toValue(wanted)),
        "QuantizeLinear: the scale does not fit the blocks of the input");
  }
  return b.generate(sizes, b.elementType(parameter),
                    [&](TensorBuilder &inner, ValueRange at) {
                      ScalarCode s(inner);
                      SmallVector<Value> source(at);
                      source[axis] = s.div(at[axis], s.index(block));
                      return s.extract(parameter, source);
                    });
}

/// A scale or zero point brought to where it broadcasts against x: one value,
/// one per element of `axis`, or one per block along it.
static FailureOr<Value> alignParameter(NodeImporter &node, Value parameter,
                                       Value x, int64_t axis) {
  TensorBuilder &b = node.b();
  int64_t rank = b.rank(x), given = b.rank(parameter);
  if (b.type(parameter).hasStaticShape() &&
      b.type(parameter).getNumElements() == 1)
    return b.reshape(parameter, {});
  FailureOr<int64_t> normalized = node.normalizeAxis(axis, rank);
  if (failed(normalized))
    return failure();
  int64_t block = node.attrInt("block_size", 0);
  if (block > 0 && given == rank)
    return spreadBlocks(node, parameter, x, *normalized, block);
  if (given == 1)
    return b.unsqueeze(
        parameter, llvm::to_vector(llvm::seq<int64_t>(1, rank - *normalized)));
  return node.fail("scale and zero point need rank 0 or 1, or the rank of "
                   "the input and a block_size");
}

/// The input, its scale and, if there is one, its zero point, aligned with it.
static FailureOr<SmallVector<Value>> alignOperands(NodeImporter &node) {
  SmallVector<Value> operands = {node.input(0)};
  for (unsigned parameter : {1, 2}) {
    if (!node.input(parameter))
      continue;
    FailureOr<Value> aligned = alignParameter(
        node, node.input(parameter), node.input(0), node.attrInt("axis", 1));
    if (failed(aligned))
      return failure();
    operands.push_back(*aligned);
  }
  return operands;
}

//===----------------------------------------------------------------------===//
// Elements
//===----------------------------------------------------------------------===//

using onnx::TensorProto;

/// The number that an element of `dtype` stands for, in `type`.
static Value numberOf(ScalarCode &s, Value element, int32_t dtype, Type type) {
  if (isStoredType(dtype))
    element = decodeElement(s.b, element, dtype);
  return s.convert(element, type, isUnsignedDtype(dtype));
}

/// value + zero as an element of `dtype`; integers are rounded before and
/// clamped after that.
static Value quantize(ScalarCode &s, Value value, Value zero, int32_t dtype,
                      CastRules rules = {}) {
  Type floatType = value.getType();
  bool isFloat = isStoredFloat(dtype);
  Value result = isFloat ? value : s.b.createOrFold<math::RoundEvenOp>(value);
  if (zero)
    result = s.add(result, numberOf(s, zero, dtype, floatType));
  int32_t from = floatType.isF64() ? TensorProto::DOUBLE : TensorProto::FLOAT;
  if (!isFloat) {
    auto [low, high] = integerRange(dtype);
    result = s.clamp(result, s.constant(floatType, double(low)),
                     s.constant(floatType, double(high)));
    // In range, so that the narrow conversion serves.
    int32_t whole = isStoredType(dtype) ? int32_t(TensorProto::INT8) : dtype;
    result = s.convert(result, elementTypeFor(whole, s.b.getContext()),
                       isUnsignedDtype(whole));
    from = whole;
  }
  return castElement(s.b, result, from, dtype, rules);
}

/// The type that x and scale are divided in.
static int32_t divisionType(NodeImporter &node) {
  if (int32_t precision = int32_t(node.attrInt("precision", 0)))
    return precision;
  int32_t scale = node.dtype(1);
  if (scale == TensorProto::INT32)
    return TensorProto::DOUBLE;
  return isStoredType(scale) ? int32_t(TensorProto::FLOAT) : scale;
}

static LogicalResult importQuantizeLinear(NodeImporter &node) {
  TensorBuilder &b = node.b();
  int32_t dtype = node.outputDtype(0), division = divisionType(node);
  Type type = elementTypeFor(dtype, b.getContext());
  bool isQuantized =
      type && (isStoredType(dtype) || type.isInteger(8) || type.isInteger(16));
  if (!isQuantized || dtype == TensorProto::FLOAT8E8M0)
    return node.fail("a quantized type " + dtypeName(dtype) +
                     " is not supported");
  Type precise = elementTypeFor(division, b.getContext());
  if (!isa_and_nonnull<FloatType>(precise))
    return node.fail("a division in " + dtypeName(division) +
                     " is not supported");
  FailureOr<CastRules> rules = castRules(node);
  FailureOr<SmallVector<Value>> operands = alignOperands(node);
  if (failed(rules) || failed(operands))
    return failure();
  int32_t xType = node.dtype(0), scaleType = node.dtype(1);
  auto result = b.elementwise(
      *operands, type, [&](TensorBuilder &inner, ValueRange args) {
        ScalarCode s(inner);
        // A quotient of narrow floats that is rounded to f32 and then to their
        // type is what their own division gives.
        Type wide = accumulatorType(precise);
        auto rounded = [&](Value value) {
          return s.convert(s.convert(value, precise), wide);
        };
        Value x = rounded(numberOf(s, args[0], xType, wide));
        Value scale = rounded(numberOf(s, args[1], scaleType, wide));
        return quantize(s, rounded(s.div(x, scale)),
                        args.size() > 2 ? args[2] : Value(), dtype, *rules);
      });
  return node.bindOutput(0, result, dtype);
}

static LogicalResult importDequantizeLinear(NodeImporter &node) {
  TensorBuilder &b = node.b();
  int32_t xType = node.dtype(0), scaleType = node.dtype(1);
  Type type = node.outputElementType(0);
  if (!isa_and_nonnull<FloatType>(type) ||
      !(isStoredType(xType) || isa<IntegerType>(b.elementType(node.input(0)))))
    return node.fail("a conversion of " + dtypeName(xType) + " to " +
                     dtypeName(node.outputDtype(0)) + " is not supported");
  FailureOr<SmallVector<Value>> operands = alignOperands(node);
  if (failed(operands))
    return failure();
  return node.bindOutput(
      0, b.elementwise(
             *operands, type, [&](TensorBuilder &inner, ValueRange args) {
               ScalarCode s(inner);
               Type f32 = inner.getF32Type();
               Value value = numberOf(s, args[0], xType, f32);
               if (args.size() > 2)
                 value = s.sub(value, numberOf(s, args[2], xType, f32));
               Value scale = numberOf(s, args[1], scaleType, f32);
               return s.convert(s.mul(value, scale), type);
             }));
}

//===----------------------------------------------------------------------===//
// Integer products
//===----------------------------------------------------------------------===//

/// Input `i` as numbers of `type` with zero point input `zero` (one value, or
/// one per element of `axis`) taken off.
static FailureOr<Value> centered(NodeImporter &node, size_t i, size_t zero,
                                 int64_t axis, Type type) {
  TensorBuilder &b = node.b();
  Value x = node.input(i);
  SmallVector<Value> operands = {x};
  if (node.input(zero)) {
    FailureOr<Value> aligned = alignParameter(node, node.input(zero), x, axis);
    if (failed(aligned))
      return failure();
    operands.push_back(*aligned);
  }
  int32_t dtype = node.dtype(i);
  return b.elementwise(
      operands, type, [&](TensorBuilder &inner, ValueRange args) {
        ScalarCode s(inner);
        Value wide = numberOf(s, args[0], dtype, type);
        return args.size() < 2 ? wide
                               : s.sub(wide, numberOf(s, args[1], dtype, type));
      });
}

/// The product of inputs `x` and `w`, each centered: of i32, and of f32 where
/// one of them is a float of 8 bits.
static FailureOr<Value> integerProduct(NodeImporter &node, bool isConv,
                                       size_t x, size_t xZero, size_t w,
                                       size_t wZero) {
  TensorBuilder &b = node.b();
  bool isFloat = isStoredFloat(node.dtype(x)) || isStoredFloat(node.dtype(w));
  Type type = isFloat ? Type(b.getF32Type()) : Type(b.getI32Type());
  // Per row of the left and per column of the right matrix; per output channel.
  int64_t rowAxis = node.rank(x) > 1 ? -2 : -1;
  FailureOr<Value> left = centered(node, x, xZero, rowAxis, type);
  FailureOr<Value> right = centered(node, w, wZero, isConv ? 0 : -1, type);
  if (failed(left) || failed(right))
    return failure();
  return isConv ? buildConv(node, *left, *right)
                : buildMatMul(node, *left, *right);
}

template <bool isConv> static LogicalResult importInteger(NodeImporter &node) {
  return node.bindOutput(0, integerProduct(node, isConv, 0, 2, 1, 3));
}

/// Inputs: x, scale, zero; w, scale, zero; y scale, y zero; bias.
template <bool isConv> static LogicalResult importQLinear(NodeImporter &node) {
  TensorBuilder &b = node.b();
  FailureOr<Value> sum = integerProduct(node, isConv, 0, 2, 3, 5);
  if (failed(sum))
    return failure();
  if (isConv)
    sum = addChannelBias(node, *sum, node.input(8));
  if (failed(sum))
    return failure();
  int32_t dtype = node.dtype(node.input(7) ? 7 : 0);
  Type type = elementTypeFor(dtype, b.getContext());
  SmallVector<Value> operands = {*sum};
  int64_t rank = b.rank(*sum);
  int64_t rowAxis = rank > 1 ? -2 : -1;
  std::pair<size_t, int64_t> parameters[] = {{1, rowAxis},
                                             {4, isConv ? 1 : -1},
                                             {6, isConv ? 1 : rowAxis},
                                             {7, rowAxis}};
  for (auto [input, axis] : parameters) {
    if (!node.input(input))
      continue;
    FailureOr<Value> aligned =
        alignParameter(node, node.input(input), *sum, axis);
    if (failed(aligned))
      return failure();
    operands.push_back(*aligned);
  }
  return node.bindOutput(
      0,
      b.elementwise(operands, type, [&](TensorBuilder &inner, ValueRange args) {
        ScalarCode s(inner);
        Type f32 = inner.getF32Type();
        auto scale = [&](size_t i) { return s.convert(args[i], f32); };
        Value factor = s.div(s.mul(scale(1), scale(2)), scale(3));
        Value scaled = s.mul(s.convert(args[0], f32), factor);
        return quantize(s, scaled, args.size() > 4 ? args[4] : Value(), dtype);
      }));
}

void fovea::frontend::registerQuantizeOps(OpRegistry &registry) {
  registry.add("QuantizeLinear", importQuantizeLinear);
  registry.add("DequantizeLinear", importDequantizeLinear);
  registry.add("MatMulInteger", importInteger<false>);
  registry.add("ConvInteger", importInteger<true>);
  registry.add("QLinearMatMul", importQLinear<false>);
  registry.add("QLinearConv", importQLinear<true>);
}
