//===- SimplifyRegions.h - Regions of a new attention -----------*- C++ -*-===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_PASSES_RECOGNIZE_SIMPLIFYREGIONS_H
#define FOVEA_PASSES_RECOGNIZE_SIMPLIFYREGIONS_H

namespace mlir {
class OpBuilder;
class Value;
} // namespace mlir

namespace fovea::attn {
class AttentionOp;
} // namespace fovea::attn

namespace fovea {

/// Turn what the regions say into attributes where there is one for it: a
/// constant factor on the scores into the scale, a guard against NaN
/// probabilities into the policy for empty rows.
void simplifyRegions(attn::AttentionOp op);

/// Where the probability region only scales or clears whole rows, do that to
/// the output instead, so that the probabilities themselves are not needed.
/// Returns the output after it.
mlir::Value moveProbBehindOutput(mlir::OpBuilder &builder,
                                 attn::AttentionOp op);

} // namespace fovea

#endif // FOVEA_PASSES_RECOGNIZE_SIMPLIFYREGIONS_H
