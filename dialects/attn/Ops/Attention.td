//===- Attention.td - attn.attention -----------------------*- tablegen -*-===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_DIALECTS_ATTN_OPS_ATTENTION_TD
#define FOVEA_DIALECTS_ATTN_OPS_ATTENTION_TD

include "dialects/attn/AttnEnums.td"
include "dialects/attn/AttnInterfaces.td"
include "mlir/Interfaces/DestinationStyleOpInterface.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Attn_AttentionOp : Attn_Op<"attention", [
    AttrSizedOperandSegments, DestinationStyleOpInterface, Pure,
    DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface,
                              ["reifyResultShapes"]>]> {
  let summary = "attention over one iteration space";
  let description = [{
    For every batch dimension B (batch, head, group of heads), query row M, key
    K2, head dimension K1 and value dimension N:

    ```
    S = scale * sum over K1 of Q * K        in the compute type
    S = score(S, captures)                  a region, the identity if absent
    S = mask(i, j) ? S : -inf               (0 for the normalizer none)
    P = normalizer(S) over K2
    P = prob(P, captures)                   a region, the identity if absent
    O = sum over K2 of P * V
    ```

    The compute type is f64 when an operand is f64 and f32 otherwise.

    Every operand has an indexing map over one iteration space; the role of a
    dimension follows from the maps alone, so that a layout, a transposition or
    a grouping of heads needs no operation of its own:

    | role | query | key | value | output |
    |------|-------|-----|-------|--------|
    | M    | yes   | no  | no    | yes    |
    | N    | no    | no  | yes   | yes    |
    | K1   | yes   | yes | no    | no     |
    | K2   | no    | yes | yes   | no     |
    | B    | any other dimension of the output |||

    There is exactly one of each of M, N, K1 and K2. Where several dimensions
    fit M (a group of query heads that share a key head) or N, the last one in
    the order of the iteration space has the role and the others are batch.

    `keys` and `values` may list several sources that share one softmax (a
    cache and the new tokens, say). K2 then runs over their concatenation, which
    is never formed; captures and the mask see positions in it.

    `captures` are tensors that the regions and the mask read, one element per
    point of the iteration space. A map of a capture may have the constant 0 as
    a result, for a dimension of extent 1.

    `result_kinds` says what the inits and results hold: the output, the
    log-sum-exp of a row (over B and M), the probabilities P (over B, M, K2).

    A row without a visible key gives zeros (`empty_row = zero`, as the ONNX
    operator) or NaN (`nan`, as a decomposed softmax over -inf).

    Constraints:
    * attention_c1: as many values as keys, at least one.
    * attention_c2: one indexing map per operand, over the same dimensions.
    * attention_c3: each map is a projected permutation with one result for each
      dimension of its operand; only a capture may have the result 0.
    * attention_c4: every dimension has a role, and M, N, K1, K2 occur once.
    * attention_c5: static extents agree along each dimension; K2 is the sum of
      the sources.
    * attention_c6: query, keys, values and inits hold floating-point numbers.
    * attention_c7: one distinct result kind per init, each with the map of its
      kind; lse needs a softmax.
    * attention_c8: results have the types of the inits.
    * attention_c9: a region has the arguments and the terminator described
      above and no side effects.
    * attention_c10: attn.index names a dimension of role B, M or K2.
    * attention_c11: the mask reads captures that exist, with a type it can read.

    Example:

    ```mlir
    %o = attn.attention query(%q : tensor<8x1024x64xf32>)
        keys(%k : tensor<8x1024x64xf32>) values(%v : tensor<8x1024x64xf32>)
        captures(%bias : tensor<1024x1024xf32>)
        outs(%init : tensor<8x1024x64xf32>)
        score {
        ^bb0(%s: f32, %b: f32):
          %r = arith.addf %s, %b : f32
          attn.yield %r : f32
        }
        {indexing_maps = [
           affine_map<(h, m, n, k1, k2) -> (h, m, k1)>,
           affine_map<(h, m, n, k1, k2) -> (h, k2, k1)>,
           affine_map<(h, m, n, k1, k2) -> (h, k2, n)>,
           affine_map<(h, m, n, k1, k2) -> (m, k2)>,
           affine_map<(h, m, n, k1, k2) -> (h, m, n)>],
         mask = #attn.causal, scale = 1.250000e-01 : f64}
        -> tensor<8x1024x64xf32>
    ```
  }];
  let arguments = (ins AnyRankedTensor:$query, Variadic<AnyRankedTensor>:$keys,
      Variadic<AnyRankedTensor>:$values, Variadic<AnyRankedTensor>:$captures,
      Variadic<AnyRankedTensor>:$inits, AffineMapArrayAttr:$indexing_maps,
      DefaultValuedAttr<F64Attr, "1.0">:$scale,
      DefaultValuedAttr<Attn_NormalizerAttr,
                        "::fovea::attn::Normalizer::Softmax">:$normalizer,
      DefaultValuedAttr<Attn_EmptyRowAttr,
                        "::fovea::attn::EmptyRow::Zero">:$empty_row,
      OptionalAttr<Attn_ResultKindArrayAttr>:$result_kinds,
      OptionalAttr<Attn_MaskInterface>:$mask);
  let results = (outs Variadic<AnyRankedTensor>:$outputs);
  let regions = (region AnyRegion:$score, AnyRegion:$prob);
  let assemblyFormat = [{
    `query` `(` $query `:` type($query) `)`
    `keys` `(` $keys `:` type($keys) `)`
    `values` `(` $values `:` type($values) `)`
    (`captures` `(` $captures^ `:` type($captures) `)`)?
    `outs` `(` $inits `:` type($inits) `)`
    (`score` $score^)? (`prob` $prob^)?
    attr-dict (`->` type($outputs)^)?
  }];
  let skipDefaultBuilders = 1;
  let builders = [
    OpBuilder<(ins "::mlir::Value":$query, "::mlir::ValueRange":$keys,
        "::mlir::ValueRange":$values, "::mlir::ValueRange":$captures,
        "::mlir::ValueRange":$inits,
        "::llvm::ArrayRef<::mlir::AffineMap>":$maps,
        CArg<"const ::fovea::attn::AttentionParams &", "{}">:$params,
        CArg<"::fovea::attn::RegionBuilderFn", "nullptr">:$score,
        CArg<"::fovea::attn::RegionBuilderFn", "nullptr">:$prob)>
  ];
  let extraClassDeclaration = [{
    ::mlir::MutableOperandRange getDpsInitsMutable() {
      return getInitsMutable();
    }
    /// The indexing maps by operand. All are in range once the op verifies.
    ::llvm::SmallVector<::mlir::AffineMap> getMaps();
    ::mlir::AffineMap getQueryMap() { return getMaps()[0]; }
    ::mlir::AffineMap getKeyMap(unsigned source);
    ::mlir::AffineMap getValueMap(unsigned source);
    ::mlir::AffineMap getCaptureMap(unsigned capture);
    ::mlir::AffineMap getInitMap(unsigned init);
    /// The roles of the dimensions of the iteration space.
    ::fovea::attn::DimRoles getRoles();
    /// The kind of each result; one output where the attribute is absent.
    ::llvm::SmallVector<::fovea::attn::ResultKind> getKinds();
    /// The position of the init of this kind, or -1.
    int getInitOfKind(::fovea::attn::ResultKind kind);
    /// The type in which scores, statistics and sums are computed.
    ::mlir::FloatType getComputeType();
    /// The static extent of each dimension, or ShapedType::kDynamic.
    ::llvm::SmallVector<int64_t> getStaticExtents();
    /// The extent of each dimension, with tensor.dim where it is dynamic.
    ::llvm::SmallVector<::mlir::OpFoldResult>
    getExtents(::mlir::OpBuilder &builder);
    /// The extents along K2 of the sources.
    ::llvm::SmallVector<::mlir::OpFoldResult>
    getSourceExtents(::mlir::OpBuilder &builder);
  }];
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
  let hasCanonicalizer = 1;
}

#endif // FOVEA_DIALECTS_ATTN_OPS_ATTENTION_TD
