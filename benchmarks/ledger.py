"""What the ledger costs: a durable append, reading it back as columns, and a dispatch."""

import argparse
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import deque
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from statistics import median
from uuid import uuid4

import numpy as np
from planning import POLICY, contacts, prepare
from timing import extra_megabytes, medians, row, seconds

from netpromoter.channels import SmtpChannel
from netpromoter.engine import Links, Program
from netpromoter.model import Contact, Message, OptedOut, Receipt, Scheduled, Survey, to_dict
from netpromoter.plugins import load_plugins
from netpromoter.rules import Wave
from netpromoter.stores import MemoryStore, SqlStore

START = datetime(2026, 6, 1, 8, tzinfo=UTC)
AT = datetime(2026, 8, 1, 3, tzinfo=UTC)


def append(folder, rounds):
    """Compare one durable append with what SQLite takes for a bare durable INSERT, and with a write and fdatasync."""
    store = SqlStore(f"sqlite:///{folder}/append.db")
    store.append([OptedOut(contact="c", at=START)])
    events = iter([OptedOut(contact="c", at=START + timedelta(seconds=number))] for number in range(1, 10 * rounds))
    record = json.dumps(to_dict(OptedOut(contact="c", at=START))).encode() + b"\n"
    alone = sqlite3.connect(f"{folder}/alone.db", isolation_level=None)
    for statement in ("PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL", "CREATE TABLE log (body TEXT)"):
        alone.execute(statement)
    with (Path(folder) / "bare").open("wb", buffering=0) as file:

        def write(written):
            file.write(written)
            os.fdatasync(file.fileno())

        runs = {
            "ours": lambda: store.append(next(events)),
            "an INSERT of as many bytes into a table without an index, SQLite alone": partial(
                alone.execute, "INSERT INTO log VALUES (?)", (record,)
            ),
            "a write of one page and `fdatasync`": partial(write, bytes(4096)),
            "a write of as many bytes and `fdatasync`": partial(write, record),
        }
        medians(runs, rounds=rounds)  # until the write-ahead log has its size
        ours, *others = medians(runs, rounds=rounds).items()
    alone.close()
    store.close()
    for number, (against, took) in enumerate(others):
        what = "`append` of one event, SQLite" if number == 0 else "the same"
        target = "at most 1.5x" if number == 0 else ""
        row(
            what, seconds(ours[1]), against=f"{against}, {seconds(took)}", ratio=f"{ours[1] / took:.2f}x", target=target
        )


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
        snapshot={"plan": "paid"},
    )
    return Scheduled(message=message, at=START)


