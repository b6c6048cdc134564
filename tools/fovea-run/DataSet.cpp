//===- DataSet.cpp - ONNX's test data -------------------------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Files.h"

#include "onnx/onnx_pb.h"

#include <cstring>

using namespace fovea;
using onnx::TensorProto;

static void setRaw(Tensor &tensor, const void *data, size_t bytes) {
  const char *begin = static_cast<const char *>(data);
  tensor.data.assign(begin, begin + bytes);
}

/// Elements that ONNX stores in wider ones, 32 bits each.
template <typename T, typename Field>
static void setNarrowed(Tensor &tensor, const Field &field) {
  std::vector<T> values(field.begin(), field.end());
  setRaw(tensor, values.data(), values.size() * sizeof(T));
}

/// Reads the typed fields, for a tensor that has no raw data.
static void setTyped(Tensor &tensor, const TensorProto &proto) {
  switch (tensor.dtype) {
  case FOVEA_FLOAT32:
    return setNarrowed<float>(tensor, proto.float_data());
  case FOVEA_FLOAT64:
    return setNarrowed<double>(tensor, proto.double_data());
  case FOVEA_INT64:
    return setNarrowed<int64_t>(tensor, proto.int64_data());
  case FOVEA_UINT64:
    return setNarrowed<uint64_t>(tensor, proto.uint64_data());
  case FOVEA_UINT32:
    return setNarrowed<uint32_t>(tensor, proto.uint64_data());
  case FOVEA_INT32:
    return setNarrowed<int32_t>(tensor, proto.int32_data());
  case FOVEA_INT16:
  case FOVEA_UINT16:
  case FOVEA_FLOAT16:
  case FOVEA_BFLOAT16:
    return setNarrowed<uint16_t>(tensor, proto.int32_data());
  default:
    return setNarrowed<uint8_t>(tensor, proto.int32_data());
  }
}

static Tensor convert(const TensorProto &proto) {
  Tensor tensor;
  tensor.dtype = proto.data_type();
  if (!dtypeSize(tensor.dtype))
    throw CannotRun("not a tensor of numbers or booleans");
  if (proto.has_data_location() &&
      proto.data_location() == TensorProto::EXTERNAL)
    throw CannotRun("external data are not supported here");
  int64_t bytes = dtypeSize(tensor.dtype);
  for (int64_t dim : proto.dims()) {
    if (dim < 0 || __builtin_mul_overflow(bytes, dim, &bytes))
      throw CannotRun("a shape that cannot be");
    tensor.shape.push_back(dim);
  }
  if (proto.has_raw_data())
    setRaw(tensor, proto.raw_data().data(), proto.raw_data().size());
  else
    setTyped(tensor, proto);
  if (static_cast<int64_t>(tensor.data.size()) != bytes)
    throw CannotRun("the data do not fit the shape " +
                    describe(tensor.dtype, tensor.shape));
  return tensor;
}

std::optional<Tensor> fovea::readTensorProto(const std::string &path) {
  std::optional<std::string> file = readFile(path);
  if (!file)
    return std::nullopt;
  TensorProto proto;
  try {
    if (!proto.ParseFromString(*file))
      throw CannotRun("not a serialized tensor");
    return convert(proto);
  } catch (const CannotRun &error) {
    throw CannotRun("'" + path + "': " + error.what());
  }
}

static std::string numbered(const std::string &folder, const char *kind,
                            size_t i) {
  return folder + "/" + kind + "_" + std::to_string(i) + ".pb";
}

std::vector<Tensor> fovea::readDataSetInputs(const std::string &folder,
                                             size_t count) {
  std::vector<Tensor> inputs;
  for (size_t i = 0; i < count; ++i) {
    std::string path = numbered(folder, "input", i);
    std::optional<Tensor> tensor = readTensorProto(path);
    if (!tensor)
      throw CannotRun("cannot read '" + path + "': " + strerror(errno));
    inputs.push_back(std::move(*tensor));
  }
  return inputs;
}

std::vector<std::optional<Tensor>>
fovea::readDataSetOutputs(const std::string &folder, size_t count) {
  std::vector<std::optional<Tensor>> outputs;
  for (size_t i = 0; i < count; ++i)
    outputs.push_back(readTensorProto(numbered(folder, "output", i)));
  return outputs;
}
