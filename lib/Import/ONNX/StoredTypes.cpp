//===- StoredTypes.cpp - Element types that are only stored ---------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "StoredTypes.h"

#include "Importer.h"
#include "Types.h"

using namespace mlir;
using namespace fovea::frontend;

using onnx::TensorProto;

namespace {

/// A float with sign, exponent and mantissa in this order from the top.
struct FloatFormat {
  int32_t dtype;
  int exponentBits, mantissaBits, bias;
  /// Codes without the sign: of the largest number, and of what follows it
  /// where out of range does not saturate.
  int32_t largest, overflow;
  int32_t nan;
  /// There is one zero, and the code of -0 is NaN.
  bool isUnsignedZero;

  int bits() const { return exponentBits + mantissaBits; }
};

struct IntegerFormat {
  int32_t dtype;
  unsigned bits;
  bool isUnsigned;
};

} // namespace

// Floats of 6 and 4 bits have neither infinities nor NaN: they saturate, and
// NaN becomes -0.
static constexpr FloatFormat floatFormats[] = {
    {TensorProto::FLOAT8E4M3FN, 4, 3, 7, 0x7e, 0x7f, 0x7f, false},
    {TensorProto::FLOAT8E4M3FNUZ, 4, 3, 8, 0x7f, 0x80, 0x80, true},
    {TensorProto::FLOAT8E5M2, 5, 2, 15, 0x7b, 0x7c, 0x7e, false},
    {TensorProto::FLOAT8E5M2FNUZ, 5, 2, 16, 0x7f, 0x80, 0x80, true},
    {TensorProto::FLOAT6E2M3, 2, 3, 1, 0x1f, 0x1f, 0x20, false},
    {TensorProto::FLOAT6E3M2, 3, 2, 3, 0x1f, 0x1f, 0x20, false},
    {TensorProto::FLOAT4E2M1, 2, 1, 1, 0x07, 0x07, 0x08, false},
};

static constexpr IntegerFormat integerFormats[] = {
    {TensorProto::INT4, 4, false},
    {TensorProto::UINT4, 4, true},
    {TensorProto::INT2, 2, false},
    {TensorProto::UINT2, 2, true},
};

template <typename Format, size_t n>
static const Format *find(const Format (&formats)[n], int32_t dtype) {
  for (const Format &format : formats)
    if (format.dtype == dtype)
      return &format;
  return nullptr;
}

bool fovea::frontend::isStoredFloat(int32_t dtype) {
  return dtype == TensorProto::FLOAT8E8M0 || find(floatFormats, dtype);
}

bool fovea::frontend::isStoredType(int32_t dtype) {
  return isStoredFloat(dtype) || find(integerFormats, dtype);
}

std::pair<int64_t, int64_t> fovea::frontend::integerRange(int32_t dtype) {
  auto bits = unsigned(dtypeBits(dtype));
  if (isUnsignedDtype(dtype))
    return {0, int64_t(llvm::maxUIntN(bits))};
  return {llvm::minIntN(bits), llvm::maxIntN(bits)};
}

//===----------------------------------------------------------------------===//
// Arithmetic on bits
//===----------------------------------------------------------------------===//

namespace {

/// i32 and f32 code of one element.
class Bits {
public:
  explicit Bits(TensorBuilder &b)
      : b(b), i32(b.getI32Type()), f32(b.getF32Type()) {}

  Value constant(int64_t value) { return b.scalar(i32, value); }
  Value shiftLeft(Value x, int by) {
    return b.createOrFold<arith::ShLIOp>(x, constant(by));
  }
  Value shiftRight(Value x, int by) {
    return b.createOrFold<arith::ShRUIOp>(x, constant(by));
  }
  Value mask(Value x, int64_t bits) {
    return b.createOrFold<arith::AndIOp>(x, constant(bits));
  }
  Value join(Value x, Value y) { return b.createOrFold<arith::OrIOp>(x, y); }
  Value add(Value x, Value y) { return b.createOrFold<arith::AddIOp>(x, y); }
  Value sub(Value x, Value y) { return b.createOrFold<arith::SubIOp>(x, y); }
  /// Of numbers that are not negative.
  Value less(Value x, int64_t y) {
    return b.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::ult, x,
                                         constant(y));
  }
  Value greater(Value x, int64_t y) {
    return b.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::ugt, x,
                                         constant(y));
  }
  Value equal(Value x, int64_t y) {
    return b.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::eq, x,
                                         constant(y));
  }
  Value select(Value condition, Value x, Value y) {
    return b.createOrFold<arith::SelectOp>(condition, x, y);
  }
  Value ofFloat(Value x) { return b.createOrFold<arith::BitcastOp>(i32, x); }
  Value toFloat(Value x) { return b.createOrFold<arith::BitcastOp>(f32, x); }

  TensorBuilder &b;
  Type i32, f32;
};

