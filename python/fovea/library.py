"""A compiled library, through its C interface (include/fovea/Runtime/fovea.h)."""

import ctypes
import os
from dataclasses import dataclass

import numpy as np

API_VERSION = 2
MAX_RANK = 16
_SEQUENCE, _ABSENT = -1, 0
_KIND_SEQUENCE, _KIND_OPTIONAL = 1, 2


class RunError(Exception):
    """A call failed; the text is the library's message."""


class _Tensor(ctypes.Structure):
    _fields_ = [
        ("data", ctypes.c_void_p),
        ("dtype", ctypes.c_int32),
        ("rank", ctypes.c_int32),
        ("shape", ctypes.c_int64 * MAX_RANK),
        ("owner", ctypes.c_void_p),
    ]


class _Info(ctypes.Structure):
    _fields_ = [
        ("name", ctypes.c_char_p),
        ("dtype", ctypes.c_int32),
        ("rank", ctypes.c_int32),
        ("dims", ctypes.POINTER(ctypes.c_int64)),
        ("symbols", ctypes.POINTER(ctypes.c_char_p)),
        ("kind", ctypes.c_int32),
    ]


_TEXT = ctypes.CFUNCTYPE(ctypes.c_char_p)
_COUNT = ctypes.CFUNCTYPE(ctypes.c_int32)
_INFO = ctypes.CFUNCTYPE(ctypes.POINTER(_Info), ctypes.c_int32)


class _Api(ctypes.Structure):
    """The head of fovea_api; later members are not used here."""

    _fields_ = [
        ("version", ctypes.c_uint32),
        ("size", ctypes.c_uint32),
        ("last_error", _TEXT),
        ("model_name", _TEXT),
        ("build_id", _TEXT),
        ("target_cpu", _TEXT),
        ("manifest", _TEXT),
        ("input_count", _COUNT),
        ("output_count", _COUNT),
        ("input_info", _INFO),
        ("output_info", _INFO),
        ("kernel_count", _COUNT),
        ("kernel_name", ctypes.CFUNCTYPE(ctypes.c_char_p, ctypes.c_int32)),
        ("open", ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_void_p))),
        ("close", ctypes.CFUNCTYPE(None, ctypes.c_void_p)),
        ("set_threads", ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int32)),
        ("run",
         ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.POINTER(_Tensor), ctypes.c_int32,
                          ctypes.POINTER(_Tensor), ctypes.c_int32)),
        ("free_tensor", ctypes.CFUNCTYPE(None, ctypes.POINTER(_Tensor))),
    ]


@dataclass(frozen=True)
class ValueInfo:
    """An input or output: shape holds a size, the name of a symbolic size, or None; it is None if any rank may come.

    A sequence is a list of arrays, of which dtype and shape tell what each is; an optional is a value or None.
    """

    name: str
    dtype: np.dtype
    shape: tuple
    onnx_type: int  # the number of dtype in ONNX's TensorProto
    is_sequence: bool = False
    is_optional: bool = False


def _numpy_dtype(dtype):
    """The NumPy type of an element type, which has the number that it has in ONNX."""
    names = {
        1: "float32",
        2: "uint8",
        3: "int8",
        4: "uint16",
        5: "int16",
        6: "int32",
        7: "int64",
        9: "bool",
        10: "float16",
        11: "float64",
        12: "uint32",
        13: "uint64"
    }
    if dtype in names:
        return np.dtype(names[dtype])
    import ml_dtypes  # NumPy has no type of its own for the rest
    more = {
        16: "bfloat16",
        17: "float8_e4m3fn",
        18: "float8_e4m3fnuz",
        19: "float8_e5m2",
        20: "float8_e5m2fnuz",
        21: "uint4",
        22: "int4",
        23: "float4_e2m1fn",
        24: "float8_e8m0fnu",
        25: "uint2",
        26: "int2",
        27: "float6_e2m3fn",
        28: "float6_e3m2fn"
    }
    return np.dtype(getattr(ml_dtypes, more[dtype]))


