"""What is looked at again in the moment in which a message is taken."""

from datetime import UTC, datetime, timedelta

import attrs
import numpy as np
import pytest

from netpromoter.engine._vetoes import End, Later, Never, judged
from netpromoter.model import (
    Bounced,
    Declined,
    Entry,
    Failed,
    Message,
    OptedIn,
    OptedOut,
    Responded,
    Response,
    Scheduled,
    Sending,
    Sent,
    Settled,
    Withheld,
)
from netpromoter.rules import SendWindow

NOW = datetime(2026, 6, 3, 8, tzinfo=UTC)
HOUR = timedelta(hours=1)
MESSAGE = Message(
    survey="nps", occasion="june", contact="c-1", step=1, channel="email", to="a@example.com", destination=7, due=NOW
)
FIRST = attrs.evolve(MESSAGE, step=0, due=NOW - timedelta(days=3))
ELSEWHERE = attrs.evolve(FIRST, to="b@example.com", destination=8)
SHARING = attrs.evolve(FIRST, contact="c-2")
MOVED = attrs.evolve(ELSEWHERE, contact="c-2")


def verdict(*events, message=MESSAGE, at=NOW, window=None, **end):
    """Judge a message by these events."""
    entries = [Entry(position=place, event=event) for place, event in enumerate(events, 1)]
    return judged(message, entries, at, window=window, time_zone="UTC", end=End(**end))


def taken(message, hours):
    """Say that a message was taken so many hours ago."""
    at = NOW - hours * HOUR
    return Sending(message=message.id, worker="w", at=at, until=at + HOUR)


def answer(**facts):
    """Make an answer to this occasion."""
    asked = {"survey": "nps", "occasion": "june", "contact": "c-1", "rating": 9, "at": NOW} | facts
    return Responded(response=Response(**asked))


_FAILED = "the address has failed"


@pytest.mark.parametrize(
    ("events", "reason"),
    [
        ([OptedOut(contact="c-1", at=NOW)], "opted out"),
        ([OptedOut(contact="c-1", at=NOW, reminders_only=True)], "opted out"),
        ([OptedIn(contact="c-1", at=NOW), OptedOut(contact="c-1", at=NOW + HOUR)], "opted out"),
        ([OptedOut(contact="c-1", at=NOW + HOUR), OptedIn(contact="c-1", at=NOW)], "opted out"),
        ([OptedOut(contact="c-1", at=NOW), OptedIn(contact="c-1", at=NOW)], "opted out"),
        ([answer()], "answered"),
        ([Declined(survey="nps", occasion="june", contact="c-1", at=NOW)], "declined"),
        ([Bounced(contact="c-1", destination=7, at=NOW)], "the address has failed"),
        (
            [Scheduled(message=FIRST, at=NOW), Failed(message=FIRST.id, at=NOW, reason="550", permanent=True)],
            "the address has failed",
        ),
        ([OptedOut(contact="c-2", at=NOW, destination=7)], "opted out"),
        ([OptedOut(contact="c-2", at=NOW)], "opted out"),
        ([OptedOut(contact="c-2", at=NOW, destination=8)], "opted out"),
        (
            [
                OptedOut(contact="c-1", at=NOW + 2 * HOUR),
                OptedOut(contact="c-1", at=NOW),
                OptedIn(contact="c-1", at=NOW + HOUR),
            ],
            "opted out",
        ),
        (
            [
                OptedOut(contact="c-2", at=NOW + 2 * HOUR, destination=7),
                OptedOut(contact="c-2", at=NOW, destination=7),
                OptedIn(contact="c-3", at=NOW + HOUR, destination=7),
            ],
            "opted out",
        ),
        ([Scheduled(message=FIRST, at=NOW), Bounced(contact="c-1", destination=0, at=NOW, message=FIRST.id)], _FAILED),
        (
            [Scheduled(message=SHARING, at=NOW), Bounced(contact="c-2", destination=0, at=NOW, message=SHARING.id)],
            _FAILED,
        ),
        ([Bounced(contact="c-1", destination=0, at=NOW, channel="email")], _FAILED),
        ([Bounced(contact="c-1", destination=0, at=NOW)], _FAILED),
        ([OptedOut(contact="c-1", at=NOW), OptedIn(contact="c-2", at=NOW + HOUR, destination=7)], "opted out"),
        ([OptedOut(contact="c-1", at=NOW), OptedIn(contact="c-2", at=NOW + HOUR)], "opted out"),
        ([OptedOut(contact="c-1", at=NOW, destination=7), OptedIn(contact="c-2", at=NOW + HOUR)], "opted out"),
        ([Bounced(contact="c-2", destination=7, at=NOW)], "the address has failed"),
        (
            [Scheduled(message=SHARING, at=NOW), Failed(message=SHARING.id, at=NOW, reason="550", permanent=True)],
            "the address has failed",
        ),
    ],
)
def test_what_withholds_a_message(events, reason):
    """An opt-out, an answer, a decline and a dead address end a message, each by its name.

    Opt-outs and failures are those of the address too, whoever it is that has it.
    """
    assert verdict(*events) == Never(reason)


