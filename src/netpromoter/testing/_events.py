"""Events of every class, of one person, and how to read them: whose they are, and which address they name."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from unicodedata import normalize
from urllib.parse import quote, unquote

import attrs

from netpromoter.model import (
    Bounced,
    CaseAlerted,
    CaseMoved,
    CaseNoted,
    CaseOpened,
    Coded,
    Deadline,
    Declined,
    Event,
    Failed,
    FollowUpDecided,
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
    Triggered,
    WaveDrawn,
    Withheld,
    to_dict,
)

__all__ = ["AT", "HOUR", "Person", "alike", "destination", "drawn", "whose", "written"]

#: No store may cut it to seconds or to milliseconds.
AT = datetime(2026, 6, 1, 8, microsecond=123_457, tzinfo=UTC)
HOUR = timedelta(hours=1)
#: What text is likely to lose: blanks, the ends of lines, what looks alike, what is no character, and length.
_ODD = " e\u0301 \u00e9\r\n\t\ud83d\x00 \U0001f642 " + "long " * 400


def alike(name: str) -> list[str]:
    """Give names of others, which a careless comparison takes for this one."""
    return [
        name.swapcase(),
        name.title(),
        f"{name} ",
        f" {name}",
        f"{name}0",
        name[:-1],
        normalize("NFD", name),
        name.replace("_", "x"),
        quote(name),
    ]


def drawn() -> WaveDrawn:
    """Give the one event that is nobody's, and names nobody."""
    counts: dict[str, Any] = {"population": 5, "eligible": 4, "drawn": 3, "probability": 0.1 + 0.2}
    return WaveDrawn(survey="relationship", occasion="2026/autumn", stratum="all", **counts, seed="", at=AT)


