//===- Passes.td - Passes of the Group stage ---------------*- tablegen -*-===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_PASSES_GROUP_PASSES_TD
#define FOVEA_PASSES_GROUP_PASSES_TD

include "mlir/Pass/PassBase.td"

def DecomposeAggregates : Pass<"fovea-decompose-aggregates", "::mlir::ModuleOp"> {
  let summary = "Rewrite linalg.softmax and its like as plain structured ops";
  let description = [{
    Recognition wants to see a softmax as one operation; grouping and everything
    after it want loops whose rows can be fused with their neighbours. Upstream
    offers the rewrite only as a transform-dialect operation, so this pass calls
    the same interface (`AggregatedOpInterface`) on every operation that has it.

    Precondition: ranked tensors. Example:

    ```mlir
    %s = linalg.softmax dimension(1) ins(%x : tensor<4x8xf32>)
                                     outs(%e : tensor<4x8xf32>) -> tensor<4x8xf32>
    ```

    becomes a row maximum, `exp(x - max)`, a row sum and a division.
  }];
  let dependentDialects = ["::mlir::linalg::LinalgDialect", "::mlir::math::MathDialect", "::mlir::tensor::TensorDialect"];
}

#endif // FOVEA_PASSES_GROUP_PASSES_TD
