//===- AttentionBody.cpp - Pieces of code that attention is made of -------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "AttentionBody.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace fovea;

Value fovea::emitGeneric(
    OpBuilder &builder, Location loc, ArrayRef<unsigned> space,
    ArrayRef<DimTensor> inputs, DimTensor output,
    function_ref<Value(OpBuilder &, Location, ValueRange)> body) {
  auto mapOf = [&](const DimTensor &tensor) {
    SmallVector<AffineExpr> exprs;
    for (unsigned dim : tensor.dims)
      exprs.push_back(
          builder.getAffineDimExpr(llvm::find(space, dim) - space.begin()));
    return AffineMap::get(space.size(), 0, exprs, builder.getContext());
  };
  SmallVector<AffineMap> maps;
  SmallVector<Value> operands;
  for (const DimTensor &input : inputs) {
    maps.push_back(mapOf(input));
    operands.push_back(input.value);
  }
  maps.push_back(mapOf(output));
  SmallVector<utils::IteratorType> iterators;
  for (unsigned dim : space)
    iterators.push_back(llvm::is_contained(output.dims, dim)
                            ? utils::IteratorType::parallel
                            : utils::IteratorType::reduction);
  return linalg::GenericOp::create(
             builder, loc, output.value.getType(), operands, output.value, maps,
             iterators,
             [&](OpBuilder &b, Location l, ValueRange elements) {
               linalg::YieldOp::create(b, l, body(b, l, elements));
             })
      .getResult(0);
}

SmallVector<unsigned> fovea::dimsOf(AffineMap map) {
  return llvm::map_to_vector(map.getResults(), [](AffineExpr expr) {
    return cast<AffineDimExpr>(expr).getPosition();
  });
}

DimTensor fovea::dropUnitAxes(OpBuilder &builder, Location loc, Value capture,
                              AffineMap map) {
  auto type = cast<RankedTensorType>(capture.getType());
  DimTensor result;
  SmallVector<int64_t> shape;
  for (auto [axis, expr] : llvm::enumerate(map.getResults()))
    if (auto dim = dyn_cast<AffineDimExpr>(expr)) {
      result.dims.push_back(dim.getPosition());
      shape.push_back(type.getDimSize(axis));
    }
  result.value = capture;
  if (static_cast<int64_t>(shape.size()) != type.getRank()) {
    SmallVector<OpFoldResult> sizes =
        tensor::getMixedSizes(builder, loc, capture);
    result.value = tensor::ExtractSliceOp::create(
        builder, loc, RankedTensorType::get(shape, type.getElementType()),
        capture,
        SmallVector<OpFoldResult>(type.getRank(), builder.getIndexAttr(0)),
        sizes,
        SmallVector<OpFoldResult>(type.getRank(), builder.getIndexAttr(1)));
  }
  return result;
}

Value fovea::castFloat(OpBuilder &builder, Location loc, Value element,
                       Type type) {
  auto from = dyn_cast<FloatType>(element.getType());
  auto to = dyn_cast<FloatType>(type);
  if (!from || !to || from == to)
    return element;
  if (from.getWidth() < to.getWidth())
    return arith::ExtFOp::create(builder, loc, to, element);
  if (from.getWidth() > to.getWidth())
    return arith::TruncFOp::create(builder, loc, to, element);
  // f16 and bf16 are both 16 bits wide: go through f32.
  Value wide =
      arith::ExtFOp::create(builder, loc, builder.getF32Type(), element);
  return arith::TruncFOp::create(builder, loc, to, wide);
}

Value fovea::floatConstant(OpBuilder &builder, Location loc, Type type,
                           double value) {
  return arith::ConstantOp::create(builder, loc,
                                   builder.getFloatAttr(type, value));
}

DimTensor fovea::emitEmpty(OpBuilder &builder, Location loc,
                           ArrayRef<unsigned> dims,
                           ArrayRef<OpFoldResult> extents, Type type) {
  SmallVector<OpFoldResult> sizes;
  for (unsigned dim : dims)
    sizes.push_back(extents[dim]);
  return {tensor::EmptyOp::create(builder, loc, sizes, type),
          SmallVector<unsigned>(dims)};
}

