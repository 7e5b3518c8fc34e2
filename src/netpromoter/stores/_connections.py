"""Connections to a database: one for each thread, one writer at a time, and no transaction that is left open."""

from __future__ import annotations

import ctypes
import json
import os
import selectors
import sqlite3
import sys
import time
import weakref
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from threading import RLock, local
from typing import Any, Protocol, TypeAlias

import sqlalchemy as sa

from netpromoter._checks import refusal, require
from netpromoter.errors import InvalidArgument, NotErased, StoreClosed

__all__ = ["Connections", "Database", "Link", "database"]

Parameters: TypeAlias = Mapping[str, Any] | Sequence[Any]

#: What ends and what undoes a whole transaction, and a part of one.
_WHOLE = ("COMMIT",), ("ROLLBACK",)
_PART = ("RELEASE part",), ("ROLLBACK TO part", "RELEASE part")
#: How long somebody waits for another at once, in seconds, and how often for one who writes.
_PATIENCE, _TURNS = 60, 10
#: What names the tables of which PostgreSQL keeps common values and histograms.
_GATHERED = (
    "SELECT DISTINCT format('%I.%I', schemaname, tablename) FROM pg_stats "
    "WHERE starts_with(tablename, 'netpromoter_') AND to_regclass(quote_ident(tablename)) "
    "= to_regclass(format('%I.%I', schemaname, tablename))"
)
_LOCK = 0x6E65_7470_726F_6D6F
#: Files that were open when this process was forked: SQLite takes its parent's locks for its own, and so takes none.
_TAKEN: set[str] = set()
_ALL: weakref.WeakSet[Connections] = weakref.WeakSet()


class Database(Protocol):
    """What differs between the databases."""

    dialect: sa.Dialect
    #: Whether all threads share one connection.
    shared: bool
    #: In which file it is, or in ":memory:"; None where a server keeps it.
    file: str | None
    #: What begins a transaction in which all that is read is of one moment.
    snapshot: str
    #: What stands in a statement for a value that has a place and no name.
    mark: str
    #: What gives 32 random characters, and what tells whether there are tables.
    random: str
    has_meta: str

    def connect(self) -> Any:
        """Open a connection on which each statement commits itself."""

    def is_alive(self, connection: Any) -> bool:
        """Say whether a connection that nobody is using has not been lost since."""

    def begin(self, connection: Any) -> None:
        """Begin a transaction that is durable once it is committed, and keep everybody else from writing."""

    def among(self, column: sa.Column[Any], name: str) -> sa.ColumnElement[bool]:
        """Ask for rows where a column is in a list of any length."""

    def listed(self, values: Iterable[Any]) -> Any:
        """Give a list as `among` takes it."""

    def stream(self, connection: Any, text: str, parameters: Parameters) -> Iterator[Sequence[Any]]:
        """Give rows as they come."""

    def pipeline(self, connection: Any) -> AbstractContextManager[object]:
        """Send statements without waiting for the answer to each: a read waits for all before it, as does the end."""

    def give_up(self, connection: Any) -> None:
        """Leave a connection of which it is not known that it has no transaction, nor whose answers are its next."""

    def has_failed(self, connection: Any) -> bool:
        """Say whether a transaction cannot be committed, though the database would not say so."""

    def wipe(self, connection: Any) -> None:
        """See to it that nothing remains of what was deleted."""


class _Sqlite:
    snapshot = "BEGIN"
    mark = "?"
    random = "lower(hex(randomblob(16)))"
    has_meta = "SELECT count(*) FROM sqlite_master WHERE name = 'netpromoter_meta'"

    def __init__(self, url: sa.URL) -> None:
        self.shared = url.database in {None, ":memory:"}
        self.file: str | None = ":memory:" if self.shared else _file(url.database or "")
        self._inode: tuple[int, int] | None = None
        self._engine = sa.create_engine(url.set(database=self.file), paramstyle="named")
        self.dialect = self._engine.dialect

    def connect(self) -> Any:
        connection = _raw(self._engine, check_same_thread=False, timeout=_PATIENCE, isolation_level=None)
        try:
            # two who switch at once do not wait for each other unless they try again
            _insist(connection, "PRAGMA journal_mode = WAL", turns=100 * _PATIENCE, pause=0.01)
            self._check_file()
            for pragma in ("synchronous = FULL", "foreign_keys = ON", "secure_delete = ON"):
                connection.execute(f"PRAGMA {pragma}")
        except BaseException:
            connection.close()
            raise
        return connection

    def _check_file(self) -> None:
        """Refuse to write into a file that nobody will open again, or to go on in another."""
        if self.shared:
            return
        try:
            found = os.stat(str(self.file))  # noqa: PTH116 -- of each append, and a Path takes thrice as long
        except FileNotFoundError:
            inode = None
        else:
            inode = found.st_dev, found.st_ino
            self._inode = self._inode or inode
        if inode != self._inode:
            raise StoreClosed("the file of the database was moved, deleted or replaced: open the store anew")

    def is_alive(self, _: Any) -> bool:
        """There is no way to the database that could be cut."""
        return True

    def begin(self, connection: Any) -> None:
        _insist(connection, "BEGIN IMMEDIATE", turns=_TURNS)
        self._check_file()

    def among(self, column: sa.Column[Any], name: str) -> sa.ColumnElement[bool]:
        each = sa.func.json_each(sa.bindparam(name)).table_valued("value")
        return column.in_(sa.select(each.c.value))

    def listed(self, values: Iterable[Any]) -> Any:
        return json.dumps(list(values))

    def stream(self, connection: Any, text: str, parameters: Parameters) -> Iterator[Sequence[Any]]:
        return iter(connection.execute(text, parameters))

    def pipeline(self, _: Any) -> AbstractContextManager[object]:
        """There is no way to the database on which statements could be."""
        return nullcontext()

    def give_up(self, _: Any) -> None:
        """Nothing is under way where no server is, and what has no transaction cannot be rolled back."""

    def has_failed(self, _: Any) -> bool:
        """Commit says so itself."""
        return False

    def wipe(self, connection: Any) -> None:
        if not self.shared and not _rewritten(connection):
            raise NotErased("what was deleted is still in the file, which somebody else is using: forget again")


