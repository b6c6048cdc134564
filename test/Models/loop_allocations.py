"""loop_allocations.py: fails where a loop of a compiled model allocates, or its arena is larger than it has to be.

Every buffer belongs to the arena, to the stack of a thread or to a place before its loop. Reads the memref stage of each
model; loops are known by the indentation that the printer gives them.
"""

import glob
import os
import re
import subprocess
import sys

ARENA = re.compile(r"fovea\.arena = array<i64: (\d+), (\d+)>")
MOST_ABOVE_ALIVE = 1.02  # of what is alive at one time
LOOP = re.compile(r"\bscf\.(for|forall|while|parallel)\b")


def allocations(text):
    """(loop, allocation) of each memref.alloc inside a loop."""
    open_loops = []
    for line in text.splitlines():
        indent = len(line) - len(line.lstrip())
        while open_loops and line.strip() and indent <= open_loops[-1][0]:
            # `} do {` goes on with the loop it belongs to.
            if line.lstrip().startswith("} do {") and indent == open_loops[-1][0]:
                break
            open_loops.pop()
        if "memref.alloc(" in line and open_loops:
            yield open_loops[-1][1], line.strip()
        if LOOP.search(line):
            open_loops.append((indent, line.strip()))


found = 0
models = sorted(glob.glob(os.path.join(os.path.dirname(os.path.abspath(__file__)), "*", "model.onnx")))
for model in models:
    command = [os.path.join(os.environ["FOVEA_BIN"], "fovea-compile"), model, "--emit=memref", "-o", "-"]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    for size, alive in ARENA.findall(text):
        if int(size) > MOST_ABOVE_ALIVE * int(alive):
            found += 1
            print(f"{model}:\n  an arena of {size} bytes, of which {alive} are alive at one time")
    for loop, allocation in allocations(text):
        found += 1
        print(f"{model}:\n  {allocation}\n  in {loop[:120]}")
sys.exit(f"{found} findings" if found or not models else 0)
