# RUN: %python %s
"""Errors of the elementary functions against float64, held against what docs/Numerics.md states.

    accuracy.py             fails where a bound is exceeded, or the page states something else than RECORD
    accuracy.py --record    measures, writes RECORD, and prints the table for that page

The inputs are all exponents of float32 with mantissas spread over each binade and at its ends, both signs. The error is
in units in the last place (ulp) of the correctly rounded result. Results below the smallest normal number, which may be
flushed to zero, count as exact if they are within one such number.
"""

import json
import math
import os
import re
import sys

import fovea
import numpy as np
from onnx import TensorProto, helper

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
RECORD = os.path.join(ROOT, "benchmarks", "results", "elementary-functions.json")
PAGE = os.path.join(ROOT, "docs", "Numerics.md")
TINY = float(np.finfo(np.float32).tiny)


def inputs(per_binade):
    """Float32 values of every exponent, and zeros; no NaN or infinity."""
    rng = np.random.default_rng(1)
    mantissas = np.concatenate([rng.integers(0, 1 << 23, per_binade - 4), [0, 1, (1 << 23) - 2, (1 << 23) - 1]])
    bits = (np.arange(255, dtype=np.uint32)[:, None] << 23) | mantissas.astype(np.uint32)
    positive = bits.ravel().view(np.float32)
    return np.concatenate([positive, -positive])


def ulps(got, want):
    """The error of float32 `got` against float64 `want`, in ulps of `want`."""
    with np.errstate(all="ignore"):
        rounded = want.astype(np.float32)
        exact = (got == rounded) | (np.isnan(got) & np.isnan(rounded))
        exact |= (np.abs(want) < TINY) & (np.abs(got - want) <= TINY)
        # Overflow of one but not the other.
        infinite = np.isinf(got) != np.isinf(rounded)
        size = np.maximum(np.spacing(np.abs(rounded)).astype(np.float64), float(np.spacing(np.float32(TINY))))
        error = np.abs(got.astype(np.float64) - want) / size
    return np.where(exact, 0, np.where(infinite | np.isnan(got) | np.isnan(rounded), np.inf, error))


def erf(x):
    return np.array([math.erf(v) for v in x])


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


# name: graph of x, float64 function, domain
FUNCTIONS = {
    "exp": ([("Exp", ["x"], ["y"])], np.exp, None),
    "log": ([("Log", ["x"], ["y"])], np.log, lambda x: x > 0),
    "erf": ([("Erf", ["x"], ["y"])], erf, None),
    "tanh": ([("Tanh", ["x"], ["y"])], np.tanh, None),
    "sigmoid": ([("Sigmoid", ["x"], ["y"])], sigmoid, None),
    "sqrt": ([("Sqrt", ["x"], ["y"])], np.sqrt, lambda x: x >= 0),
    "rsqrt": ([("Sqrt", ["x"], ["r"]), ("Reciprocal", ["r"], ["y"])], lambda x: 1 / np.sqrt(x), lambda x: x > 0),
    "reciprocal": ([("Reciprocal", ["x"], ["y"])], lambda x: 1 / x, lambda x: x != 0),
    "sin": ([("Sin", ["x"], ["y"])], np.sin, None),
    "cos": ([("Cos", ["x"], ["y"])], np.cos, None),
    "atan": ([("Atan", ["x"], ["y"])], np.arctan, None),
    "softplus": ([("Softplus", ["x"], ["y"])], lambda x: np.logaddexp(0, x), None),
}


def measure(name, x):
    """(largest error in ulps, where, largest absolute error, or None if the function has no bounds)."""
    nodes, function, domain = FUNCTIONS[name]
    x = x[domain(x)] if domain else x
    info = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [x.size]) for n in "xy"]
    graph = helper.make_graph([helper.make_node(*n) for n in nodes], name, info[:1], info[1:])
    model = helper.make_model(graph, ir_version=10, opset_imports=[helper.make_opsetid("", 20)])
    got, = fovea.compile(model).run([x])
    with np.errstate(all="ignore"):
        want = function(x.astype(np.float64))
        error = ulps(got, want)
    bounded = np.abs(want).max() < 2
    worst = int(np.argmax(error))
    return float(error[worst]), float(x[worst]), float(np.abs(got - want).max()) if bounded else None


def record():
    x, results = inputs(2000), {}
    for name in FUNCTIONS:
        error, where, absolute = measure(name, x)
        results[name] = {"ulp": error, "at": where} | ({"absolute": absolute} if absolute else {})
        print(f"| `{name}` | | {error:.2f} | {f'{where:.5g}' if error else ''} |", flush=True)
    with open(RECORD, "w", encoding="utf-8") as f:
        json.dump(results, f, indent=1)
        f.write("\n")


def compare(page, recorded):
    """What the page states and the record does not, and {function: bound in ulps} of the page."""
    bounds, wrong = {}, []
    for name, bound, shown, where in re.findall(r"^\| `(\w+)` \| ([0-9.]+) \| ([0-9.]+) \| (.*)\|", page, flags=re.M):
        bounds[name], measured = float(bound), recorded[name]
        if shown != f"{measured['ulp']:.2f}" or where.strip() != (f"{measured['at']:.5g}" if measured["ulp"] else ""):
            wrong.append(f"{name}: the page shows {shown} ulp at {where.strip()}, the record has {measured}")
    for name, shown in re.findall(r"`(\w+)` (?:is )?within ([0-9.]+e-[0-9]+)", page):
        absolute = recorded[name]["absolute"]
        if not absolute <= float(shown) <= 1.1 * absolute:
            wrong.append(f"{name}: the page says within {shown}, the record has {absolute}")
    if set(bounds) != set(FUNCTIONS):
        wrong.append(f"the page has bounds of {sorted(bounds)}, not of {sorted(FUNCTIONS)}")
    return wrong, bounds


def main():
    if "--record" in sys.argv:
        return record()
    with open(RECORD, encoding="utf-8") as record_file, open(PAGE, encoding="utf-8") as page_file:
        wrong, bounds = compare(page_file.read(), json.load(record_file))
    x = inputs(2000)
    for name, bound in bounds.items():
        error, where, _ = measure(name, x)
        if error > bound:
            wrong.append(f"{name}: {error:.3f} ulp at {where:.9g}, above the bound of {bound}")
    print("\n".join(wrong))
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
