"""What every store must do: a test for each sentence of the port, and a comparison with the store in memory."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from threading import Thread
from typing import Any, ClassVar, TypeAlias
from urllib.parse import unquote

import attrs
import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from netpromoter.errors import Conflict, StoreClosed
from netpromoter.model import (
    Bounced,
    CaseAlerted,
    CaseMoved,
    CaseNoted,
    CaseOpened,
    Coded,
    Deadline,
    Declined,
    Entry,
    Event,
    Failed,
    FollowUpDecided,
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
    Triggered,
    WaveDrawn,
    Withheld,
    message_id,
    to_dict,
)
from netpromoter.plugins import Store
from netpromoter.stores import MemoryStore

__all__ = ["StoreContract"]

Reopen: TypeAlias = Callable[[], Store]

_AT = datetime(2026, 6, 1, 8, tzinfo=UTC)
_HOUR = timedelta(hours=1)


def _message(contact: str = "ann", *, step: int = 0, attempt: int = 0, due: datetime = _AT) -> Message:
    return Message(
        survey="relationship",
        occasion="2026/autumn",
        contact=contact,
        step=step,
        attempt=attempt,
        channel="email",
        to=f"{contact}@example.com",
        destination=7,
        due=due,
        snapshot={"plan": f"plan of {contact}", "since": _AT},
    )


def _scheduled(contact: str = "ann", **more: Any) -> Scheduled:
    return Scheduled(message=_message(contact, **more), at=_AT)


def _opted_out(contact: str, hours: int = 0) -> OptedOut:
    return OptedOut(contact=contact, at=_AT + hours * _HOUR, destination=(1 << 64) - 1)


def _answer(contact: str = "ann") -> Responded:
    return Responded(
        response=Response(
            survey="relationship",
            occasion="2026/autumn",
            contact=contact,
            rating=9,
            at=_AT + _HOUR,
            comment=f"comment of {contact}: \ud83d \x00 é",
            drivers={"price": 3, "other": f"words of {contact}"},
            snapshot={"plan": f"plan of {contact}"},
        )
    )


def _one_of_each(contact: str = "ann") -> list[Event]:
    """Give an event of every class, which speak of one another."""
    wave: dict[str, Any] = {"survey": "relationship", "occasion": "2026/autumn"}
    drawn = WaveDrawn(**wave, stratum="all", population=5, eligible=4, drawn=3, probability=0.1 + 0.2, seed="", at=_AT)
    trigger = Triggered(event="case-7", touchpoint="case closed", contact=contact, at=_AT, snapshot={"calls": 2})
    return [drawn, trigger, *_all_that_is_sent(contact), *_all_that_is_told(contact, wave | {"contact": contact})]


def _all_that_is_sent(contact: str) -> list[Event]:
    message, again, reminder = _message(contact), _message(contact, attempt=1), _message(contact, step=1)
    later = _AT + _HOUR
    return [
        Scheduled(message=message, at=_AT),
        Sending(message=message.id, worker="w-1", at=_AT, until=later),
        Failed(message=message.id, at=later, reason=f"no mailbox {message.to}", permanent=True),
        Scheduled(message=again, at=later),
        Sent(message=again.id, at=later, reference="<1@example.com>"),
        Scheduled(message=reminder, at=later),
        Withheld(message=reminder.id, at=later, reason="opted out"),
        Settled(message=_message(contact, step=2).id, at=later, delivered=False),
    ]


def _all_that_is_told(contact: str, place: dict[str, Any]) -> list[Event]:
    answer, message, later = _answer(contact), _message(contact), _AT + _HOUR
    return [
        Shown(**place, at=later, channel="web"),
        answer,
        Declined(**place, at=later),
        _opted_out(contact),
        OptedIn(contact=contact, at=later, destination=5),
        Bounced(contact=contact, destination=7, at=later, channel="email", message=message.id, reason="full"),
        Coded(response=answer.response.id, code="billing", coder="bot", at=later),
        *_all_that_follows(answer.response),
    ]


def _all_that_follows(answer: Response) -> list[Event]:
    place: dict[str, Any] = {
        "survey": answer.survey,
        "occasion": answer.occasion,
        "contact": answer.contact,
        "policy": "call/back",
    }
    later, deadline = _AT + _HOUR, Deadline(promise="attempt", due=_AT + 2 * _HOUR, notice=_AT + _HOUR)
    opened = CaseOpened(**place, rating=answer.rating, owner="bea", priority=1.5, deadlines=(deadline,), at=_AT)
    moved: dict[str, Any] = {"case": opened.case, "by": "bea", "at": later}
    return [
        FollowUpDecided(response=answer.id, policy="call/back", decision="selected", reason="rating is 2", at=_AT),
        opened,
        CaseAlerted(case=opened.case, promise="attempt", alert="due", at=later),
        CaseMoved(**moved, number=0, to="contacted", root_cause="billing", note="wants a call on Monday"),
        CaseMoved(**moved, number=1, to="resolved", resolution="recovered"),
        CaseNoted(**moved, note="called"),
    ]


def _positions(store: Store, **filters: Any) -> list[int]:
    return [entry.position for entry in store.entries(**filters)]


def _events(store: Store, **filters: Any) -> list[Event]:
    return [entry.event for entry in store.entries(**filters)]


def _ids(events: Sequence[Event]) -> list[str]:
    return [event.id for event in events]


def _rows(touches: Touches) -> list[dict[str, Any]]:
    return list(touches.rows())


def _together(*jobs: Callable[[], object]) -> None:
    """Do several things at once, each in a thread, and raise what one of them raises."""
    wrong: list[BaseException] = []

    def guarded(job: Callable[[], object]) -> None:
        try:
            job()
        except BaseException as error:  # noqa: BLE001 -- it is raised where the test sees it
            wrong.append(error)

    threads = [Thread(target=guarded, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if wrong:
        raise wrong[0]


class StoreContract:
    """A test for each sentence of `netpromoter.plugins.Store`; inherit from it and give a fixture `store`.

    The fixture gives a new, empty store for each test. A store that outlives the process has another fixture `reopen`:
    a function that opens once more what the store of this test was opened on. With it the contract also looks at what
    is durable, and at two who use one log at once.

    Attributes
    ----------
    examples, steps : int
        How many random histories are compared with those of `netpromoter.stores.MemoryStore`, and how long each is.

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

    @pytest.fixture
    def reopen(self) -> Reopen | None:
        """Open once more what the store of this test was opened on; None if that cannot be done."""
        return None

    def test_01_append(self, store: Store, reopen: Reopen | None) -> None:
        """`append` is all or nothing, and durable before it returns."""
        wrong: Any = object()
        with suppress(Exception):
            store.append([_scheduled("ann"), _scheduled("bob"), wrong])
        assert _events(store) == []
        store.append([_scheduled("ann"), _scheduled("bob")])
        again = store if reopen is None else reopen()
        assert len(_events(again)) == 2

    def test_02_known_ids(self, store: Store) -> None:
        """An event whose id is in the log already is skipped; `append` gives those that were new, in their order."""
        first, second, third = (_scheduled(contact) for contact in ("ann", "bob", "cem"))
        assert list(store.append([second, first])) == [second, first]
        later = attrs.evolve(first, at=_AT + _HOUR)
        assert list(store.append([third, later, third, second])) == [third]
        assert list(store.append([first, second, third])) == []
        assert len(_events(store)) == 3

    def test_03_expecting(self, store: Store) -> None:
        """With `expecting`, a mapping of contacts and destinations to positions, `append` raises
        `netpromoter.errors.Conflict` and writes nothing if the log holds an event of such a contact after its position,
        or of whoever shares such a destination.
        """
        message = _message("ann")
        store.append([_scheduled("ann"), _scheduled("bob")])
        (seen,) = _positions(store, ids=[_scheduled("ann").id])
        store.append([_opted_out("ann")], expecting={"ann": seen, "cem": 0})
        for late in (_opted_out("ann", 1), Sent(message=message.id, at=_AT), _answer("ann")):
            with pytest.raises(Conflict):
                store.append([_scheduled("cem"), _opted_out("ann", 2)], expecting={"bob": 10**9, "ann": seen})
            seen = max(_positions(store))
            store.append([late], expecting={"ann": seen})
        assert not {_scheduled("cem").id, _opted_out("ann", 2).id} & set(_ids(_events(store)))
        seen = max(_positions(store))
        store.append([Sent(message=_message("bob").id, at=_AT)], expecting={7: seen, 8: 0, 0: 0})
        for place in (7, _opted_out("ann").destination):
            with pytest.raises(Conflict):
                store.append([_opted_out("dee")], expecting={place: seen - (place != 7)})
        assert store.append([_opted_out("dee")], expecting={7: seen + 1, 8: 0})

    def test_04_positions(self, store: Store) -> None:
        """Positions rise, and a reader who has seen position n has seen every entry before it: none turns up later."""
        writers, turns, seen = 4, 15, [0]
        left = list(range(writers))

        def write(writer: int) -> None:
            try:
                for turn in range(turns):
                    store.append([_opted_out(f"{writer}-{turn}-{place}") for place in range(2)])
            finally:
                left.remove(writer)

        def read() -> None:
            while True:
                is_last = not left
                seen.extend(_positions(store, after=seen[-1]))
                if is_last:
                    return

        _together(read, *(partial(write, writer) for writer in range(writers)))
        assert seen == sorted(set(seen))
        assert seen[1:] == _positions(store)
        assert len(seen) == 1 + writers * turns * 2

    def test_05_entries(self, store: Store) -> None:
        """`entries` gives what was appended, equal to it, in the order of positions; each filter leaves out what it
        does not name, and filters combine.
        """
        given = [*_one_of_each("ann"), *_one_of_each("a/b%2F \ud83d\x00")[1:]]
        for event in given:
            store.append([event])
        found = list(store.entries())
        assert [entry.event for entry in found] == given
        assert [entry.position for entry in found] == sorted({entry.position for entry in found})
        chosen = _Chosen(found)
        chosen.check(store, contacts=["ann", "nobody"])
        chosen.check(store, contacts=[])
        chosen.check(store, destinations=[5, 0])
        chosen.check(store, destinations=[(1 << 64) - 1, 3])
        chosen.check(store, destinations=[0])
        chosen.check(store, destinations=[])
        chosen.check(store, contacts=["ann"], destinations=[7], kinds=[Sent])
        chosen.check(store, ids=[given[5].id, given[2].id, "nothing"])
        chosen.check(store, kinds=[Scheduled, Failed, OptedOut])
        chosen.check(store, after=found[4].position)
        chosen.check(store, contacts=["ann"], kinds=[Scheduled, Sent], after=found[3].position)
        chosen.check(store, contacts=["a/b%2F \ud83d\x00"], ids=_ids(given[2:20]), kinds=[Sending, Scheduled])

    def test_06_touches(self, store: Store) -> None:
        """`touches` is the fold of `entries`, of the same contacts and after the same position."""
        store.append([*_one_of_each("ann"), *_one_of_each("bob")])
        middle = _positions(store)[6]
        filters: list[dict[str, Any]] = [{}, {"contacts": ["bob"]}, {"after": middle}, {"contacts": []}]
        for each in [*filters, {"contacts": ["ann", "nobody"], "after": middle}]:
            assert _rows(store.touches(**each)) == _rows(Touches.of(_events(store, **each)))

    def test_07_waiting(self, store: Store) -> None:
        """`waiting` gives the messages that are due, that were adopted and neither taken nor withheld, the earliest
        first, `limit` at most, each by the position of its adoption; none of a person who was forgotten.
        """
        dues = {"ann": 3, "bob": 1, "cem": 2, "dee": 5, "eva": 0, "fay": 0, "gus": 0}
        store.append([_scheduled(name, due=_AT + hours * _HOUR) for name, hours in dues.items()])
        taken, withheld = _message("eva").id, _message("fay").id
        store.append([Sending(message=taken, worker="w-1", at=_AT, until=_AT), _withheld(withheld)])
        store.forget("gus")
        due = _AT + 3 * _HOUR
        assert [message.contact for message in store.waiting(due, limit=9).values()] == ["bob", "cem", "ann"]
        first = {name: _scheduled(name, due=_AT + dues[name] * _HOUR) for name in ("bob", "cem")}
        places = [_positions(store, ids=[event.id])[0] for event in first.values()]
        found = store.waiting(due, limit=2)
        assert list(found.items()) == list(zip(places, (event.message for event in first.values()), strict=True))
        early = store.waiting(due - timedelta(microseconds=1), limit=9)
        assert [message.contact for message in early.values()] == ["bob", "cem"]

    def test_08_claims(self, store: Store) -> None:
        """`claims` gives the messages that were taken and have no outcome, with the last intent of each; none of a
        person who was forgotten.
        """
        names = ["ann", "bob", "cem", "dee", "eva", "gus", "fay"]
        store.append([_scheduled(name) for name in names])
        ids = {name: _message(name).id for name in names}
        intents = {name: Sending(message=ids[name], worker=name, at=_AT, until=_AT + _HOUR) for name in names[:6]}
        store.append(list(intents.values()))
        last = attrs.evolve(intents["ann"], worker="another", turn=1)
        store.append([Sent(message=ids["bob"], at=_AT), Settled(message=ids["cem"], at=_AT, delivered=False), last])
        store.append([Failed(message=ids["dee"], at=_AT, reason="full", permanent=False)])
        store.forget("gus")
        found = {claim.message.contact: claim for claim in store.claims()}
        assert found.keys() == {"ann", "eva"}
        assert found["ann"].intent == last
        assert (found["eva"].message, found["eva"].intent) == (_message("eva"), intents["eva"])

    def test_09_exclusive(self, store: Store, reopen: Reopen | None) -> None:
        """While one holds `exclusive`, nobody else appends; what is appended within becomes durable at its end, all or
        nothing, and is read back within.
        """
        order: list[str] = []
        other = store if reopen is None else reopen()

        def intrude() -> None:
            other.append([_opted_out("bob")])
            order.append("bob")

        thread = Thread(target=intrude)
        with store.exclusive():
            thread.start()
            store.append([_opted_out("ann")])
            thread.join(0.2)
            store.append([_opted_out("ann", 1)])
            assert len(_events(store, contacts=["ann"])) == 2
            order.append("ann")
        thread.join()
        assert order == ["ann", "bob"]
        with suppress(ZeroDivisionError), store.exclusive():
            store.append([_opted_out("cem")])
            raise ZeroDivisionError
        assert len(_events(other)) == 3
        assert len(store.append([_opted_out("cem")])) == 1

    def test_10_cursors(self, store: Store) -> None:
        """`cursor` gives what `move_cursor` last set for a name, 0 at first."""
        assert store.cursor("crm") == 0
        store.move_cursor("crm", 7)
        store.move_cursor("a/b \ud83d", 1 << 40)
        assert [store.cursor(name) for name in ("crm", "a/b \ud83d", "CRM")] == [7, 1 << 40, 0]
        store.move_cursor("crm", 3)
        assert store.cursor("crm") == 3

    def test_11_forget(self, store: Store) -> None:
        """`forget` deletes the id, the addresses, the comments and the snapshots of a person everywhere, and leaves the
        ratings: the log then knows them by another id that nobody can trace. An event that is appended for the
        forgotten id later is skipped, but for an opt-out; `forgotten` knows the ids by their keyed hashes alone.
        """
        theirs, others = _one_of_each("ann-forgotten-soon"), _one_of_each("bob")[1:]
        strange = Bounced(contact="bob", destination=9, at=_AT, message=theirs[2].message.id)  # type: ignore[union-attr]
        store.append([*theirs, *others, strange, _scheduled("ann-forgotten-soon", step=9)])
        assert store.forgotten(["ann-forgotten-soon", "bob"]) == set()
        found = store.forget("ann-forgotten-soon")
        assert (found.events, found.addresses, found.comments) == (len(theirs) - 1, 1, 1)
        _check_forgotten(store, theirs, others)
        assert store.forgotten(["ann-forgotten-soon", "bob"]) == {"ann-forgotten-soon"}
        late = [event for event in _one_of_each("ann-forgotten-soon")[1:] if not isinstance(event, OptedOut)]
        assert list(store.append([*late, _opted_out("bob", 5)])) == [_opted_out("bob", 5)]
        assert list(store.append([_opted_out("ann-forgotten-soon", 3)])) == [_opted_out("ann-forgotten-soon", 3)]
        assert list(store.append([_opted_out("ann-forgotten-soon", 3)])) == []
        _check_forgotten(store, theirs, others)

    def test_12_sharing(self, store: Store, reopen: Reopen | None) -> None:
        """Several threads may use one store, and several processes may open what one URL names."""
        events = [_opted_out(f"c-{number}") for number in range(20)]
        stores = [store, store] if reopen is None else [store, store, reopen(), reopen()]
        added: list[str] = []

        def write(each: Store) -> None:
            for start in range(0, len(events), 4):
                added.extend(_ids(each.append(events[start : start + 4])))
                each.move_cursor("reader", each.cursor("reader"))

        _together(*(partial(write, each) for each in stores))
        assert sorted(added) == sorted(_ids(events))

    def test_13_closed(self, store: Store) -> None:
        """After `close`, everything raises `netpromoter.errors.StoreClosed`."""
        store.append([_scheduled("ann")])
        store.close()
        uses: list[Callable[[], object]] = [
            lambda: store.append([_scheduled("bob")]),
            lambda: store.append([]),
            lambda: list(store.entries()),
            store.touches,
            lambda: store.waiting(_AT, limit=1),
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

    def test_it_does_what_the_memory_store_does(self, store: Store) -> None:
        """Whatever is appended, forgotten and read, in any order, the store gives what `MemoryStore` gives."""
        chosen = settings(
            max_examples=self.examples,
            stateful_step_count=self.steps,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        histories: Any = partial(_Machine, store, count(), [0])
        run_state_machine_as_test(histories, settings=chosen)


def _withheld(message: str) -> Withheld:
    return Withheld(message=message, at=_AT, reason="opted out")


def _check_forgotten(store: Store, theirs: Sequence[Event], others: Sequence[Event]) -> None:
    """Look for somebody in everything that a store gives, and for what should be left of them."""
    kept = _events(store)
    written = json.dumps([to_dict(event) for event in kept]) + "".join(_ids(kept))
    assert "ann-forgotten-soon" not in written
    assert "plan of ann" not in written
    assert _events(store, ids=_ids(kept)) == kept
    assert kept[len(theirs) : len(theirs) + len(others)] == list(others)
    assert [event.response.rating for event in kept if isinstance(event, Responded)] == [9, 9]
    assert [type(event) for event in kept[: len(theirs)]] == [type(event) for event in theirs]
    assert _opted_out("ann").destination in [event.destination for event in kept if isinstance(event, OptedOut)]
    assert _events(store, contacts=["ann-forgotten-soon"]) == []
    touched = store.touches()
    assert "ann-forgotten-soon" not in touched.contacts
    assert 9 in touched.rating[np.isin(touched.contact, [touched.contacts.index("bob")], invert=True)]
    assert "ann-forgotten-soon" not in [message.contact for message in store.waiting(_AT, limit=99).values()]


@attrs.frozen
class _Chosen:
    """The entries of a log, from which filters choose as slowly as one can read."""

    log: Sequence[Entry]

    def check(self, store: Store, *, destinations: Sequence[int] | None = None, **filters: Any) -> None:
        named: Any = {} if destinations is None else {"destinations": destinations}
        found = [entry for entry in self.log if _passes(entry, **filters)]
        if destinations is not None:
            sharing = {_whose(entry.event) for entry in self.log if _destination(entry.event) in {*destinations} - {0}}
            found = [entry for entry in found if _whose(entry.event) in sharing]
        assert list(store.entries(**filters, **named)) == found


def _passes(
    entry: Entry,
    *,
    contacts: Sequence[str] | None = None,
    ids: Sequence[str] | None = None,
    kinds: Sequence[type] | None = None,
    after: int | None = None,
) -> bool:
    named = contacts is None or _whose(entry.event) in contacts
    known = ids is None or entry.event.id in ids
    return named and known and (kinds is None or type(entry.event) in kinds) and entry.position > (after or 0)


def _inner(event: Event) -> Any:
    return event.message if isinstance(event, Scheduled) else event.response if isinstance(event, Responded) else event


def _destination(event: Event) -> int:
    """Give the destination that an event names, as the last paragraph of the port has it."""
    found: int = getattr(_inner(event), "destination", 0)
    return found


def _whose(event: Event) -> str | None:
    """Give the contact of an event, as the last paragraph of the port has it."""
    if isinstance(event, WaveDrawn | Coded):
        return None
    contact: str | None = getattr(_inner(event), "contact", None)
    about = (getattr(event, name, None) for name in ("message", "response", "case"))
    return contact or unquote(next(filter(None, about)).split("/")[2], errors="surrogatepass")


# -- random histories --------------------------------------------------------------------------------------------------

_CONTACTS = ("ann", "bob", "cem")
_WHEN = st.integers(0, 6).map(lambda hours: _AT + hours * _HOUR)
#: What a store may delete of somebody who was forgotten, or tell in its own words.
_PERSONAL = {"to", "destination", "comment", "snapshot", "subject", "locale", "time_zone", "reason", "reference"}
_PERSONAL |= {"drivers", "contact", "note"}


@st.composite
def _histories(draw: st.DrawFn) -> list[Callable[[str], Event]]:
    """Draw events that speak of few people and few messages, each to be made with a prefix for all names."""
    return draw(st.lists(st.sampled_from(_MAKERS).flatmap(lambda maker: maker), max_size=6))


def _made(kind: Any, *, whose: Any = None, **fields: Any) -> st.SearchStrategy[Callable[[str], Event]]:
    """Draw makers of events of a class; `whose` turns a prefix and a name into more fields."""
    drawn = st.fixed_dictionaries(fields | {"at": _WHEN})
    names = st.tuples(st.sampled_from(_CONTACTS), st.integers(0, 1), st.integers(0, 1), st.sampled_from("xy"))
    return st.builds(lambda held, name: lambda prefix: kind(**held, **(whose or _contact)(prefix, *name)), drawn, names)


def _contact(prefix: str, name: str, *_: object) -> dict[str, Any]:
    return {"contact": f"{prefix}-{name}"}


def _place(prefix: str, number: int) -> int:
    """Give a destination that no other history has."""
    return number and 10 * int(prefix.removeprefix("h")) + number


def _choosing(prefix: str, name: str, step: int, attempt: int, _occasion: str) -> dict[str, Any]:
    return {"contact": f"{prefix}-{name}", "destination": _place(prefix, step + attempt)}


def _asked(prefix: str, name: str, _step: int, _attempt: int, occasion: str) -> dict[str, Any]:
    return {"survey": f"{prefix}-survey", "occasion": occasion, "contact": f"{prefix}-{name}"}


def _about(prefix: str, name: str, step: int, attempt: int, occasion: str) -> dict[str, Any]:
    return {"message": message_id(f"{prefix}-survey", occasion, f"{prefix}-{name}", step, attempt)}


def _whole(prefix: str, name: str, step: int, attempt: int, occasion: str) -> dict[str, Any]:
    asked = _asked(prefix, name, step, attempt, occasion)
    due = _AT + (step + attempt) * _HOUR
    sent: dict[str, Any] = {
        "to": f"{prefix}-{name}@example.com",
        "destination": _place(prefix, step + attempt),
        "channel": "email",
        "snapshot": {"plan": name},
    }
    return {"message": Message(**asked, **sent, step=step, attempt=attempt, due=due)}


def _given(prefix: str, name: str, step: int, attempt: int, occasion: str) -> dict[str, Any]:
    asked = _asked(prefix, name, step, attempt, occasion)
    words: dict[str, Any] = {"comment": f"of {name}", "drivers": {"price": step, "why": name}}
    return {"response": Response(**asked, **words, rating=attempt, ordinal=step, at=_AT)}


def _coded(prefix: str, *name: Any) -> dict[str, Any]:
    return {"response": _given(prefix, *name)["response"].id}


def _opened(prefix: str, name: str, step: int, _attempt: int, occasion: str) -> dict[str, Any]:
    return _asked(prefix, name, step, 0, occasion) | {"policy": "recover"}


def _of_case(prefix: str, *name: Any) -> dict[str, Any]:
    return {"case": CaseOpened(**_opened(prefix, *name), rating=2, at=_AT).case}


def _bounced(prefix: str, *name: Any) -> dict[str, Any]:
    return _choosing(prefix, *name) | _about(prefix, *name)


_MAKERS = [
    _made(Scheduled, whose=_whole),
    _made(Scheduled, whose=_whole),
    _made(Sending, whose=_about, worker=st.just("w"), until=_WHEN, turn=st.integers(0, 2)),
    _made(Sent, whose=_about),
    _made(Failed, whose=_about, reason=st.just("no"), permanent=st.booleans()),
    _made(Withheld, whose=_about, reason=st.just("no")),
    _made(Settled, whose=_about, delivered=st.booleans()),
    _made(Shown, whose=_asked),
    _made(Declined, whose=_asked),
    _made(Responded, whose=_given),
    _made(OptedOut, whose=_choosing, reminders_only=st.booleans()),
    _made(OptedIn, whose=_choosing),
    _made(Bounced, whose=_bounced),
    _made(Triggered, event=st.just("case"), touchpoint=st.sampled_from("xy")),
    _made(Coded, whose=_coded, code=st.sampled_from("xy"), coder=st.just("ann")),
    _made(FollowUpDecided, whose=_coded, policy=st.just("p"), decision=st.just("held out"), reason=st.just("drawn")),
    _made(CaseOpened, whose=_opened, rating=st.integers(0, 10), owner=st.none() | st.just("bea")),
    _made(CaseMoved, whose=_of_case, number=st.integers(0, 2), to=st.just("attempted"), by=st.just("bea")),
    _made(CaseNoted, whose=_of_case, note=st.sampled_from("xy"), by=st.just("bea")),
    _made(CaseAlerted, whose=_of_case, promise=st.just("close"), alert=st.sampled_from(["due", "overdue"])),
]


class _Machine(RuleBasedStateMachine):
    """One history, told to a store and to the memory store; names begin with the number of the history."""

    def __init__(self, store: Store, numbers: Iterator[int], seen: list[int]) -> None:
        super().__init__()
        self.store, self.model = store, MemoryStore()
        self.prefix = f"h{next(numbers)}"
        self.known = {f"{self.prefix}-{name}" for name in _CONTACTS}
        seen.extend(_positions(store, after=seen[-1])[-1:])
        self.start = seen[-1]

    def positions(self) -> list[int]:
        """Give the positions of this history, the first for position 0 of the model."""
        return [self.start, *_positions(self.store, after=self.start)]

    @rule(makers=_histories())
    def append(self, makers: list[Callable[[str], Event]]) -> None:
        """Append."""
        events = [maker(self.prefix) for maker in makers]
        assert list(self.store.append(events)) == list(self.model.append(events))

    @rule(makers=_histories(), name=st.sampled_from((*_CONTACTS, 0, 1, 2)), place=st.floats(0, 1))
    def append_expecting(self, makers: list[Callable[[str], Event]], name: str | int, place: float) -> None:
        """Append, and expect to have seen somebody, or those at a destination, at a position."""
        events = [maker(self.prefix) for maker in makers]
        positions = self.positions()
        seen = round(place * (len(positions) - 1))
        who = _place(self.prefix, name) if isinstance(name, int) else f"{self.prefix}-{name}"
        found = _tried(self.store.append, events, expecting={who: positions[seen]})
        assert found == _tried(self.model.append, events, expecting={who: seen})

    @rule(first=_histories(), second=_histories(), fails=st.booleans())
    def append_exclusively(self, first: Any, second: Any, fails: bool) -> None:  # noqa: FBT001 -- hypothesis names it
        """Append twice with nobody between, or not at all."""
        for store, start in ((self.store, self.start), (self.model, 0)):
            with suppress(ZeroDivisionError), store.exclusive():
                store.append([maker(self.prefix) for maker in first])
                store.append([maker(self.prefix) for maker in second])
                assert len(_events(store, kinds=[Sent], after=start)) <= len(_events(store, after=start))
                _ = 1 / (not fails)

    @rule(name=st.sampled_from(_CONTACTS))
    def forget(self, name: str) -> None:
        """Forget somebody."""
        contact = f"{self.prefix}-{name}"
        assert self.store.forget(contact) == self.model.forget(contact)
        assert self.store.forgotten([contact]) == {contact}

    @rule(name=st.sampled_from("xy"), position=st.integers(0, 99))
    def move_cursor(self, name: str, position: int) -> None:
        """Move a cursor."""
        for store in (self.store, self.model):
            store.move_cursor(f"{self.prefix}-{name}", position)

    @rule(
        kinds=st.none() | st.lists(st.sampled_from([Scheduled, Failed, OptedOut, Coded]), max_size=2),
        names=st.none() | st.lists(st.sampled_from(_CONTACTS), max_size=2),
        places=st.none() | st.lists(st.integers(0, 2), max_size=2),
        place=st.floats(0, 1),
    )
    def filter(self, kinds: Any, names: Any, places: Any, place: float) -> None:
        """Read some of the log."""
        positions = self.positions()
        seen = round(place * (len(positions) - 1))
        filters: dict[str, Any] = {
            "contacts": names and [f"{self.prefix}-{name}" for name in names],
            "destinations": places and [_place(self.prefix, each) for each in places],
            "kinds": kinds,
        }
        found = list(self.store.entries(**filters, after=positions[seen]))
        expected = list(self.model.entries(**filters, after=seen))
        assert [self.told(entry.event) for entry in found] == [self.told(entry.event) for entry in expected]
        assert list(self.store.entries(ids=[entry.event.id for entry in found])) == found

    @rule(names=st.none() | st.lists(st.sampled_from(_CONTACTS), max_size=2), place=st.floats(0, 1))
    def touch(self, names: Any, place: float) -> None:
        """Fold some of the log."""
        positions = self.positions()
        after = positions[round(place * (len(positions) - 1))]
        contacts = names and [f"{self.prefix}-{name}" for name in names]
        expected = Touches.of(_events(self.store, contacts=contacts, after=after))
        assert _rows(self.store.touches(contacts=contacts, after=after)) == _rows(expected)

    @invariant()
    def same(self) -> None:
        """Compare what both say."""
        mine, theirs = (_events(each, after=start) for each, start in ((self.store, self.start), (self.model, 0)))
        assert [self.told(event) for event in mine] == [self.told(event) for event in theirs]
        for name in "xy":
            assert self.store.cursor(f"{self.prefix}-{name}") == self.model.cursor(f"{self.prefix}-{name}")
        assert self.store.forgotten(self.known) == self.model.forgotten(self.known)

    @rule(hours=st.integers(-1, 3))
    def wait(self, hours: int) -> None:
        """Ask for what is due, and for what was taken."""
        at = _AT + hours * _HOUR
        found, expected = (
            {
                message.id: message.due
                for message in store.waiting(at, limit=10**6).values()
                if message.contact in self.known
            }
            for store in (self.store, self.model)
        )
        assert found == expected
        assert list(found.values()) == sorted(found.values())
        assert len(self.store.waiting(at, limit=1)) <= 1
        assert self.claimed(self.store) == self.claimed(self.model)

    def claimed(self, store: Store) -> list[Any]:
        """Give what was taken in this history, in some order."""
        found = [(claim.message.id, claim.intent.id) for claim in store.claims() if claim.message.contact in self.known]
        return sorted(found)

    def told(self, event: Event) -> dict[str, Any]:
        """Give an event as a dict: of somebody who was forgotten, what every store must leave."""
        data, owner = to_dict(event), _whose(event)
        inner: dict[str, Any] = {}
        for name in ("message", "response", "case"):
            if isinstance(data.get(name), str):
                data[name] = self.reference(data[name])
            elif isinstance(data.get(name), dict) and owner not in self.known:
                inner = data.pop(name)
        is_known = owner is None or owner in self.known
        return data if is_known else {key: value for key, value in (inner | data).items() if key not in _PERSONAL}

    def reference(self, identity: str) -> list[str]:
        """Give the parts of an id, without the contact if it is another since somebody was forgotten."""
        parts = identity.split("/")
        return [part for place, part in enumerate(parts) if place != 2 or unquote(part) in self.known]

    def teardown(self) -> None:
        """Leave nothing that waits for the histories after this one."""
        waiting = self.store.waiting(_AT + 99 * _HOUR, limit=10**6)
        self.store.append([_withheld(message.id) for message in waiting.values()])
        self.store.append([_withheld(claim.message.id) for claim in self.store.claims()])


def _tried(append: Callable[..., Sequence[Event]], events: Sequence[Event], **options: Any) -> list[Event] | str:
    try:
        return list(append(events, **options))
    except Conflict:
        return "conflict"
