"""A channel is given no more than so many messages in any span of a length, by however many workers."""

import copy
import pickle
import threading
import time
from datetime import UTC, datetime, timedelta

import attrs
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from netpromoter.engine import Links, Program, Rate
from netpromoter.engine._rates import Pace
from netpromoter.errors import InvalidArgument
from netpromoter.model import Contact, Receipt, Sending, Survey
from netpromoter.plugins import load_plugins
from netpromoter.rules import Recovery, Wave
from netpromoter.stores import MemoryStore

START = datetime(2026, 6, 1, 8, tzinfo=UTC)
SECOND, MICROSECOND = timedelta(seconds=1), timedelta(microseconds=1)


class Time:
    """A clock, and what waits on it without taking any time."""

    def __init__(self, now=START):
        self.now, self.waited = now, []

    def __call__(self):
        return self.now

    def wait(self, seconds):
        self.waited.append(seconds)
        self.now += timedelta(seconds=seconds)
        return False


def most(times, per):
    """Count the most of some instants that any span of a length holds, half open."""
    return max(sum(start <= time < start + per for time in times) for start in times)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(
    number=st.integers(1, 20),
    per=st.timedeltas(MICROSECOND, timedelta(days=2)),
    pauses=st.lists(st.timedeltas(timedelta(0), timedelta(days=1)), min_size=1, max_size=60),
)
@example(number=3, per=SECOND, pauses=[timedelta(0)] * 9)
def test_no_span_holds_more_than_its_messages(number, per, pauses):
    """Whenever messages come, never more than n leave in any span of the length, and none waits longer than a gap."""
    clock, pace, left = Time(), Pace(Rate(number, per=per).gap), []
    for pause in pauses:
        clock.now += pause
        assert pace.turn(clock, clock.wait)
        left.append(clock.now)
    assert most(left, per) <= number
    assert max(clock.waited, default=0) <= Rate(number, per=per).gap / SECOND


def test_a_rate_is_used_up_and_not_more():
    """Where messages are always at hand, one leaves after every gap, and the first at once."""
    clock, pace = Time(), Pace(Rate(4, per=SECOND).gap)
    for _ in range(9):
        pace.turn(clock, clock.wait)
    assert clock.now - START == 2 * SECOND
    assert clock.waited == [0.25] * 8


@pytest.mark.parametrize("jump", [timedelta(0), timedelta(days=-30)])
def test_a_clock_that_stands_still_or_is_set_back_gives_no_burst(jump):
    """Where no time has passed by the clock the whole gap is waited for, and no more."""
    waited, now = [], [START]
    pace = Pace(Rate(2, per=SECOND).gap)
    for _ in range(4):
        pace.turn(lambda: now[0], lambda seconds: waited.append(seconds) or False)
        now[0] += jump
    assert waited == [0.5] * 3


class Post:
    """A channel that notes when it is given something."""

    def __init__(self):
        self.at = []

    def __copy__(self):
        return self

    def send(self, message):
        self.at.append(time.monotonic())
        return Receipt.sent(message)


def now():
    """Give the present."""
    return datetime.now(UTC)


def adopted(channel, rates, count=30):
    """Give a program whose wave of so many people is adopted."""
    found = Program(
        survey=Survey("nps", product="Acme"),
        store=MemoryStore(),
        channels={"post": channel},
        links=Links("https://nps.example.com", keys=["a secret that nobody can guess"]),
        cadence=Wave("summer"),
        rules=[],
        rates=rates,
        plugins=load_plugins(entry_points=False),
    )
    people = [Contact(id=f"c-{number}", addresses={"post": f"{number} High Street"}) for number in range(count)]
    found.adopt(found.plan(people, at=START), at=START)
    return found


