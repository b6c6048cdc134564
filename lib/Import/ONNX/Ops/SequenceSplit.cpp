//===- SequenceSplit.cpp - Tensors and sequences of their parts -----------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "../Checks.h"
#include "../Packed.h"
#include "../ScalarCode.h"
#include "../Subgraph.h"
#include "Families.h"

using namespace mlir;
using namespace fovea::frontend;

//===----------------------------------------------------------------------===//
// ConcatFromSequence
//===----------------------------------------------------------------------===//

static LogicalResult concatList(NodeImporter &node, ArrayRef<Binding> elements,
                                int64_t axis, bool newAxis) {
  TensorBuilder &b = node.b();
  RankedTensorType joined;
  SmallVector<Value> parts;
  for (const Binding &element : elements) {
    Value part = newAxis ? b.unsqueeze(element.value, {axis}) : element.value;
    parts.push_back(part);
    joined = joined ? joinShapes(joined, b.type(part)) : b.type(part);
    if (!joined)
      return node.fail("the elements of the sequence differ in rank");
  }
  for (int64_t i = 0; i < joined.getRank(); ++i)
    for (Value part : ArrayRef(parts).drop_front())
      if (i != axis &&
          failed(requireEqual(node, b.dim(parts[0], i), b.dim(part, i),
                              "elements of the sequence")))
        return failure();
  return node.bindOutput(0, b.concat(parts, axis), elements.front().dtype);
}

/// The dimension of the elements moves to the axis, and joins it unless new.
static LogicalResult concatStack(NodeImporter &node, const Binding &sequence,
                                 int64_t axis, bool newAxis) {
  TensorBuilder &b = node.b();
  SmallVector<int64_t> permutation;
  for (int64_t i = 1; i < b.rank(sequence.value); ++i)
    permutation.push_back(i);
  permutation.insert(permutation.begin() + axis, 0);
  Value moved = b.transpose(sequence.value, permutation);
  if (!newAxis) {
    Dims shape = b.shape(moved);
    shape[axis] = b.mul(shape[axis], shape[axis + 1]);
    shape.erase(shape.begin() + axis + 1);
    moved = b.reshape(moved, shape);
  }
  return node.bindOutput(0, moved, sequence.dtype);
}

/// First the sizes, of which all but that of the axis have to be equal, then
/// element by element.
static LogicalResult concatPacked(NodeImporter &node, const Binding &sequence,
                                  RankedTensorType type, int64_t axis,
                                  bool newAxis) {
  TensorBuilder &b = node.b();
  ScalarCode s(b);
  Value table = sequence.table, count = b.toValue(b.dim(table, 0));
  b.runtimeCheck(s.lt(s.index(0), count), "the sequence is empty");
  auto size = [&](Value row, int64_t i) -> Value {
    if (!type.isDynamicDim(i))
      return s.index(type.getDimSize(i));
    return s.toIndex(s.extract(table, {row, s.index(rowSizes + i)}));
  };
  SmallVector<Value> first;
  for (int64_t i = 0; i < type.getRank(); ++i)
    first.push_back(size(s.index(0), i));
  ScalarCode::Values sums = s.forNest(
      count, {s.index(0), b.scalar(b.getI1Type(), 1)},
      [&](ValueRange row, ValueRange carried) -> ScalarCode::Values {
        Value equal = carried[1];
        for (int64_t i = 0; i < type.getRank(); ++i)
          if (newAxis || i != axis)
            equal = s.both(equal, s.eq(size(row[0], i), first[i]));
        return {s.add(carried[0], newAxis ? s.index(1) : size(row[0], axis)),
                equal};
      });
  b.runtimeCheck(sums[1], "the elements of the sequence differ in size");
  Dims dims = toDims(b, first);
  if (newAxis)
    dims.insert(dims.begin() + axis, b.attr(0));
  dims[axis] = b.toDim(sums[0]);
  Value result = b.empty(dims, type.getElementType());
  result =
      s.forNest(count, {result, s.index(0)},
                [&](ValueRange row, ValueRange carried) -> ScalarCode::Values {
                  Value part = packedAt(b, sequence, row[0], type);
                  Dims sizes = dims, offsets(dims.size(), b.attr(0)),
                       strides(dims.size(), b.attr(1));
                  sizes[axis] = newAxis ? b.attr(1) : b.dim(part, axis);
                  offsets[axis] = b.toDim(carried[1]);
                  part = b.reshape(part, sizes);
                  Value filled = tensor::InsertSliceOp::create(
                      b, part, carried[0], offsets, sizes, strides);
                  return {filled, s.add(carried[1], b.toValue(sizes[axis]))};
                })[0];
  return node.bindOutput(0, result, sequence.dtype);
}

