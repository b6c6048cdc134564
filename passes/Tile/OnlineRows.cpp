//===- OnlineRows.cpp - Online attention for a few rows -------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "AttentionTile.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace fovea;
using attn::OnlineOp;

namespace {
/// Emits one attn.online over a static tile row by row. Vectors run along K1
/// for the scores, along the keys for the probabilities and along N for the
/// output. What decides the speed is reading keys and values.
class OnlineRows {
public:
  OnlineRows(OpBuilder &builder, OnlineOp op)
      : b(builder), loc(op.getLoc()), op(op), roles(op.getRoles()),
        extents(op.getStaticExtents()), compute(op.getComputeType()) {
    rows = extents[roles.m];
    keys = extents[roles.k2];
    attn::ScheduleAttr schedule = attn::ScheduleAttr::of(op);
    lanes = schedule.getOption("lanes", 16);
    exponentScale = op.getExponentScale().convertToDouble();
    for (auto [index, capture] : llvm::enumerate(op.getCaptures()))
      captures.push_back({capture, dimsOf(op.getCaptureMap(index))});
  }

  SmallVector<Value> run();

private:
  DimTensor sliceRow(OpBuilder &n, Value tensor, OpFoldResult row) {
    return sliceDims(n, loc, {tensor, {roles.m}}, {roles.m}, {row}, {1});
  }
  Value insertRow(OpBuilder &n, Value part, Value tensor, OpFoldResult row) {
    return insertDims(n, loc, part, {tensor, {roles.m}}, {roles.m}, {row}, {1});
  }
  Value filled(OpBuilder &n, ArrayRef<int64_t> shape, double value) {
    Value empty = tensor::EmptyOp::create(n, loc, shape, compute);
    return linalg::FillOp::create(n, loc, floatConstant(n, loc, compute, value),
                                  empty)
        .getResult(0);
  }
  Value emitLogits(OpBuilder &n, OpFoldResult row, OpFoldResult key,
                   int64_t count, DimTensor out);
  Value emitScores();
  /// Probabilities of one row in place of its scores, and their sum added to
  /// `sum`.
  std::pair<Value, Value> emitProbabilities(OpBuilder &n, OpFoldResult row,
                                            Value scores, DimTensor max,
                                            DimTensor sum);
  Value emitOutput(Value probabilities, Value correction);
  SmallVector<Value> emitRow(OpBuilder &n, OpFoldResult row, ValueRange state);

  OpBuilder &b;
  Location loc;
  OnlineOp op;
  attn::DimRoles roles;
  SmallVector<int64_t> extents;
  FloatType compute;
  int64_t rows, keys, lanes;
  double exponentScale;
  SmallVector<DimTensor> captures;
};
} // namespace

/// `tensor` without the dimension `dim`, whose extent is 1.
static DimTensor dropUnitDim(OpBuilder &b, Location loc, DimTensor tensor,
                             unsigned dim) {
  auto type = cast<RankedTensorType>(tensor.value.getType());
  SmallVector<int64_t> shape;
  DimTensor result;
  for (auto [axis, d] : llvm::enumerate(tensor.dims))
    if (d != dim) {
      result.dims.push_back(d);
      shape.push_back(type.getDimSize(axis));
    }
  SmallVector<OpFoldResult> offsets(tensor.dims.size(), b.getIndexAttr(0));
  SmallVector<OpFoldResult> strides(tensor.dims.size(), b.getIndexAttr(1));
  result.value = tensor::ExtractSliceOp::create(
      b, loc, RankedTensorType::get(shape, type.getElementType()), tensor.value,
      offsets, tensor::getMixedSizes(b, loc, tensor.value), strides);
  return result;
}

static Value addElements(OpBuilder &b, Location l, ValueRange v) {
  return arith::AddFOp::create(b, l, v.back(), v.front());
}

/// The scores of `count` keys: products are summed lane by lane first, so that
/// all keys share one reduction across lanes.
Value OnlineRows::emitLogits(OpBuilder &n, OpFoldResult row, OpFoldResult key,
                             int64_t count, DimTensor out) {
  int64_t width = std::min(lanes, extents[roles.k1]);
  while (extents[roles.k1] % width != 0)
    --width;
  SmallVector<unsigned> partialDims{roles.k2, roles.k1};
  Value partial = forBlocks(
      n, loc, extents[roles.k1], width, filled(n, {count, width}, 0.0),
      [&](OpBuilder &k, OpFoldResult i, int64_t size,
          ValueRange args) -> SmallVector<Value> {
        DimTensor keyTile =
            sliceDims(k, loc, {op.getKey(), dimsOf(op.getMaps()[1])},
                      {roles.k2, roles.k1}, {key, i}, {count, size});
        DimTensor query =
            sliceDims(k, loc, {op.getQuery(), dimsOf(op.getMaps()[0])},
                      {roles.m, roles.k1}, {row, i}, {1, size});
        // The row must not count as a reduction.
        DimTensor queryRow = dropUnitDim(k, loc, query, roles.m);
        return {emitGeneric(
            k, loc, partialDims, {keyTile, queryRow}, {args[0], partialDims},
            [&](OpBuilder &e, Location l, ValueRange v) -> Value {
              return emitMulAdd(e, l, v[0], v[1], v[2]);
            })};
      })[0];
  Value zero = linalg::FillOp::create(
                   n, loc, floatConstant(n, loc, compute, 0.0), out.value)
                   .getResult(0);
  return emitGeneric(n, loc, {roles.m, roles.k2, roles.k1},
                     {{partial, partialDims}}, {zero, out.dims}, addElements);
}

