"""Scores by group: the same integers, keys and messages from every library."""

import math
import pickle
import re
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import duckdb
import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from breakdown_oracle import HOSTILE_NAMES, KEYS, answers_by_key, assert_counts, counted, counts_of
from netpromoter.errors import InvalidArgument, InvalidRating, MissingRatings, NoRatings, ScaleWarning
from netpromoter.frames import Breakdown, frame, score_by
from netpromoter.stats import METHODS, Score, intervals, score


def as_arrow(columns):
    return pa.table({name: pa.array(values, from_pandas=False) for name, values in columns.items()})


def as_pandas(columns):
    whole = {name for name, values in columns.items() if set(map(type, values)) == {int, type(None)}}
    return pd.DataFrame(
        {name: pd.Series(values, dtype="Int64" if name in whole else None) for name, values in columns.items()}
    )


def as_polars(columns):
    return pl.DataFrame(columns, strict=False)


def as_polars_lazy(columns):
    return as_polars(columns).lazy()


def as_duckdb(columns):
    return duckdb.from_arrow(as_arrow(columns))


MAKERS = {
    "pandas": as_pandas,
    "polars": as_polars,
    "polars-lazy": as_polars_lazy,
    "pyarrow": as_arrow,
    "duckdb": as_duckdb,
}
EAGER = ["pandas", "polars", "pyarrow"]
TYPES = {
    "pandas": pd.DataFrame,
    "polars": pl.DataFrame,
    "polars-lazy": pl.LazyFrame,
    "pyarrow": pa.Table,
    "duckdb": duckdb.DuckDBPyRelation,
}

makers = pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
DATA = {
    "plan": ["pro", "free", None, "pro", "free", "team"],
    "year": [2025, 2024, 2024, 2025, 2024, 2026],
    "rating": [10, 3, 7, 9, None, None],
}


@pytest.fixture
def small():
    return score_by(as_polars(DATA), rating="rating", by="plan", missing="drop")


# Counting


@makers
@given(drawn=answers_by_key())
def test_every_library_agrees_with_a_counter(make, drawn):
    """Counts, keys, their plain types and their order are those of a count made one answer at a time."""
    answers, columns = drawn
    frame = make({**columns, "rating": answers})
    assert_counts(score_by(frame, rating="rating", by=list(columns), missing="drop"), answers, columns)


@given(drawn=answers_by_key())
def test_plain_columns_agree_with_a_counter(drawn):
    """Lists of answers and labels give what a dataframe of them gives."""
    answers, columns = drawn
    assert_counts(score_by(answers, by=columns, missing="drop"), answers, columns)


@pytest.mark.parametrize(
    "read",
    [
        np.array,
        pd.Series,
        pd.Index,
        pd.Categorical,
        pl.Series,
        pa.array,
        lambda column: pa.chunked_array([column[:3], column[3:]]),
        lambda column: dict(enumerate(column)).values(),
        tuple,
        iter,
    ],
)
@pytest.mark.parametrize("kind", ["text", "integers", "booleans", "dates"])
def test_columns_of_any_library_are_labels(read, kind):
    """Arrays of numpy, pandas, polars and pyarrow, tuples and iterators of labels count like lists."""
    labels = KEYS[kind].elements if hasattr(KEYS[kind], "elements") else [True, False]
    column = [labels[place % len(labels)] for place in (0, 1, 1, 0, 2, 1)]
    answers = [10, 3, 7, 9, 8, 0]
    assert_counts(score_by(answers, by={"key": read(column)}), answers, {"key": column})


@pytest.mark.parametrize(
    "encode", ["category", "ordered", "Categorical", "Enum", "arrow", "arrow chunks", "arrow repeats"]
)
@pytest.mark.parametrize("gap", [None, "b"])
def test_dictionary_coded_keys_count_like_text(encode, gap):
    """Each library's categorical columns give text keys, and only those that occur; null is a key."""
    column, answers = ["b", "a", gap, "b", "c", gap], [10, 9, 8, 3, 7, 10]
    dictionary = ["a", "b", "c", "unused"]
    repeated = pa.DictionaryArray.from_arrays(
        [0, 1, None if gap is None else 2, 2, 3, None if gap is None else 0], ["b", "a", "b", "c"]
    )
    coded = {
        "category": lambda: pd.Series(column, dtype="category"),
        "ordered": lambda: pd.Series(pd.Categorical(column, dictionary, ordered=True)),
        "Categorical": lambda: pl.Series(column, dtype=pl.Categorical),
        "Enum": lambda: pl.Series(column, dtype=pl.Enum(dictionary)),
        "arrow": lambda: pa.array(column).dictionary_encode(),
        "arrow chunks": lambda: pa.chunked_array(
            [pa.array(column[:2]).dictionary_encode(), pa.array(column[2:]).dictionary_encode()]
        ),
        "arrow repeats": lambda: repeated,
    }[encode]()
    assert_counts(score_by(answers, by={"key": coded}), answers, {"key": column})
    library = {"pandas": pd.DataFrame, "polars": pl.DataFrame, "pyarrow": pa.table}[
        type(coded).__module__.partition(".")[0]
    ]
    frame = library({"key": coded, "rating": answers})
    assert_counts(score_by(frame, rating="rating", by="key"), answers, {"key": column})


