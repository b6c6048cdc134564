//===- SeparateDestinations.cpp - One empty tensor for each use -----------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fovea/passes/Bufferize/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace fovea {
#define GEN_PASS_DEF_SEPARATEDESTINATIONS
#include "fovea/passes/Bufferize/Passes.h.inc"
} // namespace fovea

/// Gives each use beside `empty`, in its own block, a tensor of its own. What
/// is used inside of a loop stays outside of it.
static void separate(tensor::EmptyOp empty) {
  SmallVector<OpOperand *> uses;
  for (OpOperand &use : empty->getUses())
    if (use.getOwner()->getBlock() == empty->getBlock())
      uses.push_back(&use);
  bool isShared = !empty->hasOneUse();
  for (OpOperand *use : uses) {
    if (!isShared)
      break;
    OpBuilder builder(use->getOwner());
    use->set(builder.clone(*empty)->getResult(0));
  }
  if (empty->use_empty())
    empty.erase();
}

namespace {
struct SeparateDestinations
    : fovea::impl::SeparateDestinationsBase<SeparateDestinations> {
  void runOnOperation() override {
    if (!getOperation()->hasAttr("fovea.entry"))
      return;
    SmallVector<tensor::EmptyOp> all;
    getOperation().walk([&](tensor::EmptyOp empty) {
      if (empty.getType().hasStaticShape())
        all.push_back(empty);
    });
    for (tensor::EmptyOp empty : all)
      separate(empty);
  }
};
} // namespace
