# RUN: %python %s
"""MultiHeadAttention and Attention of ONNX Runtime: layouts, masks of every shape, caches, hidden rows."""

import numpy as np

from Execution.harness import case, main, node
from oracles.contrib import causal, dense, merge, padding, split, write

rng = np.random.default_rng(31)
f32, i32 = np.float32, np.int32
MS = "com.microsoft"
INPUTS = ["q", "k", "v", "bias", "mask", "ab", "pk", "pv", "pl"]


def draw(*shape):
    return rng.standard_normal(shape).astype(f32)


def run(name, op, order, feeds, outputs, heads, rtol=1e-3, atol=1e-4, **kw):
    """feeds: arrays by the names in `order`; the rest of kw that the harness does not know are attributes."""
    known = {k: kw.pop(k) for k in ("shapes", "sets", "constants") if k in kw}
    names = [n if n in feeds or n in known.get("constants", {}) else "" for n in order]
    while not names[-1]:
        names.pop()
    dtype = feeds[order[0]].dtype
    wants = {n: np.asarray(a).astype(dtype) for n, a in outputs.items()}
    case(name, [node(op, names, list(wants), domain=MS, num_heads=heads, **kw)],
         feeds,
         wants,
         rtol=rtol,
         atol=atol,
         **known)


def mha(name, feeds, outputs, heads=3, **kw):
    run(name, "MultiHeadAttention", INPUTS, feeds, outputs, heads, **kw)


B, S, T, N, H = 2, 5, 7, 3, 8
q, k, v = draw(B, S, N * H), draw(B, T, N * H), draw(B, T, N * 12)
qh, kh, vh = split(q, N), split(k, N), split(v, N)
qkv = {"q": q, "k": k, "v": v}
mha("plain", qkv, {"y": merge(dense(qh, kh, vh))})
mha("scale", qkv, {"y": merge(dense(qh, kh, vh, 0.4))}, scale=0.4)
bias = draw(2 * N * H + N * 12)
biased = [split(x + b, N) for x, b in zip((q, k, v), np.split(bias, [N * H, 2 * N * H]))]
mha("bias", {**qkv, "bias": bias}, {"y": merge(dense(*biased))})
masks = {
    "lengths": np.array([7, 3], i32),
    "lengths_none": np.array([0, 4], i32),  # no key is as good as every key
    "lengths_cumulated": np.array([2, 6, 0, 5, 10, 0, 2, 8], i32),
    "keys": np.array([[1, 1, 0, 1, 0, 0, 1], [0, 0, 1, 1, 1, 1, 0]], i32),
    "scores": (rng.random((B, S, T)) < 0.6).astype(i32),
}
masks["scores"][:, :, 2] = 1
for what, mask in masks.items():
    want = merge(dense(qh, kh, vh, bias=padding(mask, B, S, T)))
    mha("mask_" + what, {**qkv, "mask": mask}, {"y": want})
# Small scores: beside -10000, float32 keeps three digits after the point.
hidden = np.array([[0] * 7, [1] * 7], i32)
mha("mask_hides_row", {
    **qkv, "mask": hidden
}, {"y": merge(dense(qh, kh, vh, bias=padding(hidden, B, S, T)))},
    rtol=1e-2,
    atol=2e-3)
mha("mask_weak", {
    **qkv, "mask": hidden
}, {"y": merge(dense(qh, kh, vh, bias=padding(hidden, B, S, T, 0, -1.5)))},
    mask_filter_value=-1.5)
mha("mask_weak_lengths", {
    **qkv, "mask": masks["lengths"]
}, {"y": merge(dense(qh, kh, vh, bias=padding(masks["lengths"], B, S, T, 0, -1.5)))},
    mask_filter_value=-1.5)
for shape in ((1, 1, S, T), (B, 1, S, T), (1, N, S, T), (B, N, S, T)):
    ab = draw(*shape)
    mha("attention_bias_%dx%d" % shape[:2], {**qkv, "ab": ab}, {"y": merge(dense(qh, kh, vh, bias=ab))})
mha("bias_and_mask", {
    **qkv, "ab": ab,
    "mask": masks["lengths"]
}, {"y": merge(dense(qh, kh, vh, bias=ab + padding(masks["lengths"], B, S, T)))})
packed = draw(B, S, N, 3, H)
parts = [packed[..., i, :].transpose(0, 2, 1, 3) for i in range(3)]
mha("packed_qkv", {"q": packed}, {"y": merge(dense(*parts))})
kv = draw(B, T, N, 2, H)
mha("packed_kv", {"q": q, "k": kv}, {"y": merge(dense(qh, *(kv[..., i, :].transpose(0, 2, 1, 3) for i in range(2))))})
cross = draw(B, N, T, H), draw(B, N, T, 12)
mha("cross", {"q": q, "k": cross[0], "v": cross[1]}, {"y": merge(dense(qh, *cross))})
wide = split(draw(B, S, N * H), N)
self = {"q": q, "k": merge(wide).astype(f32), "v": merge(wide).astype(f32)}
mha("unidirectional", self, {"y": merge(dense(qh, wide, wide, visible=causal(S, S)))}, unidirectional=1)
for past in (0, 4):
    pk, pv = draw(B, N, past, H), draw(B, N, past, H)
    fk, fv = (np.concatenate([p, wide], 2) for p in (pk, pv))
    mha(f"past_{past}", {
        **self, "pk": pk,
        "pv": pv
    }, {
        "y": merge(dense(qh, fk, fv, visible=causal(S, past + S, past))),
        "ok": fk,
        "ov": fv
    },
        unidirectional=1)
