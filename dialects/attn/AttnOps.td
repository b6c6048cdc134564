//===- AttnOps.td - All operations of the attn dialect -----*- tablegen -*-===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_DIALECTS_ATTN_ATTNOPS_TD
#define FOVEA_DIALECTS_ATTN_ATTNOPS_TD

include "dialects/attn/AttnDialect.td"
include "dialects/attn/AttnInterfaces.td"

#endif // FOVEA_DIALECTS_ATTN_ATTNOPS_TD
