"""Labels of groups as small integers, which is what the kernel counts by."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from math import prod
from typing import TYPE_CHECKING, Any, TypeAlias

import attrs
import numpy as np
import numpy.typing as npt

from netpromoter._checks import refusal
from netpromoter.errors import InvalidArgument

from ._labels import identities, plain_values

if TYPE_CHECKING:
    import narwhals.stable.v2 as nw

__all__ = ["Coded", "Grouping", "coded_column", "coded_series", "crossed", "fits", "key_type"]

Integers: TypeAlias = npt.NDArray[np.integer[Any]]

_DENSE = 1 << 16


@attrs.frozen(eq=False)
class Coded:
    """A column of labels as integers from `first` to ``first + size - 1``, and the label of such an integer."""

    codes: Integers
    first: int
    size: int
    label: Callable[[int], object]


@attrs.frozen(eq=False)
class Grouping:
    """Several columns of labels as one column of integers, and the labels that a number of groups have."""

    groups: Integers
    first: int
    size: int
    labels: Callable[[Integers], list[list[object]]]


def fits(keys: Sequence[Coded]) -> bool:
    """Say whether a table of all combinations stays small beside the columns themselves."""
    return prod(key.size for key in keys) <= max(_DENSE, keys[0].codes.size // 4)


def crossed(keys: Sequence[Coded]) -> Grouping:
    """Combine columns of labels into one."""
    return _dense(keys) if fits(keys) else _sparse(keys)


def _dense(keys: Sequence[Coded]) -> Grouping:
    """Number all combinations, those too that nobody has."""
    sizes = [key.size for key in keys]

    def labels(groups: Integers) -> list[list[object]]:
        places = np.unravel_index(groups, sizes)
        pairs = zip(keys, places, strict=True)
        return [[key.label(code) for code in (place + key.first).tolist()] for key, place in pairs]

    if len(keys) == 1:
        return Grouping(keys[0].codes, keys[0].first, keys[0].size, labels)
    number: Any = np.uint16 if prod(sizes) <= 1 << 16 else np.uint32
    groups = np.zeros(keys[0].codes.size, number)
    for key in keys:
        # Modulo the width of a number: what a code has too much is taken off again.
        offset = number(key.first % (1 << 8 * groups.itemsize))
        groups = groups * number(key.size) + (key.codes.astype(number) - offset)
    return Grouping(groups, 0, prod(sizes), labels)


def _sparse(keys: Sequence[Coded]) -> Grouping:
    """Number the combinations that somebody has, in order."""
    order = np.lexsort([key.codes for key in reversed(keys)])
    changed = np.any([key.codes[order[1:]] != key.codes[order[:-1]] for key in keys], axis=0)
    numbers = np.concatenate([[0], np.cumsum(changed)])
    groups = np.empty_like(numbers)
    groups[order] = numbers
    found = order[np.flatnonzero(np.concatenate([[True], changed]))]

    def labels(numbers: Integers) -> list[list[object]]:
        rows = found[numbers]
        return [[key.label(code) for code in key.codes[rows].tolist()] for key in keys]

    return Grouping(groups, 0, found.size, labels)


def coded_column(name: str, column: Any, n: int) -> Coded:
    """Code any column of labels: integers and dictionaries as they are, everything else by what is distinct in it."""
    found = _coded_any(name, column)
    if found.codes.size != n:
        message = f"{name} must be as long as the ratings (got {found.codes.size:,} labels for {n:,} ratings)"
        raise InvalidArgument(message)
    return found


def _coded_any(name: str, column: Any) -> Coded:
    if isinstance(column, str | bytes | Mapping) or not hasattr(column, "__iter__"):
        raise refusal(name, "a column of labels", column)
    if isinstance(column, np.ndarray):
        return _coded_array(name, column)
    if isinstance(column, list | tuple | range | Iterator):
        return _coded_objects(name, list(column))
    import narwhals.stable.v2 as nw

    series = nw.from_native(_as_series(column), allow_series=True, pass_through=True)
    if isinstance(series, nw.DataFrame | nw.LazyFrame):
        raise refusal(name, "one column of labels", f"a {type(column).__name__}")
    if not isinstance(series, nw.Series):
        return _coded_objects(name, list(column))
    if series.dtype == nw.String:
        series = series.cast(nw.Categorical)
    return coded_series(series) or _coded_objects(name, series.to_list())


def key_type(column: Any) -> Any:
    """Give the type of a column of labels that a dataframe library holds, and None for others."""
    if isinstance(column, np.ndarray | list | tuple | range | Iterator):
        return None
    import narwhals.stable.v2 as nw

    series = nw.from_native(_as_series(column), allow_series=True, pass_through=True)
    return series.dtype if isinstance(series, nw.Series) else None


def _as_series(column: Any) -> Any:
    """Wrap what narwhals does not know as a column: arrays of pyarrow, and indexes and arrays of pandas."""
    from narwhals.stable.v2 import Implementation

    library = type(column).__module__.partition(".")[0]
    if library == "pyarrow" and not hasattr(column, "chunks"):
        pyarrow: Any = Implementation.PYARROW.to_native_namespace()
        return pyarrow.chunked_array([column])
    if library == "pandas" and not hasattr(column, "reset_index"):
        pandas: Any = Implementation.PANDAS.to_native_namespace()
        return pandas.Series(column, copy=False)
    return column


def _coded_array(name: str, column: npt.NDArray[Any]) -> Coded:
    if column.ndim != 1:
        raise refusal(name, "one column of labels", f"an array of shape {column.shape}")
    if column.dtype.kind in "iu" and not isinstance(column, np.ma.MaskedArray):
        return _coded_integers(column)
    if column.dtype.kind in "mM":
        column = column.astype(f"{column.dtype.kind}8[us]")
    return _coded_objects(name, column.tolist())


def _coded_integers(column: Integers) -> Coded:
    if not column.size:
        return Coded(column, 0, 1, int)
    first, last = int(column.min()), int(column.max())
    return Coded(column, first, last - first + 1, int)


def _coded_objects(name: str, column: Sequence[object]) -> Coded:
    known: dict[object, int] = {}
    labels = plain_values(column)
    try:
        codes = np.array([known.setdefault(key, len(known)) for key in identities(labels)], dtype=np.int64)
    except TypeError:
        unhashable = next(label for label in column if type(label).__hash__ is None)
        raise refusal(name, "labels that can be keys of a dict", unhashable) from None
    first = np.unique(codes, return_index=True)[1].tolist()
    return Coded(codes, 0, max(len(known), 1), lambda code: labels[first[code]])


def coded_series(series: nw.Series[Any]) -> Coded | None:
    """Code a column that is made of integers already: whole numbers without nulls, or a dictionary."""
    import narwhals.stable.v2 as nw

    if series.dtype.is_integer() and not series.null_count():
        values = series.to_numpy()
        return _coded_integers(values) if values.dtype.kind in "iu" else None
    if isinstance(series.dtype, nw.Categorical | nw.Enum):
        read = _DICTIONARIES.get(str(series.implementation))
        return read(series.to_native()) if read else None
    return None


def _pandas_dictionary(native: Any) -> Coded:
    # The code of a missing label is -1, and so is its place in this list.
    labels = [*native.cat.categories.tolist(), None]
    return Coded(native.cat.codes.to_numpy(), -1, len(labels), labels.__getitem__)


def _polars_dictionary(native: Any) -> Coded | None:
    categories = getattr(native.dtype, "categories", None)
    physical = native.to_physical()
    first, last = physical.min(), physical.max()
    if categories is None or first is None:
        return None
    if not physical.null_count():
        return Coded(physical.to_numpy(), first, last - first + 1, categories.__getitem__)
    codes = physical.cast(int).fill_null(last + 1).to_numpy()
    return Coded(codes, first, last - first + 2, lambda code: categories[code] if code <= last else None)


def _pyarrow_dictionary(native: Any) -> Coded | None:
    chunks = native.unify_dictionaries().chunks
    if not chunks:
        return None
    labels = [*chunks[0].dictionary.to_pylist(), None]
    absent = len(labels) - 1
    parts = [chunk.indices for chunk in chunks]
    codes = [
        (part.cast("int64").fill_null(absent) if part.null_count else part).to_numpy(zero_copy_only=False)
        for part in parts
    ]
    return Coded(codes[0] if len(codes) == 1 else np.concatenate(codes), 0, len(labels), labels.__getitem__)


_DICTIONARIES: Mapping[str, Callable[[Any], Coded | None]] = {
    "pandas": _pandas_dictionary,
    "polars": _polars_dictionary,
    "pyarrow": _pyarrow_dictionary,
}
