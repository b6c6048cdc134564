//===- Problem.cpp - What a kernel computes, as a scheduling problem ------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fovea/Schedule/Problem.h"

#include "fovea/Analysis/LoopLabels.h"
#include "fovea/Analysis/Stencil.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/SymbolTable.h"

using namespace mlir;
using namespace fovea;

/// The loop along the last dimension of `operand`, if it is one loop.
static std::optional<unsigned> getInnermostLoop(linalg::LinalgOp op,
                                                OpOperand *operand) {
  AffineMap map = op.getMatchingIndexingMap(operand);
  if (map.getNumResults() == 0)
    return std::nullopt;
  if (auto loop = dyn_cast<AffineDimExpr>(map.getResults().back()))
    return loop.getPosition();
  return std::nullopt;
}

static bool hasLoop(AffineMap map, unsigned loop) {
  return map.isFunctionOfDim(loop);
}

static bool isParallel(linalg::LinalgOp op, unsigned loop) {
  return linalg::isParallelIterator(op.getIteratorTypesArray()[loop]);
}

static bool hasReduction(linalg::LinalgOp op) {
  return op.getNumReductionLoops() != 0;
}

/// Whether every call of the kernel passes a constant for this argument.
static bool isConstantAtCalls(func::FuncOp kernel, BlockArgument argument) {
  auto module = kernel->getParentOfType<ModuleOp>();
  if (!module || argument.getOwner() != &kernel.getBody().front())
    return false;
  bool isCalled = false, isConstant = true;
  module.walk([&](func::CallOp call) {
    if (call.getCallee() != kernel.getName())
      return;
    isCalled = true;
    Operation *op = call.getOperand(argument.getArgNumber()).getDefiningOp();
    isConstant &= isa_and_nonnull<arith::ConstantOp>(op);
  });
  return isCalled && isConstant;
}

/// Fills in the roles of a contraction's loops. The lanes run along a loop that
/// is parallel and belongs to one operand only, where possible contiguous in
/// that operand (a constant can be made so) and in the result.
static void assignContractionRoles(Problem &problem, func::FuncOp kernel) {
  linalg::LinalgOp root = problem.root;
  std::optional<unsigned> innermost =
      getInnermostLoop(root, root.getDpsInitOperand(0));
  int bestScore = -1;
  AffineMap maps[] = {root.getMatchingIndexingMap(root.getDpsInputOperand(0)),
                      root.getMatchingIndexingMap(root.getDpsInputOperand(1))};
  for (unsigned loop = 0; loop < problem.extents.size(); ++loop) {
    for (unsigned number : {1u, 0u}) {
      if (!isParallel(root, loop) || problem.extents[loop] == 1 ||
          !hasLoop(maps[number], loop) || hasLoop(maps[1 - number], loop))
        continue;
      OpOperand *operand = root.getDpsInputOperand(number);
      bool isContiguous = getInnermostLoop(root, operand) == loop;
      auto argument = dyn_cast<BlockArgument>(operand->get());
      bool isConstant = argument && isConstantAtCalls(kernel, argument);
      int score = 2 * (isContiguous || isConstant) + (innermost == loop);
      if (score <= bestScore)
        continue;
      bestScore = score;
      problem.lanes = loop;
      problem.laneOperand = number;
      problem.isLaneContiguous = isContiguous;
      problem.isConstant = isConstant;
    }
  }
  // The last such loop of the other operand, in the order of the result.
  AffineMap result = root.getMatchingIndexingMap(root.getDpsInitOperand(0));
  for (AffineExpr expr : result.getResults())
    if (auto loop = dyn_cast<AffineDimExpr>(expr))
      if (loop.getPosition() != problem.lanes &&
          problem.extents[loop.getPosition()] != 1 &&
          hasLoop(maps[1 - problem.laneOperand], loop.getPosition()) &&
          !hasLoop(maps[problem.laneOperand], loop.getPosition()))
        problem.rows = loop.getPosition();
}

/// Finds the lanes of a kernel without contraction, and whether it transposes.
static void assignLanes(Problem &problem, ArrayRef<linalg::LinalgOp> ops,
                        const LoopLabels &labels) {
  linalg::LinalgOp root = problem.root;
  bool isRows = problem.kind == ProblemKind::Rows;
  std::optional<unsigned> lanes =
      getInnermostLoop(root, root.getDpsInitOperand(0));
  unsigned rank = 0;
  for (linalg::LinalgOp op : ops) {
    if (op->getBlock() != root->getBlock() || labels.ofOp(op).empty())
      continue;
    for (OpOperand *operand : op.getDpsInputOperands()) {
      unsigned operandRank = op.getMatchingIndexingMap(operand).getNumResults();
      std::optional<unsigned> loop = getInnermostLoop(op, operand);
      if (!loop)
        continue;
      int label = labels.ofOp(op)[*loop];
      if (label < 0)
        continue;
      if (isRows && operandRank > rank) {
        rank = operandRank;
        lanes = label;
      } else if (!isRows && operandRank > 1 && lanes &&
                 label != static_cast<int>(*lanes) &&
                 problem.extents[label] != 1 &&
                 hasLoop(op.getMatchingIndexingMap(operand), *loop)) {
        problem.kind = ProblemKind::Transpose;
        problem.crossLanes = label;
      }
    }
  }
  problem.lanes =
      lanes.value_or(problem.extents.empty() ? 0 : problem.extents.size() - 1);
}

