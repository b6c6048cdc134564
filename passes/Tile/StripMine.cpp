//===- StripMine.cpp - Cut an operation into vector-sized pieces ----------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fovea/passes/Tile/StripMine.h"

#include "mlir/Analysis/SliceAnalysis.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Linalg/Utils/Utils.h"
#include "mlir/Dialect/SCF/Transforms/TileUsingInterface.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Interfaces/TilingInterface.h"

using namespace mlir;
using namespace fovea;

/// The loop along the last dimension of the largest tensor that `op` touches.
static std::optional<unsigned> findInnermostLoop(linalg::LinalgOp op) {
  std::optional<unsigned> innermost;
  unsigned best = 0;
  for (OpOperand &operand : op->getOpOperands()) {
    AffineMap map = op.getMatchingIndexingMap(&operand);
    if (map.getNumResults() < best + 1)
      continue;
    auto last = dyn_cast<AffineDimExpr>(map.getResults().back());
    if (!last)
      continue;
    best = map.getNumResults();
    innermost = last.getPosition();
  }
  return innermost;
}

/// Tiles `op` by `sizes` and returns the operation in the innermost loop, or
/// `op` itself where nothing had to be tiled.
static FailureOr<linalg::LinalgOp>
tile(RewriterBase &rewriter, linalg::LinalgOp op, ArrayRef<int64_t> sizes) {
  if (llvm::all_of(sizes, [](int64_t size) { return size == 0; }))
    return op;
  scf::SCFTilingOptions options;
  options.setTileSizes(getAsIndexOpFoldResult(op->getContext(), sizes));
  rewriter.setInsertionPoint(op);
  auto tiled = scf::tileUsingSCF(
      rewriter, cast<TilingInterface>(op.getOperation()), options);
  if (failed(tiled))
    return failure();
  rewriter.replaceOp(op, tiled->replacements);
  return cast<linalg::LinalgOp>(tiled->tiledOps.front());
}

/// Tiles a reduction along `loop` so that each lane of a piece keeps its own
/// partial result.
static LogicalResult tilePartialReduction(RewriterBase &rewriter,
                                          linalg::LinalgOp op, unsigned loop,
                                          int64_t strip) {
  // Asked beforehand, as upstream reports an error for what it cannot split.
  SmallVector<Operation *> combiners;
  for (int64_t i = 0; i < op.getNumDpsInits(); ++i) {
    combiners.clear();
    if (!matchReduction(op.getRegionOutputArgs(), i, combiners) ||
        combiners.size() != 1 || !arith::getNeutralElement(combiners[0]))
      return success();
  }
  SmallVector<int64_t> sizes(op.getNumLoops(), 0);
  sizes[loop] = strip;
  scf::SCFTilingOptions options;
  options.setTileSizes(getAsIndexOpFoldResult(op->getContext(), sizes));
  options.setReductionTilingStrategy(
      ReductionTilingStrategy::PartialReductionOuterReduction);
  options.setReductionDims({loop});
  rewriter.setInsertionPoint(op);
  auto tiled = scf::tileUsingSCF(
      rewriter, cast<TilingInterface>(op.getOperation()), options);
  if (failed(tiled))
    return failure();
  rewriter.replaceOp(op, tiled->replacements);
  return success();
}

/// Cuts the innermost loop of `op`, whose length is a multiple of `strip`.
static LogicalResult cutInnermost(RewriterBase &rewriter, linalg::LinalgOp op,
                                  unsigned loop, int64_t strip) {
  if (op.getIteratorTypesArray()[loop] == utils::IteratorType::reduction)
    return tilePartialReduction(rewriter, op, loop, strip);
  SmallVector<int64_t> sizes(op.getNumLoops(), 0);
  sizes[loop] = strip;
  return success(succeeded(tile(rewriter, op, sizes)));
}

LogicalResult fovea::stripMine(RewriterBase &rewriter, linalg::LinalgOp op,
                               int64_t strip) {
  std::optional<unsigned> innermost = findInnermostLoop(op);
  if (!innermost)
    return success();
  SmallVector<int64_t> extents = op.getStaticLoopRanges();
  int64_t extent = extents[*innermost];
  if (ShapedType::isDynamic(extent))
    return success();
  SmallVector<int64_t> single(extents.size(), 0);
  for (auto [loop, size] : llvm::enumerate(single))
    if (loop != *innermost && extents[loop] != 1)
      size = 1;
  FailureOr<linalg::LinalgOp> row = tile(rewriter, op, single);
  if (failed(row))
    return failure();
  if (extent <= strip)
    return success();
  int64_t tail = extent % strip;
  linalg::LinalgOp whole = *row;
  if (tail != 0) {
    rewriter.setInsertionPoint(*row);
    auto [first, second] =
        linalg::splitOp(rewriter, cast<TilingInterface>(row->getOperation()),
                        *innermost, rewriter.getIndexAttr(extent - tail));
    if (!first || !second)
      return failure();
    whole = cast<linalg::LinalgOp>(first.getOperation());
  }
  return cutInnermost(rewriter, whole, *innermost, strip);
}
