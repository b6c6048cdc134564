# RUN: %python %s
"""Attention written out as exporters write it: scale spellings, masks, layouts, packed QKV, grouped heads, odd sizes."""

import ml_dtypes
import numpy as np

from Execution.harness import case, main, node
from oracles.attention import attention
from oracles.basic import rotary

rng = np.random.default_rng(3)
f32 = np.float32
inf = np.inf


def draw(*shape):
    return rng.standard_normal(shape).astype(f32)


def qkv(b=2, h=3, m=9, n=9, d=8, e=None):
    return draw(b, h, m, d), draw(b, h, n, d), draw(b, h, n, d if e is None else e)


def plain(before=(), between=(), after=(), scaled="s", scores=("q", "kt")):
    """Transpose K, QK^T, `between` from s to t, softmax, PV."""
    nodes = [*before, node("Transpose", ["k"], ["kt"], perm=[0, 1, 3, 2]), ("MatMul", list(scores), ["s"]), *between]
    return nodes + [node("Softmax", [scaled], ["p"], axis=-1), *after, ("MatMul", ["p", "v"], ["y"])]


def check(name, nodes, arrays, want, **kw):
    q, k, v = arrays
    case(name,
         nodes, {
             "q": q,
             "k": k,
             "v": v,
             **kw.pop("extra", {})
         }, {"y": want.astype(f32)},
         rtol=1e-3,
         atol=1e-4,
         **kw)


# Where the scale is.
a = qkv()
q, k, v = a
root, quarter = np.array(8**-0.5, f32), np.array(8**-0.25, f32)
want = attention(q, k, v)
check("scale_none", plain(), a, attention(q, k, v, scale=1))
check("scale_mul_logits", plain(between=[("Mul", ["s", "c"], ["t"])], scaled="t"), a, want, constants={"c": root})
check("scale_div_logits", plain(between=[("Div", ["s", "c"], ["t"])], scaled="t"), a, want, constants={"c": 1 / root})
check("scale_mul_q", plain(before=[("Mul", ["q", "c"], ["qs"])], scores=("qs", "kt")), a, want, constants={"c": root})
check("scale_mul_both", [("Mul", ["q", "c"], ["qs"]),
                         node("Transpose", ["k"], ["kt"], perm=[0, 1, 3, 2]), ("Mul", ["kt", "c"], ["ks"]),
                         ("MatMul", ["qs", "ks"], ["s"]),
                         node("Softmax", ["s"], ["p"], axis=-1), ("MatMul", ["p", "v"], ["y"])],
      a,
      want,
      constants={"c": quarter})
check("scale_root_of_shape",
      plain(before=[("Shape", ["q"], ["sh"]), ("Gather", ["sh", "last"], ["d"]),
                    node("Cast", ["d"], ["df"], to=1), ("Sqrt", ["df"], ["c"])],
            between=[("Div", ["s", "c"], ["t"])],
            scaled="t"),
      a,
      want,
      constants={"last": np.array(-1, np.int64)})
check("scale_pow",
      plain(before=[("Pow", ["d", "e"], ["c"])], between=[("Mul", ["s", "c"], ["t"])], scaled="t"),
      a,
      want,
      constants={
          "d": np.array(8, f32),
          "e": np.array(-0.5, f32)
      })

# Masks.
n = 9
causal = np.where(np.tril(np.ones((n, n), bool)), 0, -inf).astype(f32)
for label, low in (("inf", -inf), ("max", np.finfo(f32).min), ("1e9", -1e9)):
    m = np.where(np.tril(np.ones((n, n), bool)), 0, low).astype(f32)
    check(f"causal_add_{label}",
          plain(between=[("Mul", ["s", "c"], ["t"]), ("Add", ["t", "m"], ["u"])], scaled="u"),
          a,
          attention(q, k, v, causal=True),
          constants={
              "c": root,
              "m": m
          })
check("causal_where",
      plain(between=[("Mul", ["s", "c"], ["t"]), ("Where", ["m", "t", "low"], ["u"])], scaled="u"),
      a,
      attention(q, k, v, causal=True),
      constants={
          "c": root,
          "m": np.tril(np.ones((1, 1, n, n), bool)),
          "low": np.array(-inf, f32)
      })
check("causal_trilu",
      plain(before=[node("Trilu", ["ones"], ["tri"], upper=0), ("Equal", ["tri", "zero"], ["hidden"])],
            between=[("Mul", ["s", "c"], ["t"]), ("Where", ["hidden", "low", "t"], ["u"])],
            scaled="u"),
      a,
      attention(q, k, v, causal=True),
      constants={
          "c": root,
          "ones": np.ones((n, n), f32),
          "zero": np.array(0, f32),
          "low": np.array(-inf, f32)
      })
