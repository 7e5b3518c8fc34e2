"""The arms of a survey, compared: which is answered more often, and whether the arm shifts the score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import attrs

from netpromoter._checks import between, count, refusal, shown
from netpromoter._figures import points, span
from netpromoter._html import escape, table

from ._closed_forms import adjusted_moments
from ._difference import Difference
from ._rates import RateDifference, chi_squared_test, homogeneity_test, wilson_interval
from ._score import Score
from ._significance import SignificanceTest, shown_p_value

__all__ = ["VariantComparison", "compare_variants"]


@attrs.frozen(kw_only=True, repr=False)
class VariantComparison:
    """The arms of a survey, such as two subject lines: how often each is answered, and with what score.

    Make one with `compare_variants`. A difference is always the later arm minus the earlier.

    Parameters
    ----------
    arms : tuple of str
        The names of the arms, at least two.
    invited : tuple of int
        How many people each arm was delivered to.
    scores : tuple of Score or None
        The answers of each arm; None where nobody answered.

    Examples
    --------
    >>> a = Score.from_counts(promoters=90, passives=60, detractors=30)
    >>> b = Score.from_counts(promoters=120, passives=76, detractors=40)
    >>> found = VariantComparison(arms=("plain", "personal"), invited=(1000, 1000), scores=(a, b))
    >>> found.rates
    {'plain': 0.18, 'personal': 0.236}
    >>> found.score_test()
    SignificanceTest(score: statistic = 0.08, p = 0.94, two-sided)
    """

    arms: tuple[str, ...]
    invited: tuple[int, ...]
    scores: tuple[Score | None, ...]

    def __attrs_post_init__(self) -> None:
        known = len(set(self.arms))
        if known < 2 or {len(self.arms), len(self.invited), len(self.scores)} != {known}:
            raise refusal("arms", "at least two, each named once, with one count and one score", self.arms)
        for arm, invited, score in zip(self.arms, self.invited, self.scores, strict=True):
            count(f"invited[{shown(arm)}]", invited, least=1)
            if score is not None and not isinstance(score, Score):
                raise refusal(f"scores[{shown(arm)}]", "a Score, or None where nobody answered", score)
            if score is not None and score.n > invited:
                raise refusal(f"invited[{shown(arm)}]", f"at least the {score.n:,} who answered", invited)

    @property
    def answered(self) -> dict[str, int]:
        """How many people answered in each arm."""
        numbers = (0 if score is None else score.n for score in self.scores)
        return dict(zip(self.arms, numbers, strict=True))

    @property
    def rates(self) -> dict[str, float]:
        """The share that answered in each arm, from 0 to 1."""
        pairs = zip(self.answered.items(), self.invited, strict=True)
        return {arm: answered / invited for (arm, answered), invited in pairs}

    @property
    def unanswerable(self) -> str | None:
        """Why nobody can say whether the arm shifts the score, in a few words; None where one can."""
        silent = [shown(arm) for arm, score in zip(self.arms, self.scores, strict=True) if score is None]
        return f"nobody answered in {', '.join(silent)}" if silent else None

    @property
    def rate_differences(self) -> dict[tuple[str, str], RateDifference]:
        """The difference of the response rates of each two arms, as shares."""
        counts = zip(self.arms, self.answered.values(), self.invited, strict=True)
        return {
            (first, second): RateDifference(answered=(a, b), invited=(m, n))
            for (first, a, m), (second, b, n) in combinations(counts, 2)
        }

    @property
    def score_differences(self) -> dict[tuple[str, str], Difference]:
        """The difference of the scores of each two arms in which somebody answered, in points."""
        scored = [(arm, score) for arm, score in zip(self.arms, self.scores, strict=True) if score is not None]
        return {(first, second): Difference(before=s, after=t) for (first, s), (second, t) in combinations(scored, 2)}

    def rate_test(self) -> SignificanceTest:
        """Test whether all arms are answered equally often.

        Returns
        -------
        SignificanceTest
            The score test of `RateDifference` for two arms, and Pearson's chi-squared on k - 1 degrees of freedom for
            more.

        Examples
        --------
        >>> s = Score.from_counts(promoters=30, passives=10, detractors=10)
        >>> compare_variants({"a": 200, "b": 250, "c": 320}, dict.fromkeys("abc", s)).rate_test()
        SignificanceTest(chi_squared: statistic = 6.96, p = 0.031, two-sided)
        """
        if len(self.arms) == 2:
            return next(iter(self.rate_differences.values())).test()
        return homogeneity_test(tuple(self.answered.values()), self.invited)

    def score_test(self) -> SignificanceTest | None:
        """Test whether all arms have the same score.

        Returns
        -------
        SignificanceTest or None
            The score test of `Difference` for two arms, and Cochran's Q on k - 1 degrees of freedom for more, which
            wants a hundred answers an arm: at a level of 5% it rejects a true hypothesis 8% of the time with thirty.
            None where `unanswerable` says why.

        Examples
        --------
        >>> counts = {"a": (55, 30, 15), "b": (48, 30, 22), "c": (60, 25, 15)}
        >>> scores = {arm: Score(promoters=p, passives=a, detractors=d) for arm, (p, a, d) in counts.items()}
        >>> compare_variants(dict.fromkeys(scores, 400), scores).score_test()
        SignificanceTest(cochran: statistic = 3.23, p = 0.20, two-sided)
        """
        scores = [score for score in self.scores if score is not None]
        if len(scores) < len(self.arms):
            return None
        return Difference(before=scores[0], after=scores[1]).test() if len(scores) == 2 else _cochran_test(scores)

    def rows(self, *, confidence_level: float = 0.95) -> list[dict[str, Any]]:
        """Give one plain dict for each arm.

        Parameters
        ----------
        confidence_level : float, default 0.95
            Strictly between 0 and 1, for each arm by itself.

        Returns
        -------
        list of dict
            ``arm``, ``invited``, ``answered``; ``rate`` with Wilson's ``rate_low`` and ``rate_high``, as shares; and
            ``nps``, ``low`` and ``high`` in points, None where nobody answered. Any dataframe library makes a frame of
            them, as in ``polars.DataFrame(found.rows())``.

        Examples
        --------
        >>> s = Score.from_counts(promoters=3, passives=1, detractors=1)
        >>> rows = compare_variants({"a": 10, "b": 20}, {"a": s, "b": None}).rows()
        >>> [(row["arm"], row["rate"], row["nps"]) for row in rows]
        [('a', 0.5, 40.0), ('b', 0.0, None)]
        """
        level = between("confidence_level", confidence_level, 0, 1)
        found = []
        for arm, invited, score in zip(self.arms, self.invited, self.scores, strict=True):
            answered = 0 if score is None else score.n
            rate = (answered / invited, *wilson_interval(answered, invited, level))
            nps = (None, None, None) if score is None else (score.value, *score.interval(confidence_level=level))
            names = ("arm", "invited", "answered", "rate", "rate_low", "rate_high", "nps", "low", "high")
            found.append(dict(zip(names, (arm, invited, answered, *rate, *nps), strict=True)))
        return found

    def pairs(self, *, confidence_level: float = 0.95) -> list[dict[str, Any]]:
        """Give one plain dict for each two arms: the second minus the first.

        Parameters
        ----------
        confidence_level : float, default 0.95
            Strictly between 0 and 1, for each pair by itself.

        Returns
        -------
        list of dict
            ``first`` and ``second``; ``rate``, ``rate_low``, ``rate_high`` as shares and ``rate_p_value``; ``nps``,
            ``low``, ``high`` in points and ``p_value``, None where an arm has no score. The p values are adjusted for
            their number, those of the rates and those of the scores apart.

        References
        ----------
        Holm, S. (1979). A simple sequentially rejective multiple test procedure. *Scandinavian Journal of Statistics*
        6, 65-70.

        Examples
        --------
        >>> s = Score.from_counts(promoters=30, passives=10, detractors=10)
        >>> pairs = compare_variants({"a": 200, "b": 250, "c": 320}, dict.fromkeys("abc", s)).pairs()
        >>> [(pair["first"], pair["second"], round(pair["rate_p_value"], 3)) for pair in pairs]
        [('a', 'b', 0.347), ('a', 'c', 0.025), ('b', 'c', 0.347)]
        """
        level = between("confidence_level", confidence_level, 0, 1)
        rates, scores = _compared(self.rate_differences, level), _compared(self.score_differences, level)
        names = ("first", "second", "rate", "rate_low", "rate_high", "rate_p_value", "nps", "low", "high", "p_value")
        unknown = (None, None, None, None)
        return [dict(zip(names, (*pair, *rates[pair], *scores.get(pair, unknown)), strict=True)) for pair in rates]

    def __repr__(self) -> str:
        """Give what is found about the rates and about the score in one line."""
        if len(self.arms) > 2:
            rates, scores = _shown_test("chi-squared", self.rate_test()), _shown_test("Q", self.score_test())
            head = f"{len(self.arms):,} arms: response rates"
        else:
            rates, scores = (
                repr(next(iter(d.values()), None)) for d in (self.rate_differences, self.score_differences)
            )
            head = f"{shown(self.arms[1])} minus {shown(self.arms[0])}: response rate"
        reason = self.unanswerable
        return f"{head} {rates}; NPS {f'not comparable, {reason}' if reason else scores}"

    def _repr_html_(self) -> str:
        """Give a table of the arms, for notebooks."""
        cells = [
            [
                escape(str(row["arm"])),
                f"{row['rate']:.1%}",
                f"{row['rate_low']:.1%} to {row['rate_high']:.1%}",
                f"{row['answered']:,} of {row['invited']:,}",
                "" if row["nps"] is None else points(row["nps"]),
                "" if row["nps"] is None else span(row["low"], row["high"]),
            ]
            for row in self.rows()
        ]
        head = ["", "response rate", "95% CI", "answered", "NPS", "95% CI"]
        return table(head, cells, caption=escape(repr(self)))


def compare_variants(invited: Mapping[str, int], scores: Mapping[str, Score | None]) -> VariantComparison:
    """Compare the arms of a survey: which is answered more often, and whether the arm shifts the score.

    Parameters
    ----------
    invited : mapping of str to int
        How many people each arm was delivered to. The order of the arms is this one.
    scores : mapping of str to Score
        The answers of each arm; None where nobody answered. Those who answered are `Score.n`.

    Returns
    -------
    VariantComparison
        Its tests, the differences of each two arms, and their rows.

    Raises
    ------
    InvalidArgument
        If the two do not name the same arms, or fewer than two, or more people answered than were invited.

    Notes
    -----
    An arm that is answered more often reaches other people too, and with them the score may shift; equal scores are
    what one hopes for, and a test that does not reject does not show that they are equal. The interval of the
    difference says how large a shift can be.

    Examples
    --------
    >>> a = Score.from_counts(promoters=90, passives=60, detractors=30)
    >>> b = Score.from_counts(promoters=120, passives=76, detractors=40)
    >>> compare_variants({"plain": 1000, "personal": 1000}, {"plain": a, "personal": b})
    'personal' minus 'plain': response rate +5.6 percentage points (95% CI +2.0 to +9.2), p = 0.002;
    NPS +0.6 points (95% CI -13.8 to +15.2), p = 0.94
    """
    for name, mapping in (("invited", invited), ("scores", scores)):
        if not isinstance(mapping, Mapping):
            raise refusal(name, "a mapping of arms", mapping)
    apart = [arm for arm in (*invited, *scores) if arm not in invited or arm not in scores]
    if apart:
        raise refusal("scores", "of the arms in invited, with None where nobody answered", apart)
    sizes = tuple(count(f"invited[{shown(arm)}]", number, least=1) for arm, number in invited.items())
    return VariantComparison(arms=tuple(invited), invited=sizes, scores=tuple(scores[arm] for arm in invited))


def _cochran_test(scores: Sequence[Score]) -> SignificanceTest:
    """Hold the scores against their mean, each weighed by its inverse variance.

    References
    ----------
    Cochran, W. G. (1954). The combination of estimates from different experiments. *Biometrics* 10, 101-129.
    """
    weights = [1 / _variance(score) for score in scores]
    mean = sum(w * score.value for w, score in zip(weights, scores, strict=True)) / sum(weights)
    statistic = sum(w * (score.value - mean) ** 2 for w, score in zip(weights, scores, strict=True))
    return chi_squared_test(statistic, len(scores) - 1, "cochran")


def _variance(score: Score) -> float:
    """Give the variance of a score; where everybody is in one category, that of the adjusted counts."""
    error = attrs.evolve(score, population=None).standard_error
    if error:
        return error**2
    _, error = adjusted_moments(score.promoters, score.passives, score.detractors)
    return (100 * error) ** 2


def _compared(
    differences: Mapping[tuple[str, str], RateDifference | Difference], level: float
) -> dict[tuple[str, str], tuple[float, float, float, float]]:
    """Give the value, the limits and the adjusted p value of each difference."""
    adjusted = _holm([d.test().p_value for d in differences.values()])
    return {
        pair: (d.value, *d.interval(confidence_level=level), p)
        for (pair, d), p in zip(differences.items(), adjusted, strict=True)
    }


def _holm(p_values: Sequence[float]) -> list[float]:
    adjusted, highest = [0.0] * len(p_values), 0.0
    for rank, place in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = highest
    return adjusted


def _shown_test(name: str, test: SignificanceTest | None) -> str:
    return "" if test is None else f"{name} = {test.statistic:.2f}, {shown_p_value(test.p_value)}"
