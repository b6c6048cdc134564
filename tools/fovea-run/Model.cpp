//===- Model.cpp - A compiled model and its tensors -----------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Model.h"

#include <cstring>
#include <dlfcn.h>

using namespace fovea;

int64_t Tensor::count() const {
  int64_t n = 1;
  for (int64_t dim : shape)
    n *= dim;
  return n;
}

Value Value::sequence(std::vector<Tensor> elements) {
  Value value;
  value.isPresent = value.isSequence = true;
  value.tensors = std::move(elements);
  return value;
}

static const struct {
  int32_t dtype;
  const char *name;
  size_t size;
  unsigned bits = 8 * size;
  bool isNamedByNumPy = true;
} dtypes[] = {
    {FOVEA_FLOAT32, "float32", 4},
    {FOVEA_UINT8, "uint8", 1},
    {FOVEA_INT8, "int8", 1},
    {FOVEA_UINT16, "uint16", 2},
    {FOVEA_INT16, "int16", 2},
    {FOVEA_INT32, "int32", 4},
    {FOVEA_INT64, "int64", 8},
    {FOVEA_BOOL, "bool", 1},
    {FOVEA_FLOAT16, "float16", 2},
    {FOVEA_FLOAT64, "float64", 8},
    {FOVEA_UINT32, "uint32", 4},
    {FOVEA_UINT64, "uint64", 8},
    {FOVEA_BFLOAT16, "bfloat16", 2},
    {FOVEA_FLOAT8E4M3FN, "float8e4m3fn", 1, 8, false},
    {FOVEA_FLOAT8E4M3FNUZ, "float8e4m3fnuz", 1, 8, false},
    {FOVEA_FLOAT8E5M2, "float8e5m2", 1, 8, false},
    {FOVEA_FLOAT8E5M2FNUZ, "float8e5m2fnuz", 1, 8, false},
    {FOVEA_FLOAT8E8M0, "float8e8m0", 1, 8, false},
    {FOVEA_FLOAT6E2M3, "float6e2m3", 1, 6, false},
    {FOVEA_FLOAT6E3M2, "float6e3m2", 1, 6, false},
    {FOVEA_FLOAT4E2M1, "float4e2m1", 1, 4, false},
    {FOVEA_UINT4, "uint4", 1, 4, false},
    {FOVEA_INT4, "int4", 1, 4, false},
    {FOVEA_UINT2, "uint2", 1, 2, false},
    {FOVEA_INT2, "int2", 1, 2, false},
};

size_t fovea::dtypeSize(int32_t dtype) {
  for (const auto &entry : dtypes)
    if (entry.dtype == dtype)
      return entry.size;
  return 0;
}

unsigned fovea::dtypeBits(int32_t dtype) {
  for (const auto &entry : dtypes)
    if (entry.dtype == dtype)
      return entry.bits;
  return 0;
}

bool fovea::isOpaqueByte(int32_t dtype) {
  for (const auto &entry : dtypes)
    if (entry.dtype == dtype)
      return !entry.isNamedByNumPy;
  return false;
}

std::string fovea::describe(int32_t dtype, const std::vector<int64_t> &shape) {
  std::string text = "type " + std::to_string(dtype);
  for (const auto &entry : dtypes)
    if (entry.dtype == dtype)
      text = entry.name;
  text += "[";
  for (size_t i = 0; i < shape.size(); ++i)
    text += (i ? ", " : "") + std::to_string(shape[i]);
  return text + "]";
}

Model::Model(const std::string &path) {
  // A name without a slash would be looked for on the library path.
  std::string file = path.find('/') == std::string::npos ? "./" + path : path;
  library = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library)
    throw CannotRun(dlerror());
  auto *get =
      reinterpret_cast<fovea_get_api_fn *>(dlsym(library, "fovea_get_api"));
  if (!get)
    throw CannotRun("'" + path + "' is not a library of fovea-compile");
  table = get(FOVEA_API_VERSION);
  if (!table)
    throw CannotRun("'" + path +
                    "' is of another version of Fovea: compile it anew");
  check(table->open(&model));
}

