"""Reading from a log what the loop achieved."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import attrs

from netpromoter.insight import Loop, loop
from netpromoter.model import (
    Bounced,
    FollowUpDecided,
    Message,
    Purpose,
    Responded,
    Response,
    Scheduled,
    Sent,
    Settled,
    instant,
)
from netpromoter.plugins import Store

from ._cases import Cases

__all__ = ["achieved"]

_Places = Mapping[tuple[str, str], datetime]


def achieved(
    store: Store,
    survey: str,
    recovery: str,
    *,
    at: datetime,
    since: datetime | None,
    accounts: Mapping[str, str | None] | None,
) -> Loop:
    """Read what came of the answers to a survey, and to the one that asks again, by an instant."""
    instant("at", at)
    decided: Iterator[Any] = (entry.event for entry in store.entries(kinds=(FollowUpDecided,)))
    delivered = _delivered(store, at)
    return loop(
        _answers(store, {survey: "score", recovery: "recovery"}),
        decided,
        Cases(store=store, survey=survey).as_of(at),
        at=at,
        since=since,
        delivered=delivered.get(survey, {}),
        asked_again=delivered.get(recovery, {}),
        accounts=accounts,
    )


def _answers(store: Store, purposes: Mapping[str, Purpose]) -> Iterator[Response]:
    """Give the answers to some surveys; what they are for goes by the survey, whichever program received them."""
    for entry in store.entries(kinds=(Responded,)):
        answer = getattr(entry.event, "response", None)
        if isinstance(answer, Response) and (purpose := purposes.get(answer.survey)) is not None:
            yield answer if answer.purpose == purpose else attrs.evolve(answer, purpose=purpose)


def _delivered(store: Store, at: datetime) -> dict[str, dict[tuple[str, str], datetime]]:
    """Give for each survey when the first message was delivered, by occasion and person; none that came back."""
    messages: dict[str, Message] = {}
    sent: dict[str, datetime] = {}
    back: set[str | None] = set()
    for entry in store.entries(kinds=(Scheduled, Sent, Settled, Bounced)):
        event = entry.event
        if isinstance(event, Scheduled):
            messages[event.message.id] = event.message
        elif isinstance(event, Bounced) and event.at <= at:
            back.add(event.message)
        elif (isinstance(event, Sent) or (isinstance(event, Settled) and event.delivered)) and event.at <= at:
            sent[event.message] = event.at
    found: dict[str, dict[tuple[str, str], datetime]] = {}
    for message, then in sent.items():
        if message not in back and (asked := messages.get(message)) is not None:
            places = found.setdefault(asked.survey, {})
            place = asked.occasion, asked.contact
            places[place] = min(then, places.get(place, then))
    return found
