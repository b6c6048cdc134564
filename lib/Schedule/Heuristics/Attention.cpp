//===- Attention.cpp - Tile sizes of attention for CPUs -------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fovea/Schedule/Attention.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace fovea;

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
  // Smaller tiles waste less of the ones that a mask cuts through.
  if (op.getMask())
    keys = std::min<int64_t>(keys, 64);
  return attn::ScheduleAttr::get(op.getContext(),
                                 {{"workgroup", {vectors * lanes}},
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
