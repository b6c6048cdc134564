//===- Sort.h - Sorted order of tensor rows ---------------*- C++ -*-===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_LIB_IMPORT_ONNX_SORT_H
#define FOVEA_LIB_IMPORT_ONNX_SORT_H

#include "ScalarCode.h"

namespace fovea::frontend {

/// Strict order of two elements: true where x comes before y.
using Before =
    llvm::function_ref<mlir::Value(ScalarCode &, mlir::Value x, mlir::Value y)>;

/// x < y (or x > y), where NaN is larger than every number.
mlir::Value precedes(ScalarCode &s, mlir::Value x, mlir::Value y,
                     bool descending, bool isUnsigned);

/// For each row (last axis) of `x` the positions in sorted order, as i64. Equal
/// elements keep their order. Short rows are sorted by counting, which is
/// parallel and vectorises; others by a heap.
mlir::Value sortedPositions(TensorBuilder &b, mlir::Value x, Before before);

/// Positions 0..count-1 as tensor<count x i64> in the order that `before`
/// (called with two positions, as index values) asks for; ties keep their
/// order.
mlir::Value sortedPositions(TensorBuilder &b, mlir::OpFoldResult count,
                            Before before);

} // namespace fovea::frontend

#endif // FOVEA_LIB_IMPORT_ONNX_SORT_H
