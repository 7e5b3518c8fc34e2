"""Reading from a log what the loop achieved."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

import attrs

from netpromoter.insight import Delivery, Loop, loop
from netpromoter.model import (
    Bounced,
    Declined,
    Failed,
    FollowUpDecided,
    Message,
    OptedOut,
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
    revenue: Mapping[str, float] | None,
    value: str,
) -> Loop:
    """Read what came of the answers to a survey, and to the one that asks again, by an instant."""
    instant("at", at)
    decided: Iterator[Any] = (entry.event for entry in store.entries(kinds=(FollowUpDecided,)))
    sent = _sent(store)
    return loop(
        _answers(store, {survey: "score", recovery: "recovery"}),
        decided,
        Cases(store=store, survey=survey).as_of(at),
        at=at,
        since=since,
        deliveries=sent.get(survey, ()),
        asked_again=_reached(sent.get(recovery, ()), at),
        declined=_declined(store, survey),
        opted_out=_opted_out(store, survey, sent),
        accounts=accounts,
        revenue=revenue,
        value=value,
    )


def _answers(store: Store, purposes: Mapping[str, Purpose]) -> Iterator[Response]:
    """Give the answers to some surveys; what they are for goes by the survey, whichever program received them."""
    for entry in store.entries(kinds=(Responded,)):
        answer = getattr(entry.event, "response", None)
        if isinstance(answer, Response) and (purpose := purposes.get(answer.survey)) is not None:
            yield answer if answer.purpose == purpose else attrs.evolve(answer, purpose=purpose)


def _sent(store: Store) -> dict[str, list[Delivery]]:
    """Give for each survey the messages that a channel took, or refused for good, which came back at once."""
    messages: dict[str, Message] = {}
    sent: dict[str, datetime] = {}
    back: dict[str, datetime] = {}
    events: Iterator[Any] = (entry.event for entry in store.entries(kinds=(Scheduled, Sent, Failed, Settled, Bounced)))
    for event in events:
        if isinstance(event, Scheduled):
            messages[event.message.id] = event.message
        elif isinstance(event, Bounced):
            back[event.message or ""] = min(event.at, back.get(event.message or "", event.at))
        elif _left(event):
            sent[event.message] = event.at
            if isinstance(event, Failed):
                back[event.message] = event.at
    found: dict[str, list[Delivery]] = {}
    for name, at in sent.items():
        if (message := messages.get(name)) is not None:
            found.setdefault(message.survey, []).append(_delivery(message, at, back.get(name)))
    return found


def _left(event: Sent | Failed | Settled) -> bool:
    """Say whether a message left the house: a channel took it, or its address refused it for good."""
    if isinstance(event, Settled):
        return event.delivered
    return isinstance(event, Sent) or event.permanent


def _delivery(message: Message, at: datetime, bounced: datetime | None) -> Delivery:
    place: Any = {name: getattr(message, name) for name in ("occasion", "contact", "step", "attempt")}
    return Delivery(at=at, bounced=bounced, **place)


def _reached(sent: Iterable[Delivery], at: datetime) -> _Places:
    """Give when the first message reached whom, on which occasion."""
    found: dict[tuple[str, str], datetime] = {}
    for each in sent:
        if each.reached_by(at):
            place = each.occasion, each.contact
            found[place] = min(each.at, found.get(place, each.at))
    return found


def _declined(store: Store, survey: str) -> _Places:
    said: Iterator[Any] = (entry.event for entry in store.entries(kinds=(Declined,)))
    return {(each.occasion, each.contact): each.at for each in said if each.survey == survey}


def _opted_out(store: Store, survey: str, sent: Mapping[str, Iterable[Delivery]]) -> _Places:
    """Give on which occasion of a survey who opted out: that of the last message, of any survey, that had reached them.

    An opt-out does not say what it was an answer to.
    """
    events: list[Any] = [entry.event for entry in store.entries(kinds=(OptedOut,))]
    theirs: dict[str, list[tuple[str, Delivery]]] = {each.contact: [] for each in events}
    for key, deliveries in sent.items():
        for each in deliveries:
            theirs.get(each.contact, []).append((key, each))
    found: dict[tuple[str, str], datetime] = {}
    for event in events:
        before = [(each.at, key, each.occasion) for key, each in theirs[event.contact] if each.reached_by(event.at)]
        if before and (last := max(before))[1] == survey:
            place = last[2], event.contact
            found[place] = min(event.at, found.get(place, event.at))
    return found