DimTensor fovea::emitFilled(OpBuilder &builder, Location loc,
                            ArrayRef<unsigned> dims,
                            ArrayRef<OpFoldResult> extents, Type type,
                            double value) {
  DimTensor result = emitEmpty(builder, loc, dims, extents, type);
  Value scalar = floatConstant(builder, loc, type, value);
  result.value =
      linalg::FillOp::create(builder, loc, scalar, result.value).getResult(0);
  return result;
}

Value fovea::emitRegion(OpBuilder &builder, Location /*loc*/, Region &region,
                        Value element, const AttentionPoint &point) {
  if (region.empty())
    return element;
  Block &block = region.front();
  IRMapping mapping;
  mapping.map(block.getArgument(0), element);
  for (auto [argument, capture] :
       llvm::zip_equal(block.getArguments().drop_front(), point.captures))
    if (capture)
      mapping.map(argument, capture);
  for (Operation &op : block.without_terminator()) {
    if (auto index = dyn_cast<attn::IndexOp>(op)) {
      mapping.map(index.getPosition(), point.position(index.getDim()));
      continue;
    }
    Operation *clone = builder.clone(op, mapping);
    // A region inside the region may ask for positions as well.
    clone->walk([&](attn::IndexOp index) {
      index.replaceAllUsesWith(point.position(index.getDim()));
      index.erase();
    });
  }
  auto yield = cast<attn::YieldOp>(block.getTerminator());
  return mapping.lookupOrDefault(yield.getElement());
}

Value fovea::emitMasked(OpBuilder &builder, Location loc, attn::AttentionOp op,
                        ArrayRef<OpFoldResult> extents, Value score,
                        Value hidden, const AttentionPoint &point) {
  if (!op.getMask())
    return score;
  attn::DimRoles roles = op.getRoles();
  Value visible =
      op.getMask()->emit(builder, loc,
                         {point.position(roles.m), point.position(roles.k2),
                          extents[roles.m], extents[roles.k2], point.captures});
  return arith::SelectOp::create(builder, loc, visible, score, hidden);
}

Value fovea::emitMulAdd(OpBuilder &builder, Location loc, Value left,
                        Value right, Value sum) {
  auto contract = arith::FastMathFlagsAttr::get(builder.getContext(),
                                                arith::FastMathFlags::contract);
  Value product = arith::MulFOp::create(
      builder, loc, castFloat(builder, loc, left, sum.getType()),
      castFloat(builder, loc, right, sum.getType()), contract);
  return arith::AddFOp::create(builder, loc, sum, product, contract);
}

Value fovea::emitMax(OpBuilder &builder, Location loc, Value element,
                     Value accumulator) {
  return arith::MaxNumFOp::create(builder, loc, element, accumulator);
}

Value fovea::emitSafeMax(OpBuilder &builder, Location loc, Value maximum) {
  Type type = maximum.getType();
  Value lowest = floatConstant(builder, loc, type,
                               -std::numeric_limits<double>::infinity());
  Value isEmpty = arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::OEQ,
                                        maximum, lowest);
  return arith::SelectOp::create(
      builder, loc, isEmpty, floatConstant(builder, loc, type, 0.0), maximum);
}

Value fovea::emitReciprocal(OpBuilder &builder, Location loc, Value sum,
                            attn::EmptyRow policy) {
  Type type = sum.getType();
  Value one = floatConstant(builder, loc, type, 1.0);
  Value zero = floatConstant(builder, loc, type, 0.0);
  Value inverse = arith::DivFOp::create(builder, loc, one, sum);
  double empty = policy == attn::EmptyRow::Zero
                     ? 0.0
                     : std::numeric_limits<double>::quiet_NaN();
  Value isEmpty =
      arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::OEQ, sum, zero);
  return arith::SelectOp::create(
      builder, loc, isEmpty, floatConstant(builder, loc, type, empty), inverse);
}
