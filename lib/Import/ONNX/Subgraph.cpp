//===- Subgraph.cpp - Loops over ONNX graphs ------------------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Subgraph.h"

#include "ScalarCode.h"

using namespace mlir;
using namespace fovea::frontend;

RankedTensorType fovea::frontend::joinShapes(RankedTensorType a,
                                             RankedTensorType b) {
  if (a.getRank() != b.getRank() || a.getElementType() != b.getElementType())
    return {};
  SmallVector<int64_t> shape;
  for (auto [x, y] : llvm::zip_equal(a.getShape(), b.getShape()))
    shape.push_back(x == y ? x : ShapedType::kDynamic);
  return RankedTensorType::get(shape, a.getElementType());
}

//===----------------------------------------------------------------------===//
// The body
//===----------------------------------------------------------------------===//

/// Imports the body once at the insertion point. `carried` starts with the
/// tensors of the states.
FailureOr<GraphLoop::Iteration>
GraphLoop::importBody(Value iteration, Value condition, ValueRange carried) {
  SmallVector<Binding> current;
  size_t next = 0;
  for (size_t i = 0; i < states.size(); ++i) {
    Binding binding;
    binding.dtype = states[i].dtype;
    if (isState(i))
      binding.value = carried[next++];
    else // What is appended to an empty sequence is what an iteration adds.
      binding.sequence = std::make_shared<std::vector<Binding>>();
    current.push_back(binding);
  }
  FailureOr<SmallVector<Binding>> results =
      node.importGraph(body, arguments(iteration, condition, current));
  if (failed(results))
    return failure();
  size_t expected = bodyHasCondition + states.size() + scanOutputs;
  if (results->size() != expected)
    return node.fail("the body has " + Twine(results->size()) +
                     " results instead of " + Twine(expected));
  Iteration found;
  auto result = results->begin();
  if (bodyHasCondition)
    found.condition = (result++)->value;
  SmallVector<Binding> appended;
  for (size_t i = 0; i < states.size(); ++i) {
    Binding state = *result++;
    if (isState(i) != (state.value && !state.stacked))
      return node.fail(
          "state " + Twine(i) +
          " is a tensor and becomes a sequence or the other way round");
    if (!isState(i)) {
      if (!state.sequence || state.sequence->size() != 1)
        return node.fail("a sequence carried through a loop has to get exactly "
                         "one element per iteration, at its end");
      appended.push_back(state.sequence->front());
    }
    found.states.push_back(state);
  }
  found.outputs.assign(result, results->end());
  llvm::append_range(found.outputs, appended);
  for (Binding &output : found.outputs)
    if (!output.value)
      return node.fail("a sequence as scan output or as element of a sequence "
                       "is not supported");
  return found;
}

/// Imports the body into a loop that is thrown away, to see the types it gives.
/// True where the carried types hold.
FailureOr<bool> GraphLoop::probeOnce() {
  TensorBuilder &b = node.b();
  OpBuilder::InsertionGuard guard(b);
  SmallVector<Value> inits;
  for (auto [value, type] : llvm::zip_equal(initialValues(), stateTypes))
    inits.push_back(b.castShape(value, type));
  auto trial = scf::ForOp::create(b, b.index(0), tripCount, b.index(1), inits);
  b.setInsertionPointToEnd(trial.getBody());
  Value always = b.scalar(b.getI1Type(), 1);
  FailureOr<Iteration> results =
      importBody(trial.getInductionVar(), always, trial.getRegionIterArgs());
  bool holds = true;
  std::string mismatch;
  if (succeeded(results)) {
    size_t next = 0;
    for (size_t i = 0; i < states.size(); ++i) {
      if (!isState(i))
        continue;
      RankedTensorType joined =
          joinShapes(stateTypes[next], b.type(results->states[i].value));
      if (!joined)
        mismatch =
            ("state " + Twine(i) + " changes its rank or element type").str();
      else
        holds &= joined == stateTypes[next];
      stateTypes[next++] = joined;
    }
    outputElements = results->outputs;
    elementTypes.clear();
    for (const Binding &output : results->outputs)
      elementTypes.push_back(b.type(output.value));
    if (results->condition) {
      std::optional<SmallVector<int64_t>> known =
          b.constantInts(results->condition);
      endsEarly = !known || known->size() != 1 || known->front() == 0;
    }
  }
  b.forgetInside(trial);
  trial.erase();
  if (!mismatch.empty())
    return node.fail(mismatch);
  if (failed(results))
    return failure();
  return holds;
}

