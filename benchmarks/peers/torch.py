"""PyTorch: eager, compiled by inductor (torch-compile), and its FlexAttention (torch-flex, attention only)."""

import os

from . import Prepared, Unsupported, folder_mb, resident


def prepare(case, inputs, threads, _):
    import torch
    torch.set_num_threads(threads)
    torch.set_num_interop_threads(1)
    kind = case["peer"].partition("-")[2]
    if kind == "flex" and case["group"] != "attention":
        raise Unsupported("is for attention alone")
    make = {"attention": flex if kind == "flex" else attention, "matmul": matmul, "model": model}[case["group"]]
    function, arguments = make(torch, case, {n: tensor(torch, a) for n, a in inputs.items()})
    if kind == "compile":
        function = torch.compile(function)
    last = []

    def run():
        with torch.inference_mode():
            out = function(*arguments)
        last[:] = out if isinstance(out, (tuple, list)) else [out]

    loaded = resident()
    run()
    return Prepared(run, lambda: [t.float().numpy() for t in last], {"loaded_mb": loaded})


def tensor(torch, array):
    import numpy as np
    if array.dtype.name == "bfloat16":
        return torch.from_numpy(array.view(np.int16).copy()).view(torch.bfloat16)
    return torch.from_numpy(np.array(array))


def shape_of(case):
    from cases.attention import SHAPES
    if case["base"] not in SHAPES or "." in case["name"].removesuffix(".bf16"):
        raise Unsupported("is another form of the same work")
    s = SHAPES[case["base"]]
    if s.row:
        raise Unsupported("returns no probabilities")
    return s


def attention(torch, case, x):
    s = shape_of(case)
    if s.softcap:
        raise Unsupported("scaled_dot_product_attention has no soft cap")
    causal = s.causal and not s.window and s.queries == s.keys
    mask = x.get("bias")
    if s.mask and not causal:
        mask = torch.from_numpy(s.mask())
    call = lambda q, k, v: torch.nn.functional.scaled_dot_product_attention(
        q, k, v, attn_mask=mask, is_causal=causal, enable_gqa=s.heads != s.kv_heads)
    return call, [x["q"], x["k"], x["v"]]


def flex(torch, case, x):
    from torch.nn.attention.flex_attention import create_block_mask, flex_attention
    s, block, score = shape_of(case), None, None
    if s.mask:
        dense = torch.from_numpy(s.mask())
        block = create_block_mask(lambda b, h, i, j: dense[i, j], None, None, s.queries, s.keys, device="cpu")
    if s.softcap:
        score = lambda value, b, h, i, j: s.softcap * torch.tanh(value / s.softcap)
    if s.bias:
        bias = x["bias"].expand(s.batch, s.heads, s.queries, s.keys)
        score = lambda value, b, h, i, j: value + bias[b, h, i, j]
    compiled = torch.compile(flex_attention)
    call = lambda q, k, v: compiled(q, k, v, block_mask=block, score_mod=score, enable_gqa=s.heads != s.kv_heads)
    return call, [x["q"], x["k"], x["v"]]


def matmul(torch, case, x):
    """The layer, with the constants of the ONNX graph."""
    import onnx
    from onnx import numpy_helper
    graph = onnx.load(os.path.join(case["folder"], "model.onnx")).graph
    weights = [tensor(torch, numpy_helper.to_array(c)) for c in graph.initializer]
    weight = weights[0].T.contiguous()
    bias = weights[1] if len(weights) > 1 else None
    gelu = any(n.op_type == "Gelu" for n in graph.node)

    def call(x, *residual):
        y = torch.nn.functional.linear(x, weight, bias)
        y = torch.nn.functional.gelu(y) if gelu else y
        return y + residual[0] if residual else y

    return call, list(x.values())


def model(torch, case, x):
    from cases.export import build
    if case["base"] != case["name"]:
        raise Unsupported("is another form of the same work")
    module, inputs, _ = build(case["base"])
    return module, [x.get(n, t) for n, t in inputs.items()]


def shipped():
    import torch
    return folder_mb(os.path.join(os.path.dirname(torch.__file__), "lib"),
                     ["libtorch_cpu", "libtorch_python", "libgomp", "libc10.so"])
