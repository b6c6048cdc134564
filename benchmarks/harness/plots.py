"""The plots of a run, as SVG."""

import os

from . import goals

COLOURS = {"fovea": "#1b6ca8", "onnxruntime": "#9aa0a6", "openvino": "#c58f4b", "torch": "#b05c5c"}


def draw(rows, folder, stem):
    """Writes <stem>-attention, -matmul and -models; returns their paths. ImportError where matplotlib is absent."""
    import matplotlib
    matplotlib.use("svg")
    matplotlib.rcParams.update({"svg.hashsalt": "fovea", "font.size": 9})
    run, written = goals.Run(rows), []
    for group, ylabel, value in (("attention", "% of the multiply-add peak", run.peak_pct),
                                 ("matmul", "% of the multiply-add peak", run.peak_pct),
                                 ("model", "speed, Fovea = 1", lambda r, peer: relative(run, r, peer))):
        chosen = [r for r in rows if r["group"] == group and r["threads"] == 2 and "fovea" in r["peers"]
                  and (group == "model" or r["flop"] > 4 * (r["weight_bytes"] + r["inputs"]))]  # yapf: disable
        if chosen:
            written += bars(chosen, lambda r, peer, v=value: v(r, peer=peer), ylabel,
                            os.path.join(folder, f"{stem}-{group}"))  # yapf: disable
    return written


def relative(run, row, peer):
    ms = row["peers"].get(peer, {}).get("min_ms")
    return run.time(row) / ms if ms and run.time(row) else None


def bars(rows, value, ylabel, path):
    from matplotlib import pyplot
    names = sorted({n for r in rows for n in r["peers"]}, key=lambda n: (n != "fovea", n))
    figure, axes = pyplot.subplots(figsize=(max(4, 0.5 + 0.28 * len(rows) * (len(names) + 1) / 2), 3.2))
    width = 0.8 / len(names)
    for i, name in enumerate(names):
        at = [x + (i - (len(names) - 1) / 2) * width for x in range(len(rows))]
        axes.bar(at, [value(r, name) or 0 for r in rows], width, label=name, color=COLOURS.get(name))
    axes.set_xticks(range(len(rows)), [r["case"] for r in rows], rotation=60, ha="right")
    axes.set_ylabel(ylabel)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, ncols=len(names), loc="lower left", bbox_to_anchor=(0, 1))
    figure.savefig(path + ".svg", bbox_inches="tight", metadata={"Date": None})
    pyplot.close(figure)
    return [path + ".svg"]
