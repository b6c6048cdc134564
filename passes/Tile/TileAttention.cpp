//===- TileAttention.cpp - Tile attention over queries and keys -----------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "AttentionTile.h"

#include "fovea/Schedule/Attention.h"
#include "fovea/passes/Tile/Passes.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace fovea;
using attn::AttentionOp;

namespace fovea {
#define GEN_PASS_DEF_TILEATTENTION
#include "fovea/passes/Tile/Passes.h.inc"
} // namespace fovea

namespace {
/// Tiles of `rows` query rows each, `count` of them from row `begin` on.
struct RowRange {
  OpFoldResult begin, count;
  int64_t rows;
};
} // namespace

/// Cuts the query rows into tiles of static size. What is left over gets one
/// smaller tile that overlaps its neighbour, computed after it; where there are
/// fewer rows than one vector holds, or hardly more than several hold, tiles
/// are exactly as large as needed.
static SmallVector<RowRange> cutRows(OpBuilder &b, Location loc,
                                     OpFoldResult extent, int64_t rows,
                                     int64_t lanes, bool takesFewRows) {
  auto index = [&](int64_t value) -> OpFoldResult {
    return b.getIndexAttr(value);
  };
  if (std::optional<int64_t> known = getConstantIntValue(extent)) {
    if (*known < lanes)
      return {{index(0), index(1), *known}};
    rows = std::min(rows, *known - *known % lanes);
    SmallVector<RowRange> ranges = {{index(0), index(*known / rows), rows}};
    int64_t left = *known % rows, single = *known % lanes;
    // One or two rows are less work key by key than as a vector of their own.
    constexpr int64_t maxSingle = 2;
    if (takesFewRows && single != 0 && single <= maxSingle) {
      if (left > single)
        ranges.push_back({index(*known - left), index(1), left - single});
      ranges.push_back({index(*known - single), index(1), single});
    } else if (left != 0) {
      int64_t last = llvm::alignTo(left, lanes);
      ranges.push_back({index(*known - last), index(1), last});
    }
    return ranges;
  }
  AffineExpr m;
  bindSymbols(b.getContext(), m);
  auto apply = [&](AffineExpr expr) {
    return affine::makeComposedFoldedAffineApply(
        b, loc, AffineMap::get(0, 1, expr), {extent});
  };
  Value size = getValueOrCreateConstantIndexOp(b, loc, extent);
  Value tile = arith::ConstantIndexOp::create(b, loc, rows);
  Value zero = arith::ConstantIndexOp::create(b, loc, 0);
  Value one = arith::ConstantIndexOp::create(b, loc, 1);
  Value isSmall =
      arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, size, tile);
  Value left = getValueOrCreateConstantIndexOp(b, loc, apply(m % rows));
  Value isWhole =
      arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, left, zero);
  Value noLast = arith::OrIOp::create(b, loc, isSmall, isWhole);
  Value last = arith::SelectOp::create(b, loc, noLast, zero, one);
  Value single = arith::SelectOp::create(b, loc, isSmall, size, zero);
  return {{index(0), apply(m.floorDiv(rows)), rows},
          {apply(m - rows), last, rows},
          {index(0), single, 1}};
}

/// The table of the tiles of keys that the mask leaves for a range of rows.
static std::optional<MaskTable>
tabulate(AttentionOp op, attn::ScheduleAttr schedule, const RowRange &range) {
  std::optional<int64_t> begin = getConstantIntValue(range.begin);
  std::optional<int64_t> count = getConstantIntValue(range.count);
  if (!op.getMask() || !begin || !count || op.getKeys().size() != 1)
    return std::nullopt;
  attn::DimRoles roles = op.getRoles();
  SmallVector<int64_t> extents = op.getStaticExtents();
  attn::StaticExtents sizes = {extents[roles.m], extents[roles.k2]};
  RowTiles tiles = {*begin, *count, range.rows};
  if (!canTabulate(*op.getMask(), sizes, tiles))
    return std::nullopt;
  return tabulateMask(*op.getMask(), sizes, tiles,
                      schedule.getLevel("reduction").front());
}

