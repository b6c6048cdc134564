//===- Import.h - ONNX model to MLIR ----------------------------*- C++ -*-===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_IMPORT_ONNX_IMPORT_H
#define FOVEA_IMPORT_ONNX_IMPORT_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

#include "llvm/ADT/StringMap.h"

#include <cstdint>
#include <string>
#include <vector>

namespace fovea {

struct ImportOptions {
  /// Values for symbolic dimensions of the graph inputs: "batch" -> 1. A pinned
  /// dimension is static in the imported module.
  llvm::StringMap<int64_t> dims;
};

/// Loads the model at `path` (binary ONNX, or ONNX's textual syntax where the
/// name ends in .onnxtxt) and imports it as a module with one public function
/// @main. Every failure is reported through the diagnostics of `context` and
/// gives a null module; no exception leaves this function.
mlir::OwningOpRef<mlir::ModuleOp> importModel(llvm::StringRef path,
                                              const ImportOptions &options,
                                              mlir::MLIRContext &context);

/// How an operator of ONNX comes in.
struct OperatorSupport {
  std::string domain; // "ai.onnx" for the default one
  std::string name;
  int sinceVersion = 0; // of its newest definition; 0 if ONNX has none
  enum { Kernel, FunctionBody, Refused } kind = Refused;
};

/// All operators that ONNX defines or this importer knows, by domain and name.
std::vector<OperatorSupport> listOperators();

} // namespace fovea

#endif // FOVEA_IMPORT_ONNX_IMPORT_H
