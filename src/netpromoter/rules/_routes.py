"""By which channel a person is written to."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any, Literal, TypeAlias

import attrs
import numpy as np
import numpy.typing as npt

from netpromoter._checks import one_of, refusal
from netpromoter.model import Contacts

from ._fields import names
from ._history import History, Occasions, among

__all__ = ["Channels", "Routes"]

_Codes: TypeAlias = npt.NDArray[np.int8]
_Positions: TypeAlias = npt.NDArray[np.integer[Any]]
_NONE = -1


@attrs.frozen(init=False)
class Channels:
    """In which order channels are tried: the first that has an address which has not failed.

    Parameters
    ----------
    *order : str
        The names of channels, as in `Contact.addresses`.
    prefer : str, optional
        An attribute that names the channel which each person prefers; it comes first where it can be reached.
    after_silence : {"same", "next"}, default "same"
        Whether a reminder takes the channel of the message that was not answered, or the next one.

    Examples
    --------
    >>> Channels("email", "sms", after_silence="next").order
    ('email', 'sms')
    """

    order: tuple[str, ...]
    prefer: str | None
    after_silence: Literal["same", "next"]

    def __init__(self, *order: str, prefer: str | None = None, after_silence: Literal["same", "next"] = "same") -> None:
        if prefer is not None:
            names("prefer", (prefer,))
        one_of("after_silence", after_silence, ("same", "next"))
        self.__attrs_init__(names("order", order, least=1), prefer, after_silence)


class Routes:
    """The channels that reach each contact now, as codes into the order; -1 for none."""

    def __init__(self, channels: Channels, contacts: Contacts, history: History) -> None:
        self._channels, self._contacts, self._history = channels, contacts, history
        named = [name for name in channels.order if name in contacts.addresses]
        if not named and len(contacts):
            rule = f"among those of the contacts, {', '.join(map(repr, contacts.addresses)) or 'who have none'}"
            raise refusal("channels", rule, ", ".join(channels.order))
        self._held = [contacts.fingerprints.get(name, np.zeros(len(contacts), np.uint64)) for name in channels.order]
        self._live = [
            (held != 0) & ~history.bounced(name) if name in contacts.addresses else held != 0
            for name, held in zip(channels.order, self._held, strict=True)
        ]

    @property
    def failed(self) -> npt.NDArray[np.bool_]:
        """Who has addresses, of which none works any more."""
        known: npt.NDArray[np.bool_] = np.any([held != 0 for held in self._held], axis=0)
        reached: npt.NDArray[np.bool_] = np.any(self._live, axis=0)
        return known & ~reached

    @cached_property
    def first(self) -> _Codes:
        """The channel of an invitation to each contact."""
        everybody = np.arange(len(self._contacts))
        return self._preferred(self._from(np.zeros(len(everybody), np.int8), everybody))

    def next(self, occasions: Occasions, people: _Positions) -> _Codes:
        """Give the channel of a further message to some people: that of the last one, or the one after it."""
        last = self._last(occasions)
        step = 1 if self._channels.after_silence == "next" else 0
        again = np.where(last < 0, 0, last + step)
        return self._from(np.where(self.lost(occasions, people), last + 1, again), people)

    def lost(self, occasions: Occasions, people: _Positions) -> npt.NDArray[np.bool_]:
        """Say whose last message went to an address that has failed for good since."""
        dead: npt.NDArray[np.bool_] = (occasions.destination != 0) & among(occasions.destination, self._history.dead)
        last = self._last(occasions)
        for code, name in enumerate(self._channels.order):
            if name in self._contacts.addresses:
                dead |= (last == code) & (occasions.destination == 0) & ~self._live[code][people]
        return dead

    def destinations(self, chosen: npt.NDArray[np.integer[Any]], positions: _Positions) -> npt.NDArray[np.uint64]:
        """Give the fingerprints of the addresses on the chosen channels."""
        found = np.zeros(len(positions), np.uint64)
        for code, held in enumerate(self._held):
            here = chosen == code
            found[here] = held[positions[here]]
        return found

    def _from(self, starts: npt.NDArray[np.integer[Any]], people: _Positions) -> _Codes:
        """Give the first channel that works, from a place in the order on and around."""
        chosen = np.full(len(starts), _NONE, np.int8)
        size = len(self._live)
        for turn in range(size):
            place = (starts + turn) % size
            for code, live in enumerate(self._live):
                chosen[(chosen < 0) & (place == code) & live[people]] = code
        return chosen

    def _last(self, occasions: Occasions) -> _Codes:
        table: Mapping[str, int] = self._history.channels
        last = np.full(len(occasions.channel), _NONE, np.int8)
        for code, name in enumerate(self._channels.order):
            if name in table:
                last[occasions.channel == table[name]] = code
        return last

    def _preferred(self, chosen: _Codes) -> _Codes:
        if self._channels.prefer is None or not len(chosen):
            return chosen
        column = self._contacts.columns.get(self._channels.prefer)
        if column is None or column.kind != "text" or column.absent:
            raise refusal("prefer", "an attribute of text, known of some contact", self._channels.prefer)
        for code, (name, live) in enumerate(zip(self._channels.order, self._live, strict=True)):
            if name in column.labels:
                chosen[live & ~column.missing & (column.values == column.labels.index(name))] = code
        return chosen
