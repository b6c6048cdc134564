//===- TensorBuilderDims.cpp - Sizes as attributes or index values --------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TensorBuilder.h"

#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace fovea::frontend;

//===----------------------------------------------------------------------===//
// Conversions
//===----------------------------------------------------------------------===//

Value TensorBuilder::toValue(OpFoldResult value) {
  if (auto constant = getConstantIntValue(value))
    return index(*constant);
  return given(cast<Value>(value));
}

/// Integer arithmetic over dimensions is redone on indices, so that the same
/// size computed in the graph and by the importer is recognised as equal.
static OpFoldResult asIndex(TensorBuilder &b, Value integer, int depth) {
  APInt constant;
  if (matchPattern(integer, m_ConstantInt(&constant)))
    return b.attr(constant.getSExtValue());
  if (integer.getType().isIndex())
    return integer;
  Operation *def = integer.getDefiningOp();
  if (auto cast = dyn_cast_or_null<arith::IndexCastOp>(def))
    return cast.getIn();
  if (depth < 8 &&
      isa_and_nonnull<arith::AddIOp, arith::SubIOp, arith::MulIOp>(def)) {
    OpFoldResult lhs = asIndex(b, def->getOperand(0), depth + 1);
    OpFoldResult rhs = asIndex(b, def->getOperand(1), depth + 1);
    if (isa<arith::AddIOp>(def))
      return b.add(lhs, rhs);
    return isa<arith::SubIOp>(def) ? b.sub(lhs, rhs) : b.mul(lhs, rhs);
  }
  return b.createOrFold<arith::IndexCastOp>(b.getIndexType(), integer);
}

OpFoldResult TensorBuilder::toDim(Value integer) {
  if (!given(integer).getType().isIntOrIndex())
    raise("a size or position has to be an integer");
  return asIndex(*this, integer, 0);
}

Value TensorBuilder::fromDim(OpFoldResult dim, Type type) {
  if (auto constant = getConstantIntValue(dim))
    return scalar(type, *constant);
  Value value = toValue(dim);
  return type.isIndex() ? value : createOrFold<arith::IndexCastOp>(type, value);
}

//===----------------------------------------------------------------------===//
// Arithmetic
//===----------------------------------------------------------------------===//

template <typename Op>
static OpFoldResult foldBinary(TensorBuilder &b, OpFoldResult lhs,
                               OpFoldResult rhs) {
  return getAsOpFoldResult(b.createOrFold<Op>(b.toValue(lhs), b.toValue(rhs)));
}

/// Raises an error where the result for two constants would not fit.
template <typename Overflows>
static void checkRange(TensorBuilder &b, OpFoldResult lhs, OpFoldResult rhs,
                       Overflows overflows) {
  auto x = getConstantIntValue(lhs), y = getConstantIntValue(rhs);
  int64_t result;
  if (x && y && overflows(*x, *y, result))
    b.raise("sizes " + Twine(*x) + " and " + Twine(*y) + " are too large");
}

OpFoldResult TensorBuilder::add(OpFoldResult lhs, OpFoldResult rhs) {
  checkRange(*this, lhs, rhs, llvm::AddOverflow<int64_t>);
  return foldBinary<arith::AddIOp>(*this, lhs, rhs);
}
OpFoldResult TensorBuilder::sub(OpFoldResult lhs, OpFoldResult rhs) {
  checkRange(*this, lhs, rhs, llvm::SubOverflow<int64_t>);
  return same(lhs, rhs) ? attr(0) : foldBinary<arith::SubIOp>(*this, lhs, rhs);
}
OpFoldResult TensorBuilder::mul(OpFoldResult lhs, OpFoldResult rhs) {
  checkRange(*this, lhs, rhs, llvm::MulOverflow<int64_t>);
  return foldBinary<arith::MulIOp>(*this, lhs, rhs);
}
OpFoldResult TensorBuilder::divUp(OpFoldResult lhs, OpFoldResult rhs) {
  return foldBinary<arith::CeilDivSIOp>(*this, lhs, rhs);
}
/// Whether `bound` changes nothing as a lower bound: sizes are never negative.
static bool isBelowSize(OpFoldResult bound, OpFoldResult size) {
  auto constant = getConstantIntValue(bound);
  auto value = dyn_cast<Value>(size);
  return constant && *constant <= 0 && value &&
         value.getDefiningOp<tensor::DimOp>();
}

