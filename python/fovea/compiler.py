"""Calls fovea-compile."""

import os
import shutil
import subprocess
import tempfile

from .library import Library


class CompileError(Exception):
    """The model was refused; the text is the compiler's line, without its name."""


def find_tool(name):
    """The path of a tool of Fovea: in $FOVEA_BIN, on PATH, or in build/bin of this source tree."""
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    folders = [os.environ.get("FOVEA_BIN"), os.environ.get("PATH"), os.path.join(root, "build", "bin")]
    path = shutil.which(name, path=os.pathsep.join(f for f in folders if f))
    if not path:
        raise FileNotFoundError(f"{name} is not found: set FOVEA_BIN to the folder that holds it")
    return path


def compile(model, output=None, flags=(), timeout=None):
    """Compiles a model and opens the library.

    model: the path of a .onnx file, its bytes, or an onnx.ModelProto.
    output: where the library goes; without it, it lives as long as the process.
    flags: further arguments of fovea-compile, such as ["--dim", "batch=1"].
    timeout: seconds; then subprocess.TimeoutExpired.
    Raises CompileError with the compiler's diagnostic.
    """
    with tempfile.TemporaryDirectory(prefix="fovea-") as folder:
        if not isinstance(model, (str, os.PathLike)):
            data = model if isinstance(model, bytes) else model.SerializeToString()
            model = os.path.join(folder, "model.onnx")
            with open(model, "wb") as f:
                f.write(data)
        # Once it is open, a library needs its name no longer.
        library = output or os.path.join(folder, "model.so")
        command = [find_tool("fovea-compile"), os.fspath(model), "-o", os.fspath(library), *flags]
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=timeout)
        if done.returncode < 0:
            raise RuntimeError(f"fovea-compile died of signal {-done.returncode}: {done.stderr.strip()}")
        if done.returncode:
            raise CompileError(done.stderr.strip().removeprefix("fovea-compile: error: "))
        return Library(library)
