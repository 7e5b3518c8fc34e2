"""Bootstrap intervals from the exact distribution of the resampled score, an n-fold convolution: no random draw."""

from __future__ import annotations

from collections.abc import Callable
from statistics import NormalDist

import numpy as np

from ._roots import Floats
from ._significance import Counts

__all__ = ["bca_limits", "percentile_limits"]

_REACH = 12.0
#: Sums of probabilities that differ by less are a tie.
_TIE = 1e-12
#: What is left of the digits of a probability after a Fourier transform.
_DIGITS = 1e-13
_STANDARD = NormalDist()


def percentile_limits(
    promoters: Floats, passives: Floats, detractors: Floats, confidence_level: float
) -> tuple[Floats, Floats]:
    """Give the percentile limits that infinitely many multinomial resamples of the counts would give.

    Like Wald's, they have no width where everybody is in one category, and are too narrow in small samples.

    References
    ----------
    Efron, B. (1979). Bootstrap methods: another look at the jackknife. *The Annals of Statistics* 7, 1-26.
    """
    return _both(_percentile, promoters, passives, detractors, (1 - confidence_level) / 2)


def bca_limits(
    promoters: Floats, passives: Floats, detractors: Floats, confidence_level: float
) -> tuple[Floats, Floats]:
    """Give the bias-corrected and accelerated limits, with the bias taken at the middle of the rank.

    They share both faults of `percentile_limits`.

    References
    ----------
    Efron, B. (1987). Better bootstrap confidence intervals. *Journal of the American Statistical Association* 82,
    171-185.
    """
    return _both(_bca, promoters, passives, detractors, (1 - confidence_level) / 2)


def _both(
    lower: Callable[[Counts, float], float], promoters: Floats, passives: Floats, detractors: Floats, tail: float
) -> tuple[Floats, Floats]:
    """Give both limits from the lower one: the upper limit is the lower one of the mirrored counts, mirrored."""
    triples = [(int(p), int(a), int(d)) for p, a, d in zip(promoters, passives, detractors, strict=True)]
    low = [lower((p, a, d), tail) for p, a, d in triples]
    high = [-lower((d, a, p), tail) for p, a, d in triples]
    return np.array(low, dtype=np.float64), np.array(high, dtype=np.float64)


def _percentile(counts: Counts, tail: float) -> float:
    return _quantile(counts, *_resampled(counts), tail)


def _bca(counts: Counts, tail: float) -> float:
    promoters, _, detractors = counts
    if max(counts) == sum(counts):
        return (promoters - detractors) / sum(counts)
    sums, below = _resampled(counts)
    seen = int(np.searchsorted(sums, promoters - detractors))
    before = below[seen - 1] if seen else 0.0
    bias = _STANDARD.inv_cdf((before + below[seen]) / 2)
    shifted = bias + _STANDARD.inv_cdf(tail)
    room = 1 - _acceleration(counts) * shifted
    return _quantile(counts, sums, below, _STANDARD.cdf(bias + shifted / room) if room > 0 else 0.0)


def _acceleration(counts: Counts) -> float:
    """Give a sixth of the skewness of the mean: mu3 / (6 sqrt(n) sigma^3)."""
    n = sum(counts)
    p, d = counts[0] / n, counts[2] / n
    mean, second = p - d, p + d
    variance = second - mean**2
    third = mean - 3 * mean * second + 2 * mean**3
    return float(third / (6 * np.sqrt(n) * variance**1.5))


def _resampled(counts: Counts) -> tuple[Floats, Floats]:
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


def _quantile(counts: Counts, sums: Floats, below: Floats, probability: float) -> float:
    """Give the lowest score that resamples reach with this probability: the lowest of all where that is no digit."""
    n = sum(counts)
    if probability < _DIGITS:
        return -1.0 if counts[2] else 0.0 if counts[1] else 1.0
    place = int(np.searchsorted(below, probability * (1 - _TIE)))
    return float(sums[min(place, len(sums) - 1)]) / n
