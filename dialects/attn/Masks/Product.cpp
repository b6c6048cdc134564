//===- Product.cpp - Mask of several axes ---------------------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Band.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace fovea::attn;

LogicalResult ProductAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                  ArrayRef<int64_t> shape,
                                  ArrayRef<MaskInterface> masks) {
  if (shape.empty() || shape.size() != masks.size() ||
      llvm::any_of(shape, [](int64_t length) { return length <= 0; }))
    return emitError() << "needs one mask for each axis and lengths above 0 "
                          "(product_c1)";
  SmallVector<unsigned> captures;
  for (MaskInterface mask : masks)
    mask.appendCaptures(captures);
  if (!captures.empty())
    return emitError() << "the mask of an axis reads a capture (product_c2)";
  return success();
}

std::optional<bool> ProductAttr::visible(int64_t i, int64_t j,
                                         StaticExtents) const {
  bool isKnown = true;
  for (size_t axis = getShape().size(); axis-- > 0;) {
    int64_t length = getShape()[axis];
    std::optional<bool> one =
        getMasks()[axis].visible(i % length, j % length, {length, length});
    if (one == false)
      return false;
    isKnown &= one.has_value();
    i /= length;
    j /= length;
  }
  return isKnown ? std::optional<bool>(true) : std::nullopt;
}

TileClass ProductAttr::classify(StaticTile tile, StaticExtents extents) const {
  return classifyPoints(*this, tile, extents);
}

Value ProductAttr::emit(OpBuilder &b, Location loc,
                        const MaskPoint &point) const {
  Value row = point.row, key = point.key, all;
  for (size_t axis = getShape().size(); axis-- > 0;) {
    int64_t length = getShape()[axis];
    Value size = arith::ConstantIndexOp::create(b, loc, length);
    MaskPoint along = {row, key, b.getIndexAttr(length), b.getIndexAttr(length),
                       point.captures};
    if (axis != 0) {
      along.row = arith::RemUIOp::create(b, loc, row, size);
      along.key = arith::RemUIOp::create(b, loc, key, size);
      row = arith::DivUIOp::create(b, loc, row, size);
      key = arith::DivUIOp::create(b, loc, key, size);
    }
    Value one = getMasks()[axis].emit(b, loc, along);
    all = all ? arith::AndIOp::create(b, loc, all, one) : one;
  }
  return all;
}

MaskBounds ProductAttr::bounds(OpBuilder &builder, Location,
                               const MaskTile &tile) const {
  return unknownBounds(builder, tile);
}