@pytest.mark.parametrize("library", EAGER)
def test_an_empty_dictionary_is_one_missing_key(library):
    """A categorical column of nothing but nulls makes the group None."""
    coded = {
        "pandas": lambda: pd.Series([None, None], dtype="category"),
        "polars": lambda: pl.Series([None, None], dtype=pl.Categorical),
        "pyarrow": lambda: pa.array([None, None], pa.dictionary(pa.int8(), pa.string())),
    }[library]()
    assert list(score_by([10, 2], by=coded)) == [None]


@pytest.mark.parametrize(
    "dtype", ["int8", "uint8", "int16", "int64", "uint64", "float32", "Int64", "Float64", "int64[pyarrow]"]
)
def test_any_type_of_number_holds_ratings(dtype):
    """Narrow, wide, unsigned, nullable and arrow-backed columns of pandas count alike, by an integer key or by text."""
    frame = pd.DataFrame(
        {"rating": pd.Series([10, 0, 7, 8], dtype=dtype), "code": pd.Series([1, 0, 1, 0], dtype="int8")}
    )
    frame["text"] = frame["code"].map({0: "no", 1: "yes"})
    for name in ("code", "text"):
        assert_counts(score_by(frame, rating="rating", by=name), [10, 0, 7, 8], {name: frame[name].tolist()})


@makers
def test_nan_is_missing(make):
    """NaN in a column of floats is a missing answer wherever null is, and a missing key likewise."""
    frame = make({"key": [1.5, math.nan, 1.5, None], "rating": [9.0, math.nan, None, 3.0]})
    found = score_by(frame, rating="rating", by="key", missing="drop")
    assert_counts(found, [9, None, None, 3], {"key": [1.5, None, 1.5, None]})


@makers
def test_decimals_hold_ratings(make):
    """A column of decimals is a column of numbers; a fraction in it is refused."""
    frame = make({"key": ["a", "b"], "rating": [Decimal("9.0"), Decimal("6.0")]})
    if make is not as_pandas:  # a pandas column of decimals is one of objects
        assert_counts(score_by(frame, rating="rating", by="key"), [9, 6], {"key": ["a", "b"]})


@makers
@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_column_names_may_be_anything(make, name):
    """Names that are syntax to an engine are names to us."""
    frame = make({"other": [0, 0, 0], name: ["x", "y", "x"], f"{name} rating": [10, 0, 8]})
    found = score_by(frame, rating=f"{name} rating", by=name)
    assert_counts(found, [10, 0, 8], {name: ["x", "y", "x"]})
    assert found.to_frame() is not None


@pytest.mark.parametrize(
    "make", [as_pandas, as_polars, as_polars_lazy, as_arrow], ids=["pandas", "polars", "polars-lazy", "pyarrow"]
)
def test_a_column_name_may_be_empty(make):
    """The empty name is a name, where the library has it (SQL does not)."""
    assert_counts(score_by(make({"": ["x", "y"], "r": [1, 2]}), rating="r", by=""), [1, 2], {"": ["x", "y"]})


@makers
def test_labels_of_mixed_magnitude_combine(make):
    """Two wide keys, whose combinations would fill no table, count like any other."""
    columns = {"one": [2**40, -(2**40), 2**40, 0], "two": [5, 2**61, 5, -(2**61)]}
    found = score_by(make({**columns, "rating": [1, 2, 9, 10]}), rating="rating", by=["one", "two"])
    assert_counts(found, [1, 2, 9, 10], columns)
    assert_counts(
        score_by([1, 2, 9, 10], by={name: np.array(column) for name, column in columns.items()}), [1, 2, 9, 10], columns
    )


def test_arrays_of_instants_are_labels():
    """Instants of numpy, of any precision, are those of Python."""
    column = np.array(["2024-02-29T12", "NaT", "2024-02-29T12"], dtype="datetime64[ns]")
    plain = [datetime(2024, 2, 29, 12), None, datetime(2024, 2, 29, 12)]  # noqa: DTZ001 -- it has no zone
    assert_counts(score_by([1, 9, 10], by={"at": column}), [1, 9, 10], {"at": plain})


