//===- GroupQuery.cpp - GroupQueryAttention ------------------------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "../../Checks.h"
#include "../../ScalarCode.h"
#include "../Arith.h"
#include "../AttentionBuilder.h"
#include "../Families.h"
#include "../Normalization.h"
#include "Contrib.h"
#include "KeyValueCache.h"
#include "Rotary.h"

#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace fovea::frontend;

namespace {

enum Input {
  Query,
  Key,
  Value_,
  PastKey,
  PastValue,
  KeyLengths,
  TotalLength,
  CosCache,
  SinCache,
  PositionIds,
  Bias,
  HeadSink,
  KeyScale,
  ValueScale,
  QueryNorm,
  KeyNorm
};

/// Turns one GroupQueryAttention node into attn.attention.
class GroupQueryImporter {
public:
  explicit GroupQueryImporter(NodeImporter &n)
      : n(n), b(n.b()), s(n.b()), attention(n) {}
  LogicalResult run();

private:
  LogicalResult refuse();
  LogicalResult readOperands();
  LogicalResult readLengths();
  FailureOr<Value> normalizeHeads(Value x, Value weight);
  LogicalResult normalizeAll();
  LogicalResult rotateAll();
  FailureOr<Value> cache(size_t past, size_t present, HeadTensor &tensor);
  LogicalResult addScores();
  Value positionOf(TensorBuilder &inner, Value item, Value row);

  NodeImporter &n;
  TensorBuilder &b;
  ScalarCode s;
  AttentionBuilder attention;
  HeadTensor query, key, value;
  OpFoldResult batch, rows, headSize, total;
  /// Whether there is nothing in the cache yet; i1.
  Value isPrompt;
  /// By batch, in i64: tokens in the cache, and with the new ones.
  Value pastLengths, lengths;
};

} // namespace

LogicalResult GroupQueryImporter::refuse() {
  for (const char *name : {"k_quant_type", "v_quant_type"})
    if (n.attrString(name, "NONE") != "NONE")
      return n.fail("a quantised cache (" + Twine(name) + ") is not supported");
  if (n.input(KeyScale) || n.input(ValueScale) ||
      n.attrInt("kv_cache_bit_width", 0))
    return n.fail("a quantised cache (k_scale, v_scale, kv_cache_bit_width) is "
                  "not supported");
  if (n.attrInt("sliding_window_cache", 0))
    return n.fail("sliding_window_cache = 1 is not supported");
  int64_t scores = n.attrInt("qk_output", 0);
  if (scores < 0 || scores > 2 || (n.wantsOutput(3) && scores == 0))
    return n.fail("qk_output has to be 1 or 2 where there is an output_qk");
  if (n.wantsOutput(3) && scores == 2 && n.input(HeadSink))
    return n.fail("qk_output = 2 with a head_sink is not supported");
  for (size_t i : {PastKey, PastValue})
    if (n.input(i) && n.dtype(i) != n.dtype(Query))
      return n.fail("a cache of another type than the query is not supported");
  if (!n.input(PastKey) != !n.input(PastValue))
    return n.fail("past_key and past_value go together");
  if (!n.input(CosCache) != !n.input(SinCache))
    return n.fail("cos_cache and sin_cache go together");
  if (!n.input(QueryNorm) != !n.input(KeyNorm))
    return n.fail("q_norm_weight and k_norm_weight go together");
  int64_t window = n.attrInt("local_window_size", -1);
  if (window == 0 || window < -1)
    return n.fail("local_window_size has to be positive, or -1");
  if (window > 0 && n.attrInt("causal", 1) == 0)
    return n.fail("a local window needs causal = 1");
  return success();
}

