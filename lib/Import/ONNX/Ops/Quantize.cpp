//===- Quantize.cpp - Quantized operators ---------------------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "../ScalarCode.h"
#include "../Types.h"
#include "Contraction.h"
#include "Families.h"

using namespace mlir;
using namespace fovea::frontend;

/// A scale or zero point brought to where it broadcasts against x: one value,
/// one per element of `axis`, or one per block along it.
static FailureOr<Value> alignParameter(NodeImporter &node, Value parameter,
                                       Value x, int64_t axis) {
  TensorBuilder &b = node.b();
  int64_t rank = b.rank(x), given = b.rank(parameter);
  if (given == 0 || (given == 1 && b.type(parameter).getDimSize(0) == 1))
    return b.reshape(parameter, {});
  FailureOr<int64_t> normalized = node.normalizeAxis(axis, rank);
  if (failed(normalized))
    return failure();
  if (given == 1)
    return b.unsqueeze(
        parameter, llvm::to_vector(llvm::seq<int64_t>(1, rank - *normalized)));
  int64_t block = node.attrInt("block_size", 0);
  if (given != rank || block < 1)
    return node.fail("scale and zero point need rank 0 or 1, or the rank of "
                     "the input and a block_size");
  return b.generate(b.shape(x), b.elementType(parameter),
                    [&](TensorBuilder &inner, ValueRange at) {
                      ScalarCode s(inner);
                      SmallVector<Value> source(at);
                      source[*normalized] =
                          s.div(at[*normalized], s.index(block));
                      return s.extract(parameter, source);
                    });
}

/// round(value) + zero, clamped to an integer type.
static Value quantize(ScalarCode &s, Value value, Value zero, Type type,
                      bool isUnsigned) {
  Type floatType = value.getType();
  Value rounded = s.b.createOrFold<math::RoundEvenOp>(value);
  if (zero)
    rounded = s.add(rounded, s.convert(zero, floatType, isUnsigned));
  Value low =
      s.convert(s.limit(type, false, isUnsigned), floatType, isUnsigned);
  Value high =
      s.convert(s.limit(type, true, isUnsigned), floatType, isUnsigned);
  return s.convert(s.clamp(rounded, low, high), type, isUnsigned);
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

static LogicalResult importQuantizeLinear(NodeImporter &node) {
  TensorBuilder &b = node.b();
  Type type = node.outputElementType(0);
  if (!isa_and_nonnull<IntegerType>(type))
    return node.fail("the quantized type is not supported; it has to be an "
                     "integer of 8 or 16 bits");
  bool isUnsigned = isUnsignedDtype(node.outputDtype(0));
  FailureOr<SmallVector<Value>> operands = alignOperands(node);
  if (failed(operands))
    return failure();
  return node.bindOutput(
      0, b.elementwise(
             *operands, type, [&](TensorBuilder &inner, ValueRange args) {
               ScalarCode s(inner);
               Type f32 = inner.getF32Type();
               Value scaled =
                   s.div(s.convert(args[0], f32), s.convert(args[1], f32));
               return quantize(s, scaled, args.size() > 2 ? args[2] : Value(),
                               type, isUnsigned);
             }));
}

static LogicalResult importDequantizeLinear(NodeImporter &node) {
  TensorBuilder &b = node.b();
  Value x = node.input(0);
  Type type = node.outputElementType(0);
  if (!isa_and_nonnull<FloatType>(type) || !isa<IntegerType>(b.elementType(x)))
    return node.fail("only integers can be dequantized, and only to floats");
  bool isUnsigned = node.isUnsigned(0);
  FailureOr<SmallVector<Value>> operands = alignOperands(node);
  if (failed(operands))
    return failure();
  return node.bindOutput(
      0, b.elementwise(
             *operands, type, [&](TensorBuilder &inner, ValueRange args) {
               ScalarCode s(inner);
               Type f32 = inner.getF32Type();
               Value value = s.convert(args[0], f32, isUnsigned);
               if (args.size() > 2)
                 value = s.sub(value, s.convert(args[2], f32, isUnsigned));
               return s.convert(s.mul(value, s.convert(args[1], f32)), type);
             }));
}

//===----------------------------------------------------------------------===//
// Integer products
//===----------------------------------------------------------------------===//

/// Input `i` as i32 with zero point input `zero` (one value, or one per element
/// of `axis`) taken off.
static FailureOr<Value> centered(NodeImporter &node, size_t i, size_t zero,
                                 int64_t axis) {
  TensorBuilder &b = node.b();
  Value x = node.input(i);
  SmallVector<Value> operands = {x};
  if (node.input(zero)) {
    FailureOr<Value> aligned = alignParameter(node, node.input(zero), x, axis);
    if (failed(aligned))
      return failure();
    operands.push_back(*aligned);
  }
  bool isUnsigned = node.isUnsigned(i);
  return b.elementwise(
      operands, b.getI32Type(), [&](TensorBuilder &inner, ValueRange args) {
        ScalarCode s(inner);
        Value wide = s.convert(args[0], inner.getI32Type(), isUnsigned);
        return args.size() < 2
                   ? wide
                   : s.sub(wide,
                           s.convert(args[1], inner.getI32Type(), isUnsigned));
      });
}

/// The i32 product of inputs `x` and `w`, each centered.
static FailureOr<Value> integerProduct(NodeImporter &node, bool isConv,
                                       size_t x, size_t xZero, size_t w,
                                       size_t wZero) {
  // Per row of the left and per column of the right matrix; per output channel.
  int64_t rowAxis = node.rank(x) > 1 ? -2 : -1;
  FailureOr<Value> left = centered(node, x, xZero, rowAxis);
  FailureOr<Value> right = centered(node, w, wZero, isConv ? 0 : -1);
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
  Type type = b.elementType(node.input(7) ? node.input(7) : node.input(0));
  bool isUnsigned = node.isUnsigned(node.input(7) ? 7 : 0);
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
        return quantize(s, scaled, args.size() > 4 ? args[4] : Value(), type,
                        isUnsigned);
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
