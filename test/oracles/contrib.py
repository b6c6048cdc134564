"""Operators of ONNX Runtime (ContribOperators.md) in float64, by their descriptions."""

import numpy as np

from .basic import f64


def dense(q, k, v, scale=None, bias=0.0, visible=True, softcap=0.0, sink=None):
    """q: [B, N, S, H], k and v: [B, G, T, ..]; bias and visible broadcast to [B, N, S, T]; sink: one number a head."""
    q, k, v = f64(q), f64(k), f64(v)
    repeat = q.shape[1] // k.shape[1]
    k, v = np.repeat(k, repeat, axis=1), np.repeat(v, repeat, axis=1)
    s = np.einsum("bnsh,bnth->bnst", q, k) * (scale or q.shape[-1]**-0.5)
    if softcap:
        s = softcap * np.tanh(s / softcap)
    s = np.where(visible, s + f64(bias), -np.inf)
    top = s.max(axis=-1, keepdims=True, initial=-1e300)
    e = np.exp(s - top)
    total = e.sum(axis=-1, keepdims=True)
    if sink is not None:
        total = total + np.exp(f64(sink)[None, :, None, None] - top)
    return np.einsum("bnst,bnth->bnsh", e / np.where(total == 0, 1, total), v)


def split(x, heads):
    """[B, S, N * H] -> [B, N, S, H]."""
    return f64(x).reshape(x.shape[0], x.shape[1], heads, -1).transpose(0, 2, 1, 3)


def merge(x):
    return x.transpose(0, 2, 1, 3).reshape(x.shape[0], x.shape[2], -1)


def padding(mask, batch, rows, keys, past=0, hidden=-10000.0):
    """What a mask_index or key_padding_mask adds to the scores: [B, 1, S or 1, T]."""
    mask, j = np.asarray(mask), np.arange(keys)
    if mask.ndim == 1:
        ends, starts = mask[:batch], mask[batch:] if mask.size == 2 * batch else np.zeros(batch)
        seen = ((j < ends[:, None]) & (j >= starts[:, None]))[:, None, None]
    elif mask.ndim == 2:
        seen = (mask > 0)[:, None, None]
    elif mask.ndim == 3:
        seen = (mask > 0)[:, None]
    else:
        seen = mask[:, :, past:past + rows, :keys] > 0
    return np.where(seen, 0.0, hidden)


def causal(rows, keys, past=0, window=None):
    """Visible: up to the own position, behind `past` (one number, or one a batch) keys; [B or 1, 1, S, T]."""
    i = np.arange(rows)[None, None, :, None] + np.reshape(past, (-1, 1, 1, 1))
    j = np.arange(keys)
    return (j <= i) if window is None else (j <= i) & (j > i - window)


def rotary(x, cos, sin, positions, interleaved=False):
    """x: [B, N, S, H], cos and sin: [P, R], positions: [B, S]; the first 2 R elements of each head are turned."""
    x, c, s = f64(x).copy(), f64(cos)[positions][:, None], f64(sin)[positions][:, None]
    r = c.shape[-1]
    first, second = (slice(0, 2 * r, 2), slice(1, 2 * r, 2)) if interleaved else (slice(0, r), slice(r, 2 * r))
    a, b = x[..., first].copy(), x[..., second].copy()
    x[..., first], x[..., second] = a * c - b * s, a * s + b * c
    return x


def write(past, fresh, at, length):
    """A cache [B, N, length, H] with the new rows of batch b from at[b] on."""
    batch, heads, capacity, size = past.shape
    out = np.zeros((batch, heads, length, size))
    out[:, :, :capacity] = past
    for b in range(batch):
        out[b, :, at[b]:at[b] + fresh.shape[2]] = fresh[b]
    return out