static LogicalResult importConcatFromSequence(NodeImporter &node) {
  TensorBuilder &b = node.b();
  Binding sequence = node.binding(0);
  if (!sequence.isSequence())
    return node.fail("input 0 is not a sequence");
  bool newAxis = node.attrInt("new_axis", 0) != 0;
  TensorType element = sequenceElement(b, sequence);
  if (!element)
    return node.fail("the sequence is empty");
  auto type = dyn_cast<RankedTensorType>(element);
  if (!type)
    return node.fail(sequence.sequence
                         ? "the elements of the sequence differ in rank"
                         : "the elements of the sequence may have any rank; "
                           "to concatenate them it has to be known");
  FailureOr<int64_t> axis = node.attrAxis("axis", 0, type.getRank() + newAxis);
  if (failed(axis))
    return failure();
  if (sequence.sequence)
    return concatList(node, sequence.sequence->elements, *axis, newAxis);
  return sequence.stacked ? concatStack(node, sequence, *axis, newAxis)
                          : concatPacked(node, sequence, type, *axis, newAxis);
}

//===----------------------------------------------------------------------===//
// SplitToSequence
//===----------------------------------------------------------------------===//

namespace {
/// The pieces of an axis.
struct Pieces {
  /// Where there are as many as are known at compile time.
  std::optional<Dims> sizes;
  /// Else how many there are, and the size of one of them.
  Value count;
  std::function<Value(Value)> size;
};
} // namespace

/// A list of more elements than this is not worth its code.
static constexpr int64_t maxPieces = 256;

/// One size for all, with a smaller last piece.
static FailureOr<Pieces> equalPieces(NodeImporter &node, OpFoldResult size) {
  TensorBuilder &b = node.b();
  ScalarCode s(b);
  Pieces pieces;
  OpFoldResult step = b.attr(1);
  if (node.input(1))
    step = b.toDim(b.extractScalar(node.input(1)));
  std::optional<int64_t> total = getConstantIntValue(size),
                         known = getConstantIntValue(step);
  if (known && *known < 1)
    return node.fail("split has to be positive");
  if (known && total && *total <= maxPieces * *known) {
    pieces.sizes.emplace();
    for (int64_t rest = *total; rest > 0; rest -= *known)
      pieces.sizes->push_back(b.attr(std::min(rest, *known)));
    return pieces;
  }
  Value length = b.toValue(size), each = b.toValue(step);
  b.runtimeCheck(s.lt(s.index(0), each), "split has to be positive");
  each = s.max(each, s.index(1));
  pieces.count = s.ceilDiv(length, each);
  pieces.size = [&b, length, each](Value piece) {
    ScalarCode s(b);
    return s.min(each, s.sub(length, s.mul(piece, each)));
  };
  return pieces;
}

static FailureOr<Pieces> readPieces(NodeImporter &node, OpFoldResult size) {
  TensorBuilder &b = node.b();
  ScalarCode s(b);
  Value split = node.input(1);
  if (!split || b.rank(split) != 1)
    return equalPieces(node, size);
  Pieces pieces;
  pieces.sizes = b.dimsFrom(split);
  Value total = s.index(0), valid = b.scalar(b.getI1Type(), 1);
  if (pieces.sizes) {
    for (OpFoldResult piece : *pieces.sizes) {
      valid = s.both(valid, s.le(s.index(0), b.toValue(piece)));
      total = s.add(total, b.toValue(piece));
    }
  } else {
    pieces.count = b.toValue(b.dim(split, 0));
    pieces.size = [&b, split](Value piece) {
      ScalarCode s(b);
      return s.toIndex(s.extract(split, piece));
    };
    ScalarCode::Values sums =
        s.forNest(pieces.count, {total, valid},
                  [&](ValueRange at, ValueRange carried) -> ScalarCode::Values {
                    Value piece = pieces.size(at[0]);
                    return {s.add(carried[0], piece),
                            s.both(carried[1], s.le(s.index(0), piece))};
                  });
    total = sums[0];
    valid = sums[1];
  }
  static constexpr char message[] =
      "split does not add up to the size of the axis";
  Value holds = s.both(valid, s.eq(total, b.toValue(size)));
  if (getConstantIntValue(getAsOpFoldResult(holds)) == 0)
    return node.fail(message);
  b.runtimeCheck(holds, message);
  return pieces;
}

