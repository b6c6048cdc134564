//===- Passes.td - Passes of the Vectorize stage -----------*- tablegen -*-===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_PASSES_VECTORIZE_PASSES_TD
#define FOVEA_PASSES_VECTORIZE_PASSES_TD

include "mlir/Pass/PassBase.td"

def VectorizeKernels : Pass<"fovea-vectorize", "::mlir::func::FuncOp"> {
  let summary = "Turn the tiles of kernels into vector operations";
  let description = [{
    Vectorises every structured operation of a kernel whose iteration space is
    static and small enough for registers, then moves what a loop carries from
    tensors into vectors, so that accumulators stay in registers. Upstream has
    each step as a function or a transform-dialect operation; this pass is the
    order in which they have to run: unit dimensions go first (they would keep
    accumulators out of the loop-carried values), multiplications and sums become
    contractions before transposes are folded into transfers, and subsets are
    hoisted while values are still tensors.

    Operations that are too large or of run-time size stay as they are and become
    scalar loops later, which LLVM vectorises where it can.

    Precondition: `fovea-tile-kernels`; functions without `fovea.kernel` are
    skipped. Example:

    ```mlir
    %0 = linalg.add ins(%a, %b : tensor<6x64xf32>, tensor<6x64xf32>)
                    outs(%c : tensor<6x64xf32>) -> tensor<6x64xf32>
    ```

    becomes two `vector.transfer_read`, an `arith.addf : vector<6x64xf32>` and a
    `vector.transfer_write`.
  }];
  let dependentDialects = ["::mlir::affine::AffineDialect",
                           "::mlir::arith::ArithDialect",
                           "::mlir::scf::SCFDialect",
                           "::mlir::tensor::TensorDialect",
                           "::mlir::ub::UBDialect",
                           "::mlir::vector::VectorDialect"];
  let options = [
    Option<"maxElements", "max-elements", "int64_t", "4096",
           "Leave operations with a larger iteration space alone">
  ];
}

def VectorizeStencils : Pass<"fovea-vectorize-stencils", "::mlir::func::FuncOp"> {
  let summary = "Turn tiles of convolutions and pooling into vector operations";
  let description = [{
    A stencil reads an operand at sums of loops. Upstream's vectoriser knows such
    maps for a few named convolutions of one dimension only. This pass takes any
    structured operation of static size: neighbouring elements of the result's
    last dimension are lanes, each step of the dimension before it has a vector
    of its own, and the scalar code is repeated on vectors for each tap. Taps
    next to the rows are written out innermost: there rows read what other rows
    have read already, which CSE finds. Where a stride lies between lanes, whole
    vectors are read and shuffled; lanes beyond the end are masked.

    Tiles with loops besides rows, lanes and taps are left to `fovea-vectorize`,
    before which this pass runs.

    Precondition: `fovea-tile-kernels`; functions without `fovea.kernel` are
    skipped. Example: one row of 16 results of a window of three

    ```mlir
    %0 = linalg.generic {maps (o, k) -> (o + k), (k), (o)} ins(%x, %w) outs(%y)
    ```

    becomes three `vector.transfer_read : vector<16xf32>`, each multiplied with
    one broadcast element of `%w` and added.
  }];
  let dependentDialects = ["::mlir::affine::AffineDialect",
                           "::mlir::arith::ArithDialect",
                           "::mlir::LLVM::LLVMDialect",
                           "::mlir::scf::SCFDialect",
                           "::mlir::tensor::TensorDialect",
                           "::mlir::ub::UBDialect",
                           "::mlir::vector::VectorDialect"];
  let options = [
    Option<"maxLanes", "max-lanes", "int64_t", "128",
           "Leave tiles with longer rows alone">,
    Option<"maxRows", "max-rows", "int64_t", "32",
           "Leave tiles with more rows alone">,
    Option<"maxUnrolled", "max-unrolled", "int64_t", "128",
           "Write out at most this many steps of a tile's rows and taps">
  ];
}

def LowerDotProducts : Pass<"fovea-lower-dot-products", "::mlir::func::FuncOp"> {
  let summary = "Lower contractions over pairs of bf16 to dot products";
  let description = [{
    AVX512-BF16 multiplies pairs of bf16 and adds both products to an f32: twice
    the arithmetic of a multiply-add of f32. A contraction over two steps of the
    reduction, as the schedules of targets with these instructions have it,
    becomes one such product per row and vector of columns; the two rows of the
    right operand are interleaved in registers. Upstream's pattern (transform
    `vector_contract_to_packed_type_dot_product`) wants operands that are stored
    in pairs.

    Precondition: a target with AVX512-BF16 (the pipeline asks); before
    `fovea-lower-vectors`. Two steps with columns that do not fill a vector are
    taken one by one; other contractions stay. Example:

    ```mlir
    %0 = vector.contract {...} %a, %b, %c
        : vector<6x2xbf16>, vector<2x64xbf16> into vector<6x64xf32>
    ```

    becomes 24 `x86vector.avx512.dot`.
  }];
  let dependentDialects = ["::mlir::vector::VectorDialect",
                           "::mlir::x86vector::X86VectorDialect"];
}

def LowerVectors : Pass<"fovea-lower-vectors", "::mlir::func::FuncOp"> {
  let summary = "Break vectors of many dimensions into rows";
  let description = [{
    Lowers contractions to rank-one updates, reductions and transposes of
    vectors, and transfers of rows to loads and stores. The
    patterns are upstream's; what counts is their order. This has to run after
    the last canonicalisation before the LLVM dialect: in between,
    canonicalisation folds the chains of row insertions that this pass makes into
    element-wise construction of whole tiles, at a thirtieth of the speed.

    Precondition: bufferized. Example:

    ```mlir
    %0 = vector.contract {...} %a, %b, %c
        : vector<6x1xf32>, vector<1x64xf32> into vector<6x64xf32>
    ```

    becomes six `vector.fma : vector<64xf32>`.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::memref::MemRefDialect",
                           "::mlir::scf::SCFDialect",
                           "::mlir::ub::UBDialect",
                           "::mlir::vector::VectorDialect"];
}

#endif // FOVEA_PASSES_VECTORIZE_PASSES_TD
