# RUN: %python %s
"""ai.onnx.ml on numbers: decision trees, linear models, what scales features."""

import numpy as np
from onnx import TensorProto, helper

from Execution.harness import case, main, node

rng = np.random.default_rng(71)
f32 = np.float32
ML = "ai.onnx.ml"
draw = lambda *shape: rng.standard_normal(shape).astype(f32)
x = draw(7, 4)
x[2] = 0


case("extract", [node("ArrayFeatureExtractor", ["x", "i"], ["y"], domain=ML)], {"x": x, "i": np.array([3, 0, 3])}, {"y": x[:, [3, 0, 3]]})
cube = draw(2, 3, 5)
case("extract_cube", [node("ArrayFeatureExtractor", ["x", "i"], ["y"], domain=ML)], {
    "x": cube,
    "i": np.array([[4, 1]])
}, {"y": cube[..., [4, 1]]})
case("extract_row", [node("ArrayFeatureExtractor", ["x", "i"], ["y"], domain=ML)], {
    "x": np.arange(5),
    "i": np.array([2])
}, {"y": np.array([[2]])})
case("binarize", [node("Binarizer", ["x"], ["y"], domain=ML, threshold=0.25)], {"x": x}, {"y": (x > 0.25).astype(f32)})
case("binarize_integers", [node("Binarizer", ["x"], ["y"], domain=ML, threshold=0.5)], {"x": np.arange(-2, 3)},
     {"y": np.array([0, 0, 0, 1, 1])})
case("scaler", [node("Scaler", ["x"], ["y"], domain=ML, offset=[0.5], scale=[1.0, 2.0, 3.0, -4.0])], {"x": x},
     {"y": ((x - 0.5) * [1, 2, 3, -4]).astype(f32)})
for kind, size in (("MAX", abs(x).max(1)), ("L1", abs(x).sum(1)), ("L2", np.sqrt((x * x).sum(1)))):
    case(f"normalizer_{kind}", [node("Normalizer", ["x"], ["y"], domain=ML, norm=kind)], {"x": x},
         {"y": (x / np.maximum(size, 1e-30)[:, None]).astype(f32)})
gaps = x.copy()
gaps[1, 2] = gaps[4, 0] = np.nan
fill = [1.5, 2, 3, 4]
case("imputer_nan", [
    node("Imputer", ["x"], ["y"], domain=ML, imputed_value_floats=[1.5, 2.0, 3.0, 4.0], replaced_value_float=float("nan"))
], {"x": gaps}, {"y": np.where(np.isnan(gaps), fill, gaps).astype(f32)})
case("imputer_zero", [node("Imputer", ["x"], ["y"], domain=ML, imputed_value_floats=[7.0], replaced_value_float=0.0)], {"x": x},
     {"y": np.where(x == 0, 7, x).astype(f32)})
c = draw(2, 4)
case("linear", [
    node("LinearRegressor", ["x"], ["y"],
         domain=ML,
         coefficients=c.ravel().tolist(),
         intercepts=[0.5, -1.0],
         targets=2)
], {"x": x}, {"y": (x @ c.T + [0.5, -1]).astype(f32)},
     shapes={
         "x": ["n", 4],
         "y": ["n", 2]
     },
     sets=[({
         "x": x[:0]
     }, {
         "y": np.zeros((0, 2), f32)
     })])

# Trees: inner nodes are (test, feature, value, yes, no, way of NaN), leaves (target, weight); tests as ONNX numbers them.
TESTS = [np.less_equal, np.less, np.greater_equal, np.greater, np.equal, np.not_equal, lambda a, b: np.isin(a, b)]


def walk(tree, row):
    while len(tree) > 2:
        test, feature, value, yes, no, tracks = tree
        v = row[feature]
        tree = yes if TESTS[test](v, value) or (tracks and np.isnan(v)) else no
    return tree


