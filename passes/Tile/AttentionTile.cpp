//===- AttentionTile.cpp - One tile of queries of an attention ------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "AttentionTile.h"

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

static constexpr double log2OfE = 1.4426950408889634;
static constexpr double infinity = std::numeric_limits<double>::infinity();

/// The dimensions of one attn.online over a tile.
enum TileDim : unsigned { M, N, K1, K2 };

AttentionTile::AttentionTile(OpBuilder &builder, AttentionOp op,
                             attn::ScheduleAttr schedule,
                             ArrayRef<OpFoldResult> extents,
                             ArrayRef<OpFoldResult> sources, ValueRange batch,
                             OpFoldResult row, int64_t rows)
    : b(builder), loc(op.getLoc()), op(op), schedule(schedule),
      roles(op.getRoles()), compute(op.getComputeType()), extents(extents),
      sources(sources), batch(batch), row(row), rows(rows),
      keyDim(*getConstantIntValue(extents[roles.k1])),
      valueDim(*getConstantIntValue(extents[roles.n])),
      rowsInLanes(rows % schedule.getOption("lanes", 16) == 0),
      offsets(extents.size(), builder.getIndexAttr(0)), sizes(extents) {
  for (auto [dim, position] : llvm::zip_equal(roles.batch, batch)) {
    offsets[dim] = position;
    sizes[dim] = builder.getIndexAttr(1);
  }
  offsets[roles.m] = row;
  sizes[roles.m] = builder.getIndexAttr(rows);
}

OpFoldResult AttentionTile::apply(AffineExpr expr,
                                  ArrayRef<OpFoldResult> operands) {
  return affine::makeComposedFoldedAffineApply(
      b, loc, AffineMap::get(0, operands.size(), expr), operands);
}

OpFoldResult AttentionTile::minimum(OpFoldResult x, OpFoldResult y) {
  return affine::makeComposedFoldedAffineMin(
      b, loc, AffineMap::getMultiDimIdentityMap(2, b.getContext()), {x, y});
}

OpFoldResult AttentionTile::maximum(OpFoldResult x, OpFoldResult y) {
  return affine::makeComposedFoldedAffineMax(
      b, loc, AffineMap::getMultiDimIdentityMap(2, b.getContext()), {x, y});
}

//===----------------------------------------------------------------------===//
// Slices
//===----------------------------------------------------------------------===//

unsigned AttentionTile::toTileDim(unsigned dim) {
  return dim == roles.m ? M : dim == roles.n ? N : dim == roles.k1 ? K1 : K2;
}

/// Slices `tensor` at the tile's positions and `numKeys` keys from `key` on.
/// The result has the dimensions of the tile.
DimTensor AttentionTile::slice(Value tensor, AffineMap map, OpFoldResult key,
                               int64_t numKeys) {
  auto type = cast<RankedTensorType>(tensor.getType());
  SmallVector<OpFoldResult> starts, counts;
  SmallVector<int64_t> shape;
  DimTensor result;
  for (AffineExpr expr : map.getResults()) {
    auto dimExpr = dyn_cast<AffineDimExpr>(expr);
    unsigned dim = dimExpr ? dimExpr.getPosition() : 0;
    if (!dimExpr || roles.isBatch(dim)) {
      starts.push_back(dimExpr ? offsets[dim] : b.getIndexAttr(0));
      counts.push_back(b.getIndexAttr(1));
      continue;
    }
    starts.push_back(dim == roles.k2 ? key : offsets[dim]);
    counts.push_back(dim == roles.k2 ? b.getIndexAttr(numKeys) : sizes[dim]);
    shape.push_back(*getConstantIntValue(counts.back()));
    result.dims.push_back(toTileDim(dim));
  }
  SmallVector<OpFoldResult> strides(starts.size(), b.getIndexAttr(1));
  result.value = tensor::ExtractSliceOp::create(
      b, loc, RankedTensorType::get(shape, type.getElementType()), tensor,
      starts, counts, strides);
  return result;
}

void AttentionTile::getInitPosition(unsigned index,
                                    SmallVectorImpl<OpFoldResult> &starts,
                                    SmallVectorImpl<OpFoldResult> &counts) {
  for (unsigned dim : dimsOf(op.getInitMap(index))) {
    starts.push_back(offsets[dim]);
    counts.push_back(sizes[dim]);
  }
}

Value AttentionTile::sliceInit(unsigned index, Value init) {
  // Only probabilities run over the keys, and then over all of them.
  int64_t keys = getConstantIntValue(extents[roles.k2]).value_or(0);
  return slice(init, op.getInitMap(index), b.getIndexAttr(0), keys).value;
}

//===----------------------------------------------------------------------===//
// Before and after the keys
//===----------------------------------------------------------------------===//

