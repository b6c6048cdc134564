//===- FoldRegion.h - What is left of a score region ------------*- C++ -*-===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_PASSES_MASK_FOLDREGION_H
#define FOVEA_PASSES_MASK_FOLDREGION_H

#include "fovea/dialects/attn/Attn.h"

namespace fovea {

/// Folds a score region once a mask is constant in it; a region that gives the
/// score back is dropped.
void foldRegion(mlir::Region &region);

/// Forgets the captures that neither a region nor the mask reads.
void dropCaptures(attn::AttentionOp op);

} // namespace fovea

#endif // FOVEA_PASSES_MASK_FOLDREGION_H
