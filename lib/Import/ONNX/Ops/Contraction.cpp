//===- Contraction.cpp - ONNX MatMul and Gemm -----------------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Contraction.h"
#include "Arith.h"
#include "Families.h"

#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace fovea::frontend;

/// Both sides of a sum have the same size; a dynamic difference fails the run.
static LogicalResult checkInner(NodeImporter &n, OpFoldResult lhs,
                                OpFoldResult rhs) {
  auto l = getConstantIntValue(lhs), r = getConstantIntValue(rhs);
  if (l && r && *l != *r)
    return n.fail("cannot multiply matrices with inner sizes " + Twine(*l) +
                  " and " + Twine(*r));
  if (!n.b().same(lhs, rhs))
    n.b().runtimeCheck(
        n.b().createOrFold<arith::CmpIOp>(
            arith::CmpIPredicate::eq, n.b().toValue(lhs), n.b().toValue(rhs)),
        "the inner sizes of the matrices differ");
  return success();
}

/// Affine map of an operand whose dimensions stand at `positions` of a list
/// that is `loops` by name.
static AffineMap mapOf(TensorBuilder &b, ArrayRef<int64_t> positions,
                       ArrayRef<int64_t> loopOf, int64_t loops) {
  SmallVector<AffineExpr> exprs;
  for (int64_t position : positions)
    exprs.push_back(b.getAffineDimExpr(loopOf[position]));
  return AffineMap::get(loops, 0, exprs, b.getContext());
}

FailureOr<Value> fovea::frontend::buildMatMul(NodeImporter &n, Value lhs,
                                              Value rhs) {
  TensorBuilder &b = n.b();
  if (b.rank(lhs) == 0 || b.rank(rhs) == 0)
    return n.fail("a scalar is no matrix");
  bool isRow = b.rank(lhs) == 1, isColumn = b.rank(rhs) == 1;
  if (isRow)
    lhs = b.unsqueeze(lhs, {0});
  if (isColumn)
    rhs = b.unsqueeze(rhs, {1});
  Dims l = b.shape(lhs), r = b.shape(rhs);
  if (failed(checkInner(n, l.back(), r[r.size() - 2])))
    return failure();
  auto batch = b.broadcastShape(
      {Dims(l.begin(), l.end() - 2), Dims(r.begin(), r.end() - 2)});
  if (failed(batch))
    return failure();

  // Loops: batch.., m, n, k.
  int64_t count = batch->size();
  Dims loops = *batch, lhsTo = *batch, rhsTo = *batch;
  loops.append({l[l.size() - 2], r.back(), l.back()});
  lhsTo.append({l[l.size() - 2], l.back()});
  rhsTo.append({r[r.size() - 2], r.back()});
  SmallVector<int64_t> lhsLoops = llvm::to_vector(llvm::seq<int64_t>(0, count));
  SmallVector<int64_t> rhsLoops = lhsLoops;
  lhsLoops.append({count, count + 2});
  rhsLoops.append({count + 2, count + 1});
  auto left = b.broadcastOperand(lhs, lhsTo);
  auto right = b.broadcastOperand(rhs, rhsTo);
  if (failed(left) || failed(right))
    return failure();
  // An inner size known on one side only.
  if (!getConstantIntValue(loops.back()))
    loops.back() = r[r.size() - 2];
  int64_t total = loops.size();
  Value result =
      b.contract({left->value, right->value},
                 {mapOf(b, left->positions, lhsLoops, total),
                  mapOf(b, right->positions, rhsLoops, total)},
                 AffineMap::getMultiDimIdentityMap(total, b.getContext())
                     .dropResult(total - 1),
                 loops, n.isUnsigned(0));
  SmallVector<int64_t> dropped;
  if (isRow)
    dropped.push_back(count);
  if (isColumn)
    dropped.push_back(count + 1);
  if (!dropped.empty())
    result = b.squeeze(result, dropped);
  return result;
}

static LogicalResult importMatMul(NodeImporter &n) {
  return n.bindOutput(0, buildMatMul(n, n.input(0), n.input(1)), n.dtype(0));
}

//===----------------------------------------------------------------------===//
// Gemm
//===----------------------------------------------------------------------===//

/// x * factor for a constant factor; x itself for 1.
static Value scaled(TensorBuilder &b, Value x, double factor) {
  return factor == 1 ? x : element::mul(b, x, b.scalar(x.getType(), factor));
}

FailureOr<Value> fovea::frontend::buildGemm(NodeImporter &n) {
  TensorBuilder &b = n.b();
  if (n.rank(0) != 2 || n.rank(1) != 2)
    return n.fail("needs two matrices");
  bool transA = n.attrInt("transA", 0), transB = n.attrInt("transB", 0);
  double alpha = n.attrFloat("alpha", 1), beta = n.attrFloat("beta", 1);
  OpFoldResult rows = b.dim(n.input(0), transA ? 1 : 0);
  OpFoldResult inner = b.dim(n.input(0), transA ? 0 : 1);
  OpFoldResult other = b.dim(n.input(1), transB ? 1 : 0);
  OpFoldResult columns = b.dim(n.input(1), transB ? 0 : 1);
  if (failed(checkInner(n, inner, other)))
    return failure();
  if (!getConstantIntValue(inner))
    inner = other;
  auto map = [&](int64_t first, int64_t second) {
    return AffineMap::get(
        3, 0, {b.getAffineDimExpr(first), b.getAffineDimExpr(second)},
        b.getContext());
  };
  Type type = b.elementType(n.input(0));
  Value product = b.contract(
      {n.input(0), n.input(1)},
      {transA ? map(2, 0) : map(0, 2), transB ? map(1, 2) : map(2, 1)},
      map(0, 1), {rows, columns, inner}, n.isUnsigned(0));
  if (!n.input(2) || beta == 0) {
    if (alpha == 1)
      return product;
    return b.elementwise({product}, type,
                         [&](TensorBuilder &b, ValueRange args) {
                           return scaled(b, args[0], alpha);
                         });
  }
  if (n.rank(2) > 2)
    return n.fail("C has more than two dimensions");
  return b.elementwise({product, n.input(2)}, type,
                       [&](TensorBuilder &b, ValueRange args) {
                         return element::add(b, scaled(b, args[0], alpha),
                                             scaled(b, args[1], beta));
                       });
}

static LogicalResult importGemm(NodeImporter &n) {
  return n.bindOutput(0, buildGemm(n), n.dtype(0));
}

void fovea::frontend::registerContractionOps(OpRegistry &registry) {
  registry.add("MatMul", importMatMul);
  registry.add("Gemm", importGemm);
}
