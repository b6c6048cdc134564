//===- Conv.cpp - Convolutions --------------------------------------------===//
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

namespace {

/// Largest matrix of gathered windows, in elements. Beyond, the convolution
/// reads its windows in place.
constexpr int64_t maxGatheredElements = int64_t(1) << 24;

struct Conv {
  NodeImporter &node;
  TensorBuilder &b;
  Value x, weight;
  Window window;
  int64_t groups = 1;
  /// Batch; input and output channels per group.
  OpFoldResult batch, inChannels, outChannels;

  Conv(NodeImporter &node, Value x, Value weight)
      : node(node), b(node.b()), x(x), weight(weight) {}
  LogicalResult read();
  Value build();

private:
  Value contractGathered();
  Value contractChannelsLast();
  bool prefersChannelsLast();
  Value contractInPlace();
  bool prefersGather();
};

} // namespace

LogicalResult Conv::read() {
  Dims filter = b.shape(weight);
  if (filter.size() < 3)
    return node.fail("the weight has rank " + Twine(filter.size()) +
                     "; it needs at least one spatial dimension");
  FailureOr<Window> read =
      readWindow(node, Dims(filter.begin() + 2, filter.end()));
  if (failed(read))
    return failure();
  window = *read;
  groups = node.attrInt("group", 1);
  std::optional<int64_t> features = getConstantIntValue(filter[0]);
  if (groups < 1 || (features && *features % groups != 0))
    return node.fail("group = " + Twine(groups) +
                     " does not divide the number of output channels");
  batch = b.dim(x, 0);
  inChannels = filter[1];
  outChannels = b.div(filter[0], b.attr(groups));
  OpFoldResult channels = b.dim(x, 1),
               expected = b.mul(inChannels, b.attr(groups));
  std::optional<int64_t> known = getConstantIntValue(channels),
                         wanted = getConstantIntValue(expected);
  if (known && wanted) {
    if (*known != *wanted)
      return node.fail("the input has " + Twine(*known) +
                       " channels, the weight wants " + Twine(*wanted));
  } else if (!b.same(channels, expected)) {
    Value equal = arith::CmpIOp::create(
        b, arith::CmpIPredicate::eq, b.toValue(channels), b.toValue(expected));
    b.runtimeCheck(equal,
                   "the number of input channels does not fit the weight");
  }
  return success();
}

/// Windows gathered into a matrix make the convolution a matmul, which is worth
/// the copy where each gathered element is used often enough.
bool Conv::prefersGather() {
  if (window.isPointwise())
    return true;
  std::optional<int64_t> in = getConstantIntValue(inChannels),
                         out = getConstantIntValue(outChannels);
  if (!in || !out || *out < 4)
    return false;
  Dims all = {batch, b.attr(groups), inChannels};
  llvm::append_range(all, window.kernel);
  llvm::append_range(all, window.output);
  std::optional<int64_t> elements = getConstantIntValue(b.product(all));
  return !elements || *elements <= maxGatheredElements;
}

/// Whether vectors of output channels can be multiplied with single elements of
/// the input, read in place: there are enough of them, and a weight that lies
/// this way at no cost. Windows side by side are a permutation of the input,
/// and the convolution is a plain matmul.
bool Conv::prefersChannelsLast() {
  constexpr int64_t fewest = 16;
  std::optional<int64_t> out = getConstantIntValue(outChannels),
                         depth = getConstantIntValue(
                             b.mul(inChannels, b.product(window.kernel)));
  bool isTiling = llvm::all_of(
      llvm::zip_equal(window.strides, window.kernel), [](auto pair) {
        return getConstantIntValue(std::get<1>(pair)) == std::get<0>(pair);
      });
  return groups == 1 && !window.isPointwise() && !isTiling && out &&
         *out >= fewest && depth && *depth >= fewest &&
         isa<FloatType>(b.elementType(x)) && b.type(x).hasStaticShape() &&
         matchPattern(weight, m_Constant());
}

