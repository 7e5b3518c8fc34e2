"""Adoption: a plan is decided once more, by the rules and the history of that instant."""

from datetime import UTC, datetime, timedelta

import attrs
import pytest

from netpromoter.engine import adopt, plan
from netpromoter.errors import InvalidArgument
from netpromoter.model import (
    Bounced,
    Contact,
    OptedOut,
    Responded,
    Response,
    Scheduled,
    Sent,
    Survey,
    Touches,
    Triggered,
    WaveDrawn,
    fingerprint,
)
from netpromoter.rules import (
    AtMost,
    Census,
    Continuous,
    DailyCap,
    Policy,
    QuietPeriod,
    Reminders,
    SendWindow,
    Trigger,
    Variant,
    Variants,
    Wave,
    field,
)

AT = datetime(2026, 6, 1, 6, tzinfo=UTC)  # a Monday
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
PEOPLE = [
    Contact(
        id=f"c-{number}",
        addresses={"email": f"{number}@example.com", "sms": f"+1 555 {number}"},
        attributes={"plan": "paid" if number % 2 else "free"},
    )
    for number in range(10)
]


def policy(survey="nps", cadence=None, **options):
    return Policy(**{"survey": Survey(survey), "cadence": cadence or Wave("spring"), "rules": []} | options)


def made(log=(), chosen=None, at=AT, **options):
    return plan(PEOPLE, list(log), chosen or policy(), at=at, **options)


def reasons(adoption):
    return {row["contact"]: row["reason"] for row in adoption.dropped.rows()}


def test_what_nothing_has_changed_is_adopted_as_it_was_planned():
    """On the same log at the same instant every message of a plan is scheduled, and nobody is dropped."""
    first = made()
    found = adopt(first, [], at=AT)
    messages = [event.message for event in found.events if isinstance(event, Scheduled)]
    assert messages == [*first.invitations, *first.reminders]
    assert {event.at for event in found.events} == {AT} == {found.at}
    assert len(found.dropped) == 0
    assert repr(found) == "Adoption(10 messages, 0 dropped)"


def test_a_draw_is_recorded_before_its_messages():
    """A stratum has one `WaveDrawn`, before the messages, with as many drawn as are scheduled."""
    chosen = policy(
        audience=[
            Census(where=field("plan") == "paid", name="paying"),
            Census(where=field("plan") == "free", name="free"),
        ]
    )
    events = adopt(made(chosen=chosen), [], at=AT).events
    assert [type(event) for event in events] == [WaveDrawn] * 2 + [Scheduled] * 10
    for drawn in events[:2]:
        assert drawn.drawn == sum(event.message.stratum == drawn.stratum for event in events[2:]) == 5


def test_its_touches_are_those_of_its_events():
    """A history that takes the touches of an adoption is the one that takes its events."""
    chosen = policy(variants=Variants(Variant("a"), Variant("b")), reminders=Reminders(after=2 * DAY))
    log = adopt(made(chosen=chosen, at=AT - 2 * DAY), [], at=AT - 2 * DAY).events[:6]
    found = adopt(made(log, chosen), log, at=AT)
    assert len(found.plan.invitations) == len(found.plan.reminders) == 5
    left = [Sent(message=event.message.id, at=AT) for event in found.events if isinstance(event, Scheduled)]
    told = [list(touches.rows()) for touches in (found.touches(), Touches.of([*found.events, *left]))]
    assert sorted(told[0], key=lambda row: row["contact"]) == sorted(told[1], key=lambda row: row["contact"])
    assert found.touches().in_order


