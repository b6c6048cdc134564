//===- TensorBuilderLayout.cpp - Layout and assembly of tensors -----------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FoldConstants.h"

#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace fovea::frontend;

Value TensorBuilder::empty(ArrayRef<OpFoldResult> dims, Type elementType) {
  // Absurd and negative sizes end here.
  (void)typeFor(dims, elementType);
  for (OpFoldResult dim : dims)
    if (auto size = getConstantIntValue(dim); size && *size < 0)
      raise("a tensor would have the negative size " + Twine(*size));
  return tensor::EmptyOp::create(*this, dims, elementType);
}

Value TensorBuilder::fill(Value scalar, ArrayRef<OpFoldResult> dims) {
  Value init = empty(dims, given(scalar).getType());
  return linalg::FillOp::create(*this, scalar, init).getResult(0);
}

Value TensorBuilder::zeros(ArrayRef<OpFoldResult> dims, Type elementType) {
  return fill(scalar(elementType, 0), dims);
}

Value TensorBuilder::castShape(Value input, RankedTensorType to) {
  if (!tensor::CastOp::areCastCompatible(type(input), to))
    raise("a tensor does not have the sizes that the operator expects");
  return createOrFold<tensor::CastOp>(to, input);
}

Value TensorBuilder::transpose(Value input, ArrayRef<int64_t> perm) {
  checkRank(input, perm.size());
  if (!isPermutationVector(perm))
    raise("the dimensions of a transposition are no permutation");
  if (llvm::equal(perm, llvm::seq<int64_t>(0, perm.size())))
    return input;
  Dims dims;
  for (int64_t source : perm)
    dims.push_back(dim(input, source));
  if (type(input).hasStaticShape()) {
    SmallVector<int64_t> strides = computeStrides(type(input).getShape());
    SmallVector<int64_t> sizes = applyPermutation(type(input).getShape(), perm);
    if (Value constant = foldStrided(*this, input, sizes, 0,
                                     applyPermutation(strides, perm)))
      return constant;
  }
  Value init = empty(dims, elementType(input));
  return linalg::TransposeOp::create(*this, input, init, perm)->getResult(0);
}

//===----------------------------------------------------------------------===//
// Reshape
//===----------------------------------------------------------------------===//

/// Constants change their shape in place.
static Value reshapeConstant(TensorBuilder &b, Value input,
                             RankedTensorType to) {
  Attribute attr;
  if (!to.hasStaticShape() || !matchPattern(input, m_Constant(&attr)))
    return {};
  if (auto dense = dyn_cast<DenseElementsAttr>(attr))
    return b.sharedConstant(dense.reshape(to));
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(attr))
    return b.sharedConstant(
        DenseResourceElementsAttr::get(to, resource.getRawHandle()));
  return {};
}

/// Groups of dimensions of `from` and `to` with equal products, as far as they
/// can be told apart: pairs of half-open ranges, in order.
struct DimGroup {
  int64_t fromBegin, fromEnd, toBegin, toEnd;
};

static std::optional<SmallVector<DimGroup>>
groupDims(TensorBuilder &b, const Dims &from, const Dims &to) {
  SmallVector<DimGroup> groups;
  size_t i = 0, j = 0;
  while (i < from.size() && j < to.size()) {
    DimGroup group{int64_t(i), int64_t(i) + 1, int64_t(j), int64_t(j) + 1};
    OpFoldResult left = from[i++], right = to[j++];
    while (!b.same(left, right)) {
      auto l = getConstantIntValue(left), r = getConstantIntValue(right);
      // The smaller constant, or the factor of the other side, has to grow.
      bool growLeft = l && r ? *l < *r : l || b.divides(left, right);
      if ((growLeft || j == to.size()) && i < from.size()) {
        left = b.mul(left, from[i++]);
        group.fromEnd = i;
      } else if (j < to.size()) {
        right = b.mul(right, to[j++]);
        group.toEnd = j;
      } else {
        return std::nullopt;
      }
    }
    groups.push_back(group);
  }
  // Trailing ones join the last group.
  if (groups.empty())
    return std::nullopt;
  for (; i < from.size(); ++i, ++groups.back().fromEnd)
    if (getConstantIntValue(from[i]) != 1)
      return std::nullopt;
  for (; j < to.size(); ++j, ++groups.back().toEnd)
    if (getConstantIntValue(to[j]) != 1)
      return std::nullopt;
  return groups;
}

static ReassociationIndices range(int64_t begin, int64_t end) {
  return llvm::to_vector<2>(llvm::seq<int64_t>(begin, end));
}

