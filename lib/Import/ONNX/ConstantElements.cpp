//===- ConstantElements.cpp - Elements of a constant tensor ---------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ConstantElements.h"

#include "FoldConstants.h"

#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace fovea::frontend;

/// Larger copies are left to the passes that know who reads them.
static constexpr int64_t maxCopiedElements = 1 << 24;

bool fovea::frontend::isCarriedAsBits(Type type) {
  return isa<FloatType>(type) && !type.isF32() && !type.isF64();
}

static ConstantSlot readElement(Type type, const char *at) {
  ConstantSlot slot{};
  unsigned width = type.isInteger(1) ? 8 : type.getIntOrFloatBitWidth();
  if (type.isF32()) {
    float value;
    std::memcpy(&value, at, 4);
    slot.f = value;
    return slot;
  }
  uint64_t raw = 0;
  std::memcpy(&raw, at, width / 8);
  // f64 has its own bits in the slot.
  slot.i = type.isF64() ? int64_t(raw) : llvm::SignExtend64(raw, width);
  return slot;
}

void fovea::frontend::writeElement(Type type, ConstantSlot slot, char *at) {
  if (type.isF32()) {
    float value = float(slot.f);
    std::memcpy(at, &value, 4);
    return;
  }
  unsigned width = type.isInteger(1) ? 8 : type.getIntOrFloatBitWidth();
  std::memcpy(at, &slot.i, width / 8);
}

ConstantSlot ConstantElements::read(int64_t position) const {
  const char *data = owned.empty() ? raw.data() : owned.data();
  return readElement(type.getElementType(),
                     data + (isSplat ? 0 : position * bytes));
}

std::optional<ConstantElements>
fovea::frontend::constantElements(Value tensor) {
  Attribute attr;
  auto type = dyn_cast<RankedTensorType>(tensor.getType());
  if (!type || !matchPattern(tensor, m_Constant(&attr)))
    return std::nullopt;
  ConstantElements result;
  result.type = type;
  Type element = type.getElementType();
  if (!element.isIntOrFloat())
    return std::nullopt;
  result.bytes = element.isInteger(1) ? 1 : element.getIntOrFloatBitWidth() / 8;
  if (auto dense = dyn_cast<DenseElementsAttr>(attr)) {
    result.isSplat = dense.isSplat();
    if (element.isInteger(1)) {
      if (result.isSplat)
        result.owned.push_back(dense.getSplatValue<bool>());
      else
        for (bool bit : dense.getValues<bool>())
          result.owned.push_back(bit);
    } else {
      result.raw = dense.getRawData();
    }
    return result;
  }
  auto resource = dyn_cast<DenseResourceElementsAttr>(attr);
  if (!resource || !resource.getRawHandle().getBlob())
    return std::nullopt;
  result.raw = resource.getRawHandle().getBlob()->getData();
  if (int64_t(result.raw.size()) != type.getNumElements() * result.bytes)
    return std::nullopt;
  return result;
}

//===----------------------------------------------------------------------===//
// Copies
//===----------------------------------------------------------------------===//

Value fovea::frontend::foldStrided(TensorBuilder &b, Value input,
                                   ArrayRef<int64_t> sizes, int64_t base,
                                   ArrayRef<int64_t> strides) {
  auto elements = constantElements(input);
  auto type = RankedTensorType::get(sizes, b.elementType(input));
  int64_t count = type.getNumElements();
  if (!elements || count == 0 || count > maxCopiedElements)
    return {};
  if (elements->isSplat) {
    DenseElementsAttr splat;
    if (!matchPattern(input, m_Constant(&splat)) || !splat)
      return {};
    return b.sharedConstant(splat.resizeSplat(type));
  }
  if (!b.spend(count * elements->bytes))
    return {};
  const char *from =
      elements->owned.empty() ? elements->raw.data() : elements->owned.data();
  std::vector<char> data(count * elements->bytes);
  SmallVector<int64_t> at(sizes.size(), 0);
  int64_t offset = base;
  for (int64_t i = 0; i < count; ++i) {
    std::memcpy(data.data() + i * elements->bytes,
                from + offset * elements->bytes, elements->bytes);
    for (int64_t d = sizes.size() - 1; d >= 0; --d) {
      offset += strides[d];
      if (++at[d] < sizes[d])
        break;
      offset -= sizes[d] * strides[d];
      at[d] = 0;
    }
  }
  return b.constant(type, data);
}
