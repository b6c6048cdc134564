//===- AttentionTile.h - One tile of queries of an attention ----*- C++ -*-===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_PASSES_TILE_ATTENTIONTILE_H
#define FOVEA_PASSES_TILE_ATTENTIONTILE_H

#include "AttentionBody.h"

#include "fovea/Analysis/MaskTable.h"

namespace fovea {

/// The statistics that the loop over the keys carries.
struct OnlineState {
  mlir::Value acc, max, sum;
};

/// Emits what one tile of query rows of an attention computes: packing of the
/// query, loops over the tiles of keys that the mask leaves, and the division
/// by the row sums. Where there are enough of them, rows are the innermost
/// dimension of everything in between, so that a vector holds one number for
/// each of several queries: keys and values are then read one element at a time
/// in their own layout, and row statistics need no horizontal reduction.
class AttentionTile {
public:
  /// `batch` are the positions along the batch dimensions, `row` the first
  /// query row of the tile and `rows` their number. `extents` are those of the
  /// iteration space.
  AttentionTile(mlir::OpBuilder &builder, attn::AttentionOp op,
                attn::ScheduleAttr schedule,
                llvm::ArrayRef<mlir::OpFoldResult> extents,
                llvm::ArrayRef<mlir::OpFoldResult> sources,
                mlir::ValueRange batch, mlir::OpFoldResult row, int64_t rows);

  /// Has the tiles of keys taken from a table, by the number of the tile.
  void useTable(const MaskTable &visits, mlir::Value number) {
    table = &visits;
    tileNumber = number;
  }

  /// Emits the tile; `outs` are the tiles of the inits that it overwrites.
  llvm::SmallVector<mlir::Value> run(mlir::ValueRange outs);

  /// Emits the tile as an attention over all keys of its rows, without batch
  /// dimensions; mask and offsets go into its regions.
  llvm::SmallVector<mlir::Value> sliceAllKeys(mlir::ValueRange outs);

  /// Where the tile of init `index` lies, by axis of the init.
  void getInitPosition(unsigned index,
                       llvm::SmallVectorImpl<mlir::OpFoldResult> &offsets,
                       llvm::SmallVectorImpl<mlir::OpFoldResult> &sizes);

  /// Slices init `index`; batch dimensions are dropped.
  mlir::Value sliceInit(unsigned index, mlir::Value init);

private:
  /// Keys of one source that one loop takes in.
  struct KeyRange {
    mlir::OpFoldResult begin, end;
    int64_t step;
    bool masked;
  };

  /// The dimension of a tile's operation that is `dim`, which is not a batch.
  unsigned toTileDim(unsigned dim);
  /// The affine map of a tile's operand with the dimensions `dims`.
  mlir::AffineMap mapOf(llvm::ArrayRef<unsigned> dims);
  /// The position along a dimension inside of a region of the tile's operation
  /// whose keys begin at `firstKey`.
  mlir::Value emitPosition(mlir::OpBuilder &builder, mlir::Location loc,
                           unsigned dim, mlir::OpFoldResult firstKey);
  DimTensor slice(mlir::Value tensor, mlir::AffineMap map,
                  mlir::OpFoldResult key, int64_t numKeys);
  llvm::SmallVector<unsigned> accDims();
  mlir::Value packQuery();
  OnlineState initialState();
  llvm::SmallVector<KeyRange> keyRanges(unsigned source,
                                        mlir::OpFoldResult base);
  void addTailRanges(llvm::SmallVectorImpl<KeyRange> &ranges,
                     mlir::OpFoldResult begin, mlir::OpFoldResult end,
                     mlir::OpFoldResult limit, bool masked);
  void addMaskedRanges(llvm::SmallVectorImpl<KeyRange> &ranges,
                       mlir::OpFoldResult base, mlir::OpFoldResult size,
                       mlir::OpFoldResult gridEnd, int64_t step);
  mlir::Value readCapture(unsigned capture);
  /// What hides some of the keys that an attn.online takes in: nothing, the
  /// mask of the operation, or bits of the table, one word for each key.
  struct Hiding {
    bool byMask = false;
    mlir::Value words;
  };
  OnlineState takeKeys(unsigned source, mlir::OpFoldResult base,
                       mlir::Value key, int64_t numKeys, Hiding hiding,
                       OnlineState state);
  OnlineState visitTable(OnlineState state);
  OnlineState loopOverKeys(unsigned source, mlir::OpFoldResult base,
                           const KeyRange &range, OnlineState state);
  mlir::Value emitOutput(OnlineState state, mlir::Value out, unsigned index);
  mlir::Value emitLogSumExp(OnlineState state, mlir::Value out);
  mlir::OpFoldResult apply(mlir::AffineExpr expr,
                           llvm::ArrayRef<mlir::OpFoldResult> operands);
  mlir::OpFoldResult minimum(mlir::OpFoldResult a, mlir::OpFoldResult b);
  mlir::OpFoldResult maximum(mlir::OpFoldResult a, mlir::OpFoldResult b);

