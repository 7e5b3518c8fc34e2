"""Telling plugins what has happened, from the log."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

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
from netpromoter.plugins import Plugins, Store

from ._cases import of_case

__all__ = ["Telling"]

_ALERTS = {
    "due": "netpromoter_case_due",
    "overdue": "netpromoter_case_overdue",
    "escalated": "netpromoter_case_escalated",
}
#: A hook and what it is told; None where there is nothing to tell.
_Fact: TypeAlias = "tuple[str, dict[str, Any]] | None"


class Telling:
    """Tells plugins what stands in the log behind the place up to which each was told."""

    def __init__(self, store: Store, plugins: Plugins) -> None:
        self._store, self._plugins = store, plugins

    def tell(self) -> int:
        """Tell everything new, and give the number of facts that were told."""
        listening = dict.fromkeys(plugin for names in self._plugins.told.values() for plugin in names)
        return sum(map(self._tell, listening))

    def _tell(self, plugin: str) -> int:
        told, cursor = 0, f"told/{plugin}"
        for entry in self._store.entries(kinds=tuple(_FACTS), after=self._store.cursor(cursor)):
            fact = _FACTS[type(entry.event)](self, entry)
            if fact and self._plugins.tell(fact[0], plugin, **fact[1]):
                break
            self._store.move_cursor(cursor, entry.position)
            told += fact is not None
        return told

    def _sent(self, entry: Entry) -> _Fact:
        event: Any = entry.event
        adopted = next(iter(self._store.entries(ids=[f"scheduled/{event.message}"])), None)
        if adopted is None:  # of somebody who was forgotten since
            return None
        message = getattr(adopted.event, "message", None)
        receipt = Receipt(message=event.message, accepted=True, reference=event.reference)
        return "netpromoter_message_sent", {"message": message, "receipt": receipt}

    def _responded(self, entry: Entry) -> _Fact:
        event: Any = entry.event
        return "netpromoter_response_received", {"response": event.response}

    def _opened(self, entry: Entry) -> _Fact:
        return "netpromoter_case_opened", {"case": self._as_of(entry)}

    def _alerted(self, entry: Entry) -> _Fact:
        event: Any = entry.event
        return _ALERTS[event.alert], {"case": self._as_of(entry), "alert": event}

    def _moved(self, entry: Entry) -> _Fact:
        event: Any = entry.event
        return ("netpromoter_case_closed", {"case": self._as_of(entry)}) if event.to == "closed" else None

    def _as_of(self, entry: Entry) -> Case:
        """Give a case as it stood at an entry of the log."""
        event: Any = entry.event
        events: Any = [each.event for each in of_case(self._store, event.case) if each.position <= entry.position]
        return Case.of(events)


_FACTS: Mapping[type, Callable[[Telling, Entry], _Fact]] = {
    Sent: Telling._sent,  # noqa: SLF001 -- a table of the class's own methods
    Responded: Telling._responded,  # noqa: SLF001
    CaseOpened: Telling._opened,  # noqa: SLF001
    CaseAlerted: Telling._alerted,  # noqa: SLF001
    CaseMoved: Telling._moved,  # noqa: SLF001
}
