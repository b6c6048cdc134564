//===- TileKernels.cpp - Tile kernels as their schedules say --------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fovea/dialects/attn/Attn.h"
#include "fovea/passes/Tile/Passes.h"
#include "fovea/passes/Tile/StripMine.h"
#include "fovea/passes/Tile/TileBox.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/MemRef/Transforms/Transforms.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/SCF/Transforms/TileUsingInterface.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;

namespace fovea {
#define GEN_PASS_DEF_TILEKERNELS
#include "fovea/passes/Tile/Passes.h.inc"
} // namespace fovea

using namespace fovea;

/// The scheduled structured operation of `block`, not of its regions.
static linalg::LinalgOp findRoot(Block *block) {
  for (Operation &op : *block)
    if (attn::ScheduleAttr::of(&op))
      if (auto structured = dyn_cast<linalg::LinalgOp>(op))
        return structured;
  return nullptr;
}

/// Folds what tiling leaves behind, so that the next level sees static sizes,
/// and drops the operations that tiles replaced.
static void cleanUp(Operation *op) {
  MLIRContext *context = op->getContext();
  RewritePatternSet patterns =
      linalg::getLinalgTilingCanonicalizationPatterns(context);
  tensor::ExtractSliceOp::getCanonicalizationPatterns(patterns, context);
  tensor::CastOp::getCanonicalizationPatterns(patterns, context);
  memref::populateResolveRankedShapedTypeResultDimsPatterns(patterns);
  (void)applyPatternsGreedily(op, std::move(patterns));
}

/// How many steps a loop of the root makes, as a value that does not depend on
/// the operations of its block.
static OpFoldResult getExtent(OpBuilder &builder, linalg::LinalgOp root,
                              unsigned loop) {
  Block *block = root->getBlock();
  OpFoldResult extent;
  for (OpOperand &operand : root->getOpOperands()) {
    AffineMap map = root.getMatchingIndexingMap(&operand);
    for (auto [dim, expr] : llvm::enumerate(map.getResults())) {
      if (expr != builder.getAffineDimExpr(loop))
        continue;
      Value value = findDestination(operand.get(), block);
      if (value != operand.get() && !root.isDpsInit(&operand))
        continue;
      extent = tensor::getMixedSize(builder, root.getLoc(), value, dim);
      if (isa<Attribute>(extent))
        return extent;
    }
  }
  return extent;
}

enum class Remainder {
  /// One smaller tile.
  Whole,
  /// Tiles whose sizes are powers of two: what a loop carries in vectors of
  /// another length, LLVM takes apart element by element.
  PowersOfTwo,
  /// The last tiles of a static extent are made nearly as large as the others.
  Balanced,
  /// The last tile of a static extent begins early enough to be whole; what it
  /// shares with the one before is computed twice.
  Overlapping
};

