//===- Dense.cpp - Dense mask ---------------------------------------------===//
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

std::optional<bool> DenseAttr::visible(int64_t, int64_t, StaticExtents) const {
  return std::nullopt;
}

TileClass DenseAttr::classify(StaticTile, StaticExtents) const {
  return TileClass::Partial;
}

Value DenseAttr::emit(OpBuilder &builder, Location loc,
                      const MaskPoint &point) const {
  Value element = point.captures[getCapture()];
  Type type = element.getType();
  if (type.isInteger(1))
    return element;
  if (auto floating = dyn_cast<FloatType>(type)) {
    Value lowest = arith::ConstantOp::create(
        builder, loc,
        builder.getFloatAttr(
            type, APFloat::getInf(floating.getFloatSemantics(), true)));
    // Unordered: a NaN in the mask must reach the output.
    return arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::UNE,
                                 element, lowest);
  }
  Value zero =
      arith::ConstantOp::create(builder, loc, builder.getIntegerAttr(type, 0));
  return arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ne, element,
                               zero);
}

MaskBounds DenseAttr::bounds(OpBuilder &builder, Location,
                             const MaskTile &tile) const {
  return unknownBounds(builder, tile);
}

void DenseAttr::appendCaptures(SmallVectorImpl<unsigned> &captures) const {
  captures.push_back(getCapture());
}

MaskInterface DenseAttr::withCaptures(ArrayRef<unsigned> positions) const {
  return get(getContext(), positions[getCapture()]);
}

LogicalResult
DenseAttr::verifyCaptures(function_ref<InFlightDiagnostic()> emitError,
                          ArrayRef<Type> elementTypes) const {
  if (getCapture() < 0 ||
      getCapture() >= static_cast<int64_t>(elementTypes.size()))
    return emitError() << "the mask reads capture " << getCapture() << " of "
                       << elementTypes.size() << " (attention_c11)";
  if (!isa<IntegerType, FloatType>(elementTypes[getCapture()]))
    return emitError() << "the mask reads capture " << getCapture()
                       << " as booleans or numbers, but it holds "
                       << elementTypes[getCapture()] << " (attention_c11)";
  return success();
}
