"""A log in memory: the store to try things with, and the one by which others are measured."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from operator import attrgetter
from threading import RLock

from netpromoter._checks import check_contact, check_name, count, hash_key, texts
from netpromoter.errors import StoreClosed
from netpromoter.model import Claim, Entry, Event, Forgotten, Message, Scheduled, Sending, Touches, instant

from ._kinds import Outcome, check_events, check_kinds, code
from ._whose import (
    alias,
    check_destinations,
    check_expected,
    check_expecting,
    destination,
    forgotten_id,
    is_lost,
    keyed_hash,
    mentioned,
    removed,
    renamed,
    unlinked,
    whose,
)

__all__ = ["MemoryStore"]


class MemoryStore:
    """A log that lives as long as the program: for tests, rehearsals and first steps.

    It keeps every sentence of `netpromoter.plugins.Store`, in the plainest way; durable is what is in memory, and no
    other process sees it.

    Parameters
    ----------
    key : bytes, default b""
        A secret of at most 64 bytes, by which it knows the ids of those who were forgotten.

    Raises
    ------
    InvalidArgument
        If the key is longer.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> from netpromoter.model import OptedOut
    >>> store = MemoryStore()
    >>> event = OptedOut(contact="c-1", at=datetime(2026, 6, 2, tzinfo=UTC))
    >>> len(store.append([event])), len(store.append([event]))
    (1, 0)
    >>> [entry.position for entry in store.entries(contacts=["c-1"])]
    [1]
    """

    def __init__(self, key: bytes = b"") -> None:
        self._key = hash_key(key)
        self._lock = RLock()
        self._is_open = True
        self._log: list[Entry] = []
        self._cursors: dict[str, int] = {}
        self._forgotten: set[str] = set()
        self._strangers: set[str] = set()
        self._index()

    def __repr__(self) -> str:
        return f"MemoryStore({len(self._log):,} {'event' if len(self._log) == 1 else 'events'})"

    # -- writing -------------------------------------------------------------------------------------------------------

    def append(
        self, events: Sequence[Event], /, *, expecting: Mapping[str | int, int] | None = None
    ) -> Sequence[Event]:
        """Write events, all or none, and give those that were new."""
        with self.exclusive():
            given = check_events(events)
            for who, position in check_expecting(expecting).items():
                contacts = self._sharing.get(who, ()) if isinstance(who, int) else [who]
                last = max((self._of.get(each, [0])[-1] for each in contacts), default=0)
                check_expected(who, last, position)
            return [event for event in given if self._add(event)]

    def _add(self, event: Event) -> bool:
        if is_lost(event, self._knows):
            return False
        event = renamed(event, self._alias) if any(map(self._knows, mentioned(event))) else event
        if event.id in self._places:
            return False
        self._log.append(Entry(position=len(self._log) + 1, event=event))
        self._note(self._log[-1])
        return True

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Keep everybody else from appending."""
        with self._opened():
            before = self._log, len(self._log), dict(self._cursors), set(self._forgotten), set(self._strangers)
            try:
                yield
            except BaseException:
                log, size, self._cursors, self._forgotten, self._strangers = before
                self._log = log[:size]
                self._index()
                raise

    def move_cursor(self, name: str, position: int, /) -> None:
        """Note how far somebody has read."""
        with self._opened():
            self._cursors[check_name(name)] = count("position", position)

    def forget(self, contact: str, /) -> Forgotten:
        """Delete what is personal of somebody."""
        with self.exclusive():
            self._forgotten.add(keyed_hash(check_contact(contact), self._key))
            theirs = [self._log[position - 1].event for position in self._of.get(contact, [])]
            stranger = self._stranger(len(self._strangers))
            self._strangers.add(stranger)
            self._log = [self._without(contact, stranger, entry) for entry in self._log]
            self._index()
            return removed(theirs)

    def _stranger(self, number: int) -> str:
        """Give an id that no contact has."""
        return forgotten_id(keyed_hash(str(number), self._key, salt=b"stranger"))

    def _without(self, contact: str, stranger: str, entry: Entry) -> Entry:
        """Give an entry without a contact; opt-outs go to another stranger, whose address they keep."""
        if contact not in mentioned(entry.event):
            return entry
        anew = self._alias(contact) if unlinked(entry.event) else stranger
        names = {contact: anew}
        event = renamed(entry.event, lambda name: names.get(name, name), strip=whose(entry.event) == contact)
        return Entry(position=entry.position, event=event)

    # -- reading -------------------------------------------------------------------------------------------------------

    def entries(
        self,
        *,
        contacts: Sequence[str] | None = None,
        destinations: Sequence[int] | None = None,
        ids: Sequence[str] | None = None,
        kinds: Sequence[type] | None = None,
        after: int | None = None,
    ) -> Iterator[Entry]:
        """Give the log, or some of it."""
        with self._opened():
            codes = check_kinds(kinds)
            chosen: Iterable[int] = range(count("after", after or 0) + 1, len(self._log) + 1)
            if contacts is not None:
                chosen = self._positions(texts("contacts", contacts)).intersection(chosen)
            if destinations is not None:
                sharing = {
                    contact for each in check_destinations(destinations) for contact in self._sharing.get(each, ())
                }
                chosen = self._positions(sharing).intersection(chosen)
            if ids is not None:
                known = [each for each in texts("ids", ids) if each in self._places]
                chosen = {self._places[each] for each in known}.intersection(chosen)
            found = [self._log[position - 1] for position in sorted(chosen)]
        return (entry for entry in found if codes is None or code(entry.event) in codes)

    def _positions(self, contacts: Iterable[str]) -> set[int]:
        return {position for contact in contacts for position in self._of.get(contact, ())}

    def touches(self, *, contacts: Sequence[str] | None = None, after: int | None = None) -> Touches:
        """Give the log as columns."""
        return Touches.of(entry.event for entry in self.entries(contacts=contacts, after=after))

    def waiting(self, at: datetime, /, *, limit: int) -> Mapping[int, Message]:
        """Give messages that are due at an instant and that nobody has taken, by their positions."""
        instant("at", at)
        with self._opened():
            due = (message for message in self._waiting.values() if message.due <= at)
            found = heapq.nsmallest(count("limit", limit), due, key=attrgetter("due"))
            return {self._places[f"scheduled/{message.id}"]: message for message in found}

    def claims(self) -> Sequence[Claim]:
        """Give messages that were taken and have no outcome."""
        with self._opened():
            known = (each for each in self._intents if each in self._adopted and each not in self._over)
            return [Claim(message=self._adopted[each], intent=self._intents[each]) for each in known]

    def cursor(self, name: str, /) -> int:
        """Say how far somebody has read."""
        with self._opened():
            return self._cursors.get(check_name(name), 0)

    def forgotten(self, contacts: Iterable[str], /) -> set[str]:
        """Give those ids under which somebody was forgotten."""
        named = texts("contacts", contacts)
        with self._opened():
            return set(filter(self._knows, named)) if self._forgotten else set()

    # -- what is folded from the log -----------------------------------------------------------------------------------

    def _index(self) -> None:
        self._places: dict[str, int] = {}
        self._of: dict[str, list[int]] = {}
        self._sharing: dict[int, set[str]] = {}
        self._adopted: dict[str, Message] = {}
        self._waiting: dict[str, Message] = {}
        self._intents: dict[str, Sending] = {}
        self._over: set[str] = set()
        for entry in self._log:
            self._note(entry)

    def _note(self, entry: Entry) -> None:
        event = entry.event
        self._places[event.id] = entry.position
        contact = whose(event)
        if contact is not None:
            self._of.setdefault(contact, []).append(entry.position)
            if destination(event):
                self._sharing.setdefault(destination(event), set()).add(contact)
        if isinstance(event, Scheduled):
            self._adopt(event.message)
        elif isinstance(event, Sending):
            self._intents.pop(event.message, None)
            self._intents[event.message] = event
            self._waiting.pop(event.message, None)
        elif isinstance(event, Outcome):
            self._over.add(event.message)
            self._waiting.pop(event.message, None)

    def _adopt(self, message: Message) -> None:
        self._adopted[message.id] = message
        if message.contact in self._strangers:
            self._over.add(message.id)
        if message.id not in self._over and message.id not in self._intents:
            self._waiting[message.id] = message

    def _knows(self, contact: str) -> bool:
        return bool(self._forgotten) and keyed_hash(contact, self._key) in self._forgotten

    def _alias(self, contact: str) -> str:
        return alias(contact, self._key) if self._knows(contact) else contact

    @contextmanager
    def _opened(self) -> Iterator[None]:
        with self._lock:
            if not self._is_open:
                raise StoreClosed("the store was closed")
            yield

    def close(self) -> None:
        """Let go of files and connections."""
        with self._lock:
            self._is_open = False
