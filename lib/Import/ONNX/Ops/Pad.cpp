//===- Pad.cpp - Pad ------------------------------------------------------===//
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

namespace {
enum class PadMode { Constant, Reflect, Edge, Wrap };

struct Padding {
  Dims low, high;
  bool isStatic() const {
    auto known = [](OpFoldResult dim) {
      return getConstantIntValue(dim).has_value();
    };
    return llvm::all_of(low, known) && llvm::all_of(high, known);
  }
};
} // namespace

/// The pads as the node lists them: all begins, then all ends.
static FailureOr<Dims> readPads(NodeImporter &node, size_t axes) {
  TensorBuilder &b = node.b();
  Dims pads;
  if (std::optional<SmallVector<int64_t>> attribute = node.attrInts("pads"))
    for (int64_t pad : *attribute)
      pads.push_back(b.attr(pad));
  else if (std::optional<Dims> given =
               node.input(1) ? b.dimsFrom(node.input(1)) : std::nullopt)
    pads = *given;
  else
    return node.fail("pads need a length known at compile time");
  if (pads.size() != 2 * axes)
    return node.fail(Twine(pads.size()) + " pads for " + Twine(axes) + " axes");
  return pads;
}

/// Axes that are only known at run time: each axis looks for itself in the
/// list.
static FailureOr<Padding> readPaddingOfRuntimeAxes(NodeImporter &node,
                                                   const Dims &axes) {
  TensorBuilder &b = node.b();
  ScalarCode s(b);
  FailureOr<Dims> pads = readPads(node, axes.size());
  if (failed(pads))
    return failure();
  Padding result;
  for (int64_t axis = 0, rank = node.rank(0); axis < rank; ++axis) {
    Value low = b.index(0), high = low;
    for (auto [i, listed] : llvm::enumerate(axes)) {
      Value given = b.toValue(listed);
      Value hit = s.either(s.eq(given, b.index(axis)),
                           s.eq(given, b.index(axis - rank)));
      low = s.select(hit, b.toValue((*pads)[i]), low);
      high = s.select(hit, b.toValue((*pads)[i + axes.size()]), high);
    }
    result.low.push_back(b.toDim(low));
    result.high.push_back(b.toDim(high));
  }
  return result;
}

/// Pads for all axes; axes that the node does not name get none.
static FailureOr<Padding> readPadding(NodeImporter &node) {
  TensorBuilder &b = node.b();
  int64_t rank = node.rank(0);
  SmallVector<int64_t> axes = llvm::to_vector(llvm::seq<int64_t>(0, rank));
  if (node.input(3)) {
    std::optional<SmallVector<int64_t>> given = node.constantInts(3);
    if (!given) {
      if (std::optional<Dims> runtimeAxes = b.dimsFrom(node.input(3)))
        return readPaddingOfRuntimeAxes(node, *runtimeAxes);
      return node.fail("axes need a length known at compile time");
    }
    FailureOr<SmallVector<int64_t>> normalized =
        node.normalizeAxes(*given, rank);
    if (failed(normalized))
      return failure();
    axes = *normalized;
  }
  FailureOr<Dims> pads = readPads(node, axes.size());
  if (failed(pads))
    return failure();
  Padding result;
  result.low.assign(rank, b.attr(0));
  result.high = result.low;
  for (size_t i = 0; i < axes.size(); ++i) {
    result.low[axes[i]] = (*pads)[i];
    result.high[axes[i]] = (*pads)[i + axes.size()];
  }
  return result;
}

/// Known pads by a constant: what is negative cuts, what is positive pads.
static FailureOr<Value> padByConstant(NodeImporter &node,
                                      const Padding &padding, Value fill) {
  TensorBuilder &b = node.b();
  Value x = node.input(0);
  OpFoldResult zero = b.attr(0);
  Dims offsets, sizes, low, high;
  bool cuts = false, pads = false;
  for (int64_t i = 0; i < b.rank(x); ++i) {
    int64_t before = *getConstantIntValue(padding.low[i]),
            after = *getConstantIntValue(padding.high[i]);
    int64_t cutBefore = std::max<int64_t>(-before, 0),
            cutAfter = std::max<int64_t>(-after, 0);
    if (failed(requireAtMost(node, b.attr(cutBefore + cutAfter), b.dim(x, i),
                             "negative pads")))
      return failure();
    offsets.push_back(b.attr(cutBefore));
    sizes.push_back(b.sub(b.dim(x, i), b.attr(cutBefore + cutAfter)));
    low.push_back(b.max(padding.low[i], zero));
    high.push_back(b.max(padding.high[i], zero));
    cuts |= before < 0 || after < 0;
    pads |= before > 0 || after > 0;
  }
  if (cuts)
    x = b.slice(x, offsets, sizes, Dims(sizes.size(), b.attr(1)));
  return pads ? b.pad(x, low, high, fill) : x;
}