def test_masked_labels_are_missing():
    """A masked label is a missing one, whatever is under the mask."""
    column = np.ma.masked_equal([3, 7, 3], 7)
    assert_counts(score_by([1, 9, 10], by={"code": column}), [1, 9, 10], {"code": [3, None, 3]})


def test_negative_codes_combine():
    """Combining two columns of narrow integers loses no sign."""
    columns = {"one": np.array([-128, 127, -128, 0], np.int8), "two": np.array([-3, -3, 4, 4], np.int64)}
    plain = {name: column.tolist() for name, column in columns.items()}
    assert_counts(score_by([1, 2, 9, 10], by=columns), [1, 2, 9, 10], plain)


def test_labels_of_different_types_are_sorted_by_type():
    """Labels that do not compare have an order all the same: by the name of their type, then as text."""
    assert list(score_by([1, 2, 3, 4], by=["b", 10, None, 9])) == [10, 9, "b", None]


@given(answers_by_key(kinds=("text", "integers")), st.integers(0, 40))
def test_parts_add_to_the_whole(drawn, cut):
    """The counts of two halves add up, key by key, to those of the whole; the scores add up to the total."""
    answers, columns = drawn
    answers = [0 if rating is None else rating for rating in answers]
    whole = score_by(answers, by=columns)
    assert sum(whole[key] for key in whole) == whole.total == score(answers)
    parts = {}
    for half in (slice(None, cut), slice(cut, None)):
        if answers[half]:
            found = score_by(answers[half], by={name: column[half] for name, column in columns.items()})
            for key in found:
                parts[key] = found[key] + parts[key] if key in parts else found[key]
    assert parts == {key: whole[key] for key in whole}


# The scale, and what is missing


@makers
@pytest.mark.parametrize(
    ("answers", "first", "lowest"),
    [
        ([10, 11, 3, -1], "11 at position 1; 2", "-1; 2"),
        ([10.0, 8.5, 3.0, 12.0], "8.5 at position 1; 2", "8.5; 2"),
        ([0.0, 1.0, math.inf, math.nan], "inf at position 2; 1", "inf; 1"),
        ([0.0, 1.0, -math.inf, None], "-inf at position 2; 1", "-inf; 1"),
        ([0, 1, 99999999999, 3], "99999999999 at position 2; 1", "99999999999; 1"),
    ],
)
@pytest.mark.parametrize("key", ["text", "code"])
def test_what_is_not_a_rating_is_refused(make, answers, first, lowest, key):
    """The message is that of `score`; where the rows have no order, with the lowest such answer and no position."""
    frame = make({"text": ["a", "b", "a", "b"], "code": [1, 2, 1, 2], "rating": answers})
    got = lowest if make is as_duckdb else first
    message = f"ratings must be whole numbers from 0 to 10 (got {got} such in all)"
    with pytest.raises(InvalidRating, match=f"^{re.escape(message)}$"):
        score_by(frame, rating="rating", by=key, missing="drop")


@makers
def test_zero_is_refused_on_the_scale_from_1_to_10(make):
    """The scale that the question showed decides what is valid."""
    frame = make({"key": ["a", "b"], "rating": [0, 5]})
    with pytest.raises(InvalidRating, match=r"^ratings must be whole numbers from 1 to 10 "):
        score_by(frame, rating="rating", by="key", scale="1-10")


@pytest.mark.parametrize("make", [as_polars_lazy, as_duckdb])
@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["10", "9"], "text"),
        ([True, False], "True and False"),
        ([date(2024, 1, 1), date(2024, 1, 2)], "dates or times"),
    ],
)
def test_engines_take_numbers_alone(make, values, kind):
    """The type of a column that is not in memory is looked at before any work, and named in the same words."""
    frame = make({"key": ["a", "b"], "how likely": values})
    message = f"ratings must be numbers where the frame is not in memory (got {kind} in column 'how likely')"
    with pytest.raises(InvalidRating, match=f"^{re.escape(message)}$"):
        score_by(frame, rating="how likely", by="key")


@pytest.mark.parametrize("make", [MAKERS[name] for name in EAGER], ids=EAGER)
@pytest.mark.parametrize("values", [[True, False], [date(2024, 1, 1), date(2024, 1, 2)], ["ten", "9"]])
def test_frames_in_memory_refuse_what_score_refuses(make, values):
    """What is no answer is refused in the words of a score of the same column."""
    frame = make({"key": ["a", "b"], "how likely": values})
    with pytest.raises(InvalidRating) as expected:
        score(frame["how likely"])
    with pytest.raises(InvalidRating, match=f"^{re.escape(str(expected.value))}$"):
        score_by(frame, rating="how likely", by="key")


