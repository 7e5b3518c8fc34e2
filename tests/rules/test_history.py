"""History: every number that it folds, against a reading of the rows one by one."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import chain, pairwise

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from netpromoter.errors import InvalidArgument
from netpromoter.model import KINDS, Contact, Contacts, Survey, Touches, fingerprint
from netpromoter.rules import History, Occasions, People, among
from netpromoter.rules._history import OPENED

START = datetime(2026, 6, 1, tzinfo=UTC)
SURVEYS = (("nps", "relationship"), ("case", "transactional"), ("pulse", "relationship"))
CHANNELS = ("email", "sms", "fax")
OCCASIONS = ("spring", "autumn", "e-1")
ARMS = ("plain", "bold")
POINTS = ("case closed", "visit")
MAILBOXES = ("one@example.com", "two@example.com", "three@example.com", "+1 555 0100")
IDS = ("a", "b", "c", "d")
STRANGERS = ("x", "y")
DESTINATIONS = (0, *(fingerprint(mailbox) for mailbox in MAILBOXES), fingerprint("nobody@example.com"))
CHOICES = ("opted_out", "reminders_off", "opted_in")
MESSAGES = ("invited", "reminded")


# What is drawn


def row():
    """Draw what happened to somebody, as the values of the columns."""
    return st.fixed_dictionaries(
        {
            "contact": st.integers(0, len(IDS + STRANGERS) - 1),
            "kind": st.integers(0, len(KINDS) - 1) | st.integers(0, 1),
            "at": st.integers(0, 30),
            "survey": st.integers(-1, len(SURVEYS) - 1),
            "occasion": st.integers(-1, len(OCCASIONS) - 1),
            "step": st.integers(-1, 3),
            "attempt": st.integers(-1, 2),
            "channel": st.integers(-1, len(CHANNELS) - 1),
            "destination": st.sampled_from(DESTINATIONS),
            "arm": st.integers(-1, len(ARMS) - 1),
            "touchpoint": st.integers(-1, len(POINTS) - 1),
            "rating": st.integers(-1, 10),
        }
    )


def logs(size):
    """Draw what happened to everybody: a message has a name of its own, and some of them come back."""

    def with_bounces(rows, returned):
        messages = [each for each in rows if KINDS[each["kind"]] in MESSAGES]
        back = [(place, messages[number % len(messages)]) for place, number in returned if messages]
        for place, each in back:
            rows.insert(place % (len(rows) + 1), each | {"kind": KINDS.index("bounced"), "at": each["at"] + place - 5})
        return rows

    def name(each):
        return name_of(each) if KINDS[each["kind"]] in MESSAGES else tuple(each.values())

    places = st.tuples(st.integers(0, 30), st.integers(0, 30))
    rows = st.lists(row(), max_size=size, unique_by=name)
    return st.builds(with_bounces, rows, st.lists(places, max_size=6))


def crowds():
    """Draw contacts whose mailboxes are few, so that they share them."""
    addresses = st.fixed_dictionaries({}, optional=dict.fromkeys(("email", "sms"), st.sampled_from(MAILBOXES)))
    people = st.lists(st.sampled_from(IDS), unique=True).flatmap(
        lambda ids: st.tuples(*(st.builds(Contact, id=st.just(each), addresses=addresses) for each in ids))
    )
    return people.map(Contacts.of)


def column(name, values):
    """Make the column of touches with this name."""
    dtype = {
        "contact": "i4",
        "kind": "u1",
        "at": "i8",
        "occasion": "i4",
        "destination": "u8",
        "rating": "i1",
    }.get(name, "i2")
    made = np.array(values, dtype)
    return (
        np.datetime64(START.replace(tzinfo=None), "us") + made * np.timedelta64(3_600_000_000, "us")
        if name == "at"
        else made
    )


def folded(rows):
    """Make touches of drawn rows."""
    names = ("contact", "kind", "at", "survey", "occasion", "step", "attempt", "channel", "destination", "arm")
    columns = {name: column(name, [each[name] for each in rows]) for name in (*names, "touchpoint", "rating")}
    labels = {"contacts": IDS + STRANGERS, "surveys": SURVEYS, "occasions": OCCASIONS, "channels": CHANNELS}
    return Touches(**columns, **labels, arms=ARMS, touchpoints=POINTS)


# The oracle: everything is asked of the list of rows, for one person at a time


def told(rows):
    """Give the rows in plain words, in the order of time."""
    named = [
        {
            "contact": (IDS + STRANGERS)[each["contact"]],
            "kind": KINDS[each["kind"]],
            "at": np.datetime64(START.replace(tzinfo=None), "us") + np.timedelta64(each["at"], "h"),
            "survey": None if each["survey"] < 0 else SURVEYS[each["survey"]],
            "occasion": None if each["occasion"] < 0 else OCCASIONS[each["occasion"]],
            "channel": None if each["channel"] < 0 else CHANNELS[each["channel"]],
            "arm": None if each["arm"] < 0 else ARMS[each["arm"]],
            "touchpoint": None if each["touchpoint"] < 0 else POINTS[each["touchpoint"]],
            **{name: each[name] for name in ("step", "attempt", "destination")},
        }
        for each in rows
    ]
    returned = {name_of(each) for each in named if each["kind"] == "bounced" and each["step"] >= 0}
    for each in named:
        invites = each["kind"] == "reminded" and each["step"] == 0
        vain = " in vain" if each["kind"] in MESSAGES and name_of(each) in returned else ""
        each["clock"] = ("invited" if invites else each["kind"]) + vain
    return sorted(named, key=lambda each: each["at"])


def name_of(each):
    """Give what tells a message from every other, and from itself at another address."""
    return tuple(each[name] for name in ("contact", "survey", "occasion", "step", "attempt", "destination"))


def held(contact):
    """Give the fingerprints of somebody's addresses."""
    return {fingerprint(address) for address in contact.addresses.values()}


