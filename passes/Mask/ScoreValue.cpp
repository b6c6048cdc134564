//===- ScoreValue.cpp - What a score region makes of known values ---------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ScoreValue.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Matchers.h"

#include <cmath>

using namespace mlir;
using namespace fovea;

ScoreValue ScoreValue::asScore() const {
  if (kind != Constant)
    return *this;
  auto number = dyn_cast<FloatAttr>(constant);
  if (!number || number.getValue().isNaN())
    return {};
  double value = number.getValueAsDouble();
  // Above, it is of ordinary size, which a mask of +inf is not.
  if (value > -hiddenBelow)
    return {};
  return score(value <= hiddenBelow ? value : std::min(value, 0.0));
}

namespace {
class Evaluator {
public:
  Evaluator(ArrayRef<ScoreValue> captures,
            const DenseMap<Value, ScoreValue> &known)
      : captures(captures), values(known) {}
  ScoreValue run(Region &region);

private:
  ScoreValue get(Value value);
  ScoreValue evaluate(Operation &op);
  ScoreValue evaluateScores(Operation &op);
  ScoreValue select(arith::SelectOp op);
  ScoreValue scale(ScoreValue score, ScoreValue by, bool divides);

  ArrayRef<ScoreValue> captures;
  DenseMap<Value, ScoreValue> values;
};
} // namespace

ScoreValue Evaluator::get(Value value) {
  auto it = values.find(value);
  if (it != values.end())
    return it->second;
  Attribute constant;
  if (matchPattern(value, m_Constant(&constant)))
    return ScoreValue::known(constant);
  return {};
}

static std::optional<double> numberOf(const ScoreValue &value) {
  auto number = value.kind == ScoreValue::Constant
                    ? dyn_cast<FloatAttr>(value.constant)
                    : FloatAttr();
  if (!number)
    return std::nullopt;
  return number.getValueAsDouble();
}

ScoreValue Evaluator::scale(ScoreValue score, ScoreValue by, bool divides) {
  std::optional<double> factor = numberOf(by);
  if (score.kind != ScoreValue::Score)
    return {};
  if (!factor || !std::isfinite(*factor) || *factor == 0.0)
    // A number that is only known to be of ordinary size.
    return score.offset == 0.0 && by.kind == ScoreValue::Score ? score
                                                               : ScoreValue();
  if (score.offset != 0.0 && *factor < 0.0)
    return {};
  score.offset = divides ? score.offset / *factor : score.offset * *factor;
  if (score.offset == 0.0)
    score.offset = 0.0;
  return score;
}

/// One of two scores; which one is known only at run time if the condition is.
ScoreValue Evaluator::select(arith::SelectOp op) {
  ScoreValue condition = get(op.getCondition());
  if (condition.kind == ScoreValue::Constant)
    if (auto chosen = dyn_cast<IntegerAttr>(condition.constant))
      return get(chosen.getValue().isZero() ? op.getFalseValue()
                                            : op.getTrueValue());
  ScoreValue a = get(op.getTrueValue()).asScore();
  ScoreValue b = get(op.getFalseValue()).asScore();
  if (a.kind != ScoreValue::Score || b.kind != ScoreValue::Score)
    return {};
  bool hides = a.offset <= hiddenBelow || b.offset <= hiddenBelow;
  bool differs = a.offset != b.offset;
  return ScoreValue::score(std::max(a.offset, b.offset),
                           a.maybeHidden || b.maybeHidden ||
                               (hides && differs));
}

ScoreValue Evaluator::evaluateScores(Operation &op) {
  if (auto choice = dyn_cast<arith::SelectOp>(op))
    return select(choice);
  if (!llvm::all_of(op.getOperandTypes(), llvm::IsaPred<FloatType>) ||
      op.getNumResults() != 1 || !isa<FloatType>(op.getResult(0).getType()))
    return {};
  SmallVector<ScoreValue> raw, in;
  for (Value operand : op.getOperands()) {
    raw.push_back(get(operand));
    in.push_back(raw.back().asScore());
  }
  if (isa<arith::MulFOp>(op))
    return in[0].kind == ScoreValue::Score && !numberOf(raw[0])
               ? scale(in[0], raw[1], false)
               : scale(in[1], raw[0], false);
  if (isa<arith::DivFOp>(op))
    return scale(in[0], raw[1], true);
  if (llvm::any_of(in, [](const ScoreValue &value) {
        return value.kind != ScoreValue::Score;
      }))
    return {};
  bool maybe = in[0].maybeHidden || in.back().maybeHidden;
  if (isa<arith::AddFOp>(op))
    return ScoreValue::score(in[0].offset + in[1].offset, maybe);
  // What is subtracted may be of any sign.
  if (isa<arith::SubFOp>(op))
    return in[1].offset == 0.0 && !in[1].maybeHidden ? in[0] : ScoreValue();
  if (isa<arith::ExtFOp, arith::TruncFOp>(op))
    return in[0];
  if (isa<arith::MaximumFOp, arith::MaxNumFOp>(op))
    return ScoreValue::score(std::max(in[0].offset, in[1].offset), maybe);
  if (isa<arith::MinimumFOp, arith::MinNumFOp>(op))
    return ScoreValue::score(std::min(in[0].offset, in[1].offset), maybe);
  // A soft cap and its like, of ordinary scores.
  if (isa<math::TanhOp, math::ErfOp, arith::NegFOp>(op) &&
      in[0].offset == 0.0 && !maybe)
    return in[0];
  return {};
}

ScoreValue Evaluator::evaluate(Operation &op) {
  if (op.getNumRegions() != 0 || op.getNumResults() != 1)
    return {};
  SmallVector<Attribute> operands;
  for (Value operand : op.getOperands()) {
    ScoreValue value = get(operand);
    if (value.kind != ScoreValue::Constant)
      return evaluateScores(op);
    operands.push_back(value.constant);
  }
  SmallVector<OpFoldResult> folded;
  if (failed(op.fold(operands, folded)) || folded.size() != 1)
    return {};
  if (auto constant = dyn_cast<Attribute>(folded[0]))
    return ScoreValue::known(constant);
  return get(cast<Value>(folded[0]));
}

ScoreValue Evaluator::run(Region &region) {
  if (region.empty())
    return ScoreValue::score();
  Block &body = region.front();
  values[body.getArgument(0)] = ScoreValue::score();
  for (auto [argument, value] :
       llvm::zip_equal(body.getArguments().drop_front(), captures))
    values[argument] = value;
  for (Operation &op : body.without_terminator())
    if (op.getNumResults() == 1 && !values.contains(op.getResult(0))) {
      ScoreValue value = evaluate(op);
      values[op.getResult(0)] = value;
    }
  return get(body.getTerminator()->getOperand(0)).asScore();
}

ScoreValue fovea::evaluateScore(Region &region, ArrayRef<ScoreValue> captures,
                                const DenseMap<Value, ScoreValue> &known) {
  return Evaluator(captures, known).run(region);
}
