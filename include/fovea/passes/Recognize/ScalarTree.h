//===- ScalarTree.h - Elementwise dataflow as a scalar function -*- C++ -*-===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What lies between Q K^T and softmax, or between softmax and P V, is a graph
// of elementwise operations, transposes and reshapes over whole tensors. The
// tree is that graph seen at one point of an iteration space: a function from
// the root's element and one element of each captured tensor to the result's.
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_PASSES_RECOGNIZE_SCALARTREE_H
#define FOVEA_PASSES_RECOGNIZE_SCALARTREE_H

#include "fovea/passes/Recognize/ViewTrace.h"

#include "mlir/IR/Builders.h"
#include "llvm/ADT/DenseMap.h"

#include <string>

namespace fovea {

/// Whether `op` computes each result element from at most one element of each
/// input, without regions or side effects in its body.
bool isPointwise(mlir::linalg::LinalgOp op);

/// The scalar that every element of `value` equals, if that is a constant.
mlir::TypedAttr splatConstant(mlir::Value value);

class ScalarTree {
public:
  /// The function that leads from the element of `root` to the element of
  /// `result`. The dimensions that a match needs are split in `space`.
  /// Afterwards either `failure()` is non-empty or the tree is complete.
  void build(IterationSpace &space, mlir::Value root, View result);

  /// Why no tree could be built; empty after success.
  const std::string &failure() const { return why; }

  /// The axes of the root, as the dataflow implies them.
  const llvm::SmallVector<AxisDims> &rootAxes() const { return rootView.axes; }

  /// What is repeated between the root and the result.
  llvm::ArrayRef<unsigned> rootRepeats() const { return rootView.repeats; }

  /// The captured tensors. Two captures are never the same view.
  llvm::ArrayRef<View> captures() const { return captureViews; }
  llvm::MutableArrayRef<View> captures() { return captureViews; }

  /// The result is the root itself.
  bool isIdentity() const { return nodes[resultNode].kind == Node::Root; }

  /// Whether `op` is one of the operations on the way from the root.
  bool contains(mlir::Operation *op) const { return path.contains(op); }

  /// Whether every loop index that the function reads can be computed: it has
  /// no inner part of unknown size.
  bool hasStaticIndices(const IterationSpace &space) const;

  /// How attn.index is built for a dimension of the iteration space.
  using IndexFn = llvm::function_ref<mlir::Value(mlir::OpBuilder &,
                                                 mlir::Location, unsigned)>;

  /// Emit the function. `root` has the compute type, which is also the type of
  /// the result; `elements` are those of the captures.
  mlir::Value emit(mlir::OpBuilder &builder, mlir::Location loc,
                   const IterationSpace &space, mlir::Value root,
                   mlir::ValueRange elements, IndexFn index) const;

private:
  struct Node {
    enum Kind { Root, Capture, Constant, Body } kind;
    View view;
    unsigned capture = 0;
    mlir::TypedAttr constant;
    mlir::linalg::LinalgOp op;
    llvm::SmallVector<unsigned> inputs;
    llvm::SmallVector<AxisDims> loops;
  };

  bool reachesRoot(mlir::Value value);
  unsigned visit(View view);
  unsigned visitBody(mlir::linalg::LinalgOp op, const View &view);
  unsigned visitLeaf(View view);
  unsigned addNode(Node node);
  unsigned fail(const llvm::Twine &reason);
  bool sameAxes(llvm::ArrayRef<AxisDims> a, llvm::ArrayRef<AxisDims> b) const;
  bool isWorthInlining(mlir::linalg::LinalgOp op) const;

  /// Only valid while the tree is built: a match, its space and its trees are
  /// copied together.
  IterationSpace *space = nullptr;
  View rootView;
  bool sawRoot = false;
  llvm::SmallVector<Node, 0> nodes;
  llvm::SmallVector<View> captureViews;
  llvm::DenseMap<mlir::Value, bool> reaches;
  llvm::SmallPtrSet<mlir::Operation *, 8> path;
  unsigned resultNode = 0;
  std::string why;
};

} // namespace fovea

#endif // FOVEA_PASSES_RECOGNIZE_SCALARTREE_H
