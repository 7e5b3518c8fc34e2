"""Send windows: the next opening on each person's own wall clock, across every clock change."""

import copy
import pickle
from collections import defaultdict
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netpromoter.errors import InvalidArgument
from netpromoter.model import column
from netpromoter.rules._holds import FOREVER
from netpromoter.rules._send_window import SendWindow, in_windows, zone

NAMES = sorted(available_timezones() - {"localtime", "Factory"})
WEEKDAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
MONDAY_TO_FRIDAY, EVERY_DAY = range(5), range(7)

# Minutes since the first of January 2024, and what a test tells an oracle of a window: its weekdays, the minutes of
# the day at which it opens and closes, and its holidays. Nothing here reads a SendWindow.
START = datetime(2024, 1, 1)  # noqa: DTZ001
MINUTES = 1440 * (datetime(2031, 1, 1) - START).days  # noqa: DTZ001
FIRST_DAY = START.toordinal()
BEFORE, AFTER, BEYOND = 2 * 1440, 3 * 1440, 6 * 1440
SPANS = [timedelta(minutes=minute) for minute in range(BEFORE + AFTER + BEYOND)]
DEFAULT = (SendWindow(), MONDAY_TO_FRIDAY, 300, 600, ())
WINDOWS = {
    "default": DEFAULT,
    "past midnight": (SendWindow("Mon,Wed,Fri-Sun", "22:00-02:00"), (0, 2, 4, 5, 6), 1320, 120, ()),
    "within the gap": (SendWindow("Mon-Sun", "01:30-02:30"), EVERY_DAY, 90, 150, ()),
    "around midnight": (SendWindow("Mon-Sun", "23:30-00:30"), EVERY_DAY, 1410, 30, ()),
    "whole days": (SendWindow("Sat-Sun", "00:00-24:00"), (5, 6), 0, 1440, ()),
}


# The oracle


def wall(place, minute):
    """Read the wall clock of a place, in minutes since the midnight that began 2024 there."""
    local = place.fromutc((START + timedelta(minutes=minute)).replace(tzinfo=place))
    assert local.second == 0
    return (local.toordinal() - FIRST_DAY) * 1440 + local.hour * 60 + local.minute


def changes_of(place):
    """Find the minutes from 2024 to 2030 at which a place puts its clocks forward or back."""
    looks = [wall(place, minute) - minute for minute in range(0, MINUTES + 1, 1440)]
    for day, (before, after) in enumerate(pairwise(looks)):
        low, high = day * 1440, (day + 1) * 1440
        while before != after and high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if wall(place, middle) - middle == before else (low, middle)
        if before != after:
            yield high, before, after


