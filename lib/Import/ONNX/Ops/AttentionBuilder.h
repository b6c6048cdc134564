//===- AttentionBuilder.h - attn.attention from ONNX operands ---*- C++ -*-===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_LIB_IMPORT_ONNX_OPS_ATTENTIONBUILDER_H
#define FOVEA_LIB_IMPORT_ONNX_OPS_ATTENTIONBUILDER_H

#include "../Importer.h"

#include "fovea/dialects/attn/Attn.h"

namespace fovea::frontend {

/// A query, key or value: [batch, heads, rows, size], or as a projection leaves
/// it: [batch, rows, heads, size] and [batch, rows, heads * size].
struct HeadTensor {
  mlir::Value value;
  bool headsFirst = true;
  /// The number of heads where they are not a dimension of their own.
  mlir::OpFoldResult heads = {};
};

/// Builds one attn.attention for the attention operators of all domains: the
/// operands first, then in any order what changes the scores, then build().
/// Layouts and groups of query heads that share a key head are indexing maps.
class AttentionBuilder {
public:
  explicit AttentionBuilder(NodeImporter &node) : n(node), b(node.b()) {}

  mlir::LogicalResult setOperands(const HeadTensor &query,
                                  const HeadTensor &key,
                                  const HeadTensor &value);

  /// Transposes to [batch, heads, rows, size], the layout of caches.
  mlir::LogicalResult moveHeadsFirst(HeadTensor &tensor);

  /// Adds to the scores what broadcasts to [batch, query heads, rows, keys],
  /// after the soft cap.
  mlir::LogicalResult addBias(mlir::Value bias);
  /// Adds [1 or batch, 1 or query heads, rows, at least as many as keys].
  mlir::LogicalResult addPositionBias(mlir::Value bias);
  /// Hides keys where a boolean tensor of such a shape is false.
  mlir::LogicalResult addMask(mlir::Value mask);
  /// Row i stands at position i + shift; a null shift is `offset` alone. The
  /// shift is a scalar tensor or one number for each batch.
  void addCausal(int64_t offset, mlir::Value shift);
  /// Rows stand behind `past` keys.
  void addCausalAfter(mlir::OpFoldResult past);
  void addWindow(int64_t left, int64_t right, int64_t offset,
                 mlir::Value shift);
  /// Hides keys outside of [begin, end), one number for each batch; either may
  /// be null.
  void addBounds(mlir::Value begin, mlir::Value end);
  void setSoftcap(double cap) { softcap = cap; }
  void setScale(double factor) { params.scale = factor; }
  /// `scale` where it is not 0, otherwise 1 / sqrt(head size).
  mlir::LogicalResult setScaleOrDefault(double scale);
  /// Adds exp(sink) of each query head to the denominator of the softmax.
  void setSink(mlir::Value perHead) { sink = perHead; }
  /// The same for a sink of 0 in each head.
  void setSmoothSoftmax() {
    params.normalizer = attn::Normalizer::SoftmaxPlusOne;
  }

  /// The output, [batch, heads, rows, size] or [batch, rows, heads * size]. A
  /// row without a visible key gives zeros.
  mlir::FailureOr<mlir::Value> build(bool headsFirst);
  /// What becomes of the scores, [batch, heads, rows, keys]: the probabilities,
  /// or with `normalized` false what the softmax is given, 0 for hidden keys.
  /// An operation of its own, so that the one of the output never stores them.
  mlir::Value buildScores(bool normalized);

  mlir::OpFoldResult batch, queryHeads, keyHeads, rows, keys, headDim, valueDim;

private:
  mlir::FailureOr<mlir::Value> withHeads(const HeadTensor &tensor);
  void groupQuery(const HeadTensor &given, mlir::Value split);
  mlir::AffineMap map(llvm::ArrayRef<int64_t> dims);
  mlir::AffineMap mapOf(bool headsFirst, int64_t row, int64_t size,
                        bool isQuery);
  int64_t capture(mlir::Value value, mlir::AffineMap map);
  mlir::FailureOr<int64_t> captureScores(mlir::Value tensor, const Dims &to);
  int64_t captureShift(mlir::Value shift);
  void intersect(attn::MaskInterface mask);
  void scaleQuery();
  mlir::Value score(mlir::Value s, mlir::ValueRange args);
  attn::AttentionOp create(mlir::ValueRange inits,
                           llvm::ArrayRef<mlir::AffineMap> initMaps,
                           const attn::AttentionParams &params);
  Dims outputDims(bool headsFirst);
  mlir::FailureOr<mlir::Value> divideBySink(mlir::Value output, mlir::Value lse,
                                            bool headsFirst);

  NodeImporter &n;
  TensorBuilder &b;
  mlir::Value query, key, value;
  mlir::AffineMap queryMap, keyMap, valueMap;
  mlir::OpFoldResult group;
  /// Whether several query heads share a key head.
  bool isGrouped = false;
  llvm::SmallVector<mlir::Value> captures;
  llvm::SmallVector<mlir::AffineMap> captureMaps;
  /// Positions of the captures that are added to the scores.
  llvm::SmallVector<int64_t> biases;
  double softcap = 0;
  mlir::Value sink;
  attn::AttentionParams params;
};

} // namespace fovea::frontend

#endif // FOVEA_LIB_IMPORT_ONNX_OPS_ATTENTIONBUILDER_H
