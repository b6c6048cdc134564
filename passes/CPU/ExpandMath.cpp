//===- ExpandMath.cpp - Transcendental functions as arithmetic ------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fovea/passes/CPU/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/Dialect/UB/IR/UBOps.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

#include <limits>

using namespace mlir;

namespace fovea {
#define GEN_PASS_DEF_EXPANDMATH
#include "fovea/passes/CPU/Passes.h.inc"
} // namespace fovea

namespace {
/// Builds f32 arithmetic on values that are all of one type, a scalar or a
/// vector. Multiplications and additions carry `contract`, so that they become
/// one instruction where the target has it and no call where it has not.
class FloatBuilder {
public:
  FloatBuilder(PatternRewriter &rewriter, Location loc, Type type)
      : b(loc, rewriter), type(type) {
    contract = arith::FastMathFlagsAttr::get(rewriter.getContext(),
                                             arith::FastMathFlags::contract);
    intType = rewriter.getI32Type();
    if (auto vector = dyn_cast<VectorType>(type))
      intType = vector.clone(intType);
  }

  Value constant(float value) { return splat(b.getF32FloatAttr(value), type); }
  Value constant(int32_t value) {
    return splat(b.getI32IntegerAttr(value), intType);
  }
  Value mul(Value x, Value y) {
    return arith::MulFOp::create(b, x, y, contract);
  }
  Value add(Value x, Value y) {
    return arith::AddFOp::create(b, x, y, contract);
  }
  Value sub(Value x, Value y) {
    return arith::SubFOp::create(b, x, y, contract);
  }
  /// The sum of x * y and z.
  Value mulAdd(Value x, Value y, Value z) { return add(mul(x, y), z); }
  Value select(arith::CmpFPredicate predicate, Value x, Value y, Value ifTrue,
               Value ifFalse) {
    Value condition = arith::CmpFOp::create(b, predicate, x, y);
    return arith::SelectOp::create(b, condition, ifTrue, ifFalse);
  }
  /// `coefficients` start at the highest power.
  Value polynomial(Value x, ArrayRef<float> coefficients) {
    Value result = constant(coefficients.front());
    for (float coefficient : coefficients.drop_front())
      result = mulAdd(result, x, constant(coefficient));
    return result;
  }

  ImplicitLocOpBuilder b;
  Type type, intType;

private:
  Value splat(TypedAttr scalar, Type target) {
    if (auto vector = dyn_cast<VectorType>(target))
      scalar = DenseElementsAttr::get(vector, Attribute(scalar));
    return arith::ConstantOp::create(b, scalar);
  }