/// The position in [0, size) that position i outside stands for.
static Value mapInside(ScalarCode &s, PadMode mode, Value i, Value size) {
  Value zero = s.index(0), one = s.index(1);
  // The remainder has the sign of the dividend.
  auto modulo = [&](Value value, Value period) {
    Value r = s.rem(value, period);
    return s.select(s.lt(r, zero), s.add(r, period), r);
  };
  switch (mode) {
  case PadMode::Wrap:
    return modulo(i, s.max(size, one));
  case PadMode::Reflect: {
    Value period = s.max(s.mul(s.sub(size, one), s.index(2)), one);
    Value r = modulo(i, period);
    return s.min(r, s.sub(period, r));
  }
  case PadMode::Constant:
  case PadMode::Edge:
    break;
  }
  return s.clamp(i, zero, s.sub(size, one));
}

/// Everything else: each result element finds its source.
static FailureOr<Value> padByPosition(NodeImporter &node, PadMode mode,
                                      const Padding &padding, Value fill) {
  TensorBuilder &b = node.b();
  ScalarCode s(b);
  Value x = node.input(0);
  Dims inputShape = b.shape(x), shape;
  SmallVector<Value> sizes, low;
  for (auto [size, before, after] :
       llvm::zip_equal(inputShape, padding.low, padding.high)) {
    sizes.push_back(b.toValue(size));
    low.push_back(b.toValue(before));
    shape.push_back(b.add(b.add(size, before), after));
    if (failed(requireAtMost(node, b.attr(0), shape.back(), "pads")))
      return failure();
  }
  if (mode != PadMode::Constant)
    for (OpFoldResult size : inputShape)
      if (failed(requireElements(node, size, shape, "input")))
        return failure();
  return b.generate(
      shape, b.elementType(x), [&](TensorBuilder &inner, ValueRange position) {
        ScalarCode s(inner);
        SmallVector<Value> source;
        Value isInside = s.constant(inner.getI1Type(), 1);
        for (auto [axis, i] : llvm::enumerate(position)) {
          Value from = s.sub(i, low[axis]);
          source.push_back(mapInside(s, mode, from, sizes[axis]));
          Value within =
              s.both(s.le(s.index(0), from), s.lt(from, sizes[axis]));
          isInside = s.both(isInside, within);
        }
        if (mode != PadMode::Constant)
          return s.extract(x, source);
        return s.ifElse(
            isInside, [&] { return ScalarCode::Values{s.extract(x, source)}; },
            [&] { return ScalarCode::Values{fill}; })[0];
      });
}

static LogicalResult importPad(NodeImporter &node) {
  TensorBuilder &b = node.b();
  std::string name = node.attrString("mode", "constant");
  std::optional<PadMode> mode = llvm::StringSwitch<std::optional<PadMode>>(name)
                                    .Case("constant", PadMode::Constant)
                                    .Case("reflect", PadMode::Reflect)
                                    .Case("edge", PadMode::Edge)
                                    .Case("wrap", PadMode::Wrap)
                                    .Default(std::nullopt);
  if (!mode)
    return node.fail("unknown mode '" + Twine(name) + "'");
  FailureOr<Padding> padding = readPadding(node);
  if (failed(padding))
    return failure();
  if (*mode == PadMode::Constant) {
    Value fill = node.input(2) ? b.extractScalar(node.input(2))
                               : b.scalar(b.elementType(node.input(0)),
                                          node.attrFloat("value", 0));
    if (padding->isStatic())
      return node.bindOutput(0, padByConstant(node, *padding, fill));
    return node.bindOutput(0, padByPosition(node, *mode, *padding, fill));
  }
  return node.bindOutput(0, padByPosition(node, *mode, *padding, Value()));
}

void fovea::frontend::registerPadOps(OpRegistry &registry) {
  registry.add("Pad", importPad);
}