def test_workers_share_a_rate():
    """Eight workers together give a channel no more than it takes, evenly, and all of it."""
    channel = Post()
    assert adopted(channel, {"post": Rate(10, per=timedelta(seconds=0.2))}).dispatch(clock=now, workers=8).sent == 30
    gaps = [later - sooner for sooner, later in zip(channel.at, channel.at[10:], strict=False)]
    assert min(gaps) > 0.1  # as one thread measures what another one does
    assert channel.at[-1] - channel.at[0] > 0.55


def test_a_rate_holds_from_one_dispatch_to_the_next():
    """Who dispatches one message at a time gives the channel no more in a span than who dispatches all at once."""
    channel = Post()
    found = adopted(channel, {"post": Rate(5, per=SECOND)})
    for _ in range(3):
        found.dispatch(clock=now, limit=1)
    assert channel.at[2] - channel.at[0] > 0.39


def test_who_shares_a_rate_shares_its_pace():
    """A program and its recovery, however often that is asked for, and another program with the same rate."""
    clock, rate = Time(), Rate(4, per=SECOND)
    found, other = (adopted(Post(), {"post": rate}, 0) for _ in range(2))
    again = attrs.evolve(found, recovery=Recovery())
    made = [found, again.recovery_program, again.recovery_program, other]
    for each in made * 2:
        assert each.delivery.turn("post", clock, clock)
        each.delivery.keep_apart("post", clock, clock)
    assert clock.now - START == 7 * SECOND / 4


def test_two_rates_are_two_although_they_are_equal():
    """The pace is no part of what a rate says, and no copy shares it."""
    clock, rate = Time(), Rate(4, per=SECOND)
    others = [Rate(4, per=SECOND), copy.deepcopy(rate), pickle.loads(pickle.dumps(rate)), attrs.evolve(rate)]  # noqa: S301
    for each in [rate, *others]:
        assert adopted(Post(), {"post": each}, 0).delivery.turn("post", clock, clock)
        assert (each, hash(each), repr(each)) == (rate, hash(rate), f"Rate(messages=4, per={timedelta(seconds=1)!r})")
    assert clock.now == START


def test_a_stop_does_not_wait_for_a_turn():
    """A dispatch that waits for its rate ends at once when it is asked to, and has taken no message that it leaves."""
    channel, stop = Post(), threading.Event()
    found = adopted(channel, {"post": Rate(1, per=timedelta(hours=1))})
    asking = threading.Timer(0.2, stop.set)
    asking.start()
    began = time.monotonic()
    done = found.dispatch(clock=now, workers=4, stop=stop)
    assert time.monotonic() - began < 30
    assert (done.sent, done.interrupted) == (1, True)
    assert len(list(found.store.entries(kinds=(Sending,)))) == 1


def test_a_clock_that_stands_still_can_be_dispatched_by():
    """A rehearsal at one instant keeps the rate too."""
    channel = Post()
    found = adopted(channel, {"post": Rate(20, per=SECOND)}, 4)
    assert found.dispatch(clock=lambda: START, workers=2).sent == 4
    assert channel.at[-1] - channel.at[0] > 0.14


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Rate(0, per=SECOND), r"messages must be a whole number of at least 1 \(got 0\)"),
        (lambda: Rate(True, per=SECOND), "messages must be a whole number"),  # noqa: FBT003
        (lambda: Rate(1, per=timedelta(0)), "per must be"),
        (lambda: Rate(1, per=1), "per must be"),
        (lambda: adopted(Post(), {"mail": Rate(1, per=SECOND)}), r"rates must be one of 'post' \(got 'mail'\)"),
        (lambda: adopted(Post(), {"post": 14}), r"rates must be a mapping of channels to a Rate \(got 14\)"),
        (lambda: adopted(Post(), [14]), r"rates must be a mapping of channels to a Rate \(got \[14\]\)"),
    ],
)
def test_what_is_no_rate_is_refused(make, message):
    """A rate has a number and a length, and belongs to a channel that there is."""
    with pytest.raises(InvalidArgument, match=message):
        make()
