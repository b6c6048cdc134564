//===- Slicing.cpp - ONNX ops that cut and join tensors -------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Families.h"

#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace fovea::frontend;

//===----------------------------------------------------------------------===//
// Concat, Split
//===----------------------------------------------------------------------===//

/// Elements of all inputs of a 1-D Concat where they are tiny integers.
static std::optional<SmallVector<Value>> concatScalars(NodeImporter &n) {
  SmallVector<Value> all;
  bool anyKnown = false;
  for (size_t i = 0; i < n.numInputs(); ++i) {
    auto known = n.b().scalars(n.input(i));
    anyKnown |= known.has_value();
    if (!known && isa<IntegerType>(n.b().elementType(n.input(i))))
      known = n.b().scalars(n.input(i), /*extract=*/true);
    if (!known)
      return std::nullopt;
    all.append(*known);
  }
  if (!anyKnown || int64_t(all.size()) > maxScalarElements)
    return std::nullopt;
  return all;
}

static LogicalResult importConcat(NodeImporter &n) {
  TensorBuilder &b = n.b();
  int64_t rank = n.rank(0);
  auto axis = n.attrAxis("axis", 1, rank);
  if (failed(axis))
    return failure();
  SmallVector<Value> inputs;
  for (size_t i = 0; i < n.numInputs(); ++i) {
    if (n.rank(i) != rank)
      return n.fail("inputs have different ranks");
    for (int64_t d = 0; d < rank; ++d) {
      int64_t first = n.inputType(0).getDimSize(d);
      int64_t size = n.inputType(i).getDimSize(d);
      if (d != *axis && !ShapedType::isDynamic(first) &&
          !ShapedType::isDynamic(size) && first != size)
        return n.fail("input " + Twine(i) + " has size " + Twine(size) +
                      " in dimension " + Twine(d) + ", the first has " +
                      Twine(first));
    }
    inputs.push_back(n.input(i));
  }
  if (rank == 1)
    if (auto elements = concatScalars(n)) {
      auto type = RankedTensorType::get({int64_t(elements->size())},
                                        b.elementType(inputs[0]));
      return n.bindOutput(0, b.fromScalars(*elements, type), n.dtype(0));
    }
  return n.bindOutput(0, b.concat(inputs, *axis), n.dtype(0));
}

/// Sizes of the parts of a Split.
static FailureOr<Dims> splitSizes(NodeImporter &n, OpFoldResult total) {
  TensorBuilder &b = n.b();
  int64_t count = n.numOutputs();
  Dims sizes;
  if (n.input(1)) {
    auto dims = b.dimsFrom(n.input(1));
    if (!dims || int64_t(dims->size()) != count)
      return n.fail("'split' needs one size for each output");
    return *dims;
  }
  if (auto given = n.attrInts("split")) {
    if (int64_t(given->size()) != count)
      return n.fail("'split' needs one size for each output");
    for (int64_t size : *given)
      sizes.push_back(b.attr(size));
    return sizes;
  }
  // Equal parts; the last one may be smaller.
  OpFoldResult part = b.divUp(total, b.attr(count));
  OpFoldResult used = b.attr(0);
  for (int64_t i = 0; i + 1 < count; ++i) {
    OpFoldResult size = b.min(part, b.max(b.sub(total, used), b.attr(0)));
    sizes.push_back(size);
    used = b.add(used, size);
  }
  sizes.push_back(b.sub(total, used));
  return sizes;
}

