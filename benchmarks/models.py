"""The models that are measured, built with seeded random weights: (path, feeds, floating-point operations)."""

import os

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


class Graph:
    """Collects nodes; every method returns the name of its result."""

    def __init__(self):
        self.nodes, self.constants, self.rng = [], [], np.random.default_rng(0)

    def op(self, kind, *inputs, n=1, **attributes):
        outputs = [f"{kind.lower()}_{len(self.nodes)}_{i}" for i in range(n)]
        self.nodes.append(helper.make_node(kind, list(inputs), outputs, **attributes))
        return outputs[0] if n == 1 else outputs

    def constant(self, value, dtype=np.float32):
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(value, dtype), name))
        return name

    def weight(self, *shape, scale=None):
        scale = (shape[0] if len(shape) > 1 else 400)**-0.5 if scale is None else scale
        return self.constant(self.rng.standard_normal(shape, dtype=np.float32) * np.float32(scale))

    def ints(self, *values):
        return self.constant(values, np.int64)

    def linear(self, x, k, n):
        return self.op("Add", self.weight(n), self.op("MatMul", x, self.weight(k, n)))

    def norm(self, x, width):
        scale = self.constant(1 + 0.1 * self.rng.standard_normal(width))
        return self.op("LayerNormalization", x, scale, self.weight(width), axis=-1, epsilon=1e-6)

    def save(self, path, inputs, outputs, opset):
        info = lambda d: [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in d.items()]
        graph = helper.make_graph(self.nodes, os.path.basename(path)[:-5], info(inputs), info(outputs), self.constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)
        onnx.save(model, path)


def draw(shapes):
    rng = np.random.default_rng(1)
    return {n: rng.standard_normal(s, dtype=np.float32) for n, s in shapes.items()}


def attention_op(folder, b=1, h=8, s=1024, d=64):
    g, path, shapes = Graph(), os.path.join(folder, "attention-op.onnx"), {n: (b, h, s, d) for n in "qkv"}
    g.nodes.append(helper.make_node("Attention", ["q", "k", "v"], ["y"]))
    g.save(path, shapes, {"y": (b, h, s, d)}, 23)
    return path, draw(shapes), 4.0 * b * h * s * s * d


def attention_decomposed(folder, b=1, h=8, s=1024, d=64):
    g, path, shapes = Graph(), os.path.join(folder, "attention-decomposed.onnx"), {n: (b, h, s, d) for n in "qkv"}
    scores = g.op("MatMul", g.op("Mul", "q", g.constant(d**-0.5)), g.op("Transpose", "k", perm=[0, 1, 3, 2]))
    g.nodes.append(helper.make_node("MatMul", [g.op("Softmax", scores, axis=-1), "v"], ["y"]))
    g.save(path, shapes, {"y": (b, h, s, d)}, 17)
    return path, draw(shapes), 4.0 * b * h * s * s * d


def vit(folder, name="vit-b-16", size=224, patch=16, width=768, depth=12, heads=12, hidden=3072, classes=1000):
    """ViT as timm writes it and torch exports it: packed QKV, attention decomposed, class token, exact GELU by Erf."""
    g, path = Graph(), os.path.join(folder, name + ".onnx")
    n, d = (size // patch)**2, width // heads
    x = g.op("Conv", "pixels", g.weight(width, 3, patch, patch, scale=0.02), g.weight(width), strides=[patch, patch])
    x = g.op("Transpose", g.op("Reshape", x, g.ints(1, width, n)), perm=[0, 2, 1])
    x = g.op("Concat", g.weight(1, 1, width), x, axis=1)
    x, n = g.op("Add", x, g.weight(1, n + 1, width)), n + 1
    for _ in range(depth):
        qkv = g.op("Reshape", g.linear(g.norm(x, width), width, 3 * width), g.ints(1, n, 3, heads, d))
        q, k, v = g.op("Split", g.op("Transpose", qkv, perm=[2, 0, 3, 1, 4]), g.ints(1, 1, 1), n=3, axis=0)
        q, k, v = (g.op("Squeeze", t, g.ints(0)) for t in (q, k, v))
        scale = g.constant(d**-0.25)
        scores = g.op("MatMul", g.op("Mul", q, scale), g.op("Mul", g.op("Transpose", k, perm=[0, 1, 3, 2]), scale))
        y = g.op("MatMul", g.op("Softmax", scores, axis=-1), v)
        y = g.op("Reshape", g.op("Transpose", y, perm=[0, 2, 1, 3]), g.ints(1, n, width))
        x = g.op("Add", x, g.linear(y, width, width))
        y = g.linear(g.norm(x, width), width, hidden)
        erf = g.op("Add", g.op("Erf", g.op("Div", y, g.constant(2**0.5))), g.constant(1))
        y = g.op("Mul", g.op("Mul", y, erf), g.constant(0.5))
        x = g.op("Add", x, g.linear(y, hidden, width))
    y = g.op("Gather", g.norm(x, width), g.constant(0, np.int64), axis=1)
    g.nodes.append(helper.make_node("Gemm", [y, g.weight(classes, width, scale=width**-0.5), g.weight(classes)],
                                    ["logits"], transB=1))  # yapf: disable
    g.save(path, {"pixels": (1, 3, size, size)}, {"logits": (1, classes)}, 17)
    layer = 2 * n * width * (4 * width + 2 * hidden) + 4 * heads * n * n * d
    flop = depth * layer + 2 * (n - 1) * width * 3 * patch * patch + 2 * width * classes
    return path, draw({"pixels": (1, 3, size, size)}), float(flop)


def exported(path, data_set):
    """A given model, with the inputs of an ONNX test data set; its number of operations is not known."""
    model, feeds = onnx.load(path), {}
    constants = {c.name for c in model.graph.initializer}
    for i, info in enumerate(v for v in model.graph.input if v.name not in constants):
        with open(os.path.join(data_set, f"input_{i}.pb"), "rb") as f:
            feeds[info.name] = numpy_helper.to_array(onnx.TensorProto.FromString(f.read()))
    return path, feeds, None


MODELS = {"attention-op": attention_op, "attention-decomposed": attention_decomposed, "vit-b-16": vit}
