"""Backtests: a policy on past answers, day by day, with what each day leaves to the next."""

import random
from collections import Counter
from datetime import UTC, date, datetime, timedelta

import pytest

from netpromoter.engine import backtest
from netpromoter.errors import InvalidArgument
from netpromoter.model import CaseOpened, Response
from netpromoter.rules import Capacity, FollowUp, Load, Owner, Routing, decide, field

START = datetime(2026, 3, 20, tzinfo=UTC)
DETRACTORS = field("rating") <= 6


def answer(number, at, rating=2, **more):
    return Response(survey="nps", occasion="1", contact=f"c-{number}", rating=rating, at=at, **more)


def history(size=400, days=30, seed=3):
    chance = random.Random(seed)  # noqa: S311
    return [
        answer(number, START + chance.random() * timedelta(days=days), chance.randrange(11), snapshot={"plan": "paid"})
        for number in range(size)
    ]


POLICY = FollowUp(
    DETRACTORS & (field("plan") == "paid"),
    owner=Routing(owners=[Owner("ann", per_day=2), Owner("ben", per_month=9)]),
    capacity=Capacity(per_day=4),
    holdout=0.1,
    time_zone="Europe/Paris",
)


def test_every_answer_is_decided_on_at_the_end_of_its_day():
    """Each has one decision, of the day on which it was given in the time zone of the policy."""
    answers = history()
    tried = backtest(POLICY, answers[::2] + answers[1::2])
    assert sorted(each.response.id for each in tried.decisions) == sorted(each.id for each in answers)
    for each in tried.decisions:
        given, decided = (at.astimezone(POLICY.zone) for at in (each.response.at, each.at))
        assert given <= decided
        assert given.date() == decided.date()
        assert (decided + timedelta(microseconds=1)).hour in {0, 1}
    assert sum(tried.counts.values()) == len(answers)


def test_no_limit_is_exceeded_on_any_day():
    """Capacity and quotas hold day by day, and what nobody could take is told."""
    tried = backtest(POLICY, history())
    per_day = Counter(row["day"] for row in tried.rows() for _ in range(row["selected"]))
    assert max(per_day.values()) == per_day[tried.peak_day.isoformat()] == 4
    rows = list(tried.owner_rows())
    assert max(row["cases"] for row in rows if row["owner"] == "ann") == 2
    months = Counter(row["day"][:7] for row in rows if row["owner"] == "ben" for _ in range(row["cases"]))
    assert max(months.values()) == 9
    assert len(tried.unowned) == sum(row["cases"] for row in rows if row["owner"] is None) > 0
    assert all(each.reason.endswith("everybody who could call has reached a quota") for each in tried.unowned)
    assert sum(tried.owners.values()) + len(tried.unowned) == len(tried.cases) == tried.counts["selected"]
    assert list(tried.owners) == ["ann", "ben"]


def test_a_day_decides_as_a_decision_of_that_day_does():
    """A backtest of one day is a decision at its end, and the holdout is that of the decision."""
    answers = [answer(number, START + timedelta(hours=number), number % 11) for number in range(20)]
    policy = FollowUp(DETRACTORS, capacity=Capacity(share=0.4), holdout=0.3)
    tried = backtest(policy, answers)
    made = decide(policy, answers, at=START + timedelta(days=1, microseconds=-1))
    assert tried.decisions == made.made


def test_a_case_is_open_until_its_last_promise_is_due():
    """Whoever has open cases gets the next one only when theirs are over."""
    answers = [answer(number, START + timedelta(days=day)) for number, day in enumerate((0, 1, 4))]
    busy = CaseOpened(survey="x", occasion="1", contact="c", policy="p", rating=1, owner="ann", at=START)
    alternating = (timedelta(days=60), ["ben", "ann", "ben"])
    for within, owners in (alternating, (timedelta(hours=12), ["ben"] * 3), ((), ["ben"] * 3)):
        policy = FollowUp(owner=Routing(owners=["ann", "ben"]), within=within)
        assert [each.owner for each in backtest(policy, answers, load=Load.of([busy])).decisions] == owners


