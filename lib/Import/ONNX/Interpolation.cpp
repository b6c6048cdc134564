//===- Interpolation.cpp - Weights of samples -----------------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Interpolation.h"

using namespace mlir;
using namespace fovea::frontend;

Value fovea::frontend::linearWeight(ScalarCode &s, Value distance) {
  Type type = distance.getType();
  return s.max(s.sub(s.constant(type, 1), s.abs(distance)),
               s.constant(type, 0));
}

Value fovea::frontend::cubicWeight(ScalarCode &s, Value distance, double a) {
  auto c = [&](double value) { return s.constant(distance.getType(), value); };
  Value d = s.abs(distance);
  // (a + 2) d^3 - (a + 3) d^2 + 1 up to 1, then a d^3 - 5 a d^2 + 8 a d - 4 a
  // up to 2.
  Value near =
      s.add(s.mul(s.mul(s.sub(s.mul(c(a + 2), d), c(a + 3)), d), d), c(1));
  Value far = s.sub(
      s.mul(s.add(s.mul(s.sub(s.mul(c(a), d), c(5 * a)), d), c(8 * a)), d),
      c(4 * a));
  return s.select(s.le(d, c(1)), near, s.select(s.lt(d, c(2)), far, c(0)));
}

Value fovea::frontend::floorToIndex(ScalarCode &s, Value coordinate) {
  Type type = coordinate.getType();
  Value bound = s.constant(type, 1 << 30),
        lowest = s.constant(type, -(1 << 30));
  Value known = s.select(s.isNaN(coordinate), lowest, coordinate);
  return s.toIndex(s.floor(s.clamp(known, lowest, bound)));
}
