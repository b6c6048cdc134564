//===- Types.cpp - ONNX element types -------------------------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Types.h"

#include "onnx/onnx_pb.h"

#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace fovea::frontend;

using onnx::TensorProto;

namespace {
struct DtypeInfo {
  int32_t dtype;
  const char *name;
  int bits; ///< in raw ONNX data; 0 where that has none
  bool isUnsigned = false;
};
} // namespace

static constexpr DtypeInfo dtypes[] = {
    {TensorProto::FLOAT, "float32", 32},
    {TensorProto::DOUBLE, "float64", 64},
    {TensorProto::FLOAT16, "float16", 16},
    {TensorProto::BFLOAT16, "bfloat16", 16},
    {TensorProto::FLOAT8E4M3FN, "float8e4m3fn", 8},
    {TensorProto::FLOAT8E4M3FNUZ, "float8e4m3fnuz", 8},
    {TensorProto::FLOAT8E5M2, "float8e5m2", 8},
    {TensorProto::FLOAT8E5M2FNUZ, "float8e5m2fnuz", 8},
    {TensorProto::FLOAT8E8M0, "float8e8m0", 8},
    {TensorProto::FLOAT6E2M3, "float6e2m3", 6},
    {TensorProto::FLOAT6E3M2, "float6e3m2", 6},
    {TensorProto::FLOAT4E2M1, "float4e2m1", 4},
    {TensorProto::BOOL, "bool", 8, true},
    {TensorProto::INT2, "int2", 2},
    {TensorProto::INT4, "int4", 4},
    {TensorProto::INT8, "int8", 8},
    {TensorProto::INT16, "int16", 16},
    {TensorProto::INT32, "int32", 32},
    {TensorProto::INT64, "int64", 64},
    {TensorProto::UINT2, "uint2", 2, true},
    {TensorProto::UINT4, "uint4", 4, true},
    {TensorProto::UINT8, "uint8", 8, true},
    {TensorProto::UINT16, "uint16", 16, true},
    {TensorProto::UINT32, "uint32", 32, true},
    {TensorProto::UINT64, "uint64", 64, true},
    {TensorProto::STRING, "string", 0},
    {TensorProto::COMPLEX64, "complex64", 0},
    {TensorProto::COMPLEX128, "complex128", 0},
};

static const DtypeInfo &infoFor(int32_t dtype) {
  static constexpr DtypeInfo unknown = {0, "unknown", 0};
  const auto *found = llvm::find_if(
      dtypes, [&](const DtypeInfo &info) { return info.dtype == dtype; });
  return found == std::end(dtypes) ? unknown : *found;
}

Type fovea::frontend::elementTypeFor(int32_t dtype, MLIRContext *context) {
  Builder b(context);
  switch (dtype) {
  case TensorProto::FLOAT:
    return b.getF32Type();
  case TensorProto::DOUBLE:
    return b.getF64Type();
  case TensorProto::FLOAT16:
    return b.getF16Type();
  case TensorProto::BFLOAT16:
    return b.getBF16Type();
  case TensorProto::BOOL:
    return b.getI1Type();
  default:
    // Stored types (StoredTypes.h) take a byte each.
    if (int64_t bits = dtypeBits(dtype))
      return b.getIntegerType(std::max<int64_t>(bits, 8));
    return {};
  }
}

int32_t fovea::frontend::dtypeFor(Type type) {
  if (auto integer = dyn_cast<IntegerType>(type)) {
    switch (integer.getWidth()) {
    case 1:
      return TensorProto::BOOL;
    case 8:
      return TensorProto::INT8;
    case 16:
      return TensorProto::INT16;
    case 32:
      return TensorProto::INT32;
    case 64:
      return TensorProto::INT64;
    default:
      return 0;
    }
  }
  return llvm::TypeSwitch<Type, int32_t>(type)
      .Case<Float32Type>([](auto) { return TensorProto::FLOAT; })
      .Case<Float64Type>([](auto) { return TensorProto::DOUBLE; })
      .Case<Float16Type>([](auto) { return TensorProto::FLOAT16; })
      .Case<BFloat16Type>([](auto) { return TensorProto::BFLOAT16; })
      .Default([](auto) { return 0; });
}

llvm::StringRef fovea::frontend::dtypeName(int32_t dtype) {
  return infoFor(dtype).name;
}

bool fovea::frontend::isUnsignedDtype(int32_t dtype) {
  return infoFor(dtype).isUnsigned;
}

int64_t fovea::frontend::dtypeBits(int32_t dtype) {
  return infoFor(dtype).bits;
}

onnx::TypeProto fovea::frontend::typeProtoFor(RankedTensorType type,
                                              int32_t dtype) {
  onnx::TypeProto result;
  auto *tensor = result.mutable_tensor_type();
  tensor->set_elem_type(dtype ? dtype : dtypeFor(type.getElementType()));
  auto *shape = tensor->mutable_shape();
  for (int64_t size : type.getShape()) {
    auto *dim = shape->add_dim();
    if (!ShapedType::isDynamic(size))
      dim->set_dim_value(size);
  }
  return result;
}

RankedTensorType fovea::frontend::tensorTypeFor(const onnx::TypeProto &type,
                                                MLIRContext *context) {
  if (!type.has_tensor_type() || !type.tensor_type().has_shape())
    return {};
  Type element = elementTypeFor(type.tensor_type().elem_type(), context);
  if (!element)
    return {};
  SmallVector<int64_t> sizes;
  for (const auto &dim : type.tensor_type().shape().dim())
    sizes.push_back(dim.has_dim_value() && dim.dim_value() >= 0
                        ? dim.dim_value()
                        : ShapedType::kDynamic);
  return RankedTensorType::get(sizes, element);
}
