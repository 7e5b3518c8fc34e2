"""The history of a set of contacts, folded once into one number per person and clock."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from functools import cached_property
from typing import Any, TypeAlias

import attrs
import numpy as np
import numpy.typing as npt

from netpromoter.model import KINDS, NEVER, Contacts, Instants, Touches

__all__ = ["HEARD", "OPENED", "History", "Occasions", "among"]

_Ints: TypeAlias = npt.NDArray[np.integer[Any]]
_Mask: TypeAlias = npt.NDArray[np.bool_]
_Words: TypeAlias = npt.NDArray[np.uint64]
_Events: TypeAlias = tuple[Instants, npt.NDArray[np.int32], npt.NDArray[np.object_]]
_Name: TypeAlias = tuple[str, int, str | None, int, int, int]  # contact, survey, occasion, step, attempt, destination
_Which: TypeAlias = tuple[tuple[str, ...], tuple[int, ...] | None, str | None]  # kinds, surveys, occasion

_NOBODY = -1
_ENDINGS = 1 << 20
_BEFORE_ALL = np.iinfo(np.int64).min  # NaT, as a number
_EVER = np.datetime64(np.iinfo(np.int64).min + 1, "us")
_MESSAGES = ("invited", "reminded")
_IN_VAIN = ("invited in vain", "reminded in vain")
_EVERY = (*_MESSAGES, *_IN_VAIN)
_KINDS = (*KINDS, *_IN_VAIN)
_INVITED, _REMINDED = map(_KINDS.index, _MESSAGES)
#: What opens an occasion, whether or not it reached anybody.
OPENED = ("invited", "invited in vain")
#: What closes an occasion to further invitations, even where none has reached the person.
HEARD = ("answered", "declined")
_CHOICES = ("opted_out", "reminders_off", "opted_in")
_ORDINAL = re.compile("[1-9][0-9]{0,8}")


@attrs.frozen(kw_only=True, eq=False)
class _Rows:
    """Touches in the order of time, and whose clocks they start.

    `person` is the contact of each row and `subject` the one whose clock it starts, -1 for nobody here. A few rows
    start further clocks: row `also_row` that of `also_subject`, pair by pair. `kind` is that of the clock: a repeated
    invitation invites, and a message that came back was in vain.
    """

    touches: Touches
    kind: npt.NDArray[np.uint8]
    person: npt.NDArray[np.int32]
    survey: npt.NDArray[np.int16]
    channel: npt.NDArray[np.int16]
    subject: _Ints
    also_row: _Ints
    also_subject: _Ints

    def which(
        self,
        kinds: Sequence[str],
        surveys: Sequence[int] | None,
        occasion: str | None = None,
        *,
        tail: slice = slice(None),
    ) -> _Mask:
        touches = self.touches
        chosen = _chosen(self.kind[tail], [_KINDS.index(kind) for kind in kinds])
        if surveys is not None:
            chosen &= _chosen(self.survey[tail], surveys)
        if occasion is not None:
            chosen &= _chosen(touches.occasion[tail], _named(touches.occasions, occasion))
        return chosen

    def bounces(self) -> tuple[_Ints, _Ints, _Words]:
        """Return the contact, the channel and the destination of each address that failed for good."""
        failed = np.flatnonzero(self.which(("bounced",), None))
        return self.person[failed], self.channel[failed], self.touches.destination[failed]

    def returned(self) -> set[_Name]:
        """Name the messages that bounces say came back."""
        return set(self.names(np.flatnonzero(self.which(("bounced",), None) & (self.touches.step >= 0))))

    def lost(self, names: AbstractSet[_Name]) -> _Ints:
        """Find the messages with some names, among those whose fingerprints end alike."""
        if not names or not self.which(_MESSAGES, None).any():
            return np.empty(0, np.int64)
        sought = np.zeros(_ENDINGS, np.bool_)
        sought[[name[-1] % _ENDINGS for name in names]] = True
        endings = self.touches.destination % np.uint64(_ENDINGS)
        rows = np.flatnonzero(sought[endings] & self.which(_MESSAGES, None))
        return rows[[name in names for name in self.names(rows)]]

    def names(self, rows: _Ints) -> Iterator[_Name]:
        touches = self.touches
        contacts, occasions = touches.contact[rows].tolist(), touches.occasion[rows].tolist()
        columns = self.survey, touches.step, touches.attempt, touches.destination
        survey, *numbers = (values[rows].tolist() for values in columns)
        names = (None if code < 0 else touches.occasions[code] for code in occasions)
        return zip(map(touches.contacts.__getitem__, contacts), survey, names, *numbers, strict=True)

    def without(self, lost: _Ints) -> _Rows:
        """Let some messages start no clock but those of the occasions of their own contacts."""
        if not len(lost):
            return self
        kind, subject, there = self.kind.copy(), self.subject.copy(), np.ones(len(self.kind), np.bool_)
        kind[lost] += np.uint8(len(KINDS) - _INVITED)
        subject[lost], there[lost] = self.person[lost], False
        also = there[self.also_row]
        return attrs.evolve(
            self, kind=kind, subject=subject, also_row=self.also_row[also], also_subject=self.also_subject[also]
        )

    @cached_property
    def mailed(self) -> tuple[_Ints, _Ints]:
        """The rows that are messages, and whose clocks they start, pair by pair."""
        own = np.flatnonzero(self.which(_EVERY, None))
        also = np.flatnonzero(np.isin(self.also_row, own))
        return np.append(own, self.also_row[also]), np.append(self.subject[own], self.also_subject[also])

    def advance(self, clock: Instants, which: _Which, *, first: bool) -> None:
        """Move every clock on to the last row that starts it."""
        chosen = np.flatnonzero(self.which(*which))
        if first:  # in the order of time, the last one written stays
            clock[self.subject[chosen]] = self.touches.at[chosen]
        else:
            np.fmax.at(clock, self.subject[chosen], self.touches.at[chosen])
        if len(self.also_row):
            more = self.which(*which)[self.also_row]
            np.fmax.at(clock, self.also_subject[more], self.touches.at[self.also_row[more]])

    def number(self, highest: npt.NDArray[np.int64], surveys: Sequence[int]) -> None:
        """Raise the numbers of each contact to that of an occasion that was answered or declined."""
        occasions = self.touches.occasion
        chosen = np.flatnonzero(self.which(HEARD, surveys) & (self.person >= 0) & (occasions >= 0))
        codes, places = np.unique(occasions[chosen], return_inverse=True)
        names = [self.touches.occasions[code] for code in codes]
        numbers = np.array([int(name) if _ORDINAL.fullmatch(name) else 0 for name in names], np.int64)
        np.maximum.at(highest, self.person[chosen], numbers[places])

    def insert(self, deep: npt.NDArray[np.int64], which: _Which, floor: np.datetime64) -> None:
        """Put rows after `floor` among the last few instants of each subject, which rise along the first axis."""
        tail = int(np.searchsorted(self.touches.at, floor, side="right"))
        chosen = np.zeros(len(self.touches), np.bool_)
        chosen[tail:] = self.which(*which, tail=slice(tail, None))
        more = chosen[self.also_row]
        rows = np.concatenate([np.flatnonzero(chosen), self.also_row[more]])
        subjects = np.concatenate([self.subject[rows[: len(rows) - int(more.sum())]], self.also_subject[more]])
        if more.any():
            order = np.argsort(rows, kind="stable")
            rows, subjects = rows[order], subjects[order]
        _push(deep, subjects, self.touches.at[rows])

    def furthest(self, chosen: _Ints) -> tuple[_Ints, _Ints]:
        """Give the people of some messages, and of each the row of the furthest one of the occasion of the last."""
        people, touches = self.person[chosen], self.touches
        last = np.full(int(people.max(initial=-1)) + 1, _NOBODY, np.int64)
        last[people] = chosen
        same = chosen[touches.occasion[chosen] == touches.occasion[last[people]]]
        same = same[np.lexsort((touches.attempt[same], touches.step[same]))]
        last[self.person[same]] = same
        reached = np.flatnonzero(last >= 0)
        return reached, last[reached]


@attrs.frozen(kw_only=True, eq=False)
class Occasions:
    """The latest occasion of one survey for each contact, and the last message of it, shape (n,).

    `invited` and `latest` are the instants of the first and the last message, `messages` the number of those that have
    not come back, `asks` the number of all occasions so far, `channel` a code into `History.channels`, `row` the number
    of the row of the last message, for `History.labels`, `in_vain` whether it has come back, and `waits` whether it is
    still to leave. The last message is that of the highest step and attempt, whenever others may have left.
    """

    invited: Instants
    latest: Instants
    messages: npt.NDArray[np.int64]
    asks: npt.NDArray[np.int64]
    row: npt.NDArray[np.int64]
    step: npt.NDArray[np.int16]
    attempt: npt.NDArray[np.int16]
    channel: npt.NDArray[np.int16]
    destination: _Words
    in_vain: _Mask
    waits: _Mask

    @classmethod
    def none(cls, size: int) -> Occasions:
        """Return the occasions of people who were never asked."""
        return cls(
            invited=np.full(size, NEVER),
            latest=np.full(size, NEVER),
            messages=np.zeros(size, np.int64),
            asks=np.zeros(size, np.int64),
            row=np.full(size, _NOBODY, np.int64),
            step=np.full(size, _NOBODY, np.int16),
            attempt=np.full(size, _NOBODY, np.int16),
            channel=np.full(size, _NOBODY, np.int16),
            destination=np.zeros(size, np.uint64),
            in_vain=np.zeros(size, np.bool_),
            waits=np.zeros(size, np.bool_),
        )

    def take(self, positions: _Ints) -> Occasions:
        """Return the occasions of some contacts."""
        return Occasions(**{name: getattr(self, name)[positions] for name in attrs.fields_dict(Occasions)})

    def with_rows(self, rows: _Rows, surveys: Sequence[int], before: int) -> Occasions:
        """Add the messages of some rows; `before` rows stand before them."""
        chosen = np.flatnonzero(rows.which(_EVERY, surveys) & (rows.person >= 0))
        if not len(chosen):
            return self
        touches, in_vain = rows.touches, rows.which(_IN_VAIN, None)
        grown = Occasions(**{name: getattr(self, name).copy() for name in attrs.fields_dict(Occasions)})
        first = chosen[touches.kind[chosen] == KINDS.index("invited")]
        opened = rows.person[first]
        grown.invited[opened] = touches.at[first]
        grown.messages[opened] = 0
        grown.asks[:] += np.bincount(opened, minlength=len(grown.asks))
        people = rows.person[chosen]
        since = (touches.at[chosen] >= grown.invited[people]) & ~in_vain[chosen]
        grown.messages[:] += np.bincount(people[since], minlength=len(grown.messages))
        grown.latest[people] = touches.at[chosen]
        reached, places = rows.furthest(chosen)
        grown.row[reached] = before + places
        grown.channel[reached], grown.in_vain[reached] = rows.channel[places], in_vain[places]
        for name in ("step", "attempt", "destination", "waits"):
            getattr(grown, name)[reached] = getattr(touches, name)[places]
        return grown

    def without(self, rows: _Rows, lost: _Ints, surveys: Sequence[int], before: int) -> Occasions:
        """Take back messages that have come back since."""
        chosen = lost[_chosen(rows.survey[lost], surveys) & (rows.person[lost] >= 0)]
        people, messages, in_vain = rows.person[chosen], self.messages.copy(), self.in_vain.copy()
        np.subtract.at(messages, people, rows.touches.at[chosen] >= self.invited[people])
        in_vain[people[self.row[people] == before + chosen]] = True
        return attrs.evolve(self, messages=messages, in_vain=in_vain)


class History:
    """What has happened to some contacts.

    A clock belongs to a subject. The first n subjects are the contacts. Each further one is a destination that several
    contacts share, or at which somebody else was written to: a touch there starts the clock of the destination, and
    everybody who holds it reads that clock beside their own. So two ids with one mailbox have one history there, and
    nothing is counted twice.

    A message that has come back, which a bounce names, has reached nobody. It has opened its occasion and starts no
    other clock, and the invitation that repeats it is the one that counts.
    """

    def __init__(self, contacts: Contacts, touches: Touches) -> None:
        self.contacts = contacts
        self.surveys: dict[tuple[str, str], int] = {}
        self.channels: dict[str, int] = {}
        self._positions: tuple[Any, npt.NDArray[np.int32]] = (contacts.ids, _whole(len(contacts)))
        self._held = contacts.destinations
        ordered = touches.sorted()
        person = self._persons(ordered)
        self._shared = self._with_own_clock(ordered, person)
        self._links = self._pairs()
        self._chunks = [self._rows(ordered, person)]
        self._starts = [0, len(touches)]
        self._bounces = self._chunks[0].bounces()
        self._returned = self._chunks[0].returned()
        self._chunks = [self._chunks[0].without(self._chunks[0].lost(self._returned))]
        self._lost: dict[str, _Mask] = {}
        self._events: dict[str, _Events] = {}
        self._last: dict[_Which, Instants] = {}
        self._deep: dict[tuple[int, _Which], tuple[np.datetime64, npt.NDArray[np.int64]]] = {}
        self._occasions: dict[tuple[int, ...], Occasions] = {}
        self._numbers: dict[tuple[int, ...], tuple[int, npt.NDArray[np.int64]]] = {}

    def with_touches(self, new: Touches) -> History:
        """Return the history with more touches; what was folded is not folded again."""
        ordered = new.sorted()
        person = self._persons(ordered)
        if not among(self._foreign(ordered, person), self._shared).all() or self._overtaken(ordered, person):
            known = sum((chunk.touches for chunk in self._chunks[1:]), self._chunks[0].touches)
            return History(self.contacts, known + new)
        grown = object.__new__(History)
        grown.__dict__.update(self.__dict__, surveys=dict(self.surveys), channels=dict(self.channels))
        rows = grown._rows(ordered, person)
        grown._bounce(rows.bounces())
        grown._take_back(rows.returned())
        rows = rows.without(rows.lost(grown._returned))
        if rows.which(("triggered",), None).any():
            grown._events = {}
        grown._chunks = [*grown._chunks, rows]
        grown._last = {which: _advanced(clock, rows, which) for which, clock in grown._last.items()}
        deep = grown._deep.items()
        grown._deep = {key: (floor, _inserted(found, rows, key[1], floor)) for key, (floor, found) in deep}
        before = self._starts[-1]
        grown._starts = [*self._starts, before + len(new)]
        grown._occasions = {key: fold.with_rows(rows, key, before) for key, fold in grown._occasions.items()}
        return grown

    def _take_back(self, names: AbstractSet[_Name]) -> None:
        """Let messages that have come back since they were folded start no clock any more."""
        self._returned, left, chunks = self._returned | names, set(names), list(self._chunks)
        stopped = np.zeros(self._subjects + 1, np.bool_)
        for number in reversed(range(len(chunks))):
            if not left:
                break
            chunk = chunks[number]
            lost = chunk.lost(left)
            if len(lost):
                left -= set(chunk.names(lost))
                stopped[chunk.subject[lost]] = stopped[chunk.person[lost]] = True
                chunks[number] = chunk.without(lost)
                kept = self._occasions.items()
                self._occasions = {key: fold.without(chunk, lost, key, self._starts[number]) for key, fold in kept}
        self._chunks = chunks
        self._start_again(stopped)

    def _start_again(self, stopped: _Mask) -> None:
        """Fold the messages of some subjects, by mask, anew."""
        stopped[-1] = False
        if not stopped.any():
            return
        parts = [tuple(np.empty(0, dtype) for dtype in (np.uint8, np.int16, "datetime64[us]", np.intp))]
        for chunk in self._chunks:
            rows, subjects = chunk.mailed
            here = stopped[subjects]
            if here.any():
                rows = rows[here]
                parts.append((chunk.kind[rows], chunk.survey[rows], chunk.touches.at[rows], subjects[here]))
        columns = [np.concatenate(each) for each in zip(*parts, strict=True)]
        order = np.argsort(columns[2], kind="stable")
        self._fold_again(stopped, *(each[order] for each in columns))

    def _fold_again(self, stopped: _Mask, kind: _Ints, survey: _Ints, at: Instants, subject: _Ints) -> None:
        kept = {which: clock for which, clock in self._last.items() if which[2] is None or not _of_messages(which)}
        self._last, self._deep = kept, dict(self._deep)
        for which in filter(_of_messages, kept):
            chosen = _matching(kind, survey, which)
            kept[which] = np.where(stopped, NEVER, kept[which])
            np.fmax.at(kept[which], subject[chosen], at[chosen])
        for key in [key for key in self._deep if _of_messages(key[1])]:
            floor, deep = self._deep[key]
            chosen = _matching(kind, survey, key[1]) & (at > floor)
            self._deep[key] = floor, np.where(stopped, _BEFORE_ALL, deep)
            _push(self._deep[key][1], subject[chosen], at[chosen])

    def _overtaken(self, touches: Touches, person: npt.NDArray[np.int32]) -> bool:
        """Say whether a message comes before one that the person has had, so that occasions must be folded anew."""
        rows = np.flatnonzero(_chosen(touches.kind, [KINDS.index(kind) for kind in _MESSAGES]) & (person >= 0))
        return len(rows) > 0 and bool((touches.at[rows] <= self.last(_EVERY)[person[rows]]).any())

    # -- whose clocks a touch starts -----------------------------------------------------------------------------------

    def _persons(self, touches: Touches) -> npt.NDArray[np.int32]:
        """Say which contact each row is about; -1 where it is nobody here."""
        labels, positions = self._positions
        if touches.contacts is not labels:
            positions = self._found(touches.contacts)
            self._positions = touches.contacts, positions
        found: npt.NDArray[np.int32] = np.append(positions, np.int32(_NOBODY))[touches.contact]
        return found

    def _found(self, labels: Sequence[str]) -> npt.NDArray[np.int32]:
        ids = self.contacts.ids
        if len(labels) == len(ids) and all(map(str.__eq__, labels, ids)):
            return _whole(len(ids))
        index = self.contacts.index
        return np.fromiter((index.get(label, _NOBODY) for label in labels), np.int32, len(labels))

    def _with_own_clock(self, touches: Touches, person: npt.NDArray[np.int32]) -> _Words:
        twice = self._held[1:][self._held[1:] == self._held[:-1]]
        return np.union1d(twice, self._foreign(touches, person))

    def _foreign(self, touches: Touches, person: npt.NDArray[np.int32]) -> _Words:
        """Find destinations held by a contact here at which a touch reached somebody who does not hold them."""
        reached: _Words = np.unique(touches.destination[self._elsewhere(touches, person)])
        return reached[among(reached, self._held)]

    def _elsewhere(self, touches: Touches, person: npt.NDArray[np.int32]) -> _Mask:
        """Find touches at a destination that their contact does not hold."""
        away: _Mask = touches.destination != 0
        for held in self.contacts.fingerprints.values():
            away &= np.append(held, np.uint64(0))[person] != touches.destination
        return away

    def _pairs(self) -> tuple[_Ints, _Ints]:
        """Pair every contact with the subjects of the shared destinations that it holds, in the order of contacts."""
        found = [np.empty((2, 0), np.int64)]
        for held in self.contacts.fingerprints.values():
            holders = np.flatnonzero(among(held, self._shared))
            found.append(np.stack([holders, len(self.contacts) + np.searchsorted(self._shared, held[holders])]))
        pairs = np.unique(np.concatenate(found, axis=1), axis=1)
        return pairs[0], pairs[1]

    @property
    def links(self) -> tuple[_Ints, _Ints]:
        """Contacts, and the subjects of the destinations that they share with others, pair by pair."""
        return self._links

    def _rows(self, touches: Touches, person: npt.NDArray[np.int32]) -> _Rows:
        known: dict[str, Any] = {
            "survey": _recoded(touches.survey, touches.surveys, self.surveys),
            "channel": _recoded(touches.channel, touches.channels, self.channels),
            "kind": np.where((touches.kind == _REMINDED) & (touches.step == 0), np.uint8(_INVITED), touches.kind),
        }
        if not len(self._shared):
            none = np.empty(0, np.int64)
            return _Rows(touches=touches, person=person, **known, subject=person, also_row=none, also_subject=none)
        at_shared = np.flatnonzero(among(touches.destination, self._shared))
        subject = person.astype(np.int64)
        subject[at_shared] = len(self.contacts) + np.searchsorted(self._shared, touches.destination[at_shared])
        also = self._also(touches, person, at_shared)
        return _Rows(touches=touches, person=person, **known, subject=subject, **also)

    def _also(self, touches: Touches, person: npt.NDArray[np.int32], at_shared: _Ints) -> dict[str, Any]:
        """A touch at a shared destination that its contact no longer holds is the contact's too; a choice about
        messages is the person's, and holds at every destination of the person.
        """
        moved = at_shared[self._elsewhere(touches, person)[at_shared]]
        chose = np.flatnonzero(_chosen(touches.kind, [KINDS.index(kind) for kind in _CHOICES]) & (person >= 0))
        holders, subjects = self._links
        first, last = (np.searchsorted(holders, person[chose], side) for side in ("left", "right"))
        times = last - first
        places = np.repeat(first, times) + np.arange(times.sum()) - np.repeat(np.cumsum(times) - times, times)
        rows = np.concatenate([moved, chose, np.repeat(chose, times)])
        owners = np.concatenate([person[moved], person[chose], subjects[places]])
        return {"also_row": rows, "also_subject": owners.astype(np.int64)}

    # -- clocks --------------------------------------------------------------------------------------------------------

    def codes(self, *, key: str | None = None, kind: str | None = None) -> tuple[int, ...]:
        """Return the codes of the surveys with this key, or of this kind."""
        return tuple(code for survey, code in self.surveys.items() if key == survey[0] or kind == survey[1])

    def last(
        self, kinds: Sequence[str], surveys: Sequence[int] | None = None, *, occasion: str | None = None
    ) -> Instants:
        """Return when something last happened to each contact, shape (n,); NaT where it never did."""
        return self._read(self._clock((tuple(kinds), None if surveys is None else tuple(surveys), occasion)))

    def _clock(self, which: _Which) -> Instants:
        """Give a clock of every subject."""
        if which not in self._last:
            clock = np.full(self._subjects + 1, NEVER)
            for number, rows in enumerate(self._chunks):
                rows.advance(clock, which, first=number == 0)
            self._last[which] = clock
        return self._last[which]

    def stands(self, choice: str) -> _Mask:
        """Say for whom an opt-out, or another choice, stands: by their own last word, or by the last at an address.

        At an address the word of whoever shares it counts. So nobody takes back for another what that one has said.
        """
        off, on = (self._clock(((kind,), None, None)) for kind in (choice, "opted_in"))
        stands = ~np.isnat(off) & ~(on > off)
        found: _Mask = stands[: len(self.contacts)].copy()
        holders, subjects = self._links
        found[holders[stands[subjects]]] = True
        return found

    @property
    def _subjects(self) -> int:
        """How many clocks of one sort there are; one more is kept for touches of nobody here."""
        return len(self.contacts) + len(self._shared)

    def _read(self, clock: Instants) -> Instants:
        """Read the clocks of subjects for contacts: their own, or a later one of a destination they share."""
        own, (holders, subjects) = clock[: len(self.contacts)], self._links
        if len(holders):
            own = own.copy()
            np.fmax.at(own, holders, clock[subjects])
        return own

    def nth_last(
        self, n: int, kinds: Sequence[str], surveys: Sequence[int] | None = None, *, after: np.datetime64 = _EVER
    ) -> Instants:
        """Return when something happened to each contact for the n-th time from the end, shape (n,).

        NaT where it happened fewer than n times after `after`. What is before may be left out or counted. Choices have
        no number: one holds at several destinations at once.
        """
        key = n, (tuple(kinds), None if surveys is None else tuple(surveys), None)
        if key not in self._deep or self._deep[key][0] > after:
            deep = np.full((n, self._subjects + 1), _BEFORE_ALL)
            for rows in self._chunks:
                rows.insert(deep, key[1], after)
            self._deep[key] = after, deep
        return self._merged(self._deep[key][1]).view("datetime64[us]")

    def _merged(self, deep: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Merge the last instants of contacts with those of the destinations that they share."""
        holders, subjects = self._links
        if not len(holders):
            return deep[0, : len(self.contacts)]
        people, place = np.unique(holders, return_inverse=True)
        pools = deep[:, people]
        rank = np.arange(len(holders)) - np.searchsorted(holders, holders)
        for turn in range(int(rank.max()) + 1):
            now = np.flatnonzero(rank == turn)
            both = np.concatenate([pools[:, place[now]], deep[:, subjects[now]]])
            pools[:, place[now]] = np.sort(both, axis=0)[-len(deep) :]
        merged = deep[0, : len(self.contacts)].copy()
        merged[people] = pools[0]
        return merged

    def recent(
        self, kinds: Sequence[str], surveys: Sequence[int] | None, after: np.datetime64
    ) -> npt.NDArray[np.int32]:
        """Return whom something happened to after `after`, once for each time; -1 for nobody here."""
        found = [np.empty(0, np.int32)]
        for rows in self._chunks:
            tail = slice(int(np.searchsorted(rows.touches.at, after, side="right")), None)
            found.append(rows.person[tail][rows.which(kinds, surveys, tail=tail)])
        return np.concatenate(found)

    # -- occasions, events, failures -----------------------------------------------------------------------------------

    def occasions(self, surveys: tuple[int, ...]) -> Occasions:
        """Return the latest occasion of a survey for each contact."""
        if surveys not in self._occasions:
            fold = Occasions.none(len(self.contacts))
            for rows, before in zip(self._chunks, self._starts, strict=False):
                fold = fold.with_rows(rows, surveys, before)
            self._occasions[surveys] = fold
        return self._occasions[surveys]

    def labels(self, rows: _Ints, column: str) -> list[str | None]:
        """Return the labels that some rows, by their number, have in a column; None for none."""
        found = np.full(len(rows), None, object)
        for here, labels, codes in self._codes(rows, column):
            found[here] = _labeled([*labels, None], codes)
        return found.tolist()

    def coded(self, rows: _Ints, column: str, names: Sequence[str]) -> _Ints:
        """Return which of some names rows, by their number, have in a column; -1 for another one or none."""
        found, places = np.full(len(rows), _NOBODY), {name: place for place, name in enumerate(names)}
        for here, labels, codes in self._codes(rows, column) if names else ():
            used, inverse = np.unique(codes, return_inverse=True)
            known = [places.get(labels[code], _NOBODY) if code >= 0 else _NOBODY for code in used.tolist()]
            found[here] = np.array(known)[inverse]
        return found

    def _codes(self, rows: _Ints, column: str) -> Iterator[tuple[_Ints, Sequence[str], _Ints]]:
        """Give the places of those rows that are in one chunk, and the labels and codes of their column."""
        chunks = np.searchsorted(self._starts, rows, side="right") - 1
        for chunk in np.unique(chunks[rows >= 0]).tolist():
            touches, here = self._chunks[chunk].touches, np.flatnonzero((chunks == chunk) & (rows >= 0))
            yield here, getattr(touches, column + "s"), getattr(touches, column)[rows[here] - self._starts[chunk]]

    def each(self) -> Iterator[list[dict[str, Any]]]:
        """Yield the rows of each contact, in the order of time."""
        told: list[list[dict[str, Any]]] = [[] for _ in range(len(self.contacts))]
        for chunk in self._chunks:
            for person, row in zip(chunk.person.tolist(), chunk.touches.rows(), strict=True):
                if person >= 0:
                    told[person].append(row)
        yield from (sorted(rows, key=_when) for rows in told)

    def triggered(self, touchpoint: str) -> _Events:
        """Return when each event of a touchpoint happened, to which contact, and its id, in the order of time."""
        if touchpoint not in self._events:
            self._events[touchpoint] = self._gathered(touchpoint)
        return self._events[touchpoint]

    def _gathered(self, touchpoint: str) -> _Events:
        parts = [(np.empty(0, "datetime64[us]"), np.empty(0, np.int32), np.empty(0, object))]
        for rows in self._chunks:
            touches, named = rows.touches, _named(rows.touches.touchpoints, touchpoint)
            chosen = rows.which(("triggered",), None) & _chosen(touches.touchpoint, named)
            chosen &= (rows.person >= 0) & (touches.occasion >= 0)
            events = _labeled(touches.occasions, touches.occasion[chosen])
            parts.append((touches.at[chosen], rows.person[chosen], events))
        at, person, events = (np.concatenate(columns) for columns in zip(*parts, strict=True))
        order = _in_order(at, person, events)
        return at[order], person[order], events[order]

    def asked(self, surveys: Sequence[int], people: _Mask) -> set[tuple[int, str]]:
        """Return to which occasions of a survey some contacts, by mask, were ever invited or said something."""
        pairs: set[tuple[int, str]] = set()
        for rows in self._chunks:
            is_known = (rows.person >= 0) & (rows.touches.occasion >= 0)
            chosen = np.flatnonzero(rows.which((*OPENED, *HEARD), surveys) & is_known)
            chosen = chosen[people[rows.person[chosen]]]
            occasions = _labeled(rows.touches.occasions, rows.touches.occasion[chosen])
            pairs.update(zip(rows.person[chosen].tolist(), occasions.tolist(), strict=True))
        return pairs

    def last_number(self, surveys: Sequence[int]) -> npt.NDArray[np.int64]:
        """Return the highest number among the occasions that each contact has answered or declined, shape (n,)."""
        done, highest = self._numbers.get(tuple(surveys), (0, np.zeros(len(self.contacts), np.int64)))
        if done < len(self._chunks):
            highest = highest.copy()
            for rows in self._chunks[done:]:
                rows.number(highest, surveys)
            self._numbers = {**self._numbers, tuple(surveys): (len(self._chunks), highest)}
        return highest

    def bounced(self, channel: str) -> _Mask:
        """Say whose address of a channel failed for good, shape (n,)."""
        if channel not in self._lost:
            self._lost[channel] = self._failed(channel)
        return self._lost[channel]

    def _failed(self, channel: str) -> _Mask:
        person, channels, destination = self._bounces
        lost = np.zeros(len(self.contacts) + 1, np.bool_)
        named = (channels == self.channels.get(channel, _NOBODY)) | (channels == _NOBODY)
        lost[person[named & (destination == 0)]] = True
        return lost[:-1] | among(self.contacts.fingerprints[channel], self.dead)

    @cached_property
    def dead(self) -> _Words:
        """The fingerprints of the addresses that failed for good, in order."""
        return np.setdiff1d(self._bounces[2], np.zeros(1, np.uint64))

    def _bounce(self, new: tuple[_Ints, _Ints, _Words]) -> None:
        if len(new[0]):
            self.__dict__.pop("dead", None)
            self._lost = {}
            person, channel, destination = (np.concatenate(pair) for pair in zip(self._bounces, new, strict=True))
            self._bounces = person, channel, destination


