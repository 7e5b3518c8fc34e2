"""What was delivered, what came back, and after which message people answered, declined or opted out."""

from datetime import UTC, datetime, timedelta

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netpromoter.errors import InvalidArgument
from netpromoter.insight import Delivery, Measure, loop
from netpromoter.model import Response
from netpromoter.stats import share

START = datetime(2026, 6, 1, 8, tzinfo=UTC)
HOUR = timedelta(hours=1)
HOURS = st.integers(0, 40).map(lambda hours: START + hours * HOUR)
ASKS = st.tuples(st.sampled_from(["may", "june"]), st.sampled_from("abcd"))


def answer(contact="a", hour=0, occasion="june", **more):
    given = {"survey": "nps", "rating": 7, "at": START + hour * HOUR}
    return Response(occasion=occasion, contact=contact, **given | more)


def sent(contact="a", step=0, hour=0, occasion="june", back=None, **more):
    bounced = None if back is None else START + back * HOUR
    return Delivery(occasion=occasion, contact=contact, step=step, at=START + hour * HOUR, bounced=bounced, **more)


@st.composite
def mails(draw):
    """Draw messages that were sent, of which some came back, and answers that may name the message they are to."""
    messages = draw(
        st.lists(
            st.tuples(ASKS, st.integers(0, 2), st.integers(0, 1), HOURS, st.none() | st.integers(0, 9)),
            unique_by=lambda each: each[:3],
            max_size=12,
        )
    )
    deliveries = [
        Delivery(
            occasion=occasion,
            contact=contact,
            step=step,
            attempt=attempt,
            at=at,
            bounced=None if back is None else at + back * HOUR,
        )
        for (occasion, contact), step, attempt, at, back in messages
    ]
    answers = [
        Response(survey="nps", occasion=occasion, contact=contact, ordinal=n, rating=7, at=at + n * HOUR, step=step)
        for (occasion, contact), at, step, revisions in draw(
            st.lists(
                st.tuples(ASKS, HOURS, st.none() | st.integers(0, 2), st.integers(1, 2)), unique_by=lambda each: each[0]
            )
        )
        for n in range(revisions)
    ]
    refused = st.dictionaries(ASKS, HOURS, max_size=5)
    return {"responses": answers, "deliveries": deliveries, "declined": draw(refused), "opted_out": draw(refused)}


# -- laws --------------------------------------------------------------------------------------------------------------


def arrived(deliveries, at):
    """Give the steps that had reached each person, with the instants, told by one message after the other."""
    found = {}
    for each in sorted(deliveries, key=lambda each: each.at, reverse=True):
        if each.at <= at and (each.bounced is None or each.bounced > at):
            found.setdefault((each.occasion, each.contact), {})[each.step] = each.at
    return found


@given(mails(), HOURS)
def test_each_answer_belongs_to_the_last_step_that_had_arrived(mail, at):
    """Of each answer, as first given, the step counts that had last been delivered before, or whose link was used."""
    found, steps = loop(**mail, at=at), arrived(mail["deliveries"], at)
    firsts = {(each.occasion, each.contact): each for each in mail["responses"] if not each.ordinal and each.at <= at}
    belongs = []
    for ask, theirs in steps.items():
        if ask in firsts:
            known = [step for step in theirs if theirs[step] <= firsts[ask].at]
            known += [step for step in theirs if step == firsts[ask].step]
            belongs += sorted(known)[-1:]
    delivered = [step for theirs in steps.values() for step in theirs]
    assert found.primary_response.share == share(belongs.count(0), delivered.count(0))
    lift = {step: share(belongs.count(step), delivered.count(step)) for step in (1, 2) if step in delivered}
    assert {step: each.share for step, each in found.reminder_lift.items()} == lift


@given(mails(), HOURS, st.none() | HOURS)
def test_answers_after_each_step_add_up(mail, at, since):
    """The answers after reminders are those after each one, and with the primary ones at most all that were asked."""
    found = loop(**mail, at=at, since=since)
    after = sum(each.count for each in found.reminder_lift.values())
    assert after == found.reminder_response.count
    assert found.primary_response.count + after <= found.answer_rate.count
    assert found.reminder_response.n <= sum(each.n for each in found.reminder_lift.values())
    assert max(each.n for each in (found.primary_response, found.reminder_response)) <= found.answer_rate.n
    assert found.decline_rate.n == found.opt_out_rate.n == found.answer_rate.n


@given(mails(), HOURS)
def test_what_is_delivered_is_what_was_sent_and_had_not_come_back(mail, at):
    """The rates from messages are those from the instants of first deliveries, and every message sent is in one."""
    found = loop(**mail, at=at)
    firsts = {ask: min(theirs.values()) for ask, theirs in arrived(mail["deliveries"], at).items()}
    short = {name: facts for name, facts in mail.items() if name != "deliveries"}
    same = loop(**short, delivered=firsts, at=at)
    for name in ("response_rate", "answer_rate", "decline_rate", "opt_out_rate"):
        assert getattr(found, name) == getattr(same, name)
    gone = [each for each in mail["deliveries"] if each.at <= at]
    assert found.bounce_rate.n == len(gone)
    assert found.bounce_rate.count == sum(each.bounced is not None and each.bounced <= at for each in gone)


