//===- Attention.cpp - attn.attention -------------------------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fovea/dialects/attn/Attn.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace fovea::attn;

//===----------------------------------------------------------------------===//
// Building
//===----------------------------------------------------------------------===//

static FloatType computeTypeOf(MLIRContext *context, TypeRange types) {
  for (Type type : types)
    if (getElementTypeOrSelf(type).isF64())
      return Float64Type::get(context);
  return Float32Type::get(context);
}

static void buildRegion(OpBuilder &builder, Location loc, Region &region,
                        Type compute, ValueRange captures,
                        RegionBuilderFn body) {
  if (!body)
    return;
  OpBuilder::InsertionGuard guard(builder);
  Block *block = builder.createBlock(&region);
  block->addArgument(compute, loc);
  for (Value capture : captures)
    block->addArgument(getElementTypeOrSelf(capture), loc);
  Value element = body(builder, loc, block->getArgument(0),
                       block->getArguments().drop_front());
  YieldOp::create(builder, loc, element);
}

void AttentionOp::build(OpBuilder &builder, OperationState &state, Value query,
                        ValueRange keys, ValueRange values, ValueRange captures,
                        ValueRange inits, ArrayRef<AffineMap> maps,
                        const AttentionParams &params, RegionBuilderFn score,
                        RegionBuilderFn prob) {
  state.addOperands(query);
  state.addOperands(keys);
  state.addOperands(values);
  state.addOperands(captures);
  state.addOperands(inits);
  state.addTypes(TypeRange(inits));
  auto &properties = state.getOrAddProperties<Properties>();
  properties.operandSegmentSizes = {1, static_cast<int32_t>(keys.size()),
                                    static_cast<int32_t>(values.size()),
                                    static_cast<int32_t>(captures.size()),
                                    static_cast<int32_t>(inits.size())};
  MLIRContext *context = builder.getContext();
  properties.setIndexingMaps(builder.getAffineMapArrayAttr(maps));
  properties.setScale(builder.getF64FloatAttr(params.scale));
  properties.setNormalizer(NormalizerAttr::get(context, params.normalizer));
  properties.setEmptyRow(EmptyRowAttr::get(context, params.emptyRow));
  if (params.mask)
    properties.setMask(params.mask);
  if (!params.kinds.empty()) {
    SmallVector<Attribute> kinds;
    for (ResultKind kind : params.kinds)
      kinds.push_back(ResultKindAttr::get(context, kind));
    properties.setResultKinds(builder.getArrayAttr(kinds));
  }
  SmallVector<Type> types{query.getType()};
  llvm::append_range(types, keys.getTypes());
  llvm::append_range(types, values.getTypes());
  FloatType compute = computeTypeOf(context, types);
  buildRegion(builder, state.location, *state.addRegion(), compute, captures,
              score);
  buildRegion(builder, state.location, *state.addRegion(), compute, captures,
              prob);
}

//===----------------------------------------------------------------------===//
// Questions
//===----------------------------------------------------------------------===//

SmallVector<AffineMap> AttentionOp::getMaps() {
  return llvm::to_vector(getIndexingMaps().getAsValueRange<AffineMapAttr>());
}

AffineMap AttentionOp::getKeyMap(unsigned source) {
  return getMaps()[1 + source];
}

AffineMap AttentionOp::getValueMap(unsigned source) {
  return getMaps()[1 + getKeys().size() + source];
}

AffineMap AttentionOp::getCaptureMap(unsigned capture) {
  return getMaps()[1 + 2 * getKeys().size() + capture];
}

AffineMap AttentionOp::getInitMap(unsigned init) {
  return getMaps()[1 + 2 * getKeys().size() + getCaptures().size() + init];
}

DimRoles AttentionOp::getRoles() {
  return *DimRoles::find(getQueryMap(), getKeyMap(0), getValueMap(0),
                         getInitMap(getInitOfKind(ResultKind::Output)),
                         [&] { return emitOpError(); });
}

SmallVector<ResultKind> AttentionOp::getKinds() {
  if (!getResultKinds())
    return {ResultKind::Output};
  return llvm::map_to_vector(
      getResultKinds()->getAsRange<ResultKindAttr>(),
      [](ResultKindAttr kind) { return kind.getValue(); });
}

int AttentionOp::getInitOfKind(ResultKind kind) {
  SmallVector<ResultKind> kinds = getKinds();
  auto *it = llvm::find(kinds, kind);
  return it == kinds.end() ? -1 : static_cast<int>(it - kinds.begin());
}

