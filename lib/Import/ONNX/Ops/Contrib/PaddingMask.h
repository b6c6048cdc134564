//===- PaddingMask.h - Padding masks of attention --------------------*- C++ -*-===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_LIB_IMPORT_ONNX_OPS_CONTRIB_PADDINGMASK_H
#define FOVEA_LIB_IMPORT_ONNX_OPS_CONTRIB_PADDINGMASK_H

#include "../AttentionBuilder.h"

namespace fovea::frontend {

/// Applies integer tensor `i` of the node in any of its documented shapes, for
/// B batches, S rows, T keys:
///   [B] lengths; [2 B] ends, then starts; [3 B + 2] lengths, then cumulated
///   ones; [B, T], [B, S, T] and [B, 1, M, M] with 0 where a key is hidden;
///   [B, 1] and [1, 1], which hide nothing.
/// By definition `mask_filter_value` is added to the scores of hidden keys: a
/// row of hidden keys only gives the softmax of its scores. Lengths keep to
/// that (no key is as good as every key), but become bounds of the keys.
mlir::LogicalResult addPaddingMask(NodeImporter &node,
                                   AttentionBuilder &attention, size_t i,
                                   mlir::OpFoldResult pastLength,
                                   bool isCausal);

} // namespace fovea::frontend

#endif // FOVEA_LIB_IMPORT_ONNX_OPS_CONTRIB_PADDINGMASK_H
