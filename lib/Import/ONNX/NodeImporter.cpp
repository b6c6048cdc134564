//===- NodeImporter.cpp - One ONNX node -----------------------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Importer.h"
#include "StoredTypes.h"
#include "Types.h"

#include "onnx/defs/data_type_utils.h"
#include "onnx/defs/schema.h"

using namespace mlir;
using namespace fovea::frontend;

NodeImporter::NodeImporter(Importer &importer, Scope &scope,
                           const onnx::NodeProto &node)
    : owner(importer), scope(scope), proto(node),
      version(importer.opset(node.domain(), scope)) {}

TensorBuilder &NodeImporter::b() { return owner.builder(); }

LogicalResult NodeImporter::fail(const Twine &reason) {
  b().error(reason);
  return failure();
}

LogicalResult NodeImporter::resolveInputs() {
  for (const std::string &name : proto.input()) {
    if (name.empty()) {
      inputs.emplace_back();
      continue;
    }
    auto binding = owner.lookup(name, scope);
    if (failed(binding))
      return failure();
    inputs.push_back(*binding);
  }
  if (failed(checkKinds()))
    return failure();
  StringRef domain = proto.domain();
  if (domain == "ai.onnx")
    domain = "";
  for (auto [i, binding] : llvm::enumerate(inputs))
    if (isStoredType(binding.dtype) &&
        !takesStoredTypes(proto.op_type(), domain))
      return fail("input " + Twine(i) + " is " + dtypeName(binding.dtype) +
                  ", which can be moved and converted, but not computed with");
  return success();
}

/// Whether input `i` of an operator may have a type that starts with `kind`.
static bool takes(const onnx::OpSchema *schema, size_t i, StringRef kind) {
  if (!schema || schema->inputs().empty())
    return false;
  const auto &formal =
      schema->inputs()[std::min(i, schema->inputs().size() - 1)];
  return llvm::any_of(formal.GetTypes(), [&](onnx::DataType type) {
    return StringRef(*type).starts_with(kind);
  });
}

/// Handlers of operators on tensors rely on getting nothing else.
LogicalResult NodeImporter::checkKinds() {
  std::string domain = proto.domain() == "ai.onnx" ? "" : proto.domain();
  const onnx::OpSchema *schema =
      onnx::OpSchemaRegistry::Schema(proto.op_type(), version, domain);
  for (auto [i, binding] : llvm::enumerate(inputs)) {
    if (binding.present && !takes(schema, i, "optional("))
      return fail("input " + Twine(i) +
                  " is an optional, and has to have a value");
    if (binding.isSequence() && !takes(schema, i, "seq(") &&
        !takes(schema, i, "optional(seq("))
      return fail("input " + Twine(i) +
                  " is a sequence, and has to be a tensor");
  }
  return success();
}

/// Every required input is there, and inputs of one type variable agree.
LogicalResult NodeImporter::checkTypes() {
  std::string domain = proto.domain() == "ai.onnx" ? "" : proto.domain();
  const onnx::OpSchema *schema =
      onnx::OpSchemaRegistry::Schema(proto.op_type(), version, domain);
  if (!schema)
    return success();
  const auto &domains =
      onnx::OpSchemaRegistry::DomainToVersionRange::Instance().Map();
  auto range = domains.find(domain);
  if (range != domains.end() && version > range->second.second)
    return fail("this build knows '" + domain + "' up to opset " +
                Twine(range->second.second));
  llvm::StringMap<int32_t> bound;
  for (auto [i, formal] : llvm::enumerate(schema->inputs())) {
    std::string what = "input '" + formal.GetName() + "' ";
    if (!input(i)) {
      if (formal.GetOption() != onnx::OpSchema::Optional)
        return fail(what + "is missing");
      continue;
    }
    onnx::TypeProto type;
    type.mutable_tensor_type()->set_elem_type(dtype(i));
    if (!formal.GetTypes().count(onnx::Utils::DataTypeUtils::ToType(type)))
      return fail(what + "has the element type " + dtypeName(dtype(i)) +
                  ", which the operator does not take");
    int32_t &known = bound[formal.GetTypeStr()];
    if (known && known != dtype(i))
      return fail(what + "has the element type " + dtypeName(dtype(i)) +
                  " and another input of its type has " + dtypeName(known));
    known = dtype(i);
  }
  return success();
}

RankedTensorType NodeImporter::inputType(size_t i) {
  return b().type(input(i));
}

bool NodeImporter::isUnsigned(size_t i) const {
  return isUnsignedDtype(dtype(i));
}

std::optional<SmallVector<int64_t>> NodeImporter::constantInts(size_t i) {
  return input(i) ? b().constantInts(input(i)) : std::nullopt;
}

//===----------------------------------------------------------------------===//
// Attributes
//===----------------------------------------------------------------------===//

const onnx::AttributeProto *NodeImporter::attr(StringRef name) const {
  for (const auto &attribute : proto.attribute()) {
    if (attribute.name() != name)
      continue;
    if (attribute.ref_attr_name().empty())
      return &attribute;
    // A reference to an attribute of the function that is being expanded.
    for (Scope *s = &scope; s; s = s->parent)
      if (s->attributes)
        return s->attributes->lookup(attribute.ref_attr_name());
    return nullptr;
  }
  return nullptr;
}

int64_t NodeImporter::attrInt(StringRef name, int64_t otherwise) const {
  const auto *attribute = attr(name);
  return attribute ? attribute->i() : otherwise;
}

double NodeImporter::attrFloat(StringRef name, double otherwise) const {
  const auto *attribute = attr(name);
  return attribute ? attribute->f() : otherwise;
}

