//===- Families.h - Handlers by op family -----------------------*- C++ -*-===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_LIB_IMPORT_ONNX_OPS_FAMILIES_H
#define FOVEA_LIB_IMPORT_ONNX_OPS_FAMILIES_H

#include "../Importer.h"

namespace fovea::frontend {

// One function per file in this folder, called by opRegistry().
void registerActivationOps(OpRegistry &registry);
void registerAttentionOps(OpRegistry &registry);
void registerCastOps(OpRegistry &registry);
void registerContractionOps(OpRegistry &registry);
void registerConvOps(OpRegistry &registry);
void registerConvTransposeOps(OpRegistry &registry);
void registerDFTOps(OpRegistry &registry);
void registerEinsumOps(OpRegistry &registry);
void registerElementwiseOps(OpRegistry &registry);
void registerFeaturesOps(OpRegistry &registry);
void registerGatherOps(OpRegistry &registry);
void registerGeneratorOps(OpRegistry &registry);
void registerIfOps(OpRegistry &registry);
void registerLoopOps(OpRegistry &registry);
void registerNonMaxSuppressionOps(OpRegistry &registry);
void registerNonZeroOps(OpRegistry &registry);
void registerNormalizationOps(OpRegistry &registry);
void registerOptionalOps(OpRegistry &registry);
void registerPadOps(OpRegistry &registry);
void registerPoolOps(OpRegistry &registry);
void registerQuantizeOps(OpRegistry &registry);
void registerRandomOps(OpRegistry &registry);
void registerRecurrentOps(OpRegistry &registry);
void registerReductionOps(OpRegistry &registry);
void registerRegionOps(OpRegistry &registry);
void registerResizeOps(OpRegistry &registry);
void registerSampleOps(OpRegistry &registry);
void registerScatterOps(OpRegistry &registry);
void registerSequenceOps(OpRegistry &registry);
void registerSequenceSplitOps(OpRegistry &registry);
void registerShapeOps(OpRegistry &registry);
void registerSliceOps(OpRegistry &registry);
void registerSlicingOps(OpRegistry &registry);
void registerSoftmaxOps(OpRegistry &registry);
void registerSpaceToDepthOps(OpRegistry &registry);
void registerTfIdfOps(OpRegistry &registry);
void registerTopKOps(OpRegistry &registry);
void registerTrainingOps(OpRegistry &registry);
void registerTreeEnsembleOps(OpRegistry &registry);
void registerUnaryOps(OpRegistry &registry);

// Operators of ONNX Runtime, one function per file in Contrib.
void registerContribActivationOps(OpRegistry &registry);
void registerContribAttentionOps(OpRegistry &registry);
void registerContribContractionOps(OpRegistry &registry);
void registerContribEmbeddingOps(OpRegistry &registry);
void registerContribGroupQueryOps(OpRegistry &registry);
void registerContribMultiHeadOps(OpRegistry &registry);
void registerContribNormalizationOps(OpRegistry &registry);
void registerContribPackedOps(OpRegistry &registry);
void registerContribQuantizedOps(OpRegistry &registry);
void registerContribRotaryOps(OpRegistry &registry);

} // namespace fovea::frontend

#endif // FOVEA_LIB_IMPORT_ONNX_OPS_FAMILIES_H
