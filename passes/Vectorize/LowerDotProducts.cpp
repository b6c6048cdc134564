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

/// The f32 lanes of one dot product.
static constexpr int64_t lanes = 16;

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
    VectorType left = op.getLhsType(), right = op.getRhsType();
    auto acc = dyn_cast<VectorType>(op.getAccType());
    if (!acc || !acc.getElementType().isF32() ||
        !left.getElementType().isBF16() || !right.getElementType().isBF16() ||
        op.getKind() != vector::CombiningKind::ADD || op.isMasked())
      return failure();
    bool hasRows = acc.getRank() == 2;
    if (acc.getRank() > 2 || right.getRank() != 2 ||
        left.getRank() != acc.getRank() || !isRowMajor(op, hasRows) ||
        right.getDimSize(0) != 2 || right.getDimSize(1) % lanes != 0)
      return failure();

    Location loc = op.getLoc();
    int64_t columns = right.getDimSize(1);
    SmallVector<Value> pairs = interleave(rewriter, loc, op.getRhs(), columns);
    Value result = op.getAcc();
    for (int64_t row = 0; row < (hasRows ? acc.getDimSize(0) : 1); ++row) {
      SmallVector<int64_t> position(hasRows ? 1 : 0, row);
      Value pair = broadcastPair(rewriter, loc,
                                 extract(rewriter, loc, op.getLhs(), position));
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
                                       int64_t columns) {
    SmallVector<Value> chunks;
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
  static Value broadcastPair(OpBuilder &b, Location loc, Value pair) {
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

struct LowerDotProducts : fovea::impl::LowerDotProductsBase<LowerDotProducts> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<LowerPairs>(&getContext());
    // Folding would take the rows of tiles apart, as in fovea-lower-vectors.
    GreedyRewriteConfig config;
    config.enableFolding(false);
    if (failed(
            applyPatternsGreedily(getOperation(), std::move(patterns), config)))
      signalPassFailure();
  }
};
} // namespace
