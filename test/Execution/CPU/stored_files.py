# RUN: %python %s %t
"""Element types of a byte and less in files: packed in those of ONNX, one byte each in those of NumPy."""

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
kind = helper.np_dtype_to_tensor_dtype
names = ("float8_e4m3fn float8_e4m3fnuz float8_e5m2 float8_e5m2fnuz float8_e8m0fnu float6_e2m3fn float6_e3m2fn "
         "float4_e2m1fn int4 uint4 int2 uint2").split()
rng = np.random.default_rng(0)
nodes, inputs, outputs = [], [], []
wide, stored = {}, []
for i, name in enumerate(names):
    dtype = np.dtype(getattr(ml_dtypes, name))
    bits = next(n for n in (2, 4, 6, 8) if str(n) in name)
    codes = rng.integers(0, 1 << bits, (5, 3), np.uint8).view(dtype)
    stored.append(codes)
    with np.errstate(all="ignore"):
        wide[f"f{i}"] = (codes.astype(np.int8) if "int" in name else codes).astype(np.float32)
    nodes += [
        helper.make_node("Cast", [f"x{i}"], [f"f{i}"], to=T.FLOAT),
        helper.make_node("Cast", [f"f{i}"], [f"y{i}"], to=kind(dtype))
    ]
    inputs.append(helper.make_tensor_value_info(f"x{i}", kind(dtype), (5, 3)))
    outputs.append(helper.make_tensor_value_info(f"y{i}", kind(dtype), (5, 3)))
    np.save(f"{out}/x{i}.npy", codes)
    for which in ("input", "output"):
        with open(f"{data}/{which}_{i}.pb", "wb") as f:
            f.write(numpy_helper.from_array(codes).SerializeToString())
outputs += [helper.make_tensor_value_info(n, T.FLOAT, (5, 3)) for n in wide]
for i, x in enumerate(wide.values()):
    with open(f"{data}/output_{len(names) + i}.pb", "wb") as f:
        f.write(numpy_helper.from_array(x).SerializeToString())
opsets = [helper.make_opsetid("", 28)]
model = helper.make_model(helper.make_graph(nodes, "files", inputs, outputs),
                          opset_imports=opsets,
                          ir_version=helper.find_min_ir_version_for(opsets))
onnx.save(model, f"{out}/model.onnx")
subprocess.check_call(["fovea-compile", f"{out}/model.onnx", "-o", f"{out}/model.so"])
run = ["fovea-run", f"{out}/model.so"]
exact = ["--rtol", "0", "--atol", "0"]
subprocess.check_call([*run, "--data-set", data, *exact])

files = [a for i in range(len(names)) for a in ("--input", f"x{i}={out}/x{i}.npy")]
subprocess.check_call([*run, *files, "--output-dir", out])
for i, name in enumerate(names):
    got, want = np.load(f"{out}/y{i}.npy"), stored[i]
    assert got.dtype == "V1" and got.shape == (5, 3), name
    nan = np.isnan(wide[f"f{i}"])
    assert (got.view(np.uint8) == want.view(np.uint8))[~nan].all(), name

# The numbers, not the bytes, are what a difference is told in.
with open(f"{data}/output_{names.index('int4')}.pb", "wb") as f:
    f.write(numpy_helper.from_array(np.full((5, 3), -8).astype(ml_dtypes.int4)).SerializeToString())
got = subprocess.run([*run, "--data-set", data, *exact], capture_output=True, text=True)
assert got.returncode == 1 and "expected -8" in got.stderr, got.stderr
# A byte of another type is not taken for one of these.
np.save(f"{out}/x0.npy", np.zeros((5, 3), np.int8))
got = subprocess.run([*run, *files], capture_output=True, text=True)
assert got.returncode == 2 and "expected float8e4m3fn, got int8" in got.stderr, got.stderr
