"""The store in a database: what it refuses, how it opens, what it deletes and how it folds."""

import re
import sqlite3
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import get_args
from urllib.parse import quote

import attrs
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from netpromoter.errors import Conflict, InvalidArgument, MissingDependency, NotErased, StoreClosed
from netpromoter.model import (
    Bounced,
    Coded,
    Event,
    Failed,
    Message,
    OptedIn,
    OptedOut,
    Responded,
    Response,
    Scheduled,
    Sending,
    Sent,
    Settled,
    Shown,
    Touches,
    Withheld,
)
from netpromoter.stores import MemoryStore, SqlStore, _connections, _whose
from netpromoter.stores._fold import folded
from netpromoter.stores._kinds import CODE_OF
from netpromoter.stores._ledger import Ledger
from netpromoter.stores._rows import FOLDED
from strategies import events, logs

AT = datetime(2026, 6, 1, 8, tzinfo=UTC)
HOUR = timedelta(hours=1)


def gives_up(*events, forgets=None):
    """Give a function that does some things with a store exclusively, and raises in the end."""

    def do(store):
        with store.exclusive():
            for event in events:
                store.append([event])
            if forgets:
                store.forget(forgets)
            raise ZeroDivisionError

    return do


def message(contact="ann", **more):
    held = {"survey": "nps", "occasion": "autumn", "step": 0, "channel": "email", "to": f"{contact}@example.com"}
    return Message(**held | {"contact": contact, "due": AT, "destination": 7} | more)


def scheduled(contact="ann", **more):
    return Scheduled(message=message(contact, **more), at=AT)


def assert_same(found, expected):
    """Compare touches to the last code."""
    for field in attrs.fields(Touches):
        mine, theirs = getattr(found, field.name), getattr(expected, field.name)
        if isinstance(theirs, np.ndarray):
            assert mine.dtype == theirs.dtype
            assert mine.tolist() == theirs.tolist()
        else:
            assert mine == theirs


# -- what it gives -----------------------------------------------------------------------------------------------------


@settings(max_examples=40)
@given(st.lists(logs(max_size=20) | st.lists(events(), max_size=3), max_size=3), st.integers(0, 12))
def test_touches_are_those_of_the_events_to_the_last_code(batches, after):
    """Columns of the database fold as the events do: the same rows, codes, labels and types."""
    store, model = SqlStore("sqlite://"), MemoryStore()
    for batch in batches:
        assert list(store.append(batch)) == list(model.append(batch))
    log = [entry.event for entry in model.entries()]
    assert_same(store.touches(), Touches.of(log))
    assert_same(store.touches(after=after), Touches.of(log[after:]))
    for contacts in (["a"], ["c/d", "b"], []):
        assert_same(store.touches(contacts=contacts, after=after), model.touches(contacts=contacts, after=after))
    store.close()


@settings(max_examples=40)
@given(st.lists(events(), max_size=12), st.data())
def test_any_events_are_given_back_equal(log, data):
    """Whatever an event holds, a database gives it back, and finds it by its id, class and contact."""
    store, model = SqlStore("sqlite://"), MemoryStore()
    store.append(log)
    model.append(log)
    entries = list(model.entries())
    assert list(store.entries()) == entries
    for entry in entries:
        assert list(store.entries(ids=[entry.event.id])) == [entry]
    chosen = data.draw(st.lists(st.sampled_from([type(event) for event in log]))) if log else []
    assert list(store.entries(kinds=chosen)) == list(model.entries(kinds=chosen))
    store.close()


@pytest.mark.parametrize("make", [MemoryStore, lambda: SqlStore("sqlite://")])
def test_outcomes_count_whenever_they_come(make):
    """A message that was taken or withheld before it was adopted does not wait, and one that was sent has no claim."""
    store = make()
    first, second, third, fourth = (message(name) for name in ("ann", "bob", "cem", "dee"))
    intent = Sending(message=first.id, worker="w", at=AT, until=AT)
    store.append(
        [intent, Sent(message=second.id, at=AT), Bounced(contact="cem", destination=1, at=AT, message=third.id)]
    )
    store.append([Scheduled(message=each, at=AT) for each in (first, second, third, fourth)])
    assert list(store.waiting(AT, limit=9).values()) == [third, fourth]
    assert [(claim.message, claim.intent) for claim in store.claims()] == [(first, intent)]
    store.close()


@pytest.mark.parametrize("make", [MemoryStore, lambda: SqlStore("sqlite://")])
def test_what_is_wrong_is_refused_by_name(make):
    """Arguments that break their rule are refused in the words of the house, and nothing is written."""
    store = make()
    with pytest.raises(InvalidArgument, match=r"^events must be made of events \(got 'x'\)"):
        store.append([scheduled(), "x"])
    with pytest.raises(InvalidArgument, match=r"^kinds must be classes of events \(got <class 'int'>\)"):
        store.entries(kinds=[int])
    with pytest.raises(InvalidArgument, match=r"^at must be a datetime with a time zone"):
        store.waiting(AT.replace(tzinfo=None), limit=1)
    with pytest.raises(InvalidArgument, match=r"^limit must be a whole number of at least 0"):
        store.waiting(AT, limit=-1)
    with pytest.raises(InvalidArgument, match=r"^position must be a whole number of at least 0"):
        store.move_cursor("crm", -1)
    for contact in (" ", 7):
        with pytest.raises(InvalidArgument, match=r"^contact must be text that is not blank"):
            store.forget(contact)
    store.append([scheduled()])
    with pytest.raises(Conflict, match=r"^the log holds an event of 'ann' at position 1, after 0$"):
        store.append([], expecting={"ann": 0})
    assert len(list(store.entries())) == 1
    store.close()


