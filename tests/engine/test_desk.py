"""One thread prepares and writes for all workers, and each gets what is its own."""

import threading
from collections import deque
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest

from netpromoter.engine._desk import Desk, Dry
from netpromoter.errors import Conflict
from netpromoter.model import OptedOut
from netpromoter.stores import MemoryStore

AT = datetime(2026, 6, 1, 8, tzinfo=UTC)


class Slow:
    """A store that holds its first append until it is told to go on, and counts commits."""

    def __init__(self, wrong=None):
        self.store, self.wrong = MemoryStore(), wrong
        self.commits, self.first, self.go_on = [], threading.Event(), threading.Event()

    def append(self, events, *, expecting=None):
        if not self.first.is_set():
            self.first.set()
            self.go_on.wait()
        if self.wrong:
            raise self.wrong
        new = self.store.append(events, expecting=expecting)
        self.commits.append(len(events))
        return new


def opt_out(number):
    return OptedOut(contact=f"c-{number}", at=AT)


@contextmanager
def opened(store, prepare, *, workers):
    """Open a desk whose workers do nothing until the end; the test does their work."""
    end, stop = threading.Event(), threading.Event()
    desk = Desk(
        store, prepare, workers={f"idle/{number}": lambda _: end.wait(60) for number in range(workers)}, stop=stop
    )
    desk.open()
    yield desk
    end.set()
    assert desk.wait(60)
    assert (desk.failure, stop.is_set()) == (None, False)


def nothing():
    """Prepare nothing."""
    raise Dry


def from_a_list(messages):
    """Prepare what is in a list, and note how often that was asked."""

    def prepare():
        prepare.calls += 1
        if not messages:
            raise Dry
        return messages.pop(0)

    prepare.calls = 0
    return prepare


def together(store, jobs):
    """Let the first job write, and the others wait for it; give what each got or raised."""
    found = {}

    def work(name, events, expecting):
        try:
            found[name] = desk.append(events, expecting)
        except (Conflict, OSError, SystemExit) as problem:
            found[name] = problem

    with opened(store, nothing, workers=len(jobs)) as desk:
        threads = [threading.Thread(target=work, args=(name, *job)) for name, job in enumerate(jobs)]
        threads[0].start()
        store.first.wait()
        for thread in threads[1:]:
            thread.start()
        while desk._requests.qsize() < len(jobs) - 1:
            pass
        store.go_on.set()
        for thread in threads:
            thread.join()
    return found


def test_those_who_wait_are_written_together():
    """However many wait while one writes, the next commit takes them all, and each knows what was new of its own."""
    store = Slow()
    jobs = [([opt_out(number)], {f"c-{number}": 0}) for number in range(8)]
    found = together(store, jobs)
    assert store.commits == [1, 7]
    assert found == {number: {opt_out(number).id} for number in range(8)}


def test_a_conflict_is_that_of_its_worker_alone():
    """Where one of those who wait has been overtaken, the others are written all the same."""
    store = Slow()
    store.store.append([opt_out(3)])
    jobs = [([opt_out(number + 10)], {f"c-{number}": 0}) for number in range(6)]
    found = together(store, jobs)
    assert isinstance(found.pop(3), Conflict)
    assert found == {number: {opt_out(number + 10).id} for number in (0, 1, 2, 4, 5)}


def test_two_who_expect_of_one_person_write_one_after_the_other():
    """What one of them writes counts for the other."""
    store = Slow()
    jobs = [
        ([opt_out(0)], None),
        ([opt_out(1)], {"c-1": 0}),
        ([OptedOut(contact="c-1", at=AT.replace(hour=9))], {"c-1": 0}),
    ]
    found = together(store, jobs)
    assert sorted(type(found[number]).__name__ for number in (1, 2)) == ["Conflict", "set"]


@pytest.mark.parametrize("kind", [OSError, SystemExit])
@pytest.mark.parametrize("waiting", [1, 4])
def test_an_error_of_the_store_is_everybodys(waiting, kind):
    """Nobody takes for written what is not, and nobody waits for ever."""
    found = together(Slow(kind("No space left on device")), [([opt_out(number)], None) for number in range(waiting)])
    assert [str(problem) for problem in found.values()] == ["No space left on device"] * waiting


def test_what_was_written_before_a_store_gave_up_is_no_error():
    """Of two who are written one after the other, the first has been written when the store ends the second."""
    store = Slow()
    jobs = [([opt_out(0)], None), ([opt_out(1)], {"c-9": 0}), ([opt_out(2)], {"c-9": 0})]
    plain = store.append

    def append(events, *, expecting=None):
        if len(store.commits) == 2:
            raise SystemExit
        return plain(events, expecting=expecting)

    store.append = append
    found = together(store, jobs)
    assert sorted(type(found[number]).__name__ for number in (1, 2)) == ["SystemExit", "set"]


def test_every_message_is_given_once():
    """However many ask, and how often, each message is one worker's, and then there are none."""
    given = []

    def work():
        while (found := desk.next()) is not None:
            given.append(found)

    with opened(MemoryStore(), from_a_list(list(range(500))), workers=8) as desk:
        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(given) == list(range(500))


