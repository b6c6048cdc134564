//===- Grouping.cpp - Which operations share a kernel ---------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fovea/passes/Group/Grouping.h"

#include "fovea/Analysis/Stencil.h"
#include "fovea/dialects/attn/Attn.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/IR/LinalgInterfaces.h"
#include "mlir/Dialect/Utils/StructuredOpsUtils.h"
#include "mlir/Interfaces/TilingInterface.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace fovea;

llvm::StringRef fovea::groupKindName(GroupKind kind) {
  switch (kind) {
  case GroupKind::Contraction:
    return "matmul";
  case GroupKind::Attention:
    return "attention";
  case GroupKind::Rows:
    return "rows";
  case GroupKind::Elementwise:
    return "elementwise";
  case GroupKind::Other:
    return "other";
  }
  return "other";
}

bool fovea::isKernelWork(Operation *op) {
  if (isa<linalg::FillOp>(op) ||
      !(isa<TilingInterface>(op) || isa<attn::AttnDialect>(op->getDialect())))
    return false;
  auto dps = dyn_cast<DestinationStyleOpInterface>(op);
  return dps && dps.hasPureTensorSemantics() && op->getNumResults() != 0;
}

/// A contraction, a convolution or an attention: work whose tiles are chosen
/// for it alone.
static GroupKind kindOf(Operation *op) {
  if (isa<attn::AttnDialect>(op->getDialect()))
    return GroupKind::Attention;
  auto linalgOp = dyn_cast<linalg::LinalgOp>(op);
  if (!linalgOp)
    return GroupKind::Other;
  if (linalg::isaContractionOpInterface(linalgOp) ||
      linalg::isaConvolutionOpInterface(linalgOp))
    return GroupKind::Contraction;
  if (linalgOp.getNumReductionLoops() != 0)
    return GroupKind::Rows;
  return GroupKind::Elementwise;
}

/// Number of parallel loops before the first reduction loop.
static unsigned leadingParallel(linalg::LinalgOp op) {
  unsigned n = 0;
  for (utils::IteratorType type : op.getIteratorTypesArray()) {
    if (type != utils::IteratorType::parallel)
      break;
    ++n;
  }
  return n;
}

/// Number of leading results of `map` that are d0, d1, ... in order.
static unsigned identityPrefix(AffineMap map) {
  unsigned n = 0;
  for (AffineExpr result : map.getResults()) {
    auto dim = dyn_cast<AffineDimExpr>(result);
    if (!dim || dim.getPosition() != n)
      break;
    ++n;
  }
  return n;
}

static bool isRoot(Operation *op) {
  GroupKind kind = kindOf(op);
  return kind == GroupKind::Contraction || kind == GroupKind::Attention;
}

/// Whether `op` is the last link of a chain of elementwise operations that
/// begins at a contraction's only use: it is an epilogue there.
static bool isEpilogue(Operation *op) {
  auto linalgOp = dyn_cast<linalg::LinalgOp>(op);
  if (!linalgOp || kindOf(op) != GroupKind::Elementwise)
    return false;
  return llvm::any_of(linalgOp.getDpsInputOperands(), [&](OpOperand *operand) {
    Operation *producer = operand->get().getDefiningOp();
    return producer && operand->get().hasOneUse() &&
           linalgOp.getMatchingIndexingMap(operand).isIdentity() &&
           (isRoot(producer) || isEpilogue(producer));
  });
}

namespace {
/// One group while it grows from its tail towards its producers.
class GroupBuilder {
public:
  explicit GroupBuilder(Operation *tail) { members.insert(tail); }

  /// Takes in `producer` when the group stays one loop over rows.
  bool tryAdd(Operation *producer);

  KernelGroup finish() const;

private:
  bool allUsersInside(Operation *producer) const;
  std::optional<unsigned> commonRows() const;

  llvm::SetVector<Operation *> members;
};
} // namespace

bool GroupBuilder::allUsersInside(Operation *producer) const {
  return llvm::all_of(producer->getUsers(), [&](Operation *user) {
    // A user nested in a member's region reads single elements: not rows.
    return members.contains(user);
  });
}