def concerns(each, contact, people):
    """Say whether a row starts the clocks of a contact; one in vain has reached nobody else."""
    reached = each["destination"] in held(contact) and not each["clock"].endswith("vain")
    if each["contact"] == contact.id or reached:
        return True
    other = next((person for person in people if person.id == each["contact"]), None)
    return each["kind"] in CHOICES and other is not None and bool(held(other) & held(contact))


def instants(rows, contact, people, kinds, *, surveys=None, occasion=None):
    """List when something happened to a contact."""
    return [
        each["at"]
        for each in rows
        if each["clock"] in kinds
        and (surveys is None or each["survey"] in surveys)
        and (occasion is None or each["occasion"] == occasion)
        and concerns(each, contact, people)
    ]


def nth(found, n):
    """Give the n-th from the end, or never."""
    return sorted(found)[-n] if len(found) >= n else np.datetime64("NaT", "us")


def asked(rows, contact, survey):
    """Give the latest occasion of a survey, as the fields of Occasions."""
    mine = [
        each
        for each in rows
        if each["contact"] == contact.id and each["kind"] in MESSAGES and (each["survey"] or ("",))[0] == survey
    ]
    opened = [each["at"] for each in mine if each["kind"] == "invited"]
    invited = nth(opened, 1)
    nothing = {"at": np.datetime64("NaT", "us"), "step": -1, "attempt": -1, "destination": 0, "clock": ""}
    last = mine[-1] if mine else nothing
    return {
        "invited": invited,
        "latest": last["at"],
        "messages": sum(bool(each["at"] >= invited) and not each["clock"].endswith("vain") for each in mine),
        "in_vain": last["clock"].endswith("vain"),
        "asks": len(opened),
        "step": last["step"],
        "attempt": last["attempt"],
        "destination": last["destination"],
    }, last


WHICH = [
    (kinds, surveys)
    for kinds in (MESSAGES, ("invited",), OPENED, ("answered",), ("opted_out",), ("opted_in",))
    for surveys in (None, (SURVEYS[0], SURVEYS[2]))
]


def codes(history, surveys):
    """Give the codes of surveys by their keys and kinds."""
    return None if surveys is None else tuple(history.surveys[each] for each in surveys if each in history.surveys)


def same(found, expected):
    """Compare two columns, NaT with NaT alike."""
    np.testing.assert_array_equal(found, np.array(expected, found.dtype))


