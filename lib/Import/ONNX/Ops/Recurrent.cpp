//===- Recurrent.cpp - LSTM, GRU and RNN ----------------------------------===//
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

/// Which cell, and with it the number of gates per hidden unit.
enum class Cell { RNN = 1, GRU = 3, LSTM = 4 };

/// A gate activation with its parameters.
struct Activation {
  std::string name;
  double alpha = 0, beta = 0;
};

/// One recurrent node. The input part of all gates is one matmul over all
/// steps; a loop adds the recurrent part step by step.
struct Recurrent {
  NodeImporter &node;
  TensorBuilder &b;
  Cell cell;
  int64_t gates, hidden = 0;
  size_t directions = 1;
  bool reverseOnly = false, batchFirst, linearBeforeReset;
  double clip;
  Type type;
  SmallVector<Activation> activations;
  OpFoldResult steps, batch;
  Value x, lengths;

  Recurrent(NodeImporter &node, Cell cell)
      : node(node), b(node.b()), cell(cell), gates(static_cast<int64_t>(cell)),
        batchFirst(node.attrInt("layout", 0) != 0),
        linearBeforeReset(node.attrInt("linear_before_reset", 0) != 0),
        clip(node.attrFloat("clip", 0)) {}
  LogicalResult read();
  LogicalResult build();

private:
  LogicalResult readActivations();
  Value perDirection(size_t input, size_t direction);
  Value activate(ScalarCode &s, const Activation &f, Value x);
  Value initialState(size_t input, size_t direction);
  Value multiply(Value x, Value weight);
  Value bias(size_t direction, bool recurrent);
  Value run(size_t direction, SmallVector<Value> &finals);
  Value lengthOf(ScalarCode &s, Value row);
  Value whereRunning(Value t, Value fresh, Value ended);
  SmallVector<Value> stepOther(size_t direction, Value gatesOfInput,
                               Value recurrentBias, Value h, Value weight);
  SmallVector<Value> stepLSTM(size_t direction, Value gatesOfInput,
                              Value recurrentBias, Value h, Value c,
                              Value weight);
};

} // namespace

//===----------------------------------------------------------------------===//
// What the node asks for
//===----------------------------------------------------------------------===//

LogicalResult Recurrent::readActivations() {
  size_t perCell = cell == Cell::RNN ? 1 : cell == Cell::GRU ? 2 : 3;
  const onnx::AttributeProto *given = node.attr("activations");
  std::vector<std::string> names;
  if (given)
    names.assign(given->strings().begin(), given->strings().end());
  if (names.empty())
    for (size_t i = 0; i < directions; ++i) {
      if (cell != Cell::RNN)
        names.push_back("Sigmoid");
      names.push_back("Tanh");
      if (cell == Cell::LSTM)
        names.push_back("Tanh");
    }
  if (names.size() != perCell * directions)
    return node.fail("activations need " + Twine(perCell * directions) +
                     " entries");
  SmallVector<double> alphas =
      node.attrFloats("activation_alpha").value_or(SmallVector<double>());
  SmallVector<double> betas =
      node.attrFloats("activation_beta").value_or(SmallVector<double>());
  size_t nextAlpha = 0, nextBeta = 0;
  for (std::string name : names) {
    std::transform(name.begin(), name.end(), name.begin(), ::tolower);
    static constexpr StringRef plain[] = {"relu", "tanh", "sigmoid", "softsign",
                                          "softplus"};
    Activation f{name};
    bool hasAlpha = true, hasBeta = false;
    if (llvm::is_contained(plain, StringRef(name)))
      hasAlpha = false;
    else if (name == "leakyrelu")
      f.alpha = 0.01;
    else if (name == "thresholdedrelu" || name == "elu")
      f.alpha = 1;
    else if (name == "hardsigmoid" || name == "affine" ||
             name == "scaledtanh") {
      hasBeta = true;
      f.alpha = name == "hardsigmoid" ? 0.2 : 1;
      f.beta = name == "hardsigmoid" ? 0.5 : name == "affine" ? 0 : 1;
    } else
      return node.fail("activation '" + Twine(name) + "' is not supported");
    if (hasAlpha && nextAlpha < alphas.size())
      f.alpha = alphas[nextAlpha++];
    if (hasBeta && nextBeta < betas.size())
      f.beta = betas[nextBeta++];
    activations.push_back(f);
  }
  return success();
}

