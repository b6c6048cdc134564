//===- Generators.cpp - ONNX ops that make tensors ------------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Arith.h"
#include "Families.h"

#include "../Types.h"

#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace fovea::frontend;
using namespace fovea::frontend::element;

/// More elements than this are made at run time.
static constexpr int64_t maxFoldedRange = 1 << 20;
/// A model asking for more than this is broken.
static constexpr int64_t maxConstantElements = int64_t(1) << 32;

//===----------------------------------------------------------------------===//
// Constants
//===----------------------------------------------------------------------===//

static LogicalResult importConstant(NodeImporter &n) {
  TensorBuilder &b = n.b();
  if (const onnx::TensorProto *tensor = n.attrTensor("value")) {
    auto constant = n.importer().constant(*tensor, n.name());
    return failed(constant) ? failure() : n.bindOutput(0, *constant);
  }
  Type i64 = b.getI64Type(), f32 = b.getF32Type();
  if (n.hasAttr("value_int"))
    return n.bindOutput(
        0, b.fromScalars({b.scalar(i64, n.attrInt("value_int", 0))},
                         RankedTensorType::get({}, i64)));
  if (n.hasAttr("value_float"))
    return n.bindOutput(
        0, b.fromScalars({b.scalar(f32, n.attrFloat("value_float", 0))},
                         RankedTensorType::get({}, f32)));
  if (auto ints = n.attrInts("value_ints"); ints && n.hasAttr("value_ints"))
    return n.bindOutput(0, b.intTensor(*ints));
  if (auto floats = n.attrFloats("value_floats")) {
    SmallVector<float> values(floats->begin(), floats->end());
    auto type = RankedTensorType::get({int64_t(values.size())}, f32);
    return n.bindOutput(0, b.sharedConstant(DenseElementsAttr::get(
                               type, ArrayRef<float>(values))));
  }
  return n.fail("string and sparse constants are not supported");
}

static constexpr int64_t maxSplatElements = 1 << 24;

/// The constant of `value` in every element, or a fill where sizes are dynamic.
static FailureOr<Value> splat(NodeImporter &n, TypedAttr value,
                              const Dims &dims) {
  TensorBuilder &b = n.b();
  for (OpFoldResult dim : dims)
    if (auto size = getConstantIntValue(dim); size && *size < 0)
      return n.fail("size " + Twine(*size) + " is negative");
  auto type = b.typeFor(dims, value.getType());
  // A large constant would become a part of the file, element by element.
  if (!type.hasStaticShape() || type.getNumElements() > maxSplatElements)
    return b.fill(b.sharedConstant(value), dims);
  return b.sharedConstant(DenseElementsAttr::get(type, Attribute(value)));
}

static LogicalResult importConstantOfShape(NodeImporter &n) {
  TensorBuilder &b = n.b();
  auto dims = b.dimsFrom(n.input(0));
  if (!dims)
    return n.fail("the rank of the result is only known at run time");
  TypedAttr value = b.getF32FloatAttr(0);
  int32_t dtype = onnx::TensorProto::FLOAT;
  if (const onnx::TensorProto *tensor = n.attrTensor("value")) {
    auto constant = n.importer().constant(*tensor, n.name());
    if (failed(constant))
      return failure();
    DenseElementsAttr dense;
    if (!matchPattern(constant->value, m_Constant(&dense)) ||
        dense.getNumElements() != 1)
      return n.fail("'value' needs exactly one element");
    value = cast<TypedAttr>(dense.getSplatValue<Attribute>());
    dtype = constant->dtype;
  }
  return n.bindOutput(0, splat(n, value, *dims), dtype);
}

//===----------------------------------------------------------------------===//
// Range
//===----------------------------------------------------------------------===//

/// Number of elements of an integer range, at least 0.
static OpFoldResult rangeLength(TensorBuilder &b, Value start, Value limit,
                                Value delta) {
  OpFoldResult from = b.toDim(start), to = b.toDim(limit),
               step = b.toDim(delta);
  OpFoldResult span = b.sub(to, from);
  if (getConstantIntValue(step) == 1)
    return b.max(span, b.attr(0));
  Value divisor = b.toValue(step);
  Value length = b.createOrFold<arith::CeilDivSIOp>(b.toValue(span), divisor);
  return b.max(getAsOpFoldResult(length), b.attr(0));
}

static OpFoldResult floatRangeLength(TensorBuilder &b, Value start, Value limit,
                                     Value delta) {
  Value steps = element::div(b, element::sub(b, limit, start), delta);
  Value up = b.createOrFold<math::CeilOp>(steps);
  Value count = b.castScalar(up, b.getI64Type());
  return b.max(b.toDim(count), b.attr(0));
}

