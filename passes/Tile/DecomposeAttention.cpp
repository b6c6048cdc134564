//===- DecomposeAttention.cpp - Attention as plain structured ops ---------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "AttentionBody.h"

#include "fovea/Schedule/Attention.h"
#include "fovea/passes/Tile/Passes.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace fovea;
using attn::AttentionOp;

namespace fovea {
#define GEN_PASS_DEF_DECOMPOSEATTENTION
#include "fovea/passes/Tile/Passes.h.inc"
} // namespace fovea

namespace {
/// Emits the parts of one attention over whole tensors.
class Decomposition {
public:
  Decomposition(OpBuilder &builder, AttentionOp op)
      : b(builder), loc(op.getLoc()), op(op), roles(op.getRoles()),
        compute(op.getComputeType()), extents(op.getExtents(builder)) {
    rowDims = roles.batch;
    rowDims.push_back(roles.m);
    scoreDims = rowDims;
    scoreDims.push_back(roles.k2);
    for (unsigned i = 0; i < op.getCaptures().size(); ++i)
      captures.push_back(
          dropUnitAxes(b, loc, op.getCaptures()[i], op.getCaptureMap(i)));
  }

  /// Emits everything and returns one value per init.
  SmallVector<Value> run();

private:
  /// The contraction of the query with every source of keys.
  DimTensor emitLogits();
  /// Scale, score region and mask.
  DimTensor emitScores(DimTensor logits);
  /// Normalises `scores` and applies the probability region. Sets `sum` and
  /// `maximum` for a softmax.
  DimTensor emitProbabilities(DimTensor scores);
  void emitStatistics(DimTensor scores);
  DimTensor emitOutput(DimTensor probabilities);
  /// `value` in the element type and layout of init `index`.
  Value emitInto(DimTensor value, unsigned index);

  /// An elementwise operation over the scores that may read the captures.
  DimTensor emitPointwise(
      DimTensor input, ArrayRef<DimTensor> more,
      function_ref<Value(OpBuilder &, ValueRange, const AttentionPoint &)>
          body);
  Value normalize(OpBuilder &nested, Value score, ValueRange statistics);
  bool isSoftmax() {
    return op.getNormalizer() == attn::Normalizer::Softmax ||
           op.getNormalizer() == attn::Normalizer::SoftmaxPlusOne;
  }
  /// The slice of `tensor` along K2 that belongs to one source.
  Value sliceKeys(DimTensor tensor, OpFoldResult offset, OpFoldResult size);

  OpBuilder &b;
  Location loc;
  AttentionOp op;
  attn::DimRoles roles;
  FloatType compute;
  SmallVector<OpFoldResult> extents;
  SmallVector<unsigned> rowDims, scoreDims;
  SmallVector<DimTensor> captures;
  DimTensor maximum, sum;
};
} // namespace

static OpFoldResult addSizes(OpBuilder &b, Location loc, OpFoldResult x,
                             OpFoldResult y) {
  AffineExpr s0, s1;
  bindSymbols(b.getContext(), s0, s1);
  return affine::makeComposedFoldedAffineApply(
      b, loc, AffineMap::get(0, 2, s0 + s1), {x, y});
}

Value Decomposition::sliceKeys(DimTensor tensor, OpFoldResult offset,
                               OpFoldResult size) {
  SmallVector<OpFoldResult> offsets, sizes;
  for (unsigned dim : tensor.dims) {
    offsets.push_back(dim == roles.k2 ? offset : b.getIndexAttr(0));
    sizes.push_back(dim == roles.k2 ? size : extents[dim]);
  }
  return tensor::ExtractSliceOp::create(
      b, loc, tensor.value, offsets, sizes,
      SmallVector<OpFoldResult>(sizes.size(), b.getIndexAttr(1)));
}

DimTensor Decomposition::emitLogits() {
  SmallVector<unsigned> space = scoreDims;
  space.push_back(roles.k1);
  DimTensor query = {op.getQuery(), dimsOf(op.getQueryMap())};
  SmallVector<OpFoldResult> sources = op.getSourceExtents(b);
  DimTensor logits = emitFilled(b, loc, scoreDims, extents, compute, 0.0);
  OpFoldResult offset = b.getIndexAttr(0);
  for (auto [source, key] : llvm::enumerate(op.getKeys())) {
    DimTensor out = logits;
    if (sources.size() > 1)
      out.value = sliceKeys(logits, offset, sources[source]);
    Value part =
        emitGeneric(b, loc, space, {query, {key, dimsOf(op.getKeyMap(source))}},
                    out, [&](OpBuilder &n, Location l, ValueRange e) -> Value {
                      Value product = arith::MulFOp::create(
                          n, l, castFloat(n, l, e[0], compute),
                          castFloat(n, l, e[1], compute));
                      return arith::AddFOp::create(n, l, e[2], product);
                    });
    if (sources.size() == 1) {
      logits.value = part;
      break;
    }
    SmallVector<OpFoldResult> offsets(scoreDims.size(), b.getIndexAttr(0));
    offsets.back() = offset;
    SmallVector<OpFoldResult> sizes;
    for (unsigned dim : scoreDims)
      sizes.push_back(extents[dim]);
    sizes.back() = sources[source];
    logits.value = tensor::InsertSliceOp::create(
        b, loc, part, logits.value, offsets, sizes,
        SmallVector<OpFoldResult>(sizes.size(), b.getIndexAttr(1)));
    offset = addSizes(b, loc, offset, sources[source]);
  }
  return logits;
}

