//===- ConvTranspose.cpp - Transposed convolution and Col2Im --------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "../Checks.h"
#include "../ScalarCode.h"
#include "../Window.h"
#include "Contraction.h"
#include "Families.h"

using namespace mlir;
using namespace fovea::frontend;

/// Sums overlapping windows: result[n, c, o...] is the sum of
/// columns[n, c, taps..., i...] over all taps and window positions i with
/// stride * i + dilation * tap - padBegin = o.
static Value overlapAdd(TensorBuilder &b, Value columns, const Window &window,
                        ArrayRef<OpFoldResult> outSizes) {
  size_t spatial = window.rank();
  Type type = b.elementType(columns), accType = accumulatorType(type);
  SmallVector<Value> kernel, windows, padBegin;
  for (size_t i = 0; i < spatial; ++i) {
    kernel.push_back(b.toValue(window.kernel[i]));
    windows.push_back(b.toValue(b.dim(columns, 2 + spatial + i)));
    padBegin.push_back(b.toValue(window.padBegin[i]));
  }
  Dims shape = {b.dim(columns, 0), b.dim(columns, 1)};
  llvm::append_range(shape, outSizes);
  return b.generate(shape, type, [&](TensorBuilder &inner, ValueRange at) {
    ScalarCode s(inner);
    Value zero = s.index(0), none = s.constant(accType, 0);
    Value sum =
        s.forNest(kernel, none, [&](ValueRange taps, ValueRange carried) {
          Value hits = s.constant(inner.getI1Type(), 1);
          SmallVector<Value> source(at.take_front(2));
          llvm::append_range(source, taps);
          for (size_t i = 0; i < spatial; ++i) {
            Value stride = s.index(window.strides[i]);
            Value from = s.sub(s.add(at[2 + i], padBegin[i]),
                               s.mul(taps[i], s.index(window.dilations[i])));
            Value position = s.div(from, stride);
            Value fits = s.eq(s.mul(position, stride), from);
            fits = s.both(fits,
                          s.both(s.le(zero, from), s.lt(position, windows[i])));
            hits = s.both(hits, fits);
            source.push_back(position);
          }
          return s.ifElse(
              hits,
              [&] {
                return ScalarCode::Values{
                    s.add(carried[0],
                          s.convert(s.extract(columns, source), accType))};
              },
              [&] { return ScalarCode::Values(carried); });
        })[0];
    return s.convert(sum, type);
  });
}

//===----------------------------------------------------------------------===//
// ConvTranspose
//===----------------------------------------------------------------------===//

namespace {

struct ConvTranspose {
  NodeImporter &node;
  TensorBuilder &b;
  Value x, weight;
  Window window;
  int64_t groups = 1;

  explicit ConvTranspose(NodeImporter &node)
      : node(node), b(node.b()), x(node.input(0)), weight(node.input(1)) {}
  LogicalResult read();
  Value build();

private:
  LogicalResult readPads();
  bool tiles() const;
};

} // namespace

