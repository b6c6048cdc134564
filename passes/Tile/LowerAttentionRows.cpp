//===- LowerAttentionRows.cpp - Attention of rows with all their keys -----===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "AttentionTile.h"

#include "fovea/passes/Tile/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace fovea;
using attn::AttentionOp;

namespace fovea {
#define GEN_PASS_DEF_LOWERATTENTIONROWS
#include "fovea/passes/Tile/Passes.h.inc"
} // namespace fovea

static constexpr double log2OfE = 1.4426950408889634;

namespace {
using Body = function_ref<Value(OpBuilder &, Location, ValueRange)>;

/// Emits one attention over a static tile. All scores lie in one scratch tensor
/// with the keys outermost, so that the rows are the lanes of vectors.
class RowsLowering {
public:
  RowsLowering(OpBuilder &builder, AttentionOp op)
      : b(builder), loc(op.getLoc()), op(op), roles(op.getRoles()),
        extents(op.getStaticExtents()), compute(op.getComputeType()),
        schedule(attn::ScheduleAttr::of(op)) {
    rows = extents[roles.m];
    keys = extents[roles.k2];
    lanes = schedule.getOption("lanes", 16);
    scoreDims = {roles.k2, roles.m};
  }

  SmallVector<Value> run();

private:
  bool isSoftmax() {
    return op.getNormalizer() == attn::Normalizer::Softmax ||
           op.getNormalizer() == attn::Normalizer::SoftmaxPlusOne;
  }
  Value emptyTensor(OpBuilder &n, ArrayRef<int64_t> shape, Type type) {
    return tensor::EmptyOp::create(n, loc, shape, type);
  }
  Value filled(OpBuilder &n, ArrayRef<int64_t> shape, double value) {
    return linalg::FillOp::create(n, loc, floatConstant(n, loc, compute, value),
                                  emptyTensor(n, shape, compute))
        .getResult(0);
  }
  Value emitStatistic(ArrayRef<Value> inputs, Body body);
  void packQuery();
  SmallVector<DimTensor> packCaptures(OpBuilder &n, Region &region,
                                      OpFoldResult key, int64_t count);
  Value emitLogits(OpBuilder &n, OpFoldResult key, int64_t count);
  Value emitPointwise(OpBuilder &n, Region &region,
                      ArrayRef<DimTensor> captures, ArrayRef<DimTensor> more,
                      DimTensor part, OpFoldResult key, OpFoldResult captureKey,
                      int64_t count, Body before);
  void emitScores();
  void emitPowers();
  void emitProbabilities();
  Value normalize(OpBuilder &n, Location l, ValueRange v);
  Value emitOutput(unsigned index);
  Value emitReadout(unsigned index);
  Value emitLogSumExp(unsigned index);

  OpBuilder &b;
  Location loc;
  AttentionOp op;
  attn::DimRoles roles;
  SmallVector<int64_t> extents;
  FloatType compute;
  attn::ScheduleAttr schedule;
  int64_t rows, keys, lanes;
  SmallVector<unsigned> scoreDims;
  /// The query with the rows innermost; scores, later probabilities; statistics
  /// of a softmax, and what is still to be multiplied with the output.
  Value query, scores, max, sum, factor;
  double exponentScale = 1.0;
};
} // namespace

/// The sum of two positions; loops around it may not be complete yet, so it is
/// not an affine.apply.
static OpFoldResult addPositions(OpBuilder &b, Location loc, OpFoldResult x,
                                 OpFoldResult y) {
  if (isZeroInteger(x))
    return y;
  if (isZeroInteger(y))
    return x;
  return arith::AddIOp::create(b, loc,
                               getValueOrCreateConstantIndexOp(b, loc, x),
                               getValueOrCreateConstantIndexOp(b, loc, y))
      .getResult();
}

/// An elementwise operation over one row of statistics.
Value RowsLowering::emitStatistic(ArrayRef<Value> inputs, Body body) {
  SmallVector<DimTensor> operands;
  for (Value input : inputs)
    operands.push_back({input, {roles.m}});
  return emitGeneric(b, loc, {roles.m}, operands,
                     {emptyTensor(b, {rows}, compute), {roles.m}}, body);
}

