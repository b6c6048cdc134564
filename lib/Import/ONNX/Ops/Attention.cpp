//===- Attention.cpp - ONNX Attention -------------------------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Arith.h"
#include "Families.h"

#include "fovea/Analysis/Remarks.h"
#include "fovea/dialects/attn/Attn.h"

#include "mlir/Dialect/Utils/StaticValueUtils.h"

#include <cmath>

using namespace mlir;
using namespace fovea::frontend;
namespace attn = fovea::attn;

namespace {

/// Dimensions of the iteration space; the group is one of the query heads that
/// share a key head.
enum Dim { Batch, Head, Group, Row, ValueDim, HeadDim, Key, NumDims };

/// Turns one Attention node into attn.attention.
class AttentionImporter {
public:
  explicit AttentionImporter(NodeImporter &n) : n(n), b(n.b()) {}
  LogicalResult run();

private:
  bool isExpressible();
  LogicalResult readShapes();
  FailureOr<Value> splitHeads(Value packed, OpFoldResult heads);
  LogicalResult appendPast();
  LogicalResult addMask();
  LogicalResult addBounds();
  int64_t capture(Value value, AffineMap map);
  AffineMap map(ArrayRef<int64_t> dims);
  void intersect(attn::MaskInterface mask);
  void scaleQuery();
  Value build();

  NodeImporter &n;
  TensorBuilder &b;
  Value query, key, value;
  AffineMap queryMap, keyMap, valueMap;
  OpFoldResult batch, queryHeads, keyHeads, group, rows, keys, headDim,
      valueDim;
  OpFoldResult pastLength;
  /// Whether several query heads share a key head.
  bool isGrouped = false;
  SmallVector<Value> captures;
  SmallVector<AffineMap> captureMaps;
  /// Position of the capture that is added to the scores, or -1.
  int64_t bias = -1;
  attn::AttentionParams params;
};

} // namespace

AffineMap AttentionImporter::map(ArrayRef<int64_t> dims) {
  SmallVector<AffineExpr> exprs;
  for (int64_t dim : dims)
    if (isGrouped || dim != Group)
      exprs.push_back(
          b.getAffineDimExpr(!isGrouped && dim > Group ? dim - 1 : dim));
  return AffineMap::get(isGrouped ? NumDims : NumDims - 1, 0, exprs,
                        b.getContext());
}

int64_t AttentionImporter::capture(Value value, AffineMap map) {
  captures.push_back(value);
  captureMaps.push_back(map);
  return captures.size() - 1;
}

void AttentionImporter::intersect(attn::MaskInterface mask) {
  if (!params.mask) {
    params.mask = mask;
    return;
  }
  params.mask = cast<attn::MaskInterface>(
      attn::AndAttr::get(b.getContext(), {params.mask, mask}));
}

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

/// [batch, rows, heads * size] as [batch, rows, heads, size].
FailureOr<Value> AttentionImporter::splitHeads(Value packed,
                                               OpFoldResult heads) {
  Dims dims = b.shape(packed);
  auto width = getConstantIntValue(dims[2]);
  auto count = getConstantIntValue(heads);
  if (width && count && *width % *count != 0)
    return n.fail("width " + Twine(*width) + " does not divide into " +
                  Twine(*count) + " heads");
  return b.reshape(packed, {dims[0], dims[1], heads, b.div(dims[2], heads)});
}