def test_adopting_twice_adds_nothing():
    """What is scheduled is not scheduled again, for invitations, reminders and every cadence."""
    cadences = [Wave("spring"), Continuous(every=30 * DAY, start=AT - 90 * DAY), Trigger("visit")]
    happened = [Triggered(event=f"e-{n}", touchpoint="visit", contact=f"c-{n}", at=AT - HOUR) for n in range(10)]
    for cadence in cadences:
        chosen = policy(cadence=cadence, reminders=Reminders(after=2 * DAY))
        log = list(happened)
        for days in (0, 2):
            found = made(log, chosen, at=AT + days * DAY)
            first = adopt(found, log, at=AT + days * DAY)
            assert len(first.events) >= 10
            log += first.events
            again = adopt(found, log, at=AT + days * DAY)
            assert again.events == []
            assert len(again.dropped) == 10


@pytest.mark.parametrize("hours", [0, 23, 24, 48])
def test_two_surveys_planned_on_one_log_do_not_write_twice_in_a_day(hours):
    """Of two plans made from one state of the log the second writes a day later, or not at all if that is too late."""
    one, other = made(), made(chosen=policy("pulse"), horizon=hours * HOUR)
    first = adopt(one, [], at=AT)
    second = adopt(other, first.events, at=AT)
    assert len(first.plan.invitations) == len(other.invitations) == 10
    if hours < 24:
        assert set(reasons(second).values()) == {"24 hours between any two messages"}
        assert [row["until"] for row in second.dropped.rows()] == [AT + DAY] * 10
    else:
        assert [each.due for each in second.plan.invitations] == [AT + DAY] * 10


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (OptedOut(contact="c-1", at=AT), "opted out"),
        (
            Responded(response=Response(survey="old", occasion="x", contact="c-1", rating=1, at=AT)),
            "90 days of quiet after an answer",
        ),
        (Bounced(contact="c-1", destination=0, at=AT), "every address for email has failed"),
        (
            Bounced(contact="other", destination=fingerprint("1@example.com"), at=AT),
            "every address for email has failed",
        ),
    ],
)
def test_what_has_happened_since_is_judged(event, reason):
    """Whoever opted out, answered or bounced since the plan is dropped, for that reason, and nobody else is."""
    found = adopt(made(chosen=policy(rules=[QuietPeriod(days=90)])), [event], at=AT + HOUR)
    assert reasons(found) == {"c-1": reason}
    assert len(found.plan.invitations) == 9


def test_another_message_than_the_planned_one_is_not_sent():
    """Who would get another message by now than the one that was reviewed gets none."""
    happened = [Triggered(event=f"e-{n}", touchpoint="visit", contact="c-1", at=AT + n * HOUR) for n in range(3)]
    first = made(happened[:1], policy(cadence=Trigger("visit")))
    assert [each.occasion for each in first.invitations] == ["e-0"]
    found = adopt(first, happened, at=AT + 5 * HOUR)
    assert reasons(found) == {"c-1": "another message is due than was planned"}
    assert found.events == []


def test_a_wave_that_is_over_is_not_adopted():
    """A plan of a wave is dropped when the policy in force has another wave."""
    found = adopt(made(), [], at=AT, policy=policy(cadence=Wave("autumn")))
    assert set(reasons(found).values()) == {"another message is due than was planned"}


def test_a_reminder_that_became_a_repeat_is_not_adopted():
    """Who was to be reminded and whose invitation came back since gets no reminder by that plan."""
    chosen = policy(reminders=Reminders(after=2 * DAY), channels=["email", "sms"])
    log = adopt(made(chosen=chosen, at=AT - 2 * DAY), [], at=AT - 2 * DAY).events
    first = made(log, chosen)
    log += [Bounced(contact="c-1", destination=fingerprint("1@example.com"), at=AT, channel="email")]
    found = adopt(first, log, at=AT)
    assert reasons(found) == {"c-1": "another message is due than was planned"}
    assert [(each.step, each.attempt) for each in found.plan.reminders] == [(1, 0)] * 9
    (repeat,) = [each for each in made(log, chosen).reminders if each.contact == "c-1"]
    assert (repeat.step, repeat.attempt, repeat.channel) == (0, 1, "sms")


