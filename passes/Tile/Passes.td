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

def TileAttention : Pass<"attn-tile"> {
  let summary = "Tile attention over queries and keys";
  let description = [{
    Each attention that has a schedule becomes one parallel loop (scf.forall)
    over the batch dimensions and tiles of query rows; inside, loops over tiles
    of keys around one `attn.online` each. The matrix of scores is never formed.

    The mask says between which keys a tile of rows sees anything at all, and
    between which it sees everything: tiles outside the first interval are never
    visited, tiles inside the second carry no mask. All tiles are of static
    size: the last rows get a tile of their own that overlaps the one before,
    and the last keys a tile as small as needed (or, where their number is known
    only at run time, tiles of 16 keys and of one key).

    Reads the levels `workgroup` (rows of a tile), `reduction` (keys of a tile),
    `register` (keys and value columns of a register tile) and the option
    `lanes`. What needs the probabilities themselves (as a result, or for the
    probability region) or another normalizer than a softmax keeps an
    `attn.attention` on each tile of rows and all their keys, for
    `attn-lower-rows`; where these are too many, or not known, `attn-decompose`
    comes in.

    Precondition: a schedule on the operation; K1 and N static. Example:

    ```mlir
    %o = attn.attention query(%q : tensor<8x1024x64xf32>) ...
         {attn.schedule = #attn.schedule<workgroup = [32], reduction = [128],
                                         register = [8, 8], lanes = 16>}
    ```

    becomes `scf.forall (%h, %i) in (8, 32)` around
    `scf.for %j = 0 to 1024 step 128` around an `attn.online` of 32 rows and 128
    keys.
  }];
  let dependentDialects = [
    "::mlir::affine::AffineDialect", "::mlir::arith::ArithDialect",
    "::mlir::linalg::LinalgDialect", "::mlir::math::MathDialect",
    "::mlir::scf::SCFDialect", "::mlir::tensor::TensorDialect"];
}

def LowerOnline : Pass<"attn-lower-online"> {
  let summary = "Expand online attention into register tiles";
  let description = [{
    Each `attn.online` on a static tile becomes loops around structured
    operations that fit into vector registers: scores of a few keys and all rows
    of the tile with their maximum, probabilities with their sum, and a few
    columns of the output. Rows are the innermost dimension of all of them, so
    keys and values are read as scalars in their own layout. Captures that vary
    over rows and keys are transposed tile by tile.

    The layout of the accumulator decides: with rows outermost, as `attn-tile`
    makes it for fewer rows than a vector has lanes, the keys and then the
    columns of the value lie in the lanes instead, row by row.

    Precondition: `attn-tile`. Example: for 32 rows, 128 keys and `register =
    [8, 8]`,

    ```mlir
    %acc1, %max1, %sum1 = attn.online query(%q : tensor<64x32xf32>)
        key(%k : tensor<128x64xf32>) ...
    ```

    becomes, among others, `scf.for %j = 0 to 128 step 8` around
    `scf.for %d = 0 to 64 step 1` around a contraction of `tensor<8x1xf32>` and
    `tensor<1x32xf32>`.
  }];
  let dependentDialects = [
    "::mlir::affine::AffineDialect", "::mlir::arith::ArithDialect",
    "::mlir::linalg::LinalgDialect", "::mlir::math::MathDialect",
    "::mlir::scf::SCFDialect", "::mlir::tensor::TensorDialect"];
}

