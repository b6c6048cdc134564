//===- RuntimeAxes.h - Axes known at run time only ------------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_LIB_IMPORT_ONNX_OPS_RUNTIMEAXES_H
#define FOVEA_LIB_IMPORT_ONNX_OPS_RUNTIMEAXES_H

#include "../Importer.h"

namespace fovea::frontend {

/// The result of `build` for the axes in input `i`, which count dimensions of a
/// tensor of rank `rank`. Where they are only known at run time, every set of
/// that many axes is built, and a branch taken at run time. Bits of
/// `candidates` say which dimensions can be meant at all.
mlir::FailureOr<mlir::Value> withAxes(
    NodeImporter &n, size_t i, int64_t rank,
    llvm::function_ref<mlir::FailureOr<mlir::Value>(llvm::ArrayRef<int64_t>)>
        build,
    uint64_t candidates = ~uint64_t(0));

} // namespace fovea::frontend

#endif // FOVEA_LIB_IMPORT_ONNX_OPS_RUNTIMEAXES_H
