//===- Mask.td - Base of the mask attributes ---------------*- tablegen -*-===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_DIALECTS_ATTN_MASKS_MASK_TD
#define FOVEA_DIALECTS_ATTN_MASKS_MASK_TD

include "dialects/attn/AttnEnums.td"
include "dialects/attn/AttnInterfaces.td"
include "mlir/IR/AttrTypeBase.td"

class Attn_MaskAttr<string name, string mnemonic_>
    : AttrDef<Attn_Dialect, name,
              [DeclareAttrInterfaceMethods<Attn_MaskInterface>]> {
  let mnemonic = mnemonic_;
}

// The position of a capture, or -1 for none.
def Attn_CaptureParam
    : DefaultValuedParameter<"int64_t", "-1", "position of a capture, or -1">;

def Attn_AlignmentParam
    : DefaultValuedParameter<"::fovea::attn::Alignment",
                             "::fovea::attn::Alignment::Start">;

#endif // FOVEA_DIALECTS_ATTN_MASKS_MASK_TD
