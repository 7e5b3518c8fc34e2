"""Reminders: who has not answered is reminded, so often, so long, and not a day longer."""

from datetime import UTC, datetime, timedelta

import attrs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netpromoter.engine import adopt, plan
from netpromoter.errors import InvalidArgument
from netpromoter.model import (
    Bounced,
    Contact,
    Declined,
    Message,
    OptedIn,
    OptedOut,
    Responded,
    Response,
    Scheduled,
    Survey,
    fingerprint,
)
from netpromoter.rules import FOREVER, AtMost, Channels, Occasions, Policy, QuietPeriod, Reminders, Wave, Waves

START = datetime(2026, 6, 1, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ANN = Contact(id="ann", addresses={"email": "ann@example.com", "sms": "+1 555 0100"})
MAIL = fingerprint("ann@example.com")


def utc(moment):
    """Give an instant as columns have it."""
    return np.datetime64(moment.replace(tzinfo=None), "us")


def occasions(**facts):
    """Make the occasion of one person."""
    made = {name: np.array([value]) for name, value in facts.items()}
    return attrs.evolve(
        Occasions.none(1),
        **{name: value.astype(getattr(Occasions.none(1), name).dtype) for name, value in made.items()},
    )


@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    waits=st.lists(st.integers(1, 300), unique=True, max_size=4).map(sorted),
    step=st.integers(0, 5),
    late=st.integers(0, 200),
    more=st.integers(1, 200),
)
def test_the_next_reminder_has_its_time_and_a_late_one_puts_off_the_next(waits, step, late, more):
    """A reminder comes so long after the invitation, and never sooner after the last message than its span."""
    within = max(waits, default=0) + more
    reminders = Reminders(after=[each * HOUR for each in waits], within=within * HOUR)
    before = ([0, *waits][step] if step <= len(waits) else 0) + late
    known = occasions(invited=utc(START), latest=utc(START + before * HOUR), step=step)
    found = reminders.readiness(known)
    reason = found.reasons[found.codes[0]]
    if step >= len(waits):
        assert (found.until[0], reason) == (FOREVER, "all messages sent")
    else:
        expected = max(waits[step], before + waits[step] - [0, *waits][step])
        on_time = expected < within
        assert found.until[0] == (utc(START + expected * HOUR) if on_time else FOREVER)
        assert reason == ("waiting for the next reminder" if on_time else "too late for a reminder")
    assert reminders.ends(known)[0] == utc(START + within * HOUR)


@pytest.mark.parametrize("most", [1, 2, 3])
def test_an_occasion_is_spent_after_so_many_messages(most):
    """So many messages of one occasion are all; where messages of a window count, an occasion is never spent."""
    for messages in range(5):
        known = occasions(messages=messages)
        assert Reminders(max_messages=most).spent(known)[0] == (messages >= most)
        assert not Reminders(max_messages=most, per=9 * DAY).spent(known)[0]


def test_each_step_has_its_template_and_the_last_serves_all_that_follow():
    """Templates follow the steps, and the last one is used again."""
    reminders = Reminders(templates=["first", "second"])
    assert [reminders.template(step) for step in (1, 2, 3, 9)] == ["first", "second", "second", "second"]
    assert Reminders().template(1) == "reminder"


# The whole ladder, by plans


def policy(reminders=None, **options):
    given = {"rules": [], "cadence": Wave("spring"), "channels": Channels("email", "sms")} | options
    return Policy(survey=Survey("nps"), reminders=reminders or Reminders(), **given)


def message(step=0, hours=0, occasion="spring", survey="nps", attempt=0):
    made = Message(
        survey=survey,
        occasion=occasion,
        contact="ann",
        step=step,
        attempt=attempt,
        channel="email",
        to="ann@example.com",
        destination=MAIL,
        due=START + hours * HOUR,
    )
    return Scheduled(message=made, at=START)


def following(log, days, chosen=None, contacts=(ANN,)):
    """Give the reminders that a plan makes so many days after the invitation."""
    return list(plan(contacts, [message(), *log], chosen or policy(), at=START + days * DAY, horizon=HOUR).reminders)


def why(log, days, chosen=None):
    return plan([ANN], [message(), *log], chosen or policy(), at=START + days * DAY, horizon=HOUR).why("ann")