/// Cuts one loop into ranges whose tiles are static.
static SmallVector<TileRange> cutLoop(OpBuilder &builder, Location loc,
                                      unsigned loop, OpFoldResult extent,
                                      int64_t step, Remainder remainder) {
  auto index = [&](int64_t value) -> OpFoldResult {
    return builder.getIndexAttr(value);
  };
  std::optional<int64_t> size = getConstantIntValue(extent);
  if (!size) {
    // Whole tiles, then quarters of one, then single steps.
    SmallVector<TileRange> ranges;
    OpFoldResult begin = index(0);
    AffineExpr dim = builder.getAffineDimExpr(0);
    // Each length divides the one before, so that each range starts at one of
    // its own multiples.
    int64_t quarter = step % 4 == 0 ? step / 4 : 1;
    for (int64_t length = step; length > 1;
         length = length == step ? quarter : 1) {
      OpFoldResult end = affine::makeComposedFoldedAffineApply(
          builder, loc, dim.floorDiv(length) * length, {extent});
      ranges.push_back({loop, begin, end, length});
      begin = end;
    }
    ranges.push_back({loop, begin, extent, 1});
    return ranges;
  }
  if (remainder == Remainder::Overlapping) {
    step = llvm::bit_floor<uint64_t>(std::min(step, *size));
    SmallVector<TileRange> ranges = {
        {loop, index(0), index(*size - *size % step), step}};
    if (*size % step != 0)
      ranges.push_back({loop, index(*size - step), index(*size), step});
    return ranges;
  }
  if (*size <= step &&
      (remainder != Remainder::PowersOfTwo || llvm::isPowerOf2_64(*size)))
    return {{loop, index(0), index(*size), *size}};
  int64_t tail = *size % step;
  if (tail == 0)
    return {{loop, index(0), extent, step}};
  if (remainder != Remainder::Balanced) {
    SmallVector<TileRange> ranges;
    if (*size > tail)
      ranges.push_back({loop, index(0), index(*size - tail), step});
    for (int64_t begin = *size - tail; begin < *size;) {
      int64_t length = *size - begin;
      if (remainder == Remainder::PowersOfTwo)
        length = llvm::bit_floor<uint64_t>(length);
      ranges.push_back({loop, index(begin), index(begin + length), length});
      begin += length;
    }
    return ranges;
  }
  int64_t count = llvm::divideCeil(*size, step);
  int64_t low = *size / count, highCount = *size - low * count;
  int64_t split = highCount * (low + 1);
  return {{loop, index(0), index(split), low + 1},
          {loop, index(split), extent, low}};
}

static bool isWholeLoop(ArrayRef<TileRange> ranges) {
  return ranges.size() == 1 &&
         getConstantIntValue(ranges[0].end) == ranges[0].step &&
         isZeroInteger(ranges[0].begin);
}

/// All combinations of one range of each loop.
static SmallVector<SmallVector<TileRange>>
combine(ArrayRef<SmallVector<TileRange>> loops) {
  SmallVector<SmallVector<TileRange>> boxes(1);
  for (const SmallVector<TileRange> &ranges : loops) {
    SmallVector<SmallVector<TileRange>> next;
    for (const TileRange &range : ranges)
      for (const SmallVector<TileRange> &box : boxes) {
        next.push_back(box);
        next.back().push_back(range);
      }
    boxes = std::move(next);
  }
  return boxes;
}

/// What a block computes: the operands of its terminator, or of the insertions
/// at the end of a parallel loop.
static SmallVector<OpOperand *> getResultUses(Block *block) {
  SmallVector<OpOperand *> uses;
  Operation *terminator = block->getTerminator();
  if (auto parallel = dyn_cast<scf::InParallelOp>(terminator)) {
    for (Operation &op : parallel.getYieldingOps())
      uses.push_back(
          &cast<tensor::ParallelInsertSliceOp>(op).getSourceMutable());
    return uses;
  }
  for (OpOperand &operand : terminator->getOpOperands())
    uses.push_back(&operand);
  return uses;
}

/// Whether a tile of each result says which part of the result it is: every
/// tiled loop runs along one of its dimensions.
static bool canCut(const LoopLabels &labels, ValueRange results,
                   unsigned loop) {
  return llvm::all_of(results, [&](Value result) {
    return llvm::count(labels.ofValue(result), static_cast<int>(loop)) == 1;
  });
}

