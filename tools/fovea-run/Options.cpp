//===- Options.cpp - The command line of fovea-run ------------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Options.h"

#include <cstdlib>
#include <getopt.h>

using namespace fovea;

const char *const fovea::helpText =
    R"(Runs a library that fovea-compile wrote.

  fovea-run vit.so --data-set test_data_set_0     compare with expected outputs
  fovea-run vit.so --input x=x.npy --output-dir out
  fovea-run vit.so --benchmark 50 --threads 1     random inputs, median time
  fovea-run vit.so --profile trace.json           open it in ui.perfetto.dev
  fovea-run vit.so --info                         the manifest

  --data-set DIR       inputs from DIR/input_<i>.pb; compare with output_<i>.pb
  --rtol R, --atol A   |got - expected| <= A + R * |expected|  (1e-3, 1e-7)
  --shapes-only        compare types and shapes only
  --input NAME=FILE    input from a .npy file; may be repeated. The elements of
                       a sequence: the option once for each, in their order;
                       NAME=[] for an empty one, NAME= for no optional
  --dim NAME=SIZE      size of a dimension of inputs that are made up (1)
  --output-dir DIR     write each output to DIR/<name>.npy; a sequence to
                       <name>.0.npy, <name>.1.npy, ...
  --benchmark N        time N runs
  --json               print the times as JSON: min_ms, med_ms, runs, gflop,
                       peak_pct, rss_mb
  --threads N          threads (all CPUs, or OMP_NUM_THREADS)
  --profile FILE       write a trace of each kernel with GFLOP/s and % of peak
  --info               print the manifest

Exit code: 0 done, and equal where compared; 1 outputs differ; 2 cannot run.
)";

namespace {
enum Option {
  DataSet = 1,
  Rtol,
  Atol,
  ShapesOnly,
  Input,
  Dim,
  OutputDir,
  Benchmark,
  Json,
  Threads,
  ProfileFile,
  Info,
  Help
};
} // namespace

static const option options[] = {
    {"data-set", required_argument, nullptr, DataSet},
    {"rtol", required_argument, nullptr, Rtol},
    {"atol", required_argument, nullptr, Atol},
    {"shapes-only", no_argument, nullptr, ShapesOnly},
    {"input", required_argument, nullptr, Input},
    {"dim", required_argument, nullptr, Dim},
    {"output-dir", required_argument, nullptr, OutputDir},
    {"benchmark", required_argument, nullptr, Benchmark},
    {"json", no_argument, nullptr, Json},
    {"threads", required_argument, nullptr, Threads},
    {"profile", required_argument, nullptr, ProfileFile},
    {"info", no_argument, nullptr, Info},
    {"help", no_argument, nullptr, Help},
    {nullptr, 0, nullptr, 0},
};

static double parseNumber(const std::string &name, const char *text) {
  char *end;
  double value = strtod(text, &end);
  if (end == text || *end || !(value >= 0))
    throw CannotRun("--" + name + " " + text + ": expected a number");
  return value;
}

static int64_t parseCount(const std::string &name, const std::string &text) {
  char *end;
  int64_t value = strtoll(text.c_str(), &end, 10);
  if (text.empty() || *end || value < 0 || value > INT32_MAX)
    throw CannotRun("--" + name + " " + text + ": expected a count");
  return value;
}

/// "name=value"; a name may itself have a '='.
static std::pair<std::string, std::string> splitPair(const std::string &name,
                                                     const std::string &text) {
  size_t at = text.rfind('=');
  if (at == std::string::npos || at == 0)
    throw CannotRun("--" + name + " " + text + ": expected <name>=<value>");
  return {text.substr(0, at), text.substr(at + 1)};
}

static void apply(RunOptions &result, int option, const char *argument) {
  switch (option) {
  case DataSet:
    result.dataSet = argument;
    break;
  case Rtol:
    result.tolerance.relative = parseNumber("rtol", argument);
    break;
  case Atol:
    result.tolerance.absolute = parseNumber("atol", argument);
    break;
  case ShapesOnly:
    result.tolerance.shapesOnly = true;
    break;
  case Input: {
    auto [name, file] = splitPair("input", argument);
    std::vector<std::string> &files = result.inputs[name];
    if (file == "[]")
      result.emptyInputs.insert(name);
    else if (!file.empty())
      files.push_back(file);
    break;
  }
  case Dim: {
    auto [name, value] = splitPair("dim", argument);
    result.dims[name] = parseCount("dim", value);
    break;
  }
  case OutputDir:
    result.outputDir = argument;
    break;
  case Benchmark:
    result.benchmark = static_cast<int>(parseCount("benchmark", argument));
    break;
  case Json:
    result.json = true;
    break;
  case Threads:
    result.threads = static_cast<int>(parseCount("threads", argument));
    break;
  case ProfileFile:
    result.profile = argument;
    break;
  case Info:
    result.info = true;
    break;
  default:
    result.help = true;
  }
}

RunOptions fovea::parseOptions(int argc, char **argv) {
  RunOptions result;
  opterr = 0;
  int option;
  while ((option = getopt_long(argc, argv, ":", options, nullptr)) != -1) {
    if (option == '?')
      throw CannotRun(std::string("unknown option '") + argv[optind - 1] +
                      "'; see fovea-run --help");
    if (option == ':')
      throw CannotRun(std::string("'") + argv[optind - 1] +
                      "' needs a value; see fovea-run --help");
    apply(result, option, optarg);
  }
  if (result.help)
    return result;
  if (optind != argc - 1)
    throw CannotRun("expected one library; see fovea-run --help");
  result.library = argv[optind];
  if (!result.dataSet.empty() && !result.inputs.empty())
    throw CannotRun("--data-set and --input exclude each other");
  return result;
}