DimTensor Decomposition::emitPointwise(
    DimTensor input, ArrayRef<DimTensor> more,
    function_ref<Value(OpBuilder &, ValueRange, const AttentionPoint &)> body) {
  SmallVector<DimTensor> inputs{input};
  llvm::append_range(inputs, more);
  llvm::append_range(inputs, captures);
  DimTensor out = emitEmpty(b, loc, scoreDims, extents, compute);
  unsigned firstCapture = 1 + more.size();
  out.value = emitGeneric(
      b, loc, scoreDims, inputs, out,
      [&](OpBuilder &n, Location l, ValueRange e) {
        auto position = [&](unsigned dim) -> Value {
          return linalg::IndexOp::create(
              n, l, llvm::find(scoreDims, dim) - scoreDims.begin());
        };
        SmallVector<Value> elements(e.slice(firstCapture, captures.size()));
        return body(n, e.take_front(firstCapture), {position, elements});
      });
  return out;
}

DimTensor Decomposition::emitScores(DimTensor logits) {
  return emitPointwise(
      logits, {}, [&](OpBuilder &n, ValueRange e, const AttentionPoint &point) {
        Value scale =
            floatConstant(n, loc, compute, op.getScale().convertToDouble());
        Value score = arith::MulFOp::create(n, loc, e[0], scale);
        score = emitRegion(n, loc, op.getScore(), score, point);
        bool linear = op.getNormalizer() == attn::Normalizer::None;
        Value hidden = floatConstant(
            n, loc, compute,
            linear ? 0.0 : -std::numeric_limits<double>::infinity());
        return emitMasked(n, loc, op, extents, score, hidden, point);
      });
}

void Decomposition::emitStatistics(DimTensor scores) {
  bool plusOne = op.getNormalizer() == attn::Normalizer::SoftmaxPlusOne;
  maximum =
      emitFilled(b, loc, rowDims, extents, compute,
                 plusOne ? 0.0 : -std::numeric_limits<double>::infinity());
  maximum.value = emitGeneric(b, loc, scoreDims, {scores}, maximum,
                              [](OpBuilder &n, Location l, ValueRange e) {
                                return emitMax(n, l, e[0], e[1]);
                              });
  sum = emitFilled(b, loc, rowDims, extents, compute, 0.0);
  sum.value = emitGeneric(b, loc, scoreDims, {scores, maximum}, sum,
                          [](OpBuilder &n, Location l, ValueRange e) -> Value {
                            Value shifted = arith::SubFOp::create(
                                n, l, e[0], emitSafeMax(n, l, e[1]));
                            return arith::AddFOp::create(
                                n, l, e[2], math::ExpOp::create(n, l, shifted));
                          });
  if (!plusOne)
    return;
  DimTensor total = emitEmpty(b, loc, rowDims, extents, compute);
  total.value =
      emitGeneric(b, loc, rowDims, {sum, maximum}, total,
                  [](OpBuilder &n, Location l, ValueRange e) -> Value {
                    Value one = math::ExpOp::create(
                        n, l, arith::NegFOp::create(n, l, e[1]));
                    return arith::AddFOp::create(n, l, e[0], one);
                  });
  sum = total;
}

Value Decomposition::normalize(OpBuilder &n, Value score,
                               ValueRange statistics) {
  Value zero = floatConstant(n, loc, compute, 0.0);
  Value one = floatConstant(n, loc, compute, 1.0);
  switch (op.getNormalizer()) {
  case attn::Normalizer::Softmax:
  case attn::Normalizer::SoftmaxPlusOne: {
    Value shifted = arith::SubFOp::create(n, loc, score,
                                          emitSafeMax(n, loc, statistics[0]));
    return arith::MulFOp::create(
        n, loc, math::ExpOp::create(n, loc, shifted),
        emitReciprocal(n, loc, statistics[1], op.getEmptyRow()));
  }
  case attn::Normalizer::Sigmoid: {
    Value inverse =
        math::ExpOp::create(n, loc, arith::NegFOp::create(n, loc, score));
    return arith::DivFOp::create(n, loc, one,
                                 arith::AddFOp::create(n, loc, one, inverse));
  }
  case attn::Normalizer::ReluSquared: {
    Value positive = arith::MaximumFOp::create(n, loc, score, zero);
    return arith::MulFOp::create(n, loc, positive, positive);
  }
  case attn::Normalizer::None:
    return score;
  }
  return score;
}