LogicalResult Recurrent::read() {
  std::string direction = node.attrString("direction", "forward");
  reverseOnly = direction == "reverse";
  directions = direction == "bidirectional" ? 2 : 1;
  if (direction != "forward" && !reverseOnly && directions == 1)
    return node.fail("unknown direction '" + Twine(direction) + "'");
  x = node.input(0);
  if (b.rank(x) != 3 || node.rank(1) != 3 || node.rank(2) != 3)
    return node.fail("input and weights need rank 3");
  std::pair<size_t, int64_t> ranks[] = {{3, 2}, {4, 1}, {5, 3}, {6, 3}, {7, 2}};
  for (auto [input, rank] : ranks)
    if (failed(requireRank(node, input, rank)))
      return failure();
  if (batchFirst)
    x = b.transpose(x, {1, 0, 2});
  type = b.elementType(x);
  steps = b.dim(x, 0);
  batch = b.dim(x, 1);
  lengths = node.input(4);
  std::optional<int64_t> size = getConstantIntValue(b.dim(node.input(2), 2));
  if (!size)
    return node.fail("the hidden size has to be known at compile time");
  hidden = *size;
  OpFoldResult rows = b.attr(gates * hidden), count = b.attr(directions);
  if (failed(requireEqual(node, b.dim(node.input(1), 0), count,
                          "directions of W")) ||
      failed(requireEqual(node, b.dim(node.input(1), 1), rows, "rows of W")) ||
      failed(requireEqual(node, b.dim(node.input(1), 2), b.dim(x, 2),
                          "columns of W")) ||
      failed(requireEqual(node, b.dim(node.input(2), 0), count,
                          "directions of R")) ||
      failed(requireEqual(node, b.dim(node.input(2), 1), rows, "rows of R")))
    return failure();
  if (node.input(3) && failed(requireEqual(node, b.dim(node.input(3), 1),
                                           b.attr(2 * gates * hidden), "B")))
    return failure();
  if (lengths &&
      failed(requireEqual(node, b.dim(lengths, 0), batch, "sequence_lens")))
    return failure();
  OpFoldResult width = b.attr(hidden);
  for (size_t i : {5, 6}) {
    if (!node.input(i))
      continue;
    int64_t batchAxis = batchFirst ? 0 : 1;
    if (failed(requireEqual(node, b.dim(node.input(i), 1 - batchAxis), count,
                            "directions of a state")) ||
        failed(requireEqual(node, b.dim(node.input(i), batchAxis), batch,
                            "batch of a state")) ||
        failed(requireEqual(node, b.dim(node.input(i), 2), width,
                            "width of a state")))
      return failure();
  }
  if (node.input(7) && failed(requireEqual(node, b.dim(node.input(7), 1),
                                           b.attr(3 * hidden), "P")))
    return failure();
  return readActivations();
}

//===----------------------------------------------------------------------===//
// Pieces
//===----------------------------------------------------------------------===//

Value Recurrent::perDirection(size_t input, size_t direction) {
  Value all = node.input(input);
  return b.squeeze(b.sliceAxis(all, 0, b.attr(direction), b.attr(1)), {0});
}

