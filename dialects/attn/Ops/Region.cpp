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
  auto attention = (*this)->getParentOfType<AttentionOp>();
  if (!attention)
    return emitOpError("is outside of an attention operation (index_c1)");
  DimRoles roles = attention.getRoles();
  int64_t dim = getDim();
  if (dim < 0 || dim >= attention.getQueryMap().getNumDims() ||
      dim == roles.n || dim == roles.k1)
    return emitOpError("names dimension ")
           << dim << ", which is not of role B, M or K2 (attention_c10)";
  return success();
}
