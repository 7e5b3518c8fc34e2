"""Messages of which nobody knows whether they were sent, and what somebody has found out."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Any

import attrs

from netpromoter._checks import refusal
from netpromoter.model import Claim, Event, Message, Scheduled, Settled, instant
from netpromoter.plugins import Store

__all__ = ["settle", "uncertain"]


def uncertain(store: Store, surveys: Collection[str], at: datetime) -> list[Claim]:
    """Give the messages of some surveys that were taken and have no outcome, their leases over."""
    now = instant("at", at)
    over = [each for each in store.claims() if instant("until", each.intent.until) <= now]
    return [each for each in over if each.message.survey in surveys]


def settle(store: Store, surveys: Collection[str], message: str, *, delivered: bool, at: datetime) -> None:
    """Write what became of one, unless somebody else has written it by now.

    One that was not delivered is due again, unless the next message of its occasion has been adopted since.
    """
    with store.exclusive():
        claim = next((each for each in uncertain(store, surveys, at) if each.message.id == message), None)
        if claim is None:
            named = " or ".join(map(repr, dict.fromkeys(surveys)))
            rule = f"one that was taken, has no outcome, and whose lease is over, of {named}"
            raise refusal("message", rule, message)
        events: list[Event] = [Settled(message=message, at=at, delivered=delivered)]
        if not delivered and not _is_overtaken(store, claim.message):
            again = attrs.evolve(claim.message, attempt=claim.message.attempt + 1, due=at)
            events.append(Scheduled(message=again, at=at))
        store.append(events)


def _is_overtaken(store: Store, message: Message) -> bool:
    """Say whether a later message of the same occasion was adopted."""
    adopted: Iterator[Any] = (each.event for each in store.entries(contacts=[message.contact], kinds=(Scheduled,)))
    return any(_is_later(event.message, message) for event in adopted)


def _is_later(other: Message, message: Message) -> bool:
    names = "survey", "occasion", "contact"
    return other.step > message.step and all(getattr(other, name) == getattr(message, name) for name in names)
