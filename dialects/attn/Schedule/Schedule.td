//===- Schedule.td - The schedule attribute ----------------*- tablegen -*-===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_DIALECTS_ATTN_SCHEDULE_SCHEDULE_TD
#define FOVEA_DIALECTS_ATTN_SCHEDULE_SCHEDULE_TD

include "dialects/attn/AttnDialect.td"
include "mlir/IR/AttrTypeBase.td"

def Attn_ScheduleAttr : AttrDef<Attn_Dialect, "Schedule"> {
  let mnemonic = "schedule";
  let summary = "how an operation is to be tiled, vectorised and threaded";
  let description = [{
    Named levels, each a list of tile sizes (one per dimension of the operation
    that the level tiles; 0 leaves a dimension alone), and named options, each
    an integer. It is attached as the discardable attribute `attn.schedule` of a
    root operation by the passes of passes/Schedule alone, and only read after.

    Levels: `workgroup` (parallel tiles, one unit of work for a thread),
    `reduction` (sequential tiles), `register` (what stays in vector registers).
    A pass says which further levels and options it reads.

    Constraints:
    * schedule_c1: tile sizes are not negative.
    * schedule_c2: a name occurs once.

    Example:

    ```mlir
    #attn.schedule<workgroup = [1, 1, 32], reduction = [128],
                   register = [8, 32], lanes = 16>
    ```
  }];
  let parameters = (ins "::mlir::DictionaryAttr":$entries);
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
  let builders = [
    AttrBuilder<(ins
        "::llvm::ArrayRef<std::pair<::llvm::StringRef, ::llvm::ArrayRef<int64_t>>>":$levels,
        CArg<"::llvm::ArrayRef<std::pair<::llvm::StringRef, int64_t>>", "{}">:$options)>
  ];
  let extraClassDeclaration = [{
    /// The name under which a schedule is attached to an operation.
    static constexpr ::llvm::StringLiteral getAttachedName() {
      return "attn.schedule";
    }
    /// The schedule of `op`, or a null attribute.
    static ScheduleAttr of(::mlir::Operation *op);
    /// The tile sizes of a level; empty where the schedule has no such level.
    ::llvm::ArrayRef<int64_t> getLevel(::llvm::StringRef name) const;
    /// An option, or `fallback` where the schedule does not have it.
    int64_t getOption(::llvm::StringRef name, int64_t fallback) const;
  }];
}

#endif // FOVEA_DIALECTS_ATTN_SCHEDULE_SCHEDULE_TD
