# RUN: %python %s
"""Long sums: the error stays within what docs/Numerics.md states."""

import numpy as np

from Execution.harness import case, main

rng = np.random.default_rng(3)
x = rng.random((2, 1 << 20)).astype(np.float32)
exact = x.astype(np.float64)

case("sum_last_axis", [("ReduceSum", ["x", "a"], ["y"])], {"x": x}, {"y": exact.sum(1, keepdims=True).astype(np.float32)},
     constants={"a": np.array([1])}, rtol=1e-6, atol=0)
case("mean_last_axis", [("ReduceMean", ["x", "a"], ["y"])], {"x": x},
     {"y": exact.mean(1, keepdims=True).astype(np.float32)}, constants={"a": np.array([1])}, rtol=1e-6, atol=0)
t = np.ascontiguousarray(x.T)
case("sum_first_axis", [("ReduceSum", ["x", "a"], ["y"])], {"x": t}, {"y": exact.T.sum(0, keepdims=True).astype(np.float32)},
     constants={"a": np.array([0])}, rtol=1e-4, atol=0)
a, b = rng.random((4, 1 << 17)).astype(np.float32), rng.random((1 << 17, 16)).astype(np.float32)
case("matmul_long", [("MatMul", ["a", "b"], ["y"])], {"a": a, "b": b},
     {"y": (a.astype(np.float64) @ b.astype(np.float64)).astype(np.float32)}, rtol=2e-6, atol=0)
z = (rng.standard_normal((1, 1 << 18)) * 5).astype(np.float32)
e = np.exp(z.astype(np.float64) - z.max())
case("softmax_long", [("Softmax", ["z"], ["y"])], {"z": z}, {"y": (e / e.sum()).astype(np.float32)}, rtol=1e-5, atol=0)

main()
