"""Exports the small models of this folder, with data and the outputs that torch computes in float64.

  python export.py [NAME...]        needs torch, timm and transformers (see VERSIONS), which the tests do not

Each model is a published architecture as its library writes it, made small, with seeded random weights, and exported by
one of torch's two exporters.  A folder gets model.onnx, one test_data_set_<N> for each set of sizes, and run.test.
"""

import copy
import os
import shutil
import sys
import warnings

import numpy as np
import onnx
import torch
from onnx import numpy_helper

VERSIONS = "torch 2.15.0, timm 1.0.31, transformers 5.23.0, onnx 1.23.2"
HERE = os.path.dirname(os.path.abspath(__file__))
LIMIT = 300_000
RUN_TEST = """\
Compiled, it computes what torch computes, and its {sites} attention(s) are recognised.

RUN: fovea-compile %S/model.onnx -o %t.so --remarks=json --remarks-file=%t.remarks.json
{runs}
RUN: %python %source/test/Models/count_attention.py %t.remarks.json {sites}
"""


class Spread(torch.nn.Module):
    """A model of keyword arguments as one of positional arguments, with the first output only."""

    def __init__(self, model, names):
        super().__init__()
        self.model, self.names = model, names

    def forward(self, *args):
        out = self.model(**dict(zip(self.names, args)))
        return out if isinstance(out, torch.Tensor) else out[0]


def image(batch, size):
    return torch.rand(batch, 3, size, size) * 2 - 1


def tokens(batch, length, vocabulary=99):
    return torch.randint(0, vocabulary, (batch, length))


def padding(batch, length):
    mask = torch.ones(batch, length, dtype=torch.int64)
    for b in range(batch):
        mask[b, length - b:] = 0
    return mask


# ---- the models: each returns (module, input names, list of input tuples, dynamic axes) -------------------------------
def vit(dynamic=False, **kw):
    from timm.models.vision_transformer import VisionTransformer
    m = VisionTransformer(img_size=32,
                          patch_size=8,
                          embed_dim=48,
                          depth=2,
                          num_heads=3,
                          mlp_ratio=2,
                          num_classes=10,
                          **kw)
    sets = [(image(2, 32), )] + ([(image(5, 32), )] if dynamic else [])
    return m, ["pixels"], sets, {"pixels": {0: "batch"}} if dynamic else {}


def deit_distilled():
    from timm.models.deit import VisionTransformerDistilled
    m = VisionTransformerDistilled(img_size=32,
                                   patch_size=8,
                                   embed_dim=48,
                                   depth=2,
                                   num_heads=4,
                                   mlp_ratio=2,
                                   num_classes=10)
    return m, ["pixels"], [(image(1, 32), )], {}


def swin():
    from timm.models.swin_transformer import SwinTransformer
    m = SwinTransformer(img_size=32,
                        patch_size=2,
                        window_size=4,
                        embed_dim=12,
                        depths=(2, 2),
                        num_heads=(2, 4),
                        mlp_ratio=2,
                        num_classes=10)
    return m, ["pixels"], [(image(1, 32), )], {}


def bert(attention="eager"):
    from transformers import BertConfig, BertModel
    m = BertModel(
        BertConfig(vocab_size=99,
                   hidden_size=48,
                   num_hidden_layers=2,
                   num_attention_heads=4,
                   intermediate_size=96,
                   max_position_embeddings=40,
                   attn_implementation=attention))
    dynamic = {n: {0: "batch", 1: "sequence"} for n in ("input_ids", "attention_mask")}
    return m, ["input_ids",
               "attention_mask"], [(tokens(b, s), padding(b, s)) for b, s in ((2, 12), (1, 1), (3, 17))], dynamic


def gpt2(attention="eager", dynamic=True):
    from transformers import GPT2Config, GPT2LMHeadModel
    m = GPT2LMHeadModel(
        GPT2Config(vocab_size=99,
                   n_positions=40,
                   n_embd=36,
                   bos_token_id=0,
                   eos_token_id=0,
                   n_layer=2,
                   n_head=3,
                   use_cache=False,
                   attn_implementation=attention))
    axes = {n: {0: "batch", 1: "sequence"} for n in ("input_ids", "attention_mask")} if dynamic else {}
    sizes = ((2, 12), (1, 1), (3, 17)) if dynamic else ((2, 12), )
    return m, ["input_ids", "attention_mask"], [(tokens(b, s), padding(b, s)) for b, s in sizes], axes


def llama(attention="sdpa", masked=False, dynamic=False):
    from transformers import LlamaConfig, LlamaForCausalLM
    m = LlamaForCausalLM(
        LlamaConfig(vocab_size=99,
                    hidden_size=48,
                    intermediate_size=64,
                    num_hidden_layers=2,
                    num_attention_heads=6,
                    num_key_value_heads=2,
                    max_position_embeddings=64,
                    use_cache=False,
                    attn_implementation=attention))
    if masked:
        return m, ["input_ids", "attention_mask"], [(tokens(2, 11), padding(2, 11))], {}
    axes = {"input_ids": {1: "sequence"}} if dynamic else {}
    return m, ["input_ids"], [(tokens(1, n), ) for n in ((11, 1, 30) if dynamic else (11, ))], axes


