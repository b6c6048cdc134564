//===- InferMasks.cpp - Dense masks to mask attributes --------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ConstantCapture.h"
#include "FoldRegion.h"
#include "IndexMask.h"
#include "MaskMatrix.h"

#include "fovea/Analysis/Remarks.h"
#include "fovea/passes/Mask/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"

#include <cmath>

namespace fovea {
#define GEN_PASS_DEF_INFERMASKS
#include "fovea/passes/Mask/Passes.h.inc"
} // namespace fovea

using namespace mlir;
using namespace fovea;
using attn::AttentionOp;
using attn::MaskInterface;

namespace {

/// What the region gives for one tuple of classes.
struct Outcome {
  ScoreValue value;
  /// Whether a dense mask of the operation hides the key.
  bool masked = false;
};

class Inference {
public:
  explicit Inference(AttentionOp op)
      : op(op), roles(op.getRoles()), extents(op.getStaticExtents()) {}

  /// Whether there is a mask to look at.
  bool hasCandidates();
  /// Whether the mask became an attribute; `why` says what, or why not, and is
  /// empty where there is no mask.
  bool run(std::string &why);

private:
  bool readCaptures(std::string &why);
  void splitMask(MaskInterface mask);
  bool evaluate(std::string &why);
  Outcome evaluateTuple(ArrayRef<unsigned> classes);
  bool fillMatrix(MaskMatrix &matrix, ArrayRef<int64_t> at, std::string &why);
  bool compareBatches(MaskMatrix &matrix, std::string &why);
  void apply(MaskInterface mask);

  AttentionOp op;
  attn::DimRoles roles;
  SmallVector<int64_t> extents;
  SmallVector<ConstantCapture, 0> constants;
  /// Parts of the mask that are found out now, and the others.
  SmallVector<MaskInterface> known, rest;
  SmallVector<unsigned> radices;
  std::vector<Outcome> outcomes;
  /// By constant capture: the class that it has wherever keys are visible, or
  /// -1 before the first and -2 if there are several.
  SmallVector<int> common;
  /// The lowest number that is added to a visible score.
  double lowest = 0.0;
};

} // namespace

//===----------------------------------------------------------------------===//
// What is known
//===----------------------------------------------------------------------===//

/// The parts that all have to show a key.
void Inference::splitMask(MaskInterface mask) {
  if (auto both = dyn_cast<attn::AndAttr>(mask)) {
    for (MaskInterface part : both.getMasks())
      splitMask(part);
    return;
  }
  SmallVector<unsigned> captures;
  mask.appendCaptures(captures);
  bool isKnown = captures.empty();
  if (auto dense = dyn_cast<attn::DenseAttr>(mask))
    isKnown = llvm::any_of(constants, [&](const ConstantCapture &capture) {
      return int64_t(capture.index) == dense.getCapture();
    });
  (isKnown ? known : rest).push_back(mask);
}

/// A capture that says something about keys, or is used by a mask.
static bool mayHide(AttentionOp op, unsigned index) {
  Type type = getElementTypeOrSelf(op.getCaptures()[index]);
  return isa<FloatType, IntegerType>(type) &&
         op.getCaptureMap(index).isFunctionOfDim(op.getRoles().k2);
}

bool Inference::hasCandidates() {
  if (op.getNormalizer() != attn::Normalizer::Softmax &&
      op.getNormalizer() != attn::Normalizer::SoftmaxPlusOne)
    return false;
  for (unsigned index = 0; index < op.getCaptures().size(); ++index)
    if (mayHide(op, index))
      return true;
  return false;
}

bool Inference::readCaptures(std::string &why) {
  for (unsigned index = 0; index < op.getCaptures().size(); ++index)
    if (auto constant = ConstantCapture::read(op, index, why))
      constants.push_back(std::move(*constant));
  if (op.getMask())
    splitMask(*op.getMask());
  for (const ConstantCapture &constant : constants)
    if (mayHide(op, constant.index))
      return true;
  // Numbers that are added may be a bias just as well.
  for (auto [index, capture] : llvm::enumerate(op.getCaptures()))
    if (why.empty() && mayHide(op, index) &&
        (op.getMask() || isa<IntegerType>(getElementTypeOrSelf(capture))))
      why = "the mask is known only at run time";
  return false;
}

//===----------------------------------------------------------------------===//
// Every element
//===----------------------------------------------------------------------===//

/// Whether #attn.dense shows a key whose element is `value`.
static bool showsDense(const ScoreValue &value) {
  if (auto number = dyn_cast_or_null<FloatAttr>(value.constant))
    return !number.getValue().isInfinity() || !number.getValue().isNegative();
  if (auto number = dyn_cast_or_null<IntegerAttr>(value.constant))
    return !number.getValue().isZero();
  return true;
}