def test_the_ladder_has_its_steps_and_its_end():
    """By daily plans the invitation and two reminders leave, after three and seven days, and nothing more."""
    log, due = [], []
    for day in range(40):
        at = START + day * DAY
        made = adopt(plan([ANN], log, policy(Reminders(templates=["soft", "last"])), at=at, horizon=HOUR), log, at=at)
        log += made.events
        due += [(day, each.step, each.template) for each in (*made.plan.invitations, *made.plan.reminders)]
    assert due == [(0, 0, "invitation"), (3, 1, "soft"), (7, 2, "last")]


AT = START + 2 * DAY
ENDS = {
    "answered": Responded(response=Response(survey="nps", occasion="spring", contact="ann", rating=0, at=AT)),
    "declined": Declined(survey="nps", occasion="spring", contact="ann", at=AT),
    "opted out": OptedOut(contact="ann", at=AT),
    "reminders switched off": OptedOut(contact="ann", at=AT, reminders_only=True),
}


@pytest.mark.parametrize("reason", ENDS)
def test_an_answer_a_decline_and_an_opt_out_end_it(reason):
    """A rating alone, even 0, a decline, an opt-out or a switched-off reminder end the reminders, and plans say so."""
    assert [each.step for each in following([], 3)] == [1]
    assert not following([ENDS[reason]], 3)
    assert reason in why([ENDS[reason]], 3)


@pytest.mark.parametrize("reason", ["opted out", "reminders switched off"])
def test_who_opts_in_again_is_reminded_again(reason):
    """A later opt-in takes back an opt-out; one at the same instant or before does not."""
    for hours, free in ((1, True), (0, False), (-1, False)):
        back = OptedIn(contact="ann", at=AT + hours * HOUR)
        assert bool(following([ENDS[reason], back], 3)) == free
        assert bool(following([back, ENDS[reason]], 3)) == free


def test_a_reminders_only_opt_out_still_lets_invitations_come():
    """Who wants no reminders is invited to the next occasion."""
    log = [OptedOut(contact="ann", at=START, reminders_only=True)]
    made = plan([ANN], log, policy(), at=START + DAY)
    assert [each.step for each in made.invitations] == [0]


def test_an_answer_before_the_invitation_ends_nothing():
    """An answer to an earlier occasion, or to another survey, leaves the reminders of this one."""
    earlier = Responded(response=Response(survey="nps", occasion="old", contact="ann", rating=9, at=START - DAY))
    other = Responded(response=Response(survey="pulse", occasion="spring", contact="ann", rating=9, at=AT))
    assert len(following([earlier, other], 3)) == 1


def test_a_failed_address_ends_it_where_there_is_no_other():
    """A message that came back is repeated at another address as the next attempt, if there is one."""
    back = Bounced(contact="ann", destination=MAIL, at=AT, channel="email")
    (again,) = following([back], 3)
    assert (again.step, again.attempt, again.channel, again.template) == (0, 1, "sms", "invitation")
    alone = attrs.evolve(ANN, addresses={"email": "ann@example.com"})
    assert not following([back], 3, contacts=[alone])
    made = plan([alone], [message(), back], policy(), at=START + 3 * DAY)
    assert "every address for email, sms has failed" in made.why("ann")


def test_a_new_address_takes_the_repeat():
    """Who has a new address since the old one failed gets the repeat there, on the same channel."""
    moved = attrs.evolve(ANN, addresses={"email": "new@example.com"})
    back = Bounced(contact="ann", destination=MAIL, at=AT, channel="email")
    (again,) = following([back], 3, contacts=[moved])
    assert (again.attempt, again.destination) == (1, fingerprint("new@example.com"))


def test_a_repeat_puts_off_the_reminder():
    """A reminder comes so long after the repeat as it would after the invitation."""
    back = Bounced(contact="ann", destination=MAIL, at=AT, channel="email")
    log = [
        back,
        Scheduled(message=attrs.evolve(message(attempt=1, hours=60).message, channel="sms", destination=5), at=AT),
    ]
    assert not following(log, 5)
    assert [(each.step, each.attempt) for each in following(log, 5.5)] == [(1, 0)]


