"""Small models, compiled and run by the tools, against expected arrays.

    case("relu", [("Relu", ["x"], ["y"])], {"x": x}, {"y": np.maximum(x, 0)})
    ...
    main()

A list of arrays is a sequence, and None an optional without a value.

Cases are independent graphs, but are compiled together, as one model with all their inputs and outputs, so that a file
of many cases costs few compilations: those of one opset share models.  Where that fails, each is compiled alone, to say
which case it was.  A case with dynamic sizes or several sets of inputs has a model of its own.
"""

import json
import os
import subprocess
import sys
import tempfile

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

BIN = os.environ.get("FOVEA_BIN", "")
IR_VERSION = 10
DOMAINS = {"ai.onnx.ml": 5, "ai.onnx.preview.training": 1, "com.microsoft": 1}
MAX_NODES = 40
CASES = []


class Case:

    def __init__(self,
                 name,
                 nodes,
                 inputs,
                 outputs,
                 constants=None,
                 opset=20,
                 rtol=1e-4,
                 atol=1e-5,
                 shapes=None,
                 types=None,
                 sets=None):
        self.name, self.opset, self.rtol, self.atol = name, opset, rtol, atol
        self.types = types or {}
        self.constants = constants or {}
        self.sets = [(inputs, outputs)] + (sets or [])
        self.shapes = shapes or {}
        self.nodes = [n if isinstance(n, onnx.NodeProto) else node(*n) for n in nodes]
        self.alone = bool(shapes or sets)


def node(op, inputs, outputs, **attributes):
    return helper.make_node(op, inputs, outputs, **attributes)


def case(name, nodes, inputs, outputs, **kw):
    """Nodes are (op, inputs, outputs) or made by node(); inputs, outputs and constants are dicts of arrays.

    shapes: {"x": ["batch", 3]} declares symbolic sizes of inputs or outputs; types: {"x": TypeProto} declares what is not
    a tensor, or not the array that is given; sets: further (inputs, outputs) to run.
    """
    assert all(c.name != name for c in CASES), name
    CASES.append(Case(name, nodes, inputs, outputs, **kw))


def sequence_of(dtype, shape=None):
    return helper.make_sequence_type_proto(helper.make_tensor_type_proto(dtype, shape))


def value_info(name, array, shape=None, declared=None):
    if declared:
        return helper.make_value_info(name, declared)
    if isinstance(array, list):
        return helper.make_value_info(name, sequence_of(helper.np_dtype_to_tensor_dtype(array[0].dtype), shape))
    return helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(array.dtype),
                                         array.shape if shape is None else shape)


def rename(graph_nodes, prefix, names):
    """The nodes with every value name prefixed, inside of subgraphs too."""
    new = lambda s: prefix + s if s else s
    for n in graph_nodes:
        n.input[:] = [new(s) for s in n.input]
        n.output[:] = [new(s) for s in n.output]
        n.name = new(n.name or n.output[0])
        for a in n.attribute:
            if a.HasField("g"):
                rename(a.g.node, prefix, names)
                for v in [*a.g.input, *a.g.output, *a.g.initializer, *a.g.value_info]:
                    v.name = new(v.name)


def model_of(cases):
    nodes, inputs, outputs, constants = [], [], [], []
    for c in cases:
        own = [onnx.NodeProto.FromString(n.SerializeToString()) for n in c.nodes]
        prefix = c.name + "_"
        rename(own, prefix, set())
        nodes += own
        ins, outs = c.sets[0]
        inputs += [value_info(prefix + n, a, c.shapes.get(n), c.types.get(n)) for n, a in ins.items()]
        outputs += [value_info(prefix + n, a, c.shapes.get(n), c.types.get(n)) for n, a in outs.items()]
        constants += [numpy_helper.from_array(np.asarray(a, order="C"), prefix + n) for n, a in c.constants.items()]
    graph = helper.make_graph(nodes, "cases", inputs, outputs, constants)
    opsets = {"": cases[0].opset, **{n.domain: DOMAINS[n.domain] for n in nodes if n.domain}}
    imports = [helper.make_opsetid(domain, version) for domain, version in opsets.items()]
    version = max(IR_VERSION, helper.find_min_ir_version_for(imports, ignore_unknown=True))
    model = helper.make_model(graph, opset_imports=imports, ir_version=version)
    onnx.checker.check_model(model)
    return model


def tool(name, *args):
    got = subprocess.run([os.path.join(BIN, name), *args], capture_output=True, text=True, timeout=280)
    return got.returncode, (got.stdout + got.stderr).strip()


