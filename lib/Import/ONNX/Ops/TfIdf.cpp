//===- TfIdf.cpp - TfIdfVectorizer ----------------------------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "../ScalarCode.h"
#include "Families.h"

#include <map>

using namespace mlir;
using namespace fovea::frontend;

namespace {

/// Counts how often n-grams of a pool occur in each row, with up to
/// max_skip_count tokens left out between those of an n-gram.
struct TfIdf {
  NodeImporter &node;
  TensorBuilder &b;
  /// The n-grams by the position of their count in the result.
  std::multimap<int64_t, SmallVector<int64_t>> grams;
  int64_t outputs = 0, skips = 0;
  SmallVector<double> weights;
  enum { TF, IDF, TFIDF } mode = TF;
  /// Tables of the generated code: the n-grams of a result, and the tokens of
  /// an n-gram.
  Value gramBegin, tokenBegin, tokens;

  explicit TfIdf(NodeImporter &node) : node(node), b(node.b()) {}
  LogicalResult read();
  LogicalResult build();

private:
  LogicalResult readMode();
  LogicalResult readGrams();
  void makeTables();
  Value matches(ScalarCode &s, Value x, Value row, Value start, Value distance,
                Value begin, Value end);
  Value countGram(ScalarCode &s, Value x, Value row, Value length, Value gram);
};

} // namespace

LogicalResult TfIdf::readMode() {
  std::string name = node.attrString("mode", "");
  if (name != "TF" && name != "IDF" && name != "TFIDF")
    return node.fail("unknown mode '" + Twine(name) + "'");
  mode = name == "TF" ? TF : name == "IDF" ? IDF : TFIDF;
  weights = node.attrFloats("weights").value_or(SmallVector<double>());
  if (mode == TF)
    weights.clear();
  if (!weights.empty() && static_cast<int64_t>(weights.size()) != outputs)
    return node.fail("weights need one value for each result");
  skips = node.attrInt("max_skip_count", 0);
  if (skips < 0 || skips > (1 << 20))
    return node.fail("max_skip_count is out of range");
  return success();
}

/// The pool has all n-grams of length 1, then those of length 2, ..; a length
/// begins where ngram_counts says.
LogicalResult TfIdf::readGrams() {
  auto pool = node.attrInts("pool_int64s"),
       starts = node.attrInts("ngram_counts"),
       indexes = node.attrInts("ngram_indexes");
  int64_t least = node.attrInt("min_gram_length", 1),
          most = node.attrInt("max_gram_length", 1);
  if (!pool || !starts || !indexes)
    return node.fail("pool_int64s, ngram_counts and ngram_indexes are needed");
  // What is listed twice counts for its last place.
  std::map<SmallVector<int64_t>, int64_t> places;
  size_t gram = 0;
  for (size_t n = 1; n <= starts->size(); ++n) {
    int64_t begin = (*starts)[n - 1];
    int64_t end = n < starts->size() ? (*starts)[n] : pool->size();
    if (begin < 0 || end < begin || end > static_cast<int64_t>(pool->size()))
      return node.fail("ngram_counts do not fit the pool");
    for (; begin + static_cast<int64_t>(n) <= end; begin += n, ++gram) {
      if (gram >= indexes->size() || (*indexes)[gram] < 0 ||
          (*indexes)[gram] > (1 << 24))
        return node.fail("ngram_indexes do not fit the pool");
      if (static_cast<int64_t>(n) >= least && static_cast<int64_t>(n) <= most)
        places[SmallVector<int64_t>(pool->begin() + begin,
                                    pool->begin() + begin + n)] =
            (*indexes)[gram];
    }
  }
  for (int64_t index : *indexes)
    outputs = std::max(outputs, index + 1);
  for (const auto &[tokens, index] : places)
    grams.emplace(index, tokens);
  return success();
}

LogicalResult TfIdf::read() {
  if (node.rank(0) > 2)
    return node.fail("the input has to have one or two dimensions");
  if (failed(readGrams()))
    return failure();
  return readMode();
}

