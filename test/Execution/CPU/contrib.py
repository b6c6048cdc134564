# RUN: %python %s
"""Activations, normalisations, embeddings and fused products of ONNX Runtime."""

import numpy as np

from Execution.harness import case, main, node
from oracles.basic import conv2d, f64, gelu, layer_norm, rms_norm, sigmoid

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
op("gelu_dynamic",
   "BiasGelu", {
       "x": x,
       "b": b
   }, {"y": gelu(f64(x) + b)},
   shapes={
       "x": ["n", "s", 18],
       "y": ["n", "s", 18]
   })
skip = draw(3, 5, 18)
op("bias_add", "BiasAdd", {"x": x, "b": b, "s": skip}, {"y": f64(x) + b + skip})
left, right = np.split(f64(x) + b, 2, axis=-1)
op("bias_split_gelu", "BiasSplitGelu", {"x": x, "b": b}, {"y": left * gelu(right)})

g, beta, bias = draw(18), draw(18), draw(18)
for what, other in (("", skip), ("_one_batch", skip[:1]), ("_no_batch", skip[0])):
    total = f64(x) + other
    op("skip_layer_norm" + what,
       "SkipLayerNormalization", {
           "x": x,
           "s": other,
           "g": g,
           "b": beta
       }, {
           "y": layer_norm(total, g, beta, epsilon=1e-5),
           "mean": total.mean(-1, keepdims=True),
           "inv": 1 / np.sqrt(total.var(-1, keepdims=True) + 1e-5),
           "sum": total
       },
       epsilon=1e-5,
       rtol=1e-3,
       atol=1e-4)
total = f64(x) + skip + bias
op("skip_layer_norm_bias",
   "SkipLayerNormalization", {
       "x": x,
       "s": skip,
       "g": g,
       "bias": bias
   }, {"y": layer_norm(total, g, epsilon=1e-12)}, ["x", "s", "g", "", "bias"],
   rtol=1e-3,
   atol=1e-4)
op("skip_rms_norm",
   "SkipSimplifiedLayerNormalization", {
       "x": x,
       "s": skip,
       "g": g,
       "bias": bias
   }, {"y": rms_norm(total, g, epsilon=1e-6)},
   epsilon=1e-6,
   rtol=1e-3,
   atol=1e-4)
flat = x.reshape(15, 18)
op("skip_rms_norm_tokens",
   "SkipSimplifiedLayerNormalization", {
       "x": flat,
       "s": flat,
       "g": g
   }, {"y": rms_norm(2 * f64(flat), g, epsilon=1e-12)},
   rtol=1e-3,
   atol=1e-4)
h, hg = (a.astype(np.float16) for a in (x, g))
op("skip_layer_norm_half",
   "SkipLayerNormalization", {
       "x": h,
       "s": h,
       "g": hg
   }, {"y": layer_norm(2 * f64(h), hg, epsilon=1e-12)},
   rtol=4e-3,
   atol=4e-3)
op("simplified", "SimplifiedLayerNormalization", {"x": x, "g": g}, {"y": rms_norm(x, g)}, axis=-1)
wide = draw(5, 18)
op("simplified_axis",
   "SimplifiedLayerNormalization", {
       "x": x,
       "g": wide
   }, {"y": rms_norm(x, wide, axis=1, epsilon=1e-3)},
   axis=1,
   epsilon=1e-3)

# Embeddings. --------------------------------------------------------------------
ids, kinds = rng.integers(0, 11, (2, 5)).astype(np.int32), rng.integers(0, 2, (2, 5)).astype(np.int32)
words, places, segments = draw(11, 18), draw(9, 18), draw(2, 18)
mask = np.array([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]], np.int32)
where = rng.integers(0, 9, (2, 5)).astype(np.int32)
EMBED = ["ids", "kinds", "words", "places", "segments", "g", "beta", "mask", "where"]


def embed(name, feeds, total, counts, **kw):
    full = {
        "words": words,
        "places": places,
        "g": g,
        "beta": beta,
        **({
            "segments": segments
        } if "kinds" in feeds else {})
    }
    names = [n if n in feeds or n in full else "" for n in EMBED]
    want = {"y": layer_norm(total, g, beta, epsilon=1e-6), "counts": counts.astype(np.int32), "sum": total}
    n = node("EmbedLayerNormalization",
             names[:8] if "where" not in feeds else names,
             list(want),
             domain=MS,
             epsilon=1e-6)
    case(name, [n],
         feeds, {
             k: v if k == "counts" else v.astype(f32)
             for k, v in want.items()
         },
         constants=full,
         rtol=1e-3,
         atol=1e-4,
         **kw)


embed("embed", {"ids": ids}, f64(words)[ids] + places[:5], np.zeros(2))
total = f64(words)[ids] + places[:5] + segments[kinds]
embed("embed_segments", {
    "ids": ids,
    "kinds": kinds,
    "mask": mask
},
      total,
      mask.sum(1),
      shapes={
          "ids": ["b", "s"],
          "kinds": ["b", "s"],
          "mask": ["b", "s"],
          "y": ["b", "s", 18],
          "counts": ["b"],
          "sum": ["b", "s", 18]
      })
