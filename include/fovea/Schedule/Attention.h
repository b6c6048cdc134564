//===- Attention.h - Choosing schedules for attention -----------*- C++ -*-===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_SCHEDULE_ATTENTION_H
#define FOVEA_SCHEDULE_ATTENTION_H

#include "fovea/Target/CPU.h"
#include "fovea/dialects/attn/Attn.h"

namespace fovea {

/// The ways in which an attention is computed.
enum class AttentionForm {
  /// Tiles of rows and keys around an online softmax; no scores are stored.
  Online,
  /// Tiles of rows with all their keys: what needs the probabilities
  /// themselves,
  /// for a region or as a result, or has no softmax to carry along.
  Rows,
  /// The whole matrix of scores, as separate contractions.
  Matrix
};

/// The best of the forms that can compute `op`.
AttentionForm chooseAttentionForm(attn::AttentionOp op);

/// The schedule that the heuristics for CPUs give to an attention.
attn::ScheduleAttr scheduleAttention(attn::AttentionOp op,
                                     const CPUTarget &cpu);

/// Whether an attention can be tiled by `schedule`; if not, says why through
/// `emitError`. The only place that knows what a legal schedule is.
llvm::LogicalResult checkAttentionSchedule(
    attn::ScheduleAttr schedule,
    llvm::function_ref<mlir::InFlightDiagnostic()> emitError);

} // namespace fovea

#endif // FOVEA_SCHEDULE_ATTENTION_H
