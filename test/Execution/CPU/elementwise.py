# RUN: %python %s
"""Elementwise ops over types, broadcasts and special values."""

import numpy as np

from Execution.harness import case, main, node
from oracles.basic import erf, gelu, sigmoid

rng = np.random.default_rng(0)
f32 = np.float32
special = np.array([0.0, -0.0, 1.0, -1.0, 0.5, 88.0, -88.0, 100.0, -104.0, 1e-30, 3e38, np.inf, -np.inf, np.nan], f32)
x = (rng.standard_normal((3, 5, 7)) * 3).astype(f32)


def unary(op, f, data=x, **attributes):
    with np.errstate(all="ignore"):
        want = np.asarray(f(data.astype(np.float64))).astype(f32)
        case(op.lower(), [node(op, ["x"], ["y"], **attributes)], {"x": data}, {"y": want}, rtol=2e-6, atol=1e-6)


def special_values(op, f):
    with np.errstate(all="ignore"):
        case(op.lower() + "_special", [node(op, ["x"], ["y"])], {"x": special},
             {"y": np.asarray(f(special.astype(np.float64))).astype(f32)},
             rtol=2e-6,
             atol=1e-37)


unary("Exp", np.exp)
unary("Tanh", np.tanh)
unary("Erf", erf)
unary("Sin", np.sin)
unary("Cos", np.cos)
unary("Abs", np.abs)
unary("Neg", np.negative)
unary("Floor", np.floor)
unary("Ceil", np.ceil)
unary("Round", np.round, np.array([0.5, 1.5, 2.5, -0.5, -1.5, 0.49, 7.0], f32))
unary("Sign", np.sign)
unary("Relu", lambda v: np.maximum(v, 0))
unary("Sigmoid", sigmoid)
unary("Gelu", gelu)
unary("LeakyRelu", lambda v: np.where(v < 0, 0.2 * v, v), alpha=0.2)
unary("Elu", lambda v: np.where(v < 0, np.expm1(v), v))
unary("HardSwish", lambda v: v * np.clip(v / 6 + 0.5, 0, 1))
unary("Softplus", lambda v: np.log1p(np.exp(v)))
unary("Sqrt", np.sqrt, np.abs(x))
unary("Log", np.log, np.abs(x))
unary("Reciprocal", lambda v: 1 / v)
unary("Asinh", np.arcsinh)
unary("Acosh", np.arccosh, np.abs(x) + f32(1))
unary("Atanh", np.arctanh, np.tanh(x))
for op, f in (("Erf", erf), ("Asinh", np.arcsinh)):
    case(op.lower() + "_double", [node(op, ["x"], ["y"])], {"x": x.astype(np.float64)}, {"y": f(x.astype(np.float64))},
         rtol=1e-14)
special_values("Exp", np.exp)
special_values("Tanh", np.tanh)
special_values("Sigmoid", sigmoid)
special_values("Sqrt", np.sqrt)
special_values("Log", np.log)
special_values("Relu", lambda v: np.maximum(v, 0))
case("gelu_tanh", [node("Gelu", ["x"], ["y"], approximate="tanh")], {"x": x}, {"y": gelu(x, "tanh").astype(f32)})

shapes = [((3, 5, 7), (7, )), ((3, 1, 7), (5, 1)), ((1, ), (4, 1)), ((), (2, 3)), ((2, 1, 1), (1, 3, 4)),
          ((0, 3), (1, 3)), ((1, 1), (1, 1))]
for k, (sa, sb) in enumerate(shapes):
    a, b = rng.standard_normal(sa).astype(f32), (rng.standard_normal(sb) + 3).astype(f32)
    case(f"broadcast_{k}", [("Add", ["a", "b"], ["p"]), ("Mul", ["a", "b"], ["q"]), ("Sub", ["b", "a"], ["r"]),
                            ("Div", ["a", "b"], ["s"])], {
                                "a": a,
                                "b": b
                            }, {
                                "p": a + b,
                                "q": a * b,
                                "r": b - a,
                                "s": a / b
                            })