keep = np.ones((2, n), np.int64)
keep[1, 5:] = 0
check("padding_input",
      plain(before=[
          node("Cast", ["keep"], ["kf"], to=1), ("Sub", ["one", "kf"], ["off"]), ("Mul", ["off", "low"], ["add"]),
          ("Unsqueeze", ["add", "axes"], ["m"])
      ],
            between=[("Mul", ["s", "c"], ["t"]), ("Add", ["t", "m"], ["u"])],
            scaled="u"),
      a,
      attention(q, k, v, mask=keep[:, None, None, :] > 0),
      extra={"keep": keep},
      constants={
          "c": root,
          "one": np.array(1, f32),
          "low": np.array(-1e9, f32),
          "axes": np.array([1, 2], np.int64)
      })
window = np.abs(np.arange(n)[:, None] - np.arange(n)) <= 2
check("window",
      plain(between=[("Mul", ["s", "c"], ["t"]), ("Add", ["t", "m"], ["u"])], scaled="u"),
      a,
      attention(q, k, v, mask=window),
      constants={
          "c": root,
          "m": np.where(window, 0, -inf).astype(f32)
      })
bias = draw(3, n, n)
check("bias_per_head",
      plain(between=[("Mul", ["s", "c"], ["t"]), ("Add", ["t", "m"], ["u"])], scaled="u"),
      a,
      attention(q, k, v, bias=bias),
      constants={
          "c": root,
          "m": bias
      })
check("bias_input",
      plain(between=[("Add", ["s", "m"], ["u"])], scaled="u"),
      a,
      attention(q, k, v, scale=1, bias=bias),
      extra={"m": bias})
empty = causal.copy()
empty[4] = -inf
visible = np.isfinite(empty)
check("empty_row_is_nan",
      plain(between=[("Mul", ["s", "c"], ["t"]), ("Add", ["t", "m"], ["u"])], scaled="u"),
      a,
      attention(q, k, v, mask=visible, empty="nan"),
      constants={
          "c": root,
          "m": empty
      })
check("empty_row_guarded",
      plain(between=[("Mul", ["s", "c"], ["t"]),
                     ("Add", ["t", "m"], ["u"])], scaled="u")[:-1] + [("IsNaN", ["p"], ["bad"]),
                                                                      ("Where", ["bad", "zero", "p"], ["pz"]),
                                                                      ("MatMul", ["pz", "v"], ["y"])],
      a,
      attention(q, k, v, mask=visible),
      constants={
          "c": root,
          "m": empty,
          "zero": np.array(0, f32)
      })
uniform = causal.copy()
uniform[4] = np.finfo(f32).min
check("whole_row_of_lowest",
      plain(between=[("Mul", ["s", "c"], ["t"]), ("Add", ["t", "m"], ["u"])], scaled="u"),
      a,
      np.concatenate([
          attention(q, k, v, causal=True)[:, :, :4],
          np.broadcast_to(v.mean(2, keepdims=True), (2, 3, 1, 8)),
          attention(q, k, v, causal=True)[:, :, 5:]
      ],
                     axis=2),
      constants={
          "c": root,
          "m": uniform
      })

# Values.
hot = (q * 60, k * 60, v)
check("huge_logits",
      plain(between=[("Mul", ["s", "c"], ["t"])], scaled="t"),
      hot,
      attention(*hot),
      constants={"c": root})
bad = q.copy()
bad[0, 1, 3, 2] = np.nan
check("nan_query",
      plain(between=[("Mul", ["s", "c"], ["t"])], scaled="t"), (bad, k, v),
      attention(bad, k, v),
      constants={"c": root})
check("softcap",
      plain(between=[("Mul", ["s", "c"], ["t"]), ("Div", ["t", "cap"], ["t1"]), ("Tanh", ["t1"], ["t2"]),
                     ("Mul", ["t2", "cap"], ["u"])],
            scaled="u"),
      a,
      attention(q, k, v, softcap=2.0),
      constants={
          "c": root,
          "cap": np.array(2, f32)
      })

