# RUN: %python %s
"""Shape and index ops: reshape, transpose, slice, pad, concat, gather, scatter, TopK, NonZero, shapes computed in the graph."""

import numpy as np

from Execution.harness import case, main, node

rng = np.random.default_rng(5)
f32 = np.float32
i64 = lambda *v: np.array(v, np.int64)
x = rng.standard_normal((2, 3, 4, 5)).astype(f32)

case("reshape", [node("Reshape", ["x", "s"], ["y"])], {"x": x}, {"y": x.reshape(2, 12, 5)},
     constants={"s": i64(0, -1, 5)})
case("flatten", [node("Flatten", ["x"], ["y"], axis=2)], {"x": x}, {"y": x.reshape(6, 20)})
for n, perm in enumerate([(0, 2, 1, 3), (3, 2, 1, 0), (0, 2, 3, 1), (1, 0, 2, 3)]):
    case(f"transpose_{n}", [node("Transpose", ["x"], ["y"], perm=perm)], {"x": x}, {"y": x.transpose(perm).copy()})
w = rng.standard_normal((129, 67)).astype(f32)
case("transpose_odd", [node("Transpose", ["x"], ["y"], perm=[1, 0])], {"x": w}, {"y": w.T.copy()})
case("slice", [("Slice", ["x", "b", "e", "a", "t"], ["y"])], {"x": x}, {"y": x[:, 2::-1, :, 1:5:2].copy()},
     constants={
         "b": i64(2, 1),
         "e": i64(-4, 2**63 - 1),
         "a": i64(1, -1),
         "t": i64(-1, 2)
     })
case("slice_empty", [("Slice", ["x", "b", "e", "a"], ["y"])], {"x": x}, {"y": x[:, 3:].copy()},
     constants={
         "b": i64(3),
         "e": i64(9),
         "a": i64(1)
     })
# Axes, bounds and steps that are only known at run time.
case("slice_axes", [("Slice", ["x", "b", "e", "a"], ["y"])], {
    "x": x,
    "b": i64(-3, 1),
    "e": i64(99, -1),
    "a": i64(-1, 1)
}, {"y": x[:, 1:-1, :, -3:].copy()},
     shapes={"y": ["p", "q", "r", "s"]})
case("slice_steps", [("Slice", ["x", "b", "e", "a", "t"], ["y"])], {
    "x": x,
    "b": i64(1, -1),
    "e": i64(99, -99),
    "a": i64(1, 3),
    "t": i64(2, -3)
}, {"y": x[:, 1::2, :, ::-3].copy()},
     shapes={
         "x": ["h", "i", "j", "k"],
         "y": ["p", "q", "r", "s"]
     },
     sets=[({
         "x": x,
         "b": i64(-2, 99),
         "e": i64(-9, 99),
         "a": i64(-2, 0),
         "t": i64(-(2**63), 2**63 - 1)
     }, {"y": x[:0, :, -2:-9:-100].copy()})])
case("slice_backwards_empty", [("Slice", ["x", "b", "e", "a", "t"], ["y"])], {"x": x}, {"y": x[:, :, ::-1].copy()},
     constants={
         "b": i64(-1),
         "e": i64(-(2**63)),
         "a": i64(2),
         "t": i64(-1)
     },
     shapes={
         "x": ["h", "i", "j", "k"],
         "y": ["h", "i", "j", "k"]
     },
     sets=[({"x": x[:, :, :0].copy()}, {"y": x[:, :, :0].copy()})])
case("squeeze_axes", [("Squeeze", ["x", "a"], ["y"])], {
    "x": x[:, :1],
    "a": i64(-3)
}, {"y": x[:, 0].copy()},
     shapes={
         "x": [2, "i", "j", 5],
         "y": ["p", "q", "r"]
     },
     sets=[({
         "x": x[:, :, :1].copy(),
         "a": i64(2)
     }, {"y": x[:, :, 0].copy()})])
case("split", [node("Split", ["x", "s"], ["a", "b", "c"], axis=3)], {"x": x}, {
    "a": x[..., :2].copy(),
    "b": x[..., 2:2].copy(),
    "c": x[..., 2:].copy()
},
     constants={"s": i64(2, 0, 3)})
