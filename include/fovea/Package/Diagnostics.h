//===- Diagnostics.h - Errors of passes as one line -------------*- C++ -*-===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_PACKAGE_DIAGNOSTICS_H
#define FOVEA_PACKAGE_DIAGNOSTICS_H

#include "mlir/IR/Diagnostics.h"

#include "llvm/Support/Error.h"

#include <mutex>
#include <string>

namespace fovea {

/// Takes every diagnostic of a context while it lives. Errors that follow the
/// first are most often its consequences, so that only the first is kept.
class FirstError {
public:
  explicit FirstError(mlir::MLIRContext &context);
  ~FirstError();

  /// The first error as "<nodes of the model>: <message>", or `fallback` if
  /// there was none.
  llvm::Error take(const llvm::Twine &fallback);

private:
  mlir::MLIRContext &context;
  mlir::DiagnosticEngine::HandlerID handler;
  std::mutex lock;
  std::string text;
};

/// `text` as one line of readable length; names in a model may be anything.
std::string oneLine(llvm::StringRef text);

} // namespace fovea

#endif // FOVEA_PACKAGE_DIAGNOSTICS_H
