//===- Packed.cpp - Attention over tokens without padding ----------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "../../Checks.h"
#include "../../ScalarCode.h"
#include "../AttentionBuilder.h"
#include "../Families.h"
#include "Contrib.h"
#include "Projection.h"

#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace fovea::frontend;

namespace {

/// The tokens of all sequences beside each other, [tokens, ..], and where they
/// belong in [batch, rows, ..]. Attention is computed there, with the lengths
/// of the sequences as bounds of the keys.
class PackedTokens {
public:
  PackedTokens(NodeImporter &n, size_t offsets, size_t sums)
      : n(n), b(n.b()), attention(n), offsets(n.input(offsets)),
        sums(n.input(sums)) {}

  LogicalResult check();
  Value pad(Value packed);
  Value unpad(Value padded);
  /// Of queries, keys and values [tokens, width].
  LogicalResult attend(ArrayRef<Value> packed, size_t bias);

private:
  Value lengths();

  NodeImporter &n;
  TensorBuilder &b;
  AttentionBuilder attention;
  Value offsets, sums;
  OpFoldResult tokens, batch, rows;
};

} // namespace

LogicalResult PackedTokens::check() {
  if (b.rank(offsets) != 2 || b.rank(sums) != 1)
    return n.fail("token_offset needs two dimensions and the cumulative "
                  "sequence length one");
  tokens = b.dim(n.input(0), 0);
  batch = b.dim(offsets, 0);
  rows = b.dim(offsets, 1);
  if (failed(requireEqual(n, b.dim(sums, 0), b.add(batch, b.attr(1)),
                          "cumulative sequence length")) ||
      failed(requireAtMost(n, tokens, b.mul(batch, rows), "tokens")))
    return failure();
  return requireElements(n, tokens, {batch, rows}, "tokens");
}

/// [tokens, width] as [batch, rows, width], with zeros for padding.
Value PackedTokens::pad(Value packed) {
  Value last = b.toValue(b.sub(tokens, b.attr(1)));
  return b.generate({batch, rows, b.dim(packed, 1)}, b.elementType(packed),
                    [&](TensorBuilder &inner, ValueRange at) {
                      ScalarCode s(inner);
                      Value next = s.add(at[0], s.index(1));
                      Value token =
                          s.add(s.toIndex(s.extract(sums, at[0])), at[1]);
                      Value isToken =
                          s.lt(token, s.toIndex(s.extract(sums, next)));
                      token = s.clamp(token, s.index(0), last);
                      Value x = s.extract(packed, {token, at[2]});
                      return s.select(isToken, x, s.constant(x.getType(), 0));
                    });
}

/// The inverse: token t is row token_offset[t] of all rows.
Value PackedTokens::unpad(Value padded) {
  OpFoldResult width = b.dim(padded, 2), count = b.mul(batch, rows);
  Value flat = b.reshape(padded, {count, width});
  Value places = b.reshape(offsets, {count});
  Value last = b.toValue(b.sub(count, b.attr(1)));
  return b.generate({tokens, width}, b.elementType(padded),
                    [&](TensorBuilder &inner, ValueRange at) {
                      ScalarCode s(inner);
                      Value row = s.toIndex(s.extract(places, at[0]));
                      row = s.clamp(row, s.index(0), last);
                      return s.extract(flat, {row, at[1]});
                    });
}

Value PackedTokens::lengths() {
  return b.generate({batch}, b.elementType(sums),
                    [&](TensorBuilder &inner, ValueRange at) {
                      ScalarCode s(inner);
                      Value end = s.extract(sums, s.add(at[0], s.index(1)));
                      return s.sub(end, s.extract(sums, at[0]));
                    });
}

