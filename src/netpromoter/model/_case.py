"""A case: what was done since somebody was to be called, folded from its events."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, TypeAlias

import attrs

from netpromoter._checks import refusal
from netpromoter.errors import IllegalMove

from ._case_events import (
    CaseAlerted,
    CaseMoved,
    CaseNoted,
    CaseOpened,
    CaseStatus,
    Deadline,
    Promise,
    Resolution,
)
from ._instants import instant

__all__ = ["MOVES", "Case", "CaseEvent"]

CaseEvent: TypeAlias = CaseOpened | CaseMoved | CaseNoted | CaseAlerted

#: Where a case may go from each status.
MOVES: Mapping[CaseStatus, tuple[CaseStatus, ...]] = {
    "new": ("assigned", "escalated", "closed"),
    "assigned": ("assigned", "attempted", "contacted", "escalated", "closed"),
    "attempted": ("assigned", "attempted", "contacted", "unreachable", "declined", "escalated"),
    "contacted": ("assigned", "contacted", "resolved", "declined", "escalated"),
    "resolved": ("closed", "reopened"),
    "unreachable": ("assigned", "attempted", "contacted", "escalated", "closed"),
    "declined": ("closed",),
    "escalated": ("assigned", "attempted", "contacted", "resolved", "closed"),
    "closed": ("reopened",),
    "reopened": ("assigned", "attempted", "contacted", "resolved", "escalated", "closed"),
}
#: By which moves each promise is kept.
_KEPT_BY: Mapping[Promise, tuple[CaseStatus, ...]] = {
    "attempt": ("attempted", "contacted", "unreachable", "declined"),
    "contact": ("contacted", "declined"),
    "close": ("closed",),
}


def _in_order(events: Iterable[Any]) -> tuple[Any, ...]:
    return tuple(sorted(events, key=lambda event: event.at))


@attrs.frozen(kw_only=True)
class Case:
    """Somebody who is to be called, and what was done so far.

    Parameters
    ----------
    opened : CaseOpened
        How it began.
    moves : tuple of CaseMoved, default ()
        Where it went, in the order of their numbers.
    notes : tuple of CaseNoted, default ()
        What was noted, in the order of time.
    alerts : tuple of CaseAlerted, default ()
        Which promises were told not to be kept yet, in the order of time.

    Raises
    ------
    InvalidArgument
        If the moves are not numbered from 0 on.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> at = datetime(2026, 6, 3, tzinfo=UTC)
    >>> opened = CaseOpened(
    ...     survey="relationship", occasion="autumn", contact="c-1", policy="recover", rating=2, owner="ann", at=at
    ... )
    >>> case = Case(opened=opened)
    >>> case
    Case('relationship/autumn/c-1/recover': assigned to ann, rating 2)
    >>> called = case.move("contacted", by="ann", at=datetime(2026, 6, 3, 9, tzinfo=UTC), root_cause="billing")
    >>> Case.of([opened, called]).status
    'contacted'
    >>> case.move("resolved", by="ann", at=at)
    Traceback (most recent call last):
    netpromoter.errors.IllegalMove: a case that is assigned may become assigned, attempted, ... (got 'resolved')
    """

    opened: CaseOpened
    moves: tuple[CaseMoved, ...] = ()
    notes: tuple[CaseNoted, ...] = ()
    alerts: tuple[CaseAlerted, ...] = ()

    def __attrs_post_init__(self) -> None:
        numbers = [move.number for move in self.moves]
        if numbers != list(range(len(numbers))):
            raise refusal("moves", "numbered from 0 on", numbers)

    def __repr__(self) -> str:
        whose = f" to {self.owner}" if self.status == "assigned" else ""
        return f"Case({self.id!r}: {self.status}{whose}, rating {self.rating})"

    @classmethod
    def of(cls, events: Iterable[CaseEvent]) -> Case:
        """Fold the events of one case, in any order.

        Parameters
        ----------
        events : iterable of CaseOpened, CaseMoved, CaseNoted and CaseAlerted
            All of one case; an event that comes twice is taken once.

        Returns
        -------
        Case

        Raises
        ------
        InvalidArgument
            If they are of several cases, or do not tell how it was opened.
        """
        found = {event.id: event for event in events}.values()
        opened = [event for event in found if isinstance(event, CaseOpened)]
        cases = sorted({event.case for event in found})
        if len(opened) != 1 or len(cases) != 1:
            raise refusal("events", "those of one case, with how it was opened", cases)
        moves = [event for event in found if isinstance(event, CaseMoved)]
        return cls(
            opened=opened[0],
            moves=tuple(sorted(moves, key=lambda move: move.number)),
            notes=_in_order(event for event in found if isinstance(event, CaseNoted)),
            alerts=_in_order(event for event in found if isinstance(event, CaseAlerted)),
        )

    def as_of(self, at: datetime) -> Case:
        """Give the case as it stood at an instant; a move counts as long as all moves before it do.

        Raises
        ------
        InvalidArgument
            If it was not opened then, or the instant has no time zone.
        """
        instant("at", at)
        if self.opened.at > at:
            raise refusal("at", f"an instant at which the case was open, from {self.opened.at} on", at)
        later = next((move.number for move in self.moves if move.at > at), len(self.moves))
        notes = tuple(note for note in self.notes if note.at <= at)
        alerts = tuple(alert for alert in self.alerts if alert.at <= at)
        return Case(opened=self.opened, moves=self.moves[:later], notes=notes, alerts=alerts)

    # -- what it is ------------------------------------------------------------------------------------------------

    @property
    def id(self) -> str:
        """What tells it from others."""
        return self.opened.case

    @property
    def contact(self) -> str:
        """Whom to call."""
        return self.opened.contact

    @property
    def rating(self) -> int:
        """What the person gave, from 0 to 10."""
        return self.opened.rating

    @property
    def status(self) -> CaseStatus:
        """Where it stands; a case that was opened with an owner is assigned."""
        if self.moves:
            return self.moves[-1].to
        return "new" if self.opened.owner is None else "assigned"

    @property
    def is_open(self) -> bool:
        """Whether something is still to be done."""
        return self.status != "closed"

    @property
    def owner(self) -> str | None:
        """Who is to call; None if nobody."""
        return self._last("owner") or self.opened.owner

    @property
    def resolution(self) -> Resolution | None:
        """What came of it; None if nothing yet."""
        found: Resolution | None = self._last("resolution")
        return found

    @property
    def root_cause(self) -> str | None:
        """What the conversation showed to be the cause; None if that is not known yet."""
        found: str | None = self._last("root_cause")
        return found

    def _last(self, name: str) -> Any:
        found = [getattr(move, name) for move in self.moves if getattr(move, name) is not None]
        return found[-1] if found else None

    # -- what was done ---------------------------------------------------------------------------------------------

    def first(self, *statuses: CaseStatus) -> datetime | None:
        """Give when it first came to one of some statuses; None if it never did."""
        return min((move.at for move in self.moves if move.to in statuses), default=None)

    def last(self, *statuses: CaseStatus) -> datetime | None:
        """Give when it last came to one of some statuses; None if it never did."""
        return max((move.at for move in self.moves if move.to in statuses), default=None)

    def kept(self, promise: Promise) -> datetime | None:
        """Give when a promise was kept; None if it was not yet.

        A person who is reached was attempted, and one who does not want to talk was reached.
        """
        return self.first(*_KEPT_BY[promise])

    @property
    def deadlines(self) -> tuple[Deadline, ...]:
        """What is promised, and until when."""
        return self.opened.deadlines

    @property
    def due(self) -> datetime | None:
        """Until when the next promise is to be kept; None if nothing is promised any more."""
        waiting = [each.due for each in self.deadlines if self.is_open and self.kept(each.promise) is None]
        return min(waiting, default=None)

    def is_overdue(self, at: datetime) -> bool:
        """Say whether a promise is broken at an instant, which must be aware."""
        instant("at", at)
        return self.due is not None and self.due <= at

    def pending(self, at: datetime) -> list[CaseAlerted]:
        """Give what there is to tell at an instant and was not told yet, in the order of time.

        A closed case has nothing to tell, and neither has a promise that was kept. That a promise is due is nothing to
        tell once it is overdue. Nothing is to be told since before the case was opened.

        Raises
        ------
        InvalidArgument
            If the instant has no time zone.
        """
        instant("at", at)
        told = {alert.id for alert in self.alerts}
        found = [alert for deadline in self.deadlines for alert in self._alerts(deadline, at) if alert.id not in told]
        return sorted(found, key=lambda alert: alert.at)

    def _alerts(self, deadline: Deadline, at: datetime) -> list[CaseAlerted]:
        if not self.is_open or self.kept(deadline.promise) is not None:
            return []
        since = {alert: max(when, self.opened.at) for alert, when in deadline.alerts.items()}
        if deadline.due <= at:
            since.pop("due", None)
        told = [(alert, when) for alert, when in since.items() if when <= at]
        return [CaseAlerted(case=self.id, promise=deadline.promise, alert=alert, at=when) for alert, when in told]

    # -- what is done next -----------------------------------------------------------------------------------------

    def move(self, to: CaseStatus, *, by: str, at: datetime, **more: Any) -> CaseMoved:
        """Make the event that moves it.

        Parameters
        ----------
        to : str
            The status: see `CaseStatus`.
        by : str
            Who moves it.
        at : datetime
            When, aware; not before the last move.
        **more
            The other fields of `CaseMoved`: owner, resolution, root_cause, note.

        Returns
        -------
        CaseMoved

        Raises
        ------
        IllegalMove
            If a case cannot go there from where it stands, is assigned to nobody, or is closed or resolved without a
            resolution.
        """
        moved = CaseMoved(case=self.id, number=len(self.moves), to=to, by=by, at=at, **more)
        may = MOVES[self.status]
        if to not in may:
            raise IllegalMove(f"a case that is {self.status} may become {', '.join(may)} (got {to!r})")
        if to == "assigned" and moved.owner is None:
            raise IllegalMove("a case that is assigned must have an owner (got None)")
        if to in {"resolved", "closed"} and (moved.resolution or self.resolution) is None:
            raise IllegalMove(f"a case that is {to} must have a resolution (got None)")
        before = self.moves[-1].at if self.moves else self.opened.at
        if moved.at < before:
            raise refusal("at", f"not before {before}, when the case last moved", at)
        return moved
