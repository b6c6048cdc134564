//===- Passes.td - Passes of the CPU stage -----------------*- tablegen -*-===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_PASSES_CPU_PASSES_TD
#define FOVEA_PASSES_CPU_PASSES_TD

include "mlir/Pass/PassBase.td"

#endif // FOVEA_PASSES_CPU_PASSES_TD
