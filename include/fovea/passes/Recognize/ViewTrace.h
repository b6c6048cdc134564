//===- ViewTrace.h - Tensors as views over an iteration space ---*- C++ -*-===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Head splits, head merges and transposes only rename indices. A tensor used
// inside a structure is therefore described as (value, one list of iteration
// dimensions per axis): element [i] of an axis with the list [a, b] is index
// a * size(b) + b. Walking from a value to its producer then rewrites lists:
// a transpose permutes them, an expand_shape concatenates, a collapse_shape
// cuts a list into pieces, splitting a dimension where the cut falls inside.
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_PASSES_RECOGNIZE_VIEWTRACE_H
#define FOVEA_PASSES_RECOGNIZE_VIEWTRACE_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/Value.h"
#include "llvm/ADT/SmallVector.h"

namespace fovea {

/// Iteration dimensions of one axis, outermost first. Empty: the axis has
/// size one and is always at index zero.
using AxisDims = llvm::SmallVector<unsigned, 2>;

/// A repetition along axes whose size turns out at run time to be one: a
/// branch on `branch`, in which the index of a dimension is replaced by zero
/// where its size is one.
struct Repeat {
  mlir::Value branch;
  struct Axis {
    unsigned dim;
    /// The size before, if the index is to be replaced by zero where that is
    /// one; null if the index is used as it is.
    mlir::Value oneSize;
    mlir::OpFoldResult size;
  };
  llvm::SmallVector<Axis> axes;
};

/// A value and what its axes mean.
struct View {
  mlir::Value value;
  llvm::SmallVector<AxisDims> axes;
  /// Positions in IterationSpace::repeats of what is repeated on the way from
  /// the value to the iteration space, nearest to the space first.
  llvm::SmallVector<unsigned> repeats = {};
};

/// The size of a dimension: a constant, the size of an axis of a tensor, or
/// the value of an index.
struct DimSize {
  int64_t constant = mlir::ShapedType::kDynamic;
  mlir::Value value;
  unsigned axis = 0;

  bool isStatic() const { return !mlir::ShapedType::isDynamic(constant); }
};

/// The size of `axis` of `value`.
DimSize sizeOfAxis(mlir::Value value, unsigned axis);

/// The iteration dimensions of one structure and how they were split.
class IterationSpace {
public:
  /// A new dimension as large as `axis` of `value`.
  unsigned addDim(mlir::Value value, unsigned axis);

  /// Keep `dim` whole when operands that need not be looked through are
  /// traced; splits that a match needs are still made.
  void protect(unsigned dim) { dims[dim].isProtected = true; }

  const DimSize &size(unsigned dim) const { return dims[dim].size; }

  /// Replace every split dimension by its parts.
  AxisDims leaves(llvm::ArrayRef<unsigned> axis) const;

  /// The same, with all parts of a protected dimension, where they stand side
  /// by side, put together again.
  AxisDims merged(llvm::ArrayRef<unsigned> axis) const;

  /// The undivided dimension that `dim` is a part of (or itself).
  unsigned root(unsigned dim) const;

  /// Whether `dim` is a part of a protected dimension.
  bool isPartOfWhole(unsigned dim) const {
    return root(dim) != dim && dims[root(dim)].isProtected;
  }

  /// Cut `list` into one list per size in `sizes`, in order. Splits
  /// dimensions where a cut falls inside one; protected dimensions only if
  /// `required`. Fails if the cut cannot be proven right.
  mlir::FailureOr<llvm::SmallVector<AxisDims>>
  partition(llvm::ArrayRef<unsigned> list, llvm::ArrayRef<DimSize> sizes,
            bool required);

  /// Walk from `view` to the value that its producer is a view of. Returns
  /// false, with `view` unchanged, if the producer is no view or the walk
  /// would need a split that is not allowed.
  bool stepToSource(View &view, bool required);

  /// Walk from `view` to the result of `user`, a view-like operation on it.
  /// Returns false if it is none. Dimensions may be split.
  bool stepToUser(View &view, mlir::Operation *user);

  /// Walk to the source as far as possible.
  void traceToSource(View &view) {
    while (stepToSource(view, /*required=*/false))
      ;
  }

  const Repeat &repeat(unsigned position) const { return repeats[position]; }

  /// Whether the size of `dim` is that after a repetition: operands may be
  /// smaller along it.
  bool isRepeated(unsigned dim) const { return dims[dim].isRepeated; }

private:
  bool stepThroughBranch(View &view);

  struct Dim {
    DimSize size;
    bool isProtected = false;
    bool isRepeated = false;
    unsigned parent = ~0u;
    AxisDims parts;
  };

  bool mayBeSplit(unsigned dim, bool required) const;
  AxisDims split(unsigned dim, llvm::ArrayRef<DimSize> sizes);

  llvm::SmallVector<Dim> dims;
  llvm::SmallVector<Repeat> repeats;
};

/// Whether `op` only moves elements: all loops parallel, the one input is
/// yielded as it is (linalg.transpose, linalg.broadcast, copies).
bool isPureCopy(mlir::linalg::LinalgOp op);

/// Whether `value` is produced by an operation that stepToSource understands.
bool isViewOfAnother(mlir::Value value);

/// The value that a view-like producer of `value` reads, or null.
mlir::Value viewSource(mlir::Value value);

/// What a branch that repeats does to each axis of its source.
struct BranchRepeat {
  mlir::Value source;
  llvm::SmallVector<mlir::Value> oneSize;
  llvm::SmallVector<mlir::OpFoldResult> sizes;
};

/// The result of scf.if whose else branch yields a tensor from outside and
/// whose then branch yields the same tensor repeated: element [i...] is
/// element [size == 1 ? 0 : i, ...] of it. Importers emit this where sizes
/// known only at run time are broadcast against each other.
std::optional<BranchRepeat> matchRepeat(mlir::Value value);

/// Build the branch of `repeat` for `value`, whose axes are `axes`.
mlir::Value buildRepeat(mlir::OpBuilder &builder, mlir::Location loc,
                        mlir::Value value, llvm::ArrayRef<AxisDims> axes,
                        const Repeat &repeat);

} // namespace fovea

#endif // FOVEA_PASSES_RECOGNIZE_VIEWTRACE_H