@pytest.mark.parametrize("make", [MemoryStore, lambda: SqlStore("sqlite://")])
def test_what_is_no_filter_is_refused(make):
    """Ids are texts, and one text is not several; a position is a whole number. Nothing is read before."""
    store = make()
    store.append([scheduled()])
    for name in ("contacts", "ids"):
        for wrong, got in ((5, 5), ([5], 5), (["ann", None], None), ("ann", "ann")):
            with pytest.raises(InvalidArgument) as caught:
                store.entries(**{name: wrong})
            assert str(caught.value) == f"{name} must be several texts (got {got!r})"
    for wrong in ("x", -1, 0.5):
        for read in (store.entries, lambda **who: range(len(store.touches(**who)))):
            with pytest.raises(InvalidArgument, match=r"^after must be a whole number of at least 0"):
                read(after=wrong)
    for ask in (lambda who: store.touches(contacts=who), store.forgotten):
        with pytest.raises(InvalidArgument, match=r"^contacts must be several texts \(got 'ann'\)$"):
            ask("ann")
    for wrong in (Scheduled, 5):
        with pytest.raises(InvalidArgument, match=r"^kinds must be a sequence of classes of events \(got "):
            store.entries(kinds=wrong)
    for use in (store.cursor, lambda name: store.move_cursor(name, 1)):
        with pytest.raises(InvalidArgument, match=r"^name must be text \(got 5\)$"):
            use(5)
    for wrong in (scheduled(), {"a": scheduled()}, None):
        with pytest.raises(InvalidArgument, match=r"^events must be a sequence of events \(got "):
            store.append(wrong)
    assert len(list(store.entries(contacts=("ann",), ids=iter([scheduled().id]), after=0))) == 1
    store.close()


@pytest.mark.parametrize("make", [MemoryStore, lambda: SqlStore("sqlite://")])
def test_no_contact_has_the_id_of_somebody_who_was_forgotten(make):
    """Whatever the ids of a list look like, what was somebody's stays apart from what is somebody else's."""
    store = make()
    store.append([scheduled("ann"), scheduled("forgotten-1"), scheduled("forgotten-2")])
    for _ in range(2):
        store.forget("ann")
        store.append([scheduled("bob")])
        store.forget("bob")
    assert len({entry.event.id for entry in store.entries()}) == 4
    waiting = store.waiting(datetime(2030, 1, 1, tzinfo=UTC), limit=9).values()
    assert {message.contact for message in waiting} == {"forgotten-1", "forgotten-2"}
    store.close()


@pytest.mark.parametrize("make", [MemoryStore, lambda: SqlStore("sqlite://")])
def test_what_is_no_expectation_and_no_destination_is_refused(make):
    """Every store says alike what a position and a destination are; a number of any class is one."""
    store = make()
    store.append([scheduled()])
    rule = "expecting must be a mapping of contacts and destinations to positions, whole numbers from 0"
    for wrong in (
        {"a": "b"},
        {"a": -1},
        {"a": None},
        {"a": 0.5},
        {"a": True},
        {-1: 0},
        {1 << 64: 0},
        {None: 0},
        {0.5: 0},
    ):
        with pytest.raises(InvalidArgument) as caught:
            store.append([scheduled("bob")], expecting=wrong)
        assert str(caught.value) == f"{rule} (got {wrong})"
    for wrong in ([], 5, "a"):
        with pytest.raises(InvalidArgument) as caught:
            store.append([scheduled("bob")], expecting=wrong)
        assert str(caught.value) == f"{rule} (got {wrong!r})"
    for wrong, shown in ((["a"], "'a'"), ([-1], "-1"), ([1 << 64], str(1 << 64)), ([True], "True"), (5, "5")):
        with pytest.raises(InvalidArgument) as caught:
            store.entries(destinations=wrong)
        assert str(caught.value) == f"destinations must be whole numbers of 64 bits (got {shown})"
    assert [entry.position for entry in store.entries(destinations=np.array([7, (1 << 64) - 1], np.uint64))] == [1]
    for who in (np.uint64(7), 7, "ann"):
        with pytest.raises(Conflict):
            store.append([scheduled("bob")], expecting={who: np.int64(0)})
    assert len(store.append([scheduled("bob")], expecting={np.uint64(7): np.int64(1), (1 << 64) - 1: 0})) == 1
    store.close()


def test_it_is_known_of_every_event_whose_it_is():
    """An event whose owner is not told of could be kept by no store."""
    assert set(_whose._OWNER) == set(get_args(Event))


@pytest.mark.parametrize("key", [b"x" * 65, "secret", None])
@pytest.mark.parametrize("make", [MemoryStore, lambda key: SqlStore("sqlite://", key=key)])
def test_a_key_is_a_few_bytes(make, key):
    """A key that cannot be one is refused, and is not shown."""
    with pytest.raises(InvalidArgument) as caught:
        make(key)
    got = "65 of them" if isinstance(key, bytes) else f"a value of type {type(key).__name__}"
    assert str(caught.value) == f"key must be bytes, 64 at most (got {got})"


def test_stores_show_what_they_are():
    """A store says in one line what it is, without its URL."""
    store = MemoryStore()
    assert repr(store) == "MemoryStore(0 events)"
    store.append([scheduled()])
    assert repr(store) == "MemoryStore(1 event)"
    assert repr(SqlStore("sqlite://")) == "SqlStore(sqlite)"


def test_a_log_is_read_in_pages(monkeypatch):
    """A log longer than a page is given whole, also when it grows while it is read."""
    monkeypatch.setattr("netpromoter.stores._sql.PAGE", 3)
    store = SqlStore("sqlite://")
    store._statements._texts["entries", frozenset()] = store._statements.filtered("entries", frozenset()).replace(
        "2000", "3"
    )
    store.append([scheduled(f"c-{number}") for number in range(7)])
    found = []
    for entry in store.entries():
        found.append(entry.position)
        store.append([scheduled(f"d-{entry.position}")])
    assert found == list(range(1, 8))
    assert [entry.position for entry in store.entries()] == list(range(1, 15))
    store.close()


def test_an_append_of_many_parts_is_one(monkeypatch):
    """What is appended at once is written in parts that know of each other, all or nothing."""
    monkeypatch.setattr("netpromoter.stores._append._AT_ONCE", 3)
    store = SqlStore("sqlite://")
    log = [scheduled(f"c-{number // 2}", step=number % 2) for number in range(8)]
    with pytest.raises(Conflict):
        store.append(log[:1]) and store.append(log[1:], expecting={"c-0": 0})
    assert list(store.append([*log[1:], *log])) == log[1:]
    assert [entry.event for entry in store.entries()] == log
    with pytest.raises(InvalidArgument):
        store.append([*(scheduled(f"d-{number}") for number in range(8)), object()])
    assert len(store.touches()) == 8
    store.close()


