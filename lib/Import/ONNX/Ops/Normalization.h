//===- Normalization.h - Parts of normalisations ----------------*- C++ -*-===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_LIB_IMPORT_ONNX_OPS_NORMALIZATION_H
#define FOVEA_LIB_IMPORT_ONNX_OPS_NORMALIZATION_H

#include "../TensorBuilder.h"

namespace fovea::frontend {

/// Mean over `axes` (kept as size 1) in `type`.
mlir::Value meanOf(TensorBuilder &b, mlir::Value input,
                   llvm::ArrayRef<int64_t> axes, mlir::Type type);
/// 1 / sqrt(mean((x - center)^2) + epsilon) over `axes`; a null center is 0.
mlir::FailureOr<mlir::Value>
inverseDeviation(TensorBuilder &b, mlir::Value input, mlir::Value center,
                 llvm::ArrayRef<int64_t> axes, double epsilon, mlir::Type type);
/// (x - mean) * inverse * scale + bias in one pass; absent parts are null.
mlir::FailureOr<mlir::Value> applyNorm(TensorBuilder &b, mlir::Value input,
                                       mlir::Value mean, mlir::Value inverse,
                                       mlir::Value scale, mlir::Value bias,
                                       mlir::Type compute);

} // namespace fovea::frontend

#endif // FOVEA_LIB_IMPORT_ONNX_OPS_NORMALIZATION_H
