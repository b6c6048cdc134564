//===- Softmax.cpp - ONNX Softmax and its relatives -----------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Arith.h"
#include "Families.h"

#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace fovea::frontend;
using namespace fovea::frontend::element;

namespace {
/// The input as the softmax sees it: before opset 13 it is flattened to a
/// matrix at `axis`.
struct Rows {
  Value value;
  int64_t axis;
};
} // namespace

static FailureOr<Rows> softmaxRows(NodeImporter &n) {
  TensorBuilder &b = n.b();
  bool flattens = n.opset() < 13;
  auto axis = n.attrAxis("axis", flattens ? 1 : -1, n.rank(0));
  if (failed(axis))
    return failure();
  if (!flattens || *axis == n.rank(0) - 1)
    return Rows{n.input(0), *axis};
  Dims dims = b.shape(n.input(0));
  ArrayRef<OpFoldResult> all = dims;
  Value flat = b.reshape(n.input(0), {b.product(all.take_front(*axis)),
                                      b.product(all.drop_front(*axis))});
  return Rows{flat, 1};
}

static LogicalResult importSoftmax(NodeImporter &n) {
  TensorBuilder &b = n.b();
  auto rows = softmaxRows(n);
  if (failed(rows))
    return failure();
  Type type = b.elementType(n.input(0)), wide = mathType(type);
  auto input = b.castTo(rows->value, wide);
  if (failed(input))
    return failure();
  Dims dims = b.shape(*input);
  Value init = b.empty(dims, wide);
  Value result =
      linalg::SoftmaxOp::create(b, init.getType(), *input, init, rows->axis)
          ->getResult(0);
  auto narrow = b.castTo(result, type);
  if (failed(narrow))
    return failure();
  return n.bindOutput(0, b.reshape(*narrow, b.shape(n.input(0))), n.dtype(0));
}

/// x - max - log(sum(exp(x - max)))
static LogicalResult importLogSoftmax(NodeImporter &n) {
  TensorBuilder &b = n.b();
  auto rows = softmaxRows(n);
  if (failed(rows))
    return failure();
  Type type = b.elementType(n.input(0)), wide = mathType(type);
  Value top =
      b.reduce(rows->value, {rows->axis}, /*keepDims=*/true, lowest(b, wide),
               [&](TensorBuilder &b, ValueRange args) {
                 return element::max(b, args[1], b.castScalar(args[0], wide));
               });
  auto shifted = b.elementwise(
      {rows->value, top}, wide, [&](TensorBuilder &b, ValueRange args) {
        return element::sub(b, b.castScalar(args[0], wide), args[1]);
      });
  if (failed(shifted))
    return failure();
  Value sum =
      b.reduce(*shifted, {rows->axis}, /*keepDims=*/true, b.scalar(wide, 0),
               [](TensorBuilder &b, ValueRange args) {
                 Value power = b.createOrFold<math::ExpOp>(args[0]);
                 return element::add(b, args[1], power);
               });
  auto result = b.elementwise(
      {*shifted, sum}, type, [&](TensorBuilder &b, ValueRange args) {
        Value log = b.createOrFold<math::LogOp>(args[1]);
        return b.castScalar(element::sub(b, args[0], log), type);
      });
  if (failed(result))
    return failure();
  return n.bindOutput(0, b.reshape(*result, b.shape(n.input(0))), n.dtype(0));
}

void fovea::frontend::registerSoftmaxOps(OpRegistry &registry) {
  registry.add("Softmax", importSoftmax);
  registry.add("LogSoftmax", importLogSoftmax);
}
