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

/// Reads the shape that a tensor, or each element of a sequence, has.
static llvm::Error readShape(TensorSignature &tensor, Type type,
                             ArrayAttr symbols) {
  constexpr int64_t maxRank = 16; // FOVEA_MAX_RANK of the C interface.
  auto shaped = llvm::dyn_cast<ShapedType>(type);
  tensor.hasRank = shaped && shaped.hasRank();
  if (!shaped || (!tensor.hasRank && !tensor.isSequence))
    return llvm::createStringError("'" + tensor.name +
                                   "' is not a tensor of known rank");
  if (tensor.dtype.empty())
    tensor.dtype = dtypeOf(shaped.getElementType());
  if (!tensor.hasRank)
    return llvm::Error::success();
  if (shaped.getRank() > maxRank)
    return llvm::createStringError(
        "'" + tensor.name + "' has " + llvm::Twine(shaped.getRank()) +
        " dimensions; a library takes at most " + llvm::Twine(maxRank));
  for (int64_t i = 0; i < shaped.getRank(); ++i) {
    tensor.dims.push_back(shaped.isDynamicDim(i) ? -1 : shaped.getDimSize(i));
    StringAttr symbol;
    if (symbols && i < static_cast<int64_t>(symbols.size()))
      symbol = llvm::dyn_cast<StringAttr>(symbols[i]);
    tensor.symbols.push_back(symbol ? symbol.str() : "");
  }
  return llvm::Error::success();
}

/// One input or output from the type and the attributes of its first argument
/// or result. A sequence has its elements' type in an attribute.
static llvm::Expected<TensorSignature>
readTensor(Type type, DictionaryAttr attrs, const llvm::Twine &fallbackName) {
  TensorSignature tensor;
  auto get = [&](llvm::StringRef name) {
    return attrs ? attrs.get(name) : Attribute();
  };
  auto name = llvm::dyn_cast_or_null<StringAttr>(get("fovea.name"));
  tensor.name = name ? name.str() : fallbackName.str();
  auto element = llvm::dyn_cast_or_null<TypeAttr>(get("fovea.sequence"));
  tensor.isSequence = static_cast<bool>(element);
  tensor.isOptional = static_cast<bool>(get("fovea.optional"));
  auto dtype = llvm::dyn_cast_or_null<StringAttr>(get("fovea.dtype"));
  tensor.dtype = dtype ? dtype.str() : "";
  if (llvm::Error error =
          readShape(tensor, element ? element.getValue() : type,
                    llvm::dyn_cast_or_null<ArrayAttr>(get("fovea.dims"))))
    return error;
  if (tensor.dtype.empty())
    return llvm::createStringError("'" + tensor.name +
                                   "' has an element type that a library can "
                                   "not take or return");
  return tensor;
}

/// All inputs or outputs; what follows the first part of one is skipped.
static llvm::Error
readTensors(TypeRange types,
            llvm::function_ref<DictionaryAttr(unsigned)> attributesOf,
            llvm::StringRef kind, std::vector<TensorSignature> &tensors) {
  for (size_t i = 0; i < types.size();) {
    auto tensor = readTensor(types[i], attributesOf(i),
                             kind + llvm::Twine(tensors.size()));
    if (!tensor)
      return tensor.takeError();
    i += tensor->partCount();
    if (i > types.size())
      return llvm::createStringError("'" + tensor->name +
                                     "' lacks parts of a sequence or optional");
    tensors.push_back(std::move(*tensor));
  }
  return llvm::Error::success();
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
  if (llvm::Error error = readTensors(
          entry.getArgumentTypes(),
          [&](unsigned i) { return entry.getArgAttrDict(i); }, "input",
          signature.inputs))
    return error;
  if (llvm::Error error = readTensors(
          entry.getResultTypes(),
          [&](unsigned i) { return entry.getResultAttrDict(i); }, "output",
          signature.outputs))
    return error;
  entry->setAttr(LLVM::LLVMDialect::getEmitCWrapperAttrName(),
                 UnitAttr::get(module.getContext()));
  return signature;
}