def flatten(trees):
    a = {k: [] for k in ("features", "modes", "splits", "yes", "no", "yes_leaf", "no_leaf", "tracks", "targets", "weights", "members")}

    def add(tree):
        if len(tree) == 2:
            a["targets"].append(tree[0])
            a["weights"].append(tree[1])
            return len(a["targets"]) - 1, 1
        at = len(a["features"])
        test, feature, value, yes, no, tracks = tree
        for key in ("yes", "no", "yes_leaf", "no_leaf"):
            a[key].append(0)
        a["features"].append(feature)
        a["modes"].append(test)
        a["splits"].append(float("nan") if test == 6 else value)
        a["members"] += [*value, float("nan")] if test == 6 else []
        a["tracks"].append(tracks)
        a["yes"][at], a["yes_leaf"][at] = add(yes)
        a["no"][at], a["no_leaf"][at] = add(no)
        return at, 0

    roots = [add(tree)[0] for tree in trees]
    attributes = dict(nodes_featureids=a["features"],
                      nodes_truenodeids=a["yes"],
                      nodes_falsenodeids=a["no"],
                      nodes_trueleafs=a["yes_leaf"],
                      nodes_falseleafs=a["no_leaf"],
                      nodes_missing_value_tracks_true=a["tracks"],
                      leaf_targetids=a["targets"],
                      tree_roots=roots)
    for name, type, values in (("nodes_splits", TensorProto.FLOAT, a["splits"]), ("nodes_modes", TensorProto.UINT8, a["modes"]),
                               ("leaf_weights", TensorProto.FLOAT, a["weights"]), ("membership_values", TensorProto.FLOAT,
                                                                                   a["members"])):
        if values:
            attributes[name] = helper.make_tensor(name, type, [len(values)], values)
    return attributes


def grow(depth):
    if depth == 0 or rng.random() < 0.1:
        return int(rng.integers(3)), float(f32(rng.standard_normal()))
    test = int(rng.integers(7))
    value = [0.0, 1.0, 2.0][:rng.integers(4)] if test == 6 else float(rng.integers(3))
    return test, int(rng.integers(4)), value, grow(depth - 1), grow(depth - 1), int(rng.integers(2))


trees = [(0, 1, 0.0, grow(4), grow(5), 0) for _ in range(9)]
samples = rng.integers(0, 3, (40, 4)).astype(f32)
samples[rng.random(samples.shape) < 0.1] = np.nan
samples[rng.random(samples.shape) < 0.2] += 0.5
for combine in range(4):
    found = np.array([[walk(tree, row) for tree in trees] for row in samples])
    limit = np.finfo(f32).max
    want = np.zeros((40, 3))
    for t in range(3):
        own = found[..., 0] == t
        if combine < 2:
            want[:, t] = np.where(own, found[..., 1], 0).sum(1) / (len(trees) if combine == 0 else 1)
        else:
            rest = np.where(own, found[..., 1], limit if combine == 2 else -limit)
            want[:, t] = rest.min(1) if combine == 2 else rest.max(1)
    case(f"trees_{combine}",
         [node("TreeEnsemble", ["x"], ["y"], domain=ML, n_targets=3, aggregate_function=combine, **flatten(trees))],
         {"x": samples}, {"y": want.astype(f32)},
         shapes={
             "x": ["n", 4],
             "y": ["n", 3]
         },
         sets=[({
             "x": samples[:1]
         }, {
             "y": want[:1].astype(f32)
         })])

# MaxRoiPool: integer corners, cells that overlap, a region outside of the image.
image = draw(2, 3, 9, 11)
regions = np.array([[0, 0, 0, 10, 8], [1, 2, 1, 6, 7], [1, 9, 7, 9, 7], [0, 20, 20, 25, 25], [0, 8, 6, 30, 30]], f32)


def pool(region, h, w):
    n, left, top, right, bottom = region.astype(int)
    y = np.zeros((3, h, w), f32)
    for i in range(h):
        for j in range(w):
            high, wide = max(bottom - top + 1, 1), max(right - left + 1, 1)
            part = image[n][:, top + i * high // h:top - (-(i + 1) * high // h), left + j * wide // w:left - (-(j + 1) * wide // w)]
            y[:, i, j] = part.max((1, 2)) if part.size else 0
    return y


case("max_roi_pool", [node("MaxRoiPool", ["x", "r"], ["y"], pooled_shape=[4, 3], spatial_scale=0.5)], {
    "x": image,
    "r": (regions * [1, 2, 2, 2, 2]).astype(f32)
}, {"y": np.stack([pool(r, 4, 3) for r in regions])})

if __name__ == "__main__":
    main()
