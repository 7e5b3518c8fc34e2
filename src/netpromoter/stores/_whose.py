"""Whose an event is, where an event names a person, and which parts of it are personal."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from hashlib import blake2b
from math import inf
from numbers import Integral
from operator import attrgetter
from typing import Any, cast

from netpromoter._checks import refusal
from netpromoter.errors import Conflict
from netpromoter.model import (
    Bounced,
    CaseAlerted,
    CaseMoved,
    CaseNoted,
    CaseOpened,
    Coded,
    Declined,
    Event,
    Failed,
    FollowUpDecided,
    Forgotten,
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
    from_dict,
    quoted,
    to_dict,
    unquoted,
)

__all__ = [
    "NOBODY",
    "alias",
    "check_destinations",
    "check_expected",
    "check_expecting",
    "contact_named",
    "contacts_in",
    "destination",
    "forgotten_id",
    "is_lost",
    "keyed_hash",
    "mentioned",
    "put_personal",
    "removed",
    "rename",
    "renamed",
    "renamed_event_id",
    "renamed_id",
    "take_personal",
    "unlinked",
    "whose",
]

Name = Callable[[str], str]

#: Stands where an address was.
NOBODY = "(forgotten)"
_DESTINATIONS = 1 << 64
_REFERENCES = ("message", "response", "case")
#: What stands in the place of each personal field of an event, of its message or of its response.
_BLANK: Mapping[str, Any] = {
    "comment": None,
    "destination": 0,
    "locale": None,
    "note": None,
    "reason": "",
    "reference": "",
    "snapshot": {},
    "subject": None,
    "time_zone": None,
    "to": NOBODY,
}
#: By opt-outs an address stays vetoed, or free again, for whoever else has it; a case goes to a status.
_KEPT = {("opted_out", "destination"), ("opted_in", "destination"), ("case_moved", "to")}
_CONTACT_PART = {"triggered": 3, "shown": 3, "declined": 3, "opted_out": 1, "opted_in": 1, "bounced": 1}
#: How many parts follow the id of a message, an answer or a case in the id of an event that is about it.
_AFTER = {"scheduled": 0, "sending": 1, "sent": 0, "failed": 0, "withheld": 0, "settled": 0, "responded": 0}
_AFTER |= {"follow_up_decided": 1, "case_opened": 0, "case_moved": 1, "case_noted": 2, "case_alerted": 2}


def check_destinations(destinations: Any) -> list[int]:
    """Return some destinations, or refuse what can be none."""
    rule = "whole numbers of 64 bits"
    try:
        given = list(destinations)
    except TypeError:
        raise refusal("destinations", rule, destinations) from None
    for each in given:
        if not _is_whole(each, _DESTINATIONS):
            raise refusal("destinations", rule, each)
    return list(map(int, given))


def check_expecting(expecting: Any) -> dict[str | int, int]:
    """Return up to where one knows what has happened to whom, or refuse what does not say so; None is of nobody."""
    rule = "a mapping of contacts and destinations to positions, whole numbers from 0"
    if expecting is None:
        return {}
    if not isinstance(expecting, Mapping):
        raise refusal("expecting", rule, expecting)
    for who, position in expecting.items():
        if not ((isinstance(who, str) or _is_whole(who, _DESTINATIONS)) and _is_whole(position)):
            raise refusal("expecting", rule, {who: position})
    return {who if isinstance(who, str) else int(who): int(position) for who, position in expecting.items()}


def _is_whole(value: Any, end: float = inf) -> bool:
    """Say whether a value is a whole number from 0 to below an end; most are plain, which is told fastest."""
    number = type(value) is int or (isinstance(value, Integral) and not isinstance(value, bool))
    return number and 0 <= value < end


def check_expected(who: str | int, last: int, position: int) -> None:
    """Raise if more has happened to a contact, or to those who share a destination, than up to a position."""
    if last > position:
        whose = "somebody with the same address" if isinstance(who, int) else repr(who)
        raise Conflict(f"the log holds an event of {whose} at position {last}, after {position}")


def keyed_hash(contact: str, key: bytes, salt: bytes = b"") -> str:
    """Give what remains of the id of a person who was forgotten."""
    return blake2b(quoted(contact).encode(), digest_size=16, key=key, salt=salt, person=b"forgotten").hexdigest()


def forgotten_id(mark: str | int) -> str:
    """Give the id by which a log knows somebody who was forgotten."""
    return f"forgotten-{mark}"


def alias(contact: str, key: bytes, salt: bytes = b"") -> str:
    """Give the id under which the opt-outs of somebody who was forgotten are kept."""
    return forgotten_id(keyed_hash(contact, key, salt))


def contact_named(identity: str) -> str | None:
    """Give the contact in the id of a message or of a response; None if it is not of their form."""
    return _around_contact(identity)[1]


@lru_cache(maxsize=4_096)
def _around_contact(identity: str) -> tuple[str, str | None, str]:
    """Part the id of a message or of a response into what stands before its contact, the contact, and the rest."""
    parts = identity.split("/")
    contact = _contact(parts[2]) if len(parts) in {4, 5} else None
    return "/".join([*parts[:2], ""]), contact, "/".join(["", *parts[3:]])


def _contact(part: str) -> str | None:
    try:
        contact = unquoted(part)
    except UnicodeDecodeError:
        return None
    return contact if contact.strip() and quoted(contact) == part else None


def whose(event: Event) -> str | None:
    """Give the contact of an event: its own, or that of its message or response; None if it has none."""
    return _OWNER[type(event)](event)


def destination(event: Event) -> int:
    """Give the fingerprint of the address that an event names, itself or in its message or response; 0 for none."""
    inner = event.message if isinstance(event, Scheduled) else event.response if isinstance(event, Responded) else event
    found: int = getattr(inner, "destination", 0)
    return found


def mentioned(event: Event) -> Iterator[str]:
    """Give each contact that an event names, its own first."""
    owner = whose(event)
    if owner is not None:
        yield owner
    if type(event) in _REFERENCE:
        other = contact_named(_REFERENCE[type(event)](event) or "")
        if other is not None:
            yield other


def is_lost(event: Event, forgotten: Callable[[str], bool]) -> bool:
    """Say whether an event is of somebody who was forgotten, and no opt-out."""
    subject = next(mentioned(event), None)
    return subject is not None and not isinstance(event, OptedOut) and forgotten(subject)


def unlinked(event: Event) -> bool:
    """Say whether an event keeps the fingerprint of its address, and so must not lead to the others of the person."""
    return isinstance(event, OptedOut | OptedIn)


def _named(field: str) -> Callable[[Any], str | None]:
    """Give the contact in the id that a field holds."""
    return lambda event: contact_named(getattr(event, field))


_OWN = attrgetter("contact")
_OWNER: Mapping[type, Callable[[Any], str | None]] = {
    **dict.fromkeys((Triggered, Shown, Declined, OptedOut, OptedIn, Bounced, CaseOpened), _OWN),
    **dict.fromkeys((Sending, Sent, Failed, Withheld, Settled), _named("message")),
    **dict.fromkeys((CaseMoved, CaseNoted, CaseAlerted), _named("case")),
    FollowUpDecided: _named("response"),
    Scheduled: attrgetter("message.contact"),
    Responded: attrgetter("response.contact"),
    Coded: lambda _: None,
    WaveDrawn: lambda _: None,
}
#: What else names somebody.
_REFERENCE: Mapping[type, Callable[[Any], str | None]] = {
    Coded: attrgetter("response"),
    Bounced: attrgetter("message"),
}


# -- names in ids and dicts --------------------------------------------------------------------------------------------


def renamed_id(identity: str, name: Name) -> str:
    """Put another name for the contact into the id of a message or of a response."""
    before, contact, after = _around_contact(identity)
    return identity if contact is None else before + quoted(name(contact)) + after


def renamed_event_id(identity: str, name: Name) -> str:
    """Put other names for contacts into the id of an event."""
    kind, _, rest = identity.partition("/")
    if kind in _AFTER:
        reference, *after = rest.rsplit("/", _AFTER[kind]) if _AFTER[kind] else [rest]
        return "/".join([kind, renamed_id(reference, name), *after])
    return "/".join(_renamed_parts(kind, identity.split("/"), name))


def contacts_in(identity: str) -> list[str]:
    """Give the contacts that the id of an event names."""
    found: list[str] = []

    def note(contact: str) -> str:
        found.append(contact)
        return contact

    renamed_event_id(identity, note)
    return found


def _renamed_parts(kind: str, parts: list[str], name: Name) -> list[str]:
    own = _CONTACT_PART.get(kind, len(parts))
    contact = _contact(parts[own]) if own < len(parts) else None
    if contact is not None:
        parts[own] = quoted(name(contact))
    nested = {"bounced": 4, "coded": 1}.get(kind, len(parts))
    reference = _contact(parts[nested]) if nested < len(parts) else None
    if reference is not None:
        parts[nested] = quoted(renamed_id(reference, name))
    return parts


def rename(data: dict[str, Any], name: Name) -> None:
    """Put other names for contacts into an event that `to_dict` has written."""
    inner = _inner(data)
    if "contact" in inner:
        inner["contact"] = name(inner["contact"])
    for field in _REFERENCES:
        if isinstance(data.get(field), str):
            data[field] = renamed_id(data[field], name)


def _inner(data: dict[str, Any]) -> dict[str, Any]:
    """Give the dict that holds the fields: an event's own, or that of its message or response."""
    held = {"scheduled": "message", "responded": "response"}.get(data["type"])
    return data if held is None else cast("dict[str, Any]", data[held])