def test_a_repeat_needs_no_reminders():
    """A policy without reminders repeats what did not arrive, and reminds nobody."""
    chosen = attrs.evolve(policy(), reminders=None)
    assert not following([], 5, chosen)
    back = Bounced(contact="ann", destination=MAIL, at=AT, channel="email")
    assert [each.attempt for each in following([back], 5, chosen)] == [1]


def test_a_reminder_that_has_no_time_left_is_too_late():
    """After its time there is no reminder, whoever was held until then."""
    chosen = policy(Reminders(after=3 * DAY, within=5 * DAY), rules=[AtMost(1, per=6 * DAY)])
    assert not following([], 4, chosen)
    assert "too late for a reminder" in why([], 4, chosen)
    assert not following([], 6, chosen)


@pytest.mark.parametrize("days", [2, 3, 5, 7])
def test_a_wave_that_closes_ends_its_reminders(days):
    """No reminder of a wave leaves after its closing, though the next wave is open by then."""
    waves = [
        Wave("spring", opens=START, closes=START + 5 * DAY),
        Wave("summer", opens=START + 6 * DAY, closes=START + 90 * DAY),
    ]
    chosen = policy(Reminders(after=days * DAY), cadence=Waves(waves), rules=[QuietPeriod(days=60, after="invited")])
    assert bool(following([], days, chosen)) == (days < 5)
    if days >= 5:
        assert "spring is over" in why([], days, chosen)
    alone = policy(Reminders(after=days * DAY), cadence=waves[0])
    assert bool(following([], days, alone)) == (days < 5)


def test_the_end_of_one_wave_is_not_that_of_another():
    """Who was invited to a wave that has no end is reminded when another has closed."""
    bob = Contact(id="bob", addresses={"email": "bob@example.com"})
    other = Scheduled(message=attrs.evolve(message(occasion="winter").message, contact="bob", destination=7), at=START)
    chosen = policy(Reminders(after=5 * DAY), cadence=Wave("spring", opens=START, closes=START + 4 * DAY))
    assert [each.contact for each in following([other], 5, chosen, contacts=[ANN, bob])] == ["bob"]


def test_messages_of_a_window_can_count_instead_of_those_of_an_occasion():
    """With a window, messages of any survey count, and the next leaves when the window has room."""
    chosen = policy(Reminders(after=3 * DAY, max_messages=2, per=10 * DAY, within=20 * DAY))
    other = message(hours=30, survey="pulse", occasion="p")
    assert len(following([], 3, chosen)) == 1
    assert not following([other], 9.9, chosen)
    assert len(following([other], 10, chosen)) == 1


def test_one_span_is_one_reminder_and_none_is_none():
    """A single span stands for a list of one, and an empty list for no reminders."""
    assert Reminders(after=DAY).after == (DAY,)
    assert not following([], 5, policy(Reminders(after=[])))


SPAN = "must be a timedelta of at least 0:00:00.000001"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Reminders(after=3), rf"after {SPAN}.*\(got 3\)"),
        (lambda: Reminders(after=[DAY, 3]), rf"after {SPAN}"),
        (lambda: Reminders(after=timedelta(0)), rf"after {SPAN}"),
        (lambda: Reminders(after=[DAY, DAY]), r"after must be spans that grow \(got \["),
        (lambda: Reminders(max_messages=0), "max_messages must be a whole number of at least 1"),
        (lambda: Reminders(per="wave"), r"per must be \"occasion\" or a timedelta \(got 'wave'\)"),
        (lambda: Reminders(per=timedelta(0)), f"per {SPAN}"),
        (lambda: Reminders(within=timedelta(0)), f"within {SPAN}"),
        (lambda: Reminders(after=30 * DAY), r"within must be longer than every span in after, 30 days, .*\(got "),
        (lambda: Reminders(templates=[]), r"templates must be one or more different names \(got \[\]\)"),
        (lambda: Reminders(templates=["a", "a"]), "templates must be one or more different names"),
        (lambda: Reminders(templates=" "), "templates must be text that is not blank"),
    ],
)
def test_what_is_no_reminder_is_refused(make, message):
    """Wrong spans, numbers and templates are refused in words that name them."""
    with pytest.raises(InvalidArgument, match=message):
        make()
