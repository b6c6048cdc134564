//===- Slice.cpp - Slice --------------------------------------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "../ScalarCode.h"
#include "Families.h"

#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace fovea::frontend;

namespace {
/// One axis of a slice: `size` elements from `start` in steps of `step`.
struct AxisSlice {
  OpFoldResult start, size, step;
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

/// The sign of the step is known.
static AxisSlice makeAxisSlice(TensorBuilder &b, OpFoldResult dim,
                               OpFoldResult start, OpFoldResult end,
                               int64_t step) {
  AxisSlice result;
  result.step = b.attr(step);
  OpFoldResult last = b.sub(dim, b.attr(1));
  OpFoldResult zero = b.attr(0), from, count;
  if (step > 0) {
    from = clampPosition(b, start, dim, zero, dim);
    OpFoldResult to = clampPosition(b, end, dim, zero, dim);
    count = b.divUp(b.sub(to, from), b.attr(step));
  } else {
    from = clampPosition(b, start, dim, zero, last);
    OpFoldResult to = clampPosition(b, end, dim, b.attr(-1), last);
    // From nothing, nothing is read, though `last` is before the start there.
    count = b.min(b.divUp(b.sub(from, to), b.attr(-step)), dim);
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

/// The step is only known at run time, and may count either way.
static AxisSlice makeAxisSlice(TensorBuilder &b, OpFoldResult dim,
                               OpFoldResult start, OpFoldResult end,
                               Value step) {
  ScalarCode s(b);
  Value zero = s.index(0), one = s.index(1), size = b.toValue(dim);
  b.runtimeCheck(s.ne(step, zero), "a step is 0");
  // The smallest number has no counterpart.
  step = s.max(step, s.index(-INT64_MAX));
  Value backwards = s.lt(step, zero);
  Value high = s.select(backwards, s.sub(size, one), size),
        low = s.select(backwards, s.index(-1), zero);
  auto position = [&](OpFoldResult given, Value low) {
    Value value = b.toValue(given);
    value = s.select(s.lt(value, zero), s.add(value, size), value);
    return s.max(s.min(value, high), low);
  };
  Value from = position(start, zero), to = position(end, low);
  Value span = s.select(backwards, s.sub(from, to), s.sub(to, from));
  Value magnitude = s.select(backwards, s.sub(zero, step), step);
  Value count = s.ceilDiv(span, s.max(magnitude, one));
  count = s.min(s.max(count, zero), size);
  return {b.toDim(from), b.toDim(count), b.toDim(step)};
}

static AxisSlice makeAxisSlice(TensorBuilder &b, OpFoldResult dim,
                               OpFoldResult start, OpFoldResult end,
                               OpFoldResult step) {
  if (std::optional<int64_t> known = getConstantIntValue(step))
    return makeAxisSlice(b, dim, start, end, *known);
  return makeAxisSlice(b, dim, start, end, cast<Value>(step));
}

namespace {
/// What the node says about the axes that it lists.
struct SliceInputs {
  Dims starts, ends, axes, steps;
};
} // namespace

/// Starts, ends, axes and steps, as attributes before opset 10 and as inputs
/// since.
static FailureOr<SliceInputs> readInputs(NodeImporter &n) {
  TensorBuilder &b = n.b();
  auto read = [&](StringRef name, size_t i) -> std::optional<Dims> {
    if (n.input(i))
      return b.dimsFrom(n.input(i));
    Dims dims;
    for (int64_t value : n.attrInts(name).value_or(SmallVector<int64_t>()))
      dims.push_back(b.attr(value));
    return dims;
  };
  auto starts = read("starts", 1), ends = read("ends", 2),
       axes = read("axes", 3), steps = read("steps", 4);
  if (!starts || !ends || starts->size() != ends->size())
    return n.fail("'starts' and 'ends' need the same, known length");
  if (!axes || !steps)
    return n.fail("the lengths of 'axes' and 'steps' have to be known");
  if (!n.input(3) && !n.hasAttr("axes"))
    for (size_t i = 0; i < starts->size(); ++i)
      axes->push_back(b.attr(i));
  if (!n.input(4))
    steps->assign(axes->size(), b.attr(1));
  if (axes->size() != starts->size() || steps->size() != axes->size())
    return n.fail("'starts', 'axes' and 'steps' have different lengths");
  for (OpFoldResult step : *steps)
    if (getConstantIntValue(step) == 0)
      return n.fail("a step is 0");
  return SliceInputs{*starts, *ends, *axes, *steps};
}

/// The axes are only known at run time: each dimension asks which entry is its
/// own.
static LogicalResult sliceRuntimeAxes(NodeImporter &n, const SliceInputs &given,
                                      SmallVectorImpl<AxisSlice> &slices) {
  TensorBuilder &b = n.b();
  ScalarCode s(b);
  Value rank = s.index(n.rank(0)), zero = s.index(0);
  SmallVector<Value> axes;
  for (OpFoldResult entry : given.axes) {
    Value axis = b.toValue(entry);
    axis = s.select(s.lt(axis, zero), s.add(axis, rank), axis);
    b.runtimeCheck(s.both(s.le(zero, axis), s.lt(axis, rank)),
                   "an axis is out of range");
    axes.push_back(axis);
  }
  bool unitSteps = llvm::all_of(given.steps, [](OpFoldResult step) {
    return getConstantIntValue(step) == 1;
  });
  for (auto [d, slice] : llvm::enumerate(slices)) {
    OpFoldResult dim = b.dim(n.input(0), d);
    Value start = zero, end = b.toValue(dim), step = s.index(1);
    for (auto [i, axis] : llvm::enumerate(axes)) {
      Value own = s.eq(axis, s.index(d));
      start = s.select(own, b.toValue(given.starts[i]), start);
      end = s.select(own, b.toValue(given.ends[i]), end);
      step = s.select(own, b.toValue(given.steps[i]), step);
    }
    slice = makeAxisSlice(b, dim, b.toDim(start), b.toDim(end),
                          unitSteps ? b.attr(1) : b.toDim(step));
  }
  return success();
}

static LogicalResult readSlices(NodeImporter &n,
                                SmallVectorImpl<AxisSlice> &slices) {
  TensorBuilder &b = n.b();
  auto given = readInputs(n);
  if (failed(given))
    return failure();
  auto axes = getConstantIntValues(given->axes);
  if (!axes)
    return sliceRuntimeAxes(n, *given, slices);
  auto normalized = n.normalizeAxes(*axes, n.rank(0));
  if (failed(normalized))
    return failure();
  for (auto [i, axis] : llvm::enumerate(*normalized))
    slices[axis] = makeAxisSlice(b, b.dim(n.input(0), axis), given->starts[i],
                                 given->ends[i], given->steps[i]);
  return success();
}

/// Reads element by element: backwards, which no view can, or with steps that
/// are not known.
static Value sliceByIndex(TensorBuilder &b, Value input,
                          ArrayRef<AxisSlice> slices) {
  Dims dims;
  for (const AxisSlice &slice : slices)
    dims.push_back(slice.size);
  return b.generate(
      dims, b.elementType(input), [&](TensorBuilder &inner, ValueRange at) {
        ScalarCode s(inner);
        SmallVector<Value> indices;
        for (auto [slice, i] : llvm::zip(slices, at))
          indices.push_back(s.add(s.mul(i, inner.toValue(slice.step)),
                                  inner.toValue(slice.start)));
        return s.extract(input, indices);
      });
}

static LogicalResult importSlice(NodeImporter &n) {
  TensorBuilder &b = n.b();
  Value input = n.input(0);
  SmallVector<AxisSlice> slices;
  for (OpFoldResult dim : b.shape(input))
    slices.push_back({b.attr(0), dim, b.attr(1)});
  if (failed(readSlices(n, slices)))
    return failure();

  auto elements = n.rank(0) == 1 ? b.scalars(input) : std::nullopt;
  if (elements) {
    auto start = getConstantIntValue(slices[0].start);
    auto size = getConstantIntValue(slices[0].size),
         step = getConstantIntValue(slices[0].step);
    if (start && size && step) {
      SmallVector<Value> picked;
      for (int64_t i = 0; i < *size; ++i)
        picked.push_back((*elements)[*start + i * *step]);
      auto type = RankedTensorType::get({*size}, b.elementType(input));
      return n.bindOutput(0, b.fromScalars(picked, type), n.dtype(0));
    }
  }
  Dims offsets, sizes, strides;
  bool isView = true;
  for (const AxisSlice &slice : slices) {
    offsets.push_back(slice.start);
    sizes.push_back(slice.size);
    strides.push_back(slice.step);
    isView &= getConstantIntValue(slice.step).value_or(-1) > 0;
  }
  Value result = isView ? b.slice(input, offsets, sizes, strides)
                        : sliceByIndex(b, input, slices);
  return n.bindOutput(0, result, n.dtype(0));
}

void fovea::frontend::registerSliceOps(OpRegistry &registry) {
  registry.add("Slice", importSlice);
}
