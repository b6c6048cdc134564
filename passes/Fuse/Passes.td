//===- Passes.td - Layout and elementwise fusion -----------*- tablegen -*-===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_PASSES_FUSE_PASSES_TD
#define FOVEA_PASSES_FUSE_PASSES_TD

include "mlir/Pass/PassBase.td"

def CanonicalizeLayout
    : Pass<"fovea-canonicalize-layout", "::mlir::func::FuncOp"> {
  let summary = "Bring slices, reshapes and transposes into one order";
  let description = [{
    Exporters take queries, keys and values out of one packed projection in many
    ways: split, then reshape, then transpose; or reshape, transpose to five
    dimensions, then take one. The pass moves slices before transposes and
    reshapes, merges reshapes that follow each other and drops those that do
    nothing, so that a slice is always a view of the packed projection and a
    transpose is next to what uses it.

    A transpose is only moved past slices if it has no other users, so no
    element is transposed twice.

    Preconditions: none.

    Example:

    ```mlir
    %t = linalg.transpose %x [2, 0, 1]     %q = tensor.extract_slice %t[0, ...]
    // becomes
    %s = tensor.extract_slice %x[..., 0]   %q = linalg.transpose %s
    ```
  }];
  let dependentDialects = ["::mlir::affine::AffineDialect",
                           "::mlir::arith::ArithDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::tensor::TensorDialect"];
}

def FuseElementwise : Pass<"fovea-fuse-elementwise", "::mlir::func::FuncOp"> {
  let summary = "Make one operation of a chain of elementwise operations";
  let description = [{
    Each elementwise operation on its own reads and writes its tensors once; a
    chain of them is bound by memory. The pass fuses a producer into its only
    consumer, and transposes and broadcasts into every consumer, by upstream's
    elementwise fusion. It does not fuse

    * a producer with several users, which would be computed several times;
    * a producer whose result the consumer broadcasts, for the same reason;
    * anything but a transpose or a broadcast into a contraction, whose inputs
      are read many times.

    A reshape between a contraction and what follows it elementwise is moved
    behind that, so that bias and activation are next to the contraction.

    Preconditions: attention is recognised, as that needs the chain unfused.

    Example:

    ```mlir
    %a = linalg.generic add(%x, %bias)    %b = linalg.generic relu(%a)
    // becomes
    %b = linalg.generic relu(add(%x, %bias))
    ```
  }];
  let dependentDialects = ["::mlir::affine::AffineDialect",
                           "::mlir::arith::ArithDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::tensor::TensorDialect"];
}

def CollapseRows : Pass<"fovea-collapse-rows", "::mlir::func::FuncOp"> {
  let summary = "Make one loop of the rows of a contraction";
  let description = [{
    A projection of images or batches has several loops over its rows: 14x14
    tokens of 25 windows are 4900 rows of one matrix product, but as three loops
    each run of 14 rows has a remainder of its own, and columns are read again
    for each run. Loops that follow each other in one operand and in the result,
    and that the other operand does not have, become one, by upstream's
    collapsing of dimensions; operands and result are views of other shape. What
    follows elementwise takes the collapsed shape when it is fused.

    Precondition: attention is recognised; before `fovea-fuse-elementwise`.
    Example:

    ```mlir
    %y = linalg.generic {maps (b, h, n, k) -> (b, h, k), (k, n), (b, h, n)}
        ins(%x, %w : tensor<2x14x64xf32>, tensor<64x32xf32>) ...
    ```

    becomes a contraction of `tensor<28x64xf32>` and `tensor<64x32xf32>`.
  }];
  let dependentDialects = ["::mlir::affine::AffineDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::tensor::TensorDialect"];
}

def LowerPrecision : Pass<"fovea-lower-precision", "::mlir::func::FuncOp"> {
  let summary = "Round the operands of f32 contractions to bf16";
  let description = [{
    For `--precision=bf16`: weights take half the memory, and where the target
    multiplies pairs of bf16 a contraction twice the arithmetic. Sums stay in
    f32, and so does everything between contractions: softmax, normalisations,
    residuals. Constants are rounded at compile time; other operands by an
    elementwise operation, which `fovea-fuse-elementwise` puts where the value is
    computed. Contractions over fewer than 32 steps stay as they are, since the
    errors of single products do not average out there.

    Upstream's `arith-emulate-unsupported-floats` goes the other way.

    Precondition: attention is recognised; elementwise operations are not yet
    fused. Example:

    ```mlir
    %y = linalg.matmul ins(%x, %w : tensor<197x768xf32>, tensor<768x768xf32>) ...
    ```

    becomes

    ```mlir
    %b = linalg.generic truncf(%x) : tensor<197x768xbf16>
    %y = linalg.generic {contraction} ins(%b, %c : tensor<197x768xbf16>,
        tensor<768x768xbf16>) outs(... : tensor<197x768xf32>)
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::tensor::TensorDialect"];
}

#endif // FOVEA_PASSES_FUSE_PASSES_TD
