//===- Normalization.cpp - Contrib normalisations -------------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "../Normalization.h"
#include "../../Checks.h"
#include "../Arith.h"
#include "../Families.h"
#include "Contrib.h"

#include "onnx/defs/shape_inference.h"

using namespace mlir;
using namespace fovea::frontend;

/// Statistics of rows and what is made of them, with or without a mean. The
/// result has the type of the scale.
static LogicalResult normalizeRows(NodeImporter &n, Value x, int64_t axis,
                                   bool centers, Value scale, Value bias,
                                   double epsilon, size_t meanOutput,
                                   size_t inverseOutput) {
  TensorBuilder &b = n.b();
  Type type = b.elementType(scale), stat = element::mathType(b.elementType(x));
  auto wide = b.castTo(x, stat);
  if (failed(wide))
    return failure();
  x = *wide;
  SmallVector<int64_t> axes =
      llvm::to_vector(llvm::seq<int64_t>(axis, b.rank(x)));
  Value mean = centers ? meanOf(b, x, axes, stat) : Value();
  auto inverse = inverseDeviation(b, x, mean, axes, epsilon, stat);
  if (failed(inverse))
    return failure();
  auto result = applyNorm(b, x, mean, *inverse, scale, bias, stat);
  if (failed(result) || failed(n.bindOutput(0, b.castTo(*result, type))))
    return failure();
  if (mean && failed(n.bindOutput(meanOutput, mean)))
    return failure();
  return n.bindOutput(inverseOutput, *inverse);
}

/// x has rank 3 (or 2); `other` has its shape but for leading dimensions that
/// are 1 or absent.
static LogicalResult requireSkipShape(NodeImporter &n, Value x, Value other) {
  TensorBuilder &b = n.b();
  int64_t offset = b.rank(x) - b.rank(other);
  if (offset < 0 || b.rank(other) < 2)
    return n.fail("the skip has to have the shape of the input");
  for (int64_t i = 0; i < b.rank(other); ++i) {
    OpFoldResult size = b.dim(other, i);
    if (i + offset == 0 && getConstantIntValue(size) == 1)
      continue;
    if (failed(requireEqual(n, size, b.dim(x, i + offset), "skip")))
      return failure();
  }
  return success();
}

static LogicalResult requireVector(NodeImporter &n, size_t i,
                                   OpFoldResult size) {
  if (!n.input(i))
    return success();
  if (failed(requireRank(n, i, 1)))
    return failure();
  return requireEqual(n, n.b().dim(n.input(i), 0), size,
                      "input " + Twine(i) + " and the hidden size");
}

/// The normalisation of input + skip (+ bias), which is a result, too.
static LogicalResult importSkipNorm(NodeImporter &n, bool centers) {
  TensorBuilder &b = n.b();
  Value beta = centers ? n.input(3) : Value();
  Value bias = n.input(centers ? 4 : 3);
  Value x = n.input(0), skip = n.input(1);
  if (n.rank(0) != 2 && n.rank(0) != 3)
    return n.fail("the input needs two or three dimensions");
  if (failed(requireSkipShape(n, x, skip)))
    return failure();
  OpFoldResult hidden = b.dim(x, n.rank(0) - 1);
  for (size_t i = 2; i < n.numInputs(); ++i)
    if (failed(requireVector(n, i, hidden)))
      return failure();
  Type type = b.elementType(x), compute = element::mathType(type);
  SmallVector<Value> inputs = {x, skip};
  if (bias)
    inputs.push_back(bias);
  auto sum =
      b.elementwise(inputs, compute, [&](TensorBuilder &b, ValueRange args) {
        Value total = b.castScalar(args[0], compute);
        for (Value other : args.drop_front())
          total = element::add(b, total, b.castScalar(other, compute));
        return total;
      });
  if (failed(sum) || failed(n.bindOutput(3, b.castTo(*sum, type), n.dtype(0))))
    return failure();
  return normalizeRows(n, *sum, n.rank(0) - 1, centers, n.input(2), beta,
                       n.attrFloat("epsilon", 1e-12f), 1, 2);
}

static LogicalResult importSkipLayerNorm(NodeImporter &n) {
  return importSkipNorm(n, /*centers=*/true);
}

