"""How a sample was drawn: its strata, clusters, drawn shares and weights, read from columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

import attrs
import numpy as np
import numpy.typing as npt

from netpromoter._checks import count, refusal, shown
from netpromoter.errors import InvalidArgument

from ._calibration import Margin, raked, unexplained
from ._columns import labels, numbers
from ._finite import correction
from ._linearized import Groups, LonelyPolicy, Stage, design_variance
from ._roots import Floats

__all__ = ["Sampling"]

Chosen: TypeAlias = npt.NDArray[np.bool_]

#: Weights beyond it, or below one part of so many, are no numbers of people, and their sums or squares no numbers.
_HEAVIEST = 1e15


@attrs.frozen(kw_only=True, eq=False)
class Sampling:
    """How those who answered came into the sample.

    Parameters
    ----------
    first : Stage
        How clusters were drawn from strata; people, where there are no clusters.
    second : Stage, optional
        How people were drawn from clusters.
    drawn : ndarray of float, shape (n,)
        How many people each answer stands for by the way it was drawn, up to a common factor.
    margins : tuple of Margin
        What the weights are made to agree with.
    weights : ndarray of float, shape (n,)
        How many people each answer stands for in agreement with the margins.
    uncovered : int
        How many people, or clusters, are in strata where nobody answered.
    headcount : bool
        Whether the weights are made of known numbers of people alone, to which they add.
    """

    first: Stage
    second: Stage | None
    drawn: Floats
    margins: tuple[Margin, ...]
    weights: Floats
    uncovered: int
    headcount: bool

    @classmethod
    def from_columns(
        cls,
        answered: Chosen,
        *,
        weights: Any,
        probabilities: Any,
        strata: Any,
        populations: Any,
        clusters: Any,
        cluster_populations: Any,
        margins: Any,
    ) -> Sampling:
        """Read the columns of `design_score`, of which those who answered are the sample."""
        populations, cluster_populations = _counts(populations), _counts(cluster_populations)
        given = _weights(weights, probabilities, answered)
        stratum = _labels("strata", strata, answered)
        cluster = None if clusters is None else _labels("clusters", clusters, answered)
        first, uncovered = _first_stage(stratum, cluster, populations, stratified=strata is not None)
        second = None
        if cluster_populations is not None:
            if cluster is None or populations is None:
                raise refusal("cluster_populations", "given only beside clusters and populations", cluster_populations)
            second = _second_stage(cluster, cluster_populations)
        drawn = _inverse_shares(first, second) if given is None else given
        known = _margins(margins, answered)
        if populations is not None and cluster is None and known:
            _refuse_other_sum(known[0], first, uncovered)
        return cls(
            first=first,
            second=second,
            drawn=drawn,
            margins=known,
            weights=raked(drawn, known),
            uncovered=uncovered,
            headcount=given is None and cluster is None and not known and populations is not None,
        )

    @property
    def stratum(self) -> Groups:
        """From which stratum each answer is."""
        return self.first.group[self.first.unit]

    @property
    def whole(self) -> Chosen:
        """Which answers are of strata, and clusters, of which everybody answered."""
        shares = self.first.fraction[self.stratum]
        within = 1.0 if self.second is None else self.second.fraction[self.second.group]
        found: Chosen = shares * within == 1
        return found

    @property
    def correction(self) -> float:
        """By how much each answer counts for more in a simple random sample of a known population; else 1."""
        n, fraction = self.weights.size, self.first.fraction[0].item()
        simple = self.first.group.size == n and self.first.fraction.size == 1 and np.ptp(self.weights) == 0
        return correction(n, round(n / fraction)) if simple and fraction else 1.0

    def variance(self, influence: Floats, lonely: LonelyPolicy) -> float:
        """Give the variance of the weighted sum of what each person adds to an estimate."""
        if lonely == "error":
            self.first.refuse_lonely("strata")
            if self.second is not None:
                self.second.refuse_lonely("clusters")
        residuals = self.weights * unexplained(influence, self.drawn, self.margins)
        return design_variance(residuals, self.first, self.second, lonely)


def _counts(populations: Any) -> Any:
    """Give counts by label as a mapping, which a Series of pandas is not."""
    series = hasattr(populations, "keys") and not isinstance(populations, Mapping)
    return dict(populations) if series else populations


def _weights(weights: Any, probabilities: Any, answered: Chosen) -> Floats | None:
    if weights is not None and probabilities is not None:
        raise refusal("weights", "absent beside probabilities", weights)
    size = answered.size
    if probabilities is not None:
        rule = f"numbers above {1 / _HEAVIEST:g}, at most 1"
        chances = numbers("probabilities", probabilities, rule, lambda p: (p > 1 / _HEAVIEST) & (p <= 1), size=size)
        return 1 / chances[answered]
    if weights is not None:
        rule = f"numbers above {1 / _HEAVIEST:g}, below {_HEAVIEST:g}"
        people = numbers("weights", weights, rule, lambda w: (w > 1 / _HEAVIEST) & (w < _HEAVIEST), size=size)
        return people[answered]
    return None


def _margins(margins: Any, answered: Chosen) -> tuple[Margin, ...]:
    """Read pairs of a column of labels and of how many people there are with each."""
    if margins is None:
        return ()
    rule = "pairs of a column of labels and a mapping of each to how many people have it"
    pairs = list(margins) if isinstance(margins, Iterable) and not isinstance(margins, str | Mapping) else [margins]
    if not all(isinstance(pair, tuple) and len(pair) == 2 and hasattr(pair[1], "keys") for pair in pairs):
        raise refusal("margins", rule, margins)
    found = tuple(
        _margin(f"margins[{place}]", column, _counts(totals), answered=answered)
        for place, (column, totals) in enumerate(pairs)
    )
    sums = sorted({int(margin.totals.sum()) for margin in found})
    if len(sums) > 1:
        raise refusal("margins", "of as many people each", sums)
    return found


def _margin(name: str, values: Any, totals: Mapping[Any, int], *, answered: Chosen) -> Margin:
    place, names = _labels(name, values, answered)
    apart = [label for label in {**dict.fromkeys(names), **totals} if label not in names or label not in totals]
    if apart:
        got = f"{shown(apart[0])}; {len(apart):,} such in all"
        message = f"{name} must name the labels of those who answered, and no others (got {got})"
        raise InvalidArgument(message)
    least = np.bincount(place).tolist()
    people = [count(f"{name}[{shown(label)}]", totals[label], least=n) for label, n in zip(names, least, strict=True)]
    return Margin(place=place, totals=np.array(people, dtype=np.float64))


def _refuse_other_sum(margin: Margin, first: Stage, uncovered: int) -> None:
    """Refuse margins of other people than there are in the strata, with or without those where nobody answered."""
    if not first.fraction.all():
        return
    people, there = int(margin.totals.sum()), round((first.sizes / first.fraction).sum())
    if people not in {there, there + uncovered}:
        raise refusal("margins", f"of the {there:,} people in populations", people)


def _labels(name: str, values: Any, answered: Chosen) -> tuple[Groups, list[Any]]:
    """Give the labels of those who answered, as places and names; without any, all have the same."""
    if values is None:
        return np.zeros(int(answered.sum()), dtype=np.intp), ["all"]
    places, names = labels(name, values, size=answered.size)
    present, found = np.unique(places[answered], return_inverse=True)
    return found, [names[place] for place in present]


def _first_stage(
    stratum: tuple[Groups, list[Any]],
    cluster: tuple[Groups, list[Any]] | None,
    populations: Any,
    *,
    stratified: bool,
) -> tuple[Stage, int]:
    group, names = stratum
    unit = np.arange(group.size)
    if cluster is not None:
        unit, group = cluster[0], _strata_of(*cluster, *stratum)
    sizes = np.bincount(group, minlength=len(names)).tolist()
    if populations is None:
        shares = [0.0] * len(names)
    elif not stratified:
        shares = [sizes[0] / count("populations", populations, least=sizes[0])]
    else:
        shares = _shares("populations", populations, names, sizes)
    absent = populations.keys() - set(names) if stratified and populations is not None else ()
    uncovered = sum(count(f"populations[{shown(name)}]", populations[name] or 0) for name in absent)
    return Stage(unit=unit, group=group, names=names, fraction=np.array(shares)), uncovered


def _second_stage(cluster: tuple[Groups, list[Any]], populations: Any) -> Stage:
    group, names = cluster
    shares = _shares("cluster_populations", populations, names, np.bincount(group).tolist())
    return Stage(unit=np.arange(group.size), group=group, names=names, fraction=np.array(shares))


def _strata_of(cluster: Groups, accounts: list[Any], stratum: Groups, names: list[Any]) -> Groups:
    """Give the stratum of each cluster, or refuse the first that lies in two."""
    group = np.empty(len(accounts), dtype=np.intp)
    group[cluster] = stratum
    apart = np.flatnonzero(group[cluster] != stratum)
    if apart.size:
        found = cluster[apart[0]]
        both = f"{shown(accounts[found])} in {shown(names[stratum[apart[0]]])} and {shown(names[group[found]])}"
        message = f"clusters must each lie within one stratum (got {both})"
        raise InvalidArgument(message)
    return group


def _shares(name: str, populations: Any, names: list[Any], sizes: list[int]) -> list[float]:
    """Give the share that was drawn of each population, 0 of one that is not known."""
    if not isinstance(populations, Mapping):
        raise refusal(name, "a mapping of labels to whole numbers", populations)
    unnamed = [label for label in names if label not in populations]
    if unnamed:
        message = f"{name} must name every label (got none for {shown(unnamed[0])}; {len(unnamed):,} such in all)"
        raise InvalidArgument(message)
    numbers_of = (populations[label] for label in names)
    return [
        0.0 if number is None else size / count(f"{name}[{shown(label)}]", number, least=size)
        for label, number, size in zip(names, numbers_of, sizes, strict=True)
    ]


def _inverse_shares(first: Stage, second: Stage | None) -> Floats:
    """Give as weights how many there are for each who answered; all alike where no population is known."""
    shares = first.fraction[first.group[first.unit]]
    if not shares.any():
        return np.ones(shares.size)
    if not shares.all():
        unknown = first.names[int(np.flatnonzero(first.fraction == 0)[0])]
        raise refusal(
            "populations", "known in every stratum, unless there are weights or probabilities", {unknown: None}
        )
    return 1 / (shares if second is None else shares * second.fraction[second.group])
