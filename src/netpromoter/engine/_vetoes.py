"""What may stop a message between its adoption and its sending: looked at again in the moment it is taken."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
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
    Response,
    Scheduled,
    Sending,
    Sent,
    Settled,
    instant,
)
from netpromoter.rules import FOREVER, GUARD, SendWindow, zone

__all__ = ["End", "Later", "Never", "Verdict", "judged"]


@attrs.frozen
class Never:
    """The message is withheld."""

    reason: str


@attrs.frozen
class Later:
    """The message stays where it is until another time."""

    until: datetime | None = None


@attrs.frozen(kw_only=True)
class End:
    """When it is too late for a message that was adopted, as `Readiness` says it."""

    closes: Mapping[str, np.datetime64] = attrs.field(factory=dict)
    within: timedelta | None = None
    over: str = ""

    def told(self, message: Message, at: datetime) -> str:
        """Say why it is too late for a message; nothing if it is not."""
        if instant("at", at) >= self.closes.get(message.occasion, FOREVER):
            return f"{message.occasion} is over"
        return self.over if self.within is not None and at - message.due >= self.within else ""


#: What becomes of a message that is about to be taken; None lets it go.
Verdict: TypeAlias = "Never | Later | None"


def judged(
    message: Message,
    entries: Collection[Entry],
    at: datetime,
    *,
    window: SendWindow | None,
    time_zone: str,
    end: End,
) -> Verdict:
    """Judge a message by everything that its contact has done, and what has come of its address, and by the clock.

    Parameters
    ----------
    message : Message
        About to be taken.
    entries : collection of Entry
        The log of its contact, and of whoever shares its address; empty where nobody has looked at it yet.
    at : datetime
        Now.
    window : SendWindow or None
        When messages may leave.
    time_zone : str
        Of people whose own is missing.
    end : End
        When it is too late.

    Returns
    -------
    Never, Later or None
    """
    state = _State(message, _adopted(message, entries))
    for entry in entries:
        state.read(entry)
    if state.reason:
        return Never(state.reason)
    if too_late := end.told(message, at):
        return Never(too_late)
    if state.last_sent is not None and at < state.last_sent + GUARD:
        return Later(state.last_sent + GUARD)
    return None if window is None else _in_window(message, at, window, time_zone)


def _adopted(message: Message, entries: Iterable[Entry]) -> int:
    """Give the position at which a message was adopted; what others had done before was known then.

    An attempt that follows one which did not arrive was adopted with that one: nobody looked at others in between.
    """
    found: dict[str, int] = {}
    failed: set[str] = set()
    for entry in entries:
        event = entry.event
        if isinstance(event, Scheduled):
            before = _attempt_before(event.message)
            found[event.message.id] = found.get(before, entry.position) if before in failed else entry.position
        elif isinstance(event, Failed | Settled) and _is_tried_again(event):
            failed.add(event.message)
    return found.get(message.id, 0)


def _is_tried_again(event: Failed | Settled) -> bool:
    """Say whether an event leads to another attempt by whoever writes it, who looks at nothing else."""
    return not (event.permanent if isinstance(event, Failed) else event.delivered)


def _attempt_before(message: Message) -> str:
    return f"{_step(message.id)}/{message.attempt - 1}" if message.attempt else ""


def _step(message: str) -> str:
    """Give what the ids of all attempts of a step have in common."""
    return message.rpartition("/")[0]


def _in_window(message: Message, at: datetime, window: SendWindow, time_zone: str) -> Verdict:
    place = zone(message.time_zone) or zone(time_zone)
    now = np.array([instant("at", at)])
    opening = window.next_openings(place or time_zone, now)
    return None if opening[0] == now[0] else Later()


class _State:
    """What a log says of one contact, and of one address, that bears on one message."""

    def __init__(self, message: Message, adopted: int) -> None:
        self._message, self._position = message, adopted
        self._is_late = False
        self._adopted: dict[str, Message] = {}
        self._taken: dict[str, datetime] = {}
        self._disbelieved: dict[str, datetime] = {}
        self._sent_after_all: set[str] = set()
        self._reasons: dict[str, datetime] = {}
        self._out: dict[str, datetime] = {}
        self._in: dict[str, datetime] = {}
        self.last_sent: datetime | None = None

    @property
    def reason(self) -> str:
        """Why the message is withheld; nothing if it is not."""
        if self._is_out:
            return "opted out"
        if self._sent_after_all and not self._reasons:
            return "an earlier attempt was sent after all"
        return next(iter(self._reasons), "")

    def read(self, entry: Entry) -> None:
        """Take one entry into account."""
        self._is_late = entry.position > self._position
        reader = _READERS.get(type(entry.event))
        if reader:
            reader(self, entry.event)

    def _is_own(self, choice: OptedOut | OptedIn) -> bool:
        return choice.contact == self._message.contact

    def _is_at(self, destination: int) -> bool:
        return destination != 0 and destination == self._message.destination

    def _is_asked(self, place: Response | Declined) -> bool:
        """Say whether somebody speaks of what this message asks them."""
        return all(getattr(place, name) == getattr(self._message, name) for name in ("survey", "occasion", "contact"))

    def _opted_out(self, event: OptedOut) -> None:
        """Note what was said by the person, and at the address; what another had said elsewhere was known then."""
        if event.reminders_only and not self._message.step:
            return
        if self._is_own(event):
            self._said(self._out, "by the person", event)
        if self._is_own(event) or self._is_late or self._is_at(event.destination):
            self._said(self._out, "at the address", event)

    def _opted_in(self, event: OptedIn) -> None:
        """Note what was taken back, at the address by whoever shares it, and for a person by nobody else."""
        if self._is_own(event):
            self._said(self._in, "by the person", event)
        self._said(self._in, "at the address", event)

    @staticmethod
    def _said(words: dict[str, datetime], where: str, event: OptedOut | OptedIn) -> None:
        words[where] = max(event.at, words.get(where, event.at))

    @property
    def _is_out(self) -> bool:
        return any(where not in self._in or self._in[where] <= at for where, at in self._out.items())

    def _responded(self, event: Responded) -> None:
        if self._is_asked(event.response):
            self._reasons["answered"] = event.at

    def _declined(self, event: Declined) -> None:
        if self._is_asked(event):
            self._reasons["declined"] = event.at

    def _bounced(self, event: Bounced) -> None:
        self._taken.pop(event.message or "", None)
        self._sent_after_all.discard(event.message or "")
        self._settle()
        named = self._adopted.get(event.message or "")
        destination = event.destination or (0 if named is None else named.destination)
        is_channel = event.contact == self._message.contact and event.channel in {None, self._message.channel}
        if self._is_at(destination) or (destination == 0 and is_channel):
            self._reasons["the address has failed"] = event.at

    def _scheduled(self, event: Scheduled) -> None:
        self._adopted[event.message.id] = event.message

    def _failed(self, event: Failed) -> None:
        self._taken.pop(event.message, None)
        self._settle()
        failed = self._adopted.get(event.message)
        if event.permanent and failed is not None and self._is_at(failed.destination):
            self._reasons["the address has failed"] = event.at

    def _settled(self, event: Settled) -> None:
        if not event.delivered:
            if event.message in self._taken:
                self._disbelieved[event.message] = self._taken[event.message]
            self._failed(Failed(message=event.message, at=event.at, reason="", permanent=False))

    def _sent(self, event: Sent) -> None:
        """Believe whoever has sent a message that somebody else had settled as not delivered."""
        if event.message in self._disbelieved:
            self._taken[event.message] = self._disbelieved.pop(event.message)
            self._settle()
            if _step(event.message) == _step(self._message.id):
                self._sent_after_all.add(event.message)

    def _sending(self, event: Sending) -> None:
        taken = self._adopted.get(event.message, self._message)
        shared = taken.contact == self._message.contact or self._is_at(taken.destination)
        if shared and event.message != self._message.id:
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
    Sent: _State._sent,  # noqa: SLF001
    Settled: _State._settled,  # noqa: SLF001
    Sending: _State._sending,  # noqa: SLF001
}
