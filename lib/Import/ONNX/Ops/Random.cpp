//===- Random.cpp - Random numbers and what draws from them ---------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "../Random.h"
#include "../Checks.h"
#include "../StoredTypes.h"
#include "../Types.h"
#include "Families.h"

using namespace mlir;
using namespace fovea::frontend;

//===----------------------------------------------------------------------===//
// Uniform and normal
//===----------------------------------------------------------------------===//

/// A model asking for more than this is broken.
static constexpr int64_t maxElements = int64_t(1) << 32;

static LogicalResult importRandom(NodeImporter &node, bool isNormal,
                                  const Dims &shape, int32_t dtype) {
  TensorBuilder &b = node.b();
  auto type =
      dyn_cast_or_null<FloatType>(elementTypeFor(dtype, b.getContext()));
  if (!type || type.getWidth() < 16)
    return node.fail("random numbers of type " + dtypeName(dtype) +
                     " are not supported");
  // value * factor + offset
  double offset, factor;
  if (isNormal) {
    offset = node.attrFloat("mean", 0);
    factor = node.attrFloat("scale", 1);
  } else {
    offset = node.attrFloat("low", 0);
    factor = node.attrFloat("high", 1) - offset;
  }
  Random random(node);
  SmallVector<Value> sizes;
  for (OpFoldResult size : shape)
    sizes.push_back(b.toValue(size));
  Value result =
      b.generate(shape, type, [&](TensorBuilder &inner, ValueRange at) {
        ScalarCode s(inner);
        Value position = Random::flatten(s, at, sizes);
        Value value = isNormal ? random.normal(s, position, type)
                               : random.uniform(s, position, type);
        return s.add(s.mul(value, s.constant(type, factor)),
                     s.constant(type, offset));
      });
  return node.bindOutput(0, result, dtype);
}

template <bool isNormal>
static LogicalResult importRandomShape(NodeImporter &node) {
  Dims shape;
  int64_t count = 1;
  for (int64_t size : node.attrInts("shape").value_or(SmallVector<int64_t>())) {
    if (size < 0 || llvm::MulOverflow(count, size, count) ||
        count > maxElements)
      return node.fail("a size is negative or absurd");
    shape.push_back(node.b().attr(size));
  }
  return importRandom(
      node, isNormal, shape,
      static_cast<int32_t>(node.attrInt("dtype", onnx::TensorProto::FLOAT)));
}

template <bool isNormal>
static LogicalResult importRandomLike(NodeImporter &node) {
  return importRandom(
      node, isNormal, node.b().shape(node.input(0)),
      static_cast<int32_t>(node.attrInt("dtype", node.dtype(0))));
}

//===----------------------------------------------------------------------===//
// Bernoulli
//===----------------------------------------------------------------------===//

/// 1 with the probability that the input says. (ONNX's function body compares
/// the other way around, and draws the complement.)
static LogicalResult importBernoulli(NodeImporter &node) {
  TensorBuilder &b = node.b();
  Value odds = node.input(0);
  auto dtype = static_cast<int32_t>(node.attrInt("dtype", node.dtype(0)));
  Type type = elementTypeFor(dtype, b.getContext()),
       compute = accumulatorType(b.elementType(odds));
  if (!type || isStoredType(dtype))
    return node.fail("the type " + dtypeName(dtype) + " is not supported");
  Random random(node);
  SmallVector<Value> sizes = ScalarCode(b).dims(odds);
  Value result =
      b.generate(b.shape(odds), type, [&](TensorBuilder &inner, ValueRange at) {
        ScalarCode s(inner);
        Value place = random.uniform(s, Random::flatten(s, at, sizes), compute);
        Value isOne = s.lt(place, s.convert(s.extract(odds, at), compute));
        return inner.castScalar(isOne, type);
      });
  return node.bindOutput(0, result, dtype);
}

//===----------------------------------------------------------------------===//
// Multinomial
//===----------------------------------------------------------------------===//

