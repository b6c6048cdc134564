//===- Elementwise.cpp - Binary and variadic elementwise ONNX ops ---------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Arith.h"
#include "Families.h"

#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace fovea::frontend;
using namespace fovea::frontend::element;

using BinaryFn = Value (*)(TensorBuilder &, Value, Value);

/// Binary operations of opsets below 7 aligned the second operand at `axis`.
static Value alignOldBroadcast(NodeImporter &n) {
  Value rhs = n.input(1);
  if (n.opset() >= 7 || !n.attrInt("broadcast", 0) || !n.hasAttr("axis"))
    return rhs;
  int64_t axis = n.attrInt("axis", 0);
  int64_t trailing = n.rank(0) - axis - n.rank(1);
  SmallVector<int64_t> axes;
  for (int64_t i = 0; i < trailing; ++i)
    axes.push_back(n.rank(1) + i);
  return axes.empty() ? rhs : n.b().unsqueeze(rhs, axes);
}

template <BinaryFn fn> static LogicalResult importBinary(NodeImporter &n) {
  auto result = n.b().elementwise({n.input(0), alignOldBroadcast(n)},
                                  n.b().elementType(n.input(0)),
                                  [&](TensorBuilder &b, ValueRange args) {
                                    return fn(b, args[0], args[1]);
                                  });
  return n.bindOutput(0, result, n.dtype(0));
}

static LogicalResult importDiv(NodeImporter &n) {
  bool isUnsigned = n.isUnsigned(0);
  auto result = n.b().elementwise(
      {n.input(0), alignOldBroadcast(n)}, n.b().elementType(n.input(0)),
      [&](TensorBuilder &b, ValueRange args) {
        return element::div(b, args[0], args[1], isUnsigned);
      });
  return n.bindOutput(0, result, n.dtype(0));
}

static LogicalResult importMod(NodeImporter &n) {
  bool isUnsigned = n.isUnsigned(0), isFmod = n.attrInt("fmod", 0);
  auto result =
      n.b().elementwise({n.input(0), n.input(1)}, n.b().elementType(n.input(0)),
                        [&](TensorBuilder &b, ValueRange args) {
                          return rem(b, args[0], args[1], isUnsigned, isFmod);
                        });
  return n.bindOutput(0, result, n.dtype(0));
}

//===----------------------------------------------------------------------===//
// Pow
//===----------------------------------------------------------------------===//

/// x to a small constant integer power, by multiplication; null for others.
static Value powByMultiplying(TensorBuilder &b, Value x, Value y) {
  int64_t power = 0;
  APFloat number(0.0);
  APInt integer;
  if (matchPattern(y, m_ConstantFloat(&number))) {
    double value = number.convertToDouble();
    if (value != std::floor(value) || std::abs(value) > 8)
      return {};
    power = int64_t(value);
  } else if (matchPattern(y, m_ConstantInt(&integer)) &&
             integer.getBitWidth() <= 64) {
    power = integer.getSExtValue();
  } else {
    return {};
  }
  if (power < 1 || power > 8)
    return {};
  Value result = x;
  for (int64_t i = 1; i < power; ++i)
    result = mul(b, result, x);
  return result;
}

static Value powOf(TensorBuilder &b, Value x, Value y, bool xUnsigned,
                   bool yUnsigned) {
  if (Value result = powByMultiplying(b, x, y))
    return result;
  // Integers go through f64, which holds them up to 2^53.
  Type type = x.getType();
  Type compute = isFloat(x) ? mathType(type) : b.getF64Type();
  Value base = b.castScalar(x, compute, xUnsigned);
  Value exponent = b.castScalar(y, compute, yUnsigned);
  Value result = b.createOrFold<math::PowFOp>(base, exponent);
  return b.castScalar(result, type, false, xUnsigned);
}

static LogicalResult importPow(NodeImporter &n) {
  Type type = n.b().elementType(n.input(0));
  bool xUnsigned = n.isUnsigned(0), yUnsigned = n.isUnsigned(1);
  Value exponent = n.input(1);
  // A constant exponent belongs into the body, where it can be looked at.
  auto known = n.b().scalars(exponent);
  if (known && known->size() == 1 && n.rank(1) <= n.rank(0)) {
    Attribute constant;
    if (matchPattern(known->front(), m_Constant(&constant))) {
      auto result = n.b().elementwise(
          {n.input(0)}, type, [&](TensorBuilder &b, ValueRange args) {
            Value y = b.sharedConstant(cast<TypedAttr>(constant));
            return powOf(b, args[0], y, xUnsigned, yUnsigned);
          });
      return n.bindOutput(0, result, n.dtype(0));
    }
  }
  auto result = n.b().elementwise(
      {n.input(0), exponent}, type, [&](TensorBuilder &b, ValueRange args) {
        return powOf(b, args[0], args[1], xUnsigned, yUnsigned);
      });
  return n.bindOutput(0, result, n.dtype(0));
}

//===----------------------------------------------------------------------===//
// Comparison, logic, bits
//===----------------------------------------------------------------------===//

