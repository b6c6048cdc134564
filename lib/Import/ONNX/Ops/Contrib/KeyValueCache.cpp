//===- KeyValueCache.cpp - Keys and values of past tokens ----------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "KeyValueCache.h"
#include "../../Checks.h"
#include "../../ScalarCode.h"

#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace fovea::frontend;

FailureOr<Value> fovea::frontend::scalarInput(NodeImporter &n, size_t i) {
  TensorBuilder &b = n.b();
  if (failed(requireEqual(n, b.product(b.shape(n.input(i))), b.attr(1),
                          "elements of input " + Twine(i))))
    return failure();
  return ScalarCode(b).toIndex(b.extractScalar(n.input(i)));
}

/// Buffers and rows agree in everything but the number of rows.
static LogicalResult requireSameHeads(NodeImporter &n, Value buffer,
                                      Value rows) {
  TensorBuilder &b = n.b();
  if (b.rank(buffer) != 4)
    return n.fail("a cache of keys or values needs four dimensions");
  for (int64_t i : {0, 1, 3})
    if (failed(requireEqual(n, b.dim(buffer, i), b.dim(rows, i),
                            "cache of keys or values")))
      return failure();
  return success();
}

FailureOr<Value> fovea::frontend::writeRows(NodeImporter &n, Value buffer,
                                            Value rows, OpFoldResult at) {
  TensorBuilder &b = n.b();
  if (failed(requireSameHeads(n, buffer, rows)) ||
      failed(requireAtMost(n, b.attr(0), at, "length of the past")) ||
      failed(requireAtMost(n, b.add(at, b.dim(rows, 2)), b.dim(buffer, 2),
                           "past and new rows in the cache")))
    return failure();
  return b.insert(rows, buffer, {b.attr(0), b.attr(0), at, b.attr(0)});
}

FailureOr<Value> fovea::frontend::writeRowsByBatch(NodeImporter &n,
                                                   Value buffer, Value rows,
                                                   Value at) {
  TensorBuilder &b = n.b();
  ScalarCode s(b);
  if (failed(requireSameHeads(n, buffer, rows)))
    return failure();
  if (b.type(rows).getDimSize(0) == 1)
    return writeRows(n, buffer, rows, b.toDim(s.extract(at, s.index(0))));
  Value count = s.dim(rows, 2), capacity = s.dim(buffer, 2),
        batch = s.dim(rows, 0);
  Dims sizes = b.shape(rows);
  sizes[0] = b.attr(1);
  Value fits =
      s.forNest({batch}, {s.constant(b.getI1Type(), 1)},
                [&](ValueRange position, ValueRange carried) {
                  Value first = s.extract(at, position);
                  Value inside = s.both(s.le(s.index(0), first),
                                        s.le(s.add(first, count), capacity));
                  return ScalarCode::Values{s.both(carried[0], inside)};
                })[0];
  b.runtimeCheck(fits, "past and new rows do not fit the cache");
  Dims strides(4, b.attr(1));
  return s.forNest({batch}, {buffer},
                   [&](ValueRange position, ValueRange carried) {
                     Dims from(4, b.attr(0));
                     from[0] = position[0];
                     Value part = b.slice(rows, from, sizes, strides);
                     Dims to = from;
                     to[2] = s.extract(at, position);
                     return ScalarCode::Values{b.insert(part, carried[0], to)};
                   })[0];
}

FailureOr<CachedRows> fovea::frontend::appendRows(NodeImporter &n, Value past,
                                                  Value rows,
                                                  OpFoldResult pastLength) {
  TensorBuilder &b = n.b();
  if (!past)
    return CachedRows{rows, rows};
  if (failed(requireSameHeads(n, past, rows)))
    return failure();
  if (!pastLength) {
    Value all = b.concat({past, rows}, 2);
    return CachedRows{all, all};
  }
  auto present = writeRows(n, past, rows, pastLength);
  if (failed(present))
    return failure();
  OpFoldResult total = b.add(pastLength, b.dim(rows, 2));
  return CachedRows{*present, b.sliceAxis(*present, 2, b.attr(0), total)};
}