/// Emits one parallel loop over the batch and the tiles of one range of rows,
/// writing into `outs`; returns what it has written.
static SmallVector<Value> emitParallel(RewriterBase &rewriter, AttentionOp op,
                                       attn::ScheduleAttr schedule,
                                       ArrayRef<OpFoldResult> extents,
                                       ArrayRef<OpFoldResult> sources,
                                       const RowRange &range, ValueRange outs) {
  Location loc = op.getLoc();
  SmallVector<OpFoldResult> counts;
  for (unsigned dim : op.getRoles().batch)
    counts.push_back(extents[dim]);
  counts.push_back(range.count);
  auto loop = scf::ForallOp::create(rewriter, loc, counts, outs, std::nullopt);
  OpBuilder::InsertionGuard guard(rewriter);
  rewriter.setInsertionPoint(loop.getTerminator());
  SmallVector<Value> ivs = llvm::to_vector_of<Value>(loop.getInductionVars());
  Value number = ivs.back();
  AffineExpr iv, begin;
  bindSymbols(rewriter.getContext(), iv, begin);
  OpFoldResult row = affine::makeComposedFoldedAffineApply(
      rewriter, loc, AffineMap::get(0, 2, iv * range.rows + begin),
      {ivs.pop_back_val(), range.begin});
  AttentionTile tile(rewriter, op, schedule, extents, sources, ivs, row,
                     range.rows);
  std::optional<MaskTable> table = tabulate(op, schedule, range);
  if (table)
    tile.useTable(*table, number);
  SmallVector<Value> tileOuts;
  for (auto [index, init] : llvm::enumerate(loop.getRegionIterArgs()))
    tileOuts.push_back(tile.sliceInit(index, init));
  SmallVector<Value> results = chooseAttentionForm(op) == AttentionForm::Online
                                   ? tile.run(tileOuts)
                                   : tile.sliceAllKeys(tileOuts);
  for (auto [index, result] : llvm::enumerate(results)) {
    SmallVector<OpFoldResult> offsets, sizes;
    tile.getInitPosition(index, offsets, sizes);
    SmallVector<OpFoldResult> strides(sizes.size(), rewriter.getIndexAttr(1));
    rewriter.setInsertionPointToEnd(loop.getTerminator().getBody());
    tensor::ParallelInsertSliceOp::create(rewriter, loc, result,
                                          loop.getRegionIterArgs()[index],
                                          offsets, sizes, strides);
  }
  return loop.getResults();
}

/// Drops a mask that shows every key to every row, as a causal one that is
/// aligned at the end does with a single row.
static void dropFullMask(AttentionOp op) {
  attn::DimRoles roles = op.getRoles();
  SmallVector<int64_t> extents = op.getStaticExtents();
  int64_t rows = extents[roles.m], keys = extents[roles.k2];
  if (op.getMask() && !ShapedType::isDynamic(rows) &&
      !ShapedType::isDynamic(keys) &&
      op.getMask()->classify({0, rows, 0, keys}, {rows, keys}) ==
          attn::TileClass::Full)
    op.removeMaskAttr();
}

/// Where there is one query row, makes a group of heads that share their keys
/// the rows instead, so that keys and values are read once per group. M is the
/// last dimension that fits its role, so exchanging the two is enough.
static void takeGroupAsRows(AttentionOp op) {
  attn::DimRoles roles = op.getRoles();
  SmallVector<int64_t> extents = op.getStaticExtents();
  if (extents[roles.m] != 1 || op.getMask())
    return;
  SmallVector<AffineMap> maps = op.getMaps();
  unsigned sources = op.getKeys().size();
  int group = -1;
  for (unsigned dim : roles.batch) {
    bool isShared = maps[0].isFunctionOfDim(dim) && extents[dim] > 1;
    for (unsigned i = 1; i < 1 + 2 * sources; ++i)
      isShared &= !maps[i].isFunctionOfDim(dim);
    if (isShared)
      group = dim;
  }
  if (group < 0)
    return;
  MLIRContext *context = op.getContext();
  SmallVector<AffineExpr> exchanged;
  for (unsigned dim = 0; dim < extents.size(); ++dim)
    exchanged.push_back(getAffineDimExpr(dim == roles.m           ? group
                                         : dim == unsigned(group) ? roles.m
                                                                  : dim,
                                         context));
  for (AffineMap &map : maps)
    map = map.replaceDimsAndSymbols(exchanged, {}, extents.size(), 0);
  op.setIndexingMapsAttr(Builder(context).getAffineMapArrayAttr(maps));
  op.getScore().walk([&](attn::IndexOp index) {
    index.setDim(cast<AffineDimExpr>(exchanged[index.getDim()]).getPosition());
  });
}

static void tileAttention(RewriterBase &rewriter, AttentionOp op,
                          attn::ScheduleAttr schedule) {
  dropFullMask(op);
  takeGroupAsRows(op);
  OpBuilder::InsertionGuard guard(rewriter);
  rewriter.setInsertionPoint(op);
  SmallVector<OpFoldResult> extents = op.getExtents(rewriter);
  SmallVector<OpFoldResult> sources = op.getSourceExtents(rewriter);
  SmallVector<Value> outs = op.getInits();
  bool isOnline = chooseAttentionForm(op) == AttentionForm::Online;
  for (const RowRange &range :
       cutRows(rewriter, op.getLoc(), extents[op.getRoles().m],
               schedule.getLevel("workgroup").front(),
               schedule.getOption("lanes", 16), isOnline))
    outs = emitParallel(rewriter, op, schedule, extents, sources, range, outs);
  rewriter.replaceOp(op, outs);
}

namespace {
struct TileAttention : fovea::impl::TileAttentionBase<TileAttention> {
  void runOnOperation() override {
    SmallVector<AttentionOp> ops;
    getOperation()->walk([&](AttentionOp op) { ops.push_back(op); });
    IRRewriter rewriter(&getContext());
    for (AttentionOp op : ops) {
      attn::ScheduleAttr schedule = attn::ScheduleAttr::of(op);
      if (!schedule || chooseAttentionForm(op) == AttentionForm::Matrix)
        continue;
      if (failed(checkAttentionSchedule(schedule, [&] {
            return op.emitOpError("has an illegal schedule: ");
          })))
        return signalPassFailure();
      tileAttention(rewriter, op, schedule);
    }
  }
};
} // namespace
