//===- CompileParts.cpp - Optimize and generate code on all cores ---------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fovea/Package/Package.h"

#include "llvm/Bitcode/BitcodeReader.h"
#include "llvm/Bitcode/BitcodeWriter.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/CrashRecoveryContext.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/ThreadPool.h"
#include "llvm/Support/Threading.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Transforms/Utils/SplitModule.h"

using namespace fovea;
using namespace llvm;

/// More parts than threads, since some take far longer than others.
static unsigned choosePartCount(const Module &module) {
  constexpr unsigned instructionsPerPart = 2000, partsPerThread = 8;
  unsigned threads = hardware_concurrency().compute_thread_count();
  unsigned wanted = module.getInstructionCount() / instructionsPerPart;
  return std::clamp(wanted, 1u, threads * partsPerThread);
}

static Error compilePart(Module &module, TargetMachine &machine,
                         StringRef path) {
  std::error_code code;
  raw_fd_ostream os(path, code);
  if (code)
    return createStringError(code,
                             "cannot write '" + path + "': " + code.message());
  optimize(module, machine);
  return emitMachineCode(module, machine, CodeGenFileType::ObjectFile, os);
}

/// Compiles a part that came over from another context, which no two threads
/// may share.
static Error compileBitcode(StringRef bitcode, const TargetDescription &target,
                            StringRef path) {
  auto machine = createTargetMachine(target);
  if (!machine)
    return machine.takeError();
  LLVMContext context;
  auto module = parseBitcodeFile(MemoryBufferRef(bitcode, path), context);
  if (!module)
    return module.takeError();
  return compilePart(**module, **machine, path);
}

Error fovea::compileParts(Module &module, TargetMachine &machine,
                          const TargetDescription &target, unsigned maxParts,
                          function_ref<std::string(unsigned part)> objectPath) {
  unsigned count = std::min(choosePartCount(module), maxParts);
  if (count <= 1)
    return compilePart(module, machine, objectPath(0));
  // The parts see each other's functions: their names must not meet those of
  // the runtime.
  for (GlobalValue &value : module.global_values())
    if (value.hasLocalLinkage() && value.hasName())
      value.setName("model." + value.getName());
  std::vector<SmallString<0>> parts;
  SplitModule(module, count, [&](std::unique_ptr<Module> part) {
    parts.emplace_back();
    raw_svector_ostream os(parts.back());
    WriteBitcodeToFile(*part, os);
  });
  std::vector<std::string> errors(parts.size());
  DefaultThreadPool pool(hardware_concurrency());
  for (auto [i, part] : enumerate(parts)) {
    std::string path = objectPath(i);
    pool.async([&target, &text = errors[i], bitcode = part.str(), path] {
      CrashRecoveryContext recovery;
      bool finished = recovery.RunSafely(
          [&] { text = toString(compileBitcode(bitcode, target, path)); });
      if (!finished)
        text = "internal error in code generation; please report it with the "
               "model";
    });
  }
  pool.wait();
  for (const std::string &text : errors)
    if (!text.empty())
      return createStringError(text);
  return Error::success();
}
