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

namespace {
/// What a Scan runs over: attributes with one entry per scan input or output.
struct ScanLayout {
  SmallVector<int64_t> axes, directions, outputAxes, outputDirections;
};
} // namespace

static FailureOr<SmallVector<Binding>> buildScan(NodeImporter &node,
                                                 const onnx::GraphProto &body,
                                                 ArrayRef<Binding> states,
                                                 ArrayRef<Binding> scans,
                                                 const ScanLayout &layout) {
  TensorBuilder &b = node.b();
  GraphLoop loop(node, body);
  loop.states.assign(states.begin(), states.end());
  SmallVector<int64_t> axes;
  OpFoldResult length;
  for (auto [i, scan] : llvm::enumerate(scans)) {
    FailureOr<int64_t> axis =
        node.normalizeAxis(layout.axes[i], b.rank(scan.value));
    if (failed(axis))
      return failure();
    axes.push_back(*axis);
    OpFoldResult size = b.dim(scan.value, *axis);
    if (i == 0)
      length = size;
    else if (failed(requireEqual(node, length, size, "scan input " + Twine(i))))
      return failure();
  }
  loop.tripCount = b.toValue(length);
  auto arguments = [&](Value iteration, Value, ArrayRef<Binding> carried) {
    SmallVector<Binding> all(carried);
    for (auto [i, scan] : llvm::enumerate(scans)) {
      OpFoldResult at = b.toDim(iteration);
      if (layout.directions[i])
        at = b.sub(b.sub(length, b.attr(1)), at);
      Binding slice = scan;
      slice.value = b.squeeze(b.sliceAxis(slice.value, axes[i], at, b.attr(1)),
                              {axes[i]});
      all.push_back(slice);
    }
    return all;
  };
  loop.arguments = arguments;
  loop.outputAxes = layout.outputAxes;
  for (int64_t direction : layout.outputDirections)
    loop.outputReversed.push_back(direction != 0);
  return loop.build();
}

/// Opset 8: everything has a batch dimension in front, and each entry of the
/// batch is a scan of its own.
static LogicalResult importBatchedScan(NodeImporter &node,
                                       const onnx::GraphProto &body,
                                       size_t states, ScanLayout layout) {
  TensorBuilder &b = node.b();
  if (node.input(0))
    return node.fail("sequence_lens is not supported");
  constexpr int64_t maxBatch = 64;
  int64_t batch = node.rank(1) ? node.inputType(1).getDimSize(0) : 0;
  if (batch < 1 || batch > maxBatch)
    return node.fail("the batch has to be known and between 1 and " +
                     Twine(maxBatch) + " in opset 8");
  SmallVector<SmallVector<Value>> parts(node.numOutputs());
  for (int64_t entry = 0; entry < batch; ++entry) {
    SmallVector<Binding> inputs;
    for (size_t i = 1; i < node.numInputs(); ++i) {
      Binding input = node.binding(i);
      if (failed(requireEqual(node, b.dim(input.value, 0), b.attr(batch),
                              "the batch of input " + Twine(i))))
        return failure();
      input.value =
          b.squeeze(b.sliceAxis(input.value, 0, b.attr(entry), b.attr(1)), {0});
      inputs.push_back(input);
    }
    ArrayRef<Binding> all = inputs;
    auto results = buildScan(node, body, all.take_front(states),
                             all.drop_front(states), layout);
    if (failed(results))
      return failure();
    for (auto [part, result] : llvm::zip(parts, *results))
      part.push_back(b.unsqueeze(result.value, {0}));
  }
  for (auto [i, part] : llvm::enumerate(parts))
    if (failed(node.bindOutput(i, b.concat(part, 0))))
      return failure();
  return success();
}

static LogicalResult importScan(NodeImporter &node) {
  const onnx::GraphProto *body = node.attrGraph("body");
  bool isBatched = node.opset() < 9;
  int64_t scans = node.attrInt("num_scan_inputs", 0);
  int64_t states =
      static_cast<int64_t>(node.numInputs()) - scans - (isBatched ? 1 : 0);
  if (!body || scans < 1 || states < 0 ||
      body->input_size() != states + scans || body->output_size() < states)
    return node.fail("the body does not fit num_scan_inputs and the inputs");
  size_t outputs = body->output_size() - states;
  FailureOr<SmallVector<int64_t>> axes =
      readPerScan(node, "scan_input_axes", scans);
  FailureOr<SmallVector<int64_t>> directions = readPerScan(
      node, isBatched ? "directions" : "scan_input_directions", scans);
  FailureOr<SmallVector<int64_t>> outputAxes =
      readPerScan(node, "scan_output_axes", outputs);
  FailureOr<SmallVector<int64_t>> outputDirections =
      readPerScan(node, "scan_output_directions", outputs);
  if (failed(axes) || failed(directions) || failed(outputAxes) ||
      failed(outputDirections))
    return failure();
  ScanLayout layout{*axes, *directions, *outputAxes, *outputDirections};
  if (isBatched)
    return importBatchedScan(node, *body, states, layout);
  SmallVector<Binding> inputs;
  for (size_t i = 0; i < node.numInputs(); ++i)
    inputs.push_back(node.binding(i));
  ArrayRef<Binding> all = inputs;
  return bindAll(node, buildScan(node, *body, all.take_front(states),
                                 all.drop_front(states), layout));
}

void fovea::frontend::registerLoopOps(OpRegistry &registry) {
  registry.add("Loop", importLoop);
  registry.add("Scan", importScan);
}
