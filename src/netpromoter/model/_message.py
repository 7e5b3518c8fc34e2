"""One message to one person, and what a channel says about it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import attrs
from attrs.validators import optional

from netpromoter._checks import refusal

from ._columns import Value
from ._fields import (
    address,
    at_instant,
    fingerprint,
    flag,
    hidden,
    hidden_texts,
    positive,
    probability,
    small,
    text,
    values,
    wait,
    wording,
)
from ._ids import joined
from ._survey import SurveyKind, survey_kind

__all__ = ["RENDERED", "Message", "Receipt", "message_id"]

_joined = lru_cache(maxsize=4_096, typed=True)(joined)  # a message is asked for its id at each step of its way

#: Marks a field that is filled in just before sending, and is never stored.
RENDERED: Mapping[str, bool] = {"rendered": True}


def message_id(survey: str, occasion: str, contact: str, step: int, attempt: int) -> str:
    """Give the id of a message, which tells it from every other.

    Parameters
    ----------
    survey, occasion, contact : str
        As in `Message`.
    step, attempt : int
        As in `Message`.

    Returns
    -------
    str
        The five parts, joined by slashes; characters other than letters, digits and ``_.-~`` are percent-encoded, so
        that no other parts give the same id.

    Examples
    --------
    >>> message_id("relationship", "2026/autumn", "c-1", 0, 0)
    'relationship/2026%2Fautumn/c-1/0/0'
    """
    return _joined(survey, occasion, contact, step, attempt)


@attrs.frozen(kw_only=True)
class Message:
    """One message to one person.

    It is identified by survey, occasion, contact, step and attempt alone: who decides the same thing twice decides one
    message.

    Parameters
    ----------
    survey : str
        The key of the survey.
    kind : {"relationship", "transactional", "employee"}, default "relationship"
        The kind of the survey.
    revision : int, default 1
        The revision of the survey, from 1.
    occasion : str
        For what the person is asked: the name of the wave, the id of the event that triggered it, or in a continuous
        survey the ordinal of this person's asks.
    contact : str
        The id of the person.
    step : int
        0 for the invitation, 1 for the first reminder, and so on.
    attempt : int, default 0
        0, and one more for each time that this step was recorded as not delivered, never after an outcome that is not
        known; after a permanent failure it goes to another destination.
    channel : str
        The name of the channel that carries it.
    to : str
        The address; blanks around it are left out. Never shown.
    destination : int, default 0
        The fingerprint of the address, by which clocks know it; 0 if it is not known.
    due : datetime
        When it may leave: with a time zone, kept in UTC.
    template : str, default "invitation"
        The name of the text.
    subject : str, optional
        The subject; None if the template has it.
    arm : str, optional
        The variant that was drawn for the person; None if there are none.
    locale, time_zone : str, optional
        As in `Contact`.
    stratum : str, optional
        The stratum of the audience from which the person was drawn; None if there is none.
    probability : float, optional
        With which probability the person was to be drawn, above 0 and up to 1: the product of all random stages. None
        if it is not known here: a reminder belongs to the draw of its invitation.
    snapshot : mapping of str to `Value`, default {}
        The attributes of the person that are kept with the message.
    text, html : str, optional
        The words, once it is rendered for a channel: as plain text, and as HTML where there is any. Never shown, and
        never stored: `to_dict` leaves them out.
    headers : mapping of str to str, default {}
        What a channel of mail adds to the head, such as List-Unsubscribe. Never shown and never stored.

    Raises
    ------
    InvalidArgument
        If a field breaks its rule; a refused address is not shown.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> message = Message(
    ...     survey="relationship", occasion="autumn", contact="c-1", step=1, channel="email", to="ann@example.com",
    ...     due=datetime(2026, 6, 1, 8, tzinfo=UTC),
    ... )
    >>> message.id
    'relationship/autumn/c-1/1/0'
    """

    survey: str = attrs.field(validator=text)
    kind: SurveyKind = attrs.field(default="relationship", validator=survey_kind)
    revision: int = attrs.field(default=1, validator=positive)
    occasion: str = attrs.field(validator=text)
    contact: str = attrs.field(validator=text)
    step: int = attrs.field(validator=small)
    attempt: int = attrs.field(default=0, validator=small)
    channel: str = attrs.field(validator=text)
    to: str = attrs.field(validator=address, repr=False)
    destination: int = attrs.field(default=0, validator=fingerprint)
    due: datetime = attrs.field(validator=at_instant)
    template: str = attrs.field(default="invitation", validator=text)
    subject: str | None = attrs.field(default=None, validator=optional(text))
    arm: str | None = attrs.field(default=None, validator=optional(text))
    locale: str | None = attrs.field(default=None, validator=optional(text))
    time_zone: str | None = attrs.field(default=None, validator=optional(text))
    stratum: str | None = attrs.field(default=None, validator=optional(text))
    probability: float | None = attrs.field(default=None, validator=optional(probability))
    snapshot: Mapping[str, Value] = attrs.field(factory=dict, validator=values, hash=False)
    text: str | None = attrs.field(default=None, validator=optional(hidden), repr=False, metadata=RENDERED)
    html: str | None = attrs.field(default=None, validator=optional(hidden), repr=False, metadata=RENDERED)
    headers: Mapping[str, str] = attrs.field(
        factory=dict, validator=hidden_texts, repr=False, hash=False, metadata=RENDERED
    )

    @property
    def id(self) -> str:
        """The id of this message: survey, occasion, contact, step and attempt."""
        return message_id(self.survey, self.occasion, self.contact, self.step, self.attempt)


def _id(message: Any) -> str:
    if not isinstance(message, Message):
        raise refusal("message", "a Message", message)
    return message.id


@attrs.frozen(kw_only=True)
class Receipt:
    """What a channel says about a message that it was given.

    Parameters
    ----------
    message : str
        The id of the message.
    accepted : bool
        Whether the channel took it.
    reference : str, default ""
        What the channel calls the message.
    reason : str, default ""
        Why it was refused.
    permanent : bool, default False
        Whether the address will refuse every other message too.
    retry_after : timedelta, optional
        How long to wait before the next attempt, up to a century; None if the channel does not say.

    Raises
    ------
    InvalidArgument
        If a field breaks its rule.

    Examples
    --------
    >>> Receipt(message="relationship/autumn/c-1/0/0", accepted=False, reason="mailbox full").permanent
    False
    """

    @classmethod
    def sent(cls, message: Message, reference: str = "") -> Receipt:
        """Say that the channel took a message, and what it calls it."""
        return cls(message=_id(message), accepted=True, reference=reference)

    @classmethod
    def failed(
        cls, message: Message, reason: str, *, permanent: bool = False, retry_after: timedelta | None = None
    ) -> Receipt:
        """Say that the channel refused a message, and why."""
        return cls(message=_id(message), accepted=False, reason=reason, permanent=permanent, retry_after=retry_after)

    message: str = attrs.field(validator=text)
    accepted: bool = attrs.field(validator=flag)
    reference: str = attrs.field(default="", validator=wording)
    reason: str = attrs.field(default="", validator=wording)
    permanent: bool = attrs.field(default=False, validator=flag)
    retry_after: timedelta | None = attrs.field(default=None, validator=optional(wait))
