//===- Types.h - ONNX element types ---------------------------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_LIB_IMPORT_ONNX_TYPES_H
#define FOVEA_LIB_IMPORT_ONNX_TYPES_H

#include "mlir/IR/BuiltinTypes.h"

#include <cstdint>

namespace onnx {
class TypeProto;
} // namespace onnx

namespace fovea::frontend {

/// The IR type of an onnx::TensorProto_DataType: signless integers, i1 for
/// bool, i8 for what is only stored (StoredTypes.h). Null where the IR has none
/// (strings, complex numbers).
mlir::Type elementTypeFor(int32_t dtype, mlir::MLIRContext *context);
/// The dtype of an IR type, read as signed; 0 where there is none.
int32_t dtypeFor(mlir::Type type);
/// "float32", "uint8", ...; the names NumPy uses.
llvm::StringRef dtypeName(int32_t dtype);
bool isUnsignedDtype(int32_t dtype);
/// Bits of one element in raw ONNX data; 0 for types without raw data.
int64_t dtypeBits(int32_t dtype);
/// The ONNX type of a tensor value.
onnx::TypeProto typeProtoFor(mlir::RankedTensorType type, int32_t dtype);
/// The tensor type of an ONNX type; null where it is no tensor, its rank is
/// unknown, or its element type is not in the IR.
mlir::RankedTensorType tensorTypeFor(const onnx::TypeProto &type,
                                     mlir::MLIRContext *context);

} // namespace fovea::frontend

#endif // FOVEA_LIB_IMPORT_ONNX_TYPES_H
