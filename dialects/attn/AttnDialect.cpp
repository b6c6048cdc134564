//===- AttnDialect.cpp - The attn dialect ---------------------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fovea/dialects/attn/Attn.h"

#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace fovea::attn;

#include "fovea/dialects/attn/AttnDialect.cpp.inc"
#include "fovea/dialects/attn/AttnEnums.cpp.inc"

#include "fovea/dialects/attn/AttnAttrInterfaces.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "fovea/dialects/attn/AttnAttrs.cpp.inc"

#define GET_OP_CLASSES
#include "fovea/dialects/attn/AttnOps.cpp.inc"

void AttnDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "fovea/dialects/attn/AttnAttrs.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "fovea/dialects/attn/AttnOps.cpp.inc"
      >();
}

LogicalResult AttnDialect::verifyOperationAttribute(Operation *op,
                                                    NamedAttribute attr) {
  if (attr.getName() != ScheduleAttr::getAttachedName())
    return op->emitOpError("has the unknown attribute '")
           << attr.getName().getValue() << "' of the dialect attn";
  if (!isa<ScheduleAttr>(attr.getValue()))
    return op->emitOpError("has an attribute '")
           << attr.getName().getValue() << "' that is not an #attn.schedule";
  return success();
}
