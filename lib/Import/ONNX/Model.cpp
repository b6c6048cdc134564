//===- Model.cpp - Loading and preparing an ONNX model --------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Model.h"
#include "Importer.h"

#include "onnx/checker.h"
#include "onnx/common/file_utils.h"
#include "onnx/defs/parser.h"
#include "onnx/defs/schema.h"
#include "onnx/inliner/inliner.h"
#include "onnx/version_converter/convert.h"

#include "llvm/Support/DebugLog.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#define DEBUG_TYPE "fovea-import"

using namespace fovea::frontend;

/// Below this opset the meaning of basic operators (broadcasting, optional
/// inputs) differs so much that ONNX's converter goes first.
static constexpr int64_t oldestDirectOpset = 7;
static constexpr int64_t conversionTarget = 13;
static constexpr int64_t maxInlinedNodes = 65536;

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

static bool parseText(llvm::StringRef text, onnx::ModelProto &proto,
                      std::string &error) {
  auto status = onnx::OnnxParser::Parse(proto, text.str().c_str());
  if (!status.IsOK())
    error = status.ErrorMessage();
  return status.IsOK();
}

static bool parseBinary(llvm::StringRef data, onnx::ModelProto &proto,
                        std::string &error) {
  if (data.size() > size_t(INT32_MAX)) {
    error = "the file is larger than 2 GiB, which protobuf cannot hold; store "
            "the weights as external data";
    return false;
  }
  google::protobuf::io::ArrayInputStream stream(data.data(), data.size());
  google::protobuf::io::CodedInputStream coded(&stream);
  coded.SetTotalBytesLimit(INT32_MAX);
  // The depth limit stays at protobuf's default: deeper files are attacks.
  bool ok = proto.ParseFromCodedStream(&coded) && coded.ConsumedEntireMessage();
  if (!ok)
    error = "not an ONNX model: the protobuf data is truncated or damaged";
  return ok;
}

static bool readFile(llvm::StringRef path, onnx::ModelProto &proto,
                     std::string &error) {
  // A device has no end, and the checker could not read a pipe once more.
  llvm::sys::fs::file_status status;
  if (!llvm::sys::fs::status(path, status) &&
      !llvm::sys::fs::is_regular_file(status)) {
    error = "cannot read the file: it is not a regular file";
    return false;
  }
  auto buffer = llvm::MemoryBuffer::getFile(path, /*IsText=*/false,
                                            /*RequiresNullTerminator=*/false);
  if (!buffer) {
    error = "cannot read the file: " + buffer.getError().message();
    return false;
  }
  llvm::StringRef data = (*buffer)->getBuffer();
  if (data.empty()) {
    error = "the file is empty";
    return false;
  }
  return path.ends_with(".onnxtxt") ? parseText(data, proto, error)
                                    : parseBinary(data, proto, error);
}

//===----------------------------------------------------------------------===//
// Preparing
//===----------------------------------------------------------------------===//

static bool isExternal(const onnx::TensorProto &tensor) {
  return tensor.data_location() == onnx::TensorProto::EXTERNAL;
}

static bool hasExternalData(const onnx::GraphProto &graph);

template <typename Nodes> static bool anyExternalData(const Nodes &nodes) {
  return llvm::any_of(nodes, [](const onnx::NodeProto &node) {
    return llvm::any_of(
        node.attribute(), [](const onnx::AttributeProto &attribute) {
          return isExternal(attribute.t()) || hasExternalData(attribute.g()) ||
                 isExternal(attribute.sparse_tensor().values()) ||
                 isExternal(attribute.sparse_tensor().indices()) ||
                 llvm::any_of(attribute.tensors(), isExternal) ||
                 llvm::any_of(attribute.graphs(), hasExternalData);
        });
  });
}

static bool hasExternalData(const onnx::GraphProto &graph) {
  return llvm::any_of(graph.initializer(), isExternal) ||
         llvm::any_of(graph.sparse_initializer(),
                      [](const onnx::SparseTensorProto &tensor) {
                        return isExternal(tensor.values()) ||
                               isExternal(tensor.indices());
                      }) ||
         anyExternalData(graph.node());
}