def _file(name: str) -> str:
    """Give the place of a database file, or refuse what can be none: an empty name would be forgotten in the end."""
    rule = "the path of a file after sqlite:///, or 'sqlite://' for a database in memory"
    if not name or name.startswith("file:"):
        raise refusal("url", rule, name)
    path = Path(name).absolute()
    if path.is_dir() or not path.parent.is_dir():
        raise InvalidArgument(f"url must be the path of a file, in a folder that there is (got {str(path)!r})")
    if os.path.realpath(path) in _TAKEN:
        rule = "a file that was not open when this process was forked: open it after that, or spawn processes"
        raise InvalidArgument(f"url must be {rule} (got {str(path)!r})")
    return str(path)


def _rewritten(connection: sqlite3.Connection) -> bool:
    """Write a file anew, and empty its write-ahead log; say whether everybody else let it happen."""
    try:
        connection.execute("VACUUM")
        busy, *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    except sqlite3.OperationalError as error:
        if "locked" not in str(error):
            raise
        return False
    return not busy


def _insist(connection: sqlite3.Connection, statement: str, *, turns: int, pause: float = 0) -> None:
    """Execute a statement as soon as nobody else is in its way, or give up after so many turns."""
    while True:
        try:
            connection.execute(statement)
        except sqlite3.OperationalError as error:
            turns -= 1
            if "locked" not in str(error) or turns <= 0:
                raise
            time.sleep(pause)
        else:
            return


class _Postgresql:
    shared = False
    file: str | None = None
    snapshot = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
    mark = "%s"
    random = "replace(gen_random_uuid()::text, '-', '')"
    # to_regclass would answer from a cache that is older than the lock
    has_meta = "SELECT count(*) FROM pg_class WHERE relname = 'netpromoter_meta' AND pg_table_is_visible(oid)"

    def __init__(self, url: sa.URL) -> None:
        psycopg = require("psycopg", user="SqlStore", extra="postgresql")
        self._engine = sa.create_engine(url.set(drivername="postgresql+psycopg"))
        self.dialect = self._engine.dialect
        self._chunk = 1_000 if psycopg.capabilities.has_stream_chunked() else 1
        self._has_pipeline, self._error = psycopg.capabilities.has_pipeline(), psycopg.Error

    def connect(self) -> Any:
        return _raw(self._engine, autocommit=True, client_encoding="utf8")

    def is_alive(self, connection: Any) -> bool:
        is_idle = connection.info.transaction_status.name == "IDLE"
        if is_idle and _has_something_to_say(connection):
            try:
                connection.execute("SELECT 1")
            except self._error:
                connection.close()
        return not connection.closed

    def begin(self, connection: Any) -> None:
        """Begin, whatever the database's own defaults are.

        What follows must see what was committed while it waited for the lock, and must not be lost with the server.
        """
        connection.execute("BEGIN ISOLATION LEVEL READ COMMITTED")
        connection.execute(
            f"SELECT pg_advisory_xact_lock({_LOCK}), CASE current_setting('synchronous_commit') "
            "WHEN 'off' THEN set_config('synchronous_commit', 'on', true) END"
        )

    def among(self, column: sa.Column[Any], name: str) -> sa.ColumnElement[bool]:
        return column == sa.func.any(sa.bindparam(name))

    def listed(self, values: Iterable[Any]) -> Any:
        return list(values)

    def stream(self, connection: Any, text: str, parameters: Parameters) -> Iterator[Sequence[Any]]:
        rows: Iterator[Sequence[Any]] = connection.cursor().stream(text, parameters, binary=True, size=self._chunk)
        return rows

    @contextmanager
    def pipeline(self, connection: Any) -> Iterator[None]:
        handled = sys.exc_info()[1]
        try:
            with connection.pipeline() if self._has_pipeline else nullcontext():
                yield
        except self._error as error:
            # of statements in a pipeline that was broken off psycopg believes that they were prepared
            connection.close()
            struck = error.__context__
            if struck is not handled and not isinstance(struck, Exception | None):
                raise struck from None  # an interrupt, which psycopg hides where it struck at the end
            raise

    def give_up(self, connection: Any) -> None:
        connection.close()

    def has_failed(self, connection: Any) -> bool:
        return str(connection.info.transaction_status.name) == "INERROR"

    def wipe(self, connection: Any) -> None:
        """Gather statistics anew, which show what was deleted; files keep a deleted row until they are vacuumed."""
        for (table,) in connection.execute(_GATHERED).fetchall():
            connection.execute(f"ANALYZE {table}")


