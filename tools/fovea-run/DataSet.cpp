//===- DataSet.cpp - ONNX's test data -------------------------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Files.h"

#include "fovea/Import/ONNX/PackedElements.h"

#include "onnx/onnx-data.pb.h"
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

/// Gives each of `count` elements of less than a byte its own.
static void unpack(Tensor &tensor, int64_t count, unsigned bits) {
  if (static_cast<int64_t>(tensor.data.size()) == packedBytes(count, bits))
    tensor.data = unpackElements(tensor.data.data(), count, bits);
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
  unsigned bits = dtypeBits(tensor.dtype);
  if (bits < 8 && (proto.has_raw_data() || isPackedInFields(bits)))
    unpack(tensor, bytes, bits);
  if (static_cast<int64_t>(tensor.data.size()) != bytes)
    throw CannotRun("the data do not fit the shape " +
                    describe(tensor.dtype, tensor.shape));
  return tensor;
}

template <typename Proto> static Proto parse(const std::string &file) {
  Proto proto;
  if (!proto.ParseFromString(file))
    throw CannotRun("not a serialized value of the kind that the model has");
  return proto;
}

static Value convert(const onnx::SequenceProto &proto) {
  if (proto.sequence_values_size() || proto.map_values_size() ||
      proto.optional_values_size() || proto.sparse_tensor_values_size())
    throw CannotRun("not a sequence of tensors");
  std::vector<Tensor> elements;
  for (const TensorProto &element : proto.tensor_values())
    elements.push_back(convert(element));
  return Value::sequence(std::move(elements));
}

/// The files do not say what they hold; the type of the input or output does.
static Value convert(const std::string &file, int32_t kind) {
  if (kind == FOVEA_KIND_TENSOR)
    return convert(parse<TensorProto>(file));
  if (kind == FOVEA_KIND_SEQUENCE)
    return convert(parse<onnx::SequenceProto>(file));
  auto proto = parse<onnx::OptionalProto>(file);
  if (proto.has_tensor_value())
    return convert(proto.tensor_value());
  if (proto.has_sequence_value())
    return convert(proto.sequence_value());
  if (proto.has_sparse_tensor_value() || proto.has_map_value() ||
      proto.has_optional_value())
    throw CannotRun("not an optional tensor or sequence of tensors");
  return Value();
}

static std::optional<Value> readValue(const std::string &path, int32_t kind) {
  std::optional<std::string> file = readFile(path);
  if (!file)
    return std::nullopt;
  try {
    return convert(*file, kind);
  } catch (const CannotRun &error) {
    throw CannotRun("'" + path + "': " + error.what());
  }
}

static std::string numbered(const std::string &folder, const char *kind,
                            size_t i) {
  return folder + "/" + kind + "_" + std::to_string(i) + ".pb";
}

std::vector<Value>
fovea::readDataSetInputs(const std::string &folder,
                         const std::vector<const fovea_tensor_info *> &infos) {
  std::vector<Value> inputs;
  for (size_t i = 0; i < infos.size(); ++i) {
    std::string path = numbered(folder, "input", i);
    std::optional<Value> value = readValue(path, infos[i]->kind);
    if (!value)
      throw CannotRun("cannot read '" + path + "': " + strerror(errno));
    inputs.push_back(std::move(*value));
  }
  return inputs;
}

std::vector<std::optional<Value>>
fovea::readDataSetOutputs(const std::string &folder,
                          const std::vector<const fovea_tensor_info *> &infos) {
  std::vector<std::optional<Value>> outputs;
  outputs.reserve(infos.size());
  for (size_t i = 0; i < infos.size(); ++i)
    outputs.push_back(readValue(numbered(folder, "output", i), infos[i]->kind));
  return outputs;
}
