"""Where a row of Fovea spends its time: its kernels, from fovea-run --profile, beside what the machine does at most."""

import collections
import json
import os
import re
import subprocess

import cases


def kernels(build, lib, folder, scratch, threads):
    """[{name, calls, ms, gflops, where}], the longest first; the least of some runs. Empty where it cannot be had."""
    import numpy as np
    trace = os.path.join(scratch, "trace.json")
    command = [os.path.join(build, "bin", "fovea-run"), lib, "--profile", trace, "--benchmark", "5", "--threads",
               str(threads)]  # yapf: disable
    for name, value in cases.arrays(folder, "input").items():
        if value.dtype.name != "bfloat16":  # .npy has no name for it; fovea-run makes some up
            np.save(os.path.join(scratch, f"{name}.npy"), value)
            command += ["--input", f"{name}={os.path.join(scratch, name)}.npy"]
    if subprocess.run(command, capture_output=True).returncode:
        return []
    with open(trace, encoding="utf-8") as f:
        told = json.load(f)
    spans = [e for e in (told["traceEvents"] if isinstance(told, dict) else told) if e.get("ph") == "X"]
    times = collections.defaultdict(lambda: collections.defaultdict(float))
    facts = {}
    for e in spans:
        args = e["args"]
        times[e["name"]][args.get("run", 0)] += e["dur"] / 1e3
        flop = args.get("GFLOP/s", 0) * e["dur"] / 1e6
        fact = facts.setdefault(e["name"], {"where": args.get("where"), "gflop": collections.Counter(),
                                            "calls": collections.Counter()})  # yapf: disable
        fact["gflop"][args.get("run", 0)] += flop
        fact["calls"][args.get("run", 0)] += 1
    found = []
    for name, runs in times.items():
        run, ms = min(runs.items(), key=lambda item: item[1])
        fact = facts[name]
        found.append({"name": name, "calls": fact["calls"][run], "ms": ms, "gflops": 1e3 * fact["gflop"][run] / ms
                      if ms else 0, "where": fact["where"]})  # yapf: disable
    return sorted(found, key=lambda k: -k["ms"])


def summary(found, peak):
    """The kinds of kernels, their share of the time, and how near to the peak in GFLOP/s they are."""
    ms, gflop = collections.Counter(), collections.Counter()
    for k in found:
        kind = re.sub(r"^k\d+_", "", k["name"])
        ms[kind] += k["ms"]
        gflop[kind] += k["ms"] * k["gflops"] / 1e3
    total = sum(ms.values())
    parts = []
    for kind, t in ms.most_common(4):
        at = f" at {100e3 * gflop[kind] / t / peak:.0f}% of peak" if peak and gflop[kind] else ""
        parts.append(f"{kind} {100 * t / total:.0f}%{at}")
    return ", ".join(parts)
