//===- Cast.cpp - Conversions of element types ----------------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "../StoredTypes.h"
#include "../Types.h"
#include "Families.h"

using namespace mlir;
using namespace fovea::frontend;

static LogicalResult castTo(NodeImporter &n, int32_t dtype) {
  if (!elementTypeFor(dtype, n.b().getContext()))
    return n.fail("a cast to " + dtypeName(dtype) + " is not supported");
  FailureOr<CastRules> rules = castRules(n);
  if (failed(rules))
    return failure();
  return n.bindOutput(
      0, castTensor(n.b(), n.input(0), n.dtype(0), dtype, *rules), dtype);
}

static LogicalResult importCast(NodeImporter &n) {
  return castTo(n, int32_t(n.attrInt("to", 0)));
}

static LogicalResult importCastLike(NodeImporter &n) {
  return castTo(n, n.dtype(1));
}

/// One element, between types of as many bits.
static Value bitCastElement(TensorBuilder &b, Value value, Type type) {
  Type from = value.getType();
  if (from == type)
    return value;
  // A boolean is the byte 0 or 1.
  if (from.isInteger(1))
    return b.createOrFold<arith::ExtUIOp>(type, value);
  if (type.isInteger(1))
    return b.castScalar(value, type);
  return b.createOrFold<arith::BitcastOp>(type, value);
}

static LogicalResult importBitCast(NodeImporter &n) {
  int32_t from = n.dtype(0), to = int32_t(n.attrInt("to", 0));
  Type type = elementTypeFor(to, n.b().getContext());
  if (!type)
    return n.fail("the type " + dtypeName(to) + " is not supported");
  if (dtypeBits(from) != dtypeBits(to))
    return n.fail(dtypeName(from) + " and " + dtypeName(to) +
                  " differ in their number of bits");
  if (n.b().elementType(n.input(0)) == type)
    return n.bindOutput(0, n.input(0), to);
  return n.bindOutput(0,
                      n.b().elementwise({n.input(0)}, type,
                                        [&](TensorBuilder &b, ValueRange args) {
                                          return bitCastElement(b, args[0],
                                                                type);
                                        }),
                      to);
}

void fovea::frontend::registerCastOps(OpRegistry &registry) {
  registry.add("Cast", importCast);
  registry.add("CastLike", importCastLike);
  registry.add("BitCast", importBitCast);
}