LogicalResult AttentionImporter::readShapes() {
  bool packed = n.rank(0) == 3;
  Value parts[] = {n.input(0), n.input(1), n.input(2)};
  if (packed) {
    OpFoldResult heads[] = {b.attr(n.attrInt("q_num_heads", 0)),
                            b.attr(n.attrInt("kv_num_heads", 0)),
                            b.attr(n.attrInt("kv_num_heads", 0))};
    for (size_t i = 0; i < 3; ++i) {
      auto split = splitHeads(parts[i], heads[i]);
      if (failed(split))
        return failure();
      parts[i] = *split;
    }
  }
  std::tie(query, key, value) = std::tie(parts[0], parts[1], parts[2]);
  // Packed inputs keep rows before heads: the maps say so.
  int64_t headAt = packed ? 2 : 1, rowAt = packed ? 1 : 2;
  batch = b.dim(query, 0);
  queryHeads = b.dim(query, headAt);
  keyHeads = b.dim(key, headAt);
  rows = b.dim(query, rowAt);
  keys = b.dim(key, rowAt);
  headDim = b.dim(query, 3);
  valueDim = b.dim(value, 3);
  auto q = getConstantIntValue(queryHeads), k = getConstantIntValue(keyHeads);
  if (q && k && (*k == 0 || *q % *k != 0))
    return n.fail(Twine(*q) + " query heads do not divide into " + Twine(*k) +
                  " key heads");
  group = b.div(queryHeads, keyHeads);
  isGrouped = getConstantIntValue(group) != 1;
  if (isGrouped) {
    Dims grouped = b.shape(query);
    grouped[headAt] = keyHeads;
    grouped.insert(grouped.begin() + headAt + 1, group);
    query = b.reshape(n.input(0), grouped);
  }
  if (packed) {
    queryMap = map({Batch, Row, Head, Group, HeadDim});
    keyMap = map({Batch, Key, Head, HeadDim});
    valueMap = map({Batch, Key, Head, ValueDim});
  } else {
    queryMap = map({Batch, Head, Group, Row, HeadDim});
    keyMap = map({Batch, Head, Key, HeadDim});
    valueMap = map({Batch, Head, Key, ValueDim});
  }
  return success();
}

/// The cache before the new keys and values; both are results, too.
LogicalResult AttentionImporter::appendPast() {
  pastLength = b.attr(0);
  bool hasPast = n.input(4) && n.input(5);
  if (!hasPast && !n.wantsOutput(1) && !n.wantsOutput(2))
    return success();
  if (n.rank(0) == 3) {
    key = b.transpose(key, {0, 2, 1, 3});
    value = b.transpose(value, {0, 2, 1, 3});
    keyMap = map({Batch, Head, Key, HeadDim});
    valueMap = map({Batch, Head, Key, ValueDim});
  }
  if (hasPast) {
    if (n.rank(4) != 4 || n.rank(5) != 4)
      return n.fail("past_key and past_value need four dimensions");
    pastLength = b.dim(n.input(4), 2);
    key = b.concat({n.input(4), key}, 2);
    value = b.concat({n.input(5), value}, 2);
    keys = b.dim(key, 2);
  }
  if (failed(n.bindOutput(1, key, n.dtype(1))))
    return failure();
  return n.bindOutput(2, value, n.dtype(2));
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
  OpFoldResult length = b.dim(mask, rank - 1);
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
  Dims to = {batch, queryHeads, rows, keys};
  auto operand = b.broadcastOperand(mask, to);
  if (failed(operand))
    return failure();
  // The query heads are split in two dimensions.
  Dims sizes;
  SmallVector<int64_t> dims;
  for (auto [i, position] : llvm::enumerate(operand->positions)) {
    if (position == 1) {
      sizes.push_back(keyHeads);
      if (isGrouped)
        sizes.push_back(group);
      dims.append({Head, Group});
      continue;
    }
    static constexpr int64_t dimOf[] = {Batch, Head, Row, Key};
    sizes.push_back(b.dim(operand->value, i));
    dims.push_back(dimOf[position]);
  }
  int64_t position = capture(b.reshape(operand->value, sizes), map(dims));
  if (isBool)
    intersect(cast<attn::MaskInterface>(
        attn::DenseAttr::get(b.getContext(), position)));
  else
    bias = position;
  return success();
}

/// Causal masks, windows and padding: bounds on key positions.
LogicalResult AttentionImporter::addBounds() {
  MLIRContext *context = b.getContext();
  int64_t shift = -1, offset = 0;
  bool isCausal = n.attrInt("is_causal", 0);
  int64_t left = n.attrInt("left_window_size", -1);
  int64_t right = n.attrInt("right_window_size", -1);
  Value lengths = n.input(6);
  if (isCausal || left >= 0 || right >= 0) {
    if (lengths && !n.input(4)) {
      Value rowCount = b.fromDim(rows, b.elementType(lengths));
      auto shifts = b.elementwise({lengths}, b.elementType(lengths),
                                  [&](TensorBuilder &b, ValueRange args) {
                                    return element::sub(b, args[0], rowCount);
                                  });
      if (failed(shifts))
        return failure();
      shift = capture(*shifts, map({Batch}));
    } else if (auto constant = getConstantIntValue(pastLength)) {
      offset = *constant;
    } else {
      Type i64 = b.getI64Type();
      shift = capture(b.fromScalars({b.fromDim(pastLength, i64)},
                                    RankedTensorType::get({}, i64)),
                      map({}));
    }
  }
  if (isCausal)
    intersect(cast<attn::MaskInterface>(
        attn::CausalAttr::get(context, offset, attn::Alignment::Start, shift)));
  if (left >= 0 || right >= 0)
    intersect(cast<attn::MaskInterface>(attn::SlidingWindowAttr::get(
        context, left, right, offset, attn::Alignment::Start, shift)));
  if (lengths)
    intersect(cast<attn::MaskInterface>(
        attn::PaddingAttr::get(context, -1, capture(lengths, map({Batch})))));
  return success();
}

