"""The cases of a program: whose they are, where they stand, and moving them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, TypeVar

import attrs

from netpromoter._checks import refusal
from netpromoter.errors import Conflict
from netpromoter.model import (
    Case,
    CaseAlerted,
    CaseMoved,
    CaseNoted,
    CaseOpened,
    CaseStatus,
    Entry,
    Resolution,
    instant,
)
from netpromoter.plugins import Store

__all__ = ["Cases", "of_case"]

Made = TypeVar("Made", CaseMoved, CaseNoted)

_KINDS = (CaseOpened, CaseMoved, CaseNoted, CaseAlerted)


@attrs.frozen(kw_only=True, repr=False)
class Cases:
    """The cases of a survey: iterate over them, or move one.

    A case is named by its id, or given as the `Case` that somebody looked at: then it moves only if nobody has moved
    it since. Of two who move one case at once, the second is told by `netpromoter.errors.Conflict`.

    Parameters
    ----------
    store : Store
        Where they are kept.
    survey : str
        The key of the survey.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> from netpromoter.stores import MemoryStore
    >>> store, at = MemoryStore(), datetime(2026, 6, 3, tzinfo=UTC)
    >>> _ = store.append([
    ...     CaseOpened(survey="nps", occasion="june", contact="c-1", policy="recover", rating=2, owner="ann", at=at)
    ... ])
    >>> cases = Cases(store=store, survey="nps")
    >>> [case.status for case in cases]
    ['assigned']
    >>> looked_at = cases.get("nps/june/c-1/recover")
    >>> cases.contact(looked_at, by="ann", at=at, root_cause="billing")
    Case('nps/june/c-1/recover': contacted, rating 2)
    >>> cases.attempt(looked_at, by="bea", at=at)
    Traceback (most recent call last):
    netpromoter.errors.Conflict: case 'nps/june/c-1/recover' was moved to contacted by ann since it was looked at
    """

    store: Store
    survey: str

    def __repr__(self) -> str:
        return f"Cases({self.survey})"

    def __iter__(self) -> Iterator[Case]:
        """Give every case, in the order in which they were opened."""
        return iter(self.as_of(None))

    def as_of(self, at: datetime | None) -> list[Case]:
        """Give every case that was opened by an instant, as it stood then; all as they stand now for None.

        Raises
        ------
        InvalidArgument
            If the instant has no time zone.
        """
        if at is not None:
            instant("at", at)
        events: dict[str, list[Any]] = {}
        for entry in self.store.entries(kinds=_KINDS):
            if isinstance(entry.event, CaseOpened) and entry.event.survey == self.survey:
                events[entry.event.case] = []
            if (known := events.get(_of(entry))) is not None:
                known.append(entry.event)
        found = [Case.of(each) for each in events.values()]
        return found if at is None else [case.as_of(at) for case in found if case.opened.at <= at]

    def get(self, case: str) -> Case:
        """Give the case of an id.

        Raises
        ------
        InvalidArgument
            If there is none.
        """
        events: Any = [entry.event for entry in of_case(self.store, case)]
        if not events or events[0].survey != self.survey:
            raise refusal("case", f"the id of a case of {self.survey!r}", case)
        return Case.of(events)

    def pending(self, at: datetime) -> list[CaseAlerted]:
        """Give what there is to tell of promises that are not kept yet, and was not told.

        Raises
        ------
        InvalidArgument
            If the instant has no time zone.
        """
        instant("at", at)
        return [alert for case in self for alert in case.pending(at)]

    # -- moving --------------------------------------------------------------------------------------------------------

    def assign(self, case: Case | str, owner: str, *, by: str, at: datetime, note: str | None = None) -> Case:
        """Make a case somebody's, also if it was somebody else's."""
        return self._move(case, "assigned", by=by, at=at, owner=owner, note=note)

    def attempt(self, case: Case | str, *, by: str, at: datetime, note: str | None = None) -> Case:
        """Record that somebody tried to reach the person, and did not."""
        return self._move(case, "attempted", by=by, at=at, note=note)

    def contact(
        self, case: Case | str, *, by: str, at: datetime, root_cause: str | None = None, note: str | None = None
    ) -> Case:
        """Record that somebody talked with the person."""
        return self._move(case, "contacted", by=by, at=at, root_cause=root_cause, note=note)

    def resolve(
        self,
        case: Case | str,
        resolution: Resolution,
        *,
        by: str,
        at: datetime,
        root_cause: str | None = None,
        note: str | None = None,
    ) -> Case:
        """Record what came of the conversation."""
        more = {"resolution": resolution, "root_cause": root_cause, "note": note}
        return self._move(case, "resolved", by=by, at=at, **more)

    def close(
        self,
        case: Case | str,
        resolution: Resolution | None = None,
        *,
        by: str,
        at: datetime,
        root_cause: str | None = None,
        note: str | None = None,
    ) -> Case:
        """Record that nothing more is to be done; a case without a resolution needs one."""
        more = {"resolution": resolution, "root_cause": root_cause, "note": note}
        return self._move(case, "closed", by=by, at=at, **more)

    def escalate(self, case: Case | str, *, by: str, at: datetime, owner: str | None = None) -> Case:
        """Hand a case to those who can do more."""
        return self._move(case, "escalated", by=by, at=at, owner=owner)

    def give_up(self, case: Case | str, *, by: str, at: datetime, note: str | None = None) -> Case:
        """Record that the person cannot be reached."""
        return self._move(case, "unreachable", by=by, at=at, note=note)

    def decline(self, case: Case | str, *, by: str, at: datetime, note: str | None = None) -> Case:
        """Record that the person does not want to talk."""
        return self._move(case, "declined", by=by, at=at, note=note)

    def reopen(self, case: Case | str, *, by: str, at: datetime, note: str | None = None) -> Case:
        """Take up a case that was resolved or closed."""
        return self._move(case, "reopened", by=by, at=at, note=note)

    def note(self, case: Case | str, note: str, *, by: str, at: datetime) -> Case:
        """Remember something; the case stays where it is. The same note, made twice, is remembered once."""
        found = self._looked_at(case)
        noted = CaseNoted(case=found.id, by=by, note=note, at=at)
        while not self.store.append([noted]) and self._standing(noted) != noted:
            noted = attrs.evolve(noted, number=noted.number + 1)
        return Case.of([found.opened, *found.moves, *found.notes, *found.alerts, noted])

    def _looked_at(self, case: Case | str) -> Case:
        return case if isinstance(case, Case) else self.get(case)

    def _move(self, case: Case | str, to: CaseStatus, **more: Any) -> Case:
        before = self._looked_at(case)
        moved = before.move(to, **more)
        if not self.store.append([moved]) and (first := self._standing(moved)) != moved:
            raise Conflict(f"case {moved.case!r} was moved to {first.to} by {first.by} since it was looked at")
        return attrs.evolve(before, moves=(*before.moves, moved))

    def _standing(self, made: Made) -> Made:
        """Give what stands in the log in the place of an event that was not written; the same may be made twice."""
        entry = next(iter(self.store.entries(ids=[made.id])), None)
        if entry is None or not isinstance(entry.event, type(made)):
            raise Conflict(f"case {made.case!r} is of somebody who was forgotten since it was looked at")
        return entry.event


def of_case(store: Store, case: str) -> list[Entry]:
    """Give the entries of a case, how it was opened first; none if there is no such case."""
    opened = next(iter(store.entries(ids=[f"case_opened/{case}"])), None)
    if opened is None or not isinstance(opened.event, CaseOpened):
        return []
    entries = store.entries(contacts=[opened.event.contact], kinds=_KINDS)
    return [entry for entry in entries if _of(entry) == opened.event.case]


def _of(entry: Entry) -> str:
    return str(getattr(entry.event, "case", ""))
