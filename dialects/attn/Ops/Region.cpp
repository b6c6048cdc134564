//===- Region.cpp - attn.index and attn.yield -----------------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fovea/dialects/attn/Attn.h"

using namespace mlir;
using namespace fovea::attn;

LogicalResult IndexOp::verify() {
  DimRoles roles;
  int64_t numDims;
  Operation *parent = (*this)->getParentOp();
  while (parent && !isa<AttentionOp, OnlineOp>(parent))
    parent = parent->getParentOp();
  if (auto attention = dyn_cast_if_present<AttentionOp>(parent)) {
    roles = attention.getRoles();
    numDims = attention.getQueryMap().getNumDims();
  } else if (auto online = dyn_cast_if_present<OnlineOp>(parent)) {
    roles = online.getRoles();
    numDims = online.getAccMap().getNumDims();
  } else {
    return emitOpError("is outside of an attention operation (index_c1)");
  }
  int64_t dim = getDim();
  if (dim < 0 || dim >= numDims || dim == roles.n || dim == roles.k1)
    return emitOpError("names dimension ")
           << dim << ", which is not of role B, M or K2 (attention_c10)";
  return success();
}
