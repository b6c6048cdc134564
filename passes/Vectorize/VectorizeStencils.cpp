//===- VectorizeStencils.cpp - Windows become vector operations -----------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fovea/passes/Vectorize/Passes.h"

#include "fovea/Analysis/Stencil.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/UB/IR/UBOps.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/PatternMatch.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace fovea {
#define GEN_PASS_DEF_VECTORIZESTENCILS
#include "fovea/passes/Vectorize/Passes.h.inc"
} // namespace fovea

using namespace fovea;

namespace {
/// Computes one tile of a stencil: a vector for each of its rows, carried
/// through its taps.
class StencilEmitter {
public:
  StencilEmitter(RewriterBase &rewriter, linalg::LinalgOp op, Stencil stencil);

  /// Whether the result has no more vectors than `maxRows`.
  bool collectRows(int64_t maxRows);
  Value emit(int64_t maxUnrolled);

private:
  using Accumulators = SmallVector<Value>;

  Value vectorOf(Value scalar);
  Value readLanes(OpOperand &operand, ArrayRef<Value> at, int64_t stride);
  Value read(OpOperand &operand);
  void goTo(size_t row);
  Value startOf(size_t row);
  Value repeat(Operation &inner, ArrayRef<Value> operands);
  Value step(Value accumulator);
  Accumulators loopOverTaps(ArrayRef<unsigned> taps, Accumulators values);
  Accumulators unrollTaps(ArrayRef<unsigned> taps, Accumulators values);
  Value store(const Accumulators &values);

  RewriterBase &b;
  linalg::LinalgOp op;
  Location loc;
  Stencil stencil;
  SmallVector<int64_t> extents;
  /// Lanes of the tile, and of the vectors that hold them: LLVM takes a
  /// loop-carried vector of another length than a power of two apart.
  int64_t lanes, width;
  /// How many of the innermost taps are written out instead of looped over.
  SmallVector<unsigned> looped, unrolled;
  /// Where in the result's dimensions before the last each vector is.
  SmallVector<SmallVector<int64_t>> rows;
  /// Where each loop is.
  SmallVector<OpFoldResult> position;
};
} // namespace

StencilEmitter::StencilEmitter(RewriterBase &rewriter, linalg::LinalgOp op,
                               Stencil stencil)
    : b(rewriter), op(op), loc(op.getLoc()), stencil(std::move(stencil)),
      extents(op.getStaticLoopRanges()) {
  lanes = extents[this->stencil.lanes];
  width = llvm::bit_ceil<uint64_t>(lanes);
  position.assign(extents.size(), b.getIndexAttr(0));
}

bool StencilEmitter::collectRows(int64_t maxRows) {
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  rows.assign(1, {});
  for (int64_t extent : type.getShape().drop_back()) {
    SmallVector<SmallVector<int64_t>> next;
    if (extent > maxRows)
      return false;
    for (const SmallVector<int64_t> &row : rows)
      for (int64_t i = 0; i < extent; ++i) {
        next.push_back(row);
        next.back().push_back(i);
      }
    rows = std::move(next);
    if (static_cast<int64_t>(rows.size()) > maxRows)
      return false;
  }
  return !rows.empty();
}

/// Puts the loops of the result where vector `row` is.
void StencilEmitter::goTo(size_t row) {
  AffineMap map = op.getMatchingIndexingMap(op.getDpsInitOperand(0));
  for (auto [dim, index] : llvm::enumerate(rows[row]))
    position[cast<AffineDimExpr>(map.getResult(dim)).getPosition()] =
        b.getIndexAttr(index);
}

Value StencilEmitter::vectorOf(Value scalar) {
  return vector::BroadcastOp::create(
      b, loc, VectorType::get({width}, scalar.getType()), scalar);
}

/// Reads `width` elements that are `stride` apart. What lies beyond the tile is
/// masked out: the lanes there are never stored.
Value StencilEmitter::readLanes(OpOperand &operand, ArrayRef<Value> at,
                                int64_t stride) {
  auto type = cast<RankedTensorType>(operand.get().getType());
  int64_t rank = type.getRank(), length = width * stride;
  // Where taps are looped over, the last one reads farthest.
  SmallVector<int64_t> last;
  for (auto [where, extent] : llvm::zip_equal(position, extents))
    last.push_back(getConstantIntValue(where).value_or(extent - 1));
  int64_t begin = op.getMatchingIndexingMap(&operand).compose(last).back();
  bool isInside = begin + length <= type.getDimSize(rank - 1);
  Value outside =
      arith::ConstantOp::create(b, loc, b.getZeroAttr(type.getElementType()));
  Value all = vector::TransferReadOp::create(
      b, loc, VectorType::get({length}, type.getElementType()), operand.get(),
      at, outside, AffineMap::getMinorIdentityMap(rank, 1, b.getContext()),
      ArrayRef<bool>{isInside});
  if (stride == 1)
    return all;
  SmallVector<int64_t> every;
  for (int64_t lane = 0; lane < width; ++lane)
    every.push_back(lane * stride);
  return vector::ShuffleOp::create(b, loc, all, all, every);
}

