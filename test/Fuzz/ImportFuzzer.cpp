//===- ImportFuzzer.cpp - Any bytes as an ONNX model ----------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// An import ends with a module or with one error, whatever the file says, and
// no constant of the module comes from outside of the model's folder.
//
//===----------------------------------------------------------------------===//

#include "FuzzContext.h"

#include "fovea/Import/ONNX/Import.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/DialectResourceBlobManager.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/raw_ostream.h"

#include <cstdlib>

using namespace mlir;

/// What the file beside the model's folder holds.
static constexpr llvm::StringLiteral canary =
    "outside!outside!outside!outside!";

static void writeFile(const std::string &path, StringRef text) {
  std::error_code code;
  llvm::raw_fd_ostream os(path, code);
  os << text;
  if (code)
    abort();
}

/// A folder of this process with the model's own inside.
static std::string makeFolder() {
  llvm::SmallString<64> outer;
  if (llvm::sys::fs::createUniqueDirectory("fovea-fuzz", outer))
    abort();
  std::string model = (outer + "/model").str();
  if (llvm::sys::fs::create_directory(model) ||
      llvm::sys::fs::create_link(outer + "/canary.bin", model + "/link.bin"))
    abort();
  writeFile((outer + "/canary.bin").str(), canary);
  writeFile(model + "/weights.bin", std::string(64, '\1'));
  return model;
}

static bool hasCanary(ArrayRef<char> data) {
  return StringRef(data.data(), data.size()).contains(canary.take_front(8));
}

static void checkConstants(ModuleOp module) {
  module.walk([](Operation *op) {
    for (NamedAttribute attribute : op->getAttrs()) {
      bool escaped = false;
      if (auto dense = dyn_cast<DenseIntOrFPElementsAttr>(attribute.getValue()))
        escaped = hasCanary(dense.getRawData());
      else if (auto resource =
                   dyn_cast<DenseResourceElementsAttr>(attribute.getValue()))
        escaped = hasCanary(resource.getRawHandle().getBlob()->getData());
      if (escaped)
        abort();
    }
  });
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const std::string folder = makeFolder();
  static fovea::FuzzContext context;
  StringRef bytes(reinterpret_cast<const char *>(data), size);
  // A file that says so is read in ONNX's textual syntax.
  bool isText = bytes.consume_front("text\n");
  std::string path = folder + (isText ? "/model.onnxtxt" : "/model.onnx");
  writeFile(path, bytes);
  MLIRContext &mlir = context.next();
  fovea::CountErrors errors(mlir);
  auto module = fovea::importModel(path, fovea::ImportOptions(), mlir);
  // Failing without a word is as wrong as succeeding with an error.
  if (bool(module) != (errors.count() == 0))
    abort();
  if (module)
    checkConstants(*module);
  return 0;
}
