//===- ConstantCapture.cpp - The elements of a constant capture -----------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ConstantCapture.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/IR/Matchers.h"

#include <unordered_map>

using namespace mlir;
using namespace fovea;

int64_t ConstantCapture::stride(unsigned dim) const {
  int64_t result = 0;
  for (auto [d, step] : strides)
    if (d == dim)
      result += step;
  return result;
}

/// The constant behind reshapes, which keep the order of elements.
static Attribute constantBehind(Value value) {
  while (Operation *op = value.getDefiningOp()) {
    if (!isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp, tensor::CastOp>(
            op))
      break;
    value = op->getOperand(0);
  }
  Attribute constant;
  return matchPattern(value, m_Constant(&constant)) ? constant : Attribute();
}

namespace {
/// The bits of the elements of a constant, in row-major order.
class RawElements {
public:
  explicit RawElements(ElementsAttr attr) {
    type = attr.getElementType();
    if (!type.isIntOrFloat() || type.getIntOrFloatBitWidth() > 64)
      return;
    width = type.isInteger(1) ? 1 : type.getIntOrFloatBitWidth() / 8;
    if (auto dense = dyn_cast<DenseElementsAttr>(attr)) {
      isSplat = dense.isSplat();
      if (type.isInteger(1)) {
        for (bool bit : dense.getValues<bool>()) {
          owned.push_back(bit);
          if (isSplat)
            break;
        }
        data = owned;
      } else {
        data = dense.getRawData();
      }
    } else if (auto resource = dyn_cast<DenseResourceElementsAttr>(attr)) {
      if (AsmResourceBlob *blob = resource.getRawHandle().getBlob())
        data = blob->getData();
    }
    int64_t count = isSplat ? 1 : attr.getNumElements();
    isValid = int64_t(data.size()) >= count * width && width > 0;
  }
  uint64_t operator[](int64_t index) const {
    uint64_t bits = 0;
    memcpy(&bits, data.data() + (isSplat ? 0 : index) * width, width);
    return bits;
  }
  APInt toInteger(uint64_t bits) const {
    return APInt(type.getIntOrFloatBitWidth(), bits, /*isSigned=*/false,
                 /*implicitTrunc=*/true);
  }
  TypedAttr toAttr(uint64_t bits) const {
    if (auto floating = dyn_cast<FloatType>(type))
      return FloatAttr::get(
          type, APFloat(floating.getFloatSemantics(), toInteger(bits)));
    return IntegerAttr::get(type, toInteger(bits));
  }
  /// Whether the element is a number that neither hides nor favours a key.
  bool isOrdinary(uint64_t bits) const {
    auto floating = dyn_cast<FloatType>(type);
    if (!floating)
      return false;
    APFloat value(floating.getFloatSemantics(), toInteger(bits));
    return std::abs(value.convertToDouble()) < -hiddenBelow;
  }

  Type type;
  int64_t width = 0;
  bool isSplat = false, isValid = false;

private:
  ArrayRef<char> data;
  SmallVector<char, 0> owned;
};
} // namespace

std::optional<ConstantCapture>
ConstantCapture::read(attn::AttentionOp op, unsigned index, std::string &why) {
  // Values that are known one by one; further ones only by their size.
  constexpr unsigned maxExact = 32, maxClasses = 200;
  auto attr =
      dyn_cast_or_null<ElementsAttr>(constantBehind(op.getCaptures()[index]));
  if (!attr)
    return std::nullopt;
  RawElements elements(attr);
  auto type = cast<RankedTensorType>(op.getCaptures()[index].getType());
  if (!elements.isValid || !type.hasStaticShape())
    return std::nullopt;
  ConstantCapture result;
  result.index = index;
  int64_t step = 1;
  AffineMap map = op.getCaptureMap(index);
  for (int64_t axis = type.getRank() - 1; axis >= 0; --axis) {
    if (auto dim = dyn_cast<AffineDimExpr>(map.getResult(axis));
        dim && type.getDimSize(axis) != 1)
      result.strides.emplace_back(dim.getPosition(), step);
    step *= type.getDimSize(axis);
  }
  std::unordered_map<uint64_t, unsigned> known;
  std::optional<unsigned> others;
  auto classOf = [&](uint64_t bits) -> unsigned {
    auto it = known.find(bits);
    if (it != known.end())
      return it->second;
    unsigned number = result.values.size();
    if (number >= maxExact && elements.isOrdinary(bits)) {
      if (others)
        return *others;
      result.values.push_back(ScoreValue::score());
      others = number;
      return number;
    }
    if (number >= maxClasses)
      return maxClasses;
    result.values.push_back(ScoreValue::known(elements.toAttr(bits)));
    known[bits] = number;
    return number;
  };
  result.classes.reserve(type.getNumElements());
  uint64_t last = 0;
  unsigned lastClass = ~0u;
  for (int64_t i = 0; i < type.getNumElements(); ++i) {
    uint64_t bits = elements[i];
    if (lastClass == ~0u || bits != last)
      lastClass = classOf(bits);
    if (lastClass == maxClasses) {
      why = "the mask holds too many different values";
      return std::nullopt;
    }
    last = bits;
    result.classes.push_back(lastClass);
  }
  return result;
}
