"""Ballot boxes: every box keeps the contract, refuses by name, and can be killed while a poll is closed."""

import random
import signal
import sqlite3
import subprocess
import sys
from contextlib import suppress
from functools import partial
from secrets import token_bytes

import attrs
import psycopg
import pytest

from netpromoter.errors import (
    Conflict,
    InvalidArgument,
    InvalidToken,
    MissingDependency,
    NotErased,
    PollClosed,
)
from netpromoter.model import Ballot, Poll, ReleasedGroup
from netpromoter.plugins import BallotBox
from netpromoter.stores import MemoryBallotBox, SqlBallotBox
from netpromoter.stores._ballots_sql import _Found
from netpromoter.stores._ballots_sql_tables import PollTables
from netpromoter.testing import BallotBoxContract


class TestMemoryBallotBox(BallotBoxContract):
    """The box in memory keeps every sentence of the port."""

    @pytest.fixture
    def box(self):
        return MemoryBallotBox(random_bytes=token_bytes)


class TestSqlBallotBoxInMemory(BallotBoxContract):
    """So does a database in memory, which threads share."""

    @pytest.fixture
    def box(self):
        box = SqlBallotBox("sqlite://", random_bytes=token_bytes)
        yield box
        box.close()


class TestSqlBallotBox(BallotBoxContract):
    """So do a file of SQLite and a PostgreSQL, which several open at once."""

    @pytest.fixture
    def reopen(self, url):
        opened = []

        def reopen():
            opened.append(SqlBallotBox(url, random_bytes=token_bytes))
            return opened[-1]

        yield reopen
        for box in opened:
            box.close()

    @pytest.fixture
    def box(self, reopen):
        return reopen()


# -- what it refuses ---------------------------------------------------------------------------------------------------


def poll(occasion="autumn", **more):
    roster = {f"p-{place:02}": {"team": "ab"[place % 2]} for place in range(12)}
    return Poll(**{"survey": "enps", "occasion": occasion, "roster": roster} | more)


def everybody(tally):
    """Show everybody and nothing else."""
    return [
        ReleasedGroup(table=table, labels=labels, invited=found.n + found.missing, histogram=None if table else found)
        for table in tally.tables
        for labels, found in tally.by(table).items()
    ]


def cast_all(box, occasion="autumn"):
    """Open a poll, and let everybody cast."""
    box.open_poll(poll(occasion))
    for place, name in enumerate(poll().roster):
        box.cast(f"enps/{occasion}", name, Ballot(rating=place % 11, comment=f"comment {place}"))


@pytest.fixture(params=["memory", "sqlite"])
def box(request):
    """Give a box with one poll."""
    random_bytes = random.Random(7).randbytes  # noqa: S311 -- nobody guesses in a test
    boxes = {"memory": MemoryBallotBox, "sqlite": partial(SqlBallotBox, "sqlite://")}
    box = boxes[request.param](random_bytes=random_bytes)
    box.open_poll(poll())
    yield box
    box.close()


REFUSED = {
    "poll must be a Poll (got 'enps/autumn')": lambda box: box.open_poll("enps/autumn"),
    "minimum must be 5, as it was when the poll was opened (got 3)": lambda box: box.open_poll(poll(minimum=3)),
    "roster must be the one with which the poll was opened, which never changes (got \"another for 'new'; 1 such in "
    'all")': lambda box: box.open_poll(poll(roster={**poll().roster, "new": {}})),
    "poll must be the id of a poll that was opened (got 'enps')": lambda box: box.turnout("enps"),
    "poll must be the id of a poll that was opened (got None)": lambda box: box.release(None),
    "poll must be closed before anything is released of it (got 'one that is open')": lambda box: box.release(
        "enps/autumn"
    ),
    "ballot must be a Ballot (got <class 'str'>)": lambda box: box.cast("enps/autumn", "p-00", "nine"),
    "participant must be one of the roster (got 'stranger')": lambda box: box.cast(
        "enps/autumn", "stranger", Ballot(rating=9)
    ),
    "contact must be text that is not blank (got 7)": lambda box: box.forget(7),
}


@pytest.mark.parametrize("message", REFUSED)
def test_what_is_refused_is_named(box, message):
    """Every refusal names the argument, the rule and the value, and shows no ballot."""
    with pytest.raises(InvalidArgument) as caught:
        REFUSED[message](box)
    assert str(caught.value) == message


def test_tokens_are_refused_without_being_shown(box):
    """A wrong token is not shown, nor is the right one asked for by its name; no reason is told to respondents."""
    box.cast("enps/autumn", "p-00", Ballot(rating=9))
    for token, reason in (("secret", "unknown key"), (7, "malformed")):
        with pytest.raises(InvalidToken, match=r"^token must be valid here and now \(got one that is not\)$") as caught:
            box.cast("enps/autumn", "p-00", Ballot(rating=9), token=token)
        assert caught.value.reason == reason
    message = r"^who has cast a ballot can cast another only with the token that the first one gave$"
    with pytest.raises(Conflict, match=message):
        box.cast("enps/autumn", "p-00", Ballot(rating=9))