def fill(name, value, folder):
    """Writes an input and returns the arguments for it."""
    if value is None or (isinstance(value, list) and not value):
        return ["--input", f"{name}=" + ("" if value is None else "[]")]
    args = []
    for i, array in enumerate(value if isinstance(value, list) else [value]):
        path = os.path.join(folder, f"{name}.{i}.npy")
        np.save(path, array)
        args += ["--input", f"{name}={path}"]
    return args


def read(name, want, folder):
    """The output of this name, which is of the kind that is expected."""
    path = os.path.join(folder, name)
    if isinstance(want, (np.ndarray, np.generic)):
        return np.load(path + ".npy")
    got = []
    while os.path.exists(f"{path}.{len(got)}.npy"):
        got.append(np.load(f"{path}.{len(got)}.npy"))
    return got


def compare(got, want, rtol, atol):
    """None, or what differs."""
    if isinstance(want, list):
        if len(got) != len(want):
            return f"a sequence of {len(got)}, expected {len(want)}"
        problems = [compare(g, w, rtol, atol) for g, w in zip(got, want)]
        return next((f"element {i}: {p}" for i, p in enumerate(problems) if p), None)
    if want is None:
        return f"expected nothing, got {len(got)} tensors" if got else None
    want_type = want.dtype
    if got.dtype.kind == "V" and got.dtype.itemsize == want_type.itemsize:
        got = got.view(want_type)  # a type that NumPy's format has no name for
    if got.shape != want.shape:
        return f"shape {got.shape}, expected {want.shape}"
    if got.dtype != want_type:
        return f"dtype {got.dtype}, expected {want_type}"
    if want_type.kind in "biu":
        bad = got != want
    else:
        with np.errstate(all="ignore"):
            bad = ~np.isclose(got.astype(np.float64), want.astype(np.float64), rtol=rtol, atol=atol, equal_nan=True)
    if bad.any():
        i = tuple(int(k) for k in np.argwhere(bad)[0])
        return f"{int(bad.sum())} of {bad.size} differ, first at {i}: {got[i]}, expected {want[i]}"


def run_cases(cases, folder):
    """Returns ({case: problem or None}, or a string: that nothing could be run)."""
    path, lib = os.path.join(folder, "model.onnx"), os.path.join(folder, "model.so")
    onnx.save(model_of(cases), path)
    code, text = tool("fovea-compile", path, "-o", lib)
    if code:
        return f"fovea-compile exits with {code}: {text[-600:]}"
    problems = {c.name: None for c in cases}
    for k in range(len(cases[0].sets)):
        data = os.path.join(folder, f"set{k}")
        os.makedirs(os.path.join(data, "out"))
        args = [a for c in cases for n, x in c.sets[k][0].items() for a in fill(f"{c.name}_{n}", x, data)]
        code, text = tool("fovea-run", lib, *args, "--output-dir", os.path.join(data, "out"))
        if code:
            return f"fovea-run exits with {code}: {text[-600:]}"
        for c in cases:
            for n, want in c.sets[k][1].items():
                got = read(f"{c.name}_{n}", want, os.path.join(data, "out"))
                what = compare(got, want, c.rtol, c.atol)
                if what:
                    problems[c.name] = f"set {k}, output {n}: {what}"
    return problems


def run_group(cases):
    with tempfile.TemporaryDirectory() as folder:
        got = run_cases(cases, folder)
    if isinstance(got, dict):
        return got
    if len(cases) == 1:
        return {cases[0].name: got}
    problems = {}
    for c in cases:
        problems.update(run_group([c]))
    if not any(problems.values()):
        problems[cases[0].name + "..."] = "alone each case passes, but together: " + got
    return problems


def parts(cases):
    """Cases of about MAX_NODES nodes: an entry with thousands of arguments takes longer than the rest of its model."""
    part, nodes = [], 0
    for c in cases:
        if part and nodes + len(c.nodes) > MAX_NODES:
            yield part
            part, nodes = [], 0
        part.append(c)
        nodes += len(c.nodes)
    if part:
        yield part


def main():
    """Runs all cases, or those named on the command line; exits with 1 if any fails."""
    chosen = [c for c in CASES if not sys.argv[1:] or c.name in sys.argv[1:]]
    groups = {}
    for c in chosen:
        groups.setdefault((c.opset, c.name if c.alone else None), []).append(c)
    problems = {}
    for group in groups.values():
        for part in parts(group):
            problems.update(run_group(part))
    for name, what in problems.items():
        if what:
            print(f"{name}: {what}")
    failed = sum(1 for what in problems.values() if what)
    print(f"{len(chosen) - min(failed, len(chosen))} of {len(chosen)} cases pass")
    sys.exit(1 if failed or not chosen else 0)
