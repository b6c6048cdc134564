//===- Normalization.cpp - ONNX normalisations ----------------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Normalization.h"
#include "Arith.h"
#include "Families.h"

#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace fovea::frontend;
using namespace fovea::frontend::element;

//===----------------------------------------------------------------------===//
// Statistics
//===----------------------------------------------------------------------===//

static SmallVector<int64_t> axesFrom(int64_t first, int64_t rank) {
  return llvm::to_vector(llvm::seq<int64_t>(first, rank));
}

Value fovea::frontend::meanOf(TensorBuilder &b, Value input,
                              ArrayRef<int64_t> axes, Type type) {
  Value sum = b.reduce(input, axes, /*keepDims=*/false, b.scalar(type, 0),
                       [&](TensorBuilder &b, ValueRange args) {
                         return add(b, args[1], b.castScalar(args[0], type));
                       });
  Value count = b.countAlong(input, axes, type);
  Value mean =
      *b.elementwise({sum}, type, [&](TensorBuilder &b, ValueRange args) {
        return element::div(b, args[0], count);
      });
  return b.unsqueeze(mean, axes);
}

/// mean((x - center)^2) over `axes`, which are dropped; a null center is 0.
static FailureOr<Value> varianceOf(TensorBuilder &b, Value input, Value center,
                                   ArrayRef<int64_t> axes, Type type) {
  auto squares = b.elementwise(center ? SmallVector<Value>{input, center}
                                      : SmallVector<Value>{input},
                               type, [&](TensorBuilder &b, ValueRange args) {
                                 Value x = b.castScalar(args[0], type);
                                 if (center)
                                   x = element::sub(b, x, args[1]);
                                 return mul(b, x, x);
                               });
  if (failed(squares))
    return failure();
  // Statistics are computed without the dimensions of size 1 they end with.
  return b.squeeze(meanOf(b, *squares, axes, type), axes);
}

/// 1 / sqrt(variance + epsilon)
static FailureOr<Value> inverseRoot(TensorBuilder &b, Value variance,
                                    double epsilon, Type type) {
  return b.elementwise(
      {variance}, type, [&](TensorBuilder &b, ValueRange args) {
        Value shifted =
            add(b, b.castScalar(args[0], type), b.scalar(type, epsilon));
        Value root = b.createOrFold<math::SqrtOp>(shifted);
        return element::div(b, b.scalar(type, 1), root);
      });
}

FailureOr<Value> fovea::frontend::inverseDeviation(TensorBuilder &b,
                                                   Value input, Value center,
                                                   ArrayRef<int64_t> axes,
                                                   double epsilon, Type type) {
  auto variance = varianceOf(b, input, center, axes, type);
  if (failed(variance))
    return failure();
  auto inverse = inverseRoot(b, *variance, epsilon, type);
  if (failed(inverse))
    return failure();
  return b.unsqueeze(*inverse, axes);
}

FailureOr<Value> fovea::frontend::applyNorm(TensorBuilder &b, Value input,
                                            Value mean, Value inverse,
                                            Value scale, Value bias,
                                            Type compute) {
  SmallVector<Value> inputs = {input, inverse};
  for (Value part : {mean, scale, bias})
    if (part)
      inputs.push_back(part);
  Type type = b.elementType(input);
  return b.elementwise(inputs, type, [&](TensorBuilder &b, ValueRange args) {
    size_t next = 2;
    auto take = [&] { return b.castScalar(args[next++], compute); };
    Value x = b.castScalar(args[0], compute);
    if (mean)
      x = element::sub(b, x, take());
    x = mul(b, x, b.castScalar(args[1], compute));
    if (scale)
      x = mul(b, x, take());
    if (bias)
      x = add(b, x, take());
    return b.castScalar(x, type);
  });
}

//===----------------------------------------------------------------------===//
// Over the last dimensions
//===----------------------------------------------------------------------===//

