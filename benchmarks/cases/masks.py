"""Masks as constants: each function returns one without arguments that gives a bool array, True where a key is seen."""

import numpy as np


def causal(length, window=0):
    """Keys up to the query's own, at most `window` of them."""

    def mask():
        i, j = np.ogrid[:length, :length]
        return (j <= i) & (j > i - (window or length))

    return mask


def prefix(length, size):
    """All see the first `size` keys; beyond, causal."""
    return lambda: causal(length)() | (np.arange(length) < size)


def neighbourhood(side, width):
    """In two dimensions, the `width` x `width` nearest positions, all of them within the square."""

    def mask():
        at = np.arange(side)
        start = np.clip(at - width // 2, 0, side - width)[:, None]
        near = (at >= start) & (at < start + width)
        return (near[:, None, :, None] & near[None, :, None, :]).reshape(side * side, side * side)

    return mask


def documents(length, count):
    """Each sees its own document; the documents are of different lengths."""

    def mask():
        cuts = np.sort(np.random.default_rng(0).choice(np.arange(1, length), count - 1, replace=False))
        which = np.searchsorted(cuts, np.arange(length), side="right")
        return which[:, None] == which[None, :]

    return mask
