"""How often an interval holds the truth, by going through every sample that could be drawn."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from netpromoter._checks import between, count, one_of, refusal

from ._finite import finite_intervals
from ._intervals import METHODS, Method, intervals
from ._roots import Floats

__all__ = ["Coverage", "coverage", "outcomes_of", "probabilities"]

_GRID = 100
_CELLS = 1 << 21
_SLACK = 1e-9
_NEVER = -1e300


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Coverage:
    """The exact coverage of an interval method at one sample size, truth by truth.

    Parameters
    ----------
    method : str
        The name of the method in `METHODS`.
    n : int
        How many people answer.
    confidence_level : float
        What the method promises.
    promoter_shares, detractor_shares : ndarray, shape (t,)
        The truths.
    covered, below, above : ndarray, shape (t,)
        The probabilities that the interval holds the true score, lies wholly below it, and wholly above it.
    widths : ndarray, shape (t,)
        The expected width in points.
    population : int, optional
        The size of the population; None where it is infinite.
    """

    method: str
    n: int
    confidence_level: float
    promoter_shares: Floats
    detractor_shares: Floats
    covered: Floats
    below: Floats
    above: Floats
    widths: Floats
    population: int | None = None

    @property
    def minimum(self) -> float:
        """The lowest probability, over the truths, that the interval holds the truth."""
        return float(self.covered.min())

    @property
    def mean(self) -> float:
        """The mean probability over the truths."""
        return float(self.covered.mean())

    @property
    def mean_width(self) -> float:
        """The mean expected width over the truths, in points."""
        return float(self.widths.mean())

    def __repr__(self) -> str:
        """Give the method, the sample size and the three summaries in one line."""
        summary = f"minimum {self.minimum:.3f}, mean {self.mean:.3f}, mean width {self.mean_width:.1f} points"
        people = f"{self.n:,}" if self.population is None else f"{self.n:,} of {self.population:,}"
        return f"Coverage({self.method}, n = {people}, {100 * self.confidence_level:g}%: {summary})"


def coverage(
    method: Method,
    n: int,
    *,
    confidence_level: float = 0.95,
    truths: npt.ArrayLike | None = None,
    population: int | None = None,
) -> Coverage:
    """Compute the coverage of an interval method exactly, from the probability of every possible sample.

    Parameters
    ----------
    method : str
        A name of `intervals`.
    n : int
        How many people answer, at least 1. There are (n + 1)(n + 2) / 2 samples, and the work grows with their number.
    confidence_level : float, default 0.95
        Strictly between 0 and 1.
    truths : array_like, shape (t, 2), optional
        Shares of promoters and of detractors. By default all multiples of 0.01, without the three vertices where
        everybody is in one category; for a population all that it can be, without those three.
    population : int, optional
        How many people there are in all, at least `n`, where the sample is drawn without replacement from so many; at
        least 2 where `truths` are not given, as one person alone is always unanimous.

    Returns
    -------
    Coverage

    Raises
    ------
    InvalidArgument
        If an option is not known or a truth is not a pair of shares, of whole people where there is a population.

    Notes
    -----
    A limit that equals the truth within 1e-9 points counts as holding it.

    Examples
    --------
    >>> coverage("score", 10)
    Coverage(score, n = 10, 95%: minimum 0.900, mean 0.964, mean width 79.8 points)
    >>> coverage("wald", 10)
    Coverage(wald, n = 10, 95%: minimum 0.096, mean 0.866, mean width 75.8 points)
    >>> coverage("score", 10, population=20)
    Coverage(score, n = 10 of 20, 95%: minimum 0.913, mean 0.959, mean width 57.8 points)
    """
    one_of("method", method, METHODS)
    n = count("n", n, least=1)
    level = between("confidence_level", confidence_level, 0, 1)
    size = None if population is None else count("population", population, least=max(n, 2 if truths is None else 1))
    shares = _grid(size or _GRID) if truths is None else _truths(truths, size)
    outcomes = outcomes_of(n)
    if size is None:
        low, high = intervals(*outcomes, method=method, confidence_level=level)
    else:
        low, high = finite_intervals(outcomes, size, method=method, confidence_level=level)
    return Coverage(
        method=method,
        n=n,
        confidence_level=level,
        promoter_shares=shares[:, 0],
        detractor_shares=shares[:, 1],
        population=size,
        **_summed(outcomes, low, high, shares, probabilities if size is None else partial(_draws, population=size)),
    )


def _grid(steps: int) -> Floats:
    promoters, detractors = np.divmod(np.arange((steps + 1) ** 2), steps + 1)
    passives = steps - promoters - detractors
    inside = (passives >= 0) & (np.maximum(np.maximum(promoters, detractors), passives) < steps)
    return np.column_stack([promoters[inside], detractors[inside]]) / steps


def _truths(truths: npt.ArrayLike, population: int | None) -> Floats:
    try:
        shares = np.asarray(truths, dtype=np.float64)
    except (TypeError, ValueError):
        raise refusal("truths", "pairs of shares, of shape (t, 2)", truths) from None
    if shares.ndim != 2 or shares.shape[1:] != (2,) or not shares.size:
        raise refusal("truths", "pairs of shares, of shape (t, 2)", f"shape {shares.shape}")
    faulty = ~((shares >= 0).all(axis=1) & (shares.sum(axis=1) <= 1 + _SLACK))
    if faulty.any():
        raise refusal("truths", "shares from 0 to 1 that add to at most 1", tuple(shares[faulty][0].tolist()))
    people = shares * (population or 0)
    halves = (np.abs(people - np.rint(people)) > _SLACK * np.maximum(people, 1)).any(axis=1)
    if halves.any():
        raise refusal("truths", f"shares of {population:,} whole people", tuple(shares[halves][0].tolist()))
    return shares


def outcomes_of(n: int) -> Floats:
    """Give every sample of size n as rows of promoters, passives and detractors, shape (3, k)."""
    promoters, detractors = np.divmod(np.arange((n + 1) ** 2), n + 1)
    possible = promoters + detractors <= n
    promoters, detractors = promoters[possible], detractors[possible]
    return np.stack([promoters, n - promoters - detractors, detractors]).astype(np.float64)


def probabilities(outcomes: Floats, shares: Floats) -> Floats:
    """Give the multinomial probability of each outcome (columns) under each truth (rows)."""
    from scipy.special import gammaln

    ways = gammaln(outcomes.sum(axis=0) + 1) - gammaln(outcomes + 1).sum(axis=0)
    promoters, detractors = shares.T
    each = np.stack([promoters, 1 - promoters - detractors, detractors], axis=1)
    each = np.where(each > _SLACK, each, 0.0)
    logs = np.log(each, out=np.full(each.shape, _NEVER), where=each > 0)
    chance: Floats = np.exp(logs @ outcomes + ways)
    return chance


def _draws(outcomes: Floats, shares: Floats, population: int) -> Floats:
    """Give the multivariate hypergeometric probability of each outcome (columns) in each population (rows)."""
    from scipy.special import gammaln

    promoters, detractors = np.rint(shares.T * population)
    chance = np.full((len(shares), outcomes.shape[1]), -_log_ways(population, outcomes.sum(axis=0), gammaln))
    for there, drawn in zip((promoters, population - promoters - detractors, detractors), outcomes, strict=True):
        chance += _log_ways(there[:, None], drawn, gammaln)
    np.exp(chance, out=chance)
    return chance


def _log_ways(there: Any, drawn: Floats, log_gamma: Callable[[Any], Floats]) -> Floats:
    """Give the logarithm of a binomial coefficient, -inf where more are drawn than there are."""
    left = there - drawn
    ways = log_gamma(there + 1) - log_gamma(drawn + 1) - log_gamma(np.maximum(left, 0) + 1)
    possible: Floats = np.where(left >= 0, ways, -np.inf)
    return possible


def _summed(
    outcomes: Floats, low: Floats, high: Floats, shares: Floats, probabilities_of: Callable[[Floats, Floats], Floats]
) -> dict[str, Any]:
    scores = 100 * (shares[:, 0] - shares[:, 1])
    sums = {name: np.empty(len(shares)) for name in ("covered", "below", "above", "widths")}
    step = max(1, _CELLS // outcomes.shape[1])
    for start in range(0, len(shares), step):
        block = slice(start, start + step)
        chance = probabilities_of(outcomes, shares[block])
        truth = scores[block, None]
        below, above = high < truth - _SLACK, low > truth + _SLACK
        sums["below"][block] = (chance * below).sum(axis=1)
        sums["above"][block] = (chance * above).sum(axis=1)
        sums["covered"][block] = (chance * ~(below | above)).sum(axis=1)
        sums["widths"][block] = chance @ (high - low)
    return sums