FloatType AttentionOp::getComputeType() {
  SmallVector<Type> types{getQuery().getType()};
  llvm::append_range(types, getKeys().getTypes());
  llvm::append_range(types, getValues().getTypes());
  return computeTypeOf(getContext(), types);
}

/// Calls `fn` with each dimension of each operand that is not K2 of a source,
/// which is only a part of K2.
static void forEachExtent(
    AttentionOp op, unsigned k2,
    function_ref<void(unsigned dim, OpOperand &operand, unsigned axis)> fn) {
  unsigned sources = op.getKeys().size();
  for (auto [position, map] : llvm::enumerate(op.getMaps())) {
    bool isSource = position >= 1 && position < 1 + 2 * sources;
    for (auto [axis, expr] : llvm::enumerate(map.getResults())) {
      auto dim = dyn_cast<AffineDimExpr>(expr);
      if (dim && !(isSource && dim.getPosition() == k2))
        fn(dim.getPosition(), op->getOpOperand(position), axis);
    }
  }
}

static unsigned axisOf(AffineMap map, unsigned dim) {
  return *map.getResultPosition(getAffineDimExpr(dim, map.getContext()));
}

SmallVector<int64_t> AttentionOp::getStaticExtents() {
  unsigned k2 = getRoles().k2;
  SmallVector<int64_t> extents(getQueryMap().getNumDims(),
                               ShapedType::kDynamic);
  forEachExtent(
      *this, k2, [&](unsigned dim, OpOperand &operand, unsigned axis) {
        int64_t size =
            cast<ShapedType>(operand.get().getType()).getDimSize(axis);
        if (!ShapedType::isDynamic(size))
          extents[dim] = size;
      });
  int64_t total = 0;
  for (auto [source, key] : llvm::enumerate(getKeys())) {
    Value value = getValues()[source];
    int64_t size = cast<ShapedType>(key.getType())
                       .getDimSize(axisOf(getKeyMap(source), k2));
    if (ShapedType::isDynamic(size))
      size = cast<ShapedType>(value.getType())
                 .getDimSize(axisOf(getValueMap(source), k2));
    if (ShapedType::isDynamic(size))
      return extents;
    total += size;
  }
  extents[k2] = total;
  return extents;
}

SmallVector<OpFoldResult> AttentionOp::getSourceExtents(OpBuilder &builder) {
  unsigned k2 = getRoles().k2;
  SmallVector<OpFoldResult> extents;
  for (auto [source, key] : llvm::enumerate(getKeys()))
    extents.push_back(tensor::getMixedSize(builder, getLoc(), key,
                                           axisOf(getKeyMap(source), k2)));
  return extents;
}

SmallVector<OpFoldResult> AttentionOp::getExtents(OpBuilder &builder) {
  unsigned k2 = getRoles().k2;
  SmallVector<OpFoldResult> extents;
  for (int64_t size : getStaticExtents())
    extents.push_back(ShapedType::isDynamic(size)
                          ? OpFoldResult()
                          : OpFoldResult(builder.getIndexAttr(size)));
  forEachExtent(
      *this, k2, [&](unsigned dim, OpOperand &operand, unsigned axis) {
        if (!extents[dim] && dim != k2)
          extents[dim] =
              tensor::getMixedSize(builder, getLoc(), operand.get(), axis);
      });
  if (!extents[k2]) {
    SmallVector<OpFoldResult> sizes = getSourceExtents(builder);
    AffineExpr sum = builder.getAffineConstantExpr(0);
    for (unsigned i = 0; i < sizes.size(); ++i)
      sum = sum + builder.getAffineSymbolExpr(i);
    extents[k2] = affine::makeComposedFoldedAffineApply(
        builder, getLoc(), AffineMap::get(0, sizes.size(), sum), sizes);
  }
  return extents;
}

LogicalResult
AttentionOp::reifyResultShapes(OpBuilder &builder,
                               ReifiedRankedShapedTypeDims &shapes) {
  for (Value init : getInits())
    shapes.push_back(tensor::getMixedSizes(builder, getLoc(), init));
  return success();
}

//===----------------------------------------------------------------------===//
// Verification
//===----------------------------------------------------------------------===//

