//===- Attn.h - The attn dialect --------------------------------*- C++ -*-===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_DIALECTS_ATTN_ATTN_H
#define FOVEA_DIALECTS_ATTN_ATTN_H

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Interfaces/TilingInterface.h"

#include "fovea/dialects/attn/AttnDialect.h.inc"
#include "fovea/dialects/attn/AttnEnums.h.inc"

#include "fovea/dialects/attn/AttnAttrInterfaces.h.inc"

#define GET_ATTRDEF_CLASSES
#include "fovea/dialects/attn/AttnAttrs.h.inc"

#define GET_OP_CLASSES
#include "fovea/dialects/attn/AttnOps.h.inc"

#endif // FOVEA_DIALECTS_ATTN_ATTN_H
