//===- FoldConstants.h - Tensor code evaluated at import ------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_LIB_IMPORT_ONNX_FOLDCONSTANTS_H
#define FOVEA_LIB_IMPORT_ONNX_FOLDCONSTANTS_H

#include "TensorBuilder.h"

namespace fovea::frontend {

/// Evaluates `op` where all it reads is constant and the work is moderate:
/// masks, position tables and index arithmetic of a model are then constants of
/// the module. Null where it cannot.
mlir::Value foldGeneric(TensorBuilder &b, mlir::linalg::GenericOp op);

/// The elements of a constant at base + sum of position * stride (in elements),
/// as a constant of shape `sizes`: transposes and slices. Null for what is no
/// constant or too large.
mlir::Value foldStrided(TensorBuilder &b, mlir::Value input,
                        llvm::ArrayRef<int64_t> sizes, int64_t base,
                        llvm::ArrayRef<int64_t> strides);

} // namespace fovea::frontend

#endif // FOVEA_LIB_IMPORT_ONNX_FOLDCONSTANTS_H
