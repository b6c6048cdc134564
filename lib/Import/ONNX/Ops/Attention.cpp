//===- Attention.cpp - ONNX Attention -------------------------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Arith.h"
#include "AttentionBuilder.h"
#include "Families.h"

#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace fovea::frontend;

namespace {

/// Turns one Attention node into attn.attention.
class AttentionImporter {
public:
  explicit AttentionImporter(NodeImporter &n) : n(n), b(n.b()), attention(n) {}
  LogicalResult run();

private:
  bool isExpressible();
  LogicalResult readOperands();
  LogicalResult appendPast(HeadTensor &key, HeadTensor &value);
  LogicalResult addMask();
  LogicalResult addBounds();

  NodeImporter &n;
  TensorBuilder &b;
  AttentionBuilder attention;
  OpFoldResult pastLength;
};

} // namespace

/// What the op cannot say goes through the definition by simpler operators:
/// scores as results, heads that do not divide.
bool AttentionImporter::isExpressible() {
  if (n.wantsOutput(3) || !isa<FloatType>(b.elementType(n.input(0))))
    return false;
  if (n.rank(0) != n.rank(1) || n.rank(0) != n.rank(2))
    return false;
  if (n.rank(0) == 3)
    return n.attrInt("q_num_heads", 0) > 0 && n.attrInt("kv_num_heads", 0) > 0;
  return n.rank(0) == 4;
}

LogicalResult AttentionImporter::readOperands() {
  bool packed = n.rank(0) == 3;
  HeadTensor query = {n.input(0), !packed}, key = {n.input(1), !packed},
             value = {n.input(2), !packed};
  if (packed) {
    query.heads = b.attr(n.attrInt("q_num_heads", 0));
    key.heads = value.heads = b.attr(n.attrInt("kv_num_heads", 0));
  }
  if (failed(appendPast(key, value)))
    return failure();
  return attention.setOperands(query, key, value);
}

/// The cache before the new keys and values; both are results, too.
LogicalResult AttentionImporter::appendPast(HeadTensor &key,
                                            HeadTensor &value) {
  pastLength = b.attr(0);
  bool hasPast = n.input(4) && n.input(5);
  if (!hasPast && !n.wantsOutput(1) && !n.wantsOutput(2))
    return success();
  if (failed(attention.moveHeadsFirst(key)) ||
      failed(attention.moveHeadsFirst(value)))
    return failure();
  if (hasPast) {
    if (n.rank(4) != 4 || n.rank(5) != 4)
      return n.fail("past_key and past_value need four dimensions");
    pastLength = b.dim(n.input(4), 2);
    key.value = b.concat({n.input(4), key.value}, 2);
    value.value = b.concat({n.input(5), value.value}, 2);
  }
  if (failed(n.bindOutput(1, key.value, n.dtype(1))))
    return failure();
  return n.bindOutput(2, value.value, n.dtype(2));
}

LogicalResult AttentionImporter::addMask() {
  Value mask = n.input(3);
  if (!mask)
    return success();
  Type type = b.elementType(mask);
  bool isBool = type.isInteger(1);
  int64_t rank = b.rank(mask);
  if (rank < 1 || rank > 4)
    return n.fail("the mask has rank " + Twine(rank));
  // A mask for fewer keys hides the rest. A single key is broadcast.
  OpFoldResult length = b.dim(mask, rank - 1), keys = attention.keys;
  if (!b.same(length, keys)) {
    Dims low(rank, b.attr(0)), high = low;
    high[rank - 1] = b.max(b.sub(keys, length), b.attr(0));
    Value hidden = isBool ? b.scalar(type, 0) : element::lowest(b, type);
    mask = b.pad(mask, low, high, hidden);
    Dims dims = b.shape(mask);
    dims[rank - 1] = keys;
    mask = b.castShape(mask, b.typeFor(dims, type));
    b.setDim(mask, rank - 1, keys);
  }
  return isBool ? attention.addMask(mask) : attention.addBias(mask);
}

/// Causal masks, windows and padding: bounds on key positions.
LogicalResult AttentionImporter::addBounds() {
  int64_t offset = 0;
  Value shift;
  bool isCausal = n.attrInt("is_causal", 0);
  int64_t left = n.attrInt("left_window_size", -1);
  int64_t right = n.attrInt("right_window_size", -1);
  Value lengths = n.input(6);
  if (isCausal || left >= 0 || right >= 0) {
    if (lengths && !n.input(4)) {
      Value rowCount = b.fromDim(attention.rows, b.elementType(lengths));
      auto shifts = b.elementwise({lengths}, b.elementType(lengths),
                                  [&](TensorBuilder &b, ValueRange args) {
                                    return element::sub(b, args[0], rowCount);
                                  });
      if (failed(shifts))
        return failure();
      shift = *shifts;
    } else if (auto constant = getConstantIntValue(pastLength)) {
      offset = *constant;
    } else {
      Type i64 = b.getI64Type();
      shift = b.fromScalars({b.fromDim(pastLength, i64)},
                            RankedTensorType::get({}, i64));
    }
  }
  if (isCausal)
    attention.addCausal(offset, shift);
  if (left >= 0 || right >= 0)
    attention.addWindow(left, right, offset, shift);
  if (lengths)
    attention.addBounds({}, lengths);
  return success();
}

LogicalResult AttentionImporter::run() {
  if (!isExpressible())
    return n.expandFunction();
  if (failed(readOperands()) || failed(addMask()) || failed(addBounds()))
    return failure();
  if (n.hasAttr("scale"))
    attention.setScale(n.attrFloat("scale", 1));
  else if (failed(attention.setScaleOrDefault(0)))
    return failure();
  attention.setSoftcap(n.attrFloat("softcap", 0));
  return n.bindOutput(0, attention.build(/*headsFirst=*/n.rank(0) == 4),
                      n.dtype(0));
}

static LogicalResult importAttention(NodeImporter &n) {
  return AttentionImporter(n).run();
}

void fovea::frontend::registerAttentionOps(OpRegistry &registry) {
  registry.add("Attention", importAttention);
}