for what, own in (("", where), ("_shared", where[:1])):
    embed("embed_positions" + what, {
        "ids": ids,
        "mask": mask,
        "where": own
    },
          f64(words)[ids] + places[own], mask.sum(1))

# Products. ------------------------------------------------------------------------
a, m = draw(2, 3, 4, 5), draw(2, 3, 5, 6)
swap = lambda t: np.ascontiguousarray(np.swapaxes(t, -1, -2))
late = lambda t: np.ascontiguousarray(np.moveaxis(t, 2, 0))
product = f64(a) @ f64(m)
for what, left, right, kw in (("", a, m, {}), ("_alpha", a, m, {
        "alpha": -0.3
}), ("_a", swap(a), m, {
        "transA": 1
}), ("_b", a, swap(m), {
        "transB": 1
}), ("_batch_a", late(a), m, {
        "transBatchA": 1
}), ("_all", late(swap(a)), late(swap(m)), {
        "transA": 1,
        "transB": 1,
        "transBatchA": 1,
        "transBatchB": 1
})):
    op("fused_matmul" + what,
       "FusedMatMul", {
           "a": left,
           "b": right
       }, {"y": kw.get("alpha", 1) * product},
       rtol=1e-3,
       atol=1e-4,
       **kw)
op("fused_matmul_vector",
   "FusedMatMul", {
       "a": a[0, 0, 0],
       "b": m[0, 0]
   }, {"y": f64(a[0, 0, 0]) @ f64(m[0, 0])},
   transA=1)
left, right, c = draw(4, 5), draw(6, 5), draw(6)
product = 0.5 * f64(left) @ f64(right).T + 2 * f64(c)
for activation, want, kw in (("Relu", np.maximum(product, 0), {}), ("Tanh", np.tanh(product), {}),
                             ("Sigmoid", sigmoid(product), {}), ("LeakyRelu",
                                                                 np.where(product < 0, 0.2 * product, product), {
                                                                     "activation_alpha": 0.2
                                                                 })):
    op("fused_gemm_" + activation.lower(),
       "FusedGemm", {
           "a": left,
           "b": right,
           "c": c
       }, {"y": want},
       transB=1,
       alpha=0.5,
       beta=2.0,
       activation=activation,
       **kw)
op("gemm_fast_gelu", "GemmFastGelu", {
    "a": left,
    "b": swap(right),
    "c": c
}, {"y": gelu(f64(left) @ f64(right).T + c, "tanh")})
image, kernel, rest = draw(2, 3, 7, 7), draw(4, 3, 3, 3), draw(2, 4, 5, 5)
product = conv2d(image, kernel, draw(4) * 0) + rest
for activation, want, kw in (("Relu", np.maximum(product, 0), {}), ("Clip", np.clip(product, -1, 2), {
        "activation_params": [-1.0, 2.0]
}), ("HardSigmoid", np.clip(0.25 * product + 0.4, 0, 1), {
        "activation_params": [0.25, 0.4]
})):
    op("fused_conv_" + activation.lower(),
       "FusedConv", {
           "x": image,
           "w": kernel,
           "z": rest
       }, {"y": want}, ["x", "w", "", "z"],
       activation=activation,
       rtol=1e-3,
       atol=1e-4,
       **kw)


def unpack(packed, bits, count):
    """Elements of `bits` bits, the lowest first, of each row of bytes."""
    rows = packed.reshape(packed.shape[0], -1, 1) >> np.arange(0, 8, bits)
    return (rows & (2**bits - 1)).reshape(packed.shape[0], -1)[:, :count].astype(np.float64)


for bits, k, n, block, zeros in ((4, 64, 7, 16, None), (4, 50, 5, 32, "packed"), (2, 33, 3, 16, "packed"),
                                 (8, 40, 6, 32, "packed"), (4, 20, 1, 32, None), (4, 48, 4, 16, "floats")):
    blocks = -(-k // block)
    packed = rng.integers(0, 256, (n, blocks, block * bits // 8)).astype(np.uint8)
    scales, inputs, point = (rng.random((n, blocks)) * 0.1).astype(f32), draw(3, k), np.full((n, blocks),
                                                                                             2.0**(bits - 1))
    constants = {"w": packed, "s": scales, "c": draw(n)}
    if zeros == "packed":
        constants["z"] = rng.integers(0, 256, (n, -(-blocks * bits // 8))).astype(np.uint8)
        point = unpack(constants["z"], bits, blocks)
    elif zeros:
        constants["z"] = (point + rng.random((n, blocks))).astype(f32)
        point = f64(constants["z"])
    weights = unpack(packed.reshape(n, -1), bits, blocks * block).reshape(n, blocks, block)
    weights = ((weights - point[..., None]) * f64(scales)[..., None]).reshape(n, -1)[:, :k]
    nbits = node("MatMulNBits", ["x", "w", "s", "z" if zeros else "", "", "c"], ["y"],
                 domain=MS,
                 K=k,
                 N=n,
                 bits=bits,
                 block_size=block)
    case(f"matmul_{bits}_bits_{k}_{zeros}", [nbits], {"x": inputs},
         {"y": (f64(inputs) @ weights.T + constants["c"]).astype(f32)},
         constants=constants,
         rtol=1e-3,
         atol=1e-3)
main()
