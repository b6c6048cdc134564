//===- Registration.h - Everything a tool has to register -------*- C++ -*-===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_PIPELINES_REGISTRATION_H
#define FOVEA_PIPELINES_REGISTRATION_H

namespace mlir {
class DialectRegistry;
} // namespace mlir

namespace fovea {

/// The `attn` dialect, every upstream dialect that a stage of the pipeline
/// produces, and the external models of their interfaces.
void registerAllDialects(mlir::DialectRegistry &registry);

/// Every pass under passes/ and every named pipeline stage.
void registerAllPasses();

} // namespace fovea

#endif // FOVEA_PIPELINES_REGISTRATION_H
