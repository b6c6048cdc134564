//===- Checks.cpp - Conditions on tensor sizes ----------------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Checks.h"

#include "ScalarCode.h"

using namespace mlir;
using namespace fovea::frontend;

LogicalResult fovea::frontend::requireRank(NodeImporter &node, size_t i,
                                           int64_t rank) {
  if (!node.input(i) || node.rank(i) == rank)
    return success();
  return node.fail("input " + Twine(i) + " has rank " + Twine(node.rank(i)) +
                   " and needs rank " + Twine(rank));
}

LogicalResult fovea::frontend::requireEqual(NodeImporter &node, OpFoldResult a,
                                            OpFoldResult b, const Twine &what) {
  TensorBuilder &builder = node.b();
  std::optional<int64_t> first = getConstantIntValue(a),
                         second = getConstantIntValue(b);
  if (first && second) {
    if (*first != *second)
      return node.fail(what + ": " + Twine(*first) + " and " + Twine(*second) +
                       " have to be equal");
    return success();
  }
  if (!builder.same(a, b)) {
    ScalarCode s(builder);
    builder.runtimeCheck(s.eq(builder.toValue(a), builder.toValue(b)),
                         what + ": sizes have to be equal");
  }
  return success();
}

LogicalResult fovea::frontend::requireAtMost(NodeImporter &node, OpFoldResult a,
                                             OpFoldResult b,
                                             const Twine &what) {
  TensorBuilder &builder = node.b();
  std::optional<int64_t> first = getConstantIntValue(a),
                         second = getConstantIntValue(b);
  if (first && second) {
    if (*first > *second)
      return node.fail(what + ": " + Twine(*first) + " is larger than " +
                       Twine(*second));
    return success();
  }
  if (!builder.same(a, b)) {
    ScalarCode s(builder);
    builder.runtimeCheck(s.le(builder.toValue(a), builder.toValue(b)),
                         what + ": size out of range");
  }
  return success();
}

LogicalResult fovea::frontend::requireElements(NodeImporter &node,
                                               OpFoldResult axis,
                                               ArrayRef<OpFoldResult> indexing,
                                               const Twine &what) {
  TensorBuilder &builder = node.b();
  OpFoldResult count = builder.product(indexing);
  std::optional<int64_t> size = getConstantIntValue(axis),
                         uses = getConstantIntValue(count);
  if ((size && *size > 0) || (uses && *uses == 0))
    return success();
  if (size && uses)
    return node.fail(what + ": the axis has no elements");
  ScalarCode s(builder);
  Value none = s.eq(builder.toValue(count), s.index(0));
  Value some = s.lt(s.index(0), builder.toValue(axis));
  builder.runtimeCheck(s.either(none, some),
                       what + ": the axis has no elements");
  return success();
}