@cache
def changes():
    """Give every change, with the names of all places where it happens; a place without any has an idle one."""
    places = defaultdict(list)
    for name in NAMES:
        place = ZoneInfo(name)
        found = list(changes_of(place))
        idle = wall(place, MINUTES // 2) - MINUTES // 2
        for change in found or [(MINUTES // 2, idle, idle)]:
            places[change].append(name)
    return places


@cache
def walls(change):
    """Read the wall clock minute by minute, from two days before a change to nine days after."""
    place = ZoneInfo(changes()[change][0])
    begin = (START + timedelta(minutes=change[0] - BEFORE)).replace(tzinfo=place)
    local = [place.fromutc(begin + span) for span in SPANS]  # begin + span is UTC, as fromutc wants it
    return np.array([(at.toordinal() - FIRST_DAY) * 1440 + at.hour * 60 + at.minute for at in local], np.int32)


def inside(local, days, opening, closing, holidays):
    """Tell at which minutes of a wall clock a window is open."""
    day, minute = local // 1440, local % 1440
    if opening < closing:
        open_now, opened = (minute >= opening) & (minute < closing), day
    else:
        open_now, opened = (minute >= opening) | (minute < closing), day - (minute < closing)
    allowed = np.isin((opened + START.weekday()) % 7, list(days))
    closed = np.isin(opened, [holiday.toordinal() - FIRST_DAY for holiday in holidays])
    return open_now & allowed & ~closed


def next_inside(open_now):
    """Find for every minute the first one inside, at or after it."""
    later = np.where(open_now, np.arange(len(open_now)), len(open_now))
    found = np.minimum.accumulate(later[::-1])[::-1][: BEFORE + AFTER]
    assert found.max() < len(open_now)
    return found


def instants(change, minutes):
    begin = np.datetime64(START, "us") + np.timedelta64(60, "s") * (change[0] - BEFORE)
    return begin + minutes * np.timedelta64(60, "s")


ASKED = np.arange(BEFORE + AFTER)
ODD = np.timedelta64(37_123_456, "us")


def assert_openings(change, name, window, expected):
    asked = instants(change, ASKED)
    openings = instants(change, expected)
    assert (window.next_openings(name, asked) == openings).all(), (name, change)
    late = np.where(expected == ASKED, asked + ODD, np.append(openings[1:], openings[-1]))
    assert (window.next_openings(name, asked + ODD) == late)[:-1].all(), (name, change)


@pytest.mark.parametrize("case", WINDOWS)
def test_openings_are_right_at_every_minute_around_every_clock_change(case):
    """Across every change of every zone from 2024 to 2030, each minute's next opening is the next minute inside."""
    window, *spec = WINDOWS[case]
    for change, names in changes().items():
        assert_openings(change, names[0], window, next_inside(inside(walls(change), *spec)))


def test_openings_are_right_in_every_zone():
    """Every name in the IANA database has the openings of its wall clock, whether or not its clocks change."""
    window, *spec = DEFAULT
    assert {name for names in changes().values() for name in names} == set(NAMES)
    for change, names in changes().items():
        expected = instants(change, next_inside(inside(walls(change), *spec)))[::7]
        for name in names:
            assert (window.next_openings(name, instants(change, ASKED[::7])) == expected).all(), (name, change)


def test_holidays_are_local_dates_of_openings():
    """On the day of a clock change and the day after nothing opens that they hold, also not past midnight."""
    for change, names in changes().items():
        today = date.fromordinal(FIRST_DAY + int(walls(change)[BEFORE]) // 1440)
        holidays = (today, today + timedelta(1))
        window = SendWindow("Mon-Sun", "22:30-02:30", holidays=holidays)
        assert_openings(change, names[0], window, next_inside(inside(walls(change), EVERY_DAY, 1350, 150, holidays)))


def naive(change, spec):
    """Find the next opening as naive arithmetic does, which keeps the offset of the instant that asks."""
    minute, *offsets = change
    utc = minute + np.arange(-BEFORE, AFTER + BEYOND)
    early, late = (next_inside(inside(utc + offset, *spec)) for offset in offsets)
    return np.where(ASKED < BEFORE, early, late)


def test_naive_arithmetic_is_wrong_around_clock_changes():
    """The oracle tells right from wrong: arithmetic that keeps the offset fails in nine of ten changes."""
    _, *spec = DEFAULT
    real = [change for change in changes() if change[1] != change[2]]
    wrong = [(naive(change, spec) != next_inside(inside(walls(change), *spec))).mean() for change in real]
    assert len(real) > 400
    assert np.mean(np.array(wrong) > 0) > 0.9
    assert np.mean(wrong) > 0.2


# Laws


@st.composite
def specs(draw):
    days = draw(st.lists(st.sampled_from(range(7)), min_size=1, unique=True))
    opening, closing = draw(st.lists(st.integers(0, 1439), min_size=2, max_size=2, unique=True))
    holidays = draw(st.lists(st.dates(date(2025, 1, 1), date(2025, 3, 1)), max_size=20))
    return (days, opening, closing, holidays)


def clock(minute):
    return f"{minute // 60:02}:{minute % 60:02}"


def window_of(spec):
    days, opening, closing, holidays = spec
    names = ",".join(WEEKDAYS[day] for day in days)
    return SendWindow(names, f"{clock(opening)}-{clock(closing)}", holidays=holidays)


def is_inside(spec, place, instant):
    """Tell whether one instant is inside, from its date and time on the wall clock."""
    days, opening, closing, holidays = spec
    local = instant.item().replace(tzinfo=UTC).astimezone(place).replace(tzinfo=None)
    midnight = datetime.combine(local.date(), time())
    for day in (midnight, midnight - timedelta(1)):
        begin = day + timedelta(minutes=opening)
        end = day + timedelta(minutes=closing if opening < closing else closing + 1440)
        if begin <= local < end and day.weekday() in days and day.date() not in holidays:
            return True
    return False


windows = specs().map(window_of)
names = st.sampled_from(NAMES)
micros = st.integers(0, 120 * 86_400_000_000).map(
    lambda us: np.datetime64("2024-12-01", "us") + np.timedelta64(us, "us")
)
any_time = st.datetimes(datetime(1850, 1, 1), datetime(2150, 1, 1)).map(lambda at: np.datetime64(at, "us"))  # noqa: DTZ001
some = st.lists(micros, min_size=1, max_size=8).map(lambda moments: np.array(moments, "datetime64[us]"))
TICK = np.timedelta64(1, "us")


@given(specs(), names, micros | any_time)
def test_an_opening_is_the_first_instant_inside(spec, name, instant):
    """At any time since 1850 the answer is inside, to the microsecond, and nothing between is."""
    window, place = window_of(spec), ZoneInfo(name)
    (opening,) = window.next_openings(name, np.array([instant]))
    assert is_inside(spec, place, opening)
    assert (opening == instant) == is_inside(spec, place, instant)
    between = instant + (opening - instant) * np.arange(1, 60) // 60
    assert not any(is_inside(spec, place, each) for each in [*between, opening - TICK] if instant <= each < opening)


@given(windows, names, some)
def test_openings_are_idempotent_monotone_and_never_early(window, name, moments):
    """The opening of an opening is itself; who asks later is never answered earlier, nor before the question."""
    openings = window.next_openings(name, moments)
    assert (window.next_openings(name, openings) == openings).all()
    assert (openings >= moments).all()
    assert (np.diff(openings[np.argsort(moments)]) >= np.timedelta64(0, "us")).all()


@given(windows, names, some, st.randoms(use_true_random=False))
def test_openings_do_not_depend_on_the_company(window, name, moments, random):
    """Asked alone, in another order or in another shape, each instant has the same opening."""
    openings = window.next_openings(name, moments)
    order = random.sample(range(len(moments)), len(moments))
    assert (window.next_openings(name, moments[order]) == openings[order]).all()
    assert [window.next_openings(name, moment).item() for moment in moments] == openings.tolist()
    assert (window.next_openings(ZoneInfo(name), moments.reshape(1, -1)) == openings).all()


@given(windows, names, st.lists(st.integers(0, 40), min_size=2, max_size=5))
def test_instants_of_distant_years_do_not_disturb_one_another(window, name, decades):
    """Instants that are centuries apart are answered as each alone."""
    moments = np.array([f"{1700 + 20 * each}-05-01T12:00" for each in decades], "datetime64[us]")
    alone = [window.next_openings(name, moments[i : i + 1])[0] for i in range(len(moments))]
    assert window.next_openings(name, moments).tolist() == [each.item() for each in alone]


@given(windows, some, st.lists(st.none() | names | st.just("Mars/Base"), min_size=1, max_size=8), names)
def test_everybody_has_the_opening_of_their_own_zone(window, moments, zones, default):
    """Judged together, each has the opening of their zone, or of the default; an unknown name has none."""
    people = column("time_zone", zones)
    for asked in (np.resize(moments, len(zones)), np.full(len(zones), moments[0])):
        openings, unknown = in_windows(window, people, default, asked)
        assert unknown.tolist() == [name == "Mars/Base" for name in zones]
        alone = [window.next_openings(name or default, asked[i]) for i, name in enumerate(zones) if not unknown[i]]
        assert openings[~unknown].tolist() == [each.item() for each in alone]
        assert (openings[unknown] == FOREVER).all()


@given(some)
def test_without_a_window_a_message_leaves_at_any_time(moments):
    """No window holds nobody and judges no time zone, and the answer is not the caller's own array."""
    openings, unknown = in_windows(None, column("time_zone", ["Mars/Base"] * len(moments)), "Mars/Base", moments)
    assert openings.tolist() == moments.tolist()
    assert not np.shares_memory(openings, moments)
    assert not unknown.any()


def test_nobody_has_no_opening():
    """Of no instants and of no people there are no openings."""
    nothing = np.empty(0, "datetime64[us]")
    assert SendWindow().next_openings("UTC", nothing).shape == (0,)
    openings, unknown = in_windows(SendWindow(), column("time_zone", []), "UTC", nothing)
    assert (openings.shape, unknown.shape) == ((0,), (0,))


def test_a_column_of_another_kind_is_fit_where_all_of_it_is_missing():
    """Where nobody has a time zone, it does not matter what the column would have held."""
    people = column("time_zone", [1, 2])
    people.missing[:] = True
    monday = np.full(2, np.datetime64("2026-06-01T06:00", "us"))
    openings, unknown = in_windows(SendWindow(), people, "UTC", monday)
    assert openings.tolist() == monday.tolist()
    assert not unknown.any()


# Where it never opens, and where time ends


def test_never_stays_never():
    """NaT is answered by NaT, among others and alone, but an unknown zone holds whatever the instant."""
    moments = np.array(["NaT", "2026-06-01T06:00", "NaT"], "datetime64[us]")
    assert np.isnat(SendWindow().next_openings("UTC", moments)).tolist() == [True, False, True]
    for asked in (moments, moments[[0, 0, 0]]):
        openings, _ = in_windows(SendWindow(), column("time_zone", ["UTC", None, "Mars/Base"]), "UTC", asked)
        assert np.isnat(openings).tolist() == [*np.isnat(asked)[:2], False]
        assert openings[2] == FOREVER


@pytest.mark.parametrize("week", range(0, 60, 2))
def test_a_window_that_does_not_open_within_400_days_is_closed_for_ever(week):
    """Holidays on every allowed day close a window, and the last of them tells from when it opens again."""
    first = date(2027, 1, 4) + timedelta(7 * week)
    holidays = [first - timedelta(7 * back) for back in range(1, 200)]
    window = SendWindow("Mon", "08:00-11:00", holidays=holidays)
    opening = np.datetime64(first, "us") + np.timedelta64(8, "h")
    waits = np.arange(1200, -1, -25) * np.timedelta64(1, "D")
    expected = np.where(waits <= np.timedelta64(400, "D"), opening, FOREVER)
    assert (window.next_openings("UTC", opening - waits) == expected).all()
    assert [window.next_openings("UTC", opening - wait) for wait in waits] == expected.tolist()
    assert window.next_openings("UTC", opening - np.timedelta64(400, "D") - TICK) == FOREVER


@pytest.mark.parametrize("name", ["UTC", "Europe/Paris", "Pacific/Apia", "Asia/Manila", "America/Juneau"])
def test_the_first_and_the_last_days_that_datetimes_know(name):
    """From the year 1 to FOREVER every instant has an opening, and after that none has."""
    whole, morning = SendWindow("Mon-Sun", "00:00-24:00"), SendWindow()
    ends = np.array(["0001-01-01T00:00", "0001-01-02T23:59:59.999999", "9999-12-30T23:59:59.999999"], "datetime64[us]")
    assert (whole.next_openings(name, ends) == ends).all()
    early = np.array(["0001-01-01", "9999-12-01"], "datetime64[us]")
    openings = morning.next_openings(name, early)
    assert (openings >= early).all()
    assert (openings < early + np.timedelta64(5, "D")).all()
    beyond = np.array(["9999-12-31T00:00", "9999-12-31T23:59:59.999999"], "datetime64[us]")
    assert (whole.next_openings(name, beyond) == FOREVER).all()
    assert SendWindow("Mon-Sun", "18:00-19:00").next_openings(name, FOREVER - TICK) == FOREVER


def test_the_night_when_a_day_was_skipped_and_one_was_lived_twice():
    """Samoa had no 30 December 2011, and Kwajalein no 21 August 1993: a window of that day does not open."""
    friday = SendWindow("Fri", "08:00-11:00")
    opening = friday.next_openings("Pacific/Apia", np.datetime64("2011-12-27", "us"))
    assert opening.item().replace(tzinfo=UTC).astimezone(ZoneInfo("Pacific/Apia")).date() == date(2012, 1, 6)
    saturday = SendWindow("Sat", "08:00-11:00")
    opening = saturday.next_openings("Pacific/Kwajalein", np.datetime64("1993-08-18", "us"))
    assert opening.item().replace(tzinfo=UTC).astimezone(ZoneInfo("Pacific/Kwajalein")).date() == date(1993, 8, 28)


# Names of zones


@given(names)
def test_every_name_is_known_in_any_case(name):
    """Case and blanks around a name do not matter, and the zone is the one of that name."""
    assert zone(f" {name.swapcase()} ") is zone(name)
    assert zone(name).key == name


def test_no_two_names_differ_in_case_alone():
    """A name in another case can mean one zone only."""
    assert len({name.lower() for name in NAMES}) == len(NAMES)


HOSTILE = ["../../etc/passwd", "/etc/localtime", "", " ", "localtime", "Factory", "Europe", "Europe/", "\0", "Paris"]


@pytest.mark.parametrize("name", [*HOSTILE, "a" * 10_000, "Europe/../Europe/Paris", None, 3, b"UTC", ["UTC"]], ids=str)
def test_other_names_are_unknown(name):
    """What is not a name in the database is no zone: neither paths nor folders nor this machine's own."""
    assert zone(name) is None
    with pytest.raises(InvalidArgument, match="zone must be the name of a time zone in the IANA database"):
        SendWindow().next_openings(name, np.array(["2026-01-01"], "datetime64[us]"))
    with pytest.raises(InvalidArgument, match="default must be the name of a time zone in the IANA database"):
        in_windows(SendWindow(), column("time_zone", ["UTC"]), name, np.array(["2026-01-01"], "datetime64[us]"))


def test_time_zones_are_text():
    """Time zones that are numbers are refused rather than unknown."""
    with pytest.raises(InvalidArgument, match=r"time_zones must be a column of text \(got 'number'\)"):
        in_windows(SendWindow(), column("time_zone", [1]), "UTC", np.array(["2026-01-01"], "datetime64[us]"))


# What a window is made of


def test_a_window_is_a_value():
    """Windows written alike are equal and hash alike, also when copied or pickled, in whatever case or order."""
    window = SendWindow("Mon-Fri", "08:00-11:00", holidays=[date(2026, 12, 25), date(2026, 1, 1)])
    again = SendWindow(" mon - FRI ", "8:00 - 11:00", holidays={date(2026, 1, 1): 1, date(2026, 12, 25): 2})
    assert window == again == pickle.loads(pickle.dumps(window)) == copy.deepcopy(window)  # noqa: S301
    assert len({window, again, pickle.loads(pickle.dumps(window))}) == 1  # noqa: S301
    assert window != SendWindow("Mon-Fri", "08:00-11:00")


@given(st.integers(0, 6), st.integers(1, 6), names, some)
def test_a_span_of_days_is_its_days(first, steps, name, moments):
    """A span is the days from its first to its last, also past the end of the week."""
    days = [WEEKDAYS[(first + step) % 7] for step in range(steps + 1)]
    span = SendWindow(f"{days[0]}-{days[-1]}").next_openings(name, moments)
    assert (SendWindow(",".join(days)).next_openings(name, moments) == span).all()


@pytest.mark.parametrize(
    "days", ["", "Mon-", "Mon-Mon", "Mon,,Tue", "Monday", "Lun", "Mon-Wed-Fri", "Mon;Tue", "Mon\n", "ſun", None, 1]
)
def test_days_of_another_form_are_refused(days):
    """Days are English weekdays and spans of them."""
    with pytest.raises(InvalidArgument, match="days must be weekdays such as Mon-Fri, Sat-Tue or Mon,Wed,Fri"):
        SendWindow(days)


FORMS = ["", "08:00", "08:00-", "8-11", "08:60-09:00", "٠٨:00-11:00", "-1:00-2:00", "08:00-11:00-12:00", None, 8]
TIMES = ["08:00-08:00", "00:00-00:00", "24:00-08:00", "08:00-24:01", "25:00-26:00", "99:00-99:30", "08:00-11:00\n"]


@pytest.mark.parametrize("hours", FORMS + TIMES)
def test_hours_of_another_form_are_refused(hours):
    """Hours are two different times of one day, of which only the second may be 24:00."""
    with pytest.raises(InvalidArgument, match="hours must be two different times of day such as 08:00-11:00"):
        SendWindow("Mon-Fri", hours)


CHRISTMAS = date(2026, 12, 25)


@pytest.mark.parametrize(
    ("holidays", "got"),
    [
        ("2026-12-25", "'2026-12-25'"),
        ([CHRISTMAS, "2026-12-26"], "'2026-12-26'"),
        ([CHRISTMAS, datetime(2026, 12, 26, tzinfo=UTC)], "datetime.datetime(2026, 12, 26"),
        (np.array(["2026-12-25"], "datetime64[D]"), "np.datetime64('2026-12-25')"),
        (CHRISTMAS, "datetime.date(2026, 12, 25)"),
        ([None], "None"),
        (None, "None"),
        (3, "3"),
    ],
    ids=str,
)
def test_holidays_of_another_kind_are_refused(holidays, got):
    """Holidays are several dates: neither text nor instants nor one date alone."""
    with pytest.raises(InvalidArgument) as refused:
        SendWindow(holidays=holidays)
    assert f"holidays must be a collection of dates without a time (got {got}" in str(refused.value)
