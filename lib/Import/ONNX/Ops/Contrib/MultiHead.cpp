//===- MultiHead.cpp - MultiHeadAttention --------------------------------------===//
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
#include "KeyValueCache.h"
#include "PaddingMask.h"
#include "Projection.h"

#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace fovea::frontend;

namespace {

/// Turns one MultiHeadAttention node into attn.attention.
class MultiHeadImporter {
public:
  explicit MultiHeadImporter(NodeImporter &n) : n(n), b(n.b()), attention(n) {}
  LogicalResult run();

private:
  LogicalResult checkPacked(Value packed, int64_t parts, const char *what);
  LogicalResult readPackedQuery();
  LogicalResult readPackedKey();
  LogicalResult readCachedKey();
  LogicalResult readOperands();
  LogicalResult addBias();
  LogicalResult appendPast();
  LogicalResult addScores();

  NodeImporter &n;
  TensorBuilder &b;
  AttentionBuilder attention;
  HeadTensor query, key, value;
  OpFoldResult heads, pastLength;
};

} // namespace

/// [batch, rows, heads, parts, size]
LogicalResult MultiHeadImporter::checkPacked(Value packed, int64_t parts,
                                             const char *what) {
  if (failed(requireEqual(n, b.dim(packed, 2), heads, what)))
    return failure();
  return requireEqual(n, b.dim(packed, 3), b.attr(parts), "packed parts");
}

/// [batch, rows, heads, 3, size]
LogicalResult MultiHeadImporter::readPackedQuery() {
  if (n.rank(0) != 5 || n.input(2))
    return n.fail("without a key, the query has to be "
                  "[batch, rows, heads, 3, size] and there is no value");
  Value packed = n.input(0);
  if (failed(checkPacked(packed, 3, "heads of the query")))
    return failure();
  query = partOf(b, packed, 0);
  key = partOf(b, packed, 1);
  value = partOf(b, packed, 2);
  return success();
}

/// [batch, rows, heads, 2, size]
LogicalResult MultiHeadImporter::readPackedKey() {
  if (n.input(2))
    return n.fail("a packed key has the value in it, and there is another one");
  Value packed = n.input(1);
  if (failed(checkPacked(packed, 2, "heads of the key")))
    return failure();
  key = partOf(b, packed, 0);
  value = partOf(b, packed, 1);
  return success();
}

/// Keys and values of a cross attention, kept from an earlier step.
LogicalResult MultiHeadImporter::readCachedKey() {
  if (!n.input(2) || n.rank(2) != 4)
    return n.fail("a key of four dimensions needs a value of four");
  if (n.input(6) || n.input(7))
    return n.fail("a key of four dimensions excludes past_key");
  key = {n.input(1)};
  value = {n.input(2)};
  return requireEqual(n, b.dim(n.input(1), 1), heads, "heads of the key");
}

LogicalResult MultiHeadImporter::readOperands() {
  int64_t count = n.attrInt("num_heads", 0);
  if (count <= 0)
    return n.fail("num_heads has to be positive");
  heads = b.attr(count);
  if (!n.input(1))
    return readPackedQuery();
  if (n.rank(0) != 3)
    return n.fail("the query needs three dimensions");
  query = {n.input(0), /*headsFirst=*/false, heads};
  if (n.rank(1) == 5)
    return readPackedKey();
  if (n.rank(1) == 4)
    return readCachedKey();
  if (n.rank(1) != 3 || !n.input(2) || n.rank(2) != 3)
    return n.fail("key and value need three dimensions each");
  key = {n.input(1), /*headsFirst=*/false, heads};
  value = {n.input(2), /*headsFirst=*/false, heads};
  return success();
}

