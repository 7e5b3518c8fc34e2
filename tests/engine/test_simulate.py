"""Simulated time: every law of the rules holds in the log that comes out, judged person by person."""

from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netpromoter.engine import Behavior, simulate
from netpromoter.errors import InvalidArgument, NoRatings
from netpromoter.model import Contact, Contacts, Declined, OptedOut, Survey, Touches, Triggered
from netpromoter.rules import (
    AtMost,
    Census,
    Channels,
    Continuous,
    DailyCap,
    MinimumTenure,
    Policy,
    QuietPeriod,
    Reminders,
    SendWindow,
    Trigger,
    Wave,
    field,
)
from netpromoter.stats import Score

START = datetime(2026, 3, 2, 6, tzinfo=UTC)
DAY = timedelta(days=1)
ZONES = ("Europe/Paris", "America/New_York", "Asia/Tokyo", "Pacific/Apia", None)
GENTLE = {"decline": 0, "opt_out": 0, "bounce": 0}
LIVELY = Behavior(response=(0.3, 0.2), decline=0.05, opt_out=0.05, bounce=0.05, delay=timedelta(days=2))
MESSAGES = {"invited", "reminded"}


def people(number=30, *, shared=True):
    """Make contacts of several zones and plans; the last two share a mailbox."""
    made = []
    for n in range(number):
        mailbox = number - 2 if shared and n == number - 1 else n
        made.append(
            Contact(
                id=f"c-{n}",
                addresses={"email": f"{mailbox}@example.com", "sms": f"+1555{n:05}"},
                time_zone=ZONES[n % len(ZONES)],
                account=f"a-{n % 7}",
                since=START - timedelta(days=n),
                attributes={"plan": "paid" if n % 3 else "free"},
            )
        )
    return Contacts.of(made)


def rng(seed=1):
    """Make a generator."""
    return np.random.default_rng(seed)


def asked(key="nps", kind="relationship", every=40, **facts):
    """Make a policy that asks continuously."""
    facts = {"cadence": Continuous(every=timedelta(days=every), start=START), "rules": []} | facts
    return Policy(survey=Survey(key, kind=kind), **facts)


def told(touches):
    """Give the rows of each person, in the order of time."""
    rows = defaultdict(list)
    for row in touches.rows():
        rows[row["contact"]].append(row)
    return {contact: sorted(mine, key=lambda row: row["at"]) for contact, mine in rows.items()}


def listed(touches):
    """Give all rows as plain values."""
    return [tuple(row.items()) for row in touches.rows()]


def in_scope(rule, policy, row):
    """Say whether a row concerns a rule of a policy."""
    if rule.scope == "any":
        return True
    same = {"survey": row["survey"] == policy.survey.key, "kind": row["survey_kind"] == policy.survey.kind}
    return same[rule.scope]


def breaks(policy, contact, row, mine):
    """Name what a message breaks, looking at every row of its person one by one."""
    before = [each for each in mine if each["at"] <= row["at"] and each is not row]
    returned = [named(each) for each in before if each["kind"] == "bounced"]
    before = [each for each in before if each["kind"] not in MESSAGES or named(each) not in returned]
    sent = [each for each in before if each["kind"] in MESSAGES]
    if any(row["at"] - each["at"] < DAY for each in sent):
        yield "guard"
    if any(each["kind"] == "opted_out" for each in before):
        yield "opted out"
    if any(each["kind"] == "bounced" and each["destination"] == row["destination"] for each in before):
        yield "bounced"
    yield from (rule for rule in policy.rules if JUDGES[type(rule)](rule, policy, contact, row, before))
    if row["kind"] == "reminded":
        yield from reminder_breaks(policy, row, before, mine)


def named(row):
    """Give what tells a message of somebody from every other; its bounce has the same."""
    return tuple(row[name] for name in ("survey", "occasion", "step", "attempt"))


def too_loud(rule, policy, _contact, row, before):
    """Say whether an invitation breaks a quiet period."""
    found = [each for each in before if each["kind"] == rule.after and in_scope(rule, policy, each)]
    return row["kind"] == "invited" and any(row["at"] - each["at"] < timedelta(days=rule.days) for each in found)


