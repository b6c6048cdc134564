"""Runs ONNX's backend tests in parallel, and holds the results against a list of expected failures."""

import argparse
import collections
import json
import multiprocessing
import os
import re
import resource
import signal
import sys
import time
import traceback
import unittest
import warnings

from .compiler import CompileError
from .onnx_backend import Backend

CLASSES = ["pass", "wrong", "unsupported", "crash", "hang"]
ROUNDING = "rounding: "
# What comes out of these is drawn at random: type and shape are all that a test can know.
RANDOM = re.compile(r"test_(bernoulli|training_dropout(?!.*zero_ratio))")


def collect():
    """{name: (category, function)} of ONNX's tests for this device."""
    warnings.simplefilter("ignore")
    import numpy as np
    import onnx.backend.test
    # Expected values hold NaN, infinities and overflows on purpose.
    np.seterr(all="ignore")
    cases = {}
    for category, tests in onnx.backend.test.BackendTest(Backend, __name__).test_cases.items():
        for name in dir(tests):
            if name.startswith("test_") and name.endswith("_cpu"):
                cases[name.removesuffix("_cpu")] = (category, tests, name)
    return cases


def use_comparison(types_only):
    """Replaces, in this process, the comparison of ONNX's runner, for what it cannot do: sequences with elements without
    dimensions, optionals without a value, and random results."""
    from onnx.backend.test.runner import Runner
    exact = Runner.assert_similar_outputs

    def compare(cls, ref_outputs, outputs, rtol, atol, model_dir=None):
        assert len(outputs) == len(ref_outputs), f"{len(outputs)} values, expected {len(ref_outputs)}"
        for want, got in zip(ref_outputs, outputs):
            if want is None or got is None:
                assert want is got, f"{got}, expected {want}"
            elif isinstance(want, (list, tuple)):
                assert isinstance(got, list), "not a sequence"
                compare(cls, want, got, rtol, atol)
            elif types_only:
                assert (got.dtype, got.shape) == (want.dtype, want.shape), "another type or shape"
            else:
                exact([want], [got], rtol, atol, model_dir)

    Runner.assert_similar_outputs = classmethod(compare)


def run_one(case, limit, pipe):
    """In a process of its own: the class of the result, and one line about it."""
    resource.setrlimit(resource.RLIMIT_CPU, (limit, limit + 5))
    _, tests, name = case
    use_comparison(types_only=bool(RANDOM.match(name)))
    try:
        getattr(tests(name), name)()
        result = ("pass", "")
    except unittest.SkipTest as e:
        result = ("unsupported", f"skipped by ONNX: {e}")
    except CompileError as e:
        lines = str(e).splitlines()
        result = ("unsupported", str(e)) if len(lines) == 1 else ("crash", f"{len(lines)} lines: {e}"[:500])
    except AssertionError as e:
        result = ("wrong", " ".join(str(e).split())[:300])
    except Exception:  # whatever happens is a result
        result = ("crash", traceback.format_exc().strip().splitlines()[-1][:500])
    pipe.send(result)
    pipe.close()


class Pool:
    """At most `jobs` cases at a time, each with a limit in CPU time, and four times that in wall time."""

    def __init__(self, jobs, limit):
        self.jobs, self.limit = jobs, limit
        self.context = multiprocessing.get_context("fork")
        self.running = {}

    def run(self, cases, report):
        waiting = collections.deque(cases.items())
        while waiting or self.running:
            while waiting and len(self.running) < self.jobs:
                name, case = waiting.popleft()
                mine, theirs = self.context.Pipe(duplex=False)
                process = self.context.Process(target=run_one, args=(case, self.limit, theirs))
                process.start()
                theirs.close()
                self.running[name] = (process, mine, time.monotonic())
            multiprocessing.connection.wait([p.sentinel for p, _, _ in self.running.values()], timeout=1)
            for name, (process, pipe, start) in list(self.running.items()):
                late = time.monotonic() - start > 4 * self.limit
                if late:
                    process.kill()
                elif process.is_alive():
                    continue
                process.join()
                del self.running[name]
                report(name, *self.result(process, pipe, late), time.monotonic() - start)

    @staticmethod
    def result(process, pipe, late):
        if late or process.exitcode in (-signal.SIGXCPU, -signal.SIGKILL):
            return "hang", "over the time limit"
        try:
            return pipe.recv() if pipe.poll() else ("crash", f"exit code {process.exitcode}")
        except EOFError:
            return "crash", f"exit code {process.exitcode}"