WRITTEN = {
    "text of pandas": pd.Series(["10", None, "3", "9 "]),
    "text of polars": pl.Series(["10", None, "3", "9 "]),
    "text of arrow": pa.array(["10", None, "3", "9 "]),
    "categories of text": pd.Series(["10", None, "3", "9"], dtype="category"),
    "categories of numbers": pd.Series([10, None, 3, 9], dtype="category"),
    "categories of polars": pl.Series(["10", None, "3", "9"], dtype=pl.Categorical),
    "decimals": pd.Series([Decimal(10), None, Decimal(3), Decimal(9)], dtype=object),
    "objects": pd.Series([10, None, 3, 9.0], dtype=object),
}
FRAMES = {"pandas": pd.DataFrame, "polars": pl.DataFrame, "pyarrow": pa.table}


@pytest.mark.parametrize("column", WRITTEN.values(), ids=WRITTEN)
@pytest.mark.parametrize("by", ["p", ["p", "q"]])
def test_frames_in_memory_take_what_score_takes(column, by):
    """Answers in whatever form a score reads them give the groups that their numbers give."""
    frame = FRAMES[type(column).__module__.partition(".")[0]]
    labels = {"p": ["a", "a", "b", None], "q": [1.5, 1.5, 1.5, 2.5]}
    found = score_by(frame({"r": column, **labels}), rating="r", by=by, missing="drop")
    assert found == score_by(as_polars({"r": [10, None, 3, 9], **labels}), rating="r", by=by, missing="drop")
    assert found.total == score(column, missing="drop")
    found.to_frame()


def test_an_hour_that_comes_twice_makes_two_groups():
    """At the end of summer time two hours have one name; each is a group, which its time finds, from every library."""
    times = pd.to_datetime(["2026-10-25 00:30", "2026-10-25 01:30"], utc=True).tz_convert("Europe/Berlin")
    for made in (pd.DataFrame({"r": [10, 0], "at": times}), pl.DataFrame({"r": [10, 0], "at": times.to_list()})):
        for found in (score_by(made, rating="r", by="at"), score_by([10, 0], by={"at": list(times)})):
            assert [found[time].value for time in found] == [100, -100]
            assert [found[time].value for time in times] == [100, -100]
            assert found.to_frame(library="polars")["nps"].to_list() == [100, -100]
    both = score_by([10, 0, 9], by={"at": [*times, times[0].astimezone(UTC)], "plan": ["a", "a", "a"]})
    assert both[times[0], "a"].n == 2
    assert "2026-10-25 02:30:00+01:00" in repr(both)
    edges = [datetime.min.replace(tzinfo=timezone(timedelta(hours=14))), datetime.max.replace(tzinfo=UTC)]
    assert list(score_by([10, 0], by=edges[::-1])) == edges


NOTHING = {
    "objects of pandas": lambda: pd.DataFrame({"r": [None, None], "p": ["a", "b"]}),
    "text of polars": lambda: pl.DataFrame(
        {"r": [None, None], "p": ["a", "b"]}, schema={"r": pl.String, "p": pl.String}
    ),
    "nulls of polars": lambda: pl.DataFrame({"r": [None, None], "p": ["a", "b"]}),
    "nulls of arrow": lambda: pa.table({"r": pa.nulls(2), "p": ["a", "b"]}),
    "by numbers": lambda: pl.DataFrame({"r": [None, None], "p": [1.5, None]}),
}


@pytest.mark.parametrize("make", NOTHING.values(), ids=NOTHING)
def test_a_column_without_an_answer_has_no_type(make):
    """Nobody answered, in whatever type a library keeps a column of nothing."""
    for missing in ("drop", "refuse"):
        with pytest.raises(NoRatings, match=r"\(got none, and 2 missing\)$"):
            score_by(make(), rating="r", by="p", missing=missing)
        with pytest.raises(NoRatings, match=r"\(got none, and 0 missing\)$"):
            score_by(make()[:0], rating="r", by="p", missing=missing)


def test_the_rating_is_named_by_text():
    """A column whose name is a number is told so, although it is there."""
    with pytest.raises(InvalidArgument, match=r"^rating must be the name of a column, as text \(got 0\)$"):
        score_by(pd.DataFrame({0: [10, 9], "p": ["a", "b"]}), rating=0, by="p")


@makers
def test_missing_answers_are_refused_with_their_count(make):
    """Missing answers are dropped only on request."""
    message = 'ratings must not be missing unless missing="drop" (got 2 missing of 6)'
    with pytest.raises(MissingRatings, match=f"^{re.escape(message)}$"):
        score_by(make(DATA), rating="rating", by="plan")


def test_missing_answers_of_columns_have_a_position():
    """Plain columns say where the first missing answer is."""
    with pytest.raises(MissingRatings, match=r"\(got 1 missing of 3, the first at position 1\)$"):
        score_by([1, None, 3], by=[1, 1, 2])


