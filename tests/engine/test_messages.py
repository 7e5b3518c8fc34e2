"""Messages: columns that read like a list."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from netpromoter.engine import plan
from netpromoter.model import Contact, Message, Scheduled, Sent, Survey, Touches, Triggered
from netpromoter.rules import Census, Continuous, History, Policy, Reminders, Trigger, Variant, Variants, Wave

AT = datetime(2026, 6, 1, 6, tzinfo=UTC)
DAY = timedelta(days=1)
ARMS = Variants(Variant("plain"), Variant("bold", subject="Hello!"))
CADENCES = [Wave("spring"), Continuous(every=9 * DAY, start=AT - 30 * DAY), Trigger("visit")]


def people(size):
    return [Contact(id=f"c-{n}", addresses={"email": f"{n}@example.com"}, locale="de") for n in range(size)]


def planned(size, cadence=CADENCES[0], *, variants=ARMS, days=0, log=()):
    """Plan for so many people, after what happened to them."""
    visits = [Triggered(event=f"e-{n}", touchpoint="visit", contact=f"c-{n}", at=AT - DAY) for n in range(size)]
    policy = Policy(
        survey=Survey("nps"),
        cadence=cadence,
        audience=Census(name="all"),
        rules=[],
        variants=variants,
        reminders=Reminders(after=3 * DAY, templates="again"),
    )
    return plan(people(size), [*visits, *log], policy, at=AT + days * DAY)


def scheduled(messages):
    return [Scheduled(message=each, at=AT) for each in messages]


@pytest.fixture(
    params=[(size, cadence, variants) for size in (0, 1, 7) for cadence in CADENCES for variants in (None, ARMS)]
)
def both(request):
    """Give the invitations of a plan, and the reminders that follow."""
    size, cadence, variants = request.param
    first = planned(size, cadence, variants=variants).invitations
    again = planned(size, cadence, variants=variants, days=3, log=scheduled(first)).reminders
    assert len(first) == len(again) == size
    return first, again


def test_messages_read_like_a_list(both):
    """Places, slices, iteration and length are those of a list of the messages, and what is beyond is refused."""
    for messages in both:
        listed = list(messages)
        assert all(isinstance(each, Message) for each in listed)
        assert messages[:] == listed
        assert messages[::-2] == listed[::-2]
        assert [messages[place] for place in range(-len(listed), len(listed))] == listed * 2
        assert list(reversed(messages)) == listed[::-1]
        for beyond in (len(listed), -len(listed) - 1):
            with pytest.raises(IndexError):
                messages[beyond]
        assert repr(messages) == f"Messages({len(listed)})"


def test_columns_say_what_the_messages_say(both):
    """Ids, occasions and rows are those of the single messages."""
    for messages in both:
        assert messages.ids == [each.contact for each in messages]
        assert list(messages.each_occasion()) == [each.occasion for each in messages]
        for row, each in zip(messages.rows(), messages, strict=True):
            assert row == {name: getattr(each, name) for name in row}
            assert set(row) == {
                "contact",
                "occasion",
                "step",
                "attempt",
                "channel",
                "due",
                "arm",
                "stratum",
                "probability",
            }


def test_touches_are_those_of_the_messages_once_they_are_scheduled(both):
    """The columns that a history takes are the ones that the events would give."""
    for messages in both:
        left = [Sent(message=event.message.id, at=event.at) for event in scheduled(messages)]
        told = [list(each.rows()) for each in (messages.touches(), Touches.of([*scheduled(messages), *left]))]
        assert sorted(told[0], key=lambda row: row["contact"]) == sorted(told[1], key=lambda row: row["contact"])
        assert messages.touches().in_order


def test_a_history_takes_the_touches_of_messages_as_it_takes_their_events(both):
    """Clocks and occasions are the same, whether a history is made of the columns or of the events."""
    for messages in both:
        contacts, events = messages.contacts, Touches.of(scheduled(messages))
        fold, empty = History(contacts, events), History(contacts, Touches.of([]))
        for history in (History(contacts, messages.touches()), empty.with_touches(messages.touches())):
            np.testing.assert_array_equal(history.last(("invited",)), fold.last(("invited",)))
            one, other = (each.occasions(each.codes(key="nps")) for each in (history, fold))
            assert (one.step == other.step).all()
            assert (one.destination == other.destination).all()
            assert history.labels(one.row, "occasion") == fold.labels(other.row, "occasion")


def test_a_reminder_keeps_the_occasion_and_the_arm_of_its_invitation(both):
    """A reminder has the occasion, arm and subject of the invitation, the next step, and the template of that step."""
    first, again = ({each.contact: each for each in messages} for messages in both)
    for contact, reminder in again.items():
        invitation = first[contact]
        for name in ("occasion", "arm", "subject", "channel", "to", "destination", "locale"):
            assert getattr(reminder, name) == getattr(invitation, name)
        assert (invitation.step, invitation.template, invitation.stratum, invitation.probability) == (
            0,
            "invitation",
            "all",
            1,
        )
        assert (reminder.step, reminder.template, reminder.stratum, reminder.probability) == (1, "again", None, None)


def test_the_occasions_of_a_cadence_are_its_own():
    """A wave has its name, an event its id, and a continuous survey the number of the ask."""
    named = [{each.contact: each.occasion for each in planned(3, cadence).invitations} for cadence in CADENCES]
    assert named[0] == dict.fromkeys(("c-0", "c-1", "c-2"), "spring")
    assert named[1] == dict.fromkeys(("c-0", "c-1", "c-2"), "1")
    assert named[2] == {"c-0": "e-0", "c-1": "e-1", "c-2": "e-2"}


def test_an_arm_that_is_gone_keeps_its_name():
    """A reminder whose arm is no longer part of the test has the arm, and no subject of its own."""
    first = scheduled(planned(7).invitations)
    other = planned(7, variants=Variants(Variant("x", subject="?"), Variant("y", subject="?")), days=3, log=first)
    assert {each.arm for each in other.reminders} == {"plain", "bold"}
    assert {each.subject for each in other.reminders} == {None}


def test_addresses_are_not_in_the_rows(both):
    """Rows name no address, and neither does the representation of a message."""
    for messages in both:
        assert "@" not in repr(list(messages.rows()))
        assert "@" not in repr(list(messages))


def test_what_is_kept_is_plain_and_that_of_the_contact():
    """Text, numbers, flags and instants of a snapshot are those of each contact, and None where there is none."""
    kept = [
        {"plan": "paid", "seats": 3, "share": 0.5, "vip": True, "joined": AT},
        {"plan": "free", "seats": 4, "share": 1.5, "vip": False, "joined": AT + timedelta(days=1)},
        {},
    ]
    people = [
        Contact(id=f"c-{place}", addresses={"email": f"{place}@example.com"}, attributes=each)
        for place, each in enumerate(kept)
    ]
    chosen = {"keep": list(kept[0]), "rules": [], "cadence": Wave("spring")}
    messages = plan(people, [], Policy(survey=Survey("nps"), **chosen), at=AT).invitations
    empty = dict.fromkeys(kept[0])
    assert {each.contact: each.snapshot for each in messages} == {
        person.id: empty | dict(person.attributes) for person in people
    }
    assert [messages[place].snapshot for place in range(3)] == [each.snapshot for each in messages]
