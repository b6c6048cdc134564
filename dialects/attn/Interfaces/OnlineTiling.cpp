//===- OnlineTiling.cpp - Tiling of attn.online ---------------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fovea/dialects/attn/Attn.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace fovea::attn;

static unsigned dimOf(AffineExpr expr) {
  return cast<AffineDimExpr>(expr).getPosition();
}

//===----------------------------------------------------------------------===//
// Tiling
//===----------------------------------------------------------------------===//

SmallVector<utils::IteratorType> OnlineOp::getLoopIteratorTypes() {
  DimRoles roles = getRoles();
  SmallVector<utils::IteratorType> types(getAccMap().getNumDims(),
                                         utils::IteratorType::parallel);
  types[roles.k1] = types[roles.k2] = utils::IteratorType::reduction;
  return types;
}

SmallVector<Range> OnlineOp::getIterationDomain(OpBuilder &builder) {
  OpFoldResult zero = builder.getIndexAttr(0), one = builder.getIndexAttr(1);
  SmallVector<Range> domain(getAccMap().getNumDims(), Range{zero, {}, one});
  for (auto [operand, map] : llvm::zip_equal((*this)->getOperands(), getMaps()))
    for (auto [axis, expr] : llvm::enumerate(map.getResults())) {
      OpFoldResult &size = domain[dimOf(expr)].size;
      if (!size || isa<Value>(size))
        size = tensor::getMixedSize(builder, getLoc(), operand, axis);
    }
  return domain;
}

static tensor::ExtractSliceOp sliceOperand(OpBuilder &builder, Location loc,
                                           Value operand, AffineMap map,
                                           ArrayRef<OpFoldResult> offsets,
                                           ArrayRef<OpFoldResult> sizes) {
  SmallVector<OpFoldResult> starts, counts;
  for (AffineExpr expr : map.getResults()) {
    starts.push_back(offsets[dimOf(expr)]);
    counts.push_back(sizes[dimOf(expr)]);
  }
  SmallVector<OpFoldResult> strides(starts.size(), builder.getIndexAttr(1));
  return tensor::ExtractSliceOp::create(builder, loc, operand, starts, counts,
                                        strides);
}

/// Makes the positions in the region of a tile those of the whole.
static void offsetPositions(OpBuilder &builder, OnlineOp tile,
                            ArrayRef<OpFoldResult> offsets) {
  OpBuilder::InsertionGuard guard(builder);
  SmallVector<IndexOp> positions;
  tile.getScore().walk([&](IndexOp op) { positions.push_back(op); });
  for (IndexOp op : positions) {
    OpFoldResult offset = offsets[op.getDim()];
    if (isZeroInteger(offset))
      continue;
    builder.setInsertionPointAfter(op);
    auto sum = arith::AddIOp::create(
        builder, op.getLoc(), op.getPosition(),
        getValueOrCreateConstantIndexOp(builder, op.getLoc(), offset));
    op.getPosition().replaceAllUsesExcept(sum, sum);
  }
}

/// Clones `op` onto a tile, with `inits` for its destinations.
static FailureOr<TilingResult> cloneOnTile(OpBuilder &builder, OnlineOp op,
                                           ArrayRef<OpFoldResult> offsets,
                                           ArrayRef<OpFoldResult> sizes,
                                           ArrayRef<Value> inits,
                                           SmallVector<Operation *> slices) {
  DimRoles roles = op.getRoles();
  SmallVector<int64_t> extents = op.getStaticExtents();
  // The statistics belong to whole sums over K1, and each tile of N would
  // update them again.
  for (unsigned dim : {roles.k1, roles.n})
    if (!isZeroInteger(offsets[dim]) ||
        (!ShapedType::isDynamic(extents[dim]) &&
         getConstantIntValue(sizes[dim]) != extents[dim]))
      return op.emitOpError("cannot be tiled along the head dimension or the "
                            "value dimension");
  SmallVector<Value> operands;
  unsigned numInputs = op->getNumOperands() - inits.size();
  SmallVector<AffineMap> maps = op.getMaps();
  for (unsigned i = 0; i < numInputs; ++i) {
    auto slice = sliceOperand(builder, op.getLoc(), op->getOperand(i), maps[i],
                              offsets, sizes);
    operands.push_back(slice);
    slices.push_back(slice);
  }
  llvm::append_range(operands, inits);
  Operation *tile = builder.clone(*op);
  tile->setOperands(operands);
  for (auto [result, init] : llvm::zip_equal(tile->getResults(), inits))
    result.setType(init.getType());
  offsetPositions(builder, cast<OnlineOp>(tile), offsets);
  return TilingResult{{tile}, SmallVector<Value>(tile->getResults()), slices};
}

