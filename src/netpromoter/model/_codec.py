"""The values as plain dicts, which is how a log keeps them; what was once written stays readable.

Every dict names its type and the version of that type. A type that gains, loses or renames a field gets the next
version, and a function from a dict of the old version to one of the new, kept in a table by type and old version and
applied before the keys are looked at. Nested values have their own type and version, so that a message changes for
itself. `tests/model/golden` keeps a log of every version that was ever written.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta
from typing import Any, TypeAlias

import attrs

from netpromoter._checks import refusal
from netpromoter.errors import InvalidArgument

from ._case_events import CaseAlerted, CaseMoved, CaseNoted, CaseOpened, Deadline, FollowUpDecided
from ._contact import Contact
from ._events import (
    Bounced,
    Coded,
    Declined,
    Event,
    Failed,
    OptedIn,
    OptedOut,
    Responded,
    Scheduled,
    Sending,
    Sent,
    Settled,
    Shown,
    Triggered,
    WaveDrawn,
    Withheld,
)
from ._fields import stamp
from ._message import Message, Receipt
from ._response import Response
from ._survey import Driver, Survey

__all__ = ["Record", "from_dict", "to_dict"]

#: Whatever can be written as a plain dict.
Record: TypeAlias = Event | Contact | Survey | Driver | Deadline | Message | Receipt | Response

_VERSION = 1
_TYPES: Mapping[str, type[Record]] = {
    "bounced": Bounced,
    "case_alerted": CaseAlerted,
    "case_moved": CaseMoved,
    "case_noted": CaseNoted,
    "case_opened": CaseOpened,
    "coded": Coded,
    "contact": Contact,
    "deadline": Deadline,
    "declined": Declined,
    "driver": Driver,
    "failed": Failed,
    "follow_up_decided": FollowUpDecided,
    "message": Message,
    "opted_in": OptedIn,
    "opted_out": OptedOut,
    "receipt": Receipt,
    "responded": Responded,
    "response": Response,
    "scheduled": Scheduled,
    "sending": Sending,
    "sent": Sent,
    "settled": Settled,
    "shown": Shown,
    "survey": Survey,
    "triggered": Triggered,
    "wave_drawn": WaveDrawn,
    "withheld": Withheld,
}
_NAMES = {kind: name for name, kind in _TYPES.items()}
_HEAD = frozenset({"type", "version"})
_STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", re.ASCII)


def to_dict(value: Record) -> dict[str, Any]:
    """Write a value as a plain dict, which JSON can hold.

    Parameters
    ----------
    value : event, Contact, Survey, Driver, Message, Receipt or Response
        What is to be kept.

    Returns
    -------
    dict
        Of str, int, float, bool, None, list and dict alone: the type in snake case under ``"type"``, its version under
        ``"version"``, and each field by its name. Instants are ISO 8601 texts in UTC with six decimals, spans are
        seconds. An instant among attributes is ``{"instant": "..."}``, which no text is taken for.

    Raises
    ------
    InvalidArgument
        If it is another value.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> from netpromoter.model import OptedIn
    >>> to_dict(OptedIn(contact="c-1", at=datetime(2026, 6, 3, tzinfo=UTC)))  # doctest: +NORMALIZE_WHITESPACE
    {'type': 'opted_in', 'version': 1,
     'contact': 'c-1', 'at': '2026-06-03T00:00:00.000000Z', 'destination': 0}
    """
    name = _NAMES.get(type(value))
    if name is None:
        raise refusal("value", "an event, a contact, a survey, a message, a receipt or a response", value)
    return {"type": name, "version": _VERSION} | {
        field: None if (held := getattr(value, field)) is None else form.written(held)
        for field, (form, _, _) in _FORMS[name].items()
    }


def from_dict(data: Mapping[str, Any]) -> Record:
    """Read a value that `to_dict` has written.

    Parameters
    ----------
    data : mapping
        As it was written, in this version or an older one.

    Returns
    -------
    event, Contact, Survey, Driver, Message, Receipt or Response
        Equal to what was written.

    Raises
    ------
    InvalidArgument
        If the type is unknown, the version is unknown or newer than this netpromoter, a key is missing or unknown, or
        a value is of the wrong type or breaks the rule of its field.

    Examples
    --------
    >>> from_dict({"type": "opted_in", "version": 1, "contact": "c-1", "at": "2026-06-03T00:00:00.000000Z",
    ...            "destination": 0})
    OptedIn(contact='c-1', at=datetime.datetime(2026, 6, 3, 0, 0, tzinfo=datetime.timezone.utc), destination=0)
    >>> from_dict({"type": "opted_in", "version": 2})  # doctest: +NORMALIZE_WHITESPACE
    Traceback (most recent call last):
        ...
    netpromoter.errors.InvalidArgument: opted_in.version must be 1 at most: the log was written by a newer netpromoter
        (got 2)
    """
    return _read("data", data, _TYPES)


def _read(where: str, data: Any, types: Collection[str]) -> Record:
    """Read a dict of one of some types; `where` is what a refusal calls it."""
    if type(data) is not dict and not isinstance(data, Mapping):
        raise _astray(where, "a mapping", data)
    name = data.get("type")
    if not isinstance(name, str) or name not in types:
        raise refusal(f"{where}['type']", "one of " + ", ".join(map(repr, types)), name)
    _check_version(name, data.get("version"))
    forms = _FORMS[name]
    if len(data) != len(forms) + len(_HEAD) or not forms.keys() <= data.keys():
        _check_keys(name, data.keys() - _HEAD, forms.keys())
    fields: dict[str, Any] = {
        field: None if optional and data[field] is None else form.read(full_name, data[field])
        for field, (form, optional, full_name) in forms.items()
    }
    return _TYPES[name](**fields)


def _check_version(name: str, version: Any) -> None:
    if type(version) is not int or version < 1:
        raise refusal(f"{name}.version", "a whole number of at least 1", version)
    if version > _VERSION:
        rule = f"{_VERSION} at most: the log was written by a newer netpromoter"
        raise refusal(f"{name}.version", rule, version)


def _check_keys(name: str, found: AbstractSet[Any], known: AbstractSet[str]) -> None:
    if found == known:
        return
    missing, unknown = sorted(known - found), sorted(map(repr, found - known))
    if missing:
        raise InvalidArgument(f"{name} must have all its keys (got no {', '.join(map(repr, missing))})")
    raise InvalidArgument(f"{name} must have no keys but its own (got {', '.join(unknown)})")


def _astray(name: str, rule: str, value: Any) -> InvalidArgument:
    """Word the refusal of a value of the wrong type, which may be an address and is not shown."""
    return InvalidArgument(f"{name} must be {rule} (got a value of type {type(value).__name__})")


# -- the form of each type of field ------------------------------------------------------------------------------------


@attrs.frozen
class _Form:
    """How values of one type are written, and how they are read under a name."""

    written: Callable[[Any], Any]
    read: Callable[[str, Any], Any]


def _as_is(rule: str, *kinds: type) -> _Form:
    def read(name: str, value: Any) -> Any:
        if type(value) not in kinds:
            raise _astray(name, rule, value)
        return value

    return _Form(lambda value: value, read)


def _instant(name: str, value: Any) -> datetime:
    if type(value) is not str:
        raise _astray(name, "an instant as text", value)
    try:
        if _STAMP.fullmatch(value):
            return datetime.fromisoformat(value)
    except ValueError:
        pass
    raise refusal(name, "an instant such as '2026-06-01T08:00:00.000000Z'", value)


def _span(name: str, value: Any) -> timedelta:
    seconds = _NUMBER.read(name, value)
    try:
        return timedelta(seconds=seconds)
    except (OverflowError, ValueError):
        raise refusal(name, "a number of seconds", value) from None


def _attribute_written(value: Any) -> Any:
    return {"instant": stamp(value)} if isinstance(value, datetime) else value


def _attribute(name: str, value: Any) -> Any:
    if isinstance(value, Mapping):
        _check_keys(name, value.keys(), {"instant"})
        return _instant(name, value["instant"])
    return _PLAIN.read(name, value)


def _mapping(form: _Form) -> _Form:
    def written(value: Mapping[str, Any]) -> dict[str, Any]:
        return {key: form.written(held) for key, held in value.items()}

    def read(name: str, value: Any) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            raise _astray(name, "a mapping", value)
        return {key: form.read(f"{name}[{key!r}]", held) for key, held in value.items()}

    return _Form(written, read)


def _several(form: _Form) -> _Form:
    def read(name: str, value: Any) -> tuple[Any, ...]:
        if not isinstance(value, list | tuple):
            raise _astray(name, "a list", value)
        return tuple(form.read(f"{name}[{place}]", held) for place, held in enumerate(value))

    return _Form(lambda value: [form.written(held) for held in value], read)


def _nested(kind: str) -> _Form:
    return _Form(to_dict, lambda name, value: _read(name, value, (kind,)))


_NUMBER = _as_is("a number", int, float)
_PLAIN = _as_is("text, a number, True, False, None or an instant", str, int, float, bool, type(None))
_TEXT = _as_is("text", str)
_BY_ANNOTATION: Mapping[str, _Form] = {
    "Mapping[str, Value]": _mapping(_Form(_attribute_written, _attribute)),
    "Mapping[str, int | str]": _mapping(_as_is("text or a whole number", int, str)),
    "Mapping[str, str]": _mapping(_TEXT),
    "Alert": _TEXT,
    "CaseStatus": _TEXT,
    "FollowUpDecision": _TEXT,
    "Message": _nested("message"),
    "Promise": _TEXT,
    "Purpose": _TEXT,
    "Resolution": _TEXT,
    "Response": _nested("response"),
    "SurveyKind": _TEXT,
    "bool": _as_is("True or False", bool),
    "datetime": _Form(stamp, _instant),
    "float": _NUMBER,
    "int": _as_is("a whole number", int),
    "str": _TEXT,
    "timedelta": _Form(timedelta.total_seconds, _span),
    "tuple[Deadline, ...]": _several(_nested("deadline")),
    "tuple[Driver, ...]": _several(_nested("driver")),
}


def _forms(name: str, kind: type[Record]) -> dict[str, tuple[_Form, bool, str]]:
    """Give the form of each field of a class, whether it may be None, and what a refusal calls it."""
    fields = [field for field in attrs.fields(kind) if "rendered" not in field.metadata]
    annotations = {field.name: str(field.type) for field in fields}
    return {
        field: (_BY_ANNOTATION[written.removesuffix(" | None")], written.endswith(" | None"), f"{name}.{field}")
        for field, written in annotations.items()
    }


_FORMS = {name: _forms(name, kind) for name, kind in _TYPES.items()}