def _has_something_to_say(connection: Any) -> bool:
    """Say whether a server has sent something that nobody asked for, such as a farewell."""
    with selectors.DefaultSelector() as selector:
        selector.register(connection.fileno(), selectors.EVENT_READ)
        return bool(selector.select(timeout=0))


def _raw(engine: sa.Engine, **options: object) -> Any:
    """Open a connection that no pool knows."""
    places, named = engine.dialect.create_connect_args(engine.url)
    return engine.dialect.connect(*places, **{**named, **options})


def database(url: str) -> Database:
    """Give what differs for the database of a URL."""
    try:
        parsed = sa.make_url(url)
    except (sa.exc.ArgumentError, AttributeError):
        raise refusal("url", 'a URL such as "sqlite:///nps.db" or "postgresql://host/name"', "another") from None
    if "@" in (parsed.host or ""):  # the rest of a password, which an error of the driver would show
        raise InvalidArgument("url must have @ in a user or a password written as %40 (got two @ before the path)")
    if parsed.drivername == "sqlite":
        return _Sqlite(parsed)
    if parsed.drivername in {"postgresql", "postgresql+psycopg"}:
        return _Postgresql(parsed)
    raise refusal("url", "one of SQLite or PostgreSQL (with psycopg)", parsed.drivername)


class Link:
    """A connection in use: statements by text, and transactions within transactions."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.is_closed = False
        self._connection = database.connect()
        self.process = os.getpid()
        #: Held by whoever uses it.
        self.lock = RLock()
        self.depth = 0
        self._is_in_snapshot = False
        #: Whether something was deleted of which nothing may remain.
        self.deleted = False
        # not at the end of the process, when a thread may still be using it
        weakref.finalize(self, _close, self._connection, self.process).atexit = False

    def execute(self, text: str, parameters: Parameters | None = None) -> Any:
        """Execute one statement, and give its cursor."""
        return self._connection.execute(text, parameters or {})

    def rows(self, text: str, parameters: Parameters | None = None) -> list[Any]:
        """Give all rows."""
        found: list[Any] = self._connection.execute(text, parameters or {}).fetchall()
        return found

    def stream(self, text: str, parameters: Parameters) -> Iterator[Sequence[Any]]:
        """Give rows as they come."""
        return self.database.stream(self._connection, text, parameters)

    def many(self, text: str, parameters: Sequence[Parameters]) -> None:
        """Execute one statement with each of many sets of values."""
        if parameters:
            self._connection.cursor().executemany(text, parameters)

    @contextmanager
    def transaction(self, *, pipelined: bool) -> Iterator[None]:
        """Commit at the end, or roll back; one within another is rolled back alone, and is not pipelined."""
        is_pipelined, deleted = pipelined and not self.depth, self.deleted
        commit, back = _PART if self.depth else _WHOLE
        try:
            with self.database.pipeline(self._connection) if is_pipelined else nullcontext():
                if self.depth:
                    self._connection.execute("SAVEPOINT part")
                else:
                    self.database.begin(self._connection)
                self.depth += 1
                try:
                    yield
                finally:
                    self.depth -= 1
                self._check_own()
                if not is_pipelined:
                    self._check_whole()
                self._each(commit)
        except BaseException as error:
            self.deleted = deleted
            self._undo(back, error)
            raise

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Read what was there at one moment; within a transaction that writes, nobody else changes anything."""
        if self.depth or self._is_in_snapshot:
            yield
            return
        try:
            self._is_in_snapshot = True
            self._connection.execute(self.database.snapshot)
            yield
            self._check_own()
            self._connection.execute("ROLLBACK")
        except BaseException as error:
            self._undo(("ROLLBACK",), error)
            raise
        finally:
            self._is_in_snapshot = False

    def _check_own(self) -> None:
        """Refuse to end what the parent of this process has begun."""
        if self.process != os.getpid():
            raise StoreClosed("the process was forked in a transaction, which only its parent can end")

    def _check_whole(self) -> None:
        """Refuse to end what the database will not keep, and would not say so."""
        if self.database.has_failed(self._connection):
            raise StoreClosed("a statement failed in the transaction, of which nothing was written")

    def _undo(self, back: Iterable[str], error: BaseException) -> None:
        """Undo what was under way, or do without the connection where that is not sure."""
        if self.process != os.getpid():
            return
        is_undone = isinstance(error, Exception)
        try:
            self._each(back)
        except Exception:  # noqa: BLE001 -- what is raised is what went wrong first
            is_undone = False
        if not is_undone:
            self.database.give_up(self._connection)

    def _each(self, statements: Iterable[str]) -> None:
        for statement in statements:
            self._connection.execute(statement)

    def wipe(self) -> None:
        """See to it that nothing remains of what was deleted."""
        self.deleted = False
        self.database.wipe(self._connection)

    @property
    def is_usable(self) -> bool:
        """Whether this process opened it, and it is still open."""
        return self.process == os.getpid() and not getattr(self._connection, "closed", False)

    @property
    def is_alive(self) -> bool:
        """Whether the way to the database has not been cut since it was last used; what is in use tells that itself."""
        return self.depth > 0 or self._is_in_snapshot or self.database.is_alive(self._connection)

    def abandon(self) -> None:
        """Leave the connection to the parent of this process: it is never closed here, not at the end either.

        That could harm the parent, or wait for ever for one of its threads.
        """
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(self._connection))

    def close(self) -> None:
        """Close the connection."""
        self.is_closed = True
        _close(self._connection, self.process)


