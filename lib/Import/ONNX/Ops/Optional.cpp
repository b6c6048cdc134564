//===- Optional.cpp - Optionals -------------------------------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "../TensorBuilder.h"
#include "Families.h"

using namespace mlir;
using namespace fovea::frontend;

static LogicalResult importOptional(NodeImporter &node) {
  return node.bindOutput(0, node.binding(0));
}

static LogicalResult importOptionalGetElement(NodeImporter &node) {
  Binding element = node.binding(0);
  if (!element)
    return node.fail("the optional has no element");
  if (element.present)
    node.b().runtimeCheck(element.present, "the optional has no element");
  element.present = {};
  return node.bindOutput(0, element);
}

static LogicalResult importOptionalHasElement(NodeImporter &node) {
  TensorBuilder &b = node.b();
  Binding element = node.binding(0);
  Value has = element.present
                  ? element.present
                  : b.scalar(b.getI1Type(), static_cast<bool>(element));
  return node.bindOutput(
      0, b.fromScalars({has}, RankedTensorType::get({}, b.getI1Type())));
}

void fovea::frontend::registerOptionalOps(OpRegistry &registry) {
  registry.add("Optional", importOptional);
  registry.add("OptionalGetElement", importOptionalGetElement);
  registry.add("OptionalHasElement", importOptionalHasElement);
}
