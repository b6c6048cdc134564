//===- Sequence.cpp - Sequences -------------------------------------------===//
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

// A sequence whose length is known at compile time is a list of values and
// leaves no trace in the IR. One that a loop built is a stacked tensor.

static LogicalResult bindList(NodeImporter &node,
                              std::vector<Binding> elements) {
  Binding binding;
  binding.sequence =
      std::make_shared<std::vector<Binding>>(std::move(elements));
  return node.bindOutput(0, binding);
}

static LogicalResult bindStack(NodeImporter &node, Value stack, int32_t dtype) {
  Binding binding;
  binding.value = stack;
  binding.stacked = true;
  binding.dtype = dtype;
  return node.bindOutput(0, binding);
}

static LogicalResult bindTensor(NodeImporter &node, FailureOr<Value> value,
                                int32_t dtype) {
  return node.bindOutput(0, value, dtype);
}

/// A sequence input, or a report that it is none.
static FailureOr<Binding> readSequence(NodeImporter &node, size_t i) {
  Binding binding = node.binding(i);
  if (!binding.sequence && !binding.stacked)
    return node.fail("input " + Twine(i) + " is not a sequence");
  return binding;
}

/// A position in a list, known at compile time; `length` stands for the end.
static FailureOr<int64_t> readPosition(NodeImporter &node, size_t i,
                                       int64_t length, bool endAllowed) {
  std::optional<SmallVector<int64_t>> known = node.constantInts(i);
  if (!known || known->size() != 1)
    return node.fail(
        "the position in a sequence of known length has to be a constant");
  int64_t position =
      known->front() < 0 ? known->front() + length : known->front();
  if (position < 0 || position > length || (position == length && !endAllowed))
    return node.fail("position " + Twine(known->front()) +
                     " is out of range for a sequence of length " +
                     Twine(length));
  return position;
}

static LogicalResult importSequenceEmpty(NodeImporter &node) {
  return bindList(node, {});
}

static LogicalResult importSequenceConstruct(NodeImporter &node) {
  std::vector<Binding> elements;
  for (size_t i = 0; i < node.numInputs(); ++i) {
    if (!node.input(i))
      return node.fail("the elements of a sequence have to be tensors");
    elements.push_back(node.binding(i));
  }
  return bindList(node, std::move(elements));
}

/// Inserts into a stacked sequence: what is before, the element, what is after.
static LogicalResult insertIntoStack(NodeImporter &node,
                                     const Binding &sequence, Value element) {
  TensorBuilder &b = node.b();
  ScalarCode s(b);
  Value stack = sequence.value;
  if (b.rank(element) + 1 != b.rank(stack))
    return node.fail(
        "the elements of a sequence that a loop builds need one rank");
  Value added = b.unsqueeze(element, {0});
  if (!node.input(2))
    return bindStack(node, b.concat({stack, added}, 0), sequence.dtype);
  Value length = b.toValue(b.dim(stack, 0));
  Value position = s.toIndex(b.extractScalar(node.input(2)));
  position =
      s.select(s.lt(position, s.index(0)), s.add(position, length), position);
  b.runtimeCheck(s.both(s.le(s.index(0), position), s.le(position, length)),
                 "position out of range");
  OpFoldResult split = b.toDim(position);
  Value before = b.sliceAxis(stack, 0, b.attr(0), split);
  Value after = b.sliceAxis(stack, 0, split, b.sub(b.dim(stack, 0), split));
  return bindStack(node, b.concat({before, added, after}, 0), sequence.dtype);
}

static LogicalResult importSequenceInsert(NodeImporter &node) {
  FailureOr<Binding> sequence = readSequence(node, 0);
  if (failed(sequence))
    return failure();
  if (!node.input(1))
    return node.fail("the elements of a sequence have to be tensors");
  if (sequence->stacked)
    return insertIntoStack(node, *sequence, node.input(1));
  std::vector<Binding> elements = *sequence->sequence;
  size_t position = elements.size();
  if (node.input(2)) {
    FailureOr<int64_t> given =
        readPosition(node, 2, elements.size(), /*endAllowed=*/true);
    if (failed(given))
      return failure();
    position = *given;
  }
  elements.insert(elements.begin() + position, node.binding(1));
  return bindList(node, std::move(elements));
}

