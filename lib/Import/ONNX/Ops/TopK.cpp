//===- TopK.cpp - TopK ----------------------------------------------------===//
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

/// K as a dimension, checked against the row length.
static FailureOr<OpFoldResult> readCount(NodeImporter &node,
                                         OpFoldResult length) {
  TensorBuilder &b = node.b();
  std::optional<Dims> given = b.dimsFrom(node.input(1));
  if (!given || given->size() != 1)
    return node.fail("K has to be a tensor with one element");
  OpFoldResult count = given->front();
  std::optional<int64_t> known = getConstantIntValue(count),
                         most = getConstantIntValue(length);
  if (known && most) {
    if (*known < 0 || *known > *most)
      return node.fail("K = " + Twine(*known) + " is not in [0, " +
                       Twine(*most) + "]");
    return count;
  }
  ScalarCode s(b);
  Value k = b.toValue(count);
  b.runtimeCheck(s.both(s.le(s.index(0), k), s.le(k, b.toValue(length))),
                 "TopK: K is larger than the axis");
  return count;
}

static LogicalResult importTopK(NodeImporter &node) {
  TensorBuilder &b = node.b();
  Value x = node.input(0);
  FailureOr<int64_t> axis = node.attrAxis("axis", -1, b.rank(x));
  if (failed(axis))
    return failure();
  FailureOr<OpFoldResult> count = readCount(node, b.dim(x, *axis));
  if (failed(count))
    return failure();
  SmallVector<int64_t> toLast, back;
  for (int64_t i = 0; i < b.rank(x); ++i)
    if (i != *axis)
      toLast.push_back(i);
  toLast.push_back(*axis);
  back = invertPermutationVector(toLast);
  Value rows = b.transpose(x, toLast);

  bool descending = node.attrInt("largest", 1) != 0,
       isUnsigned = node.isUnsigned(0);
  Value order = sortedPositions(b, rows, [&](ScalarCode &s, Value x, Value y) {
    return precedes(s, x, y, descending, isUnsigned);
  });
  Value indices = b.sliceAxis(order, b.rank(x) - 1, b.attr(0), *count);
  Value values = b.generate(b.shape(indices), b.elementType(x),
                            [&](TensorBuilder &inner, ValueRange position) {
                              ScalarCode s(inner);
                              SmallVector<Value> source(position);
                              source.back() =
                                  s.toIndex(s.extract(indices, position));
                              return s.extract(rows, source);
                            });
  if (failed(node.bindOutput(0, b.transpose(values, back))))
    return failure();
  return node.bindOutput(1, b.transpose(indices, back));
}

void fovea::frontend::registerTopKOps(OpRegistry &registry) {
  registry.add("TopK", importTopK);
}
