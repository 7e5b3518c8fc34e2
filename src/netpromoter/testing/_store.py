"""What every store must do: a test for each sentence of the port, and a comparison with the store in memory."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from datetime import timedelta
from functools import cache, partial
from typing import Any, ClassVar, TypeAlias

import attrs
import pytest

from netpromoter.errors import Conflict, StoreClosed
from netpromoter.model import (
    Bounced,
    Coded,
    Entry,
    Event,
    Failed,
    OptedIn,
    OptedOut,
    Responded,
    Scheduled,
    Sending,
    Sent,
    Settled,
    Touches,
    Withheld,
    to_dict,
)
from netpromoter.plugins import Store

from ._events import AT, HOUR, Person, alike, destination, drawn, whose, written
from ._histories import compare

__all__ = ["StoreContract"]

Reopen: TypeAlias = Callable[[], Store]

_UNSEEN = "what is durable, and at two who use one log: sentences 1, 3, 4, 5, 9, 10, 11 and 12"
#: How long what must wait is watched, in seconds.
_A_WHILE = 0.1
_ANN, _BOB, _CEM = Person("ann"), Person("bob"), Person("cem")
_ODD = Person("a/b%2F \ud83d\x00")
#: Somebody whom names of others resemble.
_NAMED = "ann\u00e9_1@example.com"
#: It stands in an id as it is, however often that was quoted.
_TRACE = "forgotten-soon"
_GONE = Person(f"ann\u00e9_1@{_TRACE}", destination=77)


@cache
def _crowd() -> list[Person]:
    """Give more people than some databases take names at once."""
    return [Person(f"c-{number}") for number in range(2_000)]


@cache
def _crowded() -> list[Scheduled]:
    """Give a plain message to each of the crowd."""
    message = attrs.evolve(_ANN.message(), snapshot={}, subject=None)
    return [Scheduled(message=attrs.evolve(message, contact=each.contact), at=AT) for each in _crowd()]


def _names(people: Iterable[Person]) -> list[str]:
    return [each.contact for each in people]


def _positions(store: Store, **filters: Any) -> list[int]:
    return [entry.position for entry in store.entries(**filters)]


def _events(store: Store, **filters: Any) -> list[Event]:
    return [entry.event for entry in store.entries(**filters)]


def _ids(events: Iterable[Event]) -> list[str]:
    return [event.id for event in events]


def _rows(touches: Touches) -> list[dict[str, Any]]:
    return list(touches.rows())


def _taken(message: str, *, turn: int = 0, worker: str = "w-1") -> Sending:
    return Sending(message=message, worker=worker, at=AT, until=AT + HOUR, turn=turn)


def _withheld(message: str) -> Withheld:
    return Withheld(message=message, at=AT, reason="opted out")


def _another(store: Store, reopen: Reopen | None) -> Store:
    """Open once more what a store was opened on; where that cannot be done, the store itself."""
    return store if reopen is None else reopen()


def _together(*jobs: Callable[[], object]) -> None:
    """Do several things at once, each in a thread, and raise what one of them raises."""
    with ThreadPoolExecutor(len(jobs)) as pool:
        for job in [pool.submit(job) for job in jobs]:
            job.result()


class StoreContract:
    """A test for each sentence of `netpromoter.plugins.Store`; inherit from it and give a fixture `store`.

    The fixture gives a new, empty store for each test. A store that outlives the process has another fixture `reopen`:
    a function that opens once more what the store of this test was opened on. With it the contract also looks at what
    is durable, and at two who use one log at once. Without it, one test is skipped and says what is not looked at.

    Attributes
    ----------
    examples, steps : int
        How many random histories are compared with those of `netpromoter.stores.MemoryStore`, and how long each is.
        More, which are shorter, are compared before, so that what differs is told in few steps.
    derandomize : bool
        Whether they are the same in each run.

    Examples
    --------
    >>> import pytest
    >>> from netpromoter.stores import MemoryStore
    >>> class TestMyStore(StoreContract):
    ...     @pytest.fixture
    ...     def store(self):
    ...         return MemoryStore()
    """

    examples: ClassVar[int] = 10
    steps: ClassVar[int] = 20
    derandomize: ClassVar[bool] = True

    @pytest.fixture
    def reopen(self) -> Reopen | None:
        """Open once more what the store of this test was opened on; None if that cannot be done."""
        return None

    def test_01_append(self, store: Store, reopen: Reopen | None) -> None:
        """`append` is all or nothing, and durable before it returns."""
        wrong: Any = object()
        with suppress(Exception):
            store.append([_ANN.scheduled(), _BOB.scheduled(), wrong])
        assert _events(store) == []
        store.append([_ANN.scheduled(), _BOB.scheduled()])
        assert len(_events(_another(store, reopen))) == 2
        store.append(_crowded())
        assert len(_events(_another(store, reopen))) == 2 + len(_crowd())

    def test_02_known_ids(self, store: Store) -> None:
        """An event whose id is in the log already is skipped; `append` gives those that were new, in their order."""
        first, second, third = (each.scheduled() for each in (_ANN, _BOB, _CEM))
        assert list(store.append([second, first])) == [second, first]
        later = attrs.evolve(first, at=AT + HOUR)
        assert list(store.append([third, later, third, second])) == [third]
        assert list(store.append([first, second, third])) == []
        for name in [_NAMED, *alike(_NAMED)]:
            assert list(store.append([Person(name).scheduled()])) == [Person(name).scheduled()]
        assert len(_events(store)) == 3 + 1 + len(alike(_NAMED))

    def test_03_expecting(self, store: Store, reopen: Reopen | None) -> None:
        """With `expecting`, a mapping of contacts and destinations to positions, `append` raises
        `netpromoter.errors.Conflict` and writes nothing if the log holds an event of such a contact after its position,
        or of whoever shares such a destination.
        """
        store.append([_ANN.scheduled(), _BOB.scheduled()])
        (seen,) = _positions(store, ids=[_ANN.scheduled().id])
        store.append([_ANN.opted_out()], expecting={"ann": seen, "cem": 0})
        for late in (_ANN.opted_out(1), Sent(message=_ANN.message().id, at=AT), _ANN.answer()):
            with pytest.raises(Conflict):
                store.append([_CEM.scheduled(), _ANN.opted_out(2)], expecting={"bob": 10**9, "ann": seen})
            seen = max(_positions(store))
            store.append([late], expecting={"ann": seen})
        assert not {_CEM.scheduled().id, _ANN.opted_out(2).id} & set(_ids(_events(store)))
        _check_destinations(store)
        _check_others(store, _another(store, reopen))

    def test_04_positions(self, store: Store, reopen: Reopen | None) -> None:
        """Positions rise, and a reader who has seen position n has seen every entry before it: none turns up later."""
        stores = [store, _another(store, reopen)] * 2
        reader, turns, seen = _another(store, reopen), 15, [0]
        left = list(range(len(stores)))

        def write(writer: int) -> None:
            try:
                for turn in range(turns):
                    stores[writer].append([Person(f"{writer}-{turn}-{place}").opted_out() for place in range(2)])
            finally:
                left.remove(writer)

        def read() -> None:
            while True:
                is_last = not left
                seen.extend(_positions(reader, after=seen[-1]))
                if is_last:
                    return

        _together(read, *(partial(write, writer) for writer in left[:]))
        assert seen == sorted(set(seen))
        assert seen[1:] == _positions(store)
        assert len(seen) == 1 + len(stores) * turns * 2
        _check_the_line(store, stores[1])

    def test_05_entries(self, store: Store, reopen: Reopen | None) -> None:
        """`entries` gives what was appended, equal to it, in the order of positions; each filter leaves out what it
        does not name, and filters combine. Whoever reads them may append and move cursors meanwhile; what is appended
        then is not given.
        """
        others = [Person(name).opted_out() for name in [_NAMED, *alike(_NAMED)]]
        given = [drawn(), *_ANN.events(), *_ODD.events(), *others]
        for event in given:
            store.append([event])
        found = list(store.entries())
        assert [entry.event for entry in found] == given
        assert [entry.position for entry in found] == sorted({entry.position for entry in found})
        assert written(_events(_another(store, reopen))) == written(given)
        _check_filters(store, _Chosen(found), given)
        _check_a_crowd(store)

    def test_06_touches(self, store: Store) -> None:
        """`touches` is the fold of `entries`, of the same contacts and after the same position."""
        store.append([drawn(), *_ANN.events(), *_BOB.events()])
        middle = _positions(store)[6]
        in_hand = _CEM.scheduled(due=AT - HOUR)
        store.append([in_hand, _taken(in_hand.message.id)])
        filters: list[dict[str, Any]] = [{}, {"contacts": ["bob"]}, {"after": middle}, {"contacts": []}]
        for each in [*filters, {"contacts": ["ann", "nobody"], "after": middle}]:
            assert _rows(store.touches(**each)) == _rows(Touches.of(_events(store, **each)))

    def test_07_waiting(self, store: Store) -> None:
        """`waiting` gives the messages that are due, that were adopted and not taken, and that have no outcome, the
        earliest first, `limit` at most, each by the position of its adoption; none of a person who was forgotten.
        """
        dues = {"ann": 3, "bob": 1, "cem": 2, "dee": 5, "eva": 0, "fay": 0, "gus": 0, "hal": 0}
        first = {name: Person(name).scheduled(due=AT + hours * HOUR) for name, hours in dues.items()}
        store.append(list(first.values()))
        taken, withheld, sent = (first[name].message.id for name in ("eva", "fay", "hal"))
        store.append([_taken(taken), _withheld(withheld), Sent(message=sent, at=AT)])
        store.forget("gus")
        due = AT + 3 * HOUR
        assert [message.contact for message in store.waiting(due, limit=9).values()] == ["bob", "cem", "ann"]
        places = [_positions(store, ids=[first[name].id])[0] for name in ("bob", "cem")]
        messages = [first[name].message for name in ("bob", "cem")]
        assert list(store.waiting(due, limit=2).items()) == list(zip(places, messages, strict=True))
        early = store.waiting(due - timedelta(microseconds=1), limit=9)
        assert [message.contact for message in early.values()] == ["bob", "cem"]
        store.append(_crowded())
        assert len(store.waiting(due, limit=10**6)) == 3 + len(_crowd())

    def test_08_claims(self, store: Store) -> None:
        """`claims` gives the messages that were taken and have no outcome, with the last intent of each; none of a
        person who was forgotten.
        """
        names = ["ann", "bob", "cem", "dee", "eva", "gus", "fay"]
        store.append([Person(name).scheduled() for name in names])
        ids = {name: Person(name).message().id for name in names}
        intents = {name: _taken(ids[name], worker=name) for name in names[:6]}
        store.append(list(intents.values()))
        last = _taken(ids["ann"], turn=1, worker="another")
        store.append([Sent(message=ids["bob"], at=AT), Settled(message=ids["cem"], at=AT, delivered=False)])
        store.append([_taken(ids["ann"], turn=2), last])
        store.append([Failed(message=ids["dee"], at=AT, reason="full", permanent=False)])
        store.forget("gus")
        found = {claim.message.contact: claim for claim in store.claims()}
        assert found.keys() == {"ann", "eva"}
        assert found["ann"].intent == last
        assert (found["eva"].message, found["eva"].intent) == (Person("eva").message(), intents["eva"])
        store.append([*_crowded(), *(_taken(event.message.id) for event in _crowded())])
        assert len(store.claims()) == 2 + len(_crowd())

    def test_09_exclusive(self, store: Store, reopen: Reopen | None) -> None:
        """While one holds `exclusive`, nobody else appends; what is appended within becomes durable at its end, all or
        nothing, and is read back within. A `Conflict` that is caught within undoes nothing else. Somebody may be
        forgotten within.
        """
        order: list[str] = []
        other = _another(store, reopen)

        def intrude(each: Store, person: Person) -> None:
            each.append([person.opted_out()])
            order.append(person.contact)

        with ThreadPoolExecutor(3) as pool:
            with store.exclusive():
                store.append([_ANN.scheduled()])
                read = pool.submit(_events, other, contacts=["ann"])
                jobs: list[Any] = [read, pool.submit(intrude, store, _BOB), pool.submit(intrude, other, _CEM)]
                wait(jobs, timeout=_A_WHILE)
                _check_within(store)
                order.append("ann")
            for job in jobs:
                job.result()
        assert len(read.result()) in {0, 3}, "another has read a part of what was appended within"
        assert (order[0], sorted(order)) == ("ann", ["ann", "bob", "cem"])
        with suppress(ZeroDivisionError), store.exclusive():
            store.append([Person("dee").opted_out()])
            raise ZeroDivisionError
        assert len(_events(other)) == 5
        assert len(store.append([Person("dee").opted_out()])) == 1
        _check_forgetting_within(store)

    def test_10_cursors(self, store: Store, reopen: Reopen | None) -> None:
        """`cursor` gives what `move_cursor` last set for a name, 0 at first; it is durable before `move_cursor`
        returns.
        """
        assert store.cursor("crm") == 0
        store.move_cursor("crm", 7)
        store.move_cursor("a/b \ud83d", 1 << 40)
        assert [store.cursor(name) for name in ("crm", "a/b \ud83d", "CRM", "crm ")] == [7, 1 << 40, 0, 0]
        store.move_cursor("crm", 3)
        assert store.cursor("crm") == 3
        assert _another(store, reopen).cursor("crm") == 3

    def test_11_forget(self, store: Store, reopen: Reopen | None) -> None:
        """`forget` deletes the id, the addresses, the comments and the snapshots of a person everywhere, and whatever
        else is personal, and leaves the ratings: the log then knows them by another id, theirs alone, that nobody can
        trace. Opt-outs and opt-ins keep their destinations, and so stand under an id that leads to nothing else. Of
        others nothing changes but the id, where they name it. An event that is appended for the forgotten id later is
        skipped, but for an opt-out; `forgotten` knows the ids by their keyed hashes alone. All of it is durable before
        `forget` returns.
        """
        also, unknown = Person(f"cem@{_TRACE}"), f"eva@{_TRACE}"
        others = [event for name in alike(_GONE.contact) for event in _in_short(Person(name))] + _BOB.events()
        strange = Bounced(contact="bob", destination=9, at=AT, reason="full", message=_GONE.message().id)
        theirs = [*_GONE.events(), _GONE.scheduled(step=9)]
        store.append([*others, strange, *theirs, *_in_short(also)])
        everybody = [*_names([_GONE, also, _BOB]), *alike(_GONE.contact), unknown, *_names(_crowd())]
        assert store.forgotten(everybody) == set()
        found = store.forget(_GONE.contact)
        assert (found.events, found.addresses, found.comments) == (len(theirs) - 1, 1, 1)
        store.forget(also.contact)
        store.forget(unknown)
        again = _another(store, reopen)
        for each in (store, again):
            _check_forgotten(each, [*others, strange], [theirs, _in_short(also)])
            assert each.forgotten(iter(everybody)) == {_GONE.contact, also.contact, unknown}
        _check_late(store, Person(_GONE.contact, occasion="2027/spring", at=AT + 99 * HOUR))
        _check_late(again, Person(unknown, occasion="2027/spring", at=AT + 99 * HOUR))
        _check_forgotten(store, [*others, strange], [theirs, _in_short(also)])

    def test_12_sharing(self, store: Store, reopen: Reopen | None) -> None:
        """Several threads may use one store, and several processes may open what one URL names."""
        events = [Person(f"c-{number}").opted_out() for number in range(20)]
        stores = [store, store] if reopen is None else [store, store, reopen(), reopen()]
        added: list[str] = []

        def write(each: Store) -> None:
            for start in range(0, len(events), 4):
                added.extend(_ids(each.append(events[start : start + 4])))
                each.move_cursor("reader", each.cursor("reader"))

        _together(*(partial(write, each) for each in stores))
        assert sorted(added) == sorted(_ids(events))

    def test_13_closed(self, store: Store) -> None:
        """After `close`, everything raises `netpromoter.errors.StoreClosed`, but closing again does nothing."""
        store.append([_ANN.scheduled()])
        store.close()
        store.close()
        uses: list[Callable[[], object]] = [
            lambda: store.append([_BOB.scheduled()]),
            lambda: store.append([]),
            lambda: list(store.entries()),
            store.touches,
            lambda: store.waiting(AT, limit=1),
            store.claims,
            lambda: store.cursor("crm"),
            lambda: store.move_cursor("crm", 1),
            lambda: store.forget("ann"),
            lambda: store.forgotten(["ann"]),
            lambda: store.exclusive().__enter__(),
        ]
        for use in uses:
            with pytest.raises(StoreClosed):
                use()

    def test_reopen(self, store: Store, reopen: Reopen | None) -> None:
        """What is opened once more is another store, on the same log: so the tests of sentences see what is durable."""
        if reopen is None:
            pytest.skip(f"a fixture `reopen` would let the contract look at {_UNSEEN}")
        again = reopen()
        assert again is not store
        store.append([_ANN.opted_out()])
        assert _events(again) == [_ANN.opted_out()]

    def test_it_does_what_the_memory_store_does(self, store: Store) -> None:
        """Whatever is appended, forgotten and read, in any order, the store gives what `MemoryStore` gives."""
        compare(store, examples=self.examples, steps=self.steps, derandomize=self.derandomize)


# -- 3 to 5 ------------------------------------------------------------------------------------------------------------


def _check_destinations(store: Store) -> None:
    """Expect nothing of whoever shares a destination; ann opted out at one before she answered."""
    seen = max(_positions(store))
    store.append([Sent(message=_BOB.message().id, at=AT)], expecting={7: seen, 8: 0, 0: 0})
    for place in (7, _ANN.opted_out().destination):
        with pytest.raises(Conflict):
            store.append([Person("dee").opted_out()], expecting={place: seen - (place != 7)})
    assert store.append([Person("dee").opted_out()], expecting={7: max(_positions(store)), 8: 0})


def _check_others(store: Store, other: Store) -> None:
    """Expect what another has written, of the very person, and of many."""
    seen = max(_positions(store))
    other.append([Person(_NAMED).opted_out()])
    crowd: dict[str | int, int] = dict.fromkeys(_names(_crowd()), 0)
    with pytest.raises(Conflict):
        store.append([_CEM.opted_out()], expecting=crowd | {_NAMED: seen})
    assert store.append([_CEM.opted_out()], expecting=crowd | dict.fromkeys(alike(_NAMED), 0))


def _check_the_line(store: Store, other: Store) -> None:
    """Whoever waits to append gets no position before what is appended meanwhile."""
    with ThreadPoolExecutor(1) as pool, store.exclusive():
        store.append([_ANN.opted_out()])
        waiting = pool.submit(other.append, [_BOB.opted_out()])
        wait([waiting], timeout=_A_WHILE)
        store.append([_CEM.opted_out()])
        seen = _positions(store)
    assert list(waiting.result()) == [_BOB.opted_out()]
    assert [position for position in _positions(store) if position <= seen[-1]] == seen


def _check_filters(store: Store, chosen: _Chosen, given: Sequence[Event]) -> None:
    places = [entry.position for entry in chosen.log]
    chosen.check(store, contacts=["ann", "nobody"])
    chosen.check(store, contacts=[])
    chosen.check(store, contacts=[_NAMED])
    chosen.check(store, contacts=alike(_NAMED))
    chosen.check(store, destinations=[5, 0])
    chosen.check(store, destinations=[(1 << 64) - 1, 3])
    chosen.check(store, destinations=[0])
    chosen.check(store, destinations=[])
    chosen.check(store, contacts=["ann"], destinations=[7], kinds=[Sent])
    chosen.check(store, ids=[given[5].id, given[2].id, "nothing"])
    chosen.check(store, ids=[Person(name).opted_out().id for name in alike(_NAMED)])
    chosen.check(store, ids=[])
    chosen.check(store, kinds=[Scheduled, Failed, OptedOut])
    chosen.check(store, kinds=[])
    chosen.check(store, after=places[4])
    chosen.check(store, contacts=["ann"], kinds=[Scheduled, Sent], after=places[3])
    chosen.check(store, contacts=[_ODD.contact], ids=_ids(given[2:40]), kinds=[Sending, Scheduled])


def _check_a_crowd(store: Store) -> None:
    """Choose by many names at once, and append and move a cursor while one reads."""
    before = _positions(store)
    store.append(_crowded())
    for filters in ({"contacts": _names(_crowd())}, {"ids": _ids(_crowded())}):
        assert len(_events(store, **filters)) == len(_crowd())
    assert set(_names(_crowd())) <= {whose(event) for event in _events(store, destinations=range(len(_crowd())))}
    reading = store.entries()
    found = [next(reading).position]
    store.move_cursor("reader", found[0])
    store.append([_CEM.opted_out()])
    found.extend(entry.position for entry in reading)
    assert found[: len(before)] == before
    assert len(found) == len(before) + len(_crowd())


@attrs.frozen
class _Chosen:
    """The entries of a log, from which filters choose as slowly as one can read."""

    log: Sequence[Entry]

    def check(self, store: Store, *, destinations: Sequence[int] | None = None, **filters: Any) -> None:
        named: Any = {} if destinations is None else {"destinations": destinations}
        found = [entry for entry in self.log if _passes(entry, **filters)]
        if destinations is not None:
            sharing = {whose(entry.event) for entry in self.log if destination(entry.event) in {*destinations} - {0}}
            found = [entry for entry in found if whose(entry.event) in sharing]
        assert list(store.entries(**filters, **named)) == found


def _passes(
    entry: Entry,
    *,
    contacts: Sequence[str] | None = None,
    ids: Sequence[str] | None = None,
    kinds: Sequence[type] | None = None,
    after: int | None = None,
) -> bool:
    named = contacts is None or whose(entry.event) in contacts
    known = ids is None or entry.event.id in ids
    return named and known and (kinds is None or type(entry.event) in kinds) and entry.position > (after or 0)


# -- 9 and 11 ----------------------------------------------------------------------------------------------------------


def _check_forgetting_within(store: Store) -> None:
    with store.exclusive():
        store.append([Person("eva").opted_out()])
        store.forget("eva")
    assert _events(store, contacts=["eva"]) == []


def _check_within(store: Store) -> None:
    """Read back, within `exclusive`, that a message to ann waits, and then that it was taken."""
    message = _ANN.message()
    assert list(store.waiting(AT, limit=9).values()) == [message]
    with suppress(Conflict):
        store.append([_ANN.scheduled()], expecting={"ann": 0})
    store.append([_taken(message.id), _ANN.opted_out()])
    assert [claim.message for claim in store.claims()] == [message]
    assert len(_events(store, contacts=["ann"])) == 3


def _in_short(person: Person) -> list[Event]:
    return [person.scheduled(), person.answer(), person.opted_out()]


def _check_forgotten(store: Store, others: Sequence[Any], gone: Sequence[Sequence[Event]]) -> None:
    """Look for those who are gone in everything that a store gives, and for what should be left of them."""
    kept = _events(store)
    strange: Any = kept[len(others) - 1]
    assert written(kept[: len(others) - 1]) == written(others[:-1])
    assert attrs.evolve(strange, message=None) == attrs.evolve(others[-1], message=None)
    start, people = len(others), []
    for theirs in gone:
        found = kept[start : start + len(theirs)]
        people.append(_left(found, theirs))
        start += len(theirs)
    assert len(set(people)) == len(gone), "two who were forgotten have one id"
    _check_untraced([strange, *kept[len(others) :]])
    assert _events(store, ids=_ids(kept)) == kept
    assert _events(store, contacts=[_GONE.contact]) == _events(store, destinations=[_GONE.destination]) == []
    assert _rows(store.touches()) == _rows(Touches.of(kept))
    assert _GONE.contact not in {message.contact for message in store.waiting(AT, limit=99).values()}


def _left(found: Sequence[Event], theirs: Sequence[Event]) -> str | None:
    """Look at what is left of one person's events, and give their other id."""
    assert [type(event) for event in found] == [type(event) for event in theirs]
    ratings = [[event.response.rating for event in each if isinstance(event, Responded)] for each in (found, theirs)]
    assert ratings[0] == ratings[1]
    answers = {event.response.id for event in found if isinstance(event, Responded)}
    assert answers >= {event.response for event in found if isinstance(event, Coded)}, "codes have lost their answer"
    apart = [[event for event in each if isinstance(event, OptedOut | OptedIn)] for each in (found, theirs)]
    assert [event.destination for event in apart[0]] == [event.destination for event in apart[1]]
    owners = {whose(event) for event in found if not isinstance(event, OptedOut | OptedIn | Coded)}
    assert len(owners) == 1
    assert not owners & {event.contact for event in apart[0]}, "opt-outs lead to what else the person did"
    return owners.pop()