def LowerAttentionRows : Pass<"attn-lower-rows"> {
  let summary = "Expand attention of a tile of rows with all its keys";
  let description = [{
    What `attn-tile` leaves as an attention without batch dimensions becomes
    loops around structured operations that fit into vector registers, as with
    `attn-lower-online`. The scores of the tile's rows and all keys are formed
    in scratch memory of that size, normalised there with any normalizer, given
    to the probability region, stored where the probabilities are a result, and
    multiplied with the values. An online form would have to compute the scores
    twice: a probability is known only after the last key.

    Precondition: `attn-tile`; static extents, one source of keys, rows that fill
    vectors. Other attention stays as it is. Example: for 32 rows and 196 keys

    ```mlir
    %o, %p = attn.attention query(%q : tensor<32x64xf32>)
        keys(%k : tensor<196x64xf32>) values(%v : tensor<196x64xf32>)
        outs(%e, %f : tensor<32x64xf32>, tensor<32x196xf32>)
        {result_kinds = [#attn<result output>, #attn<result probabilities>],
         attn.schedule = #attn.schedule<...>, ...}
    ```

    becomes loops over `tensor<196x32xf32>`, whose transpose is stored to `%p`.
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect",
    "::mlir::math::MathDialect",
    "::mlir::scf::SCFDialect", "::mlir::tensor::TensorDialect"];
}

def DecomposeAttention : Pass<"attn-decompose"> {
  let summary = "Rewrite every attn.attention as plain structured ops";
  let description = [{
    The path that is correct for every attention: any normalizer, regions, any
    number of sources, any extents, probabilities as a result. It forms the
    matrix of scores, so tiling (`attn-tile`) comes first and leaves to this
    pass what it cannot tile. With `matrix-only` it takes ahead of time what no
    tiled form serves, so that its contractions become kernels of their own.

    Precondition: none. Example:

    ```mlir
    %o = attn.attention query(%q : ...) keys(%k : ...) values(%v : ...)
         outs(%e : ...) {...} -> tensor<8x16x64xf32>
    ```

    becomes a contraction of query and key, an elementwise operation (scale,
    score region, mask), a row maximum, a row sum, an elementwise operation
    (probabilities) and a contraction with the value.
  }];
  let options = [
    Option<"matrixOnly", "matrix-only", "bool", "false",
           "only attention that cannot be tiled">];
  let dependentDialects = [
    "::mlir::affine::AffineDialect", "::mlir::arith::ArithDialect",
    "::mlir::linalg::LinalgDialect", "::mlir::math::MathDialect",
    "::mlir::tensor::TensorDialect"];
}

def PackConstants : Pass<"fovea-pack-constants", "::mlir::ModuleOp"> {
  let summary = "Lay the constant operands of contractions out in panels";
  let description = [{
    A register tile of a contraction reads, step by step of the reduction, one
    row of as many columns as it has. In a weight of 768x3072 the next row is
    12 KiB away; in a panel it is the next cache line. Where the schedule of a
    contraction has `pack = n`, this pass rewrites the constant at compile time
    as [columns / n][reduction...][n], the last panel filled up with zeros, for
    every call of the kernel; equal weights are packed once. A transposed weight
    is packed in the same way, so its transpose costs nothing. Upstream's
    `linalg::packMatmulGreedily` packs operands inside the function, at run time.

    Precondition: `fovea-schedule-kernels`, before `fovea-tile-kernels`. In the
    kernel a `linalg.unpack` says what the panels mean until tiling replaces its
    slices by slices of panels. Example:

    ```mlir
    %w = arith.constant dense_resource<w> : tensor<768x3072xf32>
    call @k0(%x, %w, %out)
    ```

    becomes, with `pack = 64`,

    ```mlir
    %w = arith.constant dense_resource<packed> : tensor<48x768x64xf32>
    call @k0(%x, %w, %out)
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::tensor::TensorDialect"];
}

def TileKernels : Pass<"fovea-tile-kernels", "::mlir::func::FuncOp"> {
  let summary = "Tile each kernel's structured operations as its schedule says";
  let description = [{
    A kernel becomes one parallel loop (scf.forall) over tiles of its results;
    inside, sequential loops over register tiles; inside those, a loop over the
    reduction. Producers and epilogues of the root are computed tile by tile with
    it, each once per tile. Upstream's `scf::tileConsumerAndFuseProducersUsingSCF`
    clones a producer once per use, which doubles the work of a softmax or a
    layer normalisation at each step, and its tiles at a boundary have a size
    known only at run time, which cannot be vectorised; here remainders get loops
    of their own, with a static tile size, and row tiles are balanced (197 rows
    in tiles of at most 8 are 22 tiles of 8 and 3 of 7).

    What a stencil reads from a padded tensor is padded by each parallel tile for
    itself, where it stays in the cache.

    Reads the levels `workgroup`, `register` and `reduction` and the options
    `block`, `columns`, `overlap` and `strip` of the root's `#attn.schedule`. What
    remains of the loop `columns` is cut into powers of two; the last tile along
    the loop `overlap` begins early enough to be a whole one. With `block`, every so many steps
    of the reduction start from zero and are added up. An operation with a `strip`
    length is cut along its innermost loop into pieces of that length; a reduction along
    that loop then keeps as many partial results.

    Precondition: `fovea-schedule-kernels`; functions without `fovea.kernel`, and
    kernels without a scheduled structured operation, stay as they are. Example:

    ```mlir
    %0 = linalg.generic {attn.schedule = #attn.schedule<workgroup = [16]>, ...}
        ins(%x : tensor<64xf32>) outs(%y : tensor<64xf32>)
    ```

    becomes `scf.forall (%i) = (0) to (64) step (16)` around the operation on
    `tensor<16xf32>`.
  }];
  let dependentDialects = ["::mlir::affine::AffineDialect",
                           "::mlir::arith::ArithDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::scf::SCFDialect",
                           "::mlir::tensor::TensorDialect"];
}

#endif // FOVEA_PASSES_TILE_PASSES_TD
