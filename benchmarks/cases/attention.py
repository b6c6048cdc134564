"""Attention alone: dense, causal, windows, neighbourhoods, documents, biases, grouped heads, decode.

Each in the forms in which models have it: as exporters decompose it (a1), as the operator Attention of opset 23
(a1.op), and as GroupQueryAttention, the operator that ONNX Runtime optimizes most (a4.gqa).  Masks are constants of the
graph.  Work counts the pairs of query and key that the mask lets through.
"""

import functools
from dataclasses import dataclass

import numpy as np
from onnx import helper

from . import Case, masks
from .graph import Graph, draw


@dataclass(frozen=True)
class Shape:
    what: str
    batch: int
    heads: int
    kv_heads: int
    queries: int
    keys: int
    size: int
    mask: object = None  # () -> bool array [queries, keys], True where a key is seen
    causal: bool = False  # the mask is the causal one, which operators have a word for
    window: int = 0  # with causal: so many keys back
    bias: tuple = ()  # shape of a bias given at run time
    softcap: float = 0.0
    row: bool = False  # also returns the probabilities of the first query, averaged over heads
    threads: tuple = (2, )


SHAPES = {
    "a1": Shape("ViT-B", 1, 12, 12, 197, 197, 64, threads=(1, 2)),
    "a1b": Shape("ViT-B, batch 8", 8, 12, 12, 197, 197, 64),
    "a2": Shape("1024 tokens", 1, 8, 8, 1024, 1024, 64, threads=(1, 2)),
    "a3": Shape("4096 tokens", 1, 8, 8, 4096, 4096, 64, threads=(1, 2)),
    "a4": Shape("causal", 1, 8, 8, 4096, 4096, 64, masks.causal(4096), causal=True),
    "a5": Shape("causal window of 256", 1, 8, 8, 4096, 4096, 64, masks.causal(4096, 256), causal=True, window=256),
    "a6": Shape("neighbourhood 7 x 7 of 56 x 56", 1, 4, 4, 3136, 3136, 32, masks.neighbourhood(56, 7)),
    "a7": Shape("Swin windows of 7 x 7, with bias", 64, 3, 3, 49, 49, 32, bias=(1, 3, 49, 49)),
    "a8": Shape("causal, grouped heads", 1, 32, 8, 1024, 1024, 128, masks.causal(1024), causal=True, threads=(1, 2)),
    "a9": Shape("decode, grouped heads", 1, 32, 8, 1, 4096, 128, threads=(1, 2)),
    "a10": Shape("23 packed documents", 1, 8, 8, 4096, 4096, 64, masks.documents(4096, 23)),
    "a11": Shape("cross", 1, 8, 8, 300, 4096, 32),
    "a12": Shape("bias at run time", 1, 8, 8, 1024, 1024, 64, bias=(1, 8, 1024, 1024)),
    "a13": Shape("causal, soft cap", 1, 8, 8, 1024, 1024, 64, masks.causal(1024), causal=True, softcap=30.0),
    "a14": Shape("prefix of 1024, then causal", 1, 8, 8, 4096, 4096, 64, masks.prefix(4096, 1024)),
    "a15": Shape("ViT-B with the class row read out", 1, 12, 12, 197, 197, 64, row=True),
}


def inputs_of(s, dtype):
    shapes = {"q": (s.batch, s.heads, s.queries, s.size), "k": (s.batch, s.kv_heads, s.keys, s.size)}
    shapes["v"] = shapes["k"]
    if s.bias:
        shapes["bias"] = s.bias
    return draw(dtype, **shapes)


def expected(s, inputs):
    """In float64, head by head, of the inputs as they are after rounding. Returns ([b, h, q, d], row or None)."""
    y, rows = np.empty((s.batch, s.heads, s.queries, s.size)), np.zeros((s.batch, s.keys))
    mask = s.mask() if s.mask else None
    q, k, v = (inputs[n].astype(np.float64) for n in "qkv")
    bias = np.broadcast_to(inputs["bias"].astype(np.float64), (s.batch, s.heads, s.queries, s.keys)) if s.bias else None
    for b in range(s.batch):
        for h in range(s.heads):
            g = h * s.kv_heads // s.heads
            scores = q[b, h] @ k[b, g].T / np.sqrt(s.size)
            if s.softcap:
                scores = s.softcap * np.tanh(scores / s.softcap)
            if bias is not None:
                scores += bias[b, h]
            if mask is not None:
                scores[~mask] = -np.inf
            p = np.exp(scores - scores.max(-1, keepdims=True))
            p /= p.sum(-1, keepdims=True)
            y[b, h] = p @ v[b, g]
            rows[b] += p[0] / s.heads
    return y, rows if s.row else None


def facts_of(s, inputs, outputs, **more):
    pairs = int(s.mask().sum()) if s.mask else s.queries * s.keys
    count = lambda n: 4 * s.batch * s.heads * s.size * n
    return {
        "flop": count(pairs),
        "dense_flop": count(s.queries * s.keys),
        "inputs": sum(a.nbytes for a in inputs.values()),
        "outputs": sum(np.asarray(a).size for a in outputs.values()) * inputs["q"].itemsize,
        "weight_bytes": 0,
        **more
    }


