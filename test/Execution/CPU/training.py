# RUN: %python %s
"""What only training needs: optimizers, and statistics of a batch."""

import numpy as np

from Execution.harness import case, main, node

rng = np.random.default_rng(41)
f32 = np.float32
TRAINING = "ai.onnx.preview.training"
draw = lambda *shape: rng.standard_normal(shape).astype(f32)


def adagrad(r, t, x, g, h, decay_factor=0.0, epsilon=1e-6, norm_coefficient=0.0):
    g = norm_coefficient * x + g
    h = h + g * g
    return x - r / (1 + t * decay_factor) * g / (np.sqrt(h) + epsilon), h


def adam(r, t, x, g, v, h, alpha=0.9, beta=0.999, epsilon=1e-6, norm_coefficient=0.0, norm_coefficient_post=0.0):
    g = norm_coefficient * x + g
    v, h = alpha * v + (1 - alpha) * g, beta * h + (1 - beta) * g * g
    rate = r * np.sqrt(1 - beta**t) / (1 - alpha**t) if t else r
    return (1 - norm_coefficient_post) * (x - rate * v / (np.sqrt(h) + epsilon)), v, h


def momentum(r, t, x, g, v, alpha=0.0, beta=0.0, norm_coefficient=0.0, mode="standard"):
    g = norm_coefficient * x + g
    v = alpha * v + (beta if t else 1) * g
    return x - r * (g + alpha * v if mode == "nesterov" else v), v


def check(op, rule, states, **attributes):
    shapes = [(3, 5), (1,), (0, 2)]
    for t in (0, 3):
        inputs = {"r": f32(0.1), "t": np.array(t)}
        for kind in ["x", "g"] + states:
            for i, shape in enumerate(shapes):
                inputs[f"{kind}{i}"] = np.abs(draw(*shape)) if kind == "h" else draw(*shape)
        wide = {k: v.astype(np.float64) for k, v in inputs.items()}
        want = {}
        for i in range(len(shapes)):
            got = rule(wide["r"], t, *(wide[f"{kind}{i}"] for kind in ["x", "g"] + states), **attributes)
            want.update({f"new_{kind}{i}": a.astype(f32) for kind, a in zip(["x"] + states, got)})
        outputs = [f"new_{kind}{i}" for kind in ["x"] + states for i in range(len(shapes))]
        name = f"{op.lower()}_{attributes.get('mode', '')}{t}"
        case(name, [node(op, list(inputs), outputs, domain=TRAINING, **attributes)], inputs, want, rtol=1e-5)


check("Adagrad", adagrad, ["h"], decay_factor=0.1, epsilon=1e-5, norm_coefficient=0.01)
check("Adam", adam, ["v", "h"], alpha=0.95, beta=0.85, epsilon=1e-2, norm_coefficient=0.01, norm_coefficient_post=0.05)
check("Momentum", momentum, ["v"], alpha=0.95, beta=0.1, norm_coefficient=0.01, mode="standard")
check("Momentum", momentum, ["v"], alpha=0.95, beta=1.0, norm_coefficient=0.01, mode="nesterov")

# BatchNormalization measures its batch, and says what it measured.
for name, shape in (("plain", (4, 3)), ("image", (2, 5, 3, 7)), ("one", (1, 2, 1))):
    x, c = draw(*shape), shape[1]
    scale, bias, mean, var = draw(c), draw(c), draw(c), np.abs(draw(c))
    wide, axes = x.astype(np.float64), (0, *range(2, len(shape)))
    column = lambda v: v.reshape(-1, *[1] * (len(shape) - 2))
    m, s = wide.mean(axes), wide.var(axes)
    case(f"batch_norm_{name}", [
        node("BatchNormalization", ["x", "s", "b", "m", "v"], ["y", "rm", "rv"], training_mode=1, momentum=0.75, epsilon=1e-2)
    ], {
        "x": x,
        "s": scale,
        "b": bias,
        "m": mean,
        "v": var
    }, {
        "y": ((wide - column(m)) / np.sqrt(column(s) + 1e-2) * column(scale) + column(bias)).astype(f32),
        "rm": (0.75 * mean + 0.25 * m).astype(f32),
        "rv": (0.75 * var + 0.25 * s).astype(f32)
    })

if __name__ == "__main__":
    main()