def check_clocks(history, people, rows):
    """Compare every clock."""
    for kinds, surveys in WHICH:
        expected = [instants(rows, contact, people, kinds, surveys=surveys) for contact in people]
        same(history.last(kinds, codes(history, surveys)), [nth(each, 1) for each in expected])
        for n in (1, 3) if not set(kinds) & set(CHOICES) else ():
            same(history.nth_last(n, kinds, codes(history, surveys)), [nth(each, n) for each in expected])
    for occasion in (*OCCASIONS, "unheard of"):
        expected = [nth(instants(rows, each, people, OPENED, occasion=occasion), 1) for each in people]
        same(history.last(OPENED, occasion=occasion), expected)


def check_occasions(history, people, rows):
    """Compare the latest occasion of every survey."""
    for key, _ in SURVEYS:
        found = history.occasions(history.codes(key=key))
        expected = [asked(rows, contact, key) for contact in people]
        for name in ("invited", "latest", "messages", "in_vain", "asks", "step", "attempt", "destination"):
            same(getattr(found, name), [fields[name] for fields, _ in expected])
        for name in ("occasion", "arm", "channel"):
            assert history.labels(found.row, name) == [last.get(name) for _, last in expected]
        channels = {code: name for name, code in history.channels.items()}
        assert [channels.get(code) for code in found.channel.tolist()] == [last.get("channel") for _, last in expected]


def check_events(history, people, rows):
    """Compare what has happened lately, what triggers, what failed, and the rows of each."""
    ids = [contact.id for contact in people]
    for after in (0, 15):
        since = np.datetime64(START.replace(tzinfo=None), "us") + np.timedelta64(after, "h")
        for kinds, surveys in WHICH:
            expected = Counter(
                ids.index(each["contact"]) if each["contact"] in ids else -1
                for each in rows
                if each["clock"] in kinds and each["at"] > since and (surveys is None or each["survey"] in surveys)
            )
            assert Counter(history.recent(kinds, codes(history, surveys), since).tolist()) == expected
    for point in (*POINTS, "unheard of"):
        happened = [
            (each["at"], ids.index(each["contact"]), each["occasion"])
            for each in rows
            if each["kind"] == "triggered"
            and each["touchpoint"] == point
            and each["contact"] in ids
            and each["occasion"]
        ]
        assert list(zip(*history.triggered(point), strict=True)) == happened
    check_failures(history, people, rows)
    for contact, found in zip(people, history.each(), strict=True):
        mine = [each for each in rows if each["contact"] == contact.id]
        told_of = [(each["kind"], each["at"].replace(tzinfo=None), each["occasion"], each["arm"]) for each in found]
        assert told_of == [(each["kind"], each["at"].item(), each["occasion"], each["arm"]) for each in mine]


def check_failures(history, people, rows):
    """Compare the addresses that failed for good."""
    failed = [each for each in rows if each["kind"] == "bounced"]
    dead = {each["destination"] for each in failed} - {0}
    assert set(history.dead.tolist()) == dead
    for channel in people.addresses:
        lost = [
            any(
                each["contact"] == contact.id and each["destination"] == 0 and each["channel"] in (channel, None)
                for each in failed
            )
            or (channel in contact.addresses and fingerprint(contact.addresses[channel]) in dead)
            for contact in people
        ]
        assert history.bounced(channel).tolist() == lost


def check(history, people, rows):
    """Compare everything that a history tells."""
    check_clocks(history, people, rows)
    check_occasions(history, people, rows)
    check_events(history, people, rows)


MANY = settings(max_examples=60, deadline=None, derandomize=True)


@MANY
@given(people=crowds(), rows=logs(25))
@example(people=Contacts.of([]), rows=[])
def test_every_number_of_a_history_is_what_its_rows_say(people, rows):
    """Clocks, occasions, events and failures are those that one reads off the rows for each person alone."""
    check(History(people, folded(rows)), people, told(rows))


@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    people=crowds(),
    rows=logs(25),
    cuts=st.lists(st.integers(0, 25), min_size=1, max_size=4),
    in_order=st.booleans(),
    ask=st.booleans(),
)
def test_a_history_in_parts_is_the_history_of_all(people, rows, cuts, in_order, ask):
    """Touches that are added, in any parts, give what one fold of all of them gives, asked before or not."""
    if in_order:
        rows = sorted(rows, key=lambda each: each["at"])
    limits = [0, *sorted(min(cut, len(rows)) for cut in cuts), len(rows)]
    parts = [rows[low:high] for low, high in pairwise(limits)]
    history = History(people, folded(parts[0]))
    for number, part in enumerate(parts[1:], 1):
        if ask:
            check(history, people, told(list(chain.from_iterable(parts[:number]))))
        history = history.with_touches(folded(part))
    check(history, people, told(rows))


