//===- CodeGen.cpp - LLVM dialect to machine code -----------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fovea/Package/Package.h"

#include "mlir/Target/LLVMIR/Export.h"

#include "llvm/IR/InstIterator.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/Passes/PassBuilder.h"

using namespace fovea;
using namespace llvm;

Expected<std::unique_ptr<Module>>
fovea::translateToLLVMIR(mlir::ModuleOp op, LLVMContext &context,
                         TargetMachine &machine, ArrayRef<KernelInfo> kernels) {
  std::unique_ptr<Module> module =
      mlir::translateModuleToLLVMIR(op, context, "fovea");
  if (!module)
    return createStringError("cannot translate the module to LLVM IR");
  module->setTargetTriple(machine.getTargetTriple());
  module->setDataLayout(machine.createDataLayout());
  module->setPICLevel(PICLevel::BigPIC);
  for (Function &function : *module) {
    if (function.isDeclaration())
      continue;
    function.addFnAttr("target-cpu", machine.getTargetCPU());
    if (!machine.getTargetFeatureString().empty())
      function.addFnAttr("target-features", machine.getTargetFeatureString());
    // The widest vectors that there are: LLVM's preference for narrow ones on
    // some CPUs is for code that is not mostly vectors.
    function.addFnAttr("prefer-vector-width", "512");
    function.addFnAttr("frame-pointer", "none");
    function.addFnAttr(Attribute::NoUnwind);
  }
  // @main calls most kernels once; with all of them inside, it would take
  // minutes to compile.
  for (const KernelInfo &kernel : kernels)
    if (Function *function = module->getFunction(kernel.symbol))
      function->addFnAttr(Attribute::NoInline);
  // Constants outside of the IR lie in the same library: no indirection. Their
  // section may be larger than what 32 bits reach.
  for (GlobalVariable &global : module->globals())
    if (global.isDeclaration()) {
      global.setVisibility(GlobalValue::HiddenVisibility);
      global.setDSOLocal(true);
      if (machine.getTargetTriple().isX86_64())
        global.setCodeModel(CodeModel::Large);
    }
  return module;
}

void fovea::optimize(Module &module, TargetMachine &machine) {
  LoopAnalysisManager loops;
  FunctionAnalysisManager functions;
  CGSCCAnalysisManager components;
  ModuleAnalysisManager modules;
  PassBuilder builder(&machine);
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(components);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, components, modules);
  builder.buildPerModuleDefaultPipeline(OptimizationLevel::O3)
      .run(module, modules);
}

/// Whether a value of this type is more than LLVM 22 can select on x86 with
/// conversions of bf16: a vector of 8n + 1 of them, whose last one it makes a
/// vector of its own.
static bool isOddVectorOfBF16(Type *type) {
  auto *vector = dyn_cast<FixedVectorType>(type);
  return vector && vector->getElementType()->isBFloatTy() &&
         vector->getNumElements() > 8 && vector->getNumElements() % 8 == 1;
}

/// Lets functions with such vectors do without these instructions; it is their
/// conversions from f32 only that then take more than one.
static void avoidConversionsOfBF16(Module &module) {
  auto needsIt = [](Instruction &instruction) {
    return isOddVectorOfBF16(instruction.getType()) ||
           any_of(instruction.operand_values(),
                  [](Value *v) { return isOddVectorOfBF16(v->getType()); });
  };
  if (!module.getTargetTriple().isX86())
    return;
  for (Function &function : module) {
    if (none_of(instructions(function), needsIt))
      continue;
    StringRef features =
        function.getFnAttribute("target-features").getValueAsString();
    function.addFnAttr(
        "target-features",
        (features + (features.empty() ? "" : ",") + "-avx512bf16,-avxneconvert")
            .str());
  }
}

Error fovea::emitMachineCode(Module &module, TargetMachine &machine,
                             CodeGenFileType type, raw_pwrite_stream &out) {
  avoidConversionsOfBF16(module);
  legacy::PassManager passes;
  if (machine.addPassesToEmitFile(passes, out, nullptr, type))
    return createStringError("the target cannot write this kind of file");
  passes.run(module);
  return Error::success();
}
