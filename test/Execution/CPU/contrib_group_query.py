# RUN: %python %s
"""GroupQueryAttention and RotaryEmbedding of ONNX Runtime: prompts, steps, ragged batches, buffers, windows, sinks."""

import numpy as np

from Execution.harness import case, main, node
from oracles.basic import rms_norm
from oracles.contrib import causal, dense, merge, rotary, split, write

rng = np.random.default_rng(32)
f32, i32 = np.float32, np.int32
MS = "com.microsoft"
INPUTS = ["q", "k", "v", "pk", "pv", "lengths", "total", "cos", "sin", "ids", "ab", "sink", "ks", "vs", "qn", "kn"]


def draw(*shape):
    return rng.standard_normal(shape).astype(f32)


class Step:
    """One call: what goes in, and by the definition of the operator what comes out."""

    def __init__(self, lengths, rows, heads=4, groups=2, size=16, capacity=None, no_past=False, packed=False):
        self.n, self.g, self.rows, self.total = heads, groups, rows, int(max(lengths))
        self.ends = np.array(lengths)
        self.prompt = rows == self.total
        self.past = np.zeros_like(self.ends) if self.prompt else self.ends - rows
        b = len(lengths)
        self.qkv = [draw(b, rows, h * size) for h in (heads, groups, groups)]
        names = ["q", "k", "v"]
        self.feeds = {"q": np.concatenate(self.qkv, -1)} if packed else dict(zip(names, self.qkv))
        capacity = capacity or self.total - rows
        self.length = max(capacity, self.total)
        self.buffers = [draw(b, groups, 0 if no_past else capacity, size) for _ in range(2)]
        if not no_past:
            self.feeds.update(pk=self.buffers[0], pv=self.buffers[1])
        self.feeds.update(lengths=(self.ends - 1).astype(i32), total=np.array([self.total], i32))

    def want(self, turn=lambda x: x, window=None, is_causal=True, **kw):
        q, k, v = (split(x, h) for x, h in zip(self.qkv, (self.n, self.g, self.g)))
        keys, values = (write(p, x, self.past, self.length) for p, x in zip(self.buffers, (turn(k), v)))
        visible = causal(self.rows, self.total, self.past, window)
        if not is_causal:
            visible = np.arange(self.total) < self.ends.reshape(-1, 1, 1, 1)
        y = merge(dense(turn(q), keys[:, :, :self.total], values[:, :, :self.total], visible=visible, **kw))
        return {"y": y, "ok": keys, "ov": values}

    def positions(self):
        return self.past[:, None] + np.arange(self.rows)


def gqa(name, step, want, extra=None, sets=None, shapes=None, rtol=1e-3, atol=1e-4, **attributes):
    feeds = {**step.feeds, **(extra or {})}
    names = [n if n in feeds else "" for n in INPUTS]
    while not names[-1]:
        names.pop()
    op = node("GroupQueryAttention", names, list(want), domain=MS, num_heads=step.n, kv_num_heads=step.g, **attributes)
    dtype = feeds["q"].dtype
    case(name, [op],
         feeds, {
             n: a.astype(dtype)
             for n, a in want.items()
         },
         sets=sets,
         shapes=shapes,
         rtol=rtol,
         atol=atol)


def caches(positions, half):
    angle = np.arange(positions)[:, None] * 100.0**(-np.arange(half) / half)
    return {"cos": np.cos(angle).astype(f32), "sin": np.sin(angle).astype(f32)}


steps = {
    "prompt": Step([9, 9], 9, no_past=True),
    "prompt_one": Step([1], 1, no_past=True),
    "prompt_empty_past": Step([6, 6], 6),
    "prompt_buffer": Step([6, 6], 6, capacity=11),
    "decode": Step([8, 5, 1], 1),
    "decode_buffer": Step([8, 5, 1], 1, capacity=17),
    "decode_many": Step([130], 1, heads=8, groups=1, size=32),
    "chunk": Step([11], 4),
    "chunk_buffer": Step([11], 4, capacity=12),
    "packed": Step([8, 5], 1, packed=True),
}
for what, step in steps.items():
    gqa(what, step, step.want())
step = steps["decode"]
for window in (1, 3, 20):
    gqa(f"window_{window}", step, step.want(window=window), local_window_size=window)
