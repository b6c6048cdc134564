//===- Compiler.cpp - A model to a library ------------------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fovea/Package/Compiler.h"

#include "fovea/Import/ONNX/Import.h"
#include "fovea/Package/Diagnostics.h"
#include "fovea/Pipelines/Pipelines.h"
#include "fovea/Pipelines/Registration.h"

#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Signals.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace fovea;

static constexpr llvm::StringLiteral afterStages[] = {"llvm-ir", "asm", "obj",
                                                      "lib"};
static constexpr Stage allStages[] = {
    Stage::Import, Stage::Recognize, Stage::Mask,
    Stage::Group,  Stage::Schedule,  Stage::Tile,
    Stage::Vector, Stage::MemRef,    Stage::LLVM};

/// What the steps of a compilation hand on.
struct Compiler::State {
  State() : registry(makeRegistry()), context(registry), diagnostics(context) {}

  static DialectRegistry makeRegistry() {
    DialectRegistry registry;
    registerAllDialects(registry);
    return registry;
  }

  DialectRegistry registry;
  MLIRContext context;
  FirstError diagnostics;
  OwningOpRef<ModuleOp> module;
  std::unique_ptr<llvm::TargetMachine> machine;
  Signature signature;
  std::vector<KernelInfo> kernels;
  ArenaInfo arena;
  WeightsWriter weights;
};

std::vector<std::string> fovea::emitKinds() {
  std::vector<std::string> kinds;
  for (Stage stage : allStages)
    kinds.push_back(stageName(stage).str());
  for (llvm::StringRef name : afterStages)
    kinds.push_back(name.str());
  return kinds;
}

Compiler::Compiler(CompileOptions options) : options(std::move(options)) {}

Compiler::~Compiler() {
  for (const std::string &path : temporaries) {
    (void)llvm::sys::fs::remove(path);
    llvm::sys::DontRemoveFileOnSignal(path);
  }
}

void Compiler::begin(llvm::StringRef step) {
  currentStep = step.str();
  if (options.progress)
    options.progress(step, ++stepIndex, stepCount);
}

void Compiler::note(const llvm::Twine &text) { allNotes.push_back(text.str()); }

std::string Compiler::temporary(llvm::StringRef suffix) {
  std::string path = temporaryPrefix + suffix.str();
  temporaries.push_back(path);
  llvm::sys::RemoveFileOnSignal(path);
  return path;
}

std::string Compiler::sibling(llvm::StringRef suffix) const {
  llvm::StringRef stem = options.output;
  stem.consume_back(".so");
  return (stem + suffix).str();
}

static llvm::Error cannotWrite(llvm::StringRef path, std::error_code code) {
  return llvm::createStringError(code, "cannot write '" + path +
                                           "': " + code.message());
}

/// What a user got wrong shows before the work begins, not after it.
llvm::Error Compiler::checkOptions() {
  std::vector<std::string> kinds = emitKinds();
  if (!llvm::is_contained(kinds, options.emit))
    return llvm::createStringError("unknown stage '" + options.emit +
                                   "' for --emit: expected one of " +
                                   llvm::join(kinds, ", "));
  stepCount = llvm::find(kinds, options.emit) - kinds.begin() + 1;
  if (options.emit == "lib" || options.emit == "obj")
    --stepCount; // Machine code is written once: as "asm" or as "obj".
  if (options.output == "-") {
    if (options.emit == "lib" || options.emit == "obj" || options.saveTemps)
      return llvm::createStringError(
          "a file name is needed for the output: give -o");
    return llvm::Error::success();
  }
  if (llvm::sys::fs::is_directory(options.output))
    return llvm::createStringError("cannot write '" + options.output +
                                   "': it is a folder");
  // Beside the output, so that a rename puts it in place.
  llvm::SmallString<128> path;
  int descriptor;
  if (std::error_code code = llvm::sys::fs::createUniqueFile(
          options.output + ".%%%%%%%%", descriptor, path))
    return cannotWrite(options.output, code);
  llvm::raw_fd_ostream(descriptor, /*shouldClose=*/true).flush();
  temporaryPrefix = path.str().str();
  temporary("");
  return llvm::Error::success();
}

