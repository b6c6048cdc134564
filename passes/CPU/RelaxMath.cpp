//===- RelaxMath.cpp - Let LLVM rearrange floating-point arithmetic -------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fovea/passes/CPU/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace fovea {
#define GEN_PASS_DEF_RELAXMATH
#include "fovea/passes/CPU/Passes.h.inc"
} // namespace fovea

namespace {
struct RelaxMath : fovea::impl::RelaxMathBase<RelaxMath> {
  void runOnOperation() override {
    using arith::FastMathFlags;
    constexpr FastMathFlags relaxed =
        FastMathFlags::reassoc | FastMathFlags::contract | FastMathFlags::arcp |
        FastMathFlags::nsz | FastMathFlags::afn;
    getOperation()->walk([&](arith::ArithFastMathInterface op) {
      arith::FastMathFlagsAttr flags = op.getFastMathFlagsAttr();
      op->setAttr(
          op.getFastMathAttrName(),
          arith::FastMathFlagsAttr::get(
              &getContext(), flags ? flags.getValue() | relaxed : relaxed));
    });
  }
};
} // namespace
