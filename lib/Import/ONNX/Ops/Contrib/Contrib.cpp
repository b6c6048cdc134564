//===- Contrib.cpp - Operators that ONNX does not define ------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Contrib.h"

#include "onnx/defs/shape_inference.h"

using namespace fovea::frontend;

static void inferTypes(onnx::InferenceContext &context) {
  for (size_t i = 0; i < context.getNumOutputs(); ++i)
    onnx::propagateElemTypeFromInputToOutput(context, 0, i);
}

static onnx::OpSchema makeSchema(const char *name, const char *domain) {
  onnx::OpSchema schema(name, __FILE__, __LINE__);
  schema.SetDomain(domain).SinceVersion(1);
  schema.TypeAndShapeInferenceFunction(inferTypes);
  return schema;
}

ContribSchema::ContribSchema(const char *name, const char *domain)
    : schema(makeSchema(name, domain)) {}

ContribSchema &ContribSchema::input(const char *name, const char *type) {
  schema.Input(inputs++, name, "", type);
  return *this;
}

ContribSchema &ContribSchema::optional(const char *name, const char *type) {
  schema.Input(inputs++, name, "", type, onnx::OpSchema::Optional);
  return *this;
}

ContribSchema &ContribSchema::output(const char *name, const char *type) {
  schema.Output(outputs++, name, "", type);
  return *this;
}

ContribSchema &ContribSchema::optionalOutput(const char *name,
                                             const char *type) {
  schema.Output(outputs++, name, "", type, onnx::OpSchema::Optional);
  return *this;
}

ContribSchema &ContribSchema::types(const char *name,
                                    std::vector<std::string> types) {
  hasT |= llvm::StringRef(name) == "T";
  schema.TypeConstraint(name, std::move(types), "");
  return *this;
}

ContribSchema &
ContribSchema::attribute(std::initializer_list<const char *> names,
                         onnx::AttributeProto::AttributeType type,
                         bool isRequired) {
  for (const char *name : names)
    schema.Attr(name, "", type, isRequired);
  return *this;
}

ContribSchema &ContribSchema::ints(std::initializer_list<const char *> names) {
  return attribute(names, onnx::AttributeProto::INT);
}
ContribSchema &
ContribSchema::requiredInts(std::initializer_list<const char *> names) {
  return attribute(names, onnx::AttributeProto::INT, /*isRequired=*/true);
}
ContribSchema &
ContribSchema::floats(std::initializer_list<const char *> names) {
  return attribute(names, onnx::AttributeProto::FLOAT);
}
ContribSchema &
ContribSchema::strings(std::initializer_list<const char *> names) {
  return attribute(names, onnx::AttributeProto::STRING);
}
ContribSchema &
ContribSchema::intLists(std::initializer_list<const char *> names) {
  return attribute(names, onnx::AttributeProto::INTS);
}
ContribSchema &
ContribSchema::floatLists(std::initializer_list<const char *> names) {
  return attribute(names, onnx::AttributeProto::FLOATS);
}

ContribSchema &ContribSchema::likeInput() {
  return infer(onnx::propagateShapeAndTypeFromFirstInput);
}

ContribSchema &ContribSchema::infer(onnx::InferenceFunction function) {
  schema.TypeAndShapeInferenceFunction(std::move(function));
  return *this;
}

void ContribSchema::define(OpRegistry &registry, Handler handler) {
  if (!hasT)
    types("T", {"tensor(float)", "tensor(float16)", "tensor(bfloat16)",
                "tensor(double)"});
  if (handler)
    registry.add(schema.Name(), handler, schema.domain(), /*checked=*/true);
  auto &domains = onnx::OpSchemaRegistry::DomainToVersionRange::Instance();
  if (!domains.Map().count(schema.domain()))
    domains.AddDomainToVersion(schema.domain(), 1, 1);
  // An ONNX library that knows the operator already keeps its own declaration.
  onnx::RegisterSchema(std::move(schema), /*opset_version_to_load=*/0,
                       /*fail_duplicate_schema=*/false);
}
