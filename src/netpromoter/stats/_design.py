"""The score of a survey by design: strata, unequal weights, clusters, and populations of known size."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

import attrs
import numpy as np
import numpy.typing as npt

from netpromoter._checks import between, nobody, one_of, refuse_missing, warn
from netpromoter._figures import points, span
from netpromoter._html import table
from netpromoter.errors import ScaleWarning
from netpromoter.ratings import MISSING, MissingPolicy, Scale, scale_doubt
from netpromoter.ratings import codes as _codes

from ._columns import yes_or_no
from ._linearized import LonelyPolicy
from ._roots import Floats
from ._sampling import Sampling
from ._significance import ALTERNATIVES, Alternative, SignificanceTest, beyond, ratio
from ._tango import score_limits, score_statistic

__all__ = ["DesignInterval", "DesignScore", "design_score"]

DesignInterval: TypeAlias = Literal["score", "t"]

#: A variance in points squared that is only what rounding leaves of 0.
_NEGLIGIBLE = 1e-24
_POLICIES: tuple[MissingPolicy, ...] = ("refuse", "drop")
_LONELY: tuple[LonelyPolicy, ...] = ("error", "adjust", "certainty")


@attrs.frozen(kw_only=True, repr=False)
class DesignScore:
    """A Net Promoter Score of a survey by design, estimated for everybody that the survey stands for.

    Make one with `design_score`. Two of them cannot be added: what they stand for is known to their designs alone.

    Parameters
    ----------
    promoter_share, detractor_share : float
        The weighted shares, from 0 to 1.
    variance : float
        The variance of the score under the design, in points squared.
    srs_variance : float
        What it would be in a simple random sample of the same size.
    n : int
        How many people answered.
    n_kish : float
        How many answers with equal weights would weigh as much, where those of strata of which everybody answered leave
        nothing to chance; infinite for a census.
    sampled : int
        How many of the answers are of strata, or clusters, of which not everybody answered.
    degrees_of_freedom : int
        Of the variance: clusters less strata; without clusters answers less strata.
    missing : int, default 0
        People who did not answer.
    uncovered : int, default 0
        How many people (or clusters) are in strata where nobody answered; the score says nothing of them.
    possible : tuple of 2 float, default (-100, 100)
        The lowest and the highest score in points that those who did not answer can still make, where the number of
        people in each stratum is known and alone makes the weights, and the score is that of all of them.

    References
    ----------
    Kish, L. (1965). *Survey Sampling*, Wiley (section 8.2, effective sizes and design effects).

    Examples
    --------
    >>> s = design_score(
    ...     [9, 10, 3, 8, 10, 0, 7, 9, 10, 6],
    ...     strata=["paid"] * 4 + ["free"] * 6,
    ...     populations={"paid": 4, "free": 600},
    ... )
    >>> s
    NPS +16.7 (95% CI -59.3 to +76.5; n = 10, effective 5.1)
    >>> s.value, s.standard_error, s.design_effect
    (16.72..., 39.67..., 1.78...)
    """

    promoter_share: float
    detractor_share: float
    variance: float
    srs_variance: float
    n: int
    n_kish: float
    sampled: int
    degrees_of_freedom: int
    missing: int = 0
    uncovered: int = 0
    possible: tuple[float, float] = (-100.0, 100.0)

    @property
    def value(self) -> float:
        """The score in points, from -100 to 100."""
        return 100 * (self.promoter_share - self.detractor_share)

    @property
    def passive_share(self) -> float:
        """The weighted share of passives, from 0 to 1."""
        return max(0.0, 1 - self.promoter_share - self.detractor_share)

    @property
    def standard_error(self) -> float:
        """The standard error in points."""
        return math.sqrt(self.variance)

    @property
    def census(self) -> bool:
        """Whether everybody answered that there is, so that nothing is left to chance."""
        return self.sampled == 0

    @property
    def design_effect(self) -> float | None:
        """How many times the variance of a simple random sample of as many it has; None where that has none."""
        return self.variance / self.srs_variance if self.srs_variance > 0 else None

    @property
    def n_effective(self) -> float:
        r"""How many answers of a simple random sample would say as much; infinitely many for a census.

        It is :math:`\hat\sigma^2 / SE^2`, but at most `n_kish`, which does not depend on an estimated variance.

        References
        ----------
        Korn, E. L. and Graubard, B. I. (1998). Confidence intervals for proportions with small expected number of
        positive counts estimated from survey data. *Survey Methodology* 24, 193-201.
        """
        if self.census:
            return math.inf
        spread = self.promoter_share + self.detractor_share - (self.value / 100) ** 2
        designed = 1e4 * max(0.0, spread) / self.variance if self.variance > 0 else math.inf
        return min(designed, self.n_kish)

    def interval(self, *, confidence_level: float = 0.95, method: DesignInterval = "score") -> tuple[float, float]:
        """Give a confidence interval for the score of everybody that the survey stands for.

        Parameters
        ----------
        confidence_level : float, default 0.95
            Strictly between 0 and 1.
        method : {"score", "t"}, default "score"
            ``"score"`` is Tango's interval at `n_effective` answers, with a quantile of Student's t; ``"t"`` is the
            score plus and minus so many standard errors, which is too narrow where few answered or nearly all agree.

        Returns
        -------
        low, high : float
            The limits in points, within what is `possible`; both are the score itself for a census, and all that is
            possible where there is no degree of freedom.

        References
        ----------
        Franco, C., Little, R. J. A., Louis, T. A. and Slud, E. V. (2019). Comparative study of confidence intervals for
        proportions in complex sample surveys. *Journal of Survey Statistics and Methodology* 7, 334-364.

        Examples
        --------
        >>> s = design_score([9, 10, 8, 3], probabilities=[0.5, 0.5, 0.25, 0.25])
        >>> [round(limit, 1) for limit in s.interval(method="t")]
        [-100.0, 100.0]
        """
        limits = _INTERVALS[one_of("method", method, _INTERVALS)]
        tail = (1 - between("confidence_level", confidence_level, 0, 1)) / 2
        if self.census or self.degrees_of_freedom < 1:
            return self.possible
        low, high = limits(self, _t_quantile(self.degrees_of_freedom, tail))
        return max(self.possible[0], low), min(self.possible[1], high)

    def test(
        self, *, against: float = 0.0, method: DesignInterval = "score", alternative: Alternative = "two-sided"
    ) -> SignificanceTest:
        """Test whether the score of everybody that the survey stands for is `against`.

        Parameters
        ----------
        against : float, default 0
            The score under the null hypothesis, in points, strictly between -100 and 100.
        method : {"score", "t"}, default "score"
            As in `interval`, which leaves out what the test rejects.
        alternative : {"two-sided", "less", "greater"}, default "two-sided"
            On which side of `against` the score may lie.

        Returns
        -------
        SignificanceTest
            Its statistic is referred to Student's t distribution; without a degree of freedom nothing is rejected but
            what is not possible.

        Examples
        --------
        >>> ratings, plans = [10] * 60 + [8] * 20 + [3] * 20, ["paid", "free"] * 50
        >>> design_score(ratings, strata=plans, populations={"paid": 80, "free": 4000}).test(against=20)
        SignificanceTest(score: statistic = 1.66, p = 0.1, two-sided)
        """
        statistic = _STATISTICS[one_of("method", method, _STATISTICS)]
        one_of("alternative", alternative, ALTERNATIVES)
        theta = between("against", against, -100, 100)
        side = beyond(theta, self.possible)
        t = -side if side else 0.0 if self.census else statistic(self, theta)
        tails = _tails(t, self.degrees_of_freedom)
        return SignificanceTest(statistic=t, p_value=tails[alternative], method=method, alternative=alternative)

    def __repr__(self) -> str:
        """Give the score, its interval and the sample in one line."""
        notes = "".join(
            f"; {number:,} {what}"
            for number, what in ((self.missing, "missing"), (self.uncovered, "in strata without answers"))
            if number
        )
        if self.census:
            return f"NPS {points(self.value)} (census of {self.n:,}: no sampling error{notes})"
        low, high = self.interval()
        size = f"n = {self.n:,}, effective {self.n_effective:,.1f}"
        return f"NPS {points(self.value)} (95% CI {span(low, high)}; {size}{notes})"

    def _repr_html_(self) -> str:
        """Give a small table, for notebooks."""
        low, high = self.interval()
        limits = "census" if self.census else span(low, high)
        shares = (f"{share:.1%}" for share in (self.detractor_share, self.passive_share, self.promoter_share))
        effect = "" if self.design_effect is None else f"{self.design_effect:.2f}"
        head = ["NPS", "95% CI", "n", "design effect", "missing", "detractors", "passives", "promoters"]
        return table(
            head, [[f"<b>{points(self.value)}</b>", limits, f"{self.n:,}", effect, f"{self.missing:,}", *shares]]
        )


def design_score(
    ratings: Any,
    *,
    weights: Any = None,
    probabilities: Any = None,
    strata: Any = None,
    populations: Mapping[Any, int | None] | int | None = None,
    clusters: Any = None,
    cluster_populations: Mapping[Any, int] | None = None,
    margins: Iterable[tuple[Any, Mapping[Any, int]]] | None = None,
    where: Any = None,
    lonely: LonelyPolicy = "error",
    missing: MissingPolicy = "refuse",
    scale: Scale = "0-10",
) -> DesignScore:
    """Estimate the Net Promoter Score of everybody that a survey by design stands for.

    Parameters
    ----------
    ratings : iterable, shape (n,)
        Answers from 0 to 10, as `score` takes them.
    weights : iterable of float, shape (n,), optional
        How many people each answer stands for; above 0, below 1e15.
    probabilities : iterable of float, shape (n,), optional
        Instead of weights, with what probability each person came into the sample; above 0, at most 1.
    strata : iterable, shape (n,), optional
        From which stratum each answer is: labels of any kind.
    populations : mapping of stratum to int, or int where there are no strata, optional
        How many people there are in each stratum, or how many clusters where there are clusters; None for an
        infinite population. What was drawn of a known number leaves less to chance, and a stratum of which
        everybody answered leaves nothing. A stratum of which nobody answered is counted in `DesignScore.uncovered`.
    clusters : iterable, shape (n,), optional
        To which cluster each answer belongs, where clusters were drawn, such as accounts; each lies within one stratum.
    cluster_populations : mapping of cluster to int, optional
        How many people there are in each cluster, where not everybody in it answered; only beside `populations`.
        Without it the clusters count as drawn anew each time, or as whole.
    margins : iterable of (column, mapping of label to int), optional
        What is known of the population besides: columns of labels, each with how many people have each label. Weights
        are made to agree: one margin is post-stratification, several are raking.
    where : iterable of bool, shape (n,), optional
        Whose score is wanted, such as of a region. The others still tell how the sample was drawn.
    lonely : {"error", "adjust", "certainty"}, default "error"
        What to do with a stratum, or a cluster, of which one of several is in the sample: refuse it, hold the one
        against the mean of all, or leave it out of the variance.
    missing : {"refuse", "drop"}, default "refuse"
        What to do with missing answers. The sample is then those who answered.
    scale : {"0-10", "1-10"}, default "0-10"
        The scale that the question showed.

    Returns
    -------
    DesignScore

    Raises
    ------
    InvalidRating, MissingRatings, NoRatings
        As `score` does; NoRatings also where `where` holds nobody who answered.
    InvalidArgument
        If the columns differ in length, a weight or a probability is out of range, a population is smaller than its
        sample or is not named, a margin is smaller than its part of the sample or adds to another number of people
        than the populations, a cluster lies in two strata, or a stratum is lonely.

    Warns
    -----
    ScaleWarning
        If the answers look like those of another scale: `netpromoter.ratings.scale_doubt` says when.

    Notes
    -----
    Without weights and probabilities each answer stands for as many as there are in its stratum for each who answered,
    where populations are known; else all weigh alike. This is also the right call where not everybody who was drawn
    answered: it supposes that within a stratum it was chance who did.

    Examples
    --------
    >>> design_score(
    ...     [9, 10, 3, 8, 10, 0, 7, 9, 10, 6],
    ...     strata=["paid"] * 4 + ["free"] * 6,
    ...     populations={"paid": 4, "free": 600},
    ...     where=[True] * 4 + [False] * 6,
    ... )
    NPS +25.0 (census of 4: no sampling error)
    """
    one_of("missing", missing, _POLICIES)
    one_of("lonely", lonely, _LONELY)
    found = _codes(ratings, scale=scale)
    answered = found != MISSING
    refuse_missing(int((~answered).sum()), found.size, missing, lambda: int(answered.argmin()))
    inside = np.ones(found.size, dtype=bool) if where is None else yes_or_no("where", where, size=found.size)
    absent = int((inside & ~answered).sum())
    if not (inside & answered).any():
        raise nobody(absent)
    _doubt(found[answered], scale)
    design = Sampling.from_columns(
        answered,
        weights=weights,
        probabilities=probabilities,
        strata=strata,
        populations=populations,
        clusters=clusters,
        cluster_populations=cluster_populations,
        margins=margins,
    )
    return _estimate(found[answered], inside[answered], design, lonely=lonely, missing=absent)


def _doubt(ratings: npt.NDArray[np.int8], scale: Scale) -> None:
    doubt = scale_doubt(ratings.size, int(ratings.min()), int(ratings.max()), scale=scale)
    if doubt:
        warn(doubt, ScaleWarning)


def _estimate(
    ratings: npt.NDArray[np.int8],
    inside: npt.NDArray[np.bool_],
    design: Sampling,
    *,
    lonely: LonelyPolicy,
    missing: int,
) -> DesignScore:
    """Estimate the score of some of the sample; those outside weigh nothing, and still tell how it was drawn."""
    weights = np.where(inside, design.weights, 0.0)
    total = weights.sum()
    promoters, detractors = (float(weights[who].sum() / total) for who in (ratings >= 9, ratings <= 6))
    answers = (ratings >= 9).astype(np.float64) - (ratings <= 6)
    influence = 100 * inside / total * (answers - (promoters - detractors))
    variance = design.variance(influence, lonely)
    n = int(inside.sum())
    sampled = inside & ~design.whole
    units, strata = np.unique(design.first.unit[inside]), np.unique(design.stratum[inside])
    return DesignScore(
        promoter_share=promoters,
        detractor_share=detractors,
        variance=0.0 if variance < _NEGLIGIBLE else variance,
        srs_variance=_srs_variance(promoters, detractors, n, float(total)),
        n=n,
        n_kish=_kish(weights[sampled] / total) * design.correction,
        sampled=int(sampled.sum()),
        degrees_of_freedom=units.size - strata.size,
        missing=missing,
        uncovered=design.uncovered,
        possible=_possible(promoters - detractors, answers[inside], design, census=not sampled.any()),
    )


def _possible(theta: float, answers: Floats, design: Sampling, *, census: bool) -> tuple[float, float]:
    """Give the lowest and the highest score that the unseen can still make, where they are counted."""
    if census:
        return 100 * theta, 100 * theta
    if not design.headcount or answers.size < design.weights.size:
        return -100.0, 100.0
    people = float(design.weights.sum())
    least, most = (100 * (float(answers.sum()) + side * (people - answers.size)) / people for side in (-1, 1))
    return min(least, 100 * theta), max(most, 100 * theta)


def _kish(shares: Floats) -> float:
    r"""Give the effective size of what each sampled answer weighs, as a share of all: :math:`1 / \sum s_i^2`.

    Without a census it is Kish's. With one, those sampled weigh S in all; their mean varies as that of
    :math:`S^2 / \sum s_i^2` answers, and S times it, which is what varies in the score, as :math:`1 / \sum s_i^2`.
    """
    return 1 / float((shares**2).sum()) if shares.size else math.inf


def _srs_variance(promoters: float, detractors: float, n: int, population: float) -> float:
    """Give the variance that a simple random sample of the same size would have, in points squared.

    Weights that add to no more than the sample are relative ones, and their sum is no population.
    """
    spread = promoters + detractors - (promoters - detractors) ** 2
    left = 1 - n / population if population > n else 1.0
    return 1e4 * max(0.0, spread) / (n - 1) * left if n > 1 else 0.0


def _t_quantile(df: int, tail: float) -> float:
    from scipy.special import stdtrit

    return -float(stdtrit(df, tail))


def _tails(t: float, df: int) -> dict[str, float]:
    """Give the p values of a statistic by alternative; 1 where nothing is known of its variance."""
    from scipy.special import stdtr

    if df < 1 and t and math.isfinite(t):
        return dict.fromkeys(ALTERNATIVES, 1.0)
    less, greater = (float(stdtr(max(df, 1), sign * t)) for sign in (1, -1))
    return {"less": less, "greater": greater, "two-sided": min(1.0, 2 * min(less, greater))}


def _effective(score: DesignScore) -> list[Floats]:
    shares = (score.promoter_share, score.passive_share, score.detractor_share)
    return [np.array([score.n_effective * share]) for share in shares]


def _score_interval(score: DesignScore, t: float) -> tuple[float, float]:
    promoters, passives, detractors = _effective(score)
    low, high = score_limits(promoters, passives, detractors, t)
    return 100 * float(low[0]), 100 * float(high[0])


def _t_interval(score: DesignScore, t: float) -> tuple[float, float]:
    return score.value - t * score.standard_error, score.value + t * score.standard_error


def _score_statistic(score: DesignScore, against: float) -> float:
    return float(score_statistic(np.array([against / 100]), *_effective(score))[0])


def _t_statistic(score: DesignScore, against: float) -> float:
    return ratio(score.value - against, score.standard_error)


_INTERVALS: MappingProxyType[DesignInterval, Callable[[DesignScore, float], tuple[float, float]]] = MappingProxyType(
    {"score": _score_interval, "t": _t_interval}
)

_STATISTICS: MappingProxyType[DesignInterval, Callable[[DesignScore, float], float]] = MappingProxyType(
    {"score": _score_statistic, "t": _t_statistic}
)
