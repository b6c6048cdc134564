//===- Passes.h - Masks of attention ----------------------------*- C++ -*-===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_PASSES_MASK_PASSES_H
#define FOVEA_PASSES_MASK_PASSES_H

#include "mlir/Pass/Pass.h"

namespace mlir::func {
class FuncOp;
} // namespace mlir::func

namespace fovea {

#define GEN_PASS_DECL
#include "fovea/passes/Mask/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "fovea/passes/Mask/Passes.h.inc"

} // namespace fovea

#endif // FOVEA_PASSES_MASK_PASSES_H
