//===- Passes.td - Passes of the CPU stage -----------------*- tablegen -*-===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_PASSES_CPU_PASSES_TD
#define FOVEA_PASSES_CPU_PASSES_TD

include "mlir/Pass/PassBase.td"

def ExpandMath : Pass<"fovea-expand-math"> {
  let summary = "Expand transcendental functions into branch-free arithmetic";
  let description = [{
    A call to libm per element costs more than everything else that a softmax or
    a GELU does, and it keeps LLVM from vectorising the loop around it. This
    pass expands `exp`, `exp2`, `erf`, `tanh` and the logarithms of f32 scalars
    and vectors into polynomials without a branch; f16 and bf16 are computed in
    f32. f64 and the remaining functions stay for libm, whose accuracy a
    polynomial of this size would not reach. Vectors of those that LLVM has no
    intrinsic for are taken apart here.

    `exp` and `exp2` give exactly 0 where the result would be subnormal, +inf
    above the range, and keep NaN. docs/Numerics.md has the errors of all of them,
    which a test measures. Subnormal operands of a logarithm are scaled up, ahead
    of the upstream approximation, which takes them for the smallest normal
    number.

    Precondition: none; works on any level of IR, inside linalg bodies too.
    Example:

    ```mlir
    %y = math.exp2 %x : vector<16xf32>
    ```

    becomes a rounding to an integer, a polynomial of degree 6 and an addition to
    the exponent field.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::math::MathDialect",
                           "::mlir::ub::UBDialect",
                           "::mlir::vector::VectorDialect"];
}

def RelaxMath : Pass<"fovea-relax-math"> {
  let summary = "Let LLVM rearrange floating-point arithmetic (--fast-math)";
  let description = [{
    Adds `reassoc`, `contract`, `arcp`, `nsz` and `afn` to every operation that
    takes fast-math flags; upstream has no pass that does. `nnan` and `ninf` are
    not among them: masks are infinities, and an empty row is decided by a
    comparison with one.

    Precondition: runs before `fovea-expand-math`, whose polynomials are written
    for one order of evaluation and stay as they are. Example: `arith.addf %a, %b`
    becomes

    ```mlir
    %s = arith.addf %a, %b fastmath<reassoc,nsz,arcp,contract,afn> : f32
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect"];
}

def SerializeLoops : Pass<"fovea-serialize-loops", "::mlir::ModuleOp"> {
  let summary = "Run parallel loops with little work on the calling thread";
  let description = [{
    Waking a team of threads and waiting for it costs a few microseconds. A
    parallel loop whose work, estimated from the static trip counts and shapes
    inside it, is smaller than that becomes a sequential loop, and so does one
    inside another parallel loop, whose threads are busy already. What is not
    known statically counts as large. Upstream's `scf-forall-to-for` converts
    every loop or none.

    Precondition: bufferized (a loop with results is left alone). Example:

    ```mlir
    scf.forall (%i) in (4) {
      memref.store %zero, %x[%i] : memref<4xf32>
    }
    ```

    becomes an `scf.for` of four steps.
  }];
  let dependentDialects = ["::mlir::scf::SCFDialect"];
  let options = [Option<"minWork", "min-work", "int64_t", "16384",
                        "Scalar or vector operations that pay for a team">];
  let statistics = [Statistic<"numSerialized", "serialized", "Loops made sequential">];
}

def LowerAssertions : Pass<"fovea-lower-assertions", "::mlir::ModuleOp"> {
  let summary = "Make a failed run-time check an error of the call";
  let description = [{
    A check that a model can violate (an index out of range, say) is a
    `cf.assert`. Upstream lowers it to a message and `abort()`, which a library
    may not do to its process. This pass calls the runtime instead, which ends
    the call of the model with an error; inside a parallel region, which cannot
    be left, it takes note and the call fails at its end.

    Precondition: structured control flow is lowered, since a block is split.
    Example:

    ```mlir
    cf.assert %ok, "index out of range"
    ```

    becomes

    ```mlir
      cf.cond_br %ok, ^after, ^failing
    ^failing:
      llvm.call @fovea_rt_assert_failed(%text) : (!llvm.ptr) -> ()
      cf.br ^after
    ^after:
    ```
  }];
  let dependentDialects = ["::mlir::cf::ControlFlowDialect",
                           "::mlir::LLVM::LLVMDialect"];
  let statistics = [Statistic<"numLowered", "lowered", "Checks lowered">];
}

def BalanceLoops : Pass<"fovea-balance-loops"> {
  let summary = "Deal out iterations one by one where they differ in work";
  let description = [{
    A parallel loop gives each thread one run of iterations. Under a causal mask
    the last rows have the most keys, and the thread that has them works alone at
    the end. Where the bounds of a loop inside depend on the iteration, each
    thread takes the next iteration when it is done with one (OpenMP's dynamic
    schedule). An innermost loop does not count: its bounds vary where tiles meet
    the end of a tensor, which is not worth it.

    Precondition: OpenMP loops with structured control flow inside. Example:

    ```mlir
    omp.wsloop { omp.loop_nest (%i) ... { scf.for %j = %c0 to %i ... } }
    ```

    becomes `omp.wsloop schedule(dynamic) { ... }`.
  }];
  let statistics = [Statistic<"numBalanced", "balanced", "Loops balanced">];
}

def LowerReshapes : Pass<"fovea-lower-reshapes"> {
  let summary = "Lower expansions of a dimension to several dynamic ones";
  let description = [{
    A `memref.expand_shape` may split one dimension into several of dynamic size,
    since it lists its sizes. Upstream's `expand-strided-metadata` knows at most
    one per group and crashes on more, so that these become
    `memref.reinterpret_cast` here, before it runs.

    Precondition: bufferized. Example:

    ```mlir
    %y = memref.expand_shape %x [[0, 1]] output_shape [%n, %m]
        : memref<?xf32> into memref<?x?xf32>
    ```

    becomes

    ```mlir
    %base, %offset, %size, %stride = memref.extract_strided_metadata %x
    %s = arith.muli %stride, %m : index
    %y = memref.reinterpret_cast %base to offset: [0], sizes: [%n, %m],
        strides: [%s, 1] : memref<f32> to memref<?x?xf32>
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::memref::MemRefDialect"];
}

#endif // FOVEA_PASSES_CPU_PASSES_TD
