"""The frame path: `score_by(frame)` against the same query written natively, on one thread."""

import argparse

import numpy as np
from timing import medians, row, seconds

from netpromoter import score_by

GROUPS = 1_000


def engines(table):
    """Give each engine's frame, and the native query for the same columns: rows, answered, categories and extremes."""
    import duckdb
    import pandas as pd
    import polars as pl
    import pyarrow as pa
    import pyarrow.compute as pc

    pa.set_cpu_count(1)
    memory = duckdb.connect()
    memory.execute("SET threads = 1")
    memory.register("source", table)
    memory.execute("CREATE TABLE answers AS SELECT * FROM source")
    series, frame = table.to_pandas(), pl.from_arrow(table)
    answer = pl.col("answer")

    def by_pandas():
        flags = {"promoters": series.answer > 8, "detractors": series.answer < 7}
        flagged = pd.DataFrame({"segment": series.segment, "answer": series.answer, **flags})
        return flagged.groupby("segment", dropna=False).agg(
            rows=("answer", "size"),
            answered=("answer", "count"),
            promoters=("promoters", "sum"),
            detractors=("detractors", "sum"),
            lowest=("answer", "min"),
            highest=("answer", "max"),
        )

    def by_polars():
        return (
            frame.lazy()
            .group_by("segment")
            .agg(
                pl.len(),
                answer.count().alias("answered"),
                (answer > 8).sum().alias("promoters"),
                (answer < 7).sum().alias("detractors"),
                answer.min().alias("lowest"),
                answer.max().alias("highest"),
            )
            .collect()
        )

    def by_pyarrow():
        flags = {"promoters": pc.greater(table["answer"], 8), "detractors": pc.less(table["answer"], 7)}
        flags = {name: pc.cast(flag, pa.int8()) for name, flag in flags.items()}
        flagged = pa.table({"segment": table["segment"], "answer": table["answer"], **flags})
        sums = [("answer", "count", pc.CountOptions(mode="all")), ("answer", "count")]
        sums += [("promoters", "sum"), ("detractors", "sum"), ("answer", "min"), ("answer", "max")]
        return flagged.group_by("segment", use_threads=False).aggregate(sums)

    def by_duckdb():
        query = """
            SELECT segment, count(*), count(answer), count(*) FILTER (answer > 8), count(*) FILTER (answer < 7),
                min(answer), max(answer)
            FROM answers GROUP BY segment
        """
        return memory.sql(query).to_arrow_table()

    return {
        "pandas": (series, by_pandas),
        "polars": (frame, by_polars),
        "pyarrow": (table, by_pyarrow),
        "DuckDB": (memory.table("answers"), by_duckdb),
    }


def main():
    """Measure, after checking that all agree."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10**7)
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    import pyarrow as pa

    rng = np.random.default_rng(1)
    codes = rng.integers(0, GROUPS, options.rows)
    answers = rng.integers(0, 11, options.rows)
    names = pa.array([f"segment {code:04}" for code in range(GROUPS)])
    million = f"{options.rows / 1e6:g} million rows"
    text = pa.table({"segment": names.take(pa.array(codes)), "answer": answers})
    expected = score_by(answers, by={"segment": codes}).promoters
    for engine, (frame, native) in engines(text).items():
        assert (score_by(frame, rating="answer", by="segment").promoters == expected).all()
        runs = {"ours": lambda frame=frame: score_by(frame, rating="answer", by="segment"), "native": native}
        found = medians(runs, rounds=options.rounds)
        what = f"`score_by(frame)` by text, {million}, {engine}"
        against = f"the same query in {engine}, {seconds(found['native'])}"
        ratio = f"{found['ours'] / found['native']:.2f}x"
        row(what, seconds(found["ours"]), against=against, ratio=ratio, target="at most 1.15x")
    whole = pa.table({"segment": codes, "answer": answers})
    for engine, (frame, native) in engines(whole).items():
        if engine == "DuckDB":
            continue
        runs = {"ours": lambda frame=frame: score_by(frame, rating="answer", by="segment"), "native": native}
        found = medians(runs, rounds=options.rounds)
        what = f"`score_by(frame)` by integers, {million}, {engine} (kernel)"
        against = f"the same query in {engine}, {seconds(found['native'])}"
        ratio = f"{found['native'] / found['ours']:.1f}x faster"
        row(what, seconds(found["ours"]), against=against, ratio=ratio, target="faster")


if __name__ == "__main__":
    main()
