//===- Packed.cpp - Sequences of run-time length --------------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Packed.h"

#include "ScalarCode.h"
#include "Subgraph.h"
#include "Types.h"

#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace fovea::frontend;

RankedTensorType fovea::frontend::packedDataType(Type elementType) {
  return RankedTensorType::get({ShapedType::kDynamic}, elementType);
}

RankedTensorType fovea::frontend::packedTableType(MLIRContext *context) {
  return RankedTensorType::get({ShapedType::kDynamic, rowLength},
                               IntegerType::get(context, 64));
}

LogicalResult fovea::frontend::checkElement(NodeImporter &node, Value tensor) {
  if (!tensor)
    return node.fail("the elements of a sequence have to be tensors");
  int64_t rank = node.b().rank(tensor);
  if (rank > maxElementRank)
    return node.fail("an element of a sequence with " + Twine(rank) +
                     " dimensions is not supported");
  return success();
}

//===----------------------------------------------------------------------===//
// Types of elements
//===----------------------------------------------------------------------===//

bool fovea::frontend::fits(TensorType a, TensorType b) {
  return !a || !b || a.getElementType() == b.getElementType();
}

TensorType fovea::frontend::joinElements(TensorType a, TensorType b) {
  if (!a || !b || !fits(a, b))
    return a ? a : b;
  auto first = dyn_cast<RankedTensorType>(a),
       second = dyn_cast<RankedTensorType>(b);
  if (first && second)
    if (RankedTensorType joined = joinShapes(first, second))
      return joined;
  return UnrankedTensorType::get(a.getElementType());
}

TensorType fovea::frontend::sequenceElement(TensorBuilder &b,
                                            const Binding &sequence) {
  if (sequence.data)
    return sequence.element;
  if (sequence.stacked) {
    RankedTensorType type = b.type(sequence.value);
    return RankedTensorType::get(type.getShape().drop_front(),
                                 type.getElementType());
  }
  TensorType joined;
  for (const Binding &element : sequence.sequence->elements)
    joined = joinElements(joined, b.type(element.value));
  return joined;
}

OpFoldResult fovea::frontend::sequenceLength(TensorBuilder &b,
                                             const Binding &sequence) {
  if (sequence.sequence)
    return b.attr(sequence.sequence->elements.size());
  return b.dim(sequence.stacked ? sequence.value : sequence.table, 0);
}

//===----------------------------------------------------------------------===//
// Packing
//===----------------------------------------------------------------------===//

Value fovea::frontend::packedRow(TensorBuilder &b, OpFoldResult offset,
                                 ArrayRef<OpFoldResult> sizes) {
  Type i64 = b.getI64Type();
  SmallVector<Value> row(rowLength, b.scalar(i64, 0));
  row[rowOffset] = b.fromDim(offset, i64);
  row[rowRank] = b.scalar(i64, int64_t(sizes.size()));
  for (auto [i, size] : llvm::enumerate(sizes))
    row[rowSizes + i] = b.fromDim(size, i64);
  return b.fromScalars(row, RankedTensorType::get({1, rowLength}, i64));
}

static Value flatten(TensorBuilder &b, Value tensor) {
  return b.reshape(tensor, {b.product(b.shape(tensor))});
}

static Binding packedBinding(TensorBuilder &b, Value data, Value table,
                             TensorType element, int32_t dtype) {
  Binding result;
  if (b.type(data).getDimSize(0) == 0)
    data = b.zeros({b.attr(1)}, b.elementType(data));
  result.data = b.castShape(data, packedDataType(b.elementType(data)));
  result.table = b.castShape(table, packedTableType(b.getContext()));
  result.element = element;
  result.dtype = dtype;
  return result;
}