DimTensor Decomposition::emitProbabilities(DimTensor scores) {
  SmallVector<DimTensor> statistics;
  if (isSoftmax()) {
    emitStatistics(scores);
    statistics = {maximum, sum};
  }
  return emitPointwise(
      scores, statistics,
      [&](OpBuilder &n, ValueRange e, const AttentionPoint &point) {
        Value probability = normalize(n, e[0], e.drop_front());
        return emitRegion(n, loc, op.getProb(), probability, point);
      });
}

DimTensor Decomposition::emitOutput(DimTensor probabilities) {
  SmallVector<unsigned> space = rowDims;
  space.push_back(roles.n);
  space.push_back(roles.k2);
  unsigned init = op.getInitOfKind(attn::ResultKind::Output);
  DimTensor output =
      emitFilled(b, loc, dimsOf(op.getInitMap(init)), extents, compute, 0.0);
  SmallVector<OpFoldResult> sources = op.getSourceExtents(b);
  OpFoldResult offset = b.getIndexAttr(0);
  for (auto [source, value] : llvm::enumerate(op.getValues())) {
    DimTensor part = probabilities;
    if (sources.size() > 1)
      part.value = sliceKeys(probabilities, offset, sources[source]);
    output.value = emitGeneric(
        b, loc, space, {part, {value, dimsOf(op.getValueMap(source))}}, output,
        [&](OpBuilder &n, Location l, ValueRange e) -> Value {
          Value product =
              arith::MulFOp::create(n, l, e[0], castFloat(n, l, e[1], compute));
          return arith::AddFOp::create(n, l, e[2], product);
        });
    offset = addSizes(b, loc, offset, sources[source]);
  }
  return output;
}

Value Decomposition::emitInto(DimTensor value, unsigned index) {
  DimTensor init = {op.getInits()[index], dimsOf(op.getInitMap(index))};
  Type type = getElementTypeOrSelf(init.value);
  return emitGeneric(b, loc, init.dims, {value}, init,
                     [&](OpBuilder &n, Location l, ValueRange e) {
                       return castFloat(n, l, e[0], type);
                     });
}

SmallVector<Value> Decomposition::run() {
  DimTensor scores = emitScores(emitLogits());
  DimTensor probabilities = emitProbabilities(scores);
  SmallVector<Value> results;
  for (auto [index, kind] : llvm::enumerate(op.getKinds())) {
    switch (kind) {
    case attn::ResultKind::Output:
      results.push_back(emitInto(emitOutput(probabilities), index));
      break;
    case attn::ResultKind::Probabilities:
      results.push_back(emitInto(probabilities, index));
      break;
    case attn::ResultKind::LogSumExp: {
      DimTensor lse = emitEmpty(b, loc, rowDims, extents, compute);
      lse.value = emitGeneric(
          b, loc, rowDims, {maximum, sum}, lse,
          [](OpBuilder &n, Location l, ValueRange e) -> Value {
            return arith::AddFOp::create(n, l, emitSafeMax(n, l, e[0]),
                                         math::LogOp::create(n, l, e[1]));
          });
      results.push_back(emitInto(lse, index));
      break;
    }
    }
  }
  return results;
}

void fovea::decomposeAttention(RewriterBase &rewriter, AttentionOp op) {
  OpBuilder::InsertionGuard guard(rewriter);
  rewriter.setInsertionPoint(op);
  rewriter.replaceOp(op, Decomposition(rewriter, op).run());
}

namespace {
struct DecomposeAttention
    : fovea::impl::DecomposeAttentionBase<DecomposeAttention> {
  using DecomposeAttentionBase::DecomposeAttentionBase;
  void runOnOperation() override {
    SmallVector<AttentionOp> ops;
    getOperation()->walk([&](AttentionOp op) {
      if (!matrixOnly || chooseAttentionForm(op) == AttentionForm::Matrix)
        ops.push_back(op);
    });
    IRRewriter rewriter(&getContext());
    for (AttentionOp op : ops)
      decomposeAttention(rewriter, op);
  }
};
} // namespace