def test_what_comes_too_late_is_told_so(box):
    """After the close a ballot is refused by what became of the poll."""
    with pytest.raises(ZeroDivisionError):
        box.close_poll("enps/autumn", lambda tally: 1 / 0)
    with pytest.raises(PollClosed, match=r"^the poll must be open \(got one that is closing\)$"):
        box.cast("enps/autumn", "p-00", Ballot(rating=9))
    box.close_poll("enps/autumn", hide)
    with pytest.raises(PollClosed, match=r"^the poll must be open \(got one that is closed\)$"):
        box.participated("enps/autumn")


def hide(tally):
    """Show nothing."""
    return [attrs.evolve(each, histogram=None) for each in everybody(tally)]


LIES = {
    "gives a ReleasedGroup for each group of the poll's tables (got something else)": lambda tally: [tally],
    "gives each group of a table once (got another number of some in the table ())": lambda tally: [],
    "gives the counts of the tally (got others for () in the table ())": lambda tally: [
        attrs.evolve(each, invited=1) for each in everybody(tally)
    ],
    "withholds groups of fewer than 5 ballots (got () shown)": everybody,
}


@pytest.mark.parametrize("message", LIES)
def test_a_release_that_lies_is_refused_without_a_count(box, message):
    """What `protect` does wrong is named; what it gave is not shown."""
    with pytest.raises(InvalidArgument) as caught:
        box.close_poll("enps/autumn", LIES[message])
    assert str(caught.value) == f"protect must be a function that {message}"


def test_what_is_withheld_of_a_table_must_be_enough(box):
    """A table from which few are missing would tell of them by subtraction from everybody."""
    box.open_poll(poll("winter", tables=[("team",)]))
    for place in (0, 1, 2, 3, 4, 6, 8):
        box.cast("enps/winter", f"p-{place:02}", Ballot(rating=9))
    with pytest.raises(InvalidArgument) as caught:
        box.close_poll(
            "enps/winter",
            lambda tally: [
                each if each.n is not None else attrs.evolve(each, histogram=shown)
                for each in everybody(tally)
                for shown in [tally.by(each.table)[each.labels] if each.labels == ("a",) else None]
            ],
        )
    rule = "withholds 5 ballots of a table, or none (got fewer in the table ('team',))"
    assert str(caught.value) == f"protect must be a function that {rule}"


@pytest.mark.parametrize("make", [MemoryBallotBox, partial(SqlBallotBox, "sqlite://")])
def test_a_source_of_tokens_that_is_none_is_refused(make):
    """Tokens come of bytes, as many as were asked for, and never the same twice."""
    with pytest.raises(
        InvalidArgument, match=r"^random_bytes must be a function, such as secrets.token_bytes \(got b'"
    ):
        make(random_bytes=b"random")
    for source, rule in (
        (lambda size: "0" * size, r"gives as many bytes as one asks for \(16\) \(got <class 'str'>\)$"),
        (lambda size: bytes(size - 1), r"gives as many bytes as one asks for \(16\) \(got <class 'bytes'>\)$"),
        (bytes, r"gives other bytes each time \(got 'bytes that it gave before'\)$"),
    ):
        box = make(random_bytes=source)
        box.open_poll(poll())
        if source is bytes:
            box.cast("enps/autumn", "p-00", Ballot(rating=9))
        with pytest.raises(InvalidArgument, match=rf"^random_bytes must be a function that {rule}"):
            box.cast("enps/autumn", "p-01", Ballot(rating=9))
        assert len(box.participated("enps/autumn")) == (source is bytes)
        box.close()


def test_polls_of_a_newer_version_are_refused_by_name():
    """A poll that a newer netpromoter opened is left alone."""
    box = SqlBallotBox("sqlite://", random_bytes=token_bytes)
    box.open_poll(poll())
    with box._connections.writing() as link:
        link.execute("UPDATE netpromoter_poll SET version = 2")
    with pytest.raises(InvalidArgument, match=r"^url must be that of polls of version 1 at most, .*'version 2'\)$"):
        box.cast("enps/autumn", "p-00", Ballot(rating=9))
    box.close()


def test_a_missing_library_is_named(monkeypatch):
    """Without SQLAlchemy the box says what to install."""
    monkeypatch.setitem(sys.modules, "sqlalchemy", None)
    with pytest.raises(MissingDependency, match=r"^SqlBallotBox needs sqlalchemy: install netpromoter\[program\]$"):
        SqlBallotBox("sqlite://", random_bytes=token_bytes)