static LogicalResult importLayerNorm(NodeImporter &n) {
  TensorBuilder &b = n.b();
  auto axis = n.attrAxis("axis", -1, n.rank(0));
  if (failed(axis))
    return failure();
  double epsilon = n.attrFloat("epsilon", 1e-5f);
  Type stat = mathType(b.elementType(n.input(0)));
  SmallVector<int64_t> axes = axesFrom(*axis, n.rank(0));
  Value mean = meanOf(b, n.input(0), axes, stat);
  auto inverse = inverseDeviation(b, n.input(0), mean, axes, epsilon, stat);
  if (failed(inverse))
    return failure();
  auto result =
      applyNorm(b, n.input(0), mean, *inverse, n.input(1), n.input(2), stat);
  if (failed(n.bindOutput(0, result, n.dtype(0))))
    return failure();
  // The statistics have the type that ONNX declares for them.
  const Value statistics[] = {mean, *inverse};
  for (auto [i, value] : llvm::enumerate(statistics)) {
    if (!n.wantsOutput(i + 1))
      continue;
    Type type = n.outputElementType(i + 1);
    if (failed(n.bindOutput(i + 1, b.castTo(value, type ? type : stat))))
      return failure();
  }
  return success();
}

static LogicalResult importRMSNorm(NodeImporter &n) {
  TensorBuilder &b = n.b();
  auto axis = n.attrAxis("axis", -1, n.rank(0));
  if (failed(axis))
    return failure();
  Type stat = mathType(b.elementType(n.input(0)));
  auto inverse = inverseDeviation(b, n.input(0), {}, axesFrom(*axis, n.rank(0)),
                                  n.attrFloat("epsilon", 1e-5f), stat);
  if (failed(inverse))
    return failure();
  return n.bindOutput(
      0, applyNorm(b, n.input(0), {}, *inverse, n.input(1), {}, stat),
      n.dtype(0));
}

//===----------------------------------------------------------------------===//
// Over channels
//===----------------------------------------------------------------------===//

/// A vector of channel values as [C, 1, ..]: right-aligned with NC...
static Value perChannel(TensorBuilder &b, Value vector, int64_t rank) {
  if (!vector)
    return vector;
  SmallVector<int64_t> axes;
  for (int64_t i = 1; i < rank - 1; ++i)
    axes.push_back(i);
  return axes.empty() ? vector : b.unsqueeze(vector, axes);
}

/// old * momentum + measured * (1 - momentum)
static LogicalResult bindRunning(NodeImporter &n, size_t output, size_t old,
                                 Value measured) {
  TensorBuilder &b = n.b();
  double momentum = n.attrFloat("momentum", 0.9f);
  Type type = b.elementType(n.input(old)), stat = b.elementType(measured);
  auto result = b.elementwise(
      {n.input(old), measured}, type, [&](TensorBuilder &b, ValueRange args) {
        Value kept =
            mul(b, b.castScalar(args[0], stat), b.scalar(stat, momentum));
        Value added = mul(b, args[1], b.scalar(stat, 1 - momentum));
        return b.castScalar(add(b, kept, added), type);
      });
  return n.bindOutput(output, result, n.dtype(old));
}

static LogicalResult importBatchNorm(NodeImporter &n) {
  TensorBuilder &b = n.b();
  bool isTraining = n.attrInt("training_mode", 0) != 0;
  if (n.wantsOutput(1) && !isTraining)
    return n.fail("running statistics are only supported with training_mode, "
                  "since opset 14");
  int64_t rank = n.rank(0);
  if (rank < 2)
    return n.fail("the input needs a batch and a channel dimension");
  double epsilon = n.attrFloat("epsilon", 1e-5f);
  Type stat = mathType(b.elementType(n.input(0)));
  Value mean = n.input(3), variance = n.input(4);
  if (isTraining) {
    SmallVector<int64_t> axes = axesFrom(2, rank);
    axes.insert(axes.begin(), 0);
    Value center = meanOf(b, n.input(0), axes, stat);
    auto measured = varianceOf(b, n.input(0), center, axes, stat);
    if (failed(measured))
      return failure();
    mean = b.squeeze(center, axes);
    variance = *measured;
    if (failed(bindRunning(n, 1, 3, mean)) ||
        failed(bindRunning(n, 2, 4, variance)))
      return failure();
  }
  // The factors of each channel are constants in nearly every model.
  auto inverse = inverseRoot(b, variance, epsilon, stat);
  if (failed(inverse))
    return failure();
  return n.bindOutput(0,
                      applyNorm(b, n.input(0), perChannel(b, mean, rank),
                                perChannel(b, *inverse, rank),
                                perChannel(b, n.input(1), rank),
                                perChannel(b, n.input(2), rank), stat),
                      n.dtype(0));
}

