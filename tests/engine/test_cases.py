"""Cases: who is called, what is told, who is asked again, and what happens when two people act at once."""

import email
import json
import logging
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from email import policy
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Barrier, Event, Thread, current_thread, main_thread

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netpromoter.channels import AppriseChannel, OutboxChannel, WebhookChannel
from netpromoter.engine import CaseAlerts, Cases, Links, Program, Told
from netpromoter.engine._alerts import AlertPutOff
from netpromoter.errors import ChannelDown, Conflict, IllegalMove, InvalidArgument
from netpromoter.model import (
    CaseAlerted,
    CaseNoted,
    CaseOpened,
    Coded,
    Contact,
    FollowUpDecided,
    Receipt,
    Responded,
    Scheduled,
    Survey,
    Triggered,
)
from netpromoter.plugins import hookimpl, load_plugins
from netpromoter.rules import (
    Capacity,
    FollowUp,
    Owner,
    QuietPeriod,
    Recovery,
    Route,
    Routing,
    Wave,
    Within,
    every_detractor,
    field,
    sendgrid,
)
from netpromoter.stores import MemoryStore, SqlStore

MONDAY = datetime(2026, 6, 1, 8, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
LINKS = Links("https://nps.example.com", keys=["a secret that nobody can guess"])


class Post:
    """A channel that takes everything."""

    def send(self, message):
        return Receipt.sent(message)


def people(count):
    return [
        Contact(
            id=f"c-{number}",
            addresses={"post": f"{number} High Street"},
            attributes={"plan": "paid" if number % 2 else "free", "tier": "large" if number % 5 == 0 else "small"},
        )
        for number in range(count)
    ]


def program(**options):
    chosen = {"store": MemoryStore(), "cadence": Wave("summer"), "rules": [], "channels": {"post": Post()}}
    chosen |= {"plugins": load_plugins(entry_points=False), "links": LINKS, "keep": ["plan", "tier"]}
    return Program(**{"survey": Survey("nps", product="Acme")} | chosen | options)


def answered(ratings, at=MONDAY, **options):
    """Give a program whose wave was answered with these ratings, one for each person."""
    found = program(**options)
    found.execute(found.plan(people(len(ratings)), at=at), clock=lambda: at)
    for number, rating in enumerate(ratings):
        found.receive_answer(f"nps/summer/c-{number}/0/0", rating, at=at + HOUR)
    return found


def statuses(found):
    return {case.contact: case.status for case in found.cases}


def kinds_of(found, *kinds):
    return [entry.event for entry in found.store.entries(kinds=kinds)]


def test_every_answer_gets_one_decision_of_each_policy_with_its_reason():
    """Chosen or not, each answer is decided on once by each policy, and the log says why, by which version."""
    policies = [sendgrid(), FollowUp(field("rating") >= 9, name="thank", version=3)]
    found = answered([0, 6, 7, 8, 9, 10, 5, 1], follow_up=policies)
    made = found.decide(at=MONDAY + 2 * HOUR)
    assert [len(each) for each in made] == [8, 8]
    decided = kinds_of(found, FollowUpDecided)
    assert len({(event.response, event.policy) for event in decided}) == len(decided) == 16
    assert all(event.reason for event in decided)
    assert {event.policy_version for event in decided} == {1, 3}
    assert [len(each) for each in found.decide(at=MONDAY + 3 * HOUR)] == [0, 0]
    assert len(kinds_of(found, FollowUpDecided)) == 16


def test_the_policy_of_sendgrid_calls_large_accounts_and_paying_customers_at_the_edges():
    """All large accounts, and paying customers who gave 8, 6, 2, 1 or 0, are to be called within 48 hours."""
    ratings = [9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 10, 10]
    found = answered(ratings, follow_up=sendgrid())
    found.decide(at=MONDAY + 2 * HOUR)
    large = {f"c-{number}" for number in range(12) if number % 5 == 0}
    edges = {f"c-{number}" for number, rating in enumerate(ratings) if number % 2 and rating in {8, 6, 2, 1, 0}}
    assert {case.contact for case in found.cases} == large | edges
    assert all(min(each.due for each in case.deadlines) == MONDAY + 49 * HOUR for case in found.cases)


def test_what_is_decided_does_not_depend_on_how_often_one_looks():
    """Deciding after each answer, or after all, or in another process, opens the same cases."""
    ratings = [number % 11 for number in range(40)]
    policy = every_detractor(owner=Routing(owners=[Owner("ann"), Owner("bea")]))
    once = answered(ratings, follow_up=policy)
    once.decide(at=MONDAY + 2 * HOUR)
    often = program(follow_up=policy)
    often.execute(often.plan(people(40), at=MONDAY), clock=lambda: MONDAY)
    for number, rating in enumerate(ratings):
        often.receive_answer(f"nps/summer/c-{number}/0/0", rating, at=MONDAY + HOUR)
        (often if number % 2 else program(store=often.store, follow_up=policy)).decide(at=MONDAY + 2 * HOUR)
    assert {case.id for case in once.cases} == {case.id for case in often.cases}


def test_a_decision_that_fails_halfway_leaves_nothing_behind():
    """Where the second policy cannot decide, nothing of the first is written, and the next run decides everything."""

    class Torn(MemoryStore):
        fails = True

        def append(self, events, /, **options):
            if self.fails and any(isinstance(event, FollowUpDecided) and event.policy == "b" for event in events):
                raise OSError("disk full")
            return super().append(events, **options)

    found = answered([1, 2], store=Torn(), follow_up=[FollowUp(name="a"), FollowUp(name="b")])
    with pytest.raises(OSError, match="disk full"):
        found.decide(at=MONDAY + 2 * HOUR)
    assert kinds_of(found, FollowUpDecided, CaseOpened) == []
    found.store.fails = False
    assert [len(each) for each in found.decide(at=MONDAY + 2 * HOUR)] == [2, 2]
    assert len(list(found.cases)) == 4


class Handing(MemoryStore):
    """A store that hands over to another thread right after the first decision, and stops it within its own."""

    def __init__(self):
        super().__init__()
        self.depth, self.other = 0, None
        self.is_within, self.goes_on = Event(), Event()

    @contextmanager
    def exclusive(self):
        mine = current_thread() is main_thread()
        self.depth += mine
        with super().exclusive():
            yield
        self.depth -= mine
        if mine and not self.depth and self.other is not None:
            other, self.other = self.other, None
            other.start()
            assert self.is_within.wait(10)

    def append(self, events, /, **options):
        if current_thread() is not main_thread() and any(isinstance(event, FollowUpDecided) for event in events):
            self.is_within.set()
            assert self.goes_on.wait(10)
        return super().append(events, **options)


def test_threads_that_decide_at_once_lose_no_answer():
    """An answer that comes as one decision ends and another begins is decided on by every policy all the same."""
    store = Handing()
    found = answered([1], store=store, follow_up=[FollowUp(name="a"), FollowUp(name="b")])
    message = "nps/summer/c-0/0/0"

    def decide_again():
        found.receive_answer(message, 2, at=MONDAY + 3 * HOUR)
        found.decide(at=MONDAY + 3 * HOUR)

    other = store.other = Thread(target=decide_again)
    found.decide(at=MONDAY + 2 * HOUR)
    store.goes_on.set()
    other.join()
    found.decide(at=MONDAY + 4 * HOUR)
    decided = {(event.response, event.policy) for event in kinds_of(found, FollowUpDecided)}
    assert decided == {(f"nps/summer/c-0/{ordinal}", name) for ordinal in (0, 1) for name in "ab"}


class Watched(MemoryStore):
    """A store that counts the entries that somebody reads while everybody else must wait."""

    depth = read_alone = 0

    @contextmanager
    def exclusive(self):
        with super().exclusive():
            self.depth += 1
            yield
            self.depth -= 1

    def entries(self, **filters):
        for entry in super().entries(**filters):
            self.read_alone += bool(self.depth)
            yield entry


class Forgetting(MemoryStore):
    """A store in which somebody is forgotten in the moment in which others must wait."""

    whom = None

    @contextmanager
    def exclusive(self):
        with super().exclusive():
            whom, self.whom = self.whom, None
            if whom:
                self.forget(whom)
            yield


def test_who_is_forgotten_meanwhile_is_decided_on_without_a_name():
    """An answer that was read, and whose person was forgotten before the decision, is decided on as the log has it."""
    found = answered([1, 2], store=Forgetting(), follow_up=every_detractor())
    found.store.whom = "c-0"
    (made,) = found.decide(at=MONDAY + 2 * HOUR)
    contacts = {each.response.contact for each in made}
    assert len(contacts) == 2
    assert "c-1" in contacts
    assert "c-0" not in contacts
    (made,) = found.decide(at=MONDAY + 3 * HOUR)
    assert len(made) == 0


def test_nobody_waits_while_the_log_is_read():
    """A process that decides for the first time reads what the log holds before it keeps others from appending."""
    found = answered([1, 2, 9], store=Watched(), follow_up=every_detractor())
    before = found.store.read_alone
    (made,) = program(store=found.store, follow_up=every_detractor()).decide(at=MONDAY + 2 * HOUR)
    assert found.store.read_alone == before
    assert len(made) == 3


def test_a_code_routes_by_theme():
    """Whoever owns a theme gets the cases whose comments were coded so."""
    routing = Routing(Route(field("theme"), {"billing": "ann"}), owners=[Owner("ann"), Owner("bea")], pool=["bea"])
    found = answered([1, 2], follow_up=FollowUp(owner=routing))
    found.store.append([Coded(response="nps/summer/c-1/0", code="billing", coder="cem", at=MONDAY + HOUR)])
    found.decide(at=MONDAY + 2 * HOUR)
    assert {case.contact: case.owner for case in found.cases} == {"c-0": "bea", "c-1": "ann"}


def mixed(*mrrs, store=None, **options):
    """Give a program that asked one person after the other, of whom another number or text was known each time."""
    policy = FollowUp(field("mrr") > 100, within=())
    found = program(
        **{"keep": ["mrr"], "follow_up": policy, "store": MemoryStore() if store is None else store} | options
    )
    for number, mrr in enumerate(mrrs):
        contact = Contact(id=f"m-{number}", addresses={"post": f"{number} Low Street"}, attributes={"mrr": mrr})
        found.execute(found.plan([contact], at=MONDAY), clock=lambda: MONDAY)
        found.receive_answer(f"{found.survey.key}/summer/m-{number}/0/0", 3, at=MONDAY + HOUR)
    return found


def test_one_odd_attribute_does_not_stop_the_others():
    """An answer whose attribute is text where the policy asks for a number is decided on as unknown, alone or not."""
    found = mixed(300)
    found.decide(at=MONDAY + 2 * HOUR)
    again = mixed(300, "200", store=found.store)
    for each in (found, program(keep=["mrr"], follow_up=found.follow_up, store=found.store)):
        each.decide(at=MONDAY + 3 * HOUR)
    assert [len(made) for made in again.decide(at=MONDAY + 3 * HOUR)] == [0]
    reasons = {event.response: event.reason for event in kinds_of(found, FollowUpDecided)}
    assert reasons["nps/summer/m-0/0"] == "mrr is 300, above 100"
    assert reasons["nps/summer/m-1/0"] == 'mrr is "200", not a number'


def test_a_policy_that_can_read_no_answer_is_refused_until_there_is_one():
    """Nothing is decided while every answer is of another kind than the policy asks for; then everything is."""
    found = mixed("200", "300")
    with pytest.raises(InvalidArgument, match=r"is compared with must be text, as its values are \(got 100\)"):
        found.decide(at=MONDAY + 2 * HOUR)
    assert kinds_of(found, FollowUpDecided) == []
    contact = Contact(id="m-2", addresses={"post": "2 Low Street"}, attributes={"mrr": 500})
    found.execute(found.plan([contact], at=MONDAY), clock=lambda: MONDAY)
    found.receive_answer("nps/summer/m-2/0/0", 3, at=MONDAY + HOUR)
    (made,) = found.decide(at=MONDAY + 3 * HOUR)
    assert made.counts == {"selected": 1, "held out": 0, "over capacity": 0, "not selected": 2}


def test_programs_of_one_store_have_each_their_capacity():
    """Two programs whose policies have one name do not use up one another's calls; a caller has one day for both."""
    policy = FollowUp(capacity=Capacity(per_day=2), owner=Routing(owners=[Owner("ann", per_day=3)]))
    first = answered([1, 2, 3], follow_up=policy)
    second = program(survey=Survey("ces"), store=first.store, follow_up=policy)
    at = MONDAY + DAY + HOUR
    second.execute(second.plan(people(3), at=at), clock=lambda: at)
    for number in range(3):
        second.receive_answer(f"ces/summer/c-{number}/0/0", 2, at=at)
    for found in (first, second):
        (made,) = found.decide(at=at + HOUR)
        assert made.counts == {"selected": 2, "held out": 0, "over capacity": 1, "not selected": 0}
    assert sorted(case.owner or "" for found in (first, second) for case in found.cases) == ["", "ann", "ann", "ann"]


# -- moving ------------------------------------------------------------------------------------------------------------


def opened(store=None, **more):
    """Give the cases of a store with one case, of c-1."""
    store = MemoryStore() if store is None else store
    place = {"survey": "nps", "occasion": "summer", "contact": "c-1", "policy": "recover", "rating": 2, "at": MONDAY}
    store.append([CaseOpened(**place | more)])
    return Cases(store=store, survey="nps")


CASE = "nps/summer/c-1/recover"
DO = {
    "assign": lambda cases, case, at: cases.assign(case, "bea", by="ann", at=at),
    "attempt": lambda cases, case, at: cases.attempt(case, by="ann", at=at, note="no answer"),
    "contact": lambda cases, case, at: cases.contact(case, by="ann", at=at, root_cause="billing"),
    "resolve": lambda cases, case, at: cases.resolve(case, "recovered", by="ann", at=at),
    "close": lambda cases, case, at: cases.close(case, by="ann", at=at),
    "escalate": lambda cases, case, at: cases.escalate(case, by="ann", at=at, owner="cem"),
    "give_up": lambda cases, case, at: cases.give_up(case, by="ann", at=at),
    "decline": lambda cases, case, at: cases.decline(case, by="ann", at=at),
    "reopen": lambda cases, case, at: cases.reopen(case, by="ann", at=at),
    "note": lambda cases, case, at: cases.note(case, "call on Monday", by="ann", at=at),
}


@given(st.lists(st.sampled_from(sorted(DO)), max_size=8), st.booleans())
def test_what_a_call_returns_is_what_the_log_gives(names, by_id):
    """After any calls, legal or refused, the case that a call returned is the one that is read back."""
    cases, case = opened(), None
    for hours, name in enumerate(names):
        before = cases.get(CASE)
        try:
            case = DO[name](cases, CASE if by_id or case is None else case, MONDAY + hours * HOUR)
        except IllegalMove:
            assert cases.get(CASE) == before
        else:
            assert case == cases.get(CASE)
    assert [each.id for each in cases] == [CASE]


def test_of_two_who_move_a_case_at_once_one_is_told():
    """Who acts on a case as it was looked at is refused if somebody moved it since, by name; nothing is written."""
    cases = opened(owner="ann")
    seen = cases.get(CASE)
    cases.close(seen, "acknowledged", by="ann", at=MONDAY)
    with pytest.raises(Conflict) as refused:
        cases.close(seen, "recovered", by="bea", at=MONDAY)
    assert str(refused.value) == f"case {CASE!r} was moved to closed by ann since it was looked at"
    assert cases.get(CASE).resolution == "acknowledged"


def test_the_same_move_may_be_made_twice():
    """A request that is sent again, of the same person at the same instant, changes nothing and is no conflict."""
    cases = opened(owner="ann")
    seen = cases.get(CASE)
    first = cases.attempt(seen, by="ann", at=MONDAY)
    assert cases.attempt(seen, by="ann", at=MONDAY) == first == cases.get(CASE)


def test_of_many_who_close_at_once_one_does(tmp_path):
    """Whatever the store, of eight threads that close a case as they saw it, one closes it and seven are told."""
    store = SqlStore(f"sqlite:///{tmp_path}/cases.db")
    cases = opened(store, owner="ann")
    seen, line, told = cases.get(CASE), Barrier(8), []

    def close(name):
        line.wait()
        try:
            cases.close(seen, "recovered", by=name, at=MONDAY)
        except Conflict:
            told.append(name)

    threads = [Thread(target=close, args=(f"p-{number}",)) for number in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(told) == 7
    assert cases.get(CASE).moves[0].by not in told
    store.close()


@pytest.mark.parametrize("store", [MemoryStore, lambda: SqlStore("sqlite://")], ids=["memory", "sqlite"])
def test_a_case_of_somebody_who_was_forgotten_stays_as_it_was(store):
    """Once a person is forgotten, their case keeps what it says without their name, and moves no more under the old."""
    cases = opened(store(), owner="ann")
    cases.note(CASE, "lives next door", by="ann", at=MONDAY)
    seen = cases.attempt(CASE, by="ann", at=MONDAY, note="not at home")
    cases.store.forget("c-1")
    (found,) = cases
    assert (found.rating, found.owner, found.status) == (2, "ann", "attempted")
    assert [each.note for each in (*found.notes, *found.moves)] == [None, None]
    assert "c-1" not in repr([entry.event for entry in cases.store.entries()])
    with pytest.raises(Conflict) as refused:
        cases.give_up(seen, by="ann", at=MONDAY)
    assert str(refused.value) == f"case {CASE!r} is of somebody who was forgotten since it was looked at"
    assert cases.give_up(found, by="ann", at=MONDAY).status == "unreachable"
    cases.store.close()


def test_cases_can_be_read_back_as_they_stood():
    """As of an instant there are the cases that were opened by then, where they stood then."""
    cases = opened(owner="ann")
    opened(cases.store, contact="c-2", at=MONDAY + 2 * DAY)
    cases.close(CASE, "recovered", by="ann", at=MONDAY + DAY)
    assert [case.status for case in cases.as_of(MONDAY)] == ["assigned"]
    assert [case.status for case in cases.as_of(MONDAY + DAY)] == ["closed"]
    assert [case.status for case in cases.as_of(MONDAY + 2 * DAY)] == ["closed", "new"] == [c.status for c in cases]


@pytest.mark.parametrize("at", [datetime(2026, 6, 1), date(2026, 6, 1), "2026-06-01"])  # noqa: DTZ001 -- what is refused
@pytest.mark.parametrize("read", ["as_of", "pending"])
def test_an_instant_has_a_time_zone(read, at):
    """Cases are read back as of an aware instant, and of no other, also where there is none to read."""
    for cases in (opened(), Cases(store=MemoryStore(), survey="nps")):
        with pytest.raises(InvalidArgument) as refused:
            getattr(cases, read)(at)
        assert str(refused.value) == f"at must be a datetime with a time zone (got {at!r})"


def test_no_note_is_lost():
    """Notes of one person at one instant are all kept; the same one, made twice, is kept once."""
    cases = opened(owner="ann")
    seen = cases.get(CASE)
    for note in ("first", "second", "first", "third", "second"):
        seen = cases.note(seen, note, by="ann", at=MONDAY)
        assert seen == cases.get(CASE)
    cases.note(CASE, "first", by="bea", at=MONDAY)
    assert [each.note for each in cases.get(CASE).notes] == ["first", "second", "third", "first"]
    assert cases.note(CASE, "before", by="bea", at=MONDAY - HOUR) == cases.get(CASE)


@pytest.mark.parametrize("store", [MemoryStore, lambda: SqlStore("sqlite://")], ids=["memory", "sqlite"])
def test_a_note_about_somebody_who_was_forgotten_is_refused(store):
    """Nothing is written about a person who was forgotten since, and whoever notes is told; no id holds the note."""
    cases = opened(store(), owner="ann")
    cases.note(CASE, "first", by="ann", at=MONDAY)
    seen = cases.note(CASE, "second", by="ann", at=MONDAY)
    cases.store.forget("c-1")
    with pytest.raises(Conflict) as refused:
        cases.note(seen, "third", by="ann", at=MONDAY)
    assert str(refused.value) == f"case {CASE!r} is of somebody who was forgotten since it was looked at"
    (found,) = cases
    assert [each.note for each in found.notes] == [None, None]
    assert [each.note for each in cases.note(found, "third", by="ann", at=MONDAY).notes] == [None, None, "third"]
    cases.store.close()


@pytest.mark.parametrize("case", ["nps/summer/c-2/recover", "other/summer/c-1/recover", "", "c-1"])
def test_an_unknown_case_is_refused_by_name(case):
    """A case that is not there, or of another survey, is refused; the message names it."""
    cases = opened()
    opened(cases.store, survey="other")
    with pytest.raises(InvalidArgument) as refused:
        cases.attempt(case, by="ann", at=MONDAY)
    assert str(refused.value) == f"case must be the id of a case of 'nps' (got {case!r})"
    assert repr(cases) == "Cases(nps)"


# -- telling -----------------------------------------------------------------------------------------------------------


class Desk:
    """A plugin that writes down what it is told of cases."""

    def __init__(self):
        self.told = []

    @hookimpl
    def netpromoter_case_opened(self, case):
        self.told.append(("opened", case.contact, case.status))

    @hookimpl
    def netpromoter_case_due(self, case, alert):
        self.told.append(("due", case.contact, alert.promise))

    @hookimpl
    def netpromoter_case_overdue(self, case, alert):
        self.told.append(("overdue", case.contact, alert.promise))

    @hookimpl
    def netpromoter_case_escalated(self, case, alert):
        self.told.append(("escalated", case.contact, alert.promise))

    @hookimpl
    def netpromoter_case_closed(self, case):
        self.told.append(("closed", case.contact, case.status))


PROMISES = [
    Within("attempt", timedelta(hours=48), notice_after=timedelta(hours=24), escalate_after=timedelta(hours=72)),
    Within("close", timedelta(days=10)),
]


def watched(ratings, **options):
    desk = Desk()
    plugins = load_plugins(desk, entry_points=False)
    found = answered(ratings, plugins=plugins, follow_up=FollowUp(within=PROMISES), **options)
    found.decide(at=MONDAY + 2 * HOUR)
    return found, desk


def test_each_thing_is_told_once_and_in_time():
    """Due, overdue and escalated are told once each, from their instants on, however often one asks."""
    found, desk = watched([2])
    expected = {0: ("opened", "c-0", "new"), 25: ("due", "c-0", "attempt"), 49: ("overdue", "c-0", "attempt")}
    expected |= {73: ("escalated", "c-0", "attempt"), 241: ("overdue", "c-0", "close")}
    for hours in range(2, 300):
        found.tell(at=MONDAY + hours * HOUR)
        assert desk.told == [fact for start, fact in expected.items() if start <= hours]


def test_what_comes_late_is_told_all_the_same():
    """Whoever looks only after a month is told what is broken, each once, and not that it will be."""
    found, desk = watched([2])
    found.tell(at=MONDAY + 30 * DAY)
    found.tell(at=MONDAY + 31 * DAY)
    assert [fact[0] for fact in desk.told] == ["opened", "overdue", "escalated", "overdue"]


def test_nothing_is_told_of_what_is_closed_or_kept():
    """A closed case is never overdue, and neither is a promise that was kept, in time or late."""
    found, desk = watched([2, 3, 4])
    found.cases.close("nps/summer/c-0/follow-up", "duplicate", by="ann", at=MONDAY + 3 * HOUR)
    found.cases.assign("nps/summer/c-1/follow-up", "ann", by="ann", at=MONDAY + 3 * HOUR)
    found.cases.attempt("nps/summer/c-1/follow-up", by="ann", at=MONDAY + 100 * HOUR)
    found.tell(at=MONDAY + 101 * HOUR)
    broken = {contact for what, contact, _ in desk.told if what in {"due", "overdue", "escalated"}}
    assert broken == {"c-2"}
    assert ("closed", "c-0", "closed") in desk.told


class Closing(MemoryStore):
    """A store in which somebody acts in the moment in which others must begin to wait."""

    act = None

    @contextmanager
    def exclusive(self):
        act, self.act = self.act, None
        if act:
            act()
        with super().exclusive():
            yield


def test_a_case_that_somebody_closes_meanwhile_is_not_late():
    """Between the look at what is late and what is written of it nobody can close a case: nothing is told of it."""
    found, desk = watched([2, 3], store=Closing())
    found.tell(at=MONDAY + 3 * HOUR)
    found.store.act = lambda: found.cases.close(
        "nps/summer/c-0/follow-up", "no action", by="ann", at=MONDAY + 99 * HOUR
    )
    found.tell(at=MONDAY + 100 * HOUR)
    assert [fact[:2] for fact in desk.told[2:]] == [("closed", "c-0"), ("overdue", "c-1"), ("escalated", "c-1")]
    assert {alert.case for alert in kinds_of(found, CaseAlerted)} == {"nps/summer/c-1/follow-up"}


def test_a_case_that_was_promised_nothing_is_never_late():
    """What is promised is fixed when a case is opened: a policy that promises more later changes nothing for it."""
    store = MemoryStore()
    before = answered([2], store=store, follow_up=FollowUp(within=[Within("close", 100 * DAY)]))
    before.decide(at=MONDAY + 2 * HOUR)
    after = program(store=store, follow_up=FollowUp(version=2))
    after.decide(at=MONDAY + 3 * HOUR)
    after.tell(at=MONDAY + 50 * DAY)
    assert kinds_of(after, CaseAlerted) == []


def test_a_plugin_that_raises_is_told_again():
    """A fact at which a plugin failed is told again the next time, before what came later; no other plugin waits."""

    class Shaky(Desk):
        fails = True

        @hookimpl
        def netpromoter_case_overdue(self, case, alert):
            if self.fails:
                raise OSError("no network")
            super().netpromoter_case_overdue(case, alert)

    shaky, steady = Shaky(), Desk()
    found = answered([2], plugins=load_plugins(shaky, steady, entry_points=False), follow_up=FollowUp(within=PROMISES))
    found.decide(at=MONDAY + 2 * HOUR)
    assert found.tell(at=MONDAY + 30 * HOUR) == Told(facts=4)
    told = found.tell(at=MONDAY + 100 * HOUR)
    assert told == Told(facts=2, failed={"Shaky": "OSError: no network"})
    assert [fact[0] for fact in shaky.told] == ["opened", "due"]
    assert [fact[0] for fact in steady.told] == ["opened", "due", "overdue", "escalated"]
    shaky.fails = False
    assert found.tell(at=MONDAY + 100 * HOUR) == Told(facts=2)
    assert shaky.told == steady.told


@pytest.mark.parametrize("store", [MemoryStore, lambda: SqlStore("sqlite://")], ids=["memory", "sqlite"])
def test_who_is_forgotten_is_not_called(store):
    """Their open case is closed, and told so without their name; it is never due, and hides nobody else's."""
    desk = Desk()
    options = {"plugins": load_plugins(desk, entry_points=False), "follow_up": FollowUp(within=PROMISES)}
    found = answered([2, 3], store=store(), **options)
    found.decide(at=MONDAY + 2 * HOUR)
    found.forget("c-0", at=MONDAY + 3 * HOUR)
    found.tell(at=MONDAY + 60 * HOUR)
    told = [what for what, *_ in desk.told]
    assert [told.count(what) for what in ("opened", "closed", "overdue")] == [2, 1, 1]
    assert "c-0" not in {contact for _, contact, _ in desk.told}
    (gone,) = (case for case in found.cases if not case.is_open)
    assert (gone.resolution, gone.moves[-1].by, gone.contact == "c-0") == ("no action", "forget", False)
    found.store.close()


@pytest.mark.parametrize("store", [MemoryStore, lambda: SqlStore("sqlite://")], ids=["memory", "sqlite"])
def test_an_answer_of_somebody_who_was_forgotten_takes_nobodys_place(store):
    """It gets a decision of each policy and no case, also where another process decides later."""
    policies = [every_detractor(name=name, capacity=Capacity(per_day=1)) for name in "ab"]
    found = answered([0, 3], store=store(), follow_up=policies)
    found.forget("c-0", at=MONDAY + 2 * HOUR)
    for again in (program(store=found.store, follow_up=policies), found):
        again.decide(at=MONDAY + 3 * HOUR)
    assert [(case.contact, case.rating) for case in found.cases] == [("c-1", 3)] * 2
    decisions = [event.decision for event in kinds_of(found, FollowUpDecided) if "c-1" not in event.response]
    assert decisions == ["not selected"] * 2
    found.store.close()


WAYS = [
    [],
    ["attempt"],
    ["attempt", "give_up"],
    ["attempt", "decline"],
    ["contact"],
    ["contact", "escalate"],
    ["contact", "resolve"],
    ["contact", "resolve", "reopen"],
    ["contact", "resolve", "close"],
    ["escalate"],
]


@pytest.mark.parametrize("way", WAYS, ids=["-".join(way) or "assigned" for way in WAYS])
def test_wherever_a_case_stands_it_is_closed_when_the_person_is_forgotten(way):
    """By moves that are allowed, with the resolution that it has, and also by a clock that is behind."""
    found = answered([2], follow_up=every_detractor(owner="ann"))
    found.decide(at=MONDAY + 2 * HOUR)
    for number, name in enumerate(way, 3):
        more = {"resolution": "recovered"} if name == "resolve" else {}
        getattr(found.cases, name)("nps/summer/c-0/every-detractor", by="ann", at=MONDAY + number * HOUR, **more)
    found.store.append([CaseNoted(case="nps/summer/c-0/never opened", by="ann", note="?", at=MONDAY)])
    found.forget("c-0", at=MONDAY)
    (case,) = found.cases
    assert (case.status, case.resolution) == ("closed", "recovered" if "resolve" in way else "no action")


@pytest.mark.parametrize("store", [MemoryStore, lambda: SqlStore("sqlite://")], ids=["memory", "sqlite"])
def test_somebody_may_be_forgotten_while_it_is_told(store):
    """Of somebody who is forgotten between two facts nothing more is told under their name, and all others are."""
    heard = []

    class Forgetful:
        @hookimpl
        def netpromoter_message_sent(self, message):
            heard.append(message.contact)
            found.store.forget("c-1")

        @hookimpl
        def netpromoter_case_opened(self, case):
            heard.append(case.contact)
            found.store.forget("c-3")

    found = answered(
        [2] * 5, store=store(), plugins=load_plugins(Forgetful(), entry_points=False), follow_up=FollowUp()
    )
    found.decide(at=MONDAY + 2 * HOUR)
    assert found.tell(at=MONDAY + 3 * HOUR).failed == {}
    known = [contact for contact in heard if not contact.startswith("forgotten-")]
    assert known == ["c-0", "c-2", "c-3", "c-4", "c-0", "c-2", "c-4"]
    found.store.close()


class Pager:
    """A channel that keeps what it carries, or says what it is told to say."""

    def __init__(self, *receipts):
        self.carried, self.receipts, self.opened = [], list(receipts), 0

    def __enter__(self):
        self.opened += 1
        return self

    def __exit__(self, *_):
        self.opened -= 1

    def send(self, message):
        assert self.opened
        says = self.receipts.pop(0) if self.receipts else Receipt.sent
        self.carried.append(message)
        return says(message)


NEWS = ["opened", "due", "overdue", "escalated", "closed"]


def alerted(pager, to, news=NEWS, **options):
    plugins = load_plugins(CaseAlerts(channel=pager, to=to, news=news), entry_points=False)
    found = answered([2], plugins=plugins, follow_up=FollowUp(within=PROMISES, **options))
    found.decide(at=MONDAY + 2 * HOUR)
    for hours in (30, 100):
        found.tell(at=MONDAY + hours * HOUR)
    return found


def test_alerts_say_whose_case_it_is_and_what_was_promised():
    """An alert names the case, its rating, its owner and the promise, and goes to the address of the owner."""
    pager = Pager()
    found = alerted(pager, {"ann": "ann@example.com", "": "desk@example.com"}, owner="ann")
    found.cases.close("nps/summer/c-0/follow-up", "no action", by="ann", at=MONDAY + 101 * HOUR)
    found.tell(at=MONDAY + 102 * HOUR)
    assert [message.template for message in pager.carried] == [f"case_{news}" for news in NEWS]
    assert {message.to for message in pager.carried} == {"ann@example.com"}
    assert len({message.id for message in pager.carried}) == 5
    late = pager.carried[2]
    assert late.subject == "c-0 has waited too long"
    assert late.text.splitlines() == [
        "Case: nps/summer/c-0/follow-up",
        "Rating: 2",
        "Owner: ann",
        "Status: assigned",
        "Promised: a first attempt to reach them by 2026-06-03 09:00 UTC",
    ]


@pytest.mark.parametrize(
    ("to", "news", "count"),
    [("desk@example.com", NEWS, 4), ({"bea": "b@example.com"}, NEWS, 0), ({"": "d@example.com"}, "overdue", 1)],
)
def test_alerts_go_where_there_is_an_address(to, news, count):
    """Cases of nobody, and of owners without an address, go to the address of everybody else, if there is one."""
    pager = Pager()
    alerted(pager, to, news)
    assert len(pager.carried) == count


def test_alerts_of_two_policies_are_told_apart():
    """Two cases of one person and answer have alerts with different ids, so that no channel takes one for the other."""
    pager = Pager()
    plugins = load_plugins(CaseAlerts(channel=pager, to="desk", news="opened"), entry_points=False)
    found = answered([2], plugins=plugins, follow_up=[FollowUp(name="a"), FollowUp(name="b")])
    found.decide(at=MONDAY + 2 * HOUR)
    found.tell(at=MONDAY + 2 * HOUR)
    assert len({message.id for message in pager.carried}) == len(pager.carried) == 2


class Hook(BaseHTTPRequestHandler):
    """A service that keeps what is posted to it."""

    def do_POST(self):
        self.server.posted.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")  # by Apprise
@pytest.mark.parametrize("kind", ["webhook", "apprise"])
def test_alerts_reach_a_service(kind):
    """By a webhook and by Apprise alike, a service hears of each case once, in words."""
    with HTTPServer(("127.0.0.1", 0), Hook) as server:
        server.posted = []
        Thread(target=server.serve_forever, daemon=True).start()
        place = f"127.0.0.1:{server.server_port}"
        webhook, apprise = WebhookChannel(f"http://{place}/hook"), AppriseChannel(f"json://{place}/{{to}}")
        found = alerted(webhook if kind == "webhook" else apprise, "desk", "overdue")
        found.tell(at=MONDAY + 200 * HOUR)
        server.shutdown()
    (posted,) = server.posted
    assert "c-0 has waited too long" in (posted["data"]["subject"] if kind == "webhook" else posted["title"])


def down(_):
    raise ChannelDown("no route")


def test_an_alert_that_the_channel_cannot_carry_now_is_sent_again():
    """Where it is down, the next round sends it, under the same id; nothing later comes before."""
    pager = Pager(Receipt.sent, down)
    plugins = load_plugins(CaseAlerts(channel=pager, to="desk@example.com", news=NEWS), entry_points=False)
    found = answered([2, 2], plugins=plugins, follow_up=FollowUp(within=PROMISES))
    found.decide(at=MONDAY + 2 * HOUR)
    assert found.tell(at=MONDAY + 3 * HOUR) == Told(facts=1, failed={"CaseAlerts": "ChannelDown: no route"})
    assert found.tell(at=MONDAY + 30 * HOUR) == Told(facts=3)
    assert [(each.contact, each.template) for each in pager.carried] == [
        ("c-0", "case_opened"),
        ("c-1", "case_opened"),
        ("c-1", "case_opened"),
        ("c-0", "case_due"),
        ("c-1", "case_due"),
    ]
    assert pager.carried[1].id == pager.carried[2].id


def test_an_alert_that_is_refused_for_good_silences_no_other(caplog):
    """One case that a channel will never take is passed over; log and result say which it was."""
    pager = Pager(lambda message: Receipt.failed(message, f"no {message.to}", permanent=True, retry_after=HOUR))
    plugins = load_plugins(CaseAlerts(channel=pager, to="desk@example.com", news=NEWS), entry_points=False)
    found = answered([2, 2], plugins=plugins, follow_up=FollowUp(within=PROMISES))
    found.decide(at=MONDAY + 2 * HOUR)
    said = "an alert of case nps/summer/c-0/follow-up was refused: no (address)"
    with caplog.at_level(logging.ERROR):
        assert found.tell(at=MONDAY + 3 * HOUR) == Told(facts=1, refused=(said,))
    assert [message.contact for message in pager.carried] == ["c-0", "c-1"]
    assert said in caplog.text
    assert "desk@example.com" not in caplog.text
    assert found.tell(at=MONDAY + 3 * HOUR) == Told()


class Full(Pager):
    """A channel that refuses what is about one person for now, as long as it is told to."""

    is_full = True

    def send(self, message):
        assert self.opened
        if self.is_full and message.contact == "c-1":
            return Receipt.failed(message, "452 mailbox full")
        self.carried.append(message)
        return Receipt.sent(message)


def full(ratings=(2, 2, 2), **options):
    """Give a program of which the second case cannot be told for now, and its channel."""
    pager = Full()
    plugins = load_plugins(
        CaseAlerts(channel=pager, to="desk@example.com", news=["opened", "closed"]), entry_points=False
    )
    found = answered(list(ratings), plugins=plugins, follow_up=FollowUp(within=()), **options)
    found.decide(at=MONDAY + 2 * HOUR)
    return found, pager


FULL = "an alert of case nps/summer/c-1/follow-up was refused: 452 mailbox full"


def test_an_alert_that_is_put_off_holds_up_no_other_and_comes_once():
    """It is tried again by each round, while everything else is told once; when it is taken nothing is told again."""
    found, pager = full()
    assert found.tell(at=MONDAY + 3 * HOUR) == Told(facts=2, put_off=(FULL,))
    assert found.tell(at=MONDAY + 4 * HOUR) == Told(put_off=(FULL,))
    found.cases.close("nps/summer/c-2/follow-up", "no action", by="ann", at=MONDAY + 5 * HOUR)
    assert found.tell(at=MONDAY + 6 * HOUR) == Told(facts=1, put_off=(FULL,))
    pager.is_full = False
    assert found.tell(at=MONDAY + 7 * HOUR) == Told(facts=1)
    assert found.tell(at=MONDAY + 8 * HOUR) == Told()
    told = [(each.contact, each.template) for each in pager.carried]
    assert told == [("c-0", "case_opened"), ("c-2", "case_opened"), ("c-2", "case_closed"), ("c-1", "case_opened")]
    found.cases.close("nps/summer/c-1/follow-up", "no action", by="ann", at=MONDAY + 9 * HOUR)
    assert found.tell(at=MONDAY + 10 * HOUR) == Told(facts=1)


@pytest.mark.parametrize("store", [MemoryStore, lambda: SqlStore("sqlite://")], ids=["memory", "sqlite"])
def test_an_alert_is_put_off_for_a_day_from_the_first_attempt(store):
    """After that it is refused, also in another process that tells; what was told meanwhile is not told again."""
    found, pager = full(store=store())
    first = MONDAY + 30 * DAY
    day = first + DAY
    assert found.tell(at=first) == Told(facts=2, put_off=(FULL,))
    assert found.tell(at=day - timedelta(microseconds=1)).put_off == (FULL,)
    another = attrs.evolve(found)
    assert another.tell(at=day) == Told(refused=(FULL,))
    assert another.tell(at=day) == Told()
    assert [each.contact for each in pager.carried] == ["c-0", "c-2"]
    found.store.close()


def test_an_alert_that_is_put_off_is_tried_at_least_twice():
    """However seldom somebody tells, one refusal for now loses no alert: the day counts from the first attempt."""
    found, pager = full()
    assert found.tell(at=MONDAY + 30 * DAY) == Told(facts=2, put_off=(FULL,))
    pager.is_full = False
    assert found.tell(at=MONDAY + 60 * DAY) == Told(facts=1)
    assert [each.contact for each in pager.carried] == ["c-0", "c-2", "c-1"]


def test_a_plugin_that_raises_while_something_is_put_off_is_told_the_same_again():
    """A fact that waits and a fact that failed are both told by the next round, and nothing else is."""
    found, pager = full((2, 2, 2, 2))
    send = pager.send

    def lost(message):
        if message.contact == "c-3":
            raise OSError("lost")
        return send(message)

    pager.send = lost
    assert found.tell(at=MONDAY + 3 * HOUR) == Told(facts=2, put_off=(FULL,), failed={"CaseAlerts": "OSError: lost"})
    pager.send, pager.is_full = send, False
    assert found.tell(at=MONDAY + 4 * HOUR) == Told(facts=2)
    assert [each.contact for each in pager.carried] == ["c-0", "c-2", "c-1", "c-3"]


def test_the_words_of_an_alert_are_lines_that_can_be_printed(tmp_path):
    """Ids and owners that hold line breaks and controls end neither the subject nor a line of the text."""
    box = OutboxChannel(tmp_path)
    plugins = load_plugins(CaseAlerts(channel=box, to="desk@example.com", news="opened"), entry_points=False)
    found = program(plugins=plugins, follow_up=FollowUp(owner="ann\r\nBcc: x"))
    (hostile,) = people(1)
    hostile = attrs.evolve(hostile, id="b\n2\x1b")
    found.execute(found.plan([hostile], at=MONDAY), clock=lambda: MONDAY)
    (message,) = (event.message for event in kinds_of(found, Scheduled))
    found.receive_answer(message.id, 2, at=MONDAY)
    found.decide(at=MONDAY + HOUR)
    assert found.tell(at=MONDAY + 2 * HOUR) == Told(facts=1)
    (path,) = (tmp_path / "new").iterdir()
    mail = email.message_from_bytes(path.read_bytes(), policy=policy.default)
    assert mail["Subject"] == "b 2 is to be called"
    lines = mail.get_body(["plain"]).get_content().splitlines()
    assert lines[2:4] == ["Owner: ann Bcc: x", "Status: assigned"]


def test_each_survey_on_a_store_is_told_to_its_own_people():
    """Of two programs on one store, each tells its own facts alone, whichever is asked first and however often."""
    store, pagers, programs = MemoryStore(), {}, {}
    for number, key in enumerate(["support", "sales/eu", "sales"]):
        pagers[key] = Pager()
        plugins = load_plugins(CaseAlerts(channel=pagers[key], to=key, news="opened"), entry_points=False)
        programs[key] = made = attrs.evolve(
            program(store=store, plugins=plugins, follow_up=FollowUp()), survey=Survey(key, product="Acme")
        )
        made.execute(made.plan(people(6)[2 * number :][:2], at=MONDAY), clock=lambda: MONDAY)
        for event in kinds_of(made, Scheduled):
            if event.message.survey == key:
                made.receive_answer(event.message.id, 2, at=MONDAY + HOUR)
        made.decide(at=MONDAY + 2 * HOUR)
    for key in ("sales", "support", "sales/eu", "sales"):
        programs[key].tell(at=MONDAY + 3 * HOUR)
    for number, (key, pager) in enumerate(pagers.items()):
        assert [(each.survey, each.contact, each.to) for each in pager.carried] == [
            (key, f"c-{2 * number}", key),
            (key, f"c-{2 * number + 1}", key),
        ]


@pytest.mark.parametrize("order", [["first", "again"], ["again", "first"], ["again", "first", "again", "first"]])
def test_what_came_of_asking_again_is_told_once(order):
    """Both programs tell the answers of a recovery, and whichever comes first does; the rest the first one alone."""
    heard = []

    class Listener:
        @hookimpl
        def netpromoter_message_sent(self, message):
            heard.append(("sent", message.survey))

        @hookimpl
        def netpromoter_response_received(self, response):
            heard.append(("answered", response.survey))

    plugins = load_plugins(Listener(), entry_points=False)
    found = answered([0], plugins=plugins, follow_up=every_detractor(), recovery=Recovery())
    found.decide(at=MONDAY + 2 * HOUR)
    again, at = found.recovery_program, MONDAY + 25 * DAY
    again.execute(again.plan(people(1), at=at), clock=lambda: at)
    again.receive_answer(kinds_of(found, Scheduled)[-1].message.id, 8, at=at)
    programs = {"first": found, "again": again}
    for name in order:
        programs[name].tell(at=at)
    expected = [("sent", "nps"), ("answered", "nps"), ("sent", "nps-recovery"), ("answered", "nps-recovery")]
    assert sorted(heard) == sorted(expected)
    assert order[0] == "again" or heard == expected


def test_a_survey_without_news_is_not_read_again():
    """Each plugin goes on behind what it has seen, also where that was all of another survey."""

    class Counting(MemoryStore):
        read = 0

        def entries(self, **filters):
            for entry in super().entries(**filters):
                self.read += 1
                yield entry

    desk = Desk()
    store = answered([2, 3], store=Counting()).store
    other = attrs.evolve(program(store=store, plugins=load_plugins(desk, entry_points=False)), survey=Survey("other"))
    other.tell(at=MONDAY + DAY)
    before = store.read
    other.tell(at=MONDAY + DAY)
    assert (store.read, desk.told) == (before, [])


class Counted(MemoryStore):
    """A store that counts what is asked of it."""

    calls = 0

    def append(self, events, /, **options):
        self.calls += 1
        return super().append(events, **options)

    def entries(self, **filters):
        self.calls += 1
        return super().entries(**filters)

    def cursor(self, name, /):
        self.calls += 1
        return super().cursor(name)

    def move_cursor(self, name, position, /):
        self.calls += 1
        super().move_cursor(name, position)


class Closed:
    """A plugin that is told of closed cases alone."""

    @hookimpl
    def netpromoter_case_closed(self):
        raise AssertionError


class Due:
    """A plugin that is told alone of cases that are due soon."""

    @hookimpl
    def netpromoter_case_due(self):
        raise AssertionError


@pytest.mark.parametrize("plugin", [Closed(), Due()], ids=["closed", "due"])
def test_what_a_plugin_does_not_listen_to_costs_it_nothing(plugin):
    """Messages, answers, moves and alerts that a plugin is not told of are neither looked up nor noted one by one."""
    calls = []
    for count in (1, 30):
        found = answered([2] * count, store=Counted(), follow_up=FollowUp(within=PROMISES))
        found.decide(at=MONDAY + 2 * HOUR)
        for case in found.cases:
            found.cases.assign(case, "ann", by="ann", at=MONDAY + 3 * HOUR)
        found = attrs.evolve(found, plugins=load_plugins(plugin, entry_points=False))
        before = found.store.calls
        assert found.tell(at=MONDAY + 60 * HOUR) == Told()
        calls.append(found.store.calls - before)
        assert len(kinds_of(found, CaseAlerted)) == count
    assert calls[0] == calls[1]


def test_what_a_plugin_does_not_listen_to_is_not_looked_up_while_something_is_put_off():
    """Behind an alert that waits, what does not concern a plugin costs nothing, however much it is."""

    class Putting:
        @hookimpl
        def netpromoter_case_opened(self, case):
            if case.contact == "c-0":
                raise AlertPutOff("later")

    found = answered([2, 2], store=Counted(), follow_up=FollowUp(), plugins=load_plugins(Putting(), entry_points=False))
    found.decide(at=MONDAY + 2 * HOUR)
    found.tell(at=MONDAY + 3 * HOUR)
    calls = []
    for hours, count in ((4, 1), (5, 20)):
        for number in range(count):
            found.receive_answer("nps/summer/c-0/0/0", number % 7, at=MONDAY + hours * HOUR + timedelta(minutes=number))
        before = found.store.calls
        assert found.tell(at=MONDAY + 6 * HOUR) == Told(put_off=("later",))
        calls.append(found.store.calls - before)
    assert calls[0] == calls[1]


def test_nothing_is_told_of_the_time_before_a_case_was_opened():
    """A case that is opened a month late is late from then on: no alert is older, and the past reads as it was."""
    found, desk = answered([2], follow_up=FollowUp(within=PROMISES)), Desk()
    late = MONDAY + 30 * DAY
    found.decide(at=late)
    attrs.evolve(found, plugins=load_plugins(desk, entry_points=False)).tell(at=late + HOUR)
    (case,) = found.cases
    assert {alert.at for alert in case.alerts} == {late}
    assert [fact[0] for fact in desk.told] == ["opened", "overdue", "escalated", "overdue"]
    assert case.as_of(late) == case
    assert found.cases.pending(late - HOUR) == []


ONE_OF_NEWS = "news must be one of 'opened', 'due', 'overdue', 'escalated', 'closed'"
A_CHANNEL = "channel must be something with a method send, or a context manager that gives it"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"to": ""}, "to must be an address, or a mapping of owners to addresses (got '')"),
        ({"to": " "}, "to must be an address, or a mapping of owners to addresses (got ' ')"),
        ({"to": 5}, "to must be an address, or a mapping of owners to addresses (got 5)"),
        ({"to": {"": "x", "ann": " "}}, "to['ann'] must be an address (got ' ')"),
        ({"to": {"ann": None}}, "to['ann'] must be an address (got None)"),
        ({"to": {5: "x"}}, "each owner in to must be text (got 5)"),
        ({"to": "x", "news": ["late"]}, f"{ONE_OF_NEWS} (got 'late')"),
        ({"to": "x", "news": "late"}, f"{ONE_OF_NEWS} (got 'late')"),
        ({"to": "x", "news": 5}, f"{ONE_OF_NEWS} (got 5)"),
        ({"to": "x", "news": [5]}, f"{ONE_OF_NEWS} (got 5)"),
        ({"to": "x", "news": None}, f"{ONE_OF_NEWS} (got None)"),
        ({"to": "x", "channel": 5}, f"{A_CHANNEL} (got a int)"),
        ({"to": "x", "channel": "https://example.com/a-secret"}, f"{A_CHANNEL} (got a str)"),
        ({"to": "x", "channel": Post}, f"{A_CHANNEL} (got a type)"),
    ],
)
def test_alerts_that_reach_nobody_are_refused(options, message):
    """A channel is needed, an address, and news that there is; no refusal shows what may be a secret."""
    with pytest.raises(InvalidArgument) as refused:
        CaseAlerts(**{"channel": Pager()} | options)
    assert str(refused.value) == message


