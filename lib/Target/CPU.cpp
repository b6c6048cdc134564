//===- CPU.cpp - What a schedule needs to know of a CPU -------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fovea/Target/CPU.h"

#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Support/Threading.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/Triple.h"

#include <memory>
#include <mutex>

using namespace fovea;

namespace {
/// Vector units by the LLVM feature that announces them, widest first. What a
/// CPU calls a feature, not what it is called, decides.
struct VectorUnit {
  llvm::Triple::ArchType arch;
  const char *feature;
  int64_t bits, registers;
};

/// Caches of one core by name. Everything else has the defaults of CPUTarget,
/// which are on the safe side for any current core.
struct CacheSizes {
  const char *name;
  int64_t l1Bytes, l2Bytes;
};
} // namespace

static constexpr VectorUnit vectorUnits[] = {
    {llvm::Triple::x86_64, "+avx512f", 512, 32},
    {llvm::Triple::x86_64, "+avx2", 256, 16},
    {llvm::Triple::x86_64, "+avx", 256, 16},
    {llvm::Triple::x86_64, "+sse2", 128, 16},
    {llvm::Triple::aarch64, "+neon", 128, 32},
};

static constexpr CacheSizes caches[] = {
    {"skylake-avx512", 32 << 10, 1 << 20},
    {"cascadelake", 32 << 10, 1 << 20},
    {"icelake-server", 48 << 10, 1280 << 10},
    {"sapphirerapids", 48 << 10, 2 << 20},
    {"graniterapids", 48 << 10, 2 << 20},
    {"znver3", 32 << 10, 512 << 10},
    {"znver4", 32 << 10, 1 << 20},
    {"znver5", 48 << 10, 1 << 20},
    {"neoverse-n1", 64 << 10, 1 << 20},
    {"neoverse-v1", 64 << 10, 1 << 20},
    {"neoverse-v2", 64 << 10, 2 << 20},
    {"apple-m1", 128 << 10, 3 << 20},
};

std::optional<CPUTarget> fovea::describeCPU(llvm::StringRef name,
                                            llvm::StringRef triple,
                                            int64_t cores) {
  static std::once_flag initialized;
  std::call_once(initialized, [] {
    llvm::InitializeAllTargetInfos();
    llvm::InitializeAllTargetMCs();
  });
  CPUTarget cpu;
  bool isHost = name.empty() || name == "native";
  cpu.name = isHost ? llvm::sys::getHostCPUName().str() : name.str();
  cpu.cores =
      cores != 0 ? cores : llvm::hardware_concurrency().compute_thread_count();
  llvm::Triple parsed(triple.empty() ? llvm::sys::getDefaultTargetTriple()
                                     : triple.str());
  std::string error;
  const llvm::Target *target =
      llvm::TargetRegistry::lookupTarget(parsed, error);
  if (!target)
    return std::nullopt;
  std::string features;
  if (isHost)
    // A virtual machine may lack what its CPU's name promises.
    for (const auto &feature : llvm::sys::getHostCPUFeatures())
      features += (features.empty() ? "" : ",") +
                  std::string(feature.second ? "+" : "-") +
                  feature.first().str();
  std::unique_ptr<llvm::MCSubtargetInfo> subtarget(
      target->createMCSubtargetInfo(parsed, cpu.name, features));
  if (!subtarget || !subtarget->isCPUStringValid(cpu.name))
    return std::nullopt;
  for (const VectorUnit &unit : vectorUnits)
    if (unit.arch == parsed.getArch() &&
        subtarget->checkFeatures(unit.feature)) {
      cpu.vectorBits = unit.bits;
      cpu.vectorRegisters = unit.registers;
      break;
    }
  cpu.hasDotOfBF16 = parsed.getArch() == llvm::Triple::x86_64 &&
                     subtarget->checkFeatures("+avx512bf16");
  for (const CacheSizes &sizes : caches)
    if (cpu.name == sizes.name) {
      cpu.l1Bytes = sizes.l1Bytes;
      cpu.l2Bytes = sizes.l2Bytes;
    }
  return cpu;
}