/// A reshape that only says what comes out.
static Value reshapeByShape(TensorBuilder &b, Value input, const Dims &to) {
  SmallVector<Value> sizes;
  for (OpFoldResult size : to)
    sizes.push_back(b.toValue(size));
  Value shape = tensor::FromElementsOp::create(b, sizes);
  return tensor::ReshapeOp::create(b, b.typeFor(to, b.elementType(input)),
                                   input, shape);
}

/// Collapses and expands group by group.
static Value reshapeByGroups(TensorBuilder &b, Value input, const Dims &to,
                             ArrayRef<DimGroup> groups) {
  SmallVector<ReassociationIndices> collapse, expand;
  Dims middle;
  for (const DimGroup &group : groups) {
    collapse.push_back(range(group.fromBegin, group.fromEnd));
    expand.push_back(range(group.toBegin, group.toEnd));
    Dims sizes(to.begin() + group.toBegin, to.begin() + group.toEnd);
    middle.push_back(b.product(sizes));
  }
  Type element = b.elementType(input);
  if (int64_t(groups.size()) != b.rank(input))
    input = tensor::CollapseShapeOp::create(b, input, collapse);
  // What is known on one side only has to be known on both.
  input = b.castShape(input, b.typeFor(middle, element));
  auto resultType = b.typeFor(to, element);
  if (groups.size() == to.size())
    return b.castShape(input, resultType);
  SmallVector<int64_t> sizes;
  for (const DimGroup &group : groups) {
    int64_t unknown = llvm::count_if(
        resultType.getShape().slice(group.toBegin, group.toEnd - group.toBegin),
        ShapedType::isDynamic);
    // memref.expand_shape cannot be lowered with two dynamic sizes in a group.
    if (unknown > 1)
      return reshapeByShape(b, input, to);
    bool isStatic = unknown == 0;
    sizes.push_back(isStatic ? *getConstantIntValue(middle[sizes.size()])
                             : ShapedType::kDynamic);
  }
  input = b.castShape(input, RankedTensorType::get(sizes, element));
  return tensor::ExpandShapeOp::create(b, resultType, input, expand, to);
}

Value TensorBuilder::reshape(Value input, ArrayRef<OpFoldResult> dims) {
  Dims from = shape(input), to(dims);
  auto resultType = typeFor(to, elementType(input));
  if (type(input).hasStaticShape() && resultType.hasStaticShape() &&
      type(input).getNumElements() != resultType.getNumElements())
    raise("a tensor of " + Twine(type(input).getNumElements()) +
          " elements does not fit a shape of " +
          Twine(resultType.getNumElements()));
  if (Value constant = reshapeConstant(*this, input, resultType))
    return constant;
  if (auto elements = scalars(input); elements && resultType.hasStaticShape())
    return fromScalars(*elements, resultType);
  auto sameShape = [&](const Dims &dims) {
    bool equal = dims.size() == to.size();
    for (size_t i = 0; equal && i < dims.size(); ++i)
      equal = same(dims[i], to[i]);
    return equal;
  };
  if (sameShape(from))
    return castShape(input, resultType);
  // A reshape that undoes the one before it.
  if (input.getDefiningOp<tensor::ExpandShapeOp>() ||
      input.getDefiningOp<tensor::CollapseShapeOp>()) {
    Value source = input.getDefiningOp()->getOperand(0);
    if (sameShape(shape(source)))
      return castShape(source, resultType);
  }

  SmallVector<ReassociationIndices> none;
  if (to.empty()) {
    input = castShape(
        input, RankedTensorType::get(SmallVector<int64_t>(from.size(), 1),
                                     elementType(input)));
    return tensor::CollapseShapeOp::create(*this, input, none);
  }
  if (from.empty())
    return tensor::ExpandShapeOp::create(*this, resultType, input, none, to);
  if (auto groups = groupDims(*this, from, to))
    return reshapeByGroups(*this, input, to, *groups);
  // Sizes that cannot be related go through one dimension.
  DimGroup all{0, rank(input), 0, int64_t(to.size())};
  return reshapeByGroups(*this, input, to, all);
}

Value TensorBuilder::unsqueeze(Value input, ArrayRef<int64_t> axes) {
  Dims from = shape(input), to;
  size_t next = 0;
  for (size_t i = 0; i < from.size() + axes.size(); ++i)
    to.push_back(llvm::is_contained(axes, int64_t(i)) ? attr(1) : from[next++]);
  return reshape(input, to);
}

Value TensorBuilder::squeeze(Value input, ArrayRef<int64_t> axes) {
  checkAxes(input, axes);
  Dims to;
  for (int64_t i = 0; i < rank(input); ++i)
    if (!llvm::is_contained(axes, i))
      to.push_back(dim(input, i));
  // A dynamic size that the model says is 1.
  SmallVector<int64_t> sizes(type(input).getShape());
  for (int64_t axis : axes)
    sizes[axis] = 1;
  input = castShape(input, RankedTensorType::get(sizes, elementType(input)));
  return reshape(input, to);
}

