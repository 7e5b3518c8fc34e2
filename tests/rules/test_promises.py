"""Promises: the business clock by a count of minutes, closings, and what is told when."""

import pickle
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netpromoter.errors import InvalidArgument
from netpromoter.rules import BusinessHours, FollowUp, SameDay, Within, field
from netpromoter.rules._promises import deadlines, promises

NAMES = sorted(available_timezones() - {"localtime", "Factory"})
UTC_ZONE = ZoneInfo("UTC")
START = datetime(2024, 1, 1, tzinfo=UTC)
DAYS = 3 * 365
BEFORE, LENGTH = 2 * 1440, 10 * 1440  # minutes before a change, and in all
HOLIDAYS = [date(2024, 4, 1), date(2024, 10, 28), date(2026, 3, 30), date(2026, 10, 26)]
HOURS = {
    "weekdays": (BusinessHours(), range(5), 540, 1020, ()),
    "nights": (BusinessHours("Mon-Sun", "22:30-03:15"), range(7), 1350, 195, ()),
    "around midnight": (BusinessHours("Mon-Sat", "23:30-00:30"), range(6), 1410, 30, ()),
    "always": (BusinessHours("Mon-Sun", "00:00-24:00"), range(7), 0, 1440, ()),
    "within the gap": (BusinessHours("Mon-Sun", "01:30-02:30"), range(7), 90, 150, ()),
    "holidays": (BusinessHours("Mon-Sun", "08:00-20:00", holidays=HOLIDAYS), range(7), 480, 1200, HOLIDAYS),
}


# The oracle: a wall clock that is read minute by minute


def offset(place, day):
    return (START + timedelta(days=day)).astimezone(place).utcoffset()


@cache
def changes():
    """Give one place and day for every set of places whose clocks change alike on that day."""
    found = {}
    for name in NAMES:
        place = ZoneInfo(name)
        looks = [offset(place, day) for day in range(DAYS + 1)]
        for day, (before, after) in enumerate(pairwise(looks)):
            if before != after:
                found[day, before, after] = name
    return found


@cache
def walls(name, day):
    """Read the wall clock of a place at each minute around a day: ordinals of days, and minutes of the day."""
    place = ZoneInfo(name)
    begin = START + timedelta(days=day) - timedelta(minutes=BEFORE)
    local = [(begin + timedelta(minutes=minute)).astimezone(place) for minute in range(LENGTH)]
    return np.array([each.toordinal() for each in local]), np.array([60 * each.hour + each.minute for each in local])


def is_open(name, day, spec):
    """Say of each minute whether a business is open."""
    days, opening, closing, holidays = spec
    ordinal, minute = walls(name, day)
    if opening < closing:
        inside = (minute >= opening) & (minute < closing)
    else:
        inside = (minute >= opening) | (minute < closing)
        ordinal = ordinal - (minute < closing)
    closed = np.isin(ordinal, [each.toordinal() for each in holidays])
    return inside & np.isin((ordinal - 1) % 7, list(days)) & ~closed


@pytest.mark.parametrize("case", HOURS)
def test_the_business_clock_counts_minutes_across_every_clock_change(case):
    """A wait ends with the minute that is its last, however the clocks change between the answer and that minute."""
    hours, *spec = HOURS[case]
    assert len(changes()) > 50
    for (day, _, _), name in changes().items():
        running = is_open(name, day, spec)
        asked = np.arange(0, BEFORE + 1440, 37)
        run = np.concatenate([[0], np.cumsum(running)])  # minutes for which it was open before each
        begin = np.datetime64((START + timedelta(days=day)).replace(tzinfo=None), "us") - np.timedelta64(BEFORE, "m")
        given_at = begin + asked * np.timedelta64(60_000_000, "us")
        for wait in (1, 61, 480, 481):
            last = np.searchsorted(run, run[asked] + wait)  # after so many minutes the clock has run that long
            told = last < LENGTH
            found = hours.reached([ZoneInfo(name)] * len(asked), given_at, timedelta(minutes=wait))
            expected = begin + last * np.timedelta64(60_000_000, "us")
            assert (found == expected)[told].all(), (name, day, wait)
            assert told.mean() > 0.9 or case in {"around midnight", "within the gap"}


