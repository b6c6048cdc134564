//===- Sequence.cpp - Sequences -------------------------------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "../Packed.h"
#include "../ScalarCode.h"
#include "../Types.h"
#include "Families.h"

using namespace mlir;
using namespace fovea::frontend;

// What is known at compile time about a sequence decides on its form: a list
// stays one as long as positions in it are constants, everything else is
// packed.

static LogicalResult bindList(NodeImporter &node, std::vector<Binding> elements,
                              int32_t dtype) {
  Binding binding;
  binding.dtype = dtype;
  binding.sequence = std::make_shared<SequenceList>();
  binding.sequence->elements = std::move(elements);
  return node.bindOutput(0, binding);
}

/// A sequence input, or a report that it is none.
static FailureOr<Binding> readSequence(NodeImporter &node, size_t i) {
  Binding binding = node.binding(i);
  if (!binding.isSequence())
    return node.fail("input " + Twine(i) + " is not a sequence");
  return binding;
}

/// A position in a list that is known at compile time; nothing where it is not.
/// `endAllowed`: the length itself stands for the end.
static FailureOr<std::optional<int64_t>> constantPosition(NodeImporter &node,
                                                          size_t i,
                                                          int64_t length,
                                                          bool endAllowed) {
  if (!node.input(i)) {
    if (length || endAllowed)
      return std::optional(endAllowed ? length : length - 1);
    return node.fail("the sequence is empty");
  }
  std::optional<SmallVector<int64_t>> known = node.constantInts(i);
  if (!known || known->size() != 1)
    return std::optional<int64_t>();
  int64_t position =
      known->front() < 0 ? known->front() + length : known->front();
  if (position < 0 || position > length || (position == length && !endAllowed))
    return node.fail("position " + Twine(known->front()) +
                     " is out of range for a sequence of length " +
                     Twine(length));
  return std::optional(position);
}

/// A position known at run time as an index in range; the last one, or with
/// `endAllowed` the end, where the input is absent.
static Value runtimePosition(NodeImporter &node, size_t i, OpFoldResult size,
                             bool endAllowed) {
  TensorBuilder &b = node.b();
  ScalarCode s(b);
  Value length = b.toValue(size), position;
  if (node.input(i)) {
    position = s.toIndex(b.extractScalar(node.input(i)));
    position =
        s.select(s.lt(position, s.index(0)), s.add(position, length), position);
  } else {
    position = s.sub(length, s.index(1));
  }
  Value inside = endAllowed ? s.le(position, length) : s.lt(position, length);
  b.runtimeCheck(s.both(s.le(s.index(0), position), inside),
                 "position out of range");
  return position;
}

static LogicalResult importSequenceEmpty(NodeImporter &node) {
  int64_t dtype = node.attrInt("dtype", onnx::TensorProto_DataType_FLOAT);
  if (!elementTypeFor(dtype, node.b().getContext()))
    return node.fail("a sequence of " + dtypeName(dtype) + " is not supported");
  return bindList(node, {}, dtype);
}

static LogicalResult importSequenceConstruct(NodeImporter &node) {
  std::vector<Binding> elements;
  for (size_t i = 0; i < node.numInputs(); ++i) {
    if (failed(checkElement(node, node.input(i))))
      return failure();
    if (!fits(node.inputType(i), node.inputType(0)))
      return node.fail("the tensors have different element types");
    elements.push_back(node.binding(i));
  }
  return bindList(node, std::move(elements), node.dtype(0));
}

/// Whether a stack stays one when `element` joins it.
static bool fitsStack(TensorBuilder &b, const Binding &sequence,
                      Value element) {
  return sequence.stacked && b.type(element).hasStaticShape() &&
         sequenceElement(b, sequence) == b.type(element);
}

