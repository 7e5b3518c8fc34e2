"""Which message led to what, in a log that does not say so."""

from __future__ import annotations

from typing import Any, TypeAlias

import attrs
import numpy as np
import numpy.typing as npt

from netpromoter.model import KINDS, Touches

__all__ = ["Causes", "Places", "crossed", "messages_of", "rows_of"]

_Ints: TypeAlias = npt.NDArray[np.integer[Any]]
_Rows: TypeAlias = npt.NDArray[np.intp]

_MESSAGES = ("invited", "reminded")
_OF_OCCASION = ("answered", "declined", "shown")
_OF_PERSON = ("opted_out", "reminders_off", "bounced")


def rows_of(touches: Touches, *kinds: str) -> _Rows:
    """Find the rows of some kinds."""
    return np.flatnonzero(np.isin(touches.kind, [KINDS.index(kind) for kind in kinds]))


def messages_of(touches: Touches) -> _Rows:
    """Find the rows that are messages."""
    return rows_of(touches, *_MESSAGES)


class Places:
    """Where each group has what, in the order of time: looks up the last row of a group at or before an instant."""

    def __init__(self, groups: _Ints, at: npt.NDArray[np.datetime64]) -> None:
        self._times = np.unique(at)
        keys = self._keys(groups, at, "left")
        order = np.argsort(keys, kind="stable")
        self._sorted = keys[order]
        self._order, self._groups = np.append(order, -1), np.append(groups, -1)  # the last place is for none

    def _keys(self, groups: _Ints, at: npt.NDArray[np.datetime64], side: Any) -> npt.NDArray[np.int64]:
        return groups.astype(np.int64) * (len(self._times) + 1) + np.searchsorted(self._times, at, side)

    def before(self, groups: _Ints, at: npt.NDArray[np.datetime64]) -> _Rows:
        """Give the last row of each group at or before an instant; -1 for none."""
        return self._found(groups, np.searchsorted(self._sorted, self._keys(groups, at, "right"), "left") - 1)

    def after(self, groups: _Ints, at: npt.NDArray[np.datetime64]) -> _Rows:
        """Give the first row of each group after an instant; -1 for none."""
        return self._found(groups, np.searchsorted(self._sorted, self._keys(groups, at, "right"), "left"))

    def _found(self, groups: _Ints, places: _Rows) -> _Rows:
        rows = self._order[places]
        return np.where(self._groups[rows] == groups, rows, -1)


@attrs.frozen(kw_only=True, eq=False)
class Causes:
    """What messages led to: row `effect` came of row `message`, after `delay`; in the order of the effects."""

    effect: _Rows
    message: _Rows
    delay: npt.NDArray[np.timedelta64]

    @classmethod
    def of(cls, touches: Touches) -> Causes:
        """Find the message behind each answer, decline, showing, opt-out and bounce that has one.

        It is the last one before: of the same occasion for an answer, a decline or a showing, and of the step that
        they name, where they name one; of any for the others.
        """
        sent = messages_of(touches)
        found = [_behind(touches, sent, rows_of(touches, *_OF_PERSON), touches.contact)]
        occasion = crossed(touches.contact, touches.survey, touches.occasion)
        effects = rows_of(touches, *_OF_OCCASION)
        named = _behind(touches, sent, effects, crossed(occasion, touches.step))
        found += [named, _behind(touches, sent, np.setdiff1d(effects, named[0]), occasion)]
        effect, message = np.concatenate(found, axis=1)
        order = np.argsort(effect)
        effect, message = effect[order], message[order]
        return cls(effect=effect, message=message, delay=touches.at[effect] - touches.at[message])


def _behind(touches: Touches, sent: _Rows, effects: _Rows, groups: _Ints) -> npt.NDArray[np.intp]:
    """Pair effects with the last message of their group, and leave out those that have none."""
    last = Places(groups[sent], touches.at[sent]).before(groups[effects], touches.at[effects])
    known = last >= 0
    return np.stack([effects[known], sent[last[known]]])


def crossed(*columns: _Ints) -> npt.NDArray[np.int64]:
    """Number the combinations of some columns."""
    crossed = np.zeros(len(columns[0]), np.int64)
    for column in columns:
        codes = crossed * (int(column.max(initial=0)) + 2) + column + 1
        crossed = np.unique(codes, return_inverse=True)[1].reshape(-1)
    return crossed