case("split_nothing", [node("Split", ["x", "s"], ["a", "b"], axis=1)], {
    "x": x[:, :0].copy(),
    "s": i64(0, 0)
}, {
    "a": x[:, :0].copy(),
    "b": x[:, :0].copy()
},
     shapes={
         "a": [2, "p", 4, 5],
         "b": [2, "q", 4, 5]
     })
case("split_to_sequence", [
    node("SplitToSequence", ["x", "s"], ["l"], axis=3),
    ("SequenceAt", ["l", "two"], ["a"]),
    ("SequenceAt", ["l", "zero"], ["b"]),
], {
    "x": x,
    "s": i64(1, 0, 4)
}, {
    "a": x[..., 1:].copy(),
    "b": x[..., :1].copy()
},
     constants={
         "two": np.array(2),
         "zero": np.array(0)
     },
     shapes={
         "x": ["i", "j", "k", "l"],
         "a": [2, 3, 4, "p"],
         "b": [2, 3, 4, "q"]
     })
case("split_to_stack", [
    node("SplitToSequence", ["x", "s"], ["l"], axis=2),
    ("SequenceAt", ["l", "i"], ["y"]),
], {
    "x": x,
    "s": np.array(2),
    "i": np.array(-1)
}, {"y": x[:, :, 2:].copy()},
     shapes={"y": [2, 3, "p", 5]})
case("concat", [node("Concat", ["x", "z", "x"], ["y"], axis=2)], {
    "x": x,
    "z": x[:, :, :0].copy()
}, {"y": np.concatenate([x, x], 2)})
case("squeeze", [("Unsqueeze", ["x", "a"], ["u"]), ("Squeeze", ["u", "a"], ["y"])], {"x": x}, {
    "u": x[:, None, ..., None],
    "y": x
},
     constants={"a": i64(1, -1)})
case("expand", [("Expand", ["z", "s"], ["y"])], {"z": x[:, :1, 0].copy()},
     {"y": np.broadcast_to(x[:, :1, 0], (4, 2, 3, 5)).copy()},
     constants={"s": i64(4, 1, 3, 5)})
case("tile", [("Tile", ["x", "r"], ["y"])], {"x": x[0]}, {"y": np.tile(x[0], (2, 1, 3))}, constants={"r": i64(2, 1, 3)})
for mode, how in (("constant", {"constant_values": 2.5}), ("reflect", {}), ("edge", {}), ("wrap", {})):
    case("pad_" + mode, [node("Pad", ["x", "p"] + (["c"] if mode == "constant" else []), ["y"], mode=mode)], {"x": x},
         {"y": np.pad(x, ((0, 0), (1, 0), (2, 1), (0, 3)), mode, **how)},
         constants={
             "p": i64(0, 1, 2, 0, 0, 0, 1, 3),
             "c": np.array(2.5, f32)
         })
i = np.array([[0, -1], [2, 1]], np.int64)
case("gather", [node("Gather", ["x", "i"], ["y"], axis=1)], {"x": x, "i": i}, {"y": np.take(x, i, 1)})
case("gather_constant", [node("Gather", ["x", "i"], ["y"], axis=2)], {"x": x}, {"y": x[:, :, 3].copy()},
     constants={"i": np.array(-1, np.int64)})
e = rng.integers(-3, 3, (2, 2, 4, 5)).astype(np.int64)
case("gather_elements", [node("GatherElements", ["x", "i"], ["y"], axis=1)], {
    "x": x,
    "i": e
}, {"y": np.take_along_axis(x, e % 3, 1)})
g = np.array([[[0, 1], [1, 2]]], np.int64)
case("gather_nd", [("GatherND", ["x", "i"], ["y"])], {"x": x, "i": g}, {"y": x[g[..., 0], g[..., 1]]})
u = rng.standard_normal((2, 2, 4, 5)).astype(f32)
p = np.stack([np.argsort(rng.random((2, 3, 4, 5)), axis=1)[:, :2]])[0].astype(np.int64)
s, t = x.copy(), x.astype(np.float64)
np.put_along_axis(s, p, u, 1)
for index in np.ndindex(*e.shape):
    t[index[0], e[index] % 3, index[2], index[3]] += u[index]