  arith::FastMathFlagsAttr contract;
};

bool isFloat32(Type type) { return getElementTypeOrSelf(type).isF32(); }

/// Rounds `scaled` to an integer n and returns it both as a float and as the
/// bits n << 23. Adding 1.5 * 2^23 leaves n in the low bits, without the
/// conversion whose result would be poison for NaN.
std::pair<Value, Value> roundToExponent(FloatBuilder &f, Value scaled) {
  Value magic = f.constant(12582912.0f);
  // Without `contract`: the product in `scaled` must not be fused with this
  // addition and then computed again, or n and the remainder could disagree.
  Value shifted = arith::AddFOp::create(f.b, scaled, magic);
  Value rounded = arith::SubFOp::create(f.b, shifted, magic);
  Value bits = arith::BitcastOp::create(f.b, f.intType, shifted);
  return {rounded, arith::ShLIOp::create(f.b, bits, f.constant(int32_t(23)))};
}

/// `mantissa` times 2 to the power in `exponentBits`, forced to 0 below
/// `lowest`, to +inf above `highest`, and to NaN where `x` is NaN.
Value scaleAndClamp(FloatBuilder &f, Value x, Value mantissa,
                    Value exponentBits, float lowest, float highest) {
  Value bits = arith::BitcastOp::create(f.b, f.intType, mantissa);
  bits = arith::AddIOp::create(f.b, bits, exponentBits);
  Value result = arith::BitcastOp::create(f.b, f.type, bits);
  // x * inf is +inf for a large x and NaN for NaN: one compare serves both.
  Value special = f.mul(x, f.constant(std::numeric_limits<float>::infinity()));
  result = f.select(arith::CmpFPredicate::OLE, x, f.constant(highest), result,
                    special);
  return f.select(arith::CmpFPredicate::OLT, x, f.constant(lowest),
                  f.constant(0.0f), result);
}

/// On an exp2 whose operand is never above 0 unless it is NaN, as in a softmax
/// after the maximum was subtracted: there is no overflow to look for.
constexpr StringLiteral nonPositiveAttr = "fovea.nonpositive";

struct ExpandExp2 : OpRewritePattern<math::Exp2Op> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(math::Exp2Op op,
                                PatternRewriter &rewriter) const override {
    Value x = op.getOperand();
    if (!isFloat32(x.getType()))
      return failure();
    FloatBuilder f(rewriter, op.getLoc(), x.getType());
    auto [n, exponentBits] = roundToExponent(f, x);
    Value p = f.polynomial(
        f.sub(x, n), {1.54697365360334516e-4f, 1.34004373103380203e-3f,
                      9.61802527308464050e-3f, 5.55032715201377869e-2f,
                      0.240226507186889648f, 0.693147182464599609f, 1.0f});
    if (op->hasAttr(nonPositiveAttr)) {
      // A product, unlike an addition to the exponent field, keeps every NaN.
      Value one = f.constant(int32_t(127 << 23));
      Value power = arith::BitcastOp::create(
          f.b, f.type, arith::AddIOp::create(f.b, exponentBits, one));
      rewriter.replaceOp(op, f.select(arith::CmpFPredicate::OLT, x,
                                      f.constant(-126.0f), f.constant(0.0f),
                                      f.mul(p, power)));
      return success();
    }
    rewriter.replaceOp(
        op, scaleAndClamp(f, x, p, exponentBits, -126.0f, 127.99999f));
    return success();
  }
};

struct ExpandExp : OpRewritePattern<math::ExpOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(math::ExpOp op,
                                PatternRewriter &rewriter) const override {
    Value x = op.getOperand();
    if (!isFloat32(x.getType()))
      return failure();
    FloatBuilder f(rewriter, op.getLoc(), x.getType());
    auto [n, exponentBits] = roundToExponent(
        f, arith::MulFOp::create(f.b, x, f.constant(1.44269504088896341f)));
    // ln 2 in two parts, of which the first times n is exact.
    Value r = f.mulAdd(n, f.constant(-0.693359375f), x);
    r = f.mulAdd(n, f.constant(2.12194440e-4f), r);
    Value p = f.polynomial(r, {1.39485939871519804e-3f, 8.37513804435729980e-3f,
                               4.16662171483039856e-2f, 0.166664153337478638f,
                               0.5f, 1.0f, 1.0f});
    rewriter.replaceOp(
        op, scaleAndClamp(f, x, p, exponentBits, -87.3365402f, 88.7228317f));
    return success();
  }
};

struct ExpandErf : OpRewritePattern<math::ErfOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(math::ErfOp op,
                                PatternRewriter &rewriter) const override {
    Value x = op.getOperand();
    if (!isFloat32(x.getType()))
      return failure();
    FloatBuilder f(rewriter, op.getLoc(), x.getType());
    // erf(x) = x P(u) with u = x^2 scaled to [-1, 1]; beyond 3.7 it is exactly
    // 1 here, which is within 3 ulp, so that a GELU vanishes far from 0. The
    // comparisons are written so that NaN passes.
    Value limit = f.constant(3.7f), negated = f.constant(-3.7f);
    Value c = f.select(arith::CmpFPredicate::OGT, x, limit, limit, x);
    c = f.select(arith::CmpFPredicate::OLT, c, negated, negated, c);
    Value u =
        f.mulAdd(f.mul(c, c), f.constant(0.146092037f), f.constant(-1.0f));
    Value p = f.polynomial(
        u, {0.0006152946152724326f, -0.0017479236703366041f,
            0.0018958539003506303f, -0.002917798003181815f,
            0.007848921231925488f, -0.014987356029450893f, 0.02347022481262684f,
            -0.035744622349739075f, 0.052021920680999756f,
            -0.07055618613958359f, 0.09054046124219894f, -0.11263228952884674f,
            0.14079439640045166f, -0.19046814739704132f, 0.3821374773979187f});
    Value result = f.select(arith::CmpFPredicate::OGT, x, limit,
                            f.constant(1.0f), f.mul(c, p));
    rewriter.replaceOp(op, f.select(arith::CmpFPredicate::OLT, x, negated,
                                    f.constant(-1.0f), result));
    return success();
  }
};