Value Recurrent::activate(ScalarCode &s, const Activation &f, Value x) {
  auto c = [&](double value) { return s.constant(type, value); };
  auto sigmoid = [&](Value v) {
    Value e = s.b.createOrFold<math::ExpOp>(s.sub(c(0), v));
    return s.div(c(1), s.add(c(1), e));
  };
  if (clip > 0)
    x = s.clamp(x, c(-clip), c(clip));
  if (f.name == "sigmoid")
    return sigmoid(x);
  if (f.name == "tanh")
    return s.b.createOrFold<math::TanhOp>(x);
  if (f.name == "relu")
    return s.max(x, c(0));
  if (f.name == "affine")
    return s.add(s.mul(c(f.alpha), x), c(f.beta));
  if (f.name == "leakyrelu")
    return s.select(s.lt(x, c(0)), s.mul(c(f.alpha), x), x);
  if (f.name == "thresholdedrelu")
    return s.select(s.lt(c(f.alpha), x), x, c(0));
  if (f.name == "scaledtanh")
    return s.mul(c(f.alpha),
                 s.b.createOrFold<math::TanhOp>(s.mul(c(f.beta), x)));
  if (f.name == "hardsigmoid")
    return s.clamp(s.add(s.mul(c(f.alpha), x), c(f.beta)), c(0), c(1));
  if (f.name == "elu")
    return s.select(s.lt(x, c(0)),
                    s.mul(c(f.alpha), s.b.createOrFold<math::ExpM1Op>(x)), x);
  if (f.name == "softsign")
    return s.div(x, s.add(c(1), s.abs(x)));
  return s.b.createOrFold<math::Log1pOp>(
      s.b.createOrFold<math::ExpOp>(x)); // softplus
}

Value Recurrent::initialState(size_t input, size_t direction) {
  if (!node.input(input))
    return b.zeros({batch, b.attr(hidden)}, type);
  Value all = node.input(input);
  int64_t axis = batchFirst ? 1 : 0;
  return b.squeeze(b.sliceAxis(all, axis, b.attr(direction), b.attr(1)),
                   {axis});
}

/// x [m, k] times the transpose of weight [n, k].
Value Recurrent::multiply(Value x, Value weight) {
  AffineExpr m, n, k;
  bindDims(b.getContext(), m, n, k);
  auto map = [&](AffineExpr p, AffineExpr q) {
    return AffineMap::get(3, 0, {p, q}, b.getContext());
  };
  return b.contract({x, weight}, {map(m, k), map(n, k)}, map(m, n),
                    {b.dim(x, 0), b.dim(weight, 0), b.dim(x, 1)});
}

/// One half of B, or zeros.
Value Recurrent::bias(size_t direction, bool recurrent) {
  OpFoldResult size = b.attr(gates * hidden);
  if (!node.input(3))
    return b.zeros({size}, type);
  return b.sliceAxis(perDirection(3, direction), 0,
                     b.attr(recurrent ? gates * hidden : 0), size);
}

//===----------------------------------------------------------------------===//
// One step
//===----------------------------------------------------------------------===//

/// Gates in the order i, o, f, c.
SmallVector<Value> Recurrent::stepLSTM(size_t direction, Value gatesOfInput,
                                       Value recurrentBias, Value h, Value c,
                                       Value weight) {
  Value recurrent = multiply(h, weight);
  Value peephole = node.input(7) ? perDirection(7, direction) : Value();
  bool coupled = node.attrInt("input_forget", 0) != 0;
  const Activation *f = &activations[3 * direction];
  auto gate = [&](ScalarCode &s, ValueRange at, int64_t i) {
    Value column = s.add(at[1], s.index(i * hidden));
    Value sum = s.add(s.extract(gatesOfInput, {at[0], column}),
                      s.extract(recurrent, {at[0], column}));
    return s.add(sum, s.extract(recurrentBias, column));
  };
  auto peek = [&](ScalarCode &s, ValueRange at, int64_t i, Value sum,
                  Value state) {
    if (!peephole)
      return sum;
    Value weight = s.extract(peephole, s.add(at[1], s.index(i * hidden)));
    return s.add(sum, s.mul(weight, state));
  };
  Dims shape = {batch, b.attr(hidden)};
  Value nextC =
      b.generate(shape, type, [&](TensorBuilder &inner, ValueRange at) {
        ScalarCode s(inner);
        Value old = s.extract(c, at);
        Value in = activate(s, f[0], peek(s, at, 0, gate(s, at, 0), old));
        Value forget =
            coupled ? s.sub(s.constant(type, 1), in)
                    : activate(s, f[0], peek(s, at, 2, gate(s, at, 2), old));
        return s.add(s.mul(forget, old),
                     s.mul(in, activate(s, f[1], gate(s, at, 3))));
      });
  Value nextH =
      b.generate(shape, type, [&](TensorBuilder &inner, ValueRange at) {
        ScalarCode s(inner);
        Value state = s.extract(nextC, at);
        Value out = activate(s, f[0], peek(s, at, 1, gate(s, at, 1), state));
        double keep = clip;
        clip = 0; // Only sums that enter a gate are clipped.
        Value squashed = activate(s, f[2], state);
        clip = keep;
        return s.mul(out, squashed);
      });
  return {nextH, nextC};
}

