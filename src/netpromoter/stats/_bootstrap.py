"""Bootstrap intervals from the exact law of the resampled score, an n-fold convolution: no random draw."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np

from ._roots import Floats

__all__ = ["bca_limits", "percentile_limits"]

_REACH = 12.0
_SLACK = 1e-12
_STANDARD = NormalDist()


def percentile_limits(
    promoters: Floats, passives: Floats, detractors: Floats, confidence_level: float
) -> tuple[Floats, Floats]:
    """Give the percentile limits that endless multinomial resampling of the counts would give.

    References
    ----------
    Efron, B. (1979). Bootstrap methods: another look at the jackknife. *The Annals of Statistics* 7, 1-26.
    """
    tail = (1 - confidence_level) / 2
    limits = [_percentile(counts, tail) for counts in _triples(promoters, passives, detractors)]
    return _columns(limits)


def bca_limits(
    promoters: Floats, passives: Floats, detractors: Floats, confidence_level: float
) -> tuple[Floats, Floats]:
    """Give the bias-corrected and accelerated limits, with the bias taken at the middle of the rank.

    References
    ----------
    Efron, B. (1987). Better bootstrap confidence intervals. *Journal of the American Statistical Association* 82,
    171-185.
    """
    tail = (1 - confidence_level) / 2
    limits = [_bca(counts, tail) for counts in _triples(promoters, passives, detractors)]
    return _columns(limits)


def _triples(promoters: Floats, passives: Floats, detractors: Floats) -> list[tuple[int, int, int]]:
    columns = (promoters, passives, detractors)
    return [(int(p), int(a), int(d)) for p, a, d in zip(*(column.tolist() for column in columns), strict=True)]


def _columns(limits: list[tuple[float, float]]) -> tuple[Floats, Floats]:
    low, high = np.array(limits, dtype=np.float64).reshape(-1, 2).T
    return low, high


def _percentile(counts: tuple[int, int, int], tail: float) -> tuple[float, float]:
    sums, below = _resampled(counts)
    n = sum(counts)
    return _quantile(sums, below, tail) / n, _quantile(sums, below, 1 - tail) / n


def _bca(counts: tuple[int, int, int], tail: float) -> tuple[float, float]:
    promoters, _, detractors = counts
    n = sum(counts)
    if max(counts) == n:
        return ((promoters - detractors) / n,) * 2
    sums, below = _resampled(counts)
    seen = int(np.searchsorted(sums, promoters - detractors))
    before = below[seen - 1] if seen else 0.0
    bias = _STANDARD.inv_cdf((before + below[seen]) / 2)
    acceleration = _acceleration(counts)

    def limit(z: float) -> float:
        shifted = bias + z
        adjusted = bias + shifted / (1 - acceleration * shifted)
        return _quantile(sums, below, _STANDARD.cdf(adjusted)) / n

    return limit(_STANDARD.inv_cdf(tail)), limit(-_STANDARD.inv_cdf(tail))


def _acceleration(counts: tuple[int, int, int]) -> float:
    """Give a sixth of the skewness of the mean: mu3 / (6 sqrt(n) sigma^3)."""
    n = sum(counts)
    p, d = counts[0] / n, counts[2] / n
    mean, second = p - d, p + d
    variance = second - mean**2
    third = mean - 3 * mean * second + 2 * mean**3
    return float(third / (6 * np.sqrt(n) * variance**1.5))


def _resampled(counts: tuple[int, int, int]) -> tuple[Floats, Floats]:
    """Give the support of the sum of n resampled answers (+1, 0, -1), and the probability at or below each.

    The law is found from its characteristic function, on a window of `_REACH` standard deviations and more around the
    observed sum, so that the work grows with the square root of n.
    """
    promoters, passives, detractors = counts
    n = promoters + passives + detractors
    p, a, d = promoters / n, passives / n, detractors / n
    deviation = np.sqrt(max(n * (p + d - (p - d) ** 2), 0))
    reach, center = int(_REACH * deviation) + 40, promoters - detractors
    low, high = max(-n, center - reach), min(n, center + reach)
    size = high - low + 1
    angle = 2 * np.pi * np.arange(size) / size
    single = p * np.exp(1j * angle) + a + d * np.exp(-1j * angle)
    mass = np.maximum(np.fft.fft(single**n * np.exp(-1j * angle * low)).real / size, 0)
    sums = np.arange(low, high + 1, dtype=np.float64)
    return sums, np.cumsum(mass) / mass.sum()


def _quantile(sums: Floats, below: Floats, probability: float) -> float:
    place = int(np.searchsorted(below, probability - _SLACK))
    return float(sums[min(place, len(sums) - 1)])
