# RUN: %python %s
"""Random numbers: the generator itself, distributions, and the operators that draw from it."""

import numpy as np
from onnx import TensorProto

from Execution.harness import case, main, node
from oracles import philox

rng = np.random.default_rng(31)
f32 = np.float32

u = philox.uniform((3, 5, 7), 2.5)
case("uniform", [node("RandomUniform", [], ["y"], shape=[3, 5, 7], seed=2.5, low=-1.0, high=3.0)], {},
     {"y": (u * 4 - 1).astype(f32)},
     rtol=1e-6)
case("uniform_scalar", [node("RandomUniformLike", ["x"], ["y"], seed=2.5)], {"x": f32(0)}, {"y": f32(u[0, 0, 0])},
     rtol=0,
     atol=0)
case("uniform_f64", [node("RandomUniform", [], ["y"], shape=[9], seed=-7.0, dtype=TensorProto.DOUBLE)], {},
     {"y": philox.uniform((9,), -7.0, 53)},
     rtol=1e-15)
case("uniform_f16", [node("RandomUniform", [], ["y"], shape=[65], seed=1.0, dtype=TensorProto.FLOAT16)], {},
     {"y": philox.uniform((65,), 1.0, 11).astype(np.float16)},
     rtol=0,
     atol=0)
like = np.zeros((4, 33), f32)
case("normal_like", [node("RandomNormalLike", ["x"], ["y"], seed=3.0, mean=1.0, scale=2.0)], {"x": like},
     {"y": (philox.normal(like.shape, 3.0) * 2 + 1).astype(f32)},
     shapes={
         "x": ["n", "m"],
         "y": ["n", "m"]
     },
     sets=[({
         "x": like[:1, :9]
     }, {
         "y": (philox.normal((1, 9), 3.0) * 2 + 1).astype(f32)
     }), ({
         "x": like[:, :0]
     }, {
         "y": like[:, :0]
     })])

# The distribution: mean and variance of many, each within five of its own deviations.
count = 200000
stats = [("ReduceMean", ["x"], ["m"]), ("Sub", ["x", "m"], ["d"]), ("Mul", ["d", "d"], ["s"]), ("ReduceMean", ["s"], ["v"])]
case("moments", [node("RandomNormal", [], ["x"], shape=[count])] + stats, {}, {
    "m": np.zeros(1, f32),
    "v": np.ones(1, f32)
},
     rtol=0,
     atol=5 * (2 / count)**0.5)
# Two draws without a seed differ: the product of independent ones has mean 0.
case("independent", [
    node("RandomNormal", [], ["a"], shape=[count]),
    node("RandomNormal", [], ["b"], shape=[count]), ("Mul", ["a", "b"], ["p"]),
    node("ReduceMean", ["p"], ["m"])
], {}, {"m": np.zeros(1, f32)},
     rtol=0,
     atol=5 * count**-0.5)

# Bernoulli and Multinomial draw uniform numbers.
p = rng.random((6, 50)).astype(f32)
case("bernoulli", [node("Bernoulli", ["x"], ["y"], seed=4.0)], {"x": p}, {"y": (philox.uniform(p.shape, 4.0) < p).astype(f32)})
odds = np.log(rng.random((3, 5)) + 0.01)
parts = np.exp(odds) / np.exp(odds).sum(1, keepdims=True)
places = philox.uniform((3, 40), 5.0)
case("multinomial", [node("Multinomial", ["x"], ["y"], sample_size=40, seed=5.0, dtype=TensorProto.INT64)], {"x": odds.astype(f32)},
     {"y": (parts.cumsum(1)[:, None] <= places[..., None]).sum(-1)})
case("multinomial_certain", [node("Multinomial", ["x"], ["y"], sample_size=9)],
     {"x": np.array([[-np.inf, 0, -np.inf]], f32)}, {"y": np.ones((1, 9), np.int32)})

# Dropout in training and not, which only the run says.
x = rng.standard_normal((7, 30)).astype(f32)


def dropped(ratio, training):
    kept = philox.uniform(x.shape, 2**40 + 6) >= ratio if training else np.ones(x.shape, bool)
    scale = 1 / (1 - ratio) if training else 1
    return ({"x": x, "r": f32(ratio), "t": np.array(training)}, {"y": np.where(kept, x * scale, 0).astype(f32), "m": kept})


case("dropout", [node("Dropout", ["x", "r", "t"], ["y", "m"], seed=2**40 + 6)],
     *dropped(0.75, True),
     shapes={
         "x": ["n", 30],
         "y": ["n", 30],
         "m": ["n", 30]
     },
     sets=[dropped(0.75, False), dropped(0.0, True), dropped(0.25, True)])

if __name__ == "__main__":
    main()
