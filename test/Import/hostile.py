"""RUN: %python %s fovea-import %t

Models that ask for more than any machine has, or for files that are not theirs: each is refused in one line, soon and
in little memory.
"""

import os
import re
import resource
import subprocess
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

TOOL, FOLDER = sys.argv[1:]
MIB = 1024
FLOAT, INT64, BOOL = TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL
CASES = {}


def info(name, shape, dtype=FLOAT):
    return helper.make_tensor_value_info(name, dtype, shape)


def node(op, inputs, outputs, **attributes):
    return helper.make_node(op, inputs, outputs, **attributes)


def case(name, expected, nodes, inputs, outputs, constants=(), opset=20, functions=()):
    tensors = [
        value if isinstance(value, TensorProto) else numpy_helper.from_array(np.asarray(value), key)
        for key, value in dict(constants).items()
    ]
    domains = [helper.make_opsetid("", opset)] + [helper.make_opsetid("f", 1)] * bool(functions)
    model = helper.make_model(helper.make_graph(nodes, "g", inputs, outputs, tensors),
                              opset_imports=domains,
                              functions=functions)
    model.ir_version = 9
    CASES[name] = (expected, model.SerializeToString())


def one(name, expected, op, inputs, rank=2, constants=(), opset=20, **attributes):
    """One node; inputs maps names to shapes, constants to arrays. The order is that of the names."""
    names = sorted({**inputs, **dict(constants)})
    case(name, expected, [node(op, names, ["y"], **attributes)], [info(k, v) for k, v in inputs.items()],
         [info("y", [f"d{i}" for i in range(rank)])], constants, opset)


ints = lambda *values: np.array(values, np.int64)
ABSURD = "absurd number of elements"
LARGE = "too large"

one("input", ABSURD, "Relu", {"a": [2**62, 4]})
one("empty_input", ABSURD, "Relu", {"a": [0, 2**62]})
one("expand", ABSURD, "Expand", {"a": [1, 4]}, constants={"b": ints(2**61, 4)})
one("tile", LARGE, "Tile", {"a": [2, 4]}, constants={"b": ints(2**62, 2**62)})
one("constant_of_shape", ABSURD, "ConstantOfShape", {}, constants={"a": ints(2**40, 2**40)})
one("pad", LARGE, "Pad", {"a": [2, 4]}, constants={"b": ints(2**63 - 1, 0, 2**63 - 1, 0)})
one("resize", LARGE, "Resize", {"a": [2, 4]}, constants={"b": np.zeros(0, np.float32), "c": np.array([1e18, 1e18], np.float32)})
one("concat", ABSURD, "Concat", {"a": [2**45, 2], "b": [2**45, 2]}, axis=0)
one("broadcast", ABSURD, "Add", {"a": [2**40, 1], "b": [1, 2**40]})
one("outer", ABSURD, "MatMul", {"a": [2**33, 1], "b": [1, 2**33]})
one("blocks", "blocksize is too large", "DepthToSpace", {"a": [1, 4, 2, 2]}, rank=4, blocksize=2**40)
one("pool", LARGE, "AveragePool", {"a": [1, 1, 4, 4]}, rank=4, kernel_shape=[2**62] * 2, pads=[2**62] * 4)
one("deconvolution", ABSURD, "ConvTranspose", {"a": [1, 1, 4, 4]},
    rank=4, constants={"b": np.ones((1, 1, 2, 2), np.float32)}, strides=[2**40] * 2)
one("parts", "num_outputs is 2147483648 and not 1", "Split", {"a": [2, 4]}, num_outputs=2**31)
for number, equation in enumerate(["i+j,jk->ik", "i.j,jk->ik", "...i...,jk->ik", "i-,jk->ik"]):
    one(f"equation_{number}", "is malformed", "Einsum", {"a": [2, 3], "b": [3, 4]}, equation=equation)

case("nodes", "the model has 70000 nodes, and at most 65536 can be compiled",
     [node("Add", [f"v{i}", "v0"], [f"v{i + 1}"]) for i in range(70000)], [info("v0", [4])], [info("v70000", [4])])
case("operands", "it has 100000 inputs, and at most 4096 can be compiled", [node("Sum", ["a"] * 100000, ["y"])],
     [info("a", [4])], [info("y", [4])])
case("inputs", "the model has 20000 inputs, and at most 4096 can be compiled", [node("Identity", ["v0"], ["y"])],
     [info(f"v{i}", [4]) for i in range(20000)], [info("y", [4])])
case("outputs", "the model has 20000 outputs, and at most 4096 can be compiled",
     [node("Identity", ["a"], [f"v{i}"]) for i in range(20000)], [info("a", [4])],
     [info(f"v{i}", [4]) for i in range(20000)])
condition = node("Cast", ["x"], ["c"], to=BOOL)


