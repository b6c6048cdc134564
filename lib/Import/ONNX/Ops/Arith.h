//===- Arith.h - Scalar arithmetic by element type ------------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_LIB_IMPORT_ONNX_OPS_ARITH_H
#define FOVEA_LIB_IMPORT_ONNX_OPS_ARITH_H

#include "../TensorBuilder.h"

// Scalar operations for use in element functions: float or integer by the type
// of the operands, folding where these are constant.
namespace fovea::frontend::element {

inline bool isFloat(mlir::Value value) {
  return mlir::isa<mlir::FloatType>(value.getType());
}

mlir::Value add(TensorBuilder &b, mlir::Value x, mlir::Value y);
mlir::Value sub(TensorBuilder &b, mlir::Value x, mlir::Value y);
mlir::Value mul(TensorBuilder &b, mlir::Value x, mlir::Value y);
/// Integer division truncates; dividing by zero, and the one overflow, give
/// some number and never a trap.
mlir::Value div(TensorBuilder &b, mlir::Value x, mlir::Value y,
                bool isUnsigned = false);
/// Remainder with the sign of the dividend (C) or of the divisor (Python).
mlir::Value rem(TensorBuilder &b, mlir::Value x, mlir::Value y, bool isUnsigned,
                bool signOfDividend);
/// NaN if either is NaN.
mlir::Value max(TensorBuilder &b, mlir::Value x, mlir::Value y,
                bool isUnsigned = false);
mlir::Value min(TensorBuilder &b, mlir::Value x, mlir::Value y,
                bool isUnsigned = false);
mlir::Value neg(TensorBuilder &b, mlir::Value x);
mlir::Value abs(TensorBuilder &b, mlir::Value x, bool isUnsigned = false);

enum class Relation { Equal, Less, LessOrEqual, Greater, GreaterOrEqual };
/// Ordered comparison: false where either is NaN.
mlir::Value compare(TensorBuilder &b, Relation relation, mlir::Value x,
                    mlir::Value y, bool isUnsigned = false);
mlir::Value select(TensorBuilder &b, mlir::Value condition, mlir::Value x,
                   mlir::Value y);

/// Smallest and largest value of a type, infinities for floats.
mlir::Value lowest(TensorBuilder &b, mlir::Type type, bool isUnsigned = false);
mlir::Value highest(TensorBuilder &b, mlir::Type type, bool isUnsigned = false);

/// The type in which transcendental functions of `type` are computed: f32 for
/// anything narrower.
mlir::Type mathType(mlir::Type type);
/// Calls `body` with x in the math type and casts the result back.
mlir::Value inMathType(TensorBuilder &b, mlir::Value x,
                       llvm::function_ref<mlir::Value(mlir::Value)> body);

mlir::Value sigmoid(TensorBuilder &b, mlir::Value x);
/// x * (the distribution function of the normal distribution), by erf or by the
/// usual approximation with tanh.
mlir::Value gelu(TensorBuilder &b, mlir::Value x, bool isTanh);

} // namespace fovea::frontend::element

#endif // FOVEA_LIB_IMPORT_ONNX_OPS_ARITH_H
