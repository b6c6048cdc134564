"""One peer in a process of its own: prepares, compares its numbers, then runs when told to, so that peers take turns.

  worker.py JOB.json      {peer, case, folder, threads, lib, ...}

Answers with one JSON line: first what preparing took and how far the numbers are off, then, for each line on standard
input (a number of seconds), the times of the runs that fit.  With "first", a file of the inputs, it ends after the first
result.
"""

import ctypes
import json
import os
import sys
import time

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FLUSH = 96 << 20  # bytes, more than the caches hold


def peak_memory():
    with open("/proc/self/status", encoding="ascii") as f:
        return next(int(line.split()[1]) / 1024 for line in f if line.startswith("VmHWM"))


def reset_peak():
    """From here on VmHWM is the peak of what comes, without what was freed; an old kernel keeps it as it is."""
    try:
        ctypes.CDLL(None).malloc_trim(0)
        with open("/proc/self/clear_refs", "w", encoding="ascii") as f:
            f.write("5")
    except (OSError, AttributeError):  # AttributeError: a C library that is not glibc
        pass


def difference(got, want):
    """The largest difference, relative to the largest value; infinite where shapes or NaNs differ."""
    import numpy as np
    worst = 0.0
    for a, b in zip(got, want, strict=True):
        a, b = np.asarray(a), np.asarray(b)
        if a.shape != b.shape:
            return float("inf")
        a, b = a.astype(np.float64), b.astype(np.float64)
        if not a.size:
            continue
        if not np.isfinite(a).all():
            return float("inf")
        worst = max(worst, float(np.abs(a - b).max() / max(np.abs(b).max(), 1e-30)))
    return worst


def timed(run, seconds, flush):
    """The times of the runs that fit into `seconds`, at least one, after one that wakes the threads."""
    run()
    times, end = [], time.perf_counter() + seconds
    while not times or (time.perf_counter() < end and len(times) < 2000):
        if flush is not None:
            flush.sum()
        begin = time.perf_counter()
        run()
        times.append(time.perf_counter() - begin)
    return times


def machine(job):
    from peers.machine import Machine
    loops = Machine(job["lib"], job["threads"])
    print(json.dumps({}), flush=True)
    for _ in sys.stdin:
        loops.turn()
        print(json.dumps(loops.best), flush=True)


def main():
    with open(sys.argv[1], encoding="utf-8") as f:
        job = json.load(f)
    # Pinned before anything starts a thread: all peers to the same CPUs.
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:job["threads"]])
    sys.path[0] = HERE
    if job["peer"] == "machine":
        return machine(job)
    import numpy as np

    import cases
    import peers
    inputs = dict(np.load(job["first"])) if "first" in job else cases.arrays(job["folder"], "input")
    reset_peak()
    before, begin = peers.resident(), time.perf_counter()
    try:
        prepared = peers.module(job["peer"]).prepare(job, inputs, job["threads"], job.get("lib") or job["folder"])
        prepared.run()
    except peers.Unsupported as error:
        print(json.dumps({"unsupported": str(error)}), flush=True)
        return None
    info = {"load_s": time.perf_counter() - begin, "first_mb": peak_memory() - before, **prepared.facts}
    if "first" not in job:
        want = cases.arrays(job["folder"], "output")
        info["error"] = difference(prepared.results(), want.values())
        del want
    print(json.dumps(info), flush=True)
    if "first" in job:
        os._exit(0)  # the result is there; how long a peer tidies up is not asked
    reset_peak()
    loaded = prepared.facts["loaded_mb"]
    flush = np.ones(FLUSH // 4, np.float32) if job["flush"] else None
    extra = flush.nbytes / 2**20 if flush is not None else 0
    for line in sys.stdin:
        times = timed(prepared.run, float(line), flush)
        peak = peak_memory() - extra
        print(json.dumps({"times": times, "peak_mb": peak - before, "growth_mb": peak - loaded}), flush=True)
    return None


if __name__ == "__main__":
    main()
