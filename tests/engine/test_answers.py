"""From a log to the comparisons: whom an arm counts, and which answers make a pair."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netpromoter.engine import compare_arms, compare_proxy
from netpromoter.errors import InvalidArgument
from netpromoter.model import Bounced, Message, Responded, Response, Scheduled, Survey, Touches
from netpromoter.stats import compare, compare_paired, score

START = datetime(2026, 3, 2, 8, tzinfo=UTC)


def invitation(contact, arm, *, occasion="spring", survey="nps"):
    """Make the event of an invitation; every contact has a destination of their own."""
    number = int(contact[2:])
    message = Message(
        survey=survey,
        occasion=occasion,
        contact=contact,
        step=0,
        channel="email",
        to=f"{contact}@example.com",
        destination=number + 1,
        due=START,
        arm=arm,
    )
    return Scheduled(message=message, at=START)


def answer(contact, rating, *, days=1.0, arm=None, occasion="spring", survey="nps"):
    """Make the event of an answer, some days after the start."""
    at = START + timedelta(days=days)
    return Responded(
        response=Response(survey=survey, occasion=occasion, contact=contact, rating=rating, at=at, arm=arm)
    )


people = st.lists(
    st.tuples(st.sampled_from(["plain", "name"]), st.none() | st.integers(0, 10)), min_size=2, max_size=30
).filter(lambda drawn: len({arm for arm, _ in drawn}) == 2)


@given(people)
def test_an_arm_counts_whom_it_reached_and_what_they_answered(drawn):
    """The comparison is that of the counts and the ratings of each arm, whoever is in it."""
    log = [invitation(f"c-{number}", arm) for number, (arm, _) in enumerate(drawn)]
    log += [answer(f"c-{number}", rating, arm=arm) for number, (arm, rating) in enumerate(drawn) if rating is not None]
    found = compare_arms(log, "nps")
    for arm in ("plain", "name"):
        ratings = [rating for name, rating in drawn if name == arm and rating is not None]
        assert found.invited[found.arms.index(arm)] == sum(name == arm for name, _ in drawn)
        assert found.answered[arm] == len(ratings)
        assert found.scores[found.arms.index(arm)] == (score(ratings) if ratings else None)


def test_who_was_not_reached_is_not_in_the_denominator():
    """An invitation that bounced counts for nothing, unless the person answered all the same."""
    log = [invitation(f"c-{number}", ["plain", "name"][number % 2]) for number in range(8)]
    reached = compare_arms(log, "nps").invited
    bounces = [Bounced(contact="c-0", destination=1, at=START, message=log[0].message.id)]
    bounces += [
        Bounced(contact="c-1", destination=2, at=START, message=log[1].message.id),
        answer("c-1", 9, arm="name"),
    ]
    after = compare_arms([*log, *bounces], "nps")
    assert tuple(reached) == (4, 4)
    assert tuple(after.invited) == (3, 4)
    assert after.answered == {"plain": 0, "name": 1}


def test_one_occasion_can_be_compared_alone():
    """Another wave, and another survey, leave the comparison of a wave as it is."""
    spring = [invitation(f"c-{number}", ["plain", "name"][number % 2]) for number in range(6)]
    spring += [answer(f"c-{number}", 9 - number, arm=["plain", "name"][number % 2]) for number in range(6)]
    other = [invitation(f"c-{number}", "plain", occasion="autumn") for number in range(6)]
    other += [invitation(f"c-{number}", "name", survey="csat") for number in range(6)]
    one = compare_arms([*spring, *other], "nps", occasion="spring")
    assert one == compare_arms(spring, "nps")
    arms = [score([9, 7, 5]), score([8, 6, 4])]
    assert one.score_differences["plain", "name"] == compare(*arms)
    assert sum(compare_arms([*spring, *other], "nps").invited) == 12


@pytest.mark.parametrize("log", [[], [invitation("c-0", "plain")], [invitation("c-0", None), invitation("c-1", None)]])
def test_a_survey_without_two_arms_is_refused(log):
    """There is nothing to compare in a log without arms, or with one."""
    with pytest.raises(InvalidArgument, match=r"survey must be one that was sent in two arms or more \(got 'nps'\)"):
        compare_arms(log, "nps")


def test_a_pair_is_the_last_outcome_and_the_last_proxy_before_it():
    """What was answered after the outcome, or by those who answered one survey alone, makes no pair."""
    asked = {"survey": "interim"}, {"survey": "outcome"}
    log = [
        answer("c-1", 3, days=1, occasion="1", **asked[0]),
        answer("c-1", 8, days=2, occasion="2", **asked[0]),
        answer("c-1", 10, days=9, occasion="1", **asked[1]),
        answer("c-1", 0, days=12, occasion="3", **asked[0]),
        answer("c-2", 9, days=3, occasion="1", **asked[0]),
        answer("c-2", 2, days=7, occasion="1", **asked[1]),
        answer("c-2", 6, days=8, occasion="2", **asked[1]),
        answer("c-3", 5, days=8, occasion="1", **asked[1]),
        answer("c-4", 5, days=8, occasion="1", **asked[0]),
    ]
    found = compare_proxy(Touches.of(log), Survey("interim", kind="transactional", stands_for="outcome"))
    assert found == compare_paired([8, 9], [10, 6])


def test_a_proxy_without_pairs_is_refused():
    """A comparison of nobody says which surveys nobody answered both of."""
    proxy = Survey("interim", stands_for="outcome")
    rule = r"touches must be with somebody who answered 'interim' and then 'outcome' \(got Touches\(0 rows\)\)"
    with pytest.raises(InvalidArgument, match=rule):
        compare_proxy([], proxy)


@pytest.mark.parametrize("proxy", ["interim", Survey("interim")])
def test_a_survey_that_stands_for_none_is_refused(proxy):
    """Only a survey that names its outcome is a proxy."""
    with pytest.raises(InvalidArgument, match="proxy must be a Survey that names in stands_for"):
        compare_proxy([], proxy)
