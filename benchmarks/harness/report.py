"""The tables of a run, as Markdown."""

import peers

from . import goals


SPEED = ("peak_pct", "read_pct", "speedup", "saving_pct")  # metrics that a profile says something about


def number(value, digits=3):
    """With so many digits that count."""
    if value is None:
        return "-"
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.{digits}g}"


def cell(told):
    """min (median) of a peer, or in a word why there is none."""
    if told is None:
        return ""
    for word in ("unsupported", "failed", "wrong"):
        if word in told:
            return {"unsupported": "-"}.get(word, word)
    return f"{number(told['min_ms'])} ({number(told['median_ms'])})" if "min_ms" in told else "-"


def speed_table(rows, names, verdicts):
    """One line a row: times of all, and what Fovea makes of the machine."""
    run = goals.Run(rows)
    below = {(v["case"], v["threads"]) for v in verdicts if v["met"] is False}
    lines = [
        "| case | threads | GFLOP | " + " | ".join(f"{n} ms" for n in names) +
        " | spread % | best peer / Fovea | % of peak | best peer, % of peak | % of read | |",
        "|" + "---|" * (len(names) + 9)
    ]
    for row in rows:
        told, best = row["peers"].get("fovea", {}), run.best_peer(row)
        spread = 100 * (told["p90_ms"] / told["min_ms"] - 1) if "p90_ms" in told else None
        peak = run.peak_pct(row)
        theirs = peak * run.time(row) / best[1] if best and peak else None
        read = run.read_pct(row) if reads(row) else None
        mark = "below goal" if (row["case"], row["threads"]) in below else ""
        lines.append(f"| {row['case']} | {row['threads']} | {number(row['flop'] / 1e9 or None)} | " +
                     " | ".join(cell(row["peers"].get(n)) for n in names) +
                     f" | {number(spread, 2)} | {number(run.speedup(row))} | {number(peak, 2)} | {number(theirs, 2)} "
                     f"| {number(read, 2)} | {mark} |")
    return lines


def reads(row):
    """Whether memory and not arithmetic is what limits: under four operations a byte."""
    return 0 < row["flop"] < 4 * (row["weight_bytes"] + row["inputs"])


def memory_table(rows, names):
    lines = ["| case | " + " | ".join(names) + " |", "|" + "---|" * (len(names) + 1)]
    for row in rows:
        if row["threads"] != 2 or not (row["group"] == "model" or row["base"] == "a3"):
            continue
        cells = []
        for name in names:
            told = row["peers"].get(name, {})
            took = told.get("compile_s", told.get("load_s"))
            cells.append(f"{number(took, 2)} / {number(told['peak_mb'])} / {number(told['growth_mb'])} / "
                         f"{told['error']:.0e}" if "peak_mb" in told else cell(told))
        lines.append(f"| {row['case']} | " + " | ".join(cells) + " |")
    return lines if len(lines) > 2 else []


def goal_table(rows, verdicts, limits):
    """What is below its goal, with what limits it where that is known, and where Fovea spends the time."""
    profiles = {(r["case"], r["threads"]): r.get("time_goes_to", "") for r in rows}
    lines = ["| case | threads | metric | reached | goal | what limits it, or where the time goes |", "|" + "---|" * 6]
    for v in verdicts:
        if not v["met"]:
            why = limits.get(f"{v['case']} {v['metric']}") or limits.get(v["case"]) or ""
            if not why and v["metric"] in SPEED:
                why = profiles.get((v["case"], v["threads"]), "")
            lines.append(f"| {v['case']} | {v['threads']} | {v['metric']} | {number(v['value'])} | {v['goal']} | {why} |")
    return lines if len(lines) > 2 else []


def reasons(rows):
    """Why peers have no number, once for each reason."""
    found = {}
    for row in rows:
        for name, told in row["peers"].items():
            for word in ("unsupported", "failed", "wrong"):
                if word in told:
                    found.setdefault((name, word, told[word]), []).append(f"{row['case']}/{row['threads']}")
    return [f"- {name}, {word}: {text} ({', '.join(where)})" for (name, word, text), where in sorted(found.items())]


def shipped_line(names):
    found = []
    for name in names:
        if name != "fovea" and name.split("-")[0] == name:
            try:
                found.append(f"{name} {number(peers.module(name).shipped())}")
            except ImportError:
                pass
    return "MB of libraries beside the model: fovea 0" + "".join(f", {f}" for f in found) + "."


def markdown(result, names):
    """The whole report."""
    rows, facts = result["rows"], result["machine"]
    verdicts = result["goals"]
    best = {k: {t: max((r["machine"].get(k, 0) for r in rows if r["threads"] == t), default=0) for t in (1, 2)}
            for k in ("peak_gflops", "peak_bf16_gflops", "read_gbs")}  # yapf: disable
    each = lambda k: ", ".join(f"{v:.0f} on {t}" for t, v in best[k].items() if v)
    met, known = sum(v["met"] is True for v in verdicts), sum(v["met"] is not None for v in verdicts)
    lines = [
        f"{facts['cpu']} ({facts['family_model']}), {facts['cpus']} CPUs, {facts['memory_gib']} GiB, {facts['system']}, "
        f"{facts['date']}, load at the start {facts['load_at_start']:.1f}; Fovea {facts['fovea']}, " + ", ".join(
            f"{n} {v}" for n, v in result["versions"].items() if v and n != "fovea") + ".",
        f"Measured in the same turns: multiply-adds {each('peak_gflops')} threads GFLOP/s, of bfloat16 "
        f"{each('peak_bf16_gflops')}; reads {each('read_gbs')} GB/s.", "",
        "Times in ms: least (median) of all runs; spread: how far the 90th percentile is above the least. Work counts "
        "what masks leave. A form of the same work follows a dot; the best peer is the best in any form.", "",
        *speed_table(rows, names, verdicts), ""
    ]  # yapf: disable
    for title, table in (("Compile or load s / memory MB / growth in runs MB / difference from float64:",
                          memory_table(rows, names)),
                         (f"Goals: {met} of {known} met. Below, or not measured:", goal_table(rows, verdicts, result["limits"])),
                         ("No number:", reasons(rows))):  # yapf: disable
        if table:
            lines += [title, "", *table, ""]
    cold = next((r["cold_start_s"] for r in rows if r.get("cold_start_s")), None)
    if cold:
        lines += ["Seconds from the start of a process to the first result of ViT-B, files in the cache of the system: " +
                  ", ".join(f"{n} {number(s)}" for n, s in cold.items()) + ".", ""]  # yapf: disable
    return lines + [shipped_line(names)]
