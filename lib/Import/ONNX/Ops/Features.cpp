//===- Features.cpp - Numbers of features in ai.onnx.ml -------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "../Checks.h"
#include "../ScalarCode.h"
#include "Families.h"

#include <cmath>

using namespace mlir;
using namespace fovea::frontend;

/// The columns of the last axis that are listed.
static LogicalResult importArrayFeatureExtractor(NodeImporter &node) {
  TensorBuilder &b = node.b();
  Value x = node.input(0), columns = node.input(1);
  if (b.rank(x) == 0)
    return node.fail("the input has no features");
  if (b.rank(x) == 1)
    x = b.unsqueeze(x, {0});
  OpFoldResult count = b.product(b.shape(columns));
  columns = b.reshape(columns, {count});
  Dims shape = b.shape(x);
  OpFoldResult features = shape.back();
  shape.back() = count;
  if (failed(requireElements(node, features, shape, "features")))
    return failure();
  Value size = b.toValue(features);
  Value result = b.generate(
      shape, b.elementType(x), [&](TensorBuilder &inner, ValueRange at) {
        ScalarCode s(inner);
        SmallVector<Value> from(at);
        from.back() = s.wrapIndex(s.extract(columns, at.back()), size);
        return s.extract(x, from);
      });
  return node.bindOutput(0, result, node.dtype(0));
}

static LogicalResult importBinarizer(NodeImporter &node) {
  TensorBuilder &b = node.b();
  Type type = b.elementType(node.input(0));
  double threshold = node.attrFloat("threshold", 0);
  return node.bindOutput(
      0,
      b.elementwise({node.input(0)}, type,
                    [&](TensorBuilder &inner, ValueRange args) {
                      ScalarCode s(inner);
                      // Integers are compared with the number as it is.
                      Type compute = isa<FloatType>(type)
                                         ? type
                                         : Type(inner.getF64Type());
                      Value above = s.lt(s.constant(compute, threshold),
                                         s.convert(args[0], compute));
                      return s.select(above, s.constant(type, 1),
                                      s.constant(type, 0));
                    }),
      node.dtype(0));
}

/// A float list attribute as a tensor<1xf32> or one value per feature.
static FailureOr<Value> readPerFeature(NodeImporter &node, StringRef name,
                                       double otherwise) {
  TensorBuilder &b = node.b();
  SmallVector<double> given =
      node.attrFloats(name).value_or(SmallVector<double>{otherwise});
  auto count = static_cast<int64_t>(given.size());
  if (count != 1 &&
      (node.rank(0) == 0 ||
       failed(requireEqual(node, b.attr(count),
                           b.dim(node.input(0), node.rank(0) - 1), name))))
    return failure();
  SmallVector<float> values(given.begin(), given.end());
  ArrayRef<char> bytes(reinterpret_cast<const char *>(values.data()),
                       values.size() * sizeof(float));
  return b.constant(RankedTensorType::get({count}, b.getF32Type()), bytes);
}

/// (x - offset) * scale
static LogicalResult importScaler(NodeImporter &node) {
  TensorBuilder &b = node.b();
  auto offset = readPerFeature(node, "offset", 0),
       scale = readPerFeature(node, "scale", 1);
  if (failed(offset) || failed(scale))
    return failure();
  Type f32 = b.getF32Type();
  auto result = b.elementwise(
      {node.input(0), *offset, *scale}, f32,
      [&](TensorBuilder &inner, ValueRange args) {
        ScalarCode s(inner);
        return s.mul(s.sub(s.convert(args[0], f32), args[1]), args[2]);
      });
  return node.bindOutput(0, result, onnx::TensorProto::FLOAT);
}

