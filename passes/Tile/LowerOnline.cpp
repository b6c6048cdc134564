//===- LowerOnline.cpp - Online attention as register tiles ---------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "AttentionTile.h"

#include "fovea/passes/Tile/Passes.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace fovea;
using attn::OnlineOp;

namespace fovea {
#define GEN_PASS_DEF_LOWERONLINE
#include "fovea/passes/Tile/Passes.h.inc"
} // namespace fovea

namespace {
/// Emits one attn.online over a static tile as loops over register tiles.
/// Within a register tile the rows are the lanes of vectors.
class OnlineLowering {
public:
  OnlineLowering(OpBuilder &builder, OnlineOp op)
      : b(builder), loc(op.getLoc()), op(op), roles(op.getRoles()),
        extents(op.getStaticExtents()), compute(op.getComputeType()),
        schedule(attn::ScheduleAttr::of(op)) {
    rows = extents[roles.m];
    keys = extents[roles.k2];
    lanes = schedule.getOption("lanes", 16);
    exponentScale = op.getExponentScale().convertToDouble();
  }

  SmallVector<Value> run();

private:
  /// Scores of all keys, and the new row maximum.
  std::pair<Value, Value> emitScores();
  Value emitLogits(OpBuilder &n, OpFoldResult key, int64_t count);
  /// Captures with the rows innermost, so that a row of them is a vector.
  void packCaptures();
  /// Probabilities in place of scores, and their row sums added to `sum`.
  std::pair<Value, Value> emitProbabilities(Value scores, Value max, Value sum);
  Value emitOutput(Value probabilities, Value correction);
  Value emitRow(ArrayRef<Value> inputs,
                function_ref<Value(OpBuilder &, Location, ValueRange)> body);

  OpBuilder &b;
  Location loc;
  OnlineOp op;
  attn::DimRoles roles;
  SmallVector<int64_t> extents;
  FloatType compute;
  attn::ScheduleAttr schedule;
  int64_t rows, keys, lanes;
  double exponentScale;
  SmallVector<DimTensor> captures;
};
} // namespace

/// An elementwise operation over one row of statistics.
Value OnlineLowering::emitRow(
    ArrayRef<Value> inputs,
    function_ref<Value(OpBuilder &, Location, ValueRange)> body) {
  SmallVector<DimTensor> operands;
  for (Value input : inputs)
    operands.push_back({input, {roles.m}});
  Value empty =
      tensor::EmptyOp::create(b, loc, ArrayRef<int64_t>{rows}, compute);
  return emitGeneric(b, loc, {roles.m}, operands, {empty, {roles.m}}, body);
}

void OnlineLowering::packCaptures() {
  for (auto [index, capture] : llvm::enumerate(op.getCaptures())) {
    DimTensor tensor = {capture, dimsOf(op.getCaptureMap(index))};
    captures.push_back(tensor);
    if (tensor.dims != SmallVector<unsigned>{roles.m, roles.k2})
      continue;
    captures.back() =
        packCapture(b, loc, tensor, {roles.k2, roles.m}, {keys, rows}, lanes);
  }
}

Value OnlineLowering::emitLogits(OpBuilder &n, OpFoldResult key,
                                 int64_t count) {
  DimTensor keyTile = sliceDims(n, loc, {op.getKey(), dimsOf(op.getMaps()[1])},
                                {roles.k2}, {key}, {count});
  DimTensor query = {op.getQuery(), dimsOf(op.getMaps()[0])};
  Value empty =
      tensor::EmptyOp::create(n, loc, ArrayRef<int64_t>{count, rows}, compute);
  Value zero =
      linalg::FillOp::create(n, loc, floatConstant(n, loc, compute, 0.0), empty)
          .getResult(0);
  return forBalanced(
      n, loc, extents[roles.k1], 1, zero,
      [&](OpBuilder &k, OpFoldResult i, int64_t size,
          ValueRange args) -> SmallVector<Value> {
        DimTensor left = sliceDims(k, loc, keyTile, {roles.k1}, {i}, {size});
        DimTensor right = sliceDims(k, loc, query, {roles.k1}, {i}, {size});
        return {
            emitGeneric(k, loc, {roles.k2, roles.m, roles.k1}, {left, right},
                        {args[0], {roles.k2, roles.m}},
                        [&](OpBuilder &e, Location l, ValueRange v) -> Value {
                          return emitMulAdd(e, l, v[0], v[1], v[2]);
                        })};
      })[0];
}

std::pair<Value, Value> OnlineLowering::emitScores() {
  Value empty =
      tensor::EmptyOp::create(b, loc, ArrayRef<int64_t>{keys, rows}, compute);
  SmallVector<unsigned> dims{roles.k2, roles.m};
  SmallVector<Value> result = forBalanced(
      b, loc, keys, schedule.getLevel("register")[0], {empty, op.getMax()},
      [&](OpBuilder &n, OpFoldResult key, int64_t count,
          ValueRange args) -> SmallVector<Value> {
        Value scores =
            emitScoreRegion(n, op, {emitLogits(n, key, count), dims}, captures,
                            dims, {key, n.getIndexAttr(0)}, {count, rows});
        Value max =
            emitGeneric(n, loc, dims, {{scores, dims}}, {args[1], {roles.m}},
                        [](OpBuilder &e, Location l, ValueRange v) {
                          return emitMax(e, l, v[0], v[1]);
                        });
        return {insertDims(n, loc, scores, {args[0], dims}, {roles.k2}, {key},
                           {count}),
                max};
      });
  return {result[0], result[1]};
}

