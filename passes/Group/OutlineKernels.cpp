//===- OutlineKernels.cpp - One function per fusion group -----------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fovea/Analysis/Stencil.h"
#include "fovea/passes/Group/Grouping.h"
#include "fovea/passes/Group/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Transforms/RegionUtils.h"

#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace fovea {
#define GEN_PASS_DEF_OUTLINEKERNELS
#include "fovea/passes/Group/Passes.h.inc"
} // namespace fovea

using namespace fovea;

/// A reshape that only adds or drops unit dimensions keeps a strided view a
/// view.
static bool onlyDropsUnits(tensor::CollapseShapeOp op) {
  RankedTensorType type = op.getSrcType();
  return llvm::all_of(op.getReassociationIndices(), [&](auto &indices) {
    return llvm::count_if(indices, [&](int64_t i) {
             return type.getDimSize(i) != 1;
           }) <= 1;
  });
}

/// Whether `value` is read through views that begin with a slice, so that a
/// kernel that is given the whole tensor reads it in place. Reshapes of whole
/// tensors cost nothing outside.
static bool isSliceView(Value value) {
  while (Operation *op = value.getDefiningOp()) {
    if (isa<tensor::ExtractSliceOp>(op))
      return true;
    if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(op)) {
      if (!onlyDropsUnits(collapse))
        return false;
    } else if (!isa<tensor::ExpandShapeOp, tensor::CastOp>(op)) {
      return false;
    }
    value = op->getOperand(0);
  }
  return false;
}

/// Whether `op` is repeated inside each kernel that uses it instead of being
/// passed to it.
static bool isCloned(Operation *op) {
  if (isa<tensor::EmptyOp>(op))
    return true;
  if (auto fill = dyn_cast<linalg::FillOp>(op))
    return fill.hasPureTensorSemantics();
  if (auto constant = dyn_cast<arith::ConstantOp>(op)) {
    auto elements = dyn_cast<ElementsAttr>(constant.getValue());
    return !elements || isa<SplatElementsAttr>(elements);
  }
  return isa<tensor::ExtractSliceOp, tensor::ExpandShapeOp, tensor::CastOp,
             tensor::CollapseShapeOp>(op) &&
         isSliceView(op->getResult(0));
}

namespace {
/// Builds the function of one group and the call that replaces the group.
class Outliner {
public:
  Outliner(const KernelGroup &group, unsigned number)
      : group(group), number(number) {}

  void run(ModuleOp module);

private:
  bool isPaddingOfWindows(Operation *op) const;
  void collect(Value value);
  void collectUses(Operation *op);
  Value destinationOf(OpOperand &init);
  func::FuncOp buildFunction(ModuleOp module, ValueRange arguments,
                             ValueRange destinations);

  const KernelGroup &group;
  unsigned number;
  llvm::SetVector<Operation *> cloned;
  llvm::SetVector<Value> inputs;
};
} // namespace

/// Whether `op` pads what some member reads through windows: the kernel then
/// pads it, in parallel and where it is in the cache.
bool Outliner::isPaddingOfWindows(Operation *op) const {
  return isa<tensor::InsertSliceOp>(op) && getPadding(op->getResult(0)) &&
         llvm::any_of(op->getUsers(), [&](Operation *user) {
           auto reader = dyn_cast<linalg::LinalgOp>(user);
           return reader && llvm::is_contained(group.ops, user) &&
                  readsWindows(reader);
         });
}

/// Sorts what the kernel reads into operations to repeat and arguments.
void Outliner::collect(Value value) {
  Operation *op = value.getDefiningOp();
  if (op && (llvm::is_contained(group.ops, op) || cloned.contains(op)))
    return;
  if (!op || !(isCloned(op) || isPaddingOfWindows(op))) {
    inputs.insert(value);
    return;
  }
  for (Value operand : op->getOperands())
    collect(operand);
  cloned.insert(op);
}

void Outliner::collectUses(Operation *op) {
  for (Value operand : op->getOperands())
    collect(operand);
  llvm::SetVector<Value> captured;
  getUsedValuesDefinedAbove(op->getRegions(), captured);
  for (Value value : captured)
    collect(value);
}

/// The tensor that the tail's `init` lives in: below a fill, which is repeated
/// inside.
Value Outliner::destinationOf(OpOperand &init) {
  Value value = init.get();
  if (auto fill = value.getDefiningOp<linalg::FillOp>())
    if (fill.hasPureTensorSemantics())
      return fill.getDpsInitOperand(0)->get();
  return value;
}

