//===- PackConstants.cpp - Lay weights out in panels ----------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fovea/passes/Tile/Passes.h"

#include "fovea/Schedule/Problem.h"
#include "fovea/dialects/attn/Attn.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/AsmState.h"
#include "mlir/IR/DialectResourceBlobManager.h"

#include <cstring>

using namespace mlir;

namespace fovea {
#define GEN_PASS_DEF_PACKCONSTANTS
#include "fovea/passes/Tile/Passes.h.inc"
} // namespace fovea

using namespace fovea;

/// Constants below this size stay attributes that are printed in full.
static constexpr int64_t maxInlineElements = 1024;

namespace {
/// How one operand is packed: dimension `dim` of a tensor of type `source` is
/// cut into panels of `width`, which become the outermost dimension, and runs
/// innermost within a panel.
struct Packing {
  RankedTensorType source;
  int64_t dim, width;

  int64_t panels() const {
    return llvm::divideCeil(source.getDimSize(dim), width);
  }
  /// The shape of `source` without `dim`.
  SmallVector<int64_t> others() const {
    SmallVector<int64_t> shape(source.getShape());
    shape.erase(shape.begin() + dim);
    return shape;
  }
  /// The packed type: panels, the other dimensions, lanes.
  RankedTensorType packed() const {
    SmallVector<int64_t> shape = others();
    shape.insert(shape.begin(), panels());
    shape.push_back(width);
    return RankedTensorType::get(shape, source.getElementType());
  }
};
} // namespace

/// The bytes of a constant, and whether they are those of one element only.
static std::optional<std::pair<ArrayRef<char>, bool>>
getBytes(ElementsAttr constant) {
  if (auto dense = dyn_cast<DenseElementsAttr>(constant))
    return std::make_pair(dense.getRawData(), dense.isSplat());
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(constant))
    if (AsmResourceBlob *blob = resource.getRawHandle().getBlob())
      return std::make_pair(blob->getData(), false);
  return std::nullopt;
}

/// Copies `source` into panels; lanes beyond the end of the dimension keep the
/// zeros that `target` is filled with.
static void packBytes(const Packing &packing, const char *source, bool isSplat,
                      size_t size, char *target) {
  int64_t before = 1, after = 1, count = packing.source.getDimSize(packing.dim);
  for (int64_t dim = 0; dim < packing.source.getRank(); ++dim)
    if (dim != packing.dim)
      (dim < packing.dim ? before : after) *= packing.source.getDimSize(dim);
  for (int64_t panel = 0; panel < packing.panels(); ++panel) {
    int64_t start = panel * packing.width;
    int64_t lanes = std::min(packing.width, count - start);
    for (int64_t outer = 0; outer < before; ++outer)
      for (int64_t inner = 0; inner < after; ++inner) {
        char *to = target + ((panel * before + outer) * after + inner) *
                                packing.width * size;
        const char *from =
            source + ((outer * count + start) * after + inner) * size;
        if (after == 1 && !isSplat) {
          std::memcpy(to, from, lanes * size);
          continue;
        }
        for (int64_t lane = 0; lane < lanes; ++lane)
          std::memcpy(to + lane * size,
                      isSplat ? source : from + lane * after * size, size);
      }
  }
}

/// The packed form of `constant`, or nothing if its bytes are not at hand.
static ElementsAttr packConstant(const Packing &packing,
                                 ElementsAttr constant) {
  auto bytes = getBytes(constant);
  unsigned bits = packing.source.getElementTypeBitWidth();
  if (!bytes || bits % 8 != 0)
    return nullptr;
  RankedTensorType type = packing.packed();
  size_t size = bits / 8;
  AsmResourceBlob blob = HeapAsmResourceBlob::allocate(
      type.getNumElements() * size, /*align=*/64, /*dataIsMutable=*/true);
  MutableArrayRef<char> target = blob.getMutableData();
  std::memset(target.data(), 0, target.size());
  packBytes(packing, bytes->first.data(), bytes->second, size, target.data());
  if (type.getNumElements() <= maxInlineElements)
    return DenseElementsAttr::getFromRawBuffer(type, target);
  return DenseResourceElementsAttr::get(type, "packed", std::move(blob));
}

namespace {
/// Packs the constants of one module; equal ones once.
class ConstantPacker {
public:
  explicit ConstantPacker(ModuleOp module) : module(module) {}
  void packKernel(func::FuncOp kernel);

private:
  bool packArguments(func::FuncOp kernel, unsigned number,
                     const Packing &packing);
  void rewriteKernel(func::FuncOp kernel, linalg::GenericOp root,
                     OpOperand *operand, const Packing &packing);

  ModuleOp module;
  DenseMap<std::tuple<Attribute, int64_t, int64_t>, ElementsAttr> packed;
};
} // namespace

/// Gives every call of `kernel` the packed form of its constant; changes
/// nothing unless all of them can be packed.
bool ConstantPacker::packArguments(func::FuncOp kernel, unsigned number,
                                   const Packing &packing) {
  SmallVector<func::CallOp> calls;
  module.walk([&](func::CallOp call) {
    if (call.getCallee() == kernel.getName())
      calls.push_back(call);
  });
  SmallVector<ElementsAttr> values;
  for (func::CallOp call : calls) {
    auto constant = call.getOperand(number).getDefiningOp<arith::ConstantOp>();
    auto elements =
        constant ? dyn_cast<ElementsAttr>(constant.getValue()) : nullptr;
    if (!elements)
      return false;
    ElementsAttr &value = packed[{elements, packing.dim, packing.width}];
    if (!value)
      value = packConstant(packing, elements);
    if (!value)
      return false;
    values.push_back(value);
  }
  for (auto [call, value] : llvm::zip_equal(calls, values)) {
    OpBuilder builder(call);
    Location loc = call.getOperand(number).getLoc();
    call.setOperand(number, arith::ConstantOp::create(builder, loc, value));
  }
  return true;
}

