//===- TypeConstraints.cpp - Element types that an operator takes ---------===//
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

/// The parameter of the schema that input `i` belongs to: the last one takes
/// all that follow where it is variadic.
static const onnx::OpSchema::FormalParameter *
formalInput(const onnx::OpSchema &schema, size_t i) {
  const auto &formals = schema.inputs();
  if (i < formals.size())
    return &formals[i];
  if (!formals.empty() &&
      formals.back().GetOption() == onnx::OpSchema::Variadic)
    return &formals.back();
  return nullptr;
}

/// No name stands for an input that is left out, which only optional ones may
/// be. ONNX's own checker leaves that to the code that computes.
LogicalResult NodeImporter::checkPresence(const onnx::OpSchema &schema) {
  size_t count = std::max(inputs.size(), schema.inputs().size());
  for (size_t i = 0; i < count; ++i) {
    const auto *formal = formalInput(schema, i);
    if (!formal)
      return fail("input " + Twine(i) + " is one too many");
    bool isGiven = i < inputs.size() && !proto.input(int(i)).empty();
    bool mayLack = formal->GetOption() == onnx::OpSchema::Optional ||
                   (formal->GetOption() == onnx::OpSchema::Variadic &&
                    i >= inputs.size() && int(i) >= schema.min_input());
    // In a function body, a name may stand for what its caller left out.
    if (isGiven && !inputs[i] && !mayLack)
      isGiven = llvm::any_of(formal->GetTypes(), [](onnx::DataType type) {
        return StringRef(*type).starts_with("optional(");
      });
    if (!isGiven && !mayLack)
      return fail("input " + Twine(i) + " ('" + formal->GetName() +
                  "') is missing");
  }
  return success();
}

/// Handlers rely on what the schema promises: the element types that each input
/// may have, and which inputs have the same one.
LogicalResult NodeImporter::checkElementTypes() {
  StringRef domain = proto.domain();
  const onnx::OpSchema *schema = onnx::OpSchemaRegistry::Schema(
      proto.op_type(), int(version),
      domain == "ai.onnx" ? std::string() : domain.str());
  if (!schema)
    return fail(opRegistry().lookup(proto.op_type(), domain)
                    ? "the operator is not in this opset"
                    : "the operator is unknown");
  if (failed(checkPresence(*schema)))
    return failure();
  llvm::StringMap<std::pair<size_t, int32_t>> bound;
  for (auto [i, binding] : llvm::enumerate(inputs)) {
    const auto *formal = formalInput(*schema, i);
    if (!formal || !binding.value || binding.isSequence() || !binding.dtype)
      continue;
    onnx::TypeProto type;
    type.mutable_tensor_type()->set_elem_type(binding.dtype);
    const auto &allowed = formal->GetTypes();
    // Moving what is only stored costs nothing, wherever a schema allows it.
    if (!allowed.empty() && !isStoredType(binding.dtype) &&
        !allowed.count(onnx::Utils::DataTypeUtils::ToType(type)))
      return fail("input " + Twine(i) + " ('" + formal->GetName() + "') is " +
                  dtypeName(binding.dtype) +
                  ", which the operator does not take");
    if (!formal->GetIsHomogeneous())
      continue;
    auto [known, isNew] =
        bound.try_emplace(formal->GetTypeStr(), i, binding.dtype);
    auto [first, dtype] = known->second;
    if (!isNew && dtype != binding.dtype)
      return fail("inputs " + Twine(first) + " and " + Twine(i) + " are " +
                  dtypeName(dtype) + " and " + dtypeName(binding.dtype) +
                  ", and have to be of one type");
  }
  return success();
}
