//===- LowerPrecision.cpp - Contractions with operands in bf16 ------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fovea/passes/Fuse/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/AsmState.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/IR/PatternMatch.h"

#include <cstring>

using namespace mlir;

namespace fovea {
#define GEN_PASS_DEF_LOWERPRECISION
#include "fovea/passes/Fuse/Passes.h.inc"
} // namespace fovea

/// A float rounded to the nearest bf16, ties to even; NaN stays NaN.
static uint16_t roundToBF16(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  if (value != value)
    return static_cast<uint16_t>(bits >> 16) | 0x40;
  return static_cast<uint16_t>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

/// The elements of an f32 constant as bf16, or null where they are not at hand.
static ElementsAttr roundConstant(ElementsAttr constant) {
  auto type = cast<RankedTensorType>(constant.getType());
  auto narrow = type.clone(BFloat16Type::get(type.getContext()));
  ArrayRef<char> bytes;
  bool isSplat = false;
  if (auto dense = dyn_cast<DenseElementsAttr>(constant)) {
    bytes = dense.getRawData();
    isSplat = dense.isSplat();
  } else if (auto resource = dyn_cast<DenseResourceElementsAttr>(constant)) {
    AsmResourceBlob *blob = resource.getRawHandle().getBlob();
    if (!blob)
      return nullptr;
    bytes = blob->getData();
  }
  size_t count = bytes.size() / sizeof(float);
  if (count == 0 || (!isSplat && count != size_t(type.getNumElements())))
    return nullptr;
  AsmResourceBlob blob = HeapAsmResourceBlob::allocate(
      count * sizeof(uint16_t), /*align=*/64, /*dataIsMutable=*/true);
  for (size_t i = 0; i < count; ++i) {
    float value;
    std::memcpy(&value, bytes.data() + i * sizeof(float), sizeof(float));
    uint16_t rounded = roundToBF16(value);
    std::memcpy(blob.getMutableData().data() + i * sizeof(rounded), &rounded,
                sizeof(rounded));
  }
  constexpr size_t maxInlineElements = 1024;
  if (count <= maxInlineElements)
    return DenseElementsAttr::getFromRawBuffer(narrow, blob.getData());
  return DenseResourceElementsAttr::get(narrow, "bf16", std::move(blob));
}

namespace {
/// Rewrites the contractions of one function; equal constants once.
class PrecisionLowering {
public:
  explicit PrecisionLowering(MLIRContext *context) : rewriter(context) {}
  void lower(linalg::LinalgOp op);

private:
  Value round(Location loc, Value operand);

  IRRewriter rewriter;
  DenseMap<Attribute, ElementsAttr> constants;
};
} // namespace

/// Whether `op` is a contraction of f32 whose sums are long enough for the
/// errors of single products to average out. Shorter ones are few, and exact
/// where it matters: the angles of rotary positions are products over one step.
static bool isLongContraction(linalg::LinalgOp op) {
  constexpr int64_t minSteps = 32;
  if (!linalg::isaContractionOpInterface(op) || !op.hasPureTensorSemantics() ||
      !llvm::all_of(op->getOperands(), [](Value operand) {
        return getElementTypeOrSelf(operand.getType()).isF32() &&
               isa<RankedTensorType>(operand.getType());
      }))
    return false;
  int64_t steps = 1;
  SmallVector<int64_t> extents = op.getStaticLoopRanges();
  SmallVector<unsigned> loops;
  op.getReductionDims(loops);
  for (unsigned loop : loops) {
    if (ShapedType::isDynamic(extents[loop]))
      return true;
    steps *= std::min<int64_t>(extents[loop], minSteps);
  }
  return steps >= minSteps;
}

/// `operand` in bf16: a constant at compile time, other values by an
/// elementwise operation, which fusion puts where the value is computed.
Value PrecisionLowering::round(Location loc, Value operand) {
  auto type = cast<RankedTensorType>(operand.getType());
  if (auto constant = operand.getDefiningOp<arith::ConstantOp>())
    if (auto elements = dyn_cast<ElementsAttr>(constant.getValue())) {
      ElementsAttr &rounded = constants[elements];
      if (!rounded)
        rounded = roundConstant(elements);
      if (rounded)
        return arith::ConstantOp::create(rewriter, constant.getLoc(), rounded);
    }
  Type narrow = rewriter.getBF16Type();
  Value empty = tensor::EmptyOp::create(
      rewriter, loc, tensor::getMixedSizes(rewriter, loc, operand), narrow);
  AffineMap identity = rewriter.getMultiDimIdentityMap(type.getRank());
  SmallVector<utils::IteratorType> loops(type.getRank(),
                                         utils::IteratorType::parallel);
  return linalg::GenericOp::create(
             rewriter, loc, empty.getType(), operand, empty,
             ArrayRef<AffineMap>{identity, identity}, loops,
             [&](OpBuilder &b, Location l, ValueRange args) {
               Value rounded = arith::TruncFOp::create(b, l, narrow, args[0]);
               linalg::YieldOp::create(b, l, rounded);
             })
      .getResult(0);
}

void PrecisionLowering::lower(linalg::LinalgOp op) {
  rewriter.setInsertionPoint(op);
  linalg::GenericOp generic = dyn_cast<linalg::GenericOp>(*op);
  if (!generic) {
    FailureOr<linalg::GenericOp> result =
        linalg::generalizeNamedOp(rewriter, op);
    if (failed(result))
      return;
    generic = *result;
  }
  rewriter.setInsertionPoint(generic);
  Block *body = generic.getBody();
  for (OpOperand *operand : generic.getDpsInputOperands()) {
    Value rounded = round(generic.getLoc(), operand->get());
    rewriter.modifyOpInPlace(generic, [&] { operand->set(rounded); });
    BlockArgument element = generic.getMatchingBlockArgument(operand);
    element.setType(rewriter.getBF16Type());
    OpBuilder::InsertionGuard guard(rewriter);
    rewriter.setInsertionPointToStart(body);
    auto wide = arith::ExtFOp::create(rewriter, generic.getLoc(),
                                      rewriter.getF32Type(), element);
    rewriter.replaceAllUsesExcept(element, wide, wide);
  }
}

namespace {
struct LowerPrecision : fovea::impl::LowerPrecisionBase<LowerPrecision> {
  void runOnOperation() override {
    SmallVector<linalg::LinalgOp> ops;
    getOperation()->walk([&](linalg::LinalgOp op) {
      if (isLongContraction(op))
        ops.push_back(op);
    });
    PrecisionLowering lowering(&getContext());
    for (linalg::LinalgOp op : ops)
      lowering.lower(op);
  }
};
} // namespace
