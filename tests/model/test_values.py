"""The frozen values: settled as plain Python, equal by what they say, and refused by name."""

import enum
import pickle
from datetime import UTC, date, datetime, timedelta, timezone
from functools import partial

import attrs
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netpromoter.errors import InvalidArgument, InvalidRating
from netpromoter.model import (
    Bounced,
    Contact,
    Driver,
    Message,
    OptedOut,
    Receipt,
    Responded,
    Response,
    Scheduled,
    Sent,
    Survey,
    WaveDrawn,
    message_id,
)
from strategies import NATURAL, TEXTS, events, messages, records, responses

AT = datetime(2026, 6, 1, 8, tzinfo=UTC)
NAIVE = datetime(2026, 6, 1)  # noqa: DTZ001
PARIS = timezone(timedelta(hours=2))
MESSAGE = {
    "survey": "s",
    "occasion": "o",
    "contact": "c",
    "step": 0,
    "channel": "email",
    "to": "ann@example.com",
    "due": AT,
}
RESPONSE = {"survey": "s", "occasion": "o", "contact": "c", "rating": 9, "at": AT}
WAVE = {
    "survey": "s",
    "occasion": "o",
    "stratum": "t",
    "population": 3,
    "eligible": 2,
    "drawn": 1,
    "probability": 0.5,
    "seed": "",
    "at": AT,
}


class Plan(enum.StrEnum):
    """Text of a class of its own."""

    PAID = "paid"


class Size(enum.IntEnum):
    """A number of a class of its own."""

    LARGE = 3


@given(records())
def test_a_value_is_its_fields(value):
    """A value made again of its fields, or pickled, is equal and has the same hash."""
    for twin in (attrs.evolve(value), pickle.loads(pickle.dumps(value))):  # noqa: S301
        assert twin == value
        assert hash(twin) == hash(value)


@given(records())
def test_a_value_cannot_be_changed(value):
    """No field of a value can be set."""
    for field in attrs.fields(type(value)):
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            setattr(value, field.name, None)


def test_mappings_are_copied():
    """What happens later to a mapping that was handed in does not change the value."""
    given_ = {"plan": "paid"}
    contact = Contact(id="c", addresses=given_, attributes=given_)
    message = Message(**MESSAGE, snapshot=given_)
    response = Response(**RESPONSE, drivers=given_, snapshot=given_)
    given_["plan"] = "free"
    kept = (contact.addresses, contact.attributes, message.snapshot, response.drivers, response.snapshot)
    assert kept == ({"plan": "paid"},) * 5


def test_what_is_private_is_not_shown():
    """No address and no comment is in what a value shows of itself."""
    hidden = "ann@example.com"
    values = [
        Contact(id="c", addresses={"email": hidden}),
        Message(**MESSAGE),
        Scheduled(message=Message(**MESSAGE), at=AT),
        Responded(response=Response(**RESPONSE, comment=hidden)),
    ]
    assert all(hidden not in repr(value) for value in values)


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (
            lambda: Contact(id="c", addresses={"sms": 33612}),
            "addresses['sms'] must be text that is not blank (got a va",
        ),
        (
            lambda: Contact(id="c", addresses={"sms": " "}),
            "addresses['sms'] must be text that is not blank (got blank ",
        ),
        (lambda: Message(**MESSAGE | {"to": 33612}), "to must be text that is not blank (got a value of type int)"),
        (
            lambda: Response(**RESPONSE, comment=33612),
            "comment must be text that is not blank (got a value of type int",
        ),
    ],
)
def test_what_is_private_is_not_shown_when_it_is_refused(make, name):
    """The refusal of an address or a comment names the field and shows nothing of it."""
    with pytest.raises(InvalidArgument) as refused:
        make()
    assert name in str(refused.value)
    assert "33612" not in str(refused.value)


PARTS = st.tuples(TEXTS, TEXTS, TEXTS, NATURAL, NATURAL)


