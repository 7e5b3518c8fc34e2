"""When a message may leave, in the time zone of the person who gets it.

Names of time zones are those of the IANA database, read by `zoneinfo` from the system or else from the package tzdata.
A clock change can remove an hour from a local day or repeat one, so nothing here adds hours to a local time. A zone is
cut into pieces of one offset each; inside such a piece local time is UTC plus a constant.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator
from datetime import date, datetime, timedelta
from functools import cache, lru_cache
from itertools import pairwise
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo, available_timezones

import attrs
import numpy as np
import numpy.typing as npt

from netpromoter._checks import refusal
from netpromoter.model import Column, Instants

from ._holds import FOREVER

__all__ = ["SendWindow", "in_windows", "known_zone", "openings_in", "zone"]

_Micros: TypeAlias = npt.NDArray[np.int64]
_Intervals: TypeAlias = tuple[_Micros, _Micros]  # where each begins, and where each ends
_Mask: TypeAlias = npt.NDArray[np.bool_]

_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_DAY_SPAN = re.compile("{0}(?:-{0})?".format(f"({'|'.join(_WEEKDAYS)})"), re.ASCII | re.IGNORECASE)
_HOUR_SPAN = re.compile(r"(\d{1,2}):([0-5]\d)-(\d{1,2}):([0-5]\d)", re.ASCII)
_NO_PLACE = ("factory", "localtime")  # a zone for machines that were not told theirs, and whichever this machine has


_SECOND = 1_000_000  # microseconds
_DAY = 86_400 * _SECOND
_BLOCK = 128  # days in which the openings of one zone are found at once
_LOOKAHEAD = 400  # days
_THURSDAY = 3  # the weekday of 1 January 1970
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 -- zones are asked in plain UTC
_FIRST, _LAST = (
    86_400 * (day.toordinal() - _EPOCH.toordinal()) for day in (date.min + timedelta(2), date.max - timedelta(2))
)
_FOREVER = int(FOREVER.astype(np.int64))
_KEPT = 8192


# -- names -------------------------------------------------------------------------------------------------------------


def zone(name: object) -> ZoneInfo | None:
    """Return the time zone of a name of the IANA database.

    Parameters
    ----------
    name : str
        Such as "Europe/Paris". Case does not matter, since no two names differ in case alone, and neither do blanks
        around it.

    Returns
    -------
    ZoneInfo or None
        None for anything that is not such a name. Nothing but a known name reaches the file system.

    Examples
    --------
    >>> zone("europe/paris")
    zoneinfo.ZoneInfo(key='Europe/Paris')
    >>> zone("../../etc/passwd") is None
    True
    """
    key = _keys().get(name.strip().lower()) if isinstance(name, str) else None
    return None if key is None else _loaded(key)


@cache
def _keys() -> dict[str, str]:
    return {key.lower(): key for key in available_timezones() if key.lower() not in _NO_PLACE}


@cache
def _loaded(key: str) -> ZoneInfo:
    return ZoneInfo(key)  # a ZoneInfo keeps only the eight used last


def known_zone(name: str, value: object) -> ZoneInfo:
    """Return the time zone of a name, or refuse it."""
    found = zone(value)
    if found is None:
        raise refusal(name, "the name of a time zone in the IANA database", value)
    return found


# -- what a window is made of ------------------------------------------------------------------------------------------


def _plain(value: object) -> str:
    return value.replace(" ", "") if isinstance(value, str) else ""


def _days(value: str) -> str:
    parts = _plain(value).split(",")
    spans = [_DAY_SPAN.fullmatch(part) for part in parts]
    if any(span is None or span[1].lower() == (span[2] or "").lower() for span in spans):
        raise refusal("days", "weekdays such as Mon-Fri, Sat-Tue or Mon,Wed,Fri", value)
    return ",".join(part.title() for part in parts)


def _hours(value: str) -> str:
    span = _HOUR_SPAN.fullmatch(_plain(value))
    text = f"{span[1]:0>2}:{span[2]}-{span[3]:0>2}:{span[4]}" if span else "24:00-24:00"
    opening, closing = text.split("-")
    if opening >= "24:00" or closing > "24:00" or opening == closing:
        raise refusal("hours", "two different times of day such as 08:00-11:00, 22:00-02:00 or 00:00-24:00", value)
    return text


def _holidays(value: Iterable[date]) -> tuple[date, ...]:
    given: Any = value
    days = list(given) if isinstance(given, Iterable) and not isinstance(given, str) else None
    wrong = [given] if days is None else [day for day in days if not _is_day(day)]
    if wrong:
        raise refusal("holidays", "a collection of dates without a time", wrong[0])
    return tuple(sorted(set(days or ())))


def _is_day(value: object) -> bool:
    return isinstance(value, date) and not isinstance(value, datetime)


@attrs.frozen(cache_hash=True)
class SendWindow:
    """The days and hours at which a message may leave, on the wall clock of the person who gets it.

    An instant is inside if its local time is at or after the opening, before the closing, and of an allowed day. So
    where the clock leaps forward a window loses what the wall clock skips, and where it falls back a window may open
    twice.

    It stands among the rules of a policy, but is not called as they are. The planner asks it for each person's next
    opening, and holds their messages until then; a person whose time zone is missing has that of the policy.

    Parameters
    ----------
    days : str, default "Mon-Fri"
        Weekdays by three English letters, in any case: "Mon-Fri", "Mon,Wed,Fri", "Sat-Tue".
    hours : str, default "05:00-10:00"
        The opening and the closing, in local time: "08:00-11:00". "22:00-02:00" closes on the day after, and belongs
        to the day on which it opens. "00:00-24:00" is the whole day.
    holidays : collection of datetime.date, default none
        Local dates of openings on which nothing leaves.

    Raises
    ------
    InvalidArgument
        If the days or hours are not written so, or if a holiday is not a date.

    Examples
    --------
    >>> from datetime import date
    >>> window = SendWindow("Mon-Fri", "08:00-11:00", holidays=[date(2026, 12, 25)])
    >>> christmas_eve = np.array(["2026-12-24T20:00"], "datetime64[us]")
    >>> window.next_openings("Europe/Paris", christmas_eve)
    array(['2026-12-28T07:00:00.000000'], dtype='datetime64[us]')
    """

    days: str = attrs.field(default="Mon-Fri", converter=_days)
    hours: str = attrs.field(default="05:00-10:00", converter=_hours)
    holidays: Collection[date] = attrs.field(default=(), converter=_holidays, kw_only=True)

    def next_openings(self, zone: ZoneInfo | str, instants: Instants) -> Instants:
        """Return the earliest instant inside the window, at or after each instant.

        Parameters
        ----------
        zone : ZoneInfo or str
            Whose wall clock counts; a name is one of the IANA database.
        instants : array of datetime64[us], any shape
            In UTC, in any order; NaT stays NaT.

        Returns
        -------
        array of datetime64[us], of the same shape
            In UTC. An instant inside the window is its own answer, to the microsecond; `FOREVER` stands where the
            window does not open within 400 days, and where the answer would lie after it.

        Raises
        ------
        InvalidArgument
            If the zone has no such name.

        Examples
        --------
        The clocks of Paris leap from 02:00 to 03:00, so that the window of that night ends after half an hour.

        >>> asked = np.array(["2026-03-29T00:45", "2026-03-29T01:00"], "datetime64[us]")
        >>> SendWindow("Mon-Sun", "01:30-02:30").next_openings("Europe/Paris", asked)
        array(['2026-03-29T00:45:00.000000', '2026-03-29T23:30:00.000000'],
              dtype='datetime64[us]')
        """
        place = zone if isinstance(zone, ZoneInfo) else known_zone("zone", zone)
        moments = np.asarray(instants, "datetime64[us]")
        openings = np.where(np.isnat(moments), moments, FOREVER)
        judged = moments < FOREVER
        asked = moments[judged].view(np.int64)
        starts, ends = self._around(place, asked)
        following = np.maximum(starts[np.searchsorted(ends, asked, side="right")], asked)
        soon = following <= asked + _LOOKAHEAD * _DAY
        openings[judged] = np.where(soon, np.minimum(following, _FOREVER), _FOREVER).view("datetime64[us]")
        return openings

    def _around(self, place: ZoneInfo, asked: _Micros) -> _Intervals:
        """Gather the openings that instants of these blocks can meet, closed by one that never comes."""
        blocks = asked // (_BLOCK * _DAY)
        first = int(blocks.min()) if len(blocks) else 0
        present = np.flatnonzero(np.bincount(blocks - first)) + first
        served = [_served(self, place, block) for block in present.tolist()]
        starts = np.concatenate([*(starts for starts, _ in served), [_FOREVER]])
        return starts, np.concatenate([*(ends for _, ends in served), np.empty(0, np.int64)])


# -- the openings of one zone ------------------------------------------------------------------------------------------


@lru_cache(_KEPT)
def _served(window: SendWindow, place: ZoneInfo, block: int) -> _Intervals:
    """Find the openings in one block of days, and the first one after it."""
    starts, ends = openings_in(window, place, block)
    for later in range(block + 1, block + 2 + _LOOKAHEAD // _BLOCK):
        more = openings_in(window, place, later)
        if len(more[0]):
            return np.append(starts, more[0][0]), np.append(ends, more[1][0])
    return starts, ends


def openings_in(window: SendWindow, place: ZoneInfo, block: int) -> _Intervals:
    """Find when a window opens and closes in a place, in one block of 128 days, in microseconds.

    An opening is cut where the offset changes, and at the end of the block.
    """
    parts = [_in_piece(window, *piece) for piece in _pieces(place, block)]
    starts, ends = (np.concatenate(limits) for limits in zip(*parts, strict=True))
    return starts, ends


def _in_piece(window: SendWindow, begin: int, end: int, offset: int) -> _Intervals:
    """Find the openings between two instants with one offset throughout; all in microseconds."""
    opening, closing = _times(window.hours)
    day = np.arange((begin + offset) // _DAY - 1, (end + offset) // _DAY + 1)
    day = day[_allowed(window, day)]
    starts = np.clip(day * _DAY + opening - offset, begin, end)
    ends = np.clip(day * _DAY + closing - offset, begin, end)
    return starts[starts < ends], ends[starts < ends]


def _times(hours: str) -> tuple[int, int]:
    clocks = [clock.split(":") for clock in hours.split("-")]
    opening, closing = (60 * _SECOND * (60 * int(hour) + int(minute)) for hour, minute in clocks)
    return opening, closing if opening < closing else closing + _DAY


def _allowed(window: SendWindow, day: _Micros) -> _Mask:
    closed = np.array([holiday.toordinal() - _EPOCH.toordinal() for holiday in window.holidays], np.int64)
    week = np.isin(np.arange(7), _weekdays(window.days))
    return week[(day + _THURSDAY) % 7] & ~np.isin(day, closed)


def _weekdays(days: str) -> list[int]:
    """List the weekdays, Monday as 0; a span may pass the end of the week."""
    spans = [[_WEEKDAYS.index(name) for name in part.split("-")] for part in days.split(",")]
    return [(span[0] + step) % 7 for span in spans for step in range((span[-1] - span[0]) % 7 + 1)]


# -- the offsets of one zone -------------------------------------------------------------------------------------------


@lru_cache(_KEPT)
def _pieces(place: ZoneInfo, block: int) -> tuple[tuple[int, int, int], ...]:
    """Cut a block of days where the offset changes: beginning, end and offset of each piece in microseconds.

    One look a day is enough, since no zone has ever changed twice within three days.
    """
    days = range(86_400 * _BLOCK * block, 86_400 * _BLOCK * (block + 1) + 1, 86_400)
    looks = [(second, _offset(place, second)) for second in days]
    changed = [(low, high) for (low, before), (high, after) in pairwise(looks) if before != after]
    changes = [change for low, high in changed for change in _changes(place, low, high)]
    cuts = [days[0], *changes, days[-1]]
    return tuple((low * _SECOND, high * _SECOND, _offset(place, low) * _SECOND) for low, high in pairwise(cuts))


def _changes(place: ZoneInfo, low: int, high: int) -> Iterator[int]:
    """Find the seconds after `low`, up to `high`, at which the offset changes."""
    while (before := _offset(place, low)) != _offset(place, high):
        low += bisect_left(range(low, high), x=True, key=lambda second: _offset(place, second) != before)
        yield low


def _offset(place: ZoneInfo, second: int) -> int:
    """Return by how many seconds local time is ahead of UTC, at an instant in seconds since 1970."""
    moment = (_EPOCH + timedelta(seconds=min(max(second, _FIRST), _LAST))).replace(tzinfo=place)
    return (place.fromutc(moment) - moment) // timedelta(seconds=1)


# -- everybody at once -------------------------------------------------------------------------------------------------


def in_windows(
    window: SendWindow | None, time_zones: Column, default: str, instants: Instants
) -> tuple[Instants, _Mask]:
    """Return when a message to each of n people may leave, each on their own wall clock.

    Parameters
    ----------
    window : SendWindow or None
        With None a message may leave at any time, and no time zone is judged.
    time_zones : Column of text, shape (n,)
        The name of each person's time zone.
    default : str
        The time zone of those who have none.
    instants : array of datetime64[us], shape (n,)
        When each message would leave, in UTC.

    Returns
    -------
    openings : array of datetime64[us], shape (n,)
        The earliest instant inside the window, at or after each instant, in UTC; NaT for NaT. `FOREVER` where the
        window does not open within 400 days and, whatever the instant, where the time zone is unknown.
    unknown : array of bool, shape (n,)
        Where the name of the time zone is not one of the IANA database.

    Raises
    ------
    InvalidArgument
        If the default is unknown, or the time zones are not text.

    Examples
    --------
    >>> from netpromoter.model import column
    >>> zones = column("time_zone", ["Asia/Tokyo", None, "Mars/Base"])
    >>> monday = np.full(3, np.datetime64("2026-06-01T00:00", "us"))
    >>> openings, unknown = in_windows(SendWindow(), zones, "Europe/Paris", monday)
    >>> openings.astype("datetime64[m]").tolist()[:2]
    [datetime.datetime(2026, 6, 1, 0, 0), datetime.datetime(2026, 6, 1, 3, 0)]
    >>> unknown.tolist()
    [False, False, True]
    """
    if window is None:
        return np.array(instants, "datetime64[us]"), np.zeros(len(time_zones), np.bool_)
    known_zone("default", default)
    places, slots = _places(time_zones, default)
    moments = np.broadcast_to(np.asarray(instants, "datetime64[us]"), slots.shape)
    asked = moments.astype(np.int64, copy=False)
    alike = len(asked) > 0 and asked.min() == asked.max()
    openings = (_at_one_instant if alike else _at_each_instant)(window, places, slots, moments)
    return openings, slots == 0


_Places: TypeAlias = tuple[ZoneInfo | None, ...]
_Slots: TypeAlias = npt.NDArray[np.int16]


def _places(time_zones: Column, default: str) -> tuple[_Places, _Slots]:
    """Number the distinct zones that are in use, and give each person the number of theirs; 0 is unknown."""
    if time_zones.kind != "text" and not time_zones.missing.all():
        raise refusal("time_zones", "a column of text", time_zones.kind)
    names = [*time_zones.labels, default]
    codes = np.full(len(time_zones), len(names) - 1)
    np.copyto(codes, time_zones.values, where=~time_zones.missing, casting="unsafe")
    used = np.flatnonzero(np.bincount(codes, minlength=len(names)))
    places: dict[ZoneInfo | None, int] = {None: 0}
    numbers = np.zeros(len(names), np.int16)
    numbers[used] = [places.setdefault(zone(names[code]), len(places)) for code in used.tolist()]
    return tuple(places), numbers[codes]


def _at_one_instant(window: SendWindow, places: _Places, slots: _Slots, moments: Instants) -> Instants:
    answers = np.full(len(places), FOREVER)
    for number, place in enumerate(places):
        if place is not None:
            answers[number] = window.next_openings(place, moments[:1])[0]
    return answers[slots]


def _at_each_instant(window: SendWindow, places: _Places, slots: _Slots, moments: Instants) -> Instants:
    openings = np.full(len(slots), FOREVER)
    order = np.argsort(slots, kind="stable")
    ends = np.cumsum(np.bincount(slots, minlength=len(places)))
    for number, place in enumerate(places):
        if place is not None:
            people = order[ends[number - 1] : ends[number]]
            openings[people] = window.next_openings(place, moments[people])
    return openings