Value AttentionImporter::build() {
  bool packed = n.rank(0) == 3;
  double softcap = n.attrFloat("softcap", 0);
  auto score = [&](OpBuilder &, Location, Value s, ValueRange args) -> Value {
    if (softcap != 0) {
      Value cap = b.scalar(s.getType(), softcap);
      Value ratio = b.createOrFold<arith::DivFOp>(s, cap);
      s = b.createOrFold<arith::MulFOp>(b.createOrFold<math::TanhOp>(ratio),
                                        cap);
    }
    if (bias >= 0)
      s = b.createOrFold<arith::AddFOp>(s,
                                        b.castScalar(args[bias], s.getType()));
    return s;
  };
  Dims dims = packed ? Dims{batch, rows, keyHeads, group, valueDim}
                     : Dims{batch, keyHeads, group, rows, valueDim};
  if (!isGrouped)
    dims.erase(dims.begin() + (packed ? 3 : 2));
  SmallVector<AffineMap> maps = {queryMap, keyMap, valueMap};
  maps.append(captureMaps);
  maps.push_back(packed ? map({Batch, Row, Head, Group, ValueDim})
                        : map({Batch, Head, Group, Row, ValueDim}));
  Value init = b.empty(dims, b.elementType(n.input(0)));
  auto scoreWithBuilder = [&](OpBuilder &nested, Location loc, Value s,
                              ValueRange args) {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPoint(nested.getInsertionBlock(), nested.getInsertionPoint());
    Value result = score(nested, loc, s, args);
    nested.setInsertionPointToEnd(s.getParentBlock());
    return result;
  };
  attn::RegionBuilderFn region;
  if (softcap != 0 || bias >= 0)
    region = scoreWithBuilder;
  auto op = attn::AttentionOp::create(b, query, ValueRange(key),
                                      ValueRange(value), captures,
                                      ValueRange(init), maps, params, region);
  fovea::reportSite("attention", /*recognised=*/true, op.getOperation(),
                    "one operation in the model already");
  Value result = op->getResult(0);
  if (packed)
    return b.reshape(result, {batch, rows, b.mul(queryHeads, valueDim)});
  return b.reshape(result, {batch, queryHeads, rows, valueDim});
}

/// The default scale for a head size that is only known at run time.
void AttentionImporter::scaleQuery() {
  Type type = b.elementType(query);
  Value size = b.castScalar(b.fromDim(headDim, b.getI64Type()), b.getF32Type());
  Value scale = b.castScalar(b.createOrFold<math::RsqrtOp>(size), type);
  query =
      *b.elementwise({query}, type, [&](TensorBuilder &inner, ValueRange args) {
        return inner.createOrFold<arith::MulFOp>(args[0], scale);
      });
  params.scale = 1;
}

LogicalResult AttentionImporter::run() {
  if (!isExpressible())
    return n.expandFunction();
  if (failed(readShapes()) || failed(appendPast()) || failed(addMask()) ||
      failed(addBounds()))
    return failure();
  if (n.hasAttr("scale")) {
    params.scale = n.attrFloat("scale", 1);
  } else if (auto size = getConstantIntValue(headDim)) {
    params.scale = 1 / std::sqrt(double(*size));
  } else {
    scaleQuery();
  }
  params.emptyRow = attn::EmptyRow::Zero;
  return n.bindOutput(0, build(), n.dtype(0));
}

static LogicalResult importAttention(NodeImporter &n) {
  return AttentionImporter(n).run();
}

void fovea::frontend::registerAttentionOps(OpRegistry &registry) {
  registry.add("Attention", importAttention);
}
