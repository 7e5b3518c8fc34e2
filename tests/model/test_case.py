"""A case: where it may go, what was promised, and how it stood at any instant."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import get_args

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netpromoter.errors import IllegalMove, InvalidArgument, InvalidRating
from netpromoter.model import (
    MOVES,
    Case,
    CaseAlerted,
    CaseMoved,
    CaseNoted,
    CaseOpened,
    CaseStatus,
    Deadline,
    FollowUpDecided,
    Resolution,
)

START = datetime(2026, 6, 1, 8, tzinfo=UTC)
HOUR = timedelta(hours=1)
UNAWARE = "at must be a datetime with a time zone (got datetime.datetime(2026, 6, 1, 0, 0))"
PROMISES = ("attempt", "contact", "close")
KEPT_BY = {"attempt": {"attempted", "contacted", "unreachable", "declined"}, "contact": {"contacted", "declined"}}
KEPT_BY |= {"close": {"closed"}}


def opened(**more):
    """Open a case."""
    place = {"survey": "nps", "occasion": "june", "contact": "c/1", "policy": "recover", "rating": 2, "at": START}
    return CaseOpened(**place | more)


DEADLINES = st.lists(
    st.builds(
        Deadline,
        promise=st.sampled_from(PROMISES),
        due=st.integers(0, 60).map(lambda hours: START + hours * HOUR),
        notice=st.none() | st.integers(0, 60).map(lambda hours: START + hours * HOUR),
        escalation=st.none() | st.integers(0, 60).map(lambda hours: START + hours * HOUR),
    ),
    max_size=3,
    unique_by=lambda deadline: deadline.promise,
).map(tuple)


@st.composite
def cases(draw):
    """Draw cases that went through any legal moves, with notes between them."""
    case = Case(opened=opened(owner=draw(st.none() | st.just("ann")), deadlines=draw(DEADLINES)))
    at = START
    for _ in range(draw(st.integers(0, 7))):
        at += draw(st.integers(0, 12)) * HOUR
        to = draw(st.sampled_from(MOVES[case.status]))
        more = {"owner": draw(st.sampled_from(["ann", "bea"]))} if to == "assigned" else {}
        if to in {"resolved", "closed"}:
            more["resolution"] = draw(st.sampled_from(get_args(Resolution)))
        if draw(st.booleans()):
            more["root_cause"] = draw(st.sampled_from(["billing", "speed"]))
        moved = case.move(to, by="bea", at=at, **more)
        case = Case(opened=case.opened, moves=(*case.moves, moved), notes=case.notes)
    return case


def events_of(case):
    """Give everything that happened to a case."""
    return [case.opened, *case.moves, *case.notes, *case.alerts]


@given(cases(), st.randoms())
def test_a_case_is_the_fold_of_its_events_in_any_order(case, random):
    """Whatever the order of the events, and however often one comes, the case is the same."""
    events = events_of(case) * 2
    random.shuffle(events)
    assert Case.of(events) == case


@given(cases())
def test_every_step_is_a_legal_move(case):
    """A case goes from status to status along the table, and a case with an owner begins as assigned."""
    steps = ["new" if case.opened.owner is None else "assigned", *(move.to for move in case.moves)]
    assert all(after in MOVES[before] for before, after in pairwise(steps))
    assert case.status == steps[-1]
    assert case.is_open == (steps[-1] != "closed")


@pytest.mark.parametrize("status", get_args(CaseStatus))
def test_the_table_names_every_status(status):
    """Every status can be left, and reached unless a case begins there."""
    assert MOVES[status]
    assert status == "new" or any(status in reached for reached in MOVES.values())


@given(cases(), st.sampled_from(get_args(CaseStatus)))
def test_an_illegal_move_is_refused_by_name(case, to):
    """What the table does not have is refused; the message says where the case stands and where it may go."""
    at = START + 1000 * HOUR
    more = {"owner": "ann", "resolution": "recovered"}
    if to in MOVES[case.status]:
        assert case.move(to, by="ann", at=at, **more).number == len(case.moves)
    else:
        with pytest.raises(IllegalMove) as refused:
            case.move(to, by="ann", at=at, **more)
        may = ", ".join(MOVES[case.status])
        assert str(refused.value) == f"a case that is {case.status} may become {may} (got {to!r})"


@given(cases(), st.integers(0, 100))
def test_a_case_can_be_read_back_as_it_stood(case, hours):
    """As of an instant, a case is the fold of what had happened by then."""
    at = START + hours * HOUR
    before = [event for event in events_of(case) if event.at <= at]
    assert case.as_of(at) == Case.of(before)
    assert case.as_of(START + 1000 * HOUR) == case


@given(cases(), st.integers(0, 100))
def test_what_is_to_be_told_is_open_and_not_kept(case, hours):
    """An alert is told once its instant has come, of an open case and a promise that is not kept; due until overdue."""
    at = START + hours * HOUR
    expected = {
        (deadline.promise, alert)
        for deadline in case.deadlines
        for alert, when in [("due", deadline.notice), ("overdue", deadline.due), ("escalated", deadline.escalation)]
        if when is not None and when <= at and not (alert == "due" and deadline.due <= at)
        if case.status != "closed" and not any(move.to in KEPT_BY[deadline.promise] for move in case.moves)
    }
    found = case.pending(at)
    assert {(alert.promise, alert.alert) for alert in found} == expected
    assert [alert.at for alert in found] == sorted(alert.at for alert in found)
    assert Case(opened=case.opened, moves=case.moves, alerts=tuple(found)).pending(at) == []


@given(cases(), st.integers(0, 60), st.integers(0, 100))
def test_nothing_is_to_be_told_since_before_a_case_was_opened(case, late, hours):
    """However late a case is opened, no alert is older, and as of its own instant each is known."""
    late = START + late * HOUR
    case = Case(opened=attrs.evolve(case.opened, at=late))
    found = case.pending(START + hours * HOUR)
    told = Case(opened=case.opened, alerts=tuple(found))
    assert all(late <= alert.at <= START + hours * HOUR for alert in found)
    assert all(alert in told.as_of(alert.at).alerts for alert in found)


@given(cases())
def test_a_promise_is_kept_at_the_first_move_that_keeps_it(case):
    """When a promise was kept is the instant of the first such move; the last of each status is known too."""
    for promise in PROMISES:
        times = [move.at for move in case.moves if move.to in KEPT_BY[promise]]
        assert case.kept(promise) == (times[0] if times else None)
    times = [move.at for move in case.moves if move.to == "assigned"]
    assert (case.first("assigned"), case.last("assigned")) == ((times[0], times[-1]) if times else (None, None))


@given(cases(), st.integers(0, 100))
def test_a_case_is_due_at_the_first_promise_that_is_not_kept(case, hours):
    """What is due next is the earliest promise of an open case that no move has kept; from then on it is overdue."""
    kept = {promise for promise in PROMISES for move in case.moves if move.to in KEPT_BY[promise]}
    waiting = [each.due for each in case.deadlines if each.promise not in kept and case.status != "closed"]
    at = START + hours * HOUR
    assert case.due == min(waiting, default=None)
    assert case.is_overdue(at) == any(due <= at for due in waiting)


@given(cases())
def test_the_last_word_counts(case):
    """Owner, resolution and root cause are those of the last move that names one."""
    for name, first in (("owner", case.opened.owner), ("resolution", None), ("root_cause", None)):
        said = [getattr(move, name) for move in case.moves if getattr(move, name) is not None]
        assert getattr(case, name) == (said[-1] if said else first)


def test_what_it_is_comes_from_its_beginning():
    """Id, contact and rating are those of the event that opened it, and no other case has the id."""
    case = Case(opened=opened())
    assert (case.id, case.contact, case.rating) == ("nps/june/c%2F1/recover", "c/1", 2)
    assert case.opened.response == "nps/june/c%2F1/0"
    assert len({opened(**{name: "x"}).case for name in ("survey", "occasion", "contact", "policy")} | {case.id}) == 5
    assert repr(case) == "Case('nps/june/c%2F1/recover': new, rating 2)"


def test_notes_are_read_in_the_order_of_time_and_never_shown():
    """A note is kept with who made it, and no repr shows it."""
    notes = [CaseNoted(case=opened().case, by="ann", note="secret", at=START + hours * HOUR) for hours in (2, 1)]
    case = Case.of([*notes, opened()])
    assert [note.at for note in case.notes] == [START + HOUR, START + 2 * HOUR]
    moved = CaseMoved(case=case.id, number=0, to="closed", by="ann", at=START, note="secret")
    assert "secret" not in repr(notes) + repr(moved) + repr(case)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Case.of([]), "events must be those of one case, with how it was opened (got [])"),
        (
            lambda: Case.of([opened(), opened(contact="c-2")]),
            "events must be those of one case, with how it was opened (got ['nps/june/c%2F1/recover', 'nps/june/c-2",
        ),
        (
            lambda: Case.of([opened(), CaseMoved(case=opened().case, number=1, to="closed", by="a", at=START)]),
            "moves must be numbered from 0 on (got [1])",
        ),
        (
            lambda: Case(opened=opened()).as_of(START - HOUR),
            "at must be an instant at which the case was open, from 2026-06-01 08:00:00+00:00 on (got",
        ),
        *(
            (lambda read=read: getattr(Case(opened=opened()), read)(datetime(2026, 6, 1)), UNAWARE)  # noqa: DTZ001
            for read in ("as_of", "is_overdue", "pending")
        ),
        (
            lambda: Case(opened=opened()).move("assigned", by="a", at=START - HOUR, owner="ann"),
            "at must be not before 2026-06-01 08:00:00+00:00, when the case last moved (got",
        ),
        (lambda: opened(priority=float("nan")), "priority must be a finite number (got nan)"),
        (lambda: opened(priority=True), "priority must be a finite number (got True)"),
        (lambda: opened(rating=11), "rating must be a whole number from 0 to 10 (got 11)"),
        (lambda: opened(deadlines=5), "deadlines must be a tuple of Deadline (got 5)"),
        (
            lambda: opened(deadlines=[Deadline(promise="close", due=START)] * 2),
            "deadlines must be of different promises (got ['close', 'close'])",
        ),
        (
            lambda: CaseAlerted(case="nps", promise="close", alert="due", at=START),
            "case must be the id of a case: survey, occasion, contact and policy, joined by slashes (got 'nps')",
        ),
        (
            lambda: FollowUpDecided(response="a", policy="p", decision="maybe", reason="", at=START),
            "decision must be one of 'selected', 'held out', 'over capacity', 'not selected' (got 'maybe')",
        ),
    ],
)
def test_what_cannot_be_is_refused_by_name(make, message):
    """Each refusal names the argument, the rule and the value."""
    with pytest.raises((InvalidArgument, InvalidRating)) as refused:
        make()
    assert str(refused.value).startswith(message)


@pytest.mark.parametrize(
    ("to", "message"),
    [
        ("assigned", "a case that is assigned must have an owner (got None)"),
        ("closed", "a case that is closed must have a resolution (got None)"),
    ],
)
def test_a_move_needs_what_its_status_says(to, message):
    """A case is assigned to somebody, and closed with a resolution."""
    with pytest.raises(IllegalMove) as refused:
        Case(opened=opened()).move(to, by="ann", at=START)
    assert str(refused.value) == message
