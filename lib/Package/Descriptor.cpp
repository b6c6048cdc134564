//===- Descriptor.cpp - What the runtime finds in the library -----------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fovea/Package/Package.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/Module.h"
#include "llvm/Transforms/IPO/Internalize.h"

using namespace fovea;
using namespace llvm;

namespace {
/// Builds constants in the layout of the structs of lib/Runtime/Internal.h and
/// fovea.h. All of them consist of pointers and integers only.
class DescriptorBuilder {
public:
  explicit DescriptorBuilder(Module &module)
      : module(module), context(module.getContext()),
        pointer(PointerType::getUnqual(context)),
        i32(Type::getInt32Ty(context)), i64(Type::getInt64Ty(context)) {}

  Constant *string(StringRef text) {
    Constant *&known = strings[text];
    if (!known)
      known = global(ConstantDataArray::getString(context, text));
    return known;
  }
  Constant *integer(int64_t value) {
    return ConstantInt::get(i32, value, /*isSigned=*/true);
  }
  Constant *array(ArrayRef<Constant *> elements) {
    if (elements.empty())
      return ConstantPointerNull::get(pointer);
    return global(ConstantArray::get(
        ArrayType::get(elements.front()->getType(), elements.size()),
        elements));
  }
  Constant *structure(ArrayRef<Constant *> members) {
    return ConstantStruct::getAnon(context, members);
  }
  Constant *tensors(ArrayRef<TensorSignature> tensors) {
    std::vector<Constant *> infos;
    for (const TensorSignature &tensor : tensors) {
      std::vector<Constant *> dims, symbols;
      for (int64_t dim : tensor.dims)
        dims.push_back(ConstantInt::get(i64, dim, /*isSigned=*/true));
      for (const std::string &symbol : tensor.symbols)
        symbols.push_back(string(symbol));
      int64_t rank = tensor.hasRank ? int64_t(tensor.dims.size()) : -1;
      infos.push_back(
          structure({string(tensor.name), integer(dtypeNumber(tensor.dtype)),
                     integer(rank), array(dims), array(symbols),
                     integer(tensor.isSequence | tensor.isOptional << 1)}));
    }
    return array(infos);
  }
  /// ONNX's number of an element type.
  static int64_t dtypeNumber(StringRef name) {
    return StringSwitch<int64_t>(name)
        .Case("float32", 1)
        .Case("uint8", 2)
        .Case("int8", 3)
        .Case("uint16", 4)
        .Case("int16", 5)
        .Case("int32", 6)
        .Case("int64", 7)
        .Case("bool", 9)
        .Case("float16", 10)
        .Case("float64", 11)
        .Case("uint32", 12)
        .Case("uint64", 13)
        .Case("bfloat16", 16)
        .Case("float8e4m3fn", 17)
        .Case("float8e4m3fnuz", 18)
        .Case("float8e5m2", 19)
        .Case("float8e5m2fnuz", 20)
        .Case("uint4", 21)
        .Case("int4", 22)
        .Case("float4e2m1", 23)
        .Case("float8e8m0", 24)
        .Case("uint2", 25)
        .Case("int2", 26)
        .Case("float6e2m3", 27)
        .Case("float6e3m2", 28)
        .Default(0);
  }

private:
  Constant *global(Constant *value) {
    return new GlobalVariable(module, value->getType(), /*isConstant=*/true,
                              GlobalValue::PrivateLinkage, value);
  }

  Module &module;
  LLVMContext &context;
  StringMap<Constant *> strings;

public:
  PointerType *pointer;
  IntegerType *i32, *i64;
};
} // namespace

/// `void entry(results, arguments)`: the C interface of @main takes as many
/// pointers as there are inputs, which a caller in C cannot express.
static Expected<Function *> buildEntry(Module &module,
                                       const Signature &signature) {
  Function *target = module.getFunction("_mlir_ciface_main");
  size_t parts = 0;
  for (const TensorSignature &input : signature.inputs)
    parts += input.partCount();
  size_t expected = parts + !signature.outputs.empty();
  if (!target || target->isDeclaration() || target->arg_size() != expected)
    return createStringError(
        "the lowered function @main does not fit the model's signature");
  LLVMContext &context = module.getContext();
  PointerType *pointer = PointerType::getUnqual(context);
  auto *type = FunctionType::get(Type::getVoidTy(context), {pointer, pointer},
                                 /*isVarArg=*/false);
  auto *entry = Function::Create(type, GlobalValue::InternalLinkage,
                                 "fovea_model_main", module);
  entry->copyAttributesFrom(target);
  IRBuilder<> builder(BasicBlock::Create(context, "", entry));
  std::vector<Value *> arguments;
  if (!signature.outputs.empty())
    arguments.push_back(entry->getArg(0));
  for (size_t i = 0; i < parts; ++i) {
    Value *slot =
        builder.CreateConstInBoundsGEP1_64(pointer, entry->getArg(1), i);
    arguments.push_back(builder.CreateLoad(pointer, slot));
  }
  builder.CreateCall(target, arguments);
  builder.CreateRetVoid();
  return entry;
}

Error fovea::addDescriptor(Module &module,
                           const ModelDescription &description) {
  static constexpr StringLiteral name = "fovea_rt_this_model";
  Expected<Function *> entry = buildEntry(module, description.signature);
  if (!entry)
    return entry.takeError();
  DescriptorBuilder build(module);
  std::vector<Constant *> kernels;
  kernels.reserve(description.kernels.size());
  for (const KernelInfo &kernel : description.kernels)
    kernels.push_back(build.string(kernel.symbol));
  const Signature &signature = description.signature;
  Constant *value = build.structure(
      {build.string(signature.model), build.string(description.buildId),
       build.string(description.cpu),
       build.string(join(description.features, ",")),
       build.string(description.manifest), build.tensors(signature.inputs),
       build.tensors(signature.outputs), build.array(kernels),
       build.integer(signature.inputs.size()),
       build.integer(signature.outputs.size()), build.integer(kernels.size()),
       build.integer(0), *entry});
  auto *global = new GlobalVariable(module, value->getType(),
                                    /*isConstant=*/true,
                                    GlobalValue::ExternalLinkage, value, name);
  global->setVisibility(GlobalValue::HiddenVisibility);
  internalizeModule(
      module, [](const GlobalValue &kept) { return kept.getName() == name; });
  return Error::success();
}
