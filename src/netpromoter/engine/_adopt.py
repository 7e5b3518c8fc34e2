"""Adopting a plan: what was planned is decided once more, on what is known now."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from itertools import chain
from typing import Any

import attrs
import numpy as np

from netpromoter._checks import refusal
from netpromoter.model import Event, Scheduled, Touches, WaveDrawn, instant
from netpromoter.rules import History, Policy

from ._plan import Held, Plan, as_touches, check_plan, planned
from ._planner import Planner

__all__ = ["Adoption", "adopt"]


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Adoption:
    """What became of a plan: events for a log, and those who were dropped since.

    Parameters
    ----------
    plan : Plan
        The part of the plan that stands, with the instants at which its messages leave now.
    dropped : Held
        Those of the first plan who get no message now, each with the reason.
    at : datetime
        The instant of the adoption, in UTC.
    """

    plan: Plan
    dropped: Held
    at: datetime

    def __repr__(self) -> str:
        messages = len(self.plan.invitations) + len(self.plan.reminders)
        return f"Adoption({messages:,} message{'s' * (messages != 1)}, {len(self.dropped):,} dropped)"

    @property
    def events(self) -> list[Scheduled | WaveDrawn]:
        """A `Scheduled` for each message, after a `WaveDrawn` for each stratum."""
        messages = chain(self.plan.invitations, self.plan.reminders)
        return [*self.plan.drawn, *(Scheduled(message=message, at=self.at) for message in messages)]

    def touches(self) -> Touches:
        """Return the messages as a history has them, without making the events."""
        return (self.plan.invitations.touches() + self.plan.reminders.touches()).sorted()


def adopt(plan: Plan, touches: Touches | Iterable[Event], *, at: datetime, policy: Policy | None = None) -> Adoption:
    """Turn a plan into events, by the rules and the history of this instant.

    Whatever has happened since the plan was made counts: who was written to, answered, opted out or bounced is judged
    again and dropped where a rule now holds. So gaps and caps hold at one point, however many plans were made from one
    state of the log. The caller sees to it that no other adoption comes between reading `touches` and storing the
    events.

    Parameters
    ----------
    plan : Plan
        What to adopt.
    touches : Touches or iterable of Event
        What has happened until now; all of it, not only what is new.
    at : datetime
        The instant of the adoption, aware.
    policy : Policy, optional
        The rules in force now, if they are not those of the plan.

    Returns
    -------
    Adoption

    Raises
    ------
    InvalidArgument
        If the policy is of another survey than the plan, or if an argument breaks its rule.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> from netpromoter.engine import plan
    >>> from netpromoter.model import Contact, OptedOut, Survey
    >>> from netpromoter.rules import Policy, Wave
    >>> people = [Contact(id="c-1", addresses={"email": "1@example.com"}),
    ...           Contact(id="c-2", addresses={"email": "2@example.com"})]
    >>> noon = datetime(2026, 3, 2, 12, tzinfo=UTC)
    >>> made = plan(people, [], Policy(survey=Survey("nps"), cadence=Wave("spring"), rules=[]), at=noon)
    >>> adopt(made, [OptedOut(contact="c-2", at=noon)], at=noon)
    Adoption(1 message, 1 dropped)
    """
    check_plan(plan)
    force: Any = plan.policy if policy is None else policy
    if not isinstance(force, Policy) or force.survey.key != plan.policy.survey.key:
        raise refusal("policy", f"a Policy of the survey {plan.policy.survey.key!r}", policy)
    moment = instant("at", at)
    history = History(plan.contacts, as_touches(touches))
    proposed = plan.invitations, plan.reminders
    made = planned(Planner(force, plan.contacts), history, moment, plan.horizon, proposed)
    dropped = np.isin(made.held.positions, np.concatenate([messages.positions for messages in proposed]))
    return Adoption(plan=made, dropped=made.held.where(dropped), at=made.at)
