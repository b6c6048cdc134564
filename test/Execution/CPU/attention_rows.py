# RUN: %python %s
"""Attention whose probabilities are a result, are changed before they meet the values, or both; sizes that leave
remainders everywhere, masks, rows without a visible key, and more keys than one tile has."""

import ml_dtypes
import numpy as np

from Execution.harness import case, main, node

rng = np.random.default_rng(5)
f32, f64 = np.float32, np.float64
inf = np.inf


def draw(*shape):
    return rng.standard_normal(shape).astype(f32)


def probabilities(q, k, bias=0.0):
    """Softmax over the keys in float64; NaN where a row sees nothing, as ONNX's Softmax gives."""
    s = f64(q) @ np.swapaxes(f64(k), -1, -2) * q.shape[-1]**-0.5 + f64(bias)
    with np.errstate(invalid="ignore"):
        p = np.exp(s - s.max(-1, keepdims=True))
        return p / p.sum(-1, keepdims=True)


def run(name, m, n, d, e, bias=None, gate=None, used=True, dtype=f32, tolerance=(1e-4, 1e-5)):
    """Attention with an additive bias, a factor on the probabilities and their mean over the heads as a second result."""
    q, k, v = (t.astype(dtype) for t in (draw(2, 3, m, d), draw(2, 3, n, d), draw(2, 3, n, e)))
    nodes = [node("Transpose", ["k"], ["kt"], perm=[0, 1, 3, 2]), ("MatMul", ["q", "kt"], ["s"]),
             ("Mul", ["s", "c"], ["t"])]  # yapf: disable
    feeds, constants, scaled, weights = {"q": q, "k": k, "v": v}, {"c": np.array(d**-0.5, dtype)}, "t", "p"
    p = probabilities(q, k, 0.0 if bias is None else bias)
    if bias is not None:
        nodes.append(("Add", ["t", "bias"], ["u"]))
        feeds["bias"], scaled = bias.astype(dtype), "u"
    nodes.append(node("Softmax", [scaled], ["p"], axis=-1))
    if gate is not None:
        nodes.append(("Mul", ["p", "gate"], ["g"]))
        feeds["gate"], weights = gate.astype(dtype), "g"
        p = p * f64(feeds["gate"])
    nodes.append(("MatMul", [weights, "v"], ["y"]))
    results = {"y": (p @ f64(v)).astype(dtype)}
    if used:
        nodes.append(("Identity", [weights], ["w"]))
        results["w"] = p.astype(dtype)
    case(name, nodes, feeds, results, constants=constants, rtol=tolerance[0], atol=tolerance[1])


run("plain", 49, 50, 16, 24)
run("one_tile", 32, 128, 8, 8)
run("overlap", 33, 7, 5, 3)
run("long", 17, 1030, 24, 9)
run("longer_than_half_the_scratch", 20, 4500, 8, 8)
run("too_long_for_rows", 18, 8200, 4, 4)
run("few_rows", 5, 40, 8, 8)
run("one_key", 16, 1, 8, 8)
run("bias", 49, 50, 16, 24, bias=draw(1, 3, 49, 50))
run("gate", 49, 50, 16, 24, gate=draw(2, 1, 49, 50), used=False)
run("gate_per_key", 40, 37, 16, 24, gate=draw(2, 3, 1, 37))
run("gate_per_row", 40, 37, 16, 24, gate=draw(2, 3, 40, 1))
run("bias_and_gate", 70, 200, 16, 24, bias=draw(1, 3, 70, 200), gate=draw(2, 3, 70, 200))
causal = np.where(np.tril(np.ones((49, 50), bool)), 0, -inf).astype(f32)[None, None]
run("causal", 49, 50, 16, 24, bias=causal)
run("empty_rows", 49, 50, 16, 24, bias=np.where(np.arange(49)[:, None] % 7 == 3, -inf, causal))
run("f16", 33, 40, 16, 24, gate=draw(2, 3, 33, 40), dtype=np.float16, tolerance=(4e-3, 4e-3))
run("bf16", 33, 40, 16, 24, gate=draw(2, 3, 33, 40), dtype=ml_dtypes.bfloat16, tolerance=(3e-2, 3e-2))
run("f64", 33, 40, 16, 24, gate=draw(2, 3, 33, 40), dtype=f64, tolerance=(1e-12, 1e-12))
run("huge_logits", 33, 40, 16, 24, bias=f32(1e30) * draw(1, 3, 33, 40))

# What one row attends to, as models that rank their tokens read it: alone, and of a bias that varies over rows.
for name, row in (("class_row", 0), ("other_row", 11)):
    q, k, v, bias = draw(2, 3, 49, 16), draw(2, 3, 50, 16), draw(2, 3, 50, 24), draw(1, 3, 49, 50)
    p = probabilities(q, k, bias)
    case(name, [
        node("Transpose", ["k"], ["kt"], perm=[0, 1, 3, 2]), ("MatMul", ["q", "kt"], ["s"]), ("Mul", ["s", "c"], ["t"]),
        ("Add", ["t", "bias"], ["u"]),
        node("Softmax", ["u"], ["p"], axis=-1), ("MatMul", ["p", "v"], ["y"]),
        node("Gather", ["p", "row"], ["r"], axis=2), ("Slice", ["r", "one", "end", "two"], ["w"])
    ], {
        "q": q,
        "k": k,
        "v": v,
        "bias": bias
    }, {
        "y": (p @ v).astype(f32),
        "w": p[:, :, row, 1:].astype(f32)
    },
         constants={
             "c": np.array(0.25, f32),
             "row": np.array(row, np.int64),
             "one": np.array([1], np.int64),
             "end": np.array([50], np.int64),
             "two": np.array([2], np.int64)
         },
         rtol=1e-4,
         atol=1e-5)
main()
