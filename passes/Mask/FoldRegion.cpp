//===- FoldRegion.cpp - What is left of a score region --------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FoldRegion.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;
using namespace fovea;
using attn::AttentionOp;

void fovea::foldRegion(Region &region) {
  Block &body = region.front();
  OpBuilder builder(region.getContext());
  for (Operation &inner :
       llvm::make_early_inc_range(body.without_terminator())) {
    if (inner.getNumResults() != 1 || matchPattern(&inner, m_Constant()))
      continue;
    Value replacement;
    auto add = dyn_cast<arith::AddFOp>(inner);
    // x + 0 differs from x in the sign of 0 only, and they have one
    // exponential.
    for (unsigned side : {0u, 1u})
      if (add && matchPattern(add.getOperand(side), m_AnyZeroFloat()))
        replacement = add.getOperand(1 - side);
    if (!replacement) {
      SmallVector<Attribute> operands;
      for (Value operand : inner.getOperands()) {
        Attribute constant;
        matchPattern(operand, m_Constant(&constant));
        operands.push_back(constant);
      }
      SmallVector<OpFoldResult> folded;
      if (failed(inner.fold(operands, folded)) || folded.size() != 1)
        continue;
      builder.setInsertionPoint(&inner);
      if (auto constant = dyn_cast<Attribute>(folded[0]))
        replacement = arith::ConstantOp::create(builder, inner.getLoc(),
                                                cast<TypedAttr>(constant));
      else
        replacement = cast<Value>(folded[0]);
    }
    if (replacement == inner.getResult(0))
      continue;
    inner.getResult(0).replaceAllUsesWith(replacement);
    inner.erase();
  }
  SmallVector<Operation *> all =
      llvm::to_vector(llvm::make_pointer_range(body.without_terminator()));
  for (Operation *inner : llvm::reverse(all))
    if (isOpTriviallyDead(inner))
      inner->erase();
  if (body.getTerminator()->getOperand(0) == body.getArgument(0)) {
    body.clear();
    region.getBlocks().clear();
  }
}

void fovea::dropCaptures(AttentionOp op) {
  SmallVector<unsigned> used;
  if (op.getMask())
    op.getMask()->appendCaptures(used);
  SmallVector<AffineMap> maps = op.getMaps();
  unsigned first = 1 + op.getKeys().size() + op.getValues().size();
  SmallVector<unsigned> positions(op.getCaptures().size(), 0);
  Region *regions[] = {&op.getScore(), &op.getProb()};
  unsigned kept = 0;
  BitVector drop(op.getCaptures().size());
  for (unsigned c = 0; c < op.getCaptures().size(); ++c) {
    bool isUsed = llvm::is_contained(used, c);
    for (Region *region : regions)
      isUsed |=
          !region->empty() && !region->front().getArgument(c + 1).use_empty();
    drop[c] = !isUsed;
    positions[c] = kept;
    kept += isUsed;
  }
  for (int c = drop.find_last(); c >= 0; c = drop.find_prev(c)) {
    for (Region *region : regions)
      if (!region->empty())
        region->front().eraseArgument(c + 1);
    maps.erase(maps.begin() + first + c);
    op.getCapturesMutable().erase(c);
  }
  if (op.getMask())
    op.setMaskAttr(op.getMask()->withCaptures(positions));
  op.setIndexingMapsAttr(Builder(op).getAffineMapArrayAttr(maps));
}