def too_new(rule, _policy, contact, row, _before):
    """Say whether an invitation comes before the tenure that is asked for."""
    return row["kind"] == "invited" and row["at"] - contact.since < timedelta(days=rule.days)


def too_many(rule, policy, _contact, row, before):
    """Say whether a message is one too many in its window."""
    sent = [each for each in before if each["kind"] in MESSAGES and in_scope(rule, policy, each)]
    return sum(row["at"] - each["at"] < rule.per for each in sent) >= rule.messages


def out_of_hours(rule, policy, contact, row, _before):
    """Say whether a message leaves outside the window, on the wall clock of the person."""
    local = row["at"].astimezone(ZoneInfo(contact.time_zone or policy.time_zone))
    opening, closing = rule.hours.split("-")
    return not (local.weekday() < 5 and opening <= f"{local:%H:%M}" < closing)


JUDGES = {QuietPeriod: too_loud, MinimumTenure: too_new, AtMost: too_many, SendWindow: out_of_hours}


def reminder_breaks(policy, row, before, mine):
    """Name what a reminder breaks; one that repeats an invitation is the first that reaches anybody."""
    first = next(each for each in mine if each["kind"] == "invited" and named(each)[:2] == named(row)[:2])
    occasion = [each for each in before if (each["survey"], each["occasion"]) == (row["survey"], row["occasion"])]
    sent = [each for each in occasion if each["kind"] in MESSAGES]
    if any(each["kind"] in {"answered", "declined"} for each in occasion):
        yield "closed"
    if len(sent) >= policy.reminders.max_messages or first["at"] > row["at"]:
        yield "too many"
    if not row["attempt"] and row["at"] < first["at"] + policy.reminders.after[row["step"] - 1]:
        yield "too early"


def check(policies, contacts, touches):
    """Judge every message and every reaction by itself."""
    by_key = {policy.survey.key: policy for policy in policies}
    for contact, mine in told(touches).items():
        person = contacts[contact]
        for place, row in enumerate(mine):
            if row["kind"] in MESSAGES:
                assert list(breaks(by_key[row["survey"]], person, row, mine)) == []
            elif row["kind"] in {"answered", "declined", "bounced"}:
                assert "opted_out" not in {each["kind"] for each in mine[:place]}
                same = [each for each in mine if each["kind"] in MESSAGES and each["occasion"] == row["occasion"]]
                assert min(each["at"] for each in same if each["survey"] == row["survey"]) < row["at"]
        closing = [(r["survey"], r["occasion"]) for r in mine if r["kind"] in {"answered", "declined"}]
        assert len(closing) == len(set(closing))


def check_mailboxes(touches):
    """Judge the guard for every address, whoever holds it."""
    sent = defaultdict(list)
    for row in touches.rows():
        if row["kind"] in MESSAGES:
            sent[row["destination"]].append(row["at"])
    for times in sent.values():
        times.sort()
        assert all(later - sooner >= DAY for sooner, later in pairwise(times))


SCOPES = st.sampled_from(["any", "survey", "kind"])
RULES = st.lists(
    st.one_of(
        st.builds(
            QuietPeriod,
            days=st.sampled_from([0.5, 3, 10, 45]),
            after=st.sampled_from(["invited", "answered", "declined"]),
            scope=SCOPES,
        ),
        st.builds(AtMost, st.integers(1, 4), per=st.sampled_from([3 * DAY, 10 * DAY, 30 * DAY]), scope=SCOPES),
        st.builds(MinimumTenure, days=st.sampled_from([0, 7, 30])),
    ),
    max_size=4,
)
WINDOWS = st.sampled_from([[], [SendWindow()], [SendWindow("Mon-Fri", "09:00-12:00")]])
REMINDERS = st.builds(
    Reminders,
    after=st.sampled_from([[2 * DAY], [3 * DAY, 7 * DAY], [1 * DAY, 2 * DAY, 4 * DAY]]),
    max_messages=st.integers(1, 4),
)
BEHAVIORS = st.builds(
    Behavior,
    response=st.tuples(st.sampled_from([0.0, 0.2, 0.6]), st.sampled_from([0.0, 0.2, 0.6])),
    decline=st.sampled_from([0.0, 0.1]),
    opt_out=st.sampled_from([0.0, 0.1]),
    bounce=st.sampled_from([0.0, 0.1]),
    delay=st.sampled_from([timedelta(minutes=10), DAY, 9 * DAY]),
    spread=st.sampled_from([0.0, 1.5]),
)


