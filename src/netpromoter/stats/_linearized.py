"""The variance of a weighted mean under a survey design, by Taylor linearization."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import attrs
import numpy as np
import numpy.typing as npt

from netpromoter._checks import shown
from netpromoter.errors import InvalidArgument

from ._roots import Floats

__all__ = ["Groups", "LonelyPolicy", "Stage", "design_variance"]

LonelyPolicy: TypeAlias = Literal["error", "adjust", "certainty"]
Groups: TypeAlias = npt.NDArray[np.intp]


@attrs.frozen(kw_only=True, eq=False)
class Stage:
    """One stage of sampling: units, each inside a group, of which so large a share was drawn.

    Parameters
    ----------
    unit : ndarray of int, shape (n,)
        To which unit each answer belongs: a cluster at the first of two stages, else the answer itself.
    group : ndarray of int, shape (u,)
        To which group each unit belongs: a stratum at the first stage, a cluster at the second.
    names : list, length g
        What each group is called.
    fraction : ndarray of float, shape (g,)
        Which share of the units of each group was drawn; 0 of an infinite population.
    """

    unit: Groups
    group: Groups
    names: list[Any]
    fraction: Floats

    @property
    def sizes(self) -> Groups:
        """How many units each group has."""
        return np.bincount(self.group, minlength=len(self.names))

    def refuse_lonely(self, name: str) -> None:
        """Refuse groups of which one unit of several was drawn: one tells nothing of how far units lie apart."""
        lonely = np.flatnonzero((self.sizes == 1) & (self.fraction < 1))
        if lonely.size:
            first = shown(self.names[lonely[0]])
            message = (
                f'{name} must each hold at least 2, or all that there are, unless lonely="adjust" or "certainty" '
                f"(got 1 in {first}; {lonely.size:,} such in all)"
            )
            raise InvalidArgument(message)

    def variances(self, residuals: Floats, lonely: LonelyPolicy) -> Floats:
        """Give what each group adds to the variance: its units' totals around their mean."""
        totals = np.bincount(self.unit, residuals, minlength=self.group.size)
        sizes = self.sizes
        centers = np.bincount(self.group, totals, minlength=sizes.size) / sizes
        if lonely == "adjust":
            centers = np.where(sizes == 1, 0.0, centers)
        squares = np.bincount(self.group, (totals - centers[self.group]) ** 2, minlength=sizes.size)
        found: Floats = (1 - self.fraction) * sizes / np.maximum(sizes - 1, 1) * squares
        return found


def design_variance(residuals: Floats, first: Stage, second: Stage | None, lonely: LonelyPolicy) -> float:
    r"""Give the variance of the sum of linearized residuals, :math:`z_i = w_i (y_i - \hat\theta) / \sum w`.

    .. math::

        \sum_h (1 - f_h) \frac{n_h}{n_h - 1} \sum_c (z_{hc} - \bar z_h)^2
        + \sum_h f_h \sum_c (1 - f_{hc}) \frac{m_c}{m_c - 1} \sum_i (z_{hci} - \bar z_{hc})^2

    over strata h, clusters c and answers i; without clusters the first sum runs over answers, and the second is absent.
    A lonely unit adds nothing (``"certainty"``), or its square around the mean of all, which is 0 (``"adjust"``).

    References
    ----------
    Särndal, C.-E., Swensson, B. and Wretman, J. (1992). *Model Assisted Survey Sampling*, Springer (results 4.3.1 and
    5.6.1).
    Lumley, T. (2004). Analysis of complex survey samples. *Journal of Statistical Software* 9(8), 1-19 (the lonely
    units).
    """
    between = first.variances(residuals, lonely).sum()
    if second is None:
        return float(between)
    within = second.variances(residuals, lonely) * first.fraction[first.group]
    return float(between + within.sum())
