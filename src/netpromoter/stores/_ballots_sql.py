"""A ballot box in a database: SQLite in a file, or PostgreSQL."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import attrs

from netpromoter._checks import check_contact, refusal, require
from netpromoter.errors import NotErased
from netpromoter.model import (
    Ballot,
    Poll,
    PollStatus,
    Protect,
    Release,
    ReleasedGroup,
    Tally,
    Turnout,
    quoted,
    unquoted,
)

from ._ballots import (
    RandomBytes,
    Terms,
    check_ballot,
    check_closed,
    check_found,
    check_listed,
    check_open,
    check_poll,
    check_random_bytes,
    check_roster,
    check_unused,
    checked,
    fresh_token,
    known,
    read_release,
    release_text,
    released,
    revises,
    tally,
    terms,
    token_key,
    turnout,
)

if TYPE_CHECKING:
    from ._ballots_sql_tables import PollTables
    from ._connections import Link

__all__ = ["SqlBallotBox"]

_LOCK_NOT_AVAILABLE = "55P03"


@attrs.frozen(kw_only=True)
class _Found:
    """A poll in the database, looked at in a transaction."""

    link: Link
    id: str
    status: str
    tables: PollTables

    @property
    def told_status(self) -> PollStatus:
        """Where the poll stands: until the file was wiped it is not closed."""
        return "open" if self.status == "open" else "closed" if self.status == "closed" else "closing"

    def rows(self, name: str, **values: Any) -> list[Any]:
        """Give the rows of a statement about its roster or its ballots."""
        return self.link.rows(self.tables[name], values)

    def execute(self, name: str, **values: Any) -> Any:
        """Execute a statement about its roster or its ballots."""
        return self.link.execute(self.tables[name], values)


class SqlBallotBox:
    """A ballot box in a database, for programs that run: SQLite in a file, or PostgreSQL.

    It keeps every sentence of `netpromoter.plugins.BallotBox`. Threads may share it; processes open one each with the
    same URL. It may share a database with a `SqlStore`: it has tables of its own.

    Parameters
    ----------
    url : str
        As for `SqlStore`.
    random_bytes : callable
        What gives as many random bytes as it is asked for, such as ``secrets.token_bytes``. Tokens are made of them.

    Raises
    ------
    InvalidArgument
        If the URL names another kind of database.
    MissingDependency
        If SQLAlchemy, or psycopg for PostgreSQL, is not installed.

    Examples
    --------
    >>> from secrets import token_bytes
    >>> roster = {f"c-{number}": {"team": "sales" if number < 8 else "support"} for number in range(11)}
    >>> box = SqlBallotBox("sqlite://", random_bytes=token_bytes)
    >>> box.open_poll(Poll(survey="enps", occasion="autumn", roster=roster))
    >>> token = box.cast("enps/autumn", "c-1", Ballot(rating=6))
    >>> box.cast("enps/autumn", "c-1", Ballot(rating=9), token=token) == token
    True
    >>> sorted(box.participated("enps/autumn"))
    ['c-1']
    >>> box.close()
    """

    def __init__(self, url: str, *, random_bytes: RandomBytes) -> None:
        require("sqlalchemy", user="SqlBallotBox", extra="program")
        from ._ballots_sql_tables import PollStatements
        from ._connections import Connections, database

        self._random_bytes = check_random_bytes(random_bytes)
        self._connections = Connections(database(url))
        self._statements = PollStatements(self._connections.database.dialect)
        with self._connections.writing() as link:
            link.execute(self._statements["create"])

    def __repr__(self) -> str:
        return f"SqlBallotBox({self._statements.dialect.name})"

    # -- while it is open ----------------------------------------------------------------------------------------------

    def open_poll(self, poll: Poll, /) -> None:
        """Open a poll, with its roster and its promises."""
        given, roster = terms(check_poll(poll))
        with self._connections.writing() as link:
            found = self._find(link, poll.id)
            if found is None:
                self._add(link, given, roster)
                return
            kept = self._terms(found)
            kept.check(given)
            if found.status == "open":
                theirs = {unquoted(name): kept.cells[cell] for name, cell in found.rows("roster")}
                check_roster(theirs, {name: given.cells[cell] for name, cell in roster.items()})

    def _add(self, link: Link, given: Terms, roster: dict[str, int]) -> None:
        number = link.rows(self._statements["last"])[0][0] + 1
        tables = self._statements.tables(number)
        for statement in tables.create():
            link.execute(statement)
        state = {"version": self._statements.version, "status": "open", "terms": given.as_text(), "release": None}
        link.execute(self._statements["add"], {"id": given.poll, "number": number, **state})
        invited = [{"participant": quoted(name), "cell": cell, "has_cast": 0} for name, cell in roster.items()]
        link.many(tables["invite"], invited)

    def status(self, poll: str, /) -> PollStatus | None:
        """Say where a poll stands; None if it was never opened."""
        with self._connections.reading() as link:
            found = self._find(link, poll)
            return None if found is None else found.told_status

    def cast(self, poll: str, participant: str, ballot: Ballot, /, *, token: str | None = None) -> str:
        """Take a ballot, and give the token with which alone it can be revised."""
        comment = None if check_ballot(ballot).comment is None else json.dumps(ballot.comment)
        with self._writing(poll) as found:
            check_open(found.told_status)
            invited = found.rows("invited", whose=quoted(check_contact(participant)))
            check_listed(participant, is_listed=bool(invited))
            cell, has_cast = invited[0]
            if revises(token, has_cast=bool(has_cast)):
                done = found.execute("revise", which=token_key(token), new_rating=ballot.rating, new_comment=comment)
                check_found(is_found=done.rowcount == 1)
                return token
            fresh = fresh_token(self._random_bytes)
            check_unused(is_used=bool(found.rows("find", which=token_key(fresh))))
            found.execute("add", key=token_key(fresh), cell=cell, rating=ballot.rating, comment=comment)
            found.execute("mark", whose=quoted(participant))
            return fresh

    def listed(self, poll: str, /) -> frozenset[str]:
        """Name those who may cast a ballot."""
        with self._while_open(poll) as found:
            return frozenset(unquoted(name) for name, _ in found.rows("roster"))

    def participated(self, poll: str, /) -> frozenset[str]:
        """Name those who have cast a ballot."""
        with self._while_open(poll) as found:
            return frozenset(unquoted(name) for (name,) in found.rows("participated"))

    def turnout(self, poll: str, /) -> tuple[Turnout, ...]:
        """Count those who have cast a ballot, by group."""
        with self._while_open(poll) as found:
            return turnout(self._terms(found), dict(found.rows("turnout")))

    def forget(self, participant: str, /) -> int:
        """Take somebody out of the rosters; what they have cast stays, since nobody can tell which ballot it is."""
        check_contact(participant)
        with self._connections.writing() as link:
            numbers = [number for (number,) in link.rows(self._statements["numbers"])]
            strikes = [self._statements.tables(number)["strike"] for number in numbers]
            found: int = sum(link.execute(strike, {"whose": quoted(participant)}).rowcount for strike in strikes)
            link.deleted = link.deleted or bool(found)
            return found

    # -- closing -------------------------------------------------------------------------------------------------------

    def close_poll(self, poll: str, protect: Protect, /) -> Release:
        """Close a poll for good, release what `protect` shows, and keep nothing else."""
        counted = self._begin_closing(poll)
        if counted is not None:
            self._empty(poll, counted, checked(counted, protect(counted)))
        self._wipe(poll)
        return self.release(poll)

    def _begin_closing(self, poll: str) -> Tally | None:
        """Take no more ballots, and count those that were cast; None if that was done."""
        with self._writing(poll) as found:
            if found.status not in {"open", "closing"}:
                return None
            self._move(found, "closing")
            times = {(cell, rating): times for cell, rating, times in found.rows("count")}
            return tally(self._terms(found), times)

    def _empty(self, poll: str, counted: Tally, groups: tuple[ReleasedGroup, ...]) -> None:
        """Write what is released, and drop all else, at once."""
        with self._writing(poll) as found:
            if found.status != "closing":
                return
            kept = self._terms(found)
            comments = [(cell, json.loads(text)) for cell, text in found.rows("comments")]
            text = release_text(released(kept, counted, groups, comments))
            values = {"poll": poll, "new_terms": kept.emptied().as_text(), "new_release": text}
            found.link.execute(self._statements["finish"], values)
            _drop(found)

    def _wipe(self, poll: str) -> None:
        """See to it that nothing remains of what was dropped."""
        with self._connections.reading() as link:
            if known(poll, self._find(link, poll)).status == "closed":
                return
            try:
                link.wipe()
            except NotErased as error:
                raise NotErased("what was cast is still in the file, which another reads: close again") from error
        with self._writing(poll) as found:
            self._move(found, "closed")

    def release(self, poll: str, /) -> Release:
        """Give what was released of a poll that is closed."""
        with self._connections.reading() as link:
            check_closed(known(poll, self._find(link, poll)).told_status)
            return read_release(link.rows(self._statements["release"], {"poll": poll})[0][0])

    # -- polls ---------------------------------------------------------------------------------------------------------

    @contextmanager
    def _writing(self, poll: str) -> Iterator[_Found]:
        with self._connections.writing() as link:
            yield known(poll, self._find(link, poll))

    @contextmanager
    def _while_open(self, poll: str) -> Iterator[_Found]:
        """Give a poll to read from, without a lock: who reads waits for nobody who casts.

        What was read is of an open poll if that is open afterwards, since none is opened again; and where its tables
        are gone, it is not.
        """
        with self._connections.reading() as link:
            found = known(poll, self._find(link, poll))
            check_open(found.told_status)
            try:
                yield found
            finally:
                check_open(known(poll, self._find(link, poll)).told_status)

    def _find(self, link: Link, poll: Any) -> _Found | None:
        is_possible = isinstance(poll, str) and poll.isprintable()
        for number, version, status in link.rows(self._statements["find"], {"poll": poll}) if is_possible else ():
            if version > self._statements.version:
                rule = f"that of polls of version {self._statements.version} at most, and not of a newer netpromoter"
                raise refusal("url", rule, f"version {version}")
            return _Found(link=link, id=poll, status=status, tables=self._statements.tables(number))
        return None

    def _terms(self, found: _Found) -> Terms:
        return Terms.of_text(found.link.rows(self._statements["terms"], {"poll": found.id})[0][0])

    def _move(self, found: _Found, status: str) -> None:
        found.link.execute(self._statements["move"], {"poll": found.id, "new_status": status})

    def close(self) -> None:
        """Let go of files and connections."""
        self._connections.close()


def _drop(found: _Found) -> None:
    try:
        for statement in found.tables.drop():
            found.link.execute(statement)
    except Exception as error:
        if getattr(error, "sqlstate", None) != _LOCK_NOT_AVAILABLE:
            raise
        raise NotErased("what was cast cannot be dropped while another reads it: close again") from error
