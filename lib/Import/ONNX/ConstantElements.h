//===- ConstantElements.h - Elements of a constant tensor -----------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_LIB_IMPORT_ONNX_CONSTANTELEMENTS_H
#define FOVEA_LIB_IMPORT_ONNX_CONSTANTELEMENTS_H

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Value.h"

#include <optional>
#include <vector>

namespace fovea::frontend {

/// A scalar while it is computed; the type of the SSA value says which.
union ConstantSlot {
  double f;
  int64_t i;
};

/// Raw elements of a constant tensor.
struct ConstantElements {
  mlir::RankedTensorType type;
  llvm::ArrayRef<char> raw;
  /// Booleans, unpacked.
  std::vector<char> owned;
  bool isSplat = false;
  int64_t bytes = 1;

  /// Width, float or integer: how elements are read and written.
  ConstantSlot read(int64_t position) const;
};

/// 16-bit floats are carried as their bits: they can be moved, not computed.
bool isCarriedAsBits(mlir::Type type);

/// Writes an element of `type`; booleans take a byte.
void writeElement(mlir::Type type, ConstantSlot slot, char *at);

/// The elements of a constant; nothing for other values.
std::optional<ConstantElements> constantElements(mlir::Value tensor);

} // namespace fovea::frontend

#endif // FOVEA_LIB_IMPORT_ONNX_CONSTANTELEMENTS_H
