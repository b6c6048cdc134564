//===- ConstantCapture.h - The elements of a constant capture ---*- C++ -*-===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_PASSES_MASK_CONSTANTCAPTURE_H
#define FOVEA_PASSES_MASK_CONSTANTCAPTURE_H

#include "ScoreValue.h"

namespace fovea {

/// The elements of a capture that is constant, as a few classes of values.
class ConstantCapture {
public:
  /// Reads capture `index` of `op`, or says why it cannot.
  static std::optional<ConstantCapture> read(attn::AttentionOp op,
                                             unsigned index, std::string &why);

  /// The class of the element at a point: `at` holds a position for each
  /// dimension of the iteration space.
  unsigned classAt(llvm::ArrayRef<int64_t> at) const {
    int64_t element = 0;
    for (auto [dim, stride] : strides)
      element += at[dim] * stride;
    return classes[element];
  }
  int64_t stride(unsigned dim) const;
  uint8_t at(int64_t element) const { return classes[element]; }

  unsigned index;
  /// What is known about the values of each class: one value, or for the last
  /// of many, that they are of ordinary size.
  llvm::SmallVector<ScoreValue> values;
  /// The dimensions that the capture varies over, and their strides.
  llvm::SmallVector<std::pair<unsigned, int64_t>> strides;

private:
  std::vector<uint8_t> classes;
};

} // namespace fovea

#endif // FOVEA_PASSES_MASK_CONSTANTCAPTURE_H