/// Pads and output sizes, which determine each other.
LogicalResult ConvTranspose::readPads() {
  size_t spatial = window.rank();
  SmallVector<int64_t> pads =
      node.attrInts("pads").value_or(SmallVector<int64_t>(2 * spatial, 0));
  SmallVector<int64_t> extra = node.attrInts("output_padding")
                                   .value_or(SmallVector<int64_t>(spatial, 0));
  std::optional<SmallVector<int64_t>> outputShape =
      node.attrInts("output_shape");
  // Some exporters list batch and channel too.
  if (outputShape && outputShape->size() == spatial + 2)
    outputShape->erase(outputShape->begin(), outputShape->begin() + 2);
  if (pads.size() != 2 * spatial || extra.size() != spatial ||
      (outputShape && outputShape->size() != spatial))
    return node.fail("pads, output_padding or output_shape do not fit " +
                     Twine(spatial) + " spatial dimensions");
  std::string autoPad = node.attrString("auto_pad", "NOTSET");
  bool same = autoPad == "SAME_UPPER" || autoPad == "SAME_LOWER";
  if (!same && autoPad != "NOTSET" && autoPad != "VALID")
    return node.fail("unknown auto_pad '" + Twine(autoPad) + "'");
  for (size_t i = 0; i < spatial; ++i) {
    OpFoldResult stride = b.attr(window.strides[i]);
    OpFoldResult reach = b.add(
        b.mul(b.sub(window.kernel[i], b.attr(1)), b.attr(window.dilations[i])),
        b.attr(1));
    OpFoldResult full =
        b.add(b.add(b.mul(stride, b.sub(window.input[i], b.attr(1))),
                    b.attr(extra[i])),
              reach);
    if (outputShape || same) {
      OpFoldResult wanted = outputShape ? b.attr((*outputShape)[i])
                                        : b.mul(window.input[i], stride);
      OpFoldResult total = b.max(b.sub(full, wanted), b.attr(0));
      OpFoldResult half = b.div(total, b.attr(2));
      window.padBegin.push_back(autoPad == "SAME_UPPER" ? half
                                                        : b.sub(total, half));
      window.output.push_back(wanted);
      continue;
    }
    int64_t begin = autoPad == "VALID" ? 0 : pads[i],
            end = autoPad == "VALID" ? 0 : pads[i + spatial];
    window.padBegin.push_back(b.attr(begin));
    window.output.push_back(b.sub(full, b.attr(begin + end)));
    if (failed(requireAtMost(node, b.attr(0), window.output.back(),
                             "output size")))
      return failure();
  }
  return success();
}

LogicalResult ConvTranspose::read() {
  Dims filter = b.shape(weight), shape = b.shape(x);
  if (filter.size() < 3 || filter.size() != shape.size())
    return node.fail(
        "input and weight need one rank, with at least one spatial dimension");
  window.kernel.assign(filter.begin() + 2, filter.end());
  window.input.assign(shape.begin() + 2, shape.end());
  FailureOr<SmallVector<int64_t>> strides =
      readSteps(node, "strides", window.kernel.size());
  FailureOr<SmallVector<int64_t>> dilations =
      readSteps(node, "dilations", window.kernel.size());
  if (failed(strides) || failed(dilations))
    return failure();
  window.strides = *strides;
  window.dilations = *dilations;
  groups = node.attrInt("group", 1);
  std::optional<int64_t> channels = getConstantIntValue(filter[0]);
  if (groups < 1 || (channels && *channels % groups != 0))
    return node.fail("group = " + Twine(groups) +
                     " does not divide the number of input channels");
  if (failed(requireEqual(node, shape[1], filter[0], "input channels")))
    return failure();
  return readPads();
}

/// True where the windows lie side by side and fill the result.
bool ConvTranspose::tiles() const {
  for (size_t i = 0; i < window.rank(); ++i) {
    std::optional<int64_t> kernel = getConstantIntValue(window.kernel[i]);
    OpFoldResult tiled = b.mul(window.input[i], b.attr(window.strides[i]));
    if (kernel != window.strides[i] || window.dilations[i] != 1 ||
        getConstantIntValue(window.padBegin[i]) != 0 ||
        !b.same(tiled, window.output[i]))
      return false;
  }
  return true;
}

