//===- Combine.td - Masks made of masks --------------------*- tablegen -*-===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_DIALECTS_ATTN_MASKS_COMBINE_TD
#define FOVEA_DIALECTS_ATTN_MASKS_COMBINE_TD

include "dialects/attn/Masks/Mask.td"

class Attn_CombinedMaskAttr<string name, string mnemonic_,
                            list<string> overridden = []>
    : Attn_MaskAttr<name, mnemonic_, overridden> {
  let parameters = (ins ArrayRefParameter<"::fovea::attn::MaskInterface">:$masks);
  let assemblyFormat = "`<` $masks `>`";
  let genVerifyDecl = 1;
}

def Attn_AndAttr : Attn_CombinedMaskAttr<"And", "and", ["isInterval"]> {
  let summary = "keys that every one of several masks shows";
  let description = [{
    Constraints:
    * and_c1: it combines at least one mask.

    Example: `#attn.and<#attn.causal, #attn.padding<end = 0>>`.
  }];
}

def Attn_OrAttr : Attn_CombinedMaskAttr<"Or", "or"> {
  let summary = "keys that at least one of several masks shows";
  let description = [{
    Constraints:
    * or_c1: it combines at least one mask.

    Example: `#attn.or<#attn.window<left = 64, right = 64>, #attn.dense<0>>`.
  }];
}

#endif // FOVEA_DIALECTS_ATTN_MASKS_COMBINE_TD
