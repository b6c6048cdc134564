# RUN: %python %s
"""Element types that ONNX stores and converts only: floats of 8 bits and less, integers of 4 and 2 bits."""

import ml_dtypes
import numpy as np
from onnx import TensorProto as T
from onnx import helper

from Execution.harness import case, main, node

rng = np.random.default_rng(0)
f32 = np.float32
kind = helper.np_dtype_to_tensor_dtype
floats = {
    "e4m3fn": ml_dtypes.float8_e4m3fn,
    "e4m3fnuz": ml_dtypes.float8_e4m3fnuz,
    "e5m2": ml_dtypes.float8_e5m2,
    "e5m2fnuz": ml_dtypes.float8_e5m2fnuz,
    "e2m3": ml_dtypes.float6_e2m3fn,
    "e3m2": ml_dtypes.float6_e3m2fn,
    "e2m1": ml_dtypes.float4_e2m1fn
}
integers = {"int4": ml_dtypes.int4, "uint4": ml_dtypes.uint4, "int2": ml_dtypes.int2, "uint2": ml_dtypes.uint2}
bits = {"e2m3": 6, "e3m2": 6, "e2m1": 4, "int4": 4, "uint4": 4, "int2": 2, "uint2": 2}
special = np.array([0, -0.0, np.inf, -np.inf, np.nan, 3e38, -3e38, 1e-40, -1e-40], f32)


def every(name):
    """All elements of a type."""
    codes = np.arange(1 << bits.get(name, 8), dtype=np.uint8)
    return codes.view((floats | integers)[name])


def around(name):
    """Numbers of float32 at, between and next to those of a type, and any others."""
    with np.errstate(all="ignore"):
        exact = every(name).astype(f32)
    exact = np.sort(exact[np.isfinite(exact)])
    middle = (exact[1:] + exact[:-1]) / 2
    ties = np.concatenate([exact, middle, exact[-1:] * f32(1.2), exact[:1] * f32(1.2)])
    any_bits = rng.integers(0, 1 << 32, 3000, np.uint64).astype(np.uint32).view(f32)
    with np.errstate(all="ignore"):
        return np.concatenate(
            [ties, np.nextafter(ties, f32(np.inf)),
             np.nextafter(ties, f32(-np.inf)), special, any_bits])


def rounded(x, dtype, saturate=True):
    with np.errstate(all="ignore"):
        if saturate:
            top = np.float64(ml_dtypes.finfo(dtype).max)
            x = np.where(np.isnan(x), x, np.clip(x, -top, top)).astype(x.dtype)
        return x.astype(dtype)


def nearest(d, name):
    """From float64, which ml_dtypes rounds to float32 first: the nearest element, of two the even one, saturated."""
    positive = every(name)[:1 << bits.get(name, 8) - 1]
    values = positive.astype(np.float64)
    values = values[np.isfinite(values)]
    a = np.minimum(np.abs(d), values[-1])
    above = np.clip(np.searchsorted(values, np.nan_to_num(a)), 1, len(values) - 1)
    up, down = values[above] - a, a - values[above - 1]
    code = np.where((up < down) | ((up == down) & (above % 2 == 0)), above, above - 1)
    with np.errstate(all="ignore"):
        return np.where(np.isnan(d), d, np.copysign(values[code], d)).astype(floats[name])


def codes_of(name, x, want, suffix="", **attributes):
    """Casts; where that can be asked for, it is the bits that have to be right, except for those of a NaN."""
    cast = node("Cast", ["x"], ["c"], to=kind(want.dtype), **attributes)
    if name[:2] in ("e2", "e3"):
        case(name + suffix, [cast], {"x": x}, {"c": want}, opset=28, rtol=0, atol=0)
        return
    is_nan = np.isnan(want.astype(f32))
    case(name + suffix, [
        cast,
        node("BitCast", ["c"], ["b"], to=T.UINT8),
        node("IsNaN", ["c"], ["n"]),
        node("Where", ["n", "zero", "b"], ["y"]),
    ], {"x": x}, {
        "y": np.where(is_nan, 0, want.view(np.uint8)).astype(np.uint8),
        "n": is_nan
    },
         constants={"zero": np.array(0, np.uint8)},
         opset=28)


