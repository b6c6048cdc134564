//===- Shape.cpp - ONNX ops on shapes -------------------------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Families.h"
#include "RuntimeAxes.h"

#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace fovea::frontend;

//===----------------------------------------------------------------------===//
// Shape, Size
//===----------------------------------------------------------------------===//

static LogicalResult importShape(NodeImporter &n) {
  int64_t rank = n.rank(0);
  auto clamp = [&](int64_t position) {
    position = position < 0 ? position + rank : position;
    return std::clamp<int64_t>(position, 0, rank);
  };
  int64_t start = clamp(n.attrInt("start", 0));
  int64_t end = clamp(n.attrInt("end", rank));
  Type i64 = n.b().getI64Type();
  SmallVector<Value> sizes;
  for (int64_t i = start; i < end; ++i)
    sizes.push_back(n.b().fromDim(n.b().dim(n.input(0), i), i64));
  auto type = RankedTensorType::get({int64_t(sizes.size())}, i64);
  return n.bindOutput(0, n.b().fromScalars(sizes, type));
}

static LogicalResult importSize(NodeImporter &n) {
  Type i64 = n.b().getI64Type();
  OpFoldResult count = n.b().product(n.b().shape(n.input(0)));
  return n.bindOutput(0, n.b().fromScalars({n.b().fromDim(count, i64)},
                                           RankedTensorType::get({}, i64)));
}

//===----------------------------------------------------------------------===//
// Reshape
//===----------------------------------------------------------------------===//

/// True for sizes computed from sizes: they are never negative placeholders.
static bool isSizeExpression(Value value, int depth = 0) {
  Operation *op = value.getDefiningOp();
  if (!op || depth > 16)
    return false;
  if (isa<tensor::DimOp, arith::ConstantOp>(op))
    return true;
  return isa<arith::ArithDialect>(op->getDialect()) &&
         llvm::all_of(op->getOperands(), [&](Value operand) {
           return isSizeExpression(operand, depth + 1);
         });
}

/// A requested size that is only known at run time: 0 may mean "as the input",
/// -1 "what is left".
static OpFoldResult resolveRuntimeSize(NodeImporter &n, Dims &requested,
                                       size_t i, bool allowZero) {
  TensorBuilder &b = n.b();
  Value size = cast<Value>(requested[i]);
  if (isSizeExpression(size))
    return size;
  auto equals = [&](Value value, int64_t constant) {
    return b.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::eq, value,
                                         b.index(constant));
  };
  Value result = size;
  if (!allowZero && int64_t(i) < n.rank(0))
    result = b.createOrFold<arith::SelectOp>(
        equals(size, 0), b.toValue(b.dim(n.input(0), i)), size);
  Dims others;
  for (auto [j, other] : llvm::enumerate(requested))
    if (j != i)
      others.push_back(other);
  Value rest = b.toValue(b.max(b.product(others), b.attr(1)));
  Value total = b.toValue(b.product(b.shape(n.input(0))));
  Value left = b.createOrFold<arith::DivSIOp>(total, rest);
  return b.createOrFold<arith::SelectOp>(equals(size, -1), left, result);
}

/// The size that -1 stands for.
static FailureOr<OpFoldResult> inferSize(NodeImporter &n, const Dims &others) {
  TensorBuilder &b = n.b();
  OpFoldResult total = b.product(b.shape(n.input(0)));
  OpFoldResult known = b.product(others);
  auto t = getConstantIntValue(total), k = getConstantIntValue(known);
  if (k && *k == 0)
    return b.attr(0);
  if (t && k && *t % *k != 0)
    return n.fail("cannot reshape " + Twine(*t) + " elements into rows of " +
                  Twine(*k));
  return b.div(total, known);
}

static LogicalResult checkCount(NodeImporter &n, const Dims &dims) {
  TensorBuilder &b = n.b();
  OpFoldResult from = b.product(b.shape(n.input(0))), to = b.product(dims);
  auto f = getConstantIntValue(from), t = getConstantIntValue(to);
  if (f && t && *f != *t)
    return n.fail("cannot reshape " + Twine(*f) + " elements into " +
                  Twine(*t));
  if (!b.same(from, to))
    b.runtimeCheck(b.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::eq,
                                                 b.toValue(from),
                                                 b.toValue(to)),
                   "the shape does not fit the number of elements");
  return success();
}

