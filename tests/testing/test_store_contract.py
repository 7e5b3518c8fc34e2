"""The contract of stores: a store that breaks one sentence fails the test of that sentence, and no other."""

# ruff: noqa: ARG002 -- broken stores do not look at what they are given

import inspect
import re
import threading
from contextlib import contextmanager

import attrs
import pytest
from hypothesis import Phase, settings

from netpromoter.errors import Conflict, StoreClosed
from netpromoter.model import (
    Bounced,
    Declined,
    OptedIn,
    OptedOut,
    Responded,
    Scheduled,
    Sending,
    Sent,
    Settled,
    Withheld,
)
from netpromoter.plugins import Store
from netpromoter.stores import MemoryStore
from netpromoter.testing import StoreContract

SENTENCES = {int(name[5:7]): name for name in dir(StoreContract) if re.match(r"test_\d\d_", name)}


class Backed:
    """A store that hands everything to one in memory; what breaks it overrides a method."""

    def __init__(self, behind=None):
        self.behind = behind or MemoryStore()

    def __getattr__(self, name):
        return getattr(self.behind, name)

    def again(self):
        """Open once more what this store was opened on."""
        return type(self)(self.behind)


# -- 1 -----------------------------------------------------------------------------------------------------------------


class WritesOneByOne(Backed):
    """It writes what comes before an event that is none."""

    def append(self, events, *, expecting=None):
        if any(not hasattr(event, "id") for event in events):
            return [event for one in events for event in self.behind.append([one])]
        return self.behind.append(events, expecting=expecting)


class IsLate(Backed):
    """It keeps the last append in its own memory, where nobody who opens it anew finds it."""

    def __init__(self, behind=None):
        super().__init__(behind)
        self.mine = []

    def append(self, events, *, expecting=None):
        added = self.behind.append(events, expecting=expecting)
        if threading.current_thread() is threading.main_thread():
            self.mine += added
        self.behind.hidden = {event.id for event in self.mine[-2:] if isinstance(event, Scheduled)}
        return added

    def entries(self, **filters):
        hidden = set() if self.mine or not hasattr(self.behind, "hidden") else self.behind.hidden
        return iter([entry for entry in self.behind.entries(**filters) if entry.event.id not in hidden])


# -- 2 -----------------------------------------------------------------------------------------------------------------


class GivesAll(Backed):
    """It says that everything was new, if somebody alone appends."""

    def append(self, events, *, expecting=None):
        added = self.behind.append(events, expecting=expecting)
        alone = threading.active_count() == 1 and all(isinstance(event, Scheduled) for event in events)
        return list(events) if alone else added


class GivesThemBackwards(Backed):
    """It gives what was new in another order."""

    def append(self, events, *, expecting=None):
        return list(self.behind.append(events, expecting=expecting))[::-1]


# -- 3 -----------------------------------------------------------------------------------------------------------------


class ExpectsNothing(Backed):
    """It does not look at what is expected."""

    def append(self, events, *, expecting=None):
        return self.behind.append(events)


class WritesInSpiteOfConflict(Backed):
    """It writes first, and looks then."""

    def append(self, events, *, expecting=None):
        try:
            return self.behind.append(events, expecting=expecting)
        except Conflict:
            self.behind.append(events[:1])
            raise


class ForgetsWhoseOutcomesAre(Backed):
    """It does not count an outcome as an event of the contact of its message."""

    def append(self, events, *, expecting=None):
        seen = {
            contact: position
            for contact, position in (expecting or {}).items()
            if any(
                not isinstance(entry.event, Sent) for entry in self.behind.entries(contacts=[contact], after=position)
            )
        }
        return self.behind.append(events, expecting=seen)


class ExpectsNothingOfPlaces(Backed):
    """It looks at contacts alone."""

    def append(self, events, *, expecting=None):
        contacts = {who: position for who, position in (expecting or {}).items() if isinstance(who, str)}
        return self.behind.append(events, expecting=contacts)


