//===- Compiler.h - A model to a library ------------------------*- C++ -*-===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_PACKAGE_COMPILER_H
#define FOVEA_PACKAGE_COMPILER_H

#include "fovea/Analysis/Remarks.h"
#include "fovea/Package/Package.h"

#include "mlir/Support/Timing.h"

#include "llvm/ADT/StringMap.h"

#include <functional>

namespace fovea {

/// Everything that a user may ask of a compilation.
struct CompileOptions {
  /// The model: .onnx, .onnxtxt, or .mlir with an imported module.
  std::string input;
  /// The file to write; "-" is the standard output. A library brings a header
  /// and a manifest of the same name with it.
  std::string output;
  /// The stage after which to stop: a name of fovea/Pipelines/Pipelines.h, or
  /// "llvm-ir", "asm", "obj", "lib".
  std::string emit = "lib";
  TargetDescription target;
  /// Whether the order of floating-point operations is free.
  bool fastMath = false;
  /// The type of the operands of f32 contractions: "model" or "bf16".
  std::string precision = "model";
  /// Values of symbolic dimensions.
  llvm::StringMap<int64_t> dims;
  /// Keeps what each stage produces beside the output.
  bool saveTemps = false;
  /// Where machine code is kept for later compilations, and how much of it; an
  /// empty folder keeps none.
  std::string cacheFolder = KernelCache::defaultFolder();
  uint64_t cacheBytes = uint64_t(1) << 30;
  /// Called before each step.
  std::function<void(llvm::StringRef step, unsigned index, unsigned count)>
      progress;
};

/// Names that CompileOptions.emit may have, in their order.
std::vector<std::string> emitKinds();

/// One compilation. Temporary files live as long as the object, also when
/// run() does not return.
class Compiler {
public:
  explicit Compiler(CompileOptions options);
  ~Compiler();

  /// Does all of it. The message of a failure is one line for the user.
  llvm::Error run(mlir::TimingScope &timing);

  /// What was recognised in the model, and what was not.
  const std::vector<SiteRemark> &sites() const { return siteRemarks; }
  /// What was done, a line each.
  const std::vector<std::string> &notes() const { return allNotes; }
  /// The step that is under way, for a report of a crash.
  const std::string &step() const { return currentStep; }

private:
  struct State;
  llvm::Error checkOptions();
  llvm::Error load(State &state);
  llvm::Error runStages(State &state, mlir::TimingScope &timing);
  llvm::Error writeModule(State &state, llvm::StringRef path, bool elide);
  llvm::Error package(State &state, mlir::TimingScope &timing);
  llvm::Error writeLibrary(State &state, llvm::Module &module,
                           const ModelDescription &description);
  llvm::Error
  writeFile(llvm::StringRef path,
            llvm::function_ref<llvm::Error(llvm::raw_pwrite_stream &)> write);
  llvm::Error
  saveTemp(llvm::StringRef suffix,
           llvm::function_ref<llvm::Error(llvm::raw_pwrite_stream &)> write);
  void begin(llvm::StringRef step);
  void note(const llvm::Twine &text);
  /// A file beside the output that goes away with this object.
  std::string temporary(llvm::StringRef suffix);
  /// The output with another suffix.
  std::string sibling(llvm::StringRef suffix) const;

  CompileOptions options;
  std::vector<SiteRemark> siteRemarks;
  std::vector<std::string> temporaries, allNotes;
  std::string temporaryPrefix, currentStep;
  unsigned stepIndex = 0, stepCount = 0;
};

} // namespace fovea

#endif // FOVEA_PACKAGE_COMPILER_H