static LogicalResult verifyMaps(AttentionOp op) {
  SmallVector<AffineMap> maps = op.getMaps();
  if (maps.size() != op->getNumOperands())
    return op.emitOpError("has ")
           << maps.size() << " indexing maps for " << op->getNumOperands()
           << " operands (attention_c2)";
  unsigned firstCapture = 1 + 2 * op.getKeys().size();
  unsigned firstInit = firstCapture + op.getCaptures().size();
  for (auto [position, map] : llvm::enumerate(maps)) {
    if (map.getNumDims() != maps[0].getNumDims() || map.getNumSymbols() != 0)
      return op.emitOpError("indexing map ")
             << position << " is over " << map.getNumDims()
             << " dimensions and " << map.getNumSymbols()
             << " symbols, expected " << maps[0].getNumDims()
             << " and none (attention_c2)";
    auto type = cast<RankedTensorType>(op->getOperand(position).getType());
    bool isCapture = position >= firstCapture && position < firstInit;
    if (map.getNumResults() != type.getRank() ||
        !map.isProjectedPermutation(/*allowZeroInResults=*/isCapture))
      return op.emitOpError("indexing map ")
             << position << " is not a projected permutation with "
             << type.getRank() << " results (attention_c3)";
  }
  return success();
}

static LogicalResult verifyKinds(AttentionOp op) {
  SmallVector<ResultKind> kinds = op.getKinds();
  if (kinds.size() != op.getInits().size())
    return op.emitOpError("has ")
           << kinds.size() << " result kinds for " << op.getInits().size()
           << " inits (attention_c7)";
  for (unsigned i = 0; i < kinds.size(); ++i)
    if (llvm::is_contained(ArrayRef(kinds).take_front(i), kinds[i]))
      return op.emitOpError("has two results of kind ")
             << stringifyResultKind(kinds[i]) << " (attention_c7)";
  if (op.getInitOfKind(ResultKind::Output) < 0)
    return op.emitOpError("has no result of kind output (attention_c7)");
  if (op.getInitOfKind(ResultKind::LogSumExp) >= 0 &&
      op.getNormalizer() != Normalizer::Softmax &&
      op.getNormalizer() != Normalizer::SoftmaxPlusOne)
    return op.emitOpError("has a result of kind lse without a softmax "
                          "(attention_c7)");
  return success();
}

/// Whether `map` reads exactly the dimensions `dims`.
static bool readsExactly(AffineMap map, ArrayRef<unsigned> dims) {
  return map.getNumResults() == dims.size() &&
         llvm::all_of(dims,
                      [&](unsigned dim) { return map.isFunctionOfDim(dim); });
}

static LogicalResult verifyRoles(AttentionOp op) {
  AffineMap output = op.getInitMap(op.getInitOfKind(ResultKind::Output));
  FailureOr<DimRoles> roles;
  for (unsigned source = 0; source < op.getKeys().size(); ++source) {
    FailureOr<DimRoles> found = DimRoles::find(
        op.getQueryMap(), op.getKeyMap(source), op.getValueMap(source), output,
        [&] { return op.emitOpError(); });
    if (failed(found))
      return failure();
    if (source && (found->m != roles->m || found->n != roles->n ||
                   found->k1 != roles->k1 || found->k2 != roles->k2))
      return op.emitOpError("source ")
             << source << " gives other roles than source 0 (attention_c4)";
    roles = found;
  }
  for (auto [init, kind] : llvm::enumerate(op.getKinds())) {
    SmallVector<unsigned> dims = roles->batch;
    dims.push_back(roles->m);
    if (kind == ResultKind::Output)
      dims.push_back(roles->n);
    if (kind == ResultKind::Probabilities)
      dims.push_back(roles->k2);
    if (!readsExactly(op.getInitMap(init), dims))
      return op.emitOpError("init ")
             << init << " of kind " << stringifyResultKind(kind)
             << " does not have the dimensions of its kind (attention_c7)";
  }
  return success();
}