/// Whether `a` is defined after `b`, both of which some place can see.
static bool isLater(Value a, Value b) {
  if (a.getParentBlock() != b.getParentBlock())
    return b.getParentRegion()->isProperAncestor(a.getParentRegion());
  Operation *first = a.getDefiningOp(), *second = b.getDefiningOp();
  return first && (!second || second->isBeforeInBlock(first));
}

/// One row after the other; a constant where all sizes are known.
static Value packedTable(TensorBuilder &b, ArrayRef<Dims> shapes,
                         ArrayRef<OpFoldResult> offsets) {
  SmallVector<int64_t> words;
  SmallVector<Value> rows;
  for (auto [shape, offset] : llvm::zip_equal(shapes, offsets)) {
    rows.push_back(packedRow(b, offset, shape));
    if (auto known = b.constantInts(rows.back()))
      llvm::append_range(words, *known);
  }
  int64_t length = rows.size();
  if (int64_t(words.size()) != length * rowLength)
    return b.concat(rows, 0);
  auto type = RankedTensorType::get({length, rowLength}, b.getI64Type());
  return b.sharedConstant(DenseElementsAttr::get(type, ArrayRef(words)));
}

static Binding packList(TensorBuilder &b, const Binding &sequence) {
  SequenceList &list = *sequence.sequence;
  TensorType element = sequenceElement(b, sequence);
  if (list.elements.empty()) {
    Type type = elementTypeFor(sequence.dtype, b.getContext());
    return packedBinding(
        b, b.empty({b.attr(0)}, type),
        b.empty({b.attr(0), b.attr(rowLength)}, b.getI64Type()), element,
        sequence.dtype);
  }
  int32_t dtype = list.elements.front().dtype;
  if (!list.data) {
    OpBuilder::InsertionGuard guard(b);
    Value last = list.elements.front().value;
    for (const Binding &binding : list.elements)
      if (isLater(binding.value, last))
        last = binding.value;
    SmallVector<Value> parts;
    SmallVector<Dims> shapes;
    Dims offsets;
    OpFoldResult total = b.attr(0);
    // The sizes come right after the elements: before what is made of them.
    for (const Binding &binding : list.elements)
      shapes.push_back(b.shape(binding.value));
    b.setInsertionPointAfterDefinition(last);
    for (auto [binding, shape] : llvm::zip_equal(list.elements, shapes))
      for (OpFoldResult size : shape)
        if (auto value = dyn_cast<Value>(size); value && isLater(value, last))
          b.setInsertionPointAfterDefinition(last = value);
    for (auto [binding, shape] : llvm::zip_equal(list.elements, shapes)) {
      OpFoldResult size = b.product(shape);
      offsets.push_back(getConstantIntValue(size) == 0 ? b.attr(0) : total);
      parts.push_back(flatten(b, binding.value));
      total = b.add(total, size);
    }
    Binding packed = packedBinding(
        b, b.concat(parts, 0), packedTable(b, shapes, offsets), element, dtype);
    list.data = packed.data;
    list.table = packed.table;
  }
  return packedBinding(b, list.data, list.table, element, dtype);
}

static Binding packStack(TensorBuilder &b, const Binding &sequence) {
  Value stack = sequence.value;
  Dims shape = b.shape(stack);
  OpFoldResult length = shape.front();
  shape.erase(shape.begin());
  Value size = b.toValue(b.product(shape));
  Value row = packedRow(b, b.attr(0), shape);
  Value table = b.generate(
      {length, b.attr(rowLength)}, b.getI64Type(),
      [&](TensorBuilder &inner, ValueRange position) {
        ScalarCode s(inner);
        Value offset = s.convert(s.mul(position[0], size), inner.getI64Type());
        return s.select(s.eq(position[1], s.index(rowOffset)), offset,
                        s.extract(row, {s.index(0), position[1]}));
      });
  return packedBinding(b, flatten(b, stack), table,
                       sequenceElement(b, sequence), sequence.dtype);
}

