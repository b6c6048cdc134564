//===- Subgraph.h - Loops over ONNX graphs --------------------*- C++ -*-===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_LIB_IMPORT_ONNX_SUBGRAPH_H
#define FOVEA_LIB_IMPORT_ONNX_SUBGRAPH_H

#include "Form.h"

namespace fovea::frontend {

/// The type that both can be cast to: a size that differs becomes dynamic. Null
/// where rank or element type differ.
mlir::RankedTensorType joinShapes(mlir::RankedTensorType a,
                                  mlir::RankedTensorType b);

/// A loop whose body is an ONNX graph. Loop and Scan describe themselves with
/// this; building the loop is common to both.
struct GraphLoop {
  GraphLoop(NodeImporter &node, const onnx::GraphProto &body)
      : node(node), body(body) {}

  NodeImporter &node;
  const onnx::GraphProto &body;
  /// Carried from iteration to iteration; inputs of the body from this one on.
  llvm::SmallVector<Binding> states;
  int firstState = 0;
  /// Number of iterations (an index); with `condition`, at most so many.
  mlir::Value tripCount;
  /// i1 whether the first iteration runs; null if unconditional.
  mlir::Value condition;
  /// The body's first result says whether another iteration follows.
  bool bodyHasCondition = false;
  /// Inputs of the body in one iteration.
  llvm::function_ref<llvm::SmallVector<Binding>(
      mlir::Value iteration, mlir::Value condition, llvm::ArrayRef<Binding>)>
      arguments;
  /// Where scan output i has the dimension of the iterations, and whether the
  /// last iteration comes first there.
  llvm::SmallVector<int64_t> outputAxes;
  llvm::SmallVector<bool> outputReversed;

  /// Builds the loop: final states, then scan outputs.
  mlir::FailureOr<llvm::SmallVector<Binding>> build();

private:
  struct Iteration {
    mlir::Value condition;
    llvm::SmallVector<Binding> states, outputs;
  };
  mlir::FailureOr<Iteration> importBody(mlir::Value iteration,
                                        mlir::Value condition,
                                        mlir::ValueRange carried);
  void chooseForms();
  bool onlyAppends(size_t state) const;
  bool keepsAppending(size_t state, mlir::RankedTensorType element);
  mlir::LogicalResult probe();
  mlir::FailureOr<bool> probeOnce();
  llvm::SmallVector<mlir::Value> initialParts();
  mlir::Value initialOutput(size_t i);
  llvm::SmallVector<mlir::Value> initialCarried();
  bool changesSizes();
  mlir::Value appendOutput(size_t i, mlir::Value iteration, mlir::Value carried,
                           mlir::Value element);
  mlir::FailureOr<llvm::SmallVector<mlir::Value>> buildFor();
  mlir::FailureOr<llvm::SmallVector<mlir::Value>> buildWhile();
  mlir::FailureOr<llvm::SmallVector<mlir::Value>>
  finishIteration(const Iteration &results, mlir::Value iteration,
                  mlir::ValueRange carried);
  Binding finalSequence(const Binding &initial, mlir::Value appended);

  /// Scan outputs of the node; those of appended sequences come after them.
  size_t scanOutputs = 0;
  /// The form of each state. A sequence that the body does nothing with but
  /// append a tensor of one static shape is not carried: it is a scan output.
  llvm::SmallVector<Form> forms;
  llvm::SmallVector<bool> appends;
  // What probing the body found out.
  bool endsEarly = false;
  /// One element of each scan output; then of each appended sequence.
  llvm::SmallVector<Binding> outputElements;
  llvm::SmallVector<mlir::RankedTensorType> elementTypes;
  /// Scan output i can be allocated before the loop.
  bool isPreallocated(size_t i) const {
    return !endsEarly && elementTypes[i].hasStaticShape();
  }
};

} // namespace fovea::frontend

#endif // FOVEA_LIB_IMPORT_ONNX_SUBGRAPH_H
