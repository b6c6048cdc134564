//===- AttnDialect.cpp - The attn dialect ---------------------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fovea/dialects/attn/Attn.h"

using namespace mlir;
using namespace fovea::attn;

#include "fovea/dialects/attn/AttnDialect.cpp.inc"

void AttnDialect::initialize() {}
