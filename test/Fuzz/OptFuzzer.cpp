//===- OptFuzzer.cpp - Any bytes as MLIR ----------------------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Text is parsed and verified, and what is valid goes through the first stage
// of the pipeline: as fovea-opt --fovea-recognize does. Damaged bytecode is
// left out: its reader is MLIR's alone (the attn dialect has no encoding of its
// own), and allocates what a file claims without a limit.
//
//===----------------------------------------------------------------------===//

#include "FuzzContext.h"

#include "fovea/Pipelines/Pipelines.h"

#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"

#include "llvm/Support/Regex.h"

#include <cstdlib>
#include <string>

using namespace mlir;

/// MLIR 22 dereferences null after a list of integers that it could not parse
/// in linalg.transpose, linalg.broadcast and linalg.reduce, and reads past the
/// end of an empty group of dimensions in tensor.expand_shape and
/// tensor.collapse_shape.
static bool crashesUpstream(StringRef text) {
  static const llvm::Regex start("(permutation|dimensions)[ \t\r\n]*="),
      list("^[ \t\r\n]*\\[ *(-?[0-9]{1,9}( *, *-?[0-9]{1,9})*)? *\\]"),
      emptyGroup("(shape|reassociation).*\\[[ \t\r\n]*\\]");
  if (emptyGroup.match(text))
    return true;
  SmallVector<StringRef, 2> match;
  while (start.match(text, &match)) {
    text = text.drop_front(match[0].end() - text.begin());
    if (!list.match(text))
      return true;
  }
  return false;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static fovea::FuzzContext context;
  StringRef bytes(reinterpret_cast<const char *>(data), size);
  if (bytes.starts_with("ML\xefR") || crashesUpstream(bytes))
    return -1;
  MLIRContext &mlir = context.next();
  fovea::CountErrors errors(mlir);
  // MLIR's lexer reads up to a terminating zero, as files that are read have
  // it.
  std::string text = bytes.str();
  auto module = parseSourceString<ModuleOp>(text, &mlir);
  if (!module && errors.count() == 0)
    abort();
  // The parser goes on after a character that is none of its own within an
  // attribute of a dialect, though it has reported it.
  if (!module || errors.count() != 0)
    return 0;
  PassManager pm(&mlir);
  fovea::buildStage(pm, fovea::Stage::Recognize, fovea::PipelineOptions());
  if (failed(pm.run(*module)) && errors.count() == 0)
    abort();
  return 0;
}