/// ONNX's checker. It knows the folder of external data only if it reads the
/// model itself; a model without such data, which may take gigabytes, is not
/// read a second time.
static void checkModel(const onnx::ModelProto &proto, llvm::StringRef path) {
  bool external =
      hasExternalData(proto.graph()) ||
      llvm::any_of(proto.functions(), [](const onnx::FunctionProto &function) {
        return anyExternalData(function.node());
      });
  if (external && !path.ends_with(".onnxtxt"))
    onnx::checker::check_model(path.str());
  else
    onnx::checker::check_model(proto);
}

static int64_t defaultOpset(const onnx::ModelProto &proto) {
  for (const auto &import : proto.opset_import())
    if (import.domain().empty() || import.domain() == "ai.onnx")
      return import.version();
  return 1;
}

static bool checkOpsets(const onnx::ModelProto &proto, std::string &error) {
  int64_t newest = onnx::OpSchemaRegistry::DomainToVersionRange::Instance()
                       .Map()
                       .at("")
                       .second;
  int64_t opset = defaultOpset(proto);
  if (opset >= 1 && opset <= newest)
    return true;
  error = "the model needs opset " + std::to_string(opset) +
          "; this build knows opsets 1 to " + std::to_string(newest);
  return false;
}

/// Declared intermediate types are hints of the exporter. Nothing relies on
/// them: inference starts from the inputs and the constants alone.
static void forgetDeclaredTypes(onnx::GraphProto &graph) {
  graph.clear_value_info();
  for (auto &output : *graph.mutable_output())
    if (output.type().has_tensor_type())
      output.mutable_type()->mutable_tensor_type()->clear_shape();
  for (auto &node : *graph.mutable_node())
    for (auto &attribute : *node.mutable_attribute())
      if (attribute.has_g())
        forgetDeclaredTypes(*attribute.mutable_g());
}

static bool pinDims(onnx::ModelProto &proto,
                    const fovea::ImportOptions &options, std::string &error) {
  llvm::StringMap<bool> used;
  for (auto &input : *proto.mutable_graph()->mutable_input()) {
    if (!input.type().has_tensor_type())
      continue;
    auto *shape = input.mutable_type()->mutable_tensor_type()->mutable_shape();
    for (auto &dim : *shape->mutable_dim()) {
      auto pin = options.dims.find(dim.dim_param());
      if (!dim.has_dim_param() || pin == options.dims.end())
        continue;
      used[dim.dim_param()] = true;
      dim.set_dim_value(pin->second);
    }
  }
  for (const auto &pin : options.dims) {
    if (used.count(pin.first()))
      continue;
    error =
        "no graph input has a symbolic dimension '" + pin.first().str() + "'";
    return false;
  }
  return true;
}

namespace {

/// Nodes that inlining all functions would give, no more than `limit` of them.
/// Functions that call each other can describe more nodes than any machine has.
class ExpandedSize {
public:
  ExpandedSize(const onnx::ModelProto &proto, int64_t limit) : limit(limit) {
    for (const auto &function : proto.functions())
      functions[function.domain() + "/" + function.name()] = &function;
  }

  using Nodes = google::protobuf::RepeatedPtrField<onnx::NodeProto>;
  int64_t of(const Nodes &nodes, int depth = 0) {
    int64_t total = 0;
    for (const auto &node : nodes) {
      total += of(node, depth);
      for (const auto &attribute : node.attribute())
        if (attribute.has_g())
          total += of(attribute.g().node(), depth);
      if (total >= limit)
        return limit;
    }
    return total;
  }

private:
  int64_t of(const onnx::NodeProto &node, int depth) {
    std::string key = node.domain() + "/" + node.op_type();
    const onnx::FunctionProto *body = functions.lookup(key);
    if (!body)
      return 1;
    auto found = known.find(key);
    if (found != known.end())
      return found->second;
    int64_t size = depth > 256 ? limit : of(body->node(), depth + 1);
    return known[key] = size;
  }

  int64_t limit;
  llvm::StringMap<const onnx::FunctionProto *> functions;
  llvm::StringMap<int64_t> known;
};

} // namespace

