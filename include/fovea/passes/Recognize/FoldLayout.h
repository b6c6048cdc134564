//===- FoldLayout.h - Transposes around attention ---------------*- C++ -*-===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_PASSES_RECOGNIZE_FOLDLAYOUT_H
#define FOVEA_PASSES_RECOGNIZE_FOLDLAYOUT_H

namespace mlir {
class RewriterBase;
} // namespace mlir

namespace fovea::attn {
class AttentionOp;
} // namespace fovea::attn

namespace fovea {

/// Make transposes of the operands of `op`, and of its output if that has no
/// other user, part of its indexing maps. `op` is changed in place.
void foldLayout(mlir::RewriterBase &rewriter, attn::AttentionOp op);

} // namespace fovea

#endif // FOVEA_PASSES_RECOGNIZE_FOLDLAYOUT_H