def _close(connection: Any, process: int) -> None:
    if process == os.getpid():
        connection.close()


class Connections:
    """Links to one database, each for one thread of one process."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._lock = RLock()
        self._is_open, self._is_inherited = True, False
        self._links: weakref.WeakSet[Link] = weakref.WeakSet()
        #: What transactions have found and written; empty after one that was undone.
        self.cache: dict[Any, Any] = {}
        self._held: Any = _Held() if database.shared else _HeldByThread()
        _ALL.add(self)

    @contextmanager
    def reading(self, *, snapshot: bool = False) -> Iterator[Link]:
        """Give a link to read with; in a snapshot, what it reads is of one moment."""
        alone = self._lock if self.database.shared else nullcontext()
        with alone, self._used() as link, link.snapshot() if snapshot else nullcontext():
            yield link

    @contextmanager
    def writing(self, *, pipelined: bool = False) -> Iterator[Link]:
        """Give a link in a transaction that keeps everybody else from writing.

        Everybody waits for it to end. So one that is pipelined, in which no rows are streamed, goes the way to the
        database and back as few times as can be.
        """
        with self._lock, self._used() as link:
            try:
                with link.transaction(pipelined=pipelined):
                    yield link
            except BaseException:
                self.cache.clear()
                raise
            if link.deleted and not link.depth:
                link.wipe()

    @contextmanager
    def _used(self) -> Iterator[Link]:
        link = self._link()
        with link.lock:
            if not self._is_open:
                raise StoreClosed("the store was closed")
            yield link

    def _link(self) -> Link:
        if not self._is_open:
            raise StoreClosed("the store was closed")
        link: Link | None = self._held.link
        if link is not None and link.depth and not link.is_usable:
            raise StoreClosed("the connection was lost in a transaction, of which nothing was written")
        if link is None or not (link.is_usable and link.is_alive):
            if self._is_inherited:
                raise StoreClosed("the store was open when this process was forked: open it after that, or spawn")
            link = self._held.link = Link(self.database)
            self._links.add(link)
        return link

    def close(self) -> None:
        """Close all links, once whoever uses one has done with it."""
        self._is_open = False
        for link in list(self._links):
            if link.lock.acquire(timeout=_PATIENCE):
                try:
                    link.close()
                finally:
                    link.lock.release()

    def forked(self) -> None:
        """Begin anew in a child: whoever held the lock, or used a link, is in the parent."""
        if self.database.file and not all(link.is_closed for link in self._links):
            self._is_inherited = True
            if not self.database.shared:
                _TAKEN.add(os.path.realpath(self.database.file))
        for link in self._links:
            link.abandon()
        self._lock = RLock()
        self._held = _Held() if self.database.shared else _HeldByThread()
        self._links = weakref.WeakSet()
        self.cache = {}


class _Held:
    link: Link | None = None


class _HeldByThread(local):
    link: Link | None = None


def _after_fork() -> None:
    for connections in list(_ALL):
        connections.forked()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
