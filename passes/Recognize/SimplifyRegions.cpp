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
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/IRMapping.h"
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

/// x + 0 at the start of the score region, from a mask of zeros, only turns -0
/// into 0, which has the same exponential.
static void foldZeroMask(attn::AttentionOp op) {
  if (op.getScore().empty())
    return;
  Block &body = op.getScore().front();
  Value score = body.getArgument(0);
  if (!score.hasOneUse())
    return;
  auto add = dyn_cast<arith::AddFOp>(*score.getUsers().begin());
  if (!add || add.getResult() != body.getTerminator()->getOperand(0) ||
      !matchPattern(add.getLhs() == score ? add.getRhs() : add.getLhs(),
                    m_AnyZeroFloat()))
    return;
  add.getResult().replaceAllUsesWith(score);
  add.erase();
}

/// Probabilities that the model keeps in f16 or bf16 on their way to the values
/// stay in the type of the softmax: they are at most 1, so that rounding them
/// only costs accuracy, and it would hide what the region is about.
static void foldRounding(attn::AttentionOp op) {
  if (op.getProb().empty())
    return;
  Block &body = op.getProb().front();
  OpBuilder builder(op.getContext());
  auto rounded = [](Value narrow, Type wide) {
    auto trunc = narrow.getDefiningOp<arith::TruncFOp>();
    return trunc && trunc.getIn().getType() == wide ? trunc.getIn() : Value();
  };
  for (Operation &inner : llvm::make_early_inc_range(body)) {
    auto extend = dyn_cast<arith::ExtFOp>(inner);
    if (!extend)
      continue;
    Type wide = extend.getType();
    Value result = rounded(extend.getIn(), wide);
    auto select = extend.getIn().getDefiningOp<arith::SelectOp>();
    if (select && (rounded(select.getTrueValue(), wide) ||
                   rounded(select.getFalseValue(), wide))) {
      builder.setInsertionPoint(extend);
      auto widen = [&](Value value) {
        Value before = rounded(value, wide);
        return before ? before
                      : builder.createOrFold<arith::ExtFOp>(extend.getLoc(),
                                                            wide, value);
      };
      Value ifTrue = widen(select.getTrueValue());
      Value ifFalse = widen(select.getFalseValue());
      result = arith::SelectOp::create(builder, extend.getLoc(),
                                       select.getCondition(), ifTrue, ifFalse);
    }
    if (!result)
      continue;
    extend.getResult().replaceAllUsesWith(result);
    extend.erase();
  }
  SmallVector<Operation *> inner =
      llvm::to_vector(llvm::make_pointer_range(body.without_terminator()));
  for (Operation *op : llvm::reverse(inner))
    if (op->use_empty())
      op->erase();
}

/// Whether the region is one operation on the probability and a capture that
/// is the same for all keys: a gate, or zero for rows without a key. Such an
/// operation may follow the sum over the keys as well. Returns that operation.
static Operation *matchRowwise(attn::AttentionOp op, unsigned &capture) {
  if (op.getProb().empty() || op.getInits().size() != 1)
    return nullptr;
  Block &body = op.getProb().front();
  Value p = body.getArgument(0);
  Operation *inner = body.getTerminator()->getOperand(0).getDefiningOp();
  if (!inner || inner->getBlock() != &body || !p.hasOneUse())
    return nullptr;
  Value by;
  if (auto mul = dyn_cast<arith::MulFOp>(inner))
    by = mul.getLhs() == p ? mul.getRhs() : mul.getLhs();
  auto select = dyn_cast<arith::SelectOp>(inner);
  if (select && select.getCondition() != p &&
      ((select.getFalseValue() == p &&
        matchPattern(select.getTrueValue(), m_AnyZeroFloat())) ||
       (select.getTrueValue() == p &&
        matchPattern(select.getFalseValue(), m_AnyZeroFloat()))))
    by = select.getCondition();
  auto argument = dyn_cast_or_null<BlockArgument>(by);
  if (!argument || argument.getOwner() != &body || argument == p ||
      !llvm::is_contained(inner->getOperands(), p))
    return nullptr;
  capture = argument.getArgNumber() - 1;
  return op.getCaptureMap(capture).isFunctionOfDim(op.getRoles().k2) ? nullptr
                                                                     : inner;
}

/// Forget a capture that the score region does not read.
static void dropCapture(attn::AttentionOp op, unsigned capture) {
  if (op.getMask() || !op.getProb().empty())
    return;
  if (!op.getScore().empty()) {
    Block &body = op.getScore().front();
    if (!body.getArgument(capture + 1).use_empty())
      return;
    body.eraseArgument(capture + 1);
  }
  SmallVector<AffineMap> maps = op.getMaps();
  maps.erase(maps.begin() + 1 + op.getKeys().size() + op.getValues().size() +
             capture);
  op.getCapturesMutable().erase(capture);
  op.setIndexingMapsAttr(Builder(op).getAffineMapArrayAttr(maps));
}

Value fovea::moveProbBehindOutput(OpBuilder &builder, attn::AttentionOp op) {
  Value result = op->getResult(0);
  unsigned capture = 0;
  Operation *inner = matchRowwise(op, capture);
  auto type = cast<RankedTensorType>(result.getType());
  if (!inner || type.getElementType() != op.getComputeType())
    return result;
  // The axes of the output as loops.
  AffineMap output = op.getInitMap(0), map = op.getCaptureMap(capture);
  SmallVector<AffineExpr> exprs;
  for (AffineExpr expr : map.getResults()) {
    auto dim = dyn_cast<AffineDimExpr>(expr);
    std::optional<unsigned> axis =
        dim ? output.getResultPosition(expr) : std::nullopt;
    if (dim && !axis)
      return result;
    exprs.push_back(dim ? builder.getAffineDimExpr(*axis) : expr);
  }
  int64_t rank = type.getRank();
  AffineMap identity = builder.getMultiDimIdentityMap(rank);
  SmallVector<AffineMap> maps = {
      identity, AffineMap::get(rank, 0, exprs, builder.getContext()), identity};
  SmallVector<utils::IteratorType> loops(rank, utils::IteratorType::parallel);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointAfter(op);
  Block &body = op.getProb().front();
  auto generic = linalg::GenericOp::create(
      builder, op.getLoc(), type, ValueRange{result, op.getCaptures()[capture]},
      op.getInits()[0], maps, loops,
      [&](OpBuilder &b, Location l, ValueRange args) {
        IRMapping mapping;
        mapping.map(body.getArgument(0), args[0]);
        mapping.map(body.getArgument(capture + 1), args[1]);
        for (Value operand : inner->getOperands())
          if (operand.getDefiningOp() && operand.getParentBlock() == &body)
            mapping.map(operand,
                        b.clone(*operand.getDefiningOp())->getResult(0));
        linalg::YieldOp::create(b, l, b.clone(*inner, mapping)->getResults());
      });
  body.clear();
  op.getProb().getBlocks().clear();
  dropCapture(op, capture);
  return generic.getResult(0);
}

void fovea::simplifyRegions(attn::AttentionOp op) {
  foldScale(op);
  foldZeroMask(op);
  foldRounding(op);
  foldGuard(op);
  for (Region *region : {&op.getScore(), &op.getProb()})
    if (!region->empty() && region->front().getTerminator()->getOperand(0) ==
                                region->front().getArgument(0)) {
      region->front().clear();
      region->getBlocks().clear();
    }
}
