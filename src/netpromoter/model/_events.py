"""What has happened: facts that a log keeps, each with an id that tells it from every other."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeAlias

import attrs
from attrs.validators import optional

from ._case_events import CaseAlerted, CaseMoved, CaseNoted, CaseOpened, FollowUpDecided
from ._columns import Value
from ._fields import (
    at_instant,
    fingerprint,
    flag,
    natural,
    of_type,
    probability,
    small,
    stamp,
    text,
    values,
    wording,
)
from ._ids import joined
from ._message import Message
from ._response import Response
from ._survey import SurveyKind, survey_kind

__all__ = [
    "Bounced",
    "Coded",
    "Declined",
    "Event",
    "Failed",
    "OptedIn",
    "OptedOut",
    "Responded",
    "Scheduled",
    "Sending",
    "Sent",
    "Settled",
    "Shown",
    "Triggered",
    "WaveDrawn",
    "Withheld",
]


@attrs.frozen(kw_only=True)
class WaveDrawn:
    """A stratum of a wave was drawn.

    Together they say with which probability anybody came to be asked, which is what a score is weighed by.

    Parameters
    ----------
    survey, occasion : str
        The key of the survey, and the name of the wave.
    stratum : str
        The name of the stratum; no two of a wave have one.
    population : int
        How many people belong to the stratum.
    eligible : int
        How many of them no rule held back.
    drawn : int
        How many were drawn.
    probability : float
        With which probability each was to be drawn, above 0 and up to 1.
    seed : str
        What the draw was made from; who has it can repeat the draw.
    at : datetime
        When: with a time zone, kept in UTC.

    Raises
    ------
    InvalidArgument
        If a field breaks its rule.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> WaveDrawn(
    ...     survey="relationship", occasion="autumn", stratum="free", population=5000, eligible=4800, drawn=480,
    ...     probability=0.1, seed="autumn", at=datetime(2026, 6, 1, tzinfo=UTC),
    ... ).id
    'wave_drawn/relationship/autumn/free/2026-06-01T00%3A00%3A00.000000Z/5000-4800-480'
    """

    survey: str = attrs.field(validator=text)
    occasion: str = attrs.field(validator=text)
    stratum: str = attrs.field(validator=text)
    population: int = attrs.field(validator=natural)
    eligible: int = attrs.field(validator=natural)
    drawn: int = attrs.field(validator=natural)
    probability: float = attrs.field(validator=probability)
    seed: str = attrs.field(validator=wording)
    at: datetime = attrs.field(validator=at_instant)

    @property
    def id(self) -> str:
        """The id of this event; parts of one list may be drawn at one instant, and their counts tell them apart."""
        counts = f"{self.population}-{self.eligible}-{self.drawn}"
        return joined("wave_drawn", self.survey, self.occasion, self.stratum, stamp(self.at), counts)


@attrs.frozen(kw_only=True)
class Triggered:
    """Something happened outside that a survey asks about.

    Parameters
    ----------
    event : str
        The id of what happened, which becomes the occasion.
    touchpoint : str
        What sort of thing it was, such as ``"case closed"``.
    contact : str
        To whom.
    at : datetime
        When: with a time zone, kept in UTC.
    snapshot : mapping of str to `Value`, default {}
        What is known of it, for conditions.

    Raises
    ------
    InvalidArgument
        If a field breaks its rule.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> at = datetime(2026, 6, 1, 8, tzinfo=UTC)
    >>> Triggered(event="case-7", touchpoint="case closed", contact="c-1", at=at).id
    'triggered/case%20closed/case-7/c-1'
    """

    event: str = attrs.field(validator=text)
    touchpoint: str = attrs.field(validator=text)
    contact: str = attrs.field(validator=text)
    at: datetime = attrs.field(validator=at_instant)
    snapshot: Mapping[str, Value] = attrs.field(factory=dict, validator=values, hash=False)

    @property
    def id(self) -> str:
        """The id of this event."""
        return joined("triggered", self.touchpoint, self.event, self.contact)


@attrs.frozen(kw_only=True)
class Scheduled:
    """A message was decided on.

    It is one per message, so that deciding twice decides once.

    Parameters
    ----------
    message : Message
        The message.
    at : datetime
        When it was decided: with a time zone, kept in UTC. When it may leave, the message says.

    Raises
    ------
    InvalidArgument
        If a field breaks its rule.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> at = datetime(2026, 6, 1, 8, tzinfo=UTC)
    >>> message = Message(
    ...     survey="relationship", occasion="autumn", contact="c-1", step=0, channel="email", to="a@example.com", due=at
    ... )
    >>> Scheduled(message=message, at=at).id
    'scheduled/relationship/autumn/c-1/0/0'
    """

    message: Message = attrs.field(validator=of_type(Message))
    at: datetime = attrs.field(validator=at_instant)

    @property
    def id(self) -> str:
        """The id of this event."""
        return f"scheduled/{self.message.id}"


@attrs.frozen(kw_only=True)
class Sending:
    """A worker has taken a message, and is about to hand it to a channel.

    Where no outcome follows before `until`, nobody knows whether the message was sent.

    Parameters
    ----------
    message : str
        The id of the message.
    worker : str
        Who has taken it.
    at, until : datetime
        When, and the end of the lease: with a time zone, kept in UTC.
    turn : int, default 0
        How often it was taken before. Only a channel that recognizes a message which it has had already is given one
        again.

    Raises
    ------
    InvalidArgument
        If a field breaks its rule.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> at, until = datetime(2026, 6, 1, 8, tzinfo=UTC), datetime(2026, 6, 1, 8, 15, tzinfo=UTC)
    >>> Sending(message="relationship/autumn/c-1/0/0", worker="w-1", at=at, until=until).id
    'sending/relationship/autumn/c-1/0/0/0'
    """

    message: str = attrs.field(validator=text)
    worker: str = attrs.field(validator=text)
    at: datetime = attrs.field(validator=at_instant)
    until: datetime = attrs.field(validator=at_instant)
    turn: int = attrs.field(default=0, validator=small)

    @property
    def id(self) -> str:
        """The id of this event: of those who take a message at one turn, one alone gets it."""
        return f"sending/{self.message}/{self.turn}"


@attrs.frozen(kw_only=True)
class Sent:
    """A channel took a message.

    Parameters
    ----------
    message : str
        The id of the message.
    at : datetime
        When: with a time zone, kept in UTC.
    reference : str, default ""
        What the channel calls the message.

    Raises
    ------
    InvalidArgument
        If a field breaks its rule.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> Sent(message="relationship/autumn/c-1/0/0", at=datetime(2026, 6, 1, 8, tzinfo=UTC)).id
    'sent/relationship/autumn/c-1/0/0'
    """

    message: str = attrs.field(validator=text)
    at: datetime = attrs.field(validator=at_instant)
    reference: str = attrs.field(default="", validator=wording)

    @property
    def id(self) -> str:
        """The id of this event."""
        return f"sent/{self.message}"


@attrs.frozen(kw_only=True)
class Failed:
    """A channel refused a message.

    Parameters
    ----------
    message : str
        The id of the message.
    at : datetime
        When: with a time zone, kept in UTC.
    reason : str
        Why.
    permanent : bool
        Whether the address will refuse every other message too.

    Raises
    ------
    InvalidArgument
        If a field breaks its rule.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> at = datetime(2026, 6, 1, 8, tzinfo=UTC)
    >>> Failed(message="relationship/autumn/c-1/0/0", at=at, reason="no such mailbox", permanent=True).id
    'failed/relationship/autumn/c-1/0/0'
    """

    message: str = attrs.field(validator=text)
    at: datetime = attrs.field(validator=at_instant)
    reason: str = attrs.field(validator=wording)
    permanent: bool = attrs.field(validator=flag)

    @property
    def id(self) -> str:
        """The id of this event."""
        return f"failed/{self.message}"


@attrs.frozen(kw_only=True)
class Withheld:
    """A message that was decided on is not sent after all.

    Parameters
    ----------
    message : str
        The id of the message.
    at : datetime
        When: with a time zone, kept in UTC.
    reason : str
        Why, such as "opted out".

    Raises
    ------
    InvalidArgument
        If a field breaks its rule.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> at = datetime(2026, 6, 1, 8, tzinfo=UTC)
    >>> Withheld(message="relationship/autumn/c-1/0/0", at=at, reason="opted out").id
    'withheld/relationship/autumn/c-1/0/0'
    """

    message: str = attrs.field(validator=text)
    at: datetime = attrs.field(validator=at_instant)
    reason: str = attrs.field(validator=wording)

    @property
    def id(self) -> str:
        """The id of this event."""
        return f"withheld/{self.message}"


@attrs.frozen(kw_only=True)
class Settled:
    """Somebody found out what became of a message whose outcome nobody had recorded.

    Parameters
    ----------
    message : str
        The id of the message.
    at : datetime
        When: with a time zone, kept in UTC.
    delivered : bool
        Whether it had been sent.

    Raises
    ------
    InvalidArgument
        If a field breaks its rule.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> at = datetime(2026, 6, 1, 8, tzinfo=UTC)
    >>> Settled(message="relationship/autumn/c-1/0/0", at=at, delivered=True).id
    'settled/relationship/autumn/c-1/0/0'
    """

    message: str = attrs.field(validator=text)
    at: datetime = attrs.field(validator=at_instant)
    delivered: bool = attrs.field(validator=flag)

    @property
    def id(self) -> str:
        """The id of this event."""
        return f"settled/{self.message}"


@attrs.frozen(kw_only=True)
class Shown:
    """A person saw a survey.

    Parameters
    ----------
    survey : str
        The key of the survey.
    kind : {"relationship", "transactional", "employee"}, default "relationship"
        The kind of the survey.
    occasion, contact : str
        As in `Message`.
    at : datetime
        When: with a time zone, kept in UTC.
    channel : str, optional
        Where; None if it is not known.

    Raises
    ------
    InvalidArgument
        If a field breaks its rule.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> at = datetime(2026, 6, 1, 8, tzinfo=UTC)
    >>> Shown(survey="relationship", occasion="autumn", contact="c-1", at=at, channel="web").id
    'shown/relationship/autumn/c-1/web/2026-06-01T08%3A00%3A00.000000Z'
    """

    survey: str = attrs.field(validator=text)
    kind: SurveyKind = attrs.field(default="relationship", validator=survey_kind)
    occasion: str = attrs.field(validator=text)
    contact: str = attrs.field(validator=text)
    at: datetime = attrs.field(validator=at_instant)
    channel: str | None = attrs.field(default=None, validator=optional(text))

    @property
    def id(self) -> str:
        """The id of this event."""
        return joined("shown", self.survey, self.occasion, self.contact, self.channel or "", stamp(self.at))


@attrs.frozen(kw_only=True)
class Responded:
    """A person answered.

    Parameters
    ----------
    response : Response
        The answer.
    at : datetime, optional
        When it was received: with a time zone, kept in UTC; when it was given if not said.

    Raises
    ------
    InvalidArgument
        If a field breaks its rule.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> answer = Response(
    ...     survey="relationship", occasion="autumn", contact="c-1", rating=9, at=datetime(2026, 6, 2, tzinfo=UTC)
    ... )
    >>> Responded(response=answer).id
    'responded/relationship/autumn/c-1/0'
    """

    response: Response = attrs.field(validator=of_type(Response))
    at: datetime = attrs.field(validator=at_instant)

    @at.default
    def _(self) -> Any:
        return getattr(self.response, "at", None)  # what is no answer is refused by its validator

    @property
    def id(self) -> str:
        """The id of this event."""
        return f"responded/{self.response.id}"


@attrs.frozen(kw_only=True)
class Declined:
    """A person said that they will not answer.

    Parameters
    ----------
    survey : str
        The key of the survey.
    kind : {"relationship", "transactional", "employee"}, default "relationship"
        The kind of the survey.
    occasion, contact : str
        As in `Message`.
    at : datetime
        When: with a time zone, kept in UTC.

    Raises
    ------
    InvalidArgument
        If a field breaks its rule.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> at = datetime(2026, 6, 2, tzinfo=UTC)
    >>> Declined(survey="relationship", occasion="autumn", contact="c-1", at=at).id
    'declined/relationship/autumn/c-1'
    """

    survey: str = attrs.field(validator=text)
    kind: SurveyKind = attrs.field(default="relationship", validator=survey_kind)
    occasion: str = attrs.field(validator=text)
    contact: str = attrs.field(validator=text)
    at: datetime = attrs.field(validator=at_instant)

    @property
    def id(self) -> str:
        """The id of this event."""
        return joined("declined", self.survey, self.occasion, self.contact)


@attrs.frozen(kw_only=True)
class OptedOut:
    """A person asked not to be written to.

    Parameters
    ----------
    contact : str
        The id of the person.
    at : datetime
        When: with a time zone, kept in UTC.
    reminders_only : bool, default False
        Whether invitations may still come.
    destination : int, default 0
        The fingerprint of the address at which no more is wanted; 0 if it is not known.

    Raises
    ------
    InvalidArgument
        If a field breaks its rule.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> OptedOut(contact="c-1", at=datetime(2026, 6, 2, tzinfo=UTC)).id
    'opted_out/c-1/0/all/2026-06-02T00%3A00%3A00.000000Z'
    """

    contact: str = attrs.field(validator=text)
    at: datetime = attrs.field(validator=at_instant)
    reminders_only: bool = attrs.field(default=False, validator=flag)
    destination: int = attrs.field(default=0, validator=fingerprint)

    @property
    def id(self) -> str:
        """The id of this event."""
        what = "reminders" if self.reminders_only else "all"
        return joined("opted_out", self.contact, self.destination, what, stamp(self.at))


@attrs.frozen(kw_only=True)
class OptedIn:
    """A person may be written to again.

    Parameters
    ----------
    contact : str
        The id of the person.
    at : datetime
        When: with a time zone, kept in UTC.
    destination : int, default 0
        The fingerprint of the address at which messages are wanted again; 0 if it is not known.

    Raises
    ------
    InvalidArgument
        If a field breaks its rule.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> OptedIn(contact="c-1", at=datetime(2026, 6, 3, tzinfo=UTC)).id
    'opted_in/c-1/0/2026-06-03T00%3A00%3A00.000000Z'
    """

    contact: str = attrs.field(validator=text)
    at: datetime = attrs.field(validator=at_instant)
    destination: int = attrs.field(default=0, validator=fingerprint)

    @property
    def id(self) -> str:
        """The id of this event."""
        return joined("opted_in", self.contact, self.destination, stamp(self.at))


@attrs.frozen(kw_only=True)
class Bounced:
    """A message came back from an address.

    Parameters
    ----------
    contact : str
        The id of the person.
    destination : int
        The fingerprint of the address; 0 if it is not known.
    at : datetime
        When: with a time zone, kept in UTC.
    channel : str, optional
        By which channel; None if it is not known.
    message : str, optional
        The id of the message; None if it is not known.
    reason : str, default ""
        Why.

    Raises
    ------
    InvalidArgument
        If a field breaks its rule.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> Bounced(contact="c-1", destination=7, at=datetime(2026, 6, 2, tzinfo=UTC), channel="email").id
    'bounced/c-1/7/email//2026-06-02T00%3A00%3A00.000000Z'
    """

    contact: str = attrs.field(validator=text)
    destination: int = attrs.field(validator=fingerprint)
    at: datetime = attrs.field(validator=at_instant)
    channel: str | None = attrs.field(default=None, validator=optional(text))
    message: str | None = attrs.field(default=None, validator=optional(text))
    reason: str = attrs.field(default="", validator=wording)

    @property
    def id(self) -> str:
        """The id of this event."""
        what = (self.contact, self.destination, self.channel or "", self.message or "")
        return joined("bounced", *what, stamp(self.at))


@attrs.frozen(kw_only=True)
class Coded:
    """Somebody gave a comment a code.

    Parameters
    ----------
    response : str
        The id of the answer.
    code : str
        What it is about, such as ``"billing"``.
    coder : str
        Who or what says so.
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
    >>> Coded(response="relationship/autumn/c-1/0", code="billing", coder="ann", at=at).id
    'coded/relationship%2Fautumn%2Fc-1%2F0/billing/ann'
    """

    response: str = attrs.field(validator=text)
    code: str = attrs.field(validator=text)
    coder: str = attrs.field(validator=text)
    at: datetime = attrs.field(validator=at_instant)

    @property
    def id(self) -> str:
        """The id of this event."""
        return joined("coded", self.response, self.code, self.coder)


#: Anything that a log keeps.
Event: TypeAlias = (
    WaveDrawn
    | Triggered
    | Scheduled
    | Sending
    | Sent
    | Failed
    | Withheld
    | Settled
    | Shown
    | Responded
    | Declined
    | OptedOut
    | OptedIn
    | Bounced
    | Coded
    | FollowUpDecided
    | CaseOpened
    | CaseMoved
    | CaseNoted
    | CaseAlerted
)
