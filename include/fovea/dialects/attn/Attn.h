//===- Attn.h - The attn dialect --------------------------------*- C++ -*-===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_DIALECTS_ATTN_ATTN_H
#define FOVEA_DIALECTS_ATTN_ATTN_H

#include "fovea/dialects/attn/Interfaces/Mask.h"
#include "fovea/dialects/attn/Interfaces/Roles.h"

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Interfaces/TilingInterface.h"

#include "fovea/dialects/attn/AttnDialect.h.inc"
#include "fovea/dialects/attn/AttnEnums.h.inc"

#include "fovea/dialects/attn/AttnAttrInterfaces.h.inc"

#define GET_ATTRDEF_CLASSES
#include "fovea/dialects/attn/AttnAttrs.h.inc"

namespace fovea::attn {

// Upstream's interface definitions name these without their namespace.
using llvm::SmallVector;
using mlir::Location;
using mlir::MergeResult;
using mlir::ReductionTilingStrategy;
using mlir::TilingResult;
using mlir::Value;
using mlir::ValueRange;

/// Fills a region: given the score (or probability) and one element per
/// capture, emits the new element. An empty function leaves the region empty.
using RegionBuilderFn = llvm::function_ref<mlir::Value(
    mlir::OpBuilder &, mlir::Location, mlir::Value, mlir::ValueRange)>;

/// The attributes of attn.attention that have a default.
struct AttentionParams {
  double scale = 1.0;
  MaskInterface mask = {};
  Normalizer normalizer = Normalizer::Softmax;
  EmptyRow emptyRow = EmptyRow::Zero;
  /// What the inits hold; one output when empty.
  llvm::SmallVector<ResultKind> kinds = {};
};

} // namespace fovea::attn

#define GET_OP_CLASSES
#include "fovea/dialects/attn/AttnOps.h.inc"

#endif // FOVEA_DIALECTS_ATTN_ATTN_H
