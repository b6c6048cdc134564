//===- SplitKernels.cpp - A module for each kernel ------------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fovea/Package/Package.h"

#include "llvm/Bitcode/BitcodeWriter.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Transforms/Utils/Cloning.h"
#include "llvm/Transforms/Utils/ValueMapper.h"

using namespace fovea;
using namespace llvm;

namespace {
/// Builds a module of some functions and what they need: local functions and
/// constants are copied, all others only declared.
class PartBuilder final : public ValueMaterializer {
public:
  explicit PartBuilder(Module &source)
      : part(std::make_unique<Module>(source.getName(), source.getContext())) {
    part->setTargetTriple(source.getTargetTriple());
    part->setDataLayout(source.getDataLayout());
    if (NamedMDNode *flags = source.getModuleFlagsMetadata())
      for (MDNode *flag : flags->operands())
        part->getOrInsertModuleFlagsMetadata()->addOperand(flag);
  }

  /// Adds `root` with its body, and whatever that needs.
  void define(GlobalObject &root) {
    roots.insert(&root);
    MapValue(&root, values, RF_None, nullptr, this);
    while (!pending.empty())
      fill(*pending.pop_back_val());
  }

  Value *materialize(Value *value) override {
    auto *source = dyn_cast<GlobalObject>(value);
    if (!source || source->getParent() == part.get())
      return nullptr;
    bool defined = !source->isDeclaration() &&
                   (roots.contains(source) || source->hasLocalLinkage());
    if (defined)
      pending.push_back(source);
    return declare(*source, defined ? source->getLinkage()
                                    : GlobalValue::ExternalLinkage);
  }

  std::unique_ptr<Module> take() { return std::move(part); }

private:
  GlobalObject *declare(const GlobalObject &source,
                        GlobalValue::LinkageTypes linkage) {
    if (auto *function = dyn_cast<Function>(&source)) {
      auto *copy = Function::Create(function->getFunctionType(), linkage,
                                    function->getAddressSpace(),
                                    function->getName(), part.get());
      copy->copyAttributesFrom(function);
      if (function->isDeclaration())
        copy->copyMetadata(function, 0);
      return copy;
    }
    auto &variable = cast<GlobalVariable>(source);
    auto *copy = new GlobalVariable(
        *part, variable.getValueType(), variable.isConstant(), linkage,
        /*Initializer=*/nullptr, variable.getName(), /*InsertBefore=*/nullptr,
        variable.getThreadLocalMode(), variable.getAddressSpace());
    copy->copyAttributesFrom(&variable);
    return copy;
  }

  void fill(const GlobalObject &source) {
    if (auto *variable = dyn_cast<GlobalVariable>(&source)) {
      cast<GlobalVariable>(values[variable])
          ->setInitializer(MapValue(variable->getInitializer(), values, RF_None,
                                    nullptr, this));
      return;
    }
    auto &function = cast<Function>(source);
    auto *copy = cast<Function>(values[&function]);
    for (auto [from, to] : zip_equal(function.args(), copy->args())) {
      to.setName(from.getName());
      values[&from] = &to;
    }
    SmallVector<ReturnInst *> returns;
    CloneFunctionInto(copy, &function, values,
                      CloneFunctionChangeType::ClonedModule, returns, "",
                      nullptr, nullptr, this);
  }

  std::unique_ptr<Module> part;
  ValueToValueMapTy values;
  SmallPtrSet<const GlobalObject *, 4> roots;
  SmallVector<const GlobalObject *> pending;
};
} // namespace

/// Lets what several parts refer to be seen by all of them. Its name must not
/// meet one of the runtime.
static void share(GlobalObject &object) {
  if (object.hasLocalLinkage()) {
    object.setLinkage(GlobalValue::ExternalLinkage);
    object.setVisibility(GlobalValue::HiddenVisibility);
  }
}

/// Names a kernel and its local functions by what they are, without the number
/// that the kernel has in this model: the same code may be in another one.
/// Returns the name.
static std::string nameNeutrally(Module &part, StringRef symbol) {
  std::string neutral = ("kernel" + symbol.substr(symbol.find('_'))).str();
  for (Function &function : part) {
    StringRef rest = function.getName();
    if (!function.isDeclaration() && rest.consume_front(symbol))
      function.setName(neutral + rest);
  }
  return neutral;
}

static ModulePart pack(std::unique_ptr<Module> module, StringRef symbol) {
  ModulePart part;
  part.symbol = symbol.str();
  if (!symbol.empty())
    part.defined = nameNeutrally(*module, symbol);
  part.instructions = module->getInstructionCount();
  raw_svector_ostream os(part.bitcode);
  WriteBitcodeToFile(*module, os);
  return part;
}

std::vector<ModulePart> fovea::splitKernels(Module &module,
                                            ArrayRef<KernelInfo> kernels) {
  // Variables have one address in all parts, copies of constants do no harm.
  for (GlobalVariable &variable : module.globals())
    if (!variable.isConstant() && variable.hasLocalLinkage()) {
      variable.setName("model." + variable.getName());
      share(variable);
    }
  SmallPtrSet<const Function *, 16> roots;
  SmallVector<std::pair<Function *, StringRef>> bodies;
  for (const KernelInfo &kernel : kernels) {
    Function *function = module.getFunction(kernel.symbol);
    if (!function || function->isDeclaration())
      continue;
    share(*function);
    roots.insert(function);
    bodies.emplace_back(function, kernel.symbol);
  }
  std::vector<ModulePart> parts;
  for (auto [function, symbol] : bodies) {
    PartBuilder builder(module);
    builder.define(*function);
    parts.push_back(pack(builder.take(), symbol));
  }
  PartBuilder rest(module);
  for (GlobalObject &object : module.global_objects())
    if (!object.isDeclaration() && !object.hasLocalLinkage() &&
        !roots.contains(dyn_cast<Function>(&object)))
      rest.define(object);
  parts.push_back(pack(rest.take(), ""));
  return parts;
}
