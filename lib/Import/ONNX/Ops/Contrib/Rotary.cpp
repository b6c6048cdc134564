//===- Rotary.cpp - Rotary position embedding ----------------------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Rotary.h"
#include "../../Checks.h"
#include "../../ScalarCode.h"
#include "../Arith.h"
#include "../Families.h"
#include "Contrib.h"

#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace fovea::frontend;

Value fovea::frontend::rowsAt(TensorBuilder &b, Value cache, OpFoldResult batch,
                              OpFoldResult rows, PositionFn position) {
  Value last = b.toValue(b.sub(b.dim(cache, 0), b.attr(1)));
  return b.generate({batch, rows, b.dim(cache, 1)}, b.elementType(cache),
                    [&](TensorBuilder &inner, ValueRange at) {
                      ScalarCode s(inner);
                      Value row = position(inner, at[0], at[1]);
                      row = s.clamp(row, s.index(0), last);
                      return s.extract(cache, {row, at[2]});
                    });
}

/// x * c - y * s and x * s + y * c, in f32 at least.
static FailureOr<std::pair<Value, Value>>
turn(TensorBuilder &b, Value x, Value y, Value cosine, Value sine) {
  Type type = b.elementType(x), compute = element::mathType(type);
  auto combine = [&](bool isReal) {
    return b.elementwise(
        {x, y, cosine, sine}, type, [&](TensorBuilder &b, ValueRange args) {
          auto wide = [&](size_t i) { return b.castScalar(args[i], compute); };
          Value first = element::mul(b, wide(0), wide(isReal ? 2 : 3));
          Value second = element::mul(b, wide(1), wide(isReal ? 3 : 2));
          return b.castScalar(isReal ? element::sub(b, first, second)
                                     : element::add(b, first, second),
                              type);
        });
  };
  auto real = combine(true), imaginary = combine(false);
  if (failed(real) || failed(imaginary))
    return failure();
  return std::make_pair(*real, *imaginary);
}

FailureOr<Value> fovea::frontend::rotate(NodeImporter &n, Value x,
                                         bool headsFirst, Value cosines,
                                         Value sines, bool interleaved) {
  TensorBuilder &b = n.b();
  OpFoldResult half = b.dim(cosines, 2), two = b.attr(2);
  OpFoldResult turned = b.mul(half, two), size = b.dim(x, 3);
  if (failed(requireAtMost(n, turned, size, "rotated part of a head")))
    return failure();
  int64_t headAt = headsFirst ? 1 : 2;
  Value cosine = b.unsqueeze(cosines, {headAt});
  Value sine = b.unsqueeze(sines, {headAt});
  Dims dims = b.shape(x);
  Value first, second;
  if (interleaved) {
    Dims paired(dims.begin(), dims.begin() + 3);
    paired.append({half, two});
    Value pairs = b.reshape(b.sliceAxis(x, 3, b.attr(0), turned), paired);
    first = b.squeeze(b.sliceAxis(pairs, 4, b.attr(0), b.attr(1)), {4});
    second = b.squeeze(b.sliceAxis(pairs, 4, b.attr(1), b.attr(1)), {4});
  } else {
    first = b.sliceAxis(x, 3, b.attr(0), half);
    second = b.sliceAxis(x, 3, half, half);
  }
  auto both = turn(b, first, second, cosine, sine);
  if (failed(both))
    return failure();
  SmallVector<Value> parts;
  if (interleaved) {
    Dims flat(dims.begin(), dims.begin() + 3);
    flat.push_back(turned);
    Value pairs = b.concat(
        {b.unsqueeze(both->first, {4}), b.unsqueeze(both->second, {4})}, 4);
    parts = {b.reshape(pairs, flat)};
  } else {
    parts = {both->first, both->second};
  }
  if (!b.same(turned, size))
    parts.push_back(b.sliceAxis(x, 3, turned, b.sub(size, turned)));
  Value result = b.concat(parts, 3);
  return b.castShape(result, b.typeFor(dims, b.elementType(x)));
}

//===----------------------------------------------------------------------===//
// RotaryEmbedding
//===----------------------------------------------------------------------===//

