//===- Passes.td - Passes of the Tile stage ----------------*- tablegen -*-===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_PASSES_TILE_PASSES_TD
#define FOVEA_PASSES_TILE_PASSES_TD

include "mlir/Pass/PassBase.td"

def DecomposeAttention : Pass<"attn-decompose"> {
  let summary = "Rewrite every attn.attention as plain structured ops";
  let description = [{
    The path that is correct for every attention: any normalizer, regions, any
    number of sources, any extents, probabilities as a result. It forms the
    matrix of scores, so tiling (`attn-tile`) comes first and leaves to this
    pass what it cannot tile.

    Precondition: none. Example:

    ```mlir
    %o = attn.attention query(%q : ...) keys(%k : ...) values(%v : ...)
         outs(%e : ...) {...} -> tensor<8x16x64xf32>
    ```

    becomes a contraction of query and key, an elementwise operation (scale,
    score region, mask), a row maximum, a row sum, an elementwise operation
    (probabilities) and a contraction with the value.
  }];
  let dependentDialects = [
    "::mlir::affine::AffineDialect", "::mlir::arith::ArithDialect",
    "::mlir::linalg::LinalgDialect", "::mlir::math::MathDialect",
    "::mlir::tensor::TensorDialect"];
}

#endif // FOVEA_PASSES_TILE_PASSES_TD
