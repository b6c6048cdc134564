//===- InferModel.cpp - ONNX's shape inference over a whole model ---------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Model.h"

#include "onnx/defs/schema.h"
#include "onnx/shape_inference/implementation.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/Support/DebugLog.h"

#define DEBUG_TYPE "fovea-import"

using namespace fovea::frontend;

/// Longer than any shape that is computed, and short enough for each value of a
/// large model to have it.
static constexpr int64_t maxPropagatedElements = 1024;

/// Whether ONNX's propagation of data through the node takes little memory. It
/// makes an object for each element of each one-dimensional operand, be it a
/// weight or a shape.
static bool isModest(const onnx::DataPropagationContext &context) {
  int64_t elements = 0;
  for (size_t i = 0; i < context.getNumInputs(); ++i) {
    const onnx::TypeProto *type = context.getInputType(i);
    if (!type || !type->has_tensor_type())
      continue;
    const auto &shape = type->tensor_type().shape();
    if (shape.dim_size() != 1)
      continue;
    int64_t size = shape.dim(0).dim_value();
    if (size < 0 || size > maxPropagatedElements)
      return false;
    elements += size;
  }
  return elements <= maxPropagatedElements;
}

namespace {

/// ONNX's operators, with propagation of data bounded.
class BoundedRegistry final : public onnx::ISchemaRegistry {
public:
  // NOLINTNEXTLINE(google-default-arguments): as the base has it.
  const onnx::OpSchema *
  GetSchema(const std::string &op, int version,
            const std::string &domain = onnx::ONNX_DOMAIN) const override {
    const onnx::OpSchema *schema =
        onnx::OpSchemaRegistry::Schema(op, version, domain);
    if (!schema || !schema->has_data_propagation_function())
      return schema;
    std::unique_ptr<onnx::OpSchema> &bounded = copies[schema];
    if (!bounded) {
      bounded = std::make_unique<onnx::OpSchema>(*schema);
      bounded->PartialDataPropagationFunction(
          [propagate = schema->GetDataPropagationFunction()](
              onnx::DataPropagationContext &context) {
            if (isModest(context))
              propagate(context);
          });
    }
    return bounded.get();
  }

private:
  mutable llvm::DenseMap<const onnx::OpSchema *,
                         std::unique_ptr<onnx::OpSchema>>
      copies;
};

} // namespace

void fovea::frontend::inferTypes(onnx::ModelProto &proto) {
  onnx::ShapeInferenceOptions options(/*check_type_val=*/false,
                                      /*strict_mode_val=*/0,
                                      /*data_prop_val=*/true);
  BoundedRegistry registry;
  try {
    onnx::shape_inference::InferShapes(proto, &registry, options);
  } catch (const std::exception &e) {
    // What cannot be inferred is found out during the import.
    LDBG() << e.what();
  }
}
