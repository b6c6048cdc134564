//===- fovea-run.cpp - Run a compiled model -------------------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Files.h"
#include "Measure.h"
#include "Options.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <random>

using namespace fovea;

/// Numbers that suit most models: small floats, and ones for integers, which
/// are a valid index, mask and token.
static Tensor makeUp(const fovea_tensor_info &info, const RunOptions &options,
                     std::mt19937 &random) {
  Tensor tensor;
  tensor.dtype = info.dtype;
  for (int32_t i = 0; i < info.rank; ++i) {
    auto given = options.dims.find(info.symbols[i]);
    int64_t size = given == options.dims.end() ? 1 : given->second;
    tensor.shape.push_back(info.dims[i] >= 0 ? info.dims[i] : size);
  }
  size_t bytes = dtypeSize(info.dtype);
  tensor.data.resize(tensor.count() * bytes);
  std::uniform_real_distribution<float> uniform(-1, 1);
  for (int64_t i = 0; i < tensor.count(); ++i) {
    char *at = tensor.data.data() + i * bytes;
    if (info.dtype == FOVEA_FLOAT32) {
      float value = uniform(random);
      memcpy(at, &value, bytes);
    } else if (info.dtype == FOVEA_FLOAT64) {
      double value = uniform(random);
      memcpy(at, &value, bytes);
    } else if (info.dtype == FOVEA_FLOAT16 || info.dtype == FOVEA_BFLOAT16) {
      // Any sign and mantissa, and an exponent below that of 1.
      uint16_t top = info.dtype == FOVEA_FLOAT16 ? 0x3800 : 0x3f00;
      uint16_t fraction = info.dtype == FOVEA_FLOAT16 ? 0x83ff : 0x807f;
      uint16_t value = top | (static_cast<uint16_t>(random()) & fraction);
      memcpy(at, &value, bytes);
    } else {
      *at = 1;
    }
  }
  return tensor;
}

/// Exporters store the value of a scalar input as a tensor of shape [1]; it is
/// the same element.
static std::vector<Tensor>
asScalars(std::vector<Tensor> tensors,
          const std::vector<const fovea_tensor_info *> &infos) {
  for (size_t i = 0; i < tensors.size(); ++i)
    if (infos[i]->rank == 0 && tensors[i].shape == std::vector<int64_t>{1})
      tensors[i].shape.clear();
  return tensors;
}

static std::vector<Tensor> makeInputs(const Model &model,
                                      const RunOptions &options) {
  auto infos = model.inputs();
  if (!options.dataSet.empty())
    return asScalars(readDataSetInputs(options.dataSet, infos.size()), infos);
  std::vector<Tensor> inputs;
  std::mt19937 random(1);
  for (const auto &input : options.inputs)
    if (std::none_of(infos.begin(), infos.end(), [&](const auto *info) {
          return info->name == input.first;
        }))
      throw CannotRun("the model has no input '" + input.first + "'");
  for (const fovea_tensor_info *info : infos) {
    auto given = options.inputs.find(info->name);
    if (given != options.inputs.end())
      inputs.push_back(readNpy(given->second));
    else if (options.inputs.empty())
      inputs.push_back(makeUp(*info, options, random));
    else
      throw CannotRun(std::string("no --input for '") + info->name + "'");
  }
  return inputs;
}

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

/// Compares with the data set; the number of outputs that differ.
static int compareOutputs(const Model &model,
                          const std::vector<Tensor> &outputs,
                          const RunOptions &options) {
  auto expected = readDataSetOutputs(options.dataSet, outputs.size());
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
  std::vector<Tensor> inputs = makeInputs(model, options);
  auto manifest = nlohmann::json::parse(model.api()->manifest());
  bool measures = options.benchmark || !options.profile.empty();
  int result = 0;
  if (!measures || !options.dataSet.empty() || !options.outputDir.empty()) {
    std::vector<Tensor> outputs = model.run(inputs);
    for (size_t i = 0; i < outputs.size(); ++i) {
      const char *name = model.outputs()[i]->name;
      if (!options.outputDir.empty())
        writeNpy(options.outputDir + "/" + fileName(name) + ".npy", outputs[i]);
      else if (options.dataSet.empty())
        printSummary(name, outputs[i]);
    }
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
