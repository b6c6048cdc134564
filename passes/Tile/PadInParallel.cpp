//===- PadInParallel.cpp - Pad a tensor in parallel tiles -----------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fovea/Analysis/Stencil.h"
#include "fovea/passes/Tile/TileBox.h"

#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace fovea;

/// Pads one plane, the part of the tensor along its padded dimensions.
static void padPlane(OpBuilder &builder, tensor::InsertSliceOp padding,
                     scf::ForallOp loop, ArrayRef<int64_t> outer) {
  Location loc = padding.getLoc();
  RankedTensorType type = padding.getType(), from = padding.getSourceType();
  auto index = [&](int64_t value) -> OpFoldResult {
    return builder.getIndexAttr(value);
  };
  SmallVector<OpFoldResult> offsets, sizes, sourceSizes, low,
      strides(type.getRank(), index(1));
  for (int64_t dim = 0; dim < type.getRank(); ++dim) {
    const int64_t *it = llvm::find(outer, dim);
    bool isOuter = it != outer.end();
    offsets.push_back(
        isOuter ? OpFoldResult(loop.getInductionVar(it - outer.begin()))
                : index(0));
    sizes.push_back(index(isOuter ? 1 : type.getDimSize(dim)));
    sourceSizes.push_back(index(isOuter ? 1 : from.getDimSize(dim)));
    low.push_back(index(isOuter ? 0 : padding.getStaticOffsets()[dim]));
  }
  Value whole = loop.getRegionIterArgs().front();
  Value plane = tensor::ExtractSliceOp::create(builder, loc, whole, offsets,
                                               sizes, strides);
  auto fill = padding.getDest().getDefiningOp<linalg::FillOp>();
  plane =
      linalg::FillOp::create(builder, loc, fill.value(), plane).getResult(0);
  Value source = tensor::ExtractSliceOp::create(
      builder, loc, padding.getSource(), offsets, sourceSizes, strides);
  Value inside = tensor::ExtractSliceOp::create(builder, loc, plane, low,
                                                sourceSizes, strides);
  inside = linalg::CopyOp::create(builder, loc, source, inside).getResult(0);
  plane = tensor::InsertSliceOp::create(builder, loc, inside, plane, low,
                                        sourceSizes, strides);
  builder.setInsertionPointToEnd(loop.getTerminator().getBody());
  tensor::ParallelInsertSliceOp::create(builder, loc, plane, whole, offsets,
                                        sizes, strides);
}

void fovea::padInParallel(RewriterBase &rewriter, Block *block) {
  SmallVector<tensor::InsertSliceOp> paddings;
  for (auto op : block->getOps<tensor::InsertSliceOp>())
    if (getPadding(op) && llvm::none_of(op->getUsers(), [&](Operation *user) {
          auto reader = dyn_cast<linalg::LinalgOp>(user);
          return reader && readsAlongLanes(reader, op);
        }))
      paddings.push_back(op);
  for (tensor::InsertSliceOp padding : paddings) {
    RankedTensorType type = padding.getType();
    SmallVector<int64_t> outer;
    SmallVector<OpFoldResult> begins, ends, steps;
    for (int64_t dim = 0; dim < type.getRank(); ++dim)
      if (type.getDimSize(dim) == padding.getSourceType().getDimSize(dim)) {
        outer.push_back(dim);
        begins.push_back(rewriter.getIndexAttr(0));
        ends.push_back(rewriter.getIndexAttr(type.getDimSize(dim)));
        steps.push_back(rewriter.getIndexAttr(1));
      }
    if (outer.empty())
      continue;
    rewriter.setInsertionPoint(padding);
    Location loc = padding.getLoc();
    Value empty = tensor::EmptyOp::create(rewriter, loc, type.getShape(),
                                          type.getElementType());
    auto loop = scf::ForallOp::create(rewriter, loc, begins, ends, steps, empty,
                                      std::nullopt);
    rewriter.setInsertionPoint(loop.getTerminator());
    padPlane(rewriter, padding, loop, outer);
    rewriter.replaceOp(padding, loop.getResults());
  }
}
