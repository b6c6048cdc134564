//===- IndexMask.cpp - Masks computed from positions ----------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "IndexMask.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"

#include <cmath>

using namespace mlir;
using namespace fovea;
using attn::AttentionOp;
using attn::MaskInterface;

//===----------------------------------------------------------------------===//
// Captures
//===----------------------------------------------------------------------===//

/// Whether the elements of a tensor are computed from their positions alone.
static bool isOfPositions(Value tensor) {
  auto generic = tensor.getDefiningOp<linalg::GenericOp>();
  if (!generic || generic.getNumResults() != 1 ||
      generic.getNumParallelLoops() != generic.getNumLoops() ||
      !generic.getIndexingMapsArray().back().isIdentity() ||
      !generic.getBody()->getArguments().back().use_empty())
    return false;
  for (Operation &op : generic.getBody()->without_terminator())
    if (op.getNumRegions() != 0 || !isPure(&op) ||
        !isa<arith::ArithDialect, linalg::LinalgDialect>(op.getDialect()))
      return false;
  for (OpOperand *input : generic.getDpsInputOperands())
    if (!generic.getMatchingIndexingMap(input).isProjectedPermutation() ||
        !isOfPositions(input->get()))
      return false;
  return true;
}

/// The element of such a tensor at `positions`.
static Value emitElement(OpBuilder &b, Value tensor, ValueRange positions) {
  auto generic = tensor.getDefiningOp<linalg::GenericOp>();
  IRMapping mapping;
  for (OpOperand *input : generic.getDpsInputOperands()) {
    SmallVector<Value> inner;
    for (AffineExpr expr : generic.getMatchingIndexingMap(input).getResults())
      inner.push_back(positions[cast<AffineDimExpr>(expr).getPosition()]);
    mapping.map(generic.getMatchingBlockArgument(input),
                emitElement(b, input->get(), inner));
  }
  for (Operation &op : generic.getBody()->without_terminator()) {
    if (auto index = dyn_cast<linalg::IndexOp>(op))
      mapping.map(index.getResult(), positions[index.getDim()]);
    else
      b.clone(op, mapping);
  }
  return mapping.lookupOrDefault(
      generic.getBody()->getTerminator()->getOperand(0));
}

bool fovea::inlineIndexCaptures(AttentionOp op) {
  if (op.getScore().empty())
    return false;
  Block &body = op.getScore().front();
  bool isChanged = false;
  for (auto [index, capture] : llvm::enumerate(op.getCaptures())) {
    BlockArgument element = body.getArgument(index + 1);
    if (element.use_empty() || !isOfPositions(capture))
      continue;
    OpBuilder b = OpBuilder::atBlockBegin(&body);
    SmallVector<Value> positions;
    for (AffineExpr expr : op.getCaptureMap(index).getResults()) {
      if (auto dim = dyn_cast<AffineDimExpr>(expr))
        positions.push_back(attn::IndexOp::create(
            b, op.getLoc(), b.getIndexType(), dim.getPosition()));
      else
        positions.push_back(arith::ConstantIndexOp::create(b, op.getLoc(), 0));
    }
    element.replaceAllUsesWith(emitElement(b, capture, positions));
    isChanged = true;
  }
  return isChanged;
}

//===----------------------------------------------------------------------===//
// Comparisons
//===----------------------------------------------------------------------===//

namespace {
/// row * i + key * j + constant.
struct Linear {
  int64_t row = 0, key = 0, constant = 0;
};
/// A comparison: whether `low <= j - i <= high`.
struct Comparison {
  arith::CmpIOp op;
  std::optional<int64_t> low, high;
};
} // namespace

static std::optional<Linear> linearOf(AttentionOp op, Value value) {
  IntegerAttr constant;
  if (matchPattern(value, m_Constant(&constant))) {
    if (!constant.getValue().isSignedIntN(32))
      return std::nullopt;
    return Linear{0, 0, constant.getInt()};
  }
  Operation *def = value.getDefiningOp();
  if (auto index = dyn_cast_or_null<attn::IndexOp>(def)) {
    if (index.getDim() == op.getRoles().m)
      return Linear{1, 0, 0};
    if (index.getDim() == op.getRoles().k2)
      return Linear{0, 1, 0};
    return std::nullopt;
  }
  if (isa_and_nonnull<arith::IndexCastOp, arith::ExtSIOp>(def))
    return linearOf(op, def->getOperand(0));
  if (!isa_and_nonnull<arith::AddIOp, arith::SubIOp>(def))
    return std::nullopt;
  std::optional<Linear> a = linearOf(op, def->getOperand(0));
  std::optional<Linear> b = linearOf(op, def->getOperand(1));
  if (!a || !b)
    return std::nullopt;
  int64_t sign = isa<arith::AddIOp>(def) ? 1 : -1;
  return Linear{a->row + sign * b->row, a->key + sign * b->key,
                a->constant + sign * b->constant};
}

