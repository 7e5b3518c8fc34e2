"""Whether calling changes anything: by assignment, against those held out, and never without them."""

import random
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netpromoter.insight import Trial, TrialArm, loop
from netpromoter.model import Case, CaseOpened, FollowUpDecided, Response
from netpromoter.stats import compare_paired, share

START = datetime(2026, 6, 1, 8, tzinfo=UTC)
LATER = START + timedelta(days=30)
WANTED = ["selected", "held out", "over capacity"]


def answer(contact, rating, occasion="june", at=START, **more):
    return Response(survey="nps", occasion=occasion, contact=contact, rating=rating, at=at, **more)


def again(contact, rating, occasion="june", **more):
    more = {"survey": "nps-recovery", "purpose": "recovery", "at": LATER} | more
    return Response(occasion=occasion, contact=contact, rating=rating, **more)


def decided(response, decision, policy="call", at=START):
    return FollowUpDecided(response=response.id, policy=policy, decision=decision, reason="so", at=at)


def called(contact, occasion="june", to="contacted"):
    opened = CaseOpened(
        survey="nps", occasion=occasion, contact=contact, policy="call", rating=2, owner="ann", at=START
    )
    return Case(opened=opened, moves=(Case(opened=opened).move(to, by="ann", at=START),))


@given(
    st.dictionaries(
        st.sampled_from("abcdefgh"),
        st.tuples(st.integers(0, 10), st.sampled_from(WANTED), st.none() | st.integers(0, 10), st.booleans()),
        min_size=1,
    )
)
def test_arms_are_by_assignment(people):
    """Those whom the policy wanted are called or held out, with capacity or without, and each counts as assigned."""
    answers = [answer(contact, rating) for contact, (rating, *_) in people.items()]
    decisions = [decided(each, people[each.contact][1]) for each in answers]
    back = [again(contact, second) for contact, (_, _, second, _) in people.items() if second is not None]
    reached = [contact for contact, (*_, talked) in people.items() if talked]
    found = loop([*answers, *back], decisions, map(called, reached), at=LATER).trials["call"]
    detractors = {contact: facts for contact, facts in people.items() if facts[0] <= 6}
    assert found.not_detractors == len(people) - len(detractors)
    for arm, held_out in ((found.held_out, True), (found.called, False)):
        mine = [facts for facts in detractors.values() if (facts[1] == "held out") == held_out]
        pairs = [(first, second) for first, _, second, _ in mine if second is not None]
        assert (arm.assigned, arm.contacted) == (len(mine), sum(talked for *_, talked in mine))
        assert arm.response == share(len(pairs), len(mine))
        assert arm.won_back == share(sum(second > 6 for _, second in pairs), len(pairs))
        assert arm.won_back_of_assigned == share(arm.won_back.count, len(mine))
        if pairs:
            assert arm.change.first.n == arm.change.first.detractors
            assert arm.mean_change == pytest.approx(sum(b - a for a, b in pairs) / len(pairs))
    assert (found.rating_effect is None) == (found.unanswerable is not None)
    assert (found.score_effect is None) == (found.unanswerable is not None)


def outcomes():
    """Give every rating and second rating of a detractor, without a call and with one, all equally likely."""
    for rating, luck, reached in product(range(7), range(-1, 6), [True, True, True, False]):
        without = min(10, max(0, rating + luck))
        yield rating, without, min(10, without + 3) if reached else without


EFFECT = sum(after - before for _, before, after in outcomes()) / len(list(outcomes()))
WON_BACK = sum((after > 6) - (before > 6) for _, before, after in outcomes()) / len(list(outcomes()))


def simulated(chance, size=50):
    """Simulate a policy that holds out a third, has no capacity for some, and reaches three of four it calls."""
    answers, decisions, back = [], [], []
    everything = list(outcomes())
    for number in range(size):
        rating, without, with_call = chance.choice(everything)
        answers.append(answer(f"c-{number}", rating))
        held_out = chance.random() < 1 / 3
        decisions.append(decided(answers[-1], "held out" if held_out else "selected"))
        if chance.random() < 0.7:
            back.append(again(f"c-{number}", without if held_out else with_call))
    return loop([*answers, *back], decisions, at=LATER).trials["call"]


