//===- TileBox.h - Compute one box of a kernel's results --------*- C++ -*-===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Tiles a block of structured operations as one unit: loops around tiles of the
// block's results, and inside them the same operations on what each tile needs.
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_PASSES_TILE_TILEBOX_H
#define FOVEA_PASSES_TILE_TILEBOX_H

#include "fovea/Analysis/LoopLabels.h"

#include "mlir/IR/PatternMatch.h"

#include "llvm/ADT/SmallVector.h"

namespace fovea {

/// A range of one loop of the root, run through in tiles of `step`; its length
/// is a multiple of `step`.
struct TileRange {
  unsigned loop;
  mlir::OpFoldResult begin, end;
  int64_t step;
};

/// Where a result of a block ends up: below the operations of `block` that
/// compute it in place.
mlir::Value findDestination(mlir::Value result, mlir::Block *block);

/// Emits loops over `ranges` that compute those tiles of `results`, which are
/// defined in `block` by structured operations, into `destinations`; parallel
/// (scf.forall) or sequential (nested scf.for) loops. Dimensions of the results
/// with a label not in `ranges` are computed whole. Returns the updated
/// destinations. The rewriter must be at the end of the block, before its
/// terminator; the original operations are left for the caller to erase.
mlir::FailureOr<llvm::SmallVector<mlir::Value>>
tileBox(mlir::RewriterBase &rewriter, mlir::Block *block,
        const LoopLabels &labels, mlir::ValueRange results,
        mlir::ValueRange destinations, llvm::ArrayRef<TileRange> ranges,
        bool parallel);

/// Pads in parallel loops what stencils of `block` read from a padded tensor as
/// a whole: what all lanes share, each tile would pad again.
void padInParallel(mlir::RewriterBase &rewriter, mlir::Block *block);

} // namespace fovea

#endif // FOVEA_PASSES_TILE_TILEBOX_H
