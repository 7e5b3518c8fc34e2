"""Follow-up policies: every answer gets one decision, whatever comes with it, before it and in which order."""

import pickle
import random
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta

import attrs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netpromoter.errors import InvalidArgument
from netpromoter.model import CaseOpened, Contact, Contacts, FollowUpDecided, Response
from netpromoter.ratings import category
from netpromoter.rules import (
    ANSWER_FIELDS,
    BusinessHours,
    Capacity,
    FollowUp,
    Load,
    Owner,
    Priority,
    Route,
    Routing,
    SameDay,
    Within,
    decide,
    draws,
    field,
)

AT = datetime(2026, 6, 15, 12, tzinfo=UTC)
DETRACTORS = field("rating") <= 6
KEPT = ("plan", "tier", "revenue", "owner")


def answer(number=1, rating=2, *, snapshot=None, **more):
    return Response(
        survey="nps", occasion="1", contact=f"c-{number}", rating=rating, at=AT, snapshot=snapshot or {}, **more
    )


def crowd(size, seed=1):
    chance = random.Random(seed)  # noqa: S311
    return [
        answer(
            number,
            chance.randrange(11),
            snapshot={
                "plan": chance.choice(["paid", "free", None]),
                "tier": chance.choice(["large", "small"]),
                "revenue": chance.choice([None, 10, 250.5, 9_000]),
                "owner": chance.choice([None, "ann", "zoe"]),
            },
        )
        for number in range(size)
    ]


def verdicts(decisions):
    """Tell of each answer all that was decided."""
    return {each.response.id: attrs.evolve(each, at=AT) for each in decisions}


def reasons(policy, answers, **more):
    return [(each.decision, each.reason) for each in decide(policy, answers, at=AT, **more)]


POLICY = FollowUp(
    (field("tier") == "large") | ((field("plan") == "paid") & field("rating").is_in(8, 6, 2, 1, 0)),
    within=[Within("attempt", timedelta(hours=16), hours=BusinessHours(time_zone="Europe/Paris"))],
    owner=Routing(Route(field("owner")), owners=[Owner("ann", per_month=4), Owner("ben", per_day=5), Owner("cas")]),
    capacity=Capacity(per_day=25, share=1 / 3),
    holdout=0.2,
    priority=Priority((field("rating"), -1), start=10, times=field("revenue")),
    name="recover",
    version=3,
    time_zone="Europe/Paris",
)


# Laws


@settings(deadline=None, max_examples=40)
@given(size=st.integers(0, 60), seed=st.integers(0, 99), order=st.randoms(use_true_random=False))
def test_every_answer_gets_one_decision_whatever_the_order(size, seed, order):
    """Each answer is decided on once, with a reason, and a permutation of the answers changes nothing."""
    answers = crowd(size, seed)
    made = decide(POLICY, answers, at=AT, known=KEPT)
    assert [each.response for each in made] == answers
    assert all(each.reason and (each.policy, each.version) == ("recover", 3) for each in made)
    shuffled = order.sample(answers, size)
    assert verdicts(decide(POLICY, shuffled, at=AT, known=KEPT)) == verdicts(made)


@settings(deadline=None, max_examples=40)
@given(
    seed=st.integers(0, 99),
    cuts=st.lists(st.integers(0, 80), max_size=6).map(sorted),
    hours=st.integers(1, 20),
    per_day=st.none() | st.integers(1, 9),
    share=st.none() | st.sampled_from([0.1, 1 / 3, 0.5]),
)
def test_capacity_and_quotas_hold_in_every_split_of_the_answers(seed, cuts, hours, per_day, share):
    """However the answers are split into runs, no day, no share, no owner's quota is exceeded at any time."""
    capacity = Capacity(per_day=per_day, share=share) if per_day or share else None
    policy = attrs.evolve(POLICY, capacity=capacity)
    answers, load, at = crowd(80, seed), Load(), AT
    days, owners = Counter(), Counter()
    for first, last in zip([0, *cuts], [*cuts, 80], strict=True):
        made = decide(policy, answers[first:last], at=at, load=load, known=KEPT)
        load = load.after(made.events)
        day = at.astimezone(policy.zone).date()
        days[day] += len(made.selected)
        owners.update((each.owner, day) for each in made.selected)
        assert per_day is None or days[day] <= per_day
        assert share is None or days.total() <= last * share
        at += timedelta(hours=hours)
    assert len(load.decided.get(("nps", "recover"), ())) == 80
    assert all(number <= 5 for (owner, _), number in owners.items() if owner == "ben")
    months = Counter((owner, day.month) for (owner, day), number in owners.items() for _ in range(number))
    assert all(number <= 4 for (owner, _), number in months.items() if owner == "ann")


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 99), cut=st.integers(0, 60))
def test_what_was_decided_is_not_decided_again(seed, cut):
    """Deciding twice decides the same, and with the load of the first time nothing."""
    answers = crowd(60, seed)
    first = decide(POLICY, answers[:cut], at=AT, known=KEPT)
    assert verdicts(first) == verdicts(decide(POLICY, answers[:cut], at=AT, load=Load(), known=KEPT))
    load = Load.of(first.events)
    assert len(decide(POLICY, answers[:cut], at=AT, load=load, known=KEPT)) == 0
    rest = decide(POLICY, answers, at=AT, load=load, known=KEPT)
    assert [each.response for each in rest] == answers[cut:]