/// GRU (gates z, r, h) and the plain cell.
SmallVector<Value> Recurrent::stepOther(size_t direction, Value gatesOfInput,
                                        Value recurrentBias, Value h,
                                        Value weight) {
  Value recurrent = multiply(h, weight);
  Dims shape = {batch, b.attr(hidden)};
  auto gate = [&](ScalarCode &s, ValueRange at, int64_t i) {
    Value column = s.add(at[1], s.index(i * hidden));
    Value sum = s.add(s.extract(gatesOfInput, {at[0], column}),
                      s.extract(recurrent, {at[0], column}));
    return s.add(sum, s.extract(recurrentBias, column));
  };
  if (cell == Cell::RNN)
    return {b.generate(shape, type, [&](TensorBuilder &inner, ValueRange at) {
      ScalarCode s(inner);
      return activate(s, activations[direction], gate(s, at, 0));
    })};
  const Activation *f = &activations[2 * direction];
  Value candidate = recurrent;
  if (!linearBeforeReset) {
    // (r * h) R^T needs a product of its own.
    Value kept =
        b.generate(shape, type, [&](TensorBuilder &inner, ValueRange at) {
          ScalarCode s(inner);
          return s.mul(activate(s, f[0], gate(s, at, 1)), s.extract(h, at));
        });
    candidate = multiply(
        kept, b.sliceAxis(weight, 0, b.attr(2 * hidden), b.attr(hidden)));
  }
  return {b.generate(shape, type, [&](TensorBuilder &inner, ValueRange at) {
    ScalarCode s(inner);
    Value column = s.add(at[1], s.index(2 * hidden));
    Value own = s.extract(gatesOfInput, {at[0], column}),
          bias = s.extract(recurrentBias, column);
    Value past = linearBeforeReset
                     ? s.mul(activate(s, f[0], gate(s, at, 1)),
                             s.add(s.extract(candidate, {at[0], column}), bias))
                     : s.add(s.extract(candidate, at), bias);
    Value proposed = activate(s, f[1], s.add(own, past));
    Value update = activate(s, f[0], gate(s, at, 0));
    Value kept = s.mul(update, s.extract(h, at));
    return s.add(s.mul(s.sub(s.constant(type, 1), update), proposed), kept);
  })};
}

//===----------------------------------------------------------------------===//
// All steps
//===----------------------------------------------------------------------===//

/// Number of steps of one batch entry.
Value Recurrent::lengthOf(ScalarCode &s, Value row) {
  Value stepCount = b.toValue(steps);
  if (!lengths)
    return stepCount;
  return s.clamp(s.toIndex(s.extract(lengths, row)), s.index(0), stepCount);
}

/// `fresh` for batch entries that have a step t, `ended` (or 0) for the others.
Value Recurrent::whereRunning(Value t, Value fresh, Value ended) {
  if (!lengths)
    return fresh;
  Dims shape = {batch, b.attr(hidden)};
  return b.generate(shape, type, [&](TensorBuilder &inner, ValueRange at) {
    ScalarCode s(inner);
    Value isRunning = s.lt(t, lengthOf(s, at[0]));
    Value otherwise = ended ? s.extract(ended, at) : s.constant(type, 0);
    return s.select(isRunning, s.extract(fresh, at), otherwise);
  });
}