/// The number of leading loops that every member shares, or nothing when some
/// member would need rows that its producer computes elsewhere.
std::optional<unsigned> GroupBuilder::commonRows() const {
  unsigned rows = std::numeric_limits<unsigned>::max();
  unsigned wanted = rows;
  for (Operation *member : members) {
    auto op = dyn_cast<linalg::LinalgOp>(member);
    if (!op)
      return std::nullopt;
    unsigned parallel = leadingParallel(op);
    rows = std::min(rows, parallel);
    // What one loop over the rows can at best share: all parallel dimensions.
    wanted = std::min<unsigned>(wanted, op.getNumParallelLoops());
    for (OpOperand &operand : member->getOpOperands()) {
      Operation *producer = operand.get().getDefiningOp();
      if (producer && members.contains(producer))
        rows =
            std::min(rows, identityPrefix(op.getMatchingIndexingMap(&operand)));
    }
    for (OpOperand &init : op.getDpsInitsMutable())
      rows = std::min(rows, identityPrefix(op.getMatchingIndexingMap(&init)));
  }
  if (rows == 0 || rows != wanted)
    return std::nullopt;
  return rows;
}

bool GroupBuilder::tryAdd(Operation *producer) {
  if (!isKernelWork(producer) || producer->getNumResults() != 1 ||
      producer->getBlock() != members.front()->getBlock() ||
      !allUsersInside(producer))
    return false;
  GroupKind kind = kindOf(producer);
  // What feeds a contraction is computed once, not once per tile of it.
  if (llvm::any_of(members, isRoot) || kind == GroupKind::Attention ||
      kind == GroupKind::Other)
    return false;
  if (kind == GroupKind::Contraction) {
    auto result = cast<RankedTensorType>(producer->getResult(0).getType());
    bool sameSpace = llvm::all_of(members, [&](Operation *op) {
      auto linalgOp = dyn_cast<linalg::LinalgOp>(op);
      return linalgOp && kindOf(op) == GroupKind::Elementwise &&
             static_cast<int64_t>(linalgOp.getNumLoops()) == result.getRank();
    });
    if (!sameSpace)
      return false;
    // Every use must read exactly the element that it computes; a convolution
    // may have its channels moved by the way.
    bool mayPermute = readsWindows(cast<linalg::LinalgOp>(producer));
    for (OpOperand &use : producer->getUses()) {
      auto user = cast<linalg::LinalgOp>(use.getOwner());
      AffineMap map = user.getMatchingIndexingMap(&use);
      if (user.isDpsInit(&use) ||
          !(mayPermute ? map.isPermutation() : map.isIdentity()) ||
          !user.getIndexingMapMatchingResult(user->getResult(0)).isIdentity())
        return false;
    }
    members.insert(producer);
    return true;
  }
  // An epilogue saves its contraction's result a trip through memory; before a
  // row reduction it would only save its own.
  bool hasRows = llvm::any_of(
      members, [](Operation *op) { return kindOf(op) == GroupKind::Rows; });
  if (hasRows && isEpilogue(producer))
    return false;
  members.insert(producer);
  if (commonRows())
    return true;
  members.remove(producer);
  return false;
}

KernelGroup GroupBuilder::finish() const {
  KernelGroup group;
  group.ops.assign(members.begin(), members.end());
  llvm::sort(group.ops,
             [](Operation *a, Operation *b) { return a->isBeforeInBlock(b); });
  group.kind = GroupKind::Elementwise;
  for (Operation *op : group.ops)
    group.kind = std::min(group.kind, kindOf(op));
  if (group.ops.size() == 1)
    group.kind = kindOf(group.ops.front());
  return group;
}

SmallVector<KernelGroup> fovea::formGroups(Block &block) {
  SmallVector<KernelGroup> groups;
  DenseSet<Operation *> taken;
  for (Operation &tail : llvm::reverse(block)) {
    if (!isKernelWork(&tail) || taken.contains(&tail))
      continue;
    GroupBuilder builder(&tail);
    // A producer may have to wait until its other users are inside.
    SmallVector<Operation *> members = {&tail};
    bool grown = true;
    while (grown) {
      grown = false;
      for (size_t i = 0; i < members.size(); ++i) {
        for (Value operand : members[i]->getOperands()) {
          Operation *producer = operand.getDefiningOp();
          if (!producer || taken.contains(producer) ||
              llvm::is_contained(members, producer) ||
              !builder.tryAdd(producer))
            continue;
          members.push_back(producer);
          grown = true;
        }
      }
    }
    taken.insert(members.begin(), members.end());
    groups.push_back(builder.finish());
  }
  std::reverse(groups.begin(), groups.end());
  return groups;
}
