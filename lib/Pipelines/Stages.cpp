//===- Stages.cpp - Names of the stages of a compilation ------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fovea/Pipelines/Pipelines.h"

#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace fovea;

namespace {
struct StageInfo {
  Stage stage;
  llvm::StringLiteral name;
  llvm::StringLiteral description;
};
} // namespace

static constexpr StageInfo stages[] = {
    {Stage::Import, "import", "Clean up an imported module"},
    {Stage::Recognize, "recognize",
     "Find attention in decomposed form and fold layouts into it"},
    {Stage::Mask, "mask", "Turn dense masks into structured mask attributes"},
    {Stage::Group, "group", "Form fusion groups and outline one function each"},
    {Stage::Schedule, "schedule", "Attach a schedule to each kernel's root"},
    {Stage::Tile, "tile", "Tile kernels into parallel and sequential loops"},
    {Stage::Vector, "vector", "Vectorize tiles"},
    {Stage::MemRef, "memref", "Bufferize and plan memory"},
    {Stage::LLVM, "llvm", "Lower to the LLVM dialect"},
};

llvm::StringRef fovea::stageName(Stage stage) {
  return stages[static_cast<unsigned>(stage)].name;
}

std::optional<Stage> fovea::parseStage(llvm::StringRef name) {
  const auto *it = llvm::find_if(
      stages, [&](const StageInfo &info) { return info.name == name; });
  if (it == std::end(stages))
    return std::nullopt;
  return it->stage;
}

void fovea::buildPipeline(OpPassManager &pm, Stage from, Stage to,
                          const PipelineOptions &options) {
  for (const StageInfo &info : stages)
    if (info.stage > from && info.stage <= to)
      buildStage(pm, info.stage, options);
}

void fovea::registerPipelines() {
  for (const StageInfo &info : stages) {
    Stage stage = info.stage;
    std::string name = ("fovea-" + info.name).str();
    PassPipelineRegistration<>(
        name, info.description,
        [stage](OpPassManager &pm) { buildStage(pm, stage, {}); });
  }
  PassPipelineRegistration<>(
      "fovea-pipeline", "Run all stages from an imported module to LLVM",
      [](OpPassManager &pm) {
        buildPipeline(pm, Stage::Import, Stage::LLVM, {});
      });
}
