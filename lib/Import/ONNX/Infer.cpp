//===- Infer.cpp - ONNX type inference of one node ------------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Importer.h"
#include "StoredTypes.h"
#include "Types.h"

#include "onnx/defs/schema.h"
#include "onnx/defs/shape_inference.h"

#include "mlir/IR/Matchers.h"

#include "llvm/Support/DebugLog.h"

#define DEBUG_TYPE "fovea-import"

using namespace mlir;
using namespace fovea::frontend;

/// Constant inputs up to this size are shown to the inference functions.
static constexpr int64_t maxInferenceElements = 1024;

namespace {

/// What ONNX's inference function of one operator sees: the types of the values
/// as imported, which know more than the file does.
class NodeInference final : public onnx::InferenceContext {
public:
  NodeInference(NodeImporter &node, std::vector<onnx::TypeProto> &outputs)
      : node(node), outputs(outputs) {
    inputs.resize(node.numInputs());
    data.resize(node.numInputs());
    symbols.resize(node.numInputs());
    for (size_t i = 0; i < node.numInputs(); ++i) {
      if (!node.input(i))
        continue;
      inputs[i] = typeProtoFor(node.inputType(i), node.dtype(i));
      readData(i);
    }
  }

  const onnx::AttributeProto *
  getAttribute(const std::string &name) const override {
    return node.attr(name);
  }
  size_t getNumInputs() const override { return inputs.size(); }
  const onnx::TypeProto *getInputType(size_t i) const override {
    return hasInput(i) ? &inputs[i] : nullptr;
  }
  bool hasInput(size_t i) const override {
    return i < inputs.size() && node.input(i);
  }
  const onnx::TensorProto *getInputData(size_t i) const override {
    return hasInput(i) && data[i].data_type() ? &data[i] : nullptr;
  }
  const onnx::TensorShapeProto *getSymbolicInput(size_t i) const override {
    return hasInput(i) && symbols[i].dim_size() ? &symbols[i] : nullptr;
  }
  const onnx::SparseTensorProto *getInputSparseData(size_t) const override {
    return nullptr;
  }
  size_t getNumOutputs() const override { return outputs.size(); }
  onnx::TypeProto *getOutputType(size_t i) override {
    return i < outputs.size() ? &outputs[i] : nullptr;
  }
  onnx::GraphInferencer *
  getGraphAttributeInferencer(const std::string &) override {
    return nullptr;
  }

private:
  void readData(size_t i) {
    RankedTensorType type = node.inputType(i);
    if (!type.hasStaticShape() ||
        type.getNumElements() > maxInferenceElements ||
        isStoredType(node.dtype(i)))
      return;
    TensorBuilder &b = node.b();
    if (auto ints = b.constantInts(node.input(i))) {
      onnx::TensorProto &tensor = startData(i, type);
      bool wide = node.dtype(i) == onnx::TensorProto::INT64;
      for (int64_t value : *ints) {
        if (wide)
          tensor.add_int64_data(value);
        else
          tensor.add_int32_data(int32_t(value));
      }
      return;
    }
    if (auto floats = b.constantFloats(node.input(i))) {
      if (node.dtype(i) != onnx::TensorProto::FLOAT)
        return;
      onnx::TensorProto &tensor = startData(i, type);
      for (double value : *floats)
        tensor.add_float_data(float(value));
      return;
    }
    if (type.getRank() != 1 || !type.getElementType().isInteger(64))
      return;
    auto elements = b.scalars(node.input(i));
    if (!elements)
      return;
    for (Value element : *elements) {
      auto *dim = symbols[i].add_dim();
      APInt constant;
      if (matchPattern(element, m_ConstantInt(&constant)))
        dim->set_dim_value(constant.getSExtValue());
    }
  }

  onnx::TensorProto &startData(size_t i, RankedTensorType type) {
    data[i].set_data_type(node.dtype(i));
    for (int64_t size : type.getShape())
      data[i].add_dims(size);
    return data[i];
  }

  NodeImporter &node;
  std::vector<onnx::TypeProto> &outputs;
  std::vector<onnx::TypeProto> inputs;
  std::vector<onnx::TensorProto> data;
  std::vector<onnx::TensorShapeProto> symbols;
};

} // namespace

void NodeImporter::infer() {
  if (didInfer)
    return;
  didInfer = true;
  outputTypes.resize(proto.output_size());
  const onnx::OpSchema *schema = onnx::OpSchemaRegistry::Schema(
      proto.op_type(), int(version), proto.domain());
  if (!schema || !schema->has_type_and_shape_inference_function())
    return;
  try {
    NodeInference context(*this, outputTypes);
    schema->GetTypeAndShapeInferenceFunction()(context);
  } catch (const std::exception &e) {
    // What is wrong with the node is for its handler to say.
    LDBG() << e.what();
  }
}
