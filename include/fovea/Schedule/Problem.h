//===- Problem.h - What a kernel computes, as a scheduling problem *- C++ -*-===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_SCHEDULE_PROBLEM_H
#define FOVEA_SCHEDULE_PROBLEM_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"

#include "llvm/ADT/SmallVector.h"

#include <optional>

namespace fovea {

enum class ProblemKind {
  /// Sums of products over operands that share loops.
  Contraction,
  /// Windows, gathered or reduced, with lanes along the last dimension.
  Stencil,
  /// Reductions, and elementwise operations on their results.
  Rows,
  /// Parallel loops only; every operand is read along its memory order.
  Elementwise,
  /// Parallel loops only; some operand is read across its memory order.
  Transpose
};

/// A kernel made of structured operations. Loops are those of `root`.
struct Problem {
  ProblemKind kind;
  /// Carries the schedule: the contraction, or the last operation.
  mlir::linalg::LinalgOp root;
  llvm::SmallVector<int64_t> extents;
  /// Whether each loop may be cut into parallel tiles: it is parallel in every
  /// operation of the kernel.
  llvm::SmallVector<bool> isParallel;
  /// The loop that vectors run along.
  unsigned lanes = 0;
  /// Of a contraction: the operand that has the `lanes` loop, whether that
  /// operand has to be packed for its lanes to be contiguous, and whether it is
  /// a constant wherever the kernel is called.
  unsigned laneOperand = 0;
  bool isLaneContiguous = true, isConstant = false;
  /// Of a contraction: the loop whose steps share a vector of the lane operand.
  /// Of a stencil: the loop whose windows overlap.
  std::optional<unsigned> rows;
  /// Of a stencil: whether all lanes read the same elements through windows, as
  /// a convolution does whose lanes are output channels.
  bool isBroadcast = false;
  /// Of a stencil: the loops that sums of loops consist of.
  llvm::SmallVector<unsigned> windowLoops;
  /// Whether what the kernel's results held before does not matter, so that
  /// parts of them may be computed twice.
  bool onlyWrites = false;
  /// Of a transpose: the loop along which the other order is contiguous.
  std::optional<unsigned> crossLanes;
  /// Bits of an element of the widest type that is computed with.
  int64_t elementBits = 32;
};

/// Analyses a kernel; nothing for one without structured operations on tensors
/// that have results.
std::optional<Problem> analyzeKernel(mlir::func::FuncOp kernel);

/// Bytes of what one tile of a stencil pads when it is whole in the loops of
/// its windows but for single steps of those in `cut`; 0 if nothing is padded.
int64_t getPaddedBytes(const Problem &problem, llvm::ArrayRef<unsigned> cut);

} // namespace fovea

#endif // FOVEA_SCHEDULE_PROBLEM_H
