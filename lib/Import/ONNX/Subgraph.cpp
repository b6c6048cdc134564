//===- Subgraph.cpp - Loops over ONNX graphs ------------------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Subgraph.h"

#include "Packed.h"
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
// The states
//===----------------------------------------------------------------------===//

/// How often `name` is read in `graph`, as one of its outputs too.
static int countUses(const onnx::GraphProto &graph, StringRef name) {
  int uses = 0;
  for (const auto &output : graph.output())
    uses += output.name() == name;
  for (const auto &node : graph.node()) {
    uses += llvm::count(node.input(), name);
    for (const auto &attribute : node.attribute())
      if (attribute.has_g())
        uses += countUses(attribute.g(), name);
  }
  return uses;
}

/// Whether all that the body does with the sequence is to append to it.
bool GraphLoop::onlyAppends(size_t state) const {
  const Binding &initial = states[state];
  if ((!initial.sequence && !initial.stacked) || initial.present)
    return false;
  const std::string &before = body.input(firstState + state).name(),
                    &after = body.output(bodyHasCondition + state).name();
  if (countUses(body, before) != 1 || countUses(body, after) != 1)
    return false;
  return llvm::any_of(body.node(), [&](const onnx::NodeProto &insert) {
    return insert.op_type() == "SequenceInsert" && insert.domain().empty() &&
           insert.input(0) == before && insert.output(0) == after &&
           (insert.input_size() < 3 || insert.input(2).empty());
  });
}

/// Whether that makes a stack of what there was and the elements that come.
bool GraphLoop::keepsAppending(size_t state, RankedTensorType element) {
  TensorType first = sequenceElement(node.b(), states[state]);
  return element.hasStaticShape() && (!first || first == element);
}

void GraphLoop::chooseForms() {
  TensorBuilder &b = node.b();
  forms.clear();
  for (auto [i, state] : llvm::enumerate(states)) {
    Form form = formOf(b, state, /*lists=*/false);
    // Of an empty sequence only the declared type of the body may know more.
    std::string ignored;
    if (form.kind == Form::Packed && !form.type) {
      FailureOr<Form> declared =
          formOf(body.input(firstState + i).type(), b.getContext(), ignored);
      auto type = failed(declared)
                      ? RankedTensorType()
                      : dyn_cast_or_null<RankedTensorType>(declared->type);
      if (type && declared->kind == Form::Packed &&
          declared->dtype == form.dtype)
        form.type = RankedTensorType::get(
            SmallVector<int64_t>(type.getRank(), ShapedType::kDynamic),
            type.getElementType());
    }
    forms.push_back(form);
  }
}

//===----------------------------------------------------------------------===//
// The body
//===----------------------------------------------------------------------===//

/// Imports the body once at the insertion point. `carried` starts with the
/// parts of the states.
FailureOr<GraphLoop::Iteration>
GraphLoop::importBody(Value iteration, Value condition, ValueRange carried) {
  SmallVector<Binding> current;
  for (size_t i = 0; i < states.size(); ++i) {
    Binding binding;
    binding.dtype = states[i].dtype;
    if (appends[i]) // What an iteration adds is what it makes of an empty list.
      binding.sequence = std::make_shared<SequenceList>();
    else
      binding = fromParts(forms[i], carried);
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
    found.states.push_back(*result++);
    if (appends[i])
      appended.push_back(found.states.back().sequence->elements.front());
  }
  found.outputs.assign(result, results->end());
  llvm::append_range(found.outputs, appended);
  for (Binding &output : found.outputs)
    if (!output.value || output.stacked || output.present)
      return node.fail("a scan output has to be a tensor");
  return found;
}

