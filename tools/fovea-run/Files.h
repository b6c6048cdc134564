//===- Files.h - Tensors in files -------------------------------*- C++ -*-===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_TOOLS_RUN_FILES_H
#define FOVEA_TOOLS_RUN_FILES_H

#include "Model.h"

#include <optional>

namespace fovea {

/// The whole file, or nothing if there is none.
std::optional<std::string> readFile(const std::string &path);

/// NumPy's format. Two-byte opaque elements are taken for bfloat16, which NumPy
/// has no name for.
Tensor readNpy(const std::string &path);
void writeNpy(const std::string &path, const Tensor &tensor);

/// A serialized TensorProto; nothing if there is no such file.
std::optional<Tensor> readTensorProto(const std::string &path);

/// input_<i>.pb of a test data set, one for each input.
std::vector<Tensor> readDataSetInputs(const std::string &folder, size_t count);

/// output_<i>.pb, where it exists.
std::vector<std::optional<Tensor>> readDataSetOutputs(const std::string &folder,
                                                      size_t count);

} // namespace fovea

#endif // FOVEA_TOOLS_RUN_FILES_H
