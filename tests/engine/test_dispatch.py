"""Adopted messages are sent once, or it is known that nobody knows."""

import itertools
import os
import signal
import threading
import time
from datetime import UTC, datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

import attrs
import pytest

from netpromoter.engine import Dispatch, Links, Program, Rate, Templates, _dispatch
from netpromoter.errors import ChannelDown, Conflict, InvalidArgument, Uncertain
from netpromoter.model import (
    Bounced,
    Contact,
    Declined,
    Failed,
    OptedIn,
    OptedOut,
    Receipt,
    Responded,
    Response,
    Scheduled,
    Sending,
    Sent,
    Survey,
    Triggered,
    Withheld,
)
from netpromoter.plugins import hookimpl, load_plugins
from netpromoter.rules import (
    AccountLimit,
    AtMost,
    Channels,
    Continuous,
    DailyCap,
    QuietPeriod,
    Reminders,
    SendWindow,
    Trigger,
    Wave,
    Waves,
)
from netpromoter.stores import MemoryStore, SqlStore

MONDAY = datetime(2026, 6, 1, 8, tzinfo=UTC)
LINKS = Links("https://nps.example.com", keys=["a secret that nobody can guess"])
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


class Post:
    """A channel that keeps what it was given, and does what it is told."""

    idempotent = False

    def __init__(self, answer=None):
        self.given, self.answer = [], answer or (lambda message, turn: Receipt.sent(message, f"post-{turn}"))

    def __copy__(self):
        return self

    def send(self, message):
        self.given.append(message)
        return self.answer(message, len(self.given))

    @property
    def people(self):
        return [message.contact for message in self.given]


class Clock:
    """A clock that is moved by hand."""

    def __init__(self, now=MONDAY):
        self.now = now

    def __call__(self):
        return self.now


def people(count, **more):
    return [
        Contact(id=f"c-{number}", addresses={"post": f"{number} High Street"} | more.get("also", {}))
        for number in range(count)
    ]


def program(channel, **options):
    chosen = {"store": MemoryStore(), "cadence": Wave("summer"), "rules": [], "channels": {"post": channel}}
    chosen |= {"plugins": load_plugins(entry_points=False), "links": LINKS, "backoff": HOUR}
    return Program(**{"survey": Survey("nps", product="Acme")} | chosen | options)


def adopted(channel, count=5, **options):
    """Give a program whose wave of so many people is adopted."""
    found = program(channel, **options)
    found.adopt(found.plan(people(count), at=MONDAY), at=MONDAY)
    return found


def fill_disk(found, is_full):
    """Let the store of a program fail from when something is so."""
    append = found.store.append

    def full(events, **options):
        if is_full():
            raise OSError("No space left on device")
        return append(events, **options)

    found.store.append = full


def kinds(found, kind):
    return [entry.event for entry in found.store.entries(kinds=(kind,))]


@pytest.mark.parametrize("workers", [1, 8])
def test_every_message_is_sent_once(workers):
    """Of any number of workers one sends each message, and a second dispatch finds nothing to do."""
    channel = Post()
    found = adopted(channel, 60)
    assert found.dispatch(clock=Clock(), workers=workers).sent == 60
    assert sorted(channel.people) == sorted(each.id for each in people(60))
    assert found.dispatch(clock=Clock(), workers=workers).sent == 0
    assert {event.message for event in kinds(found, Sent)} == {message.id for message in channel.given}


def test_two_programs_on_one_store_do_not_send_twice():
    """Dispatchers that know nothing of each other share the messages between them."""
    store, channels = MemoryStore(), [Post(), Post(), Post()]
    found = [program(channel, store=store) for channel in channels]
    found[0].adopt(found[0].plan(people(90), at=MONDAY), at=MONDAY)
    threads = [threading.Thread(target=each.dispatch, kwargs={"clock": Clock(), "workers": 2}) for each in found]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(person for channel in channels for person in channel.people) == sorted(each.id for each in people(90))


def test_dispatchers_that_compete_do_not_try_every_message():
    """Whoever finds that another was faster looks elsewhere: most messages are tried by one dispatcher alone."""
    store, conflicts, start = MemoryStore(), [], threading.Barrier(4)
    append = store.append

    def counted(events, /, *, expecting=None):
        try:
            return append(events, expecting=expecting)
        except Conflict:
            conflicts.append(events)
            raise

    def carry(message, turn):
        start.wait(60) if turn == 1 else time.sleep(0.001)
        return Receipt.sent(message)

    channels = [Post(carry) for _ in range(4)]
    found = [program(channel, store=store) for channel in channels]
    found[0].adopt(found[0].plan(people(1_200), at=MONDAY), at=MONDAY)
    store.append = counted
    threads = [threading.Thread(target=each.dispatch, kwargs={"clock": Clock()}) for each in found]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert min(len(channel.given) for channel in channels) > 30
    assert sum(len(channel.given) for channel in channels) == 1_200
    assert len(conflicts) < 1_200


def test_who_looks_elsewhere_keeps_the_order_of_each_person():
    """A reminder that has fallen due beside its invitation does not leave before it, whoever else dispatches."""

    def carry(message, _):
        other.dispatch(clock=clock, limit=1)
        return Receipt.sent(message)

    own, others, clock = Post(carry), Post(), Clock(MONDAY + timedelta(days=4))
    found = program(own, reminders=Reminders(after=timedelta(days=3)))
    other = program(others, store=found.store, reminders=Reminders(after=timedelta(days=3)))
    for days in (0, 3):
        at = MONDAY + timedelta(days=days)
        found.adopt(found.plan(people(60), at=at), at=at)
    found.dispatch(clock=clock)
    assert [message.step for message in own.given + others.given] == [0] * 60
    assert own.people != sorted(own.people, key=lambda who: int(who[2:]))  # it did look elsewhere
    assert len(own.given) > 20


def test_who_looks_elsewhere_does_not_read_what_is_of_no_use_again_and_again():
    """Beside many messages of another survey a dispatcher that is behind fetches seldom, and sends all the same."""
    own, others, clock = Post(lambda *_: beside() or Receipt.sent(own.given[-1])), Post(), Clock()
    store = MemoryStore()
    waiting, calls = store.waiting, []
    store.waiting = lambda at, /, *, limit: calls.append(limit) or waiting(at, limit=limit)
    crowd = program(Post(), store=store, survey=Survey("other", product="Acme"))
    crowd.adopt(crowd.plan(people(2_000), at=MONDAY - HOUR), at=MONDAY - HOUR)
    found, other = (program(channel, store=store) for channel in (own, others))
    few = [Contact(id=f"d-{number}", addresses={"post": f"{number} Low Street"}) for number in range(60)]
    found.adopt(found.plan(few, at=MONDAY), at=MONDAY)

    def beside():
        before = len(calls)
        other.dispatch(clock=clock, limit=1)
        del calls[before:]

    found.dispatch(clock=clock)
    assert sorted(own.people + others.people) == sorted(each.id for each in few)
    assert len(own.given) > 20
    assert len(calls) < 30


def test_the_intent_stands_before_the_channel_is_called():
    """When a channel gets a message, the ledger says already that it is being sent, by whom and until when."""
    seen = []

    def look(message, _):
        seen.extend(event for event in kinds(found, Sending) if event.message == message.id)
        return Receipt.sent(message)

    found = adopted(Post(look), 3, lease=HOUR)
    found.dispatch(clock=Clock(), worker="w")
    assert [(event.turn, event.until) for event in seen] == [(0, MONDAY + HOUR)] * 3
    assert {event.worker for event in seen} == {"w/0"}


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (OptedOut(contact="c-1", at=MONDAY), "opted out"),
        (Declined(survey="nps", occasion="summer", contact="c-1", at=MONDAY), "declined"),
    ],
)
@pytest.mark.parametrize("workers", [1, 8])
def test_what_happens_after_the_adoption_stops_the_message(event, reason, workers):
    """Whoever opts out or declines between adoption and sending gets no message, and the ledger says why."""
    channel = Post()
    found = adopted(channel)
    found.store.append([event])
    done = found.dispatch(clock=Clock(), workers=workers)
    assert (done.sent, done.withheld) == (4, 1)
    assert "c-1" not in channel.people
    assert [event.reason for event in kinds(found, Withheld)] == [reason]