Outcome Inference::evaluateTuple(ArrayRef<unsigned> classes) {
  SmallVector<ScoreValue> captures;
  for (Value capture : op.getCaptures())
    // What is known only at run time may be a mask, too.
    captures.push_back(isa<FloatType>(getElementTypeOrSelf(capture))
                           ? ScoreValue::score(0.0, /*maybeHidden=*/true)
                           : ScoreValue());
  for (auto [constant, number] : llvm::zip_equal(constants, classes))
    captures[constant.index] = constant.values[number];
  Outcome outcome = {evaluateScore(op.getScore(), captures), false};
  for (MaskInterface part : known)
    if (auto dense = dyn_cast<attn::DenseAttr>(part))
      outcome.masked |= !showsDense(captures[dense.getCapture()]);
  return outcome;
}

bool Inference::evaluate(std::string &why) {
  constexpr uint64_t maxTuples = 1 << 16;
  uint64_t count = 1;
  for (const ConstantCapture &constant : constants) {
    radices.push_back(constant.values.size());
    count *= constant.values.size();
    if (count > maxTuples) {
      why = "the masks hold too many different values";
      return false;
    }
  }
  for (uint64_t tuple = 0; tuple < count; ++tuple) {
    SmallVector<unsigned> classes;
    uint64_t left = tuple;
    for (unsigned radix : radices) {
      classes.push_back(left % radix);
      left /= radix;
    }
    outcomes.push_back(evaluateTuple(classes));
  }
  common.assign(constants.size(), -1);
  return true;
}

/// Hides in `matrix` what is hidden at a position of the batch dimensions.
bool Inference::fillMatrix(MaskMatrix &matrix, ArrayRef<int64_t> at,
                           std::string &why) {
  // The probability of a key this far below another one is 0 in f32 and f64.
  constexpr double distance = 900.0;
  unsigned numConstants = constants.size();
  SmallVector<int64_t> base(numConstants, 0), rowStep, keyStep;
  for (auto [c, constant] : llvm::enumerate(constants)) {
    for (auto [dim, stride] : constant.strides)
      base[c] += at[dim] * stride;
    rowStep.push_back(constant.stride(roles.m));
    keyStep.push_back(constant.stride(roles.k2));
  }
  std::vector<const Outcome *> row(matrix.keys);
  SmallVector<unsigned> classes(numConstants);
  for (int64_t i = 0; i < matrix.rows; ++i) {
    double highest = -INFINITY, topFinite = -INFINITY;
    bool maybeHidden = false;
    for (int64_t j = 0; j < matrix.keys; ++j) {
      uint64_t tuple = 0, weight = 1;
      for (unsigned c = 0; c < numConstants; ++c) {
        classes[c] = constants[c].at(base[c] + i * rowStep[c] + j * keyStep[c]);
        tuple += classes[c] * weight;
        weight *= radices[c];
      }
      const Outcome &outcome = outcomes[tuple];
      if (outcome.value.kind != ScoreValue::Score) {
        why = "the score region does more to the mask than hide keys by it";
        return false;
      }
      bool masked = outcome.masked;
      for (MaskInterface part : known)
        if (!isa<attn::DenseAttr>(part))
          masked |= part.visible(i, j, {matrix.rows, matrix.keys}) == false;
      double offset = masked ? -INFINITY : outcome.value.offset;
      if (offset <= hiddenBelow) {
        matrix.hide(i, j);
        if (std::isfinite(offset))
          topFinite = std::max(topFinite, offset);
        continue;
      }
      highest = std::max(highest, offset);
      lowest = std::min(lowest, offset);
      maybeHidden |= outcome.value.maybeHidden;
      for (unsigned c = 0; c < numConstants; ++c)
        if (common[c] != int(classes[c]))
          common[c] = common[c] == -1 ? int(classes[c]) : -2;
    }
    if (!std::isfinite(topFinite))
      continue;
    if (topFinite > highest - distance) {
      why = "a row that is hidden as a whole sees its keys, since the mask is "
            "finite";
      return false;
    }
    if (maybeHidden || !rest.empty()) {
      why = "the mask is finite, and another one that is known only at run "
            "time may hide the other keys of a row";
      return false;
    }
  }
  return true;
}

/// All positions of the batch dimensions have to hide the same keys.
bool Inference::compareBatches(MaskMatrix &matrix, std::string &why) {
  SmallVector<int64_t> at(extents.size(), 0);
  SmallVector<unsigned> dims;
  for (const ConstantCapture &constant : constants)
    for (auto [dim, stride] : constant.strides)
      if (roles.isBatch(dim) && !llvm::is_contained(dims, dim))
        dims.push_back(dim);
  bool isFirst = true;
  while (true) {
    MaskMatrix here(matrix.rows, matrix.keys);
    if (!fillMatrix(here, at, why))
      return false;
    if (isFirst) {
      matrix = std::move(here);
    } else if (!(here == matrix)) {
      why = "the mask differs from one batch, head or window to the next";
      return false;
    }
    isFirst = false;
    unsigned next = 0;
    for (; next < dims.size(); ++next) {
      if (++at[dims[next]] < extents[dims[next]])
        break;
      at[dims[next]] = 0;
    }
    if (next == dims.size())
      return true;
  }
}

