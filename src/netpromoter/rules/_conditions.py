"""Conditions on what is known of a person: `field("plan") == "paid"`, joined by `&`, `|` and `~`.

A missing value makes a comparison unknown, and what is unknown is never selected. The logic is the strong one of
Kleene: an unknown part matters only where the known parts do not decide.

References
----------
Kleene, S. C. (1952). *Introduction to Metamathematics*, section 64. North-Holland.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time
from difflib import get_close_matches
from functools import reduce
from numbers import Integral
from operator import and_, invert, or_
from typing import Any, ClassVar, Literal, NoReturn, Protocol, TypeAlias, get_args

import attrs
import numpy as np
import numpy.typing as npt

from netpromoter._checks import one_of, refusal, shown
from netpromoter.errors import InvalidArgument, NoTruthValue
from netpromoter.model import Column, Kind, Value, column, in_utc

__all__ = ["Condition", "Field", "Truth", "Unlike", "field"]

#: What becomes of a value of another kind than it is compared with: it is refused, or as unknown as a missing one.
Unlike: TypeAlias = Literal["refuse", "unknown"]
_Mask: TypeAlias = npt.NDArray[np.bool_]
_Operand: TypeAlias = str | int | float | bool | datetime
_Columns: TypeAlias = Mapping[str, Column]
_Judge: TypeAlias = Callable[[Column, Sequence[_Operand]], _Mask]

_WHOLE_NUMBERS = 1 << 63
_LISTED = 12  # names or values in one sentence
_LETTERS = 60  # of one text in a sentence
_OPERAND = (
    "text that is not blank, a finite number (of 64 bits, if whole), True, False, a date or a datetime with a time zone"
)
_KINDS: Mapping[Kind, str] = {
    "text": "text",
    "number": "a number",
    "flag": "True or False",
    "instant": "a date or a datetime with a time zone",
}


# -- three values ------------------------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True, eq=False)
class Truth:
    """For whom a condition is true, and for whom that is unknown; for everybody else it is false.

    Parameters
    ----------
    true, unknown : array of bool, shape (n,)
        Nobody is in both.

    Examples
    --------
    >>> some = Truth(true=np.array([True, False, False]), unknown=np.array([False, False, True]))
    >>> (some & ~some).unknown.tolist()
    [False, False, True]
    """

    true: _Mask
    unknown: _Mask

    def __and__(self, other: Truth) -> Truth:
        true = self.true & other.true
        possible = (self.true | self.unknown) & (other.true | other.unknown)
        return Truth(true=true, unknown=possible ^ true)

    def __or__(self, other: Truth) -> Truth:
        true = self.true | other.true
        return Truth(true=true, unknown=(self.unknown | other.unknown) & ~true)

    def __invert__(self) -> Truth:
        return Truth(true=~(self.true | self.unknown), unknown=self.unknown)


# -- what one asks -----------------------------------------------------------------------------------------------------


def field(name: str) -> Field:
    """Name what a condition asks about.

    Parameters
    ----------
    name : str
        An attribute of the contacts, or "locale", "time_zone", "account" or "since".

    Returns
    -------
    Field
        Compared with a value it gives a `Condition`.

    Raises
    ------
    InvalidArgument
        If the name is not text or blank.

    Examples
    --------
    >>> (field("plan") == "paid") & ~field("country").is_in("FR", "DE")
    (field("plan") == "paid") & ~field("country").is_in("FR", "DE")
    >>> field("seats") > 10
    field("seats") > 10
    """
    return Field(name)


def _named(value: Any) -> str:
    if isinstance(value, str) and value.strip():
        return str.__str__(value)
    raise refusal("name", "text that is not blank", value)


@attrs.frozen(eq=False, repr=False)
class Field:  # noqa: PLW1641 -- two fields are not compared, so that none can be a key
    """What a condition asks about; made by `field`.

    Text and flags are compared by ``==``, ``!=`` and `is_in`; numbers, dates and datetimes by order too. Text must be
    the same to the letter. A date is its midnight in UTC.

    Examples
    --------
    >>> "paid" == field("plan")
    field("plan") == "paid"
    >>> 1 < field("rating") < 7
    Traceback (most recent call last):
    netpromoter.errors.NoTruthValue: a condition must be joined by &, | and ~...
    """

    # Without this a number of NumPy on the left would compare for itself.
    __array_ufunc__: ClassVar[None] = None

    name: str = attrs.field(converter=_named)

    def __eq__(self, value: object) -> Condition:  # type: ignore[override]
        return _asked(self.name, "==", value)

    def __ne__(self, value: object) -> Condition:  # type: ignore[override]
        return _asked(self.name, "!=", value)

    def __lt__(self, value: float | date) -> Condition:
        return _asked(self.name, "<", value)

    def __le__(self, value: float | date) -> Condition:
        return _asked(self.name, "<=", value)

    def __gt__(self, value: float | date) -> Condition:
        return _asked(self.name, ">", value)

    def __ge__(self, value: float | date) -> Condition:
        return _asked(self.name, ">=", value)

    def is_in(self, *values: str | float | date) -> Condition:
        """Ask whether the value is one of several.

        Parameters
        ----------
        *values : str, number, bool, date or datetime
            At least one, and all of one kind.

        Returns
        -------
        Condition

        Examples
        --------
        >>> field("rating").is_in(8, 6, 2, 1, 0).matches({"rating": 6})
        True
        """
        return _asked(self.name, "is_in", *values)

    def between(self, low: float | date, high: float | date) -> Condition:
        """Ask whether the value lies between two others, or is one of them.

        Parameters
        ----------
        low, high : number, date or datetime
            Both belong to the range.

        Returns
        -------
        Condition

        Examples
        --------
        >>> field("seats").between(10, 50).matches({"seats": 50})
        True
        """
        asked = _asked(self.name, "between", low, high)
        first, last = (_settled(self.name, value) for value in (low, high))
        if first > last:  # type: ignore[operator]  # both are of one kind by now
            raise refusal("high", f"at least low, {shown(low)}", high)
        return asked

    def is_missing(self) -> Condition:
        """Ask whether there is no value, which is never unknown.

        Returns
        -------
        Condition

        Examples
        --------
        >>> field("country").is_missing().matches({"country": None})
        True
        """
        return Condition(_Missing(self.name))

    def __repr__(self) -> str:
        return f"field({_quoted(self.name)})"

    def _misused(self, *_: object) -> NoReturn:
        raise refusal("each part of &, | and ~", "a condition in parentheses, such as (field(...) == ...)", self)

    __and__ = __rand__ = __or__ = __ror__ = __invert__ = _misused

    def __bool__(self) -> bool:
        raise _no_truth()


def _no_truth() -> NoTruthValue:
    return NoTruthValue(
        "a condition must be joined by &, | and ~, with parentheses around each comparison, and a range asked for by "
        ".between (got `and`, `or`, `not`, `if` or a chain such as 1 < field(...) < 3)"
    )


@attrs.frozen(repr=False)
class Condition:
    """What is asked of everybody, and is true, false or unknown for each; made by comparing a `field`.

    Two conditions are equal if they ask the same in the same order.

    Examples
    --------
    >>> asked = (field("plan") == "paid") & (field("rating") <= 6)
    >>> asked.matches({"plan": "paid", "rating": 3})
    True
    >>> asked.explain({"plan": "free", "rating": 3})
    'plan is "free", not "paid"'
    >>> asked.explain({"plan": "paid"})
    'rating is missing'
    """

    _node: _Node

    @property
    def fields(self) -> frozenset[str]:
        """The names that the condition asks about."""
        return frozenset(self._node.names())

    def evaluate(self, columns: Mapping[str, Column], size: int) -> Truth:
        """Judge everybody.

        Parameters
        ----------
        columns : mapping of str to Column, each of length n
            What is known, by name.
        size : int
            How many people they are, n. Of nobody nothing is known, so that no field is refused then.

        Returns
        -------
        Truth

        Raises
        ------
        InvalidArgument
            If there is no such field, if nobody has a value of it, or if its values are of another kind than what
            they are compared with.

        Examples
        --------
        >>> columns = {"plan": column("plan", ["paid", "free", None])}
        >>> truth = (field("plan") == "paid").evaluate(columns, 3)
        >>> truth.true.tolist(), truth.unknown.tolist()
        ([True, False, False], [False, False, True])
        """
        if not size:
            return Truth(true=np.zeros(0, np.bool_), unknown=np.zeros(0, np.bool_))
        for name in self._node.names():
            _refuse_absent(name, columns)
        self._node.check(columns)
        return self._node.truth(columns)

    def matches(self, values: Mapping[str, Value], *, unlike: Unlike = "refuse") -> bool | None:
        """Judge one person.

        Parameters
        ----------
        values : mapping of str to str, number, bool, date, datetime or None
            What is known, by name; what is not there is missing.
        unlike : {"refuse", "unknown"}, default "refuse"
            What becomes of a value of another kind than it is compared with.

        Returns
        -------
        bool or None
            None if it is unknown.

        Raises
        ------
        InvalidArgument
            If a value is of another kind than what it is compared with, and is not to be unknown.

        Examples
        --------
        >>> print((field("plan") == "paid").matches({}))
        None
        """
        return _outcome(self._node, self._record(values, unlike))

    def explain(self, values: Mapping[str, Value], *, unlike: Unlike = "refuse") -> str:
        """Say in a clause why the condition is true, false or unknown for one person.

        Parameters
        ----------
        values : mapping of str to str, number, bool, date, datetime or None
            What is known, by name; what is not there is missing.
        unlike : {"refuse", "unknown"}, default "refuse"
            What becomes of a value of another kind than it is compared with.

        Returns
        -------
        str
            Only what decided is told: where one of two parts joined by `&` is false, that part.

        Raises
        ------
        InvalidArgument
            If a value is of another kind than what it is compared with, and is not to be unknown.

        Examples
        --------
        >>> asked = (field("tier") == "large") | field("rating").is_in(8, 6, 2, 1, 0)
        >>> asked.explain({"tier": "small", "rating": 6})
        'rating is 6, one of 8, 6, 2, 1, 0'
        >>> asked.explain({"tier": "small", "rating": 9})
        'tier is "small", not "large" and rating is 9, not one of 8, 6, 2, 1, 0'
        >>> asked.explain({"tier": "small", "rating": "six"}, unlike="unknown")
        'rating is "six", not a number'
        """
        return " and ".join(dict.fromkeys(self._node.clauses(self._record(values, unlike))))

    def _record(self, values: Mapping[str, Value], unlike: Unlike) -> _Columns:
        record = {name: column(name, [values.get(name)]) for name in self._node.names()}
        if one_of("unlike", unlike, get_args(Unlike)) == "refuse":
            self._node.check(record)
        return record

    def __and__(self, other: Condition) -> Condition:
        return _joined("&", self, other)

    def __or__(self, other: Condition) -> Condition:
        return _joined("|", self, other)

    def __rand__(self, other: object) -> Condition:
        return _joined("&", other, self)

    def __ror__(self, other: object) -> Condition:
        return _joined("|", other, self)

    def __invert__(self) -> Condition:
        return Condition(self._node.part if isinstance(self._node, _Not) else _Not(self._node))

    def __bool__(self) -> bool:
        raise _no_truth()

    def __repr__(self) -> str:
        return self._node.code


# -- what a condition is made of ---------------------------------------------------------------------------------------


class _Node(Protocol):
    @property
    def code(self) -> str: ...

    @property
    def closed(self) -> bool: ...  # whether the code stands beside & | ~ without parentheses

    def names(self) -> Iterator[str]: ...

    def check(self, columns: _Columns) -> None: ...  # refuses what is of another kind than it is compared with

    def truth(self, columns: _Columns) -> Truth: ...

    def clauses(self, record: _Columns) -> Iterator[str]: ...


@attrs.frozen
class _Missing:
    name: str
    closed: ClassVar[bool] = True

    @property
    def code(self) -> str:
        return f"{Field(self.name)}.is_missing()"

    def names(self) -> Iterator[str]:
        yield self.name

    def check(self, columns: _Columns) -> None:
        pass

    def truth(self, columns: _Columns) -> Truth:
        missing = columns[self.name].missing
        return Truth(true=missing, unknown=np.zeros_like(missing))

    def clauses(self, record: _Columns) -> Iterator[str]:
        value = record[self.name][0]
        yield f"{_shown_name(self.name)} is {_said(value)}" + ("" if value is None else ", not missing")


@attrs.frozen(kw_only=True)
class _Test:
    name: str
    verb: str
    kind: Kind  # also tells 1 from True, which are equal
    operands: tuple[_Operand, ...]

    @property
    def code(self) -> str:
        given = [_literal(operand) for operand in self.operands]
        return str(Field(self.name)) + _VERBS[self.verb].code.format(*given, every=", ".join(given))

    @property
    def closed(self) -> bool:
        return _VERBS[self.verb].code.startswith(".")

    def names(self) -> Iterator[str]:
        yield self.name

    def check(self, columns: _Columns) -> None:
        held = columns[self.name]
        if held.kind != self.kind and not held.missing.all():
            given = self.operands[0] if len(self.operands) == 1 else self.operands
            raise refusal(_compared(self.name), f"{_KINDS[held.kind]}, as its values are", given)

    def truth(self, columns: _Columns) -> Truth:
        held = columns[self.name]
        if held.kind != self.kind:
            return Truth(true=np.zeros_like(held.missing), unknown=np.ones_like(held.missing))
        return Truth(true=_VERBS[self.verb].test(held, self.operands) & ~held.missing, unknown=held.missing)

    def clauses(self, record: _Columns) -> Iterator[str]:
        value = record[self.name][0]
        phrase = "" if value is None else self._phrase(_outcome(self, record))
        yield f"{_shown_name(self.name)} is {_said(value)}{phrase}"

    def _phrase(self, outcome: bool | None) -> str:  # noqa: FBT001 -- one of three truth values
        if outcome is None:
            return f", not {_KINDS[self.kind]}"
        verb = _VERBS[self.verb]
        given = [_said(operand) for operand in self.operands]
        return (verb.yes if outcome else verb.no).format(*given, every=_listed(given), order=verb.order.get(self.kind))


@attrs.frozen
class _Joined:
    sign: str
    parts: tuple[_Node, ...]

    @property
    def code(self) -> str:
        return f" {self.sign} ".join(map(_beside, self.parts))

    @property
    def closed(self) -> bool:
        return False

    def names(self) -> Iterator[str]:
        for part in self.parts:
            yield from part.names()

    def check(self, columns: _Columns) -> None:
        for part in self.parts:
            part.check(columns)

    def truth(self, columns: _Columns) -> Truth:
        return reduce(_JOINTS[self.sign], (part.truth(columns) for part in self.parts))

    def clauses(self, record: _Columns) -> Iterator[str]:
        """Tell of the parts that came out as the whole did: under both signs they are those that decided."""
        outcome = _outcome(self, record)
        for part in self.parts:
            if _outcome(part, record) is outcome:
                yield from part.clauses(record)


@attrs.frozen
class _Not:
    part: _Node

    @property
    def code(self) -> str:
        return "~" + _beside(self.part)

    @property
    def closed(self) -> bool:
        return True

    def names(self) -> Iterator[str]:
        return self.part.names()

    def check(self, columns: _Columns) -> None:
        self.part.check(columns)

    def truth(self, columns: _Columns) -> Truth:
        return invert(self.part.truth(columns))

    def clauses(self, record: _Columns) -> Iterator[str]:
        return self.part.clauses(record)


def _beside(part: _Node) -> str:
    return part.code if part.closed else f"({part.code})"


def _joined(sign: str, left: object, right: object) -> Condition:
    """Join two conditions; one that is joined by the same sign already gives its parts."""
    parts: list[_Node] = []
    for side in (left, right):
        if not isinstance(side, Condition):
            raise refusal(f"each part of {sign}", "a condition in parentheses, such as (field(...) == ...)", side)
        node = side._node  # noqa: SLF001 -- of this file
        parts += node.parts if isinstance(node, _Joined) and node.sign == sign else [node]
    return Condition(_Joined(sign, tuple(parts)))


def _outcome(node: _Node, record: _Columns) -> bool | None:
    truth = node.truth(record)
    return None if truth.unknown[0] else bool(truth.true[0])


_JOINTS: Mapping[str, Callable[[Truth, Truth], Truth]] = {"&": and_, "|": or_}


# -- comparing ---------------------------------------------------------------------------------------------------------


def _asked(name: str, verb: str, *values: Any) -> Condition:
    operands = tuple(_settled(name, value) for value in values)
    kinds = [_kind(operand) for operand in operands]
    if not kinds or len(set(kinds)) > 1:
        raise refusal(_compared(name), "one or more values of one kind", values)
    if _VERBS[verb].order and kinds[0] not in _VERBS[verb].order:
        raise refusal(f"what {Field(name)} is ordered by", "a number, a date or a datetime with a time zone", values[0])
    return Condition(_Test(name=name, verb=verb, kind=kinds[0], operands=operands))


def _compared(name: str) -> str:
    return f"what {Field(name)} is compared with"


def _settled(name: str, value: Any) -> _Operand:
    """Make a plain value of an operand; an instant is settled in UTC."""
    if isinstance(value, str) and value.strip():
        return str.__str__(value)
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if _is_whole(value) and -_WHOLE_NUMBERS <= value < _WHOLE_NUMBERS:
        return int(value)
    if isinstance(value, float | np.floating) and math.isfinite(value):
        return float(value)
    if isinstance(value, date) and value == value:  # noqa: PLR0124 -- pandas' NaT differs from itself
        return _moment(name, value)
    raise refusal(_compared(name), f"{_OPERAND}; .is_missing() asks for what is missing", value)


def _is_whole(value: object) -> bool:
    return isinstance(value, Integral) and not isinstance(value, np.timedelta64)


def _moment(name: str, value: date) -> datetime:
    if not isinstance(value, datetime):
        return datetime.combine(value, time(), UTC)
    return in_utc(_compared(name), value)


def _kind(operand: _Operand) -> Kind:
    if isinstance(operand, str):
        return "text"
    if isinstance(operand, bool):
        return "flag"
    return "instant" if isinstance(operand, datetime) else "number"


def _among(held: Column, operands: Sequence[_Operand]) -> _Mask:
    if held.kind == "text":
        hits = [*map(frozenset(operands).__contains__, held.labels), False]
        return np.array(hits).take(held.values, mode="clip")
    sought = [each for each in (_exact(held, operand) for operand in operands) if _can_occur(held, each)]
    found: _Mask = np.isin(held.values, np.array(sought, held.values.dtype), kind="sort")  # faster than its tables
    return found


def _not_among(held: Column, operands: Sequence[_Operand]) -> _Mask:
    return ~_among(held, operands)


def _exact(held: Column, operand: Any) -> Any:
    """Say an operand such that NumPy compares it with the column exactly."""
    if isinstance(operand, datetime):
        return np.datetime64(operand.replace(tzinfo=None), "us")
    whole = isinstance(operand, float) and operand.is_integer() and held.values.dtype.kind == "i"
    return int(operand) if whole else operand


def _can_occur(held: Column, sought: Any) -> bool:
    whole = isinstance(sought, int) and -_WHOLE_NUMBERS <= sought < _WHOLE_NUMBERS
    return whole or held.values.dtype.kind != "i"


def _ordered(compare: np.ufunc) -> _Judge:
    def judge(held: Column, operands: Sequence[_Operand]) -> _Mask:
        found: _Mask = compare(held.values, _exact(held, operands[0]))
        return found

    return judge


def _between(held: Column, operands: Sequence[_Operand]) -> _Mask:
    low, high = (_exact(held, operand) for operand in operands)
    found: _Mask = (held.values >= low) & (held.values <= high)
    return found


@attrs.frozen
class _Verb:
    code: str
    test: _Judge
    yes: str
    no: str
    order: Mapping[Kind, str] = attrs.field(factory=dict)


def _order(sign: str, compare: np.ufunc, number: str, instant: str) -> _Verb:
    order: Mapping[Kind, str] = {"number": number, "instant": instant}
    return _Verb(f" {sign} {{0}}", _ordered(compare), yes=", {order} {0}", no=", not {order} {0}", order=order)


_VERBS: Mapping[str, _Verb] = {
    "==": _Verb(" == {0}", _among, yes="", no=", not {0}"),
    "!=": _Verb(" != {0}", _not_among, yes=", not {0}", no=""),
    "<": _order("<", np.less, "below", "before"),
    "<=": _order("<=", np.less_equal, "at most", "no later than"),
    ">": _order(">", np.greater, "above", "after"),
    ">=": _order(">=", np.greater_equal, "at least", "no earlier than"),
    "is_in": _Verb(".is_in({every})", _among, yes=", one of {every}", no=", not one of {every}"),
    "between": _Verb(
        ".between({0}, {1})",
        _between,
        yes=", {order} {0} and {1}",
        no=", not {order} {0} and {1}",
        order={"number": "between", "instant": "between"},
    ),
}


# -- words -------------------------------------------------------------------------------------------------------------


def _refuse_absent(name: str, columns: _Columns) -> None:
    held = columns.get(name)
    if held is not None and not held.absent:
        return
    present = [each for each, other in columns.items() if not other.absent]
    near = get_close_matches(name, present, 1)
    hint = "missing from everybody" if held is not None else f"did you mean {near[0]!r}?" if near else "unknown"
    rule = f"one of {_listed([*map(repr, present)])}" if present else "one that somebody has a value of"
    message = f"field must be {rule} (got {shown(name)}; {hint})"
    raise InvalidArgument(message)


def _listed(words: Iterable[str]) -> str:
    """List words in a sentence, the first dozen by name."""
    distinct = list(dict.fromkeys(words))
    more = len(distinct) - _LISTED
    return ", ".join(distinct[:_LISTED]) + (f" and {more:,} more" if more > 0 else "")


def _shown_name(name: str) -> str:
    return name if name.isprintable() else _quoted(name)


def _quoted(text: str) -> str:
    """Write text as Python does, but always within double quotes."""
    inside = repr('"' + text)[2:-1]  # the leading quote makes repr choose the single ones
    return '"' + inside.replace("\\'", "'").replace('"', '\\"') + '"'


def _literal(operand: _Operand) -> str:
    return _quoted(operand) if isinstance(operand, str) else repr(operand)


def _said(value: Value) -> str:
    if value is None:
        return "missing"
    if isinstance(value, datetime):
        return _said_instant(value)
    if isinstance(value, str):
        return _quoted(value if len(value) <= _LETTERS else value[: _LETTERS - 1] + "…")
    return repr(value).lower() if isinstance(value, bool) else repr(value)


def _said_instant(value: datetime) -> str:
    """Say an instant as briefly as it is exact: midnight is a date."""
    plain = value.replace(tzinfo=None)
    if plain.time() == time():
        return plain.date().isoformat()
    exact = plain.second or plain.microsecond
    return plain.isoformat(" ", "auto" if exact else "minutes") + " UTC"