def test_a_known_effect_is_covered_at_the_nominal_rate():
    """Of 200 simulated loops, 95 % of the intervals hold the effect of the assignment, while changes alone mislead."""
    chance = random.Random(20261125)  # noqa: S311
    trials = [simulated(chance) for _ in range(200)]
    ratings = [each.rating_effect.interval() for each in trials]
    shares = [each.won_back_effect.interval(method="newcombe") for each in trials]
    for limits, truth in ((ratings, EFFECT), (shares, WON_BACK)):
        assert 0.91 <= sum(low <= truth <= high for low, high in limits) / len(trials) <= 0.98
    mean = sum(each.rating_effect.value for each in trials) / len(trials)
    assert mean == pytest.approx(EFFECT, abs=0.1)
    naive = sum(each.called.mean_change for each in trials) / len(trials)
    assert naive > EFFECT + 1.5


def test_without_a_holdout_nothing_is_claimed():
    """However much those who were called improved, without anybody held out it is no effect, and it says so."""
    answers = [answer(f"c-{number}", 2) for number in range(50)]
    back = [again(each.contact, 10) for each in answers]
    found = loop([*answers, *back], [decided(each, "selected") for each in answers], at=LATER).trials["call"]
    assert found.unanswerable == "nobody was held out"
    assert repr(found) == "call: what calling changes is not known: nobody was held out"
    effects = ("rating_effect", "score_effect", "won_back_effect", "won_back_of_assigned_effect", "response_effect")
    assert [getattr(found, name) for name in effects] == [None] * 5
    assert found.called.won_back == share(50, 50)
    rows = loop([*answers, *back], [decided(each, "selected") for each in answers], at=LATER).rows()
    assert [row["value"] for row in rows if "minus" in row["measure"]] == [None] * 3


@pytest.mark.parametrize(
    ("called_arm", "held_out", "reason"),
    [
        ((0, None), (3, [2]), "nobody was to be called"),
        ((3, [2]), (3, None), "nobody who was held out has answered again"),
        ((3, None), (3, [2]), "nobody who was to be called has answered again"),
    ],
)
def test_why_an_effect_is_not_known_is_said(called_arm, held_out, reason):
    """An arm without people, or without a second answer, tells nothing, and the reason is told."""
    arms = [
        TrialArm(assigned=number, change=None if second is None else compare_paired([3], second))
        for number, second in (called_arm, held_out)
    ]
    found = Trial(policy="call", called=arms[0], held_out=arms[1])
    assert found.unanswerable == reason
    assert found.rating_effect is None
    assert found.won_back_effect is None


def test_nobody_asked_again_is_no_effect_of_nothing():
    """Before anybody could answer again there are no silent ones to count as lost."""
    found = Trial(policy="call", called=TrialArm(assigned=9), held_out=TrialArm(assigned=4))
    assert found.won_back_of_assigned_effect is found.response_effect is None


def test_silence_is_counted_in_each_arm():
    """Who did not answer again counts as not won back where all assigned are the whole, and is told by arm."""
    change = compare_paired([3, 4, 2], [9, 8, 3])
    found = Trial(
        policy="call", called=TrialArm(assigned=10, change=change), held_out=TrialArm(assigned=3, change=change)
    )
    assert found.won_back_effect.value == 0
    assert found.won_back_of_assigned_effect.value == pytest.approx(2 / 10 - 2 / 3)
    assert found.response_effect.value == pytest.approx(3 / 10 - 1)
    assert "3 of 10 called and 3 of 3 held out answered again" in repr(found)


