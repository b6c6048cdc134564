//===- RepeatBranch.cpp - Repetition that is decided at run time ----------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fovea/passes/Recognize/ViewTrace.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace fovea;

static Value skipCast(Value value) {
  auto cast = value.getDefiningOp<tensor::CastOp>();
  return cast ? cast.getSource() : value;
}

std::optional<BranchRepeat> fovea::matchRepeat(Value value) {
  auto branch = value.getDefiningOp<scf::IfOp>();
  if (!branch || branch.getElseRegion().empty())
    return std::nullopt;
  unsigned position = cast<OpResult>(value).getResultNumber();
  BranchRepeat result;
  result.source = skipCast(branch.elseYield()->getOperand(position));
  auto generic = skipCast(branch.thenYield()->getOperand(position))
                     .getDefiningOp<linalg::GenericOp>();
  if (!generic ||
      branch->isAncestor(result.source.getDefiningOp()
                             ? result.source.getDefiningOp()
                             : branch->getParentOp()) ||
      generic.getNumDpsInputs() != 0 || generic->getNumResults() != 1 ||
      !generic.getMatchingIndexingMap(generic.getDpsInitOperand(0))
           .isIdentity())
    return std::nullopt;
  auto extract = generic.getBody()
                     ->getTerminator()
                     ->getOperand(0)
                     .getDefiningOp<tensor::ExtractOp>();
  auto empty = generic.getDpsInits()[0].getDefiningOp<tensor::EmptyOp>();
  if (!extract || !empty || extract.getTensor() != result.source)
    return std::nullopt;
  result.sizes = empty.getMixedSizes();
  for (auto [axis, index] : llvm::enumerate(extract.getIndices())) {
    Value at = index;
    result.oneSize.push_back({});
    if (auto select = index.getDefiningOp<arith::SelectOp>()) {
      if (!matchPattern(select.getTrueValue(), m_Zero()))
        return std::nullopt;
      // The condition is that the size of the source is one.
      auto compare = select.getCondition().getDefiningOp<arith::CmpIOp>();
      if (!compare || compare.getPredicate() != arith::CmpIPredicate::eq ||
          !matchPattern(compare.getRhs(), m_One()))
        return std::nullopt;
      // Where the size stays, index zero is all there is if it is one.
      if (dyn_cast<Value>(result.sizes[axis]) != compare.getLhs())
        result.oneSize.back() = compare.getLhs();
      at = select.getFalseValue();
    }
    // An axis of size one is read at zero.
    if (matchPattern(at, m_Zero()) && !result.oneSize.back() &&
        isConstantIntValue(result.sizes[axis], 1))
      continue;
    auto loop = at.getDefiningOp<linalg::IndexOp>();
    if (!loop || loop.getDim() != axis)
      return std::nullopt;
  }
  // Sizes must be known before the branch.
  auto isOutside = [&](Value v) {
    return !v || !v.getDefiningOp() || !branch->isAncestor(v.getDefiningOp());
  };
  for (auto [oneSize, size] : llvm::zip(result.oneSize, result.sizes))
    if (!isOutside(oneSize) || !isOutside(dyn_cast<Value>(size)))
      return std::nullopt;
  return result;
}

Value fovea::buildRepeat(OpBuilder &builder, Location loc, Value value,
                         ArrayRef<AxisDims> axes, const Repeat &repeat) {
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(builder, loc, value);
  SmallVector<Value> oneSize(axes.size());
  bool repeats = false;
  for (const Repeat::Axis &axis : repeat.axes)
    for (auto [position, dims] : llvm::enumerate(axes))
      if (axis.oneSize && llvm::is_contained(dims, axis.dim)) {
        oneSize[position] = axis.oneSize;
        sizes[position] = axis.size;
        repeats = true;
      }
  if (!repeats)
    return value;
  auto [shape, dynamic] = decomposeMixedValues(sizes);
  auto type = RankedTensorType::get(shape, getElementTypeOrSelf(value));
  auto copy = [&](OpBuilder &b, Location l) {
    Value empty = tensor::EmptyOp::create(b, l, sizes, type.getElementType());
    SmallVector<utils::IteratorType> loops(axes.size(),
                                           utils::IteratorType::parallel);
    auto generic = linalg::GenericOp::create(
        b, l, type, ValueRange(), empty,
        AffineMap::getMultiDimIdentityMap(axes.size(), b.getContext()), loops,
        [&](OpBuilder &n, Location nl, ValueRange) {
          SmallVector<Value> at;
          for (unsigned position = 0; position < axes.size(); ++position) {
            at.push_back(linalg::IndexOp::create(n, nl, position));
            if (!oneSize[position])
              continue;
            Value zero = arith::ConstantIndexOp::create(n, nl, 0);
            Value one = arith::ConstantIndexOp::create(n, nl, 1);
            Value isOne = arith::CmpIOp::create(n, nl, arith::CmpIPredicate::eq,
                                                oneSize[position], one);
            at.back() = arith::SelectOp::create(n, nl, isOne, zero, at.back());
          }
          Value element = tensor::ExtractOp::create(n, nl, value, at);
          linalg::YieldOp::create(n, nl, element);
        });
    scf::YieldOp::create(b, l, generic.getResults());
  };
  auto keep = [&](OpBuilder &b, Location l) {
    Value same = value;
    if (value.getType() != type)
      same = tensor::CastOp::create(b, l, type, value);
    scf::YieldOp::create(b, l, same);
  };
  return scf::IfOp::create(builder, loc, repeat.branch, copy, keep)
      .getResult(0);
}