def test_many_labels_and_people_are_found():
    """Occasions by the thousand are told apart, however few are kept in memory."""
    store, model = SqlStore("sqlite://"), MemoryStore()
    log = [scheduled(f"c-{number}", occasion=f"o-{number}", arm="x") for number in range(700)]
    for each in (store, model):
        each.append(log)
    assert_same(store.touches(), model.touches())
    store._ledger.labels.update({("arm", str(number)): number for number in range(100_001)})
    store.append([scheduled("c-1", occasion="o-1", step=1)])
    assert store.touches().occasion.tolist()[-1] == 1
    store.close()


def test_more_labels_than_touches_can_hold_are_refused():
    """A history with more arms than its column has codes is refused as `Touches.of` refuses it."""
    size = 32_768
    columns = {name: np.full(size, -1) for name in FOLDED} | {
        "position": np.arange(1, size + 1),
        "arm": np.arange(size),
    }
    columns |= {name: np.zeros(size, int) for name in ("about", "destination", "at", "person", "survey", "occasion")}
    columns["arm"] = np.arange(size)
    columns["kind"] = np.full(size, CODE_OF["scheduled"])
    with pytest.raises(InvalidArgument, match=r"^arms must be 32,767 at most \(got 32768\)"):
        folded(columns, lambda _, codes: [str(code) for code in codes])


#: One message above all, and one beside it.
ATTEMPTS = [(0, 0), (0, 0), (0, 1), (0, 1), (0, 2), (1, 0), (1, 1)]


@st.composite
def attempts(draw):
    """Draw logs of few messages that were tried again and again."""
    tried = st.sampled_from(ATTEMPTS).map(
        lambda place: message(step=place[0], attempt=place[1], destination=1 + place[1], channel=f"c{place[1]}")
    )
    whens = st.integers(0, 5).map(lambda hours: AT + hours * HOUR)
    ids = tried.map(lambda each: each.id)
    scheduled = st.builds(Scheduled, message=st.builds(attrs.evolve, tried, due=whens), at=whens)
    failed = st.builds(Failed, message=ids, at=whens, reason=st.just("no"), permanent=st.booleans())
    others = (
        st.builds(Sent, message=ids, at=whens)
        | st.builds(Withheld, message=ids, at=whens, reason=st.just("no"))
        | st.builds(Settled, message=ids, at=whens, delivered=st.booleans())
        | st.builds(Bounced, contact=st.just("ann"), destination=st.integers(0, 9), at=whens, message=ids)
    )
    return draw(st.lists(st.one_of(scheduled, failed, others), min_size=8, max_size=24))


FIRST, AGAIN = (message(attempt=attempt, destination=1 + attempt, channel=f"c{attempt}") for attempt in (0, 1))
TRIED_AGAIN = [
    Scheduled(message=FIRST, at=AT),
    Failed(message=FIRST.id, at=AT + HOUR, reason="no", permanent=False),
    Scheduled(message=attrs.evolve(AGAIN, due=AT + 2 * HOUR), at=AT + HOUR),
    Sent(message=AGAIN.id, at=AT + 3 * HOUR),
]


@settings(max_examples=150)
@given(attempts(), st.integers(0, 12))
@example(TRIED_AGAIN, 0)
def test_attempts_take_the_rows_of_those_before_them(log, after):
    """However often a message was tried, withheld, settled and bounced, its row is that of the events themselves."""
    model = MemoryStore()
    known = list(model.append(log))
    store = SqlStore("sqlite://")
    assert list(store.append(log)) == known
    assert_same(store.touches(), Touches.of(known))
    assert_same(store.touches(after=after), Touches.of(known[after:]))
    store.close()


def test_an_event_that_speaks_of_another_person_is_read_alone():
    """What refers to somebody else's message or answer is read without theirs, and bad ids are kept as they are."""
    store = SqlStore("sqlite://")
    log = [
        scheduled("ann"),
        scheduled("ann", survey="other"),
        Bounced(contact="bob", destination=1, at=AT, message=message("ann").id),
        Coded(response="nps/autumn/ann/0", code="price", coder="bot", at=AT),
        *(Sent(message=each, at=AT) for each in ("a/b/%FF/0/0", "%", "a/b/%41/0/0", "a/b/ann", "\ud83d")),
        Shown(survey="nps", occasion="autumn", contact="ann", at=AT),
    ]
    for event in log:
        store.append([event])
    for entry in zip(range(1, 99), log, strict=False):
        assert [(each.position, each.event) for each in store.entries(ids=[entry[1].id])] == [entry]
    assert_same(store.touches(), Touches.of(log))
    store.close()


def test_an_append_that_fails_within_exclusive_leaves_the_rest(url):
    """Who goes on after a failed append within `exclusive` keeps what was appended before and behind it."""
    store = SqlStore(url)
    with store.exclusive():
        store.append([scheduled("ann")])
        with pytest.raises(Conflict):
            store.append([scheduled("bob")], expecting={"ann": 0})
        with pytest.raises(ZeroDivisionError):
            gives_up(scheduled("cem", survey="other", occasion="never"))(store)
        store.append([scheduled("dee", survey="other")])
    assert [entry.event.message.contact for entry in store.entries()] == ["ann", "dee"]
    assert store.touches().surveys == (("nps", "relationship"), ("other", "relationship"))
    store.close()


# -- opening and closing -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("url", ["mysql://localhost/nps", "postgresql+psycopg2://localhost/nps"])
def test_other_databases_are_refused(url):
    """A URL of another database is refused with the name of what it asks for, and without its password."""
    with pytest.raises(InvalidArgument, match=r"^url must be one of SQLite or PostgreSQL \(with psycopg\) \(got '"):
        SqlStore(url)