//===----------------------------------------------------------------------===//
// The new operation
//===----------------------------------------------------------------------===//

void Inference::apply(MaskInterface mask) {
  Region &score = op.getScore();
  if (!score.empty()) {
    OpBuilder builder = OpBuilder::atBlockBegin(&score.front());
    for (auto [constant, number] : llvm::zip_equal(constants, common)) {
      BlockArgument element = score.front().getArgument(constant.index + 1);
      if (number < 0 || element.use_empty() ||
          constant.values[number].kind != ScoreValue::Constant)
        continue;
      element.replaceAllUsesWith(arith::ConstantOp::create(
          builder, op.getLoc(),
          cast<TypedAttr>(constant.values[number].constant)));
    }
    foldRegion(score);
  }
  SmallVector<MaskInterface> parts = rest;
  if (mask)
    parts.insert(parts.begin(), mask);
  if (parts.empty())
    op.removeMaskAttr();
  else
    op.setMaskAttr(parts.size() == 1 ? parts.front()
                                     : cast<MaskInterface>(attn::AndAttr::get(
                                           op.getContext(), parts)));
  dropCaptures(op);
}

/// What the remark says; patterns are long.
static std::string nameOf(MaskInterface mask, const MaskMatrix &matrix) {
  std::string text;
  llvm::raw_string_ostream os(text);
  if (!mask)
    os << "hides nothing";
  else if (isa<attn::PatternAttr>(mask))
    os << "a pattern of " << matrix.rows << " x " << matrix.keys << " bits";
  else
    os << mask;
  if (mask)
    os << ", shows " << matrix.count() << " of " << matrix.rows * matrix.keys
       << " keys";
  return text;
}

bool Inference::run(std::string &why) {
  constexpr int64_t maxElements = int64_t(1) << 28;
  int64_t rows = extents[roles.m], keys = extents[roles.k2];
  if (!readCaptures(why))
    return false;
  if (ShapedType::isDynamic(rows) || ShapedType::isDynamic(keys) || rows <= 0 ||
      keys <= 0 || rows > maxElements / keys) {
    why = "the mask has too many elements, or none";
    return false;
  }
  if (!evaluate(why))
    return false;
  MaskMatrix matrix(rows, keys);
  if (!compareBatches(matrix, why))
    return false;
  MaskInterface mask = describeMask(op.getContext(), matrix);
  if (!mask && llvm::none_of(common, [](int number) { return number >= 0; })) {
    // Nothing but a bias, unless it is one that is meant to be a mask.
    constexpr double low = -30.0;
    if (lowest <= low)
      why = "no value of the mask is low enough to hide a key for certain";
    return false;
  }
  why = nameOf(mask, matrix);
  apply(mask);
  return true;
}

/// A mask that is computed from positions. The operation is tried on a copy,
/// since captures move into its region.
static bool inferFromPositions(AttentionOp &op, std::string &why) {
  if (op.getScore().empty() ||
      (op.getNormalizer() != attn::Normalizer::Softmax &&
       op.getNormalizer() != attn::Normalizer::SoftmaxPlusOne))
    return false;
  IRRewriter rewriter(op.getContext());
  rewriter.setInsertionPoint(op);
  auto copy = cast<AttentionOp>(rewriter.clone(*op));
  inlineIndexCaptures(copy);
  MaskInterface mask = takeIndexMask(copy, why);
  if (!mask) {
    rewriter.eraseOp(copy);
    return false;
  }
  llvm::raw_string_ostream(why) << mask;
  if (copy.getMask())
    mask = cast<MaskInterface>(
        attn::AndAttr::get(op.getContext(), {mask, *copy.getMask()}));
  copy.setMaskAttr(mask);
  foldRegion(copy.getScore());
  dropCaptures(copy);
  rewriter.replaceOp(op, copy);
  op = copy;
  return true;
}

namespace {
struct InferMasksPass : fovea::impl::InferMasksBase<InferMasksPass> {
  void runOnOperation() override {
    SmallVector<AttentionOp> ops;
    getOperation().walk([&](AttentionOp op) { ops.push_back(op); });
    for (AttentionOp op : ops) {
      std::string positions;
      bool isComputed = inferFromPositions(op, positions);
      if (!positions.empty())
        reportSite("mask", isComputed, {op}, positions);
      Inference inference(op);
      if (!inference.hasCandidates())
        continue;
      std::string why;
      bool isInferred = inference.run(why);
      if (!why.empty())
        reportSite("mask", isInferred, {op}, why);
    }
  }
};
} // namespace