  mlir::OpBuilder &b;
  mlir::Location loc;
  attn::AttentionOp op;
  attn::ScheduleAttr schedule;
  attn::DimRoles roles;
  mlir::FloatType compute;
  llvm::SmallVector<mlir::OpFoldResult> extents, sources;
  llvm::SmallVector<mlir::Value> batch;
  mlir::OpFoldResult row;
  int64_t rows, keyDim, valueDim;
  /// Whether the rows are the lanes of vectors: not if there are too few.
  bool rowsInLanes;
  /// Positions and sizes of the tile by dimension.
  llvm::SmallVector<mlir::OpFoldResult> offsets, sizes;
  mlir::Value query;
  const MaskTable *table = nullptr;
  mlir::Value tileNumber;
};

/// Runs `body` over [0, extent) in steps of at most `step`, as nearly equal as
/// possible, so that every tile is of static size. `body` is given the start,
/// the size and the carried values.
llvm::SmallVector<mlir::Value> forBalanced(
    mlir::OpBuilder &builder, mlir::Location loc, int64_t extent, int64_t step,
    mlir::ValueRange carried,
    llvm::function_ref<llvm::SmallVector<mlir::Value>(
        mlir::OpBuilder &, mlir::OpFoldResult, int64_t, mlir::ValueRange)>
        body);

/// As forBalanced, but in steps of exactly `step` and a shorter last one.
llvm::SmallVector<mlir::Value>
forBlocks(mlir::OpBuilder &builder, mlir::Location loc, int64_t extent,
          int64_t step, mlir::ValueRange carried,
          llvm::function_ref<llvm::SmallVector<mlir::Value>(
              mlir::OpBuilder &, mlir::OpFoldResult, int64_t, mlir::ValueRange)>
              body);

/// Applies an elementwise body block by block, where the axes of input and
/// output may come in different orders; a block fits a transposition in
/// registers. `inputs` and `output` run over the two dimensions `dims` or one
/// of them.
mlir::Value
emitBlockwise(mlir::OpBuilder &builder, mlir::Location loc,
              llvm::ArrayRef<unsigned> dims, llvm::ArrayRef<int64_t> extents,
              int64_t block, llvm::ArrayRef<DimTensor> inputs, DimTensor output,
              llvm::function_ref<mlir::Value(mlir::OpBuilder &, mlir::Location,
                                             mlir::ValueRange)>
                  body);

/// The part of `tensor` at the given offsets and sizes by dimension; other
/// dimensions are taken whole.
DimTensor sliceDims(mlir::OpBuilder &builder, mlir::Location loc,
                    const DimTensor &tensor, llvm::ArrayRef<unsigned> dims,
                    llvm::ArrayRef<mlir::OpFoldResult> offsets,
                    llvm::ArrayRef<int64_t> sizes);

/// Inserts `part` where sliceDims took it from.
mlir::Value insertDims(mlir::OpBuilder &builder, mlir::Location loc,
                       mlir::Value part, const DimTensor &tensor,
                       llvm::ArrayRef<unsigned> dims,
                       llvm::ArrayRef<mlir::OpFoldResult> offsets,
                       llvm::ArrayRef<int64_t> sizes);

/// 2 ^ (scale * (x - maximum)). An attribute says that the exponent is not
/// positive, which spares the check for overflow.
mlir::Value emitPower(mlir::OpBuilder &builder, mlir::Location loc,
                      mlir::Value x, mlir::Value maximum, double scale);

/// `capture` with its axes in the order `dims`, so that a row of it is a
/// vector. Narrow types are widened to what is transposed in registers.
DimTensor packCapture(mlir::OpBuilder &builder, mlir::Location loc,
                      DimTensor capture, llvm::ArrayRef<unsigned> dims,
                      llvm::ArrayRef<int64_t> extents, int64_t lanes);

/// An element of a packed capture in the type that the capture has.
mlir::Value unpackElement(mlir::OpBuilder &builder, mlir::Location loc,
                          mlir::Value element, mlir::Type type);

/// Applies the scale and the score region of `op` to a part of the scores,
/// which starts at `offsets` along the dimensions `dims` of the scores.
mlir::Value emitScoreRegion(mlir::OpBuilder &builder, attn::OnlineOp op,
                            DimTensor scores,
                            llvm::ArrayRef<DimTensor> captures,
                            llvm::ArrayRef<unsigned> dims,
                            llvm::ArrayRef<mlir::OpFoldResult> offsets,
                            llvm::ArrayRef<int64_t> sizes);

/// Expands an attn.online of fewer rows than a vector has lanes: keys, and then
/// columns of the value, are the lanes. Returns its results.
llvm::SmallVector<mlir::Value> lowerOnlineRows(mlir::OpBuilder &builder,
                                               attn::OnlineOp op);

/// Expands one attn.online over a static tile without batch dimensions into
/// loops over register tiles.
void lowerOnline(mlir::RewriterBase &rewriter, attn::OnlineOp op);

} // namespace fovea

#endif // FOVEA_PASSES_TILE_ATTENTIONTILE_H
