//===- AttentionMatch.h - Decomposed attention in dataflow ------*- C++ -*-===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_PASSES_RECOGNIZE_ATTENTIONMATCH_H
#define FOVEA_PASSES_RECOGNIZE_ATTENTIONMATCH_H

#include "fovea/passes/Recognize/ScalarTree.h"
#include "fovea/passes/Recognize/ViewTrace.h"

#include "mlir/IR/PatternMatch.h"

namespace fovea {

/// A factor on the scores that is known only at run time: a tensor of one
/// element.
struct ScaleFactor {
  View factor;
  bool divides = false;
};

/// One decomposed attention: two contractions and a softmax.
struct AttentionMatch {
  IterationSpace space;
  mlir::linalg::LinalgOp scores;
  mlir::linalg::SoftmaxOp softmax;
  mlir::linalg::LinalgOp output;

  /// The contraction with the values.
  mlir::Operation *outputOp() const {
    return const_cast<mlir::linalg::LinalgOp &>(output).getOperation();
  }

  View query, key, value;
  /// From the scores to what the softmax reads.
  ScalarTree scoreTree;
  /// From the probabilities to what the output contraction reads.
  ScalarTree probTree;
  /// The axes of the output contraction's result.
  View result;

  unsigned m = ~0u, n = ~0u, k1 = ~0u, k2 = ~0u;
  double scale = 1.0;
  llvm::SmallVector<ScaleFactor> factors;
  /// The probabilities have other users and become a result of their own.
  bool keepsProbabilities = false;

  /// Why this is no attention; empty after success.
  std::string why;
};

/// Whether `op` is a sum of products on a zero destination, with projected
/// permutations as maps.
bool isZeroInitContraction(mlir::linalg::LinalgOp op);

/// Whether a factor known at compile time, or one element, scales all of
/// `value`: then `value` becomes the tensor that is scaled and the factor goes
/// to `scale` or `factors`.
bool absorbScale(View &view, double &scale,
                 llvm::SmallVectorImpl<ScaleFactor> &factors);

/// Match the attention whose probabilities reach `operand` of the contraction
/// that owns it from `softmax`.
AttentionMatch matchAttention(mlir::linalg::SoftmaxOp softmax,
                              mlir::OpOperand &operand);

/// The contractions from which elementwise operations and views lead to
/// `value`, nearest first.
llvm::SmallVector<mlir::linalg::LinalgOp> contractionsBehind(mlir::Value value);

/// Report products of activations with products of activations in `root`,
/// which are attention without a softmax, as missed linear attention.
void reportLinearAttention(mlir::Operation *root);

/// Whether the probabilities may become a result of the operation: nothing
/// happens between softmax and the product with the values, and no operand
/// depends on the probabilities.
bool canKeepProbabilities(const AttentionMatch &match);

/// Build attn.attention in place of the matched output contraction, with the
/// transposes that follow it. Returns the new operation.
mlir::Operation *buildAttention(mlir::RewriterBase &rewriter,
                                AttentionMatch &match);

} // namespace fovea

#endif // FOVEA_PASSES_RECOGNIZE_ATTENTIONMATCH_H
