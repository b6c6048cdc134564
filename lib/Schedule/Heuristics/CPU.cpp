//===- CPU.cpp - Tile sizes for CPUs --------------------------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fovea/Schedule/Schedule.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace fovea;

/// The largest register tile with `vectors` vectors per row: one register per
/// accumulator, one per vector of the lane operand, one for what is broadcast.
static RegisterTile fillRegisters(const CPUTarget &cpu, int64_t vectors) {
  int64_t rows = (cpu.vectorRegisters - 1) / vectors - 1;
  return {std::max<int64_t>(rows, 1), vectors};
}

static RegisterTile chooseRegisterTile(const Problem &problem,
                                       const CPUTarget &cpu, int64_t lanes) {
  int64_t columns = problem.extents[problem.lanes];
  int64_t rows = problem.rows ? problem.extents[*problem.rows] : 1;
  RegisterTile best = fillRegisters(cpu, 1);
  double bestEfficiency = 0.0;
  // Powers of two: LLVM takes a loop-carried vector of, say, three registers
  // apart element by element.
  for (int64_t vectors : {8, 4, 2, 1}) {
    if (vectors + 2 > cpu.vectorRegisters / 2)
      continue;
    RegisterTile tile = fillRegisters(cpu, vectors);
    double efficiency = estimateEfficiency(tile, rows, columns, lanes);
    if (efficiency > bestEfficiency * 1.001) {
      best = tile;
      bestEfficiency = efficiency;
    }
  }
  return best;
}

/// How many rows one parallel tile takes: all, unless the columns alone make
/// too few tiles for the cores.
static int64_t chooseRowBlock(const Problem &problem, const CPUTarget &cpu,
                              int64_t rowTile, int64_t otherTiles) {
  int64_t rows = problem.extents[*problem.rows];
  if (ShapedType::isDynamic(rows) || cpu.cores <= 1)
    return 0;
  int64_t rounds = llvm::divideCeil(otherTiles, cpu.cores);
  bool isBalanced = otherTiles * 10 >= rounds * cpu.cores * 9;
  if (otherTiles >= 4 * cpu.cores || (otherTiles >= cpu.cores && isBalanced))
    return 0;
  int64_t blocks = llvm::divideCeil(4 * cpu.cores, otherTiles);
  int64_t block = llvm::divideCeil(rows, blocks);
  return llvm::alignTo(block, rowTile);
}

/// How many steps of a long reduction share accumulators, or 0 for all of
/// them: a chain of thousands of additions loses two bits more than blocks do.
static int64_t chooseBlock(const Problem &problem) {
  constexpr int64_t longest = 1024, preferred = 512, shortest = 128;
  auto root = const_cast<Problem &>(problem).root;
  SmallVector<unsigned> loops;
  root.getReductionDims(loops);
  if (loops.size() != 1 ||
      !getElementTypeOrSelf(root->getResult(0).getType()).isF32())
    return 0;
  int64_t extent = problem.extents[loops.front()];
  if (ShapedType::isDynamic(extent) || extent <= longest)
    return 0;
  for (int64_t block = preferred; block >= shortest; --block)
    if (extent % block == 0)
      return block;
  return 0;
}

/// How many steps of the reduction one instruction takes.
static int64_t chooseReductionStep(const Problem &problem,
                                   const CPUTarget &cpu) {
  auto root = const_cast<Problem &>(problem).root;
  auto isBF16 = [](Value operand) {
    return getElementTypeOrSelf(operand.getType()).isBF16();
  };
  return cpu.hasDotOfBF16 && llvm::all_of(root.getDpsInputs(), isBF16) &&
                 getElementTypeOrSelf(root->getResult(0).getType()).isF32()
             ? 2
             : 1;
}

