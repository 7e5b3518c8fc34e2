"""The profile likelihood of the difference of two independent scores, for many pairs of samples at once.

References
----------
Rao, C. R. (1948). Large sample tests of statistical hypotheses concerning several parameters with applications to
problems of estimation. *Mathematical Proceedings of the Cambridge Philosophical Society* 44, 50-57 (score tests).
Miettinen, O. and Nurminen, M. (1985). Comparative analysis of two rates. *Statistics in Medicine* 4, 213-226 (the same
construction for two proportions).
"""

from __future__ import annotations

from statistics import NormalDist
from typing import TypeAlias

import numpy as np

from ._roots import Floats, roots
from ._tango import restricted_shares, restricted_variance

__all__ = ["Sample", "common_score", "profile_limits", "profile_log_ratio", "profile_statistic"]

#: Promoters, passives and detractors of many samples.
Sample: TypeAlias = tuple[Floats, Floats, Floats]

_OUTER = 1e-13


def common_score(before: Sample, after: Sample, difference: Floats) -> Floats:
    """Give the score of `before` that is most likely when `after` scores higher by `difference`, all on [-1, 1].

    The log likelihood along the hypothesis is concave, and its slope is the sum of two Lagrange multipliers.
    """
    low = np.maximum(-1.0, -1.0 - difference)
    high = np.minimum(1.0, 1.0 - difference)

    def slope(theta: Floats, difference: Floats, *columns: Floats) -> Floats:
        return _multiplier(theta, *columns[:3]) + _multiplier(theta + difference, *columns[3:])

    return roots(slope, low, high, difference, *before, *after)


def _multiplier(theta: Floats, promoters: Floats, passives: Floats, detractors: Floats) -> Floats:
    """Give the slope of the log likelihood of one sample, maximized under the score `theta`."""
    theta = np.clip(theta, -1, 1)
    n = promoters + passives + detractors
    p, d = restricted_shares(theta, promoters, passives, detractors)
    with np.errstate(all="ignore"):
        by_promoters = (promoters / p - n) / (1 - theta)
        by_detractors = (n - detractors / d) / (1 + theta)
        by_passives = -n * np.sign(theta) / (1 - np.abs(theta))
    from_promoters = (promoters > 0) & ((theta >= 0) | (detractors == 0))
    decided = np.where(detractors > 0, by_detractors, by_passives)
    return np.nan_to_num(np.where(from_promoters, by_promoters, decided), nan=0.0, posinf=1e300, neginf=-1e300)


def profile_statistic(before: Sample, after: Sample, difference: Floats) -> Floats:
    """Give the score statistic of the hypothesis that `after` scores higher by `difference`."""
    theta = common_score(before, after, difference)
    variance = _restricted(theta, before) + _restricted(theta + difference, after)
    distance = _observed(after) - _observed(before) - difference
    with np.errstate(all="ignore"):
        return np.where(np.abs(distance) < 1e-15, 0.0, distance / np.sqrt(variance))


def _restricted(theta: Floats, sample: Sample) -> Floats:
    promoters, passives, detractors = sample
    return restricted_variance(np.clip(theta, -1, 1), *sample) / (promoters + passives + detractors)


def profile_limits(before: Sample, after: Sample, confidence_level: float) -> tuple[Floats, Floats]:
    """Give the differences that the score test does not reject, on [-2, 2]."""
    z = -NormalDist().inv_cdf((1 - confidence_level) / 2)
    return _lower(before, after, z), -_lower(after, before, z)


def _lower(before: Sample, after: Sample, z: float) -> Floats:
    def excess(difference: Floats, *columns: Floats) -> Floats:
        return profile_statistic(columns[:3], columns[3:], difference) - z  # type: ignore[arg-type]  # three of each

    observed = _observed(after) - _observed(before)
    limit = np.full(observed.shape, -2.0)
    open_ = observed > -2
    columns = [column[open_] for column in (*before, *after)]
    limit[open_] = roots(excess, np.full(columns[0].shape, -2.0), observed[open_], *columns, tolerance=_OUTER)
    return limit


def profile_log_ratio(before: Sample, after: Sample) -> Floats:
    """Give twice the log of the likelihood ratio against equal scores."""
    theta = common_score(before, after, np.zeros(before[0].shape))
    free = _log_likelihood(before) + _log_likelihood(after)
    return 2 * (free - _log_likelihood(before, theta) - _log_likelihood(after, theta))


def _log_likelihood(sample: Sample, theta: Floats | None = None) -> Floats:
    from scipy.special import xlogy

    promoters, passives, detractors = sample
    n = promoters + passives + detractors
    p, d = (promoters / n, detractors / n) if theta is None else restricted_shares(theta, *sample)
    terms: Floats = xlogy(promoters, p) + xlogy(passives, np.maximum(1 - p - d, 0)) + xlogy(detractors, d)
    return terms


def _observed(sample: Sample) -> Floats:
    promoters, passives, detractors = sample
    return (promoters - detractors) / (promoters + passives + detractors)