constexpr int f32Mantissa = 23, f32Bias = 127;
constexpr int32_t f32Infinity = 0x7f800000, f32NaN = 0x7fc00000;

} // namespace

static Value decodeFloat(TensorBuilder &b, Value code,
                         const FloatFormat &format) {
  Bits x(b);
  Value wide = b.createOrFold<arith::ExtUIOp>(x.i32, code);
  Value magnitude = x.mask(wide, (1 << format.bits()) - 1);
  // Without an exponent: the mantissa times the least number there is.
  Value least =
      b.scalar(x.f32, std::ldexp(1.0, 1 - format.bias - format.mantissaBits));
  Value subnormal = x.ofFloat(b.createOrFold<arith::MulFOp>(
      b.createOrFold<arith::SIToFPOp>(x.f32, magnitude), least));
  Value normal =
      x.add(x.shiftLeft(magnitude, f32Mantissa - format.mantissaBits),
            x.constant((f32Bias - format.bias) << f32Mantissa));
  Value bits =
      x.select(x.less(magnitude, 1 << format.mantissaBits), subnormal, normal);
  bool hasInfinity =
      format.overflow != format.nan && format.overflow != format.largest;
  if (hasInfinity)
    bits = x.select(x.greater(magnitude, format.largest),
                    x.select(x.equal(magnitude, format.overflow),
                             x.constant(f32Infinity), x.constant(f32NaN)),
                    bits);
  else if (!format.isUnsignedZero && format.largest != format.overflow)
    bits = x.select(x.equal(magnitude, format.nan), x.constant(f32NaN), bits);
  Value sign = x.mask(x.shiftLeft(wide, 31 - format.bits()), INT32_MIN);
  bits = x.join(bits, sign);
  if (format.isUnsignedZero)
    bits = x.select(x.equal(wide, format.nan), x.constant(f32NaN), bits);
  return x.toFloat(bits);
}

/// To nearest even. `number` is f32.
static Value encodeFloat(TensorBuilder &b, Value number,
                         const FloatFormat &format, CastRules rules) {
  Bits x(b);
  Value bits = x.ofFloat(number);
  Value magnitude = x.mask(bits, INT32_MAX);
  int drop = f32Mantissa - format.mantissaBits;
  int leastExponent = 1 - format.bias;
  Value odd = x.mask(x.shiftRight(magnitude, drop), 1);
  Value rounded =
      x.add(x.add(magnitude, x.constant((1 << (drop - 1)) - 1)), odd);
  Value normal =
      x.sub(x.shiftRight(rounded, drop),
            x.constant((f32Bias - format.bias) << format.mantissaBits));
  // Where the target has no exponent any more, the addition of a power of two
  // whose last place is the least number of the target rounds to it.
  double shift = std::ldexp(1.0, leastExponent + drop);
  Value shifted = x.ofFloat(b.createOrFold<arith::AddFOp>(
      x.toFloat(magnitude), b.scalar(x.f32, shift)));
  Value subnormal =
      x.sub(shifted, x.constant(llvm::bit_cast<int32_t>(float(shift))));
  Value code = x.select(
      x.less(magnitude, int64_t(f32Bias + leastExponent) << f32Mantissa),
      subnormal, normal);
  Value sign =
      x.mask(x.shiftRight(bits, 31 - format.bits()), 1 << format.bits());
  Value isOver = x.greater(code, format.largest);
  Value isNaN = x.greater(magnitude, f32Infinity);
  if (format.isUnsignedZero)
    sign = x.select(x.equal(code, 0), x.constant(0), sign);
  code = x.select(isOver,
                  x.constant(rules.saturate ? format.largest : format.overflow),
                  code);
  bool keepsSign = format.nan < 1 << format.bits();
  if (keepsSign)
    code = x.select(isNaN, x.constant(format.nan), code);
  code = x.join(code, sign);
  if (!keepsSign) {
    if (!rules.saturate && format.isUnsignedZero)
      code = x.select(isOver, x.constant(format.nan), code);
    code = x.select(isNaN, x.constant(format.nan), code);
  }
  return b.createOrFold<arith::TruncIOp>(b.getI8Type(), code);
}