/// Tiles `block` by the sizes of one level, into one parallel loop or into
/// sequential loops per remainder. A loop that cannot be cut stays whole.
static LogicalResult tileLevel(RewriterBase &rewriter, Block *block,
                               StringRef level, bool parallel) {
  linalg::LinalgOp root = findRoot(block);
  ArrayRef<int64_t> sizes = attn::ScheduleAttr::of(root).getLevel(level);
  SmallVector<OpOperand *> uses = getResultUses(block);
  SmallVector<Value> results, destinations;
  for (OpOperand *use : uses) {
    results.push_back(use->get());
    destinations.push_back(findDestination(use->get(), block));
  }
  LoopLabels labels(root);
  int64_t columns = attn::ScheduleAttr::of(root).getOption("columns", -1),
          overlap = attn::ScheduleAttr::of(root).getOption("overlap", -1);
  rewriter.setInsertionPoint(block->getTerminator());
  SmallVector<SmallVector<TileRange>> loops;
  for (auto [loop, size] : llvm::enumerate(sizes)) {
    if (size == 0 || !canCut(labels, results, loop))
      continue;
    Remainder remainder = Remainder::Whole;
    if (static_cast<int64_t>(loop) == columns)
      remainder = Remainder::PowersOfTwo;
    else if (static_cast<int64_t>(loop) == overlap)
      remainder = Remainder::Overlapping;
    else if (columns >= 0 && !parallel)
      remainder = Remainder::Balanced;
    SmallVector<TileRange> ranges =
        cutLoop(rewriter, root.getLoc(), loop, getExtent(rewriter, root, loop),
                size, remainder);
    if (!isWholeLoop(ranges))
      loops.push_back(ranges);
  }
  if (loops.empty())
    return success();
  for (ArrayRef<TileRange> box : combine(loops)) {
    FailureOr<SmallVector<Value>> updated =
        tileBox(rewriter, block, labels, results, destinations, box, parallel);
    if (failed(updated))
      return failure();
    destinations = std::move(*updated);
  }
  for (auto [use, value] : llvm::zip_equal(uses, destinations))
    use->set(value);
  return success();
}

/// Replaces `root` by sequential loops over tiles of `sizes`; returns the
/// operation of one tile.
static FailureOr<linalg::LinalgOp> tileToLoops(RewriterBase &rewriter,
                                               linalg::LinalgOp root,
                                               ArrayRef<int64_t> sizes) {
  scf::SCFTilingOptions options;
  options.setTileSizes(getAsIndexOpFoldResult(rewriter.getContext(), sizes));
  rewriter.setInsertionPoint(root);
  auto tiled = scf::tileUsingSCF(
      rewriter, cast<TilingInterface>(root.getOperation()), options);
  if (failed(tiled))
    return failure();
  rewriter.replaceOp(root, tiled->replacements);
  return cast<linalg::LinalgOp>(tiled->tiledOps.front());
}

/// Cuts the reduction of `root` into blocks that each start from zero and are
/// added up: rounding errors grow with the length of a chain of additions.
/// Returns the contraction of one block.
static FailureOr<linalg::LinalgOp>
sumByBlocks(RewriterBase &rewriter, linalg::LinalgOp root, int64_t block) {
  SmallVector<unsigned> loops;
  root.getReductionDims(loops);
  SmallVector<int64_t> sizes(root.getNumLoops(), 0);
  sizes[loops.front()] = block;
  FailureOr<linalg::LinalgOp> tiled = tileToLoops(rewriter, root, sizes);
  if (failed(tiled))
    return failure();
  linalg::LinalgOp inner = *tiled;

  Location loc = inner.getLoc();
  rewriter.setInsertionPoint(inner);
  OpOperand *init = inner.getDpsInitOperand(0);
  auto type = cast<RankedTensorType>(init->get().getType());
  Value zero = arith::ConstantOp::create(
      rewriter, loc, rewriter.getZeroAttr(type.getElementType()));
  Value empty = tensor::EmptyOp::create(
      rewriter, loc, tensor::getMixedSizes(rewriter, loc, init->get()),
      type.getElementType());
  Value start = linalg::FillOp::create(rewriter, loc, zero, empty).getResult(0);
  Operation *fresh = rewriter.clone(*inner);
  fresh->setOperand(init->getOperandNumber(), start);
  AffineMap identity = rewriter.getMultiDimIdentityMap(type.getRank());
  auto sum = linalg::GenericOp::create(
      rewriter, loc, type, fresh->getResult(0), init->get(),
      ArrayRef<AffineMap>{identity, identity},
      SmallVector<utils::IteratorType>(type.getRank(),
                                       utils::IteratorType::parallel),
      [](OpBuilder &b, Location bodyLoc, ValueRange args) {
        Value total = arith::AddFOp::create(b, bodyLoc, args[0], args[1]);
        linalg::YieldOp::create(b, bodyLoc, total);
      });
  rewriter.replaceOp(inner, sum.getResults());
  return cast<linalg::LinalgOp>(fresh);
}

