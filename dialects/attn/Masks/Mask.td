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

class Attn_MaskAttr<string name, string mnemonic_, list<string> overridden = []>
    : AttrDef<Attn_Dialect, name,
              [DeclareAttrInterfaceMethods<Attn_MaskInterface, overridden>]> {
  let mnemonic = mnemonic_;
}

// A mask that is known when compiling: it reads no captures.
class Attn_StaticMaskAttr<string name, string mnemonic_,
                          list<string> overridden = []>
    : Attn_MaskAttr<name, mnemonic_, overridden> {
  let extraClassDefinition = [{
    void $cppClass::appendCaptures(::llvm::SmallVectorImpl<unsigned> &) const {}
    ::fovea::attn::MaskInterface
    $cppClass::withCaptures(::llvm::ArrayRef<unsigned>) const {
      return *this;
    }
    ::llvm::LogicalResult $cppClass::verifyCaptures(
        ::llvm::function_ref<::mlir::InFlightDiagnostic()>,
        ::llvm::ArrayRef<::mlir::Type>) const {
      return ::llvm::success();
    }
  }];
}

// The position of a capture, or -1 for none.
def Attn_CaptureParam
    : DefaultValuedParameter<"int64_t", "-1", "position of a capture, or -1">;

def Attn_AlignmentParam
    : DefaultValuedParameter<"::fovea::attn::Alignment",
                             "::fovea::attn::Alignment::Start">;

#endif // FOVEA_DIALECTS_ATTN_MASKS_MASK_TD
