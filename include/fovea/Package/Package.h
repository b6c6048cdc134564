//===- Package.h - From the LLVM dialect to a library -----------*- C++ -*-===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The steps of packaging, each on its own; fovea/Package/Compiler.h strings
// them together. A step fails with an llvm::Error whose message is one line for
// the user.
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_PACKAGE_PACKAGE_H
#define FOVEA_PACKAGE_PACKAGE_H

#include "fovea/Package/KernelCache.h"

#include "mlir/IR/BuiltinOps.h"

#include "llvm/Support/Error.h"
#include "llvm/Target/TargetMachine.h"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace fovea {

/// An input or output of a model: a tensor, a sequence of such tensors, or one
/// of the two that may be absent.
struct TensorSignature {
  std::string name;
  std::string dtype;         ///< ONNX's name: "float32", "uint8", "bool", ...
  std::vector<int64_t> dims; ///< -1 where any size may come
  std::vector<std::string> symbols; ///< per dimension, "" if it has no name
  bool isSequence = false;
  bool isOptional = false;
  bool hasRank = true; ///< not if elements of a sequence may have any rank

  /// Arguments or results of the entry function that it consists of.
  size_t partCount() const { return 1 + isSequence + isOptional; }
};

struct Signature {
  std::string model;
  std::vector<TensorSignature> inputs, outputs;
};

/// Reads the signature of an imported module from its entry function, whose
/// tensors carry it in `fovea.name`, `fovea.dtype` and `fovea.dims`, and marks
/// the function so that lowering gives it a C interface.
llvm::Expected<Signature> readSignature(mlir::ModuleOp module);

/// A kernel as users see it in the manifest and in a profile.
struct KernelInfo {
  std::string symbol;
  std::string schedule;           ///< empty if it has none
  std::vector<std::string> where; ///< nodes of the model, of its first use
  std::optional<int64_t> flop;    ///< of one execution; unknown if dynamic
  int64_t calls = 0;              ///< places that call it
};

/// The kernels of a module whose groups have been outlined, by their order.
std::vector<KernelInfo> collectKernels(mlir::ModuleOp module);

/// The working memory of one run, apart from what has no static size.
struct ArenaInfo {
  int64_t bytes = 0;
  int64_t alive = 0; ///< at one time; the arena cannot be smaller
};

/// What the planner recorded at the entry of a module of memrefs.
ArenaInfo readArena(mlir::ModuleOp module);

/// Surrounds each call of a kernel by calls that record when it ran, in a
/// module of functions on memrefs.
void instrumentKernels(mlir::ModuleOp module,
                       llvm::ArrayRef<KernelInfo> kernels);

/// Collects constants and writes them as an object file of one read-only
/// section, page aligned, with a hidden symbol for each. They never pass
/// through LLVM IR, and at run time they are mapped, not copied.
class WeightsWriter {
public:
  static constexpr size_t alignment = 64;

  /// Adds `bytes`, which must stay valid, under the name `symbol`. Equal
  /// contents are stored once.
  void add(llvm::StringRef symbol, llvm::ArrayRef<char> bytes);
  /// Same, and keeps the bytes.
  void addOwned(llvm::StringRef symbol, std::vector<char> bytes);

  /// Size of the section.
  size_t size() const { return end; }
  /// A digest of names and contents.
  std::string digest() const;
  /// Without contents, the section only takes its place in what is linked.
  llvm::Error writeObject(llvm::StringRef path, const llvm::Triple &triple,
                          bool withContents) const;
  /// Gives the section its contents in a library that was linked without them:
  /// a linker would copy them through memory once more.
  llvm::Error fillLibrary(llvm::StringRef path) const;

private:
  /// Of the section without contents.
  static constexpr llvm::StringLiteral sectionName = "fovea_weights";

  /// Of the section, in memory and in the file.
  uint64_t sectionAlignment() const;
  void writeContents(llvm::raw_ostream &os) const;

  struct Blob {
    llvm::ArrayRef<char> bytes;
    size_t offset;
    uint64_t hash;
  };
  struct Symbol {
    std::string name;
    size_t blob;
  };
  std::vector<Blob> blobs;
  std::vector<Symbol> symbols;
  std::vector<std::vector<char>> owned;
  std::multimap<uint64_t, size_t> byHash;
  size_t end = 0;
};

