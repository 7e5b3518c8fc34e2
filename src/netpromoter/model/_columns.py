"""A column of attributes, by kind, as conditions read it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from numbers import Integral, Real
from typing import Any, Literal, TypeAlias, get_args

import attrs
import numpy as np
import numpy.typing as npt

from netpromoter._checks import one_of, refusal

from ._instants import NEVER, aware, instant, moment

__all__ = ["Column", "Kind", "Value", "column"]

#: What the values of a column are.
Kind: TypeAlias = Literal["text", "number", "flag", "instant"]
#: One attribute of one person: text, a finite number, a flag, an aware instant, or None where it is not known.
Value: TypeAlias = str | int | float | bool | datetime | None
_Positions: TypeAlias = npt.NDArray[np.integer[Any]]

_DTYPES: Mapping[Kind, str] = {"text": "iu", "number": "if", "flag": "b", "instant": "M"}
_MISSING_TYPES = frozenset({"NAType", "NaTType", "MaskedConstant"})
_WHOLE_NUMBERS = 1 << 63


@attrs.frozen(kw_only=True, eq=False)
class Column:
    """One attribute of many people: text by codes, numbers, flags or instants, with what is missing apart.

    Parameters
    ----------
    kind : {"text", "number", "flag", "instant"}
        What the values are.
    values : array, shape (n,)
        Text: int32 codes into `labels`. Numbers: int64 or float64. Flags: bool. Instants: datetime64[us], in UTC.
        Where `missing` holds, the value means nothing.
    missing : array of bool, shape (n,)
        Where there is no value.
    labels : tuple of str
        The distinct texts, for text alone.

    Raises
    ------
    InvalidArgument
        If the arrays do not fit the kind, one another or the labels.

    Examples
    --------
    >>> plans = column("plan", ["paid", None, "free", "paid"])
    >>> plans.kind, plans.labels, plans.values.tolist(), plans.missing.tolist()
    ('text', ('paid', 'free'), [0, 0, 1, 0], [False, True, False, False])
    >>> plans[2], plans[1]
    ('free', None)
    """

    kind: Kind
    values: npt.NDArray[Any]
    missing: npt.NDArray[np.bool_]
    labels: tuple[str, ...] = ()

    def __attrs_post_init__(self) -> None:
        one_of("kind", self.kind, get_args(Kind))
        if self.missing.dtype != np.bool_ or self.missing.ndim != 1:
            raise refusal("missing", "one column of bool", f"{self.missing.dtype}, shape {self.missing.shape}")
        fits = self.values.dtype.kind in _DTYPES[self.kind] and self.values.shape == self.missing.shape
        if not fits or (self.kind == "instant" and self.values.dtype != NEVER.dtype):
            rule = f"one column for the kind {self.kind!r}, as long as missing ({len(self.missing):,})"
            raise refusal("values", rule, f"{self.values.dtype}, shape {self.values.shape}")
        if self.kind == "text":
            self._check_codes(self.values[~self.missing])

    def _check_codes(self, codes: _Positions) -> None:
        if len(codes) and not 0 <= codes.min() <= codes.max() < len(self.labels):
            raise refusal("values", f"codes from 0 to {len(self.labels) - 1}", f"{codes.min()} to {codes.max()}")

    def __len__(self) -> int:
        """Return how many people the column speaks of."""
        return len(self.values)

    def __getitem__(self, position: int) -> Value:
        """Return one value as a plain Python object; None where it is missing."""
        if self.missing[position]:
            return None
        value: Any = self.values[position]
        plain: Value = self.labels[value] if self.kind == "text" else _plain(value)
        return plain

    def take(self, positions: _Positions) -> Column:
        """Return the column of the people at these positions."""
        return attrs.evolve(self, values=self.values[positions], missing=self.missing[positions])

    @property
    def absent(self) -> bool:
        """Whether nobody has a value, although there are people."""
        return bool(len(self.missing)) and bool(self.missing.all())


def column(name: str, values: Iterable[Any]) -> Column:
    """Make a column of Python values of one kind.

    Parameters
    ----------
    name : str
        What a refusal calls it.
    values : iterable
        Text, numbers, flags, or instants: aware datetimes, and dates, which are their midnight in UTC. None, NaN, NA,
        NaT and blank text are missing. A column in which all is missing is one of text.

    Returns
    -------
    Column
        Whole numbers of 64 bits stay whole; one other number among them makes all of them floats.

    Raises
    ------
    InvalidArgument
        If a value is of no kind (a datetime without a time zone, an infinite number), or two are of different kinds.

    Examples
    --------
    >>> column("seats", [3, None, 12]).values.tolist()
    [3, 0, 12]
    >>> column("seats", [3, "many"])
    Traceback (most recent call last):
        ...
    netpromoter.errors.InvalidArgument: seats must be of one kind in every contact (got 'number and text')
    """
    held = list(values)
    missing = np.fromiter(map(_is_missing, held), np.bool_, len(held))
    present = [value for value, absent in zip(held, missing.tolist(), strict=True) if not absent]
    kinds = {_kind(name, value) for value in present}
    if len(kinds) > 1:
        raise refusal(name, "of one kind in every contact", " and ".join(sorted(kinds)))
    kind: Kind = kinds.pop() if kinds else "text"
    read, labels = _READERS[kind](name, present)
    filled = np.full(len(held), NEVER if kind == "instant" else 0, read.dtype)
    filled[~missing] = read
    return Column(kind=kind, values=filled, missing=missing, labels=labels)


def _plain(value: Any) -> Any:
    return aware(value) if isinstance(value, np.datetime64) else value.item()


def _is_missing(value: Any) -> bool:
    if value is None or type(value).__name__ in _MISSING_TYPES:
        return True
    if isinstance(value, str):
        return not value.strip()
    return isinstance(value, Real | np.datetime64) and bool(value != value)  # noqa: PLR0124


def _kind(name: str, value: Any) -> Kind:
    if isinstance(value, str):
        return "text"
    if isinstance(value, bool | np.bool_):
        return "flag"
    if isinstance(value, Real) and not isinstance(value, np.timedelta64):
        return "number"
    if isinstance(value, date) and (not isinstance(value, datetime) or value.utcoffset() is not None):
        return "instant"
    raise refusal(name, "text, a number, a flag, a date or a datetime with a time zone", value)


_Read: TypeAlias = tuple[npt.NDArray[Any], tuple[str, ...]]


def _text(_: str, present: Sequence[str]) -> _Read:
    codes: dict[str, int] = {}
    values = [codes.setdefault(str.__str__(value), len(codes)) for value in present]
    return np.array(values, np.int32), tuple(codes)


def _number(name: str, present: Sequence[Any]) -> _Read:
    if all(isinstance(value, Integral) and -_WHOLE_NUMBERS <= int(value) < _WHOLE_NUMBERS for value in present):
        return np.array([int(value) for value in present], np.int64), ()
    return np.array([_finite(name, value) for value in present], np.float64), ()


def _finite(name: str, value: Any) -> float:
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if math.isfinite(number):
        return number
    raise refusal(name, "made of finite numbers", value)


def _flag(_: str, present: Sequence[Any]) -> _Read:
    return np.array([bool(value) for value in present], np.bool_), ()


def _instant(name: str, present: Sequence[date]) -> _Read:
    return np.array([instant(name, moment(name, value)) for value in present], "datetime64[us]"), ()


_READERS: Mapping[Kind, Callable[[str, Sequence[Any]], _Read]] = {
    "text": _text,
    "number": _number,
    "flag": _flag,
    "instant": _instant,
}