LogicalResult PackedTokens::attend(ArrayRef<Value> packed, size_t bias) {
  int64_t count = n.attrInt("num_heads", 0);
  if (count <= 0)
    return n.fail("num_heads has to be positive");
  OpFoldResult heads = b.attr(count);
  SmallVector<HeadTensor> tensors;
  for (Value tensor : packed)
    tensors.push_back({pad(tensor), /*headsFirst=*/false, heads});
  if (failed(attention.setOperands(tensors[0], tensors[1], tensors[2])))
    return failure();
  attention.addBounds({}, lengths());
  if (n.input(bias) && failed(attention.addPositionBias(n.input(bias))))
    return failure();
  if (failed(attention.setScaleOrDefault(n.attrFloat("scale", 0))))
    return failure();
  auto result = attention.build(/*headsFirst=*/false);
  if (failed(result))
    return failure();
  return n.bindOutput(0, unpad(*result), n.dtype(0));
}

/// Queries, keys and values [tokens, width], or one [tokens, heads, 3, size].
static FailureOr<SmallVector<Value>> readTokens(NodeImporter &n) {
  TensorBuilder &b = n.b();
  if (!n.input(1) != !n.input(2))
    return n.fail("key and value go together");
  if (n.input(1)) {
    for (size_t i : {0, 1, 2}) {
      if (failed(requireRank(n, i, 2)) ||
          failed(requireEqual(n, b.dim(n.input(i), 0), b.dim(n.input(0), 0),
                              "tokens of query, key and value")))
        return failure();
    }
    return SmallVector<Value>{n.input(0), n.input(1), n.input(2)};
  }
  if (failed(requireRank(n, 0, 4)) ||
      failed(requireEqual(n, b.dim(n.input(0), 2), b.attr(3), "packed parts")))
    return failure();
  Dims dims = b.shape(n.input(0));
  SmallVector<Value> parts;
  for (int64_t i = 0; i < 3; ++i)
    parts.push_back(b.reshape(b.sliceAxis(n.input(0), 2, b.attr(i), b.attr(1)),
                              {dims[0], b.mul(dims[1], dims[3])}));
  return parts;
}

static LogicalResult importPackedMultiHead(NodeImporter &n) {
  TensorBuilder &b = n.b();
  FailureOr<SmallVector<Value>> parts = readTokens(n);
  if (failed(parts))
    return failure();
  PackedTokens tokens(n, 4, 5);
  if (failed(tokens.check()))
    return failure();
  if (Value bias = n.input(3)) {
    if (failed(requireRank(n, 3, 1)))
      return failure();
    OpFoldResult first = b.attr(0);
    for (Value &part : *parts) {
      HeadTensor tensor = {b.unsqueeze(part, {0}), /*headsFirst=*/false};
      if (failed(addBiasPart(n, tensor, bias, first)))
        return failure();
      part = b.squeeze(tensor.value, {0});
    }
  }
  return tokens.attend(*parts, 6);
}

static LogicalResult importPackedAttention(NodeImporter &n) {
  if (failed(requireRank(n, 0, 2)))
    return failure();
  PackedTokens tokens(n, 3, 4);
  if (failed(tokens.check()))
    return failure();
  auto parts = projectInput(n, n.input(0), n.input(1), n.input(2));
  if (failed(parts))
    return failure();
  return tokens.attend(*parts, 5);
}

void fovea::frontend::registerContribPackedOps(OpRegistry &registry) {
  ContribSchema("PackedMultiHeadAttention")
      .input("query")
      .optional("key")
      .optional("value")
      .optional("bias")
      .input("token_offset", "M")
      .input("cumulative_sequence_length", "M")
      .optional("attention_bias")
      .output("output")
      .types("M", {"tensor(int32)"})
      .requiredInts({"num_heads"})
      .floats({"mask_filter_value", "scale"})
      .define(registry, importPackedMultiHead);
  ContribSchema("PackedAttention")
      .input("input")
      .input("weights")
      .input("bias")
      .input("token_offset", "M")
      .input("cumulative_sequence_length", "M")
      .optional("attention_bias")
      .output("output")
      .types("M", {"tensor(int32)"})
      .requiredInts({"num_heads"})
      .intLists({"qkv_hidden_sizes"})
      .floats({"scale"})
      .define(registry, importPackedAttention);
}
