"""The fields of the values: each is checked in the house's words, and settled as a plain Python object."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime
from functools import partial
from numbers import Integral, Real
from typing import Any, TypeAlias

import attrs
import numpy as np

from netpromoter._checks import Validator, count, one_of, refusal
from netpromoter.errors import InvalidArgument

from ._columns import Value
from ._instants import instant, moment, span

__all__ = [
    "address",
    "addresses",
    "answers",
    "fingerprint",
    "flag",
    "hidden",
    "hidden_texts",
    "moment",
    "natural",
    "of_type",
    "option",
    "positive",
    "probability",
    "settled",
    "small",
    "stamp",
    "text",
    "values",
    "wait",
    "wording",
]

Check: TypeAlias = Callable[[str, Any], Any]

_FINGERPRINTS = 1 << 64
_WHOLE_NUMBERS = 1 << 63
_SMALL_NUMBERS = 1 << 15
_HALVES = re.compile(r"[\ud800-\udbff][\udc00-\udfff]")


def stamp(at: datetime) -> str:
    """Write an instant in UTC as ISO 8601, always with six decimals."""
    return at.isoformat("T", "microseconds").removesuffix("+00:00") + "Z"


def settled(check: Check) -> Validator:
    """Make a validator of a check that gives the plain value; an attrs converter would not know the field's name."""

    def validator(instance: object, field: attrs.Attribute[Any], value: Any) -> None:
        plain = check(field.name, value)
        if plain is not value:
            object.__setattr__(instance, field.name, plain)

    return validator


def option(options: Iterable[str]) -> Validator:
    """Make a validator for one of several names."""
    return settled(partial(_option, tuple(options)))


def of_type(kind: type) -> Validator:
    """Make a validator for a value of this class."""
    return settled(partial(_of_type, kind))


def addresses(value: Mapping[str, str | None]) -> dict[str, str]:
    """Settle addresses by channel: a channel whose address is None has none."""
    given = {name: held for name, held in _items("addresses", value) if held is not None}
    return {name: _address(f"addresses[{name!r}]", held) for name, held in given.items()}


def _option(options: tuple[str, ...], name: str, value: Any) -> str:
    return one_of(name, value, options)


def _of_type(kind: type, name: str, value: Any) -> Any:
    if isinstance(value, kind):
        return value
    raise refusal(name, f"a {kind.__name__}", value)


def _plain_str(value: str) -> str:
    """Make it a plain str, and join pairs of surrogates, as reading it back from JSON would."""
    plain = str.__str__(value)
    if plain.isascii() or not _HALVES.search(plain):
        return plain
    return plain.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")


def _plain(value: Any) -> Any:
    """Make a number or flag of numpy a plain one; its spans are numbers too, and are not meant."""
    scalar = isinstance(value, np.number | np.bool_) and not isinstance(value, np.timedelta64)
    return value.item() if scalar else value


def _text(name: str, value: Any) -> str:
    if isinstance(value, str) and value.strip():
        return _plain_str(value)
    raise refusal(name, "text that is not blank", value)


def _wording(name: str, value: Any) -> str:
    if isinstance(value, str):
        return _plain_str(value)
    raise refusal(name, "text", value)


def _hidden(name: str, value: Any) -> str:
    """Settle text that no message may show, such as an address or a comment."""
    if isinstance(value, str) and value.strip():
        return _plain_str(value)
    got = "blank text" if isinstance(value, str) else f"a value of type {type(value).__name__}"
    message = f"{name} must be text that is not blank (got {got})"
    raise InvalidArgument(message)


def _address(name: str, value: Any) -> str:
    """Settle an address without the blanks around it, which belong to no mailbox: `fingerprint` sets them aside too."""
    return _hidden(name, value).strip()


def _hidden_texts(name: str, value: Any) -> dict[str, str]:
    return {key: _hidden(f"{name}[{key!r}]", held) for key, held in _items(name, value)}


def _flag(name: str, value: Any) -> bool:
    if isinstance(value, bool | np.bool_):
        return bool(value)
    raise refusal(name, "True or False", value)


def _small(name: str, value: Any) -> int:
    found = count(name, value)
    if found < _SMALL_NUMBERS:
        return found
    raise refusal(name, f"a whole number from 0 to {_SMALL_NUMBERS - 1:,}", value)


def _is_whole(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool | np.timedelta64)


def _fingerprint(name: str, value: Any) -> int:
    if (type(value) is int or _is_whole(value)) and 0 <= int(value) < _FINGERPRINTS:
        return int(value)
    raise refusal(name, "a whole number of 64 bits", value)


def _probability(name: str, value: Any) -> float:
    number: Any = _plain(value)
    is_number = isinstance(number, Real) and not isinstance(number, bool | np.timedelta64)
    if is_number and 0 < number <= 1 and float(number) > 0:
        return float(number)
    raise refusal(name, "a number above 0, and 1 at most", value)


def _instant(name: str, value: Any) -> datetime:
    if type(value) is datetime and value.tzinfo is UTC and not value.fold:
        return value  # as it would be settled
    instant(name, value)
    return moment(name, value)


def _wait(name: str, value: Any) -> Any:
    return span(name, value).item()


def _values(name: str, value: Any) -> dict[str, Value]:
    return {key: _value(f"{name}[{key!r}]", held) for key, held in _items(name, value)}


def _value(name: str, value: Any) -> Value:
    plain: Any = _plain(value)
    if plain is None or isinstance(plain, bool):
        return plain
    if isinstance(plain, str):
        return _plain_str(plain)
    if isinstance(plain, date):
        return moment(name, plain)
    return _number(name, plain)


def _number(name: str, value: Any) -> int | float:
    if isinstance(value, int) and -_WHOLE_NUMBERS <= value < _WHOLE_NUMBERS:
        return int(value)
    if isinstance(value, float) and math.isfinite(value):
        return float(value)
    rule = "text, a finite number (of 64 bits, if whole), True, False, None, a date or a datetime with a time zone"
    raise refusal(name, rule, value)


def _answers(name: str, value: Any) -> dict[str, int | str]:
    return {key: _answer(f"{name}[{key!r}]", held) for key, held in _items(name, value)}


def _answer(name: str, value: Any) -> int | str:
    if isinstance(value, str):
        return _plain_str(value)
    if _is_whole(value) and -_WHOLE_NUMBERS <= int(value) < _WHOLE_NUMBERS:
        return int(value)
    raise refusal(name, "text or a whole number of 64 bits", value)


def _items(name: str, value: Any) -> list[tuple[str, Any]]:
    if not isinstance(value, Mapping):
        raise refusal(name, "a mapping", value)
    return [(_text(f"each key of {name}", key), value[key]) for key in value]


text = settled(_text)
wording = settled(_wording)
address = settled(_address)
hidden = settled(_hidden)
hidden_texts = settled(_hidden_texts)
flag = settled(_flag)
natural = settled(count)
positive = settled(partial(count, least=1))
small = settled(_small)
fingerprint = settled(_fingerprint)
probability = settled(_probability)
at_instant = settled(_instant)
wait = settled(_wait)
values = settled(_values)
answers = settled(_answers)
