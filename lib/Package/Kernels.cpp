//===- Kernels.cpp - The kernels of a model, for people -----------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fovea/Package/Package.h"

#include "fovea/Analysis/Remarks.h"
#include "fovea/dialects/attn/Attn.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"

using namespace mlir;
using namespace fovea;

/// The product, or nothing if a factor is unknown or it is out of range.
static std::optional<int64_t> product(llvm::ArrayRef<int64_t> factors) {
  int64_t result = 1;
  for (int64_t factor : factors)
    if (ShapedType::isDynamic(factor) ||
        llvm::MulOverflow(result, factor, result))
      return std::nullopt;
  return result;
}

/// Whether the body multiplies and adds.
static bool isContraction(linalg::LinalgOp op) {
  bool multiplies = false, adds = false;
  for (Operation &inner : *op.getBlock()) {
    multiplies |= llvm::isa<arith::MulFOp, arith::MulIOp>(inner);
    adds |= llvm::isa<arith::AddFOp, arith::AddIOp>(inner);
  }
  return op.getNumReductionLoops() > 0 && multiplies && adds;
}

/// Multiplications and additions of the matrix products in attention; what the
/// mask leaves out is counted, as is usual.
static std::optional<int64_t> attentionFlop(attn::AttentionOp op) {
  SmallVector<int64_t> extents = op.getStaticExtents();
  attn::DimRoles roles = op.getRoles();
  SmallVector<int64_t> scores, outputs;
  for (auto [dim, extent] : llvm::enumerate(extents)) {
    if (dim != roles.n)
      scores.push_back(extent);
    if (dim != roles.k1)
      outputs.push_back(extent);
  }
  auto first = product(scores), second = product(outputs);
  if (!first || !second)
    return std::nullopt;
  return 2 * (*first + *second);
}

static std::optional<int64_t> kernelFlop(func::FuncOp kernel) {
  std::optional<int64_t> total = 0;
  kernel.walk([&](Operation *op) {
    std::optional<int64_t> flop = 0;
    if (auto attention = llvm::dyn_cast<attn::AttentionOp>(op))
      flop = attentionFlop(attention);
    else if (auto linalgOp = llvm::dyn_cast<linalg::LinalgOp>(op);
             linalgOp && isContraction(linalgOp)) {
      flop = product(linalgOp.getStaticLoopRanges());
      if (flop)
        *flop *= 2;
    }
    if (total && flop)
      *total += *flop;
    else
      total = std::nullopt;
  });
  return total;
}

static std::string scheduleText(func::FuncOp kernel) {
  std::string text;
  kernel.walk([&](Operation *op) {
    Attribute schedule = op->getDiscardableAttr("attn.schedule");
    if (!schedule)
      return WalkResult::advance();
    llvm::raw_string_ostream(text) << schedule;
    return WalkResult::interrupt();
  });
  return text;
}

std::vector<KernelInfo> fovea::collectKernels(ModuleOp module) {
  std::vector<KernelInfo> kernels;
  llvm::StringMap<size_t> bySymbol;
  for (auto function : module.getOps<func::FuncOp>()) {
    if (!function->hasAttr("fovea.kernel"))
      continue;
    KernelInfo info;
    info.symbol = function.getName().str();
    info.schedule = scheduleText(function);
    info.where = locationNames(function.getLoc());
    info.flop = kernelFlop(function);
    bySymbol[info.symbol] = kernels.size();
    kernels.push_back(std::move(info));
  }
  module.walk([&](func::CallOp call) {
    auto it = bySymbol.find(call.getCallee());
    if (it != bySymbol.end())
      ++kernels[it->second].calls;
  });
  return kernels;
}

ArenaInfo fovea::readArena(ModuleOp module) {
  ArenaInfo info;
  for (auto function : module.getOps<func::FuncOp>())
    if (auto arena = function->getAttrOfType<DenseI64ArrayAttr>("fovea.arena");
        arena && arena.size() == 2)
      info = {arena[0], arena[1]};
  return info;
}

void fovea::instrumentKernels(ModuleOp module,
                              llvm::ArrayRef<KernelInfo> kernels) {
  llvm::StringMap<int64_t> ids;
  for (auto [id, kernel] : llvm::enumerate(kernels))
    ids[kernel.symbol] = id;
  OpBuilder builder(module.getContext());
  Type i32 = builder.getI32Type(), i64 = builder.getI64Type();
  SmallVector<func::CallOp> calls;
  module.walk([&](func::CallOp call) {
    if (ids.count(call.getCallee()))
      calls.push_back(call);
  });
  if (calls.empty())
    return;
  builder.setInsertionPointToStart(module.getBody());
  auto declare = [&](llvm::StringRef name, FunctionType type) {
    auto function = func::FuncOp::create(builder, module.getLoc(), name, type);
    function.setPrivate();
    return function;
  };
  func::FuncOp begin =
      declare("fovea_rt_kernel_begin", builder.getFunctionType({i32}, {i64}));
  func::FuncOp end =
      declare("fovea_rt_kernel_end", builder.getFunctionType({i32, i64}, {}));
  for (func::CallOp call : calls) {
    Location loc = call.getLoc();
    builder.setInsertionPoint(call);
    Value id =
        arith::ConstantIntOp::create(builder, loc, i32, ids[call.getCallee()]);
    Value time = func::CallOp::create(builder, loc, begin, id).getResult(0);
    builder.setInsertionPointAfter(call);
    func::CallOp::create(builder, loc, end, ValueRange{id, time});
  }
}
