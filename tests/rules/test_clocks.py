"""Clocks: each rule holds if and only if its definition says so, and until the first instant at which it does not."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netpromoter.engine import adopt, plan
from netpromoter.errors import InvalidArgument
from netpromoter.model import (
    Bounced,
    Contact,
    Contacts,
    Declined,
    Message,
    OptedOut,
    Responded,
    Response,
    Scheduled,
    Shown,
    Survey,
    Touches,
)
from netpromoter.rules import (
    CLOCKS,
    DEFAULT_RULES,
    FOREVER,
    GUARD,
    SCOPES,
    AccountLimit,
    AtMost,
    Continuous,
    DailyCap,
    History,
    MinimumTenure,
    People,
    Policy,
    QuietPeriod,
    Reminders,
    SendWindow,
    Wave,
    Waves,
)
from netpromoter.rules._clocks import spoken

START = datetime(2026, 6, 1, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
IDS = ("a", "b", "c")
KINDS = {"nps": "relationship", "pulse": "relationship", "case": "transactional"}
EXACT = timedelta(microseconds=1)


def utc(moment):
    """Give an instant as columns have it."""
    return np.datetime64(moment.replace(tzinfo=None), "us")


def message(contact, survey, hours, *, step=0, occasion="o"):
    """Schedule a message, so many hours after the start."""
    made = Message(
        survey=survey,
        kind=KINDS[survey],
        occasion=occasion,
        contact=contact,
        step=step,
        channel="email",
        to=f"{contact}@example.com",
        due=START + hours * HOUR,
    )
    return Scheduled(message=made, at=START)


def happened(kind, contact, survey, hours, number=0):
    """Make one event that starts a clock."""
    at, place = START + hours * HOUR, {"survey": survey, "kind": KINDS[survey], "contact": contact}
    return {
        "invited": lambda: message(contact, survey, hours, occasion=f"o-{number}"),
        "reminded": lambda: message(contact, survey, hours, step=1, occasion=f"o-{number}"),
        "shown": lambda: Shown(**place, occasion="o", at=at),
        "answered": lambda: Responded(response=Response(**place, occasion="o", ordinal=number, rating=3, at=at)),
        "declined": lambda: Declined(**place, occasion=f"o-{number}", at=at),
        "opted_out": lambda: OptedOut(contact=contact, at=at),
        "bounced": lambda: Bounced(contact=contact, destination=0, at=at),
    }[kind]()


NAMES = ["invited", "reminded", "shown", "answered", "declined", "opted_out", "bounced"]
TAKEN = [(clock, scope) for clock in CLOCKS for scope in SCOPES if scope == "any" or clock not in NAMES[-2:]]
FACTS = st.lists(
    st.tuples(st.sampled_from(NAMES), st.sampled_from(IDS), st.sampled_from(sorted(KINDS)), st.integers(0, 400)),
    max_size=14,
)


def seen(facts, survey="nps", contacts=None):
    """Fold facts into people."""
    people = Contacts.of([Contact(id=each) for each in IDS] if contacts is None else contacts)
    events = [happened(*fact, number) for number, fact in enumerate(facts)]
    return People(
        contacts=people, history=History(people, Touches.of(events)), survey=Survey(survey, kind=KINDS[survey])
    )


def counts(fact, clock, scope, survey):
    """Say whether a fact starts a clock in a scope."""
    kind, _, of, _ = fact
    belongs = kind not in ("opted_out", "bounced")
    wanted = {"any": True, "survey": belongs and of == survey, "kind": belongs and KINDS[of] == KINDS[survey]}
    return kind in CLOCKS[clock] and wanted[scope]


def instants(facts, contact, clock, scope, survey):
    return sorted(START + fact[3] * HOUR for fact in facts if fact[1] == contact and counts(fact, clock, scope, survey))


LAWS = settings(max_examples=120, deadline=None, derandomize=True)


@LAWS
@given(
    facts=FACTS,
    days=st.sampled_from([0, 0.5, 1, 7, 30]),
    clock=st.sampled_from(TAKEN),
    survey=st.sampled_from(sorted(KINDS)),
    hours=st.integers(0, 800),
)
def test_a_quiet_period_holds_whoever_was_quiet_for_too_short(*, facts, days, clock, survey, hours):
    """Held are those whose clock was started less than so many days ago; the hold ends when they are over, exactly."""
    after, scope = clock
    rule, at = QuietPeriod(days=days, after=after, scope=scope), START + hours * HOUR
    holds = rule(seen(facts, survey), utc(at))
    for place, contact in enumerate(IDS):
        known = instants(facts, contact, after, scope, survey)
        expected = any(at < each + days * DAY for each in known)
        assert bool(holds.until[place] > utc(at)) == expected
        if known:
            end = max(known) + days * DAY
            assert holds.until[place] == utc(end)
            assert not rule(seen(facts, survey), utc(end)).until[place] > utc(end)
            assert not days or rule(seen(facts, survey), utc(end - EXACT)).until[place] > utc(end - EXACT)
    assert holds.reasons == (rule.reason,)


@LAWS
@given(
    facts=FACTS,
    most=st.integers(1, 4),
    per=st.sampled_from([HOUR, DAY, 7 * DAY]),
    scope=st.sampled_from(SCOPES),
    survey=st.sampled_from(sorted(KINDS)),
    hours=st.integers(0, 800),
)
def test_at_most_holds_until_the_window_has_room(*, facts, most, per, scope, survey, hours):
    """Held are those with so many messages in the window that would end at this message, and until there is room."""
    rule, at = AtMost(most, per=per, scope=scope), START + hours * HOUR
    people = seen(facts, survey)
    holds = rule(people, utc(at))
    for place, contact in enumerate(IDS):
        known = instants(facts, contact, "messaged", scope, survey)
        assert bool(holds.until[place] > utc(at)) == (sum(at < each + per for each in known) >= most)
        if holds.until[place] > utc(at):
            end = holds.until[place].item().replace(tzinfo=UTC)
            assert sum(end < each + per for each in known) < most
            assert not rule(people, utc(end)).until[place] > utc(end)
            assert rule(people, utc(end - EXACT)).until[place] > utc(end - EXACT)


def test_a_message_that_is_scheduled_for_later_counts_already():
    """A window rolls over messages that are still to leave."""
    people = seen([("invited", "a", "nps", 0), ("reminded", "a", "nps", 100)])
    until = AtMost(2, per=7 * DAY)(people, utc(START + HOUR)).until
    assert until[0] == utc(START + 7 * DAY)
    assert QuietPeriod(days=1, after="messaged")(people, utc(START)).until[0] == utc(START + 100 * HOUR + DAY)


@LAWS
@given(
    since=st.lists(st.none() | st.integers(-900, 900), min_size=3, max_size=3).filter(any),
    days=st.sampled_from([0, 1.5, 30]),
)
def test_tenure_holds_whoever_is_too_new_or_of_unknown_tenure(since, days):
    """Held are those who came less than so many days ago, until then, and for good those of whom it is not known."""
    contacts = [
        Contact(id=each, since=None if hours is None else START + hours * HOUR)
        for each, hours in zip(IDS, since, strict=True)
    ]
    rule = MinimumTenure(days=days)
    holds = rule(seen([], contacts=contacts), utc(START))
    for place, hours in enumerate(since):
        expected = FOREVER if hours is None else utc(START + hours * HOUR + days * DAY)
        assert holds.until[place] == expected
        assert holds.reasons[holds.codes[place]] == rule.reasons[hours is None]


def test_tenure_of_nobody_is_not_missed():
    """Of nobody no beginning is missing."""
    assert len(MinimumTenure(days=1)(seen([], contacts=[]), utc(START)).until) == 0


# Limits on everybody together


def admitted(rule, people, at, line):
    return rule.admit(people, np.array(line, np.intp), utc(at)).tolist()


@LAWS
@given(
    facts=FACTS,
    most=st.integers(1, 3),
    per=st.sampled_from([DAY, 7 * DAY]),
    scope=st.sampled_from(SCOPES),
    accounts=st.lists(st.sampled_from(["A", "B", None]), min_size=3, max_size=3).filter(any),
    line=st.permutations(range(3)),
    hours=st.integers(0, 500),
)
def test_an_account_limit_admits_the_first_of_each_account(*, facts, most, per, scope, accounts, line, hours):
    """Each account has as many invitations left as its window, later ones counted, has room for."""
    contacts = [Contact(id=each, account=account) for each, account in zip(IDS, accounts, strict=True)]
    rule, at = AccountLimit(most, per=per, scope=scope), START + hours * HOUR
    used = Counter(
        accounts[IDS.index(fact[1])]
        for fact in facts
        if counts(fact, "invited", scope, "nps") and at < START + fact[3] * HOUR + per
    )
    expected = []
    for place in line:
        account = accounts[place]
        expected.append(account is None or used[account] < most)
        used[account] += 1
    assert admitted(rule, seen(facts, contacts=contacts), at, line) == expected


def test_an_invitation_to_who_has_left_belongs_to_no_account():
    """Invitations to somebody who is not among the contacts take no room from an account."""
    people = seen([("invited", "b", "nps", 0)], contacts=[Contact(id="a", account="A")])
    assert admitted(AccountLimit(1, per=DAY), people, START, [0]) == [True]


@LAWS
@given(facts=FACTS, number=st.integers(1, 4), line=st.permutations(range(3)), hours=st.integers(0, 500))
def test_a_daily_cap_leaves_the_room_of_24_hours(facts, number, line, hours):
    """The first are admitted, as far as the messages of this survey since 24 hours ago leave room."""
    at = START + hours * HOUR
    known = [fact for fact in facts if fact[0] in CLOCKS["messaged"] and fact[2] == "nps"]
    room = number - sum(at < START + fact[3] * HOUR + DAY for fact in known)
    assert admitted(DailyCap(number), seen(facts), at, line) == [place < room for place in range(3)]


@LAWS
@given(facts=FACTS, number=st.integers(1, 2), hours=st.integers(0, 500))
def test_a_cap_on_answers_stops_everybody_at_once(facts, number, hours):
    """With so many answers to this survey in 24 hours nobody is admitted, with fewer everybody is."""
    at = START + hours * HOUR
    known = sum(fact[0] == "answered" and fact[2] == "nps" and at < START + fact[3] * HOUR + DAY for fact in facts)
    assert admitted(DailyCap(number, of="answers"), seen(facts), at, range(3)) == [known < number] * 3


def test_reminders_count_against_messages_and_not_against_answers():
    """A cap on messages leaves reminders out too, one on answers or accounts never does."""
    assert DailyCap(1).every_message
    assert AtMost.every_message
    assert not DailyCap(1, of="answers").every_message
    assert not AccountLimit.every_message
    assert not QuietPeriod.every_message
    assert not MinimumTenure.every_message


# The known defect of calendars


PEOPLE = [Contact(id=f"p-{n}", addresses={"email": f"{n}@example.com"}) for n in range(15)]


def asks(policy, first, days, people=PEOPLE, step=12 * HOUR):
    """Plan and adopt every few hours; give the instants at which each was invited."""
    log, found = [], {person.id: [] for person in people}
    for turn in range(int(days * DAY / step)):
        at = first + turn * step
        made = adopt(plan(people, log, policy, at=at), log, at=at)
        log += made.events
        for each in made.plan.invitations:
            found[each.contact].append(each.due)
    return found


def gaps(found):
    return [later - sooner for each in found.values() for sooner, later in pairwise(each)]


MONTHS = [datetime(2026, month, 1, tzinfo=UTC) for month in range(1, 8)]


@pytest.mark.parametrize(
    ("cadence", "least"),
    [
        (Continuous(every=30 * DAY, start=MONTHS[0]), 30),
        (Waves([Wave(f"{each:%Y-%m}", opens=each, drip=25 * DAY) for each in MONTHS]), 30),
        (Waves([Wave(f"{each:%Y-%m}", opens=each) for each in MONTHS]), 30),
    ],
)
def test_nobody_is_asked_on_29_january_and_again_on_31_january(cadence, least):
    """No turn of a month brings two asks of one person together: a period is of days, on the person's own clock."""
    rules = [QuietPeriod(days=30, after="invited"), SendWindow()]
    policy = Policy(survey=Survey("nps"), cadence=cadence, rules=rules, reminders=None)
    found = asks(policy, MONTHS[0], 110)
    assert gaps(found)
    assert min(gaps(found)) >= least * DAY
    assert all(len(each) >= 2 for each in found.values())