@pytest.mark.parametrize("said", ["opt_out", "decline", "answer", "bounce"])
@pytest.mark.parametrize("failure", ["refused", "down", "settled"])
def test_what_happens_while_a_message_is_in_hand_stops_the_next_attempt(failure, said, opened):
    """The next attempt is written without a look at the log, and stands behind what has been said by then."""
    clock = Clock()

    def meanwhile(message, turn):
        if turn == 1:
            told = {"message": message.id, "at": MONDAY} | ({"rating": 9} if said == "answer" else {})
            getattr(found, f"receive_{said}")(**told)
            if failure != "settled":
                return refused_for_now(message) if failure == "refused" else down(message)
            raise OSError("lost")
        return Receipt.sent(message)

    channel = Post(meanwhile)
    found = adopted(channel, 1, store=opened(), lease=HOUR)
    found.dispatch(clock=clock)
    clock.now += DAY
    if failure == "settled":
        found.settle(channel.given[0].id, delivered=False, at=clock.now)
    assert found.dispatch(clock=clock).withheld == 1
    assert len(channel.given) == 1


def test_a_message_that_was_sent_after_all_is_not_sent_again(opened):
    """A worker that hung longer than its lease records that it has sent what somebody had settled as undelivered."""
    clock = Clock()

    def hang(message, turn):
        if turn == 1:
            clock.now += DAY
            found.settle(message.id, delivered=False, at=clock.now)
        return Receipt.sent(message)

    channel = Post(hang)
    found = adopted(channel, 1, store=opened(), lease=HOUR)
    assert (found.dispatch(clock=clock).sent, len(channel.given)) == (1, 1)
    for _ in range(2):
        clock.now += DAY
        found.adopt(found.plan(people(1), at=clock.now), at=clock.now)
        found.dispatch(clock=clock)
    assert len(channel.given) == 1
    assert [event.reason for event in kinds(found, Withheld)] == ["an earlier attempt was sent after all"]


@pytest.mark.parametrize("outcome", ["in hand", "uncertain", "delivered"])
def test_what_may_have_left_counts_from_when_it_was_taken(outcome, opened):
    """A message that was due long before keeps another survey's away for a day from when somebody took it."""
    clock, store = Clock(MONDAY + 20 * HOUR), opened()
    other = program(Post(), survey=Survey("other"), store=store)

    def plan_and_send(*_):
        if outcome == "in hand":
            later(0 * HOUR)
        raise OSError("lost")

    def later(wait):
        at = clock.now + wait
        other.adopt(other.plan(people(1), at=at), at=at)
        assert other.dispatch(clock=Clock(at)).sent == 0

    found = adopted(Post(plan_and_send), 1, store=store, lease=HOUR)
    assert found.dispatch(clock=clock).uncertain == 1
    if outcome == "delivered":
        found.settle(*found.uncertain(at=clock.now + HOUR), delivered=True, at=clock.now + HOUR)
    later(DAY - HOUR)
    assert other.dispatch(clock=Clock(clock.now + DAY)).sent == 1


def test_an_answer_stops_the_message():
    """Who has answered the occasion already is not asked for it again."""
    found = adopted(Post())
    found.receive_answer(next(iter(kinds(found, Scheduled))).message.id, 9, at=MONDAY)
    assert found.dispatch(clock=Clock()).withheld == 1


def test_an_opt_out_that_was_taken_back_stops_nothing():
    """What counts is the last word of a person."""
    found = adopted(Post())
    found.store.append([OptedOut(contact="c-1", at=MONDAY), OptedIn(contact="c-1", at=MONDAY + HOUR)])
    assert found.dispatch(clock=Clock()).sent == 5


def test_an_opt_out_of_reminders_stops_no_invitation():
    """Invitations are still welcome to who wants no reminders."""
    found = adopted(Post())
    found.store.append([OptedOut(contact="c-1", at=MONDAY, reminders_only=True)])
    assert found.dispatch(clock=Clock()).sent == 5


@pytest.fixture(params=["memory", "sqlite"])
def opened(request, tmp_path):
    """Give what opens a store, each time anew where it is a file."""
    stores = []

    def made():
        if request.param == "sqlite":
            stores.append(SqlStore(f"sqlite:///{tmp_path / 'nps.db'}"))
        elif not stores:
            stores.append(MemoryStore())
        return stores[-1]

    yield made
    for store in stores:
        store.close()