def among(values: _Words, known: _Words) -> _Mask:
    """Say which values are among those known, which stand in order."""
    if not len(known):
        return np.zeros(len(values), np.bool_)
    place = np.searchsorted(known, values)
    place[place == len(known)] = 0
    return known[place] == values  # type: ignore[no-any-return]


def _whole(size: int) -> npt.NDArray[np.int32]:
    return np.arange(size, dtype=np.int32)


def _when(row: dict[str, Any]) -> Any:
    return row["at"]


def _in_order(at: Instants, person: _Ints, events: npt.NDArray[np.object_]) -> _Ints:
    """Order events by time, then by contact; those of one contact and instant by their ids, and not as written."""
    order = np.lexsort((person, at))
    when, whose = at[order], person[order]
    if ((when[1:] == when[:-1]) & (whose[1:] == whose[:-1])).any():
        names = np.unique(events.astype(str), return_inverse=True)[1]
        order = np.lexsort((names, person, at))
    return order


def _recoded(codes: _Ints, labels: Sequence[Any], table: dict[Any, int]) -> npt.NDArray[np.int16]:
    """Turn codes into one table of labels into codes of another, which grows as needed."""
    places = [table.setdefault(label, len(table)) for label in labels]
    found: npt.NDArray[np.int16] = np.array([*places, _NOBODY], np.int16)[codes]
    return found