static LogicalResult importSequenceInsert(NodeImporter &node) {
  TensorBuilder &b = node.b();
  FailureOr<Binding> sequence = readSequence(node, 0);
  if (failed(sequence))
    return failure();
  Value element = node.input(1);
  if (failed(checkElement(node, element)))
    return failure();
  if (!fits(sequenceElement(b, *sequence), b.type(element)))
    return node.fail("the tensor has another element type than the sequence");
  if (sequence->sequence) {
    std::vector<Binding> elements = sequence->sequence->elements;
    FailureOr<std::optional<int64_t>> position =
        constantPosition(node, 2, elements.size(), /*endAllowed=*/true);
    if (failed(position))
      return failure();
    if (*position) {
      elements.insert(elements.begin() + **position, node.binding(1));
      return bindList(node, std::move(elements), node.dtype(1));
    }
  }
  Value position;
  if (node.input(2))
    position = runtimePosition(node, 2, sequenceLength(b, *sequence),
                               /*endAllowed=*/true);
  if (!position && fitsStack(b, *sequence, element)) {
    sequence->value = b.concat({sequence->value, b.unsqueeze(element, {0})}, 0);
    return node.bindOutput(0, *sequence);
  }
  Binding packed = pack(b, *sequence);
  if (b.elementType(packed.data) != b.elementType(element))
    return node.fail("the tensor has another element type than the sequence");
  packed.dtype = node.dtype(1);
  return node.bindOutput(0, packedInsert(b, packed, element, position));
}

static LogicalResult importSequenceErase(NodeImporter &node) {
  TensorBuilder &b = node.b();
  FailureOr<Binding> sequence = readSequence(node, 0);
  if (failed(sequence))
    return failure();
  if (sequence->sequence) {
    std::vector<Binding> elements = sequence->sequence->elements;
    FailureOr<std::optional<int64_t>> position =
        constantPosition(node, 1, elements.size(), /*endAllowed=*/false);
    if (failed(position))
      return failure();
    if (elements.empty())
      return node.fail("the sequence is empty");
    if (*position) {
      elements.erase(elements.begin() + **position);
      return bindList(node, std::move(elements), sequence->dtype);
    }
  }
  Value position = runtimePosition(node, 1, sequenceLength(b, *sequence),
                                   /*endAllowed=*/false);
  return node.bindOutput(0, packedErase(b, pack(b, *sequence), position));
}

/// An element at a place that is known at run time only.
static LogicalResult bindElement(NodeImporter &node, const Binding &sequence) {
  TensorBuilder &b = node.b();
  TensorType element = sequenceElement(b, sequence);
  if (!element && sequence.sequence)
    return node.fail("the sequence is empty");
  auto type = dyn_cast_or_null<RankedTensorType>(element);
  if (!type)
    return node.fail("the elements of the sequence may have any rank; that of "
                     "one that is read has to be known");
  Value position = runtimePosition(node, 1, sequenceLength(b, sequence),
                                   /*endAllowed=*/false);
  Binding result;
  result.dtype = sequence.dtype;
  if (sequence.stacked) {
    Value slice = b.sliceAxis(sequence.value, 0, b.toDim(position), b.attr(1));
    result.value = b.squeeze(slice, {0});
  } else {
    result.value = packedAt(b, pack(b, sequence), position, type);
  }
  // Not with what ONNX infers, which takes the elements for equal.
  return node.bindOutput(0, result);
}

static LogicalResult importSequenceAt(NodeImporter &node) {
  FailureOr<Binding> sequence = readSequence(node, 0);
  if (failed(sequence))
    return failure();
  if (!node.input(1))
    return node.fail("the position is missing");
  if (sequence->sequence) {
    const std::vector<Binding> &elements = sequence->sequence->elements;
    FailureOr<std::optional<int64_t>> position =
        constantPosition(node, 1, elements.size(), /*endAllowed=*/false);
    if (failed(position))
      return failure();
    if (*position)
      return node.bindOutput(0, elements[**position]);
  }
  return bindElement(node, *sequence);
}

static LogicalResult importSequenceLength(NodeImporter &node) {
  TensorBuilder &b = node.b();
  FailureOr<Binding> sequence = readSequence(node, 0);
  if (failed(sequence))
    return failure();
  Value length = b.fromDim(sequenceLength(b, *sequence), b.getI64Type());
  return node.bindOutput(
      0, b.fromScalars({length}, RankedTensorType::get({}, b.getI64Type())));
}

void fovea::frontend::registerSequenceOps(OpRegistry &registry) {
  registry.add("SequenceEmpty", importSequenceEmpty);
  registry.add("SequenceConstruct", importSequenceConstruct);
  registry.add("SequenceInsert", importSequenceInsert);
  registry.add("SequenceErase", importSequenceErase);
  registry.add("SequenceAt", importSequenceAt);
  registry.add("SequenceLength", importSequenceLength);
}
