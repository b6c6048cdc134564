//===- VisibleKeys.cpp - Which keys a tile of queries visits --------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "AttentionTile.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace fovea;

//===----------------------------------------------------------------------===//
// By bounds
//===----------------------------------------------------------------------===//

/// The element of a capture that is the same for the whole tile, or null.
Value AttentionTile::readCapture(unsigned capture) {
  SmallVector<Value> position;
  for (AffineExpr expr : op.getCaptureMap(capture).getResults()) {
    auto dim = dyn_cast<AffineDimExpr>(expr);
    if (!dim) {
      position.push_back(arith::ConstantIndexOp::create(b, loc, 0));
      continue;
    }
    if (!roles.isBatch(dim.getPosition()))
      return {};
    position.push_back(
        getValueOrCreateConstantIndexOp(b, loc, offsets[dim.getPosition()]));
  }
  return tensor::ExtractOp::create(b, loc, op.getCaptures()[capture], position);
}

/// The keys between the last whole tile and the end of a source: one tile where
/// their number is known, else tiles of 16 and then of 1, so that every tile is
/// of static size.
void AttentionTile::addTailRanges(SmallVectorImpl<KeyRange> &ranges,
                                  OpFoldResult begin, OpFoldResult end,
                                  OpFoldResult limit, bool masked) {
  std::optional<int64_t> from = getConstantIntValue(begin),
                         to = getConstantIntValue(end);
  if (from && to) {
    if (*from < *to)
      ranges.push_back({begin, limit, *to - *from, masked});
    return;
  }
  AffineExpr s0, s1;
  bindSymbols(b.getContext(), s0, s1);
  OpFoldResult middle = apply(s0 + (s1 - s0).floorDiv(16) * 16, {begin, end});
  ranges.push_back({begin, minimum(limit, middle), 16, masked});
  ranges.push_back({middle, limit, 1, masked});
}

/// Ranges of whole tiles that the mask leaves: partly visible ones, then fully
/// visible ones, then partly visible ones again; and the tail.
void AttentionTile::addMaskedRanges(SmallVectorImpl<KeyRange> &ranges,
                                    OpFoldResult base, OpFoldResult size,
                                    OpFoldResult gridEnd, int64_t step) {
  auto capture = [&](unsigned index) { return readCapture(index); };
  attn::MaskBounds bounds =
      op.getMask()->bounds(b, loc,
                           {row, b.getIndexAttr(rows), extents[roles.m],
                            extents[roles.k2], capture});
  AffineExpr s0, s1;
  bindSymbols(b.getContext(), s0, s1);
  OpFoldResult zero = b.getIndexAttr(0);
  auto inSource = [&](OpFoldResult key) {
    return minimum(maximum(apply(s0 - s1, {key, base}), zero), size);
  };
  auto clamp = [&](OpFoldResult x, OpFoldResult low, OpFoldResult high) {
    return minimum(maximum(x, low), high);
  };
  AffineExpr down = s0.floorDiv(step) * step, up = s0.ceilDiv(step) * step;
  OpFoldResult end = inSource(bounds.end);
  OpFoldResult first = minimum(apply(down, {inSource(bounds.begin)}), gridEnd);
  OpFoldResult last = maximum(minimum(apply(up, {end}), gridEnd), first);
  // What begins or ends with the source needs no clamping, so that a causal
  // mask has no code for a part before the full tiles.
  OpFoldResult fullBegin = inSource(bounds.fullBegin);
  fullBegin = isZeroInteger(fullBegin)
                  ? first
                  : clamp(apply(up, {fullBegin}), first, last);
  OpFoldResult fullEnd = inSource(bounds.fullEnd);
  fullEnd = isEqualConstantIntOrValue(fullEnd, size)
                ? last
                : clamp(apply(down, {fullEnd}), fullBegin, last);
  auto add = [&](OpFoldResult from, OpFoldResult to, bool masked) {
    if (!isEqualConstantIntOrValue(from, to))
      ranges.push_back({from, to, step, masked});
  };
  add(first, fullBegin, true);
  add(fullBegin, fullEnd, false);
  add(fullEnd, last, true);
  addTailRanges(ranges, gridEnd, size, end, true);
}

