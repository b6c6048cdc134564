# RUN: %python %s
"""LSTM, GRU and RNN, in both directions and with rows of different lengths; quantized products; loops that grow."""

import numpy as np
from onnx import TensorProto, helper

from Execution.harness import case, main, node

rng = np.random.default_rng(31)
f32 = np.float32
sigmoid = lambda v: 1 / (1 + np.exp(-v))


def draw(*shape):
    return (rng.standard_normal(shape) / 2).astype(f32)


def run(cell, x, w, r, bias, lengths, backward):
    """All states [steps, batch, hidden] of one direction, and the last."""
    steps, batch, _ = x.shape
    hidden = r.shape[1]
    out, last = np.zeros((steps, batch, hidden)), np.zeros((batch, hidden))
    wb, rb = np.split(bias, 2)
    for n in range(batch):
        h, c = np.zeros(hidden), np.zeros(hidden)
        order = range(lengths[n])
        for t in reversed(order) if backward else order:
            own = x[t, n] @ w.T + wb
            past = h @ r.T + rb
            if cell == "LSTM":
                i, o, f, g = np.split(own + past, 4)
                c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
                h = sigmoid(o) * np.tanh(c)
            elif cell == "GRU":
                z, reset = sigmoid(own[:2 * hidden] + past[:2 * hidden]).reshape(2, hidden)
                g = np.tanh(own[2 * hidden:] + (reset * h) @ r[2 * hidden:].T + rb[2 * hidden:])
                h = (1 - z) * g + z * h
            else:
                h = np.tanh(own + past)
            out[t, n] = h
        last[n] = h
    return out, last


for cell, gates in (("RNN", 1), ("GRU", 3), ("LSTM", 4)):
    for direction, count in (("forward", 1), ("bidirectional", 2)):
        x, hidden = draw(6, 3, 5), 4
        w, r, bias = draw(count, gates * hidden, 5), draw(count, gates * hidden, hidden), draw(count, 2 * gates * hidden)
        lengths = np.array([6, 2, 4], np.int32)
        both = [run(cell, x, w[d], r[d], bias[d], lengths, d == 1) for d in range(count)]
        case(f"{cell}_{direction}",
             [node(cell, ["x", "w", "r", "b", "n"], ["y", "h"], hidden_size=hidden, direction=direction)], {"x": x}, {
                 "y": np.stack([out for out, _ in both], 1).astype(f32),
                 "h": np.stack([last for _, last in both]).astype(f32)
             },
             constants={
                 "w": w,
                 "r": r,
                 "b": bias,
                 "n": lengths
             })

# Quantized.
q = rng.integers(0, 256, (3, 4)).astype(np.uint8)
m = rng.integers(-128, 128, (4, 5)).astype(np.int8)
case("matmul_integer", [node("MatMulInteger", ["q", "m", "z"], ["y"])], {
    "q": q,
    "m": m
}, {"y": (q.astype(np.int32) - 7) @ m.astype(np.int32)},
     constants={"z": np.array(7, np.uint8)})
v = (rng.standard_normal((3, 8)) * 3).astype(f32)
scale = np.array([0.05, 0.5, 0.01], f32)
steps = np.clip(np.rint(v / scale[:, None]) + 3, -128, 127).astype(np.int8)
case("quantize_per_row", [
    node("QuantizeLinear", ["x", "s", "z"], ["q"], axis=0),
    node("DequantizeLinear", ["q", "s", "z"], ["y"], axis=0)
], {"x": v}, {
    "q": steps,
    "y": (steps.astype(f32) - 3) * scale[:, None]
},
     constants={
         "s": scale,
         "z": np.full(3, 3, np.int8)
     })

# A state that grows in every iteration.
info = helper.make_tensor_value_info
body = helper.make_graph([
    node("Identity", ["go"], ["going"]),
    node("Add", ["s", "s"], ["t"]),
    node("Concat", ["t", "a"], ["next"], axis=0)
], "body",
                         [info("i", TensorProto.INT64, []),
                          info("go", TensorProto.BOOL, []),
                          info("s", TensorProto.FLOAT, ["k"])],
                         [info("going", TensorProto.BOOL, []),
                          info("next", TensorProto.FLOAT, ["l"])])
a = draw(2)


def grown(count):
    s = a
    for _ in range(count):
        s = np.concatenate([s + s, a])
    return s


case("loop_grows", [helper.make_node("Loop", ["n", "", "a"], ["y"], body=body)], {
    "n": np.array(3),
    "a": a
}, {"y": grown(3)},
     shapes={"y": ["m"]},
     sets=[({
         "n": np.array(0),
         "a": a
     }, {
         "y": a
     })])

if __name__ == "__main__":
    main()
