//===- Attention.cpp - Attention with its projections --------------------------===//
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

/// Turns one Attention node of ONNX Runtime, which contains the projections,
/// into matrix products and attn.attention.
class ProjectedAttention {
public:
  explicit ProjectedAttention(NodeImporter &n) : n(n), b(n.b()), attention(n) {}
  LogicalResult run();

private:
  LogicalResult appendPast(HeadTensor &key, HeadTensor &value);
  LogicalResult addScores();

  NodeImporter &n;
  TensorBuilder &b;
  AttentionBuilder attention;
  OpFoldResult pastLength;
};

} // namespace

/// Past and present hold keys and values as [2, batch, heads, rows, size].
LogicalResult ProjectedAttention::appendPast(HeadTensor &key,
                                             HeadTensor &value) {
  Value past = n.input(4);
  pastLength = b.attr(0);
  if (!past && !n.wantsOutput(1))
    return success();
  if (failed(attention.moveHeadsFirst(key)) ||
      failed(attention.moveHeadsFirst(value)))
    return failure();
  if (failed(requireEqual(n, b.dim(key.value, 3), b.dim(value.value, 3),
                          "head sizes of keys and values in one cache")))
    return failure();
  Value pastKey, pastValue;
  OpFoldResult shared;
  if (past) {
    if (n.rank(4) != 5)
      return n.fail("the past needs five dimensions");
    if (failed(requireEqual(n, b.dim(past, 0), b.attr(2), "parts of the past")))
      return failure();
    pastKey = b.squeeze(b.sliceAxis(past, 0, b.attr(0), b.attr(1)), {0});
    pastValue = b.squeeze(b.sliceAxis(past, 0, b.attr(1), b.attr(1)), {0});
    pastLength = b.dim(past, 3);
    if (n.attrInt("past_present_share_buffer", 0)) {
      if (!n.input(6))
        return n.fail("past_present_share_buffer needs past_sequence_length");
      auto length = scalarInput(n, 6);
      if (failed(length))
        return failure();
      pastLength = shared = b.toDim(*length);
    }
  }
  FailureOr<CachedRows> keys = appendRows(n, pastKey, key.value, shared);
  if (failed(keys))
    return failure();
  FailureOr<CachedRows> values = appendRows(n, pastValue, value.value, shared);
  if (failed(values))
    return failure();
  key.value = keys->visible;
  value.value = values->visible;
  if (!n.wantsOutput(1))
    return success();
  Value present = b.concat(
      {b.unsqueeze(keys->present, {0}), b.unsqueeze(values->present, {0})}, 0);
  return n.bindOutput(1, present, n.dtype(0));
}

LogicalResult ProjectedAttention::addScores() {
  bool isCausal = n.attrInt("unidirectional", 0);
  if (isCausal && n.input(3) && n.rank(3) == 4)
    return n.fail("a mask of four dimensions excludes unidirectional");
  if (failed(addPaddingMask(n, attention, 3, pastLength, isCausal)))
    return failure();
  if (n.input(5) && failed(attention.addPositionBias(n.input(5))))
    return failure();
  if (isCausal)
    attention.addCausalAfter(pastLength);
  return success();
}

LogicalResult ProjectedAttention::run() {
  if (n.attrInt("do_rotary", 0))
    return n.fail(
        "do_rotary = 1 is not supported: the operator does not define "
        "the angles");
  int64_t count = n.attrInt("num_heads", 0);
  if (count <= 0)
    return n.fail("num_heads has to be positive");
  if (failed(requireRank(n, 0, 3)))
    return failure();
  auto parts = projectInput(n, n.input(0), n.input(1), n.input(2));
  if (failed(parts))
    return failure();
  OpFoldResult heads = b.attr(count);
  HeadTensor query = {(*parts)[0], /*headsFirst=*/false, heads},
             key = {(*parts)[1], /*headsFirst=*/false, heads},
             value = {(*parts)[2], /*headsFirst=*/false, heads};
  if (failed(appendPast(key, value)) ||
      failed(attention.setOperands(query, key, value)) || failed(addScores()) ||
      failed(attention.setScaleOrDefault(n.attrFloat("scale", 0))))
    return failure();
  return n.bindOutput(0, attention.build(/*headsFirst=*/false), n.dtype(0));
}

static LogicalResult importAttention(NodeImporter &n) {
  return ProjectedAttention(n).run();
}

void fovea::frontend::registerContribAttentionOps(OpRegistry &registry) {
  ContribSchema("Attention")
      .input("input")
      .input("weights")
      .optional("bias")
      .optional("mask_index", "M")
      .optional("past")
      .optional("attention_bias")
      .optional("past_sequence_length", "M")
      .output("output")
      .optionalOutput("present")
      .types("M", {"tensor(int32)"})
      .requiredInts({"num_heads"})
      .ints({"do_rotary", "past_present_share_buffer", "rotary_embedding_dim",
             "unidirectional"})
      .intLists({"qkv_hidden_sizes"})
      .floats({"mask_filter_value", "scale"})
      .define(registry, importAttention);
}