static LogicalResult importSequenceErase(NodeImporter &node) {
  FailureOr<Binding> sequence = readSequence(node, 0);
  if (failed(sequence))
    return failure();
  if (sequence->stacked)
    return node.fail("erasing from a sequence whose length is only known at "
                     "run time is not supported");
  std::vector<Binding> elements = *sequence->sequence;
  if (elements.empty())
    return node.fail("the sequence is empty");
  size_t position = elements.size() - 1;
  if (node.input(1)) {
    FailureOr<int64_t> given =
        readPosition(node, 1, elements.size(), /*endAllowed=*/false);
    if (failed(given))
      return failure();
    position = *given;
  }
  elements.erase(elements.begin() + position);
  return bindList(node, std::move(elements));
}

static LogicalResult importSequenceAt(NodeImporter &node) {
  TensorBuilder &b = node.b();
  FailureOr<Binding> sequence = readSequence(node, 0);
  if (failed(sequence))
    return failure();
  if (sequence->sequence) {
    FailureOr<int64_t> position =
        readPosition(node, 1, sequence->sequence->size(), /*endAllowed=*/false);
    if (failed(position))
      return failure();
    return node.bindOutput(0, (*sequence->sequence)[*position]);
  }
  ScalarCode s(b);
  Value stack = sequence->value, length = b.toValue(b.dim(stack, 0));
  Value position = s.toIndex(b.extractScalar(node.input(1)));
  position =
      s.select(s.lt(position, s.index(0)), s.add(position, length), position);
  b.runtimeCheck(s.both(s.le(s.index(0), position), s.lt(position, length)),
                 "position out of range");
  Value slice = b.sliceAxis(stack, 0, b.toDim(position), b.attr(1));
  return bindTensor(node, b.squeeze(slice, {0}), sequence->dtype);
}

static LogicalResult importSequenceLength(NodeImporter &node) {
  TensorBuilder &b = node.b();
  FailureOr<Binding> sequence = readSequence(node, 0);
  if (failed(sequence))
    return failure();
  OpFoldResult length = sequence->stacked ? b.dim(sequence->value, 0)
                                          : b.attr(sequence->sequence->size());
  auto type = RankedTensorType::get({}, b.getI64Type());
  return node.bindOutput(
      0, b.fromScalars({b.fromDim(length, b.getI64Type())}, type));
}

static LogicalResult importConcatFromSequence(NodeImporter &node) {
  TensorBuilder &b = node.b();
  FailureOr<Binding> sequence = readSequence(node, 0);
  if (failed(sequence))
    return failure();
  bool newAxis = node.attrInt("new_axis", 0) != 0;
  if (sequence->sequence && sequence->sequence->empty())
    return node.fail("the sequence is empty");
  int64_t rank = sequence->stacked ? b.rank(sequence->value) - 1
                                   : b.rank(sequence->sequence->front().value);
  FailureOr<int64_t> axis = node.attrAxis("axis", 0, rank + newAxis);
  if (failed(axis))
    return failure();
  if (sequence->sequence) {
    SmallVector<Value> parts;
    for (const Binding &element : *sequence->sequence) {
      if (b.rank(element.value) != rank)
        return node.fail("the elements of the sequence differ in rank");
      parts.push_back(newAxis ? b.unsqueeze(element.value, {*axis})
                              : element.value);
    }
    return bindTensor(node, b.concat(parts, *axis),
                      sequence->sequence->front().dtype);
  }
  // The dimension of the elements moves to the axis, and joins it unless new.
  SmallVector<int64_t> permutation;
  for (int64_t i = 1; i <= rank; ++i)
    permutation.push_back(i);
  permutation.insert(permutation.begin() + *axis, 0);
  Value moved = b.transpose(sequence->value, permutation);
  if (!newAxis) {
    Dims shape = b.shape(moved);
    shape[*axis] = b.mul(shape[*axis], shape[*axis + 1]);
    shape.erase(shape.begin() + *axis + 1);
    moved = b.reshape(moved, shape);
  }
  return bindTensor(node, moved, sequence->dtype);
}

