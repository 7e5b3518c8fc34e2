"""Scores by group from Ibis, Dask and PySpark; `test_frames` holds the other libraries.

They are heavy, and PySpark needs Java 17: ``nox -s backends`` installs them and runs this file.
"""

import math
import os
import re
import sys
from datetime import UTC, date, datetime

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings

from breakdown_oracle import HOSTILE_NAMES, answers_by_key, assert_counts
from netpromoter.errors import InvalidArgument, InvalidRating, MissingRatings, NoRatings, ScaleWarning
from netpromoter.frames import score_by

ADVICE = "nox -s backends installs it"

pytestmark = [
    # Of narwhals on its coming plugin for Dask, and of PySpark on pandas 3 and on its own sockets.
    pytest.mark.filterwarnings("ignore:Dask support is moving:FutureWarning"),
    pytest.mark.filterwarnings("ignore:PySpark does not yet fully support pandas:FutureWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]

DATA = {
    "plan": ["pro", "free", None, "pro", "free", "team"],
    "year": [2025, 2024, 2024, 2025, 2024, 2026],
    "rating": [10, 3, 7, 9, None, None],
}


def as_arrow(columns):
    return pa.table({name: pa.array(values, from_pandas=False) for name, values in columns.items()})


def nullable(values):
    """Give the type of pandas that holds these values beside nulls; Dask makes text of columns of objects."""
    kinds = set(map(type, values)) - {type(None)}
    types = {(int,): "Int64", (bool,): "boolean", (date,): pd.ArrowDtype(pa.date32())}
    return types.get(tuple(kinds)) if None in values or kinds == {date} else None


@pytest.fixture(scope="session")
def as_ibis():
    ibis = pytest.importorskip("ibis", reason=f"Ibis is not here: {ADVICE}")
    return lambda columns: ibis.memtable(as_arrow(columns))


@pytest.fixture(scope="session")
def as_dask():
    dask = pytest.importorskip("dask.dataframe", reason=f"Dask is not here: {ADVICE}")

    def make(columns):
        frame = {name: pd.Series(values, dtype=nullable(values)) for name, values in columns.items()}
        return dask.from_pandas(pd.DataFrame(frame), npartitions=2)

    return make


@pytest.fixture(scope="session")
def spark():
    sql = pytest.importorskip("pyspark.sql", reason=f"PySpark is not here: {ADVICE}, and it needs Java 17")
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    try:
        session = (
            sql.SparkSession.builder.master("local[2]")
            .config("spark.ui.enabled", "false")
            .config("spark.sql.shuffle.partitions", "2")
            .config("spark.sql.session.timeZone", "UTC")
            .getOrCreate()
        )
    except Exception as error:  # noqa: BLE001 -- its own class of error needs Java to be imported
        pytest.skip(f"PySpark does not start, and it needs Java 17: {error}")
    session.sparkContext.setLogLevel("OFF")
    yield session
    session.stop()


@pytest.fixture(scope="session")
def as_spark(spark):
    return lambda columns: spark.createDataFrame(as_arrow(columns))


@pytest.fixture(params=["ibis", "dask", "spark"])
def make(request):
    return request.getfixturevalue(f"as_{request.param}")


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(drawn=answers_by_key())
def test_every_engine_agrees_with_a_counter(make, drawn):
    """Counts, keys, their plain types and their order are those of a count made one answer at a time."""
    answers, columns = drawn
    frame = make({**columns, "rating": answers})
    assert_counts(score_by(frame, rating="rating", by=list(columns), missing="drop"), answers, columns)


@pytest.mark.parametrize(
    "keys",
    [
        ["pro", "free", None, "pro"],
        [3, -1, 3, 2**40],
        [1.5, math.nan, None, 1.5],
        [True, False, None, True],
        [date(2024, 2, 29), None, date(1999, 12, 31), date(2024, 2, 29)],
        [datetime(2024, 2, 29, 13, tzinfo=UTC), None, None, datetime(1999, 12, 31, tzinfo=UTC)],
    ],
    ids=lambda keys: type(keys[0]).__name__,
)
def test_keys_of_each_type_are_plain_values(make, keys):
    """Each type of key comes out as Python's own, null and NaN as one missing key at the end."""
    found = score_by(make({"key": keys, "rating": [10, 0, 8, 7]}), rating="rating", by="key")
    plain = [None if key != key else key for key in keys]  # noqa: PLR0124
    assert_counts(found, [10, 0, 8, 7], {"key": plain})


def test_nan_is_missing(make):
    """NaN in a column of floats is a missing answer wherever null is."""
    frame = make({"key": ["a", "a", "b", "b"], "rating": [9.0, math.nan, None, 3.0]})
    assert_counts(score_by(frame, rating="rating", by="key", missing="drop"), [9, None, None, 3], {"key": list("aabb")})


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_column_names_may_be_anything(make, name):
    """Names that are syntax to an engine are names to us."""
    frame = make({"other": [0, 0, 0], name: ["x", "y", "x"], f"{name} rating": [10, 0, 8]})
    assert_counts(score_by(frame, rating=f"{name} rating", by=name), [10, 0, 8], {name: ["x", "y", "x"]})


@pytest.mark.parametrize(
    ("answers", "lowest", "n"),
    [([10, 11, 3, -1], "-1", 2), ([10.0, 8.5, math.nan, 12.0], "8.5", 2), ([0.0, 1.0, math.inf, None], "inf", 1)],
)
def test_what_is_not_a_rating_is_refused(make, answers, lowest, n):
    """These engines have no order: the message gives the lowest such answer, and no position."""
    frame = make({"key": ["a", "b", "a", "b"], "rating": answers})
    message = f"ratings must be whole numbers from 0 to 10 (got {lowest}; {n} such in all)"
    with pytest.raises(InvalidRating, match=f"^{re.escape(message)}$"):
        score_by(frame, rating="rating", by="key", missing="drop")


@pytest.mark.parametrize(("values", "kind"), [(["10", "9"], "text"), ([True, False], "True and False")])
def test_ratings_that_are_not_numbers_are_refused_in_one_wording(make, values, kind):
    """The type of the column is looked at before any work, and named in the same words everywhere."""
    message = f"ratings must be numbers where the frame is not in memory (got {kind} in column 'r')"
    with pytest.raises(InvalidRating, match=f"^{re.escape(message)}$"):
        score_by(make({"key": ["a", "b"], "r": values}), rating="r", by="key")


def test_missing_answers_are_refused_with_their_count(make):
    """Missing answers are dropped only on request, and nobody at all has no score."""
    message = 'ratings must not be missing unless missing="drop" (got 2 missing of 6)'
    with pytest.raises(MissingRatings, match=f"^{re.escape(message)}$"):
        score_by(make(DATA), rating="rating", by="plan")
    with pytest.raises(NoRatings, match="got none, and 2 missing"):
        score_by(make({"key": ["a", "b"], "rating": [math.nan, None]}), rating="rating", by="key", missing="drop")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rating": "score"}, "rating must be one of 'plan', 'year', 'rating' (got 'score')"),
        ({"by": ["plan", "country"]}, "by must be one of 'plan', 'year', 'rating' (got 'country')"),
        ({"by": "rating"}, "by must be other columns than the rating (got 'rating')"),
        (
            {"rating": None},
            "rating must be the name of the column that holds the answers, where data is a dataframe (got None)",
        ),
    ],
)
def test_broken_arguments_are_refused_alike(make, change, message):
    """The wording does not depend on the engine."""
    with pytest.raises(InvalidArgument, match=f"^{re.escape(message)}$"):
        score_by(make(DATA), **{"rating": "rating", "by": "plan", **change})


