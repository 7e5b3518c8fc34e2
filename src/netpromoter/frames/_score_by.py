"""The function that gives a score for each group."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from netpromoter._checks import count, one_of, refusal, refuse_missing, warn
from netpromoter.errors import ScaleWarning
from netpromoter.ratings import MissingPolicy, Scale, codes, scale_doubt
from netpromoter.stats import Score, Tally

from ._breakdown import Breakdown, Origin
from ._coding import coded_column, key_type
from ._found import Found, counted, named
from ._labels import arranged
from ._pushdown import found_in_frame, is_frame

__all__ = ["score_by"]

_PLACES = {name: place for place, name in enumerate(Tally.COLUMNS)}
_MISSING = _PLACES["missing"]


def score_by(
    data: Any,
    *,
    by: Any,
    rating: str | None = None,
    missing: MissingPolicy = "refuse",
    minimum_group: int | None = None,
    scale: Scale = "0-10",
) -> Breakdown:
    """Compute the Net Promoter Score of each group.

    Parameters
    ----------
    data : dataframe or column of answers
        A dataframe of pandas, polars (eager or lazy), pyarrow, DuckDB, Ibis, Dask or PySpark, with `rating`; or else
        a column of answers as in `netpromoter.stats.score`.
    by : str, sequence of str, column of labels, or mapping of names to columns
        With `rating`, the columns of the dataframe to group by. Without, as many labels as there are answers:
        integers and dictionary-coded columns are the fastest. Missing labels make a group of their own, with the key
        None. Times are told apart to the microsecond, and those with a zone by their instant.
    rating : str, optional
        The column of the dataframe that holds the answers: whatever `netpromoter.stats.score` takes, and numbers alone
        where the frame is lazy or lies in a database.
    missing : {"refuse", "drop"}, default "refuse"
        What to do with missing answers (null or NaN): refuse them with their count, or leave them out of every
        denominator and keep their counts.
    minimum_group : int, optional
        Withhold groups in which fewer people answered: their keys stay, their counts and scores are None.
    scale : {"0-10", "1-10"}, default "0-10"
        The scale that the question showed.

    Returns
    -------
    Breakdown
        Sorted by key, ordered categories in their order, the missing key last. A group in which nobody answered
        stays, without a score.

    Raises
    ------
    InvalidArgument
        If a column is not there, or named twice, or named like a column of the result.
    InvalidRating
        If any answer is not a whole number on the scale, or a column that is not in memory does not hold numbers.
    MissingRatings
        If answers are missing and `missing` is ``"refuse"``.
    NoRatings
        If nobody answered.

    Warns
    -----
    ScaleWarning
        If the answers look like those of another scale: `netpromoter.ratings.scale_doubt` says when.

    Notes
    -----
    A plain threshold is not anonymity. Whoever knows the total and all groups but one can subtract; so can whoever
    compares two breakdowns that overlap, or the same one before and after one more answer.

    Examples
    --------
    >>> by = score_by([10, 9, 3, 8, None], by=["pro", "pro", "free", "free", "free"], missing="drop")
    >>> list(by), by["free"].value, by["free"].missing
    (['free', 'pro'], -50.0, 1)

    The columns of a dataframe go by name:

    >>> import polars as pl
    >>> frame = pl.DataFrame({"plan": ["pro", "free", "pro"], "rating": [10, 6, 9]})
    >>> score_by(frame, rating="rating", by="plan").to_frame()["nps"].to_list()
    [-100.0, 100.0]
    """
    one_of("missing", missing, ("refuse", "drop"))
    one_of("scale", scale, ("0-10", "1-10"))
    least = None if minimum_group is None else count("minimum_group", minimum_group, least=1)
    found = _found_in_columns(data, by, scale) if rating is None else found_in_frame(data, rating, by, scale)
    total = found.counts.sum(axis=0)
    refuse_missing(int(total[_MISSING]), int(total.sum()), missing, found.first_missing)
    answered, extremes = int(total[:_MISSING].sum()), (found.lowest or 0, found.highest or 0)
    doubt = scale_doubt(answered, *extremes, scale=scale)
    if doubt:
        warn(doubt, ScaleWarning)
    return _breakdown(found, least)


def _found_in_columns(data: Any, by: Any, scale: Scale) -> Found:
    if is_frame(data):
        raise refusal("rating", "the name of the column that holds the answers, where data is a dataframe", None)
    ratings = codes(data, scale=scale)
    columns = by if isinstance(by, Mapping) else {_name(by): by}
    names = named(columns)
    keys = [coded_column("by" if columns is not by else f"by[{name!r}]", columns[name], ratings.size) for name in names]
    library = _library(*columns.values(), data)
    origin = Origin(library=library, eager=library, key_types=tuple(key_type(columns[name]) for name in names))
    return counted(names, ratings, keys, scale, origin)


def _name(labels: Any) -> str:
    """Give the name that a column of labels carries, as in pandas and polars."""
    name = getattr(labels, "name", None)
    return name if isinstance(name, str) and name else "group"


def _library(*columns: Any) -> str | None:
    modules = (type(column).__module__.partition(".")[0] for column in columns)
    return next((module for module in modules if module in {"pandas", "polars", "pyarrow"}), None)


def _breakdown(found: Found, minimum_group: int | None) -> Breakdown:
    labels, counts = arranged(found.labels, found.counts, found.origin.orders(len(found.by)))
    total = Score.from_counts(**{name: int(counts[:, place].sum()) for name, place in _PLACES.items()})
    counts[counts[:, :_MISSING].sum(axis=1) < (minimum_group or 0)] = 0
    columns = {name: counts[:, place] for name, place in _PLACES.items()}
    return Breakdown(
        by=found.by, labels=labels, total=total, minimum_group=minimum_group, origin=found.origin, **columns
    )
