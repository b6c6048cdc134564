//===- Importer.cpp - Graphs, scopes and function bodies ------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Importer.h"
#include "Model.h"
#include "Packed.h"
#include "Types.h"

#include "onnx/defs/schema.h"

#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;
using namespace fovea::frontend;

/// Function bodies call further functions; more nesting than this is a loop.
static constexpr int maxFunctionDepth = 16;

Importer::Importer(MLIRContext &context, std::shared_ptr<Model> model)
    : context(context), model(std::move(model)),
      b(UnknownLoc::get(&context), &context) {
  for (const auto &import : this->model->proto.opset_import())
    modelOpsets[import.domain() == "ai.onnx" ? "" : import.domain()] =
        import.version();
}

int64_t Importer::opset(StringRef domain, const Scope &scope) const {
  if (domain == "ai.onnx")
    domain = "";
  for (const Scope *s = &scope; s; s = s->parent)
    if (s->opsets)
      return s->opsets->lookup(domain);
  return modelOpsets.lookup(domain);
}

//===----------------------------------------------------------------------===//
// Names
//===----------------------------------------------------------------------===//

FailureOr<Binding> Importer::lookup(StringRef name, Scope &scope) {
  for (Scope *s = &scope; s; s = s->parent) {
    auto bound = s->bindings.find(name);
    if (bound != s->bindings.end())
      return bound->second;
    const onnx::TensorProto *tensor = s->initializers.lookup(name);
    if (!tensor)
      continue;
    auto made = constant(*tensor, name);
    if (succeeded(made))
      s->bindings[name] = *made;
    return made;
  }
  b.error("'" + name + "' is used before anything defines it");
  return failure();
}

void Scope::add(const onnx::GraphProto &graph) {
  for (const auto &tensor : graph.initializer())
    initializers[tensor.name()] = &tensor;
  for (const auto &info : graph.value_info())
    inferred[info.name()] = &info.type();
  for (const auto &info : graph.output())
    inferred[info.name()] = &info.type();
}

//===----------------------------------------------------------------------===//
// Nodes
//===----------------------------------------------------------------------===//

static std::string nodeName(const onnx::NodeProto &node) {
  if (!node.name().empty())
    return node.name();
  for (const std::string &output : node.output())
    if (!output.empty())
      return node.op_type() + "_" + output;
  return node.op_type();
}

LogicalResult Importer::importNode(const onnx::NodeProto &node, Scope &scope) {
  Location outerLoc = b.getLoc();
  std::string outerContext = b.errorContext;
  llvm::scope_exit restore([&] {
    b.setLoc(outerLoc);
    b.errorContext = outerContext;
  });
  std::string name = nodeName(node);
  int64_t version = opset(node.domain(), scope);
  b.setLoc(NameLoc::get(StringAttr::get(&context, name)));
  std::string domain =
      node.domain().empty() || node.domain() == "ai.onnx" ? "" : node.domain();
  b.errorContext = "node '" + name + "' (" +
                   (domain.empty() ? "" : domain + ".") + node.op_type() +
                   ", opset " + std::to_string(version) + "): ";

  NodeImporter importer(*this, scope, node);
  try {
    if (failed(importer.run()))
      return failure();
  } catch (const std::out_of_range &e) {
    b.raise(e.what());
  }
  for (const std::string &output : node.output())
    if (!output.empty() && !scope.bindings.count(output))
      return importer.fail("output '" + output + "' is not supported");
  return success();
}

LogicalResult NodeImporter::run() {
  if (failed(resolveInputs()))
    return failure();
  std::string domain = proto.domain() == "ai.onnx" ? "" : proto.domain();
  const OpRegistry &registry = opRegistry();
  bool isChecked = registry.isChecked(proto.op_type(), domain);
  if ((isChecked && failed(checkTypes())) || failed(checkElementTypes()))
    return failure();
  Handler handler = registry.lookup(proto.op_type(), domain);
  return handler ? handler(*this) : expandFunction();
}

/// Adds every name that `graph` reads, its own included.
static void collectNames(const onnx::GraphProto &graph,
                         llvm::StringSet<> &names) {
  for (const auto &output : graph.output())
    names.insert(output.name());
  for (const auto &node : graph.node()) {
    for (const std::string &input : node.input())
      names.insert(input);
    for (const auto &attribute : node.attribute())
      if (attribute.has_g())
        collectNames(attribute.g(), names);
  }
}

LogicalResult Importer::importNodes(const Nodes &nodes, llvm::StringSet<> live,
                                    Scope &scope) {
  // Exporters leave dead nodes behind, some of which nothing could compile.
  std::vector<bool> isLive(nodes.size());
  for (int i = nodes.size() - 1; i >= 0; --i) {
    for (const std::string &output : nodes[i].output())
      if (live.contains(output))
        isLive[i] = true;
    if (!isLive[i])
      continue;
    for (const std::string &input : nodes[i].input())
      live.insert(input);
    for (const auto &attribute : nodes[i].attribute())
      if (attribute.has_g())
        collectNames(attribute.g(), live);
  }
  for (int i = 0; i < nodes.size(); ++i)
    if (isLive[i] && failed(importNode(nodes[i], scope)))
      return failure();
  return success();
}

