//===- KeyValueCache.h - Keys and values of past tokens --------------*- C++ -*-===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_LIB_IMPORT_ONNX_OPS_CONTRIB_KEYVALUECACHE_H
#define FOVEA_LIB_IMPORT_ONNX_OPS_CONTRIB_KEYVALUECACHE_H

#include "../../Importer.h"

namespace fovea::frontend {

/// The one number in tensor `i` of the node as an index; reports another count
/// of elements.
mlir::FailureOr<mlir::Value> scalarInput(NodeImporter &node, size_t i);

/// `buffer` [batch, heads, capacity, size] with `rows` [batch, heads, n, size]
/// written from row `at` on. What does not fit fails the run.
mlir::FailureOr<mlir::Value> writeRows(NodeImporter &node, mlir::Value buffer,
                                       mlir::Value rows, mlir::OpFoldResult at);
/// The same where each batch has its own first row, `at` [batch] of index.
mlir::FailureOr<mlir::Value> writeRowsByBatch(NodeImporter &node,
                                              mlir::Value buffer,
                                              mlir::Value rows, mlir::Value at);

/// What a cache in front of new keys and values gives.
struct CachedRows {
  mlir::Value present; ///< The result of the operator.
  mlir::Value visible; ///< The rows that attention reads.
};

/// `rows` behind the `past` (null for none), which either is exactly as long as
/// the past or, where `pastLength` is given, has room behind that many rows.
mlir::FailureOr<CachedRows> appendRows(NodeImporter &node, mlir::Value past,
                                       mlir::Value rows,
                                       mlir::OpFoldResult pastLength);

} // namespace fovea::frontend

#endif // FOVEA_LIB_IMPORT_ONNX_OPS_CONTRIB_KEYVALUECACHE_H
