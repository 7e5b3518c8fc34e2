"""The difference of two response rates, with its interval and its test, and whether many rates are one."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from statistics import NormalDist
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

import attrs
import numpy as np

from netpromoter._checks import between, count, one_of, refusal
from netpromoter._figures import points, span
from netpromoter._html import table

from ._closed_forms import wilson_limits
from ._profile import Sample, profile_statistic
from ._roots import Floats, roots
from ._significance import ALTERNATIVES, Alternative, SignificanceTest, p_value, ratio, shown_p_value

__all__ = ["RateDifference", "RateInterval", "RateTest", "chi_squared_test", "homogeneity_test", "wilson_interval"]

RateInterval: TypeAlias = Literal["score", "newcombe", "wald"]
RateTest: TypeAlias = Literal["score", "wald"]

_TOLERANCE = 1e-13


def _two(name: str, values: Any, least: int) -> tuple[int, int]:
    numbers = tuple(values) if isinstance(values, Iterable) and not isinstance(values, str) else ()
    if len(numbers) != 2:
        raise refusal(name, "two counts, of the first and of the second group", values)
    first, second = (count(f"{name}[{place}]", value, least=least) for place, value in enumerate(numbers))
    return first, second


def _answered(values: Any) -> tuple[int, int]:
    return _two("answered", values, 0)


def _invited(values: Any) -> tuple[int, int]:
    return _two("invited", values, 1)


@attrs.frozen(kw_only=True, repr=False)
class RateDifference:
    """How much larger a share of the second group answered than of the first, two groups of different people.

    `compare_variants` makes one for each pair of arms.

    Parameters
    ----------
    answered : pair of int
        How many people answered in the first group, and how many in the second.
    invited : pair of int
        How many people the question was delivered to, at least one in each group.

    Examples
    --------
    >>> d = RateDifference(answered=(180, 236), invited=(1000, 1000))
    >>> d
    +5.6 percentage points (95% CI +2.0 to +9.2), p = 0.002
    >>> d.rates, d.value
    ((0.18, 0.236), 0.056)
    """

    answered: tuple[int, int] = attrs.field(converter=_answered)
    invited: tuple[int, int] = attrs.field(converter=_invited)

    def __attrs_post_init__(self) -> None:
        if any(answered > invited for answered, invited in zip(self.answered, self.invited, strict=True)):
            raise refusal("answered", f"at most the number of the invited, {self.invited}", self.answered)

    @property
    def rates(self) -> tuple[float, float]:
        """The two shares that answered, from 0 to 1."""
        first, second = (a / n for a, n in zip(self.answered, self.invited, strict=True))
        return first, second

    @property
    def exact(self) -> Fraction:
        """The second share minus the first as an exact fraction, from -1 to 1."""
        first, second = (Fraction(a, n) for a, n in zip(self.answered, self.invited, strict=True))
        return second - first

    @property
    def value(self) -> float:
        """The second share minus the first, from -1 to 1."""
        return float(self.exact)

    @property
    def standard_error(self) -> float:
        """The large-sample standard error of the difference of the shares."""
        pairs = zip(self.answered, self.invited, strict=True)
        return math.sqrt(sum(Fraction(a * (n - a), n**3) for a, n in pairs))

    def interval(self, *, confidence_level: float = 0.95, method: RateInterval = "score") -> tuple[float, float]:
        """Give a confidence interval for the difference of the shares.

        Parameters
        ----------
        confidence_level : float, default 0.95
            Strictly between 0 and 1.
        method : {"score", "newcombe", "wald"}, default "score"
            - ``"score"``: Miettinen and Nurminen's, the differences that the score test does not reject, so that test
              and interval never disagree.
            - ``"newcombe"``: square-and-add of the two Wilson intervals; close to ``"score"``, and cheaper.
            - ``"wald"``: without width where nobody or everybody answered in both groups, and too narrow where few did.

        Returns
        -------
        low, high : float
            The limits as shares, within [-1, 1].

        References
        ----------
        Miettinen, O. and Nurminen, M. (1985). Comparative analysis of two rates. *Statistics in Medicine* 4, 213-226.
        Newcombe, R. G. (1998). Interval estimation for the difference between independent proportions: comparison of
        eleven methods. *Statistics in Medicine* 17, 873-890 (methods 5 and 10).

        Examples
        --------
        >>> low, high = RateDifference(answered=(48, 56), invited=(80, 70)).interval()
        >>> round(low, 4), round(high, 4)
        (0.0528, 0.3382)
        """
        limits = _INTERVALS[one_of("method", method, _INTERVALS)]
        level = between("confidence_level", confidence_level, 0, 1)
        low, high = limits(self, -NormalDist().inv_cdf((1 - level) / 2))
        return max(-1.0, low), min(1.0, high)

    def test(self, *, method: RateTest = "score", alternative: Alternative = "two-sided") -> SignificanceTest:
        """Test whether the two groups answer equally often.

        Parameters
        ----------
        method : {"score", "wald"}, default "score"
            ``"score"`` is Miettinen and Nurminen's: the pooled test of two proportions, with (N - 1) / N of its
            square.
        alternative : {"two-sided", "less", "greater"}, default "two-sided"
            Whether the second group may answer at another, a lower or a higher rate.

        Returns
        -------
        SignificanceTest

        Examples
        --------
        >>> RateDifference(answered=(48, 56), invited=(80, 70)).test()
        SignificanceTest(score: statistic = 2.64, p = 0.0083, two-sided)
        """
        statistic = _TESTS[one_of("method", method, _TESTS)](self)
        p = p_value(statistic, one_of("alternative", alternative, ALTERNATIVES))
        return SignificanceTest(statistic=statistic, p_value=p, method=method, alternative=alternative)

    def __repr__(self) -> str:
        """Give the difference, its interval and the p value in one line."""
        limits = span(*(100 * limit for limit in self.interval()))
        p = shown_p_value(self.test().p_value)
        return f"{points(100 * self.value)} percentage points (95% CI {limits}), {p}"

    def _repr_html_(self) -> str:
        """Give a small table, for notebooks."""
        groups = zip(("first", "second"), self.rates, self.answered, self.invited, strict=True)
        rows = [[name, f"{rate:.1%}", f"{a:,}", f"{n:,}"] for name, rate, a, n in groups]
        return table(["", "response rate", "answered", "invited"], rows, caption=repr(self).replace("<", "&lt;"))


def wilson_interval(answered: int, invited: int, confidence_level: float) -> tuple[float, float]:
    """Give Wilson's interval for one rate."""
    z = -NormalDist().inv_cdf((1 - confidence_level) / 2)
    low, high = wilson_limits(np.array([float(answered)]), np.array([float(invited)]), z)
    return low.item(), high.item()