std::pair<Value, Value>
OnlineLowering::emitProbabilities(Value scores, Value max, Value sum) {
  SmallVector<unsigned> dims{roles.k2, roles.m};
  // Wide enough to hide the latency of a polynomial.
  int64_t step = std::max<int64_t>(1, 8 * lanes / std::max(rows, lanes));
  SmallVector<Value> result = forBalanced(
      b, loc, keys, step, {scores, sum},
      [&](OpBuilder &n, OpFoldResult key, int64_t count,
          ValueRange args) -> SmallVector<Value> {
        DimTensor whole = {args[0], dims};
        DimTensor part = sliceDims(n, loc, whole, {roles.k2}, {key}, {count});
        Value p =
            emitGeneric(n, loc, dims, {{max, {roles.m}}}, part,
                        [&](OpBuilder &e, Location l, ValueRange v) -> Value {
                          return emitPower(e, l, v[1], v[0], exponentScale);
                        });
        Value s =
            emitGeneric(n, loc, dims, {{p, dims}}, {args[1], {roles.m}},
                        [](OpBuilder &e, Location l, ValueRange v) -> Value {
                          return arith::AddFOp::create(e, l, v[1], v[0]);
                        });
        return {insertDims(n, loc, p, whole, {roles.k2}, {key}, {count}), s};
      });
  return {result[0], result[1]};
}

Value OnlineLowering::emitOutput(Value probabilities, Value correction) {
  SmallVector<unsigned> accDims = dimsOf(op.getAccMap());
  return forBalanced(
      b, loc, extents[roles.n], schedule.getLevel("register")[1], op.getAcc(),
      [&](OpBuilder &n, OpFoldResult column, int64_t count,
          ValueRange args) -> SmallVector<Value> {
        DimTensor whole = {args[0], accDims};
        DimTensor acc = sliceDims(n, loc, whole, {roles.n}, {column}, {count});
        acc.value = emitGeneric(
            n, loc, {roles.n, roles.m}, {{correction, {roles.m}}}, acc,
            [](OpBuilder &e, Location l, ValueRange v) -> Value {
              return arith::MulFOp::create(e, l, v[1], v[0]);
            });
        DimTensor value =
            sliceDims(n, loc, {op.getValue(), dimsOf(op.getMaps()[2])},
                      {roles.n}, {column}, {count});
        Value updated = forBalanced(
            n, loc, keys, 1, acc.value,
            [&](OpBuilder &k, OpFoldResult key, int64_t size,
                ValueRange inner) -> SmallVector<Value> {
              DimTensor left =
                  sliceDims(k, loc, value, {roles.k2}, {key}, {size});
              DimTensor right =
                  sliceDims(k, loc, {probabilities, {roles.k2, roles.m}},
                            {roles.k2}, {key}, {size});
              return {emitGeneric(
                  k, loc, {roles.n, roles.m, roles.k2}, {left, right},
                  {inner[0], accDims},
                  [&](OpBuilder &e, Location l, ValueRange v) -> Value {
                    return emitMulAdd(e, l, v[0], v[1], v[2]);
                  })};
            })[0];
        return {
            insertDims(n, loc, updated, whole, {roles.n}, {column}, {count})};
      })[0];
}

SmallVector<Value> OnlineLowering::run() {
  packCaptures();
  auto [scores, max] = emitScores();
  Value safe = emitRow({max}, [](OpBuilder &e, Location l, ValueRange v) {
    return emitSafeMax(e, l, v[0]);
  });
  Value correction =
      emitRow({op.getMax(), safe},
              [&](OpBuilder &e, Location l, ValueRange v) -> Value {
                return emitPower(e, l, v[0], v[1], exponentScale);
              });
  // In place, so that the sum stays in the buffer that the loop carries.
  DimTensor previous = {op.getSum(), {roles.m}};
  Value scaled =
      emitGeneric(b, loc, {roles.m}, {{correction, {roles.m}}}, previous,
                  [](OpBuilder &e, Location l, ValueRange v) -> Value {
                    return arith::MulFOp::create(e, l, v[1], v[0]);
                  });
  auto [probabilities, sum] = emitProbabilities(scores, safe, scaled);
  Value acc = emitOutput(probabilities, correction);
  return {acc, max, sum};
}

void fovea::lowerOnline(RewriterBase &rewriter, OnlineOp op) {
  OpBuilder::InsertionGuard guard(rewriter);
  rewriter.setInsertionPoint(op);
  // The layout of the accumulator says what lies in the lanes of vectors.
  attn::DimRoles roles = op.getRoles();
  bool rowsInLanes = dimsOf(op.getAccMap()).back() == roles.m;
  rewriter.replaceOp(op, rowsInLanes ? OnlineLowering(rewriter, op).run()
                                     : lowerOnlineRows(rewriter, op));
}

namespace {
struct LowerOnline : fovea::impl::LowerOnlineBase<LowerOnline> {
  void runOnOperation() override {
    SmallVector<OnlineOp> ops;
    getOperation()->walk([&](OnlineOp op) { ops.push_back(op); });
    IRRewriter rewriter(&getContext());
    for (OnlineOp op : ops) {
      attn::ScheduleAttr schedule = attn::ScheduleAttr::of(op);
      if (!schedule || schedule.getLevel("register").size() != 2 ||
          !op.getRoles().batch.empty() ||
          ShapedType::isDynamicShape(op.getStaticExtents())) {
        op.emitError(
            "expected a static tile without batch dimensions and "
            "with a schedule that has a level 'register' of two sizes");
        return signalPassFailure();
      }
      lowerOnline(rewriter, op);
    }
  }
};
} // namespace
