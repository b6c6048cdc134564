//===- Projection.cpp - Queries, keys and values of projections ----------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Projection.h"
#include "../../Checks.h"
#include "../Arith.h"
#include "../Contraction.h"

#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace fovea::frontend;

static FailureOr<Value> addTensors(TensorBuilder &b, Value x, Value bias) {
  Type type = b.elementType(x);
  return b.elementwise({x, bias}, type, [&](TensorBuilder &b, ValueRange args) {
    return element::inMathType(b, args[0], [&](Value wide) {
      return element::add(b, wide, b.castScalar(args[1], wide.getType()));
    });
  });
}

LogicalResult fovea::frontend::addBiasPart(NodeImporter &n, HeadTensor &tensor,
                                           Value bias, OpFoldResult &first) {
  TensorBuilder &b = n.b();
  if (!bias)
    return success();
  Dims dims = b.shape(tensor.value), split;
  if (dims.size() == 3)
    split = {dims[2]};
  else if (tensor.headsFirst)
    split = {dims[1], b.attr(1), dims[3]};
  else
    split = {dims[2], dims[3]};
  OpFoldResult width = b.product(split);
  if (failed(requireAtMost(n, b.add(first, width), b.dim(bias, 0),
                           "width of the bias")))
    return failure();
  Value part = b.slice(bias, {first}, {width}, {b.attr(1)});
  auto sum = addTensors(b, tensor.value, b.reshape(part, split));
  if (failed(sum))
    return failure();
  tensor.value = *sum;
  first = b.add(first, width);
  return success();
}

HeadTensor fovea::frontend::partOf(TensorBuilder &b, Value packed, int64_t i) {
  return {b.squeeze(b.sliceAxis(packed, 3, b.attr(i), b.attr(1)), {3}),
          /*headsFirst=*/false};
}

FailureOr<SmallVector<Value>> fovea::frontend::projectInput(NodeImporter &n,
                                                            Value x,
                                                            Value weights,
                                                            Value bias) {
  TensorBuilder &b = n.b();
  if (b.rank(weights) != 2)
    return n.fail("the weights need two dimensions");
  OpFoldResult width = b.dim(weights, 1);
  Dims widths(3, b.div(width, b.attr(3)));
  if (auto sizes = n.attrInts("qkv_hidden_sizes"); sizes && !sizes->empty()) {
    if (sizes->size() != 3 || (*sizes)[0] != (*sizes)[1] ||
        llvm::any_of(*sizes, [](int64_t size) { return size <= 0; }))
      return n.fail("qkv_hidden_sizes has to have three positive numbers, the "
                    "first two of them equal");
    for (int64_t i = 0; i < 3; ++i)
      widths[i] = b.attr((*sizes)[i]);
  }
  OpFoldResult total = b.add(b.add(widths[0], widths[1]), widths[2]);
  if (failed(requireEqual(n, total, width, "width of the weights")))
    return failure();
  auto product = buildMatMul(n, x, weights);
  if (failed(product))
    return failure();
  Value result = *product;
  if (bias) {
    if (b.rank(bias) != 1)
      return n.fail("the bias needs one dimension");
    if (failed(requireEqual(n, b.dim(bias, 0), width, "width of the bias")))
      return failure();
    auto sum = addTensors(b, result, bias);
    if (failed(sum))
      return failure();
    result = *sum;
  }
  SmallVector<Value> parts;
  OpFoldResult first = b.attr(0);
  for (OpFoldResult part : widths) {
    parts.push_back(b.sliceAxis(result, b.rank(result) - 1, first, part));
    first = b.add(first, part);
  }
  return parts;
}
