"""The permutation test of two samples of promoters, passives and detractors, by enumeration."""

from __future__ import annotations

import math

import numpy as np

from ._roots import Floats
from ._significance import Alternative, Counts, p_value, ratio

__all__ = ["permutation_test"]

_MOST_TABLES = 1 << 22


def permutation_test(before: Counts, after: Counts, alternative: Alternative) -> tuple[float, float]:
    """Test that both samples come from one distribution, given all their answers together.

    References
    ----------
    Pitman, E. J. G. (1937). Significance tests which may be applied to samples from any populations. *Supplement to
    the Journal of the Royal Statistical Society* 4, 119-130.

    Returns
    -------
    statistic : float
        The standardized difference of the scores.
    p_value : float
        Exact from the multivariate hypergeometric distribution of up to four million tables; the normal limit beyond.
    """
    pooled = (before[0] + after[0], before[1] + after[1], before[2] + after[2])
    promoters, _, detractors = pooled
    total, drawn = sum(pooled), sum(after)
    # Everything is multiplied by the total, so that equally extreme tables are recognized in whole numbers.
    center = drawn * (promoters - detractors)
    observed = total * (after[0] - after[2]) - center
    z = ratio(observed, total * _deviation(pooled, drawn))
    if (promoters + 1) * (detractors + 1) > _MOST_TABLES:
        return z, p_value(z, alternative)
    distance, chance = _tables(pooled, drawn)
    distance = total * distance - center
    extreme = {
        "two-sided": np.abs(distance) >= abs(observed),
        "less": distance <= observed,
        "greater": distance >= observed,
    }
    return z, min(1.0, float(chance[extreme[alternative]].sum()))


def _deviation(pooled: Counts, drawn: int) -> float:
    """Give the standard deviation of promoters minus detractors among the drawn."""
    promoters, _, detractors = pooled
    total = sum(pooled)
    if total == 1:
        return 0.0
    mean = (promoters - detractors) / total
    variance = (promoters + detractors) / total - mean**2
    return math.sqrt(drawn * variance * (total - drawn) / (total - 1))


def _tables(pooled: Counts, drawn: int) -> tuple[Floats, Floats]:
    """Give promoters minus detractors among the drawn, and the probability, of every table."""
    promoters, passives, detractors = pooled
    p, d = np.arange(promoters + 1.0)[:, None], np.arange(detractors + 1.0)
    a = drawn - p - d
    possible = (a >= 0) & (a <= passives)
    ways = _log_ways(promoters, p) + _log_ways(detractors, d) + _log_ways(passives, np.where(possible, a, 0.0))
    chance = np.exp(np.where(possible, ways, -np.inf) - _log_ways(sum(pooled), np.array(float(drawn))))
    return p - d, chance / chance.sum()


def _log_ways(total: int, chosen: Floats) -> Floats:
    from scipy.special import gammaln

    ways: Floats = gammaln(total + 1) - gammaln(chosen + 1) - gammaln(total - chosen + 1)
    return ways