/// Tiles the reductions of the scheduled operation of one innermost tile.
static LogicalResult tileReduction(RewriterBase &rewriter,
                                   linalg::LinalgOp root) {
  attn::ScheduleAttr schedule = attn::ScheduleAttr::of(root);
  ArrayRef<int64_t> sizes = schedule.getLevel("reduction");
  if (int64_t block = schedule.getOption("block", 0)) {
    FailureOr<linalg::LinalgOp> inner = sumByBlocks(rewriter, root, block);
    if (failed(inner))
      return failure();
    root = *inner;
  }
  if (llvm::all_of(sizes, [](int64_t size) { return size == 0; }))
    return success();
  return tileToLoops(rewriter, root, sizes);
}

/// Cuts the copies and fills that pad a tile into rows: as one vector they
/// would need more registers than there are.
static LogicalResult cutBorders(RewriterBase &rewriter, func::FuncOp function) {
  constexpr int64_t strip = 64, minElements = 512;
  SmallVector<linalg::LinalgOp> ops;
  function.walk([&](linalg::LinalgOp op) {
    if (isa<linalg::CopyOp, linalg::FillOp>(op) &&
        op->getParentOfType<scf::ForallOp>() &&
        cast<RankedTensorType>(op->getResult(0).getType()).hasStaticShape() &&
        cast<RankedTensorType>(op->getResult(0).getType()).getNumElements() >
            minElements)
      ops.push_back(op);
  });
  for (linalg::LinalgOp op : ops)
    if (!attn::ScheduleAttr::of(op) && failed(stripMine(rewriter, op, strip)))
      return failure();
  cleanUp(function);
  return success();
}

static LogicalResult tileKernel(func::FuncOp function) {
  IRRewriter rewriter(function.getContext());
  Block *body = &function.getBody().front();
  padInParallel(rewriter, body);
  if (failed(tileLevel(rewriter, body, "workgroup", /*parallel=*/true)))
    return failure();
  cleanUp(function);
  SmallVector<Block *> blocks;
  if (findRoot(body))
    blocks.push_back(body);
  function.walk([&](scf::ForallOp op) {
    if (findRoot(op.getBody()))
      blocks.push_back(op.getBody());
  });
  for (Block *block : blocks)
    if (failed(tileLevel(rewriter, block, "register", /*parallel=*/false)))
      return failure();
  cleanUp(function);
  if (failed(cutBorders(rewriter, function)))
    return failure();
  SmallVector<linalg::LinalgOp> roots, strips;
  int64_t strip = 0;
  function.walk([&](linalg::LinalgOp op) {
    if (attn::ScheduleAttr schedule = attn::ScheduleAttr::of(op)) {
      roots.push_back(op);
      strip = std::max(strip, schedule.getOption("strip", 0));
    }
    strips.push_back(op);
  });
  if (strip != 0) {
    for (linalg::LinalgOp op : strips)
      if (failed(stripMine(rewriter, op, strip)))
        return failure();
  } else {
    for (linalg::LinalgOp root : roots)
      if (failed(tileReduction(rewriter, root)))
        return failure();
  }
  cleanUp(function);
  return success();
}

namespace {
struct TileKernels : fovea::impl::TileKernelsBase<TileKernels> {
  void runOnOperation() override {
    func::FuncOp function = getOperation();
    if (!function->hasAttr("fovea.kernel") || function.isExternal() ||
        !findRoot(&function.getBody().front()))
      return;
    if (failed(tileKernel(function))) {
      function.emitError("this kernel cannot be tiled by its schedule");
      signalPassFailure();
    }
  }
};
} // namespace
