"""A simulated year: the same rules, a simulated clock and a stated model of how people react."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from netpromoter._checks import count, refusal
from netpromoter._html import escape, table
from netpromoter.frames import Library
from netpromoter.model import KINDS, NEVER, Column, Contacts, Event, Touches, in_utc, instant, span
from netpromoter.rules import FOREVER, Condition, Policy
from netpromoter.stats import Method, Score

from ._behavior import Behavior
from ._causes import rows_of
from ._days import Days
from ._plan import AnyContacts, Held, as_contacts, as_touches
from ._turns import Turns, as_history, as_policies

__all__ = ["Simulation", "cases", "opened", "simulate"]

_MINUTE = timedelta(minutes=1)


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Simulation:
    """What happened in a simulated time; `simulate` makes one.

    Parameters
    ----------
    policies : tuple of Policy
        What was planned by.
    contacts : Contacts
        Who might be asked, n of them.
    at : datetime
        When it began, in UTC.
    days : int
        How long it was.
    touches : Touches
        Everything that happened, in the order of time: messages at the instant at which they left, and what came of
        them. What was handed in as history is not repeated.
    case : array of bool, shape (rows,)
        Which touches are answers that would open a case.
    never_asked : Held
        Who was not invited in all the time, and the reason that held each at its end.

    Examples
    --------
    >>> from datetime import UTC
    >>> from netpromoter.model import Contact, Survey
    >>> from netpromoter.rules import Continuous
    >>> people = [Contact(id=f"c-{n}", addresses={"email": f"{n}@example.com"}) for n in range(200)]
    >>> at = datetime(2026, 1, 5, tzinfo=UTC)
    >>> policy = Policy(survey=Survey("nps"), cadence=Continuous(every=timedelta(days=90), start=at), rules=[])
    >>> s = simulate(policy, people, behavior=Behavior(), at=at, days=90, rng=np.random.default_rng(1))
    >>> s.by_day.count("invitations").sum(), len(s.never_asked)
    (np.int64(...), 0)
    """

    policies: tuple[Policy, ...]
    contacts: Contacts
    at: datetime
    days: int
    touches: Touches
    case: npt.NDArray[np.bool_]
    never_asked: Held

    def __repr__(self) -> str:
        surveys = ", ".join(policy.survey.key for policy in self.policies)
        return f"Simulation({surveys}, {self.days:,} days from {self.at:%Y-%m-%d}: {self._said})"

    @property
    def _said(self) -> str:
        totals = self.totals
        score = f", NPS {self.score.value:+z.1f}" if totals["answers"] else ""
        return f"{totals['messages']:,} messages, {totals['answers']:,} answers{score}"

    def _repr_html_(self) -> str:
        totals = self.totals
        rows = [[escape(name.replace("_", "-")), f"{times:,}"] for name, times in totals.items()]
        rows.append(["never asked", f"{len(self.never_asked):,}"])
        rows += [[f"&emsp;{escape(reason)}", f"{times:,}"] for reason, times in self.never_asked.counts.items()]
        return table(["", "number"], rows, caption=escape(repr(self)))

    @cached_property
    def by_day(self) -> Days:
        """The counts of each day."""
        return Days(start=self.at, number=self.days, touches=self.touches, case=self.case)

    @property
    def totals(self) -> dict[str, int]:
        """The counts of all days together, by name."""
        return self.by_day.totals

    @property
    def score(self) -> Score:
        """The score of all answers as they came, of a census and of a sample alike; one of nobody is refused."""
        return self.by_day.score

    @cached_property
    def asks(self) -> npt.NDArray[np.int64]:
        """How often each contact was invited, shape (n,)."""
        rows = rows_of(self.touches, "invited")
        return np.bincount(self.touches.contact[rows], minlength=len(self.contacts))

    @property
    def people_by_asks(self) -> dict[int, int]:
        """How many contacts were invited so many times."""
        times = np.bincount(self.asks)
        return {asks: int(people) for asks, people in enumerate(times.tolist()) if people}

    def intervals(
        self, *, every: int = 7, confidence_level: float = 0.95, method: Method = "score"
    ) -> list[dict[str, Any]]:
        """Say how the interval of the score of all answers so far narrows; see `Days.intervals`."""
        return self.by_day.intervals(every=every, confidence_level=confidence_level, method=method)

    def of(self, survey: str) -> Simulation:
        """Return what concerns one survey, by key: its messages, answers, declines and bounces, and what has none.

        Who was never asked stays as it is: those whom no survey asked.

        Raises
        ------
        InvalidArgument
            If there is no policy of such a survey.
        """
        policies = tuple(policy for policy in self.policies if policy.survey.key == survey)
        if not policies:
            raise refusal("survey", f"one of {', '.join(policy.survey.key for policy in self.policies)}", survey)
        others = [code for code, (key, _) in enumerate(self.touches.surveys) if key != survey]
        mine = ~np.isin(self.touches.survey, others)
        return attrs.evolve(self, policies=policies, touches=self.touches.where(mine), case=self.case[mine])

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


def simulate(
    policy: Policy | Sequence[Policy],
    contacts: AnyContacts,
    *,
    behavior: Behavior,
    at: datetime,
    rng: np.random.Generator,
    days: int = 365,
    touches: Touches | Iterable[Event] = (),
    triggered: Touches | Iterable[Event] = (),
    every: timedelta = timedelta(days=1),
    follow_up: Condition | None = None,
) -> Simulation:
    """Try a policy on simulated people: the same rules, a simulated clock, and a stated model of how people react.

    At every turn the policies plan in the order in which they are given, each with what the others have just adopted
    in its history. Reactions enter the history at the turn after they happen. A message whose person reacts before it
    leaves is not sent. Who is still to react to a message does not react to a further one.

    Parameters
    ----------
    policy : Policy or sequence of Policy
        Whom to ask, and when. Several surveys share one history.
    contacts : Contacts, iterable of Contact, dataframe or path
        Everybody who may be asked, as for `plan`.
    behavior : Behavior
        How they react.
    at : datetime
        When the first turn is, aware.
    rng : numpy.random.Generator
        What all chance is made from: the same state gives the same simulation.
    days : int, default 365
        For how long, at least 1.
    touches : Touches or iterable of Event, optional
        What has happened before. Only messages in it may be scheduled for later.
    triggered : Touches or iterable of Event, optional
        Events that are to come, for surveys with a `Trigger`: each enters the history as its time comes.
    every : timedelta, default 1 day
        From one turn to the next, at least a minute.
    follow_up : Condition, optional
        Which answers open a case: on the attributes of the contact, and on "rating".

    Returns
    -------
    Simulation

    Raises
    ------
    InvalidArgument
        If an argument breaks its rule, or if a condition asks for what no contact has.

    Examples
    --------
    >>> from datetime import UTC
    >>> from netpromoter.model import Contact, Survey
    >>> from netpromoter.rules import Wave, field
    >>> people = [Contact(id=f"c-{n}", addresses={"email": f"{n}@example.com"}) for n in range(50)]
    >>> keen = Behavior(response=1, decline=0, opt_out=0, bounce=0, spread=0)
    >>> s = simulate(Policy(survey=Survey("nps"), cadence=Wave("spring"), rules=[]), people, behavior=keen, days=7,
    ...              at=datetime(2026, 3, 2, tzinfo=UTC), rng=np.random.default_rng(1), follow_up=field("rating") <= 6)
    >>> [(row["day"], row["invitations"], row["answers"]) for row in s.rows()][:3]
    [(1, 50, 0), (2, 0, 50), (3, 0, 0)]
    """
    policies, people, length = as_policies(policy), as_contacts(contacts), count("days", days, least=1)
    start = instant("at", at)
    span("every", every, least=_MINUTE)
    _check(behavior, rng)
    known, to_come, opens = as_history(touches, start), _triggers(triggered), cases(follow_up, people)
    turns = Turns(policies, people, known, to_come, _Reactions(behavior, people, rng))
    end = _end(start, length)
    made = turns.walk(start, end, every)
    asked = np.zeros(len(people), np.bool_)
    asked[made.contact[rows_of(made, "invited")]] = True
    return Simulation(
        policies=policies,
        contacts=people,
        at=in_utc("at", at),
        days=length,
        touches=made,
        case=opened(opens, made),
        never_asked=turns.never_asked(asked, end, every),
    )


def _end(start: np.datetime64, days: int) -> np.datetime64:
    if days > (FOREVER - start) // np.timedelta64(1, "D"):
        raise refusal("days", f"so few that the year 9999 is not reached from {start}", days)
    end: np.datetime64 = start + np.timedelta64(days, "D")
    return end


def _check(behavior: Any, rng: Any) -> None:
    if not isinstance(behavior, Behavior):
        raise refusal("behavior", "a Behavior", behavior)
    if not isinstance(rng, np.random.Generator):
        raise refusal("rng", "a numpy.random.Generator", rng)


def _triggers(triggered: Touches | Iterable[Event]) -> Touches:
    found = as_touches(triggered)
    others = found.kind[found.kind != KINDS.index("triggered")]
    if len(others):
        raise refusal("triggered", "made of Triggered alone", KINDS[others[0]])
    return found


def cases(follow_up: Condition | None, contacts: Contacts) -> npt.NDArray[np.bool_]:
    """Say for each rating and contact whether such an answer opens a case, shape (11, n)."""
    opens = np.zeros((11, len(contacts)), np.bool_)
    if follow_up is None:
        return opens
    if not isinstance(follow_up, Condition):
        raise refusal("follow_up", 'a condition such as field("rating") <= 6, or None', follow_up)
    for rating in range(11):
        same = np.full(len(contacts), rating)
        columns = {"rating": Column(kind="number", values=same, missing=np.zeros(len(same), np.bool_))}
        opens[rating] = follow_up.evaluate({**contacts.columns, **columns}, len(contacts)).true
    return opens


def opened(opens: npt.NDArray[np.bool_], touches: Touches) -> npt.NDArray[np.bool_]:
    """Say which touches are answers that open a case; of people who are no contacts that is not known."""
    opening = np.zeros(len(touches), np.bool_)
    rows = rows_of(touches, "answered")
    rows = rows[touches.contact[rows] < opens.shape[1]]
    opening[rows] = opens[touches.rating[rows], touches.contact[rows]]
    return opening


class _Reactions:
    """Draws what comes of messages; whoever is still to react to one does not react to a further one."""

    def __init__(self, behavior: Behavior, contacts: Contacts, rng: np.random.Generator) -> None:
        self._behavior, self._rng = behavior, rng
        self._segment = behavior.segment(contacts)
        self._busy = np.full(len(contacts), NEVER)

    def __call__(self, policy: Policy, messages: Touches) -> Touches:  # noqa: ARG002 -- a Source
        idle = messages.where(~(self._busy[messages.contact] > messages.at))
        made = self._behavior.react(idle, rng=self._rng, segment=self._segment)
        self._busy[made.contact] = made.at
        return made
