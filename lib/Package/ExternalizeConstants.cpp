//===- ExternalizeConstants.cpp - Constants out of the IR ---------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fovea/Package/Package.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/DialectResourceBlobManager.h"

using namespace mlir;
using namespace fovea;

/// Bytes of an element in memory: a boolean takes one, an index a word.
static size_t elementBytes(Type type) {
  if (type.isIndex())
    return sizeof(int64_t);
  return llvm::divideCeil(type.getIntOrFloatBitWidth(), 8);
}

/// The contents of a dense attribute as they lie in memory.
static std::vector<char> expand(DenseElementsAttr attr, size_t bytes) {
  size_t count = attr.getNumElements();
  std::vector<char> result(count * bytes);
  if (attr.getElementType().isInteger(1)) {
    if (attr.isSplat()) {
      std::fill(result.begin(), result.end(), attr.getSplatValue<bool>());
      return result;
    }
    llvm::copy(attr.getValues<bool>(), result.begin());
    return result;
  }
  llvm::ArrayRef<char> raw = attr.getRawData();
  for (size_t i = 0; i < count; ++i)
    memcpy(result.data() + i * bytes, raw.data(), bytes);
  return result;
}

/// Hands the contents of `global` to the writer; false if it stays where it
/// is.
static llvm::Expected<bool> externalize(memref::GlobalOp global,
                                        WeightsWriter &writer) {
  constexpr size_t smallest = 64; // Below, an immediate may do.
  auto value = llvm::dyn_cast_or_null<ElementsAttr>(
      global.getInitialValue().value_or(Attribute()));
  if (!value || !global.getConstant())
    return false;
  size_t bytes = elementBytes(global.getType().getElementType());
  size_t size = bytes * global.getType().getNumElements();
  if (size <= smallest)
    return false;
  if (auto resource = llvm::dyn_cast<DenseResourceElementsAttr>(value)) {
    AsmResourceBlob *blob = resource.getRawHandle().getBlob();
    if (!blob || blob->getData().size() != size)
      return llvm::createStringError(
          "the data of constant '" + global.getSymName() + "' takes " +
          llvm::Twine(blob ? blob->getData().size() : 0) +
          " bytes, and its type " + llvm::Twine(size));
    writer.add(global.getSymName(), blob->getData());
    return true;
  }
  auto dense = llvm::dyn_cast<DenseElementsAttr>(value);
  if (!dense)
    return llvm::createStringError("constant '" + global.getSymName() +
                                   "' is not dense");
  if (dense.isSplat() || dense.getElementType().isInteger(1))
    writer.addOwned(global.getSymName(), expand(dense, bytes));
  else
    writer.add(global.getSymName(), dense.getRawData());
  return true;
}

llvm::Error fovea::externalizeConstants(ModuleOp module,
                                        WeightsWriter &writer) {
  for (auto global : module.getOps<memref::GlobalOp>()) {
    auto moved = externalize(global, writer);
    if (!moved)
      return moved.takeError();
    if (!*moved)
      continue;
    global.removeInitialValueAttr();
    global.setConstant(false); // A declaration says nothing of its contents.
    global.removeSymVisibilityAttr(); // The linker is to find it.
    global.setAlignment(WeightsWriter::alignment);
  }
  return llvm::Error::success();
}
