//===- Passes.h - Passes of the Schedule stage ------------------*- C++ -*-===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_PASSES_SCHEDULE_PASSES_H
#define FOVEA_PASSES_SCHEDULE_PASSES_H

#include "fovea/dialects/attn/Attn.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/Pass.h"

namespace fovea {
#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "fovea/passes/Schedule/Passes.h.inc"
} // namespace fovea

#endif // FOVEA_PASSES_SCHEDULE_PASSES_H