/// The query with the rows innermost, times everything that the scores are
/// multiplied with anyway.
Value AttentionTile::packQuery() {
  double scale = op.getScale().convertToDouble();
  // Without a score region the exponent's base is changed here, once.
  if (op.getScore().empty())
    scale *= log2OfE;
  DimTensor tile = slice(op.getQuery(), op.getQueryMap(), {}, 0);
  SmallVector<unsigned> dims{K1, M};
  SmallVector<int64_t> shape{keyDim, rows};
  if (!rowsInLanes) {
    std::swap(dims[0], dims[1]);
    std::swap(shape[0], shape[1]);
  }
  Value empty = tensor::EmptyOp::create(b, loc, shape, compute);
  return emitBlockwise(
      b, loc, dims, shape, schedule.getOption("lanes", 16), {tile},
      {empty, dims}, [&](OpBuilder &n, Location l, ValueRange e) -> Value {
        return arith::MulFOp::create(n, l, castFloat(n, l, e[0], compute),
                                     floatConstant(n, l, compute, scale));
      });
}

/// The dimensions of the accumulator in the order of its layout.
SmallVector<unsigned> AttentionTile::accDims() {
  if (rowsInLanes)
    return {N, M};
  return {M, N};
}

OnlineState AttentionTile::initialState() {
  auto filled = [&](ArrayRef<int64_t> shape, double value) {
    Value empty = tensor::EmptyOp::create(b, loc, shape, compute);
    return linalg::FillOp::create(b, loc, floatConstant(b, loc, compute, value),
                                  empty)
        .getResult(0);
  };
  bool plusOne = op.getNormalizer() == attn::Normalizer::SoftmaxPlusOne;
  // Row by row of its layout: the whole may be too large for registers.
  unsigned outer = accDims().front();
  int64_t count = outer == N ? valueDim : rows;
  SmallVector<int64_t> shape{count, outer == N ? rows : valueDim};
  Value empty = tensor::EmptyOp::create(b, loc, shape, compute);
  Value acc = forBalanced(
      b, loc, count, 8, empty,
      [&](OpBuilder &n, OpFoldResult i, int64_t size,
          ValueRange args) -> SmallVector<Value> {
        DimTensor whole = {args[0], accDims()};
        DimTensor part = sliceDims(n, loc, whole, {outer}, {i}, {size});
        Value zero = floatConstant(n, loc, compute, 0.0);
        Value fill =
            linalg::FillOp::create(n, loc, zero, part.value).getResult(0);
        return {insertDims(n, loc, fill, whole, {outer}, {i}, {size})};
      })[0];
  // The additional term of softmax_plus_one is 2^(0 - max).
  return {acc, filled({rows}, plusOne ? 0.0 : -infinity),
          filled({rows}, plusOne ? 1.0 : 0.0)};
}

Value AttentionTile::emitOutput(OnlineState state, Value out, unsigned index) {
  Value empty =
      tensor::EmptyOp::create(b, loc, ArrayRef<int64_t>{rows}, compute);
  Value inverse =
      emitGeneric(b, loc, {M}, {{state.sum, {M}}}, {empty, {M}},
                  [&](OpBuilder &n, Location l, ValueRange e) {
                    return emitReciprocal(n, l, e[0], op.getEmptyRow());
                  });
  DimTensor output = {out, {}};
  for (unsigned dim : dimsOf(op.getInitMap(index)))
    if (!roles.isBatch(dim))
      output.dims.push_back(dim == roles.m ? M : N);
  Type type = getElementTypeOrSelf(out);
  return emitBlockwise(
      b, loc, {M, N}, {rows, valueDim}, schedule.getOption("lanes", 16),
      {{state.acc, accDims()}, {inverse, {M}}}, output,
      [&](OpBuilder &n, Location l, ValueRange e) {
        return castFloat(n, l, arith::MulFOp::create(n, l, e[0], e[1]), type);
      });
}

Value AttentionTile::emitLogSumExp(OnlineState state, Value out) {
  Type type = getElementTypeOrSelf(out);
  return emitGeneric(
      b, loc, {M}, {{state.max, {M}}, {state.sum, {M}}}, {out, {M}},
      [&](OpBuilder &n, Location l, ValueRange e) {
        Value base = floatConstant(n, l, compute, 1.0 / log2OfE);
        Value sum =
            arith::MulFOp::create(n, l, math::Log2Op::create(n, l, e[1]), base);
        Value max = emitSafeMax(n, l, e[0]);
        // Scores without a region were multiplied with log2(e) beforehand.
        if (op.getScore().empty())
          max = arith::MulFOp::create(n, l, max, base);
        return castFloat(n, l, arith::AddFOp::create(n, l, max, sum), type);
      });
}

//===----------------------------------------------------------------------===//
// Keys
//===----------------------------------------------------------------------===//

