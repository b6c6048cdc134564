//===- Einsum.cpp - ONNX Einsum -------------------------------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Arith.h"
#include "Families.h"

#include "mlir/Dialect/Utils/StaticValueUtils.h"

#include "llvm/ADT/MapVector.h"

using namespace mlir;
using namespace fovea::frontend;

namespace {

/// Labels are characters; the dimensions of an ellipsis get numbers above them,
/// counted from the last one.
using Label = int;
constexpr Label ellipsisBase = 256;
using Labels = SmallVector<Label>;

/// One operand: a tensor and the label of each of its dimensions.
struct Term {
  Value value;
  Labels labels;
};

/// Carries out one equation, two operands at a time.
class EinsumImporter {
public:
  explicit EinsumImporter(NodeImporter &n) : n(n), b(n.b()) {}
  LogicalResult run();

private:
  FailureOr<Labels> parseTerm(StringRef text, int64_t ellipsisRank);
  LogicalResult parse();
  LogicalResult collectSizes();
  Term takeDiagonals(Term term);
  Term sumUnused(Term term, llvm::function_ref<bool(Label)> isUsed);
  Term multiply(const Term &lhs, const Term &rhs,
                llvm::function_ref<bool(Label)> isUsed);
  Value arrange(Term term);
  /// Drops dimensions of size 1 whose label is larger elsewhere.
  Term dropBroadcast(Term term);

  NodeImporter &n;
  TensorBuilder &b;
  SmallVector<Term> terms;
  Labels output;
  llvm::MapVector<Label, OpFoldResult> sizes;
};

} // namespace

FailureOr<Labels> EinsumImporter::parseTerm(StringRef text,
                                            int64_t ellipsisRank) {
  Labels labels;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text.substr(i).starts_with("...")) {
      for (int64_t d = ellipsisRank; d > 0; --d)
        labels.push_back(ellipsisBase + d);
      i += 2;
    } else if (llvm::isAlpha(text[i])) {
      labels.push_back(text[i]);
    } else {
      return n.fail("the equation has an unexpected '" + Twine(text[i]) + "'");
    }
  }
  return labels;
}

LogicalResult EinsumImporter::parse() {
  std::string equation;
  for (char c : n.attrString("equation", ""))
    if (c != ' ')
      equation.push_back(c);
  auto [left, right] = StringRef(equation).split("->");
  bool isExplicit = StringRef(equation).contains("->");
  SmallVector<StringRef> inputs;
  left.split(inputs, ',');
  if (inputs.size() != n.numInputs())
    return n.fail("the equation has " + Twine(inputs.size()) +
                  " operands, the node " + Twine(n.numInputs()));
  int64_t widest = 0;
  for (auto [i, text] : llvm::enumerate(inputs)) {
    bool hasEllipsis = text.contains("...");
    int64_t named = int64_t(text.size()) - (hasEllipsis ? 3 : 0);
    int64_t rest = n.rank(i) - named;
    if (rest < 0 || (rest > 0 && !hasEllipsis))
      return n.fail("operand " + Twine(i) + " has rank " + Twine(n.rank(i)) +
                    ", the equation says '" + text + "'");
    auto labels = parseTerm(text, rest);
    if (failed(labels))
      return failure();
    terms.push_back({n.input(i), *labels});
    widest = std::max(widest, rest);
  }
  if (isExplicit) {
    auto labels = parseTerm(right, widest);
    if (failed(labels))
      return failure();
    output = *labels;
    return success();
  }
  // Implicit: the ellipsis, then the labels that occur once, in order.
  llvm::MapVector<Label, int> counts;
  for (const Term &term : terms)
    for (Label label : term.labels)
      ++counts[label];
  for (int64_t d = widest; d > 0; --d)
    output.push_back(ellipsisBase + d);
  Labels once;
  for (auto [label, count] : counts)
    if (count == 1 && label < ellipsisBase)
      once.push_back(label);
  llvm::sort(once);
  output.append(once);
  return success();
}

LogicalResult EinsumImporter::collectSizes() {
  for (const Term &term : terms) {
    for (auto [i, label] : llvm::enumerate(term.labels)) {
      OpFoldResult size = b.dim(term.value, i);
      auto [it, isNew] = sizes.insert({label, size});
      if (isNew)
        continue;
      auto known = getConstantIntValue(it->second);
      auto constant = getConstantIntValue(size);
      if (constant && *constant == 1)
        continue;
      if (!known || *known == 1)
        it->second = size;
      else if (constant && *constant != *known)
        return n.fail("a label stands for sizes " + Twine(*known) + " and " +
                      Twine(*constant));
    }
  }
  for (auto [i, label] : llvm::enumerate(output)) {
    if (!sizes.count(label))
      return n.fail("the result has a label that no operand has");
    if (llvm::is_contained(ArrayRef<Label>(output).take_front(i), label))
      return n.fail("the result has a label twice");
  }
  return success();
}