@attrs.frozen
class Person:
    """Somebody, and what happens to them.

    All that is personal names the contact, so that it shows wherever anything of it is left; no field is as it is by
    default.
    """

    contact: str
    destination: int = 7
    occasion: str = "2026/autumn"
    at: datetime = AT

    @property
    def place(self) -> dict[str, Any]:
        """Where they are asked."""
        return {"survey": "relationship", "occasion": self.occasion, "contact": self.contact}

    @property
    def draw(self) -> dict[str, Any]:
        """How they came to be asked."""
        return {"arm": "b", "stratum": "all", "probability": 0.1 + 0.2, "destination": self.destination}

    @property
    def snapshot(self) -> dict[str, Any]:
        """What is known of them, of every type."""
        numbers = {"seats": (1 << 53) + 1, "share": 0.1 + 0.2, "one": 1, "whole": 1.0}
        return {self.words("plan"): self.words("plan"), "since": AT, "paid": True, "left": None, **numbers}

    def words(self, what: str) -> str:
        """Give text about them."""
        return f" {what} of {self.contact}{_ODD}"

    def message(self, step: int = 0, attempt: int = 0, due: datetime = AT) -> Message:
        """Give a message to them."""
        return Message(
            **self.place,
            **self.draw,
            step=step,
            attempt=attempt,
            kind="transactional",
            revision=2,
            channel="email",
            to=f"{self.contact}@example.com",
            due=due,
            template="reminder",
            subject=self.words("subject"),
            locale=f"de-{self.contact}",
            time_zone=f"Europe/{self.contact}",
            snapshot=self.snapshot,
        )

    def scheduled(self, step: int = 0, attempt: int = 0, due: datetime = AT) -> Scheduled:
        """Decide on a message."""
        return Scheduled(message=self.message(step, attempt, due), at=self.at)

    def opted_out(self, hours: int = 0) -> OptedOut:
        """Let them opt out."""
        return OptedOut(contact=self.contact, at=self.at + hours * HOUR, destination=(1 << 64) - 1)

    def answer(self) -> Responded:
        """Let them answer."""
        drivers: dict[str, Any] = {"price": (1 << 53) + 1, "other": self.words("driver")}
        given: dict[str, Any] = {"kind": "transactional", "revision": 2, "ordinal": 1, "step": 1, "channel": "web"}
        kept: dict[str, Any] = {"snapshot": self.snapshot, "purpose": "recovery"}
        words = self.words("comment")
        response = Response(
            **self.place, **self.draw, **given, **kept, rating=9, at=self.at + HOUR, comment=words, drivers=drivers
        )
        return Responded(response=response)

    def events(self) -> list[Event]:
        """Give events of every class but one, which speak of one another."""
        event: dict[str, Any] = {"contact": self.contact, "at": self.at, "snapshot": self.snapshot}
        triggered = Triggered(event=self.occasion, touchpoint="case closed", **event)
        return [triggered, *self._sent(), *self._told(), *self._followed_up()]

    def _sent(self) -> list[Event]:
        message, again, reminder, later = self.message(), self.message(attempt=1), self.message(1), self.at + HOUR
        return [
            Scheduled(message=message, at=self.at),
            Sending(message=message.id, worker="w-1", at=self.at, until=later, turn=1),
            Failed(message=message.id, at=later, reason=self.words("refusal"), permanent=True),
            Scheduled(message=again, at=later),
            Sent(message=again.id, at=later, reference=self.words("reference")),
            Scheduled(message=reminder, at=later),
            Withheld(message=reminder.id, at=later, reason=self.words("reason")),
            Settled(message=self.message(2).id, at=later, delivered=False),
        ]

    def _told(self) -> list[Event]:
        answer, message, later = self.answer(), self.message().id, self.at + HOUR
        bounced: dict[str, Any] = {"channel": "email", "message": message, "reason": self.words("bounce")}
        return [
            Shown(**self.place, kind="transactional", at=later, channel="web"),
            answer,
            Declined(**self.place, kind="transactional", at=later),
            self.opted_out(),
            OptedOut(contact=self.contact, at=later, reminders_only=True),
            OptedIn(contact=self.contact, at=later, destination=5),
            Bounced(contact=self.contact, destination=self.destination, at=later, **bounced),
            Coded(response=answer.response.id, code="billing", coder="bot", at=later),
        ]

    def _followed_up(self) -> list[Event]:
        answer, later = self.answer().response, self.at + HOUR
        policy: Any = {"policy": "call/back", "policy_version": 2}
        due = Deadline(promise="attempt", due=later + HOUR, notice=later, escalation=later + 2 * HOUR)
        opened: Any = {"ordinal": 1, "rating": 9, "owner": "bea", "priority": 1.5, "deadlines": (due,), "at": self.at}
        case = CaseOpened(**self.place, **policy, **opened)
        moved: Any = {"case": case.case, "by": "bea", "at": later, "owner": "cyd"}
        decided: Any = {"decision": "selected", "reason": self.words("decision"), "at": self.at}
        return [
            FollowUpDecided(response=answer.id, **policy, **decided),
            case,
            CaseAlerted(case=case.case, promise="attempt", alert="due", at=later),
            CaseMoved(**moved, number=0, to="contacted", root_cause="billing", note=self.words("call")),
            CaseMoved(**moved, number=1, to="resolved", resolution="recovered"),
            CaseNoted(case=case.case, number=1, by="bea", at=later, note=self.words("note")),
        ]


def _inner(event: Event) -> Any:
    """Give what holds the fields of an event."""
    return event.message if isinstance(event, Scheduled) else event.response if isinstance(event, Responded) else event


def destination(event: Event) -> int:
    """Give the destination that an event names, as the port has it below its sentences."""
    found: int = getattr(_inner(event), "destination", 0)
    return found


def whose(event: Event) -> str | None:
    """Give the contact of an event, as the port has it below its sentences."""
    if isinstance(event, WaveDrawn | Coded):
        return None
    contact: str | None = getattr(_inner(event), "contact", None)
    about = (getattr(event, name, None) for name in ("message", "response", "case"))
    return contact or unquote(next(filter(None, about)).split("/")[2], errors="surrogatepass")


def written(events: Iterable[Event]) -> list[str]:
    """Write events so that types show: 1 equals 1.0 and True, but is written otherwise."""
    return [json.dumps(to_dict(event), sort_keys=True) for event in events]