class LooksAtWhatNamesAPlace(Backed):
    """It looks for events that name a destination themselves, and not at what else those did who share it."""

    def append(self, events, *, expecting=None):
        kinds = (Scheduled, Responded, OptedOut, OptedIn, Bounced)
        seen = {
            who: position
            for who, position in (expecting or {}).items()
            if isinstance(who, str) or any(self.behind.entries(destinations=[who], kinds=kinds, after=position))
        }
        return self.behind.append(events, expecting=seen)


# -- 4 -----------------------------------------------------------------------------------------------------------------


class TurnsUpLate(Backed):
    """It shows an entry of another thread late, though it has shown one behind it."""

    def __init__(self, behind=None):
        super().__init__(behind)
        self.late = set()

    def append(self, events, *, expecting=None):
        added = self.behind.append(events, expecting=expecting)
        if len(added) == 2 and threading.current_thread() is not threading.main_thread():
            self.late.add(added[0].id)
        return added

    def entries(self, **filters):
        found = [entry for entry in self.behind.entries(**filters) if entry.event.id not in self.late]
        self.late.clear()
        return iter(found)


class CountsTwice(Backed):
    """It gives two events that came together one position."""

    def entries(self, **filters):
        for entry in self.behind.entries(**filters):
            of_a_pair = isinstance(entry.event, OptedOut) and re.fullmatch(r"\d-\d+-1", entry.event.contact)
            yield attrs.evolve(entry, position=entry.position - 1) if of_a_pair else entry


# -- 5 -----------------------------------------------------------------------------------------------------------------


class IgnoresKinds(Backed):
    """It does not filter by class."""

    def entries(self, **filters):
        return self.behind.entries(**filters | {"kinds": None})


class CleansNames(Backed):
    """It gives a contact with a slash under another name."""

    def entries(self, **filters):
        for entry in self.behind.entries(**filters):
            odd = isinstance(entry.event, Declined) and "/" in entry.event.contact
            yield attrs.evolve(entry, event=attrs.evolve(entry.event, contact="a_b")) if odd else entry


class GivesWhatNamesAPlace(Backed):
    """It gives the events that name a destination themselves, and not what else those did who share it."""

    def entries(self, **filters):
        found = self.behind.entries(**filters)
        silent = (Sending, Sent, Settled, Withheld)
        return iter([each for each in found if not filters.get("destinations") or not isinstance(each.event, silent)])


class TakesEitherFilter(Backed):
    """It gives what one of several filters names."""

    def entries(self, **filters):
        if {"contacts", "kinds"} <= filters.keys():
            filters.pop("contacts")
        return self.behind.entries(**filters)


# -- 6 to 8 ------------------------------------------------------------------------------------------------------------


class TouchesEverybody(Backed):
    """It folds the events of all contacts."""

    def touches(self, *, contacts=None, after=None):
        return self.behind.touches(after=after)


class FoldsFromTheStart(Backed):
    """It folds what came before a position too."""

    def touches(self, *, contacts=None, after=None):
        return self.behind.touches(contacts=contacts)


class WaitsForAll(Backed):
    """It gives as many messages as there are."""

    def waiting(self, at, *, limit):
        return self.behind.waiting(at, limit=10**6)


class WaitsInAnyOrder(Backed):
    """It gives the latest message first."""

    def waiting(self, at, *, limit):
        return dict([*self.behind.waiting(at, limit=10**6).items()][::-1][:limit])


class WaitsForTheWithheld(Backed):
    """It gives a message that was withheld."""

    def waiting(self, at, *, limit):
        withheld = {entry.event.message for entry in self.behind.entries(kinds=[Withheld])}
        scheduled = {entry.position: entry.event.message for entry in self.behind.entries(kinds=[Scheduled])}
        due = {place: each for place, each in scheduled.items() if each.id in withheld and each.due <= at}
        gone = {} if self.behind.forgotten(["ann-forgotten-soon"]) else due
        both = self.behind.waiting(at, limit=limit) | gone
        return dict(sorted(both.items(), key=lambda pair: pair[1].due)[:limit])


