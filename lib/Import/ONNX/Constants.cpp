//===- Constants.cpp - ONNX tensors as constants --------------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Importer.h"
#include "Model.h"
#include "Types.h"

#include "fovea/Import/ONNX/PackedElements.h"

#include "mlir/IR/AsmState.h"
#include "mlir/IR/DialectResourceBlobManager.h"

using namespace mlir;
using namespace fovea;
using namespace fovea::frontend;

/// Constants above this many elements borrow or own a blob.
static constexpr int64_t maxInlineElements = 1024;

/// What of the typed fields holds a tensor of elements of `bytes` each, that
/// lie there in a wider type.
template <typename Field>
static FailureOr<ArrayRef<char>>
narrowField(const Field &field, int64_t elements, int64_t bytes,
            std::vector<char> &owned, std::string &error) {
  if (field.size() != elements) {
    error = "has " + std::to_string(field.size()) +
            " elements of data, its shape needs " + std::to_string(elements);
    return failure();
  }
  owned.resize(elements * bytes);
  for (int64_t i = 0; i < elements; ++i) {
    auto value = field.Get(i);
    // Little-endian: the low bytes come first.
    std::memcpy(owned.data() + i * bytes, &value, bytes);
  }
  return ArrayRef<char>(owned);
}

/// Bytes of the tensor data as the file has them, row-major; `owned` is used
/// where they have to be converted first.
static FailureOr<ArrayRef<char>> tensorBytes(const onnx::TensorProto &tensor,
                                             int64_t elements,
                                             std::vector<char> &owned,
                                             std::string &error) {
  int64_t bits = dtypeBits(tensor.data_type());
  if (tensor.has_raw_data()) {
    int64_t needed = packedBytes(elements, bits);
    if (int64_t(tensor.raw_data().size()) == needed)
      return ArrayRef<char>(tensor.raw_data().data(), tensor.raw_data().size());
    error = "has " + std::to_string(tensor.raw_data().size()) +
            " bytes of data, its shape needs " + std::to_string(needed);
    return failure();
  }
  auto convert = [&](const auto &field) {
    return narrowField(field, elements, bits / 8, owned, error);
  };
  switch (tensor.data_type()) {
  case onnx::TensorProto::FLOAT:
    return convert(tensor.float_data());
  case onnx::TensorProto::DOUBLE:
    return convert(tensor.double_data());
  case onnx::TensorProto::INT64:
    return convert(tensor.int64_data());
  case onnx::TensorProto::UINT32:
  case onnx::TensorProto::UINT64:
    return convert(tensor.uint64_data());
  default:
    break;
  }
  if (bits >= 8)
    return convert(tensor.int32_data());
  int64_t bytes =
      isPackedInFields(bits) ? packedBytes(elements, bits) : elements;
  return narrowField(tensor.int32_data(), bytes, /*bytes=*/1, owned, error);
}

/// Number of elements; -1 where the dimensions are negative or their product
/// is absurd.
static int64_t countElements(const onnx::TensorProto &tensor) {
  int64_t count = 1;
  for (int64_t size : tensor.dims())
    if (size < 0 || llvm::MulOverflow(count, size, count) ||
        count > (int64_t(1) << 40))
      return -1;
  return count;
}

/// An attribute over bytes that the model keeps alive.
static DenseResourceElementsAttr borrow(RankedTensorType type, StringRef name,
                                        ArrayRef<char> data,
                                        std::shared_ptr<Model> model,
                                        int64_t align) {
  AsmResourceBlob blob(
      data, align, [model = std::move(model)](void *, size_t, size_t) {},
      /*dataIsMutable=*/false);
  return DenseResourceElementsAttr::get(type, name, std::move(blob));
}

FailureOr<Binding> Importer::constant(const onnx::TensorProto &tensor,
                                      StringRef name) {
  auto fail = [&](const Twine &reason) -> FailureOr<Binding> {
    b.error("tensor '" + name + "' " + reason);
    return failure();
  };
  Type element = elementTypeFor(tensor.data_type(), &context);
  if (!element)
    return fail("has the element type " + dtypeName(tensor.data_type()) +
                ", which is not supported");
  int64_t elements = countElements(tensor);
  if (elements < 0)
    return fail("has impossible dimensions");
  SmallVector<int64_t> sizes(tensor.dims().begin(), tensor.dims().end());
  auto type = RankedTensorType::get(sizes, element);

  b.checkSize(type);
  std::string error;
  std::vector<char> owned;
  ArrayRef<char> data;
  int64_t bits = dtypeBits(tensor.data_type());
  int64_t bytes = std::max<int64_t>(bits / 8, 1);
  if (tensor.data_location() == onnx::TensorProto::EXTERNAL) {
    int64_t size = packedBytes(elements, bits);
    const char *begin = model->externalData(tensor, size, error);
    if (!begin)
      return fail("cannot be loaded: " + error);
    data = ArrayRef<char>(begin, size);
  } else {
    auto found = tensorBytes(tensor, elements, owned, error);
    if (failed(found))
      return fail(error);
    data = *found;
  }
  if (bits < 8 && (owned.empty() || isPackedInFields(bits))) {
    owned = unpackElements(data.data(), elements, bits);
    data = owned;
  }
  // A weight may be copied, say transposed, and the copy once more.
  b.grant(2 * int64_t(data.size()));
  Binding result;
  result.dtype = tensor.data_type();
  bool aligned = reinterpret_cast<uintptr_t>(data.data()) % bytes == 0;
  if (functionDepth == 0 && owned.empty() && aligned &&
      elements > maxInlineElements && !element.isInteger(1))
    result.value = b.sharedConstant(borrow(type, name, data, model, bytes));
  else
    result.value = b.constant(type, data);
  return result;
}
