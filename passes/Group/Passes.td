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

def OutlineKernels : Pass<"fovea-outline-kernels", "::mlir::ModuleOp"> {
  let summary = "Move each fusion group into a function of its own";
  let description = [{
    Finds groups of structured operations that one parallel loop computes (a
    contraction with its elementwise epilogue, a chain of row statistics with the
    elementwise operation that uses them, an attention) and moves each into a
    private function with the attribute `fovea.kernel`. What stays in the caller
    is calls, views, shape arithmetic and control flow.

    Why not upstream: `linalg-outline` forms no groups, and outlining after
    bufferization would come too late to tile a group as one unit and to share
    equal kernels before the expensive stages.

    A kernel takes the tensors that it reads, then the index values that it needs,
    and last its destinations; it returns what it wrote into them. Slices are
    repeated inside, so that a kernel is always given whole tensors in their
    identity layout; so are fills and splat constants.

    Precondition: no aggregate operations (run `fovea-decompose-aggregates`).
    Example:

    ```mlir
    %0 = linalg.matmul ins(%a, %w : ...) outs(%zero : ...)
    %1 = linalg.generic {...} ins(%0, %bias : ...) outs(%e : ...)
    ```

    becomes `%1 = call @k0_matmul(%a, %w, %bias, %e)`.
  }];
  let dependentDialects = ["::mlir::func::FuncDialect"];
  let statistics = [Statistic<"numKernels", "kernels", "Kernels outlined">];
}

#endif // FOVEA_PASSES_GROUP_PASSES_TD