def test_a_box_says_of_itself_where_it_is():
    """The representation names the kind of database and nothing more."""
    box = SqlBallotBox("sqlite://", random_bytes=token_bytes)
    assert repr(box) == "SqlBallotBox(sqlite)"
    box.close()
    assert isinstance(box, BallotBox)


# -- who is in the way -------------------------------------------------------------------------------------------------


def test_a_reader_of_the_file_is_in_the_way_of_the_close(tmp_path, monkeypatch):
    """While somebody reads the file of SQLite it cannot be wiped: the poll is not closed, and one can close again."""
    monkeypatch.setattr("netpromoter.stores._connections._PATIENCE", 0.1)
    box = SqlBallotBox(f"sqlite:///{tmp_path}/nps.db", random_bytes=token_bytes)
    cast_all(box)
    reader = sqlite3.connect(tmp_path / "nps.db", isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM netpromoter_poll").fetchone()
    with pytest.raises(NotErased, match=r"^what was cast is still in the file, which another reads: close again$"):
        box.close_poll("enps/autumn", everybody)
    assert box.status("enps/autumn") == "closing"
    with pytest.raises(InvalidArgument, match=r"\(got 'one that is closing'\)$"):
        box.release("enps/autumn")
    box.open_poll(poll())
    reader.close()
    assert box.close_poll("enps/autumn", everybody).group().n == 12
    box.close()


def test_who_holds_a_lock_is_in_the_way_of_the_close(postgresql, monkeypatch):
    """PostgreSQL drops nothing that somebody reads; it does not wait for ever, and one can close again."""
    drop = PollTables.drop
    monkeypatch.setattr(PollTables, "drop", lambda self: (each.replace("60s", "50ms") for each in drop(self)))
    box = SqlBallotBox(postgresql, random_bytes=token_bytes)
    cast_all(box)
    with psycopg.connect(postgresql) as reader:
        reader.execute("SELECT count(*) FROM netpromoter_poll_1_ballots").fetchone()
        with pytest.raises(NotErased, match=r"^what was cast cannot be dropped while another reads it: close"):
            box.close_poll("enps/autumn", everybody)
    assert box.status("enps/autumn") == "closing"
    assert box.close_poll("enps/autumn", everybody).group().n == 12
    box.close()


def test_what_else_goes_wrong_in_the_close_is_raised_as_it_is(monkeypatch):
    """Only a lock is somebody in the way."""
    monkeypatch.setattr(PollTables, "drop", lambda self: ["DROP TABLE netpromoter_nothing"])
    box = SqlBallotBox("sqlite://", random_bytes=token_bytes)
    cast_all(box)
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        box.close_poll("enps/autumn", everybody)
    assert box.status("enps/autumn") == "closing"
    box.close()


ASKS = [SqlBallotBox.listed, SqlBallotBox.participated, SqlBallotBox.turnout]


def test_who_reads_waits_for_nobody_who_casts(url, monkeypatch):
    """While another writes, the roster, participants and turnout are told as they were before."""
    monkeypatch.setattr("netpromoter.stores._connections._PATIENCE", 0.1)
    impatient = url.replace("options=", "options=-c%20lock_timeout%3D100ms%20")
    box, other = (SqlBallotBox(impatient, random_bytes=token_bytes) for _ in range(2))
    box.open_poll(poll())
    box.cast("enps/autumn", "p-00", Ballot(rating=9))
    before = [ask(box, "enps/autumn") for ask in ASKS]
    with other._connections.writing():
        other.cast("enps/autumn", "p-01", Ballot(rating=9))
        assert [ask(box, "enps/autumn") for ask in ASKS] == before
    assert len(box.participated("enps/autumn")) == 2
    for each in (box, other):
        each.close()


@pytest.mark.parametrize("ask", ASKS)
@pytest.mark.parametrize("finishes", [True, False])
def test_who_reads_while_a_poll_is_closed_is_told_so(url, monkeypatch, ask, finishes):
    """Whether what they were about to read is there or gone, the poll was closed before it was read."""
    box, other = (SqlBallotBox(url, random_bytes=token_bytes) for _ in range(2))
    cast_all(box)

    def late(found, name, **values):
        monkeypatch.undo()
        with suppress(InvalidArgument):
            other.close_poll("enps/autumn", everybody if finishes else lambda _: ())
        return found.rows(name, **values)

    monkeypatch.setattr(_Found, "rows", late)
    with pytest.raises(PollClosed, match=r"^the poll must be open \(got one that is clos"):
        ask(box, "enps/autumn")
    assert box.status("enps/autumn") == ("closed" if finishes else "closing")
    for each in (box, other):
        each.close()


def test_what_else_goes_wrong_while_one_reads_is_raised_as_it_is(monkeypatch):
    """Only a poll that is closed is told to be."""
    box = SqlBallotBox("sqlite://", random_bytes=token_bytes)
    box.open_poll(poll())
    monkeypatch.setattr(PollTables, "__getitem__", lambda *_: "SELECT absent")
    with pytest.raises(sqlite3.OperationalError, match="no such column"):
        box.participated("enps/autumn")
    box.close()


@pytest.mark.parametrize("make", [MemoryBallotBox, partial(SqlBallotBox, "sqlite://")])
def test_of_two_who_close_at_once_one_decides(make):
    """While `protect` works another may close; then what it gives comes too late, and is not looked at."""
    box = make(random_bytes=token_bytes)
    cast_all(box)

    def late(tally):
        box.close_poll("enps/autumn", everybody)
        return hide(tally)

    assert box.close_poll("enps/autumn", late).group().n == 12
    box.close()


def test_nobody_remains_in_a_file_who_is_forgotten(tmp_path):
    """Forgetting wipes the id out of the file, and leaves the ballot."""
    box = SqlBallotBox(f"sqlite:///{tmp_path}/nps.db", random_bytes=token_bytes)
    cast_all(box)
    assert any(b"p-07" in path.read_bytes() for path in tmp_path.iterdir())
    assert box.forget("p-07") == 1
    assert not any(b"p-07" in path.read_bytes() for path in tmp_path.iterdir())
    assert box.close_poll("enps/autumn", everybody).group().n == 12
    box.close()


# -- several processes -------------------------------------------------------------------------------------------------

PROLOGUE = """
import os, signal, sys
from secrets import token_bytes
from netpromoter.errors import Conflict
from netpromoter.model import Ballot, ReleasedGroup
from netpromoter.stores import SqlBallotBox, _ballots_sql
from netpromoter.stores._connections import Link
url = sys.argv[1]
def opened():
    return SqlBallotBox(url, random_bytes=token_bytes)
def forked(task, *given):
    child = os.fork()
    if not child:
        task(*given)
        os._exit(0)
    return child
def ended(child):
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
"""
#: Where a process is killed, in the order in which it comes there.
DEATHS = """
def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)
def after(thing, name):
    done = getattr(thing, name)
    setattr(thing, name, lambda *given: (done(*given), die()))
def everybody(tally):
    (found,) = tally.by(()).values()
    return [ReleasedGroup(table=(), labels=(), invited=found.n + found.missing, histogram=found)]
deaths = [
    lambda: after(SqlBallotBox, "_begin_closing"),
    lambda: globals().update(everybody=die),
    lambda: setattr(SqlBallotBox, "_empty", die),
    lambda: after(_ballots_sql, "_drop"),
    lambda: after(SqlBallotBox, "_empty"),
    lambda: after(Link, "wipe"),
]
def close(place):
    deaths[place]()
    opened().close_poll(f"enps/w{place}", everybody)
print(*[ended(forked(close, place)) for place in range(len(deaths))])
"""
CAST = """
def cast():
    box = opened()
    for place in range(12):
        try:
            box.cast("enps/autumn", f"p-{place:02}", Ballot(rating=place % 11))
            os.write(1, f"{place} ".encode())
        except Conflict:
            pass
assert [ended(child) for child in [forked(cast) for _ in range(3)]] == [0, 0, 0]
"""


def said(program, url):
    """Run a program in a process of its own, and give the numbers that it says."""
    command = [sys.executable, "-W", "error", "-c", PROLOGUE + program, url]
    return [int(number) for number in subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout.split()]


def test_who_is_killed_while_closing_leaves_a_poll_that_can_be_closed(url):
    """At whichever step the process is killed, no ballot is taken any more, and closing again loses nothing."""
    box = SqlBallotBox(url, random_bytes=token_bytes)
    polls = [f"w{place}" for place in range(6)]
    for occasion in polls:
        cast_all(box, occasion)
    assert said(DEATHS, url) == [-signal.SIGKILL] * len(polls)
    for occasion in polls:
        assert box.status(f"enps/{occasion}") == "closing"
        with pytest.raises(PollClosed):
            box.cast(f"enps/{occasion}", "p-00", Ballot(rating=0))
        found = box.close_poll(f"enps/{occasion}", everybody)
        assert (found.group().n, len(found.comments)) == (12, 12)
        assert box.status(f"enps/{occasion}") == "closed"
    box.close()


def test_of_processes_that_cast_for_the_same_people_one_is_heard_for_each(url):
    """However many processes take ballots at once, each person casts one."""
    box = SqlBallotBox(url, random_bytes=token_bytes)
    box.open_poll(poll())
    assert sorted(said(CAST, url)) == list(range(12))
    assert box.close_poll("enps/autumn", everybody).group().n == 12
    box.close()
