# RUN: %python %s
"""The Attention operator of opsets 23 and 24 (and RotaryEmbedding): masks, grouped heads, caches, softcap, empty rows."""

import numpy as np

from Execution.harness import case, main, node
from oracles.attention import attention
from oracles.basic import rotary

rng = np.random.default_rng(4)
f32 = np.float32


def draw(*shape):
    return rng.standard_normal(shape).astype(f32)


def op(name, q, k, v, want, inputs=("q", "k", "v"), extra=None, opset=23, outputs=None, **attributes):
    case(name, [node("Attention", list(inputs), ["y", *(outputs or [])], **attributes)], {
        "q": q,
        "k": k,
        "v": v,
        **(extra or {})
    }, {
        "y": want.astype(f32),
        **{
            n: a
            for n, a in (outputs or {}).items() if n
        }
    },
         opset=opset,
         rtol=1e-3,
         atol=1e-4)


q, k, v = draw(2, 4, 9, 8), draw(2, 4, 13, 8), draw(2, 4, 13, 12)
op("plain", q, k, v, attention(q, k, v))
op("scale", q, k, v, attention(q, k, v, scale=0.3), scale=0.3)
op("causal", q, k, v, attention(q, k, v, causal=True), is_causal=1)
op("softcap", q, k, v, attention(q, k, v, softcap=1.5), softcap=1.5)
bias = draw(4, 9, 13)
op("mask_add", q, k, v, attention(q, k, v, bias=bias), inputs=("q", "k", "v", "m"), extra={"m": bias})
seen = rng.random((2, 1, 9, 13)) < 0.5
seen[0, 0, 3] = False
op("mask_bool_empty_row", q, k, v, attention(q, k, v, mask=seen), inputs=("q", "k", "v", "m"), extra={"m": seen})
low = np.where(seen, 0, -np.inf).astype(f32)
op("mask_inf_empty_row", q, k, v, attention(q, k, v, mask=seen), inputs=("q", "k", "v", "m"), extra={"m": low})
op("mask_and_causal",
   q,
   k,
   v,
   attention(q, k, v, mask=seen, causal=True),
   inputs=("q", "k", "v", "m"),
   extra={"m": seen},
   is_causal=1)
q2 = draw(2, 6, 9, 8)
k2, v2 = draw(2, 2, 13, 8), draw(2, 2, 13, 8)
op("grouped", q2, k2, v2, attention(q2, k2, v2))
op("multi_query", q2, k2[:, :1].copy(), v2[:, :1].copy(), attention(q2, k2[:, :1], v2[:, :1]))
pk, pv = draw(2, 4, 5, 8), draw(2, 4, 5, 12)
fk, fv = np.concatenate([pk, k], 2), np.concatenate([pv, v], 2)
op("past",
   q,
   k,
   v,
   attention(q, fk, fv),
   inputs=("q", "k", "v", "", "pk", "pv"),
   extra={
       "pk": pk,
       "pv": pv
   },
   outputs={
       "ok": fk,
       "ov": fv
   })
flat = lambda t: t.transpose(0, 2, 1, 3).reshape(t.shape[0], t.shape[2], -1).copy()
op("three_dims", flat(q), flat(k), flat(v), flat(attention(q, k, v)), q_num_heads=4, kv_num_heads=4)
op("three_dims_grouped", flat(q2), flat(k2), flat(v2), flat(attention(q2, k2, v2)), q_num_heads=6, kv_num_heads=2)
one = draw(1, 2, 1, 8), draw(1, 2, 1, 8), draw(1, 2, 1, 8)
op("one_token", *one, attention(*one))
long = draw(1, 2, 3, 16), draw(1, 2, 517, 16), draw(1, 2, 517, 16)
op("long_keys", *long, attention(*long))
square = draw(1, 2, 130, 32), draw(1, 2, 130, 32), draw(1, 2, 130, 32)
op("causal_130", *square, attention(*square, causal=True), is_causal=1)
d = [a.astype(np.float64) for a in (q, k, v)]
# By the definition of the operator, q and k are multiplied by a root taken in float32: choose one that is exact.
case("double", [node("Attention", ["q", "k", "v"], ["y"], scale=0.25)],
     dict(zip("qkv", d)), {"y": attention(*d, scale=0.25)},
     opset=23,
     rtol=1e-10,
     atol=1e-12)
h = [a.astype(np.float16) for a in (q, k, v)]
case("half", [node("Attention", ["q", "k", "v"], ["y"])],
     dict(zip("qkv", h)), {"y": attention(*h).astype(np.float16)},
     opset=23,
     rtol=1e-2,
     atol=1e-2)
x = draw(2, 4, 9, 8)
angle = np.arange(9)[:, None] * 10000.0**(-np.arange(4) / 4)
cos, sin = np.cos(angle).astype(f32), np.sin(angle).astype(f32)
case("rotary_embedding", [node("RotaryEmbedding", ["x", "c", "s"], ["y"])], {
    "x": x,
    "c": np.stack([cos, cos]),
    "s": np.stack([sin, sin])
}, {"y": rotary(x, cos, sin).astype(f32)},
     opset=23)
sizes = [tuple(draw(b, 2, n, 8) for n in (m, s, s)) for b, m, s in ((2, 5, 9), (1, 1, 1), (1, 1, 66), (2, 40, 3))]
feed = lambda t: (dict(zip("qkv", t)), {"y": attention(*t).astype(f32)})
case("dynamic", [node("Attention", ["q", "k", "v"], ["y"])],
     *feed(sizes[0]),
     opset=23,
     rtol=1e-3,
     atol=1e-4,
     shapes={
         "q": ["b", 2, "m", 8],
         "k": ["b", 2, "n", 8],
         "v": ["b", 2, "n", 8],
         "y": ["b", 2, "m", 8]
     },
     sets=[feed(t) for t in sizes[1:]])
heads = [tuple(draw(b, 3, n, d) for n in (m, s, s)) for b, m, s, d in ((2, 5, 9, 8), (1, 1, 7, 5), (2, 20, 40, 64))]
case("dynamic_head_size", [node("Attention", ["q", "k", "v"], ["y"])],
     *feed(heads[0]),
     opset=23,
     rtol=1e-3,
     atol=1e-4,
     shapes={
         "q": ["b", 3, "m", "d"],
         "k": ["b", 3, "n", "d"],
         "v": ["b", 3, "n", "d"],
         "y": ["b", 3, "m", "d"]
     },
     sets=[feed(t) for t in heads[1:]])
main()