long = Step([150], 150, no_past=True)
gqa("window_prompt", long, long.want(window=37), local_window_size=37)
gqa("softcap", step, step.want(softcap=1.5, scale=0.6), softcap=1.5, scale=0.6)
gqa("not_causal", step, step.want(is_causal=False), causal=0)
chunk = steps["chunk_buffer"]
sink = draw(4) * 3
gqa("sink", chunk, chunk.want(sink=sink), {"sink": sink})
gqa("sink_decode", step, step.want(sink=sink, softcap=2.0), {"sink": sink}, softcap=2.0)
gqa("smooth_softmax", chunk, chunk.want(sink=np.zeros(4)), smooth_softmax=1)
ab = draw(1, 4, 4, 11)
gqa("attention_bias", chunk, chunk.want(bias=ab), {"ab": ab})
for what, step, half, interleaved in (("rotary", steps["decode"], 8, 0), ("rotary_part", steps["chunk"], 5, 0),
                                      ("rotary_pairs", steps["packed"], 8, 1), ("rotary_pairs_part", long, 4, 1)):
    table = caches(step.length, half)
    turn = lambda x: rotary(x, table["cos"], table["sin"], step.positions(), interleaved)
    gqa(what, step, step.want(turn), table, do_rotary=1, rotary_interleaved=interleaved)
step, table = steps["decode"], caches(30, 8)
ids = np.array([[4], [29], [0]])
gqa("rotary_ids",
    step,
    step.want(lambda x: rotary(x, table["cos"], table["sin"], ids)), {
        **table, "ids": ids
    },
    do_rotary=1)
weights = draw(16), draw(16)
q, k = (split(x, h) for x, h in zip(step.qkv, (4, 2)))
normal = Step([8, 5, 1], 1)
normal.feeds, normal.buffers = {**step.feeds, "qn": weights[0], "kn": weights[1]}, step.buffers
normal.qkv = [merge(rms_norm(q, weights[0], epsilon=1e-6)), merge(rms_norm(k, weights[1], epsilon=1e-6)), step.qkv[2]]
gqa("norms", normal, normal.want())
step = steps["chunk_buffer"]
seen = causal(step.rows, step.total, step.past)
q, keys = split(step.qkv[0], 4), np.repeat(step.want()["ok"], 2, axis=1)
scores = np.einsum("bnsh,bnth->bnst", q, keys[:, :, :step.total]) / 4
top = np.exp(np.where(seen, 2 * np.tanh(scores / 2), -np.inf))
for kind, want in ((1, np.where(seen, 2 * np.tanh(scores / 2), 0)), (2, top / top.sum(-1, keepdims=True))):
    gqa(f"scores_{kind}", step, {**step.want(softcap=2.0), "qk": want}, softcap=2.0, qk_output=kind)
halves = Step([8, 5], 1, capacity=9)
halves.qkv, halves.buffers = ([x.astype(np.float16) for x in y] for y in (halves.qkv, halves.buffers))
halves.feeds.update(zip(("q", "k", "v", "pk", "pv"), halves.qkv + halves.buffers))
gqa("half", halves, halves.want(), rtol=1e-2, atol=1e-2)
full = [Step([8, 5], 1, capacity=12), Step([3, 7, 7], 1), Step([7], 5, capacity=7), Step([4, 4], 4, capacity=9)]
outs = [{n: a.astype(f32) for n, a in s.want().items()} for s in full]
cache = ["b", 2, "p", 16]
gqa("dynamic",
    full[0],
    outs[0],
    sets=[(s.feeds, o) for s, o in zip(full[1:], outs[1:])],
    shapes={
        "q": ["b", "s", 64],
        "k": ["b", "s", 32],
        "v": ["b", "s", 32],
        "pk": cache,
        "pv": cache,
        "lengths": ["b"],
        "y": ["b", "s", 64],
        "ok": ["b", 2, "t", 16],
        "ov": ["b", 2, "t", 16]
    })

# RotaryEmbedding. -----------------------------------------------------------------
for what, heads, half, size, interleaved in (("plain", 3, 8, 16, 0), ("pairs", 3, 8, 16, 1), ("part", 2, 3, 16, 0),
                                             ("part_pairs", 2, 3, 16, 1), ("one", 1, 1, 2, 0)):
    x, table, ids = draw(2, heads, 5, size), caches(12, half), rng.integers(0, 12, (2, 5))
    kw = {"num_heads": heads, "rotary_embedding_dim": 2 * half} if 2 * half < size else {}
    for form, value in (("4d", x), ("3d", merge(x))):
        for where, given in (("ids", ids), ("offset", np.array([6]))):
            positions = given if where == "ids" else np.tile(6 + np.arange(5), (2, 1))
            want = rotary(x, table["cos"], table["sin"], positions, interleaved)
            want = want if form == "4d" else merge(want)
            op = node("RotaryEmbedding", ["x", "i", "c", "s"], ["y"], domain=MS, interleaved=interleaved, **kw)
            case(f"rotary_{what}_{form}_{where}", [op], {
                "x": value,
                "i": given
            }, {"y": want.astype(f32)},
                 constants={
                     "c": table["cos"],
                     "s": table["sin"]
                 })
main()
