//===- Passes.td - Recognition of attention ----------------*- tablegen -*-===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_PASSES_RECOGNIZE_PASSES_TD
#define FOVEA_PASSES_RECOGNIZE_PASSES_TD

include "mlir/Pass/PassBase.td"

def RecognizeSoftmax : Pass<"fovea-recognize-softmax", "::mlir::func::FuncOp"> {
  let summary = "Raise a written-out softmax to linalg.softmax";
  let description = [{
    Some exporters write a softmax as max, sub, exp, sum, div. The pass replaces
    the division by `linalg.softmax` when all five agree on one axis, so that
    what follows has to know one form only.

    exp(x) / sum(exp(x)) without the maximum overflows where a softmax does not
    and is left alone.

    Preconditions: elementwise operations are not yet fused.

    Example:

    ```mlir
    %m = reduce max %x    %d = sub %x, %m    %e = exp %d
    %s = reduce add %e    %p = div %e, %s
    // becomes
    %p = linalg.softmax dimension(2) ins(%x) outs(%empty)
    ```
  }];
  let dependentDialects = ["::mlir::linalg::LinalgDialect",
                           "::mlir::tensor::TensorDialect"];
}

def RecognizeAttention
    : Pass<"fovea-recognize-attention", "::mlir::func::FuncOp"> {
  let summary = "Replace decomposed attention by attn.attention";
  let description = [{
    Exporters decompose attention into two contractions, a softmax and whatever
    the model does in between, around transposes and reshapes that differ from
    one exporter to the next. As long as it is decomposed, the score matrix is
    stored and read several times. The pass starts at a contraction that sums
    over the axis of a softmax (P V), walks back through elementwise operations,
    transposes and reshapes to the softmax and to the contraction that made the
    scores (Q K^T), and rewrites the whole to one operation:

    * transposes, head splits and merges, and keys repeated for groups of heads
      become indexing maps;
    * elementwise operations become the score and the probability region;
    * a constant factor on the queries, the keys or the scores becomes `scale`.

    A near miss is left as it is and reported with the reason (--remarks-filter
    attention), as is every site that was replaced.

    Preconditions: elementwise operations are not yet fused.

    Example:

    ```mlir
    %s = contraction(%q, %k)   %b = add %s, %bias   %p = linalg.softmax %b
    %o = contraction(%p, %v)
    // becomes
    %o = attn.attention query(%q) keys(%k) values(%v) captures(%bias) ...
    ```
  }];
  let dependentDialects = ["::fovea::attn::AttnDialect",
                           "::mlir::arith::ArithDialect",
                           "::mlir::tensor::TensorDialect"];
}

def SplitReadouts : Pass<"fovea-split-readouts", "::mlir::func::FuncOp"> {
  let summary = "Compute the rows of probabilities that are read on their own";
  let description = [{
    A model that ranks its tokens reads what the class token attends to: one row
    of the probabilities. Stored as a result of the attention they would be a
    matrix of all rows. Where everything that uses them takes slices of a few
    rows, the pass gives each slice an attention of these rows alone, and the
    original no longer returns probabilities. What a pass like upstream's
    `tensor.extract_slice` of a tileable producer would do for the output is not
    possible for a result that only exists within the operation.

    Precondition: `fovea-recognize-attention`. A masked attention stays as it is.
    Example:

    ```mlir
    %o, %p = attn.attention query(%q : tensor<6x197x64xf32>) ...
    %c = tensor.extract_slice %p[0, 0, 0] [6, 1, 197] [1, 1, 1]
    ```

    becomes

    ```mlir
    %o = attn.attention query(%q : tensor<6x197x64xf32>) ...
    %r = tensor.extract_slice %q[0, 0, 0] [6, 1, 64] [1, 1, 1]
    %u, %c = attn.attention query(%r : tensor<6x1x64xf32>) ...
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::tensor::TensorDialect"];
}

#endif // FOVEA_PASSES_RECOGNIZE_PASSES_TD