def test_a_continuous_survey_needs_no_rule_to_keep_its_period():
    """Without any rule two asks are one period apart, and at most the time between two plans more."""
    policy = Policy(survey=Survey("nps"), cadence=Continuous(every=30 * DAY, start=MONTHS[0]), rules=[], reminders=None)
    found = gaps(asks(policy, MONTHS[0], 80))
    assert set(found) == {30 * DAY}


def test_the_guard_is_a_day():
    """Between any two messages are 24 hours."""
    assert timedelta(hours=24) == GUARD


# Words


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (timedelta(days=1), "1 day"),
        (timedelta(days=1200), "1,200 days"),
        (timedelta(hours=36), "36 hours"),
        (timedelta(minutes=1), "1 minute"),
        (timedelta(seconds=90.5), "90.5 seconds"),
        (timedelta(0), "0 seconds"),
    ],
)
def test_spans_are_told_in_the_largest_unit_that_holds_them_whole(span, words):
    """A span is told in days, hours, minutes or seconds."""
    assert spoken(span) == words


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        (QuietPeriod(days=1.5), "36 hours of quiet after an answer"),
        (QuietPeriod(days=30, after="invited", scope="survey"), "30 days of quiet after an invitation to this survey"),
        (AtMost(1, per=DAY), "at most 1 message in 1 day"),
        (AtMost(2, per=DAY, scope="survey"), "at most 2 messages in 1 day of this survey"),
        (AtMost(2, per=DAY, scope="kind"), "at most 2 messages in 1 day of surveys of this kind"),
        (AccountLimit(1, per=7 * DAY), "at most 1 invitation to one account in 7 days"),
        (DailyCap(1, of="answers"), "at most 1 answer to this survey in 24 hours"),
    ],
)
def test_a_rule_tells_its_reason(rule, reason):
    """Every rule completes the sentence "held because"."""
    assert rule.reason == reason


