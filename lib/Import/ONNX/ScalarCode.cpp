//===- ScalarCode.cpp - Element-wise code of op handlers ------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ScalarCode.h"

using namespace mlir;
using namespace fovea::frontend;

Type fovea::frontend::accumulatorType(Type type) {
  auto floatType = dyn_cast<FloatType>(type);
  return floatType && floatType.getWidth() < 32
             ? Float32Type::get(type.getContext())
             : type;
}

//===----------------------------------------------------------------------===//
// Constants
//===----------------------------------------------------------------------===//

Value ScalarCode::constant(Type type, double value) {
  return b.scalar(type, value);
}

Value ScalarCode::limit(Type type, bool largest, bool isUnsigned) {
  if (auto floatType = dyn_cast<FloatType>(type)) {
    APFloat value =
        APFloat::getInf(floatType.getFloatSemantics(), /*Negative=*/!largest);
    return arith::ConstantOp::create(b, b.getFloatAttr(type, value));
  }
  unsigned width = type.isIndex() ? 64 : type.getIntOrFloatBitWidth();
  if (width == 1)
    isUnsigned = true;
  APInt value = largest ? (isUnsigned ? APInt::getMaxValue(width)
                                      : APInt::getSignedMaxValue(width))
                        : (isUnsigned ? APInt::getMinValue(width)
                                      : APInt::getSignedMinValue(width));
  return arith::ConstantOp::create(b, b.getIntegerAttr(type, value));
}

//===----------------------------------------------------------------------===//
// Arithmetic
//===----------------------------------------------------------------------===//

template <typename IntOp, typename FloatOp>
static Value binary(TensorBuilder &b, Value x, Value y) {
  if (isa<FloatType>(x.getType()))
    return b.createOrFold<FloatOp>(x, y);
  return b.createOrFold<IntOp>(x, y);
}

Value ScalarCode::add(Value x, Value y) {
  return binary<arith::AddIOp, arith::AddFOp>(b, x, y);
}
Value ScalarCode::sub(Value x, Value y) {
  return binary<arith::SubIOp, arith::SubFOp>(b, x, y);
}
Value ScalarCode::mul(Value x, Value y) {
  return binary<arith::MulIOp, arith::MulFOp>(b, x, y);
}
Value ScalarCode::div(Value x, Value y) {
  return binary<arith::DivSIOp, arith::DivFOp>(b, x, y);
}
Value ScalarCode::rem(Value x, Value y) {
  return binary<arith::RemSIOp, arith::RemFOp>(b, x, y);
}

Value ScalarCode::floorDiv(Value x, Value y) {
  return b.createOrFold<arith::FloorDivSIOp>(x, y);
}
Value ScalarCode::ceilDiv(Value x, Value y) {
  return b.createOrFold<arith::CeilDivSIOp>(x, y);
}

Value ScalarCode::min(Value x, Value y, bool isUnsigned) {
  return isUnsigned ? binary<arith::MinUIOp, arith::MinimumFOp>(b, x, y)
                    : binary<arith::MinSIOp, arith::MinimumFOp>(b, x, y);
}

Value ScalarCode::max(Value x, Value y, bool isUnsigned) {
  return isUnsigned ? binary<arith::MaxUIOp, arith::MaximumFOp>(b, x, y)
                    : binary<arith::MaxSIOp, arith::MaximumFOp>(b, x, y);
}

Value ScalarCode::lt(Value x, Value y, bool isUnsigned) {
  if (isa<FloatType>(x.getType()))
    return b.createOrFold<arith::CmpFOp>(arith::CmpFPredicate::OLT, x, y);
  auto predicate =
      isUnsigned ? arith::CmpIPredicate::ult : arith::CmpIPredicate::slt;
  return b.createOrFold<arith::CmpIOp>(predicate, x, y);
}

Value ScalarCode::le(Value x, Value y, bool isUnsigned) {
  if (isa<FloatType>(x.getType()))
    return b.createOrFold<arith::CmpFOp>(arith::CmpFPredicate::OLE, x, y);
  auto predicate =
      isUnsigned ? arith::CmpIPredicate::ule : arith::CmpIPredicate::sle;
  return b.createOrFold<arith::CmpIOp>(predicate, x, y);
}

Value ScalarCode::eq(Value x, Value y) {
  if (isa<FloatType>(x.getType()))
    return b.createOrFold<arith::CmpFOp>(arith::CmpFPredicate::OEQ, x, y);
  return b.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::eq, x, y);
}

Value ScalarCode::ne(Value x, Value y) {
  if (isa<FloatType>(x.getType()))
    return b.createOrFold<arith::CmpFOp>(arith::CmpFPredicate::UNE, x, y);
  return b.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::ne, x, y);
}

Value ScalarCode::isNaN(Value x) {
  if (!isa<FloatType>(x.getType()))
    return constant(b.getI1Type(), 0);
  return b.createOrFold<arith::CmpFOp>(arith::CmpFPredicate::UNO, x, x);
}

Value ScalarCode::both(Value x, Value y) {
  return b.createOrFold<arith::AndIOp>(x, y);
}
Value ScalarCode::either(Value x, Value y) {
  return b.createOrFold<arith::OrIOp>(x, y);
}

Value ScalarCode::invert(Value x) {
  return b.createOrFold<arith::XOrIOp>(x, constant(x.getType(), 1));
}

Value ScalarCode::select(Value condition, Value x, Value y) {
  return b.createOrFold<arith::SelectOp>(condition, x, y);
}

