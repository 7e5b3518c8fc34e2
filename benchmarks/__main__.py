"""Measure everything and print one table of ratios: ``python -m benchmarks``."""

import argparse
import json
import os
import platform
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

SCRIPTS = [
    "imports",
    "kernel",
    "pushdown",
    "groups",
    "files",
    "planning",
    "ledger",
    "simulation",
    "rendering",
    "disclosure",
]
PEERS = ["numpy", "pandas", "polars", "pyarrow", "duckdb"]
HEAD = ["what", "ours", "against", "ratio", "target"]


def main():
    """Run each script in a process of its own, so that none inherits what another has loaded."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, help="also write the table to this file")
    parser.add_argument("scripts", nargs="*", default=SCRIPTS, help="some of: " + ", ".join(SCRIPTS))
    options = parser.parse_args()
    rows = []
    for script in options.scripts:
        path = Path(__file__).with_name(f"{script}.py")
        found = subprocess.run([sys.executable, path], stdout=subprocess.PIPE, text=True, check=True).stdout
        rows += [json.loads(line) for line in found.splitlines()]
    versions = ", ".join(f"{name} {version(name)}" for name in PEERS)
    lines = ["| " + " | ".join(cells) + " |" for cells in [HEAD, ["---"] * len(HEAD), *rows]]
    lines += ["", f"Python {platform.python_version()}, {versions}; {os.cpu_count()} cores, every peer on one thread."]
    text = "\n".join(lines) + "\n"
    print(text, end="")
    if options.output:
        options.output.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
