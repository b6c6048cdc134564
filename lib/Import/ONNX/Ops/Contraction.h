//===- Contraction.h - Products shared by op families ---------*- C++ -*-===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_LIB_IMPORT_ONNX_OPS_CONTRACTION_H
#define FOVEA_LIB_IMPORT_ONNX_OPS_CONTRACTION_H

#include "../Importer.h"

namespace fovea::frontend {

/// Numpy's matrix product: batch dimensions broadcast.
mlir::FailureOr<mlir::Value> buildMatMul(NodeImporter &node, mlir::Value lhs,
                                         mlir::Value rhs);
/// The result that the node's attributes and inputs describe as Gemm does.
mlir::FailureOr<mlir::Value> buildGemm(NodeImporter &node);
/// The convolution that the node's attributes describe, without bias. `x` has
/// the shape of the node's first input.
mlir::FailureOr<mlir::Value> buildConv(NodeImporter &node, mlir::Value x,
                                       mlir::Value weight);
/// x plus one value per channel (dim 1); x itself for a null bias.
mlir::FailureOr<mlir::Value> addChannelBias(NodeImporter &node, mlir::Value x,
                                            mlir::Value bias);

} // namespace fovea::frontend

#endif // FOVEA_LIB_IMPORT_ONNX_OPS_CONTRACTION_H