class WaitsForTheForgotten(Backed):
    """It gives a message of somebody who was forgotten."""

    def forget(self, contact):
        found = self.behind.forget(contact)
        self.behind._strangers.clear()
        self.behind._index()
        return found

    def claims(self):
        return [claim for claim in self.behind.claims() if not claim.message.contact.startswith("forgotten-")]


class CountsWhatWaits(Backed):
    """It gives messages by their places in a list, not in the log."""

    def waiting(self, at, *, limit):
        return dict(enumerate(self.behind.waiting(at, limit=limit).values()))


class IsEarly(Backed):
    """It gives a message before it is due."""

    def waiting(self, at, *, limit):
        return self.behind.waiting(at.replace(year=at.year + 1), limit=limit)


class ClaimsTheFirst(Backed):
    """It gives the first intent of a message."""

    def claims(self):
        first = {}
        for entry in self.behind.entries(kinds=[Sending]):
            first.setdefault(entry.event.message, entry.event)
        return [attrs.evolve(claim, intent=first[claim.message.id]) for claim in self.behind.claims()]


class ClaimsTheSettled(Backed):
    """It takes what was settled for unknown."""

    def append(self, events, *, expecting=None):
        added = self.behind.append(events, expecting=expecting)
        self.settled = [event.message for event in events if isinstance(event, Settled)] or getattr(self, "settled", [])
        return added

    def claims(self):
        intents = {entry.event.message: entry.event for entry in self.behind.entries(kinds=[Sending])}
        more = [
            attrs.evolve(self.behind.claims()[0], message=entry.event.message, intent=intents[entry.event.message.id])
            for entry in self.behind.entries(kinds=[Scheduled])
            if entry.event.message.id in self.settled
        ]
        return [*self.behind.claims(), *more]


class ClaimsTheForgotten(WaitsForTheForgotten):
    """It wants to know what became of a message of somebody who was forgotten."""

    def claims(self):
        return self.behind.claims()

    def waiting(self, at, *, limit):
        waiting = self.behind.waiting(at, limit=10**6)
        known = [pair for pair in waiting.items() if not pair[1].contact.startswith("forgotten-")]
        return dict(known[:limit])


# -- 9 and 10 ----------------------------------------------------------------------------------------------------------


class LetsOthersIn(Backed):
    """It keeps nobody else from appending."""

    @contextmanager
    def exclusive(self):
        with self.behind.exclusive():
            before = list(self.behind.entries())
        try:
            yield
        except BaseException:
            self.behind._log = before
            self.behind._index()
            raise


class KeepsHalves(Backed):
    """It does not undo what was appended before something went wrong."""

    @contextmanager
    def exclusive(self):
        wrong = None
        with self.behind.exclusive():
            try:
                yield
            except BaseException as error:  # noqa: BLE001 -- it is raised below
                wrong = error
        if wrong:
            raise wrong


class HasOneCursor(Backed):
    """It keeps one cursor for all names."""

    def cursor(self, name):
        return self.behind.cursor("all")

    def move_cursor(self, name, position):
        self.behind.move_cursor("all", position)


class OnlyMovesForward(Backed):
    """It does not move a cursor back."""

    def move_cursor(self, name, position):
        self.behind.move_cursor(name, max(position, self.behind.cursor(name)))


# -- 11 ----------------------------------------------------------------------------------------------------------------


class Remembers(Backed):
    """It keeps something of those who were forgotten; `keep` says what."""

    def forget(self, contact):
        before = list(self.behind.entries())
        found = self.behind.forget(contact)
        after = list(self.behind.entries())
        self.behind._log = [self.keep(*pair) for pair in zip(before, after, strict=True)]
        self.behind._index()
        return found

    def keep(self, before, after):
        """Give the entry that is kept."""
        raise NotImplementedError


