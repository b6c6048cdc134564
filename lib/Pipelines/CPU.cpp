//===- CPU.cpp - The order of passes for a CPU ----------------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fovea/Pipelines/Pipelines.h"

#include "fovea/Target/CPU.h"
#include "fovea/passes/Bufferize/Passes.h"
#include "fovea/passes/CPU/Passes.h"
#include "fovea/passes/Fuse/Passes.h"
#include "fovea/passes/Group/Passes.h"
#include "fovea/passes/Mask/Passes.h"
#include "fovea/passes/Recognize/Passes.h"
#include "fovea/passes/Schedule/Passes.h"
#include "fovea/passes/Tile/Passes.h"
#include "fovea/passes/Vectorize/Passes.h"

#include "mlir/Conversion/Passes.h"
#include "mlir/Conversion/VectorToSCF/VectorToSCF.h"
#include "mlir/Dialect/Bufferization/Pipelines/Passes.h"
#include "mlir/Dialect/Bufferization/Transforms/Passes.h"
#include "mlir/Dialect/Func/Transforms/Passes.h"
#include "mlir/Dialect/Linalg/Passes.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/SCF/Transforms/Passes.h"
#include "mlir/Dialect/Vector/Transforms/Passes.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace fovea;

static void addCleanup(OpPassManager &pm) {
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
}

static void buildRecognize(OpPassManager &pm, const PipelineOptions &options) {
  // Dead results of exporters would count as uses of the probabilities.
  addCleanup(pm);
  pm.addNestedPass<func::FuncOp>(createCanonicalizeLayout());
  addCleanup(pm);
  pm.addNestedPass<func::FuncOp>(createRecognizeSoftmax());
  pm.addNestedPass<func::FuncOp>(createRecognizeAttention());
  // A size read off a score matrix would keep the matrix alive.
  pm.addPass(memref::createResolveRankedShapeTypeResultDimsPass());
  addCleanup(pm);
  pm.addNestedPass<func::FuncOp>(createSplitReadouts());
  addCleanup(pm);
  pm.addNestedPass<func::FuncOp>(createCollapseRows());
  if (options.bf16Contractions) {
    pm.addNestedPass<func::FuncOp>(createLowerPrecision());
    addCleanup(pm);
  }
  // After recognition, which follows one operation at a time.
  pm.addNestedPass<func::FuncOp>(createFuseElementwise());
  addCleanup(pm);
}

static void buildMask(OpPassManager &pm) {
  pm.addNestedPass<func::FuncOp>(createInferMasks());
  // Nothing reads the masks any more.
  addCleanup(pm);
}

static void buildGroup(OpPassManager &pm) {
  // The contractions of attention that no tiled form serves are kernels.
  DecomposeAttentionOptions untiled;
  untiled.matrixOnly = true;
  pm.addPass(createDecomposeAttention(untiled));
  pm.addPass(createDecomposeAggregates());
  addCleanup(pm);
  pm.addNestedPass<func::FuncOp>(createFuseElementwise());
  addCleanup(pm);
  pm.addPass(createOutlineKernels());
  addCleanup(pm);
  // Layers differ only in their weights, which are arguments of a kernel.
  pm.addPass(func::createDuplicateFunctionEliminationPass());
}

/// Whether `alloc` is scratch of one tile that fits on the stack of its thread.
static bool isTileScratch(Value alloc) {
  constexpr int64_t maxBytes = 64 * 1024;
  auto type = dyn_cast<MemRefType>(alloc.getType());
  if (!type || !type.hasStaticShape() || !type.getElementType().isIntOrFloat())
    return false;
  int64_t bits = type.getElementTypeBitWidth();
  for (int64_t dim : type.getShape()) {
    if (dim > maxBytes)
      return false;
    bits *= dim;
    if (bits > maxBytes * 8)
      return false;
  }
  Operation *op = alloc.getDefiningOp();
  return op && op->getParentOfType<scf::ForallOp>();
}

static void buildSchedule(OpPassManager &pm, const PipelineOptions &options) {
  ScheduleKernelsOptions scheduling;
  scheduling.targetCPU = options.targetCPU;
  scheduling.targetTriple = options.targetTriple;
  pm.addPass(createScheduleKernels(scheduling));
}

static void buildTile(OpPassManager &pm) {
  pm.addPass(createTileAttention());
  pm.addPass(createLowerAttentionRows());
  // What no tiled form serves takes the general one.
  pm.addPass(createDecomposeAttention());
  pm.addPass(createLowerOnline());
  pm.addPass(createDecomposeAggregates());
  addCleanup(pm);
  pm.addPass(createPackConstants());
  pm.addNestedPass<func::FuncOp>(createTileKernels());
  addCleanup(pm);
}