/// The bias of the projections before: queries, keys, values. Keys and values
/// from an earlier step have theirs already.
LogicalResult MultiHeadImporter::addBias() {
  Value bias = n.input(3);
  if (!bias)
    return success();
  if (failed(requireRank(n, 3, 1)))
    return failure();
  OpFoldResult first = b.attr(0);
  if (failed(addBiasPart(n, query, bias, first)))
    return failure();
  if (key.headsFirst)
    return success();
  if (failed(addBiasPart(n, key, bias, first)) ||
      failed(addBiasPart(n, value, bias, first)))
    return failure();
  return requireEqual(n, first, b.dim(bias, 0), "width of the bias");
}

LogicalResult MultiHeadImporter::appendPast() {
  Value pastKey = n.input(6), pastValue = n.input(7);
  if (!pastKey != !pastValue)
    return n.fail("past_key and past_value go together");
  pastLength = b.attr(0);
  if (!pastKey && !n.wantsOutput(1) && !n.wantsOutput(2))
    return success();
  if (failed(attention.moveHeadsFirst(key)) ||
      failed(attention.moveHeadsFirst(value)))
    return failure();
  // With its own length the past is a buffer that has room for more.
  OpFoldResult shared;
  if (n.input(8)) {
    auto length = scalarInput(n, 8);
    if (failed(length))
      return failure();
    shared = b.toDim(*length);
    if (!pastKey)
      return n.fail("past_sequence_length needs past_key");
  }
  FailureOr<CachedRows> keys = appendRows(n, pastKey, key.value, shared);
  if (failed(keys))
    return failure();
  FailureOr<CachedRows> values = appendRows(n, pastValue, value.value, shared);
  if (failed(values))
    return failure();
  if (pastKey)
    pastLength = shared ? shared : b.dim(pastKey, 2);
  key.value = keys->visible;
  value.value = values->visible;
  if (failed(n.bindOutput(1, keys->present, n.dtype(0))))
    return failure();
  return n.bindOutput(2, values->present, n.dtype(0));
}

LogicalResult MultiHeadImporter::addScores() {
  bool isCausal = n.attrInt("unidirectional", 0);
  if (failed(addPaddingMask(n, attention, 4, pastLength, isCausal)))
    return failure();
  if (n.input(5) && failed(attention.addPositionBias(n.input(5))))
    return failure();
  if (!isCausal)
    return success();
  if (failed(requireEqual(n, b.add(pastLength, attention.rows), attention.keys,
                          "queries and keys of unidirectional attention")))
    return failure();
  attention.addCausalAfter(pastLength);
  return success();
}

LogicalResult MultiHeadImporter::run() {
  if (n.wantsOutput(3))
    return n.fail("the scores as a result (output 3) are not supported");
  if (n.input(9))
    return n.fail("cache_indirection (input 9) is not supported");
  if (failed(readOperands()) || failed(addBias()) || failed(appendPast()) ||
      failed(attention.setOperands(query, key, value)) || failed(addScores()) ||
      failed(attention.setScaleOrDefault(n.attrFloat("scale", 0))))
    return failure();
  return n.bindOutput(0, attention.build(/*headsFirst=*/false), n.dtype(0));
}

static LogicalResult importMultiHeadAttention(NodeImporter &n) {
  return MultiHeadImporter(n).run();
}

void fovea::frontend::registerContribMultiHeadOps(OpRegistry &registry) {
  ContribSchema("MultiHeadAttention")
      .input("query")
      .optional("key")
      .optional("value")
      .optional("bias")
      .optional("key_padding_mask", "M")
      .optional("attention_bias")
      .optional("past_key")
      .optional("past_value")
      .optional("past_sequence_length", "M")
      .optional("cache_indirection", "M")
      .output("output")
      .optionalOutput("present_key")
      .optionalOutput("present_value")
      .optionalOutput("qk")
      .types("M", {"tensor(int32)"})
      .requiredInts({"num_heads"})
      .ints({"unidirectional"})
      .floats({"mask_filter_value", "scale"})
      .define(registry, importMultiHeadAttention);
}
