"""Until when somebody is to be called: promises, in calendar time or in business hours.

A business clock stands still while the business is closed. It follows the wall clock of a place, so that business hours
in which the clocks are put forward last an hour less.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache, partial
from typing import Any, TypeAlias, get_args
from zoneinfo import ZoneInfo

import attrs
import numpy as np
import numpy.typing as npt
from attrs.validators import optional

from netpromoter._checks import refusal
from netpromoter.model import NEVER, Deadline, Instants, Promise, Value, datetimes, instant, span

from ._conditions import Field
from ._fields import instance_of, option, period
from ._send_window import SendWindow, known_zone, openings_in, zone

__all__ = ["BusinessHours", "Promised", "SameDay", "Within", "deadlines", "promises"]

_Micros: TypeAlias = npt.NDArray[np.int64]
_Spells: TypeAlias = tuple[_Micros, _Micros]  # where each begins, and where each ends
_Places: TypeAlias = Sequence[ZoneInfo]
_Values: TypeAlias = Mapping[str, Sequence[Value]]

_MICROSECOND = timedelta(microseconds=1)
_BLOCK = 128 * timedelta(days=1) // _MICROSECOND
_LAST = np.datetime64("9999-12-31T23:59:59.999999", "us")
_END = int(_LAST.astype(np.int64))
_LAST_BLOCK = _END // _BLOCK - 1
_AGES = 1 << 60  # microseconds
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MONDAY = int(np.datetime64("2001-01-01", "us").astype(np.int64))
_DAY = timedelta(days=1) // _MICROSECOND
_LONGEST = 52  # weeks


def _whose(value: Any) -> str | Field | None:
    return value if value is None or isinstance(value, Field) else known_zone("time_zone", value).key


def _days(value: str) -> str:
    return SendWindow(value).days


def _hours(value: str) -> str:
    return SendWindow(hours=value).hours


def _holidays(value: Collection[date]) -> Collection[date]:
    return SendWindow(holidays=value).holidays


# -- business hours ----------------------------------------------------------------------------------------------------


@attrs.frozen
class BusinessHours:
    """The days and hours in which a business clock runs.

    Parameters
    ----------
    days : str, default "Mon-Fri"
        Weekdays, written as in `SendWindow`.
    hours : str, default "09:00-17:00"
        The opening and the closing, in local time, written as in `SendWindow`.
    holidays : collection of datetime.date, default none
        Local dates on which the business does not open.
    time_zone : str or Field, optional
        Where: a name of the IANA database, or a field that holds one, such as ``field("time_zone")`` for the customer's
        own. The policy's if it is left out, or where the customer's is missing or unknown.

    Raises
    ------
    InvalidArgument
        If the days, hours or holidays are not written so, or if there is no such time zone.

    Examples
    --------
    The clock stands still from Friday evening to Monday morning.

    >>> hours = BusinessHours("Mon-Fri", "09:00-17:00", time_zone="Europe/Paris")
    >>> print(hours.after(datetime.fromisoformat("2026-06-05T16:00+02:00"), timedelta(hours=2)))
    2026-06-08 10:00:00+02:00
    """

    days: str = attrs.field(default="Mon-Fri", converter=_days)
    hours: str = attrs.field(default="09:00-17:00", converter=_hours)
    holidays: Collection[date] = attrs.field(default=(), converter=_holidays, kw_only=True)
    time_zone: str | Field | None = attrs.field(default=None, converter=_whose, kw_only=True, eq=repr)

    @property
    def window(self) -> SendWindow:
        """When the business is open, on any wall clock."""
        return SendWindow(self.days, self.hours, holidays=self.holidays)

    @property
    def per_week(self) -> timedelta:
        """For how long it is open in a week without holidays and clock changes."""
        starts, ends = _spells(SendWindow(self.days, self.hours), ZoneInfo("UTC"), _MONDAY // _BLOCK, 2)
        week = np.array([_MONDAY, _MONDAY + 7 * _DAY])
        lengths = np.clip(ends, *week) - np.clip(starts, *week)
        return timedelta(microseconds=int(lengths.sum()))

    @property
    def fields(self) -> frozenset[str]:
        """The name of the field that says where the customer is, if any does."""
        return frozenset({self.time_zone.name} if isinstance(self.time_zone, Field) else ())

    def after(self, at: datetime, wait: timedelta) -> datetime:
        """Return the instant at which the clock has run for some time.

        Parameters
        ----------
        at : datetime
            Since when, aware.
        wait : timedelta
            For how long: at least a microsecond, and at most 52 weeks of these hours.

        Returns
        -------
        datetime
            On the wall clock of the business, or in UTC if it has none of its own. A wait that is over when the
            business closes is over then, not at the next opening.

        Raises
        ------
        InvalidArgument
            If the wait is too short or too long.
        """
        self.check("wait", wait)
        here = ZoneInfo(self.time_zone if isinstance(self.time_zone, str) else "UTC")
        reached: Any = datetimes(self.reached([here], np.array([instant("at", at)]), wait))[0]
        found: datetime = reached.astimezone(here)
        return found

    def check(self, name: str, wait: timedelta) -> None:
        """Refuse a wait for which this clock would have to run for more than about a year."""
        span(name, wait, least=_MICROSECOND)
        if wait > _LONGEST * self.per_week:
            raise refusal(name, f"at most {_LONGEST} weeks of these hours, {_LONGEST * self.per_week}", wait)

    def places(self, values: _Values, size: int, default: ZoneInfo) -> _Places:
        """Say on whose wall clock the hours of each answer are told, for n answers."""
        if isinstance(self.time_zone, Field):
            return [zone(each) or default for each in values[self.time_zone.name]]
        return [default if self.time_zone is None else ZoneInfo(self.time_zone)] * size

    def reached(self, places: _Places, given: Instants, wait: timedelta) -> Instants:
        """Return when the clock of each place has run for some time since each instant, shape (n,)."""
        return _by_place(partial(_reached, self.window, wait // _MICROSECOND), places, given)

    def closings(self, places: _Places, given: Instants) -> Instants:
        """Return when the business closes next, or after its next opening if it is closed now; shape (n,)."""
        window = self.window
        opened = _by_place(lambda here, _, asked: _next_openings(window, here, asked), places, given)
        return _by_place(partial(_closed, window), places, opened)


def _by_place(judge: Callable[[ZoneInfo, int, _Micros], _Micros], places: _Places, given: Instants) -> Instants:
    """Judge together all instants of one place that lie in one block of days."""
    asked = given.view(np.int64)
    known = {here: code for code, here in enumerate(dict.fromkeys(places))}
    codes = np.fromiter((known[here] for here in places), np.int64, len(asked))
    found = np.empty_like(asked)
    for code, here in enumerate(known):
        for block in np.unique(asked[codes == code] // _BLOCK).tolist():
            rows = (codes == code) & (asked // _BLOCK == block)
            found[rows] = judge(here, min(block, _LAST_BLOCK), asked[rows])
    instants: Instants = np.minimum(found.view(_LAST.dtype), _LAST)
    return instants


@lru_cache(8192)
def _spells(window: SendWindow, here: ZoneInfo, block: int, number: int) -> _Spells:
    """Find the openings in some blocks of days, one after the other."""
    parts = [openings_in(window, here, each) for each in range(block, min(block + number, _LAST_BLOCK + 1))]
    starts, ends = (np.concatenate(limits) for limits in zip(*parts, strict=True))
    return starts, ends


def _reached(window: SendWindow, wait: int, here: ZoneInfo, block: int, asked: _Micros) -> _Micros:
    """Invert the time for which a business was open: a sum of whole openings, and of a part of one."""
    number, latest = 2, asked.max()
    while True:
        starts, ends = _spells(window, here, block, number)
        if np.maximum(ends - np.maximum(starts, latest), 0).sum() >= wait or block + number > _LAST_BLOCK:
            break
        number *= 2
    starts, ends = np.append(starts, _END), np.append(ends, _END + _AGES)  # after which nobody asks
    after = np.cumsum(ends - starts)
    before = after - (ends - starts)
    now = np.searchsorted(ends, asked, side="right")
    target = before[now] + np.maximum(asked - starts[now], 0) + wait
    then = np.searchsorted(after, target, side="left")
    found: _Micros = starts[then] + target - before[then]
    return found


def _next_openings(window: SendWindow, here: ZoneInfo, asked: _Micros) -> _Micros:
    return window.next_openings(here, asked.view("datetime64[us]")).view(np.int64)


def _closed(window: SendWindow, here: ZoneInfo, block: int, opened: _Micros) -> _Micros:
    ends = np.append(_closings(window, here, block), _END)
    return ends[np.searchsorted(ends[:-1], opened, side="right")]


@lru_cache(8192)
def _closings(window: SendWindow, here: ZoneInfo, block: int) -> _Micros:
    """Find when the wall clock shows the closing; an opening also ends where the offset changes, and goes on."""
    ends = _spells(window, here, block, 2)[1]
    hour, minute = map(int, window.hours.partition("-")[2].split(":"))
    closing = (60 * hour + minute) * 60_000_000 % _DAY
    return np.array([end for end in ends.tolist() if (end + _offset(here, end)) % _DAY == closing], np.int64)


def _offset(here: ZoneInfo, end: int) -> int:
    """Return how far local time was ahead of UTC just before an instant, in microseconds."""
    ahead = (_EPOCH + timedelta(microseconds=end - 1)).astimezone(here).utcoffset()
    return (ahead or timedelta(0)) // _MICROSECOND


# -- promises ----------------------------------------------------------------------------------------------------------


@attrs.frozen
class Within:
    """A promise that is kept within some time of the answer.

    Parameters
    ----------
    promise : {"attempt", "contact", "close"}
        What is promised: that somebody tries to reach the person, reaches them, or closes the case.
    within : timedelta
        Within which time.
    hours : BusinessHours, optional
        The hours that count; every hour if it is left out.
    notice_after : timedelta, optional
        After which time the owner is told that it is due; nobody is if it is left out.
    escalate_after : timedelta, optional
        After which time somebody else is told; nobody is if it is left out.

    Raises
    ------
    InvalidArgument
        If there is no such promise, if the owner would be told later than it is due, or if business hours would have to
        pass for more than 52 weeks.

    Notes
    -----
    All times count from the answer, on one clock. One that is over when the business closes is over then.

    Examples
    --------
    Call within 16 business hours, say so to the owner after 8, and to somebody else after 24:

    >>> Within("attempt", timedelta(hours=16), hours=BusinessHours(time_zone="Europe/Paris"),
    ...        notice_after=timedelta(hours=8), escalate_after=timedelta(hours=24)).promise
    'attempt'
    """

    promise: Promise = attrs.field(validator=option(get_args(Promise)))
    within: timedelta = attrs.field(validator=period)
    hours: BusinessHours | None = attrs.field(
        default=None, validator=optional(instance_of(BusinessHours, rule="BusinessHours or None")), kw_only=True
    )
    notice_after: timedelta | None = attrs.field(default=None, validator=optional(period), kw_only=True)
    escalate_after: timedelta | None = attrs.field(default=None, validator=optional(period), kw_only=True)

    def __attrs_post_init__(self) -> None:
        if self.notice_after is not None and self.notice_after > self.within:
            raise refusal("notice_after", f"at most within, {self.within}", self.notice_after)
        for name in ("within", "notice_after", "escalate_after"):
            if self.hours is not None and getattr(self, name) is not None:
                self.hours.check(name, getattr(self, name))

    @property
    def fields(self) -> frozenset[str]:
        """The names of the fields that it asks about."""
        return self.hours.fields if self.hours else frozenset()

    def alerts(self, given: Instants, values: _Values, default: ZoneInfo) -> tuple[Instants, Instants, Instants]:
        """Return when it is due, when the owner is told and when somebody else is, each of shape (n,)."""
        places = self.hours.places(values, len(given), default) if self.hours else ()
        due, notice, escalation = (
            self._after(wait, given, places) for wait in (self.within, self.notice_after, self.escalate_after)
        )
        return due, notice, escalation

    def _after(self, wait: timedelta | None, given: Instants, places: _Places) -> Instants:
        if wait is None:
            return np.full(len(given), NEVER)
        if self.hours is None:
            length: Any = np.timedelta64(wait, "us")
            later: Instants = np.minimum(given, _LAST - length) + length
            return later
        return self.hours.reached(places, given, wait)


@attrs.frozen
class SameDay:
    """A promise that is kept before the business closes on the day of the answer.

    An answer that comes when the business is closed has until the closing of the next day on which it opens. Somebody
    else is told when it is due.

    Parameters
    ----------
    promise : {"attempt", "contact", "close"}, default "attempt"
        What is promised.
    hours : BusinessHours, default from 9 to 17 on weekdays
        When the business is open.

    Raises
    ------
    InvalidArgument
        If there is no such promise, or no hours.

    Examples
    --------
    In the customer's own time zone, which the program must keep:

    >>> from netpromoter.rules import field
    >>> SameDay(hours=BusinessHours("Mon-Sat", "08:00-20:00", time_zone=field("time_zone"))).fields
    frozenset({'time_zone'})
    """

    promise: Promise = attrs.field(default="attempt", validator=option(get_args(Promise)))
    hours: BusinessHours = attrs.field(
        factory=BusinessHours, validator=instance_of(BusinessHours, rule="BusinessHours"), kw_only=True
    )

    @property
    def fields(self) -> frozenset[str]:
        """The names of the fields that it asks about."""
        return self.hours.fields

    def alerts(self, given: Instants, values: _Values, default: ZoneInfo) -> tuple[Instants, Instants, Instants]:
        """Return when it is due, when the owner is told and when somebody else is, each of shape (n,)."""
        due = self.hours.closings(self.hours.places(values, len(given), default), given)
        return due, np.full(len(given), NEVER), due


#: Until when something is promised.
Promised: TypeAlias = Within | SameDay


def promises(value: Any) -> tuple[Promised, ...]:
    """Settle what is promised: a span alone is that of the first attempt."""
    if isinstance(value, timedelta):
        period_of_attempt = Within("attempt", value, notice_after=max(value / 2, _MICROSECOND), escalate_after=value)
        return (period_of_attempt,)
    given = tuple(value) if isinstance(value, Sequence) else (value,)
    if not all(isinstance(each, Within | SameDay) for each in given):
        raise refusal("within", "a timedelta, Within or SameDay, or several of these promises", value)
    if len({each.promise for each in given}) < len(given):
        raise refusal("within", "of different promises", [each.promise for each in given])
    return given


def deadlines(
    promised: Sequence[Promised], given: Instants, values: _Values, default: ZoneInfo
) -> list[tuple[Deadline, ...]]:
    """Say until when each promise is to be kept, for n answers.

    Parameters
    ----------
    promised : sequence of Within and SameDay
        What is promised.
    given : array of datetime64[us], shape (n,)
        When the answers were given, in UTC.
    values : mapping of str to sequence, each of length n
        The values of the fields that the promises ask about.
    default : ZoneInfo
        Where business hours are told that have no place of their own.

    Returns
    -------
    list of tuple of Deadline, of length n
    """
    columns = [_deadlines(each.promise, each.alerts(given, values, default)) for each in promised]
    return list(zip(*columns, strict=True)) if columns else [()] * len(given)


def _deadlines(promise: Promise, alerts: tuple[Instants, Instants, Instants]) -> list[Deadline]:
    rows: Any = zip(*map(datetimes, alerts), strict=True)
    return [Deadline(promise=promise, due=end, notice=soon, escalation=late) for end, soon, late in rows]
