//===- Quantized.cpp - Products with quantised weights ------------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "../../Checks.h"
#include "../../ScalarCode.h"
#include "../Arith.h"
#include "../Contraction.h"
#include "../Families.h"
#include "Contrib.h"

#include "onnx/defs/shape_inference.h"

#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace fovea::frontend;

namespace {

/// Weights of a few bits each: [N, blocks, bytes], with one scale (and zero
/// point) for each block of elements along K.
class BlockWeights {
public:
  explicit BlockWeights(NodeImporter &n) : n(n), b(n.b()) {}
  LogicalResult read();
  /// The weights as [K, N] of the type of the scales.
  Value expand();

private:
  FailureOr<Value> shaped(size_t i, int64_t rowSize);
  Value bitsAt(ScalarCode &s, Value byte, Value position);

  NodeImporter &n;
  TensorBuilder &b;
  int64_t rows = 0, columns = 0, bits = 0, blockSize = 0, blocks = 0;
  Value weights, scales, zeros;
};

} // namespace

/// Input i, in whatever shape, as [N, rowSize].
FailureOr<Value> BlockWeights::shaped(size_t i, int64_t rowSize) {
  if (failed(requireEqual(n, b.product(b.shape(n.input(i))),
                          b.attr(columns * rowSize),
                          "elements of input " + Twine(i))))
    return failure();
  return b.reshape(n.input(i), {b.attr(columns), b.attr(rowSize)});
}

LogicalResult BlockWeights::read() {
  rows = n.attrInt("K", 0);
  columns = n.attrInt("N", 0);
  bits = n.attrInt("bits", 4);
  blockSize = n.attrInt("block_size", 0);
  constexpr int64_t limit = int64_t(1) << 31;
  if (rows <= 0 || columns <= 0 || rows >= limit || columns >= limit)
    return n.fail("K and N have to be positive, and less than 2^31");
  if (bits != 2 && bits != 4 && bits != 8)
    return n.fail("bits = " + Twine(bits) +
                  " is not supported; it has to be "
                  "2, 4 or 8");
  if (blockSize < 16 || blockSize > limit || (blockSize & (blockSize - 1)) != 0)
    return n.fail("block_size has to be a power of two, and at least 16");
  if (n.attrInt("weight_prepacked", 0))
    return n.fail("prepacked weights are not supported");
  if (n.input(4))
    return n.fail("g_idx (input 4) is not supported");
  blocks = (rows + blockSize - 1) / blockSize;
  auto bytes = shaped(1, blocks * (blockSize * bits / 8));
  auto factors = shaped(2, blocks);
  if (failed(bytes) || failed(factors))
    return failure();
  weights = *bytes;
  scales = *factors;
  if (!n.input(3))
    return success();
  bool isPacked = n.dtype(3) == onnx::TensorProto::UINT8;
  if (!isPacked && n.dtype(3) != n.dtype(2))
    return n.fail("zero_points have to be uint8 or of the type of the scales");
  auto points = shaped(3, isPacked ? (blocks * bits + 7) / 8 : blocks);
  if (failed(points))
    return failure();
  zeros = *points;
  return success();
}

/// The element at `position` in a row of packed ones, whose byte is given.
Value BlockWeights::bitsAt(ScalarCode &s, Value byte, Value position) {
  if (bits == 8)
    return byte;
  int64_t perByte = 8 / bits;
  Value inByte = s.rem(position, s.index(perByte));
  Value shift = s.convert(s.mul(inByte, s.index(bits)), byte.getType());
  Value moved = s.b.createOrFold<arith::ShRUIOp>(byte, shift);
  return s.b.createOrFold<arith::AndIOp>(
      moved, s.constant(byte.getType(), double((1 << bits) - 1)));
}

Value BlockWeights::expand() {
  Type type = b.elementType(scales), compute = element::mathType(type);
  int64_t perByte = 8 / bits;
  return b.generate(
      {b.attr(rows), b.attr(columns)}, type,
      [&](TensorBuilder &inner, ValueRange at) {
        ScalarCode s(inner);
        auto unpack = [&](Value packed, Value position) {
          Value byte =
              s.extract(packed, {at[1], s.div(position, s.index(perByte))});
          return s.convert(bitsAt(s, byte, position), compute,
                           /*isUnsigned=*/true);
        };
        Value block = s.div(at[0], s.index(blockSize));
        Value zero = s.constant(compute, double(1 << (bits - 1)));
        if (zeros)
          zero = isa<FloatType>(b.elementType(zeros))
                     ? s.convert(s.extract(zeros, {at[1], block}), compute)
                     : unpack(zeros, block);
        Value scale = s.convert(s.extract(scales, {at[1], block}), compute);
        // A block begins at a byte of its own, and is a power of two long.
        Value x = s.mul(s.sub(unpack(weights, at[0]), zero), scale);
        return s.convert(x, type);
      });
}

static LogicalResult importMatMulNBits(NodeImporter &n) {
  TensorBuilder &b = n.b();
  BlockWeights weights(n);
  if (failed(weights.read()))
    return failure();
  if (n.rank(0) == 0)
    return n.fail("a scalar is no matrix");
  auto product = buildMatMul(n, n.input(0), weights.expand());
  if (failed(product) || !n.input(5))
    return n.bindOutput(0, product, n.dtype(0));
  if (failed(requireRank(n, 5, 1)) ||
      failed(requireEqual(n, b.dim(n.input(5), 0), b.attr(n.attrInt("N", 0)),
                          "bias")))
    return failure();
  auto sum = b.elementwise({*product, n.input(5)}, b.elementType(*product),
                           [](TensorBuilder &b, ValueRange args) {
                             return element::add(b, args[0], args[1]);
                           });
  return n.bindOutput(0, sum, n.dtype(0));
}

void fovea::frontend::registerContribQuantizedOps(OpRegistry &registry) {
  ContribSchema("MatMulNBits")
      .input("A")
      .input("B", "T2")
      .input("scales")
      .optional("zero_points", "T3")
      .optional("g_idx", "T4")
      .optional("bias")
      .output("Y")
      .types("T2", {"tensor(uint8)"})
      .types("T3", {"tensor(uint8)", "tensor(float)", "tensor(float16)",
                    "tensor(bfloat16)"})
      .types("T4", {"tensor(int32)"})
      .requiredInts({"K", "N", "block_size"})
      .ints({"accuracy_level", "bits", "weight_prepacked"})
      .define(registry, importMatMulNBits);
}
