//===- Elementwise.cpp - Elementwise ONNX ops -----------------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information. SPDX-License-Identifier:
// Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Families.h"

using namespace mlir;
using namespace fovea::frontend;

static LogicalResult importAdd(NodeImporter &n) {
  Type element = n.b().elementType(n.input(0));
  auto result = n.b().elementwise(
      {n.input(0), n.input(1)}, element,
      [&](TensorBuilder &b, ValueRange args) -> Value {
        if (isa<FloatType>(element))
          return b.createOrFold<arith::AddFOp>(args[0], args[1]);
        return b.createOrFold<arith::AddIOp>(args[0], args[1]);
      });
  return n.bindOutput(0, result);
}

void fovea::frontend::registerElementwiseOps(OpRegistry &registry) {
  registry.add("Add", importAdd);
}
