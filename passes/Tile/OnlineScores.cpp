//===- OnlineScores.cpp - What both forms of online attention share -------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "AttentionTile.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace fovea;

Value fovea::emitPower(OpBuilder &builder, Location loc, Value x, Value maximum,
                       double scale) {
  Value exponent = arith::SubFOp::create(builder, loc, x, maximum);
  if (scale != 1.0)
    exponent = arith::MulFOp::create(
        builder, loc, exponent,
        floatConstant(builder, loc, exponent.getType(), scale));
  auto power = math::Exp2Op::create(builder, loc, exponent);
  power->setAttr("fovea.nonpositive", builder.getUnitAttr());
  return power;
}

/// The element type in which a capture is transposed in registers.
static Type packedType(OpBuilder &b, Type type) {
  if (isa<FloatType>(type) && type.getIntOrFloatBitWidth() < 32)
    return b.getF32Type();
  if (type.isInteger() && type.getIntOrFloatBitWidth() < 32)
    return b.getI32Type();
  return type;
}

DimTensor fovea::packCapture(OpBuilder &b, Location loc, DimTensor capture,
                             ArrayRef<unsigned> dims, ArrayRef<int64_t> extents,
                             int64_t lanes) {
  Type from = getElementTypeOrSelf(capture.value);
  Type to = packedType(b, from);
  Value empty = tensor::EmptyOp::create(b, loc, extents, to);
  DimTensor packed = {empty, SmallVector<unsigned>(dims)};
  packed.value =
      emitBlockwise(b, loc, dims, extents, lanes, {capture}, packed,
                    [&](OpBuilder &n, Location l, ValueRange e) -> Value {
                      if (from.isInteger() && from != to)
                        return arith::ExtUIOp::create(n, l, to, e[0]);
                      return castFloat(n, l, e[0], to);
                    });
  return packed;
}

Value fovea::unpackElement(OpBuilder &builder, Location loc, Value element,
                           Type type) {
  Value original = castFloat(builder, loc, element, type);
  if (original.getType() != type)
    original = arith::TruncIOp::create(builder, loc, type, original);
  return original;
}

Value fovea::emitScoreRegion(OpBuilder &builder, attn::OnlineOp op,
                             DimTensor scores, ArrayRef<DimTensor> captures,
                             ArrayRef<unsigned> dims,
                             ArrayRef<OpFoldResult> offsets,
                             ArrayRef<int64_t> sizes) {
  double scale = op.getScale().convertToDouble();
  if (op.getScore().empty() && scale == 1.0)
    return scores.value;
  Location loc = op.getLoc();
  SmallVector<DimTensor> inputs;
  for (const DimTensor &capture : captures)
    inputs.push_back(sliceDims(builder, loc, capture, dims, offsets, sizes));
  auto body = [&](OpBuilder &b, Location l, ValueRange v) {
    auto position = [&](unsigned dim) -> Value {
      unsigned axis = llvm::find(dims, dim) - dims.begin();
      Value local = linalg::IndexOp::create(b, l, axis);
      if (isZeroInteger(offsets[axis]))
        return local;
      return arith::AddIOp::create(
          b, l, local, getValueOrCreateConstantIndexOp(b, l, offsets[axis]));
    };
    SmallVector<Value> elements;
    for (auto [index, element] : llvm::enumerate(v.drop_back()))
      elements.push_back(unpackElement(
          b, l, element, getElementTypeOrSelf(op.getCaptures()[index])));
    Value s = v.back();
    if (scale != 1.0)
      s = arith::MulFOp::create(b, l, s,
                                floatConstant(b, l, s.getType(), scale));
    return emitRegion(b, l, op.getScore(), s, {position, elements});
  };
  return emitGeneric(builder, loc, dims, inputs, scores, body);
}