@pytest.mark.parametrize(
    ("url", "rule"),
    [
        ("sqlite:///", "the path of a file after sqlite:///, or 'sqlite://' for a database in memory (got '')"),
        ("sqlite:///file:nps.db?uri=true", "the path of a file after sqlite:///, or 'sqlite://' for a database in"),
        ("sqlite:///nonesuch/nps.db", "the path of a file, in a folder that there is (got '/"),
        ("sqlite:////", "the path of a file, in a folder that there is (got '/')"),
    ],
)
def test_a_file_that_cannot_be_is_refused(url, rule, tmp_path, monkeypatch):
    """A ledger that is forgotten at the end, or is begun beside the one that was meant, would write to all again."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InvalidArgument) as refused:
        SqlStore(url)
    assert str(refused.value).startswith(f"url must be {rule}")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("url", ["nps.db", "", None])
def test_what_is_no_url_is_refused(url):
    """A URL that cannot be read is refused with two that can."""
    with pytest.raises(InvalidArgument, match=r'^url must be a URL such as "sqlite:///nps.db" or "postgresql:'):
        SqlStore(url)


def test_a_password_that_is_not_quoted_is_not_shown():
    """What stands behind its first @ would be taken for the host, which an error of the driver names."""
    with pytest.raises(InvalidArgument) as refused:
        SqlStore("postgresql://nps:s3cr@et@localhost:1/db")
    assert str(refused.value) == "url must have @ in a user or a password written as %40 (got two @ before the path)"


@pytest.mark.parametrize(("name", "extra"), [("sqlalchemy", "program"), ("psycopg", "postgresql")])
def test_a_missing_library_is_named(monkeypatch, name, extra):
    """Without SQLAlchemy or psycopg the store says what to install."""
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(MissingDependency, match=rf"^SqlStore needs {name}: install netpromoter\[{extra}\]$"):
        SqlStore("postgresql://localhost/nps")


def test_a_newer_ledger_is_refused_by_name(url):
    """A ledger that a newer netpromoter wrote is refused with both versions, and left as it is."""
    store = SqlStore(url)
    store.append([scheduled()])
    with store._connections.writing() as link:
        link.execute("UPDATE netpromoter_meta SET value = '7' WHERE name = 'version'")
    store.close()
    with pytest.raises(InvalidArgument, match=r"^url must be that of a ledger of .*version 7"):
        SqlStore(url)


def test_an_older_ledger_is_brought_up_to_date(url, monkeypatch):
    """A ledger of an older version gets what newer versions add, once, and keeps what it holds."""
    from netpromoter.stores import _opening

    store = SqlStore(url)
    store.append([scheduled()])
    store.close()
    newer = (*_opening.MIGRATIONS, lambda _: iter(["CREATE TABLE netpromoter_more (x INTEGER)"]))
    monkeypatch.setattr(_opening, "MIGRATIONS", newer)
    for _ in range(2):
        store = SqlStore(url)
        with store._connections.reading() as link:
            assert link.rows("SELECT count(*) FROM netpromoter_more")[0][0] == 0
        assert len(list(store.entries())) == 1
        store.close()


def test_a_ledger_of_version_1_gets_its_index_of_destinations(url):
    """It was written before anybody asked who shares an address, and answers that as a new one does."""
    store = SqlStore(url)
    store.append([scheduled()])
    with store._connections.writing() as link:
        link.execute("DROP INDEX netpromoter_touch_destination")
        link.execute("UPDATE netpromoter_meta SET value = '1' WHERE name = 'version'")
    store.close()
    store = SqlStore(url)
    with store._connections.writing() as link:
        assert dict(link.rows("SELECT name, value FROM netpromoter_meta"))["version"] == "2"
        link.execute("DROP INDEX netpromoter_touch_destination")
    assert len(list(store.entries(destinations=[scheduled().message.destination]))) == 1
    store.close()


def test_a_migration_that_fails_changes_nothing(url, monkeypatch):
    """Tables are made all or none."""
    from netpromoter.stores import _opening

    wrong = (*_opening.MIGRATIONS, lambda _: iter(["CREATE NONSENSE"]))
    with monkeypatch.context() as patch:
        patch.setattr(_opening, "MIGRATIONS", wrong)
        with pytest.raises(Exception, match="NONSENSE"):
            SqlStore(url)
    store = SqlStore(url)
    assert list(store.append([scheduled()])) == [scheduled()]
    store.close()


def test_a_ledger_is_opened_with_its_key(url):
    """With another key nobody who was forgotten would be known, and so it is refused."""
    store = SqlStore(url, key=b"secret")
    store.forget("ann")
    store.close()
    with pytest.raises(
        InvalidArgument, match=r"^key must be the one with which the ledger was begun \(got 'another'\)"
    ):
        SqlStore(url, key=b"other")
    again = SqlStore(url, key=b"secret")
    assert again.forgotten(["ann"]) == {"ann"}
    again.close()


def test_a_relative_file_stays_where_it_was(tmp_path, monkeypatch):
    """A thread that comes later opens the same file, wherever the process has gone."""
    monkeypatch.chdir(tmp_path)
    store = SqlStore("sqlite:///nps.db")
    monkeypatch.chdir("/")
    found = []
    thread = threading.Thread(target=lambda: found.extend(store.append([scheduled()])))
    thread.start()
    thread.join()
    assert found == [scheduled()]
    assert (tmp_path / "nps.db").exists()
    store.close()


def test_reading_stops_when_the_store_is_closed(url):
    """An iterator that is under way raises when its store was closed, and closing twice is no error."""
    store = SqlStore(url)
    store.append([scheduled()])
    entries = store.entries()
    store.close()
    store.close()
    with pytest.raises(StoreClosed, match=r"^the store was closed$"):
        next(entries)


#: What makes a database refuse events of the year 2027.
REFUSING = {
    "sqlite": [
        """CREATE TRIGGER disk_full BEFORE INSERT ON netpromoter_log WHEN NEW.body LIKE '%2027%'
        BEGIN SELECT RAISE(ABORT, 'disk full'); END"""
    ],
    "postgresql": [
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'disk full'; END $$",
        """CREATE TRIGGER disk_full BEFORE INSERT ON netpromoter_log FOR EACH ROW WHEN (NEW.body LIKE '%2027%')
        EXECUTE FUNCTION refuse()""",
    ],
}
LATER = AT.replace(year=2027)


def refusing(url):
    """Open a store whose database refuses events of the year 2027."""
    store = SqlStore(url)
    store.append([OptedOut(contact="c-0", at=AT)])
    with store._connections.writing() as link:
        for statement in REFUSING[url.partition(":")[0]]:
            link.execute(statement.replace("%", "%%") if url.startswith("postgresql") else statement)
    return store


def test_what_was_found_in_an_append_that_failed_counts_for_none(url):
    """The number that a label was to have is another's when somebody else has written meanwhile."""
    store = refusing(url)
    with pytest.raises(Exception, match="disk full"):
        store.append([attrs.evolve(scheduled("ann"), at=LATER)])
    other = SqlStore(url)
    other.append([scheduled("bob", survey="other")])
    store.append([scheduled("ann")])
    for each in (store, other):
        touches = each.touches(contacts=["ann", "bob"])
        assert [touches.surveys[code][0] for code in touches.survey.tolist()] == ["other", "nps"]
        each.close()