def test_no_more_is_prepared_than_there_are_workers():
    """While nobody asks, as many messages are ready as workers could ask for; a write waits for them and no others."""
    prepare = from_a_list(list(range(100)))
    with opened(MemoryStore(), prepare, workers=3) as desk:
        assert desk.append([opt_out(0)]) == {opt_out(0).id}
        assert prepare.calls == 0  # nobody has begun to ask
        assert desk.next() == 0
        desk.append([opt_out(1)])
        assert prepare.calls == 4
        assert [desk.next(), desk.next()] == [1, 2]
        desk.append([opt_out(2)])
        assert prepare.calls == 6


def test_who_asks_again_may_be_given_what_has_come_since():
    """That there was nothing is not remembered."""
    messages = []
    with opened(MemoryStore(), from_a_list(messages), workers=2) as desk:
        assert desk.next() is None
        messages.append("late")
        assert desk.next() == "late"
        assert desk.next() is None


def test_what_is_passed_over_holds_up_no_write():
    """A worker whose outcome is to be written does not wait while thousands of messages are found not to leave."""
    written = threading.Event()

    def pass_over():
        if written.is_set():
            raise Dry

    with opened(MemoryStore(), pass_over, workers=8) as desk:
        asking = threading.Thread(target=desk.next)
        asking.start()
        assert desk.append([opt_out(0)]) == {opt_out(0).id}
        written.set()
        asking.join()


@pytest.mark.parametrize("kind", [OSError, SystemExit])
def test_what_preparing_raises_is_raised_once_what_is_ready_is_given(kind):
    """Nothing that was prepared is lost, nobody waits for ever, and the error is told once."""
    problems = [kind("gone")]

    def prepare():
        if messages:
            return messages.pop(0)
        raise problems.pop() if problems else Dry

    messages = ["first", "second"]
    with opened(MemoryStore(), prepare, workers=1) as desk:
        assert [desk.next(), desk.next()] == ["first", "second"]
        with pytest.raises(kind, match="gone"):
            desk.next()
        assert desk.next() is None


class Stolen(deque):
    """What is ready, of which another worker takes one whenever the desk has looked whether there is one."""

    def __bool__(self):
        found = len(self) > 0
        if found and self.thieves:
            self.thieves.pop().append(self.popleft())
        return found

    def popleft(self):
        if self.thieves and len(self):
            self.thieves.pop().append(super().popleft())
        return super().popleft()


def test_nobody_is_sent_away_since_another_was_faster():
    """What was ready when somebody asked may be gone when it is their turn; they get the next."""
    stolen = []
    with opened(MemoryStore(), from_a_list(list(range(9))), workers=2) as desk:
        desk._ready = Stolen()
        desk._ready.thieves = [stolen, stolen]
        found = [desk.next() for _ in range(7)]
        assert desk.next() is None
    assert sorted(found + stolen) == list(range(9))


def test_a_desk_ends_with_its_last_worker():
    """Each works in a thread of its own name, is served to its end, and may end when it likes."""
    found, gate = {}, threading.Event()

    def short(_):
        found["short"] = threading.current_thread().name

    def long(desk):
        gate.wait(60)
        found["long"] = desk.append([opt_out(0)]), desk.next()

    desk = Desk(MemoryStore(), nothing, workers={"w/0": short, "w/1": long}, stop=threading.Event())
    desk.open()
    assert not desk.wait(0.05)
    gate.set()
    assert desk.wait(60)
    assert found == {"short": "w/0", "long": ({opt_out(0).id}, None)}


@pytest.mark.parametrize("begun", [0, 1, 2])
def test_those_who_could_be_started_end_where_another_cannot(monkeypatch, begun):
    """The desk says why, and has those stop that have begun."""
    start, stop, ended = threading.Thread.start, threading.Event(), []

    def limited(thread):
        if thread.name == f"w/{begun}":
            raise RuntimeError("can't start new thread")
        start(thread)

    def work(_):
        ended.append(stop.wait(60))

    desk = Desk(MemoryStore(), nothing, workers=dict.fromkeys(["w/0", "w/1", "w/2"], work), stop=stop)
    monkeypatch.setattr(threading.Thread, "start", limited)
    desk.open()
    assert desk.wait(60)
    assert str(desk.failure) == "can't start new thread"
    assert ended == [True] * begun


def test_a_desk_that_goes_wrong_tells_everybody(monkeypatch):
    """Whatever happens to its thread, nobody waits for ever: not who asks, who writes, nor who waits for the end."""
    found, stop = [], threading.Event()

    def broken(_):
        raise MemoryError("no more")

    def work(desk):
        for _ in range(2):
            for ask in (desk.next, lambda: desk.append([opt_out(0)])):
                try:
                    ask()
                except MemoryError as problem:
                    found.append(str(problem))

    monkeypatch.setattr(Desk, "_do_next", broken)
    desk = Desk(MemoryStore(), nothing, workers={"w/0": work, "w/1": work}, stop=stop)
    desk.open()
    assert desk.wait(60)
    assert found == ["no more"] * 8
    assert (str(desk.failure), stop.is_set()) == ("no more", True)
