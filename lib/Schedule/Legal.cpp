//===- Legal.cpp - What makes a schedule legal ----------------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fovea/Schedule/Schedule.h"

using namespace mlir;
using namespace fovea;

static LogicalResult
checkLevel(const Problem &problem, StringRef name, ArrayRef<int64_t> sizes,
           bool forReductions,
           llvm::function_ref<InFlightDiagnostic()> emitError) {
  if (sizes.empty())
    return success();
  if (sizes.size() != problem.extents.size())
    return emitError() << "level '" << name << "' has " << sizes.size()
                       << " tile sizes for " << problem.extents.size()
                       << " loops";
  SmallVector<utils::IteratorType> kinds =
      const_cast<Problem &>(problem).root.getIteratorTypesArray();
  for (auto [loop, size] : llvm::enumerate(sizes)) {
    if (size == 0)
      continue;
    if (forReductions && linalg::isParallelIterator(kinds[loop]))
      return emitError() << "level '" << name << "' tiles loop " << loop
                         << ", which is no reduction";
    if (!forReductions && !problem.isParallel[loop])
      return emitError() << "level '" << name << "' tiles loop " << loop
                         << ", which is a reduction somewhere in the kernel";
    int64_t extent = problem.extents[loop];
    if (forReductions && size != 1 &&
        (ShapedType::isDynamic(extent) || extent % size != 0))
      return emitError() << "level '" << name << "' cuts loop " << loop
                         << " into pieces of " << size
                         << ", which do not divide it";
  }
  return success();
}

static LogicalResult
checkBlock(const Problem &problem, int64_t block,
           llvm::function_ref<InFlightDiagnostic()> emitError) {
  if (block == 0)
    return success();
  auto root = const_cast<Problem &>(problem).root;
  SmallVector<unsigned> loops;
  root.getReductionDims(loops);
  bool isSum =
      (problem.kind == ProblemKind::Contraction && loops.size() == 1) ||
      (problem.kind == ProblemKind::Stencil && problem.isBroadcast);
  if (!isSum || loops.empty() ||
      !isa<FloatType>(getElementTypeOrSelf(root->getResult(0).getType())))
    return emitError() << "option 'block' needs a contraction of floats with "
                          "one reduction";
  int64_t extent = problem.extents[loops.front()];
  if (block < 0 || ShapedType::isDynamic(extent) || extent % block != 0)
    return emitError() << "option 'block' is " << block
                       << ", which does not divide the reduction";
  return success();
}

LogicalResult
fovea::checkSchedule(const Problem &problem, attn::ScheduleAttr schedule,
                     llvm::function_ref<InFlightDiagnostic()> emitError) {
  for (StringRef level : {"workgroup", "register", "reduction"})
    if (failed(checkLevel(problem, level, schedule.getLevel(level),
                          level == "reduction", emitError)))
      return failure();
  if (schedule.getOption("strip", 0) < 0)
    return emitError() << "option 'strip' is negative";
  if (failed(checkBlock(problem, schedule.getOption("block", 0), emitError)))
    return failure();
  int64_t columns = schedule.getOption("columns", -1);
  if (columns < -1 || columns >= static_cast<int64_t>(problem.extents.size()))
    return emitError() << "option 'columns' is " << columns
                       << ", which is no loop";
  int64_t overlap = schedule.getOption("overlap", -1);
  if (overlap < -1 || overlap >= static_cast<int64_t>(problem.extents.size()))
    return emitError() << "option 'overlap' is " << overlap
                       << ", which is no loop";
  if (overlap >= 0 && !problem.onlyWrites)
    return emitError() << "option 'overlap' needs a stencil whose results are "
                          "written without being read";
  int64_t pack = schedule.getOption("pack", 0);
  if (pack < 0)
    return emitError() << "option 'pack' is negative";
  if (pack == 0)
    return success();
  bool mayPack = problem.kind == ProblemKind::Contraction ||
                 (problem.kind == ProblemKind::Stencil && problem.isBroadcast);
  if (!mayPack || !problem.isConstant)
    return emitError() << "option 'pack' needs a contraction with a constant "
                          "operand";
  ArrayRef<int64_t> workgroup = schedule.getLevel("workgroup");
  if (workgroup.empty() || workgroup[problem.lanes] != pack)
    return emitError() << "option 'pack' is " << pack
                       << ", but one parallel tile has "
                       << (workgroup.empty() ? 0 : workgroup[problem.lanes])
                       << " columns";
  return success();
}
