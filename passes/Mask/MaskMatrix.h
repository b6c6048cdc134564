//===- MaskMatrix.h - Which keys each row sees, and its description *- C++ -*-===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_PASSES_MASK_MASKMATRIX_H
#define FOVEA_PASSES_MASK_MASKMATRIX_H

#include "fovea/dialects/attn/Attn.h"

namespace fovea {

/// Which keys each row of an attention sees.
class MaskMatrix {
public:
  MaskMatrix(int64_t rows, int64_t keys, bool visible = true)
      : rows(rows), keys(keys), stride((keys + 63) / 64),
        words(rows * stride, visible ? ~uint64_t(0) : 0) {}

  bool get(int64_t i, int64_t j) const {
    return words[i * stride + j / 64] >> (j % 64) & 1;
  }
  void hide(int64_t i, int64_t j) {
    words[i * stride + j / 64] &= ~(uint64_t(1) << (j % 64));
  }
  void show(int64_t i, int64_t j) {
    words[i * stride + j / 64] |= uint64_t(1) << (j % 64);
  }
  /// The visible keys of one row, and of all.
  int64_t count(int64_t i) const;
  int64_t count() const;
  bool isAllVisible() const { return count() == rows * keys; }
  bool operator==(const MaskMatrix &other) const;
  /// The bits of #attn.pattern.
  mlir::DenseIntElementsAttr bits(mlir::MLIRContext *context) const;

  int64_t rows, keys;

private:
  /// The bits of a word that are keys.
  uint64_t valid(int64_t word) const {
    int64_t left = keys - word * 64;
    return left >= 64 ? ~uint64_t(0) : ~(~uint64_t(0) << left);
  }
  int64_t stride;
  std::vector<uint64_t> words;
};

/// The simplest mask that shows exactly the keys of `matrix`, or null where all
/// are visible.
attn::MaskInterface describeMask(mlir::MLIRContext *context,
                                 const MaskMatrix &matrix);

} // namespace fovea

#endif // FOVEA_PASSES_MASK_MASKMATRIX_H