/// Moves the contents of each constant memref.global of more than 64 bytes to
/// `writer` and leaves a declaration. The module must outlive the writer.
llvm::Error externalizeConstants(mlir::ModuleOp module, WeightsWriter &writer);

/// The machine to compile for.
struct TargetDescription {
  std::string cpu = "native"; ///< an LLVM name, or "native"/"host"
  std::string triple;         ///< empty for that of this machine
};

llvm::Expected<std::unique_ptr<llvm::TargetMachine>>
createTargetMachine(const TargetDescription &target);

/// The enabled features of a target machine by LLVM's names.
std::vector<std::string> targetFeatures(const llvm::TargetMachine &machine);

/// Translates a module in the LLVM dialect and sets the target on it. Kernels
/// stay functions of their own.
llvm::Expected<std::unique_ptr<llvm::Module>>
translateToLLVMIR(mlir::ModuleOp module, llvm::LLVMContext &context,
                  llvm::TargetMachine &machine,
                  llvm::ArrayRef<KernelInfo> kernels);

/// What the library says about itself.
struct ModelDescription {
  Signature signature;
  std::vector<KernelInfo> kernels;
  std::string buildId, cpu, triple, precision, manifest;
  std::vector<std::string> features;
  size_t weightBytes = 0;
  ArenaInfo arena;
};

/// A digest of code and weights.
std::string computeBuildId(const llvm::Module &module,
                           const WeightsWriter &weights);

/// The manifest as JSON text.
std::string writeManifest(const ModelDescription &description);

/// The text of the header that declares the library's interface.
std::string writeHeader(const ModelDescription &description);

/// Model name as a C identifier.
std::string cIdentifier(llvm::StringRef name);

/// Adds what the runtime expects to `module`: its description and a uniform
/// entry to @main. Everything else becomes internal.
llvm::Error addDescriptor(llvm::Module &module,
                          const ModelDescription &description);

void optimize(llvm::Module &module, llvm::TargetMachine &machine);

llvm::Error emitMachineCode(llvm::Module &module, llvm::TargetMachine &machine,
                            llvm::CodeGenFileType type,
                            llvm::raw_pwrite_stream &out);

/// A part of a module: a kernel with what only it needs, or all the rest.
struct ModulePart {
  std::string symbol;  ///< of the kernel; empty for the rest
  std::string defined; ///< its name in the part, of many kernels
  size_t instructions = 0;
  llvm::SmallString<0> bitcode;
};

/// Takes `module` apart, of which nothing but its description is visible
/// outside. Kernels that do the same have equal parts.
std::vector<ModulePart> splitKernels(llvm::Module &module,
                                     llvm::ArrayRef<KernelInfo> kernels);

/// Object files that hold a module together.
struct CompiledParts {
  std::vector<std::string> objects;
  /// Symbols that another one stands for.
  std::vector<std::pair<std::string, std::string>> aliases;
  size_t cached = 0; ///< of the objects
};

/// Optimizes and compiles parts on all cores, each kind of kernel once, or
/// takes the objects from `cache`. Asks `objectPath` for their names.
llvm::Expected<CompiledParts>
compileParts(llvm::ArrayRef<ModulePart> parts, const TargetDescription &target,
             const KernelCache &cache,
             llvm::function_ref<std::string(unsigned part)> objectPath);

/// Same, of a module that stays whole, which is optimized afterwards.
llvm::Expected<CompiledParts>
compileWhole(llvm::Module &module, llvm::TargetMachine &machine,
             llvm::function_ref<std::string(unsigned part)> objectPath);

/// Whether a library can be linked for `triple` on this machine.
llvm::Error checkLinkable(const llvm::Triple &triple);

/// Links objects and the runtime to the shared library `output`; temporary
/// files beside it build on its name.
struct LinkInputs {
  std::vector<std::string> objects;
  std::vector<std::pair<std::string, std::string>> aliases;
  std::string output;
  std::string soname;
  std::string modelIdentifier;
};
llvm::Error linkLibrary(const LinkInputs &inputs);

} // namespace fovea

#endif // FOVEA_PACKAGE_PACKAGE_H
