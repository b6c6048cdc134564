//===- ScalarCode.h - Element-wise code of op handlers ----------*- C++ -*-===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Operators without a structured form (gathers, scatters, interpolation,
// sorting) are written as scalar code: inside TensorBuilder::generate, which
// gives each element of a tensor as a function of its position, or in a loop
// nest that carries tensors. One-shot bufferization takes both as they are.
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_LIB_IMPORT_ONNX_SCALARCODE_H
#define FOVEA_LIB_IMPORT_ONNX_SCALARCODE_H

#include "TensorBuilder.h"

namespace fovea::frontend {

/// Scalar arithmetic and control flow. The same call serves index, signless
/// integer and float operands; what is constant folds, so that static sizes
/// stay static.
class ScalarCode {
public:
  explicit ScalarCode(TensorBuilder &b) : b(b) {}

  TensorBuilder &b;
  using Values = llvm::SmallVector<mlir::Value>;

  mlir::Value index(int64_t value) { return b.index(value); }
  mlir::Value constant(mlir::Type type, double value);
  /// The smallest or largest value of a type; an infinity where there is one.
  mlir::Value limit(mlir::Type type, bool largest, bool isUnsigned = false);

  mlir::Value add(mlir::Value a, mlir::Value b);
  mlir::Value sub(mlir::Value a, mlir::Value b);
  mlir::Value mul(mlir::Value a, mlir::Value b);
  /// Truncating division for integers.
  mlir::Value div(mlir::Value a, mlir::Value b);
  mlir::Value floorDiv(mlir::Value a, mlir::Value b);
  mlir::Value ceilDiv(mlir::Value a, mlir::Value b);
  /// The remainder with the sign of the dividend.
  mlir::Value rem(mlir::Value a, mlir::Value b);
  /// NaN wins in floats.
  mlir::Value min(mlir::Value a, mlir::Value b, bool isUnsigned = false);
  mlir::Value max(mlir::Value a, mlir::Value b, bool isUnsigned = false);
  mlir::Value lt(mlir::Value a, mlir::Value b, bool isUnsigned = false);
  mlir::Value le(mlir::Value a, mlir::Value b, bool isUnsigned = false);
  mlir::Value eq(mlir::Value a, mlir::Value b);
  mlir::Value ne(mlir::Value a, mlir::Value b);
  mlir::Value isNaN(mlir::Value a);
  mlir::Value both(mlir::Value a, mlir::Value b);
  mlir::Value either(mlir::Value a, mlir::Value b);
  mlir::Value invert(mlir::Value a);
  mlir::Value select(mlir::Value condition, mlir::Value a, mlir::Value b);
  mlir::Value floor(mlir::Value a);
  mlir::Value ceil(mlir::Value a);
  mlir::Value abs(mlir::Value a);
  /// value clamped to [low, high].
  mlir::Value clamp(mlir::Value value, mlir::Value low, mlir::Value high);

  /// Between index, integer and float types.
  mlir::Value convert(mlir::Value value, mlir::Type type,
                      bool isUnsigned = false);
  mlir::Value toIndex(mlir::Value value) {
    return convert(value, b.getIndexType());
  }

  /// Sizes as index values. Like TensorBuilder::dim not to be called first
  /// inside a loop for a tensor from outside: ask before.
  mlir::Value dim(mlir::Value tensor, int64_t axis) {
    return b.toValue(b.dim(tensor, axis));
  }
  Values dims(mlir::Value tensor);
  mlir::Value extract(mlir::Value tensor, mlir::ValueRange position);
  mlir::Value insert(mlir::Value element, mlir::Value tensor,
                     mlir::ValueRange position);
  /// An index as ONNX writes it (negative counts from the end), brought into
  /// [0, size). A wrong index reads a wrong element and never foreign memory.
  mlir::Value wrapIndex(mlir::Value position, mlir::Value size);

  /// if (condition) then() else otherwise(), both giving the same types.
  using Branch = llvm::function_ref<Values()>;
  Values ifElse(mlir::Value condition, Branch then, Branch otherwise);
  /// for (i = 0; i < extent; ++i) values = body(i, values), nested.
  using LoopBody =
      llvm::function_ref<Values(mlir::ValueRange, mlir::ValueRange)>;
  Values forNest(llvm::ArrayRef<mlir::Value> extents, mlir::ValueRange inits,
                 LoopBody body);
  /// while (condition(values)) values = body(values).
  Values whileLoop(mlir::ValueRange inits,
                   llvm::function_ref<mlir::Value(mlir::ValueRange)> condition,
                   llvm::function_ref<Values(mlir::ValueRange)> body);
};

/// Sizes as dimensions: constants become static.
Dims toDims(TensorBuilder &b, llvm::ArrayRef<mlir::Value> sizes);
/// The element type in which sums are kept: f32 for the narrower floats.
mlir::Type accumulatorType(mlir::Type type);

} // namespace fovea::frontend

#endif // FOVEA_LIB_IMPORT_ONNX_SCALARCODE_H
