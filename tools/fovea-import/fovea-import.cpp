//===- fovea-import.cpp - ONNX to MLIR ------------------------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fovea/Import/ONNX/Import.h"
#include "fovea/Pipelines/Registration.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Support/FileUtilities.h"

#include "llvm/Support/CommandLine.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/ToolOutputFile.h"

namespace cl = llvm::cl;

static cl::opt<std::string> input(cl::Positional,
                                  cl::desc("<model.onnx | model.onnxtxt>"));
static cl::opt<std::string> output("o", cl::init("-"), cl::value_desc("file"),
                                   cl::desc("Where the MLIR text goes"));
static cl::list<std::string>
    dims("dim", cl::value_desc("name=size"),
         cl::desc("Fix a symbolic dimension of the inputs; repeat it for more "
                  "than one. Fixed sizes give faster code"));
static cl::opt<bool>
    locations("locations",
              cl::desc("Print which ONNX node each operation comes from"));
static cl::opt<int64_t> elideAbove(
    "elide-constants-above", cl::init(64), cl::value_desc("elements"),
    cl::desc("Print only the type of constants with more elements; 0 prints "
             "all, so that the text can be compiled"));

static cl::opt<bool>
    listing("list-operators",
            cl::desc("Print the operators of ONNX, one a line: domain, name, "
                     "version of the newest definition, and how it comes in "
                     "(kernel, function for ONNX's function body, refused)"));
static cl::opt<bool> verbose("verbose",
                             cl::desc("Print what is known about an error "
                                      "beyond its one line"));

static const char overview[] =
    "Reads an ONNX model and prints it as MLIR: one function @main over "
    "tensors.\n\n"
    "  fovea-import model.onnx                     look at a model\n"
    "  fovea-import model.onnx --dim batch=1       with a fixed batch size\n"
    "  fovea-import model.onnx --elide-constants-above 0 -o model.mlir\n"
    "                                              keep it for fovea-opt\n\n"
    "A .onnxtxt file holds ONNX's own textual syntax.\n";

/// Reads name=size pairs; false after reporting a wrong one.
static bool parseDims(fovea::ImportOptions &options) {
  for (const std::string &text : dims) {
    auto [name, size] = llvm::StringRef(text).rsplit('=');
    int64_t value = 0;
    if (name.empty() || size.getAsInteger(10, value) || value < 0) {
      llvm::errs() << "fovea-import: error: --dim " << text
                   << ": expected name=size, as in --dim batch=1\n";
      return false;
    }
    options.dims[name] = value;
  }
  return true;
}

static void printOperators() {
  for (const fovea::OperatorSupport &op : fovea::listOperators())
    llvm::outs() << op.domain << " " << op.name << " " << op.sinceVersion << " "
                 << (op.kind == fovea::OperatorSupport::Kernel ? "kernel"
                     : op.kind == fovea::OperatorSupport::FunctionBody
                         ? "function"
                         : "refused")
                 << "\n";
}

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  cl::ParseCommandLineOptions(argc, argv, overview);
  if (listing) {
    printOperators();
    return 0;
  }
  if (input.empty()) {
    llvm::errs() << "fovea-import: error: no model given; see --help\n";
    return 1;
  }
  fovea::ImportOptions options;
  if (!parseDims(options))
    return 1;

  mlir::DialectRegistry registry;
  fovea::registerAllDialects(registry);
  mlir::MLIRContext context(registry);
  mlir::ScopedDiagnosticHandler handler(
      &context, [](mlir::Diagnostic &diagnostic) {
        llvm::errs() << "fovea-import: "
                     << (diagnostic.getSeverity() ==
                                 mlir::DiagnosticSeverity::Error
                             ? "error: "
                             : "note: ")
                     << diagnostic.str() << "\n";
        if (verbose)
          for (mlir::Diagnostic &note : diagnostic.getNotes())
            llvm::errs() << "  " << note.str() << "\n";
        return mlir::success();
      });
  auto module = fovea::importModel(input, options, context);
  if (!module)
    return 1;

  std::string error;
  auto file = mlir::openOutputFile(output, &error);
  if (!file) {
    llvm::errs() << "fovea-import: error: " << error << "\n";
    return 1;
  }
  mlir::OpPrintingFlags flags;
  flags.enableDebugInfo(locations);
  if (elideAbove > 0) {
    flags.elideLargeElementsAttrs(elideAbove);
    flags.elideLargeResourceString(elideAbove);
  }
  module->print(file->os(), flags);
  file->os() << "\n";
  file->keep();
  return 0;
}