//===----------------------------------------------------------------------===//
// Slices and assembly
//===----------------------------------------------------------------------===//

Value TensorBuilder::slice(Value input, ArrayRef<OpFoldResult> offsets,
                           ArrayRef<OpFoldResult> sizes,
                           ArrayRef<OpFoldResult> strides) {
  checkBox(input, offsets, sizes, strides);
  bool whole = true;
  for (int64_t i = 0; whole && i < rank(input); ++i)
    whole = getConstantIntValue(offsets[i]) == 0 &&
            getConstantIntValue(strides[i]) == 1 &&
            same(sizes[i], dim(input, i));
  if (whole)
    return input;
  // There is no offset into nothing, nor one behind the end, where only nothing
  // can be read.
  for (auto [offset, size, extent] :
       llvm::zip_equal(offsets, sizes, type(input).getShape())) {
    auto start = getConstantIntValue(offset);
    bool atEnd = start && !ShapedType::isDynamic(extent) && *start >= extent;
    if (atEnd || getConstantIntValue(size) == 0)
      return empty(sizes, elementType(input));
  }
  auto starts = getConstantIntValues(offsets);
  auto counts = getConstantIntValues(sizes);
  auto steps = getConstantIntValues(strides);
  if (starts && counts && steps && type(input).hasStaticShape()) {
    SmallVector<int64_t> source = computeStrides(type(input).getShape());
    int64_t base = 0;
    for (size_t i = 0; i < source.size(); ++i) {
      base += (*starts)[i] * source[i];
      source[i] *= (*steps)[i];
    }
    if (Value constant = foldStrided(*this, input, *counts, base, source))
      return constant;
  }
  return tensor::ExtractSliceOp::create(*this, input, offsets, sizes, strides);
}

Value TensorBuilder::sliceAxis(Value input, int64_t axis, OpFoldResult offset,
                               OpFoldResult size) {
  checkAxes(input, axis);
  Dims offsets(rank(input), attr(0)), strides(rank(input), attr(1));
  Dims sizes = shape(input);
  offsets[axis] = offset;
  sizes[axis] = size;
  return slice(input, offsets, sizes, strides);
}

Value TensorBuilder::insert(Value source, Value dest,
                            ArrayRef<OpFoldResult> offsets) {
  Dims strides(rank(dest), attr(1));
  checkBox(dest, offsets, shape(source), strides);
  return tensor::InsertSliceOp::create(*this, source, dest, offsets,
                                       shape(source), strides);
}

Value TensorBuilder::concat(ArrayRef<Value> inputs, int64_t axis) {
  if (inputs.empty())
    raise("there is nothing to concatenate");
  for (Value input : inputs) {
    checkRank(input, rank(inputs[0]));
    checkAxes(input, axis);
    if (elementType(input) != elementType(inputs[0]))
      raise("tensors of different element types cannot be concatenated");
  }
  if (inputs.size() == 1)
    return inputs[0];
  Dims dims = shape(inputs[0]);
  // Any operand may know more about the other sizes than the first one.
  for (Value input : inputs.drop_front())
    for (int64_t i = 0; i < rank(input); ++i)
      if (i != axis && !getConstantIntValue(dims[i]))
        dims[i] = dim(input, i);
  Dims offsets;
  OpFoldResult total = attr(0);
  for (Value input : inputs) {
    offsets.push_back(total);
    total = add(total, dim(input, axis));
  }
  dims[axis] = total;
  Value result = empty(dims, elementType(inputs[0]));
  for (auto [input, offset] : llvm::zip(inputs, offsets)) {
    if (type(input).getDimSize(axis) == 0)
      continue;
    Dims position(dims.size(), attr(0));
    position[axis] = offset;
    Dims sizes = dims, strides(dims.size(), attr(1));
    sizes[axis] = dim(input, axis);
    Value part = castShape(input, typeFor(sizes, elementType(input)));
    result = tensor::InsertSliceOp::create(*this, part, result, position, sizes,
                                           strides);
  }
  return result;
}

Value TensorBuilder::pad(Value input, ArrayRef<OpFoldResult> low,
                         ArrayRef<OpFoldResult> high, Value value) {
  checkRank(input, low.size());
  checkRank(input, high.size());
  Dims dims = shape(input);
  for (size_t i = 0; i < dims.size(); ++i)
    dims[i] = add(add(low[i], dims[i]), high[i]);
  return insert(input, fill(value, dims), low);
}