void RowsLowering::packQuery() {
  double scale = op.getScale().convertToDouble();
  // As in the online form: the base of the exponent is changed here, once, or
  // after the subtraction of the maximum where a region comes in between.
  if (isSoftmax())
    (op.getScore().empty() ? scale : exponentScale) *= log2OfE;
  SmallVector<unsigned> dims{roles.k1, roles.m};
  SmallVector<int64_t> shape{extents[roles.k1], rows};
  query = emitBlockwise(
      b, loc, dims, shape, lanes, {{op.getQuery(), dimsOf(op.getQueryMap())}},
      {emptyTensor(b, shape, compute), dims},
      [&](OpBuilder &n, Location l, ValueRange e) -> Value {
        return arith::MulFOp::create(n, l, castFloat(n, l, e[0], compute),
                                     floatConstant(n, l, compute, scale));
      });
}

/// What `region` reads of `count` keys from `key` on, rows innermost.
SmallVector<DimTensor> RowsLowering::packCaptures(OpBuilder &n, Region &region,
                                                  OpFoldResult key,
                                                  int64_t count) {
  SmallVector<DimTensor> packed;
  for (auto [index, capture] : llvm::enumerate(op.getCaptures())) {
    DimTensor tensor =
        sliceDims(n, loc, {capture, dimsOf(op.getCaptureMap(index))},
                  {roles.k2}, {key}, {count});
    bool isRead =
        !region.empty() && !region.front().getArgument(index + 1).use_empty();
    if (isRead && tensor.dims == SmallVector<unsigned>{roles.m, roles.k2})
      tensor = packCapture(n, loc, tensor, scoreDims, {count, rows}, lanes);
    packed.push_back(tensor);
  }
  return packed;
}

Value RowsLowering::emitLogits(OpBuilder &n, OpFoldResult key, int64_t count) {
  DimTensor keyTile =
      sliceDims(n, loc, {op.getKeys()[0], dimsOf(op.getKeyMap(0))}, {roles.k2},
                {key}, {count});
  return forBalanced(
      n, loc, extents[roles.k1], 1, filled(n, {count, rows}, 0.0),
      [&](OpBuilder &k, OpFoldResult i, int64_t size,
          ValueRange args) -> SmallVector<Value> {
        DimTensor left = sliceDims(k, loc, keyTile, {roles.k1}, {i}, {size});
        DimTensor right = sliceDims(k, loc, {query, {roles.k1, roles.m}},
                                    {roles.k1}, {i}, {size});
        return {
            emitGeneric(k, loc, {roles.k2, roles.m, roles.k1}, {left, right},
                        {args[0], scoreDims},
                        [&](OpBuilder &e, Location l, ValueRange v) -> Value {
                          return emitMulAdd(e, l, v[0], v[1], v[2]);
                        })};
      })[0];
}

/// Applies `before` to a part of the scores and `more`, and then `region`. The
/// part begins at `key`, and at `captureKey` within the captures.
Value RowsLowering::emitPointwise(OpBuilder &n, Region &region,
                                  ArrayRef<DimTensor> captures,
                                  ArrayRef<DimTensor> more, DimTensor part,
                                  OpFoldResult key, OpFoldResult captureKey,
                                  int64_t count, Body before) {
  SmallVector<DimTensor> inputs;
  for (const DimTensor &capture : captures)
    inputs.push_back(
        sliceDims(n, loc, capture, {roles.k2}, {captureKey}, {count}));
  llvm::append_range(inputs, more);
  return emitGeneric(
      n, loc, scoreDims, inputs, part,
      [&](OpBuilder &e, Location l, ValueRange v) {
        auto position = [&](unsigned dim) -> Value {
          Value local = linalg::IndexOp::create(e, l, dim == roles.m ? 1 : 0);
          if (dim == roles.m)
            return local;
          return getValueOrCreateConstantIndexOp(
              e, l, addPositions(e, l, key, local));
        };
        SmallVector<Value> elements;
        for (auto [index, capture] : llvm::enumerate(op.getCaptures()))
          elements.push_back(
              unpackElement(e, l, v[index], getElementTypeOrSelf(capture)));
        Value element = before(e, l, v.drop_front(captures.size()));
        return emitRegion(e, l, region, element, {position, elements});
      });
}

