# RUN: %python %s
"""Results whose sizes only the data say: selected elements, computed shapes; odd sizes, everything and nothing."""

import numpy as np

from Execution.harness import case, main, node

rng = np.random.default_rng(61)
f32 = np.float32
draw = lambda *shape: rng.standard_normal(shape).astype(f32)


def check(name, nodes, function, inputs, outputs, inputs_shapes=None, **kw):
    """Runs the model on each of `inputs` (dicts of arrays) and compares with `function`; results have symbolic sizes."""
    sets = [(i, dict(zip(outputs, (np.asarray(a) for a in function(**i))))) for i in inputs]
    shapes = {n: [f"{n}{d}" for d in range(a.ndim)] for n, a in sets[0][1].items()}
    case(name, nodes, *sets[0], shapes={**shapes, **(inputs_shapes or {})}, sets=sets[1:], **kw)


# Positions of what is not zero, and what is there.
def non_zero(x):
    at = np.stack(np.nonzero(x)).astype(np.int64)
    return at, x[np.nonzero(x)]


masks = [(rng.random((5, 7, 3)) < 0.3) * draw(5, 7, 3), np.zeros((1, 2, 3), f32), draw(3, 1, 5), np.zeros((2, 0, 3), f32)]
check("non_zero", [("NonZero", ["x"], ["i"]), node("Transpose", ["i"], ["t"], perm=[1, 0]), ("GatherND", ["x", "t"], ["v"])],
      non_zero, [{
          "x": m.astype(f32)
      } for m in masks], ["i", "v"],
      inputs_shapes={"x": ["a", "b", "c"]})
check("non_zero_sum",
      [("NonZero", ["x"], ["i"]), node("Transpose", ["i"], ["t"], perm=[1, 0]), ("GatherND", ["x", "t"], ["v"]),
       node("ReduceSum", ["v"], ["s"], keepdims=0), ("Size", ["v"], ["n"])],
      lambda x: (x.sum(dtype=f32), np.array(np.count_nonzero(x))), [{
          "x": m.astype(f32)
      } for m in masks], ["s", "n"],
      inputs_shapes={"x": ["a", "b", "c"]})

# Rows where a condition holds, joined with others and multiplied.
rows, w = draw(9, 5), draw(5, 3)
for label, axis in (("rows", 0), ("columns", 1)):
    size = rows.shape[axis]
    conditions = [rng.random(size) < 0.5, np.zeros(size, bool), np.ones(size, bool), np.arange(3) == 1]
    check(f"compress_{label}", [node("Compress", ["x", "c"], ["y"], axis=axis)],
          lambda x, c, axis=axis: (np.compress(c, x, axis),), [{
              "x": rows,
              "c": c
          } for c in conditions], ["y"],
          inputs_shapes={"c": ["k"]})
check("compress_flat", [("Compress", ["x", "c"], ["y"])], lambda x, c: (np.compress(c, x),), [{
    "x": rows,
    "c": c
} for c in (rng.random(45) < 0.2, np.zeros(45, bool), np.ones(4, bool))], ["y"],
      inputs_shapes={"c": ["k"]})
check("compress_matmul",
      [node("Compress", ["x", "c"], ["s"], axis=0), ("MatMul", ["s", "w"], ["m"]),
       node("Softmax", ["m"], ["p"], axis=-1), node("Concat", ["p", "m"], ["y"], axis=0)],
      lambda x, c: (np.concatenate([(lambda m: np.exp(m) / np.exp(m).sum(-1, keepdims=True))(x[c] @ w), x[c] @ w]),),
      [{
          "x": rows,
          "c": c
      } for c in (rng.random(9) < 0.5, np.zeros(9, bool), np.ones(9, bool))], ["y"],
      constants={"w": w})