def test_scores_of_detractors_begin_at_the_bottom():
    """All answers at the assignment are -100 points, so that the difference of the second scores is that of changes."""
    found = Trial(
        policy="call",
        called=TrialArm(assigned=4, change=compare_paired([3, 4, 2, 0], [9, 8, 3, 10])),
        held_out=TrialArm(assigned=4, change=compare_paired([3, 4, 2, 0], [3, 8, 3, 5])),
    )
    changes = [arm.change.value for arm in (found.held_out, found.called)]
    assert found.score_effect.value == changes[1] - changes[0] == 100.0


def test_a_revision_after_the_decision_is_no_beginning():
    """The change starts from the answer on which it was decided: a better one after a call is an effect of it."""
    answers = [answer("a", 2), answer("a", 9, at=START + timedelta(days=2), ordinal=1)]
    found = loop([*answers, again("a", 9)], [decided(answers[0], "selected")], at=LATER).trials["call"]
    assert found.called.change.ratings[2][9] == 1
    assert found.not_detractors == 0


def test_a_person_counts_once_at_the_first_assignment():
    """Somebody whom the policy wanted twice is in one arm, that of the first decision by time."""
    may, june = answer("a", 2, "may"), answer("a", 3, at=START + timedelta(days=1))
    decisions = [decided(june, "held out", at=june.at), decided(may, "selected")]
    found = loop([may, june, again("a", 7, "may"), again("a", 0)], decisions, at=LATER).trials["call"]
    assert (found.called.assigned, found.held_out.assigned) == (1, 0)
    assert found.called.change.ratings[2][7] == 1
    revised = answer("a", 4, "may", ordinal=1, at=START + timedelta(hours=1))
    twice = [decided(may, "held out"), decided(revised, "selected", at=revised.at)]
    assert loop([may, revised], twice, at=LATER).trials["call"].held_out.assigned == 1


def test_each_policy_has_its_trial():
    """Two policies that hold out by draws of their own are two trials; who was not wanted is in neither."""
    answers = [answer(contact, 2) for contact in "abc"]
    decisions = [decided(answers[0], "held out"), decided(answers[1], "selected"), decided(answers[2], "not selected")]
    decisions += [decided(answers[0], "selected", "other")]
    found = loop(answers, decisions, [called("a"), called("b", to="attempted")], at=LATER).trials
    assert list(found) == ["call", "other"]
    assert (found["call"].called.assigned, found["call"].held_out.assigned) == (1, 1)
    assert (found["call"].held_out.contacted, found["call"].called.contacted) == (1, 0)
    assert found["other"].unanswerable == "nobody was held out"


def test_who_was_asked_again_is_counted():
    """Who was delivered the question, or answered it, was asked; where deliveries are not known, nobody says."""
    answers = [answer(contact, 2) for contact in "abcd"]
    decisions = [decided(each, "selected") for each in answers]
    asked = {("june", contact): LATER for contact in "ab"} | {("june", "d"): LATER + timedelta(days=1)}
    given = {"responses": [*answers, again("c", 9)], "decisions": decisions, "at": LATER}
    assert loop(**given, asked_again=asked).trials["call"].called.asked == 3
    assert loop(**given).trials["call"].called.asked is None


def test_the_last_answer_when_asked_again_counts():
    """Who revises the second answer has one."""
    answers = [answer("a", 2), again("a", 3), again("a", 8, ordinal=1)]
    found = loop(answers, [decided(answers[0], "selected")], at=LATER).trials["call"]
    assert found.called.won_back == share(1, 1)


def test_a_notebook_shows_both_arms():
    """The table has a line for each arm, also where nobody answered again."""
    found = Trial(policy="<b>", called=TrialArm(assigned=9), held_out=TrialArm(assigned=0))
    shown = found._repr_html_()
    assert shown.count("<tr>") == 3
    assert "<b>" not in shown
    assert repr(found.called) == "9 assigned, 0 contacted, 0 answered"
    assert found.called.contact == share(0, 9)
    full = TrialArm(assigned=2, asked=2, change=compare_paired([3], [9]))
    assert repr(full) == "2 assigned, 0 contacted, 2 asked again, 1 answered: 1 no detractors any more, rating +6.0"
    assert "+6.0" in Trial(policy="call", called=full, held_out=full)._repr_html_()
