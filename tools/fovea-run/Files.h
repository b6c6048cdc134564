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

/// NumPy's format. Opaque elements of two bytes are taken for bfloat16, which
/// NumPy has no name for, and those of one byte for the type that is wanted.
Tensor readNpy(const std::string &path, int32_t wanted);
void writeNpy(const std::string &path, const Tensor &tensor);

/// input_<i>.pb of a test data set, one for each of `infos`: a TensorProto,
/// SequenceProto or OptionalProto, as the input is.
std::vector<Value>
readDataSetInputs(const std::string &folder,
                  const std::vector<const fovea_tensor_info *> &infos);

/// output_<i>.pb, where it exists.
std::vector<std::optional<Value>>
readDataSetOutputs(const std::string &folder,
                   const std::vector<const fovea_tensor_info *> &infos);

} // namespace fovea

#endif // FOVEA_TOOLS_RUN_FILES_H
