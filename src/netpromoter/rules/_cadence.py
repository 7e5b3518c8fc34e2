"""When the next occasion of a survey comes for each person: a wave, a period of their own, or an event."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeAlias

import attrs
import numpy as np
import numpy.typing as npt
from attrs.validators import optional

from netpromoter._checks import refusal
from netpromoter.model import NEVER, Instants, instant

from ._clocks import spoken
from ._conditions import Condition
from ._draws import draws
from ._fields import instance_of, moment, named, period, wait
from ._history import HEARD, OPENED
from ._holds import FOREVER
from ._people import People

__all__ = ["Cadence", "Continuous", "Readiness", "Trigger", "Wave", "Waves"]

_Codes: TypeAlias = npt.NDArray[np.integer[Any]]
_Mask: TypeAlias = npt.NDArray[np.bool_]


@attrs.frozen(kw_only=True, eq=False)
class Readiness:
    """From when on each person may be invited to the next occasion, until when, and why not before.

    Parameters
    ----------
    ready : array of datetime64[us], shape (n,)
        In UTC; `FOREVER` for those to whom no occasion comes.
    reasons : sequence of str
        The reasons of the wait, as they complete "held because ...".
    codes : array of int, shape (n,)
        Which reason is each person's.
    ends : array of datetime64[us], shape (n,) or ()
        The instant from which on it is too late.
    over : str
        The reason of those for whom it is.
    occasions : sequence of str, of n or of one
        The name of each person's next occasion, or one for all.
    closes : mapping of str to datetime64[us], default {}
        The instants from which on occasions of these names have no further message.
    within : timedelta, optional
        For how long after a message of this survey was due it may still leave; None has no end.
    """

    ready: Instants
    reasons: Sequence[str]
    codes: _Codes
    ends: Instants | np.datetime64
    over: str
    occasions: Sequence[str]
    closes: Mapping[str, np.datetime64] = attrs.field(factory=dict)
    within: timedelta | None = None

    def occasion(self, position: int) -> str:
        """Name the occasion of one person."""
        return self.occasions[position if len(self.occasions) > 1 else 0]


class Cadence(Protocol):
    """Says when the next occasion of a survey comes for each person."""

    def seed(self, at: np.datetime64, /) -> str:
        """Name the draw that is in force, so that each wave draws anew."""
        ...

    def readiness(self, people: People, at: np.datetime64, /) -> Readiness:
        """Say from when on each person may be invited."""
        ...


@attrs.frozen
class Wave:
    """Everybody is asked once under one name.

    Parameters
    ----------
    name : str
        The occasion: whoever was invited to it, or has answered or declined, is not invited to it again, whatever the
        date.
    opens, closes : datetime, optional
        Aware instants between which messages of the wave may be planned; what has not left at the end is not sent. A
        policy knows the end of a wave as long as it has the wave: to go on to the next, list both in `Waves`.
    drip : timedelta, default 0
        Over how long the invitations are spread, evenly and by a draw of its own; from `opens`, which it needs.

    Examples
    --------
    >>> Wave("2026-autumn")
    Wave(name='2026-autumn', opens=None, closes=None, drip=datetime.timedelta(0))
    """

    name: str = attrs.field(validator=named)
    opens: datetime | None = attrs.field(default=None, validator=optional(moment), kw_only=True)
    closes: datetime | None = attrs.field(default=None, validator=optional(moment), kw_only=True)
    drip: timedelta = attrs.field(default=timedelta(0), validator=wait, kw_only=True)

    def __attrs_post_init__(self) -> None:
        if self.opens and self.closes and not self.opens < self.closes:
            raise refusal("closes", f"after opens, {self.opens}", self.closes)
        if self.drip and not self.opens:
            raise refusal("opens", "given where a wave drips", self.opens)

    @property
    def beginning(self) -> np.datetime64:
        """When it opens, in UTC; NaT for always."""
        return NEVER if self.opens is None else instant("opens", self.opens)

    @property
    def end(self) -> np.datetime64:
        """When it closes, in UTC; `FOREVER` for never."""
        return FOREVER if self.closes is None else instant("closes", self.closes)

    def seed(self, at: np.datetime64) -> str:
        """Name the draw of the wave."""
        return self.name

    def readiness(self, people: People, at: np.datetime64) -> Readiness:
        """Let everybody be asked who was not yet, from the opening on, each at their place in the drip."""
        asked = [people.history.last(kinds, people.surveys("survey"), occasion=self.name) for kinds in (OPENED, HEARD)]
        ready = np.full(len(people), at if self.opens is None else self.beginning)
        codes = np.full(len(people), 2 if self.drip else 1, np.int8)
        if self.drip:
            ready = ready + self._places(people)
        done = ~np.isnat(np.fmax(*asked))
        ready[done], codes[done] = FOREVER, 0
        codes[self._by_another(people, done)] = 3
        name = self.name
        return Readiness(
            ready=ready,
            reasons=self._reasons,
            codes=codes,
            ends=self.end,
            over=f"{name} is over",
            occasions=(name,),
            closes={name: self.end},
        )

    @property
    def _reasons(self) -> tuple[str, ...]:
        name = self.name
        asked, twin = f"asked in {name} already", f"another contact with this address was asked in {name}"
        return asked, f"{name} is not open yet", f"place in the drip of {name}", twin

    def _by_another(self, people: People, done: _Mask) -> _Mask:
        """Say who of those who are done was not asked, but somebody with the same address."""
        shares = np.zeros(len(people), np.bool_)
        shares[people.history.links[0]] = True
        shares &= done
        pairs = people.history.asked(people.surveys("survey") or (), shares)
        shares[[person for person, occasion in pairs if occasion == self.name]] = False
        return shares

    def _places(self, people: People) -> npt.NDArray[np.timedelta64]:
        uniform = draws(people.contacts, "drip", f"{people.survey.key}/{self.name}")
        return (uniform * np.timedelta64(self.drip, "us")).astype("timedelta64[us]")


def _as_waves(value: Any) -> tuple[Wave, ...]:
    waves = tuple(value) if isinstance(value, Sequence) else (value,)
    for each in waves:
        if not isinstance(each, Wave):
            raise refusal("waves", "made of waves", each)
        if each.opens is None:
            raise refusal("opens", "given where there are several waves", each)
    if not waves:
        raise refusal("waves", "at least one wave", value)
    if len({each.name for each in waves}) < len(waves):
        raise refusal("waves", "of different names", [each.name for each in waves])
    return tuple(sorted(waves, key=lambda each: each.beginning))


@attrs.frozen
class Waves:
    """One wave after the other: the one that opened last is the one that is asked.

    Parameters
    ----------
    waves : sequence of Wave
        Each with an opening, and a name of its own.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> spring, autumn = (datetime(2026, month, 2, tzinfo=UTC) for month in (3, 9))
    >>> len(Waves([Wave("spring", opens=spring), Wave("autumn", opens=autumn)]).waves)
    2
    """

    waves: Sequence[Wave] = attrs.field(converter=_as_waves)

    def _current(self, at: np.datetime64) -> Wave:
        return next((wave for wave in reversed(self.waves) if wave.beginning <= at), self.waves[0])

    def seed(self, at: np.datetime64) -> str:
        """Name the draw of the wave that is open."""
        return self._current(at).seed(at)

    def readiness(self, people: People, at: np.datetime64) -> Readiness:
        """Let everybody be asked who was not yet in the wave that opened last."""
        closes = {wave.name: wave.end for wave in self.waves}
        return attrs.evolve(self._current(at).readiness(people, at), closes=closes)


@attrs.frozen(kw_only=True)
class Continuous:
    """Everybody is asked again and again, each at a time of their own.

    The first ask of a person is spread evenly over one period from the start of the program, by a draw; who comes later
    may be asked at once, as far as the rules let them. Every further ask comes one period after the last, on the
    person's own clock and not on the calendar's.

    Parameters
    ----------
    every : timedelta
        The period.
    start : datetime
        When the program starts, aware.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> Continuous(every=timedelta(days=90), start=datetime(2026, 1, 1, tzinfo=UTC)).every.days
    90
    """

    every: timedelta = attrs.field(validator=period)
    start: datetime = attrs.field(validator=moment)

    def seed(self, at: np.datetime64) -> str:
        """Name the one draw of the survey."""
        return "continuous"

    def readiness(self, people: People, at: np.datetime64) -> Readiness:
        """Let each person be asked one period after the last time, or at their place in the first."""
        period = np.timedelta64(self.every, "us")
        surveys = people.surveys("survey") or ()
        invited, heard = (people.history.last(kinds, surveys) for kinds in (OPENED, HEARD))
        asked, answered = people.history.occasions(surveys).asks, people.history.last_number(surveys)
        # who has answered before an invitation left was asked all the same
        asks, last = np.maximum(asked, answered), np.where(answered > asked, np.fmax(invited, heard), invited)
        place = (draws(people.contacts, "first ask", people.survey.key) * period).astype("timedelta64[us]")
        first = instant("start", self.start) + place
        since = people.contacts.since
        first = np.where(since > instant("start", self.start), since, first)
        never = np.isnat(last)
        reasons = (
            "place in the first period",
            f"{spoken(self.every)} between two asks",
            f"{spoken(self.every)} after another contact with this address was asked",
        )
        ready = np.where(never, first, last + period)
        return Readiness(
            ready=ready,
            reasons=reasons,
            codes=(~never).astype(np.int8) + (~never & (asks == 0)),
            ends=FOREVER,
            over="",
            occasions=_Ordinals(asks),
        )


class _Ordinals(Sequence[str]):
    """The number of each person's next ask, as a name."""

    def __init__(self, asks: npt.NDArray[np.int64]) -> None:
        self._asks = asks

    def __len__(self) -> int:
        return len(self._asks)

    def __getitem__(self, position: Any) -> Any:
        return str(int(self._asks[position]) + 1)