# Sizes.
for label, size in {
        "one_token": dict(m=1, n=1),
        "one_query": dict(m=1, n=37),
        "odd": dict(m=17, n=31, d=20),
        "wide_value": dict(m=5, n=7, d=8, e=24),
        "prime": dict(b=1, h=1, m=197, n=197, d=64),
        "long_keys": dict(b=1, h=2, m=3, n=1025, d=16),
        "window49": dict(b=8, h=2, m=49, n=49, d=32),
        "d1": dict(m=4, n=4, d=1)
}.items():
    a2 = qkv(**size)
    check("size_" + label,
          plain(between=[("Mul", ["s", "c"], ["t"])], scaled="t"),
          a2,
          attention(*a2),
          constants={"c": np.array(a2[0].shape[-1]**-0.5, f32)})

# Layouts.
q3, k3, v3 = draw(6, 9, 8), draw(6, 9, 8), draw(6, 9, 8)
check("three_dims", [
    node("Transpose", ["k"], ["kt"], perm=[0, 2, 1]), ("MatMul", ["q", "kt"], ["s"]), ("Mul", ["s", "c"], ["t"]),
    node("Softmax", ["t"], ["p"], axis=-1), ("MatMul", ["p", "v"], ["y"])
], (q3, k3, v3),
      attention(q3[:, None], k3[:, None], v3[:, None])[:, 0],
      constants={"c": root})
x = draw(2, 9, 24)
w = draw(24, 72) * f32(0.3)
packed = (x.astype(np.float64) @ w).reshape(2, 9, 3, 3, 8).transpose(2, 0, 3, 1, 4)
merged = attention(*packed).transpose(0, 2, 1, 3).reshape(2, 9, 24)
head = [("MatMul", ["x", "w"], ["xw"]), ("Reshape", ["xw", "five"], ["r"]),
        node("Transpose", ["r"], ["t5"], perm=[2, 0, 3, 1, 4])]
tail = [("Mul", ["q", "c"], ["qs"]),
        node("Transpose", ["k"], ["kt"], perm=[0, 1, 3, 2]), ("MatMul", ["qs", "kt"], ["s"]),
        node("Softmax", ["s"], ["p"], axis=-1), ("MatMul", ["p", "v"], ["o"]),
        node("Transpose", ["o"], ["ot"], perm=[0, 2, 1, 3]), ("Reshape", ["ot", "three"], ["y"])]
shapes = {"w": w, "c": root, "five": np.array([2, 9, 3, 3, 8], np.int64), "three": np.array([2, 9, -1], np.int64)}
splits = {
    "gather": ([node("Gather", ["t5", f"i{j}"], [n], axis=0) for j, n in enumerate("qkv")], {
        f"i{j}": np.array(j, np.int64)
        for j in range(3)
    }),
    "split": ([node("Split", ["t5"], ["q5", "k5", "v5"], axis=0, num_outputs=3)] + [("Squeeze", [n + "5", "ax"], [n])
                                                                                    for n in "qkv"], {
                                                                                        "ax": np.array([0], np.int64)
                                                                                    }),
    "slice": ([("Slice", ["t5", f"b{j}", f"e{j}", "ax"], [n + "5"])
               for j, n in enumerate("qkv")] + [("Squeeze", [n + "5", "ax"], [n]) for n in "qkv"], {
                   "ax": np.array([0], np.int64),
                   **{
                       f"b{j}": np.array([j], np.int64)
                       for j in range(3)
                   },
                   **{
                       f"e{j}": np.array([j + 1 if j < 2 else 2**63 - 1], np.int64)
                       for j in range(3)
                   }
               }),
}
for label, (nodes, constants) in splits.items():
    case("packed_" + label,
         head + nodes + tail, {"x": x}, {"y": merged.astype(f32)},
         constants={
             **shapes,
             **constants
         },
         rtol=1e-3,
         atol=1e-4)
q4, k4, v4 = (t.transpose(0, 2, 1, 3).copy() for t in a)
check("einsum", [
    node("Einsum", ["q", "k"], ["s"], equation="bihd,bjhd->bhij"), ("Mul", ["s", "c"], ["t"]),
    node("Softmax", ["t"], ["p"], axis=-1),
    node("Einsum", ["p", "v"], ["y"], equation="b h i j, b j h d -> b i h d")
], (q4, k4, v4),
      want.transpose(0, 2, 1, 3),
      constants={"c": root})
qt, kt, vt = (np.swapaxes(t, -1, -2).copy() for t in a)  # channels first: V softmax(K^T Q)
check("channels_first", [
    node("Transpose", ["q"], ["qr"], perm=[0, 1, 3, 2]), ("MatMul", ["qr", "k"], ["s"]), ("Mul", ["s", "c"], ["t"]),
    node("Softmax", ["t"], ["p"], axis=-1),
    node("Transpose", ["p"], ["pt"], perm=[0, 1, 3, 2]), ("MatMul", ["v", "pt"], ["y"])
], (qt, kt, vt),
      np.swapaxes(want, -1, -2),
      constants={"c": root})
