//===- RecognizeAttention.cpp - Decomposed attention to attn.attention ----===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fovea/passes/Recognize/Passes.h"

#include "fovea/Analysis/Remarks.h"
#include "fovea/dialects/attn/Attn.h"
#include "fovea/passes/Recognize/AttentionMatch.h"
#include "fovea/passes/Recognize/FoldLayout.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Transforms/RegionUtils.h"
#include "llvm/ADT/SetVector.h"

namespace fovea {
#define GEN_PASS_DEF_RECOGNIZEATTENTION
#include "fovea/passes/Recognize/Passes.h.inc"
} // namespace fovea

using namespace mlir;
using namespace fovea;

namespace {

/// Where the probabilities of one softmax go.
struct Uses {
  /// Contractions that read them, by operand.
  SmallVector<OpOperand *> contractions;
  /// An operation that is neither elementwise, nor a view, nor a contraction,
  /// and would need the probabilities in memory.
  Operation *other = nullptr;
};

class RecognizeAttentionPass
    : public fovea::impl::RecognizeAttentionBase<RecognizeAttentionPass> {
public:
  void runOnOperation() override;

private:
  void recognize(linalg::SoftmaxOp softmax);
};

} // namespace

/// Follow the probabilities forward through elementwise operations and views.
static Uses followProbabilities(linalg::SoftmaxOp softmax) {
  constexpr unsigned kMaxVisited = 256;
  Uses uses;
  SetVector<Value> seen;
  seen.insert(softmax->getResult(0));
  for (unsigned i = 0; i < seen.size() && seen.size() < kMaxVisited; ++i) {
    for (OpOperand &use : seen[i].getUses()) {
      Operation *user = use.getOwner();
      auto op = dyn_cast<linalg::LinalgOp>(user);
      // A branch that repeats the probabilities uses them inside.
      bool isRepeated = false;
      if (Operation *outer = softmax->getBlock()->findAncestorOpInBlock(*user))
        for (Value result : outer->getResults())
          if (outer != user && viewSource(result) == seen[i]) {
            seen.insert(result);
            isRepeated = true;
          }
      if (isRepeated)
        continue;
      bool isLocal = user->getBlock() == softmax->getBlock();
      if (op && isLocal && op.isDpsInput(&use) && isZeroInitContraction(op)) {
        uses.contractions.push_back(&use);
        continue;
      }
      bool reads = op && op.isDpsInput(&use) && isPointwise(op);
      bool passes =
          reads ||
          isa<tensor::CastOp, tensor::ExpandShapeOp, tensor::CollapseShapeOp>(
              user);
      if (isLocal && passes)
        seen.insert(user->getResult(0));
      else if (!isOpTriviallyDead(user))
        uses.other = user;
    }
  }
  return uses;
}

/// Whether nothing but the matched contractions needs the probabilities: each
/// use of a value on a way to them is itself on such a way.
static bool coversAllUses(linalg::SoftmaxOp softmax,
                          ArrayRef<AttentionMatch> matches) {
  SmallVector<Operation *> work = {softmax};
  SmallPtrSet<Operation *, 8> seen;
  while (!work.empty()) {
    Operation *op = work.pop_back_val();
    if (!seen.insert(op).second)
      continue;
    for (Operation *user : op->getUsers()) {
      if (Operation *outer = softmax->getBlock()->findAncestorOpInBlock(*user))
        user = outer;
      bool isEnd = llvm::any_of(matches, [&](const AttentionMatch &match) {
        return user == match.outputOp();
      });
      bool isPath = llvm::any_of(matches, [&](const AttentionMatch &match) {
        return match.probTree.contains(user);
      });
      if (!isEnd && !isPath && !isOpTriviallyDead(user))
        return false;
      if (isPath)
        work.push_back(user);
    }
  }
  return true;
}

/// What the remark about a recognised site says.
static std::string describe(attn::AttentionOp op) {
  std::string text = "fused into one operation";
  if (!op.getScore().empty())
    text += ", with a score region";
  if (!op.getProb().empty())
    text += ", with a probability region";
  if (op.getInitOfKind(attn::ResultKind::Probabilities) >= 0)
    text += "; its probabilities have other users and are stored";
  return text;
}

/// The probabilities have users besides the matched products: one of those
/// becomes attention that also gives the probabilities.
static void keepProbabilities(RewriterBase &rewriter, linalg::SoftmaxOp softmax,
                              MutableArrayRef<AttentionMatch> matches,
                              Operation *user) {
  SmallVector<Operation *> ops = {softmax};
  for (AttentionMatch &match : matches) {
    if (!canKeepProbabilities(match))
      continue;
    match.keepsProbabilities = true;
    ops.append({match.scores, match.outputOp()});
    auto op = cast<attn::AttentionOp>(buildAttention(rewriter, match));
    reportSite("attention", true, ops, describe(op));
    return;
  }
  if (user)
    ops.push_back(user);
  reportSite("attention", false, ops,
             "the probabilities are used by something else than a product "
             "with values");
}

void RecognizeAttentionPass::recognize(linalg::SoftmaxOp softmax) {
  Uses uses = followProbabilities(softmax);
  if (uses.contractions.empty()) {
    // The importer repeats along axes that are one at run time in a branch.
    bool branches = isa_and_nonnull<scf::IfOp>(
        uses.other ? uses.other->getParentOp() : nullptr);
    reportSite("attention", false, {softmax},
               branches || isa_and_nonnull<scf::IfOp>(uses.other)
                   ? "whether the probabilities are repeated along an axis is "
                     "known only at run time; fixing the sizes of inputs helps"
                   : "no product with values follows the softmax");
    return;
  }
  SmallVector<AttentionMatch, 0> matches;
  std::string why;
  Operation *missed = nullptr;
  for (OpOperand *use : uses.contractions) {
    AttentionMatch match = matchAttention(softmax, *use);
    if (match.why.empty()) {
      matches.push_back(std::move(match));
      continue;
    }
    if (!missed)
      why = match.why;
    missed = use->getOwner();
  }
  if (matches.empty()) {
    reportSite("attention", false, {softmax, missed}, why);
    return;
  }
  IRRewriter rewriter(&getContext());
  if (uses.other || missed || !coversAllUses(softmax, matches)) {
    keepProbabilities(rewriter, softmax, matches,
                      uses.other ? uses.other : missed);
    return;
  }
  for (OpOperand *use : uses.contractions) {
    // Matched again: what was built for an earlier use may be an operand now.
    AttentionMatch match = matchAttention(softmax, *use);
    SmallVector<Operation *> ops = {match.softmax, match.scores, match.output};
    auto op = cast<attn::AttentionOp>(buildAttention(rewriter, match));
    reportSite("attention", true, ops, describe(op));
  }
}

void RecognizeAttentionPass::runOnOperation() {
  SmallVector<linalg::SoftmaxOp> sites;
  getOperation().walk([&](linalg::SoftmaxOp op) {
    if (op.hasPureTensorSemantics())
      sites.push_back(op);
  });
  IRRewriter rewriter(&getContext());
  // The model's own operators. The importer has reported them.
  SmallVector<attn::AttentionOp> operators;
  getOperation().walk([&](attn::AttentionOp op) { operators.push_back(op); });
  for (attn::AttentionOp op : operators)
    foldLayout(rewriter, op);
  for (linalg::SoftmaxOp op : sites)
    recognize(op);
  (void)runRegionDCE(rewriter, getOperation()->getRegions());
  // What was replaced is gone by now.
  reportLinearAttention(getOperation());
}
