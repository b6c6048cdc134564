//===- TileBox.cpp - Compute one box of a kernel's results ----------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fovea/passes/Tile/TileBox.h"

#include "fovea/Analysis/Stencil.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Interfaces/TilingInterface.h"

using namespace mlir;
using namespace fovea;

//===----------------------------------------------------------------------===//
// Tiles
//===----------------------------------------------------------------------===//

Value fovea::findDestination(Value result, Block *block) {
  while (auto op = result.getDefiningOp<linalg::LinalgOp>()) {
    if (op->getBlock() != block)
      break;
    result =
        op.getDpsInitOperand(cast<OpResult>(result).getResultNumber())->get();
  }
  return result;
}

namespace {
using Slice = std::pair<SmallVector<OpFoldResult>, SmallVector<OpFoldResult>>;

/// Clones the operations of one block onto the part that a tile needs. Each
/// operation is computed once per distinct part, however many operations of
/// the tile read it.
class TileCloner {
public:
  TileCloner(RewriterBase &rewriter, Block *block,
             const DenseMap<Value, Value> &destinations, bool padsTiles)
      : rewriter(rewriter), block(block), destinations(destinations),
        padsTiles(padsTiles) {}

  /// The given part of `value`, inserted at the rewriter's position.
  FailureOr<Value> get(Location loc, Value value, const Slice &slice);

private:
  struct Clone {
    Operation *source;
    Slice domain;
    SmallVector<Value> values;
  };

  FailureOr<Value> getFromOp(TilingInterface op, OpResult value,
                             const Slice &slice);
  FailureOr<Value> getPadded(tensor::InsertSliceOp padding, const Slice &slice);

  RewriterBase &rewriter;
  Block *block;
  const DenseMap<Value, Value> &destinations;
  /// Whether each tile pads what it reads, or reads what was padded before.
  bool padsTiles;
  SmallVector<Clone> clones;
};
} // namespace

static bool isWhole(Value value, const Slice &slice) {
  auto type = cast<RankedTensorType>(value.getType());
  for (int64_t dim = 0; dim < type.getRank(); ++dim)
    if (!isZeroInteger(slice.first[dim]) || type.isDynamicDim(dim) ||
        getConstantIntValue(slice.second[dim]) != type.getDimSize(dim))
      return false;
  return true;
}

static Value extract(RewriterBase &rewriter, Location loc, Value value,
                     const Slice &slice) {
  if (isWhole(value, slice))
    return value;
  SmallVector<OpFoldResult> strides(slice.first.size(),
                                    rewriter.getIndexAttr(1));
  return tensor::ExtractSliceOp::create(rewriter, loc, value, slice.first,
                                        slice.second, strides);
}

/// The slice of a panel that holds the given part of what `unpack`, as
/// `fovea-pack-constants` makes it, unpacks: its lanes are the last dimension
/// and do not cross from one panel into the next.
static Value extractFromPanel(RewriterBase &rewriter, Location loc,
                              linalg::UnPackOp unpack, const Slice &slice) {
  int64_t width = unpack.getStaticInnerTiles().front();
  OpFoldResult start = slice.first.back(), lanes = slice.second.back();
  AffineExpr dim = rewriter.getAffineDimExpr(0);
  Slice part;
  part.first.push_back(affine::makeComposedFoldedAffineApply(
      rewriter, loc, dim.floorDiv(width), {start}));
  part.second.push_back(rewriter.getIndexAttr(1));
  llvm::append_range(part.first, slice.first);
  llvm::append_range(part.second, slice.second);
  // Whole panels start at lane 0, which the arithmetic alone does not say.
  part.first.back() = getConstantIntValue(lanes) == width
                          ? OpFoldResult(rewriter.getIndexAttr(0))
                          : affine::makeComposedFoldedAffineApply(
                                rewriter, loc, dim % width, {start});
  SmallVector<OpFoldResult> strides(part.first.size(),
                                    rewriter.getIndexAttr(1));
  SmallVector<int64_t> shape;
  for (OpFoldResult size : slice.second)
    shape.push_back(getConstantIntValue(size).value_or(ShapedType::kDynamic));
  auto type = RankedTensorType::get(
      shape,
      cast<RankedTensorType>(unpack.getSource().getType()).getElementType());
  return tensor::ExtractSliceOp::create(rewriter, loc, type, unpack.getSource(),
                                        part.first, part.second, strides);
}