FailureOr<SmallVector<Binding>>
Importer::importGraph(const onnx::GraphProto &graph, ArrayRef<Binding> args,
                      Scope *parent) {
  Scope scope;
  scope.parent = parent;
  scope.add(graph);
  for (auto [input, arg] : llvm::zip(graph.input(), args))
    scope.bindings[input.name()] = arg;
  llvm::StringSet<> live;
  for (const auto &output : graph.output())
    live.insert(output.name());
  if (failed(importNodes(graph.node(), live, scope)))
    return failure();
  SmallVector<Binding> results;
  for (const auto &output : graph.output()) {
    auto result = lookup(output.name(), scope);
    if (failed(result))
      return failure();
    results.push_back(*result);
  }
  return results;
}

//===----------------------------------------------------------------------===//
// Function bodies
//===----------------------------------------------------------------------===//

/// What the builder of a function body is told about a value.
static onnx::TypeProto typeProtoFor(TensorBuilder &b, const Binding &binding) {
  onnx::TypeProto type;
  if (binding.isSequence()) {
    auto *element = type.mutable_sequence_type()->mutable_elem_type();
    if (auto known =
            dyn_cast_or_null<RankedTensorType>(sequenceElement(b, binding)))
      *element = typeProtoFor(known, binding.dtype);
    else
      element->mutable_tensor_type()->set_elem_type(binding.dtype);
  } else if (binding) {
    type = typeProtoFor(b.type(binding.value), binding.dtype);
  }
  return type;
}

/// The ONNX definition of the node in terms of simpler operators.
static bool buildFunction(NodeImporter &n, const onnx::OpSchema &schema,
                          onnx::FunctionProto &body) {
  try {
    if (schema.HasContextDependentFunction()) {
      std::vector<onnx::TypeProto> types(n.numInputs());
      for (size_t i = 0; i < n.numInputs(); ++i)
        types[i] = typeProtoFor(n.b(), n.binding(i));
      onnx::NodeProto node = n.node();
      node.clear_attribute();
      for (const auto &attribute : n.node().attribute())
        if (const auto *resolved = n.attr(attribute.name())) {
          auto *copy = node.add_attribute();
          *copy = *resolved;
          copy->set_name(attribute.name());
        }
      onnx::FunctionBodyBuildContextImpl context(node, types);
      if (schema.BuildContextDependentFunction(context, body, int(n.opset())))
        return true;
    }
    const onnx::FunctionProto *found = schema.GetFunction(int(n.opset()));
    if (!found)
      return false;
    body = *found;
    return true;
  } catch (const std::exception &) {
    return false;
  }
}

LogicalResult Importer::importFunctionBody(NodeImporter &n) {
  const onnx::NodeProto &node = n.node();
  const onnx::OpSchema *schema = onnx::OpSchemaRegistry::Schema(
      node.op_type(), int(n.opset()), node.domain());
  if (!schema)
    return n.fail("the operator is unknown");
  onnx::FunctionProto body;
  if (functionDepth >= maxFunctionDepth || !buildFunction(n, *schema, body))
    return n.fail("the operator is not supported");

  Scope scope;
  // A graph that the node has as attribute sees the names around the node.
  if (llvm::any_of(node.attribute(),
                   [](const auto &attribute) { return attribute.has_g(); }))
    scope.parent = &n.scope;
  llvm::StringMap<const onnx::AttributeProto *> attributes;
  for (const auto &[name, declared] : schema->attributes())
    if (declared.default_value.has_name())
      attributes[name] = &declared.default_value;
  for (const auto &attribute : node.attribute())
    if (const auto *resolved = n.attr(attribute.name()))
      attributes[attribute.name()] = resolved;
  llvm::StringMap<int64_t> opsets;
  for (const auto &import : body.opset_import())
    opsets[import.domain() == "ai.onnx" ? "" : import.domain()] =
        import.version();
  // Not the version of the node: its domain may be another.
  if (!opsets.count(""))
    opsets[""] = opset("", n.scope);
  scope.attributes = &attributes;
  scope.opsets = &opsets;
  for (auto [i, input] : llvm::enumerate(body.input()))
    scope.bindings[input] = n.binding(i);

  llvm::StringSet<> live;
  for (auto [i, output] : llvm::enumerate(body.output()))
    if (n.wantsOutput(i))
      live.insert(output);
  ++functionDepth;
  LogicalResult imported = importNodes(body.node(), live, scope);
  --functionDepth;
  if (failed(imported))
    return failure();
  for (auto [i, output] : llvm::enumerate(body.output())) {
    if (!n.wantsOutput(i))
      continue;
    auto result = lookup(output, scope);
    if (failed(result) || failed(n.bindOutput(i, *result)))
      return failure();
  }
  return success();
}
