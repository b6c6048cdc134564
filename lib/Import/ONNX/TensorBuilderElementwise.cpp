//===- TensorBuilderElementwise.cpp - Elementwise and reductions ----------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FoldConstants.h"

#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace fovea::frontend;

using utils::IteratorType;

//===----------------------------------------------------------------------===//
// Broadcasting
//===----------------------------------------------------------------------===//

/// Gives `input` the sizes of `to` (right-aligned) in every dimension but the
/// static ones of size 1. A dimension that may turn out to be 1 at run time is
/// repeated there, in a branch that costs nothing otherwise.
FailureOr<Value> TensorBuilder::alignForBroadcast(Value input, const Dims &to) {
  if (rank(input) > int64_t(to.size())) {
    error("cannot broadcast a tensor of rank " + Twine(rank(input)) +
          " to rank " + Twine(to.size()));
    return failure();
  }
  int64_t offset = to.size() - rank(input);
  Value repeats;
  Dims target;
  for (int64_t i = 0; i < rank(input); ++i) {
    OpFoldResult size = dim(input, i), out = to[offset + i];
    auto constant = getConstantIntValue(size);
    bool fixed = (constant && *constant == 1) || same(size, out);
    target.push_back(fixed ? size : out);
    if (fixed)
      continue;
    if (constant && getConstantIntValue(out)) {
      error("cannot broadcast size " + Twine(*constant) + " to " +
            Twine(*getConstantIntValue(out)));
      return failure();
    }
    Value differs = createOrFold<arith::CmpIOp>(arith::CmpIPredicate::ne,
                                                toValue(size), toValue(out));
    repeats = repeats ? createOrFold<arith::OrIOp>(repeats, differs) : differs;
  }
  if (!repeats)
    return input;

  auto resultType = typeFor(target, elementType(input));
  auto choice = scf::IfOp::create(*this, resultType, repeats,
                                  /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(*this);
  setInsertionPointToStart(&choice.getThenRegion().front());
  Value repeated = generate(
      target, elementType(input), [&](TensorBuilder &b, ValueRange at) {
        SmallVector<Value> indices;
        for (auto [i, position] : llvm::enumerate(at)) {
          Value isOne = b.createOrFold<arith::CmpIOp>(
              arith::CmpIPredicate::eq, b.toValue(dim(input, i)), b.index(1));
          indices.push_back(
              b.createOrFold<arith::SelectOp>(isOne, b.index(0), position));
        }
        return Value(tensor::ExtractOp::create(b, input, indices));
      });
  scf::YieldOp::create(*this, castShape(repeated, resultType));
  setInsertionPointToStart(&choice.getElseRegion().front());
  scf::YieldOp::create(*this, castShape(input, resultType));
  return choice.getResult(0);
}

FailureOr<TensorBuilder::Operand>
TensorBuilder::broadcastOperand(Value input, const Dims &to) {
  auto aligned = alignForBroadcast(input, to);
  if (failed(aligned))
    return failure();
  Operand result{*aligned, {}};
  int64_t offset = to.size() - rank(input);
  SmallVector<int64_t> dropped;
  for (int64_t i = 0; i < rank(input); ++i) {
    bool isOne = type(*aligned).getDimSize(i) == 1;
    if (isOne && getConstantIntValue(to[offset + i]) != 1)
      dropped.push_back(i);
    else
      result.positions.push_back(offset + i);
  }
  if (!dropped.empty())
    result.value = squeeze(*aligned, dropped);
  return result;
}

static AffineMap mapOf(TensorBuilder &b, ArrayRef<int64_t> positions,
                       int64_t loops) {
  SmallVector<AffineExpr> exprs;
  for (int64_t position : positions)
    exprs.push_back(b.getAffineDimExpr(position));
  return AffineMap::get(loops, 0, exprs, b.getContext());
}

/// Builds `body` inside the region of a linalg.generic.
static Value buildBody(TensorBuilder &b, OpBuilder &nested, ElementFn body,
                       ValueRange args) {
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(nested.getInsertionBlock(), nested.getInsertionPoint());
  return b.given(body(b, args));
}

Value TensorBuilder::generic(ArrayRef<Value> inputs, Value init,
                             ArrayRef<AffineMap> maps,
                             ArrayRef<IteratorType> iterators, ElementFn body) {
  TensorBuilder &b = *this;
  SmallVector<Value> tensors(inputs);
  tensors.push_back(init);
  checkMaps(tensors, maps);
  auto op = linalg::GenericOp::create(
      b, init.getType(), inputs, init, maps, iterators,
      [&](OpBuilder &nested, Location loc, ValueRange args) {
        Value result = buildBody(b, nested, body, args);
        nested.setInsertionPointToEnd(args[0].getParentBlock());
        linalg::YieldOp::create(nested, loc, result);
      });
  if (Value constant = foldGeneric(*this, op)) {
    op.erase();
    return constant;
  }
  return op.getResult(0);
}

//===----------------------------------------------------------------------===//
// Elementwise
//===----------------------------------------------------------------------===//

/// Scalars of all inputs, where evaluating `count` elements one by one is what
/// a tiny integer (or constant) computation wants.
static std::optional<SmallVector<SmallVector<Value>>>
scalarInputs(TensorBuilder &b, ArrayRef<Value> inputs, RankedTensorType type) {
  if (!type.hasStaticShape() || type.getNumElements() > maxScalarElements ||
      (type.getRank() > 1 && type.getNumElements() != 1))
    return std::nullopt;
  SmallVector<SmallVector<Value>> result;
  bool anyKnown = false;
  for (Value input : inputs) {
    auto known = b.scalars(input);
    anyKnown |= known.has_value();
    if (!known && isa<IntegerType>(b.elementType(input)) &&
        type.getNumElements() <= 8)
      known = b.scalars(input, /*extract=*/true);
    if (!known)
      return std::nullopt;
    result.push_back(std::move(*known));
  }
  if (!anyKnown)
    return std::nullopt;
  return result;
}

/// The value of a constant with equal elements; null for other tensors.
static TypedAttr splatOf(Value tensor) {
  DenseElementsAttr dense;
  if (matchPattern(tensor, m_Constant(&dense)) && dense.isSplat())
    return cast<TypedAttr>(dense.getSplatValue<Attribute>());
  return {};
}

FailureOr<Value> TensorBuilder::elementwise(ArrayRef<Value> inputs,
                                            Type resultElementType,
                                            ElementFn body, bool usesIndices) {
  SmallVector<Dims> shapes;
  for (Value input : inputs)
    shapes.push_back(shape(input));
  auto out = broadcastShape(shapes);
  if (failed(out))
    return failure();
  auto resultType = typeFor(*out, resultElementType);

  if (!usesIndices) {
    if (auto elements = scalarInputs(*this, inputs, resultType)) {
      SmallVector<Value> results;
      for (int64_t i = 0; i < resultType.getNumElements(); ++i) {
        SmallVector<Value> args;
        for (auto &list : *elements)
          args.push_back(list.size() == 1 ? list[0] : list[i]);
        results.push_back(given(body(*this, args)));
      }
      return fromScalars(results, resultType);
    }
  }

  SmallVector<Value> operands;
  SmallVector<AffineMap> maps;
  SmallVector<TypedAttr> splats;
  for (Value input : inputs) {
    splats.push_back(splatOf(input));
    if (splats.back())
      continue;
    auto operand = broadcastOperand(input, *out);
    if (failed(operand))
      return failure();
    operands.push_back(operand->value);
    maps.push_back(mapOf(*this, operand->positions, out->size()));
  }
  maps.push_back(getMultiDimIdentityMap(out->size()));
  SmallVector<IteratorType> iterators(out->size(), IteratorType::parallel);
  return generic(operands, empty(*out, resultElementType), maps, iterators,
                 [&](TensorBuilder &b, ValueRange blockArgs) {
                   SmallVector<Value> args;
                   for (TypedAttr splat : splats) {
                     args.push_back(splat ? b.sharedConstant(splat)
                                          : blockArgs.front());
                     if (!splat)
                       blockArgs = blockArgs.drop_front();
                   }
                   return body(b, args);
                 });
}

Value TensorBuilder::generate(ArrayRef<OpFoldResult> dims, Type elementType,
                              ElementFn body) {
  SmallVector<IteratorType> iterators(dims.size(), IteratorType::parallel);
  return generic({}, empty(dims, elementType),
                 getMultiDimIdentityMap(dims.size()), iterators,
                 [&](TensorBuilder &b, ValueRange) {
                   SmallVector<Value> at;
                   for (size_t i = 0; i < dims.size(); ++i)
                     at.push_back(linalg::IndexOp::create(b, i));
                   return body(b, at);
                 });
}

FailureOr<Value> TensorBuilder::broadcastTo(Value input,
                                            ArrayRef<OpFoldResult> dims) {
  Dims to(dims);
  auto aligned = alignForBroadcast(input, to);
  if (failed(aligned))
    return failure();
  bool unchanged = rank(*aligned) == int64_t(to.size());
  for (int64_t i = 0; unchanged && i < rank(*aligned); ++i)
    unchanged = same(dim(*aligned, i), to[i]);
  if (unchanged)
    return castShape(*aligned, typeFor(to, elementType(input)));
  if (TypedAttr splat = splatOf(input)) {
    auto resultType = typeFor(to, elementType(input));
    if (resultType.hasStaticShape())
      return sharedConstant(DenseElementsAttr::get(resultType, splat));
    return fill(sharedConstant(splat), to);
  }
  auto operand = broadcastOperand(*aligned, to);
  if (failed(operand))
    return failure();
  AffineMap map = mapOf(*this, operand->positions, to.size());
  SmallVector<IteratorType> iterators(to.size(), IteratorType::parallel);
  return generic(operand->value, empty(to, elementType(input)),
                 {map, getMultiDimIdentityMap(to.size())}, iterators,
                 [](TensorBuilder &, ValueRange args) { return args[0]; });
}

//===----------------------------------------------------------------------===//
// Reductions and contractions
//===----------------------------------------------------------------------===//

Value TensorBuilder::reduce(Value input, ArrayRef<int64_t> axes, bool keepDims,
                            Value init, ElementFn body) {
  checkAxes(input, axes);
  int64_t inputRank = rank(input);
  SmallVector<IteratorType> iterators(inputRank, IteratorType::parallel);
  for (int64_t axis : axes)
    iterators[axis] = IteratorType::reduction;
  Dims kept;
  SmallVector<AffineExpr> exprs;
  for (int64_t i = 0; i < inputRank; ++i) {
    if (iterators[i] == IteratorType::reduction)
      continue;
    kept.push_back(dim(input, i));
    exprs.push_back(getAffineDimExpr(i));
  }
  SmallVector<AffineMap> maps = {
      getMultiDimIdentityMap(inputRank),
      AffineMap::get(inputRank, 0, exprs, getContext())};
  Value result = generic(input, fill(init, kept), maps, iterators, body);
  SmallVector<int64_t> sorted(axes);
  llvm::sort(sorted);
  return keepDims && !axes.empty() ? unsqueeze(result, sorted) : result;
}

Value TensorBuilder::contract(ArrayRef<Value> operands,
                              ArrayRef<AffineMap> operandMaps,
                              AffineMap resultMap, ArrayRef<OpFoldResult> loops,
                              bool isUnsigned) {
  checkMaps(operands, operandMaps);
  Type element = elementType(operands[0]);
  Type sumType = element;
  if (isa<FloatType>(element) && element.getIntOrFloatBitWidth() < 32)
    sumType = getF32Type();
  SmallVector<IteratorType> iterators(loops.size(), IteratorType::reduction);
  Dims dims;
  for (AffineExpr expr : resultMap.getResults()) {
    unsigned loop = cast<AffineDimExpr>(expr).getPosition();
    iterators[loop] = IteratorType::parallel;
    dims.push_back(loops[loop]);
  }
  SmallVector<AffineMap> maps(operandMaps);
  maps.push_back(resultMap);
  // Without a sum, this is a product of elements.
  bool sums = llvm::is_contained(iterators, IteratorType::reduction);
  bool isFloat = isa<FloatType>(sumType);
  Value init = sums ? zeros(dims, sumType) : empty(dims, sumType);
  Value sum = generic(operands, init, maps, iterators,
                      [&](TensorBuilder &b, ValueRange args) -> Value {
                        Value product;
                        for (Value arg : args.drop_back()) {
                          Value factor = b.castScalar(arg, sumType, isUnsigned,
                                                      isUnsigned);
                          if (!product)
                            product = factor;
                          else if (isFloat)
                            product = arith::MulFOp::create(b, product, factor);
                          else
                            product = arith::MulIOp::create(b, product, factor);
                        }
                        if (!sums)
                          return product;
                        if (isFloat)
                          return arith::AddFOp::create(b, args.back(), product);
                        return arith::AddIOp::create(b, args.back(), product);
                      });
  if (sumType == element)
    return sum;
  return *castTo(sum, element);
}
