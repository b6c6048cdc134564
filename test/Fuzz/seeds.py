"""Writes the inputs that the fuzzers start from, taken from the tests: OUT/ImportFuzzer and OUT/OptFuzzer.

  seeds.py OUT

Corpus/ beside this file has what the fuzzers found to be worth keeping beyond them:
  ImportFuzzer -merge=1 -max_len=4096 Corpus/ImportFuzzer OUT/ImportFuzzer build-asan/fuzz/ImportFuzzer/corpus
"""

import hashlib
import os
import re
import sys

import onnx
from onnx import TensorProto, helper, numpy_helper, parser
import numpy as np

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
MAX_BYTES = 4096


def files(*suffixes):
    for folder, _, names in sorted(os.walk(TESTS)):
        yield from (os.path.join(folder, name) for name in sorted(names) if name.endswith(suffixes))


def read(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


def texts():
    """The models in ONNX's textual syntax that tests contain."""
    for path in files(".test"):
        for part in read(path).split("#--- ")[1:]:
            name, _, text = part.partition("\n")
            if name.strip().endswith(".onnxtxt"):
                yield text
    for path in files(".onnxtxt"):
        yield read(path)


def external(location, **more):
    weight = numpy_helper.from_array(np.array([1, 2], np.float32), "w")
    weight.ClearField("raw_data")
    weight.data_location = TensorProto.EXTERNAL
    for key, value in {"location": location, **more}.items():
        weight.external_data.add(key=key, value=str(value))
    value = lambda name: helper.make_tensor_value_info(name, TensorProto.FLOAT, [2])
    graph = helper.make_graph([helper.make_node("Add", ["x", "w"], ["y"])], "g", [value("x")], [value("y")], [weight])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    return model.SerializeToString()


def models():
    for text in texts():
        yield b"text\n" + text.encode()
        try:
            yield parser.parse_model(text).SerializeToString()
        except Exception:  # Not every model of the tests is valid.
            pass
    yield external("weights.bin")
    yield external("weights.bin", offset=8, length=8)
    yield external("../canary.bin")
    yield external("link.bin")


def modules():
    for path in files(".mlir"):
        for text in re.split(r"^// -----.*$", read(path), flags=re.M):
            text = "\n".join(line for line in text.splitlines() if line.strip() and not line.strip().startswith("//"))
            if text:
                yield text.encode()


def write(folder, items):
    os.makedirs(folder, exist_ok=True)
    for item in items:
        if len(item) <= MAX_BYTES:
            with open(os.path.join(folder, hashlib.sha1(item).hexdigest()), "wb") as file:
                file.write(item)


out = sys.argv[1]
write(os.path.join(out, "ImportFuzzer"), models())
write(os.path.join(out, "OptFuzzer"), modules())
