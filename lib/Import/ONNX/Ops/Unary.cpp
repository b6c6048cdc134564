//===- Unary.cpp - Unary ONNX ops -----------------------------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Arith.h"
#include "Families.h"

#include "../StoredTypes.h"

using namespace mlir;
using namespace fovea::frontend;
using namespace fovea::frontend::element;

/// One result element from one input element, same type.
static LogicalResult unary(NodeImporter &n,
                           function_ref<Value(TensorBuilder &, Value)> body) {
  auto result = n.b().elementwise(
      {n.input(0)}, n.b().elementType(n.input(0)),
      [&](TensorBuilder &b, ValueRange args) { return body(b, args[0]); });
  return n.bindOutput(0, result, n.dtype(0));
}

/// A function of upstream's math dialect, in f32 at least.
template <typename Op> static LogicalResult importMath(NodeImporter &n) {
  return unary(n, [](TensorBuilder &b, Value x) {
    return inMathType(b, x,
                      [&](Value v) -> Value { return b.createOrFold<Op>(v); });
  });
}

/// Rounding functions leave integers as they are.
template <typename Op> static LogicalResult importRounding(NodeImporter &n) {
  return unary(n, [](TensorBuilder &b, Value x) -> Value {
    return isFloat(x) ? b.createOrFold<Op>(x) : x;
  });
}

static LogicalResult importAbs(NodeImporter &n) {
  bool isUnsigned = n.isUnsigned(0);
  return unary(n, [&](TensorBuilder &b, Value x) {
    return element::abs(b, x, isUnsigned);
  });
}

static LogicalResult importNeg(NodeImporter &n) {
  return unary(n, element::neg);
}

static LogicalResult importReciprocal(NodeImporter &n) {
  return unary(n, [](TensorBuilder &b, Value x) {
    return element::div(b, b.scalar(x.getType(), 1), x);
  });
}

static LogicalResult importNot(NodeImporter &n) {
  return unary(n, [](TensorBuilder &b, Value x) {
    return b.createOrFold<arith::XOrIOp>(x, b.scalar(x.getType(), -1));
  });
}

static LogicalResult importSign(NodeImporter &n) {
  bool isUnsigned = n.isUnsigned(0);
  return unary(n, [&](TensorBuilder &b, Value x) {
    Value zero = b.scalar(x.getType(), 0), one = b.scalar(x.getType(), 1);
    Value positive = compare(b, Relation::Greater, x, zero, isUnsigned);
    // Zero and NaN are their own sign.
    Value rest = x;
    if (!isUnsigned)
      rest = element::select(b, compare(b, Relation::Less, x, zero),
                             element::neg(b, one), x);
    return element::select(b, positive, one, rest);
  });
}

/// True or false of each element of the input, which is a float, perhaps of a
/// type that is only stored.
static FailureOr<Value>
testFloats(NodeImporter &n, function_ref<Value(TensorBuilder &, Value)> test) {
  return n.b().elementwise(
      {n.input(0)}, n.b().getI1Type(), [&](TensorBuilder &b, ValueRange args) {
        bool isStored = isStoredType(n.dtype(0));
        return test(b,
                    isStored ? decodeElement(b, args[0], n.dtype(0)) : args[0]);
      });
}

static LogicalResult importIsNaN(NodeImporter &n) {
  auto result = testFloats(n, [](TensorBuilder &b, Value x) {
    return b.createOrFold<arith::CmpFOp>(arith::CmpFPredicate::UNO, x, x);
  });
  return n.bindOutput(0, result, onnx::TensorProto::BOOL);
}

static LogicalResult importIsInf(NodeImporter &n) {
  bool positive = n.attrInt("detect_positive", 1);
  bool negative = n.attrInt("detect_negative", 1);
  auto result = testFloats(n, [&](TensorBuilder &b, Value x) {
    Type type = x.getType();
    Value isHigh = compare(b, Relation::Equal, x, highest(b, type));
    Value isLow = compare(b, Relation::Equal, x, lowest(b, type));
    if (positive && negative)
      return b.createOrFold<arith::OrIOp>(isHigh, isLow);
    if (positive)
      return isHigh;
    return negative ? isLow : b.scalar(b.getI1Type(), 0);
  });
  return n.bindOutput(0, result, onnx::TensorProto::BOOL);
}

//===----------------------------------------------------------------------===//
// Limits and copies
//===----------------------------------------------------------------------===//

static LogicalResult importClip(NodeImporter &n) {
  bool isUnsigned = n.isUnsigned(0);
  Type type = n.b().elementType(n.input(0));
  SmallVector<Value> inputs = {n.input(0)};
  bool hasLow = n.input(1) != nullptr, hasHigh = n.input(2) != nullptr;
  if (hasLow)
    inputs.push_back(n.b().reshape(n.input(1), {}));
  if (hasHigh)
    inputs.push_back(n.b().reshape(n.input(2), {}));
  bool attrLow = n.hasAttr("min"), attrHigh = n.hasAttr("max");
  auto result =
      n.b().elementwise(inputs, type, [&](TensorBuilder &b, ValueRange args) {
        Value value = args[0];
        if (hasLow || attrLow)
          value = element::max(b, value,
                               hasLow ? args[1]
                                      : b.scalar(type, n.attrFloat("min", 0)),
                               isUnsigned);
        if (hasHigh || attrHigh)
          value = element::min(b, value,
                               hasHigh ? args.back()
                                       : b.scalar(type, n.attrFloat("max", 0)),
                               isUnsigned);
        return value;
      });
  return n.bindOutput(0, result, n.dtype(0));
}

static LogicalResult importIdentity(NodeImporter &n) {
  return n.bindOutput(0, n.binding(0));
}

void fovea::frontend::registerUnaryOps(OpRegistry &registry) {
  registry.add("Abs", importAbs);
  registry.add("Neg", importNeg);
  registry.add("Reciprocal", importReciprocal);
  for (const char *op : {"Not", "BitwiseNot"})
    registry.add(op, importNot);
  registry.add("Sign", importSign);
  registry.add("IsNaN", importIsNaN);
  registry.add("IsInf", importIsInf);
  registry.add("Floor", importRounding<math::FloorOp>);
  registry.add("Ceil", importRounding<math::CeilOp>);
  registry.add("Round", importRounding<math::RoundEvenOp>);
  registry.add("Sqrt", importMath<math::SqrtOp>);
  registry.add("Exp", importMath<math::ExpOp>);
  registry.add("Log", importMath<math::LogOp>);
  registry.add("Erf", importMath<math::ErfOp>);
  registry.add("Sin", importMath<math::SinOp>);
  registry.add("Cos", importMath<math::CosOp>);
  registry.add("Tan", importMath<math::TanOp>);
  registry.add("Asin", importMath<math::AsinOp>);
  registry.add("Acos", importMath<math::AcosOp>);
  registry.add("Atan", importMath<math::AtanOp>);
  registry.add("Sinh", importMath<math::SinhOp>);
  registry.add("Cosh", importMath<math::CoshOp>);
  registry.add("Tanh", importMath<math::TanhOp>);
  registry.add("Asinh", importMath<math::AsinhOp>);
  registry.add("Acosh", importMath<math::AcoshOp>);
  registry.add("Atanh", importMath<math::AtanhOp>);
  registry.add("Clip", importClip);
  registry.add("Identity", importIdentity);
}
