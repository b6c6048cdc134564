//===- NonMaxSuppression.cpp - NonMaxSuppression --------------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "../Checks.h"
#include "../Sort.h"
#include "Families.h"

using namespace mlir;
using namespace fovea::frontend;

namespace {

/// For each batch and class the boxes by falling score, without those that
/// overlap too much with one that is selected already.
struct NonMaxSuppression {
  NodeImporter &node;
  TensorBuilder &b;
  ScalarCode s;
  Value boxes, scores;
  bool hasCenters;
  /// Most boxes of a class; least overlap and score (null: any), all scalars.
  Value most, overlap, leastScore;
  /// Positions of the boxes by falling score.
  Value order;

  explicit NonMaxSuppression(NodeImporter &node)
      : node(node), b(node.b()), s(b), boxes(node.input(0)),
        scores(node.input(1)),
        hasCenters(node.attrInt("center_point_box", 0) != 0) {}
  LogicalResult read();
  Value build();

private:
  struct Interval {
    Value low, high;
  };
  Interval interval(Value batch, Value box, int64_t axis);
  Value overlaps(Value batch, Value box, Value other);
  Value isSuppressed(ValueRange group, Value box, Value rows, Value begin,
                     Value end);
  using Values = ScalarCode::Values;
  Values visit(ValueRange group, Value place, Value begin, ValueRange carried);
};

} // namespace

LogicalResult NonMaxSuppression::read() {
  if (failed(requireRank(node, 0, 3)) || failed(requireRank(node, 1, 3)) ||
      failed(requireEqual(node, b.dim(boxes, 0), b.dim(scores, 0),
                          "the batches of boxes and scores")) ||
      failed(requireEqual(node, b.dim(boxes, 1), b.dim(scores, 2),
                          "the numbers of boxes and scores")) ||
      failed(requireEqual(node, b.dim(boxes, 2), b.attr(4),
                          "the numbers of a box")))
    return failure();
  Type type = b.elementType(boxes);
  auto scalar = [&](size_t i, Value otherwise) {
    return node.input(i) ? b.extractScalar(node.input(i)) : otherwise;
  };
  most = s.max(s.toIndex(scalar(2, s.index(0))), s.index(0));
  overlap = scalar(3, s.constant(type, 0));
  leastScore = scalar(4, Value());
  return success();
}

/// What a box covers along y (0) or x (1).
NonMaxSuppression::Interval NonMaxSuppression::interval(Value batch, Value box,
                                                        int64_t axis) {
  auto at = [&](int64_t i) {
    return s.extract(boxes, {batch, box, s.index(i)});
  };
  if (!hasCenters) {
    // Two opposite corners, in any order.
    Value first = at(axis), second = at(axis + 2);
    return {s.min(first, second), s.max(first, second)};
  }
  Value center = at(1 - axis), size = at(3 - axis);
  Value half = s.div(size, s.constant(size.getType(), 2));
  return {s.sub(center, half), s.add(center, half)};
}

/// Whether the intersection of two boxes, as a part of their union, is above
/// the threshold.
Value NonMaxSuppression::overlaps(Value batch, Value box, Value other) {
  Value zero = s.constant(b.elementType(boxes), 0), common, own, others;
  for (int64_t axis = 0; axis < 2; ++axis) {
    Interval x = interval(batch, box, axis), y = interval(batch, other, axis);
    Value shared =
        s.max(s.sub(s.min(x.high, y.high), s.max(x.low, y.low)), zero);
    Value ownSize = s.sub(x.high, x.low), otherSize = s.sub(y.high, y.low);
    common = axis ? s.mul(common, shared) : shared;
    own = axis ? s.mul(own, ownSize) : ownSize;
    others = axis ? s.mul(others, otherSize) : otherSize;
  }
  Value all = s.sub(s.add(own, others), common);
  Value isThere = s.both(s.both(s.lt(zero, common), s.lt(zero, all)),
                         s.both(s.lt(zero, own), s.lt(zero, others)));
  return s.both(isThere, s.lt(overlap, s.div(common, all)));
}

/// Whether `box` overlaps with one of rows [begin, end).
Value NonMaxSuppression::isSuppressed(ValueRange group, Value box, Value rows,
                                      Value begin, Value end) {
  return s.whileLoop(
      {begin, s.constant(b.getI1Type(), 0)},
      [&](ValueRange values) {
        return s.both(s.lt(values[0], end), s.invert(values[1]));
      },
      [&](ValueRange values) {
        Value other = s.toIndex(s.extract(rows, {values[0], s.index(2)}));
        return Values{s.add(values[0], s.index(1)),
                      overlaps(group[0], box, other)};
      })[1];
}

/// Takes the box at `place` of the order into the rows, or leaves it.
/// `carried`: the rows and their number; rows of this class are from `begin`.
ScalarCode::Values NonMaxSuppression::visit(ValueRange group, Value place,
                                            Value begin, ValueRange carried) {
  Value rows = carried[0], count = carried[1];
  Value box = s.toIndex(s.extract(order, {group[0], group[1], place}));
  Value eligible = s.lt(s.sub(count, begin), most);
  if (leastScore) {
    Value score = s.extract(scores, {group[0], group[1], box});
    eligible = s.both(eligible, s.lt(leastScore, score));
  }
  auto skip = [&] { return Values{rows, count}; };
  return s.ifElse(
      eligible,
      [&] {
        Value taken = isSuppressed(group, box, rows, begin, count);
        return s.ifElse(taken, skip, [&] {
          Value filled = rows;
          for (auto [i, value] :
               llvm::enumerate(Values{group[0], group[1], box}))
            filled = s.insert(s.convert(value, b.getI64Type()), filled,
                              {count, s.index(i)});
          return Values{filled, s.add(count, s.index(1))};
        });
      },
      skip);
}

Value NonMaxSuppression::build() {
  order = sortedPositions(b, scores, [](ScalarCode &s, Value x, Value y) {
    return precedes(s, x, y, /*descending=*/true, /*isUnsigned=*/false);
  });
  Values sizes = s.dims(scores);
  Value groups = s.mul(sizes[0], sizes[1]);
  OpFoldResult capacity = b.toDim(s.mul(groups, s.min(most, sizes[2])));
  Value rows = b.empty({capacity, b.attr(3)}, b.getI64Type());
  Values results = s.forNest(
      {sizes[0], sizes[1]}, {rows, s.index(0)},
      [&](ValueRange group, ValueRange carried) {
        return s.forNest({sizes[2]}, carried,
                         [&](ValueRange place, ValueRange inner) {
                           return visit(group, place[0], carried[1], inner);
                         });
      });
  return b.sliceAxis(results[0], 0, b.attr(0), b.toDim(results[1]));
}

static LogicalResult importNonMaxSuppression(NodeImporter &node) {
  NonMaxSuppression nms(node);
  if (failed(nms.read()))
    return failure();
  return node.bindOutput(0, nms.build());
}

void fovea::frontend::registerNonMaxSuppressionOps(OpRegistry &registry) {
  registry.add("NonMaxSuppression", importNonMaxSuppression);
}
