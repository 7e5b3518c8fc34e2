"""Columns: Python values of one kind, and back."""

import pickle
from datetime import UTC, date, datetime
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netpromoter.errors import InvalidArgument
from netpromoter.model import NEVER, Column, column
from strategies import OF_A_KIND

NOTHINGS = [None, float("nan"), np.float32("nan"), pd.NA, pd.NaT, np.datetime64("NaT", "us"), np.ma.masked, "", " \n"]
DTYPES = {"text": np.int32, "number": np.float64, "whole": np.int64, "flag": np.bool_, "instant": "datetime64[us]"}
LISTS = st.sampled_from(sorted(OF_A_KIND)).flatmap(
    lambda kind: st.tuples(st.just(kind), st.lists(OF_A_KIND[kind] | st.sampled_from(NOTHINGS), max_size=6))
)


def is_nothing(value):
    return any(value is each for each in NOTHINGS) or (isinstance(value, str) and not value.strip())


@given(LISTS)
def test_a_column_gives_its_values_back(drawn):
    """Each value of a column comes back as it went in, whatever stands for nothing as None."""
    kind, values = drawn
    made = column("x", values)
    assert len(made) == len(values)
    present = [value for value in values if not is_nothing(value)]
    whole = all(type(value) is int for value in present)
    for place, value in enumerate(values):
        back = made[place]
        assert made.missing[place] == is_nothing(value)
        assert back == (None if is_nothing(value) else value if whole or kind != "number" else float(value))
    if present:
        assert made.kind == ("number" if kind == "whole" else kind)
        assert made.values.dtype == np.dtype(DTYPES["whole" if kind == "number" and whole else kind])  # noqa: PD011


@given(LISTS, st.data())
def test_taking_people_takes_their_values(drawn, data):
    """The column of some people has the values of those people, in their order."""
    made = column("x", drawn[1])
    places = data.draw(st.lists(st.integers(0, len(made) - 1))) if len(made) else []
    taken = made.take(np.array(places, np.int64))
    assert [taken[place] for place in range(len(taken))] == [made[place] for place in places]


@given(LISTS)
def test_a_column_survives_pickling(drawn):
    """A pickled column has the same values."""
    made = column("x", drawn[1])
    back = pickle.loads(pickle.dumps(made))  # noqa: S301
    assert [back[place] for place in range(len(back))] == [made[place] for place in range(len(made))]


@given(st.lists(st.sampled_from(NOTHINGS), max_size=4))
def test_a_column_of_nothing_is_absent(values):
    """A column in which all is missing is one of text, and absent unless there is nobody."""
    made = column("x", values)
    assert made.kind == "text"
    assert made.absent == bool(values)


def test_scalars_of_numpy_and_pandas_are_values():
    """Flags, numbers, texts and timestamps of NumPy and pandas are read as those of Python."""
    at = pd.Timestamp("2026-06-01T10:00", tz="Europe/Paris")
    found = [
        column("x", [np.bool_(True), False]),  # noqa: FBT003
        column("x", [np.int8(3), np.uint64(4)]),
        column("x", [np.float32(0.5), Fraction(1, 2)]),
        column("x", [np.str_("a"), "a"]),
        column("x", [at, date(2026, 6, 2)]),
    ]
    assert [(each.kind, each[0], each[1]) for each in found] == [
        ("flag", True, False),
        ("number", 3, 4),
        ("number", 0.5, 0.5),
        ("text", "a", "a"),
        ("instant", datetime(2026, 6, 1, 8, tzinfo=UTC), datetime(2026, 6, 2, tzinfo=UTC)),
    ]
    assert found[3].labels == ("a",)
    assert type(found[3].labels[0]) is str


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([1, "a"], "x must be of one kind in every contact (got 'number and text')"),
        ([True, 1], "x must be of one kind in every contact (got 'flag and number')"),
        ([datetime(2026, 6, 1)], "x must be text, a number, a flag, a date or a datetime with a time zone (got"),  # noqa: DTZ001
        ([np.datetime64("2026-06-01")], "x must be text, a number, a flag, a date or a datetime with a time zone (got"),
        ([np.timedelta64(1, "s")], "x must be text, a number, a flag, a date or a datetime with a time zone (got"),
        ([b"a"], "(got b'a')"),
        ([[1]], "(got [1])"),
        ([1.0, float("inf")], "x must be made of finite numbers (got inf)"),
        ([10**400], "x must be made of finite numbers (got 1000"),
        ([datetime(1, 1, 1, tzinfo=UTC).astimezone(UTC), pd.Timestamp(0).tz_localize(None)], "(got Timestamp("),
    ],
)
def test_what_is_of_no_kind_is_refused(values, message):
    """Mixed kinds, naive datetimes, infinities and foreign objects are refused by the name of the column."""
    with pytest.raises(InvalidArgument) as refused:
        column("x", values)
    assert message in str(refused.value)


NONE_MISSING = np.zeros(2, np.bool_)
PARTS = {"kind": "number", "values": np.zeros(2), "missing": NONE_MISSING}


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"kind": "words"}, "kind must be one of 'text', 'number', 'flag', 'instant' (got 'words')"),
        ({"missing": np.zeros(2)}, "missing must be one column of bool (got 'float64, shape (2,)')"),
        ({"missing": np.zeros((2, 1), np.bool_)}, "missing must be one column of bool (got 'bool, shape (2, 1)')"),
        ({"values": np.zeros(3)}, "values must be one column for the kind 'number', as long as missing (2) (got"),
        ({"kind": "flag"}, "values must be one column for the kind 'flag', as long as missing (2) (got 'float64, "),
        ({"kind": "instant", "values": np.zeros(2, "datetime64[ns]")}, "(got 'datetime64[ns], shape (2,)')"),
        ({"kind": "text", "values": np.array([0, 1]), "labels": ("a",)}, "values must be codes from 0 to 0 (got '0 to"),
        ({"kind": "text", "values": np.array([-1, 0]), "labels": ("a",)}, "values must be codes from 0 to 0 (got '-1"),
    ],
)
def test_parts_that_do_not_fit_are_refused(parts, message):
    """A column whose arrays do not fit its kind, one another or the labels is refused."""
    with pytest.raises(InvalidArgument) as refused:
        Column(**PARTS | parts)
    assert message in str(refused.value)


def test_the_value_of_one_who_has_none_means_nothing():
    """A code that no label has is well where it is missing."""
    made = Column(kind="text", values=np.array([7, 0]), missing=np.array([True, False]), labels=("a",))
    assert [made[0], made[1]] == [None, "a"]


def test_a_far_instant_is_not_a_number():
    """An instant that no datetime can hold is refused when it is looked at."""
    made = Column(kind="instant", values=np.array(["20000-01-01"], NEVER.dtype), missing=np.zeros(1, np.bool_))
    with pytest.raises(InvalidArgument, match="between the years 1 and 9999"):
        made[0]
