"""Credible intervals from a Dirichlet posterior, by quadrature: no random draw, so no noise."""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np

from ._beta_product import probability_below, quantiles
from ._roots import Floats

__all__ = ["PRIORS", "Prior", "credible_limits", "posterior_probability_below"]

Prior: TypeAlias = Literal["jeffreys", "perks", "uniform"]

#: Pseudo-counts given to each of the three categories, by the name of the prior.
PRIORS: dict[Prior, float] = {"jeffreys": 1 / 2, "perks": 1 / 3, "uniform": 1.0}


def credible_limits(
    promoters: Floats, passives: Floats, detractors: Floats, confidence_level: float, *, prior: float
) -> tuple[Floats, Floats]:
    """Give equal-tailed limits of the posterior of the score under a symmetric Dirichlet prior.

    References
    ----------
    Perks, W. (1947). Some observations on inverse probability including a new indifference rule. *Journal of the
    Institute of Actuaries* 73, 285-334 (1/3 for three categories).
    """
    tail = (1 - confidence_level) / 2
    low = quantiles(tail, *_posterior(promoters, passives, detractors, prior))
    return low, -quantiles(tail, *_posterior(detractors, passives, promoters, prior))


def posterior_probability_below(
    theta: float, promoters: Floats, passives: Floats, detractors: Floats, *, prior: float
) -> Floats:
    """Give the posterior probability that the score is at most `theta`, from -1 to 1."""
    return probability_below(np.full(promoters.shape, theta), *_posterior(promoters, passives, detractors, prior))


def _posterior(promoters: Floats, passives: Floats, detractors: Floats, prior: float) -> tuple[Floats, ...]:
    return promoters + detractors + 2 * prior, passives + prior, promoters + prior, detractors + prior
