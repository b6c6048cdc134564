"""Writes ONNX graphs by hand, and folders of inputs and expected outputs beside them."""

import json
import os

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

ONNX_TYPES = {"f32": TensorProto.FLOAT, "bf16": TensorProto.BFLOAT16, "bool": TensorProto.BOOL}


def numpy_type(dtype):
    if dtype == "bf16":
        import ml_dtypes
        return np.dtype(ml_dtypes.bfloat16)
    return np.dtype({"f32": np.float32, "bool": np.bool_}[dtype])


class Graph:
    """Collects nodes; every method returns the name of its result."""

    def __init__(self, dtype="f32", opset=20):
        self.dtype, self.opset = dtype, opset
        self.nodes, self.constants, self.domains = [], [], {"": opset}

    def op(self, kind, *inputs, out=None, n=1, **attributes):
        outputs = [out] if out else [f"{kind.lower()}_{len(self.nodes)}_{i}" for i in range(n)]
        self.nodes.append(helper.make_node(kind, list(inputs), outputs, **attributes))
        return outputs[0] if n == 1 else outputs

    def constant(self, value, dtype=None):
        """A constant; floating point unless told otherwise, in the element type of the graph."""
        name = f"c{len(self.constants)}"
        array = np.asarray(value, dtype or numpy_type(self.dtype))
        self.constants.append(numpy_helper.from_array(array, name))
        return name

    def ints(self, *values):
        return self.constant(values, np.int64)

    def save(self, folder, inputs, outputs, facts):
        """inputs: arrays by name. outputs: what is expected, by name, in float64 or float32."""
        os.makedirs(os.path.join(folder, "test_data_set_0"), exist_ok=True)
        outputs = {n: np.asarray(v, numpy_type(self.dtype)) for n, v in outputs.items()}
        info = lambda d: [
            helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(v.dtype), v.shape) for n, v in d.items()
        ]
        graph = helper.make_graph(self.nodes, "case", info(inputs), info(outputs), self.constants)
        model = helper.make_model(graph,
                                  opset_imports=[helper.make_opsetid(d, v) for d, v in self.domains.items()],
                                  ir_version=10)
        onnx.save(model, os.path.join(folder, "model.onnx"))
        for kind, values in (("input", inputs), ("output", outputs)):
            for i, (name, value) in enumerate(values.items()):
                with open(os.path.join(folder, "test_data_set_0", f"{kind}_{i}.pb"), "wb") as f:
                    f.write(numpy_helper.from_array(value, name).SerializeToString())
        with open(os.path.join(folder, "facts.json"), "w", encoding="utf-8") as f:  # last: the folder is complete
            json.dump(facts, f)


def draw(dtype="f32", **shapes):
    """Normal numbers of a fixed seed, by name."""
    rng = np.random.default_rng(0)
    return {n: rng.standard_normal(s, dtype=np.float32).astype(numpy_type(dtype)) for n, s in shapes.items()}
