"""Values of the model, drawn by Hypothesis with whatever their fields may hold."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, TypeAlias, TypeVar, get_args
from urllib.parse import quote

import attrs
from hypothesis import strategies as st

from netpromoter._checks import refusal
from netpromoter.model import (
    MOVES,
    Alert,
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
    FollowUpDecision,
    Message,
    OptedIn,
    OptedOut,
    Promise,
    Purpose,
    Receipt,
    Record,
    Resolution,
    Responded,
    Response,
    Scheduled,
    Sending,
    Sent,
    Settled,
    Shown,
    Survey,
    SurveyKind,
    Triggered,
    WaveDrawn,
    Withheld,
)

__all__ = [
    "ATTRIBUTES",
    "FLOATS",
    "INSTANTS",
    "NATURAL",
    "TEXTS",
    "WHOLE",
    "WORDINGS",
    "Fields",
    "maybe",
    "strategies",
    "values",
]

Drawn: TypeAlias = st.SearchStrategy[Any]
Kind = TypeVar("Kind", bound=Record)

_ZONES = st.sampled_from([UTC, timezone(timedelta(hours=14)), timezone(-timedelta(hours=11, minutes=30))])
_NAMES = ["c-1", "c-2", "a/b", "a%2Fb", "a", "b/", "NaN", "2026-06-01T00:00:00.000000Z"]
_HALVES = st.lists(st.sampled_from("\ud83d\ude00\ufeffa"), min_size=1, max_size=4).map("".join)
#: Text that is not blank: slashes, quotation marks, signs of every script and halves of them.
TEXTS = (st.sampled_from(_NAMES) | st.text(st.characters(codec=None), min_size=1, max_size=6) | _HALVES).filter(
    str.strip
)
WORDINGS = TEXTS | st.sampled_from(["", " ", "\n"])
INSTANTS = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=_ZONES)  # noqa: DTZ001
WHOLE = st.integers(-(1 << 63), (1 << 63) - 1)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
NATURAL = st.integers(0, 1 << 40)
ATTRIBUTES = st.dictionaries(
    TEXTS, st.one_of(st.none(), TEXTS, WORDINGS, WHOLE, FLOATS, st.booleans(), INSTANTS), max_size=4
)
_KINDS = st.sampled_from(get_args(SurveyKind))
_FROM_ONE = st.integers(1, 1 << 40)
_SMALL = st.integers(0, (1 << 15) - 1)
_RATINGS = st.integers(0, 10)
_FINGERPRINTS = st.sampled_from([0, 1, (1 << 64) - 1]) | st.integers(0, (1 << 64) - 1)
_PROBABILITIES = st.floats(0, 1, exclude_min=True)
_WAITS = st.timedeltas(timedelta(0), timedelta(days=36_525))


def values(kind: type[Kind]) -> st.SearchStrategy[Kind]:
    """Draw values of a class of the model.

    Parameters
    ----------
    kind : type
        The class of an event, or Contact, Survey, Driver, Deadline, Message, Receipt or Response: whatever
        `netpromoter.model.to_dict` takes.

    Returns
    -------
    strategy of that class
        Values with whatever each field may hold, also what is rare: text with slashes and halves of signs, instants of
        other zones, the largest numbers, None. A message has no words yet; `rendered_messages` draws those that have.

    Raises
    ------
    InvalidArgument
        If it is anything else.

    Examples
    --------
    >>> from hypothesis import given
    >>> from netpromoter.model import Response, from_dict, to_dict
    >>> @given(response=values(Response))
    ... def test(response):
    ...     assert from_dict(to_dict(response)) == response
    >>> test()
    """
    for each, drawn in _VALUES.items():
        if kind is each:
            return drawn
    raise refusal("kind", f"a class of the model, one of {', '.join(each.__name__ for each in _VALUES)}", kind)


def maybe(strategy: Drawn) -> Drawn:
    """Draw None too."""
    return st.none() | strategy


@attrs.frozen(kw_only=True)
class Fields:
    """What the fields of several classes are drawn from; fewer values meet one another more often."""

    texts: Drawn = TEXTS
    small: Drawn = _SMALL
    instants: Drawn = INSTANTS
    kinds: Drawn = _KINDS
    message_ids: Drawn = attrs.field()

    @message_ids.default
    def _any_text(self) -> Drawn:
        return self.texts

    @property
    def asked(self) -> dict[str, Drawn]:
        """For what somebody was asked."""
        return {"survey": self.texts, "occasion": self.texts, "contact": self.texts}

    @property
    def draw(self) -> dict[str, Drawn]:
        """How somebody came to be asked."""
        known: dict[str, Drawn] = {"kind": self.kinds, "revision": _FROM_ONE, "destination": _FINGERPRINTS}
        known |= {"arm": maybe(self.texts), "stratum": maybe(self.texts), "probability": maybe(_PROBABILITIES)}
        return known | {"snapshot": ATTRIBUTES}

    @property
    def case(self) -> Drawn:
        """The id of a case."""
        return st.lists(self.texts, min_size=4, max_size=4).map(_joined)


def _joined(parts: list[str]) -> str:
    return "/".join(quote(part, safe="", errors="surrogatepass") for part in parts)


def strategies(fields: Fields) -> Mapping[type, Drawn]:
    """Give what draws the values of each class."""
    message, response, deadline = _messages(fields), _responses(fields), _deadlines(fields)
    return {
        Contact: _contacts(fields),
        Survey: _surveys(fields),
        Driver: _drivers(fields),
        Deadline: deadline,
        Message: message,
        Receipt: _receipts(fields),
        Response: response,
        **_wishes(fields),
        **_deliveries(fields, message),
        **_answers(fields, response),
        **_cases(fields, deadline),
    }


def _contacts(fields: Fields) -> Drawn:
    texts = fields.texts
    return st.builds(
        Contact,
        id=texts,
        addresses=st.dictionaries(texts, texts, max_size=2),
        locale=maybe(texts),
        time_zone=maybe(texts),
        account=maybe(texts),
        since=maybe(fields.instants),
        attributes=ATTRIBUTES,
    )


def _drivers(fields: Fields) -> Drawn:
    return st.builds(Driver, key=fields.texts, question=fields.texts, touchpoint=maybe(fields.texts))


def _surveys(fields: Fields) -> Drawn:
    drivers = st.lists(_drivers(fields), max_size=3, unique_by=lambda driver: driver.key)
    return st.builds(
        Survey,
        fields.texts,
        kind=fields.kinds,
        product=maybe(fields.texts),
        revision=_FROM_ONE,
        drivers=drivers.map(tuple),
        stands_for=maybe(fields.texts),
    )


def _messages(fields: Fields) -> Drawn:
    texts = fields.texts
    return st.builds(
        Message,
        **fields.asked,
        **fields.draw,
        step=fields.small,
        attempt=fields.small,
        channel=texts,
        to=texts,
        due=fields.instants,
        template=texts,
        subject=maybe(texts),
        locale=maybe(texts),
        time_zone=maybe(texts),
    )


def _receipts(fields: Fields) -> Drawn:
    return st.builds(
        Receipt,
        message=fields.message_ids,
        accepted=st.booleans(),
        reference=WORDINGS,
        reason=WORDINGS,
        permanent=st.booleans(),
        retry_after=maybe(_WAITS),
    )


def _responses(fields: Fields) -> Drawn:
    return st.builds(
        Response,
        **fields.asked,
        **fields.draw,
        ordinal=NATURAL,
        rating=_RATINGS,
        at=fields.instants,
        comment=maybe(fields.texts),
        drivers=st.dictionaries(fields.texts, WHOLE | WORDINGS, max_size=3),
        step=maybe(fields.small),
        channel=maybe(fields.texts),
        purpose=st.sampled_from(get_args(Purpose)),
    )


def _deadlines(fields: Fields) -> Drawn:
    at = fields.instants
    promises = st.sampled_from(get_args(Promise))
    return st.builds(Deadline, promise=promises, due=at, notice=maybe(at), escalation=maybe(at))


def _wishes(fields: Fields) -> dict[type, Drawn]:
    """Draw what calls for a message, and what speaks against one."""
    who: dict[str, Drawn] = {"contact": fields.texts, "at": fields.instants}
    place = who | {"destination": _FINGERPRINTS}
    bounced = {"channel": maybe(fields.texts), "message": maybe(fields.message_ids), "reason": WORDINGS}
    counts = dict.fromkeys(("population", "eligible", "drawn"), NATURAL)
    wave = {"survey": fields.texts, "occasion": fields.texts, "stratum": fields.texts, "seed": WORDINGS}
    return {
        WaveDrawn: st.builds(WaveDrawn, **wave, **counts, probability=_PROBABILITIES, at=fields.instants),
        Triggered: st.builds(Triggered, event=fields.texts, touchpoint=fields.texts, snapshot=ATTRIBUTES, **who),
        OptedOut: st.builds(OptedOut, reminders_only=st.booleans(), **place),
        OptedIn: st.builds(OptedIn, **place),
        Bounced: st.builds(Bounced, **place, **bounced),
    }


def _deliveries(fields: Fields, message: Drawn) -> dict[type, Drawn]:
    """Draw what becomes of a message."""
    at, turns = fields.instants, {"worker": fields.texts, "until": fields.instants, "turn": fields.small}
    told: dict[str, Drawn] = {"message": fields.message_ids, "at": at}
    return {
        Scheduled: st.builds(Scheduled, message=message, at=at),
        Sending: st.builds(Sending, **told, **turns),
        Sent: st.builds(Sent, **told, reference=WORDINGS),
        Failed: st.builds(Failed, **told, reason=WORDINGS, permanent=st.booleans()),
        Withheld: st.builds(Withheld, **told, reason=WORDINGS),
        Settled: st.builds(Settled, **told, delivered=st.booleans()),
    }


def _answers(fields: Fields, response: Drawn) -> dict[type, Drawn]:
    """Draw what somebody does who was asked, and what is found in it."""
    texts, at = fields.texts, fields.instants
    place = fields.asked | {"kind": fields.kinds, "at": at}
    return {
        Shown: st.builds(Shown, channel=maybe(texts), **place),
        Responded: st.builds(Responded, response=response) | st.builds(Responded, response=response, at=at),
        Declined: st.builds(Declined, **place),
        Coded: st.builds(Coded, response=texts, code=texts, coder=texts, at=at),
    }


def _cases(fields: Fields, deadline: Drawn) -> dict[type, Drawn]:
    """Draw what follows an answer."""
    texts, at = fields.texts, fields.instants
    policy: dict[str, Drawn] = {"policy": texts, "policy_version": _FROM_ONE, "at": at}
    decision = {"decision": st.sampled_from(get_args(FollowUpDecision)), "reason": WORDINGS}
    promised = st.lists(deadline, max_size=3, unique_by=lambda deadline: deadline.promise).map(tuple)
    opened = {"ordinal": NATURAL, "rating": _RATINGS, "owner": maybe(texts), "priority": FLOATS, "deadlines": promised}
    noted: dict[str, Drawn] = {"case": fields.case, "number": NATURAL, "by": texts, "note": maybe(texts), "at": at}
    ended = {"resolution": maybe(st.sampled_from(get_args(Resolution))), "root_cause": maybe(texts)}
    moved = {"to": st.sampled_from(sorted(MOVES)), "owner": maybe(texts)}
    alert = {"promise": st.sampled_from(get_args(Promise)), "alert": st.sampled_from(get_args(Alert))}
    return {
        FollowUpDecided: st.builds(FollowUpDecided, response=texts, **policy, **decision),
        CaseOpened: st.builds(CaseOpened, **fields.asked, **policy, **opened),
        CaseMoved: st.builds(CaseMoved, **noted, **moved, **ended),
        CaseNoted: st.builds(CaseNoted, **noted),
        CaseAlerted: st.builds(CaseAlerted, case=fields.case, at=at, **alert),
    }


_VALUES = strategies(Fields())
