# RUN: %python %s
"""Contractions of bf16 with sums in f32, by pairs where the target has such products: odd and even K, columns that do not
fill a vector, one row, weights and run-time operands, batches, infinities and NaN."""

import ml_dtypes
import numpy as np

from Execution.harness import case, main, node

rng = np.random.default_rng(11)
bf16 = ml_dtypes.bfloat16


def draw(*shape):
    return rng.standard_normal(shape).astype(bf16)


def exact(a, b):
    with np.errstate(invalid="ignore"):
        return a.astype(np.float64) @ b.astype(np.float64)


def check(name, nodes, feeds, want, **kw):
    # One rounding of the result to 8 bits; what is cancelled keeps the error of sums in f32.
    case(name, nodes, feeds, {"y": want.astype(bf16)}, rtol=2.0**-8, atol=1e-4, **kw)


sizes = [((3, 5), (5, 7)), ((3, 6), (6, 16)), ((17, 129), (129, 64)), ((13, 128), (128, 96)), ((1, 64), (64, 64)),
         ((1, 63), (63, 48)), ((197, 48), (48, 80)), ((6, 2048), (2048, 16)), ((7, 2), (2, 32)), ((7, 1), (1, 32)),
         ((2, 3, 9, 10), (2, 3, 10, 32)), ((4, 9, 11), (11, 33)), ((8, ), (8, 16))]  # yapf: disable
for n, (sa, sb) in enumerate(sizes):
    a, b = draw(*sa), draw(*sb)
    check(f"run_time_{n}", [("MatMul", ["a", "b"], ["y"])], {"a": a, "b": b}, exact(a, b))
    check(f"weight_{n}", [("MatMul", ["a", "b"], ["y"])], {"a": a}, exact(a, b), constants={"b": b})
a, b = draw(21, 40), draw(50, 40)
check("transposed_weight", [node("Gemm", ["a", "b"], ["y"], transB=1)], {"a": a}, exact(a, b.T), constants={"b": b})
check("transposed", [node("Gemm", ["a", "b"], ["y"], transB=1)], {"a": a, "b": b}, exact(a, b.T))
check("transposed_left", [node("Gemm", ["c", "b"], ["y"], transA=1, transB=1)], {"c": a.T.copy()}, exact(a, b.T),
      constants={"b": b})  # yapf: disable
a = draw(9, 34)
a[2, 3], a[4, 0], a[5, 33] = np.inf, -np.inf, np.nan
b = draw(34, 32)
check("not_finite", [("MatMul", ["a", "b"], ["y"])], {"a": a}, exact(a, b), constants={"b": b})
main()
