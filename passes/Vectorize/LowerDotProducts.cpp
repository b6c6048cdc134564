//===- LowerDotProducts.cpp - Contractions over pairs of bf16 -------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fovea/passes/Vectorize/Passes.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Dialect/X86Vector/X86VectorDialect.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;

namespace fovea {
#define GEN_PASS_DEF_LOWERDOTPRODUCTS
#include "fovea/passes/Vectorize/Passes.h.inc"
} // namespace fovea

/// The f32 lanes of the widest dot product that `columns` consist of, or 0.
static int64_t chooseLanes(int64_t columns) {
  for (int64_t lanes : {16, 8, 4})
    if (columns % lanes == 0)
      return lanes;
  return 0;
}

/// Whether `op` sums products of bf16 in f32.
static bool isContractionOfBF16(vector::ContractionOp op) {
  auto acc = dyn_cast<VectorType>(op.getAccType());
  return acc && acc.getElementType().isF32() &&
         op.getLhsType().getElementType().isBF16() &&
         op.getRhsType().getElementType().isBF16() &&
         op.getKind() == vector::CombiningKind::ADD && !op.isMasked();
}

/// Whether the maps of `op` are (m, k), (k, n), (m, n), or the same without m.
static bool isRowMajor(vector::ContractionOp op, bool hasRows) {
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  unsigned first = hasRows ? 1 : 0;
  if (maps[0].getNumResults() != first + 1 || maps[1].getNumResults() != 2 ||
      maps[2].getNumResults() != first + 1)
    return false;
  AffineExpr k = maps[0].getResult(first), n = maps[1].getResult(1);
  return maps[1].getResult(0) == k && maps[2].getResult(first) == n &&
         (!hasRows || maps[0].getResult(0) == maps[2].getResult(0));
}

namespace {
struct LowerPairs : OpRewritePattern<vector::ContractionOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(vector::ContractionOp op,
                                PatternRewriter &rewriter) const override {
    if (!isContractionOfBF16(op))
      return failure();
    VectorType left = op.getLhsType(), right = op.getRhsType();
    auto acc = cast<VectorType>(op.getAccType());
    bool hasRows = acc.getRank() == 2;
    if (acc.getRank() > 2 || right.getRank() != 2 ||
        left.getRank() != acc.getRank() || !isRowMajor(op, hasRows) ||
        right.getDimSize(0) != 2)
      return failure();
    int64_t columns = right.getDimSize(1), lanes = chooseLanes(columns);
    if (lanes == 0)
      return failure();

    Location loc = op.getLoc();
    SmallVector<Value> pairs = interleave(rewriter, loc, op.getRhs(), lanes);
    Value result = op.getAcc();
    for (int64_t row = 0; row < (hasRows ? acc.getDimSize(0) : 1); ++row) {
      SmallVector<int64_t> position(hasRows ? 1 : 0, row);
      Value pair = broadcastPair(
          rewriter, loc, extract(rewriter, loc, op.getLhs(), position), lanes);
      Value sums = extract(rewriter, loc, op.getAcc(), position);
      for (int64_t chunk = 0; chunk < columns / lanes; ++chunk) {
        Value part = vector::ExtractStridedSliceOp::create(
            rewriter, loc, sums, chunk * lanes, lanes, 1);
        part = x86vector::DotBF16Op::create(rewriter, loc, part.getType(), part,
                                            pair, pairs[chunk]);
        sums = vector::InsertStridedSliceOp::create(rewriter, loc, part, sums,
                                                    chunk * lanes, 1);
      }
      result = hasRows ? vector::InsertOp::create(rewriter, loc, sums, result,
                                                  position)
                             .getResult()
                       : sums;
    }
    rewriter.replaceOp(op, result);
    return success();
  }

private:
  static Value extract(OpBuilder &b, Location loc, Value vector,
                       ArrayRef<int64_t> position) {
    if (position.empty())
      return vector;
    return vector::ExtractOp::create(b, loc, vector, position);
  }

