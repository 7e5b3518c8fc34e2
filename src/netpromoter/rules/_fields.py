"""The fields of rules: each is checked in the house's words."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import timedelta
from functools import partial
from typing import Any

from netpromoter._checks import Validator, checked, count, is_number, one_of, refusal
from netpromoter.model import instant, span

from ._conditions import Condition

__all__ = ["condition", "days", "instance_of", "moment", "named", "names", "option", "period", "share", "wait", "whole"]


def option(options: Collection[str]) -> Validator:
    """Make a validator for one of several names."""
    return checked(lambda name, value: one_of(name, value, options))


def instance_of(*kinds: type, rule: str) -> Validator:
    """Make a validator for a value of one of these classes."""
    return checked(partial(_instance, kinds, rule))


def names(name: str, value: Any, *, least: int = 0) -> tuple[str, ...]:
    """Settle one name, or several that differ from one another."""
    given = (value,) if isinstance(value, str) else tuple(value) if isinstance(value, Sequence) else (None,)
    for each in given:
        if not isinstance(each, str) or not each.strip():
            raise refusal(name, "text that is not blank, once or several times", value)
    if len(set(given)) < len(given) or len(given) < least:
        raise refusal(name, f"{'one or more ' * least}different names", value)
    return given


def _instance(kinds: tuple[type, ...], rule: str, name: str, value: Any) -> None:
    if not isinstance(value, kinds):
        raise refusal(name, rule, value)


def _text(name: str, value: Any) -> None:
    if not isinstance(value, str) or not value.strip():
        raise refusal(name, "text that is not blank", value)


def _days(name: str, value: Any) -> None:
    try:
        span(name, None if isinstance(value, bool) else timedelta(days=value))
    except (TypeError, ValueError, OverflowError):
        raise refusal(name, "a number of days, from 0 to a century", value) from None


def _share(name: str, value: Any) -> None:
    if not is_number(value) or not 0 < value <= 1:
        raise refusal(name, "a number above 0, and 1 at most", value)


named = checked(_text)
share = checked(_share)
days = checked(_days)
whole = checked(partial(count, least=1))
moment = checked(instant)
wait = checked(span)
period = checked(partial(span, least=timedelta(microseconds=1)))
condition = instance_of(Condition, rule='a condition such as field("plan") == "paid"')
