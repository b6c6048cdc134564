//===- Pipelines.h - The named stages of a compilation ----------*- C++ -*-===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_PIPELINES_PIPELINES_H
#define FOVEA_PIPELINES_PIPELINES_H

#include "llvm/ADT/StringRef.h"

#include <optional>
#include <string>

namespace mlir {
class OpPassManager;
} // namespace mlir

namespace fovea {

/// The stages between an imported module and the LLVM dialect, in the order in
/// which they run. `fovea-compile --emit=<name>` stops after one, and
/// `fovea-opt --fovea-<name>` runs one alone.
enum class Stage {
  Import,
  Recognize,
  Mask,
  Group,
  Schedule,
  Tile,
  Vector,
  MemRef,
  LLVM
};

/// What a compilation may be told.
struct PipelineOptions {
  /// An LLVM CPU name, or "native" for the machine that compiles.
  std::string targetCPU = "native";
  /// Empty for the triple of the machine that compiles.
  std::string targetTriple;
  /// Whether the order of floating-point operations is free (--fast-math).
  bool fastMath = false;
  /// Whether contractions of f32 take bf16 operands (--precision=bf16).
  bool bf16Contractions = false;
};

/// The name of `stage` on a command line, such as "group".
llvm::StringRef stageName(Stage stage);

/// The stage of that name, or nothing.
std::optional<Stage> parseStage(llvm::StringRef name);

/// Adds the passes of one stage to `pm`, which works on a module.
void buildStage(mlir::OpPassManager &pm, Stage stage,
                const PipelineOptions &options);

/// Adds all stages after `from` up to and including `to`.
void buildPipeline(mlir::OpPassManager &pm, Stage from, Stage to,
                   const PipelineOptions &options);

/// Registers each stage as a pass pipeline `fovea-<name>`.
void registerPipelines();

} // namespace fovea

#endif // FOVEA_PIPELINES_PIPELINES_H
