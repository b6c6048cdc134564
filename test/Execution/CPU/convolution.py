# RUN: %python %s
"""Convolutions and pooling."""

import numpy as np

from Execution.harness import case, main, node
from oracles.basic import conv2d

rng = np.random.default_rng(6)
f32 = np.float32


def draw(*shape):
    return rng.standard_normal(shape).astype(f32)


def conv(name, x, w, b=None, **a):
    attributes = {"kernel_shape": w.shape[2:], **a}
    case(name, [node("Conv", ["x", "w"] + (["b"] if b is not None else []), ["y"], **attributes)], {"x": x},
         {"y": conv2d(x, w, b, **a).astype(f32)},
         constants={
             "w": w,
             **({} if b is None else {
                    "b": b
                })
         },
         rtol=1e-3,
         atol=1e-4)


x = draw(2, 6, 9, 11)
conv("three_by_three", x, draw(8, 6, 3, 3), draw(8), pads=(1, 1, 1, 1))
conv("strided", x, draw(5, 6, 3, 3), draw(5), strides=(2, 2), pads=(1, 0, 0, 1))
conv("pointwise", x, draw(7, 6, 1, 1), draw(7))
conv("dilated", x, draw(4, 6, 2, 3), dilations=(2, 3))
conv("depthwise", x, draw(6, 1, 3, 3), draw(6), group=6, pads=(1, 1, 1, 1))
conv("grouped", x, draw(4, 3, 3, 3), group=2)
conv("patch", draw(1, 3, 32, 32), draw(16, 3, 8, 8), draw(16), strides=(8, 8))
p = x[:, :, :8, :10]
blocks = p.reshape(2, 6, 4, 2, 5, 2)
case("max_pool", [node("MaxPool", ["x"], ["y"], kernel_shape=[2, 2], strides=[2, 2])], {"x": p.copy()},
     {"y": blocks.max((3, 5))})
case("average_pool", [node("AveragePool", ["x"], ["y"], kernel_shape=[2, 2], strides=[2, 2])], {"x": p.copy()},
     {"y": blocks.mean((3, 5), dtype=np.float64).astype(f32)})
case("global_average_pool", [("GlobalAveragePool", ["x"], ["y"])], {"x": x},
     {"y": x.mean((2, 3), keepdims=True, dtype=np.float64).astype(f32)})
case("resize_nearest", [
    node("Resize", ["x", "", "s"], ["y"],
         mode="nearest",
         coordinate_transformation_mode="asymmetric",
         nearest_mode="floor")
], {"x": x}, {"y": x.repeat(2, 2).repeat(3, 3)},
     constants={"s": np.array([1, 1, 2, 3], f32)})
main()
