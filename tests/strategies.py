"""Strategies that draw every value of the model, shared by all tests of rooms that know it."""

from datetime import UTC, datetime, timedelta, timezone
from functools import partial
from urllib.parse import quote

from hypothesis import strategies as st

from netpromoter.model import (
    MOVES,
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
    Failed,
    FollowUpDecided,
    Message,
    OptedIn,
    OptedOut,
    Receipt,
    Responded,
    Response,
    Scheduled,
    Sending,
    Sent,
    Settled,
    Shown,
    Survey,
    Touches,
    Triggered,
    WaveDrawn,
    Withheld,
)

KINDS = st.sampled_from(["relationship", "transactional", "employee"])
ZONES = st.sampled_from([UTC, timezone(timedelta(hours=14)), timezone(-timedelta(hours=11, minutes=30))])
SIGNS = st.characters(codec=None)
#: Text that is not blank: slashes, quotation marks, signs of every script and halves of them.
TEXTS = (
    st.sampled_from(["c-1", "c-2", "a/b", "a%2Fb", "a", "b/", "NaN", "2026-06-01T00:00:00.000000Z"])
    | st.text(SIGNS, min_size=1, max_size=6)
    | st.lists(st.sampled_from("\ud83d\ude00\ufeffa"), min_size=1, max_size=4).map("".join)
).filter(str.strip)
WORDINGS = TEXTS | st.sampled_from(["", " ", "\n"])
#: Few texts, so that values meet one another.
FEW = st.sampled_from(["a", "b", "c/d"])
INSTANTS = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=ZONES)  # noqa: DTZ001
#: Instants of two days, so that they collide and come in every order.
CLOSE = st.integers(0, 48).map(lambda hours: datetime(2026, 6, 1, tzinfo=UTC) + timedelta(hours=hours))
FINGERPRINTS = st.sampled_from([0, 1, (1 << 64) - 1]) | st.integers(0, (1 << 64) - 1)
PROBABILITIES = st.floats(0, 1, exclude_min=True)
WHOLE = st.integers(-(1 << 63), (1 << 63) - 1)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.one_of(st.none(), TEXTS, WORDINGS, WHOLE, FLOATS, st.booleans(), INSTANTS)
ATTRIBUTES = st.dictionaries(TEXTS, VALUES, max_size=4)
SMALL = st.integers(0, (1 << 15) - 1)
NATURAL = st.integers(0, 1 << 40)


def maybe(strategy):
    """Draw None too."""
    return st.none() | strategy


def contacts():
    """Draw single contacts."""
    return st.builds(
        Contact,
        id=TEXTS,
        addresses=st.dictionaries(TEXTS, TEXTS, max_size=2),
        locale=maybe(TEXTS),
        time_zone=maybe(TEXTS),
        account=maybe(TEXTS),
        since=maybe(INSTANTS),
        attributes=ATTRIBUTES,
    )


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


def drivers():
    """Draw questions beside the rating."""
    return st.builds(Driver, key=TEXTS, question=TEXTS, touchpoint=maybe(TEXTS))


def surveys():
    """Draw surveys."""
    return st.builds(
        Survey,
        TEXTS,
        kind=KINDS,
        product=maybe(TEXTS),
        revision=st.integers(1, 1 << 40),
        drivers=st.lists(drivers(), max_size=3, unique_by=lambda driver: driver.key).map(tuple),
        stands_for=maybe(TEXTS),
    )


def messages(*, texts=TEXTS, small=SMALL, instants=INSTANTS, kinds=KINDS):
    """Draw messages."""
    return st.builds(
        Message,
        survey=texts,
        kind=kinds,
        revision=st.integers(1, 1 << 40),
        occasion=texts,
        contact=texts,
        step=small,
        attempt=small,
        channel=texts,
        to=texts,
        destination=FINGERPRINTS,
        due=instants,
        template=texts,
        subject=maybe(texts),
        arm=maybe(texts),
        locale=maybe(texts),
        time_zone=maybe(texts),
        stratum=maybe(texts),
        probability=maybe(PROBABILITIES),
        snapshot=ATTRIBUTES,
    )


def receipts():
    """Draw what channels say."""
    return st.builds(
        Receipt,
        message=TEXTS,
        accepted=st.booleans(),
        reference=WORDINGS,
        reason=WORDINGS,
        permanent=st.booleans(),
        retry_after=maybe(st.timedeltas(timedelta(0), timedelta(days=36_525))),
    )


def responses(*, texts=TEXTS, small=SMALL, instants=INSTANTS, kinds=KINDS):
    """Draw answers."""
    return st.builds(
        Response,
        survey=texts,
        kind=kinds,
        revision=st.integers(1, 1 << 40),
        occasion=texts,
        contact=texts,
        ordinal=NATURAL,
        rating=st.integers(0, 10),
        at=instants,
        comment=maybe(texts),
        drivers=st.dictionaries(texts, WHOLE | WORDINGS, max_size=3),
        arm=maybe(texts),
        step=maybe(small),
        channel=maybe(texts),
        destination=FINGERPRINTS,
        stratum=maybe(texts),
        probability=maybe(PROBABILITIES),
        snapshot=ATTRIBUTES,
        purpose=st.sampled_from(["score", "recovery"]),
    )


