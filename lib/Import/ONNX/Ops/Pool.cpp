//===- Pool.cpp - Pooling -------------------------------------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "../ScalarCode.h"
#include "../Window.h"
#include "Families.h"

using namespace mlir;
using namespace fovea::frontend;

static FailureOr<Window> readPoolWindow(NodeImporter &node) {
  std::optional<SmallVector<int64_t>> kernel = node.attrInts("kernel_shape");
  if (!kernel || kernel->empty())
    return node.fail("kernel_shape is missing");
  Dims dims;
  for (int64_t size : *kernel) {
    if (size < 1)
      return node.fail("kernel_shape has the value " + Twine(size) +
                       "; it has to be positive");
    dims.push_back(node.b().attr(size));
  }
  return readWindow(node, dims);
}

/// out[n, c, o...] = body over taps of x[n, c, stride * o + dilation * tap],
/// with `border` around x. `convert` is applied to what is read.
static Value poolWindows(TensorBuilder &b, const Window &window, Value x,
                         Value border, Value init, ElementFn body) {
  size_t spatial = window.rank();
  Value padded = window.pad(b, x, border);
  Dims shape = {b.dim(x, 0), b.dim(x, 1)};
  llvm::append_range(shape, window.output);
  size_t loops = shape.size() + spatial;
  SmallVector<AffineExpr> read = {b.getAffineDimExpr(0), b.getAffineDimExpr(1)},
                          taps, out = read;
  for (size_t i = 0; i < spatial; ++i) {
    out.push_back(b.getAffineDimExpr(2 + i));
    taps.push_back(b.getAffineDimExpr(2 + spatial + i));
    read.push_back(window.tap(i, out.back(), taps.back()));
  }
  auto map = [&](ArrayRef<AffineExpr> exprs) {
    return AffineMap::get(loops, 0, exprs, b.getContext());
  };
  SmallVector<utils::IteratorType> iterators(loops,
                                             utils::IteratorType::reduction);
  std::fill_n(iterators.begin(), shape.size(), utils::IteratorType::parallel);
  // Only the shape of this operand matters: it is the extent of the tap loops.
  Value extent = b.empty(window.kernel, b.elementType(x));
  Value acc = b.fill(init, shape);
  auto op = linalg::GenericOp::create(
      b, acc.getType(), ValueRange{padded, extent}, acc,
      ArrayRef<AffineMap>{map(read), map(taps), map(out)}, iterators,
      [&](OpBuilder &inner, Location /*loc*/, ValueRange args) {
        OpBuilder::InsertionGuard guard(b);
        b.restoreInsertionPoint(inner.saveInsertionPoint());
        Value result = body(b, {args[0], args[2]});
        linalg::YieldOp::create(b, result);
      });
  return op.getResult(0);
}

//===----------------------------------------------------------------------===//
// Max
//===----------------------------------------------------------------------===//

/// The flat position in the input of each window's (first) maximum.
static Value indicesOfMaxima(NodeImporter &node, const Window &window,
                             Value border) {
  TensorBuilder &b = node.b();
  ScalarCode outside(b);
  Value x = node.input(0);
  bool isUnsigned = node.isUnsigned(0),
       columnMajor = node.attrInt("storage_order", 0) != 0;
  SmallVector<Value> sizes = outside.dims(x), kernel, padBegin;
  for (size_t i = 0; i < window.rank(); ++i) {
    kernel.push_back(b.toValue(window.kernel[i]));
    padBegin.push_back(b.toValue(window.padBegin[i]));
  }
  Dims shape = {b.dim(x, 0), b.dim(x, 1)};
  llvm::append_range(shape, window.output);
  return b.generate(
      shape, b.getI64Type(), [&](TensorBuilder &inner, ValueRange position) {
        ScalarCode s(inner);
        Value zero = s.index(0);
        auto step = [&](ValueRange taps, ValueRange carried) {
          SmallVector<Value> source(position.take_front(2));
          Value isInside = s.constant(inner.getI1Type(), 1);
          for (size_t i = 0; i < window.rank(); ++i) {
            Value start =
                s.sub(s.mul(position[2 + i], s.index(window.strides[i])),
                      padBegin[i]);
            Value at =
                s.add(start, s.mul(taps[i], s.index(window.dilations[i])));
            isInside = s.both(isInside,
                              s.both(s.le(zero, at), s.lt(at, sizes[2 + i])));
            source.push_back(
                s.clamp(at, zero, s.sub(sizes[2 + i], s.index(1))));
          }
          Value flat = s.add(s.mul(source[0], sizes[1]), source[1]);
          SmallVector<Value> within(source.begin() + 2, source.end()),
              extents(sizes.begin() + 2, sizes.end());
          for (size_t i = 0; i < within.size(); ++i)
            flat = s.mul(flat, extents[i]);
          Value spatial = zero;
          if (columnMajor) {
            std::reverse(within.begin(), within.end());
            std::reverse(extents.begin(), extents.end());
          }
          for (auto [index, extent] : llvm::zip_equal(within, extents))
            spatial = s.add(s.mul(spatial, extent), index);
          flat = s.add(flat, spatial);
          Value element = s.extract(x, source);
          // The first window element is taken whatever it is.
          Value none = s.lt(carried[1], zero);
          Value better = s.both(
              isInside, s.either(none, s.lt(carried[0], element, isUnsigned)));
          return ScalarCode::Values{s.select(better, element, carried[0]),
                                    s.select(better, flat, carried[1])};
        };
        Value best = s.forNest(kernel, {border, s.index(-1)}, step)[1];
        return s.convert(s.max(best, zero), inner.getI64Type());
      });
}

