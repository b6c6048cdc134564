//===- Causal.td - Causal mask -----------------------------*- tablegen -*-===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_DIALECTS_ATTN_MASKS_CAUSAL_TD
#define FOVEA_DIALECTS_ATTN_MASKS_CAUSAL_TD

include "dialects/attn/Masks/Mask.td"

def Attn_CausalAttr : Attn_MaskAttr<"Causal", "causal", ["isInterval"]> {
  let summary = "keys up to the query's own position";
  let description = [{
    Row i sees key j when `j <= i + shift`, where shift is the sum of `offset`,
    of the element of the capture `shift` (an integer tensor; absent when -1)
    and, for `align = end`, of K2 - M, so that the last row sees the last key.

    Example: `#attn.causal`, `#attn.causal<align = end>`,
    `#attn.causal<offset = 3, shift = 0>`.
  }];
  let parameters = (ins DefaultValuedParameter<"int64_t", "0">:$offset,
      Attn_AlignmentParam:$align, Attn_CaptureParam:$shift);
  let assemblyFormat = "(`<` struct(params)^ `>`)?";
}

#endif // FOVEA_DIALECTS_ATTN_MASKS_CAUSAL_TD
