//===- AttentionBody.h - Pieces of code that attention is made of -*- C++ -*-===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_PASSES_TILE_ATTENTIONBODY_H
#define FOVEA_PASSES_TILE_ATTENTIONBODY_H

#include "fovea/dialects/attn/Attn.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace fovea {

/// A tensor together with the dimensions of the attention's iteration space
/// that its axes run over.
struct DimTensor {
  mlir::Value value;
  llvm::SmallVector<unsigned> dims;
};

/// Emits one linalg.generic over dimensions of an attention's iteration space.
/// Dimensions of `space` that `output` does not have are reduced.
mlir::Value
emitGeneric(mlir::OpBuilder &builder, mlir::Location loc,
            llvm::ArrayRef<unsigned> space, llvm::ArrayRef<DimTensor> inputs,
            DimTensor output,
            llvm::function_ref<mlir::Value(mlir::OpBuilder &, mlir::Location,
                                           mlir::ValueRange)>
                body);

/// The axes of `map` as dimensions; it is a permutation of some of them.
llvm::SmallVector<unsigned> dimsOf(mlir::AffineMap map);

/// `capture` without the axes for which `map` has the constant 0.
DimTensor dropUnitAxes(mlir::OpBuilder &builder, mlir::Location loc,
                       mlir::Value capture, mlir::AffineMap map);

/// `element` as the float type `type`; integers stay as they are.
mlir::Value castFloat(mlir::OpBuilder &builder, mlir::Location loc,
                      mlir::Value element, mlir::Type type);

/// A constant of a float type.
mlir::Value floatConstant(mlir::OpBuilder &builder, mlir::Location loc,
                          mlir::Type type, double value);

/// tensor.empty of the extents of `dims`, filled with `value`.
DimTensor emitFilled(mlir::OpBuilder &builder, mlir::Location loc,
                     llvm::ArrayRef<unsigned> dims,
                     llvm::ArrayRef<mlir::OpFoldResult> extents,
                     mlir::Type type, double value);

/// tensor.empty of the extents of `dims`.
DimTensor emitEmpty(mlir::OpBuilder &builder, mlir::Location loc,
                    llvm::ArrayRef<unsigned> dims,
                    llvm::ArrayRef<mlir::OpFoldResult> extents,
                    mlir::Type type);

/// What a region or a mask of an attention may ask for at one point.
struct AttentionPoint {
  /// The position along a dimension, of type index.
  llvm::function_ref<mlir::Value(unsigned dim)> position;
  /// One element per capture; null where nothing reads the capture.
  llvm::ArrayRef<mlir::Value> captures;
};

/// Inlines `region` (the identity when empty) for `element`.
mlir::Value emitRegion(mlir::OpBuilder &builder, mlir::Location loc,
                       mlir::Region &region, mlir::Value element,
                       const AttentionPoint &point);

/// Replaces `score` by `hidden` where the mask of `op` hides the key.
mlir::Value emitMasked(mlir::OpBuilder &builder, mlir::Location loc,
                       attn::AttentionOp op,
                       llvm::ArrayRef<mlir::OpFoldResult> extents,
                       mlir::Value score, mlir::Value hidden,
                       const AttentionPoint &point);

/// `sum` plus the product of two elements, which are converted to its type. The
/// two operations may become one.
mlir::Value emitMulAdd(mlir::OpBuilder &builder, mlir::Location loc,
                       mlir::Value left, mlir::Value right, mlir::Value sum);

/// The larger of two numbers; a NaN in `accumulator` or `element` may be lost,
/// which is harmless for a row maximum, since the sum of the row keeps it.
mlir::Value emitMax(mlir::OpBuilder &builder, mlir::Location loc,
                    mlir::Value element, mlir::Value accumulator);

/// A row maximum to subtract: 0 instead of -inf, so that a row without a
/// visible key gives exp(-inf) = 0 and not NaN.
mlir::Value emitSafeMax(mlir::OpBuilder &builder, mlir::Location loc,
                        mlir::Value maximum);

/// 1 / sum; the reciprocal of an empty row follows its policy.
mlir::Value emitReciprocal(mlir::OpBuilder &builder, mlir::Location loc,
                           mlir::Value sum, attn::EmptyRow policy);

/// Rewrites `op` as structured operations that form the matrix of scores.
void decomposeAttention(mlir::RewriterBase &rewriter, attn::AttentionOp op);

} // namespace fovea

#endif // FOVEA_PASSES_TILE_ATTENTIONBODY_H