def twice(i, op, domain):
    branch = lambda result: helper.make_graph([node(op, ["x"], [result], domain=domain)], "b", [], [info(result, [])])
    body = [condition, node("If", ["c"], ["y"], then_branch=branch("t"), else_branch=branch("e"))]
    return helper.make_function("f", f"f{i}", ["x"], ["y"], body,
                                [helper.make_opsetid("", 20), helper.make_opsetid("f", 1)])


case("functions_in_branches", "the functions of the model expand to more than", [node("f0", ["x"], ["y"], domain="f")],
     [info("x", [])], [info("y", [])],
     functions=[twice(i, f"f{i + 1}", "f") for i in range(40)] + [twice(40, "Neg", "")])

# Constants that grow each other stop being evaluated, and the model is compiled.
grow = [node("Concat", [f"c{i}"] * 16, [f"c{i + 1}"], axis=0) for i in range(6)]
case("growing_constants", None, grow + [node("Add", ["x", "c6"], ["y"])], [info("x", [64 * 16**6])],
     [info("y", [64 * 16**6])], {"c0": np.arange(64, dtype=np.float32)})
ranges = []
for i in range(400):
    ranges += [
        node("Range", ["zero", "many", "one"], [f"r{i}"]),
        node("Cast", [f"r{i}"], [f"f{i}"], to=FLOAT),
        node("Add", [f"f{i}", f"s{i}"], [f"s{i + 1}"])
    ]
case("many_constants", None, ranges, [info("s0", [1000000])], [info("s400", [1000000])], {
    "zero": np.int64(0),
    "many": np.int64(1000000),
    "one": np.int64(1)
})


def external(name, expected, location, **more):
    weight = TensorProto(name="b", dims=[2, 4], data_type=FLOAT, data_location=TensorProto.EXTERNAL)
    for key, value in {"location": location, **more}.items():
        weight.external_data.add(key=key, value=str(value))
    one(f"external_{name}", expected, "Add", {"a": [2, 4]}, constants={"b": weight})


external("parent", "outside", "../outer.bin")
external("winding", "outside", "folder/../../outer.bin")
external("absolute", "absolute path", "/etc/passwd")
external("device", "absolute path", "/dev/zero")
external("symbolic_link", "symbolic link", "link.bin")
external("linked_device", "symbolic link", "zero")
external("hard_link", "hard link", "hard.bin")
external("linked_folder", "outside", "outer/outer.bin")
external("pipe", "not regular file", "pipe")
external("folder", "not regular file", "folder")
external("offset", "ends before the tensor does", "ok.bin", offset=2**63)
external("length", "bytes for a tensor of 32 bytes", "ok.bin", length=2**64 - 1)
external("number", "is not a number", "ok.bin", offset="0x10")
external("right", None, "ok.bin")


def make_folder():
    inner = os.path.join(FOLDER, "model")
    os.makedirs(os.path.join(inner, "folder"), exist_ok=True)
    for path in os.path.join(FOLDER, "outer.bin"), os.path.join(FOLDER, "hard.bin"), os.path.join(inner, "ok.bin"):
        with open(path, "wb") as file:
            file.write(bytes(32))
    for target, name in ("../outer.bin", "link.bin"), ("/dev/zero", "zero"), ("..", "outer"):
        if not os.path.islink(os.path.join(inner, name)):
            os.symlink(target, os.path.join(inner, name))
    if not os.path.exists(os.path.join(inner, "pipe")):
        os.mkfifo(os.path.join(inner, "pipe"))
        os.link(os.path.join(FOLDER, "hard.bin"), os.path.join(inner, "hard.bin"))
    return inner


def bound_memory():
    """So that a mistake ends the tool and nothing else."""
    resource.setrlimit(resource.RLIMIT_AS, (8 << 30, 8 << 30))


def run(name, expected, path):
    # AddressSanitizer reserves more than there is.
    bound = None if os.environ.get("FOVEA_SANITIZE") else bound_memory
    process = subprocess.Popen([TOOL, path], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, preexec_fn=bound)
    text = process.stderr.read().decode(errors="replace")
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    lines = text.splitlines()
    if expected is None:
        good = process.returncode == 0 and not lines
    else:
        good = process.returncode == 1 and len(lines) == 1 and re.search(expected, text)
    seconds = usage.ru_utime + usage.ru_stime
    if good and usage.ru_maxrss < 2048 * MIB and seconds < 10:
        return True
    print(f"{name}: code {process.returncode}, {seconds:.1f} s, {usage.ru_maxrss // MIB} MiB: {text.strip()[:300]}")
    return False


folder, failed = make_folder(), 0
for name, (expected, data) in CASES.items():
    path = os.path.join(folder, name + ".onnx")
    with open(path, "wb") as file:
        file.write(data)
    failed += not run(name, expected, path)
for path in "/dev/zero", os.path.join(folder, "pipe"), folder:
    failed += not run(path, "cannot read the file|not a regular file", path)
print(f"{len(CASES) + 3} models, {failed} wrong")
sys.exit(failed != 0)