template <Relation relation>
static LogicalResult importCompare(NodeImporter &n) {
  bool isUnsigned = n.isUnsigned(0);
  auto result = n.b().elementwise(
      {n.input(0), alignOldBroadcast(n)}, n.b().getI1Type(),
      [&](TensorBuilder &b, ValueRange args) {
        return compare(b, relation, args[0], args[1], isUnsigned);
      });
  return n.bindOutput(0, result, onnx::TensorProto::BOOL);
}

template <typename Op>
static Value bitwise(TensorBuilder &b, Value x, Value y) {
  return b.createOrFold<Op>(x, y);
}

/// Shifting by the width or more leaves zero, or the sign.
static LogicalResult importBitShift(NodeImporter &n) {
  bool left = n.attrString("direction", "") == "LEFT";
  bool keepsSign = !left && !n.isUnsigned(0);
  Type type = n.b().elementType(n.input(0));
  auto result = n.b().elementwise(
      {n.input(0), n.input(1)}, type, [&](TensorBuilder &b, ValueRange args) {
        int64_t bits = type.getIntOrFloatBitWidth();
        Value fits = compare(b, Relation::Less, args[1], b.scalar(type, bits),
                             /*isUnsigned=*/true);
        Value most = b.scalar(type, bits - 1);
        Value amount = element::select(b, fits, args[1], most);
        if (keepsSign)
          return b.createOrFold<arith::ShRSIOp>(args[0], amount);
        Value shifted = left ? b.createOrFold<arith::ShLIOp>(args[0], amount)
                             : b.createOrFold<arith::ShRUIOp>(args[0], amount);
        return element::select(b, fits, shifted, b.scalar(type, 0));
      });
  return n.bindOutput(0, result, n.dtype(0));
}

static LogicalResult importWhere(NodeImporter &n) {
  auto result = n.b().elementwise(
      {n.input(0), n.input(1), n.input(2)}, n.b().elementType(n.input(1)),
      [](TensorBuilder &b, ValueRange args) {
        return element::select(b, args[0], args[1], args[2]);
      });
  return n.bindOutput(0, result, n.dtype(1));
}

//===----------------------------------------------------------------------===//
// Variadic
//===----------------------------------------------------------------------===//

/// All inputs in one generic, so that each element is read once.
static FailureOr<Value>
fold(NodeImporter &n,
     function_ref<Value(TensorBuilder &, Value, Value)> combine,
     function_ref<Value(TensorBuilder &, Value)> finish = nullptr) {
  SmallVector<Value> inputs;
  for (size_t i = 0; i < n.numInputs(); ++i)
    inputs.push_back(n.input(i));
  return n.b().elementwise(inputs, n.b().elementType(inputs[0]),
                           [&](TensorBuilder &b, ValueRange args) {
                             Value result = args[0];
                             for (Value arg : args.drop_front())
                               result = combine(b, result, arg);
                             return finish ? finish(b, result) : result;
                           });
}

template <bool isMax> static LogicalResult importMinMax(NodeImporter &n) {
  bool isUnsigned = n.isUnsigned(0);
  auto result = fold(n, [&](TensorBuilder &b, Value x, Value y) {
    return isMax ? element::max(b, x, y, isUnsigned)
                 : element::min(b, x, y, isUnsigned);
  });
  return n.bindOutput(0, result, n.dtype(0));
}

static LogicalResult importSum(NodeImporter &n) {
  return n.bindOutput(0, fold(n, element::add));
}

static LogicalResult importMean(NodeImporter &n) {
  double count = double(n.numInputs());
  auto result = fold(n, element::add, [&](TensorBuilder &b, Value sum) {
    return element::div(b, sum, b.scalar(sum.getType(), count));
  });
  return n.bindOutput(0, result);
}

void fovea::frontend::registerElementwiseOps(OpRegistry &registry) {
  registry.add("Add", importBinary<element::add>);
  registry.add("Sub", importBinary<element::sub>);
  registry.add("Mul", importBinary<element::mul>);
  registry.add("Div", importDiv);
  registry.add("Mod", importMod);
  registry.add("Pow", importPow);
  registry.add("Equal", importCompare<Relation::Equal>);
  registry.add("Less", importCompare<Relation::Less>);
  registry.add("LessOrEqual", importCompare<Relation::LessOrEqual>);
  registry.add("Greater", importCompare<Relation::Greater>);
  registry.add("GreaterOrEqual", importCompare<Relation::GreaterOrEqual>);
  for (const char *op : {"And", "BitwiseAnd"})
    registry.add(op, importBinary<bitwise<arith::AndIOp>>);
  for (const char *op : {"Or", "BitwiseOr"})
    registry.add(op, importBinary<bitwise<arith::OrIOp>>);
  for (const char *op : {"Xor", "BitwiseXor"})
    registry.add(op, importBinary<bitwise<arith::XOrIOp>>);
  registry.add("BitShift", importBitShift);
  registry.add("Where", importWhere);
  registry.add("Max", importMinMax<true>);
  registry.add("Min", importMinMax<false>);
  registry.add("Sum", importSum);
  registry.add("Mean", importMean);
}
