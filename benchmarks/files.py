"""A survey file: reading it safely, answer by answer, against the engine's bare scan of the same bytes."""

import argparse
import tempfile
from pathlib import Path

from timing import extra_megabytes, medians, printed, row, seconds

PLANS = ["free", "basic", "pro", "enterprise"]


def write(path, rows):
    """Write a CSV of answers, plans and comments with quoted commas."""
    import numpy as np
    import polars as pl

    rng = np.random.default_rng(5)
    pl.DataFrame(
        {
            "id": np.arange(rows),
            "nps": rng.integers(0, 11, rows),
            "plan": rng.choice(PLANS, rows),
            "comment": rng.choice(["", "fine, thank you", "Größe und Farbe passen", "slow"], rows),
        }
    ).write_csv(path)


def ours(path):
    """Count the answers by plan, with the row report."""
    from netpromoter import formats

    return formats.answers(path, rating="nps", by=["plan"]).breakdown()


def bare(path):
    """Group the same two columns with the streaming engine, trusting the file."""
    import polars as pl

    scan = pl.scan_csv(path, schema_overrides={"nps": pl.String, "plan": pl.String})
    return scan.group_by("plan", "nps").agg(pl.len()).collect(engine="streaming")


def main():
    """Compare time and memory on one file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10**7)
    parser.add_argument("--memory", type=Path, help="only print the extra megabytes that reading this file takes")
    options = parser.parse_args()
    if options.memory:
        print(extra_megabytes(lambda: ours(options.memory)))
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "answers.csv"
        write(path, options.rows)
        assert ours(path).total.n == options.rows
        found = medians({"ours": lambda: ours(path), "bare": lambda: bare(path)}, rounds=3)
        size = path.stat().st_size / 1e6
        what = f"a CSV of {size:,.0f} MB, counted by plan with a row report"
        ratio = f"{found['ours'] / found['bare']:.1f}x"
        row(what, seconds(found["ours"]), against=f"bare polars scan, {seconds(found['bare'])}", ratio=ratio, target="")
        extra = float(printed(__file__, "--memory", str(path)))
        row("its extra memory", f"{extra:,.0f} MB", against="the file", ratio=f"{extra / size:.2f}x", target="")


if __name__ == "__main__":
    main()