func::FuncOp Outliner::buildFunction(ModuleOp module, ValueRange arguments,
                                     ValueRange destinations) {
  OpBuilder builder = OpBuilder::atBlockEnd(module.getBody());
  SmallVector<Location> locs;
  for (Operation *op : group.ops)
    locs.push_back(op->getLoc());
  Location loc = builder.getFusedLoc(locs);
  SmallVector<Type> types(arguments.getTypes());
  llvm::append_range(types, destinations.getTypes());
  std::string name =
      ("k" + Twine(number) + "_" + groupKindName(group.kind)).str();
  auto tail = group.getTail();
  auto function = func::FuncOp::create(
      builder, loc, name,
      builder.getFunctionType(types, tail->getResultTypes()));
  function.setPrivate();
  function->setAttr("fovea.kernel", builder.getUnitAttr());

  Block *entry = function.addEntryBlock();
  builder.setInsertionPointToStart(entry);
  IRMapping mapping;
  mapping.map(arguments, entry->getArguments().take_front(arguments.size()));
  for (Operation *op : cloned)
    builder.clone(*op, mapping);
  for (Operation *op : group.ops) {
    if (op != tail.getOperation()) {
      builder.clone(*op, mapping);
      continue;
    }
    // The tail writes into the kernel's own destinations.
    unsigned i = arguments.size();
    SmallVector<Value> inits;
    for (OpOperand &init : tail.getDpsInitsMutable()) {
      Value destination = entry->getArgument(i++);
      if (destinationOf(init) != init.get()) {
        // A mapping of its own: the fill may have been repeated above, and a
        // mapping that knows its block already would clone it without one.
        auto source = cast<linalg::FillOp>(init.get().getDefiningOp());
        IRMapping fillMapping;
        fillMapping.map(destinationOf(init), destination);
        fillMapping.map(source.value(), mapping.lookup(source.value()));
        Operation *fill = builder.clone(*source, fillMapping);
        destination = fill->getResult(0);
      }
      inits.push_back(destination);
    }
    auto copy = cast<DestinationStyleOpInterface>(builder.clone(*op, mapping));
    for (auto [operand, init] :
         llvm::zip_equal(copy.getDpsInitsMutable(), inits))
      operand.set(init);
  }
  SmallVector<Value> results;
  for (Value result : tail->getResults())
    results.push_back(mapping.lookup(result));
  func::ReturnOp::create(builder, loc, results);
  return function;
}

void Outliner::run(ModuleOp module) {
  auto tail = group.getTail();
  for (Operation *op : group.ops) {
    collectUses(op);
  }
  SmallVector<Value> destinations;
  for (OpOperand &init : tail.getDpsInitsMutable())
    destinations.push_back(destinationOf(init));
  // A destination is passed as such, never as an input as well.
  SmallVector<Value> arguments;
  for (Value input : inputs)
    arguments.push_back(input);
  func::FuncOp function = buildFunction(module, arguments, destinations);

  OpBuilder builder(tail);
  SmallVector<Value> operands = arguments;
  for (Value destination : destinations) {
    // Each call has a destination of its own: sharing one tensor.empty among
    // calls would make bufferization copy.
    if (auto empty = destination.getDefiningOp<tensor::EmptyOp>())
      destination = builder.clone(*empty)->getResult(0);
    operands.push_back(destination);
  }
  auto call =
      func::CallOp::create(builder, function.getLoc(), function, operands);
  tail->replaceAllUsesWith(call.getResults());
  for (Operation *op : llvm::reverse(group.ops))
    op->erase();
}

namespace {
struct OutlineKernels : fovea::impl::OutlineKernelsBase<OutlineKernels> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    SmallVector<KernelGroup> groups;
    for (auto function : module.getOps<func::FuncOp>()) {
      if (function->hasAttr("fovea.kernel"))
        continue;
      function->walk<WalkOrder::PreOrder>([&](Block *block) {
        // Inside a structured operation there are only scalars.
        if (isKernelWork(block->getParentOp()))
          return WalkResult::skip();
        llvm::append_range(groups, formGroups(*block));
        return WalkResult::advance();
      });
    }
    unsigned number = 0;
    for (const KernelGroup &group : groups) {
      Outliner(group, number++).run(module);
      ++numKernels;
    }
  }
};
} // namespace
