//===- ScoreValue.h - What a score region makes of known values -*- C++ -*-===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_PASSES_MASK_SCOREVALUE_H
#define FOVEA_PASSES_MASK_SCOREVALUE_H

#include "fovea/dialects/attn/Attn.h"

namespace fovea {

/// What is known about a value inside a score region.
struct ScoreValue {
  enum Kind {
    /// Nothing, or not a number that is near a score.
    Unknown,
    /// The attribute `constant`.
    Constant,
    /// A number of ordinary size, plus `offset`, which is 0 or below.
    Score
  };
  Kind kind = Unknown;
  mlir::Attribute constant;
  double offset = 0.0;
  /// A score that something known only at run time may hide as well.
  bool maybeHidden = false;

  static ScoreValue known(mlir::Attribute constant) {
    return {Constant, constant, 0.0, false};
  }
  static ScoreValue score(double offset = 0.0, bool maybeHidden = false) {
    return {Score, {}, offset, maybeHidden};
  }
  /// A constant as a score; unknown where it is no number.
  ScoreValue asScore() const;
};

/// Scores at or below this are no ordinary numbers: a key that gets one is
/// hidden if the row sees another key.
inline constexpr double hiddenBelow = -1000.0;

/// Evaluates a score region. `captures` holds what is known about each capture,
/// `known` what is known about other values.
ScoreValue evaluateScore(mlir::Region &region,
                         llvm::ArrayRef<ScoreValue> captures,
                         const llvm::DenseMap<mlir::Value, ScoreValue> &known =
                             llvm::DenseMap<mlir::Value, ScoreValue>());

} // namespace fovea

#endif // FOVEA_PASSES_MASK_SCOREVALUE_H
