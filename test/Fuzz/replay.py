"""RUN: %python %s %t

What the fuzzers have found, once more through the tools: each input ends with a module or with an error, of one line
where it is a model. Without the sanitizers of scripts/check fuzz this only sees crashes, but it sees them every day.
"""

import concurrent.futures
import os
import subprocess
import sys

CORPUS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "Corpus")
OUT = sys.argv[1]


def read(fuzzer):
    for name in sorted(os.listdir(os.path.join(CORPUS, fuzzer))):
        with open(os.path.join(CORPUS, fuzzer, name), "rb") as file:
            yield name, file.read()


def wrong(name, data, suffix, command, most_lines):
    """What is wrong with what a tool says to an input; nothing where all is well."""
    path = os.path.join(OUT, name + suffix)
    with open(path, "wb") as file:
        file.write(data)
    done = subprocess.run(command + [path], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=300)
    lines = done.stderr.decode(errors="replace").splitlines()
    good = not lines if done.returncode == 0 else done.returncode == 1 and 1 <= len(lines) <= most_lines
    return "" if good else f"{name}: code {done.returncode}, {len(lines)} lines: {' '.join(lines)[:300]}"


def jobs():
    for name, data in read("ImportFuzzer"):
        is_text = data.startswith(b"text\n")
        yield name, data[5:] if is_text else data, ".onnxtxt" if is_text else ".onnx", ["fovea-import"], 1
    for name, data in read("OptFuzzer"):
        yield name, data, ".mlir", ["fovea-opt", "--fovea-recognize"], 10000


os.makedirs(OUT, exist_ok=True)
with concurrent.futures.ThreadPoolExecutor(2) as pool:
    results = list(pool.map(lambda job: wrong(*job), jobs()))
found = [result for result in results if result]
print("\n".join(found + [f"{len(results)} inputs, {len(found)} wrong"]))
sys.exit(bool(found))
