# RUN: %python %s
"""Every operator family over every element type that ONNX allows it: wrap-around, signs, unsigned order, rounding.

Rows of 17 leave one element over whatever a vector has.
"""

import ml_dtypes
import numpy as np
import onnx

from Execution.harness import case, main, node

rng = np.random.default_rng(0)
np.seterr(all="ignore")
OPSET = 22
integers = [np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16, np.uint32, np.uint64]
floats = [np.float16, ml_dtypes.bfloat16, np.float32, np.float64]
tolerance = {"float16": 4e-3, "bfloat16": 3e-2, "float32": 3e-6, "float64": 1e-12}
i64 = lambda *v: np.array(v, np.int64)


def allows(op, dtype, formal=0):
    name = {"float32": "float", "float64": "double"}.get(dtype.name, dtype.name)
    return f"tensor({name})" in onnx.defs.get_schema(op, OPSET).inputs[formal].types


class Group:
    """The nodes of one type as one case, each with its expected output."""

    def __init__(self, dtype):
        self.dtype, self.is_float = np.dtype(dtype), dtype in floats
        self.nodes, self.inputs, self.outputs, self.constants = [], {}, {}, {}

    def any(self, *shape):
        """The whole range of an integer."""
        if self.is_float:
            return rng.standard_normal(shape).astype(self.dtype)
        info = np.iinfo(self.dtype)
        return rng.integers(info.min, info.max, shape, self.dtype, endpoint=True)

    def small(self, *shape, low=-9, high=9):
        if self.is_float:
            return rng.uniform(low, high, shape).astype(self.dtype)
        return rng.integers(max(low, np.iinfo(self.dtype).min), high, shape).astype(self.dtype)

    def wide(self, x):
        """Integers as they are, which wrap around in NumPy as well."""
        return x.astype(np.float64) if self.is_float else x

    def exact(self, x):
        return x.astype(np.float64 if self.is_float else np.int64)

    def add(self, op, want, *inputs, constants=(), formal=0, **attributes):
        if not allows(op, self.dtype, formal):
            return
        n = len(self.nodes)
        names = []
        for k, x in enumerate([*inputs, *constants]):
            names.append(f"x{n}_{k}")
            (self.inputs if k < len(inputs) else self.constants)[names[-1]] = x
        self.nodes.append(node(op, names, [f"{op}{n}"], **attributes))
        self.outputs[f"{op}{n}"] = want if want.dtype == bool or op == "ArgMax" else want.astype(self.dtype)

    def case(self, what, scale=1):
        if self.nodes:
            t = tolerance.get(self.dtype.name, 0)
            case(f"{self.dtype.name}_{what}",
                 self.nodes,
                 self.inputs,
                 self.outputs,
                 constants=self.constants,
                 opset=OPSET,
                 rtol=t,
                 atol=t * scale)


def divide(x, y):
    """Rounds to zero."""
    q = np.array([abs(int(i)) // abs(int(j)) * (1 if (i < 0) == (j < 0) else -1) for i, j in zip(x.ravel(), y.ravel())],
                 object)
    return q.reshape(x.shape)


for dtype in integers + floats:
    g = Group(dtype)
    a, b, d = g.any(2, 17), g.any(17), g.small(2, 17)
    d[d == 0] = 3
    wa, wb = g.wide(a), g.wide(b)
    for op, f in (("Add", np.add), ("Sub", np.subtract), ("Mul", np.multiply), ("Max", np.maximum), ("Equal", np.equal),
                  ("Less", np.less), ("BitwiseXor", np.bitwise_xor)):
        if op != "BitwiseXor" or not g.is_float:
            g.add(op, f(wa, wb), a, b)
    g.add("Div", g.wide(a) / g.wide(d) if g.is_float else divide(a, d), a, d)
    g.add("Mod", np.fmod(g.wide(a), g.wide(d)), a, d, fmod=1)
    if not g.is_float:
        g.add("Mod", np.mod(a, d), a, d)
        g.add("BitwiseNot", ~a, a)
        by = rng.integers(0, a.dtype.itemsize * 8, a.shape).astype(dtype)
        g.add("BitShift", np.left_shift(a, by), a, by, direction="LEFT")
        g.add("BitShift", np.right_shift(a, by), a, by, direction="RIGHT")
    for op, f in (("Abs", np.abs), ("Neg", np.negative), ("Sign", np.sign), ("Relu",
                                                                             lambda v: np.maximum(v, v.dtype.type(0)))):
        g.add(op, f(wa), a)
    low, high = g.small(low=1, high=2), g.small(low=4, high=6)
    g.add("Clip", np.clip(wa, g.wide(low), g.wide(high)), a, low, high)
    base, power = g.small(2, 17, low=0, high=5), g.small(2, 17, low=0, high=3)
    g.add("Pow", np.power(g.wide(base), g.wide(power)), base, power)
    c = rng.integers(0, 2, (2, 17)).astype(bool)
    g.add("Where", np.where(c, a, b), c, a, b, formal=1)
    g.case("elementwise")

    g = Group(dtype)
    r, p = g.small(5, 17), g.small(5, 4, low=1, high=4)
    e = g.exact(r)
    for op, f in (("ReduceSum", np.sum), ("ReduceMax", np.max), ("ReduceMin", np.min)):
        g.add(op, f(e, axis=1, keepdims=True), r, constants=[i64(1)])
    mean = e.mean(1, keepdims=True) if g.is_float else divide(e.sum(1, keepdims=True), np.full((5, 1), 17))
    g.add("ReduceMean", mean, r, constants=[i64(1)])
    g.add("ReduceProd", g.exact(p).prod(1, keepdims=True), p, constants=[i64(1)])
    g.add("CumSum", np.cumsum(e, 1), r, constants=[np.array(1)])
    g.add("ArgMax", np.argmax(e, 1), r, axis=1, keepdims=0)
    m, n = g.small(5, 9), g.small(9, 7)
    g.add("MatMul", g.exact(m) @ g.exact(n), m, n)
    at, u = rng.integers(0, 5, (3, 17)), g.small(3, 17)
    sums = e.copy()
    np.add.at(sums, (at, np.arange(17)[None].repeat(3, 0)), g.exact(u))
    g.add("ScatterElements", sums, r, at, u, axis=0, reduction="add")
    x = g.small(1, 2, 6, 6)
    g.add("MaxPool", g.wide(x).reshape(1, 2, 3, 2, 3, 2).max((3, 5)), x, kernel_shape=[2, 2], strides=[2, 2])
    g.case("sums", scale=100)
main()
