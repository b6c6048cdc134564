# RUN: %python %s
"""Gather and scatter by index, sorting, selection, padding: negative indices, ties, NaN, sizes known at run time."""

import numpy as np

from Execution.harness import case, main, node

rng = np.random.default_rng(17)
f32, i64 = np.float32, np.int64


def draw(*shape):
    return rng.standard_normal(shape).astype(f32)


# GatherElements, GatherND.
x = draw(5, 7)
rows = rng.integers(-5, 5, (3, 7))
case("gather_elements", [node("GatherElements", ["x", "i"], ["y"], axis=0)], {
    "x": x,
    "i": rows
}, {"y": np.take_along_axis(x, rows % 5, 0)})
columns = rng.integers(-7, 7, (5, 9))
case("gather_elements_dynamic", [node("GatherElements", ["x", "i"], ["y"], axis=-1)], {
    "x": x,
    "i": columns
}, {"y": np.take_along_axis(x, columns % 7, 1)},
     shapes={
         "x": ["n", "c"],
         "i": ["n", "k"],
         "y": ["n", "k"]
     })
data, tuples = draw(2, 3, 4), rng.integers(-3, 3, (2, 5, 1))
case("gather_nd_batch", [node("GatherND", ["x", "i"], ["y"], batch_dims=1)], {
    "x": data,
    "i": tuples
}, {"y": np.stack([data[b][tuples[b, :, 0]] for b in range(2)])})

# ScatterElements, ScatterND; repeated indices add up.
idx, updates = np.array([[1, -1, 0], [1, 2, 2]]), draw(2, 3)
for reduction, ufunc in (("none", None), ("add", np.add), ("mul", np.multiply), ("min", np.minimum), ("max",
                                                                                                     np.maximum)):
    base = draw(4, 3)
    want = base.copy()
    for r, c in np.ndindex(2, 3):
        target = (idx[r, c] % 4, c)
        want[target] = updates[r, c] if ufunc is None else ufunc(want[target], updates[r, c])
    case("scatter_elements_" + reduction,
         [node("ScatterElements", ["x", "i", "u"], ["y"], axis=0, reduction=reduction)], {
             "x": base,
             "i": idx,
             "u": updates
         }, {"y": want})
    nd = np.array([[2], [-3], [2]])
    slabs, want = draw(3, 3), base.copy()
    for r in range(3):
        want[nd[r, 0]] = slabs[r] if ufunc is None else ufunc(want[nd[r, 0]], slabs[r])
    case("scatter_nd_" + reduction, [node("ScatterND", ["x", "i", "u"], ["y"], reduction=reduction)], {
        "x": base,
        "i": nd,
        "u": slabs
    }, {"y": want})

# TopK: ties take the lower index first; NaN is larger than every number.
ties = np.array([[3, 1, 3, 2, 3], [0, 0, -1, 0, np.inf]], f32)


def top(x, k, largest):
    keys = -x if largest else x
    order = np.argsort(keys, axis=-1, kind="stable")[:, :k]
    return {"y": np.take_along_axis(x, order, -1), "i": order}


for largest in (0, 1):
    case(f"top_k_ties_{largest}", [node("TopK", ["x", "k"], ["y", "i"], largest=largest)], {"x": ties},
         top(ties, 3, largest),
         constants={"k": np.array([3])})
long = rng.permutation(3000).astype(f32).reshape(2, 1500)
long[:, ::7] = long[:, 1:2]
case("top_k_long", [node("TopK", ["x", "k"], ["y", "i"])], {"x": long}, top(long, 40, 1), constants={"k": np.array([40])})
case("top_k_runtime", [node("TopK", ["x", "k"], ["y", "i"], largest=0)], {
    "x": ties,
    "k": np.array([2])
},
     top(ties, 2, 0),
     shapes={
         "y": [2, "k"],
         "i": [2, "k"]
     },
     sets=[({
         "x": ties,
         "k": np.array([5])
     }, top(ties, 5, 0))])
case("top_k_nan", [node("TopK", ["x", "k"], ["y", "i"])], {"x": np.array([1, np.nan, 2], f32)}, {
    "y": np.array([np.nan, 2], f32),
    "i": np.array([1, 2])
},
     constants={"k": np.array([2])})

# Results whose size depends on the data.
mask = rng.integers(0, 2, (4, 6)).astype(bool)
case("non_zero", [node("NonZero", ["x"], ["y"])], {"x": mask}, {"y": np.array(np.nonzero(mask))},
     shapes={"y": [2, "n"]},
     sets=[({
         "x": np.zeros((4, 6), bool)
     }, {
         "y": np.zeros((2, 0), i64)
     })])
values = np.array([3, 1, 3, 2, 1, 7], f32)
sorted_, first, inverse, counts = np.unique(values, return_index=True, return_inverse=True, return_counts=True)
case("unique_sorted", [node("Unique", ["x"], ["y", "i", "j", "n"])], {"x": values}, {
    "y": sorted_,
    "i": first,
    "j": inverse,
    "n": counts
},
     shapes={
         "y": ["k"],
         "i": ["k"],
         "n": ["k"]
     })
case("unique_in_order", [node("Unique", ["x"], ["y", "i", "j", "n"], sorted=0)], {"x": values}, {
    "y": np.array([3, 1, 2, 7], f32),
    "i": np.array([0, 1, 3, 5]),
    "j": np.array([0, 1, 0, 2, 1, 3]),
    "n": np.array([2, 2, 1, 1])
},
     shapes={
         "y": ["k"],
         "i": ["k"],
         "n": ["k"]
     })

# Pad.
p = draw(3, 5)
for mode in ("constant", "reflect", "edge", "wrap"):
    case("pad_" + mode, [node("Pad", ["x", "p"], ["y"], mode=mode)], {"x": p}, {"y": np.pad(p, ((1, 2), (2, 0)), mode)},
         constants={"p": np.array([1, 2, 2, 0])})
case("pad_cut", [node("Pad", ["x", "p", "v"], ["y"])], {"x": p}, {"y": np.pad(p[1:, :-2], ((0, 0), (1, 0)), constant_values=9)},
     constants={
         "p": np.array([-1, 1, 0, -2]),
         "v": np.array(9, f32)
     })
case("pad_runtime", [node("Pad", ["x", "p"], ["y"])], {
    "x": p,
    "p": np.array([0, 1, 2, 3])
}, {"y": np.pad(p, ((0, 2), (1, 3)))},
     shapes={"y": ["a", "b"]},
     sets=[({
         "x": p,
         "p": np.array([-1, 0, 0, -1])
     }, {
         "y": p[1:, :-1]
     })])

if __name__ == "__main__":
    main()
