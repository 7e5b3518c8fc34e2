"""The difference of two independent scores, with its interval and its test."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from statistics import NormalDist
from types import MappingProxyType
from typing import Literal, TypeAlias

import attrs
import numpy as np

from netpromoter._checks import between, one_of, refusal
from netpromoter._figures import points, span
from netpromoter._html import table

from ._closed_forms import adjusted_moments
from ._permutation import permutation_test
from ._profile import Sample, profile_limits, profile_log_ratio, profile_statistic
from ._score import Score
from ._significance import ALTERNATIVES, Alternative, SignificanceTest, p_value, ratio, shown_p_value

__all__ = ["Difference", "DifferenceInterval", "DifferenceTest", "compare"]

DifferenceInterval: TypeAlias = Literal["score", "mover", "wald", "adjusted_wald", "welch"]
DifferenceTest: TypeAlias = Literal["score", "likelihood_ratio", "wald", "adjusted_wald", "welch", "permutation"]


@attrs.frozen(kw_only=True, repr=False)
class Difference:
    """How much higher `after` scores than `before`, two samples of different people.

    Make one with `compare`. A `population` of the scores narrows nothing here: two waves differ, or two groups, if what
    made their people answer as they did differs, and of that even a census is a sample.

    Parameters
    ----------
    before, after : Score
        The two scores; the difference is `after` minus `before`.

    References
    ----------
    Cochran, W. G. (1977). *Sampling Techniques*, 3rd edition, Wiley (section 2.14, on comparisons without the finite
    population correction).

    Examples
    --------
    >>> before = Score.from_counts(promoters=48, passives=30, detractors=22)
    >>> after = Score.from_counts(promoters=55, passives=30, detractors=15)
    >>> d = Difference(before=before, after=after)
    >>> d
    +14.0 points (95% CI -7.3 to +35.1), p = 0.20
    >>> d.exact
    Fraction(14, 1)
    """

    before: Score = attrs.field(validator=lambda _, field, value: _scored(field.name, value))
    after: Score = attrs.field(validator=lambda _, field, value: _scored(field.name, value))

    @property
    def exact(self) -> Fraction:
        """The difference in points as an exact fraction, from -200 to 200."""
        return self.after.exact - self.before.exact

    @property
    def value(self) -> float:
        """The difference in points, from -200 to 200."""
        return float(self.exact)

    @property
    def standard_error(self) -> float:
        """The large-sample standard error in points."""
        return math.hypot(*(score.standard_error for score in _of_infinite_populations(self)))

    def interval(self, *, confidence_level: float = 0.95, method: DifferenceInterval = "score") -> tuple[float, float]:
        """Give a confidence interval for the difference.

        Parameters
        ----------
        confidence_level : float, default 0.95
            Strictly between 0 and 1.
        method : str, default "score"
            - ``"score"``: the differences that the score test does not reject, so that test and interval never
              disagree.
            - ``"mover"``: square-and-add of the two score intervals; close to ``"score"``, and cheaper.
            - ``"wald"``, ``"welch"``: normal and t; their coverage falls to 0.7 in samples of ten.
            - ``"adjusted_wald"``: (3/4, 3/2, 3/4) is added to each sample, and the interval is centered on the
              difference of the adjusted scores; poor where the scores lie near ±100.

        Returns
        -------
        low, high : float
            The limits in points, within [-200, 200].

        References
        ----------
        Donner, A. and Zou, G. Y. (2012). Closed-form confidence intervals for functions of the normal mean and
        standard deviation. *Statistical Methods in Medical Research* 21(4), 347-359 (MOVER).

        Examples
        --------
        >>> before = Score.from_counts(promoters=48, passives=30, detractors=22)
        >>> after = Score.from_counts(promoters=55, passives=30, detractors=15)
        >>> low, high = compare(before, after).interval(method="mover")
        >>> round(low, 2), round(high, 2)
        (-7.32, 34.93)
        """
        limits = _INTERVALS[one_of("method", method, _INTERVALS)]
        low, high = limits(self, between("confidence_level", confidence_level, 0, 1))
        return max(-200.0, float(low)), min(200.0, float(high))

    def test(self, *, method: DifferenceTest = "score", alternative: Alternative = "two-sided") -> SignificanceTest:
        """Test whether the two scores are equal.

        Parameters
        ----------
        method : str, default "score"
            - ``"score"``: the profile score test, whose size stays near its level from n = 10 on.
            - ``"likelihood_ratio"``: from the same profile; the statistic is the signed root.
            - ``"wald"``, ``"welch"``, ``"adjusted_wald"``: as in `interval`; Wald and Welch reject up to 31% of the
              time at a level of 5% when the samples are of 10 and 30.
            - ``"permutation"``: it tests that the two *distributions* of promoters, passives and detractors are
              equal, not only their scores, and can reject when the scores are equal.
        alternative : {"two-sided", "less", "greater"}, default "two-sided"
            Whether `after` may score otherwise, lower or higher.

        Returns
        -------
        SignificanceTest

        Examples
        --------
        >>> before = Score.from_counts(promoters=40, passives=30, detractors=30)
        >>> after = Score.from_counts(promoters=60, passives=25, detractors=15)
        >>> compare(before, after).test(alternative="greater")
        SignificanceTest(score: statistic = 3.07, p = 0.0011, greater)
        """
        test = _TESTS[one_of("method", method, _TESTS)]
        one_of("alternative", alternative, ALTERNATIVES)
        statistic, p = test(self, alternative)
        return SignificanceTest(statistic=statistic, p_value=p, method=method, alternative=alternative)

    def __repr__(self) -> str:
        """Give the difference, its interval and the p value in one line."""
        low, high = self.interval()
        return f"{points(self.value)} points (95% CI {span(low, high)}), {shown_p_value(self.test().p_value)}"

    def _repr_html_(self) -> str:
        """Give a small table, for notebooks."""
        rows = []
        for name, score in (("before", self.before), ("after", self.after)):
            low, high = score.interval()
            rows.append([name, points(score.value), span(low, high), f"{score.n:,}"])
        low, high = self.interval()
        p = shown_p_value(self.test().p_value).replace("<", "&lt;")
        rows.append(["difference", f"<b>{points(self.value)}</b>", span(low, high), p])
        return table(["", "NPS", "95% CI", "n"], rows)


def compare(before: Score, after: Score) -> Difference:
    """Compare two scores of different people: after minus before.

    Parameters
    ----------
    before, after : Score
        Two independent samples, such as two waves that asked different people, or two segments. For the same people
        asked twice take `compare_paired`: this one ignores that their answers go together.

    Returns
    -------
    Difference
        Its value, interval and test.

    Raises
    ------
    InvalidArgument
        If either is not a `Score`.

    Examples
    --------
    >>> last_year = Score.from_counts(promoters=480, passives=300, detractors=220)
    >>> this_year = Score.from_counts(promoters=550, passives=300, detractors=150)
    >>> compare(last_year, this_year)
    +14.0 points (95% CI +7.3 to +20.7), p < 0.0001
    """
    return Difference(before=before, after=after)


def _scored(name: str, value: object) -> None:
    if not isinstance(value, Score):
        raise refusal(name, "a Score", value)


def _of_infinite_populations(d: Difference) -> tuple[Score, Score]:
    return attrs.evolve(d.before, population=None), attrs.evolve(d.after, population=None)


def _samples(d: Difference) -> tuple[Sample, Sample]:
    before, after = (
        tuple(np.array([float(count)]) for count in (score.promoters, score.passives, score.detractors))
        for score in (d.before, d.after)
    )
    return before, after  # type: ignore[return-value]  # three of each


def _quantile(confidence_level: float) -> float:
    return -NormalDist().inv_cdf((1 - confidence_level) / 2)


def _around(center: float, half: float) -> tuple[float, float]:
    return center - half, center + half


def _profile_interval(d: Difference, confidence_level: float) -> tuple[float, float]:
    low, high = profile_limits(*_samples(d), confidence_level)
    return 100 * float(low[0]), 100 * float(high[0])


def _mover_interval(d: Difference, confidence_level: float) -> tuple[float, float]:
    (low_before, high_before), (low_after, high_after) = (
        score.interval(confidence_level=confidence_level) for score in _of_infinite_populations(d)
    )
    before, after = d.before.value, d.after.value
    down = math.hypot(after - low_after, high_before - before)
    up = math.hypot(high_after - after, before - low_before)
    return d.value - down, d.value + up


def _wald_interval(d: Difference, confidence_level: float) -> tuple[float, float]:
    return _around(d.value, _quantile(confidence_level) * d.standard_error)


def _adjusted(d: Difference) -> tuple[float, float]:
    """Give the difference of the adjusted scores and its standard error, in points."""
    (before, error_before), (after, error_after) = (
        adjusted_moments(score.promoters, score.passives, score.detractors) for score in (d.before, d.after)
    )
    return 100 * (after - before), 100 * math.hypot(error_before, error_after)


def _adjusted_interval(d: Difference, confidence_level: float) -> tuple[float, float]:
    center, error = _adjusted(d)
    return _around(center, _quantile(confidence_level) * error)


def _welch(d: Difference) -> tuple[float, float]:
    """Give Welch's standard error in points and degrees of freedom.

    References
    ----------
    Welch, B. L. (1947). The generalization of "Student's" problem when several different population variances are
    involved. *Biometrika* 34, 28-35.
    """
    sizes = (d.before.n, d.after.n)
    if min(sizes) < 2:
        raise refusal("before and after", 'samples of at least 2 answers for method="welch"', sizes)
    first, second = (s.standard_error**2 * s.n / (s.n - 1) for s in _of_infinite_populations(d))
    if first + second == 0:
        return 0.0, math.inf
    df = (first + second) ** 2 / (first**2 / (sizes[0] - 1) + second**2 / (sizes[1] - 1))
    return math.sqrt(first + second), df


def _welch_interval(d: Difference, confidence_level: float) -> tuple[float, float]:
    from scipy.special import stdtrit

    error, df = _welch(d)
    return _around(d.value, -float(stdtrit(df, (1 - confidence_level) / 2)) * error)


def _profile_test(d: Difference, alternative: Alternative) -> tuple[float, float]:
    z = float(profile_statistic(*_samples(d), np.zeros(1))[0])
    return z, p_value(z, alternative)


def _likelihood_ratio_test(d: Difference, alternative: Alternative) -> tuple[float, float]:
    doubled = float(profile_log_ratio(*_samples(d))[0]) if d.exact else 0.0
    z = math.copysign(math.sqrt(max(0.0, doubled)), d.exact)
    return z, p_value(z, alternative)


def _wald_test(d: Difference, alternative: Alternative) -> tuple[float, float]:
    z = ratio(d.value, d.standard_error)
    return z, p_value(z, alternative)


def _adjusted_test(d: Difference, alternative: Alternative) -> tuple[float, float]:
    z = ratio(*_adjusted(d))
    return z, p_value(z, alternative)


def _welch_test(d: Difference, alternative: Alternative) -> tuple[float, float]:
    from scipy.special import stdtr

    error, df = _welch(d)
    t = ratio(d.value, error)
    less, greater = float(stdtr(df, t)), float(stdtr(df, -t))
    return t, {"less": less, "greater": greater, "two-sided": min(1.0, 2 * min(less, greater))}[alternative]


def _permutation_test(d: Difference, alternative: Alternative) -> tuple[float, float]:
    before, after = ((s.promoters, s.passives, s.detractors) for s in (d.before, d.after))
    return permutation_test(before, after, alternative)


_INTERVALS: MappingProxyType[str, Callable[[Difference, float], tuple[float, float]]] = MappingProxyType(
    {
        "score": _profile_interval,
        "mover": _mover_interval,
        "wald": _wald_interval,
        "adjusted_wald": _adjusted_interval,
        "welch": _welch_interval,
    }
)

_TESTS: MappingProxyType[str, Callable[[Difference, Alternative], tuple[float, float]]] = MappingProxyType(
    {
        "score": _profile_test,
        "likelihood_ratio": _likelihood_ratio_test,
        "wald": _wald_test,
        "adjusted_wald": _adjusted_test,
        "welch": _welch_test,
        "permutation": _permutation_test,
    }
)