void TfIdf::makeTables() {
  SmallVector<int64_t> gramBegins(outputs + 1, 0), tokenBegins = {0}, all;
  for (const auto &[index, gram] : grams) {
    ++gramBegins[index + 1];
    llvm::append_range(all, gram);
    tokenBegins.push_back(all.size());
  }
  for (int64_t i = 0; i < outputs; ++i)
    gramBegins[i + 1] += gramBegins[i];
  // An empty table is read by nobody, but has to be there.
  if (all.empty())
    all.push_back(0);
  gramBegin = b.intTensor(gramBegins);
  tokenBegin = b.intTensor(tokenBegins);
  tokens = b.intTensor(all);
}

/// Whether tokens [begin, end) are those from `start` in steps of `distance`.
Value TfIdf::matches(ScalarCode &s, Value x, Value row, Value start,
                     Value distance, Value begin, Value end) {
  return s.whileLoop(
      {begin, start, s.constant(s.b.getI1Type(), 1)},
      [&](ValueRange values) {
        return s.both(s.lt(values[0], end), values[2]);
      },
      [&](ValueRange values) {
        Value token = s.convert(s.extract(x, {row, values[1]}),
                                s.b.getI64Type(), node.isUnsigned(0));
        Value equal = s.eq(token, s.extract(tokens, values[0]));
        return ScalarCode::Values{s.add(values[0], s.index(1)),
                                  s.add(values[1], distance), equal};
      })[2];
}

/// How often an n-gram occurs in a row.
Value TfIdf::countGram(ScalarCode &s, Value x, Value row, Value length,
                       Value gram) {
  Value one = s.index(1), zero = s.index(0);
  Value begin = s.toIndex(s.extract(tokenBegin, gram)),
        end = s.toIndex(s.extract(tokenBegin, s.add(gram, one)));
  Value gaps = s.sub(s.sub(end, begin), one);
  // There is nothing to skip within a single token.
  Value distances = s.select(s.eq(gaps, zero), one, s.index(skips + 1));
  return s.forNest({distances}, zero, [&](ValueRange skip, ValueRange sums) {
    Value distance = s.add(skip[0], one);
    Value starts = s.max(s.sub(length, s.mul(gaps, distance)), zero);
    return s.forNest({starts}, sums, [&](ValueRange start, ValueRange carried) {
      Value found = matches(s, x, row, start[0], distance, begin, end);
      return ScalarCode::Values{
          s.select(found, s.add(carried[0], one), carried[0])};
    });
  })[0];
}

LogicalResult TfIdf::build() {
  Value x = node.input(0);
  int64_t rank = b.rank(x);
  if (rank < 2)
    x = b.reshape(x, {b.attr(1), b.product(b.shape(x))});
  makeTables();
  Type type = b.getF32Type();
  Value length = b.toValue(b.dim(x, 1)), factors;
  if (!weights.empty()) {
    SmallVector<float> values(weights.begin(), weights.end());
    factors =
        b.constant(RankedTensorType::get({outputs}, type),
                   ArrayRef<char>(reinterpret_cast<const char *>(values.data()),
                                  values.size() * sizeof(float)));
  }
  Value result = b.generate(
      {b.dim(x, 0), b.attr(outputs)}, type,
      [&](TensorBuilder &inner, ValueRange at) {
        ScalarCode s(inner);
        Value first = s.toIndex(s.extract(gramBegin, at[1])),
              last = s.toIndex(s.extract(gramBegin, s.add(at[1], s.index(1))));
        Value count =
            s.forNest({s.sub(last, first)}, s.index(0),
                      [&](ValueRange i, ValueRange carried) {
                        Value gram = s.add(first, i[0]);
                        Value own = countGram(s, x, at[0], length, gram);
                        return ScalarCode::Values{s.add(carried[0], own)};
                      })[0];
        if (mode == IDF)
          count = s.min(count, s.index(1));
        Value value = s.convert(count, type);
        return factors ? s.mul(value, s.extract(factors, at[1])) : value;
      });
  if (rank < 2)
    result = b.reshape(result, {b.attr(outputs)});
  return node.bindOutput(0, result, onnx::TensorProto::FLOAT);
}

static LogicalResult importTfIdf(NodeImporter &node) {
  TfIdf counter(node);
  if (failed(counter.read()))
    return failure();
  return counter.build();
}

void fovea::frontend::registerTfIdfOps(OpRegistry &registry) {
  registry.add("TfIdfVectorizer", importTfIdf);
}
