"""Not a peer but the machine: what its multiply-add units and its memory do at most, by the loops of peak.c."""

import ctypes
import os
import shutil
import subprocess
import threading
import time

SOURCE = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "peak.c")
CALLS = {"peak_gflops": "fovea_peak", "peak_bf16_gflops": "fovea_peak_bf16", "read_gbs": "fovea_read"}


def build(folder):
    path = os.path.join(folder, "peak.so")
    compiler = next(filter(shutil.which, ("clang-22", "clang", os.environ.get("CC", "cc"))))
    subprocess.run([compiler, "-O3", "-march=native", "-ffp-contract=fast", "-shared", "-fPIC", "-o", path, SOURCE],
                   check=True)  # yapf: disable
    return path


class Machine:
    """Measures in turns; each call is some ten milliseconds on each thread, and the best is kept."""

    def __init__(self, path, threads):
        import numpy as np
        library = ctypes.CDLL(path)
        self.threads, self.best = threads, {name: 0.0 for name in CALLS}
        self.buffers = [np.ones(1 << 25, np.float32) for _ in range(threads)]  # 128 MiB each
        self.functions = {}
        for name, symbol in CALLS.items():
            function = getattr(library, symbol)
            function.restype, function.argtypes = ctypes.c_double, [ctypes.c_long, ctypes.c_void_p]
            self.functions[name] = function

    def once(self, name):
        """The rate of all threads together, in billions a second, of the time in which all of them work."""
        amount, ends = [0.0] * self.threads, [0.0] * self.threads
        start = threading.Barrier(self.threads)
        begins = [0.0] * self.threads

        def work(i):
            count = self.buffers[i].size if name == "read_gbs" else 1 << 19
            start.wait()
            begins[i] = time.perf_counter()
            amount[i] = self.functions[name](count, self.buffers[i].ctypes.data)  # lets go of the interpreter lock
            ends[i] = time.perf_counter()

        workers = [threading.Thread(target=work, args=(i, )) for i in range(1, self.threads)]
        for w in workers:
            w.start()
        work(0)
        for w in workers:
            w.join()
        return sum(amount) / (max(ends) - min(begins)) / 1e9

    def turn(self):
        for name in CALLS:
            for _ in range(4):
                self.best[name] = max(self.best[name], self.once(name))
