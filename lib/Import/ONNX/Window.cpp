//===- Window.cpp - Sliding windows ---------------------------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Window.h"

using namespace mlir;
using namespace fovea::frontend;

static bool isConstant(OpFoldResult dim, int64_t value) {
  std::optional<int64_t> known = getConstantIntValue(dim);
  return known && *known == value;
}

bool Window::isPadded() const {
  auto zero = [](OpFoldResult dim) { return isConstant(dim, 0); };
  return !llvm::all_of(padBegin, zero) || !llvm::all_of(padEnd, zero);
}

bool Window::isPointwise() const {
  return !isPadded() &&
         llvm::all_of(strides, [](int64_t s) { return s == 1; }) &&
         llvm::all_of(kernel,
                      [](OpFoldResult dim) { return isConstant(dim, 1); });
}

Value Window::pad(TensorBuilder &b, Value x, Value value) const {
  if (!isPadded())
    return x;
  Dims low(2, b.attr(0)), high(2, b.attr(0));
  llvm::append_range(low, padBegin);
  llvm::append_range(high, padEnd);
  return b.pad(x, low, high, value);
}

AffineExpr Window::tap(size_t i, AffineExpr out, AffineExpr tap) const {
  return out * strides[i] + tap * dilations[i];
}

FailureOr<SmallVector<int64_t>>
fovea::frontend::readSteps(NodeImporter &node, StringRef name, size_t rank) {
  std::optional<SmallVector<int64_t>> given = node.attrInts(name);
  if (!given)
    return SmallVector<int64_t>(rank, 1);
  if (given->size() != rank)
    return node.fail(Twine("attribute '") + name + "' has " +
                     Twine(given->size()) + " values for " + Twine(rank) +
                     " spatial dimensions");
  for (int64_t step : *given)
    if (step < 1)
      return node.fail(Twine("attribute '") + name + "' has the value " +
                       Twine(step) + "; it has to be positive");
  return *given;
}

/// Pads as the attribute gives them: all begins, then all ends.
static LogicalResult readPads(NodeImporter &node, Window &window) {
  TensorBuilder &b = node.b();
  SmallVector<int64_t> pads = node.attrInts("pads").value_or(
      SmallVector<int64_t>(2 * window.rank(), 0));
  if (pads.size() != 2 * window.rank())
    return node.fail("attribute 'pads' has " + Twine(pads.size()) +
                     " values for " + Twine(window.rank()) +
                     " spatial dimensions");
  for (size_t i = 0; i < window.rank(); ++i) {
    if (pads[i] < 0 || pads[i + window.rank()] < 0)
      return node.fail("negative pads are not supported");
    window.padBegin.push_back(b.attr(pads[i]));
    window.padEnd.push_back(b.attr(pads[i + window.rank()]));
  }
  return success();
}

/// SAME_UPPER and SAME_LOWER: as many windows as input elements per stride.
static void padToSame(TensorBuilder &b, Window &window, size_t i, bool upper) {
  OpFoldResult stride = b.attr(window.strides[i]);
  OpFoldResult output = b.divUp(window.input[i], stride);
  OpFoldResult reach = b.add(
      b.mul(b.sub(window.kernel[i], b.attr(1)), b.attr(window.dilations[i])),
      b.attr(1));
  OpFoldResult covered = b.add(b.mul(b.sub(output, b.attr(1)), stride), reach);
  OpFoldResult total = b.max(b.sub(covered, window.input[i]), b.attr(0));
  OpFoldResult half = b.div(total, b.attr(2));
  window.padBegin.push_back(upper ? half : b.sub(total, half));
  window.padEnd.push_back(upper ? b.sub(total, half) : half);
  window.output.push_back(output);
}

/// Number of windows along spatial dim i with the pads at hand.
static LogicalResult countWindows(NodeImporter &node, Window &window, size_t i,
                                  bool ceilMode) {
  TensorBuilder &b = node.b();
  OpFoldResult stride = b.attr(window.strides[i]);
  OpFoldResult reach = b.add(
      b.mul(b.sub(window.kernel[i], b.attr(1)), b.attr(window.dilations[i])),
      b.attr(1));
  OpFoldResult padded =
      b.add(b.add(window.input[i], window.padBegin[i]), window.padEnd[i]);
  OpFoldResult room = b.sub(padded, reach);
  std::optional<int64_t> known = getConstantIntValue(room);
  if (known && *known < 0)
    return node.fail(
        "the window is larger than the padded input in spatial dimension " +
        Twine(i));
  if (!known) {
    Value fits = arith::CmpIOp::create(b, arith::CmpIPredicate::sge,
                                       b.toValue(room), b.index(0));
    b.runtimeCheck(fits, "a window is larger than the padded input");
  }
  OpFoldResult output =
      b.add(ceilMode ? b.divUp(room, stride) : b.div(room, stride), b.attr(1));
  if (ceilMode) {
    // A window may hang over the end, but has to start in the input or in the
    // padding before it.
    OpFoldResult starts =
        b.divUp(b.add(window.input[i], window.padBegin[i]), stride);
    output = b.min(output, starts);
    OpFoldResult covered =
        b.add(b.mul(b.sub(output, b.attr(1)), stride), reach);
    window.padEnd[i] =
        b.max(window.padEnd[i],
              b.sub(b.sub(covered, window.input[i]), window.padBegin[i]));
  }
  window.output.push_back(output);
  return success();
}

FailureOr<Window> fovea::frontend::readWindow(NodeImporter &node,
                                              const Dims &kernel) {
  TensorBuilder &b = node.b();
  Window window;
  window.kernel = kernel;
  Dims shape = b.shape(node.input(0));
  if (shape.size() != kernel.size() + 2)
    return node.fail("the input has rank " + Twine(shape.size()) +
                     ", the kernel needs rank " + Twine(kernel.size() + 2));
  window.input.assign(shape.begin() + 2, shape.end());
  FailureOr<SmallVector<int64_t>> strides =
      readSteps(node, "strides", kernel.size());
  FailureOr<SmallVector<int64_t>> dilations =
      readSteps(node, "dilations", kernel.size());
  if (failed(strides) || failed(dilations))
    return failure();
  window.strides = *strides;
  window.dilations = *dilations;

  std::string autoPad = node.attrString("auto_pad", "NOTSET");
  bool same = autoPad == "SAME_UPPER" || autoPad == "SAME_LOWER";
  if (autoPad == "VALID") {
    window.padBegin.assign(kernel.size(), b.attr(0));
    window.padEnd = window.padBegin;
  } else if (autoPad == "NOTSET") {
    if (failed(readPads(node, window)))
      return failure();
  } else if (!same) {
    return node.fail("unknown auto_pad '" + Twine(autoPad) + "'");
  }
  bool ceilMode = node.attrInt("ceil_mode", 0) != 0;
  for (size_t i = 0; i < kernel.size(); ++i) {
    if (same)
      padToSame(b, window, i, autoPad == "SAME_UPPER");
    else if (failed(countWindows(node, window, i, ceilMode)))
      return failure();
  }
  return window;
}
