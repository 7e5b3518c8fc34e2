"""Rules made of plain functions: each person is judged with what is known of them."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from netpromoter.errors import InvalidArgument
from netpromoter.model import Contact, Contacts, OptedIn, Survey, Touches, Triggered
from netpromoter.rules import FOREVER, History, Hold, People, Policy, Wave, per_contact

AT = datetime(2026, 6, 1, 8, tzinfo=UTC)
PEOPLE = [
    Contact(id=each, attributes={"title": title}) for each, title in zip("abc", ("intern", None, "chief"), strict=True)
]
LOG = [
    Triggered(event="e-2", touchpoint="visit", contact="b", at=AT),
    OptedIn(contact="b", at=AT - timedelta(days=2)),
    Triggered(event="e-1", touchpoint="visit", contact="x", at=AT),
]


def judged(function, people=PEOPLE):
    contacts = Contacts.of(people)
    seen = People(contacts=contacts, history=History(contacts, Touches.of(LOG)), survey=Survey("nps"))
    return per_contact(function)(seen, np.datetime64(AT.replace(tzinfo=None), "us"))


def test_each_person_is_judged_with_their_own_history():
    """The function sees each contact once, with the rows about them in order of time, at the instant of the plan."""
    told = []
    judged(lambda *each: told.append(each))
    assert [contact for contact, _, _ in told] == PEOPLE_AS_KNOWN
    assert [[row["kind"] for row in history] for _, history, _ in told] == [[], ["opted_in", "triggered"], []]
    assert {at for _, _, at in told} == {AT}


PEOPLE_AS_KNOWN = list(Contacts.of(PEOPLE))


def test_holds_have_their_reasons_and_ends():
    """Who is held has the reason and the end that the function gives; without one there is no end; others are free."""
    end = AT + timedelta(days=3)
    given = {"a": Hold("an intern"), "b": None, "c": Hold("a renewal", until=end)}
    holds = judged(lambda contact, history, at: given[contact.id])
    assert holds.until[0] == FOREVER
    assert np.isnat(holds.until[1])
    assert holds.until[2] == np.datetime64(end.replace(tzinfo=None), "us")
    assert [holds.reasons[code] for code in holds.codes] == ["an intern", "", "a renewal"]


def test_one_reason_of_many_people_is_one_reason():
    """A reason that comes twice has one code."""
    assert judged(lambda contact, history, at: Hold("all")).codes.tolist() == [1, 1, 1]


def test_a_rule_of_a_function_says_which_messages_it_holds():
    """It judges invitations, or every message where it says so; the policy sorts it accordingly."""
    first, every = per_contact(print), per_contact(print, every_message=True)
    policy = Policy(survey=Survey("nps"), cadence=Wave("w"), rules=[first, every])
    assert policy.holds(every_message=True) == (every,)
    assert policy.holds(every_message=False) == (first,)


def test_nobody_is_judged_where_there_is_nobody():
    """Of nobody there is no hold."""
    assert len(judged(None.__eq__, []).until) == 0


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: per_contact("no"), r"function must be callable \(got 'no'\)"),
        (lambda: judged(lambda *each: "no"), r"what a rule returns must be a Hold or None \(of 'a'\) \(got 'no'\)"),
        (lambda: judged(lambda *each: False), "what a rule returns must be a Hold or None"),
        (lambda: Hold(""), "reason must be text that is not blank"),
        (lambda: Hold("x", until="soon"), r"until must be a datetime with a time zone \(got 'soon'\)"),
    ],
)
def test_what_is_no_hold_is_refused(make, message):
    """What cannot be called, and what is no hold, is refused in words that name it."""
    with pytest.raises(InvalidArgument, match=message):
        make()