static attn::ScheduleAttr scheduleContraction(const Problem &problem,
                                              const CPUTarget &cpu) {
  MLIRContext *context = const_cast<Problem &>(problem).root->getContext();
  size_t count = problem.extents.size();
  SmallVector<int64_t> workgroup(count, 0), registers(count, 0),
      reduction(count, 0);
  int64_t lanes = cpu.lanes(std::max<int64_t>(problem.elementBits, 32));
  RegisterTile tile = chooseRegisterTile(problem, cpu, lanes);
  int64_t panel = tile.vectors * lanes;
  int64_t tiles = 1;
  int64_t step = chooseReductionStep(problem, cpu);
  auto isLast = [&](size_t loop) {
    return llvm::all_of(ArrayRef<bool>(problem.isParallel).drop_front(loop + 1),
                        [](bool isParallel) { return isParallel; });
  };
  for (size_t loop = 0; loop < count; ++loop) {
    if (!problem.isParallel[loop]) {
      // Two loops of a reduction take their steps one after the other.
      reduction[loop] = isLast(loop) ? step : 1;
      continue;
    }
    if (loop == problem.rows)
      continue;
    int64_t size = loop == problem.lanes ? panel : 1;
    workgroup[loop] = registers[loop] = size;
    if (!ShapedType::isDynamic(problem.extents[loop]))
      tiles *= llvm::divideCeil(problem.extents[loop], size);
  }
  if (problem.rows) {
    registers[*problem.rows] = tile.rows;
    workgroup[*problem.rows] = chooseRowBlock(problem, cpu, tile.rows, tiles);
  }
  SmallVector<std::pair<StringRef, int64_t>> options = {
      {"columns", problem.lanes}};
  if (problem.isConstant)
    options.push_back({"pack", panel});
  if (int64_t block = chooseBlock(problem))
    options.push_back({"block", block});
  return attn::ScheduleAttr::get(context,
                                 {{"workgroup", workgroup},
                                  {"register", registers},
                                  {"reduction", reduction}},
                                 options);
}

/// How far one vectorised step goes: four registers, so that four chains of
/// additions run at a time.
static int64_t stripLength(const Problem &problem, const CPUTarget &cpu) {
  return 4 * cpu.lanes(std::max<int64_t>(problem.elementBits, 32));
}

/// How many rows of a stencil one parallel tile takes, 0 for all of them: what
/// a tile pads has to fit into its scratch memory, and there must be tiles for
/// all cores. `cut` gets the loops that have to be cut into single steps for
/// that.
static int64_t chooseStencilRows(const Problem &problem, const CPUTarget &cpu,
                                 int64_t rowTile,
                                 SmallVectorImpl<unsigned> &cut) {
  constexpr int64_t maxBytes = 60 << 10;
  unsigned rows = *problem.rows;
  int64_t extent = problem.extents[rows], block = extent;
  if (getPaddedBytes(problem, cut) > maxBytes) {
    for (unsigned loop : problem.windowLoops)
      if (problem.isParallel[loop] && loop != rows && loop != problem.lanes)
        cut.push_back(loop);
    SmallVector<unsigned> single(cut.begin(), cut.end());
    single.push_back(rows);
    int64_t all = getPaddedBytes(problem, cut),
            one = getPaddedBytes(problem, single);
    if (all > maxBytes) {
      int64_t each =
          llvm::divideCeil(all - one, std::max<int64_t>(extent - 1, 1));
      block = std::max<int64_t>(1, 1 + (maxBytes - one) /
                                           std::max<int64_t>(each, 1));
    }
  }
  int64_t planes = 1;
  for (auto [loop, size] : llvm::enumerate(problem.extents))
    if (problem.isParallel[loop] &&
        (llvm::is_contained(cut, loop) ||
         !llvm::is_contained(problem.windowLoops, loop)))
      planes *= size;
  if (cpu.cores > 1 && planes < 4 * cpu.cores)
    block = std::min<int64_t>(
        block,
        llvm::divideCeil(extent, llvm::divideCeil(4 * cpu.cores, planes)));
  if (block >= extent)
    return 0;
  // As many blocks of nearly the same size.
  int64_t even = llvm::divideCeil(extent, llvm::divideCeil(extent, block));
  int64_t whole = llvm::alignTo(even, rowTile);
  return whole <= block ? whole : std::max(even - even % rowTile, even);
}