@MANY
@given(rows=logs(20))
def test_adding_touches_leaves_the_first_history_as_it_was(rows):
    """A history does not change when another is made of it."""
    people = Contacts.of([Contact(id=each, addresses={"email": MAILBOXES[0]}) for each in "ab"])
    half = len(rows) // 2
    history = History(people, folded(rows[:half]))
    history.with_touches(folded(rows[half:]))
    check(history, people, told(rows[:half]))


def touch(**facts):
    """Make one row."""
    empty = dict.fromkeys(("survey", "occasion", "step", "attempt", "channel", "arm", "touchpoint", "rating"), -1)
    return empty | {"contact": 0, "kind": 0, "at": 0, "destination": 0, "survey": 0} | facts


def test_a_message_to_a_mailbox_starts_the_clock_of_everybody_who_holds_it():
    """Two contacts with one mailbox have one guard, and nothing is counted twice."""
    people = Contacts.of([Contact(id=each, addresses={"email": MAILBOXES[0]}) for each in "ab"])
    rows = [touch(contact=0, at=1, destination=DESTINATIONS[1]), touch(contact=1, at=5, destination=DESTINATIONS[1])]
    history = History(people, folded(rows))
    assert history.last(MESSAGES)[0] == history.last(MESSAGES)[1]
    assert not np.isnat(history.nth_last(2, MESSAGES)).any()
    assert np.isnat(history.nth_last(3, MESSAGES)).all()


