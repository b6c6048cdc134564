//===- RuntimeAxes.cpp - Axes known at run time only ----------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RuntimeAxes.h"

#include "llvm/ADT/bit.h"

using namespace mlir;
using namespace fovea::frontend;

using BuildFn = llvm::function_ref<FailureOr<Value>(ArrayRef<int64_t>)>;

/// More branches than this are no longer reasonable.
static constexpr size_t maxBranches = 20;

/// The dimensions of the bits of `mask`.
static SmallVector<int64_t> axesOf(uint64_t mask) {
  SmallVector<int64_t> axes;
  for (int64_t axis = 0; axis < 64; ++axis)
    if (mask >> axis & 1)
      axes.push_back(axis);
  return axes;
}

/// One bit for each axis: the axes as a number.
static Value maskOf(TensorBuilder &b, ArrayRef<OpFoldResult> axes,
                    int64_t rank) {
  Value mask = b.index(0), size = b.index(rank);
  for (OpFoldResult axis : axes) {
    Value value = b.toValue(axis);
    Value isNegative = b.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::slt,
                                                     value, b.index(0));
    Value wrapped = b.createOrFold<arith::AddIOp>(value, size);
    value = b.createOrFold<arith::SelectOp>(isNegative, wrapped, value);
    Value bit = b.createOrFold<arith::ShLIOp>(b.index(1), value);
    mask = b.createOrFold<arith::OrIOp>(mask, bit);
  }
  return mask;
}

/// Builds the branch for masks[at]; the last one is all that remains.
static FailureOr<Value> buildBranches(TensorBuilder &b, Value mask,
                                      ArrayRef<uint64_t> masks, BuildFn build,
                                      RankedTensorType type) {
  Value matches = b.createOrFold<arith::CmpIOp>(
      arith::CmpIPredicate::eq, mask, b.index(int64_t(masks.front())));
  auto yield = [&](FailureOr<Value> value) {
    if (succeeded(value))
      scf::YieldOp::create(b, b.castShape(*value, type));
    return LogicalResult(value);
  };
  if (masks.size() == 1) {
    b.runtimeCheck(matches, "the axes are out of range or repeated");
    auto value = build(axesOf(masks.front()));
    if (failed(value))
      return failure();
    return b.castShape(*value, type);
  }
  auto choice = scf::IfOp::create(b, type, matches, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(&choice.getThenRegion().front());
  if (failed(yield(build(axesOf(masks.front())))))
    return failure();
  b.setInsertionPointToStart(&choice.getElseRegion().front());
  if (failed(yield(buildBranches(b, mask, masks.drop_front(), build, type))))
    return failure();
  return choice.getResult(0);
}

FailureOr<Value> fovea::frontend::withAxes(NodeImporter &n, size_t i,
                                           int64_t rank, BuildFn build,
                                           uint64_t candidates) {
  TensorBuilder &b = n.b();
  if (auto constant = n.constantInts(i)) {
    auto axes = n.normalizeAxes(*constant, rank);
    if (failed(axes))
      return failure();
    llvm::sort(*axes);
    return build(*axes);
  }
  auto dims = b.dimsFrom(n.input(i));
  if (!dims || rank >= 32)
    return n.fail("the number of axes is only known at run time");
  if (dims->empty())
    return build({});
  SmallVector<uint64_t> masks;
  for (uint64_t mask = 0; mask < uint64_t(1) << rank; ++mask) {
    if (size_t(llvm::popcount(mask)) == dims->size() &&
        (mask & ~candidates) == 0)
      masks.push_back(mask);
    if (masks.size() > maxBranches)
      return n.fail("the axes have to be constant for an input of this rank");
  }
  if (masks.empty())
    return n.fail("there are more axes than dimensions that they can mean");
  // The rank of the result is the same for each set; the sizes are not.
  int64_t resultRank = 0;
  Type element;
  {
    auto draft = scf::IfOp::create(b, TypeRange(), b.scalar(b.getI1Type(), 1),
                                   /*withElseRegion=*/false);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(&draft.getThenRegion().front());
    auto probe = build(axesOf(masks.front()));
    if (succeeded(probe)) {
      resultRank = b.rank(*probe);
      element = b.elementType(*probe);
    }
    b.forgetInside(draft);
    draft.erase();
    if (failed(probe))
      return failure();
  }
  SmallVector<int64_t> sizes(resultRank, ShapedType::kDynamic);
  return buildBranches(b, maskOf(b, *dims, rank), masks, build,
                       RankedTensorType::get(sizes, element));
}
