"""ONNX Runtime on its CPU provider, all optimizations, inputs and outputs bound."""

import os

from . import Prepared, Unsupported, folder_mb, resident


def prepare(case, inputs, threads, folder):
    import onnxruntime as ort
    options = ort.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads, options.log_severity_level = threads, 1, 4
    try:
        session = ort.InferenceSession(os.path.join(folder, "model.onnx"), options, providers=["CPUExecutionProvider"])
        return bind(ort, session, inputs, case["facts"].get("shared", {}))
    except Exception as error:  # its exceptions have no common base
        raise Unsupported(str(error).strip().splitlines()[0][:200]) from error


def bind(ort, session, inputs, shared):
    import numpy as np
    feeds = {i.name: ort.OrtValue.ortvalue_from_numpy(np.ascontiguousarray(inputs[i.name]))
             for i in session.get_inputs()}  # yapf: disable
    names = [o.name for o in session.get_outputs()]
    first = session.io_binding()
    for name, value in feeds.items():
        first.bind_ortvalue_input(name, value)
    for name in names:
        if name in shared:  # a cache that is written in place
            first.bind_ortvalue_output(name, feeds[shared[name]])
        else:
            first.bind_output(name)
    loaded = resident()
    session.run_with_iobinding(first)
    values = first.get_outputs()
    binding = session.io_binding()
    for name, value in feeds.items():
        binding.bind_ortvalue_input(name, value)
    for name, value in zip(names, values):
        binding.bind_ortvalue_output(name, value)
    return Prepared(lambda: session.run_with_iobinding(binding), lambda: [v.numpy() for v in values],
                    {"loaded_mb": loaded})


def shipped():
    import onnxruntime
    return folder_mb(os.path.dirname(onnxruntime.__file__), ["libonnxruntime.so"]) or folder_mb(
        os.path.join(os.path.dirname(onnxruntime.__file__), "capi"), ["onnxruntime_pybind11_state"])
