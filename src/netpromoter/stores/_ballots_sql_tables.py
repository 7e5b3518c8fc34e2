"""The tables of a ballot box in a database: one of polls, and two for each poll that is not closed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from sqlalchemy.schema import CreateTable, DropTable

__all__ = ["PollStatements", "PollTables"]

_META = sa.MetaData()


def _key(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.Text, primary_key=True)


def _whole(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.Integer, nullable=False)


def _text(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.Text, nullable=nullable)


#: What is known of each poll, and what was released of it. The number is that of its tables.
_POLL = sa.Table(
    "netpromoter_poll",
    _META,
    _key("id"),
    _whole("number"),
    _whole("version"),
    _text("status"),
    _text("terms"),
    _text("release", nullable=True),
    sqlite_with_rowid=False,
)


class PollStatements:
    """Statements about polls, as texts in the words of one database."""

    #: The version of the tables, which stands beside every poll.
    version = 1

    def __init__(self, dialect: sa.Dialect) -> None:
        self.dialect = dialect
        poll = sa.bindparam("poll", type_=sa.Text)
        it = _POLL.c.id == poll
        results: dict[str, Any] = {"terms": sa.bindparam("new_terms"), "release": sa.bindparam("new_release")}
        found = {
            "create": CreateTable(_POLL, if_not_exists=True),
            "find": sa.select(_POLL.c.number, _POLL.c.version, _POLL.c.status).where(it),
            "terms": sa.select(_POLL.c.terms).where(it),
            "release": sa.select(_POLL.c.release).where(it),
            "numbers": sa.select(_POLL.c.number).where(sa.text("status IN ('open', 'closing')")),
            "last": sa.select(sa.func.coalesce(sa.func.max(_POLL.c.number), sa.text("0"))),
            "add": sa.insert(_POLL),
            "move": sa.update(_POLL).where(it).values(status=sa.bindparam("new_status")),
            "finish": sa.update(_POLL).where(it).values(results | {"status": sa.text("'wiping'")}),
        }
        self._texts = {name: str(each.compile(dialect=dialect)) for name, each in found.items()}

    def __getitem__(self, name: str) -> str:
        return self._texts[name]

    def tables(self, number: int) -> PollTables:
        """Give the tables of a poll that is not closed."""
        return PollTables(number, self.dialect)


class PollTables:
    """The roster and the ballots of one poll that is not closed.

    They are tables of its own because a table that is dropped leaves nothing, while a row that is deleted leaves a dead
    one in PostgreSQL for as long as anybody looks at something older.
    """

    def __init__(self, number: int, dialect: sa.Dialect) -> None:
        self._dialect = dialect
        self._roster = _own_table("roster", number, _key("participant"), _whole("cell"), _whole("has_cast"))
        ballot = _key("key"), _whole("cell"), _whole("rating"), _text("comment", nullable=True)
        self._ballots = _own_table("ballots", number, *ballot)
        participant, key = (sa.bindparam(name, type_=sa.Text) for name in ("whose", "which"))
        of_one, of_it = self._roster.c.participant == participant, self._ballots.c.key == key
        cell, rating = self._ballots.c.cell, self._ballots.c.rating
        change: dict[str, Any] = {"rating": sa.bindparam("new_rating"), "comment": sa.bindparam("new_comment")}
        self._statements = {
            "invite": sa.insert(self._roster),
            "roster": sa.select(self._roster.c.participant, self._roster.c.cell),
            "invited": sa.select(self._roster.c.cell, self._roster.c.has_cast).where(of_one),
            "participated": sa.select(self._roster.c.participant).where(self._roster.c.has_cast == sa.text("1")),
            "mark": sa.update(self._roster).where(of_one).values(has_cast=sa.text("1")),
            "strike": sa.delete(self._roster).where(of_one),
            "add": sa.insert(self._ballots),
            "find": sa.select(cell).where(of_it),
            "revise": sa.update(self._ballots).where(of_it).values(change),
            "turnout": sa.select(cell, sa.func.count()).group_by(cell),
            "count": sa.select(cell, rating, sa.func.count()).group_by(cell, rating),
            "comments": sa.select(cell, self._ballots.c.comment).where(self._ballots.c.comment.is_not(None)),
        }

    def __getitem__(self, name: str) -> str:
        return str(self._statements[name].compile(dialect=self._dialect))

    def create(self) -> Iterator[str]:
        """Give the statements that make the tables; PostgreSQL gathers no statistics of what is in them."""
        for table in (self._roster, self._ballots):
            yield str(CreateTable(table).compile(dialect=self._dialect))
            if self._dialect.name == "postgresql":
                for column in table.columns:
                    yield f"ALTER TABLE {table.name} ALTER COLUMN {column.name} SET STATISTICS 0"

    def drop(self) -> Iterator[str]:
        """Give the statements that drop the tables; PostgreSQL does not wait for ever for those who read them."""
        if self._dialect.name == "postgresql":
            yield "SET LOCAL lock_timeout = '60s'"
        for table in (self._roster, self._ballots):
            yield str(DropTable(table).compile(dialect=self._dialect))


def _own_table(name: str, number: int, *columns: sa.Column[Any]) -> sa.Table:
    return sa.Table(f"netpromoter_poll_{number}_{name}", sa.MetaData(), *columns, sqlite_with_rowid=False)