def test_a_channel_of_alerts_may_be_what_opens_one():
    """A context manager that cannot send itself, and gives what can, carries alerts."""
    pager = Pager()

    class Opening:
        def __enter__(self):
            return pager.__enter__()

        def __exit__(self, *_):
            pager.__exit__()

    alerted(Opening(), "desk@example.com", "opened")
    assert [(message.template, pager.opened) for message in pager.carried] == [("case_opened", 0)]


# -- asking again ------------------------------------------------------------------------------------------------------

HELD = FollowUp(field("rating") <= 6, holdout=0.5, capacity=Capacity(per_day=4), name="recover")


def test_detractors_are_asked_again_whether_they_were_called_or_not():
    """Called, held out and over capacity alike: every detractor that the policy wanted, and nobody else."""
    ratings = [number % 11 for number in range(44)]
    found = answered(ratings, follow_up=HELD, recovery=Recovery(), rules=[QuietPeriod(days=90, after="answered")])
    (made,) = found.decide(at=MONDAY + 2 * HOUR)
    assert all(made.counts.values())
    due = MONDAY + 49 * HOUR
    assert {event.at for event in kinds_of(found, Triggered)} == {due}
    again = found.recovery_program
    for days, asked in ((20, 0), (22, 1), (29, 1), (31, 0)):
        at = due + days * DAY
        expected = {f"c-{number}" for number, rating in enumerate(ratings) if rating <= 6 and asked}
        assert {each.contact for each in again.plan(people(44), at=at, horizon=timedelta(0)).invitations} == expected


