"""Values as plain dicts: nothing is lost, nothing is guessed, and what was once written stays readable."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import get_args

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netpromoter.errors import InvalidArgument
from netpromoter.model import (
    Bounced,
    CaseAlerted,
    CaseMoved,
    CaseNoted,
    CaseOpened,
    Coded,
    Contact,
    Deadline,
    Declined,
    Driver,
    Event,
    Failed,
    FollowUpDecided,
    Message,
    OptedIn,
    OptedOut,
    Receipt,
    Record,
    Responded,
    Response,
    Scheduled,
    Sending,
    Sent,
    Settled,
    Shown,
    Survey,
    Triggered,
    WaveDrawn,
    Withheld,
    from_dict,
    to_dict,
)
from strategies import records

GOLDEN = Path(__file__).parent / "golden" / "log_v1.jsonl"
JSON_TYPES = {str, int, float, bool, type(None), list, dict}


def utc(*parts):
    """Make an instant in UTC."""
    return datetime(*parts, tzinfo=UTC)


VALUES = [
    WaveDrawn(
        survey="relationship",
        occasion="2026/autumn",
        stratum="free",
        population=5000,
        eligible=4800,
        drawn=480,
        probability=0.1,
        seed="relationship autumn",
        at=utc(2026, 9, 1, 6),
    ),
    Triggered(
        event="case-7",
        touchpoint="case closed",
        contact="c-1",
        at=utc(2026, 9, 1, 7, 30, 0, 250_000),
        snapshot={
            "priority": "high",
            "hours": 7.5,
            "replies": 3,
            "escalated": False,
            "owner": None,
            "opened": utc(2026, 8, 30, 22),
            "note": "2026-08-30T22:00:00.000000Z",
        },
    ),
    Scheduled(
        message=Message(
            survey="relationship",
            revision=2,
            occasion="2026/autumn",
            contact="c-1",
            step=0,
            channel="email",
            to="zoë@example.com",
            destination=(1 << 64) - 1,
            due=utc(2026, 9, 2, 8),
            subject="How are we doing?",
            arm="short",
            locale="pt-BR",
            time_zone="America/Sao_Paulo",
            stratum="free",
            probability=0.1,
            snapshot={"plan": "free", "since": utc(2024, 2, 29)},
        ),
        at=utc(2026, 9, 1, 6, 0, 0, 1),
    ),
    Scheduled(
        message=Message(
            survey="support",
            kind="transactional",
            occasion="case-7",
            contact="c-2",
            step=1,
            attempt=1,
            channel="sms",
            to="+33 6 12",
            due=utc(2026, 9, 2, 8),
            template="reminder",
        ),
        at=utc(2026, 9, 1, 6),
    ),
    Sent(message="relationship/2026%2Fautumn/c-1/0/0", at=utc(2026, 9, 2, 8, 0, 3), reference="<1@mx.example.com>"),
    Sending(
        message="support/case-7/c-2/1/1",
        worker="w-2",
        at=utc(2026, 9, 2, 8),
        until=utc(2026, 9, 2, 8, 15),
        turn=1,
    ),
    Withheld(message="support/case-7/c-2/2/0", at=utc(2026, 9, 2, 8, 0, 4), reason="opted out"),
    Settled(message="support/case-7/c-2/1/1", at=utc(2026, 9, 2, 9), delivered=True),
    Failed(message="support/case-7/c-2/1/1", at=utc(2026, 9, 2, 8, 0, 4), reason="no such number", permanent=True),
    Shown(survey="relationship", occasion="2026/autumn", contact="c-1", at=utc(2026, 9, 2, 9)),
    Responded(
        response=Response(
            survey="relationship",
            revision=2,
            occasion="2026/autumn",
            contact="c-1",
            rating=9,
            at=utc(2026, 9, 2, 9, 1),
            comment='😀 "fast"\n',
            drivers={"speed": 5, "why": "support"},
            arm="short",
            step=0,
            channel="email",
            destination=(1 << 64) - 1,
            stratum="free",
            probability=0.1,
            snapshot={"plan": "free"},
        )
    ),
    Responded(
        response=Response(
            survey="support",
            kind="transactional",
            occasion="case-7",
            contact="c-2",
            ordinal=1,
            rating=0,
            at=utc(2026, 9, 3),
            purpose="recovery",
        ),
        at=utc(2026, 9, 3, 0, 0, 1),
    ),
    Declined(survey="culture", kind="employee", occasion="2026", contact="c-3", at=utc(2026, 9, 3, 10)),
    OptedOut(contact="c-3", at=utc(2026, 9, 3, 10, 0, 1), reminders_only=True, destination=7),
    OptedIn(contact="c-3", at=utc(2026, 9, 4, 10), destination=7),
    Bounced(
        contact="c-2",
        destination=9,
        at=utc(2026, 9, 4, 11),
        channel="sms",
        message="support/case-7/c-2/1/1",
        reason="expired",
    ),
    Coded(response="relationship/2026%2Fautumn/c-1/0", code="speed", coder="ann", at=utc(2026, 9, 5, 12)),
    Contact(
        id="007",
        addresses={"email": "ann@example.com", "sms": "+33 6 12"},
        locale="fr",
        time_zone="Europe/Paris",
        account="a-1",
        since=utc(2024, 2, 29),
        attributes={"plan": "paid", "seats": 12, "ratio": 0.5, "vip": True, "renewal": utc(2027, 1, 1)},
    ),
    Contact(id="008"),
    Survey(
        "support",
        kind="transactional",
        product="Acme",
        revision=3,
        drivers=(
            Driver(key="speed", question="How fast were we?", touchpoint="case closed"),
            Driver(key="why", question="Why?"),
        ),
        stands_for="relationship",
    ),
    FollowUpDecided(
        response="support/case-7/c-2/1",
        policy="call back",
        policy_version=2,
        decision="selected",
        reason="rating is 0",
        at=utc(2026, 9, 3, 6),
    ),
    CaseOpened(
        survey="support",
        occasion="case-7",
        contact="c-2",
        policy="call back",
        policy_version=2,
        ordinal=1,
        rating=0,
        owner="ann",
        priority=0.1 + 0.2,
        deadlines=(
            Deadline(promise="attempt", due=utc(2026, 9, 5), notice=utc(2026, 9, 4), escalation=utc(2026, 9, 6)),
            Deadline(promise="close", due=utc(2026, 9, 9)),
        ),
        at=utc(2026, 9, 3, 6),
    ),
    CaseAlerted(case="support/case-7/c-2/call%20back", promise="attempt", alert="overdue", at=utc(2026, 9, 5)),
    CaseMoved(
        case="support/case-7/c-2/call%20back",
        number=0,
        to="resolved",
        by="ann",
        at=utc(2026, 9, 5, 1),
        owner="bea",
        resolution="not recoverable",
        root_cause="billing",
        note="Moved to another supplier.",
    ),
    CaseNoted(case="support/case-7/c-2/call%20back", number=1, by="ann", note="Sent flowers.", at=utc(2026, 9, 5, 2)),
    Receipt(message="support/case-7/c-2/1/0", accepted=False, reason="busy", retry_after=timedelta(seconds=90.5)),
]
SENT = to_dict(VALUES[4])
SCHEDULED = to_dict(VALUES[3])
TRIGGERED = to_dict(VALUES[1])
RECEIPT = to_dict(VALUES[-1])
SURVEY = next(to_dict(value) for value in VALUES if isinstance(value, Survey))


def types_in(data):
    """Give the types of a dict and of all that it holds."""
    yield type(data)
    held = data.values() if isinstance(data, dict) else data if isinstance(data, list) else ()
    for each in held:
        yield from types_in(each)


def spelled(value):
    """Give a value with the types of all its parts, so that True differs from 1."""
    if attrs.has(type(value)):
        return [type(value), *(spelled(getattr(value, field.name)) for field in attrs.fields(type(value)))]
    if isinstance(value, dict):
        return {key: spelled(held) for key, held in value.items()}
    if isinstance(value, tuple):
        return tuple(map(spelled, value))
    return type(value), repr(value)


def read(line):
    return from_dict(json.loads(line))


@given(records())
def test_what_is_written_is_read_back(value):
    """Every value comes back from its dict as it was, also by way of JSON, and the dict holds nothing but JSON."""
    data = to_dict(value)
    assert set(types_in(data)) <= JSON_TYPES
    for back in (from_dict(data), read(json.dumps(data)), read(json.dumps(data, allow_nan=False, ensure_ascii=True))):
        assert back == value
        assert spelled(back) == spelled(value)
        assert to_dict(back) == data


def test_a_log_of_version_1_is_read_as_it_was_meant():
    """The golden log of version 1 gives the values that are spelled out here."""
    found = [read(line) for line in GOLDEN.read_text().splitlines()]
    assert found == VALUES
    assert list(map(spelled, found)) == list(map(spelled, VALUES))


def test_a_log_of_version_1_is_written_as_it_was():
    """Each line of the golden log comes out as it went in, sign by sign."""
    lines = GOLDEN.read_text().splitlines()
    assert [json.dumps(to_dict(read(line))) for line in lines] == lines


def test_the_golden_log_holds_every_type():
    """The golden log has every event and every other value that can be written."""
    held = {type(value) for value in VALUES}
    assert set(get_args(Event)) <= held
    assert set(get_args(Record)) == held | {Deadline, Driver, Message, Response}


def without(data, *names):
    return {name: held for name, held in data.items() if name not in names}


def nested(data, field, **changes):
    return data | {field: data[field] | changes}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (5, "data must be a mapping (got a value of type int)"),
        ({}, "data['type'] must be one of 'bounced', 'case_alerted', 'case_moved', 'case_noted', "),
        ({"type": "sold"}, "'withheld' (got 'sold')"),
        ({"type": ["sent"], "version": 1}, "(got ['sent'])"),
        (without(SENT, "version"), "sent.version must be a whole number of at least 1 (got None)"),
        (SENT | {"version": "1"}, "sent.version must be a whole number of at least 1 (got '1')"),
        (SENT | {"version": True}, "sent.version must be a whole number of at least 1 (got True)"),
        (SENT | {"version": 0}, "sent.version must be a whole number of at least 1 (got 0)"),
        (SENT | {"version": 2}, "sent.version must be 1 at most: the log was written by a newer netpromoter (got 2)"),
        (
            nested(SCHEDULED, "message", version=3),
            "message.version must be 1 at most: the log was written by a newer netpromoter (got 3)",
        ),
        (without(SENT, "at", "message"), "sent must have all its keys (got no 'at', 'message')"),
        (SENT | {"note": 1, "mood": 2}, "sent must have no keys but its own (got 'mood', 'note')"),
        (SENT | {1: 2}, "sent must have no keys but its own (got 1)"),
        (SENT | {"message": 5}, "sent.message must be text (got a value of type int)"),
        (SENT | {"message": None}, "sent.message must be text (got a value of type NoneType)"),
        (SENT | {"message": " "}, "message must be text that is not blank (got ' ')"),
        (SENT | {"at": 5}, "sent.at must be an instant as text (got a value of type int)"),
        (SENT | {"at": "today"}, "sent.at must be an instant such as '2026-06-01T08:00:00.000000Z' (got 'today')"),
        (SENT | {"at": "2026-13-01T08:00:00.000000Z"}, "sent.at must be an instant such as "),
        (SENT | {"at": "2026-06-01T08:00:00.000000"}, "sent.at must be an instant such as "),
        (SENT | {"at": "2026-06-01T08:00:00.000000Z\n"}, "sent.at must be an instant such as "),
        (
            TRIGGERED | {"snapshot": {"a": {"instant": 5}}},
            "triggered.snapshot['a'] must be an instant as text (got a value of type int)",
        ),
        (TRIGGERED | {"snapshot": {"a": {}}}, "triggered.snapshot['a'] must have all its keys (got no 'instant')"),
        (
            TRIGGERED | {"snapshot": {"a": {"instant": "x", "b": 1}}},
            "triggered.snapshot['a'] must have no keys but its own (got 'b')",
        ),
        (
            TRIGGERED | {"snapshot": {"a": []}},
            "snapshot['a'] must be text, a number, True, False, None or an instant (got a value of type list)",
        ),
        (TRIGGERED | {"snapshot": {"a": float("nan")}}, "snapshot['a'] must be text, a finite number"),
        (TRIGGERED | {"snapshot": {"": 1}}, "each key of snapshot must be text that is not blank (got '')"),
        (TRIGGERED | {"snapshot": []}, "triggered.snapshot must be a mapping (got a value of type list)"),
        (SCHEDULED | {"message": "m"}, "scheduled.message must be a mapping (got a value of type str)"),
        (SCHEDULED | {"message": SENT}, "scheduled.message['type'] must be one of 'message' (got 'sent')"),
        (nested(SCHEDULED, "message", to=33612), "message.to must be text (got a value of type int)"),
        (nested(SCHEDULED, "message", step=True), "message.step must be a whole number (got a value of type bool)"),
        (nested(SCHEDULED, "message", step=1.0), "message.step must be a whole number (got a value of type float)"),
        (nested(SCHEDULED, "message", probability="1"), "message.probability must be a number (got a value of type st"),
        (nested(SCHEDULED, "message", probability=10**400), "probability must be a number above 0, and 1 at most"),
        (nested(SCHEDULED, "message", kind="b2b"), "kind must be one of 'relationship', 'transactional', 'employee'"),
        (RECEIPT | {"accepted": 1}, "receipt.accepted must be True or False (got a value of type int)"),
        (RECEIPT | {"retry_after": "9"}, "receipt.retry_after must be a number (got a value of type str)"),
        (RECEIPT | {"retry_after": float("nan")}, "receipt.retry_after must be a number of seconds (got nan)"),
        (RECEIPT | {"retry_after": 1e300}, "receipt.retry_after must be a number of seconds (got 1e+300)"),
        (RECEIPT | {"retry_after": -1.0}, "retry_after must be a timedelta of at least 0:00:00, and of a century at"),
        (SURVEY | {"drivers": {}}, "survey.drivers must be a list (got a value of type dict)"),
        (SURVEY | {"drivers": ["speed"]}, "survey.drivers[0] must be a mapping (got a value of type str)"),
    ],
)
def test_what_was_not_written_here_is_refused_by_name(data, message):
    """Unknown types and versions, missing and unknown keys, and values of wrong types are refused, each by its name."""
    with pytest.raises(InvalidArgument) as refused:
        from_dict(data)
    assert message in str(refused.value)


@given(records(), st.data())
def test_no_key_can_be_left_out_or_added(value, data):
    """A dict that lacks any of its keys, or has one more, is refused."""
    whole = to_dict(value)
    name = data.draw(st.sampled_from(sorted(whole)))
    with pytest.raises(InvalidArgument):
        from_dict(without(whole, name))
    with pytest.raises(InvalidArgument):
        from_dict(whole | {name + "s": whole[name]})


@pytest.mark.parametrize("value", [None, 5, {}, Contact, datetime(2026, 6, 1, tzinfo=UTC)])
def test_other_values_are_not_written(value):
    """What is none of the values of the model is refused."""
    with pytest.raises(InvalidArgument, match="value must be an event, a contact, a survey, a message, a receipt or a"):
        to_dict(value)
