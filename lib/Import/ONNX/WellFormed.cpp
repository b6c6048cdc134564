//===- WellFormed.cpp - What ONNX's checker leaves unchecked ---------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Model.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/JSON.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

/// More nodes than any exporter writes; compiling them would take hours.
static constexpr int64_t maxNodes = 65536;
/// More values at one node, or at the border of a model, than any exporter
/// writes; code that handles them one by one takes quadratic time.
static constexpr int64_t maxValues = 4096;

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

/// The first string field of `message` that is no UTF-8; null if all are.
/// Recursion ends where the parser's limit on nesting did.
static const FieldDescriptor *findBadString(const Message &message) {
  const auto *reflection = message.GetReflection();
  std::vector<const FieldDescriptor *> fields;
  reflection->ListFields(message, &fields);
  for (const FieldDescriptor *field : fields) {
    bool isString = field->type() == FieldDescriptor::TYPE_STRING;
    if (!isString && field->type() != FieldDescriptor::TYPE_MESSAGE)
      continue;
    bool repeated = field->is_repeated();
    int count = repeated ? reflection->FieldSize(message, field) : 1;
    for (int i = 0; i < count; ++i) {
      if (isString) {
        std::string scratch;
        const std::string &text =
            repeated ? reflection->GetRepeatedStringReference(message, field, i,
                                                              &scratch)
                     : reflection->GetStringReference(message, field, &scratch);
        if (!llvm::json::isUTF8(text))
          return field;
        continue;
      }
      const Message &inner =
          repeated ? reflection->GetRepeatedMessage(message, field, i)
                   : reflection->GetMessage(message, field);
      if (const FieldDescriptor *bad = findBadString(inner))
        return bad;
    }
  }
  return nullptr;
}

bool fovea::frontend::checkStrings(const onnx::ModelProto &proto,
                                   std::string &error) {
  const FieldDescriptor *bad = findBadString(proto);
  if (bad)
    error = "not an ONNX model: a string in field '" + bad->full_name() +
            "' is not UTF-8";
  return !bad;
}

/// ONNX's shape inference never returns, or reads out of bounds, on an equation
/// with a character that it does not know.
static bool isEquation(llvm::StringRef text) {
  std::string packed = text.str();
  llvm::erase(packed, ' ');
  llvm::SmallVector<llvm::StringRef> terms;
  llvm::StringRef(packed).split("->").first.split(terms, ',');
  return llvm::all_of(terms, [](llvm::StringRef term) {
    auto [left, right] = term.split("...");
    return llvm::all_of(left, llvm::isAlpha) &&
           llvm::all_of(right, llvm::isAlpha);
  });
}

/// "<count> inputs, and at most 4096 can be compiled", or nothing.
static std::string tooMany(int64_t count, const char *what) {
  return count <= maxValues
             ? ""
             : std::to_string(count) + " " + what + ", and at most " +
                   std::to_string(maxValues) + " can be compiled";
}

/// What makes ONNX's shape inference fail where it should report an error, or
/// compilation go on for hours.
static std::string findBadNode(const onnx::NodeProto &node) {
  std::string many = tooMany(node.input_size(), "inputs") +
                     tooMany(node.output_size(), "outputs");
  if (!many.empty())
    return "it has " + many;
  for (const auto &attribute : node.attribute()) {
    if (node.op_type() == "Einsum" && attribute.name() == "equation" &&
        !isEquation(attribute.s()))
      return "the equation '" + attribute.s() + "' is malformed";
    if (node.op_type() == "Split" && attribute.name() == "num_outputs" &&
        attribute.i() != node.output_size())
      return "num_outputs is " + std::to_string(attribute.i()) + " and not " +
             std::to_string(node.output_size());
  }
  return "";
}

/// Checks the nodes of `graph` and counts them in `nodes`.
static bool checkGraph(const onnx::GraphProto &graph, int64_t &nodes,
                       std::string &error) {
  for (const auto &node : graph.node()) {
    ++nodes;
    std::string reason = findBadNode(node);
    if (!reason.empty()) {
      error = "node '" + node.name() + "' (" + node.op_type() + "): " + reason;
      return false;
    }
    for (const auto &attribute : node.attribute())
      if (attribute.has_g() && !checkGraph(attribute.g(), nodes, error))
        return false;
  }
  return true;
}

bool fovea::frontend::checkNodes(const onnx::ModelProto &proto,
                                 std::string &error) {
  int64_t nodes = 0;
  // Initializers may be listed among the inputs.
  int64_t inputs = int64_t(proto.graph().input_size()) -
                   int64_t(proto.graph().initializer_size());
  std::string many = tooMany(inputs, "inputs") +
                     tooMany(proto.graph().output_size(), "outputs");
  if (!many.empty()) {
    error = "the model has " + many;
    return false;
  }
  if (!checkGraph(proto.graph(), nodes, error))
    return false;
  if (nodes > maxNodes)
    error = "the model has " + std::to_string(nodes) + " nodes, and at most " +
            std::to_string(maxNodes) + " can be compiled";
  return nodes <= maxNodes;
}