@makers
@pytest.mark.parametrize("rows", [0, 2])
def test_a_breakdown_of_nobody_is_refused(make, rows):
    """An empty frame and a column without answers have no score."""
    frame = make({"key": ["a", "b", "c"], "rating": [None, None, 1]})
    frame = (
        frame.limit(rows) if make is as_duckdb else frame[:rows] if make in {as_pandas, as_arrow} else frame.head(rows)
    )
    with pytest.raises(NoRatings, match=rf"got none, and {rows} missing"):
        score_by(frame, rating="rating", by="key", missing="drop")


def test_a_breakdown_of_no_columns_is_refused():
    """Two empty columns have no score."""
    with pytest.raises(NoRatings, match="got none, and 0 missing"):
        score_by(np.array([], np.int8), by=np.array([], np.int16))


@makers
def test_another_scale_is_doubted_once_for_the_whole(make):
    """A thousand answers none of which is 0 warn, at the caller's line, whatever the groups are."""
    frame = make({"key": [0, 1] * 600, "text": ["a", "b"] * 600, "rating": [1, 10] * 600})
    for by in ("key", "text"):
        with pytest.warns(ScaleWarning, match="none of 1,200 answers is 0") as caught:
            score_by(frame, rating="rating", by=by)
        assert [warning.filename for warning in caught] == [__file__]


# Arguments


BROKEN = [
    ({"rating": "score"}, "rating must be one of 'plan', 'year', 'rating' (got 'score')"),
    ({"by": "country"}, "by must be one of 'plan', 'year', 'rating' (got 'country')"),
    ({"by": []}, "by must be at least one name (got [])"),
    ({"by": ["plan", "plan"]}, "by must be names that differ from one another (got ['plan', 'plan'])"),
    ({"by": ["plan", "rating"]}, "by must be other columns than the rating (got 'rating')"),
    ({"by": ["plan", 3]}, "by must be made of names (got 3)"),
    ({"by": 3}, "by must be the name of a column or a list of them (got 3)"),
    ({"missing": "ignore"}, "missing must be one of 'refuse', 'drop' (got 'ignore')"),
    ({"scale": "0-5"}, "scale must be one of '0-10', '1-10' (got '0-5')"),
    ({"minimum_group": 0}, "minimum_group must be a whole number of at least 1 (got 0)"),
]


@makers
@pytest.mark.parametrize(("change", "message"), BROKEN)
def test_broken_arguments_are_refused_alike(make, change, message):
    """The wording does not depend on the library."""
    with pytest.raises(InvalidArgument, match=f"^{re.escape(message)}$"):
        score_by(make(DATA), **{"rating": "rating", "by": "plan", **change})


def test_columns_named_like_the_result_are_refused():
    """A key called n would be lost beside the count of that name."""
    with pytest.raises(InvalidArgument, match=r"^by must be other names than those of the result, .* \(got 'n'\)$"):
        score_by(pl.DataFrame({"n": [1], "r": [1]}), rating="r", by="n")


def test_nested_keys_are_refused():
    """A column of lists has no single values to group by."""
    with pytest.raises(InvalidArgument, match=r"^by must be columns of single values"):
        score_by(pl.DataFrame({"k": [[1]], "r": [1]}), rating="r", by="k")


def test_columns_of_one_name_are_refused():
    """Which of two columns is meant cannot be known."""
    frame = pd.DataFrame([[1, 2, 3]], columns=["a", "a", "r"])
    with pytest.raises(InvalidArgument, match=r"^data must have columns of different names \(got \['a', 'a', 'r'\]\)$"):
        score_by(frame, rating="r", by="a")


@pytest.mark.parametrize(
    ("data", "kind"), [([1, 2], "list"), ({"r": [1]}, "dict"), (pd.Series([1]), "Series"), (None, "NoneType")]
)
def test_data_with_a_rating_column_must_be_a_dataframe(data, kind):
    """What has no columns has no column called rating."""
    message = rf"^data must be a dataframe where rating names its column \(got a {kind}\)$"
    with pytest.raises(InvalidArgument, match=message):
        score_by(data, rating="r", by="k")


@makers
def test_a_dataframe_needs_the_name_of_its_ratings(make):
    """Without `rating` a dataframe is refused, not guessed at."""
    with pytest.raises(InvalidArgument, match=r"^rating must be the name of the column that holds the answers"):
        score_by(make(DATA), by="plan")


