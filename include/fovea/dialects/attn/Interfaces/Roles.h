//===- Roles.h - The roles of the dimensions of attention -------*- C++ -*-===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_DIALECTS_ATTN_INTERFACES_ROLES_H
#define FOVEA_DIALECTS_ATTN_INTERFACES_ROLES_H

#include "mlir/IR/AffineMap.h"
#include "mlir/IR/Diagnostics.h"
#include "llvm/ADT/SmallVector.h"

namespace fovea::attn {

/// The dimensions of the iteration space by role; see attn.attention.
struct DimRoles {
  llvm::SmallVector<unsigned> batch;
  unsigned m = 0, n = 0, k1 = 0, k2 = 0;

  bool isBatch(unsigned dim) const { return llvm::is_contained(batch, dim); }

  /// Finds the roles from the maps of the query, a key, a value and the
  /// output, or says through `emitError` which constraint does not hold.
  static llvm::FailureOr<DimRoles>
  find(mlir::AffineMap query, mlir::AffineMap key, mlir::AffineMap value,
       mlir::AffineMap output,
       llvm::function_ref<mlir::InFlightDiagnostic()> emitError);
};

} // namespace fovea::attn

#endif // FOVEA_DIALECTS_ATTN_INTERFACES_ROLES_H
