//===- Registry.cpp - The list of op families -----------------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Importer.h"
#include "Ops/Families.h"

using namespace fovea::frontend;

const OpRegistry &fovea::frontend::opRegistry() {
  static const OpRegistry registry = [] {
    OpRegistry result;
    registerActivationOps(result);
    registerAttentionOps(result);
    registerCastOps(result);
    registerContractionOps(result);
    registerContribActivationOps(result);
    registerContribAttentionOps(result);
    registerContribContractionOps(result);
    registerContribEmbeddingOps(result);
    registerContribGroupQueryOps(result);
    registerContribMultiHeadOps(result);
    registerContribNormalizationOps(result);
    registerContribPackedOps(result);
    registerContribQuantizedOps(result);
    registerContribRotaryOps(result);
    registerConvOps(result);
    registerConvTransposeOps(result);
    registerDFTOps(result);
    registerEinsumOps(result);
    registerElementwiseOps(result);
    registerFeaturesOps(result);
    registerGatherOps(result);
    registerGeneratorOps(result);
    registerIfOps(result);
    registerLoopOps(result);
    registerNonMaxSuppressionOps(result);
    registerNonZeroOps(result);
    registerNormalizationOps(result);
    registerOptionalOps(result);
    registerPadOps(result);
    registerPoolOps(result);
    registerQuantizeOps(result);
    registerRandomOps(result);
    registerRecurrentOps(result);
    registerReductionOps(result);
    registerRegionOps(result);
    registerResizeOps(result);
    registerSampleOps(result);
    registerScatterOps(result);
    registerSequenceOps(result);
    registerSequenceSplitOps(result);
    registerShapeOps(result);
    registerSliceOps(result);
    registerSlicingOps(result);
    registerSoftmaxOps(result);
    registerSpaceToDepthOps(result);
    registerTfIdfOps(result);
    registerTopKOps(result);
    registerTrainingOps(result);
    registerTreeEnsembleOps(result);
    registerUnaryOps(result);
    return result;
  }();
  return registry;
}
