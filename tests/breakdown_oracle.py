"""What `score_by` must give, counted one answer at a time; and columns to try it on."""

import math
from collections import Counter
from datetime import UTC, date, datetime

from hypothesis import strategies as st

KEYS = {
    "text": st.sampled_from(["pro", "free", "", "naïve", "Ωmega", " pro", "None", "0", "q\"uo'te"]),
    "integers": st.sampled_from([-3, 0, 1, 2, 70_000]),
    "wide integers": st.integers(-(2**62), 2**62),
    "floats": st.sampled_from([0.0, -0.0, 1.5, -2.25, math.nan, math.inf]),
    "booleans": st.booleans(),
    "dates": st.sampled_from([date(2024, 2, 29), date(1999, 12, 31)]),
    "instants": st.sampled_from([datetime(2024, 2, 29, 13, 5, 7, 123456, UTC), datetime(1999, 12, 31, tzinfo=UTC)]),
}

HOSTILE_NAMES = [
    "a b",
    "q\"uo'te",
    "^.*$",
    "*",
    "é日本",
    "a.b",
    "a`b",
    "n; --",
    "count(*)",
    "key0",
    "answer",
    "{x}",
    "%s",
    "\\",
]

ratings = st.one_of(st.none(), st.integers(0, 10))


@st.composite
def answers_by_key(draw, kinds=tuple(KEYS)):
    """Draw a column of answers, at least one of them given, and one or two columns of keys."""
    size = draw(st.integers(1, 40))
    chosen = draw(st.lists(st.sampled_from(kinds), min_size=1, max_size=2))
    columns = {
        f"{kind} {place}": draw(st.lists(st.none() | KEYS[kind], min_size=size, max_size=size))
        for place, kind in enumerate(chosen)
    }
    found = draw(st.lists(ratings, min_size=size, max_size=size).filter(lambda column: set(column) != {None}))
    return found, columns


def category(rating):
    """Name the column of counts that an answer belongs to."""
    if rating is None or math.isnan(rating):
        return "missing"
    return "detractors" if rating <= 6 else "passives" if rating <= 8 else "promoters"


def counted(answers, columns):
    """Count the categories of each key, in the order of the keys with None last."""
    keys = [tuple(None if key != key else key for key in row) for row in zip(*columns, strict=True)]  # noqa: PLR0124
    counts = Counter(zip(keys, map(category, answers), strict=True))
    ordered = sorted(set(keys), key=lambda key: [(part is None, 0 if part is None else part) for part in key])
    return {
        key: {name: counts[key, name] for name in ("promoters", "passives", "detractors", "missing")} for key in ordered
    }


def counts_of(breakdown):
    """Give a breakdown in the form of `counted`."""
    names = ("promoters", "passives", "detractors", "missing")
    keys = zip(*breakdown.labels, strict=True)
    rows = zip(*(getattr(breakdown, name).tolist() for name in names), strict=True)
    return {key: dict(zip(names, row, strict=True)) for key, row in zip(keys, rows, strict=True)}


def assert_counts(breakdown, answers, columns):
    """Check keys, their types and order, and every count against the oracle."""
    expected = counted(answers, list(columns.values()))
    found = counts_of(breakdown)
    assert breakdown.by == tuple(columns)
    assert list(found.items()) == list(expected.items())
    for key, wanted in zip(found, expected, strict=True):
        assert [type(part) for part in key] == [type(part) for part in wanted]
