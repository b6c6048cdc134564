//===- Compare.h - Outputs against expected ones ----------------*- C++ -*-===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_TOOLS_RUN_COMPARE_H
#define FOVEA_TOOLS_RUN_COMPARE_H

#include "Model.h"

#include <optional>

namespace fovea {

struct Tolerance {
  double relative = 1e-3;
  double absolute = 1e-7;
  bool shapesOnly = false;
};

/// Element `i` as a number.
double elementAsDouble(const Tensor &tensor, int64_t i);

/// Says how `got` differs from `want`, by the rules of ONNX's own tests: NaN
/// equals NaN, infinities equal themselves, otherwise |got - want| is at most
/// absolute + relative * |want|, for integers too. bfloat16 may always be off
/// by two of its last places.
std::optional<std::string> compare(const Tensor &got, const Tensor &want,
                                   const Tolerance &tolerance);

/// The same for what may be a sequence or absent.
std::optional<std::string> compare(const Value &got, const Value &want,
                                   const Tolerance &tolerance);

} // namespace fovea

#endif // FOVEA_TOOLS_RUN_COMPARE_H
