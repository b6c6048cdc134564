//===- Region.td - attn.index and attn.yield ---------------*- tablegen -*-===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_DIALECTS_ATTN_OPS_REGION_TD
#define FOVEA_DIALECTS_ATTN_OPS_REGION_TD

include "dialects/attn/AttnDialect.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Attn_IndexOp : Attn_Op<"index", [Pure]> {
  let summary = "the position along a dimension of the enclosing attention";
  let description = [{
    The position in the iteration space of the enclosing operation along
    dimension `dim`, of role B, M or K2 (attention_c10).

    Constraints:
    * index_c1: it lies in a region of an attention operation.

    Example:

    ```mlir
    %i = attn.index 1
    ```
  }];
  let arguments = (ins I64Attr:$dim);
  let results = (outs Index:$position);
  let assemblyFormat = "$dim attr-dict";
  let hasVerifier = 1;
}

def Attn_YieldOp : Attn_Op<"yield", [Pure, ReturnLike, Terminator]> {
  let summary = "ends a region of an attention operation";
  let description = [{
    Gives back the element that the region computes.

    Example:

    ```mlir
    attn.yield %s : f32
    ```
  }];
  let arguments = (ins AnyType:$element);
  let assemblyFormat = "$element attr-dict `:` type($element)";
}

#endif // FOVEA_DIALECTS_ATTN_OPS_REGION_TD
