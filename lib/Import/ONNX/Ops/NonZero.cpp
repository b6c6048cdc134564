//===- NonZero.cpp - NonZero and Unique -----------------------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "../Sort.h"
#include "Families.h"

using namespace mlir;
using namespace fovea::frontend;

//===----------------------------------------------------------------------===//
// NonZero
//===----------------------------------------------------------------------===//

/// Counts, then writes the positions of the elements that are not zero, as
/// columns of a tensor<rank x count>.
static LogicalResult importNonZero(NodeImporter &node) {
  TensorBuilder &b = node.b();
  ScalarCode s(b);
  Value x = node.input(0);
  // A scalar counts as a tensor with one element.
  if (b.rank(x) == 0)
    x = b.reshape(x, {b.attr(1)});
  int64_t rank = b.rank(x);
  SmallVector<Value> sizes = s.dims(x);
  auto isNonZero = [&](ValueRange position) {
    Value element = s.extract(x, position);
    return s.ne(element, s.constant(element.getType(), 0));
  };
  Value count = s.forNest(
      sizes, s.index(0), [&](ValueRange position, ValueRange carried) {
        Value next = s.add(carried[0], s.index(1));
        return ScalarCode::Values{
            s.select(isNonZero(position), next, carried[0])};
      })[0];
  Value result = b.empty({b.attr(rank), b.toDim(count)}, b.getI64Type());
  result = s.forNest(
      sizes, {result, s.index(0)},
      [&](ValueRange position, ValueRange carried) {
        return s.ifElse(
            isNonZero(position),
            [&] {
              Value filled = carried[0];
              for (int64_t i = 0; i < rank; ++i)
                filled = s.insert(s.convert(position[i], b.getI64Type()),
                                  filled, {s.index(i), carried[1]});
              return ScalarCode::Values{filled, s.add(carried[1], s.index(1))};
            },
            [&] { return ScalarCode::Values(carried); });
      })[0];
  return node.bindOutput(0, result);
}

//===----------------------------------------------------------------------===//
// Unique
//===----------------------------------------------------------------------===//

namespace {

/// The distinct rows of a matrix.
struct Unique {
  TensorBuilder &b;
  ScalarCode s;
  Value rows; // tensor<n x m>
  bool isUnsigned;
  /// For each row the number of its class, in the order of the result.
  Value classes;
  /// For each class its first row and its size; only the first `count` count.
  Value first, sizes, count;

  Unique(TensorBuilder &b, Value rows, bool isUnsigned)
      : b(b), s(b), rows(rows), isUnsigned(isUnsigned) {}
  void find(bool sorted);

private:
  Value compare(Value i, Value j);
  void findSorted();
  void reorderByFirst();
};

} // namespace

/// -1, 0 or 1 (index) as row i is before, equal to or after row j.
Value Unique::compare(Value i, Value j) {
  Value width = s.dim(rows, 1);
  return s.whileLoop(
      {s.index(0), s.index(0)},
      [&](ValueRange values) {
        return s.both(s.lt(values[0], width), s.eq(values[1], s.index(0)));
      },
      [&](ValueRange values) {
        Value x = s.extract(rows, {i, values[0]}),
              y = s.extract(rows, {j, values[0]});
        Value isLess = precedes(s, x, y, false, isUnsigned),
              isMore = precedes(s, y, x, false, isUnsigned);
        Value order = s.select(isLess, s.index(-1),
                               s.select(isMore, s.index(1), s.index(0)));
        return ScalarCode::Values{s.add(values[0], s.index(1)), order};
      })[1];
}

/// Classes in the order of their values: runs of equal rows in sorted order.
void Unique::findSorted() {
  Type i64 = b.getI64Type();
  OpFoldResult n = b.dim(rows, 0);
  s.dim(rows, 1);
  Value order = sortedPositions(b, n, [&](ScalarCode &, Value i, Value j) {
    return s.eq(compare(i, j), s.index(-1));
  });
  classes = b.empty({n}, i64);
  first = b.empty({n}, i64);
  sizes = b.zeros({n}, i64);
  auto results = s.forNest(
      {b.toValue(n)}, {classes, first, sizes, s.index(0)},
      [&](ValueRange position, ValueRange carried) {
        Value k = position[0], entry = s.extract(order, k),
              row = s.toIndex(entry);
        Value isStart = s.eq(k, s.index(0));
        Value before = s.toIndex(
            s.extract(order, s.max(s.sub(k, s.index(1)), s.index(0))));
        Value isNew = s.either(isStart, s.ne(compare(before, row), s.index(0)));
        Value count =
            s.select(isNew, s.add(carried[3], s.index(1)), carried[3]);
        Value own = s.sub(count, s.index(1));
        Value classes = s.insert(s.convert(own, i64), carried[0], row);
        // Equal rows keep their order, so that the first of a run is the first
        // of all.
        Value firstOfClass = s.select(isNew, entry, s.extract(carried[1], own));
        Value first = s.insert(firstOfClass, carried[1], own);
        Value size = s.add(s.extract(carried[2], own), s.constant(i64, 1));
        return ScalarCode::Values{classes, first,
                                  s.insert(size, carried[2], own), count};
      });
  classes = results[0];
  first = results[1];
  sizes = results[2];
  count = results[3];
}

