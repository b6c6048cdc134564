//===- LowerAssertions.cpp - Run-time checks as calls of the runtime ------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fovea/passes/CPU/Passes.h"

#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/Builders.h"

#include "llvm/ADT/StringMap.h"

using namespace mlir;

namespace fovea {
#define GEN_PASS_DEF_LOWERASSERTIONS
#include "fovea/passes/CPU/Passes.h.inc"
} // namespace fovea

namespace {
struct LowerAssertions
    : public fovea::impl::LowerAssertionsBase<LowerAssertions> {
  void runOnOperation() override;

private:
  /// The address of `text` as a string of C; equal texts are one global.
  Value textAddress(OpBuilder &builder, Location loc, llvm::StringRef text);
  void lower(cf::AssertOp assertion, LLVM::LLVMFuncOp handler);

  llvm::StringMap<LLVM::GlobalOp> texts;
};
} // namespace

Value LowerAssertions::textAddress(OpBuilder &builder, Location loc,
                                   llvm::StringRef text) {
  LLVM::GlobalOp &global = texts[text];
  if (!global) {
    OpBuilder atTop = OpBuilder::atBlockBegin(getOperation().getBody());
    std::string bytes = text.str() + '\0';
    auto type = LLVM::LLVMArrayType::get(builder.getI8Type(), bytes.size());
    global = LLVM::GlobalOp::create(atTop, loc, type, /*isConstant=*/true,
                                    LLVM::Linkage::Internal,
                                    ("fovea_text_" + Twine(texts.size())).str(),
                                    builder.getStringAttr(bytes));
  }
  return LLVM::AddressOfOp::create(builder, loc, global);
}

/// Splits the block at the assertion; the failing branch comes back, because a
/// parallel region has to run to its end.
void LowerAssertions::lower(cf::AssertOp assertion, LLVM::LLVMFuncOp handler) {
  Location loc = assertion.getLoc();
  OpBuilder builder(assertion);
  Block *before = assertion->getBlock();
  Block *after = before->splitBlock(assertion->getNextNode());
  Block *failing = builder.createBlock(after);
  Value text = textAddress(builder, loc, assertion.getMsg());
  LLVM::CallOp::create(builder, loc, handler, ValueRange{text});
  cf::BranchOp::create(builder, loc, after);
  builder.setInsertionPointToEnd(before);
  cf::CondBranchOp::create(builder, loc, assertion.getArg(), after,
                           ValueRange(), failing, ValueRange());
  assertion.erase();
}

void LowerAssertions::runOnOperation() {
  static constexpr llvm::StringLiteral handlerName = "fovea_rt_assert_failed";
  texts.clear();
  SmallVector<cf::AssertOp> assertions;
  getOperation().walk([&](cf::AssertOp op) { assertions.push_back(op); });
  if (assertions.empty())
    return;
  OpBuilder builder = OpBuilder::atBlockBegin(getOperation().getBody());
  auto handler = getOperation().lookupSymbol<LLVM::LLVMFuncOp>(handlerName);
  if (!handler) {
    auto pointer = LLVM::LLVMPointerType::get(&getContext());
    auto type = LLVM::LLVMFunctionType::get(
        LLVM::LLVMVoidType::get(&getContext()), {pointer});
    handler = LLVM::LLVMFuncOp::create(builder, getOperation().getLoc(),
                                       handlerName, type);
  }
  for (cf::AssertOp assertion : assertions)
    lower(assertion, handler);
  numLowered += assertions.size();
}