llvm::Error Compiler::writeFile(
    llvm::StringRef path,
    llvm::function_ref<llvm::Error(llvm::raw_pwrite_stream &)> write) {
  if (path == "-") {
    llvm::SmallVector<char, 0> buffer;
    llvm::raw_svector_ostream os(buffer);
    if (llvm::Error error = write(os))
      return error;
    llvm::outs() << os.str();
    return llvm::Error::success();
  }
  std::string unfinished = temporary(".part");
  std::error_code code;
  {
    llvm::raw_fd_ostream os(unfinished, code);
    if (code)
      return cannotWrite(path, code);
    if (llvm::Error error = write(os))
      return error;
    os.close();
    if (os.has_error()) {
      code = os.error();
      os.clear_error();
      return cannotWrite(path, code);
    }
  }
  code = llvm::sys::fs::rename(unfinished, path);
  if (code)
    return cannotWrite(path, code);
  return llvm::Error::success();
}

llvm::Error Compiler::saveTemp(
    llvm::StringRef suffix,
    llvm::function_ref<llvm::Error(llvm::raw_pwrite_stream &)> write) {
  if (!options.saveTemps)
    return llvm::Error::success();
  return writeFile(sibling(suffix), write);
}

llvm::Error Compiler::writeModule(State &state, llvm::StringRef path,
                                  bool elide) {
  OpPrintingFlags flags;
  if (elide)
    flags.elideLargeElementsAttrs().elideLargeResourceString();
  // Locations name the nodes of the model, and remarks need them.
  flags.enableDebugInfo();
  return writeFile(path, [&](llvm::raw_pwrite_stream &os) {
    state.module->print(os, flags);
    os << '\n';
    return llvm::Error::success();
  });
}

llvm::Error Compiler::load(State &state) {
  llvm::StringRef input = options.input;
  if (input.ends_with(".mlir") || input.ends_with(".mlirbc")) {
    state.module = parseSourceFile<ModuleOp>(input, &state.context);
  } else {
    ImportOptions importOptions;
    importOptions.dims = options.dims;
    state.module = importModel(input, importOptions, state.context);
  }
  if (!state.module)
    return state.diagnostics.take("cannot read '" + options.input + "'");
  auto signature = readSignature(*state.module);
  if (!signature)
    return signature.takeError();
  state.signature = std::move(*signature);
  return llvm::Error::success();
}

llvm::Error Compiler::runStages(State &state, TimingScope &timing) {
  PipelineOptions pipelineOptions;
  pipelineOptions.targetCPU = options.target.cpu;
  pipelineOptions.targetTriple = options.target.triple;
  pipelineOptions.fastMath = options.fastMath;
  pipelineOptions.bf16Contractions = options.precision == "bf16";
  for (Stage stage : allStages) {
    if (stage != Stage::Import)
      begin(stageName(stage));
    // Between the stages, since they need what only this object has.
    if (stage == Stage::LLVM) {
      state.arena = readArena(*state.module);
      instrumentKernels(*state.module, state.kernels);
      if (llvm::Error error =
              externalizeConstants(*state.module, state.weights))
        return error;
    }
    TimingScope scope = timing.nest(stageName(stage));
    PassManager manager(&state.context);
    manager.enableTiming(scope);
    buildStage(manager, stage, pipelineOptions);
    if (failed(manager.run(*state.module)))
      return state.diagnostics.take("stage '" + stageName(stage) + "' failed");
    if (stage == Stage::Schedule)
      state.kernels = collectKernels(*state.module);
    if (options.saveTemps)
      if (llvm::Error error = writeModule(
              state, sibling("." + stageName(stage).str() + ".mlir"),
              /*elide=*/true))
        return error;
    if (stageName(stage) == options.emit)
      return writeModule(state, options.output, /*elide=*/false);
  }
  return llvm::Error::success();
}

