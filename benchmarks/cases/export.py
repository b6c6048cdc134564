"""Writes a model as ONNX with inputs and the outputs that torch computes in float64.

  export.py NAME FOLDER      FOLDER gets model.onnx, test_data_set_0/ and facts.json
"""

import copy
import json
import os
import sys
import warnings


def randomize(module):
    """Biases and norms that are neither zero nor one, so that none is folded away."""
    import torch
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for p in module.parameters():
            if p.ndim <= 1:
                p.add_(torch.randn(p.shape, generator=generator) * 0.05)


def build(name):
    """The module in evaluation mode, its inputs by name, and the operations that masks save."""
    import torch

    from cases.models import MODELS
    torch.manual_seed(0)
    module, inputs, masked = MODELS[name].build()
    module = module.eval().requires_grad_(False)
    randomize(module)
    return module, inputs, masked


def exact(module, inputs):
    """What the module computes in float64, in float32, and the number of operations."""
    import torch
    from torch.nn.attention import SDPBackend, sdpa_kernel
    from torch.utils.flop_counter import FlopCounterMode
    double = copy.deepcopy(module).double()
    args = [t.double() if t.is_floating_point() else t for t in inputs.values()]
    counter = FlopCounterMode(display=False)
    # As products of matrices, which is what the counter counts.
    with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), counter:
        out = double(*args)
    out = out if isinstance(out, (tuple, list)) else [out]
    return [t.float().numpy() for t in out], counter.get_total_flops()


def write_onnx(module, inputs, path, model):
    import torch
    kw = dict(input_names=list(inputs), opset_version=model.opset, verbose=False)
    if model.exporter == "dynamo":
        torch.onnx.export(module, tuple(inputs.values()), path, dynamo=True, external_data=False, **kw)
    else:
        torch.onnx.export(module, tuple(inputs.values()), path, dynamo=False, **kw)


def write_data(folder, graph, inputs, outputs):
    from onnx import numpy_helper
    data = os.path.join(folder, "test_data_set_0")
    os.makedirs(data, exist_ok=True)
    constants = {c.name for c in graph.initializer}
    names = [i.name for i in graph.input if i.name not in constants]
    for i, name in enumerate(names):
        with open(f"{data}/input_{i}.pb", "wb") as f:
            f.write(numpy_helper.from_array(inputs[name], name).SerializeToString())
    for i, (info, value) in enumerate(zip(graph.output, outputs, strict=True)):
        with open(f"{data}/output_{i}.pb", "wb") as f:
            f.write(numpy_helper.from_array(value, info.name).SerializeToString())
    return {"inputs": sum(inputs[n].nbytes for n in names), "outputs": sum(v.nbytes for v in outputs)}


def main(name, folder):
    import onnx

    from cases.models import MODELS
    warnings.simplefilter("ignore")
    os.makedirs(folder, exist_ok=True)
    module, inputs, masked = build(name)
    outputs, flop = exact(module, inputs)
    path = os.path.join(folder, "model.onnx")
    write_onnx(module, inputs, path, MODELS[name])
    graph = onnx.load(path).graph
    arrays = {n: t.numpy() for n, t in inputs.items()}
    bytes_of = write_data(folder, graph, arrays, outputs)
    weights = sum(p.nbytes for p in module.parameters())
    facts = {"flop": flop - masked, "dense_flop": flop, "weight_bytes": weights, **bytes_of}
    with open(os.path.join(folder, "facts.json"), "w") as f:  # last: it says that the folder is complete
        json.dump(facts, f)
    print(f"{name}: {facts['flop'] / 1e9:.2f} GFLOP, {os.path.getsize(path) / 1e6:.0f} MB, {len(graph.node)} nodes")


if __name__ == "__main__":
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    main(*sys.argv[1:])
