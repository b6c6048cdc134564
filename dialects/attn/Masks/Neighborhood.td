//===- Neighborhood.td - Neighbourhood mask ----------------*- tablegen -*-===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_DIALECTS_ATTN_MASKS_NEIGHBORHOOD_TD
#define FOVEA_DIALECTS_ATTN_MASKS_NEIGHBORHOOD_TD

include "dialects/attn/Masks/Mask.td"

def Attn_NeighborhoodAttr
    : Attn_StaticMaskAttr<"Neighborhood", "neighborhood"> {
  let summary = "the nearest keys, as many for every row";
  let description = [{
    Neighbourhood attention along one axis. Unlike a window, which loses keys at
    both ends of the axis, the neighbourhood is moved inwards there and has the
    same size for every row. With a `dilation` of d, rows and keys whose
    positions are equal modulo d are an axis of their own each. With i' = i / d
    and L' the length of the row's own axis, row i sees key j when
    `i mod d = j mod d` and `s <= j / d < s + size`, where s is `i' - size / 2`
    clamped to [0, L' - size].

    There are as many keys as rows. Several axes make an `#attn.product`.

    Constraints:
    * neighborhood_c1: `size` and `dilation` are above 0.

    Example: `#attn.neighborhood<size = 7, dilation = 2>`.
  }];
  let parameters = (ins "int64_t":$size,
      DefaultValuedParameter<"int64_t", "1">:$dilation);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
}

#endif // FOVEA_DIALECTS_ATTN_MASKS_NEIGHBORHOOD_TD