OpFoldResult TensorBuilder::max(OpFoldResult lhs, OpFoldResult rhs) {
  if (same(lhs, rhs) || isBelowSize(rhs, lhs))
    return lhs;
  if (isBelowSize(lhs, rhs))
    return rhs;
  return foldBinary<arith::MaxSIOp>(*this, lhs, rhs);
}
OpFoldResult TensorBuilder::min(OpFoldResult lhs, OpFoldResult rhs) {
  return same(lhs, rhs) ? lhs : foldBinary<arith::MinSIOp>(*this, lhs, rhs);
}

OpFoldResult TensorBuilder::product(ArrayRef<OpFoldResult> dims) {
  int64_t constant = 1;
  OpFoldResult result;
  for (OpFoldResult dim : dims) {
    if (auto value = getConstantIntValue(dim)) {
      if (llvm::MulOverflow(constant, *value, constant))
        raise("the product of the sizes is too large");
    } else {
      result = result ? mul(result, dim) : dim;
    }
  }
  if (!result)
    return attr(constant);
  return constant == 1 ? result : mul(result, attr(constant));
}

Value TensorBuilder::countAlong(Value input, ArrayRef<int64_t> axes,
                                Type type) {
  Dims sizes;
  for (int64_t axis : axes)
    sizes.push_back(dim(input, axis));
  OpFoldResult count = product(sizes);
  if (auto constant = getConstantIntValue(count))
    return scalar(type, double(*constant));
  return castScalar(fromDim(count, getI64Type()), type);
}

//===----------------------------------------------------------------------===//
// Equality
//===----------------------------------------------------------------------===//

static bool sameValue(Value lhs, Value rhs, int depth);

/// Splits a product into its constant and its other factors.
static void collectFactors(Value value, int64_t &constant,
                           SmallVectorImpl<Value> &factors) {
  APInt number;
  int64_t product;
  if (matchPattern(value, m_ConstantInt(&number)) &&
      !llvm::MulOverflow(constant, number.getSExtValue(), product)) {
    constant = product;
    return;
  }
  if (auto mul = value.getDefiningOp<arith::MulIOp>()) {
    collectFactors(mul.getLhs(), constant, factors);
    collectFactors(mul.getRhs(), constant, factors);
    return;
  }
  factors.push_back(value);
}

/// Removes from `factors` one occurrence of each of `others`; false where one
/// is missing.
static bool cancel(SmallVectorImpl<Value> &factors, ArrayRef<Value> others,
                   int depth) {
  for (Value other : others) {
    auto *it = llvm::find_if(
        factors, [&](Value v) { return sameValue(v, other, depth); });
    if (it == factors.end())
      return false;
    factors.erase(it);
  }
  return true;
}

static bool sameValue(Value lhs, Value rhs, int depth) {
  if (lhs == rhs)
    return true;
  Operation *a = lhs.getDefiningOp(), *b = rhs.getDefiningOp();
  if (!a || !b || depth > 8)
    return false;
  if (isa<arith::MulIOp>(a) && isa<arith::MulIOp>(b)) {
    int64_t ca = 1, cb = 1;
    SmallVector<Value> fa, fb;
    collectFactors(lhs, ca, fa);
    collectFactors(rhs, cb, fb);
    return ca == cb && fa.size() == fb.size() && cancel(fa, fb, depth + 1);
  }
  bool comparable = isa_and_nonnull<arith::ArithDialect>(a->getDialect()) ||
                    isa<tensor::DimOp, tensor::ExtractOp>(a);
  if (!comparable || a->getName() != b->getName() ||
      a->getAttrDictionary() != b->getAttrDictionary() ||
      a->getPropertiesAsAttribute() != b->getPropertiesAsAttribute() ||
      a->getNumOperands() != b->getNumOperands())
    return false;
  return llvm::all_of(
      llvm::zip(a->getOperands(), b->getOperands()), [&](auto pair) {
        return sameValue(std::get<0>(pair), std::get<1>(pair), depth + 1);
      });
}

