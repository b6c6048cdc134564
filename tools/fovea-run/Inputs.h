//===- Inputs.h - What a model is run with -----------------------*- C++ -*- ===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_TOOLS_RUN_INPUTS_H
#define FOVEA_TOOLS_RUN_INPUTS_H

#include "Options.h"

namespace fovea {

/// The inputs that the command line asks for: those of a data set, of files, or
/// made up.
std::vector<Value> makeInputs(const Model &model, const RunOptions &options);

} // namespace fovea

#endif // FOVEA_TOOLS_RUN_INPUTS_H
