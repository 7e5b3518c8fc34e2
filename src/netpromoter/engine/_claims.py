"""Messages of which nobody knows whether they were sent, and what somebody has found out."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import attrs

from netpromoter._checks import refusal
from netpromoter.model import Claim, Event, Scheduled, Settled, instant
from netpromoter.plugins import Store

__all__ = ["settle", "uncertain"]


def uncertain(store: Store, surveys: Collection[str], at: datetime) -> list[Claim]:
    """Give the messages of some surveys that were taken and have no outcome, their leases over."""
    now = instant("at", at)
    over = [each for each in store.claims() if instant("until", each.intent.until) <= now]
    return [each for each in over if each.message.survey in surveys]


def settle(store: Store, surveys: Collection[str], message: str, *, delivered: bool, at: datetime) -> None:
    """Write what became of one, unless somebody else has written it by now; one that was not delivered is due again."""
    with store.exclusive():
        claim = next((each for each in uncertain(store, surveys, at) if each.message.id == message), None)
        if claim is None:
            named = " or ".join(map(repr, dict.fromkeys(surveys)))
            rule = f"one that was taken, has no outcome, and whose lease is over, of {named}"
            raise refusal("message", rule, message)
        events: list[Event] = [Settled(message=message, at=at, delivered=delivered)]
        if not delivered:
            again = attrs.evolve(claim.message, attempt=claim.message.attempt + 1, due=at)
            events.append(Scheduled(message=again, at=at))
        store.append(events)