std::string NodeImporter::attrString(StringRef name,
                                     StringRef otherwise) const {
  const auto *attribute = attr(name);
  return attribute ? attribute->s() : otherwise.str();
}

std::optional<SmallVector<int64_t>>
NodeImporter::attrInts(StringRef name) const {
  const auto *attribute = attr(name);
  if (!attribute)
    return std::nullopt;
  return SmallVector<int64_t>(attribute->ints().begin(),
                              attribute->ints().end());
}

std::optional<SmallVector<double>>
NodeImporter::attrFloats(StringRef name) const {
  const auto *attribute = attr(name);
  if (!attribute)
    return std::nullopt;
  return SmallVector<double>(attribute->floats().begin(),
                             attribute->floats().end());
}

const onnx::TensorProto *NodeImporter::attrTensor(StringRef name) const {
  const auto *attribute = attr(name);
  return attribute && attribute->has_t() ? &attribute->t() : nullptr;
}

const onnx::GraphProto *NodeImporter::attrGraph(StringRef name) const {
  const auto *attribute = attr(name);
  return attribute && attribute->has_g() ? &attribute->g() : nullptr;
}

FailureOr<int64_t> NodeImporter::normalizeAxis(int64_t axis, int64_t rank) {
  if (axis < -rank || axis >= rank)
    return fail("axis " + Twine(axis) + " is out of range for rank " +
                Twine(rank));
  return axis < 0 ? axis + rank : axis;
}

FailureOr<SmallVector<int64_t>>
NodeImporter::normalizeAxes(ArrayRef<int64_t> axes, int64_t rank) {
  SmallVector<int64_t> result;
  for (int64_t axis : axes) {
    auto normalized = normalizeAxis(axis, rank);
    if (failed(normalized))
      return failure();
    if (llvm::is_contained(result, *normalized))
      return fail("axis " + Twine(axis) + " is listed twice");
    result.push_back(*normalized);
  }
  return result;
}

FailureOr<int64_t> NodeImporter::attrAxis(StringRef name, int64_t otherwise,
                                          int64_t rank) {
  return normalizeAxis(attrInt(name, otherwise), rank);
}

FailureOr<std::optional<SmallVector<int64_t>>>
NodeImporter::attrOrInput(StringRef name, size_t i) {
  if (!input(i))
    return attrInts(name);
  auto constant = constantInts(i);
  if (!constant)
    return fail("input '" + name + "' has to be a constant");
  return constant;
}

//===----------------------------------------------------------------------===//
// Outputs
//===----------------------------------------------------------------------===//

RankedTensorType NodeImporter::inferredType(size_t i) {
  infer();
  RankedTensorType local, global;
  MLIRContext *context = b().getContext();
  if (i < outputTypes.size())
    local = tensorTypeFor(outputTypes[i], context);
  if (wantsOutput(i))
    if (const onnx::TypeProto *type = scope.inferred.lookup(proto.output(i)))
      global = tensorTypeFor(*type, context);
  if (!local || !global || local.getRank() != global.getRank())
    return local ? local : global;
  SmallVector<int64_t> sizes(local.getShape());
  for (auto [size, other] : llvm::zip(sizes, global.getShape()))
    if (ShapedType::isDynamic(size))
      size = other;
  return RankedTensorType::get(sizes, local.getElementType());
}

int32_t NodeImporter::outputDtype(size_t i) {
  infer();
  if (i < outputTypes.size() && outputTypes[i].has_tensor_type())
    if (int32_t type = outputTypes[i].tensor_type().elem_type())
      return type;
  if (wantsOutput(i))
    if (const onnx::TypeProto *type = scope.inferred.lookup(proto.output(i)))
      return type->tensor_type().elem_type();
  return 0;
}

Type NodeImporter::outputElementType(size_t i) {
  return elementTypeFor(outputDtype(i), b().getContext());
}

LogicalResult NodeImporter::bindOutput(size_t i, FailureOr<Value> value,
                                       int32_t dtype) {
  if (failed(value))
    return failure();
  if (!wantsOutput(i))
    return success();
  RankedTensorType type = b().type(*value);
  if (dtype == 0)
    dtype = outputDtype(i);
  if (elementTypeFor(dtype, b().getContext()) != type.getElementType()) {
    // A stored type and the bytes that it lies in differ in more than the sign.
    if (dtype == 0 && llvm::any_of(inputs, [](const Binding &input) {
          return isStoredType(input.dtype);
        }))
      return fail("the element type of the output is not known");
    dtype = dtypeFor(type.getElementType());
  }

  Value refined = *value;
  RankedTensorType inferred = inferredType(i);
  if (inferred && inferred.getRank() == type.getRank()) {
    SmallVector<int64_t> sizes(type.getShape());
    for (auto [size, known] : llvm::zip(sizes, inferred.getShape()))
      if (ShapedType::isDynamic(size))
        size = known;
    refined = b().castShape(
        refined, RankedTensorType::get(sizes, type.getElementType()));
  }
  b().checkSize(b().type(refined));
  Binding binding;
  binding.value = refined;
  binding.dtype = dtype;
  return bindOutput(i, binding);
}

LogicalResult NodeImporter::bindOutput(size_t i, Binding binding) {
  if (wantsOutput(i))
    scope.bindings[proto.output(i)] = std::move(binding);
  return success();
}

FailureOr<SmallVector<Binding>>
NodeImporter::importGraph(const onnx::GraphProto &graph,
                          ArrayRef<Binding> args) {
  return owner.importGraph(graph, args, &scope);
}

LogicalResult NodeImporter::expandFunction() {
  return owner.importFunctionBody(*this);
}
