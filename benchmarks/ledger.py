"""What the ledger costs: a durable append, reading it back as columns, and a dispatch."""

import argparse
import os
import sqlite3
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from timing import extra_megabytes, medians, row, seconds

from netpromoter.engine import Links, Program
from netpromoter.model import Contact, Message, OptedOut, Receipt, Scheduled, Survey
from netpromoter.plugins import load_plugins
from netpromoter.rules import Wave
from netpromoter.stores import MemoryStore, SqlStore

START = datetime(2026, 6, 1, 8, tzinfo=UTC)


def append(folder, rounds):
    """Compare one durable append with a bare write and fdatasync of one page."""
    store = SqlStore(f"sqlite:///{folder}/append.db")
    store.append([OptedOut(contact="c", at=START)])
    events = iter([OptedOut(contact="c", at=START + timedelta(seconds=number))] for number in range(1, 10 * rounds))
    with (Path(folder) / "bare").open("wb", buffering=0) as file:

        def bare():
            file.write(bytes(4096))
            os.fdatasync(file.fileno())

        found = medians({"ours": lambda: store.append(next(events)), "bare": bare}, rounds=rounds)
    store.close()
    against = f"a write of one page and `fdatasync`, {seconds(found['bare'])}"
    ratio = f"{found['ours'] / found['bare']:.1f}x"
    row("`append` of one event, SQLite", seconds(found["ours"]), against=against, ratio=ratio, target="at most 1.5x")


def scheduled(number):
    """Make the adoption of a message."""
    message = Message(
        survey="nps",
        occasion=str(number % 20),
        contact=f"c-{number // 3}",
        step=number % 3,
        channel="email",
        to=f"{number // 3}@example.com",
        destination=number // 3 + 1,
        due=START + timedelta(seconds=number),
    )
    return Scheduled(message=message, at=START)


def reading(folder, size, rounds):
    """Compare the ledger as columns with a bare SELECT of as many rows."""
    path = f"{folder}/reading.db"
    store = SqlStore(f"sqlite:///{path}")
    began = time.perf_counter()
    for start in range(0, size, 10_000):
        store.append([scheduled(number) for number in range(start, min(start + 10_000, size))])
    speed = size / (time.perf_counter() - began)
    with sqlite3.connect(path) as bare:
        names = [name for _, name, *_ in bare.execute("PRAGMA table_info(netpromoter_touch)")]
        query = f"SELECT {', '.join(names)} FROM netpromoter_touch ORDER BY position"  # noqa: S608 -- names of columns
        found = medians({"ours": store.touches, "bare": lambda: bare.execute(query).fetchall()}, rounds=rounds)
    assert len(store.touches()) == size
    store.close()
    what = f"`touches` of {size:,} messages, SQLite"
    against = f"a bare SELECT of them, {seconds(found['bare'])}; written at {speed:,.0f} events a second"
    row(
        what,
        seconds(found["ours"]),
        against=against,
        ratio=f"{found['ours'] / found['bare']:.1f}x",
        target="at most 3x",
    )


class Relay:
    """A relay that takes two milliseconds for a mail."""

    def __copy__(self):
        return Relay()

    def send(self, message):
        """Take the message."""
        time.sleep(0.002)
        return Receipt.sent(message)


def program(store, size):
    """Adopt a wave of so many people."""
    made = Program(
        survey=Survey("nps", product="Acme"),
        store=store,
        channels={"email": Relay()},
        links=Links("https://nps.example.com", keys=["a secret that nobody can guess"]),
        cadence=Wave("summer"),
        rules=[],
        plugins=load_plugins(entry_points=False),
    )
    people = [Contact(id=f"c-{number}", addresses={"email": f"{number}@example.com"}) for number in range(size)]
    made.adopt(made.plan(people, at=START), at=START)
    return made


def dispatching(folder, size):
    """Compare a dispatch with its ledger on a disk with one whose ledger is in memory."""
    took = {}
    for name, store in (("memory", MemoryStore()), ("disk", SqlStore(f"sqlite:///{folder}/dispatch.db"))):
        made = program(store, size)
        began = time.perf_counter()
        assert made.dispatch(clock=lambda: START, workers=8).sent == size
        took[name] = time.perf_counter() - began
    what = f"a dispatch of {size:,} mails, relay of 2 ms, 8 connections, SQLite"
    against = f"the same with the ledger in memory, {seconds(took['memory'])}"
    ratio = f"{took['disk'] / took['memory']:.2f}x"
    row(what, seconds(took["disk"]), against=against, ratio=ratio, target="at most 1.1x")
    made = program(SqlStore(f"sqlite:///{folder}/memory.db"), size)
    memory = extra_megabytes(lambda: made.dispatch(clock=lambda: START))
    row("its memory", f"{memory:.0f} MB", against="before the dispatch", ratio=f"{memory:.0f} MB", target="stated")


def main():
    """Measure on the disk of the folder for temporary files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--appends", type=int, default=300)
    parser.add_argument("--touches", type=int, default=3 * 10**5)
    parser.add_argument("--mails", type=int, default=2_000)
    parser.add_argument("--folder", default=None, help="where the databases lie; a disk, not memory")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        append(folder, options.appends)
        reading(folder, options.touches, 5)
        dispatching(folder, options.mails)


if __name__ == "__main__":
    main()