Value ScalarCode::floor(Value x) { return b.createOrFold<math::FloorOp>(x); }
Value ScalarCode::ceil(Value x) { return b.createOrFold<math::CeilOp>(x); }
Value ScalarCode::abs(Value x) { return b.createOrFold<math::AbsFOp>(x); }

Value ScalarCode::convert(Value value, Type type, bool isUnsigned) {
  Type from = value.getType();
  if (from == type)
    return value;
  if (from.isIndex() && isa<FloatType>(type))
    return convert(convert(value, b.getI64Type()), type);
  if (isa<FloatType>(from) && type.isIndex())
    return toIndex(convert(value, b.getI64Type()));
  if (from.isIndex() || type.isIndex()) {
    if (isUnsigned)
      return b.createOrFold<arith::IndexCastUIOp>(type, value);
    return b.createOrFold<arith::IndexCastOp>(type, value);
  }
  unsigned fromWidth = from.getIntOrFloatBitWidth(),
           width = type.getIntOrFloatBitWidth();
  isUnsigned |= from.isInteger(1);
  if (isa<FloatType>(from) && isa<FloatType>(type)) {
    if (fromWidth == width) // f16 <-> bf16
      return convert(convert(value, b.getF32Type()), type);
    return fromWidth < width ? b.createOrFold<arith::ExtFOp>(type, value)
                             : b.createOrFold<arith::TruncFOp>(type, value);
  }
  if (isa<FloatType>(from))
    return isUnsigned ? b.createOrFold<arith::FPToUIOp>(type, value)
                      : b.createOrFold<arith::FPToSIOp>(type, value);
  if (isa<FloatType>(type))
    return isUnsigned ? b.createOrFold<arith::UIToFPOp>(type, value)
                      : b.createOrFold<arith::SIToFPOp>(type, value);
  if (fromWidth > width)
    return b.createOrFold<arith::TruncIOp>(type, value);
  return isUnsigned ? b.createOrFold<arith::ExtUIOp>(type, value)
                    : b.createOrFold<arith::ExtSIOp>(type, value);
}

//===----------------------------------------------------------------------===//
// Elements
//===----------------------------------------------------------------------===//

ScalarCode::Values ScalarCode::dims(Value tensor) {
  Values result;
  for (int64_t axis = 0, rank = b.rank(tensor); axis < rank; ++axis)
    result.push_back(dim(tensor, axis));
  return result;
}

Value ScalarCode::extract(Value tensor, ValueRange position) {
  return b.createOrFold<tensor::ExtractOp>(tensor, position);
}

Value ScalarCode::insert(Value element, Value tensor, ValueRange position) {
  return tensor::InsertOp::create(b, element, tensor, position);
}

Value ScalarCode::wrapIndex(Value position, Value size) {
  position = toIndex(position);
  Value wrapped = select(lt(position, index(0)), add(position, size), position);
  return clamp(wrapped, index(0), sub(size, index(1)));
}

Value ScalarCode::clamp(Value value, Value low, Value high) {
  return max(low, min(value, high));
}

//===----------------------------------------------------------------------===//
// Control flow
//===----------------------------------------------------------------------===//

ScalarCode::Values ScalarCode::ifElse(Value condition, Branch then,
                                      Branch otherwise) {
  // The builder of the handler moves into the region, so that what the branch
  // calls builds there.
  OpBuilder::InsertionGuard guard(b);
  auto branch = [&](Branch function) {
    return [&, function](OpBuilder &inner, Location loc) {
      b.restoreInsertionPoint(inner.saveInsertionPoint());
      scf::YieldOp::create(b, loc, function());
    };
  };
  auto op = scf::IfOp::create(b, condition, branch(then), branch(otherwise));
  return Values(op.getResults());
}

ScalarCode::Values ScalarCode::forNest(ArrayRef<Value> extents,
                                       ValueRange inits, LoopBody body) {
  if (extents.empty())
    return body({}, inits);
  OpBuilder::InsertionGuard guard(b);
  Values lower(extents.size(), index(0)), steps(extents.size(), index(1));
  scf::LoopNest nest = scf::buildLoopNest(
      b, b.getLoc(), lower, extents, steps, inits,
      [&](OpBuilder &inner, Location, ValueRange position, ValueRange values) {
        b.restoreInsertionPoint(inner.saveInsertionPoint());
        Values results = body(position, values);
        return scf::ValueVector(results.begin(), results.end());
      });
  return Values(nest.results.begin(), nest.results.end());
}

ScalarCode::Values
ScalarCode::whileLoop(ValueRange inits,
                      function_ref<Value(ValueRange)> condition,
                      function_ref<Values(ValueRange)> body) {
  OpBuilder::InsertionGuard guard(b);
  // Filled once it is in its place, where its regions have parents.
  auto op = scf::WhileOp::create(b, inits.getTypes(), inits, nullptr, nullptr);
  b.setInsertionPointToEnd(op.getBeforeBody());
  ValueRange before = op.getBeforeArguments();
  scf::ConditionOp::create(b, condition(before), before);
  b.setInsertionPointToEnd(op.getAfterBody());
  scf::YieldOp::create(b, body(op.getAfterArguments()));
  return Values(op.getResults());
}

Dims fovea::frontend::toDims(TensorBuilder &b, ArrayRef<Value> sizes) {
  Dims result;
  for (Value size : sizes)
    result.push_back(b.toDim(size));
  return result;
}
