"""Attention in float64, by its definition."""

import numpy as np

from .basic import f64


def attention(q, k, v, scale=None, bias=None, mask=None, causal=False, softcap=0.0, empty="zero"):
    """q: [..., H, M, D], k: [..., G, N, D], v: [..., G, N, E], H a multiple of G.

    bias is added to the scaled logits, mask (True where visible) hides keys after that.  empty says what a row without a
    visible key gives: "zero", or "nan" as a softmax over nothing but -inf does.
    """
    q, k, v = f64(q), f64(k), f64(v)
    h, g = q.shape[-3], k.shape[-3]
    if h != g:
        k, v = np.repeat(k, h // g, axis=-3), np.repeat(v, h // g, axis=-3)
    s = (q @ np.swapaxes(k, -1, -2)) * (q.shape[-1]**-0.5 if scale is None else scale)
    if softcap:
        s = softcap * np.tanh(s / softcap)
    if bias is not None:
        s = s + f64(bias)
    visible = np.ones(s.shape, bool) if mask is None else np.broadcast_to(mask, s.shape).copy()
    if causal:
        visible &= np.tril(np.ones(s.shape[-2:], bool))
    s = np.where(visible, s, -np.inf)
    with np.errstate(all="ignore"):
        top = s.max(axis=-1, keepdims=True, initial=-np.inf)
        e = np.exp(s - np.where(np.isneginf(top), 0, top))
        total = e.sum(axis=-1, keepdims=True)
        p = np.where(total == 0, 0.0 if empty == "zero" else np.nan, e / total)
    return p @ v
