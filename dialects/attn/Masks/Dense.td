//===- Dense.td - Dense mask -------------------------------*- tablegen -*-===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_DIALECTS_ATTN_MASKS_DENSE_TD
#define FOVEA_DIALECTS_ATTN_MASKS_DENSE_TD

include "dialects/attn/Masks/Mask.td"

def Attn_DenseAttr : Attn_MaskAttr<"Dense", "dense"> {
  let summary = "keys listed by a tensor";
  let description = [{
    Row i sees key j when the element of the capture is true: a boolean that is
    set, an integer that is not 0, or (an additive mask, which the score region
    adds) a number above -inf.

    Example: `#attn.dense<0>`.
  }];
  let parameters = (ins "int64_t":$capture);
  let assemblyFormat = "`<` $capture `>`";
}

#endif // FOVEA_DIALECTS_ATTN_MASKS_DENSE_TD
