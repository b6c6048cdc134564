//===- TensorBuilderScalars.cpp - Constants and scalar evaluation ---------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TensorBuilder.h"

#include "mlir/IR/AsmState.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace fovea::frontend;

/// Larger constants are resources, so that printing and uniquing them costs
/// nothing.
static constexpr int64_t maxInlineElements = 1024;
/// Integer tensors up to this size are read element by element; larger ones
/// stay tensors.
static constexpr int64_t maxExtractedElements = 64;

bool TensorBuilder::spend(int64_t work) {
  if (work > workLeft)
    return false;
  workLeft -= work;
  return true;
}

void TensorBuilder::grant(int64_t work) { workLeft += work; }

//===----------------------------------------------------------------------===//
// Constants
//===----------------------------------------------------------------------===//

Value TensorBuilder::sharedConstant(TypedAttr attr) {
  // The body of a linalg operation keeps its constants, so that it can be moved
  // and compared on its own.
  bool inBody = getInsertionBlock() && getInsertionBlock()->getParentOp() &&
                isa<linalg::LinalgOp>(getInsertionBlock()->getParentOp());
  if (inBody || !constantBlock)
    return arith::ConstantOp::create(*this, attr);
  Value &value = constantCache[attr];
  if (!value) {
    OpBuilder::InsertionGuard guard(*this);
    if (lastConstant)
      setInsertionPointAfter(lastConstant);
    else
      setInsertionPointToStart(constantBlock);
    value = arith::ConstantOp::create(*this, attr);
    lastConstant = value.getDefiningOp();
  }
  return value;
}

void TensorBuilder::setInsertionPointAfterDefinition(Value value) {
  bool atStart =
      isa<BlockArgument>(value) || value.getDefiningOp<arith::ConstantOp>();
  if (atStart && value.getParentBlock() == constantBlock && lastConstant)
    setInsertionPointAfter(lastConstant);
  else
    setInsertionPointAfterValue(value);
}

Value TensorBuilder::index(int64_t value) {
  return sharedConstant(getIndexAttr(value));
}

Value TensorBuilder::scalar(Type type, int64_t value) {
  if (isa<FloatType>(given(type)))
    return sharedConstant(getFloatAttr(type, double(value)));
  if (type.isIndex())
    return index(value);
  unsigned width = type.getIntOrFloatBitWidth();
  return sharedConstant(
      IntegerAttr::get(type, APInt(width, uint64_t(value), /*isSigned=*/true,
                                   /*implicitTrunc=*/true)));
}

Value TensorBuilder::scalar(Type type, double value) {
  if (!isa<FloatType>(given(type)))
    return scalar(type, int64_t(value));
  bool lossy = false;
  APFloat number(value);
  number.convert(cast<FloatType>(type).getFloatSemantics(),
                 APFloat::rmNearestTiesToEven, &lossy);
  return sharedConstant(FloatAttr::get(type, number));
}

Value TensorBuilder::intTensor(ArrayRef<int64_t> values) {
  auto type = RankedTensorType::get({int64_t(values.size())}, getI64Type());
  return sharedConstant(DenseElementsAttr::get(type, values));
}

Value TensorBuilder::constant(RankedTensorType type, ArrayRef<char> data) {
  Type element = type.getElementType();
  if (element.isInteger(1)) {
    SmallVector<bool> bits(data.begin(), data.end());
    return sharedConstant(DenseElementsAttr::get(type, ArrayRef<bool>(bits)));
  }
  if (type.getNumElements() <= maxInlineElements)
    return sharedConstant(DenseElementsAttr::getFromRawBuffer(type, data));
  auto blob = HeapAsmResourceBlob::allocateAndCopyWithAlign(
      data, /*align=*/64, /*dataIsMutable=*/false);
  return sharedConstant(
      DenseResourceElementsAttr::get(type, "constant", std::move(blob)));
}

Value TensorBuilder::fromScalars(ArrayRef<Value> scalars,
                                 RankedTensorType type) {
  if (int64_t(scalars.size()) != type.getNumElements())
    raise("a tensor has another number of elements than its shape");
  for (Value scalar : scalars)
    given(scalar);
  SmallVector<Attribute> attrs(scalars.size());
  for (auto [attr, value] : llvm::zip(attrs, scalars))
    if (!matchPattern(value, m_Constant(&attr)))
      return tensor::FromElementsOp::create(*this, type, scalars);
  return sharedConstant(DenseElementsAttr::get(type, attrs));
}

