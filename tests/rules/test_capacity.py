"""Capacity, priority and load: how many, which first, and what counts of what was before."""

import pickle
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from itertools import permutations
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netpromoter.errors import InvalidArgument
from netpromoter.model import CaseMoved, CaseOpened, FollowUpDecided, Responded, Response
from netpromoter.rules import Capacity, Load, Priority, field

AT = datetime(2026, 6, 15, 12, tzinfo=UTC)


def opened(contact="c-1", *, owner="ann", at=AT, policy="recover", survey="nps"):
    return CaseOpened(survey=survey, occasion="1", contact=contact, policy=policy, rating=2, owner=owner, at=at)


def decided(response, *, policy="recover", decision="selected"):
    return FollowUpDecided(response=response, policy=policy, decision=decision, reason="why", at=AT)


def moved(case, number, to, *, at=AT, **more):
    return CaseMoved(case=case, number=number, to=to, by="bea", at=at, **more)


# Capacity


@given(
    share=st.fractions(0, 1, max_denominator=1000).filter(bool),
    answers=st.integers(0, 10**6),
    cases=st.integers(0, 10**6),
)
def test_a_share_is_that_of_the_fraction_which_was_meant(share, answers, cases):
    """29% of 100 answers are 29, although 0.29 as a float is a little less; and never fewer than none are left."""
    exact = int(Fraction(share) * answers)
    assert Capacity(share=float(share)).left(answers=answers, cases=cases, today=0) == max(exact - cases, 0)


def test_a_limit_a_day_counts_today_alone():
    """What was opened before today takes nothing away, and the tighter of two limits holds."""
    assert Capacity(per_day=20).left(answers=0, cases=900, today=5) == 15
    assert Capacity(per_day=20).left(answers=0, cases=900, today=25) == 0
    assert Capacity(per_day=20, share=0.5).left(answers=10, cases=1, today=5) == 4
    assert Capacity(per_day=3, share=0.5).left(answers=10, cases=1, today=1) == 2
    assert str(Capacity(per_day=1200, share=1 / 3)) == "1,200 a day and 33.3% of the answers"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, r"per_day must be given, or share, or both \(got None\)"),
        ({"per_day": 0}, r"per_day must be a whole number of at least 1"),
        ({"share": 0}, r"share must be a number above 0, and 1 at most \(got 0\)"),
        ({"share": 1.5}, r"share must be a number above 0, and 1 at most"),
        ({"share": True}, r"share must be a number above 0, and 1 at most"),
        ({"share": "a third"}, r"share must be a number above 0, and 1 at most"),
    ],
)
def test_a_capacity_is_refused_in_words(options, message):
    """What limits nothing, or by no number, is refused."""
    with pytest.raises(InvalidArgument, match=message):
        Capacity(**options)


# Priority


@given(
    st.lists(
        st.fixed_dictionaries(
            {},
            optional={
                "seats": st.none() | st.integers(-9, 9),
                "tier": st.sampled_from(["large", "small", None]),
                "vip": st.booleans(),
                "revenue": st.none() | st.floats(-1e6, 1e6),
            },
        ),
        max_size=6,
    )
)
def test_a_priority_is_a_weighted_sum_times_a_number(answers):
    """What is missing or unknown adds nothing, and many at once are as each alone."""
    priority = Priority(
        field("vip"), (field("seats"), -2), (field("tier") == "large", 50), start=1, times=field("revenue")
    )
    expected = [
        (1 + (each.get("vip") or 0) - 2 * (each.get("seats") or 0) + 50 * (each.get("tier") == "large"))
        * (each.get("revenue") or 0)
        for each in answers
    ]
    assert priority.of_each(answers) == pytest.approx(expected)
    assert [priority.of(each) for each in answers] == priority.of_each(answers)
    assert priority.fields == {"vip", "seats", "tier", "revenue"}


def test_a_priority_is_always_finite():
    """Sums that are too large become the largest number, and those that are none become 0."""
    huge = Priority(field("seats"), times=field("revenue"))
    assert huge.of({"seats": 1e300, "revenue": 1e300}) == -huge.of({"seats": -1e300, "revenue": 1e300}) > 1e308
    assert Priority((field("seats"), 1e308), (field("revenue"), 1e308)).of({"seats": 1e9, "revenue": -1e9}) == 0
    assert Priority().of({}) == 0


def test_a_priority_is_a_value():
    """Two that say the same are equal and have one hash, although fields are not compared."""
    first, second = (Priority((field("a"), 2), (field("b") == 1, 3), times=field("c")) for _ in range(2))
    assert first == second != Priority(field("a"))
    assert hash(first) == hash(second)
    assert pickle.loads(pickle.dumps(first)) == first  # noqa: S301


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Priority("seats"), r'terms must be pairs such as \(field\("seats"\), 2\)'),
        (lambda: Priority((field("seats"), float("nan"))), r"terms must be pairs"),
        (lambda: Priority((field("seats"), True)), r"terms must be pairs"),
        (lambda: Priority((field("seats"), 1, 2)), r"terms must be pairs"),
        (lambda: Priority((5, 2)), r"terms must be pairs"),
        (lambda: Priority(start="high"), r"start must be a finite number \(got 'high'\)"),
        (lambda: Priority(times="seats"), r'times must be a field such as field\("revenue"\), or None'),
        (
            lambda: Priority(field("tier")).of({"tier": "large"}),
            r'what field\("tier"\) holds in a priority must be a number, or True or False \(got \'large\'\)',
        ),
        (lambda: Priority(field("since")).of({"since": AT}), r'what field\("since"\) holds in a priority must be'),
    ],
)
def test_a_priority_is_refused_in_words(make, message):
    """What is no number cannot be added."""
    with pytest.raises(InvalidArgument, match=message):
        make()