Term EinsumImporter::dropBroadcast(Term term) {
  SmallVector<int64_t> dropped;
  Labels kept;
  for (auto [i, label] : llvm::enumerate(term.labels)) {
    if (b.type(term.value).getDimSize(i) == 1 &&
        getConstantIntValue(sizes[label]) != 1)
      dropped.push_back(i);
    else
      kept.push_back(label);
  }
  if (dropped.empty())
    return term;
  return {b.squeeze(term.value, dropped), kept};
}

Term EinsumImporter::takeDiagonals(Term term) {
  Labels unique;
  for (Label label : term.labels)
    if (!llvm::is_contained(unique, label))
      unique.push_back(label);
  if (unique.size() == term.labels.size())
    return term;
  Dims dims;
  for (Label label : unique)
    dims.push_back(sizes[label]);
  Value diagonal = b.generate(
      dims, b.elementType(term.value), [&](TensorBuilder &b, ValueRange at) {
        SmallVector<Value> indices;
        for (Label label : term.labels)
          indices.push_back(at[llvm::find(unique, label) - unique.begin()]);
        return Value(tensor::ExtractOp::create(b, term.value, indices));
      });
  return {diagonal, unique};
}

Term EinsumImporter::sumUnused(Term term,
                               llvm::function_ref<bool(Label)> isUsed) {
  SmallVector<int64_t> axes;
  Labels kept;
  for (auto [i, label] : llvm::enumerate(term.labels)) {
    if (isUsed(label))
      kept.push_back(label);
    else
      axes.push_back(i);
  }
  if (axes.empty())
    return term;
  Type type = b.elementType(term.value), sum = element::mathType(type);
  Value result =
      b.reduce(term.value, axes, /*keepDims=*/false, b.scalar(sum, 0),
               [&](TensorBuilder &b, ValueRange args) {
                 return element::add(b, args[1], b.castScalar(args[0], sum));
               });
  return {*b.castTo(result, type), kept};
}

Term EinsumImporter::multiply(const Term &lhs, const Term &rhs,
                              llvm::function_ref<bool(Label)> isUsed) {
  // Loops: what stays (in the order of the left, then the right operand), then
  // what is summed.
  Labels kept, summed;
  for (const Term *term : {&lhs, &rhs})
    for (Label label : term->labels) {
      Labels &list = isUsed(label) ? kept : summed;
      if (!llvm::is_contained(list, label))
        list.push_back(label);
    }
  // The final product comes out in the order of the result.
  Labels loops;
  for (Label label : output)
    if (llvm::is_contained(kept, label))
      loops.push_back(label);
  for (Label label : kept)
    if (!llvm::is_contained(output, label))
      loops.push_back(label);
  kept = loops;
  loops.append(summed);
  auto map = [&](const Labels &labels) {
    SmallVector<AffineExpr> exprs;
    for (Label label : labels)
      exprs.push_back(
          b.getAffineDimExpr(llvm::find(loops, label) - loops.begin()));
    return AffineMap::get(loops.size(), 0, exprs, b.getContext());
  };
  Dims dims;
  for (Label label : loops)
    dims.push_back(sizes[label]);
  Value result =
      b.contract({lhs.value, rhs.value}, {map(lhs.labels), map(rhs.labels)},
                 map(kept), dims);
  return {result, kept};
}

Value EinsumImporter::arrange(Term term) {
  SmallVector<int64_t> perm;
  for (Label label : output)
    perm.push_back(llvm::find(term.labels, label) - term.labels.begin());
  return b.transpose(term.value, perm);
}

LogicalResult EinsumImporter::run() {
  if (failed(parse()) || failed(collectSizes()))
    return failure();
  for (Term &term : terms)
    term = dropBroadcast(takeDiagonals(term));
  Term result = terms[0];
  auto usedLater = [&](size_t next, Label label) {
    if (llvm::is_contained(output, label))
      return true;
    for (size_t i = next; i < terms.size(); ++i)
      if (llvm::is_contained(terms[i].labels, label))
        return true;
    return false;
  };
  result = sumUnused(result, [&](Label label) { return usedLater(1, label); });
  for (size_t i = 1; i < terms.size(); ++i) {
    // What only this operand has is summed before the product.
    Term next = sumUnused(terms[i], [&](Label label) {
      return usedLater(i + 1, label) ||
             llvm::is_contained(result.labels, label);
    });
    result = multiply(result, next,
                      [&](Label label) { return usedLater(i + 1, label); });
  }
  return n.bindOutput(0, arrange(result), n.dtype(0));
}

static LogicalResult importEinsum(NodeImporter &n) {
  return EinsumImporter(n).run();
}

void fovea::frontend::registerEinsumOps(OpRegistry &registry) {
  registry.add("Einsum", importEinsum);
}