Model::~Model() {
  if (table)
    table->close(model);
  // The library stays: OpenMP's threads may still be on their way out of it.
}

void Model::check(fovea_status status) const {
  if (status != FOVEA_OK)
    throw CannotRun(table->last_error());
}

std::vector<const fovea_tensor_info *> Model::inputs() const {
  std::vector<const fovea_tensor_info *> infos;
  infos.reserve(table->input_count());
  for (int32_t i = 0; i < table->input_count(); ++i)
    infos.push_back(table->input_info(i));
  return infos;
}

std::vector<const fovea_tensor_info *> Model::outputs() const {
  std::vector<const fovea_tensor_info *> infos;
  infos.reserve(table->output_count());
  for (int32_t i = 0; i < table->output_count(); ++i)
    infos.push_back(table->output_info(i));
  return infos;
}

void Model::setThreads(int threads) {
  check(table->set_threads(model, threads));
}

static fovea_tensor borrow(const Tensor &tensor) {
  if (tensor.shape.size() > FOVEA_MAX_RANK)
    throw CannotRun(describe(tensor.dtype, tensor.shape) +
                    " has too many dimensions");
  fovea_tensor result = {};
  result.data = const_cast<char *>(tensor.data.data());
  result.dtype = tensor.dtype;
  result.rank = static_cast<int32_t>(tensor.shape.size());
  std::copy(tensor.shape.begin(), tensor.shape.end(), result.shape);
  return result;
}

std::vector<fovea_tensor> Model::runRaw(const std::vector<Value> &inputs) {
  std::vector<fovea_tensor> in(inputs.size()), out(table->output_count());
  std::vector<std::vector<fovea_tensor>> lists(inputs.size());
  for (size_t i = 0; i < inputs.size(); ++i) {
    for (const Tensor &tensor : inputs[i].tensors)
      lists[i].push_back(borrow(tensor));
    if (inputs[i].isTensor())
      in[i] = lists[i].front();
    if (!inputs[i].isSequence)
      continue;
    in[i].data = lists[i].data();
    in[i].dtype = FOVEA_SEQUENCE;
    in[i].rank = 1;
    in[i].shape[0] = static_cast<int64_t>(lists[i].size());
  }
  check(table->run(model, in.data(), static_cast<int32_t>(in.size()),
                   out.data(), static_cast<int32_t>(out.size())));
  return out;
}

static Tensor copy(const fovea_tensor &tensor) {
  Tensor result;
  result.dtype = tensor.dtype;
  result.shape.assign(tensor.shape, tensor.shape + tensor.rank);
  result.data.resize(result.count() * dtypeSize(tensor.dtype));
  if (!result.data.empty())
    memcpy(result.data.data(), tensor.data, result.data.size());
  return result;
}

std::vector<Value> Model::run(const std::vector<Value> &inputs) {
  std::vector<Value> results;
  for (fovea_tensor &tensor : runRaw(inputs)) {
    if (tensor.dtype == FOVEA_ABSENT) {
      results.emplace_back();
    } else if (tensor.dtype == FOVEA_SEQUENCE) {
      const auto *elements = static_cast<const fovea_tensor *>(tensor.data);
      std::vector<Tensor> list;
      list.reserve(tensor.shape[0]);
      for (int64_t i = 0; i < tensor.shape[0]; ++i)
        list.push_back(copy(elements[i]));
      results.push_back(Value::sequence(std::move(list)));
    } else {
      results.emplace_back(copy(tensor));
    }
    table->free_tensor(&tensor);
  }
  return results;
}

void Model::runOnly(const std::vector<Value> &inputs) {
  for (fovea_tensor &tensor : runRaw(inputs))
    table->free_tensor(&tensor);
}
