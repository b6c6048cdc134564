# RUN: %python %s %t
"""Casts to and from small floats on a CPU without instructions for them, where the runtime's own code does the work."""

import os
import subprocess
import sys

import ml_dtypes
import numpy as np
import onnx
from onnx import TensorProto as T
from onnx import helper, numpy_helper

out = sys.argv[1]
data = os.path.join(out, "data")
os.makedirs(data, exist_ok=True)

rng = np.random.default_rng(0)
bits = rng.integers(0, 1 << 32, 20000, np.uint64).astype(np.uint32)
near = np.arange(0x7c00, dtype=np.uint16).view(np.float16).astype(np.float32)  # every half, and its neighbours
special = np.array([0, -0.0, np.inf, -np.inf, np.nan, 65504, 65519.9, 65520, 1e-8, 2.98e-8, 5.96e-8, 3e38, -3.4e38], np.float32)
x = np.concatenate([bits.view(np.float32), near, np.nextafter(near, np.float32(np.inf)), special])
with np.errstate(all="ignore"):
    x64 = x.astype(np.float64)
d = np.concatenate([x64, 1 + rng.random(20000) * 2.0**-10])
h = np.arange(1 << 16, dtype=np.uint16).view(np.float16)
with np.errstate(all="ignore"):
    want = [
        x.astype(np.float16),
        x.astype(ml_dtypes.bfloat16),
        d.astype(np.float16),
        h.astype(np.float32),
        np.arange(1 << 16, dtype=np.uint16).view(ml_dtypes.bfloat16).astype(np.float32),
    ]
inputs = [x, x, d, h, np.arange(1 << 16, dtype=np.uint16).view(ml_dtypes.bfloat16)]
kind = helper.np_dtype_to_tensor_dtype
nodes, ins, outs = [], [], []
for i, (a, w) in enumerate(zip(inputs, want)):
    nodes.append(helper.make_node("Cast", [f"x{i}"], [f"y{i}"], to=kind(w.dtype)))
    ins.append(helper.make_tensor_value_info(f"x{i}", kind(a.dtype), a.shape))
    outs.append(helper.make_tensor_value_info(f"y{i}", kind(w.dtype), w.shape))
    for name, array in (("input", a), ("output", w)):
        with open(f"{data}/{name}_{i}.pb", "wb") as f:
            f.write(numpy_helper.from_array(array).SerializeToString())
model = helper.make_model(helper.make_graph(nodes, "casts", ins, outs), opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
onnx.save(model, f"{out}/model.onnx")
subprocess.check_call(["fovea-compile", f"{out}/model.onnx", "-o", f"{out}/model.so", "--target-cpu=x86-64"])
subprocess.check_call(["fovea-run", f"{out}/model.so", "--data-set", data, "--rtol", "0", "--atol", "0"])
