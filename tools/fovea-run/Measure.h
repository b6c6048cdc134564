//===- Measure.h - How fast a model runs ------------------------*- C++ -*-===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_TOOLS_RUN_MEASURE_H
#define FOVEA_TOOLS_RUN_MEASURE_H

#include "Model.h"
#include "Options.h"

#include <nlohmann/json.hpp>

namespace fovea {

/// Threads that a model runs on if it is asked for `threads`, 0 for the
/// default.
int effectiveThreads(int threads);

/// Multiplications and additions of float32 per second, in 1e9, that `threads`
/// threads reach together with the widest vectors of this CPU.
double measurePeak(int threads);

/// Times runs after a warm-up and prints the result.
void benchmark(Model &model, const std::vector<Value> &inputs,
               const RunOptions &options, const nlohmann::json &manifest);

/// Writes a trace of a few runs in the format of Chrome and Perfetto.
void writeProfile(Model &model, const std::vector<Value> &inputs,
                  const RunOptions &options, const nlohmann::json &manifest);

} // namespace fovea

#endif // FOVEA_TOOLS_RUN_MEASURE_H
