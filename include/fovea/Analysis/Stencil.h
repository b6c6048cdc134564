//===- Stencil.h - Operations that read through windows ---------*- C++ -*-===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A stencil is a structured operation in which some operand is read at sums of
// loops: convolutions, pooling and the gathering of windows.
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_ANALYSIS_STENCIL_H
#define FOVEA_ANALYSIS_STENCIL_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include <optional>
#include <string>

namespace fovea {

/// How a stencil can be computed in vectors. Its taps are all of its reduction
/// loops.
struct Stencil {
  /// The loop that vectors run along: that of the result's last dimension.
  unsigned lanes;
  /// The loop of the dimension before it, whose steps share what they read.
  std::optional<unsigned> rows;
  /// How far apart neighbouring lanes of each operand are: 0 where all lanes
  /// read the same element.
  llvm::SmallVector<int64_t> strides;
};

/// Whether `op` reads some operand at a sum of loops.
bool readsWindows(mlir::linalg::LinalgOp op);

/// Analyses a stencil; nothing if `op` is none or has no form in vectors, with
/// the reason in `why`.
std::optional<Stencil> analyzeStencil(mlir::linalg::LinalgOp op,
                                      std::string &why);

/// Whether a stencil has lanes along what it reads of `value` through windows.
/// If not, all lanes read the same elements of it.
bool readsAlongLanes(mlir::linalg::LinalgOp op, mlir::Value value);

/// The coefficient of `dim` in `expr`, a sum of multiples of dimensions;
/// nothing if `expr` is something else.
std::optional<int64_t> getCoefficient(mlir::AffineExpr expr, unsigned dim);

/// The insertion into a tensor of one value that `value` is, which is how
/// padding is written; null if it is anything else.
mlir::tensor::InsertSliceOp getPadding(mlir::Value value);

} // namespace fovea

#endif // FOVEA_ANALYSIS_STENCIL_H