def _check_untraced(events: Sequence[Event]) -> None:
    """No id, nothing personal and no hash that anybody can make names those who are gone."""
    text = "\n".join([*written(events), *_ids(events)])
    held = [key for event in events for key, value in to_dict(event).items() if _TRACE in str(value)]
    assert _TRACE not in text, f"a forgotten id is left in {held}"
    assert _GONE.destination not in [destination(event) for event in events]
    assert not [event for event in events if isinstance(event, Scheduled) and event.message.snapshot]
    plain = [hashlib.new(name, _GONE.contact.encode()).hexdigest()[:12] for name in ("sha1", "sha256", "blake2b")]
    assert not [each for each in plain if each in text], "an id is a hash that anybody can make"


def _check_late(store: Store, person: Person) -> None:
    """What is appended for somebody who was forgotten is skipped, but for opting out; others may name them still."""
    late = [event for event in person.events() if not isinstance(event, OptedOut)]
    bounce = Bounced(contact="bob", destination=9, at=person.at, message=person.message().id)
    assert list(store.append([*late, bounce])) == [bounce]
    assert list(store.append([person.opted_out()])) == [person.opted_out()]
    assert list(store.append([bounce, person.opted_out()])) == []
    assert person.opted_out().at in [event.at for event in _events(store) if isinstance(event, OptedOut)]
