"""Cadences: when the next occasion of each person comes, what it is called, and why not before."""

from datetime import UTC, datetime, timedelta

import attrs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netpromoter.errors import InvalidArgument
from netpromoter.model import (
    Contact,
    Contacts,
    Declined,
    Message,
    Responded,
    Response,
    Scheduled,
    Survey,
    Touches,
    Triggered,
    fingerprint,
)
from netpromoter.rules import FOREVER, Continuous, History, People, Trigger, Wave, Waves, draws, field

START = datetime(2026, 6, 1, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def utc(moment):
    """Give an instant as columns have it."""
    return np.datetime64(moment.replace(tzinfo=None), "us")


def asked(contact, occasion, hours, *, step=0, survey="nps"):
    """Schedule a message."""
    due = START + hours * HOUR
    made = Message(survey=survey, occasion=occasion, contact=contact, step=step, channel="email", to="x", due=due)
    return Scheduled(message=made, at=due)


def event(name, contact, hours, point="visit"):
    """Let something happen to somebody."""
    return Triggered(event=name, touchpoint=point, contact=contact, at=START + hours * HOUR)


def seen(events=(), contacts=("a", "b", "c")):
    """Fold events into people."""
    people = Contacts.of([each if isinstance(each, Contact) else Contact(id=each) for each in contacts])
    return People(contacts=people, history=History(people, Touches.of(events)), survey=Survey("nps"))


def told(readiness):
    """Give the instant from which each may be asked, the reason and the occasion."""
    return [
        (ready, readiness.reasons[code], readiness.occasion(place))
        for place, (ready, code) in enumerate(zip(readiness.ready, readiness.codes, strict=True))
    ]


# Waves


def test_a_wave_asks_everybody_once_whatever_the_date():
    """Who was invited to a wave is never invited to it again; who was asked in another, or by another survey, is."""
    events = [asked("a", "spring", 0), asked("b", "autumn", 0), asked("c", "spring", 0, survey="pulse")]
    at = utc(START + 4000 * DAY)
    found = Wave("spring").readiness(seen(events), at)
    assert told(found)[0][:2] == (FOREVER, "asked in spring already")
    assert found.ready.tolist()[1:] == [at.item()] * 2
    assert found.ends == FOREVER
    assert found.occasion(2) == "spring"


@pytest.mark.parametrize("hours", [-100, 0, 5])
def test_a_wave_waits_for_its_opening_and_ends_at_its_closing(hours):
    """Nobody is ready before the opening, and the end is the closing."""
    wave = Wave("spring", opens=START, closes=START + 9 * DAY)
    found = wave.readiness(seen(), utc(START + hours * HOUR))
    assert (found.ready == utc(START)).all()
    assert found.ends == utc(START + 9 * DAY)
    assert found.over == "spring is over"
    if hours < 0:
        assert {reason for _, reason, _ in told(found)} == {"spring is not open yet"}


def test_a_wave_drips_evenly_by_a_draw_of_its_own():
    """Invitations of a wave are spread over its drip: each at a place that its draw gives, whatever the instant."""
    people = [f"c-{number}" for number in range(3000)]
    wave = Wave("spring", opens=START, drip=10 * DAY)
    crowd = seen(contacts=people)
    found = [wave.readiness(crowd, utc(START + shift)) for shift in (-DAY, 3 * DAY)]
    assert (found[0].ready == found[1].ready).all()
    places = (found[0].ready - utc(START)) / np.timedelta64(10, "D")
    assert np.abs(places - draws(crowd.contacts, "drip", "nps/spring")).max() < 1e-9
    assert np.histogram(places, 10, (0, 1))[0].min() > 220
    assert {reason for each in found for _, reason, _ in told(each)} == {"place in the drip of spring"}


def test_the_wave_that_opened_last_is_asked():
    """Of several waves, in whatever order, the one that opened last counts, and before all of them the first."""
    waves = Waves([Wave("b", opens=START + 9 * DAY), Wave("a", opens=START), Wave("c", opens=START + 20 * DAY)])
    for days, name in ((-5, "a"), (0, "a"), (8, "a"), (9, "b"), (19, "b"), (20, "c"), (500, "c")):
        at = utc(START + days * DAY)
        assert waves.seed(at) == name
        assert waves.readiness(seen(), at).occasion(1) == name
    assert (waves.readiness(seen(), utc(START - 5 * DAY)).ready == utc(START)).all()


# Continuous


def test_every_further_ask_comes_a_period_after_the_last():
    """The period counts from the person's own last invitation, which the next ask numbers; reminders do not move it."""
    events = [asked("a", "1", 0), asked("a", "2", 100), asked("a", "2", 172, step=1), asked("b", "1", 50)]
    found = Continuous(every=30 * DAY, start=START).readiness(seen(events), utc(START + 9 * DAY))
    assert told(found)[0] == (utc(START + 100 * HOUR + 30 * DAY), "30 days between two asks", "3")
    assert told(found)[1] == (utc(START + 50 * HOUR + 30 * DAY), "30 days between two asks", "2")
    assert told(found)[2][1:] == ("place in the first period", "1")
    assert found.ends == FOREVER


def said(kind, contact, occasion, hours):
    """Let somebody answer or decline."""
    place = {"survey": "nps", "occasion": occasion, "contact": contact, "at": START + hours * HOUR}
    return Declined(**place) if kind == "declined" else Responded(response=Response(rating=9, **place))


@pytest.mark.parametrize("kind", ["answered", "declined"])
def test_an_answer_does_not_move_the_clock_unless_nobody_had_asked(kind):
    """The period counts from the ask; who has spoken of the next ask before it left was asked it all the same."""
    events = [
        *(asked("a", "1", 0), said(kind, "a", "1", 40)),
        *(asked("b", "1", 0), said(kind, "b", "1", 40), said(kind, "b", "2", 90)),
        *(said(kind, "c", "1", 70), said(kind, "c", "1000000000000000000000", 80), said(kind, "c", "spring", 85)),
    ]
    cadence, at = Continuous(every=30 * DAY, start=START), utc(START + 9 * DAY)
    first, second, third = told(cadence.readiness(seen(events), at))
    for cut in range(len(events)):
        people = seen(events[:cut])
        cadence.readiness(people, at)
        grown = people.history.with_touches(Touches.of(events[cut:]))
        assert told(cadence.readiness(attrs.evolve(people, history=grown), at)) == [first, second, third]
    assert first == (utc(START + 30 * DAY), "30 days between two asks", "2")
    assert second == (utc(START + 90 * HOUR + 30 * DAY), "30 days between two asks", "3")
    assert third == (utc(START + 85 * HOUR + 30 * DAY), "30 days between two asks", "2")


@pytest.mark.parametrize("kind", ["answered", "declined"])
def test_who_has_spoken_of_an_occasion_is_not_asked_about_it(kind):
    """Whether or not an invitation has reached the person, the occasion is closed; another one is not."""
    events = [event("e-1", "a", 0), event("e-2", "b", 0), said(kind, "a", "e-1", 1), said(kind, "b", "e-1", 1)]
    trigger = Trigger("visit", within=9 * DAY)
    found = told(trigger.readiness(seen(events), utc(START + DAY)))
    assert (found[0][:2], found[1][0]) == ((FOREVER, "asked about this visit already"), utc(START))
    wave = told(Wave("e-1").readiness(seen([said(kind, "a", "e-1", 1), said(kind, "b", "e-2", 1)]), utc(START)))
    assert (wave[0][:2], wave[1][0]) == ((FOREVER, "asked in e-1 already"), utc(START))


@pytest.mark.parametrize(
    ("cadence", "asked_oneself", "asked_by_another"),
    [
        (Wave("1"), "asked in 1 already", "another contact with this address was asked in 1"),
        (
            Continuous(every=30 * DAY, start=START),
            "30 days between two asks",
            "30 days after another contact with this address was asked",
        ),
    ],
)
def test_who_shares_an_address_is_told_whether_they_were_asked_themselves(cadence, asked_oneself, asked_by_another):
    """A touch at a shared address holds all who have it, and only whoever was asked is told that they were."""
    mailbox = {"email": "ab@example.com"}
    people = [Contact(id="a", addresses=mailbox), Contact(id="b", addresses=mailbox), Contact(id="c")]
    ask = asked("a", "1", 0)
    ask = attrs.evolve(ask, message=attrs.evolve(ask.message, destination=fingerprint("ab@example.com")))
    first, second, third = told(cadence.readiness(seen([ask], people), utc(START + DAY)))
    assert (first[1], second[1]) == (asked_oneself, asked_by_another)
    assert first[0] == second[0] != third[0]


def test_the_first_asks_are_spread_over_the_first_period():
    """Each first ask has a place in the first period, by a draw; who comes later may be asked at once."""
    people = [
        Contact(id=f"c-{n}", since=START + 5 * DAY if n % 10 == 0 else START - DAY if n % 2 else None)
        for n in range(3000)
    ]
    crowd = seen(contacts=people)
    found = Continuous(every=90 * DAY, start=START).readiness(crowd, utc(START))
    late = crowd.contacts.since > utc(START)
    assert (found.ready[late] == utc(START + 5 * DAY)).all()
    places = (found.ready[~late] - utc(START)) / np.timedelta64(90, "D")
    assert np.abs(places - draws(crowd.contacts, "first ask", "nps")[~late]).max() < 1e-9
    assert np.histogram(places, 9, (0, 1))[0].min() > 240


def test_a_continuous_survey_has_one_draw():
    """The sample of a continuous survey does not change with time."""
    cadence = Continuous(every=DAY, start=START)
    assert cadence.seed(utc(START)) == cadence.seed(utc(START + 900 * DAY))


# Triggers

EVENT = st.tuples(st.sampled_from("ab"), st.sampled_from(range(0, 61, 5)), st.sampled_from(["visit", "call"]))
EVENTS = st.lists(EVENT, max_size=8)
ASKED = st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 7), st.integers(0, 90)), max_size=4)


