"""Dataframes made of plain columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from netpromoter._checks import one_of

from ._breakdown import Library, _series

__all__ = ["frame"]

_LIBRARIES: tuple[Library, ...] = ("pandas", "polars", "pyarrow")


def frame(columns: Mapping[str, Sequence[Any]], types: Mapping[str, type], library: Library) -> Any:
    """Make a dataframe of plain Python values.

    Parameters
    ----------
    columns : mapping of str to sequence
        The values of each column; None where one is missing.
    types : mapping of str to type
        The type of each column: str, int, float, bool, or datetime for aware instants in UTC.
    library : {"pandas", "polars", "pyarrow"}
        Of which library.

    Returns
    -------
    dataframe
        Integers with missing values are of a nullable type in pandas.

    Raises
    ------
    InvalidArgument
        If there is no such library.

    Examples
    --------
    >>> frame({"contact": ["c-1", "c-2"], "step": [0, None]}, {"contact": str, "step": int}, "polars").shape
    (2, 2)
    """
    import narwhals.stable.v2 as nw

    one_of("library", library, _LIBRARIES)
    kinds = {str: nw.String(), int: nw.Int64(), float: nw.Float64(), bool: nw.Boolean()}
    kinds[datetime] = nw.Datetime("us", "UTC")
    first, *others = (_series(name, columns[name], kinds[kind], library) for name, kind in types.items())
    return first.to_frame().with_columns(*others).to_native()