AffineMap AttentionTile::mapOf(ArrayRef<unsigned> dims) {
  SmallVector<AffineExpr> exprs;
  for (unsigned dim : dims)
    exprs.push_back(b.getAffineDimExpr(dim));
  return AffineMap::get(4, 0, exprs, b.getContext());
}

Value AttentionTile::emitPosition(OpBuilder &n, Location l, unsigned dim,
                                  OpFoldResult firstKey) {
  if (dim != roles.m && dim != roles.k2)
    return getValueOrCreateConstantIndexOp(n, l, offsets[dim]);
  Value local =
      attn::IndexOp::create(n, l, n.getIndexType(), dim == roles.m ? M : K2);
  OpFoldResult start = dim == roles.m ? row : firstKey;
  if (isZeroInteger(start))
    return local;
  return arith::AddIOp::create(n, l, local,
                               getValueOrCreateConstantIndexOp(n, l, start));
}

/// Whether the row at hand sees a key whose bits are `word`.
static Value emitVisible(OpBuilder &builder, Location loc, Value word) {
  Type type = word.getType();
  auto constant = [&](int64_t value) -> Value {
    return arith::ConstantOp::create(builder, loc,
                                     builder.getIntegerAttr(type, value));
  };
  Value row = arith::IndexCastOp::create(
      builder, loc, type,
      attn::IndexOp::create(builder, loc, builder.getIndexType(), M));
  Value bit = arith::ShLIOp::create(builder, loc, constant(1), row);
  Value found = arith::AndIOp::create(builder, loc, word, bit);
  return arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ne, found,
                               constant(0));
}

/// Emits one attn.online over `numKeys` keys from `key` of a source.
OnlineState AttentionTile::takeKeys(unsigned source, OpFoldResult base,
                                    Value key, int64_t numKeys, Hiding hiding,
                                    OnlineState state) {
  AffineExpr s0, s1;
  bindSymbols(b.getContext(), s0, s1);
  OpFoldResult absolute = apply(s0 + s1, {base, key});
  SmallVector<unsigned> used;
  if (hiding.byMask)
    op.getMask()->appendCaptures(used);
  Region &region = op.getScore();
  SmallVector<DimTensor> captures;
  SmallVector<int> position(op.getCaptures().size(), -1);
  for (unsigned i = 0; i < op.getCaptures().size(); ++i) {
    bool inRegion =
        !region.empty() && !region.front().getArgument(i + 1).use_empty();
    if (!inRegion && !llvm::is_contained(used, i))
      continue;
    position[i] = captures.size();
    captures.push_back(
        slice(op.getCaptures()[i], op.getCaptureMap(i), absolute, numKeys));
  }
  if (hiding.words)
    captures.push_back({hiding.words, {K2}});
  DimTensor keys =
      slice(op.getKeys()[source], op.getKeyMap(source), key, numKeys);
  DimTensor values =
      slice(op.getValues()[source], op.getValueMap(source), key, numKeys);
  SmallVector<AffineMap> maps{rowsInLanes ? mapOf({K1, M}) : mapOf({M, K1}),
                              mapOf(keys.dims), mapOf(values.dims)};
  SmallVector<Value> captured;
  for (const DimTensor &capture : captures) {
    maps.push_back(mapOf(capture.dims));
    captured.push_back(capture.value);
  }
  maps.append({mapOf(accDims()), mapOf({M}), mapOf({M})});
  auto score = [&](OpBuilder &n, Location l, Value s, ValueRange e) -> Value {
    auto at = [&](unsigned dim) { return emitPosition(n, l, dim, absolute); };
    SmallVector<Value> elements;
    for (int p : position)
      elements.push_back(p < 0 ? Value() : e[p]);
    AttentionPoint point = {at, elements};
    s = emitRegion(n, l, region, s, point);
    Value hidden = floatConstant(n, l, compute, -infinity);
    if (hiding.words)
      return arith::SelectOp::create(n, l, emitVisible(n, l, e.back()), s,
                                     hidden);
    return hiding.byMask ? emitMasked(n, l, op, extents, s, hidden, point) : s;
  };
  bool hasScore = hiding.byMask || hiding.words || !region.empty();
  double exponentScale = region.empty() ? 1.0 : log2OfE;
  auto online = attn::OnlineOp::create(
      b, loc, query, keys.value, values.value, captured, state.acc, state.max,
      state.sum, maps, /*scale=*/1.0, exponentScale,
      hasScore ? attn::RegionBuilderFn(score) : attn::RegionBuilderFn());
  online->setAttr(attn::ScheduleAttr::getAttachedName(), schedule);
  return {online.getAccOut(), online.getMaxOut(), online.getSumOut()};
}

