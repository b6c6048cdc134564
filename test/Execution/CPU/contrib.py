# RUN: %python %s
"""Activations and normalisations of ONNX Runtime."""

import numpy as np

from Execution.harness import case, main, node
from oracles.basic import f64, gelu, layer_norm, rms_norm, sigmoid

rng = np.random.default_rng(33)
f32 = np.float32
MS = "com.microsoft"


def draw(*shape):
    return (rng.standard_normal(shape) * 2).astype(f32)


def op(name, kind, feeds, outputs, inputs=None, rtol=1e-4, atol=1e-5, shapes=None, **attributes):
    n = node(kind, inputs or list(feeds), list(outputs), domain=MS, **attributes)
    dtype = next(iter(feeds.values())).dtype
    typed = {k: v.astype(f32 if k in ("mean", "inv") else dtype) for k, v in outputs.items()}
    case(name, [n], feeds, typed, rtol=rtol, atol=atol, shapes=shapes)


x, b = draw(3, 5, 18), draw(18)
special = np.array([[0, -0.0, np.inf, -30, 90, -90, np.nan, 1e-30]], f32)
for what, value in (("", x), ("_special", special), ("_one", draw(1)), ("_none", draw(0, 4))):
    op("gelu" + what, "Gelu", {"x": value}, {"y": gelu(value)})
    op("fast_gelu" + what, "FastGelu", {"x": value}, {"y": gelu(value, "tanh")})
    with np.errstate(all="ignore"):
        op("quick_gelu" + what, "QuickGelu", {"x": value}, {"y": f64(value) * sigmoid(1.702 * f64(value))})
op("quick_gelu_alpha", "QuickGelu", {"x": x}, {"y": f64(x) * sigmoid(0.5 * f64(x))}, alpha=0.5)
op("bias_gelu", "BiasGelu", {"x": x, "b": b}, {"y": gelu(f64(x) + b)})
op("fast_gelu_bias", "FastGelu", {"x": x, "b": b}, {"y": gelu(f64(x) + b, "tanh")})
half = x.astype(np.float16)
op("gelu_half", "Gelu", {"x": half}, {"y": gelu(half)}, rtol=2e-3, atol=1e-3)
op("gelu_dynamic", "BiasGelu", {"x": x, "b": b}, {"y": gelu(f64(x) + b)}, shapes={"x": ["n", "s", 18], "y": ["n", "s", 18]})
skip = draw(3, 5, 18)
op("bias_add", "BiasAdd", {"x": x, "b": b, "s": skip}, {"y": f64(x) + b + skip})
left, right = np.split(f64(x) + b, 2, axis=-1)
op("bias_split_gelu", "BiasSplitGelu", {"x": x, "b": b}, {"y": left * gelu(right)})

g, beta, bias = draw(18), draw(18), draw(18)
for what, other in (("", skip), ("_one_batch", skip[:1]), ("_no_batch", skip[0])):
    total = f64(x) + other
    op("skip_layer_norm" + what, "SkipLayerNormalization", {"x": x, "s": other, "g": g, "b": beta},
       {"y": layer_norm(total, g, beta, epsilon=1e-5), "mean": total.mean(-1, keepdims=True),
        "inv": 1 / np.sqrt(total.var(-1, keepdims=True) + 1e-5), "sum": total}, epsilon=1e-5, rtol=1e-3, atol=1e-4)
total = f64(x) + skip + bias
op("skip_layer_norm_bias", "SkipLayerNormalization", {"x": x, "s": skip, "g": g, "bias": bias},
   {"y": layer_norm(total, g, epsilon=1e-12)}, ["x", "s", "g", "", "bias"], rtol=1e-3, atol=1e-4)
op("skip_rms_norm", "SkipSimplifiedLayerNormalization", {"x": x, "s": skip, "g": g, "bias": bias},
   {"y": rms_norm(total, g, epsilon=1e-6)}, epsilon=1e-6, rtol=1e-3, atol=1e-4)
flat = x.reshape(15, 18)
op("skip_rms_norm_tokens", "SkipSimplifiedLayerNormalization", {"x": flat, "s": flat, "g": g},
   {"y": rms_norm(2 * f64(flat), g, epsilon=1e-12)}, rtol=1e-3, atol=1e-4)
h, hg = (a.astype(np.float16) for a in (x, g))
op("skip_layer_norm_half", "SkipLayerNormalization", {"x": h, "s": h, "g": hg}, {"y": layer_norm(2 * f64(h), hg, epsilon=1e-12)},
   rtol=4e-3, atol=4e-3)
op("simplified", "SimplifiedLayerNormalization", {"x": x, "g": g}, {"y": rms_norm(x, g)}, axis=-1)
wide = draw(5, 18)
op("simplified_axis", "SimplifiedLayerNormalization", {"x": x, "g": wide}, {"y": rms_norm(x, wide, axis=1, epsilon=1e-3)},
   axis=1, epsilon=1e-3)
main()
