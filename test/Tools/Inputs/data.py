"""Writes inputs and expected outputs of linear.mlir, right and wrong ones, below the folder given."""

import os
import sys

import numpy as np
from onnx import numpy_helper

out = sys.argv[1]
rng = np.random.default_rng(0)


def data_set(name, inputs, outputs=()):
    folder = os.path.join(out, name)
    os.makedirs(folder)
    for kind, arrays in (("input", inputs), ("output", outputs)):
        for i, a in enumerate(arrays):
            with open(f"{folder}/{kind}_{i}.pb", "wb") as f:
                f.write(a if isinstance(a, bytes) else numpy_helper.from_array(a).SerializeToString())


x, b = rng.random((3, 8), np.float32), rng.random((3, 16), np.float32)
y, c = x @ np.full((8, 16), 0.5, np.float32) + b, np.arange(32, dtype=np.float32)
for name, array in dict(x=x, b=b, y=y, fortran=np.asfortranarray(b)).items():
    np.save(f"{out}/{name}.npy", array)
off = y.copy()
off[1, 3] += 1
data_set("right", [x, b], [y, c])
data_set("wrong", [x, b], [off, c])
data_set("shape", [x[:, :7], b])
data_set("dtype", [x, b.astype(np.float64)])
data_set("symbol", [x, b[:2]])
data_set("rows", [np.vstack([x, x]), np.vstack([b, b])])
data_set("damaged", [b"\x0a\xff\xff", b])
