//===- Projection.h - Queries, keys and values of projections --------*- C++ -*-===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_LIB_IMPORT_ONNX_OPS_CONTRIB_PROJECTION_H
#define FOVEA_LIB_IMPORT_ONNX_OPS_CONTRIB_PROJECTION_H

#include "../AttentionBuilder.h"

namespace fovea::frontend {

/// `tensor` (null for none) plus the part of a bias vector that begins at
/// `first` and is as wide as the tensor's heads together. `first` moves behind
/// it.
mlir::LogicalResult addBiasPart(NodeImporter &node, HeadTensor &tensor,
                                mlir::Value bias, mlir::OpFoldResult &first);

/// Element `i` of dimension 3 of [batch, rows, heads, parts, size].
HeadTensor partOf(TensorBuilder &b, mlir::Value packed, int64_t i);

/// x * weights + bias, split in queries, keys and values [.., width] by the
/// attribute qkv_hidden_sizes, or in three equal parts.
mlir::FailureOr<llvm::SmallVector<mlir::Value>>
projectInput(NodeImporter &node, mlir::Value x, mlir::Value weights,
             mlir::Value bias);

} // namespace fovea::frontend

#endif // FOVEA_LIB_IMPORT_ONNX_OPS_CONTRIB_PROJECTION_H
