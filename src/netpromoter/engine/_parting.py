"""What is written of somebody who is about to be forgotten, while it is known who it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import attrs

from netpromoter.model import (
    Case,
    CaseAlerted,
    CaseMoved,
    CaseNoted,
    CaseOpened,
    CaseStatus,
    Event,
    FollowUpDecided,
    OptedIn,
    OptedOut,
    Responded,
    Scheduled,
)
from netpromoter.rules import FollowUp

__all__ = ["parting"]

_OF_CASES = (CaseOpened, CaseMoved, CaseNoted, CaseAlerted)
#: From where no case can be closed at once, and by which way it is.
_WAYS: dict[CaseStatus, CaseStatus] = {"attempted": "unreachable", "contacted": "resolved"}


def parting(
    log: Sequence[Event], contact: str, *, survey: str, policies: Sequence[FollowUp], at: datetime
) -> list[Event]:
    """Give what ends the story of somebody: nobody writes to them or calls them any more.

    Parameters
    ----------
    log : sequence of event
        All that is known of the person.
    contact : str
        Who it is.
    survey : str
        On answers to which survey the policies decide.
    policies : sequence of FollowUp
        What decides whether somebody calls.
    at : datetime
        Now, aware.

    Returns
    -------
    list of event
        An opt-out for each address, a decision on each answer that has none, and the end of each open case.
    """
    return [*_opt_outs(log, contact, at), *_decisions(log, survey, policies, at), *_ends(log, at)]


def _opt_outs(log: Sequence[Event], contact: str, at: datetime) -> Iterator[OptedOut]:
    """Opt out at each address; a clock that is behind does so when the person last opted in."""
    reached = {event.message.destination for event in log if isinstance(event, Scheduled)} - {0}
    last = max((event.at for event in log if isinstance(event, OptedIn)), default=at)
    return (OptedOut(contact=contact, at=max(at, last), destination=each) for each in sorted(reached))


def _decisions(
    log: Sequence[Event], survey: str, policies: Sequence[FollowUp], at: datetime
) -> Iterator[FollowUpDecided]:
    decided = {(event.response, event.policy) for event in log if isinstance(event, FollowUpDecided)}
    answers = [event.response for event in log if isinstance(event, Responded) and event.response.survey == survey]
    for answer in answers:
        for policy in policies:
            if (answer.id, policy.name) not in decided:
                facts: dict[str, Any] = {"decision": "not selected", "reason": "was forgotten"}
                yield FollowUpDecided(
                    response=answer.id, policy=policy.name, policy_version=policy.version, at=at, **facts
                )


def _ends(log: Sequence[Event], at: datetime) -> Iterator[CaseMoved]:
    cases: dict[str, list[Any]] = {}
    for event in log:
        if isinstance(event, CaseOpened):
            cases[event.case] = []
        if isinstance(event, _OF_CASES) and event.case in cases:
            cases[event.case].append(event)
    for events in cases.values():
        yield from _end(Case.of(events), at)


def _end(case: Case, at: datetime) -> Iterator[CaseMoved]:
    """Close a case; a clock that is behind closes it when it last moved."""
    last = case.moves[-1].at if case.moves else case.opened.at
    while case.is_open:
        to = _WAYS.get(case.status, "closed")
        settled = {} if case.resolution or to == "unreachable" else {"resolution": "no action"}
        moved = case.move(to, by="forget", at=max(at, last), **settled)
        case = attrs.evolve(case, moves=(*case.moves, moved))
        yield moved
