//===- Roles.cpp - The roles of the dimensions of attention ---------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fovea/dialects/attn/Interfaces/Roles.h"

using namespace mlir;
using namespace fovea::attn;

FailureOr<DimRoles>
DimRoles::find(AffineMap query, AffineMap key, AffineMap value,
               AffineMap output, function_ref<InFlightDiagnostic()> emitError) {
  DimRoles roles;
  SmallVector<unsigned> m, n, k1, k2;
  for (unsigned dim = 0; dim < query.getNumDims(); ++dim) {
    bool q = query.isFunctionOfDim(dim), k = key.isFunctionOfDim(dim),
         v = value.isFunctionOfDim(dim), o = output.isFunctionOfDim(dim);
    if (o) {
      if (q && !k && !v)
        m.push_back(dim);
      else if (v && !q && !k)
        n.push_back(dim);
      else if (q || k || v)
        roles.batch.push_back(dim);
      else
        return emitError() << "the output has dimension " << dim
                           << ", which no operand has (attention_c4)";
      continue;
    }
    if (q && k && !v)
      k1.push_back(dim);
    else if (!q && k && v)
      k2.push_back(dim);
    else
      return emitError() << "dimension " << dim
                         << " has no role: it is not in the output, and is "
                            "neither in query and key alone nor in key and "
                            "value alone (attention_c4)";
  }
  auto missing = [&](const char *role, const char *where, size_t count) {
    return emitError() << "expected exactly one dimension of role " << role
                       << " (" << where << "), found " << count
                       << " (attention_c4)";
  };
  if (m.empty())
    return missing("M", "in query and output alone", 0);
  if (n.empty())
    return missing("N", "in value and output alone", 0);
  if (k1.size() != 1)
    return missing("K1", "in query and key alone", k1.size());
  if (k2.size() != 1)
    return missing("K2", "in key and value alone", k2.size());
  roles.m = m.pop_back_val();
  roles.n = n.pop_back_val();
  roles.k1 = k1.front();
  roles.k2 = k2.front();
  llvm::append_range(roles.batch, m);
  llvm::append_range(roles.batch, n);
  llvm::sort(roles.batch);
  return roles;
}