OnlineState AttentionTile::loopOverKeys(unsigned source, OpFoldResult base,
                                        const KeyRange &range,
                                        OnlineState state) {
  std::optional<int64_t> begin = getConstantIntValue(range.begin),
                         end = getConstantIntValue(range.end);
  if (begin && end && *begin >= *end)
    return state;
  auto index = [&](OpFoldResult value) {
    return getValueOrCreateConstantIndexOp(b, loc, value);
  };
  auto loop = scf::ForOp::create(b, loc, index(range.begin), index(range.end),
                                 index(b.getIndexAttr(range.step)),
                                 ValueRange{state.acc, state.max, state.sum});
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  OnlineState inner = {loop.getRegionIterArg(0), loop.getRegionIterArg(1),
                       loop.getRegionIterArg(2)};
  inner = takeKeys(source, base, loop.getInductionVar(), range.step,
                   {range.masked, {}}, inner);
  scf::YieldOp::create(b, loc, ValueRange{inner.acc, inner.max, inner.sum});
  return {loop.getResult(0), loop.getResult(1), loop.getResult(2)};
}

SmallVector<Value> AttentionTile::run(ValueRange outs) {
  query = packQuery();
  OnlineState state = initialState();
  AffineExpr s0, s1;
  bindSymbols(b.getContext(), s0, s1);
  OpFoldResult base = b.getIndexAttr(0);
  if (table)
    state = visitTable(state);
  for (unsigned source = 0; !table && source < sources.size(); ++source) {
    for (const KeyRange &range : keyRanges(source, base))
      state = loopOverKeys(source, base, range, state);
    base = apply(s0 + s1, {base, sources[source]});
  }
  SmallVector<Value> results;
  for (auto [index, kind] : llvm::enumerate(op.getKinds()))
    results.push_back(kind == attn::ResultKind::Output
                          ? emitOutput(state, outs[index], index)
                          : emitLogSumExp(state, outs[index]));
  return results;
}

SmallVector<Value> AttentionTile::sliceAllKeys(ValueRange outs) {
  OpFoldResult zero = b.getIndexAttr(0);
  int64_t numKeys = *getConstantIntValue(extents[roles.k2]);
  SmallVector<AffineMap> maps;
  auto take = [&](Value tensor, AffineMap map) {
    DimTensor part = slice(tensor, map, zero, numKeys);
    maps.push_back(mapOf(part.dims));
    return part.value;
  };
  Value queries = take(op.getQuery(), op.getQueryMap());
  Value keys = take(op.getKeys()[0], op.getKeyMap(0));
  Value values = take(op.getValues()[0], op.getValueMap(0));
  SmallVector<Value> captures;
  for (auto [index, capture] : llvm::enumerate(op.getCaptures()))
    captures.push_back(take(capture, op.getCaptureMap(index)));
  for (unsigned index = 0; index < outs.size(); ++index) {
    SmallVector<unsigned> dims;
    for (unsigned dim : dimsOf(op.getInitMap(index)))
      if (!roles.isBatch(dim))
        dims.push_back(toTileDim(dim));
    maps.push_back(mapOf(dims));
  }

  auto region = [&](OpBuilder &n, Location l, Region &body, Value element,
                    ValueRange captured, bool masked) {
    SmallVector<Value> elements(captured);
    auto at = [&](unsigned dim) { return emitPosition(n, l, dim, zero); };
    AttentionPoint point = {at, elements};
    element = emitRegion(n, l, body, element, point);
    if (!masked)
      return element;
    bool isLinear = op.getNormalizer() == attn::Normalizer::None;
    Value hidden = floatConstant(n, l, compute, isLinear ? 0.0 : -infinity);
    return emitMasked(n, l, op, extents, element, hidden, point);
  };
  auto score = [&](OpBuilder &n, Location l, Value s, ValueRange e) -> Value {
    return region(n, l, op.getScore(), s, e, /*masked=*/true);
  };
  auto prob = [&](OpBuilder &n, Location l, Value p, ValueRange e) -> Value {
    return region(n, l, op.getProb(), p, e, /*masked=*/false);
  };
  attn::AttentionParams params;
  params.scale = op.getScale().convertToDouble();
  params.normalizer = op.getNormalizer();
  params.emptyRow = op.getEmptyRow();
  params.kinds = op.getKinds();
  bool hasScore = op.getMask() || !op.getScore().empty();
  auto tile = AttentionOp::create(
      b, loc, queries, keys, values, captures, outs, maps, params,
      hasScore ? attn::RegionBuilderFn(score) : attn::RegionBuilderFn(),
      op.getProb().empty() ? attn::RegionBuilderFn()
                           : attn::RegionBuilderFn(prob));
  tile->setAttr(attn::ScheduleAttr::getAttachedName(), schedule);
  return tile.getResults();
}
