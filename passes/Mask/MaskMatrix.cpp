//===- MaskMatrix.cpp - Which keys each row sees --------------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "MaskMatrix.h"

#include "llvm/ADT/bit.h"

using namespace mlir;
using namespace fovea;

int64_t MaskMatrix::count(int64_t i) const {
  int64_t result = 0;
  for (int64_t word = 0; word < stride; ++word)
    result += llvm::popcount(words[i * stride + word] & valid(word));
  return result;
}

int64_t MaskMatrix::count() const {
  int64_t result = 0;
  for (int64_t i = 0; i < rows; ++i)
    result += count(i);
  return result;
}

bool MaskMatrix::operator==(const MaskMatrix &other) const {
  if (rows != other.rows || keys != other.keys)
    return false;
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t word = 0; word < stride; ++word)
      if ((words[i * stride + word] ^ other.words[i * stride + word]) &
          valid(word))
        return false;
  return true;
}

DenseIntElementsAttr MaskMatrix::bits(MLIRContext *context) const {
  SmallVector<int64_t> data;
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t word = 0; word < stride; ++word)
      data.push_back(words[i * stride + word] & valid(word));
  auto type =
      RankedTensorType::get({rows, stride}, IntegerType::get(context, 64));
  return DenseIntElementsAttr::get(type, ArrayRef<int64_t>(data));
}
