//===- Select.cpp - Choose a schedule -------------------------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fovea/Schedule/Schedule.h"

using namespace mlir;
using namespace fovea;

attn::ScheduleAttr fovea::selectSchedule(const Problem &problem,
                                         const CPUTarget &cpu) {
  attn::ScheduleAttr schedule = scheduleForCPU(problem, cpu);
  auto root = const_cast<Problem &>(problem).root;
  auto emitError = [&] { return root->emitRemark("no schedule chosen: "); };
  // A heuristic that breaks a rule costs speed, not the compilation.
  if (schedule && failed(checkSchedule(problem, schedule, emitError)))
    return nullptr;
  return schedule;
}
