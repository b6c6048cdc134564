//===- ScheduleKernels.cpp - Attach a schedule to each kernel -------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fovea/passes/Schedule/Passes.h"

#include "fovea/Analysis/Remarks.h"
#include "fovea/Analysis/Stencil.h"
#include "fovea/Schedule/Attention.h"
#include "fovea/Schedule/Schedule.h"

using namespace mlir;

namespace fovea {
#define GEN_PASS_DEF_SCHEDULEKERNELS
#include "fovea/passes/Schedule/Passes.h.inc"
} // namespace fovea

using namespace fovea;

/// Checks the schedule that `kernel` came with, or chooses one.
/// Schedules every attention of a kernel and says whether there is any.
static FailureOr<bool> scheduleAttentions(func::FuncOp kernel,
                                          const CPUTarget &cpu) {
  bool found = false;
  WalkResult result = kernel.walk([&](attn::AttentionOp op) {
    found = true;
    if (!attn::ScheduleAttr::of(op))
      op->setAttr(attn::ScheduleAttr::getAttachedName(),
                  scheduleAttention(op, cpu));
    LogicalResult legal =
        checkAttentionSchedule(attn::ScheduleAttr::of(op), [&] {
          return op->emitOpError("has an illegal schedule: ");
        });
    return failed(legal) ? WalkResult::interrupt() : WalkResult::advance();
  });
  if (result.wasInterrupted())
    return failure();
  return found;
}

/// Says which convolutions and pooling have no form in vectors, and why.
static void reportScalarStencils(func::FuncOp kernel) {
  kernel.walk([](linalg::LinalgOp op) {
    std::string why;
    if (!analyzeStencil(op, why) && !why.empty())
      reportSite("stencil", false, {op.getOperation()},
                 "windows are read one element at a time: " + why);
  });
}

static LogicalResult scheduleKernel(func::FuncOp kernel, const CPUTarget &cpu) {
  reportScalarStencils(kernel);
  FailureOr<bool> isAttention = scheduleAttentions(kernel, cpu);
  if (failed(isAttention))
    return failure();
  if (*isAttention)
    return success();
  std::optional<Problem> problem = analyzeKernel(kernel);
  if (!problem)
    return success();
  linalg::LinalgOp root = problem->root;
  if (attn::ScheduleAttr given = attn::ScheduleAttr::of(root))
    return checkSchedule(*problem, given, [&] {
      return root->emitOpError("has an illegal schedule: ");
    });
  if (attn::ScheduleAttr schedule = selectSchedule(*problem, cpu))
    root->setAttr(attn::ScheduleAttr::getAttachedName(), schedule);
  return success();
}

namespace {
struct ScheduleKernels : fovea::impl::ScheduleKernelsBase<ScheduleKernels> {
  using ScheduleKernelsBase::ScheduleKernelsBase;
  void runOnOperation() override {
    std::optional<CPUTarget> cpu = describeCPU(targetCPU, targetTriple, cores);
    if (!cpu) {
      getOperation().emitError("unknown target CPU '")
          << targetCPU << "'; use an LLVM name, such as x86-64-v3, or native";
      return signalPassFailure();
    }
    for (auto kernel : getOperation().getOps<func::FuncOp>())
      if (kernel->hasAttr("fovea.kernel") && !kernel.isExternal() &&
          failed(scheduleKernel(kernel, *cpu)))
        return signalPassFailure();
  }
};
} // namespace
