//===- Model.h - A compiled model and its tensors ---------------*- C++ -*-===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_TOOLS_RUN_MODEL_H
#define FOVEA_TOOLS_RUN_MODEL_H

#include "fovea/Runtime/fovea.h"

#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

namespace fovea {

/// Something that keeps the tool from running the model; the text is for the
/// user.
struct CannotRun : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// A tensor that owns its memory.
struct Tensor {
  int32_t dtype = 0;
  std::vector<int64_t> shape;
  std::vector<char> data;

  int64_t count() const;
};

/// An input or output: a tensor, a sequence of tensors, or neither.
struct Value {
  Value() = default; ///< an optional without a value
  Value(Tensor tensor) : isPresent(true) {
    tensors.push_back(std::move(tensor));
  }
  static Value sequence(std::vector<Tensor> elements);

  bool isTensor() const { return isPresent && !isSequence; }

  bool isPresent = false;
  bool isSequence = false;
  std::vector<Tensor> tensors; ///< the tensor, or the elements
};

/// "float32[1, 3, 224]"
std::string describe(int32_t dtype, const std::vector<int64_t> &shape);

/// Bytes of an element of a type that the runtime knows, else 0.
size_t dtypeSize(int32_t dtype);

/// Bits of an element in a file of ONNX.
unsigned dtypeBits(int32_t dtype);

/// Whether NumPy's files call an element an opaque byte: the floats of 8 bits
/// and less, and the integers of 4 and 2 bits.
bool isOpaqueByte(int32_t dtype);

/// A library that fovea-compile wrote, opened.
class Model {
public:
  explicit Model(const std::string &path);
  ~Model();
  Model(const Model &) = delete;
  Model &operator=(const Model &) = delete;

  std::vector<const fovea_tensor_info *> inputs() const;
  std::vector<const fovea_tensor_info *> outputs() const;
  /// Runs once and copies the outputs.
  std::vector<Value> run(const std::vector<Value> &inputs);
  /// Runs once and drops the outputs.
  void runOnly(const std::vector<Value> &inputs);
  void setThreads(int threads);

  const fovea_api *api() const { return table; }
  fovea_model *handle() const { return model; }

private:
  std::vector<fovea_tensor> runRaw(const std::vector<Value> &inputs);
  void check(fovea_status status) const;

  void *library = nullptr;
  const fovea_api *table = nullptr;
  fovea_model *model = nullptr;
};

} // namespace fovea

#endif // FOVEA_TOOLS_RUN_MODEL_H
