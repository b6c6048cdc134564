# RUN: %python %s
"""Masks as constants, in many spellings and shapes: what hides a key must be found out, what does not must not."""

import numpy as np

from Execution.harness import case, main, node
from oracles.attention import attention

rng = np.random.default_rng(11)
f32 = np.float32
lowest = float(np.finfo(f32).min)


def draw(*shape):
    return rng.standard_normal(shape).astype(f32)


def qkv(m, n, b=1, h=2, d=8):
    return draw(b, h, m, d), draw(b, h, n, d), draw(b, h, n, d)


def graph(between, kept=False):
    """Scores s, scaled; `between` makes u of s."""
    nodes = [node("Transpose", ["k"], ["kt"], perm=[0, 1, 3, 2]), ("MatMul", ["q", "kt"], ["raw"]),
             ("Mul", ["raw", "scale"], ["s"]), *between, node("Softmax", ["u"], ["p"], axis=-1), ("MatMul", ["p", "v"], ["y"])]
    return nodes


def check(name, arrays, between, want, constants, extra=None, outputs=None):
    q, k, v = arrays
    case(name,
         graph(between), {
             "q": q,
             "k": k,
             "v": v,
             **(extra or {})
         }, outputs or {"y": want.astype(f32)},
         rtol=1e-3,
         atol=1e-4,
         constants={
             "scale": np.array(8**-0.5, f32),
             **constants
         })


def spelled(mask, spelling):
    """The nodes and constants that write `mask` (True where visible)."""
    if spelling == "where":
        return [("Where", ["m", "s", "low"], ["u"])], {"m": mask, "low": np.array(-np.inf, f32)}
    if spelling == "hidden":
        return [("Where", ["m", "low", "s"], ["u"])], {"m": ~mask, "low": np.array(-np.inf, f32)}
    if spelling == "product":
        return [("Sub", ["one", "m"], ["n"]), ("Mul", ["n", "large"], ["a"]), ("Add", ["s", "a"], ["u"])], {
            "one": np.array(1, f32),
            "large": np.array(-1e9, f32),
            "m": mask.astype(f32)
        }
    low = {"inf": -np.inf, "max": lowest, "half": float(np.finfo(np.float16).min), "1e4": -1e4}[spelling]
    return [("Add", ["s", "m"], ["u"])], {"m": np.where(mask, 0, low).astype(f32)}


