"""The failure tables: all that can go wrong with a mail, on a real connection, and with the store beside it."""

import itertools
import re
import sqlite3
import ssl
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme

from netpromoter.channels import SmtpChannel
from netpromoter.engine import Links, Program
from netpromoter.errors import ChannelDown, Uncertain
from netpromoter.model import Contact, Message, Receipt, Sending, Sent, Survey
from netpromoter.plugins import load_plugins
from netpromoter.rules import Wave
from netpromoter.stores import SqlStore
from scripted_smtp import FAULTS, LINES, PHASES, ScriptedServer

PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "failures.md"
DUE = datetime(2026, 6, 1, 8, tzinfo=UTC)
STORE_FAULTS = ("database gone", "disk full", "clock set back")
MOMENTS = ("before the intent", "after the intent", "after the send", "after the outcome")
WAITING = {"hang", "slow drip"}
LARGE = "A line of text that is long enough to be one.\n" * 150_000
AUTHORITY = trustme.CA()
CLIENT, SERVER = ssl.create_default_context(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
AUTHORITY.configure_trust(CLIENT)
AUTHORITY.issue_cert("127.0.0.1").configure_cert(SERVER)


def documented(faults):
    """Read a table of the page: the outcome of each fault at each place."""
    rows = [re.split(r" *\| *", line.strip("| \n")) for line in PAGE.read_text().splitlines() if line.startswith("|")]
    body = rows[rows.index(list(faults)) + 2 :]
    found = itertools.takewhile(lambda row: len(row) == len(faults) + 1, body)
    return {(row[0], fault): cell for row in found for fault, cell in zip(faults, row[1:], strict=True)}


def message(number=0, text="Tell us."):
    return Message(
        survey="nps",
        occasion="o",
        contact=f"c-{number}",
        step=0,
        channel="email",
        to="ann@example.com",
        due=DUE,
        subject="How likely?",
        text=text,
    )


def outcome(channel, sent):
    """Say in one word what a channel says."""
    try:
        receipt = channel.send(sent)
    except ChannelDown:
        return "channel down"
    except Uncertain:
        return "uncertain"
    return "sent" if receipt.accepted else "permanent" if receipt.permanent else "temporary"


def tried(cell):
    """Send a message into a failure and another one after it; give both outcomes and how many mails were taken."""
    phase, fault = cell
    implicit = phase == "connect"
    with ScriptedServer(SERVER, phase=phase, fault=fault, implicit=implicit) as server:
        channel = SmtpChannel(
            "127.0.0.1",
            port=server.port,
            security="tls" if implicit else "starttls",
            sender="care@example.com",
            username="acme",
            password="secret",  # noqa: S106 -- of a server in this process
            timeout=timedelta(seconds=1.2 if fault in WAITING else 20),
            final_timeout=timedelta(seconds=1.5 if fault in WAITING else 20),
            context=CLIENT,
        )
        with channel:
            first = outcome(channel, message(0, LARGE if phase == "body" and fault not in LINES else "Tell us."))
            taken = len(server.taken)
            if phase == "QUIT":
                channel.__exit__(None, None, None)
            second = outcome(channel, message(1))
        return first, second, taken, len(server.taken), server.spent


@pytest.fixture(scope="module")
def results():
    """Try all cells, and those that wait side by side."""
    cells = [(phase, fault) for phase in PHASES for fault in FAULTS]
    slow = [cell for cell in cells if cell[1] in WAITING]
    with ThreadPoolExecutor(len(slow)) as pool:
        found = dict(zip(slow, pool.map(tried, slow), strict=True))
    return found | {cell: tried(cell) for cell in cells if cell not in found}


def test_the_table_has_a_cell_for_every_fault_at_every_place():
    """The page documents one outcome for each, and no other."""
    assert set(documented(FAULTS)) == {(phase, fault) for phase in PHASES for fault in FAULTS}
    assert set(documented(FAULTS).values()) == {"temporary", "permanent", "channel down", "uncertain", "sent"}
    assert set(documented(STORE_FAULTS)) == {(moment, fault) for moment in MOMENTS for fault in STORE_FAULTS}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("phase", PHASES)
def test_every_failure_has_the_documented_outcome(results, phase, fault):
    """What the channel says is what the page says, it is true, and the next message is sent."""
    first, second, taken, both, spent = results[phase, fault]
    assert spent
    assert first == documented(FAULTS)[phase, fault]
    assert taken == (first == "sent") or first == "uncertain"
    assert (second, both) == ("sent", taken + 1)


class Gone(Exception):
    """What a database says that is not there."""


class Failing:
    """A real store, and a fault at one moment in the life of a message."""

    def __init__(self, store, moment, fault):
        self.store, self.moment, self.fault = store, moment, fault
        self.now, self.struck = DUE, False
        self.pass_by("before the start" if fault == "clock set back" else "")

    def __getattr__(self, name):
        return self.answered(getattr(self.store, name))

    def append(self, events, **options):
        """Append, and pass by the moments before and after an intent or an outcome."""
        kinds = {type(event) for event in events}
        self.pass_by("before the intent" if Sending in kinds else "")
        new = self.__getattr__("append")(events, **options)
        self.pass_by("after the intent" if Sending in kinds else "after the outcome" if Sent in kinds else "")
        return self.answered(new)

    def answered(self, new):
        """Give an answer, unless the database is gone before it can."""
        if self.struck and self.fault == "database gone":
            raise Gone
        return new

    def clock(self):
        """Give the present."""
        return self.now

    def pass_by(self, moment):
        """Let the fault strike at its moment; a clock that is set back before the intent is so from the start."""
        early = moment == "before the start" and self.moment == "before the intent"
        if self.struck or (moment != self.moment and not early):
            return
        self.struck = True
        if self.fault == "clock set back":
            self.now -= timedelta(hours=2)
        elif self.fault == "disk full":
            fill(self.store)


def fill(store):
    """Let the file of a store grow no more, whatever thread has opened it."""
    for link in store._connections._links:
        link.execute("PRAGMA max_page_count = 1")


def program(store, channel):
    """Give a program on a store."""
    return Program(
        survey=Survey("nps", product="Acme"),
        store=store,
        channels={"post": channel},
        links=Links("https://nps.example.com", keys=["a secret that nobody can guess"]),
        cadence=Wave("summer"),
        rules=[],
        plugins=load_plugins(entry_points=False),
    )


class Post:
    """A channel that counts what it is given, and says so much of it that no page has room for it."""

    def __init__(self, after=lambda: None):
        self.given, self.after = 0, after

    def __copy__(self):
        return self

    def send(self, message):
        self.given += 1
        self.after()
        return Receipt.sent(message, "reference" * 20_000)


@pytest.mark.parametrize("fault", STORE_FAULTS)
@pytest.mark.parametrize("moment", MOMENTS)
def test_every_failure_of_a_store_has_the_documented_outcome(tmp_path, moment, fault):
    """What the ledger knows afterwards is what the page says, and the next dispatch sends what was not sent, once."""
    url = f"sqlite:///{tmp_path / 'nps.db'}"
    store = SqlStore(url)
    setup = program(store, Post())
    setup.adopt(setup.plan([Contact(id="c-1", addresses={"post": "1 High Street"})], at=DUE), at=DUE)
    failing = Failing(store, moment, fault)
    channel = Post(lambda: failing.pass_by("after the send"))
    raised = ended(program(failing, channel), failing.clock)
    store.close()

    after = SqlStore(url)
    waiting, sent = len(after.waiting(DUE, limit=9)), list(after.entries(kinds=(Sent,)))
    uncertain = program(after, channel).uncertain(at=DUE + timedelta(days=1))
    found = "sent" if sent else "uncertain" if uncertain else "stop the run" if raised else "retry later"
    assert found == documented(STORE_FAULTS)[moment, fault]
    assert waiting == (found in {"stop the run", "retry later"})
    assert raised == (fault != "clock set back" and not (fault == "disk full" and found == "sent"))
    channel.after = lambda: None
    program(after, channel).dispatch(clock=lambda: DUE + timedelta(days=2))
    assert channel.given == 1 or (found, moment) == ("uncertain", "after the intent")
    assert channel.given <= 1
    after.close()


def ended(found, clock):
    """Say whether a dispatch raised what the fault raises."""
    try:
        found.dispatch(clock=clock, worker="worker" * 20_000)
    except (Gone, sqlite3.OperationalError) as error:
        return isinstance(error, Gone) or "full" in str(error)
    return False