SmallVector<AttentionTile::KeyRange>
AttentionTile::keyRanges(unsigned source, OpFoldResult base) {
  OpFoldResult size = sources[source];
  int64_t step = schedule.getLevel("reduction").front();
  if (std::optional<int64_t> known = getConstantIntValue(size))
    step = std::max<int64_t>(1, std::min(step, *known));
  AffineExpr s0;
  bindSymbols(b.getContext(), s0);
  OpFoldResult gridEnd = apply(s0.floorDiv(step) * step, {size});
  SmallVector<KeyRange> ranges;
  if (op.getMask()) {
    addMaskedRanges(ranges, base, size, gridEnd, step);
    return ranges;
  }
  ranges.push_back({b.getIndexAttr(0), gridEnd, step, false});
  addTailRanges(ranges, gridEnd, size, size, false);
  return ranges;
}

//===----------------------------------------------------------------------===//
// By a table
//===----------------------------------------------------------------------===//

static Value emitConstant(OpBuilder &b, Location loc, ArrayRef<int32_t> data) {
  auto type = RankedTensorType::get({int64_t(data.size())}, b.getI32Type());
  return arith::ConstantOp::create(b, loc, type,
                                   DenseElementsAttr::get(type, data));
}

static Value readIndex(OpBuilder &b, Location loc, Value list, Value at) {
  Value element = tensor::ExtractOp::create(b, loc, list, at);
  return arith::IndexCastOp::create(b, loc, b.getIndexType(), element);
}

/// All bits as one tensor, in words as narrow as the number of rows allows.
static Value emitWords(OpBuilder &b, Location loc, const MaskTable &table,
                       int64_t rows) {
  int64_t width = rows <= 32 ? 32 : 64;
  SmallVector<APInt> words;
  for (const std::vector<uint64_t> &pattern : table.words)
    for (uint64_t word : pattern)
      words.push_back(APInt(width, word));
  auto type = RankedTensorType::get({int64_t(table.words.size()), table.step},
                                    b.getIntegerType(width));
  return arith::ConstantOp::create(b, loc, type,
                                   DenseElementsAttr::get(type, words));
}

/// Two loops: over tiles that are visible as a whole, and over those that are
/// so in part. Which tiles these are is read from constants.
OnlineState AttentionTile::visitTable(OnlineState state) {
  int64_t step = table->step;
  Value words;
  if (!table->words.empty())
    words = emitWords(b, loc, *table, rows);
  for (bool isFull : {true, false}) {
    SmallVector<int32_t> begins{0}, keys, patterns;
    for (const MaskTable::Tiles &tiles : table->rows) {
      for (const MaskTable::Visit &visit :
           isFull ? tiles.full : tiles.partial) {
        keys.push_back(visit.key);
        patterns.push_back(visit.pattern);
      }
      begins.push_back(keys.size());
    }
    if (keys.empty())
      continue;
    Value one = arith::ConstantIndexOp::create(b, loc, 1);
    Value next = arith::AddIOp::create(b, loc, tileNumber, one);
    Value starts = emitConstant(b, loc, begins);
    Value keyList = emitConstant(b, loc, keys);
    Value patternList = isFull ? Value() : emitConstant(b, loc, patterns);
    auto loop =
        scf::ForOp::create(b, loc, readIndex(b, loc, starts, tileNumber),
                           readIndex(b, loc, starts, next), one,
                           ValueRange{state.acc, state.max, state.sum});
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    Value at = loop.getInductionVar();
    Hiding hiding;
    if (!isFull) {
      auto type = RankedTensorType::get(
          {step}, cast<RankedTensorType>(words.getType()).getElementType());
      OpFoldResult zero = b.getIndexAttr(0), unit = b.getIndexAttr(1);
      hiding.words = tensor::ExtractSliceOp::create(
          b, loc, type, words,
          ArrayRef<OpFoldResult>{readIndex(b, loc, patternList, at), zero},
          ArrayRef<OpFoldResult>{unit, b.getIndexAttr(step)},
          ArrayRef<OpFoldResult>{unit, unit});
    }
    OnlineState inner = {loop.getRegionIterArg(0), loop.getRegionIterArg(1),
                         loop.getRegionIterArg(2)};
    inner = takeKeys(0, b.getIndexAttr(0), readIndex(b, loc, keyList, at), step,
                     hiding, inner);
    scf::YieldOp::create(b, loc, ValueRange{inner.acc, inner.max, inner.sum});
    state = {loop.getResult(0), loop.getResult(1), loop.getResult(2)};
  }
  return state;
}