/// Fills the scratch with scores and finds the maximum of each row.
void RowsLowering::emitScores() {
  bool plusOne = op.getNormalizer() == attn::Normalizer::SoftmaxPlusOne;
  max = filled(b, {rows},
               plusOne ? 0.0 : -std::numeric_limits<double>::infinity());
  scores = emptyTensor(b, {keys, rows}, compute);
  auto registerTile = [&](OpBuilder &n, ArrayRef<DimTensor> captures,
                          OpFoldResult key, OpFoldResult local, int64_t count,
                          ValueRange args) -> SmallVector<Value> {
    DimTensor part = {emitLogits(n, key, count), scoreDims};
    if (!op.getScore().empty())
      part.value = emitPointwise(
          n, op.getScore(), captures, {}, part, key, local, count,
          [](OpBuilder &, Location, ValueRange v) { return v.back(); });
    Value newMax = args[1];
    if (isSoftmax())
      newMax = emitGeneric(n, loc, scoreDims, {part}, {newMax, {roles.m}},
                           [](OpBuilder &e, Location l, ValueRange v) {
                             return emitMax(e, l, v[0], v[1]);
                           });
    return {insertDims(n, loc, part.value, {args[0], scoreDims}, {roles.k2},
                       {key}, {count}),
            newMax};
  };
  SmallVector<Value> result = forBlocks(
      b, loc, keys, schedule.getLevel("reduction").front(), {scores, max},
      [&](OpBuilder &n, OpFoldResult key, int64_t count, ValueRange outer) {
        SmallVector<DimTensor> captures =
            packCaptures(n, op.getScore(), key, count);
        return forBalanced(
            n, loc, count, schedule.getLevel("register")[0], outer,
            [&](OpBuilder &k, OpFoldResult local, int64_t size,
                ValueRange args) {
              OpFoldResult position = addPositions(k, loc, key, local);
              return registerTile(k, captures, position, local, size, args);
            });
      });
  scores = result[0];
  max = emitStatistic({result[1]}, [](OpBuilder &n, Location l, ValueRange e) {
    return emitSafeMax(n, l, e[0]);
  });
}

/// Replaces the scores of a softmax by powers and sums them.
void RowsLowering::emitPowers() {
  sum = filled(b, {rows}, 0.0);
  if (op.getNormalizer() == attn::Normalizer::SoftmaxPlusOne) {
    Value zero = sum;
    sum =
        emitStatistic({zero, max}, [&](OpBuilder &n, Location l, ValueRange e) {
          return emitPower(n, l, e[0], e[1], exponentScale);
        });
  }
  // Wide enough to hide the latency of a polynomial.
  int64_t step = std::max<int64_t>(1, 8 * lanes / rows);
  SmallVector<Value> result = forBalanced(
      b, loc, keys, step, {scores, sum},
      [&](OpBuilder &n, OpFoldResult key, int64_t count,
          ValueRange args) -> SmallVector<Value> {
        DimTensor whole = {args[0], scoreDims};
        DimTensor part = sliceDims(n, loc, whole, {roles.k2}, {key}, {count});
        part.value =
            emitGeneric(n, loc, scoreDims, {{max, {roles.m}}}, part,
                        [&](OpBuilder &e, Location l, ValueRange v) {
                          return emitPower(e, l, v[1], v[0], exponentScale);
                        });
        Value total =
            emitGeneric(n, loc, scoreDims, {part}, {args[1], {roles.m}},
                        [](OpBuilder &e, Location l, ValueRange v) -> Value {
                          return arith::AddFOp::create(e, l, v[1], v[0]);
                        });
        return {
            insertDims(n, loc, part.value, whole, {roles.k2}, {key}, {count}),
            total};
      });
  scores = result[0];
  sum = result[1];
  factor = emitStatistic({sum}, [&](OpBuilder &n, Location l, ValueRange e) {
    return emitReciprocal(n, l, e[0], op.getEmptyRow());
  });
}