/// How many steps of the first reduction loop share accumulators.
static int64_t chooseStencilBlock(const Problem &problem) {
  constexpr int64_t longest = 1024, preferred = 512;
  auto root = const_cast<Problem &>(problem).root;
  SmallVector<unsigned> loops;
  root.getReductionDims(loops);
  int64_t inner = 1;
  for (unsigned loop : llvm::drop_begin(loops))
    inner *= problem.extents[loop];
  int64_t extent = problem.extents[loops.front()];
  if (!getElementTypeOrSelf(root->getResult(0).getType()).isF32() ||
      extent * inner <= longest)
    return 0;
  for (int64_t block = std::max<int64_t>(preferred / inner, 1); block > 1;
       --block)
    if (extent % block == 0)
      return block;
  return 0;
}

/// A convolution whose lanes are output channels: register tiles as those of a
/// matmul, whose rows are neighbouring outputs.
static attn::ScheduleAttr scheduleChannels(const Problem &problem,
                                           const CPUTarget &cpu) {
  MLIRContext *context = const_cast<Problem &>(problem).root->getContext();
  size_t count = problem.extents.size();
  SmallVector<int64_t> workgroup(count, 0), registers(count, 0);
  int64_t lanes = cpu.lanes(std::max<int64_t>(problem.elementBits, 32));
  RegisterTile tile =
      fillRegisters(cpu, problem.extents[problem.lanes] > lanes ? 2 : 1);
  tile.rows = std::min<int64_t>(tile.rows, 16);
  int64_t panel = tile.vectors * lanes, tiles = 1;
  std::optional<unsigned> outer;
  for (size_t loop = 0; loop < count; ++loop) {
    if (!problem.isParallel[loop] || loop == problem.rows)
      continue;
    workgroup[loop] = registers[loop] = loop == problem.lanes ? panel : 1;
    if (loop != problem.lanes && problem.extents[loop] != 1)
      outer = loop;
    else
      tiles *= llvm::divideCeil(problem.extents[loop], workgroup[loop]);
  }
  int64_t extent = problem.extents[*problem.rows];
  registers[*problem.rows] = std::min(extent, tile.rows);
  if (outer) {
    // Several short rows at a time, and as many as keep a panel of weights
    // busy.
    int64_t steps = problem.extents[*outer];
    int64_t together = std::max<int64_t>(tile.rows / extent, 1);
    registers[*outer] = std::min(together, steps);
    int64_t blocks = cpu.cores > 1 ? llvm::divideCeil(4 * cpu.cores, tiles) : 1;
    int64_t block = llvm::divideCeil(steps, blocks);
    workgroup[*outer] =
        block >= steps ? 0 : llvm::alignTo(block, registers[*outer]);
  }
  SmallVector<std::pair<StringRef, int64_t>> options = {
      {"columns", problem.lanes}};
  if (problem.isConstant)
    options.push_back({"pack", panel});
  if (int64_t block = chooseStencilBlock(problem))
    options.push_back({"block", block});
  return attn::ScheduleAttr::get(
      context, {{"workgroup", workgroup}, {"register", registers}}, options);
}

