"""The goals of goals.json, held against the rows of a run. What a metric means is said at its function."""

import json
import math
import os

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


class Run:
    """All rows of a run, and what is asked of them."""

    def __init__(self, rows):
        self.rows = rows

    def fovea(self, row):
        return row["peers"].get("fovea", {})

    def time(self, row):
        return self.fovea(row).get("min_ms")

    def other(self, row, base):
        """Fovea's best row of another case, of the same kind."""
        rows = [r for r in self.rows if r["base"] == base and kind(r) == kind(row) and self.time(r)]
        return min(rows, key=self.time) if rows else None

    def best_peer(self, row):
        """(name, ms): the fastest peer on this work, in whichever form it takes it best."""
        found = [(p["min_ms"], name) for r in self.rows if r["base"] == row["base"] and kind(r) == kind(row)
                 for name, p in r["peers"].items() if name != "fovea" and p.get("min_ms")]  # yapf: disable
        return (min(found)[1], min(found)[0]) if found else None

    # ---- metrics: (row, goal) -> value, or None where it is not known ------------------------------------------------
    def peak_pct(self, row, _=None, peer="fovea"):
        """Work, without what is masked, a second, in percent of the multiply-add peak."""
        peak = row["machine"].get("peak_bf16_gflops" if row["dtype"] == "bf16" else "peak_gflops")
        ms = row["peers"].get(peer, {}).get("min_ms")
        return 100 * row["flop"] / ms / 1e6 / peak if ms and peak and row["flop"] else None

    def read_pct(self, row, _=None, peer="fovea"):
        """Bytes of weights and inputs a second, in percent of the read bandwidth of the memory."""
        ms, read = row["peers"].get(peer, {}).get("min_ms"), row["machine"].get("read_gbs")
        return 100 * (row["weight_bytes"] + row["inputs"]) / ms / 1e6 / read if ms and read else None

    def speedup(self, row, _=None):
        """The best peer's time over Fovea's."""
        best = self.best_peer(row)
        return best[1] / self.time(row) if best and self.time(row) else None

    def growth_mb(self, row, _):
        """What the process grows by when it runs."""
        return self.fovea(row).get("growth_mb")

    def peak_pct_of(self, row, goal):
        """The efficiency in percent of that on another case."""
        other = self.other(row, goal["to"])
        return 100 * self.peak_pct(row) / self.peak_pct(other) if other and self.time(row) else None

    def extra_pct(self, row, goal):
        """The time beyond that of another case, in percent of it."""
        other = self.other(row, goal["to"])
        return 100 * (self.time(row) / self.time(other) - 1) if other and self.time(row) else None

    def saving_pct(self, row, goal):
        """The speed-up over the model with all its tokens, in percent of what the operations promise."""
        plain = row["base"].partition("_")[2]
        other = self.other(row, {"b": "vit_b", "b_b8": "vit_b_b8"}.get(plain, plain) if goal["to"] == "=" else goal["to"])
        if not other or not self.time(row):
            return None
        return 100 * self.time(other) / self.time(row) / (other["flop"] / row["flop"])

    def memory_to_best(self, row, _):
        """What the process takes, relative to the peer that takes least."""
        peers = [p["peak_mb"] for n, p in row["peers"].items() if n != "fovea" and p.get("peak_mb")]
        own = self.fovea(row).get("peak_mb")
        return own / min(peers) if own and peers else None

    def compile_s(self, row, _):
        return self.fovea(row).get("compile_s")

    def cold_s(self, row, _):
        """From the start of a process to the first result, without Python."""
        return row.get("cold_start_s", {}).get("fovea, no Python")

    def beyond_weights_mb(self, row, _):
        """The library's size beyond that of the weights."""
        own = self.fovea(row).get("shipped_mb")
        return own - row["weight_bytes"] / 2**20 if own else None


def kind(row):
    return row["dtype"], row["threads"]


def load(name):
    path = os.path.join(HERE, name)
    if not os.path.exists(path):
        return None
    with open(path, encoding="utf-8") as f:
        return json.load(f)


def applies(goal, row):
    if row["case"].endswith(".gqa"):  # measured for the sake of the peer that has it
        return False
    named = row["base"] in goal["cases"] if "cases" in goal else row["group"] == goal["group"]
    return named and row["threads"] in goal.get("threads", [2]) and row["dtype"] == goal.get("dtype", "f32")


def check(rows, goals):
    """Every goal with what was reached: dicts with case, threads, metric, value, goal, met (None: not measured)."""
    run, found = Run(rows), []
    for goal in goals:
        chosen = [r for r in rows if applies(goal, r)]
        if goal.get("mean"):
            values = [v for v in (run.speedup(r) for r in chosen) if v]
            value = math.exp(sum(map(math.log, values)) / len(values)) if values else None
            if chosen:
                found.append(verdict(goal, f"mean of {len(values)} {goal['group']}s", 2, value))
            continue
        for row in chosen:
            if "fovea" in row["peers"]:
                found.append(verdict(goal, row["case"], row["threads"], getattr(run, goal["metric"])(row, goal)))
    return found


def verdict(goal, case, threads, value):
    least, most = goal.get("at_least"), goal.get("at_most")
    met = None if value is None else (value >= least if least is not None else value <= most)
    return {"case": case, "threads": threads, "metric": goal["metric"] + (f" {goal['to']}" if len(goal.get("to", "")) > 1
                                                                          else ""),
            "value": value, "goal": f">= {least:g}" if least is not None else f"<= {most:g}", "met": met}  # yapf: disable