def neighbours(length, size, dilation=1):
    mask = np.zeros((length, length), bool)
    for i in range(length):
        own = np.arange(i % dilation, length, dilation)
        start = min(max(i // dilation - size // 2, 0), max(len(own) - size, 0))
        mask[i, own[start:start + size]] = True
    return mask


def grid(*axes):
    """Visible along every axis, rows and keys in row-major order."""
    mask = axes[0]
    for axis in axes[1:]:
        n = len(mask) * len(axis)
        mask = (mask[:, None, :, None] & axis[None, :, None, :]).reshape(n, n)
    return mask


def same(ids):
    ids = np.asarray(ids)
    return ids[:, None] == ids[None, :]


def tri(m, n=None, offset=0):
    return np.tril(np.ones((m, n or m), bool), offset)


def band(m, n, low, high):
    distance = np.arange(n)[None, :] - np.arange(m)[:, None]
    return (distance >= low) & (distance <= high)


documents = np.repeat(np.arange(6), [1, 40, 3, 29, 17, 11])
kinds = {
    "causal": tri(101),
    "causal_one": tri(1),
    "causal_end": tri(37, 93, 56),
    "causal_behind": tri(70, 70, -3),
    "causal_tall": tri(93, 37),
    "anti_causal": tri(67).T,
    "window": band(131, 131, -9, 0),
    "window_both": band(131, 131, -20, 5),
    "window_end": band(33, 150, 117 - 40, 117),
    "window_ahead": band(40, 90, 7, 30),
    "prefix": tri(99) | (np.arange(99)[None] < 23),
    "padding": np.tile(np.arange(77) < 50, (35, 1)),
    "documents": same(documents),
    "documents_causal": same(documents) & tri(101),
    "documents_window": same(documents) & band(101, 101, -6, 2),
    "neighbours": neighbours(83, 7),
    "neighbours_even": neighbours(83, 4),
    "neighbours_dilated": neighbours(85, 5, 3),
    "neighbours_2d": grid(neighbours(9, 3), neighbours(13, 5)),
    "neighbours_2d_dilated": grid(neighbours(9, 3, 2), neighbours(13, 5)),
    "neighbours_3d": grid(neighbours(4, 3), neighbours(5, 3), neighbours(6, 3)),
    "windows_2d": grid(same(np.arange(8) // 4), same(np.arange(12) // 3)),
    "windows_2d_shifted": grid(same((np.arange(8) + 2) // 4), same((np.arange(12) + 1) // 3)),
    "rows_of_grid": grid(same(np.arange(9)), same(np.zeros(11))),
    "columns_of_grid": grid(same(np.zeros(9)), same(np.arange(11))),
    "cross": grid(same(np.arange(9)), same(np.zeros(11))) | grid(same(np.zeros(9)), same(np.arange(11))),
    "strided": same(np.arange(90) % 7),
    "causal_grid": grid(tri(9), neighbours(11, 3)),
    "random": rng.random((70, 150)) < 0.2,
    "random_blocks": np.kron(rng.random((5, 7)) < 0.4, np.ones((21, 19))).astype(bool),
    "random_wide": rng.random((5, 300)) < 0.5,
    "all": np.ones((20, 30), bool),
    "global_tokens": band(120, 120, -8, 8) | (np.arange(120)[None] < 2) | (np.arange(120)[:, None] < 2),
}
spellings = ["where", "inf", "hidden", "product", "max", "half", "1e4"]
for number, (label, mask) in enumerate(kinds.items()):
    arrays = qkv(*mask.shape)
    hasEmptyRow = not mask.any(axis=1).all()
    # A finite number does not hide all keys of a row.
    spelling = spellings[number % 3 if hasEmptyRow else number % len(spellings)]
    between, constants = spelled(mask, spelling)
    want = attention(*arrays, mask=mask, empty="nan")
    check(f"{label}_{spelling}", arrays, between, want, constants)

# Probabilities that have another user: the mask is emitted where the matrix of scores is.
for label in ("documents_causal", "neighbours_2d_dilated", "neighbours_dilated", "prefix", "random"):
    mask = kinds[label]
    q, k, v = arrays = qkv(*mask.shape)
    between, constants = spelled(mask, "where")
    s = np.where(mask, q.astype(float) @ np.swapaxes(k, -1, -2) * 8**-0.5, -np.inf)
    p = np.exp(s - s.max(-1, keepdims=True))
    p /= p.sum(-1, keepdims=True)
    check(f"{label}_kept", arrays, between, None, constants, outputs={"y": (p @ v).astype(f32), "p": p.astype(f32)})

# A row without any key: NaN after -inf, its own softmax after a finite number.
mask = kinds["documents_causal"].copy()
mask[[0, 50, 100]] = False
arrays = q, k, v = qkv(*mask.shape)
check("empty_rows_inf", arrays, *spelled(mask, "inf")[:1], attention(q, k, v, mask=mask, empty="nan"), spelled(mask, "inf")[1])
bias = np.where(mask, 0, -1e4)
check("empty_rows_finite", arrays, [("Add", ["s", "m"], ["u"])], attention(q, k, v, bias=bias), {"m": bias.astype(f32)})

# Too high to be a mask: a large score still counts.
bias = np.where(tri(45), 0, -100)
q, k, v = qkv(45, 45)
q *= 40
k[..., 5:9, :] *= 6
check("not_a_mask", (q, k, v), [("Add", ["s", "m"], ["u"])], attention(q, k, v, bias=bias), {"m": bias.astype(f32)})

# A bias and a mask in one tensor, by head; and a soft cap before the mask.
mask = kinds["documents_causal"]
arrays = q, k, v = qkv(101, 101)
bias = rng.standard_normal((2, 101, 101)).astype(f32)
check("bias_and_mask", arrays, [("Add", ["s", "m"], ["u"])], attention(q, k, v, bias=bias, mask=mask),
      {"m": np.where(mask, bias, -np.inf).astype(f32)})
check("soft_cap", arrays, [("Div", ["s", "c"], ["s1"]), ("Tanh", ["s1"], ["s2"]), ("Mul", ["s2", "c"], ["s3"]),
                           ("Add", ["s3", "m"], ["u"])], attention(q, k, v, mask=mask, softcap=2.0), {
                               "m": np.where(mask, 0, -np.inf).astype(f32),
                               "c": np.array(2, f32)
                           })

# A mask by head stays as it is; so does one with a second that is known only at run time.
masks = np.stack([kinds["documents_causal"], kinds["documents"]])
check("by_head", arrays, [("Where", ["m", "s", "low"], ["u"])], attention(q, k, v, mask=masks), {
    "m": masks,
    "low": np.array(-np.inf, f32)
})
pad = np.where(np.arange(101) < 60, 0, -1e9).astype(f32)
for spelling in ("inf", "max"):
    between, constants = spelled(tri(101), spelling)
    bias = constants["m"].astype(float) + pad
    check(f"and_padding_{spelling}", arrays, [*between[:0], ("Add", ["s", "m"], ["t"]), ("Add", ["t", "pad"], ["u"])],
          attention(q, k, v, bias=bias), constants, extra={"pad": pad})

# The operator, with a mask that is constant.
mask = kinds["neighbours_2d"]
q, k, v = qkv(*mask.shape)
case("operator", [node("Attention", ["q", "k", "v", "m"], ["y"])], {
    "q": q,
    "k": k,
    "v": v
}, {"y": attention(q, k, v, mask=mask).astype(f32)},
     rtol=1e-3,
     atol=1e-4,
     constants={"m": mask},
     opset=24)

# Sizes known at run time: the mask is computed from positions.
length = [("Shape", ["q"], ["sizes"]), node("Gather", ["sizes", "two"], ["len"], axis=0)]
positions = length + [("Range", ["zero", "len", "one"], ["at"]), ("Unsqueeze", ["at", "first"], ["cols"]),
                      ("Unsqueeze", ["at", "second"], ["rows"])]
square = length + [("Unsqueeze", ["len", "first"], ["l"]), node("Concat", ["l", "l"], ["ll"], axis=0), ("Expand", ["low", "ll"], ["full"])]
computed = {
    "less": (positions + [("LessOrEqual", ["cols", "rows"], ["m"]), ("Where", ["m", "s", "low"], ["u"])], -np.inf, tri),
    "product": (positions + [("LessOrEqual", ["cols", "rows"], ["m"]), node("Cast", ["m"], ["f"], to=1),
                             ("Sub", ["fone", "f"], ["n"]), ("Mul", ["n", "low"], ["a"]), ("Add", ["s", "a"], ["u"])], -1e9, tri),
    "trilu": (square + [node("Trilu", ["full", "one"], ["a"], upper=1), ("Add", ["s", "a"], ["u"])], lowest, tri),
    "window": (positions + [("Sub", ["rows", "cols"], ["d"]), ("GreaterOrEqual", ["d", "zero"], ["m0"]), ("Less", ["d", "reach"], ["m1"]),
                            ("And", ["m0", "m1"], ["m"]), ("Where", ["m", "fzero", "low"], ["a"]), ("Add", ["s", "a"], ["u"])], -np.inf,
               lambda n: band(n, n, -8, 0)),
    "window_ahead": (positions + [("Sub", ["cols", "rows"], ["d"]), ("Less", ["d", "reach"], ["m"]), ("Where", ["m", "s", "low"], ["u"])],
                     -1e9, lambda n: band(n, n, -n, 8)),
    "either": (positions + [("Less", ["cols", "rows"], ["m0"]), ("Sub", ["cols", "rows"], ["d"]), ("Greater", ["d", "reach"], ["m1"]),
                            ("Or", ["m0", "m1"], ["m"]), ("Where", ["m", "s", "low"], ["u"])], -np.inf,
               lambda n: tri(n, n, -1) | band(n, n, 10, n)),
}
for label, (between, low, visible) in computed.items():
    sets = []
    for n in (1, 5, 33, 77):
        q, k, v = qkv(n, n)
        sets.append(({"q": q, "k": k, "v": v}, {"y": attention(q, k, v, mask=visible(n), empty="nan").astype(f32)}))
    case(f"positions_{label}",
         graph(between),
         *sets[2],
         rtol=1e-3,
         atol=1e-4,
         shapes={name: [1, 2, "n", 8] for name in "qkvy"},
         sets=sets,
         constants={
             "scale": np.array(8**-0.5, f32),
             "low": np.array(low, f32),
             "fzero": np.array(0, f32),
             "fone": np.array(1, f32),
             "zero": np.array(0),
             "one": np.array(1),
             "two": np.array(2),
             "reach": np.array(9),
             "first": np.array([0]),
             "second": np.array([1])
         })

main()
