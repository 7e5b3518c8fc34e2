"""Follow-up policies that others use, and the conditions of which they are made."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from ._capacity import Priority
from ._conditions import Condition, field
from ._follow_up import FollowUp

__all__ = [
    "DETRACTORS",
    "LEVER_SCORES",
    "PROMOTERS",
    "WITH_COMMENT",
    "asked_for_contact",
    "every_detractor",
    "high_value_low_score",
    "promoter_referrals",
    "sendgrid",
]

#: Those who gave 0 to 6.
DETRACTORS: Condition = field("rating") <= 6
#: Those who gave 9 or 10.
PROMOTERS: Condition = field("rating") >= 9
#: Those who are one point short of the next group: they gave 6 or 8.
LEVER_SCORES: Condition = field("rating").is_in(6, 8)
#: Those who wrote something.
WITH_COMMENT: Condition = field("has_comment") == True  # noqa: E712 -- a condition, not a truth
_LARGE, _PAYING = field("tier") == "large", field("plan") == "paid"


def asked_for_contact(driver: str = "contact_me", answer: str | int = "yes") -> Condition:
    """Make the condition that somebody asked to be called.

    Parameters
    ----------
    driver : str, default "contact_me"
        The key of the question that asks whether they want to be.
    answer : str or int, default "yes"
        The answer that says so.

    Returns
    -------
    Condition

    Examples
    --------
    >>> asked_for_contact() | DETRACTORS
    (field("contact_me") == "yes") | (field("rating") <= 6)
    """
    return field(driver) == answer


def high_value_low_score(value: str) -> Priority:
    """Make the priority of those who are worth much and gave little: 10 less the rating, times their value.

    Parameters
    ----------
    value : str
        The kept attribute that says what they are worth, such as their yearly revenue.

    Returns
    -------
    Priority

    Examples
    --------
    >>> first = high_value_low_score("revenue")
    >>> first.of({"rating": 2, "revenue": 1000}), first.of({"rating": 9, "revenue": 1000})
    (8000.0, 1000.0)
    """
    return Priority((field("rating"), -1), start=10, times=field(value))


def sendgrid(
    *,
    large: Condition = _LARGE,
    paying: Condition = _PAYING,
    name: str = "sendgrid",
    **options: Any,
) -> FollowUp:
    """Make the policy of SendGrid: all large accounts, and paying customers who gave 8, 6, 2, 1 or 0, within 48 hours.

    Parameters
    ----------
    large : Condition, default ``field("tier") == "large"``
        Who is a large account.
    paying : Condition, default ``field("plan") == "paid"``
        Who is a paying customer.
    name : str, default "sendgrid"
        What the policy is called.
    **options
        Anything else of `FollowUp`.

    Returns
    -------
    FollowUp

    Examples
    --------
    >>> sendgrid(large=field("seats") > 500, owner=field("account_owner")).where
    (field("seats") > 500) | ((field("plan") == "paid") & field("rating").is_in(8, 6, 2, 1, 0))
    """
    return FollowUp(large | (paying & field("rating").is_in(8, 6, 2, 1, 0)), name=name, **options)


def every_detractor(*, name: str = "every-detractor", **options: Any) -> FollowUp:
    """Make the policy that calls everybody who gave 0 to 6, within 48 hours.

    Parameters
    ----------
    name : str, default "every-detractor"
        What the policy is called.
    **options
        Anything else of `FollowUp`.

    Returns
    -------
    FollowUp

    Examples
    --------
    >>> every_detractor(owner="ann").where
    field("rating") <= 6
    """
    return FollowUp(DETRACTORS, name=name, **options)


def promoter_referrals(
    *, within: Any = timedelta(days=14), name: str = "promoter-referrals", **options: Any
) -> FollowUp:
    """Make the policy that thanks everybody who gave 9 or 10, and asks for a referral or a review, within two weeks.

    Parameters
    ----------
    within : timedelta, Within, SameDay or several of these, default 14 days
        What is promised.
    name : str, default "promoter-referrals"
        What the policy is called.
    **options
        Anything else of `FollowUp`.

    Returns
    -------
    FollowUp

    Examples
    --------
    >>> promoter_referrals().where
    field("rating") >= 9
    """
    return FollowUp(PROMOTERS, within=within, name=name, **options)
