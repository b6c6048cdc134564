//===- Loop.cpp - Loop and Scan -------------------------------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "../Checks.h"
#include "../ScalarCode.h"
#include "../Subgraph.h"
#include "Families.h"

#include <limits>

using namespace mlir;
using namespace fovea::frontend;

static LogicalResult bindAll(NodeImporter &node,
                             FailureOr<SmallVector<Binding>> results) {
  if (failed(results))
    return failure();
  for (auto [i, result] : llvm::enumerate(*results))
    if (failed(node.bindOutput(i, result)))
      return failure();
  return success();
}

static Binding scalarBinding(TensorBuilder &b, Value scalar, int32_t dtype) {
  Binding binding;
  binding.value =
      b.fromScalars({scalar}, RankedTensorType::get({}, scalar.getType()));
  binding.dtype = dtype;
  return binding;
}

static LogicalResult importLoop(NodeImporter &node) {
  TensorBuilder &b = node.b();
  const onnx::GraphProto *body = node.attrGraph("body");
  if (!body)
    return node.fail("the body is missing");
  size_t states = node.numInputs() > 2 ? node.numInputs() - 2 : 0;
  if (static_cast<size_t>(body->input_size()) != states + 2 ||
      static_cast<size_t>(body->output_size()) < states + 1)
    return node.fail("the body does not fit the number of loop-carried values");
  GraphLoop loop(node, *body);
  for (size_t i = 0; i < states; ++i)
    loop.states.push_back(node.binding(i + 2));
  loop.firstState = 2;
  loop.tripCount = node.input(0)
                       ? b.toValue(b.toDim(b.extractScalar(node.input(0))))
                       : b.index(std::numeric_limits<int64_t>::max());
  // A negative trip count runs nothing.
  loop.tripCount = ScalarCode(b).max(loop.tripCount, b.index(0));
  if (node.input(1))
    loop.condition = b.extractScalar(node.input(1));
  loop.bodyHasCondition = true;
  auto arguments = [&](Value iteration, Value condition,
                       ArrayRef<Binding> carried) {
    SmallVector<Binding> all = {
        scalarBinding(b, b.fromDim(iteration, b.getI64Type()),
                      onnx::TensorProto_DataType_INT64),
        scalarBinding(b, condition, onnx::TensorProto_DataType_BOOL)};
    llvm::append_range(all, carried);
    return all;
  };
  loop.arguments = arguments;
  size_t outputs = body->output_size() - 1 - states;
  loop.outputAxes.assign(outputs, 0);
  loop.outputReversed.assign(outputs, false);
  return bindAll(node, loop.build());
}

/// An integer list attribute with one entry per scan input or output.
static FailureOr<SmallVector<int64_t>>
readPerScan(NodeImporter &node, StringRef name, size_t count) {
  SmallVector<int64_t> values =
      node.attrInts(name).value_or(SmallVector<int64_t>(count, 0));
  if (values.size() != count)
    return node.fail("attribute '" + name + "' needs " + Twine(count) +
                     " values");
  return values;
}

static LogicalResult importScan(NodeImporter &node) {
  TensorBuilder &b = node.b();
  const onnx::GraphProto *body = node.attrGraph("body");
  int64_t scans = node.attrInt("num_scan_inputs", 0);
  int64_t states = static_cast<int64_t>(node.numInputs()) - scans;
  if (!body || scans < 1 || states < 0 ||
      body->input_size() != states + scans || body->output_size() < states)
    return node.fail("the body does not fit num_scan_inputs and the inputs");
  size_t outputs = body->output_size() - states;
  FailureOr<SmallVector<int64_t>> axes =
      readPerScan(node, "scan_input_axes", scans);
  FailureOr<SmallVector<int64_t>> directions =
      readPerScan(node, "scan_input_directions", scans);
  FailureOr<SmallVector<int64_t>> outputAxes =
      readPerScan(node, "scan_output_axes", outputs);
  FailureOr<SmallVector<int64_t>> outputDirections =
      readPerScan(node, "scan_output_directions", outputs);
  if (failed(axes) || failed(directions) || failed(outputAxes) ||
      failed(outputDirections))
    return failure();
  GraphLoop loop(node, *body);
  for (int64_t i = 0; i < states; ++i)
    loop.states.push_back(node.binding(i));
  OpFoldResult length;
  for (int64_t i = 0; i < scans; ++i) {
    FailureOr<int64_t> axis =
        node.normalizeAxis((*axes)[i], node.rank(states + i));
    if (failed(axis))
      return failure();
    (*axes)[i] = *axis;
    OpFoldResult size = b.dim(node.input(states + i), *axis);
    if (i == 0)
      length = size;
    else if (failed(requireEqual(node, length, size, "scan input " + Twine(i))))
      return failure();
  }
  loop.tripCount = b.toValue(length);
  auto arguments = [&](Value iteration, Value, ArrayRef<Binding> carried) {
    SmallVector<Binding> all(carried);
    for (int64_t i = 0; i < scans; ++i) {
      OpFoldResult at = b.toDim(iteration);
      if ((*directions)[i])
        at = b.sub(b.sub(length, b.attr(1)), at);
      Binding slice = node.binding(states + i);
      slice.value = b.squeeze(
          b.sliceAxis(slice.value, (*axes)[i], at, b.attr(1)), {(*axes)[i]});
      all.push_back(slice);
    }
    return all;
  };
  loop.arguments = arguments;
  loop.outputAxes = *outputAxes;
  for (int64_t direction : *outputDirections)
    loop.outputReversed.push_back(direction != 0);
  return bindAll(node, loop.build());
}

void fovea::frontend::registerLoopOps(OpRegistry &registry) {
  registry.add("Loop", importLoop);
  registry.add("Scan", importScan);
}
