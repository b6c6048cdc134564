//===- Passes.td - Passes of the Bufferize stage -----------*- tablegen -*-===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_PASSES_BUFFERIZE_PASSES_TD
#define FOVEA_PASSES_BUFFERIZE_PASSES_TD

include "mlir/Pass/PassBase.td"

def BindDestinations : Pass<"fovea-bind-destinations", "::mlir::func::FuncOp"> {
  let summary = "Make each kernel write its results into its destinations";
  let description = [{
    A kernel is to write its i-th result into its i-th destination argument (the
    last arguments, one per result). A rewrite inside a kernel may have ended in
    a new tensor instead. This pass states the rule in IR, by
    `bufferization.materialize_in_destination` before the return, where the result
    is not an update of the destination already; `eliminate-empty-tensors` then
    makes it hold without a copy where it can.

    Precondition: tensors. Example: `return %r` in a kernel whose last argument
    is `%d` becomes

    ```mlir
    %w = bufferization.materialize_in_destination %r in %d
    return %w
    ```
  }];
  let dependentDialects = ["::mlir::bufferization::BufferizationDialect"];
}

def SeparateDestinations : Pass<"fovea-separate-destinations", "::mlir::func::FuncOp"> {
  let summary = "Give each kernel call of the entry function a destination of its own";
  let description = [{
    Common subexpression elimination leaves one `tensor.empty` of each shape, the
    destination of every call that has a result of that shape. All of them are
    then one buffer to the analysis of One-Shot Bufferize, which compares each
    read of it with each write: with the cube of the number of calls (41 s for a
    chain of 800, of which this pass leaves less than one). The planner of the
    arena lets destinations overlap that are not alive at once.

    Sizes at run time are left alone: their buffers are not in the arena, and one
    that two calls share is one less. Precondition: tensors. Example:

    ```mlir
    %e = tensor.empty() : tensor<8xf32>
    %a = call @k0(%x, %e) : (tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
    %b = call @k0(%a, %e) : (tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
    ```

    becomes the same with a second `tensor.empty` ahead of the second call.
  }];
  let dependentDialects = ["::mlir::tensor::TensorDialect"];
}

def BindLoopState : Pass<"fovea-bind-loop-state", "::mlir::ModuleOp"> {
  let summary = "Keep the state that a loop carries in one buffer";
  let description = [{
    A loop whose next state is computed while the old one is still read (the
    running maximum of an online softmax, which also rescales what was summed
    before) yields a new tensor, and One-Shot Bufferize then allocates one buffer
    in every iteration. This pass asks the same analysis for such states and ends
    the body with a copy into the old one: the new tensor's buffer is scratch of
    the body, which `buffer-loop-hoisting` moves out. The upstream option
    `allow-return-allocs-from-loops` can only forbid such loops, not rewrite them.

    Precondition: tensors; runs after `eliminate-empty-tensors`, which could undo
    it. A state whose size is not provably that of its initial value is left
    alone. Example:

    ```mlir
    %m = scf.for %i = %l to %u step %s iter_args(%old = %init) -> (tensor<8xf32>) {
      %new = linalg.max ins(%old, %tile) outs(%empty)
      use(%old, %new)
      scf.yield %new
    }
    ```

    yields `bufferization.materialize_in_destination %new in %old` instead.
  }];
  let dependentDialects = ["::mlir::bufferization::BufferizationDialect"];
}

def HoistScratch : Pass<"fovea-hoist-scratch", "::mlir::ModuleOp"> {
  let summary = "Let callers own the scratch buffers of kernels";
  let description = [{
    A buffer that a kernel allocates outside its loops becomes one more argument,
    which each caller allocates before the call and frees after it. The arena
    planner then sees every temporary of a model in one function and can overlap
    them. Upstream's `buffer-results-to-out-params` does this for results only.

    Precondition: bufferized module, deallocations inserted. Buffers of run-time
    size stay where they are. Example:

    ```mlir
    func.func private @k0(%x: memref<8xf32>) attributes {fovea.kernel} {
      %t = memref.alloc() : memref<8xf32>
      ...
      memref.dealloc %t : memref<8xf32>
    ```

    becomes `func.func private @k0(%x: memref<8xf32>, %t: memref<8xf32>)`.
  }];
  let dependentDialects = ["::mlir::memref::MemRefDialect"];
}

def PlanArena : Pass<"fovea-plan-arena", "::mlir::ModuleOp"> {
  let summary = "Place the temporaries of the entry function in one arena";
  let description = [{
    Every buffer of static size that the entry function (`fovea.entry`) both
    allocates and frees gets an offset in one block of memory; buffers that are
    not alive at the same time overlap (greedy by size, as in "Efficient Memory
    Management for Deep Neural Net Inference", arXiv:2001.03288, section 5.1).
    The entry asks the runtime for the block once per call, by its size
    (`fovea_rt_arena`, a C interface). Its attribute `fovea.arena` holds the
    size, and the most bytes that are alive at one time, below which no plan can
    be. Upstream has no planner: its deallocation passes leave one malloc per
    buffer.

    Precondition: bufferized module, deallocations inserted anywhere after the
    last use; the planner looks for that use itself. Buffers inside loops and branches are
    placed as well and live as long as the outermost loop around them. Example:

    ```mlir
    %t = memref.alloc() : memref<8xf32>
    ...
    memref.dealloc %t : memref<8xf32>
    ```

    becomes `%t = memref.view %arena[%offset][] : memref<?xi8> to memref<8xf32>`.
  }];
  let dependentDialects = ["::mlir::memref::MemRefDialect", "::mlir::arith::ArithDialect", "::mlir::LLVM::LLVMDialect"];
  let statistics = [
    Statistic<"arenaBytes", "arena-bytes", "Size of the arena">,
    Statistic<"aliveBytes", "alive-bytes", "The most that is alive at one time">,
    Statistic<"bufferBytes", "buffer-bytes", "Sum of the sizes of the buffers in it">
  ];
}

def GuardAllocations : Pass<"fovea-guard-allocations"> {
  let summary = "Check that sizes at run time do not wrap around, and that there is memory";
  let description = [{
    The bytes of a buffer of run-time size are a product that LLVM computes
    modulo 2^64: a caller who asks for 2^62 x 4 elements would get no memory at
    all, and the loops would write beyond it. The pass asserts ahead of each
    such allocation that the product, as a double, is below 2^48. Static sizes
    are the importer's responsibility. Example:

    ```mlir
    %t = memref.alloc(%n, %m) : memref<?x?xf32>
    ```

    comes after a `cf.assert` of `4.0 * n * m < 2^48`.

    The runtime leaves the call where there is no memory, but a parallel loop
    cannot be left by a jump: there the allocation gives null. What follows it in
    its block is then skipped by an `scf.if`, and the call fails after the loop. A
    block that yields values cannot be skipped; buffers of kernels are hoisted out
    of those.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::cf::ControlFlowDialect",
                           "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect"];
}

#endif // FOVEA_PASSES_BUFFERIZE_PASSES_TD