static LogicalResult bindPieces(NodeImporter &node,
                                ArrayRef<OpFoldResult> sizes, int64_t axis,
                                bool keepDims) {
  TensorBuilder &b = node.b();
  Binding sequence;
  sequence.dtype = node.dtype(0);
  sequence.sequence = std::make_shared<SequenceList>();
  OpFoldResult offset = b.attr(0);
  for (OpFoldResult size : sizes) {
    Binding element = node.binding(0);
    element.value = b.sliceAxis(node.input(0), axis, offset, size);
    if (!keepDims)
      element.value = b.squeeze(element.value, {axis});
    sequence.sequence->elements.push_back(element);
    offset = b.add(offset, size);
  }
  return node.bindOutput(0, sequence);
}

/// As many pieces as there are at run time.
static LogicalResult bindPacked(NodeImporter &node, const Pieces &pieces,
                                int64_t axis) {
  TensorBuilder &b = node.b();
  ScalarCode s(b);
  Value x = node.input(0);
  Dims shape = b.shape(x), one = {b.attr(1)};
  Value data = b.empty({b.product(shape)}, b.elementType(x));
  Value table =
      b.empty({b.toDim(pieces.count), b.attr(rowLength)}, b.getI64Type());
  ScalarCode::Values results = s.forNest(
      pieces.count, {data, table, s.index(0), s.index(0)},
      [&](ValueRange at, ValueRange carried) -> ScalarCode::Values {
        Dims sizes = shape;
        sizes[axis] = b.toDim(pieces.size(at[0]));
        Dims offsets(sizes.size(), b.attr(0)), strides(sizes.size(), b.attr(1));
        offsets[axis] = b.toDim(carried[2]);
        Value part =
            tensor::ExtractSliceOp::create(b, x, offsets, sizes, strides);
        Dims count = {b.product(sizes)}, begin = {b.toDim(carried[3])};
        Value filled = tensor::InsertSliceOp::create(
            b, b.reshape(part, count), carried[0], begin, count, one);
        Value row = packedRow(b, begin[0], sizes);
        Value rows = b.insert(row, carried[1], {b.toDim(at[0]), b.attr(0)});
        return {filled, rows, s.add(carried[2], b.toValue(sizes[axis])),
                s.add(carried[3], b.toValue(count[0]))};
      });
  SmallVector<int64_t> element(b.type(x).getShape());
  element[axis] = ShapedType::kDynamic;
  Binding sequence;
  sequence.dtype = node.dtype(0);
  sequence.data = b.castShape(results[0], packedDataType(b.elementType(x)));
  sequence.table = b.castShape(results[1], packedTableType(b.getContext()));
  sequence.element = RankedTensorType::get(element, b.elementType(x));
  return node.bindOutput(0, sequence);
}

static LogicalResult importSplitToSequence(NodeImporter &node) {
  TensorBuilder &b = node.b();
  Value x = node.input(0);
  if (failed(checkElement(node, x)))
    return failure();
  FailureOr<int64_t> axis = node.attrAxis("axis", 0, b.rank(x));
  if (failed(axis))
    return failure();
  bool keepDims = node.input(1) || node.attrInt("keepdims", 1) != 0;
  int64_t size = b.type(x).getDimSize(*axis);
  if (!node.input(1) && (ShapedType::isDynamic(size) || size > maxPieces)) {
    // Pieces of one are what a stack is made of.
    SmallVector<int64_t> permutation = {*axis};
    for (int64_t i = 0; i < b.rank(x); ++i)
      if (i != *axis)
        permutation.push_back(i);
    Binding sequence = node.binding(0);
    Value stack = b.transpose(x, permutation);
    sequence.value = keepDims ? b.unsqueeze(stack, {*axis + 1}) : stack;
    sequence.stacked = true;
    return node.bindOutput(0, sequence);
  }
  FailureOr<Pieces> pieces = readPieces(node, b.dim(x, *axis));
  if (failed(pieces))
    return failure();
  return pieces->sizes ? bindPieces(node, *pieces->sizes, *axis, keepDims)
                       : bindPacked(node, *pieces, *axis);
}

void fovea::frontend::registerSequenceSplitOps(OpRegistry &registry) {
  registry.add("ConcatFromSequence", importConcatFromSequence);
  registry.add("SplitToSequence", importSplitToSequence);
}
