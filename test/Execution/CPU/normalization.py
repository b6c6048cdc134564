# RUN: %python %s
"""Softmax and normalisations, with -inf, NaN, one-element and empty rows; reductions."""

import numpy as np

from Execution.harness import case, main, node
from oracles.basic import layer_norm, log_softmax, rms_norm, softmax

rng = np.random.default_rng(2)
f32 = np.float32
inf = np.inf
x = (rng.standard_normal((3, 4, 33)) * 4).astype(f32)

for axis in (-1, 1, 0):
    case(f"softmax_axis{axis % 3}", [node("Softmax", ["x"], ["y"], axis=axis)], {"x": x},
         {"y": softmax(x, axis).astype(f32)})
case("log_softmax", [node("LogSoftmax", ["x"], ["y"], axis=-1)], {"x": x}, {"y": log_softmax(x).astype(f32)})
rows = np.array([[0, -inf, 1, 2], [-inf, -inf, -inf, -inf], [0, np.nan, 1, 2], [1e4, -1e4, 1e4, 0],
                 [-3e38, -3e38, -3e38, -3e38], [inf, 0, 1, 2], [-1e9, -1e9, -1e9, -1e9], [-inf, -inf, -inf, 5]], f32)
case("softmax_special", [node("Softmax", ["x"], ["y"], axis=-1)], {"x": rows}, {"y": softmax(rows).astype(f32)})
case("softmax_one", [node("Softmax", ["x"], ["y"], axis=-1)], {"x": x[..., :1].copy()}, {"y": np.ones((3, 4, 1), f32)})
case("softmax_none", [node("Softmax", ["x"], ["y"], axis=-1)], {"x": x[:0].copy()}, {"y": x[:0].copy()})
case("softmax_long", [node("Softmax", ["x"], ["y"], axis=-1)], {"x": np.tile(x[:1], (1, 1, 61))},
     {"y": softmax(np.tile(x[:1], (1, 1, 61))).astype(f32)})
for n in (1, 7, 16, 48, 768):
    v = (rng.standard_normal((5, n)) * 3 + 10).astype(f32)
    s, b = rng.standard_normal(n).astype(f32), rng.standard_normal(n).astype(f32)
    case(f"layer_norm_{n}", [node("LayerNormalization", ["x", "s", "b"], ["y"], epsilon=1e-6)], {"x": v},
         {"y": layer_norm(v, s, b, epsilon=1e-6).astype(f32)},
         constants={
             "s": s,
             "b": b
         },
         rtol=1e-3,
         atol=1e-4)
    case(f"rms_norm_{n}", [node("RMSNormalization", ["x", "s"], ["y"], epsilon=1e-6)], {"x": v},
         {"y": rms_norm(v, s, epsilon=1e-6).astype(f32)},
         constants={"s": s},
         opset=23)
s = rng.standard_normal((4, 33)).astype(f32)
case("layer_norm_axis", [node("LayerNormalization", ["x", "s"], ["y"], axis=1)], {
    "x": x,
    "s": s
}, {"y": layer_norm(x, s, axis=1).astype(f32)})
# As exporters write it out: mean, square, sqrt.
case("layer_norm_decomposed", [
    node("ReduceMean", ["x", "axes"], ["m"]), ("Sub", ["x", "m"], ["d"]), ("Pow", ["d", "two"], ["q"]),
    node("ReduceMean", ["q", "axes"], ["v"]), ("Add", ["v", "eps"], ["w"]), ("Sqrt", ["w"], ["r"]),
    ("Div", ["d", "r"], ["n"]), ("Mul", ["n", "s"], ["y"])
], {"x": x}, {"y": layer_norm(x, s[0]).astype(f32)},
     constants={
         "axes": np.array([-1], np.int64),
         "two": np.array(2, f32),
         "eps": np.array(1e-5, f32),
         "s": s[0].copy()
     })
