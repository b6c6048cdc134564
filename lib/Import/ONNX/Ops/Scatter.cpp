//===- Scatter.cpp - ScatterElements and ScatterND ------------------------===//
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
enum class Reduction { None, Add, Mul, Min, Max };
} // namespace

static FailureOr<Reduction> readReduction(NodeImporter &node) {
  std::string name = node.attrString("reduction", "none");
  std::optional<Reduction> kind =
      llvm::StringSwitch<std::optional<Reduction>>(name)
          .Case("none", Reduction::None)
          .Case("add", Reduction::Add)
          .Case("mul", Reduction::Mul)
          .Case("min", Reduction::Min)
          .Case("max", Reduction::Max)
          .Default(std::nullopt);
  if (!kind)
    return node.fail("unknown reduction '" + Twine(name) + "'");
  return *kind;
}

/// data[position] = reduction(data[position], update)
static Value scatterOne(ScalarCode &s, Reduction reduction, bool isUnsigned,
                        Value update, Value data, ValueRange position) {
  if (reduction == Reduction::None)
    return s.insert(update, data, position);
  Value old = s.extract(data, position), combined;
  bool isBool = old.getType().isInteger(1);
  switch (reduction) {
  case Reduction::None:
    break;
  case Reduction::Add:
    combined = isBool ? s.either(old, update) : s.add(old, update);
    break;
  case Reduction::Mul:
    combined = s.mul(old, update);
    break;
  case Reduction::Min:
    combined = s.min(old, update, isUnsigned || isBool);
    break;
  case Reduction::Max:
    combined = s.max(old, update, isUnsigned || isBool);
    break;
  }
  return s.insert(combined, data, position);
}

static LogicalResult importScatterElements(NodeImporter &node) {
  TensorBuilder &b = node.b();
  ScalarCode s(b);
  Value data = node.input(0), indices = node.input(1), updates = node.input(2);
  FailureOr<int64_t> axis = node.attrAxis("axis", 0, b.rank(data));
  FailureOr<Reduction> reduction = readReduction(node);
  if (failed(axis) || failed(reduction))
    return failure();
  if (b.rank(indices) != b.rank(data) || b.rank(updates) != b.rank(data))
    return node.fail("data, indices and updates differ in rank");
  Value size = b.toValue(b.dim(data, *axis));
  if (failed(
          requireElements(node, b.dim(data, *axis), b.shape(indices), "data")))
    return failure();
  for (int64_t i = 0; i < b.rank(data); ++i) {
    if (failed(requireEqual(node, b.dim(updates, i), b.dim(indices, i),
                            "updates")))
      return failure();
    if (i != *axis && failed(requireAtMost(node, b.dim(indices, i),
                                           b.dim(data, i), "indices")))
      return failure();
  }
  bool isUnsigned = node.isUnsigned(0);
  Value result = s.forNest(
      s.dims(indices), data, [&](ValueRange position, ValueRange carried) {
        SmallVector<Value> target(position);
        target[*axis] = s.wrapIndex(s.extract(indices, position), size);
        Value update = s.extract(updates, position);
        return ScalarCode::Values{
            scatterOne(s, *reduction, isUnsigned, update, carried[0], target)};
      })[0];
  return node.bindOutput(0, result);
}