/// Normalises [N, G, C/G, ..] over everything behind G and applies per-channel
/// (or, in opset 18, per-group) scale and bias.
static LogicalResult importGroups(NodeImporter &n, OpFoldResult groups,
                                  bool perGroup) {
  TensorBuilder &b = n.b();
  Value input = n.input(0);
  Dims dims = b.shape(input);
  if (dims.size() < 3)
    return n.fail("needs an input of at least three dimensions");
  auto channels = getConstantIntValue(dims[1]);
  auto count = getConstantIntValue(groups);
  if (count && (*count <= 0 || (channels && *channels % *count != 0)))
    return n.fail("the channels do not divide into groups");
  Type stat = mathType(b.elementType(input));
  OpFoldResult inGroup = b.div(dims[1], groups);
  Dims split = {dims[0], groups, inGroup};
  split.append(dims.begin() + 2, dims.end());
  Value grouped = b.reshape(input, split);
  SmallVector<int64_t> axes = axesFrom(2, split.size());
  Value mean = meanOf(b, grouped, axes, stat);
  auto inverse = inverseDeviation(b, grouped, mean, axes,
                                  n.attrFloat("epsilon", 1e-5f), stat);
  if (failed(inverse))
    return failure();
  auto expand = [&](Value vector) {
    Dims to = {groups, perGroup ? b.attr(1) : inGroup};
    to.append(dims.size() - 2, b.attr(1));
    return b.reshape(vector, to);
  };
  auto result = applyNorm(b, grouped, mean, *inverse, expand(n.input(1)),
                          expand(n.input(2)), stat);
  if (failed(result))
    return failure();
  return n.bindOutput(0, b.reshape(*result, dims), n.dtype(0));
}

static LogicalResult importInstanceNorm(NodeImporter &n) {
  return importGroups(n, n.b().dim(n.input(0), 1), /*perGroup=*/false);
}

static LogicalResult importGroupNorm(NodeImporter &n) {
  OpFoldResult groups = n.b().attr(n.attrInt("num_groups", 0));
  return importGroups(n, groups, /*perGroup=*/n.opset() < 21);
}

static LogicalResult importLpNorm(NodeImporter &n) {
  TensorBuilder &b = n.b();
  auto axis = n.attrAxis("axis", -1, n.rank(0));
  if (failed(axis))
    return failure();
  bool squares = n.attrInt("p", 2) == 2;
  Type type = b.elementType(n.input(0)), stat = mathType(type);
  Value sum =
      b.reduce(n.input(0), {*axis}, /*keepDims=*/true, b.scalar(stat, 0),
               [&](TensorBuilder &b, ValueRange args) {
                 Value x = b.castScalar(args[0], stat);
                 x = squares ? mul(b, x, x) : element::abs(b, x);
                 return add(b, args[1], x);
               });
  auto result = b.elementwise(
      {n.input(0), sum}, type, [&](TensorBuilder &b, ValueRange args) {
        Value norm = squares ? b.createOrFold<math::SqrtOp>(args[1]) : args[1];
        // A row of zeros stays as it is.
        Value isZero = compare(b, Relation::Equal, norm, b.scalar(stat, 0));
        Value divisor = element::select(b, isZero, b.scalar(stat, 1), norm);
        Value x = element::div(b, b.castScalar(args[0], stat), divisor);
        return b.castScalar(x, type);
      });
  return n.bindOutput(0, result, n.dtype(0));
}

void fovea::frontend::registerNormalizationOps(OpRegistry &registry) {
  registry.add("LayerNormalization", importLayerNorm);
  registry.add("RMSNormalization", importRMSNorm);
  registry.add("BatchNormalization", importBatchNorm);
  registry.add("InstanceNormalization", importInstanceNorm);
  registry.add("GroupNormalization", importGroupNorm);
  registry.add("LpNormalization", importLpNorm);
}
