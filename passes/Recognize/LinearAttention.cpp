//===- LinearAttention.cpp - Report attention without a softmax -----------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fovea/Analysis/Remarks.h"
#include "fovea/passes/Recognize/AttentionMatch.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace fovea;

/// Whether `value` is a constant seen through views and slices: a weight.
static bool isWeight(Value value) {
  for (;;) {
    if (matchPattern(value, m_Constant()))
      return true;
    if (Value source = viewSource(value)) {
      value = source;
      continue;
    }
    auto slice = value.getDefiningOp<tensor::ExtractSliceOp>();
    if (!slice)
      return false;
    value = slice.getSource();
  }
}

/// A product of two activations.
static bool isActivationProduct(linalg::LinalgOp op) {
  return isZeroInitContraction(op) &&
         !isWeight(op.getDpsInputOperand(0)->get()) &&
         !isWeight(op.getDpsInputOperand(1)->get());
}

void fovea::reportLinearAttention(Operation *root) {
  root->walk([](linalg::LinalgOp op) {
    if (!isActivationProduct(op))
      return;
    for (OpOperand *input : op.getDpsInputOperands())
      for (linalg::LinalgOp inner : contractionsBehind(input->get()))
        if (isActivationProduct(inner)) {
          reportSite("linear_attention", false, {inner, op},
                     "products without a softmax between them are not yet "
                     "fused");
          return;
        }
  });
}
