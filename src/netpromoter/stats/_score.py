"""The score: promoters minus detractors, as a share of everyone who answered, in points."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np

from netpromoter._checks import between, count, one_of, refusal
from netpromoter._figures import basis, points, span
from netpromoter._html import bar, table
from netpromoter.errors import NoHistogram, NoRatings
from netpromoter.ratings import Histogram, MissingPolicy, Scale
from netpromoter.ratings import histogram as _histogram

from ._finite import correction, effective_counts, finite_intervals, merged_population, possible, probability_above
from ._intervals import METHODS, MOST, Method, intervals

if TYPE_CHECKING:
    from ._bayes import Prior
    from ._shares import ShareMethod
    from ._significance import Alternative, ScoreTestMethod, SignificanceTest

__all__ = ["Score", "score"]


def _plain(value: Any) -> int:
    """Make an int of a whole number of any type, and leave what is none to the validator."""
    try:
        return value if isinstance(value, bool | np.bool_ | np.timedelta64) or value != int(value) else int(value)
    except (TypeError, ValueError, OverflowError):
        return value  # type: ignore[no-any-return]  # the validator refuses it


def _counted(_: object, field: attrs.Attribute[int], value: int) -> None:
    count(field.name, value)


@attrs.frozen(kw_only=True, repr=False)
class Score:
    """A Net Promoter Score, with what is needed to defend it.

    Make one with `score`, `Score.from_counts` or `Score.from_histogram`. Two scores are equal when their counts of
    promoters, passives and detractors are; ``a + b`` merges disjoint samples.

    Parameters
    ----------
    promoters, passives, detractors : int
        How many gave 9-10, 7-8 and 0-6. At least one person must have answered.
    histogram : Histogram, optional
        The eleven counts, where they are known. It does not enter ``==``.
    missing : int, default 0
        People who did not answer. They are never in a denominator, and do not enter ``==``.
    population : int, optional
        How many people there are in all, such as the employees of a company, of whom these are a random sample; by
        default an infinite population. It enters ``==``, as it narrows every interval. The populations of ``a + b``
        add, as those of groups without people in common; where one is not known, that of the sum is not.

    References
    ----------
    Reichheld, F. F. (2003). The one number you need to grow. *Harvard Business Review* 81(12), 46-54.

    Examples
    --------
    >>> s = Score.from_counts(promoters=55, passives=30, detractors=15)
    >>> s
    NPS +40.0 (95% CI +24.6 to +53.2; n = 100)
    >>> s.value, s.exact
    (40.0, Fraction(40, 1))
    >>> s + s == Score.from_counts(promoters=110, passives=60, detractors=30)
    True
    """

    promoters: int = attrs.field(converter=_plain, validator=_counted)
    passives: int = attrs.field(converter=_plain, validator=_counted)
    detractors: int = attrs.field(converter=_plain, validator=_counted)
    histogram: Histogram | None = attrs.field(default=None, eq=False)
    missing: int = attrs.field(default=0, eq=False, converter=_plain, validator=_counted)
    population: int | None = attrs.field(
        default=None,
        converter=attrs.converters.optional(_plain),
        validator=attrs.validators.optional(_counted),
    )

    def __attrs_post_init__(self) -> None:
        known, counts = self.histogram, (self.promoters, self.passives, self.detractors)
        if known is not None and not isinstance(known, Histogram):
            raise refusal("histogram", "a Histogram", known)
        if known is not None and (known.promoters, known.passives, known.detractors) != counts:
            raise refusal("histogram", "one of the counts of the score", known.counts)
        if not self.n:
            message = f"a score must have at least one answer (got none, and {self.missing:,} missing)"
            raise NoRatings(message)
        for name, people in (("promoters + passives + detractors", self.n), ("population", self.population or 0)):
            if people > MOST:
                raise refusal(name, f"at most {MOST:g}", people)
        if self.population is not None and self.population < self.n:
            raise refusal("population", f"at least the {self.n:,} who answered", self.population)

    @classmethod
    def from_counts(
        cls, *, promoters: int, passives: int, detractors: int, missing: int = 0, population: int | None = None
    ) -> Score:
        """Make a score from the three counts.

        Raises
        ------
        InvalidArgument
            If a count is not a whole number of at least 0, or the population is smaller than their sum.
        NoRatings
            If all three are 0.

        Examples
        --------
        >>> Score.from_counts(promoters=8465, passives=3953, detractors=1194).value
        53.4...
        """
        return cls(
            promoters=promoters, passives=passives, detractors=detractors, missing=missing, population=population
        )

    @classmethod
    def from_histogram(
        cls,
        counts: Histogram | Iterable[int] | Mapping[int, int],
        *,
        missing: int = 0,
        population: int | None = None,
    ) -> Score:
        """Make a score from eleven counts, of the answers 0 to 10, a mapping of answers to counts, or a `Histogram`.

        Examples
        --------
        >>> Score.from_histogram([0, 0, 0, 0, 0, 0, 1, 0, 3, 0, 6]).mean
        9.0
        """
        if isinstance(counts, Histogram) and missing:
            raise refusal("missing", "0 beside a Histogram, which has its own", missing)
        known = counts if isinstance(counts, Histogram) else Histogram(counts=counts, missing=missing)
        return cls(
            promoters=known.promoters,
            passives=known.passives,
            detractors=known.detractors,
            histogram=known,
            missing=known.missing,
            population=population,
        )

    @property
    def n(self) -> int:
        """How many people answered."""
        return self.promoters + self.passives + self.detractors

    @property
    def census(self) -> bool:
        """Whether everybody of a known population answered, so that nothing is left to chance."""
        return self.population == self.n

    @property
    def exact(self) -> Fraction:
        """The score in points as an exact fraction, from -100 to 100."""
        return Fraction(100 * (self.promoters - self.detractors), self.n)

    @property
    def value(self) -> float:
        """The score in points, from -100 to 100: the float nearest to `exact`."""
        return float(self.exact)

    @property
    def promoter_share(self) -> float:
        """The share of promoters, from 0 to 1."""
        return self.promoters / self.n

    @property
    def passive_share(self) -> float:
        """The share of passives, from 0 to 1."""
        return self.passives / self.n

    @property
    def detractor_share(self) -> float:
        """The share of detractors, from 0 to 1."""
        return self.detractors / self.n

    @property
    def standard_error(self) -> float:
        r"""The standard error in points, :math:`100 \sqrt{(p + d - (p - d)^2) / n}`.

        It is the large-sample formula, and 0 when everybody is in one category: take `interval` for a statement. Of a
        population of N people it is :math:`\sqrt{(N - n) / (N - 1)}` of it, and 0 for a census.
        """
        if self.census:
            return 0.0
        decided = self.promoters + self.detractors
        spread = self.n * decided - (self.promoters - self.detractors) ** 2
        return float(100 * (Fraction(spread, self.n**3) ** 0.5) / correction(self.n, self.population) ** 0.5)

    @property
    def mean(self) -> float:
        """The mean rating from 0 to 10, where the eleven counts are known.

        Raises
        ------
        NoHistogram
            If the score was made from three counts.
        """
        if self.histogram is None:
            message = "mean needs the eleven counts, and this score was made from three: use Score.from_histogram"
            raise NoHistogram(message)
        return self.histogram.mean

    def interval(self, *, confidence_level: float = 0.95, method: Method = "score") -> tuple[float, float]:
        """Give a confidence interval for the score of everyone who might have been asked.

        Parameters
        ----------
        confidence_level : float, default 0.95
            Strictly between 0 and 1.
        method : str, default "score"
            Any name of `intervals`, which describes each.

        Returns
        -------
        low, high : float
            The limits in points; both are the score itself where everybody of a `population` answered.

        Notes
        -----
        Of a population of N people the interval is that of :math:`n (N - 1) / (N - n)` answers, and never goes beyond
        the scores that are still possible. ``"exact"`` and the bootstraps, which take whole counts, keep to the second
        alone. The Bayesian methods take the posterior of what the unseen people would have said, under which each limit
        is a possible score, and at most half of what the level leaves lies beyond it.

        Examples
        --------
        >>> low, high = Score.from_counts(promoters=6, passives=3, detractors=1).interval(confidence_level=0.9)
        >>> round(low, 2), round(high, 2)
        (7.08, 76.14)
        """
        if self.population is None:
            low, high = intervals(*self._counts, method=method, confidence_level=confidence_level)
            return float(low), float(high)
        one_of("method", method, METHODS)
        column = np.array(self._counts, dtype=np.float64)[:, None]
        limits = finite_intervals(column, self.population, method=method, confidence_level=confidence_level)
        return (self.value, self.value) if self.census else (float(limits[0][0]), float(limits[1][0]))

    def share_intervals(
        self, *, confidence_level: float = 0.95, method: ShareMethod = "wilson"
    ) -> dict[str, tuple[float, float]]:
        """Give confidence intervals for the shares of promoters, passives and detractors.

        Parameters
        ----------
        confidence_level : float, default 0.95
            Strictly between 0 and 1.
        method : {"wilson", "jeffreys", "clopper_pearson", "agresti_coull", "goodman"}, default "wilson"
            ``"goodman"`` holds for the three shares at once, the others for each by itself.

        Returns
        -------
        dict of str to (float, float)
            The limits of each share, from 0 to 1.

        Examples
        --------
        >>> low, high = Score.from_counts(promoters=5, passives=0, detractors=0).share_intervals()["promoters"]
        >>> round(low, 3), high
        (0.566, 1.0)
        """
        from ._shares import SHARE_METHODS, finite_share_limits

        one_of("method", method, SHARE_METHODS)
        level = between("confidence_level", confidence_level, 0, 1)
        low, high = finite_share_limits(self._counts, self.population, method, level)
        return dict(
            zip(("promoters", "passives", "detractors"), zip(low.tolist(), high.tolist(), strict=True), strict=True)
        )

    def probability_above(self, points: float = 0.0, *, prior: Prior = "jeffreys") -> float:
        """Give the posterior probability that the score of everyone who might have been asked is above `points`.

        Parameters
        ----------
        points : float, default 0
            Strictly between -100 and 100.
        prior : {"jeffreys", "perks", "uniform"}, default "jeffreys"
            How much each category counts before anybody answered: 1/2, 1/3 or 1.

        Notes
        -----
        Of a `population` it is the probability of what the unseen people would have said: a score that they cannot
        make any more has none. The law is summed up to a thousand unseen people, and beyond as long as the sum is not
        too long; else a continuous law with its mean and covariance takes its place.

        Examples
        --------
        >>> round(Score.from_counts(promoters=6, passives=3, detractors=1).probability_above(), 3)
        0.975
        """
        from ._bayes import PRIORS, posterior_probability_below

        added = PRIORS[one_of("prior", prior, PRIORS)]
        above = between("points", points, -100, 100)
        if self.population is not None:
            return probability_above(above, self._counts, self.population, added)
        mirrored = (np.array([float(count)]) for count in reversed(self._counts))
        return float(posterior_probability_below(-above / 100, *mirrored, prior=added)[0])

    def test(
        self, *, against: float = 0.0, method: ScoreTestMethod = "score", alternative: Alternative = "two-sided"
    ) -> SignificanceTest:
        """Test whether the score of everyone who might have been asked is `against`.

        Parameters
        ----------
        against : float, default 0
            The score under the null hypothesis, in points, strictly between -100 and 100.
        method : {"score", "scas", "wald", "exact"}, default "score"
            ``"score"`` is Tango's test (McNemar's against 0) and agrees with the default interval; ``"scas"``
            corrects it for skewness and is the better one-sided claim; ``"exact"`` is the sign test, against 0 only.
        alternative : {"two-sided", "less", "greater"}, default "two-sided"
            On which side of `against` the score may lie.

        Returns
        -------
        SignificanceTest
            With `statistic` and `p_value`. A score that a known `population` cannot have any more is rejected with 0.

        Examples
        --------
        >>> Score.from_counts(promoters=55, passives=30, detractors=15).test(against=20, alternative="greater")
        SignificanceTest(score: statistic = 2.50, p = 0.0062, greater)
        """
        from ._significance import score_test

        counts = self._counts if method == "exact" else effective_counts(self._counts, self.population)
        return score_test(counts, against=against, method=method, alternative=alternative, possible=self._possible)

    @property
    def _possible(self) -> tuple[float, float]:
        return (-100.0, 100.0) if self.population is None else possible(self._counts, self.population)

    @property
    def _counts(self) -> tuple[int, int, int]:
        return self.promoters, self.passives, self.detractors

    def __add__(self, other: Score) -> Score:
        """Merge two disjoint samples."""
        if not isinstance(other, Score):
            return NotImplemented
        both = self.histogram and other.histogram
        return Score(
            promoters=self.promoters + other.promoters,
            passives=self.passives + other.passives,
            detractors=self.detractors + other.detractors,
            histogram=self.histogram + other.histogram if both else None,  # type: ignore[operator]
            missing=self.missing + other.missing,
            population=merged_population(self.population, other.population),
        )

    def __radd__(self, other: Any) -> Score:
        """Let `sum` begin at its 0."""
        return self if other == 0 else NotImplemented

    def __repr__(self) -> str:
        """Give the score, its interval and the sample in one line."""
        words = basis(self.interval(), self.n, population=self.population, missing=self.missing)
        return f"NPS {points(self.value)} ({words})"

    def _repr_html_(self) -> str:
        """Give a small table with a bar of the three groups, for notebooks."""
        low, high = self.interval()
        groups = bar(self.promoters, self.passives, self.detractors)
        counts = (f"{count:,}" for count in (self.missing, self.detractors, self.passives, self.promoters))
        head = ["NPS", "95% CI", "n", "missing", "detractors", "passives", "promoters"]
        limits = "census" if self.census else span(low, high)
        row = [f"<b>{points(self.value)}</b>", limits, self._shown_n, *counts]
        return table(head, [row], caption=groups)

    @property
    def _shown_n(self) -> str:
        return f"{self.n:,}" if self.population is None else f"{self.n:,} of {self.population:,}"


def score(
    ratings: Any,
    *,
    missing: MissingPolicy = "refuse",
    scale: Scale = "0-10",
    population: int | None = None,
) -> Score:
    """Compute the Net Promoter Score of a column of answers.

    Parameters
    ----------
    ratings : iterable, shape (n,)
        Answers from 0 to 10: a list, a numpy array (masked, or with NaN), or a column of pandas, polars or pyarrow,
        of numbers or of text as exports write it (`netpromoter.ratings.parse` says what is understood).
    missing : {"refuse", "drop"}, default "refuse"
        What to do with missing answers: refuse them with their count, or leave them out and keep the count in
        `Score.missing`. They are never in the denominator.
    scale : {"0-10", "1-10"}, default "0-10"
        The scale that the question showed.
    population : int, optional
        How many people there are in all, where the answers are a random sample of a known number, such as the
        employees of a company: every interval becomes narrower, and without width where everybody answered.

    Returns
    -------
    Score
        With its eleven counts in `Score.histogram`.

    Raises
    ------
    InvalidRating
        If any answer is not a whole number on the scale.
    MissingRatings
        If answers are missing and `missing` is ``"refuse"``.
    NoRatings
        If nobody answered.
    InvalidArgument
        If more people answered than there are in the population.

    Warns
    -----
    ScaleWarning
        If the answers look like those of another scale: `netpromoter.ratings.scale_doubt` says when.

    Examples
    --------
    >>> score([10, 9, 9, 8, 7, 3, "10 - Extremely likely", None], missing="drop")
    NPS +42.9 (95% CI -19.9 to +79.3; n = 7; 1 missing)
    >>> score([10] * 90 + [8] * 40 + [3] * 50, population=200)
    NPS +22.2 (95% CI +18.2 to +26.1; n = 180 of 200)
    >>> score([10] * 90 + [8] * 40 + [3] * 70, population=200)
    NPS +10.0 (census of 200: no sampling error)
    """
    return Score.from_histogram(_histogram(ratings, missing=missing, scale=scale), population=population)