def decomposed(s, dtype, folder):
    """As exporters write it: the scale on both sides, heads repeated by Expand, the mask by Where."""
    g, inputs = Graph(dtype), inputs_of(s, dtype)
    names = {"k": "k", "v": "v"}
    if s.kv_heads != s.heads:
        shape = g.ints(s.batch, s.kv_heads, s.heads // s.kv_heads, s.keys, s.size)
        for n in names:
            wide = g.op("Expand", g.op("Unsqueeze", n, g.ints(2)), shape)
            names[n] = g.op("Reshape", wide, g.ints(s.batch, s.heads, s.keys, s.size))
    scale = g.constant(s.size**-0.25)
    keys = g.op("Mul", g.op("Transpose", names["k"], perm=[0, 1, 3, 2]), scale)
    scores = g.op("MatMul", g.op("Mul", "q", scale), keys)
    if s.softcap:
        cap = g.constant(s.softcap)
        scores = g.op("Mul", g.op("Tanh", g.op("Div", scores, cap)), cap)
    if s.bias:
        scores = g.op("Add", scores, "bias")
    if s.mask:
        scores = g.op("Where", g.constant(s.mask()[None, None], np.bool_), scores, g.constant(-np.inf))
    p = g.op("Softmax", scores, axis=-1)
    g.op("MatMul", p, names["v"], out="y")
    y, row = expected(s, inputs)
    outputs = {"y": y}
    if s.row:
        first = g.op("Gather", p, g.constant(0, np.int64), axis=2)
        g.op("ReduceMean", first, g.ints(1), keepdims=0, out="row")
        outputs["row"] = row
    g.save(folder, inputs, outputs, facts_of(s, inputs, outputs))


def operator(s, dtype, folder):
    """The operator Attention of opset 23."""
    g, inputs = Graph(dtype, opset=23), inputs_of(s, dtype)
    causal = s.causal and not s.window
    operands = ["q", "k", "v"]
    if s.bias:
        operands.append("bias")
    elif s.mask and not causal:
        operands.append(g.constant(s.mask()[None, None], np.bool_))
    g.op("Attention", *operands, out="y", is_causal=int(causal), softcap=s.softcap)
    outputs = {"y": expected(s, inputs)[0]}
    g.save(folder, inputs, outputs, facts_of(s, inputs, outputs))


def grouped(s, dtype, folder):
    """GroupQueryAttention of com.microsoft, whose cache is one buffer, given and returned."""
    g, inputs = Graph(dtype), inputs_of(s, dtype)
    g.domains["com.microsoft"] = 1
    y = expected(s, inputs)[0]
    flat = lambda a: np.ascontiguousarray(a.transpose(0, 2, 1, 3).reshape(s.batch, a.shape[2], -1))
    past = {n: np.zeros_like(inputs[x]) for n, x in (("past_key", "k"), ("past_value", "v"))}
    if s.queries < s.keys:
        for n, x in (("past_key", "k"), ("past_value", "v")):
            past[n][:, :, :-s.queries] = inputs[x][:, :, :-s.queries]
    given = {"q": flat(inputs["q"]), **{x: flat(inputs[x][:, :, -s.queries:]) for x in "kv"}, **past}
    length = [g.constant([s.keys - 1] * s.batch, np.int32), g.constant(s.keys, np.int32)]
    g.nodes.append(
        helper.make_node("GroupQueryAttention", ["q", "k", "v", "past_key", "past_value", *length],
                         ["y", "present_key", "present_value"], domain="com.microsoft", num_heads=s.heads,
                         kv_num_heads=s.kv_heads, local_window_size=s.window or -1, softcap=s.softcap))  # yapf: disable
    outputs = {"y": flat(y), "present_key": inputs["k"], "present_value": inputs["v"]}
    shared = {"present_key": "past_key", "present_value": "past_value"}
    g.save(folder, given, outputs, facts_of(s, inputs, {"y": y}, shared=shared))


def case(name, s, form, write, dtype="f32", **more):
    what = s.what + {".gqa": ", GroupQueryAttention", ".op": ", Attention"}.get(form, "")
    return Case(name + form + ("" if dtype == "f32" else "." + dtype),
                "attention",
                what,
                functools.partial(write, s, dtype),
                dtype=dtype,
                from_memory=s.queries == 1,
                sources=("graph.py", "attention.py", "masks.py"),
                **more)


def cases():
    for name, s in SHAPES.items():
        yield case(name, s, "", decomposed, threads=s.threads)
        if not s.row:
            yield case(name, s, ".op", operator)
        if name in ("a4", "a5", "a8", "a9", "a13"):
            yield case(name, s, ".gqa", grouped, peers=("onnxruntime", ))
    for name in ("a1", "a2", "a3", "a8", "a9"):
        yield case(name, SHAPES[name], "", decomposed, "bf16")
    yield case("tiny", Shape("for the test of the harness", 1, 2, 2, 5, 7, 8), "", decomposed)


CASES = list(cases())
