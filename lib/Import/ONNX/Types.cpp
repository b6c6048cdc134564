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
  case TensorProto::FLOAT8E4M3FN:
    return Float8E4M3FNType::get(context);
  case TensorProto::FLOAT8E4M3FNUZ:
    return Float8E4M3FNUZType::get(context);
  case TensorProto::FLOAT8E5M2:
    return Float8E5M2Type::get(context);
  case TensorProto::FLOAT8E5M2FNUZ:
    return Float8E5M2FNUZType::get(context);
  case TensorProto::BOOL:
    return b.getI1Type();
  case TensorProto::INT8:
  case TensorProto::UINT8:
    return b.getIntegerType(8);
  case TensorProto::INT16:
  case TensorProto::UINT16:
    return b.getIntegerType(16);
  case TensorProto::INT32:
  case TensorProto::UINT32:
    return b.getI32Type();
  case TensorProto::INT64:
  case TensorProto::UINT64:
    return b.getI64Type();
  default:
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
      .Case<Float8E4M3FNType>([](auto) { return TensorProto::FLOAT8E4M3FN; })
      .Case<Float8E4M3FNUZType>(
          [](auto) { return TensorProto::FLOAT8E4M3FNUZ; })
      .Case<Float8E5M2Type>([](auto) { return TensorProto::FLOAT8E5M2; })
      .Case<Float8E5M2FNUZType>(
          [](auto) { return TensorProto::FLOAT8E5M2FNUZ; })
      .Default([](auto) { return 0; });
}

llvm::StringRef fovea::frontend::dtypeName(int32_t dtype) {
  switch (dtype) {
  case TensorProto::FLOAT:
    return "float32";
  case TensorProto::DOUBLE:
    return "float64";
  case TensorProto::FLOAT16:
    return "float16";
  case TensorProto::BFLOAT16:
    return "bfloat16";
  case TensorProto::FLOAT8E4M3FN:
    return "float8e4m3fn";
  case TensorProto::FLOAT8E4M3FNUZ:
    return "float8e4m3fnuz";
  case TensorProto::FLOAT8E5M2:
    return "float8e5m2";
  case TensorProto::FLOAT8E5M2FNUZ:
    return "float8e5m2fnuz";
  case TensorProto::BOOL:
    return "bool";
  case TensorProto::INT8:
    return "int8";
  case TensorProto::INT16:
    return "int16";
  case TensorProto::INT32:
    return "int32";
  case TensorProto::INT64:
    return "int64";
  case TensorProto::UINT8:
    return "uint8";
  case TensorProto::UINT16:
    return "uint16";
  case TensorProto::UINT32:
    return "uint32";
  case TensorProto::UINT64:
    return "uint64";
  case TensorProto::STRING:
    return "string";
  case TensorProto::COMPLEX64:
    return "complex64";
  case TensorProto::COMPLEX128:
    return "complex128";
  default:
    return "unknown";
  }
}

bool fovea::frontend::isUnsignedDtype(int32_t dtype) {
  return dtype == TensorProto::UINT8 || dtype == TensorProto::UINT16 ||
         dtype == TensorProto::UINT32 || dtype == TensorProto::UINT64 ||
         dtype == TensorProto::BOOL;
}

int64_t fovea::frontend::dtypeBytes(int32_t dtype) {
  switch (dtype) {
  case TensorProto::BOOL:
  case TensorProto::INT8:
  case TensorProto::UINT8:
  case TensorProto::FLOAT8E4M3FN:
  case TensorProto::FLOAT8E4M3FNUZ:
  case TensorProto::FLOAT8E5M2:
  case TensorProto::FLOAT8E5M2FNUZ:
    return 1;
  case TensorProto::INT16:
  case TensorProto::UINT16:
  case TensorProto::FLOAT16:
  case TensorProto::BFLOAT16:
    return 2;
  case TensorProto::FLOAT:
  case TensorProto::INT32:
  case TensorProto::UINT32:
    return 4;
  case TensorProto::DOUBLE:
  case TensorProto::INT64:
  case TensorProto::UINT64:
    return 8;
  default:
    return 0;
  }
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