bool TensorBuilder::same(OpFoldResult lhs, OpFoldResult rhs) {
  auto a = getConstantIntValue(lhs), b = getConstantIntValue(rhs);
  if (a || b)
    return a && b && *a == *b;
  return sameValue(cast<Value>(lhs), cast<Value>(rhs), 0);
}

bool TensorBuilder::divides(OpFoldResult factor, OpFoldResult product) {
  int64_t ca = 1, cb = 1;
  SmallVector<Value> fa, fb;
  collectFactors(toValue(factor), ca, fa);
  collectFactors(toValue(product), cb, fb);
  return ca > 0 && cb % ca == 0 && cancel(fb, fa, 0);
}

OpFoldResult TensorBuilder::div(OpFoldResult lhs, OpFoldResult rhs) {
  int64_t ca = 1, cb = 1;
  SmallVector<Value> fa, fb;
  collectFactors(toValue(lhs), ca, fa);
  collectFactors(toValue(rhs), cb, fb);
  // A factor that cancels may be zero at run time, where the quotient is
  // undefined anyway.
  if (cb > 0 && ca % cb == 0 && cancel(fa, fb, 0)) {
    Dims rest(fa.begin(), fa.end());
    rest.push_back(attr(ca / cb));
    return product(rest);
  }
  return foldBinary<arith::DivSIOp>(*this, lhs, rhs);
}

//===----------------------------------------------------------------------===//
// Shapes
//===----------------------------------------------------------------------===//

RankedTensorType TensorBuilder::typeFor(ArrayRef<OpFoldResult> dims,
                                        Type elementType) {
  SmallVector<int64_t> sizes;
  for (OpFoldResult dim : dims) {
    auto constant = getConstantIntValue(dim);
    sizes.push_back(constant && *constant >= 0 ? *constant
                                               : ShapedType::kDynamic);
  }
  given(elementType);
  auto type = RankedTensorType::get(sizes, elementType);
  checkSize(type);
  return type;
}

/// Size `i` of `op`'s result where the operation states it; null otherwise.
static OpFoldResult statedSize(TensorBuilder &b, Value tensor, int64_t i) {
  Operation *op = tensor.getDefiningOp();
  if (!op)
    return {};
  if (auto cast = dyn_cast<tensor::CastOp>(op))
    return b.dim(cast.getSource(), i);
  if (auto empty = dyn_cast<tensor::EmptyOp>(op))
    return empty.getMixedSizes()[i];
  if (auto slice = dyn_cast<tensor::ExtractSliceOp>(op))
    return slice.getDroppedDims().any() ? OpFoldResult()
                                        : slice.getMixedSizes()[i];
  if (auto expand = dyn_cast<tensor::ExpandShapeOp>(op))
    return expand.getMixedOutputShape()[i];
  if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(op)) {
    Dims factors;
    SmallVector<ReassociationIndices> groups =
        collapse.getReassociationIndices();
    for (int64_t source : groups[i])
      factors.push_back(b.dim(collapse.getSrc(), source));
    return b.product(factors);
  }
  if (auto reshape = dyn_cast<tensor::ReshapeOp>(op)) {
    if (auto elements = b.scalars(reshape.getShape()))
      return b.toDim((*elements)[i]);
    return {};
  }
  if (auto dest = dyn_cast<DestinationStyleOpInterface>(op)) {
    OpOperand *init = dest.getTiedOpOperand(cast<OpResult>(tensor));
    return b.dim(init->get(), i);
  }
  return {};
}