/// Draws classes by their logarithmic odds: the class at which the sum of all
/// before it passes a random part of the whole.
static LogicalResult importMultinomial(NodeImporter &node) {
  TensorBuilder &b = node.b();
  int64_t samples = node.attrInt("sample_size", 1);
  auto dtype =
      static_cast<int32_t>(node.attrInt("dtype", onnx::TensorProto::INT32));
  Type type = elementTypeFor(dtype, b.getContext());
  if (failed(requireRank(node, 0, 2)))
    return failure();
  if (samples < 0 || samples > maxElements ||
      !isa_and_nonnull<IntegerType>(type) || isStoredType(dtype))
    return node.fail("sample_size or dtype is not valid");
  Value odds = node.input(0);
  Type compute = accumulatorType(b.elementType(odds));
  OpFoldResult batch = b.dim(odds, 0), count = b.dim(odds, 1);
  if (failed(requireElements(node, count, {batch, b.attr(samples)}, "classes")))
    return failure();
  Value lowest = ScalarCode(b).limit(compute, /*largest=*/false);
  Value largest = b.reduce(odds, {1}, /*keepDims=*/true, lowest,
                           [&](TensorBuilder &inner, ValueRange args) {
                             ScalarCode s(inner);
                             return s.max(args[1], s.convert(args[0], compute));
                           });
  auto weights = b.elementwise(
      {odds, largest}, compute, [&](TensorBuilder &inner, ValueRange args) {
        ScalarCode s(inner);
        return inner.createOrFold<math::ExpOp>(
            s.sub(s.convert(args[0], compute), args[1]));
      });
  if (failed(weights))
    return failure();
  Value totals =
      b.reduce(*weights, {1}, /*keepDims=*/false, b.scalar(compute, 0),
               [](TensorBuilder &inner, ValueRange args) {
                 return ScalarCode(inner).add(args[1], args[0]);
               });
  Random random(node);
  Value classes = b.toValue(count);
  SmallVector<Value> sizes = {b.toValue(batch), b.index(samples)};
  Value result = b.generate(
      {batch, b.attr(samples)}, type, [&](TensorBuilder &inner, ValueRange at) {
        ScalarCode s(inner);
        Value part = random.uniform(s, Random::flatten(s, at, sizes), compute);
        Value target = s.mul(part, s.extract(totals, at[0]));
        Value passed = s.forNest(
            {classes}, {s.constant(compute, 0), s.index(0)},
            [&](ValueRange position, ValueRange carried) {
              Value sum =
                  s.add(carried[0], s.extract(*weights, {at[0], position[0]}));
              Value isBefore = s.le(sum, target);
              return ScalarCode::Values{
                  sum, s.select(isBefore, s.add(carried[1], s.index(1)),
                                carried[1])};
            })[1];
        // Rounding may leave the sum below the total.
        return s.convert(s.min(passed, s.sub(classes, s.index(1))), type);
      });
  return node.bindOutput(0, result, dtype);
}

//===----------------------------------------------------------------------===//
// Dropout
//===----------------------------------------------------------------------===//

/// Drops elements with the probability `ratio` where `training` (i1) holds.
static LogicalResult dropRandomly(NodeImporter &node, Value training) {
  TensorBuilder &b = node.b();
  ScalarCode s(b);
  Value x = node.input(0);
  Type type = b.elementType(x), compute = accumulatorType(type);
  Value ratio = node.input(1)
                    ? s.convert(b.extractScalar(node.input(1)), compute)
                    : s.constant(compute, node.attrFloat("ratio", 0.5));
  Value one = s.constant(compute, 1);
  Value scale = s.select(training, s.div(one, s.sub(one, ratio)), one);
  Value dropped = s.select(training, ratio, s.constant(compute, 0));
  Random random(node);
  SmallVector<Value> sizes = s.dims(x);
  Value mask = b.generate(
      b.shape(x), b.getI1Type(), [&](TensorBuilder &inner, ValueRange at) {
        ScalarCode s(inner);
        return s.le(dropped,
                    random.uniform(s, Random::flatten(s, at, sizes), compute));
      });
  auto result = b.elementwise(
      {x, mask}, type, [&](TensorBuilder &inner, ValueRange args) {
        ScalarCode s(inner);
        Value kept = s.convert(s.mul(s.convert(args[0], compute), scale), type);
        return s.select(args[1], kept, s.constant(type, 0));
      });
  if (failed(node.bindOutput(0, result, node.dtype(0))))
    return failure();
  return node.bindOutput(1, mask, onnx::TensorProto::BOOL);
}

/// In inference, Dropout passes its input on and masks nothing.
static LogicalResult importDropout(NodeImporter &node) {
  TensorBuilder &b = node.b();
  bool isInference = !node.input(2);
  if (auto training = node.constantInts(2))
    isInference = training->front() == 0;
  if (auto ratio =
          node.input(1) ? b.constantFloats(node.input(1)) : std::nullopt)
    isInference |= ratio->front() == 0;
  if (!isInference && isStoredType(node.dtype(0)))
    return node.fail("dropping elements of type " + dtypeName(node.dtype(0)) +
                     " is not supported");
  if (!isInference)
    return dropRandomly(node, b.extractScalar(node.input(2)));
  if (failed(node.bindOutput(0, node.binding(0))) || !node.wantsOutput(1))
    return success();
  Value ones = b.fill(b.scalar(b.getI1Type(), 1), b.shape(node.input(0)));
  return node.bindOutput(1, ones, onnx::TensorProto::BOOL);
}

void fovea::frontend::registerRandomOps(OpRegistry &registry) {
  registry.add("RandomUniform", importRandomShape<false>);
  registry.add("RandomNormal", importRandomShape<true>);
  registry.add("RandomUniformLike", importRandomLike<false>);
  registry.add("RandomNormalLike", importRandomLike<true>);
  registry.add("Bernoulli", importBernoulli);
  registry.add("Multinomial", importMultinomial);
  registry.add("Dropout", importDropout);
}