/// The input with heads as a dimension.
static FailureOr<Value> splitHeads(NodeImporter &n) {
  TensorBuilder &b = n.b();
  Value x = n.input(0);
  int64_t rotaryDim = n.attrInt("rotary_embedding_dim", 0);
  OpFoldResult half = b.dim(n.input(2), 1);
  if (rotaryDim < 0 || rotaryDim % 2 != 0)
    return n.fail("rotary_embedding_dim has to be even");
  if (rotaryDim > 0 && failed(requireEqual(n, half, b.attr(rotaryDim / 2),
                                           "size of the caches")))
    return failure();
  if (n.rank(0) == 4)
    return x;
  if (n.rank(0) != 3)
    return n.fail("the input needs three or four dimensions");
  Dims dims = b.shape(x);
  int64_t heads = n.attrInt("num_heads", 0);
  OpFoldResult count, size;
  if (heads > 0) {
    count = b.attr(heads);
    size = b.div(dims[2], count);
  } else if (rotaryDim == 0) {
    size = b.mul(half, b.attr(2));
    count = b.div(dims[2], size);
  } else {
    return n.fail("rotary_embedding_dim needs num_heads");
  }
  if (failed(requireEqual(n, b.mul(count, size), dims[2],
                          "heads in the last dimension")))
    return failure();
  return b.reshape(x, {dims[0], dims[1], count, size});
}

static LogicalResult importRotaryEmbedding(NodeImporter &n) {
  TensorBuilder &b = n.b();
  if (n.attrInt("is_packed_batching", 0))
    return n.fail("is_packed_batching = 1 is not supported");
  if (n.attrFloat("scale", 1) != 1)
    return n.fail("a scale other than 1 is not supported");
  if (failed(requireRank(n, 2, 2)) || failed(requireRank(n, 3, 2)))
    return failure();
  for (int64_t i : {0, 1})
    if (failed(requireEqual(n, b.dim(n.input(3), i), b.dim(n.input(2), i),
                            "cos_cache and sin_cache")))
      return failure();
  auto x = splitHeads(n);
  if (failed(x))
    return failure();
  bool headsFirst = n.rank(0) == 4;
  OpFoldResult batch = b.dim(*x, 0), rows = b.dim(*x, headsFirst ? 2 : 1);
  Value ids = n.input(1);
  bool isOffset = n.rank(1) == 1;
  if (isOffset) {
    if (failed(requireEqual(n, b.dim(ids, 0), b.attr(1), "position_ids")))
      return failure();
  } else if (n.rank(1) != 2) {
    return n.fail("position_ids needs one or two dimensions");
  } else if (failed(requireEqual(n, b.dim(ids, 0), batch, "position_ids")) ||
             failed(requireEqual(n, b.dim(ids, 1), rows, "position_ids"))) {
    return failure();
  }
  if (failed(requireElements(n, b.dim(n.input(2), 0), {batch, rows}, "caches")))
    return failure();
  auto position = [&](TensorBuilder &inner, Value item, Value row) {
    ScalarCode s(inner);
    if (isOffset)
      return s.add(s.toIndex(s.extract(ids, s.index(0))), row);
    return s.toIndex(s.extract(ids, {item, row}));
  };
  // One offset for all batches gives them one table.
  OpFoldResult tables = isOffset ? OpFoldResult(b.attr(1)) : batch;
  Value cosines = rowsAt(b, n.input(2), tables, rows, position);
  Value sines = rowsAt(b, n.input(3), tables, rows, position);
  auto result = rotate(n, *x, headsFirst, cosines, sines,
                       n.attrInt("interleaved", 0) != 0);
  if (failed(result))
    return failure();
  return n.bindOutput(0, b.reshape(*result, b.shape(n.input(0))), n.dtype(0));
}

void fovea::frontend::registerContribRotaryOps(OpRegistry &registry) {
  ContribSchema("RotaryEmbedding")
      .input("input")
      .input("position_ids", "M")
      .input("cos_cache")
      .input("sin_cache")
      .output("output")
      .types("M", {"tensor(int64)"})
      .ints({"interleaved", "is_packed_batching", "num_heads",
             "rotary_embedding_dim"})
      .floats({"scale"})
      .likeInput()
      .define(registry, importRotaryEmbedding);
}
