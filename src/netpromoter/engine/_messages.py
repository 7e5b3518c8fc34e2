"""The messages of a plan, as columns that read like a list."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, overload

import attrs
import numpy as np
import numpy.typing as npt

from netpromoter.model import KINDS, Column, Contacts, Instants, Message, Touches, datetimes
from netpromoter.rules import History, Policy

__all__ = ["Coded", "Labels", "Messages"]

_Ints = npt.NDArray[np.integer[Any]]
_PAGE = 10_000


class Coded(Sequence[Any]):
    """Labels by their codes."""

    def __init__(self, codes: _Ints, labels: Sequence[str]) -> None:
        self._codes, self._labels = codes, labels

    def __len__(self) -> int:
        return len(self._codes)

    def __getitem__(self, place: Any) -> Any:
        return self._labels[self._codes[place]]

    def some(self, places: _Ints) -> list[Any]:
        """Give the labels at some places."""
        return [self._labels[code] for code in self._codes[places].tolist()]


class Labels(Sequence[Any]):
    """What the last message of some occasions said in a column, read when it is asked for."""

    def __init__(self, history: History, rows: _Ints, column: str) -> None:
        self._history, self._rows, self._column = history, rows, column

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, place: Any) -> Any:
        return self._history.labels(self._rows[[place]], self._column)[0]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._history.labels(self._rows, self._column))

    def some(self, places: _Ints) -> list[Any]:
        """Give the labels at some places."""
        return self._history.labels(self._rows[places], self._column)


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Messages(Sequence[Message]):
    """Messages that a plan proposes, in columns; each is made into a `Message` when it is looked at.

    Parameters
    ----------
    policy : Policy
        What they were planned by.
    contacts : Contacts
        Of whom they are some.
    positions : array of int, shape (m,)
        To whom, as positions among the contacts.
    due : array of datetime64[us], shape (m,)
        When each is to leave, in UTC.
    step, attempt, channel : array of int, shape (m,)
        As in `Message`; the channel is a code into the order of the policy's channels.
    destination : array of uint64, shape (m,)
        The fingerprints of the addresses.
    occasions, arms, strata : sequence of m, or of one for all
        The occasion, the arm and the stratum of each.
    probability : array of float, shape (m,), or None
        The inclusion probability of invitations. A reminder belongs to the draw of its invitation.
    """

    policy: Policy
    contacts: Contacts
    positions: _Ints
    due: Instants
    step: _Ints
    attempt: _Ints
    channel: _Ints
    destination: npt.NDArray[np.uint64]
    occasions: Sequence[str]
    arms: Sequence[str | None]
    strata: Sequence[str | None]
    probability: npt.NDArray[np.float64] | None = None

    def __len__(self) -> int:
        """Return the number of messages."""
        return len(self.positions)

    @overload
    def __getitem__(self, place: int) -> Message: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Message]: ...
    def __getitem__(self, place: Any) -> Any:
        """Return one message, or a list of them."""
        if isinstance(place, slice):
            return list(self._made(np.arange(*place.indices(len(self)))))
        return self._message(range(len(self))[place])

    def __iter__(self) -> Iterator[Message]:
        for places in self._pages():
            yield from self._made(places)

    def __repr__(self) -> str:
        return f"Messages({len(self):,})"

    @property
    def ids(self) -> list[str]:
        """The ids of the contacts, in the order of the messages."""
        return self.contacts.ids[self.positions].tolist()  # type: ignore[no-any-return]

    def each_occasion(self) -> Sequence[str]:
        """Name the occasion of every message."""
        return self.occasions if len(self.occasions) == len(self) else [self.occasions[0]] * len(self)

    def _message(self, place: int) -> Message:
        return next(self._made(np.array([place])))

    def _made(self, places: _Ints) -> Iterator[Message]:
        """Make some of the messages, of columns that are read at once."""
        survey, people = self.policy.survey, self.contacts
        facts = {
            **{name: getattr(self, name)[places].tolist() for name in ("step", "attempt", "destination")},
            "contact": people.ids[self.positions[places]].tolist(),
            "due": datetimes(self.due[places]),
            "locale": _held(people.locale, self.positions[places]),
            "time_zone": _held(people.time_zone, self.positions[places]),
            **self._labels(places),
        }
        snapshots = self._snapshots(self.positions[places])
        for place, snapshot, *row in zip(places.tolist(), snapshots, *facts.values(), strict=True):
            known = dict(zip(facts, row, strict=True))
            to = people.addresses[known["channel"]][self.positions[place]]
            known |= self._words(known["step"], known["arm"])
            yield Message(
                survey=survey.key, kind=survey.kind, revision=survey.revision, to=to, snapshot=snapshot, **known
            )

    def _labels(self, places: _Ints) -> dict[str, list[Any]]:
        """Read what some messages say of their occasion, channel and draw."""
        order, probability = self.policy.channels.order, self.probability
        named = {"occasion": self.occasions, "arm": self.arms, "stratum": self.strata}
        return {
            **{name: _some(values, places) for name, values in named.items()},
            "channel": [order[code] for code in self.channel[places].tolist()],
            "probability": [None] * len(places) if probability is None else probability[places].tolist(),
        }

    def _snapshots(self, positions: _Ints) -> Iterator[dict[str, Any]]:
        keep = self.policy.keep
        columns = [_held(self.contacts.columns[name], positions) for name in keep]
        rows = zip(*columns, strict=True) if columns else [()] * len(positions)
        return (dict(zip(keep, row, strict=True)) for row in rows)

    def _words(self, step: int, arm: str | None) -> dict[str, Any]:
        """Choose the template and the subject: a variant has its own, a reminder the template of its step."""
        variant = self.policy.variants.named(arm) if self.policy.variants else None
        template = (variant and variant.template) or "invitation"
        if step:
            template = self.policy.reminders.template(step) if self.policy.reminders else "reminder"
        return {"template": template, "subject": variant.subject if variant else None}

    def touches(self) -> Touches:
        """Return the messages as a history has them once they are adopted, in the order of time."""
        order = np.argsort(self.due, kind="stable")
        survey, size = self.policy.survey, len(self)
        occasion, occasions = _coded(self.occasions, size)
        arm, arms = _coded(self.arms, size)
        first = (self.step == 0) & (self.attempt == 0)
        return Touches(
            contact=self.positions.astype(np.int32),
            kind=np.where(first, KINDS.index("invited"), KINDS.index("reminded")).astype(np.uint8),
            at=self.due,
            survey=np.zeros(size, np.int16),
            occasion=occasion,
            step=self.step.astype(np.int16),
            attempt=self.attempt.astype(np.int16),
            channel=self.channel.astype(np.int16),
            destination=self.destination,
            arm=arm.astype(np.int16),
            touchpoint=np.full(size, -1, np.int16),
            rating=np.full(size, -1, np.int8),
            contacts=self.contacts.ids,  # type: ignore[arg-type]  # an array of str reads like a sequence
            surveys=((survey.key, survey.kind),),
            occasions=occasions,
            channels=self.policy.channels.order,
            arms=arms,
        ).where(order)

    def rows(self) -> Iterator[dict[str, Any]]:
        """Give each message as a plain dict, without its address."""
        for places in self._pages():
            columns = self.columns(places)
            yield from (dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True))

    def columns(self, places: _Ints | None = None) -> dict[str, list[Any]]:
        """Give the messages, or some of them, as plain columns, without addresses."""
        some = np.arange(len(self)) if places is None else places
        labels = self._labels(some)
        return {
            "contact": self.contacts.ids[self.positions[some]].tolist(),
            "occasion": labels["occasion"],
            "step": self.step[some].tolist(),
            "attempt": self.attempt[some].tolist(),
            "channel": labels["channel"],
            "due": datetimes(self.due[some]),
            **{name: labels[name] for name in ("arm", "stratum", "probability")},
        }

    def _pages(self) -> Iterator[_Ints]:
        """Give the places of all messages, so many at a time that their columns take no memory to speak of."""
        yield from (np.arange(first, min(first + _PAGE, len(self))) for first in range(0, len(self), _PAGE))


def _held(column: Column, positions: _Ints) -> list[Any]:
    """Give the values of some people as plain Python objects; None where one is missing."""
    some = column.take(positions)
    if some.kind == "text":
        labels = *some.labels, None
        return [labels[code] for code in np.where(some.missing, len(some.labels), some.values).tolist()]
    values = datetimes(some.values) if some.kind == "instant" else some.values.tolist()
    return [None if missing else value for value, missing in zip(values, some.missing.tolist(), strict=True)]


def _some(values: Sequence[Any], places: _Ints) -> list[Any]:
    """Give the labels of some messages, where there may be one for all."""
    if len(values) == 1:
        return [values[0]] * len(places)
    return values.some(places) if isinstance(values, Coded | Labels) else [values[place] for place in places.tolist()]


def _coded(values: Sequence[Any], size: int) -> tuple[npt.NDArray[np.int32], tuple[str, ...]]:
    """Number distinct labels in the order in which they come; None is -1."""
    if len(values) == 1:
        return np.full(size, -1 if values[0] is None else 0, np.int32), () if values[0] is None else (values[0],)
    codes: dict[str, int] = {}
    found = [-1 if value is None else codes.setdefault(value, len(codes)) for value in values]
    return np.array(found, np.int32), tuple(codes)
