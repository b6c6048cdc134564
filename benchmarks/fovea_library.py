"""A compiled model through its C interface (include/fovea/Runtime/fovea.h), by ctypes: nothing but NumPy is needed."""

import ctypes as c

import numpy as np

API_VERSION, MAX_RANK = 1, 16
DTYPES = {
    1: np.float32, 2: np.uint8, 3: np.int8, 4: np.uint16, 5: np.int16, 6: np.int32, 7: np.int64, 9: np.bool_,
    10: np.float16, 11: np.float64, 12: np.uint32, 13: np.uint64
}  # yapf: disable
NUMBERS = {np.dtype(t): n for n, t in DTYPES.items()}


class Tensor(c.Structure):
    _fields_ = [("data", c.c_void_p), ("dtype", c.c_int32), ("rank", c.c_int32), ("shape", c.c_int64 * MAX_RANK),
                ("owner", c.c_void_p)]


class TensorInfo(c.Structure):
    _fields_ = [("name", c.c_char_p), ("dtype", c.c_int32), ("rank", c.c_int32), ("dims", c.POINTER(c.c_int64)),
                ("symbols", c.POINTER(c.c_char_p))]


_text = c.CFUNCTYPE(c.c_char_p)
_info = c.CFUNCTYPE(c.POINTER(TensorInfo), c.c_int32)


class Api(c.Structure):
    """The members of fovea_api up to the last one used here, in their order."""
    _fields_ = [("version", c.c_uint32), ("size", c.c_uint32), ("last_error", _text), ("model_name", _text),
                ("build_id", _text), ("target_cpu", _text),
                ("manifest", _text), ("input_count", c.CFUNCTYPE(c.c_int32)), ("output_count", c.CFUNCTYPE(c.c_int32)),
                ("input_info", _info), ("output_info", _info), ("kernel_count", c.CFUNCTYPE(c.c_int32)),
                ("kernel_name", c.CFUNCTYPE(c.c_char_p, c.c_int32)),
                ("open", c.CFUNCTYPE(c.c_int, c.POINTER(c.c_void_p))), ("close", c.CFUNCTYPE(None, c.c_void_p)),
                ("set_threads", c.CFUNCTYPE(c.c_int, c.c_void_p, c.c_int32)),
                ("run", c.CFUNCTYPE(c.c_int, c.c_void_p, c.POINTER(Tensor), c.c_int32, c.POINTER(Tensor), c.c_int32)),
                ("free_tensor", c.CFUNCTYPE(None, c.POINTER(Tensor)))]


def describe(array):
    t = Tensor(array.ctypes.data, NUMBERS[array.dtype], array.ndim)
    t.shape[:array.ndim] = array.shape
    return t


class Library:

    def __init__(self, path, threads=0):
        get = c.CDLL(path).fovea_get_api
        get.restype, get.argtypes = c.POINTER(Api), [c.c_uint32]
        table = get(API_VERSION)
        if not table:
            raise RuntimeError(f"{path} does not serve version {API_VERSION} of the interface")
        self.api, self.model = table.contents, c.c_void_p()
        self.check(self.api.open(c.byref(self.model)))
        self.check(self.api.set_threads(self.model, threads))
        self.inputs = [self.api.input_info(i).contents.name.decode() for i in range(self.api.input_count())]

    def check(self, status):
        if status:
            raise RuntimeError(self.api.last_error().decode())

    def prepare(self, feeds):
        """Returns (a function that runs the model once, its output arrays), with all tensors in place."""
        arrays = [np.ascontiguousarray(feeds[n]) for n in self.inputs]
        ins = (Tensor * len(arrays))(*map(describe, arrays))
        n = self.api.output_count()
        first = (Tensor * n)()
        self.check(self.api.run(self.model, ins, len(arrays), first, n))
        results = [np.empty(tuple(t.shape[:t.rank]), DTYPES[t.dtype]) for t in first]
        for t in first:
            self.api.free_tensor(c.byref(t))
        outs = (Tensor * n)(*map(describe, results))

        def run(keep=(arrays, results)):
            status = self.api.run(self.model, ins, len(ins), outs, n)
            if status:
                self.check(status)

        return run, results