/// Runs one direction: its states at every step as [steps, batch, hidden].
/// Batch entries that have ended keep their state and give zeros.
Value Recurrent::run(size_t direction, SmallVector<Value> &finals) {
  ScalarCode s(b);
  bool reversed = reverseOnly || direction == 1;
  OpFoldResult columns = b.attr(gates * hidden), width = b.attr(hidden),
               zero = b.attr(0);
  Value flat = b.reshape(x, {b.mul(steps, batch), b.dim(x, 2)});
  Value input = multiply(flat, perDirection(1, direction));
  Value inputBias = bias(direction, false),
        recurrentBias = bias(direction, true),
        weight = perDirection(2, direction);
  Value stepCount = b.toValue(steps), batchCount = b.toValue(batch);
  SmallVector<Value> inits = {b.empty({steps, batch, width}, type),
                              initialState(5, direction)};
  if (cell == Cell::LSTM)
    inits.push_back(initialState(6, direction));
  auto results =
      s.forNest({stepCount}, inits, [&](ValueRange at, ValueRange carried) {
        Value t = at[0];
        // In reverse each row starts at its own end.
        auto source = [&](ScalarCode &inner, Value row) {
          if (!reversed)
            return t;
          Value from =
              inner.sub(inner.sub(lengthOf(inner, row), inner.index(1)), t);
          return inner.max(from, inner.index(0));
        };
        Value gatesOfInput = b.generate(
            {batch, columns}, type, [&](TensorBuilder &builder, ValueRange p) {
              ScalarCode inner(builder);
              Value row =
                  inner.add(inner.mul(source(inner, p[0]), batchCount), p[0]);
              return inner.add(inner.extract(input, {row, p[1]}),
                               inner.extract(inputBias, p[1]));
            });
        SmallVector<Value> next =
            cell == Cell::LSTM
                ? stepLSTM(direction, gatesOfInput, recurrentBias, carried[1],
                           carried[2], weight)
                : stepOther(direction, gatesOfInput, recurrentBias, carried[1],
                            weight);
        Value seen = whereRunning(t, next[0], Value());
        for (auto [i, state] : llvm::enumerate(next))
          state = whereRunning(t, state, carried[1 + i]);
        ScalarCode::Values all = {b.insert(b.unsqueeze(seen, {0}), carried[0],
                                           {b.toDim(t), zero, zero})};
        llvm::append_range(all, next);
        return all;
      });
  finals.assign(results.begin() + 1, results.end());
  Value sequence = results[0];
  if (!reversed)
    return sequence;
  return b.generate(
      {steps, batch, width}, type, [&](TensorBuilder &builder, ValueRange p) {
        ScalarCode inner(builder);
        Value own = lengthOf(inner, p[1]);
        Value from = inner.sub(inner.sub(own, inner.index(1)), p[0]);
        from = inner.select(inner.lt(p[0], own), from, p[0]);
        return inner.extract(sequence, {from, p[1], p[2]});
      });
}

LogicalResult Recurrent::build() {
  SmallVector<Value> sequences;
  SmallVector<SmallVector<Value>> states(2);
  int64_t stateAxis = batchFirst ? 1 : 0;
  for (size_t i = 0; i < directions; ++i) {
    SmallVector<Value> finals;
    sequences.push_back(b.unsqueeze(run(i, finals), {1}));
    for (auto [j, value] : llvm::enumerate(finals))
      states[j].push_back(b.unsqueeze(value, {stateAxis}));
  }
  Value all = b.concat(sequences, 1);
  if (batchFirst)
    all = b.transpose(all, {2, 0, 1, 3});
  if (failed(node.bindOutput(0, all)) ||
      failed(node.bindOutput(1, b.concat(states[0], stateAxis))))
    return failure();
  if (cell != Cell::LSTM)
    return success();
  return node.bindOutput(2, b.concat(states[1], stateAxis));
}

template <Cell cell> static LogicalResult importRecurrent(NodeImporter &node) {
  Recurrent recurrent(node, cell);
  if (failed(recurrent.read()))
    return failure();
  return recurrent.build();
}

void fovea::frontend::registerRecurrentOps(OpRegistry &registry) {
  registry.add("RNN", importRecurrent<Cell::RNN>);
  registry.add("GRU", importRecurrent<Cell::GRU>);
  registry.add("LSTM", importRecurrent<Cell::LSTM>);
}
