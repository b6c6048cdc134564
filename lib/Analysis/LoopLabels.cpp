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

/// Copies labels between the dimensions of a value and the loops of an
/// operation that `map` pairs them with. A label that is already there stays,
/// and none is given twice. Returns whether something was new.
static bool copyLabels(AffineMap map, ArrayRef<int> from, SmallVector<int> &to,
                       bool toLoops) {
  bool isNew = false;
  for (auto [dim, expr] : llvm::enumerate(map.getResults())) {
    auto loop = dyn_cast<AffineDimExpr>(expr);
    if (!loop)
      continue;
    int label = from[toLoops ? dim : loop.getPosition()];
    int &target = to[toLoops ? loop.getPosition() : dim];
    if (label < 0 || target >= 0 || llvm::is_contained(to, label))
      continue;
    target = label;
    isNew = true;
  }
  return isNew;
}

LoopLabels::LoopLabels(Operation *root) {
  auto rootOp = dyn_cast<linalg::LinalgOp>(root);
  if (!rootOp)
    return;
  loops[root] = llvm::to_vector(llvm::seq<int>(0, rootOp.getNumLoops()));
  llvm::SetVector<Operation *> worklist;
  worklist.insert(root);
  // Labels are only a wish for how to cut the results: the first one found
  // counts, and a wrong one costs speed, not correctness.
  auto visit = [&](Value value, Operation *op, AffineMap map) {
    auto &dims = values[value];
    dims.resize(map.getNumResults(), -1);
    if (!copyLabels(map, loops[op], dims, /*toLoops=*/false))
      return;
    auto reach = [&](Operation *other, AffineMap otherMap) {
      auto structured = cast<linalg::LinalgOp>(other);
      auto &otherLoops = loops[other];
      otherLoops.resize(structured.getNumLoops(), -1);
      if (copyLabels(otherMap, values[value], otherLoops, /*toLoops=*/true))
        worklist.insert(other);
    };
    auto isReached = [&](Operation *other) {
      return isa_and_nonnull<linalg::LinalgOp>(other) &&
             other->getBlock() == root->getBlock();
    };
    if (isReached(value.getDefiningOp()))
      reach(
          value.getDefiningOp(),
          value.getDefiningOp<linalg::LinalgOp>().getIndexingMapMatchingResult(
              cast<OpResult>(value)));
    for (OpOperand &use : value.getUses())
      if (isReached(use.getOwner()))
        reach(use.getOwner(), cast<linalg::LinalgOp>(use.getOwner())
                                  .getMatchingIndexingMap(&use));
  };
  while (!worklist.empty()) {
    auto op = cast<linalg::LinalgOp>(worklist.pop_back_val());
    for (OpResult result : op->getResults())
      visit(result, op, op.getIndexingMapMatchingResult(result));
    // Not through empty tensors, which unrelated operations may share.
    for (OpOperand &operand : op->getOpOperands())
      if (isa<RankedTensorType>(operand.get().getType()) &&
          (isa<BlockArgument>(operand.get()) ||
           operand.get().getDefiningOp<linalg::LinalgOp>()))
        visit(operand.get(), op, op.getMatchingIndexingMap(&operand));
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