FailureOr<TilingResult>
OnlineOp::getTiledImplementation(OpBuilder &builder,
                                 ArrayRef<OpFoldResult> offsets,
                                 ArrayRef<OpFoldResult> sizes) {
  SmallVector<Value> inits;
  SmallVector<Operation *> slices;
  SmallVector<AffineMap> maps = getMaps();
  for (OpOperand &init : getDpsInitsMutable()) {
    auto slice = sliceOperand(builder, getLoc(), init.get(),
                              maps[init.getOperandNumber()], offsets, sizes);
    inits.push_back(slice);
    slices.push_back(slice);
  }
  return cloneOnTile(builder, *this, offsets, sizes, inits, slices);
}

static AffineMap mapOfResult(OnlineOp op, unsigned result) {
  return op.getMaps()[3 + op.getCaptures().size() + result];
}

LogicalResult OnlineOp::getResultTilePosition(
    OpBuilder &, unsigned result, ArrayRef<OpFoldResult> offsets,
    ArrayRef<OpFoldResult> sizes, SmallVector<OpFoldResult> &resultOffsets,
    SmallVector<OpFoldResult> &resultSizes) {
  for (AffineExpr expr : mapOfResult(*this, result).getResults()) {
    resultOffsets.push_back(offsets[dimOf(expr)]);
    resultSizes.push_back(sizes[dimOf(expr)]);
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Split keys
//===----------------------------------------------------------------------===//

/// Only whole chunks of keys side by side are partial results of this
/// operation; it cannot keep one result per key of a chunk.
static LogicalResult checkSplit(OnlineOp op,
                                const SetVector<unsigned> &reductionDims) {
  if (reductionDims.size() != 1 || reductionDims.front() != op.getRoles().k2)
    return op.emitOpError("can be split along the keys only");
  return success();
}

FailureOr<SmallVector<Value>>
OnlineOp::generateInitialTensorForPartialReduction(
    OpBuilder &builder, Location loc, ArrayRef<OpFoldResult> sizes,
    const SetVector<unsigned> &reductionDims) {
  if (failed(checkSplit(*this, reductionDims)))
    return failure();
  SmallVector<Value> partials;
  FloatType type = getComputeType();
  for (unsigned result = 0; result < 3; ++result) {
    SmallVector<OpFoldResult> shape;
    for (AffineExpr expr : mapOfResult(*this, result).getResults())
      shape.push_back(sizes[dimOf(expr)]);
    shape.push_back(sizes[reductionDims.front()]);
    Value empty = tensor::EmptyOp::create(builder, loc, shape, type);
    double identity =
        result == 1 ? -std::numeric_limits<double>::infinity() : 0.0;
    Value scalar = arith::ConstantOp::create(
        builder, loc, builder.getFloatAttr(type, identity));
    partials.push_back(
        linalg::FillOp::create(builder, loc, scalar, empty).getResult(0));
  }
  return partials;
}

LogicalResult OnlineOp::getPartialResultTilePosition(
    OpBuilder &builder, unsigned result, ReductionTilingStrategy strategy,
    ArrayRef<OpFoldResult> offsets, ArrayRef<OpFoldResult> sizes,
    const SetVector<unsigned> &, ArrayRef<OpFoldResult> splitIvs,
    SmallVector<OpFoldResult> &resultOffsets,
    SmallVector<OpFoldResult> &resultSizes) {
  if (strategy != ReductionTilingStrategy::PartialReductionOuterParallel)
    return failure();
  (void)getResultTilePosition(builder, result, offsets, sizes, resultOffsets,
                              resultSizes);
  resultOffsets.push_back(splitIvs.front());
  resultSizes.push_back(builder.getIndexAttr(1));
  return success();
}

FailureOr<TilingResult> OnlineOp::tileToPartialReduction(
    OpBuilder &builder, Location loc, ReductionTilingStrategy strategy,
    ValueRange partials, ArrayRef<OpFoldResult> offsets,
    ArrayRef<OpFoldResult> sizes, const SetVector<unsigned> &reductionDims,
    ArrayRef<OpFoldResult> splitIvs) {
  if (failed(checkSplit(*this, reductionDims)))
    return failure();
  if (strategy != ReductionTilingStrategy::PartialReductionOuterParallel)
    return emitOpError("can be split into chunks of keys only, with a partial "
                       "result for each");
  SmallVector<Value> inits;
  SmallVector<Operation *> slices;
  for (auto [result, partial] : llvm::enumerate(partials)) {
    SmallVector<OpFoldResult> starts, counts;
    (void)getPartialResultTilePosition(builder, result, strategy, offsets,
                                       sizes, reductionDims, splitIvs, starts,
                                       counts);
    SmallVector<int64_t> shape;
    for (OpFoldResult count : ArrayRef(counts).drop_back())
      shape.push_back(
          getConstantIntValue(count).value_or(ShapedType::kDynamic));
    SmallVector<OpFoldResult> strides(starts.size(), builder.getIndexAttr(1));
    auto slice = tensor::ExtractSliceOp::create(
        builder, loc, RankedTensorType::get(shape, getComputeType()), partial,
        starts, counts, strides);
    inits.push_back(slice);
    slices.push_back(slice);
  }
  return cloneOnTile(builder, *this, offsets, sizes, inits, slices);
}

namespace {
/// Emits the merge of partial results into the destinations of an operation.
class Merge {
public:
  Merge(OpBuilder &builder, Location loc, OnlineOp op, ValueRange partials)
      : b(builder), loc(loc), op(op), partials(partials), k2(op.getRoles().k2) {
  }

  MergeResult run();

private:
  /// Over the dimensions of result `like` and, where an operand has it, the
  /// chunks. `partial` says which operands have the chunks.
  Value emit(unsigned like, ArrayRef<std::pair<Value, unsigned>> inputs,
             ArrayRef<bool> partial, Value out,
             function_ref<Value(OpBuilder &, Location, ValueRange)> body);
  Value weight(OpBuilder &n, Location l, Value max, Value total);
  /// `init` scaled to the maximum `max`, plus the partial results scaled to it.
  Value combine(unsigned result, Value max);

  OpBuilder &b;
  Location loc;
  OnlineOp op;
  ValueRange partials;
  unsigned k2;
  SmallVector<Operation *> ops;
};
} // namespace

Value Merge::emit(unsigned like, ArrayRef<std::pair<Value, unsigned>> inputs,
                  ArrayRef<bool> partial, Value out,
                  function_ref<Value(OpBuilder &, Location, ValueRange)> body) {
  // The chunks come last in the iteration space.
  SmallVector<unsigned> space;
  for (AffineExpr expr : mapOfResult(op, like).getResults())
    space.push_back(dimOf(expr));
  if (llvm::is_contained(partial, true))
    space.push_back(k2);
  auto mapOf = [&](unsigned result, bool withChunks) {
    SmallVector<AffineExpr> exprs;
    for (AffineExpr expr : mapOfResult(op, result).getResults())
      exprs.push_back(
          b.getAffineDimExpr(llvm::find(space, dimOf(expr)) - space.begin()));
    if (withChunks)
      exprs.push_back(b.getAffineDimExpr(space.size() - 1));
    return AffineMap::get(space.size(), 0, exprs, b.getContext());
  };
  SmallVector<AffineMap> maps;
  SmallVector<Value> operands;
  for (auto [input, chunks] : llvm::zip_equal(inputs, partial)) {
    operands.push_back(input.first);
    maps.push_back(mapOf(input.second, chunks));
  }
  maps.push_back(mapOf(like, false));
  SmallVector<utils::IteratorType> iterators(space.size(),
                                             utils::IteratorType::parallel);
  if (llvm::is_contained(partial, true))
    iterators.back() = utils::IteratorType::reduction;
  auto generic = linalg::GenericOp::create(
      b, loc, out.getType(), operands, out, maps, iterators,
      [&](OpBuilder &n, Location l, ValueRange v) {
        linalg::YieldOp::create(n, l, body(n, l, v));
      });
  ops.push_back(generic);
  return generic.getResult(0);
}

/// 2 ^ (max - total), with 0 for a total of -inf.
Value Merge::weight(OpBuilder &n, Location l, Value max, Value total) {
  FloatType type = op.getComputeType();
  auto constant = [&](double value) -> Value {
    return arith::ConstantOp::create(n, l, n.getFloatAttr(type, value));
  };
  Value isEmpty =
      arith::CmpFOp::create(n, l, arith::CmpFPredicate::OEQ, total,
                            constant(-std::numeric_limits<double>::infinity()));
  Value safe = arith::SelectOp::create(n, l, isEmpty, constant(0.0), total);
  Value exponent =
      arith::MulFOp::create(n, l, arith::SubFOp::create(n, l, max, safe),
                            constant(op.getExponentScale().convertToDouble()));
  return math::Exp2Op::create(n, l, exponent);
}

Value Merge::combine(unsigned result, Value max) {
  Value init = op.getDpsInits()[result];
  Value scaled =
      emit(result, {{op.getMax(), 1}, {max, 1}}, {false, false}, init,
           [&](OpBuilder &n, Location l, ValueRange v) {
             return arith::MulFOp::create(n, l, v[2], weight(n, l, v[0], v[1]))
                 .getResult();
           });
  return emit(result, {{partials[result], result}, {partials[1], 1}, {max, 1}},
              {true, true, false}, scaled,
              [&](OpBuilder &n, Location l, ValueRange v) {
                Value part =
                    arith::MulFOp::create(n, l, v[0], weight(n, l, v[1], v[2]));
                return arith::AddFOp::create(n, l, v[3], part).getResult();
              });
}

MergeResult Merge::run() {
  Value max =
      emit(1, {{partials[1], 1}}, {true}, op.getMax(),
           [&](OpBuilder &n, Location l, ValueRange v) {
             return arith::MaxNumFOp::create(n, l, v[0], v[1]).getResult();
           });
  Value acc = combine(0, max), sum = combine(2, max);
  return {ops, {acc, max, sum}};
}

FailureOr<MergeResult>
OnlineOp::mergeReductions(OpBuilder &builder, Location loc, ValueRange partials,
                          const SetVector<unsigned> &reductionDims) {
  if (failed(checkSplit(*this, reductionDims)))
    return failure();
  return Merge(builder, loc, *this, partials).run();
}