static LogicalResult importReshape(NodeImporter &n) {
  TensorBuilder &b = n.b();
  std::optional<Dims> dims;
  if (auto attribute = n.attrInts("shape"); attribute && !n.input(1)) {
    dims.emplace();
    for (int64_t size : *attribute)
      dims->push_back(b.attr(size));
  } else if (n.input(1)) {
    dims = b.dimsFrom(n.input(1));
  }
  if (!dims)
    return n.fail("the rank of the result is only known at run time");
  bool allowZero = n.attrInt("allowzero", 0);
  std::optional<size_t> missing;
  for (auto [i, size] : llvm::enumerate(*dims)) {
    auto constant = getConstantIntValue(size);
    if (!constant) {
      size = resolveRuntimeSize(n, *dims, i, allowZero);
      continue;
    }
    if (*constant == 0 && !allowZero) {
      if (int64_t(i) >= n.rank(0))
        return n.fail("size 0 at position " + Twine(i) +
                      " refers to a dimension the input does not have");
      size = b.dim(n.input(0), i);
    } else if (*constant == -1) {
      if (missing)
        return n.fail("more than one size is -1");
      missing = i;
    } else if (*constant < 0) {
      return n.fail("size " + Twine(*constant) + " is not valid");
    }
  }
  if (missing) {
    Dims others(*dims);
    others.erase(others.begin() + *missing);
    auto size = inferSize(n, others);
    if (failed(size))
      return failure();
    (*dims)[*missing] = *size;
  }
  // Inference may know sizes that the shape tensor does not spell out.
  if (RankedTensorType inferred = n.inferredType(0))
    if (inferred.getRank() == int64_t(dims->size()))
      for (auto [i, size] : llvm::enumerate(*dims))
        if (!getConstantIntValue(size) && !inferred.isDynamicDim(i))
          size = b.attr(inferred.getDimSize(i));
  if (failed(checkCount(n, *dims)))
    return failure();
  return n.bindOutput(0, b.reshape(n.input(0), *dims), n.dtype(0));
}

static LogicalResult importFlatten(NodeImporter &n) {
  TensorBuilder &b = n.b();
  int64_t axis = n.attrInt("axis", 1), rank = n.rank(0);
  if (axis < -rank || axis > rank)
    return n.fail("axis " + Twine(axis) + " is out of range");
  axis = axis < 0 ? axis + rank : axis;
  Dims dims = b.shape(n.input(0));
  ArrayRef<OpFoldResult> all = dims;
  Dims flat = {b.product(all.take_front(axis)),
               b.product(all.drop_front(axis))};
  return n.bindOutput(0, b.reshape(n.input(0), flat), n.dtype(0));
}

static FailureOr<Value> squeezeAxes(NodeImporter &n, ArrayRef<int64_t> axes) {
  TensorBuilder &b = n.b();
  for (int64_t axis : axes) {
    OpFoldResult size = b.dim(n.input(0), axis);
    auto known = getConstantIntValue(size);
    if (known && *known != 1)
      return n.fail("cannot squeeze axis " + Twine(axis) + " of size " +
                    Twine(*known));
    b.runtimeCheck(b.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::eq,
                                                 b.toValue(size), b.index(1)),
                   "the size of axis " + Twine(axis) + " is not 1");
  }
  return b.squeeze(n.input(0), axes);
}

/// Without axes, every dimension of size 1 goes. Which those are has to be
/// known, as the rank of the result depends on it.
static FailureOr<Value> squeezeOnes(NodeImporter &n) {
  TensorBuilder &b = n.b();
  SmallVector<int64_t> axes;
  for (int64_t i = 0; i < n.rank(0); ++i) {
    OpFoldResult size = b.dim(n.input(0), i);
    if (getConstantIntValue(size) == 1)
      axes.push_back(i);
    b.runtimeCheck(
        getConstantIntValue(size)
            ? b.scalar(b.getI1Type(), 1)
            : b.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::ne,
                                            b.toValue(size), b.index(1)),
        "the size of axis " + Twine(i) + " is 1, which changes the rank");
  }
  return squeezeAxes(n, axes);
}