def reading(folder, size, rounds):
    """Compare the ledger as columns, and a plan made from it, with a bare SELECT of as many rows."""
    path = f"{folder}/reading.db"
    store = SqlStore(f"sqlite:///{path}")
    began = time.perf_counter()
    for start in range(0, size, 10_000):
        store.append([scheduled(number) for number in range(start, min(start + 10_000, size))])
    speed = size / (time.perf_counter() - began)
    with sqlite3.connect(path) as bare:
        names = [name for _, name, *_ in bare.execute("PRAGMA table_info(netpromoter_touch)")]
        query = f"SELECT {', '.join(names)} FROM netpromoter_touch ORDER BY position"  # noqa: S608 -- names of columns
        people = contacts(np.random.default_rng(1), size // 3)
        prepare(people)
        made = planning(store)
        runs = {
            "bare": lambda: deque(bare.execute(query), maxlen=0),
            "touches": store.touches,
            "plan": lambda: made.plan(people, at=AT),
        }
        found = medians(runs, rounds=rounds)
    assert len(store.touches()) == size
    store.close()
    against = f"a bare SELECT of them, {seconds(found['bare'])}; written at {speed:,.0f} events a second"
    ratio = f"{found['touches'] / found['bare']:.1f}x"
    what = f"`touches` of {size:,} messages, SQLite"
    row(what, seconds(found["touches"]), against=against, ratio=ratio, target="at most 3x")
    what = f"`Program.plan` of {len(people):,} contacts from them, SQLite"
    ratio = f"{found['plan'] / found['bare']:.1f}x"
    row(what, seconds(found["plan"]), against="the same SELECT", ratio=ratio, target="at most 3x")


def planning(store):
    """Make a program that plans the next wave by several rules."""
    return Program(
        survey=Survey("nps", product="Acme"),
        store=store,
        channels={"email": Slow()},
        links=Links("https://nps.example.com", keys=["a secret that nobody can guess"]),
        cadence=POLICY.cadence,
        audience=POLICY.audience,
        rules=POLICY.rules,
        plugins=load_plugins(entry_points=False),
    )


class Slow:
    """A channel that takes two milliseconds for a message, or another time, and does nothing."""

    def __init__(self, wait=0.002):
        self.wait = wait

    def __copy__(self):
        return Slow(self.wait)

    def send(self, message):
        """Take the message."""
        time.sleep(self.wait)
        return Receipt.sent(message)


@contextmanager
def relay(wait=0.002):
    """Run a mail server that takes so long for a mail; give a channel to it."""
    command = [sys.executable, Path(__file__).with_name("relay.py"), str(wait)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            port = int(process.stdout.readline())
            yield SmtpChannel("127.0.0.1", port=port, security="none", sender="care@example.com")
        finally:
            process.kill()


def program(store, size, channel):
    """Adopt a wave of so many people."""
    made = Program(
        survey=Survey("nps", product="Acme"),
        store=store,
        channels={"email": channel},
        links=Links("https://nps.example.com", keys=["a secret that nobody can guess"]),
        cadence=Wave("summer"),
        rules=[],
        plugins=load_plugins(entry_points=False),
    )
    people = [Contact(id=f"c-{number}", addresses={"email": f"{number}@example.com"}) for number in range(size)]
    made.adopt(made.plan(people, at=START), at=START)
    return made


def dispatching(folder, size, rounds):
    """Compare dispatches whose ledger is on a disk with such whose ledger is in memory."""
    with relay() as channel:
        found = compared(folder, size, rounds, channel)
    told(f"a dispatch of {size:,} mails, SMTP relay of 2 ms, 8 connections, SQLite", *found, target="at most 10 %")
    found = compared(folder, size, rounds, Slow())
    told("the same, a channel that waits 2 ms and does nothing in place of SMTP", *found, target="")


def compared(folder, size, rounds, channel):
    """Dispatch by 8 workers, in turn with either ledger; give what some rounds took on disk and in memory."""
    took = {"memory": [], "disk": []}
    for _ in range(rounds):
        for where, store in (("memory", MemoryStore()), ("disk", SqlStore(f"sqlite:///{folder}/{uuid4()}.db"))):
            made = program(store, size, channel)
            began = time.perf_counter()
            assert made.dispatch(clock=lambda: START, workers=8).sent == size
            took[where].append(time.perf_counter() - began)
    return took["disk"], took["memory"]


def told(what, disk, memory, *, target):
    """Write a row of a dispatch: medians, and that of the ratios, each of two that ran one after the other."""
    against = f"the same with the ledger in memory, {seconds(median(memory))}"
    ratio = median(ours / theirs for ours, theirs in zip(disk, memory, strict=True))
    share = f"{ratio:.2f}x, {1 - 1 / ratio:.0%} of the time"
    row(what, seconds(median(disk)), against=against, ratio=share, target=target)


def holding(folder, size):
    """Measure what a dispatch holds in memory, of a tenth of the messages and of all."""
    found = []
    for mails in (size // 10, size):
        made = program(SqlStore(f"sqlite:///{folder}/memory-{mails}.db"), mails, Slow(0))
        found.append(extra_megabytes(lambda made=made: made.dispatch(clock=lambda: START, workers=8)))
        assert made.store.waiting(START, limit=1) == {}
    what = f"the memory of a dispatch of {size:,} mails, 8 connections, SQLite"
    against = f"that of a dispatch of {size // 10:,}, {found[0]:.1f} MB"
    row(what, f"{found[1]:.1f} MB", against=against, ratio=f"{found[1]:.0f} MB", target="stated")


def main():
    """Measure on the disk of the folder for temporary files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--appends", type=int, default=300)
    parser.add_argument("--touches", type=int, default=3 * 10**6)
    parser.add_argument("--mails", type=int, default=2_000)
    parser.add_argument("--dispatches", type=int, default=15)
    parser.add_argument("--held", type=int, default=10**5)
    parser.add_argument("--folder", default=None, help="where the databases lie; a disk, not memory")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        holding(folder, options.held)
        append(folder, options.appends)
        reading(folder, options.touches, 5)
        dispatching(folder, options.mails, options.dispatches)


if __name__ == "__main__":
    main()
