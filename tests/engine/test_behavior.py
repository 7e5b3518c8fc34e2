"""Stated behavior: what comes of messages has the probabilities that are stated, and a fit finds them again."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import attrs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netpromoter.engine import Behavior, simulate
from netpromoter.errors import InvalidArgument
from netpromoter.model import (
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
)
from netpromoter.rules import Policy, Reminders, Wave, field

START = datetime(2026, 3, 2, 6, tzinfo=UTC)
DAY = timedelta(days=1)
SILENT = {"response": 0, "decline": 0, "opt_out": 0, "bounce": 0}


def message(contact, step=0, at=START, occasion="1"):
    """Make a message."""
    facts = {"channel": "email", "to": "a@example.com", "destination": 7, "due": at}
    return Scheduled(message=Message(survey="nps", occasion=occasion, contact=contact, step=step, **facts), at=START)


def messages(number, step=0):
    """Make messages to so many people."""
    return Touches.of([message(f"c-{n}", step) for n in range(number)])


def kinds(touches):
    """Count what came."""
    return Counter(row["kind"] for row in touches.rows())


@given(st.integers(0, 99), st.sampled_from([0, 0.5, 3, 90]))
def test_a_reaction_follows_its_message(seed, spread):
    """Each reaction is later than its message, of the same person and occasion, and only an answer has a rating."""
    sent = messages(50)
    some = Behavior(response=0.5, decline=0.1, opt_out=0.1, bounce=0.1, spread=spread)
    made = some.react(sent, rng=np.random.default_rng(seed))
    assert (made.at > np.datetime64(START.replace(tzinfo=None), "us")).all()
    assert len(np.unique(made.contact)) == len(made) <= 50
    for row in made.rows():
        assert (row["occasion"], row["destination"], row["step"]) == ("1", 7, 0)
        assert (row["rating"] is not None) == (row["kind"] == "answered")
        if row["kind"] == "bounced":
            assert row["at"] == START + timedelta(minutes=1)


@pytest.mark.parametrize(
    ("name", "kind"),
    [("response", "answered"), ("decline", "declined"), ("opt_out", "opted_out"), ("bounce", "bounced")],
)
def test_what_is_certain_happens_to_everybody(name, kind):
    """A probability of 1 makes every message lead to that, one of 0 none."""
    certain = Behavior(**SILENT | {name: 1})
    assert kinds(certain.react(messages(40), rng=np.random.default_rng(1))) == {kind: 40}
    assert kinds(Behavior(**SILENT).react(messages(40), rng=np.random.default_rng(1))) == {}


def test_shares_are_those_that_are_stated():
    """Each outcome has its share, each rating its weight, and half of the delays are below the median."""
    stated = Behavior(response=0.4, decline=0.2, opt_out=0.1, bounce=0.05, ratings=[1] * 10 + [10], delay=3 * DAY)
    made = stated.react(messages(20_000), rng=np.random.default_rng(1))
    found = kinds(made)
    for kind, share in {"answered": 0.4, "declined": 0.2, "opted_out": 0.1, "bounced": 0.05}.items():
        assert found[kind] / 20_000 == pytest.approx(share, abs=0.012)
    answered = made.where(made.rating >= 0)
    assert np.bincount(answered.rating) / len(answered) == pytest.approx([0.05] * 10 + [0.5], abs=0.02)
    soon = answered.at <= np.datetime64((START + 3 * DAY).replace(tzinfo=None), "us")
    assert soon.mean() == pytest.approx(0.5, abs=0.02)


def test_each_step_has_its_response_and_the_last_one_repeats():
    """Step 0 and 1 are certain and impossible here; every later step is as the last."""
    stepped = Behavior(**SILENT | {"response": (1, 0)})
    found = [len(stepped.react(messages(10, step), rng=np.random.default_rng(1))) for step in range(4)]
    assert found == [10, 0, 0, 0]


def test_the_first_segment_that_holds_counts():
    """A contact behaves as the first of the conditions that it meets; whoever meets none, as stated for all."""
    plans = ["paid", "free", None, "paid"]
    contacts = Contacts.of(
        [Contact(id=f"c-{n}", attributes={"plan": plan, "seats": n}) for n, plan in enumerate(plans)]
    )
    never, ever = Behavior(**SILENT), Behavior(**SILENT | {"response": 1})
    mixed = attrs.evolve(never, segments=[(field("plan") == "paid", ever), (field("seats") == 3, never)])
    assert mixed.segment(contacts).tolist() == [0, -1, -1, 0]
    made = mixed.react(messages(4), rng=np.random.default_rng(1), segment=mixed.segment(contacts))
    assert sorted(row["contact"] for row in made.rows()) == ["c-0", "c-3"]
    assert attrs.evolve(never, segments={field("plan") == "paid": ever}).segments == mixed.segments[:1]


def simulated(behavior, number=4000):
    """Make a log in which nobody but silent people is reminded."""
    people = [Contact(id=f"c-{n}", addresses={"email": f"{n}@example.com"}) for n in range(number)]
    policy = Policy(survey=Survey("nps"), cadence=Wave("1"), rules=[], reminders=Reminders(after=20 * DAY))
    made = simulate(policy, people, behavior=behavior, at=START, days=60, rng=np.random.default_rng(1)).touches
    return made + Touches.of([OptedOut(contact="last", at=START + 60 * DAY)])


def test_a_fit_finds_the_behavior_again():
    """What is estimated from a simulated log is what it was made from, within the error of sampling."""
    stated = Behavior(
        response=(0.3, 0.1), ratings=range(1, 12), delay=DAY / 4, spread=0.5, decline=0.04, opt_out=0.02, bounce=0.03
    )
    found = Behavior.fitted(simulated(stated))
    assert found.response == pytest.approx(stated.response, abs=0.025)
    for name in ("decline", "opt_out", "bounce"):
        assert getattr(found, name) == pytest.approx(getattr(stated, name), abs=0.01)
    assert found.delay / stated.delay == pytest.approx(1, abs=0.06)
    assert found.spread == pytest.approx(0.5, abs=0.03)
    shares = np.array(found.ratings) / sum(found.ratings)
    assert shares == pytest.approx(np.arange(1, 12) / 66, abs=0.025)


def test_a_fit_leaves_out_what_is_too_young_to_be_answered():
    """Messages sent shortly before the end of the log are in no denominator, nor are the answers to them."""
    old = simulated(Behavior(response=(0.3, 0.1), spread=0.5, delay=DAY / 4), 1000)
    ids = [f"young-{n}" for n in range(500)]
    young = Touches.of([message(contact, at=START + 59 * DAY) for contact in ids])
    both = Behavior.fitted(old + young, within=14 * DAY)
    assert both == Behavior.fitted(old + young.where(np.arange(1)), within=14 * DAY)


def test_an_answer_belongs_to_the_step_that_it_names():
    """An answer that came by the link of the invitation counts for it, although a reminder was sent between."""
    events = []
    for n in range(200):
        contact, late = f"c-{n}", START + 5 * DAY
        events += [message(contact), message(contact, 1, START + 3 * DAY)]
        step = 0 if n < 50 else None
        answer = Response(survey="nps", occasion="1", contact=contact, rating=9, at=late, step=step)
        events += [Responded(response=answer)] if n < 90 else []
    events.append(OptedOut(contact="c-199", at=START + 4 * DAY))
    events.append(Declined(survey="nps", occasion="1", contact="c-198", at=START + 30 * DAY))
    events.append(OptedOut(contact="nobody", at=START + 60 * DAY))
    found = Behavior.fitted(Touches.of(events))
    assert Behavior.fitted(events) == found
    assert found.response == (0.25, 0.2)
    assert (found.opt_out, found.decline, found.bounce) == (1 / 400, 0, 0)


@pytest.mark.parametrize(("number", "got"), [(0, "0 and 0"), (99, "99 and 99"), (150, "150 and 19")])
def test_too_little_to_fit_is_refused(number, got):
    """A fit asks for 100 invitations that were followed and 20 answers, and says what there is."""
    events = [message(f"c-{n}") for n in range(number)]
    for n in range(min(number, 19 if number > 99 else number)):
        answer = Response(survey="nps", occasion="1", contact=f"c-{n}", rating=9, at=START + DAY)
        events.append(Responded(response=answer))
    events.append(OptedOut(contact="last", at=START + 60 * DAY))
    least = "a log of at least 100 invitations that were followed, and of 20 answers to messages"
    with pytest.raises(InvalidArgument, match=rf"^touches must be {least} \(got '{got}'\)$"):
        Behavior.fitted(Touches.of(events if number else ()))


SHARE = r"a share from 0 to 1 \(got "
WEIGHTS = r"^ratings must be eleven weights of 0 to 10, none below 0 and not all 0 \(got "
PAIRS = r"^segments must be made of pairs of a condition and a Behavior \(got "
NESTED = Behavior(segments=[(field("plan") == "paid", Behavior())])


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"response": 2}, "^response must be " + SHARE),
        ({"response": (0.1, -0.1)}, "^response must be " + SHARE),
        ({"response": ()}, r"^response must be a share from 0 to 1, or one for each step \(got \(\)\)$"),
        ({"response": None}, r"^response must be a share from 0 to 1, or one for each step \(got None\)$"),
        ({"response": (True,)}, "^response must be " + SHARE),
        ({"decline": float("nan")}, "^decline must be " + SHARE),
        ({"opt_out": "0.1"}, "^opt_out must be " + SHARE),
        ({"bounce": 1.5}, "^bounce must be " + SHARE),
        (
            {"response": (0.2, 0.9), "bounce": 0.2},
            r"^response, decline, opt_out and bounce must be 1 at most together, ",
        ),
        ({"ratings": [1] * 10}, WEIGHTS),
        ({"ratings": [0] * 11}, WEIGHTS),
        ({"ratings": [1] * 10 + [-1]}, WEIGHTS),
        ({"ratings": [1] * 10 + [float("inf")]}, WEIGHTS),
        ({"ratings": "abcdefghijk"}, WEIGHTS),
        ({"delay": timedelta(0)}, r"^delay must be a timedelta of at least 0:00:00.000001, "),
        ({"spread": -1}, r"^spread must be a number of at least 0 and below 100 \(got -1\)$"),
        ({"spread": "wide"}, r"^spread must be a number of at least 0 and below 100 \(got 'wide'\)$"),
        ({"segments": [3]}, PAIRS),
        ({"segments": [(3, Behavior())]}, PAIRS),
        ({"segments": [(field("plan") == "paid", 3)]}, PAIRS),
        (
            {"segments": [(field("a") == 1, NESTED)]},
            r"^segments must be made of behaviors without segments of their own",
        ),
    ],
)
def test_what_breaks_its_rule_is_refused(wrong, message):
    """Bad input fails when it is stated."""
    with pytest.raises(InvalidArgument, match=message):
        Behavior(**wrong)