def test_the_holdout_is_drawn_before_priority_and_capacity():
    """Who is held out depends on neither, nor on routes, promises, version or the other answers."""
    answers = crowd(400)
    held = {each.response.id for each in decide(POLICY, answers, at=AT) if each.decision == "held out"}
    assert 30 < len(held) < 90
    for change in (
        {"priority": None},
        {"capacity": Capacity(per_day=1)},
        {"owner": None, "within": SameDay(), "version": 9, "time_zone": "UTC"},
    ):
        made = decide(attrs.evolve(POLICY, **change), answers, at=AT + timedelta(days=9), known=KEPT)
        assert {each.response.id for each in made if each.decision == "held out"} == held
    half = decide(POLICY, answers[::2], at=AT)
    assert {each.response.id for each in half if each.decision == "held out"} == held & {
        each.id for each in answers[::2]
    }


def test_a_smaller_holdout_lies_within_a_larger_one():
    """Holdouts are nested in their share, and each is about its share of those who would be called."""
    answers, before = [answer(number) for number in range(3000)], set()
    for share in (0.01, 0.1, 0.25, 0.5, 0.9):
        made = decide(FollowUp(DETRACTORS, holdout=share, within=()), answers, at=AT)
        held = {each.response.contact for each in made if each.decision == "held out"}
        assert before <= held
        assert abs(len(held) / 3000 - share) < 4 * (share * (1 - share) / 3000) ** 0.5
        before = held


def test_the_holdout_is_independent_of_all_other_draws():
    """Who is held out says nothing about who is sampled, sees which arm, is first in line, or is held out elsewhere."""
    size = 10_000
    answers = [answer(number) for number in range(size)]
    people = Contacts.of([Contact(id=each.contact) for each in answers])

    def held(name="recover", occasion="1"):
        given_ = [attrs.evolve(each, occasion=occasion) for each in answers]
        made = decide(FollowUp(name=name, holdout=0.5, within=()), given_, at=AT)
        return np.array([each.decision == "held out" for each in made])

    first = held()
    lines = decide(FollowUp(name="recover", capacity=Capacity(share=0.5), within=()), answers, at=AT)
    others = [
        np.array([each.decision == "selected" for each in lines]),
        held("other"),
        held(occasion="2"),
        *(draws(people, purpose, seed) < 0.5 for purpose in ("sample", "arm", "drip") for seed in ("nps/1", "recover")),
    ]
    for other in others:
        assert abs(np.corrcoef(first, other)[0, 1]) < 4 / size**0.5