  /// Both rows of `matrix`, element by element in turn, in chunks.
  static SmallVector<Value> interleave(OpBuilder &b, Location loc, Value matrix,
                                       int64_t lanes) {
    SmallVector<Value> chunks;
    int64_t columns = cast<VectorType>(matrix.getType()).getDimSize(1);
    Value rows[] = {vector::ExtractOp::create(b, loc, matrix, 0),
                    vector::ExtractOp::create(b, loc, matrix, 1)};
    for (int64_t column = 0; column < columns; column += lanes) {
      auto part = [&](Value row) {
        return vector::ExtractStridedSliceOp::create(b, loc, row, column, lanes,
                                                     1);
      };
      chunks.push_back(
          vector::InterleaveOp::create(b, loc, part(rows[0]), part(rows[1])));
    }
    return chunks;
  }

  /// Two elements, repeated for each lane.
  static Value broadcastPair(OpBuilder &b, Location loc, Value pair,
                             int64_t lanes) {
    Type word = b.getI32Type();
    Value both =
        vector::BitCastOp::create(b, loc, VectorType::get(1, word), pair);
    both = vector::ExtractOp::create(b, loc, both, 0);
    both =
        vector::BroadcastOp::create(b, loc, VectorType::get(lanes, word), both);
    return vector::BitCastOp::create(
        b, loc, VectorType::get(2 * lanes, b.getBF16Type()), both);
  }
};

/// Takes the two steps of what has no such product one after the other, as
/// other targets do.
struct SplitPairs : OpRewritePattern<vector::ContractionOp> {
  SplitPairs(MLIRContext *context) : OpRewritePattern(context, /*benefit=*/0) {}

  LogicalResult matchAndRewrite(vector::ContractionOp op,
                                PatternRewriter &rewriter) const override {
    if (!isContractionOfBF16(op))
      return failure();
    std::optional<unsigned> loop;
    for (auto [dim, kind] : llvm::enumerate(op.getIteratorTypesArray()))
      if (kind == vector::IteratorType::reduction) {
        if (loop)
          return failure();
        loop = dim;
      }
    if (!loop)
      return failure();
    SmallVector<AffineMap> maps = op.getIndexingMapsArray();
    AffineExpr dim = rewriter.getAffineDimExpr(*loop);
    std::optional<unsigned> left = maps[0].getResultPosition(dim),
                            right = maps[1].getResultPosition(dim);
    if (!left || !right || op.getLhsType().getDimSize(*left) != 2)
      return failure();
    Value acc = op.getAcc();
    for (int64_t step = 0; step < 2; ++step)
      acc = vector::ContractionOp::create(
          rewriter, op.getLoc(), takeStep(rewriter, op.getLhs(), *left, step),
          takeStep(rewriter, op.getRhs(), *right, step), acc,
          op.getIndexingMaps(), op.getIteratorTypes(), op.getKind());
    rewriter.replaceOp(op, acc);
    return success();
  }

private:
  static Value takeStep(OpBuilder &b, Value vector, unsigned dim,
                        int64_t step) {
    SmallVector<int64_t> sizes(cast<VectorType>(vector.getType()).getShape());
    SmallVector<int64_t> offsets(sizes.size(), 0), strides(sizes.size(), 1);
    offsets[dim] = step;
    sizes[dim] = 1;
    return vector::ExtractStridedSliceOp::create(b, vector.getLoc(), vector,
                                                 offsets, sizes, strides);
  }
};

struct LowerDotProducts : fovea::impl::LowerDotProductsBase<LowerDotProducts> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<LowerPairs, SplitPairs>(&getContext());
    // Folding would take the rows of tiles apart, as in fovea-lower-vectors.
    GreedyRewriteConfig config;
    config.enableFolding(false);
    if (failed(
            applyPatternsGreedily(getOperation(), std::move(patterns), config)))
      signalPassFailure();
  }
};
} // namespace
