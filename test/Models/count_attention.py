"""count_attention.py REMARKS.json N: fails unless N attentions were recognised, and says why the others were not."""

import json
import sys

with open(sys.argv[1]) as f:
    remarks = [r for r in json.load(f) if r["kind"] == "attention"]
found = sum(r["recognised"] for r in remarks)
if found != int(sys.argv[2]):
    for r in remarks:
        print(f"{'recognised' if r['recognised'] else 'missed'} at {r['where']}: {r['why']}")
    sys.exit(f"{found} attentions recognised, expected {sys.argv[2]}")