def test_days_without_answers_are_days_too():
    """Rows run from the first day to the last, over a change of the clocks, with counts of zero between."""
    answers = [answer(1, START), answer(2, START + timedelta(days=12), 9)]
    tried = backtest(FollowUp(DETRACTORS, owner="ann", time_zone="Europe/Paris"), answers)
    rows = list(tried.rows())
    assert len(rows) == 13
    assert rows[0] == {
        "day": "2026-03-20",
        "answers": 1,
        "selected": 1,
        "held_out": 0,
        "over_capacity": 0,
        "not_selected": 0,
        "without_owner": 0,
    }
    assert rows[5]["answers"] == 0
    assert rows[-1]["not_selected"] == 1
    for library in ("pandas", "polars", "pyarrow"):
        assert tried.to_frame(library).shape == (13, 7)


def test_a_backtest_says_what_it_found():
    """In one line, and as a small table; of nobody it says that too."""
    tried = backtest(FollowUp(DETRACTORS, owner="<ann>"), [answer(1, START), answer(2, START, 9)])
    line = "Backtest(follow-up 1, 2026-03-20 to 2026-03-20: 2 answers, 1 cases, 1 a day at most, 0 without owner)"
    assert repr(tried) == line
    assert "cases of &lt;ann&gt;" in tried._repr_html_()
    assert tried.peak_day == date(2026, 3, 20)
    nobody = backtest(FollowUp(field("plan") == "paid"), [])
    assert repr(nobody) == "Backtest(follow-up 1, 0 answers, 0 cases, 0 a day at most, 0 without owner)"
    assert nobody.peak_day is None
    assert list(nobody.rows()) == list(nobody.owner_rows()) == []


def test_a_field_may_be_missing_from_all_answers_of_a_day():
    """A name that some answers have is known on every day; a name that none has is refused."""
    answers = [answer(1, START), answer(2, START + timedelta(days=1), drivers={"call": "yes"})]
    policy = FollowUp(field("call") == "yes")
    assert [each.decision for each in backtest(policy, answers).decisions] == ["not selected", "selected"]
    facts = {answers[0].id: {"call": "yes"}}
    assert backtest(policy, answers[:1], facts=facts).counts["selected"] == 1
    assert backtest(policy, answers[:1], known=["call"]).counts["selected"] == 0
    with pytest.raises(InvalidArgument, match="'call'"):
        backtest(policy, answers[:1])
    with pytest.raises(InvalidArgument, match="responses must be made of Response"):
        backtest(policy, ["nps/1/c-1/0"])


def test_the_last_day_has_an_end():
    """An answer on the last day that there is, is decided on too."""
    last = datetime(9999, 12, 31, 12, tzinfo=UTC)
    assert backtest(FollowUp(), [answer(1, last)]).decisions[0].at.year == 9999


def test_a_day_of_odd_attributes_is_no_policy_that_is_wrong():
    """A policy is refused for what it can read of no answer, and not for a day on which it can read none."""
    policy = FollowUp(field("mrr") > 100, within=())
    odd, plain = (answer(n, START + n * timedelta(days=1), snapshot={"mrr": mrr}) for n, mrr in enumerate(["200", 300]))
    tried = backtest(policy, [odd, plain])
    assert [(each.decision, each.reason) for each in tried.decisions] == [
        ("not selected", 'mrr is "200", not a number'),
        ("selected", "mrr is 300, above 100"),
    ]
    with pytest.raises(InvalidArgument, match="is compared with must be text, as its values are"):
        backtest(policy, [odd])
    assert len(backtest(policy, [odd], known={"mrr": [7]}).decisions) == 1
    said = answer(5, START, drivers={"mrr": "a lot"})
    assert [each.reason for each in backtest(policy, [said]).decisions] == ['mrr is "a lot", not a number']
    fact = backtest(policy, [said], facts={said.id: {"mrr": 101}})
    assert [each.decision for each in fact.decisions] == ["selected"]
