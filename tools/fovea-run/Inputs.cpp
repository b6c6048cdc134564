//===- Inputs.cpp - What a model is run with --------------------------------- ===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Inputs.h"

#include "Files.h"

#include <algorithm>
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

/// Two elements where there may be any number; every optional is there.
static Value makeUpValue(const fovea_tensor_info &info,
                         const RunOptions &options, std::mt19937 &random) {
  if (!(info.kind & FOVEA_KIND_SEQUENCE))
    return makeUp(info, options, random);
  return Value::sequence(
      {makeUp(info, options, random), makeUp(info, options, random)});
}

/// Exporters store the value of a scalar input as a tensor of shape [1]; it is
/// the same element.
static std::vector<Value>
asScalars(std::vector<Value> values,
          const std::vector<const fovea_tensor_info *> &infos) {
  for (size_t i = 0; i < values.size(); ++i)
    if (values[i].isTensor() && infos[i]->rank == 0 &&
        values[i].tensors[0].shape == std::vector<int64_t>{1})
      values[i].tensors[0].shape.clear();
  return values;
}

static Value readInput(const fovea_tensor_info &info,
                       const std::vector<std::string> &files, bool isEmpty) {
  std::string which = std::string("input '") + info.name + "' ";
  bool isSequence = info.kind & FOVEA_KIND_SEQUENCE;
  if (isEmpty && (!files.empty() || !isSequence))
    throw CannotRun(which + (isSequence ? "is given as empty and with files"
                                        : "is a tensor, not a sequence"));
  if (files.empty() && !isEmpty && info.kind & FOVEA_KIND_OPTIONAL)
    return Value();
  std::vector<Tensor> tensors;
  tensors.reserve(files.size());
  for (const std::string &file : files)
    tensors.push_back(readNpy(file, info.dtype));
  if (isSequence && (isEmpty || !files.empty()))
    return Value::sequence(std::move(tensors));
  if (files.empty())
    throw CannotRun(which + "needs a file");
  if (files.size() > 1)
    throw CannotRun(which + "is one tensor and needs one file, not " +
                    std::to_string(files.size()));
  return tensors.front();
}

std::vector<Value> fovea::makeInputs(const Model &model,
                                     const RunOptions &options) {
  auto infos = model.inputs();
  if (!options.dataSet.empty())
    return asScalars(readDataSetInputs(options.dataSet, infos), infos);
  std::vector<Value> inputs;
  // The same numbers each time. NOLINTNEXTLINE(bugprone-random-generator-seed)
  std::mt19937 random(1);
  for (const auto &input : options.inputs)
    if (std::none_of(infos.begin(), infos.end(), [&](const auto *info) {
          return info->name == input.first;
        }))
      throw CannotRun("the model has no input '" + input.first + "'");
  for (const fovea_tensor_info *info : infos) {
    auto given = options.inputs.find(info->name);
    if (given != options.inputs.end())
      inputs.push_back(readInput(*info, given->second,
                                 options.emptyInputs.count(info->name)));
    else if (options.inputs.empty())
      inputs.push_back(makeUpValue(*info, options, random));
    else if (info->kind & FOVEA_KIND_OPTIONAL)
      inputs.emplace_back();
    else
      throw CannotRun(std::string("no --input for '") + info->name + "'");
  }
  return inputs;
}
