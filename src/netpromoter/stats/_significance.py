"""What a test of a hypothesis gives, and the tests of one score."""

from __future__ import annotations

import math
from collections.abc import Callable
from types import MappingProxyType
from typing import Literal, TypeAlias

import attrs
import numpy as np

from netpromoter._checks import between, one_of, refusal

from ._closed_forms import wald_moments
from ._roots import Floats
from ._tango import scas_statistic, score_statistic

__all__ = [
    "ALTERNATIVES",
    "Alternative",
    "Counts",
    "ScoreTestMethod",
    "SignificanceTest",
    "Sizes",
    "beyond",
    "p_value",
    "ratio",
    "score_test",
    "shown_p_value",
]

Alternative: TypeAlias = Literal["two-sided", "less", "greater"]
Counts: TypeAlias = tuple[int, int, int]
#: Counts that need not be whole, where they stand for an effective size.
Sizes: TypeAlias = tuple[float, float, float]
ScoreTestMethod: TypeAlias = Literal["score", "scas", "wald", "exact"]

ALTERNATIVES: tuple[Alternative, ...] = ("two-sided", "less", "greater")


@attrs.frozen(kw_only=True, repr=False)
class SignificanceTest:
    """The outcome of a test.

    Parameters
    ----------
    statistic : float
        The test statistic; its sign is that of the difference from the hypothesis. Infinite where a Wald statistic
        divides by 0, and where the hypothesis is no longer possible in a known population.
    p_value : float
        The probability, if the hypothesis holds, of a statistic at least as far out.
    method : str
        The name of the method.
    alternative : {"two-sided", "less", "greater"}
        The alternative to the hypothesis.
    """

    statistic: float
    p_value: float
    method: str
    alternative: Alternative

    def __repr__(self) -> str:
        """Give the method, the statistic and the p value in one line."""
        p = shown_p_value(self.p_value)
        return f"SignificanceTest({self.method}: statistic = {self.statistic:.2f}, {p}, {self.alternative})"


def shown_p_value(p: float) -> str:
    """Show a p value with the digits that matter: three next to 0.05, and so many that it is on the right side."""
    if p < 0.0001:
        return "p < 0.0001"
    if p >= 0.1:
        return f"p = {p:.2f}"
    digits = 3 if 0.045 <= p < 0.055 else 2
    while (p < 0.05) != (float(f"{p:.{digits}g}") < 0.05):
        digits += 1
    return f"p = {p:.{digits}g}"


def p_value(z: float, alternative: Alternative) -> float:
    """Give the p value of a standard normal statistic, right in the far tails too."""
    tails = {
        "two-sided": math.erfc(abs(z) / math.sqrt(2)),
        "less": math.erfc(-z / math.sqrt(2)) / 2,
        "greater": math.erfc(z / math.sqrt(2)) / 2,
    }
    return tails[alternative]


def ratio(distance: float, standard_error: float) -> float:
    """Divide, with 0 for no distance and infinity for a distance without error."""
    if distance == 0:
        return 0.0
    return distance / standard_error if standard_error > 0 else math.copysign(math.inf, distance)


def score_test(
    counts: Sizes,
    *,
    against: float,
    method: ScoreTestMethod,
    alternative: Alternative,
    possible: tuple[float, float] = (-100.0, 100.0),
) -> SignificanceTest:
    """Test the score of three counts, which can only be one that is possible; `Score.test` describes the methods."""
    test = _TESTS[one_of("method", method, _TESTS)]
    one_of("alternative", alternative, ALTERNATIVES)
    points = between("against", against, -100, 100)
    statistic, p = test(counts, points / 100, alternative)
    if side := beyond(points, possible):
        statistic, p = -side, p_value(-side, alternative)
    return SignificanceTest(statistic=statistic, p_value=p, method=method, alternative=alternative)


def beyond(points: float, possible: tuple[float, float]) -> float:
    """Give infinity with the sign of the side on which a score is not possible, and 0 for one that is."""
    low, high = possible
    return 0.0 if low <= points <= high else math.copysign(math.inf, points - low)


def _columns(counts: Sizes) -> list[Floats]:
    return [np.array([float(count)]) for count in counts]


def _by_score(counts: Sizes, theta: float, alternative: Alternative) -> tuple[float, float]:
    z = float(score_statistic(np.array([theta]), *_columns(counts))[0])
    return z, p_value(z, alternative)


def _by_scas(counts: Sizes, theta: float, alternative: Alternative) -> tuple[float, float]:
    z = float(scas_statistic(np.array([theta]), *_columns(counts))[0])
    return z, p_value(z, alternative)


def _by_wald(counts: Sizes, theta: float, alternative: Alternative) -> tuple[float, float]:
    score, error = wald_moments(*counts)
    z = ratio(float(score - theta), float(error))
    return z, p_value(z, alternative)


def _by_sign(counts: Sizes, theta: float, alternative: Alternative) -> tuple[float, float]:
    """Give the exact sign test: under the hypothesis a promoter is as likely as a detractor.

    References
    ----------
    Dixon, W. J. and Mood, A. M. (1946). The statistical sign test. *Journal of the American Statistical Association*
    41, 557-566.
    """
    if theta != 0:
        raise refusal("against", 'zero for method="exact"', 100 * theta)
    promoters, _, detractors = counts
    at_most, at_least = _coin(promoters, detractors), _coin(detractors, promoters)
    tails = {"less": at_most, "greater": at_least, "two-sided": min(1.0, 2 * min(at_most, at_least))}
    return float(promoters - detractors), tails[alternative]


def _coin(heads: float, tails: float) -> float:
    """Give the probability that a fair coin shows at most so many heads in as many throws."""
    from scipy.special import betainc

    return float(betainc(tails, heads + 1, 0.5)) if tails else 1.0


_TESTS: MappingProxyType[ScoreTestMethod, Callable[[Sizes, float, Alternative], tuple[float, float]]] = (
    MappingProxyType({"score": _by_score, "scas": _by_scas, "wald": _by_wald, "exact": _by_sign})
)