def _labeled(labels: Sequence[str | None], codes: _Ints) -> npt.NDArray[np.object_]:
    found = np.empty(len(codes), object)
    found[:] = [labels[code] for code in codes.tolist()]
    return found


def _named(labels: Sequence[str], name: str) -> list[int]:
    return [code for code, label in enumerate(labels) if label == name]


def _chosen(values: npt.NDArray[Any], codes: Sequence[int]) -> _Mask:
    chosen = np.zeros(len(values), np.bool_)
    for code in codes:
        chosen |= values == code
    return chosen


def _push(deep: npt.NDArray[np.int64], subjects: _Ints, at: Instants) -> None:
    """Put instants, in order, among the last few of each subject, which rise along the first axis."""
    last = np.full(deep.shape[1] if len(subjects) else 0, _NOBODY)
    for _ in range(len(deep)):
        if not len(subjects):
            break
        last[subjects] = np.arange(len(subjects))
        ends = last[subjects] == np.arange(len(subjects))
        found = subjects[ends]
        deep[:, found] = np.sort(np.concatenate([deep[:, found], at[ends].view(np.int64)[None]]), axis=0)[1:]
        subjects, at = subjects[~ends], at[~ends]


def _matching(kind: _Ints, survey: _Ints, which: _Which) -> _Mask:
    chosen = _chosen(kind, [_KINDS.index(each) for each in which[0]])
    return chosen if which[1] is None else chosen & _chosen(survey, which[1])


def _of_messages(which: _Which) -> bool:
    return not set(_EVERY).isdisjoint(which[0])


def _advanced(clock: Instants, rows: _Rows, which: _Which) -> Instants:
    clock = clock.copy()
    rows.advance(clock, which, first=False)
    return clock


def _inserted(deep: npt.NDArray[np.int64], rows: _Rows, which: _Which, floor: np.datetime64) -> npt.NDArray[np.int64]:
    deep = deep.copy()
    rows.insert(deep, which, floor)
    return deep
