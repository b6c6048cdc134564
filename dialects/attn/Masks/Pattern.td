//===- Pattern.td - Mask given bit by bit ------------------*- tablegen -*-===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_DIALECTS_ATTN_MASKS_PATTERN_TD
#define FOVEA_DIALECTS_ATTN_MASKS_PATTERN_TD

include "dialects/attn/Masks/Mask.td"

def Attn_PatternAttr : Attn_StaticMaskAttr<"Pattern", "pattern"> {
  let summary = "keys listed bit by bit";
  let description = [{
    Row i sees key j when bit `j mod 64` of the element [i, j / 64] of `bits` is
    set: any mask that is constant and has no better description. Tiling finds
    the tiles of it that are empty and full.

    Constraints:
    * pattern_c1: `bits` is a matrix of i64.

    Example: `#attn.pattern<dense<[[1], [3]]> : tensor<2x1xi64>>`.
  }];
  let parameters = (ins "::mlir::DenseIntElementsAttr":$bits);
  let assemblyFormat = "`<` $bits `>`";
  let genVerifyDecl = 1;
}

#endif // FOVEA_DIALECTS_ATTN_MASKS_PATTERN_TD