static LogicalResult importSqueeze(NodeImporter &n) {
  if (n.input(1)) {
    auto build = [&](ArrayRef<int64_t> axes) { return squeezeAxes(n, axes); };
    uint64_t candidates = 0;
    for (auto [i, size] : llvm::enumerate(n.inputType(0).getShape()))
      if (i < 64 && (size == 1 || ShapedType::isDynamic(size)))
        candidates |= uint64_t(1) << i;
    return n.bindOutput(0, withAxes(n, 1, n.rank(0), build, candidates),
                        n.dtype(0));
  }
  auto given = n.attrInts("axes");
  if (!given)
    return n.bindOutput(0, squeezeOnes(n), n.dtype(0));
  auto axes = n.normalizeAxes(*given, n.rank(0));
  if (failed(axes))
    return failure();
  return n.bindOutput(0, squeezeAxes(n, *axes), n.dtype(0));
}

static LogicalResult importUnsqueeze(NodeImporter &n) {
  auto build = [&](ArrayRef<int64_t> axes) -> FailureOr<Value> {
    return n.b().unsqueeze(n.input(0), axes);
  };
  if (n.input(1)) {
    int64_t count = n.rank(1) == 0 ? 1 : n.inputType(1).getDimSize(0);
    if (ShapedType::isDynamic(count))
      return n.fail("the number of axes is only known at run time");
    return n.bindOutput(0, withAxes(n, 1, n.rank(0) + count, build),
                        n.dtype(0));
  }
  auto given = n.attrInts("axes");
  if (!given)
    return n.fail("'axes' is missing");
  auto axes = n.normalizeAxes(*given, n.rank(0) + given->size());
  if (failed(axes))
    return failure();
  return n.bindOutput(0, build(*axes), n.dtype(0));
}

static LogicalResult importTranspose(NodeImporter &n) {
  int64_t rank = n.rank(0);
  SmallVector<int64_t> perm;
  if (auto given = n.attrInts("perm")) {
    if (int64_t(given->size()) != rank)
      return n.fail("'perm' has " + Twine(given->size()) +
                    " entries for an input of rank " + Twine(rank));
    auto normalized = n.normalizeAxes(*given, rank);
    if (failed(normalized))
      return failure();
    perm = *normalized;
  } else {
    for (int64_t i = rank - 1; i >= 0; --i)
      perm.push_back(i);
  }
  return n.bindOutput(0, n.b().transpose(n.input(0), perm), n.dtype(0));
}

//===----------------------------------------------------------------------===//
// Repetition
//===----------------------------------------------------------------------===//

static LogicalResult importExpand(NodeImporter &n) {
  TensorBuilder &b = n.b();
  auto dims = b.dimsFrom(n.input(1));
  if (!dims)
    return n.fail("the rank of the result is only known at run time");
  auto out = b.broadcastShape({b.shape(n.input(0)), *dims});
  if (failed(out))
    return failure();
  return n.bindOutput(0, b.broadcastTo(n.input(0), *out), n.dtype(0));
}

static LogicalResult importTile(NodeImporter &n) {
  TensorBuilder &b = n.b();
  auto repeats = b.dimsFrom(n.input(1));
  if (!repeats || int64_t(repeats->size()) != n.rank(0))
    return n.fail("'repeats' needs one entry for each dimension");
  // Each repeated dimension becomes (repeat, size), where repeat is broadcast.
  Dims source, wide, result;
  for (auto [i, repeat] : llvm::enumerate(*repeats)) {
    OpFoldResult size = b.dim(n.input(0), i);
    auto constant = getConstantIntValue(repeat);
    if (constant && *constant < 0)
      return n.fail("a repeat count is negative");
    if (!constant || *constant != 1) {
      source.push_back(b.attr(1));
      wide.push_back(repeat);
    }
    source.push_back(size);
    wide.push_back(size);
    result.push_back(b.mul(repeat, size));
  }
  auto repeated = b.broadcastTo(b.reshape(n.input(0), source), wide);
  if (failed(repeated))
    return failure();
  return n.bindOutput(0, b.reshape(*repeated, result), n.dtype(0));
}

void fovea::frontend::registerShapeOps(OpRegistry &registry) {
  registry.add("Shape", importShape);
  registry.add("Size", importSize);
  registry.add("Reshape", importReshape);
  registry.add("Flatten", importFlatten);
  registry.add("Squeeze", importSqueeze);
  registry.add("Unsqueeze", importUnsqueeze);
  registry.add("Transpose", importTranspose);
  registry.add("Expand", importExpand);
  registry.add("Tile", importTile);
}
