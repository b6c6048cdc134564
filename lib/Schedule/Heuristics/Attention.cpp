//===- Attention.cpp - Tile sizes of attention for CPUs -------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fovea/Schedule/Attention.h"

#include "fovea/Analysis/MaskTable.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace fovea;

/// The scores of a tile of the form Rows should stay in the second-level cache:
/// 16 rows of this many keys fill half a mebibyte.
static constexpr int64_t maxRowKeys = 8192;

AttentionForm fovea::chooseAttentionForm(attn::AttentionOp op) {
  // Fewer rows do not fill a vector on every target.
  constexpr int64_t minRows = 16;
  attn::DimRoles roles = op.getRoles();
  SmallVector<int64_t> extents = op.getStaticExtents();
  int64_t rows = extents[roles.m], keys = extents[roles.k2];
  for (unsigned dim : {roles.k1, roles.n})
    if (ShapedType::isDynamic(extents[dim]) || extents[dim] == 0)
      return AttentionForm::Matrix;
  if (rows == 0)
    return AttentionForm::Matrix;
  bool isSoftmax = op.getNormalizer() == attn::Normalizer::Softmax ||
                   op.getNormalizer() == attn::Normalizer::SoftmaxPlusOne;
  if (isSoftmax && op.getProb().empty() &&
      op.getInitOfKind(attn::ResultKind::Probabilities) < 0)
    return AttentionForm::Online;
  bool fits = !ShapedType::isDynamic(keys) && keys > 0 && keys <= maxRowKeys &&
              !ShapedType::isDynamic(rows) && rows >= minRows;
  return fits && op.getKeys().size() == 1 ? AttentionForm::Rows
                                          : AttentionForm::Matrix;
}

/// Where a table of tiles describes the mask, the size that fits it best.
static int64_t tileOfMaskedKeys(attn::AttentionOp op, int64_t rows,
                                int64_t grain, int64_t most) {
  attn::DimRoles roles = op.getRoles();
  SmallVector<int64_t> dims = op.getStaticExtents();
  attn::StaticExtents extents = {dims[roles.m], dims[roles.k2]};
  RowTiles tiles = {0, 1, std::min(rows, extents.rows)};
  if (op.getKeys().size() != 1 || !canTabulate(*op.getMask(), extents, tiles))
    return std::min<int64_t>(most, 64);
  tiles.count = extents.rows / tiles.size;
  return chooseTileOfKeys(*op.getMask(), extents, tiles, grain, most);
}

attn::ScheduleAttr fovea::scheduleAttention(attn::AttentionOp op,
                                            const CPUTarget &cpu) {
  int64_t bits = op.getComputeType().getWidth();
  int64_t lanes = std::max<int64_t>(cpu.lanes(bits), 1);
  // Two vectors of rows share each element of a key that is broadcast. The rest
  // of the registers holds accumulators; more than eight rows of them gained
  // nothing on any machine that was measured.
  constexpr int64_t vectors = 2;
  int64_t rows =
      std::clamp<int64_t>((cpu.vectorRegisters - 1) / vectors - 1, 1, 8);
  // Scores of a tile stay in the first-level cache, beside keys and values that
  // stream through it.
  int64_t keys = cpu.l1Bytes / 2 / (vectors * lanes * (bits / 8));
  keys = std::clamp<int64_t>(llvm::alignDown(keys, rows), rows, 128);
  bool isOnline = chooseAttentionForm(op) == AttentionForm::Online;
  // Smaller tiles waste less of the ones that a mask cuts through.
  if (op.getMask() && isOnline)
    keys = tileOfMaskedKeys(op, vectors * lanes, rows, keys);
  int64_t tileRows = vectors * lanes;
  if (!isOnline && op.getStaticExtents()[op.getRoles().k2] > maxRowKeys / 2)
    tileRows = lanes;
  return attn::ScheduleAttr::get(op.getContext(),
                                 {{"workgroup", {tileRows}},
                                  {"reduction", {keys}},
                                  {"register", {rows, rows}}},
                                 {{"lanes", lanes}});
}

LogicalResult fovea::checkAttentionSchedule(
    attn::ScheduleAttr schedule,
    llvm::function_ref<InFlightDiagnostic()> emitError) {
  std::pair<StringRef, size_t> levels[] = {
      {"workgroup", 1}, {"reduction", 1}, {"register", 2}};
  for (auto [level, count] : levels) {
    ArrayRef<int64_t> sizes = schedule.getLevel(level);
    if (sizes.size() != count || llvm::is_contained(sizes, 0))
      return emitError() << "level '" << level << "' of an attention needs "
                         << count << " tile sizes above 0";
  }
  int64_t lanes = schedule.getOption("lanes", 0);
  if (lanes <= 0 || schedule.getLevel("workgroup").front() % lanes != 0)
    return emitError() << "level 'workgroup' of an attention has to be a "
                          "multiple of the option 'lanes', which is "
                       << lanes;
  return success();
}