@given(PARTS, PARTS)
def test_a_message_is_known_by_its_five_parts(some, other):
    """Two messages have one id only if survey, occasion, contact, step and attempt are the same."""
    assert (message_id(*some) == message_id(*other)) == (some == other)


@given(messages(), messages())
def test_nothing_else_is_part_of_the_id_of_a_message(message, other):
    """A message with other content, address or revision keeps its id."""
    names = ("survey", "occasion", "contact", "step", "attempt")
    same = attrs.evolve(other, **{name: getattr(message, name) for name in names})
    assert same.id == message.id


@given(responses(), responses())
def test_an_answer_is_known_by_its_four_parts(answer, other):
    """An answer keeps its id whatever it says; another ordinal is another answer."""
    names = ("survey", "occasion", "contact", "ordinal")
    assert attrs.evolve(other, **{name: getattr(answer, name) for name in names}).id == answer.id
    assert attrs.evolve(answer, ordinal=answer.ordinal + 1).id != answer.id


@given(events(), events())
def test_events_of_two_types_never_share_an_id(event, other):
    """The id of an event tells its type, so that no two types meet."""
    assert event.id == attrs.evolve(event).id
    assert (type(event) is type(other)) == (event.id.partition("/")[0] == other.id.partition("/")[0])


def test_instants_are_kept_in_utc():
    """A datetime of any zone is kept as the same instant in UTC, and a date as its midnight there."""
    paris = datetime(2026, 6, 1, 10, tzinfo=PARIS)
    assert Sent(message="m", at=paris).at.tzinfo is UTC
    assert Sent(message="m", at=paris) == Sent(message="m", at=AT)
    contact = Contact(id="c", since=date(2026, 6, 1), attributes={"day": date(2026, 6, 1), "at": paris})
    assert contact.since == contact.attributes["day"] == datetime(2026, 6, 1, tzinfo=UTC)
    assert contact.attributes["at"] == AT


def test_an_answer_is_received_when_it_was_given_unless_said():
    """`Responded` takes its instant from the answer."""
    answer = Response(**RESPONSE)
    assert Responded(response=answer).at == answer.at
    assert Responded(response=answer, at=AT + timedelta(1)).at == AT + timedelta(1)


def test_scalars_become_plain():
    """Scalars of NumPy, timestamps of pandas and members of enumerations are settled as plain Python values."""
    stamp = pd.Timestamp("2026-06-01T10:00", tz="Europe/Paris")
    raw = {
        "a": np.int8(3), "b": np.float64(0.5), "c": np.bool_(True), "d": np.str_("x"), "e": stamp,  # noqa: FBT003
        "f": Plan.PAID, "g": Size.LARGE, "h": -(1 << 63), "i": "\ud83d\ude00",
    }  # fmt: skip
    held = Contact(id=np.str_("c"), attributes=raw).attributes
    assert held == {
        "a": 3, "b": 0.5, "c": True, "d": "x", "e": AT, "f": "paid", "g": 3, "h": -(1 << 63), "i": "😀",
    }  # fmt: skip
    assert [type(value) for value in held.values()] == [int, float, bool, str, datetime, str, int, int, str]
    message = Message(**MESSAGE | {"step": np.int64(2), "probability": np.float32(0.5), "destination": np.uint64(7)})
    assert [type(each) for each in (message.step, message.probability, message.destination)] == [int, float, int]
    answer = Response(**RESPONSE | {"rating": np.int8(9), "drivers": {"speed": np.int8(5), "why": Plan.PAID}})
    assert [type(each) for each in (answer.rating, *answer.drivers.values())] == [int, int, str]
    assert type(Receipt(message="m", accepted=np.bool_(True)).accepted) is bool  # noqa: FBT003


def test_a_channel_without_an_address_is_left_out():
    """An address of None is none."""
    assert Contact(id="c", addresses={"email": "a@example.com", "sms": None}).addresses == {"email": "a@example.com"}