/// A probability from a score, or from a power and the factor of its row.
Value RowsLowering::normalize(OpBuilder &n, Location l, ValueRange v) {
  switch (op.getNormalizer()) {
  case attn::Normalizer::Softmax:
  case attn::Normalizer::SoftmaxPlusOne:
    return arith::MulFOp::create(n, l, v[1], v[0]);
  case attn::Normalizer::Sigmoid: {
    Value one = floatConstant(n, l, compute, 1.0);
    Value exponent = arith::MulFOp::create(
        n, l, v[0], floatConstant(n, l, compute, -log2OfE));
    Value power = math::Exp2Op::create(n, l, exponent);
    return arith::DivFOp::create(n, l, one,
                                 arith::AddFOp::create(n, l, one, power));
  }
  case attn::Normalizer::ReluSquared: {
    Value zero = floatConstant(n, l, compute, 0.0);
    Value positive = arith::MaximumFOp::create(n, l, v[0], zero);
    return arith::MulFOp::create(n, l, positive, positive);
  }
  case attn::Normalizer::None:
    return v[0];
  }
  return v[0];
}

/// Replaces what the scratch holds by the final probabilities.
void RowsLowering::emitProbabilities() {
  SmallVector<DimTensor> more;
  if (isSoftmax())
    more.push_back({factor, {roles.m}});
  int64_t step = std::max<int64_t>(1, 8 * lanes / rows);
  scores = forBlocks(
      b, loc, keys, schedule.getLevel("reduction").front(), scores,
      [&](OpBuilder &n, OpFoldResult key, int64_t count, ValueRange outer) {
        SmallVector<DimTensor> captures =
            packCaptures(n, op.getProb(), key, count);
        return forBalanced(
            n, loc, count, step, outer,
            [&](OpBuilder &k, OpFoldResult local, int64_t size,
                ValueRange args) -> SmallVector<Value> {
              OpFoldResult position = addPositions(k, loc, key, local);
              DimTensor whole = {args[0], scoreDims};
              DimTensor part =
                  sliceDims(k, loc, whole, {roles.k2}, {position}, {size});
              part.value = emitPointwise(
                  k, op.getProb(), captures, more, part, position, local, size,
                  [&](OpBuilder &e, Location l, ValueRange v) {
                    return normalize(e, l, v);
                  });
              return {insertDims(k, loc, part.value, whole, {roles.k2},
                                 {position}, {size})};
            });
      })[0];
  factor = {};
}

Value RowsLowering::emitOutput(unsigned index) {
  SmallVector<unsigned> accDims{roles.n, roles.m};
  int64_t columns = schedule.getLevel("register")[1];
  Value acc = forBalanced(
      b, loc, extents[roles.n], 8,
      emptyTensor(b, {extents[roles.n], rows}, compute),
      [&](OpBuilder &n, OpFoldResult i, int64_t size,
          ValueRange args) -> SmallVector<Value> {
        return {insertDims(n, loc, filled(n, {size, rows}, 0.0),
                           {args[0], accDims}, {roles.n}, {i}, {size})};
      })[0];
  auto block = [&](OpBuilder &n, OpFoldResult key, int64_t count,
                   OpFoldResult column, int64_t width, Value carried) {
    DimTensor whole = {carried, accDims};
    DimTensor part = sliceDims(n, loc, whole, {roles.n}, {column}, {width});
    DimTensor value =
        sliceDims(n, loc, {op.getValues()[0], dimsOf(op.getValueMap(0))},
                  {roles.n, roles.k2}, {column, key}, {width, count});
    DimTensor weights =
        sliceDims(n, loc, {scores, scoreDims}, {roles.k2}, {key}, {count});
    Value updated = forBalanced(
        n, loc, count, 1, part.value,
        [&](OpBuilder &k, OpFoldResult i, int64_t size,
            ValueRange inner) -> SmallVector<Value> {
          DimTensor left = sliceDims(k, loc, value, {roles.k2}, {i}, {size});
          DimTensor right = sliceDims(k, loc, weights, {roles.k2}, {i}, {size});
          return {
              emitGeneric(k, loc, {roles.n, roles.m, roles.k2}, {left, right},
                          {inner[0], accDims},
                          [&](OpBuilder &e, Location l, ValueRange v) -> Value {
                            return emitMulAdd(e, l, v[0], v[1], v[2]);
                          })};
        })[0];
    return insertDims(n, loc, updated, whole, {roles.n}, {column}, {width});
  };
  acc = forBlocks(
      b, loc, keys, schedule.getLevel("reduction").front(), acc,
      [&](OpBuilder &n, OpFoldResult key, int64_t count, ValueRange outer) {
        return forBalanced(n, loc, extents[roles.n], columns, outer,
                           [&](OpBuilder &c, OpFoldResult column, int64_t width,
                               ValueRange args) -> SmallVector<Value> {
                             return {
                                 block(c, key, count, column, width, args[0])};
                           });
      })[0];
  SmallVector<DimTensor> inputs{{acc, accDims}};
  if (factor)
    inputs.push_back({factor, {roles.m}});
  Value out = op.getInits()[index];
  Type type = getElementTypeOrSelf(out);
  return emitBlockwise(b, loc, {roles.m, roles.n}, {rows, extents[roles.n]},
                       lanes, inputs, {out, dimsOf(op.getInitMap(index))},
                       [&](OpBuilder &n, Location l, ValueRange e) {
                         Value result = e[0];
                         if (factor)
                           result = arith::MulFOp::create(n, l, e[0], e[1]);
                         return castFloat(n, l, result, type);
                       });
}

