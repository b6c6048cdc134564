//===- StoredTypes.h - Element types that are only stored -------*- C++ -*-===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// ONNX moves and converts floats of 8 bits and less and integers of 4 and 2
// bits, but does not compute with them. In the IR their elements are i8: the
// bits of the element are the low ones, and zeros follow. Which type it is, is
// known to the importer (Binding::dtype) and in the signature; conversions are
// arithmetic on i32 and f32, which vectorises and needs no instructions for
// them.
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_LIB_IMPORT_ONNX_STOREDTYPES_H
#define FOVEA_LIB_IMPORT_ONNX_STOREDTYPES_H

#include "TensorBuilder.h"

namespace fovea::frontend {

class NodeImporter;

/// True for float8, float6, float4, (u)int4 and (u)int2.
bool isStoredType(int32_t dtype);
/// Of these, the floats.
bool isStoredFloat(int32_t dtype);
/// The least and the largest integer of a type, stored ones too.
std::pair<int64_t, int64_t> integerRange(int32_t dtype);

/// How a number that the target does not have is converted; the attributes of
/// Cast.
struct CastRules {
  /// Out of range gives the largest number, otherwise an infinity or NaN.
  bool saturate = true;
  /// To float8e8m0, which has powers of two only; the others round to nearest
  /// even.
  enum { Up, Down, Nearest } rounding = Up;
};

/// The attributes of the node, after checking them.
mlir::FailureOr<CastRules> castRules(NodeImporter &node);

/// The number that an element of a stored type stands for: f32, or an i8 with
/// the signedness of the type.
mlir::Value decodeElement(TensorBuilder &b, mlir::Value code, int32_t dtype);

/// ONNX Cast of one element between any two types of tensors.
mlir::Value castElement(TensorBuilder &b, mlir::Value value, int32_t from,
                        int32_t to, CastRules rules = {});

/// The same of a tensor.
mlir::FailureOr<mlir::Value> castTensor(TensorBuilder &b, mlir::Value tensor,
                                        int32_t from, int32_t to,
                                        CastRules rules = {});

/// Whether the operator takes stored types: it moves or converts elements, and
/// computes nothing.
bool takesStoredTypes(llvm::StringRef op, llvm::StringRef domain);

} // namespace fovea::frontend

#endif // FOVEA_LIB_IMPORT_ONNX_STOREDTYPES_H