@pytest.mark.parametrize(
    "events",
    [
        [OptedOut(contact="c-1", at=NOW), OptedIn(contact="c-1", at=NOW + HOUR)],
        [answer(occasion="may")],
        [answer(survey="support")],
        [Declined(survey="nps", occasion="may", contact="c-1", at=NOW)],
        [Bounced(contact="c-1", destination=8, at=NOW)],
        [Scheduled(message=ELSEWHERE, at=NOW), Failed(message=ELSEWHERE.id, at=NOW, reason="550", permanent=True)],
        [Scheduled(message=FIRST, at=NOW), Failed(message=FIRST.id, at=NOW, reason="451", permanent=False)],
        [Failed(message="nps/lost/c-1/0/0", at=NOW, reason="550", permanent=True)],
        [taken(MESSAGE, 0), Sent(message=MESSAGE.id, at=NOW)],
        [taken(FIRST, 24)],
        [OptedOut(contact="c-2", at=NOW, destination=7), OptedIn(contact="c-1", at=NOW + HOUR)],
        [OptedOut(contact="c-1", at=NOW, destination=7), OptedIn(contact="c-1", at=NOW + HOUR)],
        [OptedOut(contact="c-2", at=NOW, destination=7), OptedIn(contact="c-3", at=NOW + HOUR, destination=7)],
        [OptedOut(contact="c-2", at=NOW), OptedIn(contact="c-2", at=NOW + HOUR)],
        [OptedOut(contact="c-2", at=NOW), OptedIn(contact="c-3", at=NOW + HOUR)],
        [OptedOut(contact="c-2", at=NOW, destination=7), OptedIn(contact="c-2", at=NOW + HOUR)],
        [OptedOut(contact="c-2", at=NOW, destination=7), OptedIn(contact="c-2", at=NOW + HOUR, destination=8)],
        [OptedOut(contact="c-2", at=NOW), OptedIn(contact="c-2", at=NOW + HOUR, destination=8)],
        [answer(contact="c-2")],
        [Declined(survey="nps", occasion="june", contact="c-2", at=NOW)],
        [Scheduled(message=MOVED, at=NOW), taken(MOVED, 5)],
        [Scheduled(message=ELSEWHERE, at=NOW), Bounced(contact="c-1", destination=0, at=NOW, message=ELSEWHERE.id)],
        [Bounced(contact="c-1", destination=0, at=NOW, channel="sms")],
        [Bounced(contact="c-2", destination=0, at=NOW, channel="email")],
    ],
)
def test_what_does_not(events):
    """Another occasion or address, an opt-out that was taken back and what is a day old speak against nothing.

    Nor do answers of others at the same address, or what they got elsewhere.
    """
    assert verdict(*events) is None


def test_what_others_chose_before_the_adoption_was_known_then():
    """Who has had the address before, and opted out as a person, speaks for themselves alone."""
    adopted = Scheduled(message=MESSAGE, at=NOW)
    assert verdict(OptedOut(contact="c-2", at=NOW), adopted) is None
    assert verdict(adopted, OptedOut(contact="c-2", at=NOW)) == Never("opted out")
    assert verdict(OptedOut(contact="c-2", at=NOW, destination=7), adopted) == Never("opted out")
    assert verdict(OptedOut(contact="c-1", at=NOW), adopted) == Never("opted out")