/// The probabilities in the layout of their result.
Value RowsLowering::emitReadout(unsigned index) {
  Value out = op.getInits()[index];
  Type type = getElementTypeOrSelf(out);
  return emitBlockwise(b, loc, {roles.m, roles.k2}, {rows, keys}, lanes,
                       {{scores, scoreDims}},
                       {out, dimsOf(op.getInitMap(index))},
                       [&](OpBuilder &n, Location l, ValueRange e) {
                         return castFloat(n, l, e[0], type);
                       });
}

Value RowsLowering::emitLogSumExp(unsigned index) {
  Value out = op.getInits()[index];
  Type type = getElementTypeOrSelf(out);
  return emitGeneric(
      b, loc, {roles.m}, {{max, {roles.m}}, {sum, {roles.m}}}, {out, {roles.m}},
      [&](OpBuilder &n, Location l, ValueRange e) {
        Value base = floatConstant(n, l, compute, 1.0 / log2OfE);
        Value logSum =
            arith::MulFOp::create(n, l, math::Log2Op::create(n, l, e[1]), base);
        // Scores without a region were multiplied with log2(e) beforehand.
        Value maximum = e[0];
        if (op.getScore().empty())
          maximum = arith::MulFOp::create(n, l, maximum, base);
        return castFloat(n, l, arith::AddFOp::create(n, l, maximum, logSum),
                         type);
      });
}

SmallVector<Value> RowsLowering::run() {
  packQuery();
  emitScores();
  if (isSoftmax())
    emitPowers();
  // Otherwise the division by the sum is left to the output.
  if (!isSoftmax() || !op.getProb().empty() ||
      op.getInitOfKind(attn::ResultKind::Probabilities) >= 0)
    emitProbabilities();
  SmallVector<Value> results;
  for (auto [index, kind] : llvm::enumerate(op.getKinds())) {
    switch (kind) {
    case attn::ResultKind::Output:
      results.push_back(emitOutput(index));
      break;
    case attn::ResultKind::Probabilities:
      results.push_back(emitReadout(index));
      break;
    case attn::ResultKind::LogSumExp:
      results.push_back(emitLogSumExp(index));
      break;
    }
  }
  return results;
}

/// Whether `op` is a tile that attn-tile has cut out.
static bool isTile(AttentionOp op) {
  attn::ScheduleAttr schedule = attn::ScheduleAttr::of(op);
  attn::DimRoles roles = op.getRoles();
  SmallVector<int64_t> extents = op.getStaticExtents();
  return schedule && schedule.getLevel("register").size() == 2 &&
         schedule.getLevel("reduction").size() == 1 && roles.batch.empty() &&
         op.getKeys().size() == 1 && !op.getMask() &&
         !ShapedType::isDynamicShape(extents) &&
         !llvm::is_contained(extents, 0) &&
         extents[roles.m] % schedule.getOption("lanes", 16) == 0;
}

namespace {
struct LowerAttentionRows
    : fovea::impl::LowerAttentionRowsBase<LowerAttentionRows> {
  void runOnOperation() override {
    SmallVector<AttentionOp> ops;
    getOperation()->walk([&](AttentionOp op) {
      if (isTile(op))
        ops.push_back(op);
    });
    IRRewriter rewriter(&getContext());
    for (AttentionOp op : ops) {
      rewriter.setInsertionPoint(op);
      rewriter.replaceOp(op, RowsLowering(rewriter, op).run());
    }
  }
};
} // namespace