//===----------------------------------------------------------------------===//
// Reading tensors at compile time
//===----------------------------------------------------------------------===//

std::optional<SmallVector<Value>> TensorBuilder::scalars(Value tensor,
                                                         bool extract) {
  auto tensorType = type(tensor);
  if (!tensorType.hasStaticShape() ||
      tensorType.getNumElements() > maxScalarElements)
    return std::nullopt;
  DenseElementsAttr constant;
  if (matchPattern(tensor, m_Constant(&constant))) {
    SmallVector<Value> result;
    for (Attribute element : constant.getValues<Attribute>())
      result.push_back(sharedConstant(cast<TypedAttr>(element)));
    return result;
  }
  if (auto elements = tensor.getDefiningOp<tensor::FromElementsOp>())
    return llvm::to_vector(elements.getElements());
  if (auto cast = tensor.getDefiningOp<tensor::CastOp>())
    return scalars(cast.getSource(), extract);
  if (!extract || tensorType.getNumElements() > maxExtractedElements)
    return std::nullopt;
  // Read right after the definition, so that the reads serve every later use.
  OpBuilder::InsertionGuard guard(*this);
  setInsertionPointAfterDefinition(tensor);
  SmallVector<Value> result;
  SmallVector<int64_t> position(tensorType.getRank(), 0);
  for (int64_t i = 0; i < tensorType.getNumElements(); ++i) {
    SmallVector<Value> indices;
    for (int64_t p : position)
      indices.push_back(index(p));
    if (isa<BlockArgument>(tensor))
      setInsertionPointAfterDefinition(tensor);
    Value &element = elementCache[{tensor, i}];
    if (!element)
      element = tensor::ExtractOp::create(*this, tensor, indices);
    result.push_back(element);
    for (int64_t d = tensorType.getRank() - 1; d >= 0; --d) {
      if (++position[d] < tensorType.getDimSize(d))
        break;
      position[d] = 0;
    }
  }
  return result;
}

Value TensorBuilder::extractScalar(Value tensor) {
  if (auto known = scalars(tensor); known && known->size() == 1)
    return known->front();
  // Nothing is read from a tensor without elements.
  for (int64_t i = 0; i < rank(tensor); ++i)
    if (type(tensor).getDimSize(i) != 1)
      runtimeCheck(createOrFold<arith::CmpIOp>(arith::CmpIPredicate::ne,
                                               toValue(dim(tensor, i)),
                                               index(0)),
                   "an input without elements has to have one");
  SmallVector<Value> zeros(rank(tensor), index(0));
  return tensor::ExtractOp::create(*this, tensor, zeros);
}

static ElementsAttr constantAttr(Value tensor) {
  Attribute attr;
  if (!matchPattern(tensor, m_Constant(&attr)))
    return {};
  return dyn_cast<ElementsAttr>(attr);
}

std::optional<SmallVector<int64_t>> TensorBuilder::constantInts(Value tensor) {
  ElementsAttr attr = constantAttr(given(tensor));
  if (!attr || !isa<IntegerType>(attr.getElementType()))
    return std::nullopt;
  SmallVector<int64_t> result;
  bool isBool = attr.getElementType().isInteger(1);
  if (auto dense = dyn_cast<DenseElementsAttr>(attr)) {
    for (const APInt &value : dense.getValues<APInt>())
      result.push_back(isBool ? value.getZExtValue() : value.getSExtValue());
    return result;
  }
  auto resource = dyn_cast<DenseResourceElementsAttr>(attr);
  if (!resource || !resource.getRawHandle().getBlob())
    return std::nullopt;
  ArrayRef<char> data = resource.getRawHandle().getBlob()->getData();
  unsigned bytes = attr.getElementType().getIntOrFloatBitWidth() / 8;
  for (size_t at = 0; at + bytes <= data.size(); at += bytes) {
    uint64_t raw = 0;
    std::memcpy(&raw, data.data() + at, bytes);
    result.push_back(llvm::SignExtend64(raw, bytes * 8));
  }
  return result;
}