i = rng.integers(-9, 9, (4, 5)).astype(np.int64)
j = np.array([3, -2, 1, 4, -5], np.int64)
case("integers", [("Add", ["i", "j"], ["a"]), ("Mul", ["i", "j"], ["m"]), ("Div", ["i", "j"], ["d"]),
                  ("Mod", ["i", "j"], ["o"])], {
                      "i": i,
                      "j": j
                  }, {
                      "a": i + j,
                      "m": i * j,
                      "d": (np.sign(i * j) * (np.abs(i) // np.abs(j))),
                      "o": np.mod(i, j)
                  })
u = np.array([0, 1, 127, 128, 200, 255], np.uint8)
case("unsigned", [("Div", ["u", "v"], ["d"]), ("Greater", ["u", "v"], ["g"]), ("Max", ["u", "v"], ["m"]),
                  node("Cast", ["u"], ["f"], to=1)], {
                      "u": u,
                      "v": np.array([1, 3, 255, 7, 100, 2], np.uint8)
                  }, {
                      "d": u // np.array([1, 3, 255, 7, 100, 2], np.uint8),
                      "g": u > np.array([1, 3, 255, 7, 100, 2], np.uint8),
                      "m": np.maximum(u, np.array([1, 3, 255, 7, 100, 2], np.uint8)),
                      "f": u.astype(f32)
                  })
p, q = rng.integers(0, 2, (3, 4)).astype(bool), rng.integers(0, 2, (4, )).astype(bool)
case("logic", [("And", ["p", "q"], ["a"]), ("Or", ["p", "q"], ["o"]), ("Xor", ["p", "q"], ["x"]),
               ("Not", ["p"], ["n"])], {
                   "p": p,
                   "q": q
               }, {
                   "a": p & q,
                   "o": p | q,
                   "x": p ^ q,
                   "n": ~p
               })
y = np.where(rng.random(x.shape) < 0.3, x, x + 1).astype(f32)
case("compare", [("Less", ["x", "y"], ["l"]), ("Equal", ["x", "y"], ["e"]), ("GreaterOrEqual", ["x", "y"], ["g"])], {
    "x": x,
    "y": y
}, {
    "l": x < y,
    "e": x == y,
    "g": x >= y
})
nan = special.copy()
case("nan", [("IsNaN", ["x"], ["n"]), ("IsInf", ["x"], ["i"]), ("Equal", ["x", "x"], ["e"]),
             ("Max", ["x", "o"], ["m"])], {
                 "x": nan,
                 "o": np.ones_like(nan)
             }, {
                 "n": np.isnan(nan),
                 "i": np.isinf(nan),
                 "e": nan == nan,
                 "m": np.maximum(nan, 1)
             })
c = rng.integers(0, 2, (5, 1)).astype(bool)
case("where", [("Where", ["c", "x", "z"], ["y"])], {
    "c": c,
    "x": x,
    "z": np.array([[[-np.inf]]], f32)
}, {"y": np.where(c, x, f32(-np.inf))})
case("clip", [("Clip", ["x", "", "high"], ["y"])], {"x": x, "high": np.array(0.7, f32)}, {"y": np.minimum(x, f32(0.7))})
h = rng.standard_normal((3, 8)).astype(np.float16)
case("half",
     [("Add", ["h", "g"], ["s"]),
      ("Exp", ["h"], ["e"]), node("Cast", ["h"], ["f"], to=1)], {
          "h": h,
          "g": h[:1]
      }, {
          "s": h + h[:1],
          "e": np.exp(h.astype(f32)).astype(np.float16),
          "f": h.astype(f32)
      },
     rtol=2e-3,
     atol=1e-3)
d = rng.standard_normal((3, 8))
case("double", [("Mul", ["d", "d"], ["s"]), ("Tanh", ["d"], ["t"])], {"d": d}, {
    "s": d * d,
    "t": np.tanh(d)
},
     rtol=1e-12,
     atol=1e-14)
case("cast", [node("Cast", ["x"], ["i"], to=7),
              node("Cast", ["x"], ["b"], to=9),
              node("Cast", ["x"], ["d"], to=11)], {"x": x}, {
                  "i": np.trunc(x).astype(np.int64),
                  "b": x != 0,
                  "d": x.astype(np.float64)
              })
case("pow", [("Pow", ["x", "two"], ["y"]), ("Pow", ["a", "h"], ["z"])], {
    "x": x,
    "a": np.abs(x),
    "h": np.array(0.25, f32),
    "two": np.array(2.0, f32)
}, {
    "y": x * x,
    "z": np.abs(x)**f32(0.25)
},
     rtol=1e-5)
square = rng.standard_normal((2, 3, 3)).astype(f32)
slopes = np.array([0.5, -1, 2], f32)
for opset, aligned in ((6, slopes[:, None]), (16, slopes)):
    case(f"slopes_{opset}", [("PRelu", ["x", "s"], ["y"])], {"x": square}, {"y": np.where(square < 0, square * aligned, square)},
         constants={"s": slopes},
         opset=opset)
big = rng.standard_normal((1, 1000003)).astype(f32)
case("long", [("Add", ["x", "x"], ["t"]), ("Tanh", ["t"], ["y"])], {"x": big},
     {"y": np.tanh(2.0 * big.astype(np.float64)).astype(f32)})
dyn = [rng.standard_normal(s).astype(f32) for s in ((2, 3, 5), (1, 3, 1), (4, 3, 33), (0, 3, 2))]
case("dynamic", [("Mul", ["x", "w"], ["m"]), ("Add", ["m", "x"], ["y"])], {
    "x": dyn[0],
    "w": np.ones((3, 1), f32) * 2
}, {"y": 3 * dyn[0]},
     shapes={
         "x": ["batch", 3, "n"],
         "y": ["batch", 3, "n"]
     },
     sets=[({
         "x": a,
         "w": np.ones((3, 1), f32) * 2
     }, {
         "y": 3 * a
     }) for a in dyn[1:]])
main()