case("scatter_elements", [node("ScatterElements", ["x", "i", "u"], ["y"], axis=1)], {"x": x, "i": p, "u": u}, {"y": s})
case("scatter_add", [node("ScatterElements", ["x", "i", "u"], ["y"], axis=1, reduction="add")], {
    "x": x,
    "i": e,
    "u": u
}, {"y": t.astype(f32)})
s = x.copy()
s[g[..., 0], g[..., 1]] = u[:1, :2] * 2
case("scatter_nd", [("ScatterND", ["x", "i", "u"], ["y"])], {"x": x, "i": g, "u": u[:1, :2] * 2}, {"y": s})
order = np.argsort(-x, axis=-1, kind="stable")
case("top_k", [node("TopK", ["x", "k"], ["v", "i"], axis=-1)], {"x": x}, {
    "v": np.take_along_axis(x, order, -1)[..., :3],
    "i": order[..., :3].astype(np.int64)
},
     constants={"k": i64(3)})
ties = np.array([[1, 3, 3, 2, 3, 1]], f32)
case("top_k_ties", [node("TopK", ["x", "k"], ["v", "i"], axis=-1, largest=0)], {"x": ties}, {
    "v": np.sort(ties),
    "i": np.argsort(ties, kind="stable").astype(np.int64)
},
     constants={"k": i64(6)})
z = np.where(rng.random((4, 5)) < 0.4, 0, 1).astype(f32)
case("non_zero", [("NonZero", ["x"], ["y"])], {"x": z}, {"y": np.stack(np.nonzero(z)).astype(np.int64)},
     shapes={"y": [2, "n"]},
     sets=[({
         "x": z * 0
     }, {
         "y": np.zeros((2, 0), np.int64)
     })])
case("trilu",
     [node("Trilu", ["x"], ["l"], upper=0), node("Trilu", ["x", "k"], ["u"])], {"x": x}, {
         "l": np.tril(x),
         "u": np.triu(x, 1)
     },
     constants={"k": np.array(1, np.int64)})
case("one_hot", [("OneHot", ["i", "d", "v"], ["y"])], {"i": i}, {"y": np.eye(4, dtype=f32)[i % 4] * 3 - 1},
     constants={
         "d": np.array(4, np.int64),
         "v": np.array([-1, 2], f32)
     })
case("shape_arithmetic", [("Shape", ["x"], ["s"]), ("Gather", ["s", "zero"], ["b"]), ("Gather", ["s", "three"], ["d"]),
                          ("Unsqueeze", ["b", "ax"], ["bu"]), ("Unsqueeze", ["d", "ax"], ["du"]),
                          node("Concat", ["bu", "minus", "du"], ["to"], axis=0), ("Reshape", ["x", "to"], ["y"])],
     {"x": x}, {"y": x.reshape(2, 12, 5)},
     constants={
         "zero": np.array(0, np.int64),
         "three": np.array(3, np.int64),
         "ax": i64(0),
         "minus": i64(-1)
     })
d = [rng.standard_normal(t).astype(f32) for t in ((2, 6, 4), (1, 1, 4), (3, 10, 4))]
heads = lambda t: t.reshape(*t.shape[:2], 2, 2).transpose(0, 2, 1, 3).copy()
case("dynamic_heads", [("Shape", ["x"], ["s"]),
                       node("Slice", ["s", "b", "e"], ["bn"]),
                       node("Concat", ["bn", "hd"], ["to"], axis=0), ("Reshape", ["x", "to"], ["r"]),
                       node("Transpose", ["r"], ["y"], perm=[0, 2, 1, 3])], {"x": d[0]}, {"y": heads(d[0])},
     constants={
         "b": i64(0),
         "e": i64(2),
         "hd": i64(2, 2)
     },
     shapes={
         "x": ["b", "n", 4],
         "y": ["b", 2, "n", 2]
     },
     sets=[({
         "x": t
     }, {
         "y": heads(t)
     }) for t in d[1:]])
main()