def test_every_clock_can_be_told():
    """Each clock and scope has words, and no two have the same."""
    told = {QuietPeriod(days=1, after=clock, scope=scope).reason for clock, scope in TAKEN}
    assert len(told) == len(TAKEN)
    assert len(DEFAULT_RULES) == 5


WHOLE = "must be a whole number of at least 1"
SPAN = "per must be a timedelta of at least 0:00:00.000001"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: QuietPeriod(days="90"), r"days must be a number of days, .*\(got '90'\)"),
        (lambda: QuietPeriod(days=True), r"days must be a number of days, .*\(got True\)"),
        (lambda: QuietPeriod(days=float("nan")), r"days must be a number of days, .*\(got nan\)"),
        (lambda: QuietPeriod(days=-1), r"days must be a number of days, .*\(got -1\)"),
        (lambda: QuietPeriod(days=1e9), r"days must be a number of days, .*\(got 1000000000.0\)"),
        (lambda: MinimumTenure(days=None), r"days must be a number of days, .*\(got None\)"),
        (lambda: QuietPeriod(days=1, after="sent"), "after must be one of 'invited', .* \\(got 'sent'\\)"),
        (lambda: QuietPeriod(days=1, scope="all"), "scope must be one of 'any', 'survey', 'kind'"),
        (
            lambda: QuietPeriod(days=1, after="bounced", scope="kind"),
            "scope must be \"any\" after a bounce, which belongs to no survey \\(got 'kind'\\)",
        ),
        (lambda: AtMost(0, per=DAY), f"messages {WHOLE} \\(got 0\\)"),
        (lambda: AtMost(1, per=7), f"{SPAN}.* \\(got 7\\)"),
        (lambda: AtMost(1, per=timedelta(0)), SPAN),
        (lambda: AtMost(1, per=DAY, scope="all"), "scope must be one of"),
        (lambda: AccountLimit(1.5, per=DAY), f"invitations {WHOLE} \\(got 1.5\\)"),
        (lambda: AccountLimit(1, per=-DAY), SPAN),
        (lambda: AccountLimit(1, per=DAY, scope="x"), "scope must be one of"),
        (lambda: DailyCap(None), f"number {WHOLE} \\(got None\\)"),
        (lambda: DailyCap(1, of="opens"), r"of must be one of 'messages', 'answers' \(got 'opens'\)"),
        (
            lambda: MinimumTenure(days=1)(seen([]), utc(START)),
            r"since must be given for MinimumTenure: say since when .* \(got 'none in any contact'\)",
        ),
        (
            lambda: AccountLimit(1, per=DAY).admit(seen([]), np.array([0]), utc(START)),
            r"account must be given for AccountLimit: name it, .* \(got 'none in any contact'\)",
        ),
    ],
)
def test_what_is_no_rule_is_refused(make, message):
    """Wrong days, numbers, spans, clocks, scopes and missing columns are refused in words that name them."""
    with pytest.raises(InvalidArgument, match=message):
        make()


def test_a_reminder_is_exempt_from_quiet_and_not_from_the_guard_nor_at_most():
    """A reminder within a quiet period leaves; one within 24 hours, or beyond the messages of a window, waits."""
    people = [Contact(id="a", addresses={"email": "a@example.com"})]
    first = message("a", "nps", 0, occasion="spring")
    other = message("a", "pulse", 60, occasion="p")

    def due(*rules, log=(first,)):
        policy = Policy(survey=Survey("nps"), cadence=Wave("spring"), rules=rules, reminders=Reminders(after=3 * DAY))
        return [each.due for each in plan(people, log, policy, at=START + 3 * DAY, horizon=20 * DAY).reminders]

    assert due(QuietPeriod(days=30, after="invited"), QuietPeriod(days=9, after="messaged")) == [START + 3 * DAY]
    assert due(log=(first, other)) == [START + 84 * HOUR]
    assert due(AtMost(1, per=9 * DAY)) == [START + 9 * DAY]
    assert due(AtMost(1, per=9 * DAY), log=(first, other)) == [START + 60 * HOUR + 9 * DAY]
