//===- CompileParts.cpp - Optimize and generate code on all cores ---------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fovea/Package/Package.h"

#include "llvm/ADT/StringSet.h"
#include "llvm/Bitcode/BitcodeReader.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/CrashRecoveryContext.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/ThreadPool.h"
#include "llvm/Support/Threading.h"
#include "llvm/Support/raw_ostream.h"

using namespace fovea;
using namespace llvm;

static Error cannotWrite(StringRef path, std::error_code code) {
  return createStringError(code,
                           "cannot write '" + path + "': " + code.message());
}

static Error writeObject(StringRef object, StringRef path) {
  std::error_code code;
  raw_fd_ostream os(path, code);
  if (code)
    return cannotWrite(path, code);
  os << object;
  os.close();
  code = os.error();
  os.clear_error();
  return code ? cannotWrite(path, code) : Error::success();
}

static Error compileModule(Module &module, TargetMachine &machine,
                           SmallVectorImpl<char> &object) {
  raw_svector_ostream os(object);
  optimize(module, machine);
  return emitMachineCode(module, machine, CodeGenFileType::ObjectFile, os);
}

namespace {
/// One object on its way.
struct Job {
  const ModulePart *part;
  std::string key, path, error;
  bool cached = false;

  /// The name that the kernel has outside: one for each content.
  std::string symbol() const { return part->defined + "." + key; }
};
} // namespace

/// Compiles a part in a context of its own, which no two threads may share.
static Error compileBitcode(const Job &job, TargetMachine &machine,
                            SmallVectorImpl<char> &object) {
  LLVMContext context;
  auto module = parseBitcodeFile(
      MemoryBufferRef(job.part->bitcode.str(), job.path), context);
  if (!module)
    return module.takeError();
  if (!job.part->symbol.empty())
    (*module)->getFunction(job.part->defined)->setName(job.symbol());
  return compileModule(**module, machine, object);
}

static Error runJob(Job &job, const TargetDescription &target,
                    const KernelCache &cache) {
  if (auto object = cache.lookup(job.key)) {
    job.cached = true;
    return writeObject(object->getBuffer(), job.path);
  }
  auto machine = createTargetMachine(target);
  if (!machine)
    return machine.takeError();
  SmallVector<char, 0> object;
  if (Error error = compileBitcode(job, **machine, object))
    return error;
  StringRef bytes(object.data(), object.size());
  cache.store(job.key, bytes);
  return writeObject(bytes, job.path);
}

/// The jobs of parts that differ; `aliases` says where each kernel is.
static std::vector<Job>
makeJobs(ArrayRef<ModulePart> parts, const TargetMachine &machine,
         std::vector<std::pair<std::string, std::string>> &aliases) {
  std::vector<Job> jobs;
  StringSet<> known;
  for (const ModulePart &part : parts) {
    Job job = {&part, KernelCache::key(part.bitcode, machine), "", ""};
    if (!part.symbol.empty())
      aliases.emplace_back(part.symbol, job.symbol());
    if (known.insert(job.key).second)
      jobs.push_back(std::move(job));
  }
  // What takes longest begins first, so that no thread is left alone with it.
  sort(jobs, [](const Job &a, const Job &b) {
    return std::tie(b.part->instructions, a.key) <
           std::tie(a.part->instructions, b.key);
  });
  return jobs;
}

Expected<CompiledParts>
fovea::compileParts(ArrayRef<ModulePart> parts, const TargetDescription &target,
                    const KernelCache &cache,
                    function_ref<std::string(unsigned part)> objectPath) {
  auto machine = createTargetMachine(target);
  if (!machine)
    return machine.takeError();
  CompiledParts result;
  std::vector<Job> jobs = makeJobs(parts, **machine, result.aliases);
  DefaultThreadPool pool(hardware_concurrency());
  for (Job &job : jobs) {
    job.path = objectPath(&job - jobs.data());
    pool.async([&target, &cache, &job] {
      CrashRecoveryContext recovery;
      bool finished = recovery.RunSafely(
          [&] { job.error = toString(runJob(job, target, cache)); });
      if (!finished)
        job.error = "internal error in code generation; please report it with "
                    "the model";
    });
  }
  pool.wait();
  for (const Job &job : jobs) {
    if (!job.error.empty())
      return createStringError(job.error);
    result.objects.push_back(job.path);
    result.cached += job.cached;
  }
  return result;
}

Expected<CompiledParts>
fovea::compileWhole(Module &module, TargetMachine &machine,
                    function_ref<std::string(unsigned part)> objectPath) {
  SmallVector<char, 0> object;
  if (Error error = compileModule(module, machine, object))
    return std::move(error);
  CompiledParts result;
  result.objects.push_back(objectPath(0));
  if (Error error = writeObject(StringRef(object.data(), object.size()),
                                result.objects.front()))
    return std::move(error);
  return result;
}
