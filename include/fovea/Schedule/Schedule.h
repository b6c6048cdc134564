//===- Schedule.h - Choosing and checking schedules -------------*- C++ -*-===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_SCHEDULE_SCHEDULE_H
#define FOVEA_SCHEDULE_SCHEDULE_H

#include "fovea/Schedule/Problem.h"
#include "fovea/Target/CPU.h"
#include "fovea/dialects/attn/Attn.h"

#include "mlir/IR/Diagnostics.h"

namespace fovea {

/// The sizes of one register tile of a contraction.
struct RegisterTile {
  int64_t rows, vectors;
};

/// An estimate of the share of the peak that a contraction reaches with `tile`
/// when it has `rows` rows and `columns` columns, both possibly unknown
/// (ShapedType::kDynamic).
double estimateEfficiency(RegisterTile tile, int64_t rows, int64_t columns,
                          int64_t lanes);

/// Whether `schedule` can be applied to `problem`; if not, says why through
/// `emitError`. The only place that knows what a legal schedule is.
mlir::LogicalResult
checkSchedule(const Problem &problem, attn::ScheduleAttr schedule,
              llvm::function_ref<mlir::InFlightDiagnostic()> emitError);

/// The schedule that the heuristics for CPUs give.
attn::ScheduleAttr scheduleForCPU(const Problem &problem, const CPUTarget &cpu);

/// Chooses a legal schedule for `problem`.
attn::ScheduleAttr selectSchedule(const Problem &problem, const CPUTarget &cpu);

} // namespace fovea

#endif // FOVEA_SCHEDULE_SCHEDULE_H