/// Scores of all rows, a few keys at a time, so that the rows read those keys
/// from the first-level cache.
Value OnlineRows::emitScores() {
  SmallVector<unsigned> dims{roles.m, roles.k2};
  Value empty =
      tensor::EmptyOp::create(b, loc, ArrayRef<int64_t>{rows, keys}, compute);
  auto block = [&](OpBuilder &k, OpFoldResult row, OpFoldResult key,
                   int64_t count, Value scores) {
    DimTensor whole = {scores, dims};
    DimTensor part = sliceDims(k, loc, whole, dims, {row, key}, {1, count});
    part.value = emitLogits(k, row, key, count, part);
    Value scored =
        emitScoreRegion(k, op, part, captures, dims, {row, key}, {1, count});
    return insertDims(k, loc, scored, whole, dims, {row, key}, {1, count});
  };
  return forBlocks(
      b, loc, keys, lanes, empty,
      [&](OpBuilder &k, OpFoldResult key, int64_t count, ValueRange outer) {
        return forBalanced(k, loc, rows, 1, outer,
                           [&](OpBuilder &r, OpFoldResult row, int64_t,
                               ValueRange args) -> SmallVector<Value> {
                             return {block(r, row, key, count, args[0])};
                           });
      })[0];
}

std::pair<Value, Value>
OnlineRows::emitProbabilities(OpBuilder &n, OpFoldResult row, Value scores,
                              DimTensor max, DimTensor sum) {
  SmallVector<unsigned> dims{roles.m, roles.k2};
  auto take = [&](OpBuilder &k, OpFoldResult key, int64_t count, Value from) {
    DimTensor part =
        sliceDims(k, loc, {from, dims}, dims, {row, key}, {1, count});
    part.value =
        emitGeneric(k, loc, dims, {max}, part,
                    [&](OpBuilder &e, Location l, ValueRange v) -> Value {
                      return emitPower(e, l, v[1], v[0], exponentScale);
                    });
    return part;
  };
  int64_t whole = keys - keys % lanes;
  SmallVector<Value> carried{scores, sum.value};
  if (whole != 0) {
    // Lane by lane first: additions of a row are a chain otherwise.
    SmallVector<Value> parts =
        forBlocks(n, loc, whole, lanes, {scores, filled(n, {1, lanes}, 0.0)},
                  [&](OpBuilder &k, OpFoldResult key, int64_t count,
                      ValueRange args) -> SmallVector<Value> {
                    DimTensor p = take(k, key, count, args[0]);
                    Value partial = emitGeneric(k, loc, dims, {p},
                                                {args[1], dims}, addElements);
                    return {insertDims(k, loc, p.value, {args[0], dims}, dims,
                                       {row, key}, {1, count}),
                            partial};
                  });
    carried[0] = parts[0];
    carried[1] = emitGeneric(n, loc, dims, {{parts[1], dims}},
                             {sum.value, {roles.m}}, addElements);
  }
  if (whole != keys) {
    OpFoldResult key = n.getIndexAttr(whole);
    DimTensor p = take(n, key, keys - whole, carried[0]);
    carried[1] =
        emitGeneric(n, loc, dims, {p}, {carried[1], {roles.m}}, addElements);
    carried[0] = insertDims(n, loc, p.value, {carried[0], dims}, dims,
                            {row, key}, {1, keys - whole});
  }
  return {carried[0], carried[1]};
}