def test_the_most_valuable_come_first_and_equals_by_chance():
    """With capacity for some, those of the highest priority are selected; among equals neither order nor id decides."""
    answers = [answer(number, snapshot={"revenue": number // 100}) for number in range(1000)]
    policy = FollowUp(priority=field("revenue"), capacity=Capacity(per_day=250))
    made = decide(policy, answers, at=AT)
    assert made.counts == {"selected": 250, "held out": 0, "over capacity": 750, "not selected": 0}
    chosen = {int(each.response.contact[2:]) for each in made.selected}
    assert chosen >= set(range(800, 1000))
    tied = chosen & set(range(700, 800))
    assert len(tied) == 50
    assert 15 < sum(number < 750 for number in tied) < 35
    assert [each.priority for each in made.selected] == sorted((each.priority for each in made.selected), reverse=True)
    assert made.made[0].reason == "beyond the capacity of 250 a day; everybody is selected"


def test_another_process_decides_the_same():
    """Draws are keyed hashes, which no process, seed or order of a set changes."""
    program = (
        "from netpromoter.model import Response; from netpromoter.rules import *; from datetime import *\n"
        "at = datetime(2026, 6, 15, 12, tzinfo=UTC)\n"
        "them = [Response(survey='nps', occasion='1', contact=f'c-{n}', rating=2, at=at) for n in range(60)]\n"
        "print([each.decision for each in decide(FollowUp(holdout=0.3, capacity=Capacity(per_day=9)), them, at=at)])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    policy = FollowUp(holdout=0.3, capacity=Capacity(per_day=9))
    made = decide(policy, [answer(number) for number in range(60)], at=AT)
    assert done.stdout.strip() == str([each.decision for each in made])
    assert made.counts["held out"] > 5


# Reasons


def test_each_decision_says_why():
    """The condition explains itself; what is unknown is not selected."""
    policy = FollowUp((field("plan") == "paid") & DETRACTORS)
    answers = [answer(1, 3, snapshot={"plan": "paid"}), answer(2, 3, snapshot={"plan": None}), answer(3, 9)]
    assert reasons(policy, answers) == [
        ("selected", 'plan is "paid" and rating is 3, at most 6'),
        ("not selected", "plan is missing"),
        ("not selected", "rating is 9, not at most 6"),
    ]
    assert reasons(FollowUp(), answers[:1]) == [("selected", "everybody is selected")]
    held = reasons(FollowUp(DETRACTORS, holdout=0.99), answers)
    assert ("held out", "drawn into the holdout of 99%; rating is 3, at most 6") in held


def test_a_case_without_owner_says_why():
    """Nobody is named, or everybody has reached a quota."""
    answers = [answer(1), answer(2)]
    assert reasons(FollowUp(DETRACTORS, owner=Routing(owners=[Owner("ann", per_day=1)])), answers)[0][1] in {
        "rating is 2, at most 6",
        "rating is 2, at most 6; everybody who could call has reached a quota",
    }
    made = decide(FollowUp(DETRACTORS, owner=Routing(owners=[Owner("ann", per_day=1)])), answers, at=AT)
    assert sorted(each.owner or "" for each in made) == ["", "ann"]
    nobody = FollowUp(DETRACTORS, owner=field("owner"))
    assert reasons(nobody, answers, known=["owner"])[0][1] == "rating is 2, at most 6; nobody is there to call"


def test_quotas_are_spent_on_the_most_urgent():
    """Of two cases and one quota the one of higher priority gets the owner, whoever comes first in the list."""
    policy = FollowUp(owner=Routing(owners=[Owner("ann", per_day=1)]), priority=Priority((field("rating"), -1)))
    for ratings in ((1, 5), (5, 1)):
        made = decide(policy, [answer(number, rating) for number, rating in enumerate(ratings)], at=AT)
        assert {each.response.rating: each.owner for each in made} == {1: "ann", 5: None}


# Revisions and recovery


def test_of_revised_answers_the_last_is_judged():
    """Of several answers of one person and occasion at once, all but the last are passed over."""
    answers = [answer(rating=2), answer(rating=9, ordinal=1), answer(rating=3, ordinal=2), answer(2, 9)]
    assert reasons(FollowUp(DETRACTORS), answers) == [
        ("not selected", "the answer was revised"),
        ("not selected", "the answer was revised"),
        ("selected", "rating is 3, at most 6"),
        ("not selected", "rating is 9, not at most 6"),
    ]


def test_a_person_has_one_case_for_an_occasion():
    """Once there is a case no later answer opens another, in this policy; on another occasion it does."""
    policy = FollowUp(DETRACTORS, name="a/b")
    load = Load.of(decide(policy, [answer()], at=AT).events)
    later = [
        answer(rating=1, ordinal=1),
        attrs.evolve(answer(rating=1), occasion="2"),
    ]
    has_case = "a case was opened for another answer of this person and occasion"
    assert reasons(policy, later, load=load) == [
        ("not selected", has_case),
        ("selected", "rating is 1, at most 6"),
    ]
    assert reasons(attrs.evolve(policy, name="other"), later[:1], load=load)[0][0] == "selected"


def test_a_revised_answer_can_open_the_case_that_the_first_did_not():
    """9 and then 2 is called, and an older answer that comes late is passed over."""
    policy = FollowUp(DETRACTORS)
    load = Load.of(decide(policy, [answer(rating=9)], at=AT).events)
    assert reasons(policy, [answer(ordinal=1)], load=load)[0][0] == "selected"
    late = Load.of(decide(policy, [answer(rating=9, ordinal=1)], at=AT).events)
    assert reasons(policy, [answer()], load=late) == [("not selected", "the answer was revised")]


def test_who_is_held_out_stays_so_when_revising():
    """The draw is that of person and occasion, so that nobody answers until they are called."""
    policy = FollowUp(DETRACTORS, holdout=0.5)
    answers = [answer(number) for number in range(100)]
    first = decide(policy, answers, at=AT)
    held = {each.response.contact for each in first if each.decision == "held out"}
    again = [attrs.evolve(each, ordinal=1, rating=0) for each in answers]
    second = decide(policy, again, at=AT + timedelta(days=1), load=Load.of(first.events))
    assert {each.response.contact for each in second if each.decision == "held out"} == held
    assert second.counts["selected"] == 0


def test_answers_of_a_recovery_are_not_followed_up_unless_asked_for():
    """A policy that asks about the purpose decides about them as about others."""
    again = [answer(purpose="recovery")]
    assert reasons(FollowUp(DETRACTORS), again) == [("not selected", "the answer is one of a recovery")]
    both = FollowUp(DETRACTORS & field("purpose").is_in("score", "recovery"))
    assert reasons(both, again)[0][0] == "selected"


def test_a_share_counts_people_and_not_their_revisions():
    """Ten answers of one person leave no room for more calls."""
    policy = FollowUp(capacity=Capacity(share=0.5))
    answers = [answer(number, ordinal=each) for number in (1, 2) for each in range(5)]
    assert decide(policy, answers, at=AT).counts["selected"] == 1


# What a policy asks about


def test_a_policy_can_ask_of_every_answer_what_it_holds():
    """Rating, category, whether there is a comment, and how the answer came are known of all."""
    given_ = answer(
        rating=9, comment="Good.", channel="email", arm="plain", step=1, stratum="paid", kind="transactional"
    )
    values = {name: getattr(given_, name) for name in ANSWER_FIELDS if hasattr(given_, name)}
    values |= {"category": category(9).value, "has_comment": True}
    assert set(values) == set(ANSWER_FIELDS)
    for name, value in values.items():
        policy = FollowUp(field(name) == value)
        policy.check([])
        assert policy.fields == {name}
        assert reasons(policy, [given_])[0][0] == "selected"
    assert reasons(FollowUp(field("has_comment") == False), [given_])[0][0] == "not selected"  # noqa: E712
    assert reasons(FollowUp(field("arm").is_missing()), [answer()])[0] == ("selected", "arm is missing")


def test_attributes_drivers_and_facts_are_asked_by_name():
    """A fact comes before a kept attribute, and a kept attribute before what somebody said."""
    given_ = answer(snapshot={"plan": "paid", "both": "kept"}, drivers={"speed": 2, "both": "said"})
    facts = {given_.id: {"theme": "billing", "both": "fact"}}
    policy = FollowUp((field("plan") == "paid") & (field("speed") < 3) & (field("theme") == "billing"))
    assert reasons(policy, [given_], facts=facts)[0][0] == "selected"
    assert reasons(policy, [given_], known=["theme"])[0] == ("not selected", "theme is missing")
    for held, found in ((facts, "fact"), (None, "kept")):
        assert reasons(FollowUp(field("both") == found), [given_], facts=held)[0][0] == "selected"
    assert reasons(FollowUp(field("both") == "said"), [attrs.evolve(given_, snapshot={})])[0][0] == "selected"


def test_what_somebody_says_of_another_kind_is_unknown():
    """Nobody can stop a policy by an answer in words to a question that is answered in numbers, not even alone."""
    policy = FollowUp((field("speed") < 3) | (field("phone") == "yes"), priority=field("speed"))
    answers = [answer(1, drivers={"speed": 1}), answer(2, drivers={"speed": "slow"}), answer(3, drivers={"phone": 1})]
    made = decide(policy, answers, at=AT)
    assert [each.decision for each in made] == ["selected", "not selected", "not selected"]
    assert made.made[1].reason == 'speed is "slow", not a number and phone is missing'
    assert made.made[2].reason == "speed is missing and phone is 1, not text"
    assert made.made[0].priority == 1
    alone = decide(policy, answers[1:2], at=AT, known=["phone"])
    assert [each.reason for each in alone] == [made.made[1].reason]


RICH = FollowUp(field("mrr") > 100, priority=field("mrr"), name="recover")
ODD = answer(1, snapshot={"mrr": "200"})


def test_one_odd_attribute_is_unknown_of_its_answer_alone():
    """All others are decided on as if it were not there, whatever the order, and its reason says what it is."""
    others = [answer(2, snapshot={"mrr": 300}), answer(3, snapshot={"mrr": 5}), answer(4, snapshot={"mrr": None})]
    expected = decide(RICH, others, at=AT)
    for answers in ([ODD, *others], [*others, ODD]):
        found = verdicts(decide(RICH, answers, at=AT))
        odd = found.pop(ODD.id)
        assert (odd.decision, odd.reason) == ("not selected", 'mrr is "200", not a number')
        assert found == verdicts(expected)


def test_an_odd_attribute_is_told_from_a_policy_that_is_wrong():
    """Where no answer has a value that the policy can read, the policy is refused; what others have is known too."""
    refused = r'what field\("mrr"\) is compared with must be text, as its values are \(got 100\)'
    for known in ((), ["mrr"], {"mrr": []}, {"mrr": ["9", " ", None]}):
        with pytest.raises(InvalidArgument, match=refused):
            decide(RICH, [ODD], at=AT, known=known)
    for known in ({"mrr": [7]}, {"mrr": ["9", 7.5]}):
        assert [each.decision for each in decide(RICH, [ODD], at=AT, known=known)] == ["not selected"]
    with pytest.raises(InvalidArgument, match=refused):
        RICH.check({"mrr": ["200"]})
    RICH.check({"mrr": ["200", 3]})
    with pytest.raises(InvalidArgument, match=refused):
        decide(RICH, [answer()], at=AT, facts={answer().id: {"mrr": "200"}})
    blank = decide(RICH, [answer(snapshot={"mrr": " "})], at=AT)
    assert [each.reason for each in blank] == ["mrr is missing"]
    own = FollowUp(field("rating") <= 6)
    assert decide(own, [answer(snapshot={"rating": "two"})], at=AT).counts["selected"] == 1


def test_a_priority_says_of_what_it_can_make_nothing():
    """Who is selected all the same is ranked by the rest, and the reason names what was left out."""
    policy = FollowUp(priority=Priority((field("mrr"), 1), (field("tier") == "large", 5)))
    answers = [answer(1, snapshot={"mrr": "200", "tier": 3}), answer(2, snapshot={"mrr": 3, "tier": "large"})]
    first, second = decide(policy, answers, at=AT)
    assert (first.priority, first.reason) == (0, "everybody is selected; the priority can make nothing of mrr and tier")
    assert (second.priority, second.reason) == (8, "everybody is selected")
    with pytest.raises(InvalidArgument, match=r'what field\("mrr"\) holds in a priority must be a number'):
        decide(policy, answers[:1], at=AT)


@pytest.mark.parametrize("capacity", [Capacity(per_day=2), Capacity(share=0.5)])
def test_each_survey_has_the_capacity_of_a_policy_for_itself(capacity):
    """What a policy of the same name opened for another survey takes nothing away, in one decision or in two."""
    policy = FollowUp(capacity=capacity, within=())
    here = [answer(number) for number in range(4)]
    there = [attrs.evolve(each, survey="ces") for each in here]
    load = Load.of(decide(policy, there, at=AT).events)
    assert decide(policy, here, at=AT, load=load).counts["selected"] == 2
    both = decide(policy, [*here, *there], at=AT)
    assert Counter(each.response.survey for each in both.selected) == {"nps": 2, "ces": 2}


def test_an_owner_has_one_day_for_all_surveys():
    """A caller has only so many hours, whichever program the calls are of."""
    policy = FollowUp(owner=Routing(owners=[Owner("ann", per_day=3)]), within=())
    there = [attrs.evolve(answer(number), survey="ces") for number in range(2)]
    load = Load.of(decide(policy, there, at=AT).events)
    made = decide(policy, [answer(1), answer(2)], at=AT, load=load)
    assert sorted(each.owner or "" for each in made) == ["", "ann"]


def test_one_and_true_are_told_apart():
    """A flag and a number that are equal are judged each for itself."""
    policy = FollowUp(field("vip").is_missing() | (field("vip") == True))  # noqa: E712
    assert reasons(policy, [answer(1, snapshot={"vip": True}), answer(2, snapshot={"vip": False})]) == [
        ("selected", "vip is true"),
        ("not selected", "vip is false, not missing and vip is false, not true"),
    ]
    with pytest.raises(InvalidArgument, match="is compared with must be a number, as its values are"):
        decide(policy, [answer(snapshot={"vip": 1})], at=AT)


def test_a_field_that_no_answer_has_is_refused_by_name():
    """At once where the kept attributes are known, and else when answers come that do not have it."""
    policy = FollowUp(field("plna") == "paid", priority=field("worth"))
    with pytest.raises(InvalidArgument, match=r"follow-up must ask about .*'plna'; did you mean 'plan'\?\)"):
        policy.check(["plan"])
    with pytest.raises(InvalidArgument, match=r"\(got 'worth'; it is no kept attribute and no driver\)"):
        policy.check(["plna"])
    with pytest.raises(InvalidArgument, match=r"got 'comment'"):
        FollowUp(field("comment") == "bad").check(["plan"])
    with pytest.raises(InvalidArgument, match="'plna'"):
        decide(policy, [answer(snapshot={"plan": "paid"})], at=AT)
    policy.check(["plna", "worth"])
    assert len(decide(policy, [], at=AT)) == 0
    everything = FollowUp(
        field("a") == 1,
        priority=Priority((field("b") == 1, 1), times=field("c")),
        owner=Routing(Route(field("d"))),
        within=[SameDay(hours=BusinessHours(time_zone=field("e"))), Within("close", timedelta(days=9))],
    )
    assert everything.fields == set("abcde")
    assert Within("attempt", timedelta(1), hours=BusinessHours(time_zone=field("e"))).fields == {"e"}


# Decisions


def test_decisions_become_events_that_a_log_keeps():
    """Each is told, and who is selected has a case with owner, priority and deadlines; nobody else has."""
    policy = FollowUp(DETRACTORS, owner="ann", priority=field("revenue"), name="recover", version=2)
    answers = [answer(1, snapshot={"revenue": 7.5}), answer(2, 9, snapshot={"revenue": 1})]
    made = decide(policy, answers, at=AT.astimezone(POLICY.zone))
    first, case, second = made.events
    assert isinstance(first, FollowUpDecided)
    assert (first.response, first.policy_version, first.decision, first.at) == ("nps/1/c-1/0", 2, "selected", AT)
    assert isinstance(case, CaseOpened)
    assert (case.response, case.owner, case.priority, case.rating, case.policy_version) == (
        first.response,
        "ann",
        7.5,
        2,
        2,
    )
    assert case.deadlines[0].due == AT + timedelta(hours=48)
    assert (second.response, second.decision) == ("nps/1/c-2/0", "not selected")
    assert Load.of(made.events).opened("nps", "recover") == {"nps/1/c-1"}


def test_who_is_held_out_would_have_had_the_same_deadlines():
    """So that those who were called and those who were not are asked again at the same time."""
    policy = FollowUp(holdout=0.5, within=Within("attempt", timedelta(hours=4), hours=BusinessHours()))
    answers = [answer(number) for number in range(20)]
    made = decide(policy, answers, at=AT)
    assert {each.decision for each in made} == {"selected", "held out"}
    assert len({each.deadlines for each in made}) == 1
    assert policy.deadlines(answers[0]) == made.made[0].deadlines != ()
    own = FollowUp(within=SameDay(hours=BusinessHours(time_zone=field("place"))))
    assert own.deadlines(answers[0], {"place": "Asia/Tokyo"})[0].due == datetime(2026, 6, 16, 8, tzinfo=UTC)


def test_decisions_can_be_looked_at():
    """They say how many of each there are, in one line, as a table, as rows and as a dataframe."""
    made = decide(FollowUp(DETRACTORS, owner="ann", within=()), [answer(1), answer(2, 9)], at=AT)
    line = "follow-up 1, 2026-06-15 12:00 UTC: 1 selected, 0 held out, 0 over capacity, 1 not selected"
    assert repr(made) == f"Decisions({line})"
    assert "<td" in made._repr_html_()
    assert line in made._repr_html_()
    first, second = made.rows()
    assert first == {
        "response": "nps/1/c-1/0",
        "rating": 2,
        "decision": "selected",
        "reason": "rating is 2, at most 6",
        "owner": "ann",
        "priority": 0.0,
        "due": None,
    }
    assert second["owner"] is None
    for library in ("pandas", "polars", "pyarrow"):
        assert made.to_frame(library).shape == (2, 7)
    assert pickle.loads(pickle.dumps(made)) == made  # noqa: S301


def test_a_policy_is_a_value():
    """Two that say the same are equal, hash alike and can be pickled."""
    again = attrs.evolve(POLICY)
    assert again == POLICY
    assert hash(again) == hash(POLICY)
    assert pickle.loads(pickle.dumps(POLICY)) == POLICY  # noqa: S301
    assert attrs.evolve(POLICY, holdout=0.1) != POLICY


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: FollowUp("paid"), r'where must be a condition such as field\("plan"\) == "paid"'),
        (lambda: FollowUp(field("rating") == "6"), r'what field\("rating"\) is compared with must be a number'),
        (lambda: FollowUp(field("has_comment") == "yes"), r"must be True or False, as its values are"),
        (lambda: FollowUp(field("channel") == 1), r'what field\("channel"\) is compared with must be text'),
        (lambda: FollowUp(priority=field("category")), r'what field\("category"\) holds in a priority must be'),
        (lambda: FollowUp(priority="revenue"), r"priority must be a Priority, a field that holds a number, or None"),
        (lambda: FollowUp(capacity=20), r"capacity must be Capacity or None \(got 20\)"),
        (lambda: FollowUp(holdout=1), r"holdout must be a number from 0 to below 1 \(got 1\)"),
        (lambda: FollowUp(holdout=float("nan")), r"holdout must be a number from 0 to below 1"),
        (lambda: FollowUp(holdout=False), r"holdout must be a number from 0 to below 1"),
        (lambda: FollowUp(name=" "), r"name must be text that is not blank"),
        (lambda: FollowUp(version=0), r"version must be a whole number of at least 1"),
        (lambda: FollowUp(time_zone="Mars/Base"), r"time_zone must be the name of a time zone"),
        (lambda: decide(FollowUp(), [answer()], at=datetime(2026, 1, 1)), r"at must be a datetime with a"),  # noqa: DTZ001
        (
            lambda: decide(FollowUp(), [answer(), answer()], at=AT),
            r"responses must be of different ids .*'nps/1/c-1/0'",
        ),
        (lambda: decide(FollowUp(), ["nps/1/c-1/0"], at=AT), r"responses must be made of Response"),
        (
            lambda: decide(FollowUp(field("tier") == 3), [answer(snapshot={"tier": "large"})], at=AT),
            r'what field\("tier"\) is compared with must be text, as its values are \(got 3\)',
        ),
    ],
)
def test_a_policy_is_refused_in_words(make, message):
    """What is no policy, or cannot judge the answers, is refused by name."""
    with pytest.raises(InvalidArgument, match=message):
        make()


def test_a_hostile_name_keeps_its_cases_apart():
    """Slashes, percent signs and emoji in ids and names do not run into one another."""
    policy = FollowUp(name="a/b%2F🙂")
    answers = [
        Response(survey="s/1", occasion="o", contact="c", rating=2, at=AT),
        Response(survey="s", occasion="1/o", contact="c", rating=2, at=AT),
        Response(survey="s", occasion="1", contact="o/c", rating=2, at=AT),
    ]
    load = Load.of(decide(policy, answers, at=AT).events)
    assert len(load.cases) == 3
    assert len(decide(policy, answers, at=AT, load=load)) == 0
    again = decide(policy, [attrs.evolve(answers[0], ordinal=1)], at=AT, load=load)
    assert again.counts["not selected"] == 1
