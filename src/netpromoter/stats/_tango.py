"""The score interval, and the score interval corrected for skewness, by root finding.

The Net Promoter Score is a paired difference of proportions: promoters and detractors are the discordant pairs and
passives the concordant ones, so that the methods for matched pairs apply to it.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ._roots import Floats, roots

__all__ = [
    "restricted_shares",
    "restricted_variance",
    "scas_limits",
    "scas_statistic",
    "score_limits",
    "score_statistic",
]

_FAR = 1e8


def restricted_variance(theta: Floats, promoters: Floats, passives: Floats, detractors: Floats) -> Floats:
    r"""Give :math:`\tilde p + \tilde d - \theta^2`, the variance of one answer when the score is known."""
    size = np.abs(theta)
    lesser = _lesser_share(theta, promoters, passives, detractors)
    variance: Floats = 2 * lesser + size * (1 - size)
    return variance


def restricted_shares(theta: Floats, promoters: Floats, passives: Floats, detractors: Floats) -> tuple[Floats, Floats]:
    """Give the maximum likelihood estimates of the shares of promoters and detractors whose difference is `theta`."""
    lesser = _lesser_share(theta, promoters, passives, detractors)
    return lesser + np.maximum(theta, 0), lesser + np.maximum(-theta, 0)


def _lesser_share(theta: Floats, promoters: Floats, passives: Floats, detractors: Floats) -> Floats:
    """Give the smaller of the two restricted shares, the root of a quadratic, so that nothing cancels near ±1.

    References
    ----------
    Tango, T. (1998). *Statistics in Medicine* 17, 891-908 (eq. 8).
    """
    turned = theta < 0
    size = np.abs(theta)
    major = np.where(turned, detractors, promoters)
    minor = np.where(turned, promoters, detractors)
    rest = 1 - size
    b = 2 * (passives + minor) * size - (major + minor) * rest
    c = minor * size * rest
    total = major + passives + minor
    root = np.sqrt(b * b + 8 * total * c)
    small = np.divide(2 * c, b + root, out=np.zeros_like(root), where=b + root > 0)
    lesser: Floats = np.where(b > 0, small, (root - b) / (4 * total))
    return lesser


def score_statistic(theta: Floats, promoters: Floats, passives: Floats, detractors: Floats) -> Floats:
    """Give Tango's statistic of the hypothesis that the score is `theta`; standard normal under it in large samples."""
    n = promoters + passives + detractors
    distance = (promoters - detractors) / n - theta
    variance = restricted_variance(theta, promoters, passives, detractors)
    with np.errstate(divide="ignore", invalid="ignore"):
        z: Floats = distance * np.sqrt(n / variance)
    return np.where(distance == 0, 0.0, z)


def score_limits(promoters: Floats, passives: Floats, detractors: Floats, z: float) -> tuple[Floats, Floats]:
    """Invert Tango's test.

    References
    ----------
    Tango, T. (1998). Equivalence test and confidence interval for the difference in proportions for the
    paired-sample design. *Statistics in Medicine* 17, 891-908.
    Rocks, B. (2016). Interval estimation for the "Net Promoter Score". *The American Statistician* 70(4), 365-372
    (its iterative score interval).
    """
    return _both(_score_lower, promoters, passives, detractors, z)


def _score_lower(promoters: Floats, passives: Floats, detractors: Floats, z: float) -> Floats:
    n = promoters + passives + detractors
    estimate = (promoters - detractors) / n
    lower = np.full(n.shape, -1.0)
    lower = np.where(promoters == n, (n - z * z) / (n + z * z), lower)
    lower = np.where(passives == n, -z * z / (n + z * z), lower)
    mixed = (promoters < n) & (passives < n) & (detractors < n)

    p, a, d, n, estimate = (column[mixed] for column in (promoters, passives, detractors, n, estimate))
    root = np.sqrt(n)

    def excess(theta: Floats, *columns: Floats) -> Floats:
        *counts, root, estimate = columns
        return root * (estimate - theta) - z * np.sqrt(restricted_variance(theta, *counts))

    columns = (p, a, d, root, estimate)
    ends = (root * (estimate + 1), excess(estimate, *columns))
    start = _guess(n, estimate, (a * (p + d) + 4 * p * d) / (n * n), z)
    low = np.full(n.shape, -1.0)
    lower[mixed] = roots(excess, low, estimate, *columns, guess=start, ends=ends, tolerance=0.0)
    return lower