def chi_squared_test(statistic: float, df: int, method: str) -> SignificanceTest:
    """Refer a statistic to the chi-squared distribution; without degrees of freedom nothing is rejected."""
    from scipy.special import chdtrc

    p = float(chdtrc(df, statistic)) if df else 1.0
    return SignificanceTest(statistic=statistic, p_value=p, method=method, alternative="two-sided")


def homogeneity_test(answered: Sequence[int], invited: Sequence[int]) -> SignificanceTest:
    """Test whether all groups answer equally often.

    References
    ----------
    Pearson, K. (1900). On the criterion that a given system of deviations from the probable in the case of a
    correlated system of variables is such that it can be reasonably supposed to have arisen from random sampling.
    *Philosophical Magazine* 50, 157-175.
    """
    pooled = Fraction(sum(answered), sum(invited))
    squares = sum((a - n * pooled) ** 2 / n for a, n in zip(answered, invited, strict=True))
    statistic = float(squares / (pooled * (1 - pooled))) if 0 < pooled < 1 else 0.0
    return chi_squared_test(statistic, len(invited) - 1, "chi_squared")


def _samples(d: RateDifference) -> tuple[Sample, Sample]:
    """Give the answered as promoters and the others as detractors: a rate is a score without passives, halved."""
    first, second = (
        (np.array([float(a)]), np.zeros(1), np.array([float(n - a)]))
        for a, n in zip(d.answered, d.invited, strict=True)
    )
    return first, second


def _score(d: RateDifference, difference: Floats) -> Floats:
    """Give the score statistic of the hypothesis that the rates differ by so much.

    References
    ----------
    Miettinen, O. and Nurminen, M. (1985). *Statistics in Medicine* 4, 213-226 (their variance has the factor
    N / (N - 1)).
    Mee, R. W. (1984). Confidence bounds for the difference between two probabilities. *Biometrics* 40, 1175-1176
    (the same without the factor).
    """
    total = sum(d.invited)
    z: Floats = math.sqrt(1 - 1 / total) * profile_statistic(*_samples(d), 2 * difference)
    return z


def _score_lower(d: RateDifference, z: float) -> float:
    if d.value == -1:
        return -1.0
    return roots(lambda x: _score(d, x) - z, np.full(1, -1.0), np.array([d.value]), tolerance=_TOLERANCE).item()


def _score_interval(d: RateDifference, z: float) -> tuple[float, float]:
    swapped = RateDifference(answered=d.answered[::-1], invited=d.invited[::-1])
    return _score_lower(d, z), -_score_lower(swapped, z)


def _newcombe_interval(d: RateDifference, z: float) -> tuple[float, float]:
    rates = np.array(d.rates)
    low, high = wilson_limits(np.array(d.answered, dtype=float), np.array(d.invited, dtype=float), z)
    (first_down, second_down), (first_up, second_up) = rates - low, high - rates
    return d.value - math.hypot(second_down, first_up), d.value + math.hypot(second_up, first_down)


def _wald_interval(d: RateDifference, z: float) -> tuple[float, float]:
    half = z * d.standard_error
    return d.value - half, d.value + half


def _score_test(d: RateDifference) -> float:
    return _score(d, np.zeros(1)).item()


def _wald_test(d: RateDifference) -> float:
    return ratio(d.value, d.standard_error)


_INTERVALS: MappingProxyType[str, Callable[[RateDifference, float], tuple[float, float]]] = MappingProxyType(
    {"score": _score_interval, "newcombe": _newcombe_interval, "wald": _wald_interval}
)

_TESTS: MappingProxyType[str, Callable[[RateDifference], float]] = MappingProxyType(
    {"score": _score_test, "wald": _wald_test}
)
