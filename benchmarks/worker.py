"""One peer in a process of its own: prepares once, then runs when told to, so that peers can take turns.

  worker.py PEER MODEL FEEDS.npz THREADS     PEER: fovea (MODEL is a .so), onnxruntime (.onnx) or peak (peak.so)

Reads a number of seconds per line from stdin and answers with the times of the runs that fit, as a JSON line.
"""

import ctypes
import json
import os
import sys
import threading
import time


def peak_rss():
    with open("/proc/self/status") as f:
        return next(int(line.split()[1]) / 1024 for line in f if line.startswith("VmHWM"))


def fovea(path, feeds, threads):
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "python"))
    from fovea.library import Library
    library = Library(path)
    library.set_threads(threads)
    return library.bind({info.name: feeds[info.name] for info in library.inputs})


def onnxruntime(path, feeds, threads):
    import onnxruntime as ort
    options = ort.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads, options.log_severity_level = threads, 1, 3
    session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    results = session.run(None, feeds)
    binding = session.io_binding()
    for name, array in feeds.items():
        binding.bind_cpu_input(name, array)
    values = [ort.OrtValue.ortvalue_from_numpy(r) for r in results]
    for info, value in zip(session.get_outputs(), values):
        binding.bind_ortvalue_output(info.name, value)
    return lambda: session.run_with_iobinding(binding), results


def peak(path, _, threads):
    function = ctypes.CDLL(os.path.abspath(path)).fovea_peak
    function.restype, function.argtypes = ctypes.c_double, [ctypes.c_long, ctypes.POINTER(ctypes.c_float)]
    done, rates = [0.0] * threads, [0.0] * threads

    def one(i):  # ctypes lets go of the interpreter lock
        sink, rates[i] = (ctypes.c_float * 1)(), 0.0
        for _ in range(16):
            begin = time.perf_counter()
            done[i] = function(1 << 17, sink)
            rates[i] = max(rates[i], done[i] / (time.perf_counter() - begin))

    def run():
        """Returns the time that all threads together need, without that of starting them."""
        others = [threading.Thread(target=one, args=(i, )) for i in range(1, threads)]
        for t in others:
            t.start()
        one(0)
        for t in others:
            t.join()
        return sum(done) / sum(rates)

    return run, done


def main():
    name, path, data, threads = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])  # all peers on the same CPUs
    import numpy as np
    feeds = dict(np.load(data)) if name != "peak" else {}
    before = peak_rss()
    run, results = {"fovea": fovea, "onnxruntime": onnxruntime, "peak": peak}[name](path, feeds, threads)
    run()
    if name == "peak":
        print(json.dumps({"flop": sum(results)}), flush=True)
    else:
        out = f"{data[:-4]}.{name}.npz"
        np.savez(out, *results)
        print(json.dumps({"outputs": out, "rss_mb": peak_rss() - before}), flush=True)
    for line in sys.stdin:
        times, end = [], time.perf_counter() + float(line)
        run()  # wakes the threads up and brings the caches back
        while not times or (time.perf_counter() < end and len(times) < 1000):
            begin = time.perf_counter()
            own = run()
            times.append(time.perf_counter() - begin if own is None else own)
        print(json.dumps(times), flush=True)


if __name__ == "__main__":
    main()