def _guess(n: Floats, estimate: Floats, variance: Floats, z: float) -> Floats:
    """Give a limit like Wilson's, with the observed variance, strictly between -1 and the estimate."""
    share = z * z / (n + z * z)
    half = np.sqrt(share * (variance * (1 - share) + share * (1 - estimate**2)))
    return np.maximum((1 - share) * estimate - half, (estimate - 1) / 2 - 0.4 * (1 + estimate))


def scas_statistic(
    theta: Floats, promoters: Floats, passives: Floats, detractors: Floats, *, unbiased: bool = True
) -> Floats:
    r"""Give the score statistic corrected for skewness.

    With :math:`z_0 = (\hat\theta - \theta) / \sqrt V` and :math:`\gamma = \mu_3 / (6 V^{3/2})` it is the root of
    :math:`\gamma z^2 + z - (z_0 + \gamma)`; the third moment of one answer is
    :math:`\theta (1 - \theta^2 - 3 (\tilde s - \theta^2))`.

    References
    ----------
    Laud, P. J. (2017). Equal-tailed confidence intervals for comparison of rates. *Pharmaceutical Statistics* 16,
    334-348; for paired proportions the R package ratesci, ``scorepairci(skew = TRUE)``.
    """
    n = promoters + passives + detractors
    distance = (promoters - detractors) / n - theta
    variance = restricted_variance(theta, promoters, passives, detractors)
    known = variance > 0
    with np.errstate(divide="ignore", invalid="ignore"):
        wider = np.where(n > 1, n / (n - 1), np.inf) if unbiased else np.ones_like(n)
        spread = np.sqrt(variance * wider)
        z = np.sqrt(n) * distance / spread
        gamma = theta * (1 - theta**2 - 3 * variance) / (6 * np.sqrt(n) * spread**3)
        inside = np.maximum(1 + 4 * gamma * (z + gamma), 0)
        corrected = 2 * (z + gamma) / (1 + np.sqrt(inside))
    return np.where(known, corrected, _FAR * np.sign(distance))


def scas_limits(
    promoters: Floats, passives: Floats, detractors: Floats, z: float, *, unbiased: bool = True
) -> tuple[Floats, Floats]:
    """Invert the score test corrected for skewness."""

    def lower(promoters: Floats, passives: Floats, detractors: Floats, z: float) -> Floats:
        return _scas_lower(promoters, passives, detractors, z, unbiased=unbiased)

    return _both(lower, promoters, passives, detractors, z)


def _scas_lower(promoters: Floats, passives: Floats, detractors: Floats, z: float, *, unbiased: bool) -> Floats:
    n = promoters + passives + detractors
    limit = np.full(n.shape, -1.0)
    open_ = (detractors < n) & ((n > 1) | (not unbiased))

    def excess(theta: Floats, promoters: Floats, passives: Floats, detractors: Floats) -> Floats:
        return scas_statistic(theta, promoters, passives, detractors, unbiased=unbiased) - z

    columns = [column[open_] for column in (promoters, passives, detractors)]
    estimate = (columns[0] - columns[2]) / n[open_]
    above = excess(estimate, *columns) > 0
    low = np.where(above, estimate, -1.0)
    high = np.where(above, 1.0, estimate)
    limit[open_] = roots(excess, low, high, *columns, tolerance=0.0)
    return limit


def _both(
    lower: Callable[[Floats, Floats, Floats, float], Floats],
    promoters: Floats,
    passives: Floats,
    detractors: Floats,
    z: float,
) -> tuple[Floats, Floats]:
    """Give both limits from the lower one: the upper limit is the lower one of the mirrored counts, mirrored."""
    return lower(promoters, passives, detractors, z), -lower(detractors, passives, promoters, z)
