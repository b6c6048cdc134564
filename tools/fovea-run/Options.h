//===- Options.h - The command line of fovea-run ----------------*- C++ -*-===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_TOOLS_RUN_OPTIONS_H
#define FOVEA_TOOLS_RUN_OPTIONS_H

#include "Compare.h"

#include <map>
#include <set>
#include <string>
#include <vector>

namespace fovea {

struct RunOptions {
  std::string library;
  std::string dataSet;
  std::map<std::string, std::vector<std::string>> inputs; ///< name to files
  std::set<std::string> emptyInputs;   ///< sequences without elements
  std::map<std::string, int64_t> dims; ///< for inputs that are made up
  std::string outputDir;
  std::string profile;
  Tolerance tolerance;
  int benchmark = 0;
  int threads = 0;
  bool json = false;
  bool info = false;
  bool help = false;
};

extern const char *const helpText;

/// Throws CannotRun for what cannot be understood.
RunOptions parseOptions(int argc, char **argv);

} // namespace fovea

#endif // FOVEA_TOOLS_RUN_OPTIONS_H