/// What `operand` has at the current position, for all lanes.
Value StencilEmitter::read(OpOperand &operand) {
  AffineMap map = op.getMatchingIndexingMap(&operand);
  if (!isa<RankedTensorType>(operand.get().getType()))
    return vectorOf(operand.get());
  SmallVector<OpFoldResult> at =
      affine::makeComposedFoldedMultiResultAffineApply(b, loc, map, position);
  SmallVector<Value> indices;
  for (OpFoldResult index : at)
    indices.push_back(getValueOrCreateConstantIndexOp(b, loc, index));
  int64_t stride = stencil.strides[operand.getOperandNumber()];
  if (stride != 0)
    return readLanes(operand, indices, stride);
  return vectorOf(tensor::ExtractOp::create(b, loc, operand.get(), indices));
}

/// The accumulator that a row starts from.
Value StencilEmitter::startOf(size_t row) {
  OpOperand *init = op.getDpsInitOperand(0);
  if (auto fill = init->get().getDefiningOp<linalg::FillOp>())
    return vectorOf(fill.value());
  goTo(row);
  return read(*init);
}

/// Repeats one operation of the scalar code on vectors.
Value StencilEmitter::repeat(Operation &inner, ArrayRef<Value> operands) {
  // A product that is only added: one rounding and one instruction less.
  if (isa<arith::AddFOp>(inner))
    for (unsigned side : {0u, 1u})
      if (auto product = operands[side].getDefiningOp<arith::MulFOp>())
        if (inner.getOperand(side).hasOneUse() && product->use_empty())
          return vector::FMAOp::create(b, loc, product.getLhs(),
                                       product.getRhs(), operands[1 - side]);
  // Three instructions where the intrinsic, which tells zeros of different sign
  // apart, takes five.
  if (isa<arith::MaximumFOp, arith::MinimumFOp>(inner)) {
    Value a = operands[0], other = operands[1];
    auto predicate = isa<arith::MaximumFOp>(inner) ? arith::CmpFPredicate::OGT
                                                   : arith::CmpFPredicate::OLT;
    Value wins = arith::CmpFOp::create(b, loc, predicate, other, a);
    Value best = arith::SelectOp::create(b, loc, wins, other, a);
    Value isNaN =
        arith::CmpFOp::create(b, loc, arith::CmpFPredicate::UNO, other, other);
    return arith::SelectOp::create(b, loc, isNaN, other, best);
  }
  Type type = VectorType::get({width}, inner.getResult(0).getType());
  OperationState state(loc, inner.getName(), operands, type, inner.getAttrs());
  state.propertiesAttr = inner.getPropertiesAsAttribute();
  return b.create(state)->getResult(0);
}

/// Repeats the scalar code of the operation on vectors.
Value StencilEmitter::step(Value accumulator) {
  IRMapping mapping;
  Block *block = op.getBlock();
  for (OpOperand &operand : op->getOpOperands()) {
    BlockArgument argument = op.getMatchingBlockArgument(&operand);
    if (argument.use_empty())
      continue;
    mapping.map(argument, op.isDpsInit(&operand) ? accumulator : read(operand));
  }
  auto lookUp = [&](Value value) {
    Value mapped = mapping.lookupOrDefault(value);
    return isa<VectorType>(mapped.getType()) ? mapped : vectorOf(mapped);
  };
  for (Operation &inner : block->without_terminator()) {
    if (isa<arith::ConstantOp>(inner)) {
      b.clone(inner, mapping);
      continue;
    }
    mapping.map(
        inner.getResult(0),
        repeat(inner, llvm::map_to_vector(inner.getOperands(), lookUp)));
  }
  return lookUp(block->getTerminator()->getOperand(0));
}

StencilEmitter::Accumulators StencilEmitter::unrollTaps(ArrayRef<unsigned> taps,
                                                        Accumulators values) {
  if (taps.empty()) {
    for (auto [row, value] : llvm::enumerate(values)) {
      goTo(row);
      value = step(value);
    }
    return values;
  }
  for (int64_t tap = 0; tap < extents[taps.front()]; ++tap) {
    position[taps.front()] = b.getIndexAttr(tap);
    values = unrollTaps(taps.drop_front(), values);
  }
  return values;
}

StencilEmitter::Accumulators
StencilEmitter::loopOverTaps(ArrayRef<unsigned> taps, Accumulators values) {
  if (taps.empty())
    return unrollTaps(unrolled, values);
  Value zero = arith::ConstantIndexOp::create(b, loc, 0),
        one = arith::ConstantIndexOp::create(b, loc, 1),
        end = arith::ConstantIndexOp::create(b, loc, extents[taps.front()]);
  auto loop = scf::ForOp::create(b, loc, zero, end, one, values);
  // LLVM would write out short loops, and keep what their steps share in
  // registers that there are not.
  auto unroll = LLVM::LoopUnrollAttr::get(b.getContext(), b.getBoolAttr(true),
                                          {}, {}, {}, {}, {}, {});
  loop->setAttr("loop_annotation", LLVM::LoopAnnotationAttr::get(
                                       b.getContext(), {}, {}, {}, unroll, {},
                                       {}, {}, {}, {}, {}, {}, {}, {}, {}, {}));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  position[taps.front()] = loop.getInductionVar();
  values =
      loopOverTaps(taps.drop_front(), Accumulators(loop.getRegionIterArgs()));
  scf::YieldOp::create(b, loc, values);
  return Accumulators(loop.getResults());
}

