"""Intervals that need no iteration: Wald and its adjustments, and Newcombe's square-and-add."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from ._roots import Floats

__all__ = [
    "PSEUDO_OBSERVATIONS",
    "adjusted_moments",
    "closed_jeffreys_limits",
    "jeffreys_limits",
    "newcombe_limits",
    "wald_limits",
    "wald_moments",
    "wilson_limits",
]

#: What is added to promoters, passives and detractors before the Wald formula, by the name of the method.
PSEUDO_OBSERVATIONS = {
    "wald": (0.0, 0.0, 0.0),
    "adjusted_wald": (0.75, 1.5, 0.75),
    "adjusted_wald_uniform": (1.0, 1.0, 1.0),
    "agresti_min": (0.5, 1.0, 0.5),
    "bonett_price": (1.0, 0.0, 1.0),
}


def wald_moments(promoters: Any, passives: Any, detractors: Any) -> tuple[Any, Any]:
    r"""Give the score and its standard error, :math:`\sqrt{(A (P + D) + 4 P D) / n^3}`, of numbers or of columns."""
    n = promoters + passives + detractors
    error = np.sqrt((passives * (promoters + detractors) + 4 * promoters * detractors) / n**3)
    return (promoters - detractors) / n, error


def adjusted_moments(promoters: float, passives: float, detractors: float) -> tuple[float, float]:
    """Give the score and its standard error after adding Rocks' pseudo-observations."""
    p, a, d = PSEUDO_OBSERVATIONS["adjusted_wald"]
    score, error = wald_moments(promoters + p, passives + a, detractors + d)
    return float(score), float(error)


def wald_limits(
    promoters: Floats, passives: Floats, detractors: Floats, z: float, *, added: tuple[float, float, float]
) -> tuple[Floats, Floats]:
    """Give the Wald interval after adding pseudo-observations to the three counts.

    With nothing added it has no width where everybody is in one category, and its coverage is far below its level in
    small samples and at extreme scores. With something added it can leave an observed score of ±100 out.

    References
    ----------
    Agresti, A. and Min, Y. (2005). Simple improved confidence intervals for comparing matched proportions.
    *Statistics in Medicine* 24, 729-740: (1/2, 1, 1/2).
    Bonett, D. G. and Price, R. M. (2012). Adjusted Wald confidence interval for a difference of binomial proportions
    based on paired data. *Journal of Educational and Behavioral Statistics* 37(4), 479-488: (1, 0, 1).
    Rocks, B. (2016). Interval estimation for the "Net Promoter Score". *The American Statistician* 70(4), 365-372:
    (3/4, 3/2, 3/4).
    """
    center, error = wald_moments(promoters + added[0], passives + added[1], detractors + added[2])
    return center - z * error, center + z * error


def wilson_limits(count: Floats, n: Floats, z: float) -> tuple[Floats, Floats]:
    """Give Wilson's interval for a share.

    References
    ----------
    Wilson, E. B. (1927). Probable inference, the law of succession, and statistical inference. *Journal of the
    American Statistical Association* 22, 209-212.
    """
    center = (count + z * z / 2) / (n + z * z)
    half = z * np.sqrt(count * (n - count) / n + z * z / 4) / (n + z * z)
    low = np.where(count == 0, 0.0, center - half)
    return low, np.where(count == n, 1.0, center + half)


def jeffreys_limits(count: Floats, n: Floats, z: float) -> tuple[Floats, Floats]:
    """Give the equal-tailed posterior interval for a share under the prior Beta(1/2, 1/2)."""
    from scipy.special import betaincinv, ndtr

    tail = ndtr(-z)
    low = betaincinv(count + 0.5, n - count + 0.5, tail)
    return low, 1 - betaincinv(n - count + 0.5, count + 0.5, tail)


def closed_jeffreys_limits(count: Floats, n: Floats, z: float) -> tuple[Floats, Floats]:
    """Give `jeffreys_limits`, with 0 and 1 where the share is 0 and 1, so that the interval holds the share.

    References
    ----------
    Brown, L. D., Cai, T. T. and DasGupta, A. (2001). Interval estimation for a binomial proportion. *Statistical
    Science* 16(2), 101-133 (section 4.1.2).
    """
    low, high = jeffreys_limits(count, n, z)
    return np.where(count == 0, 0.0, low), np.where(count == n, 1.0, high)


def newcombe_limits(
    promoters: Floats,
    passives: Floats,
    detractors: Floats,
    z: float,
    *,
    share_limits: Callable[[Floats, Floats, float], tuple[Floats, Floats]] = wilson_limits,
) -> tuple[Floats, Floats]:
    """Combine intervals for the two shares by square-and-add, with the correlation of two shares of one multinomial.

    References
    ----------
    Newcombe, R. G. (1998). Improved confidence intervals for the difference between binomial proportions based on
    paired data. *Statistics in Medicine* 17, 2635-2650 (method 10, all passives in one concordant cell).
    """
    n = promoters + passives + detractors
    p, d = promoters / n, detractors / n
    p_low, p_high = share_limits(promoters, n, z)
    d_low, d_high = share_limits(detractors, n, z)
    with np.errstate(divide="ignore", invalid="ignore"):
        rho = np.where((p < 1) & (d < 1), -np.sqrt(p * d / ((1 - p) * (1 - d))), 0.0)
    add = partial(_square_and_add, rho)
    return p - d - add(p - p_low, d_high - d), p - d + add(p_high - p, d - d_low)


def _square_and_add(rho: Floats, first: Floats, second: Floats) -> Floats:
    first, second = np.maximum(first, 0), np.maximum(second, 0)
    return np.sqrt(np.maximum(first**2 + second**2 - 2 * rho * first * second, 0))
