//===- Training.cpp - Optimizers of ai.onnx.preview.training --------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "../Checks.h"
#include "../ScalarCode.h"
#include "Families.h"

using namespace mlir;
using namespace fovea::frontend;

namespace {

/// Inputs are a learning rate, the number of the update, and then n tensors
/// each of several kinds: the values, their gradients, and states. Outputs are
/// the new values and states.
struct Optimizer {
  NodeImporter &node;
  TensorBuilder &b;
  ScalarCode s;
  size_t kinds, count = 0;
  Type type;
  Value rate, step;

  Optimizer(NodeImporter &node, size_t kinds)
      : node(node), b(node.b()), s(b), kinds(kinds) {}

  LogicalResult read() {
    for (size_t i = 0; i < node.numInputs(); ++i)
      if (!node.input(i))
        return node.fail("input " + Twine(i) + " is missing");
    size_t tensors = node.numInputs() < 2 ? 0 : node.numInputs() - 2;
    if (tensors == 0 || tensors % kinds != 0)
      return node.fail("needs " + Twine(kinds) +
                       " tensors for each that is trained");
    count = tensors / kinds;
    type = b.elementType(node.input(2));
    rate = s.convert(b.extractScalar(node.input(0)), type);
    step = s.convert(b.extractScalar(node.input(1)), type);
    return success();
  }
  Value number(double value) { return s.constant(type, value); }
  double attr(const char *name, double otherwise) {
    return node.attrFloat(name, otherwise);
  }

  /// Calls `update` with one element of each kind; it gives the new value and
  /// the new states.
  using UpdateFn = function_ref<ScalarCode::Values(ScalarCode &, ValueRange)>;
  LogicalResult apply(UpdateFn update) {
    for (size_t i = 0; i < count; ++i) {
      SmallVector<Value> inputs;
      for (size_t kind = 0; kind < kinds; ++kind)
        inputs.push_back(node.input(2 + kind * count + i));
      for (Value input : inputs)
        if (b.rank(input) != b.rank(inputs[0]) || b.elementType(input) != type)
          return node.fail("the tensors differ in rank or element type");
      for (size_t out = 0; out + 1 < kinds; ++out) {
        auto result = b.elementwise(inputs, type,
                                    [&](TensorBuilder &inner, ValueRange args) {
                                      ScalarCode code(inner);
                                      return update(code, args)[out];
                                    });
        if (failed(node.bindOutput(out * count + i, result, node.dtype(2))))
          return failure();
      }
    }
    return success();
  }
};

} // namespace

static Value root(ScalarCode &s, Value x) {
  return s.b.createOrFold<math::SqrtOp>(x);
}

static LogicalResult importAdagrad(NodeImporter &node) {
  Optimizer o(node, 3);
  if (failed(o.read()))
    return failure();
  Value one = o.number(1);
  Value decay = o.s.mul(o.step, o.number(o.attr("decay_factor", 0)));
  Value rate = o.s.div(o.rate, o.s.add(one, decay));
  Value norm = o.number(o.attr("norm_coefficient", 0)),
        epsilon = o.number(o.attr("epsilon", 1e-6));
  return o.apply([&](ScalarCode &s, ValueRange in) {
    Value gradient = s.add(s.mul(norm, in[0]), in[1]);
    Value squares = s.add(in[2], s.mul(gradient, gradient));
    Value divisor = s.add(root(s, squares), epsilon);
    Value value = s.sub(in[0], s.div(s.mul(rate, gradient), divisor));
    return ScalarCode::Values{value, squares};
  });
}

static LogicalResult importAdam(NodeImporter &node) {
  Optimizer o(node, 4);
  if (failed(o.read()))
    return failure();
  Value one = o.number(1), alpha = o.number(o.attr("alpha", 0.9)),
        beta = o.number(o.attr("beta", 0.999)),
        epsilon = o.number(o.attr("epsilon", 1e-6)),
        norm = o.number(o.attr("norm_coefficient", 0)),
        kept = o.number(1 - o.attr("norm_coefficient_post", 0));
  // The averages start at zero, which counts less from step to step.
  auto missing = [&](Value base) {
    return o.s.sub(one, o.b.createOrFold<math::PowFOp>(base, o.step));
  };
  Value corrected =
      o.s.div(o.s.mul(o.rate, root(o.s, missing(beta))), missing(alpha));
  Value rate = o.s.select(o.s.lt(o.number(0), o.step), corrected, o.rate);
  return o.apply([&](ScalarCode &s, ValueRange in) {
    Value gradient = s.add(s.mul(norm, in[0]), in[1]);
    Value average =
        s.add(s.mul(alpha, in[2]), s.mul(s.sub(one, alpha), gradient));
    Value squares = s.add(s.mul(beta, in[3]),
                          s.mul(s.sub(one, beta), s.mul(gradient, gradient)));
    Value change = s.div(average, s.add(root(s, squares), epsilon));
    Value value = s.sub(in[0], s.mul(rate, change));
    return ScalarCode::Values{s.mul(kept, value), average, squares};
  });
}

static LogicalResult importMomentum(NodeImporter &node) {
  Optimizer o(node, 3);
  if (failed(o.read()))
    return failure();
  std::string mode = node.attrString("mode", "standard");
  if (mode != "standard" && mode != "nesterov")
    return node.fail("unknown mode '" + Twine(mode) + "'");
  Value alpha = o.number(o.attr("alpha", 0)),
        norm = o.number(o.attr("norm_coefficient", 0));
  // The first gradient counts in full.
  Value share = o.s.select(o.s.lt(o.number(0), o.step),
                           o.number(o.attr("beta", 0)), o.number(1));
  return o.apply([&](ScalarCode &s, ValueRange in) {
    Value gradient = s.add(s.mul(norm, in[0]), in[1]);
    Value momentum = s.add(s.mul(alpha, in[2]), s.mul(share, gradient));
    Value change =
        mode == "nesterov" ? s.add(gradient, s.mul(alpha, momentum)) : momentum;
    return ScalarCode::Values{s.sub(in[0], s.mul(o.rate, change)), momentum};
  });
}

void fovea::frontend::registerTrainingOps(OpRegistry &registry) {
  registry.add("Adagrad", importAdagrad, "ai.onnx.preview.training");
  registry.add("Adam", importAdam, "ai.onnx.preview.training");
  registry.add("Momentum", importMomentum, "ai.onnx.preview.training");
}
