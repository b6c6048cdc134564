//===- Passes.h - Passes of the Vectorize stage -----------------*- C++ -*-===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_PASSES_VECTORIZE_PASSES_H
#define FOVEA_PASSES_VECTORIZE_PASSES_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/Pass.h"

namespace fovea {
#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "fovea/passes/Vectorize/Passes.h.inc"
} // namespace fovea

#endif // FOVEA_PASSES_VECTORIZE_PASSES_H
