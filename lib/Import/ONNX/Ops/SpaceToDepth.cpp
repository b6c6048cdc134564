//===- SpaceToDepth.cpp - Blocks of pixels as channels --------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Families.h"

using namespace mlir;
using namespace fovea::frontend;

static FailureOr<int64_t> readBlockSize(NodeImporter &node) {
  int64_t size = node.attrInt("blocksize", 0);
  if (size < 1)
    return node.fail("blocksize has to be positive");
  if (size > INT32_MAX)
    return node.fail("blocksize is too large");
  if (node.rank(0) != 4)
    return node.fail("the input needs rank 4");
  return size;
}

static LogicalResult importDepthToSpace(NodeImporter &node) {
  TensorBuilder &b = node.b();
  FailureOr<int64_t> size = readBlockSize(node);
  if (failed(size))
    return failure();
  Dims x = b.shape(node.input(0));
  if (std::optional<int64_t> channels = getConstantIntValue(x[1]);
      channels && *channels % (*size * *size) != 0)
    return node.fail(
        "the number of channels is no multiple of the square of blocksize");
  OpFoldResult block = b.attr(*size),
               depth = b.div(x[1], b.attr(*size * *size));
  std::string mode = node.attrString("mode", "DCR");
  if (mode != "DCR" && mode != "CRD")
    return node.fail("unknown mode '" + Twine(mode) + "'");
  Value result;
  if (mode == "DCR")
    result = b.transpose(
        b.reshape(node.input(0), {x[0], block, block, depth, x[2], x[3]}),
        {0, 3, 4, 1, 5, 2});
  else
    result = b.transpose(
        b.reshape(node.input(0), {x[0], depth, block, block, x[2], x[3]}),
        {0, 1, 4, 2, 5, 3});
  return node.bindOutput(0, b.reshape(result, {x[0], depth, b.mul(x[2], block),
                                               b.mul(x[3], block)}));
}

static LogicalResult importSpaceToDepth(NodeImporter &node) {
  TensorBuilder &b = node.b();
  FailureOr<int64_t> size = readBlockSize(node);
  if (failed(size))
    return failure();
  Dims x = b.shape(node.input(0));
  for (int64_t axis : {2, 3})
    if (std::optional<int64_t> extent = getConstantIntValue(x[axis]);
        extent && *extent % *size != 0)
      return node.fail("dimension " + Twine(axis) +
                       " is no multiple of blocksize");
  OpFoldResult block = b.attr(*size), rows = b.div(x[2], block),
               columns = b.div(x[3], block);
  Value blocks =
      b.reshape(node.input(0), {x[0], x[1], rows, block, columns, block});
  std::string mode = node.attrString("mode", "DCR");
  if (mode != "DCR" && mode != "CRD")
    return node.fail("unknown mode '" + Twine(mode) + "'");
  Value result = mode == "DCR" ? b.transpose(blocks, {0, 3, 5, 1, 2, 4})
                               : b.transpose(blocks, {0, 1, 3, 5, 2, 4});
  return node.bindOutput(
      0, b.reshape(result,
                   {x[0], b.mul(x[1], b.attr(*size * *size)), rows, columns}));
}

void fovea::frontend::registerSpaceToDepthOps(OpRegistry &registry) {
  registry.add("DepthToSpace", importDepthToSpace);
  registry.add("SpaceToDepth", importSpaceToDepth);
}