FailureOr<Value> TileCloner::get(Location loc, Value value,
                                 const Slice &slice) {
  auto it = destinations.find(value);
  if (it != destinations.end())
    return extract(rewriter, loc, it->second, slice);
  Operation *op = value.getDefiningOp();
  if (op && op->getBlock() == block) {
    if (isa<tensor::EmptyOp>(op))
      return Value(tensor::EmptyOp::create(
          rewriter, loc, slice.second,
          cast<RankedTensorType>(value.getType()).getElementType()));
    if (auto unpack = dyn_cast<linalg::UnPackOp>(op))
      return extractFromPanel(rewriter, loc, unpack, slice);
    if (tensor::InsertSliceOp padding = getPadding(value))
      if (padsTiles && !isWhole(value, slice))
        return getPadded(padding, slice);
    if (auto tileable = dyn_cast<TilingInterface>(op))
      if (isa<linalg::LinalgOp>(op))
        return getFromOp(tileable, cast<OpResult>(value), slice);
  }
  return extract(rewriter, loc, value, slice);
}

/// The given part of a padded tensor: as much of the border, around that part
/// of the source which lies inside.
FailureOr<Value> TileCloner::getPadded(tensor::InsertSliceOp padding,
                                       const Slice &slice) {
  Location loc = padding.getLoc();
  Slice source;
  SmallVector<OpFoldResult> into;
  AffineExpr d0 = rewriter.getAffineDimExpr(0),
             d1 = rewriter.getAffineDimExpr(1);
  auto apply = [&](AffineExpr expr, ArrayRef<OpFoldResult> operands) {
    return affine::makeComposedFoldedAffineApply(rewriter, loc, expr, operands);
  };
  for (auto [dim, extent] :
       llvm::enumerate(padding.getSourceType().getShape())) {
    OpFoldResult offset = slice.first[dim], size = slice.second[dim];
    int64_t low = padding.getStaticOffsets()[dim];
    if (low == 0 && extent == padding.getType().getDimSize(dim)) {
      source.first.push_back(offset);
      source.second.push_back(size);
      into.push_back(rewriter.getIndexAttr(0));
      continue;
    }
    // Begin and end of the part, in the source, as far as that reaches.
    AffineExpr zero = rewriter.getAffineConstantExpr(0),
               most = rewriter.getAffineConstantExpr(extent);
    auto clamp = [&](AffineExpr expr, ArrayRef<OpFoldResult> operands) {
      MLIRContext *context = rewriter.getContext();
      OpFoldResult atLeastZero = affine::makeComposedFoldedAffineMax(
          rewriter, loc,
          AffineMap::get(operands.size(), 0, {expr - low, zero}, context),
          operands);
      return affine::makeComposedFoldedAffineMin(
          rewriter, loc, AffineMap::get(1, 0, {d0, most}, context),
          {atLeastZero});
    };
    OpFoldResult begin = clamp(d0, {offset}),
                 end = clamp(d0 + d1, {offset, size});
    source.first.push_back(begin);
    source.second.push_back(apply(d1 - d0, {begin, end}));
    into.push_back(apply(d0 + low - d1, {begin, offset}));
  }
  FailureOr<Value> part = get(loc, padding.getSource(), source),
                   border = get(loc, padding.getDest(), slice);
  if (failed(part) || failed(border))
    return failure();
  // A structured copy, which becomes vectors; inserting would become a call.
  SmallVector<OpFoldResult> strides(into.size(), rewriter.getIndexAttr(1));
  Value inside = tensor::ExtractSliceOp::create(rewriter, loc, *border, into,
                                                source.second, strides);
  if (inside.getType() != part->getType())
    return Value(tensor::InsertSliceOp::create(rewriter, loc, *part, *border,
                                               into, source.second, strides));
  Value copy =
      linalg::CopyOp::create(rewriter, loc, *part, inside).getResult(0);
  return Value(tensor::InsertSliceOp::create(rewriter, loc, copy, *border, into,
                                             source.second, strides));
}