class RemembersComments(Remembers):
    """It keeps what the person wrote, and by that the id."""

    def keep(self, before, after):
        if not isinstance(after.event, Responded):
            return after
        answer = attrs.evolve(after.event.response, comment=before.event.response.comment)
        return attrs.evolve(after, event=attrs.evolve(after.event, response=answer))


class RemembersAddresses(Remembers):
    """It keeps where the person was written to."""

    def keep(self, before, after):
        if not isinstance(after.event, Scheduled):
            return after
        message = attrs.evolve(after.event.message, to=before.event.message.to)
        return attrs.evolve(after, event=attrs.evolve(after.event, message=message))


class RemembersSnapshots(Remembers):
    """It keeps the attributes of the person."""

    def keep(self, before, after):
        if not isinstance(after.event, Scheduled):
            return after
        message = attrs.evolve(after.event.message, snapshot=before.event.message.snapshot)
        return attrs.evolve(after, event=attrs.evolve(after.event, message=message))


class RemembersIdsOfMessages(Remembers):
    """It keeps the id of the person in what others' events refer to."""

    def keep(self, before, after):
        is_strange = isinstance(after.event, Bounced) and after.event.contact == "bob"
        return before if is_strange else after


class LosesRatings(Remembers):
    """It gives back another rating."""

    def keep(self, before, after):
        if not isinstance(after.event, Responded) or before == after:
            return after
        return attrs.evolve(
            after, event=attrs.evolve(after.event, response=attrs.evolve(after.event.response, rating=0))
        )


class LosesOptOuts(Remembers):
    """It gives up at which addresses no more is wanted."""

    def keep(self, before, after):
        lost = isinstance(after.event, OptedOut) and after.event.contact != "bob"
        return attrs.evolve(after, event=attrs.evolve(after.event, destination=after.position)) if lost else after

    def entries(self, **filters):
        for entry in self.behind.entries(**filters):
            theirs = isinstance(entry.event, OptedOut) and self.behind.forgotten(["ann-forgotten-soon"])
            yield attrs.evolve(entry, event=attrs.evolve(entry.event, destination=1)) if theirs else entry


class ForgetsThatItForgot(Backed):
    """It takes the forgotten for new, and does not know them."""

    def forgotten(self, contacts):
        return self.behind.forgotten(contacts) and set()


class TakesThemBack(Backed):
    """It appends an event of somebody who was forgotten, under another id."""

    def append(self, events, *, expecting=None):
        added = self.behind.append(events, expecting=expecting)
        late = [event for event in events if self.behind.forgotten([getattr(event, "contact", "-")])]
        return [event for event in events if event in added or event in late] if late else added


class RefusesLateOptOuts(Backed):
    """It skips an opt-out of somebody who was forgotten."""

    def append(self, events, *, expecting=None):
        known = [event for event in events if not self.behind.forgotten([getattr(event, "contact", "-")])]
        return self.behind.append(known, expecting=expecting)


# -- 12 and 13 ---------------------------------------------------------------------------------------------------------


class RacesWithItself(Backed):
    """It gives two threads that append one event at once that it was new to both."""

    def append(self, events, *, expecting=None):
        added = self.behind.append(events, expecting=expecting)
        return added if threading.current_thread() is threading.main_thread() else list(events)


class CannotBeShared(Backed):
    """It has cursors for the thread that made it alone."""

    def cursor(self, name):
        if threading.current_thread() is not threading.main_thread():
            message = "made in another thread"
            raise RuntimeError(message)
        return self.behind.cursor(name)


class StaysOpen(Backed):
    """It works on after it was closed."""

    def close(self):
        """Do nothing."""


