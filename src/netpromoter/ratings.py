"""The 0 to 10 scale, and the one entrance for answers: anything that holds a column of them becomes a `Histogram`.

An answer is a whole number from 0 to 10, missing, or refused. Nothing is guessed: 8.5, 11, -1, ``"10/10"`` and
``True`` are refused with their position and count, and a missing answer is never a 0.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from decimal import Decimal
from enum import StrEnum
from numbers import Real
from typing import Any, Literal, TypeAlias

import attrs
import numpy as np
import numpy.typing as npt

from ._checks import count, nobody, one_of, refusal, refuse_missing, shown, warn
from .errors import InvalidRating, ScaleWarning

__all__ = [
    "MISSING",
    "Category",
    "Histogram",
    "MissingPolicy",
    "Scale",
    "category",
    "codes",
    "histogram",
    "parse",
    "scale_doubt",
]

Scale: TypeAlias = Literal["0-10", "1-10"]
MissingPolicy: TypeAlias = Literal["refuse", "drop"]
Codes: TypeAlias = npt.NDArray[np.int8]

#: The code of a missing answer in the arrays that `codes` gives.
MISSING = -1
_REFUSED = -2
_HIGHEST = 10
_LOWEST: Mapping[Scale, int] = {"0-10": 0, "1-10": 1}
_POLICIES: tuple[MissingPolicy, ...] = ("refuse", "drop")
_BLOCK = 1 << 16
_ENOUGH_TO_DOUBT = 1_000
_ENOUGH_FOR_FIVE_POINTS = 30

_MISSING_WORDS = frozenset({"", "na", "n/a", "n.a.", "#n/a", "<na>", "nan", "none", "null"})
_MISSING_TYPES = frozenset({"NAType", "NaTType", "MaskedConstant"})
_NO_COLUMNS = (str, bytes, bytearray, memoryview, Mapping, AbstractSet)
_TOO_WIDE_FOR_NUMPY = frozenset({"Int128", "UInt128"})
_WRITTEN = re.compile(
    r"""\s* (?P<rating> 10 | 0?\d ) (?: \.0+ )? \s*   # 9, 09, 9.0
        (?: (?: [-–—=:] \s* | [.)] \s+ ) (?P<label> [^\W\d] \D* )   # "- Extremely likely": words without digits
          | \( (?P<aside> [^\W\d] \D* ) \) )?                     # "(extremely likely)"
    """,
    re.VERBOSE,
)
_MONTHS = frozenset(
    [
        "jan",
        "feb",
        "mar",
        "apr",
        "may",
        "jun",
        "jul",
        "aug",
        "sep",
        "sept",
        "oct",
        "nov",
        "dec",
        "january",
        "february",
        "march",
        "april",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
        "janv",
        "févr",
        "mars",
        "avr",
        "mai",
        "juin",
        "juil",
        "août",
        "déc",
        "jän",
        "mär",
        "mrz",
        "okt",
        "dez",
        "ene",
        "abr",
        "ago",
        "dic",
        "gen",
        "mag",
        "giu",
        "lug",
        "set",
        "ott",
        "fev",
        "out",
        "mei",
        "mrt",
    ]
)
_NARROW = str.maketrans("．－＝：（）−‐", ".-=:()--") | dict.fromkeys(map(ord, "\ufeff\u200b\u200e"), " ")


class Category(StrEnum):
    """The three groups of the Net Promoter System: promoters 9-10, passives 7-8, detractors 0-6."""

    PROMOTER = "promoter"
    PASSIVE = "passive"
    DETRACTOR = "detractor"


_CATEGORIES = (Category.DETRACTOR,) * 7 + (Category.PASSIVE,) * 2 + (Category.PROMOTER,) * 2


def _eleven(counts: Any) -> tuple[int, ...]:
    """Read eleven counts in order, or a mapping of ratings to counts, such as a Counter or `value_counts`."""
    if hasattr(counts, "keys"):
        times: dict[int | None, Any] = {}
        for rating in counts.keys():  # noqa: SIM118 -- a Series iterates its values
            times[parse(rating)] = times.get(parse(rating), 0) + counts[rating]
        counts = [times.pop(rating, 0) for rating in range(_HIGHEST + 1)]
        if times:
            rule = "counts of the answers 0 to 10, without those who gave none, whose number is missing="
            raise refusal("counts", rule, "a count of missing answers")
    if isinstance(counts, str | bytes | AbstractSet) or not isinstance(counts, Iterable):
        raise refusal("counts", "eleven counts, of the answers 0 to 10", counts)
    numbers = tuple(count(f"counts[{rating}]", times) for rating, times in enumerate(counts))
    if len(numbers) != _HIGHEST + 1:
        raise refusal("counts", "eleven counts, of the answers 0 to 10", numbers)
    return numbers


def _missing(value: Any) -> int:
    return count("missing", value)


@attrs.frozen(kw_only=True)
class Histogram:
    """How many people gave each answer from 0 to 10, and how many gave none.

    Parameters
    ----------
    counts : sequence of 11 int, or mapping of ratings to counts
        Answers of 0, of 1, and so on up to 10; or what ``collections.Counter`` and ``value_counts`` of pandas give.
    missing : int, default 0
        People who were asked and did not answer. They never count in `n`.

    Examples
    --------
    >>> h = Histogram(counts=[0, 0, 1, 0, 0, 0, 2, 3, 4, 5, 6], missing=2)
    >>> h.promoters, h.passives, h.detractors, h.n
    (11, 7, 3, 21)
    """

    counts: tuple[int, ...] = attrs.field(converter=_eleven)
    missing: int = attrs.field(default=0, converter=_missing)

    @property
    def promoters(self) -> int:
        """Answers of 9 and 10."""
        return sum(self.counts[9:])

    @property
    def passives(self) -> int:
        """Answers of 7 and 8."""
        return sum(self.counts[7:9])

    @property
    def detractors(self) -> int:
        """Answers of 0 to 6."""
        return sum(self.counts[:7])

    @property
    def n(self) -> int:
        """All answers, the missing ones left out."""
        return sum(self.counts)

    @property
    def mean(self) -> float:
        """The mean rating, from 0 to 10."""
        if not self.n:
            raise nobody(self.missing)
        return sum(rating * times for rating, times in enumerate(self.counts)) / self.n

    def __add__(self, other: Histogram) -> Histogram:
        """Merge two disjoint samples."""
        if not isinstance(other, Histogram):
            return NotImplemented
        counts = [a + b for a, b in zip(self.counts, other.counts, strict=True)]
        return Histogram(counts=counts, missing=self.missing + other.missing)


def category(rating: int) -> Category:
    """Give the category of one rating.

    Parameters
    ----------
    rating : int
        A whole number from 0 to 10.

    Raises
    ------
    InvalidRating
        If `rating` is anything else.

    Examples
    --------
    >>> category(9), category(8), category(6)
    (<Category.PROMOTER: 'promoter'>, <Category.PASSIVE: 'passive'>, <Category.DETRACTOR: 'detractor'>)
    """
    code = parse(rating)
    if code is None:
        message = f"rating must be a whole number from 0 to 10 (got {shown(rating)})"
        raise InvalidRating(message)
    return _CATEGORIES[code]


def parse(answer: object, *, scale: Scale = "0-10") -> int | None:
    """Read one raw answer as exports write them.

    Parameters
    ----------
    answer : object
        A number, or text such as ``"10"``, ``"9.0"``, ``" 9 "``, ``"10 - Extremely likely"`` or ``"０"``.
    scale : {"0-10", "1-10"}, default "0-10"
        The scale that the question showed.

    Returns
    -------
    int or None
        The rating, or None where the answer is missing: None, NaN, NA, or one of the words for it, such as
        ``""``, ``"NA"``, ``"N/A"`` and ``"None"`` in any case.

    Raises
    ------
    InvalidRating
        If the answer is neither a rating nor missing.

    Examples
    --------
    >>> parse("10 - Extremely likely"), parse("0 = not at all"), parse("N/A")
    (10, 0, None)
    >>> parse("9.5")
    Traceback (most recent call last):
        ...
    netpromoter.errors.InvalidRating: rating must be a whole number from 0 to 10 (got '9.5')
    """
    lowest = _lowest(scale)
    code = _code(answer, lowest)
    if code == _REFUSED:
        message = f"rating must be a whole number from {lowest} to 10 (got {shown(answer)})"
        raise InvalidRating(message)
    return None if code == MISSING else code


def codes(answers: Any, *, scale: Scale = "0-10") -> Codes:
    """Read a column of answers into small integers.

    Parameters
    ----------
    answers : iterable, shape (n,)
        A list, a numpy array (masked, or with NaN), or a column of pandas, polars or pyarrow, of numbers or of text.
    scale : {"0-10", "1-10"}, default "0-10"
        The scale that the question showed. On ``"1-10"`` an answer of 0 is refused; the categories stay the same.

    Returns
    -------
    numpy.ndarray of int8, shape (n,)
        Ratings from 0 to 10, and `MISSING` (-1) where there is no answer. An int8 array without a fault comes back
        as it is, not copied.

    Raises
    ------
    InvalidRating
        If any answer is not a whole number on the scale; the message gives the first, its position and their count.

    Examples
    --------
    >>> codes([10, "9 ", None, 7.0])
    array([10,  9, -1,  7], dtype=int8)
    """
    lowest = _lowest(scale)
    values, absent = _column(answers)
    if not isinstance(values, np.ndarray):
        return _from_objects(values, lowest)
    read = _from_integers if values.dtype.kind in "iu" else _from_floats
    found = read(values, lowest, absent)
    if absent is not None and absent.any():
        found = found.copy() if found is values else found
        found[absent] = MISSING
    return found


def histogram(answers: Any, *, missing: MissingPolicy = "refuse", scale: Scale = "0-10") -> Histogram:
    """Count the answers of a column.

    Parameters
    ----------
    answers : iterable, shape (n,)
        As in `codes`.
    missing : {"refuse", "drop"}, default "refuse"
        What to do with missing answers: refuse them with their count, or leave them out and keep the count.
    scale : {"0-10", "1-10"}, default "0-10"
        The scale that the question showed.

    Returns
    -------
    Histogram
        The eleven counts, and the count of missing answers.

    Raises
    ------
    InvalidRating
        If any answer is not a whole number on the scale.
    MissingRatings
        If answers are missing and `missing` is ``"refuse"``.
    NoRatings
        If nobody answered.

    Warns
    -----
    ScaleWarning
        If a thousand answers or more hold no 0, or none above 5, or thirty or more run from 1 to 5 exactly: the scale
        may not have been 0 to 10.

    Examples
    --------
    >>> histogram([10, 9, 8, 3, None], missing="drop").counts
    (0, 0, 0, 1, 0, 0, 0, 0, 1, 1, 1)
    """
    one_of("missing", missing, _POLICIES)
    found = codes(answers, scale=scale)
    counts = _tally(found)
    absent = found.size - int(counts.sum())
    refuse_missing(absent, found.size, missing, lambda: int((found == MISSING).argmax()))
    total = Histogram(counts=counts.tolist(), missing=absent)
    answered = [rating for rating, times in enumerate(total.counts) if times]
    doubt = scale_doubt(total.n, answered[0], answered[-1], scale=scale)
    if doubt:
        warn(doubt, ScaleWarning)
    return total


def scale_doubt(n: int, lowest: int, highest: int, *, scale: Scale = "0-10") -> str | None:
    """Say why a set of valid answers may come from another scale, or None.

    Parameters
    ----------
    n : int
        How many people answered. Below a thousand, answers from 1 to 5 alone are doubted, and those from thirty on.
    lowest, highest : int
        The lowest and the highest answer given.
    scale : {"0-10", "1-10"}, default "0-10"
        The scale that the question is said to have shown.

    Returns
    -------
    str or None
        The doubt in one sentence.

    Examples
    --------
    >>> scale_doubt(13_612, 1, 10)
    'none of 13,612 answers is 0: the scale may have been 1 to 10 (if so, say scale="1-10")'
    """
    five_points = (lowest, highest) == (1, 5) and n >= _ENOUGH_FOR_FIVE_POINTS
    if five_points or (highest <= 5 and n >= _ENOUGH_TO_DOUBT):
        return f"none of {n:,} answers is above 5: the scale may not have been {scale.replace('-', ' to ')}"
    if lowest > _LOWEST[scale] and n >= _ENOUGH_TO_DOUBT:
        kept = f"none of {n:,} answers is {_LOWEST[scale]}: the scale may "
        if (scale, lowest) == ("0-10", 1):
            return kept + 'have been 1 to 10 (if so, say scale="1-10")'
        return kept + f"not have been {scale.replace('-', ' to ')}"
    return None


def _lowest(scale: Scale) -> int:
    return _LOWEST[one_of("scale", scale, _LOWEST)]


def _column(answers: Any) -> tuple[Any, npt.NDArray[np.bool_] | None]:
    """Give the answers as a numeric array with a mask of the absent ones, or else as Python objects."""
    if isinstance(answers, _NO_COLUMNS) or not hasattr(answers, "__iter__"):
        raise refusal("ratings", "a column of answers", answers)
    if isinstance(answers, np.ndarray):
        return _numpy_column(answers)
    if isinstance(answers, list | tuple | range):
        return _plain_column(answers)
    if isinstance(answers, Iterator):
        return list(answers), None
    return _frame_column(answers)


def _numpy_column(answers: npt.NDArray[Any]) -> tuple[Any, npt.NDArray[np.bool_] | None]:
    if answers.ndim != 1:
        raise refusal("ratings", "one column of answers", f"an array of shape {answers.shape}")
    absent = None
    if isinstance(answers, np.ma.MaskedArray):
        absent = np.ma.getmaskarray(answers)
        answers = answers.filled(0) if answers.dtype.kind in "iuf" else answers
    if answers.dtype.kind in "iuf":
        return answers, absent
    return list(answers) if answers.dtype.kind in "mM" else answers.tolist(), None


def _plain_column(answers: Sequence[object]) -> tuple[Any, None]:
    kinds = set(map(type, answers))
    if kinds and kinds <= {int, float}:
        try:
            return np.array(answers, dtype=np.int64 if kinds == {int} else np.float64), None
        except OverflowError:
            pass
    return answers, None


def _frame_column(answers: Any) -> tuple[Any, npt.NDArray[np.bool_] | None]:
    import narwhals.stable.v2 as nw
    from narwhals.exceptions import DuplicateError

    if type(answers).__module__.partition(".")[0] == "pyarrow" and hasattr(answers, "to_pylist"):
        answers = _chunked(answers)
    try:
        column = nw.from_native(answers, allow_series=True, pass_through=True)
    except DuplicateError:
        raise refusal("ratings", "one column of answers", f"a {type(answers).__name__}; name its column") from None
    if isinstance(column, nw.DataFrame | nw.LazyFrame):
        raise refusal("ratings", "one column of answers", f"a {type(answers).__name__}; name its column")
    if not isinstance(column, nw.Series):
        return list(answers), None
    if column.dtype.is_integer() and str(column.dtype) not in _TOO_WIDE_FOR_NUMPY:
        absent = column.is_null().to_numpy() if column.null_count() else None
        return (column if absent is None else column.fill_null(0)).to_numpy(), absent
    return (column.to_numpy() if column.dtype.is_float() else column.to_list()), None


def _chunked(answers: Any) -> Any:
    import pyarrow as pa

    column = pa.chunked_array([answers]) if isinstance(answers, pa.Array) else answers
    return column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column


def _from_integers(values: npt.NDArray[Any], lowest: int, absent: npt.NDArray[np.bool_] | None) -> Codes:
    if not values.size:
        return np.empty(0, dtype=np.int8)
    if values.min() >= lowest and values.max() <= _HIGHEST:
        return values.astype(np.int8, copy=False)
    faulty = (values < lowest) | (values > _HIGHEST)
    _refuse(faulty if absent is None else faulty & ~absent, values, lowest)
    return np.where(faulty, MISSING, values).astype(np.int8)


def _from_floats(values: npt.NDArray[Any], lowest: int, absent: npt.NDArray[np.bool_] | None) -> Codes:
    found = np.empty(values.size, dtype=np.int8)
    for start in range(0, values.size, _BLOCK):
        block = values[start : start + _BLOCK]
        whole = (block >= lowest) & (block <= _HIGHEST) & (block == np.floor(block))
        codes_ = np.where(whole, block, _REFUSED)
        codes_[np.isnan(block)] = MISSING
        found[start : start + _BLOCK] = codes_
    faulty = found == _REFUSED
    _refuse(faulty if absent is None else faulty & ~absent, values, lowest)
    return found


def _from_objects(values: Sequence[object], lowest: int) -> Codes:
    known: dict[object, int] = {}
    found = np.empty(len(values), dtype=np.int8)
    for position, value in enumerate(values):
        if type(value) is not str and type(value) is not int:
            found[position] = _code(value, lowest)
            continue
        code = known.get(value)
        if code is None:
            code = _code(value, lowest)
            if len(known) < _BLOCK:
                known[value] = code
        found[position] = code
    _refuse(found == _REFUSED, values, lowest)
    return found


def _code(answer: object, lowest: int) -> int:
    """Give the rating, `MISSING` or `_REFUSED`."""
    if isinstance(answer, str):
        return _text_code(answer, lowest)
    if answer is None or type(answer).__name__ in _MISSING_TYPES:
        return MISSING
    if isinstance(answer, bool | np.bool_ | np.timedelta64) or not isinstance(answer, Real | Decimal):
        return _REFUSED
    number: Any = answer
    if number.is_nan() if isinstance(number, Decimal) else number != number:  # noqa: PLR0124 -- NaN alone differs
        return MISSING
    return int(number) if lowest <= number <= _HIGHEST and number == int(number) else _REFUSED


def _text_code(answer: str, lowest: int) -> int:
    text = answer.translate(_NARROW).strip()
    if not text.isascii():
        text = "".join(str(unicodedata.decimal(sign, sign)) for sign in text)
    if text.casefold() in _MISSING_WORDS:
        return MISSING
    written = _WRITTEN.fullmatch(text)
    if not written or _is_date_or_number(written["label"] or written["aside"] or ""):
        return _REFUSED
    rating = int(written["rating"])
    return rating if rating >= lowest else _REFUSED


def _is_date_or_number(label: str) -> bool:
    """Tell the "Oct" of 9-Oct, which spreadsheets make of 9-10, and the "½" of a fraction, from a label."""
    return label.strip("). ").casefold() in _MONTHS or any(sign.isnumeric() for sign in label)


def _refuse(faulty: npt.NDArray[np.bool_], values: Sequence[object] | npt.NDArray[Any], lowest: int) -> None:
    if not faulty.any():
        return
    first = int(faulty.argmax())
    value = values[first]
    got = shown(value.item() if isinstance(value, np.generic) else value)
    rule = f"ratings must be whole numbers from {lowest} to 10"
    message = f"{rule} (got {got} at position {first:,}; {int(faulty.sum()):,} such in all)"
    raise InvalidRating(message)


def _tally(found: Codes) -> npt.NDArray[np.int64]:
    """Count the codes 0 to 10 block by block, so that nothing as long as the column is made."""
    counts = np.zeros(_HIGHEST + 1, dtype=np.int64)
    for start in range(0, found.size, _BLOCK):
        shifted = found[start : start + _BLOCK] - np.int8(MISSING)
        counts += np.bincount(shifted, minlength=_HIGHEST + 2)[1:]
    return counts