/// Imports the body into a loop that is thrown away, to see the forms it gives.
/// True where those of the states hold.
FailureOr<bool> GraphLoop::probeOnce() {
  TensorBuilder &b = node.b();
  OpBuilder::InsertionGuard guard(b);
  SmallVector<Value> inits = initialParts();
  auto trial = scf::ForOp::create(b, b.index(0), tripCount, b.index(1), inits);
  b.setInsertionPointToEnd(trial.getBody());
  Value always = b.scalar(b.getI1Type(), 1);
  FailureOr<Iteration> results =
      importBody(trial.getInductionVar(), always, trial.getRegionIterArgs());
  bool holds = true;
  std::string mismatch;
  if (succeeded(results)) {
    outputElements = results->outputs;
    elementTypes.clear();
    for (const Binding &output : results->outputs)
      elementTypes.push_back(b.type(output.value));
    size_t nextAppended = scanOutputs;
    for (size_t i = 0; i < states.size(); ++i) {
      if (appends[i]) {
        appends[i] = keepsAppending(i, elementTypes[nextAppended++]);
        holds &= appends[i];
        continue;
      }
      std::string why;
      FailureOr<Form> joined =
          join(forms[i], formOf(b, results->states[i], /*lists=*/false), why);
      if (failed(joined)) {
        mismatch = ("state " + Twine(i) + " has " + why).str();
        continue;
      }
      holds &= *joined == forms[i];
      forms[i] = *joined;
    }
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
  for (size_t i = 0; i < states.size(); ++i)
    appends.push_back(onlyAppends(i));
  chooseForms();
  // Each round makes less known, so this ends.
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

/// What the loop starts with of its states.
SmallVector<Value> GraphLoop::initialParts() {
  SmallVector<Value> parts;
  for (auto [i, state] : llvm::enumerate(states))
    if (!appends[i])
      llvm::append_range(parts, toParts(node.b(), state, forms[i]));
  return parts;
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
  ScalarCode s(b);
  Value same = s.eq(b.toValue(count), s.index(0)), fits = same;
  for (int64_t d = 0; d < b.rank(slab); ++d)
    if (d != axis && b.type(carried).isDynamicDim(d)) {
      Value equal = s.eq(b.toValue(b.dim(carried, d)), b.toValue(shape[d]));
      fits = fits == same ? equal : s.both(fits, equal);
    }
  if (fits != same)
    b.runtimeCheck(s.either(same, fits),
                   "a scan output changes its shape between iterations");
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
    if (!appends[i])
      llvm::append_range(yielded, toParts(b, results.states[i], forms[i]));
  for (auto [i, output] : llvm::enumerate(results.outputs)) {
    Value element = b.castShape(output.value, elementTypes[i]);
    yielded.push_back(
        appendOutput(i, iteration, carried[yielded.size()], element));
  }
  return yielded;
}

/// What the loop starts with: the states and the scan outputs.
SmallVector<Value> GraphLoop::initialCarried() {
  SmallVector<Value> inits = initialParts();
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
  for (auto [i, form] : llvm::enumerate(forms))
    if (!appends[i] &&
        (form.kind == Form::Packed ||
         (form.kind == Form::Tensor &&
          (!states[i] || form.type != states[i].value.getType()))))
      return true;
  for (size_t i = 0; i < elementTypes.size(); ++i)
    if (!isPreallocated(i))
      return true;
  return false;
}

/// What an appended sequence is after the loop: its first elements, and those
/// that the loop stacked.
Binding GraphLoop::finalSequence(const Binding &initial, Value appended) {
  TensorBuilder &b = node.b();
  Binding result;
  result.stacked = true;
  result.dtype = initial.dtype;
  SmallVector<Value> parts;
  if (initial.stacked)
    parts.push_back(initial.value);
  else
    for (const Binding &element : initial.sequence->elements)
      parts.push_back(b.unsqueeze(element.value, {0}));
  parts.push_back(appended);
  result.value = b.concat(parts, 0);
  return result;
}

FailureOr<SmallVector<Binding>> GraphLoop::build() {
  scanOutputs = outputAxes.size();
  // A body that never runs need not make sense for what it would get.
  if (!scanOutputs && getConstantIntValue(getAsOpFoldResult(tripCount)) == 0)
    return states;
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
  ValueRange parts = *values;
  SmallVector<Binding> results(states.size());
  for (size_t i = 0; i < states.size(); ++i)
    if (!appends[i])
      results[i] = fromParts(forms[i], parts);
  size_t nextAppended = scanOutputs;
  for (size_t i = 0; i < states.size(); ++i) {
    if (!appends[i])
      continue;
    results[i] = finalSequence(states[i], parts[nextAppended]);
    results[i].dtype = outputElements[nextAppended++].dtype;
  }
  for (size_t i = 0; i < scanOutputs; ++i) {
    Binding binding;
    binding.value = parts[i];
    binding.dtype = outputElements[i].dtype;
    results.push_back(binding);
  }
  return results;
}