static LogicalResult importMaxPool(NodeImporter &node) {
  TensorBuilder &b = node.b();
  FailureOr<Window> window = readPoolWindow(node);
  if (failed(window))
    return failure();
  bool isUnsigned = node.isUnsigned(0);
  Type type = b.elementType(node.input(0));
  Value lowest = ScalarCode(b).limit(type, /*largest=*/false, isUnsigned);
  Value result =
      poolWindows(b, *window, node.input(0), lowest, lowest,
                  [&](TensorBuilder &inner, ValueRange args) {
                    return ScalarCode(inner).max(args[1], args[0], isUnsigned);
                  });
  if (failed(node.bindOutput(0, result)))
    return failure();
  if (!node.wantsOutput(1))
    return success();
  return node.bindOutput(1, indicesOfMaxima(node, *window, lowest));
}

//===----------------------------------------------------------------------===//
// Average and p-norm
//===----------------------------------------------------------------------===//

/// How many taps of the window at `out` lie in [-before, size + after).
static Value countTaps(ScalarCode &s, const Window &window, size_t i, Value out,
                       Value kernel, Value size, Value padBegin, Value before,
                       Value after) {
  Value zero = s.index(0), one = s.index(1),
        dilation = s.index(window.dilations[i]);
  Value start = s.sub(s.mul(out, s.index(window.strides[i])), padBegin);
  // First tap at or after -before, last tap before size + after.
  Value first =
      s.ceilDiv(s.max(s.sub(s.sub(zero, before), start), zero), dilation);
  Value last =
      s.floorDiv(s.sub(s.sub(s.add(size, after), one), start), dilation);
  last = s.min(last, s.sub(kernel, one));
  return s.max(s.add(s.sub(last, first), one), zero);
}

static LogicalResult importAveragePool(NodeImporter &node) {
  TensorBuilder &b = node.b();
  // The pads the model gives, before ceil_mode adds to them, count as input
  // where count_include_pad is set.
  FailureOr<Window> window = readPoolWindow(node);
  if (failed(window))
    return failure();
  Value x = node.input(0);
  Type type = b.elementType(x), accType = accumulatorType(type);
  bool includePad = node.attrInt("count_include_pad", 0) != 0;
  SmallVector<int64_t> pads = node.attrInts("pads").value_or(
      SmallVector<int64_t>(2 * window->rank(), 0));
  std::string autoPad = node.attrString("auto_pad", "NOTSET");
  Value sum =
      poolWindows(b, *window, x, b.scalar(type, 0), b.scalar(accType, 0),
                  [&](TensorBuilder &inner, ValueRange args) {
                    ScalarCode s(inner);
                    return s.add(args[1], s.convert(args[0], accType));
                  });
  SmallVector<Value> sizes, kernel, padBegin, before, after;
  for (size_t i = 0; i < window->rank(); ++i) {
    sizes.push_back(b.toValue(window->input[i]));
    kernel.push_back(b.toValue(window->kernel[i]));
    padBegin.push_back(b.toValue(window->padBegin[i]));
    before.push_back(includePad ? padBegin.back() : b.index(0));
    Value end = autoPad == "NOTSET" ? b.index(pads[i + window->rank()])
                                    : b.toValue(window->padEnd[i]);
    after.push_back(includePad ? end : b.index(0));
  }
  Value counts = b.generate(
      window->output, accType, [&](TensorBuilder &inner, ValueRange position) {
        ScalarCode s(inner);
        Value count = s.index(1);
        for (size_t i = 0; i < window->rank(); ++i)
          count = s.mul(count,
                        countTaps(s, *window, i, position[i], kernel[i],
                                  sizes[i], padBegin[i], before[i], after[i]));
        return s.convert(count, accType);
      });
  return node.bindOutput(
      0, b.elementwise({sum, counts}, type,
                       [&](TensorBuilder &inner, ValueRange args) {
                         ScalarCode s(inner);
                         return s.convert(s.div(args[0], args[1]), type);
                       }));
}

/// |x|^p
static Value power(ScalarCode &s, Value x, int64_t p) {
  Value magnitude = s.abs(x), result = magnitude;
  for (int64_t i = 1; i < p; ++i)
    result = s.mul(result, magnitude);
  return result;
}

