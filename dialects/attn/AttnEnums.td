//===- AttnEnums.td - Enumerations of the attn dialect -----*- tablegen -*-===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_DIALECTS_ATTN_ATTNENUMS_TD
#define FOVEA_DIALECTS_ATTN_ATTNENUMS_TD

include "dialects/attn/AttnDialect.td"
include "mlir/IR/EnumAttr.td"

class Attn_Enum<string name, string summary, list<I32EnumAttrCase> cases>
    : I32EnumAttr<name, summary, cases> {
  let cppNamespace = "::fovea::attn";
  let genSpecializedAttr = 0;
}

def Attn_Normalizer : Attn_Enum<"Normalizer", "how scores become probabilities", [
    I32EnumAttrCase<"Softmax", 0, "softmax">,
    I32EnumAttrCase<"SoftmaxPlusOne", 1, "softmax_plus_one">,
    I32EnumAttrCase<"Sigmoid", 2, "sigmoid">,
    I32EnumAttrCase<"ReluSquared", 3, "relu_squared">,
    I32EnumAttrCase<"None", 4, "none">]>;
def Attn_NormalizerAttr : EnumAttr<Attn_Dialect, Attn_Normalizer, "normalizer">;

def Attn_EmptyRow : Attn_Enum<"EmptyRow", "the output of a row that sees no key", [
    I32EnumAttrCase<"Zero", 0, "zero">, I32EnumAttrCase<"NaN", 1, "nan">]>;
def Attn_EmptyRowAttr : EnumAttr<Attn_Dialect, Attn_EmptyRow, "empty_row">;

def Attn_ResultKind : Attn_Enum<"ResultKind", "what a result of attention holds", [
    I32EnumAttrCase<"Output", 0, "output">,
    I32EnumAttrCase<"LogSumExp", 1, "lse">,
    I32EnumAttrCase<"Probabilities", 2, "probabilities">]>;
def Attn_ResultKindAttr : EnumAttr<Attn_Dialect, Attn_ResultKind, "result">;
def Attn_ResultKindArrayAttr
    : TypedArrayAttrBase<Attn_ResultKindAttr, "kinds of results">;

def Attn_Alignment : Attn_Enum<"Alignment", "which rows and keys are paired", [
    I32EnumAttrCase<"Start", 0, "start">, I32EnumAttrCase<"End", 1, "end">]>;

#endif // FOVEA_DIALECTS_ATTN_ATTNENUMS_TD
