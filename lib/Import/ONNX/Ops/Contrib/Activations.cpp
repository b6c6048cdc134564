//===- Activations.cpp - Contrib activation functions ---------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "../../Checks.h"
#include "../Arith.h"
#include "../Families.h"
#include "Contrib.h"

using namespace mlir;
using namespace fovea::frontend;

using FloatFn = function_ref<Value(TensorBuilder &, Value)>;

/// body(x + bias) in f32 at least; a null bias is 0 and may have fewer
/// dimensions than x, never more.
static FailureOr<Value> applyWithBias(NodeImporter &n, Value x, Value bias,
                                      FloatFn body) {
  TensorBuilder &b = n.b();
  Type type = b.elementType(x), compute = element::mathType(type);
  if (bias && b.rank(bias) > b.rank(x))
    return n.fail("the bias has more dimensions than the input");
  SmallVector<Value> inputs = {x};
  if (bias)
    inputs.push_back(bias);
  return b.elementwise(inputs, type, [&](TensorBuilder &b, ValueRange args) {
    Value sum = b.castScalar(args[0], compute);
    if (bias)
      sum = element::add(b, sum, b.castScalar(args[1], compute));
    return b.castScalar(body(b, sum), type);
  });
}

static Value gelu(TensorBuilder &b, Value x) {
  return element::gelu(b, x, /*isTanh=*/false);
}

static Value fastGelu(TensorBuilder &b, Value x) {
  return element::gelu(b, x, /*isTanh=*/true);
}

static LogicalResult importGelu(NodeImporter &n) {
  return n.bindOutput(0, applyWithBias(n, n.input(0), {}, gelu), n.dtype(0));
}

/// A bias is one number for each element of the last dimension.
static LogicalResult requireRowBias(NodeImporter &n, size_t i) {
  if (!n.input(i))
    return success();
  if (n.rank(0) == 0 || n.rank(i) != 1)
    return n.fail("the bias has to have one dimension");
  return requireEqual(n, n.b().dim(n.input(i), 0),
                      n.b().dim(n.input(0), n.rank(0) - 1), "bias");
}

static LogicalResult importBiasGelu(NodeImporter &n) {
  if (failed(requireRowBias(n, 1)))
    return failure();
  return n.bindOutput(0, applyWithBias(n, n.input(0), n.input(1), gelu),
                      n.dtype(0));
}

static LogicalResult importFastGelu(NodeImporter &n) {
  if (failed(requireRowBias(n, 1)))
    return failure();
  return n.bindOutput(0, applyWithBias(n, n.input(0), n.input(1), fastGelu),
                      n.dtype(0));
}

static LogicalResult importQuickGelu(NodeImporter &n) {
  double alpha = n.attrFloat("alpha", 1.702f);
  auto body = [&](TensorBuilder &b, Value x) {
    Value scaled = element::mul(b, x, b.scalar(x.getType(), alpha));
    return element::mul(b, x, element::sigmoid(b, scaled));
  };
  return n.bindOutput(0, applyWithBias(n, n.input(0), {}, body), n.dtype(0));
}

/// X + bias + skip.
static LogicalResult importBiasAdd(NodeImporter &n) {
  TensorBuilder &b = n.b();
  if (failed(requireRowBias(n, 1)))
    return failure();
  if (n.rank(2) != n.rank(0))
    return n.fail("the skip has to have the shape of the input");
  for (int64_t i = 0; i < n.rank(0); ++i)
    if (failed(requireEqual(n, b.dim(n.input(2), i), b.dim(n.input(0), i),
                            "skip")))
      return failure();
  Type type = b.elementType(n.input(0)), compute = element::mathType(type);
  auto result = b.elementwise({n.input(0), n.input(1), n.input(2)}, type,
                              [&](TensorBuilder &b, ValueRange args) {
                                Value sum = b.castScalar(args[0], compute);
                                for (Value other : args.drop_front())
                                  sum = element::add(
                                      b, sum, b.castScalar(other, compute));
                                return b.castScalar(sum, type);
                              });
  return n.bindOutput(0, result, n.dtype(0));
}

/// With a bias added, the left half times the gelu of the right half.
static LogicalResult importBiasSplitGelu(NodeImporter &n) {
  TensorBuilder &b = n.b();
  if (failed(requireRowBias(n, 1)))
    return failure();
  int64_t last = n.rank(0) - 1;
  OpFoldResult half = b.div(b.dim(n.input(0), last), b.attr(2));
  if (failed(requireEqual(n, b.mul(half, b.attr(2)), b.dim(n.input(0), last),
                          "the halves of the last dimension")))
    return failure();
  SmallVector<Value> parts;
  for (size_t i : {0, 1})
    for (OpFoldResult offset : {OpFoldResult(b.attr(0)), half})
      parts.push_back(b.sliceAxis(n.input(i), i == 0 ? last : 0, offset, half));
  Type type = b.elementType(n.input(0)), compute = element::mathType(type);
  auto result =
      b.elementwise(parts, type, [&](TensorBuilder &b, ValueRange args) {
        auto sum = [&](size_t i) {
          return element::add(b, b.castScalar(args[i], compute),
                              b.castScalar(args[i + 2], compute));
        };
        return b.castScalar(element::mul(b, sum(0), gelu(b, sum(1))), type);
      });
  return n.bindOutput(0, result, n.dtype(0));
}

void fovea::frontend::registerContribActivationOps(OpRegistry &registry) {
  ContribSchema("Gelu").input("X").output("Y").likeInput().define(registry,
                                                                  importGelu);
  ContribSchema("BiasGelu")
      .input("A")
      .input("B")
      .output("C")
      .likeInput()
      .define(registry, importBiasGelu);
  ContribSchema("FastGelu")
      .input("X")
      .optional("bias")
      .output("Y")
      .likeInput()
      .define(registry, importFastGelu);
  ContribSchema("QuickGelu")
      .input("X")
      .output("Y")
      .floats({"alpha"})
      .likeInput()
      .define(registry, importQuickGelu);
  ContribSchema("BiasAdd")
      .input("X")
      .input("bias")
      .input("skip")
      .output("Y")
      .likeInput()
      .define(registry, importBiasAdd);
  ContribSchema("BiasSplitGelu")
      .input("X")
      .input("bias")
      .output("Y")
      .define(registry, importBiasSplitGelu);
}
