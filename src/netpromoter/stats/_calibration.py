"""Weights that agree with what is known of the population: post-stratification, and raking where there are several."""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import numpy as np

from netpromoter.errors import InvalidArgument

from ._linearized import Groups
from ._roots import Floats

__all__ = ["Margin", "raked", "unexplained"]

_ROUNDS = 1000
_TOLERANCE = 1e-12


@attrs.frozen(kw_only=True, eq=False)
class Margin:
    """How many people of the population have each label, and which label each answer has.

    Parameters
    ----------
    place : ndarray of int, shape (n,)
        To which label each answer belongs.
    totals : ndarray of float, shape (k,)
        How many people have each label.
    """

    place: Groups
    totals: Floats

    def sums(self, values: Floats) -> Floats:
        """Add values by label."""
        return np.asarray(np.bincount(self.place, values, minlength=self.totals.size), dtype=np.float64)


def raked(weights: Floats, margins: Sequence[Margin]) -> Floats:
    """Scale weights by one margin after the other, until they agree with all.

    References
    ----------
    Deming, W. E. and Stephan, F. F. (1940). On a least squares adjustment of a sampled frequency table when the
    expected marginal totals are known. *Annals of Mathematical Statistics* 11, 427-444.
    """
    for _ in range(_ROUNDS):
        for margin in margins:
            weights = weights * (margin.totals / margin.sums(weights))[margin.place]
        if all(np.allclose(each.sums(weights), each.totals, rtol=_TOLERANCE, atol=0) for each in margins):
            return weights
    message = f"margins must agree with one another and with the answers (got no weights that do in {_ROUNDS:,} rounds)"
    raise InvalidArgument(message)


def unexplained(values: Floats, weights: Floats, margins: Sequence[Margin]) -> Floats:
    """Give what a regression on the labels of all margins leaves of the values: only that is left to chance.

    References
    ----------
    Deville, J.-C. and Särndal, C.-E. (1992). Calibration estimators in survey sampling. *Journal of the American
    Statistical Association* 87, 376-382 (eq. 3.4, with the weights before calibration).
    """
    if not margins:
        return values
    squares = np.block([[_crossed(row, column, weights) for column in margins] for row in margins])
    products = np.concatenate([margin.sums(weights * values) for margin in margins])
    slopes = np.split(np.linalg.lstsq(squares, products)[0], np.cumsum([m.totals.size for m in margins])[:-1])
    explained = sum((slope[margin.place] for slope, margin in zip(slopes, margins, strict=True)), np.zeros_like(values))
    return values - explained


def _crossed(row: Margin, column: Margin, weights: Floats) -> Floats:
    shape = (row.totals.size, column.totals.size)
    cells = np.bincount(row.place * shape[1] + column.place, weights, minlength=shape[0] * shape[1])
    return np.asarray(cells, dtype=np.float64).reshape(shape)
