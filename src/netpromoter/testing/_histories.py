"""Random histories, told to a store and to the store in memory, which must give the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from itertools import count
from typing import Any
from urllib.parse import unquote

import attrs
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from netpromoter.errors import Conflict
from netpromoter.model import (
    Bounced,
    CaseAlerted,
    CaseMoved,
    CaseNoted,
    CaseOpened,
    Coded,
    Declined,
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
    Withheld,
    message_id,
    to_dict,
)
from netpromoter.plugins import Store
from netpromoter.stores import MemoryStore

from ._events import AT, HOUR, whose

__all__ = ["compare"]

_SHORT = 2
_CONTACTS = ("ann", "bob", "cem")
_WHEN = st.integers(0, 6).map(lambda hours: AT + hours * HOUR)
#: What a store may delete of somebody who was forgotten, or tell in its own words.
_PERSONAL = {"to", "destination", "comment", "snapshot", "subject", "locale", "time_zone", "reason", "reference"}
_PERSONAL |= {"drivers", "contact", "note"}


def compare(store: Store, *, examples: int, steps: int, derandomize: bool) -> None:
    """Tell random histories to a store and to one in memory: of two steps first, so that few events tell what differs.

    The log grows by each, so that looking for a simpler one would take minutes where those that fail are long.
    """
    histories: Any = partial(_Machine, store, count(), [0])
    for length in sorted({min(steps, short) for short in (_SHORT, 8, steps)}):
        chosen = settings(
            max_examples=examples * steps // length,
            stateful_step_count=length,
            phases=[Phase.generate, Phase.shrink] if length == _SHORT else [Phase.generate],
            derandomize=derandomize,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        run_state_machine_as_test(histories, settings=chosen)


@attrs.frozen
class _Maker:
    """An event in want of a prefix, which all names in it get."""

    kind: Callable[..., Event]
    whose: Callable[..., dict[str, Any]]
    held: dict[str, Any]
    name: tuple[str, int, int, str]

    def __call__(self, prefix: str) -> Event:
        return self.kind(**self.held, **self.whose(prefix, *self.name))

    def _repr_pretty_(self, printer: Any, _cycle: Any) -> None:
        printer.text(repr(self("h0")))


def _contact(prefix: str, name: str, *_: object) -> dict[str, Any]:
    return {"contact": f"{prefix}-{name}"}


@st.composite
def _histories(draw: st.DrawFn) -> list[_Maker]:
    """Draw events that speak of few people and few messages."""
    return draw(st.lists(st.sampled_from(_MAKERS).flatmap(lambda maker: maker), max_size=6))


def _made(kind: Any, *, whose: Any = _contact, **fields: Any) -> st.SearchStrategy[_Maker]:
    """Draw events of a class; `whose` turns a prefix and a name into more fields."""
    drawn = st.fixed_dictionaries(fields | {"at": _WHEN})
    names = st.tuples(st.sampled_from(_CONTACTS), st.integers(0, 1), st.integers(0, 1), st.sampled_from("xy"))
    return _maker(kind, whose, drawn, names)


@st.composite
def _maker(draw: st.DrawFn, kind: Any, whose: Any, held: Any, name: Any) -> _Maker:
    """Draw one; what is drawn by a function of its own is shown as it shows itself."""
    return _Maker(kind, whose, draw(held), draw(name))


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
    due = AT + (step + attempt) * HOUR
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
    words["destination"] = _place(prefix, step + attempt)
    return {"response": Response(**asked, **words, rating=attempt, ordinal=step, at=AT)}


def _coded(prefix: str, *name: Any) -> dict[str, Any]:
    return {"response": _given(prefix, *name)["response"].id}


def _opened(prefix: str, name: str, step: int, _attempt: int, occasion: str) -> dict[str, Any]:
    return _asked(prefix, name, step, 0, occasion) | {"policy": "recover"}


def _of_case(prefix: str, *name: Any) -> dict[str, Any]:
    return {"case": CaseOpened(**_opened(prefix, *name), rating=2, at=AT).case}


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


def _positions(store: Store, **filters: Any) -> list[int]:
    return [entry.position for entry in store.entries(**filters)]


def _events(store: Store, **filters: Any) -> list[Event]:
    return [entry.event for entry in store.entries(**filters)]


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
    def append(self, makers: list[_Maker]) -> None:
        """Append."""
        events = [maker(self.prefix) for maker in makers]
        assert list(self.store.append(events)) == list(self.model.append(events))

    @rule(makers=_histories(), name=st.sampled_from((*_CONTACTS, 0, 1, 2)), place=st.floats(0, 1))
    def append_expecting(self, makers: list[_Maker], name: str | int, place: float) -> None:
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
        assert list(self.store.touches(contacts=contacts, after=after).rows()) == list(expected.rows())

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
        at = AT + hours * HOUR
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
        data, owner = to_dict(event), whose(event)
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
        waiting = self.store.waiting(AT + 99 * HOUR, limit=10**6)
        left = [*waiting.values(), *(claim.message for claim in self.store.claims())]
        self.store.append([Withheld(message=message.id, at=AT, reason="over") for message in left])


def _tried(append: Callable[..., Sequence[Event]], events: Sequence[Event], **options: Any) -> list[Event] | str:
    try:
        return list(append(events, **options))
    except Conflict:
        return "conflict"