buffer = draw(B, N, 12, H), draw(B, N, 12, H)
full = [write(p, wide, [4, 4], 12) for p in buffer]
mha("shared_buffer", {
    **self, "pk": buffer[0],
    "pv": buffer[1],
    "pl": np.array([4], i32)
}, {
    "y": merge(dense(qh, *(f[:, :, :9] for f in full), visible=causal(S, 9, 4))),
    "ok": full[0],
    "ov": full[1]
},
    unidirectional=1)
one = draw(1, 1, 16), draw(1, 1, 16), draw(1, 1, 16)
mha("one_token", dict(zip("qkv", one)), {"y": one[2]}, heads=2)
halves = [x.astype(np.float16) for x in (q, k, v)]
mha("half", dict(zip("qkv", halves)), {"y": merge(dense(*(split(x, N) for x in halves)))}, rtol=1e-2, atol=1e-2)


def dynamic(b, s, p):
    x, (pk, pv) = draw(b, s, 24), (draw(b, 3, p, 8), draw(b, 3, p, 8))
    mask = (rng.random((b, p + s)) < 0.7).astype(i32)
    mask[:, 0] = 1
    fk, fv = (np.concatenate([c, split(x, 3)], 2) for c in (pk, pv))
    y = merge(dense(split(x, 3), fk, fv, bias=padding(mask, b, s, p + s), visible=causal(s, p + s, p)))
    feeds = {"q": x, "k": x, "v": x, "mask": mask, "pk": pk, "pv": pv}
    return feeds, {n: a.astype(f32) for n, a in (("y", y), ("ok", fk), ("ov", fv))}


sets = [dynamic(*sizes) for sizes in ((2, 5, 3), (1, 1, 0), (3, 1, 40), (1, 33, 0))]
feeds, want = sets[0]
cache = {n: ["b", 3, "p", 8] for n in ("pk", "pv")}
mha("dynamic",
    feeds,
    want,
    unidirectional=1,
    sets=sets[1:],
    shapes={
        **{
            n: ["b", "s", 24]
            for n in "qkv"
        }, "mask": ["b", "t"],
        **cache, "y": ["b", "s", 24],
        "ok": ["b", 3, "t", 8],
        "ov": ["b", 3, "t", 8]
    })

# Attention with its projections. ------------------------------------------------
ORDER = ["x", "w", "b", "mask", "past", "ab", "pl"]
x, w, b = draw(B, S, 20), draw(20, 3 * N * H) * f32(0.3), draw(3 * N * H)
heads = [split(p, N) for p in np.split(x.astype(np.float64) @ w + b, 3, axis=-1)]


def projected(name, feeds, outputs, constants=None, **kw):
    run("projected_" + name, "Attention", ORDER, feeds, outputs, N, constants=constants or {"w": w, "b": b}, **kw)


projected("plain", {"x": x}, {"y": merge(dense(*heads))})
plain = [split(p, N) for p in np.split(x.astype(np.float64) @ w, 3, axis=-1)]
projected("no_bias", {"x": x}, {"y": merge(dense(*plain))}, constants={"w": w})
uneven = draw(20, 2 * N * H + N * 4)
parts = [split(p, N) for p in np.split(x.astype(np.float64) @ uneven, [N * H, 2 * N * H], axis=-1)]
projected("sizes", {"x": x}, {"y": merge(dense(*parts, scale=0.2))},
          constants={"w": uneven},
          scale=0.2,
          qkv_hidden_sizes=[N * H, N * H, N * 4])
projected_masks = {
    "ends": np.array([5, 2], i32),
    "starts": np.array([5, 4, 2, 0], i32),
    "keys": np.array([[1, 1, 0, 1, 0], [0, 1, 1, 1, 1]], i32),
    "nothing": np.array([[1], [0]], i32),
    "scores": (rng.random((B, S, S)) < 0.6).astype(i32) | np.eye(S, dtype=i32),
    "square": np.tile((rng.random((B, 1, 9, 9)) < 0.6).astype(i32) | np.eye(9, dtype=i32), 1),
}
for what, mask in projected_masks.items():
    added = 0 if what == "nothing" else padding(mask, B, S, S)
    projected("mask_" + what, {"x": x, "mask": mask}, {"y": merge(dense(*heads, bias=added))})
    if what in ("ends", "keys"):
        projected("causal_" + what, {
            "x": x,
            "mask": mask
        }, {"y": merge(dense(*heads, bias=added, visible=causal(S, S)))},
                  unidirectional=1,
                  rtol=1e-2,
                  atol=3e-3)
