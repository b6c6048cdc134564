//===- Random.cpp - Random numbers by position ----------------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Random.h"

#include "llvm/ADT/bit.h"
#include "llvm/Support/xxhash.h"

#include <cmath>

using namespace mlir;
using namespace fovea::frontend;

Random::Random(NodeImporter &node) {
  // A float in most operators, an integer in some.
  if (const onnx::AttributeProto *seed = node.attr("seed")) {
    auto bits = static_cast<uint64_t>(seed->i());
    if (seed->type() == onnx::AttributeProto::FLOAT)
      bits = llvm::bit_cast<uint32_t>(seed->f());
    key[0] = static_cast<uint32_t>(bits);
    key[1] = static_cast<uint32_t>(bits >> 32);
    return;
  }
  key[0] = static_cast<uint32_t>(llvm::xxh3_64bits(node.name()));
  key[1] = node.importer().takeStream() + 1;
}

Value Random::flatten(ScalarCode &s, ValueRange at, ValueRange sizes) {
  Value position = s.index(0);
  for (auto [index, size] : llvm::zip_equal(at, sizes))
    position = s.add(s.mul(position, size), index);
  return position;
}

/// One product of a round: its high and its low half.
static std::pair<Value, Value> multiply(ScalarCode &s, Value x,
                                        uint32_t factor) {
  Type i64 = s.b.getI64Type(), i32 = s.b.getI32Type();
  Value wide = s.convert(x, i64, /*isUnsigned=*/true);
  Value product = s.mul(wide, s.b.scalar(i64, static_cast<int64_t>(factor)));
  Value high = s.b.createOrFold<arith::ShRUIOp>(product, s.b.scalar(i64, 32));
  return {s.convert(high, i32), s.convert(product, i32)};
}

std::pair<Value, Value> Random::draw(ScalarCode &s, Value position) {
  TensorBuilder &b = s.b;
  Type i32 = b.getI32Type(), i64 = b.getI64Type();
  auto mix = [&](Value x, Value y, uint32_t k) {
    Value both = b.createOrFold<arith::XOrIOp>(x, y);
    return b.createOrFold<arith::XOrIOp>(
        both, b.scalar(i32, static_cast<int64_t>(k)));
  };
  Value wide = s.convert(position, i64), zero = b.scalar(i32, 0);
  Value high = b.createOrFold<arith::ShRUIOp>(wide, b.scalar(i64, 32));
  Value counter[] = {s.convert(wide, i32), s.convert(high, i32), zero, zero};
  uint32_t k[] = {key[0], key[1]};
  for (int round = 0; round < 10; ++round) {
    auto [high0, low0] = multiply(s, counter[0], 0xD2511F53);
    auto [high1, low1] = multiply(s, counter[2], 0xCD9E8D57);
    counter[0] = mix(high1, counter[1], k[0]);
    counter[2] = mix(high0, counter[3], k[1]);
    counter[1] = low1;
    counter[3] = low0;
    k[0] += 0x9E3779B9;
    k[1] += 0xBB67AE85;
  }
  auto join = [&](Value low, Value high) {
    Value upper = b.createOrFold<arith::ShLIOp>(
        s.convert(high, i64, /*isUnsigned=*/true), b.scalar(i64, 32));
    return b.createOrFold<arith::OrIOp>(
        upper, s.convert(low, i64, /*isUnsigned=*/true));
  };
  return {join(counter[0], counter[1]), join(counter[2], counter[3])};
}

/// The upper bits of a word as a number in [0, 1), exactly.
Value Random::fraction(ScalarCode &s, Value word, FloatType type) {
  int digits = type.getFPMantissaWidth();
  Value bits = s.b.createOrFold<arith::ShRUIOp>(
      word, s.b.scalar(word.getType(), int64_t(64 - digits)));
  return s.mul(s.convert(bits, type), s.constant(type, std::ldexp(1, -digits)));
}

Value Random::uniform(ScalarCode &s, Value position, Type type) {
  return fraction(s, draw(s, position).first, cast<FloatType>(type));
}

/// Box and Muller's transform of two uniform numbers.
Value Random::normal(ScalarCode &s, Value position, Type type) {
  auto compute = cast<FloatType>(accumulatorType(type));
  auto [first, second] = draw(s, position);
  Value one = s.constant(compute, 1);
  // In (0, 1], where the logarithm is finite.
  Value radius = s.sub(one, fraction(s, first, compute));
  Value log = s.b.createOrFold<math::LogOp>(radius);
  Value length =
      s.b.createOrFold<math::SqrtOp>(s.mul(log, s.constant(compute, -2)));
  Value angle = s.mul(fraction(s, second, compute),
                      s.constant(compute, 6.283185307179586476925286766559));
  return s.convert(s.mul(length, s.b.createOrFold<math::CosOp>(angle)), type);
}