LogicalResult GraphLoop::probe() {
  for (Value value : initialValues())
    stateTypes.push_back(node.b().type(value));
  // Each round makes a size dynamic, so this ends.
  while (true) {
    FailureOr<bool> holds = probeOnce();
    if (failed(holds))
      return failure();
    if (*holds)
      break;
  }
  for (size_t i = outputAxes.size(); i < elementTypes.size(); ++i) {
    outputAxes.push_back(0);
    outputReversed.push_back(false);
  }
  for (auto [axis, type] : llvm::zip_equal(outputAxes, elementTypes)) {
    if (axis < 0)
      axis += type.getRank() + 1;
    if (axis < 0 || axis > type.getRank())
      return node.fail("a scan output axis is out of range");
  }
  return success();
}

SmallVector<Value> GraphLoop::initialValues() {
  SmallVector<Value> values;
  for (size_t i = 0; i < states.size(); ++i)
    if (isState(i))
      values.push_back(states[i].value);
  return values;
}

//===----------------------------------------------------------------------===//
// Scan outputs
//===----------------------------------------------------------------------===//

Value GraphLoop::initialOutput(size_t i) {
  TensorBuilder &b = node.b();
  Dims dims;
  for (int64_t size : elementTypes[i].getShape())
    dims.push_back(b.attr(ShapedType::isDynamic(size) ? 0 : size));
  dims.insert(dims.begin() + outputAxes[i],
              isPreallocated(i) ? b.toDim(tripCount) : b.attr(0));
  Value output = b.empty(dims, elementTypes[i].getElementType());
  if (isPreallocated(i))
    return output;
  SmallVector<int64_t> shape(elementTypes[i].getShape());
  shape.insert(shape.begin() + outputAxes[i], ShapedType::kDynamic);
  return b.castShape(
      output, RankedTensorType::get(shape, elementTypes[i].getElementType()));
}

/// Writes the element of one iteration to its place. Where the final size is
/// not known before the loop, the output grows by a copy.
Value GraphLoop::appendOutput(size_t i, Value iteration, Value carried,
                              Value element) {
  TensorBuilder &b = node.b();
  int64_t axis = outputAxes[i];
  Value slab = b.unsqueeze(element, {axis});
  Dims offsets(b.rank(carried), b.attr(0));
  if (isPreallocated(i)) {
    offsets[axis] = b.toDim(iteration);
    if (outputReversed[i])
      offsets[axis] =
          b.sub(b.sub(b.toDim(tripCount), b.attr(1)), offsets[axis]);
    slab = b.castShape(slab, b.typeFor(b.shape(slab), b.elementType(slab)));
    return b.insert(slab, carried, offsets);
  }
  OpFoldResult count = b.dim(carried, axis);
  Dims shape = b.shape(slab);
  shape[axis] = b.add(count, b.attr(1));
  Value grown = b.empty(shape, b.elementType(carried));
  Dims oldOffsets = offsets;
  oldOffsets[axis] = b.attr(outputReversed[i] ? 1 : 0);
  if (!outputReversed[i])
    offsets[axis] = count;
  grown = b.insert(carried, grown, oldOffsets);
  grown = b.insert(slab, grown, offsets);
  return b.castShape(grown, b.type(carried));
}

//===----------------------------------------------------------------------===//
// The loop
//===----------------------------------------------------------------------===//

FailureOr<SmallVector<Value>>
GraphLoop::finishIteration(const Iteration &results, Value iteration,
                           ValueRange carried) {
  TensorBuilder &b = node.b();
  SmallVector<Value> yielded;
  for (size_t i = 0; i < states.size(); ++i)
    if (isState(i))
      yielded.push_back(
          b.castShape(results.states[i].value, stateTypes[yielded.size()]));
  for (auto [i, output] : llvm::enumerate(results.outputs)) {
    Value element = b.castShape(output.value, elementTypes[i]);
    yielded.push_back(
        appendOutput(i, iteration, carried[yielded.size()], element));
  }
  return yielded;
}

/// What the loop starts with: the states and the scan outputs.
SmallVector<Value> GraphLoop::initialCarried() {
  TensorBuilder &b = node.b();
  SmallVector<Value> inits;
  for (auto [value, type] : llvm::zip_equal(initialValues(), stateTypes))
    inits.push_back(b.castShape(value, type));
  for (size_t i = 0; i < elementTypes.size(); ++i)
    inits.push_back(initialOutput(i));
  return inits;
}

