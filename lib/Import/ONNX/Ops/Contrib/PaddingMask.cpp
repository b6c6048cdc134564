//===- PaddingMask.cpp - Padding masks of attention ----------------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "PaddingMask.h"
#include "../../Checks.h"
#include "../../ScalarCode.h"

#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace fovea::frontend;

namespace {
/// Reads one mask input.
class PaddingMask {
public:
  PaddingMask(NodeImporter &n, AttentionBuilder &attention, Value mask,
              OpFoldResult pastLength, bool isCausal)
      : n(n), b(n.b()), attention(attention), mask(mask),
        pastLength(pastLength), isCausal(isCausal),
        filter(n.attrFloat("mask_filter_value", -10000.0)) {}

  LogicalResult addLengths();
  LogicalResult addKeys();
  LogicalResult addScores(Value visible);
  LogicalResult addSquare();

private:
  Value numbers(OpFoldResult first);
  Value startsIfAny(OpFoldResult length, OpFoldResult twice);
  LogicalResult addBounds(Value ends, Value starts);
  LogicalResult addRanges(Value ends, Value starts);

  NodeImporter &n;
  TensorBuilder &b;
  AttentionBuilder &attention;
  Value mask;
  OpFoldResult pastLength;
  bool isCausal;
  double filter;
};
} // namespace

/// Filters at least this low leave nothing of a hidden key beside a visible
/// one.
static constexpr double hidingFilter = -1000;

/// One number for each batch, from element `first` of the mask on.
Value PaddingMask::numbers(OpFoldResult first) {
  return b.slice(mask, {first}, {attention.batch}, {b.attr(1)});
}

/// The starts of a mask that turns out to have them, else zeros.
Value PaddingMask::startsIfAny(OpFoldResult length, OpFoldResult twice) {
  ScalarCode outer(b);
  Value hasStarts = outer.eq(b.toValue(length), b.toValue(twice));
  Value count = b.toValue(attention.batch);
  return b.generate({attention.batch}, b.elementType(mask),
                    [&](TensorBuilder &inner, ValueRange at) {
                      ScalarCode s(inner);
                      Value shift = s.select(hasStarts, count, s.index(0));
                      Value start = s.extract(mask, s.add(at[0], shift));
                      Value none = s.constant(start.getType(), 0);
                      return s.select(hasStarts, start, none);
                    });
}

LogicalResult PaddingMask::addLengths() {
  OpFoldResult length = b.dim(mask, 0), batch = attention.batch;
  Value ends, starts;
  OpFoldResult twice = b.mul(batch, b.attr(2));
  OpFoldResult thrice = b.add(b.mul(batch, b.attr(3)), b.attr(2));
  if (b.same(length, batch)) {
    ends = mask;
  } else if (b.same(length, twice)) {
    ends = numbers(b.attr(0));
    starts = numbers(batch);
  } else if (b.same(length, thrice)) {
    ends = numbers(b.attr(0));
  } else {
    // Which form it is shows at run time.
    if (failed(requireAtMost(n, batch, length, "a mask of one dimension")))
      return failure();
    ends = numbers(b.attr(0));
    starts = startsIfAny(length, twice);
  }
  // With a causal mask, rows before the start of a batch see hidden keys only.
  bool exact = filter <= hidingFilter && !(isCausal && starts);
  return exact ? addBounds(ends, starts) : addRanges(ends, starts);
}

/// Keys in [start, end); all where that is empty.
LogicalResult PaddingMask::addBounds(Value ends, Value starts) {
  Type type = b.elementType(mask);
  Value total = b.fromDim(attention.keys, type), zero = b.scalar(type, 0);
  SmallVector<Value> inputs = {ends};
  if (starts)
    inputs.push_back(starts);
  auto bound = [&](bool isEnd) {
    return b.elementwise(inputs, type, [&](TensorBuilder &b, ValueRange args) {
      ScalarCode s(b);
      Value end = s.min(args[0], total);
      Value start = starts ? s.max(args[1], zero) : zero;
      Value isEmpty = s.le(end, start);
      return isEnd ? s.select(isEmpty, total, end)
                   : s.select(isEmpty, zero, start);
    });
  };
  auto end = bound(true);
  FailureOr<Value> start = Value();
  if (starts)
    start = bound(false);
  if (failed(end) || failed(start))
    return failure();
  attention.addBounds(*start, *end);
  return success();
}

