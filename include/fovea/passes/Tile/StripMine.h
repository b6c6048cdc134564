//===- StripMine.h - Cut an operation into vector-sized pieces --*- C++ -*-===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_PASSES_TILE_STRIPMINE_H
#define FOVEA_PASSES_TILE_STRIPMINE_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/PatternMatch.h"

namespace fovea {

/// Replaces `op` by loops over pieces of `strip` steps of its innermost loop,
/// the one along the contiguous dimension of what it reads, and single steps of
/// its other loops. A reduction along the innermost loop keeps `strip` partial
/// results and combines them at the end. What does not fill a whole piece
/// becomes one shorter piece. Operations of run-time size along that loop get
/// single steps after the whole pieces.
llvm::LogicalResult stripMine(mlir::RewriterBase &rewriter,
                              mlir::linalg::LinalgOp op, int64_t strip);

} // namespace fovea

#endif // FOVEA_PASSES_TILE_STRIPMINE_H
