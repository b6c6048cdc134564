//===- SlidingWindow.td - Sliding window mask --------------*- tablegen -*-===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_DIALECTS_ATTN_MASKS_SLIDINGWINDOW_TD
#define FOVEA_DIALECTS_ATTN_MASKS_SLIDINGWINDOW_TD

include "dialects/attn/Masks/Mask.td"

def Attn_SlidingWindowAttr : Attn_MaskAttr<"SlidingWindow", "window", ["isInterval"]> {
  let summary = "keys near the query's own position";
  let description = [{
    Row i sees key j when `i + shift - left <= j <= i + shift + right`; shift is
    found as for `#attn.causal`. A negative `left` or `right` is no bound.

    Constraints:
    * window_c1: `left` or `right` bounds the window.

    Example: `#attn.window<left = 127, right = 0>`.
  }];
  let parameters = (ins DefaultValuedParameter<"int64_t", "-1">:$left,
      DefaultValuedParameter<"int64_t", "-1">:$right,
      DefaultValuedParameter<"int64_t", "0">:$offset,
      Attn_AlignmentParam:$align, Attn_CaptureParam:$shift);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
}

#endif // FOVEA_DIALECTS_ATTN_MASKS_SLIDINGWINDOW_TD
