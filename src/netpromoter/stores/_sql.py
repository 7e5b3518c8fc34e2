"""A log in a database: SQLite in a file, or PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from netpromoter._checks import check_contact, check_name, count, hash_key, require, texts
from netpromoter.model import Claim, Entry, Event, Forgotten, Message, Scheduled, Sending, Touches, instant, quoted

from ._append import append
from ._fold import folded
from ._forget import forget
from ._kinds import check_events, check_kinds
from ._rows import FOLDED, PAGE, microseconds
from ._whose import check_destinations, check_expecting

if TYPE_CHECKING:
    from ._connections import Link

__all__ = ["SqlStore"]


class SqlStore:
    """A log in a database, for programs that run: SQLite in a file, or PostgreSQL.

    It keeps every sentence of `netpromoter.plugins.Store`. Threads may share it; processes open one each with the same
    URL and key. The tables are made, or brought up to date, when it is opened.

    Parameters
    ----------
    url : str
        Such as ``"sqlite:///nps.db"`` for a file, ``"sqlite://"`` for memory, or ``"postgresql://user@host/name"``.
    key : bytes, default b""
        A secret of at most 64 bytes, by which it knows the ids of those who were forgotten: for one database always the
        same.

    Raises
    ------
    InvalidArgument
        If the URL names another kind of database or a ledger of a newer version, or the key is not that of the ledger.
    MissingDependency
        If SQLAlchemy, or psycopg for PostgreSQL, is not installed.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> from netpromoter.model import OptedOut
    >>> store = SqlStore("sqlite://")
    >>> event = OptedOut(contact="c-1", at=datetime(2026, 6, 2, tzinfo=UTC))
    >>> len(store.append([event])), len(store.append([event]))
    (1, 0)
    >>> [entry.position for entry in store.entries(contacts=["c-1"])]
    [1]
    >>> store.close()
    """

    def __init__(self, url: str, *, key: bytes = b"") -> None:
        require("sqlalchemy", user="SqlStore", extra="program")
        from ._opening import opened

        self._ledger = opened(url, hash_key(key))
        self._connections = self._ledger.connections
        self._statements = self._ledger.statements

    def __repr__(self) -> str:
        return f"SqlStore({self._connections.database.dialect.name})"

    # -- writing -------------------------------------------------------------------------------------------------------

    def append(
        self, events: Sequence[Event], /, *, expecting: Mapping[str | int, int] | None = None
    ) -> Sequence[Event]:
        """Write events, all or none, and give those that were new."""
        with self._connections.writing(pipelined=True) as link:
            return append(self._ledger, link, check_events(events), check_expecting(expecting))

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Keep everybody else from appending."""
        with self._connections.writing():
            yield

    def move_cursor(self, name: str, position: int, /) -> None:
        """Note how far somebody has read."""
        place = {"name": quoted(check_name(name)), "position": count("position", position)}
        with self._connections.writing() as link:
            link.execute(self._statements["set_cursor"], place)

    def forget(self, contact: str, /) -> Forgotten:
        """Delete what is personal of somebody."""
        check_contact(contact)
        with self._connections.writing() as link:
            return forget(self._ledger, link, contact)

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
        first = count("after", after or 0)
        filters: dict[str, Any] = {} if kinds is None else {"kinds": check_kinds(kinds)}
        named = None if contacts is None else texts("contacts", contacts)
        places = None if destinations is None else check_destinations(destinations)
        events = None if ids is None else texts("ids", ids)
        with self._connections.reading(snapshot=True) as link:
            persons = [] if named is None else [set(self._ledger.persons(link, named).values())]
            persons += [] if places is None else [self._ledger.sharing(link, places)]
            if persons:
                filters["contacts"] = set.intersection(*persons)
            if events is not None:
                filters["ids"] = self._ledger.ids(link, events)
            last = self._ledger.number(link, "last_position") if all(filters.values()) else 0
        listed = {name: self._ledger.listed(values) for name, values in filters.items()}
        return self._pages(listed, first, last)

    def _pages(self, filters: Mapping[str, Any], after: int, last: int) -> Iterator[Entry]:
        """Read page by page, so that no transaction stays open while somebody looks at an entry."""
        text = self._statements.filtered("entries", frozenset(filters))
        while after < last:
            with self._connections.reading(snapshot=True) as link:
                found = self._ledger.entries(link, link.rows(text, {**filters, "after": after, "last": last}))
            yield from found
            after = found[-1].position if len(found) == PAGE else last

    def touches(self, *, contacts: Sequence[str] | None = None, after: int | None = None) -> Touches:
        """Give the log as columns."""
        values: dict[str, Any] = {"after": count("after", after or 0)}
        named = None if contacts is None else texts("contacts", contacts)
        with self._connections.reading(snapshot=True) as link:
            if named is not None:
                values["contacts"] = self._ledger.listed(self._ledger.persons(link, named).values())
            text = self._statements.filtered("touches", frozenset(values) - {"after"})
            flat = np.fromiter(chain.from_iterable(link.stream(text, values)), np.int64)
            table = np.ascontiguousarray(flat.reshape(-1, len(FOLDED)).T)
            columns = dict(zip(FOLDED, table, strict=True))
            return folded(columns, lambda what, codes: self._ledger.texts(link, what, codes))

    def waiting(self, at: datetime, /, *, limit: int) -> Mapping[int, Message]:
        """Give messages that are due at an instant and that nobody has taken, by their positions."""
        instant("at", at)
        values = {"at": microseconds(at), "most": count("limit", limit)}
        with self._connections.reading(snapshot=True) as link:
            places = [place for (place,) in link.rows(self._statements["waiting"], values)]
            found = self._events(link, places)
        pairs = zip(places, found, strict=True)
        return {place: event.message for place, event in pairs if isinstance(event, Scheduled)}

    def claims(self) -> Sequence[Claim]:
        """Give messages that were taken and have no outcome."""
        with self._connections.reading(snapshot=True) as link:
            places = link.rows(self._statements["claims"])
            messages = self._events(link, [adopted for adopted, _ in places])
            intents = self._events(link, [intent for _, intent in places])
        pairs = zip(messages, intents, strict=True)
        return [
            Claim(message=each.message, intent=intent)
            for each, intent in pairs
            if isinstance(each, Scheduled) and isinstance(intent, Sending)
        ]

    def _events(self, link: Link, positions: Sequence[int]) -> list[Event]:
        """Read events in the order in which they are asked for."""
        rows = self._ledger.ask(link, "rows", positions=positions) if positions else ()
        found = {entry.position: entry.event for entry in self._ledger.entries(link, rows)}
        return [found[position] for position in positions]

    def cursor(self, name: str, /) -> int:
        """Say how far somebody has read."""
        values = {"name": quoted(check_name(name))}
        with self._connections.reading() as link:
            rows = link.rows(self._statements["cursor"], values)
        return rows[0][0] if rows else 0

    def forgotten(self, contacts: Iterable[str], /) -> set[str]:
        """Give those ids under which somebody was forgotten."""
        named = texts("contacts", contacts)
        with self._connections.reading() as link:
            return self._ledger.forgotten(link, named)

    def close(self) -> None:
        """Let go of files and connections."""
        self._connections.close()