/// Separate projections, or all of them beside each other in the query.
LogicalResult GroupQueryImporter::readOperands() {
  int64_t queryHeads = n.attrInt("num_heads", 0);
  int64_t keyHeads = n.attrInt("kv_num_heads", 0);
  if (queryHeads <= 0 || keyHeads <= 0 || queryHeads % keyHeads != 0)
    return n.fail("num_heads has to be a multiple of kv_num_heads");
  if (failed(requireRank(n, Query, 3)))
    return failure();
  bool isPacked = !n.input(Key);
  if (isPacked != !n.input(Value_))
    return n.fail("key and value go together");
  OpFoldResult counts[] = {b.attr(queryHeads), b.attr(keyHeads),
                           b.attr(keyHeads)};
  Value x = n.input(Query);
  batch = b.dim(x, 0);
  rows = b.dim(x, 1);
  OpFoldResult width = b.dim(x, 2);
  int64_t parts = isPacked ? queryHeads + 2 * keyHeads : queryHeads;
  headSize = b.div(width, b.attr(parts));
  if (failed(requireEqual(n, b.mul(headSize, b.attr(parts)), width,
                          "heads in the width of the query")))
    return failure();
  HeadTensor *tensors[] = {&query, &key, &value};
  OpFoldResult first = b.attr(0);
  for (size_t i = 0; i < 3; ++i) {
    OpFoldResult size = b.mul(counts[i], headSize);
    Value part = isPacked ? b.sliceAxis(x, 2, first, size) : n.input(i);
    first = b.add(first, size);
    if (b.rank(part) != 3)
      return n.fail("key and value need three dimensions");
    OpFoldResult expected[] = {batch, rows, size};
    for (int64_t d = 0; d < 3; ++d)
      if (failed(requireEqual(n, b.dim(part, d), expected[d],
                              "sizes of query, key and value")))
        return failure();
    *tensors[i] = {b.reshape(part, {batch, rows, counts[i], headSize}),
                   /*headsFirst=*/false};
  }
  return success();
}

LogicalResult GroupQueryImporter::readLengths() {
  auto scalar = scalarInput(n, TotalLength);
  if (failed(scalar))
    return failure();
  total = b.toDim(*scalar);
  Value given = n.input(KeyLengths);
  if (failed(requireEqual(n, b.product(b.shape(given)), batch, "seqlens_k")))
    return failure();
  given = b.reshape(given, {batch});
  if (!n.input(PastKey) &&
      failed(
          requireEqual(n, total, rows, "total_sequence_length without a past")))
    return failure();
  Value rowCount = b.toValue(rows);
  isPrompt = n.input(PastKey) ? s.eq(rowCount, b.toValue(total))
                              : s.constant(b.getI1Type(), 1);
  auto perBatch = [&](bool isPast) {
    return b.generate({batch}, b.getI64Type(),
                      [&](TensorBuilder &inner, ValueRange at) {
                        ScalarCode code(inner);
                        Value last = code.toIndex(code.extract(given, at));
                        Value length = code.add(last, code.index(1));
                        if (isPast)
                          length = code.select(isPrompt, code.index(0),
                                               code.sub(length, rowCount));
                        return code.convert(length, inner.getI64Type());
                      });
  };
  if (n.input(PastKey))
    pastLengths = perBatch(true);
  lengths = perBatch(false);
  return success();
}

//===----------------------------------------------------------------------===//
// Queries and keys
//===----------------------------------------------------------------------===//

/// The RMS normalisation of each head.
FailureOr<Value> GroupQueryImporter::normalizeHeads(Value x, Value weight) {
  if (b.rank(weight) != 1)
    return n.fail("the weight of a normalisation needs one dimension");
  if (failed(requireEqual(n, b.dim(weight, 0), headSize,
                          "weight of a normalisation")))
    return failure();
  Type stat = element::mathType(b.elementType(x));
  auto inverse = inverseDeviation(b, x, {}, {3},
                                  n.attrFloat("qk_norm_epsilon", 1e-6f), stat);
  if (failed(inverse))
    return failure();
  return applyNorm(b, x, {}, *inverse, weight, {}, stat);
}

LogicalResult GroupQueryImporter::normalizeAll() {
  if (!n.input(QueryNorm))
    return success();
  FailureOr<Value> normalQuery =
      normalizeHeads(query.value, n.input(QueryNorm));
  if (failed(normalQuery))
    return failure();
  FailureOr<Value> normalKey = normalizeHeads(key.value, n.input(KeyNorm));
  if (failed(normalKey))
    return failure();
  query.value = *normalQuery;
  key.value = *normalKey;
  return success();
}

