"""What may stop a message between its adoption and its sending: looked at again in the moment it is taken."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, TypeAlias

import attrs
import numpy as np

from netpromoter.model import (
    Bounced,
    Declined,
    Entry,
    Failed,
    Message,
    OptedIn,
    OptedOut,
    Responded,
    Scheduled,
    Sending,
    Settled,
    instant,
)
from netpromoter.rules import FOREVER, GUARD, SendWindow, zone

__all__ = ["Later", "Never", "Verdict", "judged"]


@attrs.frozen
class Never:
    """The message is withheld."""

    reason: str


@attrs.frozen
class Later:
    """The message stays where it is until another time."""

    until: datetime | None = None


#: What becomes of a message that is about to be taken; None lets it go.
Verdict: TypeAlias = "Never | Later | None"


def judged(
    message: Message,
    entries: Iterable[Entry],
    at: datetime,
    *,
    window: SendWindow | None,
    time_zone: str,
    closes: Mapping[str, np.datetime64],
) -> Verdict:
    """Judge a message by everything that its contact has done, and by the clock.

    Parameters
    ----------
    message : Message
        About to be taken.
    entries : iterable of Entry
        The log of its contact.
    at : datetime
        Now.
    window : SendWindow or None
        When messages may leave.
    time_zone : str
        Of people whose own is missing.
    closes : mapping of str to datetime64
        The instants from which on occasions of these names have no further message.

    Returns
    -------
    Never, Later or None
    """
    state = _State(message)
    for entry in entries:
        state.read(entry.event)
    if state.reason:
        return Never(state.reason)
    if instant("at", at) >= closes.get(message.occasion, FOREVER):
        return Never(f"{message.occasion} is over")
    if state.last_sent is not None and at < state.last_sent + GUARD:
        return Later(state.last_sent + GUARD)
    return None if window is None else _in_window(message, at, window, time_zone)


def _in_window(message: Message, at: datetime, window: SendWindow, time_zone: str) -> Verdict:
    place = zone(message.time_zone) or zone(time_zone)
    now = np.array([instant("at", at)])
    opening = window.next_openings(place or time_zone, now)
    return None if opening[0] == now[0] else Later()


class _State:
    """What a log says of one contact that bears on one message."""

    def __init__(self, message: Message) -> None:
        self._message = message
        self._taken: dict[str, datetime] = {}
        self._destinations: dict[str, int] = {}
        self._reasons: dict[str, datetime] = {}
        self.last_sent: datetime | None = None

    @property
    def reason(self) -> str:
        """Why the message is withheld; nothing if it is not."""
        return next(iter(self._reasons), "")

    def read(self, event: object) -> None:
        """Take one event into account."""
        for kind, reader in _READERS.items():
            if isinstance(event, kind):
                reader(self, event)

    def _opted_out(self, event: OptedOut) -> None:
        if not event.reminders_only or self._message.step:
            self._reasons["opted out"] = event.at

    def _opted_in(self, event: OptedIn) -> None:
        if self._reasons.get("opted out", event.at) < event.at:
            self._reasons.pop("opted out", None)

    def _responded(self, event: Responded) -> None:
        answer = event.response
        if (answer.survey, answer.occasion) == (self._message.survey, self._message.occasion):
            self._reasons["answered"] = event.at

    def _declined(self, event: Declined) -> None:
        if (event.survey, event.occasion) == (self._message.survey, self._message.occasion):
            self._reasons["declined"] = event.at

    def _bounced(self, event: Bounced) -> None:
        self._taken.pop(event.message or "", None)
        self._settle()
        if event.destination and event.destination == self._message.destination:
            self._reasons["the address has failed"] = event.at

    def _scheduled(self, event: Scheduled) -> None:
        self._destinations[event.message.id] = event.message.destination

    def _failed(self, event: Failed) -> None:
        self._taken.pop(event.message, None)
        self._settle()
        reached = self._destinations.get(event.message, 0)
        if event.permanent and reached and reached == self._message.destination:
            self._reasons["the address has failed"] = event.at

    def _settled(self, event: Settled) -> None:
        if not event.delivered:
            self._failed(Failed(message=event.message, at=event.at, reason="", permanent=False))

    def _sending(self, event: Sending) -> None:
        if event.message != self._message.id:
            self._taken[event.message] = event.at
            self._settle()

    def _settle(self) -> None:
        """A message that was taken counts from then on as sent, unless it is known that it was not, or came back."""
        self.last_sent = max(self._taken.values(), default=None)


_READERS: dict[type, Any] = {
    Scheduled: _State._scheduled,  # noqa: SLF001 -- a table of the class's own methods
    OptedOut: _State._opted_out,  # noqa: SLF001
    OptedIn: _State._opted_in,  # noqa: SLF001
    Responded: _State._responded,  # noqa: SLF001
    Declined: _State._declined,  # noqa: SLF001
    Bounced: _State._bounced,  # noqa: SLF001
    Failed: _State._failed,  # noqa: SLF001
    Settled: _State._settled,  # noqa: SLF001
    Sending: _State._sending,  # noqa: SLF001
}
