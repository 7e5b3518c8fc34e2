"""Telling plugins what has happened, from the log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

import attrs

from netpromoter._checks import raised
from netpromoter.model import (
    Case,
    CaseAlerted,
    CaseMoved,
    CaseOpened,
    Entry,
    Event,
    Receipt,
    Responded,
    Sent,
    quoted,
    survey_of,
)
from netpromoter.plugins import Plugins, Store

from ._alerts import AlertPutOff, AlertRefused
from ._cases import of_case

__all__ = ["Telling", "Told"]

#: For how long what a channel refuses for now is tried again.
_PATIENCE = timedelta(days=1)
_FIRST_INSTANT = datetime.min.replace(tzinfo=UTC)
_HOOKS: Mapping[type, str] = {
    Sent: "netpromoter_message_sent",
    Responded: "netpromoter_response_received",
    CaseOpened: "netpromoter_case_opened",
}
_ALERTS = {
    "due": "netpromoter_case_due",
    "overdue": "netpromoter_case_overdue",
    "escalated": "netpromoter_case_escalated",
}
_KINDS = (*_HOOKS, CaseAlerted, CaseMoved)
#: What a hook is told; None of somebody who was forgotten just now.
_Fact: TypeAlias = "dict[str, Any] | None"


@attrs.frozen(kw_only=True)
class Told:
    """What one call of `Program.tell` did.

    Parameters
    ----------
    facts : int
        Facts that plugins were told; one that two plugins were told counts twice.
    put_off : tuple of str
        Alerts of `CaseAlerts` that their channel refused for now, and why: each is tried again the next time, until
        a day after the first.
    refused : tuple of str
        Those that it refused for good, or for a day: they are not sent again.
    failed : mapping of str to str
        Plugins that raised, and what, without addresses: each is told the same fact the next time, and nothing later
        before.

    Examples
    --------
    >>> Told(facts=3, failed={"Desk": "OSError: no network"})
    Told(facts=3, put_off=(), refused=(), failed={'Desk': 'OSError: no network'})
    """

    facts: int = 0
    put_off: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    failed: Mapping[str, str] = attrs.field(factory=dict, hash=False)


class _Place:
    """Up to which entry a plugin was told of a survey, and what of later it was told while something was put off."""

    def __init__(self, store: Store, survey: str, plugin: str, at: datetime) -> None:
        self._store, self._at = store, at
        self._name = f"told/{quoted(survey)}/{plugin}"
        self.reached = store.cursor(self._name)
        self._ahead = store.cursor(f"{self._name}/ahead")
        self._waits = False

    def is_new(self, entry: Entry) -> bool:
        """Say whether the plugin was not told of an entry yet."""
        if not self.reached < entry.position <= self._ahead:
            return entry.position > self.reached
        return not self._store.cursor(f"{self._name}/{entry.position}")

    def waited(self, entry: Entry) -> bool:
        """Say whether an entry was put off for a day by now, from the first time on that this was asked."""
        name = f"{self._name}/{entry.position}/since"
        now = (self._at - _FIRST_INSTANT) // timedelta.resolution
        since = self._store.cursor(name)
        if not since:
            self._store.move_cursor(name, now)
        return bool(since) and now - since >= _PATIENCE // timedelta.resolution

    def pass_by(self, entry: Entry, *, is_told: bool) -> None:
        """Note that the plugin was told of an entry, or that this is put off."""
        self._waits |= not is_told
        if not self._waits:
            self._reach(entry.position)
        elif is_told:
            self._store.move_cursor(f"{self._name}/{entry.position}", 1)
            self._store.move_cursor(f"{self._name}/ahead", entry.position)

    def skip_to(self, position: int) -> None:
        """Note that up to a position nothing is of this survey but what the plugin was told."""
        if position > self.reached and not self._waits:
            self._reach(position)

    def _reach(self, position: int) -> None:
        self.reached = position
        self._store.move_cursor(self._name, position)


class Telling:
    """Tells plugins what stands in the log of some surveys, behind the place up to which each was told of each."""

    def __init__(self, store: Store, plugins: Plugins, surveys: Sequence[str]) -> None:
        self._store, self._plugins, self._surveys = store, plugins, surveys

    def tell(self, at: datetime) -> Told:
        """Tell everything new."""
        listening = dict.fromkeys(plugin for names in self._plugins.told.values() for plugin in names)
        told = [self._tell(plugin, at) for plugin in listening]
        return Told(
            facts=sum(each.facts for each in told),
            put_off=tuple(alert for each in told for alert in each.put_off),
            refused=tuple(alert for each in told for alert in each.refused),
            failed={plugin: error for each in told for plugin, error in each.failed.items()},
        )

    def _tell(self, plugin: str, at: datetime) -> Told:
        """Tell one plugin; each of two programs that share a survey goes on where the other has stopped."""
        hooks = {hook for hook, names in self._plugins.told.items() if plugin in names}
        places = {survey: _Place(self._store, survey, plugin, at) for survey in self._surveys}
        seen, told = min(place.reached for place in places.values()), Told()
        for entry in self._store.entries(kinds=_KINDS, after=seen):
            place = places.get(_survey(entry))
            if place is not None and _hook(entry.event) in hooks and place.is_new(entry):
                before, told = told, self._told(plugin, entry, told, place)
                if told.failed:
                    break
                place.pass_by(entry, is_told=told.put_off == before.put_off)
            seen = entry.position
        for place in places.values():
            place.skip_to(seen)
        return told

    def _told(self, plugin: str, entry: Entry, told: Told, place: _Place) -> Told:
        """Tell a plugin what an entry is about, and add what came of it."""
        fact = self._fact(entry)
        if fact is None:
            return told
        failures = self._plugins.tell(_hook(entry.event), plugin, **fact)
        if not failures:
            return attrs.evolve(told, facts=told.facts + 1)
        error = failures[0].error
        if isinstance(error, AlertPutOff) and not place.waited(entry):
            return attrs.evolve(told, put_off=(*told.put_off, str(error)))
        if isinstance(error, AlertPutOff | AlertRefused):
            return attrs.evolve(told, refused=(*told.refused, str(error)))
        return attrs.evolve(told, failed={plugin: raised(error)})

    def _fact(self, entry: Entry) -> _Fact:
        event = entry.event
        if isinstance(event, Sent):
            return self._sent(event)
        if isinstance(event, Responded):
            return {"response": event.response}
        more = {"alert": event} if isinstance(event, CaseAlerted) else {}
        return self._of_case(entry, **more)

    def _sent(self, event: Sent) -> _Fact:
        adopted = next(iter(self._store.entries(ids=[f"scheduled/{event.message}"])), None)
        if adopted is None:
            return None
        message = getattr(adopted.event, "message", None)
        return {"message": message, "receipt": Receipt(message=event.message, accepted=True, reference=event.reference)}

    def _of_case(self, entry: Entry, **more: Any) -> _Fact:
        """Give what is told of a case, as it stood at an entry of the log."""
        event: Any = entry.event
        events: Any = [each.event for each in of_case(self._store, event.case) if each.position <= entry.position]
        return {"case": Case.of(events), **more} if events else None


def _hook(event: Event) -> str:
    """Name the hook that is told of an event; "" if none is."""
    if isinstance(event, CaseAlerted):
        return _ALERTS[event.alert]
    if isinstance(event, CaseMoved):
        return "netpromoter_case_closed" if event.to == "closed" else ""
    return _HOOKS[type(event)]


def _survey(entry: Entry) -> str:
    """Give the survey of a fact: its id is the kind, and then the id of a message, an answer or a case."""
    return survey_of(entry.event.id.partition("/")[2])
