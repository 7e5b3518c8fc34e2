"""Opening a database: its tables are made or brought up to date, by one of those who open it at once."""

from __future__ import annotations

from netpromoter._checks import refusal

from ._connections import Connections, Link, database
from ._ledger import Ledger
from ._schema import MIGRATIONS
from ._statements import Statements
from ._whose import keyed_hash

__all__ = ["opened"]

_INSERT = "INSERT INTO netpromoter_meta (name, value) VALUES"


def opened(url: str, key: bytes) -> Ledger:
    """Open a database, or refuse it by name."""
    where = database(url)
    connections, statements = Connections(where), Statements(where)
    try:
        known = _current(connections, statements, key)
    except BaseException:
        connections.close()
        raise
    return Ledger(connections=connections, statements=statements, key=key, salt=bytes.fromhex(known["salt"]))


def _current(connections: Connections, statements: Statements, key: bytes) -> dict[str, str]:
    """Give what a database says of itself, once its tables are those of this version."""
    with connections.reading() as link:
        known = _known(link, statements)
    if _version(known) < len(MIGRATIONS):
        with connections.writing() as link:
            _migrate(link, _known(link, statements), key)
            known = _known(link, statements)
    if _version(known) > len(MIGRATIONS):
        rule = f"that of a ledger of version {len(MIGRATIONS)} at most: this one was written by a newer netpromoter"
        raise refusal("url", rule, f"version {known['version']}")
    if known["key"] != _mark(known, key):
        raise refusal("key", "the one with which the ledger was begun", "another")
    return known


def _known(link: Link, statements: Statements) -> dict[str, str]:
    """Give what the database says of itself; nothing if it has no tables yet."""
    there = link.rows(link.database.has_meta)[0][0]
    return dict(link.rows(statements["meta"])) if there else {}


def _version(known: dict[str, str]) -> int:
    return int(known.get("version", 0))


def _mark(known: dict[str, str], key: bytes) -> str:
    """Give that by which a key is known, and which does not give it away."""
    return keyed_hash("", key, bytes.fromhex(known["salt"]))


def _migrate(link: Link, known: dict[str, str], key: bytes) -> None:
    """Bring the tables up to date; somebody else may have done it while this one waited."""
    for migration in MIGRATIONS[_version(known) :]:
        for statement in migration(link.database.dialect):
            link.execute(statement)
    if not known:
        link.execute(f"{_INSERT} ('salt', {link.database.random})")
        salt = link.rows("SELECT value FROM netpromoter_meta WHERE name = 'salt'")[0][0]
        link.execute(f"{_INSERT} ('key', '{_mark({'salt': salt}, key)}')")
    link.execute("DELETE FROM netpromoter_meta WHERE name = 'version'")
    link.execute(f"{_INSERT} ('version', '{len(MIGRATIONS)}')")
