"""Products of matrices at the sizes of the models, with a constant right side as the layers of models have it."""

import functools

import numpy as np

from . import Case
from .graph import Graph, draw, numpy_type

# name: (what, rows, depth, columns, what follows, threads)
SIZES = {
    "m_qkv": ("ViT-B's QKV", 197, 768, 2304, "", (1, 2)),
    "m_proj": ("ViT-B's projection, with bias and residual", 197, 768, 768, "residual", (1, 2)),
    "m_fc1": ("ViT-B's first of the MLP, with bias and GELU", 197, 768, 3072, "gelu", (1, 2)),
    "m_fc2": ("ViT-B's second of the MLP, with bias and residual", 197, 3072, 768, "residual", (1, 2)),
    "m_fc1_b8": ("the same, batch 8", 1576, 768, 3072, "gelu", (2, )),
    "m_deit": ("DeiT-S's first of the MLP", 197, 384, 1536, "gelu", (2, )),
    "m_gpt2": ("GPT-2's first of the MLP, 1024 tokens", 1024, 768, 3072, "", (1, 2)),
    "m_llama": ("Llama's gate, 128 tokens", 128, 2048, 5632, "", (2, )),
    "m_square": ("1024 in all directions", 1024, 1024, 1024, "", (1, 2)),
    "m_decode": ("GPT-2's first of the MLP, one token", 1, 768, 3072, "", (1, 2)),
    "m_head": ("GPT-2's vocabulary, one token", 1, 768, 50257, "", (2, )),
}


def write(rows, depth, columns, then, dtype, folder):
    g = Graph(dtype)
    inputs = draw(dtype, x=(rows, depth))
    rng = np.random.default_rng(1)
    w = (rng.standard_normal((depth, columns), dtype=np.float32) * depth**-0.5).astype(numpy_type(dtype))
    y = inputs["x"].astype(np.float64) @ w.astype(np.float64)
    out = g.op("MatMul", "x", g.constant(w))
    if then:
        bias = rng.standard_normal(columns, dtype=np.float32).astype(numpy_type(dtype))
        out, y = g.op("Add", out, g.constant(bias)), y + bias.astype(np.float64)
    if then == "gelu":
        from math import erf
        out, y = g.op("Gelu", out), 0.5 * y * (1 + np.vectorize(erf)(y * 0.5**0.5))
    if then == "residual":
        inputs["r"] = rng.standard_normal((rows, columns), dtype=np.float32).astype(numpy_type(dtype))
        out, y = g.op("Add", out, "r"), y + inputs["r"].astype(np.float64)
    g.nodes[-1].output[0] = "y"
    size = np.dtype(numpy_type(dtype)).itemsize
    facts = {"flop": 2 * rows * depth * columns, "dense_flop": 2 * rows * depth * columns, "weight_bytes": w.nbytes,
             "inputs": sum(a.nbytes for a in inputs.values()), "outputs": rows * columns * size}  # yapf: disable
    g.save(folder, inputs, {"y": y}, facts)


def case(name, dtype="f32"):
    what, rows, depth, columns, then, threads = SIZES[name]
    return Case(name + ("" if dtype == "f32" else "." + dtype),
                "matmul",
                f"{rows} x {depth} x {columns}: {what}",
                functools.partial(write, rows, depth, columns, then, dtype),
                dtype=dtype,
                threads=threads,
                from_memory=rows == 1,
                sources=("graph.py", "matmul.py"))


CASES = [case(name) for name in SIZES] + [case(name, "bf16") for name in ("m_fc1", "m_gpt2", "m_square", "m_decode")]
