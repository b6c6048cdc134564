//===- Padding.td - Padding mask ---------------------------*- tablegen -*-===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_DIALECTS_ATTN_MASKS_PADDING_TD
#define FOVEA_DIALECTS_ATTN_MASKS_PADDING_TD

include "dialects/attn/Masks/Mask.td"

def Attn_PaddingAttr : Attn_MaskAttr<"Padding", "padding", ["isInterval"]> {
  let summary = "keys between a start and an end known at run time";
  let description = [{
    Row i sees key j when `begin <= j < end`, each an element of an integer
    capture (a length per batch, say); -1 stands for no bound.

    Constraints:
    * padding_c1: `begin` or `end` names a capture.

    Example: `#attn.padding<end = 0>`.
  }];
  let parameters = (ins Attn_CaptureParam:$begin, Attn_CaptureParam:$end);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
}

#endif // FOVEA_DIALECTS_ATTN_MASKS_PADDING_TD