/// A few rows at a time, so that each value that is read serves all of them.
Value OnlineRows::emitOutput(Value probabilities, Value correction) {
  SmallVector<unsigned> accDims{roles.m, roles.n};
  auto columns = [&](OpBuilder &c, OpFoldResult row, int64_t count,
                     OpFoldResult column, int64_t width, Value acc) {
    DimTensor whole = {acc, accDims};
    DimTensor part =
        sliceDims(c, loc, whole, accDims, {row, column}, {count, width});
    DimTensor factor =
        sliceDims(c, loc, {correction, {roles.m}}, {roles.m}, {row}, {count});
    part.value =
        emitGeneric(c, loc, accDims, {factor}, part,
                    [](OpBuilder &e, Location l, ValueRange v) -> Value {
                      return arith::MulFOp::create(e, l, v[1], v[0]);
                    });
    Value updated = forBalanced(
        c, loc, keys, 1, part.value,
        [&](OpBuilder &k, OpFoldResult key, int64_t size,
            ValueRange inner) -> SmallVector<Value> {
          DimTensor p =
              sliceDims(k, loc, {probabilities, {roles.m, roles.k2}},
                        {roles.m, roles.k2}, {row, key}, {count, size});
          DimTensor value =
              sliceDims(k, loc, {op.getValue(), dimsOf(op.getMaps()[2])},
                        {roles.k2, roles.n}, {key, column}, {size, width});
          return {
              emitGeneric(k, loc, {roles.m, roles.n, roles.k2}, {p, value},
                          {inner[0], accDims},
                          [&](OpBuilder &e, Location l, ValueRange v) -> Value {
                            return emitMulAdd(e, l, v[0], v[1], v[2]);
                          })};
        })[0];
    return insertDims(c, loc, updated, whole, accDims, {row, column},
                      {count, width});
  };
  constexpr int64_t rowBlock = 4;
  int64_t vectors = rows >= rowBlock ? 4 : 8;
  return forBalanced(
      b, loc, rows, rowBlock, op.getAcc(),
      [&](OpBuilder &r, OpFoldResult row, int64_t count, ValueRange outer) {
        return forBlocks(r, loc, extents[roles.n], vectors * lanes, outer,
                         [&](OpBuilder &c, OpFoldResult column, int64_t width,
                             ValueRange args) -> SmallVector<Value> {
                           return {
                               columns(c, row, count, column, width, args[0])};
                         });
      })[0];
}

/// One row; `state` is the corrections, the maxima, the sums and the scores.
SmallVector<Value> OnlineRows::emitRow(OpBuilder &n, OpFoldResult row,
                                       ValueRange state) {
  SmallVector<unsigned> dims{roles.m, roles.k2};
  Value scores = state[3];
  DimTensor previous = sliceRow(n, state[1], row);
  DimTensor scoreRow = sliceDims(n, loc, {scores, dims}, {roles.m}, {row}, {1});
  auto statistic = [&](ArrayRef<DimTensor> inputs, auto body) -> DimTensor {
    Value empty =
        tensor::EmptyOp::create(n, loc, ArrayRef<int64_t>{1}, compute);
    return {emitGeneric(n, loc, {roles.m}, inputs, {empty, {roles.m}}, body),
            {roles.m}};
  };
  DimTensor before = statistic(
      {previous}, [](OpBuilder &, Location, ValueRange v) { return v[0]; });
  DimTensor max = previous;
  max.value = emitGeneric(n, loc, dims, {scoreRow}, previous,
                          [](OpBuilder &e, Location l, ValueRange v) {
                            return emitMax(e, l, v[0], v[1]);
                          });
  DimTensor safe = statistic({max}, [](OpBuilder &e, Location l, ValueRange v) {
    return emitSafeMax(e, l, v[0]);
  });
  DimTensor correction = statistic(
      {before, safe}, [&](OpBuilder &e, Location l, ValueRange v) -> Value {
        return emitPower(e, l, v[0], v[1], exponentScale);
      });
  DimTensor sum = sliceRow(n, state[2], row);
  sum.value = emitGeneric(n, loc, {roles.m}, {correction}, sum,
                          [](OpBuilder &e, Location l, ValueRange v) -> Value {
                            return arith::MulFOp::create(e, l, v[1], v[0]);
                          });
  auto [probabilities, newSum] = emitProbabilities(n, row, scores, safe, sum);
  return {insertRow(n, correction.value, state[0], row),
          insertRow(n, max.value, state[1], row),
          insertRow(n, newSum, state[2], row), probabilities};
}

SmallVector<Value> OnlineRows::run() {
  Value scores = emitScores();
  Value correction =
      tensor::EmptyOp::create(b, loc, ArrayRef<int64_t>{rows}, compute);
  SmallVector<Value> state = forBalanced(
      b, loc, rows, 1, {correction, op.getMax(), op.getSum(), scores},
      [&](OpBuilder &n, OpFoldResult row, int64_t, ValueRange args) {
        return emitRow(n, row, args);
      });
  return {emitOutput(state[3], state[0]), state[1], state[2]};
}

SmallVector<Value> fovea::lowerOnlineRows(OpBuilder &builder, OnlineOp op) {
  return OnlineRows(builder, op).run();
}