def overtaken(store):
    with pytest.raises(Conflict):
        store.append([OptedOut(contact="c-1", at=AT)], expecting={"c-0": 0})


def refused(store):
    with pytest.raises(Exception, match="disk full"):
        store.append([OptedOut(contact="c-1", at=LATER)])


def appended(store, *names):
    return [event.contact for name in names for event in store.append([OptedOut(contact=name, at=AT)])]


def test_an_append_that_failed_harms_none_that_follows(url):
    """After a conflict, and after an error of the database, a store works as before, however often it was used."""
    refusing(url).close()
    for used in range(8):
        store, before = SqlStore(url), [f"b-{used}-{number}" for number in range(used)]
        overtaken(store)
        assert appended(store, *before) == before
        refused(store)
        overtaken(store)
        after = [f"a-{used}-{number}" for number in range(3)]
        assert appended(store, *after) == after
        store.close()


def test_an_append_that_failed_within_another_transaction_undoes_itself_alone(url):
    """Whoever catches the error keeps what they have appended before and after."""
    refusing(url).close()
    for used in range(8):
        store, names = SqlStore(url), [f"d-{used}-{number}" for number in range(used + 3)]
        with store.exclusive():
            overtaken(store)
            appended(store, *names[:used])
            refused(store)
            appended(store, *names[used:])
        assert {entry.event.contact for entry in store.entries()} >= set(names)
        store.close()


def test_a_lost_connection_is_replaced(postgresql, server):
    """When the server ends a connection, what was under way fails, and the next use opens another."""
    import psycopg

    store = SqlStore(postgresql)
    store.append([scheduled("ann")])

    def lose():
        with store.exclusive():
            store.append([scheduled("bob")])
            with psycopg.connect(server, autocommit=True) as other:
                other.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
            store.append([scheduled("cem")])

    with pytest.raises(psycopg.OperationalError):
        lose()
    assert [entry.event.message.contact for entry in store.entries()] == ["ann"]

    def go_on():
        with store.exclusive():
            with pytest.raises(psycopg.OperationalError):
                lose()
            store.append([scheduled("dot")])

    rule = "^the connection was lost in a transaction, of which nothing was written$"
    with pytest.raises(StoreClosed, match=rule):
        go_on()
    assert [entry.event.message.contact for entry in store.entries()] == ["ann"]
    store.close()


def test_a_connection_that_was_lost_while_nobody_used_it_fails_nobody(postgresql, server):
    """A server that was started anew between two requests is no reason to lose an opt-out."""
    import psycopg

    store = SqlStore(postgresql)
    store.append([scheduled("ann")])
    with psycopg.connect(server, autocommit=True) as other:
        others = "FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
        other.execute(f"SELECT pg_terminate_backend(pid) {others}")
        while other.execute(f"SELECT count(*) {others}").fetchone() != (0,):
            pass
    assert len(store.append([scheduled("bob")])) == 1
    assert [entry.event.message.contact for entry in store.entries()] == ["ann", "bob"]
    store.close()


@pytest.mark.parametrize(("default", "durable"), [("off", "on"), ("remote_apply", "remote_apply"), ("local", "local")])
def test_what_was_appended_outlives_the_server(default, durable, postgresql):
    """Whatever a database gives to those who say nothing: a commit waits for the disk."""
    store = SqlStore(postgresql + quote(f" -c synchronous_commit={default}"))
    with store._connections.writing() as link:
        assert link.rows("SHOW synchronous_commit") == [(durable,)]
    store.close()


def test_after_an_interrupt_a_connection_is_not_used_again(postgresql):
    """Wherever it struck, nothing is left of what was under way: no lock, and no answer that the next would take."""

    def backend():
        with store._connections.reading() as link:
            return link.rows("SELECT pg_backend_pid()")[0][0]

    store = SqlStore(postgresql)
    before = backend()

    def interrupted():
        with store.exclusive():
            store.append([scheduled("ann")])
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert backend() != before
    other = SqlStore(postgresql)
    assert len(other.append([scheduled("bob")])) == len(store.append([scheduled("cem")])) == 1
    assert [entry.event.message.contact for entry in other.entries()] == ["bob", "cem"]
    for each in (store, other):
        each.close()


def test_an_interrupt_at_the_end_of_a_pipeline_is_told(postgresql, monkeypatch):
    """Psycopg tells that the pipeline is busy; an interrupt that the caller is handling already is another's."""
    import psycopg

    @contextmanager
    def busy(error=None):
        yield
        try:
            if error:
                raise error
        finally:
            raise psycopg.OperationalError("busy")

    store = SqlStore(postgresql)
    monkeypatch.setattr(psycopg.Connection, "pipeline", lambda _: busy(KeyboardInterrupt("now")))
    with pytest.raises(KeyboardInterrupt, match="now"):
        store.append([scheduled("ann")])
    monkeypatch.setattr(psycopg.Connection, "pipeline", lambda _: busy(ZeroDivisionError()))
    with pytest.raises(psycopg.OperationalError):
        store.append([scheduled("ann")])
    monkeypatch.setattr(psycopg.Connection, "pipeline", lambda _: busy())
    try:
        sys.exit("before")
    except SystemExit:
        with pytest.raises(psycopg.OperationalError):
            store.append([scheduled("ann")])
    monkeypatch.undo()
    assert len(store.append([scheduled("bob")])) == 1
    store.close()