//===----------------------------------------------------------------------===//
// float8e8m0: powers of two, without a sign and a zero
//===----------------------------------------------------------------------===//

/// 2^-127, which is the code 0, is subnormal in f32.
static constexpr int32_t leastPower = 0x00400000, powerNaN = 0xff;

static Value decodePower(TensorBuilder &b, Value code) {
  Bits x(b);
  Value wide = b.createOrFold<arith::ExtUIOp>(x.i32, code);
  Value bits = x.shiftLeft(wide, f32Mantissa);
  bits = x.select(x.equal(wide, 0), x.constant(leastPower), bits);
  return x.toFloat(x.select(x.equal(wide, powerNaN), x.constant(f32NaN), bits));
}

static Value encodePower(TensorBuilder &b, Value number, CastRules rules) {
  Bits x(b);
  constexpr int32_t half = 1 << (f32Mantissa - 1);
  Value magnitude = x.mask(x.ofFloat(number), INT32_MAX);
  Value code = magnitude;
  if (rules.rounding == CastRules::Up)
    code = x.add(code, x.constant((1 << f32Mantissa) - 1));
  if (rules.rounding == CastRules::Nearest)
    code = x.add(code, x.constant(half));
  code = x.shiftRight(code, f32Mantissa);
  // Between 2^-127 and 2^-126 f32 has a bit less.
  Value isUpper = rules.rounding == CastRules::Up
                      ? x.greater(magnitude, leastPower)
                      : x.greater(magnitude, leastPower + half / 2 - 1);
  Value low = rules.rounding == CastRules::Down
                  ? x.constant(0)
                  : x.select(isUpper, x.constant(1), x.constant(0));
  code = x.select(x.less(magnitude, 1 << f32Mantissa), low, code);
  int32_t most = rules.saturate ? powerNaN - 1 : powerNaN;
  code = x.select(x.greater(code, most), x.constant(most), code);
  if (!rules.saturate)
    code = x.select(x.less(magnitude, leastPower), x.constant(powerNaN), code);
  code =
      x.select(x.greater(magnitude, f32Infinity), x.constant(powerNaN), code);
  return b.createOrFold<arith::TruncIOp>(b.getI8Type(), code);
}

//===----------------------------------------------------------------------===//
// Casts
//===----------------------------------------------------------------------===//

Value fovea::frontend::decodeElement(TensorBuilder &b, Value code,
                                     int32_t dtype) {
  if (const FloatFormat *format = find(floatFormats, dtype))
    return decodeFloat(b, code, *format);
  if (const IntegerFormat *format = find(integerFormats, dtype)) {
    Value unused = b.scalar(code.getType(), 8 - int64_t(format->bits));
    Value top = b.createOrFold<arith::ShLIOp>(code, unused);
    return format->isUnsigned ? b.createOrFold<arith::ShRUIOp>(top, unused)
                              : b.createOrFold<arith::ShRSIOp>(top, unused);
  }
  return decodePower(b, code);
}

/// f64 to f32, to odd where it is inexact: what is rounded to fewer places
/// after that is rounded once.
static Value roundToOdd(TensorBuilder &b, Value number) {
  Bits x(b);
  Value narrow = b.createOrFold<arith::TruncFOp>(x.f32, number);
  Value back = b.createOrFold<arith::ExtFOp>(number.getType(), narrow);
  Value bits = x.ofFloat(narrow);
  Value isInexact =
      b.createOrFold<arith::CmpFOp>(arith::CmpFPredicate::ONE, back, number);
  Value isLarger = b.createOrFold<arith::CmpFOp>(
      arith::CmpFPredicate::OGT, b.createOrFold<math::AbsFOp>(back),
      b.createOrFold<math::AbsFOp>(number));
  Value odd = x.select(isLarger, x.sub(bits, x.constant(1)),
                       x.add(bits, x.constant(1)));
  Value adjusts =
      b.createOrFold<arith::AndIOp>(isInexact, x.equal(x.mask(bits, 1), 0));
  return x.toFloat(x.select(adjusts, odd, bits));
}