@given(mails(), HOURS, st.randoms())
def test_an_instant_is_told_alike_whatever_comes_later(mail, at, chance):
    """Messages, bounces and refusals of later change nothing, nor does their order, or that some come twice."""
    found = loop(**mail, at=at)
    known = [
        each if each.bounced is None or each.bounced <= at else attrs.evolve(each, bounced=None)
        for each in mail["deliveries"]
        if each.at <= at
    ]
    refused = {
        name: {ask: then for ask, then in mail[name].items() if then <= at} for name in ("declined", "opted_out")
    }
    cut = {"responses": mail["responses"], "deliveries": chance.sample(known + known[:2], len(known + known[:2]))}
    assert loop(**cut, **refused, at=at) == found


# -- definitions -------------------------------------------------------------------------------------------------------


def test_reminders_are_told_apart():
    """Of five people one answers at once, one after the first reminder, one after the second, and two never."""
    deliveries = [sent(contact) for contact in "abcde"]
    deliveries += [sent(contact, 1, 72) for contact in "bcde"] + [sent(contact, 2, 168) for contact in "cde"]
    answers = [answer("a", 1), answer("b", 80), answer("c", 200), answer("c", 300, ordinal=1)]
    found = loop(answers, at=START + 400 * HOUR, deliveries=deliveries)
    assert repr(found.primary_response) == (
        "answered after the invitation, of invitations delivered: 20.0% (95% CI 3.6% to 62.4%; 1 of 5)"
    )
    assert repr(found.reminder_lift[1]) == (
        "answered after reminder 1, of deliveries of reminder 1: 25.0% (95% CI 4.6% to 69.9%; 1 of 4)"
    )
    assert found.reminder_lift[2].share == share(1, 3)
    assert found.reminder_response == Measure(
        what="answered after a reminder", of="occasions reminded", share=share(2, 4)
    )
    assert {found.primary_response, found.reminder_response, *found.reminder_lift.values()} <= set(found.measures)


def test_a_revision_after_a_reminder_is_not_won_by_it():
    """Who answers at once and changes the answer after a reminder has answered the invitation."""
    given = [answer(hour=1), answer(hour=9, ordinal=1, step=1)]
    found = loop(given, at=START + 9 * HOUR, deliveries=[sent(), sent(step=1, hour=5)])
    assert (found.primary_response.count, found.reminder_lift[1].count) == (1, 0)


def test_a_reminder_that_came_back_wins_nothing():
    """An answer after a bounced reminder belongs to the invitation, which alone was delivered."""
    given = {"deliveries": [sent(), sent(step=1, hour=5, back=6)]}
    found = loop([answer(hour=8)], at=START + 9 * HOUR, **given)
    assert (found.primary_response.share, dict(found.reminder_lift)) == (share(1, 1), {})
    assert found.reminder_response.value is None
    early = loop([], at=START + 5 * HOUR, **given)
    assert early.reminder_lift[1].share == share(0, 1)


def test_the_old_link_answers_the_new_reminder():
    """Who uses the link of the invitation after a reminder answers the reminder: that is what made them look."""
    found = loop([answer(hour=8, step=0)], at=START + 9 * HOUR, deliveries=[sent(), sent(step=1, hour=5)])
    assert (found.primary_response.count, found.reminder_lift[1].count) == (0, 1)


def test_a_link_that_was_used_had_arrived():
    """An answer to a reminder whose outcome was settled only afterwards belongs to that reminder."""
    found = loop([answer(hour=8, step=1)], at=START + 20 * HOUR, deliveries=[sent(), sent(step=1, hour=15)])
    assert found.reminder_lift[1].share == share(1, 1)


def test_an_answer_before_everything_that_arrived_belongs_to_no_step():
    """It counts as an answer of those who were delivered to, and is credited to no message."""
    found = loop([answer(hour=1)], at=START + 9 * HOUR, deliveries=[sent(step=1, hour=5), sent(hour=0, back=0)])
    assert found.answer_rate.share == share(1, 1)
    assert (found.primary_response.share, found.reminder_lift[1].share) == (share(0, 0), share(0, 1))


def test_a_step_that_went_to_a_second_address_is_one_delivery():
    """What came back and was sent again elsewhere is two messages and one delivered step."""
    deliveries = [sent(back=1), sent(hour=2, attempt=1), sent(hour=3, attempt=2)]
    found = loop([answer(hour=4)], at=START + 9 * HOUR, deliveries=deliveries)
    assert repr(found.bounce_rate) == "bounced, of messages sent: 33.3% (95% CI 6.1% to 79.2%; 1 of 3)"
    assert found.primary_response.share == found.answer_rate.share == share(1, 1)