def test_answers_of_a_recovery_are_in_no_score_unless_asked_for():
    """What is answered to the second question counts apart, also when it comes by the first program's hands."""
    found = answered([0] * 6, follow_up=every_detractor(), recovery=Recovery())
    found.decide(at=MONDAY + 2 * HOUR)
    before, at = found.score(), MONDAY + 25 * DAY
    again = found.recovery_program
    again.execute(again.plan(people(6), at=at), clock=lambda: at)
    asked = [event.message for event in kinds_of(found, Scheduled) if event.message.survey == "nps-recovery"]
    assert len(asked) == 6
    for number, message in enumerate(asked):
        hears = found if number % 2 else again
        assert hears.receive_answer(message.id, 10, at=at + HOUR).purpose == "recovery"
    assert found.score() == before == found.score(at=at + DAY)
    assert [each.rating for each in found.responses(purpose="recovery")] == [10] * 6
    assert again.responses() == again.responses(purpose="recovery") == found.responses(purpose="recovery")
    assert len(kinds_of(found, Responded)) == 12
    assert [len(each) for each in found.decide(at=at + DAY)] == [0]


def test_a_purpose_is_one_of_two():
    """Answers are for the score or of a recovery, and nothing else."""
    with pytest.raises(InvalidArgument, match="purpose must be one of 'score', 'recovery'"):
        program().responses(purpose="fun")


