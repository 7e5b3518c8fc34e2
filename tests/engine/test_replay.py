"""Replays: the policy that made a log makes it again, and of another it is said what is not known."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netpromoter.engine import Behavior, replay, simulate
from netpromoter.errors import InvalidArgument, NoRatings
from netpromoter.model import (
    Bounced,
    Contact,
    Contacts,
    Declined,
    Message,
    OptedOut,
    Responded,
    Response,
    Scheduled,
    Survey,
    Touches,
    Triggered,
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

START = datetime(2026, 3, 2, 6, tzinfo=UTC)
DAY = timedelta(days=1)
ZONES = ("Europe/Paris", "America/New_York", "Asia/Tokyo", None)
LIVELY = Behavior(response=(0.3, 0.2), decline=0.05, opt_out=0.05, bounce=0.05, delay=timedelta(days=2))


def people(number=30):
    """Make contacts of several zones and plans; the last two share a mailbox."""
    return Contacts.of(
        Contact(
            id=f"c-{n}",
            addresses={"email": f"{min(n, number - 2)}@example.com", "sms": f"+1555{n:05}"},
            time_zone=ZONES[n % len(ZONES)],
            attributes={"plan": "paid" if n % 3 else "free"},
        )
        for n in range(number)
    )


def asked(key="nps", every=20, **facts):
    """Make a policy that asks continuously."""
    facts = {"cadence": Continuous(every=timedelta(days=every), start=START), "rules": []} | facts
    return Policy(survey=Survey(key), **facts)


def simulated(policies, days=50, seed=1, **facts):
    """Make a log."""
    rng = np.random.default_rng(seed)
    return simulate(policies, people(), behavior=LIVELY, at=START, days=days, rng=rng, **facts)


def listed(touches):
    """Give all rows as plain values, in an order that does not depend on theirs."""
    return sorted((tuple(row.items()) for row in touches.rows()), key=repr)


POLICIES = st.builds(
    asked,
    every=st.sampled_from([4, 20]),
    rules=st.sampled_from(
        [
            [],
            [QuietPeriod(days=8, after="answered"), SendWindow()],
            [AtMost(2, per=10 * DAY), QuietPeriod(days=5, after="invited")],
            [DailyCap(3)],
        ]
    ),
    reminders=st.sampled_from([None, Reminders(), Reminders(after=[2 * DAY], max_messages=2)]),
    channels=st.sampled_from([("email",), ("email", "sms")]),
    variants=st.sampled_from([None, Variants(Variant("a"), Variant("b"))]),
)


@settings(max_examples=10)
@given(POLICIES, st.integers(0, 99), st.sampled_from([6, 24, 60]))
def test_the_policy_that_made_a_log_makes_it_again(policy, seed, hours):
    """Replaying the very policy over the log that it made gives the same messages and all the same answers."""
    every = timedelta(hours=hours)
    made = simulated(policy, seed=seed, every=every)
    again = replay(policy, people(), made.touches, start=START, end=START + 50 * DAY, every=every)
    assert listed(again.touches) == listed(made.touches)
    assert (again.unknown, again.messages_saved, again.answered) == (0, 0, made.totals["answers"])
    assert again.by_day.totals == made.totals


def test_two_surveys_that_made_a_log_make_it_again():
    """The same holds of several surveys with one history, and of what happened before."""
    both = [asked("a", 15, reminders=Reminders(after=2 * DAY)), asked("b", 9, rules=[QuietPeriod(days=3)])]
    first = simulated(both, 20)
    rest = {"behavior": LIVELY, "at": START + 20 * DAY, "days": 30, "rng": np.random.default_rng(2)}
    second = simulate(both, people(), touches=first.touches, **rest)
    log = first.touches + second.touches
    again = replay(both, people(), log, start=START + 20 * DAY, end=START + 50 * DAY)
    assert listed(again.touches) == listed(second.touches)
    assert again.unknown == 0


def test_triggers_stay():
    """A transactional survey is replayed on the same events."""
    events = [
        Triggered(event=f"case-{n}", touchpoint="case", contact=f"c-{n}", at=START + n * timedelta(hours=9, minutes=1))
        for n in range(30)
    ]
    policy = asked(cadence=Trigger("case", delay=timedelta(hours=2)))
    made = simulated(policy, triggered=events)
    again = replay(policy, people(), made.touches, start=START, end=START + 50 * DAY)
    assert listed(again.touches) == listed(made.touches)


def test_one_survey_is_replayed_beside_another():
    """Messages and answers of surveys that are not replayed stay as they were."""
    a, b = asked("a", 15), asked("b", 9)
    made = simulated([a, b])
    again = replay(asked("a", 30), people(), made.touches, start=START, end=START + 50 * DAY)
    of_b = [row for row in made.touches.rows() if row["survey"] == "b"]
    assert Counter(row["kind"] for row in again.touches.rows() if row["survey"] == "b") == Counter(
        row["kind"] for row in of_b
    )
    assert again.messages == sum(
        row["survey"] == "a" and row["step"] is not None and row["kind"] in {"invited", "reminded"}
        for row in again.touches.rows()
    )
    assert again.messages_saved == made.of("a").totals["messages"] - again.messages


@settings(max_examples=10)
@given(POLICIES, POLICIES, st.integers(0, 9))
def test_of_any_other_policy_no_answer_is_made_up(policy, other, seed):
    """Each answer of a replay is one of the log, used once, of the same person and with its real rating and delay."""
    made = simulated(policy, seed=seed)
    again = replay(other, people(), made.touches, start=START, end=START + 50 * DAY)
    real = Counter((row["contact"], row["rating"]) for row in made.touches.rows() if row["kind"] == "answered")
    used = Counter((row["contact"], row["rating"]) for row in again.touches.rows() if row["kind"] == "answered")
    assert used <= real
    assert again.real_answers == sum(real.values())
    assert again.asks == again.answered + again.silent + again.unknown
    assert again.answered == sum(used.values())
    invited = sum(row["kind"] == "invited" for row in again.touches.rows())
    assert again.asks == invited


def test_who_was_not_asked_is_unknown():
    """A policy for more people asks some of whom nothing is known, and the bounds say what that means."""
    paying = asked(audience=Census(where=field("plan") == "paid"), every=60)
    made = simulated(paying, 60)
    again = replay(asked(every=60), people(), made.touches, start=START, end=START + 60 * DAY)
    assert again.unknown == 10
    assert again.share_unknown == 10 / again.asks
    low, high = again.bounds()
    assert low <= again.score.value <= high
    assert high - low == pytest.approx(200 * 10 / (again.answered + 10))
    fewer = replay(paying, people(), simulated(asked(every=60), 60).touches, start=START, end=START + 60 * DAY)
    assert fewer.unknown == 0
    assert fewer.messages_saved > 0


def sent(contact, at, step=0, occasion="1"):
    """Make a message."""
    facts = {"channel": "email", "to": "a@example.com", "due": at}
    message = Message(survey="nps", occasion=occasion, contact=contact, step=step, **facts)
    return Scheduled(message=message, at=at)


def answer(contact, at, rating=9, **facts):
    """Make an answer."""
    return Responded(response=Response(survey="nps", occasion="1", contact=contact, rating=rating, at=at, **facts))


WAVE = asked(cadence=Wave("all"), reminders=None)


def replayed(events, policy=WAVE, number=1, days=30, **facts):
    """Replay over some events."""
    return replay(
        policy,
        [Contact(id=f"c-{n}", addresses={"email": f"{n}@example.com"}) for n in range(number)],
        Touches.of(events),
        start=START,
        end=START + days * DAY,
        **facts,
    )


def test_an_answer_comes_with_its_delay():
    """The answer to an invitation four days later comes as long after the planned one as it really came."""
    at = START + 4 * DAY
    made = replayed([sent("c-0", at), answer("c-0", at + timedelta(hours=7), 3)])
    (row,) = (row for row in made.touches.rows() if row["kind"] == "answered")
    assert (row["at"], row["rating"], row["occasion"]) == (START + timedelta(hours=7), 3, "all")


@pytest.mark.parametrize(("away", "known"), [(10, 1), (11, 0)])
def test_a_real_invitation_too_far_away_says_nothing(away, known):
    """An invitation stands for a planned one within the window, its end included."""
    at = START + away * DAY
    made = replayed([sent("c-0", at), answer("c-0", at + DAY)], match=10 * DAY)
    assert (made.answered, made.silent, made.unknown) == (known, 0, 1 - known)


def test_the_nearer_of_two_real_invitations_counts():
    """Of an invitation before and one after, the nearer one stands for the planned one."""
    late = asked(cadence=Wave("late", opens=START + 10 * DAY), reminders=None)
    events = [sent("c-0", START + 2 * DAY), answer("c-0", START + 3 * DAY, 1)]
    nearer = [sent("c-0", START + 12 * DAY, occasion="2")]
    assert replayed([*events, *nearer], late).silent == 1
    assert replayed(events, late).answered == 1


def test_an_answer_to_a_reminder_needs_the_reminder():
    """An answer that the invitation did not bring is unknown to a policy without reminders, and known with them."""
    events = [sent("c-0", START), sent("c-0", START + 3 * DAY, 1), answer("c-0", START + 4 * DAY)]
    reminding = asked(cadence=Wave("all"), reminders=Reminders(after=5 * DAY))
    assert (replayed(events).answered, replayed(events).silent) == (0, 1)
    made = replayed(events, reminding)
    assert [row["at"] for row in made.touches.rows() if row["kind"] == "answered"] == [START + 6 * DAY]


def test_a_reminder_that_history_did_not_send_makes_an_ask_unknown():
    """Nobody knows whether a further reminder would have brought an answer."""
    reminding = asked(cadence=Wave("all"), reminders=Reminders(after=5 * DAY))
    made = replayed([sent("c-0", START)], reminding)
    assert (made.answered, made.silent, made.unknown) == (0, 0, 1)


def test_an_occasion_that_is_open_at_the_start_goes_on():
    """A reminder of an invitation from before the start has its real counterpart, and an answer to that stays."""
    before = START - 2 * DAY
    reminding = asked(cadence=Wave("1"), reminders=Reminders(after=3 * DAY))
    events = [sent("c-0", before), sent("c-0", START + DAY, 1), answer("c-0", START + 3 * DAY, 7)]
    events += [sent("c-1", before), answer("c-1", START + timedelta(hours=1), 2)]
    made = replayed(events, reminding, number=2)
    assert [(row["contact"], row["at"], row["rating"]) for row in made.touches.rows() if row["kind"] == "answered"] == [
        ("c-1", START + timedelta(hours=1), 2),
        ("c-0", START + 3 * DAY, 7),
    ]
    assert (made.answered, made.silent, made.unknown) == (1, 0, 0)


def test_what_no_message_led_to_stays():
    """Opt-outs, bounces and answers out of the blue come when they came, and keep people from being asked."""
    late = asked(cadence=Wave("late", opens=START + 10 * DAY), rules=[QuietPeriod(days=60)], reminders=None)
    events = [
        OptedOut(contact="c-0", at=START + DAY),
        Bounced(contact="c-1", destination=0, channel="email", at=START + DAY),
        answer("c-2", START + DAY),
        Declined(survey="nps", occasion="9", contact="c-3", at=START + DAY),
    ]
    made = replayed(events, late, number=4)
    kinds = Counter((row["contact"], row["kind"]) for row in made.touches.rows())
    assert kinds == {
        ("c-0", "opted_out"): 1,
        ("c-1", "bounced"): 1,
        ("c-2", "answered"): 1,
        ("c-3", "declined"): 1,
        ("c-3", "invited"): 1,
    }


def test_the_log_may_know_others():
    """People of the log who are no contacts any more keep their rows and are not asked."""
    events = [sent("gone", START), answer("gone", START + DAY), OptedOut(contact="left", at=START + DAY)]
    made = replayed(events, follow_up=field("rating") > 8)
    assert [(row["contact"], row["kind"]) for row in made.touches.rows()] == [("c-0", "invited"), ("left", "opted_out")]
    assert (made.real_messages, made.real_answers, made.unknown) == (1, 1, 1)


def test_cases_are_the_known_answers_that_meet_the_condition():
    """The load of follow-up counts known answers."""
    made = replayed([sent("c-0", START), answer("c-0", START + DAY, 3)], follow_up=field("rating") <= 6)
    assert made.by_day.count("cases").tolist() == [0, 1] + [0] * 28
    assert [row["cases"] for row in made.rows()] == made.to_frame("polars")["cases"].to_list()
    assert made.intervals()[-1]["nps"] == -100


def test_it_shows_itself():
    """The line and the table tell what is known and what is not."""
    made = replayed([sent("c-0", START), answer("c-0", START + DAY, 3)], number=2)
    assert repr(made) == "Replay(nps, 2026-03-02 to 2026-04-01: 2 asks, 1 answered, 1 unknown)"
    assert "50.0%" in made._repr_html_()
    assert made.messages_saved == -1


def test_nobody_asked():
    """Without an ask there is no share unknown but 0, and no score."""
    made = replayed([], number=0)
    assert (made.asks, made.share_unknown) == (0, 0)
    with pytest.raises(NoRatings):
        made.bounds()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"end": START}, r"^end must be after start, 2026-03-02 06:00:00\+00:00 \(got "),
        ({"start": datetime(2026, 3, 2)}, r"^start must be a datetime with a time zone \(got "),  # noqa: DTZ001
        ({"end": None}, r"^end must be a datetime with a time zone \(got None\)$"),
        ({"every": timedelta(0)}, r"^every must be a timedelta of at least 0:01:00, "),
        ({"match": -DAY}, r"^match must be a timedelta of at least 0:00:00, "),
        ({"follow_up": 3}, r"^follow_up must be a condition"),
        ({"policy": 3}, r"^policy must be a Policy, or several of different surveys \(got 3\)$"),
    ],
)
def test_what_breaks_its_rule_is_refused(wrong, message):
    """Bad input fails at the call, in the words of the house."""
    arguments = {"policy": WAVE, "contacts": [], "touches": [], "start": START, "end": START + DAY} | wrong
    policy, contacts, touches = (arguments.pop(name) for name in ("policy", "contacts", "touches"))
    with pytest.raises(InvalidArgument, match=message):
        replay(policy, contacts, touches, **arguments)
