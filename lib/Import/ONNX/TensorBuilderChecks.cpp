//===- TensorBuilderChecks.cpp - What a tensor program may not ask for ----===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TensorBuilder.h"

#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace fovea::frontend;

std::string fovea::frontend::oneLine(StringRef text) {
  std::string result;
  for (char c : text) {
    bool isControl = (unsigned char)c < 0x20 || c == 0x7f;
    if (!isControl)
      result.push_back(c);
    else if (!StringRef(result).ends_with(" "))
      result.push_back(' ');
  }
  return result;
}

InFlightDiagnostic TensorBuilder::error(const Twine &reason) {
  failedBefore = true;
  return mlir::emitError(getLoc()) << oneLine((errorContext + reason).str());
}

void TensorBuilder::raise(const Twine &reason) {
  throw ImportError((errorContext + reason).str());
}

RankedTensorType TensorBuilder::type(Value tensor) {
  auto ranked = tensor ? dyn_cast<RankedTensorType>(tensor.getType())
                       : RankedTensorType();
  if (!ranked)
    raise("an input that the operator needs is missing");
  return ranked;
}

Value TensorBuilder::given(Value value) {
  if (!value)
    raise("an input that the operator needs is missing");
  return value;
}

Type TensorBuilder::given(Type type) {
  if (!type)
    raise("an element type is not known or not supported");
  return type;
}

/// Twice as far as today's processors can address.
static constexpr int64_t maxTensorBytes = int64_t(1) << 48;

void TensorBuilder::checkSize(RankedTensorType type) {
  int64_t bytes =
      type.getElementType().isIntOrFloat()
          ? llvm::divideCeil(type.getElementTypeBitWidth(), uint64_t(8))
          : 8;
  for (int64_t size : type.getShape()) {
    // An empty tensor has strides, too.
    int64_t factor = ShapedType::isDynamic(size) || size == 0 ? 1 : size;
    if (size < 0 && !ShapedType::isDynamic(size))
      raise("a tensor would have the negative size " + Twine(size));
    if (llvm::MulOverflow(bytes, factor, bytes) || bytes > maxTensorBytes)
      raise("a tensor would have an absurd number of elements");
  }
}

void TensorBuilder::checkRank(Value tensor, size_t count) {
  if (rank(tensor) != int64_t(count))
    raise("a tensor of rank " + Twine(rank(tensor)) +
          " does not fit the operator, which treats it as one of rank " +
          Twine(count));
}

void TensorBuilder::checkAxes(Value tensor, ArrayRef<int64_t> axes) {
  for (int64_t axis : axes)
    if (axis < 0 || axis >= rank(tensor))
      raise("a tensor of rank " + Twine(rank(tensor)) +
            " has too few dimensions for the operator");
}

void TensorBuilder::checkBox(Value tensor, ArrayRef<OpFoldResult> offsets,
                             ArrayRef<OpFoldResult> sizes,
                             ArrayRef<OpFoldResult> strides) {
  for (ArrayRef<OpFoldResult> list : {offsets, sizes, strides})
    checkRank(tensor, list.size());
  for (auto [offset, size, stride, extent] :
       llvm::zip(offsets, sizes, strides, type(tensor).getShape())) {
    auto start = getConstantIntValue(offset), count = getConstantIntValue(size),
         step = getConstantIntValue(stride);
    bool negative = (start && *start < 0) || (count && *count < 0);
    int64_t last = 0;
    bool leaves =
        start && count && step && *count > 0 &&
        !ShapedType::isDynamic(extent) &&
        (llvm::MulOverflow(*count - 1, *step, last) ||
         llvm::AddOverflow(*start, last, last) || last < 0 || last >= extent);
    if (negative || leaves)
      raise("a part of a tensor would lie outside of it");
  }
}

void TensorBuilder::checkMaps(ArrayRef<Value> tensors,
                              ArrayRef<AffineMap> maps) {
  if (tensors.size() != maps.size())
    raise("the operator has another number of inputs than it needs");
  for (auto [tensor, map] : llvm::zip(tensors, maps))
    checkRank(tensor, map.getNumResults());
}
