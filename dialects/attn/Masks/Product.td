//===- Product.td - Mask of several axes -------------------*- tablegen -*-===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_DIALECTS_ATTN_MASKS_PRODUCT_TD
#define FOVEA_DIALECTS_ATTN_MASKS_PRODUCT_TD

include "dialects/attn/Masks/Mask.td"

def Attn_ProductAttr : Attn_StaticMaskAttr<"Product", "product"> {
  let summary = "keys that are visible along each axis of a grid";
  let description = [{
    Rows and keys are the points of one grid in row-major order. A row sees a key
    when, along each axis, the mask of the axis shows the coordinate of the key
    to the coordinate of the row. The extents that such a mask sees are the
    length of its axis.

    This is how neighbourhoods, windows, shifted windows and stripes of images
    and videos, axial attention (`#attn.window<left = 0, right = 0>` is the
    diagonal, `#attn.segments<[0]>` everything) and strided attention are
    written.

    Constraints:
    * product_c1: there is one mask for each axis, and lengths are above 0.
    * product_c2: the masks read no captures.

    Example: `#attn.product<[56, 56], [#attn.neighborhood<size = 7>,
    #attn.neighborhood<size = 7>]>`.
  }];
  let parameters = (ins ArrayRefParameter<"int64_t">:$shape,
      ArrayRefParameter<"::fovea::attn::MaskInterface">:$masks);
  let assemblyFormat = "`<` `[` $shape `]` `,` `[` $masks `]` `>`";
  let genVerifyDecl = 1;
}

#endif // FOVEA_DIALECTS_ATTN_MASKS_PRODUCT_TD
