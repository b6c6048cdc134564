//===- Online.cpp - attn.online -------------------------------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fovea/dialects/attn/Attn.h"

using namespace mlir;
using namespace fovea::attn;

void OnlineOp::build(OpBuilder &builder, OperationState &state, Value query,
                     Value key, Value value, ValueRange captures, Value acc,
                     Value max, Value sum, ArrayRef<AffineMap> maps,
                     double scale, double exponentScale,
                     RegionBuilderFn score) {
  state.addOperands({query, key, value});
  state.addOperands(captures);
  state.addOperands({acc, max, sum});
  state.addTypes({acc.getType(), max.getType(), sum.getType()});
  auto &properties = state.getOrAddProperties<Properties>();
  properties.setIndexingMaps(builder.getAffineMapArrayAttr(maps));
  properties.setScale(builder.getF64FloatAttr(scale));
  properties.setExponentScale(builder.getF64FloatAttr(exponentScale));
  Region &region = *state.addRegion();
  if (!score)
    return;
  OpBuilder::InsertionGuard guard(builder);
  Block *block = builder.createBlock(&region);
  Location loc = state.location;
  block->addArgument(getElementTypeOrSelf(acc), loc);
  for (Value capture : captures)
    block->addArgument(getElementTypeOrSelf(capture), loc);
  Value element = score(builder, loc, block->getArgument(0),
                        block->getArguments().drop_front());
  YieldOp::create(builder, loc, element);
}

MutableOperandRange OnlineOp::getDpsInitsMutable() {
  return MutableOperandRange(*this, 3 + getCaptures().size(), 3);
}

SmallVector<AffineMap> OnlineOp::getMaps() {
  return llvm::to_vector(getIndexingMaps().getAsValueRange<AffineMapAttr>());
}

AffineMap OnlineOp::getCaptureMap(unsigned capture) {
  return getMaps()[3 + capture];
}

AffineMap OnlineOp::getAccMap() { return getMaps()[3 + getCaptures().size()]; }

AffineMap OnlineOp::getMaxMap() { return getMaps()[4 + getCaptures().size()]; }

AffineMap OnlineOp::getSumMap() { return getMaps()[5 + getCaptures().size()]; }

DimRoles OnlineOp::getRoles() {
  SmallVector<AffineMap> maps = getMaps();
  return *DimRoles::find(maps[0], maps[1], maps[2], getAccMap(),
                         [&] { return emitOpError(); });
}

FloatType OnlineOp::getComputeType() {
  return cast<FloatType>(getElementTypeOrSelf(getAcc()));
}

SmallVector<int64_t> OnlineOp::getStaticExtents() {
  SmallVector<AffineMap> maps = getMaps();
  SmallVector<int64_t> extents(maps[0].getNumDims(), ShapedType::kDynamic);
  for (auto [operand, map] : llvm::zip_equal((*this)->getOperands(), maps))
    for (auto [axis, expr] : llvm::enumerate(map.getResults())) {
      int64_t size = cast<ShapedType>(operand.getType()).getDimSize(axis);
      if (!ShapedType::isDynamic(size))
        extents[cast<AffineDimExpr>(expr).getPosition()] = size;
    }
  return extents;
}

static LogicalResult verifyMaps(OnlineOp op) {
  SmallVector<AffineMap> maps = op.getMaps();
  if (maps.size() != op->getNumOperands())
    return op.emitOpError("has ")
           << maps.size() << " indexing maps for " << op->getNumOperands()
           << " operands (online_c1)";
  for (auto [position, map] : llvm::enumerate(maps)) {
    auto type = cast<RankedTensorType>(op->getOperand(position).getType());
    if (map.getNumDims() != maps[0].getNumDims() || map.getNumSymbols() != 0 ||
        map.getNumResults() != type.getRank() || !map.isProjectedPermutation())
      return op.emitOpError("indexing map ")
             << position << " is not a projected permutation of "
             << maps[0].getNumDims() << " dimensions with " << type.getRank()
             << " results (online_c1)";
  }
  return success();
}

LogicalResult OnlineOp::verify() {
  if (failed(verifyMaps(*this)))
    return failure();
  SmallVector<AffineMap> maps = getMaps();
  FailureOr<DimRoles> roles =
      DimRoles::find(maps[0], maps[1], maps[2], getAccMap(),
                     [&] { return emitOpError("(online_c2) "); });
  if (failed(roles))
    return failure();
  SmallVector<unsigned> rows = roles->batch;
  rows.push_back(roles->m);
  for (AffineMap map : {getMaxMap(), getSumMap()})
    if (map.getNumResults() != rows.size() ||
        !llvm::all_of(rows,
                      [&](unsigned dim) { return map.isFunctionOfDim(dim); }))
      return emitOpError("'max' and 'sum' do not have the dimensions B and M "
                         "(online_c3)");
  SmallVector<int64_t> extents = getStaticExtents();
  for (auto [operand, map] : llvm::zip_equal((*this)->getOperands(), maps))
    for (auto [axis, expr] : llvm::enumerate(map.getResults())) {
      int64_t size = cast<ShapedType>(operand.getType()).getDimSize(axis);
      unsigned dim = cast<AffineDimExpr>(expr).getPosition();
      if (!ShapedType::isDynamic(size) && size != extents[dim])
        return emitOpError("has extents ")
               << size << " and " << extents[dim] << " along dimension " << dim
               << " (online_c4)";
    }
  Type compute = getElementTypeOrSelf(getAcc());
  if (!isa<Float32Type, Float64Type>(compute) ||
      getElementTypeOrSelf(getMax()) != compute ||
      getElementTypeOrSelf(getSum()) != compute ||
      getAccOut().getType() != getAcc().getType() ||
      getMaxOut().getType() != getMax().getType() ||
      getSumOut().getType() != getSum().getType())
    return emitOpError("expects 'acc', 'max', 'sum' and the results to hold "
                       "f32 or f64, all the same (online_c5)");
  return success();
}

LogicalResult OnlineOp::verifyRegions() {
  if (getScore().empty())
    return success();
  SmallVector<Type> expected{getComputeType()};
  for (Type type : getCaptures().getTypes())
    expected.push_back(getElementTypeOrSelf(type));
  Block &block = getScore().front();
  auto yield = block.empty() ? YieldOp() : dyn_cast<YieldOp>(block.back());
  if (!getScore().hasOneBlock() ||
      block.getArgumentTypes() != TypeRange(expected) || !yield ||
      yield.getElement().getType() != getComputeType())
    return emitOpError("expects a region with the arguments (")
           << TypeRange(expected) << ") that yields " << getComputeType()
           << " (online_c6)";
  return success();
}