FailureOr<SmallVector<Value>> GraphLoop::buildFor() {
  TensorBuilder &b = node.b();
  SmallVector<Value> inits = initialCarried();
  OpBuilder::InsertionGuard guard(b);
  auto loop = scf::ForOp::create(b, b.index(0), tripCount, b.index(1), inits);
  if (inits.empty())
    b.setInsertionPoint(loop.getBody()->getTerminator());
  else
    b.setInsertionPointToEnd(loop.getBody());
  Value iteration = loop.getInductionVar();
  FailureOr<Iteration> results = importBody(
      iteration, b.scalar(b.getI1Type(), 1), loop.getRegionIterArgs());
  if (failed(results))
    return failure();
  FailureOr<SmallVector<Value>> yielded =
      finishIteration(*results, iteration, loop.getRegionIterArgs());
  if (failed(yielded))
    return failure();
  if (!inits.empty())
    scf::YieldOp::create(b, *yielded);
  return SmallVector<Value>(loop.getResults());
}

/// while (iteration < tripCount && condition): carries the one in front and the
/// other, which has no use after the loop, at the end.
FailureOr<SmallVector<Value>> GraphLoop::buildWhile() {
  TensorBuilder &b = node.b();
  ScalarCode s(b);
  Value always = b.scalar(b.getI1Type(), 1);
  SmallVector<Value> inits = {b.index(0)};
  llvm::append_range(inits, initialCarried());
  inits.push_back(condition ? condition : always);
  bool fine = true;
  SmallVector<Value> results = s.whileLoop(
      inits,
      [&](ValueRange carried) {
        return s.both(s.lt(carried[0], tripCount), carried.back());
      },
      [&](ValueRange carried) {
        ScalarCode::Values next = {s.add(carried[0], s.index(1))};
        ValueRange tensors = carried.drop_front().drop_back();
        FailureOr<Iteration> found = importBody(carried[0], always, tensors);
        FailureOr<SmallVector<Value>> rest = failure();
        if (succeeded(found))
          rest = finishIteration(*found, carried[0], tensors);
        if (failed(rest)) {
          fine = false;
          return ScalarCode::Values(carried);
        }
        llvm::append_range(next, *rest);
        next.push_back(endsEarly ? b.extractScalar(found->condition)
                                 : carried.back());
        return next;
      });
  if (!fine)
    return failure();
  return SmallVector<Value>(ArrayRef<Value>(results).drop_front().drop_back());
}

/// Whether a carried tensor may change its size. The canonicalization of
/// scf.for takes such a tensor back to the size that it starts with; that of
/// scf.while does not.
bool GraphLoop::changesSizes() {
  for (auto [value, type] : llvm::zip_equal(initialValues(), stateTypes))
    if (value.getType() != type)
      return true;
  for (size_t i = 0; i < elementTypes.size(); ++i)
    if (!isPreallocated(i))
      return true;
  return false;
}

/// What a sequence state is after the loop: its first elements, and those that
/// the loop stacked.
FailureOr<Binding> GraphLoop::finalSequence(const Binding &initial,
                                            Value appended) {
  TensorBuilder &b = node.b();
  Binding result;
  result.stacked = true;
  result.dtype = initial.dtype;
  SmallVector<Value> parts;
  if (initial.stacked)
    parts.push_back(initial.value);
  else
    for (const Binding &element : *initial.sequence)
      parts.push_back(b.unsqueeze(element.value, {0}));
  parts.push_back(appended);
  for (Value part : parts)
    if (b.rank(part) != b.rank(appended) ||
        b.elementType(part) != b.elementType(appended))
      return node.fail("a sequence of tensors of different ranks is not "
                       "supported in a loop");
  result.value = b.concat(parts, 0);
  return result;
}

FailureOr<SmallVector<Binding>> GraphLoop::build() {
  scanOutputs = outputAxes.size();
  if (failed(probe()))
    return failure();
  if (condition && !endsEarly) {
    TensorBuilder &b = node.b();
    tripCount =
        b.createOrFold<arith::SelectOp>(condition, tripCount, b.index(0));
  }
  FailureOr<SmallVector<Value>> values =
      endsEarly || changesSizes() ? buildWhile() : buildFor();
  if (failed(values))
    return failure();
  size_t tensors = stateTypes.size();
  SmallVector<Binding> results;
  size_t nextTensor = 0, nextSequence = tensors + scanOutputs;
  for (size_t i = 0; i < states.size(); ++i) {
    Binding binding = states[i];
    if (isState(i)) {
      binding.value = (*values)[nextTensor++];
    } else {
      size_t element = nextSequence - tensors;
      binding.dtype = outputElements[element].dtype;
      FailureOr<Binding> sequence =
          finalSequence(binding, (*values)[nextSequence++]);
      if (failed(sequence))
        return failure();
      binding = *sequence;
    }
    results.push_back(binding);
  }
  for (size_t i = 0; i < scanOutputs; ++i) {
    Binding binding;
    binding.value = (*values)[tensors + i];
    binding.dtype = outputElements[i].dtype;
    results.push_back(binding);
  }
  return results;
}