@st.composite
def policies(draw, number):
    """Make policies of different surveys."""
    kinds = [draw(st.sampled_from(["relationship", "transactional"])) for _ in range(number)]
    return [
        asked(
            f"s-{place}",
            kind,
            every=draw(st.sampled_from([5, 20])),
            rules=draw(RULES) + draw(WINDOWS),
            reminders=draw(REMINDERS),
            channels=draw(st.sampled_from([("email",), ("email", "sms")])),
        )
        for place, kind in enumerate(kinds)
    ]


@settings(max_examples=25)
@given(st.integers(1, 2).flatmap(policies), BEHAVIORS, st.integers(0, 99), st.sampled_from([6, 24, 100]))
def test_no_rule_is_broken_in_simulated_time(chosen, behavior, seed, hours):
    """No gap, cap, guard, window, opt-out or closed occasion is broken, whatever the rules and the people are."""
    contacts = people()
    made = simulate(chosen, contacts, behavior=behavior, at=START, days=30, rng=rng(seed), every=timedelta(hours=hours))
    check(chosen, contacts, made.touches)
    check_mailboxes(made.touches)


@settings(max_examples=10)
@given(policies(2), BEHAVIORS, st.integers(1, 29))
def test_a_time_in_two_parts_keeps_the_laws(chosen, behavior, days):
    """Simulating on from a simulated log breaks no rule across the seam."""
    contacts, seam = people(), START + days * DAY
    first = simulate(chosen, contacts, behavior=behavior, at=START, days=days, rng=rng())
    rest = {"behavior": behavior, "at": seam, "days": 30 - days, "rng": rng(2)}
    second = simulate(chosen, contacts, touches=first.touches, **rest)
    check(chosen, contacts, (first.touches + second.touches).sorted())


@given(st.integers(0, 5))
def test_the_same_seed_gives_the_same_simulation(seed):
    """All chance comes from the generator that is handed in."""
    runs = [simulate(asked(), people(), behavior=LIVELY, at=START, days=20, rng=rng(seed)) for _ in range(2)]
    assert listed(runs[0].touches) == listed(runs[1].touches)


