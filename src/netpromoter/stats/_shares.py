"""Intervals for the shares of promoters, passives and detractors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import NormalDist
from types import MappingProxyType
from typing import Literal, TypeAlias

import numpy as np

from ._closed_forms import jeffreys_limits, wilson_limits
from ._roots import Floats

__all__ = ["SHARE_METHODS", "ShareMethod", "share_limits"]

ShareMethod: TypeAlias = Literal["wilson", "jeffreys", "clopper_pearson", "agresti_coull", "goodman"]
Pair: TypeAlias = tuple[Floats, Floats]


def share_limits(counts: Sequence[int], method: ShareMethod, confidence_level: float) -> Pair:
    """Give the limits of each share, from 0 to 1."""
    low, high = SHARE_METHODS[method](np.array(counts, dtype=np.float64), confidence_level)
    return np.clip(low, 0, 1), np.clip(high, 0, 1)


def _quantile(confidence_level: float, *, claims: int = 1) -> float:
    return -NormalDist().inv_cdf((1 - confidence_level) / (2 * claims))


def _wilson(counts: Floats, confidence_level: float) -> Pair:
    return wilson_limits(counts, counts.sum(), _quantile(confidence_level))


def _jeffreys(counts: Floats, confidence_level: float) -> Pair:
    return jeffreys_limits(counts, counts.sum(), _quantile(confidence_level))


def _clopper_pearson(counts: Floats, confidence_level: float) -> Pair:
    """Give the exact limits.

    References
    ----------
    Clopper, C. J. and Pearson, E. S. (1934). The use of confidence or fiducial limits illustrated in the case of the
    binomial. *Biometrika* 26, 404-413.
    """
    from scipy.special import betaincinv

    rest, tail = counts.sum() - counts, (1 - confidence_level) / 2
    low = np.where(counts == 0, 0.0, betaincinv(np.maximum(counts, 1), rest + 1, tail))
    return low, np.where(rest == 0, 1.0, 1 - betaincinv(np.maximum(rest, 1), counts + 1, tail))


def _agresti_coull(counts: Floats, confidence_level: float) -> Pair:
    """Give the adjusted Wald limits.

    References
    ----------
    Agresti, A. and Coull, B. A. (1998). Approximate is better than "exact" for interval estimation of binomial
    proportions. *The American Statistician* 52(2), 119-126.
    """
    square = _quantile(confidence_level) ** 2
    n = counts.sum() + square
    center = (counts + square / 2) / n
    half = np.sqrt(square * center * (1 - center) / n)
    return center - half, center + half


def _goodman(counts: Floats, confidence_level: float) -> Pair:
    """Give simultaneous limits: Wilson's, at a level shared by the three claims.

    References
    ----------
    Goodman, L. A. (1965). On simultaneous confidence intervals for multinomial proportions. *Technometrics* 7,
    247-254.
    """
    return wilson_limits(counts, counts.sum(), _quantile(confidence_level, claims=counts.size))


#: Every interval for shares by name; the last holds for all three shares at once.
SHARE_METHODS: MappingProxyType[ShareMethod, Callable[[Floats, float], Pair]] = MappingProxyType(
    {
        "wilson": _wilson,
        "jeffreys": _jeffreys,
        "clopper_pearson": _clopper_pearson,
        "agresti_coull": _agresti_coull,
        "goodman": _goodman,
    }
)
