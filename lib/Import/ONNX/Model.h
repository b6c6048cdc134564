//===- Model.h - A loaded and checked ONNX model --------------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_LIB_IMPORT_ONNX_MODEL_H
#define FOVEA_LIB_IMPORT_ONNX_MODEL_H

#include "fovea/Import/ONNX/Import.h"

#include "onnx/onnx_pb.h"

#include "llvm/ADT/StringMap.h"
#include "llvm/Support/MemoryBuffer.h"

#include <memory>
#include <string>

namespace fovea::frontend {

/// Set on each PRelu of a model from before opset 7, where one slope per
/// channel was aligned with the channels. ONNX's converter loses that.
inline constexpr const char *slopePerChannel = "fovea_slope_per_channel";

/// The model file, after ONNX's checker, inliner and shape inference. Constants
/// of the module may borrow its data, so it is shared with them.
class Model {
public:
  /// Reads and prepares the model. Gives null, with the reason in `error`, for
  /// everything that is wrong with the file.
  static std::shared_ptr<Model>
  load(llvm::StringRef path, const ImportOptions &options, std::string &error);

  onnx::ModelProto proto;
  /// Declared types of the graph outputs; inference works without them, since
  /// a file may declare what does not hold.
  llvm::StringMap<onnx::TypeProto> outputTypes;

  /// Bytes of a tensor with external data; null with the reason in `error`
  /// where the file, the range or the place is not right. The bytes live as
  /// long as the model.
  const char *externalData(const onnx::TensorProto &tensor, size_t bytes,
                           std::string &error);

private:
  std::string directory;
  llvm::StringMap<std::unique_ptr<llvm::MemoryBuffer>> files;
};

/// Whether every string of the model is UTF-8, as protobuf demands and its C++
/// parser does not check; otherwise the reason is in `error`.
bool checkStrings(const onnx::ModelProto &proto, std::string &error);

/// Refuses nodes on which ONNX's own shape inference does not end, and more of
/// them than can be compiled in any time. Functions are inlined before.
bool checkNodes(const onnx::ModelProto &proto, std::string &error);

/// Shape inference with data propagation. What it cannot infer is found out
/// during the import, so that its failures are no errors.
void inferTypes(onnx::ModelProto &proto);

} // namespace fovea::frontend

#endif // FOVEA_LIB_IMPORT_ONNX_MODEL_H
