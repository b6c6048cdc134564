//===- Passes.td - Masks of attention ----------------------*- tablegen -*-===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_PASSES_MASK_PASSES_TD
#define FOVEA_PASSES_MASK_PASSES_TD

include "mlir/Pass/PassBase.td"

def InferMasks : Pass<"fovea-infer-masks", "::mlir::func::FuncOp"> {
  let summary = "Turn dense masks of attention into mask attributes";
  let description = [{
    A model's mask arrives as a tensor of numbers or booleans that its score
    region adds, selects by or multiplies with. Tiling cannot see that most of
    it hides whole tiles of keys, and the tensor has to be read. The pass finds
    out which keys each row sees and writes that down as a mask attribute:

    * The score region is evaluated for every distinct tuple of values that its
      constant captures hold. A key is hidden where the result is -inf or, for
      certain, so far below a visible score of the row that its probability is 0
      (see docs/Rationale/Masks.md).
    * The hidden keys are described by the simplest attribute that hides exactly
      these: a band (causal, window), a prefix, segments, a neighbourhood, a
      product of such masks along the axes of a grid, or a pattern of bits. The
      description is compared with every element.
    * A capture that has one value wherever keys are visible is replaced by that
      value, which usually leaves nothing of the score region.

    A mask that is computed from positions, whatever the sizes are, is taken from
    the comparisons in the region in the same way.

    What stays dense, and why, is reported (--remarks-filter mask).

    Preconditions: attention has been recognised. Example:

    ```mlir
    %m = arith.constant dense<[[0.0, 0xFF800000], [0.0, 0.0]]>
    attn.attention ... captures(%m) score { %r = arith.addf %s, %e ... }
    // becomes
    attn.attention ... {mask = #attn.causal}
    ```
  }];
  let dependentDialects = ["::fovea::attn::AttnDialect",
                           "::mlir::arith::ArithDialect",
                           "::mlir::tensor::TensorDialect"];
}

#endif // FOVEA_PASSES_MASK_PASSES_TD