/// Writes the rows as one vector, which is what an epilogue reads.
Value StencilEmitter::store(const Accumulators &values) {
  Value destination = op.getDpsInitOperand(0)->get();
  if (auto fill = destination.getDefiningOp<linalg::FillOp>())
    destination = fill.getDpsInitOperand(0)->get();
  auto type = cast<RankedTensorType>(destination.getType());
  // Without the unit dimensions in front, as an epilogue has its vectors.
  ArrayRef<int64_t> shape = type.getShape();
  shape = shape.drop_while([](int64_t extent) { return extent == 1; });
  if (shape.empty())
    shape = type.getShape().take_back();
  size_t dropped = type.getRank() - shape.size();
  Value all;
  if (shape.size() > 1)
    all = ub::PoisonOp::create(b, loc,
                               VectorType::get(shape, type.getElementType()));
  for (auto [row, value] : llvm::enumerate(values)) {
    Value exact = value;
    if (lanes != width)
      exact = vector::ExtractStridedSliceOp::create(
          b, loc, value, ArrayRef<int64_t>{0}, ArrayRef<int64_t>{lanes},
          ArrayRef<int64_t>{1});
    if (!all)
      all = exact;
    if (shape.size() == 1)
      break;
    // Not vector.insert: canonicalization takes a whole row of them apart.
    SmallVector<int64_t> offsets(
        ArrayRef<int64_t>(rows[row]).drop_front(dropped));
    offsets.push_back(0);
    all = vector::InsertStridedSliceOp::create(b, loc, exact, all, offsets,
                                               ArrayRef<int64_t>{1});
  }
  Value zero = arith::ConstantIndexOp::create(b, loc, 0);
  SmallVector<Value> indices(type.getRank(), zero);
  SmallVector<bool> inBounds(shape.size(), true);
  return vector::TransferWriteOp::create(b, loc, all, destination, indices,
                                         ArrayRef<bool>(inBounds))
      .getResult();
}

/// The taps next to the rows go innermost and are written out, so that rows
/// share what they read; so are others, up to `maxUnrolled` steps. Where lanes
/// share the elements of windows, there is one element per row to read, and
/// nothing to share.
Value StencilEmitter::emit(int64_t maxUnrolled) {
  SmallVector<unsigned> taps;
  op.getReductionDims(taps);
  auto isBesideRows = [&](unsigned tap) {
    return stencil.rows &&
           llvm::any_of(op.getIndexingMapsArray(), [&](AffineMap map) {
             return llvm::any_of(map.getResults(), [&](AffineExpr expr) {
               return expr.isFunctionOfDim(tap) &&
                      expr.isFunctionOfDim(*stencil.rows);
             });
           });
  };
  SmallVector<unsigned> beside;
  llvm::copy_if(taps, std::back_inserter(beside), isBesideRows);
  llvm::erase_if(taps, isBesideRows);
  taps.append(beside);
  int64_t steps = rows.size();
  bool isShared =
      llvm::any_of(op.getDpsInputOperands(), [&](OpOperand *operand) {
        AffineMap map = op.getMatchingIndexingMap(operand);
        return !map.isProjectedPermutation() &&
               stencil.strides[operand->getOperandNumber()] != 0;
      });
  while (isShared && !taps.empty() &&
         steps * extents[taps.back()] <= maxUnrolled) {
    steps *= extents[taps.back()];
    unrolled.insert(unrolled.begin(), taps.pop_back_val());
  }
  looped = taps;
  b.setInsertionPoint(op);
  Accumulators values;
  for (size_t row = 0; row < rows.size(); ++row)
    values.push_back(startOf(row));
  return store(loopOverTaps(looped, values));
}

namespace {
struct VectorizeStencils
    : fovea::impl::VectorizeStencilsBase<VectorizeStencils> {
  using VectorizeStencilsBase::VectorizeStencilsBase;
  void runOnOperation() override {
    func::FuncOp function = getOperation();
    if (!function->hasAttr("fovea.kernel") || function.isExternal())
      return;
    SmallVector<linalg::LinalgOp> ops;
    function.walk([&](linalg::LinalgOp op) { ops.push_back(op); });
    IRRewriter rewriter(&getContext());
    for (linalg::LinalgOp op : ops) {
      std::string why;
      std::optional<Stencil> stencil = analyzeStencil(op, why);
      if (!stencil || llvm::is_contained(op.getStaticLoopRanges(), 0))
        continue;
      int64_t lanes = op.getStaticLoopRanges()[stencil->lanes];
      StencilEmitter emitter(rewriter, op, *stencil);
      if (lanes > maxLanes || !emitter.collectRows(maxRows))
        continue;
      rewriter.replaceOp(op, emitter.emit(maxUnrolled));
    }
  }
};
} // namespace
