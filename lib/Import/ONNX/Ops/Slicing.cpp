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
// Slice
//===----------------------------------------------------------------------===//

namespace {
/// One axis of a slice: `size` elements from `start` in steps of `step`.
struct AxisSlice {
  OpFoldResult start, size;
  int64_t step = 1;
};
} // namespace

/// Counts a negative position from the end and limits it to [low, high].
static OpFoldResult clampPosition(TensorBuilder &b, OpFoldResult position,
                                  OpFoldResult dim, OpFoldResult low,
                                  OpFoldResult high) {
  auto constant = getConstantIntValue(position);
  if (constant) {
    // Exporters write "to the end" as a huge number.
    if (*constant >= INT32_MAX)
      return high;
    if (*constant <= INT32_MIN)
      return low;
    if (*constant < 0)
      return b.max(b.add(dim, position), low);
    if (auto h = getConstantIntValue(high))
      return b.attr(std::min(*constant, *h));
    return *constant == 0 && getConstantIntValue(low) == 0
               ? position
               : b.min(position, high);
  }
  Value value = cast<Value>(position);
  Value isNegative = b.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::slt,
                                                   value, b.index(0));
  Value wrapped = b.createOrFold<arith::SelectOp>(
      isNegative, b.toValue(b.add(dim, position)), value);
  return b.max(b.min(getAsOpFoldResult(wrapped), high), low);
}

static AxisSlice makeAxisSlice(TensorBuilder &b, OpFoldResult dim,
                               OpFoldResult start, OpFoldResult end,
                               int64_t step) {
  AxisSlice result;
  result.step = step;
  OpFoldResult last = b.sub(dim, b.attr(1));
  OpFoldResult zero = b.attr(0), from, count;
  if (step > 0) {
    from = clampPosition(b, start, dim, zero, dim);
    OpFoldResult to = clampPosition(b, end, dim, zero, dim);
    count = b.divUp(b.sub(to, from), b.attr(step));
  } else {
    from = clampPosition(b, start, dim, zero, last);
    OpFoldResult to = clampPosition(b, end, dim, b.attr(-1), last);
    count = b.divUp(b.sub(from, to), b.attr(-step));
  }
  result.start = from;
  result.size =
      b.same(from, zero) && b.same(count, dim) ? count : b.max(count, zero);
  // A slice of nothing may start at the end, which tensor.extract_slice
  // refuses.
  if (getConstantIntValue(result.size) == 0)
    result.start = zero;
  return result;
}

/// Starts, ends, axes and steps, as attributes before opset 10 and as inputs
/// since.
static LogicalResult readSlice(NodeImporter &n,
                               SmallVectorImpl<AxisSlice> &slices) {
  TensorBuilder &b = n.b();
  auto read = [&](StringRef name, size_t i) -> std::optional<Dims> {
    if (n.input(i))
      return b.dimsFrom(n.input(i));
    Dims dims;
    auto attribute = n.attrInts(name);
    for (int64_t value : attribute ? *attribute : SmallVector<int64_t>())
      dims.push_back(b.attr(value));
    return dims;
  };
  auto starts = read("starts", 1), ends = read("ends", 2);
  if (!starts || !ends || starts->size() != ends->size())
    return n.fail("'starts' and 'ends' need the same, known length");
  auto given = n.attrOrInput("axes", 3);
  auto steps = n.constantInts(4);
  if (failed(given))
    return failure();
  if (n.input(4) && !steps)
    return n.fail("'steps' has to be a constant");
  SmallVector<int64_t> axes;
  if (*given)
    axes = **given;
  else
    axes = llvm::to_vector(llvm::seq<int64_t>(0, starts->size()));
  auto normalized = n.normalizeAxes(axes, n.rank(0));
  if (failed(normalized))
    return failure();
  if (axes.size() != starts->size() || (steps && steps->size() != axes.size()))
    return n.fail("'starts', 'axes' and 'steps' have different lengths");
  for (auto [i, axis] : llvm::enumerate(*normalized)) {
    int64_t step = steps ? (*steps)[i] : 1;
    if (step == 0)
      return n.fail("a step is 0");
    slices[axis] = makeAxisSlice(b, b.dim(n.input(0), axis), (*starts)[i],
                                 (*ends)[i], step);
  }
  return success();
}

/// Reads backwards, which no view can.
static Value sliceByIndex(TensorBuilder &b, Value input,
                          ArrayRef<AxisSlice> slices) {
  Dims dims;
  for (const AxisSlice &slice : slices)
    dims.push_back(slice.size);
  return b.generate(
      dims, b.elementType(input), [&](TensorBuilder &b, ValueRange at) {
        SmallVector<Value> indices;
        for (auto [slice, i] : llvm::zip(slices, at)) {
          Value scaled = b.createOrFold<arith::MulIOp>(i, b.index(slice.step));
          indices.push_back(
              b.createOrFold<arith::AddIOp>(scaled, b.toValue(slice.start)));
        }
        return Value(tensor::ExtractOp::create(b, input, indices));
      });
}

static LogicalResult importSlice(NodeImporter &n) {
  TensorBuilder &b = n.b();
  Value input = n.input(0);
  SmallVector<AxisSlice> slices;
  for (OpFoldResult dim : b.shape(input))
    slices.push_back({b.attr(0), dim, 1});
  if (failed(readSlice(n, slices)))
    return failure();

  auto elements = n.rank(0) == 1 ? b.scalars(input) : std::nullopt;
  if (elements) {
    auto start = getConstantIntValue(slices[0].start);
    auto size = getConstantIntValue(slices[0].size);
    if (start && size) {
      SmallVector<Value> picked;
      for (int64_t i = 0; i < *size; ++i)
        picked.push_back((*elements)[*start + i * slices[0].step]);
      auto type = RankedTensorType::get({*size}, b.elementType(input));
      return n.bindOutput(0, b.fromScalars(picked, type), n.dtype(0));
    }
  }
  Dims offsets, sizes, strides;
  bool backwards = false;
  for (const AxisSlice &slice : slices) {
    offsets.push_back(slice.start);
    sizes.push_back(slice.size);
    strides.push_back(b.attr(slice.step));
    backwards |= slice.step < 0;
  }
  Value result = backwards ? sliceByIndex(b, input, slices)
                           : b.slice(input, offsets, sizes, strides);
  return n.bindOutput(0, result, n.dtype(0));
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
  registry.add("Slice", importSlice);
  registry.add("Gather", importGather);
}
