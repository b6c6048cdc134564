"""OpenVINO on CPU. Its default precision is bfloat16 where the CPU has it: float32 is asked for, as the others use it."""

import os

from . import Prepared, Unsupported, folder_mb, resident


def prepare(case, inputs, threads, folder):
    import numpy as np
    import openvino as ov
    core = ov.Core()
    config = {
        "INFERENCE_PRECISION_HINT": {"f32": "f32", "bf16": "bf16"}[case["dtype"]],
        "INFERENCE_NUM_THREADS": threads,
        "NUM_STREAMS": 1,
        "PERFORMANCE_HINT": "LATENCY",
        "ENABLE_CPU_PINNING": False  # the process is pinned from outside, as all are
    }
    try:
        compiled = core.compile_model(core.read_model(os.path.join(folder, "model.onnx")), "CPU", config)
        request = compiled.create_infer_request()
        # A tensor does not keep the array alive whose memory it shares.
        kept = [np.array(inputs[port.get_any_name()], order="C") for port in compiled.inputs]
        for port, array in zip(compiled.inputs, kept):
            request.set_tensor(port, tensor_of(ov, array))
        loaded = resident()
        request.infer()
    except Exception as error:  # its exceptions have no common base
        text = [line for line in str(error).splitlines() if line.strip()]
        raise Unsupported(text[-1][:200] if text else type(error).__name__) from error
    return Prepared(lambda keep=kept: request.infer(), lambda: [value_of(request.get_tensor(p)) for p in compiled.outputs],
                    {"loaded_mb": loaded})


def tensor_of(ov, array):
    import numpy as np
    if array.dtype.name == "bfloat16":  # given as its bits
        return ov.Tensor(array.view(np.uint16), array.shape, ov.Type.bf16)
    return ov.Tensor(array, shared_memory=True)


def value_of(tensor):
    if tensor.element_type.get_type_name() == "bf16":
        import ml_dtypes
        return tensor.data.view(ml_dtypes.bfloat16) if tensor.data.dtype.itemsize == 2 else tensor.data
    return tensor.data


def shipped():
    import openvino
    return folder_mb(os.path.join(os.path.dirname(openvino.__file__), "libs"),
                     ["libopenvino.so", "libopenvino_intel_cpu", "libopenvino_onnx", "libtbb.so", "libtbbmalloc.so"])
