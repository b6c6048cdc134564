//===- IndexMask.h - Masks computed from positions --------------*- C++ -*-===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_PASSES_MASK_INDEXMASK_H
#define FOVEA_PASSES_MASK_INDEXMASK_H

#include "ScoreValue.h"

namespace fovea {

/// Replaces captures that are computed from nothing but positions by that
/// computation in the score region. Whether there was one.
bool inlineIndexCaptures(attn::AttentionOp op);

/// The mask of a score region that hides keys by comparing positions of rows
/// and keys, whatever the sizes are; null, and `why` if there are comparisons,
/// where there is none. Comparisons that the mask decides become constants.
attn::MaskInterface takeIndexMask(attn::AttentionOp op, std::string &why);

} // namespace fovea

#endif // FOVEA_PASSES_MASK_INDEXMASK_H
