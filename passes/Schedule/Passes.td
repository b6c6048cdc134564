//===- Passes.td - Passes of the Schedule stage ------------*- tablegen -*-===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_PASSES_SCHEDULE_PASSES_TD
#define FOVEA_PASSES_SCHEDULE_PASSES_TD

include "mlir/Pass/PassBase.td"

def ScheduleKernels : Pass<"fovea-schedule-kernels", "::mlir::ModuleOp"> {
  let summary = "Attach a schedule to the root of each kernel";
  let description = [{
    Attaches `attn.schedule` to the operation that decides how a kernel is tiled:
    its contraction, or its last operation. What the sizes should be is a
    question for lib/Schedule alone; this pass only writes the answer into the
    IR, where it can be printed, compared and replaced. A schedule that is
    already there is kept, and an error where it is illegal.

    Precondition: `fovea-outline-kernels`; functions without `fovea.kernel` are
    skipped. Kernels that no schedule fits stay as they are, and become scalar
    loops. Example: a matmul of 197x768 and 768x768 gets, on a CPU with 32
    registers of 16 lanes,

    ```mlir
    #attn.schedule<workgroup = [0, 64, 0], register = [6, 64, 0],
                   reduction = [0, 0, 1], columns = 1, pack = 64>
    ```
  }];
  let options = [
    Option<"targetCPU", "target-cpu", "std::string", "\"native\"",
           "LLVM name of the CPU to choose for">,
    Option<"targetTriple", "target-triple", "std::string", "\"\"",
           "Triple of the machine to choose for; this machine's by default">,
    Option<"cores", "cores", "int64_t", "0",
           "Cores to choose for; as many as this machine has by default">
  ];
  let dependentDialects = ["::fovea::attn::AttnDialect"];
}

#endif // FOVEA_PASSES_SCHEDULE_PASSES_TD