/// A matmul gives each window, columns[n, g, k, p] = sum over c of
/// weight[g, c, k] * x[n, g, c, p] with k over (channel, taps); the windows are
/// then laid side by side or summed.
Value ConvTranspose::build() {
  size_t spatial = window.rank();
  OpFoldResult batch = b.dim(x, 0), group = b.attr(groups);
  OpFoldResult inChannels = b.div(b.dim(x, 1), group),
               outChannels = b.dim(weight, 1);
  OpFoldResult depth = b.mul(outChannels, b.product(window.kernel)),
               positions = b.product(window.input);
  Value matrix = b.reshape(weight, {group, inChannels, depth});
  Value input = b.reshape(x, {batch, group, inChannels, positions});
  AffineExpr n, g, k, p, c;
  bindDims(b.getContext(), n, g, k, p, c);
  auto map = [&](ArrayRef<AffineExpr> exprs) {
    return AffineMap::get(5, 0, exprs, b.getContext());
  };
  Value columns = b.contract(
      {matrix, input}, {map({g, c, k}), map({n, g, c, p})}, map({n, g, k, p}),
      {batch, group, depth, positions, inChannels});
  OpFoldResult channels = b.mul(group, outChannels);
  Dims columnShape = {batch, channels};
  llvm::append_range(columnShape, window.kernel);
  llvm::append_range(columnShape, window.input);
  columns = b.reshape(columns, columnShape);
  if (!tiles())
    return overlapAdd(b, columns, window, window.output);
  SmallVector<int64_t> interleave = {0, 1};
  for (size_t i = 0; i < spatial; ++i) {
    interleave.push_back(2 + spatial + i);
    interleave.push_back(2 + i);
  }
  Dims shape = {batch, channels};
  llvm::append_range(shape, window.output);
  return b.reshape(b.transpose(columns, interleave), shape);
}

static LogicalResult importConvTranspose(NodeImporter &node) {
  ConvTranspose conv(node);
  if (failed(conv.read()))
    return failure();
  return node.bindOutput(0, addChannelBias(node, conv.build(), node.input(2)));
}

//===----------------------------------------------------------------------===//
// Col2Im
//===----------------------------------------------------------------------===//

static LogicalResult importCol2Im(NodeImporter &node) {
  TensorBuilder &b = node.b();
  Value x = node.input(0);
  std::optional<Dims> image = b.dimsFrom(node.input(1)),
                      kernel = b.dimsFrom(node.input(2));
  if (!image || !kernel || image->size() != kernel->size() || b.rank(x) != 3)
    return node.fail(
        "image_shape and block_shape need one length, and the input rank 3");
  Window window;
  window.kernel = *kernel;
  FailureOr<SmallVector<int64_t>> strides =
      readSteps(node, "strides", kernel->size());
  FailureOr<SmallVector<int64_t>> dilations =
      readSteps(node, "dilations", kernel->size());
  if (failed(strides) || failed(dilations))
    return failure();
  window.strides = *strides;
  window.dilations = *dilations;
  SmallVector<int64_t> pads = node.attrInts("pads").value_or(
      SmallVector<int64_t>(2 * kernel->size(), 0));
  if (pads.size() != 2 * kernel->size())
    return node.fail("pads need two values per spatial dimension");
  Dims windows;
  for (size_t i = 0; i < kernel->size(); ++i) {
    window.padBegin.push_back(b.attr(pads[i]));
    OpFoldResult reach = b.add(
        b.mul(b.sub((*kernel)[i], b.attr(1)), b.attr(window.dilations[i])),
        b.attr(1));
    OpFoldResult room = b.sub(
        b.add((*image)[i], b.attr(pads[i] + pads[i + kernel->size()])), reach);
    windows.push_back(b.add(b.div(room, b.attr(window.strides[i])), b.attr(1)));
  }
  if (failed(requireEqual(node, b.dim(x, 2), b.product(windows),
                          "number of columns")))
    return failure();
  Dims shape = {b.dim(x, 0), b.div(b.dim(x, 1), b.product(*kernel))};
  llvm::append_range(shape, *kernel);
  llvm::append_range(shape, windows);
  return node.bindOutput(0, overlapAdd(b, b.reshape(x, shape), window, *image));
}

void fovea::frontend::registerConvTransposeOps(OpRegistry &registry) {
  registry.add("ConvTranspose", importConvTranspose);
  registry.add("Col2Im", importCol2Im);
}
