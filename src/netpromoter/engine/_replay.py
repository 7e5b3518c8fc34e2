"""A changed policy over what really happened: whom it would have asked, and what is known of their answers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, TypeAlias

import attrs
import numpy as np
import numpy.typing as npt

from netpromoter._checks import refusal
from netpromoter._html import escape, table
from netpromoter.frames import Library
from netpromoter.model import NEVER, Contacts, Event, Instants, Touches, in_utc, instant, span
from netpromoter.rules import Condition, Policy
from netpromoter.stats import Method, Score

from ._causes import Causes, Places, crossed, messages_of, rows_of
from ._days import Days
from ._plan import AnyContacts, all_left, as_contacts, as_touches
from ._simulate import cases, opened
from ._turns import Turns, as_policies, numbered

__all__ = ["Replay", "replay"]

_Ints: TypeAlias = npt.NDArray[np.integer[Any]]
_Mask: TypeAlias = npt.NDArray[np.bool_]

_DAY = timedelta(days=1)
_MINUTE = timedelta(minutes=1)
_LAST = np.iinfo(np.int64).max
#: What a message of a survey leads to, which comes along with its message.
_OF_SURVEY = ("answered", "declined", "shown")


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Replay:
    """What a policy would have done over a real log; `replay` makes one.

    An ask is an occasion of a person to which the policy sends a message in this time. It is `answered` if history
    knows an answer that comes before the end, `silent` if history asked by the same messages and nobody answered by
    then, and `unknown` otherwise: because history did not ask this person about then, or did not send this reminder.

    Parameters
    ----------
    policies : tuple of Policy
        What was planned by.
    contacts : Contacts
        Who might be asked.
    start, end : datetime
        From when to when, in UTC.
    touches : Touches
        What would have happened, in the order of time.
    case : array of bool, shape (rows,)
        Which touches are answers that would open a case.
    answered, silent, unknown : int
        How many asks there are of each sort.
    real_messages, real_answers : int
        How many messages history sent in this time for these surveys, and how many answers came.
    """

    policies: tuple[Policy, ...]
    contacts: Contacts
    start: datetime
    end: datetime
    touches: Touches
    case: npt.NDArray[np.bool_]
    answered: int
    silent: int
    unknown: int
    real_messages: int
    real_answers: int

    def __repr__(self) -> str:
        surveys = ", ".join(policy.survey.key for policy in self.policies)
        return (
            f"Replay({surveys}, {self.start:%Y-%m-%d} to {self.end:%Y-%m-%d}: {self.asks:,} asks, "
            f"{self.answered:,} answered, {self.unknown:,} unknown)"
        )

    def _repr_html_(self) -> str:
        names = ("asks", "answered", "silent", "unknown", "messages", "messages_saved")
        rows = [[escape(name.replace("_", " ")), f"{getattr(self, name):,}"] for name in names]
        rows.append(["share of asks unknown", f"{self.share_unknown:.1%}"])
        return table(["", "number"], rows, caption=escape(repr(self)))

    @property
    def asks(self) -> int:
        """How many occasions of a person get a message."""
        return self.answered + self.silent + self.unknown

    @property
    def share_unknown(self) -> float:
        """Of which share of the asks it is not known whether and how they would have been answered; 0 of none."""
        return self.unknown / self.asks if self.asks else 0.0

    @property
    def messages(self) -> int:
        """How many messages the policies send."""
        return self.by_day.totals["messages"]

    @property
    def messages_saved(self) -> int:
        """How many fewer messages that is than history sent; below 0 if it is more."""
        return self.real_messages - self.messages

    @cached_property
    def by_day(self) -> Days:
        """The counts of each day, of the surveys that are replayed."""
        keys = {policy.survey.key for policy in self.policies}
        others = [code for code, (key, _) in enumerate(self.touches.surveys) if key not in keys]
        mine = ~np.isin(self.touches.survey, others)
        days = -((self.start - self.end) // _DAY)
        return Days(start=self.start, number=days, touches=self.touches.where(mine), case=self.case[mine])

    @property
    def score(self) -> Score:
        """The score of the answers that are known; one of nobody is refused."""
        return self.by_day.score

    def bounds(self) -> tuple[float, float]:
        """Return the score in points if every unknown ask had been answered, all by detractors or all by promoters.

        These hold whatever the unknown people think. An interval of `score` holds only if they think as the others.

        Raises
        ------
        NoRatings
            If no answer is known.
        """
        score = self.score
        n, balance = score.n + self.unknown, score.promoters - score.detractors
        return 100 * (balance - self.unknown) / n, 100 * (balance + self.unknown) / n

    def intervals(
        self, *, every: int = 7, confidence_level: float = 0.95, method: Method = "score"
    ) -> list[dict[str, Any]]:
        """Say how the interval of the score of the known answers narrows; see `Days.intervals`."""
        return self.by_day.intervals(every=every, confidence_level=confidence_level, method=method)

    def rows(self) -> Iterator[dict[str, Any]]:
        """Give each day as a plain dict; see `Days.rows`."""
        return self.by_day.rows()

    def to_frame(self, library: Library) -> Any:
        """Give the rows as a dataframe.

        Parameters
        ----------
        library : {"pandas", "polars", "pyarrow"}
            Of which library.

        Returns
        -------
        dataframe
            One row for each day.
        """
        return self.by_day.to_frame(library)


def replay(
    policy: Policy | Sequence[Policy],
    contacts: AnyContacts,
    touches: Touches | Iterable[Event],
    *,
    start: datetime,
    end: datetime,
    every: timedelta = _DAY,
    match: timedelta = timedelta(days=30),
    follow_up: Condition | None = None,
) -> Replay:
    """Recompute the decisions of a policy over what really happened.

    Until `start` history is as it was. From then on the messages of the surveys of the policies are those that the
    policies plan. All else stays as it was: messages of other surveys, triggers, opt-outs, bounces, and answers that
    no message led to. An answer or a decline comes along with the message that led to it: if the policy asks somebody
    whom history asked at most `match` sooner or later, and sends the message of the same step, the answer comes after
    that with its real delay. Each real invitation serves one ask, the nearest of the two beside it.

    Parameters
    ----------
    policy : Policy or sequence of Policy
        Whom to ask, and when. A policy of a survey that the log does not have asks people of whom nothing is known.
    contacts : Contacts, iterable of Contact, dataframe or path
        Everybody who may be asked, as for `plan`.
    touches : Touches or iterable of Event
        What really happened.
    start, end : datetime
        From when to when, aware.
    every : timedelta, default 1 day
        From one turn to the next, at least a minute.
    match : timedelta, default 30 days
        How far apart a planned and a real invitation may be so that the real answer stands for the planned one.
    follow_up : Condition, optional
        Which answers open a case: on the attributes of the contact, and on "rating".

    Returns
    -------
    Replay

    Raises
    ------
    InvalidArgument
        If an argument breaks its rule, or if a condition asks for what no contact has.

    Examples
    --------
    >>> from datetime import UTC
    >>> from netpromoter.model import Contact, Message, Responded, Response, Scheduled, Survey
    >>> from netpromoter.rules import Wave
    >>> at = datetime(2026, 3, 2, 8, tzinfo=UTC)
    >>> ask = Message(survey="nps", occasion="1", contact="c-1", step=0, channel="email", to="1@example.com", due=at)
    >>> answer = Response(survey="nps", occasion="1", contact="c-1", rating=9, at=at + timedelta(hours=5))
    >>> people = [Contact(id=f"c-{n}", addresses={"email": f"{n}@example.com"}) for n in (1, 2)]
    >>> wave = Policy(survey=Survey("nps"), cadence=Wave("all"), rules=[], reminders=None)
    >>> replay(wave, people, [Scheduled(message=ask, at=at), Responded(response=answer)], start=at - timedelta(days=2),
    ...        end=at + timedelta(days=9))
    Replay(nps, 2026-02-28 to 2026-03-11: 2 asks, 1 answered, 1 unknown)
    """
    policies, people = as_policies(policy), as_contacts(contacts)
    log = numbered(all_left(as_touches(touches)), people).sorted()
    first, last = instant("start", start), instant("end", end)
    if first >= last:
        raise refusal("end", f"after start, {start}", end)
    span("every", every, least=_MINUTE)
    window, opens = span("match", match), cases(follow_up, people)
    real = _Real(policies, log, len(people), first, window)
    turns = Turns(policies, people, log.where(real.before), log.where(real.stays), real)
    made = turns.walk(first, last, every)
    return Replay(
        policies=policies,
        contacts=people,
        start=in_utc("start", start),
        end=in_utc("end", end),
        touches=made,
        case=opened(opens, made),
        **real.outcome(last),
    )


class _Real:
    """What history knows of the answers to the messages of some policies."""

    def __init__(
        self, policies: Sequence[Policy], log: Touches, people: int, start: np.datetime64, window: np.timedelta64
    ) -> None:
        self._log, self._start = log, start
        keys = [policy.survey.key for policy in policies]
        self._own = np.isin(log.survey, [code for code, (key, _) in enumerate(log.surveys) if key in keys])
        causes = Causes.of(log)
        moved = _marked(log, messages_of(log)) & self._own & (log.at >= start)
        led = _marked(log, causes.effect[moved[causes.message]]) & _marked(log, rows_of(log, *_OF_SURVEY)) & self._own
        self._effects = _Effects(causes, led)
        self.stays = ~(moved | led) & (log.at >= start)
        self.before = ~(moved | led) & (log.at < start)
        self._asks = {key: _Asks(log, key, people, start, window) for key in keys}

    def __call__(self, policy: Policy, messages: Touches) -> Touches:
        """Give what history says came of the messages."""
        asks = self._asks[policy.survey.key]
        effect, delay, place = self._effects.of(asks.counterparts(messages))
        made = attrs.evolve(
            self._log.where(effect),
            contact=messages.contact[place],
            at=messages.at[place] + delay,
            occasion=messages.occasion[place],
            occasions=messages.occasions,
            arm=messages.arm[place],
            arms=messages.arms,
        )
        asks.note(made.where(rows_of(made, "answered")))
        return made

    def outcome(self, end: np.datetime64) -> dict[str, int]:
        """Count the asks of each sort, and what history did in the same time."""
        sorts = np.sum([asks.sorts(end) for asks in self._asks.values()], axis=0)
        within = self._own & (self._log.at >= self._start) & (self._log.at <= end)
        real = [int(within[rows].sum()) for rows in (messages_of(self._log), rows_of(self._log, "answered"))]
        names = ("answered", "silent", "unknown", "real_messages", "real_answers")
        return dict(zip(names, [*sorts.tolist(), *real], strict=True))


def _marked(touches: Touches, rows: _Ints) -> _Mask:
    marked = np.zeros(len(touches), np.bool_)
    marked[rows] = True
    return marked


class _Effects:
    """What some rows led to, looked up by the row of the message."""

    def __init__(self, causes: Causes, chosen: _Mask) -> None:
        mine = np.flatnonzero(chosen[causes.effect])
        order = mine[np.argsort(causes.message[mine], kind="stable")]
        self._message, self._effect, self._delay = causes.message[order], causes.effect[order], causes.delay[order]

    def of(self, rows: _Ints) -> tuple[_Ints, npt.NDArray[np.timedelta64], _Ints]:
        """Give the effects of some rows, their delays, and the places of their messages among the rows."""
        first, last = (np.searchsorted(self._message, rows, side) for side in ("left", "right"))
        times = last - first
        place = np.repeat(np.arange(len(rows)), times)
        found = np.arange(times.sum()) + np.repeat(first - np.cumsum(times) + times, times)
        return self._effect[found], self._delay[found], place


class _Asks:
    """The asks of one survey, each with the real one that stands for it."""

    def __init__(self, log: Touches, key: str, people: int, start: np.datetime64, window: np.timedelta64) -> None:
        codes = [code for code, (name, _) in enumerate(log.surveys) if name == key]
        mine = np.isin(log.survey, codes) & (log.contact < people)
        group = crossed(log.contact, log.occasion)
        sent, invited = (rows[mine[rows]] for rows in (messages_of(log), rows_of(log, "invited")))
        sent, pool, old = (
            sent[log.at[sent] >= start],
            invited[log.at[invited] >= start],
            invited[log.at[invited] < start],
        )
        self._window, self._used = window, np.zeros(len(pool) + 1, np.bool_)
        self._pool, self._at = Places(log.contact[pool], log.at[pool]), np.append(log.at[pool], NEVER)
        self._group = np.append(group[pool], -1)  # the last place of each is for none
        names = _named(group[sent], log.step[sent], log.attempt[sent])
        order = np.argsort(names, kind="stable")
        self._names, self._rows = np.append(names[order], _LAST), np.append(sent[order], -1)
        self._current = np.full(people, -1, np.int64)
        self._current[log.contact[old]] = group[old]
        self._ask = np.arange(people)
        self._asks, self._none = people, np.empty(0, np.int64)
        self._written, self._missed = [self._none], [self._none]
        self._answers = [(self._none, self._none.astype("datetime64[us]"))]

    def counterparts(self, messages: Touches) -> _Ints:
        """Give the row of the real message that stands for each message; -1 where there is none."""
        first = rows_of(messages, "invited")
        self._open(messages.contact[first], messages.at[first])
        group = self._current[messages.contact]
        names = _named(group, messages.step, messages.attempt)
        place = np.searchsorted(self._names, names)
        row = np.where((self._names[place] == names) & (group >= 0), self._rows[place], -1)
        self._written.append(self._ask[messages.contact])
        self._missed.append(self._ask[messages.contact[row < 0]])
        return row

    def _open(self, people: _Ints, at: Instants) -> None:
        """Begin an ask of each person, with the real invitation next to it that serves no other."""
        best, apart = np.full(len(people), -1), np.full(len(people), self._window + np.timedelta64(1, "us"))
        for places in (self._pool.before(people, at), self._pool.after(people, at)):
            away = np.abs(self._at[places] - at)
            nearer = (places >= 0) & ~self._used[places] & (away < apart)
            best[nearer], apart[nearer] = places[nearer], away[nearer]
        self._used[best[best >= 0]] = True
        self._current[people] = self._group[best]
        self._ask[people] = np.arange(self._asks, self._asks + len(people))
        self._asks += len(people)

    def note(self, answers: Touches) -> None:
        """Note which asks are answered, and when."""
        self._answers.append((self._ask[answers.contact], answers.at))

    def sorts(self, end: np.datetime64) -> tuple[int, int, int]:
        """Count the asks that are answered by the end, silent and unknown."""
        asks, at = (np.concatenate(columns) for columns in zip(*self._answers, strict=True))
        answered = np.unique(asks[at <= end])
        unknown = np.setdiff1d(np.concatenate(self._missed), answered)
        written = np.unique(np.concatenate(self._written))
        return len(answered), len(written) - len(answered) - len(unknown), len(unknown)


def _named(group: _Ints, step: _Ints, attempt: _Ints) -> npt.NDArray[np.int64]:
    """Name a message by one number: its occasion, its step and its attempt, which have 15 bits each."""
    return (group.astype(np.int64) << 30) | (step.astype(np.int64) << 15) | attempt