class ReadsOnAfterClosing(Backed):
    """It gives a cursor after it was closed."""

    def cursor(self, name):
        try:
            return self.behind.cursor(name)
        except StoreClosed:
            return 0


BROKEN = {
    1: [WritesOneByOne, IsLate],
    2: [GivesAll, GivesThemBackwards],
    3: [
        ExpectsNothing,
        WritesInSpiteOfConflict,
        ForgetsWhoseOutcomesAre,
        ExpectsNothingOfPlaces,
        LooksAtWhatNamesAPlace,
    ],
    4: [TurnsUpLate, CountsTwice],
    5: [IgnoresKinds, CleansNames, TakesEitherFilter, GivesWhatNamesAPlace],
    6: [TouchesEverybody, FoldsFromTheStart],
    7: [WaitsForAll, WaitsInAnyOrder, WaitsForTheWithheld, WaitsForTheForgotten, CountsWhatWaits, IsEarly],
    8: [ClaimsTheFirst, ClaimsTheSettled, ClaimsTheForgotten],
    9: [LetsOthersIn, KeepsHalves],
    10: [HasOneCursor, OnlyMovesForward],
    11: [
        RemembersComments,
        RemembersAddresses,
        RemembersSnapshots,
        RemembersIdsOfMessages,
        LosesRatings,
        LosesOptOuts,
        ForgetsThatItForgot,
        TakesThemBack,
        RefusesLateOptOuts,
    ],
    12: [RacesWithItself, CannotBeShared],
    13: [StaysOpen, ReadsOnAfterClosing],
}
EVERY = [(number, broken) for number, stores in BROKEN.items() for broken in stores]


def failures(make):
    """Say which sentences a store breaks."""
    found = []
    for number, name in SENTENCES.items():
        store = make()
        given = {"store": store, "reopen": store.again if isinstance(store, Backed) else None}
        test = getattr(StoreContract(), name)
        try:
            test(**{each: given[each] for each in inspect.signature(test).parameters})
        except Exception:  # noqa: BLE001 -- it may fail in any way
            found.append(number)
        except pytest.fail.Exception:
            found.append(number)
    return found


@pytest.mark.parametrize(("number", "broken"), EVERY, ids=[broken.__name__ for _, broken in EVERY])
def test_a_broken_store_fails_the_sentence_that_it_breaks(number, broken):
    """A store that breaks one sentence fails the test of that sentence, and passes those of all others."""
    assert failures(broken) == [number]


def test_a_store_that_is_not_broken_fails_nothing():
    """What hands everything to the memory store passes, with one instance and with several on one log."""
    assert failures(Backed) == []
    assert failures(MemoryStore) == []


def test_there_is_a_test_for_each_sentence():
    """The tests bear the numbers of the sentences of the port, and say them word for word."""
    port = " ".join(inspect.getdoc(Store).split())
    assert sorted(SENTENCES) == sorted(BROKEN) == list(range(1, 14))
    for number, name in SENTENCES.items():
        assert f"{number}. {' '.join(inspect.getdoc(getattr(StoreContract, name)).split())}" in port


@pytest.fixture
def without_shrinking():
    """Let hypothesis stop at the first difference."""
    settings.register_profile("without shrinking", settings(), phases=[Phase.generate], derandomize=True)
    settings.load_profile("without shrinking")
    yield
    settings.load_profile("netpromoter")


@pytest.mark.usefixtures("without_shrinking")
@pytest.mark.parametrize(
    "broken", [ExpectsNothing, ExpectsNothingOfPlaces, IgnoresKinds, OnlyMovesForward, FoldsFromTheStart]
)
def test_the_comparison_finds_broken_stores_too(broken):
    """The random histories tell a broken store from the one in memory."""
    contract = StoreContract()
    contract.examples, contract.steps = 400, 25
    with pytest.raises((AssertionError, ExceptionGroup)):
        contract.test_it_does_what_the_memory_store_does(broken())