def oracle(events, invited, contact, *, at, delay, within):
    """Say from when on a contact may be asked, until when, and about what."""
    mine = sorted(
        (START + hours * HOUR, f"e-{n}")
        for n, (who, hours, point) in enumerate(events)
        if (who, point) == (contact, "visit")
    )
    ripe = [each for each in mine if each[0] + delay <= at]
    if not mine:
        return None
    happened, name = ripe[-1] if ripe else mine[0]
    ready = happened + delay
    if any(who == contact and f"e-{number}" == name for who, number, _ in invited) and at < ready + within:
        return "asked"
    return ready, ready + within, name


@settings(max_examples=150, deadline=None, derandomize=True)
@given(events=EVENTS, invited=ASKED, hours=st.integers(0, 120), delay=st.sampled_from([0, 5, 48]), data=st.data())
def test_a_trigger_asks_about_the_latest_ripe_event_once(events, invited, hours, delay, data):
    """Of several events the latest whose delay is over counts, or else the first; nobody is asked twice about one."""
    at, rule = START + hours * HOUR, Trigger("visit", delay=delay * HOUR, within=30 * HOUR)
    log = [event(f"e-{n}", who, when, point) for n, (who, when, point) in enumerate(events)]
    log += [asked(who, f"e-{number}", when) for who, number, when in invited]
    log = data.draw(st.permutations(log))
    found = rule.readiness(seen(log, "ab"), utc(at))
    for place, contact in enumerate("ab"):
        expected = oracle(events, invited, contact, at=at, delay=delay * HOUR, within=30 * HOUR)
        ready, reason, occasion = told(found)[place]
        if expected is None:
            assert (ready, reason) == (FOREVER, "no visit yet")
        elif expected == "asked":
            assert (ready, reason) == (FOREVER, "asked about this visit already")
        else:
            assert (ready, found.ends[place], occasion) == (utc(expected[0]), utc(expected[1]), expected[2])
            assert reason == (
                f"{delay // 24} days after visit"
                if delay == 48
                else "5 hours after visit"
                if delay
                else "visit is still to come"
            )
    assert found.over == "visit was too long ago"


