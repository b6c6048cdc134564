//===- Diagnostics.cpp - Errors of passes as one line -------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fovea/Package/Diagnostics.h"

#include "fovea/Analysis/Remarks.h"

#include "mlir/IR/Location.h"
#include "mlir/IR/MLIRContext.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace fovea;

std::string fovea::oneLine(llvm::StringRef text) {
  constexpr size_t longest = 1000;
  std::string line;
  for (char c : text.trim().take_front(longest))
    line += static_cast<unsigned char>(c) < ' ' || c == 0x7f ? ' ' : c;
  if (text.trim().size() > longest)
    line += "...";
  return line;
}

/// Where the model, or else the file, says that the trouble is.
static std::string describeLocation(Location loc) {
  std::string text;
  // "file:line:column" of a module that was written by hand.
  if (auto file = loc->findInstanceOf<FileLineColLoc>()) {
    llvm::raw_string_ostream os(text);
    os << file.getFilename().getValue() << ':';
    // Line 0 is the file as a whole.
    if (file.getLine())
      os << file.getLine() << ':' << file.getColumn() << ':';
    os << ' ';
    return text;
  }
  std::vector<std::string> names = locationNames(loc);
  constexpr size_t most = 3;
  if (names.empty())
    return text;
  text = "'" + llvm::join(llvm::ArrayRef(names).take_front(most), "', '") + "'";
  return text + (names.size() > most ? ", ...: " : ": ");
}

FirstError::FirstError(MLIRContext &context) : context(context) {
  handler = context.getDiagEngine().registerHandler([this](Diagnostic &diag) {
    std::lock_guard<std::mutex> guard(lock);
    if (diag.getSeverity() != DiagnosticSeverity::Error || !text.empty())
      return success();
    std::string message = diag.str();
    std::vector<std::string> names = locationNames(diag.getLocation());
    bool says = !names.empty() && llvm::StringRef(message).contains(names[0]);
    text = (says ? "" : describeLocation(diag.getLocation())) + message;
    return success();
  });
}

FirstError::~FirstError() { context.getDiagEngine().eraseHandler(handler); }

llvm::Error FirstError::take(const llvm::Twine &fallback) {
  std::lock_guard<std::mutex> guard(lock);
  std::string message = text.empty() ? fallback.str() : text;
  text.clear();
  if (message.empty())
    return llvm::Error::success();
  return llvm::createStringError(message);
}
