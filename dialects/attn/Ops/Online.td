//===- Online.td - attn.online -----------------------------*- tablegen -*-===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_DIALECTS_ATTN_OPS_ONLINE_TD
#define FOVEA_DIALECTS_ATTN_OPS_ONLINE_TD

include "dialects/attn/AttnDialect.td"
include "mlir/Interfaces/DestinationStyleOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "mlir/Interfaces/TilingInterface.td"

def Attn_OnlineOp : Attn_Op<"online", [
    DestinationStyleOpInterface, Pure,
    DeclareOpInterfaceMethods<TilingInterface,
        ["getIterationDomain", "getLoopIteratorTypes", "getTiledImplementation",
         "getResultTilePosition"]>,
    DeclareOpInterfaceMethods<PartialReductionOpInterface,
        ["generateInitialTensorForPartialReduction", "tileToPartialReduction",
         "mergeReductions", "getPartialResultTilePosition"]>]> {
  let summary = "one step of attention over some of the keys";
  let description = [{
    Takes in more keys of a softmax attention whose statistics are carried along
    as destinations: the unnormalised output `acc`, the row maximum `max` and
    the row sum `sum`.

    ```
    S    = score(scale * sum over K1 of Q * K, captures)
    max' = max(max, max over K2 of S)
    a    = 2 ^ (exponent_scale * (max - max'))
    P    = 2 ^ (exponent_scale * (S - max'))
    sum' = a * sum + sum over K2 of P
    acc' = a * acc + sum over K2 of P * V
    ```

    with 0 in place of max' in the exponents where it is -inf. The base is 2:
    where there is nothing between the scale and the softmax, the logarithm of e
    is folded into the scale; otherwise it is `exponent_scale`, which comes after
    the subtraction, since a mask of -FLT_MAX times log2(e) would be -inf. The
    attention of all keys is `acc / sum`. A mask is part of the score region:
    tiles that it leaves whole have none.

    The roles of dimensions are those of attn.attention, with `acc` for the
    output. `attn.index` gives positions within the operands; the region adds
    the offset of the tile, a value from outside.

    Constraints:
    * online_c1: one indexing map per operand, each a projected permutation over
      the same dimensions with one result for each dimension of its operand.
    * online_c2: every dimension has a role, and M, N, K1, K2 occur once.
    * online_c3: `max` and `sum` have the dimensions B and M.
    * online_c4: static extents agree along each dimension.
    * online_c5: `acc`, `max` and `sum` hold f32 or f64, all the same, and the
      results have their types.
    * online_c6: the region has the score and one element per capture as
      arguments and ends with an attn.yield of the score.

    Example:

    ```mlir
    %acc1, %max1, %sum1 = attn.online query(%q : tensor<32x64xf32>)
        key(%k : tensor<128x64xf32>) value(%v : tensor<128x64xf32>)
        outs(%acc, %max, %sum : tensor<32x64xf32>, tensor<32xf32>,
                                tensor<32xf32>)
        {indexing_maps = [affine_map<(m, n, k1, k2) -> (m, k1)>,
                          affine_map<(m, n, k1, k2) -> (k2, k1)>,
                          affine_map<(m, n, k1, k2) -> (k2, n)>,
                          affine_map<(m, n, k1, k2) -> (m, n)>,
                          affine_map<(m, n, k1, k2) -> (m)>,
                          affine_map<(m, n, k1, k2) -> (m)>]}
        -> tensor<32x64xf32>, tensor<32xf32>, tensor<32xf32>
    ```
  }];
  let arguments = (ins AnyRankedTensor:$query, AnyRankedTensor:$key,
      AnyRankedTensor:$value, Variadic<AnyRankedTensor>:$captures,
      AnyRankedTensor:$acc, AnyRankedTensor:$max, AnyRankedTensor:$sum,
      AffineMapArrayAttr:$indexing_maps,
      DefaultValuedAttr<F64Attr, "1.0">:$scale,
      DefaultValuedAttr<F64Attr, "1.0">:$exponent_scale);
  let results = (outs AnyRankedTensor:$acc_out, AnyRankedTensor:$max_out,
      AnyRankedTensor:$sum_out);
  let regions = (region AnyRegion:$score);
  let assemblyFormat = [{
    `query` `(` $query `:` type($query) `)` `key` `(` $key `:` type($key) `)`
    `value` `(` $value `:` type($value) `)`
    (`captures` `(` $captures^ `:` type($captures) `)`)?
    `outs` `(` $acc `,` $max `,` $sum `:` type($acc) `,` type($max) `,`
    type($sum) `)` (`score` $score^)? attr-dict
    `->` type($acc_out) `,` type($max_out) `,` type($sum_out)
  }];
  let skipDefaultBuilders = 1;
  let builders = [
    OpBuilder<(ins "::mlir::Value":$query, "::mlir::Value":$key,
        "::mlir::Value":$value, "::mlir::ValueRange":$captures,
        "::mlir::Value":$acc, "::mlir::Value":$max, "::mlir::Value":$sum,
        "::llvm::ArrayRef<::mlir::AffineMap>":$maps,
        CArg<"double", "1.0">:$scale, CArg<"double", "1.0">:$exponentScale,
        CArg<"::fovea::attn::RegionBuilderFn", "nullptr">:$score)>
  ];
  let extraClassDeclaration = [{
    ::mlir::MutableOperandRange getDpsInitsMutable();
    /// The indexing maps by operand.
    ::llvm::SmallVector<::mlir::AffineMap> getMaps();
    ::mlir::AffineMap getCaptureMap(unsigned capture);
    ::mlir::AffineMap getAccMap();
    ::mlir::AffineMap getMaxMap();
    ::mlir::AffineMap getSumMap();
    /// The roles of the dimensions of the iteration space.
    ::fovea::attn::DimRoles getRoles();
    /// The type in which scores, statistics and sums are computed.
    ::mlir::FloatType getComputeType();
    /// The static extent of each dimension, or ShapedType::kDynamic.
    ::llvm::SmallVector<int64_t> getStaticExtents();
  }];
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
  let hasCanonicalizer = 1;
}

#endif // FOVEA_DIALECTS_ATTN_OPS_ONLINE_TD
