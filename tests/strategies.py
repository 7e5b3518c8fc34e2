"""Strategies that draw values of the model together, shared by all tests of rooms that know it."""

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import get_args

from hypothesis import strategies as st

from netpromoter import testing
from netpromoter.model import Contact, Event, Failed, Message, Record, Response, Scheduled, Sent, Touches, Withheld
from netpromoter.testing._values import FLOATS, INSTANTS, NATURAL, TEXTS, WHOLE, Fields, maybe, strategies

__all__ = ["CLOSE", "FEW", "INSTANTS", "NATURAL", "OF_A_KIND", "TEXTS"]

#: Few texts, so that values meet one another.
FEW = st.sampled_from(["a", "b", "c/d"])
#: Instants of two days, so that they collide and come in every order.
CLOSE = st.integers(0, 48).map(lambda hours: datetime(2026, 6, 1, tzinfo=UTC) + timedelta(hours=hours))

OF_A_KIND = {
    "text": TEXTS,
    "number": FLOATS | st.integers(-(1 << 53), 1 << 53),
    "whole": WHOLE,
    "flag": st.booleans(),
    "instant": INSTANTS,
}


@st.composite
def crowds(draw, *, texts=TEXTS, values=None, max_size=8):
    """Draw lists of contacts with distinct ids, whose attributes are of one kind in all of them."""
    values = OF_A_KIND if values is None else values
    kinds = draw(st.dictionaries(FEW, st.sampled_from(sorted(values)), max_size=3))
    attributes = st.fixed_dictionaries({}, optional={name: values[kind] for name, kind in kinds.items()})
    return [
        Contact(
            id=each,
            addresses=draw(st.fixed_dictionaries({}, optional={"email": texts, "sms": texts})),
            locale=draw(maybe(texts)),
            time_zone=draw(maybe(texts)),
            account=draw(maybe(texts)),
            since=draw(maybe(values["instant"])),
            attributes=draw(attributes),
        )
        for each in draw(st.lists(texts, unique=True, max_size=max_size))
    ]


def messages(**fields):
    """Draw messages."""
    return strategies(Fields(**fields))[Message]


def responses(**fields):
    """Draw answers."""
    return strategies(Fields(**fields))[Response]


def events(**fields):
    """Draw events of every type."""
    drawn = strategies(Fields(**fields))
    return st.one_of([drawn[kind] for kind in get_args(Event)])


def records():
    """Draw whatever can be written as a plain dict."""
    return st.one_of([testing.values(kind) for kind in get_args(Record)])


@st.composite
def logs(draw, *, max_size=12):
    """Draw logs in which few people meet few surveys, and later events speak of earlier messages."""
    close = partial(dict, texts=FEW, small=st.integers(0, 2), instants=CLOSE, kinds=st.just("relationship"))
    known = draw(st.lists(messages(**close()), min_size=1, max_size=3))
    ids = st.sampled_from([*(message.id for message in known), "x/y/z/0/0"])
    scheduled = st.builds(Scheduled, message=st.sampled_from(known), at=CLOSE)
    outcomes = st.one_of(
        scheduled,
        st.builds(Sent, message=ids, at=CLOSE),
        st.builds(Failed, message=ids, at=CLOSE, reason=FEW, permanent=st.booleans()),
        st.builds(Withheld, message=ids, at=CLOSE, reason=FEW),
    )
    # `events` settles messages alike: what is offered twice hypothesis counts once or twice, as its cache has it
    return draw(st.lists(outcomes | events(**close(), message_ids=ids), max_size=max_size))


def touches(*, max_size=12):
    """Draw histories."""
    return logs(max_size=max_size).map(Touches.of)
