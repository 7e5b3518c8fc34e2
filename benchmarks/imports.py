"""What it costs to import netpromoter, in fresh interpreters; in processor time, which neighbors do not disturb."""

import argparse
import statistics

from timing import printed, row

HEAVY = {
    "duckdb",
    "jinja2",
    "matplotlib",
    "narwhals",
    "pandas",
    "polars",
    "pyarrow",
    "scipy",
    "sqlalchemy",
    "starlette",
}
STATEMENTS = ["import numpy", "import netpromoter", "from netpromoter import score", "from netpromoter import score_by"]
SCRIPT = """
import sys, time
start = time.process_time()
{statement}
print(1e3 * (time.process_time() - start), *sorted({heavy!r} & set(sys.modules)))
"""


def imported(statement):
    """Give the milliseconds that an import takes, and the heavy modules that it loads."""
    found = printed("-c", SCRIPT.format(statement=statement, heavy=HEAVY)).split()
    return float(found[0]), found[1:]


def main():
    """Measure, in turn."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    times, loaded = {statement: [] for statement in STATEMENTS}, {}
    for _ in range(rounds + 1):
        for statement in STATEMENTS:
            time, loaded[statement] = imported(statement)
            times[statement].append(time)
    # The first round only fills the cache of the disk.
    numpy, *others = (statistics.median(found[1:]) for found in times.values())
    for statement, time in zip(STATEMENTS[1:], others, strict=True):
        heavy = ", ".join(loaded[statement]) or "nothing heavy"
        ratio = f"{time / numpy:.2f}x, {time - numpy:+.0f} ms"
        against = f"`import numpy`, {numpy:.0f} ms"
        row(f"`{statement}`, loads {heavy}", f"{time:.0f} ms", against=against, ratio=ratio, target="within 60 ms")


if __name__ == "__main__":
    main()
