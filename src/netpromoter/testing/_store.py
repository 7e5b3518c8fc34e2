"""What every store must do: a test for each sentence of the port, and a comparison with the store in memory."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from threading import Thread
from typing import Any, ClassVar, TypeAlias

import attrs
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from netpromoter.errors import Conflict, StoreClosed
from netpromoter.model import (
    Bounced,
    Coded,
    Declined,
    Entry,
    Event,
    Failed,
    Message,
    OptedIn,
    OptedOut,
    Responded,
    Response,
    Scheduled,
    Sending,
    Sent,
    Settled,
    Shown,
    Touches,
    Triggered,
    WaveDrawn,
    Withheld,
    to_dict,
)
from netpromoter.plugins import Store
from netpromoter.stores import MemoryStore

__all__ = ["StoreContract"]

Reopen: TypeAlias = Callable[[], Store]

_AT = datetime(2026, 6, 1, 8, tzinfo=UTC)
_HOUR = timedelta(hours=1)


def _message(contact: str = "ann", *, step: int = 0, attempt: int = 0, due: datetime = _AT) -> Message:
    return Message(
        survey="relationship",
        occasion="2026/autumn",
        contact=contact,
        step=step,
        attempt=attempt,
        channel="email",
        to=f"{contact}@example.com",
        destination=7,
        due=due,
        snapshot={"plan": f"plan of {contact}", "since": _AT},
    )


def _scheduled(contact: str = "ann", **more: Any) -> Scheduled:
    return Scheduled(message=_message(contact, **more), at=_AT)


def _opted_out(contact: str, hours: int = 0) -> OptedOut:
    return OptedOut(contact=contact, at=_AT + hours * _HOUR, destination=(1 << 64) - 1)


def _answer(contact: str = "ann") -> Responded:
    return Responded(
        response=Response(
            survey="relationship",
            occasion="2026/autumn",
            contact=contact,
            rating=9,
            at=_AT + _HOUR,
            comment=f"comment of {contact}: \ud83d \x00 é",
            drivers={"price": 3, "other": f"words of {contact}"},
            snapshot={"plan": f"plan of {contact}"},
        )
    )


def _one_of_each(contact: str = "ann") -> list[Event]:
    """Give an event of every class, which speak of one another."""
    place: dict[str, Any] = {"survey": "relationship", "occasion": "2026/autumn", "contact": contact}
    message, later = _message(contact), _AT + _HOUR
    return [
        WaveDrawn(
            **{key: place[key] for key in ("survey", "occasion")},
            stratum=f"all but {contact!r}"[:3],
            population=5,
            eligible=4,
            drawn=3,
            probability=0.1 + 0.2,
            seed="",
            at=_AT,
        ),
        Triggered(event="case-7", touchpoint="case closed", contact=contact, at=_AT, snapshot={"calls": 2}),
        Scheduled(message=message, at=_AT),
        Sending(message=message.id, worker="w-1", at=_AT, until=later),
        Failed(message=message.id, at=later, reason=f"no mailbox {message.to}", permanent=True),
        Scheduled(message=_message(contact, attempt=1), at=later),
        Sent(message=_message(contact, attempt=1).id, at=later, reference="<1@example.com>"),
        Scheduled(message=_message(contact, step=1), at=later),
        Withheld(message=_message(contact, step=1).id, at=later, reason="opted out"),
        Settled(message=_message(contact, step=2).id, at=later, delivered=False),
        Shown(**place, at=later, channel="web"),
        _answer(contact),
        Declined(**place, at=later),
        _opted_out(contact),
        OptedIn(contact=contact, at=later, destination=5),
        Bounced(contact=contact, destination=7, at=later, channel="email", message=message.id, reason="full"),
        Coded(response=_answer(contact).response.id, code="billing", coder="bot", at=later),
    ]
