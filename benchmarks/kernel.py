"""The array path: answers by integer codes, against one pass over the same bytes and against each engine."""

import argparse

import numpy as np
from timing import extra_megabytes, medians, printed, row, seconds

from netpromoter import score_by

GROUPS = 1_000
SHARES = [0.03, 0.01, 0.02, 0.02, 0.03, 0.06, 0.07, 0.13, 0.2, 0.18, 0.25]


def columns(rows):
    """Draw answers with the shares of a usual survey, and codes of a thousand segments."""
    rng = np.random.default_rng(1)
    answers = np.searchsorted(np.cumsum(SHARES)[:-1], rng.random(rows, dtype=np.float32), side="right")
    return answers.astype(np.int8), rng.integers(0, GROUPS, rows, dtype=np.int16)


def peers(answers, codes):
    """Give the same counts as each engine would be asked for them, on one thread."""
    import duckdb
    import pandas as pd
    import polars as pl
    import pyarrow as pa
    import pyarrow.compute as pc

    pa.set_cpu_count(1)
    table = pa.table({"code": codes, "answer": answers})
    frame, series = pl.from_arrow(table), pd.DataFrame({"code": codes, "answer": answers})
    database = duckdb.connect()
    database.execute("SET threads = 1")
    database.register("source", table)
    database.execute("CREATE TABLE answers AS SELECT * FROM source")

    def by_pyarrow():
        answer = table["answer"]
        flags = [pc.cast(flag, pa.int8()) for flag in (pc.greater(answer, 8), pc.less(answer, 7))]
        flagged = pa.table([table["code"], *flags], ["code", "promoters", "detractors"])
        sums = [("promoters", "count"), ("promoters", "sum"), ("detractors", "sum")]
        return flagged.group_by("code", use_threads=False).aggregate(sums)

    def by_polars():
        answer = pl.col("answer")
        sums = [(answer > 8).sum().alias("promoters"), (answer < 7).sum().alias("detractors")]
        return frame.lazy().group_by("code").agg(pl.len(), *sums).collect()

    def by_duckdb():
        counts = "count(*), count(*) FILTER (answer > 8), count(*) FILTER (answer < 7)"
        return database.execute(f"SELECT code, {counts} FROM answers GROUP BY code").fetchall()  # noqa: S608

    def by_pandas():
        flagged = series.assign(promoters=series.answer > 8, detractors=series.answer < 7)
        groups = flagged.groupby("code", sort=False)
        return groups.agg(n=("answer", "size"), promoters=("promoters", "sum"), detractors=("detractors", "sum"))

    return {"pyarrow": by_pyarrow, "polars": by_polars, "DuckDB": by_duckdb, "pandas": by_pandas}


def memory(rows):
    """Print the megabytes that a call takes beyond its two columns; in a process that has done nothing else."""
    rng = np.random.default_rng(1)
    score_by(np.arange(10, dtype=np.int8), by=np.arange(10, dtype=np.int16))
    answers, codes = rng.integers(0, 11, rows, dtype=np.int8), rng.integers(0, GROUPS, rows, dtype=np.int16)
    print(extra_megabytes(lambda: score_by(answers, by=codes)))


def main():
    """Measure, after checking that all agree."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10**8)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--memory", action="store_true")
    options = parser.parse_args()
    if options.memory:
        memory(options.rows)
        return
    import pandas as pd
    import polars as pl

    answers, codes = columns(options.rows)
    names = [f"segment {code:04}" for code in range(GROUPS)]
    text = pd.Categorical.from_codes(codes, names)
    enum = pl.Series(names, dtype=pl.Enum(names)).gather(codes)
    others = peers(answers, codes)
    ours = score_by(answers, by=codes)
    assert sum(count for *_, count in others["DuckDB"]()) == ours.detractors.sum()
    assert score_by(answers, by=text).promoters.tolist() == ours.promoters.tolist()
    runs = {
        "ours": lambda: score_by(answers, by=codes),
        "sum": lambda: np.sum(answers),
        "pandas category": lambda: score_by(answers, by=text),
        "polars Enum": lambda: score_by(answers, by=enum),
        **others,
    }
    found = medians(runs, rounds=options.rounds)
    mine = found["ours"]
    million = f"{options.rows / 1e6:g} million answers"
    what = f"`score_by(ratings, by=codes)`, {million}, {GROUPS:,} groups"
    row(
        what,
        seconds(mine),
        against="one `numpy.sum` of the answers",
        ratio=f"{mine / found['sum']:.1f}x",
        target="at most 10x",
    )
    extra = float(printed(__file__, "--memory", "--rows", str(options.rows)))
    row(
        what,
        f"{extra:.1f} MB",
        against="memory beyond the two columns",
        ratio=f"{extra:.1f} MB",
        target="at most 16 MB",
    )
    for name, target in {"pyarrow": 2, "polars": 3.5, "DuckDB": 3.5, "pandas": 15}.items():
        ratio = f"{found[name] / mine:.1f}x faster"
        row(what, seconds(mine), against=f"{name}, {seconds(found[name])}", ratio=ratio, target=f"at least {target:g}x")
    for name in ("pandas category", "polars Enum"):
        ratio = f"{found[name] / mine:.2f}x"
        row(
            f"the same by text, {name}",
            seconds(found[name]),
            against="integer codes",
            ratio=ratio,
            target="at most 1.5x",
        )


if __name__ == "__main__":
    main()
