//===- Contraction.cpp - Products with something around them -------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "../Contraction.h"
#include "../../Checks.h"
#include "../Arith.h"
#include "../Families.h"
#include "Contrib.h"

#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace fovea::frontend;
using namespace fovea::frontend::element;

//===----------------------------------------------------------------------===//
// Activations
//===----------------------------------------------------------------------===//

/// The attribute `activation` with its parameters, which are attributes of
/// FusedGemm and a list of FusedConv.
static FailureOr<Value> activate(NodeImporter &n, Value x,
                                 ArrayRef<double> given) {
  TensorBuilder &b = n.b();
  std::string name = n.attrString("activation", "");
  auto parameter = [&](size_t i, double otherwise) {
    return i < given.size() ? given[i] : otherwise;
  };
  if (name.empty())
    return x;
  using Fn = std::function<Value(TensorBuilder &, Value)>;
  auto c = [](TensorBuilder &b, Value x, double value) {
    return b.scalar(x.getType(), value);
  };
  Fn body;
  if (name == "Relu")
    body = [=](TensorBuilder &b, Value x) { return max(b, x, c(b, x, 0)); };
  else if (name == "Tanh")
    body = [](TensorBuilder &b, Value x) -> Value {
      return b.createOrFold<math::TanhOp>(x);
    };
  else if (name == "Sigmoid")
    body = [](TensorBuilder &b, Value x) { return sigmoid(b, x); };
  else if (name == "LeakyRelu")
    body = [=](TensorBuilder &b, Value x) {
      Value isNegative = compare(b, Relation::Less, x, c(b, x, 0));
      Value scaled = mul(b, x, c(b, x, parameter(0, 0.01f)));
      return select(b, isNegative, scaled, x);
    };
  else if (name == "Clip")
    body = [=](TensorBuilder &b, Value x) {
      Value high = c(b, x, parameter(1, INFINITY));
      return min(b, max(b, x, c(b, x, parameter(0, -INFINITY))), high);
    };
  else if (name == "HardSigmoid")
    body = [=](TensorBuilder &b, Value x) {
      Value line = add(b, mul(b, x, c(b, x, parameter(0, 0.2f))),
                       c(b, x, parameter(1, 0.5)));
      return max(b, c(b, x, 0), min(b, c(b, x, 1), line));
    };
  else
    return n.fail("activation '" + name + "' is not supported");
  return b.elementwise(
      {x}, b.elementType(x), [&](TensorBuilder &b, ValueRange args) {
        return inMathType(b, args[0],
                          [&](Value wide) { return body(b, wide); });
      });
}

static LogicalResult importFusedGemm(NodeImporter &n) {
  SmallVector<double> parameters;
  for (const char *name : {"activation_alpha", "activation_beta"}) {
    if (!n.hasAttr(name))
      break;
    parameters.push_back(n.attrFloat(name, 0));
  }
  auto product = buildGemm(n);
  if (failed(product))
    return failure();
  return n.bindOutput(0, activate(n, *product, parameters), n.dtype(0));
}

static LogicalResult importFusedConv(NodeImporter &n) {
  TensorBuilder &b = n.b();
  auto product = buildConv(n, n.input(0), n.input(1));
  if (failed(product))
    return failure();
  auto sum = addChannelBias(n, *product, n.input(2));
  if (failed(sum))
    return failure();
  Value x = *sum;
  if (Value other = n.input(3)) {
    if (b.rank(other) != b.rank(x))
      return n.fail("Z has to have the shape of the result");
    for (int64_t i = 0; i < b.rank(x); ++i)
      if (failed(requireEqual(n, b.dim(other, i), b.dim(x, i), "Z")))
        return failure();
    sum = b.elementwise({x, other}, b.elementType(x),
                        [](TensorBuilder &b, ValueRange args) {
                          return add(b, args[0], args[1]);
                        });
    if (failed(sum))
      return failure();
    x = *sum;
  }
  auto parameters = n.attrFloats("activation_params");
  return n.bindOutput(
      0, activate(n, x, parameters ? *parameters : SmallVector<double>()),
      n.dtype(0));
}

