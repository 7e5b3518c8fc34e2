"""The messages of a plan, as columns that read like a list."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, overload

import attrs
import numpy as np
import numpy.typing as npt

from netpromoter.model import KINDS, Contacts, Instants, Message, Touches, aware
from netpromoter.rules import History, Policy

__all__ = ["Coded", "Labels", "Messages"]

_Ints = npt.NDArray[np.integer[Any]]


class Coded(Sequence[Any]):
    """Labels by their codes."""

    def __init__(self, codes: _Ints, labels: Sequence[str]) -> None:
        self._codes, self._labels = codes, labels

    def __len__(self) -> int:
        return len(self._codes)

    def __getitem__(self, place: Any) -> Any:
        return self._labels[self._codes[place]]


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
            return [self[each] for each in range(*place.indices(len(self)))]
        return self._message(range(len(self))[place])

    def __iter__(self) -> Iterator[Message]:
        return map(self._message, range(len(self)))

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
        survey, position = self.policy.survey, int(self.positions[place])
        due: Any = aware(self.due[place])
        channel = self.policy.channels.order[self.channel[place]]
        contact = self.contacts.at(position)
        return Message(
            survey=survey.key,
            kind=survey.kind,
            revision=survey.revision,
            occasion=_at(self.occasions, place),
            contact=contact.id,
            step=int(self.step[place]),
            attempt=int(self.attempt[place]),
            channel=channel,
            to=contact.addresses[channel],
            destination=int(self.destination[place]),
            due=due,
            locale=contact.locale,
            time_zone=contact.time_zone,
            stratum=_at(self.strata, place),
            probability=None if self.probability is None else float(self.probability[place]),
            snapshot={name: self.contacts.columns[name][position] for name in self.policy.keep},
            **self._words(place),
        )

    def _words(self, place: int) -> dict[str, Any]:
        """Choose the template and the subject: a variant has its own, a reminder the template of its step."""
        step, arm = int(self.step[place]), _at(self.arms, place)
        variant = self.policy.variants.named(arm) if self.policy.variants else None
        template = (variant and variant.template) or "invitation"
        if step:
            template = self.policy.reminders.template(step) if self.policy.reminders else "reminder"
        return {"template": template, "subject": variant.subject if variant else None, "arm": arm}

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
        for place in range(len(self)):
            yield {
                "contact": str(self.contacts.ids[self.positions[place]]),
                "occasion": _at(self.occasions, place),
                "step": int(self.step[place]),
                "attempt": int(self.attempt[place]),
                "channel": self.policy.channels.order[self.channel[place]],
                "due": aware(self.due[place]),
                "arm": _at(self.arms, place),
                "stratum": _at(self.strata, place),
                "probability": None if self.probability is None else float(self.probability[place]),
            }


def _at(values: Sequence[Any], place: int) -> Any:
    return values[place if len(values) != 1 else 0]


def _coded(values: Sequence[Any], size: int) -> tuple[npt.NDArray[np.int32], tuple[str, ...]]:
    """Number distinct labels in the order in which they come; None is -1."""
    if len(values) == 1:
        return np.full(size, -1 if values[0] is None else 0, np.int32), () if values[0] is None else (values[0],)
    codes: dict[str, int] = {}
    found = [-1 if value is None else codes.setdefault(value, len(codes)) for value in values]
    return np.array(found, np.int32), tuple(codes)