@pytest.mark.parametrize(
    ("by", "message"),
    [
        ("plan", "by must be a column of labels (got 'plan')"),
        (7, "by must be a column of labels (got 7)"),
        ([1, 2], "by must be as long as the ratings (got 2 labels for 3 ratings)"),
        ({"a": [1, 2, 3], "b": [1]}, "by['b'] must be as long as the ratings (got 1 labels for 3 ratings)"),
        ({}, "by must be at least one name (got {})"),
        ({3: [1, 2, 3]}, "by must be made of names (got 3)"),
        ([1, [2], 3], "by must be labels that can be keys of a dict (got [2])"),
        (np.zeros((3, 1)), "by must be one column of labels (got 'an array of shape (3, 1)')"),
        (pl.DataFrame({"a": [1, 2, 3]}), "by must be one column of labels (got 'a DataFrame')"),
    ],
)
def test_broken_labels_are_refused(by, message):
    """Labels that do not fit the answers are refused before any work."""
    with pytest.raises(InvalidArgument, match=f"^{re.escape(message)}$"):
        score_by([1, 2, 3], by=by)


# The breakdown


def test_a_breakdown_reads_like_a_mapping(small):
    """Iteration, length, membership and scores go by key, with None for the missing one."""
    assert list(small) == ["free", "pro", "team", None]
    assert len(small) == 4
    assert "pro" in small
    assert None in small
    assert small[math.nan] == small[None]
    assert ["pro"] not in small
    assert small["pro"] == Score.from_counts(promoters=2, passives=0, detractors=0)
    assert small["free"].missing == 1


def test_several_names_make_keys_of_tuples():
    """A key has a part for each name, of any numeric type that is equal."""
    found = score_by(as_pandas(DATA), rating="rating", by=["plan", "year"], missing="drop")
    assert list(found) == [("free", 2024), ("pro", 2025), ("team", 2026), (None, 2024)]
    assert found["pro", np.int16(2025)].n == 2
    assert "pro" not in found


def test_an_unknown_key_is_refused(small):
    """The message gives the key and says how to see those that there are."""
    message = re.escape("key must be a group of the breakdown by plan, which list() gives (got 'Pro')")
    with pytest.raises(InvalidArgument, match=f"^{message}$"):
        small["Pro"]


def test_a_group_in_which_nobody_answered_stays_without_a_score(small):
    """Its row says 0 people and no score: never NaN."""
    row = small.rows()[2]
    assert row == {
        "plan": "team",
        "nps": None,
        "low": None,
        "high": None,
        "n": 0,
        "promoters": 0,
        "passives": 0,
        "detractors": 0,
        "missing": 1,
    }
    with pytest.raises(NoRatings):
        small["team"]


@pytest.mark.parametrize("method", METHODS)
def test_intervals_are_those_of_the_scores(small, method):
    """One vectorised pass gives what each score gives by itself, and NaN where there is no score."""
    low, high = small.intervals(confidence_level=0.9, method=method)
    for place, key in enumerate(small):
        if key == "team":
            assert math.isnan(low[place])
            assert math.isnan(high[place])
        else:
            expected = small[key].interval(confidence_level=0.9, method=method)
            assert (low[place], high[place]) == pytest.approx(expected, abs=1e-9)


def test_rows_are_plain(small):
    """Rows hold plain ints, floats, text and None, in the order of the columns of a frame."""
    for row in small.rows(method="wald"):
        assert list(row) == ["plan", "nps", "low", "high", "n", "promoters", "passives", "detractors", "missing"]
        assert {type(value) for value in row.values()} <= {str, float, int, type(None)}
    low, _ = intervals(2, 0, 0, method="wald")
    assert small.rows(method="wald")[1]["low"] == low


def plain_rows(frame):
    frame = frame.collect() if isinstance(frame, pl.LazyFrame) else frame
    if isinstance(frame, pd.DataFrame):
        rows = frame.to_dict("records")
        return [{name: None if pd.isna(value) else value for name, value in row.items()} for row in rows]
    table = frame.to_arrow_table() if isinstance(frame, duckdb.DuckDBPyRelation) else frame
    return table.to_pylist() if isinstance(table, pa.Table) else table.to_dicts()


@makers
@pytest.mark.parametrize("least", [None, 2, 100])
def test_frames_come_back_in_their_own_library(make, least):
    """`to_frame` gives the rows, in the library and the laziness that the answers came in."""
    found = score_by(make(DATA), rating="rating", by=["plan", "year"], missing="drop", minimum_group=least)
    frame = found.to_frame(method="wald")
    assert isinstance(frame, dict(zip(MAKERS.values(), TYPES.values(), strict=True))[make])
    assert plain_rows(frame) == found.rows(method="wald")


@makers
@given(drawn=answers_by_key())
def test_frames_hold_keys_of_any_type(make, drawn):
    """Keys come back as they went in."""
    answers, columns = drawn
    found = score_by(make({**columns, "rating": answers}), rating="rating", by=list(columns), missing="drop")
    rows = [{name: value for name, value in row.items() if name in columns} for row in plain_rows(found.to_frame())]
    assert rows == [{name: row[name] for name in columns} for row in found.rows()]