/// data[indices[i, :], rest] = updates[i, rest]
static LogicalResult importScatterND(NodeImporter &node) {
  TensorBuilder &b = node.b();
  ScalarCode s(b);
  Value data = node.input(0), indices = node.input(1), updates = node.input(2);
  FailureOr<Reduction> reduction = readReduction(node);
  if (failed(reduction))
    return failure();
  int64_t outer = b.rank(indices) - 1;
  int64_t tuple =
      outer < 0 ? ShapedType::kDynamic : b.type(indices).getShape().back();
  if (ShapedType::isDynamic(tuple))
    return node.fail(
        "the last dimension of indices has to be known at compile time");
  if (tuple > b.rank(data) || b.rank(updates) != outer + b.rank(data) - tuple)
    return node.fail("index tuples of " + Twine(tuple) +
                     " do not fit data of rank " + Twine(b.rank(data)) +
                     " and updates of rank " + Twine(b.rank(updates)));
  SmallVector<Value> sizes = s.dims(data), loops = s.dims(indices);
  loops.pop_back();
  for (int64_t i = 0; i < tuple; ++i)
    if (failed(requireElements(node, b.dim(data, i), b.shape(updates), "data")))
      return failure();
  for (int64_t i = 0; i < b.rank(updates); ++i) {
    OpFoldResult wanted =
        i < outer ? b.dim(indices, i) : b.dim(data, i - outer + tuple);
    if (failed(requireEqual(node, b.dim(updates, i), wanted, "updates")))
      return failure();
  }
  bool isUnsigned = node.isUnsigned(0);
  Value result =
      s.forNest(loops, data, [&](ValueRange outerPosition, ValueRange carried) {
        SmallVector<Value> target, entry(outerPosition);
        for (int64_t i = 0; i < tuple; ++i) {
          entry.push_back(s.index(i));
          target.push_back(s.wrapIndex(s.extract(indices, entry), sizes[i]));
          entry.pop_back();
        }
        ArrayRef<Value> rest = ArrayRef<Value>(sizes).drop_front(tuple);
        return s.forNest(
            rest, carried, [&](ValueRange inner, ValueRange values) {
              SmallVector<Value> position(target), source(outerPosition);
              llvm::append_range(position, inner);
              llvm::append_range(source, inner);
              Value update = s.extract(updates, source);
              return ScalarCode::Values{scatterOne(
                  s, *reduction, isUnsigned, update, values[0], position)};
            });
      })[0];
  return node.bindOutput(0, result);
}

/// Writes new keys or values into a cache, each batch entry at its own place.
static LogicalResult importTensorScatter(NodeImporter &node) {
  TensorBuilder &b = node.b();
  ScalarCode s(b);
  Value cache = node.input(0), update = node.input(1), starts = node.input(2);
  FailureOr<int64_t> axis = node.attrAxis("axis", -2, b.rank(cache));
  if (failed(axis))
    return failure();
  std::string mode = node.attrString("mode", "linear");
  if (mode != "linear" && mode != "circular")
    return node.fail("unknown mode '" + Twine(mode) + "'");
  if (*axis == 0 || b.rank(update) != b.rank(cache))
    return node.fail(
        "cache and update need one rank, and an axis behind the batch");
  for (int64_t i = 0; i < b.rank(cache); ++i)
    if (failed(i == *axis ? requireAtMost(node, b.dim(update, i),
                                          b.dim(cache, i), "update")
                          : requireEqual(node, b.dim(update, i),
                                         b.dim(cache, i), "update")))
      return failure();
  if (failed(requireRank(node, 2, 1)))
    return failure();
  if (starts && failed(requireEqual(node, b.dim(starts, 0), b.dim(cache, 0),
                                    "write_indices")))
    return failure();
  Value size = b.toValue(b.dim(cache, *axis));
  Value result = s.forNest(
      s.dims(update), cache, [&](ValueRange position, ValueRange carried) {
        SmallVector<Value> target(position);
        if (starts) {
          Value at =
              s.add(s.toIndex(s.extract(starts, position[0])), position[*axis]);
          if (mode == "circular")
            at = s.rem(at, size);
          target[*axis] = s.wrapIndex(at, size);
        }
        return ScalarCode::Values{
            s.insert(s.extract(update, position), carried[0], target)};
      })[0];
  return node.bindOutput(0, result);
}

void fovea::frontend::registerScatterOps(OpRegistry &registry) {
  registry.add("ScatterElements", importScatterElements);
  registry.add("Scatter", importScatterElements); // its name before opset 11
  registry.add("ScatterND", importScatterND);
  registry.add("TensorScatter", importTensorScatter);
}
