"""The compared programs. Each module here tells `prepare(case, inputs, threads, path)`
-> Prepared, and `shipped()` -> MB of its libraries. Facts of Prepared: loaded_mb, what the process holds before the first
run; shipped_mb, the size of what is made of the model.

What a peer cannot do it says by raising Unsupported; a package that is not installed is reported as absent.
"""

from dataclasses import dataclass, field

NAMES = ("fovea", "onnxruntime", "openvino", "torch", "torch-compile", "torch-flex", "iree")
MAIN = ("onnxruntime", "openvino")


class Unsupported(Exception):
    """The peer has no way to run the case; the text says why."""


@dataclass
class Prepared:
    run: object  # () -> None, one run on bound memory
    results: object  # () -> list of arrays, what the last run wrote
    facts: dict = field(default_factory=dict)


def module(name):
    import importlib
    return importlib.import_module("peers." + name.split("-")[0])


def package(name):
    """The distribution that has to be installed, or None."""
    return {"fovea": None, "onnxruntime": "onnxruntime", "openvino": "openvino", "iree": "iree-base-compiler"}.get(
        name, "torch")  # yapf: disable


def version(name):
    """The installed version, or None where the peer is absent."""
    from importlib import metadata
    try:
        return metadata.version(package(name)) if package(name) else "this tree"
    except metadata.PackageNotFoundError:
        return None


def resident():
    """What the process holds in memory now, in MB."""
    with open("/proc/self/status", encoding="ascii") as f:
        return next(int(line.split()[1]) / 1024 for line in f if line.startswith("VmRSS"))


def folder_mb(path, names):
    """The size of the files below a folder that have one of these names, or start with them."""
    import os
    total = 0
    for root, _, files in os.walk(path):
        total += sum(os.path.getsize(os.path.join(root, f)) for f in files if f.startswith(tuple(names)))
    return total / 2**20
