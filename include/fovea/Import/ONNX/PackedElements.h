//===- PackedElements.h - Elements of less than a byte ----------*- C++ -*-===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// ONNX's files have elements of less than a byte as one stream of bits that
// begins in the low bits of the first byte. Everywhere else here an element has
// a byte of its own, in whose low bits it lies.
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_IMPORT_ONNX_PACKEDELEMENTS_H
#define FOVEA_IMPORT_ONNX_PACKEDELEMENTS_H

#include <cstdint>
#include <vector>

namespace fovea {

/// Bytes of `count` elements in a file.
inline int64_t packedBytes(int64_t count, int64_t bits) {
  return bits % 8 == 0 ? count * (bits / 8) : (count * bits + 7) / 8;
}

/// The int32_data of a file hold such bytes, one each; of elements that do not
/// fill bytes evenly, an element each.
inline bool isPackedInFields(int64_t bits) { return 8 % bits == 0; }

inline std::vector<char> unpackElements(const char *data, int64_t count,
                                        int64_t bits) {
  std::vector<char> result(count);
  for (int64_t i = 0; i < count; ++i) {
    int64_t at = i * bits;
    unsigned window = static_cast<unsigned char>(data[at / 8]);
    if (at % 8 + bits > 8)
      window |=
          static_cast<unsigned>(static_cast<unsigned char>(data[at / 8 + 1]))
          << 8;
    result[i] = static_cast<char>(window >> at % 8 & ((1U << bits) - 1));
  }
  return result;
}

} // namespace fovea

#endif // FOVEA_IMPORT_ONNX_PACKEDELEMENTS_H