/// Renumbers the classes in the order in which they first occur.
void Unique::reorderByFirst() {
  Type i64 = b.getI64Type();
  OpFoldResult n = b.dim(rows, 0);
  Value sortedClasses = classes, sortedFirst = first, sortedSizes = sizes;
  Value numbers = b.empty({n}, i64);
  auto results = s.forNest(
      {b.toValue(n)},
      {b.empty({n}, i64), b.empty({n}, i64), b.empty({n}, i64), numbers,
       s.index(0)},
      [&](ValueRange position, ValueRange carried) {
        Value row = position[0], own = s.toIndex(s.extract(sortedClasses, row));
        Value firstRow = s.extract(sortedFirst, own);
        Value isNew = s.eq(s.toIndex(firstRow), row);
        // The number that a class has got, or gets now.
        Value number = s.select(isNew, s.convert(carried[4], i64),
                                s.extract(carried[3], own));
        Value target = s.toIndex(number);
        Value count =
            s.select(isNew, s.add(carried[4], s.index(1)), carried[4]);
        return ScalarCode::Values{
            s.insert(number, carried[0], row),
            s.insert(firstRow, carried[1], target),
            s.insert(s.extract(sortedSizes, own), carried[2], target),
            s.insert(number, carried[3], own), count};
      });
  classes = results[0];
  first = results[1];
  sizes = results[2];
}

void Unique::find(bool sorted) {
  findSorted();
  if (!sorted)
    reorderByFirst();
}

static LogicalResult importUnique(NodeImporter &node) {
  TensorBuilder &b = node.b();
  Value x = node.input(0);
  std::optional<int64_t> axis;
  SmallVector<int64_t> toFront;
  Value rows;
  if (node.hasAttr("axis")) {
    FailureOr<int64_t> given = node.attrAxis("axis", 0, b.rank(x));
    if (failed(given))
      return failure();
    axis.emplace(*given);
    toFront.push_back(*axis);
    for (int64_t i = 0; i < b.rank(x); ++i)
      if (i != *axis)
        toFront.push_back(i);
    Value moved = b.transpose(x, toFront);
    Dims shape = b.shape(moved);
    rows = b.reshape(
        moved,
        {shape[0], b.product(ArrayRef<OpFoldResult>(shape).drop_front())});
  } else {
    rows = b.reshape(x, {b.product(b.shape(x)), b.attr(1)});
  }
  Unique unique(b, rows, node.isUnsigned(0));
  unique.find(node.attrInt("sorted", 1) != 0);
  OpFoldResult count = b.toDim(unique.count);
  Value first = b.sliceAxis(unique.first, 0, b.attr(0), count);

  int64_t keptAxis = axis.value_or(0);
  Value source = axis ? x : b.reshape(x, {b.product(b.shape(x))});
  Dims shape = b.shape(source);
  shape[keptAxis] = count;
  Value values = b.generate(
      shape, b.elementType(x), [&](TensorBuilder &inner, ValueRange position) {
        ScalarCode s(inner);
        SmallVector<Value> from(position);
        from[keptAxis] = s.toIndex(s.extract(first, position[keptAxis]));
        return s.extract(source, from);
      });
  if (failed(node.bindOutput(0, values)) || failed(node.bindOutput(1, first)) ||
      failed(node.bindOutput(2, unique.classes)))
    return failure();
  return node.bindOutput(3, b.sliceAxis(unique.sizes, 0, b.attr(0), count));
}

void fovea::frontend::registerNonZeroOps(OpRegistry &registry) {
  registry.add("NonZero", importNonZero);
  registry.add("Unique", importUnique);
}