static bool coversDomain(TilingInterface op, const Slice &domain) {
  auto structured = cast<linalg::LinalgOp>(op.getOperation());
  SmallVector<int64_t> extents = structured.getStaticLoopRanges();
  for (auto [offset, size, extent] :
       llvm::zip_equal(domain.first, domain.second, extents))
    if (!isZeroInteger(offset) || ShapedType::isDynamic(extent) ||
        getConstantIntValue(size) != extent)
      return false;
  return true;
}

FailureOr<Value> TileCloner::getFromOp(TilingInterface op, OpResult value,
                                       const Slice &slice) {
  OpBuilder::InsertionGuard guard(rewriter);
  Slice domain;
  unsigned number = value.getResultNumber();
  if (failed(op.getIterationDomainTileFromResultTile(
          rewriter, number, slice.first, slice.second, domain.first,
          domain.second)))
    return failure();
  // What no tile divides is computed once, before the loops.
  if (!isa<linalg::FillOp>(op) && coversDomain(op, domain))
    return Value(value);
  for (const Clone &clone : clones)
    if (clone.source == op.getOperation() && clone.domain == domain)
      return clone.values[number];
  FailureOr<TilingResult> tiled =
      op.getTiledImplementation(rewriter, domain.first, domain.second);
  if (failed(tiled) || tiled->tiledOps.size() != 1)
    return failure();
  for (Operation *generated : tiled->generatedSlices) {
    auto sliceOp = dyn_cast<tensor::ExtractSliceOp>(generated);
    if (!sliceOp)
      return failure();
    // An operand that is read whole is listed too where it is a slice itself.
    if (llvm::is_contained(op->getOperands(), sliceOp.getResult()))
      continue;
    rewriter.setInsertionPoint(sliceOp);
    FailureOr<Value> part =
        get(sliceOp.getLoc(), sliceOp.getSource(),
            {sliceOp.getMixedOffsets(), sliceOp.getMixedSizes()});
    if (failed(part))
      return failure();
    Value replacement = *part;
    if (replacement.getType() != sliceOp.getType())
      replacement = tensor::CastOp::create(rewriter, sliceOp.getLoc(),
                                           sliceOp.getType(), replacement);
    rewriter.replaceOp(sliceOp, replacement);
  }
  SmallVector<Value> values(tiled->tiledOps.front()->getResults());
  clones.push_back({op.getOperation(), domain, values});
  return values[number];
}

//===----------------------------------------------------------------------===//
// Loops
//===----------------------------------------------------------------------===//

/// The part of a result with the given labels that one tile computes.
static Slice getResultSlice(RewriterBase &rewriter, Value result,
                            Value destination, ArrayRef<int> labels,
                            ArrayRef<TileRange> ranges, ValueRange ivs) {
  Slice slice;
  auto type = cast<RankedTensorType>(result.getType());
  for (int64_t dim = 0; dim < type.getRank(); ++dim) {
    OpFoldResult offset = rewriter.getIndexAttr(0), size;
    if (type.isDynamicDim(dim))
      size = tensor::getMixedSize(rewriter, result.getLoc(), destination, dim);
    else
      size = rewriter.getIndexAttr(type.getDimSize(dim));
    for (auto [range, iv] : llvm::zip_equal(ranges, ivs))
      if (!labels.empty() && labels[dim] == static_cast<int>(range.loop)) {
        offset = iv;
        size = rewriter.getIndexAttr(range.step);
      }
    slice.first.push_back(offset);
    slice.second.push_back(size);
  }
  return slice;
}