def test_a_longer_delay_does_not_ask_about_an_older_event_again():
    """When a longer delay makes an older event the latest ripe one, who was asked about it is not asked again."""
    log = [event("old", "a", 0), asked("a", "old", 1), event("new", "a", 30), asked("a", "new", 40)]
    found = Trigger("visit", delay=40 * HOUR).readiness(seen(log), utc(START + 50 * HOUR))
    assert told(found)[0][:2] == (FOREVER, "asked about this visit already")


def test_an_attribute_holds_a_trigger_back():
    """The delay counts from the later of the event and the attribute; who has none waits for it."""
    moments = {"a": START + 9 * DAY, "b": START - 9 * DAY, "c": None}
    people = [Contact(id=each, attributes={"published": moment}) for each, moment in moments.items()]
    log = [event(f"e-{each}", each, 0) for each in "abc"]
    rule = Trigger("visit", delay=2 * HOUR, within=DAY, not_before="published")
    found = rule.readiness(seen(log, people), utc(START + 3 * HOUR))
    assert found.ready.tolist() == [
        utc(START + 9 * DAY + 2 * HOUR).item(),
        utc(START + 2 * HOUR).item(),
        FOREVER.item(),
    ]
    assert found.ends[0] == utc(START + 10 * DAY + 2 * HOUR)
    assert told(found)[2][1] == "published missing"


