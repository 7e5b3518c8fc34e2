"""What became of the cases of each owner, and how far owners can be told apart."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, Literal, TypeAlias, get_args

import attrs

from netpromoter._checks import between, count, one_of
from netpromoter._figures import percent
from netpromoter._html import escape, table
from netpromoter.frames import Library, frame
from netpromoter.model import Case, Promise
from netpromoter.stats import Share

from ._measure import Measure
from ._within_promise import WithinPromise, within_promise

__all__ = ["Caseload", "CaseloadMeasure", "Ranking", "caseloads", "ranking"]

#: By what owners are compared.
CaseloadMeasure: TypeAlias = Literal[
    "contacted", "closed", "attempt within promise", "contact within promise", "close within promise"
]
_MEASURES: tuple[CaseloadMeasure, ...] = get_args(CaseloadMeasure)
_PROMISES: tuple[Promise, ...] = get_args(Promise)


def _none_promised() -> Mapping[Promise, WithinPromise]:
    return {promise: WithinPromise(promise=promise) for promise in _PROMISES}


@attrs.frozen(kw_only=True, repr=False)
class Caseload:
    """What became of the cases that are somebody's; two are added where they are of different cases.

    Parameters
    ----------
    cases : int
        How many there are; duplicates are left out.
    contacted, closed : int
        In how many the person was reached, and how many are closed.
    promises : mapping of str to WithinPromise
        How promises stand.

    Examples
    --------
    >>> Caseload(cases=12, contacted=9, closed=7)
    Caseload(12 cases, 9 contacted, 7 closed)
    """

    cases: int = 0
    contacted: int = 0
    closed: int = 0
    promises: Mapping[Promise, WithinPromise] = attrs.field(factory=_none_promised, hash=False)

    def __repr__(self) -> str:
        return f"Caseload({self.cases:,} cases, {self.contacted:,} contacted, {self.closed:,} closed)"

    def measure(self, what: CaseloadMeasure = "closed") -> Measure:
        """Give a share of the cases.

        Parameters
        ----------
        what : str, default "closed"
            "contacted" and "closed" are of all cases, "attempt within promise", "contact within promise" and "close
            within promise" of those that are due.

        Returns
        -------
        Measure
        """
        one_of("what", what, _MEASURES)
        if what == "contacted" or what == "closed":  # noqa: PLR1714 -- so that type checkers narrow the name
            number = self.contacted if what == "contacted" else self.closed
            return Measure(what=what, of="cases", share=Share(count=number, n=self.cases))
        return next(each.measure for each in self.promises.values() if each.measure.what == what)

    def __add__(self, other: Caseload) -> Caseload:
        """Merge two caseloads of different cases."""
        if not isinstance(other, Caseload):
            return NotImplemented
        return Caseload(
            cases=self.cases + other.cases,
            contacted=self.contacted + other.contacted,
            closed=self.closed + other.closed,
            promises={promise: self.promises[promise] + other.promises[promise] for promise in _PROMISES},
        )


def caseloads(cases: Iterable[Case], at: datetime) -> dict[str | None, Caseload]:
    """Count the cases of each owner, those of nobody last."""
    owned: dict[str | None, list[Case]] = {}
    for case in cases:
        owned.setdefault(case.owner, []).append(case)
    in_order = sorted(owned, key=lambda owner: (owner is None, owner or ""))
    return {owner: _caseload(owned[owner], at) for owner in in_order}


def _caseload(cases: list[Case], at: datetime) -> Caseload:
    return Caseload(
        cases=len(cases),
        contacted=sum(case.kept("contact") is not None for case in cases),
        closed=sum(not case.is_open for case in cases),
        promises={promise: within_promise(promise, cases, at) for promise in _PROMISES},
    )


_COLUMNS: Mapping[str, type] = MappingProxyType(
    {
        "group": str,
        "rank": int,
        "rank_low": int,
        "rank_high": int,
        "value": float,
        "low": float,
        "high": float,
        "count": int,
        "n": int,
    }
)


def _minimum(value: Any) -> int:
    return count("minimum", value, least=1)


def _level(value: Any) -> float:
    return between("confidence_level", value, 0, 1)


@attrs.frozen(kw_only=True, repr=False)
class Ranking:
    """Groups in the order of a share, with what chance leaves open of that order.

    The intervals hold for all ranked groups at once: with 20 owners who do equally well, one of 20 intervals at 95 %
    would miss by chance. What they leave open of the order is told as a range of ranks, which holds for all groups at
    once too.

    Parameters
    ----------
    what : str
        What is counted.
    shares : mapping of str or None to Share
        By group; None is nobody's.
    minimum : int, default 10
        A group of fewer is listed and not ranked.
    confidence_level : float, default 0.95
        Strictly between 0 and 1, for all ranked groups together.

    References
    ----------
    Bonferroni's inequality gives the level of each interval; the ranges of ranks follow from the intervals as in Klein,
    M., Wright, T. and Wieczorek, J. (2020). A joint confidence region for an overall ranking of populations. *Journal
    of the Royal Statistical Society C* 69, 589-606.

    Examples
    --------
    >>> from netpromoter.stats import share
    >>> found = Ranking(what="closed", shares={"ann": share(48, 50), "bea": share(9, 30), "cy": share(2, 2)})
    >>> found
    Ranking(closed: 2 groups ranked, 1 of fewer than 10 not ranked)
    >>> [(row["group"], row["rank"], row["rank_low"], row["rank_high"]) for row in found.rows()]
    [('ann', 1, 1, 1), ('bea', 2, 2, 2), ('cy', None, None, None)]
    """

    what: str
    shares: Mapping[str | None, Share] = attrs.field(hash=False)
    minimum: int = attrs.field(default=10, converter=_minimum)
    confidence_level: float = attrs.field(default=0.95, converter=_level)

    @property
    def ranked(self) -> list[str | None]:
        """The groups that are large enough, the largest share first; equals in the order of their names."""
        large = [group for group, share in self.shares.items() if share.n >= self.minimum]
        return sorted(large, key=lambda group: (-(self.shares[group].exact or 0), group is None, group or ""))

    @property
    def not_ranked(self) -> list[str | None]:
        """The groups that are too small, in the order of their names."""
        small = [group for group, share in self.shares.items() if share.n < self.minimum]
        return sorted(small, key=lambda group: (group is None, group or ""))

    @property
    def level(self) -> float:
        """The level of each interval, at which all hold at once."""
        return 1 - (1 - self.confidence_level) / max(len(self.ranked), 1)

    def rows(self) -> list[dict[str, Any]]:
        """Give one plain dict for each group, the ranked ones first.

        Returns
        -------
        list of dict
            ``group``; ``rank``, and ``rank_low`` and ``rank_high`` within which the true rank lies, None where a group
            is too small; ``value``, ``low`` and ``high`` as shares; ``count`` and ``n``. Equal shares have one rank.
        """
        limits = {group: share.interval(confidence_level=self.level) for group, share in self.shares.items()}
        return [self._row(group, limits) for group in (*self.ranked, *self.not_ranked)]

    def _row(self, group: str | None, limits: Mapping[str | None, tuple[float, float]]) -> dict[str, Any]:
        share, (low, high) = self.shares[group], limits[group]
        ranks = self._ranks(group, limits) if share.n >= self.minimum else (None, None, None)
        ranked = dict(zip(("rank", "rank_low", "rank_high"), ranks, strict=True))
        numbers = {"value": share.value, "low": low, "high": high, "count": share.count, "n": share.n}
        return {"group": group, **ranked, **numbers}

    def _ranks(self, group: str | None, limits: Mapping[str | None, tuple[float, float]]) -> tuple[int, int, int]:
        """Give the rank, and how many groups are certainly before and certainly not behind it."""
        own, (low, high) = self.shares[group].exact or 0, limits[group]
        others = [each for each in self.ranked if each != group]
        ahead = sum((self.shares[each].exact or 0) > own for each in others)
        surely_ahead, surely_behind = (
            sum(limits[each][0] > high for each in others),
            sum(limits[each][1] < low for each in others),
        )
        return 1 + ahead, 1 + surely_ahead, 1 + len(others) - surely_behind

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
        rows = self.rows()
        return frame({name: [row[name] for row in rows] for name in _COLUMNS}, _COLUMNS, library)

    def __repr__(self) -> str:
        small = f", {len(self.not_ranked):,} of fewer than {self.minimum:,} not ranked" if self.not_ranked else ""
        return f"Ranking({self.what}: {len(self.ranked):,} groups ranked{small})"

    def _repr_html_(self) -> str:
        """Give a table, for notebooks."""
        level = f"all intervals hold at once with {self.confidence_level:.0%}"
        rows = [self._cells(row) for row in self.rows()]
        return table(["", "rank", "share", "interval", "of"], rows, caption=f"{escape(self.what)}; {level}")

    @staticmethod
    def _cells(row: Mapping[str, Any]) -> list[str]:
        rank = "" if row["rank"] is None else f"{row['rank']} ({row['rank_low']} to {row['rank_high']})"
        value = "" if row["value"] is None else percent(row["value"])
        name = "nobody" if row["group"] is None else escape(str(row["group"]))
        limits = f"{percent(row['low'])} to {percent(row['high'])}"
        return [name, rank, value, limits, f"{row['count']:,} of {row['n']:,}"]


def ranking(
    found: Mapping[str | None, Caseload], what: CaseloadMeasure, minimum: int, confidence_level: float
) -> Ranking:
    """Order caseloads by one of their shares."""
    one_of("what", what, _MEASURES)
    shares = {group: caseload.measure(what).share for group, caseload in found.items()}
    return Ranking(what=what, shares=shares, minimum=minimum, confidence_level=confidence_level)