/// out[n, o..., f] = sum over c, taps of padded[n, c, stride * o + dilation *
/// tap] * weight[c, taps..., f], with the channels brought back to their place.
Value Conv::contractChannelsLast() {
  size_t spatial = window.rank();
  Value padded = window.pad(b, x, b.scalar(b.elementType(x), 0));
  SmallVector<int64_t> order =
      llvm::to_vector(llvm::seq<int64_t>(1, spatial + 2));
  order.push_back(0);
  Value last = b.transpose(weight, order);
  Dims loops = {batch};
  auto loop = [&](OpFoldResult extent) {
    loops.push_back(extent);
    return b.getAffineDimExpr(loops.size() - 1);
  };
  SmallVector<AffineExpr> in = {b.getAffineDimExpr(0)}, out = in, w;
  for (OpFoldResult extent : window.output)
    out.push_back(loop(extent));
  out.push_back(loop(outChannels));
  in.push_back(loop(inChannels));
  w.push_back(in.back());
  for (size_t i = 0; i < spatial; ++i) {
    w.push_back(loop(window.kernel[i]));
    in.push_back(window.tap(i, out[1 + i], w.back()));
  }
  w.push_back(out.back());
  auto map = [&](ArrayRef<AffineExpr> exprs) {
    return AffineMap::get(loops.size(), 0, exprs, b.getContext());
  };
  Value sum = b.contract({padded, last}, {map(in), map(w)}, map(out), loops);
  SmallVector<int64_t> back = {0, static_cast<int64_t>(spatial) + 1};
  llvm::append_range(back, llvm::seq<int64_t>(1, spatial + 1));
  return b.transpose(sum, back);
}

/// out[n, g, f, p] = sum over k of weight[g, f, k] * gathered[n, g, k, p], with
/// k over (channel, taps) and p over output positions.
Value Conv::contractGathered() {
  size_t spatial = window.rank();
  OpFoldResult depth = b.mul(inChannels, b.product(window.kernel));
  OpFoldResult positions = b.product(window.output);
  Value gathered = x;
  Type type = b.elementType(x);
  if (!window.isPointwise()) {
    // gathered[n, c, taps..., out...] = padded[n, c, stride * out + dilation *
    // tap]
    Value padded = window.pad(b, x, b.scalar(type, 0));
    Dims shape = {batch, b.dim(x, 1)};
    llvm::append_range(shape, window.kernel);
    llvm::append_range(shape, window.output);
    SmallVector<AffineExpr> read = {b.getAffineDimExpr(0),
                                    b.getAffineDimExpr(1)};
    for (size_t i = 0; i < spatial; ++i)
      read.push_back(window.tap(i, b.getAffineDimExpr(2 + spatial + i),
                                b.getAffineDimExpr(2 + i)));
    AffineMap maps[] = {AffineMap::get(shape.size(), 0, read, b.getContext()),
                        b.getMultiDimIdentityMap(shape.size())};
    SmallVector<utils::IteratorType> iterators(shape.size(),
                                               utils::IteratorType::parallel);
    Value init = b.empty(shape, type);
    gathered = linalg::GenericOp::create(
                   b, init.getType(), padded, init, maps, iterators,
                   [](OpBuilder &inner, Location loc, ValueRange args) {
                     linalg::YieldOp::create(inner, loc, args[0]);
                   })
                   .getResult(0);
  }
  bool grouped = groups != 1;
  Dims gatheredShape = {batch}, weightShape, loops = {batch};
  if (grouped) {
    for (Dims *dims : {&gatheredShape, &weightShape, &loops})
      dims->push_back(b.attr(groups));
  }
  gatheredShape.append({depth, positions});
  weightShape.append({outChannels, depth});
  loops.append({outChannels, positions, depth});
  gathered = b.reshape(gathered, gatheredShape);
  Value matrix = b.reshape(weight, weightShape);
  SmallVector<AffineExpr> d;
  for (size_t i = 0; i < loops.size(); ++i)
    d.push_back(b.getAffineDimExpr(i));
  auto map = [&](ArrayRef<AffineExpr> exprs) {
    return AffineMap::get(loops.size(), 0, exprs, b.getContext());
  };
  SmallVector<Value> operands = {matrix, gathered};
  SmallVector<AffineMap> maps =
      grouped
          ? SmallVector<AffineMap>{map({d[1], d[2], d[4]}),
                                   map({d[0], d[1], d[4], d[3]})}
          : SmallVector<AffineMap>{map({d[1], d[3]}), map({d[0], d[3], d[2]})};
  AffineMap result =
      grouped ? map({d[0], d[1], d[2], d[3]}) : map({d[0], d[1], d[2]});
  return b.contract(operands, maps, result, loops);
}

