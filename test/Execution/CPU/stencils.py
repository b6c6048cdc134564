# RUN: %python %s
"""Convolutions and pooling of any rank, at sizes that leave remainders of every kind."""

import itertools

import numpy as np

from Execution.harness import case, main, node

rng = np.random.default_rng(41)
f32 = np.float32


def draw(*shape, dtype=f32):
    return rng.standard_normal(shape).astype(dtype)


def taps(x, kernel, strides, pads, dilations, fill, ceil=False):
    """Yields (tap, what all windows have there), with the borders as `fill`."""
    d = len(kernel)
    out, high = [], []
    for i in range(d):
        reach = (kernel[i] - 1) * dilations[i] + 1
        room = x.shape[2 + i] + pads[i] + pads[d + i] - reach
        count = (-(-room // strides[i]) if ceil else room // strides[i]) + 1
        if ceil and (count - 1) * strides[i] >= x.shape[2 + i] + pads[i]:
            count -= 1
        out.append(count)
        high.append(max(pads[d + i], (count - 1) * strides[i] + reach - x.shape[2 + i] - pads[i]))
    padded = np.pad(x, [(0, 0), (0, 0)] + list(zip(pads[:d], high)), constant_values=fill)
    for tap in np.ndindex(*kernel):
        begin = [t * e for t, e in zip(tap, dilations)]
        yield tap, padded[(slice(None), slice(None)) + tuple(
            slice(b, b + (n - 1) * s + 1, s) for b, n, s in zip(begin, out, strides))]


def convolve(x, w, b, strides, pads, dilations, group):
    m, per_group = w.shape[:2]
    y = 0
    for tap, part in taps(x.astype(np.float64), w.shape[2:], strides, pads, dilations, 0):
        split = part.reshape(part.shape[0], group, per_group, *part.shape[2:])
        weights = w[(slice(None), slice(None)) + tap].reshape(group, m // group, per_group).astype(np.float64)
        y = y + np.einsum("ngc...,gmc->ngm...", split, weights)
    y = y.reshape(y.shape[0], m, *y.shape[3:])
    return y if b is None else y + b.astype(np.float64).reshape(-1, *[1] * (y.ndim - 2))


def conv(name, x, w, bias=True, strides=None, pads=None, dilations=None, group=1, act=None, **tolerance):
    d = w.ndim - 2
    strides, pads, dilations = strides or (1,) * d, pads or (0,) * 2 * d, dilations or (1,) * d
    b = draw(w.shape[0], dtype=w.dtype) if bias else None
    y = convolve(x, w, b, strides, pads, dilations, group)
    nodes = [
        node("Conv", ["x", "w"] + ["b"] * bias, ["c" if act else "y"],
             strides=strides, pads=pads, dilations=dilations, group=group)
    ]
    if act == "Relu":
        nodes, y = nodes + [node("Relu", ["c"], ["y"])], np.maximum(y, 0)
    elif act == "Add":
        nodes, y = nodes + [node("Add", ["c", "c"], ["y"])], y + y
    case(name, nodes, {"x": x}, {"y": y.astype(x.dtype)}, constants={"w": w, **({"b": b} if bias else {})},
         **{"rtol": 1e-4, "atol": 1e-4, **tolerance})


# Depthwise: every width around vectors, every way to pad.
for width, kernel in ((4, 3), (7, 7), (14, 5), (17, 3), (33, 3), (56, 3)):
    pad = kernel // 2
    conv(f"depthwise_{width}_{kernel}", draw(2, 3, width - 1, width), draw(3, 1, kernel, kernel), pads=(pad,) * 4,
         group=3, act="Relu")
conv("depthwise_valid", draw(1, 5, 9, 21), draw(5, 1, 2, 3), group=5, bias=False)
conv("depthwise_lopsided", draw(1, 2, 13, 19), draw(2, 1, 3, 4), pads=(2, 0, 0, 3), group=2)
conv("depthwise_far_pads", draw(1, 2, 4, 5), draw(2, 1, 3, 3), pads=(5, 4, 3, 6), group=2)
conv("depthwise_strided", draw(2, 4, 15, 37), draw(4, 1, 3, 3), strides=(2, 2), pads=(1, 1, 1, 1), group=4)
conv("depthwise_stride_3", draw(1, 2, 20, 50), draw(2, 1, 5, 5), strides=(1, 3), pads=(2, 2, 2, 2), group=2, act="Add")
conv("depthwise_dilated", draw(1, 3, 18, 30), draw(3, 1, 3, 3), dilations=(3, 2), pads=(3, 2, 3, 2), group=3)
conv("depthwise_twice_as_many", draw(1, 3, 8, 24), draw(6, 1, 3, 3), pads=(1, 1, 1, 1), group=3)
conv("depthwise_pointwise", draw(1, 3, 8, 24), draw(3, 1, 1, 1), group=3)
# Planes too large for the scratch of a tile are padded in blocks of rows.
conv("depthwise_large", draw(1, 2, 150, 170), draw(2, 1, 5, 5), pads=(2, 2, 2, 2), group=2, act="Relu")
conv("depthwise_large_strided", draw(1, 1, 301, 130), draw(1, 1, 3, 3), strides=(2, 2), pads=(1, 0, 1, 2), group=1)
conv("depthwise_wide", draw(1, 2, 3, 9000), draw(2, 1, 3, 3), pads=(1, 1, 1, 1), group=2)
conv("depthwise_1d", draw(2, 3, 45), draw(3, 1, 4), pads=(3, 0), group=3)
conv("depthwise_3d", draw(1, 2, 5, 6, 18), draw(2, 1, 3, 3, 3), pads=(1, 1, 1, 1, 1, 1), group=2, act="Relu")
conv("depthwise_3d_large", draw(1, 2, 9, 40, 50), draw(2, 1, 3, 3, 3), pads=(1, 1, 1, 1, 1, 1), group=2)
for dtype, rtol in ((np.float16, 5e-3), (np.float64, 1e-10)):
    conv(f"depthwise_{dtype.__name__}", draw(1, 3, 9, 20, dtype=dtype), draw(3, 1, 3, 3, dtype=dtype),
         pads=(1, 1, 1, 1), group=3, rtol=rtol, atol=rtol)

# Groups and dense ones.
conv("grouped", draw(1, 12, 11, 23), draw(12, 3, 3, 3), pads=(1, 1, 1, 1), group=4, act="Relu")
conv("grouped_two", draw(2, 4, 9, 16), draw(6, 2, 3, 3), pads=(0, 1, 1, 0), group=2, strides=(2, 1))
conv("dense", draw(1, 5, 13, 29), draw(18, 5, 3, 3), pads=(1, 1, 1, 1), act="Relu")
conv("dense_seven", draw(1, 70, 7, 7), draw(33, 70, 3, 3), pads=(1, 1, 1, 1), rtol=1e-3, atol=1e-3)
conv("dense_stem", draw(1, 3, 45, 63), draw(16, 3, 7, 7), strides=(2, 2), pads=(3, 3, 3, 3))
conv("dense_large", draw(1, 3, 160, 140), draw(8, 3, 3, 3), pads=(1, 1, 1, 1))
conv("dense_few", draw(1, 6, 20, 31), draw(2, 6, 3, 3), pads=(1, 1, 1, 1))
conv("dense_1d", draw(2, 6, 40), draw(9, 6, 5), pads=(2, 2), strides=(2,))
conv("dense_3d", draw(1, 3, 4, 9, 10), draw(5, 3, 2, 3, 3), pads=(0, 1, 1, 1, 1, 1), strides=(1, 2, 1))

# Lanes of output channels: deep ones are added up in blocks.
conv("channels_deep", draw(1, 130, 9, 10), draw(40, 130, 3, 3), pads=(1, 1, 1, 1), rtol=1e-3, atol=1e-3, act="Relu")
conv("channels_strided", draw(2, 7, 30, 29), draw(48, 7, 3, 3), pads=(0, 1, 1, 0), strides=(2, 3), dilations=(2, 1))
conv("channels_odd", draw(1, 4, 6, 31), draw(37, 4, 5, 2), act="Add")
conv("channels_one_column", draw(1, 5, 12, 3), draw(20, 5, 3, 3), bias=False)
conv("channels_1d", draw(2, 6, 40), draw(19, 6, 5), pads=(2, 2), strides=(2,))
conv("channels_3d", draw(1, 3, 5, 9, 10), draw(32, 3, 2, 3, 3), pads=(0, 1, 1, 1, 1, 1), strides=(1, 2, 1))
conv("channels_float16", draw(1, 8, 9, 20, dtype=np.float16), draw(24, 8, 3, 3, dtype=np.float16), pads=(1, 1, 1, 1),
     rtol=1e-2, atol=3e-2)


def pool(name, op, x, kernel, strides=None, pads=None, dilations=None, **attributes):
    d = len(kernel)
    strides, pads, dilations = strides or (1,) * d, pads or (0,) * 2 * d, dilations or (1,) * d
    ceil = bool(attributes.get("ceil_mode"))
    window = lambda v, fill: np.stack([p for _, p in taps(v, kernel, strides, pads, dilations, fill, ceil)])
    if op == "MaxPool":
        low = -np.inf if x.dtype.kind == "f" else np.iinfo(x.dtype).min
        y = window(x, low).max(0)
    else:
        wide = x.astype(np.float64)
        inside = np.pad(np.ones_like(wide), [(0, 0), (0, 0)] + list(zip(pads[:d], pads[d:])), constant_values=1) if attributes.get(
            "count_include_pad") else np.ones_like(wide)
        zero = (0,) * 2 * d
        counted = np.stack([
            p for _, p in taps(inside, kernel, strides, zero if attributes.get("count_include_pad") else pads,
                               dilations, 0, ceil)
        ])
        y = window(wide, 0).sum(0) / np.maximum(counted.sum(0), 1)
    case(name, [
        node(op, ["x"], ["y"], kernel_shape=kernel, strides=strides, pads=pads, dilations=dilations, **attributes)
    ], {"x": x}, {"y": y.astype(x.dtype)}, rtol=1e-5, atol=1e-5)


x = draw(2, 3, 19, 37)
pool("max", "MaxPool", x, (3, 3), (2, 2), (1, 1, 1, 1))
pool("max_ceil", "MaxPool", x, (3, 2), (2, 3), (0, 1, 1, 0), ceil_mode=1)
pool("max_dilated", "MaxPool", x, (2, 3), dilations=(2, 3))
pool("max_large", "MaxPool", draw(1, 2, 140, 150), (3, 3), (2, 2), (1, 1, 1, 1))
pool("max_1d", "MaxPool", draw(2, 3, 50), (4,), (3,), (1, 2))
pool("max_3d", "MaxPool", draw(1, 2, 6, 7, 20), (2, 2, 2), (2, 2, 2), ceil_mode=1)
pool("max_bytes", "MaxPool", rng.integers(0, 255, (1, 3, 12, 40), dtype=np.uint8), (3, 3), (1, 1), (1, 1, 1, 1))
odd = draw(1, 1, 8, 20)
odd[0, 0, 3, 4], odd[0, 0, 5, 17], odd[0, 0, 0, 0] = np.nan, np.inf, -np.inf
pool("max_not_a_number", "MaxPool", odd, (3, 3), (1, 1), (1, 1, 1, 1))
pool("average", "AveragePool", x, (2, 2), (2, 2))
for count, ceil in itertools.product((0, 1), (0, 1)):
    pool(f"average_{count}{ceil}", "AveragePool", x, (3, 3), (2, 2), (1, 1, 1, 1), count_include_pad=count,
         ceil_mode=ceil)
pool("average_3d", "AveragePool", draw(1, 2, 5, 8, 18), (2, 3, 3), (1, 2, 2), (0, 1, 1, 1, 1, 1))
main()
