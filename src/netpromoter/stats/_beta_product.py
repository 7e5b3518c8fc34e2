"""The distribution of T(2B - 1) for independent beta variables T and B, for the Bayesian and the exact interval.

T is the share of people who are not passive and B the share of promoters among them, so T(2B - 1) is the score.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ._roots import Floats, roots

__all__ = ["probability_below", "quantiles"]

_STEP = 1 / 16
_REACH = 68
_TAIL = 1e-17
#: With fewer pseudo-observations than this, the density of T may be singular at 1, and the rule goes up to there.
_NEAR_ONE = 100


def _nodes() -> tuple[Floats, Floats, Floats]:
    """Give the double exponential rule on (0, 1): distances from both ends, and weights.

    References
    ----------
    Takahasi, H. and Mori, M. (1974). Double exponential formulas for numerical integration. *Publications of the
    Research Institute for Mathematical Sciences* 9, 721-741.
    """
    u = np.arange(-_REACH, _REACH + 1) * _STEP
    stretched = np.pi * np.sinh(u)
    left, right = 1 / (1 + np.exp(-stretched)), 1 / (1 + np.exp(stretched))
    return left, right, _STEP * np.pi * np.cosh(u) * left * right


def probability_below(x: Floats, t_a: Floats, t_b: Floats, b_a: Floats, b_b: Floats) -> Floats:
    r"""Give :math:`P(T(2B - 1) \le x)` by integrating over T.

    Parameters
    ----------
    x : ndarray, shape (k,)
        From -1 to 1.
    t_a, t_b, b_a, b_b : ndarray, shape (k,)
        The parameters of T and of B, all positive.

    Returns
    -------
    ndarray, shape (k,)
        Good to about 1e-12 for thousands of answers, and to 1e-7 for a hundred million, where the logarithm of the beta
        function has no more digits. The double exponential rule does not mind the singular ends of a beta density.
    """
    from scipy.special import betainc, betaln

    low, high, rest_at_high = _window(x, t_a, t_b, b_a, b_b)
    left, right, weight = _nodes()
    span = np.maximum(high - low, 0)[:, None]
    t = np.where(left < 0.5, low[:, None] + span * left, high[:, None] - span * right)
    rest = rest_at_high[:, None] + span * right
    with np.errstate(all="ignore"):
        density = np.exp((t_a - 1)[:, None] * np.log(t) + (t_b - 1)[:, None] * np.log(rest) - betaln(t_a, t_b)[:, None])
        share = np.clip((x[:, None] / t + 1) / 2, 0, 1)
    inner = np.where(t > 0, betainc(b_a[:, None], b_b[:, None], share), 0.0)
    integral = (np.where(np.isfinite(density), density, 0.0) * inner * weight * span).sum(axis=1)
    certain = np.where(x > 0, betainc(t_a, t_b, low), np.where(x < 0, betainc(t_b, t_a, rest_at_high), 0.0))
    below: Floats = integral + certain
    return np.clip(below, 0, 1)


def _window(x: Floats, t_a: Floats, t_b: Floats, b_a: Floats, b_b: Floats) -> tuple[Floats, Floats, Floats]:
    """Give where T has its mass and B is not certain to be on one side, and the distance of its end from 1.

    Below it, for positive `x`, the product stays under `x` whatever B is; above it, for negative `x`, likewise.
    """
    from scipy.special import betaincinv

    size = np.abs(x)
    rest = np.where(t_b < _NEAR_ONE, 0.0, betaincinv(t_b, t_a, _TAIL))
    low, high = np.maximum(betaincinv(t_a, t_b, _TAIL), size), np.maximum(1 - rest, size)
    few, many = betaincinv(b_a, b_b, _TAIL), 1 - betaincinv(b_b, b_a, _TAIL)
    first, last = _where_share_is(np.where(x > 0, many, few), x), _where_share_is(np.where(x > 0, few, many), x)
    low = np.maximum(low, np.where(x == 0, 0.0, np.minimum(first, 1.0)))
    shorter = (x != 0) & (last < high)
    return low, np.where(shorter, last, high), np.where(shorter, 1 - last, np.minimum(rest, 1 - size))


def _where_share_is(share: Floats, x: Floats) -> Floats:
    """Give the T at which T(2B - 1) equals `x` when B is `share`, and infinity where there is none."""
    with np.errstate(all="ignore"):
        t = x / (2 * share - 1)
    return np.where(t > 0, t, np.inf)


def quantiles(probability: float, t_a: Floats, t_b: Floats, b_a: Floats, b_b: Floats) -> Floats:
    """Give the quantile of T(2B - 1); a parameter of 0 pins its variable to the end with no mass against it.

    Parameters
    ----------
    probability : float
        Strictly between 0 and 1.
    t_a, t_b, b_a, b_b : ndarray, shape (k,)
        The parameters of T and of B, at most one of each pair 0.
    """
    from scipy.special import betaincinv

    found = np.zeros(t_a.shape)
    nobody, never, always, certain = (parameter == 0 for parameter in (t_a, b_a, b_b, t_b))
    only_b = certain & ~(nobody | never | always)
    mixed = ~(nobody | never | always | certain)
    found[never & ~nobody] = -_beta_quantile(1 - probability, t_a, t_b, never & ~nobody)
    found[always & ~nobody] = _beta_quantile(probability, t_a, t_b, always & ~nobody)
    found[only_b] = 2 * betaincinv(b_a[only_b], b_b[only_b], probability) - 1
    found[mixed] = _mixed(probability, [column[mixed] for column in (t_a, t_b, b_a, b_b)])
    return found


def _beta_quantile(probability: float, a: Floats, b: Floats, here: npt.NDArray[np.bool_]) -> Floats:
    from scipy.special import betaincinv

    a, b = a[here], b[here]
    return np.where(b == 0, 1.0, betaincinv(a, np.where(b == 0, 1.0, b), probability))


def _mixed(probability: float, columns: Sequence[Floats]) -> Floats:
    def shortfall(x: Floats, *columns: Floats) -> Floats:
        return probability - probability_below(x, *columns)

    ones = np.ones(columns[0].shape)
    return roots(shortfall, -ones, ones, *columns, tolerance=1e-14) if ones.size else ones
