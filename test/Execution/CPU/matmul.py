# RUN: %python %s
"""Contractions: odd sizes, vectors, broadcasts, large K, types, Gemm's forms, Einsum."""

import numpy as np

from Execution.harness import case, main, node

rng = np.random.default_rng(1)
f32 = np.float32


def draw(*shape, dtype=f32):
    return rng.standard_normal(shape).astype(dtype)


def exact(a, b):
    return (a.astype(np.float64) @ b.astype(np.float64))


pairs = [((3, 5), (5, 7)), ((1, 1), (1, 1)), ((1, 64), (64, 64)), ((64, 1), (1, 33)), ((197, 48), (48, 96)),
         ((17, 129), (129, 31)), ((5, ), (5, 3)), ((4, 5), (5, )), ((5, ), (5, )), ((2, 3, 4, 5), (2, 3, 5, 6)),
         ((2, 1, 4, 5), (3, 5, 6)), ((4, 5), (2, 5, 6)), ((7, 4, 5), (5, 6)), ((2, 0), (0, 3)), ((0, 4), (4, 3)),
         ((8, 8), (8, 16)), ((33, 16), (16, 65)), ((6, 2048), (2048, 8)), ((257, 8), (8, 257))]
for n, (sa, sb) in enumerate(pairs):
    a, b = draw(*sa), draw(*sb)
    case(f"matmul_{n}", [("MatMul", ["a", "b"], ["y"])], {"a": a, "b": b}, {"y": exact(a, b).astype(f32)}, atol=1e-4)
for n, (sa, sb) in enumerate([((13, 48), (48, 96)), ((2, 9, 40), (40, 50)), ((1, 100), (100, 300)),
                              ((64, 64), (64, 64))]):
    a, b = draw(*sa), draw(*sb)  # a weight: packed at compile time
    bias = draw(sb[-1])
    case(f"linear_{n}", [("MatMul", ["a", "w"], ["t"]), ("Add", ["bias", "t"], ["u"]), ("Relu", ["u"], ["y"])],
         {"a": a}, {"y": np.maximum(exact(a, b) + bias, 0).astype(f32)},
         constants={
             "w": b,
             "bias": bias
         },
         atol=1e-4)
a, b, c = draw(6, 10), draw(8, 10), draw(8)
case("gemm_t", [node("Gemm", ["a", "b", "c"], ["y"], transB=1)], {"a": a}, {"y": (exact(a, b.T) + c).astype(f32)},
     constants={
         "b": b,
         "c": c
     })
case("gemm_alpha", [node("Gemm", ["a", "b", "c"], ["y"], transA=1, alpha=0.5, beta=2.0)], {
    "a": draw(10, 6) * 0 + a.T.copy(),
    "b": b.T.copy(),
    "c": np.array([[3.0]], f32)
}, {"y": (0.5 * exact(a, b.T) + 6).astype(f32)})
case("gemm_no_bias", [node("Gemm", ["a", "b"], ["y"], transB=1)], {"a": a, "b": b}, {"y": exact(a, b.T).astype(f32)})
i = rng.integers(-5, 5, (3, 4)).astype(np.int32)
case("integer", [("MatMul", ["a", "b"], ["y"])], {"a": i, "b": i.T.copy()}, {"y": (i @ i.T).astype(np.int32)})
h, g = draw(9, 70, dtype=np.float16), draw(70, 5, dtype=np.float16)
case("half", [("MatMul", ["a", "b"], ["y"])], {
    "a": h,
    "b": g
}, {"y": exact(h, g).astype(np.float16)},
     rtol=2e-3,
     atol=1e-2)
d, e = draw(9, 70, dtype=np.float64), draw(70, 5, dtype=np.float64)
case("double", [("MatMul", ["a", "b"], ["y"])], {"a": d, "b": e}, {"y": d @ e}, rtol=1e-12, atol=1e-12)
a, b = np.array([[1, np.inf], [2, 3], [np.nan, 1]], f32), np.array([[1, 0, 2], [0, 1, 4]], f32)
with np.errstate(invalid="ignore"):
    case("special", [("MatMul", ["a", "b"], ["y"])], {"a": a, "b": b}, {"y": exact(a, b).astype(f32)})
einsums = {
    "bhid,bhjd->bhij": ((2, 3, 4, 5), (2, 3, 6, 5)),
    "b h i d, b h j d -> b h i j": ((2, 3, 4, 5), (2, 3, 6, 5)),
    "bhwc,hkc->bhwk": ((2, 3, 4, 5), (3, 6, 5)),
    "ij,jk": ((3, 4), (4, 5)),
    "bhcij,bhcjd->bhcid": ((1, 2, 3, 4, 5), (1, 2, 3, 5, 6)),
    "aecd,abcd->acbe": ((2, 3, 4, 5), (2, 6, 4, 5)),
    "i,j->ij": ((3, ), (4, )),
    "...id,...jd->...ij": ((2, 3, 4), (2, 5, 4))
}
for n, (eq, (sa, sb)) in enumerate(einsums.items()):
    a, b = draw(*sa), draw(*sb)
    case(f"einsum_{n}", [node("Einsum", ["a", "b"], ["y"], equation=eq)], {
        "a": a,
        "b": b
    }, {"y": np.einsum(eq.replace(" ", ""), a.astype(np.float64), b.astype(np.float64)).astype(f32)})
m = draw(4, 4)
case("einsum_sum", [node("Einsum", ["a"], ["y"], equation="ij->j")], {"a": m}, {"y": m.sum(0)})
w = draw(24, 40)
sizes = [draw(*s) for s in ((2, 7, 24), (1, 1, 24), (3, 65, 24))]
linear = lambda v: {"y": exact(v, w).astype(f32)}
case("dynamic", [("MatMul", ["a", "w"], ["y"])], {"a": sizes[0]},
     linear(sizes[0]),
     constants={"w": w},
     atol=1e-4,
     shapes={
         "a": ["batch", "n", 24],
         "y": ["batch", "n", 40]
     },
     sets=[({
         "a": s
     }, linear(s)) for s in sizes[1:]])
main()
