"""How everything here is measured: alternating runs, medians, and a ratio to a peer or a limit in the same run."""

import json
import os
import statistics
import subprocess
import sys
import time
import tracemalloc
from pathlib import Path

# One thread for everybody; the libraries read this when they are first imported.
os.environ.setdefault("POLARS_MAX_THREADS", "1")


def medians(runs, *, rounds):
    """Call each function once a round, in turn, so that a busy moment hits all of them; give the median seconds."""
    seconds = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            start = time.perf_counter()
            run()
            seconds[name].append(time.perf_counter() - start)
    return {name: statistics.median(found) for name, found in seconds.items()}


def printed(*arguments):
    """Run Python in a fresh process, and give what it prints."""
    return subprocess.run([sys.executable, *arguments], stdout=subprocess.PIPE, text=True, check=True).stdout


def extra_megabytes(run):
    """Give what a call takes at its peak: what the system sees, or what Python and numpy ask for, whichever is more.

    The first alone misses memory that was freed before and is used again, the second what other libraries take.
    (``getrusage`` would not do: its peak includes what the parent held when it started this process.)
    """
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    before = _resident("VmRSS")
    run()
    seen = (_resident("VmHWM") - before) / 1024
    tracemalloc.start()
    run()
    _, asked = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return max(seen, asked / 1024**2)


def _resident(field):
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field))


def row(what, ours, *, against, ratio, target):
    """Print one row of the table, for `python -m benchmarks` to collect."""
    print(json.dumps([what, ours, against, ratio, target]), flush=True)


def seconds(value):
    """Write a time in the unit that suits it."""
    return f"{value:.2f} s" if value >= 1 else f"{1e3 * value:.1f} ms"
