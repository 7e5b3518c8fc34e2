"""Dataframes made of plain columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

from netpromoter._checks import one_of

if TYPE_CHECKING:
    import narwhals.stable.v2 as nw

__all__ = ["LIBRARIES", "Library", "frame", "series"]

#: The libraries in whose frames results are given.
Library: TypeAlias = Literal["pandas", "polars", "pyarrow"]
LIBRARIES: tuple[Library, ...] = get_args(Library)


def frame(columns: Mapping[str, Sequence[Any]], types: Mapping[str, type], library: Library) -> Any:
    r"""Make a dataframe of plain Python values.

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
        Integers with missing values are of a nullable type in pandas. Text with a lone surrogate, which no library
        holds, is escaped, as in ``\ud83d``.

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

    one_of("library", library, LIBRARIES)
    kinds = {str: nw.String(), int: nw.Int64(), float: nw.Float64(), bool: nw.Boolean()}
    kinds[datetime] = nw.Datetime("us", "UTC")
    first, *others = (_encodable(name, columns[name], kinds[kind], library) for name, kind in types.items())
    return first.to_frame().with_columns(*others).to_native()


def _encodable(name: str, values: Sequence[Any], kind: Any, library: Library) -> nw.Series[Any]:
    try:
        return series(name, values, kind, library)
    except UnicodeEncodeError:
        return series(name, [None if text is None else _escaped(text) for text in values], kind, library)


def _escaped(text: str) -> str:
    return text.encode(errors="backslashreplace").decode()


def series(name: str, values: Sequence[object], kind: Any, library: Any) -> nw.Series[Any]:
    """Make a column of the given type, or of the nearest that the library can hold the values in."""
    import narwhals.stable.v2 as nw

    column: Any = list(values)
    if kind in {None, nw.Unknown, nw.Object} or (library == "pandas" and (kind.is_temporal() or kind.is_decimal())):
        kind = None
    elif isinstance(kind, nw.Enum) and library == "pyarrow":
        kind = nw.Categorical()
    elif library == "pandas" and None in column and kind.is_integer():
        pandas: Any = nw.Implementation.PANDAS.to_native_namespace()
        column, kind = pandas.array(column, dtype=str(kind)), None
    return nw.new_series(name, column, kind, backend=library)
