"""What happened on each day, counted from touches."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, TypeAlias

import attrs
import numpy as np
import numpy.typing as npt

from netpromoter._checks import count, one_of
from netpromoter.frames import Library, frame
from netpromoter.model import KINDS, Touches, instant
from netpromoter.stats import Method, Score, intervals

__all__ = ["Days"]

_Counts: TypeAlias = npt.NDArray[np.int64]

_DAY = timedelta(days=1)
_KINDS = {
    "invitations": ("invited",),
    "reminders": ("reminded",),
    "answers": ("answered",),
    "declines": ("declined",),
    "opt_outs": ("opted_out",),
    "bounces": ("bounced",),
}


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Days:
    """Counts of every day: of messages, of what came of them, and of the cases that answers open.

    Days are spans of 24 hours from `start` on; the last one is shorter where the time is up sooner.

    Parameters
    ----------
    start : datetime
        When the first day begins, aware.
    number : int
        How many days there are, d.
    touches : Touches
        What happened in them.
    case : array of bool, shape (rows,)
        Which touches are answers that open a case.
    """

    start: datetime
    number: int
    touches: Touches
    case: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        """Return the number of days."""
        return self.number

    def __repr__(self) -> str:
        return f"Days({self.number:,} days from {self.start:%Y-%m-%d})"

    def count(self, what: str) -> _Counts:
        """Count on each day, shape (d,).

        Parameters
        ----------
        what : str
            "invitations", "reminders", "messages" (both), "answers", "declines", "opt_outs", "bounces" or "cases".

        Returns
        -------
        array of int, shape (d,)

        Raises
        ------
        InvalidArgument
            If there is no such count.
        """
        one_of("what", what, _NAMES)
        if what == "messages":
            return self.count("invitations") + self.count("reminders")
        kinds = [KINDS.index(kind) for kind in _KINDS.get(what, ())]
        return self._per_day(self.case if what == "cases" else np.isin(self.touches.kind, kinds))

    @property
    def totals(self) -> dict[str, int]:
        """The counts of all days together, by name."""
        return {name: int(self.count(name).sum()) for name in _NAMES}

    @property
    def score(self) -> Score:
        """The score of all answers; one of nobody is refused."""
        answered = self.touches.kind == KINDS.index("answered")
        return Score.from_histogram(np.bincount(self.touches.rating[answered], minlength=11).tolist())

    def _per_day(self, chosen: npt.NDArray[np.bool_]) -> _Counts:
        return np.bincount(self._day(chosen), minlength=self.number)

    def _day(self, chosen: npt.NDArray[np.bool_]) -> _Counts:
        """Say on which day each of some rows falls; what falls on the very end is of the last day."""
        since = self.touches.at[chosen] - instant("start", self.start)
        return np.clip(since // np.timedelta64(_DAY, "us"), 0, self.number - 1)

    def intervals(
        self, *, every: int = 7, confidence_level: float = 0.95, method: Method = "score"
    ) -> list[dict[str, Any]]:
        """Say how the interval of the score of all answers so far narrows.

        Parameters
        ----------
        every : int, default 7
            After how many days at a time; the last day is always among them.
        confidence_level : float, default 0.95
            Strictly between 0 and 1.
        method : str, default "score"
            Any name of `netpromoter.stats.intervals`.

        Returns
        -------
        list of dict
            ``day`` (how many days are over), ``n``, and ``nps``, ``low`` and ``high`` in points; None where nobody has
            answered yet.
        """
        step = count("every", every, least=1)
        ends = [*range(step, self.number, step), self.number]
        groups = self._groups().cumsum(axis=0)[np.array(ends) - 1]
        known = groups.sum(axis=1) > 0
        some = groups[known]
        low, high = intervals(*some.T, method=method, confidence_level=confidence_level)
        limits = zip(100 * (some[:, 0] - some[:, 2]) / some.sum(axis=1), low, high, strict=True)
        rows = []
        for day, n in zip(ends, groups.sum(axis=1).tolist(), strict=True):
            estimates = map(float, next(limits)) if n else (None, None, None)
            rows.append({"day": day, "n": n} | dict(zip(("nps", "low", "high"), estimates, strict=True)))
        return rows

    def _groups(self) -> _Counts:
        """Count promoters, passives and detractors of each day, shape (d, 3)."""
        answered = self.touches.kind == KINDS.index("answered")
        ratings = self.touches.rating[answered]
        cells = 3 * self._day(answered) + (ratings < 9) + (ratings < 7)
        return np.bincount(cells, minlength=3 * self.number).reshape(-1, 3)

    def rows(self) -> Iterator[dict[str, Any]]:
        """Give each day as a plain dict: ``day`` from 1 on, ``date`` when it begins, and the counts by name."""
        counts = {name: self.count(name).tolist() for name in _NAMES}
        for place in range(self.number):
            day: dict[str, Any] = {"day": place + 1, "date": self.start + place * _DAY}
            yield day | {name: column[place] for name, column in counts.items()}

    def to_frame(self, library: Library) -> Any:
        """Give the rows as a dataframe.

        Parameters
        ----------
        library : {"pandas", "polars", "pyarrow"}
            Of which library.

        Returns
        -------
        dataframe
            The columns of `rows`.
        """
        rows = list(self.rows())
        types: dict[str, type] = {"day": int, "date": datetime} | dict.fromkeys(_NAMES, int)
        return frame({name: [row[name] for row in rows] for name in types}, types, library)


_NAMES = (*_KINDS, "messages", "cases")
