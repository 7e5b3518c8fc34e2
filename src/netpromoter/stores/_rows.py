"""Events as rows of a database, and back."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from netpromoter.model import (
    Bounced,
    Declined,
    Event,
    OptedIn,
    OptedOut,
    Responded,
    Scheduled,
    Shown,
    Triggered,
    from_dict,
    quoted,
    to_dict,
)

from ._kinds import code
from ._whose import Name, put_personal, rename, take_personal

__all__ = [
    "COLUMNS",
    "FOLDED",
    "LABELS",
    "NONE",
    "PAGE",
    "facts",
    "labels",
    "microseconds",
    "moved",
    "plain",
    "read",
    "signed",
    "written",
]

#: The columns of what can be counted, beside the position; -1 stands for none.
COLUMNS = (
    "kind",
    "person",
    "at",
    "survey",
    "occasion",
    "step",
    "attempt",
    "channel",
    "destination",
    "arm",
    "touchpoint",
    "rating",
    "about",
)
#: The columns from which touches are made.
FOLDED = ("position", *COLUMNS)
#: What a label can be of, by code.
LABELS = ("survey", "occasion", "channel", "arm", "touchpoint")
#: How many entries are read at once.
PAGE = 2_000
#: Stands for no person, no label and no number.
NONE = -1

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_SIGNED = 1 << 63
_ENCODE = json.JSONEncoder(separators=(",", ":")).encode


def microseconds(at: datetime) -> int:
    """Write an instant as microseconds since 1970."""
    return (at - _EPOCH) // _MICROSECOND


def signed(destination: int) -> int:
    """Write a fingerprint as a database has whole numbers of 64 bits."""
    return destination - (_SIGNED << 1) if destination >= _SIGNED else destination


def plain(identity: str) -> str:
    """Write an id in characters that every database keeps, and no two alike."""
    if identity.isascii() and identity.isprintable() and not identity.startswith("%"):
        return identity
    return "%" + quoted(identity)


def written(event: Event, name: Name) -> tuple[str, str | None]:
    """Write an event under other names, and beside it what is personal."""
    data = to_dict(event)
    personal = take_personal(data)
    rename(data, name)
    return _ENCODE(data), _ENCODE(personal) if personal else None


def read(body: str, personal: str | None, name: Name) -> Event:
    """Read what `written` has written."""
    data = json.loads(body)
    if personal is not None:
        put_personal(data, json.loads(personal))
    rename(data, name)
    found: Any = from_dict(data)
    return cast("Event", found)


def moved(body: str, name: Name) -> str:
    """Put other names into what `written` has written."""
    data = json.loads(body)
    rename(data, name)
    return _ENCODE(data)


# -- the columns -------------------------------------------------------------------------------------------------------

_BLANK = {"survey": NONE, "occasion": NONE, "step": NONE, "attempt": NONE, "channel": NONE, "destination": 0}
_BLANK |= {"arm": NONE, "touchpoint": NONE, "rating": NONE, "person": NONE, "about": 0}


def facts(event: Event) -> dict[str, int]:
    """Give the columns of an event, but for its labels, its person and what it is about."""
    maker = _NUMBERS.get(type(event))
    found = _BLANK | (maker(event) if maker else {"at": microseconds(event.at)})
    found["destination"] = signed(found["destination"])
    found["kind"] = code(event)
    return found


def _scheduled(event: Scheduled) -> dict[str, int]:
    message = event.message
    place = {"step": message.step, "attempt": message.attempt, "destination": message.destination}
    return place | {"at": microseconds(message.due)}


def _responded(event: Responded) -> dict[str, int]:
    answer = event.response
    step = NONE if answer.step is None else answer.step
    place = {"step": step, "destination": answer.destination, "rating": answer.rating}
    return place | {"at": microseconds(answer.at)}


def _at_an_address(event: OptedOut | OptedIn | Bounced) -> dict[str, int]:
    return {"at": microseconds(event.at), "destination": event.destination}


_NUMBERS: Mapping[type, Callable[[Any], dict[str, int]]] = {
    Scheduled: _scheduled,
    Responded: _responded,
    OptedOut: _at_an_address,
    OptedIn: _at_an_address,
    Bounced: _at_an_address,
}


def labels(event: Event) -> dict[str, str]:
    """Give the labels of an event, in characters that every database keeps."""
    maker = _TEXTS.get(type(event))
    found = maker(event) if maker else {}
    return {what: text for what, text in found.items() if text is not None}


def _asked(place: Any, **more: str | None) -> dict[str, str | None]:
    found = {"survey": f"{quoted(place.survey)}/{place.kind}", "occasion": quoted(place.occasion)}
    return found | {what: None if text is None else quoted(text) for what, text in more.items()}


_TEXTS: Mapping[type, Callable[[Any], dict[str, str | None]]] = {
    Scheduled: lambda event: _asked(event.message, channel=event.message.channel, arm=event.message.arm),
    Responded: lambda event: _asked(event.response, channel=event.response.channel, arm=event.response.arm),
    Shown: lambda event: _asked(event, channel=event.channel),
    Declined: _asked,
    Bounced: lambda event: {"channel": None if event.channel is None else quoted(event.channel)},
    Triggered: lambda event: {"occasion": quoted(event.event), "touchpoint": quoted(event.touchpoint)},
}
