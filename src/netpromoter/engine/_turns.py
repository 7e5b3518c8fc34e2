"""A stretch of time, walked through turn by turn by the rules of some policies."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from typing import Any, Protocol, TypeAlias

import attrs
import numpy as np
import numpy.typing as npt

from netpromoter._checks import refusal
from netpromoter.model import KINDS, Contacts, Event, Instants, Touches
from netpromoter.rules import FOREVER, History, Policy, among

from ._plan import Held, all_left, as_touches
from ._planner import Planner

__all__ = ["Source", "Turns", "as_history", "as_policies", "numbered", "together"]

_Mask: TypeAlias = npt.NDArray[np.bool_]

#: What keeps a message that has not left yet from leaving.
_STOPS = np.array([KINDS.index(kind) for kind in ("answered", "declined", "opted_out", "reminders_off", "bounced")])
_NEXT = "next in line when the time was up"


class Source(Protocol):
    """Says what comes of messages."""

    def __call__(self, policy: Policy, messages: Touches, /) -> Touches:
        """Give what comes of the messages of one policy, later than they leave."""
        ...


def as_policies(policy: Any) -> tuple[Policy, ...]:
    """Settle one policy, or several of different surveys."""
    policies = (policy,) if isinstance(policy, Policy) else tuple(policy) if isinstance(policy, Sequence) else ()
    for each in policies:
        if not isinstance(each, Policy):
            raise refusal("policy", "a Policy, or several", each)
    if not policies or len({each.survey.key for each in policies}) < len(policies):
        raise refusal("policy", "a Policy, or several of different surveys", policy)
    return policies


class Turns:
    """What happens from one instant to another, while each policy plans at every turn.

    At each turn, whatever has happened by then enters the history; then each policy plans until the next turn, and its
    messages are adopted before the next policy plans. A message whose person answers, declines, opts out or has an
    address fail before it leaves is not sent, and the next turn decides anew.
    """

    def __init__(
        self, policies: Sequence[Policy], contacts: Contacts, touches: Touches, to_come: Touches, source: Source
    ) -> None:
        self.contacts, self._source = contacts, source
        self._planners = [Planner(policy, contacts) for policy in policies]
        self._history = History(contacts, touches)
        self._known = numbered(to_come, contacts).sorted()
        self._ids = self._known.contacts
        self._entered = 0
        self._coming: list[Touches] = []
        self._made: list[Touches] = []

    def walk(self, start: np.datetime64, end: np.datetime64, every: timedelta) -> Touches:
        """Go from start to end, and return all that has happened meanwhile, in the order of time."""
        at = start
        while at < end:
            by = min(at + np.timedelta64(every, "us"), end)
            self._enter(at)
            for planner in self._planners:
                self._write(planner, at, by)
            at = by
        self._enter(end)
        return together(self._made, self._ids).sorted()

    def _enter(self, at: np.datetime64) -> None:
        """Let into the history what has happened by now."""
        entered = int(np.searchsorted(self._known.at, at, side="right"))
        found, self._entered = [self._known.where(np.arange(self._entered, entered))], entered
        if self._coming:
            coming = together(self._coming, self._ids)
            found.append(coming.where(coming.at <= at))
            self._coming = [_compact(coming.where(coming.at > at))]
        for touches in found:
            self._add(_compact(touches))

    def _add(self, touches: Touches) -> None:
        if len(touches):
            self._history = self._history.with_touches(touches)
            self._made.append(touches)

    def _write(self, planner: Planner, at: np.datetime64, by: np.datetime64) -> None:
        """Plan the messages of one policy until the next turn, and send those that nothing stops."""
        decision = planner.decide(self._history, at, by)
        messages = (decision.invitations.touches() + decision.reminders.touches()).sorted()
        messages = messages.where(~self._stopped(messages, by))
        if len(messages):
            messages = attrs.evolve(messages, contacts=self._ids)
            self._add(messages)
            self._coming.append(self._source(planner.policy, messages))

    def _stopped(self, messages: Touches, by: np.datetime64) -> _Mask:
        """Say which messages something stops that happens before they leave."""
        stopped = np.zeros(len(messages), np.bool_)
        until = int(np.searchsorted(self._known.at, by, side="right"))
        for touches in (*self._coming, self._known.where(np.arange(self._entered, until))):
            stops = touches.where((touches.at <= by) & np.isin(touches.kind, _STOPS))
            stopped |= self._first(stops, messages) <= messages.at
        return stopped

    def _first(self, stops: Touches, messages: Touches) -> Instants:
        """Give the first stop of each message's person or address."""
        people = np.full(len(self._ids), FOREVER)
        np.minimum.at(people, stops.contact, stops.at)
        addresses, place = np.unique(stops.destination, return_inverse=True)
        firsts = np.full(len(addresses) + 1, FOREVER)
        np.minimum.at(firsts, place, stops.at)
        there = among(messages.destination, addresses) & (messages.destination != 0)
        firsts = firsts[np.where(there, np.searchsorted(addresses, messages.destination), -1)]
        return np.minimum(people[messages.contact], firsts)

    def never_asked(self, asked: _Mask, at: np.datetime64, every: timedelta) -> Held:
        """Say what holds those who were not asked, at the end; of several policies the one that lets go first."""
        reasons: dict[str, int] = {"": 0}
        until, code = np.full(len(self.contacts), FOREVER), np.zeros(len(self.contacts), np.int32)
        for planner in self._planners:
            ends, codes, words = self._holds(planner, at, at + np.timedelta64(every, "us"))
            prefix = f"{planner.policy.survey.key}: " if len(self._planners) > 1 else ""
            numbers = np.array([reasons.setdefault(prefix + word, len(reasons)) for word in words], np.int32)
            sooner = (ends < until) | (code == 0)
            until[sooner], code[sooner] = ends[sooner], numbers[codes[sooner]]
        left = np.flatnonzero(~asked)
        return Held(contacts=self.contacts, positions=left, until=until[left], codes=code[left], reasons=tuple(reasons))

    def _holds(
        self, planner: Planner, at: np.datetime64, by: np.datetime64
    ) -> tuple[Instants, npt.NDArray[np.int32], tuple[str, ...]]:
        decision = planner.decide(self._history, at, by)
        free = decision.invited.free(by)
        words = tuple(decision.reasons)
        return decision.invited.until, np.where(free, len(words), decision.invited.code), (*words, _NEXT)


