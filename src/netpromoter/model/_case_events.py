"""What happens after an answer: decisions about following up, and the life of a case."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Any, Literal, TypeAlias, get_args

import attrs
from attrs.validators import optional

from netpromoter._checks import refusal

from ._fields import at_instant, hidden, natural, option, positive, settled, stamp, text, wording
from ._ids import joined
from ._response import rating_given

__all__ = [
    "Alert",
    "CaseAlerted",
    "CaseMoved",
    "CaseNoted",
    "CaseOpened",
    "CaseStatus",
    "Deadline",
    "FollowUpDecided",
    "FollowUpDecision",
    "Promise",
    "Resolution",
]

#: What was decided about an answer.
FollowUpDecision: TypeAlias = Literal["selected", "held out", "over capacity", "not selected"]
#: What is promised of a case: a first attempt to reach the person, that the person is reached, that it is closed.
Promise: TypeAlias = Literal["attempt", "contact", "close"]
#: What is told of a promise that is not kept yet: it is due soon, it is overdue, somebody else must know.
Alert: TypeAlias = Literal["due", "overdue", "escalated"]
#: Where a case stands.
CaseStatus: TypeAlias = Literal[
    "new",
    "assigned",
    "attempted",
    "contacted",
    "resolved",
    "closed",
    "escalated",
    "unreachable",
    "declined",
    "reopened",
]
#: What came of a case, apart from where it stands.
Resolution: TypeAlias = Literal["recovered", "acknowledged", "not recoverable", "duplicate", "no action"]


def _priority(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise refusal(name, "a finite number", value)
    return float(value)


def _case(name: str, value: Any) -> str:
    if isinstance(value, str) and len(value.split("/")) == len(("survey", "occasion", "contact", "policy")):
        return value
    raise refusal(name, "the id of a case: survey, occasion, contact and policy, joined by slashes", value)


case_id = settled(_case)


@attrs.frozen(kw_only=True)
class Deadline:
    """Until when a promise is to be kept, and when somebody is told that it is not kept yet.

    Parameters
    ----------
    promise : {"attempt", "contact", "close"}
        What was promised.
    due : datetime
        Until when: with a time zone, kept in UTC.
    notice : datetime, optional
        When the owner is told that it is due; None for never.
    escalation : datetime, optional
        When somebody else is told; None for never.

    Raises
    ------
    InvalidArgument
        If a field breaks its rule.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> Deadline(promise="attempt", due=datetime(2026, 6, 4, 8, tzinfo=UTC)).alerts
    {'overdue': datetime.datetime(2026, 6, 4, 8, 0, tzinfo=datetime.timezone.utc)}
    """

    promise: Promise = attrs.field(validator=option(get_args(Promise)))
    due: datetime = attrs.field(validator=at_instant)
    notice: datetime | None = attrs.field(default=None, validator=optional(at_instant))
    escalation: datetime | None = attrs.field(default=None, validator=optional(at_instant))

    @property
    def alerts(self) -> dict[Alert, datetime]:
        """What there is to tell, and when."""
        found: dict[Alert, datetime | None] = {"due": self.notice, "overdue": self.due, "escalated": self.escalation}
        return {alert: at for alert, at in found.items() if at is not None}


def _deadlines(name: str, value: Any) -> tuple[Deadline, ...]:
    if not isinstance(value, tuple | list) or not all(isinstance(each, Deadline) for each in value):
        raise refusal(name, "a tuple of Deadline", value)
    promises = [each.promise for each in value]
    if len(set(promises)) < len(promises):
        raise refusal(name, "of different promises", promises)
    return tuple(value)


@attrs.frozen(kw_only=True)
class FollowUpDecided:
    """A policy decided whether an answer is followed up.

    Parameters
    ----------
    response : str
        The id of the answer.
    policy : str
        The name of the policy.
    policy_version : int, default 1
        Its version, from 1.
    decision : {"selected", "held out", "over capacity", "not selected"}
        What was decided.
    reason : str
        Why.
    at : datetime
        When: with a time zone, kept in UTC.

    Raises
    ------
    InvalidArgument
        If a field breaks its rule.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> at = datetime(2026, 6, 3, tzinfo=UTC)
    >>> FollowUpDecided(
    ...     response="relationship/autumn/c-1/0", policy="recover", decision="selected", reason="rating is 2", at=at
    ... ).id
    'follow_up_decided/relationship/autumn/c-1/0/recover'
    """

    response: str = attrs.field(validator=text)
    policy: str = attrs.field(validator=text)
    policy_version: int = attrs.field(default=1, validator=positive)
    decision: FollowUpDecision = attrs.field(validator=option(get_args(FollowUpDecision)))
    reason: str = attrs.field(validator=wording)
    at: datetime = attrs.field(validator=at_instant)

    @property
    def id(self) -> str:
        """The id of this event: each policy decides once about each answer."""
        return f"follow_up_decided/{self.response}/{joined(self.policy)}"


@attrs.frozen(kw_only=True)
class CaseOpened:
    """Somebody is to be called.

    Parameters
    ----------
    survey, occasion, contact, policy : str
        What tells the case from others: a policy opens one for each person and occasion.
    policy_version : int, default 1
        The version of the policy.
    ordinal : int, default 0
        That of the answer.
    rating : int
        From 0 to 10.
    owner : str, optional
        Who is to call; None if nobody could be found.
    priority : float, default 0
        The higher, the sooner.
    deadlines : tuple of Deadline, default ()
        What is promised, and until when.
    at : datetime
        When: with a time zone, kept in UTC.

    Raises
    ------
    InvalidArgument
        If a field breaks its rule.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> at = datetime(2026, 6, 3, tzinfo=UTC)
    >>> opened = CaseOpened(
    ...     survey="relationship", occasion="autumn", contact="c-1", policy="recover", rating=2, at=at
    ... )
    >>> opened.case, opened.response
    ('relationship/autumn/c-1/recover', 'relationship/autumn/c-1/0')
    """

    survey: str = attrs.field(validator=text)
    occasion: str = attrs.field(validator=text)
    contact: str = attrs.field(validator=text)
    policy: str = attrs.field(validator=text)
    policy_version: int = attrs.field(default=1, validator=positive)
    ordinal: int = attrs.field(default=0, validator=natural)
    rating: int = attrs.field(converter=rating_given)
    owner: str | None = attrs.field(default=None, validator=optional(text))
    priority: float = attrs.field(default=0.0, validator=settled(_priority))
    deadlines: tuple[Deadline, ...] = attrs.field(default=(), validator=settled(_deadlines))
    at: datetime = attrs.field(validator=at_instant)

    @property
    def case(self) -> str:
        """The id of the case."""
        return joined(self.survey, self.occasion, self.contact, self.policy)

    @property
    def response(self) -> str:
        """The id of the answer."""
        return joined(self.survey, self.occasion, self.contact, self.ordinal)

    @property
    def id(self) -> str:
        """The id of this event."""
        return f"case_opened/{self.case}"


@attrs.frozen(kw_only=True)
class CaseMoved:
    """A case stands elsewhere now.

    Parameters
    ----------
    case : str
        The id of the case.
    number : int
        How many moves came before: of two who move a case at once, one alone does.
    to : str
        The status: see `CaseStatus`.
    by : str
        Who moved it.
    at : datetime
        When: with a time zone, kept in UTC.
    owner : str, optional
        Whose it is from now on; None if that does not change.
    resolution : str, optional
        What came of it: see `Resolution`; None if that does not change.
    root_cause : str, optional
        What the conversation showed to be the cause; None if that does not change.
    note : str, optional
        What is to be remembered; None if nothing. Never shown.

    Raises
    ------
    InvalidArgument
        If a field breaks its rule.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> at = datetime(2026, 6, 3, 9, tzinfo=UTC)
    >>> CaseMoved(case="relationship/autumn/c-1/recover", number=0, to="assigned", owner="ann", by="bea", at=at).id
    'case_moved/relationship/autumn/c-1/recover/0'
    """

    case: str = attrs.field(validator=case_id)
    number: int = attrs.field(validator=natural)
    to: CaseStatus = attrs.field(validator=option(get_args(CaseStatus)))
    by: str = attrs.field(validator=text)
    at: datetime = attrs.field(validator=at_instant)
    owner: str | None = attrs.field(default=None, validator=optional(text))
    resolution: Resolution | None = attrs.field(default=None, validator=optional(option(get_args(Resolution))))
    root_cause: str | None = attrs.field(default=None, validator=optional(text))
    note: str | None = attrs.field(default=None, validator=optional(hidden), repr=False)

    @property
    def id(self) -> str:
        """The id of this event."""
        return f"case_moved/{self.case}/{self.number}"


@attrs.frozen(kw_only=True)
class CaseNoted:
    """Somebody noted something about a case.

    Parameters
    ----------
    case : str
        The id of the case.
    number : int, default 0
        How many other notes came before, of the same person at the same instant.
    by : str
        Who.
    note : str or None
        What; None once the person was forgotten. Never shown.
    at : datetime
        When: with a time zone, kept in UTC.

    Raises
    ------
    InvalidArgument
        If a field breaks its rule.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> at = datetime(2026, 6, 3, 9, tzinfo=UTC)
    >>> CaseNoted(case="relationship/autumn/c-1/recover", by="ann", note="On leave until Monday.", at=at).id
    'case_noted/relationship/autumn/c-1/recover/ann/2026-06-03T09%3A00%3A00.000000Z-0'
    """

    case: str = attrs.field(validator=case_id)
    number: int = attrs.field(default=0, validator=natural)
    by: str = attrs.field(validator=text)
    note: str | None = attrs.field(validator=optional(hidden), repr=False)
    at: datetime = attrs.field(validator=at_instant)

    @property
    def id(self) -> str:
        """The id of this event: it holds nothing of the note, since it outlasts it when the person is forgotten."""
        return f"case_noted/{self.case}/{joined(self.by, f'{stamp(self.at)}-{self.number}')}"


@attrs.frozen(kw_only=True)
class CaseAlerted:
    """A promise of a case was not kept yet at an instant at which somebody is to know.

    Parameters
    ----------
    case : str
        The id of the case.
    promise : {"attempt", "contact", "close"}
        Which.
    alert : {"due", "overdue", "escalated"}
        What there was to tell.
    at : datetime
        Since when, and not before the case was opened: with a time zone, kept in UTC.

    Raises
    ------
    InvalidArgument
        If a field breaks its rule.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> at = datetime(2026, 6, 4, 8, tzinfo=UTC)
    >>> CaseAlerted(case="relationship/autumn/c-1/recover", promise="attempt", alert="overdue", at=at).id
    'case_alerted/relationship/autumn/c-1/recover/attempt/overdue'
    """

    case: str = attrs.field(validator=case_id)
    promise: Promise = attrs.field(validator=option(get_args(Promise)))
    alert: Alert = attrs.field(validator=option(get_args(Alert)))
    at: datetime = attrs.field(validator=at_instant)

    @property
    def id(self) -> str:
        """The id of this event: each thing is told once of a promise."""
        return f"case_alerted/{self.case}/{self.promise}/{self.alert}"