# -- what is personal --------------------------------------------------------------------------------------------------


def take_personal(data: dict[str, Any]) -> dict[str, Any]:
    """Take what is personal out of an event that `to_dict` has written, and give it."""
    inner, taken = _inner(data), {}
    for field in [field for field in inner if field in _BLANK]:
        blank = _BLANK[field]
        if inner[field] != blank and (data["type"], field) not in _KEPT:
            taken[field], inner[field] = inner[field], blank
    drivers = inner.get("drivers")
    if drivers and any(isinstance(answer, str) for answer in drivers.values()):
        taken["drivers"] = drivers
        inner["drivers"] = {key: answer for key, answer in drivers.items() if not isinstance(answer, str)}
    return taken


def put_personal(data: dict[str, Any], taken: Mapping[str, Any]) -> None:
    """Put back what `take_personal` has taken."""
    _inner(data).update(taken)


def renamed(event: Event, name: Name, *, strip: bool = False) -> Event:
    """Give an event under other names, and without what is personal."""
    data = to_dict(event)
    if strip:
        take_personal(data)
    rename(data, name)
    found: Any = from_dict(data)
    return cast("Event", found)


def removed(events: Sequence[Event]) -> Forgotten:
    """Count what is deleted with these events of a person."""
    addresses = {event.message.to for event in events if isinstance(event, Scheduled)}
    comments = sum(isinstance(event, Responded) and event.response.comment is not None for event in events)
    return Forgotten(events=len(events), addresses=len(addresses), comments=comments)
