//===- FoldLayout.cpp - Transposes around attention -----------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fovea/passes/Recognize/FoldLayout.h"

#include "fovea/dialects/attn/Attn.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace fovea;

/// Walk through the transposes that produce `operand` and compose them into
/// `map`. Other views stay: they cost nothing, or change the rank.
static AffineMap foldOperand(RewriterBase &rewriter, OpOperand &operand,
                             AffineMap map) {
  while (auto transpose = operand.get().getDefiningOp<linalg::TransposeOp>()) {
    if (!transpose.hasPureTensorSemantics())
      break;
    // Axis p[i] of the source is axis i of the result.
    SmallVector<AffineExpr> exprs(map.getNumResults());
    for (auto [axis, source] : llvm::enumerate(transpose.getPermutation()))
      exprs[source] = map.getResult(axis);
    map = AffineMap::get(map.getNumDims(), 0, exprs, map.getContext());
    rewriter.modifyOpInPlace(operand.getOwner(),
                             [&] { operand.set(transpose.getInput()); });
  }
  return map;
}

/// The output's only user transposes it: write it in that order.
static AffineMap foldResult(RewriterBase &rewriter, attn::AttentionOp op,
                            AffineMap map) {
  Value result = op->getResult(0);
  if (!result.hasOneUse() || op.getInits().size() != 1)
    return map;
  auto transpose = dyn_cast<linalg::TransposeOp>(*result.getUsers().begin());
  auto empty = op.getInits()[0].getDefiningOp<tensor::EmptyOp>();
  if (!transpose || !empty || !transpose.hasPureTensorSemantics() ||
      transpose.getInput() != result)
    return map;
  ArrayRef<int64_t> permutation = transpose.getPermutation();
  SmallVector<OpFoldResult> sizes =
      applyPermutation(empty.getMixedSizes(), permutation);
  SmallVector<AffineExpr> exprs =
      applyPermutation(SmallVector<AffineExpr>(map.getResults()), permutation);
  rewriter.setInsertionPoint(op);
  Value init = tensor::EmptyOp::create(rewriter, op.getLoc(), sizes,
                                       getElementTypeOrSelf(result));
  if (init.getType() != transpose->getResult(0).getType())
    return map;
  rewriter.modifyOpInPlace(op, [&] {
    op.getInitsMutable()[0].set(init);
    result.setType(cast<RankedTensorType>(init.getType()));
  });
  rewriter.replaceOp(transpose, result);
  return AffineMap::get(map.getNumDims(), 0, exprs, map.getContext());
}

void fovea::foldLayout(RewriterBase &rewriter, attn::AttentionOp op) {
  SmallVector<AffineMap> maps = op.getMaps();
  unsigned numInputs =
      1 + op.getKeys().size() + op.getValues().size() + op.getCaptures().size();
  for (unsigned i = 0; i < numInputs; ++i)
    maps[i] = foldOperand(rewriter, op->getOpOperand(i), maps[i]);
  maps[numInputs] = foldResult(rewriter, op, maps[numInputs]);
  rewriter.modifyOpInPlace(op, [&] {
    op.setIndexingMapsAttr(rewriter.getAffineMapArrayAttr(maps));
  });
}