@pytest.mark.parametrize("case", ["weekdays", "always", "nights", "holidays"])
def test_a_business_closes_when_its_wall_clock_shows_the_closing(case):
    """The closing is the end of the last minute before that time at which it is open, after the next opening."""
    hours, *spec = HOURS[case]
    closing = spec[2]
    for (day, _, _), name in changes().items():
        running, minute = is_open(name, day, spec), walls(name, day)[1]
        ends = np.flatnonzero(running & (minute == (closing - 1) % 1440)) + 1
        asked = np.arange(0, BEFORE, 97)
        opened = np.array([each + int(np.argmax(running[each:])) for each in asked])
        begin = np.datetime64((START + timedelta(days=day)).replace(tzinfo=None), "us") - np.timedelta64(BEFORE, "m")
        found = hours.closings([ZoneInfo(name)] * len(asked), begin + asked * np.timedelta64(60_000_000, "us"))
        expected = ends[np.searchsorted(ends, opened, side="right")]
        assert (found == begin + expected * np.timedelta64(60_000_000, "us")).all(), (name, day)


waits = st.timedeltas(timedelta(microseconds=1), timedelta(days=4))
instants = st.datetimes(datetime(1975, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
hours = st.builds(
    BusinessHours,
    st.sampled_from(["Mon-Fri", "Sat", "Mon,Wed,Fri-Sun"]),
    st.sampled_from(["09:00-17:00", "22:00-02:00", "00:00-24:00"]),
    time_zone=st.sampled_from(["UTC", "Europe/Paris", "America/St_Johns", "Australia/Lord_Howe", "Asia/Kathmandu"]),
)


@given(hours=hours, at=instants, waits=st.tuples(waits, waits))
def test_a_longer_wait_ends_later_and_waits_add(hours, at, waits):
    """The end rises with the wait, comes after the answer, and a wait after a wait is their sum."""
    first, second = waits
    end = hours.after(at, first)
    assert end > at
    assert hours.after(at, first + second) > end
    assert hours.after(end, second) == hours.after(at, first + second)


@given(hours=hours, at=instants, later=waits, wait=waits)
def test_a_later_answer_is_not_due_sooner(hours, at, later, wait):
    """Who answers later has at least as long."""
    assert hours.after(at + later, wait) >= hours.after(at, wait)


def test_many_answers_at_once_are_as_each_alone():
    """Places and years mixed in one column give what each answer gives alone."""
    rng = np.random.default_rng(7)
    names = rng.choice(["Europe/Paris", "America/New_York", "Asia/Tokyo"], 300)
    at = np.datetime64("1999-01-01", "us") + rng.integers(0, 40 * 365 * 86_400_000_000, 300)
    places, business = [ZoneInfo(name) for name in names], BusinessHours("Mon-Sat", "10:00-18:30")
    for judge in (lambda p, g: business.reached(p, g, timedelta(hours=30)), business.closings):
        alone = [judge([place], at[row : row + 1])[0] for row, place in enumerate(places)]
        assert judge(places, at).tolist() == np.array(alone).tolist()
        assert len(judge([], at[:0])) == 0


def test_the_week_of_business_hours_is_counted():
    """Forty hours from 9 to 17 on five days, all of 168, and nights that pass the end of the week."""
    assert BusinessHours().per_week == timedelta(hours=40)
    assert BusinessHours("Mon-Sun", "00:00-24:00").per_week == timedelta(hours=168)
    assert BusinessHours("Sun", "22:00-02:00").per_week == timedelta(hours=4)


def test_business_hours_are_values():
    """They are equal if they say the same, can be keys and be pickled, and a field is as good as a name."""
    paris = BusinessHours(time_zone="europe/paris", holidays=[date(2026, 12, 25)])
    own = BusinessHours(time_zone=field("time_zone"))
    assert paris == BusinessHours("mon-fri", "9:00-17:00", holidays=[date(2026, 12, 25)], time_zone="Europe/Paris")
    assert own == BusinessHours(time_zone=field("time_zone")) != BusinessHours(time_zone=field("place"))
    assert len({paris, own, BusinessHours()}) == 3
    assert pickle.loads(pickle.dumps(paris)) == paris  # noqa: S301
    assert (own.fields, paris.fields) == ({"time_zone"}, frozenset())


def test_a_wait_may_begin_and_end_at_the_edges_of_an_opening():
    """An answer at the closing counts from the next opening, and a wait that is over at the closing ends then."""
    hours = BusinessHours(time_zone="UTC")
    friday = datetime(2026, 6, 5, 17, tzinfo=UTC)
    assert hours.after(friday, timedelta(hours=1)) == datetime(2026, 6, 8, 10, tzinfo=UTC)
    assert hours.after(friday - timedelta(hours=3), timedelta(hours=3)) == friday
    assert hours.after(friday, timedelta(microseconds=1)) == datetime(2026, 6, 8, 9, 0, 0, 1, tzinfo=UTC)


def test_nothing_is_due_after_the_last_instant():
    """In the year 9999 a promise ends with it, in calendar time and in business hours."""
    given_at = np.array(["9999-12-31T23:00"], "datetime64[us]")
    last = datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)
    for each in (Within("attempt", timedelta(days=9)), Within("close", timedelta(days=2), hours=BusinessHours())):
        assert deadlines([each], given_at, {}, UTC_ZONE)[0][0].due == last
    assert deadlines([SameDay()], given_at, {}, UTC_ZONE)[0][0].due == last


def test_a_span_is_the_promise_of_a_first_attempt():
    """48 hours: the owner is told when 24 are left, somebody else when it is due."""
    given_at = np.array(["2026-03-28T12:00"], "datetime64[us]")
    ((deadline,),) = deadlines(promises(timedelta(hours=48)), given_at, {}, ZoneInfo("Europe/Paris"))
    assert deadline.promise == "attempt"
    assert deadline.due == deadline.escalation == datetime(2026, 3, 30, 12, tzinfo=UTC)
    assert deadline.notice == datetime(2026, 3, 29, 12, tzinfo=UTC)
    assert promises(timedelta(microseconds=1))[0].notice_after == timedelta(microseconds=1)


def test_each_promise_has_its_own_clock():
    """An attempt within 8 business hours, a contact in 3 days, and a closing in two weeks that nobody is told of."""
    kept = [
        Within("attempt", timedelta(hours=8), hours=BusinessHours(), escalate_after=timedelta(hours=12)),
        Within("contact", timedelta(days=3), notice_after=timedelta(days=2)),
        Within("close", timedelta(days=14)),
    ]
    given_at = np.array(["2026-06-05T14:00"], "datetime64[us]")  # a Friday
    ((attempt, contact, close),) = deadlines(promises(kept), given_at, {}, UTC_ZONE)
    assert (attempt.due.day, attempt.due.hour, attempt.escalation.day, attempt.escalation.hour) == (8, 14, 9, 10)
    assert (attempt.notice, contact.notice.day, contact.escalation) == (None, 7, None)
    assert (close.promise, close.due.day, close.notice, close.escalation) == ("close", 19, None, None)
    assert deadlines((), given_at, {}, UTC_ZONE) == [()]


def test_the_same_day_is_that_of_the_customer():
    """In Tokyo the day is over when in Paris it is noon; without a zone that is known, that of the policy counts."""
    same_day = SameDay(hours=BusinessHours("Mon-Fri", "09:00-18:00", time_zone=field("time_zone")))
    given_at = np.full(4, np.datetime64("2026-06-03T07:30", "us"))
    zones = {"time_zone": ["Asia/Tokyo", "Europe/Paris", None, "Mars/Base"]}
    due = [found.due for (found,) in deadlines([same_day], given_at, zones, ZoneInfo("America/New_York"))]
    assert [each.isoformat()[11:16] for each in due] == ["09:00", "16:00", "22:00", "22:00"]
    assert same_day.fields == {"time_zone"}


def test_out_of_hours_the_same_day_is_the_next():
    """An answer on Friday night has until Monday evening."""
    friday = np.array(["2026-06-05T20:00"], "datetime64[us]")
    ((found,),) = deadlines([SameDay()], friday, {}, UTC_ZONE)
    assert found.due == found.escalation == datetime(2026, 6, 8, 17, tzinfo=UTC)
    assert found.notice is None


def test_a_business_that_stays_closed_does_not_close_before_the_end_of_time():
    """Where every opening of the next 400 days is a holiday, a promise of the same day is never due."""
    closed = [date(2026, 1, 1) + timedelta(days=number) for number in range(450)]
    given_at = np.array(["2026-01-02"], "datetime64[us]")
    ((found,),) = deadlines([SameDay(hours=BusinessHours(holidays=closed))], given_at, {}, UTC_ZONE)
    assert found.due.year == 9999
    hours = BusinessHours(holidays=closed, time_zone="UTC")
    assert hours.after(datetime(2026, 1, 2, tzinfo=UTC), timedelta(hours=1)).date() == date(2027, 3, 29)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: BusinessHours("Mon-Mon"), r"days must be weekdays such as Mon-Fri"),
        (lambda: BusinessHours(hours="9-17"), r"hours must be two different times of day"),
        (lambda: BusinessHours(holidays=["2026-12-25"]), r"holidays must be a collection of dates"),
        (lambda: BusinessHours(time_zone="Mars/Base"), r"time_zone must be the name of a time zone .*'Mars/Base'"),
        (lambda: BusinessHours().after(datetime(2026, 1, 1), timedelta(1)), r"at must be a datetime with"),  # noqa: DTZ001
        (lambda: BusinessHours().after(START, timedelta(0)), r"wait must be a timedelta of at least 0:00:00.000001"),
        (lambda: BusinessHours().after(START, timedelta(days=87)), r"wait must be at most 52 weeks of these hours"),
        (lambda: Within("call", timedelta(1)), r"promise must be one of 'attempt', 'contact', 'close' \(got 'call'\)"),
        (lambda: Within("attempt", 48), r"within must be a timedelta"),
        (lambda: Within("attempt", timedelta(0)), r"within must be a timedelta"),
        (lambda: Within("attempt", timedelta(1), hours="9-17"), r"hours must be BusinessHours or None"),
        (
            lambda: Within("attempt", timedelta(1), notice_after=timedelta(2)),
            r"notice_after must be at most within, 1 day",
        ),
        (
            lambda: Within("attempt", timedelta(1), hours=BusinessHours(), escalate_after=timedelta(100)),
            r"escalate_after must be at most 52 weeks of these hours, 86 days",
        ),
        (lambda: SameDay("call"), r"promise must be one of"),
        (lambda: SameDay(hours=None), r"hours must be BusinessHours"),
        (lambda: FollowUp(within=48), r"within must be a timedelta, Within or SameDay, or several"),
        (
            lambda: FollowUp(within=[SameDay(), Within("attempt", timedelta(1))]),
            r"within must be of different promises",
        ),
        (lambda: FollowUp(within="48 hours"), r"within must be a timedelta, Within or SameDay"),
    ],
)
def test_promises_are_refused_in_words(make, message):
    """What is no promise is refused by name."""
    with pytest.raises(InvalidArgument, match=message):
        make()
