"""Runs the peers of a case in turns, in one run, and collects what they tell."""

import json
import os
import statistics
import subprocess
import sys
import time

import cases
import peers
from peers import fovea

from . import profile

HERE = os.path.dirname(os.path.abspath(__file__))
PAUSE = 0.3  # seconds between turns: longer than an idle thread of any peer spins
TOLERANCE = {"f32": 1e-3, "bf16": 4e-2}  # relative to the largest value; what is further off is not timed
LIMIT_S = 1800  # of preparing


class Worker:
    """A peer's process; `row` is what is known of it so far."""

    def __init__(self, job, scratch):
        self.peer, self.times, self.row = job["peer"], [], {}
        path = os.path.join(scratch, f"{self.peer}.json")
        with open(path, "w", encoding="utf-8") as f:
            json.dump(job, f)
        threads = str(job["threads"])
        env = dict(os.environ, OMP_NUM_THREADS=threads, MKL_NUM_THREADS=threads, TOKENIZERS_PARALLELISM="false")
        self.errors = open(os.path.join(scratch, f"{self.peer}.err"), "w+", encoding="utf-8")
        self.process = subprocess.Popen([sys.executable, os.path.join(HERE, "worker.py"), path],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors, text=True,
                                        env=env)  # yapf: disable
        self.row.update(self.answer())

    def answer(self):
        """Its next line; peers print to standard output too, which is passed over."""
        for line in self.process.stdout:
            if line.startswith("{"):
                return json.loads(line)
        self.errors.seek(0)
        lines = self.errors.read().strip().splitlines()
        return {"failed": f"ended early ({self.process.wait()}): {lines[-1][:200] if lines else 'no message'}"}

    @property
    def alive(self):
        return not {"failed", "unsupported", "wrong"} & self.row.keys()

    def turn(self, seconds):
        time.sleep(PAUSE)
        self.process.stdin.write(f"{seconds}\n")
        self.process.stdin.flush()
        answer = self.answer()
        self.times += answer.pop("times", [])
        self.row.update(answer)

    def close(self):
        self.process.stdin.close()
        self.process.stdout.read()
        self.process.wait()
        self.errors.close()
        if self.times:
            t = sorted(1e3 * x for x in self.times)
            self.row.update(min_ms=t[0], median_ms=statistics.median(t), p90_ms=t[int(0.9 * (len(t) - 1))],
                            runs=len(t))  # yapf: disable


def job_of(case, peer, folder, threads, scratch, lib):
    return {"peer": peer, "name": case.name, "base": case.base, "group": case.group, "dtype": case.dtype,
            "folder": folder, "facts": cases.facts(folder), "threads": threads, "scratch": scratch,
            "flush": case.from_memory, "lib": lib if peer in ("fovea", "machine") else None}  # yapf: disable


def first_results(case, folder, scratch, lib, names, times=5):
    """Seconds from the start of a process to its first result: the least of some; for Fovea, of fovea-run."""
    import numpy as np
    found, inputs = {}, os.path.join(scratch, "first.npz")
    np.savez(inputs, **cases.arrays(folder, "input"))
    for peer in names:
        path = os.path.join(scratch, f"{peer}.first.json")
        with open(path, "w", encoding="utf-8") as f:
            json.dump({**job_of(case, peer, folder, 2, scratch, lib), "first": inputs}, f)
        command = [sys.executable, os.path.join(HERE, "worker.py"), path]
        taken = []
        for _ in range(times):
            begin = time.perf_counter()
            if subprocess.run(command, capture_output=True).returncode == 0:
                taken.append(time.perf_counter() - begin)
        if taken:
            found[peer] = min(taken)
    return found


def native_first_result(build, folder, scratch, lib, times=5):
    """The same for Fovea without Python, which it does not need: fovea-run, which reads the inputs and compares."""
    import numpy as np
    command = [os.path.join(build, "bin", "fovea-run"), lib, "--output-dir", scratch, "--threads", "2"]
    for name, value in cases.arrays(folder, "input").items():
        np.save(os.path.join(scratch, f"{name}.npy"), value)
        command += ["--input", f"{name}={os.path.join(scratch, name)}.npy"]
    taken = []
    for _ in range(times):
        begin = time.perf_counter()
        if subprocess.run(command, capture_output=True).returncode:
            return None
        taken.append(time.perf_counter() - begin)
    return min(taken)


def measure(case, options, scratch, threads, names, machine_lib):
    """One row: the case on so many threads, a dict of what each peer tells under `peers`."""
    folder = case.folder(options.cache)
    facts = cases.facts(folder)
    row = {"case": case.name, "base": case.base, "group": case.group, "what": case.what, "dtype": case.dtype,
           "threads": threads, **facts, "peers": {}}  # yapf: disable
    lib = os.path.join(scratch, "fovea.so")
    workers, compiled = [], {}
    for peer in names:
        if case.peers and peer != "fovea" and peer.split("-")[0] not in case.peers:
            continue
        if peer == "fovea":
            try:
                compiled = fovea.compile_case(options.build, folder, lib)
            except peers.Unsupported as error:
                row["peers"][peer] = {"unsupported": str(error)}
                continue
        worker = Worker(job_of(case, peer, folder, threads, scratch, lib), scratch)
        if peer == "fovea":
            worker.row.update(compiled)
        if worker.row.get("error", 0) > TOLERANCE[case.dtype]:
            worker.row["wrong"] = f"differs by {worker.row['error']:.1g}"
        workers.append(worker)
    take_turns(workers, options, row, case, folder, threads, scratch, machine_lib)
    if case.cold_start and threads == 2 and options.cold_start:
        row["cold_start_s"] = first_results(case, folder, scratch, lib, [w.peer for w in workers if w.alive])
        row["cold_start_s"]["fovea, no Python"] = native_first_result(options.build, folder, scratch, lib)
    if options.profile and any(w.peer == "fovea" and w.alive for w in workers):
        found = profile.kernels(options.build, lib, folder, scratch, threads)
        peak = row["machine"].get("peak_bf16_gflops" if case.dtype == "bf16" else "peak_gflops")
        row["time_goes_to"], row["kernels"] = profile.summary(found, peak), found[:12]
    return row


def take_turns(workers, options, row, case, folder, threads, scratch, machine_lib):
    loops = Worker(job_of(case, "machine", folder, threads, scratch, machine_lib), scratch) if machine_lib else None
    for number in range(options.rounds):
        if loops and number % 2 == 0:
            loops.turn(0)
        running = [w for w in workers if w.alive]
        start = number % max(1, len(running))  # nobody is always the first
        for worker in running[start:] + running[:start]:
            worker.turn(options.seconds)
    for worker in workers + ([loops] if loops else []):
        worker.close()
    row["peers"].update({w.peer: w.row for w in workers})
    row["machine"] = loops.row if loops else {}
