//===- fovea-run.cpp - Run a compiled model -------------------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Files.h"
#include "Inputs.h"
#include "Measure.h"

#include <cmath>
#include <cstdio>

using namespace fovea;

/// A name of a model as a file name.
static std::string fileName(const std::string &name) {
  std::string result;
  for (char c : name)
    result += isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '.'
                  ? c
                  : '_';
  return result;
}

static void printSummary(const char *name, const Tensor &tensor) {
  double least = INFINITY, most = -INFINITY, sum = 0;
  for (int64_t i = 0; i < tensor.count(); ++i) {
    double value = elementAsDouble(tensor, i);
    least = std::fmin(least, value);
    most = std::fmax(most, value);
    sum += value;
  }
  printf("%s: %s", name, describe(tensor.dtype, tensor.shape).c_str());
  if (tensor.count())
    printf(", min %.6g, max %.6g, mean %.6g", least, most,
           sum / static_cast<double>(tensor.count()));
  printf("\n");
}

/// The parts of an output under the names that they have for users.
static std::vector<std::pair<std::string, const Tensor *>>
named(const std::string &name, const Value &value, const std::string &before) {
  std::vector<std::pair<std::string, const Tensor *>> result;
  result.reserve(value.tensors.size());
  for (size_t i = 0; i < value.tensors.size(); ++i)
    result.emplace_back(value.isSequence ? name + before + std::to_string(i)
                                         : name,
                        &value.tensors[i]);
  return result;
}

/// Writes an output to files, or prints what it is like.
static void show(const char *name, const Value &value,
                 const RunOptions &options) {
  if (!options.outputDir.empty()) {
    for (auto &[part, tensor] : named(fileName(name), value, "."))
      writeNpy(options.outputDir + "/" + part + ".npy", *tensor);
  } else if (options.dataSet.empty()) {
    if (!value.isPresent)
      printf("%s: absent\n", name);
    if (value.isSequence)
      printf("%s: a sequence of %zu\n", name, value.tensors.size());
    for (auto &[part, tensor] : named(name, value, " "))
      printSummary(part.c_str(), *tensor);
  }
}

/// Compares with the data set; the number of outputs that differ.
static int compareOutputs(const Model &model, const std::vector<Value> &outputs,
                          const RunOptions &options) {
  auto expected = readDataSetOutputs(options.dataSet, model.outputs());
  int differing = 0;
  for (size_t i = 0; i < outputs.size(); ++i) {
    if (!expected[i])
      continue;
    auto why = compare(outputs[i], *expected[i], options.tolerance);
    if (!why)
      continue;
    ++differing;
    fprintf(stderr, "fovea-run: output %zu '%s': %s\n", i,
            model.outputs()[i]->name, why->c_str());
  }
  return differing;
}

static int runModel(const RunOptions &options) {
  Model model(options.library);
  if (options.info) {
    fputs(model.api()->manifest(), stdout);
    return 0;
  }
  model.setThreads(options.threads);
  std::vector<Value> inputs = makeInputs(model, options);
  auto manifest = nlohmann::json::parse(model.api()->manifest());
  bool measures = options.benchmark || !options.profile.empty();
  int result = 0;
  if (!measures || !options.dataSet.empty() || !options.outputDir.empty()) {
    std::vector<Value> outputs = model.run(inputs);
    for (size_t i = 0; i < outputs.size(); ++i)
      show(model.outputs()[i]->name, outputs[i], options);
    if (!options.dataSet.empty())
      result = compareOutputs(model, outputs, options) ? 1 : 0;
  }
  if (options.benchmark)
    benchmark(model, inputs, options, manifest);
  if (!options.profile.empty())
    writeProfile(model, inputs, options, manifest);
  return result;
}

int main(int argc, char **argv) {
  try {
    RunOptions options = parseOptions(argc, argv);
    if (!options.help)
      return runModel(options);
    fputs(helpText, stdout);
    return 0;
  } catch (const CannotRun &error) {
    fprintf(stderr, "fovea-run: error: %s\n", error.what());
  } catch (const std::bad_alloc &) {
    fprintf(stderr, "fovea-run: error: out of memory\n");
  } catch (const std::exception &error) {
    fprintf(stderr, "fovea-run: error: %s\n", error.what());
  }
  return 2;
}