//===----------------------------------------------------------------------===//
// Matrix products
//===----------------------------------------------------------------------===//

/// `batch` moves the first dimension behind the other batch dimensions, then
/// `rows` exchanges the last two.
static Value transposed(TensorBuilder &b, Value x, bool batch, bool rows) {
  int64_t rank = b.rank(x);
  if (rank < 2)
    return x;
  auto perm = llvm::to_vector(llvm::seq<int64_t>(0, rank));
  if (batch)
    std::rotate(perm.begin(), perm.begin() + 1, perm.end() - 1);
  if (rows)
    std::swap(perm[rank - 1], perm[rank - 2]);
  return b.transpose(x, perm);
}

static LogicalResult importFusedMatMul(NodeImporter &n) {
  TensorBuilder &b = n.b();
  Value lhs = transposed(b, n.input(0), n.attrInt("transBatchA", 0),
                         n.attrInt("transA", 0));
  Value rhs = transposed(b, n.input(1), n.attrInt("transBatchB", 0),
                         n.attrInt("transB", 0));
  auto product = buildMatMul(n, lhs, rhs);
  double alpha = n.attrFloat("alpha", 1);
  if (failed(product) || alpha == 1)
    return n.bindOutput(0, product, n.dtype(0));
  auto scaled =
      b.elementwise({*product}, b.elementType(*product),
                    [&](TensorBuilder &b, ValueRange args) {
                      return inMathType(b, args[0], [&](Value x) {
                        return mul(b, x, b.scalar(x.getType(), alpha));
                      });
                    });
  return n.bindOutput(0, scaled, n.dtype(0));
}

/// The tanh form of gelu of X * W + bias.
static LogicalResult importGemmFastGelu(NodeImporter &n) {
  TensorBuilder &b = n.b();
  auto product = buildMatMul(n, n.input(0), n.input(1));
  if (failed(product))
    return failure();
  SmallVector<Value> inputs = {*product};
  if (Value bias = n.input(2)) {
    if (failed(requireRank(n, 2, 1)) ||
        failed(requireEqual(n, b.dim(bias, 0),
                            b.dim(*product, b.rank(*product) - 1), "bias")))
      return failure();
    inputs.push_back(bias);
  }
  auto result = b.elementwise(
      inputs, b.elementType(*product), [&](TensorBuilder &b, ValueRange args) {
        return inMathType(b, args[0], [&](Value x) {
          if (args.size() > 1)
            x = add(b, x, b.castScalar(args[1], x.getType()));
          return gelu(b, x, /*isTanh=*/true);
        });
      });
  return n.bindOutput(0, result, n.dtype(0));
}

void fovea::frontend::registerContribContractionOps(OpRegistry &registry) {
  ContribSchema("FusedMatMul")
      .input("A")
      .input("B")
      .output("Y")
      .ints({"transA", "transB", "transBatchA", "transBatchB"})
      .floats({"alpha"})
      .define(registry, importFusedMatMul);
  // Its name before.
  ContribSchema("TransposeMatMul")
      .input("A")
      .input("B")
      .output("Y")
      .ints({"transA", "transB"})
      .floats({"alpha"})
      .define(registry, importFusedMatMul);
  ContribSchema("GemmFastGelu")
      .input("X")
      .input("W")
      .optional("bias")
      .output("Y")
      .define(registry, importGemmFastGelu);
  ContribSchema("FusedGemm")
      .input("A")
      .input("B")
      .optional("C")
      .output("Y")
      .ints({"transA", "transB"})
      .floats({"alpha", "beta", "activation_alpha", "activation_beta",
               "activation_gamma"})
      .strings({"activation"})
      .define(registry, importFusedGemm);
  ContribSchema("FusedConv")
      .input("X")
      .input("W")
      .optional("B")
      .optional("Z")
      .output("Y")
      .ints({"group"})
      .intLists({"dilations", "kernel_shape", "pads", "strides"})
      .floatLists({"activation_params"})
      .strings({"activation", "auto_pad"})
      .define(registry, importFusedConv);
}