/// The same as numbers that are added.
LogicalResult PaddingMask::addRanges(Value ends, Value starts) {
  Value bias = b.generate(
      {attention.batch, b.attr(1), b.attr(1), attention.keys}, b.getF32Type(),
      [&](TensorBuilder &inner, ValueRange at) {
        ScalarCode s(inner);
        Value visible = s.lt(at[3], s.toIndex(s.extract(ends, at[0])));
        if (starts)
          visible =
              s.both(visible, s.le(s.toIndex(s.extract(starts, at[0])), at[3]));
        return s.select(visible, inner.scalar(inner.getF32Type(), 0.0),
                        inner.scalar(inner.getF32Type(), filter));
      });
  return attention.addBias(bias);
}

LogicalResult PaddingMask::addKeys() {
  OpFoldResult keys = b.dim(mask, 1);
  // One column stands for all keys, and all keys hidden is none hidden.
  if (getConstantIntValue(keys) == 1)
    return success();
  if (failed(requireEqual(n, b.dim(mask, 0), attention.batch,
                          "batch of the mask")) ||
      failed(requireEqual(n, keys, attention.keys, "keys of the mask")))
    return failure();
  return addScores(b.unsqueeze(mask, {1, 2}));
}

/// A mask that broadcasts to [batch, heads, rows, keys].
LogicalResult PaddingMask::addScores(Value visible) {
  auto bias = b.elementwise(
      {visible}, b.getF32Type(), [&](TensorBuilder &b, ValueRange args) {
        ScalarCode s(b);
        Value shows = s.lt(b.scalar(args[0].getType(), 0), args[0]);
        return s.select(shows, b.scalar(b.getF32Type(), 0.0),
                        b.scalar(b.getF32Type(), filter));
      });
  if (failed(bias))
    return failure();
  return attention.addBias(*bias);
}

/// [batch, 1, M, M]: the rows behind the past, and as many keys as there are.
LogicalResult PaddingMask::addSquare() {
  OpFoldResult zero = b.attr(0), one = b.attr(1);
  if (failed(requireEqual(n, b.dim(mask, 0), attention.batch,
                          "batch of the mask")) ||
      failed(requireEqual(n, b.dim(mask, 1), one, "heads of the mask")) ||
      failed(requireAtMost(n, b.add(pastLength, attention.rows), b.dim(mask, 2),
                           "rows and the mask")) ||
      failed(requireAtMost(n, attention.keys, b.dim(mask, 3),
                           "keys and the mask")))
    return failure();
  return addScores(
      b.slice(mask, {zero, zero, pastLength, zero},
              {attention.batch, one, attention.rows, attention.keys},
              {one, one, one, one}));
}

LogicalResult fovea::frontend::addPaddingMask(NodeImporter &n,
                                              AttentionBuilder &attention,
                                              size_t i, OpFoldResult pastLength,
                                              bool isCausal) {
  if (!n.input(i))
    return success();
  TensorBuilder &b = n.b();
  Value input = n.input(i);
  PaddingMask mask(n, attention, input, pastLength, isCausal);
  switch (n.rank(i)) {
  case 1:
    return mask.addLengths();
  case 2:
    return mask.addKeys();
  case 3:
    if (failed(requireEqual(n, b.dim(input, 0), attention.batch,
                            "batch of the mask")) ||
        failed(requireEqual(n, b.dim(input, 1), attention.rows,
                            "rows of the mask")) ||
        failed(requireEqual(n, b.dim(input, 2), attention.keys,
                            "keys of the mask")))
      return failure();
    return mask.addScores(b.unsqueeze(input, {1}));
  case 4:
    return mask.addSquare();
  default:
    return n.fail("the mask has rank " + Twine(n.rank(i)));
  }
}
