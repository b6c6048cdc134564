//===- Compare.cpp - Outputs against expected ones ------------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Compare.h"

#include <cmath>
#include <cstring>
#include <sstream>

using namespace fovea;

template <typename T> static T element(const Tensor &tensor, int64_t i) {
  T value;
  memcpy(&value, tensor.data.data() + i * sizeof(T), sizeof(T));
  return value;
}

static double halfAsDouble(uint16_t bits) {
  double sign = bits & 0x8000 ? -1 : 1;
  int exponent = bits >> 10 & 31, mantissa = bits & 1023;
  if (exponent == 31)
    return mantissa ? NAN : sign * INFINITY;
  if (exponent == 0)
    return sign * std::ldexp(mantissa, -24);
  return sign * std::ldexp(mantissa + 1024, exponent - 25);
}

static double bfloatAsDouble(uint16_t bits) {
  uint32_t wide = static_cast<uint32_t>(bits) << 16;
  float value;
  memcpy(&value, &wide, sizeof value);
  return value;
}

/// A float of a byte or less: sign, exponent, mantissa.
static double smallAsDouble(uint8_t code, int exponentBits, int mantissaBits,
                            int bias) {
  int magnitude = code & ((1 << (exponentBits + mantissaBits)) - 1);
  double sign = magnitude == code ? 1 : -1;
  int exponent = magnitude >> mantissaBits;
  int mantissa = magnitude & ((1 << mantissaBits) - 1);
  if (exponent == 0)
    return sign * std::ldexp(mantissa, 1 - bias - mantissaBits);
  return sign * std::ldexp(mantissa + (1 << mantissaBits),
                           exponent - bias - mantissaBits);
}

/// An element of a type that the model stores and does not compute with.
static double storedAsDouble(int32_t dtype, uint8_t code) {
  switch (dtype) {
  case FOVEA_INT4:
    return code < 8 ? code : code - 16;
  case FOVEA_INT2:
    return code < 2 ? code : code - 4;
  case FOVEA_FLOAT8E4M3FN:
    return (code & 0x7f) == 0x7f ? NAN : smallAsDouble(code, 4, 3, 7);
  case FOVEA_FLOAT8E4M3FNUZ:
    return code == 0x80 ? NAN : smallAsDouble(code, 4, 3, 8);
  case FOVEA_FLOAT8E5M2:
    return halfAsDouble(static_cast<uint16_t>(code << 8));
  case FOVEA_FLOAT8E5M2FNUZ:
    return code == 0x80 ? NAN : smallAsDouble(code, 5, 2, 16);
  case FOVEA_FLOAT8E8M0:
    return code == 0xff ? NAN : std::ldexp(1, code - 127);
  case FOVEA_FLOAT6E2M3:
    return smallAsDouble(code, 2, 3, 1);
  case FOVEA_FLOAT6E3M2:
    return smallAsDouble(code, 3, 2, 3);
  case FOVEA_FLOAT4E2M1:
    return smallAsDouble(code, 2, 1, 1);
  default:
    return code;
  }
}

double fovea::elementAsDouble(const Tensor &tensor, int64_t i) {
  switch (tensor.dtype) {
  case FOVEA_FLOAT32:
    return element<float>(tensor, i);
  case FOVEA_FLOAT64:
    return element<double>(tensor, i);
  case FOVEA_FLOAT16:
    return halfAsDouble(element<uint16_t>(tensor, i));
  case FOVEA_BFLOAT16:
    return bfloatAsDouble(element<uint16_t>(tensor, i));
  case FOVEA_INT8:
    return element<int8_t>(tensor, i);
  case FOVEA_INT16:
    return element<int16_t>(tensor, i);
  case FOVEA_UINT16:
    return element<uint16_t>(tensor, i);
  case FOVEA_INT32:
    return element<int32_t>(tensor, i);
  case FOVEA_UINT32:
    return element<uint32_t>(tensor, i);
  case FOVEA_INT64:
    return static_cast<double>(element<int64_t>(tensor, i));
  case FOVEA_UINT64:
    return static_cast<double>(element<uint64_t>(tensor, i));
  default:
    return storedAsDouble(tensor.dtype, element<uint8_t>(tensor, i));
  }
}

/// "(0, 3, 1)"
static std::string position(const std::vector<int64_t> &shape, int64_t i) {
  std::vector<int64_t> digits(shape.size());
  for (size_t d = shape.size(); d-- > 0; i /= shape[d])
    digits[d] = i % shape[d];
  std::string text = "(";
  for (int64_t digit : digits) {
    text += text == "(" ? "" : ", ";
    text += std::to_string(digit);
  }
  return text + ")";
}

static bool isClose(const Tensor &got, const Tensor &want, int64_t i,
                    const Tolerance &tolerance) {
  size_t bytes = dtypeSize(want.dtype);
  // Also what a double would round: large integers.
  if (!memcmp(got.data.data() + i * bytes, want.data.data() + i * bytes, bytes))
    return true;
  double g = elementAsDouble(got, i), w = elementAsDouble(want, i);
  if (std::isnan(g) || std::isnan(w))
    return std::isnan(g) && std::isnan(w);
  if (std::isinf(g) || std::isinf(w))
    return g == w;
  double relative = tolerance.relative;
  if (want.dtype == FOVEA_BFLOAT16)
    relative = std::max(relative, 0x1p-6);
  return std::fabs(g - w) <= tolerance.absolute + relative * std::fabs(w);
}

std::optional<std::string> fovea::compare(const Tensor &got, const Tensor &want,
                                          const Tolerance &tolerance) {
  if (got.dtype != want.dtype || got.shape != want.shape)
    return describe(got.dtype, got.shape) + ", expected " +
           describe(want.dtype, want.shape);
  if (tolerance.shapesOnly)
    return std::nullopt;
  int64_t differing = 0, first = -1;
  for (int64_t i = 0, count = want.count(); i < count; ++i)
    if (!isClose(got, want, i, tolerance) && ++differing == 1)
      first = i;
  if (!differing)
    return std::nullopt;
  std::ostringstream text;
  text.precision(9);
  text << differing << " of " << want.count() << " differ, first at "
       << position(want.shape, first) << ": " << elementAsDouble(got, first)
       << ", expected " << elementAsDouble(want, first);
  return text.str();
}

static std::string describeKind(const Value &value) {
  if (!value.isPresent)
    return "absent";
  return value.isSequence
             ? "a sequence of " + std::to_string(value.tensors.size())
             : "a tensor";
}

std::optional<std::string> fovea::compare(const Value &got, const Value &want,
                                          const Tolerance &tolerance) {
  if (describeKind(got) != describeKind(want))
    return describeKind(got) + ", expected " + describeKind(want);
  for (size_t i = 0; i < want.tensors.size(); ++i)
    if (auto why = compare(got.tensors[i], want.tensors[i], tolerance))
      return (want.isSequence ? "element " + std::to_string(i) + ": " : "") +
             *why;
  return std::nullopt;
}