/// Two vectors by as many rows as half of the registers hold; the other half
/// is for what rows share.
static attn::ScheduleAttr scheduleStencil(const Problem &problem,
                                          const CPUTarget &cpu) {
  if (problem.isBroadcast && problem.rows)
    return scheduleChannels(problem, cpu);
  MLIRContext *context = const_cast<Problem &>(problem).root->getContext();
  size_t count = problem.extents.size();
  SmallVector<int64_t> workgroup(count, 0), registers(count, 0);
  int64_t lanes = cpu.lanes(std::max<int64_t>(problem.elementBits, 32));
  int64_t vectors = problem.extents[problem.lanes] > lanes ? 2 : 1;
  SmallVector<unsigned> cut;
  int64_t rowBlock = 0;
  if (problem.rows) {
    int64_t extent = problem.extents[*problem.rows];
    int64_t tiles = llvm::divideCeil(extent, cpu.vectorRegisters / 2 / vectors);
    registers[*problem.rows] = llvm::divideCeil(extent, tiles);
    rowBlock = chooseStencilRows(problem, cpu, registers[*problem.rows], cut);
  }
  for (size_t loop = 0; loop < count; ++loop) {
    if (!problem.isParallel[loop] || loop == problem.rows)
      continue;
    registers[loop] = loop == problem.lanes ? vectors * lanes : 1;
    workgroup[loop] = !llvm::is_contained(problem.windowLoops, loop) ||
                      llvm::is_contained(cut, loop);
  }
  workgroup[problem.lanes] = 0;
  if (problem.rows)
    workgroup[*problem.rows] = rowBlock;
  SmallVector<std::pair<StringRef, int64_t>> options;
  if (problem.onlyWrites)
    options.push_back({"overlap", problem.lanes});
  return attn::ScheduleAttr::get(
      context, {{"workgroup", workgroup}, {"register", registers}}, options);
}

static attn::ScheduleAttr scheduleRows(const Problem &problem,
                                       const CPUTarget &cpu) {
  MLIRContext *context = const_cast<Problem &>(problem).root->getContext();
  int64_t strip = stripLength(problem, cpu);
  SmallVector<int64_t> workgroup(problem.extents.size(), 0);
  for (size_t loop = 0; loop < workgroup.size(); ++loop)
    if (problem.isParallel[loop])
      workgroup[loop] = loop == problem.lanes ? strip : 1;
  return attn::ScheduleAttr::get(context, {{"workgroup", workgroup}},
                                 {{"strip", strip}});
}

static attn::ScheduleAttr scheduleElementwise(const Problem &problem,
                                              const CPUTarget &cpu) {
  // Enough work that starting a tile costs nothing beside it.
  constexpr int64_t minElements = 4096;
  MLIRContext *context = const_cast<Problem &>(problem).root->getContext();
  int64_t strip = stripLength(problem, cpu);
  SmallVector<int64_t> workgroup(problem.extents.size(), 0),
      registers(problem.extents.size(), 0);
  for (size_t loop = 0; loop < workgroup.size(); ++loop)
    workgroup[loop] = registers[loop] = 1;
  if (problem.kind == ProblemKind::Transpose) {
    int64_t block = std::min<int64_t>(cpu.lanes(problem.elementBits), 16);
    for (unsigned loop : {problem.lanes, *problem.crossLanes}) {
      registers[loop] = block;
      workgroup[loop] = block;
    }
    workgroup[problem.lanes] = 4 * block;
  } else if (!workgroup.empty()) {
    int64_t extent = problem.extents[problem.lanes];
    registers[problem.lanes] = strip;
    // Rows run in parallel; a single row is cut.
    bool isDynamic = ShapedType::isDynamic(extent);
    if (isDynamic)
      workgroup[problem.lanes] = workgroup.size() == 1 ? strip : 0;
    else
      workgroup[problem.lanes] = extent <= 2 * minElements ? 0 : minElements;
  }
  return attn::ScheduleAttr::get(
      context, {{"workgroup", workgroup}, {"register", registers}}, {});
}

attn::ScheduleAttr fovea::scheduleForCPU(const Problem &problem,
                                         const CPUTarget &cpu) {
  if (problem.extents.empty())
    return nullptr;
  switch (problem.kind) {
  case ProblemKind::Contraction:
    return scheduleContraction(problem, cpu);
  case ProblemKind::Stencil:
    return scheduleStencil(problem, cpu);
  case ProblemKind::Rows:
    return scheduleRows(problem, cpu);
  case ProblemKind::Elementwise:
  case ProblemKind::Transpose:
    return scheduleElementwise(problem, cpu);
  }
  return nullptr;
}
