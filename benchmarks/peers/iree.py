"""IREE: llvm-cpu for the host, imported from ONNX."""

import os
import subprocess
import sys
import tempfile

from . import Prepared, Unsupported, folder_mb, resident

LIMIT_S = 600  # of compilation


def tool(name):
    return os.path.join(os.path.dirname(sys.executable), name)


def compile_model(folder, output):
    with tempfile.TemporaryDirectory() as scratch:
        mlir = os.path.join(scratch, "model.mlir")
        steps = [[tool("iree-import-onnx"), os.path.join(folder, "model.onnx"), "--opset-version", "20", "-o", mlir],
                 [tool("iree-compile"), mlir, "--iree-hal-target-device=local",
                  "--iree-hal-local-target-device-backends=llvm-cpu", "--iree-llvmcpu-target-cpu=host",
                  "--iree-llvmcpu-stack-allocation-limit=1048576", "-o", output]]  # yapf: disable
        for command in steps:
            try:
                done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S)
            except subprocess.TimeoutExpired as error:
                raise Unsupported(f"compilation takes over {LIMIT_S} s") from error
            if done.returncode:
                lines = done.stderr.strip().splitlines() or [f"signal {-done.returncode}"]
                raise Unsupported(next((line for line in lines if "error" in line), lines[-1])[-200:])


def prepare(case, inputs, threads, folder):
    import iree.runtime as rt
    import numpy as np
    if case["dtype"] != "f32":
        raise Unsupported("only float32 here")
    path = os.path.join(case["scratch"], "model.vmfb")
    compile_model(folder, path)
    rt.flags.parse_flags(f"--task_topology_group_count={threads}")
    config = rt.Config("local-task")
    module = rt.load_vm_module(rt.VmModule.mmap(config.vm_instance, path), config)
    names = [n for n in module.vm_module.function_names if not n.startswith("__") and not n.endswith("$async")]
    function = module[names[0]]
    given = [rt.asdevicearray(config.device, np.ascontiguousarray(a)) for a in inputs.values()]
    last = []

    def run():
        out = function(*given)
        last[:] = out if isinstance(out, (tuple, list)) else [out]

    return Prepared(run, lambda: [np.asarray(o.to_host()) for o in last],
                    {"loaded_mb": resident(), "shipped_mb": os.path.getsize(path) / 2**20})  # yapf: disable


def shipped():
    import iree.runtime
    return folder_mb(os.path.dirname(iree.runtime.__file__), ["_runtime", "libIREE"]) or folder_mb(
        os.path.join(os.path.dirname(os.path.dirname(iree.runtime.__file__)), "_runtime_libs"), ["_runtime"])
