//===- Target.cpp - The machine to compile for --------------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fovea/Package/Package.h"

#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/TargetParser/Host.h"

#include <mutex>

using namespace fovea;
using namespace llvm;

static void initializeTargets() {
  static std::once_flag once;
  std::call_once(once, [] {
    InitializeAllTargetInfos();
    InitializeAllTargets();
    InitializeAllTargetMCs();
    InitializeAllAsmPrinters();
    InitializeAllAsmParsers();
  });
}

static bool isNative(StringRef cpu) {
  return cpu.empty() || cpu == "native" || cpu == "host";
}

/// "+a,-b,...": a virtual machine may hide features of its CPU's model.
static std::string hostFeatures() {
  std::vector<std::string> features;
  for (const auto &feature : sys::getHostCPUFeatures())
    features.push_back((feature.second ? "+" : "-") + feature.first().str());
  llvm::sort(features);
  return llvm::join(features, ",");
}

Expected<std::unique_ptr<TargetMachine>>
fovea::createTargetMachine(const TargetDescription &description) {
  initializeTargets();
  Triple host(sys::getDefaultTargetTriple());
  Triple triple(description.triple.empty()
                    ? host
                    : Triple(Triple::normalize(description.triple)));
  std::string message;
  const Target *target = TargetRegistry::lookupTarget(triple, message);
  bool supported =
      (triple.isX86() && triple.isArch64Bit()) || triple.isAArch64();
  if (!target || !supported || !triple.isOSBinFormatELF())
    return createStringError("unknown target '" + description.triple +
                             "': expected x86_64 or aarch64 with ELF, such as "
                             "x86_64-unknown-linux-gnu");
  bool native = isNative(description.cpu);
  if (native && triple.getArch() != host.getArch())
    return createStringError("--target-cpu=native is not a CPU of '" +
                             triple.str() + "': name one");
  std::string cpu = native ? sys::getHostCPUName().str() : description.cpu;
  std::unique_ptr<MCSubtargetInfo> info(
      target->createMCSubtargetInfo(triple, "", ""));
  if (!info->isCPUStringValid(cpu)) {
    if (!native)
      return createStringError("unknown target CPU '" + cpu + "' of '" +
                               triple.str() +
                               "': expected 'native' or a name that 'llc "
                               "-mcpu=help' lists");
    cpu = triple.isX86() ? "x86-64" : "generic";
  }
  return std::unique_ptr<TargetMachine>(target->createTargetMachine(
      triple, cpu, native ? hostFeatures() : "", llvm::TargetOptions(),
      Reloc::PIC_, std::nullopt, CodeGenOptLevel::Aggressive));
}

std::vector<std::string> fovea::targetFeatures(const TargetMachine &machine) {
  std::vector<std::string> names;
  for (const SubtargetFeatureKV &feature :
       machine.getMCSubtargetInfo()->getEnabledProcessorFeatures())
    names.push_back(feature.Key);
  llvm::sort(names);
  return names;
}
