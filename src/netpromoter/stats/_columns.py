"""Columns of numbers, of yes or no, of spans and of labels, from any library, and refused where they are none."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from collections.abc import Set as AbstractSet
from datetime import timedelta
from decimal import Decimal
from numbers import Real
from typing import Any

import numpy as np
import numpy.typing as npt

from netpromoter._checks import refusal, shown
from netpromoter.errors import InvalidArgument

from ._roots import Floats

__all__ = ["column", "labels", "numbers", "seconds", "yes_or_no"]

_PLAIN = ({bool}, {int}, {float}, {int, float})
_NO_COLUMNS = (str, bytes, bytearray, Mapping, AbstractSet)
_MISSING = frozenset({"NoneType", "NAType", "NaTType", "MaskedConstant"})


def column(name: str, values: Any, size: int | None = None) -> npt.NDArray[Any]:
    """Give a column of any library as an array of shape (n,), of numbers where it is of numbers, else of objects."""
    if isinstance(values, _NO_COLUMNS) or not hasattr(values, "__iter__"):
        raise refusal(name, "a column", values)
    found = _array(values)
    if found.ndim != 1:
        raise refusal(name, "one column", f"an array of shape {found.shape}")
    if size is not None and found.size != size:
        raise refusal(name, f"as long as the other columns, {size:,}", f"{found.size:,} values")
    return found


def _array(values: Any) -> npt.NDArray[Any]:
    if hasattr(values, "__array__") and not isinstance(values, np.ma.MaskedArray):
        found = np.asarray(values)
        return found if found.dtype.kind in "biufmM" or found.ndim != 1 else found.astype(object)
    items = values.tolist() if isinstance(values, np.ma.MaskedArray) else list(values)
    if set(map(type, items)) in _PLAIN:
        return np.asarray(items)
    found = np.empty(len(items), dtype=object)
    found[:] = items
    return found


def numbers(
    name: str,
    values: Any,
    rule: str,
    allowed: Callable[[Floats], npt.NDArray[np.bool_]],
    *,
    size: int | None = None,
    raw: npt.NDArray[Any] | None = None,
) -> Floats:
    """Give a column of numbers, or refuse the first that is none or is not allowed, as it was in `raw`."""
    given = column(name, values, size)
    floats = (given if given.dtype.kind in "iuf" else np.array(list(map(_number, given)))).astype(np.float64)
    _refuse(name, rule, ~(np.isfinite(floats) & allowed(floats)), given if raw is None else raw)
    return floats


def seconds(name: str, values: Any, rule: str) -> Floats | None:
    """Give a column of spans of time in seconds, NaN for none; None where it is not one of spans."""
    raw = column(name, values)
    if raw.dtype.kind == "O" and raw.size and all(isinstance(value, timedelta | np.timedelta64) for value in raw):
        raw = raw.astype("timedelta64[us]")
    if raw.dtype.kind != "m":
        return None
    try:
        found: Floats = raw / np.timedelta64(1, "us") / 1e6
    except TypeError:
        raise refusal(name, rule, f"values of type {raw.dtype}") from None
    return found


def yes_or_no(name: str, values: Any, *, size: int) -> npt.NDArray[np.bool_]:
    """Give a column of True and False, or of 1 and 0."""
    raw = column(name, values, size)
    if raw.dtype.kind == "b":
        return raw.astype(np.bool_)
    plain = raw.tolist()
    faulty = [not isinstance(value, Real | np.bool_) or value not in {0, 1} for value in plain]
    _refuse(name, "True or False, or 1 or 0", np.array(faulty, dtype=bool), raw)
    return np.array([bool(value) for value in plain], dtype=bool)


def labels(name: str, values: Any, *, size: int) -> tuple[npt.NDArray[np.intp], list[Any]]:
    """Give the place of each label among the distinct ones, and these; a label may be anything that can be a key."""
    raw = column(name, values, size)
    places: dict[Hashable, int] = {}
    try:
        codes = [places.setdefault(label, len(places)) for label in raw.tolist()]
    except TypeError:
        raise refusal(name, "labels that can be keys of a mapping", raw[0]) from None
    if any(map(_absent, places)):
        _refuse(name, "known of everybody", np.array(list(map(_absent, raw.tolist()))), raw)
    return np.array(codes, dtype=np.intp), list(places)


def _number(value: Any) -> float:
    """Give a number as a float, and NaN for what is none."""
    number = isinstance(value, Real | Decimal) and not isinstance(value, bool | np.bool_ | np.timedelta64)
    return float(value) if number else np.nan


def _absent(value: Any) -> bool:
    return type(value).__name__ in _MISSING or bool(value != value)  # noqa: PLR0124 -- NaN alone differs


def _refuse(name: str, rule: str, faulty: npt.NDArray[np.bool_], values: npt.NDArray[Any]) -> None:
    if faulty.any():
        first = int(faulty.argmax())
        value = values[first : first + 1].tolist()[0]
        message = f"{name} must be {rule} (got {shown(value)} at position {first:,}; {int(faulty.sum()):,} such in all)"
        raise InvalidArgument(message)
