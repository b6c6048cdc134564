//===- LoopLabels.cpp - Which loop each dimension runs along --------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fovea/Analysis/LoopLabels.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"

#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace fovea;

LoopLabels::LoopLabels(Operation *root) {
  auto rootOp = dyn_cast<linalg::LinalgOp>(root);
  if (!rootOp)
    return;
  loops[root] = llvm::to_vector(llvm::seq<int>(0, rootOp.getNumLoops()));
  llvm::SetVector<Operation *> worklist;
  worklist.insert(root);
  // Labels are only a wish for how to cut the results: the first one found
  // counts, and a wrong one costs speed, not correctness.
  auto reach = [&](Value value, Operation *op, OpOperand *operand) {
    auto structured = dyn_cast<linalg::LinalgOp>(op);
    if (!structured || op->getBlock() != root->getBlock() || loops.contains(op))
      return;
    SmallVector<int> opLoops(structured.getNumLoops(), -1);
    AffineMap map =
        operand
            ? structured.getMatchingIndexingMap(operand)
            : structured.getIndexingMapMatchingResult(cast<OpResult>(value));
    for (auto [dim, expr] : llvm::enumerate(map.getResults()))
      if (auto loop = dyn_cast<AffineDimExpr>(expr))
        if (!llvm::is_contained(opLoops, values[value][dim]))
          opLoops[loop.getPosition()] = values[value][dim];
    loops[op] = opLoops;
    worklist.insert(op);
  };
  for (unsigned i = 0; i < worklist.size(); ++i) {
    auto op = cast<linalg::LinalgOp>(worklist[i]);
    auto note = [&](Value value, AffineMap map) {
      if (values.contains(value))
        return;
      SmallVector<int> dims(map.getNumResults(), -1);
      for (auto [dim, expr] : llvm::enumerate(map.getResults()))
        if (auto loop = dyn_cast<AffineDimExpr>(expr))
          dims[dim] = loops[op][loop.getPosition()];
      values[value] = dims;
    };
    for (OpResult result : op->getResults()) {
      note(result, op.getIndexingMapMatchingResult(result));
      for (OpOperand &use : result.getUses())
        reach(result, use.getOwner(), &use);
    }
    for (OpOperand &operand : op->getOpOperands()) {
      Operation *producer = operand.get().getDefiningOp();
      if (!isa_and_nonnull<linalg::LinalgOp>(producer) ||
          !isa<RankedTensorType>(operand.get().getType()))
        continue;
      note(operand.get(), op.getMatchingIndexingMap(&operand));
      reach(operand.get(), producer, nullptr);
    }
  }
}

ArrayRef<int> LoopLabels::ofValue(Value value) const {
  auto it = values.find(value);
  return it == values.end() ? ArrayRef<int>() : ArrayRef<int>(it->second);
}

ArrayRef<int> LoopLabels::ofOp(Operation *op) const {
  auto it = loops.find(op);
  return it == loops.end() ? ArrayRef<int>() : ArrayRef<int>(it->second);
}
