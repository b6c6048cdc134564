"""Fovea: the library that fovea-compile writes, through the Python package of this tree."""

import os
import subprocess
import sys
import time

from . import Prepared, Unsupported, resident

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def compile_case(build, folder, output):
    """Compiles the model of a case: what it took, without kernels kept from before."""
    tool = os.path.join(build, "bin", "fovea-compile")
    command = [tool, os.path.join(folder, "model.onnx"), "-o", output, "--no-cache"]
    begin = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, errors="replace")
    if done.returncode:
        raise Unsupported(done.stderr.strip().splitlines()[-1] if done.stderr.strip() else f"signal {-done.returncode}")
    return {"compile_s": time.perf_counter() - begin, "shipped_mb": os.path.getsize(output) / 2**20}


def prepare(_, inputs, threads, lib):
    sys.path.insert(0, os.path.join(ROOT, "python"))
    from fovea.library import Library
    library = Library(lib)
    library.set_threads(threads)
    loaded = resident()
    run, results = library.bind({info.name: inputs[info.name] for info in library.inputs})
    return Prepared(run, lambda: results, {"loaded_mb": loaded})


def shipped():
    return 0.0  # the runtime is in the library of the model