int64_t fovea::getPaddedBytes(const Problem &problem, ArrayRef<unsigned> cut) {
  auto root = const_cast<Problem &>(problem).root;
  int64_t largest = 0;
  for (OpOperand *operand : root.getDpsInputOperands()) {
    if (!getPadding(operand->get()))
      continue;
    auto type = cast<RankedTensorType>(operand->get().getType());
    int64_t bytes = type.getElementTypeBitWidth() / 8;
    AffineMap map = root.getMatchingIndexingMap(operand);
    for (AffineExpr expr : map.getResults()) {
      if (isa<AffineDimExpr, AffineConstantExpr>(expr))
        continue;
      int64_t reach = 1;
      for (auto [loop, extent] : llvm::enumerate(problem.extents))
        if (!llvm::is_contained(cut, loop))
          reach += getCoefficient(expr, loop).value_or(0) * (extent - 1);
      bytes *= reach;
    }
    largest = std::max(largest, bytes);
  }
  return largest;
}

/// Whether no operation reads what was in its destination before, unless that
/// is filled in the kernel.
static bool readsNoDestination(ArrayRef<linalg::LinalgOp> ops) {
  return llvm::all_of(ops, [](linalg::LinalgOp op) {
    return llvm::all_of(op.getDpsInitsMutable(), [&](OpOperand &init) {
      return !op.payloadUsesValueFromOperand(&init) ||
             init.get().getDefiningOp<linalg::FillOp>();
    });
  });
}

/// Makes the kernel's only reduction the root if that is a stencil, or else its
/// last operation if that only gathers windows.
static void findStencil(Problem &problem, func::FuncOp kernel,
                        ArrayRef<linalg::LinalgOp> ops) {
  int64_t reductions = llvm::count_if(ops, hasReduction);
  linalg::LinalgOp root = problem.root;
  if (reductions == 1)
    root = *llvm::find_if(ops, hasReduction);
  if (reductions > 1)
    return;
  std::string why;
  std::optional<Stencil> stencil = analyzeStencil(root, why);
  if (!stencil || root.getStaticLoopRanges()[stencil->lanes] == 1)
    return;
  problem.kind = ProblemKind::Stencil;
  problem.onlyWrites = readsNoDestination(ops);
  problem.root = root;
  problem.lanes = stencil->lanes;
  problem.rows = stencil->rows;
  problem.isBroadcast = true;
  for (OpOperand *operand : root.getDpsInputOperands()) {
    AffineMap map = root.getMatchingIndexingMap(operand);
    if (stencil->strides[operand->getOperandNumber()] == 0)
      continue;
    auto argument = dyn_cast<BlockArgument>(operand->get());
    problem.laneOperand = operand->getOperandNumber();
    problem.isConstant = argument && isConstantAtCalls(kernel, argument);
    problem.isBroadcast &= map.isProjectedPermutation();
  }
  for (AffineMap map : root.getIndexingMapsArray())
    for (AffineExpr expr : map.getResults())
      for (unsigned loop = 0; loop < map.getNumDims(); ++loop)
        if (!isa<AffineDimExpr>(expr) && expr.isFunctionOfDim(loop) &&
            !llvm::is_contained(problem.windowLoops, loop))
          problem.windowLoops.push_back(loop);
}

/// The operation that the kernel's first result comes from, below views.
static linalg::LinalgOp getTail(func::FuncOp kernel) {
  Operation *terminator = kernel.getBody().front().getTerminator();
  for (Value result : terminator->getOperands())
    if (auto op = result.getDefiningOp<linalg::LinalgOp>())
      return op;
  return nullptr;
}

std::optional<Problem> fovea::analyzeKernel(func::FuncOp kernel) {
  linalg::LinalgOp tail = getTail(kernel);
  if (!tail || !tail.hasPureTensorSemantics())
    return std::nullopt;
  SmallVector<linalg::LinalgOp> ops;
  for (Operation &op : kernel.getBody().front())
    if (auto structured = dyn_cast<linalg::LinalgOp>(op))
      if (!isa<linalg::FillOp>(op))
        ops.push_back(structured);
  if (ops.empty())
    return std::nullopt;

  Problem problem{};
  problem.root = tail;
  problem.kind = ProblemKind::Elementwise;
  problem.elementBits = 8;
  for (linalg::LinalgOp op : ops) {
    // Nothing to run through: nothing to cut.
    if (llvm::is_contained(op.getStaticLoopRanges(), 0))
      return std::nullopt;
    if (hasReduction(op))
      problem.kind = ProblemKind::Rows;
    for (Value operand : op->getOperands()) {
      Type type = getElementTypeOrSelf(operand.getType());
      if (type.isIntOrFloat())
        problem.elementBits = std::max<int64_t>(problem.elementBits,
                                                type.getIntOrFloatBitWidth());
    }
  }
  linalg::LinalgOp contraction;
  for (linalg::LinalgOp op : ops)
    if (hasReduction(op) && linalg::isaContractionOpInterface(op))
      contraction = op;
  if (contraction && llvm::count_if(ops, hasReduction) == 1) {
    problem.kind = ProblemKind::Contraction;
    problem.root = contraction;
  }
  if (problem.kind != ProblemKind::Contraction)
    findStencil(problem, kernel, ops);
  problem.extents = problem.root.getStaticLoopRanges();

  LoopLabels labels(problem.root);
  problem.isParallel.assign(problem.extents.size(), true);
  for (linalg::LinalgOp op : ops)
    for (auto [loop, label] : llvm::enumerate(labels.ofOp(op)))
      if (label >= 0 && !isParallel(op, loop))
        problem.isParallel[label] = false;
  if (problem.kind == ProblemKind::Contraction)
    assignContractionRoles(problem, kernel);
  else if (problem.kind != ProblemKind::Stencil)
    assignLanes(problem, ops, labels);
  return problem;
}
