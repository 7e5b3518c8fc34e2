"""Samples of a population of known size, drawn without replacement: the more of it answered, the less is uncertain."""

from __future__ import annotations

import numpy as np

from ._intervals import METHODS, Method, intervals
from ._roots import Floats

__all__ = ["correction", "effective_counts", "finite_intervals", "merged_population"]


def correction(n: float, population: int | None) -> float:
    r"""Give by how much `n` answers of a population count for more: :math:`(N - 1) / (N - n)`.

    A sample of n of N people, drawn without replacement, has a score with the variance
    :math:`\frac{\sigma^2}{n} \frac{N - n}{N - 1}`, whatever their score: that of :math:`n (N - 1) / (N - n)` answers
    of endlessly many. A census has none, and stays as it is.

    References
    ----------
    Cochran, W. G. (1977). *Sampling Techniques*, 3rd edition, Wiley (theorem 2.2, and section 3.2 for shares).
    """
    return (population - 1) / (population - n) if population is not None and n < population else 1.0


def effective_counts(counts: tuple[float, float, float], population: int | None) -> tuple[float, float, float]:
    """Give the counts that say as much about endlessly many people as `counts` say about the population."""
    scale = correction(sum(counts), population)
    promoters, passives, detractors = (scale * count for count in counts)
    return promoters, passives, detractors


def merged_population(first: int | None, second: int | None) -> int | None:
    """Give how many people there are in two groups without people in common, where both are known."""
    return None if first is None or second is None else first + second


def finite_intervals(
    counts: Floats, population: int, *, method: Method, confidence_level: float
) -> tuple[Floats, Floats]:
    """Give the limits for the score of a population in points, of samples of one size, shape (3, k).

    Those who did not answer may all be detractors, or all promoters: no limit lies beyond. The methods that take only
    whole counts keep to the counts, as of endlessly many people, and so stay on the safe side.
    """
    n = int(counts[:, 0].sum())
    scale = 1.0 if METHODS[method].whole_counts else correction(n, population)
    low, high = intervals(*(scale * counts), method=method, confidence_level=confidence_level)
    least, most = (100 * (counts[0] - counts[2] + unseen) / population for unseen in (n - population, population - n))
    return np.clip(low, least, most), np.clip(high, least, most)
