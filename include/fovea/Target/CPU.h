//===- CPU.h - What a schedule needs to know of a CPU -----------*- C++ -*-===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_TARGET_CPU_H
#define FOVEA_TARGET_CPU_H

#include "llvm/ADT/StringRef.h"

#include <cstdint>
#include <optional>
#include <string>

namespace fovea {

/// The numbers of a CPU that choosing tile sizes depends on.
struct CPUTarget {
  /// The LLVM name, never "native".
  std::string name;
  /// Width of the widest vectors that arithmetic is done in.
  int64_t vectorBits = 128;
  int64_t vectorRegisters = 16;
  /// Whether products of pairs of bf16 are summed in f32 by one instruction
  /// (AVX512-BF16).
  bool hasDotOfBF16 = false;
  /// Data caches of one core.
  int64_t l1Bytes = 32 << 10;
  int64_t l2Bytes = 512 << 10;
  /// Cores that a model may use.
  int64_t cores = 1;

  /// How many elements of `bits` bits a vector holds.
  int64_t lanes(int64_t bits) const { return vectorBits / bits; }
};

/// Describes the CPU with an LLVM name (or "native", or an empty name, for the
/// machine that compiles) and triple (empty for that machine's); nothing for a
/// name that LLVM does not know. `cores` of 0 means as many as this machine
/// has.
std::optional<CPUTarget> describeCPU(llvm::StringRef name,
                                     llvm::StringRef triple = "",
                                     int64_t cores = 0);

} // namespace fovea

#endif // FOVEA_TARGET_CPU_H