static bool inlineFunctions(onnx::ModelProto &proto, std::string &error) {
  if (proto.functions_size() == 0)
    return true;
  if (ExpandedSize(proto, maxInlinedNodes).of(proto.graph().node()) >=
      maxInlinedNodes) {
    error = "the functions of the model expand to more than " +
            std::to_string(maxInlinedNodes) + " nodes";
    return false;
  }
  onnx::inliner::InlineLocalFunctions(proto, /*convert_version=*/true);
  return true;
}

static void markSlopes(onnx::GraphProto &graph) {
  for (auto &node : *graph.mutable_node()) {
    for (auto &attribute : *node.mutable_attribute())
      if (attribute.has_g())
        markSlopes(*attribute.mutable_g());
    if (node.op_type() != "PRelu")
      continue;
    auto *mark = node.add_attribute();
    mark->set_name(slopePerChannel);
    mark->set_type(onnx::AttributeProto::INT);
    mark->set_i(1);
  }
}

static void convertOldOpset(onnx::ModelProto &proto) {
  if (defaultOpset(proto) >= oldestDirectOpset)
    return;
  markSlopes(*proto.mutable_graph());
  try {
    proto = onnx::version_conversion::ConvertVersion(proto, conversionTarget);
  } catch (const std::exception &e) {
    // The handlers take what the converter does not know.
    LDBG() << e.what();
  }
}

/// The first line of what an ONNX exception says.
static std::string firstLine(const std::exception &e) {
  llvm::StringRef text = e.what();
  return text.split('\n').first.rtrim().str();
}

std::shared_ptr<Model> Model::load(llvm::StringRef path,
                                   const ImportOptions &options,
                                   std::string &error) {
  opRegistry(); // Declares what ONNX does not define.
  auto model = std::make_shared<Model>();
  onnx::ModelProto &proto = model->proto;
  try {
    if (!readFile(path, proto, error) || !checkStrings(proto, error) ||
        !checkOpsets(proto, error))
      return nullptr;
    llvm::SmallString<256> directory(path);
    llvm::sys::path::remove_filename(directory);
    model->directory = directory.empty() ? "." : std::string(directory);
    checkModel(proto, path);
    if (!inlineFunctions(proto, error))
      return nullptr;
    if (!checkNodes(proto, error))
      return nullptr;
    convertOldOpset(proto);
    for (const auto &output : proto.graph().output())
      model->outputTypes[output.name()] = output.type();
    forgetDeclaredTypes(*proto.mutable_graph());
    if (!pinDims(proto, options, error))
      return nullptr;
    inferTypes(proto);
  } catch (const std::exception &e) {
    error = "not a valid model: " + firstLine(e);
    return nullptr;
  }
  return model;
}

//===----------------------------------------------------------------------===//
// External data
//===----------------------------------------------------------------------===//

const char *Model::externalData(const onnx::TensorProto &tensor, size_t bytes,
                                std::string &error) {
  std::string location;
  uint64_t offset = 0, length = bytes;
  for (const auto &entry : tensor.external_data()) {
    llvm::StringRef value = entry.value();
    bool bad = false;
    if (entry.key() == "location")
      location = entry.value();
    else if (entry.key() == "offset")
      bad = value.getAsInteger(10, offset);
    else if (entry.key() == "length")
      bad = value.getAsInteger(10, length);
    if (bad) {
      error = "external data: '" + entry.value() + "' is not a number";
      return nullptr;
    }
  }
  auto &file = files[location];
  if (!file) {
    // ONNX's own resolution refuses places outside of the model's folder.
    std::string path;
    try {
      path = onnx::checker::resolve_external_data_location(directory, location,
                                                           tensor.name())
                 .string();
    } catch (const std::exception &e) {
      error = firstLine(e);
      return nullptr;
    }
    auto buffer = llvm::MemoryBuffer::getFile(path, /*IsText=*/false,
                                              /*RequiresNullTerminator=*/false);
    if (!buffer) {
      error = "cannot read external data '" + location +
              "': " + buffer.getError().message();
      return nullptr;
    }
    file = std::move(*buffer);
  }
  if (length != bytes) {
    error = "external data of " + std::to_string(length) +
            " bytes for a tensor of " + std::to_string(bytes) + " bytes";
    return nullptr;
  }
  size_t available = file->getBufferSize();
  if (offset > available || bytes > available - offset) {
    error = "external data '" + location + "' ends before the tensor does";
    return nullptr;
  }
  return file->getBufferStart() + offset;
}