@attrs.frozen
class Trigger:
    """Everybody is asked after something happened to them: a case was closed, a result was published.

    The event is the occasion, so that nobody is asked twice about one. Of several events of a person, the latest that
    is ripe counts.

    Parameters
    ----------
    touchpoint : str
        Which events, as `Triggered.touchpoint` names them.
    delay : timedelta, default 0
        How long after the event.
    within : timedelta, default 14 days
        For how long after that; later the moment is over. A message that was adopted and could not leave is withheld so
        long after it was due.
    not_before : str or Condition, optional
        An attribute that holds the instant before which a person is not asked, such as that of a published result (the
        delay then counts from the later of the two); or a condition that must be met.

    Examples
    --------
    >>> Trigger("case.closed", delay=timedelta(hours=2)).touchpoint
    'case.closed'
    """

    touchpoint: str = attrs.field(validator=named)
    delay: timedelta = attrs.field(default=timedelta(0), validator=wait, kw_only=True)
    within: timedelta = attrs.field(default=timedelta(days=14), validator=period, kw_only=True)
    not_before: str | Condition | None = attrs.field(
        default=None,
        validator=optional(instance_of(str, Condition, rule="the name of an attribute, or a condition")),
        kw_only=True,
    )

    def seed(self, at: np.datetime64) -> str:
        """Name the one draw of the survey."""
        return self.touchpoint

    def readiness(self, people: People, at: np.datetime64) -> Readiness:
        """Let each person be asked about the latest event, from its delay on, as long as it is fresh."""
        happened, events = self._events(people, at)
        earliest, unknown = self._earliest(people)
        begins: Any = np.fmax(happened, earliest)
        ready: Instants = begins + np.timedelta64(self.delay, "us")
        ends: Instants = ready + np.timedelta64(self.within, "us")
        asked = self._asked(people, ends > at, events)
        codes = np.full(len(people), 1, np.int8)
        for code, chosen in ((3, unknown), (2, asked), (0, np.isnat(happened))):
            ready[chosen], ends[chosen], codes[chosen] = FOREVER, FOREVER, code
        return Readiness(
            ready=ready,
            reasons=self._reasons,
            codes=codes,
            ends=ends,
            over=f"{self.touchpoint} was too long ago",
            occasions=events.tolist(),
            within=self.within,
        )

    @property
    def _reasons(self) -> tuple[str, ...]:
        point, limit = self.touchpoint, self.not_before
        begins = f"the later of {point} and {limit}" if isinstance(limit, str) else point
        delay = f"{spoken(self.delay)} after {begins}" if self.delay else f"{begins} is still to come"
        waits = f"{limit} missing" if isinstance(limit, str) else f"not yet {limit}"
        return f"no {point} yet", delay, f"asked about this {point} already", waits

    def _events(self, people: People, at: np.datetime64) -> tuple[Instants, npt.NDArray[np.object_]]:
        """Find the latest ripe event of each person, or else the first that is still to ripen."""
        happened, names = np.full(len(people), NEVER), np.full(len(people), "", object)
        times, person, events = people.history.triggered(self.touchpoint)
        ripe = int(np.searchsorted(times, at - np.timedelta64(self.delay, "us"), side="right"))
        for rows in (slice(None, ripe - 1 if ripe else None, -1), slice(None, ripe)):  # the last one stays
            happened[person[rows]], names[person[rows]] = times[rows], events[rows]
        return happened, names

    def _earliest(self, people: People) -> tuple[Instants, npt.NDArray[np.bool_]]:
        """Say before when nobody is asked, and of whom that is not known or not met."""
        size = len(people)
        if self.not_before is None or not size:
            return np.full(size, NEVER), np.zeros(size, np.bool_)
        if isinstance(self.not_before, str):
            column = people.contacts.columns.get(self.not_before)
            if column is None or column.kind != "instant":
                raise refusal("not_before", "an attribute that holds instants, or a condition", self.not_before)
            return np.where(column.missing, NEVER, column.values), column.missing
        return np.full(size, NEVER), ~self.not_before.evaluate(people.contacts.columns, size).true

    def _asked(
        self, people: People, fresh: npt.NDArray[np.bool_], events: npt.NDArray[np.object_]
    ) -> npt.NDArray[np.bool_]:
        """Say who was asked about this very event already."""
        asked = np.zeros(len(people), np.bool_)
        pairs = people.history.asked(people.surveys("survey") or (), fresh)
        asked[[person for person, event in pairs if events[person] == event]] = True
        return asked
