"""Reminders to those who have not answered."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise
from typing import Any, Literal

import attrs
import numpy as np
import numpy.typing as npt

from netpromoter._checks import refusal
from netpromoter.model import Instants, span

from ._clocks import AtMost
from ._fields import names, period, whole
from ._history import Occasions
from ._holds import FOREVER, Holds
from ._people import People

__all__ = ["Reminders"]

_MOMENT = timedelta(microseconds=1)
_REASONS = "waiting for the next reminder", "all messages sent", "too late for a reminder"


def _spans(value: Any) -> tuple[timedelta, ...]:
    given = tuple(value) if isinstance(value, Sequence) else (value,)
    for each in given:
        span("after", each, least=_MOMENT)
    if any(later <= sooner for sooner, later in pairwise(given)):
        raise refusal("after", "spans that grow", list(given))
    return given


def _templates(value: str | Sequence[str]) -> tuple[str, ...]:
    return names("templates", value, least=1)


@attrs.frozen(kw_only=True)
class Reminders:
    """Who was invited and has not answered is reminded.

    An answer, a decline, an opt-out, a failed address and a switched-off reminder end it; a rating alone is an answer.
    Reminders are exempt from the quiet periods between invitations, never from the 24 hours between two messages nor
    from `AtMost`.

    Parameters
    ----------
    after : timedelta or sequence of timedelta, default 3 and 7 days
        How long after the invitation each reminder is sent. One that leaves late puts off the next, and as long as a
        message has not left there is no next.
    max_messages : int, default 3
        How many messages one person gets, the invitation counted.
    per : "occasion" or timedelta, default "occasion"
        Whether those of one occasion are counted, or all messages of any survey in a rolling window of this length.
    within : timedelta, default 30 days
        How long after the invitation a reminder still makes sense.
    templates : str or sequence of str, default "reminder"
        The template of each reminder; the last one serves all that follow.

    Examples
    --------
    >>> reminders = Reminders(after=[timedelta(days=3), timedelta(days=7)], templates=["first reminder", "last call"])
    >>> reminders.template(2)
    'last call'
    """

    after: Sequence[timedelta] = attrs.field(default=(timedelta(days=3), timedelta(days=7)), converter=_spans)
    max_messages: int = attrs.field(default=3, validator=whole)
    per: timedelta | Literal["occasion"] = attrs.field(default="occasion")
    within: timedelta = attrs.field(default=timedelta(days=30), validator=period)
    templates: Sequence[str] = attrs.field(default="reminder", converter=_templates)

    def __attrs_post_init__(self) -> None:
        if isinstance(self.per, timedelta):
            span("per", self.per, least=_MOMENT)
        elif self.per != "occasion":
            raise refusal("per", '"occasion" or a timedelta', self.per)
        if self.after and self.after[-1] >= self.within:
            raise refusal("within", f"longer than every span in after, {self.after[-1]}", self.within)

    def template(self, step: int) -> str:
        """Name the template of a reminder; the first is step 1."""
        return self.templates[min(step, len(self.templates)) - 1]

    def cap(self, people: People, at: np.datetime64) -> Holds:
        """Hold everybody who has had as many messages as there may be in the window."""
        if not isinstance(self.per, timedelta):
            return Holds(until=np.full(len(people), np.datetime64("NaT", "us")), reasons=("",))
        return AtMost(self.max_messages, per=self.per)(people, at)

    def readiness(self, occasions: Occasions) -> Holds:
        """Say from when on the next reminder of each person may leave; `FOREVER` where there is none."""
        steps = np.array([0, *(np.timedelta64(each, "us") for each in self.after)], "timedelta64[us]")
        following = np.minimum(occasions.step + 1, len(self.after)).astype(np.int64)
        since_last = steps[following] - steps[np.maximum(following - 1, 0)]
        ready = np.maximum(occasions.invited + steps[following], occasions.latest + since_last)
        late = ready >= occasions.invited + np.timedelta64(self.within, "us")
        codes = np.zeros(len(ready), np.int8)
        for code, chosen in ((2, late), (1, occasions.step >= len(self.after))):
            ready[chosen], codes[chosen] = FOREVER, code
        return Holds(until=ready, reasons=_REASONS, codes=codes)

    def ends(self, occasions: Occasions) -> Instants:
        """Say from when on it is too late for a reminder."""
        ends: Instants = occasions.invited + np.timedelta64(self.within, "us")
        return ends

    def spent(self, occasions: Occasions) -> npt.NDArray[np.bool_]:
        """Say whose occasion has had as many messages as it may."""
        most = self.max_messages if self.per == "occasion" else np.iinfo(np.int64).max
        spent: npt.NDArray[np.bool_] = occasions.messages >= most
        return spent
