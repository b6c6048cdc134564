//===- FuzzContext.h - What the fuzzers share -------------------*- C++ -*-===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_TEST_FUZZ_FUZZCONTEXT_H
#define FOVEA_TEST_FUZZ_FUZZCONTEXT_H

#include "fovea/dialects/attn/Attn.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"

#include <memory>

namespace fovea {

/// A context with the dialects that an import produces, and no others: their
/// parsers are not ours to fuzz. A context keeps every type and attribute that
/// it has seen, so that it is replaced from time to time.
class FuzzContext {
public:
  mlir::MLIRContext &next() {
    if (!context || ++uses % 256 == 0) {
      mlir::DialectRegistry registry;
      registry.insert<attn::AttnDialect, mlir::arith::ArithDialect,
                      mlir::cf::ControlFlowDialect, mlir::func::FuncDialect,
                      mlir::linalg::LinalgDialect, mlir::math::MathDialect,
                      mlir::scf::SCFDialect, mlir::tensor::TensorDialect>();
      context = std::make_unique<mlir::MLIRContext>(
          registry, mlir::MLIRContext::Threading::DISABLED);
      context->loadAllAvailableDialects();
    }
    return *context;
  }

private:
  std::unique_ptr<mlir::MLIRContext> context;
  unsigned uses = 0;
};

/// Counts errors instead of printing them.
class CountErrors {
public:
  explicit CountErrors(mlir::MLIRContext &context)
      : handler(&context, [this](mlir::Diagnostic &diagnostic) {
          if (diagnostic.getSeverity() == mlir::DiagnosticSeverity::Error) {
            // Rendering is part of what must not fail.
            (void)diagnostic.str();
            ++errors;
          }
          return mlir::success();
        }) {}
  unsigned count() const { return errors; }

private:
  unsigned errors = 0;
  mlir::ScopedDiagnosticHandler handler;
};

} // namespace fovea

#endif // FOVEA_TEST_FUZZ_FUZZCONTEXT_H
