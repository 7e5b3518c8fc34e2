"""The one table of interval methods, and the function that reads it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from statistics import NormalDist
from types import MappingProxyType
from typing import Literal, TypeAlias

import attrs
import numpy as np
import numpy.typing as npt

from netpromoter._checks import between, one_of, refusal
from netpromoter.errors import InvalidArgument, NoRatings

from ._bayes import PRIORS, Prior, credible_limits
from ._bootstrap import bca_limits, percentile_limits
from ._closed_forms import PSEUDO_OBSERVATIONS, closed_jeffreys_limits, newcombe_limits, wald_limits
from ._exact import exact_limits
from ._roots import Floats
from ._tango import scas_limits, score_limits

__all__ = ["METHODS", "MOST", "IntervalMethod", "Method", "intervals"]

Method: TypeAlias = Literal[
    "score",
    "scas",
    "wald",
    "adjusted_wald",
    "adjusted_wald_uniform",
    "agresti_min",
    "bonett_price",
    "newcombe",
    "newcombe_jeffreys",
    "exact",
    "bayes_jeffreys",
    "bayes_perks",
    "bayes_uniform",
    "bootstrap",
    "bootstrap_bca",
]

Limits: TypeAlias = Callable[[Floats, Floats, Floats, float], tuple[Floats, Floats]]


@attrs.frozen(kw_only=True)
class IntervalMethod:
    """One row of the method table.

    Parameters
    ----------
    title : str
        What the method is called in the literature.
    limits : callable
        ``limits(promoters, passives, detractors, confidence_level)`` on float arrays gives both limits on [-1, 1].
    whole_counts : bool, default False
        Whether counts that are not whole (effective sample sizes) are refused.
    costly : bool, default False
        Whether equal rows are worth computing once.
    prior : float, optional
        The pseudo-count of each category in a Bayesian method, which knows the law of a population of known size.
    """

    title: str
    limits: Limits
    whole_counts: bool = False
    costly: bool = False
    prior: float | None = None


def _normal(limits: Limits) -> Limits:
    """Let a method that takes a normal quantile take a confidence level."""
    return partial(_at_level, limits)


def _at_level(limits: Limits, p: Floats, a: Floats, d: Floats, confidence_level: float) -> tuple[Floats, Floats]:
    return limits(p, a, d, -NormalDist().inv_cdf((1 - confidence_level) / 2))


def _wald(title: str, name: str) -> IntervalMethod:
    return IntervalMethod(title=title, limits=_normal(partial(wald_limits, added=PSEUDO_OBSERVATIONS[name])))


def _bayes(title: str, prior: Prior) -> IntervalMethod:
    limits = partial(credible_limits, prior=PRIORS[prior])
    return IntervalMethod(title=title, limits=limits, costly=True, prior=PRIORS[prior])


_NAMES = ("promoters", "passives", "detractors")
_BLOCK = 1 << 13
#: Beyond this many answers a float no longer counts one by one; below so few the squares of a share are no numbers.
MOST, _FEWEST = 1e15, 1e-9

#: Every interval method by name; the check of `method`, its type and the documentation come from here.
METHODS: MappingProxyType[Method, IntervalMethod] = MappingProxyType(
    {
        "score": IntervalMethod(title="Score (Tango)", limits=_normal(score_limits)),
        "scas": IntervalMethod(title="Score, corrected for skewness (SCAS)", limits=_normal(scas_limits)),
        "wald": _wald("Wald", "wald"),
        "adjusted_wald": _wald("Adjusted Wald (3, T) of Rocks", "adjusted_wald"),
        "adjusted_wald_uniform": _wald("Adjusted Wald (3, U)", "adjusted_wald_uniform"),
        "agresti_min": _wald("Agresti-Min", "agresti_min"),
        "bonett_price": _wald("Bonett-Price", "bonett_price"),
        "newcombe": IntervalMethod(title="Newcombe, Wilson shares", limits=_normal(newcombe_limits)),
        "newcombe_jeffreys": IntervalMethod(
            title="Newcombe, Jeffreys shares",
            limits=_normal(partial(newcombe_limits, share_limits=closed_jeffreys_limits)),
        ),
        "exact": IntervalMethod(title="Exact (Fay-Lumbard)", limits=exact_limits, whole_counts=True, costly=True),
        "bayes_jeffreys": _bayes("Bayes, Jeffreys prior", "jeffreys"),
        "bayes_perks": _bayes("Bayes, Perks prior", "perks"),
        "bayes_uniform": _bayes("Bayes, uniform prior", "uniform"),
        "bootstrap": IntervalMethod(
            title="Bootstrap, percentile", limits=percentile_limits, whole_counts=True, costly=True
        ),
        "bootstrap_bca": IntervalMethod(title="Bootstrap, BCa", limits=bca_limits, whole_counts=True, costly=True),
    }
)


def intervals(
    promoters: npt.ArrayLike,
    passives: npt.ArrayLike,
    detractors: npt.ArrayLike,
    *,
    method: Method = "score",
    confidence_level: float = 0.95,
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Compute confidence intervals for many scores at once.

    Parameters
    ----------
    promoters, passives, detractors : array_like
        Counts of at least 0, of shapes that broadcast to one another; each total must be positive. Counts that are
        not whole, such as effective sample sizes, are taken by every method but ``"exact"``, ``"bootstrap"`` and
        ``"bootstrap_bca"``, which refuse them.
    method : str, default "score"
        How the interval is made:

        - ``"score"``: Tango's score interval, the default; on average close to its level from n = 5 on.
        - ``"scas"``: the same, corrected for skewness; even tails, for one-sided claims and for n below 20. Where
          everybody is a promoter or a detractor its limit on that side is ±100 at every level.
        - ``"adjusted_wald"``, ``"adjusted_wald_uniform"``, ``"agresti_min"``, ``"bonett_price"``: Wald after adding
          (3/4, 3/2, 3/4), (1, 1, 1), (1/2, 1, 1/2) or (1, 0, 1) to the counts. What they add is fixed, so they suit
          95% better than other levels, and they can leave out a score of ±100 that was observed.
        - ``"newcombe"``, ``"newcombe_jeffreys"``: square-and-add of intervals for the two shares.
        - ``"exact"``: Fay and Lumbard's; the widest, and the one that keeps its level near ±100.
        - ``"bayes_jeffreys"``, ``"bayes_perks"``, ``"bayes_uniform"``: equal-tailed credible intervals; their limits
          never reach ±100. The uniform prior can miss the truth nearly always at extreme scores.
        - ``"wald"``: the large-sample interval, with its faults: no width at all when everybody is in one category,
          and a coverage far below its level in small samples.
        - ``"bootstrap"``, ``"bootstrap_bca"``: the limits that infinitely many resamples would give, found exactly from
          the counts; they share both faults of ``"wald"``.
    confidence_level : float, default 0.95
        Strictly between 0 and 1.

    Returns
    -------
    low, high : ndarray of float
        The limits in points, of the broadcast shape, within [-100, 100].

    Raises
    ------
    InvalidArgument
        If a count is negative, not finite or not whole where it must be, or an option is not known.
    NoRatings
        If a total is 0.

    Examples
    --------
    >>> low, high = intervals([55, 6], [30, 3], [15, 1])
    >>> low.round(2), high.round(2)
    (array([24.57, -2.  ]), array([53.24, 79.32]))
    """
    row = METHODS[one_of("method", method, METHODS)]
    level = between("confidence_level", confidence_level, 0, 1)
    columns = _broadcast(promoters, passives, detractors)
    shape, size = columns[0].shape, columns[0].size
    flat = [column.reshape(-1) for column in columns]
    low, high = np.empty(size), np.empty(size)
    limits, width = (_once_per_distinct(row.limits), max(size, 1)) if row.costly else (row.limits, _BLOCK)
    for start in range(0, size, width):
        block = slice(start, start + width)
        p, a, d = _checked([column[block] for column in flat], method if row.whole_counts else None)
        ends = limits(p, a, d, level)
        np.clip(100 * np.minimum(*ends), -100, 100, out=low[block])
        np.clip(100 * np.maximum(*ends), -100, 100, out=high[block])
    return low.reshape(shape)[()] + 0.0, high.reshape(shape)[()] + 0.0  # no limit is -0.0