# name: (builder, exporter, opset, number of attention sites)
MODELS = {
    "vit-legacy-17": (lambda: vit(True), "legacy", 17, 2),
    "vit-dynamo-20": (lambda: vit(qk_norm=True), "dynamo", 20, 2),
    "vit-dynamo-23": (lambda: vit(), "dynamo", 23, 2),
    "deit-distilled-legacy-18": (deit_distilled, "legacy", 18, 2),
    "swin-legacy-17": (swin, "legacy", 17, 4),
    "swin-dynamo-20": (swin, "dynamo", 20, 4),
    "bert-legacy-17": (bert, "legacy", 17, 2),
    "bert-dynamo-21": (lambda: bert("sdpa"), "dynamo", 21, 2),
    "gpt2-legacy-17": (lambda: gpt2("sdpa", dynamic=False), "legacy", 17, 2),
    "gpt2-dynamo-20": (gpt2, "dynamo", 20, 2),
    "llama-legacy-19": (lambda: llama(masked=True), "legacy", 19, 2),
    "llama-dynamo-23": (lambda: llama(dynamic=True), "dynamo", 23, 2),
    "llama-eager-dynamo-18": (lambda: llama("eager"), "dynamo", 18, 2),
}


def randomize(module):
    """Weights large enough that a wrong attention shows in the output."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, p in module.named_parameters():
            if p.ndim > 1:
                p.copy_(torch.randn(p.shape, generator=generator) * 1.5 / p.shape[-1]**0.5)
            else:
                p.add_(torch.randn(p.shape, generator=generator) * 0.1)


def export(module, names, args, axes, exporter, opset, path):
    kw = dict(input_names=names, output_names=["output"], opset_version=opset)
    if exporter == "legacy":
        torch.onnx.export(module,
                          args,
                          path,
                          dynamo=False,
                          dynamic_axes={
                              **axes, "output": {
                                  0: "batch"
                              }
                          } if axes else None,
                          **kw)
    else:
        dims = {}
        auto = lambda a: {i: dims.setdefault(d, torch.export.Dim.DYNAMIC) for i, d in a.items()}
        shapes = (tuple(auto(axes.get(n, {})) for n in names), ) if axes else None  # one argument: *args
        torch.onnx.export(module,
                          args,
                          path,
                          dynamo=True,
                          dynamic_shapes=shapes,
                          external_data=False,
                          verbose=False,
                          **kw)


def strip(model):
    """Without stack traces and source paths of the exporting machine."""
    model.ClearField("doc_string")
    del model.metadata_props[:]
    stack = [model.graph] + [f for f in model.functions]
    while stack:
        g = stack.pop()
        for field in ("metadata_props", ):
            if hasattr(g, field):
                del getattr(g, field)[:]
        g.ClearField("doc_string")
        for n in g.node:
            n.ClearField("doc_string")
            del n.metadata_props[:]
            stack += [a.g for a in n.attribute if a.HasField("g")]
        for v in [*getattr(g, "value_info", []), *getattr(g, "initializer", [])]:
            v.ClearField("doc_string")
            del v.metadata_props[:]


def write(name):
    builder, exporter, opset, sites = MODELS[name]
    torch.manual_seed(0)
    module, names, sets, axes = builder()
    module = module.eval()
    randomize(module)
    spread = Spread(module, names).eval() if len(names) > 1 or names[0] != "pixels" else module
    folder = os.path.join(HERE, name)
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    path = os.path.join(folder, "model.onnx")
    exact = copy.deepcopy(spread).double()
    export(spread, names, sets[0], axes, exporter, opset, path)
    model = onnx.load(path)
    strip(model)
    onnx.checker.check_model(model)
    onnx.save(model, path)
    assert os.path.getsize(path) <= LIMIT, f"{name}: {os.path.getsize(path)} bytes"
    runs = []
    for k, args in enumerate(sets):
        data = os.path.join(folder, f"test_data_set_{k}")
        os.makedirs(data)
        with torch.no_grad():
            want = exact(*[a.double() if a.is_floating_point() else a for a in args]).float()
        for i, (n, a) in enumerate(zip(names, args)):
            with open(f"{data}/input_{i}.pb", "wb") as f:
                f.write(numpy_helper.from_array(a.numpy(), n).SerializeToString())
        with open(f"{data}/output_0.pb", "wb") as f:
            f.write(numpy_helper.from_array(want.numpy(), model.graph.output[0].name).SerializeToString())
        check_with_onnxruntime(path, names, args, want.numpy())
        runs.append(f"RUN: fovea-run %t.so --data-set %S/test_data_set_{k} --rtol 1e-3 --atol 1e-4")
    with open(os.path.join(folder, "run.test"), "w") as f:
        f.write(RUN_TEST.format(sites=sites, runs="\n".join(runs)))
    print(f"{name}: {os.path.getsize(path)} bytes, {len(model.graph.node)} nodes")


def check_with_onnxruntime(path, names, args, want):
    import onnxruntime
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    present = {i.name for i in session.get_inputs()}
    assert present == set(names), (present, names)
    got = session.run(None, {n: a.numpy() for n, a in zip(names, args)})[0]
    np.testing.assert_allclose(got, want, rtol=1e-3, atol=1e-4)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    for model_name in sys.argv[1:] or MODELS:
        write(model_name)
