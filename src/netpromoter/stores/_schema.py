"""The tables of a ledger in a database, and how those of an older version become those of this one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import sqlalchemy as sa
from sqlalchemy.schema import CreateIndex, CreateTable

from ._rows import COLUMNS

__all__ = [
    "ADDRESSED",
    "CLAIMED",
    "MIGRATIONS",
    "WAITING",
    "cursor",
    "forgotten",
    "identity",
    "label",
    "log",
    "meta",
    "outbox",
    "touch",
]

_TABLES = sa.MetaData()
#: A whole number of 64 bits; in SQLite a key of this type is the place of its row.
_WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _key(name: str, kind: Any = _WHOLE) -> sa.Column[Any]:
    return sa.Column(name, kind, primary_key=True, autoincrement=False)


def _whole(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, _WHOLE, nullable=nullable)


def _text(name: str, *, unique: bool = False, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.Text, nullable=nullable, unique=unique)


def _table(name: str, *parts: Any, with_rowid: bool = True) -> sa.Table:
    return sa.Table(f"netpromoter_{name}", _TABLES, *parts, sqlite_with_rowid=with_rowid)


#: The version of the tables, the salt of this database and what tells its key from others.
meta = _table("meta", _key("name", sa.Text), _text("value"))
#: The only place that knows who is who.
identity = _table("identity", _key("person"), _text("contact", unique=True))
#: What happened, with the number of the person in the place of the contact; what is personal stands apart.
log = _table("log", _key("position"), _text("id", unique=True), _text("body"), _text("personal", nullable=True))
#: The same as whole numbers. `about` is the position of the `Scheduled` that an event speaks of.
touch = _table(
    "touch",
    sa.Column("position", _WHOLE, sa.ForeignKey(log.c.position), primary_key=True, autoincrement=False),
    *map(_whole, COLUMNS),
    sa.Index("netpromoter_touch_person", "person"),
)
#: Which events name an address.
ADDRESSED = touch.c.destination != sa.text("0")
_DESTINATION = sa.Index(
    "netpromoter_touch_destination",
    touch.c.destination,
    touch.c.person,
    sqlite_where=ADDRESSED,
    postgresql_where=ADDRESSED,
)
#: What the codes of surveys, occasions and so on stand for.
label = _table("label", _key("number"), _whole("what"), _text("text"), sa.UniqueConstraint("text", "what"))
#: Where each message stands: the positions of its `Scheduled` and of its last `Sending`, and whether all is said.
outbox = _table(
    "outbox",
    _key("id", sa.Text),
    _whole("adopted", nullable=True),
    _whole("due", nullable=True),
    _whole("intent", nullable=True),
    _whole("over"),
    with_rowid=False,
)
_OPEN = sa.and_(outbox.c.over == sa.text("0"), outbox.c.adopted.is_not(None))
#: Which messages nobody has taken, and of which that were taken nobody knows the outcome.
WAITING = sa.and_(_OPEN, outbox.c.intent.is_(None))
CLAIMED = sa.and_(_OPEN, outbox.c.intent.is_not(None))
sa.Index("netpromoter_outbox_waiting", outbox.c.due, outbox.c.adopted, sqlite_where=WAITING, postgresql_where=WAITING)
sa.Index("netpromoter_outbox_claims", outbox.c.intent, sqlite_where=CLAIMED, postgresql_where=CLAIMED)
cursor = _table("cursor", _key("name", sa.Text), _whole("position"))
#: Keyed hashes of the ids of those who were forgotten.
forgotten = _table("forgotten", _key("hash", sa.Text))


def _create(dialect: sa.Dialect) -> Iterator[str]:
    for table in _TABLES.sorted_tables:
        yield str(CreateTable(table).compile(dialect=dialect))
        for index in sorted(table.indexes, key=lambda index: str(index.name)):
            yield str(CreateIndex(index).compile(dialect=dialect))


def _find_destinations(dialect: sa.Dialect) -> Iterator[str]:
    yield str(CreateIndex(_DESTINATION, if_not_exists=True).compile(dialect=dialect))


#: What makes each version of the tables from the one before; the first makes them from nothing.
MIGRATIONS: tuple[Callable[[sa.Dialect], Iterator[str]], ...] = (_create, _find_destinations)
