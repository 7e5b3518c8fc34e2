"""Several processes on one database: nothing is lost, written twice, torn or late."""

import random
import signal
import subprocess
import sys
import time

import pytest

from netpromoter.stores import SqlStore

PROLOGUE = """
import sys
from datetime import UTC, datetime
from netpromoter.model import OptedOut
from netpromoter.stores import SqlStore
url, name = sys.argv[1:]
AT = datetime(2026, 6, 1, tzinfo=UTC)
def events(turn, size=3):
    return [OptedOut(contact=f"{name}-{turn}-{place}", at=AT) for place in range(size)]
"""
WRITE = """
store = SqlStore(url)
sys.stdin.readline()
for turn in range(25):
    store.append(events(turn))
    store.append([OptedOut(contact=f"all-{turn}", at=AT)])
"""
WRITE_ON = """
store = SqlStore(url)
turn = 0
print("ready", flush=True)
while True:
    store.append(events(turn, 20))
    turn += 1
"""
OPEN = """
sys.stdin.readline()
store = SqlStore(url)
store.append(events(0))
"""


def start(program, url, name):
    """Start a program in a process of its own."""
    command = [sys.executable, "-W", "error", "-c", PROLOGUE + program, url, str(name)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def status(program, url):
    """Run a program to its end in a process of its own, and give its status."""
    process = start(program, url, "alone")
    process.communicate(timeout=60)
    return process.returncode


def go(processes):
    """Let processes begin at once."""
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()


def test_processes_that_append_at_once_write_everything_once(url):
    """What 8 processes append is there once, and a reader who polls meanwhile sees all of it, in order."""
    reader = SqlStore(url)
    processes = [start(WRITE, url, name) for name in range(8)]
    go(processes)
    seen, is_last = [], False
    while not is_last:
        is_last = all(process.poll() is not None for process in processes)
        seen += reader.entries(after=seen[-1].position if seen else None)
    assert [process.wait() for process in processes] == [0] * 8
    assert [entry.position for entry in seen] == list(range(1, 8 * 25 * 3 + 25 + 1))
    assert seen == list(reader.entries())
    assert len({entry.event.id for entry in seen}) == len(seen)
    reader.close()
    for process in processes:
        process.communicate()


def test_a_process_that_is_killed_leaves_all_or_nothing(url):
    """However often a writer is killed, at random instants, each append is there as a whole or not at all."""
    instants = random.Random(7)  # noqa: S311 -- any instants will do
    for name in range(6):
        with start(WRITE_ON, url, name) as process:
            process.stdout.readline()
            time.sleep(instants.uniform(0, 0.15))
            process.send_signal(signal.SIGKILL)
    store = SqlStore(url)
    found = [entry.event.contact.split("-") for entry in store.entries()]
    parts = [found[start : start + 20] for start in range(0, len(found), 20)]
    assert [[place for *_, place in part] for part in parts] == [[str(place) for place in range(20)]] * len(parts)
    assert all(len({(name, turn) for name, turn, _ in part}) == 1 for part in parts)
    assert [entry.position for entry in store.entries()] == list(range(1, len(found) + 1))
    assert len(store.touches()) == len(found)
    store.close()


def test_processes_that_open_a_new_database_at_once_make_its_tables_once(url):
    """Of several who open what is not there yet, one makes the tables, and all can use them."""
    processes = [start(OPEN, url, name) for name in range(4)]
    time.sleep(0.5)
    go(processes)
    for process in processes:
        process.communicate()
    assert [process.returncode for process in processes] == [0] * 4
    store = SqlStore(url)
    assert len(list(store.entries())) == 12
    store.close()


FORK = """
import os
from netpromoter.errors import InvalidArgument, StoreClosed
store = SqlStore(url)
store.append(events(0))

def refused(attempt, error):
    try:
        attempt()
    except error as problem:
        return "forked" in str(problem)

def goes_on():
    store.append(events(1))
    return len(list(store.entries())) == 6

def is_told():
    held = [lambda: store.append(events(1)), lambda: list(store.entries()), store.exclusive().__enter__]
    return all(refused(each, StoreClosed) for each in held) and refused(lambda: SqlStore(url), InvalidArgument)

child = os.fork()
if not child:
    os._exit(0 if (goes_on if url.startswith("postgresql") else is_told)() else 1)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
store.append(events(2))
assert len(list(store.entries())) == (9 if url.startswith("postgresql") else 6)
store.close()
child = os.fork()
if not child:
    store = SqlStore(url)
    store.append(events(3))
    store.close()
    os._exit(0)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
store = SqlStore(url)
assert len(list(store.entries())) == (12 if url.startswith("postgresql") else 9)
store.close()
"""


def test_a_process_that_forks_lets_its_child_go_on_or_tells_it_that_it_cannot(url):
    """A child opens connections of its own to a server; in a file SQLite would take its parent's locks for its own."""
    assert status(FORK, url) == 0


FORK_WITHIN = """
import os
from netpromoter.errors import StoreClosed
store = SqlStore(url)
with store.exclusive():
    store.append(events(0))
    child = os.fork()
    if child:
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        store.append(events(1))
if not child:
    os._exit(9)
assert code == 3, code
assert len(list(store.entries())) == 6
store.close()
"""


def test_a_child_ends_no_transaction_of_its_parent(url):
    """Forked within `exclusive`, it cannot leave that as if it were its own."""
    wrapped = """
import os, sys
def told(kind, problem, trace):
    os._exit(3 if "only its parent" in str(problem) else 4)
sys.excepthook = told
"""
    assert status(wrapped + FORK_WITHIN, url) == 0


FORK_WHILE_WRITING = """
import os, threading
store = SqlStore(url)
store.append(events(0))
is_over = False

def write():
    with store.exclusive():
        while not is_over:
            pass

thread = threading.Thread(target=write)
thread.start()
child = os.fork()
if not child:
    store.append(events(1))
    os._exit(0)
is_over = True
thread.join()
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
assert len(list(store.entries())) == 6
store.close()
"""


def test_a_child_does_not_wait_for_a_thread_that_stayed_in_its_parent(postgresql):
    """Who held the lock of the store when the process was forked is not in the child."""
    assert status(FORK_WHILE_WRITING, postgresql) == 0


CLOSE_WHILE_WRITING = """
import threading, time
from netpromoter.errors import StoreClosed
ends = []

def write(store):
    turn = 0
    try:
        while True:
            store.append(events(turn, 1))
            list(store.entries(contacts=["nobody"]))
            turn += 1
    except StoreClosed:
        ends.append(turn)

store = SqlStore(url)
for each in range(10):
    name = each
    threads = [threading.Thread(target=write, args=(store,)) for _ in range(3)]
    for thread in threads:
        thread.start()
    time.sleep(0.1)
    store.close()
    for thread in threads:
        thread.join()
    store = SqlStore(url)
assert len(ends) == 30, ends
for _ in range(2):
    threading.Thread(target=write, args=(store,), daemon=True).start()
time.sleep(0.05)
"""


def test_a_store_is_closed_whoever_uses_it(url):
    """Each thread ends what it is at and is told; and a program may end while some still write, without a crash."""
    assert status(CLOSE_WHILE_WRITING, url) == 0


def test_an_append_waits_for_another_process(url):
    """While another process holds `exclusive`, an append waits and is then written behind what was written within."""
    holding = """
store = SqlStore(url)
with store.exclusive():
    print("held", flush=True)
    sys.stdin.readline()
    store.append(events(0))
"""
    store = SqlStore(url)
    process = start(holding, url, "held")
    process.stdout.readline()
    assert list(store.entries()) == []
    go([process])
    with store.exclusive():
        assert len(list(store.entries())) in {0, 3}
    process.communicate()
    assert process.returncode == 0
    store.close()


@pytest.mark.parametrize("statement", ["PRAGMA journal_mode", "PRAGMA synchronous", "PRAGMA foreign_keys"])
def test_sqlite_is_set_to_lose_nothing(sqlite, statement):
    """A file has a write-ahead log, and is flushed at each commit."""
    store = SqlStore(sqlite)
    with store._connections.reading() as link:
        assert link.rows(statement)[0][0] in {"wal", 2, 1}
    store.close()
