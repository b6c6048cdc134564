//===- Embedding.cpp - Embeddings with a normalisation -------------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "../../Checks.h"
#include "../../ScalarCode.h"
#include "../Arith.h"
#include "../Families.h"
#include "../Normalization.h"
#include "Contrib.h"

#include "onnx/defs/shape_inference.h"

#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace fovea::frontend;

namespace {
enum Input {
  Ids,
  SegmentIds,
  Words,
  Positions,
  Segments,
  Gamma,
  Beta,
  Mask,
  PositionIds
};
} // namespace

static LogicalResult checkShapes(NodeImporter &n) {
  TensorBuilder &b = n.b();
  for (size_t i :
       {Ids, SegmentIds, Words, Positions, Segments, Mask, PositionIds})
    if (failed(requireRank(n, i, 2)))
      return failure();
  if (!n.input(SegmentIds) != !n.input(Segments))
    return n.fail("segment_ids and segment_embedding go together");
  OpFoldResult batch = b.dim(n.input(Ids), 0), rows = b.dim(n.input(Ids), 1),
               width = b.dim(n.input(Words), 1);
  for (size_t i : {Positions, Segments})
    if (n.input(i) && failed(requireEqual(n, b.dim(n.input(i), 1), width,
                                          "width of the embeddings")))
      return failure();
  for (size_t i : {Gamma, Beta})
    if (failed(requireRank(n, i, 1)) ||
        failed(requireEqual(n, b.dim(n.input(i), 0), width, "gamma and beta")))
      return failure();
  for (size_t i : {SegmentIds, Mask, PositionIds}) {
    if (!n.input(i))
      continue;
    OpFoldResult size = b.dim(n.input(i), 0);
    bool isShared = i == PositionIds && getConstantIntValue(size) == 1;
    if ((!isShared &&
         failed(requireEqual(n, size, batch, "batch of the ids"))) ||
        failed(requireEqual(n, b.dim(n.input(i), 1), rows, "rows of the ids")))
      return failure();
  }
  if (!n.input(PositionIds) &&
      failed(requireAtMost(n, rows, b.dim(n.input(Positions), 0), "positions")))
    return failure();
  for (size_t i : {Words, Positions, Segments})
    if (n.input(i) && failed(requireElements(n, b.dim(n.input(i), 0),
                                             {batch, rows}, "embedding")))
      return failure();
  return success();
}

/// The sum of the rows of all embeddings, in f32 at least. An id out of range
/// reads the first or last row.
static Value sumEmbeddings(NodeImporter &n) {
  TensorBuilder &b = n.b();
  Type compute = element::mathType(b.elementType(n.input(Words)));
  auto limit = [&](size_t i) -> Value {
    return n.input(i) ? b.toValue(b.sub(b.dim(n.input(i), 0), b.attr(1)))
                      : Value();
  };
  Value words = limit(Words), positions = limit(Positions),
        segments = limit(Segments);
  Dims dims = b.shape(n.input(Ids));
  dims.push_back(b.dim(n.input(Words), 1));
  bool isShared =
      n.input(PositionIds) && b.type(n.input(PositionIds)).getDimSize(0) == 1;
  return b.generate(dims, compute, [&](TensorBuilder &inner, ValueRange at) {
    ScalarCode s(inner);
    auto row = [&](size_t table, Value id, Value last) {
      Value position = s.clamp(s.toIndex(id), s.index(0), last);
      Value x = s.extract(n.input(table), {position, at[2]});
      return inner.castScalar(x, compute);
    };
    Value position = at[1];
    if (Value ids = n.input(PositionIds))
      position = s.extract(ids, {isShared ? s.index(0) : Value(at[0]), at[1]});
    Value sum =
        s.add(row(Words, s.extract(n.input(Ids), {at[0], at[1]}), words),
              row(Positions, position, positions));
    if (!segments)
      return sum;
    Value segment = s.extract(n.input(SegmentIds), {at[0], at[1]});
    return s.add(sum, row(Segments, segment, segments));
  });
}

/// The number of ones in each row of the mask; zeros without one.
static Value countMask(NodeImporter &n) {
  TensorBuilder &b = n.b();
  Type type = b.elementType(n.input(Ids));
  if (!n.input(Mask))
    return b.zeros({b.dim(n.input(Ids), 0)}, type);
  return b.reduce(n.input(Mask), {1}, /*keepDims=*/false, b.scalar(type, 0),
                  [&](TensorBuilder &inner, ValueRange args) {
                    ScalarCode s(inner);
                    Value one = s.constant(type, 1), none = s.constant(type, 0);
                    return s.add(args[1],
                                 s.select(s.eq(args[0], one), one, none));
                  });
}

static LogicalResult importEmbedLayerNorm(NodeImporter &n) {
  TensorBuilder &b = n.b();
  if (failed(checkShapes(n)))
    return failure();
  Value sum = sumEmbeddings(n);
  Type type = b.elementType(n.input(Words)), compute = b.elementType(sum);
  if (failed(n.bindOutput(2, b.castTo(sum, type), n.dtype(Words))) ||
      failed(n.bindOutput(1, countMask(n), n.dtype(Ids))))
    return failure();
  Value mean = meanOf(b, sum, {2}, compute);
  auto inverse = inverseDeviation(b, sum, mean, {2},
                                  n.attrFloat("epsilon", 1e-12f), compute);
  if (failed(inverse))
    return failure();
  auto result =
      applyNorm(b, sum, mean, *inverse, n.input(Gamma), n.input(Beta), compute);
  if (failed(result))
    return failure();
  return n.bindOutput(0, b.castTo(*result, type), n.dtype(Words));
}

static void inferEmbedding(onnx::InferenceContext &context) {
  onnx::propagateElemTypeFromInputToOutput(context, Words, 0);
  if (context.getNumOutputs() > 1)
    onnx::propagateElemTypeFromInputToOutput(context, Ids, 1);
  if (context.getNumOutputs() > 2)
    onnx::propagateElemTypeFromInputToOutput(context, Words, 2);
}

void fovea::frontend::registerContribEmbeddingOps(OpRegistry &registry) {
  ContribSchema("EmbedLayerNormalization")
      .input("input_ids", "T1")
      .optional("segment_ids", "T1")
      .input("word_embedding")
      .input("position_embedding")
      .optional("segment_embedding")
      .input("gamma")
      .input("beta")
      .optional("mask", "T1")
      .optional("position_ids", "T1")
      .output("output")
      .optionalOutput("mask_index", "T1")
      .optionalOutput("embedding_sum")
      .types("T1", {"tensor(int32)"})
      .ints({"mask_index_type"})
      .floats({"epsilon"})
      .infer(inferEmbedding)
      .define(registry, importEmbedLayerNorm);
}
