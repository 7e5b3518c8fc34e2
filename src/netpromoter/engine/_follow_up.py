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
_Values: TypeAlias = Mapping[str, Sequence[Value]]


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
    _read: int = 0
    _load: Load = attrs.field(factory=Load)
    _answers: dict[str, Response] = attrs.field(factory=dict)
    _facts: dict[str, dict[str, Any]] = attrs.field(factory=dict)
    _seen: Known = attrs.field(init=False, default=attrs.Factory(lambda self: Known(self.known), takes_self=True))
    _lock: Lock = attrs.field(factory=Lock)

    def decide(self, at: datetime) -> tuple[Decisions, ...]:
        """Decide about every answer that has no decision, and write it: one result for each policy."""
        self._catch_up()  # the first time that is the whole log, for which nobody else should have to wait
        with self.store.exclusive():
            self._forget()
            answers, load, known = self._catch_up()
            made = list[Decisions]()
            for policy in self.policies:
                made.append(decide(policy, answers, at=at, load=load, facts=self._facts, known=known))
                self.store.append([*made[-1].events, *self._asked_again(made[-1])])
                load = load.after(made[-1].events)
        return tuple(made)

    def _forget(self) -> None:
        """Read the log anew if somebody was forgotten since: it knows their answer under another name."""
        if self.store.forgotten({answer.contact for answer in self._answers.values()}):
            with self._lock:
                self._read, self._load, self._answers, self._facts = 0, Load(), {}, {}

    def _catch_up(self) -> tuple[Sequence[Response], Load, _Values]:
        """Read what is new; give the answers that have no decision, what was decided, and what answers have."""
        read = list(self.store.entries(kinds=_KINDS, after=self._read))
        with self._lock:
            new = [entry for entry in read if entry.position > self._read]  # another thread may have been faster
            self._read = new[-1].position if new else self._read
            self._load = self._load.after([entry.event for entry in new])
            for entry in new:
                self._note(entry.event)
            self._answers = {each: answer for each, answer in self._answers.items() if not self._is_decided(each)}
            return tuple(self._answers.values()), self._load, self._seen.values

    def _is_decided(self, response: str) -> bool:
        """Say whether the log has a decision of every policy about an answer."""
        return all(self._load.is_decided(policy.name, response) for policy in self.policies)

    def _note(self, event: Event) -> None:
        if isinstance(event, Coded):
            self._facts.setdefault(event.response, {}).setdefault("theme", event.code)
        elif isinstance(event, Responded) and event.response.survey == self.survey.key:
            self._answers[event.response.id] = event.response
            self._seen.add(event.response.snapshot)

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