def _broadcast(*values: npt.ArrayLike) -> list[npt.NDArray[np.generic]]:
    columns = [_numbers(name, value) for name, value in zip(_NAMES, values, strict=True)]
    try:
        return list(np.broadcast_arrays(*columns))
    except ValueError:
        shapes = ", ".join(str(column.shape) for column in columns)
        message = f"promoters, passives and detractors must be of shapes that broadcast (got {shapes})"
        raise InvalidArgument(message) from None


def _numbers(name: str, values: npt.ArrayLike) -> npt.NDArray[np.generic]:
    try:
        column = np.asarray(values)
        if column.dtype.kind == "O" and all(type(value) in {int, float} for value in column.flat):
            column = column.astype(np.float64)
    except (ValueError, OverflowError):
        raise refusal(name, "numbers of at least 0", values) from None
    if column.dtype.kind not in "iuf":
        raise refusal(name, "numbers of at least 0", values)
    return column


def _checked(columns: list[npt.NDArray[np.generic]], whole_for: str | None) -> list[Floats]:
    """Give one block of counts as floats, or refuse the first that breaks a rule."""
    counts = [column.astype(np.float64) for column in columns]
    for name, column in zip(_NAMES, counts, strict=True):
        if not (column.min() >= 0 and column.max() < np.inf):
            faulty = ~(np.isfinite(column) & (column >= 0))
            raise refusal(name, "finite numbers of at least 0", float(column[faulty][0]))
        if whole_for and (column != np.floor(column)).any():
            rule = f'whole numbers for method="{whole_for}"'
            raise refusal(name, rule, float(column[column != np.floor(column)][0]))
    total = counts[0] + counts[1] + counts[2]
    if total.max() > MOST:
        raise refusal("promoters + passives + detractors", f"at most {MOST:g}", float(total.max()))
    if 0 < total.min() < _FEWEST:
        raise refusal("promoters + passives + detractors", f"at least {_FEWEST:g}", float(total.min()))
    if not total.all():
        message = "promoters, passives and detractors must add to more than 0 (got 0, 0, 0)"
        raise NoRatings(message)
    return counts


def _once_per_distinct(limits: Limits) -> Limits:
    def deduplicated(p: Floats, a: Floats, d: Floats, confidence_level: float) -> tuple[Floats, Floats]:
        distinct, place = np.unique(np.stack([p, a, d]), axis=1, return_inverse=True)
        low, high = limits(distinct[0], distinct[1], distinct[2], confidence_level)
        return low[place.ravel()], high[place.ravel()]

    return deduplicated
