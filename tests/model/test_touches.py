"""Touches: a log folded into columns, against a slow reading of the same log."""

import pickle
from datetime import UTC, datetime, timedelta

import attrs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netpromoter.errors import InvalidArgument
from netpromoter.model import (
    KINDS,
    Bounced,
    Failed,
    Message,
    OptedOut,
    Responded,
    Response,
    Scheduled,
    Sending,
    Sent,
    Settled,
    Shown,
    Touches,
    Triggered,
    Withheld,
)
from strategies import CLOSE, FEW, events, logs, touches

AT = datetime(2026, 6, 1, 8, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
FEWER = settings(max_examples=25)
MESSAGE = Message(
    survey="s", occasion="o", contact="c", step=0, channel="email", to="a@example.com", destination=7, due=AT, arm="x"
)
NO_ROW = dict.fromkeys(("survey", "survey_kind", "occasion", "step", "attempt", "channel", "destination", "arm"))
NO_ROW |= {"touchpoint": None, "rating": None, "waits": False}


def of_a_survey(event):
    return {"survey": event.survey, "survey_kind": event.kind, "occasion": event.occasion, "contact": event.contact}


def slow_rows(log):  # noqa: C901, PLR0912 -- an oracle reads best from top to bottom
    """Read a log as rows, one event after the other, with nothing but dicts."""
    rows, seen, rows_of, reached = [], set(), {}, {}
    undelivered, withheld, sent_rows, untaken = set(), set(), set(), {}
    for event in log:
        if event.id in seen:
            continue
        seen.add(event.id)
        if isinstance(event, Sending | Sent | Failed | Settled | Withheld):
            untaken.pop(event.message, None)
        if isinstance(event, Scheduled):
            sent = event.message
            reached[sent.survey, sent.occasion, sent.contact] = sent.destination or None
            before = rows_of.get(attrs.evolve(sent, attempt=sent.attempt - 1).id) if sent.attempt else None
            again = sent.step > 0 or (sent.attempt > 0 and id(before) not in withheld)
            row = of_a_survey(sent) | {"kind": "reminded" if again else "invited", "at": sent.due, "arm": sent.arm}
            row |= {"step": sent.step, "attempt": sent.attempt, "channel": sent.channel}
            row = NO_ROW | row | {"destination": sent.destination or None}
            if id(before) in undelivered - withheld:
                undelivered.discard(id(before))
                before |= row | {"kind": before["kind"]}
                rows_of[sent.id] = before
            else:
                rows_of[sent.id] = row
                rows.append(row)
            untaken[sent.id] = rows_of[sent.id]
        elif isinstance(event, Sending | Sent | Failed | Withheld | Settled) and event.message not in rows_of:
            continue
        elif isinstance(event, Withheld):
            withheld |= {id(rows_of[event.message])} - sent_rows
        elif isinstance(event, Settled):
            undelivered |= set() if event.delivered else {id(rows_of[event.message])}
        elif isinstance(event, Sending | Sent):
            rows_of[event.message]["at"] = max(rows_of[event.message]["at"], event.at)
            if isinstance(event, Sent):
                sent_rows.add(id(rows_of[event.message]))
                withheld -= sent_rows
        elif isinstance(event, Failed):
            if event.permanent:
                rows.append(rows_of[event.message] | {"kind": "bounced", "at": event.at})
            else:
                undelivered.add(id(rows_of[event.message]))
        elif type(event).__name__ not in SILENT:
            rows.append(NO_ROW | slow_row(event, rows_of, reached))
    for row in untaken.values():
        row["waits"] = True
    return [row for row in rows if id(row) not in withheld]


SILENT = {"WaveDrawn", "Coded", "FollowUpDecided", "CaseOpened", "CaseMoved", "CaseNoted", "CaseAlerted"}


def slow_row(event, rows_of, reached):
    name = type(event).__name__
    if name == "Bounced":
        known = rows_of.get(event.message)
        place = event.destination or (known["destination"] if known else None)
        mine = known or {"contact": event.contact, "channel": event.channel}
        return mine | {"kind": "bounced", "at": event.at, "destination": place}
    if name == "Triggered":
        row = {"kind": "triggered", "at": event.at, "contact": event.contact}
        return row | {"occasion": event.event, "touchpoint": event.touchpoint}
    if name in {"OptedOut", "OptedIn"}:
        kind = {"OptedIn": "opted_in"}.get(name) or ("reminders_off" if event.reminders_only else "opted_out")
        return {"kind": kind, "at": event.at, "contact": event.contact, "destination": event.destination or None}
    told = event.response if name == "Responded" else event
    kind = {"Responded": "answered"}.get(name, name.lower())
    row = of_a_survey(told) | {"kind": kind, "at": told.at}
    row["destination"] = getattr(told, "destination", 0) or reached.get((told.survey, told.occasion, told.contact))
    return row | {part: getattr(told, part) for part in ("channel", "step", "arm", "rating") if hasattr(told, part)}


def rows(history):
    return list(history.rows())


@given(logs(max_size=16))
def test_a_log_is_folded_as_it_reads(log):
    """The rows of the columns are those that a slow reading of the log gives, in the same order."""
    found = rows(Touches.of(iter(log)))
    assert found == slow_rows(log)
    assert all(set(row) == set(NO_ROW) | {"contact", "kind", "at"} for row in found)


@given(st.lists(events(), max_size=6))
def test_any_events_can_be_folded(log):
    """Whatever a log holds, its rows are those of the slow reading."""
    assert rows(Touches.of(log)) == slow_rows(log)


@FEWER
@given(logs(), st.data())
def test_an_event_counts_once(log, data):
    """An event that comes again, anywhere behind itself, changes nothing."""
    more = list(log)
    for place in data.draw(st.lists(st.integers(0, max(len(log) - 1, 0)), max_size=4)) if log else []:
        more.insert(data.draw(st.integers(place + 1, len(more))), log[place])
    kept, seen = [], set()
    for event in more:
        if event.id not in seen:
            kept.append(event)
            seen.add(event.id)
    assert rows(Touches.of(more)) == rows(Touches.of(kept))


#: Events that speak of no other.
ALONE = st.lists(
    st.one_of(
        st.builds(Triggered, event=FEW, touchpoint=FEW, contact=FEW, at=CLOSE),
        st.builds(OptedOut, contact=FEW, at=CLOSE, reminders_only=st.booleans()),
        st.builds(Shown, survey=FEW, occasion=FEW, contact=FEW, at=CLOSE, channel=FEW),
    ),
    max_size=8,
    unique_by=lambda event: event.id,
)


@given(ALONE, st.integers(0, 8))
def test_histories_add_up(log, cut):
    """Where no event speaks of another, two histories together are the history of both logs."""
    whole = Touches.of(log)
    both = Touches.of(log[:cut]) + Touches.of(log[cut:])
    assert rows(both) == rows(whole)
    assert [getattr(both, table) for table in TABLES] == [getattr(whole, table) for table in TABLES]


TABLES = ("contacts", "surveys", "occasions", "channels", "arms", "touchpoints")


@FEWER
@given(touches(), touches())
def test_adding_puts_rows_behind_rows(some, more):
    """A sum has the rows of both, and one with itself those of itself twice."""
    assert rows(some + more) == rows(some) + rows(more)
    assert rows(some + some) == rows(some) * 2


@FEWER
@given(touches())
def test_sorting_keeps_the_order_of_one_instant(history):
    """Sorted rows stand in the order of time, and those of one instant in their own."""
    assert rows(history.sorted()) == sorted(rows(history), key=lambda row: row["at"])
    assert history.sorted().in_order
    assert history.sorted().sorted() is history.sorted() or not history.in_order


@FEWER
@given(touches(), st.data())
def test_rows_can_be_chosen(history, data):
    """Rows are chosen by mask or by position."""
    mask = np.array(data.draw(st.lists(st.booleans(), min_size=len(history), max_size=len(history))), np.bool_)
    chosen = [row for row, wanted in zip(history.rows(), mask, strict=True) if wanted]
    assert rows(history.where(mask)) == rows(history.where(np.flatnonzero(mask))) == chosen


@FEWER
@given(touches())
def test_a_history_survives_pickling(history):
    """A pickled history has the same rows."""
    assert rows(pickle.loads(pickle.dumps(history))) == rows(history)  # noqa: S301


@given(st.permutations([Sent(message=MESSAGE.id, at=AT + HOUR), Sent(message=MESSAGE.id, at=AT + HOUR)]))
def test_a_message_that_left_late_is_one_row_at_that_instant(sent):
    """A message is one row, at the instant at which it left where that is after the one for which it was due."""
    (row,) = Touches.of([Scheduled(message=MESSAGE, at=AT), *sent]).rows()
    assert (row["kind"], row["at"]) == ("invited", AT + HOUR)
    (row,) = Touches.of([Scheduled(message=MESSAGE, at=AT), Sent(message=MESSAGE.id, at=AT - HOUR)]).rows()
    assert row["at"] == AT


def test_only_a_permanent_failure_is_a_bounce():
    """A failure for good adds a bounce at the destination of the message; one for now adds nothing."""
    for permanent, kinds in ((False, ["invited"]), (True, ["invited", "bounced"])):
        failed = Failed(message=MESSAGE.id, at=AT + HOUR, reason="full", permanent=permanent)
        history = Touches.of([Scheduled(message=MESSAGE, at=AT), failed])
        assert [KINDS[kind] for kind in history.kind] == kinds
        assert set(history.destination.tolist()) == {7}


def test_an_attempt_after_one_that_reached_nobody_takes_its_row():
    """A retry is the message, at its own instant and address; the first attempt was none."""
    again = attrs.evolve(MESSAGE, attempt=1, due=AT + HOUR, to="b@example.com", destination=8)
    failed = Failed(message=MESSAGE.id, at=AT, reason="busy", permanent=False)
    settled = Settled(message=MESSAGE.id, at=AT, delivered=False)
    for outcome in (failed, settled):
        (row,) = rows(Touches.of([Scheduled(message=MESSAGE, at=AT), outcome, Scheduled(message=again, at=AT)]))
        assert (row["kind"], row["attempt"], row["at"], row["destination"]) == ("invited", 1, AT + HOUR, 8)


def test_a_message_that_was_withheld_is_no_touch():
    """Nobody was written to; and the next attempt is an invitation again."""
    log = [Scheduled(message=MESSAGE, at=AT), Withheld(message=MESSAGE.id, at=AT, reason="answered")]
    assert rows(Touches.of(log)) == []
    again = attrs.evolve(MESSAGE, attempt=1)
    assert [row["kind"] for row in rows(Touches.of([*log, Scheduled(message=again, at=AT)]))] == ["invited"]


def test_a_message_that_was_taken_counts_from_then():
    """It may have left, whatever becomes known of it; unless it did not, and another attempt takes its row."""
    log = [Scheduled(message=MESSAGE, at=AT), Sending(message=MESSAGE.id, worker="w", at=AT + HOUR, until=AT + DAY)]
    for outcome in ([], [Settled(message=MESSAGE.id, at=AT + DAY, delivered=True)]):
        assert [row["at"] for row in rows(Touches.of([*log, *outcome]))] == [AT + HOUR]
    again = Scheduled(message=attrs.evolve(MESSAGE, attempt=1, due=AT), at=AT + DAY)
    failed = Failed(message=MESSAGE.id, at=AT + DAY, reason="busy", permanent=False)
    assert [row["at"] for row in rows(Touches.of([*log, failed, again]))] == [AT]


@given(
    st.permutations(
        [
            Sent(message=MESSAGE.id, at=AT),
            Withheld(
                message=attrs.evolve(MESSAGE, attempt=1).id, at=AT, reason="an earlier attempt was sent after all"
            ),
        ]
    )
)
def test_a_message_of_which_an_attempt_left_after_all_is_a_touch(said):
    """Somebody was written to, whatever became of the attempts that followed."""
    again = Scheduled(message=attrs.evolve(MESSAGE, attempt=1), at=AT)
    log = [Scheduled(message=MESSAGE, at=AT), Settled(message=MESSAGE.id, at=AT, delivered=False), again, *said]
    assert [row["kind"] for row in rows(Touches.of(log))] == ["invited"]


def test_a_bounce_names_its_own_destination_first():
    """The destination of a bounce is the one that it names, or else that of its message."""
    for named, found in ((9, 9), (0, 7)):
        bounce = Bounced(contact="c", destination=named, at=AT, message=MESSAGE.id)
        assert Touches.of([Scheduled(message=MESSAGE, at=AT), bounce]).destination.tolist() == [7, found]


def test_an_answer_is_known_by_the_message_that_asked():
    """An answer without a destination has that of the last message of its occasion."""
    answer = Response(survey="s", occasion="o", contact="c", rating=0, at=AT)
    history = Touches.of([Scheduled(message=MESSAGE, at=AT), Responded(response=answer)])
    assert history.destination.tolist() == [7, 7]
    assert history.rating.tolist() == [-1, 0]


def test_a_history_shows_its_size():
    """What a history shows of itself is how long it is."""
    one = Touches.of([OptedOut(contact="c", at=AT)])
    assert [repr(each) for each in (Touches.of([]), one, one + one)] == [
        "Touches(0 rows)",
        "Touches(1 row)",
        "Touches(2 rows)",
    ]
    assert len(Touches.of([])) == 0


def test_only_histories_can_be_added():
    """A history and something else have no sum."""
    with pytest.raises(TypeError):
        ONE + 5


ONE = Touches.of([Scheduled(message=MESSAGE, at=AT)])
MANY = tuple(str(number) for number in range(1 << 15))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Touches.of([MESSAGE]), "events must be made of events (got Message("),
        (
            lambda: attrs.evolve(ONE, step=np.zeros(1)),
            "step must be a column of int16 with 1 rows (got 'float64, shape",
        ),
        (
            lambda: attrs.evolve(ONE, kind=np.zeros(2, np.uint8)),
            "kind must be a column of uint8 with 1 rows (got 'uint8",
        ),
        (lambda: attrs.evolve(ONE, arms=()), "arm must be codes from -1 to -1 (got '0 to 0')"),
        (
            lambda: attrs.evolve(ONE, contact=np.array([-2], np.int32)),
            "contact must be codes from -1 to 0 (got '-2 to -2",
        ),
        (lambda: attrs.evolve(ONE, kind=np.array([10], np.uint8)), "kind must be codes from 0 to 9 (got 10)"),
        (
            lambda: attrs.evolve(ONE, at=np.array(["NaT"], "datetime64[us]")),
            "at must be known in every row (got 'NaT')",
        ),
        (
            lambda: attrs.evolve(ONE, arms=MANY[:-1]) + attrs.evolve(ONE, arms=MANY[-1:]),
            "arms must be 32,767 at most (got 32768)",
        ),
        (
            lambda: Touches.of(Triggered(event="e", touchpoint=each, contact="c", at=AT) for each in MANY),
            "touchpoints must be 32,767 at most (got 32768)",
        ),
    ],
)
def test_what_is_no_history_is_refused(make, message):
    """Foreign events, columns that do not fit, unknown codes and too many labels are refused by name."""
    with pytest.raises(InvalidArgument) as refused:
        make()
    assert message in str(refused.value)
