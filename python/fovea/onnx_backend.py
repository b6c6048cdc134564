"""Fovea as a backend of ONNX's own tests.

The class has the interface of onnx.backend.base.Backend, so that ONNX's runner drives it:

    onnx.backend.test.BackendTest(fovea.onnx_backend.Backend, __name__)

As a program it runs all those tests, each in a process of its own:

    python -m fovea.onnx_backend [--filter REGEX] [--jobs N] [--expect FILE] ...
"""

import sys

import onnx.backend.base as base

from .compiler import compile


class Representation(base.BackendRep):
    """A compiled model."""

    def __init__(self, library):
        self.library = library

    def run(self, inputs, **_):
        return tuple(self.library.run(inputs if isinstance(inputs, dict) else list(inputs)))


class Backend(base.Backend):
    """Compiles for the CPU of this machine."""

    flags = []
    threads = 0

    @classmethod
    def supports_device(cls, device):
        return device == "CPU"

    @classmethod
    def prepare(cls, model, device="CPU", **_):
        library = compile(model, flags=cls.flags)
        library.set_threads(cls.threads)
        return Representation(library)


# ONNX's convention: a backend may be a module as well.
prepare = Backend.prepare
run_model = Backend.run_model
supports_device = Backend.supports_device
is_compatible = Backend.is_compatible

if __name__ == "__main__":
    from .conformance import main
    sys.exit(main())
