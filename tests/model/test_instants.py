"""Instants and spans: aware at the face, UTC microseconds within."""

from datetime import UTC, date, datetime, timedelta, timezone

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netpromoter.errors import InvalidArgument
from netpromoter.model import NEVER, aware, instant, span
from strategies import INSTANTS

SPANS = st.timedeltas(timedelta(0), timedelta(days=36_525))


@given(INSTANTS)
def test_an_instant_comes_back_in_utc(value):
    """What `instant` makes of an aware datetime, `aware` gives back as the same instant in UTC."""
    back = aware(instant("at", value))
    assert back == value
    assert back.tzinfo is UTC


@given(INSTANTS, INSTANTS)
def test_instants_keep_their_order(a, b):
    """The order of two datetimes is the order of their instants, whatever their zones."""
    assert (instant("a", a) < instant("b", b)) == (a < b)


@given(st.datetimes(datetime(1700, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)), st.integers(0, 999))  # noqa: DTZ001
def test_what_is_finer_than_a_microsecond_is_cut_off(value, nanoseconds):
    """A timestamp of pandas is the instant of its microseconds."""
    stamp = pd.Timestamp(value).as_unit("ns") + pd.Timedelta(nanoseconds, "ns")
    assert instant("at", stamp) == instant("at", value)


def test_never_is_no_instant():
    """Never comes back as None."""
    assert aware(NEVER) is None


@pytest.mark.parametrize("year", [-1, 0, 10_000, 200_000])
def test_an_instant_that_no_datetime_can_hold_is_refused(year):
    """Microseconds before the year 1 or after 9999 are refused, not turned into a number."""
    with pytest.raises(InvalidArgument, match="value must be an instant between the years 1 and 9999"):
        aware(np.datetime64(year - 1970, "Y"))


@pytest.mark.parametrize(
    "value",
    [None, 5, "2026-06-01", date(2026, 6, 1), datetime(2026, 6, 1), pd.NaT, pd.NA, np.datetime64("2026-06-01")],  # noqa: DTZ001
)
def test_what_has_no_time_zone_is_no_instant(value):
    """Dates, naive datetimes, text and every kind of nothing are refused by name."""
    with pytest.raises(InvalidArgument, match=r"^at must be a datetime with a time zone"):
        instant("at", value)


@pytest.mark.parametrize(
    "value",
    [
        datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=1))),
        datetime(9999, 12, 31, 23, tzinfo=timezone(-timedelta(hours=2))),
    ],
)
def test_an_instant_out_of_the_years_of_utc_is_refused(value):
    """A datetime that falls before the year 1 or after 9999 in UTC is refused."""
    with pytest.raises(InvalidArgument, match="between the years 1 and 9999 in UTC"):
        instant("at", value)


@given(SPANS)
def test_a_span_comes_back(value):
    """What `span` makes of a timedelta is the same timedelta."""
    assert span("after", value).item() == value


@pytest.mark.parametrize(
    "value",
    [None, 5, pd.NaT, np.timedelta64(5, "s"), -timedelta(microseconds=1), timedelta(days=36_525, microseconds=1)],
)
def test_what_is_no_span_is_refused(value):
    """Numbers, nothing, negative spans and those of more than a century are refused by name."""
    with pytest.raises(
        InvalidArgument, match=r"^after must be a timedelta of at least 0:00:00, and of a century at most"
    ):
        span("after", value)


def test_a_span_may_have_a_least():
    """A span below the least that is asked for is refused."""
    with pytest.raises(InvalidArgument, match="at least 1 day"):
        span("after", timedelta(hours=23), least=timedelta(days=1))