@pytest.mark.parametrize(
    "key",
    [
        pl.Series("k", ["a", "b"], dtype=pl.Categorical),
        pl.Series("k", ["a", "b"], dtype=pl.Enum(["b", "a"])),
        pl.Series("k", [1, 2], dtype=pl.Int8),
        pl.Series("k", [date(2024, 1, 1), None]),
        pl.Series("k", [Decimal("1.50"), None]),
    ],
)
def test_types_of_keys_survive(key):
    """A frame that comes back can be joined to the one that went in."""
    frame = pl.DataFrame([key, pl.Series("r", [1, 2])])
    found = score_by(frame, rating="r", by="k").to_frame()
    assert found.schema["k"] == key.dtype
    assert frame.join(found, on="k", nulls_equal=True).height == 2


def test_enumerations_of_a_database_are_text():
    """An ENUM column of DuckDB gives text keys in its order, and a relation that can be joined to it."""
    relation = duckdb.sql("SELECT unnest(['b', 'a', 'b'])::ENUM ('c', 'b', 'a') AS k, unnest([10, 3, 8]) AS r")
    found = score_by(relation, rating="r", by="k")
    assert list(found) == ["b", "a"]
    assert (found["b"], found["a"]) == (score([10, 8]), score([3]))
    assert plain_rows(found.to_frame()) == found.rows()


@makers
def test_breakdowns_can_be_kept(make):
    """A breakdown survives pickling, and still knows its library."""
    found = score_by(make(DATA), rating="rating", by=["plan", "year"], missing="drop", minimum_group=2)
    kept = pickle.loads(pickle.dumps(found))  # noqa: S301 -- our own
    assert kept == found
    assert kept["pro", 2025] == found["pro", 2025]
    assert type(kept.to_frame()) is type(found.to_frame())


def test_plain_columns_have_no_library_of_their_own():
    """Lists and arrays come back as the library that is asked for; a column of a library as that."""
    found = score_by([1, 2], by=["a", "b"])
    assert found.to_frame(library="pyarrow").column_names[:2] == ["group", "nps"]
    with pytest.raises(InvalidArgument, match=r"^library must be one of 'pandas', 'polars', 'pyarrow' \(got None\)$"):
        found.to_frame()
    assert isinstance(score_by([1, 2], by=pl.Series("plan", ["a", "b"])).to_frame(), pl.DataFrame)
    with pytest.raises(InvalidArgument, match=r"^library must be one of"):
        found.to_frame(library="duckdb")


def test_small_groups_are_withheld():
    """Their keys stay; counts, scores and intervals are None, and the total is still everybody."""
    found = score_by(as_polars(DATA), rating="rating", by="plan", missing="drop", minimum_group=2)
    assert (len(found), found.withheld, found.total.n) == (4, 3, 4)
    assert [row["plan"] for row in found.rows() if row["n"] is None] == ["free", "team", None]
    assert set(found.rows()[0].values()) == {"free", None}
    assert found.detractors.sum() == found.missing.sum() == 0
    with pytest.raises(InvalidArgument, match=r"^group 'free' is withheld: fewer than 2 people answered$"):
        found["free"]


@given(answers_by_key(kinds=("text", "integers")), st.sampled_from(["nps", "n", "missing"]), st.booleans())
def test_sorting_keeps_groups_whole(drawn, measure, descending):
    """Another order holds the same groups, in the order asked for, those without a score last."""
    answers, columns = drawn
    found = score_by(answers, by=columns, missing="drop")
    other = found.sorted(measure, descending=descending)
    assert sorted(map(repr, other.rows())) == sorted(map(repr, found.rows()))
    values = [row[measure] for row in other.rows()]
    scored = [value for value in values if value is not None]
    assert values[: len(scored)] == scored == sorted(scored, reverse=descending)
    assert other.total == found.total


def test_groups_sort_by_their_own_names(small):
    """A key sorts, the missing one last in either order, and nothing else does."""
    assert list(small.sorted("plan", descending=True)) == ["team", "pro", "free", None]
    assert list(small.sorted("plan")) == list(small)
    with pytest.raises(InvalidArgument, match=r"^by must be one of 'nps', 'n', .*'plan' \(got 'low'\)$"):
        small.sorted("low")


def test_withheld_groups_sort_last():
    """An order by a count that is withheld would disclose it."""
    found = score_by(as_polars(DATA), rating="rating", by="plan", missing="drop", minimum_group=2)
    assert next(iter(found.sorted("n"))) == "pro"
    assert next(iter(found.sorted("detractors", descending=True))) == "pro"