static std::optional<Comparison> comparisonOf(AttentionOp op,
                                              arith::CmpIOp compare) {
  std::optional<Linear> a = linearOf(op, compare.getLhs());
  std::optional<Linear> b = linearOf(op, compare.getRhs());
  if (!a || !b)
    return std::nullopt;
  int64_t row = a->row - b->row, key = a->key - b->key;
  int64_t constant = a->constant - b->constant;
  if (row != -key || std::abs(key) != 1)
    return std::nullopt;
  // key * (j - i) + constant against 0.
  arith::CmpIPredicate predicate = compare.getPredicate();
  if (key < 0) {
    constant = -constant;
    switch (predicate) {
    case arith::CmpIPredicate::sle:
      predicate = arith::CmpIPredicate::sge;
      break;
    case arith::CmpIPredicate::slt:
      predicate = arith::CmpIPredicate::sgt;
      break;
    case arith::CmpIPredicate::sge:
      predicate = arith::CmpIPredicate::sle;
      break;
    case arith::CmpIPredicate::sgt:
      predicate = arith::CmpIPredicate::slt;
      break;
    default:
      break;
    }
  }
  switch (predicate) {
  case arith::CmpIPredicate::sle:
    return Comparison{compare, std::nullopt, -constant};
  case arith::CmpIPredicate::slt:
    return Comparison{compare, std::nullopt, -constant - 1};
  case arith::CmpIPredicate::sge:
    return Comparison{compare, -constant, std::nullopt};
  case arith::CmpIPredicate::sgt:
    return Comparison{compare, -constant + 1, std::nullopt};
  default:
    return std::nullopt;
  }
}

/// The band in which the comparison gives `wanted`.
static MaskInterface bandOf(MLIRContext *context, const Comparison &compare,
                            bool wanted) {
  std::optional<int64_t> low = compare.low, high = compare.high;
  if (!wanted && high) {
    low = *high + 1;
    high = std::nullopt;
  } else if (!wanted) {
    high = *low - 1;
    low = std::nullopt;
  }
  if (high)
    return cast<MaskInterface>(
        attn::CausalAttr::get(context, *high, attn::Alignment::Start, -1));
  return cast<MaskInterface>(attn::SlidingWindowAttr::get(
      context, /*left=*/0, /*right=*/-1, *low, attn::Alignment::Start, -1));
}

/// Whether the mask shows every row a key: the first one.
static bool showsFirstKey(MaskInterface mask) {
  auto causal = dyn_cast<attn::CausalAttr>(mask);
  return causal && causal.getOffset() >= 0;
}

MaskInterface fovea::takeIndexMask(AttentionOp op, std::string &why) {
  constexpr unsigned maxComparisons = 4;
  SmallVector<Comparison> comparisons;
  if (op.getScore().empty())
    return {};
  Block &body = op.getScore().front();
  for (auto compare : body.getOps<arith::CmpIOp>())
    if (std::optional<Comparison> found = comparisonOf(op, compare))
      comparisons.push_back(*found);
  unsigned count = comparisons.size();
  if (count == 0 || count > maxComparisons)
    return {};
  SmallVector<ScoreValue> captures;
  for (Value capture : op.getCaptures())
    captures.push_back(isa<FloatType>(getElementTypeOrSelf(capture))
                           ? ScoreValue::score(0.0, /*maybeHidden=*/true)
                           : ScoreValue());
  // What the region gives for all answers of the comparisons.
  Builder builder(op.getContext());
  SmallVector<unsigned> visible, hidden;
  bool isFinite = false, maybeHidden = false;
  for (unsigned answers = 0; answers < 1u << count; ++answers) {
    DenseMap<Value, ScoreValue> known;
    for (auto [bit, compare] : llvm::enumerate(comparisons))
      known[compare.op.getResult()] =
          ScoreValue::known(builder.getBoolAttr(answers >> bit & 1));
    ScoreValue value = evaluateScore(op.getScore(), captures, known);
    if (value.kind != ScoreValue::Score) {
      why = "the score region does more with positions than hide keys by them";
      return {};
    }
    bool isHidden = value.offset <= hiddenBelow;
    (isHidden ? hidden : visible).push_back(answers);
    isFinite |= isHidden && std::isfinite(value.offset);
    maybeHidden |= !isHidden && value.maybeHidden;
  }
  if (hidden.empty())
    return {};
  bool isAll = visible.size() == 1;
  if (!isAll && hidden.size() != 1) {
    why = "positions are compared in a way that no mask attribute has";
    return {};
  }
  SmallVector<MaskInterface> masks;
  for (auto [bit, compare] : llvm::enumerate(comparisons))
    masks.push_back(
        bandOf(op.getContext(), compare,
               isAll ? visible[0] >> bit & 1 : !(hidden[0] >> bit & 1)));
  if (isFinite && (maybeHidden || op.getMask() || masks.size() != 1 ||
                   !showsFirstKey(masks[0]))) {
    why = "the mask is finite, and may hide all keys of a row";
    return {};
  }
  if (isAll) {
    OpBuilder b = OpBuilder::atBlockBegin(&body);
    for (auto [bit, compare] : llvm::enumerate(comparisons))
      compare.op.getResult().replaceAllUsesWith(arith::ConstantOp::create(
          b, op.getLoc(), b.getBoolAttr(visible[0] >> bit & 1)));
  }
  if (masks.size() == 1)
    return masks[0];
  return isAll ? cast<MaskInterface>(attn::AndAttr::get(op.getContext(), masks))
               : cast<MaskInterface>(attn::OrAttr::get(op.getContext(), masks));
}
