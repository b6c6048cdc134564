//===- Packed.h - Sequences of run-time length ------------------*- C++ -*-===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

//
// A sequence whose length is only known at run time, or whose elements differ
// in size from run to run, is two tensors: `data`, the elements of all of its
// tensors, and `table`, which has a row for each tensor: where it begins in
// `data`, its rank, and its sizes. The rows name disjoint pieces, in any order;
// what lies between them means nothing. `data` is not known to be empty, so
// that every piece has a place in it, even one of nothing. The C interface
// passes sequences in this form (fovea_rt_row_offset in
// lib/Runtime/Internal.h).
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_LIB_IMPORT_ONNX_PACKED_H
#define FOVEA_LIB_IMPORT_ONNX_PACKED_H

#include "Importer.h"

namespace fovea::frontend {

inline constexpr int64_t maxElementRank = 16; // FOVEA_MAX_RANK

enum PackedRow : int64_t {
  rowOffset,
  rowRank,
  rowSizes,
  rowLength = rowSizes + maxElementRank
};

/// Reports a tensor that cannot be an element of a sequence.
mlir::LogicalResult checkElement(NodeImporter &node, mlir::Value tensor);

mlir::RankedTensorType packedDataType(mlir::Type elementType);
mlir::RankedTensorType packedTableType(mlir::MLIRContext *context);

/// The type that both have: a size that differs becomes dynamic, a rank that
/// differs unknown. Null stands for no element at all, and for none in common
/// (see `fits`).
mlir::TensorType joinElements(mlir::TensorType a, mlir::TensorType b);
/// Whether elements of both types can be in one sequence.
bool fits(mlir::TensorType a, mlir::TensorType b);

/// The type of each element of a sequence in any form.
mlir::TensorType sequenceElement(TensorBuilder &b, const Binding &sequence);
mlir::OpFoldResult sequenceLength(TensorBuilder &b, const Binding &sequence);

/// A sequence in the packed form. A list is packed where its last element is
/// defined, and only once.
Binding pack(TensorBuilder &b, const Binding &sequence);

/// Functions on packed sequences; a position is an index in range. -----------

/// The element at `position`, which is known to have the rank of `type`.
mlir::Value packedAt(TensorBuilder &b, const Binding &sequence,
                     mlir::Value position, mlir::RankedTensorType type);
/// Inserts a tensor before `position`, or at the end where that is null.
Binding packedInsert(TensorBuilder &b, const Binding &sequence,
                     mlir::Value element, mlir::Value position);
Binding packedErase(TensorBuilder &b, const Binding &sequence,
                    mlir::Value position);
/// A row of the table as tensor<1x18xi64>.
mlir::Value packedRow(TensorBuilder &b, mlir::OpFoldResult offset,
                      llvm::ArrayRef<mlir::OpFoldResult> sizes);

} // namespace fovea::frontend

#endif // FOVEA_LIB_IMPORT_ONNX_PACKED_H