for past in (0, 6):
    cache = draw(2, B, N, past, H)
    fk, fv = (np.concatenate([cache[i], heads[1 + i]], 2) for i in range(2))
    projected(f"past_{past}", {
        "x": x,
        "past": cache
    }, {
        "y": merge(dense(heads[0], fk, fv, visible=causal(S, past + S, past))),
        "present": np.stack([fk, fv])
    },
              unidirectional=1)
cache = draw(2, B, N, 16, H)
full = [write(cache[i], heads[1 + i], [3, 3], 16) for i in range(2)]
projected("shared_buffer", {
    "x": x,
    "past": cache,
    "pl": np.array([3], i32)
}, {
    "y": merge(dense(heads[0], *(f[:, :, :8] for f in full), visible=causal(S, 8, 3))),
    "present": np.stack(full)
},
          unidirectional=1,
          past_present_share_buffer=1)

# Tokens without padding. --------------------------------------------------------


def tokens(lengths, rows):
    """Which rows hold tokens, token_offset and the cumulated lengths."""
    held = np.arange(rows) < np.array(lengths)[:, None]
    places = np.arange(held.size).reshape(held.shape)
    offsets = np.concatenate([places[held], places[~held]]).reshape(held.shape).astype(i32)
    return held, {"offsets": offsets, "sums": np.concatenate([[0], np.cumsum(lengths)]).astype(i32)}


def restore(x, held):
    out = np.zeros((*held.shape, x.shape[-1]))
    out[held] = x
    return out


PACKED = ["q", "k", "v", "bias", "offsets", "sums", "ab"]
for what, lengths in (("ragged", [5, 1, 3]), ("empty", [0, 5, 2]), ("full", [5, 5])):
    held, index = tokens(lengths, 5)
    count = int(held.sum())
    q, k, v = draw(count, N * H), draw(count, N * H), draw(count, N * 12)
    added = padding(np.array(lengths), len(lengths), 5, 5)
    own = [split(restore(t, held), N) for t in (q, k, v)]
    run("packed_" + what, "PackedMultiHeadAttention", PACKED, {
        "q": q,
        "k": k,
        "v": v,
        **index
    }, {"y": merge(dense(*own, bias=added))[held]}, N)
held, index = tokens([2, 5], 5)
parts = draw(7, N, 3, H)
bias, ab = draw(3 * N * H), draw(1, N, 5, 5)
own = [split(restore(parts[:, :, i].reshape(7, -1) + bias[i * N * H:(i + 1) * N * H], held), N) for i in range(3)]
added = ab + padding(np.array([2, 5]), 2, 5, 5)
run("packed_one_input",
    "PackedMultiHeadAttention",
    PACKED, {
        "q": parts,
        "bias": bias,
        "ab": ab,
        **index
    }, {"y": merge(dense(*own, bias=added, scale=0.3))[held]},
    N,
    scale=0.3)
x = draw(7, 20)
own = [split(restore(p, held), N) for p in np.split(x.astype(np.float64) @ w + b, 3, axis=-1)]
run("packed_projected",
    "PackedAttention", ["x", "w", "b", "offsets", "sums"], {
        "x": x,
        **index
    }, {"y": merge(dense(*own, bias=padding(np.array([2, 5]), 2, 5, 5)))[held]},
    N,
    constants={
        "w": w,
        "b": b
    })


def ragged(lengths, rows):
    held, index = tokens(lengths, rows)
    t = draw(int(held.sum()), N * H)
    own = split(restore(t, held), N)
    y = merge(dense(own, own, own, bias=padding(np.array(lengths), len(lengths), rows, rows)))[held]
    return {"q": t, "k": t, "v": t, **index}, {"y": y.astype(f32)}


feeds, want = ragged([5, 1, 3], 5)
run("packed_dynamic",
    "PackedMultiHeadAttention",
    PACKED,
    feeds,
    want,
    N,
    sets=[ragged([1], 1), ragged([2, 0, 40], 40), ragged([0, 3], 7)],
    shapes={
        **{
            n: ["t", N * H]
            for n in "qkv"
        }, "offsets": ["b", "s"],
        "sums": ["b1"],
        "y": ["t", N * H]
    })
ab = draw(1, N, 5, 5)
feeds, want = ragged([5, 1, 3], 5)
held, _ = tokens([5, 1, 3], 5)
own = split(restore(feeds["q"], held), N)
want = {"y": merge(dense(own, own, own, bias=ab + padding(np.array([5, 1, 3]), 3, 5, 5)))[held]}
run("packed_static_bias",
    "PackedMultiHeadAttention",
    PACKED, {
        **feeds, "ab": ab
    },
    want,
    N,
    shapes={
        **{
            n: ["t", N * H]
            for n in "qkv"
        }, "offsets": ["b", "s"],
        "sums": ["b1"],
        "y": ["t", N * H]
    })
main()
