# RUN: %python %s
"""Pooling, transposed convolution, resizing, sampling at coordinates, and the DFT."""

import numpy as np

from Execution.harness import case, main, node

rng = np.random.default_rng(23)
f32 = np.float32


def draw(*shape):
    return rng.standard_normal(shape).astype(f32)


def windows(x, k, s, pads, fill):
    """The k x k windows of a padded image as [n, c, oh, ow, k, k]."""
    padded = np.pad(x, ((0, 0), (0, 0), pads, pads), constant_values=fill)
    view = np.lib.stride_tricks.sliding_window_view(padded, (k, k), (2, 3))
    return view[:, :, ::s, ::s]


x = draw(2, 3, 9, 9)
case("max_pool", [node("MaxPool", ["x"], ["y"], kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])], {"x": x},
     {"y": windows(x, 3, 2, (1, 1), -np.inf).max((4, 5))})
case("max_pool_negative", [node("MaxPool", ["x"], ["y"], kernel_shape=[2, 2], pads=[1, 1, 1, 1])],
     {"x": -np.abs(x) - 5}, {"y": windows(-np.abs(x) - 5, 2, 1, (1, 1), -np.inf).max((4, 5))})
ones = np.ones_like(x)
total, covered = windows(x, 3, 2, (1, 1), 0).sum((4, 5)), windows(ones, 3, 2, (1, 1), 0).sum((4, 5))
pool = dict(kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
case("average_pool", [node("AveragePool", ["x"], ["y"], **pool)], {"x": x}, {"y": total / covered})
case("average_pool_pads_count", [node("AveragePool", ["x"], ["y"], count_include_pad=1, **pool)], {"x": x},
     {"y": total / 9})
case("global_pool", [("GlobalAveragePool", ["x"], ["a"]), ("GlobalMaxPool", ["x"], ["m"])], {"x": x}, {
    "a": x.mean((2, 3), keepdims=True),
    "m": x.max((2, 3), keepdims=True)
})


def transposed(x, w, s, pad, extra=0):
    n, c, h, _ = x.shape
    k = w.shape[2]
    size = s * (h - 1) + k
    full = np.zeros((n, w.shape[1], size + extra, size + extra))
    for i, j in np.ndindex(h, h):
        full[:, :, i * s:i * s + k, j * s:j * s + k] += np.einsum("nc,cmkl->nmkl", x[:, :, i, j], w)
    return full[:, :, pad:full.shape[2] - pad, pad:full.shape[3] - pad].astype(f32)


t = draw(2, 4, 5, 5)
for name, k, s, pad, extra in (("tiles", 2, 2, 0, 0), ("overlaps", 4, 2, 1, 0), ("gaps", 2, 3, 0, 1)):
    w, bias = draw(4, 3, k, k), draw(3)
    case("conv_transpose_" + name, [
        node("ConvTranspose", ["x", "w", "b"], ["y"], strides=[s, s], pads=[pad] * 4, output_padding=[extra, extra])
    ], {"x": t}, {"y": transposed(t, w, s, pad, extra) + bias[:, None, None]},
         constants={
             "w": w,
             "b": bias
         })


def lerp(x, positions):
    """Linear interpolation of the last axis at positions, edges repeated."""
    low = np.floor(positions).astype(int)
    at = lambda i: x[..., np.clip(i, 0, x.shape[-1] - 1)]
    share = positions - low
    return at(low) * (1 - share) + at(low + 1) * share


r = draw(1, 2, 4, 5)
for name, positions in (("half_pixel", (np.arange(9) + 0.5) * 5 / 9 - 0.5), ("align_corners", np.arange(9) * 4 / 8),
                        ("asymmetric", np.arange(9) * 5 / 9)):
    case("resize_linear_" + name,
         [node("Resize", ["x", "", "", "s"], ["y"], mode="linear", coordinate_transformation_mode=name)], {"x": r},
         {"y": lerp(r, positions).astype(f32)},
         constants={"s": np.array([1, 2, 4, 9])})
case("resize_nearest", [
    node("Resize", ["x", "", "s"], ["y"],
         mode="nearest",
         coordinate_transformation_mode="asymmetric",
         nearest_mode="floor")
], {"x": r}, {"y": r.repeat(2, 2).repeat(3, 3)},
     constants={"s": np.array([1, 1, 2, 3], f32)})
case("resize_dynamic", [node("Resize", ["x", "", "", "s"], ["y"], mode="linear")], {
    "x": r,
    "s": np.array([1, 2, 4, 9])
}, {"y": lerp(r, (np.arange(9) + 0.5) * 5 / 9 - 0.5).astype(f32)},
     shapes={
         "x": ["n", "c", "h", "w"],
         "y": ["n", "c", "p", "q"]
     })

for opset, op in ((9, "Upsample"), (10, "Resize")):
    case(f"upsample_{opset}", [node(op, ["x", "s"], ["y"], mode="linear")], {"x": r},
         {"y": lerp(r, np.minimum(np.arange(10) / 2, 4)).astype(f32)},
         constants={"s": np.array([1, 1, 1, 2], f32)},
         opset=opset)

# GridSample at the centres of the pixels and between two of them.
grid = np.array([[[[-0.8, -0.75], [0.8, 0.75]], [[0.0, 0.0], [5.0, 0.0]]]], f32)
mid = r[0, :, 1:3, 2].mean(1)
case("grid_sample", [node("GridSample", ["x", "g"], ["y"])], {
    "x": r,
    "g": grid
}, {"y": np.array([[[[c[0, 0], c[3, 4]], [m, 0]] for c, m in zip(r[0], mid)]], f32)})

# A window of one element, and an input that is larger than what its windows cover.
case("max_pool_corner", [node("MaxPool", ["x"], ["y"], kernel_shape=[1, 1], strides=[3, 2])], {"x": r[:, :1, :3, :2]},
     {"y": r[:, :1, :1, :1]})

# DFT.
signal = draw(3, 10, 1)
half = np.fft.rfft(signal[..., 0])
case("dft_one_sided", [node("DFT", ["x"], ["y"], onesided=1)], {"x": signal},
     {"y": np.stack([half.real, half.imag], -1).astype(f32)},
     atol=1e-4)
both = draw(3, 7, 2)
inverse = np.fft.ifft(both[..., 0] + 1j * both[..., 1])
case("dft_inverse", [node("DFT", ["x"], ["y"], inverse=1)], {"x": both},
     {"y": np.stack([inverse.real, inverse.imag], -1).astype(f32)})

three = draw(3, 4, 5, 1)
for axis in (0, -2):
    want = np.fft.fft(three[..., 0], axis=axis if axis == 0 else 2)
    case(f"dft_axis_{axis % 4}", [node("DFT", ["x", "", "a"], ["y"])], {
        "x": three,
        "a": np.array(axis)
    }, {"y": np.stack([want.real, want.imag], -1).astype(f32)},
         shapes={"y": ["p", "q", "r", 2]},
         atol=1e-4)


# AffineGrid.
def affine_grid(theta, size, corners):
    axes = [np.linspace(-1, 1, n) if corners else (np.arange(n) * 2 + 1) / n - 1 for n in size]
    places = np.stack([*np.meshgrid(*axes, indexing="ij")[::-1], np.ones(size)], -1)
    return np.einsum("nij,...j->n...i", theta.astype(np.float64), places).astype(f32)


for corners in (0, 1):
    for size in ((4, 3), (2, 5, 1)):
        theta = draw(2, len(size), len(size) + 1)
        case(f"affine_grid_{len(size)}d_{corners}", [node("AffineGrid", ["t", "s"], ["y"], align_corners=corners)], {
            "t": theta,
            "s": np.array([2, 3, *size])
        }, {"y": affine_grid(theta, size, corners)},
             shapes={"y": ["n", *"dhw"[-len(size):], len(size)]})

if __name__ == "__main__":
    main()