static LogicalResult importRange(NodeImporter &n) {
  TensorBuilder &b = n.b();
  Type type = b.elementType(n.input(0));
  Value start = b.extractScalar(n.input(0));
  Value limit = b.extractScalar(n.input(1));
  Value delta = b.extractScalar(n.input(2));
  if (matchPattern(delta, m_Zero()) || matchPattern(delta, m_AnyZeroFloat()))
    return n.fail("the step is 0");
  OpFoldResult length = isFloat(start)
                            ? floatRangeLength(b, start, limit, delta)
                            : rangeLength(b, start, limit, delta);
  auto count = getConstantIntValue(length);
  if (count && *count > maxConstantElements)
    return n.fail("the range would have an absurd number of elements");
  APInt first, step;
  if (count && *count <= maxFoldedRange &&
      matchPattern(start, m_ConstantInt(&first)) &&
      matchPattern(delta, m_ConstantInt(&step)) &&
      b.spend(*count * type.getIntOrFloatBitWidth())) {
    unsigned bytes = type.getIntOrFloatBitWidth() / 8;
    std::vector<char> data(*count * bytes);
    for (int64_t i = 0; i < *count; ++i) {
      uint64_t value = first.getZExtValue() + uint64_t(i) * step.getZExtValue();
      std::memcpy(data.data() + i * bytes, &value, bytes);
    }
    return n.bindOutput(
        0, b.constant(RankedTensorType::get({*count}, type), data), n.dtype(0));
  }
  Value result =
      b.generate({length}, type, [&](TensorBuilder &b, ValueRange at) {
        Value i = b.createOrFold<arith::IndexCastOp>(b.getI64Type(), at[0]);
        Value offset = mul(b, b.castScalar(i, type), delta);
        return add(b, start, offset);
      });
  return n.bindOutput(0, result, n.dtype(0));
}

//===----------------------------------------------------------------------===//
// By position
//===----------------------------------------------------------------------===//

static LogicalResult importEyeLike(NodeImporter &n) {
  TensorBuilder &b = n.b();
  int64_t k = n.attrInt("k", 0);
  int32_t dtype = int32_t(n.attrInt("dtype", n.dtype(0)));
  Type type = elementTypeFor(dtype, b.getContext());
  if (!type || n.rank(0) != 2)
    return n.fail("needs a matrix and a supported element type");
  Value result = b.generate(
      b.shape(n.input(0)), type, [&](TensorBuilder &b, ValueRange at) {
        Value shifted = b.createOrFold<arith::AddIOp>(at[0], b.index(k));
        Value isOn = compare(b, Relation::Equal, at[1], shifted);
        return element::select(b, isOn, b.scalar(type, 1), b.scalar(type, 0));
      });
  return n.bindOutput(0, result, dtype);
}

static LogicalResult importTrilu(NodeImporter &n) {
  TensorBuilder &b = n.b();
  bool upper = n.attrInt("upper", 1);
  int64_t rank = n.rank(0);
  if (rank < 2)
    return n.fail("needs at least two dimensions");
  Value k = b.index(0);
  if (n.input(1))
    k = b.toValue(b.toDim(b.extractScalar(n.input(1))));
  Type type = b.elementType(n.input(0));
  auto result = b.elementwise(
      {n.input(0)}, type,
      [&](TensorBuilder &b, ValueRange args) {
        Value row = linalg::IndexOp::create(b, rank - 2);
        Value column = linalg::IndexOp::create(b, rank - 1);
        APInt constant;
        Value diagonal = matchPattern(k, m_ConstantInt(&constant))
                             ? b.index(constant.getSExtValue())
                             : k;
        Value edge = b.createOrFold<arith::AddIOp>(row, diagonal);
        Relation relation =
            upper ? Relation::GreaterOrEqual : Relation::LessOrEqual;
        Value keeps = compare(b, relation, column, edge);
        return element::select(b, keeps, args[0], b.scalar(type, 0));
      },
      /*usesIndices=*/true);
  return n.bindOutput(0, result, n.dtype(0));
}

static LogicalResult importOneHot(NodeImporter &n) {
  TensorBuilder &b = n.b();
  int64_t rank = n.rank(0) + 1;
  auto axis = n.attrAxis("axis", -1, rank);
  if (failed(axis))
    return failure();
  Value depth = b.castScalar(b.extractScalar(n.input(1)), b.getI64Type());
  OpFoldResult size = b.toDim(depth);
  // The indices have the axis as a dimension of size 1.
  Value indices = b.unsqueeze(n.input(0), {*axis});
  Dims dims = b.shape(indices);
  dims[*axis] = size;
  auto off = b.sliceAxis(n.input(2), 0, b.attr(0), b.attr(1));
  auto on = b.sliceAxis(n.input(2), 0, b.attr(1), b.attr(1));
  Value offScalar = b.reshape(off, {}), onScalar = b.reshape(on, {});
  auto wide = b.broadcastTo(indices, dims);
  if (failed(wide))
    return failure();
  auto result = b.elementwise(
      {*wide, offScalar, onScalar}, b.elementType(n.input(2)),
      [&](TensorBuilder &b, ValueRange args) {
        Value i64 = b.castScalar(args[0], b.getI64Type());
        Value index = b.castScalar(i64, b.getIndexType());
        Value at = linalg::IndexOp::create(b, *axis);
        Value wrapped = b.createOrFold<arith::AddIOp>(index, b.toValue(size));
        Value isNegative = compare(b, Relation::Less, index, b.index(0));
        Value position = element::select(b, isNegative, wrapped, index);
        Value isOn = compare(b, Relation::Equal, position, at);
        return element::select(b, isOn, args[2], args[1]);
      },
      /*usesIndices=*/true);
  return n.bindOutput(0, result, n.dtype(2));
}

void fovea::frontend::registerGeneratorOps(OpRegistry &registry) {
  registry.add("Constant", importConstant);
  registry.add("ConstantOfShape", importConstantOfShape);
  registry.add("Range", importRange);
  registry.add("EyeLike", importEyeLike);
  registry.add("Trilu", importTrilu);
  registry.add("OneHot", importOneHot);
}