static FailureOr<Value> root(TensorBuilder &b, Value sum, int64_t p,
                             Type type) {
  return b.elementwise({sum}, type, [&](TensorBuilder &inner, ValueRange args) {
    ScalarCode s(inner);
    Value x = args[0];
    if (p == 2)
      x = inner.createOrFold<math::SqrtOp>(x);
    else if (p != 1)
      x = inner.createOrFold<math::PowFOp>(x, s.constant(x.getType(), 1.0 / p));
    return s.convert(x, type);
  });
}

static FailureOr<int64_t> readNorm(NodeImporter &node) {
  int64_t p = node.attrInt("p", 2);
  if (p < 1 || p > 64)
    return node.fail("p = " + Twine(p) +
                     " is not supported; it has to be between 1 and 64");
  return p;
}

static LogicalResult importLpPool(NodeImporter &node) {
  TensorBuilder &b = node.b();
  FailureOr<Window> window = readPoolWindow(node);
  FailureOr<int64_t> p = readNorm(node);
  if (failed(window) || failed(p))
    return failure();
  Type type = b.elementType(node.input(0)), accType = accumulatorType(type);
  Value sum = poolWindows(
      b, *window, node.input(0), b.scalar(type, 0), b.scalar(accType, 0),
      [&](TensorBuilder &inner, ValueRange args) {
        ScalarCode s(inner);
        return s.add(args[1], power(s, s.convert(args[0], accType), *p));
      });
  return node.bindOutput(0, root(b, sum, *p, type));
}

//===----------------------------------------------------------------------===//
// Over all positions
//===----------------------------------------------------------------------===//

static FailureOr<SmallVector<int64_t>> spatialAxes(NodeImporter &node) {
  if (node.rank(0) < 2)
    return node.fail("the input needs a batch and a channel dimension");
  return llvm::to_vector(llvm::seq<int64_t>(2, node.rank(0)));
}

static LogicalResult importGlobalMaxPool(NodeImporter &node) {
  TensorBuilder &b = node.b();
  FailureOr<SmallVector<int64_t>> axes = spatialAxes(node);
  if (failed(axes))
    return failure();
  bool isUnsigned = node.isUnsigned(0);
  Value lowest = ScalarCode(b).limit(b.elementType(node.input(0)),
                                     /*largest=*/false, isUnsigned);
  return node.bindOutput(
      0, b.reduce(node.input(0), *axes, /*keepDims=*/true, lowest,
                  [&](TensorBuilder &inner, ValueRange args) {
                    return ScalarCode(inner).max(args[1], args[0], isUnsigned);
                  }));
}

static LogicalResult importGlobalAveragePool(NodeImporter &node) {
  TensorBuilder &b = node.b();
  FailureOr<SmallVector<int64_t>> axes = spatialAxes(node);
  if (failed(axes))
    return failure();
  Type type = b.elementType(node.input(0)), accType = accumulatorType(type);
  Value sum =
      b.reduce(node.input(0), *axes, /*keepDims=*/true, b.scalar(accType, 0),
               [&](TensorBuilder &inner, ValueRange args) {
                 ScalarCode s(inner);
                 return s.add(args[1], s.convert(args[0], accType));
               });
  Dims spatial = b.shape(node.input(0));
  spatial.erase(spatial.begin(), spatial.begin() + 2);
  Value count = ScalarCode(b).convert(b.toValue(b.product(spatial)), accType);
  return node.bindOutput(
      0, b.elementwise({sum}, type, [&](TensorBuilder &inner, ValueRange args) {
        ScalarCode s(inner);
        return s.convert(s.div(args[0], count), type);
      }));
}

static LogicalResult importGlobalLpPool(NodeImporter &node) {
  TensorBuilder &b = node.b();
  FailureOr<SmallVector<int64_t>> axes = spatialAxes(node);
  FailureOr<int64_t> p = readNorm(node);
  if (failed(axes) || failed(p))
    return failure();
  Type type = b.elementType(node.input(0)), accType = accumulatorType(type);
  Value sum = b.reduce(
      node.input(0), *axes, /*keepDims=*/true, b.scalar(accType, 0),
      [&](TensorBuilder &inner, ValueRange args) {
        ScalarCode s(inner);
        return s.add(args[1], power(s, s.convert(args[0], accType), *p));
      });
  return node.bindOutput(0, root(b, sum, *p, type));
}

void fovea::frontend::registerPoolOps(OpRegistry &registry) {
  registry.add("MaxPool", importMaxPool);
  registry.add("AveragePool", importAveragePool);
  registry.add("LpPool", importLpPool);
  registry.add("GlobalMaxPool", importGlobalMaxPool);
  registry.add("GlobalAveragePool", importGlobalAveragePool);
  registry.add("GlobalLpPool", importGlobalLpPool);
}