/// On a logarithm whose operand is no subnormal number.
constexpr StringLiteral normalAttr = "fovea.normal";

/// The upstream approximation reads the exponent field, which is zero in every
/// subnormal number: log(x) = log(2^23 x) - log(2^23) keeps them out of it.
template <typename Op> struct ScaleSubnormals : OpRewritePattern<Op> {
  using OpRewritePattern<Op>::OpRewritePattern;
  LogicalResult matchAndRewrite(Op op,
                                PatternRewriter &rewriter) const override {
    Value x = op.getOperand();
    if (!isFloat32(x.getType()) || op->hasAttr(normalAttr))
      return failure();
    FloatBuilder f(rewriter, op.getLoc(), x.getType());
    constexpr float base2 = 23, natural = 15.9423851528787f;
    constexpr bool isBase2 = std::is_same_v<Op, math::Log2Op>;
    Value smallest = f.constant(std::numeric_limits<float>::min());
    constexpr auto isBelow = arith::CmpFPredicate::OLT;
    Value scaled =
        f.select(isBelow, x, smallest, f.mul(x, f.constant(8388608.0f)), x);
    Value shift =
        f.select(isBelow, x, smallest, f.constant(isBase2 ? base2 : natural),
                 f.constant(0.0f));
    auto log = Op::create(rewriter, op.getLoc(), scaled);
    log->setAttr(normalAttr, rewriter.getUnitAttr());
    rewriter.replaceOp(op, f.sub(log, shift));
    return success();
  }
};

/// Takes a vector apart for a function that only libm has, and one element at a
/// time: behind the lowering of vectors nothing would do so any more.
template <typename Op> struct UnrollForLibm : OpRewritePattern<Op> {
  using OpRewritePattern<Op>::OpRewritePattern;
  LogicalResult matchAndRewrite(Op op,
                                PatternRewriter &rewriter) const override {
    auto type = dyn_cast<VectorType>(op.getType());
    bool isExpanded =
        std::is_same_v<Op, math::ErfOp> && isFloat32(op.getType());
    if (!type || type.isScalable() || isExpanded ||
        type.getElementTypeBitWidth() < 32)
      return failure();
    Location loc = op.getLoc();
    Value result = ub::PoisonOp::create(rewriter, loc, type);
    SmallVector<int64_t> strides = computeStrides(type.getShape());
    for (int64_t i = 0; i < type.getNumElements(); ++i) {
      SmallVector<int64_t> at = delinearize(i, strides);
      Value x = vector::ExtractOp::create(rewriter, loc, op.getOperand(), at);
      Value y = Op::create(rewriter, loc, type.getElementType(), x);
      result = vector::InsertOp::create(rewriter, loc, y, result, at);
    }
    rewriter.replaceOp(op, result);
    return success();
  }
};

struct ExpandMath : fovea::impl::ExpandMathBase<ExpandMath> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<ExpandExp2, ExpandExp, ExpandErf, UnrollForLibm<math::ErfOp>,
                 UnrollForLibm<math::AsinhOp>, UnrollForLibm<math::AcoshOp>,
                 UnrollForLibm<math::AtanhOp>>(&getContext());
    auto isUpstream = [](StringRef name) {
      return name == math::TanhOp::getOperationName() ||
             name == math::LogOp::getOperationName() ||
             name == math::Log2Op::getOperationName() ||
             name == math::Log1pOp::getOperationName();
    };
    auto isExpanded = [&](StringRef name) {
      return isUpstream(name) || name == math::ExpOp::getOperationName() ||
             name == math::Exp2Op::getOperationName() ||
             name == math::ErfOp::getOperationName();
    };
    populateMathF32ExpansionPatterns(patterns, isExpanded);
    populateMathPolynomialApproximationPatterns(patterns, isUpstream);
    // Ahead of the pattern that it prepares for.
    patterns.add<ScaleSubnormals<math::LogOp>, ScaleSubnormals<math::Log2Op>>(
        &getContext(), /*benefit=*/2);
    // x^2 is a multiplication, not a call.
    populateMathAlgebraicSimplificationPatterns(patterns);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace
