//===- AttentionBuilder.cpp - attn.attention from ONNX operands -----------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "AttentionBuilder.h"
#include "../Checks.h"
#include "Arith.h"

#include "fovea/Analysis/Remarks.h"

#include "mlir/Dialect/Utils/StaticValueUtils.h"

#include <cmath>

using namespace mlir;
using namespace fovea::frontend;
namespace attn = fovea::attn;

namespace {
/// Dimensions of the iteration space; the group is one of the query heads that
/// share a key head.
enum Dim { Batch, Head, Group, Row, ValueDim, HeadDim, Key, NumDims };
} // namespace

AffineMap AttentionBuilder::map(ArrayRef<int64_t> dims) {
  SmallVector<AffineExpr> exprs;
  for (int64_t dim : dims)
    if (isGrouped || dim != Group)
      exprs.push_back(
          b.getAffineDimExpr(!isGrouped && dim > Group ? dim - 1 : dim));
  return AffineMap::get(isGrouped ? NumDims : NumDims - 1, 0, exprs,
                        b.getContext());
}

AffineMap AttentionBuilder::mapOf(bool headsFirst, int64_t row, int64_t size,
                                  bool isQuery) {
  SmallVector<int64_t> dims = {Batch};
  if (!headsFirst)
    dims.push_back(row);
  dims.push_back(Head);
  if (isQuery)
    dims.push_back(Group);
  if (headsFirst)
    dims.push_back(row);
  dims.push_back(size);
  return map(dims);
}

//===----------------------------------------------------------------------===//
// Operands
//===----------------------------------------------------------------------===//

/// [batch, rows, heads * size] as [batch, rows, heads, size].
FailureOr<Value> AttentionBuilder::withHeads(const HeadTensor &tensor) {
  if (b.rank(tensor.value) == 4)
    return tensor.value;
  Dims dims = b.shape(tensor.value);
  auto width = getConstantIntValue(dims[2]);
  auto count = getConstantIntValue(tensor.heads);
  if (width && count && *width % *count != 0)
    return n.fail("width " + Twine(*width) + " does not divide into " +
                  Twine(*count) + " heads");
  return b.reshape(tensor.value, {dims[0], dims[1], tensor.heads,
                                  b.div(dims[2], tensor.heads)});
}

LogicalResult AttentionBuilder::moveHeadsFirst(HeadTensor &tensor) {
  if (tensor.headsFirst)
    return success();
  auto split = withHeads(tensor);
  if (failed(split))
    return failure();
  tensor = {b.transpose(*split, {0, 2, 1, 3})};
  return success();
}

/// Splits the heads of the query into groups that share a key head.
void AttentionBuilder::groupQuery(const HeadTensor &given, Value split) {
  query = split;
  if (!isGrouped)
    return;
  int64_t headAt = given.headsFirst ? 1 : 2;
  Dims grouped = b.shape(split);
  grouped[headAt] = keyHeads;
  grouped.insert(grouped.begin() + headAt + 1, group);
  query = b.reshape(given.value, grouped);
}

LogicalResult AttentionBuilder::setOperands(const HeadTensor &q,
                                            const HeadTensor &k,
                                            const HeadTensor &v) {
  // One after the other: the first error is enough.
  FailureOr<Value> queryParts = withHeads(q);
  if (failed(queryParts))
    return failure();
  FailureOr<Value> keyParts = withHeads(k);
  if (failed(keyParts))
    return failure();
  FailureOr<Value> valueParts = withHeads(v);
  if (failed(valueParts))
    return failure();
  key = *keyParts;
  value = *valueParts;
  batch = b.dim(*queryParts, 0);
  queryHeads = b.dim(*queryParts, q.headsFirst ? 1 : 2);
  rows = b.dim(*queryParts, q.headsFirst ? 2 : 1);
  headDim = b.dim(*queryParts, 3);
  keyHeads = b.dim(key, k.headsFirst ? 1 : 2);
  keys = b.dim(key, k.headsFirst ? 2 : 1);
  valueDim = b.dim(value, 3);
  auto queryCount = getConstantIntValue(queryHeads),
       keyCount = getConstantIntValue(keyHeads);
  if (queryCount && keyCount && (*keyCount == 0 || *queryCount % *keyCount))
    return n.fail(Twine(*queryCount) + " query heads do not divide into " +
                  Twine(*keyCount) + " key heads");
  if (failed(requireEqual(n, batch, b.dim(key, 0), "batch of the keys")) ||
      failed(requireEqual(n, batch, b.dim(value, 0), "batch of the values")) ||
      failed(
          requireEqual(n, headDim, b.dim(key, 3), "head size of the keys")) ||
      failed(requireEqual(n, keyHeads, b.dim(value, v.headsFirst ? 1 : 2),
                          "heads of keys and values")) ||
      failed(requireEqual(n, keys, b.dim(value, v.headsFirst ? 2 : 1),
                          "length of keys and values")))
    return failure();
  group = b.div(queryHeads, keyHeads);
  isGrouped = getConstantIntValue(group) != 1;
  groupQuery(q, *queryParts);
  queryMap = mapOf(q.headsFirst, Row, HeadDim, /*isQuery=*/true);
  keyMap = mapOf(k.headsFirst, Key, HeadDim, /*isQuery=*/false);
  valueMap = mapOf(v.headsFirst, Key, ValueDim, /*isQuery=*/false);
  return success();
}

//===----------------------------------------------------------------------===//
// Scores
//===----------------------------------------------------------------------===//

int64_t AttentionBuilder::capture(Value value, AffineMap map) {
  captures.push_back(value);
  captureMaps.push_back(map);
  return captures.size() - 1;
}

void AttentionBuilder::intersect(attn::MaskInterface mask) {
  if (!params.mask) {
    params.mask = mask;
    return;
  }
  params.mask = cast<attn::MaskInterface>(
      attn::AndAttr::get(b.getContext(), {params.mask, mask}));
}

/// A tensor that broadcasts to `to`, [batch, query heads, rows, keys], as a
/// capture.
FailureOr<int64_t> AttentionBuilder::captureScores(Value tensor,
                                                   const Dims &to) {
  auto operand = b.broadcastOperand(tensor, to);
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
  return capture(b.reshape(operand->value, sizes), map(dims));
}

LogicalResult AttentionBuilder::addBias(Value bias) {
  auto position = captureScores(bias, {batch, queryHeads, rows, keys});
  if (failed(position))
    return failure();
  biases.push_back(*position);
  return success();
}

LogicalResult AttentionBuilder::addPositionBias(Value bias) {
  if (b.rank(bias) != 4)
    return n.fail("a bias of the scores needs four dimensions");
  if (failed(requireEqual(n, b.dim(bias, 2), rows, "rows of the bias")) ||
      failed(requireAtMost(n, keys, b.dim(bias, 3), "keys of the bias")))
    return failure();
  if (!b.same(b.dim(bias, 3), keys))
    bias = b.sliceAxis(bias, 3, b.attr(0), keys);
  // Its own sizes, which may be static where those of the query are not.
  auto position =
      captureScores(bias, {batch, queryHeads, b.dim(bias, 2), b.dim(bias, 3)});
  if (failed(position))
    return failure();
  biases.push_back(*position);
  return success();
}

LogicalResult AttentionBuilder::addMask(Value mask) {
  auto position = captureScores(mask, {batch, queryHeads, rows, keys});
  if (failed(position))
    return failure();
  intersect(cast<attn::MaskInterface>(
      attn::DenseAttr::get(b.getContext(), *position)));
  return success();
}

int64_t AttentionBuilder::captureShift(Value shift) {
  if (!shift)
    return -1;
  return capture(shift, b.rank(shift) == 0 ? map({}) : map({Batch}));
}

void AttentionBuilder::addCausal(int64_t offset, Value shift) {
  intersect(cast<attn::MaskInterface>(attn::CausalAttr::get(
      b.getContext(), offset, attn::Alignment::Start, captureShift(shift))));
}

void AttentionBuilder::addCausalAfter(OpFoldResult past) {
  if (auto constant = getConstantIntValue(past))
    return addCausal(*constant, {});
  Type i64 = b.getI64Type();
  addCausal(
      0, b.fromScalars({b.fromDim(past, i64)}, RankedTensorType::get({}, i64)));
}

void AttentionBuilder::addWindow(int64_t left, int64_t right, int64_t offset,
                                 Value shift) {
  intersect(cast<attn::MaskInterface>(attn::SlidingWindowAttr::get(
      b.getContext(), left, right, offset, attn::Alignment::Start,
      captureShift(shift))));
}

void AttentionBuilder::addBounds(Value begin, Value end) {
  int64_t first = captureShift(begin), last = captureShift(end);
  intersect(cast<attn::MaskInterface>(
      attn::PaddingAttr::get(b.getContext(), first, last)));
}

/// The default scale for a head size that is only known at run time.
void AttentionBuilder::scaleQuery() {
  Type type = b.elementType(query);
  Value size = b.castScalar(b.fromDim(headDim, b.getI64Type()), b.getF32Type());
  Value scale = b.castScalar(b.createOrFold<math::RsqrtOp>(size), type);
  query =
      *b.elementwise({query}, type, [&](TensorBuilder &inner, ValueRange args) {
        return inner.createOrFold<arith::MulFOp>(args[0], scale);
      });
  params.scale = 1;
}

LogicalResult AttentionBuilder::setScaleOrDefault(double scale) {
  params.scale = scale;
  if (scale != 0)
    return success();
  auto size = getConstantIntValue(headDim);
  if (!size) {
    scaleQuery();
    return success();
  }
  params.scale = 1 / std::sqrt(double(*size));
  return success();
}

Value AttentionBuilder::score(Value s, ValueRange args) {
  if (softcap != 0) {
    Value cap = b.scalar(s.getType(), softcap);
    Value ratio = b.createOrFold<arith::DivFOp>(s, cap);
    s = b.createOrFold<arith::MulFOp>(b.createOrFold<math::TanhOp>(ratio), cap);
  }
  for (int64_t bias : biases)
    s = b.createOrFold<arith::AddFOp>(s, b.castScalar(args[bias], s.getType()));
  return s;
}

//===----------------------------------------------------------------------===//
// The operation
//===----------------------------------------------------------------------===//

Dims AttentionBuilder::outputDims(bool headsFirst) {
  Dims dims = {batch};
  if (!headsFirst)
    dims.push_back(rows);
  dims.push_back(keyHeads);
  if (isGrouped)
    dims.push_back(group);
  if (headsFirst)
    dims.push_back(rows);
  return dims;
}

/// With l the logarithm of the sum of exponentials, a sink s turns the sum into
/// e^l + e^s: the output shrinks by 1 / (1 + e^(s - l)). An empty row, where l
/// is -inf, stays zero.
FailureOr<Value> AttentionBuilder::divideBySink(Value output, Value lse,
                                                bool headsFirst) {
  int64_t rank = b.rank(lse);
  Dims dims = {keyHeads};
  if (isGrouped)
    dims.push_back(group);
  if (headsFirst)
    dims.push_back(b.attr(1));
  Value perHead = b.reshape(sink, dims);
  Type compute = b.elementType(lse), type = b.elementType(output);
  auto factor = b.elementwise(
      {lse, perHead}, compute, [&](TensorBuilder &b, ValueRange args) {
        Value gap = element::sub(b, b.castScalar(args[1], compute), args[0]);
        Value one = b.scalar(compute, 1);
        Value power = b.createOrFold<math::ExpOp>(gap);
        return element::div(b, one, element::add(b, one, power));
      });
  if (failed(factor))
    return failure();
  return b.elementwise({output, b.unsqueeze(*factor, {rank})}, type,
                       [&](TensorBuilder &b, ValueRange args) {
                         Value x = b.castScalar(args[0], compute);
                         return b.castScalar(element::mul(b, x, args[1]), type);
                       });
}

attn::AttentionOp
AttentionBuilder::create(ValueRange inits, ArrayRef<AffineMap> initMaps,
                         const attn::AttentionParams &params) {
  SmallVector<AffineMap> maps = {queryMap, keyMap, valueMap};
  maps.append(captureMaps);
  llvm::append_range(maps, initMaps);
  auto scoreWithBuilder = [&](OpBuilder &nested, Location, Value s,
                              ValueRange args) {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPoint(nested.getInsertionBlock(), nested.getInsertionPoint());
    Value result = score(s, args);
    nested.setInsertionPointToEnd(s.getParentBlock());
    return result;
  };
  attn::RegionBuilderFn region;
  if (softcap != 0 || !biases.empty())
    region = scoreWithBuilder;
  return attn::AttentionOp::create(b, query, ValueRange(key), ValueRange(value),
                                   captures, inits, maps, params, region);
}

FailureOr<Value> AttentionBuilder::build(bool headsFirst) {
  Type type = b.elementType(query);
  Dims rowDims = outputDims(headsFirst), dims = rowDims;
  dims.push_back(valueDim);
  SmallVector<Value> inits = {b.empty(dims, type)};
  AffineMap outputMap = mapOf(headsFirst, Row, ValueDim, /*isQuery=*/true);
  SmallVector<AffineMap> maps = {outputMap};
  if (sink) {
    // What is kept of the sums has their precision, not the output's.
    inits.push_back(b.empty(rowDims, element::mathType(type)));
    maps.push_back(outputMap.dropResult(outputMap.getNumResults() - 1));
    params.kinds = {attn::ResultKind::Output, attn::ResultKind::LogSumExp};
  }
  params.emptyRow = attn::EmptyRow::Zero;
  auto op = create(inits, maps, params);
  fovea::reportSite("attention", /*recognised=*/true, op.getOperation(),
                    "one operation in the model already");
  Value result = op->getResult(0);
  if (sink) {
    auto divided = divideBySink(result, op->getResult(1), headsFirst);
    if (failed(divided))
      return failure();
    result = *divided;
  }
  if (headsFirst)
    return b.reshape(result, {batch, queryHeads, rows, valueDim});
  return b.reshape(result, {batch, rows, b.mul(queryHeads, valueDim)});
}

Value AttentionBuilder::buildScores(bool normalized) {
  Type type = b.elementType(query);
  Dims dims = outputDims(/*headsFirst=*/true), scoreDims = dims;
  dims.push_back(valueDim);
  scoreDims.push_back(keys);
  attn::AttentionParams own = params;
  own.kinds = {attn::ResultKind::Output, attn::ResultKind::Probabilities};
  if (!normalized)
    own.normalizer = attn::Normalizer::None;
  auto op = create({b.empty(dims, type), b.empty(scoreDims, type)},
                   {mapOf(/*headsFirst=*/true, Row, ValueDim, /*isQuery=*/true),
                    mapOf(/*headsFirst=*/true, Row, Key, /*isQuery=*/true)},
                   own);
  return b.reshape(op->getResult(1), {batch, queryHeads, rows, keys});
}
