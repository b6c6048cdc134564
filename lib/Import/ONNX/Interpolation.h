//===- Interpolation.h - Weights of samples -------------------*- C++ -*-===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_LIB_IMPORT_ONNX_INTERPOLATION_H
#define FOVEA_LIB_IMPORT_ONNX_INTERPOLATION_H

#include "ScalarCode.h"

namespace fovea::frontend {

/// Weight of an element at a distance, for linear interpolation.
mlir::Value linearWeight(ScalarCode &s, mlir::Value distance);
/// The same for cubic convolution with coefficient `a` (Keys).
mlir::Value cubicWeight(ScalarCode &s, mlir::Value distance, double a);
/// A float coordinate as a position (index): rounded down, and in a range that
/// an index can hold whatever the coordinate, NaN included.
mlir::Value floorToIndex(ScalarCode &s, mlir::Value coordinate);

} // namespace fovea::frontend

#endif // FOVEA_LIB_IMPORT_ONNX_INTERPOLATION_H
