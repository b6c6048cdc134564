//===- Sort.cpp - Sorted order of tensor rows -----------------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Sort.h"

using namespace mlir;
using namespace fovea::frontend;

/// Rows up to this length are sorted by counting smaller elements.
static constexpr int64_t maxCountedRow = 1024;

Value fovea::frontend::precedes(ScalarCode &s, Value x, Value y,
                                bool descending, bool isUnsigned) {
  if (descending)
    std::swap(x, y);
  Value less = s.lt(x, y, isUnsigned);
  if (!isa<FloatType>(x.getType()))
    return less;
  Value onlyLast = s.both(s.isNaN(y), s.invert(s.isNaN(x)));
  return s.either(less, onlyLast);
}

/// order[..., rank of i] = i.
static Value invertRanks(TensorBuilder &b, Value ranks) {
  ScalarCode s(b);
  Value order = b.empty(b.shape(ranks), b.getI64Type());
  return s.forNest(
      s.dims(ranks), order, [&](ValueRange position, ValueRange carried) {
        SmallVector<Value> target(position);
        target.back() = s.toIndex(s.extract(ranks, position));
        Value own = s.convert(position.back(), b.getI64Type());
        return ScalarCode::Values{s.insert(own, carried[0], target)};
      })[0];
}

/// ranks[..., i] = number of elements that come before element i.
static Value countRanks(TensorBuilder &b, Value x, Before before) {
  ScalarCode s(b);
  unsigned rank = b.rank(x);
  SmallVector<AffineExpr> own, other;
  for (unsigned i = 0; i + 1 < rank; ++i)
    own.push_back(b.getAffineDimExpr(i));
  other = own;
  own.push_back(b.getAffineDimExpr(rank - 1));
  other.push_back(b.getAffineDimExpr(rank));
  AffineMap ownMap = AffineMap::get(rank + 1, 0, own, b.getContext());
  AffineMap otherMap = AffineMap::get(rank + 1, 0, other, b.getContext());
  SmallVector<utils::IteratorType> iterators(rank,
                                             utils::IteratorType::parallel);
  iterators.push_back(utils::IteratorType::reduction);
  Value init = b.fill(b.scalar(b.getI32Type(), 0), b.shape(x));
  auto op = linalg::GenericOp::create(
      b, init.getType(), ValueRange{x, x}, init,
      ArrayRef<AffineMap>{ownMap, otherMap, ownMap}, iterators,
      [&](OpBuilder &inner, Location /*loc*/, ValueRange args) {
        OpBuilder::InsertionGuard guard(b);
        b.restoreInsertionPoint(inner.saveInsertionPoint());
        Value i = linalg::IndexOp::create(b, rank - 1);
        Value j = linalg::IndexOp::create(b, rank);
        // Ties keep their order.
        Value earlier =
            s.both(s.lt(j, i), s.invert(before(s, args[0], args[1])));
        Value first = s.either(before(s, args[1], args[0]), earlier);
        Value sum = s.add(args[2], s.convert(first, b.getI32Type()));
        linalg::YieldOp::create(b, sum);
      });
  return op.getResult(0);
}

/// Heap sort of order[row..., 0..count). `before` orders two entries strictly
/// and totally, so that it does not matter that a heap is not stable.
static Value heapSort(TensorBuilder &b, Value order, ValueRange row,
                      Value count, function_ref<Value(Value, Value)> before) {
  ScalarCode s(b);
  auto at = [&](Value i) {
    SmallVector<Value> position(row);
    position.push_back(i);
    return position;
  };
  // Moves the entry at `root` down until both children come before it.
  auto siftDown = [&](Value heap, Value root, Value end) {
    return s.whileLoop(
        {heap, root},
        [&](ValueRange values) {
          return s.lt(s.add(s.add(values[1], values[1]), s.index(1)), end);
        },
        [&](ValueRange values) {
          Value parent = values[1];
          Value left = s.add(s.add(parent, parent), s.index(1));
          Value right = s.min(s.add(left, s.index(1)), s.sub(end, s.index(1)));
          Value leftEntry = s.extract(values[0], at(left));
          Value rightEntry = s.extract(values[0], at(right));
          Value useRight = before(leftEntry, rightEntry);
          Value child = s.select(useRight, right, left);
          Value childEntry = s.select(useRight, rightEntry, leftEntry);
          Value parentEntry = s.extract(values[0], at(parent));
          Value swap = before(parentEntry, childEntry);
          Value heap = s.insert(s.select(swap, childEntry, parentEntry),
                                values[0], at(parent));
          heap = s.insert(s.select(swap, parentEntry, childEntry), heap,
                          at(child));
          return ScalarCode::Values{heap, s.select(swap, child, end)};
        })[0];
  };
  Value half = s.div(count, s.index(2));
  Value heap =
      s.forNest({half}, order, [&](ValueRange position, ValueRange carried) {
        Value root = s.sub(s.sub(half, s.index(1)), position[0]);
        return ScalarCode::Values{siftDown(carried[0], root, count)};
      })[0];
  Value steps = s.max(s.sub(count, s.index(1)), s.index(0));
  return s.forNest({steps}, heap, [&](ValueRange position, ValueRange carried) {
    Value end = s.sub(s.sub(count, s.index(1)), position[0]);
    Value first = s.extract(carried[0], at(s.index(0)));
    Value last = s.extract(carried[0], at(end));
    Value swapped = s.insert(last, carried[0], at(s.index(0)));
    swapped = s.insert(first, swapped, at(end));
    return ScalarCode::Values{siftDown(swapped, s.index(0), end)};
  })[0];
}

static Value iota(TensorBuilder &b, ArrayRef<OpFoldResult> dims) {
  return b.generate(
      dims, b.getI64Type(), [](TensorBuilder &inner, ValueRange position) {
        return ScalarCode(inner).convert(position.back(), inner.getI64Type());
      });
}

Value fovea::frontend::sortedPositions(TensorBuilder &b, Value x,
                                       Before before) {
  int64_t length = b.type(x).getShape().back();
  if (!ShapedType::isDynamic(length) && length <= maxCountedRow)
    return invertRanks(b, countRanks(b, x, before));
  ScalarCode s(b);
  Value order = iota(b, b.shape(x));
  SmallVector<Value> sizes = s.dims(x);
  Value count = sizes.pop_back_val();
  return s.forNest(sizes, order, [&](ValueRange row, ValueRange carried) {
    auto element = [&](Value entry) {
      SmallVector<Value> position(row);
      position.push_back(s.toIndex(entry));
      return s.extract(x, position);
    };
    auto entryBefore = [&](Value p, Value q) {
      Value x = element(p), y = element(q);
      Value earlier = s.both(s.lt(p, q), s.invert(before(s, y, x)));
      return s.either(before(s, x, y), earlier);
    };
    return ScalarCode::Values{heapSort(b, carried[0], row, count, entryBefore)};
  })[0];
}

Value fovea::frontend::sortedPositions(TensorBuilder &b, OpFoldResult count,
                                       Before before) {
  ScalarCode s(b);
  Value order = iota(b, {count});
  auto entryBefore = [&](Value p, Value q) {
    Value i = s.toIndex(p), j = s.toIndex(q);
    Value earlier = s.both(s.lt(p, q), s.invert(before(s, j, i)));
    return s.either(before(s, i, j), earlier);
  };
  return heapSort(b, order, {}, b.toValue(count), entryBefore);
}