def events(*, texts=TEXTS, small=SMALL, instants=INSTANTS, kinds=KINDS, message_ids=None):
    """Draw events of every type."""
    place = {"survey": texts, "kind": kinds, "occasion": texts, "contact": texts, "at": instants}
    message_ids = texts if message_ids is None else message_ids
    answers = responses(texts=texts, small=small, instants=instants, kinds=kinds)
    return st.one_of(
        st.builds(
            WaveDrawn,
            survey=texts,
            occasion=texts,
            stratum=texts,
            population=NATURAL,
            eligible=NATURAL,
            drawn=NATURAL,
            probability=PROBABILITIES,
            seed=WORDINGS,
            at=instants,
        ),
        st.builds(Triggered, event=texts, touchpoint=texts, contact=texts, at=instants, snapshot=ATTRIBUTES),
        st.builds(Scheduled, message=messages(texts=texts, small=small, instants=instants, kinds=kinds), at=instants),
        st.builds(Sent, message=message_ids, at=instants, reference=WORDINGS),
        st.builds(Failed, message=message_ids, at=instants, reason=WORDINGS, permanent=st.booleans()),
        st.builds(Sending, message=message_ids, worker=texts, at=instants, until=instants, turn=small),
        st.builds(Withheld, message=message_ids, at=instants, reason=WORDINGS),
        st.builds(Settled, message=message_ids, at=instants, delivered=st.booleans()),
        st.builds(Shown, channel=maybe(texts), **place),
        st.one_of(st.builds(Responded, response=answers), st.builds(Responded, response=answers, at=instants)),
        st.builds(Declined, **place),
        st.builds(OptedOut, contact=texts, at=instants, reminders_only=st.booleans(), destination=FINGERPRINTS),
        st.builds(OptedIn, contact=texts, at=instants, destination=FINGERPRINTS),
        st.builds(
            Bounced,
            contact=texts,
            destination=FINGERPRINTS,
            at=instants,
            channel=maybe(texts),
            message=maybe(message_ids),
            reason=WORDINGS,
        ),
        st.builds(Coded, response=texts, code=texts, coder=texts, at=instants),
        case_events(texts=texts, instants=instants),
    )


def deadlines(*, instants=INSTANTS):
    """Draw what is promised."""
    promises = st.sampled_from(["attempt", "contact", "close"])
    return st.builds(Deadline, promise=promises, due=instants, notice=maybe(instants), escalation=maybe(instants))


def case_events(*, texts=TEXTS, instants=INSTANTS):
    """Draw what follows an answer."""
    cases = st.builds(joined, texts, texts, texts, texts)
    place = {"survey": texts, "occasion": texts, "contact": texts, "policy": texts}
    versions = st.integers(1, 1 << 40)
    return st.one_of(
        st.builds(
            FollowUpDecided,
            response=texts,
            policy=texts,
            policy_version=versions,
            decision=st.sampled_from(["selected", "held out", "over capacity", "not selected"]),
            reason=WORDINGS,
            at=instants,
        ),
        st.builds(
            CaseOpened,
            **place,
            policy_version=versions,
            ordinal=NATURAL,
            rating=st.integers(0, 10),
            owner=maybe(texts),
            priority=FLOATS,
            deadlines=st.lists(
                deadlines(instants=instants), max_size=3, unique_by=lambda deadline: deadline.promise
            ).map(tuple),
            at=instants,
        ),
        st.builds(
            CaseMoved,
            case=cases,
            number=NATURAL,
            to=st.sampled_from(sorted(MOVES)),
            by=texts,
            at=instants,
            owner=maybe(texts),
            resolution=maybe(
                st.sampled_from(["recovered", "acknowledged", "not recoverable", "duplicate", "no action"])
            ),
            root_cause=maybe(texts),
            note=maybe(texts),
        ),
        st.builds(CaseNoted, case=cases, number=NATURAL, by=texts, note=maybe(texts), at=instants),
        st.builds(
            CaseAlerted,
            case=cases,
            promise=st.sampled_from(["attempt", "contact", "close"]),
            alert=st.sampled_from(["due", "overdue", "escalated"]),
            at=instants,
        ),
    )


def joined(*parts):
    """Join parts into an id, as the model does."""
    return "/".join(quote(part, safe="", errors="surrogatepass") for part in parts)


def records():
    """Draw whatever can be written as a plain dict."""
    return st.one_of(events(), contacts(), surveys(), drivers(), messages(), receipts(), responses(), deadlines())


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