v = rng.standard_normal((2, 6, 5, 3)).astype(f32)
g, b = rng.standard_normal(6).astype(f32), rng.standard_normal(6).astype(f32)
part = v.astype(np.float64).reshape(2, 3, -1)
norm = ((part - part.mean(-1, keepdims=True)) / np.sqrt(part.var(-1, keepdims=True) + 1e-5)).reshape(v.shape)
case("group_norm", [node("GroupNormalization", ["x", "g", "b"], ["y"], num_groups=3)], {
    "x": v,
    "g": g,
    "b": b
}, {"y": (norm * g[:, None, None] + b[:, None, None]).astype(f32)},
     opset=21)
part = v.astype(np.float64)
norm = (part - part.mean((2, 3), keepdims=True)) / np.sqrt(part.var((2, 3), keepdims=True) + 1e-5)
case("instance_norm", [node("InstanceNormalization", ["x", "g", "b"], ["y"])], {
    "x": v,
    "g": g,
    "b": b
}, {"y": (norm * g[:, None, None] + b[:, None, None]).astype(f32)})
mean, var = rng.standard_normal(6).astype(f32), rng.random(6).astype(f32) + 0.5
case("batch_norm", [node("BatchNormalization", ["x", "g", "b", "m", "v"], ["y"])], {"x": v}, {
    "y":
    ((v - mean[:, None, None]) / np.sqrt(var + 1e-5)[:, None, None] * g[:, None, None] + b[:, None, None]).astype(f32)
},
     constants={
         "g": g,
         "b": b,
         "m": mean,
         "v": var
     })
for op, f in {
        "ReduceSum": np.sum,
        "ReduceMax": np.max,
        "ReduceMin": np.min,
        "ReduceMean": np.mean,
        "ReduceProd": np.prod
}.items():
    case(op.lower(), [node(op, ["x", "k"], ["y"], keepdims=0),
                      node(op, ["x", "l"], ["z"]),
                      node(op, ["x"], ["w"])], {"x": x / 8}, {
                          "y": f((x / 8).astype(np.float64), axis=1).astype(f32),
                          "z": f((x / 8).astype(np.float64), axis=(0, 2), keepdims=True).astype(f32),
                          "w": f((x / 8).astype(np.float64), keepdims=True).astype(f32)
                      },
         constants={
             "k": np.array([1], np.int64),
             "l": np.array([-1, 0], np.int64)
         })
case("reduce_l2", [node("ReduceL2", ["x", "k"], ["y"])], {"x": x},
     {"y": np.sqrt((x.astype(np.float64)**2).sum(-1, keepdims=True)).astype(f32)},
     constants={"k": np.array([-1], np.int64)})
case("argmax", [node("ArgMax", ["x"], ["y"], axis=1, keepdims=0),
                node("ArgMin", ["x"], ["z"], axis=-1)], {"x": x}, {
                    "y": x.argmax(1),
                    "z": x.argmin(-1)[..., None]
                })
case("cumsum", [node("CumSum", ["x", "a"], ["y"]),
                node("CumSum", ["x", "a"], ["z"], exclusive=1, reverse=1)], {"x": x}, {
                    "y": np.cumsum(x.astype(np.float64), 1).astype(f32),
                    "z": (np.cumsum(x[:, ::-1].astype(np.float64), 1)[:, ::-1] - x).astype(f32)
                },
     constants={"a": np.array(1, np.int64)})
dyn = [(rng.standard_normal(t) * 3).astype(f32) for t in ((2, 9), (1, 1), (3, 130))]
case("softmax_dynamic", [node("Softmax", ["x"], ["y"], axis=-1)], {"x": dyn[0]}, {"y": softmax(dyn[0]).astype(f32)},
     shapes={
         "x": ["b", "n"],
         "y": ["b", "n"]
     },
     sets=[({
         "x": t
     }, {
         "y": softmax(t).astype(f32)
     }) for t in dyn[1:]])
main()
