"""Touches: what has happened to people, as integer-coded columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import Any, TypeVar

import attrs
import numpy as np
import numpy.typing as npt

from netpromoter._checks import refusal

from ._case_events import CaseAlerted, CaseMoved, CaseNoted, CaseOpened, FollowUpDecided
from ._events import (
    Bounced,
    Coded,
    Declined,
    Event,
    Failed,
    OptedIn,
    OptedOut,
    Responded,
    Scheduled,
    Sending,
    Sent,
    Settled,
    Shown,
    Triggered,
    WaveDrawn,
    Withheld,
)
from ._instants import Instants, aware, instant

__all__ = ["KINDS", "Touches"]

#: What can happen to a person, by code. The first message of an occasion is "invited", every further one "reminded".
KINDS = (
    "invited",
    "reminded",
    "shown",
    "answered",
    "declined",
    "opted_out",
    "reminders_off",
    "opted_in",
    "bounced",
    "triggered",
)
_CODE = {kind: np.uint8(code) for code, kind in enumerate(KINDS)}
_NONE = -1
_COLUMNS: dict[str, Any] = {
    "contact": np.int32,
    "kind": np.uint8,
    "at": "datetime64[us]",
    "survey": np.int16,
    "occasion": np.int32,
    "step": np.int16,
    "attempt": np.int16,
    "channel": np.int16,
    "destination": np.uint64,
    "arm": np.int16,
    "touchpoint": np.int16,
    "rating": np.int8,
    "waits": np.bool_,
}
_LABELS = {
    "contact": "contacts",
    "survey": "surveys",
    "occasion": "occasions",
    "channel": "channels",
    "arm": "arms",
    "touchpoint": "touchpoints",
}


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Touches:
    """The history of everybody, one row per thing that happened, in columns of small integers.

    A message is one row: at the instant for which it was scheduled, or at which it was taken or left if that was later.
    An attempt that takes the place of one which did not reach anybody takes its row. A message that was withheld has
    none, unless an attempt of it had left after all.
    Every code of -1 means none.

    Parameters
    ----------
    contact, survey, occasion, channel, arm, touchpoint : array of int, shape (rows,)
        Codes into `contacts`, `surveys`, `occasions`, `channels`, `arms` and `touchpoints`.
    kind : array of uint8, shape (rows,)
        Codes into `KINDS`.
    at : array of datetime64[us], shape (rows,)
        When, in UTC.
    step, attempt : array of int, shape (rows,)
        Which message of an occasion: step 0 invites, and an attempt above 0 repeats one that was not delivered.
    destination : array of uint64, shape (rows,)
        Fingerprints of addresses; 0 where it is not known.
    rating : array of int8, shape (rows,)
        The answer, for rows of kind "answered".
    waits : array of bool, shape (rows,), default False
        Whether it is a message that is still to leave: nobody has taken it yet.
    contacts, occasions, channels, arms, touchpoints : tuple of str
        What the codes stand for.
    surveys : tuple of (str, str)
        The key and the kind of each survey.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> from netpromoter.model import OptedOut, Touches, Triggered
    >>> at = datetime(2026, 6, 1, 8, tzinfo=UTC)
    >>> touches = Touches.of([
    ...     Triggered(event="case-7", touchpoint="case closed", contact="c-1", at=at), OptedOut(contact="c-1", at=at),
    ... ])
    >>> touches
    Touches(2 rows)
    >>> [KINDS[code] for code in touches.kind], touches.contact.tolist(), touches.contacts
    (['triggered', 'opted_out'], [0, 0], ('c-1',))
    """

    contact: npt.NDArray[np.int32]
    kind: npt.NDArray[np.uint8]
    at: Instants
    survey: npt.NDArray[np.int16]
    occasion: npt.NDArray[np.int32]
    step: npt.NDArray[np.int16]
    attempt: npt.NDArray[np.int16]
    channel: npt.NDArray[np.int16]
    destination: npt.NDArray[np.uint64]
    arm: npt.NDArray[np.int16]
    touchpoint: npt.NDArray[np.int16]
    rating: npt.NDArray[np.int8]
    waits: npt.NDArray[np.bool_] = attrs.field()
    contacts: Sequence[str]
    surveys: Sequence[tuple[str, str]] = ()
    occasions: Sequence[str] = ()
    channels: Sequence[str] = ()
    arms: Sequence[str] = ()
    touchpoints: Sequence[str] = ()

    @waits.default
    def _none_waits(self) -> npt.NDArray[np.bool_]:
        return np.zeros(len(self.at), np.bool_)

    def __attrs_post_init__(self) -> None:
        for name, dtype in _COLUMNS.items():
            values = getattr(self, name)
            if values.dtype != np.dtype(dtype) or values.shape != self.at.shape:
                rule = f"a column of {np.dtype(dtype)} with {len(self.at):,} rows"
                raise refusal(name, rule, f"{values.dtype}, shape {values.shape}")
        for name, labels in _LABELS.items():
            values, size = getattr(self, name), len(getattr(self, labels))
            if len(values) and not _NONE <= values.min() <= values.max() < size:
                raise refusal(name, f"codes from -1 to {size - 1}", f"{values.min()} to {values.max()}")
        if len(self.kind) and self.kind.max() >= len(KINDS):
            raise refusal("kind", f"codes from 0 to {len(KINDS) - 1}", int(self.kind.max()))
        if np.isnat(self.at).any():
            raise refusal("at", "known in every row", "NaT")

    @classmethod
    def of(cls, events: Iterable[Event]) -> Touches:
        """Fold events into columns, in the order in which they come.

        Parameters
        ----------
        events : iterable of Event
            A log. An event whose id came before is taken once.

        Returns
        -------
        Touches

        Raises
        ------
        InvalidArgument
            If something in it is not an event.
        """
        fold = _Fold()
        for event in events:
            fold.add(event)
        return fold.touches()

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.at)

    def __repr__(self) -> str:
        return f"Touches({len(self):,} {'row' if len(self) == 1 else 'rows'})"

    def __add__(self, other: Touches) -> Touches:
        """Put the rows of another history behind these; a message and what came of it belong in one of them."""
        if not isinstance(other, Touches):
            return NotImplemented
        theirs: dict[str, Any] = {name: getattr(other, name) for name in _COLUMNS}
        merged: dict[str, Any] = {}
        for name, table in _LABELS.items():
            merged[table], places = _united(getattr(self, table), getattr(other, table))
            _check_size(name, len(merged[table]))
            theirs[name] = places[theirs[name]].astype(_COLUMNS[name])
        merged |= {name: np.concatenate([getattr(self, name), values]) for name, values in theirs.items()}
        return Touches(**merged)

    def where(self, rows: npt.NDArray[Any]) -> Touches:
        """Return some of the rows, by mask or by position."""
        chosen: dict[str, Any] = {name: getattr(self, name)[rows] for name in _COLUMNS}
        return attrs.evolve(self, **chosen)

    @cached_property
    def in_order(self) -> bool:
        """Whether the rows stand in the order of time."""
        return bool((self.at[1:] >= self.at[:-1]).all())

    def sorted(self) -> Touches:
        """Return the rows in the order of time; rows of one instant keep theirs."""
        return self if self.in_order else self.where(np.argsort(self.at, kind="stable"))

    def rows(self) -> Iterator[dict[str, Any]]:
        """Give each row as a plain dict: labels in the place of codes, aware datetimes, and None for none.

        Yields
        ------
        dict
            With the names of the columns, and ``survey_kind``; ``survey`` is the key alone.
        """
        return map(self._row, range(len(self)))

    def _row(self, place: int) -> dict[str, Any]:
        numbers: dict[str, int] = {name: int(getattr(self, name)[place]) for name in _COLUMNS if name != "at"}
        row: dict[str, Any] = {name: None if number == _NONE else number for name, number in numbers.items()}
        for name, table in _LABELS.items():
            row[name] = None if numbers[name] == _NONE else getattr(self, table)[numbers[name]]
        survey, kind = row["survey"] or (None, None)
        known = {"kind": KINDS[numbers["kind"]], "at": aware(self.at[place]), "survey": survey, "survey_kind": kind}
        return row | known | {"destination": numbers["destination"] or None, "waits": bool(numbers["waits"])}


_Label = TypeVar("_Label")


def _united(mine: Sequence[_Label], theirs: Sequence[_Label]) -> tuple[Sequence[_Label], npt.NDArray[np.int64]]:
    """Unite two tables of labels, and say where the codes of the second now are; the last place is for none."""
    if mine is theirs:
        return mine, np.append(np.arange(len(mine)), _NONE)
    places = {label: place for place, label in enumerate(mine)}
    codes = [places.setdefault(label, len(places)) for label in theirs]
    return tuple(places), np.array([*codes, _NONE], np.int64)


def _check_size(name: str, size: int) -> None:
    most = int(np.iinfo(_COLUMNS[name]).max)
    if size > most:
        raise refusal(_LABELS[name], f"{most:,} at most", size)


class _Fold:
    """Rows under way: a message has one, whatever is reported of it."""

    def __init__(self) -> None:
        self._rows: dict[str, list[Any]] = {name: [] for name in _COLUMNS}
        self._labels: dict[str, dict[Any, int]] = {name: {} for name in _LABELS}
        self._seen: set[str] = set()
        self._messages: dict[str, int] = {}
        self._waiting: dict[str, int] = {}
        self._reached: dict[tuple[str, str, str], int] = {}
        self._undelivered: set[int] = set()
        self._sent: set[int] = set()
        self._withheld: set[int] = set()

    def add(self, event: Event) -> None:
        reader = _READERS.get(type(event))
        if reader is None and type(event) not in _SILENT:
            raise refusal("events", "made of events", event)
        if reader is not None and event.id not in self._seen:
            self._seen.add(event.id)
            reader(self, event)

    def touches(self) -> Touches:
        for name, codes in self._labels.items():
            _check_size(name, len(codes))
        found: dict[str, Any] = {name: np.array(values, _COLUMNS[name]) for name, values in self._rows.items()}
        found["waits"][list(self._waiting.values())] = True
        touches = Touches(**found | {_LABELS[name]: tuple(codes) for name, codes in self._labels.items()})
        return touches.where(np.delete(np.arange(len(touches)), list(self._withheld))) if self._withheld else touches

    def row(self, kind: str, at: np.datetime64, contact: str, **facts: Any) -> int:
        values: dict[str, Any] = {"step": _NONE, "attempt": _NONE, "destination": 0, "rating": _NONE, "waits": False}
        values |= facts
        values |= {"kind": _CODE[kind], "at": at, "contact": contact}
        for name, codes in self._labels.items():
            label = values.get(name)
            values[name] = _NONE if label is None else codes.setdefault(label, len(codes))
        for name, rows in self._rows.items():
            rows.append(values[name])
        return len(self._rows["at"]) - 1

    def scheduled(self, event: Scheduled) -> None:
        message = event.message
        self._reached[message.survey, message.occasion, message.contact] = message.destination
        before = self._messages.get(attrs.evolve(message, attempt=message.attempt - 1).id) if message.attempt else None
        place = self.row(
            "reminded" if message.step or (message.attempt and before not in self._withheld) else "invited",
            instant("due", message.due),
            message.contact,
            survey=(message.survey, message.kind),
            occasion=message.occasion,
            step=message.step,
            attempt=message.attempt,
            channel=message.channel,
            destination=message.destination,
            arm=message.arm,
        )
        if before is not None and before in self._undelivered and before not in self._withheld:
            place = self._again(before)
        self._messages[message.id] = self._waiting[message.id] = place

    def _again(self, before: int) -> int:
        """Let the last row take the place of an attempt that did not reach anybody."""
        kind = self._rows["kind"][before]
        for rows in self._rows.values():
            rows[before] = rows.pop()
        self._rows["kind"][before] = kind
        self._undelivered.discard(before)
        return before

    def sending(self, event: Sending | Sent) -> None:
        """Whoever has taken a message may have sent it, whatever becomes known of it."""
        self._waiting.pop(event.message, None)
        place = self._messages.get(event.message)
        if place is not None:
            rows = self._rows["at"]
            rows[place] = max(rows[place], instant("at", event.at))

    def sent(self, event: Sent) -> None:
        self.sending(event)
        if event.message in self._messages:
            self._sent.add(self._messages[event.message])
            self._withheld.discard(self._messages[event.message])

    def failed(self, event: Failed) -> None:
        self._waiting.pop(event.message, None)
        place = self._messages.get(event.message)
        if place is None:
            return
        if event.permanent:
            self._bounce(place, instant("at", event.at))
        else:
            self._undelivered.add(place)

    def withheld(self, event: Withheld) -> None:
        self._waiting.pop(event.message, None)
        place = self._messages.get(event.message)
        if place is not None and place not in self._sent:
            self._withheld.add(place)

    def settled(self, event: Settled) -> None:
        self._waiting.pop(event.message, None)
        place = self._messages.get(event.message)
        if place is not None and not event.delivered:
            self._undelivered.add(place)

    def _bounce(self, place: int, at: np.datetime64, destination: int = 0) -> None:
        for rows in self._rows.values():
            rows.append(rows[place])
        self._rows["at"][-1], self._rows["kind"][-1] = at, _CODE["bounced"]
        self._rows["destination"][-1] = destination or self._rows["destination"][place]

    def bounced(self, event: Bounced) -> None:
        place = self._messages.get(event.message or "")
        if place is not None:
            self._bounce(place, instant("at", event.at), event.destination)
        else:
            at = instant("at", event.at)
            self.row("bounced", at, event.contact, channel=event.channel, destination=event.destination)

    def asked(self, kind: str, event: Shown | Declined) -> None:
        self.row(
            kind,
            instant("at", event.at),
            event.contact,
            survey=(event.survey, event.kind),
            occasion=event.occasion,
            channel=event.channel if isinstance(event, Shown) else None,
            destination=self._reached.get((event.survey, event.occasion, event.contact), 0),
        )

    def responded(self, event: Responded) -> None:
        answer = event.response
        self.row(
            "answered",
            instant("at", answer.at),
            answer.contact,
            survey=(answer.survey, answer.kind),
            occasion=answer.occasion,
            step=_NONE if answer.step is None else answer.step,
            channel=answer.channel,
            arm=answer.arm,
            rating=answer.rating,
            destination=answer.destination or self._reached.get((answer.survey, answer.occasion, answer.contact), 0),
        )

    def opted(self, kind: str, event: OptedOut | OptedIn) -> None:
        self.row(kind, instant("at", event.at), event.contact, destination=event.destination)

    def triggered(self, event: Triggered) -> None:
        at = instant("at", event.at)
        self.row("triggered", at, event.contact, occasion=event.event, touchpoint=event.touchpoint)


_READERS: dict[type, Any] = {
    Scheduled: _Fold.scheduled,
    Sending: _Fold.sending,
    Sent: _Fold.sent,
    Failed: _Fold.failed,
    Bounced: _Fold.bounced,
    Shown: lambda fold, event: fold.asked("shown", event),
    Declined: lambda fold, event: fold.asked("declined", event),
    Responded: _Fold.responded,
    OptedOut: lambda fold, event: fold.opted("reminders_off" if event.reminders_only else "opted_out", event),
    OptedIn: lambda fold, event: fold.opted("opted_in", event),
    Triggered: _Fold.triggered,
    Withheld: _Fold.withheld,
    Settled: _Fold.settled,
}
#: These say nothing of who was asked and who answered, when.
_SILENT = frozenset({WaveDrawn, Coded, FollowUpDecided, CaseOpened, CaseMoved, CaseNoted, CaseAlerted})