def test_the_first_return_of_a_message_counts():
    """A message of which two bounces are told came back at the first."""
    for both in ([sent(back=1), sent(back=7)], [sent(back=7), sent(back=1)], [sent(), sent(back=1)]):
        assert loop([], at=START + 3 * HOUR, deliveries=both).bounce_rate.share == share(1, 1)


def test_declines_and_opt_outs_are_of_occasions_delivered():
    """Who declines without a known delivery is in neither part; each of two occasions of one person is one."""
    deliveries = [sent(contact, occasion=occasion) for contact in "abc" for occasion in ("may", "june")]
    deliveries.append(sent("d", back=1))
    declined = {("may", "a"): START, ("june", "a"): START, ("june", "d"): START, ("june", "stranger"): START}
    found = loop([], at=START + HOUR, deliveries=deliveries, declined=declined, opted_out={("june", "b"): START + HOUR})
    assert repr(found.decline_rate) == "declined, of occasions delivered: 33.3% (95% CI 9.7% to 70.0%; 2 of 6)"
    assert repr(found.opt_out_rate) == "opted out, of occasions delivered: 16.7% (95% CI 3.0% to 56.4%; 1 of 6)"
    assert loop([], at=START, deliveries=deliveries, opted_out={("june", "b"): START + HOUR}).opt_out_rate.count == 0


def test_a_period_holds_those_who_were_first_asked_in_it():
    """A reminder of this week to somebody invited last week is in the figures of last week."""
    deliveries = [sent("a", 0, 0), sent("a", 1, 30), sent("b", 0, 20), sent("b", 1, 30), sent("c", 0, 1, back=21)]
    found = loop(
        [answer("a", 31), answer("b", 31)], at=START + 40 * HOUR, since=START + 10 * HOUR, deliveries=deliveries
    )
    assert found.primary_response.share == share(0, 1)
    assert found.reminder_lift[1].share == share(1, 1)
    assert found.bounce_rate.share == share(0, 3)


def test_what_is_not_known_is_not_told():
    """Without messages there are no steps and no bounces, and without declines no rate of them."""
    names = ("primary_response", "reminder_response", "decline_rate", "opt_out_rate", "bounce_rate")
    for known in ({}, {"delivered": {("june", "a"): START}}, {"declined": {}, "opted_out": {}}):
        found = loop([answer()], at=START, **known)
        assert [getattr(found, name) for name in names] == [None] * 5
        assert dict(found.reminder_lift) == {}
    found = loop([], at=START, deliveries=[])
    assert {found.primary_response.value, found.bounce_rate.value} == {None}
    assert found.decline_rate is None


# -- completion --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("comments", "count"), [([None], 0), (["slow"], 1), ([None, "slow"], 1), (["slow", None], 0)])
def test_completion_counts_answers_with_a_reason(comments, count):
    """A rating alone is an answer, and what counts is whether the answer, as last given, has a comment."""
    answers = [answer(comment=each, ordinal=n) for n, each in enumerate(comments)]
    found = loop([*answers, answer("b")], at=START).completion
    assert found == Measure(what="with a comment", of="answers", share=share(count, 2))


def test_a_comment_of_later_is_not_known_yet():
    """At an instant before the reason was given the answer has none."""
    answers = [answer(), answer(hour=2, ordinal=1, comment="slow")]
    assert [loop(answers, at=START + hour * HOUR).completion.count for hour in (1, 2)] == [0, 1]


# -- refusals ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"deliveries": [3]}, r"deliveries must be made of Delivery \(got 3\)"),
        ({"deliveries": 5}, r"deliveries must be made of Delivery \(got 5\)"),
        ({"deliveries": [], "delivered": {}}, r"delivered must be left out where deliveries are given \(got {}\)"),
        ({"deliveries": [], "declined": 3}, r"declined must be a mapping of \(occasion, contact\) to an instant"),
        ({"opted_out": {"june": START}}, r"opted_out must be a mapping of \(occasion, contact\) to an instant"),
    ],
)
def test_what_is_no_fact_is_refused(given, message):
    """Each argument says what it must be made of."""
    with pytest.raises(InvalidArgument, match=message):
        loop([answer()], at=START, **given)


@pytest.mark.parametrize(
    ("field", "message"),
    [
        ({"occasion": 5}, r"occasion must be text that is not blank \(got 5\)"),
        ({"occasion": " "}, r"occasion must be text that is not blank \(got ' '\)"),
        ({"contact": None}, r"contact must be text that is not blank \(got None\)"),
        ({"at": 3}, r"at must be a datetime with a time zone \(got 3\)"),
        ({"bounced": START.replace(tzinfo=None)}, "bounced must be a datetime with a time zone"),
        ({"step": -1}, r"step must be a whole number of at least 0 \(got -1\)"),
        ({"attempt": 0.5}, r"attempt must be a whole number of at least 0 \(got 0.5\)"),
    ],
)
def test_what_is_no_delivery_is_refused(field, message):
    """Each field says what it must be."""
    with pytest.raises(InvalidArgument, match=message):
        Delivery(**{"occasion": "june", "contact": "a", "at": START} | field)