OpFoldResult TensorBuilder::dim(Value tensor, int64_t i) {
  checkAxes(tensor, i);
  auto tensorType = type(tensor);
  if (!tensorType.isDynamicDim(i))
    return attr(tensorType.getDimSize(i));
  auto it = dimCache.find({tensor, i});
  if (it != dimCache.end())
    return getAsOpFoldResult(it->second);
  // Whatever has to be computed goes right after the definition, where it
  // dominates every use.
  OpBuilder::InsertionGuard guard(*this);
  setInsertionPointAfterDefinition(tensor);
  OpFoldResult size = statedSize(*this, tensor, i);
  if (!size) {
    Value position = index(i);
    setInsertionPointAfterDefinition(tensor);
    size = Value(tensor::DimOp::create(*this, tensor, position));
  }
  if (auto value = dyn_cast<Value>(size))
    dimCache[{tensor, i}] = value;
  return size;
}

void TensorBuilder::setDim(Value tensor, int64_t i, OpFoldResult size) {
  checkAxes(tensor, i);
  if (auto value = dyn_cast<Value>(size))
    dimCache[{tensor, i}] = value;
}

void TensorBuilder::forgetInside(Operation *op) {
  auto isInside = [&](Value value) {
    Region *region = value.getParentRegion();
    return region && op->isAncestor(region->getParentOp());
  };
  for (auto *cache : {&dimCache, &elementCache}) {
    SmallVector<std::pair<Value, int64_t>> stale;
    for (auto &[key, value] : *cache)
      if (isInside(key.first) || isInside(value))
        stale.push_back(key);
    for (auto &key : stale)
      cache->erase(key);
  }
}

Dims TensorBuilder::shape(Value tensor) {
  Dims result;
  for (int64_t i = 0; i < rank(tensor); ++i)
    result.push_back(dim(tensor, i));
  return result;
}

void TensorBuilder::runtimeCheck(Value condition, const Twine &message) {
  APInt constant;
  if (matchPattern(given(condition), m_ConstantInt(&constant)) &&
      !constant.isZero())
    return;
  cf::AssertOp::create(*this, condition,
                       StringAttr::get(getContext(), errorContext + message));
}

/// The size of two broadcast dimensions that may differ.
static OpFoldResult broadcastDims(TensorBuilder &b, OpFoldResult lhs,
                                  OpFoldResult rhs) {
  Value one = b.index(1), left = b.toValue(lhs), right = b.toValue(rhs);
  auto equals = [&](Value x, Value y) {
    return b.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::eq, x, y);
  };
  Value leftIsOne = equals(left, one), rightIsOne = equals(right, one);
  Value fits = b.createOrFold<arith::OrIOp>(
      b.createOrFold<arith::OrIOp>(leftIsOne, rightIsOne), equals(left, right));
  b.runtimeCheck(fits, "sizes cannot be broadcast to each other");
  // Against a static size other than 1, only that size can result.
  if (getConstantIntValue(lhs))
    return lhs;
  if (getConstantIntValue(rhs))
    return rhs;
  return b.createOrFold<arith::SelectOp>(leftIsOne, right, left);
}

FailureOr<Dims> TensorBuilder::broadcastShape(ArrayRef<Dims> shapes) {
  size_t outRank = 0;
  for (const Dims &dims : shapes)
    outRank = std::max(outRank, dims.size());
  Dims result(outRank, attr(1));
  for (const Dims &dims : shapes) {
    for (auto [i, size] : llvm::enumerate(dims)) {
      OpFoldResult &out = result[outRank - dims.size() + i];
      auto a = getConstantIntValue(out), c = getConstantIntValue(size);
      if (c && *c == 1)
        continue;
      if ((a && *a == 1) || same(out, size)) {
        out = size;
        continue;
      }
      if (a && c) {
        error("cannot broadcast size " + Twine(*a) + " with " + Twine(*c));
        return failure();
      }
      out = broadcastDims(*this, out, size);
    }
  }
  return result;
}