def test_a_condition_holds_a_trigger_back():
    """Who does not meet the condition, or of whom it is unknown, waits."""
    people = [Contact(id=each, attributes={"paid": paid}) for each, paid in (("a", True), ("b", False), ("c", None))]
    rule = Trigger("visit", not_before=field("paid") == True)  # noqa: E712 -- a condition
    found = rule.readiness(seen([event(f"e-{each}", each, 0) for each in "abc"], people), utc(START))
    assert [ready == FOREVER for ready in found.ready] == [False, True, True]
    assert told(found)[1][1] == 'not yet field("paid") == True'


@pytest.mark.parametrize(
    "cadence",
    [
        Wave("w", opens=START, drip=DAY),
        Waves([Wave("w", opens=START)]),
        Continuous(every=DAY, start=START),
        Trigger("visit"),
        Trigger("visit", not_before="published"),
        Trigger("visit", not_before=field("paid") == 1),
    ],
)
def test_nobody_is_asked_where_there_is_nobody(cadence):
    """Every cadence takes nobody, and misses no field of nobody; and every one names its draw."""
    assert len(cadence.readiness(seen(contacts=()), utc(START)).ready) == 0
    assert cadence.seed(utc(START))


SPAN = "must be a timedelta of at least 0:00:00"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Wave(""), r"name must be text that is not blank \(got ''\)"),
        (lambda: Wave("w", opens="today"), r"opens must be a datetime with a time zone \(got 'today'\)"),
        (lambda: Wave("w", closes=START.replace(tzinfo=None)), "closes must be a datetime with a time zone"),
        (lambda: Wave("w", opens=START, closes=START), r"closes must be after opens, 2026-06-01 00:00:00\+00:00 \(got"),
        (lambda: Wave("w", drip=DAY), r"opens must be given where a wave drips \(got None\)"),
        (lambda: Wave("w", opens=START, drip=-DAY), f"drip {SPAN}"),
        (lambda: Waves([]), r"waves must be at least one wave \(got \[\]\)"),
        (lambda: Waves(Wave("w")), r"opens must be given where there are several waves \(got Wave"),
        (lambda: Waves("w"), r"waves must be made of waves \(got 'w'\)"),
        (lambda: Waves(3), r"waves must be made of waves \(got 3\)"),
        (lambda: Waves([Wave("w", opens=START)] * 2), r"waves must be of different names \(got \['w', 'w'\]\)"),
        (lambda: Continuous(every=timedelta(0), start=START), f"every {SPAN}.000001"),
        (lambda: Continuous(every=DAY, start=None), "start must be a datetime with a time zone"),
        (lambda: Trigger(" "), "touchpoint must be text that is not blank"),
        (lambda: Trigger("x", delay=3), f"delay {SPAN}"),
        (lambda: Trigger("x", within=timedelta(0)), f"within {SPAN}.000001"),
        (lambda: Trigger("x", not_before=3), r"not_before must be the name of an attribute, or a condition \(got 3\)"),
        (
            lambda: Trigger("x", not_before="plan").readiness(seen(), utc(START)),
            r"not_before must be an attribute that holds instants, or a condition \(got 'plan'\)",
        ),
        (
            lambda: Trigger("x", not_before="locale").readiness(seen(), utc(START)),
            "not_before must be an attribute that holds instants",
        ),
    ],
)
def test_what_is_no_cadence_is_refused(make, message):
    """Wrong names, instants, spans and attributes are refused in words that name them."""
    with pytest.raises(InvalidArgument, match=message):
        make()
