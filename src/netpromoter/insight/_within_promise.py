"""Whether what was promised of cases was kept in time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Literal, TypeAlias

import attrs

from netpromoter._checks import refusal
from netpromoter._html import table
from netpromoter.model import Case, Deadline, Promise
from netpromoter.stats import Share

from ._measure import Measure

__all__ = ["WithinPromise", "is_duplicate", "within_promise"]

_Standing: TypeAlias = Literal["kept", "late", "unmet", "not_due", "duplicates"]


@attrs.frozen(kw_only=True, repr=False)
class WithinPromise:
    """How often a promise was kept in time, of the cases in which it was due.

    A case enters when its due instant passes, and never leaves: what is kept later was not kept in time. Two are added
    where they are of different cases.

    Parameters
    ----------
    promise : {"attempt", "contact", "close"}
        Which.
    kept : int
        In how many cases by the due instant.
    late, unmet : int
        In how many after it, and in how many not yet.
    not_due : int
        In how many the due instant is still to come, kept or not.
    duplicates : int
        How many were closed as duplicates by the due instant. What is called a duplicate when it is overdue was not
        kept in time.

    Examples
    --------
    >>> found = WithinPromise(promise="attempt", kept=40, late=6, unmet=4, not_due=12)
    >>> found
    attempt within promise, of cases that are due: 80.0% (95% CI 67.0% to 88.8%; 40 of 50);
    6 late, 4 unmet, 12 not due yet
    >>> found.value
    0.8
    """

    promise: Promise
    kept: int = 0
    late: int = 0
    unmet: int = 0
    not_due: int = 0
    duplicates: int = 0

    @property
    def due(self) -> int:
        """In how many cases it was due."""
        return self.kept + self.late + self.unmet

    @property
    def share(self) -> Share:
        """The share of cases in which it was kept in time, of those in which it was due."""
        return Share(count=self.kept, n=self.due)

    @property
    def value(self) -> float | None:
        """That share from 0 to 1; None if it was due in no case."""
        return self.share.value

    @property
    def measure(self) -> Measure:
        """That share with the name of its denominator."""
        return Measure(what=f"{self.promise} within promise", of="cases that are due", share=self.share)

    def __add__(self, other: WithinPromise) -> WithinPromise:
        """Merge what is known of different cases."""
        if not isinstance(other, WithinPromise):
            return NotImplemented
        if other.promise != self.promise:
            raise refusal("other", f"of the same promise, {self.promise!r}", other.promise)
        counts = ("kept", "late", "unmet", "not_due", "duplicates")
        summed = {name: getattr(self, name) + getattr(other, name) for name in counts}
        return WithinPromise(promise=self.promise, **summed)

    def __repr__(self) -> str:
        """Give the share, its interval and what it leaves out in one line."""
        duplicates = f", {self.duplicates:,} duplicates" if self.duplicates else ""
        rest = f"{self.late:,} late, {self.unmet:,} unmet, {self.not_due:,} not due yet"
        return f"{self.measure!r}; {rest}{duplicates}"

    def _repr_html_(self) -> str:
        """Give a small table, for notebooks."""
        names = ("kept", "late", "unmet", "not_due", "duplicates")
        cells = [f"{getattr(self, name):,}" for name in names]
        return table(["kept", "late", "unmet", "not due yet", "duplicates"], [cells], caption=repr(self.measure))


def within_promise(promise: Promise, cases: Iterable[Case], at: datetime) -> WithinPromise:
    """Count how a promise stands at an instant in the cases in which it was made."""
    made = ((case, each) for case in cases for each in case.deadlines if each.promise == promise)
    counts: Counter[str] = Counter(_standing(case, deadline, at) for case, deadline in made)
    return WithinPromise(promise=promise, **counts)


def is_duplicate(case: Case, at: datetime) -> bool:
    """Say whether a case was closed as a duplicate at an instant."""
    moves = [move for move in case.moves if move.at <= at]
    resolutions = [move.resolution for move in moves if move.resolution is not None]
    return bool(moves) and moves[-1].to == "closed" and resolutions[-1:] == ["duplicate"]


def _standing(case: Case, deadline: Deadline, at: datetime) -> _Standing:
    if is_duplicate(case, min(deadline.due, at)):
        return "duplicates"
    if deadline.due > at:
        return "not_due"
    kept = case.kept(deadline.promise)
    if kept is None:
        return "unmet"
    return "kept" if kept <= deadline.due else "late"