/// Emits nested scf.for loops; `ivs` and the iteration arguments of the
/// innermost one come back. The rewriter ends up inside it.
static SmallVector<scf::ForOp> emitSequentialLoops(RewriterBase &rewriter,
                                                   Location loc,
                                                   ArrayRef<TileRange> ranges,
                                                   ValueRange destinations) {
  SmallVector<scf::ForOp> loops;
  SmallVector<Value> carried(destinations);
  for (const TileRange &range : ranges) {
    Value begin = getValueOrCreateConstantIndexOp(rewriter, loc, range.begin);
    Value end = getValueOrCreateConstantIndexOp(rewriter, loc, range.end);
    Value step = getValueOrCreateConstantIndexOp(
        rewriter, loc, rewriter.getIndexAttr(range.step));
    auto loop = scf::ForOp::create(rewriter, loc, begin, end, step, carried);
    if (!loops.empty()) {
      rewriter.setInsertionPointToEnd(loops.back().getBody());
      scf::YieldOp::create(rewriter, loc, loop.getResults());
    }
    loops.push_back(loop);
    carried.assign(loop.getRegionIterArgs().begin(),
                   loop.getRegionIterArgs().end());
    rewriter.setInsertionPointToStart(loop.getBody());
  }
  return loops;
}

static SmallVector<OpFoldResult> unitStrides(RewriterBase &rewriter,
                                             Value value) {
  return SmallVector<OpFoldResult>(
      cast<RankedTensorType>(value.getType()).getRank(),
      rewriter.getIndexAttr(1));
}

FailureOr<SmallVector<Value>>
fovea::tileBox(RewriterBase &rewriter, Block *block, const LoopLabels &labels,
               ValueRange results, ValueRange destinations,
               ArrayRef<TileRange> ranges, bool parallel) {
  OpBuilder::InsertionGuard guard(rewriter);
  Location loc = results.front().getLoc();
  SmallVector<Value> ivs, carried, updated;
  SmallVector<scf::ForOp> loops;
  scf::ForallOp forall;
  if (parallel) {
    SmallVector<OpFoldResult> begins, ends, steps;
    for (const TileRange &range : ranges) {
      begins.push_back(range.begin);
      ends.push_back(range.end);
      steps.push_back(rewriter.getIndexAttr(range.step));
    }
    forall = scf::ForallOp::create(rewriter, loc, begins, ends, steps,
                                   destinations, std::nullopt);
    ivs = forall.getInductionVars();
    carried.assign(forall.getRegionIterArgs().begin(),
                   forall.getRegionIterArgs().end());
    updated.assign(forall.result_begin(), forall.result_end());
    rewriter.setInsertionPoint(forall.getTerminator());
  } else {
    loops = emitSequentialLoops(rewriter, loc, ranges, destinations);
    for (scf::ForOp loop : loops)
      ivs.push_back(loop.getInductionVar());
    carried.assign(loops.back().getRegionIterArgs().begin(),
                   loops.back().getRegionIterArgs().end());
    updated.assign(loops.front().result_begin(), loops.front().result_end());
  }

  DenseMap<Value, Value> replaced;
  for (auto [result, inner] : llvm::zip_equal(results, carried))
    replaced[findDestination(result, block)] = inner;
  TileCloner cloner(rewriter, block, replaced, /*padsTiles=*/parallel);
  SmallVector<Value> tiles;
  SmallVector<Slice> slices;
  for (Value result : results) {
    slices.push_back(getResultSlice(rewriter, result, carried[tiles.size()],
                                    labels.ofValue(result), ranges, ivs));
    FailureOr<Value> tile = cloner.get(loc, result, slices.back());
    if (failed(tile))
      return failure();
    tiles.push_back(*tile);
  }

  SmallVector<Value> yielded;
  if (parallel)
    rewriter.setInsertionPointToEnd(forall.getTerminator().getBody());
  for (auto [tile, slice, into] : llvm::zip_equal(tiles, slices, carried)) {
    SmallVector<OpFoldResult> strides = unitStrides(rewriter, into);
    if (parallel)
      tensor::ParallelInsertSliceOp::create(rewriter, loc, tile, into,
                                            slice.first, slice.second, strides);
    else
      yielded.push_back(tensor::InsertSliceOp::create(
          rewriter, loc, tile, into, slice.first, slice.second, strides));
  }
  if (!parallel)
    scf::YieldOp::create(rewriter, loc, yielded);
  return updated;
}
