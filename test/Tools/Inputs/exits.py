"""exits.py CODE COMMAND...: runs the command, wants this exit code and at most one line of errors, prints that line."""

import subprocess
import sys

got = subprocess.run(sys.argv[2:], capture_output=True, text=True)
sys.stdout.write(got.stderr)
assert got.returncode == int(sys.argv[1]), f"exit code {got.returncode}"
assert got.stderr.count("\n") <= 1, "more than one line"
