"""Telling plugins what has happened, from the log."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeAlias
from urllib.parse import quote, unquote

import attrs

from netpromoter._checks import raised
from netpromoter.model import (
    Case,
    CaseAlerted,
    CaseMoved,
    CaseOpened,
    Entry,
    Receipt,
    Responded,
    Sent,
)
from netpromoter.plugins import Failure, Plugins, Store

from ._alerts import AlertPutOff, AlertRefused
from ._cases import of_case

__all__ = ["Telling", "Told"]

#: For how long what a channel refuses for now is tried again.
_PATIENCE = timedelta(days=1)
_ALERTS = {
    "due": "netpromoter_case_due",
    "overdue": "netpromoter_case_overdue",
    "escalated": "netpromoter_case_escalated",
}
#: A hook and what it is told; None where there is nothing to tell.
_Fact: TypeAlias = "tuple[str, dict[str, Any]] | None"


@attrs.frozen(kw_only=True)
class Told:
    """What one call of `Program.tell` did.

    Parameters
    ----------
    facts : int
        Facts that plugins were told; one that two plugins were told counts twice.
    put_off : tuple of str
        Alerts of `CaseAlerts` that their channel refused for now, and why: each is tried again the next time, until it
        is a day old.
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

    def __init__(self, store: Store, survey: str, plugin: str) -> None:
        self._store = store
        self._name = f"told/{quote(survey, safe='', errors='surrogatepass')}/{plugin}"
        self.reached = store.cursor(self._name)
        self._ahead = store.cursor(f"{self._name}/ahead")
        self._waits = False

    def is_new(self, entry: Entry) -> bool:
        """Say whether the plugin was not told of an entry yet."""
        if not self.reached < entry.position <= self._ahead:
            return entry.position > self.reached
        return not self._store.cursor(f"{self._name}/{entry.position}")

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
        places = {survey: _Place(self._store, survey, plugin) for survey in self._surveys}
        seen, told = min(place.reached for place in places.values()), Told()
        for entry in self._store.entries(kinds=tuple(_FACTS), after=seen):
            place = places.get(_survey(entry))
            if place is not None and place.is_new(entry):
                before, told = told, self._told(plugin, entry, told, at)
                if told.failed:
                    break
                place.pass_by(entry, is_told=told.put_off == before.put_off)
            seen = entry.position
        for place in places.values():
            place.skip_to(seen)
        return told

    def _told(self, plugin: str, entry: Entry, told: Told, at: datetime) -> Told:
        """Tell a plugin what an entry is about, and add what came of it."""
        fact = _FACTS[type(entry.event)](self, entry)
        if fact is None or plugin not in self._plugins.told[fact[0]]:
            return told
        failure = next(iter(self._plugins.tell(fact[0], plugin, **fact[1])), None)
        if failure is None:
            return attrs.evolve(told, facts=told.facts + 1)
        return _failed(told, failure, is_old=at >= entry.event.at + _PATIENCE)

    def _sent(self, entry: Entry) -> _Fact:
        event: Any = entry.event
        adopted = next(iter(self._store.entries(ids=[f"scheduled/{event.message}"])), None)
        if adopted is None:  # of somebody forgotten just now
            return None
        message = getattr(adopted.event, "message", None)
        receipt = Receipt(message=event.message, accepted=True, reference=event.reference)
        return "netpromoter_message_sent", {"message": message, "receipt": receipt}

    def _responded(self, entry: Entry) -> _Fact:
        event: Any = entry.event
        return "netpromoter_response_received", {"response": event.response}

    def _opened(self, entry: Entry) -> _Fact:
        return self._of_case("netpromoter_case_opened", entry)

    def _alerted(self, entry: Entry) -> _Fact:
        event: Any = entry.event
        return self._of_case(_ALERTS[event.alert], entry, alert=event)

    def _moved(self, entry: Entry) -> _Fact:
        event: Any = entry.event
        return self._of_case("netpromoter_case_closed", entry) if event.to == "closed" else None

    def _of_case(self, hook: str, entry: Entry, **more: Any) -> _Fact:
        """Give what a hook is told of a case, as it stood at an entry of the log."""
        event: Any = entry.event
        events: Any = [each.event for each in of_case(self._store, event.case) if each.position <= entry.position]
        return (hook, {"case": Case.of(events), **more}) if events else None  # none of somebody forgotten just now


_FACTS: Mapping[type, Callable[[Telling, Entry], _Fact]] = {
    Sent: Telling._sent,  # noqa: SLF001 -- a table of the class's own methods
    Responded: Telling._responded,  # noqa: SLF001
    CaseOpened: Telling._opened,  # noqa: SLF001
    CaseAlerted: Telling._alerted,  # noqa: SLF001
    CaseMoved: Telling._moved,  # noqa: SLF001
}


def _survey(entry: Entry) -> str:
    """Give the survey of a fact: its id is the kind, and then the id of a message, an answer or a case."""
    return unquote(entry.event.id.split("/")[1], errors="surrogatepass")


def _failed(told: Told, failure: Failure, *, is_old: bool) -> Told:
    if isinstance(failure.error, AlertPutOff) and not is_old:
        return attrs.evolve(told, put_off=(*told.put_off, str(failure.error)))
    if isinstance(failure.error, AlertPutOff | AlertRefused):
        return attrs.evolve(told, refused=(*told.refused, str(failure.error)))
    return attrs.evolve(told, failed={failure.plugin: raised(failure.error)})
