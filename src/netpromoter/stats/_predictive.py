"""The posterior of the score of a population of known size: what the people who did not answer would have said.

Under a Dirichlet prior the counts of m unseen people have the Dirichlet-multinomial law of m more draws from Pólya's
urn, and the score of everybody can only be one of those that these counts make.

References
----------
Ericson, W. A. (1969). Subjective Bayesian models in sampling finite populations. *Journal of the Royal Statistical
Society B* 31, 195-233 (section 3, categories).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ._beta_product import probability_below, quantiles
from ._roots import Floats

__all__ = ["change_probability", "least_change"]

#: Up to so many unseen people, and so many pairs of counts that matter, the law is summed; else it is approximated.
_UNSEEN = 100_000
_CELLS = 1_000_000
#: What the counts that are left out have of the probability, on either side.
_RARE = 1e-15
#: Sums of probabilities that differ by less are a tie.
_TIE = 1e-12
_SIGNS = (1, 0, -1)


def change_probability(most: int, parameters: Sequence[float], unseen: int) -> float:
    """Give the probability that promoters less detractors among the unseen are at most so many.

    Parameters
    ----------
    most : int
        The difference of their numbers.
    parameters : sequence of 3 float
        Those of the posterior, of promoters, passives and detractors: each count and its pseudo-count.
    unseen : int
        How many people did not answer.
    """
    if abs(most) > unseen or most == unseen:
        return float(most > 0 or most == unseen)
    law = _law(parameters, unseen)
    if law is None:
        return float(probability_below(np.array([(most + 0.5) / unseen]), *_matched(parameters, unseen))[0])
    first, below = law
    return float(below[min(most - first, below.size - 1)]) if most >= first else 0.0


def least_change(tail: float, parameters: Sequence[float], unseen: int) -> int:
    """Give the lowest difference for which it is not true that as few or fewer have a probability of `tail` at most."""
    law = _law(parameters, unseen)
    if law is None:
        found = np.ceil(unseen * quantiles(tail, *_matched(parameters, unseen))[0] - 0.5)
        return max(-unseen, min(unseen, int(found)))
    first, below = law
    return first + int(np.searchsorted(below, tail * (1 + _TIE), side="right"))


def _law(parameters: Sequence[float], unseen: int) -> tuple[int, Floats] | None:
    """Give the lowest difference, and the probability at or below it and each above; None where it is too long.

    The sum runs over the two counts that vary least, each as far as its own law, a beta-binomial, reaches.
    """
    from scipy.special import gammaln

    if unseen > _UNSEEN:
        return None
    numbers, total = np.arange(unseen + 1), sum(parameters)
    ways = [gammaln(numbers + a) - gammaln(numbers + 1) for a in parameters]
    rest = [gammaln(numbers[::-1] + total - a) - gammaln(numbers[::-1] + 1) for a in parameters]
    reached = [_reached(*both) for both in zip(ways, rest, strict=True)]
    i, j, k = sorted(range(3), key=lambda place: len(reached[place]))
    if len(reached[i]) * len(reached[j]) > _CELLS:
        return None
    one, two = np.array(reached[i])[:, None], np.array(reached[j])[None, :]
    three = unseen - one - two
    logs = np.where(three >= 0, ways[i][one] + ways[j][two] + ways[k][np.maximum(three, 0)], -np.inf)
    changes = _SIGNS[i] * one + _SIGNS[j] * two + _SIGNS[k] * three
    first = int(changes.min())
    mass = np.bincount((changes - first).ravel(), np.exp(logs - logs.max()).ravel())
    return first, np.minimum(mass.cumsum() / mass.sum(), 1)


def _reached(ways: Floats, rest: Floats) -> range:
    """Give the counts of one category that matter."""
    logs = ways + rest
    mass = np.exp(logs - logs.max())
    mass /= mass.sum()
    few, many = (int(np.searchsorted(side.cumsum(), _RARE, side="right")) for side in (mass, mass[::-1]))
    return range(min(few, mass.size - 1), max(mass.size - many, 1))


def _matched(parameters: Sequence[float], unseen: int) -> list[Floats]:
    r"""Give the parameters of the Dirichlet law with the mean and the covariance of the shares of the unseen.

    Shares of m draws from an urn that begins with A vary :math:`(m + A) / m` times as much as those of endlessly many,
    as do those of a Dirichlet law with :math:`m (1 + A) / (m + A) - 1` in all. From a thousand unseen people on, where
    the sum was too long, it was found right within 0.0015; beyond `_UNSEEN` people who nearly all agree it can be off
    by 0.1 at a single difference, which is less than 0.001 points of score.
    """
    total = sum(parameters)
    scale = (unseen * (1 + total) / (unseen + total) - 1) / total
    promoters, passives, detractors = (np.array([scale * parameter]) for parameter in parameters)
    return [promoters + detractors, passives, promoters, detractors]
