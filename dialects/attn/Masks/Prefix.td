//===- Prefix.td - Prefix mask -----------------------------*- tablegen -*-===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_DIALECTS_ATTN_MASKS_PREFIX_TD
#define FOVEA_DIALECTS_ATTN_MASKS_PREFIX_TD

include "dialects/attn/Masks/Mask.td"

def Attn_PrefixAttr : Attn_StaticMaskAttr<"Prefix", "prefix", ["isInterval"]> {
  let summary = "the first keys";
  let description = [{
    Row i sees key j when `j < count`. A prefix language model is
    `#attn.or<#attn.causal, #attn.prefix<1024>>`.

    Constraints:
    * prefix_c1: `count` is not negative.

    Example: `#attn.prefix<1024>`.
  }];
  let parameters = (ins "int64_t":$count);
  let assemblyFormat = "`<` $count `>`";
  let genVerifyDecl = 1;
}

#endif // FOVEA_DIALECTS_ATTN_MASKS_PREFIX_TD