def test_breakdowns_are_values(small):
    """Equal keys and counts make equal breakdowns, of equal hash, whose counts cannot be written to."""
    same = score_by(as_pandas(DATA), rating="rating", by="plan", missing="drop")
    assert small == same
    assert hash(small) == hash(same)
    assert small != score_by(as_pandas(DATA), rating="rating", by="year", missing="drop")
    assert small != score_by([*DATA["rating"], 1], by={"plan": [*DATA["plan"], "pro"]}, missing="drop")
    assert small != 1
    with pytest.raises(ValueError, match="read-only"):
        small.promoters[0] = 9


def test_repr_is_a_line_and_a_small_table():
    """A long breakdown shows its first groups and how many more there are."""
    lines = repr(score_by(list(range(11)) * 2, by={"wave": list(range(22))})).splitlines()
    assert lines[0] == "Breakdown by wave: 22 groups, NPS -45.5 (n = 22)"
    assert lines[1].split() == ["wave", "NPS", "95%", "CI", "n"]
    assert len(lines) == 2 + 8 + 1
    assert lines[-1] == "… and 14 more"


def test_repr_shows_withheld_and_unanswered_groups(small):
    """What has no score shows none."""
    withheld = score_by(as_polars(DATA), rating="rating", by="plan", missing="drop", minimum_group=2)
    assert "4 groups, 3 withheld, NPS +25.0 (n = 4; 2 missing)" in repr(withheld)
    assert re.search(r"^free +withheld$", repr(withheld), re.MULTILINE)
    assert re.search(r"^team +0$", repr(small), re.MULTILINE)


def test_html_escapes_what_the_data_says():
    """Names and keys are text in a notebook, never markup."""
    page = score_by([10, 0, 7], by={"<b>": ["<script>", "&", "&"]})._repr_html_()
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    assert "&lt;b&gt;" in page
    assert page.count("inline-block") == 3


def test_a_million_groups_are_columns():
    """A breakdown of very many groups is made, sorted and read without an object for each."""
    n = 1_000_000
    answers = np.arange(n, dtype=np.int64) % 11
    found = score_by(answers, by={"customer": np.arange(n)[::-1].copy()})
    assert len(found) == n
    assert found[0] == Score.from_counts(
        promoters=int(answers[-1] > 8), passives=int(6 < answers[-1] < 9), detractors=int(answers[-1] < 7)
    )
    assert found.sorted("nps", descending=True)[n - 1].n == 1


def test_narwhals_loads_on_first_need():
    """Importing the frames face loads no dataframe library, nor narwhals; counting plain arrays does not either."""
    script = (
        "import sys, numpy, netpromoter.frames as f; f.score_by(numpy.array([1, 9]), by=numpy.array([0, 1]));"
        "print(sorted({'narwhals', 'pandas', 'polars', 'pyarrow', 'duckdb'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_the_type_of_a_breakdown_is_public(small):
    """The face offers the class that the function gives."""
    assert type(small) is Breakdown
    assert counts_of(small) == counted(DATA["rating"], [DATA["plan"]])


@pytest.mark.parametrize(
    "tenure",
    [
        pd.Series(pd.Categorical(["3-5", "11-20", "3-5", None], categories=["0-2", "3-5", "11-20"], ordered=True)),
        pl.Series(["3-5", "11-20", "3-5", None], dtype=pl.Enum(["0-2", "3-5", "11-20"])),
    ],
    ids=["pandas", "polars"],
)
def test_ordered_categories_keep_their_order(tenure):
    """Groups of a declared order come in it, by frame and by column, and sort by it; the missing key is last."""
    frame = type(tenure.to_frame())({"tenure": tenure, "rating": [9, 10, 3, 8]})
    by_name, by_column = score_by(frame, rating="rating", by="tenure"), score_by([9, 10, 3, 8], by={"tenure": tenure})
    for by in (by_name, by_column, by_name.sorted("n").sorted("tenure")):
        assert list(by) == ["3-5", "11-20", None]


def test_what_is_shown_cannot_command_a_terminal():
    """A key with an escape sequence or a line break is shown by its `repr`, and stays itself as a key."""
    hostile = "\x1b[31mred\n"
    by = score_by([9, 10], by=[hostile, "plain"])
    assert "\x1b" not in repr(by)
    assert len(repr(by).splitlines()) == 4
    assert by[hostile] == score([9])


@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow"])
def test_text_that_no_frame_holds_is_escaped(library):
    """A lone surrogate is escaped, in its column alone, and what is missing stays so."""
    columns = {"contact": ["\ud83d", None, "é"], "owner": ["a", "b", None], "step": [0, 1, None]}
    found = nw.from_native(frame(columns, {"contact": str, "owner": str, "step": int}, library))
    assert [nw.to_py_scalar(each) for each in found["contact"].fill_null("-")] == ["\\ud83d", "-", "é"]
    assert [nw.to_py_scalar(each) for each in found["owner"].fill_null("-")] == ["a", "b", "-"]