def test_blanks_around_an_address_are_left_out():
    """They belong to no mailbox."""
    assert Contact(id="c", addresses={"email": " a@example.com\n"}).addresses == {"email": "a@example.com"}
    assert Message(**MESSAGE | {"to": "a@example.com "}).to == "a@example.com"


def test_a_list_of_drivers_becomes_a_tuple():
    """Drivers are kept as a tuple, so that a survey can be hashed."""
    speed = Driver(key="speed", question="How fast?")
    assert Survey("s", drivers=[speed]) == Survey("s", drivers=(speed,))
    assert hash(Survey("s", drivers=[speed])) == hash(Survey("s", drivers=(speed,)))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Contact(id=7), "id must be text that is not blank (got 7)"),
        (lambda: Contact(id=" "), "id must be text that is not blank (got ' ')"),
        (lambda: Contact(id="c", addresses=["a"]), "addresses must be a mapping (got ['a'])"),
        (
            lambda: Contact(id="c", addresses={" ": "a"}),
            "each key of addresses must be text that is not blank (got ' ')",
        ),
        (lambda: Contact(id="c", locale=""), "locale must be text that is not blank (got '')"),
        (lambda: Contact(id="c", since=NAIVE), "since must be a datetime with a time zone (got"),
        (lambda: Contact(id="c", since=pd.NaT), "since must be a datetime with a time zone (got NaT)"),
        (lambda: Contact(id="c", attributes=None), "attributes must be a mapping (got None)"),
        (lambda: Contact(id="c", attributes={1: 2}), "each key of attributes must be text that is not blank (got 1)"),
        (
            lambda: Contact(id="c", attributes={"a": float("nan")}),
            "attributes['a'] must be text, a finite number (of 64",
        ),
        (
            lambda: Contact(id="c", attributes={"a": float("inf")}),
            "attributes['a'] must be text, a finite number (of 64",
        ),
        (
            lambda: Contact(id="c", attributes={"a": 1 << 63}),
            "attributes['a'] must be text, a finite number (of 64 bits",
        ),
        (
            lambda: Contact(id="c", attributes={"a": pd.NA}),
            "attributes['a'] must be text, a finite number (of 64 bits,",
        ),
        (
            lambda: Contact(id="c", attributes={"a": pd.NaT}),
            "attributes['a'] must be a datetime with a time zone (got NaT",
        ),
        (
            lambda: Contact(id="c", attributes={"a": np.timedelta64(1, "s")}),
            "attributes['a'] must be text, a finite number",
        ),
        (
            lambda: Contact(id="c", attributes={"a": NAIVE}),
            "attributes['a'] must be a datetime with a time",
        ),
        (
            lambda: Contact(id="c", attributes={"a": [1]}),
            "attributes['a'] must be text, a finite number (of 64 bits, if",
        ),
        (
            lambda: Survey("s", kind="b2b"),
            "kind must be one of 'relationship', 'transactional', 'employee' (got 'b2b')",
        ),
        (lambda: Survey("s", revision=0), "revision must be a whole number of at least 1 (got 0)"),
        (lambda: Survey("s", drivers="speed"), "drivers must be a tuple of Driver (got 'speed')"),
        (lambda: Survey("s", drivers=("speed",)), "drivers must be a tuple of Driver (got ('speed',))"),
        (
            lambda: Survey("s", drivers=(Driver(key="a", question="A"), Driver(key="a", question="B"))),
            "drivers must be of different keys (got ['a', 'a'])",
        ),
        (lambda: Message(**MESSAGE | {"step": -1}), "step must be a whole number of at least 0 (got -1)"),
        (lambda: Message(**MESSAGE | {"step": 1 << 15}), "step must be a whole number from 0 to 32,767 (got 32768)"),
        (lambda: Message(**MESSAGE, attempt=1 << 15), "attempt must be a whole number from 0 to 32,767 (got 32768)"),
        (lambda: Message(**MESSAGE, destination=1 << 64), "destination must be a whole number of 64 bits (got 1844674"),
        (lambda: Message(**MESSAGE, destination=True), "destination must be a whole number of 64 bits (got True)"),
        (
            lambda: Message(**MESSAGE, destination=np.timedelta64(5, "s")),
            "destination must be a whole number of 64 bits",
        ),
        (lambda: Message(**MESSAGE, probability=0), "probability must be a number above 0, and 1 at most (got 0)"),
        (lambda: Message(**MESSAGE, probability=1.5), "probability must be a number above 0, and 1 at most (got 1.5)"),
        (
            lambda: Message(**MESSAGE, probability=True),
            "probability must be a number above 0, and 1 at most (got True)",
        ),
        (lambda: Message(**MESSAGE, probability=float("nan")), "probability must be a number above 0, and 1 at most"),
        (lambda: Message(**MESSAGE | {"due": None}), "due must be a datetime with a time zone (got None)"),
        (
            lambda: Message(**MESSAGE | {"due": date(2026, 6, 1)}),
            "due must be a datetime with a time zone (got datetime",
        ),
        (lambda: Receipt(message="m", accepted=1), "accepted must be True or False (got 1)"),
        (lambda: Receipt(message="m", accepted=True, reason=None), "reason must be text (got None)"),
        (
            lambda: Receipt(message="m", accepted=False, retry_after=5),
            "retry_after must be a timedelta of at least 0:00",
        ),
        (
            lambda: Response(**RESPONSE, drivers={"a": 0.5}),
            "drivers['a'] must be text or a whole number of 64 bits (got",
        ),
        (
            lambda: Response(**RESPONSE, drivers={"a": True}),
            "drivers['a'] must be text or a whole number of 64 bits (got",
        ),
        (
            lambda: Response(**RESPONSE, drivers={"a": 1 << 63}),
            "drivers['a'] must be text or a whole number of 64 bits",
        ),
        (lambda: Response(**RESPONSE, step=1 << 15), "step must be a whole number from 0 to 32,767 (got 32768)"),
        (lambda: Response(**RESPONSE, purpose="fun"), "purpose must be one of 'score', 'recovery' (got 'fun')"),
        (lambda: Scheduled(message="m", at=AT), "message must be a Message (got 'm')"),
        (lambda: Responded(response="m"), "response must be a Response (got 'm')"),
        (lambda: WaveDrawn(**WAVE | {"drawn": 0.5}), "drawn must be a whole number of at least 0 (got 0.5)"),
        (lambda: WaveDrawn(**WAVE | {"seed": b""}), "seed must be text (got b'')"),
        (lambda: OptedOut(contact="c", at=AT, reminders_only=None), "reminders_only must be True or False (got None)"),
        (lambda: Bounced(contact="c", destination=-1, at=AT), "destination must be a whole number of 64 bits (got -1)"),
    ],
)
def test_what_breaks_its_rule_is_refused_by_name(make, message):
    """A field that breaks its rule is refused when the value is made, by the name of the field."""
    with pytest.raises(InvalidArgument) as refused:
        make()
    assert message in str(refused.value)


@pytest.mark.parametrize("rating", [None, "", 11, 9.5, "good", float("nan")])
def test_an_answer_has_a_rating(rating):
    """What is no whole number from 0 to 10, or missing, is no rating of an answer."""
    with pytest.raises(InvalidRating, match="rating must be a whole number from 0 to 10"):
        Response(**RESPONSE | {"rating": rating})


@pytest.mark.parametrize("made", [Receipt.sent, partial(Receipt.failed, reason="full")])
def test_a_receipt_is_of_a_message(made):
    """Its id alone would not do, and says so."""
    with pytest.raises(InvalidArgument, match=r"^message must be a Message \(got 'c-1'\)"):
        made("c-1")
