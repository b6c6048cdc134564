//===- Stencil.cpp - Operations that read through windows -----------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fovea/Analysis/Stencil.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace fovea;

std::optional<int64_t> fovea::getCoefficient(AffineExpr expr, unsigned dim) {
  if (auto own = dyn_cast<AffineDimExpr>(expr))
    return own.getPosition() == dim;
  if (isa<AffineConstantExpr>(expr))
    return 0;
  auto binary = dyn_cast<AffineBinaryOpExpr>(expr);
  if (!binary)
    return std::nullopt;
  std::optional<int64_t> left = getCoefficient(binary.getLHS(), dim),
                         right = getCoefficient(binary.getRHS(), dim);
  if (!left || !right)
    return std::nullopt;
  if (expr.getKind() == AffineExprKind::Add)
    return *left + *right;
  auto factor = dyn_cast<AffineConstantExpr>(binary.getRHS());
  if (expr.getKind() == AffineExprKind::Mul && factor)
    return *left * factor.getValue();
  return std::nullopt;
}

/// Whether `expr` is more than a loop or a constant.
static bool isWindow(AffineExpr expr) {
  return !isa<AffineDimExpr, AffineConstantExpr>(expr);
}

bool fovea::readsWindows(linalg::LinalgOp op) {
  return llvm::any_of(op.getIndexingMapsArray(), [](AffineMap map) {
    return llvm::any_of(map.getResults(), isWindow);
  });
}

tensor::InsertSliceOp fovea::getPadding(Value value) {
  auto insert = value.getDefiningOp<tensor::InsertSliceOp>();
  if (!insert || !insert.getType().hasStaticShape() ||
      !insert.getSourceType().hasStaticShape() ||
      insert.getSourceType().getRank() != insert.getType().getRank() ||
      !insert.hasUnitStride() ||
      ShapedType::isDynamicShape(insert.getStaticOffsets()))
    return nullptr;
  auto fill = insert.getDest().getDefiningOp<linalg::FillOp>();
  return fill && fill.hasPureTensorSemantics() ? insert : nullptr;
}

/// Whether the scalar code of `op` can be repeated on vectors.
static bool hasVectorForm(linalg::LinalgOp op) {
  for (Value operand : op->getOperands()) {
    Type type = getElementTypeOrSelf(operand.getType());
    if (!type.isIntOrFloat() || type.getIntOrFloatBitWidth() % 8 != 0)
      return false;
  }
  return llvm::all_of(op.getBlock()->getOperations(), [](Operation &inner) {
    return isa<linalg::YieldOp, arith::ConstantOp>(inner) ||
           (OpTrait::hasElementwiseMappableTraits(&inner) &&
            inner.getNumRegions() == 0 && inner.getNumResults() == 1);
  });
}

/// The distance between lanes in `map`, or nothing if lanes are not along its
/// last result alone.
static std::optional<int64_t> getLaneStride(AffineMap map, unsigned lanes) {
  int64_t stride = 0;
  for (auto [dim, expr] : llvm::enumerate(map.getResults())) {
    std::optional<int64_t> own = getCoefficient(expr, lanes);
    if (!own || *own < 0 || (*own != 0 && dim + 1 != map.getNumResults()))
      return std::nullopt;
    stride = *own;
  }
  return stride;
}

std::optional<Stencil> fovea::analyzeStencil(linalg::LinalgOp op,
                                             std::string &why) {
  why.clear();
  if (!readsWindows(op))
    return std::nullopt;
  auto no = [&](StringRef reason) {
    why = reason.str();
    return std::nullopt;
  };
  if (op->getNumResults() != 1 || !op.hasPureTensorSemantics())
    return no("it has not one tensor as its result");
  if (ShapedType::isDynamicShape(op.getStaticLoopRanges()))
    return no("its sizes are known only at run time");
  if (!hasVectorForm(op))
    return no("its scalar code has no form in vectors");
  AffineMap result = op.getMatchingIndexingMap(op.getDpsInitOperand(0));
  if (!result.isProjectedPermutation() || result.getNumResults() == 0)
    return no("its result is not in the order of its loops");
  Stencil stencil;
  auto loopOf = [&](unsigned dim) {
    return cast<AffineDimExpr>(result.getResult(dim)).getPosition();
  };
  unsigned rank = result.getNumResults();
  stencil.lanes = loopOf(rank - 1);
  if (rank > 1)
    stencil.rows = loopOf(rank - 2);
  for (AffineMap map : op.getIndexingMapsArray()) {
    std::optional<int64_t> stride = getLaneStride(map, stencil.lanes);
    if (!stride)
      return no("neighbouring results do not read along the memory");
    stencil.strides.push_back(*stride);
  }
  return stencil;
}

bool fovea::readsAlongLanes(linalg::LinalgOp op, Value value) {
  std::string why;
  std::optional<Stencil> stencil = analyzeStencil(op, why);
  return stencil && llvm::any_of(op->getOpOperands(), [&](OpOperand &use) {
           return use.get() == value &&
                  stencil->strides[use.getOperandNumber()] != 0;
         });
}