static LogicalResult importSkipRMSNorm(NodeImporter &n) {
  return importSkipNorm(n, /*centers=*/false);
}

/// RMS normalisation under the name it had before ONNX had one.
static LogicalResult importSimplifiedLayerNorm(NodeImporter &n) {
  TensorBuilder &b = n.b();
  auto axis = n.attrAxis("axis", -1, n.rank(0));
  if (failed(axis))
    return failure();
  if (n.attrInt("stash_type", 1) != onnx::TensorProto::FLOAT &&
      n.dtype(0) != onnx::TensorProto::DOUBLE)
    return n.fail("stash_type has to be 1 (float)");
  if (n.rank(1) > n.rank(0) - *axis)
    return n.fail("the scale has more dimensions than are normalised");
  for (int64_t i = 0; i < n.rank(1); ++i)
    if (failed(requireEqual(n, b.dim(n.input(1), i),
                            b.dim(n.input(0), n.rank(0) - n.rank(1) + i),
                            "scale")))
      return failure();
  return normalizeRows(n, n.input(0), *axis, /*centers=*/false, n.input(1), {},
                       n.attrFloat("epsilon", 1e-5f), 0, 1);
}

//===----------------------------------------------------------------------===//
// Inference
//===----------------------------------------------------------------------===//

static void inferStatistics(onnx::InferenceContext &context, size_t first,
                            size_t last) {
  for (size_t i = first; i <= last && i < context.getNumOutputs(); ++i)
    onnx::updateOutputElemType(context, i, onnx::TensorProto::FLOAT);
}

static void inferSkipNorm(onnx::InferenceContext &context) {
  onnx::propagateShapeAndTypeFromFirstInput(context);
  inferStatistics(context, 1, 2);
  if (context.getNumOutputs() > 3) {
    onnx::propagateElemTypeFromInputToOutput(context, 0, 3);
    onnx::propagateShapeFromInputToOutput(context, 0, 3);
  }
}

static void inferSimplified(onnx::InferenceContext &context) {
  onnx::propagateElemTypeFromInputToOutput(context, 1, 0);
  onnx::propagateShapeFromInputToOutput(context, 0, 0);
}

void fovea::frontend::registerContribNormalizationOps(OpRegistry &registry) {
  auto skipNorm = [&](const char *name, bool centers, Handler handler) {
    ContribSchema schema(name);
    schema.input("input").input("skip").input("gamma");
    if (centers)
      schema.optional("beta");
    schema.optional("bias")
        .output("output")
        .optionalOutput("mean", "U")
        .optionalOutput("inv_std_var", "U")
        .optionalOutput("input_skip_bias_sum")
        .types("U", {"tensor(float)"})
        .floats({"epsilon"})
        .infer(inferSkipNorm)
        .define(registry, handler);
  };
  skipNorm("SkipLayerNormalization", true, importSkipLayerNorm);
  skipNorm("SkipSimplifiedLayerNormalization", false, importSkipRMSNorm);
  // Exporters write this one into the domain of ONNX itself.
  const std::vector<std::string> floats = {
      "tensor(float)", "tensor(float16)", "tensor(bfloat16)", "tensor(double)"};
  for (const char *domain : {"", contribDomain})
    ContribSchema("SimplifiedLayerNormalization", domain)
        .input("X")
        .input("scale", "V")
        .output("Y", "V")
        .optionalOutput("inv_std_var", "U")
        .types("V", floats)
        .types("U", {"tensor(float)", "tensor(double)"})
        .ints({"axis", "stash_type"})
        .floats({"epsilon"})
        .infer(inferSimplified)
        .define(registry, importSimplifiedLayerNorm);
  // Optimisers wrote LayerNormalization before opset 17 defined it.
  ContribSchema("LayerNormalization", "")
      .input("X")
      .input("Scale", "V")
      .optional("B", "V")
      .output("Y", "V")
      .optionalOutput("Mean", "U")
      .optionalOutput("InvStdDev", "U")
      .types("V", floats)
      .types("U", {"tensor(float)"})
      .ints({"axis", "stash_type"})
      .floats({"epsilon"})
      .infer(inferSkipNorm)
      .define(registry, nullptr);
}
