"""Whole numbers of a ledger, folded into touches as `Touches.of` folds the events themselves, a column at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from netpromoter._checks import refusal
from netpromoter.model import KINDS, Touches

from ._kinds import CODE_OF

__all__ = ["folded"]

Column: TypeAlias = "npt.NDArray[np.int64]"
#: Gives what some codes of a column stand for.
Texts: TypeAlias = Callable[[str, Column], Sequence[Any]]

_LABELED: Mapping[str, tuple[str, Any]] = {
    "contact": ("contacts", np.int32),
    "survey": ("surveys", np.int16),
    "occasion": ("occasions", np.int32),
    "channel": ("channels", np.int16),
    "arm": ("arms", np.int16),
    "touchpoint": ("touchpoints", np.int16),
}
_BECOMES = {
    "triggered": "triggered",
    "scheduled": "invited",
    "shown": "shown",
    "responded": "answered",
    "declined": "declined",
    "opted_out": "opted_out",
    "reminders_off": "reminders_off",
    "opted_in": "opted_in",
    "bounced": "bounced",
    "failed_for_good": "bounced",
}
#: The kind of touch of each kind of event; what makes no row has that of a bounce.
_KIND = np.full(len(CODE_OF), KINDS.index("bounced"), np.uint8)
for _name, _kind in _BECOMES.items():
    _KIND[CODE_OF[_name]] = KINDS.index(_kind)
_INVITED, _REMINDED = KINDS.index("invited"), KINDS.index("reminded")
#: After these a message waits no more.
_ENDS_WAIT = ("sending", "sent", "failed", "failed_for_good", "settled", "settled_undelivered", "withheld")
_MAKES_A_ROW = np.zeros(len(CODE_OF), bool)
_MAKES_A_ROW[[CODE_OF[name] for name in _BECOMES if name not in {"bounced", "failed_for_good"}]] = True


def folded(columns: Mapping[str, Column], texts: Texts) -> Touches:
    """Fold columns of events into touches.

    Parameters
    ----------
    columns : mapping of str to array of int64
        "position" and the columns of the database, in the order of positions.
    texts : callable
        Given "contact", "survey" and so on, and some codes, it gives what they stand for.

    Returns
    -------
    Touches
    """
    fold = _Fold(columns)
    fold.report()
    fold.follow_attempts()
    return fold.touches(texts)


class _Fold:
    """A row for each event, of which those remain that are touches."""

    def __init__(self, columns: Mapping[str, Column]) -> None:
        self.columns = columns
        self.event = columns["kind"]
        self.linked = _places(columns["position"], columns["about"])
        is_linked = self.linked >= 0
        bounced, failed = self.event == CODE_OF["bounced"], self.event == CODE_OF["failed_for_good"]
        self.copies = (bounced | failed) & is_linked
        self.labeled = _MAKES_A_ROW[self.event] | (bounced & ~is_linked)
        self.there = self.labeled | self.copies
        self.withheld = np.zeros(len(self.event), bool)
        self.waits = self.event == CODE_OF["scheduled"]
        self.kind = _KIND[self.event]
        self.at = columns["at"].copy()
        self.origin = np.where(self.copies, self.linked, np.arange(len(self.event)))
        reminded = (self.event == CODE_OF["scheduled"]) & ((columns["step"] > 0) | (columns["attempt"] > 0))
        self.kind[reminded] = _REMINDED
        own = columns["destination"]
        reached = own[self.linked]
        self.destination = np.where((own == 0) & is_linked & (self.event != CODE_OF["scheduled"]), reached, own)

    def report(self) -> None:
        """Let outcomes change the rows of their messages."""
        for name in ("sending", "sent"):
            reports = self._reports(name)
            np.maximum.at(self.at, self.linked[reports], self.at[reports])
        for name in _ENDS_WAIT:
            self.waits[self.linked[self._reports(name)]] = False
        self.withheld[self.linked[self._reports("withheld")]] = True
        self.withheld[self.linked[self._reports("sent")]] = False

    def _reports(self, name: str) -> Column:
        return np.flatnonzero((self.event == CODE_OF[name]) & (self.linked >= 0))

    def follow_attempts(self) -> None:
        """Let the attempts that followed others take their rows, one event after the other: there are few."""
        again = (self.event == CODE_OF["scheduled"]) & (self.linked >= 0)
        if not again.any():
            return
        root = np.arange(len(self.event))
        for place in np.flatnonzero(again):
            root[place] = root[self.linked[place]]
        first = np.zeros(len(self.event), bool)
        first[root[again]] = True
        message = np.where(self.event == CODE_OF["scheduled"], np.arange(len(self.event)), self.linked)
        speaks = (message >= 0) & np.isin(self.event, list(_FOLLOWED))
        part = np.flatnonzero(speaks & first[root[message]])
        _Attempts(self, part).follow()

    def touches(self, texts: Texts) -> Touches:
        rows = np.flatnonzero(self.there & ~self.withheld)
        origin = self.origin[rows]
        found: dict[str, Any] = {
            name: self.columns[name][origin].astype(dtype)
            for name, dtype in (("step", np.int16), ("attempt", np.int16), ("rating", np.int8))
        }
        found |= {"kind": self.kind[rows], "at": self.at[rows].view("datetime64[us]")}
        found["waits"] = self.waits[origin] & (self.event[rows] == CODE_OF["scheduled"])
        found["destination"] = np.ascontiguousarray(self.destination[rows]).view(np.uint64)
        labeled = np.flatnonzero(self.labeled)
        for name, (table, dtype) in _LABELED.items():
            codes = self.columns["person" if name == "contact" else name]
            order = _order(codes[labeled])
            if len(order) > np.iinfo(dtype).max:
                raise refusal(table, f"{np.iinfo(dtype).max:,} at most", len(order))
            found[table] = tuple(texts(name, order))
            found[name] = _renumbered(codes[origin], order).astype(dtype)
        return Touches(**found)


def _places(positions: Column, about: Column) -> Column:
    """Find the rows of some positions; -1 where there is none."""
    found = np.full(len(about), -1)
    asked = np.flatnonzero(about > 0)
    places = np.searchsorted(positions, about[asked])
    is_there = positions[np.minimum(places, len(positions) - 1)] == about[asked]
    found[asked[is_there]] = places[is_there]
    return found


def _order(codes: Column) -> Column:
    """Give the codes that there are, in the order in which they first come."""
    known = codes[codes >= 0]
    first = np.full(int(known.max(initial=-1)) + 1, len(known))
    np.minimum.at(first, known, np.arange(len(known)))
    there = np.flatnonzero(first < len(known))
    return there[np.argsort(first[there], kind="stable")]


def _renumbered(codes: Column, order: Column) -> Column:
    """Number codes by their places in an order; -1 stays."""
    places = np.full(max(int(codes.max(initial=-1)), int(order.max(initial=-1))) + 2, -1)
    places[order] = np.arange(len(order))
    return places[codes]


class _Attempts:
    """Messages with further attempts, whose rows depend on the order of what happened."""

    def __init__(self, fold: _Fold, part: Column) -> None:
        self._fold = fold
        self._part = part.tolist()
        self._rows: dict[int, int] = {}
        self._undelivered: set[int] = set()
        self._sent: set[int] = set()
        self._withheld: set[int] = set()
        messages = part[fold.event[part] == CODE_OF["scheduled"]]
        fold.at[messages] = fold.columns["at"][messages]
        fold.withheld[messages] = False

    def follow(self) -> None:
        for place in self._part:
            _FOLLOWED[int(self._fold.event[place])](self, place)
        self._fold.withheld[list(self._withheld)] = True

    def _row(self, place: int) -> int:
        return self._rows[int(self._fold.linked[place])]

    def scheduled(self, place: int) -> None:
        fold = self._fold
        before = self._rows.get(int(fold.linked[place]))
        self._rows[place] = place
        if before in self._withheld and not fold.columns["step"][place]:
            fold.kind[place] = _INVITED
        elif before is not None and before in self._undelivered and before not in self._withheld:
            self._undelivered.discard(before)
            self._rows[place] = before
            fold.there[place] = False
            fold.origin[before], fold.at[before] = place, fold.at[place]
            fold.destination[before] = fold.columns["destination"][place]

    def sending(self, place: int) -> None:
        row = self._row(place)
        self._fold.at[row] = max(self._fold.at[row], self._fold.at[place])

    def sent(self, place: int) -> None:
        self.sending(place)
        self._sent.add(self._row(place))
        self._withheld.discard(self._row(place))

    def failed(self, place: int) -> None:
        self._undelivered.add(self._row(place))

    def bounced(self, place: int) -> None:
        fold, row = self._fold, self._row(place)
        fold.origin[place] = fold.origin[row]
        fold.destination[place] = fold.columns["destination"][place] or fold.destination[row]

    def held(self, place: int) -> None:
        if self._row(place) not in self._sent:
            self._withheld.add(self._row(place))


_FOLLOWED: Mapping[int, Callable[[_Attempts, int], None]] = {
    CODE_OF["scheduled"]: _Attempts.scheduled,
    CODE_OF["sending"]: _Attempts.sending,
    CODE_OF["sent"]: _Attempts.sent,
    CODE_OF["failed"]: _Attempts.failed,
    CODE_OF["settled_undelivered"]: _Attempts.failed,
    CODE_OF["failed_for_good"]: _Attempts.bounced,
    CODE_OF["bounced"]: _Attempts.bounced,
    CODE_OF["withheld"]: _Attempts.held,
}
