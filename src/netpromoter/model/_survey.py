"""What is asked."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias, get_args

import attrs
from attrs.validators import optional

from netpromoter._checks import refusal

from ._fields import option, positive, settled, text

__all__ = ["Driver", "Survey", "SurveyKind"]

#: What a survey asks about: a relationship as a whole, one transaction, or an employer.
SurveyKind: TypeAlias = Literal["relationship", "transactional", "employee"]

survey_kind = option(get_args(SurveyKind))


@attrs.frozen(kw_only=True)
class Driver:
    """One question beside the rating.

    Parameters
    ----------
    key : str
        What `Response.drivers` calls it.
    question : str
        Its wording.
    touchpoint : str, optional
        The touchpoint that it asks about; None if about no one in particular.

    Examples
    --------
    >>> Driver(key="speed", question="How fast were we?", touchpoint="delivery")
    Driver(key='speed', question='How fast were we?', touchpoint='delivery')
    """

    key: str = attrs.field(validator=text)
    question: str = attrs.field(validator=text)
    touchpoint: str | None = attrs.field(default=None, validator=optional(text))


def _drivers(name: str, value: Any) -> tuple[Driver, ...]:
    if not isinstance(value, tuple | list) or not all(isinstance(each, Driver) for each in value):
        raise refusal(name, "a tuple of Driver", value)
    keys = [each.key for each in value]
    if len(set(keys)) < len(keys):
        raise refusal(name, "of different keys", keys)
    return tuple(value)


@attrs.frozen
class Survey:
    """What is asked, and of which kind it is.

    Parameters
    ----------
    key : str
        Its identity, a part of every id of its messages and answers; it never changes.
    kind : {"relationship", "transactional", "employee"}, default "relationship"
        What it asks about.
    product : str, optional
        What the question names; None if that is for the template to say.
    revision : int, default 1
        Which wording of its content this is, from 1; stored with messages and answers, and never a part of an id.
    drivers : tuple of Driver, default ()
        The questions beside the rating; no two have one key.
    stands_for : str, optional
        The key of the outcome survey for which this one is a proxy; None if for none.

    Raises
    ------
    InvalidArgument
        If a field breaks its rule.

    Examples
    --------
    >>> Survey("onboarding", kind="transactional", drivers=(Driver(key="speed", question="How fast were we?"),)).key
    'onboarding'
    """

    key: str = attrs.field(validator=text)
    kind: SurveyKind = attrs.field(default="relationship", validator=survey_kind, kw_only=True)
    product: str | None = attrs.field(default=None, validator=optional(text), kw_only=True)
    revision: int = attrs.field(default=1, validator=positive, kw_only=True)
    drivers: tuple[Driver, ...] = attrs.field(default=(), validator=settled(_drivers), kw_only=True)
    stands_for: str | None = attrs.field(default=None, validator=optional(text), kw_only=True)