/// Tokens are counted from the first in the cache, unless positions are given;
/// of these, a prompt uses the first one only.
Value GroupQueryImporter::positionOf(TensorBuilder &inner, Value item,
                                     Value row) {
  ScalarCode code(inner);
  if (Value ids = n.input(PositionIds)) {
    Value own = code.toIndex(code.extract(ids, {item, row}));
    Value first =
        code.toIndex(code.extract(ids, {code.index(0), code.index(0)}));
    return code.select(isPrompt, code.add(first, row), own);
  }
  if (!pastLengths)
    return row;
  return code.add(code.toIndex(code.extract(pastLengths, item)), row);
}

LogicalResult GroupQueryImporter::rotateAll() {
  if (!n.attrInt("do_rotary", 0))
    return success();
  if (!n.input(CosCache))
    return n.fail("do_rotary needs cos_cache and sin_cache");
  if (failed(requireRank(n, CosCache, 2)) ||
      failed(requireRank(n, SinCache, 2)))
    return failure();
  for (int64_t i : {0, 1})
    if (failed(requireEqual(n, b.dim(n.input(SinCache), i),
                            b.dim(n.input(CosCache), i),
                            "cos_cache and sin_cache")))
      return failure();
  if (failed(requireElements(n, b.dim(n.input(CosCache), 0), {batch, rows},
                             "cos_cache")))
    return failure();
  bool perBatch = pastLengths || n.input(PositionIds);
  if (n.input(PositionIds)) {
    if (failed(requireRank(n, PositionIds, 2)) ||
        failed(requireEqual(n, b.dim(n.input(PositionIds), 0), batch,
                            "position_ids")) ||
        failed(requireEqual(n, b.dim(n.input(PositionIds), 1), rows,
                            "position_ids")))
      return failure();
  }
  auto position = [&](TensorBuilder &inner, Value item, Value row) {
    return positionOf(inner, item, row);
  };
  OpFoldResult tables = perBatch ? batch : OpFoldResult(b.attr(1));
  Value cosines = rowsAt(b, n.input(CosCache), tables, rows, position);
  Value sines = rowsAt(b, n.input(SinCache), tables, rows, position);
  bool interleaved = n.attrInt("rotary_interleaved", 0);
  for (HeadTensor *tensor : {&query, &key}) {
    auto turned = rotate(n, tensor->value, tensor->headsFirst, cosines, sines,
                         interleaved);
    if (failed(turned))
      return failure();
    tensor->value = *turned;
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Cache and scores
//===----------------------------------------------------------------------===//

/// Writes the new rows behind the past ones of each batch. The cache is as long
/// as the past was, if that has room (the past and the present may then be one
/// buffer), else as the longest batch.
FailureOr<Value> GroupQueryImporter::cache(size_t past, size_t present,
                                           HeadTensor &tensor) {
  if (!n.input(past)) {
    if (!n.wantsOutput(present))
      return tensor.value;
    if (failed(attention.moveHeadsFirst(tensor)) ||
        failed(n.bindOutput(present, tensor.value, n.dtype(Query))))
      return failure();
    return tensor.value;
  }
  if (failed(requireRank(n, past, 4)) ||
      failed(attention.moveHeadsFirst(tensor)))
    return failure();
  Value buffer = n.input(past);
  OpFoldResult capacity = b.dim(buffer, 2);
  OpFoldResult longest = b.max(total, capacity);
  if (!b.same(longest, capacity)) {
    Dims rest = b.shape(buffer);
    rest[2] = b.sub(longest, capacity);
    buffer = b.concat({buffer, b.zeros(rest, b.elementType(buffer))}, 2);
  }
  Value at = *b.elementwise({pastLengths}, b.getIndexType(),
                            [&](TensorBuilder &inner, ValueRange args) {
                              return ScalarCode(inner).toIndex(args[0]);
                            });
  auto written = writeRowsByBatch(n, buffer, tensor.value, at);
  if (failed(written) ||
      failed(n.bindOutput(present, *written, n.dtype(Query))))
    return failure();
  // Behind the longest batch nothing is visible.
  return b.same(b.dim(*written, 2), total)
             ? *written
             : b.sliceAxis(*written, 2, b.attr(0), total);
}

LogicalResult GroupQueryImporter::addScores() {
  attention.setSoftcap(n.attrFloat("softcap", 0));
  if (n.input(Bias) && failed(attention.addPositionBias(n.input(Bias))))
    return failure();
  if (n.attrInt("causal", 1)) {
    // What is behind the end of a batch is behind each of its tokens, too.
    int64_t window = n.attrInt("local_window_size", -1);
    attention.addCausal(0, pastLengths);
    if (window > 0)
      attention.addWindow(window - 1, -1, 0, pastLengths);
  } else {
    attention.addBounds({}, lengths);
  }
  if (Value sink = n.input(HeadSink)) {
    if (failed(requireRank(n, HeadSink, 1)) ||
        failed(
            requireEqual(n, b.dim(sink, 0), attention.queryHeads, "head_sink")))
      return failure();
    attention.setSink(sink);
  } else if (n.attrInt("smooth_softmax", 0) == 1) {
    attention.setSmoothSoftmax();
  }
  return attention.setScaleOrDefault(n.attrFloat("scale", 0));
}

LogicalResult GroupQueryImporter::run() {
  if (failed(refuse()) || failed(readOperands()) || failed(readLengths()) ||
      failed(normalizeAll()) || failed(rotateAll()))
    return failure();
  FailureOr<Value> keys = cache(PastKey, 1, key);
  if (failed(keys))
    return failure();
  FailureOr<Value> values = cache(PastValue, 2, value);
  if (failed(values))
    return failure();
  key.value = *keys;
  value.value = *values;
  if (failed(attention.setOperands(query, key, value)) || failed(addScores()))
    return failure();
  if (n.wantsOutput(3) &&
      failed(n.bindOutput(3,
                          attention.buildScores(n.attrInt("qk_output", 0) == 2),
                          n.dtype(Query))))
    return failure();
  return n.bindOutput(0, attention.build(/*headsFirst=*/false), n.dtype(Query));
}

static LogicalResult importGroupQueryAttention(NodeImporter &n) {
  return GroupQueryImporter(n).run();
}

void fovea::frontend::registerContribGroupQueryOps(OpRegistry &registry) {
  ContribSchema("GroupQueryAttention")
      .input("query")
      .optional("key")
      .optional("value")
      .optional("past_key", "T_CACHE")
      .optional("past_value", "T_CACHE")
      .input("seqlens_k", "M")
      .input("total_sequence_length", "M")
      .optional("cos_cache")
      .optional("sin_cache")
      .optional("position_ids", "tensor(int64)")
      .optional("attention_bias")
      .optional("head_sink")
      .optional("k_scale", "tensor(float)")
      .optional("v_scale", "tensor(float)")
      .optional("q_norm_weight")
      .optional("k_norm_weight")
      .output("output")
      .optionalOutput("present_key", "T_CACHE")
      .optionalOutput("present_value", "T_CACHE")
      .optionalOutput("output_qk")
      .types("M", {"tensor(int32)"})
      .types("T_CACHE",
             {"tensor(float)", "tensor(float16)", "tensor(bfloat16)",
              "tensor(uint8)", "tensor(int8)", "tensor(float8e4m3fn)"})
      .requiredInts({"num_heads", "kv_num_heads"})
      .ints({"causal", "do_rotary", "kv_cache_bit_width", "local_window_size",
             "qk_output", "rotary_interleaved", "sliding_window_cache",
             "smooth_softmax"})
      .floats({"qk_norm_epsilon", "scale", "softcap"})
      .strings({"k_quant_type", "v_quant_type"})
      .define(registry, importGroupQueryAttention);
}