def test_two_surveys_executed_at_once_write_to_nobody_twice(opened):
    """Of two plans for the same people, made from one state of the log and executed at once, each gets one message."""
    channels, contacts, clock = [Post(), Post()], people(60), Clock()
    surveys = zip(("nps", "support"), channels, strict=True)
    found = [
        attrs.evolve(program(channel, store=opened()), survey=Survey(key, product="Acme")) for key, channel in surveys
    ]
    plans = [each.plan(contacts, at=MONDAY) for each in found]
    assert [len(each.invitations) for each in plans] == [60, 60]
    start = threading.Barrier(2)

    def execute(each, plan):
        start.wait()
        each.execute(plan, clock=clock, workers=4)

    threads = [threading.Thread(target=execute, args=pair) for pair in zip(found, plans, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(person for channel in channels for person in channel.people) == sorted(each.id for each in contacts)
    clock.now += DAY
    assert sum(each.dispatch(clock=clock).sent for each in found) == 60


def mailbox(opened, after=lambda _: None, workers=1):
    """Ask one mailbox by two ids in two surveys: the first on Monday, the second adopted two days later.

    Between that adoption and the sending, something happens; give what the second dispatch did, and its program.
    """
    clock, address = Clock(MONDAY + 2 * DAY), {"post": "1 High Street"}
    first = program(Post(), store=opened())
    first.execute(first.plan([Contact(id="user-1", addresses=address)], at=MONDAY), clock=Clock())
    second = attrs.evolve(program(Post(), store=opened()), survey=Survey("support", product="Acme"))
    second.adopt(second.plan([Contact(id="cust-77", addresses=address)], at=clock.now), at=clock.now)
    after(first)
    return second.dispatch(clock=clock, workers=workers), second


@pytest.mark.parametrize(
    ("after", "reason"),
    [
        (lambda found: found.receive_opt_out(message="nps/summer/user-1/0/0", at=MONDAY + 2 * DAY), "opted out"),
        (lambda found: found.receive_opt_out(contact="user-1", at=MONDAY + 2 * DAY), "opted out"),
        (lambda found: found.forget("user-1", at=MONDAY + 2 * DAY), "opted out"),
        (lambda found: found.receive_bounce("nps/summer/user-1/0/0", at=MONDAY + 2 * DAY), "the address has failed"),
    ],
)
def test_what_happens_to_a_mailbox_holds_under_every_id(opened, after, reason):
    """Who has two ids and opts out by one is written to by neither, also if a message was adopted before."""
    done, found = mailbox(opened, after)
    assert (done.sent, done.withheld) == (0, 1)
    assert [event.reason for event in kinds(found, Withheld)] == [reason]


def test_an_answer_under_one_id_stops_nothing_under_another(opened):
    """It is another survey, and may be another person at the same address."""
    done, _ = mailbox(opened, lambda found: found.receive_answer("nps/summer/user-1/0/0", 9, at=MONDAY + 2 * DAY))
    assert done.sent == 1


@pytest.mark.parametrize("workers", [1, 8])
def test_one_mailbox_gets_one_message_a_day_under_all_its_ids(opened, workers):
    """Messages to twenty mailboxes, each by two ids, that waited for one late dispatcher leave a day apart."""
    late = MONDAY + 3 * DAY
    stores = [opened(), opened()]
    found = [
        attrs.evolve(program(Post(), store=store), survey=Survey(key, product="Acme"))
        for key, store in zip(("nps", "support"), stores, strict=True)
    ]
    for number, each in enumerate(found):
        twenty = [Contact(id=f"{number}-{at}", addresses={"post": f"{at} High Street"}) for at in range(20)]
        at = MONDAY + 2 * number * DAY
        each.adopt(each.plan(twenty, at=at), at=at)
    threads = [
        threading.Thread(target=each.dispatch, kwargs={"clock": Clock(late), "workers": workers}) for each in found
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    given = [message.to for each in found for message in each.channels["post"].given]
    assert sorted(given) == sorted(f"{number} High Street" for number in range(20))
    assert sum(each.dispatch(clock=Clock(late + DAY)).sent for each in found) == 20


def test_an_opt_out_during_a_race_is_never_overtaken(opened):
    """With eight workers, no message to a person is taken after their opt-out is in the ledger."""
    channel = Post()
    found = adopted(channel, 120, store=opened())
    ids = [each.id for each in people(120)][::3]
    quitting = threading.Thread(
        target=lambda: [found.store.append([OptedOut(contact=each, at=MONDAY)]) for each in ids]
    )
    quitting.start()
    found.dispatch(clock=Clock(), workers=8)
    quitting.join()
    log = {}
    for entry in found.store.entries(kinds=(Sending, OptedOut)):
        event = entry.event
        person = event.contact if isinstance(event, OptedOut) else event.message.split("/")[2]
        log.setdefault(person, []).append(type(event))
    assert all(Sending not in log[each][log[each].index(OptedOut) :] for each in ids)
    assert len(channel.given) + len(kinds(found, Withheld)) == 120


def test_a_temporary_failure_is_tried_again_and_arrives_once():
    """The next attempt has the next number, waits, and is one message to the person."""

    def refuse_first(message, _):
        return Receipt.failed(message, "451 try later") if not message.attempt else Receipt.sent(message)

    channel, clock = Post(refuse_first), Clock()
    found = adopted(channel, 1)
    assert found.dispatch(clock=clock).retried == 1
    assert found.dispatch(clock=clock).sent == 0
    clock.now += HOUR
    assert found.dispatch(clock=clock).sent == 1
    assert [message.attempt for message in channel.given] == [0, 1]
    assert len(found.store.touches()) == 1


def test_a_channel_says_how_long_to_wait():
    """No attempt is made before the time for which a channel has asked."""

    def busy(message, _):
        return (
            Receipt.failed(message, "busy", retry_after=timedelta(hours=5))
            if not message.attempt
            else Receipt.sent(message)
        )

    channel, clock = Post(busy), Clock()
    found = adopted(channel, 3)
    found.dispatch(clock=clock)
    clock.now += timedelta(hours=5) - timedelta(seconds=1)
    assert found.dispatch(clock=clock).sent == 0
    clock.now += timedelta(seconds=1)
    assert found.dispatch(clock=clock).sent == 3


def test_attempts_end():
    """A message that is refused again and again is given up after so many attempts."""
    channel, clock = Post(lambda message, _: Receipt.failed(message, "451")), Clock()
    found = adopted(channel, 1, attempts=3)
    total = []
    for _ in range(6):
        total.append(found.dispatch(clock=clock))
        clock.now += timedelta(hours=8)
    assert len(channel.given) == 3
    assert [done.failed for done in total] == [0, 0, 1, 0, 0, 0]


@pytest.mark.parametrize("kind", [MemoryStore, partial(SqlStore, "sqlite://")])
@pytest.mark.parametrize("said", ["answered", "declined"])
@pytest.mark.parametrize(
    "cadence",
    [Wave("summer"), Continuous(every=90 * DAY, start=MONDAY - 400 * DAY), Trigger("case closed")],
    ids=["wave", "continuous", "trigger"],
)
def test_who_has_answered_is_not_invited_again(kind, said, cadence):
    """An answer or a decline before the invitation left closes the occasion, although that message was withheld."""
    channel, clock = Post(), Clock()
    found = program(channel, store=kind(), cadence=cadence)
    happened = [
        Triggered(event=f"case-{each.id}", touchpoint="case closed", contact=each.id, at=MONDAY - DAY)
        for each in people(2)
    ]
    found.store.append(happened)
    found.adopt(found.plan(people(1), at=MONDAY), at=MONDAY)
    (message,) = found.store.waiting(MONDAY, limit=9).values()
    proposed = found.plan(people(2), at=MONDAY)
    place = {"survey": "nps", "kind": message.kind, "occasion": message.occasion, "at": MONDAY}
    for person in people(2):
        if said == "answered":
            event = Responded(response=Response(contact=person.id, rating=9, **place | _occasion_of(message, person)))
        else:
            event = Declined(contact=person.id, **place | _occasion_of(message, person))
        found.store.append([event])
    assert len(found.adopt(proposed, at=MONDAY).plan.invitations) == 0
    for _ in range(20):
        found.execute(found.plan(people(2), at=clock.now), clock=clock)
        clock.now += DAY
    assert channel.given == []
    assert len(kinds(found, Withheld)) == 1
    found.store.close()


def _occasion_of(message, person):
    """Give the occasion of another person that is like that of a message."""
    return {"occasion": message.occasion.replace(message.contact, person.id)}


@pytest.mark.parametrize("kind", [MemoryStore, partial(SqlStore, "sqlite://")])
def test_what_was_withheld_after_a_refusal_goes_on_to_the_next_channel(kind):
    """The address fails while a second attempt waits: the next plan reaches the person elsewhere, and says so once."""
    clock, post = Clock(), Post()
    grey = Post(lambda message, _: Receipt.failed(message, "451 greylisted"))
    ann = [Contact(id="ann", addresses={"email": "ann@example.com", "post": "1 High Street"})]
    found = program(post, store=kind(), channels={"email": grey, "post": post}, order=Channels("email", "post"))
    assert found.execute(found.plan(ann, at=clock.now), clock=clock).retried == 1
    found.store.append([Bounced(contact="ann", destination=grey.given[0].destination, at=clock.now)])
    clock.now += HOUR
    assert found.dispatch(clock=clock).withheld == 1
    clock.now += DAY
    assert found.execute(found.plan(ann, at=clock.now), clock=clock).sent == 1
    assert [(message.contact, message.step, message.attempt) for message in post.given] == [("ann", 0, 2)]
    assert len(found.adopt(found.plan(ann, at=clock.now), at=clock.now).plan.invitations) == 0
    found.store.close()


def test_waits_are_hours_that_pass():
    """In the night in which clocks are put forward two hours are two hours, by whatever zone the clock tells them."""
    berlin = ZoneInfo("Europe/Berlin")
    clock = Clock(datetime(2026, 3, 29, 1, 30, tzinfo=berlin))
    answer = lambda message, _: Receipt.failed(message, "busy", retry_after=2 * HOUR)  # noqa: E731
    found = program(Post(answer), lease=2 * HOUR)
    found.execute(found.plan(people(1), at=clock.now), clock=clock)
    began = clock.now.astimezone(UTC)
    assert [(event.at, event.until) for event in kinds(found, Sending)] == [(began, began + 2 * HOUR)]
    (waiting,) = found.store.waiting(MONDAY, limit=9).values()
    assert waiting.due == began + 2 * HOUR


def test_a_clock_tells_instants():
    """A clock without a time zone is refused before anything is sent."""
    found = adopted(Post(), 1)
    with pytest.raises(InvalidArgument, match=r"^clock\(\) must be "):
        found.dispatch(clock=lambda: MONDAY.replace(tzinfo=None))
    assert kinds(found, Sending) == []


def test_an_outage_uses_up_no_attempt():
    """However long a channel is down, nobody is lost by it; what it refuses afterwards counts from the first."""
    state = {"said": None}

    def answer(message, _):
        if state["said"] is None:
            raise ChannelDown("no route")
        return Receipt.failed(message, state["said"]) if state["said"] else Receipt.sent(message)

    channel, clock = Post(answer), Clock()
    found = adopted(channel, 2, attempts=3)

    def run(said, times):
        state["said"], done = said, []
        for _ in range(times):
            done.append(found.dispatch(clock=clock))
            clock.now += timedelta(hours=4)
        return done

    outage = run(None, 30)
    assert all((done.failed, done.sent) == (0, 0) and "post" in done.down for done in outage if done.retried)
    assert sum(done.retried for done in outage) >= 30
    assert all(done.failed == 0 for done in run("451 greylisted", 2))
    assert sum(done.sent for done in run("", 3)) == 2
    assert len(found.store.touches()) == 2


def test_an_outage_of_one_message_ends(monkeypatch):
    """Where one message breaks the line each time it is not given to a channel for ever."""
    monkeypatch.setattr(_dispatch, "_MOST", 100)

    def down(*_):
        raise ChannelDown("reset")

    clock = Clock()
    found = adopted(Post(down), 1, backoff=0 * HOUR)
    for _ in range(101):
        done = found.dispatch(clock=clock)
    assert (done, len(kinds(found, Failed))) == (Dispatch(), 100)


def test_a_wait_is_never_longer_than_a_day_unless_it_was_asked_for():
    """It doubles with each attempt, and stays a wait whatever the number of attempts is."""
    clock = Clock()
    found = adopted(Post(lambda message, _: Receipt.failed(message, "451")), 1, attempts=2000)
    waits = []
    for _ in range(20):
        found.dispatch(clock=clock)
        (waiting,) = found.store.waiting(clock.now + 2 * DAY, limit=9).values()
        waits.append(waiting.due - clock.now)
        clock.now = waiting.due
    delivery = _dispatch.Delivery(channels={}, attempts=2000)
    refused = Receipt.failed(waiting, "451")
    for number in range(20, 1200):
        message = attrs.evolve(waiting, attempt=number)
        waits.append(delivery.again(message, refused, clock.now).due - clock.now)
    assert max(waits) <= DAY
    assert max(waits[10:20]) > DAY / 2
    assert max(waits[-100:]) > DAY / 2
    asked = Receipt.failed(waiting, "451", retry_after=3 * DAY)
    assert delivery.again(waiting, asked, clock.now).due == clock.now + 3 * DAY


def test_reasons_are_counted_without_addresses():
    """Why messages are not sent is told once for all of them; whoever words each in another way fills no memory."""
    found = adopted(Post(lambda message, turn: Receipt.failed(message, f"451 {message.to} {turn // 50}")), 120)
    assert found.dispatch(clock=Clock()).reasons == {
        "451 (address) 1": 50,
        "451 (address) 0": 49,
        "451 (address) 2": 21,
    }
    found = adopted(Post(lambda message, turn: Receipt.failed(message, f"4{turn}", permanent=turn > 9)), 120)
    done = found.dispatch(clock=Clock())
    assert (len(done.reasons), done.reasons["for other reasons"], sum(done.reasons.values())) == (101, 20, 120)


def test_what_cannot_be_put_into_words_is_logged_once(caplog):
    """A word that all lack is one line in the log, and a number in the report."""
    templates = Templates({"invitation.txt": "{{ snapshot.seats }} {{ unsubscribe_url }}"})
    done = adopted(Post(), 40, templates=templates).dispatch(clock=Clock())
    assert (done.broken, list(done.reasons.values())) == (40, [40])
    assert len(caplog.records) == 1
    assert "Traceback" not in caplog.text


def test_an_uncertain_message_is_logged_without_where_it_was_raised(caplog):
    """A channel that says that it does not know is no error in its code."""

    def answer(*_):
        raise Uncertain("after the final dot")

    assert adopted(Post(answer), 1).dispatch(clock=Clock()).uncertain == 1
    assert caplog.messages == [
        "channel post raised, and message nps/summer/c-0/0/0 is uncertain: Uncertain: after the final dot"
    ]


def test_a_permanent_failure_goes_on_to_the_next_channel():
    """The address is written to no more, and the next plan takes the channel after it: no guard stands in the way."""
    dead = Post(lambda message, _: Receipt.failed(message, "550 no such user", permanent=True))
    alive, clock = Post(), Clock()
    contact = Contact(id="c-1", addresses={"email": "ann@example.com", "sms": "+15550100"})
    found = program(dead, channels={"email": dead, "sms": alive}, order=Channels("email", "sms"))
    assert found.execute(found.plan([contact], at=MONDAY), clock=clock).failed == 1
    assert found.execute(found.plan([contact], at=clock.now), clock=clock).sent == 1
    assert [(message.channel, message.step, message.attempt) for message in alive.given] == [("sms", 0, 1)]
    assert len(dead.given) == 1
    assert len(found.plan([contact], at=MONDAY + HOUR).reminders) == 0


def test_a_mail_that_comes_back_goes_on_to_the_next_channel():
    """A bounce that names its message, however late, starts no guard either; the reminder waits from the repeat on."""
    mail, sms, clock = Post(), Post(), Clock()
    contact = Contact(id="c-1", addresses={"email": "ann@example.com", "sms": "+15550100"})
    reminders = Reminders(after=timedelta(days=3))
    found = program(mail, channels={"email": mail, "sms": sms}, order=Channels("email", "sms"), reminders=reminders)
    found.execute(found.plan([contact], at=MONDAY), clock=clock)
    clock.now += 2 * HOUR
    found.receive_bounce(mail.given[0].id, at=clock.now)
    assert found.execute(found.plan([contact], at=clock.now), clock=clock).sent == 1
    clock.now += timedelta(days=3) - HOUR
    assert found.execute(found.plan([contact], at=clock.now, horizon=0 * HOUR), clock=clock).sent == 0
    clock.now += HOUR
    assert found.execute(found.plan([contact], at=clock.now, horizon=0 * HOUR), clock=clock).sent == 1
    assert [(message.step, message.attempt) for message in sms.given] == [(0, 1), (1, 0)]


def test_what_reached_nobody_counts_against_no_cap():
    """A message that failed for good takes no place under a cap of messages, in the same hour."""
    dead = Post(lambda message, _: Receipt.failed(message, "550 no such user", permanent=True))
    alive, clock = Post(), Clock()
    contacts = [Contact(id="c-1", addresses={"email": "ann@example.com", "sms": "+15550100"})]
    rules = [AtMost(1, per=30 * DAY), DailyCap(1), QuietPeriod(days=30, after="messaged")]
    channels = {"email": dead, "sms": alive}
    found = program(dead, channels=channels, order=Channels("email", "sms"), rules=rules)
    found.execute(found.plan(contacts, at=MONDAY), clock=clock)
    assert found.execute(found.plan(contacts, at=MONDAY), clock=clock).sent == 1


def test_the_repeat_of_an_invitation_is_held_as_an_invitation_is():
    """Where the place of the first one was taken meanwhile, by the account, the second waits for another."""
    dead = Post(lambda message, _: Receipt.failed(message, "550 no such user", permanent=True))
    alive, clock = Post(), Clock()
    ann, bob = (
        Contact(id=each, addresses={"email": f"{each}@example.com", "sms": f"{each} 555"}, account="Acme")
        for each in ("ann", "bob")
    )
    channels = {"email": dead, "sms": alive}
    rules = [AccountLimit(1, per=30 * DAY)]
    found = program(dead, channels=channels, order=Channels("email", "sms"), rules=rules)
    found.execute(found.plan([ann], at=MONDAY), clock=clock)
    found.store.append(
        [Scheduled(message=attrs.evolve(dead.given[0], contact="bob", channel="sms", destination=1), at=MONDAY)]
    )
    wave = found.plan([ann, bob], at=MONDAY)
    assert len(wave.reminders) == 0
    assert wave.held.counts["at most 1 invitation to one account in 30 days"] == 1


def test_a_channel_that_is_down_ends_the_run_and_loses_nothing():
    """What a channel says was not sent is tried again; the others wait, and the report says what is wrong."""
    state = {"down": True}

    def answer(message, _):
        if state["down"]:
            raise ChannelDown("connection refused")
        return Receipt.sent(message)

    channel, clock = Post(answer), Clock()
    found = adopted(channel, 10)
    done = found.dispatch(clock=clock)
    assert (done.sent, done.retried, done.postponed, done.uncertain) == (0, 3, 7, 0)
    assert done.down == {"post": "ChannelDown: connection refused"}
    state["down"] = False
    clock.now += HOUR
    assert found.dispatch(clock=clock).sent == 10


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("count", [1, 2])
def test_a_channel_that_is_down_is_told_of_however_few_messages_there_are(count, workers):
    """Its last error is told, although there was too little to send for the dispatch to do without it."""
    done = adopted(Post(lambda message, _: down(message)), count).dispatch(clock=Clock(), workers=workers)
    assert (done.retried, done.down) == (count, {"post": "ChannelDown: no route"})


def test_one_lost_connection_ends_no_run():
    """A channel that was down once is opened anew for the next message."""

    def once(message, turn):
        if turn == 2:
            raise ChannelDown("connection reset")
        return Receipt.sent(message)

    done = adopted(Post(once), 10).dispatch(clock=Clock())
    assert (done.sent, done.retried, done.down) == (9, 1, {})


def test_a_channel_that_cannot_be_opened_takes_no_message():
    """Where no channel can be had, no intent is written: nothing was sent, and nothing is uncertain."""

    class Broken(Post):
        def __enter__(self):
            raise OSError("no route to host")

        def __exit__(self, *_):
            return None

    found = adopted(Broken(), 4)
    done = found.dispatch(clock=Clock())
    assert (done.postponed, done.down) == (4, {"post": "OSError: no route to host"})
    assert kinds(found, Sending) == []


def test_a_channel_that_a_program_has_no_more_hinders_no_other():
    """What was adopted for it waits and is named, and so does what it was given before; the rest is sent."""
    lost = Post(lambda *_: 1 / 0)
    lost.idempotent = True
    both = {"post": Post(), "fax": lost}
    found = program(Post(), channels=both, order=Channels("post", "fax"), lease=HOUR)
    by_fax = [Contact(id=f"f-{number}", addresses={"fax": f"{number}"}) for number in range(3)]
    found.adopt(found.plan([*people(4), *by_fax], at=MONDAY), at=MONDAY)
    assert found.dispatch(clock=Clock(), limit=9).uncertain == 1
    fewer = program(both["post"], store=found.store)
    done = fewer.dispatch(clock=Clock(MONDAY + DAY))
    assert (done.postponed, done.down) == (2, {"fax": "the program has no channel of this name"})
    assert sorted(both["post"].people) == sorted(each.id for each in people(4))


@pytest.mark.parametrize("entered", [None, "post"])
def test_a_channel_that_does_not_give_itself_is_refused(entered):
    """What comes of entering a channel, or of making one, must be able to send; nothing is sent by it."""

    class Lost(Post):
        def __enter__(self):
            return entered

        def __exit__(self, *_):
            return None

    for channel in (Lost(), lambda: entered):
        found = adopted(channel, 4)
        rule = r"^channel 'post' must be something with a method send, also once it is entered or made \(got"
        with pytest.raises(InvalidArgument, match=rule):
            found.dispatch(clock=Clock())
        assert kinds(found, Sending) == []


def test_an_exception_without_words_hinders_no_other_channel():
    """One that raises when it is shown is told by its class alone."""

    class Speechless(ValueError):
        def __str__(self):
            raise RuntimeError

    def fail(*_):
        raise Speechless

    post = Post()
    found = program(post, channels={"fax": Post(fail), "post": post}, order=Channels("fax", "post"))
    by_fax = Contact(id="f", addresses={"fax": "1"})
    found.adopt(found.plan([by_fax, *people(4)], at=MONDAY), at=MONDAY)
    done = found.dispatch(clock=Clock())
    assert (done.sent, done.uncertain, done.down) == (4, 1, {"fax": "Speechless: (its words raise)"})


@pytest.mark.parametrize("raised", [ChannelDown, ValueError])
def test_what_a_channel_raises_tells_no_address(raised, caplog):
    """Neither the report nor the log nor the ledger holds an address that stands in an exception."""
    other = "ann@example.com"

    def leak(message, _):
        raise raised(f"{{'{message.to}': (550, 'no'), '{other}': (550, 'no')}}")

    found = adopted(Post(leak), 4)
    done = found.dispatch(clock=Clock())
    said = f"{done}{caplog.text}{kinds(found, Failed)}"
    assert done.down["post"].startswith(f"{raised.__name__}: {{'(address)': (550, 'no')")
    assert "High Street" not in said
    assert other not in said
    if raised is ValueError:
        assert "channel post raised, and message nps/summer/c-0/0/0 is uncertain: ValueError" in caplog.text
        assert "in leak" in caplog.text


def test_an_exception_leaves_the_message_uncertain():
    """Nobody knows whether it was sent: it is listed once its lease is over, and not sent again by itself."""

    def vanish(message, turn):
        if turn == 2:
            raise ConnectionResetError("after the final dot")
        return Receipt.sent(message)

    channel, clock = Post(vanish), Clock()
    found = adopted(channel, 5, lease=HOUR)
    done = found.dispatch(clock=clock)
    assert (done.sent, done.uncertain, done.postponed) == (1, 1, 3)
    (lost,) = {message.id for message in channel.given} - {event.message for event in kinds(found, Sent)}
    assert found.uncertain(at=MONDAY + HOUR - timedelta(microseconds=1)) == []
    assert found.uncertain(at=MONDAY + HOUR) == [lost]
    clock.now += DAY
    assert found.dispatch(clock=clock).sent == 3
    assert [message.id for message in channel.given].count(lost) == 1


@pytest.mark.parametrize("delivered", [True, False])
def test_an_uncertain_message_can_be_settled(delivered):
    """What was delivered is done with; what was not is tried again as the next attempt."""
    channel = Post(lambda message, turn: Receipt.sent(message) if turn > 1 else 1 / 0)
    found = adopted(channel, 1)
    found.dispatch(clock=Clock())
    (message,) = found.uncertain(at=MONDAY + DAY)
    found.settle(message, delivered=delivered, at=MONDAY + DAY)
    assert found.uncertain(at=MONDAY + DAY) == []
    assert found.dispatch(clock=Clock(MONDAY + DAY)).sent == (0 if delivered else 1)
    with pytest.raises(InvalidArgument, match="message must be one that was taken, has no outcome"):
        found.settle(message, delivered=True, at=MONDAY)


def test_an_idempotent_channel_is_given_the_message_again():
    """Where a channel delivers a message once however often it is given it, nothing stays uncertain."""
    channel, clock = Post(lambda message, turn: Receipt.sent(message) if turn > 1 else 1 / 0), Clock()
    channel.idempotent = True
    found = adopted(channel, 3, lease=HOUR)
    assert found.dispatch(clock=clock).uncertain == 1
    clock.now += HOUR
    assert found.dispatch(clock=clock).sent == 3
    assert found.uncertain(at=clock.now + DAY) == []
    assert sorted(event.turn for event in kinds(found, Sending)) == [0, 0, 0, 1]


def refused_for_now(message):
    return Receipt.failed(message, "busy")


def refused_for_ever(message):
    return Receipt.failed(message, "gone", permanent=True)


def down(_):
    raise ChannelDown("no route")


@pytest.mark.parametrize("refuse", [refused_for_now, refused_for_ever, down])
def test_what_may_have_been_carried_is_given_again_under_no_other_id(refuse):
    """By another id the channel would not know it: a later turn that is refused says nothing of the first."""
    answers = [lambda _: 1 / 0, refuse, refuse, Receipt.sent]
    channel, clock = Post(lambda message, turn: answers[turn - 1](message)), Clock()
    channel.idempotent = True
    found = adopted(channel, 1, lease=HOUR)
    for _ in answers[:-1]:
        assert found.dispatch(clock=clock).uncertain == 1
        clock.now += HOUR
        assert found.uncertain(at=clock.now) == [channel.given[0].id]
    assert found.dispatch(clock=clock).sent == 1
    assert {message.id for message in channel.given} == {message.id for message in channel.given[:1]}
    assert (kinds(found, Failed), found.uncertain(at=clock.now + DAY)) == ([], [])


@pytest.mark.parametrize("is_taken", [True, False])
def test_a_refusal_may_come_after_another_was_given_the_message(is_taken):
    """Then it says nothing of the message; where nobody else has taken it, it is a refusal like any other."""
    clock = Clock()

    def slow(message, turn):
        if turn > 1:
            return Receipt.sent(message)
        clock.now += HOUR
        if is_taken:
            assert other.dispatch(clock=clock).sent == 1
        return Receipt.failed(message, "busy")

    channel = Post(slow)
    channel.idempotent = True
    found = adopted(channel, 1, lease=HOUR)
    other = program(channel, store=found.store, lease=HOUR)
    first = found.dispatch(clock=clock)
    assert (first.uncertain, first.retried) == ((1, 0) if is_taken else (0, 1))
    clock.now += DAY
    assert found.dispatch(clock=clock).sent == (0 if is_taken else 1)
    assert [message.attempt for message in channel.given] == ([0, 0] if is_taken else [0, 1])
    assert len(kinds(found, Sent)) == 1


def test_one_dispatch_gives_no_message_twice_that_stays_uncertain():
    """However short its lease is beside the channel; the next dispatch gives it again."""
    clock, answers = Clock(), [lambda _: 1 / 0, *[refused_for_now] * 3]

    def slow(message, turn):
        clock.now += HOUR
        return answers[turn - 1](message)

    channel = Post(slow)
    channel.idempotent = True
    found = adopted(channel, 1, lease=HOUR / 2)
    for turn in range(1, 5):
        assert found.dispatch(clock=clock).uncertain == 1
        assert len(channel.given) == turn


def test_an_outcome_does_not_wait_for_a_rate():
    """While a worker waits for its turn, what it has sent is on record already."""
    ticks, seen = itertools.count(), []

    def carry(message, _):
        seen.append(len(kinds(found, Sent)))
        return Receipt.sent(message)

    found = adopted(Post(carry), 3, rates={"post": Rate(1, per=timedelta(milliseconds=20))})
    append, written = found.store.append, []

    def noted(events, **options):
        written.append([type(event) for event in events])
        return append(events, **options)

    found.store.append = noted
    assert found.dispatch(clock=lambda: MONDAY + next(ticks) * timedelta(milliseconds=10)).sent == 3
    assert written == [[Sending], [Sent]] * 3
    assert seen == [0, 1, 2]


def test_a_channel_that_cannot_be_made_is_named_where_a_message_waits_for_it():
    """Whether a message may be given again, only the channel says."""
    channel, is_broken = Post(lambda *_: 1 / 0), []
    channel.idempotent = True

    def make():
        if is_broken:
            raise RuntimeError("no key")
        return channel

    found, clock = adopted(make, 1, lease=HOUR), Clock()
    assert found.dispatch(clock=clock).uncertain == 1
    clock.now += HOUR
    is_broken.append(True)
    assert found.dispatch(clock=clock).down == {"post": "RuntimeError: no key"}


def test_what_has_an_outcome_by_now_is_not_given_again():
    """Whoever was slow has said what became of it, after another saw that its lease was over."""
    channel, clock = Post(lambda message, turn: Receipt.sent(message) if turn > 1 else 1 / 0), Clock()
    channel.idempotent = True
    found = adopted(channel, 1, lease=HOUR)
    found.dispatch(clock=clock)
    clock.now += HOUR
    ((message, claims),) = [(channel.given[0], found.store.claims)]

    def meanwhile():
        seen, found.store.claims = claims(), claims
        again = Scheduled(message=attrs.evolve(seen[0].message, attempt=1, due=clock.now), at=clock.now)
        found.store.append([Failed(message=message.id, at=clock.now, reason="busy", permanent=False), again])
        return seen

    found.store.claims = meanwhile
    assert found.dispatch(clock=clock).sent == 1
    assert [given.attempt for given in channel.given] == [0, 1]


def test_what_another_has_withheld_is_neither_sent_nor_counted():
    """Also where the reason is gone by the time that a slower dispatcher comes to it."""
    channel = Post()
    found = adopted(channel, 1)
    late = program(channel, store=found.store)
    waiting = found.store.waiting

    def meanwhile(*args, **options):
        seen, found.store.waiting = waiting(*args, **options), waiting
        found.store.append([OptedOut(contact="c-0", at=MONDAY)])
        assert found.dispatch(clock=Clock()).withheld == 1
        found.store.append([OptedIn(contact="c-0", at=MONDAY + HOUR)])
        return seen

    found.store.waiting = meanwhile
    done = late.dispatch(clock=Clock(MONDAY + HOUR))
    assert (done.sent, done.withheld, channel.given) == (0, 0, [])
    assert len(kinds(found, Withheld)) == 1


def test_nothing_leaves_outside_the_send_window():
    """A message that was adopted for a morning waits for the next one, where the dispatcher was late."""
    channel, clock = Post(), Clock(MONDAY + timedelta(hours=4))
    found = program(channel, rules=[SendWindow("Mon-Fri", "08:00-11:00")])
    found.adopt(found.plan(people(3), at=MONDAY), at=MONDAY)
    assert found.dispatch(clock=clock).postponed == 3
    clock.now = MONDAY + DAY
    assert found.dispatch(clock=clock).sent == 3


@pytest.mark.parametrize("waves", [False, True])
def test_what_is_left_of_a_wave_that_is_over_is_withheld(waves):
    """Nobody gets a message of a wave after its end, although it was adopted before; the ledger says why."""
    channel, stop = Post(), MONDAY + DAY
    wave = Wave("summer", opens=MONDAY - DAY, closes=stop)
    found = adopted(channel, cadence=Waves([wave, Wave("autumn", opens=stop + DAY)]) if waves else wave)
    assert found.dispatch(clock=Clock(stop - timedelta(microseconds=1)), limit=2).sent == 2
    assert found.dispatch(clock=Clock(stop)).withheld == 3
    assert [event.reason for event in kinds(found, Withheld)] == ["summer is over"] * 3
    assert len(channel.given) == 2


def test_what_was_adopted_for_an_event_is_withheld_once_that_was_too_long_ago():
    """A dispatcher that was away for weeks asks nobody about what they have forgotten; the ledger says why."""
    channel = Post()
    found = program(channel, cadence=Trigger("case.closed", within=7 * DAY))
    for each in people(3):
        found.store.append([Triggered(event=f"of-{each.id}", touchpoint="case.closed", contact=each.id, at=MONDAY)])
    found.adopt(found.plan(people(3), at=MONDAY), at=MONDAY)
    assert found.dispatch(clock=Clock(MONDAY + 7 * DAY - timedelta(microseconds=1)), limit=1).sent == 1
    assert found.dispatch(clock=Clock(MONDAY + 7 * DAY)).withheld == 2
    assert [event.reason for event in kinds(found, Withheld)] == ["case.closed was too long ago"] * 2
    assert len(channel.given) == 1


def test_what_another_worker_has_taken_is_not_withheld():
    """A dispatcher that comes too late with a message says nothing of it, whatever has happened to the person since."""
    channel, other = Post(), Post()
    found = adopted(channel, 1)
    late = program(other, store=found.store)
    waiting = found.store.waiting

    def meanwhile(*args, **options):
        seen = waiting(*args, **options)
        found.store.waiting = waiting
        found.dispatch(clock=Clock())
        found.store.append([OptedOut(contact="c-0", at=MONDAY)])
        return seen

    found.store.waiting = meanwhile
    done = late.dispatch(clock=Clock())
    assert (done.sent, done.withheld, len(channel.given), other.given) == (0, 0, 1, [])
    assert kinds(found, Withheld) == []


@pytest.mark.parametrize("workers", [1, 8])
def test_progress_never_goes_back(workers):
    """Whoever is told how many messages are done hears each number once, in order."""
    heard = []
    adopted(Post(), 200).dispatch(clock=Clock(), workers=workers, progress=heard.append)
    assert heard == list(range(1, 201))


def test_nobody_is_reminded_of_what_has_not_left(opened):
    """While nobody sends no reminder is planned; its wait begins when the message leaves, be it at another attempt."""

    def refused_once(message, turn):
        return Receipt.failed(message, "451") if turn == 1 else Receipt.sent(message)

    channel, clock = Post(refused_once), Clock(MONDAY)
    found = program(channel, store=opened(), reminders=Reminders(after=3 * DAY), backoff=5 * DAY)
    found.adopt(found.plan(people(1), at=MONDAY), at=MONDAY)
    for days in (3, 8):
        clock.now = MONDAY + days * DAY
        assert found.why("c-0", people(1), at=clock.now).endswith("the message before has not left yet.")
        assert len(found.adopt(found.plan(people(1), at=clock.now), at=clock.now).plan.reminders) == 0
        found.dispatch(clock=clock)
    assert [message.step for message in channel.given] == [0, 0]
    assert (
        len(found.plan(people(1), at=clock.now + 3 * DAY - timedelta(microseconds=1), horizon=0 * DAY).reminders) == 0
    )
    assert len(found.plan(people(1), at=clock.now + 3 * DAY).reminders) == 1


def test_an_invitation_that_a_reminder_has_overtaken_is_not_repeated(opened):
    """It was uncertain, and who did not get it has had the reminder; the occasion goes on from there."""

    def lost_once(message, turn):
        if turn == 1:
            raise OSError("lost")
        return Receipt.sent(message)

    channel, clock = Post(lost_once), Clock(MONDAY)
    found = program(channel, store=opened(), reminders=Reminders(after=[3 * DAY, 7 * DAY]))
    found.execute(found.plan(people(1), at=MONDAY), clock=clock)
    clock.now += 3 * DAY
    found.execute(found.plan(people(1), at=clock.now), clock=clock)
    found.settle(channel.given[0].id, delivered=False, at=clock.now + DAY)
    assert found.store.waiting(clock.now + 9 * DAY, limit=9) == {}
    for _ in range(9):
        clock.now += DAY
        found.execute(found.plan(people(1), at=clock.now), clock=clock)
    assert [(message.step, message.attempt) for message in channel.given] == [(0, 0), (1, 0), (2, 0)]


def test_what_was_sent_after_all_is_followed_by_its_reminder(opened):
    """The next attempt, which was written meanwhile, is withheld, and nobody waits for it any more."""
    channel, clock = Post(), Clock(MONDAY)
    found = program(channel, store=opened(), reminders=Reminders(after=3 * DAY))
    found.adopt(found.plan(people(1), at=MONDAY), at=MONDAY)
    (message,) = found.store.waiting(MONDAY, limit=9).values()
    found.store.append([Sending(message=message.id, worker="slow", at=MONDAY, until=MONDAY + HOUR)])
    found.settle(message.id, delivered=False, at=MONDAY + HOUR)
    found.store.append([Sent(message=message.id, at=MONDAY + 2 * HOUR)])
    clock.now = MONDAY + 3 * DAY + 2 * HOUR
    assert found.dispatch(clock=clock).withheld == 1
    assert found.execute(found.plan(people(1), at=clock.now), clock=clock).sent == 1
    assert [each.step for each in channel.given] == [1]


def remind_all(found, at):
    """Adopt a reminder beside each invitation that has not left, which no plan would do."""
    waiting = found.store.waiting(at, limit=9).values()
    found.store.append([Scheduled(message=attrs.evolve(each, step=1, due=at), at=at) for each in waiting])


def test_a_late_dispatcher_keeps_the_guard():
    """Two messages to one person that fell due while nobody was sending leave a day apart."""
    channel, clock = Post(), Clock(MONDAY + timedelta(days=4))
    found = program(channel, reminders=Reminders(after=timedelta(days=3)))
    found.adopt(found.plan(people(2), at=MONDAY), at=MONDAY)
    remind_all(found, MONDAY + timedelta(days=3))
    done = found.dispatch(clock=clock)
    assert (done.sent, done.postponed) == (2, 2)
    clock.now += DAY
    assert found.dispatch(clock=clock).sent == 2
    assert [message.step for message in channel.given] == [0, 0, 1, 1]


def test_a_clock_that_is_set_back_keeps_the_guard():
    """The next message waits until a day after the last one, by the clock by which that was sent."""
    channel, clock, three = Post(), Clock(MONDAY + timedelta(days=4)), timedelta(days=3)
    found = program(channel, reminders=Reminders(after=three))
    found.adopt(found.plan(people(1), at=MONDAY), at=MONDAY)
    remind_all(found, MONDAY + three)
    found.dispatch(clock=clock)
    for now in (MONDAY + three, MONDAY + timedelta(days=5) - timedelta(microseconds=1)):
        clock.now = now
        assert found.dispatch(clock=clock).sent == 0
    clock.now = MONDAY + timedelta(days=5)
    assert found.dispatch(clock=clock).sent == 1


def test_a_limit_and_a_stop_leave_the_rest():
    """A dispatch ends after so many messages, or when it is told to stop, with what it did on record."""
    channel, stop = Post(), threading.Event()
    found = adopted(channel, 10)
    assert found.dispatch(clock=Clock(), limit=4).sent == 4
    stop.set()
    assert found.dispatch(clock=Clock(), stop=stop) == attrs.evolve(
        found.dispatch(clock=Clock(), limit=0), interrupted=True
    )
    assert found.dispatch(clock=Clock()).sent == 6


def test_a_plan_is_executed_until_a_stop():
    """All of it is adopted, the message in hand is sent, and the next dispatch sends the rest."""
    stop = threading.Event()
    channel = Post(lambda message, _: stop.set() or Receipt.sent(message))
    found = program(channel)
    done = found.execute(found.plan(people(5), at=MONDAY), clock=Clock(), stop=stop)
    assert (done.sent, done.interrupted) == (1, True)
    assert found.dispatch(clock=Clock()).sent == 4


def test_what_has_to_wait_takes_nobodys_place():
    """A limit counts what was taken: those whose send window is closed starve nobody."""
    zones = ["Asia/Tokyo"] * 10 + ["Europe/Paris"] * 5
    contacts = [
        Contact(id=f"c-{number}", addresses={"post": f"{number} High Street"}, time_zone=zone)
        for number, zone in enumerate(zones)
    ]
    channel, evening, morning = Post(), MONDAY - 10 * HOUR, MONDAY - HOUR
    found = program(channel, rules=[SendWindow("Mon-Fri", "08:00-11:00")])
    found.adopt(found.plan(contacts, at=evening), at=evening)
    for workers in (1, 8):
        assert found.dispatch(clock=Clock(morning), limit=2, workers=workers).sent == 2
    assert {message.time_zone for message in channel.given} == {"Europe/Paris"}
    assert found.dispatch(clock=Clock(morning), limit=10).sent == 1


@pytest.mark.parametrize(
    ("name", "rule", "wrong"),
    [
        ("clock", "a callable that gives the present, with a time zone", MONDAY),
        ("limit", "a whole number of at least 0", "5"),
        ("limit", "a whole number of at least 0", -1),
        ("limit", "a whole number of at least 0", 2.5),
        ("progress", "a callable that is told how many are done", 3),
        ("stop", "a threading.Event", True),
    ],
)
def test_wrong_options_are_refused_before_anything_is_sent(name, rule, wrong):
    """Each is named, and the messages wait."""
    channel = Post()
    found = adopted(channel, 2)
    with pytest.raises(InvalidArgument) as refused:
        found.dispatch(**{"clock": Clock(), name: wrong})
    assert str(refused.value) == f"{name} must be {rule} (got {wrong!r})"
    assert channel.given == []
    if name == "clock":
        with pytest.raises(InvalidArgument, match=r"^clock must be a callable"):
            found.execute(found.plan(people(2), at=MONDAY), clock=wrong)


@pytest.mark.parametrize("error", [RuntimeError("can't start new thread"), MemoryError()])
def test_a_dispatch_that_cannot_begin_says_so(error, monkeypatch):
    """Where not a single thread can be had the error is raised, and nothing was taken."""

    def refuse(_):
        raise error

    found = adopted(Post(), 3)
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        with pytest.raises(type(error)):
            found.dispatch(clock=Clock())
    assert kinds(found, Sending) == []
    assert found.dispatch(clock=Clock()).sent == 3


def test_who_has_begun_finishes_where_others_cannot_begin(monkeypatch):
    """A machine that starts no more threads is an error; what was taken by then is sent and recorded."""
    start, gate = threading.Thread.start, threading.Event()

    def limited(thread):
        if thread.name == "worker/2":
            gate.set()
            raise RuntimeError("can't start new thread")
        start(thread)

    def wait(message, _):
        gate.wait(60)
        return Receipt.sent(message)

    channel = Post(wait)
    found = adopted(channel, 60)
    monkeypatch.setattr(threading.Thread, "start", limited)
    with pytest.raises(RuntimeError, match="can't start new thread"):
        found.dispatch(clock=Clock(), workers=8)
    assert {event.message for event in kinds(found, Sent)} == {each.id for each in channel.given}
    monkeypatch.undo()
    left = 60 - len(channel.given)
    assert left > 0
    assert found.dispatch(clock=Clock(), workers=8).sent == left


@pytest.mark.parametrize("workers", [1, 4])
def test_an_interrupt_lets_each_worker_finish_the_message_in_hand(workers):
    """Ctrl-C strikes whoever waits for the dispatch; what was taken is sent and recorded before it returns."""

    def carry(message, turn):
        if turn == 1:
            os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.5)
        return Receipt.sent(message)

    channel = Post(carry)
    found = adopted(channel, 60)
    done = found.dispatch(clock=Clock(), workers=workers)
    assert done.interrupted
    assert done.sent == len(channel.given) == len(kinds(found, Sent)) < 60
    assert found.store.claims() == []


def test_a_stop_is_heard_by_whoever_has_taken_a_message_and_waits_for_its_turn():
    """What is in hand is sent at once: a clock that was set back could keep it for longer than its lease."""

    class Stop(threading.Event):
        def wait(self, timeout=None):
            waits.append(timeout)
            if len(waits) == 2:
                self.set()
            return self.is_set()

    waits, channel = [], Post()
    found = adopted(channel, 5, rates={"post": Rate(1, per=HOUR)})
    assert found.dispatch(clock=Clock(), stop=Stop()).interrupted
    assert len(channel.given) == len(kinds(found, Sent)) == len(waits) == 2


@pytest.mark.parametrize("is_begun", [True, False])
def test_an_interrupt_that_strikes_at_the_beginning_stops_the_workers(is_begun, monkeypatch):
    """Whether or not the thread that works was started by then, nobody sends once the caller has gone on."""
    start, struck = threading.Thread.start, []

    def interrupted(thread):
        if is_begun or struck:
            start(thread)
        if not struck and thread.name == "netpromoter-desk":
            struck.append(thread)
            raise KeyboardInterrupt

    channel = Post()
    found = adopted(channel, 60)
    monkeypatch.setattr(threading.Thread, "start", interrupted)
    assert found.dispatch(clock=Clock(), workers=3).interrupted
    carried = len(channel.given)
    assert len(kinds(found, Sent)) == carried < 60
    time.sleep(0.05)
    assert len(channel.given) == carried


def test_a_handler_that_ends_the_program_waits_for_the_messages_in_hand():
    """Whatever it raises is raised once they are sent and recorded: nobody sends for a caller who is gone."""

    def leave(*_):
        raise SystemExit(143)

    def carry(message, turn):
        if turn == 1:
            os.kill(os.getpid(), signal.SIGALRM)
        time.sleep(0.3)
        return Receipt.sent(message)

    channel = Post(carry)
    found = adopted(channel, 60)
    before = signal.signal(signal.SIGALRM, leave)
    try:
        with pytest.raises(SystemExit):
            found.dispatch(clock=Clock(), workers=3)
    finally:
        signal.signal(signal.SIGALRM, before)
    carried = len(channel.given)
    assert 0 < carried == len(kinds(found, Sent)) < 60
    assert found.store.claims() == []
    assert not [each for each in threading.enumerate() if each.name.startswith("netpromoter")]


def test_progress_counts_messages():
    """Whoever waits is told how many messages there were so far."""
    seen = []
    adopted(Post(), 4).dispatch(clock=Clock(), progress=seen.append)
    assert seen == [1, 2, 3, 4]


def test_a_lying_channel_is_an_error_of_the_channel():
    """What is no receipt for the message says nothing of it: the message is uncertain and the channel put aside."""
    found = adopted(Post(lambda *_: "ok"), 2)
    done = found.dispatch(clock=Clock())
    assert (done.sent, done.uncertain) == (0, 1)
    assert "what channel 'post' returns must be a Receipt" in done.down["post"]


def test_an_error_of_the_store_ends_the_run():
    """A worker that cannot write stops sending, and whoever started it is told."""
    channel = Post()
    found = adopted(channel, 5)
    fill_disk(found, lambda: channel.given)
    with pytest.raises(OSError, match="No space left"):
        found.dispatch(clock=Clock())
    assert len(channel.given) == 1


def test_a_channel_that_cannot_be_left_is_down():
    """What it carried is recorded and counted; what it hides of the errors of others comes to light."""

    class Hung(Post):
        hides = False

        def __enter__(self):
            return self

        def __exit__(self, *_):
            if not self.hides:
                raise ConnectionResetError("reset while leaving")
            return True

    channel = Hung()
    found = adopted(channel, 3)
    done = found.dispatch(clock=Clock())
    assert (done.sent, done.down) == (3, {"post": "ConnectionResetError: reset while leaving"})
    assert len(kinds(found, Sent)) == 3

    channel.hides = True
    found = adopted(channel, 3)
    fill_disk(found, lambda: len(channel.given) > 4)
    with pytest.raises(OSError, match="No space left") as told:
        found.dispatch(clock=Clock())
    assert told.value.__notes__ == ["so far: Dispatch(sent=2, interrupted=True)"]


def test_a_message_that_was_withheld_can_be_decided_again():
    """Its id is spent, so that the message of the next plan is another attempt."""
    channel = Post()
    found = adopted(channel, 1)
    found.store.append([OptedOut(contact="c-0", at=MONDAY)])
    found.dispatch(clock=Clock())
    found.store.append([OptedIn(contact="c-0", at=MONDAY + HOUR)])
    assert found.execute(found.plan(people(1), at=MONDAY + DAY), clock=Clock(MONDAY + DAY)).sent == 1
    assert [message.attempt for message in channel.given] == [1]


def test_plugins_are_told_at_least_once():
    """Each plugin hears of each message and answer; one that raises hears of it again, and disturbs no other."""

    class Listener:
        def __init__(self):
            self.heard, self.fails = [], 0

        @hookimpl
        def netpromoter_message_sent(self, message, receipt):
            if self.fails:
                self.fails -= 1
                raise ValueError("not now")
            self.heard.append(("sent", message.contact, receipt.reference))

        @hookimpl
        def netpromoter_response_received(self, response):
            self.heard.append(("answered", response.contact, response.rating))

    steady, moody = Listener(), Listener()
    moody.fails = 1
    found = adopted(Post(), 2, plugins=load_plugins(steady, moody, entry_points=False))
    found.dispatch(clock=Clock())
    found.receive_answer(kinds(found, Sent)[0].message, 7, at=MONDAY)
    assert [found.tell(at=MONDAY).facts for _ in range(3)] == [3, 3, 0]
    assert steady.heard == moody.heard
    assert [what for what, *_ in steady.heard] == ["sent", "sent", "answered"]


def test_two_surveys_share_a_store():
    """A dispatcher sends the messages of its own survey, however many of another wait before them."""
    mine, theirs, store = Post(), Post(), MemoryStore()
    first = program(theirs, store=store)
    first.adopt(first.plan(people(450), at=MONDAY), at=MONDAY)
    second = Program(
        survey=Survey("support"),
        store=store,
        channels={"post": mine},
        links=LINKS,
        cadence=Wave("june"),
        rules=[],
        plugins=load_plugins(entry_points=False),
    )
    others = [Contact(id=f"d-{number}", addresses={"post": f"{number} Low Road"}) for number in range(30)]
    second.adopt(second.plan(others, at=MONDAY), at=MONDAY)
    assert second.dispatch(clock=Clock()).sent == 30
    assert {message.survey for message in mine.given} == {"support"}
    assert first.dispatch(clock=Clock()).sent == 450


def test_a_message_that_cannot_be_worded_hinders_no_other():
    """A template that asks for what one person lacks leaves that message, and says so."""
    templates = Templates(
        {"invitation.txt": "{{ snapshot['name'] }}: {{ answer_url }} {{ unsubscribe_url }}", "invitation.subject": "x"}
    )
    named = [
        Contact(id="c-1", addresses={"post": "1 High Street"}, attributes={"name": "Ann"}),
        Contact(id="c-2", addresses={"post": "2 High Street"}),
    ]
    found = program(Post(), templates=templates, keep=["name"])
    done = found.execute(found.plan(named, at=MONDAY), clock=Clock())
    assert (done.sent, done.broken) == (1, 1)
    assert kinds(found, Sending)[0].message.split("/")[2] == "c-1"


def test_a_class_makes_a_channel_for_each_worker():
    """What is given as a class is called, not copied."""
    made = []

    class Fresh(Post):
        def __init__(self):
            super().__init__()
            made.append(self)

    assert adopted(Fresh, 12).dispatch(clock=Clock(), workers=3).sent == 12
    assert sum(len(channel.given) for channel in made) == 12


def test_only_what_nobody_can_be_sending_is_settled():
    """While its lease runs, a message is not settled: it may be on its way."""
    found = adopted(Post(lambda *_: 1 / 0), 1, lease=HOUR)
    found.dispatch(clock=Clock())
    (sending,) = kinds(found, Sending)
    with pytest.raises(InvalidArgument, match="whose lease is over"):
        found.settle(sending.message, delivered=False, at=MONDAY + HOUR - timedelta(seconds=1))


def test_a_failure_is_told_with_its_reason():
    """The ledger keeps what a channel said."""
    found = adopted(Post(lambda message, _: Receipt.failed(message, "550 no such user", permanent=True)), 1)
    found.dispatch(clock=Clock())
    assert [(event.reason, event.permanent) for event in kinds(found, Failed)] == [("550 no such user", True)]


def loses_intents(store):
    """Let a store take intents, and give none of them back."""
    append = store.append

    def lossy(events, **options):
        return append([event for event in events if not isinstance(event, Sending)], **options)

    store.append = lossy


def sees_conflicts(store):
    """Let a store refuse whatever is appended on a condition."""
    append = store.append

    def strict(events, *, expecting=None):
        if expecting:
            raise Conflict("something happened")
        return append(events)

    store.append = strict


def offers_for_ever(store):
    """Let a store offer messages that others have taken."""
    waiting = store.waiting(MONDAY, limit=9)
    store.append([Sending(message=each.id, worker="w", at=MONDAY, until=MONDAY + DAY) for each in waiting.values()])
    store.waiting = lambda *_, **__: waiting


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("lies", [loses_intents, sees_conflicts, offers_for_ever])
def test_a_store_that_contradicts_itself_ends_the_dispatch(lies, workers):
    """What was lost twice, or for no reason that the store shows, waits; nothing is sent without an intent."""
    channel, stop = Post(), threading.Event()
    found = adopted(channel, 4)
    lies(found.store)
    patience = threading.Timer(30, stop.set)
    patience.start()
    done = found.dispatch(clock=Clock(), workers=workers, stop=stop)
    patience.cancel()
    assert (done, channel.given) == (Dispatch(postponed=4), [])


def test_a_refusal_that_the_store_never_takes_leaves_the_message_uncertain():
    """It sees a conflict each time, and shows nothing that is one."""
    stop = threading.Event()
    channel = Post(lambda message, _: sees_conflicts(found.store) or refused_for_now(message))
    channel.idempotent = True
    found = adopted(channel, 1)
    patience = threading.Timer(30, stop.set)
    patience.start()
    done = found.dispatch(clock=Clock(), stop=stop)
    patience.cancel()
    assert (done, len(channel.given)) == (Dispatch(uncertain=1), 1)


@pytest.mark.parametrize("conflict", [False, True])
def test_who_is_forgotten_as_a_message_is_taken_gets_none(conflict):
    """A message whose person is forgotten as it is taken, or as somebody looks why it cannot be, is not sent."""
    channel = Post()
    found = adopted(channel, 1)
    append = found.store.append

    def meanwhile(events, **options):
        found.store.append = append
        found.forget("c-0", at=MONDAY)
        if conflict:
            raise Conflict("something happened")
        return append(events, **options)

    found.store.append = meanwhile
    assert found.dispatch(clock=Clock()).sent == 0
    assert channel.given == []
    assert kinds(found, Sending) == kinds(found, Withheld) == []


@pytest.mark.parametrize("is_idempotent", [True, False])
def test_a_refusal_of_somebody_who_was_forgotten_ends_the_message(is_idempotent, opened):
    """There is nobody left of whom it could be written."""

    def forget(message, _):
        found.forget("c-0", at=MONDAY)
        return refused_for_now(message)

    channel = Post(forget)
    channel.idempotent = is_idempotent
    found = adopted(channel, 1, store=opened())
    assert found.dispatch(clock=Clock()).sent == 0
    assert found.dispatch(clock=Clock(MONDAY + DAY)) == Dispatch()
    assert len(channel.given) == 1