def test_what_is_of_another_kind_can_add_nothing():
    """A text in place of a number, or compared with one, counts as if it were not there."""
    priority = Priority((field("seats"), 2), (field("tier") == "large", 100), (field("vip"), 1))
    for odd in ({"seats": "many"}, {"tier": 3}):
        values = {"seats": 5, "tier": "large", "vip": True} | odd
        plain = {name: value for name, value in values.items() if name not in odd}
        assert priority.of(values, unlike="unknown") == priority.of(plain)
        with pytest.raises(InvalidArgument, match="must be"):
            priority.of(values)
    assert Priority(field("vip"), times=field("revenue")).of({"vip": 1, "revenue": "9k"}, unlike="unknown") == 0


# Load


def test_a_load_counts_events_in_any_order():
    """Decisions and cases count as they stand after all moves, whatever comes first and however it is cut."""
    case = opened().case
    answer = Response(survey="nps", occasion="1", contact="c-1", rating=2, at=AT)
    events = [
        opened(),
        Responded(response=answer),
        decided("nps/1/c-1/0"),
        moved(case, 0, "assigned", owner="bea", at=AT + timedelta(hours=1)),
        moved(case, 1, "contacted", at=AT + timedelta(hours=2)),
    ]
    whole = Load.of(events)
    assert whole.open_cases == {"bea": 1}
    assert whole.cases[case].since == AT + timedelta(hours=1)
    assert whole.cases[case].opened == AT
    assert repr(whole) == "Load(1 answer decided, 1 case, 1 open)"
    assert all(Load.of(each) == whole for each in permutations(events))
    assert all(Load.of(events[:cut]).after(events[cut:]) == whole for cut in range(len(events)))
    assert Load.of([*events, *events]) == whole == whole.after(events[:3])


def test_a_closed_case_is_not_open_and_a_reopened_one_is():
    """Open cases are counted by present owner, those without one as None's."""
    first, second, third = (opened(f"c-{number}", owner=owner) for number, owner in enumerate(("ann", "ann", None)))
    closed = [moved(first.case, 0, "contacted"), moved(first.case, 1, "closed", resolution="recovered")]
    load = Load.of([first, second, third, *closed])
    assert load.open_cases == {"ann": 1, None: 1}
    assert load.after([moved(first.case, 2, "reopened")]).open_cases == {"ann": 2, None: 1}
    assert repr(load) == "Load(0 answers decided, 3 cases, 2 open)"
    assert Load.of(closed) == Load()


def test_a_load_counts_people_and_occasions_once():
    """Revised answers are decided on, and make no more people; policies are counted apart."""
    load = Load.of([decided("nps/1/a/0"), decided("nps/1/a/1"), decided("nps/1/b/0"), decided("nps/1/a/0", policy="x")])
    assert load.asked == {("nps", "recover"): 2, ("nps", "x"): 1}
    assert load.decided["nps", "recover"] == {"nps/1/a/0", "nps/1/a/1", "nps/1/b/0"}
    more = load.after([decided("nps/1/b/0"), decided("nps/1/c/0")])
    assert more.asked == {("nps", "recover"): 3, ("nps", "x"): 1}


@pytest.mark.parametrize("other", ["ces", "nps/1", "nps%2F1", "\ud800", "ü"])
def test_a_load_counts_each_survey_by_itself(other):
    """What a policy of the same name decided and opened elsewhere is not this one's, but each owner has one day."""
    elsewhere = opened("c-2", survey=other)
    events = [decided("nps/1/c-1/0"), opened(), decided(elsewhere.response), elsewhere]
    load = Load.of(events)
    assert load.asked == {("nps", "recover"): 1, (other, "recover"): 1}
    assert load.opened("nps", "recover") == {"nps/1/c-1"}
    assert load.opened(other, "recover") == {elsewhere.response.removesuffix("/0")}
    assert load.opened_on(other, "recover", AT, ZoneInfo("UTC")) == 1
    assert load.is_decided("recover", elsewhere.response)
    assert not load.is_decided("x", elsewhere.response)
    assert not Load.of(events[:2]).is_decided("recover", elsewhere.response)
    assert load.taken(AT, ZoneInfo("UTC")) == ({"ann": 2}, {"ann": 2})


def test_days_and_months_are_those_of_the_wall_clock():
    """At 22:30 UTC it is tomorrow in Paris, and on the last of the month the next month."""
    paris, late = ZoneInfo("Europe/Paris"), datetime(2026, 5, 31, 22, 30, tzinfo=UTC)
    load = Load.of(
        [opened("c-1", at=late), opened("c-2", at=late - timedelta(hours=1)), opened("c-3", policy="x", at=late)]
    )
    june = datetime(2026, 6, 1, 9, tzinfo=UTC)
    assert load.opened_on("nps", "recover", june, paris) == 1
    assert load.opened_on("nps", "recover", june, ZoneInfo("UTC")) == 0
    assert load.opened_on("nps", "recover", late, ZoneInfo("UTC")) == 2
    assert load.taken(june, paris) == ({"ann": 2}, {"ann": 2})
    assert load.taken(late, ZoneInfo("UTC")) == ({"ann": 3}, {"ann": 3})
    assert load.taken(june + timedelta(days=20), paris) == ({}, {"ann": 2})
    assert load.taken(june + timedelta(days=40), paris) == ({}, {})
    assert load.opened("nps", "recover") == {"nps/1/c-1", "nps/1/c-2"}
