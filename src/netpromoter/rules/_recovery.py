"""Asking detractors again, to see whether they were won back."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import attrs

from netpromoter._checks import checked, refusal

from ._cadence import Trigger
from ._clocks import QuietPeriod

__all__ = ["Recovery"]


def _span(name: str, value: Any) -> None:
    if not isinstance(value, timedelta) or value <= timedelta(0):
        raise refusal(name, "a span above zero", value)


@attrs.frozen(kw_only=True)
class Recovery:
    """Detractors are asked again, whether they were called or held out.

    No `QuietPeriod` keeps them from it; the guard of 24 hours, opt-outs, caps and the send window do. What they answer
    is in no score: see `netpromoter.engine.Program.recovery_program`.

    Parameters
    ----------
    after : timedelta, default 21 days
        How long after the instant until which they were to be called.
    until : timedelta, default 30 days
        The end: who could not be asked by then, is not.

    Raises
    ------
    InvalidArgument
        If a span is not above zero, or the end is not after the beginning.

    Examples
    --------
    >>> Recovery().trigger("relationship")
    Trigger(touchpoint='recovery of relationship', delay=..., within=datetime.timedelta(days=9), not_before=None)
    """

    after: timedelta = attrs.field(default=timedelta(days=21), validator=checked(_span))
    until: timedelta = attrs.field(default=timedelta(days=30), validator=checked(_span))

    def __attrs_post_init__(self) -> None:
        if self.until <= self.after:
            raise refusal("until", f"longer than after, {self.after}", self.until)

    @staticmethod
    def touchpoint(survey: str) -> str:
        """Name what happened to those who are to be asked again."""
        return f"recovery of {survey}"

    def trigger(self, survey: str) -> Trigger:
        """Give the cadence of asking those again who answered a survey."""
        return Trigger(self.touchpoint(survey), delay=self.after, within=self.until - self.after)

    @staticmethod
    def rules(rules: Iterable[Any]) -> tuple[Any, ...]:
        """Give those of some rules that hold here too."""
        return tuple(rule for rule in rules if not isinstance(rule, QuietPeriod))