# Every element to wider types, and numbers of all kinds back.
for name, dtype in floats.items():
    codes = every(name)
    with np.errstate(all="ignore"):
        wide = [codes.astype(t) for t in (f32, np.float64, np.float16, ml_dtypes.bfloat16)]
    for want in wide:
        case(f"{name}_to_{want.dtype.name}", [node("Cast", ["x"], ["y"], to=kind(want.dtype))], {"x": codes},
             {"y": want},
             opset=28,
             rtol=0,
             atol=0)
    x = around(name)
    codes_of(name, x, rounded(x, dtype), "_from_single")
    codes_of(name, x, rounded(x, dtype, saturate=name[:2] in ("e2", "e3")), "_unsaturated", saturate=0)
    with np.errstate(all="ignore"):
        d = x.astype(np.float64)
        d = np.concatenate([d, d * (1 + 2.0**-40), d * (1 - 2.0**-40)])
    codes_of(name, d, nearest(d, name), "_from_double")
    h = np.arange(1 << 16, dtype=np.uint16).view(np.float16)
    codes_of(name, h, rounded(h.astype(f32), dtype), "_from_half")
    whole = np.concatenate([np.arange(-600, 600), rng.integers(-2**31, 2**31, 200)]).astype(np.int32)
    codes_of(name, whole, rounded(whole.astype(np.float64), dtype), "_from_int")
    codes_of(name, np.array([False, True]), np.array([0, 1], f32).astype(dtype), "_from_bool")

# Powers of two.
power = ml_dtypes.float8_e8m0fnu
codes = np.arange(256, dtype=np.uint8).view(power)
with np.errstate(all="ignore"):
    case("power_to_single", [node("Cast", ["x"], ["y"], to=T.FLOAT)], {"x": codes}, {"y": codes.astype(f32)},
         opset=28,
         rtol=0,
         atol=0)
x = np.ldexp(rng.uniform(1, 2, 2000), rng.integers(-127, 127, 2000))
x = np.concatenate([x,
                    np.ldexp([1.0, 1.5, 1.75, 1.25, 1 + 2.0**-23],
                             [[e] for e in (-127, -126, 0, 5, 126)]).ravel()]).astype(f32)
exponent = np.frexp(x.astype(np.float64))[1] - 1
fraction = np.ldexp(x.astype(np.float64), -exponent)
steps = {"up": fraction > 1, "down": fraction < 1, "nearest": fraction >= 1.5}
for mode, step in steps.items():
    want = (exponent + 127 + step).astype(np.uint8)
    case(f"power_{mode}", [
        node("Cast", ["x"], ["c"], to=T.FLOAT8E8M0, round_mode=mode),
        node("BitCast", ["c"], ["y"], to=T.UINT8),
    ], {"x": x}, {"y": np.minimum(want, 254)},
         opset=28)
# Beyond the range, where saturation decides.
x = np.array([0, 1e-40, 3.4e38, np.inf, np.nan], f32)
for saturate, want in ((1, [0, 0, 254, 254, 255]), (0, [255, 255, 255, 255, 255])):
    case(f"power_saturate_{saturate}", [
        node("Cast", ["x"], ["c"], to=T.FLOAT8E8M0, saturate=saturate),
        node("BitCast", ["c"], ["y"], to=T.UINT8),
    ], {"x": x}, {"y": np.array(want, np.uint8)},
         opset=28)

# Integers: what does not fit wraps around.
for name, dtype in integers.items():
    codes = every(name)
    for t in (f32, np.float16, np.int8, np.uint8, np.int64, bool, ml_dtypes.float8_e4m3fn):
        if name[0] == "i" and t is np.uint8:
            continue
        want = codes.astype(np.int8).astype(t)
        case(f"{name}_to_{np.dtype(t).name}", [node("Cast", ["x"], ["y"], to=kind(want.dtype))], {"x": codes},
             {"y": want},
             opset=28)
    x = np.arange(-20, 40)
    for t in (np.int8, np.int64, f32, np.float16):
        want = (x & ((1 << bits[name]) - 1)).astype(np.uint8).view(dtype)
        case(f"{name}_from_{np.dtype(t).name}", [node("Cast", ["x"], ["y"], to=kind(want.dtype))], {"x": x.astype(t)},
             {"y": want},
             opset=28)

# Moves, and constants in the files' packed form; an odd count does not fill the last byte.
for name, dtype in (floats | integers).items():
    codes, constant = (rng.integers(0, 1 << bits.get(name, 8), (3, 5), np.uint8).view(dtype) for _ in range(2))
    to_single = lambda a: (a.astype(np.int8) if name in integers else a).astype(f32)
    nodes = [node("Cast", ["constant"], ["c"], to=T.FLOAT)]
    want = {"c": to_single(constant)}
    if name not in ("e2m3", "e3m2"):  # These cannot even be moved.
        nodes += [("Transpose", ["x"], ["t"]), ("Squeeze", ["t"], ["s"]), node("Cast", ["s"], ["y"], to=T.FLOAT)]
        want |= {"t": codes.T, "y": to_single(codes.T)}
    with np.errstate(all="ignore"):
        case(f"{name}_moves",
             nodes, {"x": codes},
             want,
             constants={"constant": constant},
             opset=25 if len(nodes) > 1 else 28)