llvm::Error Compiler::writeLibrary(State &state, llvm::Module &module,
                                   const ModelDescription &description) {
  LinkInputs inputs;
  auto objectPath = [&](unsigned part) {
    return temporary("." + std::to_string(part) + ".o");
  };
  KernelCache cache(options.cacheFolder);
  // A module that stays whole has an optimized form to show.
  auto compiled = options.saveTemps
                      ? compileWhole(module, *state.machine, objectPath)
                      : compileParts(splitKernels(module, state.kernels),
                                     options.target, cache, objectPath);
  if (!compiled)
    return compiled.takeError();
  cache.prune(options.cacheBytes, std::chrono::minutes(20));
  note(llvm::Twine(compiled->objects.size()) + " objects, " +
       llvm::Twine(compiled->cached) + " of them from the cache");
  inputs.objects = std::move(compiled->objects);
  inputs.aliases = std::move(compiled->aliases);
  begin("lib");
  inputs.output = temporary(".link");
  temporary(".link.map");
  temporary(".link.log");
  inputs.soname = llvm::sys::path::filename(options.output).str();
  inputs.modelIdentifier = cIdentifier(description.signature.model);
  if (state.weights.size()) {
    std::string weights = temporary(".weights.o");
    if (llvm::Error error =
            state.weights.writeObject(weights, state.machine->getTargetTriple(),
                                      /*withContents=*/false))
      return error;
    inputs.objects.push_back(weights);
  }
  auto text = [](const std::string &text) {
    return [&text](llvm::raw_pwrite_stream &os) {
      os << text;
      return llvm::Error::success();
    };
  };
  if (llvm::Error error = linkLibrary(inputs))
    return error;
  if (state.weights.size())
    if (llvm::Error error = state.weights.fillLibrary(inputs.output))
      return error;
  // The library last: where it is, the others are.
  std::string header = writeHeader(description);
  if (llvm::Error error = writeFile(sibling(".h"), text(header)))
    return error;
  if (llvm::Error error =
          writeFile(sibling(".json"), text(description.manifest)))
    return error;
  if (std::error_code code =
          llvm::sys::fs::rename(inputs.output, options.output))
    return cannotWrite(options.output, code);
  return llvm::Error::success();
}

llvm::Error Compiler::package(State &state, TimingScope &timing) {
  begin("llvm-ir");
  TimingScope scope = timing.nest("package");
  llvm::LLVMContext context;
  auto module =
      translateToLLVMIR(*state.module, context, *state.machine, state.kernels);
  if (!module)
    return state.diagnostics.take(llvm::toString(module.takeError()));
  state.module = {}; // Weights stay: the context owns them.

  ModelDescription description;
  description.signature = state.signature;
  description.kernels = state.kernels;
  description.cpu = state.machine->getTargetCPU().str();
  description.triple = state.machine->getTargetTriple().str();
  description.features = targetFeatures(*state.machine);
  description.precision = options.precision;
  description.weightBytes = state.weights.size();
  description.arena = state.arena;
  description.buildId = computeBuildId(**module, state.weights);
  description.manifest = writeManifest(description);
  if (llvm::Error error = addDescriptor(**module, description))
    return error;
  auto printModule = [&](llvm::raw_pwrite_stream &os) {
    (*module)->print(os, nullptr);
    return llvm::Error::success();
  };
  if (llvm::Error error = saveTemp(".ll", printModule))
    return error;
  if (options.emit == "lib") {
    begin("asm");
    TimingScope compiling = scope.nest("optimize and generate code");
    if (llvm::Error error = writeLibrary(state, **module, description))
      return error;
    return saveTemp(".opt.ll", printModule);
  }
  optimize(**module, *state.machine);
  if (llvm::Error error = saveTemp(".opt.ll", printModule))
    return error;
  if (options.emit == "llvm-ir")
    return writeFile(options.output, printModule);
  begin(options.emit);
  // The other half of an object: the constants, to be linked with it.
  if (options.emit == "obj" && state.weights.size()) {
    std::string weights = temporary(".weights.o");
    std::string path = options.output + ".weights.o";
    if (llvm::Error error =
            state.weights.writeObject(weights, state.machine->getTargetTriple(),
                                      /*withContents=*/true))
      return error;
    if (std::error_code code = llvm::sys::fs::rename(weights, path))
      return cannotWrite(path, code);
  }
  return writeFile(options.output, [&](llvm::raw_pwrite_stream &os) {
    return emitMachineCode(**module, *state.machine,
                           options.emit == "asm"
                               ? llvm::CodeGenFileType::AssemblyFile
                               : llvm::CodeGenFileType::ObjectFile,
                           os);
  });
}

llvm::Error Compiler::run(TimingScope &timing) {
  if (llvm::Error error = checkOptions())
    return error;
  auto machine = createTargetMachine(options.target);
  if (!machine)
    return machine.takeError();
  if (options.emit == "lib")
    if (llvm::Error error = checkLinkable((*machine)->getTargetTriple()))
      return error;
  State state;
  state.machine = std::move(*machine);
  if (failed(collectSiteRemarks(state.context, siteRemarks)))
    return llvm::createStringError("cannot collect remarks");
  begin("import");
  {
    TimingScope scope = timing.nest("load");
    if (llvm::Error error = load(state))
      return error;
  }
  if (llvm::Error error = runStages(state, timing))
    return error;
  if (!llvm::is_contained(afterStages, options.emit))
    return llvm::Error::success();
  return package(state, timing);
}