@pytest.mark.parametrize(
    ("outcome", "reason"),
    [
        (Failed(message=MESSAGE.id, at=NOW, reason="451", permanent=False), "opted out"),
        (Settled(message=MESSAGE.id, at=NOW, delivered=False), "opted out"),
        (Failed(message=MESSAGE.id, at=NOW, reason="550", permanent=True), ""),
        (Withheld(message=MESSAGE.id, at=NOW, reason="opted out"), ""),
    ],
)
def test_an_attempt_is_adopted_with_the_one_before_unless_that_was_over(outcome, reason):
    """Who sends again for now does not look at others as a plan does, so what they did meanwhile was not known."""
    again = attrs.evolve(MESSAGE, attempt=1, destination=8)
    adopted, meanwhile = Scheduled(message=MESSAGE, at=NOW), OptedOut(contact="c-2", at=NOW)
    events = [adopted, taken(MESSAGE, 30), meanwhile, outcome, Scheduled(message=again, at=NOW)]
    assert verdict(*events, message=again) == (Never(reason) if reason else None)


def test_who_has_sent_a_message_is_believed_before_who_has_settled_it():
    """The next attempt is withheld, until the first comes back; to others it counts as sent when it was taken."""
    again = attrs.evolve(MESSAGE, attempt=1, destination=8)
    settled = Settled(message=MESSAGE.id, at=NOW, delivered=False)
    events = [Scheduled(message=MESSAGE, at=NOW), taken(MESSAGE, 5), settled, Scheduled(message=again, at=NOW)]
    assert verdict(*events, message=again) is None
    events.append(Sent(message=MESSAGE.id, at=NOW))
    assert verdict(*events, message=again) == Never("an earlier attempt was sent after all")
    assert verdict(*events, message=attrs.evolve(MESSAGE, step=2)) == Later(NOW + 19 * HOUR)
    events.append(Bounced(contact="c-1", destination=7, message=MESSAGE.id, at=NOW))
    assert verdict(*events, message=again) is None


def test_one_mailbox_gets_one_message_in_a_day():
    """A message that another contact got at the same address puts this one off."""
    assert verdict(Scheduled(message=SHARING, at=NOW), taken(SHARING, 5)) == Later(NOW + 19 * HOUR)
    failed = Failed(message=SHARING.id, at=NOW, reason="451", permanent=False)
    assert verdict(Scheduled(message=SHARING, at=NOW), taken(SHARING, 5), failed) is None


def test_an_invitation_is_not_a_reminder():
    """Who wants no reminders may still be invited."""
    assert verdict(OptedOut(contact="c-1", at=NOW, reminders_only=True), message=FIRST) is None


def test_another_message_within_a_day_puts_it_off():
    """A message that was taken counts as sent, until it is known that it was not."""
    assert verdict(taken(FIRST, 5)) == Later(NOW + 19 * HOUR)
    assert verdict(taken(FIRST, 5), Failed(message=FIRST.id, at=NOW, reason="451", permanent=False)) is None
    assert verdict(taken(FIRST, 5), Settled(message=FIRST.id, at=NOW, delivered=False)) is None
    assert verdict(taken(FIRST, 5), Bounced(contact="c-1", destination=8, at=NOW, message=FIRST.id)) is None
    assert verdict(taken(FIRST, 5), Bounced(contact="c-1", destination=8, at=NOW)) == Later(NOW + 19 * HOUR)
    assert verdict(taken(FIRST, 5), Settled(message=FIRST.id, at=NOW, delivered=True)) == Later(NOW + 19 * HOUR)


@pytest.mark.parametrize(("zone", "verdict_there"), [(None, None), ("Asia/Tokyo", Later()), ("Mars/Base", None)])
def test_a_window_is_that_of_the_person(zone, verdict_there):
    """At eight in London it is five in the afternoon in Tokyo; who has no zone that is known has the program's."""
    message = attrs.evolve(MESSAGE, time_zone=zone)
    assert verdict(message=message, window=SendWindow("Mon-Fri", "08:00-11:00")) == verdict_there


def test_a_wave_that_is_over_withholds_its_messages():
    """From its end on a wave has no further message, and its end ends no other wave."""
    end = np.datetime64(NOW.replace(tzinfo=None), "us")
    assert verdict(closes={"june": end}) == Never("june is over")
    assert verdict(closes={"june": end + np.timedelta64(1, "us")}) is None
    assert verdict(closes={"may": end}) is None


def test_a_moment_that_is_over_withholds_its_messages():
    """So long after a message was due it has come too late; nothing else has an end of this kind."""
    reason, within = "case.closed was too long ago", NOW - FIRST.due
    assert verdict(message=FIRST, within=within, over=reason) == Never(reason)
    assert verdict(message=FIRST, within=within + timedelta(microseconds=1), over=reason) is None
    assert verdict(message=FIRST, over=reason) is None
