"""Softmax, normalisations and activations in float64."""

import math

import numpy as np

erf = np.vectorize(math.erf, otypes=[np.float64])


def f64(x):
    return np.asarray(x).astype(np.float64)


def softmax(x, axis=-1):
    """As the ONNX definition: a row of -inf only, or with a NaN or +inf, gives NaN."""
    x = f64(x)
    if x.size == 0:
        return x
    with np.errstate(all="ignore"):
        e = np.exp(x - x.max(axis=axis, keepdims=True))
        return e / e.sum(axis=axis, keepdims=True)


def log_softmax(x, axis=-1):
    x = f64(x)
    with np.errstate(all="ignore"):
        s = x - x.max(axis=axis, keepdims=True)
        return s - np.log(np.exp(s).sum(axis=axis, keepdims=True))


def gelu(x, approximate="none"):
    x = f64(x)
    if approximate == "tanh":
        return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
    return 0.5 * x * (1 + erf(x / math.sqrt(2)))


def sigmoid(x):
    with np.errstate(over="ignore"):
        return 1 / (1 + np.exp(-f64(x)))


def layer_norm(x, scale, bias=None, axis=-1, epsilon=1e-5):
    x = f64(x)
    axes = tuple(range(axis % x.ndim, x.ndim))
    mean = x.mean(axis=axes, keepdims=True)
    y = (x - mean) / np.sqrt(((x - mean)**2).mean(axis=axes, keepdims=True) + epsilon) * f64(scale)
    return y if bias is None else y + f64(bias)


def rms_norm(x, scale, axis=-1, epsilon=1e-5):
    x = f64(x)
    axes = tuple(range(axis % x.ndim, x.ndim))
    return x / np.sqrt((x * x).mean(axis=axes, keepdims=True) + epsilon) * f64(scale)


def rotary(x, cos, sin):
    """x: [..., S, D], cos and sin: [S, D/2] (halves rotated, as transformers writes it)."""
    x, cos, sin = f64(x), f64(cos), f64(sin)
    a, b = np.split(x, 2, axis=-1)
    return np.concatenate([a * cos - b * sin, b * cos + a * sin], axis=-1)


def conv2d(x, w, b=None, strides=(1, 1), pads=(0, 0, 0, 0), dilations=(1, 1), group=1):
    """NCHW, by the definition."""
    x, w = f64(x), f64(w)
    x = np.pad(x, ((0, 0), (0, 0), (pads[0], pads[2]), (pads[1], pads[3])))
    n, c, h, wd = x.shape
    m, cg, kh, kw = w.shape
    oh = (h - dilations[0] * (kh - 1) - 1) // strides[0] + 1
    ow = (wd - dilations[1] * (kw - 1) - 1) // strides[1] + 1
    y = np.zeros((n, m, oh, ow))
    for g in range(group):
        ms, cs = slice(g * m // group, (g + 1) * m // group), slice(g * cg, (g + 1) * cg)
        for i in range(kh):
            for j in range(kw):
                i0, j0 = i * dilations[0], j * dilations[1]
                part = x[:, cs, i0:i0 + (oh - 1) * strides[0] + 1:strides[0],
                         j0:j0 + (ow - 1) * strides[1] + 1:strides[1]]
                y[:, ms] += np.einsum("nchw,mc->nmhw", part, w[ms, :, i, j])
    return y if b is None else y + f64(b)[None, :, None, None]