std::optional<SmallVector<double>> TensorBuilder::constantFloats(Value tensor) {
  DenseElementsAttr dense;
  if (!matchPattern(given(tensor), m_Constant(&dense)) ||
      !isa<FloatType>(dense.getElementType()))
    return std::nullopt;
  SmallVector<double> result;
  for (APFloat value : dense.getValues<APFloat>()) {
    bool lossy = false;
    value.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven, &lossy);
    result.push_back(value.convertToDouble());
  }
  return result;
}

std::optional<Dims> TensorBuilder::dimsFrom(Value tensor) {
  if (rank(tensor) > 1 || !isa<IntegerType>(elementType(tensor)))
    return std::nullopt;
  auto elements = scalars(tensor, /*extract=*/true);
  if (!elements)
    return std::nullopt;
  Dims result;
  for (Value element : *elements)
    result.push_back(toDim(element));
  return result;
}

//===----------------------------------------------------------------------===//
// Casts
//===----------------------------------------------------------------------===//

static Value castFloatToInt(TensorBuilder &b, Value value, IntegerType to,
                            bool toUnsigned) {
  if (to.isInteger(1)) {
    Value zero = b.scalar(value.getType(), 0.0);
    return b.createOrFold<arith::CmpFOp>(arith::CmpFPredicate::UNE, value,
                                         zero);
  }
  if (!toUnsigned)
    return b.createOrFold<arith::FPToSIOp>(to, value);
  if (to.getWidth() == 64)
    return b.createOrFold<arith::FPToUIOp>(to, value);
  // Negative numbers wrap around, as they do in NumPy.
  Value wide = b.createOrFold<arith::FPToSIOp>(b.getI64Type(), value);
  return b.createOrFold<arith::TruncIOp>(to, wide);
}

static Value castIntToInt(TensorBuilder &b, Value value, IntegerType to,
                          bool fromUnsigned) {
  auto from = cast<IntegerType>(value.getType());
  if (to.isInteger(1))
    return b.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::ne, value,
                                         b.scalar(from, 0));
  if (to.getWidth() < from.getWidth())
    return b.createOrFold<arith::TruncIOp>(to, value);
  if (to.getWidth() == from.getWidth())
    return value;
  if (fromUnsigned || from.isInteger(1))
    return b.createOrFold<arith::ExtUIOp>(to, value);
  return b.createOrFold<arith::ExtSIOp>(to, value);
}

static Value castFloatToFloat(TensorBuilder &b, Value value, FloatType to) {
  auto from = cast<FloatType>(value.getType());
  if (from.getWidth() < to.getWidth())
    return b.createOrFold<arith::ExtFOp>(to, value);
  if (from.getWidth() > to.getWidth())
    return b.createOrFold<arith::TruncFOp>(to, value);
  // f16 and bf16 convert through f32, which holds both exactly.
  Value wide = b.createOrFold<arith::ExtFOp>(b.getF32Type(), value);
  return b.createOrFold<arith::TruncFOp>(to, wide);
}

Value TensorBuilder::castScalar(Value value, Type to, bool fromUnsigned,
                                bool toUnsigned) {
  Type from = given(value).getType();
  if (from == given(to))
    return value;
  if (from.isIndex() || to.isIndex())
    return createOrFold<arith::IndexCastOp>(to, value);
  auto toInt = dyn_cast<IntegerType>(to);
  if (isa<FloatType>(from))
    return toInt ? castFloatToInt(*this, value, toInt, toUnsigned)
                 : castFloatToFloat(*this, value, cast<FloatType>(to));
  if (toInt)
    return castIntToInt(*this, value, toInt, fromUnsigned);
  if (fromUnsigned || from.isInteger(1))
    return createOrFold<arith::UIToFPOp>(to, value);
  return createOrFold<arith::SIToFPOp>(to, value);
}

FailureOr<Value> TensorBuilder::castTo(Value tensor, Type to, bool fromUnsigned,
                                       bool toUnsigned) {
  if (elementType(tensor) == to)
    return tensor;
  return elementwise({tensor}, to, [&](TensorBuilder &b, ValueRange args) {
    return b.castScalar(args[0], to, fromUnsigned, toUnsigned);
  });
}
