//===- AttnOps.td - Everything of the attn dialect ---------*- tablegen -*-===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_DIALECTS_ATTN_ATTNOPS_TD
#define FOVEA_DIALECTS_ATTN_ATTNOPS_TD

include "dialects/attn/AttnDialect.td"
include "dialects/attn/AttnEnums.td"
include "dialects/attn/AttnInterfaces.td"
include "dialects/attn/Masks/Causal.td"
include "dialects/attn/Masks/Combine.td"
include "dialects/attn/Masks/Dense.td"
include "dialects/attn/Masks/Neighborhood.td"
include "dialects/attn/Masks/Padding.td"
include "dialects/attn/Masks/Pattern.td"
include "dialects/attn/Masks/Prefix.td"
include "dialects/attn/Masks/Product.td"
include "dialects/attn/Masks/Segments.td"
include "dialects/attn/Masks/SlidingWindow.td"
include "dialects/attn/Ops/Attention.td"
include "dialects/attn/Ops/Online.td"
include "dialects/attn/Ops/Region.td"
include "dialects/attn/Schedule/Schedule.td"

#endif // FOVEA_DIALECTS_ATTN_ATTNOPS_TD
