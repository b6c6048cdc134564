//===- Npy.cpp - NumPy's file format --------------------------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Files.h"

#include <cstdio>
#include <cstring>
#include <fstream>
#include <sstream>

using namespace fovea;

static const struct {
  const char *descr;
  int32_t dtype;
} types[] = {
    {"<f4", FOVEA_FLOAT32},  {"<f8", FOVEA_FLOAT64},  {"<f2", FOVEA_FLOAT16},
    {"|V2", FOVEA_BFLOAT16}, {"<V2", FOVEA_BFLOAT16}, {"|b1", FOVEA_BOOL},
    {"|i1", FOVEA_INT8},     {"|u1", FOVEA_UINT8},    {"<i2", FOVEA_INT16},
    {"<u2", FOVEA_UINT16},   {"<i4", FOVEA_INT32},    {"<u4", FOVEA_UINT32},
    {"<i8", FOVEA_INT64},    {"<u8", FOVEA_UINT64},
};
static constexpr char magic[] = "\x93NUMPY";
static constexpr size_t magicSize = 6;

std::optional<std::string> fovea::readFile(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  if (!file)
    return std::nullopt;
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

/// The text after `'key': ` in the header, which is a Python dictionary.
static std::string field(const std::string &header, const char *key) {
  size_t at = header.find("'" + std::string(key) + "':");
  if (at == std::string::npos)
    return "";
  at = header.find_first_not_of(' ', at + strlen(key) + 3);
  return at == std::string::npos ? "" : header.substr(at);
}

static std::vector<int64_t> parseShape(const std::string &text) {
  std::vector<int64_t> shape;
  const char *at = text.c_str();
  if (*at != '(')
    throw CannotRun("no shape");
  for (++at; *at && *at != ')';) {
    char *end;
    int64_t dim = strtoll(at, &end, 10);
    if (end == at || dim < 0)
      throw CannotRun("a shape that cannot be read");
    shape.push_back(dim);
    at = end + strspn(end, ", ");
  }
  return shape;
}

/// The dtype of a name in a file, among which there is one for all types that
/// NumPy does not know.
static int32_t dtypeOf(const std::string &descr, int32_t wanted) {
  for (const auto &type : types)
    if (descr == "'" + std::string(type.descr) + "'")
      return type.dtype;
  if (descr == "'<f1'")
    return FOVEA_FLOAT8E5M2;
  bool isOpaque = descr == "'|V1'" || descr == "'<V1'";
  return isOpaque && isOpaqueByte(wanted) ? wanted : 0;
}

static Tensor parseNpy(const std::string &file, int32_t wanted) {
  if (file.size() < 12 || memcmp(file.data(), magic, magicSize) != 0)
    throw CannotRun("not a file of NumPy");
  bool isFirst = file[6] == 1;
  uint32_t length = 0;
  memcpy(&length, file.data() + 8, isFirst ? 2 : 4);
  size_t start = isFirst ? 10 : 12;
  if (length > file.size() - start)
    throw CannotRun("truncated");
  std::string header = file.substr(start, length);
  std::string descr = field(header, "descr").substr(0, 5);
  Tensor tensor;
  tensor.dtype = dtypeOf(descr, wanted);
  if (!tensor.dtype)
    throw CannotRun("elements of type " + descr + " are not supported");
  if (field(header, "fortran_order").rfind("False", 0) != 0)
    throw CannotRun("column-major order: save np.ascontiguousarray(x)");
  tensor.shape = parseShape(field(header, "shape"));
  tensor.data.assign(file.begin() + start + length, file.end());
  int64_t bytes = dtypeSize(tensor.dtype);
  for (int64_t dim : tensor.shape)
    if (__builtin_mul_overflow(bytes, dim, &bytes))
      throw CannotRun("a shape that is too large");
  if (bytes != static_cast<int64_t>(tensor.data.size()))
    throw CannotRun("truncated");
  return tensor;
}

Tensor fovea::readNpy(const std::string &path, int32_t wanted) {
  std::optional<std::string> file = readFile(path);
  if (!file)
    throw CannotRun("cannot read '" + path + "': " + strerror(errno));
  try {
    return parseNpy(*file, wanted);
  } catch (const CannotRun &error) {
    throw CannotRun("'" + path + "': " + error.what());
  }
}

void fovea::writeNpy(const std::string &path, const Tensor &tensor) {
  const char *descr = isOpaqueByte(tensor.dtype) ? "|V1" : "";
  for (const auto &type : types)
    if (type.dtype == tensor.dtype && !*descr)
      descr = type.descr;
  std::string header = "{'descr': '" + std::string(descr) +
                       "', 'fortran_order': False, 'shape': (";
  for (int64_t dim : tensor.shape)
    header += std::to_string(dim) + ",";
  header += "), }";
  // The data begin at a multiple of 64.
  while ((10 + header.size() + 1) % 64)
    header += ' ';
  header += '\n';
  std::string unfinished = path + ".part";
  std::ofstream file(unfinished, std::ios::binary);
  uint16_t length = static_cast<uint16_t>(header.size());
  file.write(magic, magicSize).write("\1\0", 2);
  file.write(reinterpret_cast<const char *>(&length), 2) << header;
  file.write(tensor.data.data(),
             static_cast<std::streamsize>(tensor.data.size()));
  file.close();
  if (!file || rename(unfinished.c_str(), path.c_str()) != 0) {
    std::string why = strerror(errno);
    remove(unfinished.c_str());
    throw CannotRun("cannot write '" + path + "': " + why);
  }
}