/// out[n, g, f, o...] = sum over c, taps of weight[g, f, c, taps] *
/// padded[n, g, c, stride * o + dilation * tap]. Loops that run once (the
/// channels of a depthwise convolution) are left out; the output positions are
/// innermost, where consecutive elements are.
Value Conv::contractInPlace() {
  size_t spatial = window.rank();
  Value padded = window.pad(b, x, b.scalar(b.elementType(x), 0));
  auto isOne = [](OpFoldResult dim) { return getConstantIntValue(dim) == 1; };
  bool hasIn = !isOne(inChannels), hasOut = !isOne(outChannels);
  Dims loops = {batch, b.attr(groups)};
  Dims inputShape = loops, weightShape = {b.attr(groups)};
  SmallVector<AffineExpr> n, w, o;
  auto loop = [&](OpFoldResult extent) {
    loops.push_back(extent);
    return b.getAffineDimExpr(loops.size() - 1);
  };
  AffineExpr group = b.getAffineDimExpr(1);
  n = {b.getAffineDimExpr(0), group};
  o = n;
  w = {group};
  if (hasOut) {
    o.push_back(loop(outChannels));
    w.push_back(o.back());
    weightShape.push_back(outChannels);
  }
  if (hasIn) {
    n.push_back(loop(inChannels));
    w.push_back(n.back());
    weightShape.push_back(inChannels);
    inputShape.push_back(inChannels);
  }
  for (size_t i = 0; i < spatial; ++i) {
    w.push_back(loop(window.kernel[i]));
    weightShape.push_back(window.kernel[i]);
  }
  for (size_t i = 0; i < spatial; ++i) {
    o.push_back(loop(window.output[i]));
    n.push_back(window.tap(i, o.back(), w[w.size() - spatial + i]));
    inputShape.push_back(b.dim(padded, 2 + i));
  }
  auto map = [&](ArrayRef<AffineExpr> exprs) {
    return AffineMap::get(loops.size(), 0, exprs, b.getContext());
  };
  SmallVector<Value> operands = {b.reshape(padded, inputShape),
                                 b.reshape(weight, weightShape)};
  return b.contract(operands, {map(n), map(w)}, map(o), loops);
}

Value Conv::build() {
  if (prefersChannelsLast())
    return contractChannelsLast();
  Value sum = prefersGather() ? contractGathered() : contractInPlace();
  Dims shape = {batch, b.mul(outChannels, b.attr(groups))};
  llvm::append_range(shape, window.output);
  return b.reshape(sum, shape);
}

FailureOr<Value> fovea::frontend::buildConv(NodeImporter &node, Value x,
                                            Value weight) {
  Conv conv(node, x, weight);
  if (failed(conv.read()))
    return failure();
  return conv.build();
}

FailureOr<Value> fovea::frontend::addChannelBias(NodeImporter &node, Value x,
                                                 Value bias) {
  TensorBuilder &b = node.b();
  if (!bias)
    return x;
  if (b.rank(bias) != 1)
    return node.fail("the bias has rank " + Twine(b.rank(bias)) +
                     " and needs rank 1");
  if (failed(requireEqual(node, b.dim(bias, 0), b.dim(x, 1), "bias")))
    return failure();
  SmallVector<int64_t> trailing =
      llvm::to_vector(llvm::seq<int64_t>(1, b.rank(x) - 1));
  return b.elementwise({x, b.unsqueeze(bias, trailing)}, b.elementType(x),
                       [](TensorBuilder &inner, ValueRange args) {
                         return ScalarCode(inner).add(args[0], args[1]);
                       });
}

static LogicalResult importConv(NodeImporter &node) {
  FailureOr<Value> sum = buildConv(node, node.input(0), node.input(1));
  if (failed(sum))
    return failure();
  return node.bindOutput(0, addChannelBias(node, *sum, node.input(2)));
}

void fovea::frontend::registerConvOps(OpRegistry &registry) {
  registry.add("Conv", importConv);
}
