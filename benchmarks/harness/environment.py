"""The environment of the benchmark: the peers in a virtual environment of its own, and what the machine is."""

import os
import platform
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
REQUIREMENTS = os.path.join(HERE, "requirements.txt")


def cache_folder():
    base = os.environ.get("FOVEA_CACHE") or os.path.join(
        os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "fovea")
    return os.path.join(base, "benchmarks")


def requirements():
    """The pinned packages in groups, which an empty line parts: a group is installed, or absent, as a whole."""
    with open(REQUIREMENTS, encoding="utf-8") as f:
        blocks = f.read().split("\n\n")
    groups = [[line for line in b.splitlines() if line and not line.startswith("#")] for b in blocks]
    return [g for g in groups if g]


def install(cache, groups):
    """Installs what is missing; says what cannot be installed, and goes on without it."""
    venv = os.path.join(cache, "venv")
    python = os.path.join(venv, "bin", "python")
    if not os.path.exists(python):
        subprocess.run([sys.executable, "-m", "venv", venv], check=True)
    for group in groups:
        if have(python, group):
            continue
        print(f"run: installing {' '.join(group)}", file=sys.stderr, flush=True)
        # torch without CUDA is a tenth of the size; an index that offers it is used, the default one has it with.
        light = [f"{p}+cpu" if p.startswith(("torch==", "torchvision==")) else p for p in group]
        for packages in ([light] if light != group else []) + [group]:
            done = subprocess.run([python, "-m", "pip", "install", "-q", "--disable-pip-version-check", *packages],
                                  capture_output=True, text=True)  # yapf: disable
            if done.returncode == 0:
                break
        else:
            why = (done.stderr.strip().splitlines() or ["no message"])[-1]
            print(f"run: absent: {' '.join(group)}: {why}", file=sys.stderr, flush=True)
    return python


def have(python, group):
    """Whether these versions are there, of whichever build (2.15.0 or 2.15.0+cpu)."""
    script = ("import sys, importlib.metadata as m\n"
              "for p in sys.argv[1:]:\n"
              "  n, v = p.split('==')\n"
              "  assert m.version(n).split('+')[0] == v\n")
    return subprocess.run([python, "-c", script, *group], capture_output=True).returncode == 0


def reenter(cache, groups):
    """Goes on in the benchmark's own environment."""
    if os.path.realpath(sys.prefix) == os.path.realpath(os.path.join(cache, "venv")):
        return
    python = install(cache, groups)
    os.execv(python, [python, *sys.argv])


def host_cpu():
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as f:
            return next((line.split(":", 1)[1].strip() for line in f if line.startswith("model name")), "unknown")
    except OSError:
        return platform.processor() or "unknown"


def cpu_detail(name):
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        return next((line.split(":", 1)[1].strip() for line in f if line.startswith(name)), "")


def machine_facts(root):
    """What a reader needs to judge the numbers."""
    commit = subprocess.run(["git", "-C", root, "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    flags = set(cpu_detail("flags").split())
    return {
        "cpu": host_cpu(),
        "family_model": f"{cpu_detail('cpu family')}/{cpu_detail('model')}",
        "features": sorted(flags & {"avx2", "fma", "avx512f", "avx512_bf16", "avx512_vnni", "amx_tile", "amx_bf16"}),
        "cpus": len(os.sched_getaffinity(0)),
        "memory_gib": round(memory, 1),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "fovea": commit.stdout.strip() or "unknown",
        "date": time.strftime("%Y-%m-%d"),
        "load_at_start": os.getloadavg()[0]
    }