def test_a_recovery_keeps_the_guard_and_every_opt_out():
    """Within 24 hours of another message nobody is asked again, nor ever after an opt-out."""
    found = answered([0, 0, 0], follow_up=every_detractor(), recovery=Recovery())
    found.decide(at=MONDAY + 2 * HOUR)
    at = MONDAY + 25 * DAY
    found.receive_opt_out(contact="c-0", at=at - DAY)
    other = Program(
        survey=Survey("other"), store=found.store, channels={"post": Post()}, cadence=Wave("w"), rules=[], links=LINKS
    )
    other.execute(other.plan(people(2), at=at), clock=lambda: at)
    plan = found.recovery_program.plan(people(3), at=at + HOUR, horizon=timedelta(0))
    assert [message.contact for message in plan.invitations] == ["c-2"]


def test_a_program_without_recovery_asks_nobody_again():
    """Without it nothing is triggered, and the program of it is refused by name."""
    found = answered([0], follow_up=every_detractor())
    found.decide(at=MONDAY + 2 * HOUR)
    assert kinds_of(found, Triggered) == []
    with pytest.raises(InvalidArgument) as refused:
        found.recovery_program  # noqa: B018 -- it is the access that is refused
    assert str(refused.value) == "recovery must be given, for detractors to be asked again (got None)"


@pytest.mark.parametrize(
    ("follow_up", "message"),
    [
        ("recover", "follow_up must be a FollowUp or a sequence of them (got 'recover')"),
        ([FollowUp(), FollowUp()], "follow_up must be of different names (got ['follow-up', 'follow-up'])"),
    ],
)
def test_policies_that_cannot_be_are_refused(follow_up, message):
    """Policies are FollowUps, and no two have one name."""
    with pytest.raises(InvalidArgument) as refused:
        program(follow_up=follow_up)
    assert str(refused.value) == message


def test_a_policy_that_asks_for_what_is_not_kept_is_refused_at_once():
    """A policy that names an attribute which no answer will have is refused when the program is made."""
    with pytest.raises(InvalidArgument, match="country"):
        program(follow_up=FollowUp(field("country") == "FR"))
