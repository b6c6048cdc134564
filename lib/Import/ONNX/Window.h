//===- Window.h - Sliding windows ---------------------------*- C++ -*-===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_LIB_IMPORT_ONNX_WINDOW_H
#define FOVEA_LIB_IMPORT_ONNX_WINDOW_H

#include "Importer.h"

namespace fovea::frontend {

/// The sliding window of a convolution or pooling node over the spatial dims
/// (those after batch and channel) of its first input.
struct Window {
  Dims kernel, input, output, padBegin, padEnd;
  llvm::SmallVector<int64_t> strides, dilations;

  size_t rank() const { return strides.size(); }
  bool isPadded() const;
  /// True where each input element is read once, in order: 1x1, no stride.
  bool isPointwise() const;
  /// `x` with padBegin and padEnd elements of `value` around it.
  mlir::Value pad(TensorBuilder &b, mlir::Value x, mlir::Value value) const;
  /// stride * out + dilation * tap, for spatial dim i.
  mlir::AffineExpr tap(size_t i, mlir::AffineExpr out,
                       mlir::AffineExpr tap) const;
};

/// Reads strides, dilations, pads, auto_pad and, for pooling, ceil_mode. padEnd
/// is enlarged where ceil_mode lets the last window hang over.
mlir::FailureOr<Window> readWindow(NodeImporter &node, const Dims &kernel);
/// strides or dilations: positive, one per spatial dim, 1 where absent.
mlir::FailureOr<llvm::SmallVector<int64_t>>
readSteps(NodeImporter &node, llvm::StringRef name, size_t rank);

} // namespace fovea::frontend

#endif // FOVEA_LIB_IMPORT_ONNX_WINDOW_H