@given(
    hours=st.lists(st.integers(0, 20), min_size=1, max_size=9, unique=True).map(sorted),
    returned=st.sets(st.integers(0, 8)),
    cuts=st.lists(st.integers(0, 20), max_size=3),
)
@MANY
def test_a_message_that_comes_back_is_taken_back(hours, returned, cuts):
    """However much is folded before its bounce, a message stops to count for everybody whose clock it started."""
    people = Contacts.of(
        [Contact(id=each, addresses={"email": MAILBOXES[place // 2]}) for place, each in enumerate("abc")]
    )
    rows = [
        touch(contact=n % 4, kind=min(n, 1), at=at, step=n, attempt=0, destination=DESTINATIONS[1 + n % 2], occasion=0)
        for n, at in enumerate(hours)
    ]
    bounced = KINDS.index("bounced")
    rows += [rows[n] | {"kind": bounced, "at": hours[n] + 2} for n in returned if n < len(hours)]
    rows.sort(key=lambda each: each["at"])
    history, seen = History(people, folded([])), []
    for low, high in pairwise([0, *sorted(cuts), len(rows)]):
        seen += rows[low:high]
        history = history.with_touches(folded(rows[low:high]))
        check(history, people, told(seen))


def test_who_takes_over_a_mailbox_takes_over_its_clock():
    """A message at a mailbox that its contact has left counts for them, and for who holds it now."""
    people = Contacts.of(
        [Contact(id="a", addresses={"email": MAILBOXES[1]}), Contact(id="b", addresses={"email": MAILBOXES[0]})]
    )
    history = History(people, folded([touch(contact=0, at=1, destination=DESTINATIONS[1])]))
    assert not np.isnat(history.last(MESSAGES)).any()


def test_a_choice_holds_at_every_destination_of_the_person():
    """An opt-out without a destination is known to who shares a mailbox, and not beyond."""
    people = Contacts.of(
        [
            Contact(id="a", addresses={"email": MAILBOXES[0], "sms": MAILBOXES[3]}),
            Contact(id="b", addresses={"email": MAILBOXES[0]}),
            Contact(id="c", addresses={"sms": MAILBOXES[3]}),
            Contact(id="d", addresses={"email": MAILBOXES[1]}),
        ]
    )
    history = History(people, folded([touch(contact=0, kind=KINDS.index("opted_out"), at=1)]))
    assert np.isnat(history.last(("opted_out",))).tolist() == [False, False, False, True]


def test_nobody_takes_back_what_another_has_chosen():
    """An opt-in of whoever shares a mailbox counts there, and not for the person who opted out."""
    people = Contacts.of([Contact(id=each, addresses={"email": MAILBOXES[0]}) for each in "abc"])
    out, back = (KINDS.index(kind) for kind in ("opted_out", "opted_in"))

    def standing(*rows):
        choices = [touch(contact=who, kind=kind, at=place) for place, (who, kind) in enumerate(rows)]
        return History(people, folded(choices)).stands("opted_out").tolist()

    assert standing((0, out)) == [True, True, True]
    assert standing((0, out), (1, back)) == [True, False, False]
    assert standing((0, out), (1, back), (0, back)) == [False, False, False]
    assert standing((0, back), (0, out), (2, out), (0, back)) == [False, False, True]


@pytest.mark.parametrize("n", [1, 2, 3])
def test_a_floor_leaves_out_only_what_is_before_it(n):
    """The n-th time from the end is the same with a floor wherever it is after the floor, asked in any order."""
    people = Contacts.of([Contact(id=each, addresses={"email": MAILBOXES[0]}) for each in "ab"])
    rows = [touch(contact=place % 2, at=place * 5, destination=DESTINATIONS[place % 2]) for place in range(6)]
    history, full = History(people, folded(rows)), History(people, folded(rows)).nth_last(n, MESSAGES)
    for hours in (12, 20, 2, 26):
        floor = np.datetime64(START.replace(tzinfo=None), "us") + np.timedelta64(hours, "h")
        found = history.nth_last(n, MESSAGES, after=floor)
        after = full > floor
        assert (found[after] == full[after]).all()
        assert not (found[~after] > floor).any()


def test_people_read_the_clocks_of_a_scope():
    """Any survey, this one, or those of its kind: each scope is the clock of the surveys in it."""
    people = Contacts.of([Contact(id="a")])
    rows = [touch(at=place, survey=place) for place in range(3)]
    history = History(people, folded(rows))
    seen = People(contacts=people, history=history, survey=Survey("nps"))
    hours = {
        scope: int((seen.last("invited", scope=scope)[0].item().replace(tzinfo=UTC) - START) / timedelta(hours=1))
        for scope in ("any", "survey", "kind")
    }
    assert hours == {"any": 2, "survey": 0, "kind": 2}
    assert (seen.nth_last(1, "invited", scope="survey") == seen.last("invited", scope="survey")).all()
    assert np.isnat(seen.nth_last(2, "invited", scope="survey")).all()
    assert len(seen) == 1


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda seen: seen.last("sent"), "clock must be one of 'invited', 'messaged', 'shown', .* \\(got 'sent'\\)"),
        (lambda seen: seen.last("invited", scope="all"), r"scope must be one of 'any', 'survey', 'kind' \(got 'all'\)"),
        (lambda seen: seen.nth_last(0, "invited"), r"n must be a whole number of at least 1 \(got 0\)"),
        (lambda seen: seen.nth_last(1, "sent"), "clock must be one of"),
        (lambda seen: seen.nth_last(1, "opted_out"), r"clock must be one of 'invited', .* \(got 'opted_out'\)"),
        (lambda seen: seen.surveys("all"), "scope must be one of"),
    ],
)
def test_an_unknown_clock_scope_or_number_is_refused(ask, message):
    """What is no clock, no scope and no number is refused in words that name it."""
    people = Contacts.of([Contact(id="a")])
    seen = People(contacts=people, history=History(people, folded([])), survey=Survey("nps"))
    with pytest.raises(InvalidArgument, match=message):
        ask(seen)


@given(
    values=st.lists(st.integers(0, 9), max_size=8),
    known=st.lists(st.integers(0, 9), unique=True, max_size=5).map(sorted),
)
def test_membership_is_that_of_sets(values, known):
    """A value is among those known if and only if it is one of them."""
    found = among(np.array(values, np.uint64), np.array(known, np.uint64))
    assert found.tolist() == [value in known for value in values]


def test_nobody_has_occasions_at_first():
    """Who was never asked has no occasion, no message and no ask."""
    none = Occasions.none(2)
    assert np.isnat(none.invited).all()
    assert none.messages.tolist() == none.asks.tolist() == [0, 0]
    assert none.row.tolist() == none.step.tolist() == none.channel.tolist() == [-1, -1]