def together(parts: Iterable[Touches], ids: Sequence[str]) -> Touches:
    """Put touches behind one another, two and two, so that no row is copied often."""
    found = list(parts)
    while len(found) > 1:
        found = [first + second for first, second in _pairs(found)]
    return found[0] if found else attrs.evolve(Touches.of(()), contacts=ids)


def numbered(touches: Touches, contacts: Contacts) -> Touches:
    """Number people by their positions among the contacts, and those who are none after them."""
    ids: Any = contacts.ids
    if touches.contacts is ids:
        return touches
    others: dict[str, int] = {}
    places = [_place(label, contacts, others) for label in touches.contacts]
    codes = np.array([*places, -1], np.int32)[touches.contact]
    return attrs.evolve(touches, contact=codes, contacts=(*ids.tolist(), *others) if others else ids)


def _place(label: str, contacts: Contacts, others: dict[str, int]) -> int:
    found = contacts.index.get(label)
    return others.setdefault(label, len(contacts) + len(others)) if found is None else found


def _pairs(parts: list[Touches]) -> Iterator[tuple[Touches, Touches]]:
    if len(parts) % 2:
        parts = [*parts[:-2], parts[-2] + parts[-1]]
    return zip(parts[::2], parts[1::2], strict=True)


def _compact(touches: Touches) -> Touches:
    """Forget the names of occasions that no row has, lest they pile up."""
    used, codes = np.unique(touches.occasion, return_inverse=True)
    names = [touches.occasions[code] for code in used.tolist() if code >= 0]
    occasion = (codes.reshape(-1) - int(len(used) > len(names))).astype(np.int32)
    return attrs.evolve(touches, occasion=occasion, occasions=tuple(names))


def as_history(touches: Touches | Iterable[Event], by: np.datetime64) -> Touches:
    """Take what has happened until now; only messages may be scheduled for later."""
    known = all_left(as_touches(touches))
    later = (known.at > by) & ~np.isin(known.kind, [KINDS.index("invited"), KINDS.index("reminded")])
    if later.any():
        raise refusal("touches", f"no later than at, {by}, but for messages", known.at[later].max())
    return known
