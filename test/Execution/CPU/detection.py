# RUN: %python %s
"""Object detection: NonMaxSuppression, by its definition over a list of boxes."""

import numpy as np

from Execution.harness import case, main, node

rng = np.random.default_rng(21)
f32 = np.float32


def corners(box, centered):
    a, b, c, d = (float(v) for v in box)
    if centered:
        return b - d / 2, a - c / 2, b + d / 2, a + c / 2
    return min(a, c), min(b, d), max(a, c), max(b, d)


def overlap(p, q):
    height = min(p[2], q[2]) - max(p[0], q[0])
    width = min(p[3], q[3]) - max(p[1], q[1])
    if height <= 0 or width <= 0:
        return 0.0
    common = height * width
    return common / ((p[2] - p[0]) * (p[3] - p[1]) + (q[2] - q[0]) * (q[3] - q[1]) - common)


def suppress(boxes, scores, most=0, iou=0.0, least=None, centered=False):
    rows = []
    for n in range(scores.shape[0]):
        places = [corners(box, centered) for box in boxes[n]]
        for c in range(scores.shape[1]):
            own = []
            for i in sorted(range(scores.shape[2]), key=lambda i: (-scores[n, c, i], i)):
                if len(own) < most and (least is None or scores[n, c, i] > least) and all(
                        overlap(places[i], places[j]) <= iou for j in own):
                    own.append(i)
            rows += [(n, c, i) for i in own]
    return np.array(rows, np.int64).reshape(-1, 3)


def draw(batch, classes, count, centered=False):
    places, sizes = rng.random((batch, count, 2)) * 10, rng.random((batch, count, 2)) * 4 + 0.1
    boxes = np.concatenate([places, sizes] if centered else [places + sizes, places], -1)
    # Equal scores keep the order of the boxes.
    return boxes.astype(f32), (rng.integers(0, 40, (batch, classes, count)) / 40).astype(f32)


def check(name, sizes, most, iou, least=None, centered=False, **kw):
    feeds = []
    for size in sizes:
        boxes, scores = draw(*size, centered)
        inputs = {"b": boxes, "s": scores, "m": np.array([most]), "i": np.array([iou], f32)}
        if least is not None:
            inputs["t"] = np.array([least], f32)
        feeds.append((inputs, {"y": suppress(boxes, scores, most, iou, least, centered)}))
    names = ["b", "s", "m", "i"] + ["t"] * (least is not None)
    case(name, [node("NonMaxSuppression", names, ["y"], center_point_box=int(centered))],
         *feeds[0],
         shapes={
             "b": ["n", "k", 4],
             "s": ["n", "c", "k"],
             "y": ["rows", 3]
         },
         sets=feeds[1:])


check("suppress", [(2, 3, 40), (1, 1, 1), (1, 2, 0), (3, 1, 101)], 9, 0.3)
check("suppress_scores", [(2, 2, 33)], 100, 0.1, 0.5)
check("suppress_centers", [(1, 2, 57)], 20, 0.2, 0.25, centered=True)
check("suppress_nothing_wanted", [(1, 2, 5)], 0, 0.5)
check("suppress_nothing_good", [(2, 2, 5)], 3, 0.5, 2.0)
boxes, scores = draw(1, 2, 6)
case("suppress_defaults", [node("NonMaxSuppression", ["b", "s"], ["y"])], {
    "b": boxes,
    "s": scores
}, {"y": np.zeros((0, 3), np.int64)},
     shapes={"y": ["rows", 3]})

if __name__ == "__main__":
    main()
