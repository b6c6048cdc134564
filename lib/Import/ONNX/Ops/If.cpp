//===- If.cpp - If --------------------------------------------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "../Form.h"
#include "Families.h"

using namespace mlir;
using namespace fovea::frontend;

/// The forms of the results of both branches.
static FailureOr<SmallVector<Form>>
joinBranches(NodeImporter &node, ArrayRef<SmallVector<Binding>> results) {
  TensorBuilder &b = node.b();
  SmallVector<Form> forms;
  for (auto [i, pair] :
       llvm::enumerate(llvm::zip_equal(results[0], results[1]))) {
    auto [then, otherwise] = pair;
    std::string why;
    FailureOr<Form> form = join(formOf(b, then, /*lists=*/true),
                                formOf(b, otherwise, /*lists=*/true), why);
    if (failed(form))
      return node.fail("the branches give result " + Twine(i) + " " + why +
                       ", and the condition is only known at run time");
    forms.push_back(*form);
  }
  return forms;
}

/// Ends both branches with values of the joined forms and moves them into an
/// scf.if that has results.
static scf::IfOp finishBranches(NodeImporter &node, scf::IfOp draft,
                                ArrayRef<SmallVector<Binding>> results,
                                ArrayRef<Form> forms) {
  TensorBuilder &b = node.b();
  SmallVector<Type> types;
  for (const Form &form : forms)
    llvm::append_range(types, partTypes(form, b.getContext()));
  OpBuilder::InsertionGuard guard(b);
  for (auto [region, values] : llvm::zip_equal(draft->getRegions(), results)) {
    Operation *terminator = region.front().getTerminator();
    b.setInsertionPoint(terminator);
    SmallVector<Value> yielded;
    for (auto [binding, form] : llvm::zip_equal(values, forms))
      llvm::append_range(yielded, toParts(b, binding, form));
    scf::YieldOp::create(b, yielded);
    terminator->erase();
  }
  b.setInsertionPoint(draft);
  auto op = scf::IfOp::create(b, types, draft.getCondition(),
                              /*addThenBlock=*/false, /*addElseBlock=*/false);
  op.getThenRegion().takeBody(draft.getThenRegion());
  op.getElseRegion().takeBody(draft.getElseRegion());
  draft.erase();
  return op;
}

static LogicalResult importIf(NodeImporter &node) {
  TensorBuilder &b = node.b();
  const onnx::GraphProto *branches[] = {node.attrGraph("then_branch"),
                                        node.attrGraph("else_branch")};
  if (!branches[0] || !branches[1])
    return node.fail("then_branch or else_branch is missing");
  // Only the branch that is taken has to make sense for the sizes at hand.
  if (std::optional<SmallVector<int64_t>> known = node.constantInts(0);
      known && known->size() == 1) {
    FailureOr<SmallVector<Binding>> results =
        node.importGraph(*branches[known->front() ? 0 : 1], {});
    if (failed(results))
      return failure();
    for (auto [i, result] : llvm::enumerate(*results))
      if (failed(node.bindOutput(i, result)))
        return failure();
    return success();
  }
  Value condition = b.extractScalar(node.input(0));
  auto draft =
      scf::IfOp::create(b, TypeRange(), condition, /*withElseRegion=*/true);
  SmallVector<SmallVector<Binding>> results;
  for (size_t i = 0; i < 2; ++i) {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPoint(draft->getRegion(i).front().getTerminator());
    FailureOr<SmallVector<Binding>> imported =
        node.importGraph(*branches[i], {});
    if (failed(imported))
      return failure();
    results.push_back(*imported);
  }
  if (results[0].size() != results[1].size())
    return node.fail("the branches differ in their number of results");
  FailureOr<SmallVector<Form>> forms = joinBranches(node, results);
  if (failed(forms))
    return failure();
  scf::IfOp op = finishBranches(node, draft, results, *forms);
  ValueRange parts = op->getResults();
  for (auto [i, form] : llvm::enumerate(*forms)) {
    Binding result = fromParts(form, parts);
    bool isTensor = form.kind == Form::Tensor && !form.optional;
    if (failed(isTensor ? node.bindOutput(i, result.value, result.dtype)
                        : node.bindOutput(i, result)))
      return failure();
  }
  return success();
}

void fovea::frontend::registerIfOps(OpRegistry &registry) {
  registry.add("If", importIf);
}