static void buildMemRef(OpPassManager &pm) {
  pm.addNestedPass<func::FuncOp>(createBindDestinations());
  // Ahead of the two passes that analyse what shares a buffer.
  pm.addNestedPass<func::FuncOp>(createSeparateDestinations());
  // A destination that is only a slice of a larger tensor is written in place.
  pm.addPass(bufferization::createEmptyTensorEliminationPass());
  pm.addPass(createBindLoopState());
  bufferization::OneShotBufferizePassOptions options;
  options.bufferizeFunctionBoundaries = true;
  options.functionBoundaryTypeConversion =
      bufferization::LayoutMapOption::IdentityLayoutMap;
  options.allowReturnAllocsFromLoops = true;
  pm.addPass(bufferization::createOneShotBufferizePass(options));
  // Canonicalization drops the self-copies that bufferization leaves.
  addCleanup(pm);
  pm.addPass(bufferization::createDropEquivalentBufferResultsPass());
  addCleanup(pm);
  // Small scratch of a tile lives on the stack of its thread, outside loops.
  pm.addNestedPass<func::FuncOp>(bufferization::createBufferLoopHoistingPass());
  pm.addNestedPass<func::FuncOp>(
      bufferization::createPromoteBuffersToStackPass(isTileScratch));
  bufferization::buildBufferDeallocationPipeline(pm);
  // A constant that is returned is cloned.
  pm.addPass(createConvertBufferizationToMemRefPass());
  addCleanup(pm);
  pm.addPass(createHoistScratch());
  pm.addPass(createPlanArena());
  pm.addPass(createGuardAllocations());
}

static void buildVector(OpPassManager &pm) {
  pm.addNestedPass<func::FuncOp>(createVectorizeStencils());
  pm.addNestedPass<func::FuncOp>(createVectorizeKernels());
  addCleanup(pm);
}

static void buildLLVM(OpPassManager &pm, const PipelineOptions &options) {
  if (options.fastMath)
    pm.addPass(createRelaxMath());
  pm.addPass(createExpandMath());
  pm.addPass(createConvertLinalgToLoopsPass());
  pm.addPass(createSerializeLoops());
  pm.addPass(createForallToParallelLoopPass());
  pm.addPass(createConvertSCFToOpenMPPass());
  // While loops still show their bounds.
  pm.addPass(createBalanceLoops());
  addCleanup(pm);
  // No canonicalization from here to LLVM: it would fold the rows of register
  // tiles into element-wise construction of whole tiles.
  std::optional<CPUTarget> cpu =
      describeCPU(options.targetCPU, options.targetTriple);
  if (cpu && cpu->hasDotOfBF16)
    pm.addNestedPass<func::FuncOp>(createLowerDotProducts());
  pm.addNestedPass<func::FuncOp>(createLowerVectors());
  VectorTransferToSCFOptions vectorToSCF;
  vectorToSCF.enableFullUnroll();
  // Nested where a pass needs no more than a function: these come to as much
  // work as the machine code does, and run on all cores.
  pm.addNestedPass<func::FuncOp>(createConvertVectorToSCFPass(vectorToSCF));
  pm.addNestedPass<func::FuncOp>(createLoopInvariantCodeMotionPass());
  pm.addNestedPass<func::FuncOp>(createCSEPass());
  // Ahead of the upstream pass, which crashes on what it lowers.
  pm.addPass(createLowerReshapes());
  pm.addNestedPass<func::FuncOp>(memref::createExpandStridedMetadataPass());
  pm.addNestedPass<func::FuncOp>(createLowerAffinePass());
  ConvertVectorToLLVMPassOptions vectorToLLVM;
  vectorToLLVM.x86Vector = true;
  // The sum of a vector's lanes in any order: there is no order to keep.
  vectorToLLVM.reassociateFPReductions = true;
  pm.addNestedPass<func::FuncOp>(createConvertVectorToLLVMPass(vectorToLLVM));
  pm.addNestedPass<func::FuncOp>(createUBToLLVMConversionPass());
  FinalizeMemRefToLLVMConversionPassOptions memrefToLLVM;
  memrefToLLVM.useGenericFunctions = true;
  pm.addPass(createFinalizeMemRefToLLVMConversionPass(memrefToLLVM));
  // After memref: convert-scf-to-openmp wraps bodies in memref.alloca_scope,
  // whose lowering wants a single block.
  pm.addNestedPass<func::FuncOp>(createSCFToControlFlowPass());
  // Splits blocks, hence after structured control flow is gone.
  pm.addPass(createLowerAssertions());
  pm.addPass(createConvertFuncToLLVMPass());
  pm.addNestedPass<LLVM::LLVMFuncOp>(createConvertMathToLLVMPass());
  pm.addPass(createConvertMathToLibmPass());
  pm.addNestedPass<LLVM::LLVMFuncOp>(createArithToLLVMConversionPass());
  pm.addNestedPass<LLVM::LLVMFuncOp>(createConvertIndexToLLVMPass());
  pm.addPass(createConvertControlFlowToLLVMPass());
  pm.addPass(createConvertOpenMPToLLVMPass());
  pm.addNestedPass<LLVM::LLVMFuncOp>(createReconcileUnrealizedCastsPass());
  pm.addNestedPass<LLVM::LLVMFuncOp>(createCanonicalizerPass());
  pm.addNestedPass<LLVM::LLVMFuncOp>(createCSEPass());
}

void fovea::buildStage(OpPassManager &pm, Stage stage,
                       const PipelineOptions &options) {
  switch (stage) {
  case Stage::Recognize:
    return buildRecognize(pm, options);
  case Stage::Group:
    return buildGroup(pm);
  case Stage::Tile:
    return buildTile(pm);
  case Stage::MemRef:
    return buildMemRef(pm);
  case Stage::LLVM:
    return buildLLVM(pm, options);
  case Stage::Mask:
    return buildMask(pm);
  case Stage::Import:
    return;
  case Stage::Schedule:
    return buildSchedule(pm, options);
  case Stage::Vector:
    return buildVector(pm);
  }
}
