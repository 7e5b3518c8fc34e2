"""How people react to messages: a stated model of it, and one that is estimated from a log."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from numbers import Real
from typing import Any, TypeAlias

import attrs
import numpy as np
import numpy.typing as npt

from netpromoter._checks import checked, is_number, refusal
from netpromoter.model import KINDS, Contacts, Event, Touches, span
from netpromoter.rules import Condition

from ._causes import Causes, messages_of
from ._plan import as_touches

__all__ = ["Behavior"]

_Codes: TypeAlias = npt.NDArray[np.integer[Any]]
_Floats: TypeAlias = npt.NDArray[np.float64]

_LONGEST = 36_525 * 86_400_000_000  # microseconds of a century
#: How long a message that fails takes to come back.
_RETURN = np.timedelta64(1, "m")
#: What a message can lead to, in the order in which a draw is cut into parts.
_OUTCOMES = ("bounced", "opted_out", "declined", "answered")
_BY_RATING = (0.03, 0.01, 0.02, 0.02, 0.03, 0.06, 0.07, 0.13, 0.2, 0.18, 0.25)
_LEAST = {"invitations": 100, "answers": 20}


def _share(name: str, value: Any) -> float:
    if not is_number(value) or not 0 <= value <= 1:
        raise refusal(name, "a share from 0 to 1", value)
    return float(value)


def _response(value: Any) -> tuple[float, ...]:
    given = (value,) if isinstance(value, Real) else tuple(value) if isinstance(value, Sequence) else ()
    if not given:
        raise refusal("response", "a share from 0 to 1, or one for each step", value)
    return tuple(_share("response", each) for each in given)


def _ratings(value: Any) -> tuple[float, ...]:
    given = np.asarray(value)
    sound = given.shape == (11,) and given.dtype.kind in "iuf" and np.isfinite(given).all()
    if not sound or (given < 0).any() or not given.any():
        raise refusal("ratings", "eleven weights of 0 to 10, none below 0 and not all 0", value)
    return tuple(map(float, given))


def _spread(name: str, value: Any) -> None:
    if not is_number(value) or not 0 <= value < 100:
        raise refusal(name, "a number of at least 0 and below 100", value)


def _segments(value: Any) -> tuple[tuple[Condition, Behavior], ...]:
    given = tuple(value.items() if isinstance(value, Mapping) else value)
    for each in given:
        pair = tuple(each) if isinstance(each, Sequence) else ()
        if len(pair) != 2 or not isinstance(pair[0], Condition) or not isinstance(pair[1], Behavior):
            raise refusal("segments", "made of pairs of a condition and a Behavior", each)
        if pair[1].segments:
            raise refusal("segments", "made of behaviors without segments of their own", pair[1])
    return tuple((where, behavior) for where, behavior in given)


@attrs.frozen(kw_only=True)
class Behavior:
    """A stated model of how people react to messages.

    Each default is an assumption to be replaced by what you know of your own customers, and not a fact about anybody's;
    `Behavior.fitted` estimates all of them from a log. A message leads to one thing at most: it bounces, or the person
    opts out, declines or answers. What is left of the probability is silence. Nobody tires: the probabilities are the
    same however often somebody was asked before, and every message is drawn by itself, although in life those who have
    answered once answer more often again.

    Parameters
    ----------
    response : float or sequence of float, default (0.12, 0.05, 0.03)
        Assumed: with which probability a message is answered in the end, by step: the invitation, the first reminder
        and so on. The last one holds for all further steps.
    ratings : sequence of 11 floats, default as of a survey with a score of about +19
        Assumed: how often each answer from 0 to 10 is given, as weights.
    delay : timedelta, default 1 day
        Assumed: the median of the time between a message and what the person does about it. It is log-normal.
    spread : float, default 1.5
        Assumed: the standard deviation of the logarithm of that time; 0 makes every delay the median.
    decline, opt_out, bounce : float, default 0.005, 0.002 and 0.01
        Assumed: the other probabilities, for every message. A bounce comes back after a minute.
    segments : sequence of (Condition, Behavior), or a mapping, default none
        Others behave otherwise: the first condition that holds for a contact counts. Of whom none is known to hold,
        behaves as stated here.

    Raises
    ------
    InvalidArgument
        If a parameter breaks its rule, or if the probabilities of a step are more than 1 together.

    Examples
    --------
    >>> from netpromoter.rules import field
    >>> keen = Behavior(response=0.4, ratings=[0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3])
    >>> Behavior(response=0.1, segments=[(field("plan") == "paid", keen)]).segments[0][1].response
    (0.4,)
    """

    response: Sequence[float] = attrs.field(default=(0.12, 0.05, 0.03), converter=_response)
    ratings: Sequence[float] = attrs.field(default=_BY_RATING, converter=_ratings)
    delay: timedelta = attrs.field(
        default=timedelta(days=1), validator=checked(partial(span, least=timedelta(microseconds=1)))
    )
    spread: float = attrs.field(default=1.5, validator=checked(_spread))
    decline: float = attrs.field(default=0.005, validator=checked(_share))
    opt_out: float = attrs.field(default=0.002, validator=checked(_share))
    bounce: float = attrs.field(default=0.01, validator=checked(_share))
    segments: Sequence[tuple[Condition, Behavior]] = attrs.field(default=(), converter=_segments)

    def __attrs_post_init__(self) -> None:
        highest = max(self.response) + self.decline + self.opt_out + self.bounce
        if highest > 1 + 1e-12:
            raise refusal("response, decline, opt_out and bounce", "1 at most together, at each step", f"{highest:g}")

    def segment(self, contacts: Contacts) -> npt.NDArray[np.int16]:
        """Say which behavior is each contact's, shape (n,): a place in `segments`, or -1 for this one.

        Raises
        ------
        InvalidArgument
            If a condition asks for what no contact has.
        """
        codes = np.full(len(contacts), -1, np.int16)
        for place, (where, _) in reversed(list(enumerate(self.segments))):
            codes[where.evaluate(contacts.columns, len(contacts)).true] = place
        return codes

    def react(
        self, messages: Touches, *, rng: np.random.Generator, segment: npt.NDArray[np.int16] | None = None
    ) -> Touches:
        """Draw what comes of messages.

        Parameters
        ----------
        messages : Touches
            Rows of kind "invited" and "reminded".
        rng : numpy.random.Generator
            What the draws are made from; the same state gives the same touches.
        segment : array of int, shape (n,), optional
            What `segment` says of the contacts of the messages, by code; without it everybody behaves as stated here.

        Returns
        -------
        Touches
            At most one row for each message, later than it, in the order of the messages: an answer with its rating, a
            decline, an opt-out or a bounce.

        Examples
        --------
        >>> from datetime import UTC, datetime
        >>> from netpromoter.model import Message, Scheduled
        >>> at = datetime(2026, 6, 1, 8, tzinfo=UTC)
        >>> message = Message(survey="nps", occasion="1", contact="c-1", step=0, channel="email", to="a@b.c", due=at)
        >>> sure = Behavior(response=1, decline=0, opt_out=0, bounce=0, spread=0)
        >>> sent = Touches.of([Scheduled(message=message, at=at)])
        >>> [(row["kind"], row["at"] - at) for row in sure.react(sent, rng=np.random.default_rng(1)).rows()]
        [('answered', datetime.timedelta(days=1))]
        """
        size = len(messages)
        drawn, waits, rated = rng.random(size), rng.standard_normal(size), rng.random(size)
        outcome, rating = np.full(size, -1, np.int8), np.full(size, -1, np.int8)
        later = np.zeros(size, "timedelta64[us]")
        of = np.full(size, -1) if segment is None else segment[messages.contact]
        for code in np.unique(of).tolist():
            here, behavior = of == code, self if code < 0 else self.segments[code][1]
            outcome[here] = _outcome(behavior, drawn[here], messages.step[here])
            rating[here] = _rating(behavior, rated[here])
            later[here] = _wait(behavior, waits[here])
        return _touches(messages, outcome, rating, later)

    @classmethod
    def fitted(cls, touches: Touches | Iterable[Event], *, within: timedelta = timedelta(days=14)) -> Behavior:
        """Estimate the behavior of everybody from a log.

        Messages that were sent less than `within` before the end of the log are left out, because what they lead to
        may still come. Of the others every message counts, those too that bounced. An answer belongs to the message of
        its own step where the log knows it, else to the last one before it; an opt-out or a bounce to the last message
        of the person. What comes later than `within` is not counted.

        Parameters
        ----------
        touches : Touches or iterable of Event
            What has happened.
        within : timedelta, default 14 days
            For how long a message is followed.

        Returns
        -------
        Behavior
            Without segments: fit each part of the log by itself for those.

        Raises
        ------
        InvalidArgument
            If fewer than 100 invitations were followed, or fewer than 20 of the messages were answered.
        """
        limit, touches = span("within", within, least=timedelta(microseconds=1)), as_touches(touches)
        followed, causes = _followed(touches, limit), Causes.of(touches)
        counted = followed[causes.message] & (causes.delay <= limit)
        kind = touches.kind[causes.effect]
        found = {name: counted & (kind == KINDS.index(name)) for name in _OUTCOMES}
        steps = np.bincount(touches.step[followed], minlength=1)
        answered = found["answered"]
        _refuse_few(int(steps[0]), int(answered.sum()))
        waits = np.maximum(causes.delay[answered].astype(np.float64), 1)
        asked = np.bincount(touches.step[causes.message[answered]], minlength=len(steps))
        shares = {name: float(found[name].sum() / steps.sum()) for name in _OUTCOMES}
        return cls(
            response=_rates(asked, steps),
            ratings=np.bincount(touches.rating[causes.effect[answered]], minlength=11),
            delay=timedelta(microseconds=round(float(np.median(waits)))),
            spread=float(np.std(np.log(waits))),
            decline=shares["declined"],
            opt_out=shares["opted_out"],
            bounce=shares["bounced"],
        )


def _followed(touches: Touches, limit: np.timedelta64) -> npt.NDArray[np.bool_]:
    """Say which rows are messages that were sent long enough before the end of the log."""
    followed = np.zeros(len(touches), np.bool_)
    sent = messages_of(touches)
    if len(sent):
        followed[sent] = touches.at[sent] <= touches.at.max() - limit
    return followed


def _outcome(behavior: Behavior, drawn: _Floats, step: _Codes) -> npt.NDArray[np.int8]:
    """Cut each draw into its outcome, as a place in `_OUTCOMES`; -1 for silence."""
    limits = np.cumsum([behavior.bounce, behavior.opt_out, behavior.decline])
    found = np.searchsorted(limits, drawn, side="right").astype(np.int8)
    response = np.array(behavior.response)[np.clip(step, 0, len(behavior.response) - 1)]
    found[drawn >= limits[-1] + response] = -1
    return found


def _rating(behavior: Behavior, drawn: _Floats) -> npt.NDArray[np.int8]:
    limits = np.cumsum(behavior.ratings)
    return np.searchsorted(limits[:-1] / limits[-1], drawn, side="right").astype(np.int8)


def _wait(behavior: Behavior, drawn: _Floats) -> npt.NDArray[np.timedelta64]:
    with np.errstate(over="ignore"):
        micros = behavior.delay / timedelta(microseconds=1) * np.exp(behavior.spread * drawn)
    return np.clip(micros, 1, _LONGEST).astype(np.int64).astype("timedelta64[us]")


def _touches(messages: Touches, outcome: _Codes, rating: _Codes, later: npt.NDArray[np.timedelta64]) -> Touches:
    """Make rows of those messages that lead to something."""
    rows = np.flatnonzero(outcome >= 0)
    kinds = np.array([KINDS.index(name) for name in _OUTCOMES], np.uint8)
    kind, begun = kinds[outcome[rows]], messages.where(rows)
    bounced = kind == KINDS.index("bounced")
    return attrs.evolve(
        begun,
        kind=kind,
        at=begun.at + np.where(bounced, _RETURN, later[rows]),
        rating=np.where(kind == KINDS.index("answered"), rating[rows], -1).astype(np.int8),
    )


def _rates(answers: _Codes, steps: _Codes) -> list[float]:
    """Divide answers by messages, for as many steps as were sent often enough; the last one serves the others."""
    enough = np.append(steps < _LEAST["invitations"], True)
    last = max(1, int(enough.argmax()))
    return list(map(float, answers[:last] / steps[:last]))


def _refuse_few(invitations: int, answers: int) -> None:
    if invitations < _LEAST["invitations"] or answers < _LEAST["answers"]:
        least = (
            f"{_LEAST['invitations']} invitations that were followed, and of {_LEAST['answers']} answers to messages"
        )
        raise refusal("touches", f"a log of at least {least}", f"{invitations:,} and {answers:,}")
