//===- SplitReadouts.cpp - Rows of probabilities on their own -------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fovea/dialects/attn/Attn.h"
#include "fovea/passes/Recognize/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace fovea;
using attn::AttentionOp;

namespace fovea {
#define GEN_PASS_DEF_SPLITREADOUTS
#include "fovea/passes/Recognize/Passes.h.inc"
} // namespace fovea

/// The axis of `map` that runs along `dim`, or -1.
static int axisOf(AffineMap map, unsigned dim) {
  for (auto [axis, expr] : llvm::enumerate(map.getResults()))
    if (auto dimExpr = dyn_cast<AffineDimExpr>(expr))
      if (dimExpr.getPosition() == dim)
        return axis;
  return -1;
}

/// Whether everything that uses the probabilities takes few of their rows: at
/// most a quarter each, which is less work than storing all of them.
static bool readsFewRows(Value probabilities, unsigned axis) {
  auto type = cast<RankedTensorType>(probabilities.getType());
  int64_t rows = type.getDimSize(axis);
  return !probabilities.use_empty() && !ShapedType::isDynamic(rows) &&
         llvm::all_of(probabilities.getUsers(), [&](Operation *user) {
           auto slice = dyn_cast<tensor::ExtractSliceOp>(user);
           if (!slice || slice.getSource() != probabilities ||
               !slice.hasUnitStride())
             return false;
           std::optional<int64_t> taken =
               getConstantIntValue(slice.getMixedSizes()[axis]);
           return taken && *taken * 4 <= rows;
         });
}

/// `tensor` reduced to `size` rows from `offset` on, where it has rows.
static Value sliceRows(OpBuilder &b, Location loc, Value tensor, int axis,
                       OpFoldResult offset, OpFoldResult size) {
  if (axis < 0)
    return tensor;
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(b, loc, tensor);
  SmallVector<OpFoldResult> offsets(sizes.size(), b.getIndexAttr(0)),
      strides(sizes.size(), b.getIndexAttr(1));
  offsets[axis] = offset;
  sizes[axis] = size;
  return tensor::ExtractSliceOp::create(b, loc, tensor, offsets, sizes,
                                        strides);
}

/// Clones `op` for `size` rows from `offset` on.
static AttentionOp cloneRows(OpBuilder &b, AttentionOp op, OpFoldResult offset,
                             OpFoldResult size) {
  Location loc = op.getLoc();
  unsigned row = op.getRoles().m;
  auto rows = cast<AttentionOp>(b.clone(*op));
  b.setInsertionPoint(rows);
  SmallVector<AffineMap> maps = op.getMaps();
  unsigned firstInit = op->getNumOperands() - op.getInits().size();
  for (unsigned i = 0; i < op->getNumOperands(); ++i) {
    Value operand = op->getOperand(i);
    int axis = axisOf(maps[i], row);
    if (i < firstInit) {
      rows->setOperand(i, sliceRows(b, loc, operand, axis, offset, size));
      continue;
    }
    SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(b, loc, operand);
    if (axis >= 0)
      sizes[axis] = size;
    Value init =
        tensor::EmptyOp::create(b, loc, sizes, getElementTypeOrSelf(operand));
    rows->setOperand(i, init);
    rows->getResult(i - firstInit).setType(init.getType());
  }
  if (!isZeroInteger(offset))
    rows->walk([&](attn::IndexOp index) {
      if (index.getDim() != row)
        return;
      b.setInsertionPointAfter(index);
      Value start = getValueOrCreateConstantIndexOp(b, loc, offset);
      auto moved = arith::AddIOp::create(b, loc, index, start);
      index.getPosition().replaceAllUsesExcept(moved, moved);
    });
  return rows;
}

/// Computes the rows that `slice` takes of the probabilities on their own.
static void readRows(RewriterBase &rewriter, AttentionOp op, unsigned result,
                     unsigned axis, tensor::ExtractSliceOp slice) {
  rewriter.setInsertionPoint(slice);
  SmallVector<OpFoldResult> offsets = slice.getMixedOffsets();
  AttentionOp rows =
      cloneRows(rewriter, op, offsets[axis], slice.getMixedSizes()[axis]);
  rewriter.setInsertionPoint(slice);
  offsets[axis] = rewriter.getIndexAttr(0);
  rewriter.replaceOpWithNewOp<tensor::ExtractSliceOp>(
      slice, slice.getType(), rows.getResult(result), offsets,
      slice.getMixedSizes(), slice.getMixedStrides());
}

/// Rebuilds `op` without the result `dead`, which nothing uses.
static void dropResult(RewriterBase &rewriter, AttentionOp op, unsigned dead) {
  attn::AttentionParams params;
  params.scale = op.getScale().convertToDouble();
  params.mask = op.getMask().value_or(nullptr);
  params.normalizer = op.getNormalizer();
  params.emptyRow = op.getEmptyRow();
  params.kinds = op.getKinds();
  params.kinds.erase(params.kinds.begin() + dead);
  SmallVector<Value> inits = op.getInits();
  inits.erase(inits.begin() + dead);
  SmallVector<AffineMap> maps = op.getMaps();
  maps.erase(maps.end() - op.getInits().size() + dead);
  rewriter.setInsertionPoint(op);
  auto rest = AttentionOp::create(rewriter, op.getLoc(), op.getQuery(),
                                  op.getKeys(), op.getValues(),
                                  op.getCaptures(), inits, maps, params);
  IRMapping mapping;
  op.getScore().cloneInto(&rest.getScore(), mapping);
  op.getProb().cloneInto(&rest.getProb(), mapping);
  SmallVector<Value> results = rest.getResults();
  results.insert(results.begin() + dead, Value());
  for (auto [old, value] : llvm::zip_equal(op.getResults(), results))
    if (value)
      rewriter.replaceAllUsesWith(old, value);
  rewriter.eraseOp(op);
}

namespace {
struct SplitReadouts : fovea::impl::SplitReadoutsBase<SplitReadouts> {
  void runOnOperation() override {
    SmallVector<AttentionOp> ops;
    getOperation()->walk([&](AttentionOp op) { ops.push_back(op); });
    IRRewriter rewriter(&getContext());
    for (AttentionOp op : ops) {
      int result = op.getInitOfKind(attn::ResultKind::Probabilities);
      // A mask asks for the position among all rows.
      if (result < 0 || op.getMask())
        continue;
      Value probabilities = op.getResult(result);
      int axis = axisOf(op.getInitMap(result), op.getRoles().m);
      if (readsFewRows(probabilities, axis))
        for (Operation *user :
             llvm::make_early_inc_range(probabilities.getUsers()))
          readRows(rewriter, op, result, axis,
                   cast<tensor::ExtractSliceOp>(user));
      if (probabilities.use_empty())
        dropResult(rewriter, op, result);
    }
  }
};
} // namespace