static LogicalResult verifyExtents(AttentionOp op) {
  unsigned k2 = op.getRoles().k2;
  SmallVector<int64_t> extents(op.getQueryMap().getNumDims(),
                               ShapedType::kDynamic);
  SmallVector<int64_t> known = op.getStaticExtents();
  LogicalResult result = success();
  auto check = [&](int64_t size, int64_t expected, unsigned dim,
                   unsigned position) {
    if (failed(result) || ShapedType::isDynamic(size) ||
        ShapedType::isDynamic(expected) || size == expected)
      return;
    result = op.emitOpError("operand ")
             << position << " has extent " << size << " along dimension " << dim
             << ", expected " << expected << " (attention_c5)";
  };
  forEachExtent(op, k2, [&](unsigned dim, OpOperand &operand, unsigned axis) {
    int64_t size = cast<ShapedType>(operand.get().getType()).getDimSize(axis);
    check(size, dim == k2 ? known[dim] : extents[dim], dim,
          operand.getOperandNumber());
    if (!ShapedType::isDynamic(size))
      extents[dim] = size;
  });
  for (auto [source, key] : llvm::enumerate(op.getKeys())) {
    Value value = op.getValues()[source];
    check(cast<ShapedType>(value.getType())
              .getDimSize(axisOf(op.getValueMap(source), k2)),
          cast<ShapedType>(key.getType())
              .getDimSize(axisOf(op.getKeyMap(source), k2)),
          k2, 1 + op.getKeys().size() + source);
  }
  // A constant 0 in the map of a capture stands for an extent of 1.
  for (auto [index, capture] : llvm::enumerate(op.getCaptures()))
    for (auto [axis, expr] :
         llvm::enumerate(op.getCaptureMap(index).getResults())) {
      int64_t size = cast<ShapedType>(capture.getType()).getDimSize(axis);
      if (isa<AffineConstantExpr>(expr) && succeeded(result) && size != 1)
        result = op.emitOpError("capture ")
                 << index << " has the constant 0 in its map for axis " << axis
                 << ", whose extent is not 1 (attention_c5)";
    }
  return result;
}

LogicalResult AttentionOp::verify() {
  if (getKeys().empty() || getKeys().size() != getValues().size())
    return emitOpError("has ")
           << getKeys().size() << " keys and " << getValues().size()
           << " values (attention_c1)";
  if (failed(verifyMaps(*this)) || failed(verifyKinds(*this)))
    return failure();
  for (OpOperand &operand : (*this)->getOpOperands()) {
    unsigned position = operand.getOperandNumber();
    unsigned firstCapture = 1 + 2 * getKeys().size();
    bool isCapture = position >= firstCapture &&
                     position < firstCapture + getCaptures().size();
    if (!isCapture && !isa<Float16Type, BFloat16Type, Float32Type, Float64Type>(
                          getElementTypeOrSelf(operand.get())))
      return emitOpError("operand ")
             << position << " has the element type "
             << getElementTypeOrSelf(operand.get())
             << ", expected f16, bf16, f32 or f64 (attention_c6)";
  }
  if (getOutputs().getTypes() != getInits().getTypes())
    return emitOpError("has results that differ in type from the inits "
                       "(attention_c8)");
  if (failed(verifyRoles(*this)) || failed(verifyExtents(*this)))
    return failure();
  if (std::optional<MaskInterface> mask = getMask()) {
    SmallVector<Type> types =
        llvm::map_to_vector(getCaptures().getTypes(), [](Type type) {
          return getElementTypeOrSelf(type);
        });
    return mask->verifyCaptures([&] { return emitOpError(); }, types);
  }
  return success();
}

static LogicalResult verifyRegion(AttentionOp op, Region &region,
                                  const char *name) {
  if (region.empty())
    return success();
  auto error = [&] { return op.emitOpError("region '") << name << "' "; };
  if (!region.hasOneBlock())
    return error() << "has more than one block (attention_c9)";
  SmallVector<Type> expected{op.getComputeType()};
  for (Type type : op.getCaptures().getTypes())
    expected.push_back(getElementTypeOrSelf(type));
  Block &block = region.front();
  if (block.getArgumentTypes() != TypeRange(expected))
    return error() << "has the argument types (" << block.getArgumentTypes()
                   << "), expected (" << TypeRange(expected)
                   << ") (attention_c9)";
  auto yield = block.empty() ? YieldOp() : dyn_cast<YieldOp>(block.back());
  if (!yield || yield.getElement().getType() != op.getComputeType())
    return error() << "does not end with an attn.yield of "
                   << op.getComputeType() << " (attention_c9)";
  for (Operation &nested : block)
    if (!isMemoryEffectFree(&nested))
      return error() << "has an operation with side effects: '"
                     << nested.getName() << "' (attention_c9)";
  return success();
}

LogicalResult AttentionOp::verifyRegions() {
  if (failed(verifyRegion(*this, getScore(), "score")))
    return failure();
  return verifyRegion(*this, getProb(), "prob");
}
