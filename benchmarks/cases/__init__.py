"""The cases: what is measured. A case is a folder as ONNX's backend tests have it, made once and kept in the cache."""

import hashlib
import json
import os
import subprocess
import sys
from dataclasses import dataclass, field

HERE = os.path.dirname(os.path.abspath(__file__))


@dataclass(frozen=True)
class Case:
    name: str  # a form of the same work follows a dot: a1, a1.op
    group: str
    what: str
    write: object = None  # (folder) -> None; without it, cases/export.py does it in a process of its own
    dtype: str = "f32"
    threads: tuple = (2, )
    peers: tuple = ()  # only these; empty: all
    from_memory: bool = False  # what it reads is not in a cache at the start of a run, as in a model
    cold_start: bool = False
    packages: tuple = ("onnx", "numpy")  # what the folder depends on, beside the sources here
    sources: tuple = field(default=("graph.py", ))

    @property
    def base(self):
        return self.name.split(".")[0]

    def key(self):
        """Changes with whatever would write another folder."""
        from importlib.metadata import PackageNotFoundError, version
        parts = [self.name]
        for package in self.packages:
            try:
                parts.append(f"{package} {version(package)}")
            except PackageNotFoundError:
                parts.append(f"no {package}")
        digest = hashlib.sha256("\n".join(parts).encode())
        for source in self.sources:
            with open(os.path.join(HERE, source), "rb") as f:
                digest.update(f.read())
        return digest.hexdigest()[:12]

    def folder(self, cache):
        """The folder of the case, written if it is not there yet. RuntimeError says why it cannot be."""
        path = os.path.join(cache, "cases", f"{self.name}-{self.key()}")
        if not os.path.exists(os.path.join(path, "facts.json")):
            os.makedirs(path, exist_ok=True)
            if self.write:
                self.write(path)
            else:
                done = subprocess.run([sys.executable, os.path.join(HERE, "export.py"), self.base, path],
                                      capture_output=True,
                                      text=True)
                if done.returncode:
                    raise RuntimeError((done.stderr.strip().splitlines() or ["export failed"])[-1])
        return path


def facts(folder):
    with open(os.path.join(folder, "facts.json"), encoding="utf-8") as f:
        return json.load(f)


def arrays(folder, kind):
    """The inputs or outputs of a folder, by name, in the order of the model."""
    import onnx
    from onnx import numpy_helper
    found, data = {}, os.path.join(folder, "test_data_set_0")
    for i in range(len([f for f in os.listdir(data) if f.startswith(kind)])):
        with open(os.path.join(data, f"{kind}_{i}.pb"), "rb") as f:
            tensor = onnx.TensorProto.FromString(f.read())
        found[tensor.name] = numpy_helper.to_array(tensor)
    return found


def all_cases():
    from . import attention, matmul, whole
    cases = [*attention.CASES, *matmul.CASES, *whole.CASES]
    return {c.name: c for c in cases}


def given(model, data_set):
    """A case of a user's model and data; how many operations it has is not known."""
    model = os.path.abspath(model)
    data = [os.path.join(os.path.abspath(data_set), f) for f in sorted(os.listdir(data_set))]

    def write(folder):
        link(model, os.path.join(folder, "model.onnx"))
        for name in os.listdir(os.path.dirname(model)):  # weights that the model keeps in files of their own
            link(os.path.join(os.path.dirname(model), name), os.path.join(folder, name))
        os.makedirs(os.path.join(folder, "test_data_set_0"), exist_ok=True)
        for path in data:
            link(path, os.path.join(folder, "test_data_set_0", os.path.basename(path)))
        size = lambda kind: sum(a.nbytes for a in arrays(folder, kind).values())
        told = {"flop": 0, "dense_flop": 0, "weight_bytes": 0, "inputs": size("input"), "outputs": size("output")}
        with open(os.path.join(folder, "facts.json"), "w", encoding="utf-8") as f:
            json.dump(told, f)

    def link(path, name):
        if not os.path.lexists(name):
            os.symlink(path, name)

    return Case(os.path.basename(os.path.dirname(model)), "given", model, write, sources=(model, *data))