/// A number of a type of the IR as f32, with what it takes to round it once.
static Value toSingle(TensorBuilder &b, Value number, bool isUnsigned) {
  Type type = number.getType();
  unsigned width = type.getIntOrFloatBitWidth();
  bool isWide = width > 32 || (isa<IntegerType>(type) && width > 16);
  Type via = isWide ? Type(b.getF64Type()) : Type(b.getF32Type());
  Value number64 = b.castScalar(number, via, isUnsigned);
  return isWide ? roundToOdd(b, number64) : number64;
}

Value fovea::frontend::castElement(TensorBuilder &b, Value value, int32_t from,
                                   int32_t to, CastRules rules) {
  if (from == to)
    return value;
  bool fromUnsigned = isUnsignedDtype(from);
  if (isStoredType(from))
    value = decodeElement(b, value, from);
  if (isStoredFloat(to)) {
    Value single = toSingle(b, value, fromUnsigned);
    const FloatFormat *format = find(floatFormats, to);
    return format ? encodeFloat(b, single, *format, rules)
                  : encodePower(b, single, rules);
  }
  if (const IntegerFormat *format = find(integerFormats, to)) {
    // Out of range wraps around; a float on its way to i8 would not.
    if (isa<FloatType>(value.getType()))
      value = b.castScalar(value, b.getI32Type());
    value = b.castScalar(value, b.getI8Type(), fromUnsigned);
    return b.createOrFold<arith::AndIOp>(
        value, b.scalar(b.getI8Type(), (int64_t(1) << format->bits) - 1));
  }
  return b.castScalar(value, elementTypeFor(to, b.getContext()), fromUnsigned,
                      isUnsignedDtype(to));
}

FailureOr<Value> fovea::frontend::castTensor(TensorBuilder &b, Value tensor,
                                             int32_t from, int32_t to,
                                             CastRules rules) {
  Type type = elementTypeFor(to, b.getContext());
  bool isStored = isStoredType(from) || isStoredType(to);
  if (from == to || (!isStored && b.elementType(tensor) == type))
    return tensor;
  return b.elementwise({tensor}, type, [&](TensorBuilder &b, ValueRange args) {
    return castElement(b, args[0], from, to, rules);
  });
}

FailureOr<CastRules> fovea::frontend::castRules(NodeImporter &node) {
  CastRules rules;
  rules.saturate = node.attrInt("saturate", 1) != 0;
  std::string mode = node.attrString("round_mode", "up");
  if (mode == "down")
    rules.rounding = CastRules::Down;
  else if (mode == "nearest")
    rules.rounding = CastRules::Nearest;
  else if (mode != "up")
    return node.fail("the round_mode '" + mode + "' does not exist");
  return rules;
}

bool fovea::frontend::takesStoredTypes(StringRef op, StringRef domain) {
  static const llvm::StringSet<> ops = {
      // Conversions.
      "BitCast", "Cast", "CastLike", "DequantizeLinear", "IsInf", "IsNaN",
      "QuantizeLinear", "QLinearMatMul",
      // Moves.
      "Compress", "Concat", "ConcatFromSequence", "DepthToSpace", "Dropout",
      "Expand", "Flatten", "Gather", "GatherElements", "GatherND", "Identity",
      "Optional", "OptionalGetElement", "OptionalHasElement", "Pad", "Reshape",
      "ReverseSequence", "SequenceAt", "SequenceConstruct", "SequenceErase",
      "SequenceInsert", "Shape", "Size", "Slice", "SpaceToDepth", "Split",
      "SplitToSequence", "Squeeze", "TensorScatter", "Tile", "Transpose",
      "Unsqueeze", "Where",
      // Their bodies are checked node by node.
      "If", "Loop", "Scan"};
  return domain.empty() && ops.contains(op);
}
