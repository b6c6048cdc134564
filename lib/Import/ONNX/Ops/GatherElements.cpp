//===- GatherElements.cpp - GatherElements, GatherND and the like -----------------===//
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

/// result[p] = data[p with p[axis] = indices[p]]
static LogicalResult importGatherElements(NodeImporter &node) {
  TensorBuilder &b = node.b();
  Value data = node.input(0), indices = node.input(1);
  FailureOr<int64_t> axis = node.attrAxis("axis", 0, b.rank(data));
  if (failed(axis))
    return failure();
  if (b.rank(indices) != b.rank(data))
    return node.fail("indices and data differ in rank");
  Value size = b.toValue(b.dim(data, *axis));
  Dims shape = b.shape(indices);
  if (failed(requireElements(node, b.dim(data, *axis), shape, "data")))
    return failure();
  for (int64_t i = 0; i < b.rank(data); ++i)
    if (i != *axis &&
        failed(requireAtMost(node, shape[i], b.dim(data, i), "indices")))
      return failure();
  // A smaller indices tensor covers a corner of the data.
  Value result = b.generate(shape, b.elementType(data),
                            [&](TensorBuilder &inner, ValueRange position) {
                              ScalarCode s(inner);
                              SmallVector<Value> source(position);
                              source[*axis] = s.wrapIndex(
                                  s.extract(indices, position), size);
                              return s.extract(data, source);
                            });
  return node.bindOutput(0, result);
}

/// result[batch, i, rest] = data[batch, indices[batch, i, :], rest]
static LogicalResult importGatherND(NodeImporter &node) {
  TensorBuilder &b = node.b();
  Value data = node.input(0), indices = node.input(1);
  int64_t rank = b.rank(data), batchDims = node.attrInt("batch_dims", 0);
  int64_t tuple = b.rank(indices) == 0 ? ShapedType::kDynamic
                                       : b.type(indices).getShape().back();
  if (ShapedType::isDynamic(tuple))
    return node.fail(
        "the last dimension of indices has to be known at compile time");
  int64_t outer = b.rank(indices) - 1;
  if (batchDims < 0 || batchDims > outer || batchDims + tuple > rank)
    return node.fail("batch_dims = " + Twine(batchDims) +
                     " and index tuples of " + Twine(tuple) +
                     " do not fit data of rank " + Twine(rank));
  Dims dataShape = b.shape(data), shape = b.shape(indices);
  shape.pop_back();
  shape.append(dataShape.begin() + batchDims + tuple, dataShape.end());
  SmallVector<Value> sizes;
  for (int64_t i = 0; i < batchDims; ++i)
    if (failed(requireEqual(node, shape[i], dataShape[i], "batch dimension")))
      return failure();
  for (int64_t i = 0; i < tuple; ++i) {
    if (failed(requireElements(node, dataShape[batchDims + i], shape, "data")))
      return failure();
    sizes.push_back(b.toValue(dataShape[batchDims + i]));
  }
  Value result = b.generate(
      shape, b.elementType(data),
      [&](TensorBuilder &inner, ValueRange position) {
        ScalarCode s(inner);
        SmallVector<Value> source(position.take_front(batchDims)),
            entry(position.take_front(outer));
        for (int64_t i = 0; i < tuple; ++i) {
          entry.push_back(s.index(i));
          source.push_back(s.wrapIndex(s.extract(indices, entry), sizes[i]));
          entry.pop_back();
        }
        llvm::append_range(source, position.drop_front(outer));
        return s.extract(data, source);
      });
  return node.bindOutput(0, result);
}

/// result[b, t] = x[b, t < len(b) ? len(b) - 1 - t : t], over the chosen axes.
static LogicalResult importReverseSequence(NodeImporter &node) {
  TensorBuilder &b = node.b();
  Value x = node.input(0), lengths = node.input(1);
  int64_t time = node.attrInt("time_axis", 0),
          batch = node.attrInt("batch_axis", 1);
  if (b.rank(x) < 2 || time == batch || time < 0 || time > 1 || batch < 0 ||
      batch > 1)
    return node.fail(
        "time_axis and batch_axis have to be 0 and 1 in some order");
  if (failed(requireRank(node, 1, 1)) ||
      failed(requireEqual(node, b.dim(lengths, 0), b.dim(x, batch),
                          "sequence_lens")))
    return failure();
  Value steps = b.toValue(b.dim(x, time));
  Value result = b.generate(
      b.shape(x), b.elementType(x),
      [&](TensorBuilder &inner, ValueRange position) {
        ScalarCode s(inner);
        Value length = s.toIndex(s.extract(lengths, position[batch]));
        length = s.clamp(length, s.index(0), steps);
        Value reversed = s.sub(s.sub(length, s.index(1)), position[time]);
        SmallVector<Value> source(position);
        source[time] =
            s.select(s.lt(position[time], length), reversed, position[time]);
        return s.extract(x, source);
      });
  return node.bindOutput(0, result);
}

/// Keeps the slices along `axis` (or of the flattened input) whose condition
/// holds: the kept positions are counted, then listed, then gathered.
static LogicalResult importCompress(NodeImporter &node) {
  TensorBuilder &b = node.b();
  ScalarCode s(b);
  Value x = node.input(0), condition = node.input(1);
  if (failed(requireRank(node, 1, 1)))
    return failure();
  int64_t axis = 0;
  if (node.hasAttr("axis")) {
    FailureOr<int64_t> given = node.attrAxis("axis", 0, b.rank(x));
    if (failed(given))
      return failure();
    axis = *given;
  } else {
    x = b.reshape(x, {b.product(b.shape(x))});
  }
  Value extent = b.toValue(b.min(b.dim(condition, 0), b.dim(x, axis)));
  Value count = s.forNest(
      {extent}, s.index(0), [&](ValueRange position, ValueRange carried) {
        Value holds = s.extract(condition, position);
        return ScalarCode::Values{
            s.select(holds, s.add(carried[0], s.index(1)), carried[0])};
      })[0];
  Value positions = b.empty({b.toDim(count)}, b.getI64Type());
  positions = s.forNest(
      {extent}, {positions, s.index(0)},
      [&](ValueRange position, ValueRange carried) {
        Value holds = s.extract(condition, position);
        return s.ifElse(
            holds,
            [&] {
              Value own = s.convert(position[0], b.getI64Type());
              return ScalarCode::Values{s.insert(own, carried[0], carried[1]),
                                        s.add(carried[1], s.index(1))};
            },
            [&] { return ScalarCode::Values(carried); });
      })[0];
  Dims shape = b.shape(x);
  shape[axis] = b.toDim(count);
  Value result = b.generate(
      shape, b.elementType(x), [&](TensorBuilder &inner, ValueRange position) {
        ScalarCode s(inner);
        SmallVector<Value> source(position);
        source[axis] = s.toIndex(s.extract(positions, position[axis]));
        return s.extract(x, source);
      });
  return node.bindOutput(0, result);
}

void fovea::frontend::registerGatherOps(OpRegistry &registry) {
  registry.add("GatherElements", importGatherElements);
  registry.add("GatherND", importGatherND);
  registry.add("ReverseSequence", importReverseSequence);
  registry.add("Compress", importCompress);
}
