//===- SimplifyRegions.cpp - Regions of a new attention -------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fovea/passes/Recognize/SimplifyRegions.h"

#include "fovea/dialects/attn/Attn.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace fovea;

/// A constant factor at the start of the score region belongs to the scale.
static void foldScale(attn::AttentionOp op) {
  if (op.getScore().empty())
    return;
  Block &body = op.getScore().front();
  Value score = body.getArgument(0);
  while (score.hasOneUse()) {
    Operation *user = *score.getUsers().begin();
    if (!isa<arith::MulFOp, arith::DivFOp>(user))
      break;
    bool divides = isa<arith::DivFOp>(user);
    unsigned side = user->getOperand(0) == score ? 0 : 1;
    FloatAttr constant;
    if ((divides && side != 0) ||
        !matchPattern(user->getOperand(1 - side), m_Constant(&constant)))
      break;
    double factor = constant.getValueAsDouble();
    if (!std::isfinite(factor) || factor == 0.0)
      break;
    double scale = op.getScale().convertToDouble();
    op.setScaleAttr(FloatAttr::get(Float64Type::get(op.getContext()),
                                   divides ? scale / factor : scale * factor));
    user->getResult(0).replaceAllUsesWith(score);
    user->erase();
  }
}

/// isnan(p) ? 0 : p over the whole probability region says what an empty row
/// gives.
static void foldGuard(attn::AttentionOp op) {
  if (op.getProb().empty())
    return;
  Block &body = op.getProb().front();
  Value p = body.getArgument(0);
  auto select =
      body.getTerminator()->getOperand(0).getDefiningOp<arith::SelectOp>();
  if (!select || select.getFalseValue() != p ||
      !matchPattern(select.getTrueValue(), m_AnyZeroFloat()))
    return;
  auto compare = select.getCondition().getDefiningOp<arith::CmpFOp>();
  auto isnan = select.getCondition().getDefiningOp<math::IsNaNOp>();
  bool isGuard = (isnan && isnan.getOperand() == p) ||
                 (compare && compare.getLhs() == p && compare.getRhs() == p &&
                  (compare.getPredicate() == arith::CmpFPredicate::UNO ||
                   compare.getPredicate() == arith::CmpFPredicate::UNE));
  if (!isGuard)
    return;
  body.clear();
  op.getProb().getBlocks().clear();
  op.setEmptyRow(attn::EmptyRow::Zero);
}

void fovea::simplifyRegions(attn::AttentionOp op) {
  foldScale(op);
  foldGuard(op);
  for (Region *region : {&op.getScore(), &op.getProb()})
    if (!region->empty() && region->front().getTerminator()->getOperand(0) ==
                                region->front().getArgument(0)) {
      region->front().clear();
      region->getBlocks().clear();
    }
}