static LogicalResult importSplit(NodeImporter &n) {
  TensorBuilder &b = n.b();
  auto axis = n.attrAxis("axis", 0, n.rank(0));
  if (failed(axis))
    return failure();
  OpFoldResult total = b.dim(n.input(0), *axis);
  auto sizes = splitSizes(n, total);
  if (failed(sizes))
    return failure();
  OpFoldResult sum = b.attr(0);
  for (OpFoldResult size : *sizes) {
    auto constant = getConstantIntValue(size);
    if (constant && *constant < 0)
      return n.fail("a part has a negative size");
    sum = b.add(sum, size);
  }
  auto all = getConstantIntValue(sum), whole = getConstantIntValue(total);
  if (all && whole && *all != *whole)
    return n.fail("the parts have " + Twine(*all) + " rows in all, the input " +
                  Twine(*whole));
  if (!b.same(sum, total))
    b.runtimeCheck(b.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::eq,
                                                 b.toValue(sum),
                                                 b.toValue(total)),
                   "the parts do not add up to the input");
  auto elements = n.rank(0) == 1 ? b.scalars(n.input(0)) : std::nullopt;
  OpFoldResult offset = b.attr(0);
  for (auto [i, size] : llvm::enumerate(*sizes)) {
    auto o = getConstantIntValue(offset), s = getConstantIntValue(size);
    Value part;
    if (elements && o && s)
      part =
          b.fromScalars(ArrayRef<Value>(*elements).slice(*o, *s),
                        RankedTensorType::get({*s}, b.elementType(n.input(0))));
    else
      part = b.sliceAxis(n.input(0), *axis, offset, size);
    if (failed(n.bindOutput(i, part, n.dtype(0))))
      return failure();
    offset = b.add(offset, size);
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Gather
//===----------------------------------------------------------------------===//

/// Constant indices start, start + step, ... are a slice.
static bool isProgression(ArrayRef<int64_t> indices, int64_t &step) {
  step = indices.size() > 1 ? indices[1] - indices[0] : 1;
  for (size_t i = 1; i < indices.size(); ++i)
    if (indices[i] - indices[i - 1] != step)
      return false;
  return step > 0;
}

/// Gather with indices known at compile time; null where it is no slice.
static FailureOr<Value> gatherConstant(NodeImporter &n, int64_t axis,
                                       SmallVector<int64_t> indices,
                                       const Dims &dims) {
  TensorBuilder &b = n.b();
  Value data = n.input(0);
  int64_t size = n.inputType(0).getDimSize(axis);
  if (!ShapedType::isDynamic(size))
    for (int64_t &index : indices) {
      if (index < -size || index >= size)
        return n.fail("index " + Twine(index) + " is out of range for size " +
                      Twine(size));
      index = index < 0 ? index + size : index;
    }
  auto elements = n.rank(0) == 1 ? b.scalars(data) : std::nullopt;
  if (elements && int64_t(indices.size()) <= maxScalarElements) {
    SmallVector<Value> picked;
    for (int64_t index : indices)
      picked.push_back((*elements)[index]);
    return b.fromScalars(picked, b.typeFor(dims, b.elementType(data)));
  }
  int64_t step = 1;
  // A dynamic size leaves the range to be checked at run time.
  if (indices.empty() || ShapedType::isDynamic(size) ||
      !isProgression(indices, step))
    return Value();
  Dims offsets(n.rank(0), b.attr(0)), strides(n.rank(0), b.attr(1));
  Dims sizes = b.shape(data);
  offsets[axis] = b.attr(indices[0]);
  sizes[axis] = b.attr(indices.size());
  strides[axis] = b.attr(step);
  return b.reshape(b.slice(data, offsets, sizes, strides), dims);
}

static LogicalResult importGather(NodeImporter &n) {
  TensorBuilder &b = n.b();
  Value data = n.input(0), indices = n.input(1);
  int64_t rank = n.rank(0), indexRank = n.rank(1);
  auto axis = n.attrAxis("axis", 0, rank);
  if (failed(axis))
    return failure();
  Dims dims;
  for (int64_t i = 0; i < rank; ++i) {
    if (i == *axis)
      dims.append(b.shape(indices));
    else
      dims.push_back(b.dim(data, i));
  }
  if (auto constant = n.constantInts(1)) {
    auto result = gatherConstant(n, *axis, *constant, dims);
    if (failed(result))
      return failure();
    if (*result)
      return n.bindOutput(0, *result, n.dtype(0));
  }
  // An index out of range reads some element, never beyond the tensor.
  int64_t loops = dims.size();
  SmallVector<AffineExpr> indexExprs;
  for (int64_t i = 0; i < indexRank; ++i)
    indexExprs.push_back(b.getAffineDimExpr(*axis + i));
  SmallVector<AffineMap> maps = {
      AffineMap::get(loops, 0, indexExprs, b.getContext()),
      b.getMultiDimIdentityMap(loops)};
  SmallVector<utils::IteratorType> iterators(loops,
                                             utils::IteratorType::parallel);
  Value result = b.generic(
      indices, b.empty(dims, b.elementType(data)), maps, iterators,
      [&](TensorBuilder &b, ValueRange args) {
        Value position = b.castScalar(args[0], b.getIndexType());
        Value size = b.toValue(b.dim(data, *axis));
        Value zero = b.index(0);
        Value wrapped = b.createOrFold<arith::AddIOp>(position, size);
        Value isNegative = b.createOrFold<arith::CmpIOp>(
            arith::CmpIPredicate::slt, position, zero);
        position =
            b.createOrFold<arith::SelectOp>(isNegative, wrapped, position);
        Value last = b.createOrFold<arith::SubIOp>(size, b.index(1));
        position = b.createOrFold<arith::MinSIOp>(position, last);
        position = b.createOrFold<arith::MaxSIOp>(position, zero);
        SmallVector<Value> at;
        for (int64_t i = 0; i < rank; ++i) {
          if (i == *axis)
            at.push_back(position);
          else
            at.push_back(
                linalg::IndexOp::create(b, i < *axis ? i : i + indexRank - 1));
        }
        return Value(tensor::ExtractOp::create(b, data, at));
      });
  return n.bindOutput(0, result, n.dtype(0));
}

void fovea::frontend::registerSlicingOps(OpRegistry &registry) {
  registry.add("Concat", importConcat);
  registry.add("Split", importSplit);
  registry.add("Gather", importGather);
}
