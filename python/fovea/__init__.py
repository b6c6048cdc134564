"""Fovea from Python: compile an ONNX model, open the library, run it on NumPy arrays.

    import fovea
    model = fovea.compile("vit.onnx")          # or fovea.Library("vit.so")
    logits, = model.run({"pixel_values": pixels})

The compiler is the tool fovea-compile: of $FOVEA_BIN, of PATH, or of build/bin of this source tree. A compiled library
needs neither it nor this package.
"""

from .compiler import CompileError, compile, find_tool
from .library import Library, RunError, ValueInfo

__all__ = ["CompileError", "Library", "RunError", "ValueInfo", "compile", "find_tool"]