def test_the_counts_of_the_days_are_those_of_the_touches():
    """Nothing is lost between the log and the counts, and every answer follows a message."""
    made = simulate(asked(every=9), people(), behavior=LIVELY, at=START, days=45, rng=rng())
    kinds = Counter(row["kind"] for row in made.touches.rows())
    names = ("invited", "reminded", "answered", "declined", "opted_out", "bounced")
    totals = made.totals
    counts = [totals[name] for name in ("invitations", "reminders", "answers", "declines", "opt_outs", "bounces")]
    assert counts == [kinds[name] for name in names]
    assert totals["messages"] == totals["invitations"] + totals["reminders"]
    assert sum(counts[2:]) <= totals["messages"]
    assert {name: sum(row[name] for row in made.rows()) for name in totals} == totals
    days = Counter((row["at"] - START) // DAY for row in made.touches.rows() if row["kind"] == "answered")
    assert made.by_day.count("answers").tolist() == [days[day] for day in range(45)]
    assert sum(asks * number for asks, number in made.people_by_asks.items()) == totals["invitations"]
    assert sum(made.people_by_asks.values()) == 30
    assert made.asks.tolist() == [
        sum(row["kind"] == "invited" for row in told(made.touches).get(f"c-{n}", [])) for n in range(30)
    ]


def test_the_interval_of_the_last_week_is_that_of_the_score():
    """Intervals accumulate all answers, and the last one is of all."""
    made = simulate(asked(every=9), people(), behavior=LIVELY, at=START, days=45, rng=rng())
    weeks = made.intervals(every=7, confidence_level=0.9, method="wald")
    assert [week["day"] for week in weeks] == [7, 14, 21, 28, 35, 42, 45]
    assert [week["n"] for week in weeks] == sorted(week["n"] for week in weeks)
    for week in weeks:
        rated = [
            row["rating"]
            for row in made.touches.rows()
            if row["kind"] == "answered" and row["at"] < START + week["day"] * DAY
        ]
        score = Score.from_histogram(np.bincount(rated, minlength=11).tolist())
        assert (week["n"], week["nps"]) == (score.n, pytest.approx(score.value))
        assert (week["low"], week["high"]) == pytest.approx(score.interval(confidence_level=0.9, method="wald"))
    assert weeks[-1]["n"] == made.score.n


def test_who_never_answers_leaves_no_score():
    """Without response every message of every occasion is sent, and a score is refused."""
    silent = Behavior(response=0, **GENTLE)
    policy = asked(cadence=Wave("all"))
    made = simulate(policy, people(shared=False), behavior=silent, at=START, days=10, rng=rng())
    assert made.totals["messages"] == 3 * 30
    assert made.totals["answers"] == 0
    assert made.intervals()[-1] == {"day": 10, "n": 0, "nps": None, "low": None, "high": None}
    assert repr(made) == "Simulation(nps, 10 days from 2026-03-02: 90 messages, 0 answers)"
    with pytest.raises(InvalidArgument, match=r"^method must be one of "):
        made.intervals(method="guess")
    with pytest.raises(InvalidArgument, match=r"^what must be one of 'invitations', .* \(got 'smiles'\)$"):
        made.by_day.count("smiles")
    with pytest.raises(NoRatings):
        made.score  # noqa: B018 -- the property is under test


def test_where_everybody_answers_nobody_is_reminded():
    """With a response of 1 after a day, each invitation has one answer and no reminder follows."""
    sure = Behavior(response=1, spread=0, **GENTLE)
    made = simulate(asked(cadence=Wave("all")), people(shared=False), behavior=sure, at=START, days=10, rng=rng())
    assert (made.totals["invitations"], made.totals["reminders"], made.totals["answers"]) == (30, 0, 30)


def test_cases_are_the_answers_that_meet_the_condition():
    """The expected load of follow-up counts the answers that a condition on rating and attributes selects."""
    wanted = (field("rating") <= 6) & (field("plan") == "paid")
    arguments = {"behavior": Behavior(response=1, spread=0, **GENTLE), "at": START, "days": 60}
    made = simulate(asked(every=9), people(), follow_up=wanted, rng=rng(), **arguments)
    rows = list(made.touches.rows())
    expected = [
        row["kind"] == "answered" and row["rating"] <= 6 and people()[row["contact"]].attributes["plan"] == "paid"
        for row in rows
    ]
    assert made.case.tolist() == expected
    assert made.totals["cases"] == sum(expected) > 0


def test_who_is_never_asked_is_told_with_the_reason():
    """Everybody is either invited or held at the end by a reason."""
    audience = Census(where=field("plan") == "paid")
    policy = asked(audience=audience, rules=[MinimumTenure(days=25)], cadence=Wave("all"))
    made = simulate(policy, people(), behavior=LIVELY, at=START, days=4, rng=rng())
    held = {row["contact"]: row["reason"] for row in made.never_asked.rows()}
    asked_of = {row["contact"] for row in made.touches.rows() if row["kind"] == "invited"}
    assert set(held) | asked_of == set(people().ids)
    assert not set(held) & asked_of
    assert {held[f"c-{n}"] for n in range(0, 30, 3)} == {"in no audience"}
    assert {held[f"c-{n}"] for n in range(20) if n % 3} == {"25 days of tenure"}
    assert set(made.asks[[int(contact[2:]) for contact in held]].tolist()) == {0}


def test_of_several_policies_the_reason_names_the_survey():
    """Where several surveys run, the reason is of the one that lets go first; who is free then is next in line."""
    gone = asked("gone", audience=Census(where=field("plan") == "gold"))
    late = asked("late", cadence=Wave("late", opens=START + timedelta(days=9)))
    made = simulate([late, gone], people(), behavior=LIVELY, at=START, days=3, rng=rng())
    assert made.never_asked.counts == {"late: late is not open yet": 30}
    ready = asked("ready", cadence=Wave("late", opens=START + timedelta(days=3, hours=1)))
    made = simulate(ready, people(shared=False), behavior=LIVELY, at=START, days=3, rng=rng())
    assert made.never_asked.counts == {"next in line when the time was up": 30}


def test_triggers_enter_as_their_time_comes():
    """A transactional survey asks once about each event that is to come, and not before it."""
    events = [
        Triggered(event=f"case-{n}", touchpoint="case", contact=f"c-{n}", at=START + n * timedelta(hours=9))
        for n in range(30)
    ]
    policy = asked("case", "transactional", cadence=Trigger("case", delay=timedelta(hours=2)), reminders=None)
    made = simulate(policy, people(), behavior=Behavior(response=0), at=START, days=20, rng=rng(), triggered=events)
    invited = {row["occasion"]: row["at"] for row in made.touches.rows() if row["kind"] == "invited"}
    happened = {event.event: event.at for event in events}
    assert set(invited) == set(happened)
    assert all(invited[name] >= at + timedelta(hours=2) for name, at in happened.items())
    assert Counter(row["kind"] for row in made.touches.rows())["triggered"] == 30


def test_an_event_of_a_stranger_is_kept_and_asks_nobody():
    """An event of somebody who is no contact stays in the log."""
    events = [Triggered(event="case-1", touchpoint="case", contact="stranger", at=START + DAY)]
    policy = asked(every=5)
    made = simulate(policy, people(), behavior=LIVELY, at=START, days=9, rng=rng(), triggered=events)
    alone = simulate(policy, people(), behavior=LIVELY, at=START, days=9, rng=rng())
    assert [row["contact"] for row in made.touches.rows() if row["kind"] == "triggered"] == ["stranger"]
    assert [row for row in listed(made.touches) if ("contact", "stranger") not in row] == listed(alone.touches)
    assert len(made.asks) == 30


def test_what_is_known_before_counts():
    """Somebody who opted out before the beginning is never asked."""
    out = [OptedOut(contact=f"c-{n}", at=START - DAY) for n in range(10)]
    made = simulate(asked(every=5), people(), behavior=LIVELY, at=START, days=9, rng=rng(), touches=out)
    assert {f"c-{n}" for n in range(10)} & set(told(made.touches)) == set()
    assert {row["contact"]: row["reason"] for row in made.never_asked.rows()}["c-3"] == "opted out"


def test_one_survey_of_several_is_taken_alone():
    """The parts of two surveys add to the whole, but for what belongs to none."""
    both = simulate([asked("a", every=9), asked("b", every=9)], people(), behavior=LIVELY, at=START, days=40, rng=rng())
    parts = [both.of("a").totals, both.of("b").totals]
    for name in ("invitations", "reminders", "answers", "declines"):
        assert sum(part[name] for part in parts) == both.totals[name]
        assert all(part[name] for part in parts)
    with pytest.raises(InvalidArgument, match=r"^survey must be one of a, b \(got 'c'\)$"):
        both.of("c")


@pytest.mark.parametrize("window", [None, SendWindow("Mon-Sun", "08:00-11:00"), SendWindow("Mon-Sun", "05:00-06:00")])
def test_a_daily_cap_is_filled_every_day(window):
    """One plan a day sends as many messages a day as the cap allows, also where they wait for a window."""
    crowd = [Contact(id=f"c-{n}", addresses={"email": f"{n}@example.com"}) for n in range(90)]
    rules = [DailyCap(7), *([window] if window else [])]
    policy = Policy(survey=Survey("nps"), cadence=Wave("all"), rules=rules, reminders=None)
    made = simulate(policy, crowd, behavior=Behavior(), at=START, days=10, rng=rng())
    assert made.by_day.count("messages").tolist() == [7] * 10


def test_nobody_and_one():
    """Nobody gives an empty simulation, one person a log of their own."""
    none = simulate(asked(), [], behavior=LIVELY, at=START, days=3, rng=rng())
    assert (len(none.touches), len(none.never_asked), none.people_by_asks) == (0, 0, {})
    one = simulate(asked(cadence=Wave("all")), [people()["c-0"]], behavior=LIVELY, at=START, days=3, rng=rng())
    assert one.people_by_asks == {1: 1}


def test_it_shows_itself():
    """The line, the table and the frame tell the totals."""
    made = simulate(asked(every=5), people(), behavior=LIVELY, at=START, days=9, rng=rng())
    line = f"{made.totals['messages']:,} messages, {made.totals['answers']:,} answers, NPS {made.score.value:+z.1f}"
    assert repr(made) == f"Simulation(nps, 9 days from 2026-03-02: {line})"
    html = made._repr_html_()
    assert f'<td style="text-align:left">{made.totals["messages"]:,}</td>' in html
    frame = made.to_frame("polars")
    assert frame["messages"].sum() == made.totals["messages"]
    assert frame["date"].to_list() == [START + day * DAY for day in range(9)]
    assert (len(made.by_day), repr(made.by_day)) == (9, "Days(9 days from 2026-03-02)")


def test_the_other_channel_is_tried_after_a_bounce():
    """A message that comes back is repeated by the next channel of the policy."""
    bouncing = Behavior(response=0, decline=0, opt_out=0, bounce=1)
    policy = asked(cadence=Wave("all"), channels=Channels("email", "sms"))
    made = simulate(policy, people(shared=False), behavior=bouncing, at=START, days=9, rng=rng())
    for mine in told(made.touches).values():
        kinds = [(row["kind"], row["channel"]) for row in mine]
        first = [("invited", "email"), ("bounced", "email"), ("reminded", "sms"), ("bounced", "sms")]
        assert kinds == first


SOUND = {"policy": asked(), "contacts": [], "behavior": LIVELY, "at": START, "rng": rng()}
A_DECLINE = Declined(survey="nps", occasion="1", contact="c-1", at=START + DAY)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"policy": 3}, r"^policy must be a Policy, or several of different surveys \(got 3\)$"),
        ({"policy": []}, r"^policy must be a Policy, or several of different surveys \(got \[\]\)$"),
        ({"policy": [asked(), asked()]}, r"^policy must be a Policy, or several of different surveys \(got "),
        ({"policy": [asked(), 3]}, r"^policy must be a Policy, or several \(got 3\)$"),
        ({"behavior": 3}, r"^behavior must be a Behavior \(got 3\)$"),
        ({"rng": 3}, r"^rng must be a numpy.random.Generator \(got 3\)$"),
        ({"days": 0}, r"^days must be a whole number of at least 1 \(got 0\)$"),
        ({"days": 10**9}, r"^days must be so few that the year 9999 is not reached from 2026-.* \(got 1000000000\)$"),
        ({"at": datetime(2026, 3, 2)}, r"^at must be a datetime with a time zone \(got "),  # noqa: DTZ001
        ({"every": timedelta(0)}, r"^every must be a timedelta of at least 0:01:00, and of a century at most \(got "),
        ({"follow_up": 3}, r"^follow_up must be a condition such as field\(\"rating\"\) <= 6, or None \(got 3\)$"),
        ({"touches": [A_DECLINE]}, r"^touches must be no later than at, 2026-03-02T06:00:00.000000, but for messages "),
        ({"triggered": [A_DECLINE]}, r"^triggered must be made of Triggered alone \(got 'declined'\)$"),
    ],
)
def test_what_breaks_its_rule_is_refused(wrong, message):
    """Bad input fails at the call, in the words of the house."""
    arguments = SOUND | wrong
    policy, contacts = arguments.pop("policy"), arguments.pop("contacts")
    with pytest.raises(InvalidArgument, match=message):
        simulate(policy, contacts, **arguments)


def test_a_condition_on_what_nobody_has_is_refused():
    """A follow-up that no contact could meet is refused before anything is simulated."""
    with pytest.raises(InvalidArgument, match="tier"):
        simulate(asked(), people(), behavior=LIVELY, at=START, rng=rng(), follow_up=field("tier") == "large")


def test_touches_of_nobody_are_empty():
    """A simulation in which nothing happens has touches all the same."""
    late = asked(cadence=Wave("late", opens=START + timedelta(days=90)))
    made = simulate(late, people(), behavior=LIVELY, at=START, days=3, rng=rng())
    assert isinstance(made.touches, Touches)
    assert made.totals["messages"] == 0
    assert made.people_by_asks == {0: 30}