g = (draw(2, 6, 9, 8), draw(2, 2, 9, 8), draw(2, 2, 9, 8))
repeat = lambda t: [("Unsqueeze", [t, "two"], [t + "u"]), ("Expand", [t + "u", "to"], [t + "e"]),
                    ("Reshape", [t + "e", "flat"], [t + "r"])]
check("grouped_heads",
      repeat("k") + repeat("v") + [
          node("Transpose", ["kr"], ["kt"], perm=[0, 1, 3, 2]), ("MatMul", ["q", "kt"], ["s"]),
          ("Mul", ["s", "c"], ["t"]),
          node("Softmax", ["t"], ["p"], axis=-1), ("MatMul", ["p", "vr"], ["y"])
      ],
      g,
      attention(*g),
      constants={
          "c": root,
          "two": np.array([2], np.int64),
          "to": np.array([2, 2, 3, 9, 8], np.int64),
          "flat": np.array([2, 6, 9, 8], np.int64)
      })
ang = np.arange(9)[:, None] * 10000.0**(-np.arange(4) / 4)
cos, sin = np.cos(ang).astype(f32), np.sin(ang).astype(f32)
turn = lambda t: [("Mul", [t, "cos"], [t + "c"]),
                  node("Split", [t], [t + "a", t + "b"], axis=-1, num_outputs=2), ("Neg", [t + "b"], [t + "n"]),
                  node("Concat", [t + "n", t + "a"], [t + "h"], axis=-1), ("Mul", [t + "h", "sin"], [t + "s"]),
                  ("Add", [t + "c", t + "s"], [t + "r"])]
check("rotary",
      turn("q") + turn("k") + [
          node("Transpose", ["kr"], ["kt"], perm=[0, 1, 3, 2]), ("MatMul", ["qr", "kt"], ["s"]),
          ("Mul", ["s", "c"], ["t"]),
          node("Softmax", ["t"], ["p"], axis=-1), ("MatMul", ["p", "v"], ["y"])
      ],
      a,
      attention(rotary(q, cos, sin), rotary(k, cos, sin), v),
      constants={
          "c": root,
          "cos": np.concatenate([cos, cos], -1),
          "sin": np.concatenate([sin, sin], -1)
      })

# The probabilities have another user.
p = np.exp(q.astype(np.float64) @ np.swapaxes(k, -1, -2) * float(root))
p /= p.sum(-1, keepdims=True)
case("probabilities_used",
     plain(between=[("Mul", ["s", "c"], ["t"])], scaled="t") + [node("ReduceMean", ["p", "ax"], ["m"], keepdims=0)], {
         "q": q,
         "k": k,
         "v": v
     }, {
         "y": want.astype(f32),
         "m": p.mean(1).astype(f32)
     },
     constants={
         "c": root,
         "ax": np.array([1], np.int64)
     },
     rtol=1e-3,
     atol=1e-4)

# All in f16 and bf16, as models stored in them have it, with a bias that stays a tensor.
for dtype, tolerance in ((np.float16, 2e-3), (ml_dtypes.bfloat16, 2e-2)):
    h = [t.astype(dtype) for t in qkv(2, 3, 4, 6, 8)]
    bias = draw(4, 6).astype(dtype)
    case(np.dtype(dtype).name,
         plain(between=[("Mul", ["s", "c"], ["t"]), ("Add", ["t", "bias"], ["u"])], scaled="u"),
         dict(zip("qkv", h)) | {"bias": bias}, {"y": attention(*h, bias=bias).astype(dtype)},
         constants={"c": root.astype(dtype)},
         rtol=tolerance,
         atol=tolerance)

# Dynamic batch and lengths.
sizes = [qkv(b, 3, m, n, 8) for b, m, n in ((2, 9, 9), (1, 1, 1), (1, 1, 70), (3, 33, 5))]
nodes = plain(between=[("Mul", ["s", "c"], ["t"])], scaled="t")
feed = lambda t: ({"q": t[0], "k": t[1], "v": t[2]}, {"y": attention(*t).astype(f32)})
case("dynamic",
     nodes,
     *feed(sizes[0]),
     constants={"c": root},
     rtol=1e-3,
     atol=1e-4,
     shapes={
         "q": ["b", 3, "m", 8],
         "k": ["b", 3, "n", 8],
         "v": ["b", 3, "n", 8],
         "y": ["b", 3, "m", 8]
     },
     sets=[feed(t) for t in sizes[1:]])
main()