# Quantization by axis and by block, where the last block is cut.
x = (rng.standard_normal((4, 7)) * 20).astype(f32)
scale = rng.uniform(1, 3, (4, 3)).astype(f32)
spread = np.repeat(scale, 3, axis=1)[:, :7]
for name, dtype in integers.items():
    low, high = (0, (1 << bits[name]) - 1) if name[0] == "u" else (-(1 << bits[name] - 1), (1 << bits[name] - 1) - 1)
    zero = np.ones((4, 3), np.int8).astype(dtype)
    want = np.clip(np.rint(x / spread) + 1, low, high)
    case(f"quantize_{name}", [
        node("QuantizeLinear", ["x", "scale", "zero"], ["q"], axis=1, block_size=3),
        node("DequantizeLinear", ["q", "scale", "zero"], ["y"], axis=1, block_size=3),
    ], {"x": x}, {
        "q": want.astype(np.int8).astype(dtype),
        "y": ((want - 1) * spread).astype(f32)
    },
         constants={
             "scale": scale,
             "zero": zero
         },
         opset=28,
         rtol=1e-6)
for name, dtype in floats.items():
    q = rounded(x / scale[:, :1], dtype)
    case(f"quantize_{name}", [
        node("QuantizeLinear", ["x", "scale"], ["q"], axis=0, output_dtype=kind(q.dtype)),
        node("DequantizeLinear", ["q", "scale"], ["y"], axis=0),
    ], {"x": x}, {
        "q": q,
        "y": q.astype(f32) * scale[:, :1]
    },
         constants={"scale": np.ascontiguousarray(scale[:, 0])},
         opset=28,
         rtol=1e-6)
# The block's scale is a power of two, as in the MX formats.
scale = np.ldexp(1.0, rng.integers(-3, 4, (4, 2)))
want = rounded(x / np.repeat(scale, 4, axis=1)[:, :7].astype(f32), ml_dtypes.float4_e2m1fn)
case("quantize_mx", [
    node("QuantizeLinear", ["x", "scale"], ["q"], axis=1, block_size=4, output_dtype=T.FLOAT4E2M1, precision=T.FLOAT),
    node("DequantizeLinear", ["q", "scale"], ["y"], axis=1, block_size=4, output_dtype=T.FLOAT),
], {"x": x}, {
    "q": want,
    "y": (want.astype(f32) * np.repeat(scale, 4, axis=1)[:, :7]).astype(f32)
},
     constants={"scale": scale.astype(power)},
     opset=28,
     rtol=0)
# A division in half precision rounds before the quotient is rounded to an integer.
h, s = rng.uniform(-100, 100, 400).astype(np.float16), np.array(0.37, np.float16)
case("quantize_half", [node("QuantizeLinear", ["x", "s", "z"], ["q"])], {"x": h},
     {"q": np.clip(np.rint((h / s).astype(f32)), -128, 127).astype(np.int8)},
     constants={
         "s": s,
         "z": np.array(0, np.int8)
     },
     opset=23)

# A product of float8 matrices.
a, b = (rng.standard_normal(shape).astype(f32) for shape in ((5, 9), (9, 6)))
a, b = a.astype(ml_dtypes.float8_e4m3fn), b.astype(ml_dtypes.float8_e5m2)
factor, none = np.array(0.5, f32), np.array(0, f32)
want = rounded((a.astype(np.float64) @ b.astype(np.float64) / 2).astype(f32), ml_dtypes.float8_e4m3fn)
case("product", [
    node("QLinearMatMul", ["a", "s", "az", "b", "s", "bz", "s", "az"], ["q"]),
    node("Cast", ["q"], ["y"], to=T.FLOAT),
], {
    "a": a,
    "b": b
}, {"y": want.astype(f32)},
     constants={
         "s": factor,
         "az": none.astype(a.dtype),
         "bz": none.astype(b.dtype)
     },
     opset=21,
     rtol=0)

# The same bits as another type.
x = rng.standard_normal((3, 5)).astype(f32)
for a, t in ((x, np.int32), (x.astype(np.float64), np.uint64), (x.astype(np.float16), ml_dtypes.bfloat16),
             (x.view(np.int32), f32), (np.array([True, False]), np.int8), (np.array([3, -4], np.int8), np.uint8),
             (every("int4"), ml_dtypes.float4_e2m1fn), (every("e4m3fn"), np.int8)):
    want = a.view(t)
    case(f"bits_{a.dtype.name}_{want.dtype.name}", [node("BitCast", ["x"], ["y"], to=kind(want.dtype))], {"x": a},
         {"y": want},
         opset=28,
         rtol=0)
main()
