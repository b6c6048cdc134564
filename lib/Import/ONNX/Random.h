//===- Random.h - Random numbers by position --------------------*- C++ -*-===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_LIB_IMPORT_ONNX_RANDOM_H
#define FOVEA_LIB_IMPORT_ONNX_RANDOM_H

#include "Importer.h"
#include "ScalarCode.h"

namespace fovea::frontend {

/// Random numbers as a function of a seed and of the position of an element:
/// Philox4x32-10, a generator without state (Salmon et al., 2011). Elements can
/// be computed in any order, by any number of threads, and each run gives the
/// same ones. The seed is the node's attribute; without one, each node has its
/// own.
class Random {
public:
  explicit Random(NodeImporter &node);

  /// Uniform in [0, 1) with as many bits as `type` holds.
  mlir::Value uniform(ScalarCode &s, mlir::Value position, mlir::Type type);
  /// Normal, with mean 0 and deviation 1.
  mlir::Value normal(ScalarCode &s, mlir::Value position, mlir::Type type);
  /// Row-major position of an element of a tensor, as an index.
  static mlir::Value flatten(ScalarCode &s, mlir::ValueRange at,
                             mlir::ValueRange sizes);

private:
  /// Two words of 64 bits (i64).
  std::pair<mlir::Value, mlir::Value> draw(ScalarCode &s, mlir::Value position);
  mlir::Value fraction(ScalarCode &s, mlir::Value word, mlir::FloatType type);

  uint32_t key[2];
};

} // namespace fovea::frontend

#endif // FOVEA_LIB_IMPORT_ONNX_RANDOM_H
