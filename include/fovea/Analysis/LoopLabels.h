//===- LoopLabels.h - Which loop each dimension runs along ------*- C++ -*-===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_ANALYSIS_LOOPLABELS_H
#define FOVEA_ANALYSIS_LOOPLABELS_H

#include "mlir/IR/Operation.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/SmallVector.h"

namespace fovea {

/// Which loop of a root operation each dimension of the other values of its
/// block runs along; -1 where none. It is found by following the indexing maps
/// from the root to its producers and consumers in the same block.
class LoopLabels {
public:
  explicit LoopLabels(mlir::Operation *root);

  /// The labels of the dimensions of `value`, or none for an unknown value.
  llvm::ArrayRef<int> ofValue(mlir::Value value) const;

  /// The labels of the loops of `op`, or none for an unknown operation.
  llvm::ArrayRef<int> ofOp(mlir::Operation *op) const;

private:
  llvm::DenseMap<mlir::Operation *, llvm::SmallVector<int>> loops;
  llvm::DenseMap<mlir::Value, llvm::SmallVector<int>> values;
};

} // namespace fovea

#endif // FOVEA_ANALYSIS_LOOPLABELS_H