/// Rows divided by their norm.
static LogicalResult importNormalizer(NodeImporter &node) {
  TensorBuilder &b = node.b();
  std::string norm = node.attrString("norm", "MAX");
  if (norm != "MAX" && norm != "L1" && norm != "L2")
    return node.fail("unknown norm '" + Twine(norm) + "'");
  Type f32 = b.getF32Type();
  Value x = node.input(0);
  if (b.rank(x) == 0)
    return node.fail("the input has no features");
  Value sum = b.reduce(x, {b.rank(x) - 1}, /*keepDims=*/true, b.scalar(f32, 0),
                       [&](TensorBuilder &inner, ValueRange args) {
                         ScalarCode s(inner);
                         Value value = s.convert(args[0], f32);
                         if (norm == "L2")
                           return s.add(args[1], s.mul(value, value));
                         Value size = s.abs(value);
                         return norm == "L1" ? s.add(args[1], size)
                                             : s.max(args[1], size);
                       });
  auto result =
      b.elementwise({x, sum}, f32, [&](TensorBuilder &inner, ValueRange args) {
        ScalarCode s(inner);
        Value divisor = args[1];
        if (norm == "L2")
          divisor = inner.createOrFold<math::SqrtOp>(divisor);
        // A row of zeros stays one.
        divisor = s.max(divisor, s.constant(f32, 1e-30));
        return s.div(s.convert(args[0], f32), divisor);
      });
  return node.bindOutput(0, result, onnx::TensorProto::FLOAT);
}

/// Puts other values where one is that stands for a missing one.
static LogicalResult importImputer(NodeImporter &node) {
  TensorBuilder &b = node.b();
  Type type = b.elementType(node.input(0));
  if (!type.isF32())
    return node.fail("only float32 is supported");
  auto values = readPerFeature(node, "imputed_value_floats", 0);
  if (failed(values))
    return failure();
  double missing = node.attrFloat("replaced_value_float", 0);
  auto result =
      b.elementwise({node.input(0), *values}, type,
                    [&](TensorBuilder &inner, ValueRange args) {
                      ScalarCode s(inner);
                      Value isMissing =
                          std::isnan(missing)
                              ? s.isNaN(args[0])
                              : s.eq(args[0], s.constant(type, missing));
                      return s.select(isMissing, args[1], args[0]);
                    });
  return node.bindOutput(0, result, node.dtype(0));
}

/// x . coefficients of each target + intercepts
static LogicalResult importLinearRegressor(NodeImporter &node) {
  TensorBuilder &b = node.b();
  Type f32 = b.getF32Type();
  int64_t targets = node.attrInt("targets", 1);
  auto coefficients = node.attrFloats("coefficients"),
       intercepts = node.attrFloats("intercepts");
  if (node.attrString("post_transform", "NONE") != "NONE")
    return node.fail("a post_transform is not supported");
  if (failed(requireRank(node, 0, 2)))
    return failure();
  if (targets < 1 || !coefficients || coefficients->size() % targets != 0 ||
      (intercepts && int64_t(intercepts->size()) != targets))
    return node.fail("coefficients or intercepts do not fit the targets");
  int64_t features = int64_t(coefficients->size()) / targets;
  if (failed(requireEqual(node, b.dim(node.input(0), 1), b.attr(features),
                          "features")))
    return failure();
  auto tensor = [&](ArrayRef<double> numbers, ArrayRef<int64_t> shape) {
    SmallVector<float> values(numbers.begin(), numbers.end());
    ArrayRef<char> bytes(reinterpret_cast<const char *>(values.data()),
                         values.size() * sizeof(float));
    return b.constant(RankedTensorType::get(shape, f32), bytes);
  };
  auto x = b.castTo(node.input(0), f32, node.isUnsigned(0));
  if (failed(x))
    return failure();
  AffineExpr m, k, n;
  bindDims(b.getContext(), m, k, n);
  auto map = [&](AffineExpr p, AffineExpr q) {
    return AffineMap::get(3, 0, {p, q}, b.getContext());
  };
  FailureOr<Value> result = b.contract(
      {*x, tensor(*coefficients, {targets, features})}, {map(m, n), map(k, n)},
      map(m, k), {b.dim(*x, 0), b.attr(targets), b.attr(features)});
  if (intercepts)
    result = b.elementwise({*result, tensor(*intercepts, {targets})}, f32,
                           [](TensorBuilder &inner, ValueRange args) {
                             return ScalarCode(inner).add(args[0], args[1]);
                           });
  return node.bindOutput(0, result, onnx::TensorProto::FLOAT);
}

void fovea::frontend::registerFeaturesOps(OpRegistry &registry) {
  constexpr StringRef domain = "ai.onnx.ml";
  registry.add("ArrayFeatureExtractor", importArrayFeatureExtractor, domain);
  registry.add("Binarizer", importBinarizer, domain);
  registry.add("Scaler", importScaler, domain);
  registry.add("Normalizer", importNormalizer, domain);
  registry.add("Imputer", importImputer, domain);
  registry.add("LinearRegressor", importLinearRegressor, domain);
}