def test_nobody_is_adopted_who_was_not_planned():
    """An adoption never adds a person, though the policy in force would ask more."""
    first = made(chosen=policy(audience=Census(where=field("plan") == "paid")))
    found = adopt(first, [], at=AT, policy=policy())
    assert sorted(found.plan.invitations.ids) == ["c-1", "c-3", "c-5", "c-7", "c-9"]
    assert len(found.dropped) == 0


def test_the_policy_in_force_decides():
    """Rules, caps and words are those of the policy in force, not those of the plan."""
    first = made(chosen=policy(rules=[DailyCap(8)]))
    assert len(first.invitations) == 8
    force = policy(rules=[DailyCap(3)], variants=Variants(Variant("a", subject="x"), Variant("b", subject="x")))
    found = adopt(first, [], at=AT, policy=force)
    assert {each.subject for each in found.plan.invitations} == {"x"}
    assert len(found.plan.invitations) == 3
    assert len(found.dropped) == 5
    assert set(found.plan.invitations.ids) <= set(first.invitations.ids)


def test_a_message_leaves_at_the_time_of_its_adoption():
    """What is adopted later leaves later, inside the window, or is dropped where the window has closed for too long."""
    chosen = policy(rules=[SendWindow("Mon,Tue", "05:00-10:00")])
    first = made(chosen=chosen, horizon=DAY)
    assert {each.due for each in first.invitations} == {AT}
    for hours, due in ((2, AT + 2 * HOUR), (9, AT + 23 * HOUR)):
        assert {each.due for each in adopt(first, [], at=AT + hours * HOUR).plan.invitations} == {due}
    late = adopt(first, [], at=AT + 30 * HOUR)
    assert len(late.dropped) == 10
    assert set(reasons(late).values()) == {"outside the send window Mon,Tue 05:00-10:00"}


def test_caps_hold_over_many_plans_of_one_log():
    """However many plans are made from one state of the log, together they keep to the caps."""
    chosen = policy(rules=[DailyCap(4), AtMost(1, per=9 * DAY)])
    plans, log = [made(chosen=chosen) for _ in range(4)], []
    for each in plans:
        log += adopt(each, log, at=AT).events
    assert sum(isinstance(event, Scheduled) for event in log) == 4


def test_events_and_touches_are_taken_alike():
    """A log may be given as events, in any iterable, or folded."""
    log = [OptedOut(contact="c-1", at=AT)]
    first = made()
    found = [adopt(first, given, at=AT) for given in (log, iter(log), Touches.of(log))]
    assert len({tuple(event.id for event in each.events) for each in found}) == 1
    assert {len(each.dropped) for each in found} == {1}


def test_a_plan_is_left_as_it_was():
    """Adopting changes nothing about the plan."""
    first = made()
    before = list(first.rows())
    adopt(first, [OptedOut(contact="c-1", at=AT)], at=AT)
    assert list(first.rows()) == before


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"policy": policy("pulse")}, r"policy must be a Policy of the survey 'nps' \(got Policy"),
        ({"policy": "new"}, r"policy must be a Policy of the survey 'nps' \(got 'new'\)"),
        ({"at": AT.replace(tzinfo=None)}, "at must be a datetime with a time zone"),
        ({"touches": ["x"]}, r"events must be made of events \(got 'x'\)"),
        ({"plan": []}, r"plan must be a Plan \(got \[\]\)"),
    ],
)
def test_what_cannot_be_adopted_is_refused(options, message):
    """A policy of another survey, and what is no plan, instant or event, is refused in words that name it."""
    given = {"touches": [], "at": AT} | options
    with pytest.raises(InvalidArgument, match=message):
        adopt(given.pop("plan", made()), given.pop("touches"), **given)


def test_a_new_revision_of_the_survey_is_the_same_survey():
    """The key is the identity: a plan may be adopted by a policy with a later revision of its survey."""
    force = attrs.evolve(policy(), survey=Survey("nps", revision=2))
    assert {each.revision for each in adopt(made(), [], at=AT, policy=force).plan.invitations} == {2}
