//===- Registration.cpp - Everything a tool has to register ---------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fovea/Pipelines/Registration.h"

#include "fovea/Pipelines/Pipelines.h"
#include "fovea/dialects/attn/Attn.h"
#include "fovea/passes/Bufferize/Passes.h"
#include "fovea/passes/CPU/Passes.h"
#include "fovea/passes/Fuse/Passes.h"
#include "fovea/passes/Group/Passes.h"
#include "fovea/passes/Mask/Passes.h"
#include "fovea/passes/Recognize/Passes.h"
#include "fovea/passes/Schedule/Passes.h"
#include "fovea/passes/Tile/Passes.h"
#include "fovea/passes/Vectorize/Passes.h"

#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/Target/LLVMIR/Dialect/All.h"

using namespace mlir;

void fovea::registerAllDialects(DialectRegistry &registry) {
  mlir::registerAllDialects(registry);
  mlir::registerAllExtensions(registry);
  registerAllToLLVMIRTranslations(registry);
  registry.insert<attn::AttnDialect>();
}

void fovea::registerAllPasses() {
  registerFoveaFusePasses();
  registerFoveaRecognizePasses();
  registerFoveaMaskPasses();
  registerFoveaGroupPasses();
  registerFoveaSchedulePasses();
  registerFoveaTilePasses();
  registerFoveaVectorizePasses();
  registerFoveaBufferizePasses();
  registerFoveaCPUPasses();
  registerPipelines();
}