def test_another_scale_is_doubted(make):
    """A thousand answers none of which is 0 warn."""
    frame = make({"key": ["a", "b"] * 600, "rating": [1, 10] * 600})
    with pytest.warns(ScaleWarning, match="none of 1,200 answers is 0"):
        score_by(frame, rating="rating", by="key")


def plain_rows(frame):
    if hasattr(frame, "compute"):
        frame = frame.compute()
    elif hasattr(frame, "to_pyarrow"):
        frame = frame.to_pyarrow().to_pandas()
    elif hasattr(frame, "toArrow"):
        frame = frame.toArrow().to_pandas()
    rows = frame.astype(object).to_dict("records")
    return [{name: None if pd.isna(value) else value for name, value in row.items()} for row in rows]


@pytest.mark.parametrize("least", [None, 2])
def test_frames_come_back_in_their_own_engine(make, least):
    """`to_frame` gives the rows as a lazy frame of the engine that the answers came in."""
    frame = make(DATA)
    found = score_by(frame, rating="rating", by=["plan", "year"], missing="drop", minimum_group=least)
    returned = found.to_frame(method="wald")
    assert type(returned) is type(frame)
    assert plain_rows(returned) == found.rows(method="wald")


def test_all_engines_count_a_larger_column_alike(make):
    """Ten thousand answers in two thousand groups, over several partitions, are the integers of the array path."""
    rng = np.random.default_rng(3)
    columns = {"one": rng.integers(0, 200, 10_000), "two": rng.integers(0, 10, 10_000)}
    answers = rng.integers(0, 11, 10_000)
    frame = make({name: column.tolist() for name, column in {**columns, "rating": answers}.items()})
    assert score_by(frame, rating="rating", by=["one", "two"]) == score_by(answers, by=columns)