Binding fovea::frontend::pack(TensorBuilder &b, const Binding &sequence) {
  if (sequence.data)
    return sequence;
  Binding packed =
      sequence.stacked ? packStack(b, sequence) : packList(b, sequence);
  packed.present = sequence.present;
  return packed;
}

//===----------------------------------------------------------------------===//
// Elements
//===----------------------------------------------------------------------===//

Value fovea::frontend::packedAt(TensorBuilder &b, const Binding &sequence,
                                Value position, RankedTensorType type) {
  ScalarCode s(b);
  auto entry = [&](int64_t column) {
    return b.toDim(s.extract(sequence.table, {position, s.index(column)}));
  };
  Dims sizes;
  for (auto [i, size] : llvm::enumerate(type.getShape()))
    sizes.push_back(ShapedType::isDynamic(size) ? entry(rowSizes + i)
                                                : b.attr(size));
  Value piece = b.slice(sequence.data, {entry(rowOffset)}, {b.product(sizes)},
                        {b.attr(1)});
  return b.castShape(b.reshape(piece, sizes), type);
}

Binding fovea::frontend::packedInsert(TensorBuilder &b, const Binding &sequence,
                                      Value element, Value position) {
  Value row = packedRow(b, b.dim(sequence.data, 0), b.shape(element));
  Value last = b.toValue(b.dim(sequence.table, 0));
  Value table = b.concat({sequence.table, row}, 0);
  // Moves the row from the end to its place. Not by slices: one that turns out
  // to begin at the end would not be valid.
  if (position)
    table =
        b.generate(b.shape(table), b.getI64Type(),
                   [&, appended = table](TensorBuilder &inner, ValueRange at) {
                     ScalarCode s(inner);
                     Value from = s.select(s.eq(at[0], position), last,
                                           s.sub(at[0], s.index(1)));
                     from = s.select(s.lt(at[0], position), at[0], from);
                     return s.extract(appended, {from, at[1]});
                   });
  return packedBinding(b, b.concat({sequence.data, flatten(b, element)}, 0),
                       table, joinElements(sequence.element, b.type(element)),
                       sequence.dtype);
}

Binding fovea::frontend::packedErase(TensorBuilder &b, const Binding &sequence,
                                     Value position) {
  ScalarCode s(b);
  Value table = sequence.table, data = sequence.data;
  OpFoldResult length = b.dim(table, 0), total = b.dim(data, 0);
  Value begin = s.extract(table, {position, s.index(rowOffset)});
  Value rank = s.toIndex(s.extract(table, {position, s.index(rowRank)}));
  Value size = s.forNest(
      {rank}, s.constant(b.getI64Type(), 1),
      [&](ValueRange axis, ValueRange product) -> ScalarCode::Values {
        Value column = s.add(axis[0], s.index(rowSizes));
        return {s.mul(product[0], s.extract(table, {position, column}))};
      })[0];
  Value rows = b.generate(
      {b.max(b.sub(length, b.attr(1)), b.attr(0)), b.attr(rowLength)},
      b.getI64Type(), [&](TensorBuilder &inner, ValueRange at) {
        ScalarCode s(inner);
        Value next = s.add(at[0], s.index(1));
        Value old = s.extract(
            table, {s.select(s.lt(at[0], position), at[0], next), at[1]});
        // What lies behind the piece that goes moves up.
        Value moves = s.both(s.eq(at[1], s.index(rowOffset)), s.lt(begin, old));
        return s.select(moves, s.sub(old, size), old);
      });
  Value first = s.toIndex(begin), gap = s.toIndex(size);
  Value rest =
      b.generate({b.sub(total, b.toDim(gap))}, b.elementType(data),
                 [&](TensorBuilder &inner, ValueRange at) {
                   ScalarCode s(inner);
                   return s.extract(data, {s.select(s.lt(at[0], first), at[0],
                                                    s.add(at[0], gap))});
                 });
  return packedBinding(b, rest, rows, sequence.element, sequence.dtype);
}
