"""One answer."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Literal, TypeAlias, get_args

import attrs
from attrs.validators import optional

from netpromoter._checks import shown
from netpromoter.errors import InvalidRating
from netpromoter.ratings import parse

from ._columns import Value
from ._fields import (
    answers,
    at_instant,
    fingerprint,
    hidden,
    natural,
    option,
    positive,
    probability,
    small,
    text,
    values,
)
from ._ids import joined
from ._survey import SurveyKind, survey_kind

__all__ = ["Purpose", "Response", "rating_given"]

#: What an answer is for: the score, or to see whether a person who was lost has been won back.
Purpose: TypeAlias = Literal["score", "recovery"]


def rating_given(value: int) -> int:
    """Read the rating of an answer, which is never missing."""
    found = parse(value)
    if found is None:
        message = f"rating must be a whole number from 0 to 10 (got {shown(value)})"
        raise InvalidRating(message)
    return found


@attrs.frozen(kw_only=True)
class Response:
    """One answer of one person.

    It is identified by survey, occasion, contact and ordinal alone.

    Parameters
    ----------
    survey : str
        The key of the survey.
    kind : {"relationship", "transactional", "employee"}, default "relationship"
        The kind of the survey.
    revision : int, default 1
        The revision of the survey, from 1.
    occasion : str
        For what the person was asked: the name of the wave, the id of the event that triggered it, or in a continuous
        survey the ordinal of this person's asks.
    contact : str
        The id of the person.
    ordinal : int, default 0
        0 for the first answer on this occasion, 1 for the next, which revises it, and so on.
    rating : int
        From 0 to 10; text is read as in `netpromoter.ratings.parse`.
    at : datetime
        When it was given: with a time zone, kept in UTC.
    comment : str, optional
        What the person wrote; None if nothing. Never shown.
    drivers : mapping of str to int or str, default {}
        The answers to the questions beside the rating, by their keys.
    arm : str, optional
        The variant that the person saw; None if there were none.
    step : int, optional
        The step of the message that was answered; None if it is not known.
    channel : str, optional
        The channel by which the answer came; None if it is not known.
    destination : int, default 0
        The fingerprint of the address that was written to; 0 if it is not known.
    stratum : str, optional
        As in `Message`.
    probability : float, optional
        As in `Message`.
    snapshot : mapping of str to `Value`, default {}
        As in `Message`.
    purpose : {"score", "recovery"}, default "score"
        What the answer is for; one for recovery counts in no score unless asked for.

    Raises
    ------
    InvalidArgument
        If a field breaks its rule; a refused comment is not shown.
    InvalidRating
        If the rating is not a whole number from 0 to 10.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> answer = Response(
    ...     survey="relationship", occasion="autumn", contact="c-1", rating=9, at=datetime(2026, 6, 2, tzinfo=UTC)
    ... )
    >>> answer.id
    'relationship/autumn/c-1/0'
    """

    survey: str = attrs.field(validator=text)
    kind: SurveyKind = attrs.field(default="relationship", validator=survey_kind)
    revision: int = attrs.field(default=1, validator=positive)
    occasion: str = attrs.field(validator=text)
    contact: str = attrs.field(validator=text)
    ordinal: int = attrs.field(default=0, validator=natural)
    rating: int = attrs.field(converter=rating_given)
    at: datetime = attrs.field(validator=at_instant)
    comment: str | None = attrs.field(default=None, validator=optional(hidden), repr=False)
    drivers: Mapping[str, int | str] = attrs.field(factory=dict, validator=answers, hash=False)
    arm: str | None = attrs.field(default=None, validator=optional(text))
    step: int | None = attrs.field(default=None, validator=optional(small))
    channel: str | None = attrs.field(default=None, validator=optional(text))
    destination: int = attrs.field(default=0, validator=fingerprint)
    stratum: str | None = attrs.field(default=None, validator=optional(text))
    probability: float | None = attrs.field(default=None, validator=optional(probability))
    snapshot: Mapping[str, Value] = attrs.field(factory=dict, validator=values, hash=False)
    purpose: Purpose = attrs.field(default="score", validator=option(get_args(Purpose)))

    @property
    def id(self) -> str:
        """The id of this answer: survey, occasion, contact and ordinal."""
        return joined(self.survey, self.occasion, self.contact, self.ordinal)
