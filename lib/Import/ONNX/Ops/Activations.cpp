//===- Activations.cpp - ONNX activation functions ------------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "../Model.h"
#include "Arith.h"
#include "Families.h"

using namespace mlir;
using namespace fovea::frontend;
using namespace fovea::frontend::element;

/// A builder of float expressions over one element, to write formulas down.
namespace {
struct Expr {
  TensorBuilder &b;
  Type type;

  Value c(double value) const { return b.scalar(type, value); }
  Value exp(Value x) const { return b.createOrFold<math::ExpOp>(x); }
  Value tanh(Value x) const { return b.createOrFold<math::TanhOp>(x); }
  /// log(1 + e^x) without overflow.
  Value softplus(Value x) const {
    Value power = exp(neg(b, element::abs(b, x)));
    return add(b, element::max(b, x, c(0)),
               b.createOrFold<math::Log1pOp>(power));
  }
  /// x where it is positive or NaN, else `other`.
  Value ifPositive(Value x, Value other) const {
    Value keeps =
        b.createOrFold<arith::CmpFOp>(arith::CmpFPredicate::UGT, x, c(0));
    return element::select(b, keeps, x, other);
  }
};
} // namespace

/// One float function of one element, computed in f32 at least.
static LogicalResult activation(NodeImporter &n,
                                function_ref<Value(const Expr &, Value)> body) {
  auto result = n.b().elementwise({n.input(0)}, n.b().elementType(n.input(0)),
                                  [&](TensorBuilder &b, ValueRange args) {
                                    return inMathType(b, args[0], [&](Value x) {
                                      return body(Expr{b, x.getType()}, x);
                                    });
                                  });
  return n.bindOutput(0, result, n.dtype(0));
}

static LogicalResult importRelu(NodeImporter &n) {
  if (isa<IntegerType>(n.b().elementType(n.input(0)))) {
    auto result = n.b().elementwise(
        {n.input(0)}, n.b().elementType(n.input(0)),
        [](TensorBuilder &b, ValueRange args) {
          return element::max(b, args[0], b.scalar(args[0].getType(), 0));
        });
    return n.bindOutput(0, result, n.dtype(0));
  }
  return activation(
      n, [](const Expr &e, Value x) { return e.ifPositive(x, e.c(0)); });
}

static LogicalResult importLeakyRelu(NodeImporter &n) {
  double alpha = n.attrFloat("alpha", 0.01f);
  return activation(n, [&](const Expr &e, Value x) {
    return e.ifPositive(x, mul(e.b, x, e.c(alpha)));
  });
}

static LogicalResult importPRelu(NodeImporter &n) {
  bool isUnsigned = n.isUnsigned(0);
  Value slope = n.input(1);
  // Before opset 7, a slope for each channel, or one for all.
  if (n.attrInt(slopePerChannel, 0) && n.rank(1) == 1 &&
      n.inputType(1).getDimSize(0) != 1)
    slope = n.b().unsqueeze(
        slope, llvm::to_vector(llvm::seq<int64_t>(1, n.rank(0) - 1)));
  auto result = n.b().elementwise(
      {n.input(0), slope}, n.b().elementType(n.input(0)),
      [&](TensorBuilder &b, ValueRange args) {
        Value zero = b.scalar(args[0].getType(), 0);
        Value isLess = compare(b, Relation::Less, args[0], zero, isUnsigned);
        return element::select(b, isLess, mul(b, args[0], args[1]), args[0]);
      });
  return n.bindOutput(0, result, n.dtype(0));
}

static LogicalResult importThresholdedRelu(NodeImporter &n) {
  double alpha = n.attrFloat("alpha", 1);
  return activation(n, [&](const Expr &e, Value x) {
    Value above = compare(e.b, Relation::Greater, x, e.c(alpha));
    return element::select(e.b, above, x, e.c(0));
  });
}

/// alpha * (e^(x / divisor) - 1) below zero, gamma * x above.
static LogicalResult importExponential(NodeImporter &n, double alpha,
                                       double divisor, double gamma) {
  return activation(n, [&](const Expr &e, Value x) {
    Value scaled = divisor == 1 ? x : element::div(e.b, x, e.c(divisor));
    Value power = e.b.createOrFold<math::ExpM1Op>(scaled);
    Value below = mul(e.b, e.c(alpha), power);
    Value above = gamma == 1 ? x : mul(e.b, e.c(gamma), x);
    Value isAbove =
        e.b.createOrFold<arith::CmpFOp>(arith::CmpFPredicate::UGT, x, e.c(0));
    return element::select(e.b, isAbove, above, below);
  });
}

