"""Samples of a population of known size, drawn without replacement: the more of it answered, the less is uncertain."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from netpromoter._checks import between

from ._intervals import METHODS, Method, intervals
from ._predictive import change_probability, least_change
from ._roots import Floats

__all__ = ["correction", "effective_counts", "finite_intervals", "merged_population", "possible", "probability_above"]


def correction(n: float, population: int | None) -> float:
    r"""Give by how much `n` answers of a population count for more: :math:`(N - 1) / (N - n)`.

    A sample of n of N people, drawn without replacement, has a score with the variance
    :math:`\frac{\sigma^2}{n} \frac{N - n}{N - 1}`, whatever their score: that of :math:`n (N - 1) / (N - n)` answers
    of an infinite population. A census has none, and stays as it is.

    References
    ----------
    Cochran, W. G. (1977). *Sampling Techniques*, 3rd edition, Wiley (theorem 2.2, and section 3.2 for shares).
    """
    return (population - 1) / (population - n) if population is not None and n < population else 1.0


def effective_counts(counts: tuple[float, float, float], population: int | None) -> tuple[float, float, float]:
    """Give the counts that say as much about an infinite population as `counts` say about the finite one."""
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
    whole counts keep to the counts, as of an infinite population, and so stay on the safe side; Bayesian ones take the
    law of what the unseen people would have said.
    """
    n, row = int(counts[:, 0].sum()), METHODS[method]
    if row.prior is not None:
        tail = (1 - between("confidence_level", confidence_level, 0, 1)) / 2
        low = np.array([_least_score(triple, population, tail, row.prior) for triple in counts.T.tolist()])
        high = np.array([-_least_score(triple[::-1], population, tail, row.prior) for triple in counts.T.tolist()])
        return low + 0.0, high + 0.0
    scale = 1.0 if row.whole_counts else correction(n, population)
    low, high = intervals(*(scale * counts), method=method, confidence_level=confidence_level)
    least, most = possible(counts, population)
    return np.clip(low, least, most), np.clip(high, least, most)


def possible(counts: Any, population: int) -> tuple[Any, Any]:
    """Give the lowest and the highest score in points that those who did not answer can still make."""
    least, most = (100 * (counts[0] - counts[2] + side * (population - sum(counts))) / population for side in (-1, 1))
    return least, most


def _least_score(counts: Sequence[float], population: int, tail: float, prior: float) -> float:
    """Give the lowest score in points for which it is not true that the tail up to it has `tail` at most."""
    parameters, unseen = [count + prior for count in counts], population - int(sum(counts))
    return 100 * (int(counts[0] - counts[2]) + least_change(tail, parameters, unseen)) / population


def probability_above(points: float, counts: tuple[int, int, int], population: int, prior: float) -> float:
    """Give the posterior probability that the score of a population is above `points`.

    The least of the scores above is found first: among floats, as scores are given.
    """
    change, seen = math.floor(Fraction(points) * population / 100), counts[0] - counts[2]
    change += float(Fraction(100 * (change + 1), population)) <= points
    parameters = [count + prior for count in reversed(counts)]
    return change_probability(seen - change - 1, parameters, population - sum(counts))