class Stubborn:
    """A connection to a file that others keep locked."""

    def __init__(self, *errors):
        self.errors = list(errors)

    def execute(self, _):
        """Raise the next error, if there is one."""
        if self.errors:
            raise sqlite3.OperationalError(self.errors.pop(0))


def test_who_finds_a_file_locked_tries_again():
    """For as many turns as it was told, and only where another is in the way."""
    locked = Stubborn("database is locked", "database is locked")
    _connections._insist(locked, "BEGIN", turns=3)
    assert locked.errors == []
    with pytest.raises(sqlite3.OperationalError, match="disk"):
        _connections._insist(Stubborn("disk I/O error"), "BEGIN", turns=3)
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        _connections._insist(Stubborn(*["database is locked"] * 3), "BEGIN", turns=3)


def test_who_writes_waits_for_a_writer_who_takes_long(tmp_path, monkeypatch):
    """Longer than SQLite waits at once: a wave of a million is adopted in one transaction."""
    monkeypatch.setattr(_connections, "_PATIENCE", 0.001)
    monkeypatch.setattr(_connections, "_TURNS", 10**6)
    store = SqlStore(f"sqlite:///{tmp_path}/nps.db")
    with closing(sqlite3.connect(f"{tmp_path}/nps.db", isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")
        release = threading.Timer(0.2, other.execute, ["ROLLBACK"])
        release.start()
        assert len(store.append([scheduled("ann")])) == 1
        release.join()
    store.close()


def test_no_event_is_written_into_a_file_that_was_deleted_or_replaced(tmp_path):
    """Nobody would find it there: the store says so, to threads that have used it before and to others."""
    place = tmp_path / "nps.db"
    url = f"sqlite:///{place}"
    stores = [SqlStore(url), SqlStore(url)]
    for store in stores:
        store.append([scheduled("ann")])
    kept = place.read_bytes()
    place.rename(tmp_path / "old.db")

    def check(store):
        rule = "^the file of the database was moved, deleted or replaced: open the store anew$"
        with pytest.raises(StoreClosed, match=rule):
            store.append([scheduled("bob")])
        with ThreadPoolExecutor(1) as pool, pytest.raises(StoreClosed, match=rule):
            pool.submit(list, store.entries()).result()

    with pytest.raises(StoreClosed, match="moved, deleted or replaced"):
        stores[0].append([scheduled("bob")])
    for name in ("nps.db", "nps.db-wal", "nps.db-shm"):
        (tmp_path / name).unlink(missing_ok=True)
    place.write_bytes(kept)
    check(stores[1])
    for store in stores:
        store.close()
    with closing(SqlStore(url)) as fresh:
        assert len(fresh.append([scheduled("bob")])) == 1


def test_a_connection_of_a_parent_is_left_alone():
    """What another process opened is not closed here, neither by hand nor when nobody holds it any more."""
    connection = sqlite3.connect(":memory:")
    _connections._close(connection, -1)
    assert connection.execute("SELECT 1").fetchone() == (1,)
    connection.close()
    store = SqlStore("sqlite://")
    with store._connections.reading() as link:
        connection = link._connection
        before = sys.getrefcount(connection)
        link.abandon()
        after = sys.getrefcount(connection)
    assert after == before + 1
    store.close()


# -- forgetting --------------------------------------------------------------------------------------------------------


def history(contact):
    """Give much of one person."""
    first = message(contact, subject=f"Dear {contact}", snapshot={"note": f"snapshot of {contact}"})
    answer = Response(
        survey="nps", occasion="autumn", contact=contact, rating=3, at=AT, comment=f"comment of {contact} " * 300,
        drivers={"why": f"driver of {contact}", "price": 2},
    )  # fmt: skip
    return [
        Scheduled(message=first, at=AT),
        Failed(message=first.id, at=AT, reason=f"550 {contact}@example.com unknown", permanent=True),
        Responded(response=answer),
        Coded(response=answer.id, code="price", coder="bot", at=AT),
        OptedOut(contact=contact, at=AT, destination=12),
        OptedIn(contact=contact, at=AT, destination=13),
        *(scheduled(contact, occasion=f"wave {number}") for number in range(20)),
    ]


def test_no_byte_remains_in_the_file(tmp_path):
    """In the file of SQLite and its log is nothing of the forgotten: no id, address, comment or attribute."""
    store, other = SqlStore(f"sqlite:///{tmp_path}/nps.db"), SqlStore(f"sqlite:///{tmp_path}/nps.db")
    for number in range(60):
        store.append(history(f"somebody{number}"))
    found = store.forget("somebody17")
    assert (found.events, found.addresses, found.comments) == (25, 1, 1)
    files = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert b"somebody18@example.com" in files["nps.db"]
    for name, held in files.items():
        assert b"somebody17" not in held, name
    assert sum(entry.event.response.rating for entry in other.entries(kinds=[Responded])) == 180
    assert store.forget("somebody17").events == 0
    store.close()
    other.close()


def test_nothing_of_the_forgotten_is_visible(url):
    """No column of any table shows anything of somebody who was forgotten."""
    store = SqlStore(url, key=b"secret")
    for name in ("somebody17", "somebody18"):
        store.append(history(name))
    store.append([Bounced(contact="somebody18", destination=3, at=AT, message=message("somebody17").id)])
    store.forget("somebody17")
    store.append([OptedOut(contact="somebody17", at=AT + HOUR, destination=12), *history("somebody17")])
    with store._connections.reading() as link:
        tables = ("meta", "identity", "log", "touch", "label", "outbox", "cursor", "forgotten")
        held = repr([link.rows(f"SELECT * FROM netpromoter_{name}") for name in tables])  # noqa: S608 -- names of ours
    assert "somebody18@example.com" in held
    assert "somebody17" not in held
    assert store.forgotten(["somebody17"]) == {"somebody17"}
    store.close()


def test_statistics_show_nothing_of_the_forgotten(postgresql):
    """What PostgreSQL has gathered for its plans holds values of rows, also of those that were deleted since."""
    store, gone = SqlStore(postgresql, key=b"secret"), [f"gone{number}" for number in range(40)]
    for contact in (*gone, *(f"stays{number}" for number in range(40))):
        short = Response(
            survey="nps", occasion="winter", contact=contact, rating=3, at=AT, comment=f"comment of {contact}"
        )
        store.append([*history(contact), Responded(response=short)])
    with store._connections.writing() as link:
        for name in ("identity", "log", "touch", "outbox"):
            link.execute(f"ANALYZE netpromoter_{name}")

    def gathered():
        with store._connections.reading() as link:
            rows = link.rows("SELECT attname, most_common_vals::text, histogram_bounds::text FROM pg_stats")
        return repr([row for row in rows if row[0] in {"contact", "personal", "id", "body"}])

    assert "gone7" in gathered()
    assert "comment of gone" in gathered()
    with store.exclusive():
        for contact in gone:
            store.forget(contact)
    assert "gone" not in gathered()
    assert "stays7" in gathered()
    store.close()


@pytest.mark.parametrize("make", [MemoryStore, lambda: SqlStore("sqlite://")])
def test_opt_outs_of_the_forgotten_lead_to_nothing_else(make):
    """An address stays opted out under an id of its own, and no other event of the person keeps a fingerprint."""
    store = make()
    store.append(history("ann"))
    store.forget("ann")
    store.append([OptedOut(contact="ann", at=AT + HOUR, destination=12)])
    found = store.touches()
    opted = found.destination > 0
    assert sorted(found.destination[opted].tolist()) == [12, 12, 13]
    assert len(set(found.contact[opted])) == 1
    assert not set(found.contact[opted]) & set(found.contact[~opted])
    assert store.waiting(AT, limit=99) == {}
    assert [entry.event.response.drivers for entry in store.entries(kinds=[Responded])] == [{"price": 2}]
    store.close()


def test_bounces_that_differ_by_their_address_alone_all_remain(url):
    """Two bounces of one instant stay two events when nobody may know at which addresses they were."""
    store = SqlStore(url)
    store.append([Bounced(contact="ann", destination=place, at=AT) for place in (1, 2)])
    assert store.forget("ann").events == 2
    assert [entry.event.destination for entry in store.entries()] == [0, 0]
    assert len(store.touches()) == 2
    store.close()


def test_forgetting_within_exclusive_waits_for_its_end(tmp_path):
    """Who forgets within `exclusive` forgets at its end, or not at all."""
    store = SqlStore(f"sqlite:///{tmp_path}/nps.db")
    store.append(history("somebody17"))
    with pytest.raises(ZeroDivisionError):
        gives_up(forgets="somebody17")(store)
    assert store.forgotten(["somebody17"]) == set()
    with store.exclusive():
        store.forget("somebody17")
    assert not any(b"somebody17" in path.read_bytes() for path in tmp_path.iterdir())
    store.close()


def test_who_was_not_forgotten_after_all_is_nobodys_business(tmp_path, monkeypatch):
    """Where forgetting was undone, nothing is to be wiped out of the file by whoever writes next."""
    store = SqlStore(f"sqlite:///{tmp_path}/nps.db")
    store.append(history("somebody17"))
    with pytest.raises(ZeroDivisionError):
        gives_up(forgets="somebody17")(store)
    monkeypatch.setattr(_connections, "_rewritten", lambda _: False)
    assert len(store.append([scheduled("ann")])) == 1
    store.close()


@pytest.mark.parametrize("error", [ZeroDivisionError, KeyboardInterrupt])
def test_a_read_that_fails_holds_nothing(url, error, monkeypatch):
    """The next one sees what has come since, and nobody who writes waits for it."""
    store, other = SqlStore(url), SqlStore(url)
    store.append([scheduled("ann")])

    def fails(*_):
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(Ledger, "entries", fails)
        with pytest.raises(error):
            list(store.entries())
    assert len(other.append([scheduled("bob")])) == len(store.append([scheduled("cem")])) == 1
    assert [entry.event.message.contact for entry in store.entries()] == ["ann", "bob", "cem"]
    store.close()
    other.close()


def test_a_read_may_be_asked_for_by_another(url):
    """What is asked for may come from the same store, while it is asked."""
    store = SqlStore(url)
    store.append([scheduled("ann"), scheduled("bob")])
    for read in (store.entries, lambda **who: range(len(store.touches(**who)))):
        assert len(list(read(contacts=(entry.event.message.contact for entry in store.entries())))) == 2
    assert len(list(store.entries(ids=(entry.event.id for entry in store.entries())))) == 2
    assert len(list(store.entries(destinations=(entry.event.message.destination for entry in store.entries())))) == 2
    with store._connections.reading(snapshot=True), store._connections.reading(snapshot=True) as link:
        assert link.rows("SELECT 1")[0][0] == 1
    store.close()


def test_a_transaction_that_the_server_has_given_up_is_not_taken_for_written(postgresql):
    """PostgreSQL answers the end of it without an error: nothing was written, and whoever wrote is told."""
    import psycopg

    store = SqlStore(postgresql)

    def go_on():
        with store.exclusive():
            store.append([scheduled("ann")])
            with pytest.raises(psycopg.Error), store._connections.reading() as link:
                link.rows("SELECT 1 / 0")

    with pytest.raises(StoreClosed, match=r"^a statement failed in the transaction, of which nothing was written$"):
        go_on()
    assert list(store.entries()) == []
    assert len(store.append([scheduled("bob")])) == 1
    store.close()


READS = {
    "entries": lambda store: [entry.event for entry in store.entries()],
    "waiting": lambda store: [*store.waiting(AT + timedelta(days=1), limit=99).values()],
}


@pytest.mark.parametrize("read", READS.values(), ids=READS)
def test_who_reads_while_somebody_is_forgotten_sees_what_was_before(url, read, monkeypatch):
    """What is personal and the names are of one moment: nothing personal comes under the id that leads nowhere."""
    monkeypatch.setattr("netpromoter.stores._connections._PATIENCE", 0.1)
    store, other = SqlStore(url), SqlStore(url)
    store.append(history("somebody17"))
    before, entries = read(store), Ledger.entries

    def overtaken(self, link, rows):
        monkeypatch.setattr(Ledger, "entries", entries)
        with suppress(NotErased):
            other.forget("somebody17")
        return entries(self, link, rows)

    monkeypatch.setattr(Ledger, "entries", overtaken)
    assert read(store) == before != []
    assert other.forgotten(["somebody17"]) == {"somebody17"}
    assert "somebody17" not in repr(read(store))
    store.close()
    other.close()


def test_a_reader_in_the_way_of_forgetting_is_told_of(tmp_path, monkeypatch):
    """While somebody reads the file, what was deleted cannot be wiped: an error says so, and one can forget again.

    Nobody else is told: what is appended meanwhile is appended.
    """
    monkeypatch.setattr("netpromoter.stores._connections._PATIENCE", 0.1)
    store = SqlStore(f"sqlite:///{tmp_path}/nps.db")
    store.append(history("somebody17"))
    reader = sqlite3.connect(tmp_path / "nps.db", isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM netpromoter_log").fetchone()
    with pytest.raises(
        NotErased, match=r"^what was deleted is still in the file, which somebody else is using: forget "
    ):
        store.forget("somebody17")
    assert len(store.append([scheduled("ann")])) == 1
    assert store.forgotten(["somebody17"]) == {"somebody17"}
    reader.close()
    store.forget("somebody17")
    assert not any(b"somebody17" in path.read_bytes() for path in tmp_path.iterdir())
    store.close()


def test_a_writer_in_the_way_of_forgetting_is_told_of(tmp_path, monkeypatch):
    """Who begins to write between forgetting and wiping is told of in the same words; another error is not."""
    monkeypatch.setattr("netpromoter.stores._connections._PATIENCE", 0.1)
    SqlStore(f"sqlite:///{tmp_path}/nps.db").close()
    mine, theirs = (sqlite3.connect(tmp_path / "nps.db", timeout=0.1, isolation_level=None) for _ in range(2))
    theirs.execute("BEGIN IMMEDIATE")
    assert not _connections._rewritten(mine)
    theirs.execute("ROLLBACK")
    assert _connections._rewritten(mine)
    mine.execute("BEGIN")
    with pytest.raises(sqlite3.OperationalError, match="VACUUM"):
        _connections._rewritten(mine)
    mine.close()
    theirs.close()


@pytest.mark.parametrize("make", [MemoryStore, lambda: SqlStore("sqlite://")])
@pytest.mark.parametrize("size", [3, 1_000])
def test_the_forgotten_are_found_among_many(make, size):
    """Of a few and of many, those are given who were forgotten, whatever their ids contain."""
    store = make()
    people = [*(f"c-{number}" for number in range(size)), "a/b \ud83d"]
    assert store.forgotten(people) == set()
    for contact in ("c-1", "a/b \ud83d", "nobody"):
        store.forget(contact)
    assert store.forgotten(people) == {"c-1", "a/b \ud83d"}
    assert store.forgotten(iter(people[:1])) == store.forgotten([]) == set()
    store.close()


def test_nobody_is_hashed_where_nobody_was_forgotten(monkeypatch):
    """Those who plan a million people pay nothing until somebody was forgotten, and then one hash for each."""
    hashed = []
    store = SqlStore("sqlite://")
    keyed = store._ledger.hash
    monkeypatch.setattr(type(store._ledger), "hash", lambda _, contact: hashed.append(contact) or keyed(contact))
    people = [f"c-{number}" for number in range(1_000)]
    store.forgotten(people)
    assert hashed == []
    store.forget("c-7")
    hashed.clear()
    assert store.forgotten(people) == {"c-7"}
    assert hashed == people
    store.close()


def test_what_is_due_is_found_without_sorting():
    """However many messages are due at one instant, the earliest adopted are read from an index, in order."""
    store = SqlStore("sqlite://")
    with store._connections.reading() as link:
        steps = link.rows(f"EXPLAIN QUERY PLAN {store._statements['waiting']}", {"at": 0, "most": 1})
    assert [step[3] for step in steps] == ["SEARCH netpromoter_outbox USING INDEX netpromoter_outbox_waiting (due<?)"]
    store.append([scheduled(name) for name in "cab"])
    assert [each.contact for each in store.waiting(AT, limit=2).values()] == ["c", "a"]
    store.close()


@pytest.mark.parametrize("name", ["sharing", "last_of_sharing"])
def test_who_shares_an_address_is_found_by_an_index(name):
    """The statements of each append read no table from one end to the other."""
    store = SqlStore("sqlite://")
    with store._connections.reading() as link:
        plan = link.rows(f"EXPLAIN QUERY PLAN {store._statements[name]}", {"destinations": "[7]"})
    steps = [step for *_, step in plan]
    assert any("USING COVERING INDEX netpromoter_touch_destination" in step for step in steps)
    assert not any(re.match("SCAN netpromoter", step) for step in steps)
    store.close()


def test_positions_have_no_gaps():
    """Positions are whole numbers from 1, one after the other."""
    store = SqlStore("sqlite://")
    with pytest.raises(ZeroDivisionError):
        gives_up(scheduled("ann"))(store)
    store.append([scheduled(name) for name in "abc"])
    positions = [entry.position for entry in store.entries()]
    assert positions[0] == 1
    assert all(later - earlier == 1 for earlier, later in pairwise(positions))
    store.close()


def test_who_waited_for_the_lock_sees_what_was_written_meanwhile(postgresql):
    """Whatever a database gives to those who say nothing: of two with one expectation one is in conflict."""
    strict = quote(" -c default_transaction_isolation=serializable")
    stores = [SqlStore(postgresql + strict) for _ in range(2)]
    stores[0].append([OptedOut(contact="c-1", at=AT)])
    found = []

    def work():
        try:
            found.append(len(stores[1].append([OptedOut(contact="c-2", at=AT)], expecting={"c-1": 1})))
        except Conflict:
            found.append("conflict")

    with stores[0].exclusive():
        waiting = threading.Thread(target=work)
        waiting.start()
        waiting.join(0.5)
        assert waiting.is_alive()
        stores[0].append([OptedIn(contact="c-1", at=AT)])
    waiting.join()
    assert found == ["conflict"]
    for store in stores:
        store.close()
