//===- Checks.h - Conditions on tensor sizes -----------------*- C++ -*-===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_LIB_IMPORT_ONNX_CHECKS_H
#define FOVEA_LIB_IMPORT_ONNX_CHECKS_H

#include "Importer.h"

namespace fovea::frontend {

// What ONNX demands of sizes. A violation known at compile time is an error;
// what only shows at run time is checked there, so that a bad model or input
// never reads or writes outside a tensor.

/// Input `i`, where given, has this rank.
mlir::LogicalResult requireRank(NodeImporter &node, size_t i, int64_t rank);
/// The sizes are equal.
mlir::LogicalResult requireEqual(NodeImporter &node, mlir::OpFoldResult a,
                                 mlir::OpFoldResult b, const llvm::Twine &what);
/// a <= b.
mlir::LogicalResult requireAtMost(NodeImporter &node, mlir::OpFoldResult a,
                                  mlir::OpFoldResult b,
                                  const llvm::Twine &what);
/// An axis that is indexed has elements, unless there is nothing to index.
mlir::LogicalResult requireElements(NodeImporter &node, mlir::OpFoldResult axis,
                                    llvm::ArrayRef<mlir::OpFoldResult> indexing,
                                    const llvm::Twine &what);

} // namespace fovea::frontend

#endif // FOVEA_LIB_IMPORT_ONNX_CHECKS_H