class Library:
    """An opened model. It may be run from several threads at the same time."""

    def __init__(self, path):
        # A name without a slash would be looked for on the library path.
        self._library = ctypes.CDLL(os.path.abspath(path))
        get = self._library.fovea_get_api
        get.restype, get.argtypes = ctypes.POINTER(_Api), [ctypes.c_uint32]
        table = get(API_VERSION)
        if not table:
            raise RunError(f"'{path}' is of another version of Fovea: compile it anew")
        self._api = table.contents
        self._model = ctypes.c_void_p()
        self._check(self._api.open(ctypes.byref(self._model)))
        self.inputs = self._infos(self._api.input_count, self._api.input_info)
        self.outputs = self._infos(self._api.output_count, self._api.output_info)

    def close(self):
        """Closes the model; the object is of no use after it."""
        if self._model:
            self._api.close(self._model)
            self._model = ctypes.c_void_p()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    @property
    def manifest(self):
        """What the compiler recorded, as JSON text."""
        return self._api.manifest().decode()

    def set_threads(self, threads):
        """The number of threads of later runs; 0 for OpenMP's default."""
        self._check(self._api.set_threads(self._model, threads))

    def run(self, inputs):
        """Runs the model once. inputs: a list in the order of the signature, or a dict by name. Returns a list."""
        given, kept = self._given(inputs)
        made = (_Tensor * max(1, len(self.outputs)))()
        self._check(self._api.run(self._model, given, len(self.inputs), made, len(self.outputs)))
        try:
            return [self._copy(tensor) for tensor in made[:len(self.outputs)]]
        finally:
            for tensor in made[:len(self.outputs)]:
                self._api.free_tensor(ctypes.byref(tensor))

    def bind(self, inputs):
        """For many runs on the same memory: (a function that runs the model once, the arrays that it fills).

        Runs once to learn the sizes of the outputs, which have to be tensors.
        """
        for info in self.outputs:
            if info.is_sequence or info.is_optional:
                raise RunError(f"output '{info.name}' is no tensor: its memory cannot be given")
        results = [np.array(result) for result in self.run(inputs)]  # their memory is to be written
        given, kept = self._given(inputs)
        made = (_Tensor * max(1, len(results)))()
        for tensor, result, info in zip(made, results, self.outputs):
            self._fill_array(tensor, result, info, kept)

        def run(call=self._api.run, arguments=(self._model, given, len(self.inputs), made, len(results)), kept=kept):
            status = call(*arguments)
            if status:
                self._check(status)

        return run, results

    def _given(self, inputs):
        """The tensors of the inputs, and what keeps their memory alive."""
        if isinstance(inputs, dict):
            missing = [i.name for i in self.inputs if i.name not in inputs]
            unknown = sorted(set(inputs) - {i.name for i in self.inputs})
            if missing or unknown:
                raise RunError(f"inputs missing: {missing or 'none'}; unknown: {unknown or 'none'}")
            inputs = [inputs[i.name] for i in self.inputs]
        if len(inputs) != len(self.inputs):
            raise RunError(f"{len(inputs)} inputs given, the model has {len(self.inputs)}")
        given, kept = (_Tensor * max(1, len(inputs)))(), []
        for tensor, value, info in zip(given, inputs, self.inputs):
            self._fill(tensor, value, info, kept)
        return given, kept

    def _fill(self, tensor, value, info, kept):
        """Makes `tensor` stand for an input; `kept` keeps its memory alive."""
        if value is None and info.is_optional:
            tensor.dtype = _ABSENT
        elif isinstance(value, (list, tuple)) and info.is_sequence:
            elements = (_Tensor * max(1, len(value)))()
            for element, array in zip(elements, value):
                self._fill_array(element, array, info, kept)
            kept.append(elements)
            tensor.data, tensor.dtype, tensor.rank = ctypes.addressof(elements), _SEQUENCE, 1
            tensor.shape[0] = len(value)
        elif info.is_sequence:
            raise RunError(f"input '{info.name}' has to be a list of arrays")
        else:
            self._fill_array(tensor, value, info, kept)

    def _fill_array(self, tensor, value, info, kept):
        array = np.asarray(value, order="C")
        if array.dtype != info.dtype:
            raise RunError(f"input '{info.name}' has the type {array.dtype}, and has to be {info.dtype}")
        if array.ndim > MAX_RANK:
            raise RunError(f"input '{info.name}' has too many dimensions")
        kept.append(array)
        tensor.data, tensor.rank = array.ctypes.data, array.ndim
        tensor.dtype = info.onnx_type
        tensor.shape[:array.ndim] = array.shape

    @classmethod
    def _copy(cls, tensor):
        if tensor.dtype == _ABSENT:
            return None
        shape = tuple(tensor.shape[:tensor.rank])
        if tensor.dtype == _SEQUENCE:
            elements = ctypes.cast(tensor.data, ctypes.POINTER(_Tensor))
            return [cls._copy(elements[i]) for i in range(shape[0])]
        dtype = _numpy_dtype(tensor.dtype)
        size = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
        return np.frombuffer(ctypes.string_at(tensor.data, size) if size else b"", dtype).reshape(shape)

    def _infos(self, count, get):
        infos = []
        for i in range(count()):
            info = get(i).contents
            shape = None if info.rank < 0 else tuple(
                (info.symbols[d].decode() or None) if info.dims[d] < 0 else info.dims[d] for d in range(info.rank))
            infos.append(
                ValueInfo(info.name.decode(), _numpy_dtype(info.dtype), shape, info.dtype,
                          bool(info.kind & _KIND_SEQUENCE), bool(info.kind & _KIND_OPTIONAL)))
        return infos

    def _check(self, status):
        if status:
            raise RunError(self._api.last_error().decode(errors="replace"))
