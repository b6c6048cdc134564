//===- Combine.cpp - Masks made of masks ----------------------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Band.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"

using namespace mlir;
using namespace fovea::attn;

//===----------------------------------------------------------------------===//
// What And and Or share
//===----------------------------------------------------------------------===//

/// `decisive` is the answer of one mask that settles the whole: false for And,
/// true for Or.
static std::optional<bool> combineVisible(ArrayRef<MaskInterface> masks,
                                          int64_t i, int64_t j,
                                          StaticExtents extents,
                                          bool decisive) {
  std::optional<bool> result = !decisive;
  for (MaskInterface mask : masks) {
    std::optional<bool> one = mask.visible(i, j, extents);
    if (one == decisive)
      return decisive;
    if (!one)
      result = std::nullopt;
  }
  return result;
}

static TileClass combineClasses(ArrayRef<MaskInterface> masks, StaticTile tile,
                                StaticExtents extents, TileClass decisive,
                                TileClass neutral) {
  TileClass result = neutral;
  for (MaskInterface mask : masks) {
    TileClass one = mask.classify(tile, extents);
    if (one == decisive)
      return decisive;
    if (one != neutral)
      result = TileClass::Partial;
  }
  return result;
}

static void combineCaptures(ArrayRef<MaskInterface> masks,
                            SmallVectorImpl<unsigned> &captures) {
  for (MaskInterface mask : masks)
    mask.appendCaptures(captures);
}

static SmallVector<MaskInterface> remap(ArrayRef<MaskInterface> masks,
                                        ArrayRef<unsigned> positions) {
  return llvm::map_to_vector(
      masks, [&](MaskInterface mask) { return mask.withCaptures(positions); });
}

static LogicalResult verifyAll(ArrayRef<MaskInterface> masks,
                               function_ref<InFlightDiagnostic()> emitError,
                               ArrayRef<Type> elementTypes) {
  for (MaskInterface mask : masks)
    if (failed(mask.verifyCaptures(emitError, elementTypes)))
      return failure();
  return success();
}

//===----------------------------------------------------------------------===//
// And
//===----------------------------------------------------------------------===//

LogicalResult AndAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                              ArrayRef<MaskInterface> masks) {
  if (masks.empty())
    return emitError() << "combines no mask (and_c1)";
  return success();
}

std::optional<bool> AndAttr::visible(int64_t i, int64_t j,
                                     StaticExtents extents) const {
  return combineVisible(getMasks(), i, j, extents, /*decisive=*/false);
}

TileClass AndAttr::classify(StaticTile tile, StaticExtents extents) const {
  return combineClasses(getMasks(), tile, extents, TileClass::Empty,
                        TileClass::Full);
}

Value AndAttr::emit(OpBuilder &builder, Location loc,
                    const MaskPoint &point) const {
  Value all;
  for (MaskInterface mask : getMasks()) {
    Value one = mask.emit(builder, loc, point);
    all = all ? arith::AndIOp::create(builder, loc, all, one) : one;
  }
  return all;
}

MaskBounds AndAttr::bounds(OpBuilder &builder, Location loc,
                           const MaskTile &tile) const {
  MaskBounds all = getMasks().front().bounds(builder, loc, tile);
  for (MaskInterface mask : getMasks().drop_front()) {
    MaskBounds one = mask.bounds(builder, loc, tile);
    all.begin = extremum(builder, loc, all.begin, one.begin, false);
    all.end = extremum(builder, loc, all.end, one.end, true);
    all.fullBegin = extremum(builder, loc, all.fullBegin, one.fullBegin, false);
    all.fullEnd = extremum(builder, loc, all.fullEnd, one.fullEnd, true);
  }
  return all;
}

bool AndAttr::isInterval() const {
  return llvm::all_of(getMasks(),
                      [](MaskInterface mask) { return mask.isInterval(); });
}

void AndAttr::appendCaptures(SmallVectorImpl<unsigned> &captures) const {
  combineCaptures(getMasks(), captures);
}

MaskInterface AndAttr::withCaptures(ArrayRef<unsigned> positions) const {
  return get(getContext(), remap(getMasks(), positions));
}

LogicalResult
AndAttr::verifyCaptures(function_ref<InFlightDiagnostic()> emitError,
                        ArrayRef<Type> elementTypes) const {
  return verifyAll(getMasks(), emitError, elementTypes);
}

//===----------------------------------------------------------------------===//
// Or
//===----------------------------------------------------------------------===//

LogicalResult OrAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                             ArrayRef<MaskInterface> masks) {
  if (masks.empty())
    return emitError() << "combines no mask (or_c1)";
  return success();
}

std::optional<bool> OrAttr::visible(int64_t i, int64_t j,
                                    StaticExtents extents) const {
  return combineVisible(getMasks(), i, j, extents, /*decisive=*/true);
}

TileClass OrAttr::classify(StaticTile tile, StaticExtents extents) const {
  return combineClasses(getMasks(), tile, extents, TileClass::Full,
                        TileClass::Empty);
}

Value OrAttr::emit(OpBuilder &builder, Location loc,
                   const MaskPoint &point) const {
  Value any;
  for (MaskInterface mask : getMasks()) {
    Value one = mask.emit(builder, loc, point);
    any = any ? arith::OrIOp::create(builder, loc, any, one) : one;
  }
  return any;
}

MaskBounds OrAttr::bounds(OpBuilder &builder, Location loc,
                          const MaskTile &tile) const {
  MaskBounds any = getMasks().front().bounds(builder, loc, tile);
  for (MaskInterface mask : getMasks().drop_front()) {
    MaskBounds one = mask.bounds(builder, loc, tile);
    any.begin = extremum(builder, loc, any.begin, one.begin, true);
    any.end = extremum(builder, loc, any.end, one.end, false);
    // The union of two intervals need not be one: keep the longer.
    auto value = [&](OpFoldResult v) {
      return getValueOrCreateConstantIndexOp(builder, loc, v);
    };
    Value begin = value(any.fullBegin), end = value(any.fullEnd);
    Value oneBegin = value(one.fullBegin), oneEnd = value(one.fullEnd);
    Value length = arith::SubIOp::create(builder, loc, end, begin);
    Value oneLength = arith::SubIOp::create(builder, loc, oneEnd, oneBegin);
    Value longer = arith::CmpIOp::create(
        builder, loc, arith::CmpIPredicate::sgt, oneLength, length);
    any.fullBegin =
        arith::SelectOp::create(builder, loc, longer, oneBegin, begin)
            .getResult();
    any.fullEnd =
        arith::SelectOp::create(builder, loc, longer, oneEnd, end).getResult();
  }
  return any;
}

void OrAttr::appendCaptures(SmallVectorImpl<unsigned> &captures) const {
  combineCaptures(getMasks(), captures);
}

MaskInterface OrAttr::withCaptures(ArrayRef<unsigned> positions) const {
  return get(getContext(), remap(getMasks(), positions));
}

LogicalResult
OrAttr::verifyCaptures(function_ref<InFlightDiagnostic()> emitError,
                       ArrayRef<Type> elementTypes) const {
  return verifyAll(getMasks(), emitError, elementTypes);
}
