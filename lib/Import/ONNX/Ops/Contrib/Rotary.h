//===- Rotary.h - Rotary position embedding -------------------------*- C++ -*-===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_LIB_IMPORT_ONNX_OPS_CONTRIB_ROTARY_H
#define FOVEA_LIB_IMPORT_ONNX_OPS_CONTRIB_ROTARY_H

#include "../../Importer.h"

namespace fovea::frontend {

/// The position of a token, an index, as a function of its batch and row.
using PositionFn =
    llvm::function_ref<mlir::Value(TensorBuilder &, mlir::Value, mlir::Value)>;

/// Rows of a cache [positions, size] by token: [batch, rows, size]. A position
/// outside of the cache reads its first or last row.
mlir::Value rowsAt(TensorBuilder &b, mlir::Value cache,
                   mlir::OpFoldResult batch, mlir::OpFoldResult rows,
                   PositionFn position);

/// Turns pairs of elements among the first of the last dimension of x, which
/// has four dimensions: elements i and i + R, or 2 i and 2 i + 1 if
/// `interleaved`, by the angle whose cosine and sine are element i of R.
/// `cosines` and `sines` are [batch, rows, R].
mlir::FailureOr<mlir::Value> rotate(NodeImporter &node, mlir::Value x,
                                    bool headsFirst, mlir::Value cosines,
                                    mlir::Value sines, bool interleaved);

} // namespace fovea::frontend

#endif // FOVEA_LIB_IMPORT_ONNX_OPS_CONTRIB_ROTARY_H