/// The sizes of the pieces where their number is known; none where it is not.
static FailureOr<Dims> readPieces(NodeImporter &node, OpFoldResult size) {
  TensorBuilder &b = node.b();
  Dims pieces;
  if (node.input(1) && node.rank(1) == 1) {
    std::optional<Dims> given = b.dimsFrom(node.input(1));
    if (!given)
      return node.fail("the number of pieces is only known at run time");
    OpFoldResult total = b.attr(0);
    for (OpFoldResult piece : *given) {
      total = b.add(total, piece);
      if (failed(requireAtMost(node, b.attr(0), piece, "a piece")))
        return failure();
    }
    if (failed(requireEqual(node, total, size, "the sum of the pieces")))
      return failure();
    return *given;
  }
  std::optional<int64_t> whole = getConstantIntValue(size), step = 1;
  if (node.input(1)) {
    std::optional<SmallVector<int64_t>> given = node.constantInts(1);
    step = given ? std::optional(given->front()) : std::nullopt;
  }
  if (step && *step < 1)
    return node.fail("split has to be positive");
  if (step && whole)
    for (int64_t rest = *whole; rest > 0; rest -= *step)
      pieces.push_back(b.attr(std::min(rest, *step)));
  return pieces;
}

/// Pieces whose number is only known at run time, as a stack: of one size.
static LogicalResult splitIntoStack(NodeImporter &node, int64_t axis,
                                    bool keepDims) {
  TensorBuilder &b = node.b();
  ScalarCode s(b);
  Value x = node.input(0);
  OpFoldResult step = b.attr(1);
  if (node.input(1)) {
    Value given = s.max(s.toIndex(b.extractScalar(node.input(1))), s.index(1));
    Value rest = s.rem(s.dim(x, axis), given);
    b.runtimeCheck(s.eq(rest, s.index(0)),
                   "pieces of different sizes, in a number that is only known "
                   "at run time, are not supported");
    step = b.toDim(given);
  }
  Dims shape = b.shape(x);
  shape[axis] = b.div(shape[axis], step);
  shape.insert(shape.begin() + axis + 1, step);
  SmallVector<int64_t> permutation = {axis};
  for (int64_t i = 0; i <= b.rank(x); ++i)
    if (i != axis)
      permutation.push_back(i);
  Value stack = b.transpose(b.reshape(x, shape), permutation);
  return bindStack(node, keepDims ? stack : b.squeeze(stack, {axis + 1}),
                   node.dtype(0));
}

static LogicalResult importSplitToSequence(NodeImporter &node) {
  TensorBuilder &b = node.b();
  Value x = node.input(0);
  FailureOr<int64_t> axis = node.attrAxis("axis", 0, b.rank(x));
  if (failed(axis))
    return failure();
  bool keepDims = node.input(1) || node.attrInt("keepdims", 1) != 0;
  OpFoldResult size = b.dim(x, *axis);
  FailureOr<Dims> pieces = readPieces(node, size);
  if (failed(pieces))
    return failure();
  if (pieces->empty() && getConstantIntValue(size) != 0)
    return splitIntoStack(node, *axis, keepDims);
  std::vector<Binding> elements;
  OpFoldResult offset = b.attr(0);
  for (OpFoldResult piece : *pieces) {
    Binding element = node.binding(0);
    element.value = b.sliceAxis(x, *axis, offset, piece);
    if (!keepDims)
      element.value = b.squeeze(element.value, {*axis});
    elements.push_back(element);
    offset = b.add(offset, piece);
  }
  return bindList(node, std::move(elements));
}

//===----------------------------------------------------------------------===//
// Optional: whether there is a value is known at compile time
//===----------------------------------------------------------------------===//

static LogicalResult importOptional(NodeImporter &node) {
  return node.bindOutput(0, node.binding(0));
}

static LogicalResult importOptionalGetElement(NodeImporter &node) {
  if (!node.binding(0))
    return node.fail("the optional has no element");
  return node.bindOutput(0, node.binding(0));
}

static LogicalResult importOptionalHasElement(NodeImporter &node) {
  TensorBuilder &b = node.b();
  Value has = b.scalar(b.getI1Type(), static_cast<bool>(node.binding(0)));
  return node.bindOutput(
      0, b.fromScalars({has}, RankedTensorType::get({}, b.getI1Type())));
}

void fovea::frontend::registerSequenceOps(OpRegistry &registry) {
  registry.add("SequenceEmpty", importSequenceEmpty);
  registry.add("SequenceConstruct", importSequenceConstruct);
  registry.add("SequenceInsert", importSequenceInsert);
  registry.add("SequenceErase", importSequenceErase);
  registry.add("SequenceAt", importSequenceAt);
  registry.add("SequenceLength", importSequenceLength);
  registry.add("ConcatFromSequence", importConcatFromSequence);
  registry.add("SplitToSequence", importSplitToSequence);
  registry.add("Optional", importOptional);
  registry.add("OptionalGetElement", importOptionalGetElement);
  registry.add("OptionalHasElement", importOptionalHasElement);
}
