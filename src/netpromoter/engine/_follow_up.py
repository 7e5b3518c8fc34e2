"""Deciding which answers are followed up, on everything that a log holds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from threading import Lock
from typing import Any, TypeAlias

import attrs

from netpromoter.model import (
    CaseMoved,
    CaseOpened,
    Coded,
    Event,
    FollowUpDecided,
    Responded,
    Response,
    Survey,
    Triggered,
    Value,
)
from netpromoter.plugins import Store
from netpromoter.ratings import category
from netpromoter.rules import Decisions, FollowUp, Load, Recovery, decide

from ._known import Known

__all__ = ["FollowUps"]

_KINDS = (Responded, Coded, FollowUpDecided, CaseOpened, CaseMoved)
_Known: TypeAlias = tuple[Sequence[Response], Load, Mapping[str, Sequence[Value]]]


class _Log:
    """What was read of the log so far; several threads may read on."""

    def __init__(self, of: FollowUps) -> None:
        self._of = of
        self._position, self._load = 0, Load()
        self._answers: dict[str, Response] = {}
        self._lock = Lock()
        self.facts: dict[str, dict[str, Any]] = {}
        self._seen = Known(of.known)

    def catch_up(self) -> _Known:
        """Read what is new; give the answers that have no decision, what was decided, and what answers have."""
        read = list(self._of.store.entries(kinds=_KINDS, after=self._position))
        with self._lock:
            new = [entry for entry in read if entry.position > self._position]  # another thread may have been faster
            self._position = new[-1].position if new else self._position
            self._load = self._load.after([entry.event for entry in new])
            for entry in new:
                self._note(entry.event)
            self._answers = {each: answer for each, answer in self._answers.items() if not self._is_decided(each)}
            return tuple(self._answers.values()), self._load, self._seen.values

    def _is_decided(self, response: str) -> bool:
        """Say whether the log has a decision of every policy about an answer."""
        return all(self._load.is_decided(policy.name, response) for policy in self._of.policies)

    def _note(self, event: Event) -> None:
        if isinstance(event, Coded):
            self.facts.setdefault(event.response, {}).setdefault("theme", event.code)
        elif isinstance(event, Responded) and event.response.survey == self._of.survey.key:
            self._answers[event.response.id] = event.response
            self._seen.add(event.response.snapshot)


@attrs.define(kw_only=True)
class FollowUps:
    """What is known of answers and cases; a log is read once, and then what is new.

    Parameters
    ----------
    store : Store
        The ledger.
    survey : Survey
        What was asked.
    policies : sequence of FollowUp
        Who is to be called.
    known : sequence of str
        The attributes that answers may have.
    recovery : Recovery or None
        Whether detractors are asked again.
    """

    store: Store
    survey: Survey
    policies: Sequence[FollowUp]
    known: Sequence[str]
    recovery: Recovery | None
    _log: _Log = attrs.field(init=False, default=attrs.Factory(_Log, takes_self=True))

    def decide(self, at: datetime) -> tuple[Decisions, ...]:
        """Decide about every answer that has no decision, and write it: one result for each policy."""
        self._log.catch_up()  # the first time that is all of it, for which nobody else should have to wait
        with self.store.exclusive():
            answers, load, known = self._undecided()
            made = list[Decisions]()
            for policy in self.policies:
                made.append(decide(policy, answers, at=at, load=load, facts=self._log.facts, known=known))
                self.store.append([*made[-1].events, *self._asked_again(made[-1])])
                load = load.after(made[-1].events)
        return tuple(made)

    def _undecided(self) -> _Known:
        """Give what is known; where somebody was forgotten since it was read, as the log has it now."""
        known = self._log.catch_up()
        if self.store.forgotten({answer.contact for answer in known[0]}):
            self._log = _Log(self)
            known = self._log.catch_up()
        return known

    def _asked_again(self, made: Iterable[Any]) -> Iterator[Triggered]:
        """Give the events by which detractors come to be asked again: all whom the policy wanted, called or not."""
        if self.recovery is None:
            return
        touchpoint = self.recovery.touchpoint(self.survey.key)
        for each in made:
            answer = each.response
            if each.decision != "not selected" and category(answer.rating) == "detractor":
                due = min((deadline.due for deadline in each.deadlines), default=each.at)
                place = {"event": answer.occasion, "contact": answer.contact}
                yield Triggered(touchpoint=touchpoint, at=due, **place)
