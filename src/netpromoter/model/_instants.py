"""Instants and spans: aware at the face, UTC microseconds in the columns."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from netpromoter._checks import refusal

__all__ = ["NEVER", "Instants", "aware", "datetimes", "in_utc", "instant", "moment", "span"]

#: A column of instants: UTC, in microseconds; NaT is never.
Instants: TypeAlias = "npt.NDArray[np.datetime64]"

#: The instant that does not come: NaT, in microseconds. It compares false with every other.
NEVER = np.datetime64("NaT", "us")
_LONGEST = timedelta(days=36_525)


def instant(name: str, value: Any) -> np.datetime64:
    """Turn an aware datetime into UTC microseconds, or refuse it by name.

    Parameters
    ----------
    name : str
        What a refusal calls it.
    value : datetime
        With a time zone; what is finer than a microsecond is cut off.

    Returns
    -------
    numpy.datetime64
        In UTC and microseconds.

    Raises
    ------
    InvalidArgument
        If it is no datetime, has no time zone, or falls before the year 1 or after 9999 in UTC.

    Examples
    --------
    >>> from datetime import datetime
    >>> instant("at", datetime.fromisoformat("2026-06-01T10:00+02:00"))
    np.datetime64('2026-06-01T08:00:00.000000')
    """
    # pandas' NaT is a datetime that differs from itself, and raises when asked for its offset
    if not isinstance(value, datetime) or value != value or value.utcoffset() is None:  # noqa: PLR0124
        raise refusal(name, "a datetime with a time zone", value)
    try:
        return np.datetime64(value.astimezone(UTC).replace(tzinfo=None), "us")
    except OverflowError:
        raise refusal(name, "a datetime with a time zone, between the years 1 and 9999 in UTC", value) from None


def aware(value: np.datetime64) -> datetime | None:
    """Turn UTC microseconds back into an aware datetime.

    Parameters
    ----------
    value : numpy.datetime64
        In UTC.

    Returns
    -------
    datetime or None
        In UTC; None for never.

    Raises
    ------
    InvalidArgument
        If it falls before the year 1 or after 9999.

    Examples
    --------
    >>> aware(np.datetime64("2026-06-01T08:00"))
    datetime.datetime(2026, 6, 1, 8, 0, tzinfo=datetime.timezone.utc)
    >>> aware(NEVER) is None
    True
    """
    naive: Any = value.astype("datetime64[us]").item()
    if isinstance(naive, int):
        raise refusal("value", "an instant between the years 1 and 9999", value)
    return None if naive is None else naive.replace(tzinfo=UTC)


def in_utc(name: str, value: Any) -> datetime:
    """Give an aware datetime in UTC, or refuse it by name.

    Parameters
    ----------
    name : str
        What a refusal calls it.
    value : datetime
        With a time zone.

    Returns
    -------
    datetime

    Raises
    ------
    InvalidArgument
        As `instant` does.

    Examples
    --------
    >>> in_utc("at", datetime.fromisoformat("2026-06-01T10:00+02:00"))
    datetime.datetime(2026, 6, 1, 8, 0, tzinfo=datetime.timezone.utc)
    """
    naive: Any = instant(name, value).item()
    found: datetime = naive.replace(tzinfo=UTC)
    return found


def datetimes(instants: Instants) -> list[datetime | None]:
    """Give a column of instants as aware datetimes in UTC.

    Parameters
    ----------
    instants : array of datetime64, shape (n,)
        In UTC.

    Returns
    -------
    list of datetime or None, length n
        None for never.

    Examples
    --------
    >>> datetimes(np.array(["2026-06-01T08:00", "NaT"], "datetime64[us]"))
    [datetime.datetime(2026, 6, 1, 8, 0, tzinfo=datetime.timezone.utc), None]
    """
    naive: list[Any] = instants.astype("datetime64[us]").tolist()
    return [None if each is None else each.replace(tzinfo=UTC) for each in naive]


def moment(name: str, value: Any) -> datetime:
    """Settle an aware datetime in UTC; a date is its midnight in UTC."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return datetime.combine(value, time(), UTC)
    return in_utc(name, value)


def span(name: str, value: Any, *, least: timedelta = timedelta(0)) -> np.timedelta64:
    """Turn a timedelta into microseconds, or refuse it by name.

    Parameters
    ----------
    name : str
        What a refusal calls it.
    value : timedelta
        How long.
    least : timedelta, default 0
        The shortest that passes; the longest is a century of 36,525 days.

    Returns
    -------
    numpy.timedelta64
        In microseconds.

    Raises
    ------
    InvalidArgument
        If it is no timedelta, or too short or too long.

    Examples
    --------
    >>> from datetime import timedelta
    >>> span("after", timedelta(days=3))
    np.timedelta64(259200000000,'us')
    """
    if not isinstance(value, timedelta) or value != value or not least <= value <= _LONGEST:  # noqa: PLR0124
        raise refusal(name, f"a timedelta of at least {least}, and of a century at most", value)
    return np.timedelta64(value, "us")