def read_expected(path):
    """{case: reason} of lines `case: reason`; a reason is a part of the diagnostic, or `rounding: ` and a part of the
    comparison where the expected value, which ONNX computes in float32, is the inexact one."""
    expected = {}
    with open(path, encoding="utf-8") as f:
        for number, line in enumerate(f, 1):
            text = line.strip()
            if not text or text.startswith("#"):
                continue
            name, colon, reason = text.partition(": ")
            if not colon or name in expected:
                sys.exit(f"{path}:{number}: error: expected a line 'case: reason', each case once")
            expected[name] = reason
    return expected


def check_expected(results, expected):
    """The lines that are wrong about the list, which may only shrink."""
    problems = []
    for name, (kind, text) in sorted(results.items()):
        if name not in expected:
            if kind != "pass":
                problems.append(f"{name}: {kind}: {text}")
        elif kind == "pass":
            problems.append(f"{name}: passes: take it off the list of expected failures")
        elif kind != ("wrong" if expected[name].startswith(ROUNDING) else "unsupported"):
            problems.append(f"{name}: {kind}: {text}")
        elif expected[name].removeprefix(ROUNDING) not in text:
            problems.append(f"{name}: {kind}: {text}\n    the list expects the diagnostic: {expected[name]}")
    return problems


def parse(arguments):
    ap = argparse.ArgumentParser(prog="python -m fovea.onnx_backend", description=__doc__)
    ap.add_argument("--filter", default="", metavar="REGEX", help="only cases whose name matches")
    ap.add_argument("--jobs", type=int, default=os.cpu_count(), help="cases at a time (default: all CPUs)")
    ap.add_argument("--shard", default="1/1", metavar="I/N", help="only every N-th case, from the I-th")
    ap.add_argument("--limit", type=int, default=60, metavar="SECONDS", help="CPU time of a case (default: 60)")
    ap.add_argument("--threads", type=int, default=1, help="threads of the compiled libraries (default: 1)")
    ap.add_argument("--flag", action="append", default=[], help="argument for fovea-compile; may be repeated")
    ap.add_argument("--expect", metavar="FILE",
                    help="lines 'case: part of its diagnostic' of cases that are refused; exit code 1 if another case "
                    "fails or a listed one passes")
    ap.add_argument("--json", metavar="FILE", help="write the results here")
    args = ap.parse_args(arguments)
    if not re.fullmatch(r"[1-9]\d*/[1-9]\d*", args.shard) or args.jobs < 1:
        ap.error("--shard needs I/N, and --jobs a positive number")
    return args


def main(arguments=None):
    args = parse(arguments)
    Backend.flags, Backend.threads = args.flag, args.threads
    first, step = map(int, args.shard.split("/"))
    cases = collect()
    expected = read_expected(args.expect) if args.expect else {}
    unknown = sorted(set(expected) - set(cases))
    chosen = {n: cases[n] for n in sorted(cases)[first - 1::step] if re.search(args.filter, n)}
    results, kinds = {}, collections.Counter()

    def report(name, kind, text, seconds):
        results[name] = (kind, text)
        kinds[kind] += 1
        if kind != "pass" and name not in expected:
            print(f"{name}: {kind}: {text}", flush=True)
        if sys.stderr.isatty():
            print(f"\r{len(results)}/{len(chosen)} {name[:60]:60}", end="", file=sys.stderr, flush=True)

    Pool(args.jobs, args.limit).run(chosen, report)
    print(f"{len(chosen)} cases: " + ", ".join(f"{kinds[k]} {k}" for k in CLASSES))
    if args.json:
        with open(args.json, "w", encoding="utf-8") as f:
            json.dump({n: {"class": k, "text": t} for n, (k, t) in sorted(results.items())}, f, indent=1)
    if not args.expect:
        return 0 if kinds["pass"] == len(chosen) else 1
    problems = [f"{n}: no such case" for n in unknown] + check_expected(results, expected)
    for problem in problems:
        print(f"unexpected: {problem}")
    return 1 if problems or not chosen else 0