static LogicalResult importElu(NodeImporter &n) {
  return importExponential(n, n.attrFloat("alpha", 1), 1, 1);
}

static LogicalResult importCelu(NodeImporter &n) {
  double alpha = n.attrFloat("alpha", 1);
  return importExponential(n, alpha, alpha, 1);
}

static LogicalResult importSelu(NodeImporter &n) {
  double alpha = n.attrFloat("alpha", 1.67326319217681884765625);
  double gamma = n.attrFloat("gamma", 1.05070102214813232421875);
  return importExponential(n, alpha * gamma, 1, gamma);
}

static LogicalResult importSigmoid(NodeImporter &n) {
  return activation(n, [](const Expr &e, Value x) { return sigmoid(e.b, x); });
}

static LogicalResult importSwish(NodeImporter &n) {
  double alpha = n.attrFloat("alpha", 1);
  return activation(n, [&](const Expr &e, Value x) {
    Value scaled = alpha == 1 ? x : mul(e.b, e.c(alpha), x);
    return mul(e.b, x, sigmoid(e.b, scaled));
  });
}

static LogicalResult importGelu(NodeImporter &n) {
  bool isTanh = n.attrString("approximate", "none") == "tanh";
  return activation(
      n, [&](const Expr &e, Value x) { return element::gelu(e.b, x, isTanh); });
}

static Value hardSigmoid(const Expr &e, Value x, double alpha, double beta) {
  Value line = add(e.b, mul(e.b, e.c(alpha), x), e.c(beta));
  return element::max(e.b, e.c(0), element::min(e.b, e.c(1), line));
}

static LogicalResult importHardSigmoid(NodeImporter &n) {
  double alpha = n.attrFloat("alpha", 0.2f), beta = n.attrFloat("beta", 0.5);
  return activation(n, [&](const Expr &e, Value x) {
    return hardSigmoid(e, x, alpha, beta);
  });
}

static LogicalResult importHardSwish(NodeImporter &n) {
  return activation(n, [](const Expr &e, Value x) {
    return mul(e.b, x, hardSigmoid(e, x, 1.0 / 6, 0.5));
  });
}

static LogicalResult importSoftplus(NodeImporter &n) {
  return activation(n, [](const Expr &e, Value x) { return e.softplus(x); });
}

static LogicalResult importSoftsign(NodeImporter &n) {
  return activation(n, [](const Expr &e, Value x) {
    return element::div(e.b, x, add(e.b, e.c(1), element::abs(e.b, x)));
  });
}

static LogicalResult importMish(NodeImporter &n) {
  return activation(n, [](const Expr &e, Value x) {
    return mul(e.b, x, e.tanh(e.softplus(x)));
  });
}

static LogicalResult importShrink(NodeImporter &n) {
  double lambda = n.attrFloat("lambd", 0.5), bias = n.attrFloat("bias", 0);
  auto result = n.b().elementwise(
      {n.input(0)}, n.b().elementType(n.input(0)),
      [&](TensorBuilder &b, ValueRange args) {
        Value x = args[0];
        Type type = x.getType();
        Value below = compare(b, Relation::Less, x, b.scalar(type, -lambda));
        Value above = compare(b, Relation::Greater, x, b.scalar(type, lambda));
        Value raised = add(b, x, b.scalar(type, bias));
        Value lowered = sub(b, x, b.scalar(type, bias));
        Value rest = element::select(b, above, lowered, b.scalar(type, 0));
        return element::select(b, below, raised, rest);
      });
  return n.bindOutput(0, result, n.dtype(0));
}

void fovea::frontend::registerActivationOps(OpRegistry &registry) {
  registry.add("Relu", importRelu);
  registry.add("LeakyRelu", importLeakyRelu);
  registry.add("PRelu", importPRelu);
  registry.add("ThresholdedRelu", importThresholdedRelu);
  registry.add("Elu", importElu);
  registry.add("Celu", importCelu);
  registry.add("Selu", importSelu);
  registry.add("Sigmoid", importSigmoid);
  registry.add("Swish", importSwish);
  registry.add("Gelu", importGelu);
  registry.add("HardSigmoid", importHardSigmoid);
  registry.add("HardSwish", importHardSwish);
  registry.add("Softplus", importSoftplus);
  registry.add("Softsign", importSoftsign);
  registry.add("Mish", importMish);
  registry.add("Shrink", importShrink);
}
