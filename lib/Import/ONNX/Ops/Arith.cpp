//===- Arith.cpp - Scalar arithmetic by element type ----------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Arith.h"

#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace fovea::frontend;

template <typename FloatOp, typename IntOp>
static Value binary(TensorBuilder &b, Value x, Value y) {
  if (element::isFloat(x))
    return b.createOrFold<FloatOp>(x, y);
  return b.createOrFold<IntOp>(x, y);
}

Value element::add(TensorBuilder &b, Value x, Value y) {
  return binary<arith::AddFOp, arith::AddIOp>(b, x, y);
}
Value element::sub(TensorBuilder &b, Value x, Value y) {
  return binary<arith::SubFOp, arith::SubIOp>(b, x, y);
}
Value element::mul(TensorBuilder &b, Value x, Value y) {
  return binary<arith::MulFOp, arith::MulIOp>(b, x, y);
}

Value element::select(TensorBuilder &b, Value condition, Value x, Value y) {
  return b.createOrFold<arith::SelectOp>(condition, x, y);
}

Value element::neg(TensorBuilder &b, Value x) {
  if (isFloat(x))
    return b.createOrFold<arith::NegFOp>(x);
  return b.createOrFold<arith::SubIOp>(b.scalar(x.getType(), 0), x);
}

Value element::abs(TensorBuilder &b, Value x, bool isUnsigned) {
  if (isFloat(x))
    return b.createOrFold<math::AbsFOp>(x);
  return isUnsigned ? x : b.createOrFold<math::AbsIOp>(x);
}

/// A divisor with which the division cannot trap.
static Value safeDivisor(TensorBuilder &b, Value y) {
  Value zero = b.scalar(y.getType(), 0);
  Value isZero =
      b.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::eq, y, zero);
  return element::select(b, isZero, b.scalar(y.getType(), 1), y);
}

Value element::div(TensorBuilder &b, Value x, Value y, bool isUnsigned) {
  if (isFloat(x))
    return b.createOrFold<arith::DivFOp>(x, y);
  Value divisor = safeDivisor(b, y);
  if (isUnsigned)
    return b.createOrFold<arith::DivUIOp>(x, divisor);
  // The lowest number over -1 overflows, which traps on some machines.
  Value minusOne = b.scalar(y.getType(), -1);
  Value negates = b.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::eq,
                                                divisor, minusOne);
  Value plain = select(b, negates, b.scalar(y.getType(), 1), divisor);
  Value quotient = b.createOrFold<arith::DivSIOp>(x, plain);
  return select(b, negates, neg(b, x), quotient);
}

Value element::rem(TensorBuilder &b, Value x, Value y, bool isUnsigned,
                   bool signOfDividend) {
  Value zero = b.scalar(x.getType(), 0);
  Value result;
  if (isFloat(x)) {
    result = b.createOrFold<arith::RemFOp>(x, y);
  } else {
    Value divisor = safeDivisor(b, y);
    if (isUnsigned)
      return b.createOrFold<arith::RemUIOp>(x, divisor);
    Value minusOne = b.scalar(y.getType(), -1);
    Value one = b.scalar(y.getType(), 1);
    Value negates = b.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::eq,
                                                  divisor, minusOne);
    result =
        b.createOrFold<arith::RemSIOp>(x, select(b, negates, one, divisor));
  }
  if (signOfDividend)
    return result;
  auto isNegative = [&](Value v) {
    return compare(b, Relation::Less, v, zero);
  };
  Value differs =
      b.createOrFold<arith::XOrIOp>(isNegative(result), isNegative(y));
  Value isZero = compare(b, Relation::Equal, result, zero);
  Value notZero =
      b.createOrFold<arith::XOrIOp>(isZero, b.scalar(b.getI1Type(), 1));
  Value wraps = b.createOrFold<arith::AndIOp>(differs, notZero);
  return select(b, wraps, add(b, result, y), result);
}

Value element::max(TensorBuilder &b, Value x, Value y, bool isUnsigned) {
  if (isUnsigned && !isFloat(x))
    return b.createOrFold<arith::MaxUIOp>(x, y);
  return binary<arith::MaximumFOp, arith::MaxSIOp>(b, x, y);
}

Value element::min(TensorBuilder &b, Value x, Value y, bool isUnsigned) {
  if (isUnsigned && !isFloat(x))
    return b.createOrFold<arith::MinUIOp>(x, y);
  return binary<arith::MinimumFOp, arith::MinSIOp>(b, x, y);
}

Value element::compare(TensorBuilder &b, Relation relation, Value x, Value y,
                       bool isUnsigned) {
  using F = arith::CmpFPredicate;
  using I = arith::CmpIPredicate;
  static constexpr F floats[] = {F::OEQ, F::OLT, F::OLE, F::OGT, F::OGE};
  static constexpr I ints[] = {I::eq, I::slt, I::sle, I::sgt, I::sge};
  static constexpr I unsignedInts[] = {I::eq, I::ult, I::ule, I::ugt, I::uge};
  size_t i = size_t(relation);
  if (isFloat(x))
    return b.createOrFold<arith::CmpFOp>(floats[i], x, y);
  return b.createOrFold<arith::CmpIOp>(isUnsigned ? unsignedInts[i] : ints[i],
                                       x, y);
}

static Value extreme(TensorBuilder &b, Type type, bool isUnsigned, bool low) {
  if (auto floating = dyn_cast<FloatType>(type))
    return b.sharedConstant(FloatAttr::get(
        floating, APFloat::getInf(floating.getFloatSemantics(), low)));
  unsigned width = type.getIntOrFloatBitWidth();
  isUnsigned |= width == 1;
  APInt value =
      isUnsigned ? (low ? APInt::getMinValue(width) : APInt::getMaxValue(width))
                 : (low ? APInt::getSignedMinValue(width)
                        : APInt::getSignedMaxValue(width));
  return b.sharedConstant(IntegerAttr::get(type, value));
}

Value element::lowest(TensorBuilder &b, Type type, bool isUnsigned) {
  return extreme(b, type, isUnsigned, /*low=*/true);
}

Value element::highest(TensorBuilder &b, Type type, bool isUnsigned) {
  return extreme(b, type, isUnsigned, /*low=*/false);
}

Type element::mathType(Type type) {
  bool narrow = isa<FloatType>(type) && type.getIntOrFloatBitWidth() < 32;
  return narrow ? Float32Type::get(type.getContext()) : type;
}

Value element::inMathType(TensorBuilder &b, Value x,
                          function_ref<Value(Value)> body) {
  Type type = x.getType();
  return b.castScalar(body(b.castScalar(x, mathType(type))), type);
}

Value element::sigmoid(TensorBuilder &b, Value x) {
  Value one = b.scalar(x.getType(), 1);
  Value power = b.createOrFold<math::ExpOp>(neg(b, x));
  return div(b, one, add(b, one, power));
}

Value element::gelu(TensorBuilder &b, Value x, bool isTanh) {
  auto c = [&](double value) { return b.scalar(x.getType(), value); };
  Value inner;
  if (isTanh) {
    // sqrt(2 / pi) * (x + 0.044715 x^3)
    Value cube = mul(b, mul(b, x, x), x);
    Value sum = add(b, x, mul(b, c(0.044715), cube));
    Value scaled = mul(b, c(0.79788456080286535588), sum);
    inner = b.createOrFold<math::TanhOp>(scaled);
  } else {
    Value scaled = mul(b, x, c(0.70710678118654752440));
    inner = b.createOrFold<math::ErfOp>(scaled);
  }
  return mul(b, mul(b, c(0.5), x), add(b, inner, c(1)));
}
