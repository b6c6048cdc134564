//===- Signature.cpp - Names, types and shapes of a model ---------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fovea/Package/Package.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;
using namespace fovea;

/// ONNX's name of a type whose signedness the import did not record.
static std::string dtypeOf(Type type) {
  if (type.isF32())
    return "float32";
  if (type.isF64())
    return "float64";
  if (type.isF16())
    return "float16";
  if (type.isBF16())
    return "bfloat16";
  if (type.isInteger(1))
    return "bool";
  for (unsigned width : {8u, 16u, 32u, 64u})
    if (type.isInteger(width))
      return ("int" + llvm::Twine(width)).str();
  return "";
}

/// One tensor from its type and the attributes of its argument or result.
static llvm::Expected<TensorSignature>
readTensor(Type type, DictionaryAttr attrs, const llvm::Twine &fallbackName) {
  constexpr int64_t maxRank = 16; // FOVEA_MAX_RANK of the C interface.
  TensorSignature tensor;
  auto get = [&](llvm::StringRef name) {
    return attrs ? attrs.get(name) : Attribute();
  };
  auto name = llvm::dyn_cast_or_null<StringAttr>(get("fovea.name"));
  tensor.name = name ? name.str() : fallbackName.str();
  auto shaped = llvm::dyn_cast<ShapedType>(type);
  if (!shaped || !shaped.hasRank())
    return llvm::createStringError("'" + tensor.name +
                                   "' is not a tensor of known rank");
  if (shaped.getRank() > maxRank)
    return llvm::createStringError(
        "'" + tensor.name + "' has " + llvm::Twine(shaped.getRank()) +
        " dimensions; a library takes at most " + llvm::Twine(maxRank));
  auto dtype = llvm::dyn_cast_or_null<StringAttr>(get("fovea.dtype"));
  tensor.dtype = dtype ? dtype.str() : dtypeOf(shaped.getElementType());
  if (tensor.dtype.empty())
    return llvm::createStringError("'" + tensor.name +
                                   "' has an element type that a library can "
                                   "not take or return");
  auto symbols = llvm::dyn_cast_or_null<ArrayAttr>(get("fovea.dims"));
  for (int64_t i = 0; i < shaped.getRank(); ++i) {
    tensor.dims.push_back(shaped.isDynamicDim(i) ? -1 : shaped.getDimSize(i));
    StringAttr symbol;
    if (symbols && i < static_cast<int64_t>(symbols.size()))
      symbol = llvm::dyn_cast<StringAttr>(symbols[i]);
    tensor.symbols.push_back(symbol ? symbol.str() : "");
  }
  return tensor;
}

static func::FuncOp findEntry(ModuleOp module) {
  for (auto func : module.getOps<func::FuncOp>())
    if (func->hasAttr("fovea.entry"))
      return func;
  return module.lookupSymbol<func::FuncOp>("main");
}

llvm::Expected<Signature> fovea::readSignature(ModuleOp module) {
  func::FuncOp entry = findEntry(module);
  if (!entry || entry.isExternal() || entry.getName() != "main")
    return llvm::createStringError(
        "the module has no function @main to start at");
  Signature signature;
  auto model = module->getAttrOfType<StringAttr>("fovea.model");
  signature.model = model && !model.empty() ? model.str() : "model";
  for (auto [i, type] : llvm::enumerate(entry.getArgumentTypes())) {
    auto tensor =
        readTensor(type, entry.getArgAttrDict(i), "input" + llvm::Twine(i));
    if (!tensor)
      return tensor.takeError();
    signature.inputs.push_back(std::move(*tensor));
  }
  for (auto [i, type] : llvm::enumerate(entry.getResultTypes())) {
    auto tensor =
        readTensor(type, entry.getResultAttrDict(i), "output" + llvm::Twine(i));
    if (!tensor)
      return tensor.takeError();
    signature.outputs.push_back(std::move(*tensor));
  }
  entry->setAttr(LLVM::LLVMDialect::getEmitCWrapperAttrName(),
                 UnitAttr::get(module.getContext()));
  return signature;
}
