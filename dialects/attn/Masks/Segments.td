//===- Segments.td - Mask of separate segments -------------*- tablegen -*-===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_DIALECTS_ATTN_MASKS_SEGMENTS_TD
#define FOVEA_DIALECTS_ATTN_MASKS_SEGMENTS_TD

include "dialects/attn/Masks/Mask.td"

def Attn_SegmentsAttr : Attn_StaticMaskAttr<"Segments", "segments"> {
  let summary = "keys of the query's own segment";
  let description = [{
    Rows and keys are cut at the same places, and a row sees the keys of its own
    segment: documents packed into one sequence, or windows one after the other.
    `starts` are the first positions of the segments; the last one has no end.

    Constraints:
    * segments_c1: `starts` begins with 0 and increases strictly.

    Example: `#attn.segments<[0, 130, 410]>`.
  }];
  let parameters = (ins ArrayRefParameter<"int64_t">:$starts);
  let assemblyFormat = "`<` `[` $starts `]` `>`";
  let genVerifyDecl = 1;
}

#endif // FOVEA_DIALECTS_ATTN_MASKS_SEGMENTS_TD