# Distinct values and rows.
check("unique", [("Unique", ["x"], ["y", "", "i", "n"])],
      lambda x: (lambda y, i, n: (y, i.reshape(-1), n))(*np.unique(x, return_inverse=True, return_counts=True)), [{
          "x": rng.integers(0, 9, n)
      } for n in (23, 1, 0, 64)], ["y", "i", "n"],
      inputs_shapes={"x": ["k"]})
check("unique_rows", [node("Unique", ["x"], ["y"], axis=0)], lambda x: (np.unique(x, axis=0),), [{
    "x": rng.integers(0, 2, (n, 3)).astype(f32)
} for n in (17, 1, 2)], ["y"],
      inputs_shapes={"x": ["k", 3]})


# The k largest, for a k that the run brings.
def largest(x, k):
    order = np.argsort(-x, -1, kind="stable")[..., :int(k[0])]
    return np.take_along_axis(x, order, -1), order


scores = draw(3, 31)
check("top_k", [("TopK", ["x", "k"], ["v", "i"])], largest, [{
    "x": scores,
    "k": np.array([k])
} for k in (5, 0, 1, 31)], ["v", "i"],
      inputs_shapes={"x": ["n", "m"]})
check("top_k_computed", [("Shape", ["x"], ["s"]), ("Gather", ["s", "one"], ["m"]), ("Div", ["m", "three"], ["k"]),
                         ("TopK", ["x", "k"], ["v", "i"])],
      lambda x: largest(x, [x.shape[1] // 3]), [{
          "x": draw(2, n)
      } for n in (10, 2, 33)], ["v", "i"],
      constants={
          "one": np.array([1]),
          "three": np.array([3])
      },
      inputs_shapes={"x": ["n", "m"]})

# Shapes that are computed from data.
x = draw(3, 1)
check("expand", [("Expand", ["x", "s"], ["y"])], lambda x, s: (x * np.ones(s, f32),), [{
    "x": x,
    "s": np.array(s)
} for s in ((2, 3, 5), (1, 1, 1), (4, 3, 0), (1, 3, 33))], ["y"])
check("reshape", [("Reshape", ["x", "s"], ["y"])], lambda x, s: (x.reshape([x.shape[i] if d == 0 else d for i, d in enumerate(s)]),),
      [{
          "x": rows,
          "s": np.array(s)
      } for s in ((3, 15, 1), (-1, 5, 3), (0, 1, -1), (1, 1, 45))], ["y"])
check("range", [("Range", ["a", "b", "c"], ["y"]), ("Mul", ["y", "y"], ["z"])],
      lambda a, b, c: (np.arange(a, b, c), np.arange(a, b, c)**2), [{
          "a": np.array(a),
          "b": np.array(b),
          "c": np.array(c)
      } for a, b, c in ((0, 7, 2), (5, 5, 1), (3, -9, -4), (2, 1, 1))], ["y", "z"])
check("constant_of_shape", [("ConstantOfShape", ["s"], ["c"]), ("Add", ["c", "x"], ["y"])],
      lambda s, x: (np.zeros(s, f32) + x,), [{
          "s": np.array(s),
          "x": np.array(2, f32)
      } for s in ((3, 5), (1, 1), (0, 4), (17, 2))], ["y"])
check("tile", [("Tile", ["x", "r"], ["y"])], lambda x, r: (np.tile(x, r),), [{
    "x": draw(3, 5),
    "r": np.array(r)
} for r in ((2, 3), (1, 1), (0, 2), (1, 7))], ["y"])
check("pad_to_multiple",
      [("Shape", ["x"], ["s"]), ("Neg", ["s"], ["t"]), ("Mod", ["t", "eight"], ["p"]),
       node("Concat", ["zero", "p"], ["pads"], axis=0), ("Pad", ["x", "pads"], ["y"])],
      lambda x: (np.pad(x, [(0, -x.shape[0] % 8)]),), [{
          "x": draw(n)
      } for n in (5, 8, 1, 0)], ["y"],
      constants={
          "eight": np.array([8]),
          "zero": np.array([0])
      },
      inputs_shapes={"x": ["n"]})

if __name__ == "__main__":
    main()