/// Makes `kernel` take panels, and its contraction read them through an unpack
/// of their lanes, which tiling dissolves.
void ConstantPacker::rewriteKernel(func::FuncOp kernel, linalg::GenericOp root,
                                   OpOperand *operand, const Packing &packing) {
  auto argument = cast<BlockArgument>(operand->get());
  RankedTensorType type = packing.packed();
  argument.setType(type);
  SmallVector<Type> inputs(kernel.getBody().front().getArgumentTypes());
  kernel.setType(
      FunctionType::get(kernel.getContext(), inputs, kernel.getResultTypes()));

  OpBuilder builder(root);
  SmallVector<int64_t> shape = packing.others();
  int64_t rank = shape.size() + 1;
  shape.push_back(packing.source.getDimSize(packing.dim));
  auto lanesLast = RankedTensorType::get(shape, type.getElementType());
  Value replacement;
  if (packing.panels() == 1) {
    SmallVector<OpFoldResult> offsets(rank + 1, builder.getIndexAttr(0)),
        strides(rank + 1, builder.getIndexAttr(1)),
        sizes = {builder.getIndexAttr(1)};
    llvm::append_range(sizes,
                       getAsIndexOpFoldResult(kernel.getContext(), shape));
    replacement = tensor::ExtractSliceOp::create(
        builder, root.getLoc(), lanesLast, argument, offsets, sizes, strides);
  } else {
    Value empty = tensor::EmptyOp::create(builder, root.getLoc(), shape,
                                          type.getElementType());
    SmallVector<int64_t> order = {rank - 1};
    llvm::append_range(order, llvm::seq<int64_t>(0, rank - 1));
    replacement = linalg::UnPackOp::create(
        builder, root.getLoc(), argument, empty, {rank - 1},
        {builder.getIndexAttr(packing.width)}, order);
    replacement =
        cast<linalg::UnPackOp>(replacement.getDefiningOp())->getResult(0);
  }
  SmallVector<AffineMap> maps = root.getIndexingMapsArray();
  AffineMap &map = maps[operand->getOperandNumber()];
  SmallVector<AffineExpr> exprs(map.getResults());
  exprs.push_back(exprs[packing.dim]);
  exprs.erase(exprs.begin() + packing.dim);
  map = AffineMap::get(map.getNumDims(), 0, exprs, kernel.getContext());
  root.setIndexingMapsAttr(builder.getAffineMapArrayAttr(maps));
  root->setOperand(operand->getOperandNumber(), replacement);
}

void ConstantPacker::packKernel(func::FuncOp kernel) {
  std::optional<Problem> problem = analyzeKernel(kernel);
  if (!problem)
    return;
  attn::ScheduleAttr schedule = attn::ScheduleAttr::of(problem->root);
  int64_t width = schedule ? schedule.getOption("pack", 0) : 0;
  if (width == 0)
    return;
  OpOperand *operand = problem->root.getDpsInputOperand(problem->laneOperand);
  auto argument = dyn_cast<BlockArgument>(operand->get());
  AffineMap map = problem->root.getMatchingIndexingMap(operand);
  auto type = dyn_cast<RankedTensorType>(operand->get().getType());
  if (!argument || !argument.hasOneUse() || !type || !type.hasStaticShape() ||
      !type.getElementType().isIntOrFloat() || !map.isProjectedPermutation())
    return;
  std::optional<unsigned> dim = map.getResultPosition(
      getAffineDimExpr(problem->lanes, kernel.getContext()));
  if (!dim)
    return;
  Packing packing{type, *dim, width};
  // A single panel with its lanes innermost is packed as it is.
  bool isPacked = type.getDimSize(*dim) <= width && *dim + 1 == type.getRank();
  if (isPacked || !packArguments(kernel, argument.getArgNumber(), packing))
    return;
  Operation *root = problem->root;
  unsigned number = operand->getOperandNumber();
  if (!isa<linalg::GenericOp>(root)) {
    IRRewriter rewriter(kernel.getContext());
    rewriter.setInsertionPoint(root);
    FailureOr<linalg::GenericOp> generic =
        linalg::generalizeNamedOp(rewriter, problem->root);
    assert(succeeded(generic) && "named contractions can be generalized");
    root = *generic;
    root->setAttr(attn::ScheduleAttr::getAttachedName(), schedule);
  }
  rewriteKernel(kernel, cast<linalg::GenericOp>(root),
                &root->getOpOperand(number), packing);
}

namespace {
struct PackConstants : fovea::impl::PackConstantsBase<PackConstants> {
  void runOnOperation() override {
    ConstantPacker packer(getOperation());
    for (auto kernel : getOperation().getOps<func::FuncOp>())
      if (kernel->hasAttr("fovea.kernel") && !kernel.isExternal())
        packer.packKernel(kernel);
  }
};
} // namespace
